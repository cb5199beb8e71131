package opinion

import (
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"

	"keping/reviewing/chance"
)

// quantiles of the rank that are reported.
var quantiles = [4]float64{0.05, 0.25, 0.75, 0.95}

// sampleRanks draws all effects jointly, o.Draws times over the nodes in
// proportion to their weights, and returns each class's quantiles: the smallest
// rank with at least that share of the draws at or below it. Exact ties pool
// their draws. O(draws · (A + W²)).
func (d *design) sampleRanks(p *posterior, o Options) [][4]int {
	random := chance.New(o.Seed)
	s := newSorter(len(d.applications))
	seen := make([][]uint32, len(d.classes)) // class → rank − 1 → draws
	for c := range seen {
		seen[c] = make([]uint32, len(d.applications))
	}
	var done int
	var share float64
	for at, n := range p.nodes {
		share += n.weight
		until := int(math.Floor(share*float64(o.Draws) + 0.5))
		if at == len(p.nodes)-1 {
			until = o.Draws
		}
		if until > done {
			d.given(n).draw(until-done, random, s, seen)
		}
		done = max(done, until)
		o.Progress(float64(done) / float64(o.Draws))
	}
	p.draws = o.Draws
	out := make([][4]int, len(d.classes))
	for c, counts := range seen {
		out[c] = ranksAt(counts, float64(o.Draws)*float64(d.classes[c].members))
	}
	return out
}

// ranksAt reads the quantiles off the counts of the ranks.
func ranksAt(counts []uint32, total float64) (out [4]int) {
	for k, q := range quantiles {
		var below float64
		for r, n := range counts {
			if below += float64(n); below >= q*total-1e-6 {
				out[k] = r + 1
				break
			}
		}
	}
	return out
}

// draw draws the effects times times at one node and counts the ranks seen,
// class → rank − 1.
func (g *given) draw(times int, random *chance.Stream, s *sorter, seen [][]uint32) {
	size := g.mean.Len()
	effects := make([]float64, size)
	var factor mat.TriDense
	g.chol.UTo(&factor)
	upper := factor.RawTriangular()
	spread, patternOf := make([]float64, len(g.patterns)), make([]int, len(g.class))
	for i, c := range g.class {
		patternOf[i] = g.classes[c].pattern
	}
	moved := make([]float64, len(g.patterns))
	for i, w := range g.shrunk {
		spread[i] = g.residual * math.Sqrt(w)
	}
	all := make([][]count, len(g.patterns))
	for i := range g.patterns {
		all[i] = g.patterns[i].seats(g.width)
	}
	for range times {
		for k := range size {
			effects[k] = random.Normal()
		}
		blas64.Trsv(blas.NoTrans, upper, blas64.Vector{N: size, Data: effects, Inc: 1}) // precision = UᵀU: U⁻¹·noise has its inverse as covariance
		for i := range g.patterns {
			moved[i] = 0
			for _, seat := range all[i] {
				moved[i] += seat.n * effects[seat.column]
			}
			moved[i] *= g.shrunk[i]
		}
		for i, c := range g.class {
			p := patternOf[i]
			s.values[i] = g.theta[c] - moved[p] + spread[p]*random.Normal()
		}
		s.sort()
		for rank, application := range s.order {
			seen[g.class[application]][rank]++
		}
	}
}

// sorter orders values, highest first, by buckets and then by insertion: the
// effects are spread evenly enough that this costs O(n).
type sorter struct {
	values        []float64
	order         []int32
	bucket, start []int32
}

func newSorter(n int) *sorter {
	return &sorter{make([]float64, n), make([]int32, n), make([]int32, n), make([]int32, 2*n)}
}

func (s *sorter) sort() {
	lo, hi := s.values[0], s.values[0]
	for _, v := range s.values {
		lo, hi = min(lo, v), max(hi, v)
	}
	scale := 0.0
	if hi-lo > 1e-300 {
		scale = float64(len(s.start)-1) / (hi - lo)
	}
	clear(s.start)
	for i, v := range s.values {
		b := int32((hi - v) * scale)
		s.bucket[i] = b
		s.start[b]++
	}
	var before int32
	for b, n := range s.start {
		s.start[b] = before
		before += n
	}
	for i, b := range s.bucket {
		s.order[s.start[b]] = int32(i)
		s.start[b]++
	}
	for i := 1; i < len(s.order); i++ {
		moving := s.order[i]
		v, k := s.values[moving], i
		for k > 0 && s.values[s.order[k-1]] < v {
			s.order[k] = s.order[k-1]
			k--
		}
		s.order[k] = moving
	}
}
