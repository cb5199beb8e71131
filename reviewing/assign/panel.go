package assign

// chooser finds the panel that is worth most to an application at given prices:
// Σ k·affinity − price over its experts, − vacancy for every empty seat, within
// the unit cap, what branching fixed, and the floor.
//
// Without a floor, and where no unit exceeds its cap across classes, filling
// each class by worth is exact (the greedy of a laminar matroid). Else exact.go
// searches.
type chooser struct {
	*model
	held []bool // pairs preferred among equals, may be nil
	exact
}

// choose writes the best panel of application i into panel and returns its
// worth; false if the floor cannot be reached.
func (c *chooser) choose(i int, k, vacancy int64, price []int64, floor int64, panel []int32) (int64, bool) {
	worth := int64(0)
	for class := range c.Seats {
		worth += c.fill(i, class, k, vacancy, price, panel[c.offset[class]:c.offset[class+1]])
	}
	if c.crossing() && !c.capped(panel) || floor > 0 && c.affinityOf(panel) < floor {
		return c.search(c.model, c.held, i, k, vacancy, price, floor, panel)
	}
	return worth, true
}

// affinityOf a panel.
func (m *model) affinityOf(panel []int32) (a int64) {
	for _, q := range panel {
		if q != empty {
			a += m.value[q]
		}
	}
	return a
}

// capped tells whether no unit has more than its cap in a panel.
func (m *model) capped(panel []int32) bool {
	for at, q := range panel {
		if q != empty && m.unit[m.expert[q]] >= 0 && m.count(panel[at:], m.unit[m.expert[q]]) > m.UnitCap {
			return false
		}
	}
	return true
}

// count of a unit's experts in a panel.
func (m *model) count(panel []int32, unit int32) (n int) {
	for _, q := range panel {
		if q != empty && m.unit[m.expert[q]] == unit {
			n++
		}
	}
	return n
}

// fill takes the best experts of a class within the unit cap: each enters in
// place of the worst he can be exchanged for. The seats stand best first.
func (c *chooser) fill(i, class int, k, vacancy int64, price []int64, seats []int32) int64 {
	n := 0
	better := func(a, b int32) bool {
		x, y := k*c.value[a]-price[c.expert[a]], k*c.value[b]-price[c.expert[b]]
		if (c.fix[a] == in) != (c.fix[b] == in) {
			return c.fix[a] == in
		}
		return x > y || x == y && c.held != nil && c.held[a] && !c.held[b]
	}
	from, to := c.of(i, class)
	worst := -vacancy // what must be exceeded once all seats are taken
	for q := from; q < to; q++ {
		if c.fix[q] == out {
			continue
		}
		x := k*c.value[q] - price[c.expert[q]]
		if c.fix[q] != in && (x < worst || x <= -vacancy) {
			continue
		}
		at := n // whose place he takes
		if u := c.unit[c.expert[q]]; u >= 0 && n >= c.UnitCap && c.count(seats[:n], u) >= c.UnitCap {
			for at--; c.unit[c.expert[seats[at]]] != u; at-- {
			}
		} else if n == len(seats) {
			at--
		} else {
			n++
			seats[at] = q
		}
		if seats[at] != q {
			if !better(q, seats[at]) {
				continue
			}
			seats[at] = q
		}
		for ; at > 0 && better(q, seats[at-1]); at-- {
			seats[at], seats[at-1] = seats[at-1], q
		}
		if n == len(seats) {
			if last := seats[n-1]; c.fix[last] != in {
				worst = k*c.value[last] - price[c.expert[last]]
			}
		}
	}
	worth := int64(0)
	for at := range seats {
		if at >= n {
			seats[at] = empty
			worth -= vacancy
			continue
		}
		worth += k*c.value[seats[at]] - price[c.expert[seats[at]]]
	}
	return worth
}
