package assign

// matching fills the seats of one class alone, without units: what it cannot
// fill nobody can, and it tells so at once (augmenting paths in phases, as many
// in each as find a way past the experts others have tried; König 1931).
type matching struct {
	*model
	class   int
	chosen  []bool    // per pair
	filled  []int     // per application
	used    []int     // per expert
	holders [][]int32 // per expert, his chosen pairs
	tried   []bool    // per expert, in this phase
}

// overdrawn are applications that want more seats of a class than all their
// experts can take, none if there are no such.
func (m *model) overdrawn(class int) []int {
	a := &matching{model: m, class: class, chosen: make([]bool, len(m.expert)), filled: make([]int, m.n), used: make([]int, m.m),
		holders: make([][]int32, m.m), tried: make([]bool, m.m)}
	wanted := m.Seats[class].Count
	for i := range m.n {
		for q, to := m.of(i, class); q < to && a.filled[i] < wanted; q++ {
			if j := m.expert[q]; a.used[j] < m.load[j] {
				a.choose(q)
			}
		}
	}
	for {
		first, moved := -1, false
		clear(a.tried)
		for i := range m.n {
			for a.filled[i] < wanted {
				if !a.augment(i) {
					if first < 0 {
						first = i
					}
					break
				}
				moved = true
			}
		}
		if first < 0 {
			return nil
		}
		if !moved {
			return a.reached(first)
		}
	}
}

func (a *matching) choose(q int32) {
	j := a.expert[q]
	a.chosen[q] = true
	a.filled[a.owner[q]]++
	a.used[j]++
	a.holders[j] = append(a.holders[j], q)
}

// augment fills a seat more of an application, others changing their experts.
func (a *matching) augment(i int) bool {
	from, to := a.of(i, a.class)
	for q := from; q < to; q++ {
		j := a.expert[q]
		if a.chosen[q] || a.tried[j] {
			continue
		}
		a.tried[j] = true
		if a.used[j] < a.load[j] {
			a.choose(q)
			return true
		}
		for k, held := range a.holders[j] {
			other := int(a.owner[held])
			if a.augment(other) {
				a.chosen[held] = false
				a.filled[other]--
				a.chosen[q] = true
				a.filled[i]++
				a.holders[j][k] = q
				return true
			}
		}
	}
	return false
}

// reached are an application and all it could make room with by any chain.
func (a *matching) reached(first int) []int {
	clear(a.tried)
	in := make([]bool, a.n)
	in[first] = true
	for queue := []int{first}; len(queue) > 0; queue = queue[1:] {
		for q, to := a.of(queue[0], a.class); q < to; q++ {
			j := a.expert[q]
			if a.tried[j] {
				continue
			}
			a.tried[j] = true
			for _, held := range a.holders[j] {
				if i := int(a.owner[held]); !in[i] {
					in[i] = true
					queue = append(queue, i)
				}
			}
		}
	}
	var list []int
	for i, is := range in {
		if is {
			list = append(list, i)
		}
	}
	return list
}
