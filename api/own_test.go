package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/rbac"
)

// TestHandOver: a leaver is disabled, what is open goes to a colleague of the
// same role, and what was done keeps the name of who did it.
func TestHandOver(t *testing.T) {
	w := newWorld(t)
	w.populate()
	officer, admin := w.users["officer"], w.users["sysadmin"]
	guide := w.guide(guideBody(w.programme("major", "t0", "t1", "t2", "t3"), item("A1", "major", false, 25000000)))
	w.at(2025, 4, 2, 9)
	leaver, stays, elsewhere := w.user("leaver", "lead0", rbac.Applicant), w.user("stays", "lead0", rbac.Applicant), w.user("elsewhere", "lead1", rbac.Applicant)
	draft := leaver.ok("POST", "/api/applications", w.application(guide, "A1", 0)).text(t, "result.id")
	hand := func(to *visitor, version int) map[string]any {
		return map[string]any{"version": version, "to_id": to.id}
	}
	path := "/api/users/" + leaver.id + "/hand_over"
	officer.do("POST", path, hand(stays, 1)).is(t, 403)
	admin.do("POST", path, hand(leaver, 1)).is(t, 422)
	admin.do("POST", path, hand(officer, 1)).is(t, 422)
	assert.Contains(t, admin.do("POST", path, hand(elsewhere, 1)).is(t, 422).body, "同一单位")
	admin.do("POST", path, hand(stays, 9)).is(t, 409)
	stays.do("GET", "/api/applications/"+draft, nil).is(t, 404)
	admin.ok("POST", path, hand(stays, 1))
	leaver.do("GET", "/api/applications", nil).is(t, 401)
	stays.do("GET", "/api/applications/"+draft, nil).is(t, 200)

	w.at(2025, 4, 3, 9)
	application := w.accepted("lead1", w.application(guide, "A1", 1))
	review := officer.ok("POST", "/api/reviews", reviewBody(guide, 3, 1, 1, application)).text(t, "result.id")
	other := w.user("officer2", "", rbac.Officer)
	path = "/api/users/" + officer.id + "/hand_over"
	assert.Contains(t, admin.do("POST", path, hand(w.users["keeper"], 1)).is(t, 422).body, "科技局经办")
	admin.ok("POST", "/api/users/"+officer.id+"/disable", map[string]any{"version": 1}) // in haste
	done := admin.ok("POST", path, hand(other, 2))
	assert.Equal(t, review, done.text(t, "result.reviews.0"))
	assert.Equal(t, other.id, other.do("GET", "/api/reviews/"+review, nil).text(t, "officer_id"))
	signed := false
	for _, e := range w.journal(0) {
		signed = signed || e.Act == "review.create" && e.Actor == "officer:"+officer.id
	}
	assert.True(t, signed, "past acts keep their name")
	w.sound()
}

// TestHandOverList: an award list that is not confirmed is an open duty too.
func TestHandOverList(t *testing.T) {
	w, guide, review, _ := marked(t, nil, 50, 45)
	w.sign(review, w.open(review))
	officer := w.users["officer"]
	officer.ok("POST", "/api/reviews/"+review+"/close", map[string]any{})
	list := officer.ok("POST", "/api/lists", map[string]any{"guide_id": guide}).text(t, "result.id")
	other := w.user("officer2", "", rbac.Officer)
	done := w.users["sysadmin"].ok("POST", "/api/users/"+officer.id+"/hand_over", map[string]any{"version": 1, "to_id": other.id})
	assert.Equal(t, list, done.text(t, "result.lists.0"))
	assert.Empty(t, done.get(t, "result.reviews"), "what is closed keeps the name of who ran it")
	var holder string
	require.NoError(t, w.app.Store.DB.Read(t.Context()).Table("award_lists").Where("id = ?", list).Pluck("officer_id", &holder).Error)
	assert.Equal(t, other.id, holder)
}

// TestRolesMeetInAPerson: pairs of configs/apart.csv never meet, whatever the account.
func TestRolesMeetInAPerson(t *testing.T) {
	w := newWorld(t)
	w.populate()
	security := w.user("security", "", rbac.SecurityAdmin)
	third := w.user("third", "", rbac.Finance)
	officer := map[string]any{"role": "officer"}
	w.sql("UPDATE users SET person_id = ? WHERE login IN ('keeper', 'third')", w.people["t9"])
	assert.Contains(t, security.do("POST", "/api/users/"+third.id+"/grant", officer).is(t, 422).body, "不得由同一人担任")
	security.ok("POST", "/api/users/"+third.id+"/grant", map[string]any{"role": "conference"})
	w.sql("UPDATE users SET person_id = '' WHERE login = 'keeper'")
	security.ok("POST", "/api/users/"+third.id+"/grant", officer)
}

// TestOwnData: everybody reads, corrects and exports what is kept of oneself,
// and nothing of anybody else.
func TestOwnData(t *testing.T) {
	w := newWorld(t)
	w.populate()
	officer := w.users["officer"]
	guide := w.guide(guideBody(w.programme("major", "t0", "t1", "t2", "t3"), item("A1", "major", false, 25000000)))
	w.at(2025, 4, 2, 9)
	application := w.accepted("lead0", w.application(guide, "A1", 0))
	review := w.marking(reviewBody(guide, 3, 1, 1, application))
	var short string
	for _, s := range w.seats(review) {
		if s.Class == "management" {
			short = s.Name[len("专家"):]
		}
	}
	expert := w.users[short]
	document, _ := documentOf(short)

	w.stranger().do("GET", "/api/me", nil).is(t, 401)
	before := w.seq()
	me := expert.do("GET", "/api/me", nil).is(t, 200)
	assert.Equal(t, w.experts[short], me.text(t, "expert_id"))
	assert.NotContains(t, me.body, document)
	own := expert.do("GET", "/api/me/export", nil).is(t, 200)
	for _, want := range []string{w.experts[short], `"class": "management"`, `"state": "clear"`, "2025-01", "专家" + short} {
		assert.Contains(t, own.body, want)
	}
	assert.NotContains(t, own.body, document)
	for other, id := range w.experts {
		if other != short {
			assert.NotContains(t, own.body, id, "only of oneself")
		}
	}
	assert.Equal(t, before, w.seq(), "reading one's own leaves no entry")
	assert.Contains(t, officer.do("GET", "/api/me/export", nil).is(t, 200).body, `"role": "officer"`)
	assert.Empty(t, officer.do("GET", "/api/me/export", nil).get(t, "applications"))

	correct := func(more map[string]any) map[string]any {
		body := map[string]any{"version": me.int(t, "user.version"), "password": password}
		for k, v := range more {
			body[k] = v
		}
		return body
	}
	wrong := correct(map[string]any{"mail": "other@example.cn"})
	wrong["password"] = "guessed"
	expert.do("POST", "/api/me/correct", wrong).is(t, 422)
	expert.do("POST", "/api/me/correct", correct(map[string]any{"phone": "123"})).is(t, 422)
	officer.do("POST", "/api/me/correct", map[string]any{"version": 1, "password": password, "expert": map[string]any{"version": 1}}).is(t, 422)
	changed := expert.ok("POST", "/api/me/correct", correct(map[string]any{"mail": "mine@example.cn", "phone": "13987654321",
		"expert": map[string]any{"version": me.int(t, "expert_version"), "unavailable": []any{map[string]any{"from": "2025-06-01", "to": "2025-06-30"}}}}))
	assert.Equal(t, "mine@example.cn", changed.text(t, "result.mail"))
	assert.Equal(t, "139****4321", changed.text(t, "result.phone"))
	shown := w.users["keeper"].do("GET", "/api/experts/"+w.experts[short], nil)
	assert.Contains(t, shown.body, "mine@example.cn")
	assert.Contains(t, shown.body, "2025-06-30")
	expert.do("POST", "/api/me/correct", correct(map[string]any{"mail": "late@example.cn"})).is(t, http.StatusConflict)

	// P-59: consent is withdrawn by whoever gave one; a running review keeps its panel, the pool does not
	consent := map[string]any{"password": password}
	officer.do("POST", "/api/me/withdraw_consent", consent).is(t, 404)
	withdrawn := expert.ok("POST", "/api/me/withdraw_consent", consent)
	assert.Equal(t, "suspended", withdrawn.text(t, "result.state"))
	require.Len(t, withdrawn.get(t, "result.seats"), 1)
	after := w.users["keeper"].do("GET", "/api/experts/"+w.experts[short], nil)
	assert.Equal(t, "suspended", after.text(t, "state"))
	expert.refused("P-59", "POST", "/api/me/withdraw_consent", consent)
	assert.Equal(t, "139****4321", after.text(t, "phone"), "until the review is over")
	for _, e := range w.journal(before) {
		assert.NotContains(t, string(e.Facts), "example.cn")
	}
}
