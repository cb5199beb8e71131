package assign

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
)

// Certificate is what the searches proved, in their own terms. Writing it works
// out the multipliers of seats and units, which the prices of experts imply.
type Certificate struct {
	model        *model
	objective    string
	total, least *search
	claims       *Result // of the model's task
}

// Inputs are the hashes of the files an assignment was made from; Before is that
// of the assignment a repair keeps what it can of.
type Inputs struct {
	Applications string `json:"applications"`
	Experts      string `json:"experts"`
	Affinity     string `json:"affinity"`
	Conflicts    string `json:"conflicts"`
	Before       string `json:"before,omitempty"`
}

// head is K.json without its proofs.
type head struct {
	Spec      string   `json:"spec"`
	Inputs    Inputs   `json:"inputs"`
	Unit      int64    `json:"unit"`
	Grid      int64    `json:"grid"`
	Objective string   `json:"objective"`
	Seats     [][2]any `json:"seats"`
	UnitCap   int      `json:"unit_cap"`
	Sparse    bool     `json:"sparse"`
	Floor     number   `json:"floor"`
	Total     number   `json:"total"`
	Minimum   number   `json:"minimum"`
	Bound     bounds   `json:"bound"`
}

type bounds struct {
	Total   number  `json:"total"`
	Minimum *number `json:"minimum"`
}

// number is an integer of any size.
type number = json.Number

func numberOf(s Sum) number { return number(s.Big().String()) }

// nodeOf is a node of K.json.
type nodeOf struct {
	Parent int      `json:"parent"`
	Fix    []any    `json:"fix"`
	Kind   string   `json:"kind,omitempty"`
	Scale  int64    `json:"scale,omitempty"`
	Seat   [][3]any `json:"seat,omitempty"`
	Load   [][2]any `json:"load,omitempty"`
	Unit   [][3]any `json:"unit,omitempty"`
	Floor  [][2]any `json:"floor,omitempty"`
}

// Spec of certificates.
const Spec = "keping-assign/1"

// WriteCertificate writes K.json.
func (r *Result) WriteCertificate(w io.Writer, inputs Inputs) error {
	c, m, claims := r.certificate, r.certificate.model, r.certificate.claims
	h := head{Spec: Spec, Inputs: inputs, Unit: Unit, Grid: m.grid, Objective: c.objective, UnitCap: m.UnitCap, Sparse: m.Sparse,
		Floor: numberOf(SumOf(m.floor)), Total: numberOf(claims.Total), Minimum: numberOf(claims.Minimum), Bound: bounds{Total: numberOf(claims.Bound)}}
	for _, s := range m.Seats {
		h.Seats = append(h.Seats, [2]any{s.Class, s.Count})
	}
	if c.least != nil {
		least := numberOf(*claims.MinimumBound)
		h.Bound.Minimum = &least
	}
	text, err := json.Marshal(h)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "%s,\"proofs\":[", text[:len(text)-1])
	if c.least != nil {
		if err := c.write(out, "minimum", c.least); err != nil {
			return err
		}
		out.WriteByte(',')
	}
	if err := c.write(out, "total", c.total); err != nil {
		return err
	}
	out.WriteString("]}\n")
	return out.Flush()
}

// write a proof, a node a line.
func (c *Certificate) write(out *bufio.Writer, of string, s *search) error {
	fmt.Fprintf(out, "{\"of\":%q,\"nodes\":[", of)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for k := range s.nodes {
		out.WriteString([]string{"\n", ","}[min(k, 1)])
		n, err := c.node(s, k)
		if err != nil {
			return err
		}
		if err := encoder.Encode(n); err != nil {
			return err
		}
	}
	out.WriteString("]}")
	return nil
}

// node writes one; its path's fixes hold meanwhile.
func (c *Certificate) node(s *search, k int) (nodeOf, error) {
	m, n := c.model, &s.nodes[k]
	o := nodeOf{Parent: n.parent}
	if n.pair != empty {
		o.Fix = []any{m.Applications[m.owner[n.pair]], m.Experts[m.expert[n.pair]].Name, int(n.value - out)}
	}
	if n.inner {
		return o, nil
	}
	for at := k; s.nodes[at].pair != empty; at = s.nodes[at].parent {
		m.fix[s.nodes[at].pair] = s.nodes[at].value
		defer func() { m.fix[s.nodes[at].pair] = free }()
	}
	o.Scale = n.scale
	lowest := int64(0) // of the multipliers of seats
	if m.floor > 0 && !s.fair {
		o.Kind = "panels"
	} else if err := c.seats(&o, n, &lowest); err != nil {
		return o, err
	}
	most := n.scale
	for i, f := range n.floors {
		if f > 0 {
			o.Floor = append(o.Floor, [2]any{m.Applications[i], f})
			most = max(most, f)
		}
	}
	if s.fair {
		o.Scale = 0
		for _, f := range n.floors {
			o.Scale += f
		}
	}
	for j, v := range n.price {
		if m.Experts[j].Max == 0 { // whoever takes nothing costs nothing, and tempts nobody
			v = 4*int64(m.size+1)*(most*m.most+slices.Max(n.price)) - lowest
		}
		if v > 0 {
			o.Load = append(o.Load, [2]any{m.Experts[j].Name, v})
		}
	}
	return o, nil
}

// seats adds the multipliers of seats and units.
func (c *Certificate) seats(o *nodeOf, n *node, lowest *int64) error {
	m := c.model
	d := newDual(m)
	for i := range m.n {
		k := n.scale
		if n.floors != nil {
			k = n.floors[i]
		}
		if !d.find(i, k, n.scale*m.vacancy, n.price) {
			return fmt.Errorf("项目%s的席位没有对偶价格", m.Applications[i])
		}
		for class, u := range d.seat {
			if u != 0 {
				o.Seat = append(o.Seat, [3]any{m.Applications[i], m.Seats[class].Class, u})
			}
			*lowest = min(*lowest, u)
		}
		for at := range d.units {
			if w := d.unit[at]; w > 0 {
				o.Unit = append(o.Unit, [3]any{m.Applications[i], m.Experts[d.example[at]].Unit, w})
			}
		}
	}
	return nil
}

// dual finds the multipliers of an application's seats and units at given
// prices of experts: potentials of the exchanges of its best panel, which is an
// intersection of two partition matroids, by Bellman and Ford.
type dual struct {
	*model
	chooser *chooser
	panel   []int32
	seat    []int64 // per class
	units   []int32 // met
	unit    []int64 // per unit met, the multiplier
	example []int32 // per unit met, an expert of it
	known   map[int32]int
	arcs    []arc
	place   []int64
}

// arc says that place[to] is at most place[from] + length.
type arc struct {
	from, to int
	length   int64
}

func newDual(m *model) *dual {
	return &dual{model: m, chooser: &chooser{model: m}, panel: make([]int32, m.size), known: map[int32]int{}}
}

// find solves for one application; false if there is no solution.
//
// With r = worth − u − w, whoever is chosen has r ≥ 0 and whoever is not r ≤ 0;
// w is nothing where a unit is not full. Places: 0 the ground, then −w per
// unit, then u per class.
func (d *dual) find(i int, k, vacancy int64, price []int64) bool {
	d.chooser.choose(i, k, vacancy, price, 0, d.panel)
	d.units, d.example, d.arcs = d.units[:0], d.example[:0], d.arcs[:0]
	clear(d.known)
	from, to := d.start[i*len(d.Seats)], d.start[(i+1)*len(d.Seats)]
	for q := from; q < to; q++ {
		if u := d.model.unit[d.expert[q]]; u >= 0 {
			if _, known := d.known[u]; !known {
				d.known[u] = len(d.units)
				d.units, d.example = append(d.units, u), append(d.example, d.expert[q])
			}
		}
	}
	class := func(c int32) int { return 1 + len(d.units) + int(c) }
	for at, u := range d.units {
		d.arcs = append(d.arcs, arc{0, 1 + at, 0})
		if d.count(d.panel, u) < d.UnitCap {
			d.arcs = append(d.arcs, arc{1 + at, 0, 0})
		}
	}
	for q := from; q < to; q++ {
		if d.fix[q] != free {
			continue
		}
		unit, worth := 0, k*d.value[q]-price[d.expert[q]]
		if u := d.model.unit[d.expert[q]]; u >= 0 {
			unit = 1 + d.known[u]
		}
		if c := class(d.model.class[d.expert[q]]); slices.Contains(d.panel, q) {
			d.arcs = append(d.arcs, arc{unit, c, worth})
		} else {
			d.arcs = append(d.arcs, arc{c, unit, -worth})
		}
	}
	for c := range d.Seats {
		seats := d.panel[d.offset[c]:d.offset[c+1]]
		if slices.Contains(seats, empty) {
			d.arcs = append(d.arcs, arc{0, class(int32(c)), -vacancy})
		}
		if slices.ContainsFunc(seats, func(q int32) bool { return q != empty }) {
			d.arcs = append(d.arcs, arc{class(int32(c)), 0, vacancy})
		}
	}
	nodes := 1 + len(d.units) + len(d.Seats)
	d.place = append(d.place[:0], make([]int64, nodes)...)
	for round := 0; ; round++ {
		moved := false
		for _, a := range d.arcs {
			if d.place[a.from]+a.length < d.place[a.to] {
				d.place[a.to] = d.place[a.from] + a.length
				moved = true
			}
		}
		if !moved {
			break
		}
		if round > nodes {
			return false
		}
	}
	d.seat, d.unit = d.seat[:0], d.unit[:0]
	for at := range d.units {
		d.unit = append(d.unit, d.place[0]-d.place[1+at])
	}
	for c := range d.Seats {
		d.seat = append(d.seat, d.place[class(int32(c))]-d.place[0])
	}
	return true
}
