package api_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/experts/draw"
	"keping/rbac"
	"keping/rbac/secret"
)

// TestDraw: the order is the protection. Nobody commits for another or twice,
// reveals before both have committed, reveals something else, or after the
// deadline; a failed attempt is void by those who did not fail.
func TestDraw(t *testing.T) {
	w := newWorld(t)
	w.populate()
	w.user("director2", "", rbac.Director)
	programme := w.programme("major", "t0", "t1", "t2", "t3", "t4")
	guide := w.guide(guideBody(programme, item("A1", "major", false, 25000000)))
	w.at(2025, 4, 2, 9)
	application := w.accepted("lead0", w.application(guide, "A1", 0))
	officer, supervisor, director := w.users["officer"], w.users["supervisor"], w.users["director"]
	review := officer.ok("POST", "/api/reviews", reviewBody(guide, 3, 1, 1, application)).text(t, "result.id")
	r := "/api/reviews/" + review
	w.users["keeper"].do("POST", r+"/freeze", map[string]any{}).is(t, http.StatusForbidden) // 管用分离
	frozen := officer.ok("POST", r+"/freeze", map[string]any{})
	officer.do("POST", r+"/freeze", map[string]any{}).is(t, http.StatusConflict)
	d, frame := "/api/draws/"+frozen.text(t, "result.draw_id"), frozen.text(t, "result.frame_hash")

	// The frame names nobody.
	published := officer.do("GET", d+"/frame", nil).is(t, http.StatusOK).body
	for _, personal := range []string{"专家", "单位", "500106", w.experts["t0"], w.units["of-t0"]} {
		assert.NotContains(t, published, personal)
	}
	parsed, err := draw.ParseFrame([]byte(published))
	require.NoError(t, err)
	hash, err := parsed.Hash()
	require.NoError(t, err)
	assert.Equal(t, frame, hash)

	secrets := map[string]string{"bureau": secret.Random(32), "supervisor": secret.Random(32)}
	commit := func(v *visitor, holder string) answer {
		return v.do("POST", d+"/commit", map[string]any{"commitment": draw.Commit(frame, holder, secrets[holder])})
	}
	reveal := func(v *visitor, text string) answer {
		return v.do("POST", d+"/reveal", map[string]any{"secret": text})
	}
	commit(director, "bureau").is(t, http.StatusForbidden)
	commit(officer, "bureau").is(t, http.StatusOK)
	commit(officer, "bureau").is(t, http.StatusConflict)
	reveal(officer, secrets["bureau"]).is(t, http.StatusConflict)
	officer.do("GET", d+"/record", nil).is(t, http.StatusConflict)
	commit(supervisor, "supervisor").is(t, http.StatusOK)
	reveal(officer, secrets["supervisor"]).is(t, http.StatusUnprocessableEntity)
	reveal(officer, "ABCDEF0123456789ABCDEF0123456789").is(t, http.StatusUnprocessableEntity)
	reveal(officer, secrets["bureau"]).is(t, http.StatusOK)
	reveal(officer, secrets["bureau"]).is(t, http.StatusConflict)
	shown := supervisor.do("GET", d, nil).is(t, http.StatusOK)
	assert.NotContains(t, shown.body, secrets["bureau"], "a revealed secret is not shown before the draw")

	// The supervisor misses the deadline and may not decide about it.
	w.clock.Add(31 * 60)
	reveal(supervisor, secrets["supervisor"]).is(t, http.StatusConflict)
	void := map[string]any{"reason": "监督未按时揭示"}
	supervisor.do("POST", d+"/void", void).is(t, http.StatusConflict)
	officer.do("POST", d+"/void", void).is(t, http.StatusForbidden)
	officer.do("POST", r+"/freeze", map[string]any{}).is(t, http.StatusConflict)
	director.ok("POST", d+"/void", void)
	director.do("POST", d+"/void", void).is(t, http.StatusConflict)
	assert.Equal(t, "void", w.users["director2"].ok("POST", d+"/void", void).text(t, "result.state"))

	// The next attempt is another frame: old commitments are worth nothing.
	again := officer.ok("POST", r+"/freeze", map[string]any{})
	assert.NotEqual(t, frame, again.text(t, "result.frame_hash"))
	assert.Equal(t, 2, again.int(t, "result.frame.attempt"))
	w.drawNow(again.text(t, "result.draw_id"), again.text(t, "result.frame_hash"))
	record := officer.do("GET", "/api/draws/"+again.text(t, "result.draw_id")+"/record", nil).is(t, http.StatusOK)
	drawn, err := draw.ParseRecord([]byte(record.body))
	require.NoError(t, err)
	require.NoError(t, draw.Verify(drawn))

	// Who does not answer in time makes room; who declines, at once.
	before := w.seats(review)
	w.reply(before[0], false)
	w.clock.Add(25 * 3600)
	_, err = w.app.Reviews.ExpireInvitations(t.Context())
	require.NoError(t, err)
	reasons := map[string]int{}
	for _, s := range w.seats(review) {
		if s.State == "vacated" {
			reasons[s.State]++
		}
	}
	assert.Equal(t, 6, reasons["vacated"], "one declined and its alternate, and the four others, did not answer")
	w.sound()
}

// TestExpiredInvitation: an old link answers nothing.
func TestExpiredInvitation(t *testing.T) {
	w := newWorld(t)
	w.populate()
	programme := w.programme("major", "t0", "t1", "t2", "t3", "t4")
	guide := w.guide(guideBody(programme, item("A1", "major", false, 25000000)))
	w.at(2025, 4, 2, 9)
	application := w.accepted("lead0", w.application(guide, "A1", 0))
	review := w.users["officer"].ok("POST", "/api/reviews", reviewBody(guide, 3, 1, 1, application)).text(t, "result.id")
	w.drawPanel(review)
	first := w.seats(review)[0]
	token, err := w.box.Token(first.Name[len("专家"):] + "@example.cn")
	require.NoError(t, err)
	w.clock.Add(25 * 3600)
	w.stranger().do("POST", "/api/invitations/reply", map[string]any{"token": token, "accept": true, "password": password, "consent": true}).is(t, http.StatusNotFound)
	var notices struct {
		Items []struct{ Kind, Object, Address, State string }
	}
	a := w.users["officer"].do("GET", "/api/notices?object=seat/"+first.ID, nil).is(t, http.StatusOK)
	require.NoError(t, json.Unmarshal([]byte(a.body), &notices))
	require.Len(t, notices.Items, 1)
	assert.Equal(t, "sent", notices.Items[0].State)
	assert.NotContains(t, a.body, token, "officers never see another's link")
}
