package opinion

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"

	"keping/reviewing/chance"
)

// Designs that would cost more than quadratureLimit are sampled. The unit is
// about a nanosecond of one processor.
const (
	quadratureLimit = 20e9
	nodesPlain      = 220 // of the scales, in all passes together
	nodesPanelled   = 1050
)

// tooLarge: the nodes' matrices and comparisons would cost too much.
func (d *design) tooLarge() bool {
	nodes := float64(nodesPlain)
	if d.panelled {
		nodes = nodesPanelled
	}
	size, classes, patterns := float64(d.width+len(d.extraZ)), float64(len(d.classes)), float64(len(d.patterns))
	return nodes*(2*size*size*size+3*classes*classes+patterns*patterns+patterns*size) > quadratureLimit
}

// The chain of a sampled design: as many draws as keptRanks allows, with thin
// sweeps for each, after a tenth as many that are thrown away.
const (
	keptRanks = 16_000_000 // ranks remembered, over draws and applications
	thin      = 4
	batches   = 32 // whose means tell the Monte-Carlo error
	gridSize  = 1024
)

// gibbs is one chain through the joint posterior of effects and scales, for
// designs whose matrices are too large: O(marks) a sweep. Panels are drawn with
// the applications integrated out, then applications, experts and scales, each
// given the rest (Geman and Geman 1984; scales by slices, Neal 2003).
type gibbs struct {
	*design
	*chance.Stream
	z                          []float64 // of each mark
	application, expert, panel []int32   // of each mark
	theta, nu, lambda          []float64
	tau, residual, tauPanel    float64
	centre                     []float64 // per application: E[θ | the rest]
	cells                      [][]cell  // per panel
	nuMean, nuVariance, sums   []float64 // scratch
}

// cell is the marks of one application in one panel.
type cell struct {
	application int
	n, rest     float64 // rest: Σ (z − ν − λ) over them
}

func newGibbs(d *design, seed uint64) *gibbs {
	r := d.scale.Range()
	g := &gibbs{
		design: d, Stream: chance.New(seed), tau: 0.2 * r, residual: 0.2 * r, tauPanel: 0.1 * r,
		theta: make([]float64, len(d.applications)), nu: make([]float64, d.width), lambda: make([]float64, len(d.extraZ)),
		centre: make([]float64, len(d.applications)), cells: make([][]cell, len(d.extraZ)),
		nuMean: make([]float64, d.width), nuVariance: make([]float64, d.width),
		sums: make([]float64, max(d.width, len(d.applications))),
	}
	d.ranges(func(i int, rows []Mark) {
		for _, m := range rows {
			j, _ := slices.BinarySearch(d.experts, m.Expert)
			k := 0
			if d.panelled {
				k, _ = slices.BinarySearch(d.panels, m.Panel)
				if n := len(g.cells[k]); n == 0 || g.cells[k][n-1].application != i {
					g.cells[k] = append(g.cells[k], cell{application: i})
				}
				g.cells[k][len(g.cells[k])-1].n++
			}
			g.z = append(g.z, m.Score-d.centre)
			g.application, g.expert, g.panel = append(g.application, int32(i)), append(g.expert, int32(j)), append(g.panel, int32(k))
		}
	})
	return g
}

// sweep draws everything once.
func (g *gibbs) sweep() {
	variance := g.residual * g.residual
	signal := g.tau * g.tau / variance
	rest := g.sums[:len(g.applications)] // Σ (z − ν − λ) per application
	clear(rest)
	at := make([]int, len(g.cells))
	for k := range g.cells {
		at[k] = -1
		for c := range g.cells[k] {
			g.cells[k][c].rest = 0
		}
	}
	for m, z := range g.z {
		x := z - g.nu[g.expert[m]]
		if g.panelled {
			k := g.panel[m]
			x -= g.lambda[k]
			if at[k] < 0 || g.cells[k][at[k]].application != int(g.application[m]) {
				at[k]++
			}
			g.cells[k][at[k]].rest += x
		}
		rest[g.application[m]] += x
	}
	for k, cells := range g.cells {
		precision, gradient := 1/(g.tauPanel*g.tauPanel), -g.lambda[k]/(g.tauPanel*g.tauPanel)
		for _, c := range cells {
			w := shrink(signal, float64(g.n[c.application]))
			precision += (c.n - w*c.n*c.n) / variance
			gradient += (c.rest - w*c.n*rest[c.application]) / variance
		}
		step := gradient/precision + g.Normal()/math.Sqrt(precision)
		g.lambda[k] += step
		for _, c := range cells {
			rest[c.application] -= c.n * step
		}
	}
	for i, x := range rest {
		w := shrink(signal, float64(g.n[i]))
		g.centre[i] = w * x
		g.theta[i] = g.centre[i] + g.residual*math.Sqrt(w)*g.Normal()
	}
	left := g.sums[:g.width] // Σ (z − θ − λ) per expert
	clear(left)
	for m, z := range g.z {
		x := z - g.theta[g.application[m]]
		if g.panelled {
			x -= g.lambda[g.panel[m]]
		}
		left[g.expert[m]] += x
	}
	prior := math.Pow(expertShare*g.scale.Range(), 2)
	for j, x := range left {
		g.nuVariance[j] = 1 / (g.expertN[j]/variance + 1/prior)
		g.nuMean[j] = g.nuVariance[j] * x / variance
		g.nu[j] = g.nuMean[j] + math.Sqrt(g.nuVariance[j])*g.Normal()
	}
	var squares float64
	for m, z := range g.z {
		x := z - g.theta[g.application[m]] - g.nu[g.expert[m]]
		if g.panelled {
			x -= g.lambda[g.panel[m]]
		}
		squares += x * x
	}
	g.drawScales(squares)
}

// drawScales draws τ, r and τλ given the effects and the marks' residual squares.
func (g *gibbs) drawScales(squares float64) {
	unit := g.scale.Range()
	corner := scaleShare * unit
	uniform := func(effects []float64) func(float64) float64 { // of log s, where s ~ U and the effects ~ N(0, s²)
		n, sum := float64(len(effects)), floats.Dot(effects, effects)
		return func(x float64) float64 { return x - n*x - sum/2*math.Exp(-2*x) }
	}
	least, most := math.Log(floorShare*unit), math.Log(corner)
	g.tau = math.Exp(g.slice(math.Log(g.tau), least, most, uniform(g.theta)))
	g.residual = math.Exp(g.slice(math.Log(g.residual), least, most+math.Ln2/2, func(x float64) float64 {
		angle := 0.0
		if x > most {
			angle = math.Acos(math.Exp(most - x))
		}
		return 2*x - float64(g.rows)*x - squares/2*math.Exp(-2*x) + math.Log(math.Pi/2-2*angle)
	}))
	if g.panelled {
		g.tauPanel = math.Exp(g.slice(math.Log(g.tauPanel), least, most, uniform(g.lambda)))
	}
}

// slice draws from the log density f on [lo, hi], leaving it in force from x,
// by stepping out and shrinking (Neal 2003).
func (g *gibbs) slice(x, lo, hi float64, f func(float64) float64) float64 {
	const width = 0.1
	level := f(x) + math.Log(g.Uniform())
	a := x - width*g.Uniform()
	b := a + width
	for a > lo && f(a) > level {
		a -= width
	}
	for b < hi && f(b) > level {
		b += width
	}
	for a, b = max(a, lo), min(b, hi); ; {
		y := a + (b-a)*g.Uniform()
		if f(y) > level {
			return y
		}
		if y < x {
			a = y
		} else {
			b = y
		}
	}
}

// expected adds each application's expected rank given all but its own effect:
// how many effects drawn lie above N(centre, r²·shrink). The count of effects
// above a grid's points is smoothed with that normal and read off linearly.
func (g *gibbs) expected(sorted []float64, into []float64) {
	lo, hi := sorted[len(sorted)-1], sorted[0]
	for _, x := range g.centre {
		lo, hi = min(lo, x), max(hi, x)
	}
	step := max((hi-lo)/(gridSize-1), 1e-300)
	above, at := make([]float64, gridSize), len(sorted)
	for i := range above {
		for at > 0 && sorted[at-1] <= lo+float64(i)*step {
			at--
		}
		above[i] = float64(at)
	}
	smoothed := map[int][]float64{}
	for i, x := range g.centre {
		n := g.n[i]
		spread := g.residual * math.Sqrt(shrink(g.tau*g.tau/(g.residual*g.residual), float64(n)))
		if smoothed[n] == nil {
			smoothed[n] = smooth(above, float64(len(sorted)), spread/step)
		}
		cell := min(int((x-lo)/step), gridSize-2)
		share := (x-lo)/step - float64(cell)
		into[i] += 1 + smoothed[n][cell]*(1-share) + smoothed[n][cell+1]*share - normal((g.theta[i]-x)/spread)
	}
}

// smooth convolves a falling count with a normal of so many steps; below the
// grid it is all, above it 0.
func smooth(count []float64, all, spread float64) []float64 {
	const far = 6
	radius := int(min(math.Ceil(far*spread), float64(len(count))))
	kernel := make([]float64, 2*radius+1)
	for d := range kernel {
		x := float64(d-radius) / spread
		kernel[d] = math.Exp(-x * x / 2)
	}
	floats.Scale(1/floats.Sum(kernel), kernel)
	padded := make([]float64, len(count)+2*radius)
	for i := range radius {
		padded[i] = all
	}
	copy(padded[radius:], count)
	out := make([]float64, len(count))
	for i := range out {
		out[i] = floats.Dot(kernel, padded[i:i+len(kernel)])
	}
	return out
}

// sampled runs the chain and returns the posterior and each class's quantiles.
func (d *design) sampled(o Options) (*posterior, [][4]int) {
	n := len(d.applications)
	draws := max(min(keptRanks/n, o.Draws)/batches, 1) * batches
	g, s := newGibbs(d, o.Seed), newSorter(n)
	ranks := make([]int32, draws*n) // by application, then draw
	means := make([][]float64, batches)
	for b := range means {
		means[b] = make([]float64, n)
	}
	p := &posterior{draws: draws, rank: make([]float64, len(d.classes)), effect: make([]moments, len(d.classes)), expert: make([]moments, d.width)}
	sorted := make([]float64, n)
	sweeps := thin * draws
	share := 1 / float64(sweeps)
	for at := -sweeps / 10; at < sweeps; at++ {
		g.sweep()
		if at < 0 {
			continue
		}
		copy(s.values, g.theta)
		s.sort()
		for rank, i := range s.order {
			sorted[rank] = g.theta[i]
			if at%thin == 0 {
				ranks[int(i)*draws+at/thin] = int32(rank + 1)
			}
		}
		g.expected(sorted, means[at*batches/sweeps])
		signal := g.tau * g.tau / (g.residual * g.residual)
		for i, x := range g.centre {
			c := d.class[i]
			p.effect[c].add(share/float64(d.classes[c].members), x, g.residual*g.residual*shrink(signal, float64(d.n[i])))
		}
		for j, x := range g.nuMean {
			p.expert[j].add(share, x, g.nuVariance[j])
		}
		p.nodes = append(p.nodes, node{signal: signal, residual: g.residual, panels: moments{g.tauPanel, g.tauPanel * g.tauPanel}, weight: share})
		o.Progress(float64(at+1) / float64(sweeps))
	}
	p.err = d.batchMeans(means, sweeps, p.rank)
	return p, d.quantilesOf(ranks, draws)
}

// batchMeans are the classes' expected ranks and their Monte-Carlo error.
func (d *design) batchMeans(means [][]float64, sweeps int, rank []float64) Error {
	out := Error{Method: "sampled"}
	batch := make([]float64, batches)
	for c, applications := range d.membersOf() {
		var mean, squares float64
		for b := range batch {
			batch[b] = 0
			for _, i := range applications {
				batch[b] += means[b][i] * batches / float64(sweeps*len(applications))
			}
			mean += batch[b] / batches
		}
		for _, x := range batch {
			squares += (x - mean) * (x - mean)
		}
		rank[c] = mean
		se := math.Sqrt(squares / (batches * (batches - 1)))
		out.MCMax = max(out.MCMax, se)
		out.MCMean += se * float64(len(applications)) / float64(len(d.applications))
	}
	return out
}

// quantilesOf pools the ranks drawn of each class and reads off the quantiles.
func (d *design) quantilesOf(ranks []int32, draws int) [][4]int {
	out := make([][4]int, len(d.classes))
	var all []int32
	for c, applications := range d.membersOf() {
		all = all[:0]
		for _, i := range applications {
			all = append(all, ranks[i*draws:(i+1)*draws]...)
		}
		slices.Sort(all)
		for k, q := range quantiles {
			out[c][k] = int(all[max(int(math.Ceil(q*float64(len(all))-1e-6)), 1)-1])
		}
	}
	return out
}

// membersOf are the applications of each class.
func (d *design) membersOf() [][]int {
	out := make([][]int, len(d.classes))
	for i, c := range d.class {
		out[c] = append(out[c], i)
	}
	return out
}
