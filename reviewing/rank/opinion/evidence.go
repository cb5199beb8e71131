package opinion

// History is how much must be known of experts before anything is said of
// their severity; the zero value asks for DefaultHistory.
type History struct {
	Marks   int // of an expert
	Experts int // who have as many
}

// DefaultHistory asks for five marks of each of three experts.
var DefaultHistory = History{Marks: 5, Experts: 3}

// Gate says whether the marks bear out a correction for severity at all. On
// real panels experts are 0–9 % of the variance, and corrections that popular
// systems apply lose up to nine points of precision: without evidence for it
// the correction does harm.
type Gate struct {
	Statistic float64 `json:"statistic"` // how much the experts' variance betters the REML criterion
	Threshold float64 `json:"threshold"`
	Experts   int     `json:"experts"` // with enough history
	Marks     int     `json:"marks_each"`
	Needed    int     `json:"experts_needed"`
	Offered   bool    `json:"offered"`
	Why       string  `json:"why"`
}

// gateThreshold is the upper 5 % point of ½χ²₀ + ½χ²₁, the distribution of the
// likelihood ratio of a variance that lies on its boundary 0 (Self and Liang
// 1987): the 10 % point of χ²₁.
const gateThreshold = 2.705543454095414

// Gate judges by the fit over all marks and the experts' histories.
func (r Reliability) Gate(experts []Expert, h History) Gate {
	h = h.orDefault()
	g := Gate{Threshold: gateThreshold, Marks: h.Marks, Needed: h.Experts}
	if r.Criterion != nil {
		g.Statistic = max(r.without-*r.Criterion, 0)
	}
	for _, e := range experts {
		if e.N >= h.Marks {
			g.Experts++
		}
	}
	switch {
	case r.Criterion == nil:
		g.Why = "评分全部相同或只有一个，不能估计专家尺度"
	case g.Experts < h.Experts:
		g.Why = "历史评分不足：评分够数的专家太少，不提供尺度校正"
	case g.Statistic < gateThreshold:
		g.Why = "专家之间尺度差异没有证据（似然比检验，5%），校正有害无益"
	default:
		g.Offered, g.Why = true, "专家之间尺度差异有证据（似然比检验，5%）"
	}
	return g
}

func (h History) orDefault() History {
	if h.Marks <= 0 {
		h.Marks = DefaultHistory.Marks
	}
	if h.Experts <= 0 {
		h.Experts = DefaultHistory.Experts
	}
	return h
}
