// Package rank computes the official ranking (keping-ranking/1) exactly, in
// rationals: from the counted sheets of a closed review, the guide's form,
// method, tie steps and pass line to marks, ranks and ties that anyone can
// recompute. Only sheets of status counted enter; equal marks share a rank
// unless a written tie step separates them.
package rank

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"
	"strings"
)

// Spec names the contract.
const Spec = "keping-ranking/1"

// Record is everything an outsider needs to recompute a ranking.
type Record struct {
	Spec     string   `json:"spec"`
	Review   string   `json:"review"`
	RulePack string   `json:"rule_pack"`
	Minimum  int      `json:"minimum"`   // counted experts an application needs
	PassLine int      `json:"pass_line"` // hundredths of a point
	Form     Form     `json:"form"`
	Method   Method   `json:"method"`
	Ties     []string `json:"ties"`
	Sheets   []Sheet  `json:"sheets"`
	Orders   []Order  `json:"orders"`
	Results  []Result `json:"results"`
}

// Form is the marking form: Σ weight × maximum = 100 points.
type Form struct {
	Criteria []Criterion `json:"criteria"`
}

// Criterion is marked by the classes it names, by all when it names none.
type Criterion struct {
	Code    string   `json:"code"`
	Weight  int      `json:"weight"`  // 10000 = 1
	Maximum int      `json:"maximum"` // hundredths
	Classes []string `json:"classes"`
}

// Method is how an application's mark comes from its experts'.
type Method struct {
	Name    string `json:"name"`    // mean, trimmed, median, two_stage, zscore, votes
	Percent int    `json:"percent"` // of two_stage, else 0
}

// Sheet is one version of one expert's sheet with its salt, so that its digest
// in the journal can be recomputed.
type Sheet struct {
	Status string  `json:"status"` // counted, void, revised, abstained, joint
	Class  string  `json:"class"`
	Salt   string  `json:"salt"`
	Hash   string  `json:"hash"`
	Sheet  Content `json:"sheet"`
}

// Content is what the digest of a sheet is over.
type Content struct {
	Application    string `json:"application"`
	Expert         string `json:"expert"`
	Version        int    `json:"version"`
	Marks          []Mark `json:"marks"`
	Abstained      bool   `json:"abstained"`
	Recommendation string `json:"recommendation"`
	Opinion        string `json:"opinion"` // salted digest, or ""
}

// Mark is one criterion's mark in hundredths, nil where left out.
type Mark struct {
	Criterion string `json:"criterion"`
	Mark      *int   `json:"mark"`
}

// Order is a recorded order of tied applications, by vote or draw.
type Order struct {
	Step         string   `json:"step"`
	Applications []string `json:"applications"`
	Evidence     string   `json:"evidence"`
}

// Result is one application's place; rank 0 and an empty mark where it has none.
type Result struct {
	Application string `json:"application"`
	N           int    `json:"n"`
	Mark        string `json:"mark"`
	Shown       string `json:"shown"`
	Passed      bool   `json:"passed"`
	Rank        int    `json:"rank"`
	Tie         string `json:"tie"` // the last step that separated it from an equal mark
}

// Methods with their Chinese names.
var Methods = map[string]string{
	"mean": "平均分", "trimmed": "去掉一个最高分和一个最低分后平均（5个分数起）", "median": "中位数",
	"two_stage": "二次平均法", "zscore": "标准分", "votes": "推荐票比例",
}

func mean(v []*big.Rat) *big.Rat {
	sum := new(big.Rat)
	for _, x := range v {
		sum.Add(sum, x)
	}
	return sum.Quo(sum, big.NewRat(int64(len(v)), 1))
}

func sorted(v []*big.Rat) []*big.Rat {
	return slices.SortedFunc(slices.Values(v), (*big.Rat).Cmp)
}

func trimmed(v []*big.Rat) *big.Rat {
	if len(v) < 5 {
		return mean(v)
	}
	return mean(sorted(v)[1 : len(v)-1])
}

func median(v []*big.Rat) *big.Rat {
	s := sorted(v)
	if n := len(s); n%2 == 0 {
		return mean(s[n/2-1 : n/2+1])
	}
	return s[len(s)/2]
}

func twoStage(percent int) func([]*big.Rat) *big.Rat {
	return func(v []*big.Rat) *big.Rat {
		m := mean(v)
		limit := new(big.Rat).Mul(m, big.NewRat(int64(percent), 100))
		var near []*big.Rat
		for _, x := range v {
			if d := new(big.Rat).Sub(x, m); d.Abs(d).Cmp(limit) <= 0 {
				near = append(near, x)
			}
		}
		if len(near) == 0 {
			return m
		}
		return mean(near)
	}
}

type total struct {
	expert string
	value  *big.Rat
}

func values(totals []total) []*big.Rat {
	v := make([]*big.Rat, len(totals))
	for i, t := range totals {
		v[i] = t.value
	}
	return v
}

// precision of square roots: far beyond the nine places kept.
const precision = 320

// zscores are the mean standard scores of all applications, rounded to nine places.
func zscores(totals map[string][]total) map[string]*big.Rat {
	own := map[string][]*big.Rat{}
	for _, rows := range totals {
		for _, t := range rows {
			own[t.expert] = append(own[t.expert], t.value)
		}
	}
	centre, spread := map[string]*big.Rat{}, map[string]*big.Float{}
	for expert, v := range own {
		centre[expert] = mean(v)
		if len(v) < 2 {
			continue
		}
		sum := new(big.Rat)
		for _, x := range v {
			d := new(big.Rat).Sub(x, centre[expert])
			sum.Add(sum, d.Mul(d, d))
		}
		if sum.Sign() > 0 {
			sum.Quo(sum, big.NewRat(int64(len(v)-1), 1))
			f := new(big.Float).SetPrec(precision).SetRat(sum)
			spread[expert] = f.Sqrt(f)
		}
	}
	z := map[string]*big.Rat{}
	for application, rows := range totals {
		sum := new(big.Float).SetPrec(precision)
		for _, t := range rows {
			if s := spread[t.expert]; s != nil {
				d := new(big.Float).SetPrec(precision).SetRat(new(big.Rat).Sub(t.value, centre[t.expert]))
				sum.Add(sum, d.Quo(d, s))
			}
		}
		sum.Quo(sum, big.NewFloat(float64(len(rows))))
		// Through fifty places first: what is exactly a half must not fall short by a bit.
		near, _ := new(big.Rat).SetString(sum.Text('f', 50))
		z[application], _ = new(big.Rat).SetString(places(near, 9))
	}
	return z
}

// places writes x with n decimals, rounded half away from zero, never -0.00.
func places(x *big.Rat, n int) string {
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
	units := new(big.Int).Abs(x.Num())
	units.Mul(units, scale).Mul(units, big.NewInt(2)).Add(units, x.Denom())
	units.Quo(units, new(big.Int).Mul(x.Denom(), big.NewInt(2)))
	text := fmt.Sprintf("%0*s", n+1, units.String())
	sign := ""
	if x.Sign() < 0 && units.Sign() != 0 {
		sign = "-"
	}
	return sign + text[:len(text)-n] + "." + text[len(text)-n:]
}

// whole tells whether every class marks every criterion.
func (r Record) whole() bool {
	every := map[string]bool{}
	for _, c := range r.Form.Criteria {
		for _, class := range c.Classes {
			every[class] = true
		}
	}
	for _, s := range r.Sheets {
		if s.Status != "joint" {
			every[s.Class] = true
		}
	}
	for _, c := range r.Form.Criteria {
		if len(c.Classes) > 0 && len(c.Classes) != len(every) {
			return false
		}
	}
	return true
}

// WithJoint is the record as it would be if the joint units' sheets counted, the
// newest version of each, and the applications that have one. In a whole form a
// sheet that leaves out a criterion has no total, and does not enter.
func (r Record) WithJoint() (Record, map[string]bool) {
	whole, marked := r.whole(), map[string]bool{}
	sheets := slices.Clone(r.Sheets)
	for i, s := range sheets {
		newer := i+1 < len(sheets) && sheets[i+1].Sheet.Application == s.Sheet.Application && sheets[i+1].Sheet.Expert == s.Sheet.Expert
		given := 0
		for _, m := range s.Sheet.Marks {
			given += btoi(m.Mark != nil)
		}
		if s.Status == "joint" && !newer && (!whole || given == len(r.Form.Criteria)) {
			sheets[i].Status = "counted"
			marked[s.Sheet.Application] = true
		}
	}
	r.Sheets = sheets
	return r, marked
}

type standing struct {
	Result
	mark *big.Rat // nil without
	keys []*big.Rat
}

// Compute fills the results of a record whose form, sheets and orders are valid.
func Compute(r Record) (Record, error) {
	if err := r.Validate(); err != nil {
		return Record{}, err
	}
	r.Results = nil
	for _, s := range r.standings() {
		r.Results = append(r.Results, s.Result)
	}
	if r.Results == nil {
		r.Results = []Result{}
	}
	return r, nil
}

func (r Record) standings() []standing {
	criteria := map[string]Criterion{}
	for _, c := range r.Form.Criteria {
		criteria[c.Code] = c
	}
	n, recommended := map[string]int{}, map[string]int{}
	totals, byCriterion := map[string][]total{}, map[string][]*big.Rat{}
	for _, s := range r.Sheets {
		a := s.Sheet.Application
		n[a] += 0
		if s.Status != "counted" {
			continue
		}
		n[a]++
		if s.Sheet.Recommendation == "recommend" {
			recommended[a]++
		}
		sum, given := new(big.Rat), 0
		for _, m := range s.Sheet.Marks {
			if m.Mark == nil {
				continue
			}
			given++
			v := big.NewRat(int64(*m.Mark), 100)
			byCriterion[a+"\x00"+m.Criterion] = append(byCriterion[a+"\x00"+m.Criterion], v)
			sum.Add(sum, new(big.Rat).Mul(v, big.NewRat(int64(criteria[m.Criterion].Weight), 10000)))
		}
		if len(criteria) > 0 && given == len(criteria) {
			totals[a] = append(totals[a], total{s.Sheet.Expert, sum})
		}
	}
	how := map[string]func([]*big.Rat) *big.Rat{"mean": mean, "trimmed": trimmed, "median": median, "two_stage": twoStage(r.Method.Percent)}[r.Method.Name]
	var z map[string]*big.Rat
	if r.Method.Name == "zscore" {
		z = zscores(totals)
	}
	one := r.whole()
	// marks are the official mark and what the pass line is compared with.
	marks := func(a string) (mark, plain *big.Rat) {
		switch {
		case n[a] < max(r.Minimum, 1):
			return nil, nil
		case r.Method.Name == "votes":
			share := big.NewRat(int64(100*recommended[a]), int64(n[a]))
			return share, share
		case one && len(totals[a]) == 0:
			return nil, nil
		case one && z != nil:
			return z[a], mean(values(totals[a]))
		case one:
			return how(values(totals[a])), mean(values(totals[a]))
		}
		mark, plain = new(big.Rat), new(big.Rat)
		for _, c := range r.Form.Criteria {
			v := byCriterion[a+"\x00"+c.Code]
			if len(v) == 0 {
				return nil, nil
			}
			weight := big.NewRat(int64(c.Weight), 10000)
			mark.Add(mark, new(big.Rat).Mul(weight, how(v)))
			plain.Add(plain, new(big.Rat).Mul(weight, mean(v)))
		}
		return mark, plain
	}
	position := map[string]int{}
	for _, o := range r.Orders {
		for i, a := range o.Applications {
			position[o.Step+"\x00"+a] = i
		}
	}
	// key is what a step compares: the greater goes first, who has nothing comes last.
	key := func(a, step string) *big.Rat {
		if code, ok := strings.CutPrefix(step, "criterion:"); ok {
			if v := byCriterion[a+"\x00"+code]; len(v) > 0 {
				return mean(v)
			}
			return big.NewRat(-1, 1)
		}
		if step == "median" {
			if len(totals[a]) > 0 {
				return median(values(totals[a]))
			}
			return big.NewRat(-1, 1)
		}
		if i, ok := position[step+"\x00"+a]; ok {
			return big.NewRat(int64(-i), 1)
		}
		return big.NewRat(int64(-len(n)), 1)
	}
	var rows []standing
	for a, count := range n {
		row := standing{Result: Result{Application: a, N: count}}
		mark, plain := marks(a)
		row.mark = mark
		row.Passed = plain != nil && new(big.Rat).Mul(plain, big.NewRat(100, 1)).Cmp(big.NewRat(int64(r.PassLine), 1)) >= 0
		if mark != nil {
			row.Shown = places(mark, 2)
			row.Mark = mark.Num().String() + "/" + mark.Denom().String()
			if r.Method.Name == "zscore" {
				row.Mark = places(mark, 9)
			}
		}
		for _, step := range r.Ties {
			row.keys = append(row.keys, key(a, step))
		}
		rows = append(rows, row)
	}
	order := func(a, b standing) int {
		if a.mark == nil || b.mark == nil {
			return cmp.Compare(btoi(a.mark == nil), btoi(b.mark == nil))
		}
		if c := b.mark.Cmp(a.mark); c != 0 {
			return c
		}
		for k := range a.keys {
			if c := b.keys[k].Cmp(a.keys[k]); c != 0 {
				return c
			}
		}
		return 0
	}
	slices.SortFunc(rows, func(a, b standing) int { return cmp.Or(order(a, b), cmp.Compare(a.Application, b.Application)) })
	for i := range rows {
		switch {
		case rows[i].mark == nil:
		case i > 0 && order(rows[i-1], rows[i]) == 0:
			rows[i].Rank = rows[i-1].Rank
		default:
			rows[i].Rank = i + 1
		}
	}
	for k, step := range r.Ties {
		for _, level := range levels(rows, k) {
			if slices.ContainsFunc(level, func(i int) bool { return rows[i].keys[k].Cmp(rows[level[0]].keys[k]) != 0 }) {
				for _, i := range level {
					rows[i].Tie = step
				}
			}
		}
	}
	return rows
}

// Totals are the totals of the counted sheets by application, in the record's
// order: "CODE TOTAL", two decimals, over the criteria the expert has marked.
func (r Record) Totals() map[string][]string {
	weights := map[string]int64{}
	for _, c := range r.Form.Criteria {
		weights[c.Code] = int64(c.Weight)
	}
	out := map[string][]string{}
	for _, s := range r.Sheets {
		if s.Status != "counted" {
			continue
		}
		sum, given := new(big.Rat), false
		for _, m := range s.Sheet.Marks {
			if m.Mark != nil {
				given = true
				sum.Add(sum, big.NewRat(int64(*m.Mark)*weights[m.Criterion], 1000000))
			}
		}
		text := s.Sheet.Recommendation
		if given {
			text = places(sum, 2)
		}
		out[s.Sheet.Application] = append(out[s.Sheet.Application], s.Sheet.Expert+" "+text)
	}
	return out
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// levels are those of equal marks that the first k tie steps do not separate.
func levels(rows []standing, k int) map[string][]int {
	out := map[string][]int{}
	for i, row := range rows {
		if row.mark != nil {
			key := row.mark.String()
			for _, x := range row.keys[:k] {
				key += " " + x.String()
			}
			out[key] = append(out[key], i)
		}
	}
	return out
}
