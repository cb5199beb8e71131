package api_test

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/stretchr/testify/require"

	"keping/rbac"
	"keping/reviewing"
)

// The small bureau every test of this package lives in: a programme year with
// a technical group, experts each of an own unit, and a few enterprises.

type expertSpec struct {
	short, class, pool string
	year               int
	history            bool
}

func specs() []expertSpec {
	var out []expertSpec
	for i := range 10 {
		out = append(out, expertSpec{fmt.Sprintf("t%d", i), "同行技术", "技术", 1980, true})
	}
	out = append(out, expertSpec{"told", "同行技术", "技术", 1968, true})
	for i := range 4 {
		out = append(out, expertSpec{fmt.Sprintf("m%d", i), "管理", "技术", 1975, true})
	}
	for i := range 3 {
		out = append(out, expertSpec{fmt.Sprintf("f%d", i), "财务", "技术", 1975, true})
	}
	return append(out, expertSpec{"adv", "同行技术", "咨询", 1962, true})
}

func documentOf(short string) (string, int) {
	for i, s := range specs() {
		if s.short == short {
			return resident(i+1, s.year), s.year
		}
	}
	panic(short)
}

// importFile uploads a table and imports it.
func (v *visitor) importFile(name, path, content string, more map[string]any) answer {
	v.w.t.Helper()
	body := map[string]any{"file_id": v.upload(name, []byte(content)).is(v.w.t, 201).text(v.w.t, "result.id")}
	for k, x := range more {
		body[k] = x
	}
	return v.do("POST", path, body)
}

// populate makes users, units and experts; the experts are in the pool.
func (w *world) populate() {
	w.t.Helper()
	w.user("sysadmin", "", rbac.SystemAdmin)
	w.user("officer", "", rbac.Officer)
	w.user("keeper", "", rbac.PoolKeeper)
	w.user("director", "", rbac.Director)
	w.user("supervisor", "", rbac.Supervisor)
	w.user("finance", "", rbac.Finance)
	w.user("conference", "", rbac.Conference)
	code := map[string]string{}
	lines := []string{"单位名称,统一社会信用代码,单位类型,区内外,可作联合实施单位,条件证明"}
	add := func(short, kind, joint, evidence string) {
		code[short] = rbac.MakeCreditCode(100 + 7*len(code))
		lines = append(lines, fmt.Sprintf("单位%s,%s,%s,区内,%s,%s", short, code[short], kind, joint, evidence))
	}
	add("dept", "区级行业主管部门", "是", "")
	add("other-dept", "区级行业主管部门", "是", "")
	for i := range 8 {
		add(fmt.Sprintf("lead%d", i), "企业", "否", "")
	}
	for _, e := range specs() {
		add("of-"+e.short, "科研院所", "否", "")
	}
	w.users["officer"].importFile("units.csv", "/api/units/import", strings.Join(lines, "\n"), nil).is(w.t, 201)
	var units []rbac.Unit
	w.all("officer", "/api/units", &units)
	for _, u := range units {
		w.units[strings.TrimPrefix(u.Name, "单位")] = u.ID
	}
	lines = []string{"姓名,性别,证件类型,证件号码,邮箱,职称,单位信用代码,区内外,专家库,类别,学科代码,关键词,工作经历"}
	for i, e := range specs() {
		document, _ := documentOf(e.short)
		unit := code["of-"+e.short]
		lines = append(lines, fmt.Sprintf("专家%s,女,居民身份证,%s,%s@example.cn,教授,%s,区内,%s,%s,520.20,方向%d,%s|教授|2010-07-01|", e.short, document, e.short, unit, e.pool, e.class, i%3, unit))
	}
	w.users["keeper"].importFile("experts.csv", "/api/experts/import", strings.Join(lines, "\n"), nil).is(w.t, 201)
	var rows []struct {
		ID, Name string
		Person   string `json:"person_id"`
	}
	w.all("keeper", "/api/experts", &rows)
	var ids []string
	for _, e := range rows {
		short := strings.TrimPrefix(e.Name, "专家")
		w.experts[short], w.people[short] = e.ID, e.Person
		ids = append(ids, e.ID)
	}
	w.users["director"].ok("POST", "/api/experts/admit", map[string]any{"expert_ids": ids})
	for i := range 6 {
		w.user(fmt.Sprintf("lead%d", i), fmt.Sprintf("lead%d", i), rbac.UnitAdmin)
	}
	w.user("joint", "dept", rbac.JointUnit)
}

// all reads a whole list as a user sees it.
func (w *world) all(user, path string, into any) {
	w.t.Helper()
	joint := "?"
	if strings.Contains(path, "?") {
		joint = "&"
	}
	a := w.users[user].do("GET", path+joint+"limit=200", nil).is(w.t, 200)
	var page struct{ Items json.RawMessage }
	require.NoError(w.t, json.Unmarshal([]byte(a.body), &page))
	require.NoError(w.t, json.Unmarshal(page.Items, into))
}

func (w *world) ids(shorts ...string) []string {
	var out []string
	for _, s := range shorts {
		require.NotEmpty(w.t, w.experts[s], s)
		out = append(out, w.experts[s])
	}
	return out
}

// programme opens a programme year, with a technical group of the given experts.
func (w *world) programme(kind string, members ...string) string {
	w.t.Helper()
	name := "专项" + kind + strings.Join(members, "")
	id := w.users["officer"].ok("POST", "/api/programmes", map[string]any{"kind": kind, "year": 2025, "name": name, "basis": "沙委发〔2025〕3号"}).text(w.t, "result.id")
	if len(members) > 0 {
		w.join(id, "technical", members...)
	}
	return id
}

func (w *world) join(programme, kind string, members ...string) {
	w.t.Helper()
	w.users["officer"].ok("POST", "/api/programmes/"+programme+"/recommend", map[string]any{"kind": kind, "expert_ids": w.ids(members...), "departments": []string{w.units["dept"]}, "document": "推荐函"})
	w.users["director"].ok("POST", "/api/programmes/"+programme+"/approve_group", map[string]any{"kind": kind})
}

func item(code, kind string, joint bool, fen int) map[string]any {
	return map[string]any{"code": code, "kind": kind, "title": "智能驾驶关键部件", "problem": "突破关键核心技术", "joint": joint, "fiscal_fen": fen, "months": 24, "mode": "open",
		"indicators": []map[string]any{{"name": "定位误差", "unit": "厘米", "direction": "le", "target": "5"}}}
}

func guideBody(programme string, items ...map[string]any) map[string]any {
	line := func(code string, points int) map[string]any {
		return map[string]any{"code": code, "name": "指标" + code, "weight": 10000, "maximum": points * 100, "step": 50, "classes": []string{}, "bands": []any{}}
	}
	return map[string]any{"programme_id": programme, "title": "2025年度申报指南", "items": items, "criteria": []any{line("innovation", 60), line("route", 40)},
		"method": "mean", "ties": []string{"criterion:innovation", "draw"}, "pass_line": 6000, "places": 3, "budget_fen": 60000000,
		"opens_at": "2025-04-01T00:00:00+08:00", "closes_at": "2025-05-01T00:00:00+08:00"}
}

// guide publishes a guide of the body.
func (w *world) guide(body map[string]any) string {
	w.t.Helper()
	id := w.users["officer"].ok("POST", "/api/guides", body).text(w.t, "result.id")
	w.users["director"].ok("POST", "/api/guides/"+id+"/approve", map[string]any{"version": 1})
	w.users["officer"].ok("POST", "/api/guides/"+id+"/publish", map[string]any{"version": 2})
	return id
}

func person(name, document, unit string) map[string]any {
	return map[string]any{"name": name, "document_kind": "resident_id", "document": document, "unit_id": unit}
}

// application is a body that obeys every rule: 20万 fiscal, 10万 own, budget even.
func (w *world) application(guide, code string, n int) map[string]any {
	unit := w.units[fmt.Sprintf("lead%d", n%6)]
	return map[string]any{"guide_id": guide, "item": code, "title": fmt.Sprintf("第%d项关键技术研究", n), "leaders": []any{person(fmt.Sprintf("负责人%d", n), resident(400+n, 1978), unit)},
		"members": []any{person(fmt.Sprintf("成员%d", n), resident(600+n, 1988), unit)}, "partners": []string{}, "joint_units": []string{},
		"fiscal_fen": 20000000, "joint_fen": 0, "self_fen": 10000000, "months": 24, "summary": fmt.Sprintf("研究内容属方向%d", n%3),
		"budget": []any{map[string]any{"name": "设备费", "fen": 12000000}, map[string]any{"name": "业务费", "fen": 18000000}}}
}

// draft creates an application for a lead unit and returns its id.
func (w *world) draft(unit string, body map[string]any) string {
	w.t.Helper()
	return w.users[unit].ok("POST", "/api/applications", body).text(w.t, "result.id")
}

// jointMaterials uploads what art. 19 asks of a joint application.
func (w *world) jointMaterials(v *visitor) []any {
	w.t.Helper()
	var out []any
	for _, code := range []string{"recommendation", "agreement", "commitment"} {
		out = append(out, map[string]any{"code": code, "file_id": v.upload(code+".pdf", []byte("%PDF-1.4 "+code)).is(w.t, 201).text(w.t, "result.id")})
	}
	return out
}

// accepted creates, submits and screens an application.
func (w *world) accepted(unit string, body map[string]any) string {
	w.t.Helper()
	if units := body["joint_units"].([]string); len(units) > 0 && body["materials"] == nil {
		body["materials"] = w.jointMaterials(w.users[unit])
	}
	id := w.draft(unit, body)
	if units := body["joint_units"].([]string); len(units) > 0 {
		w.users["joint"].ok("POST", "/api/applications/"+id+"/recommend", map[string]any{})
	}
	w.users[unit].ok("POST", "/api/applications/"+id+"/submit", map[string]any{"version": 1})
	w.users["officer"].ok("POST", "/api/applications/"+id+"/screen", map[string]any{"version": 2, "verdict": "accept"})
	return id
}

func reviewBody(guide string, technical, management, finance int, applications ...string) map[string]any {
	return map[string]any{"guide_id": guide, "title": "2025年立项评审", "application_ids": applications, "technical": technical, "management": management, "finance": finance, "meeting_day": "2025-04-25"}
}

type seat struct {
	ID, Code, Class, State, Name string
	ApplicationID                string `json:"application_id"`
	Entered                      bool   `json:"reply_entered"`
}

// seats are those of a review by name: the supervisor sees them throughout.
func (w *world) seats(review string) []seat {
	w.t.Helper()
	return w.users["supervisor"].seats(review)
}

func (v *visitor) seats(review string) []seat {
	v.w.t.Helper()
	var out struct{ Items []seat }
	a := v.do("GET", "/api/reviews/"+review+"/seats", nil).is(v.w.t, 200)
	require.NoError(v.w.t, json.Unmarshal([]byte(a.body), &out))
	return out.Items
}

// freeze and draw; every question must have been settled before.
func (w *world) drawPanel(review string) {
	w.t.Helper()
	frozen := w.users["officer"].ok("POST", "/api/reviews/"+review+"/freeze", map[string]any{})
	w.drawNow(frozen.text(w.t, "result.draw_id"), frozen.text(w.t, "result.frame_hash"))
}

// reply answers an open invitation by the link in the mail; who accepts signs in.
func (w *world) reply(s seat, accept bool) {
	w.t.Helper()
	short := strings.TrimPrefix(s.Name, "专家")
	token, err := w.box.Token(short+"@example.cn", w.about...)
	require.NoError(w.t, err)
	body := map[string]any{"token": token, "accept": accept, "reason": "当日出差", "password": password, "consent": true}
	a := w.stranger().ok("POST", "/api/invitations/reply", body)
	if _, known := w.users[short]; accept && !known {
		v := &visitor{w: w, role: rbac.Expert}
		w.users[short] = v
		v.signIn(a.text(w.t, "result.login"))
	}
}

// seatAll has everybody accept, pledge and declare themselves clear; replacements too.
func (w *world) seatAll(review string) {
	w.t.Helper()
	for range 6 {
		waiting := 0
		for _, s := range w.seats(review) {
			if s.State == string(reviewing.SeatInvited) {
				waiting++
				w.reply(s, true)
			}
		}
		if waiting == 0 {
			return
		}
	}
	require.Fail(w.t, "invitations never end")
}

func (w *world) expert(s seat) *visitor { return w.users[strings.TrimPrefix(s.Name, "专家")] }

// declareAll pledges and declares; recuse names applications an expert (by seat
// id) asks to be recused from.
func (w *world) declareAll(review string) {
	w.t.Helper()
	for _, s := range w.seats(review) {
		if s.State == string(reviewing.SeatAccepted) {
			w.expert(s).do("POST", "/api/reviews/"+review+"/pledge", map[string]any{"password": password})
		}
	}
	seen := map[string]bool{}
	for _, s := range w.seats(review) {
		if s.State != string(reviewing.SeatPledged) || seen[s.Name] {
			continue
		}
		seen[s.Name] = true
		var papers struct {
			Items []struct{ ID, Declared string }
		}
		a := w.expert(s).do("GET", "/api/reviews/"+review+"/papers", nil).is(w.t, 200)
		require.NoError(w.t, json.Unmarshal([]byte(a.body), &papers))
		for _, p := range papers.Items {
			if p.Declared == "" {
				w.expert(s).ok("POST", "/api/reviews/"+review+"/declare", map[string]any{"application_id": p.ID, "clear": true})
			}
		}
	}
}

// marking runs a review of the body from its creation until its experts mark.
func (w *world) marking(body map[string]any) string {
	w.t.Helper()
	officer := w.users["officer"]
	review := officer.ok("POST", "/api/reviews", body).text(w.t, "result.id")
	w.drawPanel(review)
	w.seatAll(review)
	officer.ok("POST", "/api/reviews/"+review+"/confirm", map[string]any{})
	w.declareAll(review)
	officer.ok("POST", "/api/reviews/"+review+"/start", map[string]any{})
	return review
}

type sheet struct {
	ID, State     string
	ApplicationID string `json:"application_id"`
	Version       int
	Number        int
}

func (w *world) sheets(v *visitor, review string) []sheet {
	w.t.Helper()
	var out struct{ Items []sheet }
	a := v.do("GET", "/api/sheets?review_id="+review, nil).is(w.t, 200)
	require.NoError(w.t, json.Unmarshal([]byte(a.body), &out))
	return out.Items
}

func marks(version int, innovation, route float64) map[string]any {
	return map[string]any{"version": version, "marks": []any{map[string]any{"criterion": "innovation", "mark": innovation}, map[string]any{"criterion": "route", "mark": route}},
		"recommendation": "recommend", "opinion": "方案可行，建议支持。"}
}

// markAll has everybody submit; level tells the innovation mark of an application.
func (w *world) markAll(review string, level func(application string) float64) {
	w.t.Helper()
	w.markEach(review, func(_ int, application string) (innovation, route float64) { return level(application), 30 })
}

// markEach has them mark by expert, counted from 0, and application.
func (w *world) markEach(review string, level func(expert int, application string) (innovation, route float64)) {
	w.t.Helper()
	seen := map[string]bool{}
	for _, s := range w.seats(review) {
		if s.State != string(reviewing.SeatPledged) || seen[s.Name] {
			continue
		}
		seen[s.Name] = true
		for _, x := range w.sheets(w.expert(s), review) {
			if x.State == string(reviewing.SheetDraft) {
				innovation, route := level(len(seen)-1, x.ApplicationID)
				w.expert(s).ok("POST", "/api/sheets/"+x.ID+"/submit", marks(x.Version, innovation, route))
			}
		}
	}
}

// open appoints a chair and opens with two keys; opine and sign follow.
func (w *world) open(review string) *visitor {
	w.t.Helper()
	var chair seat
	for _, s := range w.seats(review) {
		if s.State == string(reviewing.SeatPledged) && s.ApplicationID == "" && s.Class == "technical" {
			chair = s
		}
	}
	path := "/api/reviews/" + review
	w.users["officer"].ok("POST", path+"/appoint_chair", map[string]any{"seat_id": chair.ID})
	w.expert(chair).ok("POST", path+"/open", map[string]any{})
	w.users["supervisor"].ok("POST", path+"/open", map[string]any{})
	return w.expert(chair)
}

func (w *world) sign(review string, chair *visitor) {
	w.t.Helper()
	chair.ok("POST", "/api/reviews/"+review+"/opinion", map[string]any{"text": "专家组认为申报项目总体符合指南要求。"})
	seen := map[string]bool{}
	for _, s := range w.seats(review) {
		if s.State == string(reviewing.SeatPledged) && !seen[s.Name] {
			seen[s.Name] = true
			w.expert(s).ok("POST", "/api/reviews/"+review+"/sign", map[string]any{"password": password})
		}
	}
}
