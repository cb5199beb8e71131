package assign

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestResolve: on small tasks a refusal changes as few other seats as trying all
// assignments shows to be possible, with the greatest total among those.
func TestResolve(t *testing.T) {
	repaired, moved := 0, 0
	for seed := range uint64(1500) {
		r := rand.New(rand.NewPCG(seed, 7))
		task := small(r)
		before, err := Solve(task, Options{})
		if err != nil {
			continue
		}
		i := r.IntN(len(task.Applications))
		refused := before.Panels[i][r.IntN(len(before.Panels[i]))]
		task.Barred[i] = append(slices.Clone(task.Barred[i]), refused)
		slices.Sort(task.Barred[i])
		b := newBrute(task)
		fewest, total := b.repair(before.Panels)
		after, err := Resolve(task, before.Panels, nil)
		if fewest < 0 {
			var infeasible *Infeasible
			require.ErrorAs(t, err, &infeasible, "seed %d", seed)
			continue
		}
		require.NoError(t, err, "seed %d", seed)
		sum, _, err := Check(task, after.Panels)
		require.NoError(t, err, "seed %d", seed)
		assert.Equal(t, fewest, Changes(before.Panels, after.Panels), "seed %d", seed)
		assert.Equal(t, SumOf(total), sum, "seed %d", seed)
		assert.Equal(t, sum, after.Total, "seed %d", seed)
		repaired++
		if fewest > 1 {
			moved++
		}
	}
	assert.Greater(t, repaired, 300)
	assert.Greater(t, moved, 20, "refusals that others must make room for")
}

// repair tries all assignments for the fewest changes and the greatest total.
func (b *brute) repair(before [][]int32) (fewest int, total int64) {
	fewest = -1
	after := make([][]int32, len(before))
	var try func(i int, sum int64)
	try = func(i int, sum int64) {
		if i == len(b.panels) {
			if n := Changes(before, after); fewest < 0 || n < fewest || n == fewest && sum > total {
				fewest, total = n, sum
			}
			return
		}
		for k, panel := range b.panels[i] {
			fits := true
			for _, j := range panel {
				b.load[j]++
				fits = fits && b.load[j] <= b.t.Experts[j].Max
			}
			if fits {
				after[i] = panel
				try(i+1, sum+b.sums[i][k])
			}
			for _, j := range panel {
				b.load[j]--
			}
		}
	}
	try(0, 0)
	return fewest, total
}

// BenchmarkResolve: a refusal at 10,000 applications.
func BenchmarkResolve(b *testing.B) {
	task := Instance{Applications: 10_000, Experts: 20_000, Each: 200, Seats: []Seats{{"技术", 3}, {"管理", 1}, {"财务", 1}}, UnitCap: 1, Units: 1000, Slack: 1.2, Seed: 1}.Task()
	before, err := Solve(task, Options{})
	if err != nil {
		b.Fatal(err)
	}
	task.Barred[17] = []int32{before.Panels[17][0]}
	for b.Loop() {
		after, err := Resolve(task, before.Panels, nil)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(Changes(before.Panels, after.Panels)), "changes")
	}
}
