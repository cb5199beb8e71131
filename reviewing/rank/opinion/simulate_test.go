package opinion

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestCoverage: 90 % intervals cover 88–92 % of the true ranks of reviews drawn
// from the model, seeds 1 to 4; `keping bench` does the same with many more.
func TestCoverage(t *testing.T) {
	share := Covering.Coverage(4, 1)
	t.Logf("%.4f", share)
	assert.InDelta(t, 0.90, share, 0.02)
}
