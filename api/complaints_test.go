package api_test

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What users of other review systems complain about, each once: what went wrong
// there is tried here.

func kinds(found []reason) []string {
	var out []string
	for _, f := range found {
		out = append(out, f.Kind)
	}
	return out
}

// TestPlainConflictsMissed: who reviews the own work under another mail and
// spelling is found by the document; what nobody knows is unknown and not clear.
func TestPlainConflictsMissed(t *testing.T) {
	w := newWorld(t)
	w.populate()
	programme := w.programme("major", "t0", "t1", "t2", "t3")
	guide := w.guide(guideBody(programme, item("A1", "major", false, 25000000)))
	w.at(2025, 4, 2, 9)
	document, _ := documentOf("m0")
	body := w.application(guide, "A1", 0)
	body["members"] = []any{person("专家m0", document, w.units["lead0"])}
	w.accepted("lead0", body)
	assert.Contains(t, kinds(w.conflicts(programme, w.ids("m0"), nil)), "own_application", "no account and no mail was needed")
	w.facts("m1", map[string]any{"employments": []any{}})
	unknown := w.conflicts(programme, w.ids("m1"), nil)
	require.NotEmpty(t, unknown)
	assert.Equal(t, "facts_missing", unknown[0].Kind)
	assert.Equal(t, "unknown", string(unknown[0].Level))
}

// TestTooManyFalseConflicts: what was dismissed with a reason is asked once; the
// list of what is open shows what is new only.
func TestTooManyFalseConflicts(t *testing.T) {
	w := newWorld(t)
	w.populate()
	programme := w.programme("major", "t0", "t1", "t2", "t3")
	guide := w.guide(guideBody(programme, item("A1", "major", false, 25000000)))
	w.at(2025, 4, 2, 9)
	w.accepted("lead0", w.application(guide, "A1", 0))
	w.facts("m0", map[string]any{"employments": []any{map[string]any{"unit_id": w.units["of-m0"], "from": "2024-05-02"}, map[string]any{"unit_id": w.units["lead0"], "from": "2010-01-01", "to": "2024-05-01"}}})
	open := func() int {
		t.Helper()
		return len(w.users["officer"].do("GET", "/api/programmes/"+programme+"/conflicts?status=open&limit=200", nil).is(t, 200).get(t, "items").([]any))
	}
	before := open()
	require.Positive(t, before)
	found := w.conflicts(programme, w.ids("m0"), nil)[0]
	decision := map[string]any{"programme_id": programme, "expert_id": found.ExpertID, "key": found.Key, "decision": "dismissed", "reason": ""}
	w.users["officer"].do("POST", "/api/conflicts/decide", decision).is(t, 422)
	decision["reason"] = "仅兼职讲座，核实后不影响"
	w.users["officer"].ok("POST", "/api/conflicts/decide", decision)
	assert.Equal(t, before-1, open(), "it is not asked again")
	next := w.accepted("lead0", w.application(guide, "A1", 6))
	assert.Equal(t, before, open())
	assert.Equal(t, next, w.users["officer"].do("GET", "/api/programmes/"+programme+"/conflicts?status=open", nil).text(t, "items.0.application_id"), "what is new, and nothing of what was settled")
}

// TestCheckBeforeInviting: conflicts are asked before anybody is invited, and
// asking leaves nothing behind.
func TestCheckBeforeInviting(t *testing.T) {
	w := newWorld(t)
	w.populate()
	programme := w.programme("major", "t0")
	guide := w.guide(guideBody(programme, item("A1", "major", false, 25000000)))
	w.at(2025, 4, 2, 9)
	w.accepted("lead0", w.application(guide, "A1", 0))
	w.kin("t0", w.leaderOf(w.users["officer"].do("GET", "/api/applications", nil).text(t, "items.0.id")))
	before := w.seq()
	assert.Contains(t, kinds(w.conflicts(programme, w.ids("t0"), nil)), "kin")
	assert.Equal(t, before, w.seq())
	assert.Empty(t, w.users["officer"].do("GET", "/api/notices?state=queued", nil).is(t, 200).get(t, "items"))
}

// TestDeclarationSeenTooLate: the office sees a recusal the moment it is made, on
// its list and on the board once approved; it stays when the expert leaves.
func TestDeclarationSeenTooLate(t *testing.T) {
	w, review, applications := meetingWorld(t)
	officer, r := w.users["officer"], "/api/reviews/"+review
	w.drawPanel(review)
	w.seatAll(review)
	officer.ok("POST", r+"/confirm", map[string]any{})
	s := w.live(review, "technical")[0]
	w.expert(s).ok("POST", r+"/pledge", map[string]any{"password": password})
	d := w.expert(s).ok("POST", r+"/declare", map[string]any{"application_id": applications[0], "clear": false, "kind": "cooperation", "reason": "合著专著一部"}).text(t, "result.id")
	listed := officer.do("GET", r+"/declarations", nil).is(t, 200)
	assert.Equal(t, []any{d, "pending"}, []any{listed.get(t, "items.0.id"), listed.get(t, "items.0.state")})
	officer.ok("POST", "/api/declarations/"+d+"/approve", map[string]any{})
	board := officer.do("GET", r+"/board", nil).is(t, 200)
	assert.Equal(t, 1, board.int(t, "applications.0.recused"))
	officer.ok("POST", "/api/seats/"+s.ID+"/replace", map[string]any{"reason": "因病不能参加"})
	assert.Contains(t, officer.do("GET", r+"/declarations", nil).is(t, 200).body, d)
	assert.Contains(t, officer.do("GET", "/api/declarations/"+d, nil).is(t, 200).body, "合著专著")
}

// TestAccessSurvivesDecline: a declined link is dead; who is recused or replaced
// has neither paper, nor file, nor sheet, nor export from that moment.
func TestAccessSurvivesDecline(t *testing.T) {
	w, review, applications := formWorld(t, func(map[string]any) {})
	r := "/api/reviews/" + review
	seats := w.live(review, "technical")
	recused, replaced := w.expert(seats[0]), w.expert(seats[1])
	file := recused.do("GET", r+"/papers", nil).is(t, 200).text(t, "items.0.files.0")
	sheetOf := func(v *visitor, application string) string {
		for _, x := range w.sheets(v, review) {
			if x.ApplicationID == application {
				return x.ID
			}
		}
		return ""
	}
	gone := sheetOf(recused, applications[0])
	recused.do("GET", "/api/files/"+file, nil).is(t, 200)
	recused.ok("POST", r+"/declare", map[string]any{"application_id": applications[0], "clear": false, "kind": "cooperation", "reason": "刚发现有合作论文"})
	recused.do("GET", "/api/files/"+file, nil).is(t, 404)
	recused.do("GET", "/api/sheets/"+gone, nil).is(t, 404)
	assert.Empty(t, sheetOf(recused, applications[0]))
	gone = sheetOf(replaced, applications[0])
	w.users["officer"].ok("POST", "/api/seats/"+seats[1].ID+"/replace", map[string]any{"reason": "因病不能参加"})
	for _, path := range []string{r, r + "/papers", r + "/seats", r + "/form", r + "/print?form=sheet", r + "/summary", r + "/marks", "/api/files/" + file, "/api/sheets/" + gone, "/api/sheets?review_id=" + review} {
		replaced.do("GET", path, nil).is(t, 404)
	}
	invited := slices.DeleteFunc(w.seats(review), func(s seat) bool { return s.State != "invited" })[0]
	token, err := w.box.Token(shortOf(invited) + "@example.cn")
	require.NoError(t, err)
	w.stranger().ok("POST", "/api/invitations/reply", map[string]any{"token": token, "accept": false, "reason": "当日出差"})
	w.stranger().do("POST", "/api/invitations/reply", map[string]any{"token": token, "accept": true, "password": password, "consent": true}).is(t, 404)
}

// TestSideChannelLeaks is TestLeaks in small: counts, order, search and file
// names of a running review tell a member nothing of another's marks.
func TestSideChannelLeaks(t *testing.T) {
	w, review, _ := formWorld(t, func(map[string]any) {})
	l := &leakWorld{world: w, objects: map[string][]string{"reviews": {review}}, who: map[string]*visitor{}}
	seats := w.live(review, "technical")
	l.who["self"], l.who["director"], l.who["unit"], l.who["public"] = w.expert(seats[0]), w.users["director"], w.users["lead0"], w.stranger()
	l.same("that another has submitted", []string{"self", "director", "unit", "public"}, func() {
		for _, x := range w.sheets(w.expert(seats[1]), review) {
			w.expert(seats[1]).ok("POST", "/api/sheets/"+x.ID+"/submit", marks(x.Version, 50, 30))
		}
	})
	w.expert(seats[0]).do("GET", "/api/reviews/"+review+"/board", nil).is(t, 404)
}

// TestDeadlinesNotObeyedOrTooStrict: the server's clock closes the window; what
// comes late needs a director's recorded permission, and then goes through.
func TestDeadlinesNotObeyedOrTooStrict(t *testing.T) {
	w := newWorld(t)
	w.populate()
	guide := w.guide(guideBody(w.programme("major"), item("A1", "major", false, 25000000)))
	w.at(2025, 4, 2, 9)
	path := "/api/applications/" + w.draft("lead0", w.application(guide, "A1", 0))
	w.at(2025, 5, 1, 1)
	late := w.users["lead0"].refused("R-057", "POST", path+"/submit", map[string]any{"version": 1})
	assert.Contains(t, late.body, "2025-05-01", "it says when the window closed")
	w.users["director"].ok("POST", path+"/permit_late", map[string]any{"version": 1, "until": "2025-05-06", "reason": "因系统停机延误"})
	w.users["lead0"].ok("POST", path+"/submit", map[string]any{"version": 2})
}

// TestScoresChangedWithoutTrace: a changed mark is a new version with a reason;
// both stand in the export and on the paper to sign.
func TestScoresChangedWithoutTrace(t *testing.T) {
	w, _, review, _ := marked(t, nil, 50, 45)
	r := "/api/reviews/" + review
	chair := w.open(review)
	x := w.sheets(chair, review)[0]
	chair.do("PATCH", "/api/sheets/"+x.ID, marks(x.Version, 36, 30)).is(t, 409)
	revised := marks(x.Version, 37.5, 30)
	chair.do("POST", "/api/sheets/"+x.ID+"/revise", revised).is(t, 422)
	revised["reason"] = "听取讨论后调整判断"
	chair.ok("POST", "/api/sheets/"+x.ID+"/revise", revised)
	w.sign(review, chair)
	w.users["officer"].ok("POST", r+"/close", map[string]any{})
	printed := w.users["officer"].do("GET", r+"/print?form=summary", nil).is(t, 200).body
	assert.Contains(t, printed, "听取讨论后调整判断")
	assert.Contains(t, printed, "67.50")
	exported := w.users["officer"].do("GET", r+"/marks?format=csv", nil).is(t, 200).body
	assert.Contains(t, exported, "已被修改")
	assert.Contains(t, exported, "37.5")
}

// TestDeletedExpertStillCounts: who leaves takes the sheets along: totals are of
// those who sit.
func TestDeletedExpertStillCounts(t *testing.T) {
	w, _, review, _ := marked(t, nil, 50)
	officer, r := w.users["officer"], "/api/reviews/"+review
	assert.Equal(t, 5, officer.do("GET", r+"/board", nil).int(t, "submitted"))
	s := w.live(review, "technical")[0]
	officer.ok("POST", "/api/seats/"+s.ID+"/replace", map[string]any{"reason": "因病不能参加"})
	assert.Equal(t, 4, officer.do("GET", r+"/board", nil).int(t, "submitted"))
	w.seatAll(review)
	w.declareAll(review)
	w.markAll(review, func(string) float64 { return 40 })
	chair := w.open(review)
	w.sign(review, chair)
	officer.ok("POST", r+"/close", map[string]any{})
	summary := officer.do("GET", r+"/summary", nil).is(t, 200)
	assert.Equal(t, "78.00", summary.text(t, "applications.0.mean"), "four of 80 and one of 70")
	assert.NotContains(t, officer.do("GET", r+"/board", nil).body, s.Code+" ")
	w.sound()
}

// TestExcelExportPoor: all criteria, long and wide, plain cells; names with the
// surname in a column of its own.
func TestExcelExportPoor(t *testing.T) {
	w, guide, review, _ := marked(t, nil, 50, 45)
	officer, r := w.users["officer"], "/api/reviews/"+review
	w.sign(review, w.open(review))
	officer.ok("POST", r+"/close", map[string]any{})
	book := officer.do("GET", r+"/marks", nil).is(t, 200).body
	text := unpacked(t, []byte(book))
	for _, never := range []string{"mergeCell", "<fgColor", "patternFill patternType=\"solid\""} {
		assert.NotContains(t, text, never)
	}
	assert.Contains(t, text, "xl/worksheets/sheet2.xml")
	wide := officer.do("GET", r+"/marks?format=csv&form=wide", nil).is(t, 200).body
	assert.Contains(t, wide, "指标innovation,指标route")
	assert.Equal(t, 11, strings.Count(wide, "\n"), "a head and two applications by five")
	assert.Equal(t, 21, strings.Count(officer.do("GET", r+"/marks?format=csv&form=long", nil).body, "\n"))
	list := officer.ok("POST", "/api/lists", map[string]any{"guide_id": guide}).text(t, "result.id")
	names := officer.do("GET", "/api/lists/"+list+"/table?format=csv", nil).is(t, 200).body
	assert.Contains(t, names, "负责人姓,负责人名")
	assert.Contains(t, names, ",负责人0,")
}

// TestOfflineWork: the form is filled in without a network and read back, held to
// the same rules; what is wrong is named by row.
func TestOfflineWork(t *testing.T) {
	w, review, _ := formWorld(t, func(map[string]any) {})
	v, r := w.expert(w.seats(review)[0]), "/api/reviews/"+review
	form := unpacked(t, []byte(v.do("GET", r+"/form", nil).is(t, 200).body))
	assert.Contains(t, form, "指标innovation（满分60）")
	assert.Contains(t, form, "2025-ZD-01-001")
	head := "申报编号,指标innovation（满分60）,指标innovation理由,指标route（满分40）,指标route理由\n"
	assert.Contains(t, v.importFile("评分.csv", r+"/form", head+"2025-ZD-01-001,61,,30,\n", nil).is(t, 422).body, "第2行")
	v.importFile("评分.csv", r+"/form", head+"2025-ZD-01-001,50,,30,\n", nil).is(t, 200)
	assert.Contains(t, v.do("GET", "/api/sheets?review_id="+review, nil).body, "80.00", "a draft; submitting stays the expert's own act")
}

// TestLoadAndFatigue: panels are counted, and who has sat often enough is left
// out of the next frame, with the rule.
func TestLoadAndFatigue(t *testing.T) {
	w, review, _ := meetingWorld(t)
	w.adopt(map[string]any{"panels_per_year": 1})
	w.serve("m0", "key", 2025, "2025-03-10")
	found := w.users["keeper"].do("GET", "/api/experts?q="+url.QueryEscape("专家m0"), nil).is(t, 200)
	assert.Equal(t, 1, found.int(t, "items.0.panels_this_year"))
	frozen := w.users["officer"].ok("POST", "/api/reviews/"+review+"/freeze", map[string]any{})
	assert.Equal(t, 3, frozen.int(t, "result.candidates.management"))
	assert.Contains(t, frozen.body, `"rule":"P-15"`)
}

// TestReviewerDisplayWishes: the total moves with every mark, and the own list
// shows progress and the rank among the own marks.
func TestReviewerDisplayWishes(t *testing.T) {
	w, review, _ := formWorld(t, func(map[string]any) {})
	v := w.expert(w.seats(review)[0])
	x := w.sheets(v, review)
	half := map[string]any{"version": x[0].Version, "marks": []any{map[string]any{"criterion": "innovation", "mark": 51.5}}}
	assert.Equal(t, "51.50", v.do("PATCH", "/api/sheets/"+x[0].ID, half).is(t, 200).text(t, "result.total"))
	assert.Equal(t, "81.50", v.do("PATCH", "/api/sheets/"+x[0].ID, marks(x[0].Version+1, 51.5, 30)).is(t, 200).text(t, "result.total"))
	assert.Equal(t, "81.50", v.do("GET", "/api/sheets/"+x[0].ID, nil).is(t, 200).text(t, "total"))
	v.ok("POST", "/api/sheets/"+x[1].ID+"/submit", marks(x[1].Version, 50, 30))
	own := v.do("GET", "/api/sheets?review_id="+review, nil).is(t, 200).body
	assert.Contains(t, own, `"own_rank":1`)
	assert.Contains(t, own, `"own_rank":2`)
	assert.Contains(t, own, `"state":"submitted"`)
}

// TestNoRatingWanted: a form may ask for a recommendation and for no number.
func TestNoRatingWanted(t *testing.T) {
	w, review, _ := formWorld(t, func(g map[string]any) {
		g["criteria"], g["method"], g["ties"] = []any{}, "votes", []string{"vote"}
	})
	v := w.expert(w.seats(review)[0])
	x := w.sheets(v, review)[0]
	assert.Equal(t, "votes", v.do("GET", "/api/sheets/"+x.ID, nil).is(t, 200).text(t, "method"))
	v.do("POST", "/api/sheets/"+x.ID+"/submit", marks(x.Version, 50, 30)).is(t, 422)
	v.ok("POST", "/api/sheets/"+x.ID+"/submit", map[string]any{"version": x.Version, "marks": []any{}, "recommendation": "recommend"})
}

// TestMailDoubtful: a submission is acknowledged by mail; of every message and
// recipient it shows whether it arrived, and what failed is sent again.
func TestMailDoubtful(t *testing.T) {
	w := newWorld(t)
	var full atomic.Bool
	full.Store(true)
	w.box.Refuse = func(address string) error {
		if address == "lead0@example.cn" && full.Load() {
			return errors.New("mailbox unavailable")
		}
		return nil
	}
	w.populate()
	guide := w.guide(guideBody(w.programme("major"), item("A1", "major", false, 25000000)))
	w.at(2025, 4, 2, 9)
	id := w.draft("lead0", w.application(guide, "A1", 0))
	w.users["lead0"].ok("POST", "/api/applications/"+id+"/submit", map[string]any{"version": 1})
	officer := w.users["officer"]
	status := func() answer {
		t.Helper()
		return officer.do("GET", "/api/notices?object=application/"+id, nil).is(t, 200)
	}
	notice := status().text(t, "items.0.id")
	assert.Equal(t, []any{"receipt", "l***@example.cn"}, []any{status().get(t, "items.0.kind"), status().get(t, "items.0.address")})
	require.Eventually(t, func() bool { // it is tried again and again, then given up
		w.clock.Add(2 * 3600)
		w.app.Wake <- struct{}{}
		return status().text(t, "items.0.state") == "failed"
	}, 2e10, 3e7)
	assert.Contains(t, status().text(t, "items.0.error"), "mailbox unavailable")
	w.users["lead0"].do("POST", "/api/notices/"+notice+"/resend", map[string]any{}).is(t, 403)
	full.Store(false)
	assert.Equal(t, "queued", officer.ok("POST", "/api/notices/"+notice+"/resend", map[string]any{}).text(t, "result.state"))
	require.Eventually(t, func() bool { return status().text(t, "items.0.state") == "sent" }, 5e9, 1e7)
	assert.Contains(t, officer.do("POST", "/api/notices/"+notice+"/resend", map[string]any{}).is(t, 409).body, "正文不再保存")
	officer.do("POST", "/api/notices/none/resend", map[string]any{}).is(t, 404)
}

// TestScoreFairness: how far the experts are apart is shown beside the marks; the
// official rank comes from the marks as given, whatever a what-if says.
func TestScoreFairness(t *testing.T) {
	w, _, review, _ := marked(t, nil, 50, 45)
	officer, r := w.users["officer"], "/api/reviews/"+review
	w.sign(review, w.open(review))
	officer.ok("POST", r+"/close", map[string]any{})
	official := officer.do("GET", r+"/ranking?format=json", nil).is(t, 200).body
	assert.Equal(t, "0.00", officer.do("GET", r+"/summary", nil).is(t, 200).text(t, "applications.0.spread"))
	w.users["supervisor"].do("GET", r+"/what_if?expert="+w.live(review, "technical")[0].Code, nil).is(t, 200)
	assert.Equal(t, official, officer.do("GET", r+"/ranking?format=json", nil).body)
}

// TestChineseTenderUsers: the pool is searched by field and by the unit to avoid;
// a sheet opens with its form and the evidence lies one link away.
func TestChineseTenderUsers(t *testing.T) {
	w, review, _ := formWorld(t, func(map[string]any) {})
	names := w.names("class=finance&field=520.20&avoid_unit_id=" + w.units["of-f1"])
	assert.Equal(t, "f0 f2", names)
	assert.Empty(t, w.names("class=finance&field=790"))
	v := w.expert(w.seats(review)[0])
	x := v.do("GET", "/api/sheets/"+w.sheets(v, review)[0].ID, nil).is(t, 200)
	assert.Equal(t, "innovation", x.text(t, "criteria.0.code"))
	file := v.do("GET", "/api/reviews/"+review+"/papers", nil).is(t, 200).text(t, "items.0.files.0")
	v.do("GET", "/api/files/"+file, nil).is(t, 200)
}
