package api_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/rbac"
	"keping/rbac/rulebook"
)

// pack changes the pack in force for the rest of a test.
func (w *world) pack(change func(*rulebook.Pack)) {
	w.adjust(func(p *rulebook.Pack) *rulebook.Pack {
		changed := *p
		change(&changed)
		return &changed
	})
}

// TestDrawTime: no draw earlier than the pack allows before the meeting, or
// before its day where none is arranged.
func TestDrawTime(t *testing.T) {
	w, review, _ := meetingWorld(t)
	officer, r := w.users["officer"], "/api/reviews/"+review
	w.at(2025, 3, 25, 23) // 31 days before
	officer.refused("P-12", "POST", r+"/freeze", map[string]any{}, "-")
	w.pack(func(p *rulebook.Pack) { p.DrawHoursBefore = 72 })
	w.at(2025, 4, 21, 23) // an hour too early for the day itself
	assert.Contains(t, officer.do("POST", r+"/freeze", map[string]any{}).is(t, 422).body, "最早在评审前72小时，即2025-04-22 00:00以后")
	officer.ok("POST", r+"/arrange", map[string]any{"meets_at": "2025-04-25T14:00:00+08:00", "place": "区政府201会议室"})
	w.at(2025, 4, 22, 13)
	assert.Contains(t, officer.do("POST", r+"/freeze", map[string]any{}).is(t, 422).body, "2025-04-22 14:00以后")
	w.at(2025, 4, 22, 14)
	officer.ok("POST", r+"/freeze", map[string]any{})
}

// TestMaskedNames: until the meeting starts nobody but the supervisor sees who
// sits, neither in the list of seats nor by the messages sent.
func TestMaskedNames(t *testing.T) {
	w, review, _ := meetingWorld(t)
	officer, r := w.users["officer"], "/api/reviews/"+review
	officer.ok("POST", r+"/arrange", map[string]any{"meets_at": "2025-04-25T09:00:00+08:00", "place": "区政府201会议室"})
	w.at(2025, 4, 24, 9)
	w.drawPanel(review)
	w.seatAll(review)
	seats := w.live(review, "")
	names := func(v *visitor) (masked, own int) {
		for _, s := range v.seats(review) {
			if s.Name == "专**" {
				masked++
			} else {
				own++
			}
		}
		return
	}
	for _, v := range []*visitor{officer, w.users["director"]} {
		masked, told := names(v)
		assert.Equal(t, []int{5, 0}, []int{masked, told})
	}
	notices := officer.do("GET", "/api/notices?object=seat/"+seats[0].ID, nil).is(t, 200)
	assert.Equal(t, "***", notices.text(t, "items.0.address"))
	assert.NotEqual(t, "***", w.users["supervisor"].do("GET", "/api/notices?object=seat/"+seats[0].ID, nil).is(t, 200).text(t, "items.0.address"))
	refused := officer.do("POST", r+"/confirm", map[string]any{}) // verdicts name seats, not people
	assert.NotContains(t, refused.body, "专家t")
	masked, told := names(w.expert(seats[0]))
	assert.Equal(t, []int{4, 1}, []int{masked, told}, "one knows oneself")
	_, told = names(w.users["supervisor"])
	assert.Equal(t, 5, told)
	w.at(2025, 4, 25, 9)
	_, told = names(officer)
	assert.Equal(t, 5, told, "the meeting has started")
	w.at(2025, 4, 25, 8)
	w.pack(func(p *rulebook.Pack) { p.NamesMasked = false })
	_, told = names(officer)
	assert.Equal(t, 5, told, "a district may do without")
	w.pack(func(p *rulebook.Pack) { p.Disabled = []string{"P-12"} })
	_, told = names(officer)
	assert.Equal(t, 5, told, "or without the practice altogether")
}

// TestTelephoneReply: what an expert says by telephone is taken down with time
// and caller and counts once somebody else has confirmed it.
func TestTelephoneReply(t *testing.T) {
	w, review, _ := meetingWorld(t)
	officer, supervisor := w.users["officer"], w.users["supervisor"]
	second := w.user("officer2", "", rbac.Officer)
	w.drawPanel(review)
	seats := w.live(review, "technical")
	s := "/api/seats/" + seats[0].ID
	w.clock.Add(3600)
	call := func(accept bool, ago time.Duration) map[string]any {
		return map[string]any{"accept": accept, "reason": "当日出差", "consent": true, "caller": "专家本人来电", "called_at": time.Unix(w.clock.Load(), 0).Add(-ago).Format(time.RFC3339)}
	}
	confirm := func(accept bool) map[string]any { return map[string]any{"accept": accept} }
	second.do("POST", s+"/confirm_reply", confirm(true)).is(t, 409) // nothing entered
	officer.do("POST", s+"/enter_reply", call(true, -time.Minute)).is(t, 422)
	officer.do("POST", s+"/enter_reply", call(true, 2*time.Hour)).is(t, 422) // before the invitation
	before := w.seq()
	officer.ok("POST", s+"/enter_reply", call(true, time.Minute))
	assert.NotContains(t, string(w.journal(before)[0].Facts), "来电")
	for _, row := range officer.seats(review) {
		assert.Equal(t, row.ID == seats[0].ID, row.Entered)
		assert.Equal(t, "invited", row.State, "it does not count yet")
	}
	officer.do("POST", s+"/confirm_reply", confirm(true)).is(t, 409)
	second.do("POST", s+"/confirm_reply", confirm(false)).is(t, 422) // they disagree
	token, err := w.box.Token(shortOf(seats[0]) + "@example.cn")
	require.NoError(t, err)
	assert.Equal(t, "accepted", second.ok("POST", s+"/confirm_reply", confirm(true)).text(t, "result.state"))
	w.stranger().do("POST", "/api/invitations/reply", map[string]any{"token": token, "accept": false, "reason": "反悔"}).is(t, 404) // answered
	officer.do("POST", s+"/enter_reply", call(false, time.Minute)).is(t, 409)

	// The expert sets the password by a link of the own, and goes on.
	activation, err := w.box.Token(shortOf(seats[0]) + "@example.cn")
	require.NoError(t, err)
	w.stranger().do("POST", "/api/activations", map[string]any{"token": activation, "password": password}).is(t, 201)
	v := &visitor{w: w, role: rbac.Expert}
	w.users[shortOf(seats[0])] = v
	v.signIn("zj00001")
	v.ok("POST", "/api/reviews/"+review+"/pledge", map[string]any{"password": password})

	// Declined, the seat passes on; too late, the alternate has it already.
	s = "/api/seats/" + seats[1].ID
	refusal := call(false, time.Minute)
	refusal["reason"] = ""
	officer.do("POST", s+"/enter_reply", refusal).is(t, 422)
	officer.ok("POST", s+"/enter_reply", call(false, time.Minute))
	assert.Equal(t, "vacated", supervisor.ok("POST", s+"/confirm_reply", confirm(false)).text(t, "result.state"))
	assert.Len(t, w.live(review, "technical"), 3)
	w.clock.Add(25 * 3600)
	officer.do("POST", "/api/seats/"+seats[2].ID+"/enter_reply", call(true, 20*time.Hour)).is(t, 409)
	w.sound()
}

// TestDirectAppointment: only a director, with a reason, where no alternate is
// left, and within the share the pack allows (P-14).
func TestDirectAppointment(t *testing.T) {
	w := newWorld(t)
	w.populate()
	programme := w.programme("major", "t0", "t1", "t2")
	guide := w.guide(guideBody(programme, item("A1", "major", false, 25000000)))
	w.at(2025, 4, 2, 9)
	application := w.accepted("lead0", w.application(guide, "A1", 0))
	officer, director := w.users["officer"], w.users["director"]
	review := officer.ok("POST", "/api/reviews", reviewBody(guide, 3, 1, 1, application)).text(t, "result.id")
	r := "/api/reviews/" + review
	w.drawPanel(review)
	w.seatAll(review)
	w.join(programme, "technical", "t3", "t4")
	appoint := func(short string) map[string]any {
		return map[string]any{"class": "technical", "expert_id": w.experts[short], "reason": "该领域区内仅此一人"}
	}
	director.do("POST", r+"/appoint", appoint("t3")).is(t, 409) // no seat is open
	seats := w.live(review, "technical")
	officer.ok("POST", "/api/seats/"+seats[0].ID+"/replace", because("突发疾病"))
	officer.do("POST", r+"/appoint", appoint("t3")).is(t, 403)
	short := appoint("t3")
	short["reason"] = "需要"
	director.do("POST", r+"/appoint", short).is(t, 422)
	before := w.seq()
	director.ok("POST", r+"/appoint", appoint("t3"))
	assert.NotContains(t, string(w.journal(before)[0].Facts), "仅此一人")
	assert.Contains(t, string(w.journal(before)[0].Facts), `"reason":"`)
	officer.ok("POST", "/api/seats/"+seats[1].ID+"/replace", because("突发疾病"))
	director.refused("P-14", "POST", r+"/appoint", appoint("t4")) // two of five are more than 20 %
	w.pack(func(p *rulebook.Pack) { p.DirectAppointPercent = 40 })
	for _, sits := range []string{"t3", strings.TrimPrefix(seats[2].Name, "专家")} { // appointed, and drawn
		assert.Contains(t, director.do("POST", r+"/appoint", appoint(sits)).is(t, 409).body, "不能再占一席")
	}
	director.ok("POST", r+"/appoint", appoint("t4"))
	w.sound()
}
