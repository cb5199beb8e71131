package opinion

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// alike has three experts give every application the mark at its place.
func alike(t *testing.T, scores ...float64) *Opinion {
	t.Helper()
	var marks []Mark
	for i, score := range scores {
		for j := range 3 {
			marks = append(marks, Mark{Application: fmt.Sprintf("A%d", i+1), Expert: fmt.Sprintf("E%d", j), Score: score})
		}
	}
	o, err := Rank(marks, Scale{0, 100}, Options{Seed: 1, Draws: 2_000})
	require.NoError(t, err)
	return o
}

// TestReserve: no name parts equals, neither within the reserve nor at its edge.
func TestReserve(t *testing.T) {
	equal := alike(t, 60, 60, 60, 60)
	for places, want := range map[int][][]string{0: {{"A1", "A2", "A3", "A4"}}, 1: nil, 2: nil, 3: nil, 4: nil} {
		l := equal.Draw(places)
		assert.Equal(t, want, l.Reserve, places)
		if places > 0 && places < 4 {
			assert.Equal(t, Counts{Tie: 4}, l.Counts)
		}
	}
	o := alike(t, 50, 90, 70, 50, 70, 30)
	for places, want := range map[int][][]string{
		0: {{"A2"}, {"A3", "A5"}, {"A1", "A4"}, {"A6"}},
		1: {{"A3", "A5"}, {"A1", "A4"}, {"A6"}},
		2: {{"A1", "A4"}, {"A6"}},
		3: {{"A1", "A4"}, {"A6"}},
		4: {{"A6"}},
		6: nil,
	} {
		assert.Equal(t, want, o.Draw(places).Reserve, places)
	}
	assert.Equal(t, Tie, o.Applications[1].group(o.Applications[2].ExpectedRank))
}

// TestAmong: a line among fewer leaves the others' places to them.
func TestAmong(t *testing.T) {
	o := alike(t, 90, 80, 70, 60)
	o.Draw(2)
	some := o.Among(func(name string) bool { return name != "A2" })
	l := some.Draw(2)
	assert.Equal(t, o.Applications[2].ExpectedRank, *l.At)
	assert.Equal(t, [][]string{{"A4"}}, l.Reserve)
	var groups []Group
	for _, a := range some.Applications {
		groups = append(groups, a.Group)
	}
	assert.Equal(t, []Group{Fund, Fund, Reject}, groups)
	assert.Equal(t, Fund, o.Applications[1].Group, "the opinion it is taken from keeps its own line")
	for _, r := range some.Robustness(2) {
		assert.NotEqual(t, "A2", r.Application)
	}
	none := o.Among(func(string) bool { return false })
	l, err := none.DrawBudget(10, nil)
	require.NoError(t, err)
	assert.Equal(t, Counts{}, l.Counts)
	assert.Nil(t, l.At)
	assert.Empty(t, none.Robustness(l.Places))
}
