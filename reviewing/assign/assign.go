// Package assign gives every application of a correspondence review its
// experts so that the total affinity is as great as the rules allow, and proves
// it (proofs.md, section 4).
//
// An application wants so many experts of each class, an expert takes at most
// Max applications, a barred pair is never used, and at most UnitCap experts of
// one non-empty unit sit on one application. Affinities are integers of 1e-9.
// Objectives: the greatest total; the greatest total with every application at
// or above a floor; fair, the greatest possible minimum and then the greatest
// total with it.
//
// # Method
//
// Every expert has a price. At given prices each application takes the panel
// worth most to it (panel.go), which bounds every assignment from above: the
// sum of those values and of max × price. An auction with ε-scaling (auction.go;
// Bertsekas 1988) finds prices that nearly balance, shortest chains of
// exchanges between experts (flow.go; the successive shortest paths of weighted
// matroid intersection, Frank 1981) balance them exactly. Panels of one class,
// or without a unit cap, are bases of a laminar matroid, where the balance is an
// optimum and the prices prove it. Several classes under a unit cap, and
// floors, are no matroid: what gap the prices leave is closed by a linear
// programme over panels (lp.go) and by branching on pairs (branch.go).
//
// Complexity: a step of the auction costs one pass over an application's pairs;
// chains are as many as the auction leaves imbalances, each a Dijkstra search
// over the experts near it. Measured: README.
package assign

import (
	"fmt"
	"slices"
)

// Unit is how many integers an affinity of 1 has, MaxAffinity the greatest.
const (
	Unit        = 1_000_000_000
	MaxAffinity = 9_000_000 * Unit
)

// Expert is who may be seated.
type Expert struct {
	Name, Class, Unit string
	Max               int // applications at most
}

// Seats are how many experts of a class every application gets.
type Seats struct {
	Class string // "" alone in a task: of any class
	Count int
}

// Pair is an expert and the affinity with one application.
type Pair struct {
	Expert   int32 // index in Experts
	Affinity int64 // in units of 1e-9
}

// Task is what is to be assigned. Names are unique among their kind.
type Task struct {
	Applications []string
	Experts      []Expert
	Seats        []Seats
	UnitCap      int       // experts of one unit on an application at most, 0 = any
	Sparse       bool      // only listed pairs may be used; otherwise others have affinity 0
	Listed       [][]Pair  // per application, by expert
	Barred       [][]int32 // per application, experts ascending
}

// Result is an assignment and what is proved of it.
type Result struct {
	Panels         [][]int32 // per application, experts ascending
	Total, Minimum Sum
	Bound          Sum  // no assignment of the objective has a greater total
	MinimumBound   *Sum // fair: no assignment has a greater minimum
	certificate    *Certificate
}

// Objective is what an assignment is to reach.
type Objective int

// The objectives; Minimum with the floor of Options.
const (
	Total Objective = iota
	Fair
	Minimum
)

// Options say what is wanted and how long to try.
type Options struct {
	Objective Objective
	Floor     int64          // Minimum: what every application must reach
	Stop      func() bool    // true ends the search with the gap it has then; nil never
	Progress  func(Progress) // how far the search is, may be nil
}

// Progress is how far a search is.
type Progress struct {
	Reached, Bound Sum // of the total, or of the minimum where that is sought
	Nodes          int
}

func (p Progress) String() string {
	return fmt.Sprintf("已达到 %s，界 %s，节点 %d", p.Reached, p.Bound, p.Nodes)
}

// anyClass tells that seats are open to experts of all classes.
func (t *Task) anyClass() bool { return len(t.Seats) == 1 && t.Seats[0].Class == "" }

// seat is the index among Seats of the class an expert fills, −1 for none.
func (t *Task) seat(e *Expert) int {
	if t.anyClass() {
		return 0
	}
	return slices.IndexFunc(t.Seats, func(s Seats) bool { return s.Class == e.Class })
}

// affinity of a pair and whether it is listed.
func (t *Task) affinity(i int, j int32) (int64, bool) {
	at, ok := slices.BinarySearchFunc(t.Listed[i], j, func(p Pair, j int32) int { return int(p.Expert - j) })
	if !ok {
		return 0, false
	}
	return t.Listed[i][at].Affinity, true
}

// allowed tells whether a pair may be used.
func (t *Task) allowed(i int, j int32) bool {
	if _, barred := slices.BinarySearch(t.Barred[i], j); barred || t.seat(&t.Experts[j]) < 0 {
		return false
	}
	_, listed := t.affinity(i, j)
	return listed || !t.Sparse
}

// valid tells what is wrong with a task that no reader made.
func (t *Task) valid() error {
	if len(t.Listed) != len(t.Applications) || len(t.Barred) != len(t.Applications) {
		return fmt.Errorf("项目%d个，亲和度%d行，回避%d行，应相同", len(t.Applications), len(t.Listed), len(t.Barred))
	}
	if len(t.Seats) == 0 || t.UnitCap < 0 {
		return fmt.Errorf("没有席位，或单位上限为负")
	}
	seen := map[string]bool{}
	for _, s := range t.Seats {
		if s.Count < 1 || seen[s.Class] || s.Class == "" && len(t.Seats) > 1 {
			return fmt.Errorf("席位类别“%s”出现两次，或不足1席", s.Class)
		}
		seen[s.Class] = true
	}
	for _, e := range t.Experts {
		if e.Max < 0 {
			return fmt.Errorf("专家%s的上限%d为负", e.Name, e.Max)
		}
	}
	for i := range t.Applications {
		last := int32(-1)
		for _, p := range t.Listed[i] {
			if p.Expert <= last || int(p.Expert) >= len(t.Experts) || p.Affinity < 0 || p.Affinity > MaxAffinity {
				return fmt.Errorf("项目%s的亲和度不按专家排列，或超出范围", t.Applications[i])
			}
			last = p.Expert
		}
		if !slices.IsSorted(t.Barred[i]) {
			return fmt.Errorf("项目%s的回避专家不按序", t.Applications[i])
		}
	}
	return nil
}
