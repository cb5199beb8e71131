package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/configs/database"
	"keping/rbac"
)

// conflictLine is a line of the conflict queue.
type conflictLine struct {
	reason
	ExpertName   string `json:"expert_name"`
	ExpertUnit   string `json:"expert_unit"`
	Number       string
	LeadUnit     string `json:"lead_unit"`
	Leader       string
	EvidenceName string `json:"evidence_name"`
	Decides      string
	Decision     string
	Reason       string
	DecidedBy    string `json:"decided_by"`
}

// queue reads a whole queue, so many a page.
func (w *world) queue(path, limit string) (lines []conflictLine, pages int) {
	w.t.Helper()
	for after := ""; ; pages++ {
		a := w.users["officer"].do("GET", path+"&limit="+limit+"&after="+after, nil).is(w.t, http.StatusOK)
		var page struct {
			Items []conflictLine
			Next  string
		}
		require.NoError(w.t, json.Unmarshal([]byte(a.body), &page))
		lines = append(lines, page.Items...)
		if after = page.Next; after == "" {
			return lines, pages + 1
		}
	}
}

// TestConflictQueue: what waits for a decision is a list with both sides'
// names, who decides and the evidence; a decision is remembered while its
// evidence is the same, and stands.
func TestConflictQueue(t *testing.T) {
	w, review, applications := meetingWorld(t)
	officer := w.users["officer"]
	second := w.user("officer2", "", rbac.Officer)
	programme := officer.do("GET", "/api/reviews/"+review, nil).text(t, "programme_id")
	open, decided := "/api/reviews/"+review+"/conflicts?status=open", "/api/reviews/"+review+"/conflicts?status=decided"
	lines, _ := w.queue(open, "50")
	require.Empty(t, lines)

	post := []any{map[string]any{"unit_id": w.units["lead0"], "from": "2010-01-01", "to": "2024-05-01"}}
	w.facts("m0", map[string]any{"employments": post})
	w.facts("m1", map[string]any{"employments": post})
	w.facts("m2", map[string]any{"employments": []any{}})
	w.facts("t9", map[string]any{"employments": post}) // of no group: no candidate of this review
	lines, pages := w.queue(open, "1")
	require.Len(t, lines, 3, "one item each: two applications of the review do not double what is missing of m2")
	assert.Equal(t, 3, pages)
	byName := map[string]conflictLine{}
	for _, l := range lines {
		byName[l.ExpertName] = l
	}
	past, missing := byName["专家m0"], byName["专家m2"]
	assert.Equal(t, []string{"past_unit", "ask", "单位of-m0", "单位lead0", "负责人0", "单位lead0"}, []string{past.Kind, past.Level, past.ExpertUnit, past.LeadUnit, past.Leader, past.EvidenceName})
	assert.Equal(t, applications[0], past.ApplicationID)
	assert.NotEmpty(t, past.Number)
	assert.Contains(t, past.Decides, "经办")
	assert.Equal(t, "facts_missing", missing.Kind)
	assert.Empty(t, missing.ApplicationID, "of the person, not of a pair")
	for filter, n := range map[string]int{"&kind=past_unit": 2, "&level=unknown": 1, "&expert_id=" + w.experts["m1"]: 1, "&kind=kin": 0} {
		lines, _ := w.queue(open+filter, "50")
		assert.Len(t, lines, n, filter)
	}
	survey, _ := w.queue("/api/programmes/"+programme+"/conflicts?status=open", "2")
	assert.Len(t, survey, 3)
	// A unit that nobody has vetted is one item, however many of its experts could be drawn.
	require.NoError(t, w.app.Store.DB.Do(t.Context(), func(tx *database.Tx) error {
		return tx.Model(&rbac.Unit{}).Where("id = ?", w.units["of-t0"]).Update("state", rbac.UnitPending).Error
	}, nil))
	w.expertColumn("t1", "unit_id", w.units["of-t0"])
	w.expertColumn("t9", "unit_id", w.units["of-t0"])
	units, _ := w.queue(open+"&kind=facts_missing", "1")
	require.Len(t, units, 2, "m2's history, and the unit")
	ofUnit := units[0]
	if ofUnit.EvidenceName == "" {
		ofUnit = units[1]
	}
	assert.Equal(t, []string{"单位of-t0", ""}, []string{ofUnit.EvidenceName, ofUnit.ExpertName})
	officer.ok("POST", "/api/conflicts/decide", map[string]any{"programme_id": programme, "expert_id": w.experts["t1"], "key": ofUnit.Key, "decision": "pinned", "reason": "单位无法核实，其专家本次不列入"})
	units, _ = w.queue(open+"&kind=facts_missing", "1")
	assert.Len(t, units, 1)
	left := officer.do("GET", "/api/reviews/"+review+"/feasibility", nil).is(t, 200)
	assert.Equal(t, 2, left.int(t, "excluded.facts_missing"), "all who have the gap are left out, by name of the rule")
	require.NoError(t, w.app.Store.DB.Do(t.Context(), func(tx *database.Tx) error {
		return tx.Model(&rbac.Unit{}).Where("id = ?", w.units["of-t0"]).Update("state", rbac.UnitActive).Error
	}, nil))
	assert.Nil(t, officer.do("GET", "/api/reviews/"+review+"/feasibility", nil).get(t, "excluded.facts_missing"), "vetted, the gap is gone")
	officer.refused("past_unit", "POST", "/api/reviews/"+review+"/freeze", map[string]any{}, "facts_missing")

	// A list is decided as one: a wrong line and nothing is.
	items := func(lines ...conflictLine) []any {
		var out []any
		for _, l := range lines {
			out = append(out, map[string]any{"expert_id": l.ExpertID, "key": l.Key})
		}
		return out
	}
	all := func(decision string, lines ...conflictLine) map[string]any {
		return map[string]any{"programme_id": programme, "items": items(lines...), "decision": decision, "reason": "核实任职时间，不影响评审"}
	}
	stale := past
	stale.Key = strings.Repeat("0", 64)
	officer.do("POST", "/api/conflicts/decide_all", all("dismissed", past, stale)).is(t, 422)
	officer.do("POST", "/api/conflicts/decide_all", all("dismissed", past, past)).is(t, 422)
	officer.do("POST", "/api/conflicts/decide_all", all("dismissed", past, missing)).is(t, 422) // unknown is not "no conflict"
	lines, _ = w.queue(open, "50")
	require.Len(t, lines, 3)
	before := w.seq()
	assert.Equal(t, 2, officer.ok("POST", "/api/conflicts/decide_all", all("dismissed", past, byName["专家m1"])).int(t, "result.decided"))
	assert.Len(t, w.journal(before), 3, "the act, and one entry for each item")
	officer.ok("POST", "/api/conflicts/decide", map[string]any{"programme_id": programme, "expert_id": missing.ExpertID, "key": missing.Key, "decision": "pinned", "reason": "工作经历无法核实，不列入候选"})

	// Remembered, with reason and by whom; nobody undoes it, no officer and no director.
	lines, _ = w.queue(open, "50")
	assert.Empty(t, lines)
	lines, _ = w.queue(decided, "50")
	require.Len(t, lines, 3)
	for _, l := range lines {
		assert.Equal(t, map[string]string{"past_unit": "dismissed", "facts_missing": "pinned"}[l.Kind], l.Decision)
		assert.NotEmpty(t, l.Reason)
		assert.Equal(t, "officer", l.DecidedBy)
	}
	for _, v := range []*visitor{officer, second} {
		undo := v.do("POST", "/api/conflicts/decide", map[string]any{"programme_id": programme, "expert_id": missing.ExpertID, "key": missing.Key, "decision": "dismissed", "reason": "改为不影响评审"}).is(t, 409)
		assert.Contains(t, undo.body, "不得撤销")
	}
	w.users["director"].do("POST", "/api/conflicts/decide_all", all("dismissed", past)).is(t, 403)

	// The same evidence said again is no new question; new evidence is.
	w.facts("m0", map[string]any{"employments": post})
	lines, _ = w.queue(open, "50")
	assert.Empty(t, lines, "the same fact stays dismissed")
	w.facts("m0", map[string]any{"employments": []any{map[string]any{"unit_id": w.units["lead0"], "from": "2010-01-01", "to": "2025-01-31"}}})
	lines, _ = w.queue(open, "50")
	require.Len(t, lines, 1)
	assert.Equal(t, "专家m0", lines[0].ExpertName)
	officer.ok("POST", "/api/conflicts/decide_all", all("pinned", lines[0]))
	frozen := officer.ok("POST", "/api/reviews/"+review+"/freeze", map[string]any{})
	assert.Contains(t, frozen.body, `"rule":"past_unit"`, "pinned: left out of the frame by name of the rule")
	assert.Contains(t, frozen.body, `"rule":"facts_missing"`)
}
