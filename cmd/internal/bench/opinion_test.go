package bench

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/reviewing/rank/opinion"
)

// BenchmarkOpinions prints the table of the second opinion at growing sizes.
func BenchmarkOpinions(b *testing.B) {
	for b.Loop() {
		require.NoError(b, Opinions(func(r OpinionRow) {
			b.Logf("%-28s %-10s doubled %.1e, Monte-Carlo %.3f mean %.3f max, %.2f CPU s", r.Instance, r.Method, r.Moved, r.MCMean, r.MCMax, r.CPU.Seconds())
		}))
	}
}

// BenchmarkCoverage prints how often 90 % intervals cover the true rank.
func BenchmarkCoverage(b *testing.B) {
	for b.Loop() {
		share := opinion.Covering.Coverage(200, 1)
		b.Logf("%.4f over 200 reviews, seeds 1 to 200", share)
		assert.InDelta(b, 0.90, share, 0.02)
	}
}
