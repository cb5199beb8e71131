package api_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/configs/database"
	"keping/experts"
	"keping/rbac/rulebook"
)

// expertColumn sets what no act of a test's own story changes.
func (w *world) expertColumn(short, column string, value any) {
	w.t.Helper()
	require.NoError(w.t, w.app.Store.DB.Do(w.t.Context(), func(tx *database.Tx) error {
		return tx.Model(&experts.Expert{}).Where("id = ?", w.experts[short]).Update(column, value).Error
	}, nil))
}

// verdict finds one verdict of an answer by rule and, if given, class.
func (a answer) verdict(t testing.TB, rule, class string) rulebook.Verdict {
	t.Helper()
	for _, v := range a.verdicts(t) {
		if v.Rule == rule && (class == "" || v.Inputs["class"] == class) {
			return v
		}
	}
	require.Fail(t, "no verdict of "+rule+" "+class, a.body)
	return rulebook.Verdict{}
}

// TestFieldMatch: technical experts come from the fields of the applications,
// or a written reason lets others in.
func TestFieldMatch(t *testing.T) {
	w := newWorld(t)
	w.populate()
	a1 := item("A1", "major", false, 25000000)
	a1["fields"] = []string{"智能"}
	bad := guideBody(w.programme("major", "t0", "t1", "t2", "t3", "t4", "t5", "t6"), a1)
	w.users["officer"].do("POST", "/api/guides", bad).is(t, 422)
	a1["fields"] = []string{"520", "413.10"}
	guide := w.guide(bad)
	w.expertColumn("t0", "main_field", "630.10") // 管理学
	w.expertColumn("t0", "fields", `[{"code":"630.10"}]`)
	w.expertColumn("t1", "main_field", "520.60") // another second level of the same first
	w.expertColumn("m0", "main_field", "630.10") // whose field nobody asks about
	w.at(2025, 4, 2, 9)
	application := w.accepted("lead0", w.application(guide, "A1", 0))
	officer := w.users["officer"]
	review := officer.ok("POST", "/api/reviews", reviewBody(guide, 3, 1, 1, application)).text(t, "result.id")
	r := "/api/reviews/" + review
	forecast := officer.do("GET", r+"/feasibility", nil).is(t, 200)
	assert.Equal(t, 6, forecast.int(t, "candidates.technical"))
	assert.Equal(t, 4, forecast.int(t, "candidates.management"))
	assert.Equal(t, 1, forecast.int(t, "excluded.R-067"))
	officer.do("POST", r+"/justify_fields", because("需要")).is(t, 422)
	frozen := officer.do("POST", r+"/freeze?dry_run=true", map[string]any{}).is(t, 200)
	assert.EqualValues(t, 1, frozen.verdict(t, "R-067", "").Inputs["left_out"])

	officer.ok("POST", r+"/justify_fields", because("项目含产业化管理内容，需管理学专家"))
	frozen = officer.ok("POST", r+"/freeze", map[string]any{})
	assert.Equal(t, 7, frozen.int(t, "result.candidates.technical"))
	assert.Equal(t, true, frozen.verdict(t, "R-067", "").Inputs["justified"])
	officer.do("POST", r+"/justify_fields", because("锁定之后再说理由")).is(t, 409)
	w.drawNow(frozen.text(t, "result.draw_id"), frozen.text(t, "result.frame_hash"))
	w.seatAll(review)
	officer.ok("POST", r+"/confirm", map[string]any{})
	w.sound()
}

// TestFieldExcluded: left out without a reason, by name of the rule.
func TestFieldExcluded(t *testing.T) {
	w := newWorld(t)
	w.populate()
	a1 := item("A1", "major", false, 25000000)
	a1["fields"] = []string{"413"}
	guide := w.guide(guideBody(w.programme("major", "t0", "t1", "t2", "t3"), a1))
	w.at(2025, 4, 2, 9)
	application := w.accepted("lead0", w.application(guide, "A1", 0))
	officer := w.users["officer"]
	review := officer.ok("POST", "/api/reviews", reviewBody(guide, 3, 1, 1, application)).text(t, "result.id")
	refused := officer.do("POST", "/api/reviews/"+review+"/freeze", map[string]any{}).is(t, 422)
	assert.Contains(t, refused.body, "另有4名技术专家组成员专业与项目不符，经办书面说明理由后可列入候选")
	w.without("R-067")
	officer.do("POST", "/api/reviews/"+review+"/freeze?dry_run=true", map[string]any{}).is(t, 200)
}

// TestRuleDisabled: what the pack does without keeps nobody out of the frame.
func TestRuleDisabled(t *testing.T) {
	w := newWorld(t)
	w.populate()
	guide := w.guide(guideBody(w.programme("major", "t0", "t1", "t2", "t3"), item("A1", "major", false, 25000000)))
	w.at(2025, 4, 2, 9)
	document, _ := documentOf("m0")
	led := w.application(guide, "A1", 0)
	led["leaders"] = []any{person("专家m0", document, w.units["lead0"])}
	officer := w.users["officer"]
	review := officer.ok("POST", "/api/reviews", reviewBody(guide, 3, 1, 1, w.accepted("lead0", led))).text(t, "result.id")
	candidates := func() any {
		t.Helper()
		return officer.do("POST", "/api/reviews/"+review+"/freeze?dry_run=true", map[string]any{}).is(t, 200).verdict(t, "P-13", "management").Inputs["candidates"]
	}
	assert.EqualValues(t, 3, candidates())
	w.pack(func(p *rulebook.Pack) { p.Disabled = []string{"R-068", "own_application"} })
	assert.EqualValues(t, 4, candidates())
}

// TestSupply: a class with few candidates is warned about, never refused (P-13).
func TestSupply(t *testing.T) {
	w, review, _ := meetingWorld(t) // technical 7 for 3 seats, management 4 for 1, finance 3 for 1
	officer, freeze := w.users["officer"], "/api/reviews/"+review+"/freeze"
	a := officer.do("POST", freeze+"?dry_run=true", map[string]any{}).is(t, 200)
	for _, class := range []string{"technical", "management", "finance"} {
		assert.Equal(t, rulebook.OutcomePass, a.verdict(t, "P-13", class).Verdict, class)
	}
	w.pack(func(p *rulebook.Pack) { p.CandidatesPerSeat = 3 })
	a = officer.ok("POST", freeze, map[string]any{})
	for class, want := range map[string]rulebook.Outcome{"technical": rulebook.OutcomeFail, "management": rulebook.OutcomePass, "finance": rulebook.OutcomePass} {
		v := a.verdict(t, "P-13", class)
		assert.Equal(t, want, v.Verdict, class)
		assert.Equal(t, rulebook.Warn, v.Effect)
	}
	w.saw("P-13")
	assert.Contains(t, a.verdict(t, "P-13", "technical").Message, "候选7人，少于席位的3倍（9人，惯例）")
}

// TestUnitCap: the pack's cap holds for a review; stricter is anybody's to
// choose, wider the director's, with a reason, before the freeze (P-15).
func TestUnitCap(t *testing.T) {
	w := newWorld(t)
	w.populate()
	guide := w.guide(guideBody(w.programme("major", "t0", "t1", "t2"), item("A1", "major", false, 25000000)))
	for _, short := range []string{"t1", "t2"} { // three technical experts of two units
		w.expertColumn(short, "unit_id", w.units["of-t1"])
	}
	w.at(2025, 4, 2, 9)
	application := w.accepted("lead0", w.application(guide, "A1", 0))
	officer, director := w.users["officer"], w.users["director"]
	body := reviewBody(guide, 3, 1, 1, application)
	body["unit_cap"] = 2
	officer.refused("P-15", "POST", "/api/reviews", body)
	delete(body, "unit_cap")
	review := officer.ok("POST", "/api/reviews", body).text(t, "result.id")
	r := "/api/reviews/" + review
	assert.Contains(t, officer.do("POST", r+"/freeze", map[string]any{}).is(t, 422).body, "同单位上限由1放宽为2即可")
	raise := func(n int) map[string]any {
		return map[string]any{"unit_cap": n, "reason": "该领域专家集中于两家单位"}
	}
	officer.do("POST", r+"/raise_unit_cap", raise(2)).is(t, 403)
	director.do("POST", r+"/raise_unit_cap", raise(1)).is(t, 422)
	before := w.seq()
	assert.Equal(t, 2, director.ok("POST", r+"/raise_unit_cap", raise(2)).int(t, "result.unit_cap"))
	assert.NotContains(t, string(w.journal(before)[0].Facts), "集中")
	w.drawPanel(review)
	director.do("POST", r+"/raise_unit_cap", raise(3)).is(t, 409)
	assert.Len(t, w.live(review, "technical"), 3)
}

// TestOutsideShare: where the pack asks for experts from outside the district,
// the frame must have them and the panel too, unless a director releases it.
func TestOutsideShare(t *testing.T) {
	w, review, _ := meetingWorld(t)
	officer, director, r := w.users["officer"], w.users["director"], "/api/reviews/"+review
	w.pack(func(p *rulebook.Pack) { p.OutsidePercentMin = 20 })
	refused := officer.do("POST", r+"/freeze", map[string]any{}).is(t, 422)
	assert.Equal(t, rulebook.OutcomeFail, refused.verdict(t, "P-15", "").Verdict)
	for _, short := range []string{"m0", "m1", "m2", "m3"} {
		w.expertColumn(short, "in_district", false)
	}
	w.drawPanel(review)
	w.seatAll(review)
	w.expertColumn(shortOf(w.live(review, "management")[0]), "in_district", true) // corrected since
	refused = officer.do("POST", r+"/confirm", map[string]any{}).is(t, 422)
	assert.Contains(t, refused.verdict(t, "P-15", "").Message, "专家组5席中区外专家0名，不足20%（惯例）")
	director.ok("POST", "/api/releases", map[string]any{"rule": "P-15", "object": "review/" + review, "reason": "区外专家已无人可抽"})
	confirmed := officer.ok("POST", r+"/confirm", map[string]any{})
	assert.Equal(t, rulebook.OutcomeReleased, confirmed.verdict(t, "P-15", "").Verdict)
	w.expertColumn(shortOf(w.live(review, "management")[0]), "in_district", false)
	w.declareAll(review)
	assert.Equal(t, rulebook.OutcomePass, officer.ok("POST", r+"/start", map[string]any{}).verdict(t, "P-15", "").Verdict)
}
