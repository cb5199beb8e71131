package api_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/configs/database"
	"keping/rbac"
	"keping/reviewing"
)

// try is the request that makes a move.
type try struct {
	by     *visitor
	method string
	path   string
	body   map[string]any
}

// TestMachines tries every move of SM-06 to SM-13 in every state: what the
// table forbids is refused by name, journalled once and changes nothing; what
// it allows is not refused for the state. Moves that another object's act or the
// clock makes (closing a review, confirming a list) have no request of their own.
func TestMachines(t *testing.T) {
	w, guide, review, applications := marked(t, nil, 50, 45)
	officer, director, supervisor, lead := w.users["officer"], w.users["director"], w.users["supervisor"], w.users["lead0"]
	second := w.user("officer2", "", rbac.Officer)
	leader := w.user("leader", "lead0", rbac.Applicant)
	chair := w.open(review)
	w.sign(review, chair)
	r := "/api/reviews/" + review
	officer.ok("POST", r+"/close", map[string]any{})
	list := officer.ok("POST", "/api/lists", map[string]any{"guide_id": guide}).text(t, "result.id")
	w.conclude(list, 1)
	director.ok("POST", "/api/lists/"+list+"/deliberate", map[string]any{})
	officer.ok("POST", "/api/lists/"+list+"/publicise", map[string]any{})
	objection := w.stranger().ok("POST", "/api/publicities/"+list+"/object", map[string]any{"application_id": applications[0], "name": "刘建国", "contact": "13900000000", "text": "该项目与既有成果重复，附查新报告。"}).text(t, "result.id")
	programme := officer.do("GET", "/api/guides/"+guide, nil).text(t, "programme_id")
	var members []struct{ ID string }
	w.all("officer", "/api/programmes/"+programme+"/members", &members)
	decision := director.upload("决定.pdf", []byte("%PDF-1.4")).is(t, 201).text(t, "result.id")
	scan := officer.upload("扫描.pdf", []byte("%PDF-1.4")).is(t, 201).text(t, "result.id")

	w.set("applications", applications[0], map[string]any{"corrections": 1, "correct_by": "2025-01-02"}) // overdue, so that no clock stands before a state
	seats := slices.DeleteFunc(w.seats(review), func(s seat) bool { return s.State != "pledged" })
	var member *visitor
	var sheetID, seatID string
	for _, s := range seats {
		if w.expert(s) != chair {
			member, seatID = w.expert(s), s.ID
			sheetID = w.sheets(member, review)[0].ID
		}
	}
	a, l, o, sh, e := "/api/applications/"+applications[0], "/api/lists/"+list, "/api/objections/"+objection, "/api/sheets/"+sheetID, "/api/experts/"+w.experts["m3"]
	version := map[string]int{} // of each table's row, set with its state
	at := func(table string, more map[string]any) map[string]any {
		if more == nil {
			more = map[string]any{}
		}
		more["version"] = version[table]
		return more
	}
	paper := func() map[string]any { return at("sheets", marks(0, 50, 30)) }
	answer := map[string]any{"answer": "已核实相关情况"}
	reason := because("测试状态流转")
	group := map[string]any{"kind": "technical"}
	machines := []struct {
		id, table, row string
		tries          func() map[string]try
		elsewhere      []string // moves another object's act or the clock makes
	}{
		{"SM-06", "applications", applications[0], func() map[string]try {
			return map[string]try{
				"submit": {lead, "POST", a + "/submit", at("applications", nil)}, "hand_in": {leader, "POST", a + "/submit", at("applications", nil)},
				"endorse": {lead, "POST", a + "/endorse", at("applications", nil)}, "send_back": {lead, "POST", a + "/send_back", at("applications", because("退回修改"))},
				"send_back_correction": {lead, "POST", a + "/send_back", at("applications", because("退回补正"))},
				"withdraw":             {lead, "POST", a + "/withdraw", at("applications", because("不再申报"))},
				"accept":               {officer, "POST", a + "/screen", at("applications", map[string]any{"verdict": "accept"})},
				"correct":              {officer, "POST", a + "/screen", at("applications", map[string]any{"verdict": "correct", "reason": "请补充材料"})},
				"refuse":               {officer, "POST", a + "/screen", at("applications", map[string]any{"verdict": "refuse", "reason": "不属于本指南"})},
				"review":               {officer, "POST", "/api/reviews", reviewBody(guide, 3, 1, 1, applications[0])},
			}
		}, []string{"close", "void", "propose", "reserve", "decline", "award"}},
		{"SM-07", "experts", w.experts["m3"], func() map[string]try {
			return map[string]try{"admit": {director, "POST", "/api/experts/admit", map[string]any{"expert_ids": []string{w.experts["m3"]}}},
				"suspend": {w.users["keeper"], "POST", e + "/suspend", at("experts", because("暂停使用"))}, "resume": {w.users["keeper"], "POST", e + "/resume", at("experts", because("恢复使用"))},
				"exit":      {w.users["keeper"], "POST", e + "/exit", at("experts", because("本人退出"))},
				"publicise": {w.users["keeper"], "POST", "/api/experts/publicise", map[string]any{"expert_ids": []string{w.experts["m3"]}}},
				"ban":       {director, "POST", e + "/ban", at("experts", map[string]any{"code": "leak", "grade": "light", "until": "2027-01-01", "reason": "泄露评审专家名单", "file_id": decision})},
				"lift":      {director, "POST", e + "/lift", at("experts", because("申诉成立"))}}
		}, []string{"lapse", "expire"}},
		{"SM-08", "review_groups", "", func() map[string]try {
			return map[string]try{"approve": {director, "POST", "/api/programmes/" + programme + "/approve_group", group},
				"recommend": {officer, "POST", "/api/programmes/" + programme + "/recommend", map[string]any{"kind": "technical", "expert_ids": w.ids("t9"), "departments": []string{w.units["dept"]}, "document": "推荐函"}},
				"dissolve":  {director, "POST", "/api/programmes/" + programme + "/dissolve_group", map[string]any{"kind": "technical", "reason": "换届"}}}
		}, nil},
		{"SM-09", "reviews", review, func() map[string]try {
			return map[string]try{"freeze": {officer, "POST", r + "/freeze", nil}, "confirm": {officer, "POST", r + "/confirm", nil}, "start": {officer, "POST", r + "/start", nil},
				"open": {supervisor, "POST", r + "/open", nil}, "close": {officer, "POST", r + "/close", nil}, "void": {officer, "POST", r + "/void", reason}, "redo": {supervisor, "POST", r + "/approve_redo", nil}}
		}, []string{"run", "thaw", "reopen"}},
		{"SM-10", "seats", seatID, func() map[string]try {
			return map[string]try{"vacate": {supervisor, "POST", "/api/seats/" + seatID + "/replace", reason}, "pledge": {member, "POST", r + "/pledge", map[string]any{"password": password}},
				"accept": {officer, "POST", "/api/seats/" + seatID + "/enter_reply", map[string]any{"accept": true, "consent": true, "called_at": w.app.Store.DB.Now(), "caller": "专家本人，经办接听"}}}
		}, nil},
		{"SM-11", "sheets", sheetID, func() map[string]try {
			revised, entered := paper(), paper()
			revised["reason"], entered["file_id"] = "听取讨论后调整判断", scan
			return map[string]try{"save": {member, "PATCH", sh, paper()}, "submit": {member, "POST", sh + "/submit", paper()}, "revise": {member, "POST", sh + "/revise", revised},
				"return": {officer, "POST", sh + "/return", reason}, "enter": {officer, "POST", sh + "/enter", entered}, "confirm": {second, "POST", sh + "/confirm", paper()}}
		}, []string{"void"}},
		{"SM-12", "award_lists", list, func() map[string]try {
			return map[string]try{"adjust": {officer, "POST", l + "/adjust", at("award_lists", map[string]any{"choices": []any{map[string]any{"application_id": applications[1], "choice": "reserve"}}})},
				"return": {director, "POST", l + "/return", reason}, "deliberate": {director, "POST", l + "/deliberate", nil}, "publicise": {officer, "POST", l + "/publicise", nil},
				"interrupt": {officer, "POST", l + "/interrupt", reason}, "resume": {officer, "POST", l + "/resume", nil}, "correct": {officer, "POST", l + "/correct", map[string]any{"text": "更正第一项的名称。"}},
				"confirm": {officer, "POST", l + "/confirm", nil}}
		}, []string{"supersede"}},
		{"SM-13", "objections", objection, func() map[string]try {
			out := map[string]try{}
			for _, move := range []string{"accept", "reject", "investigate", "uphold", "dismiss", "archive"} {
				out[move] = try{supervisor, "POST", o + "/" + move, answer}
			}
			return out
		}, nil},
	}
	tried, forbidden := 0, 0
	var ids []string
	for _, x := range reviewing.Machines() {
		ids = append(ids, x.ID)
		for _, moves := range x.Moves {
			for _, to := range moves {
				assert.Contains(t, x.Moves, to, "%s: a state without a row is tried by nobody", x.ID)
			}
		}
	}
	require.Len(t, machines, len(ids))
	for _, m := range machines {
		require.Contains(t, ids, m.id)
		var table reviewing.Machine
		for _, x := range reviewing.Machines() {
			if x.ID == m.id {
				table = x
			}
		}
		all := map[string]bool{}
		for _, moves := range table.Moves {
			for move := range moves {
				all[move] = true
			}
		}
		for _, move := range m.elsewhere {
			require.True(t, all[move], "%s has no move %s", m.id, move)
			delete(all, move)
		}
		require.ElementsMatch(t, slices.Collect(maps.Keys(all)), slices.Collect(maps.Keys(m.tries())), "%s: every move has its request", m.id)
		switch m.id { // what the moves of a seat and a sheet stand on
		case "SM-10", "SM-11":
			w.force("reviews", review, "marking", programme, "")
			w.force("seats", seatID, "pledged", programme, "")
		}
		for _, state := range slices.Sorted(maps.Keys(table.Moves)) {
			version[m.table] = w.force(m.table, m.row, state, programme, leader.id)
			for _, move := range slices.Sorted(maps.Keys(all)) {
				x := m.tries()[move]
				name := fmt.Sprintf("%s %s in %s", m.id, move, state)
				if x.body == nil {
					x.body = map[string]any{}
				}
				tried++
				before := w.seq()
				if _, legal := table.Moves[state][move]; legal {
					if move == "open" { // neither rehearsed nor taken back
						continue
					}
					rehearsed := x.by.do(x.method, x.path+"?dry_run=true", x.body)
					assert.NotRegexp(t, "当前为“[^”]+”，不能[^（]*（"+m.id, rehearsed.body, name)
					assert.Less(t, rehearsed.status, 500, name)
					assert.Equal(t, before, w.seq(), name)
					continue
				}
				forbidden++
				refused := x.by.do(x.method, x.path, x.body)
				if move == "pledge" && refused.status == http.StatusNotFound { // who does not sit learns nothing of the review
					require.Len(t, w.journal(before), 1, name)
					continue
				}
				assert.Contains(t, []int{http.StatusConflict, http.StatusUnprocessableEntity}, refused.status, "%s: %s", name, refused.body)
				assert.True(t, strings.Contains(refused.body, "SM-") || strings.Contains(refused.body, `"rule":"`), "%s names no rule: %s", name, refused.body)
				entries := w.journal(before)
				require.Len(t, entries, 1, name)
				assert.Contains(t, string(entries[0].Facts), `"refused"`, name)
			}
		}
	}
	t.Logf("%d state × move tried, %d forbidden", tried, forbidden)
}

// force puts a row into a state as if it had come there, and tells its version.
func (w *world) force(table, id, state, programme, leader string) int {
	w.t.Helper()
	where, key := "id = ?", any(id)
	if table == "review_groups" {
		where, key = "kind = 'technical' AND programme_id = ?", programme
	}
	var version int
	require.NoError(w.t, w.app.Store.DB.Do(w.t.Context(), func(tx *database.Tx) error {
		set := map[string]any{"state": state}
		switch {
		case table == "sheets" && state == "draft":
			set["hash"] = ""
		case table == "sheets":
			set["hash"] = strings.Repeat("0", 64)
		case table == "seats" && state == "invited":
			set["reply_by"] = tx.Now.Add(time.Hour)
		case table == "applications":
			set["created_by"] = leader
		}
		if err := tx.Table(table).Where(where, key).Updates(set).Error; err != nil || table == "seats" || table == "objections" {
			return err
		}
		return tx.Table(table).Select("version").Where(where, key).Scan(&version).Error
	}, nil))
	return version
}
