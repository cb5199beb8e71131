package api_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/rbac"
	"keping/reviewing"
)

// phases are the stations of a review at which everybody looks at everything.
var phases = []string{"preparing", "frozen", "drawn", "composed", "marking", "opened", "closed", "drafted", "deliberated", "public", "objected", "confirmed", "void"}

// leaks is the table: each secret, and who may see it from which phase on, or
// from one to another. Whoever is not named may never. What a row promises must
// be seen, so that nothing passes by being empty; what no row promises is
// written by acts that must succeed.
var leaks = []struct {
	secret string
	may    string
}{
	// who sits: the supervisor witnesses the draw, bureau and panel are told when the marking starts (P-12)
	{"name of a member", "supervisor drawn, officer marking, director marking, keeper closed, chair marking, recused marking, self drawn"},
	{"name of the replaced", "supervisor drawn, officer marking, director marking, replaced drawn"},
	{"name of a foreign member", "supervisor preparing, officer preparing-confirmed, director preparing-confirmed, foreign preparing"},
	{"reason to decline", ""},
	{"reply by telephone", ""},
	{"reason to replace", "replaced drawn"},
	{"reason to recuse", "officer composed, supervisor composed, recused composed"},
	// marks: the own, then what two keys open; to the panel, of what one is not recused from
	{"mark of a member", "self marking, officer opened, supervisor opened, chair opened, director closed"},
	{"total of a member", "self marking, officer opened, supervisor opened, chair opened"},
	{"revised mark", "chair opened, officer closed, supervisor closed, director closed, self closed"},
	{"reason to revise", "chair closed, officer closed, supervisor closed, self closed"},
	{"words on a sheet", "self marking, officer opened, supervisor opened, chair opened, unit confirmed"},
	{"mark before return", "self marking, officer opened, supervisor opened, chair opened, director closed"},
	{"mark of the joint unit", "officer closed, supervisor closed, director closed"},
	{"mean of the panel", "officer opened, supervisor opened, chair opened, self opened, director closed, finance drafted, conference drafted, unit confirmed"},
	{"mark on a foreign review", "foreign preparing-confirmed"},
	// words of the panel
	{"chair's opinion", "officer opened, director opened, supervisor opened, chair opened, self opened, recused opened"},
	{"chair's word on an application", "officer opened, director opened, supervisor opened, chair opened, self opened, unit confirmed"},
	{"dissent", "officer closed, supervisor closed, chair closed"},
	{"opinion of the joint unit", "officer opened, director opened, supervisor opened, joint opened, chair opened, self opened, recused opened"},
	{"conduct remarks", "officer drafted, supervisor drafted, keeper drafted, self drafted"},
	// of applicants: the panel reads from its clear word to the end of the review
	{"summary of an application", "officer preparing, director preparing, supervisor preparing, unit preparing, chair composed-opened, self composed-opened"},
	{"whom an applicant asks to avoid", "officer preparing, director preparing, supervisor preparing, unit preparing"},
	{"bytes of a material", "officer preparing, director preparing, supervisor preparing, unit preparing, chair composed-opened, self composed-opened"},
	// of people
	{"phone of an expert", ""},
	{"document of an expert", ""},
	{"document of an applicant", ""},
	{"mail of a member", "officer drawn, director drawn, keeper drawn, supervisor drawn, self drawn"},
	{"integrity record", "officer preparing, keeper preparing, director preparing, supervisor preparing"},
	{"interest of staff", ""},
	{"report of an approach", "supervisor marking"},
	{"objector", "supervisor objected"},
	{"text of an objection", "supervisor objected"},
	{"answer to an objection", "supervisor objected"},
}

// leakWorld is a world full of things that not everybody may know.
type leakWorld struct {
	*world
	secrets map[string][]string // name → what to search for
	who     map[string]*visitor
	objects map[string][]string // path prefix → ids
	phase   string
	seen    map[string]map[string]map[string]string // secret → who → phase → where
	calls   atomic.Int64
	mutex   sync.Mutex
	allowed map[string][]string
	ops     []operation
	pool    map[string]string // who and what → the pool as read before the draw
}

// thorough are the phases in which every filter, search and page is tried too,
// and every act rehearsed: before the opening, after it, and in public.
var thorough = []string{"marking", "opened", "objected"}

// timeless are reads that know of no review: asked in the thorough phases only.
var timeless = map[string]bool{"listMachine": true, "listCalendar": true, "listRulePack": true, "listUnit": true, "readUnit": true, "listGuide": true, "readGuide": true, "listColleague": true, "listRunningProject": true, "readSession": true}

// poolReads name every expert of the pool to whoever keeps or runs it: what they
// must not tell is who of these sits, which TestPoolTellsNothing compares.
var poolReads = map[string]bool{"listExpert": true, "readExpert": true, "listMembership": true, "listConflict": true, "surveyConflict": true,
	"listPastService": true, "listIntegrityRecord": true, "listNomination": true}

// text is what an answer says, tables and archives unpacked, headers with it.
func unpacked(t *testing.T, body []byte) string {
	t.Helper()
	if !bytes.HasPrefix(body, []byte("PK\x03\x04")) {
		return string(body)
	}
	archive, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	require.NoError(t, err)
	var out strings.Builder
	for _, f := range archive.File {
		in, err := f.Open()
		require.NoError(t, err)
		data, err := io.ReadAll(in)
		require.NoError(t, err)
		in.Close()
		out.WriteString(f.Name + "\n" + unpacked(t, data) + "\n")
	}
	return out.String()
}

// fetch asks as somebody does and returns all that comes back in clear text; of
// a stream its first event.
func (l *leakWorld) fetch(v *visitor, method, path string, body any) (int, string) {
	l.t.Helper()
	l.calls.Add(1)
	var in io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		require.NoError(l.t, err)
		in = bytes.NewReader(data)
	}
	request, err := http.NewRequest(method, l.base+path, in)
	require.NoError(l.t, err)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := v.http.Do(request)
	require.NoError(l.t, err)
	defer response.Body.Close()
	var data []byte
	if response.Header.Get("Content-Type") == "text/event-stream" {
		for piece := make([]byte, 512); !bytes.Contains(data, []byte("}\n\n")); {
			n, err := response.Body.Read(piece)
			require.NoError(l.t, err)
			data = append(data, piece[:n]...)
		}
	} else {
		data, err = io.ReadAll(response.Body)
		require.NoError(l.t, err)
	}
	name, err := url.PathUnescape(response.Header.Get("Content-Disposition"))
	require.NoError(l.t, err)
	require.Less(l.t, response.StatusCode, 500, "%s %s: %s", method, path, data)
	return response.StatusCode, name + "\n" + unpacked(l.t, data)
}

// note searches an answer for every secret.
func (l *leakWorld) note(who string, op operation, text string) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	where := op.OperationID
	for secret, needles := range l.secrets {
		if strings.HasPrefix(secret, "name of") && poolReads[op.OperationID] {
			continue
		}
		for _, needle := range needles {
			if !strings.Contains(text, needle) {
				continue
			}
			if l.seen[secret] == nil {
				l.seen[secret] = map[string]map[string]string{}
			}
			if l.seen[secret][who] == nil {
				l.seen[secret][who] = map[string]string{}
			}
			if !strings.Contains(l.seen[secret][who][l.phase], where) {
				l.seen[secret][who][l.phase] += where + " "
			}
		}
	}
}

// permitted tells whether role or relation could open an operation to a role.
func (l *leakWorld) permitted(role rbac.Role, op operation) bool {
	rows := l.allowed[op.Extensions["x-permission"].(string)]
	return slices.Contains(rows, string(rbac.Public)) || role != rbac.Public && slices.Contains(rows, string(rbac.SignedIn)) || slices.Contains(rows, string(role)) ||
		slices.ContainsFunc(role.Relations(), func(r rbac.Relation) bool { return slices.Contains(rows, string(r)) })
}

// targets are an operation's addresses on every object there is, each filter
// with each of its values, and every search for what one may not find.
func (l *leakWorld) targets(op operation) []string {
	ids := []string{""}
	if strings.Contains(op.path, "{id}") {
		ids = l.objects[noun(op)]
	}
	var out []string
	for _, id := range ids {
		path := strings.ReplaceAll(op.path, "{id}", id)
		base := url.Values{}
		var more []url.Values
		limited := false
		for _, p := range op.Parameters {
			if p.In != "query" || p.Name == "after" || p.Name == "dry_run" {
				continue
			}
			switch {
			case p.Name == "limit":
				limited = true
				base.Set("limit", "200")
			case p.Required && p.Name == "review_id":
				base.Set(p.Name, l.objects["reviews"][0])
				more = append(more, url.Values{p.Name: {l.objects["reviews"][1]}})
			case p.Required && strings.HasSuffix(p.Name, "_id"):
				base.Set(p.Name, l.objects["seats"][0])
			case p.Required:
				base.Set(p.Name, "1")
			case len(p.Schema.Enum) > 0:
				for _, value := range p.Schema.Enum {
					more = append(more, url.Values{p.Name: {fmt.Sprint(value)}})
				}
			case p.Schema.Type == huma.TypeBoolean:
				more = append(more, url.Values{p.Name: {"true"}}, url.Values{p.Name: {"false"}})
			case p.Name == "q":
				more = append(more, url.Values{p.Name: {"专家"}}, url.Values{p.Name: {l.secrets["name of a member"][0]}})
			case p.Name == "object":
				more = append(more, url.Values{p.Name: {"review/" + l.objects["reviews"][0]}})
			}
		}
		if limited {
			more = append(more, url.Values{"limit": {"1"}})
		}
		if !slices.Contains(thorough, l.phase) {
			more = slices.DeleteFunc(more, func(v url.Values) bool { return !v.Has("review_id") && !v.Has("form") && !v.Has("format") })
		}
		for _, values := range append([]url.Values{{}}, more...) {
			query := maps.Clone(base)
			maps.Copy(query, values)
			if len(query) > 0 {
				out = append(out, path+"?"+query.Encode())
			} else {
				out = append(out, path)
			}
		}
	}
	return out
}

// walk has everybody read everything, and rehearse every act, in the phase the
// review has come to.
func (l *leakWorld) walk(phase string) {
	l.t.Helper()
	l.phase = phase
	var all sync.WaitGroup
	for who, v := range l.who {
		all.Go(func() { l.look(who, v) })
	}
	all.Wait()
}

func (l *leakWorld) look(who string, v *visitor) {
	full := slices.Contains(thorough, l.phase)
	for _, op := range l.ops {
		permitted := l.permitted(v.role, op)
		switch {
		case op.OperationID == "createSession" || op.OperationID == "deleteSession" || !permitted && l.phase != "marking" || timeless[op.OperationID] && !full:
			continue // what a role is refused reads the same in every phase
		case op.method == "GET":
			targets := l.targets(op)
			if !permitted && len(targets) > 0 {
				targets = targets[:1]
			}
			for _, target := range targets {
				status, text := l.fetch(v, "GET", target, nil)
				l.note(who, op, text)
				for next := cursor(text); status == 200 && next != ""; next = cursor(text) { // to the end
					_, text = l.fetch(v, "GET", strings.Replace(target, "limit=1&", "limit=50&", 1)+"&after="+url.QueryEscape(next), nil)
					l.note(who, op, text)
				}
			}
		case permitted && full && slices.ContainsFunc(op.Parameters, func(p *huma.Param) bool { return p.Name == "dry_run" }):
			body := op.body()
			if signed, ok := body.(map[string]any); ok && signed["password"] != nil && l.phase != "opened" {
				continue // hashing a password is slow by design
			}
			id := ""
			if strings.Contains(op.path, "{id}") {
				ids := l.objects[noun(op)]
				if len(ids) == 0 {
					continue
				}
				id = ids[0]
			}
			target := op.target(id)
			joint := "?"
			if strings.Contains(target, "?") {
				joint = "&"
			}
			_, text := l.fetch(v, op.method, target+joint+"dry_run=true", body)
			l.note(who, op, text)
		}
	}
}

// noun is the first part of an operation's address.
func noun(op operation) string {
	return strings.Split(strings.TrimPrefix(op.path, "/api/"), "/")[0]
}

// cursor is a page's next, or "".
func cursor(text string) string {
	var page struct{ Next string }
	_ = json.Unmarshal([]byte(text[strings.Index(text, "\n")+1:]), &page)
	return page.Next
}

// poolOf is all that a role reads of the pool and of other reviews while the
// names are sealed: it may not change by who is drawn, invited and accepts.
func (l *leakWorld) poolOf(v *visitor) map[string]string {
	out := map[string]string{}
	paths := []string{"/api/programmes/" + l.objects["programmes"][0] + "/members?limit=200", "/api/programmes/" + l.objects["programmes"][0] + "/conflicts?limit=200", "/api/past_services?limit=200", "/api/reviews/" + l.objects["reviews"][0] + "/conflicts?limit=200"}
	for _, filter := range []string{"", "&panels_max=0", "&unused_since=2025-01-01", "&available=2025-04-25", "&state=in_pool", "&due=true", "&class=technical"} {
		paths = append(paths, "/api/experts?limit=200"+filter)
	}
	for _, id := range l.world.experts {
		paths = append(paths, "/api/experts/"+id)
	}
	for _, path := range paths {
		status, text := l.fetch(v, "GET", path, nil)
		if status != 403 {
			out[path] = text
		}
	}
	return out
}

// same runs acts that somebody else must not notice: what the given people read
// of the review is byte for byte what it was, whatever is counted, ordered or dated.
func (l *leakWorld) same(what string, who []string, acts func()) {
	l.t.Helper()
	r := "/api/reviews/" + l.objects["reviews"][0]
	paths := []string{"/api/reviews", r, r + "/seats", r + "/papers", r + "/summary", r + "/marks?format=csv", r + "/marks?format=csv&form=wide", r + "/board", r + "/declarations", r + "/ranking", r + "/joint_effects", "/api/lists",
		"/api/applications?limit=200", "/api/notices?limit=200", "/api/sheets?review_id=" + l.objects["reviews"][0], "/api/conducts", "/api/profile", "/api/me/export"}
	read := func() map[string]string {
		out := map[string]string{}
		for _, name := range who {
			for _, path := range paths {
				_, out[name+" reads "+path] = l.fetch(l.who[name], "GET", path, nil)
			}
		}
		return out
	}
	before := read()
	acts()
	for name, text := range read() {
		assert.True(l.t, before[name] == text, "%s and could tell %s: %s\n%s", name, what, before[name], text)
	}
}

// leakMark is the innovation mark of a seat for an application: each its own
// number, and so is each total.
func leakMark(seat, application int) float64 {
	return float64(5000+100*seat+7*application+7) / 100
}

const leakRoute = 31.31

func leakMarks(version int, innovation float64, words string) map[string]any {
	body := marks(version, innovation, leakRoute)
	body["opinion"] = words
	for _, m := range body["marks"].([]any) {
		m.(map[string]any)["reason"] = "偏离常见分值的说明"
	}
	return body
}

// TestLeaks takes a review through its whole life beside another one and has
// everybody read everything at each station: what was seen must be what the
// table says, no more and no less.
func TestLeaks(t *testing.T) {
	w := newWorld(t)
	w.populate()
	l := &leakWorld{world: w, secrets: map[string][]string{}, who: map[string]*visitor{}, objects: map[string][]string{}, seen: map[string]map[string]map[string]string{}, allowed: policy(t), ops: operations(w)}
	officer, supervisor, director, keeper := w.users["officer"], w.users["supervisor"], w.users["director"], w.users["keeper"]
	second := w.user("officer2", "", rbac.Officer)
	fine := func(v map[string]any) { // marks to the hundredth
		for _, c := range v["criteria"].([]any) {
			c.(map[string]any)["step"] = 1
		}
	}
	programme := w.programme("major", "t0", "t1", "t2", "t3", "t4", "t5")
	body := guideBody(programme, item("A1", "major", false, 25000000), item("A2", "major", true, 25000000))
	fine(body)
	guide := w.guide(body)
	elsewhere := w.programme("key", "t6", "t7", "t8", "t9")
	body = guideBody(elsewhere, item("B1", "key", false, 10000000))
	fine(body)
	foreignGuide := w.guide(body)
	w.at(2025, 4, 2, 9)

	// three applications, the second a joint one of an applicant, and a foreign one
	applicant := w.user("applicant", "lead1", rbac.Applicant)
	secret := func(name string, needles ...string) string {
		l.secrets[name] = needles
		return needles[0]
	}
	file := func(v *visitor, name, text string) string {
		return v.upload(name, []byte("%PDF-1.4 "+text)).is(t, 201).text(t, "result.id")
	}
	first := w.application(guide, "A1", 0)
	first["summary"] = secret("summary of an application", "独家摘要甲乙丙")
	first["avoid"] = []any{map[string]any{"name": "专家adv", "unit": "单位of-adv", "reason": secret("whom an applicant asks to avoid", "学术宿怨避嫌缘由")}}
	first["materials"] = []any{map[string]any{"code": "proposal", "file_id": file(w.users["lead0"], "申报书.pdf", secret("bytes of a material", "独家正文材料"))}}
	document := resident(400, 1978)
	secret("document of an applicant", document)
	joined := w.application(guide, "A2", 1)
	joined["joint_units"] = []string{w.units["dept"]}
	applications := []string{w.accepted("lead0", first), w.accepted("lead1", joined), w.accepted("lead2", w.application(guide, "A1", 2))}
	small := w.application(foreignGuide, "B1", 3)
	small["fiscal_fen"], small["self_fen"] = 10000000, 20000000
	foreignApplication := w.accepted("lead3", small)
	mine := w.application(guide, "A1", 4)
	mine["leaders"] = []any{person("负责人9", resident(409, 1978), w.units["lead1"])}
	draft := w.draft("applicant", mine)

	// of people
	expertDocument, _ := documentOf("t0")
	secret("document of an expert", expertDocument)
	adv, _ := documentOf("adv")
	officer.importFile("i.csv", "/api/integrity_records/import", "对象,名称,证件类型,证件号码,记录种类,起,止,来源,文号\n专家,专家adv,居民身份证,"+adv+",科研失信,2024-01-01,2026-01-01,市科技局,"+secret("integrity record", "失信独家文号")+"\n", nil).is(t, 201)
	second.ok("POST", "/api/interests", map[string]any{"unit_id": w.units["lead7"], "reason": secret("interest of staff", "配偶任职独家缘由")})

	review := officer.ok("POST", "/api/reviews", reviewBody(guide, 3, 1, 1, applications...)).text(t, "result.id")
	r := "/api/reviews/" + review
	foreign := w.marking(reviewBody(foreignGuide, 3, 1, 1, foreignApplication))
	l.objects = map[string][]string{"reviews": {review, foreign}, "applications": append(slices.Clone(applications), foreignApplication, draft), "programmes": {programme, elsewhere}, "guides": {guide, foreignGuide},
		"units": {w.units["lead0"]}, "experts": {w.experts["t0"], w.experts["adv"]}, "seats": {"0190b2a0-0000-7000-8000-00000000dead"}, "files": {first["materials"].([]any)[0].(map[string]any)["file_id"].(string)}}

	var stranger seat
	for _, s := range w.live(foreign, "technical") {
		stranger = s
	}
	secret("name of a foreign member", stranger.Name)
	x := w.sheets(w.expert(stranger), foreign)[0]
	w.expert(stranger).ok("POST", "/api/sheets/"+x.ID+"/submit", leakMarks(x.Version, leakMark(9, 9), "外批意见"))
	secret("mark on a foreign review", fmt.Sprintf("%.2f", leakMark(9, 9)), fmt.Sprintf("%.2f", leakMark(9, 9)+leakRoute))

	l.who = map[string]*visitor{"public": w.stranger(), "officer": officer, "keeper": keeper, "director": director, "finance": w.users["finance"], "conference": w.users["conference"],
		"government": w.user("government", "", rbac.Government), "department": w.user("department", "", rbac.Department), "supervisor": supervisor, "sysadmin": w.users["sysadmin"],
		"secadmin": w.user("secadmin", "", rbac.SecurityAdmin), "auditadmin": w.user("auditadmin", "", rbac.AuditAdmin), "unit": w.users["lead0"], "otherunit": w.users["lead5"], "applicant": applicant,
		"joint": w.users["joint"], "otherjoint": w.user("otherjoint", "other-dept", rbac.JointUnit), "foreign": w.expert(stranger)}
	secret("name of a member", "专家\x00") // nobody sits yet
	for _, who := range []string{"officer", "director", "keeper"} {
		for path, text := range l.poolOf(l.who[who]) {
			if l.pool == nil {
				l.pool = map[string]string{}
			}
			l.pool[who+" "+path] = text
		}
	}
	l.walk("preparing")

	// drawn: one declines, one answers by telephone, one is replaced
	frozen := officer.ok("POST", r+"/freeze", map[string]any{})
	drawID := frozen.text(t, "result.draw_id")
	l.objects["draws"] = []string{drawID}
	l.walk("frozen")
	w.drawNow(drawID, frozen.text(t, "result.frame_hash"))
	decliner := w.live(review, "management")[0]
	token, err := w.box.Token(shortOf(decliner) + "@example.cn")
	require.NoError(t, err)
	w.stranger().ok("POST", "/api/invitations/reply", map[string]any{"token": token, "accept": false, "reason": secret("reason to decline", "婉拒独家缘由")})
	caller := w.live(review, "finance")[0]
	w.clock.Add(3600)
	officer.ok("POST", "/api/seats/"+caller.ID+"/enter_reply", map[string]any{"accept": false, "reason": "当日手术独家缘由", "caller": "来电独家亲属", "called_at": "2025-04-02T09:30:00+08:00"})
	second.ok("POST", "/api/seats/"+caller.ID+"/confirm_reply", map[string]any{"accept": false})
	secret("reply by telephone", "来电独家亲属", "当日手术独家缘由")
	w.seatAll(review)
	left := w.live(review, "technical")[0]
	secret("name of the replaced", left.Name)
	officer.ok("POST", "/api/seats/"+left.ID+"/replace", map[string]any{"reason": secret("reason to replace", "突发状况独家缘由")})
	w.seatAll(review)
	seats := w.live(review, "technical")
	require.Len(t, seats, 3)
	chairSeat, selfSeat, recusedSeat := seats[0], seats[1], seats[2]
	secret("name of a member", selfSeat.Name)
	secret("mail of a member", shortOf(selfSeat)+"@example.cn")
	l.who["chair"], l.who["self"], l.who["recused"], l.who["replaced"] = w.expert(chairSeat), w.expert(selfSeat), w.expert(recusedSeat), w.expert(left)
	l.objects["seats"] = []string{selfSeat.ID, left.ID, stranger.ID}
	for _, who := range []string{"officer", "director", "keeper"} {
		for path, text := range l.poolOf(l.who[who]) {
			assert.True(t, l.pool[who+" "+path] == text, "%s reads %s and could tell who sits", who, path)
		}
	}
	me := w.expert(selfSeat).do("GET", "/api/me", nil).is(t, 200)
	w.expert(selfSeat).ok("POST", "/api/me/correct", map[string]any{"version": me.int(t, "user.version"), "password": password, "phone": secret("phone of an expert", "13812345670")})
	l.walk("drawn")

	officer.ok("POST", r+"/confirm", map[string]any{})
	w.expert(recusedSeat).ok("POST", r+"/pledge", map[string]any{"password": password})
	d := w.expert(recusedSeat).ok("POST", r+"/declare", map[string]any{"application_id": applications[0], "clear": false, "kind": "cooperation", "reason": secret("reason to recuse", "合著专著独家缘由")}).text(t, "result.id")
	officer.ok("POST", "/api/declarations/"+d+"/approve", map[string]any{})
	l.objects["declarations"] = []string{d}
	w.seatAll(review)
	w.declareAll(review)
	l.walk("composed")

	// marking: all but two have submitted, one sheet was given back
	officer.ok("POST", r+"/start", map[string]any{})
	report := supervisorReport(review)
	w.expert(selfSeat).ok("POST", "/api/approaches", report)
	secret("report of an approach", "请托独家详情")
	var approaches struct{ Items []struct{ ID string } }
	require.NoError(t, json.Unmarshal([]byte(supervisor.do("GET", "/api/approaches", nil).is(t, 200).body), &approaches))
	l.objects["approaches"] = []string{approaches.Items[0].ID}
	index := map[string]int{}
	for i, a := range applications {
		index[a] = i
	}
	chair := w.expert(chairSeat)
	number := map[string]int{chairSeat.Name: 1, selfSeat.Name: 2, recusedSeat.Name: 3}
	submit := func(last bool) {
		t.Helper()
		done := map[string]bool{}
		for _, s := range w.seats(review) {
			if s.State != string(reviewing.SeatPledged) || done[s.Name] {
				continue
			}
			done[s.Name] = true
			if number[s.Name] == 0 {
				number[s.Name] = 1 + len(number)
			}
			for _, x := range w.sheets(w.expert(s), review) {
				if x.State != string(reviewing.SheetDraft) || !last && (s.Class == "finance") {
					continue
				}
				words := "一般意见"
				if s.Name == selfSeat.Name && x.ApplicationID == applications[0] {
					words = "独家评语甲"
				}
				w.expert(s).ok("POST", "/api/sheets/"+x.ID+"/submit", leakMarks(x.Version, leakMark(number[s.Name], index[x.ApplicationID]), words))
			}
		}
	}
	for _, x := range w.sheets(w.expert(selfSeat), review) { // given back: this version is void
		if x.ApplicationID == applications[0] {
			w.expert(selfSeat).ok("POST", "/api/sheets/"+x.ID+"/submit", leakMarks(x.Version, 44.44, "误填"))
			officer.ok("POST", "/api/sheets/"+x.ID+"/return", because("专家电话说明误填"))
		}
	}
	secret("mark before return", "44.44", "75.75", `"mark":4444`)
	l.same("who has marked what", []string{"self", "recused", "replaced", "foreign", "director", "finance", "conference", "joint", "unit", "public", "sysadmin"}, func() {
		for _, x := range w.sheets(chair, review) {
			chair.ok("POST", "/api/sheets/"+x.ID+"/submit", leakMarks(x.Version, leakMark(1, index[x.ApplicationID]), "一般意见"))
		}
	})
	submit(false)
	secret("mark of a member", fmt.Sprintf("%.2f", leakMark(2, 0)), fmt.Sprintf(`"mark":%.0f`, leakMark(2, 0)*100))
	secret("total of a member", fmt.Sprintf("%.2f", leakMark(2, 0)+leakRoute))
	secret("words on a sheet", "独家评语甲")
	for _, v := range []*visitor{w.expert(selfSeat), w.expert(recusedSeat)} {
		for _, x := range w.sheets(v, review) {
			if x.ApplicationID == applications[0] && x.State == string(reviewing.SheetSubmitted) {
				l.objects["sheets"] = append(l.objects["sheets"], x.ID)
			}
		}
	}
	l.walk("marking")

	// opened: the chair has revised, the joint unit has taken part
	submit(true)
	officer.ok("POST", r+"/appoint_chair", map[string]any{"seat_id": chairSeat.ID})
	chair.ok("POST", r+"/open", map[string]any{})
	supervisor.ok("POST", r+"/open", map[string]any{})
	l.same("who has revised", []string{"officer", "supervisor", "director", "self", "recused", "joint", "unit", "sysadmin"}, func() {
		for _, x := range w.sheets(chair, review) {
			if x.ApplicationID == applications[0] {
				revised := leakMarks(x.Version, 33.33, "一般意见")
				revised["reason"] = secret("reason to revise", "改判独家缘由")
				chair.ok("POST", "/api/sheets/"+x.ID+"/revise", revised)
			}
		}
	})
	secret("revised mark", "33.33", "64.64", `"mark":3333`)
	w.users["joint"].ok("POST", r+"/participate", map[string]any{"name": "周敏", "post": "科技科科长", "opinion": secret("opinion of the joint unit", "联合单位独家意见"), "password": password, "marks": jointMarks(55.55, applications[1])})
	secret("mark of the joint unit", "55.55", "85.55", `"mark":5555`)
	chair.ok("POST", r+"/opinion", map[string]any{"text": secret("chair's opinion", "组长总体独家意见，同意立项。"), "applications": []any{map[string]any{"application_id": applications[0], "text": secret("chair's word on an application", "逐项独家意见")}}})
	secret("mean of the panel", officer.do("GET", r+"/summary", nil).is(t, 200).text(t, "applications.0.mean"))
	l.walk("opened")

	done := map[string]bool{}
	for _, s := range w.live(review, "") {
		if !done[s.Name] {
			done[s.Name] = true
			signature := map[string]any{"password": password}
			if s.ID == chairSeat.ID {
				signature["dissent"] = secret("dissent", "保留独家意见")
			}
			w.expert(s).ok("POST", r+"/sign", signature)
		}
	}
	officer.ok("POST", r+"/close", map[string]any{})
	ranked := officer.do("GET", r+"/board", nil).is(t, 200)
	for i := range 3 {
		if ranked.text(t, fmt.Sprintf("applications.%d.id", i)) == applications[0] {
			l.secrets["mean of the panel"] = append(l.secrets["mean of the panel"], ranked.text(t, fmt.Sprintf("applications.%d.shown", i)))
		}
	}
	l.walk("closed")

	officer.ok("POST", r+"/rate", conduct(selfSeat.ID, 3, secret("conduct remarks", "履职独家评语")))
	list := officer.ok("POST", "/api/lists", map[string]any{"guide_id": guide}).text(t, "result.id")
	l.objects["lists"] = []string{list}
	l.walk("drafted")
	w.users["joint"].ok("POST", "/api/lists/"+list+"/conclude", w.conclusion(list, 1, w.users["joint"], "joint_unit"))
	w.conclude(list, 1)
	director.ok("POST", "/api/lists/"+list+"/deliberate", map[string]any{})
	l.walk("deliberated")
	officer.ok("POST", "/api/lists/"+list+"/publicise", map[string]any{})
	l.objects["publicities"] = []string{list}
	l.walk("public")
	objection := w.stranger().ok("POST", "/api/publicities/"+list+"/object", map[string]any{"application_id": applications[2], "name": secret("objector", "刘建国独", "13900000009"), "contact": "13900000009", "text": secret("text of an objection", "异议独家正文，附查新报告。")}).text(t, "result.id")
	supervisor.ok("POST", "/api/objections/"+objection+"/accept", map[string]any{"answer": "材料齐全，予以受理"})
	supervisor.ok("POST", "/api/objections/"+objection+"/investigate", map[string]any{"answer": "已核对查新报告"})
	supervisor.ok("POST", "/api/objections/"+objection+"/dismiss", map[string]any{"answer": secret("answer to an objection", "答复独家正文不构成重复")})
	l.objects["objections"] = []string{objection}
	l.walk("objected")
	w.at(2025, 4, 24, 9)
	officer.ok("POST", "/api/lists/"+list+"/confirm", map[string]any{})
	l.walk("confirmed")
	officer.ok("POST", "/api/reviews/"+foreign+"/void", because("到会人数不足"))
	l.walk("void")
	w.sound()
	l.judge()
	t.Logf("%d answers searched for %d secrets", l.calls.Load(), len(l.secrets))
}

func supervisorReport(review string) map[string]any {
	return map[string]any{"review_id": review, "kind": "lobby", "day": "2025-04-02", "who": "某公司王总", "text": "请托独家详情，已当场回绝。"}
}

// judge compares what was seen with the table.
func (l *leakWorld) judge() {
	t := l.t
	t.Helper()
	known := map[string]bool{}
	for _, row := range leaks {
		known[row.secret] = true
		require.NotEmpty(t, l.secrets[row.secret], "%s is nowhere in this world", row.secret)
		type span struct{ from, to int }
		spans := map[string]span{}
		for _, may := range strings.Split(row.may, ", ") {
			if who, phase, ok := strings.Cut(may, " "); ok {
				from, to, ends := strings.Cut(phase, "-")
				if !ends {
					to = phases[len(phases)-1]
				}
				require.Contains(t, l.who, who)
				spans[who] = span{slices.Index(phases, from), slices.Index(phases, to)}
				require.GreaterOrEqual(t, min(spans[who].from, spans[who].to), 0, may)
			}
		}
		for who := range l.who {
			s, named := spans[who]
			for i, phase := range phases {
				where := l.seen[row.secret][who][phase]
				if where != "" && (!named || i < s.from || i > s.to) {
					assert.Fail(t, "a leak", "%s: %s sees it when %s: %s", row.secret, who, phase, where)
				}
				if where == "" && named && (i == s.from || i == s.to) {
					assert.Fail(t, "not shown", "%s: %s must see it when %s", row.secret, who, phase)
				}
			}
		}
	}
	for secret := range l.secrets {
		assert.True(t, known[secret], "%s is not in the table", secret)
	}
}
