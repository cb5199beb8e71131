package opinion

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/reviewing/chance"
)

// panelOf draws a review of so many applications, each marked by five of twelve
// experts on 0–100, whose severities have this deviation.
func panelOf(seed uint64, applications int, severity float64) []Mark {
	random := chance.New(seed)
	nu := make([]float64, 12)
	for j := range nu {
		nu[j] = severity * random.Normal()
	}
	var marks []Mark
	seats := make([]int, len(nu))
	for i := range applications {
		theta := 10 * random.Normal()
		for j := range seats {
			seats[j] = j
		}
		for k := range 5 {
			other := k + random.Below(len(seats)-k)
			seats[k], seats[other] = seats[other], seats[k]
			x := 55 + theta + nu[seats[k]] + 8*random.Normal()
			marks = append(marks, Mark{Application: fmt.Sprintf("A%03d", i), Expert: fmt.Sprintf("E%02d", seats[k]), Score: min(max(x, 0), 100)})
		}
	}
	return marks
}

// gateOf is the gate of a review, with its report.
func gateOf(t *testing.T, marks []Mark) (Gate, *Report) {
	t.Helper()
	o, err := Rank(marks, Scale{0, 100}, Options{Seed: 1, Draws: 500})
	require.NoError(t, err)
	fits, err := Reliabilities(marks, Scale{0, 100})
	require.NoError(t, err)
	r := NewReport(o, fits, nil, History{}, 1)
	return r.Gate, r
}

// TestNoHarm: over simulated panels the gate opens where experts differ, and
// there the held-out marks agree more often with the corrected means; where they
// do not differ it stays shut nearly always, and the correction, had it been
// made, would have cost agreement.
func TestNoHarm(t *testing.T) {
	const reviews = 20
	for _, c := range []struct {
		severity    float64
		least, most int // open gates
	}{{12, reviews - 1, reviews}, {0, 0, 2}} {
		open, gain := 0, 0.0
		for seed := range uint64(reviews) {
			g, r := gateOf(t, panelOf(seed+1, 60, c.severity))
			gain += g.HeldOut.Gain / reviews
			assert.Greater(t, g.HeldOut.Pairs, 1000)
			assert.InDelta(t, g.HeldOut.Corrected-g.HeldOut.Mean, g.HeldOut.Gain, 1e-12)
			for _, a := range r.Applications {
				assert.Equal(t, g.Offered, a.Corrected != nil)
			}
			if g.Offered {
				open++
				assert.Positive(t, g.HeldOut.Gain)
			} else {
				assert.NotEmpty(t, g.Why)
			}
		}
		t.Logf("severity %v: %d of %d open, agreement %+.4f on average", c.severity, open, reviews, gain)
		assert.GreaterOrEqual(t, open, c.least)
		assert.LessOrEqual(t, open, c.most)
		if c.severity > 0 {
			assert.Greater(t, gain, 0.02)
		} else {
			assert.Negative(t, gain)
		}
	}
}

// TestNoGood: where everybody marks everything the correction moves no order,
// and where no two marks of an expert held out can be looked up nothing is known.
func TestNoGood(t *testing.T) {
	var balanced, apart []Mark
	for i := range 12 {
		for j := range 5 {
			name, score := fmt.Sprintf("A%02d", i), float64(30+3*i+7*j+i*j%4)
			balanced = append(balanced, Mark{Application: name, Expert: fmt.Sprintf("E%d", j), Score: score})
			if i%4 == j {
				apart = append(apart, Mark{Application: name, Expert: fmt.Sprintf("E%d", j), Score: score})
			}
		}
	}
	g, _ := gateOf(t, balanced)
	assert.GreaterOrEqual(t, g.Statistic, g.Threshold)
	assert.Positive(t, g.HeldOut.Pairs)
	assert.Zero(t, g.HeldOut.Gain)
	assert.False(t, g.Offered)
	assert.Contains(t, g.Why, "不使次序更近")
	g, _ = gateOf(t, apart)
	assert.Equal(t, HeldOut{}, g.HeldOut)
	assert.False(t, g.Offered)
	g, _ = gateOf(t, balanced[:1])
	assert.Equal(t, HeldOut{}, g.HeldOut)
	assert.False(t, g.Offered)
}

// TestSeverities: conjugate gradients find what the factor finds.
func TestSeverities(t *testing.T) {
	for _, in := range []Instance{
		{Applications: 60, Experts: 20, Each: 5, Scale: Scale{0, 100}, Seed: 3},
		{Applications: 60, Experts: 20, Each: 4, Panels: 4, Scale: Scale{1, 6}, Seed: 1},
		{Applications: 30, Experts: 60, Each: 2, Scale: Scale{1, 6}, Seed: 2},
	} {
		marks, _ := in.Simulate(true)
		d, err := newDesign(marks, in.Scale)
		require.NoError(t, err)
		for _, n := range []node{
			{signal: 1, residual: 0.1 * in.Scale.Range(), panel: 0.05 * in.Scale.Range()},
			{signal: 1e4, residual: 0.001 * in.Scale.Range()},
			{signal: 0, residual: 0.5 * in.Scale.Range(), panel: 0.4 * in.Scale.Range()},
		} {
			g := d.given(n)
			for j, s := range d.severities(n) {
				assert.InDelta(t, -g.mean.AtVec(j), s, 1e-5*in.Scale.Range(), "%v %v", in, n)
			}
		}
	}
}
