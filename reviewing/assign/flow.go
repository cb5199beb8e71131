package assign

import (
	"math"
	"slices"
)

// flow balances loads at given prices: panels are the best at the prices all
// the while, and shortest chains of exchanges move applications from experts
// with too many to experts with places, or to those whose price would be paid
// for nothing, raising or lowering prices just as far as that takes.
type flow struct {
	*model
	price    []int64
	panels   []int32 // pairs, size per application, empty seats empty
	affinity []int64 // per application, of its panel
	held     []bool
	holders  [][]int32 // per expert, the pairs that seat him
	chooser  *chooser
	scratch  []int32
	// of one search
	dist  []int64
	hops  []int32
	from  []step
	state []int8
	seen  []int32
	heap  []reached
}

// step is one exchange of a chain: an application lets gives go for takes.
type step struct{ gives, takes int32 }

// reached is an expert on the border of a search.
type reached struct {
	dist   int64
	hops   int32
	expert int32
}

func (m *model) newFlow(price []int64) *flow {
	f := &flow{model: m, price: price, panels: make([]int32, m.n*m.size), affinity: make([]int64, m.n), held: make([]bool, len(m.expert)),
		holders: make([][]int32, m.m), scratch: make([]int32, m.size),
		dist: make([]int64, m.m), hops: make([]int32, m.m), from: make([]step, m.m), state: make([]int8, m.m)}
	for at := range f.panels {
		f.panels[at] = empty
	}
	f.chooser = &chooser{model: m, held: f.held}
	return f
}

// panel of an application.
func (f *flow) panel(i int) []int32 { return f.panels[i*f.size : (i+1)*f.size] }

// seat and unseat keep holders, held and affinity.
func (f *flow) seat(at int, q int32) {
	f.panels[at] = q
	f.held[q] = true
	f.holders[f.expert[q]] = append(f.holders[f.expert[q]], q)
	f.affinity[f.owner[q]] += f.value[q]
}

func (f *flow) unseat(at int) {
	q := f.panels[at]
	f.panels[at] = empty
	f.held[q] = false
	f.affinity[f.owner[q]] -= f.value[q]
	holders := f.holders[f.expert[q]]
	for k, other := range holders {
		if other == q {
			holders[k] = holders[len(holders)-1]
			f.holders[f.expert[q]] = holders[:len(holders)-1]
			return
		}
	}
}

// adopt seats panels as they are.
func (f *flow) adopt(panels []int32) {
	for at, q := range f.panels {
		if q != empty {
			f.unseat(at)
		}
	}
	for at, q := range panels {
		if q != empty {
			f.seat(at, q)
		}
	}
}

// worth of an application's panel at the prices.
func (f *flow) worth(i int) (x int64) {
	for _, q := range f.panel(i) {
		if q == empty {
			x -= f.vacancy
		} else {
			x += f.value[q] - f.price[f.expert[q]]
		}
	}
	return x
}

// chooseAll gives every application its best panel where it has not one as good.
// The bound is what no assignment exceeds at these prices; ok is false if an
// application cannot reach the floor.
func (f *flow) chooseAll() (bound Sum, changed, ok bool) {
	for j, p := range f.price {
		bound = bound.AddTimes(f.load[j], p)
	}
	for i := range f.n {
		worth, moved, ok := f.choose(i)
		if !ok {
			return Sum{}, false, false
		}
		bound, changed = bound.Add(worth), changed || moved
	}
	return bound, changed, true
}

// choose gives an application its best panel, whose worth is returned, if it has
// not one as good; false if none reaches the floor.
func (f *flow) choose(i int) (worth int64, changed, ok bool) {
	best, ok := f.chooser.choose(i, 1, f.vacancy, f.price, f.floor, f.scratch)
	if !ok || best == f.worth(i) && f.affinity[i] >= f.floor && f.fixed(i) {
		return best, false, ok
	}
	panel := f.panel(i)
	for at, q := range panel {
		if q != empty && !slices.Contains(f.scratch, q) {
			f.unseat(i*f.size + at)
		}
	}
	for _, q := range f.scratch {
		if q != empty && !f.held[q] {
			f.seat(f.vacant(q), q)
		}
	}
	return best, true, true
}

// fixed tells whether a panel keeps what branching fixed, and the unit cap.
func (f *flow) fixed(i int) bool {
	panel := f.panel(i)
	for _, q := range panel {
		if q != empty && f.fix[q] == out {
			return false
		}
	}
	from, to := f.start[i*len(f.Seats)], f.start[(i+1)*len(f.Seats)]
	for q := from; q < to; q++ {
		if f.fix[q] == in && !f.held[q] {
			return false
		}
	}
	return f.UnitCap == 0 || f.capped(panel)
}

// vacant is an empty seat for a pair.
func (f *flow) vacant(q int32) int {
	at := int(f.owner[q])*f.size + f.offset[f.class[f.expert[q]]]
	for f.panels[at] != empty {
		at++
	}
	return at
}

// fits tells whether an application may let gives go for takes.
func (f *flow) fits(gives, takes int32) bool {
	i := f.owner[gives]
	if f.floor > 0 && f.affinity[i]-f.value[gives]+f.value[takes] < f.floor {
		return false
	}
	u := f.unit[f.expert[takes]]
	return u < 0 || u == f.unit[f.expert[gives]] || f.count(f.panel(int(i)), u) < f.UnitCap
}

const (
	unseen int8 = iota
	border
	done
)

// begin starts a search at an expert.
func (f *flow) begin(j int32) {
	for _, j := range f.seen {
		f.state[j] = unseen
	}
	f.seen, f.heap = f.seen[:0], f.heap[:0]
	f.reach(reached{0, 0, j}, step{empty, empty})
}

// reach notes a way to an expert.
func (f *flow) reach(r reached, by step) {
	j := r.expert
	switch f.state[j] {
	case done:
		return
	case border:
		if r.dist > f.dist[j] || r.dist == f.dist[j] && r.hops >= f.hops[j] {
			return
		}
	default:
		f.seen = append(f.seen, j)
	}
	f.state[j], f.dist[j], f.hops[j], f.from[j] = border, r.dist, r.hops, by
	f.heap = append(f.heap, r)
	at := len(f.heap) - 1
	for at > 0 && r.before(f.heap[(at-1)/2]) {
		f.heap[at], at = f.heap[(at-1)/2], (at-1)/2
	}
	f.heap[at] = r
}

func (r reached) before(o reached) bool {
	if r.dist != o.dist {
		return r.dist < o.dist
	}
	if r.hops != o.hops {
		return r.hops < o.hops
	}
	return r.expert < o.expert
}

// next is the nearest expert of the border, done with it; false at the end.
func (f *flow) next() (reached, bool) {
	for len(f.heap) > 0 {
		r := f.heap[0]
		last := f.heap[len(f.heap)-1]
		f.heap = f.heap[:len(f.heap)-1]
		if n := len(f.heap); n > 0 {
			at := 0
			for {
				child := 2*at + 1
				if child+1 < n && f.heap[child+1].before(f.heap[child]) {
					child++
				}
				if child >= n || !f.heap[child].before(last) {
					break
				}
				f.heap[at], at = f.heap[child], child
			}
			f.heap[at] = last
		}
		if f.state[r.expert] == border && r.dist == f.dist[r.expert] && r.hops == f.hops[r.expert] {
			f.state[r.expert] = done
			return r, true
		}
	}
	return reached{}, false
}

// shed moves one application from an expert with too many to one with places,
// or leaves a seat empty, raising prices on the way; false if nothing can move.
func (f *flow) shed(j int32) bool {
	f.begin(j)
	end, vacate := reached{dist: math.MaxInt64, expert: -1}, empty
	for {
		r, ok := f.next()
		if !ok || r.dist >= end.dist {
			break
		}
		if len(f.holders[r.expert]) < f.load[r.expert] {
			end, vacate = r, empty
			break
		}
		for _, gives := range f.holders[r.expert] {
			if f.fix[gives] == in {
				continue
			}
			i := int(f.owner[gives])
			if d := r.dist + f.value[gives] - f.price[r.expert] + f.vacancy; d < end.dist && f.affinity[i]-f.value[gives] >= f.floor {
				end, vacate = reached{d, r.hops, r.expert}, gives
			}
			from, to := f.of(i, int(f.class[r.expert]))
			gain := r.dist + f.value[gives] - f.price[r.expert]
			for takes := from; takes < to; takes++ {
				k := f.expert[takes]
				d := max(r.dist, gain-f.value[takes]+f.price[k])
				if d >= end.dist || f.state[k] == done || f.held[takes] || f.fix[takes] == out || f.state[k] == border && d > f.dist[k] {
					continue
				}
				if f.fits(gives, takes) {
					f.reach(reached{d, r.hops + 1, k}, step{gives, takes})
				}
			}
		}
	}
	if end.expert < 0 {
		return false
	}
	for _, k := range f.seen {
		if f.state[k] == done {
			f.price[k] += max(0, end.dist-f.dist[k])
		}
	}
	if vacate != empty {
		f.unseat(f.place(vacate))
	}
	f.follow(end.expert, j)
	return true
}

// follow exchanges along the chain from its end back to where it began.
func (f *flow) follow(end, begin int32) {
	for k := end; k != begin; {
		s := f.from[k]
		if !f.fits(s.gives, s.takes) || f.held[s.takes] || !f.held[s.gives] {
			return // an earlier exchange of this application forbids it
		}
		at := f.place(s.gives)
		f.unseat(at)
		f.seat(at, s.takes)
		k = f.expert[s.gives]
	}
}

// place of a seated pair.
func (f *flow) place(q int32) int {
	at := int(f.owner[q])*f.size + f.offset[f.class[f.expert[q]]]
	for f.panels[at] != q {
		at++
	}
	return at
}

// fill lowers the price of an expert with places, and those on the way, until
// it is nothing or an application takes him instead of another whose price has
// become nothing, or for an empty seat.
func (f *flow) fill(j int32) {
	f.begin(j)
	end, into := reached{dist: math.MaxInt64, expert: -1}, empty
	for {
		r, ok := f.next()
		if !ok || r.dist >= end.dist {
			break
		}
		if d := r.dist + f.price[r.expert]; d < end.dist {
			end, into = reached{d, r.hops, r.expert}, empty
		}
		if len(f.holders[r.expert]) > f.load[r.expert] {
			end, into = r, empty
			break
		}
		for _, takes := range f.taker[f.first[r.expert]:f.first[r.expert+1]] {
			if f.held[takes] || f.fix[takes] == out {
				continue
			}
			i, class := int(f.owner[takes]), f.class[r.expert]
			lack := r.dist - f.value[takes] + f.price[r.expert]
			for at := i*f.size + f.offset[class]; at < i*f.size+f.offset[class+1]; at++ {
				gives := f.panels[at]
				if gives == empty {
					u := f.unit[r.expert]
					if d := max(r.dist, lack-f.vacancy); d < end.dist && (u < 0 || f.count(f.panel(i), u) < f.UnitCap) {
						end, into = reached{d, r.hops, r.expert}, takes
					}
					continue
				}
				k := f.expert[gives]
				d := max(r.dist, lack+f.value[gives]-f.price[k])
				if d >= end.dist || f.state[k] == done || f.fix[gives] == in || f.state[k] == border && d > f.dist[k] {
					continue
				}
				if f.fits(gives, takes) {
					f.reach(reached{d, r.hops + 1, k}, step{gives, takes})
				}
			}
		}
	}
	for _, k := range f.seen {
		if f.state[k] == done {
			f.price[k] = max(0, f.price[k]-max(0, end.dist-f.dist[k]))
		}
	}
	if into != empty {
		f.seat(f.vacant(into), into)
	}
	for k := end.expert; k != j; {
		s := f.from[k]
		if !f.fits(s.gives, s.takes) || f.held[s.takes] || !f.held[s.gives] {
			return
		}
		at := f.place(s.gives)
		f.unseat(at)
		f.seat(at, s.takes)
		k = f.expert[s.takes]
	}
}

// settle balances all loads; false if it gave up after so many chains.
func (f *flow) settle(patience int, stop func() bool) bool {
	for {
		moved := false
		for j := range int32(f.m) {
			for len(f.holders[j]) > f.load[j] {
				if patience--; patience < 0 || stop() || !f.shed(j) {
					return false
				}
				moved = true
			}
		}
		for j := range int32(f.m) {
			for f.price[j] > 0 && len(f.holders[j]) < f.load[j] {
				if patience--; patience < 0 || stop() {
					return false
				}
				f.fill(j)
				moved = true
			}
		}
		if !moved {
			return true
		}
	}
}
