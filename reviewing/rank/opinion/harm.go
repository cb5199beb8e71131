package opinion

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
)

// HeldOut is the do-no-harm measure of a correction for severity. Within one
// expert's marks the severity of that expert moves nothing: their order is
// evidence of the applications' order that no correction has touched. So the
// experts are held out in turn, a tenth of them at a time; the severities of the
// others are estimated from the others' marks alone; and each pair of
// applications that an expert held out has told apart is looked up among the
// means of the others' marks, as given and corrected.
type HeldOut struct {
	Pairs     int     `json:"pairs" doc:"留出专家分出高下的项目对数"`
	Mean      float64 `json:"mean" doc:"其余专家的平均分与之同序的份额（相等计一半）"`
	Corrected float64 `json:"corrected" doc:"校正尺度后的平均分与之同序的份额"`
	Gain      float64 `json:"gain" doc:"校正使同序份额增加多少；为负则校正有害"`
}

const (
	folds    = 10
	compared = 500 // marks of an expert that each of them is compared with
)

// heldOut measures at the posterior means of the scales. O(folds · marks ·
// steps of the conjugate gradients + Σ over experts of marks · compared).
func (o *Opinion) heldOut() HeldOut {
	var out HeldOut
	var mean, corrected float64
	count := min(folds, len(o.Experts))
	for fold := range count {
		var rest, held []Mark
		for _, m := range o.marks {
			if j, _ := slices.BinarySearchFunc(o.Experts, m.Expert, func(e Expert, name string) int { return cmp.Compare(e.Name, name) }); j%count == fold {
				held = append(held, m)
			} else {
				rest = append(rest, m)
			}
		}
		if len(rest) == 0 {
			continue
		}
		d := arrange(rest, o.scale)
		means, better := d.mean, d.corrected(d.severities(o.scales()))
		slices.SortStableFunc(held, func(a, b Mark) int { return cmp.Compare(a.Expert, b.Expert) }) // the marks are by application
		for i, a := range held {
			x, known := slices.BinarySearch(d.applications, a.Application)
			for k := i + 1; known && k < min(len(held), i+1+compared) && held[k].Expert == a.Expert; k++ {
				y, known := slices.BinarySearch(d.applications, held[k].Application)
				if !known || exact(a.Score) == exact(held[k].Score) {
					continue
				}
				sign := math.Copysign(1, a.Score-held[k].Score)
				out.Pairs++
				mean += agreement(sign * (means[x] - means[y]))
				corrected += agreement(sign * (better[x] - better[y]))
			}
		}
	}
	if out.Pairs > 0 {
		out.Mean, out.Corrected = mean/float64(out.Pairs), corrected/float64(out.Pairs)
		out.Gain = (corrected - mean) / float64(out.Pairs)
	}
	return out
}

// agreement of a difference with the order it should have.
func agreement(difference float64) float64 {
	switch {
	case difference > same:
		return 1
	case difference < -same:
		return 0
	}
	return 0.5
}

// scales are the posterior means of the model's scales, as a node.
func (o *Opinion) scales() node {
	tau, residual := o.Hyper[0].Mean, o.Hyper[1].Mean
	n := node{signal: tau * tau / (residual * residual), residual: residual}
	if len(o.Hyper) > 2 {
		n.panel = o.Hyper[2].Mean
	}
	return n
}

// corrected are the applications' means as the gate offers them.
func (o *Opinion) corrected() map[string]float64 {
	d, severity := arrange(o.marks, o.scale), make([]float64, len(o.Experts))
	for j, e := range o.Experts {
		severity[j] = e.Severity
	}
	out := map[string]float64{}
	for i, mark := range d.corrected(severity) {
		out[d.applications[i]] = mark
	}
	return out
}

// corrected are the applications' means with every mark raised by its expert's
// severity.
func (d *design) corrected(severity []float64) []float64 {
	out := slices.Clone(d.mean)
	d.ranges(func(i int, rows []Mark) {
		for _, m := range rows {
			j, _ := slices.BinarySearch(d.experts, m.Expert)
			out[i] += severity[j] / float64(len(rows))
		}
	})
	return out
}

// severities are the experts' −E[ν] at one node of the scales: the mean that
// given solves for with a factor, by conjugate gradients, whose steps cost
// O(marks) however many experts there are (Hestenes and Stiefel 1952).
func (d *design) severities(n node) []float64 {
	size, variance := d.width+len(d.extraZ), n.residual*n.residual
	diagonal, side := make([]float64, size), make([]float64, size)
	expert := expertShare * d.scale.Range()
	for j := range d.width {
		diagonal[j], side[j] = d.expertN[j]+variance/(expert*expert), d.expertZ[j]
	}
	for k, z := range d.extraZ {
		diagonal[d.width+k], side[d.width+k] = d.extraN[k][k]+1/max(n.panel*n.panel/variance, 1e-12), z
	}
	seats, weight := make([][]count, len(d.patterns)), make([]float64, len(d.patterns))
	for i := range d.patterns {
		p := &d.patterns[i]
		seats[i], weight[i] = p.seats(d.width), shrink(n.signal, p.n)
		for _, s := range seats[i] {
			side[s.column] -= weight[i] * p.total * s.n
		}
	}
	product := func(out, x []float64) {
		for c := range out {
			out[c] = diagonal[c] * x[c]
		}
		for j := range d.cross {
			for _, c := range d.cross[j] {
				out[j] += c.n * x[d.width+c.column]
				out[d.width+c.column] += c.n * x[j]
			}
		}
		for i, columns := range seats {
			var sum float64
			for _, s := range columns {
				sum += s.n * x[s.column]
			}
			sum *= weight[i] * d.patterns[i].members
			for _, s := range columns {
				out[s.column] -= sum * s.n
			}
		}
	}
	effect, left := make([]float64, size), side
	scaled, step, turned := make([]float64, size), make([]float64, size), make([]float64, size)
	floats.DivTo(scaled, left, diagonal)
	copy(step, scaled)
	length := floats.Dot(left, scaled)
	first := length
	for at := 0; length > 1e-24*first && at < 4*size; at++ {
		product(turned, step)
		curve := floats.Dot(step, turned)
		if !(curve > 0) { // nothing but rounding is left
			break
		}
		floats.AddScaled(effect, length/curve, step)
		floats.AddScaled(left, -length/curve, turned)
		floats.DivTo(scaled, left, diagonal)
		before := length
		length = floats.Dot(left, scaled)
		floats.AddScaledTo(step, scaled, length/before, step)
	}
	severity := effect[:d.width]
	floats.Scale(-1, severity)
	return severity
}
