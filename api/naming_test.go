package api_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestNamesAlone: what free text says of people and units without a document or
// a code settles nothing: it is unknown, with both values; a college, hospital
// or branch is told to belong to its parent.
func TestNamesAlone(t *testing.T) {
	w := newWorld(t)
	w.populate()
	major := w.programme("major", "t1")
	guide := w.guide(guideBody(major, item("A1", "major", false, 25000000)))
	w.at(2025, 4, 2, 9)
	hospital := w.users["officer"].ok("POST", "/api/units", map[string]any{"code": "91350100M000100Y43", "name": "重庆大学附属肿瘤医院", "kind": "hospital", "in_district": true, "joint": false}).text(t, "result.id")
	w.users["keeper"].ok("PATCH", "/api/experts/"+w.experts["t3"], map[string]any{"version": 2, "unit_id": hospital})
	body := w.application(guide, "A1", 0)
	body["avoid"] = []any{map[string]any{"name": "专家t3教授", "unit": "重庆大学", "reason": "曾有学术争议"}, map[string]any{"name": "砖家m1", "reason": "曾有学术争议"}}
	body["leaders"] = []any{person("专家T0", resident(499, 1980), w.units["lead0"])}
	id := w.draft("lead0", body)
	w.users["lead0"].ok("POST", "/api/applications/"+id+"/submit", map[string]any{"version": 1})

	named := map[string]reason{}
	for _, r := range w.conflicts(major, nil, []string{id}) {
		if r.Kind == "named" {
			named[r.ExpertID] = r
		}
	}
	require.Len(t, named, 2)
	of := named[w.experts["t3"]]
	assert.Equal(t, "ask", of.Level)
	assert.Contains(t, of.Message, "专家t3教授（重庆大学）")
	assert.Contains(t, of.Message, "专家t3（重庆大学附属肿瘤医院）")
	assert.Contains(t, of.Message, "上下级")
	assert.Contains(t, named[w.experts["m1"]].Message, "同音", "a homophone is asked about, and why is said")

	// R-026 from both sides: written like the other, and no document tells
	recommend := map[string]any{"kind": "technical", "expert_ids": w.ids("t0"), "departments": []string{w.units["dept"]}, "document": "推荐函"}
	joining := w.users["officer"].refused("R-026", "POST", "/api/programmes/"+major+"/recommend", recommend)
	assert.Contains(t, joining.body, "负责人“专家T0”与专家“专家t0”")
	twin := w.application(guide, "A1", 1)
	twin["leaders"] = []any{person("专家T1", resident(498, 1980), w.units["lead1"])}
	leading := w.users["lead1"].refused("R-026", "POST", "/api/applications/"+w.draft("lead1", twin)+"/submit", map[string]any{"version": 1})
	assert.Contains(t, leading.body, "负责人“专家T1”与专家“专家t1”")
	assert.NotContains(t, leading.body, "单位of-t1", "an applicant is not told where a member works")
}
