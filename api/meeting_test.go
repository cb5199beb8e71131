package api_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/experts/draw"
	"keping/rbac/journal"
	"keping/rbac/rulebook"
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
	code := officer.do("GET", r+"/sign_in_code", nil).is(t, 200).text(t, "code")
	seats := slices.DeleteFunc(w.seats(review), func(s seat) bool { return s.State != "pledged" })
	w.expert(seats[0]).do("GET", r+"/sign_in_code", nil).is(t, 403)
	for _, early := range []answer{w.expert(seats[0]).do("POST", r+"/sign_in", map[string]any{"code": code}), officer.do("POST", "/api/seats/"+seats[1].ID+"/attend", map[string]any{})} {
		assert.Contains(t, early.is(t, 409).body, "2025-04-25", "nobody is there before the day")
	}
	w.at(2025, 4, 25, 8)
	officer.refused("P-53", "POST", r+"/start", map[string]any{})
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
	done := w.journal(before)
	assert.Equal(t, "sheet.void", done[1].Act)
	told := officer.do("GET", r+"/reasons", nil).is(t, 200)
	assert.Equal(t, []any{"sheet.return", "sheet/" + sheets[0].ID, "专家电话说明误填"}, []any{told.get(t, "items.0.act"), told.get(t, "items.0.object"), told.get(t, "items.0.text")})
	assert.Contains(t, string(done[0].Facts), `"reason":"`+journal.Hash(told.text(t, "items.0.salt")+"\n专家电话说明误填")+`"`, "whoever reads the reason can find it in the journal")
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

// TestDefenceOrder: anybody recomputes order and introducers from the seed in
// the draw's record; the journal holds their digest; a change of the panel
// changes no turn, only who introduces.
func TestDefenceOrder(t *testing.T) {
	w, review, applications := meetingWorld(t)
	officer, r := w.users["officer"], "/api/reviews/"+review
	w.drawPanel(review)
	w.seatAll(review)
	recomputed := func() []reviewing.Slot {
		t.Helper()
		shown := officer.do("GET", r, nil).is(t, 200)
		record, err := draw.ParseRecord([]byte(officer.do("GET", "/api/draws/"+shown.text(t, "draws.0.id")+"/record", nil).is(t, 200).body))
		require.NoError(t, err)
		panel, err := draw.NewPanel(record)
		require.NoError(t, err)
		technical := map[string][]string{}
		for _, id := range applications {
			a := officer.do("GET", "/api/applications/"+id, nil).is(t, 200)
			if a.text(t, "state") == "withdrawn" {
				continue
			}
			for _, s := range panel.Sitting(id) {
				if s.Class == "technical" && s.Code != "" {
					technical[a.text(t, "number")] = append(technical[a.text(t, "number")], s.Code)
				}
			}
		}
		slots := reviewing.DefenceOrder(record.Seed, technical)
		var shownSlots struct{ Defence []reviewing.Slot }
		require.NoError(t, json.Unmarshal([]byte(shown.body), &shownSlots))
		assert.Equal(t, slots, shownSlots.Defence)
		hash, err := journal.HashOf(slots)
		require.NoError(t, err)
		found := false
		for _, e := range w.journal(0) {
			found = found || strings.Contains(string(e.Facts), `"defence":"`+hash+`"`)
		}
		assert.True(t, found, "its digest is in the journal")
		return slots
	}
	officer.ok("POST", r+"/confirm", map[string]any{})
	first := recomputed()
	w.declareAll(review)
	officer.ok("POST", r+"/start", map[string]any{})
	for _, s := range w.live(review, "technical") {
		if s.Code == first[0].Introducer {
			officer.ok("POST", "/api/seats/"+s.ID+"/replace", because("突发疾病"))
		}
	}
	again := recomputed()
	assert.Equal(t, []string{first[0].Application, first[1].Application}, []string{again[0].Application, again[1].Application}, "the turns stay")
	assert.NotEqual(t, first[0].Introducer, again[0].Introducer, "who has left introduces nothing")
	version := officer.do("GET", "/api/applications/"+applications[0], nil).int(t, "version")
	w.users["lead0"].ok("POST", "/api/applications/"+applications[0]+"/withdraw", map[string]any{"version": version, "reason": "不再申报"})
	assert.Len(t, recomputed(), 1, "who withdraws has no turn")
}

// TestChair: elected by a majority or appointed; not somebody whose unit is
// among the applicants, even where that application alone is out of bounds (P-16).
func TestChair(t *testing.T) {
	w := newWorld(t)
	w.populate()
	w.pack(func(p *rulebook.Pack) { p.ConflictScope = "application" })
	guide := w.guide(guideBody(w.programme("major", "t0", "t1", "t2", "t3", "t4"), item("A1", "major", false, 25000000)))
	w.at(2025, 4, 2, 9)
	body := w.application(guide, "A1", 0)
	body["partners"] = []string{w.units["of-f0"], w.units["of-f1"]} // two of three finance experts
	first := w.accepted("lead0", body)
	second := w.accepted("lead1", w.application(guide, "A1", 1))
	officer := w.users["officer"]
	var review string
	var tied seat
	for tied.ID == "" { // by chance one of the two sits
		review = officer.ok("POST", "/api/reviews", reviewBody(guide, 3, 1, 1, first, second)).text(t, "result.id")
		w.drawPanel(review)
		for _, s := range w.live(review, "finance") {
			if s.ApplicationID == "" && s.Name != "专家f2" {
				tied = s
			}
		}
		if tied.ID == "" {
			w.seatAll(review) // their links are used up, and in nobody's way
			officer.ok("POST", "/api/reviews/"+review+"/void", because("改期另行组织"))
		}
	}
	r := "/api/reviews/" + review
	w.seatAll(review)
	officer.ok("POST", r+"/confirm", map[string]any{})
	choose := func(s seat) map[string]any { return map[string]any{"seat_id": s.ID} }
	panel := slices.DeleteFunc(w.live(review, ""), func(s seat) bool { return s.ApplicationID != "" })
	others := slices.DeleteFunc(slices.Clone(panel), func(s seat) bool { return s.ID == tied.ID })
	refused := officer.do("POST", r+"/appoint_chair", choose(tied)).is(t, 422)
	assert.Contains(t, refused.body, `"rule":"P-16"`)
	assert.Contains(t, w.expert(others[0]).do("POST", r+"/vote_chair", choose(tied)).is(t, 422).body, `"rule":"P-16"`)
	w.pack(func(p *rulebook.Pack) { p.ConflictScope, p.Disabled = "application", []string{"P-16"} })
	officer.do("POST", r+"/appoint_chair?dry_run=true", choose(tied)).is(t, 200)
	w.pack(func(p *rulebook.Pack) { p.ConflictScope = "application" })

	officer.do("POST", r+"/vote_chair", choose(others[0])).is(t, 403)
	for i, s := range panel[:3] {
		elected := w.expert(s).ok("POST", r+"/vote_chair", choose(others[0])).text(t, "result.chair_seat_id")
		assert.Equal(t, i == 2, elected == others[0].ID, "three of five are a majority")
	}
	officer.do("POST", r+"/appoint_chair", choose(others[1])).is(t, 409)
}

// TestCorrespondence: a review without a meeting runs to its end; nobody signs in.
func TestCorrespondence(t *testing.T) {
	w, review, applications := meetingWorld(t)
	officer, r := w.users["officer"], "/api/reviews/"+review
	w.drawPanel(review)
	w.seatAll(review)
	officer.ok("POST", r+"/confirm", map[string]any{})
	w.declareAll(review)
	one := w.live(review, "")[0]
	assert.Contains(t, w.expert(one).do("POST", r+"/sign_in", map[string]any{"code": "123456"}).is(t, 409).body, "通讯评审")
	officer.do("POST", "/api/seats/"+one.ID+"/attend", map[string]any{}).is(t, 409)
	started := officer.ok("POST", r+"/start", map[string]any{})
	assert.Contains(t, started.body, `"rule":"P-53"`)
	assert.Contains(t, started.body, `"verdict":"not_applicable"`)
	level := map[string]float64{applications[0]: 50, applications[1]: 44}
	w.markAll(review, func(id string) float64 { return level[id] })
	w.sign(review, w.open(review))
	closed := officer.ok("POST", r+"/close", map[string]any{})
	assert.Equal(t, "closed", closed.text(t, "result.state"))
	assert.Nil(t, closed.get(t, "result.meets_at"))
	w.sound()
}

// TestNoQuorum: too few have come; the review is void with the reason, its
// links are dead, its sheets too, and its applications go into another review.
func TestNoQuorum(t *testing.T) {
	w, review, applications := meetingWorld(t)
	officer, r := w.users["officer"], "/api/reviews/"+review
	officer.ok("POST", r+"/arrange", map[string]any{"meets_at": "2025-04-25T09:00:00+08:00", "place": "区政府201会议室"})
	w.at(2025, 4, 24, 9)
	w.drawPanel(review)
	w.seatAll(review)
	officer.ok("POST", r+"/confirm", map[string]any{})
	w.declareAll(review)
	w.at(2025, 4, 25, 9)
	present := w.live(review, "technical")
	for _, s := range present {
		officer.ok("POST", "/api/seats/"+s.ID+"/attend", map[string]any{})
	}
	officer.refused("P-53", "POST", r+"/start", map[string]any{})
	before := w.seq()
	void := officer.ok("POST", r+"/void", because("到会三名专家，缺管理、财务专家，不足法定人数"))
	failed := map[string]bool{}
	for _, v := range void.verdicts(t) {
		failed[v.Rule] = failed[v.Rule] || v.Verdict == rulebook.OutcomeFail
	}
	assert.Equal(t, map[string]bool{"R-063": true, "R-064": true, "R-065": true}, failed, "who has come stands beside the reason")
	facts := string(w.journal(before)[0].Facts)
	assert.Contains(t, facts, `"present":3`)
	assert.NotContains(t, facts, "法定人数")
	for _, s := range w.seats(review) {
		assert.Equal(t, "vacated", s.State)
	}
	w.expert(present[0]).do("GET", r+"/papers", nil).is(t, 404)
	for _, id := range applications {
		assert.Equal(t, "accepted", officer.do("GET", "/api/applications/"+id, nil).text(t, "state"))
	}

	// Another review takes them to its end; void while marked, its sheets are void too.
	body := reviewBody(officer.do("GET", r, nil).text(t, "guide_id"), 3, 1, 1, applications...)
	body["meeting_day"] = "2025-04-26"
	next := w.marking(body)
	w.markAll(next, func(string) float64 { return 50 })
	before = w.seq()
	officer.ok("POST", "/api/reviews/"+next+"/void", because("材料泄露，另行组织"))
	voided := 0
	for _, e := range w.journal(before) {
		if e.Act == "sheet.void" {
			voided++
		}
	}
	assert.Equal(t, 10, voided)

	// Invitations of a void review answer nothing.
	third := officer.ok("POST", "/api/reviews", body).text(t, "result.id")
	w.drawPanel(third)
	invited := w.live(third, "")[0]
	for _, s := range w.live(third, "") {
		if s.ID != invited.ID {
			w.reply(s, true)
		}
	}
	token, err := w.box.Token(shortOf(invited) + "@example.cn")
	require.NoError(t, err)
	officer.ok("POST", "/api/reviews/"+third+"/void", because("改期另行组织"))
	w.stranger().do("POST", "/api/invitations/reply", map[string]any{"token": token, "accept": true, "password": password, "consent": true}).is(t, 404)

	// Once marks are open, who knows the result may not make it go away.
	last := w.marking(body)
	level := map[string]float64{applications[0]: 50, applications[1]: 44}
	w.markAll(last, func(id string) float64 { return level[id] })
	w.open(last)
	assert.Contains(t, officer.do("POST", "/api/reviews/"+last+"/void", because("结果不理想")).is(t, 409).body, "监督")
	w.users["supervisor"].ok("POST", "/api/reviews/"+last+"/void", because("查实评分过程泄密"))
	w.sound()
}

// TestNothingLeft: a review all of whose applications have been withdrawn is not
// opened, it is ended.
func TestNothingLeft(t *testing.T) {
	w, _, review, applications := marked(t, nil, 50, 45)
	for i, id := range applications {
		version := w.users["officer"].do("GET", "/api/applications/"+id, nil).get(t, "version")
		w.users[fmt.Sprintf("lead%d", i)].ok("POST", "/api/applications/"+id+"/withdraw", map[string]any{"version": version, "reason": "项目方向调整"})
	}
	assert.Contains(t, w.users["supervisor"].do("POST", "/api/reviews/"+review+"/open", map[string]any{}).is(t, 409).body, "请宣布流会")
	w.users["officer"].ok("POST", "/api/reviews/"+review+"/void", because("申报项目均已撤回"))
	w.sound()
}
