package assign

// auction is Bertsekas' with ε-scaling for applications that want several
// experts and experts who take several applications. An application without its
// seats bids for one at a time: as much as makes the expert worth no more to it
// than the second best, and ε. An expert keeps the highest bids; his price is
// the lowest of them. Prices that an expert without all his applications has
// left from the phase before would be wrong, so all prices of a class are
// lowered by the dearest of them, which changes nobody's preferences.
type auction struct {
	*model
	price   []int64
	panels  []int32 // pairs, size per application
	held    []bool
	first   []int32 // per expert, his first slot; last = all
	slots   []slot  // per expert a heap, the lowest bid first
	queue   []int32 // applications with empty seats
	waiting []bool  // that are in the queue
}

// slot is a place with an expert and the bid that holds it.
type slot struct {
	bid  int64
	pair int32 // empty: nobody's yet
}

const (
	firstStep  = 4       // the first ε is the greatest affinity by this
	stepBy     = 5       // each ε is the one before by this
	lastStep   = 4000    // the last is the greatest affinity by this
	tooDear    = 2       // a seat stays empty rather than pay more than so many times the greatest affinity
	enough     = 20      // bidding of an application in a phase on average, after which scarce experts are left to the chains
	bidsAtOnce = 1 << 12 // between looks at the clock
)

// auction finds prices that nearly balance, and a nearly best assignment.
func (m *model) auction(stop func() bool) (price []int64, panels []int32) {
	a := &auction{model: m, price: make([]int64, m.m), panels: make([]int32, m.n*m.size), held: make([]bool, len(m.expert)),
		first: make([]int32, m.m+1), waiting: make([]bool, m.n)}
	for j := range m.m {
		a.first[j+1] = a.first[j] + int32(min(m.load[j], int(m.first[j+1]-m.first[j])))
	}
	a.slots = make([]slot, a.first[m.m])
	for at := range a.panels {
		a.panels[at] = empty
	}
	last := max(1, m.most/lastStep)
	for step := max(last, m.most/firstStep); ; step = max(last, step/stepBy) {
		a.release()
		a.run(step, stop)
		if step == last || stop() {
			break
		}
	}
	a.release()
	return a.price, a.panels
}

// release lowers the prices of every class by the dearest of an expert with a
// place left, and takes everybody's seats.
func (a *auction) release() {
	by := make([]int64, len(a.Seats))
	for j, c := range a.class {
		if from, to := a.first[j], a.first[j+1]; from < to && a.slots[from].pair == empty {
			by[c] = max(by[c], a.price[j])
		} else if from == to && c >= 0 {
			a.price[j] = 0
		}
	}
	for j, c := range a.class {
		if c < 0 {
			continue
		}
		a.price[j] = max(0, a.price[j]-by[c])
		for at := a.first[j]; at < a.first[j+1]; at++ {
			a.slots[at] = slot{a.price[j], empty}
		}
	}
}

// run bids until every seat is taken or not worth its price.
func (a *auction) run(step int64, stop func() bool) {
	clear(a.held)
	a.queue = a.queue[:0]
	for at := range a.panels {
		a.panels[at] = empty
	}
	for i := range a.n {
		a.queue = append(a.queue, int32(i))
		a.waiting[i] = true
	}
	for n := 1; len(a.queue) > 0 && n < enough*a.n; n++ {
		if n%bidsAtOnce == 0 && stop() {
			break
		}
		i := a.queue[0]
		a.queue = a.queue[1:]
		a.waiting[i] = false
		for class := range a.Seats {
			for at := a.offset[class]; at < a.offset[class+1]; at++ {
				if seat := int(i)*a.size + at; a.panels[seat] == empty && !a.bid(int(i), class, seat, step) {
					break
				}
			}
		}
	}
}

// bid seats the best expert for the price of the second best and a step more;
// false if none is worth more than an empty seat.
func (a *auction) bid(i, class, seat int, step int64) bool {
	panel := a.panels[i*a.size : (i+1)*a.size]
	best, worth, second := empty, -tooDear*a.most, -tooDear*a.most
	from, to := a.of(i, class)
	for q := from; q < to; q++ {
		j := a.expert[q]
		x := a.value[q] - a.price[j]
		if x <= second || a.held[q] {
			continue
		}
		if u := a.unit[j]; u >= 0 && a.count(panel, u) >= a.UnitCap {
			continue
		}
		if x > worth {
			best, worth, second = q, x, worth
		} else {
			second = x
		}
	}
	if best == empty {
		return false
	}
	a.panels[seat], a.held[best] = best, true
	j := a.expert[best]
	heap := a.slots[a.first[j]:a.first[j+1]]
	if loser := heap[0].pair; loser != empty {
		a.drop(loser)
	}
	heap[0] = slot{a.price[j] + worth - second + step, best}
	for at := 0; ; {
		child := 2*at + 1
		if child+1 < len(heap) && heap[child+1].bid < heap[child].bid {
			child++
		}
		if child >= len(heap) || heap[at].bid <= heap[child].bid {
			break
		}
		heap[at], heap[child] = heap[child], heap[at]
		at = child
	}
	a.price[j] = heap[0].bid
	return true
}

// drop takes a seat away and queues its application.
func (a *auction) drop(q int32) {
	a.held[q] = false
	i := int(a.owner[q])
	for at := i * a.size; ; at++ {
		if a.panels[at] == q {
			a.panels[at] = empty
			break
		}
	}
	if !a.waiting[i] {
		a.waiting[i] = true
		a.queue = append(a.queue, int32(i))
	}
}
