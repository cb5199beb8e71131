package opinion

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkMINT is the Swiss panel of April 2020: 353 applications, 2,838 marks.
func BenchmarkMINT(b *testing.B) {
	d, err := newDesign(load(b, shared(b, "snsf_mint.csv")), Scale{1, 6})
	require.NoError(b, err)
	p := d.integrate(func(float64) {})
	b.Run("expected ranks", func(b *testing.B) {
		for b.Loop() {
			d.integrate(func(float64) {})
		}
	})
	b.Run("200,000 draws", func(b *testing.B) {
		for b.Loop() {
			d.sampleRanks(p, Options{Draws: DefaultDraws, Progress: func(float64) {}})
		}
	})
}
