// Package opinion is the second opinion on a closed review: the Bayesian
// ranking of Heyard, Ott, Salanti and Egger, "Rethinking the funding line at
// the Swiss National Science Foundation: Bayesian ranking and lottery" (2022),
// integrated by quadrature instead of sampled. It advises; it never reorders.
//
// With R the range of the scale and z = score − the unweighted mean over all
// applications of their mean score,
//
//	z = θ(application) + ν(expert) [+ λ(panel)] + e
//	θ ~ N(0, τ²)        τ ~ U(0, 0.4R)
//	ν ~ N(0, (0.1R)²)   an expert is the same person in every panel
//	λ ~ N(0, τλ²)       τλ ~ U(0, 0.4R); only if every mark names a panel and two differ
//	e ~ N(0, r²)        r = √(σ²+α²), σ, α ~ U(0, 0.4R)
//
// Given the two or three scales everything is normal and in closed form: the
// applications are eliminated, so that matrices have the size of experts and
// panels. The scales are integrated over their whole support. Marks are never
// finer than the thousandth part of the scale, and so r is not below 0.001R:
// without that floor panels in full agreement would have no posterior at all.
//
// All marks, effects, severities and deviations are in the units of the scale.
// Ranks count from 1, the best. Nothing depends on the order of the marks, on
// time or on the number of processors; chance comes from a recorded seed.
package opinion

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Mark is one expert's mark of one application, higher is better.
type Mark struct {
	Application, Expert, Panel string
	Score                      float64
}

// Scale is the lowest and the highest mark that can be given.
type Scale struct{ Low, High float64 }

// Range is R, to which the priors are proportional.
func (s Scale) Range() float64 { return s.High - s.Low }

// Options of a ranking; the zero value is useful.
type Options struct {
	Seed  uint64
	Draws int // of the joint sample; 0 means DefaultDraws, or fewer where they would cost too much

	// Progress, if set, hears now and then which share of the work is done.
	Progress func(share float64)
}

// DefaultDraws is the size of the joint sample behind quartiles and intervals,
// where that costs no more than drawsLimit nanoseconds.
const (
	DefaultDraws = 200_000
	drawsLimit   = 4e9
)

// Opinion is the ranking of one review.
type Opinion struct {
	Applications []Application // by expected rank, then name
	Experts      []Expert      // by name
	Hyper        []Hyper       // the scales' posterior
	Error        Error
	Draws        int

	scale Scale
	marks []Mark
}

// Application is one line of the ranking.
type Application struct {
	Name                   string
	N                      int     // marks
	Mean, Trimmed          float64 // without the highest and the lowest from five marks on
	Effect, EffectSD       float64 // posterior mean and deviation of θ
	ExpectedRank           float64 // 1 + Σ P(θ of another > θ), rounded to 1e-6
	Rank05, Rank25, Rank75 int     // quantiles of the rank
	Rank95                 int
	Group                  Group // "" until a line is drawn
	class                  int   // exact ties share it
	place                  int   // from 1, in the order of all
}

// Expert is how one expert marks.
type Expert struct {
	Name         string
	N            int
	Severity, SD float64 // −E[ν] and its posterior deviation
	Spread       float64 // deviation of the expert's marks (n−1), 0 with fewer than two
}

// Hyper is the posterior of one scale.
type Hyper struct {
	Name string  `json:"name"` // tau_application, residual, tau_panel
	Mean float64 `json:"mean"`
	SD   float64 `json:"sd"`
}

// Error says how exact the expected ranks are.
type Error struct {
	Method string  // "quadrature", or "sampled" for designs too large for it
	Moved  float64 // how far the last doubling of the nodes moved an expected rank at most
	Nodes  int     // of the scales, in the last pass
	MCMax  float64 // greatest Monte-Carlo standard error of an expected rank, 0 under quadrature
	MCMean float64 // and their mean
}

// Rank computes the second opinion on the marks.
//
// Errors: a scale that is none, a mark outside it or not a number, a name left
// empty, an expert who marks an application twice, no mark at all. With A
// applications, W experts and panels and Q nodes of the scales the cost is
// O(Q·(A² + W³)) time and O(A² + W²) memory; designs beyond the limits of
// sampled.go are sampled.
func Rank(marks []Mark, scale Scale, o Options) (*Opinion, error) {
	d, err := newDesign(marks, scale)
	if err != nil {
		return nil, err
	}
	return d.rank(o), nil
}

func (d *design) rank(o Options) *Opinion {
	if o.Progress == nil {
		o.Progress = func(float64) {}
	}
	asked := o.Draws > 0
	if !asked {
		o.Draws = DefaultDraws
	}
	if d.tooLarge() {
		return d.opinion(d.sampled(o))
	}
	if size := float64(d.width + len(d.extraZ)); !asked {
		o.Draws = int(min(DefaultDraws, drawsLimit/(20*float64(len(d.applications))+0.6*size*size)))
	}
	p := d.integrate(o.Progress)
	return d.opinion(p, d.sampleRanks(p, o))
}

// opinion puts the posterior's numbers beside the names.
func (d *design) opinion(p *posterior, ranks [][4]int) *Opinion {
	out := &Opinion{Hyper: p.hyper(d.panelled), Error: p.err, scale: d.scale, marks: d.marks, Draws: p.draws}
	for i, name := range d.applications {
		c := d.class[i]
		q := ranks[c]
		out.Applications = append(out.Applications, Application{
			Name: name, N: d.n[i], Mean: d.mean[i], Trimmed: d.trimmed[i],
			Effect: p.effect[c].mean(), EffectSD: p.effect[c].sd(), ExpectedRank: math.Round(p.rank[c]*1e6) / 1e6,
			Rank05: q[0], Rank25: q[1], Rank75: q[2], Rank95: q[3], class: c,
		})
	}
	slices.SortFunc(out.Applications, func(a, b Application) int {
		return cmp.Or(cmp.Compare(a.ExpectedRank, b.ExpectedRank), cmp.Compare(a.Name, b.Name))
	})
	for i := range out.Applications {
		out.Applications[i].place = i + 1
	}
	for j, name := range d.experts {
		out.Experts = append(out.Experts, Expert{
			Name: name, N: len(d.by[j]), Severity: -p.expert[j].mean() + 0, SD: p.expert[j].sd(), Spread: deviation(d.by[j]),
		})
	}
	return out
}

// deviation is the n−1 standard deviation.
func deviation(v []float64) float64 {
	if len(v) < 2 {
		return 0
	}
	var sum, squares float64
	for _, x := range v {
		sum += x
	}
	for _, x := range v {
		squares += (x - sum/float64(len(v))) * (x - sum/float64(len(v)))
	}
	return math.Sqrt(squares / float64(len(v)-1))
}

func (s Scale) valid() error {
	if !(s.Range() >= 1e-3) || math.Abs(s.Low) > markLimit || math.Abs(s.High) > markLimit {
		return fmt.Errorf("评分范围%v:%v：应为最低分:最高分，相差至少0.001，绝对值不超过%v", s.Low, s.High, int(markLimit))
	}
	return nil
}

// check refuses what cannot be ranked.
func check(marks []Mark, scale Scale) error {
	if err := scale.valid(); err != nil {
		return err
	}
	if len(marks) == 0 {
		return fmt.Errorf("没有评分")
	}
	for _, m := range marks {
		if m.Application == "" || m.Expert == "" {
			return fmt.Errorf("项目“%s”、专家“%s”：名称不能为空", m.Application, m.Expert)
		}
		if !(m.Score >= scale.Low && m.Score <= scale.High) {
			return fmt.Errorf("项目%s、专家%s：评分%v不在%v至%v之间", m.Application, m.Expert, m.Score, scale.Low, scale.High)
		}
	}
	return nil
}
