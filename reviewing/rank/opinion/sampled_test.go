package opinion

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestSampled: the chain for large designs finds what quadrature finds, within
// its own Monte-Carlo error, with panels and without.
func TestSampled(t *testing.T) {
	for name, in := range map[string]Instance{
		"mixed":     {Applications: 60, Experts: 20, Each: 5, Scale: Scale{0, 100}, Seed: 3},
		"in panels": {Applications: 60, Experts: 20, Each: 4, Panels: 4, Scale: Scale{1, 6}, Seed: 1},
	} {
		marks, _ := in.Simulate(true)
		d, err := newDesign(marks, in.Scale)
		assert.NoError(t, err)
		exact := d.rank(Options{Seed: 1, Draws: 20_000})
		sample := d.opinion(d.sampled(Options{Seed: 1, Draws: 1500, Progress: func(float64) {}}))
		by := map[string]Application{}
		for _, a := range exact.Applications {
			by[a.Name] = a
		}
		var squares float64
		for _, a := range sample.Applications {
			off := a.ExpectedRank - by[a.Name].ExpectedRank
			squares += off * off
			assert.InDelta(t, by[a.Name].ExpectedRank, a.ExpectedRank, 6*sample.Error.MCMax, "%s %s", name, a.Name)
			assert.InDelta(t, by[a.Name].Effect, a.Effect, 0.01*in.Scale.Range(), name)
			assert.InDelta(t, by[a.Name].EffectSD, a.EffectSD, 0.01*in.Scale.Range(), name)
			assert.InDelta(t, by[a.Name].Rank05, a.Rank05, 2, name)
			assert.InDelta(t, by[a.Name].Rank95, a.Rank95, 2, name)
		}
		root := math.Sqrt(squares / float64(len(sample.Applications)))
		t.Logf("%s: %.4f off, Monte-Carlo error %.4f on average, %d draws, hyper %v %v", name, root, sample.Error.MCMean, sample.Draws, exact.Hyper, sample.Hyper)
		assert.Less(t, root, 3*sample.Error.MCMean, name)
		assert.Less(t, sample.Error.MCMean, 0.1, name)
		for j, e := range sample.Experts {
			assert.InDelta(t, exact.Experts[j].Severity, e.Severity, 0.01*in.Scale.Range())
			assert.InDelta(t, exact.Experts[j].SD, e.SD, 0.01*in.Scale.Range())
		}
		for i, h := range sample.Hyper {
			assert.InDelta(t, exact.Hyper[i].Mean, h.Mean, 0.01*in.Scale.Range(), "%s %s", name, h.Name)
		}
	}
}

// TestProbed: the probes of large components find the exact criterion within
// their own error, and nearly the same variances.
func TestProbed(t *testing.T) {
	marks, _ := Instance{Applications: 600, Experts: 200, Each: 5, Scale: Scale{0, 100}, Seed: 2}.Simulate(true)
	d, err := newDesign(marks, Scale{0, 100})
	require.NoError(t, err)
	exact := d.reliability("")
	d.exact = 20
	probed := d.reliability("")
	assert.Zero(t, exact.Error)
	assert.Greater(t, probed.Error, 0.0)
	assert.InDelta(t, *exact.Criterion, *probed.Criterion, 4*probed.Error)
	assert.InEpsilon(t, *exact.Application, *probed.Application, 0.02)
	assert.InEpsilon(t, *exact.Expert, *probed.Expert, 0.05)
	assert.InEpsilon(t, *exact.Residual, *probed.Residual, 0.02)
	assert.InDelta(t, *exact.Mean, *probed.Mean, 0.005)
}

// large is 10,000 applications, five marks each, 5,000 experts.
var large = Instance{Applications: 10_000, Experts: 5_000, Each: 5, Scale: Scale{0, 100}, Seed: 1}

func BenchmarkMixed(b *testing.B) {
	marks, _ := large.Simulate(true)
	b.Run("REML", func(b *testing.B) {
		for b.Loop() {
			fits, err := Reliabilities(marks, large.Scale)
			require.NoError(b, err)
			b.Log(*fits[0].Application, *fits[0].Expert, *fits[0].Residual, *fits[0].Criterion, fits[0].Error)
		}
	})
	b.Run("ranks", func(b *testing.B) {
		for b.Loop() {
			o, err := Rank(marks, large.Scale, Options{Seed: 1})
			require.NoError(b, err)
			b.Logf("%d draws, Monte-Carlo error %.2f mean, %.2f max; %v", o.Draws, o.Error.MCMean, o.Error.MCMax, o.Hyper)
		}
	})
}

// BenchmarkPanels is the same in panels of 50 experts.
func BenchmarkPanels(b *testing.B) {
	in := large
	in.Panels = 100
	marks, _ := in.Simulate(true)
	for b.Loop() {
		fits, err := Reliabilities(marks, in.Scale)
		require.NoError(b, err)
		require.Len(b, fits, 101)
	}
}
