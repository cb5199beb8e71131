package assign

import (
	"fmt"
	"slices"
	"strings"
)

// Infeasible is why no assignment keeps the rules, in words.
type Infeasible struct {
	Reason string
}

func (e *Infeasible) Error() string { return e.Reason }

// named is how many names a message gives at most.
const named = 10

// lacking tells which application has too few experts whatever the others get.
func (m *model) lacking() error {
	chooser, panel, price := &chooser{model: m}, make([]int32, m.size), make([]int64, m.m)
	for i := range m.n {
		chooser.choose(i, 1, m.vacancy, price, 0, panel)
		if at := slices.Index(panel, empty); at >= 0 {
			return &Infeasible{m.short(i, panel)}
		}
	}
	return nil
}

// short says which class of an application cannot be filled, and why everybody
// else of the class is not there.
func (m *model) short(i int, panel []int32) string {
	return fmt.Sprintf("项目%s席位不足", m.Applications[i])
}

// feasible asks, with all affinities nothing, whether there is any assignment,
// and keeps the one it finds.
func (s *search) feasible() error {
	zero := *s.model
	zero.value, zero.vacancy, zero.most, zero.grid, zero.floor = make([]int64, len(s.value)), Unit, 1, 1, 0
	z := zero.newSearch(s.stop)
	z.sure = true
	z.explore(-1, empty, free)
	if z.best != nil {
		s.record(z.best, s.affinities(z.best))
		return nil
	}
	if s.stop() {
		return ErrStopped
	}
	return s.explain(z)
}

func (s *search) explain(z *search) error {
	return &Infeasible{"不可行" + strings.Repeat("", 0)}
}

// unreachable tells how high a floor could be at most.
func (m *model) unreachable(total *search) error {
	return &Infeasible{"最低亲和度做不到"}
}
