package api_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/experts"
	"keping/rbac/rulebook"
)

type reason struct {
	Key, Kind, Level string
	ExpertID         string `json:"expert_id"`
	ApplicationID    string `json:"application_id"`
	Evidence, Source string
	Message          string
}

func (w *world) conflicts(programme string, expertIDs, applicationIDs []string) []reason {
	w.t.Helper()
	var out struct{ Items []reason }
	a := w.users["officer"].do("POST", "/api/conflicts/check", map[string]any{"programme_id": programme, "expert_ids": expertIDs, "application_ids": applicationIDs}).is(w.t, http.StatusOK)
	require.NoError(w.t, json.Unmarshal([]byte(a.body), &out))
	return out.Items
}

// facts updates what is declared of an expert.
func (w *world) facts(short string, set map[string]any) {
	w.t.Helper()
	var rows []experts.Expert
	w.all("keeper", "/api/experts?q=专家"+short, &rows)
	i := slices.IndexFunc(rows, func(e experts.Expert) bool { return e.ID == w.experts[short] })
	require.GreaterOrEqual(w.t, i, 0)
	set["version"] = rows[i].Version
	w.users["keeper"].ok("PATCH", "/api/experts/"+w.experts[short], set)
}

// TestConflictKinds plants every kind, each beside a near miss that must not
// fire, and finds them by pair, by list and by programme year, without a trace.
func TestConflictKinds(t *testing.T) {
	w := newWorld(t)
	w.populate()
	major, key := w.programme("major", "t0", "t1", "t2", "t3", "t4"), w.programme("key")
	guide := w.guide(guideBody(major, item("A1", "major", false, 25000000)))
	keyGuide := w.guide(guideBody(key, item("B1", "key", false, 10000000)))
	w.at(2025, 4, 2, 9)
	member := func(short string) map[string]any {
		document, _ := documentOf(short)
		return person("专家"+short, document, w.units["of-"+short])
	}
	keyBody := func(n int, people ...any) map[string]any {
		b := w.application(keyGuide, "B1", n)
		b["fiscal_fen"], b["members"] = 8000000, people
		return b
	}
	shared := person("共同成员", resident(700, 1985), w.units["lead0"])
	main := w.application(guide, "A1", 0)
	main["members"] = append(main["members"].([]any), shared, member("m0")) // m0 takes part; m1 does only where it was withdrawn
	main["partners"] = []string{w.units["of-f0"]}
	main["avoid"] = []any{map[string]any{"name": "专家f2", "unit": "单位of-f2", "reason": "曾有学术争议"}, map[string]any{"name": "专家m3", "unit": "另一单位", "reason": "曾有学术争议"}}
	id := w.accepted("lead0", main)
	gone := w.application(guide, "A1", 1)
	gone["members"] = []any{member("m1")}
	withdrawn := w.draft("lead1", gone)
	w.users["lead1"].ok("POST", "/api/applications/"+withdrawn+"/withdraw", map[string]any{"version": 1, "reason": "不再申报"})
	w.accepted("lead2", keyBody(2, shared, member("m2")))                                              // m2 with somebody of the application
	w.accepted("lead3", keyBody(3, person("旁人", resident(701, 1985), w.units["lead3"]), member("m3"))) // m3 with somebody else
	led := w.application(guide, "A1", 4)
	led["leaders"] = []any{member("t0")}
	draft := w.draft("lead4", led) // never submitted: R-023 would refuse it
	var all []struct {
		ID       string
		LeaderID string `json:"leader_id"`
	}
	w.all("officer", "/api/applications", &all)
	leader := all[slices.IndexFunc(all, func(a struct {
		ID       string
		LeaderID string `json:"leader_id"`
	}) bool {
		return a.ID == id
	})].LeaderID
	nobody := w.people["adv"]
	tie := func(short string, tie map[string]any) { w.facts(short, map[string]any{"ties": []any{tie}}) }
	tie("t1", map[string]any{"kind": "adviser", "person_id": leader})
	tie("t2", map[string]any{"kind": "adviser", "person_id": nobody})
	tie("t3", map[string]any{"kind": "kin", "person_id": leader})
	tie("t4", map[string]any{"kind": "kin", "person_id": nobody})
	tie("t5", map[string]any{"kind": "economic", "unit_id": w.units["lead0"]})
	tie("t6", map[string]any{"kind": "economic", "unit_id": w.units["lead7"]})
	tie("t7", map[string]any{"kind": "cooperation", "person_id": leader, "last": "2022-04-02"})
	tie("t8", map[string]any{"kind": "cooperation", "person_id": leader, "last": "2022-04-01"})
	post := func(unit, to string) []any {
		return []any{map[string]any{"unit_id": w.units[unit], "from": "2010-01-01", "to": to}}
	}
	w.facts("t9", map[string]any{"employments": post("lead0", "2022-04-02")})
	w.facts("told", map[string]any{"employments": post("lead0", "2022-04-01")})
	w.facts("f1", map[string]any{"employments": []any{}})

	seq := w.seq()
	expected := map[string]string{"m0": "own_application/hard", "t0": "technical_group/hard", "f0": "same_unit/hard", "t9": "past_unit/ask", "t7": "cooperation/ask", "m2": "co_member/ask",
		"f2": "named/ask", "m3": "named/ask", "t1": "adviser/hard", "t3": "kin/hard", "t5": "economic/hard", "f1": "facts_missing/unknown"}
	near := []string{"m1", "t2", "t4", "t6", "t8", "told"}
	short := map[string]string{}
	for name, id := range w.experts {
		short[id] = name
	}
	found := w.conflicts(major, nil, nil)
	kinds := map[string][]string{}
	for _, r := range found {
		name := short[r.ExpertID]
		kinds[name] = append(kinds[name], r.Kind+"/"+r.Level)
		assert.NotEmpty(t, r.Message)
		assert.NotEmpty(t, r.Evidence)
		assert.NotEmpty(t, r.Source)
		catalogue, ok := rulebook.Lookup(r.Kind)
		assert.True(t, ok, r.Kind)
		assert.NotEmpty(t, catalogue.Message)
	}
	for name, kind := range expected {
		assert.Contains(t, kinds[name], kind, name)
		only, _, _ := strings.Cut(kind, "/")
		w.saw(only)
	}
	for _, name := range near {
		assert.Empty(t, kinds[name], "%s is a near miss", name)
	}
	for _, r := range found { // a name without a document, a unit without a code: both values are shown, nothing is settled
		if r.Kind == "named" && short[r.ExpertID] == "m3" {
			assert.Contains(t, r.Message, "专家m3（另一单位）")
			assert.Contains(t, r.Message, "专家m3（单位of-m3）")
		}
	}
	pair := w.conflicts(major, []string{w.experts["t1"]}, []string{id})
	require.Len(t, pair, 1)
	assert.Equal(t, "adviser", pair[0].Kind)
	assert.Empty(t, w.conflicts(major, []string{w.experts["t1"]}, []string{draft}))
	again := w.without("adviser")
	assert.Empty(t, w.conflicts(major, []string{w.experts["t1"]}, []string{id}), "a kind the pack does without is none")
	again()
	assert.Len(t, w.conflicts(major, w.ids("t1", "t3", "t4"), []string{id}), 2)
	assert.Equal(t, seq, w.seq(), "a check leaves no trace")

	// An ask is dismissed or pinned once, and stays so while its evidence is the
	// same; a hard one is nobody's to decide.
	officer := w.users["officer"]
	of := func(name, kind string) reason {
		for _, r := range w.conflicts(major, w.ids(name), nil) {
			if r.Kind == kind {
				return r
			}
		}
		return reason{}
	}
	decide := func(name, kind, decision string) map[string]any {
		return map[string]any{"programme_id": major, "expert_id": w.experts[name], "key": of(name, kind).Key, "decision": decision, "reason": "核实后确认不影响"}
	}
	officer.do("POST", "/api/conflicts/decide", decide("t1", "adviser", "dismissed")).is(t, 422)
	dismissal := decide("t7", "cooperation", "dismissed")
	officer.ok("POST", "/api/conflicts/decide", dismissal)
	assert.Empty(t, of("t7", "cooperation").Key, "dismissed stays dismissed")
	officer.do("POST", "/api/conflicts/decide", dismissal).is(t, 409)
	officer.ok("POST", "/api/conflicts/decide", decide("f2", "named", "pinned"))
	assert.Equal(t, "hard", of("f2", "named").Level)
	tie("t7", map[string]any{"kind": "cooperation", "person_id": leader, "last": "2024-09-01"})
	assert.Equal(t, "ask", of("t7", "cooperation").Level, "new evidence is a new question")
}

// TestConflictScope: under conflict_scope "application" a conflict with one
// application leaves the expert the others, and an alternate fills in for that
// one; under "review" it excludes from the frame.
func TestConflictScope(t *testing.T) {
	for _, scope := range []string{"review", "application"} {
		t.Run(scope, func(t *testing.T) {
			w := newWorld(t)
			w.populate()
			w.pack(func(p *rulebook.Pack) { p.ConflictScope = scope })
			major := w.programme("major", "t0", "t1", "t2", "t3", "t4", "t5")
			guide := w.guide(guideBody(major, item("A1", "major", false, 25000000)))
			w.at(2025, 4, 2, 9)
			body := w.application(guide, "A1", 0)
			body["partners"] = []string{w.units["of-f0"], w.units["of-f1"]} // two of three finance experts
			first := w.accepted("lead0", body)
			second := w.accepted("lead1", w.application(guide, "A1", 1))
			review := w.users["officer"].ok("POST", "/api/reviews", reviewBody(guide, 3, 1, 1, first, second)).text(t, "result.id")
			frozen := w.users["officer"].ok("POST", "/api/reviews/"+review+"/freeze", map[string]any{})
			finance := frozen.int(t, "result.candidates.finance")
			w.drawNow(frozen.text(t, "result.draw_id"), frozen.text(t, "result.frame_hash"))
			w.seatAll(review)
			if scope == "review" {
				assert.Equal(t, 1, finance)
				return
			}
			assert.Equal(t, 3, finance)
			var panel, substitute string
			for _, s := range w.seats(review) {
				if s.Class == "finance" && s.State != "vacated" {
					if s.ApplicationID == "" {
						panel = s.Name
					} else {
						substitute = s.Name
						assert.Equal(t, first, s.ApplicationID)
					}
				}
			}
			if panel == "专家f2" {
				assert.Empty(t, substitute)
			} else {
				assert.Equal(t, "专家f2", substitute, "who fits sits for that application only")
			}
			w.users["officer"].ok("POST", "/api/reviews/"+review+"/confirm", map[string]any{})
			w.declareAll(review)
			w.users["officer"].ok("POST", "/api/reviews/"+review+"/start", map[string]any{})
			w.sound()
		})
	}
}

// TestRecusal: asking suspends at once, everywhere; a rejected request gives
// access back; an approved one voids the marks, which stay on record.
func TestRecusal(t *testing.T) {
	w := newWorld(t)
	w.populate()
	major := w.programme("major", "t0", "t1", "t2", "t3", "t4", "t5")
	guide := w.guide(guideBody(major, item("A1", "major", false, 25000000)))
	w.at(2025, 4, 2, 9)
	first := w.accepted("lead0", w.application(guide, "A1", 0))
	second := w.accepted("lead1", w.application(guide, "A1", 1))
	officer := w.users["officer"]
	review := officer.ok("POST", "/api/reviews", reviewBody(guide, 3, 1, 1, first, second)).text(t, "result.id")
	r := "/api/reviews/" + review
	w.drawPanel(review)

	// Before pledge and declaration nothing of the material is visible.
	w.seatAll(review)
	s := w.seats(review)[0]
	v := w.expert(s)
	assert.NotContains(t, v.do("GET", r+"/papers", nil).is(t, 200).body, "研究内容")
	v.do("POST", r+"/declare", map[string]any{"application_id": first, "clear": true}).is(t, 422)
	v.do("POST", r+"/pledge", map[string]any{"password": "wrong-password"}).is(t, 422)
	v.ok("POST", r+"/pledge", map[string]any{"password": password})
	assert.NotContains(t, v.do("GET", r+"/papers", nil).body, "研究内容")
	v.ok("POST", r+"/declare", map[string]any{"application_id": first, "clear": true})
	assert.Contains(t, v.do("GET", r+"/papers", nil).body, "研究内容")

	officer.ok("POST", r+"/confirm", map[string]any{})
	w.declareAll(review)
	officer.ok("POST", r+"/start", map[string]any{})
	sheets := w.sheets(v, review)
	var of sheet
	for _, x := range sheets {
		if x.ApplicationID == first {
			of = x
		}
	}
	v.ok("POST", "/api/sheets/"+of.ID+"/submit", marks(of.Version, 50, 30))
	ask := map[string]any{"application_id": first, "clear": false, "kind": "cooperation", "reason": "评审中发现合著论文"}
	suspended := func() {
		t.Helper()
		papers := v.do("GET", r+"/papers", nil).is(t, 200)
		for _, x := range w.sheets(v, review) {
			assert.NotEqual(t, first, x.ApplicationID)
		}
		for i := range 2 {
			if papers.text(t, "items."+string(rune('0'+i))+".id") == first {
				assert.Empty(t, papers.text(t, "items."+string(rune('0'+i))+".summary"))
			}
		}
		v.do("PATCH", "/api/sheets/"+of.ID, marks(2, 40, 30)).is(t, 404)
	}
	d := v.ok("POST", r+"/declare", ask).text(t, "result.id")
	suspended()
	officer.ok("POST", "/api/declarations/"+d+"/reject", map[string]any{})
	assert.Len(t, w.sheets(v, review), 2, "access is back")
	d = v.ok("POST", r+"/declare", ask).text(t, "result.id")
	before := w.seq()
	officer.ok("POST", "/api/declarations/"+d+"/approve", map[string]any{})
	acts := []string{}
	for _, e := range w.journal(before) {
		acts = append(acts, e.Act)
	}
	assert.Equal(t, []string{"declaration.approve", "sheet.void", "vacancy.fill"}, acts)
	suspended()
	officer.do("POST", "/api/declarations/"+d+"/reject", map[string]any{}).is(t, 409)
	w.seatAll(review)
	w.declareAll(review)
	w.markAll(review, func(id string) float64 { return map[string]float64{first: 45, second: 40}[id] })
	chair := w.open(review)
	export := officer.do("GET", r+"/marks?format=csv", nil).is(t, 200).body
	assert.Contains(t, export, "作废", "void marks stay on record")
	w.sign(review, chair)
	officer.ok("POST", r+"/close", map[string]any{})
	ranking := officer.do("GET", r+"/ranking?format=json", nil).is(t, 200)
	assert.Contains(t, ranking.body, `"status":"void"`)
	w.sound()
}

// TestSealed: until both keys have turned nobody reads another's marks: not by
// lists, exports, errors, the journal or the database.
func TestSealed(t *testing.T) {
	w := newWorld(t)
	w.populate()
	major := w.programme("major", "t0", "t1", "t2", "t3", "t4", "t5")
	guide := w.guide(guideBody(major, item("A1", "major", false, 25000000)))
	w.at(2025, 4, 2, 9)
	first := w.accepted("lead0", w.application(guide, "A1", 0))
	officer, supervisor := w.users["officer"], w.users["supervisor"]
	review := w.marking(reviewBody(guide, 3, 1, 1, first))
	r := "/api/reviews/" + review
	seats := w.seats(review)
	w.markAll(review, func(string) float64 { return 41.5 })
	w.user("auditor", "", "audit_admin")
	for name, v := range w.users {
		for _, path := range []string{r + "/marks", r + "/ranking", "/api/sheets?review_id=" + review, "/api/journal?limit=1000", r + "/seats", "/api/reviews", "/api/applications"} {
			a := v.do("GET", path, nil)
			if path == "/api/sheets?review_id="+review && a.status == 200 {
				assert.Equal(t, 1, len(w.sheets(v, review)), "%s sees the own sheet alone", name)
				continue
			}
			assert.NotRegexp(t, `[^0-9a-f](4150|41\.5)[^0-9a-f]`, a.body, "%s %s", name, path) // digests may hold the digits
		}
	}
	var rows []struct{ Content []byte }
	require.NoError(t, w.app.Store.DB.Read(t.Context()).Table("sheets").Select("content").Find(&rows).Error)
	for _, row := range rows {
		assert.NotContains(t, string(row.Content), "4150")
	}
	other := w.sheets(w.expert(seats[1]), review)[0]
	w.expert(seats[0]).do("PATCH", "/api/sheets/"+other.ID, marks(2, 10, 10)).is(t, 404)

	// One key is not enough, nor the same one twice, nor a member who is not chair.
	officer.ok("POST", r+"/appoint_chair", map[string]any{"seat_id": seats[0].ID})
	w.expert(seats[1]).do("POST", r+"/open", map[string]any{}).is(t, 404)
	officer.do("POST", r+"/open", map[string]any{}).is(t, 403)
	supervisor.ok("POST", r+"/open", map[string]any{})
	supervisor.do("POST", r+"/open", map[string]any{}).is(t, 409)
	officer.do("GET", r+"/marks", nil).is(t, 409)
	w.expert(seats[0]).ok("POST", r+"/open", map[string]any{})
	assert.Contains(t, officer.do("GET", r+"/marks?format=csv", nil).is(t, 200).body, "41.5")
}
