package reviewing

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestProposeLines(t *testing.T) {
	line := func(id, review string, rank, fen int, passed bool) Line {
		return Line{ApplicationID: id, Number: id, ReviewID: review, Rank: rank, FiscalFen: fen, Passed: passed}
	}
	for name, c := range map[string]struct {
		lines          []Line
		places, budget int
		want           map[string]string
	}{
		"in rank order": {[]Line{line("a", "r", 2, 10, true), line("b", "r", 1, 10, true), line("c", "r", 3, 10, true)}, 2, 100,
			map[string]string{"b": "proposed", "a": "proposed", "c": "reserve"}},
		"not passed": {[]Line{line("a", "r", 1, 10, false), line("b", "r", 0, 10, true)}, 0, 100, map[string]string{"a": "declined", "b": "declined"}},
		"what does not fit stops, nothing is skipped": {[]Line{line("a", "r", 1, 60, true), line("b", "r", 2, 60, true), line("c", "r", 3, 10, true)}, 0, 100,
			map[string]string{"a": "proposed", "b": "reserve", "c": "reserve"}},
		"a tie at the cut goes in whole or not at all": {[]Line{line("a", "r", 1, 10, true), line("b", "r", 1, 10, true)}, 1, 100, map[string]string{"a": "reserve", "b": "reserve"}},
		"a tie that fits": {[]Line{line("a", "r", 1, 10, true), line("b", "r", 1, 10, true)}, 2, 100, map[string]string{"a": "proposed", "b": "proposed"}},
		"a tie after a place": {[]Line{line("a", "r", 1, 10, true), line("b", "r", 2, 10, true), line("c", "r", 2, 10, true)}, 2, 100,
			map[string]string{"a": "proposed", "b": "reserve", "c": "reserve"}},
		"one review's stop is not another's": {[]Line{line("a", "r", 1, 90, true), line("b", "r", 2, 90, true), line("c", "q", 3, 10, true)}, 0, 100,
			map[string]string{"a": "proposed", "b": "reserve", "c": "proposed"}},
		"no money left": {[]Line{line("a", "r", 1, 10, true)}, 0, -1, map[string]string{"a": "reserve"}},
	} {
		t.Run(name, func(t *testing.T) {
			ProposeLines(c.lines, c.places, c.budget)
			got := map[string]string{}
			for _, l := range c.lines {
				got[l.ApplicationID] = l.Choice
			}
			assert.Equal(t, c.want, got)
		})
	}
}
