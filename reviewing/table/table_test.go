package table

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// read goes through a file of names and numbers, with a column "note" that may
// be missing, and stops at the first fault.
func read(text string) (rows []string, err error) {
	t, err := New(strings.NewReader(text), []string{"name", "number"}, "note")
	if err != nil {
		return nil, err
	}
	for {
		if err := t.Next(); err == io.EOF {
			return rows, nil
		} else if err != nil {
			return rows, err
		}
		name, err := t.Text(0, true)
		if err != nil {
			return rows, err
		}
		if _, err := t.Number(1); err != nil {
			return rows, err
		}
		note, err := t.Text(2, false)
		if err != nil {
			return rows, err
		}
		rows = append(rows, name+note)
	}
}

func TestRead(t *testing.T) {
	for _, file := range []string{
		"name,number,note\na,1,x\nb,-2.5e1,\n",
		"\ufeffnote,other,number, name \nx,?,1,a\n,,  -25 , b ", // BOM, another order, blanks, a column nobody asked for, no last line end
		"\"name\",number,note\r\n\"a\",1,x\r\nb,.5,\r\n",
	} {
		rows, err := read(file)
		require.NoError(t, err, file)
		assert.Equal(t, []string{"ax", "b"}, rows, file)
	}
	rows, err := read("number,name\n1,a\n")
	require.NoError(t, err)
	assert.Equal(t, []string{"a"}, rows, "an optional column may be missing")
}

func TestFaults(t *testing.T) {
	for file, want := range map[string]string{
		"":                                                   "文件是空的，应有列 name,number",
		"\ufeffname,n\n":                                     "第1行：没有列 number（现有 name,n）",
		"name,number,name\n":                                 "第1行第3列：列 name 出现两次",
		"name,number,other,other\n,1,,\n":                    "第2行第1列（name）：不能为空",
		"number,name\n1,a\nx,b\n":                            "第3行第1列（number）：“x”不是数",
		"name,number\na,1\n\nb,Inf\n":                        "第4行第2列（number）：“Inf”不是数",
		"name,number\na,1e999\n":                             "第2行第2列（number）：“1e999”不是数",
		"name,number\na,0x10\n":                              "第2行第2列（number）：“0x10”不是数",
		"name,number\na\n":                                   "第2行：列数与表头不同",
		"name,number\n\"a,1\n":                               "第2行第6字节：引号不成对",
		"name,number\n\"a\nb\",1\n\xff,2\n":                  "第4行第1列（name）：不是UTF-8文字，请另存为“CSV UTF-8”",
		"\xcf\xee\xc4\xbf,number\n":                          "第1行：不是UTF-8文字，请另存为“CSV UTF-8”",
		"\xff\xfen\x00a\x00\n\x00":                           "第1行：不是UTF-8文字，请另存为“CSV UTF-8”",
		"n\x00a\x00m\x00e\x00\n":                             "第1行：有看不见的控制字符（U+0000），请删去；若是UTF-16等其他编码，请另存为“CSV UTF-8”",
		"name,\x1b[2J,number\n":                              "第1行：有看不见的控制字符（U+001B），请删去；若是UTF-16等其他编码，请另存为“CSV UTF-8”",
		"name,number\ra,1\r":                                 "第1行：行末只有回车（旧式Mac换行），请另存为以换行符分行的CSV",
		"name,number\na\x00b,1\n":                            "第2行第1列（name）：有看不见的控制字符（U+0000），请删去；若是UTF-16等其他编码，请另存为“CSV UTF-8”",
		"name," + strings.Repeat("x", 1000) + "\n":           "第1行：没有列 number（现有 name," + strings.Repeat("x", 95) + "…）",
		"name,number\na," + strings.Repeat("x", 1000) + "\n": "第2行第2列（number）：“" + strings.Repeat("x", 100) + "…”不是数",
	} {
		_, err := read(file)
		assert.EqualError(t, err, want, "%q", file)
	}
}

func TestPlaces(t *testing.T) {
	r, err := New(strings.NewReader("x,b,a\n1,2,3\n"), []string{"a", "b"}, "c")
	require.NoError(t, err)
	require.NoError(t, r.Next())
	assert.Equal(t, []int{3, 2, 0}, []int{r.Place(0), r.Place(1), r.Place(2)})
	assert.True(t, r.Has(1))
	assert.False(t, r.Has(2))
	assert.Equal(t, 2, r.Line())
	assert.EqualError(t, r.Fail(1, "已有%s", "2"), "第2行第2列（b）：已有2")
}
