package sheetio

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/simplifiedchinese"

	"keping/experts"
	"keping/rbac"
)

const header = "姓名,证件类型,证件号码,邮箱,单位信用代码,区内外,专家库,类别,学科代码\n"

func line(name, document string) string {
	return name + ",居民身份证," + document + ",a@example.cn,91350100M000100Y43,区内,技术专家库,技术;财务,520.20\n"
}

func TestExperts(t *testing.T) {
	good := header + line("张三", "11010519491231002X")
	gbk, err := simplifiedchinese.GBK.NewEncoder().String(good)
	require.NoError(t, err)
	var book bytes.Buffer
	require.NoError(t, WriteXLSX(&book, Sheet{Name: "专家", Header: []string{"学科代码", "类别", "专家库", "区内外", "单位信用代码", "邮箱", "证件号码", "证件类型", "姓名"},
		Rows: [][]any{{"520.20", "同行技术；财务", "技术", "区内", "91350100M000100Y43", "a@example.cn", "11010519491231002X", "居民身份证", "张三"}}}))
	for name, data := range map[string][]byte{
		"utf8.csv": []byte(good), "bom.csv": []byte("\ufeff" + good), "gbk.csv": []byte(gbk), "crlf.csv": []byte(strings.ReplaceAll(good, "\n", "\r\n")),
		"any-order.xlsx": book.Bytes(), "xlsx-named.csv": book.Bytes(), "full-width.csv": []byte(strings.Replace(good, "11010519491231002X", "１１０１０５１９４９１２３１００２ｘ", 1)),
		"blank-lines.csv": []byte(good + ",,,,,,,,\n"), "english.csv": []byte(strings.Replace(good, "姓名", "name", 1)),
	} {
		t.Run(name, func(t *testing.T) {
			rows, faults := Experts(name, data)
			require.NoError(t, faults.Refusal())
			require.Len(t, rows, 1)
			assert.Equal(t, "张三", rows[0].Expert.Name)
			assert.Equal(t, "resident_id:11010519491231002X", rows[0].Document.Key())
			assert.Equal(t, 1949, rows[0].Expert.BirthYear)
			assert.ElementsMatch(t, []experts.Class{experts.Technical, experts.Finance}, rows[0].Expert.Classes)
			assert.Equal(t, experts.TechnicalPool, rows[0].Expert.Pool)
		})
	}
	for text, says := range map[string]string{
		"":         "没有内容",
		header:     "没有数据",
		"姓名\n张三\n": "第1行“证件号码”：缺少这一列",
		strings.Replace(good, "姓名", "大名", 1):                                 "第1行“大名”：没有这一列",
		strings.Replace(good, "学科代码", "姓名", 1):                               "出现了两次",
		header + line("", "11010519491231002X"):                              "第2行“姓名”：不能为空",
		header + line("张三", "110105194912310021"):                            "第2行“证件号码”",
		good + line("李四", "11010519491231002X"):                              "第3行“证件号码”：与第2行重复",
		strings.Replace(good, "91350100M000100Y43", "91350100M000100Y44", 1): "第2行“单位信用代码”",
		strings.Replace(good, "区内,技术", "城里,技术", 1):                           "第2行“区内外”：应为",
		strings.Replace(good, "技术;财务", "厨师", 1):                              "第2行“类别”",
		strings.Replace(good, "张三", "=cmd|' /C calc'!A0", 1):                 "像是公式",
		header + `"张三`: "引号不配对",
		header + line(strings.Repeat("张", 51), "11010519491231002X"): "超过50个字",
		strings.Repeat("a", 10) + "\x81\xff\xff":                     "既不是UTF-8也不是GBK",
	} {
		t.Run(says, func(t *testing.T) {
			_, faults := Experts("a.csv", []byte(text))
			require.Error(t, faults.Refusal())
			assert.Contains(t, fmt.Sprint(faults.Fields), strings.ReplaceAll(says, "：", " "), says)
		})
	}
}

// TestTenThousandRows reads a year's worth of experts; benchmarks measure it.
func TestTenThousandRows(t *testing.T) {
	book, err := tenThousand()
	require.NoError(t, err)
	rows, faults := Experts("big.xlsx", book)
	require.NoError(t, faults.Refusal())
	assert.Len(t, rows, 10000)
}

func tenThousand() ([]byte, error) {
	s := Sheet{Name: "专家", Header: Header(ExpertColumns)}
	for i := range 10000 {
		row := append([]any{}, ExpertExample...)
		row[3] = rbac.MakeResidentID("500106", 1950+i/997%50, i%12+1, i%28+1, i%997)
		row[5] = fmt.Sprintf("e%d@example.cn", i)
		s.Rows = append(s.Rows, row)
	}
	var b bytes.Buffer
	err := WriteXLSX(&b, s)
	return b.Bytes(), err
}

func BenchmarkTenThousandRows(b *testing.B) {
	book, err := tenThousand()
	require.NoError(b, err)
	for b.Loop() {
		if rows, faults := Experts("big.xlsx", book); len(rows) != 10000 || faults.Refusal() != nil {
			b.Fatal(faults.Refusal())
		}
	}
}

// TestExamples: the templates' example rows are right.
func TestExamples(t *testing.T) {
	for name, read := range map[string]func([]byte) error{
		"experts": func(b []byte) error { _, f := Experts("e.xlsx", b); return f.Refusal() },
		"units":   func(b []byte) error { _, f := Units("u.xlsx", b); return f.Refusal() },
	} {
		columns, example := ExpertColumns, ExpertExample
		if name == "units" {
			columns, example = UnitColumns, UnitExample
		}
		var b bytes.Buffer
		require.NoError(t, WriteXLSX(&b, Sheet{Name: name, Header: Header(columns), Rows: [][]any{example}}))
		assert.NoError(t, read(b.Bytes()), name)
	}
}

// TestSafe: what a spreadsheet would run is written as text in both forms.
func TestSafe(t *testing.T) {
	evil := []any{"=cmd|' /C calc'!A0", "+1", "-1", "@SUM(1)", "\tx", 5, true, "平常"}
	s := Sheet{Name: "a", Header: []string{"a", "b", "c", "d", "e", "f", "g", "h"}, Rows: [][]any{evil}}
	var text, book bytes.Buffer
	require.NoError(t, WriteCSV(&text, s))
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(text.String(), "\ufeff"))).ReadAll()
	require.NoError(t, err)
	require.NoError(t, WriteXLSX(&book, s))
	opened, err := excelize.OpenReader(&book)
	require.NoError(t, err)
	defer opened.Close()
	for i := range 5 {
		assert.True(t, strings.HasPrefix(rows[1][i], "'"), rows[1][i])
		cell := fmt.Sprintf("%c2", 'A'+i)
		formula, err := opened.GetCellFormula("a", cell)
		require.NoError(t, err)
		assert.Empty(t, formula)
		value, err := opened.GetCellValue("a", cell)
		require.NoError(t, err)
		assert.True(t, strings.HasPrefix(value, "'"), value)
	}
	assert.Equal(t, []string{"5", "true", "平常"}, rows[1][5:])
}

func FuzzExperts(f *testing.F) {
	f.Add([]byte(header + line("张三", "11010519491231002X")))
	f.Add([]byte("PK\x03\x04"))
	f.Add([]byte("\xff\xfe\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		rows, faults := Experts("fuzz.csv", data)
		if faults.Refusal() == nil && len(rows) == 0 {
			t.Fatal("neither rows nor faults")
		}
	})
}
