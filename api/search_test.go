package api_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestPoolSearch: by part of a Chinese name, class, title, district, unit to
// avoid and day; pages hold together whatever the filter takes away.
func TestPoolSearch(t *testing.T) {
	w := newWorld(t)
	w.populate()
	keeper := w.users["keeper"]
	names := w.names
	assert.Equal(t, "t1", names("q=家t1"))
	assert.Equal(t, "f0 f1 f2", names("class=finance"))
	assert.Equal(t, "", names("title=讲师"))
	assert.Equal(t, "f0 f1 f2", names("class=finance&title=教授&in_district=true"))
	assert.Equal(t, "", names("class=finance&in_district=false"))
	assert.Equal(t, "f0 f2", names("class=finance&avoid_unit_id="+w.units["of-f1"]))
	assert.Equal(t, "f1", names("class=finance&unit_id="+w.units["of-f1"]))
	assert.Equal(t, "f0 f1 f2", names("class=finance&available=2025-06-18"))
	keeper.do("GET", "/api/experts?available=2025-02-30", nil).is(t, 422)
	expert := keeper.do("GET", "/api/experts/"+w.experts["f1"], nil).is(t, 200)
	body := map[string]any{"version": expert.int(t, "version"), "unavailable": []any{map[string]any{"from": "2025-06-10", "to": "2025-06-20"}}}
	keeper.ok("PATCH", "/api/experts/"+w.experts["f1"], body)
	assert.Equal(t, "f0 f2", names("class=finance&available=2025-06-18"))
	assert.Equal(t, "f0 f1 f2", names("class=finance&available=2025-06-21"))
	first := keeper.do("GET", "/api/experts?class=finance&available=2025-06-18&limit=1", nil).is(t, 200)
	second := keeper.do("GET", "/api/experts?class=finance&available=2025-06-18&limit=1&after="+first.text(t, "next"), nil).is(t, 200)
	assert.Equal(t, "专家f2", second.text(t, "items.0.name"))
	assert.Empty(t, second.text(t, "next"))
}

// TestPoolSearchByUse: by any field with its sub-fields, keyword, panels this
// year and last use; seats given up and reviews called off do not count.
func TestPoolSearchByUse(t *testing.T) {
	w := newWorld(t)
	w.populate()
	keeper := w.users["keeper"]
	fields := func(short string, fields ...any) {
		t.Helper()
		keeper.ok("PATCH", "/api/experts/"+w.experts[short], map[string]any{"version": w.expertVersion(short), "fields": fields})
	}
	field := func(code string, keywords ...string) map[string]any {
		return map[string]any{"code": code, "keywords": keywords}
	}
	fields("f0", field("790.55"), field("520.2010", "智能驾驶", "车路协同"))
	fields("f1", field("520.30", "车联网"))
	assert.Equal(t, "f0", w.names("class=finance&field=520.20&keyword=驾驶"))
	assert.Equal(t, "f0 f2", w.names("class=finance&field=520.20"), "level 2 with what is below it")
	assert.Equal(t, "f0 f1 f2", w.names("class=finance&field=520"))
	assert.Equal(t, "f0", w.names("field=790"), "any field, not the main one alone")
	assert.Equal(t, "f0 f1", w.names("keyword=车"))
	keeper.do("GET", "/api/experts?field=52", nil).is(t, 422)
	fields("f0", field("790.55"))
	assert.Equal(t, "f1", w.names("keyword=车"), "what is taken away is no longer found")

	programme := w.programme("major", "t0", "t1", "t2", "t3", "t4", "t5")
	guide := w.guide(guideBody(programme, item("A1", "major", false, 25000000)))
	w.at(2025, 4, 2, 9)
	all := w.names("class=finance")
	assert.Equal(t, all, w.names("class=finance&panels_max=0"))
	review := w.users["officer"].ok("POST", "/api/reviews", reviewBody(guide, 3, 1, 1, w.accepted("lead0", w.application(guide, "A1", 0)))).text(t, "result.id")
	w.drawPanel(review)
	w.seatAll(review)
	seated := ""
	for _, s := range w.seats(review) {
		if s.Class == "finance" {
			seated = s.Name[len("专家"):]
		}
	}
	rest := strings.TrimSpace(strings.ReplaceAll(all+" ", seated+" ", ""))
	assert.Equal(t, all, w.names("class=finance&panels_max=0"), "who sits is not told by a count (P-12)")
	assert.Equal(t, all, w.names("class=finance&unused_since=2025-04-01"))
	var whole []struct{ Name string }
	w.all("supervisor", "/api/experts?class=finance&panels_max=0", &whole)
	assert.Len(t, whole, 2, "the supervisor sees the names, and the counts")
	w.users["officer"].ok("POST", "/api/reviews/"+review+"/confirm", map[string]any{})
	w.declareAll(review)
	w.users["officer"].ok("POST", "/api/reviews/"+review+"/start", map[string]any{})
	assert.Equal(t, rest, w.names("class=finance&panels_max=0"))
	assert.Equal(t, all, w.names("class=finance&panels_max=1"))
	assert.Equal(t, rest, w.names("class=finance&unused_since=2025-04-01"))
	assert.Equal(t, all, w.names("class=finance&unused_since=2025-04-26"), "the day of the review is before it")
	keeper.do("GET", "/api/experts?unused_since=2015-04-01", nil).is(t, 422)
	found := keeper.do("GET", "/api/experts?q=专家"+seated, nil).is(t, 200)
	assert.Equal(t, 1, found.int(t, "items.0.panels_this_year"))
	assert.Equal(t, "2025-04-25", found.text(t, "items.0.last_used"))
	w.serve(rest[:2], "key", 2024, "2024-11-20")
	assert.NotContains(t, w.names("class=finance&unused_since=2024-11-01"), rest[:2], "what was before the service counts too")
	w.users["officer"].ok("POST", "/api/reviews/"+review+"/void", because("流会"))
	assert.Equal(t, all, w.names("class=finance&panels_max=0"))
}
