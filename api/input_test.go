package api_test

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/rbac"
	"keping/reviewing"
)

// TestAmounts: no amount is so large that a sum of as many as a list may have
// wraps, and a budget of the largest is refused for what it is.
func TestAmounts(t *testing.T) {
	w := newWorld(t)
	w.populate()
	assert.Less(t, reviewing.MaxFen, math.MaxInt64/1000)
	schemas := w.app.Server.API.OpenAPI().Components.Schemas.Map()
	bounded := 0
	walk := func(name string, s *huma.Schema) {
		for s.Ref != "" {
			s = schemas[s.Ref[strings.LastIndex(s.Ref, "/")+1:]]
		}
		for key, p := range s.Properties {
			if (strings.HasSuffix(key, "_fen") || name == "BudgetLine" && key == "fen") && p.Type == "integer" {
				require.NotNil(t, p.Maximum, "%s.%s", name, key)
				assert.Equal(t, float64(reviewing.MaxFen), *p.Maximum, "%s.%s", name, key)
				bounded++
			}
		}
	}
	for _, name := range []string{"NewApplication", "Completion", "NewGuide", "Item", "BudgetLine"} {
		require.NotNil(t, schemas[name], name)
		walk(name, schemas[name])
	}
	assert.Equal(t, 8, bounded)

	guide := w.guide(guideBody(w.programme("major", "t0", "t1", "t2", "t3", "t4"), item("A1", "major", false, 25000000)))
	w.at(2025, 4, 2, 9)
	id := w.draft("lead0", w.application(guide, "A1", 0))
	lead := w.users["lead0"]
	lines := func(n, fen int) map[string]any {
		var budget []any
		for i := range n {
			budget = append(budget, map[string]any{"name": fmt.Sprintf("科目%d", i), "fen": fen})
		}
		return map[string]any{"version": 1, "budget": budget}
	}
	complete := "/api/applications/" + id + "/complete"
	assert.Contains(t, lead.do("POST", complete, lines(1, reviewing.MaxFen+1)).is(t, http.StatusUnprocessableEntity).text(t, "detail"), "budget[0].fen：不得大于")
	assert.Contains(t, lead.do("POST", complete, lines(51, 1)).is(t, http.StatusUnprocessableEntity).text(t, "detail"), "budget：至多 50 项")
	lead.ok("POST", complete, lines(50, reviewing.MaxFen))
	refused := lead.refused("R-060", "POST", "/api/applications/"+id+"/submit", map[string]any{"version": 2})
	assert.Contains(t, refused.body, "预算合计500000000万元", "fifty times a hundred billion yuan, not a wrapped sum")
}

// TestProgrammeOnce: a programme of one kind, year and name is set up once.
func TestProgrammeOnce(t *testing.T) {
	w := newWorld(t)
	w.populate()
	officer := w.users["officer"]
	body := map[string]any{"kind": "major", "year": 2025, "name": "智能驾驶重大专项", "basis": "沙委发〔2025〕3号"}
	code := officer.ok("POST", "/api/programmes", body).text(t, "result.code")
	body["name"], body["basis"] = " 智能驾驶重大专项\u3000", "沙委发〔2025〕4号"
	again := officer.do("POST", "/api/programmes", body).is(t, http.StatusConflict)
	assert.Contains(t, again.text(t, "detail"), code)
	assert.Equal(t, "state", again.text(t, "code"))
	for key, value := range map[string]any{"year": 2026, "kind": "key", "name": "智能驾驶二期"} {
		was := body[key]
		body[key] = value
		officer.ok("POST", "/api/programmes", body)
		body[key] = was
	}
}

// TestAges: who applies or reviews is between 18 and 100 on the day.
func TestAges(t *testing.T) {
	w := newWorld(t)
	w.populate()
	guide := w.guide(guideBody(w.programme("major", "t0", "t1", "t2", "t3", "t4"), item("A1", "major", false, 25000000)))
	w.at(2025, 4, 2, 9)
	born := func(year, month, day int) string { return rbac.MakeResidentID("500106", year, month, day, 8) }
	for document, says := range map[string]string{born(2024, 1, 1): "18至100周岁", born(2007, 4, 3): "18至100周岁", born(1924, 4, 2): "18至100周岁", born(2026, 1, 1): "尚未到来", born(2007, 4, 2): "", born(1924, 4, 3): ""} {
		body := w.application(guide, "A1", 0)
		body["leaders"] = []any{person("甲乙", document, w.units["lead0"])}
		want, member := http.StatusCreated, w.application(guide, "A1", 1)
		if says != "" {
			want = http.StatusUnprocessableEntity
		}
		a := w.users["lead0"].do("POST", "/api/applications", body).is(t, want)
		member["members"] = append(member["members"].([]any), person("甲乙", document, w.units["lead0"]))
		b := w.users["lead0"].do("POST", "/api/applications", member).is(t, want)
		expert := map[string]any{"name": "甲乙", "document_kind": "resident_id", "document": document, "mail": "a@example.cn", "unit_id": w.units["lead0"], "in_district": true,
			"pool": "technical", "classes": []string{"finance"}, "fields": []any{map[string]any{"code": "790.55"}}}
		c := w.users["keeper"].do("POST", "/api/experts", expert).is(t, want)
		table := "姓名,证件类型,证件号码,邮箱,单位信用代码,区内外,专家库,类别,学科代码\n甲乙,居民身份证," + document + ",a@example.cn," + rbac.MakeCreditCode(100) + ",区内,技术,财务,790.55\n"
		file := w.users["keeper"].upload("e.csv", []byte(table)).is(t, http.StatusCreated).text(t, "result.id")
		d := w.users["keeper"].do("POST", "/api/experts/import", map[string]any{"file_id": file})
		if says != "" {
			assert.Contains(t, a.body, `"field":"leaders[0].document"`)
			assert.Contains(t, b.body, `"field":"members[1].document"`)
			assert.Contains(t, c.body, `"field":"document"`)
			assert.Contains(t, d.is(t, http.StatusUnprocessableEntity).body, "第2行“证件号码”")
			for _, answer := range []answer{a, b, c, d} {
				assert.Contains(t, answer.body, says)
			}
		}
	}
}

// titles are the titles a list of applications or reviews shows.
func (v *visitor) titles(path string) []string {
	v.w.t.Helper()
	var page struct{ Items []struct{ Title string } }
	require.NoError(v.w.t, json.Unmarshal([]byte(v.do("GET", path, nil).is(v.w.t, http.StatusOK).body), &page))
	out := []string{}
	for _, x := range page.Items {
		out = append(out, x.Title)
	}
	return out
}

// TestFilters: applications by title, number, unit and leader, reviews by
// guide, state, title and number; what is no state is refused; the filter takes
// away from what one may see and never adds to it.
func TestFilters(t *testing.T) {
	w := newWorld(t)
	w.populate()
	officer, lead := w.users["officer"], w.users["lead0"]
	guide := w.guide(guideBody(w.programme("major", "t0", "t1", "t2", "t3", "t4"), item("A1", "major", false, 25000000)))
	w.at(2025, 4, 2, 9)
	var ids []string
	for i, title := range []string{"国产化率100%的控制器", "国产化率1000台的控制器", "a_b型车路协同", "axb型车路协同", `反斜\杠与叹号!`} {
		body := w.application(guide, "A1", i)
		body["title"] = title
		w.at(2025, 4, 2, 9+i) // in the order of their ids
		ids = append(ids, w.accepted(fmt.Sprintf("lead%d", i), body))
	}
	q := func(v *visitor, query string) []string { return v.titles("/api/applications?" + query) }
	for query, want := range map[string][]string{
		"q=100%25":         {"国产化率100%的控制器"},
		"q=a_b":            {"a_b型车路协同"},
		"q=%5C":            {`反斜\杠与叹号!`},
		"q=!":              {`反斜\杠与叹号!`},
		"q=%25":            {"国产化率100%的控制器"},
		"q=车路":             {"a_b型车路协同", "axb型车路协同"},
		"q=负责人1":           {"国产化率1000台的控制器"},
		"q=单位lead2":        {"a_b型车路协同"},
		"q=没有":             {},
		"q=车路&limit=1":     {"a_b型车路协同"},
		"q=车路&state=draft": {},
		"q=车路&state=accepted&guide_id=" + guide: {"a_b型车路协同", "axb型车路协同"},
	} {
		assert.Equal(t, want, q(officer, query), query)
	}
	number := officer.do("GET", "/api/applications/"+ids[3], nil).is(t, http.StatusOK).text(t, "number")
	assert.Equal(t, []string{"axb型车路协同"}, q(officer, "q="+number))
	first := officer.do("GET", "/api/applications?q=车路&limit=1", nil).is(t, http.StatusOK)
	assert.Equal(t, []string{"axb型车路协同"}, q(officer, "q=车路&limit=1&after="+first.text(t, "next")))
	assert.Empty(t, q(lead, "q=车路"), "others' are not found")
	assert.Len(t, q(lead, "q=100"), 1)
	for _, state := range []string{"nonsense", "Draft", "closed"} {
		assert.Contains(t, officer.do("GET", "/api/applications?state="+state, nil).is(t, http.StatusUnprocessableEntity).text(t, "detail"), "应为以下之一")
	}
	for state := range reviewing.ApplicationMoves {
		officer.do("GET", "/api/applications?state="+string(state), nil).is(t, http.StatusOK)
	}

	mine := officer.ok("POST", "/api/reviews", reviewBody(guide, 3, 1, 1, ids[0])).text(t, "result.id")
	second := reviewBody(guide, 3, 1, 1, ids[2])
	second["title"] = "第二批50%评审"
	officer.ok("POST", "/api/reviews", second)
	officer.ok("POST", "/api/reviews/"+mine+"/void", because("到会人数不足"))
	r := func(query string) []string { return officer.titles("/api/reviews?" + query) }
	assert.Len(t, r("guide_id="+guide), 2)
	assert.Equal(t, []string{"第二批50%评审"}, r("state=preparing"))
	assert.Equal(t, []string{"第二批50%评审"}, r("q=50%25"))
	assert.Len(t, r("state=void"), 1)
	assert.Empty(t, r("guide_id=none"))
	assert.Empty(t, r("q=%25%25"))
	officer.do("GET", "/api/reviews?state=accepted", nil).is(t, http.StatusUnprocessableEntity)
	for state := range reviewing.ReviewMoves {
		officer.do("GET", "/api/reviews?state="+string(state), nil).is(t, http.StatusOK)
	}
	assert.Empty(t, w.user("other-joint", "other-dept", rbac.JointUnit).titles("/api/reviews?q=评审"), "a joint unit finds its own only")
}

// TestUnknownIDs: a check of conflicts about what does not exist says so.
func TestUnknownIDs(t *testing.T) {
	w := newWorld(t)
	w.populate()
	programme := w.programme("major", "t0", "t1", "t2", "t3", "t4")
	guide := w.guide(guideBody(programme, item("A1", "major", false, 25000000)))
	w.at(2025, 4, 2, 9)
	application := w.accepted("lead0", w.application(guide, "A1", 0))
	check := func(programme string, experts, applications []string) answer {
		return w.users["officer"].do("POST", "/api/conflicts/check", map[string]any{"programme_id": programme, "expert_ids": experts, "application_ids": applications})
	}
	check(programme, []string{w.experts["t0"]}, []string{application}).is(t, http.StatusOK)
	assert.Contains(t, check(programme, []string{w.experts["t0"], "nobody"}, nil).is(t, http.StatusUnprocessableEntity).body, `"field":"expert_ids[1]"`)
	assert.Contains(t, check(programme, nil, []string{"none", application}).is(t, http.StatusUnprocessableEntity).body, `"field":"application_ids[0]"`)
	check("none", nil, nil).is(t, http.StatusNotFound)
}

// TestMissingBody and a request of another site's page are answered in words.
func TestMissingBody(t *testing.T) {
	w := newWorld(t)
	w.populate()
	a := w.users["officer"].do("POST", "/api/programmes", nil).is(t, http.StatusBadRequest)
	assert.Contains(t, a.text(t, "detail"), "须随请求提交 JSON")
	b := w.users["officer"].do("POST", "/api/programmes", map[string]any{}, "Sec-Fetch-Site", "cross-site").is(t, http.StatusForbidden)
	assert.Equal(t, "cross_origin", b.text(t, "code"))
	assert.Equal(t, "跨站请求被拒绝", b.text(t, "title"))
	assert.Contains(t, b.header.Get("Content-Type"), "application/problem+json")
}

// TestStaffAreNoExperts is P-05: whoever works for the bureau or watches over it
// is not at the same time an expert, under whatever account.
func TestStaffAreNoExperts(t *testing.T) {
	w := newWorld(t)
	w.populate()
	security := w.user("security", "", rbac.SecurityAdmin)
	require.NotEmpty(t, w.people["t9"])
	for role := range rbac.RoleNames {
		staff := w.user("staff-"+strings.ReplaceAll(string(role), "_", "-"), "", role)
		w.sql("UPDATE users SET person_id = ? WHERE id = ?", w.people["t9"], staff.id)
		second := w.user("second-"+strings.ReplaceAll(string(role), "_", "-"), "", rbac.Conference)
		w.sql("UPDATE users SET person_id = ? WHERE id = ?", w.people["t9"], second.id)
		if a := security.do("POST", "/api/users/"+second.id+"/grant", map[string]any{"role": "expert"}); role.Bureau() {
			assert.Contains(t, a.is(t, http.StatusUnprocessableEntity).body, "不得由同一人担任", role)
		} else {
			a.is(t, http.StatusOK)
		}
		w.sql("UPDATE users SET person_id = '' WHERE id IN (?, ?)", staff.id, second.id)
	}
}
