package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/reviewing/rank"
)

// formWorld has two applications under a guide with a form of its own, marked by five.
func formWorld(t *testing.T, change func(guide map[string]any)) (w *world, review string, applications []string) {
	w = newWorld(t)
	w.populate()
	body := guideBody(w.programme("major", "t0", "t1", "t2", "t3", "t4", "t5", "t6"), item("A1", "major", false, 25000000))
	change(body)
	guide := w.guide(body)
	w.at(2025, 4, 2, 9)
	for i := range 2 {
		a := w.application(guide, "A1", i)
		lead := w.users[fmt.Sprintf("lead%d", i)]
		a["materials"] = []any{map[string]any{"code": "proposal", "file_id": lead.upload("申报书.pdf", []byte("%PDF-1.4 正文")).is(t, 201).text(t, "result.id")}}
		applications = append(applications, w.accepted(fmt.Sprintf("lead%d", i), a))
	}
	return w, w.marking(reviewBody(guide, 3, 1, 1, applications...)), applications
}

func criterion(code string, points, step int, bands ...any) map[string]any {
	return map[string]any{"code": code, "name": "指标" + code, "weight": 10000, "maximum": points * 100, "step": step, "classes": []string{}, "bands": append([]any{}, bands...)}
}

// TestForms: bands that fit the criterion, criteria to pass or fail, a vote
// beside the marks.
func TestForms(t *testing.T) {
	w, review, applications := formWorld(t, func(g map[string]any) {
		g["criteria"] = []any{criterion("innovation", 60, 50, map[string]any{"low": 5000, "high": 6000, "text": "国际先进"}, map[string]any{"low": 0, "high": 4900, "text": "一般"}), criterion("route", 40, 4000)}
		g["votes"] = true
	})
	officer, r := w.users["officer"], "/api/reviews/"+review
	var programmes []struct{ ID string }
	w.all("officer", "/api/programmes", &programmes)
	programme := programmes[0].ID
	for what, bands := range map[string][]any{
		"重叠":     {map[string]any{"low": 0, "high": 3000, "text": "甲"}, map[string]any{"low": 2900, "high": 6000, "text": "乙"}},
		"下限高于上限": {map[string]any{"low": 5000, "high": 4000, "text": "甲"}},
		"满分60":   {map[string]any{"low": 0, "high": 6001, "text": "甲"}},
	} {
		body := guideBody(programme, item("A1", "major", false, 25000000))
		body["criteria"] = []any{criterion("innovation", 60, 50, bands...), criterion("route", 40, 50)}
		assert.Contains(t, officer.do("POST", "/api/guides", body).is(t, 422).body, what)
	}

	expert := w.expert(w.seats(review)[0])
	x := w.sheets(expert, review)[0]
	body := func(route float64, more ...any) map[string]any {
		mark := map[string]any{"criterion": "route", "mark": route}
		out := map[string]any{"version": 1, "marks": []any{map[string]any{"criterion": "innovation", "mark": 50}, mark}, "recommendation": "recommend"}
		for i := 0; i < len(more); i += 2 {
			if more[i] == "reason" {
				mark["reason"] = more[i+1]
			} else {
				out[more[i].(string)] = more[i+1]
			}
		}
		return out
	}
	path := "/api/sheets/" + x.ID + "/submit"
	assert.Contains(t, expert.do("POST", path, body(20)).is(t, 422).body, "合格制")
	assert.Contains(t, expert.do("POST", path, body(0)).is(t, 422).body, "评为不合格")
	assert.Contains(t, expert.do("POST", path, body(40, "recommendation", "")).is(t, 422).body, "recommendation")
	form := expert.do("GET", "/api/sheets/"+x.ID, nil).is(t, 200)
	assert.Equal(t, true, form.get(t, "votes"))

	// the table to fill in says it in words
	table := "申报编号,指标innovation（满分60）,指标route（合格、不合格）,指标route理由,建议（建议立项、修改后立项、不建议）\n2025-ZD-01-001,50,合格,,建议立项\n2025-ZD-01-002,45,不合格,技术路线不可行,不建议\n"
	expert.importFile("marks.csv", r+"/form", strings.Replace(table, "不合格,技术", "半合格,技术", 1), nil).is(t, 422)
	expert.importFile("marks.csv", r+"/form", table, nil).is(t, 200)
	for _, s := range w.sheets(expert, review) {
		opened := expert.do("GET", "/api/sheets/"+s.ID, nil).is(t, 200)
		want := map[string]float64{applications[0]: 40, applications[1]: 0}[s.ApplicationID]
		assert.InDelta(t, want, opened.get(t, "marks.1.mark"), 0)
	}
	for _, s := range w.seats(review) {
		for _, x := range w.sheets(w.expert(s), review) {
			vote, route := "recommend", []any{}
			mark := 40.0
			if x.ApplicationID == applications[1] {
				vote, mark, route = "decline", 0, []any{"reason", "技术路线不可行"}
			}
			b := body(mark, append(route, "recommendation", vote)...)
			b["version"] = x.Version
			w.expert(s).ok("POST", "/api/sheets/"+x.ID+"/submit", b)
		}
	}
	w.sign(review, w.open(review))
	officer.ok("POST", r+"/close", map[string]any{})
	summary := officer.do("GET", r+"/summary", nil).is(t, 200)
	assert.Equal(t, []any{"90.00", 5.0, 0.0}, []any{summary.get(t, "applications.0.mean"), summary.get(t, "applications.0.recommend"), summary.get(t, "applications.0.decline")})
	assert.Equal(t, []any{"50.00", 0.0, 5.0}, []any{summary.get(t, "applications.1.mean"), summary.get(t, "applications.1.recommend"), summary.get(t, "applications.1.decline")})
	assert.Contains(t, officer.do("GET", r+"/ranking?format=csv", nil).is(t, 200).body, "建议立项,修改后立项,不建议")
	w.sound()
}

// TestFormInParts: where classes mark different criteria, marks of some of them
// are neither averaged nor compared with marks of all.
func TestFormInParts(t *testing.T) {
	budget := criterion("budget", 10, 50)
	budget["classes"] = []string{"finance"}
	w, review, applications := formWorld(t, func(g map[string]any) {
		g["criteria"], g["ties"] = []any{criterion("innovation", 90, 50), budget}, []string{"criterion:innovation"}
		g["criteria"].([]any)[0].(map[string]any)["classes"] = []string{"technical", "management"}
	})
	programme := w.programme("key")
	for class, said := range map[string]string{"legal": "不认识的类别legal", "joint": "只由联合实施单位评分"} {
		odd := criterion("innovation", 90, 50)
		odd["classes"] = []string{class}
		body := guideBody(programme, item("B1", "key", false, 9000000))
		body["criteria"], body["ties"] = []any{odd, budget}, []string{}
		assert.Contains(t, w.users["officer"].do("POST", "/api/guides", body).is(t, 422).body, said)
	}
	var guide string
	w.read("reviews", review, "guide_id", &guide)
	assert.Contains(t, w.users["officer"].do("POST", "/api/reviews", reviewBody(guide, 4, 1, 0, applications...)).is(t, 422).body, "在专家组中没有席位")
	for _, s := range w.seats(review) {
		given := []any{map[string]any{"criterion": "innovation", "mark": 60}}
		if s.Class == "finance" {
			given = []any{map[string]any{"criterion": "budget", "mark": 6.5}}
		}
		if s.Class == "management" {
			given = []any{map[string]any{"criterion": "innovation", "mark": 62}}
		}
		for _, x := range w.sheets(w.expert(s), review) {
			w.expert(s).ok("POST", "/api/sheets/"+x.ID+"/submit", map[string]any{"version": 1, "marks": given, "recommendation": "recommend"})
		}
	}
	officer, r := w.users["officer"], "/api/reviews/"+review
	w.sign(review, w.open(review))
	officer.ok("POST", r+"/close", map[string]any{})
	summary := officer.do("GET", r+"/summary", nil).is(t, 200)
	assert.Equal(t, []any{"67.00", "", "", ""}, []any{summary.get(t, "applications.0.mean"), summary.get(t, "applications.0.lowest"), summary.get(t, "applications.0.highest"), summary.get(t, "applications.0.spread")})
	assert.Equal(t, []any{"60.50", 4.0, "62", "6.50", 1.0}, []any{summary.get(t, "applications.0.criteria.0.mean"), summary.get(t, "applications.0.criteria.0.experts"), summary.get(t, "applications.0.criteria.0.highest"), summary.get(t, "applications.0.criteria.1.mean"), summary.get(t, "applications.0.criteria.1.experts")})
	assert.Contains(t, summary.body, `"total":"6.50","of":"10.00"`)
	assert.Equal(t, "67.00", officer.do("GET", r+"/board", nil).is(t, 200).get(t, "applications.0.shown"))
	printed := officer.do("GET", r+"/print?form=summary", nil).is(t, 200).body
	assert.Contains(t, printed, "6.50（满分10.00）")
	assert.Contains(t, printed, "指标innovation（4人评分）")
	w.sound()
}

// TestRecommendOnly: a form without numbers, where a tie is settled by the
// panel's vote that its chair records, in the record like any other order.
func TestRecommendOnly(t *testing.T) {
	w, review, applications := formWorld(t, func(g map[string]any) {
		g["criteria"], g["method"], g["ties"] = []any{}, "votes", []string{"vote"}
	})
	officer, r := w.users["officer"], "/api/reviews/"+review
	for _, s := range w.seats(review) {
		for _, x := range w.sheets(w.expert(s), review) {
			w.expert(s).do("POST", "/api/sheets/"+x.ID+"/submit", map[string]any{"version": 1, "marks": []any{}}).is(t, 422)
			w.expert(s).ok("POST", "/api/sheets/"+x.ID+"/submit", map[string]any{"version": 1, "marks": []any{}, "recommendation": "recommend"})
		}
	}
	chair := w.open(review)
	order := map[string]any{"applications": []string{"2025-ZD-01-002", "2025-ZD-01-001"}, "minutes": "到会5人，002得3票，001得2票"}
	assert.Contains(t, chair.do("POST", r+"/vote_tie", order).is(t, 409).body, "未签字")
	w.sign(review, chair)
	assert.Contains(t, officer.do("POST", r+"/close", map[string]any{}).is(t, 409).body, "由专家组表决排定")
	officer.do("POST", r+"/order", map[string]any{}).is(t, 409)
	officer.do("POST", r+"/vote_tie", order).is(t, 403)
	chair.do("POST", r+"/vote_tie", map[string]any{"applications": []string{"2025-ZD-01-001", "2025-ZD-01-001"}, "minutes": "到会5人，一致"}).is(t, 422)
	before := w.seq()
	chair.ok("POST", r+"/vote_tie", order)
	assert.NotContains(t, string(w.journal(before)[0].Facts), "得3票")
	chair.do("POST", r+"/vote_tie", order).is(t, 409)
	officer.ok("POST", r+"/close", map[string]any{})
	record, err := rank.ParseRecord([]byte(officer.do("GET", r+"/ranking?format=json", nil).is(t, 200).body))
	require.NoError(t, err)
	require.NoError(t, rank.Verify(record))
	assert.Equal(t, "2025-ZD-01-002", record.Results[0].Application)
	assert.Equal(t, "vote", record.Results[1].Tie)
	assert.Len(t, applications, 2)
	w.sound()
}

// TestSummary: sealed until opened, round two until closed; then both values
// stand beside each other. An expert sees the own rank among the own marks.
func TestSummary(t *testing.T) {
	w, review, applications := formWorld(t, func(map[string]any) {})
	officer, r := w.users["officer"], "/api/reviews/"+review
	level := map[string]float64{applications[0]: 50, applications[1]: 45}
	expert := w.expert(w.seats(review)[0])
	for i, x := range w.sheets(expert, review) {
		expert.do("PATCH", "/api/sheets/"+x.ID, marks(1, level[x.ApplicationID], 30)).is(t, 200)
		if i == 0 {
			assert.Equal(t, 1, expert.do("GET", "/api/sheets?review_id="+review, nil).is(t, 200).int(t, "items.0.own_rank"))
		}
	}
	ranked := expert.do("GET", "/api/sheets?review_id="+review, nil).is(t, 200)
	for i := range 2 {
		item := fmt.Sprintf("items.%d.", i)
		want := map[string]int{applications[0]: 1, applications[1]: 2}[ranked.text(t, item+"application_id")]
		assert.Equal(t, want, ranked.int(t, item+"own_rank"))
		assert.Equal(t, map[int]string{1: "80.00", 2: "75.00"}[want], ranked.text(t, item+"total"))
	}
	w.markAll(review, func(id string) float64 { return level[id] })
	officer.do("GET", r+"/summary", nil).is(t, 409)
	chair := w.open(review)
	var first sheet
	for _, x := range w.sheets(expert, review) {
		if x.ApplicationID == applications[0] {
			first = x
		}
	}
	revised := marks(first.Version, 40, 30)
	revised["reason"] = "讨论后认为创新性不足"
	expert.ok("POST", "/api/sheets/"+first.ID+"/revise", revised)
	before := w.seq()
	sealed := chair.do("GET", r+"/summary", nil).is(t, 200)
	assert.Len(t, w.journal(before), 1, "who read the marks is in the journal")
	assert.NotContains(t, sealed.body, "70.00", "round two is sealed")
	assert.NotContains(t, sealed.body, "创新性不足")
	assert.Equal(t, "0.00", sealed.text(t, "applications.0.spread"))
	w.users["lead0"].do("GET", r+"/summary", nil).is(t, 403)

	// the chair's word on each application, fed back to its applicant only
	chair.do("POST", r+"/opinion", map[string]any{"text": "专家组认为申报项目总体符合指南要求。", "applications": []any{map[string]any{"application_id": review, "text": "不是本批次的项目"}}}).is(t, 422)
	chair.ok("POST", r+"/opinion", map[string]any{"text": "专家组认为申报项目总体符合指南要求。", "applications": []any{map[string]any{"application_id": applications[0], "text": "同意立项，预算压减一成"}}})
	for _, s := range w.seats(review) {
		w.expert(s).ok("POST", r+"/sign", map[string]any{"password": password})
	}
	officer.ok("POST", r+"/close", map[string]any{})
	closed := officer.do("GET", r+"/summary", nil).is(t, 200)
	assert.Contains(t, closed.body, `"before":"80.00"`)
	assert.Contains(t, closed.body, "讨论后认为创新性不足")
	assert.Equal(t, []any{"78.00", "70.00", "80.00", "10.00"}, []any{closed.get(t, "applications.0.mean"), closed.get(t, "applications.0.lowest"), closed.get(t, "applications.0.highest"), closed.get(t, "applications.0.spread")})
	assert.Contains(t, officer.do("GET", r, nil).is(t, 200).body, "预算压减一成")
	w.sound()
}

// TestPrintedForms: every form of the meeting as a page to print and sign,
// without script; what is sealed stays so on paper.
func TestPrintedForms(t *testing.T) {
	w, review, applications := formWorld(t, func(g map[string]any) {
		g["criteria"] = []any{criterion("innovation", 60, 50, map[string]any{"low": 5000, "high": 6000, "text": "国际先进"}), criterion("route", 40, 50)}
	})
	officer, r := w.users["officer"], "/api/reviews/"+review
	seats := w.seats(review)
	expert := w.expert(seats[0])
	page := func(v *visitor, form string, status int) string {
		t.Helper()
		a := v.do("GET", r+"/print?form="+form, nil).is(t, status)
		if status == http.StatusOK {
			assert.Contains(t, a.header.Get("Content-Security-Policy"), "default-src 'none'")
			assert.NotContains(t, a.body, "<script")
			assert.Contains(t, a.body, "日志检查点")
		}
		return a.body
	}
	pledges := page(officer, "pledge", 200)
	assert.Equal(t, 5, strings.Count(pledges, "在系统内经本人验证身份后签署"))
	assert.Equal(t, 1, strings.Count(page(expert, "pledge", 200), "在系统内经本人验证身份后签署"), "the own only")
	assert.Contains(t, page(officer, "sign_in", 200), "经办签字")
	page(expert, "sign_in", 403)
	page(w.users["lead0"], "sheet", 403)
	w.user("stranger-expert", "", "expert").do("GET", r+"/print?form=pledge", nil).is(t, 404)
	empty := page(officer, "sheet", 200)
	assert.Equal(t, 10, strings.Count(empty, "□建议立项"), "one for each seat and application")
	assert.Contains(t, empty, "50—60：国际先进")
	expert.do("PATCH", "/api/sheets/"+w.sheets(expert, review)[0].ID, marks(1, 51.5, 30)).is(t, 200)
	assert.Contains(t, page(expert, "sheet", 200), "51.50")
	assert.NotContains(t, page(officer, "sheet", 200), "51.50")
	page(officer, "summary", 409)
	page(officer, "opinion", 409)
	drawn := page(officer, "draw", 200)
	for _, s := range seats {
		assert.Contains(t, drawn, s.Code)
	}
	page(officer, "nonsense", 422)

	w.markAll(review, func(string) float64 { return 50 })
	chair := w.open(review)
	assert.Contains(t, page(officer, "summary", 200), "评分汇总表")
	w.sign(review, chair)
	opinion := page(officer, "opinion", 200)
	assert.Contains(t, opinion, "总体符合指南要求")
	assert.Equal(t, 5, strings.Count(opinion, "在系统内签字"))
	assert.Len(t, applications, 2)
	w.sound()
}

// TestExpertCopies: what a panel member downloads carries the reader's code and
// the time, and is in the journal; the bureau reads the file itself.
func TestExpertCopies(t *testing.T) {
	w, review, _ := formWorld(t, func(map[string]any) {})
	s := w.seats(review)[0]
	var papers struct{ Items []struct{ Files []string } }
	require.NoError(t, json.Unmarshal([]byte(w.expert(s).do("GET", "/api/reviews/"+review+"/papers", nil).is(t, 200).body), &papers))
	file := "/api/files/" + papers.Items[0].Files[0]
	before := w.seq()
	made := w.expert(s).do("GET", file, nil).is(t, 200)
	assert.Len(t, w.journal(before), 1)
	assert.Equal(t, "application/zip", made.header.Get("Content-Type"), "no real PDF: it lies beside its cover")
	assert.Contains(t, made.header.Get("Content-Disposition"), s.Code)
	assert.Equal(t, "%PDF-1.4 正文", w.users["officer"].do("GET", file, nil).is(t, 200).body)
}
