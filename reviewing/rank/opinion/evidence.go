package opinion

import "fmt"

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
// the correction does harm. It is offered where experts have enough history,
// differ by more than chance, and the correction betters the order that marks
// held out from it bear witness to.
type Gate struct {
	Statistic float64 `json:"statistic" doc:"专家方差使REML准则改善多少（似然比）"`
	Threshold float64 `json:"threshold" doc:"达到此值，专家之间的差异才不像偶然（5%）"`
	Experts   int     `json:"experts" doc:"评分够数的专家人数"`
	Marks     int     `json:"marks_each" doc:"每名专家至少要有的评分数"`
	Needed    int     `json:"experts_needed" doc:"至少要有几名这样的专家"`
	HeldOut   HeldOut `json:"held_out" doc:"无害检验：以留出的评分看，校正使次序更近还是更远"`
	Offered   bool    `json:"offered" doc:"为true时applications各行给出校正后的平均分，供参考"`
	Why       string  `json:"why" doc:"不提供时，说明缺什么依据"`
}

// gateThreshold is the upper 5 % point of ½χ²₀ + ½χ²₁, the distribution of the
// likelihood ratio of a variance that lies on its boundary 0 (Self and Liang
// 1987): the 10 % point of χ²₁.
const gateThreshold = 2.705543454095414

// Gate judges by the fit over all marks, the experts' histories and the marks
// held out.
func (r Reliability) Gate(o *Opinion, h History) Gate {
	h = h.orDefault()
	g := Gate{Threshold: gateThreshold, Marks: h.Marks, Needed: h.Experts, HeldOut: o.heldOut()}
	if r.Criterion != nil {
		g.Statistic = max(r.without-*r.Criterion, 0)
	}
	for _, e := range o.Experts {
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
	case g.HeldOut.Pairs == 0:
		g.Why = "没有可供无害检验的评分：留出一名专家的评分后，其所评项目没有别人的评分可比"
	case g.HeldOut.Gain < 0:
		g.Why = fmt.Sprintf("无害检验未通过：以留出的评分看，校正使次序的符合份额下降%.4f", -g.HeldOut.Gain)
	case g.HeldOut.Gain == 0:
		g.Why = "无害检验未见好处：以留出的评分看，校正不使次序更近（各专家所评项目相同时总是如此）"
	default:
		g.Offered, g.Why = true, fmt.Sprintf("专家之间尺度差异有证据（似然比检验，5%%）；以留出的评分看，校正使次序的符合份额提高%.4f", g.HeldOut.Gain)
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
