package assign

import (
	"slices"

	"keping/reviewing/chance"
)

// model is a task laid out for the search: pairs stand by application, then
// class, then expert. A panel is a row of places of pairs, so many per class
// as there are seats; empty marks a seat nobody fills.
type model struct {
	*Task
	n, m    int
	size    int     // seats of an application
	offset  []int   // per class, its first seat in a panel; last = size
	class   []int32 // per expert, −1 none
	unit    []int32 // per expert, −1 none or without a cap
	load    []int   // per expert, applications at most; who takes none has no pairs here
	start   []int32 // per application and class, the first pair; last = all
	owner   []int32 // per pair, its application
	expert  []int32 // per pair
	value   []int64 // per pair, told apart where pairs tie
	exact   []int64 // per pair, its affinity
	first   []int32 // per expert, its first place in taker; last = all
	taker   []int32 // pairs by expert
	fix     []int8  // per pair: out or in by branching, free
	floor   int64
	vacancy int64 // what an empty seat costs: more than all panels are worth, if 64 bits hold that
	most    int64 // the greatest affinity, at least 1
	grid    int64 // divides every affinity
}

// How a pair is fixed in a branch.
const (
	free int8 = iota
	out
	in
)

const empty = int32(-1)

// compile lays out a task.
func compile(t *Task) *model {
	m := &model{Task: t, n: len(t.Applications), m: len(t.Experts), offset: make([]int, 1, len(t.Seats)+1)}
	for _, s := range t.Seats {
		m.size += s.Count
		m.offset = append(m.offset, m.size)
	}
	units := map[string]int32{}
	m.class, m.unit, m.load = make([]int32, m.m), make([]int32, m.m), make([]int, m.m)
	for j := range t.Experts {
		e := &t.Experts[j]
		m.class[j], m.unit[j], m.load[j] = int32(t.seat(e)), -1, e.Max
		if t.UnitCap > 0 && e.Unit != "" {
			if _, known := units[e.Unit]; !known {
				units[e.Unit] = int32(len(units))
			}
			m.unit[j] = units[e.Unit]
		}
	}
	m.pairs()
	m.takers()
	m.fix = make([]int8, len(m.expert))
	m.most = 1
	for _, listed := range t.Listed {
		for _, p := range listed {
			if m.most = max(m.most, p.Affinity); m.grid != 1 {
				m.grid = gcd(m.grid, p.Affinity)
			}
		}
	}
	if m.exact = m.value; m.grid == 0 {
		m.grid = Unit // of nothing
	}
	m.setVacancy()
	return m
}

// tellApart adds to every pair's value so little that all of it together is
// less than the grid: totals and minima, which are multiples of it, and bounds
// rounded down to them stay what they are, but of the many assignments that tie
// one is the best, and a search does not wander among them.
func (m *model) tellApart() {
	spread := m.grid / (int64(m.n)*int64(m.size) + 1)
	if spread == 0 {
		return
	}
	random := chance.New(1)
	m.value = make([]int64, len(m.exact))
	for q, exact := range m.exact {
		m.value[q] = exact + int64(random.Below(int(spread)+1))
	}
	m.most += spread
	m.setVacancy()
}

// setVacancy makes an empty seat cost more than all panels are worth, as far as
// 64 bits hold that.
func (m *model) setVacancy() {
	m.vacancy = min(int64(m.n), max(4, 1<<51/int64(m.size)/(m.most+1))) * int64(m.size) * (m.most + 1)
}

// pair is the place of a pair, empty if it is not allowed.
func (m *model) pair(i int, j int32) int32 {
	if m.class[j] < 0 {
		return empty
	}
	from, to := m.of(i, int(m.class[j]))
	at, ok := slices.BinarySearch(m.expert[from:to], j)
	if !ok {
		return empty
	}
	return from + int32(at)
}

// pairs lists what may be used.
func (m *model) pairs() {
	classes := len(m.Seats)
	m.start = make([]int32, 0, m.n*classes+1)
	total := 0
	for i := range m.n {
		if total += len(m.Listed[i]); !m.Sparse {
			total += m.m - len(m.Listed[i])
		}
	}
	m.owner, m.expert, m.value = make([]int32, 0, total), make([]int32, 0, total), make([]int64, 0, total)
	found := make([][]Pair, classes)
	for i := range m.n {
		for c := range found {
			found[c] = found[c][:0]
		}
		barred := m.Barred[i]
		add := func(p Pair) {
			for len(barred) > 0 && barred[0] < p.Expert {
				barred = barred[1:]
			}
			if c := m.class[p.Expert]; c >= 0 && m.load[p.Expert] > 0 && (len(barred) == 0 || barred[0] != p.Expert) {
				found[c] = append(found[c], p)
			}
		}
		if listed := m.Listed[i]; m.Sparse {
			for _, p := range listed {
				add(p)
			}
		} else {
			for j := range int32(m.m) {
				p := Pair{Expert: j}
				if len(listed) > 0 && listed[0].Expert == j {
					p, listed = listed[0], listed[1:]
				}
				add(p)
			}
		}
		for _, list := range found {
			m.start = append(m.start, int32(len(m.expert)))
			for _, p := range list {
				m.owner, m.expert, m.value = append(m.owner, int32(i)), append(m.expert, p.Expert), append(m.value, p.Affinity)
			}
		}
	}
	m.start = append(m.start, int32(len(m.expert)))
}

// takers turns the pairs round.
func (m *model) takers() {
	m.first, m.taker = make([]int32, m.m+1), make([]int32, len(m.expert))
	for _, j := range m.expert {
		m.first[j+1]++
	}
	for j := range m.m {
		m.first[j+1] += m.first[j]
	}
	at := slices.Clone(m.first)
	for q, j := range m.expert {
		m.taker[at[j]] = int32(q)
		at[j]++
	}
}

// of are the pairs of an application and a class: from, to.
func (m *model) of(i, c int) (int32, int32) {
	at := i*len(m.Seats) + c
	return m.start[at], m.start[at+1]
}

// crossing tells whether panels are no bases of a laminar matroid.
func (m *model) crossing() bool { return m.UnitCap > 0 && len(m.Seats) > 1 }

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
