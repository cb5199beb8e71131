package opinion

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// model is what the likelihood needs of the marks: sums by pattern, expert and
// extra column (the panels of the ranking, or the intercept of REML).
type model struct {
	width    int // experts
	exact    int // components of more experts are probed
	rows     int // marks
	patterns []pattern
	squares  float64 // Σ z²

	expertN, expertZ []float64
	extraN           [][]float64 // cross products of the extra columns
	extraZ           []float64
	cross            [][]count // marks of each expert on the extra columns

	components [][]int // experts joined by common applications
}

// widen gives the model its extra columns.
func (m *model) widen(columns int) {
	m.extraZ = make([]float64, columns)
	m.extraN = make([][]float64, columns)
	for k := range m.extraN {
		m.extraN[k] = make([]float64, columns)
	}
	m.cross = make([][]count, m.width)
}

// withIntercept is the same marks with the intercept as only extra column.
func (m *model) withIntercept() *model {
	out := *m
	out.widen(1)
	out.extraN[0][0] = float64(m.rows)
	out.patterns = slices.Clone(m.patterns)
	for i := range out.patterns {
		out.patterns[i].extra = []count{{0, out.patterns[i].n}}
	}
	for j, z := range m.expertZ {
		out.extraZ[0] += z
		out.cross[j] = []count{{0, m.expertN[j]}}
	}
	return &out
}

// connect finds the components: experts no chain of applications joins do not
// meet in the likelihood, and each component has a small matrix of its own.
func (m *model) connect() {
	parent := make([]int, m.width)
	for j := range parent {
		parent[j] = j
	}
	find := func(j int) int {
		for parent[j] != j {
			parent[j] = parent[parent[j]]
			j = parent[j]
		}
		return j
	}
	for _, p := range m.patterns {
		for _, j := range p.experts[1:] {
			a, b := find(p.experts[0]), find(j)
			parent[max(a, b)] = min(a, b)
		}
	}
	at := make([]int, m.width)
	m.components = nil
	for j := range parent {
		root := find(j)
		if root == j {
			at[j] = len(m.components)
			m.components = append(m.components, nil)
		}
		m.components[at[root]] = append(m.components[at[root]], j)
	}
}

// shrink is the weight an application of n marks leaves to its own effect when
// τ²/r² = signal: the marks' residual projection is I − AAᵀ·shrink.
func shrink(signal, n float64) float64 { return signal / (1 + signal*n) }

// spectrum is the likelihood at one ratio τ²/r², with the applications
// eliminated and the experts' matrix M = Bᵀ(I − A·shrink·Aᵀ)B tridiagonal, so
// that any ratio of the experts' variance to r² costs O(experts).
type spectrum struct {
	logdet  float64 // log|I + signal·AAᵀ|
	squares float64 // zᵀ(I − A·shrink·Aᵀ)z
	blocks  []block
	probed  []probed
	extraN  *mat.SymDense // nil without extra columns
	extraZ  []float64
}

// block is one component's tridiagonal matrix and, in its basis, the column of
// the marks and the extra columns.
type block struct {
	diagonal, off []float64
	columns       [][]float64
}

// at builds the spectrum; O(Σ size³) over the components, O(marks) for those
// of more than exact experts.
func (m *model) at(signal float64) *spectrum {
	s := m.alone(signal)
	extras := len(m.extraZ)
	place, component := make([]int, m.width), make([]int, m.width)
	matrices := make([][]float64, len(m.components))
	columns := make([][][]float64, len(m.components))
	for c, experts := range m.components {
		size := len(experts)
		if size <= m.exact {
			matrices[c] = make([]float64, size*size)
		}
		columns[c] = make([][]float64, 1+extras)
		for k := range columns[c] {
			columns[c][k] = make([]float64, size)
		}
		for i, j := range experts {
			place[j], component[j] = i, c
			if size <= m.exact {
				matrices[c][i*size+i] = m.expertN[j]
			}
			columns[c][0][i] = m.expertZ[j]
			if extras > 0 {
				for _, x := range m.cross[j] {
					columns[c][1+x.column][i] = x.n
				}
			}
		}
	}
	for _, p := range m.patterns {
		g := shrink(signal, p.n)
		c := component[p.experts[0]]
		size := len(m.components[c])
		for _, a := range p.experts {
			if size <= m.exact {
				row := matrices[c][place[a]*size:][:size]
				for _, b := range p.experts {
					row[place[b]] -= g * p.members
				}
			}
			columns[c][0][place[a]] -= g * p.total
			for _, x := range p.extra {
				columns[c][1+x.column][place[a]] -= g * p.members * x.n
			}
		}
	}
	for c, experts := range m.components {
		if len(experts) > m.exact {
			s.probed = append(s.probed, m.probe(c, experts, place, component, signal, columns[c]))
			continue
		}
		diagonal, off := tridiagonal(matrices[c], columns[c])
		s.blocks = append(s.blocks, block{diagonal, off, columns[c]})
	}
	return s
}

// alone is the spectrum of a model without experts.
func (m *model) alone(signal float64) *spectrum {
	s := &spectrum{squares: m.squares, extraZ: slices.Clone(m.extraZ)}
	extras := len(m.extraZ)
	if extras > 0 {
		s.extraN = mat.NewSymDense(extras, nil)
		for a := range extras {
			for b := a; b < extras; b++ {
				s.extraN.SetSym(a, b, m.extraN[a][b])
			}
		}
	}
	for _, p := range m.patterns {
		g := shrink(signal, p.n)
		s.logdet += p.members * math.Log1p(signal*p.n)
		s.squares -= g * p.squares
		for _, x := range p.extra {
			s.extraZ[x.column] -= g * p.total * x.n
			for _, y := range p.extra {
				if y.column >= x.column {
					s.extraN.SetSym(x.column, y.column, s.extraN.At(x.column, y.column)-g*p.members*x.n*y.n)
				}
			}
		}
	}
	return s
}

// tridiagonal reduces the symmetric matrix a (overwritten) by Householder
// reflections and turns the columns with it; O(n³).
func tridiagonal(a []float64, columns [][]float64) (diagonal, off []float64) {
	n := len(columns[0])
	row := func(i int) []float64 { return a[i*n : (i+1)*n] }
	diagonal, off = make([]float64, n), make([]float64, max(n-1, 0))
	v, q := make([]float64, n), make([]float64, n)
	for k := range n - 2 {
		below := v[k+1:]
		copy(below, row(k)[k+1:])
		norm := floats.Norm(below, 2)
		if below[0] > 0 {
			norm = -norm
		}
		off[k] = norm
		below[0] -= norm
		length := floats.Dot(below, below)
		if length == 0 {
			continue
		}
		for _, column := range columns {
			floats.AddScaled(column[k+1:], -2*floats.Dot(below, column[k+1:])/length, below)
		}
		for i := k + 1; i < n; i++ {
			q[i] = 2 * floats.Dot(row(i)[k+1:], below) / length
		}
		floats.AddScaled(q[k+1:], -floats.Dot(below, q[k+1:])/length, below)
		for i := k + 1; i < n; i++ {
			floats.AddScaled(row(i)[k+1:], -v[i], q[k+1:])
			floats.AddScaled(row(i)[k+1:], -q[i], below)
		}
	}
	for i := range n {
		diagonal[i] = row(i)[i]
	}
	if n > 1 {
		off[n-2] = row(n - 1)[n-2]
	}
	return diagonal, off
}

// add adds log|I + ratio·T| to the sum and the columns' products
// columnᵀ·ratio(I + ratio·T)⁻¹·column to gram, the upper triangle by rows.
func (b *block) add(ratio float64, gram []float64) (logdet float64) {
	k := len(b.columns)
	y := make([]float64, k)
	product := 1.0
	var pivot, factor float64
	for i, t := range b.diagonal {
		if i == 0 {
			pivot, factor = 1+ratio*t, 0
		} else {
			next := ratio * b.off[i-1]
			factor = next / pivot
			pivot = 1 + ratio*t - next*factor
		}
		pivot = max(pivot, 1) // T is not negative; this is rounding
		if product *= pivot; product > 1e200 {
			logdet += math.Log(product)
			product = 1
		}
		for c, column := range b.columns {
			y[c] = column[i] - factor*y[c]
		}
		w, at := ratio/pivot, 0
		for c := range k {
			for e := c; e < k; e++ {
				gram[at] += w * y[c] * y[e]
				at++
			}
		}
	}
	return logdet + math.Log(product)
}

// evidence is the likelihood at one pair of ratios, with the extra columns'
// matrix diagonal, so that any ratio of the panels' variance costs O(panels).
type evidence struct {
	logdet  float64   // log|I + signal·AAᵀ + ratio·BBᵀ|
	noise   float64   // Monte-Carlo variance of logdet
	squares float64   // zᵀ(…)⁻¹z
	values  []float64 // eigenvalues of the extra columns' matrix
	sides   []float64 // squared projections of the marks on its eigenvectors
}

// with gives the experts their variance, ratio = s²/r².
func (s *spectrum) with(ratio float64) *evidence {
	extras := len(s.extraZ)
	gram := make([]float64, (extras+1)*(extras+2)/2)
	e := &evidence{logdet: s.logdet}
	for i := range s.blocks {
		e.logdet += s.blocks[i].add(ratio, gram)
	}
	for i := range s.probed {
		logdet, noise := s.probed[i].add(ratio, gram)
		e.logdet, e.noise = e.logdet+logdet, e.noise+noise
	}
	e.squares = max(s.squares-gram[0], 0)
	if extras == 0 {
		return e
	}
	z := mat.NewVecDense(extras, nil)
	k := mat.NewSymDense(extras, nil)
	at := extras + 1
	for a := range extras {
		z.SetVec(a, s.extraZ[a]-gram[1+a])
		for b := a; b < extras; b++ {
			k.SetSym(a, b, s.extraN.At(a, b)-gram[at])
			at++
		}
	}
	if extras == 1 {
		e.values, e.sides = []float64{max(k.At(0, 0), 0)}, []float64{z.AtVec(0) * z.AtVec(0)}
		return e
	}
	var eigen mat.EigenSym
	eigen.Factorize(k, true)
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)
	var sides mat.VecDense
	sides.MulVec(vectors.T(), z)
	for i, v := range eigen.Values(nil) {
		e.values = append(e.values, max(v, 0))
		e.sides = append(e.sides, sides.AtVec(i)*sides.AtVec(i))
	}
	return e
}

// log is −2 log likelihood without the constant N·log 2π, for residual
// variance r² and ratio = τλ²/r² of the extra columns.
func (e *evidence) log(rows int, variance, ratio float64) float64 {
	logdet, squares := e.logdet, e.squares
	for i, v := range e.values {
		logdet += math.Log1p(ratio * v)
		squares -= e.sides[i] * ratio / (1 + ratio*v)
	}
	return float64(rows)*math.Log(variance) + logdet + max(squares, 0)/variance
}
