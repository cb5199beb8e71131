package opinion

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/rbac/journal"
	"keping/reviewing/rank"
)

// recordOf is the official record of marks in per cent: those of so much pass.
func recordOf(t *testing.T, marks []Mark, passLine int) rank.Record {
	t.Helper()
	r := rank.Record{Spec: rank.Spec, Review: "2025-01", Minimum: 1, PassLine: passLine, Method: rank.Method{Name: "mean"}, Ties: []string{}, Orders: []rank.Order{},
		Form: rank.Form{Criteria: []rank.Criterion{{Code: "a", Weight: 10000, Maximum: 10000, Classes: []string{}}}}}
	for _, m := range arrange(marks, Percent).marks {
		score := int(math.Round(100 * m.Score))
		s := rank.Sheet{Status: "counted", Class: "technical", Sheet: rank.Content{Application: m.Application, Expert: m.Expert, Version: 1, Marks: []rank.Mark{{Criterion: "a", Mark: &score}}}}
		var err error
		s.Hash, err = rank.SheetHash("", s.Sheet)
		require.NoError(t, err)
		r.Sheets = append(r.Sheets, s)
	}
	r, err := rank.Compute(r)
	require.NoError(t, err)
	return r
}

// adviceOf is the report, read again.
func adviceOf(t *testing.T, record rank.Record, asked Asked) (Advice, Files) {
	t.Helper()
	_, files, err := Advise(record, asked)
	require.NoError(t, err)
	var a Advice
	require.NoError(t, json.Unmarshal(files.Report, &a))
	return a, files
}

// TestAdvise: on a biased review the gate is open and every line has its
// corrected mean, the mean of its marks raised by the severities that the report
// gives; the line is among those that pass, for places and for a budget.
func TestAdvise(t *testing.T) {
	record := recordOf(t, panelOf(3, 30, 12), 5500)
	a, files := adviceOf(t, record, Asked{Places: 10})
	assert.True(t, a.Report.Gate.Offered, a.Report.Gate.Why)
	severity := map[string]float64{}
	for _, e := range a.Report.Experts {
		severity[e.Expert] = e.Severity
	}
	marks, err := ReadScores(strings.NewReader(string(files.Scores)), Percent)
	require.NoError(t, err)
	failed, moved := 0, 0
	for _, line := range a.Lines {
		sum, n := 0.0, 0.0
		for _, m := range marks {
			if m.Application == line.Number {
				sum, n = sum+m.Score+severity[m.Expert], n+1
			}
		}
		assert.InDelta(t, sum/n, *line.Corrected, 1e-9)
		assert.Equal(t, line.Passed, line.Group != "", line.Number)
		if !line.Passed {
			failed++
		}
		if math.Abs(*line.Corrected-line.Mean) > 2 {
			moved++
		}
	}
	assert.Positive(t, failed)
	assert.Positive(t, moved)
	counts := *a.Report.Counts
	assert.Equal(t, len(a.Lines)-failed, counts.Fund+counts.Tie+counts.Reject)
	for _, group := range a.Report.Reserve {
		for _, name := range group {
			for _, line := range a.Lines {
				assert.True(t, line.Number != name || line.Passed)
			}
		}
	}
	assert.Empty(t, files.Costs)

	cost := map[string]int64{}
	for _, line := range a.Lines {
		cost[line.Number] = 100
	}
	b, files := adviceOf(t, record, Asked{BudgetFen: 1050, Costs: cost})
	assert.Equal(t, a.Report.Counts, b.Report.Counts, "the same ten places")
	assert.NotEmpty(t, b.Report.Stopped)
	assert.Equal(t, a.Sensitivity, b.Sensitivity)
	read, err := ReadCosts(strings.NewReader(string(files.Costs)))
	require.NoError(t, err)
	assert.Equal(t, cost, read)

	c, _ := adviceOf(t, record, Asked{Undrawn: Shared})
	assert.Equal(t, Shared, c.Undrawn)
	assert.Nil(t, c.Report.Counts)

	all, _ := adviceOf(t, recordOf(t, panelOf(3, 30, 12), 0), Asked{Places: 10})
	assert.Equal(t, 30, all.Report.Counts.Fund+all.Report.Counts.Tie+all.Report.Counts.Reject)
	none, _ := adviceOf(t, recordOf(t, panelOf(3, 30, 12), 10000), Asked{Places: 10})
	assert.Equal(t, Counts{}, *none.Report.Counts)
	assert.Empty(t, none.Sensitivity)
}

// TestAdviseRefuses: what contradicts itself, lacks a cost, or has no marks.
func TestAdviseRefuses(t *testing.T) {
	record := recordOf(t, panelOf(3, 6, 12), 0)
	for _, asked := range []Asked{{}, {Places: -1}, {Places: 1, BudgetFen: 1}, {Places: 1, Undrawn: NoLine}, {Undrawn: "另有原因"}, {BudgetFen: 100, Costs: map[string]int64{"A000": 1}}} {
		_, _, err := Advise(record, asked)
		assert.Error(t, err, "%+v", asked)
	}
	record.Sheets = nil
	_, _, err := Advise(record, Asked{Undrawn: NoLine})
	assert.Error(t, err)
}

// TestVerifyOpinionJournal: an entry with other digests, or another act with
// these, is not the one.
func TestVerifyOpinionJournal(t *testing.T) {
	record := recordOf(t, panelOf(3, 6, 12), 0)
	_, files, err := Advise(record, Asked{Places: 2})
	require.NoError(t, err)
	facts, err := files.Facts(record, Asked{Places: 2})
	require.NoError(t, err)
	entered := func(act string, facts map[string]any) string {
		e, err := journal.Seal(journal.Genesis, journal.Entry{At: "2025-04-02T01:00:00Z", Actor: "system", Act: act, Object: "review/1", Facts: facts})
		require.NoError(t, err)
		text, err := journal.Canonical(e)
		require.NoError(t, err)
		return fmt.Sprintf("%s\n", text)
	}
	assert.NoError(t, VerifyJournal(facts, strings.NewReader(entered("second_opinion.compute", facts))))
	assert.Error(t, VerifyJournal(facts, strings.NewReader(entered("second_opinion.read", facts))))
	files.Report = append(files.Report, ' ')
	other, err := files.Facts(record, Asked{Places: 2})
	require.NoError(t, err)
	assert.Error(t, VerifyJournal(other, strings.NewReader(entered("second_opinion.compute", facts))))
}

// TestReportDiffers: a millionth is another processor's arithmetic, anything else
// another report.
func TestReportDiffers(t *testing.T) {
	const made = `{"a":[1,{"b":2.5}],"c":"x","d":null,"e":true}`
	for given, want := range map[string]string{
		made: "", `{"a":[1,{"b":2.5000001}],"c":"x","d":null,"e":true}`: "", `{"a":[1,{"b":2.501}],"c":"x","d":null,"e":true}`: "报告.a[1].b",
		`{"a":[1],"c":"x","d":null,"e":true}`: "报告.a", `{"a":[1,{"b":2.5}],"c":"y","d":null,"e":true}`: "报告.c", `{"a":[1,{"b":2.5}],"c":"x","d":0,"e":true}`: "报告.d",
		`{"a":[1,{"b":2.5}],"c":"x","d":null}`: "报告", `{"a":[1,{"x":2.5}],"c":"x","d":null,"e":true}`: "报告.a[1].x", `{`: "写法", `{"a":[1,{"b":2.5}],"c":{},"d":null,"e":true}`: "报告.c",
	} {
		assert.Equal(t, want, ReportDiffers([]byte(given), []byte(made)), given)
	}
}
