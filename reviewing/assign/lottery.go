package assign

import (
	"encoding/csv"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strconv"

	"keping/rbac/journal"
)

// Lottery is a capped random assignment (Jecmen et al. 2020): probabilities of
// the pairs, none above a cap, of the greatest expected affinity, and one
// assignment sampled with exactly these probabilities that keeps every rule.
//
// Probabilities are a flow of least cost from an application's classes through
// their units to the experts, in whole parts of the cap's denominator. Sampling
// walks round cycles of arcs that are no whole number (the decomposition of
// Budish, Che, Kojima and Milgrom 2013): each is rounded one way or the other by
// a coin that leaves all expectations as they are, until no arc is in part. The
// coins are H("lottery\n" + seed + "\n" + counter) as a number, modulo the sum
// of both ways; the counter begins at 0.
type Lottery struct {
	Panels        [][]int32
	Bound         Sum      // no assignment, drawn or not, has a greater total
	expected      *big.Rat // affinity, in units of 1e-9
	task          *Task
	probabilities []probability
	whole         int64
}

type probability struct {
	application int
	expert      int32
	parts       int64
}

// Draw solves and samples. The cap is of 1e-9, above 0 and at most 1. Where no
// probabilities keep rules and cap the error is an Infeasible; it is one too
// where several classes cross a unit cap, which no sampling keeps. Time is that
// of a flow of least cost, and of one walk for each pair in part.
func Draw(t *Task, cap int64, seed string, stop func() bool) (*Lottery, error) {
	best, err := Solve(t, Options{Stop: stop})
	if err != nil {
		return nil, err
	}
	m := compile(t)
	if err := m.laminar(); err != nil {
		return nil, err
	}
	g := gcd(cap, Unit)
	f := &shares{model: m, most: cap / g, whole: Unit / g, unitCap: int64(min(t.UnitCap, m.size))}
	if err := f.reachable(); err != nil {
		return nil, err
	}
	f.build()
	if !f.solve() {
		return nil, &Infeasible{Reason: fmt.Sprintf("每对概率不超过%s时没有可行的抽签：专家的上限合起来不够分散，请提高 --max-probability", Decimal(big.NewInt(cap)))}
	}
	l := &Lottery{task: t, Bound: best.Bound, expected: new(big.Rat), whole: f.whole}
	for q := range f.expert {
		if x := f.flow[f.pairs+q]; x > 0 {
			l.probabilities = append(l.probabilities, probability{int(f.owner[q]), f.expert[q], x})
			value := new(big.Int).Mul(big.NewInt(x), big.NewInt(f.value[q]))
			l.expected.Add(l.expected, new(big.Rat).SetFrac(value, big.NewInt(f.whole)))
		}
	}
	f.sample(seed)
	l.Panels = make([][]int32, m.n)
	for q := range f.expert {
		if f.flow[f.pairs+q] == f.whole {
			l.Panels[f.owner[q]] = append(l.Panels[f.owner[q]], f.expert[q])
		}
	}
	for _, panel := range l.Panels {
		slices.Sort(panel)
	}
	_, _, err = Check(t, l.Panels)
	return l, err
}

// Expectation is the expected affinity, rounded down to 1e-9.
func (l *Lottery) Expectation() string {
	return Decimal(new(big.Int).Quo(l.expected.Num(), l.expected.Denom()))
}

// Share of the greatest total that the expectation is, in per cent.
func (l *Lottery) Share() float64 {
	if l.Bound == (Sum{}) {
		return 100
	}
	x, _ := new(big.Rat).Quo(l.expected, new(big.Rat).SetInt(l.Bound.Big())).Float64()
	return 100 * x
}

// WriteMarginals writes P.csv: application,expert,probability.
func (l *Lottery) WriteMarginals(w io.Writer) error {
	slices.SortFunc(l.probabilities, func(a, b probability) int {
		if a.application != b.application {
			return a.application - b.application
		}
		return int(a.expert - b.expert)
	})
	out := csv.NewWriter(w)
	if err := out.Write([]string{"application", "expert", "probability"}); err != nil {
		return err
	}
	for _, p := range l.probabilities {
		if err := out.Write([]string{l.task.Applications[p.application], l.task.Experts[p.expert].Name, Decimal(big.NewInt(p.parts * (Unit / l.whole)))}); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// laminar refuses units that cross classes: their rules together admit no
// lottery that keeps every one of them in every sample.
func (m *model) laminar() error {
	class := map[int32]int32{}
	for j, u := range m.unit {
		c := m.class[j]
		if u < 0 || c < 0 || m.UnitCap >= m.size {
			continue
		}
		if other, known := class[u]; known && other != c {
			return &Infeasible{Reason: fmt.Sprintf("单位%s的专家分属%s、%s两类：席位分类别而同一单位至多%d人，两种规则交叉，没有每次抽签都守住全部规则的概率；请改用不抽签的指派，或不限单位",
				m.Experts[j].Unit, m.Seats[other].Class, m.Seats[c].Class, m.UnitCap)}
		}
		class[u] = c
	}
	return nil
}

// shares are the probabilities as a flow, in parts of which whole make 1.
type shares struct {
	*model
	network
	most, whole int64
	unitCap     int64 // no more than the seats of an application, so that no product overflows
	pairs       int   // the first arc of a pair; arcs before it lead from classes to units, after it from experts on
}

// reachable tells which application has too few candidates under the cap.
func (f *shares) reachable() error {
	for i := range f.n {
		for class, s := range f.Seats {
			from, to := f.of(i, class)
			parts, units := int64(0), map[int32]int64{}
			for q := from; q < to; q++ {
				if u := f.unit[f.expert[q]]; u >= 0 {
					units[u] += f.most
				} else {
					parts += f.most
				}
			}
			for _, x := range units {
				parts += min(x, f.unitCap*f.whole)
			}
			if parts < int64(s.Count)*f.whole {
				return &Infeasible{Reason: fmt.Sprintf("项目%s的%s需%d人，可用%d人，每人概率不超过%s时合计至多%s人；请提高 --max-probability 或增加可用的专家",
					f.Applications[i], label(s.Class), s.Count, to-from, f.decimal(f.most), f.decimal(parts)), Applications: []string{f.Applications[i]}}
			}
		}
	}
	return nil
}

func (f *shares) decimal(parts int64) string { return Decimal(big.NewInt(parts * (Unit / f.whole))) }

// build lays out the network: a node per application and class, per unit of
// these, and per expert, and one for places nobody takes.
func (f *shares) build() {
	classes := len(f.Seats)
	unitNode := map[[2]int32]int32{} // application and class, unit
	for i := range f.n {
		for class, s := range f.Seats {
			f.supply = append(f.supply, int64(s.Count)*f.whole)
			from, to := f.of(i, class)
			for q := from; q < to; q++ {
				key := [2]int32{int32(i*classes + class), f.unit[f.expert[q]]}
				if _, known := unitNode[key]; key[1] >= 0 && !known {
					unitNode[key] = int32(len(unitNode))
				}
			}
		}
	}
	base := int32(len(f.supply))
	f.supply = append(f.supply, make([]int64, len(unitNode))...)
	for i := range f.n {
		for class := range f.Seats {
			seen := map[int32]bool{}
			for q, to := f.of(i, class); q < to; q++ {
				if u := f.unit[f.expert[q]]; u >= 0 && !seen[u] {
					seen[u] = true
					node := int32(i*classes + class)
					f.arc(node, base+unitNode[[2]int32{node, u}], f.unitCap*f.whole, 0)
				}
			}
		}
	}
	experts := int32(len(f.supply))
	f.supply = append(f.supply, make([]int64, f.m+1)...)
	sink := experts + int32(f.m)
	f.pairs = len(f.from)
	for q, j := range f.expert {
		node := f.owner[q]*int32(classes) + f.class[j]
		if u := f.unit[j]; u >= 0 {
			node = base + unitNode[[2]int32{node, u}]
		}
		f.arc(node, experts+j, f.most, -f.value[q])
	}
	for j := range f.m {
		f.arc(experts+int32(j), sink, int64(min(f.load[j], f.n))*f.whole, 0)
	}
	f.supply[sink] = -int64(f.n) * int64(f.size) * f.whole
}

// sample rounds every arc that is in part.
func (f *shares) sample(seed string) {
	arcs := f.pairs + len(f.expert) + f.m
	near := make([][]int32, len(f.supply)) // arcs in part per node
	for e := range arcs {
		if f.flow[e]%f.whole != 0 {
			near[f.from[e]] = append(near[f.from[e]], int32(e))
			near[f.to[e]] = append(near[f.to[e]], int32(e))
		}
	}
	counter := 0
	coin := func(n *big.Int) *big.Int {
		x, _ := new(big.Int).SetString(journal.Hash("lottery\n"+seed+"\n"+strconv.Itoa(counter)), 16)
		counter++
		return x.Mod(x, n)
	}
	at := make([]int, len(f.supply)) // where a node stands on the walk, from 1
	for start := range near {
		for f.part(near, int32(start)) >= 0 {
			var nodes, walk []int32
			u, came := int32(start), int32(-1)
			for at[u] == 0 {
				nodes = append(nodes, u)
				at[u] = len(nodes)
				e := f.another(near, u, came)
				if e < 0 {
					return // the panels fail Check
				}
				walk = append(walk, e)
				u, came = f.from[e]+f.to[e]-u, e
			}
			begin := at[u] - 1
			for _, v := range nodes {
				at[v] = 0
			}
			f.turn(nodes[begin:], walk[begin:], coin)
		}
	}
}

// part is an arc of a node that is in part, −1 if there is none; arcs that have
// become whole are taken from the list.
func (f *shares) part(near [][]int32, u int32) int32 {
	for list := near[u]; len(list) > 0; list = list[:len(list)-1] {
		near[u] = list
		if e := list[len(list)-1]; f.flow[e]%f.whole != 0 {
			return e
		}
	}
	near[u] = nil
	return -1
}

// another arc of a node in part than the one the walk came by, −1 if there is
// none: as the sum of a node's arcs is whole, there are always two.
func (f *shares) another(near [][]int32, u, came int32) int32 {
	for k := len(near[u]) - 1; k >= 0; k-- {
		switch e := near[u][k]; {
		case f.flow[e]%f.whole == 0:
			near[u] = slices.Delete(near[u], k, k+1)
		case e != came:
			return e
		}
	}
	return -1
}

// turn rounds a cycle one way or the other until an arc of it is whole.
func (f *shares) turn(nodes, walk []int32, coin func(*big.Int) *big.Int) {
	forward, backward := f.whole, f.whole
	for k, e := range walk {
		part := f.flow[e] % f.whole
		if f.from[e] != nodes[k] {
			part = f.whole - part
		}
		forward, backward = min(forward, f.whole-part), min(backward, part)
	}
	by := forward
	if x := coin(big.NewInt(forward + backward)); x.Cmp(big.NewInt(backward)) >= 0 {
		by = -backward
	}
	for k, e := range walk {
		if f.from[e] == nodes[k] {
			f.flow[e] += by
		} else {
			f.flow[e] -= by
		}
	}
}
