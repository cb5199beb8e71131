package assign

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestLottery: on small tasks the expectation is what the linear programme of
// the probabilities has for its value, every sample keeps every rule, and a
// lottery is refused exactly where rules cross or the cap leaves too little.
func TestLottery(t *testing.T) {
	kinds := map[string]int{}
	for seed := range uint64(600) {
		r := rand.New(rand.NewPCG(seed, 9))
		task := small(r)
		most := []int64{Unit, Unit / 2, 3 * Unit / 10, 123_456_789, 900_000_000}[r.IntN(5)]
		l, err := Draw(task, most, fmt.Sprintf("%x", seed), nil)
		if err != nil {
			var infeasible *Infeasible
			require.ErrorAs(t, err, &infeasible, "seed %d", seed)
			m := compile(task)
			switch {
			case m.lacking() != nil || m.withoutAffinity(func() bool { return false }).best == nil:
				kinds["infeasible"]++
			case m.laminar() != nil:
				kinds["crossing"]++
			default:
				_, ok := probabilities(m, most)
				assert.False(t, ok, "seed %d: refused what is possible", seed)
				kinds["too low"]++
			}
			continue
		}
		_, _, err = Check(task, l.Panels)
		require.NoError(t, err, "seed %d", seed)
		value, ok := probabilities(compile(task), most)
		require.True(t, ok, "seed %d", seed)
		expected, _ := l.expected.Float64()
		assert.InDelta(t, value, expected/Unit, 1e-6, "seed %d", seed)
		for _, p := range l.probabilities {
			assert.LessOrEqual(t, p.parts*(Unit/l.whole), most, "seed %d", seed)
		}
		kinds["drawn"]++
	}
	for _, kind := range []string{"infeasible", "crossing", "too low", "drawn"} {
		assert.Greater(t, kinds[kind], 10, kind)
	}
}

// probabilities is the linear programme of a capped lottery, written down as it
// is and solved in floating point; false if it has no solution.
func probabilities(m *model, most int64) (float64, bool) {
	type key struct{ kind, i, k int }
	row := map[key]int32{}
	var b, slack []float64
	at := func(k key, right, cost float64) int32 {
		if _, known := row[k]; !known {
			row[k] = int32(len(b))
			b, slack = append(b, right), append(slack, cost)
		}
		return row[k]
	}
	var columns []column
	for i := range m.n {
		for class, s := range m.Seats {
			at(key{0, i, class}, float64(s.Count), -1e4)
		}
	}
	for q, j := range m.expert {
		i := int(m.owner[q])
		c := column{cost: float64(m.value[q]) / Unit, row: []int32{row[key{0, i, int(m.class[j])}], at(key{1, 0, int(j)}, float64(m.load[j]), 0),
			at(key{2, q, 0}, float64(most)/Unit, 0)}}
		if m.unit[j] >= 0 {
			c.row = append(c.row, at(key{3, i, int(m.unit[j])}, float64(m.UnitCap), 0))
		}
		columns = append(columns, c)
	}
	l := newLP(b, slack)
	for _, c := range columns {
		l.add(c)
	}
	l.solve(func() bool { return false })
	value := l.value()
	return value, value > -1
}

// TestLotteryIsFair: over many seeds every pair is drawn as often as its
// probability says.
func TestLotteryIsFair(t *testing.T) {
	task := Instance{Applications: 6, Experts: 9, Each: 9, Seats: []Seats{{"", 3}}, UnitCap: 1, Units: 5, Slack: 1.1, Seed: 3}.Task()
	const times = 4000
	seen := map[[2]int]float64{}
	var l *Lottery
	for seed := range times {
		var err error
		l, err = Draw(task, 400_000_000, fmt.Sprintf("%08x", seed), nil)
		require.NoError(t, err)
		for i, panel := range l.Panels {
			for _, j := range panel {
				seen[[2]int{i, int(j)}]++
			}
		}
	}
	inPart := 0
	for _, p := range l.probabilities {
		x := float64(p.parts) / float64(l.whole)
		deviation := math.Sqrt(x * (1 - x) * times)
		assert.InDelta(t, x*times, seen[[2]int{p.application, int(p.expert)}], 4.5*deviation+1e-9)
		if x < 1 {
			inPart++
		}
	}
	assert.Greater(t, inPart, 20)
}
