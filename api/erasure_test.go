package api_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/rbac"
	"keping/rbac/journal"
)

// dump is every row of every table as it lies in the store, and every sealed
// verdict beside the journal opened.
func (w *world) dump() string {
	w.t.Helper()
	db := w.app.Store.DB.Read(context.Background())
	tables, err := db.Migrator().GetTables()
	require.NoError(w.t, err)
	var out strings.Builder
	for _, table := range tables {
		var rows []map[string]any
		require.NoError(w.t, db.Table(table).Find(&rows).Error)
		for _, row := range rows {
			for column, v := range row {
				if data, ok := v.([]byte); ok {
					v = string(data)
				}
				fmt.Fprintf(&out, "%s.%s=%v\n", table, column, v)
			}
			if sealed, ok := row["verdicts"].([]byte); ok && table == "journal_entries" {
				txn := row["txn"]
				if data, ok := txn.([]byte); ok {
					txn = string(data)
				}
				plain, err := w.app.Store.Keys.Open(sealed, fmt.Sprintf("journal/%v", txn))
				require.NoError(w.t, err)
				out.WriteString(plain + "\n")
			}
		}
	}
	return out.String()
}

// found are the lines of a dump that hold a trace, cut short.
func found(dump, trace string) []string {
	var out []string
	for _, line := range strings.Split(dump, "\n") {
		if at := strings.Index(line, trace); at >= 0 {
			out = append(out, line[:min(len(line), 40)]+" … "+line[max(0, at-60):min(len(line), at+60)])
		}
	}
	return out
}

// TestErasure: a person with nothing under way is erased on request; the rows
// are empty, the journal verifies as before, and the sums still add up.
func TestErasure(t *testing.T) {
	w := newWorld(t)
	w.populate()
	officer, keeper := w.users["officer"], w.users["keeper"]
	guide := w.guide(guideBody(w.programme("major", "t0", "t1", "t2", "t3"), item("A1", "major", false, 25000000)))
	w.at(2025, 4, 2, 9)
	body := w.application(guide, "A1", 0)
	body["avoid"] = []any{map[string]any{"name": "专家f0", "unit": "单位of-f0", "reason": "曾有学术争议"}, map[string]any{"name": "专家f1", "unit": "单位of-f1", "reason": "曾有学术争议"}, map[string]any{"name": "专家f2", "unit": "单位of-f2", "reason": "曾有学术争议"}}
	named := w.draft("lead0", body)
	w.users["lead0"].ok("POST", "/api/applications/"+named+"/withdraw", map[string]any{"version": 1, "reason": "不再申报"})
	application := w.accepted("lead1", w.application(guide, "A1", 1))
	review := w.marking(reviewBody(guide, 3, 1, 1, application))
	var short string
	for _, s := range w.seats(review) {
		if s.Class == "finance" && s.State == "pledged" {
			short = strings.TrimPrefix(s.Name, "专家")
		}
	}
	expert, id, person := w.users[short], w.experts[short], w.people[short]
	document, _ := documentOf(short)
	index := w.app.Store.Keys.Index("resident_id:" + document)
	me := expert.do("GET", "/api/me", nil)
	expert.ok("POST", "/api/me/correct", map[string]any{"version": me.int(t, "user.version"), "password": password, "phone": "13987654321"})
	officer.importFile("i.csv", "/api/integrity_records/import", "对象,名称,证件类型,证件号码,记录种类,起,止,来源,文号\n专家,专家"+short+",居民身份证,"+document+",科研失信,2024-01-01,2025-12-31,市科技局,一号\n", nil).is(t, 201)
	officer.refused("P-23", "POST", "/api/programmes/"+officer.do("GET", "/api/guides/"+guide, nil).text(t, "programme_id")+"/recommend",
		map[string]any{"kind": "technical", "expert_ids": []string{id}, "departments": []string{w.units["dept"]}, "document": "推荐函"})

	path, ask := "/api/people/"+person+"/erase", map[string]any{"basis": "request"}
	officer.do("POST", path, ask).is(t, 403)
	hanging := keeper.refused("P-59", "POST", path, ask)
	for _, want := range []string{"席位", "请先退出专家库", "诚信记录"} {
		assert.Contains(t, hanging.body, want)
	}
	officer.ok("POST", "/api/reviews/"+review+"/void", because("现场条件不具备"))
	record := keeper.do("GET", "/api/experts/"+id, nil)
	keeper.ok("POST", "/api/experts/"+id+"/exit", map[string]any{"version": record.int(t, "version"), "reason": "本人退出"})
	keeper.refused("P-59", "POST", path, ask)
	w.at(2026, 1, 1, 9) // the integrity record is over
	before := w.dump()
	for _, trace := range []string{"专家" + short, index, short + "@example.cn"} {
		require.NotEmpty(t, found(before, trace), "%s: else the dump would find nothing afterwards either", trace)
	}
	keeper.ok("POST", path, ask)
	expert.do("GET", "/api/me", nil).is(t, 401)
	after := w.dump()
	for _, trace := range []string{"专家" + short, index, document, short + "@example.cn", "13987654321"} {
		assert.Empty(t, found(after, trace), trace)
	}
	assert.NotEmpty(t, found(after, id), "ids stay: what was decided still adds up")
	assert.Equal(t, "已删除", keeper.do("GET", "/api/experts/"+id, nil).text(t, "name"))
	var lines bytes.Buffer
	_, err := w.app.Store.ExportJournal(t.Context(), &lines)
	require.NoError(t, err)
	assert.NotContains(t, lines.String(), "专家"+short)
	_, err = journal.Verify(&lines, nil, nil)
	require.NoError(t, err, "the journal outlives an erasure")
	w.sound()
	w.stranger().do("POST", "/api/sessions", map[string]any{"name": "zj00001", "password": password})

	// whoever comes back with the document is a new person
	again := keeper.ok("POST", "/api/experts", map[string]any{"name": "专家" + short, "document_kind": "resident_id", "document": document, "mail": "again@example.cn", "unit_id": w.units["lead0"], "in_district": true,
		"pool": "technical", "classes": []string{"finance"}, "fields": []any{map[string]any{"code": "790.55"}}})
	assert.NotEqual(t, person, again.text(t, "result.person_id"))
}

// TestErasureKeeps: what a later decision must be able to see is not erased.
func TestErasureKeeps(t *testing.T) {
	w := newWorld(t)
	w.populate()
	admin, officer := w.users["sysadmin"], w.users["officer"]
	major := w.programme("major", "t0")
	guide := w.guide(guideBody(major, item("A1", "major", false, 25000000)))
	w.at(2025, 4, 2, 9)
	id := w.draft("lead0", w.application(guide, "A1", 0))
	leader := officer.do("GET", "/api/applications/"+id, nil).text(t, "leader_id")
	erase := func(person string) (string, map[string]any) {
		return "/api/people/" + person + "/erase", map[string]any{"basis": "request"}
	}
	path, ask := erase(leader)
	assert.Contains(t, admin.refused("P-59", "POST", path, ask).body, "申报书")
	w.users["lead0"].ok("POST", "/api/applications/"+id+"/withdraw", map[string]any{"version": 1, "reason": "不再申报"})
	admin.ok("POST", path, ask)
	assert.Equal(t, "已删除", officer.do("GET", "/api/applications/"+id, nil).text(t, "leader_name"))

	var members []struct{ ID string }
	w.all("officer", "/api/programmes/"+major+"/members", &members)
	officer.ok("POST", "/api/memberships/"+members[0].ID+"/end", because("本人申请退出"))
	keeper := w.users["keeper"]
	keeper.ok("POST", "/api/experts/"+w.experts["t0"]+"/exit", map[string]any{"version": 2, "reason": "本人退出"})
	path, ask = erase(w.people["t0"])
	assert.Contains(t, keeper.refused("P-59", "POST", path, ask).body, "本年度专家组任期")
	w.at(2026, 1, 2, 9)
	keeper.ok("POST", path, ask)

	w.sql("UPDATE users SET person_id = ? WHERE login = 'finance'", w.people["t9"])
	keeper.ok("POST", "/api/experts/"+w.experts["t9"]+"/exit", map[string]any{"version": 2, "reason": "本人退出"})
	path, ask = erase(w.people["t9"])
	assert.Contains(t, keeper.refused("P-59", "POST", path, ask).body, "工作账号")
	w.sound()
}

// TestRetention: contacts of who was not used for the pack's years, and of who
// has withdrawn consent, are emptied by the clock, each by one entry of "system".
func TestRetention(t *testing.T) {
	w := newWorld(t)
	w.populate()
	keeper := w.users["keeper"]
	add := func(i int, name string) string {
		return keeper.ok("POST", "/api/experts", map[string]any{"name": name, "document_kind": "resident_id", "document": resident(900+i, 1979), "phone": "13812345678", "bank_card": "6222021234567890128", "mail": "x@example.cn", "unit_id": w.units["lead0"], "in_district": true,
			"pool": "technical", "classes": []string{"finance"}, "fields": []any{map[string]any{"code": "790.55"}}, "consent": "2025-01"}).text(t, "result.id")
	}
	idle, used, left := add(1, "久未参加"), add(2, "近年参加"), add(3, "撤回同意")
	phone := func(id string) string { return keeper.do("GET", "/api/experts/"+id, nil).text(t, "phone") }
	run := func() int {
		n, err := w.app.Reviews.ExpireContacts(t.Context())
		require.NoError(t, err)
		return n
	}
	assert.Zero(t, run())
	w.at(2029, 6, 1, 9)
	w.users["officer"].importFile("s.csv", "/api/past_services/import", "姓名,证件类型,证件号码,专项类别,年度,评审批次,席位类别,评审日期\n近年参加,居民身份证,"+resident(902, 1979)+",重大,2028,2028-P01,财务,2028-06-18\n", nil).is(t, 201)
	owner := w.user("owner", "", rbac.Expert)
	w.sql("UPDATE users SET person_id = (SELECT person_id FROM experts WHERE id = ?) WHERE login = 'owner'", left)
	owner.signIn("owner")
	owner.ok("POST", "/api/me/withdraw_consent", map[string]any{"password": password})
	assert.Empty(t, phone(left), "no panel needs it")
	assert.Zero(t, run(), "five years are not over")
	w.at(2030, 3, 4, 9)
	seq := w.seq()
	assert.Equal(t, 1, run())
	assert.Empty(t, phone(idle))
	assert.Equal(t, "138****5678", phone(used))
	entries := w.journal(seq)
	require.Len(t, entries, 1)
	assert.Equal(t, "system", entries[0].Actor)
	assert.Equal(t, "expert.expire", entries[0].Act)
	assert.Zero(t, run(), "once")
	var cards [][]byte
	require.NoError(t, w.app.Store.DB.Read(t.Context()).Table("experts").Where("id = ? AND bank_card IS NOT NULL", idle).Pluck("bank_card", &cards).Error)
	assert.Empty(t, cards)
	w.sound()
}
