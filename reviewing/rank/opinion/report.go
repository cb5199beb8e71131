package opinion

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"

	"keping/reviewing/chance"
	"keping/reviewing/table"
)

// Report is R.json: what stands beside the ranking.
type Report struct {
	Reliability  []Reliability  `json:"reml" doc:"信度：各组（有组的）与全部评分的方差分量，末项为全部"`
	Hyper        []Hyper        `json:"hyper" doc:"模型各尺度的后验均值和四分位数"`
	Line         *float64       `json:"line" doc:"线：末位入选者的期望名次"`
	Places       *int           `json:"places" doc:"入选数"`
	Counts       *Counts        `json:"counts" doc:"各组项目数"`
	Stopped      string         `json:"stopped" doc:"经费放不下而停在其前的项目"`
	Reserve      [][]string     `json:"reserve" doc:"线外候补，按期望名次；同一组内完全相等，不分先后。末位名额若落在一组完全相等的项目中，该组不入候补：全组并列于线上，其中未取得名额的先于候补"`
	Near         []Robust       `json:"near" doc:"线附近的项目：按平均、按去极值平均在线的哪一边，去掉谁的评分会换边"`
	Gate         Gate           `json:"gate"`
	Experts      []expertLine   `json:"experts" doc:"各专家的宽严"`
	Applications []intervalLine `json:"applications" doc:"各项目名次的90%区间"`
	Method       string         `json:"method" doc:"quadrature：求积；sampled：抽样"`
	Nodes        int            `json:"nodes" doc:"求积的节点数"`
	Moved        float64        `json:"nodes_doubled_moved" doc:"节点加倍时期望名次最多变动多少"`
	MCMax        float64        `json:"expected_rank_mc_se_max" doc:"抽样时期望名次的标准误，最大"`
	MCMean       float64        `json:"expected_rank_mc_se_mean" doc:"同上，平均"`
	Generator    string         `json:"generator" doc:"随机数生成器"`
	Seed         uint64         `json:"seed"`
	Draws        int            `json:"draws" doc:"联合抽样的次数"`
}

type expertLine struct {
	Expert   string  `json:"expert"`
	N        int     `json:"n"`
	Severity float64 `json:"severity" doc:"严厉程度：比平均低多少分，负为宽松"`
	SD       float64 `json:"sd" doc:"上值的后验标准差"`
	Spread   float64 `json:"spread" doc:"其评分的标准差"`
	Enough   bool    `json:"enough_history" doc:"评分数够对其宽严下结论"`
}

type intervalLine struct {
	Application string   `json:"application"`
	Low         int      `json:"rank_q05"`
	High        int      `json:"rank_q95"`
	Corrected   *float64 `json:"corrected" doc:"校正尺度后的平均分：每份评分加上该专家的severity再平均；依据不足时为null"`
}

// NewReport gathers the report; line may be nil.
func NewReport(o *Opinion, fits []Reliability, line *Line, h History, seed uint64) *Report {
	h = h.orDefault()
	r := &Report{
		Reliability: fits, Hyper: o.Hyper, Reserve: [][]string{}, Near: []Robust{}, Generator: chance.Generator, Seed: seed, Draws: o.Draws,
		Method: o.Error.Method, Nodes: o.Error.Nodes, Moved: o.Error.Moved, MCMax: o.Error.MCMax, MCMean: o.Error.MCMean,
		Gate: fits[len(fits)-1].Gate(o, h),
	}
	if line != nil {
		r.Line, r.Places, r.Counts, r.Stopped = line.At, &line.Places, &line.Counts, line.Stopped
		r.Reserve = append(r.Reserve, line.Reserve...)
		r.Near = append(r.Near, line.over.Robustness(line.Places)...)
	}
	for _, e := range o.Experts {
		r.Experts = append(r.Experts, expertLine{e.Name, e.N, e.Severity, e.SD, e.Spread, e.N >= h.Marks})
	}
	corrected := o.corrected()
	for _, a := range o.Applications {
		line := intervalLine{Application: a.Name, Low: a.Rank05, High: a.Rank95}
		if r.Gate.Offered {
			mark := corrected[a.Name]
			line.Corrected = &mark
		}
		r.Applications = append(r.Applications, line)
	}
	return r
}

// Write writes R.json.
func (r *Report) Write(w io.Writer) error {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	out.SetIndent("", " ")
	return out.Encode(r)
}

// ReportDiffers names the first place where two reports differ, "" if they do
// not. One kind of processor writes the same bytes each time; on another the last
// digits of a decimal may be others, so that numbers may differ by a millionth.
func ReportDiffers(given, made []byte) string {
	var a, b any
	if json.Unmarshal(given, &a) != nil || json.Unmarshal(made, &b) != nil {
		return "写法"
	}
	return differs("报告", a, b)
}

func differs(at string, a, b any) string {
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok || len(x) != len(y) {
			return at
		}
		for _, key := range slices.Sorted(maps.Keys(x)) {
			if _, ok := y[key]; !ok {
				return at + "." + key
			}
			if d := differs(at+"."+key, x[key], y[key]); d != "" {
				return d
			}
		}
		return ""
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			return at
		}
		for i := range x {
			if d := differs(fmt.Sprintf("%s[%d]", at, i), x[i], y[i]); d != "" {
				return d
			}
		}
		return ""
	case float64:
		if y, ok := b.(float64); ok && math.Abs(x-y) <= 1e-6*max(1, math.Abs(y)) {
			return ""
		}
		return at
	}
	if a != b { // texts, true and false, null
		return at
	}
	return ""
}

// Differences compares a written R.csv with the opinion recomputed and says
// line by line where they differ. Names, counts, ranks and groups are compared
// as text; what has decimals may differ by one in the last of its six, which
// another machine's arithmetic may round otherwise.
func (o *Opinion) Differences(r io.Reader) ([]string, error) {
	t, err := table.New(r, Columns)
	if err != nil {
		return nil, err
	}
	var out []string
	seen, place := map[string]bool{}, map[string]int{}
	for i, a := range o.Applications {
		place[a.Name] = i
	}
	for at := 0; ; at++ {
		if err := t.Next(); err == io.EOF {
			break
		} else if err != nil {
			return nil, err
		}
		name, err := t.Text(0, true)
		if err != nil {
			return nil, err
		}
		i, known := place[name]
		switch {
		case !known:
			out = append(out, fmt.Sprintf("第%d行：项目%s没有评分", t.Line(), name))
			continue
		case seen[name]:
			out = append(out, fmt.Sprintf("第%d行：项目%s出现两次", t.Line(), name))
			continue
		case i != at:
			out = append(out, fmt.Sprintf("第%d行：项目%s应在第%d位", t.Line(), name, i+1))
		}
		seen[name] = true
		for column, want := range o.Applications[i].row() {
			got, err := t.Text(column, false)
			if err != nil {
				return nil, err
			}
			if !agree(got, want) {
				out = append(out, fmt.Sprintf("第%d行第%d列：项目%s的%s为%s，应为%s", t.Line(), t.Place(column), name, Columns[column], got, want))
			}
		}
	}
	for _, a := range o.Applications {
		if !seen[a.Name] {
			out = append(out, fmt.Sprintf("缺少项目%s", a.Name))
		}
	}
	return out, nil
}

func agree(got, want string) bool {
	if got == want {
		return true
	}
	x, errX := strconv.ParseFloat(got, 64)
	y, errY := strconv.ParseFloat(want, 64)
	return errX == nil && errY == nil && got == six(x) && want == six(y) && math.Abs(x-y) < 1.5e-6
}
