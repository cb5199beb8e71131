package rank

import "slices"

// Kinds of variants.
const (
	Without = "without" // one expert's sheets left out, wherever they are
	Trim    = "trimmed" // the highest and the lowest mark dropped
	Weight  = "weight"  // one criterion's weight 10 % up or down
	Joint   = "joint"   // the joint units' sheets counted
)

// Variant is what the results would have been otherwise.
type Variant struct {
	Kind    string
	Of      string // the expert's code, or the criterion with +10% or -10%
	Results []Result
}

// Variants computes what a record does not say and a doubter asks: the results
// without each expert, with the trimmed mean, with each weight 10 % up and down,
// and with the joint units' sheets. An application counts here however few marks
// it has left; under changed weights a mark is tenfold. Each variant costs as much as the ranking.
func (r Record) Variants() []Variant {
	r.Minimum = 1
	var out []Variant
	add := func(kind, of string, v Record) {
		x := Variant{Kind: kind, Of: of}
		for _, s := range v.standings() {
			x.Results = append(x.Results, s.Result)
		}
		out = append(out, x)
	}
	var experts []string
	for _, s := range r.Sheets {
		if s.Status == "counted" {
			experts = append(experts, s.Sheet.Expert)
		}
	}
	slices.Sort(experts)
	for _, code := range slices.Compact(experts) {
		v := r
		v.Sheets = slices.DeleteFunc(slices.Clone(r.Sheets), func(s Sheet) bool { return s.Sheet.Expert == code })
		add(Without, code, v)
	}
	if r.Method.Name != "votes" && r.Method.Name != "trimmed" {
		v := r
		v.Method = Method{Name: "trimmed"}
		add(Trim, "", v)
	}
	if r.Method.Name != "votes" && len(r.Form.Criteria) > 1 {
		for i, c := range r.Form.Criteria {
			for _, by := range []struct {
				times int
				of    string
			}{{9, "-10%"}, {11, "+10%"}} {
				v := r
				v.Form.Criteria = slices.Clone(r.Form.Criteria)
				for k := range v.Form.Criteria { // tenfold, so that ±10 % is whole: only the order is asked
					v.Form.Criteria[k].Weight *= 10
				}
				v.Form.Criteria[i].Weight = c.Weight * by.times
				add(Weight, c.Code+by.of, v)
			}
		}
	}
	if v, marked := r.WithJoint(); len(marked) > 0 {
		add(Joint, "", v)
	}
	return out
}
