package api_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/configs/database"
	"keping/configs/rulepacks"
	"keping/rbac"
	"keping/rbac/calendar"
)

// adopt loads and approves a changed pack, in force from today.
func (w *world) adopt(change map[string]any) {
	w.t.Helper()
	var body map[string]any
	require.NoError(w.t, json.Unmarshal(rulepacks.Shapingba, &body))
	for key, value := range change {
		require.Contains(w.t, body, key)
		body[key] = value
	}
	w.clock.Add(1) // of two of one day the later holds
	body["version"], body["in_force"] = fmt.Sprintf("2025.%d", w.seq()), calendar.Day(w.app.Store.DB.Now())
	id := w.users["officer"].ok("POST", "/api/rule_packs", body).text(w.t, "result.id")
	w.users["director"].ok("POST", "/api/rule_packs/"+id+"/approve", map[string]any{})
}

// asExpert signs an expert in without an invitation.
func (w *world) asExpert(short string) *visitor {
	w.t.Helper()
	v := w.user("x-"+short, "", rbac.Expert)
	w.set("users", v.id, map[string]any{"person_id": w.people[short]})
	v.signIn("x-" + short)
	return v
}

// set changes a row as nothing in the product does: what time or another
// program would have done.
func (w *world) set(table, id string, values map[string]any) {
	w.t.Helper()
	require.NoError(w.t, w.app.Store.DB.Do(w.t.Context(), func(tx *database.Tx) error {
		return tx.Table(table).Where("id = ?", id).Updates(values).Error
	}, nil))
}

// names are the short names of the experts a query finds, as a user sees them.
func (w *world) names(query string) string {
	w.t.Helper()
	var rows []struct{ Name string }
	w.all("keeper", "/api/experts?"+query, &rows)
	out := make([]string, len(rows))
	for i, r := range rows {
		out[i] = strings.TrimPrefix(r.Name, "专家")
	}
	return strings.Join(out, " ")
}

func (w *world) expertVersion(short string) int {
	w.t.Helper()
	return w.users["keeper"].do("GET", "/api/experts/"+w.experts[short], nil).is(w.t, 200).int(w.t, "version")
}

// TestRecheck: a record is confirmed every year by the keeper or the expert;
// age, term, document and an overdue re-check suspend by themselves, each by an
// act of "system" with a coded reason, and nobody is resumed while one holds.
func TestRecheck(t *testing.T) {
	w := newWorld(t)
	w.populate()
	keeper, director := w.users["keeper"], w.users["director"]
	at := func(short, act string) string { return "/api/experts/" + w.experts[short] + act }
	v := func(short string, more map[string]any) map[string]any {
		if more == nil {
			more = map[string]any{}
		}
		more["version"] = w.expertVersion(short)
		return more
	}
	keep := func(want int) {
		t.Helper()
		n, err := w.app.Reviews.KeepTerms(t.Context())
		require.NoError(t, err)
		assert.Equal(t, want, n)
	}
	assert.Empty(t, w.names("due=true"))
	keep(0)

	// thirty days before the year is over everybody is on the list
	w.at(2026, 2, 10, 9)
	assert.Len(t, strings.Fields(w.names("due=true")), len(specs()))
	first := keeper.do("GET", "/api/experts?limit=1", nil).is(t, 200)
	assert.Equal(t, "2026-03-03", first.text(t, "items.0.recheck_due"))
	keeper.ok("POST", at("t0", "/confirm"), v("t0", map[string]any{"title": "研究员"}))
	assert.Equal(t, "2026-02-10", keeper.do("GET", at("t0", ""), nil).text(t, "confirmed_day"))
	own := w.asExpert("t1")
	profile := own.do("GET", "/api/profile", nil).is(t, 200)
	assert.Equal(t, "2026-03-03", profile.text(t, "recheck_due"))
	assert.NotContains(t, profile.body, resident(2, 1980), "masked to the expert too")
	own.ok("POST", "/api/profile/confirm", map[string]any{"version": profile.int(t, "version"), "unavailable": []any{map[string]any{"from": "2026-03-01", "to": "2026-03-10"}}})
	assert.NotContains(t, w.names("available=2026-03-05&class=technical&state=in_pool"), "t1")
	own.do("POST", "/api/profile/confirm", map[string]any{"version": 99, "title": "院士"}).is(t, 422) // what is proven by paper is the keeper's
	assert.NotContains(t, strings.Fields(w.names("due=true")), "t1")

	// a document and a term run out, an age is reached
	keeper.ok("PATCH", at("t0", ""), v("t0", map[string]any{"document_until": "2026-02-28"}))
	keeper.ok("PATCH", at("t1", ""), v("t1", map[string]any{"term_until": "2026-03-01"}))
	keeper.do("PATCH", at("t1", ""), v("t1", map[string]any{"term_until": "2026-02-30"})).is(t, 422)
	for _, short := range []string{"m0", "m1", "told"} {
		keeper.ok("POST", at(short, "/confirm"), v(short, nil))
	}
	w.set("experts", w.experts["told"], map[string]any{"birth_year": 1959})
	w.set("experts", w.experts["m1"], map[string]any{"birth_year": 1959})
	director.ok("POST", "/api/releases", map[string]any{"rule": "P-02", "object": "expert/" + w.experts["m1"], "reason": "领域内唯一的专家，经研究留用"})
	w.at(2026, 3, 2, 9)
	before := w.seq()
	keep(3)
	codes := map[string]string{"t0": "document", "t1": "term", "told": "age"}
	entries := w.journal(before)
	require.Len(t, entries, 3)
	for _, e := range entries {
		assert.Equal(t, "system", e.Actor)
		assert.Equal(t, "expert.lapse", e.Act)
	}
	for short, code := range codes {
		a := keeper.do("GET", at(short, ""), nil)
		assert.Equal(t, []string{"suspended", code}, []string{a.text(t, "state"), a.text(t, "state_code")}, short)
		assert.Contains(t, a.text(t, "state_reason"), "惯例")
	}
	keep(0)

	// overdue
	w.at(2026, 3, 4, 9)
	keep(len(specs()) - 5)
	assert.Equal(t, "recheck", keeper.do("GET", at("t2", ""), nil).text(t, "state_code"))
	assert.Equal(t, "m0 m1", w.names("state=in_pool"))
	keeper.refused("P-06", "POST", at("t2", "/resume"), v("t2", because("已核对")))
	keeper.refused("P-06", "POST", at("t0", "/resume"), v("t0", because("换证")))
	keeper.refused("P-02", "POST", at("told", "/resume"), v("told", because("仍需要")))
	keeper.ok("POST", at("t2", "/confirm"), v("t2", nil))
	keeper.ok("POST", at("t2", "/resume"), v("t2", because("已核对")))
	keeper.ok("PATCH", at("t0", ""), v("t0", map[string]any{"document_until": "2046-02-28"}))
	keeper.ok("POST", at("t0", "/resume"), v("t0", because("已换证")))
	keep(0)
	require.Eventually(t, func() bool {
		return strings.Contains(strings.Join(w.box.Mails("t2@example.cn"), ""), "暂停参加评审")
	}, 10*time.Second, 20*time.Millisecond, "the expert is told")

	// a district that asks for none
	w.adopt(map[string]any{"disabled": []string{"P-06", "P-02"}})
	w.at(2028, 3, 4, 9)
	keep(0)
}

// TestBan: a director bans for a kind of misconduct and a term within its
// grade; suspension and ban end by themselves on their day or by an accepted
// appeal; who is banned is neither drawn nor seated.
func TestBan(t *testing.T) {
	w := newWorld(t)
	w.populate()
	keeper, director, officer := w.users["keeper"], w.users["director"], w.users["officer"]
	decision := func() string {
		return director.upload("处理决定.pdf", []byte("%PDF-1.4 处理决定")).is(t, 201).text(t, "result.id")
	}
	ban := func(short, grade, until string) map[string]any {
		return map[string]any{"version": w.expertVersion(short), "code": "leak", "grade": grade, "until": until, "reason": "向申报单位泄露评审专家名单", "file_id": decision()}
	}
	at := func(short, act string) string { return "/api/experts/" + w.experts[short] + act }
	keeper.do("POST", at("t0", "/ban"), ban("t0", "light", "2026-06-01")).is(t, 403)
	director.refused("P-22", "POST", at("t0", "/ban"), ban("t0", "light", "2029-06-01"))
	director.refused("P-22", "POST", at("t0", "/ban"), ban("t0", "light", ""))
	director.refused("P-22", "POST", at("t0", "/ban"), ban("t0", "grave", "2027-06-01"))
	director.do("POST", at("t0", "/ban"), map[string]any{"version": 2, "code": "leak", "grade": "grave", "reason": "泄露评审专家名单"}).is(t, 422) // by a decision on paper
	director.ok("POST", at("t0", "/ban"), ban("t0", "light", "2026-06-01"))
	director.ok("POST", at("t1", "/ban"), ban("t1", "grave", ""))
	banned := keeper.do("GET", at("t0", ""), nil)
	assert.Equal(t, "banned", banned.text(t, "state"))
	assert.Equal(t, "2026-06-01", banned.text(t, "state_until"))
	assert.Equal(t, "leak", banned.text(t, "state_code"))
	keeper.do("GET", "/api/files/"+banned.text(t, "state_file"), nil).is(t, 200) // who keeps the record reads its papers
	keeper.do("POST", at("t0", "/resume"), map[string]any{"version": w.expertVersion("t0"), "reason": "恢复"}).is(t, 409)
	officer.do("POST", "/api/programmes/"+w.programme("major")+"/recommend", map[string]any{"kind": "technical", "expert_ids": w.ids("t0"), "departments": []string{w.units["dept"]}, "document": "推荐函"}).is(t, 409)

	// a suspension with a term
	keeper.do("POST", at("t2", "/suspend"), map[string]any{"version": w.expertVersion("t2"), "reason": "出国访学", "until": "2025-02-01"}).is(t, 422)
	keeper.ok("POST", at("t2", "/suspend"), map[string]any{"version": w.expertVersion("t2"), "reason": "出国访学", "until": "2025-05-01"})
	keep := func() int {
		t.Helper()
		n, err := w.app.Reviews.KeepTerms(t.Context())
		require.NoError(t, err)
		return n
	}
	w.at(2025, 5, 1, 23)
	assert.Equal(t, 0, keep(), "the last day counts")
	w.at(2025, 5, 2, 0)
	before := w.seq()
	assert.Equal(t, 1, keep())
	entries := w.journal(before)
	require.Len(t, entries, 1)
	assert.Equal(t, "system", entries[0].Actor)
	assert.Equal(t, "expert.expire", entries[0].Act)
	assert.Equal(t, "in_pool", keeper.do("GET", at("t2", ""), nil).text(t, "state"))

	// an appeal, once at a time; accepted it lifts
	x := w.asExpert("t1")
	w.asExpert("t3").do("POST", "/api/appeals", map[string]any{"text": "没有被禁用的专家不必申诉"}).is(t, 409)
	appeal := x.ok("POST", "/api/appeals", map[string]any{"text": "名单并非本人泄露，附通话记录说明。"}).text(t, "result.id")
	x.do("POST", "/api/appeals", map[string]any{"text": "名单并非本人泄露，附通话记录说明。"}).is(t, 409)
	keeper.do("GET", "/api/appeals", nil).is(t, 403)
	assert.NotContains(t, director.do("GET", "/api/appeals", nil).is(t, 200).body, "通话记录")
	before = w.seq()
	assert.Contains(t, director.do("GET", "/api/appeals/"+appeal, nil).is(t, 200).body, "通话记录")
	require.Len(t, w.journal(before), 1, "that it was read is journalled")
	director.ok("POST", "/api/appeals/"+appeal+"/accept", map[string]any{"answer": "经核查，名单由他人泄露。"})
	director.do("POST", "/api/appeals/"+appeal+"/reject", map[string]any{"answer": "经核查，名单由他人泄露。"}).is(t, 409)
	assert.Equal(t, "in_pool", keeper.do("GET", at("t1", ""), nil).text(t, "state"))
	assert.Contains(t, x.do("GET", "/api/profile", nil).is(t, 200).body, "名单由他人泄露")

	// the term of the ban is over
	w.set("experts", w.experts["t0"], map[string]any{"confirmed_day": "2026-05-01"})
	w.at(2026, 6, 2, 0)
	keep()
	assert.Equal(t, "in_pool", keeper.do("GET", at("t0", ""), nil).text(t, "state"))
	assert.Equal(t, "term_over", keeper.do("GET", at("t0", ""), nil).text(t, "state_code"))
}

// TestBanSeated: who is banned after the draw does not sit (P-22).
func TestBanSeated(t *testing.T) {
	w := newWorld(t)
	w.populate()
	director, officer := w.users["director"], w.users["officer"]
	programme := w.programme("major", "t0", "t1", "t2", "t3", "t4", "t5")
	guide := w.guide(guideBody(programme, item("A1", "major", false, 25000000)))
	w.at(2025, 4, 2, 9)
	review := officer.ok("POST", "/api/reviews", reviewBody(guide, 3, 1, 1, w.accepted("lead0", w.application(guide, "A1", 0)))).text(t, "result.id")
	w.drawPanel(review)
	w.seatAll(review)
	var seated seat
	for _, s := range w.seats(review) {
		if s.Class == "technical" && s.State == "accepted" {
			seated = s
		}
	}
	short := strings.TrimPrefix(seated.Name, "专家")
	file := director.upload("处理决定.pdf", []byte("%PDF-1.4 处理决定")).is(t, 201).text(t, "result.id")
	director.ok("POST", "/api/experts/"+w.experts[short]+"/ban", map[string]any{"version": w.expertVersion(short), "code": "approach", "grade": "serious", "until": "2029-01-01", "reason": "多次接受请托", "file_id": file})
	officer.refused("P-22", "POST", "/api/reviews/"+review+"/confirm", map[string]any{})
	officer.ok("POST", "/api/seats/"+seated.ID+"/replace", map[string]any{"reason": "已被禁用"})
	w.seatAll(review)
	officer.ok("POST", "/api/reviews/"+review+"/confirm", map[string]any{})
}

// TestEvidence: an advisory member's standing is kept piece by piece with its
// kind and paper, and shown to who approves.
func TestEvidence(t *testing.T) {
	w := newWorld(t)
	w.populate()
	keeper, officer, director := w.users["keeper"], w.users["officer"], w.users["director"]
	programme := w.programme("major")
	recommend := map[string]any{"kind": "advisory", "expert_ids": w.ids("adv"), "departments": []string{w.units["dept"]}, "document": "推荐函"}
	officer.refused("R-020", "POST", "/api/programmes/"+programme+"/recommend", recommend)
	facts := func(kind, text, file string) map[string]any {
		return map[string]any{"version": w.expertVersion("adv"), "evidence": []any{map[string]any{"kind": kind, "text": text, "file_id": file}}}
	}
	path := "/api/experts/" + w.experts["adv"]
	keeper.do("PATCH", path, facts("fame", "知名专家", "")).is(t, 422)
	keeper.do("PATCH", path, facts("award", "国家科学技术进步奖二等奖", "0190b2a0-0000-7000-8000-00000000dead")).is(t, 422)
	scan := keeper.upload("证书.pdf", []byte("%PDF-1.4 证书")).is(t, 201).text(t, "result.id")
	keeper.ok("PATCH", path, facts("award", "国家科学技术进步奖二等奖", scan))
	keeper.ok("PATCH", path, facts("award", "国家科学技术进步奖二等奖（2021年）", scan))
	officer.ok("POST", "/api/programmes/"+programme+"/recommend", recommend)
	members := director.do("GET", "/api/programmes/"+programme+"/members", nil).is(t, 200)
	assert.Equal(t, "国家科学技术进步奖二等奖（2021年）", members.text(t, "items.0.evidence.0.text"))
	assert.Equal(t, "专家adv", members.text(t, "items.0.name"))
	director.do("GET", "/api/files/"+scan, nil).is(t, 200)
	w.users["lead0"].do("GET", "/api/files/"+scan, nil).is(t, 404)
}
