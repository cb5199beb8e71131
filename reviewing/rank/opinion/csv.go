package opinion

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// table reads CSV (UTF-8, with or without BOM) whose columns are found by the
// names of the header, in any order; others are passed over. Errors name line
// and column.
type table struct {
	reader  *csv.Reader
	columns []int // where each wanted column stands, −1 for an optional one that is not there
	names   []string
	row     []string
}

func newTable(r io.Reader, wanted []string, optional ...string) (*table, error) {
	t := &table{reader: csv.NewReader(r), names: append(slices.Clone(wanted), optional...)}
	t.reader.ReuseRecord = true
	header, err := t.reader.Read()
	if err == io.EOF {
		return nil, fmt.Errorf("文件是空的，应有列 %s", strings.Join(wanted, ","))
	} else if err != nil {
		return nil, syntax(err)
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
			return nil, fmt.Errorf("第1行：没有列 %s（现有 %s）", name, strings.TrimPrefix(strings.Join(header, ","), "\ufeff"))
		} else if !ok {
			at = -1
		}
		t.columns = append(t.columns, at)
	}
	return t, nil
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

// next reads a row; io.EOF at the end.
func (t *table) next() (err error) {
	if t.row, err = t.reader.Read(); err != nil && err != io.EOF {
		return syntax(err)
	}
	return err
}

func (t *table) line() int {
	line, _ := t.reader.FieldPos(0)
	return line
}

// fail names line, column and value.
func (t *table) fail(column int, format string, values ...any) error {
	line, _ := t.reader.FieldPos(t.columns[column])
	return fmt.Errorf("第%d行第%d列（%s）：%s", line, t.columns[column]+1, t.names[column], fmt.Sprintf(format, values...))
}

// text is a cell without the blanks around it.
func (t *table) text(column int, required bool) (string, error) {
	if t.columns[column] < 0 {
		return "", nil
	}
	text := strings.TrimSpace(t.row[t.columns[column]])
	if !utf8.ValidString(text) {
		return "", t.fail(column, "不是UTF-8文字")
	}
	if text == "" && required {
		return "", t.fail(column, "不能为空")
	}
	return strings.Clone(text), nil
}

// number is a decimal number in the usual notation.
func (t *table) number(column int) (float64, error) {
	text, err := t.text(column, true)
	if err != nil {
		return 0, err
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || strings.Trim(text, "0123456789+-.eE") != "" || math.IsInf(x, 0) {
		return 0, t.fail(column, "“%s”不是数", text)
	}
	return x, nil
}

// ReadScores reads S.csv: application,expert,score[,panel]. A mark outside the
// scale, a pair that stands there twice and a file without marks are errors.
func ReadScores(r io.Reader, scale Scale) ([]Mark, error) {
	if err := scale.valid(); err != nil {
		return nil, err
	}
	t, err := newTable(r, []string{"application", "expert", "score"}, "panel")
	if err != nil {
		return nil, err
	}
	var marks []Mark
	seen := map[[2]string]int{}
	for {
		if err := t.next(); err == io.EOF {
			break
		} else if err != nil {
			return nil, err
		}
		var m Mark
		if m.Application, err = t.text(0, true); err != nil {
			return nil, err
		}
		if m.Expert, err = t.text(1, true); err != nil {
			return nil, err
		}
		if m.Score, err = t.number(2); err != nil {
			return nil, err
		}
		if m.Panel, err = t.text(3, false); err != nil {
			return nil, err
		}
		if m.Score < scale.Low || m.Score > scale.High {
			return nil, t.fail(2, "%v不在评分范围%v:%v之内", m.Score, scale.Low, scale.High)
		}
		pair := [2]string{m.Application, m.Expert}
		if line := seen[pair]; line > 0 {
			return nil, t.fail(1, "专家%s对项目%s在第%d行已有评分", m.Expert, m.Application, line)
		}
		seen[pair] = t.line()
		marks = append(marks, m)
	}
	if len(marks) == 0 {
		return nil, fmt.Errorf("第1行：表头之下没有评分")
	}
	return marks, nil
}

// ReadCosts reads C.csv: application,cost_fen, whole fen and not negative.
func ReadCosts(r io.Reader) (map[string]int64, error) {
	t, err := newTable(r, []string{"application", "cost_fen"})
	if err != nil {
		return nil, err
	}
	costs := map[string]int64{}
	for {
		if err := t.next(); err == io.EOF {
			return costs, nil
		} else if err != nil {
			return nil, err
		}
		name, err := t.text(0, true)
		if err != nil {
			return nil, err
		}
		text, err := t.text(1, true)
		if err != nil {
			return nil, err
		}
		cost, err := strconv.ParseInt(text, 10, 64)
		if err != nil || cost < 0 {
			return nil, t.fail(1, "“%s”不是以分为单位的整数金额", text)
		}
		if _, twice := costs[name]; twice {
			return nil, t.fail(0, "项目%s出现两次", name)
		}
		costs[name] = cost
	}
}

// Columns of R.csv.
var Columns = []string{"application", "n", "mean", "trimmed", "effect", "effect_sd", "expected_rank", "rank_q25", "rank_q75", "group"}

// WriteCSV writes R.csv: by expected rank, then application; six decimals.
func (o *Opinion) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	if err := out.Write(Columns); err != nil {
		return err
	}
	for i := range o.Applications {
		if err := out.Write(o.Applications[i].row()); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func (a *Application) row() []string {
	return []string{
		a.Name, strconv.Itoa(a.N), six(a.Mean), six(a.Trimmed), six(a.Effect), six(a.EffectSD), six(a.ExpectedRank),
		strconv.Itoa(a.Rank25), strconv.Itoa(a.Rank75), string(a.Group),
	}
}

// six writes six decimals and never "-0.000000".
func six(x float64) string {
	text := strconv.FormatFloat(x, 'f', 6, 64)
	if strings.Trim(text, "-0.") == "" {
		return "0.000000"
	}
	return text
}
