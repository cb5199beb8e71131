package api_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"

	"keping/rbac"
)

// TestMutations sends every operation its own example with one thing wrong, as
// somebody who may: whatever comes, it is answered in Chinese and never a fault.
func TestMutations(t *testing.T) {
	w := newWorld(t)
	w.populate()
	programme := w.programme("major", "t0", "t1", "t2", "t3", "t4")
	guide := w.guide(guideBody(programme, item("A1", "major", false, 25000000)))
	w.at(2025, 4, 2, 9)
	application := w.accepted("lead0", w.application(guide, "A1", 0))
	draft := w.draft("lead1", w.application(guide, "A1", 1))
	review := w.marking(reviewBody(guide, 3, 1, 1, application))
	member := w.expert(w.seats(review)[0])
	sheet := w.sheets(member, review)[0].ID
	byRole := map[rbac.Role]*visitor{rbac.Public: w.stranger(), rbac.Expert: member, rbac.UnitAdmin: w.users["lead1"], rbac.JointUnit: w.users["joint"]}
	for _, v := range w.users {
		if byRole[v.role] == nil {
			byRole[v.role] = v
		}
	}
	for role := range rbac.RoleNames {
		if byRole[role] == nil {
			byRole[role] = w.user("any-"+strings.ReplaceAll(string(role), "_", "-"), "", role)
		}
	}
	object := func(path string) string {
		for prefix, id := range map[string]string{"/api/applications/": draft, "/api/reviews/": review, "/api/sheets": sheet, "/api/guides/": guide, "/api/programmes/": programme, "/api/experts/": w.experts["t9"]} {
			if strings.HasPrefix(path, prefix) {
				return id
			}
		}
		return "0190b2a0-0000-7000-8000-00000000dead"
	}
	wrong := []any{nil, "", -1, 0, 1.5, 1e308, true, "'; DROP TABLE users; --", "%_\\", "😀\u202e", strings.Repeat("科", 20000), []any{}, []any{nil}, map[string]any{}, map[string]any{"x": map[string]any{}}}
	allowed := policy(t)
	sent := 0
	for _, op := range operations(w) {
		if op.OperationID == "deleteSession" || op.OperationID == "createSession" {
			continue
		}
		v := byRole[whoMay(allowed[op.Extensions["x-permission"].(string)])]
		try := func(name string, a answer) {
			t.Helper()
			sent++
			if !assert.Less(t, a.status, 500, "%s %s, %s: %s", op.method, op.path, name, a.body) || a.status < 300 {
				return
			}
			detail := a.text(t, "detail")
			assert.NotContains(t, a.body, "%!", "%s %s, %s", op.method, op.path, name)
			assert.True(t, strings.ContainsFunc(detail, func(r rune) bool { return unicode.Is(unicode.Han, r) }), "%s %s, %s: %s", op.method, op.path, name, detail)
		}
		for _, id := range []string{"%00", "..%2f..%2fetc", "😀", "0", strings.Repeat("a", 64)} {
			if strings.Contains(op.path, "{id}") {
				try("id "+id, v.do(op.method, op.target(id), op.body()))
			}
		}
		for _, p := range op.Parameters {
			if p.In == "query" {
				for _, value := range []string{"", "-1", "0", "99999999999999999999", "%27", "%00", "a%25b"} {
					joint := "?"
					target := op.target(object(op.path))
					if strings.Contains(target, "?") {
						joint = "&"
					}
					try(p.Name+"="+value, v.do(op.method, target+joint+p.Name+"="+value, op.body()))
				}
			}
		}
		example, ok := op.body().(map[string]any)
		if !ok || op.OperationID == "voidReview" {
			continue
		}
		for _, field := range slices.Sorted(maps.Keys(example)) {
			for i, value := range wrong {
				changed := maps.Clone(example)
				changed[field] = value
				target := op.target(object(op.path))
				joint := "?"
				if strings.Contains(target, "?") {
					joint = "&"
				}
				// Rehearsed where that can be, so that what happens to pass leaves the world as it is.
				a := v.do(op.method, target+joint+"dry_run=true", changed)
				try(fmt.Sprintf("%s: wrong value %d", field, i), a)
			}
			less := maps.Clone(example)
			delete(less, field)
			try("without "+field, v.do(op.method, op.target(object(op.path))+"?dry_run=true", less))
		}
		try("a list for an object", v.do(op.method, op.target(object(op.path)), []any{example}))
		try("a text for an object", v.do(op.method, op.target(object(op.path)), "text"))
		try("null", v.send(op.method, op.target(object(op.path)), "application/json", strings.NewReader("null")))
	}
	t.Logf("%d requests", sent)
	assert.Greater(t, sent, 2000)
	w.sound()
	assert.Equal(t, http.StatusOK, w.users["officer"].do("GET", "/api/reviews/"+review, nil).status)
}

// whoMay is a role that may, directly or by a relation.
func whoMay(rows []string) rbac.Role {
	if slices.Contains(rows, string(rbac.SignedIn)) {
		return rbac.Expert
	}
	for _, row := range rows {
		if _, ok := rbac.RoleNames[rbac.Role(row)]; ok || row == string(rbac.Public) {
			return rbac.Role(row)
		}
	}
	for role := range rbac.RoleNames {
		for _, relation := range role.Relations() {
			if slices.Contains(rows, string(relation)) {
				return role
			}
		}
	}
	return rbac.Public
}
