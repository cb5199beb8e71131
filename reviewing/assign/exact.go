package assign

import (
	"cmp"
	"math/bits"
	"slices"
)

// exact searches an application's best panel in depth, where units cross
// classes or a floor must be reached. It tries the experts nobody dominates, by
// worth and the best price p/q for affinity above the floor; a branch is cut off
// when filling each class on its own, which bounds it, is not better.
type exact struct {
	cap, size  int
	floor      int64
	list       []candidate // by weight
	byAffinity []int32     // places in list
	p, q       int64       // weight = q·worth + p·affinity
	need       []int       // per class
	chosen     []candidate
	best       []candidate
	worth      int64 // of best
	found      bool
	left       []int       // scratch of fill
	taken      []candidate // scratch of fill
}

// candidate is a pair that may be chosen.
type candidate struct {
	pair            int32
	class, unit     int32
	affinity, worth int64
	weight          int64
	held            int // 1 if preferred among equals
}

// search writes the best panel and returns its worth; false if there is none.
func (x *exact) search(m *model, held []bool, i int, k, vacancy int64, price []int64, floor int64, panel []int32) (int64, bool) {
	x.cap, x.size, x.floor = m.UnitCap, m.size, floor
	x.list, x.chosen, x.need = x.list[:0], x.chosen[:0], x.need[:0]
	for class, s := range m.Seats {
		x.need = append(x.need, s.Count)
		from, to := m.of(i, class)
		for q := from; q < to; q++ {
			c := candidate{pair: q, class: int32(class), unit: m.unit[m.expert[q]], affinity: m.value[q], worth: k*m.value[q] - price[m.expert[q]]}
			if held != nil && held[q] {
				c.held = 1
			}
			switch m.fix[q] {
			case in:
				x.chosen = append(x.chosen, c)
				x.need[class]--
			case free:
				x.list = append(x.list, c)
			}
		}
	}
	x.undominated()
	x.found = false
	if x.modest(vacancy) {
		x.solve()
	}
	if !x.found {
		for class, s := range m.Seats { // an empty seat is a candidate like others
			for range s.Count {
				x.list = append(x.list, candidate{pair: empty, class: int32(class), unit: -1, worth: -vacancy})
			}
		}
		x.solve()
	}
	if !x.found {
		return 0, false
	}
	for class := range m.Seats {
		at := m.offset[class]
		for _, c := range x.best {
			if c.class == int32(class) {
				panel[at] = c.pair
				at++
			}
		}
	}
	return x.worth, true
}

// modest tells whether any full panel is worth more than one with an empty seat.
func (x *exact) modest(vacancy int64) bool {
	most := vacancy / int64(2*x.size)
	return !slices.ContainsFunc(x.list, func(c candidate) bool { return c.worth >= most || c.worth <= -most })
}

// solve weighs and tries the list.
func (x *exact) solve() {
	worth, affinity := int64(0), int64(0)
	for _, c := range x.chosen {
		worth, affinity = worth+c.worth, affinity+c.affinity
	}
	if x.weigh(affinity) {
		x.descend(0, worth, affinity)
	}
}

// undominated drops who can always be exchanged for somebody at least as good
// in worth and affinity: there are cap such of his own unit, or such of as many
// units as an application has seats.
func (x *exact) undominated() {
	slices.SortFunc(x.list, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.class, b.class), cmp.Compare(b.worth, a.worth), cmp.Compare(b.affinity, a.affinity),
			cmp.Compare(b.held, a.held), cmp.Compare(a.pair, b.pair))
	})
	kept, first := 0, 0 // first of this class
	for _, c := range x.list {
		if kept > 0 && x.list[kept-1].class != c.class {
			first = kept
		}
		own, units := 0, 0
		for at := first; at < kept; at++ {
			d := &x.list[at]
			if x.floor > 0 && d.affinity < c.affinity {
				continue
			}
			if d.unit < 0 {
				units++
				continue
			}
			if d.unit == c.unit {
				own++
			}
			seen := slices.ContainsFunc(x.list[first:at], func(e candidate) bool {
				return e.unit == d.unit && (x.floor == 0 || e.affinity >= c.affinity)
			})
			if !seen {
				units++
			}
		}
		if units < x.size && (c.unit < 0 || own < x.cap) {
			x.list[kept] = c
			kept++
		}
	}
	x.list = x.list[:kept]
}

// weigh finds the price p/q for affinity that bounds best and sorts by weight;
// false if the floor is out of reach.
func (x *exact) weigh(affinity int64) bool {
	largest := int64(1)
	for _, c := range x.list {
		largest = max(largest, c.worth, -c.worth, c.affinity)
	}
	room := max(0, 61-bits.Len64(uint64(largest))-bits.Len(uint(x.size)))
	x.p, x.q = 0, 1<<min(room, 20)
	x.sort()
	if x.floor == 0 {
		return true
	}
	x.rank()
	low, _ := x.fill(0, false)
	high, _ := x.fill(0, true)
	if affinity+high.affinity < x.floor {
		return false
	}
	for range 40 {
		if affinity+low.affinity >= x.floor || high.affinity <= low.affinity {
			break
		}
		slope := float64(low.worth-high.worth) / float64(high.affinity-low.affinity)
		p := int64(min(slope*float64(x.q), float64(int64(1)<<room)))
		if p <= 0 {
			break
		}
		x.p = p
		x.sort()
		middle, _ := x.fill(0, false)
		if middle.affinity == low.affinity && middle.worth == low.worth || middle.affinity == high.affinity && middle.worth == high.worth {
			break
		}
		if affinity+middle.affinity >= x.floor {
			high = middle
		} else {
			low = middle
		}
	}
	x.rank()
	return true
}

// sort orders the list by weight.
func (x *exact) sort() {
	for at := range x.list {
		c := &x.list[at]
		c.weight = x.q*c.worth + x.p*c.affinity
	}
	slices.SortStableFunc(x.list, func(a, b candidate) int { return cmp.Compare(b.weight, a.weight) })
}

// rank lists the places by affinity.
func (x *exact) rank() {
	x.byAffinity = x.byAffinity[:0]
	for at := range x.list {
		x.byAffinity = append(x.byAffinity, int32(at))
	}
	slices.SortStableFunc(x.byAffinity, func(a, b int32) int { return cmp.Compare(x.list[b].affinity, x.list[a].affinity) })
}

// fill sums up the first of every class, by weight or by affinity, from a place
// of the list on, that fill the open seats within the unit cap of each class;
// open is how many seats not even so can be filled.
func (x *exact) fill(from int, byAffinity bool) (sum candidate, open int) {
	x.left, x.taken = append(x.left[:0], x.need...), x.taken[:0]
	for _, n := range x.left {
		open += n
	}
	n := len(x.list) - from
	if byAffinity {
		n = len(x.byAffinity)
	}
	for k := range n {
		if open == 0 {
			break
		}
		at := from + k
		if byAffinity {
			if at = int(x.byAffinity[k]); at < from {
				continue
			}
		}
		c := &x.list[at]
		if x.left[c.class] == 0 || c.unit >= 0 && x.countChosen(c.unit)+x.countTaken(c) >= x.cap {
			continue
		}
		x.left[c.class]--
		open--
		x.taken = append(x.taken, *c)
		sum.affinity, sum.worth, sum.weight = sum.affinity+c.affinity, sum.worth+c.worth, sum.weight+c.weight
	}
	return sum, open
}

func (x *exact) countChosen(unit int32) (n int) {
	for at := range x.chosen {
		if x.chosen[at].unit == unit {
			n++
		}
	}
	return n
}

func (x *exact) countTaken(c *candidate) (n int) {
	for at := range x.taken {
		if x.taken[at].unit == c.unit && x.taken[at].class == c.class {
			n++
		}
	}
	return n
}

// descend tries the list from a place on, with the chosen before it.
func (x *exact) descend(from int, worth, affinity int64) {
	if x.floor > 0 {
		if most, _ := x.fill(from, true); affinity+most.affinity < x.floor {
			return
		}
	}
	rest, open := x.fill(from, false)
	if open > 0 || x.found && x.q*(worth-x.worth)+x.p*(affinity-x.floor)+rest.weight <= 0 {
		return
	}
	class := slices.IndexFunc(x.need, func(n int) bool { return n > 0 })
	if class < 0 {
		if !x.found || worth > x.worth {
			x.found, x.worth = true, worth
			x.best = append(x.best[:0], x.chosen...)
		}
		return
	}
	if from == len(x.list) {
		return
	}
	c := x.list[from]
	if x.need[c.class] > 0 && (c.unit < 0 || x.countChosen(c.unit) < x.cap) {
		x.need[c.class]--
		x.chosen = append(x.chosen, c)
		x.descend(from+1, worth+c.worth, affinity+c.affinity)
		x.chosen = x.chosen[:len(x.chosen)-1]
		x.need[c.class]++
	}
	x.descend(from+1, worth, affinity)
}
