package opinion

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/reviewing/rank"
)

// sheet of an expert with a mark in hundredths per criterion.
func sheet(status, application, expert string, marks map[string]int) rank.Sheet {
	s := rank.Sheet{Status: status, Class: "technical", Sheet: rank.Content{Application: application, Expert: expert, Version: 1}}
	for _, code := range []string{"a", "b", "c"} {
		if v, ok := marks[code]; ok {
			s.Sheet.Marks = append(s.Sheet.Marks, rank.Mark{Criterion: code, Mark: &v})
		}
	}
	return s
}

// TestBasis: only counted sheets, only those who mark what most mark, in per
// cent of what they could give.
func TestBasis(t *testing.T) {
	form := rank.Form{Criteria: []rank.Criterion{
		{Code: "a", Weight: 10000, Maximum: 6000}, {Code: "b", Weight: 10000, Maximum: 3000}, {Code: "c", Weight: 5000, Maximum: 2000}}}
	for _, c := range []struct {
		name     string
		form     rank.Form
		sheets   []rank.Sheet
		criteria []string
		leftOut  int
		scores   string
	}{
		{"all mark all", form, []rank.Sheet{
			sheet("counted", "A1", "E1", map[string]int{"a": 6000, "b": 3000, "c": 2000}),
			sheet("counted", "A2", "E1", map[string]int{"a": 3000, "b": 3000, "c": 0})},
			[]string{"a", "b", "c"}, 0, "A1,E1,100.000000\nA2,E1,60.000000\n"},
		{"what does not count", form, []rank.Sheet{
			sheet("counted", "A1", "E1", map[string]int{"a": 6000}),
			sheet("void", "A1", "E2", map[string]int{"a": 1}),
			sheet("revised", "A1", "E3", map[string]int{"a": 1}),
			sheet("abstained", "A1", "E4", nil),
			sheet("joint", "A1", "U1", map[string]int{"a": 1})},
			[]string{"a"}, 0, "A1,E1,100.000000\n"},
		{"finance marks the budget only", form, []rank.Sheet{
			sheet("counted", "A1", "E1", map[string]int{"a": 2000, "b": 1000}),
			sheet("counted", "A1", "E2", map[string]int{"a": 2000, "b": 2000}),
			sheet("counted", "A1", "F1", map[string]int{"c": 2000})},
			[]string{"a", "b"}, 1, "A1,E1,33.333333\nA1,E2,44.444444\n"},
		{"as many mark one as two: the two", form, []rank.Sheet{
			sheet("counted", "A1", "E1", map[string]int{"a": 6000}),
			sheet("counted", "A1", "E2", map[string]int{"b": 3000, "c": 0})},
			[]string{"b", "c"}, 1, "A1,E2,75.000000\n"},
		{"votes", rank.Form{}, []rank.Sheet{sheet("counted", "A1", "E1", nil)}, []string{}, 1, ""},
		{"nobody", form, nil, []string{}, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := Of(rank.Record{Form: c.form, Sheets: c.sheets})
			assert.Equal(t, c.criteria, b.Criteria)
			assert.Equal(t, c.leftOut, b.LeftOut)
			assert.Equal(t, c.scores == "", b.Empty())
			var out strings.Builder
			require.NoError(t, b.WriteScores(&out))
			assert.Equal(t, "application,expert,score\n"+c.scores, out.String())
			if !b.Empty() {
				marks, err := ReadScores(strings.NewReader(out.String()), Percent)
				require.NoError(t, err)
				assert.Len(t, marks, len(b.scores))
			}
		})
	}
}

// TestSensitivity: one place, and the variants under which another would have it.
func TestSensitivity(t *testing.T) {
	record := rank.Record{Minimum: 2, Method: rank.Method{Name: "mean"}, Form: rank.Form{Criteria: []rank.Criterion{{Code: "a", Weight: 10000, Maximum: 10000}}}, Sheets: []rank.Sheet{
		sheet("counted", "A1", "E1", map[string]int{"a": 9000}), sheet("counted", "A1", "E2", map[string]int{"a": 8000}),
		sheet("counted", "A2", "E1", map[string]int{"a": 7000}), sheet("counted", "A2", "E2", map[string]int{"a": 8600}),
		sheet("counted", "A3", "E1", map[string]int{"a": 1000}), sheet("counted", "A3", "E2", map[string]int{"a": 1000}),
		sheet("abstained", "A4", "E1", nil),
		sheet("joint", "A2", "U1", map[string]int{"a": 10000})},
		Results: []rank.Result{{Application: "A1", Mark: "85/1", Passed: true}, {Application: "A2", Mark: "78/1", Passed: true}, {Application: "A3", Mark: "10/1", Passed: true}, {Application: "A4"}}}
	for places, want := range map[int][]Sensitive{
		0: {},
		1: {{"A1", Inside, []Shift{{"without", "E1", Outside}, {"joint", "", Outside}}}, {"A2", Outside, []Shift{{"without", "E1", Inside}, {"joint", "", Inside}}}},
		2: {},
		9: {},
	} {
		got, err := Sensitivity(record, places)
		require.NoError(t, err)
		assert.Equal(t, want, got, places)
	}
	record.Results[0].Passed = false // cannot be funded: the place is A2's whatever else
	got, err := Sensitivity(record, 1)
	require.NoError(t, err)
	assert.Empty(t, got)
	record.Results[0].Passed, record.Results[0].Mark = true, "85%"
	_, err = Sensitivity(record, 1)
	assert.ErrorContains(t, err, "A1")
}
