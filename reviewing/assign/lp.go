package assign

import (
	"math"
	"slices"
)

// lp is a linear programme: the greatest Σ cost·x with Ax + slack = b and
// x ≥ 0, by the revised simplex method with the whole inverse of the basis.
// Columns are added as they are found and costs may change between solutions;
// the right sides never do, so that every basis stays feasible. It works in
// floating point: what it proposes, prices and shares, is rounded and checked
// exactly by those who use it. Products are rounded before they are added
// (float64(…)), so that processors which could do both at once search alike.
type lp struct {
	b       []float64
	columns []column
	basis   []int32     // per row, its column
	in      []bool      // per column, whether it is in the basis
	inverse [][]float64 // of the basis
	x       []float64   // of the basis
	price   []float64   // per row, the multiplier
	pivots  int         // since the inverse was computed anew
	entry   []float64   // scratch: the entering column in terms of the basis
	filled  []int32     // scratch: where the pivot row is not nothing
}

// column is a variable: its cost and where it stands in the rows.
type column struct {
	cost float64
	row  []int32
	at   []float64 // nil: 1 everywhere
}

func (c *column) coefficient(k int) float64 {
	if c.at == nil {
		return 1
	}
	return c.at[k]
}

const (
	least   = 1e-12 // a smaller gain is taken for nothing
	tiny    = 1e-9  // and so is a smaller pivot
	stale   = 3000  // pivots after which the inverse is computed anew
	between = 16    // pivots between two looks at stop
)

// newLP starts with a slack in every row, of the given costs.
func newLP(b, slack []float64) *lp {
	l := &lp{b: b, price: make([]float64, len(b)), entry: make([]float64, len(b))}
	for r := range b {
		l.add(column{cost: slack[r], row: []int32{int32(r)}})
	}
	l.reset()
	l.reprice()
	return l
}

// reset makes the slacks the basis.
func (l *lp) reset() {
	l.basis, l.x, l.pivots = l.basis[:0], append(l.x[:0], l.b...), 0
	clear(l.in)
	for r := range l.b {
		l.basis = append(l.basis, int32(r))
		l.in[r] = true
		if len(l.inverse) <= r {
			l.inverse = append(l.inverse, make([]float64, len(l.b)))
		}
		clear(l.inverse[r])
		l.inverse[r][r] = 1
	}
}

// add a column.
func (l *lp) add(c column) int {
	l.columns = append(l.columns, c)
	l.in = append(l.in, false)
	return len(l.columns) - 1
}

// gain of a column at the prices.
func (l *lp) gain(c *column) float64 {
	g := c.cost
	for k, r := range c.row {
		g -= float64(l.price[r] * c.coefficient(k))
	}
	return g
}

// solve pivots until no column gains.
func (l *lp) solve(stop func() bool) {
	for n := 1; ; n++ {
		if l.pivots > stale {
			l.reinvert()
		}
		best, enter := least, -1
		for k := range l.columns {
			if !l.in[k] {
				if g := l.gain(&l.columns[k]); g > best {
					best, enter = g, k
				}
			}
		}
		if enter < 0 || n%between == 0 && stop() {
			return
		}
		l.express(enter)
		leave, nearest := -1, math.Inf(1)
		for r, e := range l.entry {
			if e > tiny {
				if ratio := max(0, l.x[r]) / e; ratio < nearest-1e-12 || ratio < nearest+1e-12 && e > l.entry[leave] {
					leave, nearest = r, ratio
				}
			}
		}
		if leave < 0 {
			return
		}
		l.pivot(leave, enter)
		for _, k := range l.filled {
			l.price[k] += float64(best * l.inverse[leave][k])
		}
	}
}

// value of the programme.
func (l *lp) value() (sum float64) {
	for r, k := range l.basis {
		sum += float64(l.columns[k].cost * l.x[r])
	}
	return sum
}

// express writes a column in terms of the basis.
func (l *lp) express(enter int) {
	c := &l.columns[enter]
	for r, row := range l.inverse {
		e := 0.0
		for k, at := range c.row {
			e += float64(row[at] * c.coefficient(k))
		}
		l.entry[r] = e
	}
}

// pivot puts the expressed column in place of a row's.
func (l *lp) pivot(leave, enter int) {
	row, by := l.inverse[leave], 1/l.entry[leave]
	l.filled = l.filled[:0]
	for k, y := range row {
		if y > 1e-14 || y < -1e-14 {
			row[k] = y * by
			l.filled = append(l.filled, int32(k))
		} else {
			row[k] = 0
		}
	}
	l.x[leave] *= by
	for r, other := range l.inverse {
		if e := l.entry[r]; r != leave && (e > 1e-13 || e < -1e-13) {
			for _, k := range l.filled {
				other[k] -= float64(e * row[k])
			}
			l.x[r] -= float64(e * l.x[leave])
		}
	}
	l.in[l.basis[leave]], l.in[enter] = false, true
	l.basis[leave] = int32(enter)
	l.pivots++
}

// reinvert computes the inverse of the basis anew, from the slacks.
func (l *lp) reinvert() {
	wanted := slices.Clone(l.basis)
	l.reset()
	open := make([]bool, len(l.b)) // rows whose slack must go
	for r := range open {
		open[r] = !slices.Contains(wanted, int32(r))
	}
	for _, k := range wanted {
		if int(k) < len(l.b) {
			continue
		}
		l.express(int(k))
		at := -1
		for r, e := range l.entry {
			if open[r] && (at < 0 || math.Abs(e) > math.Abs(l.entry[at])) {
				at = r
			}
		}
		if at >= 0 && math.Abs(l.entry[at]) > tiny {
			l.pivot(at, int(k))
			open[at] = false
		}
	}
	l.pivots = 0
	l.reprice()
}

// reprice computes the prices from the inverse, after costs have changed.
func (l *lp) reprice() {
	clear(l.price)
	for r, row := range l.inverse {
		if cost := l.columns[l.basis[r]].cost; cost != 0 {
			for k, y := range row {
				l.price[k] += float64(cost * y)
			}
		}
	}
}
