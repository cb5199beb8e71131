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
	names := func(query string) string {
		t.Helper()
		var rows []struct{ Name string }
		w.all("keeper", "/api/experts?"+query, &rows)
		var out []string
		for _, r := range rows {
			out = append(out, strings.TrimPrefix(r.Name, "专家"))
		}
		return strings.Join(out, " ")
	}
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
