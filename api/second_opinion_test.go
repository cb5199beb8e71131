package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/rbac/journal"
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

// replayed downloads the files of a second opinion and computes it again from
// them alone; their hashes are those in the journal.
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
	facts := map[string]any{"review": v.Number, "official": v.RankingHash, "seed": float64(v.Seed), "scores": v.Hashes.Scores, "costs": v.Hashes.Costs, "ranking": v.Hashes.Ranking, "report": v.Hashes.Report}
	found := 0
	for _, e := range w.journal(0) {
		if e.Act == "second_opinion.compute" && strings.HasSuffix(e.Object, review) {
			found++
			var said map[string]any
			require.NoError(t, json.Unmarshal(e.Facts, &said))
			assert.Subset(t, said, facts)
			assert.Equal(t, "system", e.Actor)
		}
	}
	assert.Equal(t, 1, found, "the computation is journalled")
	marks, err := opinion.ReadScores(strings.NewReader(files["scores.csv"]), opinion.Percent)
	require.NoError(t, err)
	again, err := opinion.Rank(marks, opinion.Percent, opinion.Options{Seed: uint64(v.Seed)})
	require.NoError(t, err)
	switch {
	case v.Report.Places == nil:
	case files["costs.csv"] != "":
		costs, err := opinion.ReadCosts(strings.NewReader(files["costs.csv"]))
		require.NoError(t, err)
		_, err = again.DrawBudget(30000000, costs)
		require.NoError(t, err)
	default:
		again.Draw(*v.Report.Places)
	}
	differences, err := again.Differences(strings.NewReader(files["ranking.csv"]))
	require.NoError(t, err)
	assert.Empty(t, differences)
	return files
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
// money ends, and says what did not fit; another review of the guide leaves both
// without a line.
func TestSecondOpinionUnderBudget(t *testing.T) {
	w, guide, review, _ := marked(t, func(guide map[string]any) { guide["places"], guide["budget_fen"] = 0, 30000000 }, 50, 45)
	r := "/api/reviews/" + review
	chair := w.open(review)
	w.sign(review, chair)
	w.users["officer"].ok("POST", r+"/close", map[string]any{})
	v := w.secondOpinion(review)
	assert.Equal(t, 1, *v.Report.Places)
	assert.Equal(t, v.Lines[1].Number, v.Report.Stopped)
	assert.NotEmpty(t, v.Hashes.Costs)
	w.replayed(review, v)

	w.at(2025, 4, 3, 9)
	other := w.marking(reviewBody(guide, 3, 1, 1, w.accepted("lead2", w.application(guide, "A1", 2))))
	w.markAll(other, func(string) float64 { return 50 })
	w.sign(other, w.open(other))
	w.users["officer"].ok("POST", "/api/reviews/"+other+"/close", map[string]any{})
	v = w.secondOpinion(other)
	assert.Nil(t, v.Report.Places)
	assert.Empty(t, v.Lines[0].Group)
	w.replayed(other, v)
	w.sound()
}
