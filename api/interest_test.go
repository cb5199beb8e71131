package api_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"keping/rbac"
)

// TestStaffInterests: who has a tie to an application writes nothing about its
// review or list (P-19); a colleague without one does.
func TestStaffInterests(t *testing.T) {
	w, review, applications := meetingWorld(t)
	tied, r := w.users["officer"], "/api/reviews/"+review
	free := w.user("officer2", "", rbac.Officer)
	tied.do("POST", "/api/interests", map[string]any{"reason": "亲属在职"}).is(t, 422)
	tied.do("POST", "/api/interests", map[string]any{"unit_id": w.units["lead0"], "application_id": applications[0], "reason": "亲属在职"}).is(t, 422)
	tied.do("POST", "/api/interests", map[string]any{"application_id": "none", "reason": "亲属在职"}).is(t, 404)
	w.users["lead0"].do("POST", "/api/interests", map[string]any{"unit_id": w.units["lead0"], "reason": "本单位"}).is(t, 403)
	before := w.seq()
	tied.ok("POST", "/api/interests", map[string]any{"unit_id": w.units["lead0"], "reason": "配偶在该单位任职"})
	assert.NotContains(t, string(w.journal(before)[0].Facts), "配偶")
	refused := tied.refused("P-19", "POST", r+"/freeze", map[string]any{})
	assert.NotContains(t, refused.body, "配偶", "the reason is nobody else's to read")
	free.ok("POST", r+"/freeze", map[string]any{})
	w.users["supervisor"].ok("POST", "/api/interests", map[string]any{"application_id": applications[1], "reason": "曾参与前期论证"})
	w.users["supervisor"].refused("P-19", "POST", r+"/pause", because("暂停评审"))
	w.sound()
}
