package opinion

import (
	"math"
	"slices"
)

// Reliability is the REML fit of score ~ 1 + (1|application) + (1|expert) on
// the raw marks (Bates, Mächler, Bolker, Walker, "Fitting linear mixed-effects
// models using lme4", 2015): variances in squared units of the scale. What the
// marks do not determine is nil: with one mark, or all marks equal.
type Reliability struct {
	Panel       string   `json:"panel"` // "" over all
	Application *float64 `json:"var_application"`
	Expert      *float64 `json:"var_expert"`
	Residual    *float64 `json:"var_residual"`
	Criterion   *float64 `json:"criterion"`  // −2 log restricted likelihood, with (N−1)·log 2π and log|XᵀV⁻¹X|
	Single      *float64 `json:"icc_single"` // reliability of one mark
	Mean        *float64 `json:"icc_mean"`   // and of an application's mean
	Error       float64  `json:"criterion_mc_se,omitempty"`

	without float64 // criterion with no variance of experts
	marks   int
}

// Reliabilities fits each panel, where marks name panels, and all marks (last).
// With the variance of marks bounded below by (0.001R)², variances may be 0 at
// the boundary. O(Σ size³) for each of some thirty evaluations, size being the
// experts of one component.
func Reliabilities(marks []Mark, scale Scale) ([]Reliability, error) {
	d, err := newDesign(marks, scale)
	if err != nil {
		return nil, err
	}
	var out []Reliability
	if len(d.panels) > 1 || d.panels[0] != "" {
		by := map[string][]Mark{}
		for _, m := range d.marks {
			by[m.Panel] = append(by[m.Panel], m)
		}
		for _, panel := range d.panels {
			if panel == "" {
				continue // marks outside every panel count over all
			}
			one, err := newDesign(by[panel], scale)
			if err != nil {
				return nil, err
			}
			out = append(out, one.reliability(panel))
		}
	}
	return append(out, d.reliability("")), nil
}

// reliability minimises the criterion over the ratios of both variances to the
// residual one.
func (d *design) reliability(panel string) Reliability {
	out := Reliability{Panel: panel, marks: d.rows}
	if d.rows < 2 || d.constant() {
		return out
	}
	m := d.model
	m.panelsOut()
	f := &fit{model: m.withIntercept(), floor: math.Pow(floorShare*d.scale.Range(), 2)}
	signal, best := minimise(func(k float64) float64 { _, value := f.expert(k * k); return value })
	ratio, _ := f.expert(signal * signal)
	e := f.at(signal * signal).with(ratio * ratio)
	_, residual, _ := f.criterion(e)
	out.Error = math.Sqrt(e.noise)
	va, ve := signal*signal*residual, ratio*ratio*residual
	n := float64(d.rows) / float64(len(d.applications))
	single, mean := va/(va+ve+residual), va/(va+(ve+residual)/n)
	out.Application, out.Expert, out.Residual, out.Criterion, out.Single, out.Mean = &va, &ve, &residual, &best, &single, &mean
	_, out.without = minimise(func(k float64) float64 {
		value, _, _ := f.criterion(f.alone(k * k).with(0))
		return value
	})
	return out
}

// constant: all marks are equal.
func (d *design) constant() bool {
	return !slices.ContainsFunc(d.marks, func(m Mark) bool { return exact(m.Score) != exact(d.marks[0].Score) })
}

// panelsOut forgets the panels, which REML does not know; patterns that only
// their panels told apart may stay apart.
func (m *model) panelsOut() {
	m.extraZ, m.extraN, m.cross = nil, nil, nil
}

// fit is the restricted likelihood of one set of marks.
type fit struct {
	*model
	floor float64 // least residual variance
}

// expert minimises over the experts' deviation, in units of the residual one.
func (f *fit) expert(signal float64) (deviation, value float64) {
	s := f.at(signal)
	return minimise(func(x float64) float64 { value, _, _ := f.criterion(s.with(x * x)); return value })
}

// criterion is −2 log restricted likelihood at both ratios, with the residual
// variance that minimises it, and that variance.
func (f *fit) criterion(e *evidence) (value, residual, squares float64) {
	free := float64(f.rows - 1)
	squares = max(e.squares-e.sides[0]/e.values[0], 0)
	residual = max(squares/free, f.floor)
	return e.logdet + math.Log(e.values[0]) + free*math.Log(2*math.Pi*residual) + squares/residual, residual, squares
}

// minimise finds x ≥ 0 of the least f: on a geometric scan first, then by
// Brent's method in the best interval. Values that do not differ (by 1e-9) go
// to the smaller x, so that what the data cannot tell is 0.
func minimise(f func(float64) float64) (x, value float64) {
	scan := []float64{0}
	for k := 0.02; k < 1000; k *= 2 {
		scan = append(scan, k)
	}
	best, values := 0, make([]float64, len(scan))
	for i, k := range scan {
		if values[i] = f(k); values[i] < values[best]-1e-9 {
			best = i
		}
	}
	x, value = brent(f, scan[max(best-1, 0)], scan[best], scan[min(best+1, len(scan)-1)], values[best])
	if values[0] <= value+1e-9 {
		return 0, values[0]
	}
	return x, value
}

// brent is Brent's minimisation (1973) on [a, b] from x with f(x) = fx.
func brent(f func(float64) float64, a, x, b, fx float64) (float64, float64) {
	const golden = 0.3819660112501051
	w, v, fw, fv := x, x, fx, fx
	var step, last float64
	for range 60 {
		middle, tolerance := (a+b)/2, 1e-7*math.Abs(x)+1e-9
		if math.Abs(x-middle) <= 2*tolerance-(b-a)/2 {
			break
		}
		useGolden := true
		if math.Abs(last) > tolerance {
			r, q := (x-w)*(fx-fv), (x-v)*(fx-fw)
			p := (x-v)*q - (x-w)*r
			if q = 2 * (q - r); q > 0 {
				p = -p
			}
			q = math.Abs(q)
			before := last
			last = step
			if math.Abs(p) < math.Abs(q*before/2) && p > q*(a-x) && p < q*(b-x) {
				useGolden = false
				step = p / q
				if u := x + step; u-a < 2*tolerance || b-u < 2*tolerance {
					step = math.Copysign(tolerance, middle-x)
				}
			}
		}
		if useGolden {
			if last = b - x; x >= middle {
				last = a - x
			}
			step = golden * last
		}
		u := x + step
		if math.Abs(step) < tolerance {
			u = x + math.Copysign(tolerance, step)
		}
		fu := f(u)
		if fu <= fx {
			if u >= x {
				a = x
			} else {
				b = x
			}
			v, w, x, fv, fw, fx = w, x, u, fw, fx, fu
			continue
		}
		if u < x {
			a = u
		} else {
			b = u
		}
		if fu <= fw || w == x {
			v, w, fv, fw = w, u, fw, fu
		} else if fu <= fv || v == x || v == w {
			v, fv = u, fu
		}
	}
	return x, fx
}
