package api_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"keping/rbac"
)

// TestStaffInterests: who has a tie to an application writes nothing about its
// review or list (P-19); a colleague without one does.
func TestStaffInterests(t *testing.T) {
	w, review, applications := meetingWorld(t)
	tied, r := w.users["officer"], "/api/reviews/"+review
	free := w.user("officer2", "", rbac.Officer)
	tied.do("POST", "/api/interests", map[string]any{"reason": "亲属在职"}).is(t, 422)
	tied.do("POST", "/api/interests", map[string]any{"unit_id": w.units["lead0"], "application_id": applications[0], "reason": "亲属在职"}).is(t, 422)
	tied.do("POST", "/api/interests", map[string]any{"application_id": "none", "reason": "亲属在职"}).is(t, 404)
	w.users["lead0"].do("POST", "/api/interests", map[string]any{"unit_id": w.units["lead0"], "reason": "本单位"}).is(t, 403)
	before := w.seq()
	tied.ok("POST", "/api/interests", map[string]any{"unit_id": w.units["lead0"], "reason": "配偶在该单位任职"})
	assert.NotContains(t, string(w.journal(before)[0].Facts), "配偶")
	refused := tied.refused("P-19", "POST", r+"/freeze", map[string]any{})
	assert.NotContains(t, refused.body, "配偶", "the reason is nobody else's to read")
	free.ok("POST", r+"/freeze", map[string]any{})
	w.passed["P-19"] = true // who has no tie hears nothing of it
	w.users["supervisor"].ok("POST", "/api/interests", map[string]any{"application_id": applications[1], "reason": "曾参与前期论证"})
	w.users["supervisor"].refused("P-19", "POST", r+"/pause", because("暂停评审"))
	w.sound()
}

// TestTiedStaffWriteNothing walks every write of officer, director, supervisor,
// conference and finance about reviews, seats, sheets, draws, declarations,
// lists, objections, screening and conflict decisions as somebody with a tie to
// one application: each is refused by P-19, whatever state its object is in.
func TestTiedStaffWriteNothing(t *testing.T) {
	w, guide, review, applications := marked(t, nil, 50, 45)
	officer := w.users["officer"]
	r := "/api/reviews/" + review
	w.sign(review, w.open(review))
	officer.ok("POST", r+"/close", map[string]any{})
	list := officer.ok("POST", "/api/lists", map[string]any{"guide_id": guide}).text(t, "result.id")
	w.conclude(list, 1)
	w.users["director"].ok("POST", "/api/lists/"+list+"/deliberate", map[string]any{})
	officer.ok("POST", "/api/lists/"+list+"/publicise", map[string]any{})
	objection := w.stranger().ok("POST", "/api/publicities/"+list+"/object", map[string]any{"application_id": applications[1], "name": "刘建国", "contact": "13900000000", "text": "该项目与既有成果重复，附查新报告。"}).text(t, "result.id")
	shown := officer.do("GET", r, nil).is(t, 200)
	programme := shown.text(t, "programme_id")
	declaration := officer.do("GET", r+"/declarations", nil).is(t, 200).text(t, "items.0.id")
	w.facts("t9", map[string]any{"employments": []any{map[string]any{"unit_id": w.units["lead0"], "from": "2010-01-01", "to": "2024-05-01"}}})
	asked := w.conflicts(programme, w.ids("t9"), nil)[0]
	item := map[string]any{"expert_id": asked.ExpertID, "key": asked.Key}
	objects := map[string]string{"/api/reviews/": review, "/api/seats/": w.live(review, "")[0].ID, "/api/sheets/": w.sheets(w.expert(w.live(review, "")[0]), review)[0].ID,
		"/api/draws/": shown.text(t, "draws.0.id"), "/api/declarations/": declaration, "/api/lists/": list, "/api/objections/": objection, "/api/applications/": applications[0]}
	bodies := map[string]any{
		"/api/reviews":              reviewBody(guide, 3, 1, 1, applications...),
		"/api/lists":                map[string]any{"guide_id": guide, "reason": "核实后调整"},
		"/api/conflicts/decide":     map[string]any{"programme_id": programme, "expert_id": asked.ExpertID, "key": asked.Key, "decision": "dismissed", "reason": "核实后确认不影响"},
		"/api/conflicts/decide_all": map[string]any{"programme_id": programme, "items": []any{item}, "decision": "dismissed", "reason": "核实后确认不影响"},
		"/api/releases":             map[string]any{"rule": "R-052", "object": "application/" + applications[0], "reason": "领域内唯一的团队"},
		"/api/distinctions":         map[string]any{"leader_id": w.leaderOf(applications[0]), "expert_id": w.experts["t1"], "reason": "电话核实，不是同一人"},
	}
	exempt := map[string]string{
		"/api/conflicts/check":     "computes and keeps nothing",
		"/api/applications/import": "transcribes what units hand in, all rows or none; judged when screened",
	}
	prefixes := []string{"/api/reviews", "/api/seats", "/api/sheets", "/api/draws", "/api/declarations", "/api/lists", "/api/objections", "/api/applications", "/api/conflicts", "/api/releases", "/api/distinctions"}
	tied := map[rbac.Role]*visitor{}
	for _, role := range []rbac.Role{rbac.Officer, rbac.Director, rbac.Supervisor, rbac.Conference, rbac.Finance} {
		tied[role] = w.user("tied-"+string(role), "", role)
		tied[role].ok("POST", "/api/interests", map[string]any{"application_id": applications[0], "reason": "配偶参与该项目"})
	}
	allowed := policy(t)
	walked, excused := 0, 0
	for _, op := range operations(w) {
		if op.method == "GET" || !slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(op.path, p) }) {
			continue
		}
		for role, v := range tied {
			if !slices.Contains(allowed[op.Extensions["x-permission"].(string)], string(role)) {
				continue
			}
			if exempt[op.path] != "" {
				excused++
				continue
			}
			path, body := op.path, bodies[op.path]
			for prefix, id := range objects {
				if strings.HasPrefix(path, prefix) {
					path = strings.ReplaceAll(path, "{id}", id)
				}
			}
			if body == nil {
				body = op.body()
			}
			walked++
			before := w.seq()
			a := v.do(op.method, path, body)
			name := fmt.Sprintf("%s %s as %s: %s", op.method, op.path, role, a.body)
			assert.Equal(t, 422, a.status, name)
			assert.Contains(t, a.body, `"rule":"P-19"`, name)
			if entries := w.journal(before); assert.Len(t, entries, 1, name) {
				assert.Contains(t, string(entries[0].Facts), `"rule":"P-19"`, name)
			}
		}
	}
	t.Logf("%d writes × roles refused, %d excused", walked, excused)
	assert.Greater(t, walked, 50)
	assert.Equal(t, 4, excused, "every exemption is in use")
}
