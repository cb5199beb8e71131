package assign

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// small makes a task small enough to try all assignments, with every kind of
// rule: classes, loads (some nothing), units, barred pairs, sparse or not, few
// or many different affinities.
func small(r *rand.Rand) *Task {
	t := &Task{UnitCap: r.IntN(3), Sparse: r.IntN(3) == 0}
	applications, experts, classes, tight := 1+r.IntN(4), 3+r.IntN(6), r.IntN(3), r.IntN(3) == 0
	if tight { // classes that cross units, and hardly enough experts, leave a gap
		t.UnitCap, applications, experts, classes = 1, 5, 9, 2
	}
	if classes == 0 {
		t.Seats = []Seats{{"", 1 + r.IntN(3)}}
	}
	for c := range classes {
		t.Seats = append(t.Seats, Seats{fmt.Sprint("c", c), 1 + r.IntN(2)})
	}
	for i := range applications {
		t.Applications = append(t.Applications, fmt.Sprint("A", i))
	}
	for j := range experts {
		e := Expert{Name: fmt.Sprint("E", j), Max: r.IntN(5), Unit: []string{"", "u", "v", "w"}[r.IntN(4)], Class: fmt.Sprint("c", r.IntN(max(1, classes)+r.IntN(2)))}
		if tight {
			t.Seats[0].Count, t.Seats[1].Count = 1, 1
			e.Max, e.Unit, e.Class = 1+r.IntN(2), []string{"u", "v", "w"}[r.IntN(3)], fmt.Sprint("c", j%2)
		}
		t.Experts = append(t.Experts, e)
	}
	t.Listed, t.Barred = make([][]Pair, len(t.Applications)), make([][]int32, len(t.Applications))
	step := []int64{1, 10_000_000, 100_000_000, 500_000_000}[r.IntN(4)]
	for i := range t.Applications {
		for j := range int32(len(t.Experts)) {
			if r.IntN(5) > 0 {
				t.Listed[i] = append(t.Listed[i], Pair{j, r.Int64N(Unit/step) * step})
			}
			if r.IntN(8) == 0 {
				t.Barred[i] = append(t.Barred[i], j)
			}
		}
	}
	return t
}

// widen gives affinities from the least to the greatest there are, which no
// floating point holds together.
func widen(t *Task, r *rand.Rand) {
	for _, listed := range t.Listed {
		for k := range listed {
			listed[k].Affinity = r.Int64N(MaxAffinity) >> (r.IntN(4) * 17)
		}
	}
}

// brute tries all assignments.
type brute struct {
	t         *Task
	panels    [][][]int32 // per application
	sums      [][]int64
	load      []int
	floor     int64
	feasible  bool
	total     int64 // the greatest with every application at the floor
	minimum   int64 // the greatest minimum
	objective Objective
}

func newBrute(t *Task) *brute {
	b := &brute{t: t, load: make([]int, len(t.Experts))}
	for i := range t.Applications {
		var panels [][]int32
		var sums []int64
		for set := range 1 << len(t.Experts) {
			var panel []int32
			for j := range int32(len(t.Experts)) {
				if set>>j&1 == 1 {
					panel = append(panel, j)
				}
			}
			one := &Task{Applications: t.Applications[i : i+1], Experts: t.Experts, Seats: t.Seats, UnitCap: t.UnitCap, Sparse: t.Sparse,
				Listed: t.Listed[i : i+1], Barred: t.Barred[i : i+1]}
			if sum, _, err := Check(one, [][]int32{panel}); err == nil {
				panels, sums = append(panels, panel), append(sums, sum.int())
			}
		}
		b.panels, b.sums = append(b.panels, panels), append(b.sums, sums)
	}
	return b
}

// try all for the rest of the applications.
func (b *brute) try(i int, total, minimum int64) {
	if i == len(b.panels) {
		if b.objective == Fair {
			b.minimum = max(b.minimum, minimum)
		}
		b.total = max(b.total, total)
		b.feasible = true
		return
	}
	for k, panel := range b.panels[i] {
		if b.sums[i][k] < b.floor {
			continue
		}
		full := false
		for _, j := range panel {
			b.load[j]++
			full = full || b.load[j] > b.t.Experts[j].Max
		}
		if !full {
			b.try(i+1, total+b.sums[i][k], min(minimum, b.sums[i][k]))
		}
		for _, j := range panel {
			b.load[j]--
		}
	}
}

func (b *brute) best(o Objective, floor int64) (feasible bool, total, minimum int64) {
	b.objective, b.floor, b.feasible, b.total, b.minimum = o, floor, false, -1, -1
	b.try(0, 0, 1<<62)
	return b.feasible, b.total, b.minimum
}

// TestAgainstAll: on thousands of small tasks the solver finds what trying all
// assignments finds, and its certificate proves it.
func TestAgainstAll(t *testing.T) {
	kinds := map[string]int{}
	for seed := range uint64(4000) {
		r := rand.New(rand.NewPCG(seed, 5))
		task := small(r)
		if seed%4 == 0 {
			widen(task, r)
		}
		b := newBrute(task)
		feasible, total, _ := b.best(Total, 0)
		got, err := Solve(task, Options{})
		if !feasible {
			var infeasible *Infeasible
			require.ErrorAs(t, err, &infeasible, "seed %d", seed)
			kinds["infeasible"]++
			continue
		}
		require.NoError(t, err, "seed %d", seed)
		assert.Equal(t, SumOf(total), got.Total, "seed %d", seed)
		prove(t, task, got, seed)
		kinds["total"]++
		if len(got.certificate.total.nodes) > 1 {
			kinds["total tree"]++
		}

		_, _, minimum := b.best(Fair, 0)
		_, total, _ = b.best(Total, minimum)
		got, err = Solve(task, Options{Objective: Fair})
		require.NoError(t, err, "seed %d", seed)
		assert.Equal(t, SumOf(minimum), got.Minimum, "seed %d", seed)
		assert.Equal(t, SumOf(total), got.Total, "seed %d", seed)
		prove(t, task, got, seed)
		if len(got.certificate.least.nodes) > 1 {
			kinds["fair tree"]++
		}

		floor := r.Int64N(minimum + minimum/4 + 2)
		feasible, total, _ = b.best(Total, floor)
		got, err = Solve(task, Options{Objective: Minimum, Floor: floor})
		if !feasible {
			var infeasible *Infeasible
			require.ErrorAs(t, err, &infeasible, "seed %d", seed)
			kinds["floor out of reach"]++
			continue
		}
		require.NoError(t, err, "seed %d", seed)
		assert.Equal(t, SumOf(total), got.Total, "seed %d floor %d", seed, floor)
		prove(t, task, got, seed)
		kinds["floor"]++
		if len(got.certificate.total.nodes) > 1 {
			kinds["floor tree"]++
		}
	}
	t.Log(kinds)
	for _, kind := range []string{"infeasible", "total", "total tree", "fair tree", "floor", "floor tree", "floor out of reach"} {
		assert.NotZero(t, kinds[kind], kind)
	}
}

// prove writes the certificate and checks that it proves the result optimal.
func prove(t *testing.T, task *Task, r *Result, seed uint64) {
	t.Helper()
	var k bytes.Buffer
	require.NoError(t, r.WriteCertificate(&k, Inputs{Applications: "a"}), "seed %d", seed)
	p, err := Verify(task, Inputs{Applications: "a"}, r.Panels, k.Bytes())
	require.NoError(t, err, "seed %d: %s", seed, k.String())
	assert.Equal(t, p.Total, p.TotalBound, "seed %d", seed)
	if p.MinimumBound != nil {
		assert.Equal(t, p.Minimum, p.MinimumBound, "seed %d", seed)
	}
}

// TestTies: where nearly all pairs are worth the same, as in the first year of a
// pool that has registered nothing, an assignment is found and proved as fast as
// elsewhere: within fewer nodes and chains than there are seats.
func TestTies(t *testing.T) {
	for _, k := range []int{1, 2} {
		task := Instance{Applications: 500, Experts: 600, Each: 600, Seats: []Seats{{"技术", 3 * k}, {"管理", k}, {"财务", k}}, UnitCap: k, Units: 150, Slack: 1.2, Seed: 1}.Task()
		for j := range task.Experts {
			task.Experts[j].Max = 8 * k
		}
		for i := range task.Listed {
			task.Listed[i] = nil
		}
		task.Sparse = false
		asked := 0
		r, err := Solve(task, Options{Stop: func() bool { asked++; return asked > 5*500*5*k }})
		require.NoError(t, err)
		assert.Equal(t, r.Total, r.Bound)
		task.Listed[3] = []Pair{{7, 250_000_000}, {8, 500_000_000}}
		r, err = Solve(task, Options{})
		require.NoError(t, err)
		assert.Equal(t, SumOf(750_000_000), r.Total)
		assert.Equal(t, r.Total, r.Bound)
	}
}
