package assign

import (
	"bytes"
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
		assert.Equal(t, sum, after.Bound, "seed %d", seed)
		assert.Equal(t, after.MostKept, after.Kept, "seed %d", seed)
		keeping, worth, grid, err := task.Keeping(before.Panels)
		require.NoError(t, err)
		var certificate bytes.Buffer
		inputs := Inputs{Before: "before"}
		require.NoError(t, after.WriteCertificate(&certificate, inputs))
		proved, err := Verify(keeping, inputs, after.Panels, certificate.Bytes())
		require.NoError(t, err, "seed %d", seed)
		kept, most, reached, bound := proved.Kept(worth, grid)
		assert.Equal(t, []int64{int64(after.Kept), int64(after.Kept)}, []int64{kept, most}, "seed %d", seed)
		assert.Equal(t, []string{sum.String(), sum.String()}, []string{Decimal(reached), Decimal(bound)}, "seed %d", seed)
		_, err = Verify(keeping, Inputs{}, after.Panels, certificate.Bytes())
		assert.Error(t, err, "seed %d", seed)
		repaired++
		if fewest > 1 {
			moved++
		}
	}
	assert.Greater(t, repaired, 300)
	assert.Greater(t, moved, 20, "refusals that others must make room for")
}

// TestResolveLarge numbers: of as many digits as 64 bits cannot hold times the
// seats are refused, never wrong; others, however great, are not.
func TestResolveLarge(t *testing.T) {
	task := Instance{Applications: 30, Experts: 20, Each: 20, Seats: []Seats{{"", 3}}, Slack: 1.2, Seed: 1}.Task()
	before, err := Solve(task, Options{})
	require.NoError(t, err)
	task.Barred[4] = []int32{before.Panels[4][0]}
	after, err := Resolve(task, before.Panels, nil)
	require.NoError(t, err)
	assert.Equal(t, 1, Changes(before.Panels, after.Panels))
	for i := range task.Listed {
		for k := range task.Listed[i] {
			task.Listed[i][k].Affinity *= 1_000_000
		}
	}
	after, err = Resolve(task, before.Panels, nil)
	require.NoError(t, err, "as many digits as before")
	assert.Equal(t, 1, Changes(before.Panels, after.Panels))
	for i := range task.Listed {
		for k := range task.Listed[i] {
			task.Listed[i][k].Affinity += int64(k)
		}
	}
	_, err = Resolve(task, before.Panels, nil)
	assert.ErrorIs(t, err, ErrTooFine)
	task.Barred[4] = []int32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17}
	_, err = Resolve(task, before.Panels, nil)
	assert.ErrorContains(t, err, task.Applications[4], "what cannot be is told first")
	task.Listed, task.Barred = make([][]Pair, 100_000), make([][]int32, 100_000)
	task.Applications = make([]string, 100_000)
	task.Listed[0] = []Pair{{0, 10 * Unit}}
	_, _, _, err = task.Keeping(make([][]int32, 100_000))
	assert.NoError(t, err)
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
