package assign

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// shuffled is a task with its applications and experts in another order.
func shuffled(r *rand.Rand, t *Task) *Task {
	rows, columns := r.Perm(len(t.Applications)), r.Perm(len(t.Experts))
	where := make([]int32, len(columns))
	o := &Task{Seats: t.Seats, UnitCap: t.UnitCap, Sparse: t.Sparse}
	for at, j := range columns {
		where[j] = int32(at)
		o.Experts = append(o.Experts, t.Experts[j])
	}
	for _, i := range rows {
		var listed []Pair
		for _, p := range t.Listed[i] {
			listed = append(listed, Pair{where[p.Expert], p.Affinity})
		}
		slices.SortFunc(listed, func(a, b Pair) int { return int(a.Expert - b.Expert) })
		var barred []int32
		for _, j := range t.Barred[i] {
			barred = append(barred, where[j])
		}
		slices.Sort(barred)
		o.Applications, o.Listed, o.Barred = append(o.Applications, t.Applications[i]), append(o.Listed, listed), append(o.Barred, barred)
	}
	return o
}

// TestProperties of an optimum: the order of rows changes no value; an expert
// who may take less, a pair that is barred and a stricter cap never raise the
// total; a floor never does either.
func TestProperties(t *testing.T) {
	classes := []Seats{{"技术", 2}, {"财务", 1}}
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 11))
		in := Instance{Applications: 20 + r.IntN(40), Experts: 30 + r.IntN(30), Seats: classes, UnitCap: r.IntN(3), Units: 6, Slack: 1 + r.Float64(), Seed: seed}
		in.Each = in.Experts / (1 + r.IntN(2))
		task := in.Task()
		best, err := Solve(task, Options{})
		if err != nil {
			continue
		}
		require.Equal(t, best.Bound, best.Total, "seed %d", seed)
		prove(t, task, best, seed)

		other, err := Solve(shuffled(r, task), Options{})
		require.NoError(t, err, "seed %d", seed)
		assert.Equal(t, best.Total, other.Total, "seed %d", seed)

		fair, err := Solve(task, Options{Objective: Fair})
		require.NoError(t, err, "seed %d", seed)
		require.Equal(t, *fair.MinimumBound, fair.Minimum, "seed %d", seed)
		prove(t, task, fair, seed)
		assert.LessOrEqual(t, fair.Total.Cmp(best.Total), 0, "seed %d", seed)
		assert.GreaterOrEqual(t, fair.Minimum.Cmp(best.Minimum), 0, "seed %d", seed)
		again, err := Solve(shuffled(r, task), Options{Objective: Fair})
		require.NoError(t, err, "seed %d", seed)
		assert.Equal(t, []Sum{fair.Minimum, fair.Total}, []Sum{again.Minimum, again.Total}, "seed %d", seed)

		less := *task
		switch less.Experts = slices.Clone(task.Experts); r.IntN(3) {
		case 0:
			less.Experts[r.IntN(len(less.Experts))].Max--
		case 1:
			less.Barred = slices.Clone(task.Barred)
			i := r.IntN(len(less.Barred))
			less.Barred[i] = []int32{best.Panels[i][0]}
		default:
			less.UnitCap = max(1, task.UnitCap-1)
			if task.UnitCap == 0 {
				less.UnitCap = 2
			}
		}
		if worse, err := Solve(&less, Options{}); err == nil {
			assert.LessOrEqual(t, worse.Total.Cmp(best.Total), 0, "seed %d", seed)
		}
	}
}

// TestSameBytes: an assignment and its certificate are the same at any number of
// processors and on every run.
func TestSameBytes(t *testing.T) {
	task := Instance{Applications: 80, Experts: 60, Each: 40, Seats: []Seats{{"技术", 2}, {"财务", 1}}, UnitCap: 1, Units: 8, Slack: 1, Seed: 4}.Task()
	var first []byte
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, processors := range []int{1, 2, 1} {
		runtime.GOMAXPROCS(processors)
		r, err := Solve(task, Options{Objective: Fair})
		require.NoError(t, err)
		var k bytes.Buffer
		fmt.Fprintln(&k, r.Panels)
		require.NoError(t, r.WriteCertificate(&k, Inputs{}))
		if first == nil {
			first = k.Bytes()
		}
		assert.True(t, bytes.Equal(first, k.Bytes()))
	}
}

// TestStop: a search that is cut off at any moment tells an honest bound, which
// its certificate proves, or that it found nothing.
func TestStop(t *testing.T) {
	task := Instance{Applications: 60, Experts: 80, Each: 30, Seats: []Seats{{"技术", 3}, {"管理", 1}, {"财务", 1}}, UnitCap: 1, Units: 12, Slack: 1, Seed: 2}.Task()
	for j := range task.Experts {
		task.Experts[j].Max--
	}
	gaps := 0
	for _, objective := range []Objective{Total, Fair} {
		whole, err := Solve(task, Options{Objective: objective})
		require.NoError(t, err)
		for looks := 1; looks < 4000; looks = looks*3/2 + 1 {
			n := 0
			r, err := Solve(task, Options{Objective: objective, Stop: func() bool { n++; return n > looks }})
			if err != nil {
				require.ErrorIs(t, err, ErrStopped)
				continue
			}
			var k bytes.Buffer
			require.NoError(t, r.WriteCertificate(&k, Inputs{}))
			p, err := Verify(task, Inputs{}, r.Panels, k.Bytes())
			require.NoError(t, err, "after %d looks", looks)
			if p.Total.Cmp(p.TotalBound) < 0 {
				gaps++
			}
			if objective == Total {
				assert.GreaterOrEqual(t, r.Bound.Cmp(whole.Total), 0, "after %d looks", looks)
			} else {
				assert.GreaterOrEqual(t, r.MinimumBound.Cmp(whole.Minimum), 0, "after %d looks", looks)
			}
		}
	}
	assert.Positive(t, gaps)
}

// TestForgeries: every number of a certificate matters, and so does its shape.
func TestForgeries(t *testing.T) {
	var task *Task
	var r *Result
	for seed := uint64(0); ; seed++ { // one whose proofs have trees
		require.Less(t, seed, uint64(4000))
		task = small(rand.New(rand.NewPCG(seed, 5)))
		var err error
		if r, err = Solve(task, Options{Objective: Fair}); err == nil && len(r.certificate.least.nodes) > 1 && r.Minimum.Cmp(Sum{}) > 0 {
			break
		}
	}
	var k bytes.Buffer
	require.NoError(t, r.WriteCertificate(&k, Inputs{}))
	decode := func() map[string]any {
		d := json.NewDecoder(bytes.NewReader(k.Bytes()))
		d.UseNumber()
		var c map[string]any
		require.NoError(t, d.Decode(&c))
		return c
	}
	check := func(c map[string]any) error {
		data, err := json.Marshal(c)
		require.NoError(t, err)
		_, err = Verify(task, Inputs{}, r.Panels, data)
		return err
	}
	require.NoError(t, check(decode()))
	add := func(n any, by int64) json.Number {
		x, _ := new(big.Int).SetString(string(n.(json.Number)), 10)
		return json.Number(x.Add(x, big.NewInt(by)).String())
	}
	proofs := func(c map[string]any) []any { return c["proofs"].([]any) }
	nodes := func(c map[string]any) []any { return proofs(c)[0].(map[string]any)["nodes"].([]any) }
	for name, forge := range map[string]func(c map[string]any){
		"another spec":         func(c map[string]any) { c["spec"] = "keping-assign/2" },
		"another unit":         func(c map[string]any) { c["unit"] = json.Number("1000") },
		"another input":        func(c map[string]any) { c["inputs"].(map[string]any)["experts"] = "00" },
		"no inputs":            func(c map[string]any) { delete(c, "inputs") },
		"a grid too coarse":    func(c map[string]any) { c["grid"] = json.Number("7000000000") },
		"no grid":              func(c map[string]any) { delete(c, "grid") },
		"another objective":    func(c map[string]any) { c["objective"] = "total" },
		"fewer seats":          func(c map[string]any) { c["seats"] = c["seats"].([]any)[1:] },
		"another cap":          func(c map[string]any) { c["unit_cap"] = add(c["unit_cap"], 1) },
		"dense for sparse":     func(c map[string]any) { c["sparse"] = !c["sparse"].(bool) },
		"another floor":        func(c map[string]any) { c["floor"] = add(c["floor"], -1) },
		"a greater total":      func(c map[string]any) { c["total"] = add(c["total"], 1) },
		"a greater minimum":    func(c map[string]any) { c["minimum"] = add(c["minimum"], 1) },
		"a total in part":      func(c map[string]any) { c["total"] = json.Number("1.5") },
		"a bound too low":      func(c map[string]any) { b := c["bound"].(map[string]any); b["total"] = add(b["total"], -1) },
		"no bound":             func(c map[string]any) { c["bound"].(map[string]any)["minimum"] = nil },
		"a proof less":         func(c map[string]any) { c["proofs"] = proofs(c)[:1] },
		"a proof twice":        func(c map[string]any) { c["proofs"] = append(proofs(c), proofs(c)[0]) },
		"no nodes":             func(c map[string]any) { proofs(c)[0].(map[string]any)["nodes"] = []any{} },
		"a node less":          func(c map[string]any) { p := proofs(c)[0].(map[string]any); p["nodes"] = nodes(c)[:len(nodes(c))-1] },
		"a parent after it":    func(c map[string]any) { nodes(c)[1].(map[string]any)["parent"] = json.Number("9") },
		"a root with a parent": func(c map[string]any) { nodes(c)[0].(map[string]any)["parent"] = json.Number("0") },
		"no fix":               func(c map[string]any) { nodes(c)[1].(map[string]any)["fix"] = nil },
		"a fix of nobody":      func(c map[string]any) { nodes(c)[1].(map[string]any)["fix"].([]any)[1] = "?" },
		"a fix of 2":           func(c map[string]any) { nodes(c)[1].(map[string]any)["fix"].([]any)[2] = json.Number("2") },
		"both children alike": func(c map[string]any) {
			n := nodes(c)
			n[len(n)-1].(map[string]any)["fix"].([]any)[2] = n[len(n)-2].(map[string]any)["fix"].([]any)[2]
		},
		"no scale":         func(c map[string]any) { delete(nodes(c)[len(nodes(c))-1].(map[string]any), "scale") },
		"panels where not": func(c map[string]any) { nodes(c)[len(nodes(c))-1].(map[string]any)["kind"] = "panels" },
		"a multiplier twice": func(c map[string]any) {
			n := leaf(nodes(c))
			n["seat"] = append(n["seat"].([]any), n["seat"].([]any)[0])
		},
		"a multiplier less": func(c map[string]any) {
			n := leaf(nodes(c))
			s := n["seat"].([]any)[0].([]any)
			s[2] = add(s[2], -1<<40)
		},
		"a multiplier more": func(c map[string]any) {
			n := leaf(nodes(c))
			s := n["seat"].([]any)[0].([]any)
			s[2] = add(s[2], 1<<40)
		},
		"a load of nobody":        func(c map[string]any) { n := leaf(nodes(c)); n["load"] = []any{[]any{"?", json.Number("1")}} },
		"a key in capitals":       func(c map[string]any) { c["Total"] = c["total"]; delete(c, "total") },
		"a null for a text":       func(c map[string]any) { c["inputs"].(map[string]any)["conflicts"] = nil },
		"a null for multipliers":  func(c map[string]any) { leaf(nodes(c))["seat"] = nil },
		"a null for a kind":       func(c map[string]any) { leaf(nodes(c))["kind"] = nil },
		"a null for a name":       func(c map[string]any) { leaf(nodes(c))["load"] = []any{[]any{nil, json.Number("0")}} },
		"a root without fix":      func(c map[string]any) { delete(nodes(c)[0].(map[string]any), "fix") },
		"a class twice":           func(c map[string]any) { c["seats"] = append(c["seats"].([]any), c["seats"].([]any)[0]) },
		"any class beside others": func(c map[string]any) { c["seats"] = append(c["seats"].([]any), []any{"", json.Number("1")}) },
		"a cap beyond counts":     func(c map[string]any) { c["unit_cap"] = json.Number("1000000000") },
		"a negative load":         func(c map[string]any) { n := leaf(nodes(c)); n["load"] = []any{[]any{"E0", json.Number("-1")}} },
	} {
		c := decode()
		forge(c)
		var refuted *Refuted
		assert.ErrorAs(t, check(c), &refuted, name)
	}
	for name, harmless := range map[string]func(c map[string]any){
		"an unknown key":          func(c map[string]any) { c["note"] = nil },
		"known keys in capitals":  func(c map[string]any) { c["Total"], c["SPEC"] = json.Number("5"), "x" },
		"a leaf's in capitals":    func(c map[string]any) { leaf(nodes(c))["KIND"] = "panels" },
		"multipliers of no leaf":  func(c map[string]any) { nodes(c)[0].(map[string]any)["scale"] = "x" },
		"seats in another order":  func(c map[string]any) { slices.Reverse(c["seats"].([]any)) },
		"a key of a proof's more": func(c map[string]any) { proofs(c)[0].(map[string]any)["OF"] = 1 },
	} {
		c := decode()
		harmless(c)
		assert.NoError(t, check(c), name)
	}
	for text, refutes := range map[string]bool{"": false, "{": false, "\ufeff{}": false, "{} {}": false, "{\"\xff\":1}": false, "[]": true, "null": true, "{}": true, strings.Repeat("[", 100): false} {
		_, err := Verify(task, Inputs{}, r.Panels, []byte(text))
		var refuted *Refuted
		assert.Error(t, err, text)
		assert.Equal(t, refutes, errors.As(err, &refuted), text)
	}
}

// leaf is the first leaf with multipliers of seats.
func leaf(nodes []any) map[string]any {
	for _, n := range nodes {
		if n := n.(map[string]any); n["seat"] != nil {
			return n
		}
	}
	return nil
}

// TestLarge numbers: affinities as great as files may hold.
func TestLarge(t *testing.T) {
	task := Instance{Applications: 40, Experts: 30, Each: 30, Seats: []Seats{{"", 3}}, UnitCap: 1, Units: 9, Slack: 1, Seed: 1}.Task()
	for i := range task.Listed {
		for k := range task.Listed[i] {
			task.Listed[i][k].Affinity *= 8_999_999
		}
	}
	for _, o := range []Options{{}, {Objective: Fair}, {Objective: Minimum, Floor: 17_000_000 * Unit}} {
		r, err := Solve(task, o)
		require.NoError(t, err)
		assert.Equal(t, r.Bound, r.Total)
		prove(t, task, r, 0)
	}
}

// FuzzRead: no file makes a reader panic; what it accepts is a valid task.
func FuzzRead(f *testing.F) {
	f.Add("application\nA\n", "expert,max,class,unit\nE,1,c,u\n", "application,expert,affinity\nA,E,0.5\n", "application,expert\nA,E\n")
	f.Add("application\n", "expert,max\nE,999999999\n", "application,expert,affinity\nA,E,1e-9\n", "")
	f.Fuzz(func(t *testing.T, a, e, p, c string) {
		r := &Reader{Task: Task{Seats: []Seats{{"", 1}}}}
		if r.ReadApplications(strings.NewReader(a)) != nil || r.ReadExperts(strings.NewReader(e)) != nil ||
			r.ReadAffinity(strings.NewReader(p)) != nil || r.ReadConflicts(strings.NewReader(c)) != nil {
			return
		}
		require.NoError(t, r.valid())
		if len(r.Applications) == 0 || len(r.Applications)*len(r.Experts) > 200 {
			return
		}
		if got, err := Solve(&r.Task, Options{}); err == nil {
			prove(t, &r.Task, got, 0)
		}
	})
}

// FuzzOutput: no O.csv makes a reader or a repair panic; what is repaired holds.
func FuzzOutput(f *testing.F) {
	const header = "application,expert,class,affinity\n"
	for _, rows := range []string{"", "A,E,,0.5\nB,F,,0\n", "A,E,,0.5\nA,E,,0.5\n", "B,E,,0\nB,F,,0\nA,G,,1e-9\n", "A,E,x,0.5\n"} {
		f.Add(header + rows)
	}
	f.Fuzz(func(t *testing.T, text string) {
		task := &Reader{Task: Task{Seats: []Seats{{"", 1}}}}
		require.NoError(t, task.ReadApplications(strings.NewReader("application\nA\nB\n")))
		require.NoError(t, task.ReadExperts(strings.NewReader("expert,max\nE,1\nF,1\nG,0\n")))
		require.NoError(t, task.ReadAffinity(strings.NewReader("application,expert,affinity\nA,E,0.5\nA,G,1e-9\n")))
		before, err := task.ReadOutput(strings.NewReader(text))
		if err != nil {
			return
		}
		after, err := Resolve(&task.Task, before, nil)
		require.NoError(t, err)
		_, _, err = Check(&task.Task, after.Panels)
		require.NoError(t, err)
	})
}

// FuzzVerify: no certificate makes the verifier panic.
func FuzzVerify(f *testing.F) {
	task := small(rand.New(rand.NewPCG(3, 5)))
	for seed := uint64(4); ; seed++ {
		if r, err := Solve(task, Options{Objective: Fair}); err == nil {
			var k bytes.Buffer
			require.NoError(f, r.WriteCertificate(&k, Inputs{}))
			f.Add(k.Bytes())
			f.Fuzz(func(t *testing.T, data []byte) {
				_, _ = Verify(task, Inputs{}, r.Panels, data)
				_, _ = ReadTerms(data)
			})
			return
		}
		task = small(rand.New(rand.NewPCG(seed, 5)))
	}
}

// TestDecimal: as proofs.md has it, half away from zero.
func TestDecimal(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "-0": 0, "1": Unit, "+1": Unit, ".5": Unit / 2, "5.": 5 * Unit, "0.0000000005": 1, "0.00000000049": 0,
		"1e-9": 1, "5E-10": 1, "1.5e3": 1500 * Unit, "9000000": MaxAffinity, "9000000.0000000000": MaxAffinity, "1e-9999": 0, "00012.5": 12_500_000_000} {
		x, ok := ParseDecimal(text)
		assert.True(t, ok, text)
		assert.Equal(t, want, x, text)
	}
	for _, text := range []string{"", ".", "-", "-1", "-1e-12", "9000000.0000000001", "9000001", "1e99999", "1e", "0x1", "1_0", " 1", "1,5", "NaN", "Inf", "١", "--1", "1e9999"} {
		_, ok := ParseDecimal(text)
		assert.False(t, ok, text)
	}
	for x, want := range map[int64]string{0: "0", 1: "0.000000001", Unit: "1", -Unit / 2: "-0.5", 1_500_000_000: "1.5"} {
		assert.Equal(t, want, Decimal(big.NewInt(x)))
	}
}

// TestSum against big integers.
func TestSum(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 2000 {
		var s Sum
		want := new(big.Int)
		for range 20 {
			x, n := r.Int64N(1<<62)-r.Int64N(1<<62), r.IntN(1<<31)
			s = s.Add(x).AddTimes(n, x)
			want.Add(want, new(big.Int).Mul(big.NewInt(x), big.NewInt(int64(n)+1)))
		}
		require.Equal(t, want, s.Big())
		require.Equal(t, s, sumOfBig(want))
		scale, g := 1+r.Int64N(1000), 1+r.Int64N(1000)
		rest := new(big.Int)
		want.DivMod(want, big.NewInt(scale), rest)
		want.DivMod(want, big.NewInt(g), rest)
		require.Equal(t, want.Mul(want, big.NewInt(g)), s.grid(scale, g).Big())
	}
}
