package api_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/configs/database"
)

// TestInvariants breaks by hand, one after the other, what must hold whatever
// acts have run: `keping check` names each, and nothing once it is mended.
func TestInvariants(t *testing.T) {
	w, guide, review, applications := marked(t, nil, 50, 45)
	officer := w.users["officer"]
	w.sign(review, w.open(review))
	officer.ok("POST", "/api/reviews/"+review+"/close", map[string]any{})
	list := officer.ok("POST", "/api/lists", map[string]any{"guide_id": guide}).text(t, "result.id")
	w.conclude(list, 1)
	w.users["director"].ok("POST", "/api/lists/"+list+"/deliberate", map[string]any{})
	officer.ok("POST", "/api/lists/"+list+"/publicise", map[string]any{})
	objection := w.stranger().ok("POST", "/api/publicities/"+list+"/object", map[string]any{"application_id": applications[0], "name": "刘建国", "contact": "13900000000", "text": "该项目与既有成果重复，附查新报告。"}).text(t, "result.id")
	// A second review that still runs, and a third that is prepared.
	third := w.accepted("lead2", w.application(guide, "A1", 2))
	running := w.marking(reviewBody(guide, 3, 1, 1, third))
	fourth := w.accepted("lead3", w.application(guide, "A1", 3))
	prepared := officer.ok("POST", "/api/reviews", reviewBody(guide, 3, 1, 1, fourth)).text(t, "result.id")
	pledged := func(review string) seat {
		return slices.DeleteFunc(w.seats(review), func(s seat) bool { return s.State != "pledged" })[0]
	}
	done, sits := pledged(review), pledged(running)
	sheet := w.sheets(w.expert(done), review)[0].ID
	w.users["supervisor"].ok("POST", "/api/seats/"+sits.ID+"/replace", because("突发疾病"))
	vacated, done2 := sits.ID, "" // a seat given up, and an expert with a login
	w.read("seats", done.ID, "expert_id", &done2)
	w.seatAll(running)
	w.declareAll(running)
	sits = pledged(running)
	draft := w.sheets(w.expert(sits), running)[0].ID
	var group, member, link, declaration, declared, panel string
	for query, into := range map[string]*string{
		"SELECT id FROM review_groups WHERE kind = 'technical'":                          &group,
		"SELECT MIN(id) FROM memberships":                                                &member,
		"SELECT MIN(id) FROM links WHERE object = 'seat/" + sits.ID + "'":                &link,
		"SELECT MIN(id) FROM declarations WHERE review_id = '" + review + "'":            &declared,
		"SELECT MIN(id) FROM declarations WHERE seat_id = '" + sits.ID + "'":             &declaration,
		"SELECT id FROM draws WHERE review_id = '" + running + "' AND purpose = 'panel'": &panel,
	} {
		require.NoError(t, w.app.Store.DB.Read(t.Context()).Raw(query).Scan(into).Error)
		require.NotEmpty(t, *into, query)
	}
	var leader string // who is of the group
	w.read("memberships", member, "person_id", &leader)
	type set = map[string]any
	good := func(where string) {
		problems, err := w.app.Reviews.Invariants(t.Context())
		require.NoError(t, err)
		require.Empty(t, problems, where)
	}
	good("at first")
	for _, x := range []struct {
		table, id string
		set       set
		where     string
		what      string
	}{
		{"applications", third, set{"state": "accepted"}, "application/" + third, "与所在评审批次不符"},
		{"applications", third, set{"state": "reviewed"}, "application/" + third, "与所在评审批次不符"},
		{"applications", applications[0], set{"review_id": ""}, "application/" + applications[0], "与所在评审批次不符"},
		{"reviews", running, set{"state": "void"}, "application/" + third, "与所在评审批次不符"},
		{"reviews", running, set{"state": "void"}, "seat/" + sits.ID, "仍有在席专家"},
		{"applications", third, set{"guide_id": "elsewhere"}, "application/" + third, "不属同一指南"},
		{"applications", applications[0], set{"state": "awarded", "leader_id": leader}, "application/" + applications[0], "技术专家组成员牵头"},
		{"review_groups", group, set{"state": "dissolved"}, "group/" + group, "仍有成员"},
		{"memberships", member, set{"to_day": "2000-01-01"}, "membership/" + member, "任期与状态不符"},
		{"experts", w.experts["m3"], set{"state": "proposed", "state_until": "2025-09-01"}, "expert/" + w.experts["m3"], "期限"},
		{"reviews", prepared, set{"state": "frozen"}, "review/" + prepared, "与抽取不符"},
		{"draws", panel, set{"state": "void"}, "review/" + running, "与抽取不符"},
		{"draws", panel, set{"record": "{}"}, "review/" + running, "抽取记录不能复算"},
		{"seats", done.ID, set{"state": "accepted", "pledged_at": nil}, "seat/" + done.ID, "未确认的席位"},
		{"seats", sits.ID, set{"state": "vacated"}, "sheet/" + draft, "已空出的席位仍有评分表"},
		{"links", link, set{"used_at": nil, "object": "seat/" + vacated}, "seat/" + vacated, "仍有有效链接"},
		{"experts", done2, set{"user_id": w.users["lead0"].id}, "expert/" + done2, "另一人"},
		{"seats", sits.ID, set{"reply_by": w.app.Store.DB.Now()}, "seat/" + sits.ID, "答复期限仍在"},
		{"seats", sits.ID, set{"state": "accepted"}, "seat/" + sits.ID, "承诺时间不符"},
		{"reviews", review, set{"chair_seat_id": sits.ID}, "review/" + review, "组长不在席"},
		{"reviews", running, set{"technical": 2}, "review/" + running, "多于计划的席位"},
		{"declarations", declared, set{"state": "pending"}, "declaration/" + declared, "已结束的评审"},
		{"declarations", declaration, set{"state": "approved"}, "sheet/" + draft, "已回避的项目仍有评分表"},
		{"applications", third, set{"state": "withdrawn"}, "sheet/" + draft, "已撤回的项目仍有评分表"},
		{"reviews", running, set{"state": "discussing"}, "sheet/" + draft, "仍有草稿"},
		{"sheets", draft, set{"submitted_at": w.app.Store.DB.Now()}, "sheet/" + draft, "提交时间不符"},
		{"seats", done.ID, set{"sheets": 1}, "seat/" + done.ID, "评分表份数不符"},
		{"sheets", sheet, set{"state": "void"}, "review/" + review, "所计的评分表与现状不符"},
		{"sheets", sheet, set{"review_id": running}, "review/" + review, "与现状不符"},
		{"reviews", running, set{"ranking_hash": "x"}, "review/" + running, "签字或排名"},
		{"seats", sits.ID, set{"signed_at": w.app.Store.DB.Now()}, "review/" + running, "签字或排名"},
		{"award_lists", list, set{"public_to": ""}, "list/" + list, "公示期不符"},
		{"award_lists", list, set{"digest": "x"}, "list/" + list, "摘要不符"},
		{"applications", applications[0], set{"state": "reserve"}, "list/" + list, "去向与申报书的状态不符"},
		{"applications", applications[0], set{"state": "awarded"}, "application/" + applications[0], "不在确认的清单中"},
		{"applications", applications[0], set{"state": "awarded"}, "objection/" + objection, "未办结或成立的异议"},
		{"award_lists", list, set{"state": "confirmed"}, "list/" + list, "去向与申报书的状态不符"},
		{"award_lists", list, set{"id": "again", "number": 2, "state": "deliberated", "public_from": "", "public_to": ""}, "guide/" + guide, "两份未完结的清单"},
		{"draws", panel, set{"id": "again", "attempt": 2, "state": "frozen", "frame_hash": "again"}, "review/" + running, "与抽取不符"},
		{"seats", sits.ID, set{"id": "again"}, "review/" + running, "两个席位"},
		{"sheets", draft, set{"id": "again", "number": 2}, "seat/" + sits.ID, "两份评分表"},
		{"declarations", declaration, set{"id": "again"}, "seat/" + sits.ID, "两份有效的声明"},
		{"objections", objection, set{"state": "dismissed"}, "objection/" + objection, "与答复不符"},
	} {
		mend := w.broken(x.table, x.id, x.set)
		problems, err := w.app.Reviews.Invariants(t.Context())
		require.NoError(t, err)
		found := false
		for _, p := range problems {
			found = found || p.Where == x.where && strings.Contains(p.What, x.what)
		}
		assert.True(t, found, "%s %v: %v", x.table, x.set, problems)
		mend()
		good(x.table)
	}
}

// broken changes a row by hand and returns what mends it; a new id makes a
// second row of the kind instead.
func (w *world) broken(table, id string, set map[string]any) (mend func()) {
	w.t.Helper()
	before := map[string]any{}
	write := func(f func(tx *database.Tx) error) {
		w.t.Helper()
		require.NoError(w.t, w.app.Store.DB.Do(w.t.Context(), f, nil), "%s %v", table, set)
	}
	require.NoError(w.t, w.app.Store.DB.Read(w.t.Context()).Table(table).Where("id = ?", id).Take(&before).Error)
	if again := set["id"]; again != nil {
		after := maps.Clone(before)
		maps.Copy(after, set)
		write(func(tx *database.Tx) error { return tx.Table(table).Create(after).Error })
		return func() {
			write(func(tx *database.Tx) error { return tx.Exec("DELETE FROM "+table+" WHERE id = ?", again).Error })
		}
	}
	write(func(tx *database.Tx) error { return tx.Table(table).Where("id = ?", id).Updates(set).Error })
	return func() {
		old := map[string]any{}
		for column := range set {
			old[column] = before[column]
		}
		write(func(tx *database.Tx) error { return tx.Table(table).Where("id = ?", id).Updates(old).Error })
	}
}

// read reads one column of a row.
func (w *world) read(table, id, column string, into *string) {
	w.t.Helper()
	require.NoError(w.t, w.app.Store.DB.Read(w.t.Context()).Table(table).Select(column).Where("id = ?", id).Scan(into).Error)
}
