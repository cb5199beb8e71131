package assign

import (
	"fmt"
	"slices"
)

// Solve finds the best assignment and proves it. Where no assignment keeps the
// rules the error is an Infeasible. When Options.Stop ends the search, the
// result is the best so far with an honest bound, or ErrStopped if there is
// none yet.
//
// The same task gives the same result at any number of processors. Memory is
// linear in the allowed pairs; time see the package, and without a limit there is
// none where the tree grows.
func Solve(t *Task, o Options) (*Result, error) {
	if err := t.valid(); err != nil {
		return nil, err
	}
	if o.Stop == nil {
		o.Stop = func() bool { return false }
	}
	m := compile(t)
	if err := m.missing(); err != nil {
		return nil, err
	}
	if o.Objective == Minimum {
		m.floor = o.Floor
		m.grid = gcd(m.grid, m.floor)
	}
	m.tellApart()
	total := m.newSearch(o.Stop)
	total.progress = o.Progress
	total.explore(-1, empty, free)
	if total.err == nil && total.best == nil {
		if total.err = ErrStopped; !o.Stop() {
			total.err = m.unreachable(total)
		}
	}
	if total.err != nil {
		return nil, total.err
	}
	if o.Objective != Fair {
		return m.result(objectives[o.Objective], total, nil), nil
	}
	least := m.fairest(total)
	m.floor = least.reached.int()
	total.nodes, total.best, total.reached = nil, least.best, m.totalOf(least.best)
	total.explore(-1, empty, free)
	return m.result(objectives[Fair], total, least), nil
}

// objectives as certificates name them.
var objectives = [...]string{Total: "total", Fair: "fair", Minimum: "minimum"}

// ErrStopped is that the time was over before any assignment was found.
var ErrStopped = fmt.Errorf("时限内没有找到任何可行的指派，请放宽 --seconds")

// newSearch begins with the auction's prices and assignment.
func (m *model) newSearch(stop func() bool) *search {
	s := &search{model: m, stop: stop}
	price, panels := m.auction(stop)
	s.flow = m.newFlow(price)
	s.flow.adopt(panels)
	return s
}

// totalOf panels.
func (m *model) totalOf(panels []int32) (sum Sum) {
	for _, q := range panels {
		sum = sum.Add(m.exact[q])
	}
	return sum
}

// fairest is the search for the greatest minimum: upwards from what an
// assignment reaches, by balancing alone and then, below the bound of the
// programme, with its help; at last the proof.
func (m *model) fairest(total *search) *search {
	least := &search{model: m, stop: total.stop, fair: true, flow: total.flow, total: total, progress: total.progress}
	least.record(total.best)
	root := node{parent: -1, pair: empty}
	least.alone(&root)
	least.climb(root.bound, 0)
	if least.programme = m.newMaster(true); least.programme != nil && !least.closes(root.bound) && !least.programme.generate(least, &root, unlimited) {
		least.climb(root.bound, attempts)
	}
	least.explore(-1, empty, free)
	return least
}

// attempts is how many nodes a search for a given floor may take.
const attempts = 25

// climb raises the minimum by halving what lies between it and a bound; the
// bound itself, which is often reached, is tried first.
func (s *search) climb(bound Sum, nodes int) {
	high := bound.grid(1, s.grid).int()
	for floor := high; high > s.reached.int() && !s.stop(); floor = high - (high-s.reached.int())/s.grid/2*s.grid {
		if !s.raise(floor, nodes) {
			high = (floor - 1) / s.grid * s.grid
		}
	}
}

// raise looks for an assignment with a greater minimum in the node where the
// search is, in so many nodes, or without the programme; false if it finds none.
func (s *search) raise(floor int64, nodes int) bool {
	s.floor = floor
	up := &search{model: s.model, flow: s.flow, sure: true}
	up.stop = func() bool { return up.best != nil || len(up.nodes) > nodes || s.stop() }
	if nodes > 0 {
		if s.total.programme == nil {
			s.total.programme = s.newMaster(false)
		}
		up.programme = s.total.programme
		up.explore(-1, empty, free)
	} else {
		up.balance(rounds)
	}
	s.floor = 0
	if up.best != nil {
		s.record(up.best)
	}
	return up.best != nil
}

// affinities of panels per application.
func (m *model) affinities(panels []int32) []int64 {
	sums := make([]int64, m.n)
	for at, q := range panels {
		if q != empty {
			sums[at/m.size] += m.exact[q]
		}
	}
	return sums
}

// alone bounds the minimum by the application whose best panel is the worst.
func (s *search) alone(leaf *node) {
	price, panel := make([]int64, s.m), make([]int32, s.size)
	worst := 0
	var least int64
	for i := range s.n {
		worth, _ := s.flow.chooser.choose(i, 1, s.vacancy, price, 0, panel)
		if i == 0 || worth < least {
			worst, least = i, worth
		}
	}
	leaf.scale, leaf.price, leaf.floors, leaf.bound = 1, price, make([]int64, s.n), SumOf(least)
	leaf.floors[worst] = 1
}

// result collects what the searches found.
func (m *model) result(objective string, total, least *search) *Result {
	r := &Result{Panels: make([][]int32, m.n), Total: m.totalOf(total.best), Minimum: SumOf(slices.Min(m.affinities(total.best)))}
	for i := range m.n {
		for _, q := range total.best[i*m.size : (i+1)*m.size] {
			r.Panels[i] = append(r.Panels[i], m.expert[q])
		}
		slices.Sort(r.Panels[i])
	}
	r.Bound = total.bound()
	r.certificate = &Certificate{model: m, objective: objective, total: total, least: least, claims: r}
	if least != nil {
		least := least.bound()
		r.MinimumBound = &least
	}
	return r
}

// bound is that of the whole tree: the greatest of its leaves, never below what
// is reached.
func (s *search) bound() Sum {
	bound := s.reached
	for k := range s.nodes {
		if n := &s.nodes[k]; !n.inner && !n.blocked {
			if b := n.bound.grid(1, s.grid); b.Cmp(bound) > 0 {
				bound = b
			}
		}
	}
	return bound
}
