package store

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"

	"keping/experts/draw"
)

// TestFeasibleFew: asking the draw about the few candidates that matter says
// what asking about all of them says.
func TestFeasibleFew(t *testing.T) {
	source := rand.New(rand.NewPCG(1, 2))
	sets := [][]string{{"technical"}, {"management"}, {"finance"}, {"finance", "management"}, {"management", "technical"}, {"finance", "management", "technical"}}
	said := map[bool]int{}
	for range 3000 {
		frame := draw.Frame{UnitCap: source.IntN(3), Seats: []draw.Seats{{Class: "technical", Count: 1 + source.IntN(3)}, {Class: "management", Count: 1 + source.IntN(2)}, {Class: "finance", Count: 1}}}
		units := 1 + source.IntN(8)
		for i := range source.IntN(14) {
			unit := ""
			if n := source.IntN(units + 1); n > 0 {
				unit = fmt.Sprintf("U%03d", n)
			}
			frame.Candidates = append(frame.Candidates, draw.Candidate{Code: fmt.Sprintf("E%04d", i), Unit: unit, Classes: sets[source.IntN(len(sets))]})
		}
		want := draw.Feasible(frame)
		said[want]++
		assert.Equal(t, want, feasible(frame), "%+v", frame)
	}
	assert.Greater(t, min(said[true], said[false]), 300, "both happen")
}
