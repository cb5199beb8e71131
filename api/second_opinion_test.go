package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/rbac/journal"
	"keping/reviewing/rank"
	"keping/reviewing/rank/opinion"
	reviewstore "keping/reviewing/store"
)

// secondOpinion is made as the service does every half minute.
func (w *world) secondOpinion(review string) reviewstore.OpinionView {
	w.t.Helper()
	_, err := w.app.Reviews.ComputeOpinions(w.t.Context())
	require.NoError(w.t, err)
	var v reviewstore.OpinionView
	a := w.users["officer"].do("GET", "/api/reviews/"+review+"/second_opinion", nil).is(w.t, http.StatusOK)
	require.NoError(w.t, json.Unmarshal([]byte(a.body), &v))
	return v
}

// replayed downloads the files of a second opinion and computes them again from
// the official record and what the view says was asked; the journal has them.
// `keping verify opinion` does the same from the command line.
func (w *world) replayed(review string, v reviewstore.OpinionView) map[string]string {
	t := w.t
	files := map[string]string{}
	for name, hash := range map[string]string{"scores.csv": v.Hashes.Scores, "costs.csv": v.Hashes.Costs, "ranking.csv": v.Hashes.Ranking, "report.json": v.Hashes.Report} {
		a := w.users["supervisor"].do("GET", "/api/reviews/"+review+"/second_opinion/"+name, nil)
		if hash == "" {
			a.is(t, http.StatusNotFound)
			continue
		}
		files[name] = a.is(t, http.StatusOK).body
		assert.Equal(t, hash, journal.Hash(files[name]), name)
	}
	official := w.users["supervisor"].do("GET", "/api/reviews/"+review+"/ranking?format=json", nil).is(t, http.StatusOK).body
	assert.Equal(t, v.RankingHash, journal.Hash(official))
	record, err := rank.ParseRecord([]byte(official))
	require.NoError(t, err)
	asked := v.Asked
	if files["costs.csv"] != "" {
		asked.Costs, err = opinion.ReadCosts(strings.NewReader(files["costs.csv"]))
		require.NoError(t, err)
	}
	_, again, err := opinion.Advise(record, asked)
	require.NoError(t, err)
	for name, data := range map[string][]byte{"scores.csv": again.Scores, "costs.csv": again.Costs, "ranking.csv": again.Ranking, "report.json": again.Report} {
		assert.Equal(t, files[name], string(data), name)
	}
	facts, err := again.Facts(record, asked)
	require.NoError(t, err)
	assert.Equal(t, v.Seed, facts["seed"])
	lines := w.users["supervisor"].do("GET", "/api/journal/export", nil).is(t, http.StatusOK).body
	assert.NoError(t, opinion.VerifyJournal(facts, strings.NewReader(lines)))
	facts["report"] = facts["scores"]
	assert.ErrorContains(t, opinion.VerifyJournal(facts, strings.NewReader(lines)), "没有这份")
	return files
}

// arguments are those of `keping verify opinion` beside the files.
func arguments(v reviewstore.OpinionView) string {
	switch {
	case v.Places > 0:
		return fmt.Sprintf("--scale 0:100 --seed %d --places %d", v.Seed, v.Places)
	case v.BudgetFen > 0:
		return fmt.Sprintf("--scale 0:100 --seed %d --budget %d", v.Seed, v.BudgetFen)
	}
	return fmt.Sprintf("--scale 0:100 --seed %d", v.Seed)
}

// TestSecondOpinion: it stands beside the official ranking once the review is
// closed, for officer, director and supervisor; anyone who has its files can
// compute it again; it names seats, not people, and changes nothing.
func TestSecondOpinion(t *testing.T) {
	w, _, review, _ := marked(t, func(guide map[string]any) { guide["places"] = 2 }, 50, 46, 42, 38)
	r := "/api/reviews/" + review
	officer := w.users["officer"]
	chair := w.open(review)
	w.sign(review, chair)
	officer.do("GET", r+"/second_opinion", nil).is(t, http.StatusConflict)
	officer.ok("POST", r+"/close", map[string]any{})
	assert.Contains(t, officer.do("GET", r+"/second_opinion", nil).is(t, http.StatusConflict).body, "正在计算")
	before := officer.do("GET", r+"/ranking?format=json", nil).is(t, http.StatusOK).body
	v := w.secondOpinion(review)
	assert.Equal(t, journal.Hash(before), v.RankingHash)
	require.Len(t, v.Lines, 4)
	for i, line := range v.Lines {
		assert.Equal(t, i+1, line.OfficialRank)
		assert.Equal(t, 5, line.N)
		assert.NotEmpty(t, line.Title)
		assert.LessOrEqual(t, line.Rank05, line.Rank25)
		assert.LessOrEqual(t, line.Rank75, line.Rank95)
	}
	assert.Equal(t, opinion.Fund, v.Lines[0].Group)
	assert.Equal(t, opinion.Reject, v.Lines[3].Group)
	assert.Equal(t, 2, *v.Report.Places)
	assert.Len(t, v.Report.Experts, 5)
	assert.Equal(t, 0, v.LeftOut)
	assert.NotEmpty(t, v.Criteria)
	files := w.replayed(review, v)
	for name, text := range files {
		for _, seat := range w.seats(review) {
			assert.NotContains(t, text, seat.Name, name+" names seats, not people")
		}
	}
	for _, by := range []string{"director", "supervisor"} {
		w.users[by].do("GET", r+"/second_opinion", nil).is(t, http.StatusOK)
	}
	chair.do("GET", r+"/second_opinion", nil).is(t, http.StatusForbidden)
	chair.do("GET", r+"/second_opinion/scores.csv", nil).is(t, http.StatusForbidden)
	w.users["lead0"].do("GET", r+"/second_opinion", nil).is(t, http.StatusForbidden)
	officer.do("GET", r+"/second_opinion/sheets.csv", nil).is(t, http.StatusUnprocessableEntity)
	n, err := w.app.Reviews.ComputeOpinions(t.Context())
	require.NoError(t, err)
	assert.Zero(t, n, "made once")
	assert.Equal(t, before, officer.do("GET", r+"/ranking?format=json", nil).is(t, http.StatusOK).body)
	w.sound()
}

// TestSecondOpinionUnderBudget: a guide without places draws the line where the
// money ends, and says what did not fit. A review that closes while the guide
// has another has no line of its own and says so; one that closed before keeps
// its line, whenever it is computed.
func TestSecondOpinionUnderBudget(t *testing.T) {
	for _, late := range []bool{false, true} { // the first opinion is made after the second review exists
		w, guide, review, _ := marked(t, func(guide map[string]any) { guide["places"], guide["budget_fen"] = 0, 30000000 }, 50, 45)
		w.sign(review, w.open(review))
		w.users["officer"].ok("POST", "/api/reviews/"+review+"/close", map[string]any{})
		var v reviewstore.OpinionView
		if !late {
			v = w.secondOpinion(review)
		}
		w.at(2025, 4, 3, 9)
		other := w.marking(reviewBody(guide, 3, 1, 1, w.accepted("lead2", w.application(guide, "A1", 2))))
		if late {
			v = w.secondOpinion(review)
		}
		assert.Equal(t, 1, *v.Report.Places)
		assert.Equal(t, v.Lines[1].Number, v.Report.Stopped)
		assert.Equal(t, opinion.Asked{BudgetFen: 30000000}, v.Asked)
		assert.NotEmpty(t, v.Hashes.Costs)
		w.replayed(review, v)

		w.markAll(other, func(string) float64 { return 50 })
		w.sign(other, w.open(other))
		w.users["officer"].ok("POST", "/api/reviews/"+other+"/close", map[string]any{})
		v = w.secondOpinion(other)
		assert.Nil(t, v.Report.Places)
		assert.Empty(t, v.Lines[0].Group)
		assert.Equal(t, opinion.Shared, v.Undrawn)
		w.replayed(other, v)
		w.sound()
	}
}

// TestSecondOpinionPasses: who fails the pass line cannot be funded, so the
// line, the groups and the reserve are among the others; a review that was void
// before the closing shares nothing.
func TestSecondOpinionPasses(t *testing.T) {
	w, guide, review, _ := marked(t, func(guide map[string]any) { guide["places"], guide["pass_line"] = 2, 7000 }, 52, 46, 43, 37)
	void := w.users["officer"].ok("POST", "/api/reviews", reviewBody(guide, 3, 1, 1, w.accepted("lead4", w.application(guide, "A1", 4)))).text(t, "result.id")
	w.users["officer"].ok("POST", "/api/reviews/"+void+"/void", map[string]any{"reason": "专家人数不足，本次流会"})
	w.sign(review, w.open(review))
	w.users["officer"].ok("POST", "/api/reviews/"+review+"/close", map[string]any{})
	v := w.secondOpinion(review)
	said := ""
	for _, line := range v.Lines {
		said += fmt.Sprintf("%v %s;", line.Passed, line.Group)
	}
	assert.Equal(t, "true fund;true fund;true reject;false ;", said)
	assert.Equal(t, opinion.Asked{Places: 2}, v.Asked)
	assert.Equal(t, opinion.Counts{Fund: 2, Reject: 1}, *v.Report.Counts)
	assert.Equal(t, [][]string{{v.Lines[2].Number}}, v.Report.Reserve)
	w.replayed(review, v)
	w.sound()
}

// TestSecondOpinionFails: a computation that fails is kept with its reason,
// shown, journalled, and not tried again.
func TestSecondOpinionFails(t *testing.T) {
	w, _, review, _ := marked(t, nil, 50, 45)
	w.sign(review, w.open(review))
	w.users["officer"].ok("POST", "/api/reviews/"+review+"/close", map[string]any{})
	w.sql("UPDATE rankings SET record = REPLACE(record, ?, ?) WHERE review_id = ?", `"mark":"`, `"mark":"x`, review)
	n, err := w.app.Reviews.ComputeOpinions(t.Context())
	assert.ErrorContains(t, err, "不是数")
	assert.Zero(t, n)
	v := w.secondOpinion(review)
	assert.Contains(t, v.Why, "没有成功")
	assert.Contains(t, v.Why, "不是数")
	assert.Nil(t, v.Report)
	entries := 0
	for _, e := range w.journal(0) {
		if e.Act == "second_opinion.compute" {
			entries++
			assert.Contains(t, string(e.Facts), "没有成功")
		}
	}
	assert.Equal(t, 1, entries)
}

// TestSecondOpinionSays: what a page plots has the values that follow from the
// marks: severity and history per expert, reliability, the gate with the measure
// on held-out marks, and what would move an application across the line. The
// award list that follows is the one made without it.
func TestSecondOpinionSays(t *testing.T) {
	list := func(opined bool) (choices []string) {
		w, guide, applications := applied(t, func(guide map[string]any) { guide["places"] = 2 }, 4)
		review := w.marking(reviewBody(guide, 3, 1, 1, applications...))
		w.markEach(review, func(expert int, id string) (innovation, route float64) { // the first is severe, but not to the third application
			at := slices.Index(applications, id)
			route = []float64{30, 30, 34.5, 30}[at]
			if expert == 0 {
				return []float64{48, 50, 48, 37}[at], route
			}
			return []float64{56, 51, 46, 45}[at], route
		})
		w.sign(review, w.open(review))
		w.users["officer"].ok("POST", "/api/reviews/"+review+"/close", map[string]any{})
		if opined {
			v := w.secondOpinion(review)
			w.replayed(review, v)
			says(t, v)
		}
		id := w.users["officer"].ok("POST", "/api/lists", map[string]any{"guide_id": guide}).text(t, "result.id")
		for _, line := range w.lines(id) {
			choices = append(choices, fmt.Sprintf("%s %d %s %v %s", line.Number, line.Rank, line.Shown, line.Passed, line.Choice))
		}
		w.sound()
		return choices
	}
	with, without := list(true), list(false)
	assert.Equal(t, without, with)
	assert.Len(t, with, 4)
}

// says demands the values of TestSecondOpinionSays. The design is balanced, so
// that REML is the analysis of variance.
func says(t *testing.T, v reviewstore.OpinionView) {
	t.Helper()
	r := v.Report
	require.Len(t, r.Experts, 5)
	severe := ""
	for _, e := range r.Experts {
		assert.Equal(t, 4, e.N)
		assert.False(t, e.Enough, "four marks are not five")
		if e.Severity > 0 {
			assert.Empty(t, severe, "one is severe")
			severe = e.Expert
			assert.InDelta(t, 2.4, e.Severity, 0.6, "of 3.75 below the others, shrunk")
			assert.InDelta(t, 6.8359, e.Spread, 1e-4)
		} else {
			assert.InDelta(t, 4.4977, e.Spread, 1e-4)
		}
		assert.Positive(t, e.SD)
	}
	require.NotEmpty(t, severe)

	require.Len(t, r.Reliability, 1)
	fit := r.Reliability[0]
	assert.InDelta(t, 20.41250, *fit.Application, 1e-3)
	assert.InDelta(t, 1.53333, *fit.Expert, 1e-3)
	assert.InDelta(t, 5.11667, *fit.Residual, 1e-3)
	assert.InDelta(t, *fit.Application/(*fit.Application+*fit.Expert+*fit.Residual), *fit.Single, 1e-12)
	assert.InDelta(t, *fit.Application/(*fit.Application+(*fit.Expert+*fit.Residual)/5), *fit.Mean, 1e-12)

	// Of the six pairs the severe one's order agrees with the others' in three;
	// the others' orders with what is left in five each.
	assert.Equal(t, opinion.HeldOut{Pairs: 30, Mean: 23.0 / 30, Corrected: 23.0 / 30}, r.Gate.HeldOut)
	assert.False(t, r.Gate.Offered)
	assert.Contains(t, r.Gate.Why, "历史评分不足")
	assert.Equal(t, []int{0, 5, 3}, []int{r.Gate.Experts, r.Gate.Marks, r.Gate.Needed})
	for i, line := range v.Lines {
		assert.Nil(t, line.Corrected)
		assert.Equal(t, r.Applications[i].Application, line.Number)
		assert.Equal(t, []int{line.Rank05, line.Rank95}, []int{r.Applications[i].Low, r.Applications[i].High})
	}

	// Third and second change places without the severe one, trimmed, and where
	// what the third is good at weighs less.
	require.Len(t, v.Sensitivity, 2)
	for i, side := range []opinion.Side{opinion.Inside, opinion.Outside} {
		then := []opinion.Side{opinion.Outside, opinion.Inside}[i]
		assert.Equal(t, side, v.Sensitivity[i].Side)
		assert.Equal(t, []opinion.Shift{{Variant: "without", Of: severe, Side: then}, {Variant: "trimmed", Side: then}, {Variant: "weight", Of: "innovation+10%", Side: then}, {Variant: "weight", Of: "route-10%", Side: then}}, v.Sensitivity[i].Changes)
	}
}
