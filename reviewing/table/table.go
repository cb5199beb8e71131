// Package table reads CSV as the algorithms of the review take it: UTF-8 with
// or without BOM, columns found by the names of the header in any order, others
// passed over. Every error says in Chinese where it stands: line and column as
// a spreadsheet counts them, and the column's name.
package table

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Reader reads row by row. Columns are named by their place among the wanted
// ones, the optional ones after them.
type Reader struct {
	reader  *csv.Reader
	columns []int // where each column stands, −1 for an optional one that is not there
	names   []string
	row     []string
}

// New reads the header. A wanted column that is missing or any that stands
// there twice is an error.
func New(r io.Reader, wanted []string, optional ...string) (*Reader, error) {
	t := &Reader{reader: csv.NewReader(r), names: append(slices.Clone(wanted), optional...)}
	t.reader.ReuseRecord = true
	header, err := t.reader.Read()
	if err == io.EOF {
		return nil, fmt.Errorf("文件是空的，应有列 %s", strings.Join(wanted, ","))
	} else if err != nil {
		return nil, syntax(err)
	}
	if err := legible(strings.Join(header, ",")); err != nil {
		return nil, fmt.Errorf("第1行：%w", err)
	}
	found := map[string]int{}
	for i, name := range header {
		if i == 0 {
			name = strings.TrimPrefix(name, "\ufeff")
		}
		name = strings.TrimSpace(name)
		if _, twice := found[name]; twice && slices.Contains(t.names, name) {
			return nil, fmt.Errorf("第1行第%d列：列 %s 出现两次", i+1, name)
		}
		found[name] = i
	}
	for i, name := range t.names {
		at, ok := found[name]
		if !ok && i < len(wanted) {
			return nil, fmt.Errorf("第1行：没有列 %s（现有 %s）", name, clip(strings.TrimPrefix(strings.Join(header, ","), "\ufeff")))
		} else if !ok {
			at = -1
		}
		t.columns = append(t.columns, at)
	}
	return t, nil
}

// legible refuses what is not text that can be seen, and says what to do.
func legible(text string) error {
	for _, r := range text {
		switch {
		case r == utf8.RuneError && !utf8.ValidString(text):
			return errors.New("不是UTF-8文字，请另存为“CSV UTF-8”")
		case r == '\r':
			return errors.New("行末只有回车（旧式Mac换行），请另存为以换行符分行的CSV")
		case unicode.IsControl(r) && r != '\n' && r != '\t':
			return fmt.Errorf("有看不见的控制字符（U+%04X），请删去；若是UTF-16等其他编码，请另存为“CSV UTF-8”", r)
		}
	}
	return nil
}

// clip shortens what a message quotes.
func clip(text string) string {
	const most = 100
	if r := []rune(text); len(r) > most {
		return string(r[:most]) + "…"
	}
	return text
}

// syntax says in Chinese where a file is no CSV.
func syntax(err error) error {
	var parse *csv.ParseError
	if !errors.As(err, &parse) {
		return err
	}
	if errors.Is(parse.Err, csv.ErrFieldCount) {
		return fmt.Errorf("第%d行：列数与表头不同", parse.Line)
	}
	return fmt.Errorf("第%d行第%d字节：引号不成对", parse.Line, parse.Column)
}

// Next reads a row; io.EOF at the end.
func (t *Reader) Next() (err error) {
	if t.row, err = t.reader.Read(); err != nil && err != io.EOF {
		return syntax(err)
	}
	return err
}

// Line is the row's line in the file, the header's being 1.
func (t *Reader) Line() int {
	line, _ := t.reader.FieldPos(0)
	return line
}

// Has tells whether the file has an optional column.
func (t *Reader) Has(column int) bool { return t.columns[column] >= 0 }

// Place is where a column stands in the file, from 1; 0 if it does not.
func (t *Reader) Place(column int) int { return t.columns[column] + 1 }

// Fail is an error that names line and column; texts among the values are
// clipped.
func (t *Reader) Fail(column int, format string, values ...any) error {
	for i, value := range values {
		if text, ok := value.(string); ok {
			values[i] = clip(text)
		}
	}
	line, _ := t.reader.FieldPos(t.columns[column])
	return fmt.Errorf("第%d行第%d列（%s）：%s", line, t.columns[column]+1, t.names[column], fmt.Sprintf(format, values...))
}

// Text is a cell without the blanks around it, "" in a column that is not there.
func (t *Reader) Text(column int, required bool) (string, error) {
	if t.columns[column] < 0 {
		return "", nil
	}
	text := strings.TrimSpace(t.row[t.columns[column]])
	if err := legible(text); err != nil {
		return "", t.Fail(column, "%v", err)
	}
	if text == "" && required {
		return "", t.Fail(column, "不能为空")
	}
	return strings.Clone(text), nil
}

// Number is a finite decimal number in the usual notation.
func (t *Reader) Number(column int) (float64, error) {
	text, err := t.Text(column, true)
	if err != nil {
		return 0, err
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || strings.Trim(text, "0123456789+-.eE") != "" || math.IsInf(x, 0) {
		return 0, t.Fail(column, "“%s”不是数", text)
	}
	return x, nil
}
