package api_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/configs"
	"keping/rbac"
)

var update = flag.Bool("update", false, "write api/openapi.json anew")

type operation struct {
	method, path string
	*huma.Operation
}

// operations are all of the API, in the order of their paths.
func operations(w *world) []operation {
	var out []operation
	for path, item := range w.app.Server.API.OpenAPI().Paths {
		for method, op := range map[string]*huma.Operation{"GET": item.Get, "POST": item.Post, "PATCH": item.Patch, "DELETE": item.Delete} {
			if op != nil {
				out = append(out, operation{method, path, op})
			}
		}
	}
	slices.SortFunc(out, func(a, b operation) int { return strings.Compare(a.path+a.method, b.path+b.method) })
	return out
}

// policy is policy.csv read afresh: "noun verb" → who.
func policy(t *testing.T) map[string][]string {
	t.Helper()
	reader := csv.NewReader(strings.NewReader(configs.Policy))
	reader.Comment, reader.TrimLeadingSpace, reader.FieldsPerRecord = '#', true, 4
	rows, err := reader.ReadAll()
	require.NoError(t, err)
	out := map[string][]string{}
	for _, row := range rows {
		permission := strings.TrimSpace(row[2]) + " " + strings.TrimSpace(row[3])
		out[permission] = append(out[permission], strings.TrimSpace(row[1]))
	}
	return out
}

// TestOpenAPI holds the description to what it must say, and the committed
// copy to what the server answers. Write it anew with: go test ./api -run OpenAPI -update
func TestOpenAPI(t *testing.T) {
	w := newWorld(t)
	served := w.stranger().do("GET", "/api/openapi.json", nil).is(t, http.StatusOK)
	var pretty bytes.Buffer
	require.NoError(t, json.Indent(&pretty, []byte(served.body), "", " "))
	pretty.WriteByte('\n')
	if *update {
		require.NoError(t, os.WriteFile("openapi.json", pretty.Bytes(), 0o644))
	}
	committed, err := os.ReadFile("openapi.json")
	require.NoError(t, err)
	lines, answered := strings.Split(string(committed), "\n"), strings.Split(pretty.String(), "\n")
	for i := range min(len(lines), len(answered)) { // the first difference, not two documents
		require.Equal(t, lines[i], answered[i], "api/openapi.json:%d is not what the server answers: go test ./api -run OpenAPI -update", i+1)
	}
	require.Len(t, lines, len(answered))

	allowed := policy(t)
	seen := map[string]bool{}
	registry := w.app.Server.API.OpenAPI().Components.Schemas
	used := map[string]bool{}
	for _, op := range operations(w) {
		used[op.Extensions["x-permission"].(string)] = true
	}
	for permission := range allowed {
		assert.True(t, used[permission], "%q stands in policy.csv, but no operation asks for it", permission)
	}
	for _, op := range operations(w) {
		name := op.method + " " + op.path
		assert.NotEmpty(t, op.Summary, name)
		assert.False(t, seen[op.OperationID], "%s: operationId %s twice", name, op.OperationID)
		seen[op.OperationID] = true
		permission, _ := op.Extensions["x-permission"].(string)
		assert.NotEmpty(t, allowed[permission], "%s: %q is in no row of policy.csv", name, permission)
		for _, status := range []string{"400", "401", "403", "404", "422", "429"} {
			require.NotNil(t, op.Responses[status], "%s: %s", name, status)
			assert.NotNil(t, op.Responses[status].Content["application/problem+json"].Example, "%s: %s has no example", name, status)
		}
		if op.RequestBody != nil {
			for kind, media := range op.RequestBody.Content {
				require.NotNil(t, media.Example, name)
				if kind == "application/json" {
					result := &huma.ValidateResult{}
					huma.Validate(registry, media.Schema, huma.NewPathBuffer(nil, 0), huma.ModeWriteToServer, plain(t, media.Example), result)
					assert.Empty(t, result.Errors, "%s: its example contradicts its schema: %v", name, media.Example)
				}
			}
		}
		for status, answer := range op.Responses {
			for _, media := range answer.Content {
				if media.Schema != nil {
					assert.NotNil(t, media.Example, "%s: %s has no example", name, status)
				}
			}
		}
	}
}

func plain(t *testing.T, v any) any {
	t.Helper()
	data, err := json.Marshal(v)
	require.NoError(t, err)
	var out any
	require.NoError(t, json.Unmarshal(data, &out))
	return out
}

// body is a valid request of an operation: its documented example, with the
// password everybody has here, so that it is the relation that refuses.
func (op operation) body() any {
	if op.RequestBody == nil || op.RequestBody.Content["application/json"] == nil {
		return nil
	}
	example := op.RequestBody.Content["application/json"].Example
	if signed, ok := example.(map[string]any); ok && signed["password"] != nil {
		signed = maps.Clone(signed)
		signed["password"] = password
		return signed
	}
	return example
}

// target is the operation's address with an object's id and required queries.
func (op operation) target(id string) string {
	path := strings.ReplaceAll(op.path, "{id}", id)
	var query []string
	for _, p := range op.Parameters {
		if p.In == "query" && p.Required {
			value := id
			if p.Schema.Type == huma.TypeInteger {
				value = "1"
			}
			query = append(query, p.Name+"="+value)
		}
	}
	if len(query) > 0 {
		path += "?" + strings.Join(query, "&")
	}
	return path
}

// TestMatrix asks every operation of every role, signed in and not, about an
// object that is not theirs, and of those whom a relation allows about their
// own, against policy.csv as a reader reads it.
func TestMatrix(t *testing.T) {
	w := newWorld(t)
	w.populate()
	programme := w.programme("major", "t0", "t1", "t2", "t3", "t4")
	guide := w.guide(guideBody(programme, item("A1", "major", false, 25000000), item("A2", "major", true, 25000000)))
	w.at(2025, 4, 2, 9)
	both := w.application(guide, "A2", 0)
	both["joint_units"] = []string{w.units["dept"]}
	material := func(v *visitor) string {
		return v.upload("申报书.pdf", []byte("%PDF-1.4 申报书")).is(t, http.StatusCreated).text(t, "result.id")
	}
	file := material(w.users["lead0"])
	both["materials"] = append(w.jointMaterials(w.users["lead0"]), map[string]any{"code": "proposal", "file_id": file})
	application := w.accepted("lead0", both)
	review := w.marking(reviewBody(guide, 3, 1, 1, application))
	var chair seat
	for _, s := range w.seats(review) {
		if s.Class == "technical" {
			chair = s
		}
	}
	w.users["officer"].ok("POST", "/api/reviews/"+review+"/appoint_chair", map[string]any{"seat_id": chair.ID})
	sheet := w.sheets(w.expert(chair), review)[0].ID

	strangers := map[rbac.Role]*visitor{rbac.Public: w.stranger()}
	for role := range rbac.RoleNames {
		unit := map[rbac.Role]string{rbac.UnitAdmin: "lead7", rbac.Applicant: "lead7", rbac.JointUnit: "other-dept"}[role]
		strangers[role] = w.user("other-"+strings.ReplaceAll(string(role), "_", "-"), unit, role)
	}
	const nobody = "0190b2a0-0000-7000-8000-00000000dead"
	object := func(path string) string {
		switch {
		case strings.HasPrefix(path, "/api/applications/"):
			return application
		case strings.HasPrefix(path, "/api/reviews/") || path == "/api/sheets":
			return review
		case strings.HasPrefix(path, "/api/sheets/"):
			return sheet
		case strings.HasPrefix(path, "/api/files/"):
			return file
		}
		return nobody
	}
	applicant := w.user("applicant", "lead1", rbac.Applicant)
	ownFile := material(applicant)
	mineToo := w.application(guide, "A1", 1)
	mineToo["materials"] = []any{map[string]any{"code": "proposal", "file_id": ownFile}}
	draft := w.draft("applicant", mineToo)
	own := map[rbac.Relation]*visitor{rbac.UnitOf: w.users["lead0"], rbac.JointOf: w.users["joint"], rbac.PanelMember: w.expert(chair), rbac.PanelChair: w.expert(chair), rbac.LeaderOf: applicant}
	allowed := policy(t)
	checked, foreign, mine := 0, 0, 0
	for _, op := range operations(w) {
		if op.OperationID == "createSession" || op.OperationID == "deleteSession" {
			continue // they change who asks; the session's own tests ask them
		}
		rows := allowed[op.Extensions["x-permission"].(string)]
		for role, v := range strangers {
			name := fmt.Sprintf("%s %s as %s", op.method, op.path, role)
			checked++
			public := slices.Contains(rows, string(rbac.Public))
			direct := public || role != rbac.Public && slices.Contains(rows, string(rbac.SignedIn)) || slices.Contains(rows, string(role))
			pending := !direct && slices.ContainsFunc(role.Relations(), func(r rbac.Relation) bool { return slices.Contains(rows, string(r)) })
			before := w.seq()
			switch {
			case direct:
				a := v.do(op.method, op.target(nobody), op.body())
				assert.Less(t, a.status, 500, "%s: %s", name, a.body)
				assert.NotEqual(t, http.StatusForbidden, a.status, "%s: %s", name, a.body)
				if op.OperationID != "readSession" {
					assert.NotEqual(t, http.StatusUnauthorized, a.status, "%s: %s", name, a.body)
				}
			case pending && op.method == "GET" && !strings.Contains(op.path, "{id}") && op.path != "/api/sheets":
				foreign++ // a list shows what is the caller's: nothing
				a := v.do(op.method, op.target(nobody), nil).is(t, http.StatusOK)
				assert.Empty(t, a.get(t, "items"), name)
			case pending:
				foreign++
				a := v.do(op.method, op.target(object(op.path)), op.body())
				assert.Equal(t, http.StatusNotFound, a.status, "%s: %s", name, a.body)
				assert.Equal(t, "not_found", a.text(t, "code"), name)
				if object(op.path) != nobody {
					assert.Equal(t, before+1, w.seq(), "%s: who reaches for another's object leaves an entry", name)
				}
			case role == rbac.Public:
				a := v.do(op.method, op.target(object(op.path)), op.body())
				assert.Equal(t, http.StatusUnauthorized, a.status, "%s: %s", name, a.body)
				assert.Equal(t, before, w.seq(), name)
			default:
				a := v.do(op.method, op.target(object(op.path)), op.body())
				assert.Equal(t, http.StatusForbidden, a.status, "%s: %s", name, a.body)
				entries := w.journal(before)
				if assert.Len(t, entries, 1, name) {
					assert.Contains(t, string(entries[0].Facts), `"refused":"role"`, name)
				}
			}
		}
		for relation, v := range own {
			if !slices.Contains(rows, string(relation)) || strings.HasPrefix(op.path, "/api/lists/") {
				continue
			}
			mine++
			target := object(op.path)
			if relation == rbac.LeaderOf {
				target = map[string]string{application: draft, file: ownFile}[target]
			}
			a := v.do(op.method, op.target(target), op.body())
			name := fmt.Sprintf("%s %s as %s of it", op.method, op.path, relation)
			assert.Less(t, a.status, 500, "%s: %s", name, a.body)
			assert.NotContains(t, []int{401, 403}, a.status, "%s: %s", name, a.body)
			if a.status == http.StatusNotFound { // the example names another application inside the own review
				assert.Contains(t, op.path, "/declare", name)
			}
		}
	}
	t.Logf("%d operations × roles, of these %d about others' objects; %d about own ones", checked, foreign, mine)
	assert.Greater(t, checked, 1000)
	assert.Greater(t, foreign, 25)
	assert.Greater(t, mine, 25)
}
