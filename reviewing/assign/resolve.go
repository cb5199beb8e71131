package assign

import (
	"cmp"
	"errors"
	"math/big"
	"slices"
)

// Repair is an assignment after refusals. Its certificate is of the task that
// Keeping gives; Bound is of the totals with as many seats kept.
type Repair struct {
	Result
	Kept, MostKept int // seats kept, and what no assignment exceeds; equal is proved
}

// repairing is the objective of a repair's certificate.
const repairing = "repair"

// ErrTooFine is that the worth of a kept pair would exceed MaxAffinity.
var ErrTooFine = errors.New("亲和度的有效数字太多，与项目数、席位数相乘超出范围，不能保证改动最少；请把亲和度四舍五入到较少的位数（如六位有效数字）再修补")

// Keeping is the task in which a pair that may stay is worth more than all
// affinities together: its greatest total keeps as many seats of an earlier
// assignment as can be kept, with the greatest affinity among those. Affinities
// are divided by grid, their greatest common divisor (1 of nothing), and worth
// is applications × seats × the greatest of them, + 1.
func (t *Task) Keeping(panels [][]int32) (kept *Task, worth, grid int64, err error) {
	most, size := int64(0), int64(0)
	for _, listed := range t.Listed {
		for _, p := range listed {
			most, grid = max(most, p.Affinity), gcd(grid, p.Affinity)
		}
	}
	for _, s := range t.Seats {
		size += int64(s.Count)
	}
	grid = max(grid, 1)
	most /= grid
	seats := int64(len(t.Applications)) * size
	if seats > (MaxAffinity-1)/(most+1)-1 {
		return nil, 0, 0, ErrTooFine
	}
	worth = seats*most + 1
	k := *t
	k.Listed = make([][]Pair, len(t.Listed))
	for i, listed := range t.Listed {
		panel := slices.Sorted(slices.Values(panels[i]))
		panel = slices.DeleteFunc(slices.Compact(panel), func(j int32) bool { return !t.allowed(i, j) })
		k.Listed[i] = make([]Pair, 0, len(listed)+len(panel))
		for _, p := range listed {
			for len(panel) > 0 && panel[0] < p.Expert {
				k.Listed[i], panel = append(k.Listed[i], Pair{panel[0], worth}), panel[1:]
			}
			p.Affinity /= grid
			if len(panel) > 0 && panel[0] == p.Expert {
				p.Affinity, panel = p.Affinity+worth, panel[1:]
			}
			k.Listed[i] = append(k.Listed[i], p)
		}
		for _, j := range panel {
			k.Listed[i] = append(k.Listed[i], Pair{j, worth})
		}
	}
	return &k, worth, grid, nil
}

// Resolve repairs an assignment after refusals with the fewest other changes,
// and the greatest total among those: errors as Solve's, or ErrTooFine. The task is the one as it is now: refused
// pairs barred, the limits of who withdrew lowered. The search begins where
// everything is kept, which makes it local.
func Resolve(t *Task, panels [][]int32, stop func() bool) (*Repair, error) {
	if err := t.valid(); err != nil {
		return nil, err
	}
	if stop == nil {
		stop = func() bool { return false }
	}
	kept, worth, grid, err := t.Keeping(panels)
	if err != nil {
		return nil, cmp.Or(compile(t).missing(), err)
	}
	m := compile(kept)
	if err := m.missing(); err != nil {
		return nil, err
	}
	m.tellApart()
	s := &search{model: m, stop: stop, flow: m.newFlow(make([]int64, m.m))}
	s.flow.adopt(m.stay(panels))
	s.explore(-1, empty, free)
	if s.err != nil {
		return nil, s.err
	}
	if s.best == nil {
		return nil, ErrStopped
	}
	claimed := m.result(repairing, s, nil)
	r := &Repair{Result: Result{Panels: claimed.Panels, certificate: claimed.certificate}}
	if r.Total, r.Minimum, err = Check(t, r.Panels); err != nil {
		return nil, err
	}
	for i, panel := range panels {
		for k, j := range panel {
			if slices.Contains(r.Panels[i], j) && !slices.Contains(panel[:k], j) {
				r.Kept++
			}
		}
	}
	r.MostKept = int(claimed.Bound.grid(worth, 1).int())
	bound := claimed.Bound.AddTimes(r.Kept, -worth).Big()
	r.Bound = sumOfBig(bound.Mul(bound, big.NewInt(grid)))
	return r, nil
}

// stay seats what an earlier assignment and the task allow.
func (m *model) stay(panels [][]int32) []int32 {
	kept := make([]int32, 0, m.n*m.size)
	for i, panel := range panels {
		seats := make([]int32, m.size)
		for at := range seats {
			seats[at] = empty
		}
		var pairs []int32
		seated, units := make([]int, len(m.Seats)), map[int32]int{}
		for k, j := range panel {
			q := m.pair(i, j)
			if q == empty || slices.Contains(panel[:k], j) {
				continue
			}
			c, u := m.class[j], m.unit[j]
			if seated[c] == m.Seats[c].Count || u >= 0 && units[u] == m.UnitCap {
				continue // the panel was never one of this task's
			}
			seated[c]++
			units[u]++
			pairs = append(pairs, q)
		}
		m.lay(seats, pairs)
		kept = append(kept, seats...)
	}
	return kept
}

// Changes counts the seats of an assignment that another has not.
func Changes(before, after [][]int32) (n int) {
	for i, panel := range before {
		for _, j := range panel {
			if !slices.Contains(after[i], j) {
				n++
			}
		}
	}
	return n
}
