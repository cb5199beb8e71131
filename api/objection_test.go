package api_test

import (
	"encoding/base64"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/rbac/journal"
)

// TestObjectionLodged: by real name, with evidence that the supervisor alone
// reads; the same again is the same receipt.
func TestObjectionLodged(t *testing.T) {
	w, list, applications := published(t)
	path := "/api/publicities/" + list + "/object"
	paper := base64.StdEncoding.EncodeToString([]byte("%PDF-1.4 查新报告"))
	objection := func(change map[string]any) map[string]any {
		body := map[string]any{"application_id": applications[0], "name": "刘建国", "contact": "13900000000", "text": "该项目与既有成果重复，附查新报告。"}
		for k, v := range change {
			body[k] = v
		}
		return body
	}
	for _, bad := range []map[string]any{{"name": "匿名"}, {"name": "某群众"}, {"contact": "微信联系"}, {"text": "不公平不公平"}, {"name": "重庆示例科技有限公司"}} {
		assert.Contains(t, w.stranger().do("POST", path, objection(bad)).is(t, 422).body, `"P-41"`)
	}
	for field, bad := range map[string]map[string]any{
		"evidence[0]": {"evidence": []any{map[string]any{"name": "程序.exe", "data": base64.StdEncoding.EncodeToString([]byte("MZ\x90\x00 program"))}}},
		"evidence[1]": {"evidence": []any{map[string]any{"name": "报告.pdf", "data": paper}, map[string]any{"name": "空.pdf", "data": "%%%"}}},
	} {
		assert.Contains(t, w.stranger().do("POST", path, objection(bad)).is(t, 422).body, field)
	}
	first := w.stranger().ok("POST", path, objection(nil))
	before := w.seq()
	again := w.stranger().ok("POST", path, objection(map[string]any{"name": " 刘建国 ", "evidence": []any{map[string]any{"name": "查新报告.pdf", "data": paper}}}))
	assert.Equal(t, first.body, again.body, "who tries a name learns nothing")
	assert.Contains(t, string(w.journal(before)[0].Facts), `"again":true`)
	w.stranger().ok("POST", path, objection(map[string]any{"evidence": []any{map[string]any{"name": "查新报告.pdf", "data": paper}}}))
	other := w.stranger().ok("POST", path, objection(map[string]any{"unit": "重庆示例科技有限公司", "name": "王芳"}))
	assert.NotEqual(t, first.text(t, "result.id"), other.text(t, "result.id"))

	supervisor := w.users["supervisor"]
	opened := supervisor.do("GET", "/api/objections/"+first.text(t, "result.id"), nil).is(t, 200)
	assert.Equal(t, []any{"刘建国", ""}, []any{opened.get(t, "name"), opened.get(t, "unit")})
	require.Len(t, opened.get(t, "evidence"), 1, "the same file is kept once")
	assert.Equal(t, "重庆示例科技有限公司", supervisor.do("GET", "/api/objections/"+other.text(t, "result.id"), nil).is(t, 200).get(t, "unit"))
	file := "/api/files/" + opened.text(t, "evidence.0.id")
	before = w.seq()
	assert.Equal(t, "%PDF-1.4 查新报告", supervisor.do("GET", file, nil).is(t, 200).body)
	assert.Len(t, w.journal(before), 1, "that it was read is journalled")
	for _, who := range []string{"officer", "director", "lead0", "keeper"} {
		w.users[who].do("GET", file, nil).is(t, 404)
	}
	supervisor.do("POST", "/api/objections/"+first.text(t, "result.id")+"/accept", map[string]any{"answer": "　　　　　　"}).is(t, 422)
	w.sound()
}

// TestPublicDigest: from what the public reads alone anybody recomputes the
// digest, and finds it in the journal; what a new version has replaced stays to
// be read and says so.
func TestPublicDigest(t *testing.T) {
	w, list, applications := published(t)
	read := func(id string) (p struct {
		Digest, State string
		ReplacedBy    string `json:"replaced_by"`
	}) {
		require.NoError(t, json.Unmarshal([]byte(w.stranger().do("GET", "/api/publicities/"+id, nil).is(t, 200).body), &p))
		return p
	}
	p := read(list)
	public, err := journal.Parse([]byte(w.stranger().do("GET", "/api/publicities/"+list, nil).body))
	require.NoError(t, err)
	digest, err := journal.HashOf(public.(map[string]any)["lines"])
	require.NoError(t, err)
	assert.Equal(t, []string{digest, "public"}, []string{p.Digest, p.State})
	said := false
	for _, e := range w.journal(0) {
		said = said || e.Act == "list.publicise" && json.Valid(e.Facts) && assert.Contains(t, string(e.Facts), `"public_digest":"`+digest+`"`)
	}
	assert.True(t, said)
	page := "/api/publicities/" + list + "/page"
	shown := w.stranger().do("GET", page, nil).is(t, 200).body
	for _, has := range []string{digest, "监督人员联系方式：", "keping-verify publicity"} {
		assert.Contains(t, shown, has)
	}

	officer := w.users["officer"]
	second := officer.ok("POST", "/api/lists", map[string]any{"guide_id": w.guideOf(list), "reason": "异议成立后重新生成"}).text(t, "result.id")
	replaced := w.stranger().do("GET", page, nil).is(t, 200).body
	assert.Contains(t, replaced, "已被新版清单取代")
	assert.Contains(t, replaced, "尚未公示")
	w.stranger().do("GET", "/api/publicities/"+second, nil).is(t, 404)
	w.stranger().do("POST", "/api/publicities/"+list+"/object", map[string]any{"application_id": applications[0], "name": "刘建国", "contact": "13900000000", "text": "该项目与既有成果重复，附查新报告。"}).is(t, 404)
	w.publicise(second)
	assert.Equal(t, []string{"superseded", second, digest}, []string{read(list).State, read(list).ReplacedBy, read(list).Digest})
	assert.Contains(t, w.stranger().do("GET", page, nil).body, `href="/api/publicities/`+second+`/page"`)
}

// published is a world with a list of two projects in publicity.
func published(t *testing.T) (w *world, list string, applications []string) {
	w, guide, review, applications := marked(t, nil, 50, 45)
	w.sign(review, w.open(review))
	w.users["officer"].ok("POST", "/api/reviews/"+review+"/close", map[string]any{})
	list = w.users["officer"].ok("POST", "/api/lists", map[string]any{"guide_id": guide}).text(t, "result.id")
	w.publicise(list)
	return w, list, applications
}

// publicise brings a fresh list to its publicity.
func (w *world) publicise(list string) {
	w.t.Helper()
	w.conclude(list, 1)
	w.users["director"].ok("POST", "/api/lists/"+list+"/deliberate", map[string]any{})
	w.users["officer"].ok("POST", "/api/lists/"+list+"/publicise", map[string]any{})
}

func (w *world) guideOf(list string) (guide string) {
	w.t.Helper()
	w.read("award_lists", list, "guide_id", &guide)
	return guide
}
