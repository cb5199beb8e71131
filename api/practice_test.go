package api_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestPractices: what bureaus expect of a review besides the articles, each
// once refused and then done: declarations before the start (P-17), open
// requests for recusal decided, every sheet submitted before the opening
// (P-24), an opinion before the closing (P-16), nothing missing in the ranking
// (P-34), and nothing under the pass line on the list (P-35).
func TestPractices(t *testing.T) {
	w := newWorld(t)
	w.populate()
	body := guideBody(w.programme("major", "t0", "t1", "t2", "t3", "t4", "t5", "t6"), item("A1", "major", false, 25000000))
	body["pass_line"] = 7000
	guide := w.guide(body)
	w.at(2025, 4, 2, 9)
	applications := []string{w.accepted("lead0", w.application(guide, "A1", 0)), w.accepted("lead1", w.application(guide, "A1", 1))}
	officer, supervisor := w.users["officer"], w.users["supervisor"]
	review := officer.ok("POST", "/api/reviews", reviewBody(guide, 3, 1, 1, applications...)).text(t, "result.id")
	r := "/api/reviews/" + review
	w.drawPanel(review)
	w.seatAll(review)
	officer.ok("POST", r+"/confirm", map[string]any{})
	panel := w.live(review, "")
	for _, s := range panel {
		w.expert(s).ok("POST", r+"/pledge", map[string]any{"password": password})
	}
	officer.refused("P-17", "POST", r+"/start", map[string]any{})
	first := w.expert(panel[0])
	asked := first.ok("POST", r+"/declare", map[string]any{"application_id": applications[0], "clear": false, "kind": "cooperation", "reason": "合著论文"}).text(t, "result.id")
	w.declareAll(review)
	officer.refused("declared", "POST", r+"/start", map[string]any{}, "R-065")
	officer.ok("POST", "/api/declarations/"+asked+"/reject", map[string]any{})
	w.declareAll(review)
	officer.ok("POST", r+"/start", map[string]any{})

	level := map[string]float64{applications[0]: 50, applications[1]: 36}
	unopened := func(review string, marked int) *visitor {
		t.Helper()
		panel := w.live(review, "")
		for _, s := range panel[:marked] {
			for _, x := range w.sheets(w.expert(s), review) {
				w.expert(s).ok("POST", "/api/sheets/"+x.ID+"/submit", marks(x.Version, level[x.ApplicationID], 30))
			}
		}
		officer.ok("POST", "/api/reviews/"+review+"/appoint_chair", map[string]any{"seat_id": panel[0].ID})
		return w.expert(panel[0])
	}
	chair := unopened(review, 4)
	chair.refused("P-24", "POST", r+"/open", map[string]any{}, "-") // a turn of the key is never rehearsed
	w.markAll(review, func(id string) float64 { return level[id] })
	chair.ok("POST", r+"/open", map[string]any{})
	supervisor.ok("POST", r+"/open", map[string]any{})
	officer.refused("P-16", "POST", r+"/close", map[string]any{}, "P-20")
	w.sign(review, chair)
	officer.ok("POST", r+"/close", map[string]any{})

	// P-34 stands behind P-24: only without that can a sheet be missing so late.
	other := w.accepted("lead2", w.application(guide, "A1", 2))
	level[other] = 50
	second := w.marking(reviewBody(guide, 3, 1, 1, other))
	again := w.without("P-24")
	chair = unopened(second, 4)
	chair.ok("POST", "/api/reviews/"+second+"/open", map[string]any{})
	supervisor.ok("POST", "/api/reviews/"+second+"/open", map[string]any{})
	again()
	officer.refused("P-34", "POST", "/api/reviews/"+second+"/close", map[string]any{}, "-")
	supervisor.ok("POST", "/api/reviews/"+second+"/void", because("评分表缺失，另行组织"))

	list := officer.ok("POST", "/api/lists", map[string]any{"guide_id": guide}).text(t, "result.id")
	choose := func(version int, first, second string) map[string]any {
		return map[string]any{"version": version, "choices": []any{map[string]any{"application_id": applications[0], "choice": first}, map[string]any{"application_id": applications[1], "choice": second}}}
	}
	officer.refused("P-35", "POST", "/api/lists/"+list+"/adjust", choose(1, "proposed", "proposed"))
	officer.ok("POST", "/api/lists/"+list+"/adjust", choose(1, "proposed", "declined"))
	lines := w.lines(list)
	assert.False(t, lines[0].Passed == lines[1].Passed)
	w.sound()
}
