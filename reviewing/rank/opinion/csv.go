package opinion

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"

	"keping/reviewing/table"
)

// ParseScale reads lowest:highest, such as 0:100.
func ParseScale(text string) (Scale, error) {
	low, high, _ := strings.Cut(text, ":")
	lo, errLow := strconv.ParseFloat(strings.TrimSpace(low), 64)
	hi, errHigh := strconv.ParseFloat(strings.TrimSpace(high), 64)
	if errLow != nil || errHigh != nil {
		return Scale{}, fmt.Errorf("应为 最低分:最高分，如 1:6")
	}
	scale := Scale{Low: lo, High: hi}
	return scale, scale.valid()
}

// ReadScores reads S.csv: application,expert,score[,panel]. A mark outside the
// scale, a pair that stands there twice and a file without marks are errors.
func ReadScores(r io.Reader, scale Scale) ([]Mark, error) {
	if err := scale.valid(); err != nil {
		return nil, err
	}
	t, err := table.New(r, []string{"application", "expert", "score"}, "panel")
	if err != nil {
		return nil, err
	}
	var marks []Mark
	seen := map[[2]string]int{}
	for {
		if err := t.Next(); err == io.EOF {
			break
		} else if err != nil {
			return nil, err
		}
		var m Mark
		if m.Application, err = t.Text(0, true); err != nil {
			return nil, err
		}
		if m.Expert, err = t.Text(1, true); err != nil {
			return nil, err
		}
		if m.Score, err = t.Number(2); err != nil {
			return nil, err
		}
		if m.Panel, err = t.Text(3, false); err != nil {
			return nil, err
		}
		if m.Score < scale.Low || m.Score > scale.High {
			return nil, t.Fail(2, "%v不在评分范围%v:%v之内", m.Score, scale.Low, scale.High)
		}
		pair := [2]string{m.Application, m.Expert}
		if line := seen[pair]; line > 0 {
			return nil, t.Fail(1, "专家%s对项目%s在第%d行已有评分", m.Expert, m.Application, line)
		}
		seen[pair] = t.Line()
		marks = append(marks, m)
	}
	if len(marks) == 0 {
		return nil, fmt.Errorf("第1行：表头之下没有评分")
	}
	return marks, nil
}

// ReadCosts reads C.csv: application,cost_fen, whole fen and not negative. Where
// marks are given, it must hold their applications and no others.
func ReadCosts(r io.Reader, of ...Mark) (map[string]int64, error) {
	marked := map[string]bool{}
	for _, m := range of {
		marked[m.Application] = true
	}
	t, err := table.New(r, []string{"application", "cost_fen"})
	if err != nil {
		return nil, err
	}
	costs := map[string]int64{}
	for {
		if err := t.Next(); err == io.EOF {
			for _, m := range of {
				if _, known := costs[m.Application]; !known {
					return nil, fmt.Errorf("没有项目“%s”的经费数额，而它有评分", m.Application)
				}
			}
			return costs, nil
		} else if err != nil {
			return nil, err
		}
		name, err := t.Text(0, true)
		if err != nil {
			return nil, err
		}
		text, err := t.Text(1, true)
		if err != nil {
			return nil, err
		}
		cost, err := strconv.ParseInt(text, 10, 64)
		if err != nil || strings.Trim(text, "0123456789") != "" {
			return nil, t.Fail(1, "“%s”不是以分为单位的整数金额", text)
		}
		if _, twice := costs[name]; twice {
			return nil, t.Fail(0, "项目%s出现两次", name)
		}
		if len(of) > 0 && !marked[name] {
			return nil, t.Fail(0, "项目“%s”没有评分", name)
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
