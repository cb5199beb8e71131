package assign

import "slices"

// search closes the gap that balanced prices leave, where there is one: by the
// best prices of the linear programme over panels, and by branching on a pair
// that it uses in part.
type search struct {
	*model
	flow      *flow
	stop      func() bool
	best      []int32 // pairs, size per application; nil before there is one
	reached   Sum     // the value of best
	nodes     []node
	programme *master // nil before it is needed, or if it is too large
	fair      bool    // the value is the minimum, not the total
	total     *search // fair: the search for the total
	sure      bool    // that there is an assignment
	progress  func(Progress)
	err       error // there is none
}

// rounds is how often prices are balanced before the linear programme.
const rounds = 30

// node of the tree: what is fixed below its parent, and the prices of a leaf.
type node struct {
	parent  int
	pair    int32 // empty at the root
	value   int8
	inner   bool
	scale   int64
	price   []int64 // per expert
	floors  []int64 // per application, in a proof of the minimum
	bound   Sum
	blocked bool // some application cannot reach the floor at all
}

// balance chooses and settles in turns until nothing changes, keeps what is
// feasible, and leaves the prices of the least bound; ok is false if an
// application cannot reach the floor.
func (s *search) balance(rounds int) (lowest Sum, ok bool) {
	f := s.flow
	least := make([]int64, s.m)
	for round := 0; ; round++ {
		bound, changed, ok := f.chooseAll()
		if !ok {
			return Sum{}, false
		}
		if round == 0 || bound.Cmp(lowest) < 0 {
			lowest = bound
			copy(least, f.price)
		}
		if s.closes(lowest) || round == rounds || !changed && round > 0 || s.stop() {
			break
		}
		if f.settle(s.patience(), s.stop) {
			s.record(f.panels)
		}
	}
	copy(f.price, least)
	return lowest, true
}

// patience is how many chains a balance may take: few before it is known that
// there is any assignment.
func (s *search) patience() int {
	if s.best == nil && !s.sure {
		return s.n/2 + 64
	}
	return 4*s.n + 64
}

// closes tells whether a bound proves the best so far, or that there is none.
func (s *search) closes(bound Sum) bool {
	return bound.Cmp(Sum{}.AddTimes(s.n, s.floor)) < 0 || s.best != nil && bound.grid(1, s.grid).Cmp(s.reached) <= 0
}

// tell how far the search is.
func (s *search) tell(bound Sum) {
	if s.progress != nil {
		s.progress(Progress{s.reached, bound, len(s.nodes)})
	}
}

// record keeps a feasible assignment if it is the best so far.
func (s *search) record(panels []int32) {
	if slices.Contains(panels, empty) {
		return
	}
	affinity := s.affinities(panels)
	least := slices.Min(affinity)
	if least < s.floor {
		return
	}
	value := SumOf(least)
	if !s.fair {
		value = s.totalOf(panels)
	}
	if s.best == nil || value.Cmp(s.reached) > 0 {
		s.best, s.reached = append(s.best[:0], panels...), value
	}
}

// explore the node where the flow stands; it returns the bound of its tree.
func (s *search) explore(parent int, pair int32, value int8) Sum {
	at := len(s.nodes)
	s.nodes = append(s.nodes, node{parent: parent, pair: pair, value: value, scale: 1})
	if s.fair {
		s.alone(&s.nodes[at])
	} else {
		bound, ok := s.balance(rounds)
		if s.best == nil && !s.sure && !s.stop() { // before the tree, whether there is any assignment
			s.sure = true
			if s.err = s.feasible(); s.err != nil {
				return Sum{}
			}
			bound, ok = s.balance(rounds)
		}
		leaf := &s.nodes[at]
		leaf.price, leaf.bound, leaf.blocked = slices.Clone(s.flow.price), bound, !ok
	}
	master := s.close(at)
	if master == nil {
		return s.nodes[at].bound
	}
	q := master.doubtful(s, &s.nodes[at])
	if q == empty {
		return s.nodes[at].bound
	}
	leaf := &s.nodes[at]
	price := make([]int64, s.m) // where the children begin
	if copy(price, s.flow.price); !s.fair {
		for j, p := range leaf.price {
			price[j] = (p + leaf.scale/2) / leaf.scale
		}
	}
	panels := slices.Clone(s.flow.panels)
	var worst Sum
	for _, value := range []int8{in, out} {
		s.fix[q] = value
		copy(s.flow.price, price)
		s.flow.adopt(panels)
		if b := s.explore(at, q, value); value == in || b.Cmp(worst) > 0 {
			worst = b
		}
	}
	s.fix[q] = free
	leaf = &s.nodes[at]
	leaf.inner, leaf.price, leaf.floors, leaf.bound = true, nil, nil, worst
	return worst
}

// close tries to prove a node by the linear programme; the programme is
// returned if it could not.
func (s *search) close(at int) *master {
	leaf := &s.nodes[at]
	s.tell(leaf.bound)
	if leaf.blocked || s.closes(leaf.bound) || s.stop() {
		return nil
	}
	if s.programme == nil {
		s.programme = s.newMaster(s.fair)
	}
	m := s.programme
	if m == nil || m.generate(s, leaf, unlimited) || s.stop() {
		return nil
	}
	if s.fair {
		s.raise(s.reached.int()+s.grid, attempts)
	} else {
		m.round(s)
	}
	if s.closes(leaf.bound) {
		return nil
	}
	return m
}
