package assign

import "slices"

// Resolve repairs an assignment after refusals with the fewest other changes,
// and the greatest total among those. The task is the one as it is now: refused
// pairs barred, the limits of who withdrew lowered. Pairs that may stay are worth
// more than all affinities together, so that the same search keeps as many as
// can be kept; it begins where everything is kept, which makes it local.
func Resolve(t *Task, panels [][]int32, stop func() bool) (*Result, error) {
	if err := t.valid(); err != nil {
		return nil, err
	}
	if stop == nil {
		stop = func() bool { return false }
	}
	m := compile(t)
	if err := m.missing(); err != nil {
		return nil, err
	}
	affinity := slices.Clone(m.value)
	kept := make([]int32, 0, m.n*m.size)
	worth := int64(m.n)*int64(m.size)*m.most + 1
	for i, panel := range panels {
		seats := make([]int32, m.size)
		for at := range seats {
			seats[at] = empty
		}
		var pairs []int32
		seated, units := make([]int, len(m.Seats)), map[int32]int{}
		for k, j := range panel {
			q := m.pair(i, j)
			if q == empty || slices.Contains(panel[:k], j) {
				continue
			}
			m.value[q] += worth
			c, u := m.class[j], m.unit[j]
			if seated[c] == m.Seats[c].Count || u >= 0 && units[u] == m.UnitCap {
				continue // the panel was never one of this task's
			}
			seated[c]++
			units[u]++
			pairs = append(pairs, q)
		}
		m.lay(seats, pairs)
		kept = append(kept, seats...)
	}
	m.most += worth
	m.setVacancy()
	s := &search{model: m, stop: stop, flow: m.newFlow(make([]int64, m.m))}
	s.flow.adopt(kept)
	s.explore(-1, empty, free)
	if s.err != nil {
		return nil, s.err
	}
	if s.best == nil {
		return nil, ErrStopped
	}
	m.value = affinity
	return m.result(s, nil), nil
}

// Changes counts the seats of an assignment that another has not.
func Changes(before, after [][]int32) (n int) {
	for i, panel := range before {
		for _, j := range panel {
			if !slices.Contains(after[i], j) {
				n++
			}
		}
	}
	return n
}
