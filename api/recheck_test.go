package api_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/experts/draw"
	"keping/rbac/rulebook"
)

// leaderOf is the person who leads an application.
func (w *world) leaderOf(application string) string {
	w.t.Helper()
	return w.users["officer"].do("GET", "/api/applications/"+application, nil).is(w.t, 200).text(w.t, "leader_id")
}

// live are the seats not given up, of a class if given.
func (w *world) live(review, class string) []seat {
	w.t.Helper()
	return slices.DeleteFunc(w.seats(review), func(s seat) bool { return s.State == "vacated" || class != "" && s.Class != class })
}

func shortOf(s seat) string { return strings.TrimPrefix(s.Name, "专家") }

// kin declares an expert a relative of an application's leader.
func (w *world) kin(short, leader string) {
	w.t.Helper()
	w.facts(short, map[string]any{"ties": []any{map[string]any{"kind": "kin", "person_id": leader}}})
}

// TestBeforeInvitation: between freeze, draw and each vacancy the facts may
// change; whom they exclude on the day gets no invitation, and the record says so.
func TestBeforeInvitation(t *testing.T) {
	w := newWorld(t)
	w.populate()
	guide := w.guide(guideBody(w.programme("major", "t0", "t1", "t2", "t3"), item("A1", "major", false, 25000000)))
	w.at(2025, 4, 2, 9)
	application := w.accepted("lead0", w.application(guide, "A1", 0))
	leader := w.leaderOf(application)
	officer := w.users["officer"]
	review := officer.ok("POST", "/api/reviews", reviewBody(guide, 3, 1, 1, application)).text(t, "result.id")
	r := "/api/reviews/" + review
	frozen := officer.ok("POST", r+"/freeze", map[string]any{})
	assert.Equal(t, 4, frozen.int(t, "result.candidates.technical"))
	w.kin("t0", leader)                                                                                                         // a new tie
	w.users["keeper"].ok("POST", "/api/experts/"+w.experts["t1"]+"/suspend", map[string]any{"version": 2, "reason": "信用记录核查中"}) // no longer in the pool
	d := frozen.text(t, "result.draw_id")
	w.drawNow(d, frozen.text(t, "result.frame_hash"))
	for _, s := range w.seats(review) {
		if short := shortOf(s); short == "t0" || short == "t1" {
			assert.Equal(t, "vacated", s.State, "drawn, but passed over")
			assert.NotContains(t, officer.do("GET", "/api/notices?object=seat/"+s.ID, nil).is(t, 200).body, "invitation")
		}
	}
	assert.Len(t, w.live(review, "technical"), 2, "one seat stays open: of four candidates two may not")
	record, err := draw.ParseRecord([]byte(officer.do("GET", "/api/draws/"+d+"/record", nil).is(t, 200).body))
	require.NoError(t, err)
	require.NoError(t, draw.Verify(record))
	require.NotEmpty(t, record.Vacancies)
	var journal bytes.Buffer
	_, err = w.app.Store.ExportJournal(t.Context(), &journal)
	require.NoError(t, err)
	require.NoError(t, draw.VerifyJournal(record, &journal), "outsiders find every row in the journal, in its order")
	w.seatAll(review)
	officer.refused("R-063", "POST", r+"/confirm", map[string]any{}, "R-065", "-")

	// A vacancy: the alternate who has become a relative is passed over too.
	var finance seat
	for _, s := range w.live(review, "finance") {
		finance = s
	}
	others := slices.DeleteFunc([]string{"f0", "f1", "f2"}, func(short string) bool { return short == shortOf(finance) })
	w.kin(others[0], leader)
	officer.ok("POST", "/api/seats/"+finance.ID+"/replace", because("当日无法参加"))
	now := w.live(review, "finance")
	require.Len(t, now, 1)
	assert.Equal(t, others[1], shortOf(now[0]))
	w.sound()
}

// TestLateConflict: a conflict that comes to light after marks were given holds
// up the opening and the closing; a re-check voids the marks, each on record,
// and the next alternate takes the seat, before and after the opening.
func TestLateConflict(t *testing.T) {
	for _, scope := range []string{"review", "application"} {
		t.Run(scope, func(t *testing.T) {
			w, review, applications := meetingWorld(t)
			w.pack(func(p *rulebook.Pack) { p.ConflictScope = scope })
			officer, supervisor, r := w.users["officer"], w.users["supervisor"], "/api/reviews/"+review
			w.drawPanel(review)
			w.seatAll(review)
			officer.ok("POST", r+"/confirm", map[string]any{})
			w.declareAll(review)
			officer.ok("POST", r+"/start", map[string]any{})
			w.markAll(review, func(string) float64 { return 50 })
			before := w.seq()
			assert.Empty(t, officer.ok("POST", r+"/recheck", map[string]any{}).get(t, "result.changed"), "nothing has changed")
			assert.Len(t, w.journal(before), 1)
			w.users["director"].do("POST", r+"/recheck", map[string]any{}).is(t, 403)

			// Before the opening: one of the panel turns out to be a relative.
			kin := w.live(review, "technical")[0]
			w.kin(shortOf(kin), w.leaderOf(applications[0]))
			chair := w.live(review, "technical")[1]
			officer.ok("POST", r+"/appoint_chair", map[string]any{"seat_id": chair.ID})
			assert.Contains(t, w.expert(chair).do("POST", r+"/open", map[string]any{}).is(t, 422).body, `"rule":"kin"`)
			before = w.seq()
			changed := officer.ok("POST", r+"/recheck", map[string]any{})
			assert.Equal(t, kin.ID, changed.text(t, "result.changed.0.seat_id"))
			assert.Equal(t, []any{"kin"}, changed.get(t, "result.changed.0.rules"))
			assert.Contains(t, string(w.journal(before)[0].Facts), `"rules":["kin"],"seat":"`+kin.Code+`"`)
			acts := map[string]int{}
			for _, e := range w.journal(before) {
				acts[e.Act]++
			}
			want := map[string]map[string]int{"review": {"review.recheck": 1, "sheet.void": 2, "vacancy.fill": 1},
				"application": {"review.recheck": 1, "declaration.approve": 1, "sheet.void": 1, "vacancy.fill": 1}}
			assert.Equal(t, want[scope], acts)
			if scope == "application" {
				left := w.sheets(w.expert(kin), review)
				require.Len(t, left, 1, "the other application stays")
				assert.Equal(t, applications[1], left[0].ApplicationID)
			} else {
				assert.Equal(t, "vacated", w.seats(review)[slices.IndexFunc(w.seats(review), func(s seat) bool { return s.ID == kin.ID })].State)
			}
			w.seatAll(review)
			w.declareAll(review)
			w.markAll(review, func(string) float64 { return 48 })
			w.expert(chair).ok("POST", r+"/open", map[string]any{})
			supervisor.ok("POST", r+"/open", map[string]any{})

			// After the opening: the manager has come to work for an applicant.
			manager := w.live(review, "management")[0]
			w.facts(shortOf(manager), map[string]any{"employments": []any{map[string]any{"unit_id": w.units["lead1"], "from": "2025-03-01"}}})
			w.sign(review, w.expert(chair))
			assert.Contains(t, officer.do("POST", r+"/close", map[string]any{}).is(t, 422).body, `"rule":"same_unit"`)
			changed = supervisor.ok("POST", r+"/recheck", map[string]any{})
			assert.Equal(t, manager.ID, changed.text(t, "result.changed.0.seat_id"))
			assert.Equal(t, "marking", changed.text(t, "result.state"), "the substitute marks first")
			w.seatAll(review)
			w.declareAll(review)
			level := map[string]float64{applications[0]: 51, applications[1]: 44}
			w.markAll(review, func(id string) float64 { return level[id] })
			w.expert(chair).ok("POST", r+"/open", map[string]any{})
			supervisor.ok("POST", r+"/open", map[string]any{})
			w.sign(review, w.expert(chair))
			officer.ok("POST", r+"/close", map[string]any{})
			assert.Contains(t, officer.do("GET", r+"/ranking?format=json", nil).is(t, 200).body, `"status":"void"`)
			w.sound()
		})
	}
}

// TestRecusalAfterOpening: who finds out in the discussion that there is a tie
// asks to be recused; approved, the marks are void and an alternate marks first.
func TestRecusalAfterOpening(t *testing.T) {
	w, review, applications := meetingWorld(t)
	officer, supervisor, r := w.users["officer"], w.users["supervisor"], "/api/reviews/"+review
	w.drawPanel(review)
	w.seatAll(review)
	officer.ok("POST", r+"/confirm", map[string]any{})
	w.declareAll(review)
	officer.ok("POST", r+"/start", map[string]any{})
	w.markAll(review, func(string) float64 { return 50 })
	chair := w.open(review)
	late := w.live(review, "management")[0]
	d := w.expert(late).ok("POST", r+"/declare", map[string]any{"application_id": applications[0], "clear": false, "kind": "cooperation", "reason": "讨论中发现与成员合著论文"}).text(t, "result.id")
	assert.Contains(t, officer.do("POST", r+"/close", map[string]any{}).is(t, 422).body, `"rule":"declared"`)
	before := w.seq()
	officer.ok("POST", "/api/declarations/"+d+"/approve", map[string]any{})
	var acts []string
	for _, e := range w.journal(before) {
		acts = append(acts, e.Act)
	}
	assert.Equal(t, []string{"declaration.approve", "sheet.void", "vacancy.fill"}, acts)
	assert.Equal(t, "marking", officer.do("GET", r, nil).text(t, "state"))
	w.seatAll(review)
	w.declareAll(review)
	level := map[string]float64{applications[0]: 51, applications[1]: 44}
	w.markAll(review, func(id string) float64 { return level[id] })
	chair.ok("POST", r+"/open", map[string]any{})
	supervisor.ok("POST", r+"/open", map[string]any{})
	w.sign(review, chair)
	assert.Empty(t, officer.ok("POST", r+"/recheck", map[string]any{}).get(t, "result.changed"), "who is recused already leaves nothing more")
	officer.ok("POST", r+"/close", map[string]any{})
	w.sound()
}

// TestLateQuestion: a question that arises while the panel marks holds up the
// opening until an officer has decided it; pinned, it is a conflict like any
// other. A new application of one of the panel ends the seat altogether.
func TestLateQuestion(t *testing.T) {
	w, review, applications := meetingWorld(t)
	officer, r := w.users["officer"], "/api/reviews/"+review
	review2 := officer.do("GET", r, nil)
	programme, guide := review2.text(t, "programme_id"), review2.text(t, "guide_id")
	w.drawPanel(review)
	w.seatAll(review)
	officer.ok("POST", r+"/confirm", map[string]any{})
	w.declareAll(review)
	officer.ok("POST", r+"/start", map[string]any{})
	w.markAll(review, func(string) float64 { return 50 })
	asked := w.live(review, "technical")[0]
	w.facts(shortOf(asked), map[string]any{"ties": []any{map[string]any{"kind": "cooperation", "person_id": w.leaderOf(applications[1]), "last": "2024-12-01"}}})
	assert.Empty(t, officer.ok("POST", r+"/recheck", map[string]any{}).get(t, "result.changed"), "a question is no reason to leave")
	chair := w.live(review, "technical")[1]
	officer.ok("POST", r+"/appoint_chair", map[string]any{"seat_id": chair.ID})
	assert.Contains(t, w.expert(chair).do("POST", r+"/open", map[string]any{}).is(t, 422).body, `"rule":"cooperation"`)
	found := w.conflicts(programme, w.ids(shortOf(asked)), nil)
	require.Len(t, found, 1)
	officer.ok("POST", "/api/conflicts/decide", map[string]any{"programme_id": programme, "expert_id": found[0].ExpertID, "key": found[0].Key, "decision": "pinned", "reason": "合作密切，须回避"})
	assert.Equal(t, asked.ID, officer.ok("POST", r+"/recheck", map[string]any{}).text(t, "result.changed.0.seat_id"))

	manager := w.live(review, "management")[0]
	document, _ := documentOf(shortOf(manager))
	led := w.application(guide, "A1", 4)
	led["members"] = []any{person(manager.Name, document, w.units["lead4"])}
	w.accepted("lead4", led)
	changed := officer.ok("POST", r+"/recheck", map[string]any{})
	var body struct {
		Result struct{ Changed []struct{ Rules []string } }
	}
	require.NoError(t, json.Unmarshal([]byte(changed.body), &body))
	require.Len(t, body.Result.Changed, 1)
	assert.Equal(t, []string{"own_application"}, body.Result.Changed[0].Rules)
	w.sound()
}
