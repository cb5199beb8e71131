package assign

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// claim is K.json as it is read: numbers of any size, unknown keys ignored.
type claim struct {
	spec, objective                   string
	inputs                            Inputs
	seats                             []Seats
	unitCap                           int
	sparse                            bool
	unit, grid, floor, total, minimum integer
	totalBound                        integer
	minimumBound                      *integer // nil where K.json has null
	proofs                            json.RawMessage
}

// members are those of a JSON object under their exact names: decoding into a
// struct would take "Total" for "total".
type members map[string]json.RawMessage

// fields reads members and keeps the first error.
type fields struct {
	members
	err error
}

// get reads a member; null is no value.
func get[T any](f *fields, key string) (x T) {
	raw, ok := f.members[key]
	if !ok || string(raw) == "null" || json.Unmarshal(raw, &x) != nil {
		f.fail("证书的 %s 缺失或不合格式", key)
	}
	return x
}

func (f *fields) fail(format string, values ...any) {
	if f.err == nil {
		f.err = refuted(format, values...)
	}
}

// within reads the members of a member.
func (f *fields) within(key string) *fields {
	return &fields{get[members](f, key), f.err}
}

// textOf is a JSON text; null is none.
func textOf(raw json.RawMessage) (text string, ok bool) {
	ok = raw[0] == '"' && json.Unmarshal(raw, &text) == nil
	return text, ok
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
// error that is not a Refuted means that the certificate cannot be read. Time is
// linear in allowed pairs × leaves, with the seats' logarithm for the floors.
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
	v := &verifier{Task: t, grid: c.grid.Int, applications: map[string]int{}, experts: map[string]int32{}, classes: map[string]int{}}
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

// Kept is, of a repair proved in the task that Keeping gives, how many seats are
// kept, the total without their worth, and what neither exceeds, the bound of
// the total with as many kept.
func (p *Proved) Kept(worth, grid int64) (kept, most int64, total, bound *big.Int) {
	w, g, n := big.NewInt(worth), big.NewInt(grid), new(big.Int)
	total = new(big.Int)
	n.DivMod(p.Total, w, total)
	bound = new(big.Int).Sub(p.TotalBound, new(big.Int).Mul(n, w))
	return n.Int64(), new(big.Int).Div(p.TotalBound, w).Int64(), total.Mul(total, g), bound.Mul(bound, g)
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

// Terms are the rules and the objective a certificate was made under.
type Terms struct {
	Seats     []Seats
	UnitCap   int
	Sparse    bool
	Objective string // as in K.json
	Floor     *big.Int
}

// String says all of them, the same for the same terms and for no others.
func (t Terms) String() string {
	var seats []string
	for _, s := range t.Seats {
		if s.Class == "" {
			seats = append(seats, fmt.Sprintf("%d人（不分类别）", s.Count))
		} else {
			seats = append(seats, fmt.Sprintf("%q类%d人", s.Class, s.Count))
		}
	}
	slices.Sort(seats)
	text := "每项" + strings.Join(seats, "、")
	if t.UnitCap > 0 {
		text += fmt.Sprintf("，同一单位至多%d人", t.UnitCap)
	} else {
		text += "，同一单位人数不限"
	}
	if t.Sparse {
		text += "，只用亲和度表所列各对"
	} else {
		text += "，未列各对亲和度为0"
	}
	switch {
	case t.Objective == "fair":
		return text + "，目标 fair（先使最差的项目最好，再使总和最大）"
	case t.Objective == "minimum" && t.Floor.Sign() > 0:
		return text + "，目标 minimum " + Decimal(t.Floor) + "（每项不低于此，再使总和最大）"
	}
	if t.Objective == repairing {
		return text + "，目标 repair（先使改动最少，再使总和最大）"
	}
	return text + "，目标 total（总和最大）" // every application at least 0 is no condition
}

// ReadTerms reads them; Verify checks the rest.
func ReadTerms(certificate []byte) (Terms, error) {
	c, err := readClaim(certificate)
	if err != nil {
		return Terms{}, err
	}
	return Terms{c.seats, c.unitCap, c.sparse, c.objective, c.floor.Int}, nil
}

// readClaim reads a certificate but for its proofs.
func readClaim(data []byte) (*claim, error) {
	if !utf8.Valid(data) {
		return nil, errors.New("不是UTF-8文字")
	}
	f := &fields{}
	err := json.Unmarshal(data, &f.members)
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return nil, fmt.Errorf("第%d字节处不合JSON的写法", syntax.Offset)
	} else if err != nil {
		return nil, refuted("证书不是JSON对象")
	}
	c := &claim{
		spec: get[string](f, "spec"), objective: get[string](f, "objective"), sparse: get[bool](f, "sparse"),
		unit: get[integer](f, "unit"), grid: get[integer](f, "grid"), floor: get[integer](f, "floor"),
		total: get[integer](f, "total"), minimum: get[integer](f, "minimum"), proofs: f.members["proofs"],
	}
	c.readSeats(f)
	if n := get[integer](f, "unit_cap"); n.least(0) && n.Cmp(big.NewInt(MaxCount)) <= 0 {
		c.unitCap = int(n.Int64())
	} else {
		f.fail("证书的 unit_cap 不是0到%d的整数", MaxCount)
	}
	inputs := f.within("inputs")
	c.inputs = Inputs{Applications: get[string](inputs, "applications"), Experts: get[string](inputs, "experts"), Affinity: get[string](inputs, "affinity"), Conflicts: get[string](inputs, "conflicts")}
	if c.objective == repairing {
		c.inputs.Before = get[string](inputs, "before")
	}
	f.err = inputs.err
	bound := f.within("bound")
	c.totalBound = get[integer](bound, "total")
	if string(bound.members["minimum"]) != "null" {
		least := get[integer](bound, "minimum")
		c.minimumBound = &least
	}
	return c, bound.err
}

// readSeats reads classes, none of them twice, and how many experts of each.
func (c *claim) readSeats(f *fields) {
	for _, row := range get[[][]json.RawMessage](f, "seats") {
		var n integer
		if len(row) != 2 || n.UnmarshalJSON(row[1]) != nil || !n.least(1) || n.Cmp(big.NewInt(MaxCount)) > 0 {
			f.fail("证书的席位不是 [类别,人数]：%.200s", row)
			return
		}
		class, ok := textOf(row[0])
		if !ok || slices.ContainsFunc(c.seats, func(s Seats) bool { return s.Class == class || s.Class == "" || class == "" }) {
			f.fail("证书的席位类别重复，或不是文字：%.200s", row)
			return
		}
		c.seats = append(c.seats, Seats{class, int(n.Int64())})
	}
	if len(c.seats) == 0 {
		f.fail("证书没有席位")
	}
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
	if c.spec != Spec || !c.unit.is(Unit) {
		return refuted("证书不是 %s，或单位不是1e-9", Spec)
	}
	for _, x := range [][3]string{{"applications", c.inputs.Applications, inputs.Applications}, {"experts", c.inputs.Experts, inputs.Experts},
		{"affinity", c.inputs.Affinity, inputs.Affinity}, {"conflicts", c.inputs.Conflicts, inputs.Conflicts}, {"before", c.inputs.Before, inputs.Before}} {
		if x[1] != x[2] {
			return refuted("证书所依据的 %s 是另一个文件：摘要应为%s，是%s", x[0], x[1], x[2])
		}
	}
	if len(c.seats) != len(v.Seats) {
		return refuted("证书的席位不同")
	}
	for _, s := range c.seats {
		if !slices.Contains(v.Seats, s) {
			return refuted("证书的席位不同：%s%d人", label(s.Class), s.Count)
		}
	}
	if c.unitCap != v.UnitCap || c.sparse != v.Sparse {
		return refuted("证书的 unit_cap 或 sparse 不同")
	}
	if c.total.Cmp(p.Total) != 0 || c.minimum.Cmp(p.Minimum) != 0 {
		return refuted("证书所称总和%s、最小值%s，指派的是%s、%s", Decimal(c.total.Int), Decimal(c.minimum.Int), Decimal(p.Total), Decimal(p.Minimum))
	}
	if !c.floor.least(0) || !c.grid.least(1) {
		return refuted("证书的 floor 为负，或 grid 不是正整数")
	}
	switch {
	case c.objective == repairing && inputs.Before != "" && c.floor.Sign() == 0:
	case inputs.Before != "":
		return refuted("目标%s不是修补", c.objective)
	case c.objective == "total" && c.floor.Sign() == 0, c.objective == "fair" && c.floor.Cmp(p.Minimum) == 0,
		c.objective == "minimum" && c.floor.Cmp(p.Minimum) <= 0:
	default:
		return refuted("目标%s与 floor %s、最小值%s不合", c.objective, Decimal(c.floor.Int), Decimal(p.Minimum))
	}
	x := new(big.Int)
	for i, listed := range v.Listed {
		for _, pair := range listed {
			if x.Mod(x.SetInt64(pair.Affinity), c.grid.Int).Sign() != 0 {
				return refuted("grid %s不整除项目%s的亲和度%s", c.grid, v.Task.Applications[i], Decimal(big.NewInt(pair.Affinity)))
			}
		}
	}
	return nil
}

// proofs checks every proof and that the objective has those it needs.
func (v *verifier) proofs(c *claim, p *Proved) error {
	needed := []string{"total"}
	p.TotalBound = c.totalBound.Int
	if c.minimumBound != nil {
		needed = append(needed, "minimum")
		p.MinimumBound = c.minimumBound.Int
	}
	var proofs []members
	if json.Unmarshal(c.proofs, &proofs) != nil || c.objective == "fair" && len(needed) == 1 || len(proofs) != len(needed) {
		return refuted("目标%s的证明不全或多余", c.objective)
	}
	given := map[string][]members{}
	for _, proof := range proofs {
		f := &fields{members: proof}
		given[get[string](f, "of")] = get[[]members](f, "nodes")
		if f.err != nil {
			return f.err
		}
	}
	for _, of := range needed {
		nodes, ok := given[of]
		if !ok {
			return refuted("没有 %s 的证明", of)
		}
		v.ofTotal, v.floor = of == "total", new(big.Int)
		claimed, reached := p.MinimumBound, p.Minimum
		if v.ofTotal {
			claimed, reached, v.floor = p.TotalBound, p.Total, c.floor.Int
		}
		if claimed.Cmp(reached) < 0 {
			return refuted("%s 的界%s低于已达到的%s", of, Decimal(claimed), Decimal(reached))
		}
		if err := v.tree(nodes, claimed); err != nil {
			return refuted("%s 的证明：%v", of, err)
		}
	}
	return nil
}

// tree checks a tree: its shape, and the bound of every leaf.
func (v *verifier) tree(nodes []members, claimed *big.Int) error {
	type fix struct {
		pair  [2]int32
		value int8
	}
	if len(nodes) == 0 {
		return refuted("没有节点")
	}
	fixes, children, parent := make([]fix, len(nodes)), make([][]int, len(nodes)), make([]int, len(nodes))
	for k, n := range nodes {
		f := &fields{members: n}
		from := get[integer](f, "parent")
		if k == 0 {
			if !from.is(-1) || string(n["fix"]) != "null" {
				return refuted("节点0不是根")
			}
			continue
		}
		if !from.least(0) || !from.IsInt64() || from.Int64() >= int64(k) {
			return refuted("节点%d的 parent 不在它之前", k)
		}
		row := get[[]json.RawMessage](f, "fix")
		var value integer
		if len(row) != 3 || value.UnmarshalJSON(row[2]) != nil || !value.is(0) && !value.is(1) {
			return refuted("节点%d的 fix 不是 [项目,专家,0或1]", k)
		}
		application, _ := textOf(row[0])
		expert, _ := textOf(row[1])
		i, known := v.applications[application]
		j, also := v.experts[expert]
		if !known || !also || !v.allowed(i, j) {
			return refuted("节点%d的 fix：%s、%s不是可以指派的一对", k, application, expert)
		}
		parent[k] = int(from.Int64())
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
		bound, err := v.leaf(nodes[k])
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
func rows(n members, key string, names int, use func(name []string, x *big.Int) error) error {
	if _, ok := n[key]; !ok {
		return nil
	}
	f := &fields{members: n}
	for _, row := range get[[][]json.RawMessage](f, key) {
		var x integer
		if len(row) != names+1 || x.UnmarshalJSON(row[names]) != nil {
			return refuted("%s 的一行不是%d个名称和一个整数：%.200s", key, names, row)
		}
		name := make([]string, names)
		for k := range name {
			var ok bool
			if name[k], ok = textOf(row[k]); !ok {
				return refuted("%s 的名称不是文字：%.200s", key, row)
			}
		}
		if err := use(name, x.Int); err != nil {
			return err
		}
	}
	return f.err
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
func (v *verifier) read(n members, panels bool) (*multipliers, error) {
	scale := get[integer](&fields{members: n}, "scale")
	m := &multipliers{scale: scale.Int, load: make([]*big.Int, len(v.Experts)), beta: new(big.Int), floor: make([]*big.Int, len(v.Applications)),
		seat: make([][]*big.Int, len(v.Applications)), unit: make([]map[string]*big.Int, len(v.Applications))}
	if !scale.least(1) {
		return nil, refuted("scale 不是正整数")
	}
	err := rows(n, "load", 1, func(name []string, x *big.Int) error {
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
	if err := rows(n, "seat", 2, func(name []string, x *big.Int) error {
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
	if err := rows(n, "unit", 2, func(name []string, x *big.Int) error {
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
	if err := rows(n, "floor", 1, func(name []string, x *big.Int) error {
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
func (v *verifier) leaf(n members) (*big.Int, error) {
	raw, panels := n["kind"]
	if panels {
		if kind, _ := textOf(raw); kind != "panels" || !v.ofTotal || v.floor.Sign() == 0 {
			return nil, refuted("kind %.200s在此不适用", raw)
		}
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
