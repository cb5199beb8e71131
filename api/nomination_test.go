package api_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestNominations: where the pack asks for it, proposed experts and a group's
// recommended members are public for its working days before they are admitted
// or approved; an objection by real name comes to who keeps the pool or runs
// the group, and while it is open or once it is upheld the nominee stays out.
func TestNominations(t *testing.T) {
	w := newWorld(t)
	w.populate()
	keeper, officer, director, supervisor := w.users["keeper"], w.users["officer"], w.users["director"], w.users["supervisor"]
	propose := func(i int) string {
		t.Helper()
		return keeper.ok("POST", "/api/experts", map[string]any{"name": "新专家" + string(rune('甲'+i)), "document_kind": "resident_id", "document": resident(950+i, 1979), "mail": "new@example.cn", "phone": "13812345678",
			"unit_id": w.units["lead0"], "title": "研究员", "in_district": true, "pool": "technical", "classes": []string{"finance"}, "fields": []any{map[string]any{"code": "790.55"}}}).text(t, "result.id")
	}
	ids := func(of ...string) map[string]any { return map[string]any{"expert_ids": of} }
	free := propose(0)
	keeper.do("POST", "/api/experts/publicise", ids(free)).is(t, 409) // the shipped pack asks for none
	director.ok("POST", "/api/experts/admit", ids(free))

	w.adopt(map[string]any{"member_publicity_working_days": 5})
	first, second := propose(1), propose(2)
	director.refused("P-06", "POST", "/api/experts/admit", ids(first))
	officer.do("POST", "/api/experts/publicise", ids(first)).is(t, 403)
	n := keeper.ok("POST", "/api/experts/publicise", ids(first, second)).text(t, "result.id")
	keeper.do("POST", "/api/experts/publicise", ids(first)).is(t, 409)
	director.refused("P-06", "POST", "/api/experts/admit", ids(first))

	// the public page: names, unit, title; nothing else
	page := w.stranger().do("GET", "/api/nominations", nil).is(t, 200)
	assert.Equal(t, "2025-03-10", page.text(t, "items.0.to"))
	var shown struct {
		Items []struct{ Members []map[string]any }
	}
	require.NoError(t, json.Unmarshal([]byte(page.body), &shown))
	require.Len(t, shown.Items[0].Members, 2)
	assert.Equal(t, "单位lead0", shown.Items[0].Members[0]["unit"])
	assert.Len(t, shown.Items[0].Members[0], 4, "id, name, unit, title")
	assert.NotContains(t, page.body, "example.cn")
	assert.NotContains(t, page.body, "138")

	objection := func(expert, name string) map[string]any {
		return map[string]any{"expert_id": expert, "name": name, "contact": "13900000000", "text": "该专家的职称证明与事实不符，附查询截图。"}
	}
	path := "/api/nominations/" + n + "/object"
	w.stranger().do("POST", path, objection(first, "")).is(t, 422)
	w.stranger().do("POST", path, objection(free, "刘建国")).is(t, 422)
	o := w.stranger().ok("POST", path, objection(first, "刘建国")).text(t, "result.id")
	var raw string
	require.NoError(t, w.app.Store.DB.Read(t.Context()).Raw("SELECT text FROM nomination_objections WHERE id = ?", o).Scan(&raw).Error)
	assert.NotContains(t, raw, "职称证明", "sealed in the store")
	assert.Equal(t, "[]", itemsOf(t, officer.do("GET", "/api/nomination_objections", nil)), "the pool's are the keeper's")
	officer.do("GET", "/api/nomination_objections/"+o, nil).is(t, 404)
	officer.do("POST", "/api/nomination_objections/"+o+"/reject", map[string]any{"answer": "经核实不属实"}).is(t, 404)
	list := keeper.do("GET", "/api/nomination_objections", nil).is(t, 200)
	assert.Equal(t, "open", list.text(t, "items.0.state"))
	assert.NotContains(t, list.body, "刘建国")
	before := w.seq()
	assert.Equal(t, "刘建国", keeper.do("GET", "/api/nomination_objections/"+o, nil).is(t, 200).text(t, "name"))
	require.Len(t, w.journal(before), 1, "that it was read is journalled")
	supervisor.do("GET", "/api/nomination_objections/"+o, nil).is(t, 200)

	w.at(2025, 3, 11, 9)
	w.stranger().do("POST", path, objection(second, "刘建国")).is(t, 422) // too late
	assert.Equal(t, "[]", itemsOf(t, w.stranger().do("GET", "/api/nominations", nil)), "no longer public")
	director.refused("P-06", "POST", "/api/experts/admit", ids(first, second))
	director.ok("POST", "/api/experts/admit", ids(second))
	keeper.ok("POST", "/api/nomination_objections/"+o+"/accept", map[string]any{"answer": "证明系伪造，异议成立。"})
	keeper.do("POST", "/api/nomination_objections/"+o+"/reject", map[string]any{"answer": "经核实不属实"}).is(t, 409)
	director.refused("P-06", "POST", "/api/experts/admit", ids(first))

	// a group
	programme := officer.ok("POST", "/api/programmes", map[string]any{"kind": "major", "year": 2025, "name": "智能驾驶重大专项", "basis": "沙委发〔2025〕3号"}).text(t, "result.id")
	g := "/api/programmes/" + programme
	kind := map[string]any{"kind": "technical"}
	officer.do("POST", g+"/publicise_group", kind).is(t, 409)
	officer.ok("POST", g+"/recommend", map[string]any{"kind": "technical", "expert_ids": w.ids("t0", "t1"), "departments": []string{w.units["dept"]}, "document": "推荐函"})
	director.refused("P-06", "POST", g+"/approve_group", kind)
	n = officer.ok("POST", g+"/publicise_group", kind).text(t, "result.id")
	page = w.stranger().do("GET", "/api/nominations", nil).is(t, 200)
	assert.Equal(t, "智能驾驶重大专项技术专家组推荐成员", page.text(t, "items.0.title"))
	o = w.stranger().ok("POST", "/api/nominations/"+n+"/object", objection(w.experts["t0"], "刘建国")).text(t, "result.id")
	keeper.do("GET", "/api/nomination_objections/"+o, nil).is(t, 404)
	officer.ok("POST", "/api/nomination_objections/"+o+"/reject", map[string]any{"answer": "经向其单位核实，职称属实。"})
	w.at(2025, 3, 18, 24)
	director.ok("POST", g+"/approve_group", kind)
}

func itemsOf(t *testing.T, a answer) string {
	t.Helper()
	data, err := json.Marshal(a.is(t, 200).get(t, "items"))
	require.NoError(t, err)
	return string(data)
}
