package api_test

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/configs"
)

// rows counts the rows of every table but the journal's with its checkpoints,
// which time alone may add to, the outbox's and the sessions'.
func (w *world) rows() map[string]int64 {
	w.t.Helper()
	db := w.app.Store.DB.Read(context.Background())
	tables, err := db.Migrator().GetTables()
	require.NoError(w.t, err)
	out := map[string]int64{}
	for _, table := range tables {
		if strings.HasPrefix(table, "journal_") || strings.HasPrefix(table, "goose") || table == "sessions" || table == "checkpoints" || table == "notices" || strings.HasPrefix(table, "sqlite_") {
			continue
		}
		var n int64
		require.NoError(w.t, db.Table(table).Count(&n).Error)
		out[table] = n
	}
	require.Greater(w.t, len(out), 25)
	return out
}

// bomb is an .xlsx of a few hundred kilobytes whose sheet unpacks to a gigabyte.
func bomb(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for name, content := range map[string]string{
		"[Content_Types].xml":        `<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>`,
		"_rels/.rels":                `<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
		"xl/workbook.xml":            `<?xml version="1.0"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="a" sheetId="1" r:id="rId1"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": `<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>`,
	} {
		f, err := z.Create(name)
		require.NoError(t, err)
		_, err = io.WriteString(f, content)
		require.NoError(t, err)
	}
	f, err := z.Create("xl/worksheets/sheet1.xml")
	require.NoError(t, err)
	_, err = io.CopyN(f, zeros{}, 1<<30)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return out.Bytes()
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// TestBadInput sends what no form would: each is refused with a clear problem
// in Chinese, never a fault, and nothing is written.
func TestBadInput(t *testing.T) {
	w := newWorld(t, func(c *configs.Config) { c.Limits.UploadBytes = 4 << 20 })
	w.populate()
	programme := w.programme("major", "t0", "t1", "t2", "t3", "t4")
	guide := w.guide(guideBody(programme, item("A1", "major", false, 25000000)))
	w.at(2025, 4, 2, 9)
	first := w.accepted("lead0", w.application(guide, "A1", 0))
	draft := w.draft("lead1", w.application(guide, "A1", 1))
	review := w.marking(reviewBody(guide, 3, 1, 1, first))
	expert := w.expert(w.seats(review)[0])
	sheet := w.sheets(expert, review)[0].ID
	officer, keeper, lead := w.users["officer"], w.users["keeper"], w.users["lead1"]
	file := func(v *visitor, name string, data []byte) string {
		return v.upload(name, data).is(t, http.StatusCreated).text(t, "result.id")
	}
	experts := "姓名,证件类型,证件号码,邮箱,单位信用代码,区内外,专家库,类别,学科代码\n"
	goodCode := "91350100M000100Y43"
	row := func(name, document string) string {
		return fmt.Sprintf("%s,居民身份证,%s,a@example.cn,%s,区内,技术,财务,790.55\n", name, document, goodCode)
	}
	bombID := file(keeper, "bomb.xlsx", bomb(t))
	formulaID := file(keeper, "formula.csv", []byte(experts+row("=cmd|' /C calc'!A0", "11010519491231002X")))
	brokenID := file(keeper, "broken.csv", []byte(experts+"\x81\xfe\xff\xff,居民身份证\n"))
	checkID := file(keeper, "check.csv", []byte(experts+row("张三", "110105194912310021")+row("李四", "11010519491231002X")))
	notxlsx := file(keeper, "text.xlsx", []byte("hello"))
	foreignFile := file(officer, "units.csv", []byte("单位名称\n"))
	body := func(change func(map[string]any)) map[string]any {
		b := w.application(guide, "A1", 3)
		change(b)
		return b
	}
	expertBody := func(document string) map[string]any {
		return map[string]any{"name": "张三", "document_kind": "resident_id", "document": document, "mail": "a@example.cn", "unit_id": w.units["lead0"], "in_district": true,
			"pool": "technical", "classes": []string{"finance"}, "fields": []any{map[string]any{"code": "790.55"}}}
	}
	long := strings.Repeat("科", 10000)
	raw := func(v *visitor, method, path, contentType, body string) func() answer {
		return func() answer { return v.send(method, path, contentType, strings.NewReader(body)) }
	}
	do := func(v *visitor, method, path string, body any) func() answer {
		return func() answer { return v.do(method, path, body) }
	}
	past := reviewBody(guide, 3, 1, 1, draft)
	past["meeting_day"] = "2025-03-01"
	nonsense := reviewBody(guide, 3, 1, 1, draft)
	nonsense["meeting_day"] = "2025-02-30"
	for _, c := range []struct {
		name   string
		send   func() answer
		status []int
		says   string
	}{
		{"wrong check digit of a credit code", do(officer, "POST", "/api/units", map[string]any{"code": "91350100M000100Y44", "name": "示例", "kind": "enterprise", "in_district": true, "joint": false}), []int{422}, "校验"},
		{"wrong check digit of a resident id", do(keeper, "POST", "/api/experts", expertBody("110105194912310021")), []int{422}, "校验"},
		{"wrong check digit in a table, by row", do(keeper, "POST", "/api/experts/import", map[string]any{"file_id": checkID}), []int{422}, "第2行“证件号码”"},
		{"four-member panel", do(officer, "POST", "/api/reviews", reviewBody(guide, 2, 1, 1, draft)), []int{422}, "不少于5人"},
		{"meeting in the past", do(officer, "POST", "/api/reviews", past), []int{422}, "已经过去"},
		{"a day that is none", do(officer, "POST", "/api/reviews", nonsense), []int{422}, "不是日期"},
		{"mark 100.01", do(expert, "POST", "/api/sheets/"+sheet+"/submit", marks(1, 100.01, 30)), []int{422}, "100.01"},
		{"negative mark", do(expert, "POST", "/api/sheets/"+sheet+"/submit", marks(1, -1, 30)), []int{422}, "-1"},
		{"mark with three decimals", do(expert, "POST", "/api/sheets/"+sheet+"/submit", marks(1, 10.005, 30)), []int{422}, "至多两位小数"},
		{"mark as large as a float", raw(expert, "POST", "/api/sheets/"+sheet+"/submit", "application/json", `{"version":1,"marks":[{"criterion":"innovation","mark":1e308}]}`), []int{422}, "两位小数"},
		{"mark that is no number", raw(expert, "POST", "/api/sheets/"+sheet+"/submit", "application/json", `{"version":1,"marks":[{"criterion":"innovation","mark":NaN}]}`), []int{400}, "无法读取"},
		{"negative amount", do(lead, "POST", "/api/applications", body(func(b map[string]any) { b["fiscal_fen"] = -1 })), []int{422}, "fiscal_fen"},
		{"amount beyond integers", raw(lead, "POST", "/api/applications/"+draft+"/complete", "application/json", `{"version":1,"budget":[{"name":"设备费","fen":99999999999999999999}]}`), []int{400, 422}, ""},
		{"title of 10,000 characters", do(lead, "POST", "/api/applications", body(func(b map[string]any) { b["title"] = long })), []int{422}, "title"},
		{"unknown field", do(lead, "POST", "/api/applications", body(func(b map[string]any) { b["approved"] = true })), []int{422}, "approved"},
		{"unknown query", do(officer, "GET", "/api/experts?order=password", nil), []int{422}, "order"},
		{"a field twice", raw(lead, "POST", "/api/applications/"+draft+"/submit", "application/json", `{"version":1,"version":2}`), []int{400}, "两次"},
		{"broken UTF-8", raw(lead, "POST", "/api/applications/"+draft+"/withdraw", "application/json", "{\"version\":1,\"reason\":\"\xff\xfe理由\"}"), []int{400}, "UTF-8"},
		{"a NUL", raw(lead, "POST", "/api/applications/"+draft+"/withdraw", "application/json", `{"version":1,"reason":"理由\u0000理由"}`), []int{400}, "空字符"},
		{"not JSON", raw(lead, "POST", "/api/applications", "application/json", `{"guide_id":`), []int{400}, "无法读取"},
		{"nested a thousand deep", raw(lead, "POST", "/api/applications", "application/json", strings.Repeat(`[`, 1000)+strings.Repeat(`]`, 1000)), []int{400}, "嵌套"},
		{"another media type", raw(lead, "POST", "/api/applications", "text/xml", `<a/>`), []int{415}, "application/json"},
		{"a number for a text", raw(lead, "POST", "/api/applications/"+draft+"/withdraw", "application/json", `{"version":1,"reason":7}`), []int{422}, "reason"},
		{"no body", do(lead, "POST", "/api/applications/"+draft+"/submit", nil), []int{400}, ""},
		{"another unit's application", do(lead, "POST", "/api/applications/"+first+"/withdraw", map[string]any{"version": 1, "reason": "不是我的"}), []int{404}, "没有找到"},
		{"an id that is none", do(officer, "POST", "/api/applications/'%20OR%20'1'='1/screen", map[string]any{"version": 1, "verdict": "accept"}), []int{404}, "没有找到"},
		{"an id of 2,000 characters", do(officer, "GET", "/api/reviews/"+strings.Repeat("x", 2000)+"/seats", nil), []int{422}, "id"},
		{"experts that do not exist", do(officer, "POST", "/api/programmes/"+programme+"/recommend", map[string]any{"kind": "technical", "expert_ids": []string{"0190b2a0-0000-7000-8000-00000000dead"}, "departments": []string{w.units["dept"]}, "document": "推荐函"}), []int{404}, "没有找到"},
		{"another's file", do(keeper, "POST", "/api/experts/import", map[string]any{"file_id": foreignFile}), []int{422}, "没有这个文件"},
		{"a zip bomb as .xlsx", do(keeper, "POST", "/api/experts/import", map[string]any{"file_id": bombID}), []int{422}, "过大"},
		{"a text named .xlsx", do(keeper, "POST", "/api/experts/import", map[string]any{"file_id": notxlsx}), []int{422}, "内容不符"},
		{"a formula in a table", do(keeper, "POST", "/api/experts/import", map[string]any{"file_id": formulaID}), []int{422}, "像是公式"},
		{"a table of no encoding", do(keeper, "POST", "/api/experts/import", map[string]any{"file_id": brokenID}), []int{422}, "既不是UTF-8也不是GBK"},
		{"an empty file", func() answer { return keeper.upload("empty.csv", nil) }, []int{422}, "空的"},
		{"a file a little over the limit", func() answer { return keeper.upload("big.csv", make([]byte, 4<<20+1)) }, []int{413}, "兆字节"},
		{"a gigabyte, announced", func() answer { return keeper.flood(1<<30, true) }, []int{413}, "兆字节"},
		{"a gigabyte, unannounced", func() answer { return keeper.flood(1<<30, false) }, []int{413}, "超过"},
		{"a body over the limit", raw(lead, "POST", "/api/applications", "application/json", `{"title":"`+strings.Repeat("x", 3<<20)+`"}`), []int{413}, "兆字节"},
		{"a wrong version", do(lead, "POST", "/api/applications/"+draft+"/submit", map[string]any{"version": 9}), []int{409}, "刷新"},
		{"a stranger's link", do(w.stranger(), "POST", "/api/invitations/reply", map[string]any{"token": strings.Repeat("0", 48), "accept": true}), []int{404}, "链接"},
		{"no such address", do(officer, "GET", "/api/nothing", nil), []int{404}, "地址"},
		{"no such method", do(officer, "DELETE", "/api/units", nil), []int{405}, "操作"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.t = t
			before := w.rows()
			a := c.send()
			assert.Contains(t, c.status, a.status, a.body)
			assert.Contains(t, a.header.Get("Content-Type"), "application/problem+json")
			detail := a.text(t, "detail")
			assert.True(t, strings.ContainsFunc(detail, func(r rune) bool { return unicode.Is(unicode.Han, r) }), detail)
			assert.False(t, slices.ContainsFunc(strings.Fields(detail), func(word string) bool { return word == "expected" || word == "unexpected" || word == "property" }), "not Chinese: %s", detail)
			assert.Contains(t, a.body, c.says)
			assert.Equal(t, before, w.rows(), "something was written")
		})
	}
	w.t = t
}

// flood uploads n bytes, with or without saying beforehand how many.
func (v *visitor) flood(n int64, announced bool) answer {
	v.w.t.Helper()
	var head bytes.Buffer
	form := multipart.NewWriter(&head)
	_, err := form.CreateFormFile("file", "flood.bin")
	require.NoError(v.w.t, err)
	request, err := http.NewRequest("POST", v.w.base+"/api/files", io.MultiReader(&head, io.LimitReader(zeros{}, n)))
	require.NoError(v.w.t, err)
	request.Header.Set("Content-Type", form.FormDataContentType())
	if announced {
		request.ContentLength = n + int64(head.Len())
		request.Header.Set("Expect", "100-continue")
	}
	response, err := v.http.Do(request)
	require.NoError(v.w.t, err)
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	require.NoError(v.w.t, err)
	return answer{response.StatusCode, string(data), response.Header}
}
