package api_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestRules walks one award review from registration to confirmation and, on
// the way, breaks every rule of the main job once. A refusal must name rule and
// articles, leave one entry and nothing else, and come from that rule alone.
func TestRules(t *testing.T) {
	w := newWorld(t)
	w.populate()
	officer, director, finance, conference := w.users["officer"], w.users["director"], w.users["finance"], w.users["conference"]
	joint := w.users["joint"]

	// units: R-010
	unit := map[string]any{"code": "91350100M000100Y43", "name": "重庆示例科技有限公司", "kind": "enterprise", "in_district": true, "joint": true}
	officer.refused("R-010", "POST", "/api/units", unit)
	unit["evidence"] = "渝科证〔2025〕1号"
	officer.ok("POST", "/api/units", unit)

	// groups
	major, key := w.programme("major"), w.programme("key")
	recommend := func(kind string, departments []string, experts ...string) map[string]any {
		return map[string]any{"kind": kind, "expert_ids": w.ids(experts...), "departments": departments, "document": "推荐函"}
	}
	dept := []string{w.units["dept"]}
	path := "/api/programmes/" + major
	officer.refused("R-018", "POST", path+"/recommend", recommend("technical", []string{}, "t0"))
	officer.refused("R-020", "POST", path+"/recommend", recommend("advisory", dept, "adv"))
	officer.refused("R-022", "POST", path+"/recommend", recommend("technical", dept, "told"))
	director.do("POST", "/api/releases", map[string]any{"rule": "R-018", "object": "expert/" + w.experts["t0"], "reason": "硬规则不得放行"}).is(t, 422)
	for rule, expert := range map[string]string{"R-020": "adv", "R-022": "told"} {
		director.ok("POST", "/api/releases", map[string]any{"rule": rule, "object": "expert/" + w.experts[expert], "reason": "领域内唯一的高水平专家，经研究同意"})
	}
	w.join(major, "advisory", "adv")
	w.join(major, "technical", "t0", "t1", "t2", "t3", "t4", "t5", "told")

	// guides
	guideRefused := func(rule string, programme string, x map[string]any) {
		t.Helper()
		id := officer.ok("POST", "/api/guides", guideBody(programme, x)).text(t, "result.id")
		director.refused(rule, "POST", "/api/guides/"+id+"/approve", map[string]any{"version": 1})
	}
	guideRefused("R-004", major, item("A1", "key", false, 10000000))
	guideRefused("R-005", major, item("A1", "major", false, 31000000))
	guideRefused("R-006", key, item("B1", "key", false, 10000001))
	guideRefused("R-007", key, item("B1", "", false, 10000000))
	id := officer.ok("POST", "/api/guides", guideBody(major, item("A1", "major", false, 25000000))).text(t, "result.id")
	officer.refused("R-055", "POST", "/api/guides/"+id+"/publish", map[string]any{"version": 1}, "-")
	guide := w.guide(guideBody(major, item("A1", "major", false, 25000000), item("A2", "major", true, 25000000)))
	keyGuide := w.guide(guideBody(key, item("B1", "key", false, 10000000)))

	// applications
	first := w.draft("lead0", w.application(guide, "A1", 0))
	submit := func(id string) string { return "/api/applications/" + id + "/submit" }
	v1 := map[string]any{"version": 1}
	w.users["lead0"].refused("R-057", "POST", submit(first), v1)
	w.at(2025, 4, 2, 9)
	broken := func(rule, code string, change func(a map[string]any), clears ...string) string {
		t.Helper()
		a := w.application(guide, code, 1)
		change(a)
		id := w.draft("lead1", a)
		w.users["lead1"].refused(rule, "POST", submit(id), v1, clears...)
		return id
	}
	lead := w.units["lead1"]
	broken("R-005", "A1", func(a map[string]any) { a["fiscal_fen"] = 31000000 }, "R-062", "R-060")
	broken("R-012", "A1", func(a map[string]any) {
		a["leaders"] = []any{person("甲某", resident(450, 1978), lead), person("乙某", resident(451, 1978), lead)}
	})
	broken("R-060", "A1", func(a map[string]any) { a["budget"] = []any{map[string]any{"name": "设备费", "fen": 1}} })
	broken("R-062", "A1", func(a map[string]any) { a["fiscal_fen"], a["self_fen"] = 26000000, 4000000 })
	jointly := func(unit string) func(a map[string]any) {
		return func(a map[string]any) {
			a["joint_units"], a["materials"] = []string{w.units[unit]}, w.jointMaterials(w.users["lead1"])
		}
	}
	broken("R-010", "A2", jointly("lead5"), "R-013")
	broken("R-013", "A2", jointly("dept"))
	member, _ := documentOf("t0")
	broken("R-023", "A1", func(a map[string]any) { a["leaders"] = []any{person("专家t0", member, lead)} })
	namesake := broken("R-026", "A1", func(a map[string]any) { a["leaders"] = []any{person("专家t1", resident(77, 1980), lead)} })
	keyApplication := w.application(keyGuide, "B1", 2)
	keyApplication["fiscal_fen"] = 4000000
	tooSmall := w.draft("lead2", keyApplication)
	w.users["lead2"].refused("R-006", "POST", submit(tooSmall), v1)

	var applications []struct {
		ID       string
		LeaderID string `json:"leader_id"`
	}
	w.all("officer", "/api/applications", &applications)
	for _, a := range applications {
		if a.ID == namesake {
			officer.ok("POST", "/api/distinctions", map[string]any{"leader_id": a.LeaderID, "expert_id": w.experts["t1"], "reason": "电话核实，不是同一人"})
		}
	}
	w.users["lead1"].ok("POST", submit(namesake), v1)
	officer.ok("POST", "/api/applications/"+namesake+"/screen", map[string]any{"version": 2, "verdict": "refuse", "reason": "研究内容不属本指南"})

	w.users["lead0"].ok("POST", submit(first), v1)
	officer.ok("POST", "/api/applications/"+first+"/screen", map[string]any{"version": 2, "verdict": "accept"})
	second := w.accepted("lead1", w.application(guide, "A1", 3+6+1))
	both := w.application(guide, "A2", 2)
	both["joint_units"] = []string{w.units["dept"]}
	third := w.accepted("lead2", both)
	ninth, _ := documentOf("t9") // in the pool, of no group
	led := w.application(guide, "A1", 3)
	led["leaders"] = []any{person("专家t9", ninth, w.units["lead3"])}
	fourth := w.accepted("lead3", led)
	keyApplication["fiscal_fen"] = 8000000
	keyApplication["leaders"] = []any{person("另一负责人", resident(460, 1978), w.units["lead2"])}
	fifth := w.accepted("lead2", keyApplication)

	// who leads a live application does not join the group
	officer.refused("R-024", "POST", path+"/recommend", recommend("technical", dept, "t9"))

	// panel
	all := []string{first, second, third, fourth}
	officer.refused("R-063", "POST", "/api/reviews", reviewBody(guide, 2, 1, 1, all...))
	officer.refused("R-064", "POST", "/api/reviews", reviewBody(guide, 3, 2, 0, all...))
	orphan := officer.ok("POST", "/api/reviews", reviewBody(keyGuide, 3, 1, 1, fifth)).text(t, "result.id")
	officer.refused("R-021", "POST", "/api/reviews/"+orphan+"/freeze", map[string]any{}, "-")
	review := officer.ok("POST", "/api/reviews", reviewBody(guide, 3, 1, 1, all...)).text(t, "result.id")
	r := "/api/reviews/" + review
	w.drawPanel(review)

	// one of the panel becomes an adviser; R-121: one leaves the group;
	// the manager starts to lead. Each is seen before the panel is
	// confirmed, and the seat passes to an alternate.
	bySeat := func(class string, nth int) seat {
		for _, s := range w.seats(review) {
			if s.Class == class && s.State != "vacated" && s.ApplicationID == "" {
				if nth == 0 {
					return s
				}
				nth--
			}
		}
		require.Fail(t, "no seat of "+class)
		return seat{}
	}
	short := func(s seat) string { return s.Name[len("专家"):] }
	w.seatAll(review)
	adviser, leaver, manager := bySeat("technical", 0), bySeat("technical", 1), bySeat("management", 0)
	director.ok("POST", "/api/releases", map[string]any{"rule": "R-020", "object": "expert/" + w.experts[short(adviser)], "reason": "领域内唯一的高水平专家，经研究同意"})
	w.join(major, "advisory", short(adviser))
	officer.refused("R-019", "POST", r+"/confirm", map[string]any{})
	officer.ok("POST", "/api/seats/"+adviser.ID+"/replace", map[string]any{"reason": "已任咨询专家"})
	w.seatAll(review)

	var members []struct {
		ID       string
		ExpertID string `json:"expert_id"`
	}
	w.all("officer", path+"/members", &members)
	for _, m := range members {
		if m.ExpertID == w.experts[short(leaver)] {
			officer.ok("POST", "/api/memberships/"+m.ID+"/end", map[string]any{"reason": "工作调动"})
		}
	}
	officer.refused("R-121", "POST", r+"/confirm", map[string]any{})
	officer.ok("POST", "/api/seats/"+leaver.ID+"/replace", map[string]any{"reason": "已退出专家组"})
	w.seatAll(review)

	document, _ := documentOf(short(manager))
	led = w.application(guide, "A1", 4)
	led["leaders"] = []any{person(manager.Name, document, w.units["lead4"])}
	late := w.draft("lead4", led)
	w.users["lead4"].ok("POST", submit(late), v1)
	officer.refused("R-068", "POST", r+"/confirm", map[string]any{}, "own_application")
	w.users["lead4"].ok("POST", "/api/applications/"+late+"/withdraw", map[string]any{"version": 2, "reason": "更换负责人"})
	officer.ok("POST", r+"/confirm", map[string]any{})

	// one technical seat is recused from one application until no
	// alternate is left; the director appoints, but nobody from outside the group.
	w.declareAll(review)
	asked := map[string]bool{}
	for current := bySeat("technical", 0); current.ID != ""; {
		asked[current.ID] = true
		d := w.expert(current).ok("POST", r+"/declare", map[string]any{"application_id": first, "clear": false, "kind": "cooperation", "reason": "合著论文"}).text(t, "result.id")
		officer.ok("POST", "/api/declarations/"+d+"/approve", map[string]any{})
		w.seatAll(review)
		w.declareAll(review)
		current = seat{}
		for _, s := range w.seats(review) {
			if s.Class == "technical" && s.ApplicationID == first && !asked[s.ID] {
				current = s
			}
		}
	}
	require.Len(t, asked, 3, "the panel's seat and two alternates")
	officer.refused("R-065", "POST", r+"/start", map[string]any{})
	appoint := map[string]any{"class": "technical", "application_id": first, "expert_id": w.experts["t8"], "reason": "候补已用尽"}
	director.refused("R-067", "POST", r+"/appoint", appoint)
	w.join(major, "technical", "t8")
	director.ok("POST", r+"/appoint", appoint)
	w.seatAll(review)
	w.declareAll(review)
	officer.ok("POST", r+"/start", map[string]any{})

	// marks, R-066 and R-011
	level := map[string]float64{first: 50, second: 48, third: 45, fourth: 36}
	w.markAll(review, func(id string) float64 { return level[id] })
	chair := w.open(review)
	w.sign(review, chair)
	officer.refused("R-066", "POST", r+"/close", map[string]any{}, "R-011")
	officer.refused("R-011", "POST", r+"/close", map[string]any{}, "R-066")
	list := map[string]any{"guide_id": guide}
	officer.refused("R-069", "POST", "/api/lists", list)
	joint.ok("POST", r+"/participate", map[string]any{"name": "周敏", "post": "科技科科长", "opinion": "同意评审意见", "password": password, "marks": jointMarks(55, third)})
	officer.ok("POST", r+"/close", map[string]any{})

	// list
	l := "/api/lists/" + officer.ok("POST", "/api/lists", list).text(t, "result.id")
	choose := func(version int, pairs ...string) map[string]any {
		var choices []any
		for i := 0; i < len(pairs); i += 2 {
			choices = append(choices, map[string]any{"application_id": pairs[i], "choice": pairs[i+1]})
		}
		return map[string]any{"version": version, "choices": choices}
	}
	officer.refused("R-075", "POST", l+"/adjust", choose(1, second, "reserve"))
	officer.refused("R-069", "POST", l+"/adjust", choose(1, fifth, "proposed"), "-")
	officer.refused("R-074", "POST", l+"/adjust", choose(1, fourth, "proposed"))
	officer.refused("R-073", "POST", l+"/publicise", map[string]any{}, "-")
	officer.ok("POST", l+"/adjust", choose(1, first, "proposed", second, "proposed", third, "proposed", fourth, "declined"))
	others := map[string]bool{"R-016": true, "R-070": true, "R-071": true, "R-072": true}
	without := func(rule string) []string {
		var out []string
		for id := range others {
			if id != rule {
				out = append(out, id)
			}
		}
		return out
	}
	for _, rule := range []string{"R-016", "R-070", "R-071", "R-072"} {
		director.refused(rule, "POST", l+"/deliberate", map[string]any{}, without(rule)...)
	}
	current := l
	conclude := func(version int, kind string) map[string]any {
		by := map[string]*visitor{"finance": finance, "deliberation": director}[kind]
		return w.conclusion(strings.TrimPrefix(current, "/api/lists/"), version, by, kind)
	}
	short100 := conclude(2, "finance")
	short100["schedule"] = short100["schedule"].([]any)[1:]
	finance.refused("R-071", "POST", l+"/conclude", short100)
	split := conclude(2, "deliberation")
	split["vote"] = map[string]any{"present": 6, "for": 3, "against": 3, "abstain": 0}
	director.refused("R-072", "POST", l+"/conclude", split)
	joint.ok("POST", l+"/conclude", conclude(2, "joint_unit"))
	conference.ok("POST", l+"/conclude", conclude(2, "conference"))
	finance.ok("POST", l+"/conclude", conclude(2, "finance"))
	director.ok("POST", l+"/conclude", conclude(2, "deliberation"))
	director.ok("POST", l+"/deliberate", map[string]any{})
	officer.refused("R-122", "POST", l+"/adjust", choose(3, first, "reserve"), "-")
	officer.refused("R-122", "POST", "/api/lists", list)
	officer.ok("POST", l+"/publicise", map[string]any{})
	officer.refused("P-40", "POST", l+"/confirm", map[string]any{})

	// the leader of a declined application joins the group; a new version may not propose it.
	w.join(major, "technical", "t9")
	again := officer.ok("POST", "/api/lists", map[string]any{"guide_id": guide, "reason": "核实后调整"})
	n := "/api/lists/" + again.text(t, "result.id")
	current = n
	officer.refused("R-025", "POST", n+"/adjust", choose(1, third, "declined", fourth, "proposed"), "R-075")
	officer.ok("POST", n+"/adjust", choose(1, fourth, "declined"))
	joint.ok("POST", n+"/conclude", conclude(2, "joint_unit"))
	conference.ok("POST", n+"/conclude", conclude(2, "conference"))
	finance.ok("POST", n+"/conclude", conclude(2, "finance"))
	entered := conclude(2, "deliberation") // 补录: with its document and scan
	delete(entered, "file_id")
	officer.do("POST", n+"/conclude", entered).is(t, 422)
	entered["file_id"] = officer.upload("纪要.pdf", []byte("%PDF-1.4 纪要")).is(t, 201).text(t, "result.id")
	officer.ok("POST", n+"/conclude", entered)
	director.ok("POST", n+"/deliberate", map[string]any{})
	officer.ok("POST", n+"/publicise", map[string]any{})

	// objections: P-41, and a line stopped until answered
	object := "/api/publicities/" + again.text(t, "result.id") + "/object"
	anonymous := map[string]any{"application_id": first, "name": "", "contact": "", "text": "不公平"}
	w.stranger().do("POST", object, anonymous).is(t, 422)
	o := w.stranger().ok("POST", object, map[string]any{"application_id": first, "name": "刘建国", "contact": "13900000000", "text": "该项目与既有成果重复，附查新报告。"}).text(t, "result.id")
	w.users["supervisor"].ok("POST", "/api/objections/"+o+"/accept", map[string]any{"answer": "材料齐全，予以受理"})
	w.at(2025, 4, 20, 9)
	officer.refused("P-41", "POST", n+"/confirm", map[string]any{})
	w.users["supervisor"].ok("POST", "/api/objections/"+o+"/investigate", map[string]any{"answer": "已核对查新报告"})
	w.users["supervisor"].ok("POST", "/api/objections/"+o+"/dismiss", map[string]any{"answer": "经核查不构成重复"})
	officer.ok("POST", n+"/confirm", map[string]any{})

	for _, rule := range []string{"R-004", "R-005", "R-006", "R-007", "R-010", "R-012", "R-013", "R-018", "R-020", "R-021", "R-022", "R-023", "R-024", "R-026",
		"R-055", "R-057", "R-060", "R-062", "R-063", "R-064", "R-065", "R-066", "R-067", "R-068", "R-069", "R-070", "R-071", "R-072", "R-073", "R-074", "R-075", "R-121", "R-122", "R-025", "R-019", "R-011", "R-016"} {
		assert.True(t, w.refuse[rule], "%s is never refused", rule)
		assert.True(t, w.passed[rule], "%s never passes", rule)
	}
	problems, err := w.app.Reviews.Invariants(t.Context())
	require.NoError(t, err)
	assert.Empty(t, problems)
}
