package api_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	reviewstore "keping/reviewing/store"
)

// TestChangesSinceFreeze: what has changed since the freeze is shown, by code
// and with names masked while names are not told.
func TestChangesSinceFreeze(t *testing.T) {
	w, review, applications := meetingWorld(t)
	officer, keeper, r := w.users["officer"], w.users["keeper"], "/api/reviews/"+review
	leader := w.leaderOf(applications[0])
	officer.do("GET", r+"/changes", nil).is(t, 409)
	w.kin("f0", leader)
	frozen := officer.ok("POST", r+"/freeze", map[string]any{})
	changes := func(v *visitor) (out reviewstore.FrameChanges, body string) {
		t.Helper()
		body = v.do("GET", r+"/changes", nil).is(t, 200).body
		require.NoError(t, json.Unmarshal([]byte(body), &out))
		return out, body
	}
	same, _ := changes(officer)
	assert.Empty(t, same.Excluded)
	assert.Empty(t, same.Admitted)
	assert.Empty(t, same.Questions)
	assert.Empty(t, same.Members)
	assert.Empty(t, same.Withdrawn)

	w.clock.Add(86400)
	w.kin("t0", leader)
	w.facts("f0", map[string]any{"ties": []any{}})
	keeper.ok("POST", "/api/experts/"+w.experts["t1"]+"/suspend", map[string]any{"version": 2, "reason": "信用记录核查中"})
	programme := officer.do("GET", r, nil).text(t, "programme_id")
	var members []struct {
		ID       string
		ExpertID string `json:"expert_id"`
	}
	w.all("officer", "/api/programmes/"+programme+"/members", &members)
	for _, m := range members {
		if m.ExpertID == w.experts["t2"] {
			officer.ok("POST", "/api/memberships/"+m.ID+"/end", because("工作调动"))
		}
	}
	w.join(programme, "technical", "t9")
	w.facts("m0", map[string]any{"employments": []any{map[string]any{"unit_id": w.units["lead0"], "from": "2010-01-01", "to": "2024-05-01"}}})
	w.facts("m1", map[string]any{"unavailable": []any{map[string]any{"from": "2025-04-20", "to": "2025-04-30"}}})
	version := officer.do("GET", "/api/applications/"+applications[1], nil).int(t, "version")
	w.users["lead1"].ok("POST", "/api/applications/"+applications[1]+"/withdraw", map[string]any{"version": version, "reason": "不再申报"})

	byName := func(rows []reviewstore.FrameChange) map[string][]string {
		out := map[string][]string{}
		for _, c := range rows {
			assert.Regexp(t, `^E\d{4}$`, c.Code)
			out[c.Name] = c.Rules
		}
		return out
	}
	now, _ := changes(w.users["supervisor"])
	assert.Equal(t, map[string][]string{"专家t0": {"kin"}, "专家t1": {"suspended"}, "专家t2": {"R-121"}, "专家m1": {"unavailable"}}, byName(now.Excluded))
	assert.Equal(t, map[string][]string{"专家f0": {}}, byName(now.Admitted))
	assert.Equal(t, map[string][]string{"专家m0": {"past_unit"}}, byName(now.Questions))
	assert.ElementsMatch(t, []reviewstore.MemberChange{{Name: "专家t2", Move: "left", Day: "2025-04-03"}, {Name: "专家t9", Move: "joined", Day: "2025-04-03"}}, now.Members)
	require.Len(t, now.Withdrawn, 1)
	assert.NotEmpty(t, now.Withdrawn[0].Number)
	masked, body := changes(officer)
	assert.Len(t, masked.Excluded, 4)
	for _, row := range masked.Excluded {
		assert.Equal(t, "专**", row.Name)
	}
	assert.NotContains(t, body, w.experts["t0"])
	changes(w.users["director"])
	keeper.do("GET", r+"/changes", nil).is(t, 403)

	// After the draw: who is passed over is shown, and what is wrong with who sits.
	w.drawNow(frozen.text(t, "result.draw_id"), frozen.text(t, "result.frame_hash"))
	w.seatAll(review)
	sits := w.live(review, "technical")[0]
	w.kin(shortOf(sits), leader)
	now, _ = changes(w.users["supervisor"])
	var seated []string
	for _, c := range now.Excluded {
		if c.Seat {
			seated = append(seated, c.Name)
		}
	}
	assert.Equal(t, []string{sits.Name}, seated)
	rules := map[string]bool{}
	for _, v := range now.Verdicts {
		rules[v.Rule] = true
		assert.NotContains(t, v.Message, "专家t")
	}
	assert.True(t, rules["kin"])
	for _, s := range now.Seats {
		assert.Contains(t, []string{"excluded", "unavailable"}, s.Reason)
	}
}
