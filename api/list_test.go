package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/reviewing"
)

// marked is a world with one review of so many applications, marked and opened;
// levels are the innovation marks, best first.
func marked(t *testing.T, change func(guide map[string]any), levels ...float64) (w *world, guide, review string, applications []string) {
	w, guide, applications = applied(t, change, len(levels))
	level := map[string]float64{}
	for i, id := range applications {
		level[id] = levels[i]
	}
	review = w.marking(reviewBody(guide, 3, 1, 1, applications...))
	w.markAll(review, func(id string) float64 { return level[id] })
	return w, guide, review, applications
}

// applied is a world with so many applications, at most four, accepted.
func applied(t *testing.T, change func(guide map[string]any), n int) (w *world, guide string, applications []string) {
	w = newWorld(t)
	w.populate()
	programme := w.programme("major", "t0", "t1", "t2", "t3", "t4", "t5")
	body := guideBody(programme, item("A1", "major", false, 25000000))
	if change != nil {
		change(body)
	}
	guide = w.guide(body)
	w.at(2025, 4, 2, 9)
	for i := range n {
		applications = append(applications, w.accepted(fmt.Sprintf("lead%d", i), w.application(guide, "A1", i)))
	}
	return w, guide, applications
}

func (w *world) conclude(list string, version int) {
	w.t.Helper()
	for _, c := range [][2]string{{"conference", "conference"}, {"finance", "finance"}, {"director", "deliberation"}} {
		w.users[c[0]].ok("POST", "/api/lists/"+list+"/conclude", w.conclusion(list, version, w.users[c[0]], c[1]))
	}
}

// conclusion agrees to a list as it stands: the finance bureau with a schedule
// that adds up, the deliberation with vote and file.
func (w *world) conclusion(list string, version int, by *visitor, kind string) map[string]any {
	w.t.Helper()
	body := map[string]any{"version": version, "kind": kind, "agreed": true, "day": "2025-04-02", "document": "纪要〔2025〕1号"}
	switch kind {
	case "conference":
		words := []any{}
		for _, line := range w.lines(list) {
			if line.Choice == "proposed" {
				words = append(words, map[string]any{"application_id": line.ApplicationID, "agreed": true})
			}
		}
		body["words"] = words
	case "finance":
		var schedule []any
		for _, line := range w.lines(list) {
			if line.Choice == "proposed" {
				schedule = append(schedule, map[string]any{"application_id": line.ApplicationID, "year": 2025, "stage": 1, "fen": line.FiscalFen * 7 / 10},
					map[string]any{"application_id": line.ApplicationID, "year": 2026, "stage": 2, "fen": line.FiscalFen - line.FiscalFen*7/10})
			}
		}
		body["schedule"] = schedule
	case "deliberation":
		body["vote"] = map[string]any{"present": 7, "for": 6, "against": 0, "abstain": 1}
		body["file_id"] = by.upload("纪要.pdf", []byte("%PDF-1.4 纪要")).is(w.t, 201).text(w.t, "result.id")
	}
	return body
}

func (w *world) lines(list string) []reviewing.Line {
	w.t.Helper()
	var l reviewing.AwardList
	a := w.users["officer"].do("GET", "/api/lists/"+list, nil).is(w.t, 200)
	require.NoError(w.t, json.Unmarshal([]byte(a.body), &l))
	return l.Lines
}

// TestRoundTwo: what is revised after the discussion stays sealed until closing.
func TestRoundTwo(t *testing.T) {
	w, _, review, _ := marked(t, nil, 50, 45)
	r := "/api/reviews/" + review
	chair := w.open(review)
	officer := w.users["officer"]
	sheet := w.sheets(chair, review)[0]
	revised := marks(sheet.Version, 37.5, 30)
	chair.do("POST", "/api/sheets/"+sheet.ID+"/revise", revised).is(t, 422) // no reason
	revised["reason"] = "听取讨论后调整判断"
	chair.ok("POST", "/api/sheets/"+sheet.ID+"/revise", revised)
	chair.do("POST", "/api/sheets/"+sheet.ID+"/revise", revised).is(t, 409) // once
	for _, v := range []*visitor{officer, w.users["supervisor"], chair} {
		shown := v.do("GET", r+"/marks?format=csv", nil).is(t, http.StatusOK).body
		assert.NotContains(t, shown, "37.5")
		assert.NotContains(t, shown, "已被修改", "nor who has revised")
	}
	w.sign(review, chair)
	officer.ok("POST", r+"/close", map[string]any{})
	shown := officer.do("GET", r+"/marks?format=csv", nil).is(t, http.StatusOK).body
	assert.Contains(t, shown, "37.5")
	assert.Contains(t, shown, "已被修改", "both values are kept")
	w.sound()
}

// TestAbstention: it is no zero; but who does not score does not count, and
// with fewer than five the application needs another expert first.
func TestAbstention(t *testing.T) {
	w := newWorld(t)
	w.populate()
	programme := w.programme("major", "t0", "t1", "t2", "t3", "t4", "t5")
	guide := w.guide(guideBody(programme, item("A1", "major", false, 25000000)))
	w.at(2025, 4, 2, 9)
	application := w.accepted("lead0", w.application(guide, "A1", 0))
	officer := w.users["officer"]
	review := w.marking(reviewBody(guide, 3, 2, 1, application)) // six: one may abstain
	r := "/api/reviews/" + review
	abstain := func(s seat) {
		t.Helper()
		x := w.sheets(w.expert(s), review)[0]
		body := map[string]any{"version": x.Version, "marks": []any{}, "abstained": true}
		w.expert(s).do("POST", "/api/sheets/"+x.ID+"/submit", body).is(t, 422) // no reason
		body["opinion"] = "不熟悉该领域，弃权"
		w.expert(s).ok("POST", "/api/sheets/"+x.ID+"/submit", body)
	}
	var technical []seat
	for _, s := range w.seats(review) {
		if s.Class == "technical" {
			technical = append(technical, s)
		}
	}
	abstain(technical[0])
	w.markAll(review, func(string) float64 { return 50 })
	chair := w.open(review)
	w.sign(review, chair)
	officer.ok("POST", r+"/close", map[string]any{})
	ranking := officer.do("GET", r+"/ranking?format=json", nil).is(t, http.StatusOK)
	assert.Contains(t, ranking.body, `"status":"abstained"`)
	assert.Contains(t, ranking.body, `"mark":"80/1"`, "five marks of 80; the abstention is no zero")

	second := w.accepted("lead1", w.application(guide, "A1", 1))
	five := w.marking(reviewBody(guide, 3, 1, 1, second))
	r = "/api/reviews/" + five
	review = five
	abstain(w.seats(five)[0])
	w.markAll(five, func(string) float64 { return 50 })
	w.users["supervisor"].do("POST", r+"/open", map[string]any{}).is(t, 409) // no chair yet
	officer.ok("POST", r+"/appoint_chair", map[string]any{"seat_id": w.seats(five)[1].ID})
	assert.Contains(t, w.users["supervisor"].do("POST", r+"/open", map[string]any{}).is(t, 422).body, "R-065")
}

// TestLateChange: an expert who falls away after the opening makes room; the
// substitute marks, keys and signatures are asked for again.
func TestLateChange(t *testing.T) {
	w, _, review, applications := marked(t, nil, 50, 45)
	r := "/api/reviews/" + review
	chair := w.open(review)
	officer := w.users["officer"]
	w.sign(review, chair)
	var ill seat
	for _, s := range w.seats(review) {
		if s.Class == "finance" && s.State == "pledged" {
			ill = s
		}
	}
	officer.do("POST", "/api/seats/"+ill.ID+"/replace", map[string]any{"reason": "突发疾病"}).is(t, http.StatusConflict) // who has seen the marks
	w.users["supervisor"].ok("POST", "/api/seats/"+ill.ID+"/replace", map[string]any{"reason": "突发疾病"})
	assert.Equal(t, "marking", officer.do("GET", r, nil).text(t, "state"))
	officer.do("GET", r+"/marks", nil).is(t, http.StatusConflict)
	officer.do("POST", r+"/close", map[string]any{}).is(t, http.StatusConflict)
	w.seatAll(review)
	w.declareAll(review)
	w.markAll(review, func(id string) float64 {
		return map[string]float64{applications[0]: 50, applications[1]: 45}[id]
	})
	chair.ok("POST", r+"/open", map[string]any{})
	w.users["supervisor"].ok("POST", r+"/open", map[string]any{})
	officer.do("POST", r+"/close", map[string]any{}).is(t, http.StatusUnprocessableEntity) // unsigned
	w.sign(review, chair)
	officer.ok("POST", r+"/close", map[string]any{})
	assert.Contains(t, officer.do("GET", r+"/ranking?format=json", nil).body, `"status":"void"`)
	w.sound()
}

// TestVoidReview: 流会 ends everything about the review and invites nobody more.
func TestVoidReview(t *testing.T) {
	w := newWorld(t)
	w.populate()
	programme := w.programme("major", "t0", "t1", "t2", "t3", "t4")
	guide := w.guide(guideBody(programme, item("A1", "major", false, 25000000)))
	w.at(2025, 4, 2, 9)
	application := w.accepted("lead0", w.application(guide, "A1", 0))
	officer := w.users["officer"]
	review := officer.ok("POST", "/api/reviews", reviewBody(guide, 3, 1, 1, application)).text(t, "result.id")
	w.drawPanel(review)
	first := w.seats(review)[0]
	token, err := w.box.Token(first.Name[len("专家"):] + "@example.cn")
	require.NoError(t, err)
	officer.ok("POST", "/api/reviews/"+review+"/void", map[string]any{"reason": "会期取消"})
	w.stranger().do("POST", "/api/invitations/reply", map[string]any{"token": token, "accept": true, "password": password, "consent": true}).is(t, http.StatusNotFound)
	w.clock.Add(25 * 3600)
	_, err = w.app.Reviews.ExpireInvitations(t.Context())
	require.NoError(t, err)
	for _, s := range w.seats(review) {
		assert.Equal(t, "vacated", s.State)
	}
	assert.Len(t, w.seats(review), 5, "nobody is invited to a void review")
	again := officer.ok("POST", "/api/reviews", reviewBody(guide, 3, 1, 1, application)).text(t, "result.id")
	w.drawPanel(again)
	w.sound()
}

// TestListLife: conclusions are about the lines their givers saw; an objection
// outlives a new version; later reviews of the guide get a list of their own.
func TestListLife(t *testing.T) {
	w, guide, review, applications := marked(t, func(g map[string]any) { g["places"] = 2 }, 55, 50, 45)
	r := "/api/reviews/" + review
	officer, director, supervisor := w.users["officer"], w.users["director"], w.users["supervisor"]
	late := w.accepted("lead3", w.application(guide, "A1", 9)) // reviewed in a later batch
	chair := w.open(review)
	w.sign(review, chair)
	officer.ok("POST", r+"/close", map[string]any{})
	list := officer.ok("POST", "/api/lists", map[string]any{"guide_id": guide}).text(t, "result.id")
	l := "/api/lists/" + list
	w.conclude(list, 1)
	swap := map[string]any{"version": 1, "choices": []any{map[string]any{"application_id": applications[1], "choice": "declined"},
		map[string]any{"application_id": applications[2], "choice": "proposed", "reason": "产业急需，经研究列入"}}}
	officer.ok("POST", l+"/adjust", swap)
	a := director.do("POST", l+"/deliberate", map[string]any{}).is(t, http.StatusUnprocessableEntity)
	for _, rule := range []string{"R-016", "R-071", "R-072"} {
		assert.Contains(t, a.body, rule, "the words were about other lines")
	}
	w.users["finance"].do("POST", l+"/conclude", map[string]any{"version": 1, "kind": "finance", "agreed": true, "day": "2025-04-02"}).is(t, http.StatusConflict)
	w.conclude(list, 2)
	director.ok("POST", l+"/deliberate", map[string]any{})
	officer.ok("POST", l+"/publicise", map[string]any{})

	object := map[string]any{"application_id": applications[0], "name": "刘建国", "contact": "13900000000", "text": "该项目与既有成果重复，附查新报告。"}
	o := w.stranger().ok("POST", "/api/publicities/"+list+"/object", object).text(t, "result.id")
	officer.do("GET", "/api/objections/"+o, nil).is(t, http.StatusForbidden)
	before := w.seq()
	assert.Equal(t, "刘建国", supervisor.do("GET", "/api/objections/"+o, nil).is(t, http.StatusOK).text(t, "name"))
	require.Len(t, w.journal(before), 1, "that it was read is journalled")
	assert.NotContains(t, string(w.journal(before)[0].Facts), "刘建国")
	supervisor.ok("POST", "/api/objections/"+o+"/accept", map[string]any{"answer": "材料齐全，予以受理"})
	assert.Contains(t, w.stranger().do("GET", "/api/publicities", nil).is(t, http.StatusOK).body, `"stopped":["`)

	// A new version does not make the objection go away.
	second := officer.ok("POST", "/api/lists", map[string]any{"guide_id": guide, "reason": "重新生成清单"}).text(t, "result.id")
	w.conclude(second, 1)
	director.refused("P-41", "POST", "/api/lists/"+second+"/deliberate", map[string]any{})
	supervisor.do("POST", "/api/objections/"+o+"/uphold", map[string]any{"answer": "经核查异议成立"}).is(t, http.StatusConflict)
	supervisor.ok("POST", "/api/objections/"+o+"/investigate", map[string]any{"answer": "已调阅查新报告并询问双方"})
	supervisor.ok("POST", "/api/objections/"+o+"/uphold", map[string]any{"answer": "经核查异议成立"})
	director.refused("P-41", "POST", "/api/lists/"+second+"/deliberate", map[string]any{})
	third := officer.ok("POST", "/api/lists", map[string]any{"guide_id": guide, "reason": "异议成立后调整"})
	for i := range 3 {
		at := "result.lines." + string(rune('0'+i)) + "."
		if third.text(t, at+"application_id") == applications[0] {
			assert.Equal(t, "declined", third.text(t, at+"choice"))
		}
	}
	id := third.text(t, "result.id")
	var choices []any
	for i, choice := range []string{"declined", "proposed", "reserve"} {
		choices = append(choices, map[string]any{"application_id": applications[i], "choice": choice, "reason": "异议成立的项目不列入"})
	}
	officer.ok("POST", "/api/lists/"+id+"/adjust", map[string]any{"version": 1, "choices": choices})
	w.conclude(id, 2)
	director.ok("POST", "/api/lists/"+id+"/deliberate", map[string]any{})
	officer.ok("POST", "/api/lists/"+id+"/publicise", map[string]any{})
	w.at(2025, 4, 20, 9)
	officer.ok("POST", "/api/lists/"+id+"/confirm", map[string]any{})

	// The later batch: what is confirmed stays, its money and place are spent.
	next := officer.ok("POST", "/api/reviews", reviewBody(guide, 3, 1, 1, late)).text(t, "result.id")
	officer.do("POST", "/api/lists", map[string]any{"guide_id": guide}).is(t, http.StatusConflict)
	w.drawPanel(next)
	w.seatAll(next)
	officer.ok("POST", "/api/reviews/"+next+"/confirm", map[string]any{})
	w.declareAll(next)
	officer.ok("POST", "/api/reviews/"+next+"/start", map[string]any{})
	w.markAll(next, func(string) float64 { return 50 })
	w.sign(next, w.open(next))
	officer.ok("POST", "/api/reviews/"+next+"/close", map[string]any{})
	fourth := officer.ok("POST", "/api/lists", map[string]any{"guide_id": guide})
	assert.Equal(t, late, fourth.text(t, "result.lines.0.application_id"))
	assert.NotContains(t, fourth.body, applications[1])
	assert.Equal(t, "proposed", fourth.text(t, "result.lines.0.choice"), "one of two places was left")
	w.sound()
}

// TestCorrection: once, within its days.
func TestCorrection(t *testing.T) {
	w := newWorld(t)
	w.populate()
	programme := w.programme("major", "t0")
	guide := w.guide(guideBody(programme, item("A1", "major", false, 25000000)))
	w.at(2025, 4, 2, 9)
	officer, lead := w.users["officer"], w.users["lead0"]
	id := w.draft("lead0", w.application(guide, "A1", 0))
	p := "/api/applications/" + id
	lead.ok("POST", p+"/submit", map[string]any{"version": 1})
	officer.do("POST", p+"/screen", map[string]any{"version": 2, "verdict": "correct"}).is(t, 422) // no reason
	back := officer.ok("POST", p+"/screen", map[string]any{"version": 2, "verdict": "correct", "reason": "请补充合作协议"})
	assert.Equal(t, "2025-04-10", back.text(t, "result.correct_by"), "five working days, the holiday of 4 April left out")
	w.at(2025, 4, 11, 0)
	lead.refused("P-45", "POST", p+"/submit", map[string]any{"version": 3})
	officer.do("POST", p+"/screen?dry_run=true", map[string]any{"version": 3, "verdict": "refuse", "reason": "逾期未补正"}).is(t, 200)
	w.at(2025, 4, 10, 23)
	officer.refused("P-45", "POST", p+"/screen", map[string]any{"version": 3, "verdict": "refuse", "reason": "材料仍不齐全"})
	lead.ok("POST", p+"/submit", map[string]any{"version": 3})
	officer.refused("P-45", "POST", p+"/screen", map[string]any{"version": 4, "verdict": "correct", "reason": "再次补充材料"})
	officer.ok("POST", p+"/screen", map[string]any{"version": 4, "verdict": "accept"})
}

// TestForecast explains what cannot be drawn before anybody tries.
func TestForecast(t *testing.T) {
	w := newWorld(t)
	w.populate()
	programme := w.programme("major", "t0", "t1", "t2")
	guide := w.guide(guideBody(programme, item("A1", "major", false, 25000000)))
	w.at(2025, 4, 2, 9)
	body := w.application(guide, "A1", 0)
	body["partners"] = []string{w.units["of-t0"]} // one of three technical experts
	first := w.accepted("lead0", body)
	second := w.accepted("lead1", w.application(guide, "A1", 1))
	officer := w.users["officer"]
	review := officer.ok("POST", "/api/reviews", reviewBody(guide, 3, 1, 1, first, second)).text(t, "result.id")
	a := officer.do("GET", "/api/reviews/"+review+"/feasibility", nil).is(t, http.StatusOK)
	assert.Equal(t, false, a.get(t, "feasible"))
	assert.Equal(t, 2, a.int(t, "candidates.technical"))
	assert.Contains(t, a.body, "同行技术类需3席，可用2人")
	assert.NotContains(t, a.body, "按项目回避", "it would not help: the application itself lacks one")
	assert.Contains(t, officer.do("POST", "/api/reviews/"+review+"/freeze", map[string]any{}).is(t, 422).body, "R-064")
	w.join(programme, "technical", "t3")
	a = officer.do("GET", "/api/reviews/"+review+"/feasibility", nil).is(t, http.StatusOK)
	assert.Equal(t, true, a.get(t, "feasible"))
	assert.Equal(t, true, a.get(t, "by_application.1.feasible"))
}

// TestNames: a mistyped name is no dead end, and tells outsiders nothing.
func TestNames(t *testing.T) {
	w := newWorld(t)
	w.populate()
	programme := w.programme("major", "t0")
	guide := w.guide(guideBody(programme, item("A1", "major", false, 25000000)))
	w.at(2025, 4, 2, 9)
	body := w.application(guide, "A1", 0)
	document := resident(480, 1978)
	body["leaders"] = []any{person("王伍", document, w.units["lead0"])}
	id := w.draft("lead0", body)
	body["leaders"] = []any{person("王五", document, w.units["lead0"])}
	other := w.users["lead0"].ok("PATCH", "/api/applications/"+id+"?version=1", body)
	assert.Equal(t, "王五", other.text(t, "result.leader_name"))
	assert.NotContains(t, other.body, "王伍", "whose number it is the outsider is not told, nor that it is somebody's")
	w.users["lead0"].ok("POST", "/api/applications/"+id+"/submit", map[string]any{"version": 2})
	screen := map[string]any{"version": 3, "verdict": "accept"}
	refused := w.users["officer"].do("POST", "/api/applications/"+id+"/screen", screen).is(t, 422)
	assert.Contains(t, refused.text(t, "detail"), "“王五”，其证件登记的姓名为“王伍”", "the bureau is told, and does not let it pass")
	correction := map[string]any{"document_kind": "resident_id", "document": document, "name": "王五", "reason": "申报单位录入有误"}
	w.users["lead0"].do("POST", "/api/people/correct", correction).is(t, 403)
	w.users["officer"].ok("POST", "/api/people/correct", correction)
	w.users["officer"].ok("POST", "/api/applications/"+id+"/screen", screen)
}

// TestPublicity: a returned deliberation, an interruption with its days kept, a
// correction notice, the page anybody can read, and feedback without names.
func TestPublicity(t *testing.T) {
	w, guide, review, applications := marked(t, nil, 50, 45)
	officer, director, supervisor, lead := w.users["officer"], w.users["director"], w.users["supervisor"], w.users["lead0"]
	chair := w.open(review)
	w.sign(review, chair)
	officer.ok("POST", "/api/reviews/"+review+"/close", map[string]any{})
	list := officer.ok("POST", "/api/lists", map[string]any{"guide_id": guide}).text(t, "result.id")
	l := "/api/lists/" + list
	feedback := "/api/applications/" + applications[0] + "/feedback"
	lead.do("GET", feedback, nil).is(t, 409)

	// the conference speaks line by line: what it does not agree to is not proposed
	word := w.conclusion(list, 1, nil, "conference")
	words := word["words"].([]any)
	words[1] = map[string]any{"application_id": applications[1], "agreed": false, "text": "与本区产业结合不紧"}
	word["agreed"] = false
	w.users["conference"].ok("POST", l+"/conclude", word)
	against := director.refused("R-016", "POST", l+"/deliberate", map[string]any{}, "R-070", "R-071", "R-072")
	assert.Contains(t, against.body, "会议不同意")
	director.ok("POST", l+"/return", because("请按联席会议意见调整"))
	officer.ok("POST", l+"/adjust", map[string]any{"version": 2, "choices": []any{map[string]any{"application_id": applications[1], "choice": "reserve", "reason": "联席会议意见"}}})
	w.conclude(list, 3)

	// sent back, the bureau deliberates anew; what others have said of these lines stands
	director.ok("POST", l+"/return", because("会议纪要有误，重新审议"))
	assert.Contains(t, director.refused("R-072", "POST", l+"/deliberate", map[string]any{}).body, "退回之前的审议结论不再有效")
	director.ok("POST", l+"/conclude", w.conclusion(list, 4, director, "deliberation"))
	view := officer.do("GET", l, nil).is(t, 200)
	assert.Equal(t, 20000000, view.int(t, "budget.0.sum_fen"))
	assert.Equal(t, 40000000, view.int(t, "budget.1.left_fen"), "what is reserve uses nothing")
	director.ok("POST", l+"/deliberate", map[string]any{})
	page := "/api/publicities/" + list + "/page"
	w.stranger().do("GET", page, nil).is(t, 404)
	officer.ok("POST", l+"/publicise", map[string]any{})

	// five working days from 2 April, the holiday of 4 April left out
	assert.Equal(t, "2025-04-10", officer.do("GET", l, nil).text(t, "public_to"))
	w.at(2025, 4, 8, 9)
	officer.ok("POST", l+"/interrupt", because("公示系统故障"))
	assert.Contains(t, w.stranger().do("GET", page, nil).is(t, 200).body, "公示已中断")
	officer.do("POST", l+"/confirm", map[string]any{}).is(t, 409)
	assert.Contains(t, w.stranger().do("POST", "/api/publicities/"+list+"/object", map[string]any{"application_id": applications[0], "name": "刘建国", "contact": "13900000000", "text": "该项目与既有成果重复，附查新报告。"}).is(t, 409).body, "公示已中断")
	w.at(2025, 4, 14, 9)
	resumed := officer.ok("POST", l+"/resume", map[string]any{})
	assert.Equal(t, "2025-04-17", resumed.text(t, "result.public_to"), "three days were left: 8, 9 and 10 April")
	officer.ok("POST", l+"/correct", map[string]any{"text": "第1项的负责人姓名更正为“负责人0”。"})
	shown := w.stranger().do("GET", page, nil).is(t, 200)
	for _, has := range []string{"更正为", "拟立项项目公示", "至2025年4月17日24时", "data:image/png;base64,", `<td class="n">20.00</td>`} {
		assert.Contains(t, shown.body, has)
	}
	for _, not := range []string{"<script", resident(400, 1978), "第1项关键技术研究", "专家"} {
		assert.NotContains(t, shown.body, not)
	}
	assert.Contains(t, shown.header.Get("Content-Security-Policy"), "default-src 'none'")

	// an objection's days, its archive, and what the ranking would be without one expert
	o := w.stranger().ok("POST", "/api/publicities/"+list+"/object", map[string]any{"application_id": applications[0], "name": "刘建国", "contact": "13900000000", "text": "该项目与既有成果重复，附查新报告。"})
	assert.Equal(t, "2025-05-07", o.text(t, "result.answer_by"), "fifteen working days")
	objection := "/api/objections/" + o.text(t, "result.id")
	w.at(2025, 4, 18, 9)
	before := w.seq()
	supervisor.ok("POST", objection+"/accept", map[string]any{"answer": "材料齐全，予以受理"})
	assert.Contains(t, string(w.journal(before)[0].Facts), `"late":true`, "the third working day was the 17th")
	var code string
	for _, s := range w.seats(review) {
		if s.Class == "finance" {
			code = s.Code
		}
	}
	officer.do("GET", "/api/reviews/"+review+"/what_if?expert="+code, nil).is(t, 403)
	supervisor.do("GET", "/api/reviews/"+review+"/what_if?expert=nobody", nil).is(t, 422)
	tried := supervisor.do("GET", "/api/reviews/"+review+"/what_if?expert="+code, nil).is(t, 200)
	assert.Equal(t, 0, tried.int(t, "lines.0.after_rank"), "four marks are too few to rank (R-065)")
	supervisor.ok("POST", objection+"/investigate", map[string]any{"answer": "已核对查新报告"})
	supervisor.ok("POST", objection+"/dismiss", map[string]any{"answer": "经核查不构成重复"})
	supervisor.ok("POST", objection+"/archive", map[string]any{"answer": "归档"})
	supervisor.do("POST", objection+"/archive", map[string]any{"answer": "归档"}).is(t, 409)
	officer.ok("POST", l+"/confirm", map[string]any{})

	told := lead.do("GET", feedback, nil).is(t, 200)
	assert.Contains(t, told.body, "方案可行，建议支持。")
	for _, s := range w.seats(review) {
		assert.NotContains(t, told.body, s.Name)
		assert.NotContains(t, told.body, s.Code)
	}
	w.users["lead1"].do("GET", feedback, nil).is(t, 404)
	w.sound()
}

// TestConclusionEntered: what an officer enters for another office names an
// office of the list and comes with a document one can read.
func TestConclusionEntered(t *testing.T) {
	w, guide, review, _ := marked(t, nil, 50, 45)
	w.sign(review, w.open(review))
	officer := w.users["officer"]
	officer.ok("POST", "/api/reviews/"+review+"/close", map[string]any{})
	list := officer.ok("POST", "/api/lists", map[string]any{"guide_id": guide}).text(t, "result.id")
	path := "/api/lists/" + list + "/conclude"
	entered := func(kind, unit, name string, data []byte) map[string]any {
		body := w.conclusion(list, 1, officer, kind)
		body["document"], body["unit_id"] = "纪要〔2025〕2号", unit
		body["file_id"] = officer.upload(name, data).is(t, 201).text(t, "result.id")
		return body
	}
	scan := []byte("%PDF-1.4 扫描件")
	for _, c := range []struct {
		body  map[string]any
		field string
	}{
		{entered("joint_unit", "nobody", "函.pdf", scan), "unit_id"},
		{entered("joint_unit", w.units["lead5"], "函.pdf", scan), "unit_id"},
		{entered("conference", w.units["lead5"], "纪要.pdf", scan), "unit_id"},
		{entered("conference", "", "纪要.zip", []byte("PK\x05\x06"+strings.Repeat("\x00", 18))), "file_id"},
	} {
		assert.Contains(t, officer.do("POST", path, c.body).is(t, 422).body, `"field":"`+c.field+`"`)
	}
	for _, day := range []string{"1900-01-01", "2025-04-01"} {
		early := entered("conference", "", "纪要.pdf", scan)
		early["day"] = day
		assert.Contains(t, officer.do("POST", path, early).is(t, 422).body, `"field":"day"`, "before there was a list")
	}
	officer.ok("POST", path, entered("conference", "", "纪要.pdf", scan))

	// what an office has said by its own account no officer enters otherwise
	no := w.conclusion(list, 1, w.users["finance"], "finance")
	no["agreed"], no["schedule"] = false, nil
	w.users["finance"].ok("POST", path, no)
	assert.Contains(t, officer.do("POST", path, entered("finance", "", "函.pdf", scan)).is(t, 409).body, "由其账号更正")
	w.users["finance"].ok("POST", path, w.conclusion(list, 1, w.users["finance"], "finance"))
	w.sound()
}
