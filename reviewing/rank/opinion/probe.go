package opinion

import (
	"math"

	"gonum.org/v1/gonum/floats"

	"keping/reviewing/chance"
)

// Components of more experts than exactSize are not reduced to a tridiagonal
// matrix: log determinants come from stochastic Lanczos quadrature (Ubaru, Chen
// and Saad 2017) with probes of ±1, the same at every ratio and from probeSeed,
// so that the criterion is smooth in both ratios.
const (
	exactSize    = 400
	probeCount   = 16
	lanczosSteps = 24
	probeSeed    = 1
)

// probed is one large component: Gauss rules for the spectral measures of its
// matrix, as the probes and the columns see it.
type probed struct {
	logdets []rule
	sides   []rule // of column a, of b, and of a + b·scale, by rows of the upper triangle
	scale   []float64
	columns int
}

// probe makes the rules of component c; O(marks).
func (m *model) probe(c int, experts, place, component []int, signal float64, columns [][]float64) probed {
	var inside []*pattern
	for i := range m.patterns {
		if component[m.patterns[i].experts[0]] == c {
			inside = append(inside, &m.patterns[i])
		}
	}
	product := func(out, x []float64) { // M·x
		for i, j := range experts {
			out[i] = m.expertN[j] * x[i]
		}
		for _, p := range inside {
			var sum float64
			for _, a := range p.experts {
				sum += x[place[a]]
			}
			sum *= shrink(signal, p.n) * p.members
			for _, a := range p.experts {
				out[place[a]] -= sum
			}
		}
	}
	out := probed{columns: len(columns)}
	random := chance.New(probeSeed)
	start := make([]float64, len(experts))
	for range probeCount {
		for i := range start {
			start[i] = random.Sign()
		}
		out.logdets = append(out.logdets, lanczos(product, start))
	}
	for a := range columns {
		for b := a; b < len(columns); b++ {
			scale := 1.0
			copy(start, columns[a])
			if a != b {
				if length := floats.Norm(columns[b], 2); length > 0 {
					scale = max(floats.Norm(columns[a], 2), 1e-300) / length
				}
				floats.AddScaled(start, scale, columns[b])
			}
			out.sides, out.scale = append(out.sides, lanczos(product, start)), append(out.scale, scale)
		}
	}
	return out
}

// lanczos is the Gauss rule of the matrix' spectral measure at a start vector,
// whose squared length the weights sum to.
func lanczos(product func(out, x []float64), start []float64) rule {
	length := floats.Norm(start, 2)
	if length == 0 {
		return rule{}
	}
	before, now, next := make([]float64, len(start)), make([]float64, len(start)), make([]float64, len(start))
	floats.ScaleTo(now, 1/length, start)
	var diagonal, off []float64
	for {
		product(next, now)
		diagonal = append(diagonal, floats.Dot(next, now))
		floats.AddScaled(next, -diagonal[len(diagonal)-1], now)
		if n := len(off); n > 0 {
			floats.AddScaled(next, -off[n-1], before)
		}
		norm := floats.Norm(next, 2)
		if len(diagonal) == lanczosSteps || norm < 1e-10*math.Abs(diagonal[0]) {
			break
		}
		off = append(off, norm)
		floats.Scale(1/norm, next)
		before, now, next = now, next, before
	}
	out := jacobi(diagonal, off)
	floats.Scale(length*length, out.w)
	return out
}

// add is block.add, with the Monte-Carlo variance of the log determinant.
func (p *probed) add(ratio float64, gram []float64) (logdet, noise float64) {
	var squares float64
	for _, r := range p.logdets {
		var one float64
		for i, x := range r.x {
			one += r.w[i] * math.Log1p(ratio*max(x, 0))
		}
		logdet += one / probeCount
		squares += one * one / probeCount
	}
	forms := make([]float64, len(p.sides))
	for i, r := range p.sides {
		for k, x := range r.x {
			forms[i] += r.w[k] * ratio / (1 + ratio*max(x, 0))
		}
	}
	at := 0
	own := func(a int) int { return a*p.columns - a*(a-1)/2 } // where column a meets itself
	for a := range p.columns {
		for b := a; b < p.columns; b++ {
			if a == b {
				gram[at] += forms[at]
			} else {
				s := p.scale[at]
				gram[at] += (forms[at] - forms[own(a)] - s*s*forms[own(b)]) / (2 * s)
			}
			at++
		}
	}
	return logdet, max(squares-logdet*logdet, 0) / (probeCount - 1)
}
