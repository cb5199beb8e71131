package assign

import (
	"fmt"
	"math"
	"slices"

	"keping/reviewing/chance"
)

// Instance describes a generated task, from which Task makes it again: each
// application draws Each candidates without repetition, affinities are uniform
// in [0,1) and rounded to 1e-9; experts have the class of every seat in turn and
// any unit, and Max is what every expert needs on average to fill all seats,
// times Slack, and one more.
type Instance struct {
	Applications, Experts int
	Each                  int // candidates of an application; Experts makes it complete
	Seats                 []Seats
	UnitCap, Units        int
	Slack                 float64
	Seed                  uint64
}

func (in Instance) String() string {
	size := 0
	for _, s := range in.Seats {
		size += s.Count
	}
	text := fmt.Sprintf("%d×%d×%d，每项%d人", in.Applications, in.Experts, in.Each, size)
	if len(in.Seats) > 1 {
		text += fmt.Sprintf("、%d类", len(in.Seats))
	}
	if in.UnitCap > 0 {
		text += fmt.Sprintf("、%d单位各至多%d人", in.Units, in.UnitCap)
	}
	return fmt.Sprintf("%s，种子%d", text, in.Seed)
}

// Task makes the task.
func (in Instance) Task() *Task {
	r := chance.New(in.Seed)
	t := &Task{Seats: in.Seats, UnitCap: in.UnitCap, Sparse: in.Each < in.Experts,
		Listed: make([][]Pair, in.Applications), Barred: make([][]int32, in.Applications)}
	var class []string // of every seat
	for _, s := range in.Seats {
		class = append(class, slices.Repeat([]string{s.Class}, s.Count)...)
	}
	size := len(class)
	most := 1 + int(math.Ceil(in.Slack*float64(in.Applications*size)/float64(in.Experts)))
	for j := range in.Experts {
		e := Expert{Name: fmt.Sprintf("E%06d", j), Class: class[j%size], Max: most}
		if in.Units > 0 {
			e.Unit = fmt.Sprintf("U%04d", r.Below(in.Units))
		}
		t.Experts = append(t.Experts, e)
	}
	chosen := make([]int, in.Experts) // the application that chose last, from 1
	for i := range in.Applications {
		t.Applications = append(t.Applications, fmt.Sprintf("A%06d", i))
		listed := make([]Pair, 0, in.Each)
		for n := 0; n < in.Each; {
			j := n
			if in.Each < in.Experts {
				j = r.Below(in.Experts)
			}
			if chosen[j] <= i {
				chosen[j] = i + 1
				listed = append(listed, Pair{int32(j), int64(r.Uniform() * Unit)})
				n++
			}
		}
		slices.SortFunc(listed, func(a, b Pair) int { return int(a.Expert - b.Expert) })
		t.Listed[i] = listed
	}
	return t
}
