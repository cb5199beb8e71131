package api_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/reviewing"
)

// meetingWorld has two applications in a review whose panel is confirmed.
func meetingWorld(t *testing.T) (w *world, review string, applications []string) {
	w = newWorld(t)
	w.populate()
	guide := w.guide(guideBody(w.programme("major", "t0", "t1", "t2", "t3", "t4", "t5", "t6"), item("A1", "major", false, 25000000)))
	w.at(2025, 4, 2, 9)
	for i := range 2 {
		applications = append(applications, w.accepted(fmt.Sprintf("lead%d", i), w.application(guide, "A1", i)))
	}
	review = w.users["officer"].ok("POST", "/api/reviews", reviewBody(guide, 3, 1, 1, applications...)).text(t, "result.id")
	return w, review, applications
}

func because(reason string) map[string]any { return map[string]any{"reason": reason} }

// TestMeeting: a meeting is arranged, experts sign in, one is away for one
// application, the order of defence follows from the seed.
func TestMeeting(t *testing.T) {
	w, review, applications := meetingWorld(t)
	officer, r := w.users["officer"], "/api/reviews/"+review
	arrangement := map[string]any{"meets_at": "2025-04-24T09:00:00+08:00", "place": "区政府201会议室", "agenda": []string{"介绍项目", "答辩", "评分"}}
	officer.do("POST", r+"/arrange", arrangement).is(t, 422)
	arrangement["meets_at"] = "2025-04-25T09:00:00+08:00"
	officer.ok("POST", r+"/arrange", arrangement)
	w.drawPanel(review)
	w.seatAll(review)
	confirmed := officer.ok("POST", r+"/confirm", map[string]any{})
	order := []string{confirmed.text(t, "result.defence.0.application"), confirmed.text(t, "result.defence.1.application")}
	assert.NotEqual(t, order[0], order[1])
	assert.NotEmpty(t, confirmed.text(t, "result.defence.0.introducer"))
	w.declareAll(review)

	// sign in: by the code shown, or by the officer
	officer.refused("P-53", "POST", r+"/start", map[string]any{})
	code := officer.do("GET", r+"/sign_in_code", nil).is(t, 200).text(t, "code")
	seats := slices.DeleteFunc(w.seats(review), func(s seat) bool { return s.State != "pledged" })
	w.expert(seats[0]).do("GET", r+"/sign_in_code", nil).is(t, 403)
	wrong := "000000"
	if code == wrong {
		wrong = "000001"
	}
	w.expert(seats[0]).do("POST", r+"/sign_in", map[string]any{"code": wrong}).is(t, 422)
	for i, s := range seats {
		if i < 3 {
			w.expert(s).ok("POST", r+"/sign_in", map[string]any{"code": code})
		} else {
			officer.ok("POST", "/api/seats/"+s.ID+"/attend", map[string]any{})
		}
	}

	// one technical expert is away for one application: a substitute, for it alone
	var away seat
	for _, s := range seats {
		if s.Class == "technical" {
			away = s
		}
	}
	absent := map[string]any{"application_id": applications[0], "reason": "上午另有会议"}
	officer.ok("POST", "/api/seats/"+away.ID+"/absent", absent)
	officer.do("POST", "/api/seats/"+away.ID+"/absent", absent).is(t, 422)
	w.seatAll(review)
	w.declareAll(review)
	officer.refused("P-53", "POST", r+"/start", map[string]any{})
	for _, s := range w.seats(review) {
		if s.ApplicationID == applications[0] {
			officer.ok("POST", "/api/seats/"+s.ID+"/attend", map[string]any{})
		}
	}
	officer.ok("POST", r+"/start", map[string]any{})
	var own []string
	for _, x := range w.sheets(w.expert(away), review) {
		own = append(own, x.ApplicationID)
	}
	assert.Equal(t, []string{applications[1]}, own, "the absent expert marks the other application only")
	w.sound()
}

// TestPauseAndRedo: the supervisor stops and resumes; marking is done again
// with reason and approval, the old results stay on record; a sheet goes back.
func TestPauseAndRedo(t *testing.T) {
	w, review, applications := meetingWorld(t)
	officer, supervisor, r := w.users["officer"], w.users["supervisor"], "/api/reviews/"+review
	w.drawPanel(review)

	// paused, nothing moves and no time runs out
	officer.do("POST", r+"/pause", because("接到举报")).is(t, 403)
	supervisor.ok("POST", r+"/pause", because("接到举报，核实中"))
	supervisor.do("POST", r+"/pause", because("再次暂停")).is(t, 409)
	stopped := officer.do("POST", r+"/confirm", map[string]any{}).is(t, 409)
	assert.Contains(t, stopped.body, "接到举报，核实中")
	officer.do("POST", r+"/void", because("流会")).is(t, 409)
	invited := w.seats(review)[0]
	w.clock.Add(int64(48 * time.Hour / time.Second))
	n, err := w.app.Reviews.ExpireInvitations(t.Context())
	require.NoError(t, err)
	assert.Zero(t, n, "no invitation expires while paused")
	supervisor.ok("POST", r+"/resume", map[string]any{})
	supervisor.do("POST", r+"/resume", map[string]any{}).is(t, 409)
	w.reply(invited, true)
	w.seatAll(review)
	officer.ok("POST", r+"/confirm", map[string]any{})
	w.declareAll(review)
	officer.ok("POST", r+"/start", map[string]any{})
	officer.ok("POST", r+"/remind", map[string]any{})

	// a sheet is given back before the opening: what was submitted is void, on record
	w.markAll(review, func(string) float64 { return 50 })
	someone := w.expert(w.seats(review)[0])
	sheets := w.sheets(someone, review)
	someone.do("POST", "/api/sheets/"+sheets[0].ID+"/return", because("误填")).is(t, 403)
	before := w.seq()
	officer.ok("POST", "/api/sheets/"+sheets[0].ID+"/return", because("专家电话说明误填"))
	assert.Equal(t, "sheet.void", w.journal(before)[1].Act)
	draft := slices.ContainsFunc(w.sheets(someone, review), func(x sheet) bool { return x.State == "draft" })
	assert.True(t, draft, "an empty sheet instead")
	w.markAll(review, func(string) float64 { return 52 })

	// redo: asked for by the officer, decided by the supervisor
	chair := w.open(review)
	supervisor.do("POST", r+"/approve_redo", map[string]any{}).is(t, 409)
	officer.ok("POST", r+"/redo", because("评分开始前材料展示有误"))
	officer.do("POST", r+"/approve_redo", map[string]any{}).is(t, 403)
	supervisor.ok("POST", r+"/reject_redo", map[string]any{})
	officer.ok("POST", r+"/redo", because("评分开始前材料展示有误"))
	again := supervisor.ok("POST", r+"/approve_redo", map[string]any{})
	assert.Equal(t, "marking", again.text(t, "result.state"))
	var kept int64
	require.NoError(t, w.app.Store.DB.Read(t.Context()).Model(&reviewing.Sheet{}).Where("review_id = ? AND state = ?", review, reviewing.SheetVoid).Count(&kept).Error)
	assert.EqualValues(t, 11, kept, "ten sheets and the one given back stay on record")
	level := map[string]float64{applications[0]: 54, applications[1]: 48}
	w.markAll(review, func(id string) float64 { return level[id] })
	chair.ok("POST", r+"/open", map[string]any{})
	supervisor.ok("POST", r+"/open", map[string]any{})

	// dissent beside a signature, and a recorded refusal to sign
	chair.ok("POST", r+"/opinion", map[string]any{"text": "专家组认为申报项目总体符合指南要求。"})
	panel := slices.DeleteFunc(w.seats(review), func(s seat) bool { return s.State != "pledged" })
	for i, s := range panel {
		switch i {
		case 0:
			w.expert(s).ok("POST", r+"/sign", map[string]any{"password": password, "dissent": "对第二项的预算持保留意见"})
		case 1:
			officer.refused("P-20", "POST", r+"/close", map[string]any{}, "-")
			officer.ok("POST", "/api/seats/"+s.ID+"/refuse_signature", because("不同意综合意见，拒绝签字"))
		default:
			w.expert(s).ok("POST", r+"/sign", map[string]any{"password": password})
		}
	}
	officer.ok("POST", r+"/close", map[string]any{})
	w.sound()
}
