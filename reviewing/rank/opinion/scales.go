package opinion

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
)

// node is one point of the scales with its share of the posterior.
type node struct {
	signal   float64 // τ²/r²
	residual float64 // r
	panel    float64 // τλ
	weight   float64
	panels   moments // of τλ given τ and r, the same for all nodes that share them
}

func (n node) application() float64 { return math.Sqrt(n.signal) * n.residual }

// scales integrates τ, r and τλ. The outermost variable is κ = τ/r as
// h = κ/(1+κ), because at one κ a single reduction of the experts' matrix
// serves every r and τλ; then log r, then τλ. Each is integrated by
// Gauss–Legendre over its support, and the measure found is carried outwards by
// its own Gauss rule of few points.
type scales struct {
	*model
	unit     float64 // R
	legendre rule
	h        [2]float64
	count    int // reductions so far
	progress func(done int)
}

const (
	expertShare = 0.1   // s = 0.1R
	scaleShare  = 0.4   // τ, τλ, σ, α are uniform up to 0.4R
	floorShare  = 0.001 // r is at least 0.001R
	negligible  = 1e-10 // share of the posterior below which a node is left out
)

// panelPieces are where τλ's integral is cut, finer near zero, in shares of R.
var panelPieces = []float64{0, 0.024, 0.08, scaleShare}

// bends are where the end of r's support, the least of 0.4√2R and 0.4R/κ,
// changes its form: κ = √½, and κ = 1, where the bend of r's density leaves it.
var bends = []float64{math.Sqrt2 - 1, 0.5}

// newScales finds the support of h.
func newScales(m *model, unit float64) *scales {
	q := &scales{model: m, unit: unit, legendre: legendre(8)}
	largest := scaleShare / floorShare // κ
	scan := []float64{0}
	for k := 0.02; k < largest; k *= 2 {
		scan = append(scan, k/(1+k))
	}
	scan = append(scan, largest/(1+largest))
	q.h[0], q.h[1] = support(func(h float64) float64 {
		total := floats.LogSumExp(q.residuals(h).w)
		return total + jacobian(h)
	}, scan)
	return q
}

// jacobian is log dκ/dh.
func jacobian(h float64) float64 { return -2 * math.Log1p(-h) }

func ratio(h float64) float64 { return h / (1 - h) }

// panels is the measure of τλ at one r: the rule's x is τλ, or a single point
// at 0 where the model has no panels.
func (q *scales) panels(e *evidence, r float64) rule {
	if len(q.extraZ) == 0 {
		return rule{[]float64{0}, []float64{-e.log(q.rows, r*r, 0) / 2}}
	}
	var out rule
	for i := range len(panelPieces) - 1 {
		a, b := panelPieces[i]*q.unit, panelPieces[i+1]*q.unit
		for k, x := range q.legendre.x {
			t := a + (b-a)*x
			out.x = append(out.x, t)
			out.w = append(out.w, math.Log(q.legendre.w[k]*(b-a)/(scaleShare*q.unit))-e.log(q.rows, r*r, t*t/(r*r))/2)
		}
	}
	return out
}

// with is the evidence at one r.
func (q *scales) with(s *spectrum, r float64) *evidence {
	expert := expertShare * q.unit / r
	return s.with(expert * expert)
}

// residuals is the measure of log r at one h, τλ integrated.
func (q *scales) residuals(h float64) rule {
	k := ratio(h)
	s := q.at(k * k)
	if q.count++; q.progress != nil {
		q.progress(q.count)
	}
	corner, least := scaleShare*q.unit, math.Log(floorShare*q.unit)
	most := math.Log(min(corner*math.Sqrt2, corner/max(k, 1e-300)))
	density := func(r float64) float64 { // of r, times dτ/dκ = r
		total := floats.LogSumExp(q.panels(q.with(s, r), r).w)
		angle := 0.0
		if r > corner {
			angle = math.Acos(corner / r)
		}
		return total + 2*math.Log(r) + math.Log(math.Pi/2-2*angle)
	}
	scan := make([]float64, 12)
	for i := range scan {
		scan[i] = least + (most-least)*float64(i)/float64(len(scan)-1)
	}
	lo, hi := support(func(x float64) float64 { return density(math.Exp(x)) + x }, scan)
	var out rule
	if bend := math.Log(corner); lo < bend {
		top := min(hi, bend)
		for i, x := range q.legendre.x {
			at := lo + (top-lo)*x
			out.x = append(out.x, at)
			out.w = append(out.w, density(math.Exp(at))+at+math.Log(q.legendre.w[i]*(top-lo)))
		}
	}
	if hi > math.Log(corner) { // beyond the bend the density is smooth in the angle
		a := math.Acos(min(corner/math.Exp(lo), 1))
		b := math.Acos(corner / math.Exp(hi))
		for i, x := range q.legendre.x {
			angle := a + (b-a)*x
			r := corner / math.Cos(angle)
			out.x = append(out.x, math.Log(r))
			out.w = append(out.w, density(r)+math.Log(r*math.Tan(angle))+math.Log(q.legendre.w[i]*(b-a)))
		}
	}
	return out
}

// outer carries the measure of h, τ and r integrated, by a Gauss rule for each
// piece between the bends, across which nothing is smooth.
func (q *scales) outer(points int) rule {
	var out rule
	var masses []float64
	from := q.h[0]
	for _, until := range append(slices.Clone(bends), q.h[1]) {
		if until = min(until, q.h[1]); until <= from {
			continue
		}
		var piece rule
		for i, x := range q.legendre.x {
			h := from + (until-from)*x
			piece.x = append(piece.x, h)
			piece.w = append(piece.w, floats.LogSumExp(q.residuals(h).w)+jacobian(h)+math.Log(q.legendre.w[i]*(until-from)))
		}
		mass := floats.LogSumExp(piece.w)
		piece = gauss(piece, points)
		for i, w := range piece.w {
			out.x, masses = append(out.x, piece.x[i]), append(masses, mass+math.Log(w))
		}
		from = until
	}
	total := floats.LogSumExp(masses)
	for _, m := range masses {
		out.w = append(out.w, math.Exp(m-total))
	}
	return out
}

// nodes carries the posterior of the scales by points Gauss nodes in each,
// from Gauss–Legendre rules of n nodes a piece.
func (q *scales) nodes(n, points int) []node {
	q.legendre = legendre(n)
	outer := q.outer(points)
	var out []node
	var kept float64
	for i, h := range outer.x {
		k := ratio(h)
		s := q.at(k * k)
		residuals := gauss(q.residuals(h), points)
		for j, x := range residuals.x {
			r := math.Exp(x)
			e := q.with(s, r)
			panels := q.panels(e, r)
			scale := q.panelScale(e, r)
			whole := floats.LogSumExp(panels.w)
			var given moments
			for t, v := range panels.x {
				given.add(math.Exp(panels.w[t]-whole), v, 0)
				panels.x[t] = v * v / (v*v + scale)
			}
			panels = gauss(panels, points)
			for t, u := range panels.x {
				w := outer.w[i] * residuals.w[j] * panels.w[t]
				if w < negligible {
					continue
				}
				kept += w
				out = append(out, node{k * k, r, math.Sqrt(scale * max(u, 0) / (1 - u)), w, given})
			}
		}
	}
	for i := range out {
		out[i].weight /= kept
	}
	return out
}

// panelScale is the variance of a typical panel's mean, r²/eigenvalue: in
// τλ²/(τλ²+scale), how far a panel's effect is believed, all that depends on τλ
// is nearly a polynomial.
func (q *scales) panelScale(e *evidence, r float64) float64 {
	var sum float64
	for _, v := range e.values {
		sum += v
	}
	if sum == 0 {
		return q.unit * q.unit
	}
	return r * r * float64(len(e.values)) / sum
}
