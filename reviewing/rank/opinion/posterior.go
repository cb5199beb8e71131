package opinion

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// moments gather a mixture's mean and variance.
type moments struct{ first, second float64 }

func (m *moments) add(weight, mean, variance float64) {
	m.first += weight * mean
	m.second += weight * (variance + mean*mean)
}

func (m moments) mean() float64 { return m.first }

func (m moments) sd() float64 { return math.Sqrt(max(m.second-m.first*m.first, 0)) }

// posterior is what the integrated model says, by exact class and by expert.
type posterior struct {
	nodes  []node
	rank   []float64 // expected, per class
	effect []moments // per class
	expert []moments
	err    Error
	draws  int
}

// The expected ranks are settled when doubling the nodes moves none by settled:
// from firstNodes a piece to lastNodes, with the Gauss points that carry them
// growing from firstPoints by morePoints.
const (
	settled     = 2e-5
	firstNodes  = 16
	lastNodes   = 256
	firstPoints = 5
	morePoints  = 2
)

// integrate doubles the nodes until the expected ranks are settled.
func (d *design) integrate(progress func(float64)) *posterior {
	q := newScales(&d.model, d.scale.Range())
	var before *posterior
	for n, points := firstNodes, firstPoints; ; n, points = 2*n, points+morePoints {
		p := d.mix(q.nodes(n, points), progress)
		p.err = Error{Method: "quadrature", Nodes: len(p.nodes), Moved: math.Inf(1)}
		if before != nil {
			p.err.Moved = 0
			for c, r := range p.rank {
				p.err.Moved = max(p.err.Moved, math.Abs(r-before.rank[c]))
			}
		}
		if p.err.Moved < settled || n >= lastNodes {
			return p
		}
		before = p
	}
}

// mix adds up the posteriors at the nodes.
func (d *design) mix(nodes []node, progress func(float64)) *posterior {
	p := &posterior{nodes: nodes, rank: make([]float64, len(d.classes)), effect: make([]moments, len(d.classes)), expert: make([]moments, d.width)}
	byPattern := d.classesByPattern()
	for at, n := range nodes {
		g := d.given(n)
		for j := range d.width {
			p.expert[j].add(n.weight, g.mean.AtVec(j), g.covariance.At(j, j))
		}
		g.compare(p, byPattern)
		progress(float64(at+1) / float64(len(nodes)))
	}
	for c, class := range d.classes {
		p.rank[c] += 1 + float64(class.members-1)/2
	}
	return p
}

func (d *design) classesByPattern() [][]int {
	out := make([][]int, len(d.patterns))
	for c, class := range d.classes {
		out[class.pattern] = append(out[class.pattern], c)
	}
	return out
}

// given is the posterior at one node: normal in experts and panels, and given
// them independent in the applications.
type given struct {
	*design
	node
	chol       mat.Cholesky  // of the precision of experts and panels
	mean       *mat.VecDense // their mean
	covariance *mat.SymDense
	shrunk     []float64 // per pattern: E[θ] = shrunk·(Σz − seats·effects)
	theta      []float64 // per class: E[θ]
}

// given conditions on the scales; O(W³) for W experts and panels.
func (d *design) given(n node) *given {
	g := &given{design: d, node: n, shrunk: make([]float64, len(d.patterns)), theta: make([]float64, len(d.classes))}
	size, variance := d.width+len(d.extraZ), n.residual*n.residual
	precision, side := mat.NewSymDense(size, nil), mat.NewVecDense(size, nil)
	expert := expertShare * d.scale.Range()
	for j := range d.width {
		precision.SetSym(j, j, d.expertN[j]/variance+1/(expert*expert))
		side.SetVec(j, d.expertZ[j]/variance)
		if d.cross != nil {
			for _, x := range d.cross[j] {
				precision.SetSym(j, d.width+x.column, x.n/variance)
			}
		}
	}
	for k, z := range d.extraZ {
		at := d.width + k
		precision.SetSym(at, at, d.extraN[k][k]/variance+1/max(n.panel*n.panel, 1e-12*variance))
		side.SetVec(at, z/variance)
	}
	for i, p := range d.patterns {
		g.shrunk[i] = shrink(n.signal, p.n)
		seats := p.seats(d.width)
		for s, a := range seats {
			w := g.shrunk[i] * a.n / variance
			for _, b := range seats[s:] {
				precision.SetSym(a.column, b.column, precision.At(a.column, b.column)-w*p.members*b.n)
			}
			side.SetVec(a.column, side.AtVec(a.column)-w*p.total)
		}
	}
	// The precision is that of the prior or more, so it has a factor.
	g.chol.Factorize(precision)
	g.mean, g.covariance = mat.NewVecDense(size, nil), mat.NewSymDense(size, nil)
	_ = g.chol.SolveVecTo(g.mean, side) // what it reports is a condition
	_ = g.chol.InverseTo(g.covariance)  // number, harmless here
	for c, class := range d.classes {
		var effects float64
		for _, s := range d.patterns[class.pattern].seats(d.width) {
			effects += s.n * g.mean.AtVec(s.column)
		}
		g.theta[c] = g.shrunk[class.pattern] * (class.total - effects)
	}
	return g
}

// seats are the pattern's columns among experts and panels.
func (p *pattern) seats(width int) []count {
	out := make([]count, 0, len(p.experts)+len(p.extra))
	for _, j := range p.experts {
		out = append(out, count{j, 1})
	}
	for _, x := range p.extra {
		out = append(out, count{width + x.column, x.n})
	}
	return out
}

// compare adds every class's effect and P(θ of another > θ) with this node's
// weight. The variance of a difference depends on the two patterns alone.
func (g *given) compare(p *posterior, byPattern [][]int) {
	size := g.mean.Len()
	all := make([][]count, len(g.patterns))
	for i := range g.patterns {
		all[i] = g.patterns[i].seats(g.width)
	}
	own := g.residual * g.residual
	spread, common := make([]float64, size), make([]float64, len(g.patterns)) // common: variance through experts and panels
	for i := range g.patterns {
		common[i] = g.shrunk[i] * g.shrunk[i] * g.quadratic(all[i])
	}
	rank := make([]float64, len(g.classes))
	for i := range g.patterns {
		clear(spread)
		for _, s := range all[i] {
			for k := range size {
				spread[k] += s.n * g.covariance.At(s.column, k)
			}
		}
		for _, c := range byPattern[i] {
			p.effect[c].add(g.weight, g.theta[c], own*g.shrunk[i]+common[i])
		}
		for k := i; k < len(g.patterns); k++ {
			var both float64
			for _, s := range all[k] {
				both += s.n * spread[s.column]
			}
			variance := own*(g.shrunk[i]+g.shrunk[k]) + common[i] + common[k] - 2*g.shrunk[i]*g.shrunk[k]*both
			if i == k {
				variance = 2 * own * g.shrunk[i]
			}
			precision := 1 / math.Sqrt(max(variance, math.SmallestNonzeroFloat64))
			for at, c := range byPattern[i] {
				others := byPattern[k]
				if i == k {
					others = others[at+1:]
				}
				mine, theta, here := float64(g.classes[c].members), g.theta[c], 0.0
				for _, o := range others {
					above := normal((g.theta[o] - theta) * precision)
					here += above * float64(g.classes[o].members)
					rank[o] += (1 - above) * mine
				}
				rank[c] += here
			}
		}
	}
	for c, r := range rank {
		p.rank[c] += g.weight * r
	}
}

// quadratic is the variance of the sum of effects on the seats.
func (g *given) quadratic(seats []count) (sum float64) {
	for _, a := range seats {
		for _, b := range seats {
			sum += a.n * b.n * g.covariance.At(a.column, b.column)
		}
	}
	return sum
}

// hyper is the posterior of the scales.
func (p *posterior) hyper(panelled bool) []Hyper {
	var tau, residual, panel moments
	for _, n := range p.nodes {
		tau.add(n.weight, n.application(), 0)
		residual.add(n.weight, n.residual, 0)
		panel.add(n.weight, n.panels.mean(), n.panels.second-n.panels.first*n.panels.first)
	}
	out := []Hyper{{"tau_application", tau.mean(), tau.sd()}, {"residual", residual.mean(), residual.sd()}}
	if panelled {
		out = append(out, Hyper{"tau_panel", panel.mean(), panel.sd()})
	}
	return out
}
