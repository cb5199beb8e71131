package api_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/experts"
)

func conduct(seat string, mark int, remarks string) map[string]any {
	var marks []any
	for _, item := range experts.ConductItems {
		marks = append(marks, map[string]any{"item": item.Code, "mark": mark})
	}
	return map[string]any{"seat_id": seat, "marks": marks, "remarks": remarks}
}

// TestConduct: after the review is closed officer, supervisor and chair rate
// each expert once on all items of P-25; the expert reads it and replies once;
// keeper and officer see both; what is missing shows, and late; a low rating
// may be what a suspension stands on, and changes no draw.
func TestConduct(t *testing.T) {
	w, _, review, _ := marked(t, nil, 50, 45)
	officer, keeper, supervisor := w.users["officer"], w.users["keeper"], w.users["supervisor"]
	r := "/api/reviews/" + review
	chair := w.open(review)
	w.sign(review, chair)
	var rated, own seat
	for _, s := range w.seats(review) {
		switch {
		case s.State != "pledged":
		case w.expert(s) == chair:
			own = s
		default:
			rated = s
		}
	}
	officer.do("POST", r+"/rate", conduct(rated.ID, 5, "")).is(t, 409) // not before it is closed
	officer.ok("POST", r+"/close", map[string]any{})
	survey := func() answer {
		t.Helper()
		return keeper.do("GET", r+"/conducts", nil).is(t, 200)
	}
	missing := func() (n int) {
		var out struct{ Items []struct{ Missing bool } }
		require.NoError(t, json.Unmarshal([]byte(survey().body), &out))
		for _, i := range out.Items {
			if i.Missing {
				n++
			}
		}
		return n
	}
	assert.Equal(t, 5, missing())
	assert.Equal(t, "2025-04-12", survey().text(t, "due"))
	assert.Equal(t, 5, officer.do("GET", "/api/conducts/owed", nil).is(t, 200).int(t, "items.0.missing"))

	incomplete := conduct(rated.ID, 5, "")
	incomplete["marks"] = incomplete["marks"].([]any)[1:]
	assert.Contains(t, officer.do("POST", r+"/rate", incomplete).is(t, 422).body, "按时到会")
	officer.do("POST", r+"/rate", conduct("0190b2a0-0000-7000-8000-00000000dead", 5, "")).is(t, 422)
	keeper.do("POST", r+"/rate", conduct(rated.ID, 5, "")).is(t, 403)
	w.expert(rated).do("POST", r+"/rate", conduct(own.ID, 5, "")).is(t, 404) // a member who is not the chair
	chair.do("POST", r+"/rate", conduct(own.ID, 5, "")).is(t, 422)           // nobody rates the own part
	bad := officer.ok("POST", r+"/rate", conduct(rated.ID, 1, "两次催交评分表")).text(t, "result.id")
	officer.do("POST", r+"/rate", conduct(rated.ID, 5, "")).is(t, 409)
	chair.ok("POST", r+"/rate", conduct(rated.ID, 4, "意见较简略"))
	supervisor.ok("POST", r+"/rate", conduct(own.ID, 5, ""))
	assert.Equal(t, 4, missing(), "the officer's is the one that is owed")

	// the expert reads and replies, once
	x := w.expert(rated)
	mine := x.do("GET", "/api/conducts", nil).is(t, 200)
	assert.Contains(t, mine.body, "两次催交评分表")
	assert.Contains(t, mine.body, "意见较简略")
	assert.NotContains(t, w.expert(own).do("GET", "/api/conducts", nil).is(t, 200).body, "两次催交评分表")
	w.expert(own).do("POST", "/api/conducts/"+bad+"/reply", map[string]any{"text": "代为说明"}).is(t, 404)
	x.ok("POST", "/api/conducts/"+bad+"/reply", map[string]any{"text": "当日网络故障，已电话说明。"})
	x.do("POST", "/api/conducts/"+bad+"/reply", map[string]any{"text": "再次说明"}).is(t, 409)
	before := w.seq()
	assert.Contains(t, officer.do("GET", r+"/conducts", nil).is(t, 200).body, "网络故障")
	assert.Contains(t, survey().body, "网络故障")
	require.Len(t, w.journal(before), 2, "that it was read is journalled")
	for _, e := range w.journal(0) {
		assert.NotContains(t, string(e.Facts), "催交")
	}

	// late
	assert.Equal(t, false, survey().get(t, "late"))
	w.at(2025, 4, 13, 9)
	assert.Equal(t, true, survey().get(t, "late"))
	assert.Equal(t, true, officer.do("GET", "/api/conducts/owed", nil).get(t, "items.0.late"))

	// it changes no draw; it may be what a suspension stands on
	short := strings.TrimPrefix(rated.Name, "专家")
	assert.Contains(t, w.names("state=in_pool"), short)
	suspend := map[string]any{"version": w.expertVersion(short), "reason": "履职评价低", "until": "2025-12-31", "conduct_id": bad}
	other := strings.TrimPrefix(own.Name, "专家")
	keeper.do("POST", "/api/experts/"+w.experts[other]+"/suspend", map[string]any{"version": w.expertVersion(other), "reason": "履职评价低", "conduct_id": bad}).is(t, 422)
	keeper.ok("POST", "/api/experts/"+w.experts[short]+"/suspend", suspend)
	assert.Equal(t, "conduct", keeper.do("GET", "/api/experts/"+w.experts[short], nil).text(t, "state_code"))
}
