package bench

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/reviewing/assign"
	"keping/reviewing/rank/opinion"
)

// TestEngines: the smallest instances are measured as the table is.
func TestEngines(t *testing.T) {
	in := assign.Instance{Applications: 20, Experts: 30, Each: 30, Seats: classes, UnitCap: 1, Units: 10, Slack: 1.2, Seed: 1}
	for _, objective := range []assign.Objective{assign.Total, assign.Fair} {
		r, err := assigned(in, objective)
		require.NoError(t, err)
		assert.Regexp(t, `总和(\S+)，界`, r.quality)
		assert.Positive(t, r.peak)
	}
	r, err := repaired(in)
	require.NoError(t, err)
	assert.Contains(t, r.quality, "改动")
	r, err = ranked(opinion.Instance{Applications: 20, Experts: 7, Each: 5, Scale: opinion.Scale{Low: 0, High: 100}, Seed: 1})
	require.NoError(t, err)
	assert.Contains(t, r.quality, "求积")
}

// BenchmarkCoverage prints how often 90 % intervals cover the true rank.
func BenchmarkCoverage(b *testing.B) {
	for b.Loop() {
		share := opinion.Covering.Coverage(200, 1)
		b.Logf("%.4f over 200 reviews, seeds 1 to 200", share)
		assert.InDelta(b, 0.90, share, 0.02)
	}
}
