package reviewing

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/configs/rulepacks"
	"keping/rbac/rulebook"
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

// TestDepartures: R-075 asks for a reason where a better line is passed over,
// at either of the two, and of nothing else.
func TestDepartures(t *testing.T) {
	p, err := rulebook.Parse(rulepacks.Shapingba)
	require.NoError(t, err)
	line := func(id string, rank int, choice, reason string) Line {
		return Line{ApplicationID: id, Number: id, ReviewID: "r", Rank: rank, Passed: true, Choice: choice, Reason: reason, FiscalFen: 1}
	}
	better, worse := line("a", 1, "declined", ""), line("b", 2, "proposed", "")
	for what, c := range map[string]struct {
		lines  []Line
		change func(*ListFacts)
		failed int
	}{
		"in order":                         {[]Line{line("a", 1, "proposed", ""), line("b", 2, "reserve", "")}, nil, 0},
		"passed over without a reason":     {[]Line{better, worse}, nil, 1},
		"a reason at the one chosen":       {[]Line{better, line("b", 2, "proposed", "区重点产业急需")}, nil, 0},
		"a reason at the one passed over":  {[]Line{line("a", 1, "declined", "负责人失信"), worse}, nil, 0},
		"blanks are no reason":             {[]Line{line("a", 1, "declined", "　 "), line("b", 2, "proposed", " \t ")}, nil, 1},
		"an objection upheld":              {[]Line{better, worse}, func(f *ListFacts) { f.Objections = map[string]ObjectionState{"a": Upheld} }, 0},
		"an objection open":                {[]Line{better, worse}, func(f *ListFacts) { f.Objections = map[string]ObjectionState{"a": Accepted} }, 1},
		"withdrawn":                        {[]Line{better, worse}, func(f *ListFacts) { f.Withdrawn = map[string]bool{"a": true} }, 0},
		"its leader barred":                {[]Line{better, worse}, func(f *ListFacts) { f.Barred = map[string]bool{"a": true} }, 0},
		"one reason serves for two chosen": {[]Line{line("a", 1, "declined", "负责人失信"), worse, line("c", 3, "proposed", "")}, nil, 0},
		"each passed over is asked for":    {[]Line{better, line("b", 2, "reserve", ""), line("c", 3, "proposed", "")}, nil, 2},
	} {
		f := ListFacts{List: AwardList{Lines: c.lines}, Guide: Guide{BudgetFen: 100}, Closed: map[string]bool{"a": true, "b": true, "c": true}}
		if c.change != nil {
			c.change(&f)
		}
		failed := 0
		for _, v := range rulebook.Blocking(LineRules(p, f)) {
			if v.Rule == "R-075" {
				failed++
			}
		}
		assert.Equal(t, c.failed, failed, what)
	}
	for _, v := range LineRules(p, ListFacts{List: AwardList{Lines: []Line{line("a", 1, "proposed", "")}}, Guide: Guide{BudgetFen: 0}, Closed: map[string]bool{"a": true}}) {
		if v.Rule == "R-074" {
			assert.Contains(t, v.Message, "项数不限")
			assert.NotContains(t, v.Message, "0项，")
		}
	}
}

// TestBudgetNeverWraps: amounts that would add up to nothing in 64 bits are
// over every budget.
func TestBudgetNeverWraps(t *testing.T) {
	p, err := rulebook.Parse(rulepacks.Shapingba)
	require.NoError(t, err)
	line := func(id string, rank, fen int) Line {
		return Line{ApplicationID: id, Number: id, ReviewID: "r", Rank: rank, Passed: true, Choice: "proposed", FiscalFen: fen}
	}
	list := AwardList{Lines: []Line{line("a", 1, math.MaxInt), line("b", 2, math.MaxInt), line("c", 3, 2)}}
	used := BudgetBar(list, MaxFen, 0)
	assert.Equal(t, maxSum, used[2].SumFen)
	assert.Negative(t, used[2].LeftFen)
	f := ListFacts{List: list, Guide: Guide{BudgetFen: MaxFen}, Closed: map[string]bool{"a": true, "b": true, "c": true}}
	failed := []string{}
	for _, v := range rulebook.Blocking(LineRules(p, f)) {
		failed = append(failed, v.Rule)
	}
	assert.Equal(t, []string{"R-074"}, failed)
}
