package opinion

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// rule is a quadrature rule: points and weights, or points and the logarithms
// of weight × density.
type rule struct{ x, w []float64 }

// legendre is the Gauss–Legendre rule of n points on [0, 1].
func legendre(n int) rule {
	r := rule{make([]float64, n), make([]float64, n)}
	for i := range n {
		x := math.Cos(math.Pi * (float64(i) + 0.75) / (float64(n) + 0.5))
		var slope float64
		for range 100 {
			p, before := 1.0, 0.0
			for k := range n {
				p, before = (float64(2*k+1)*x*p-float64(k)*before)/float64(k+1), p
			}
			slope = float64(n) * (x*p - before) / (x*x - 1)
			step := p / slope
			if x -= step; math.Abs(step) < 1e-15 {
				break
			}
		}
		r.x[n-1-i] = (1 + x) / 2
		r.w[n-1-i] = 1 / ((1 - x*x) * slope * slope)
	}
	return r
}

// gauss is the Gauss rule of at most n points for the measure with log masses
// r.w at r.x (Golub and Welsch 1969): it integrates polynomials of degree 2n−1
// as the measure itself does, so that few points carry what costs much. The
// weights sum to 1.
func gauss(r rule, n int) rule {
	total := floats.LogSumExp(r.w)
	root := make([]float64, len(r.x)) // the first vector: √mass
	for i, w := range r.w {
		root[i] = math.Exp((w - total) / 2)
	}
	n = min(n, len(r.x))
	var diagonal, off []float64
	basis := [][]float64{root}
	for len(diagonal) < n {
		last := basis[len(basis)-1]
		next := make([]float64, len(last))
		floats.MulTo(next, r.x, last)
		diagonal = append(diagonal, floats.Dot(next, last))
		for range 2 { // twice is enough to stay orthogonal
			for _, b := range basis {
				floats.AddScaled(next, -floats.Dot(next, b), b)
			}
		}
		norm := floats.Norm(next, 2)
		if norm < 1e-13*floats.Max(r.x) || norm < 1e-300 || len(diagonal) == n {
			break
		}
		off = append(off, norm)
		floats.Scale(1/norm, next)
		basis = append(basis, next)
	}
	return jacobi(diagonal, off)
}

// jacobi is the Gauss rule whose orthogonal polynomials have this recurrence.
func jacobi(diagonal, off []float64) (out rule) {
	n := len(diagonal)
	if n == 1 {
		return rule{diagonal, []float64{1}}
	}
	matrix := mat.NewSymDense(n, nil)
	for i, a := range diagonal {
		matrix.SetSym(i, i, a)
		if i+1 < n {
			matrix.SetSym(i, i+1, off[i])
		}
	}
	var eigen mat.EigenSym
	eigen.Factorize(matrix, true)
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)
	out = rule{x: eigen.Values(nil)}
	for i := range n {
		out.w = append(out.w, vectors.At(0, i)*vectors.At(0, i))
	}
	return out
}

// drop is how far below its maximum a log density is cut off: e⁻³⁰ ≈ 1e-13.
const drop = 30

// support is the stretch of [scan[0], scan[last]] on which the log density f is
// within drop of its maximum; scan are the first points to try, and between
// two of them f has at most one maximum worth finding.
func support(f func(float64) float64, scan []float64) (lo, hi float64) {
	type point struct{ x, y float64 }
	var tried []point
	try := func(x float64) float64 {
		y := f(x)
		if math.IsNaN(y) {
			y = math.Inf(-1)
		}
		tried = append(tried, point{x, y})
		return y
	}
	best := 0
	for i, x := range scan {
		if try(x) > tried[best].y {
			best = i
		}
	}
	a, b := scan[max(best-1, 0)], scan[min(best+1, len(scan)-1)]
	golden := (math.Sqrt(5) - 1) / 2
	c, e := b-golden*(b-a), a+golden*(b-a)
	fc, fe := try(c), try(e)
	for range 16 {
		if fc > fe {
			b, e, fe = e, c, fc
			c = b - golden*(b-a)
			fc = try(c)
		} else {
			a, c, fc = c, e, fe
			e = a + golden*(b-a)
			fe = try(e)
		}
	}
	slices.SortFunc(tried, func(p, q point) int {
		if p.x < q.x {
			return -1
		} else if p.x > q.x {
			return 1
		}
		return 0
	})
	top := slices.MaxFunc(tried, func(p, q point) int {
		if p.y < q.y {
			return -1
		} else if p.y > q.y {
			return 1
		}
		return 0
	}).y
	within := func(p point) bool { return p.y >= top-drop }
	edge := func(out, in float64) float64 {
		for range 6 {
			if middle := (out + in) / 2; f(middle) >= top-drop {
				in = middle
			} else {
				out = middle
			}
		}
		return out
	}
	first := slices.IndexFunc(tried, within)
	lo, hi = tried[first].x, 0
	if first > 0 {
		lo = edge(tried[first-1].x, lo)
	}
	last := len(tried) - 1
	for !within(tried[last]) {
		last--
	}
	if hi = tried[last].x; last+1 < len(tried) {
		hi = edge(tried[last+1].x, hi)
	}
	return lo, hi
}

// normal is Φ, from a table of Φ and its density in steps of 1/64 with a Taylor
// series to the fifth order; its error is below 1e-12.
func normal(x float64) float64 {
	if x >= tableEnd {
		return 1
	}
	if x <= -tableEnd {
		return 0
	}
	at := math.Floor(x*tableStep + 0.5)
	i := int(at) + tableEnd*tableStep
	a, h := at/tableStep, 0.0
	h = x - a
	return phi[i].p + phi[i].d*h*(1-h*(a/2-h*((a*a-1)/6-h*(a*(a*a-3)/24-h*(a*a*(a*a-6)+3)/120))))
}

const (
	tableEnd  = 8 // Φ(−8) < 1e-15
	tableStep = 64
)

// phi holds Φ and its density.
var phi = func() (t [2*tableEnd*tableStep + 1]struct{ p, d float64 }) {
	for i := range t {
		x := float64(i)/tableStep - tableEnd
		t[i].p = math.Erfc(-x/math.Sqrt2) / 2
		t[i].d = math.Exp(-x*x/2) / math.Sqrt(2*math.Pi)
	}
	return t
}()
