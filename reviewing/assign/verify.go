package assign

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"slices"
)

// claim is K.json as it is read: numbers of any size, unknown keys ignored.
type claim struct {
	Spec      string              `json:"spec"`
	Inputs    *Inputs             `json:"inputs"`
	Unit      integer             `json:"unit"`
	Grid      integer             `json:"grid"`
	Objective string              `json:"objective"`
	Seats     [][]json.RawMessage `json:"seats"`
	UnitCap   integer             `json:"unit_cap"`
	Sparse    *bool               `json:"sparse"`
	Floor     integer             `json:"floor"`
	Total     integer             `json:"total"`
	Minimum   integer             `json:"minimum"`
	Bound     struct {
		Total   integer         `json:"total"`
		Minimum json.RawMessage `json:"minimum"`
	} `json:"bound"`
	Proofs []struct {
		Of    string      `json:"of"`
		Nodes []nodeClaim `json:"nodes"`
	} `json:"proofs"`
}

type nodeClaim struct {
	Parent integer             `json:"parent"`
	Fix    []json.RawMessage   `json:"fix"`
	Kind   *string             `json:"kind"`
	Scale  integer             `json:"scale"`
	Seat   [][]json.RawMessage `json:"seat"`
	Load   [][]json.RawMessage `json:"load"`
	Unit   [][]json.RawMessage `json:"unit"`
	Floor  [][]json.RawMessage `json:"floor"`
}

// integer is a JSON integer of any size; nil where there is none.
type integer struct{ *big.Int }

var integerForm = regexp.MustCompile(`^-?(0|[1-9]\d*)$`)

// UnmarshalJSON takes integers only: no fraction, no exponent, no null.
func (n *integer) UnmarshalJSON(data []byte) error {
	if !integerForm.Match(data) {
		return fmt.Errorf("%.40s不是整数", data)
	}
	n.Int, _ = new(big.Int).SetString(string(data), 10)
	return nil
}

// is compares with a small number.
func (n integer) is(x int64) bool { return n.Int != nil && n.IsInt64() && n.Int64() == x }

// least tells whether there is a number and it is at least x.
func (n integer) least(x int64) bool { return n.Int != nil && n.Cmp(big.NewInt(x)) >= 0 }

// Proved is what a certificate proves.
type Proved struct {
	Total, Minimum           *big.Int
	TotalBound, MinimumBound *big.Int // the latter nil without a proof of the minimum
}

// Verify checks panels and certificate against the task in one pass over the
// pairs per leaf, with integers of any size and without solving anything. An
// error that is not a Refuted means that the certificate cannot be read.
func Verify(t *Task, inputs Inputs, panels [][]int32, certificate []byte) (*Proved, error) {
	if err := t.valid(); err != nil {
		return nil, err
	}
	total, minimum, err := Check(t, panels)
	if err != nil {
		return nil, err
	}
	c, err := readClaim(certificate)
	if err != nil {
		return nil, err
	}
	p := &Proved{Total: total.Big(), Minimum: minimum.Big()}
	v := &verifier{Task: t, grid: c.Grid.Int, applications: map[string]int{}, experts: map[string]int32{}, classes: map[string]int{}}
	if err := v.head(c, inputs, p); err != nil {
		return nil, err
	}
	for i, name := range t.Applications {
		v.applications[name] = i
	}
	for j := range t.Experts {
		v.experts[t.Experts[j].Name] = int32(j)
		v.seats = append(v.seats, t.seat(&t.Experts[j]))
	}
	for at, s := range t.Seats {
		v.classes[s.Class] = at
	}
	if err := v.proofs(c, p); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *Proved) String() string {
	of := func(what string, reached, bound *big.Int) string {
		if reached.Cmp(bound) == 0 {
			return fmt.Sprintf("%s %s，证明最优", what, Decimal(reached))
		}
		return fmt.Sprintf("%s %s，界 %s，差距 %s", what, Decimal(reached), Decimal(bound), Decimal(new(big.Int).Sub(bound, reached)))
	}
	text := "指派属实：" + of("总和", p.Total, p.TotalBound)
	if p.MinimumBound != nil {
		return text + "；" + of("最小值", p.Minimum, p.MinimumBound)
	}
	return text + "；最小值 " + Decimal(p.Minimum)
}

// Terms are the rules a certificate was made under.
type Terms struct {
	Seats   []Seats
	UnitCap int
	Sparse  bool
}

// ReadTerms reads them; Verify checks the rest.
func ReadTerms(certificate []byte) (Terms, error) {
	c, err := readClaim(certificate)
	if err != nil {
		return Terms{}, err
	}
	var t Terms
	for _, row := range c.Seats {
		var class string
		var n integer
		if len(row) != 2 || json.Unmarshal(row[0], &class) != nil || json.Unmarshal(row[1], &n) != nil || !n.least(1) || n.Cmp(big.NewInt(MaxCount)) > 0 {
			return t, refuted("证书的席位不是 [类别,人数]：%s", row)
		}
		t.Seats = append(t.Seats, Seats{class, int(n.Int64())})
	}
	if !c.UnitCap.least(0) || c.UnitCap.Cmp(big.NewInt(MaxCount)) > 0 || c.Sparse == nil {
		return t, refuted("证书没有 unit_cap 或 sparse")
	}
	t.UnitCap, t.Sparse = int(c.UnitCap.Int64()), *c.Sparse
	return t, nil
}

// readClaim reads a certificate.
func readClaim(data []byte) (*claim, error) {
	c := new(claim)
	err := json.Unmarshal(data, c)
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return nil, err
	} else if err != nil {
		return nil, refuted("证书不合格式：%v", err)
	}
	return c, nil
}

// verifier holds what all leaves of a certificate share.
type verifier struct {
	*Task
	grid         *big.Int
	floor        *big.Int // in force
	ofTotal      bool
	applications map[string]int
	experts      map[string]int32
	classes      map[string]int
	seats        []int // per expert, the class whose seats he fills
	fixed        map[[2]int32]int8
}

// head compares everything but the proofs.
func (v *verifier) head(c *claim, inputs Inputs, p *Proved) error {
	if c.Spec != Spec || !c.Unit.is(Unit) {
		return refuted("证书不是 %s，或单位不是1e-9", Spec)
	}
	if c.Inputs == nil {
		return refuted("证书没有 inputs")
	}
	for _, x := range [][3]string{{"applications", c.Inputs.Applications, inputs.Applications}, {"experts", c.Inputs.Experts, inputs.Experts},
		{"affinity", c.Inputs.Affinity, inputs.Affinity}, {"conflicts", c.Inputs.Conflicts, inputs.Conflicts}} {
		if x[1] != x[2] {
			return refuted("证书所依据的 %s 是另一个文件：摘要应为%s，是%s", x[0], x[1], x[2])
		}
	}
	if len(c.Seats) != len(v.Seats) {
		return refuted("证书的席位不同")
	}
	for _, row := range c.Seats {
		var class string
		var n integer
		if len(row) != 2 || json.Unmarshal(row[0], &class) != nil || json.Unmarshal(row[1], &n) != nil ||
			!slices.ContainsFunc(v.Seats, func(s Seats) bool { return s.Class == class && n.is(int64(s.Count)) }) {
			return refuted("证书的席位不同：%s", row)
		}
	}
	if !c.UnitCap.is(int64(v.UnitCap)) || c.Sparse == nil || *c.Sparse != v.Sparse {
		return refuted("证书的 unit_cap 或 sparse 不同")
	}
	if c.Total.Int == nil || c.Total.Cmp(p.Total) != 0 || c.Minimum.Int == nil || c.Minimum.Cmp(p.Minimum) != 0 {
		return refuted("证书所称总和%v、最小值%v，指派的是%s、%s", c.Total, c.Minimum, p.Total, p.Minimum)
	}
	if !c.Floor.least(0) || !c.Grid.least(1) {
		return refuted("证书的 floor 或 grid 不是整数")
	}
	switch {
	case c.Objective == "total" && c.Floor.Sign() == 0, c.Objective == "fair" && c.Floor.Cmp(p.Minimum) == 0,
		c.Objective == "minimum" && c.Floor.Cmp(p.Minimum) <= 0:
	default:
		return refuted("目标%s与 floor %s、最小值%s不合", c.Objective, Decimal(c.Floor.Int), Decimal(p.Minimum))
	}
	x := new(big.Int)
	for i, listed := range v.Listed {
		for _, pair := range listed {
			if x.Mod(x.SetInt64(pair.Affinity), c.Grid.Int).Sign() != 0 {
				return refuted("grid %s不整除项目%s的亲和度%s", c.Grid, v.Task.Applications[i], Decimal(big.NewInt(pair.Affinity)))
			}
		}
	}
	return nil
}

// proofs checks every proof and that the objective has those it needs.
func (v *verifier) proofs(c *claim, p *Proved) error {
	needed := []string{"total"}
	var minimum integer
	if text := string(c.Bound.Minimum); text != "null" {
		if minimum.UnmarshalJSON(c.Bound.Minimum) != nil {
			return refuted("bound.minimum 既不是整数也不是 null")
		}
		needed = append(needed, "minimum")
		p.MinimumBound = minimum.Int
	}
	if c.Objective == "fair" && len(needed) == 1 || len(c.Proofs) != len(needed) {
		return refuted("目标%s的证明不全或多余", c.Objective)
	}
	if c.Bound.Total.Int == nil {
		return refuted("没有 bound.total")
	}
	p.TotalBound = c.Bound.Total.Int
	for _, of := range needed {
		at := slices.IndexFunc(c.Proofs, func(x struct {
			Of    string      `json:"of"`
			Nodes []nodeClaim `json:"nodes"`
		}) bool {
			return x.Of == of
		})
		if at < 0 {
			return refuted("没有 %s 的证明", of)
		}
		v.ofTotal, v.floor = of == "total", new(big.Int)
		claimed, reached := minimum.Int, p.Minimum
		if v.ofTotal {
			claimed, reached, v.floor = p.TotalBound, p.Total, c.Floor.Int
		}
		if claimed.Cmp(reached) < 0 {
			return refuted("%s 的界%s低于已达到的%s", of, Decimal(claimed), Decimal(reached))
		}
		if err := v.tree(c.Proofs[at].Nodes, claimed); err != nil {
			return refuted("%s 的证明：%v", of, err)
		}
	}
	return nil
}

// tree checks a tree: its shape, and the bound of every leaf.
func (v *verifier) tree(nodes []nodeClaim, claimed *big.Int) error {
	type fix struct {
		pair  [2]int32
		value int8
	}
	if len(nodes) == 0 {
		return refuted("没有节点")
	}
	fixes, children, parent := make([]fix, len(nodes)), make([][]int, len(nodes)), make([]int, len(nodes))
	for k := range nodes {
		n := &nodes[k]
		if k == 0 {
			if !n.Parent.is(-1) || n.Fix != nil {
				return refuted("节点0不是根")
			}
			continue
		}
		if !n.Parent.least(0) || !n.Parent.IsInt64() || n.Parent.Int64() >= int64(k) {
			return refuted("节点%d的 parent 不在它之前", k)
		}
		var application, expert string
		var value integer
		if len(n.Fix) != 3 || json.Unmarshal(n.Fix[0], &application) != nil || json.Unmarshal(n.Fix[1], &expert) != nil ||
			json.Unmarshal(n.Fix[2], &value) != nil || !value.is(0) && !value.is(1) {
			return refuted("节点%d的 fix 不是 [项目,专家,0或1]", k)
		}
		i, known := v.applications[application]
		j, also := v.experts[expert]
		if !known || !also || !v.allowed(i, j) {
			return refuted("节点%d的 fix：%s、%s不是可以指派的一对", k, application, expert)
		}
		parent[k] = int(n.Parent.Int64())
		fixes[k] = fix{[2]int32{int32(i), j}, int8(value.Int64())}
		children[parent[k]] = append(children[parent[k]], k)
	}
	for k := range nodes {
		v.fixed = map[[2]int32]int8{}
		for at := k; at > 0; at = parent[at] {
			if _, twice := v.fixed[fixes[at].pair]; twice {
				return refuted("节点%d的路径上一对出现两次", k)
			}
			v.fixed[fixes[at].pair] = fixes[at].value
		}
		if c := children[k]; len(c) > 0 {
			if len(c) != 2 || fixes[c[0]].pair != fixes[c[1]].pair || fixes[c[0]].value == fixes[c[1]].value {
				return refuted("节点%d的分支不是同一对的0和1", k)
			}
			continue
		}
		bound, err := v.leaf(&nodes[k])
		if err != nil {
			return refuted("叶%d：%v", k, err)
		}
		if bound == nil {
			continue
		}
		y := new(big.Int)
		bound.DivMod(bound, v.grid, y)
		if bound.Mul(bound, v.grid); bound.Cmp(claimed) > 0 {
			return refuted("叶%d的界%s高于所称的%s", k, Decimal(bound), Decimal(claimed))
		}
	}
	return nil
}

// multipliers of a leaf; nil where there is none.
type multipliers struct {
	scale *big.Int
	seat  [][]*big.Int // per application and class
	load  []*big.Int   // per expert
	unit  []map[string]*big.Int
	floor []*big.Int // per application
	beta  *big.Int   // what they add to the bound
}

// rows reads the rows of one kind of multiplier: names, then the value.
func rows(list [][]json.RawMessage, names int, use func(name []string, x *big.Int) error) error {
	for _, row := range list {
		var x integer
		name := make([]string, names)
		if len(row) != names+1 || json.Unmarshal(row[names], &x) != nil || x.Int == nil {
			return refuted("乘子的一行不是%d个名称和一个整数：%s", names, row)
		}
		for k := range name {
			if json.Unmarshal(row[k], &name[k]) != nil {
				return refuted("乘子的名称不是文字：%s", row)
			}
		}
		if err := use(name, x.Int); err != nil {
			return err
		}
	}
	return nil
}

// set notes a multiplier once.
func set(at **big.Int, x *big.Int, negative bool, name []string) error {
	if *at != nil {
		return refuted("乘子%v出现两次", name)
	}
	if x.Sign() < 0 && !negative {
		return refuted("乘子%v为负", name)
	}
	*at = x
	return nil
}

func (v *verifier) times(m *multipliers, n int64, x *big.Int) {
	m.beta.Add(m.beta, new(big.Int).Mul(big.NewInt(n), x))
}

// read the multipliers of a leaf; only those of experts for a leaf of panels.
func (v *verifier) read(n *nodeClaim, panels bool) (*multipliers, error) {
	m := &multipliers{scale: n.Scale.Int, load: make([]*big.Int, len(v.Experts)), beta: new(big.Int), floor: make([]*big.Int, len(v.Applications)),
		seat: make([][]*big.Int, len(v.Applications)), unit: make([]map[string]*big.Int, len(v.Applications))}
	if !n.Scale.least(1) {
		return nil, refuted("scale 不是正整数")
	}
	err := rows(n.Load, 1, func(name []string, x *big.Int) error {
		j, known := v.experts[name[0]]
		if !known {
			return refuted("load：没有专家%s", name[0])
		}
		v.times(m, int64(v.Experts[j].Max), x)
		return set(&m.load[j], x, false, name)
	})
	if err != nil || panels {
		return m, err
	}
	if err := rows(n.Seat, 2, func(name []string, x *big.Int) error {
		i, known := v.applications[name[0]]
		class, also := v.classes[name[1]]
		if !known || !also {
			return refuted("seat：没有%v", name)
		}
		if m.seat[i] == nil {
			m.seat[i] = make([]*big.Int, len(v.Seats))
		}
		v.times(m, int64(v.Seats[class].Count), x)
		return set(&m.seat[i][class], x, true, name)
	}); err != nil {
		return nil, err
	}
	if err := rows(n.Unit, 2, func(name []string, x *big.Int) error {
		i, known := v.applications[name[0]]
		if !known || name[1] == "" || v.UnitCap == 0 {
			return refuted("unit：没有%v，或没有单位上限", name)
		}
		if m.unit[i] == nil {
			m.unit[i] = map[string]*big.Int{}
		}
		old := m.unit[i][name[1]]
		v.times(m, int64(v.UnitCap), x)
		err := set(&old, x, false, name)
		m.unit[i][name[1]] = x
		return err
	}); err != nil {
		return nil, err
	}
	sum := new(big.Int)
	if err := rows(n.Floor, 1, func(name []string, x *big.Int) error {
		i, known := v.applications[name[0]]
		if !known {
			return refuted("floor：没有项目%s", name[0])
		}
		sum.Add(sum, x)
		m.beta.Sub(m.beta, new(big.Int).Mul(v.floor, x))
		return set(&m.floor[i], x, false, name)
	}); err != nil {
		return nil, err
	}
	if !v.ofTotal && sum.Cmp(m.scale) != 0 {
		return nil, refuted("scale %s不是各 floor 之和%s", m.scale, sum)
	}
	return m, nil
}

// leaf is the bound of a leaf, nil if its branch is empty.
func (v *verifier) leaf(n *nodeClaim) (*big.Int, error) {
	panels := n.Kind != nil
	if panels && (*n.Kind != "panels" || !v.ofTotal || v.floor.Sign() == 0) {
		return nil, refuted("kind %s在此不适用", *n.Kind)
	}
	m, err := v.read(n, panels)
	if err != nil {
		return nil, err
	}
	beta := m.beta
	k, r := new(big.Int), new(big.Int)
	var best panelSearch
	for i := range v.Applications {
		if k.Set(m.scale); !v.ofTotal {
			k.SetInt64(0)
		}
		if m.floor[i] != nil {
			k.Add(k, m.floor[i])
		}
		best.begin(v, i)
		v.pairs(i, func(j int32, affinity int64) {
			r.Mul(k, r.SetInt64(affinity))
			minus(r, m.load[j])
			fix, fixed := v.fixed[[2]int32{int32(i), j}]
			if panels {
				if !fixed || fix == 1 {
					best.add(j, affinity, r, fixed)
				}
				return
			}
			if m.seat[i] != nil {
				minus(r, m.seat[i][v.seats[j]])
			}
			if m.unit[i] != nil {
				minus(r, m.unit[i][v.Experts[j].Unit])
			}
			if fixed && fix == 1 || !fixed && r.Sign() > 0 {
				beta.Add(beta, r)
			}
		})
		if panels {
			worth := best.find()
			if worth == nil {
				return nil, nil
			}
			beta.Add(beta, worth)
		}
	}
	return beta.Div(beta, m.scale), nil
}

func minus(r, x *big.Int) {
	if x != nil {
		r.Sub(r, x)
	}
}

// pairs are those allowed for an application.
func (v *verifier) pairs(i int, use func(j int32, affinity int64)) {
	barred, listed := v.Barred[i], v.Listed[i]
	pair := func(j int32, affinity int64) {
		for len(barred) > 0 && barred[0] < j {
			barred = barred[1:]
		}
		if (len(barred) == 0 || barred[0] != j) && v.seats[j] >= 0 {
			use(j, affinity)
		}
	}
	if v.Sparse {
		for _, p := range listed {
			pair(p.Expert, p.Affinity)
		}
		return
	}
	for j := range int32(len(v.Experts)) {
		affinity := int64(0)
		if len(listed) > 0 && listed[0].Expert == j {
			affinity, listed = listed[0].Affinity, listed[1:]
		}
		pair(j, affinity)
	}
}
