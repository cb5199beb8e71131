package api_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/rbac"
)

// strictGuide asks for conditions and materials.
func strictGuide(programme string) map[string]any {
	body := guideBody(programme, item("A1", "major", false, 25000000), item("A2", "major", true, 25000000))
	body["conditions"] = []any{map[string]any{"code": "located", "text": "牵头单位在本区注册满一年"}, map[string]any{"code": "honest", "text": "负责人无科研失信记录"}}
	body["materials"] = []any{map[string]any{"code": "proposal", "name": "申报书", "required": true, "types": []string{"pdf"}, "max_bytes": 1000},
		map[string]any{"code": "novelty", "name": "查新报告", "required": false}}
	return body
}

// TestIntakeRules: conditions answered and checked, materials, commitment
// letters, the window and its recorded exception.
func TestIntakeRules(t *testing.T) {
	w := newWorld(t)
	w.populate()
	officer, director, lead := w.users["officer"], w.users["director"], w.users["lead0"]
	guide := w.guide(strictGuide(w.programme("major", "t0")))
	w.at(2025, 4, 2, 9)
	id := w.draft("lead0", w.application(guide, "A1", 0))
	p := "/api/applications/" + id
	version := 1
	complete := func(more map[string]any) {
		t.Helper()
		more["version"] = version
		lead.ok("POST", p+"/complete", more)
		version++
	}
	submit := func() map[string]any { return map[string]any{"version": version} }
	lead.refused("R-061", "POST", p+"/submit", submit(), "R-058")
	complete(map[string]any{"answers": []any{map[string]any{"code": "located", "met": true}, map[string]any{"code": "honest", "met": false, "text": "有一条记录"}}})
	unmet := lead.refused("R-061", "POST", p+"/submit", submit(), "R-058")
	assert.Contains(t, unmet.body, "负责人无科研失信记录")
	assert.NotContains(t, unmet.body, "牵头单位在本区注册满一年")
	complete(map[string]any{"answers": []any{map[string]any{"code": "located", "met": true}, map[string]any{"code": "honest", "met": true}}})

	// there, of the type that its bytes say, and not too large
	lead.refused("R-058", "POST", p+"/submit", submit())
	file := func(name, content string) map[string]any {
		return map[string]any{"materials": []any{map[string]any{"code": "proposal", "file_id": lead.upload(name, []byte(content)).is(t, 201).text(t, "result.id")}}}
	}
	complete(file("申报书.pdf", "只是改了扩展名的文本"))
	assert.Contains(t, lead.refused("R-058", "POST", p+"/submit", submit()).body, "应为pdf")
	complete(file("申报书.pdf", "%PDF-1.4 "+string(make([]byte, 1000))))
	assert.Contains(t, lead.refused("R-058", "POST", p+"/submit", submit()).body, "超过1000字节")
	complete(file("申报书.pdf", "%PDF-1.4 正文"))
	lead.do("POST", p+"/complete", map[string]any{"version": version, "materials": []any{map[string]any{"code": "proposal", "file_id": "00000000-0000-0000-0000-000000000000"}}}).is(t, 422)
	lead.do("POST", p+"/complete", map[string]any{"version": version - 1, "committed_fen": 1}).is(t, 409)

	// the window is over; a director permits it for this one
	w.at(2025, 5, 1, 1)
	lead.refused("R-057", "POST", p+"/submit", submit())
	officer.do("POST", p+"/permit_late", map[string]any{"version": version, "until": "2025-05-06", "reason": "因系统停机延误"}).is(t, 403)
	director.do("POST", p+"/permit_late", map[string]any{"version": version, "until": "2025-04-30", "reason": "因系统停机延误"}).is(t, 422)
	director.ok("POST", p+"/permit_late", map[string]any{"version": version, "until": "2025-05-06", "reason": "因系统停机延误"})
	version++
	w.at(2025, 5, 7, 0)
	lead.refused("R-057", "POST", p+"/submit", submit())
	w.at(2025, 5, 6, 23)
	lead.ok("POST", p+"/submit", submit())
	version++

	// screening: each condition is checked, and reasons are a list
	screen := func(verdict string, located bool) map[string]any {
		return map[string]any{"version": version, "verdict": verdict, "reason": "注册时间待核实",
			"reasons": []any{map[string]any{"code": "located", "met": located, "text": "营业执照显示注册不满一年"}, map[string]any{"code": "honest", "met": true}}}
	}
	officer.refused("R-061", "POST", p+"/screen", map[string]any{"version": version, "verdict": "accept"})
	assert.Contains(t, officer.refused("R-061", "POST", p+"/screen", screen("accept", false)).body, "注册满一年")
	officer.ok("POST", p+"/screen", screen("correct", false))
	version++
	assert.Contains(t, lead.do("GET", p, nil).is(t, 200).body, "营业执照显示注册不满一年")
	lead.ok("POST", p+"/submit", submit())
	version++
	officer.ok("POST", p+"/screen", screen("accept", true))

	// a joint application's letters, and what they promise
	body := w.application(guide, "A2", 0)
	body["joint_units"], body["joint_fen"], body["self_fen"] = []string{w.units["dept"]}, 10000000, 0
	body["answers"] = []any{map[string]any{"code": "located", "met": true}, map[string]any{"code": "honest", "met": true}}
	body["leaders"] = []any{person("另一负责人", resident(470, 1978), w.units["lead0"])}
	body["materials"] = []any{map[string]any{"code": "proposal", "file_id": lead.upload("申报书.pdf", []byte("%PDF-1.4 正文")).text(t, "result.id")}}
	w.at(2025, 4, 28, 9)
	joint := w.draft("lead0", body)
	j := "/api/applications/" + joint
	w.users["joint"].ok("POST", j+"/recommend", map[string]any{})
	lead.refused("R-059", "POST", j+"/submit", map[string]any{"version": 1}, "R-062")
	lead.ok("POST", j+"/complete", map[string]any{"version": 1, "materials": append(body["materials"].([]any), w.jointMaterials(lead)...), "committed_fen": 9999999})
	assert.Contains(t, lead.refused("R-062", "POST", j+"/submit", map[string]any{"version": 2}, "R-013").body, "承诺书")
	lead.ok("POST", j+"/complete", map[string]any{"version": 2, "committed_fen": 10000000})
	lead.refused("R-013", "POST", j+"/submit", map[string]any{"version": 3}) // the joint unit has recommended other letters
	w.users["joint"].ok("POST", j+"/recommend", map[string]any{})
	lead.ok("POST", j+"/submit", map[string]any{"version": 3})

	// duplicates: the same leader, and nearly the same title
	twin := w.application(guide, "A1", 1)
	twin["title"] = "第0项 关键技术的研究"
	third := w.draft("lead1", twin)
	twin["title"], twin["leaders"] = "新型储能材料制备工艺", []any{person("另一负责人", resident(470, 1978), w.units["lead1"])}
	twin["members"] = []any{}
	fourth := w.draft("lead1", twin)
	similar := officer.do("GET", "/api/applications/"+third+"/duplicates", nil).is(t, 200)
	assert.Contains(t, similar.body, "题名相近")
	assert.NotContains(t, similar.body, fourth)
	assert.Contains(t, officer.do("GET", "/api/applications/"+fourth+"/duplicates", nil).is(t, 200).body, "同一项目负责人")
	lead.do("GET", p+"/duplicates", nil).is(t, 403)
}

// TestUnitApproval: what a leader submits reaches the bureau only through the
// lead unit (单位审核); another unit has no part in it.
func TestUnitApproval(t *testing.T) {
	w := newWorld(t)
	w.populate()
	guide := w.guide(guideBody(w.programme("major", "t0"), item("A1", "major", false, 25000000)))
	w.at(2025, 4, 2, 9)
	unit, other, officer := w.users["lead0"], w.users["lead1"], w.users["officer"]
	leader := w.user("leader", "lead0", rbac.Applicant)
	id := leader.ok("POST", "/api/applications", w.application(guide, "A1", 0)).text(t, "result.id")
	p := "/api/applications/" + id
	state := func(a answer, want string) { t.Helper(); require.Equal(t, want, a.text(t, "result.state")) }
	version := func(n int) map[string]any { return map[string]any{"version": n} }
	because := func(n int) map[string]any { return map[string]any{"version": n, "reason": "预算依据不足"} }
	unit.do("POST", p+"/endorse", version(1)).is(t, 409)
	state(leader.ok("POST", p+"/submit", version(1)), "unit_review")
	officer.do("POST", p+"/screen", map[string]any{"version": 2, "verdict": "accept"}).is(t, 409)
	leader.do("POST", p+"/endorse", version(2)).is(t, 403)
	other.do("POST", p+"/endorse", version(2)).is(t, 404)
	state(unit.ok("POST", p+"/send_back", because(2)), "draft")
	state(leader.ok("POST", p+"/submit", version(3)), "unit_review")
	state(unit.ok("POST", p+"/endorse", version(4)), "submitted")
	officer.ok("POST", p+"/screen", map[string]any{"version": 5, "verdict": "correct", "reason": "请补充预算说明"})
	state(leader.ok("POST", p+"/submit", version(6)), "unit_review")
	state(unit.ok("POST", p+"/send_back", because(7)), "correction")
	state(leader.ok("POST", p+"/submit", version(8)), "unit_review")
	w.at(2025, 4, 12, 9)
	unit.refused("P-45", "POST", p+"/endorse", version(9))
	refuse := map[string]any{"version": 9, "verdict": "refuse", "reason": "逾期未补正"}
	officer.do("POST", p+"/screen?dry_run=true", refuse).is(t, 200) // the round is over: the bureau may decide, or the director prolong it
	w.users["director"].ok("POST", p+"/permit_late", map[string]any{"version": 9, "until": "2025-04-14", "reason": "因系统故障未能提交"})
	refuse["version"] = 10
	officer.refused("P-45", "POST", p+"/screen", refuse)
	state(unit.ok("POST", p+"/endorse", version(10)), "submitted")
}

// TestOneApplicationAYear: P-45 counts a leader's applications of the year, in
// whatever programme.
func TestOneApplicationAYear(t *testing.T) {
	w := newWorld(t)
	w.populate()
	major := w.guide(guideBody(w.programme("major", "t0"), item("A1", "major", false, 20000000)))
	key := w.guide(guideBody(w.programme("key", "t1"), item("A1", "key", false, 8000000)))
	w.at(2025, 4, 2, 9)
	lead := w.users["lead0"]
	lead.ok("POST", "/api/applications/"+w.draft("lead0", w.application(major, "A1", 0))+"/submit", map[string]any{"version": 1})
	second := w.application(key, "A1", 0)
	second["title"], second["fiscal_fen"] = "另一项研究", 8000000
	lead.refused("P-45", "POST", "/api/applications/"+w.draft("lead0", second)+"/submit", map[string]any{"version": 1})
}
