package api_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/configs"
	"keping/rbac"
)

func registration(code, name, mail string) map[string]any {
	return map[string]any{"code": code, "name": name, "kind": "enterprise", "in_district": true, "joint": true, "contact": "李四", "mail": mail,
		"evidence_name": "营业执照.pdf", "evidence": base64.StdEncoding.EncodeToString([]byte("%PDF-1.4 营业执照"))}
}

// TestUnitRegistration: a unit registers itself, an officer vets it, its first
// account gets a one-time link and invites its people, and nobody learns what
// was registered before.
func TestUnitRegistration(t *testing.T) {
	w := newWorld(t)
	w.populate()
	officer, public := w.users["officer"], w.stranger()
	const code = "91350100M000100Y43"
	wrong := registration("91350100M000100Y44", "重庆示例科技有限公司", "li@example.cn")
	assert.Contains(t, public.do("POST", "/api/units/register", wrong).is(t, 422).body, "校验位")
	for field, value := range map[string]any{"evidence": "不是base64", "kind": "bureau", "code_kind": "martian"} {
		body := registration(code, "重庆示例科技有限公司", "li@example.cn")
		body[field] = value
		public.do("POST", "/api/units/register", body).is(t, 422)
	}
	text := registration(code, "重庆示例科技有限公司", "li@example.cn")
	text["evidence"] = base64.StdEncoding.EncodeToString([]byte("只是文字"))
	assert.Contains(t, public.do("POST", "/api/units/register", text).is(t, 422).body, "PDF")

	first := public.ok("POST", "/api/units/register", registration(code, "重庆示例科技有限公司", "li@example.cn"))
	again := public.ok("POST", "/api/units/register", registration(code, "冒名的公司", "evil@example.cn"))
	assert.Equal(t, first.body, again.body, "whether a code is known is not told")
	known := public.ok("POST", "/api/units/register", registration(rbac.MakeCreditCode(100), "冒名的部门", "evil@example.cn"))
	assert.Equal(t, first.body, known.body)
	assert.NotContains(t, w.users["lead0"].do("GET", "/api/units?limit=200", nil).body, code, "who waits is not others' to know")

	var pending []struct {
		ID, Name     string
		EvidenceFile string `json:"evidence_file"`
		Version      int
	}
	w.all("officer", "/api/units?state=pending", &pending)
	require.Len(t, pending, 1)
	require.Equal(t, "重庆示例科技有限公司", pending[0].Name)
	unit := "/api/units/" + pending[0].ID
	officer.ok("POST", "/api/units", map[string]any{"code": rbac.MakeCreditCode(5), "name": "重庆示例科技有限公司渝北分公司", "kind": "enterprise", "in_district": false, "joint": false})
	shown := officer.do("GET", unit, nil).is(t, http.StatusOK)
	assert.Equal(t, "li@example.cn", shown.text(t, "mail"))
	assert.Equal(t, "evil@example.cn", shown.text(t, "claims.0.mail"), "who came first is not thereby who has the unit: the officer sees both")
	assert.Equal(t, "related", shown.text(t, "similar.0.verdict"), "a branch and its parent")
	assert.Equal(t, "重庆示例科技有限公司", shown.text(t, "similar.0.written"))
	assert.Equal(t, "%PDF-1.4 营业执照", officer.do("GET", "/api/files/"+pending[0].EvidenceFile, nil).is(t, 200).body)
	w.users["lead0"].do("GET", unit, nil).is(t, 403)
	w.users["lead0"].do("GET", "/api/files/"+pending[0].EvidenceFile, nil).is(t, 404)

	// an import of the same code takes nothing from the registration
	officer.importFile("u.csv", "/api/units/import", "单位名称,统一社会信用代码,单位类型,区内外\n重庆示例科技有限公司,"+code+",企业,区内", nil).is(t, 201)
	shown = officer.do("GET", unit, nil)
	assert.Equal(t, "li@example.cn", shown.text(t, "mail"))
	assert.Equal(t, "pending", shown.text(t, "state"))

	// whether it may be a joint unit is the officer's word, with the proof
	officer.refused("R-010", "POST", unit+"/approve", map[string]any{"version": 2, "joint": true})
	officer.do("POST", unit+"/approve", map[string]any{"version": 9, "joint": false}).is(t, 409)
	vetted := officer.ok("POST", unit+"/approve", map[string]any{"version": 2, "joint": true, "evidence": "渝科证〔2025〕2号"})
	officer.do("POST", unit+"/approve", map[string]any{"version": 3, "joint": false}).is(t, 409)
	assert.NotContains(t, vetted.body, "activate", "the link goes to the unit alone")
	login := vetted.text(t, "result.login")
	token, err := w.box.Token("li@example.cn")
	require.NoError(t, err)
	public.ok("POST", "/api/activations", map[string]any{"token": token, "password": password})
	admin := &visitor{w: w, role: rbac.UnitAdmin}
	admin.signIn(login)
	assert.Equal(t, "unit", admin.do("GET", "/api/sessions/current", nil).text(t, "role"))

	// its people
	invited := admin.ok("POST", "/api/colleagues", map[string]any{"login": "zhao01", "name": "赵六", "mail": "zhao@example.cn"})
	token, err = w.box.Token("zhao@example.cn")
	require.NoError(t, err)
	public.ok("POST", "/api/activations", map[string]any{"token": token, "password": password})
	applicant := &visitor{w: w, role: rbac.Applicant}
	applicant.signIn("zhao01")
	applicant.do("POST", "/api/colleagues", map[string]any{"login": "qian01", "name": "钱七", "mail": "qian@example.cn"}).is(t, 403)
	listed := admin.do("GET", "/api/colleagues", nil).is(t, 200)
	assert.Contains(t, listed.body, "zhao01")
	assert.NotContains(t, listed.body, "lead0")
	id := invited.text(t, "result.id")
	w.users["lead0"].do("POST", "/api/colleagues/"+id+"/disable", map[string]any{"version": 2}).is(t, 404)
	w.users["lead0"].do("POST", "/api/colleagues/"+id+"/reset", map[string]any{}).is(t, 404)
	admin.do("POST", "/api/colleagues/"+w.users["officer"].id+"/disable", map[string]any{"version": 2}).is(t, 404)
	w.user("second", "lead0", rbac.UnitAdmin)
	w.users["lead0"].do("POST", "/api/colleagues/"+w.users["second"].id+"/disable", map[string]any{"version": 1}).is(t, 409) // not an applicant
	admin.ok("POST", "/api/colleagues/"+id+"/disable", map[string]any{"version": 2})
	applicant.do("GET", "/api/applications", nil).is(t, 401)

	// a rejected one is told why, and may register again; a unit without a credit code waits for the officer's word
	military := registration("BD-12345", "某部队研究所", "bd@example.cn")
	military["code_kind"], military["kind"] = "military", "institute"
	public.ok("POST", "/api/units/register", military)
	w.all("officer", "/api/units?state=pending", &pending)
	require.Len(t, pending, 1)
	unit = "/api/units/" + pending[0].ID
	officer.ok("POST", unit+"/reject", map[string]any{"version": 1, "reason": "证明文件看不清"})
	officer.do("POST", unit+"/approve", map[string]any{"version": 2, "joint": false}).is(t, 409)
	require.Eventually(t, func() bool {
		return strings.Contains(strings.Join(w.box.Mails("bd@example.cn"), ""), "证明文件看不清")
	}, 10*time.Second, 5*time.Millisecond)
	squatter := registration("BD-12345", "占用代码的人", "squatter@example.cn")
	squatter["code_kind"] = "military"
	public.ok("POST", "/api/units/register", squatter)
	public.ok("POST", "/api/units/register", military)
	claim := officer.do("GET", unit, nil).text(t, "claims.0.id")
	officer.do("POST", unit+"/approve", map[string]any{"version": 3, "joint": false, "claim_id": "0190b2a0-0000-7000-8000-000000000000"}).is(t, 422)
	assert.Equal(t, "military-bd-12345", officer.ok("POST", unit+"/approve", map[string]any{"version": 3, "joint": false, "claim_id": claim}).text(t, "result.login"))
	approved := officer.do("GET", unit, nil)
	assert.Equal(t, "bd@example.cn", approved.text(t, "mail"))
	assert.Empty(t, approved.get(t, "claims"))
	_, err = w.box.Token("bd@example.cn")
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		return strings.Contains(strings.Join(w.box.Mails("squatter@example.cn"), ""), "另一份申请")
	}, 10*time.Second, 5*time.Millisecond)
	for _, e := range w.journal(0) {
		assert.NotContains(t, string(e.Facts), "李四")
		assert.NotContains(t, string(e.Facts), "example.cn")
	}
	w.sound()
}

// TestImportedUnitRegisters: a unit that came with an import has no account; when
// it registers, an officer vets the claim and the unit gets its account.
func TestImportedUnitRegisters(t *testing.T) {
	w := newWorld(t)
	w.populate()
	officer, public := w.users["officer"], w.stranger()
	const code = "91350100M000100Y43"
	id := officer.ok("POST", "/api/units", map[string]any{"code": code, "name": "重庆示例科技有限公司", "kind": "enterprise", "in_district": true, "joint": false}).text(t, "result.id")
	unit := "/api/units/" + id
	officer.do("POST", unit+"/approve", map[string]any{"version": 1, "joint": false}).is(t, 409)
	public.ok("POST", "/api/units/register", registration(code, "重庆示例科技公司", "li@example.cn"))
	public.ok("POST", "/api/units/register", registration(code, "重庆示例科技公司", "evil@example.cn"))
	var claimed []struct{ ID string }
	w.all("officer", "/api/units?state=claimed", &claimed)
	require.Len(t, claimed, 1)
	assert.NotContains(t, w.users["lead0"].do("GET", "/api/units?state=claimed", nil).is(t, 200).body, id)
	claim := ""
	for i := range 2 {
		if seen, at := officer.do("GET", unit, nil).is(t, 200), fmt.Sprintf("claims.%d.", i); seen.text(t, at+"mail") == "li@example.cn" {
			claim = seen.text(t, at+"id")
		}
	}
	officer.do("POST", unit+"/approve", map[string]any{"version": 1, "joint": false}).is(t, 422)
	login := officer.ok("POST", unit+"/approve", map[string]any{"version": 1, "joint": false, "claim_id": claim}).text(t, "result.login")
	assert.NotEmpty(t, login)
	after := officer.do("GET", unit, nil).is(t, 200)
	assert.Equal(t, []any{"重庆示例科技有限公司", "active", "li@example.cn", []any{}}, []any{after.get(t, "name"), after.get(t, "state"), after.get(t, "mail"), after.get(t, "claims")})
	require.Eventually(t, func() bool { return len(w.box.Mails("li@example.cn")) == 1 && len(w.box.Mails("evil@example.cn")) == 1 }, 10*time.Second, 5*time.Millisecond)
	assert.Contains(t, w.box.Mails("evil@example.cn")[0], "另一份申请")

	// now it is somebody's: a further registration changes nothing
	public.ok("POST", "/api/units/register", registration(code, "冒名的公司", "evil@example.cn"))
	assert.Empty(t, officer.do("GET", unit, nil).get(t, "claims"))
	w.sound()
}

// TestRegistrationThrottled: an address may not try codes or fill the disk.
func TestRegistrationThrottled(t *testing.T) {
	w := newWorld(t, func(c *configs.Config) { c.Limits.SignInsPerMinute = 3 })
	last := 0
	for range 5 {
		last = w.stranger().do("POST", "/api/units/register", registration("91350100M000100Y43", "重庆示例科技有限公司", "li@example.cn")).status
	}
	assert.Equal(t, http.StatusTooManyRequests, last)
}
