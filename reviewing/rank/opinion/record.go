package opinion

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strings"

	"keping/reviewing/rank"
)

// Percent is the scale of the marks taken from an official record.
var Percent = Scale{Low: 0, High: 100}

// Basis is what of an official record a second opinion is computed from.
type Basis struct {
	Criteria []string `json:"criteria" doc:"各专家所评的指标"`
	LeftOut  int      `json:"left_out" doc:"因所评指标不同（如财务专家只评预算）而不计入的评分表份数"`
	scores   [][3]string
}

// Of takes the counted marks of an official record, in the record's order. Where
// classes mark different criteria their totals are not of one kind: those who
// mark the criteria that most sheets mark are taken, their totals in per cent of
// what they could give, to 1e-6.
func Of(record rank.Record) Basis {
	worth := map[string]rank.Criterion{}
	for _, c := range record.Form.Criteria {
		worth[c.Code] = c
	}
	marked := map[string][]rank.Content{} // by the criteria
	counted := 0
	for _, s := range record.Sheets {
		if s.Status != "counted" {
			continue
		}
		counted++
		var codes []string
		for _, m := range s.Sheet.Marks {
			if c := worth[m.Criterion]; m.Mark != nil && c.Weight*c.Maximum > 0 {
				codes = append(codes, m.Criterion)
			}
		}
		if slices.Sort(codes); len(codes) > 0 {
			key := strings.Join(codes, "\n")
			marked[key] = append(marked[key], s.Sheet)
		}
	}
	most := ""
	for key, sheets := range marked {
		if best := marked[most]; cmp.Or(cmp.Compare(len(sheets), len(best)), cmp.Compare(len(key), len(most)), cmp.Compare(key, most)) > 0 {
			most = key
		}
	}
	b := Basis{Criteria: []string{}, LeftOut: counted - len(marked[most])}
	if most == "" {
		return b
	}
	b.Criteria = strings.Split(most, "\n")
	for _, sheet := range marked[most] {
		given, most := new(big.Int), new(big.Int)
		for _, m := range sheet.Marks {
			if c := worth[m.Criterion]; m.Mark != nil {
				given.Add(given, big.NewInt(int64(c.Weight)*int64(*m.Mark)))
				most.Add(most, big.NewInt(int64(c.Weight)*int64(c.Maximum)))
			}
		}
		percent := new(big.Rat).SetFrac(given.Mul(given, big.NewInt(100)), most)
		b.scores = append(b.scores, [3]string{sheet.Application, sheet.Expert, percent.FloatString(6)})
	}
	return b
}

// Empty tells that there is no mark to rank by.
func (b Basis) Empty() bool { return len(b.scores) == 0 }

// WriteScores writes S.csv.
func (b Basis) WriteScores(w io.Writer) error {
	out := csv.NewWriter(w)
	if err := out.Write([]string{"application", "expert", "score"}); err != nil {
		return err
	}
	for _, row := range b.scores {
		if err := out.Write(row[:]); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// Sensitive is an application that passes and whose official place would be
// across the line under some variant.
type Sensitive struct {
	Application string  `json:"application"`
	Side        Side    `json:"side" enum:"inside,on_line,outside" doc:"按正式排名：线内、并列于线上、线外"`
	Changes     []Shift `json:"changes"`
}

// Shift is a variant and where it would put the application.
type Shift struct {
	Variant string `json:"variant" enum:"without,trimmed,weight,joint" doc:"without 去掉一名专家，trimmed 去掉最高最低分后平均，weight 某指标权重增减10%，joint 计入联合实施单位的评分"`
	Of      string `json:"of" doc:"专家代号，或指标代码与增减"`
	Side    Side   `json:"side" enum:"inside,on_line,outside"`
}

// Sensitivity tells which applications of an official record change sides of a
// line below so many places under the record's variants, in the record's order.
// The line is among those that pass officially; a variant asks for the order
// among them, not who else would pass.
func Sensitivity(record rank.Record, places int) ([]Sensitive, error) {
	passed := map[string]bool{}
	for _, r := range record.Results {
		passed[r.Application] = r.Passed
	}
	official, err := sides(record.Results, passed, places)
	if err != nil {
		return nil, err
	}
	found := map[string]*Sensitive{}
	for _, v := range record.Variants() {
		then, err := sides(v.Results, passed, places)
		if err != nil {
			return nil, err
		}
		for _, r := range record.Results {
			was, ranked := official[r.Application]
			if now, still := then[r.Application]; ranked && still && now != was {
				if found[r.Application] == nil {
					found[r.Application] = &Sensitive{Application: r.Application, Side: was}
				}
				x := found[r.Application]
				x.Changes = append(x.Changes, Shift{v.Kind, v.Of, now})
			}
		}
	}
	out := []Sensitive{}
	for _, r := range record.Results {
		if x := found[r.Application]; x != nil {
			out = append(out, *x)
		}
	}
	return out, nil
}

// sides of the applications that have a mark and pass.
func sides(results []rank.Result, passed map[string]bool, places int) (map[string]Side, error) {
	var names []string
	var marks []float64
	for _, r := range results {
		if r.Mark == "" || !passed[r.Application] {
			continue
		}
		x, ok := new(big.Rat).SetString(r.Mark)
		if !ok {
			return nil, fmt.Errorf("项目%s的得分%s不是数", r.Application, r.Mark)
		}
		mark, _ := x.Float64()
		names, marks = append(names, r.Application), append(marks, mark)
	}
	out := map[string]Side{}
	for i, side := range Sides(marks, places) {
		out[names[i]] = side
	}
	return out, nil
}
