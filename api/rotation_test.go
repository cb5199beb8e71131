package api_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/configs/database"
	"keping/experts"
)

// serve enters a panel of before the service.
func (w *world) serve(short, kind string, year int, day string) {
	w.t.Helper()
	require.NoError(w.t, w.app.Store.DB.Do(w.t.Context(), func(tx *database.Tx) error {
		var n int64
		if err := tx.Model(&experts.PastService{}).Count(&n).Error; err != nil {
			return err
		}
		return tx.Create(&experts.PastService{ID: fmt.Sprintf("past-%d", n), PersonID: w.people[short], ExpertID: w.experts[short], ProgrammeKind: kind, Year: year, Day: day, Title: "评审", Class: "technical"}).Error
	}, nil))
}

type forecast struct {
	Reviews []struct {
		ReviewID     string `json:"review_id"`
		Applications int
		Feasible     bool
		Excluded     map[string]int
		Candidates   map[string]int
		Help         []string
		Short        []struct {
			Class        string
			Seats, Lacks int
		}
		Waiting []struct {
			Name      string
			Questions int
		}
	}
}

func (w *world) forecast(programme string) forecast {
	w.t.Helper()
	var out forecast
	a := w.users["officer"].do("GET", "/api/programmes/"+programme+"/forecast", nil).is(w.t, 200)
	require.NoError(w.t, json.Unmarshal([]byte(a.body), &out))
	return out
}

// TestRotation: who sat on enough panels this year, or on panels of the kind
// for enough years in a row, is left out of the frame by P-15 unless released;
// a review has no more applications than one expert may read.
func TestRotation(t *testing.T) {
	w := newWorld(t)
	w.populate()
	officer, director := w.users["officer"], w.users["director"]
	programme := w.programme("major", "t0", "t1", "t2", "t3", "t4", "t5")
	guide := w.guide(guideBody(programme, item("A1", "major", false, 25000000)))
	w.at(2025, 4, 2, 9)
	first, second := w.accepted("lead0", w.application(guide, "A1", 0)), w.accepted("lead1", w.application(guide, "A1", 1))
	w.adopt(map[string]any{"applications_per_expert": 1})
	officer.refused("P-15", "POST", "/api/reviews", reviewBody(guide, 3, 1, 1, first, second))
	review := officer.ok("POST", "/api/reviews", reviewBody(guide, 3, 1, 1, first)).text(t, "result.id")
	excluded := func() int {
		t.Helper()
		var f struct{ Excluded map[string]int }
		require.NoError(t, json.Unmarshal([]byte(officer.do("GET", "/api/reviews/"+review+"/feasibility", nil).is(t, 200).body), &f))
		return f.Excluded["P-15"]
	}
	for i := range 6 {
		if i == 5 {
			assert.Equal(t, 0, excluded(), "five of six")
		}
		w.serve("t0", "key", 2025, fmt.Sprintf("2025-02-%02d", 1+i))
	}
	assert.Equal(t, 1, excluded())
	w.serve("m0", "major", 2024, "2024-06-01")
	w.serve("m0", "major", 2023, "2023-06-01")
	w.serve("m1", "key", 2024, "2024-06-01") // of the other kind
	w.serve("m1", "major", 2023, "2023-06-01")
	w.serve("m1", "major", 2022, "2022-06-01")
	assert.Equal(t, 1, excluded(), "two years in a row")
	w.serve("m0", "major", 2022, "2022-06-01")
	assert.Equal(t, 2, excluded())
	director.ok("POST", "/api/releases", map[string]any{"rule": "P-15", "object": "expert/" + w.experts["t0"], "reason": "领域内唯一的专家，经研究同意"})
	assert.Equal(t, 1, excluded())
	w.adopt(map[string]any{"disabled": []string{"P-15"}})
	assert.Equal(t, 0, excluded(), "a district that does without")
	w.adopt(nil)
	assert.Equal(t, 1, excluded())

	w.drawPanel(review)
	record := officer.do("GET", "/api/reviews/"+review, nil).text(t, "draws.0.id")
	frame := officer.do("GET", "/api/draws/"+record+"/frame", nil).is(t, 200).body
	assert.Contains(t, frame, `"rule":"P-15","why":"years_in_a_row"`)
	w.seatAll(review)
	officer.ok("POST", "/api/reviews/"+review+"/confirm", map[string]any{})
	for _, s := range w.seats(review) { // this panel counts for the next, as the supervisor sees before the names are told
		found := w.users["supervisor"].do("GET", "/api/experts?q="+s.Name, nil).is(t, 200)
		assert.Positive(t, found.int(t, "items.0.panels_this_year"), s.Name)
	}
}

// TestRoundForecast: for all reviews of a programme and for what waits for one,
// whether a panel can be drawn, what is short, what would help, and about whom
// something is open.
func TestRoundForecast(t *testing.T) {
	w := newWorld(t)
	w.populate()
	officer := w.users["officer"]
	programme := w.programme("major", "t0", "t1", "t2", "t3")
	guide := w.guide(guideBody(programme, item("A1", "major", false, 25000000)))
	w.at(2025, 4, 2, 9)
	assert.Empty(t, w.forecast(programme).Reviews)
	first, second := w.accepted("lead0", w.application(guide, "A1", 0)), w.accepted("lead1", w.application(guide, "A1", 1))
	third := w.application(guide, "A1", 2)
	third["avoid"] = []any{map[string]any{"name": "专家t3", "unit": "", "reason": "学术观点对立"}}
	waits := w.draft("lead2", third)
	w.users["lead2"].ok("POST", "/api/applications/"+waits+"/submit", map[string]any{"version": 1})
	officer.ok("POST", "/api/applications/"+waits+"/screen", map[string]any{"version": 2, "verdict": "accept"})
	ready := officer.ok("POST", "/api/reviews", reviewBody(guide, 3, 1, 1, first)).text(t, "result.id")
	short := officer.ok("POST", "/api/reviews", reviewBody(guide, 5, 1, 1, second)).text(t, "result.id")

	f := w.forecast(programme)
	require.Len(t, f.Reviews, 3)
	assert.Equal(t, ready, f.Reviews[0].ReviewID)
	assert.True(t, f.Reviews[0].Feasible)
	assert.Empty(t, f.Reviews[0].Waiting, "the question is about another review's application")
	assert.Equal(t, short, f.Reviews[1].ReviewID)
	assert.False(t, f.Reviews[1].Feasible)
	assert.Equal(t, "technical", f.Reviews[1].Short[0].Class)
	assert.Equal(t, 1, f.Reviews[1].Short[0].Lacks)
	assert.Contains(t, strings.Join(f.Reviews[1].Help, ""), "减少一席即可")
	assert.Empty(t, f.Reviews[2].ReviewID, "what is accepted and in no review yet")
	assert.Equal(t, 1, f.Reviews[2].Applications)
	require.Len(t, f.Reviews[2].Waiting, 1)
	assert.Equal(t, "专家t3", f.Reviews[2].Waiting[0].Name)
	for _, r := range f.Reviews[:2] { // it says what the review itself says
		own := officer.do("GET", "/api/reviews/"+r.ReviewID+"/feasibility", nil).is(t, 200)
		assert.Equal(t, r.Feasible, own.get(t, "feasible"))
	}

	// rotation leaves too few; a release would help, and it says so
	for i := range 6 {
		w.serve("t0", "key", 2025, fmt.Sprintf("2025-02-%02d", 1+i))
		w.serve("t1", "key", 2025, fmt.Sprintf("2025-02-%02d", 1+i))
	}
	f = w.forecast(programme)
	assert.False(t, f.Reviews[0].Feasible)
	assert.Equal(t, 2, f.Reviews[0].Excluded["P-15"])
	assert.Contains(t, strings.Join(f.Reviews[0].Help, ""), "P-15，对象expert/编号")
	w.users["keeper"].do("GET", "/api/programmes/"+programme+"/forecast", nil).is(t, 403)
}
