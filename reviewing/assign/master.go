package assign

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
)

// master is the linear programme over panels: a row per application, which
// shares out its panels, and one per expert, who has so many places. Its value
// is the total; for the greatest minimum M, of which every application has a row
// of its own, it is M. Panels that a node or a floor forbids cost as much as
// empty seats, so that the programme goes on from one node to the next.
type master struct {
	*model
	fair    bool
	lp      *lp
	pool    []panel // columns first and on
	known   map[string]bool
	promise map[int32]float64 // per pair tried, its score
	first   int               // column of the first panel
	centre  []float64         // multipliers of the least bound so far: experts, then floors
}

// panel is a column of the linear programme.
type panel struct {
	application int32
	pairs       []int32 // ascending, without empty seats
	affinity    int64
}

// tooLarge is the number of rows above which the inverse is not worth its room.
const tooLarge = 5_000

// spread breaks ties between right sides, which make the simplex stall.
func spread(j int) float64 { return float64(1e-6 * (1 + float64((j*7919)%1013)/1013)) }

// newMaster sets up the programme; nil if it would be too large.
func (m *model) newMaster(fair bool) *master {
	rows := m.n + m.m
	if fair {
		rows += m.n
	}
	if rows > tooLarge {
		return nil
	}
	b, slack := make([]float64, rows), make([]float64, rows)
	for i := range m.n {
		b[i], slack[i] = 1, m.penalty(m.size)
	}
	for j := range m.m {
		b[m.n+j] = float64(m.load[j]) + spread(j)
	}
	p := &master{model: m, fair: fair, lp: newLP(b, slack), first: rows, centre: make([]float64, rows-m.n), known: map[string]bool{}, promise: map[int32]float64{}}
	if fair {
		all := column{cost: 1}
		for i := range m.n {
			all.row = append(all.row, int32(m.n+m.m+i))
		}
		p.lp.add(all)
		p.first++
	}
	return p
}

// penalty of so many empty seats.
func (m *model) penalty(seats int) float64 { return -float64(seats) * float64(m.vacancy) / Unit }

// fits tells whether a panel keeps what is fixed, and the floor.
func (m *master) fits(p *panel) bool {
	if p.affinity < m.floor {
		return false
	}
	for _, q := range p.pairs {
		if m.fix[q] == out {
			return false
		}
	}
	from, to := m.start[int(p.application)*len(m.Seats)], m.start[(int(p.application)+1)*len(m.Seats)]
	for q := from; q < to; q++ {
		if m.fix[q] == in && !slices.Contains(p.pairs, q) {
			return false
		}
	}
	return true
}

// cost of a panel at the node.
func (m *master) cost(p *panel) float64 {
	switch {
	case !m.fits(p):
		return m.penalty(m.size)
	case m.fair:
		return m.penalty(m.size - len(p.pairs))
	}
	return m.penalty(m.size-len(p.pairs)) + float64(p.affinity)/Unit
}

// enter the node where the model is fixed.
func (m *master) enter() {
	for k := range m.pool {
		m.lp.columns[m.first+k].cost = m.cost(&m.pool[k])
	}
	m.lp.reprice()
}

// found takes a panel into the programme; false if it is there.
func (m *master) found(i int32, seats []int32) bool {
	p := panel{application: i, affinity: m.affinityOf(seats)}
	for _, q := range seats {
		if q != empty {
			p.pairs = append(p.pairs, q)
		}
	}
	slices.Sort(p.pairs)
	key := fmt.Sprint(i, p.pairs)
	if m.known[key] {
		return false
	}
	m.known[key] = true
	m.pool = append(m.pool, p)
	c := column{cost: m.cost(&p), row: []int32{i}}
	for _, q := range p.pairs {
		c.row = append(c.row, int32(m.n)+m.expert[q])
	}
	if m.fair {
		for range c.row {
			c.at = append(c.at, 1)
		}
		c.row, c.at = append(c.row, int32(m.n+m.m)+i), append(c.at, -float64(p.affinity)/Unit)
	}
	m.lp.add(c)
	return true
}

// generate solves the programme, adding the panels that its multipliers make
// the best, and keeps in the leaf the multipliers of the least bound; true if
// that bound closes the node. Multipliers part of the way back to the best so
// far are tried first, which keeps them from swinging (Wentges 1997).
func (m *master) generate(s *search, leaf *node, rounds int) bool {
	m.enter()
	for _, panels := range [][]int32{s.best, s.flow.panels} {
		for i := 0; i < m.n && panels != nil; i++ {
			m.found(int32(i), panels[i*m.size:(i+1)*m.size])
		}
	}
	clear(m.centre)
	for j, p := range leaf.price {
		m.centre[j] = float64(p) / float64(leaf.scale) / Unit
	}
	for i, f := range leaf.floors {
		m.centre[m.m+i] = float64(f) / float64(leaf.scale)
	}
	scale := m.finest()
	for ; rounds > 0 && !s.stop(); rounds-- {
		s.tell(leaf.bound)
		m.lp.solve(s.stop)
		added := false
		for _, back := range []float64{0.6, 0} {
			if added = m.bid(s, leaf, scale, back); s.closes(leaf.bound) {
				return true
			}
			if added {
				break
			}
		}
		if !added {
			break
		}
	}
	if m.fair && rounds > 0 && !s.stop() {
		for small := int64(1); small <= coarse; small++ { // multipliers of small denominators lose nothing by rounding
			if m.bid(s, leaf, small, 0); s.closes(leaf.bound) {
				return true
			}
		}
	}
	return s.closes(leaf.bound)
}

// coarse is up to which denominator multipliers of floors are tried exactly.
const coarse = 24

// finest is the greatest scale of multipliers that 64 bits hold with room for
// sums.
func (m *master) finest() int64 {
	return min(1_000_000, max(1, math.MaxInt64/16/int64(m.size)/m.vacancy))
}

// bid rounds the multipliers to a scale, finds every application's best panel at
// them, which is a bound the leaf keeps if it is the least, and adds the panels
// that gain at the programme's own multipliers.
func (m *master) bid(s *search, leaf *node, scale int64, back float64) (added bool) {
	multiplier := make([]float64, len(m.centre))
	for r, c := range m.centre {
		multiplier[r] = float64(back*c) + float64((1-back)*max(0, m.lp.price[m.n+r]))
	}
	price, floors, divisor := make([]int64, m.m), []int64(nil), scale
	var bound Sum
	for j := range m.m {
		price[j] = int64(math.Round(multiplier[j] * Unit * float64(scale)))
		bound = bound.AddTimes(m.load[j], price[j])
	}
	if m.fair {
		floors, divisor = make([]int64, m.n), 0
		for i := range m.n {
			floors[i] = int64(math.Round(multiplier[m.m+i] * float64(scale)))
			divisor += floors[i]
		}
		if divisor == 0 {
			return false
		}
	}
	pairs := make([]int32, m.size)
	for i := range m.n {
		k, weight := scale, 1.0
		if m.fair {
			k, weight = floors[i], max(0, m.lp.price[m.n+m.m+i])
		}
		worth, ok := s.flow.chooser.choose(i, k, scale*m.vacancy, price, m.floor, pairs)
		if !ok {
			*leaf = node{parent: leaf.parent, pair: leaf.pair, value: leaf.value, scale: scale, price: price, blocked: true}
			return false
		}
		bound = bound.Add(worth)
		gain := -m.lp.price[i]
		for _, q := range pairs {
			if q == empty {
				gain -= float64(m.vacancy) / Unit
			} else {
				gain += weight*float64(m.value[q])/Unit - max(0, m.lp.price[m.n+int(m.expert[q])])
			}
		}
		if gain > least && m.found(int32(i), pairs) {
			added = true
		}
	}
	if b := bound.grid(divisor, 1); b.Cmp(leaf.bound) < 0 {
		leaf.scale, leaf.price, leaf.floors, leaf.bound = scale, price, floors, b
		copy(m.centre, multiplier)
	}
	return added
}

// shares of the panels in the solution.
func (m *master) shares(use func(p *panel, share float64)) {
	for r, k := range m.lp.basis {
		if at := int(k) - m.first; at >= 0 && m.fits(&m.pool[at]) && m.lp.x[r] > 1e-7 {
			use(&m.pool[at], m.lp.x[r])
		}
	}
}

// round seats every application's most used panel and settles.
func (m *master) round(s *search) {
	most := make([]float64, m.n)
	panels := slices.Clone(s.flow.panels)
	m.shares(func(p *panel, share float64) {
		if i := int(p.application); share > most[i] {
			most[i] = share
			seats := panels[i*m.size : (i+1)*m.size]
			for at := range seats {
				seats[at] = empty
			}
			m.lay(seats, p.pairs)
		}
	})
	for j := range m.m {
		s.flow.price[j] = int64(math.Round(max(0, m.lp.price[m.n+j]) * Unit))
	}
	s.flow.adopt(panels)
	if s.flow.settle(4*m.n+64, s.stop) {
		s.record(s.flow.panels)
	}
}

// lay writes pairs into the seats of their classes.
func (m *model) lay(seats, pairs []int32) {
	next := slices.Clone(m.offset)
	for _, q := range pairs {
		c := m.class[m.expert[q]]
		seats[next[c]] = q
		next[c]++
	}
}

// How many pairs are tried before one is branched on, and how many rounds of
// generating panels each; and how many rounds a node gets.
const (
	considered = 5
	trial      = 8
	unlimited  = 1 << 30
	idle       = 1e-6 // the least share of the gap that a side counts as closing
)

// doubtful is the pair to branch on: the one that lowers the leaf's bound most,
// both when it is used and when it is not; empty if none is used in part. Tried
// are those that did so elsewhere in the tree, then those whose shares are
// nearest to a half, last those that did not.
func (m *master) doubtful(s *search, leaf *node) int32 {
	share := map[int32]float64{}
	m.shares(func(p *panel, x float64) {
		for _, q := range p.pairs {
			share[q] += x
		}
	})
	var list []int32
	doubt := func(q int32) float64 { return min(share[q], 1-share[q]) }
	for _, q := range slices.Sorted(maps.Keys(share)) {
		if m.fix[q] == free && doubt(q) > 1e-5 {
			list = append(list, q)
		}
	}
	slices.SortStableFunc(list, func(a, b int32) int {
		return cmp.Or(cmp.Compare(m.promised(b), m.promised(a)), cmp.Compare(doubt(b), doubt(a)))
	})
	if len(list) == 0 {
		return m.certain(s, share)
	}
	best, most, gap := list[0], -1.0, leaf.bound.minus(s.reached)
	for _, q := range list[:min(considered, len(list))] {
		score := 1.0
		for _, fix := range []int8{in, out} {
			m.fix[q] = fix
			trying, gain := *leaf, 1.0
			if m.generate(s, &trying, trial); !trying.blocked && !s.closes(trying.bound) {
				gain = leaf.bound.minus(trying.bound) / gap
			}
			score *= max(gain, idle)
		}
		m.fix[q] = free
		m.promise[q] = score
		if score > most {
			best, most = q, score
		}
	}
	return best
}

// certain is a pair to branch on where the programme uses all it uses whole, and
// only its multipliers, rounded to 64 bits, do not prove it: one of the
// application that is worst off, until in small trees everything is fixed.
func (m *master) certain(s *search, share map[int32]float64) int32 {
	if len(s.nodes) > affordable {
		return empty
	}
	affinity := s.affinities(s.best)
	best := empty
	for _, q := range slices.Sorted(maps.Keys(share)) {
		if m.fix[q] == free && (best == empty || affinity[m.owner[q]] < affinity[m.owner[best]]) {
			best = q
		}
	}
	return best
}

// affordable is how many nodes a tree may have that branches on certain pairs.
const affordable = 2000

// promised is the score of a pair when it was tried last; of one that never was,
// that of closing one side and not lowering the other.
func (m *master) promised(q int32) float64 {
	if score, ok := m.promise[q]; ok {
		return score
	}
	return idle
}
