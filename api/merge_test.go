package api_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/configs/database"
	"keping/rbac"
)

// addExpert proposes and admits one more expert, and returns record and person.
func (w *world) addExpert(name, document, class string) (string, string) {
	w.t.Helper()
	e := w.users["keeper"].ok("POST", "/api/experts", map[string]any{"name": name, "document_kind": "passport", "document": document, "phone": "13812345678", "mail": document + "@example.cn", "unit_id": w.units["lead7"], "in_district": true,
		"pool": "technical", "classes": []string{class}, "fields": []any{map[string]any{"code": "790.55"}}, "employments": []any{map[string]any{"unit_id": w.units["lead7"], "from": "2012-01-01"}}, "ties": []any{map[string]any{"kind": "kin", "person_id": w.people["adv"]}}})
	w.users["director"].ok("POST", "/api/releases", map[string]any{"rule": "P-02", "object": "expert/" + e.text(w.t, "result.id"), "reason": "护照上没有出生年份，年龄已另行核实"})
	w.users["director"].ok("POST", "/api/experts/admit", map[string]any{"expert_ids": []string{e.text(w.t, "result.id")}})
	return e.text(w.t, "result.id"), e.text(w.t, "result.person_id")
}

func merge(keep, from string) map[string]any {
	return map[string]any{"keep_id": keep, "merge_id": from, "reason": "护照与身份证为同一人，已核对原件"}
}

// sql changes what no act would.
func (w *world) sql(statement string, args ...any) {
	w.t.Helper()
	require.NoError(w.t, w.app.Store.DB.Do(context.Background(), func(tx *database.Tx) error { return tx.Exec(statement, args...).Error }, nil))
}

// TestMergePeople: two records of one person become one with everything that
// hangs on them, and what the union breaks is said at once.
func TestMergePeople(t *testing.T) {
	w := newWorld(t)
	w.populate()
	officer, keeper := w.users["officer"], w.users["keeper"]
	major := w.programme("major", "t0", "t1")
	guide := w.guide(guideBody(major, item("A1", "major", false, 25000000)))
	w.at(2025, 4, 2, 9)

	// a leader who applies under a passport is the group's member t1
	body := w.application(guide, "A1", 0)
	body["leaders"] = []any{map[string]any{"name": "Zhuanjia Teyi", "document_kind": "passport", "document": "E12345678", "unit_id": w.units["lead0"]}}
	id := w.accepted("lead0", body)
	before := w.seq()
	found := officer.do("POST", "/api/people/find", map[string]any{"document_kind": "passport", "document": "e12345678"}).is(t, 200)
	assert.Equal(t, before+1, w.seq(), "that it was asked stays")
	leader := found.text(t, "person_id")
	assert.Equal(t, id, found.text(t, "applications.0"))
	officer.do("POST", "/api/people/find", map[string]any{"document_kind": "passport", "document": "E99999999"}).is(t, 404)
	w.facts("t3", map[string]any{"ties": []any{map[string]any{"kind": "adviser", "person_id": leader}}})
	officer.do("POST", "/api/people/merge", merge(leader, leader)).is(t, 422)
	officer.do("POST", "/api/people/merge", merge(w.people["t1"], "00000000-0000-0000-0000-000000000000")).is(t, 404)
	w.users["lead0"].do("POST", "/api/people/merge", merge(w.people["t1"], leader)).is(t, 403)
	keeper.refused("P-04", "POST", "/api/people/merge", merge(w.people["t1"], leader))
	told := officer.ok("POST", "/api/people/merge", merge(w.people["t1"], leader))
	assert.Contains(t, told.body, "技术专家组成员（第七条）")
	broken := false
	for _, v := range told.verdicts(t) {
		broken = broken || v.Rule == "R-023" && v.Verdict == "fail"
	}
	assert.True(t, broken, "art. 7 is judged again: %s", told.body)
	application := officer.do("GET", "/api/applications/"+id, nil)
	assert.Equal(t, w.people["t1"], application.text(t, "leader_id"))
	assert.Equal(t, "Zhuanjia Teyi", application.text(t, "leader_name"), "as the application was handed in")
	adviser := w.conflicts(major, w.ids("t3"), []string{id})
	require.Len(t, adviser, 1, "a declared tie follows the person")
	assert.Equal(t, "adviser", adviser[0].Kind)
	barred := w.conflicts(major, w.ids("t1"), []string{id})
	require.NotEmpty(t, barred)
	again := w.application(guide, "A1", 1)
	again["leaders"] = []any{map[string]any{"name": "专家t1", "document_kind": "passport", "document": "E12345678", "unit_id": w.units["lead1"]}}
	w.users["lead1"].refused("R-023", "POST", "/api/applications/"+w.draft("lead1", again)+"/submit", map[string]any{"version": 1}, "P-45")
	w.sound()

	// two records of the pool: the keeper's act, the stricter state, one record left
	twin, person := w.addExpert("专家t8", "E20000008", "finance")
	officer.refused("P-04", "POST", "/api/people/merge", merge(w.people["t8"], person))
	keeper.ok("POST", "/api/experts/"+twin+"/suspend", map[string]any{"version": 2, "reason": "履职核查中"})
	header := "姓名,证件类型,证件号码,专项类别,年度,评审批次,席位类别,评审日期\n"
	officer.importFile("s.csv", "/api/past_services/import", header+"专家t8,护照,E20000008,重大,2023,2023-P01,财务,2023-06-18\n", nil).is(t, 201)
	keeper.ok("POST", "/api/people/merge", merge(w.people["t8"], person))
	keeper.do("GET", "/api/experts/"+twin, nil).is(t, 404)
	united := keeper.do("GET", "/api/experts/"+w.experts["t8"], nil).is(t, 200)
	assert.Equal(t, "suspended", united.text(t, "state"))
	assert.Equal(t, "138****5678", united.text(t, "phone"))
	assert.Contains(t, united.body, "finance")
	assert.Contains(t, united.body, w.units["lead7"], "where either works is a conflict")
	assert.Contains(t, united.body, `"kin"`)
	assert.Equal(t, w.people["t8"], keeper.do("GET", "/api/past_services?expert_id="+w.experts["t8"], nil).text(t, "items.0.person_id"))
	for _, e := range w.journal(0) {
		assert.NotContains(t, string(e.Facts), "核对原件")
		assert.NotContains(t, string(e.Facts), "Zhuanjia")
	}

	// what an officer has told apart stays apart; two confirmed numbers are two people
	_, person = w.addExpert("专家t9", "E20000009", "finance")
	officer.ok("POST", "/api/distinctions", map[string]any{"leader_id": person, "expert_id": w.experts["t9"], "reason": "同名，单位与年龄均不同"})
	keeper.do("POST", "/api/people/merge", merge(w.people["t9"], person)).is(t, 409)
	keeper.do("POST", "/api/people/merge", merge(w.people["t9"], w.people["told"])).is(t, 409)
	w.sound()
}

// TestMergeHidesNothing: both in one frame or on one panel that is not over,
// or accounts whose roles never meet.
func TestMergeHidesNothing(t *testing.T) {
	w := newWorld(t)
	w.populate()
	keeper, officer := w.users["keeper"], w.users["officer"]
	_, person := w.addExpert("专家m0", "E30000000", "management")
	guide := w.guide(guideBody(w.programme("major", "t0", "t1", "t2", "t3"), item("A1", "major", false, 25000000)))
	w.at(2025, 4, 2, 9)
	application := w.accepted("lead1", w.application(guide, "A1", 1))
	review := officer.ok("POST", "/api/reviews", reviewBody(guide, 3, 1, 1, application)).text(t, "result.id")
	w.drawPanel(review)
	framed := keeper.do("POST", "/api/people/merge", merge(w.people["m0"], person)).is(t, 409)
	assert.Contains(t, framed.body, "候选名单")
	officer.ok("POST", "/api/reviews/"+review+"/void", because("现场条件不具备"))
	done := keeper.ok("POST", "/api/people/merge", merge(w.people["m0"], person))
	assert.Contains(t, done.body, "曾同在", "the past is said, not hidden")
	w.sound()

	_, other := w.addExpert("专家m1", "E30000001", "management")
	w.sql("UPDATE users SET person_id = ? WHERE login = 'officer'", other)
	w.user("zj1", "", rbac.Expert)
	w.sql("UPDATE users SET person_id = ? WHERE login = 'zj1'", w.people["m1"])
	assert.Contains(t, keeper.do("POST", "/api/people/merge", merge(w.people["m1"], other)).is(t, 409).body, "不得由同一人担任")
	w.sql("UPDATE users SET person_id = '' WHERE login = 'officer'")
	w.sql("UPDATE users SET person_id = ? WHERE login = 'zj1'", other)
	keeper.ok("POST", "/api/people/merge", merge(w.people["m1"], other))
	w.users["zj1"].do("GET", "/api/sheets?review_id="+review, nil).is(t, 401) // the session held the record that is gone
}
