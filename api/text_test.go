package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/rbac"
)

// eachText calls visit once for every text in a body, with the body changed
// there by spoil, and the text's path.
func eachText(v any, path string, spoil func(string) any, visit func(path string)) any {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			at := strings.TrimPrefix(path+"."+key, ".")
			v[key] = eachText(value, at, spoil, func(p string) { visit(p) })
			if text, ok := value.(string); ok {
				v[key] = spoil(text)
				visit(at)
				v[key] = text
			}
		}
	case []any:
		for i, value := range v {
			at := fmt.Sprintf("%s[%d]", path, i)
			v[i] = eachText(value, at, spoil, visit)
			if text, ok := value.(string); ok {
				v[i] = spoil(text)
				visit(at)
				v[i] = text
			}
		}
	}
	return v
}

// TestTexts: no request of any operation takes a text with a control character,
// a mark of direction or one of no width anywhere in it, nor one without end,
// and the refusal names the field.
func TestTexts(t *testing.T) {
	w := newWorld(t)
	w.populate()
	allowed := policy(t)
	as := map[rbac.Role]*visitor{rbac.Public: w.stranger()}
	tried := 0
	for _, op := range operations(w) {
		body, ok := op.body().(map[string]any)
		if !ok || op.OperationID == "deleteSession" {
			continue
		}
		role := whoMay(allowed[op.Extensions["x-permission"].(string)])
		if as[role] == nil {
			as[role] = w.user("text-"+strings.ReplaceAll(string(role), "_", "-"), "", role)
		}
		for _, sign := range []string{"\u202e", "\u200b", "\u0007", "\u2067", strings.Repeat("长", 20001)} {
			eachText(body, "", func(text string) any { return text[:len(text)/3] + sign + text[len(text)/3:] }, func(path string) {
				if path == "password" || path == "secret" || len(path) > 60 {
					return
				}
				tried++
				a := as[role].do(op.method, op.target("0190b2a0-0000-7000-8000-00000000dead"), body)
				require.Equal(t, http.StatusUnprocessableEntity, a.status, "%s %s %s: %s", op.method, op.path, path, a.body)
				assert.Contains(t, a.body, `"field":"`+path+`"`, "%s %s", op.method, op.path)
			})
		}
		if strings.Contains(op.path, "{id}") {
			as[role].do(op.method, op.target("%E2%80%AE"), body).is(t, http.StatusUnprocessableEntity)
		}
	}
	t.Logf("%d texts", tried)
	assert.Greater(t, tried, 1000)
}

// TestWrittenForm: names, numbers and titles are kept in their one written
// form, a blank is no text, and only a longer text has several lines.
func TestWrittenForm(t *testing.T) {
	w := newWorld(t)
	w.populate()
	officer := w.users["officer"]
	programme := func(name, basis any) answer {
		return officer.do("POST", "/api/programmes", map[string]any{"kind": "major", "year": 2026, "name": name, "basis": basis})
	}
	for _, wrong := range []string{"  ", "\u3000\u3000", "智能驾驶\n专项", "智能\t驾驶", "智能\r驾驶"} {
		assert.Contains(t, programme(wrong, "沙委发〔2026〕1号").is(t, http.StatusUnprocessableEntity).body, `"field":"name"`, "%q", wrong)
		assert.Contains(t, programme("智能驾驶专项", wrong).is(t, http.StatusUnprocessableEntity).body, `"field":"basis"`, "%q", wrong)
	}
	assert.Contains(t, programme(" 智 ", "文号").is(t, http.StatusUnprocessableEntity).text(t, "detail"), "name：长度不得少于 2 个字")
	made := programme("\u3000智能驾驶专项 ", " 沙委发〔2026〕1号 ").is(t, http.StatusCreated)
	assert.Equal(t, "智能驾驶专项", made.text(t, "result.name"))
	assert.Equal(t, "沙委发〔2026〕1号", made.text(t, "result.basis"))
	unit := map[string]any{"code": " 91350100M000100Y43 ", "name": "Cafe\u0301研究院", "kind": "institute", "in_district": true, "joint": false, "aliases": []string{" 研究院\u3000"}}
	body := officer.do("POST", "/api/units?dry_run=true", unit).is(t, http.StatusOK)
	assert.NotContains(t, body.body, "code")

	guide := w.guide(guideBody(w.programme("major", "t0", "t1", "t2", "t3", "t4"), item("A1", "major", false, 25000000)))
	w.at(2025, 4, 2, 9)
	application := w.application(guide, "A1", 0)
	application["summary"] = "第一段\r\n\t第二段"
	application["title"] = "题目\n另一行"
	lead := w.users["lead0"]
	assert.Contains(t, lead.do("POST", "/api/applications", application).is(t, http.StatusUnprocessableEntity).body, `"field":"title"`)
	application["title"] = " 题目一种 "
	kept := lead.do("POST", "/api/applications", application).is(t, http.StatusCreated)
	assert.Equal(t, "题目一种", kept.text(t, "result.title"))
	assert.Equal(t, "第一段\n\t第二段", kept.text(t, "result.summary"))
	// A reason of blanks is none, however long.
	id := kept.text(t, "result.id")
	assert.Contains(t, lead.do("POST", "/api/applications/"+id+"/withdraw", map[string]any{"version": 1, "reason": "      "}).is(t, http.StatusUnprocessableEntity).body, `"field":"reason"`)

	for _, name := range []string{"a\u202exslx.exe", "a\u200b.csv", " \u3000"} {
		assert.Contains(t, lead.upload(name, []byte("x")).is(t, http.StatusUnprocessableEntity).text(t, "detail"), "文件名", "%q", name)
	}
	assert.Contains(t, lead.upload("空的.csv", nil).is(t, http.StatusUnprocessableEntity).text(t, "detail"), "“空的.csv”")
	table := "姓名,证件类型,证件号码,邮箱,单位信用代码,区内外,专家库,类别,学科代码\n张\u200b三,居民身份证,11010519491231002X,a@example.cn,91350100M000100Y43,区内,技术,财务,790.55\n"
	keeper := w.users["keeper"]
	file := keeper.upload("experts.csv", []byte(table)).is(t, http.StatusCreated).text(t, "result.id")
	assert.Contains(t, keeper.do("POST", "/api/experts/import", map[string]any{"file_id": file}).is(t, http.StatusUnprocessableEntity).text(t, "detail"), "第2行“姓名”：有看不见的字符（U+200B")
}
