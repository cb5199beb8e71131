package assign

import (
	"math/big"
	"slices"
)

// panelSearch is the verifier's own search for the greatest worth of a panel of
// one application that reaches the floor, independent of the solver's: in
// depth, class by class, with integers of any size. A branch is cut off where
// the rest of its seats, filled without regard to units, and with the floor at
// a price, is not better.
type panelSearch struct {
	v        *verifier
	floor    *big.Int
	members  [][]*member // per class, free ones
	need     []int
	units    map[string]int
	affinity *big.Int // of the fixed
	worth    *big.Int
	best     *big.Int
	p, q     *big.Int // a unit of affinity above the floor is worth p/q
	blocked  bool     // what is fixed does not fit
}

// member may sit on a panel.
type member struct {
	affinity, worth, weight *big.Int // weight = q·worth + p·affinity
	unit                    string
}

// begin with an application's seats empty.
func (s *panelSearch) begin(v *verifier, i int) {
	*s = panelSearch{v: v, floor: v.floor, members: make([][]*member, len(v.Seats)), need: make([]int, len(v.Seats)), units: map[string]int{},
		affinity: new(big.Int), worth: new(big.Int)}
	for class, seats := range v.Seats {
		s.need[class] = seats.Count
	}
}

// add an expert with the worth of seating him, fixed ones for good.
func (s *panelSearch) add(j int32, affinity int64, worth *big.Int, fixed bool) {
	class, unit := s.v.seats[j], s.v.Experts[j].Unit
	if s.v.UnitCap == 0 {
		unit = ""
	}
	m := &member{affinity: big.NewInt(affinity), worth: new(big.Int).Set(worth), unit: unit}
	if !fixed {
		s.members[class] = append(s.members[class], m)
		return
	}
	s.affinity.Add(s.affinity, m.affinity)
	s.worth.Add(s.worth, m.worth)
	s.units[unit]++
	if s.need[class]--; s.need[class] < 0 || unit != "" && s.units[unit] > s.v.UnitCap {
		s.blocked = true
	}
}

// find is the greatest worth, nil if no panel fills the seats and reaches the
// floor.
func (s *panelSearch) find() *big.Int {
	if s.blocked {
		return nil
	}
	s.p, s.q = new(big.Int), big.NewInt(1)
	for class, need := range s.need {
		if len(s.members[class]) < need {
			return nil
		}
		s.prune(class)
	}
	s.weigh()
	s.descend(0, 0, s.affinity, s.worth)
	return s.best
}

// prune drops who has so many better in both worth and affinity, each of a unit
// of his own, that one of them can always take his place.
func (s *panelSearch) prune(class int) {
	size := 0
	for _, seats := range s.v.Seats {
		size += seats.Count
	}
	list := s.members[class]
	slices.SortStableFunc(list, func(a, b *member) int {
		if c := b.worth.Cmp(a.worth); c != 0 {
			return c
		}
		return b.affinity.Cmp(a.affinity)
	})
	var kept []*member
	for _, m := range list {
		units, alone := map[string]bool{}, 0
		for _, k := range kept {
			if k.affinity.Cmp(m.affinity) >= 0 {
				if k.unit == "" {
					alone++
				} else {
					units[k.unit] = true
				}
			}
		}
		if len(units)+alone < size {
			kept = append(kept, m)
		}
	}
	s.members[class] = kept
}

// sums of the first of every class by an order, as many as there are seats.
func (s *panelSearch) sums(order func(a, b *member) int) (affinity, worth *big.Int) {
	affinity, worth = new(big.Int).Set(s.affinity), new(big.Int).Set(s.worth)
	for class, need := range s.need {
		list := slices.Clone(s.members[class])
		slices.SortStableFunc(list, order)
		for _, m := range list[:min(need, len(list))] {
			affinity.Add(affinity, m.affinity)
			worth.Add(worth, m.worth)
		}
	}
	return affinity, worth
}

func (s *panelSearch) byWeight(a, b *member) int { return b.weight.Cmp(a.weight) }

func (s *panelSearch) reweigh() {
	for _, list := range s.members {
		for _, m := range list {
			m.weight = new(big.Int).Mul(s.q, m.worth)
			m.weight.Add(m.weight, new(big.Int).Mul(s.p, m.affinity))
		}
	}
}

// weigh finds the price of affinity for which the bound is least, where the
// best by worth misses the floor, and orders the members by it.
func (s *panelSearch) weigh() {
	s.reweigh()
	lowA, lowW := s.sums(s.byWeight)
	highA, highW := s.sums(func(a, b *member) int { return b.affinity.Cmp(a.affinity) })
	for lowA.Cmp(s.floor) < 0 && highA.Cmp(s.floor) >= 0 {
		p, q := new(big.Int).Sub(lowW, highW), new(big.Int).Sub(highA, lowA)
		if p.Sign() < 0 || q.Sign() <= 0 {
			break
		}
		s.p, s.q = p, q
		s.reweigh()
		a, w := s.sums(s.byWeight)
		value := func(a, w *big.Int) *big.Int {
			x := new(big.Int).Mul(p, a)
			return x.Add(x, new(big.Int).Mul(q, w))
		}
		if value(a, w).Cmp(value(lowA, lowW)) <= 0 {
			break
		}
		if a.Cmp(s.floor) < 0 {
			lowA, lowW = a, w
		} else {
			highA, highW = a, w
		}
	}
	for _, list := range s.members {
		slices.SortStableFunc(list, s.byWeight)
	}
}

// descend fills class after class; from is the first member of it not tried.
func (s *panelSearch) descend(class, from int, affinity, worth *big.Int) {
	for class < len(s.need) && s.need[class] == 0 {
		class, from = class+1, 0
	}
	if class == len(s.need) {
		if affinity.Cmp(s.floor) >= 0 && (s.best == nil || worth.Cmp(s.best) > 0) {
			s.best = worth
		}
		return
	}
	if s.hopeless(class, from, affinity, worth) {
		return
	}
	for at := from; at+s.need[class] <= len(s.members[class]); at++ {
		if at > from && s.hopeless(class, at, affinity, worth) {
			return
		}
		m := s.members[class][at]
		if m.unit != "" && s.units[m.unit] >= s.v.UnitCap {
			continue
		}
		s.units[m.unit]++
		s.need[class]--
		s.descend(class, at+1, new(big.Int).Add(affinity, m.affinity), new(big.Int).Add(worth, m.worth))
		s.need[class]++
		s.units[m.unit]--
	}
}

// hopeless tells whether no way to fill the rest reaches the floor and is
// better than the best.
func (s *panelSearch) hopeless(class, from int, affinity, worth *big.Int) bool {
	weight, most := new(big.Int), new(big.Int).Set(affinity)
	for c := class; c < len(s.need); c++ {
		list := s.members[c]
		if c == class {
			list = list[from:]
		}
		if len(list) < s.need[c] {
			return true
		}
		for _, m := range list[:s.need[c]] {
			weight.Add(weight, m.weight)
		}
		if s.floor.Sign() > 0 && s.need[c] > 0 {
			tops := slices.Clone(list)
			slices.SortFunc(tops, func(a, b *member) int { return b.affinity.Cmp(a.affinity) })
			for _, m := range tops[:s.need[c]] {
				most.Add(most, m.affinity)
			}
		}
	}
	if s.floor.Sign() > 0 && most.Cmp(s.floor) < 0 {
		return true
	}
	if s.best == nil {
		return false
	}
	x := new(big.Int).Sub(worth, s.best)
	x.Mul(x, s.q)
	over := new(big.Int).Sub(affinity, s.floor)
	x.Add(x, over.Mul(over, s.p))
	return x.Add(x, weight).Sign() <= 0
}
