package rank

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/rbac/journal"
)

var update = flag.Bool("update", false, "write testdata anew")

// whole is a form of one criterion of 100 points.
var whole = Form{[]Criterion{{Code: "all", Weight: 10000, Maximum: 10000, Classes: []string{}}}}

func hashed(t testing.TB, r *Record) {
	t.Helper()
	slices.SortFunc(r.Sheets, func(a, b Sheet) int {
		return strings.Compare(a.Sheet.Application+"\x00"+a.Sheet.Expert, b.Sheet.Application+"\x00"+b.Sheet.Expert)
	})
	for i := range r.Sheets {
		s := &r.Sheets[i]
		s.Salt = fmt.Sprintf("%032x", i)
		hash, err := SheetHash(s.Salt, s.Sheet)
		require.NoError(t, err)
		s.Hash = hash
	}
}

// record is a review with the points that experts E1, E2, … gave; -1 is an abstention.
func record(t testing.TB, method Method, points map[string][]float64) Record {
	t.Helper()
	r := Record{Spec: Spec, Review: "P01", RulePack: "demo@1#" + strings.Repeat("ab", 32), Minimum: 2, PassLine: 6000, Form: whole, Method: method, Ties: []string{}, Sheets: []Sheet{}, Orders: []Order{}}
	for application, given := range points {
		for i, p := range given {
			s := Sheet{Status: "counted", Class: "technical", Sheet: Content{Application: application, Expert: fmt.Sprintf("E%d", i+1), Version: 1, Marks: []Mark{}, Recommendation: "recommend"}}
			if p < 0 {
				s.Status, s.Sheet.Abstained, s.Sheet.Recommendation = "abstained", true, ""
			} else if method.Name != "votes" {
				v := int(p * 100)
				s.Sheet.Marks = []Mark{{"all", &v}}
			} else if p == 0 {
				s.Sheet.Recommendation = "decline"
			}
			r.Sheets = append(r.Sheets, s)
		}
	}
	if method.Name == "votes" {
		r.Form = Form{[]Criterion{}}
	}
	hashed(t, &r)
	return r
}

// TestMethods against marks worked out by hand.
func TestMethods(t *testing.T) {
	for _, c := range []struct {
		method Method
		points []float64
		mark   string
		shown  string
	}{
		{Method{"mean", 0}, []float64{80, 85, 91}, "256/3", "85.33"},
		{Method{"trimmed", 0}, []float64{60, 80, 85, 91, 100}, "256/3", "85.33"},
		{Method{"trimmed", 0}, []float64{60, 80, 85, 99}, "81/1", "81.00"}, // fewer than five: mean
		{Method{"trimmed", 0}, []float64{90, 90, 90, 90, 90}, "90/1", "90.00"},
		{Method{"median", 0}, []float64{60, 85, 91}, "85/1", "85.00"},
		{Method{"median", 0}, []float64{60, 85, 90, 91}, "175/2", "87.50"},
		{Method{"two_stage", 10}, []float64{50, 80, 80, 82}, "80/1", "80.00"}, // mean 73: 50 and 82 are out
		{Method{"two_stage", 1}, []float64{60, 80}, "70/1", "70.00"},          // nobody is near: the mean
		{Method{"votes", 0}, []float64{1, 1, 0}, "200/3", "66.67"},
		{Method{"mean", 0}, []float64{80, -1, 85}, "165/2", "82.50"}, // an abstention is not zero
		{Method{"mean", 0}, []float64{80.01, 80.02}, "16003/200", "80.02"},
		{Method{"mean", 0}, []float64{0, 0}, "0/1", "0.00"},
	} {
		t.Run(fmt.Sprint(c.method, c.points), func(t *testing.T) {
			r, err := Compute(record(t, c.method, map[string][]float64{"A1": c.points}))
			require.NoError(t, err)
			require.Len(t, r.Results, 1)
			assert.Equal(t, c.mark, r.Results[0].Mark)
			assert.Equal(t, c.shown, r.Results[0].Shown)
			require.NoError(t, Verify(r))
		})
	}
}

func TestZscore(t *testing.T) {
	// E1 is severe, E2 generous, both see A1 best: their scales cancel out.
	r, err := Compute(record(t, Method{"zscore", 0}, map[string][]float64{"A1": {50, 95}, "A2": {40, 90}, "A3": {30, 85}}))
	require.NoError(t, err)
	assert.Equal(t, []string{"1.000000000", "0.000000000", "-1.000000000"}, []string{r.Results[0].Mark, r.Results[1].Mark, r.Results[2].Mark})
	// Who marks all alike has no spread and adds nothing.
	r, err = Compute(record(t, Method{"zscore", 0}, map[string][]float64{"A1": {50, 70}, "A2": {40, 70}}))
	require.NoError(t, err)
	assert.Equal(t, "0.353553391", r.Results[0].Mark)
	assert.True(t, r.Results[0].Passed, "the pass line is compared with the plain mean, 60")
	assert.False(t, r.Results[1].Passed)
}

func TestRanks(t *testing.T) {
	r := record(t, Method{"mean", 0}, map[string][]float64{"A1": {80, 90}, "A2": {85, 85}, "A3": {95, 95}, "A4": {50, 51}, "A5": {99}, "A6": {-1, -1}})
	computed, err := Compute(r)
	require.NoError(t, err)
	type place struct {
		application string
		rank        int
		passed      bool
		tie         string
	}
	places := func(r Record) (out []place) {
		for _, x := range r.Results {
			out = append(out, place{x.Application, x.Rank, x.Passed, x.Tie})
		}
		return out
	}
	assert.Equal(t, []place{{"A3", 1, true, ""}, {"A1", 2, true, ""}, {"A2", 2, true, ""}, {"A4", 4, false, ""}, {"A5", 0, false, ""}, {"A6", 0, false, ""}}, places(computed),
		"equal marks share a rank; too few experts, or none that marked, have none")
	r.Ties = []string{"median", "draw"}
	r.Orders = []Order{{"draw", []string{"A2", "A1"}, strings.Repeat("0", 64)}}
	computed, err = Compute(r)
	require.NoError(t, err)
	assert.Equal(t, []place{{"A3", 1, true, ""}, {"A2", 2, true, "draw"}, {"A1", 3, true, "draw"}}, places(computed)[:3], "only the written steps separate them")
}

// TestParts: finance experts mark the budget only; the method runs per criterion.
func TestParts(t *testing.T) {
	r := record(t, Method{"mean", 0}, nil)
	r.Form = Form{[]Criterion{{"tech", 10000, 8000, []string{"technical"}}, {"budget", 10000, 2000, []string{}}}}
	r.Minimum = 3
	mark := func(v int) *int { return &v }
	for i, s := range []Sheet{
		{Class: "technical", Sheet: Content{Marks: []Mark{{"budget", mark(1000)}, {"tech", mark(6000)}}}},
		{Class: "technical", Sheet: Content{Marks: []Mark{{"budget", mark(1500)}, {"tech", mark(7000)}}}},
		{Class: "finance", Sheet: Content{Marks: []Mark{{"budget", mark(2000)}}}},
	} {
		s.Status, s.Sheet.Application, s.Sheet.Expert, s.Sheet.Version = "counted", "A1", fmt.Sprintf("E%d", i), 1
		r.Sheets = append(r.Sheets, s)
	}
	hashed(t, &r)
	computed, err := Compute(r)
	require.NoError(t, err)
	assert.Equal(t, "80/1", computed.Results[0].Mark, "65 of technical, 15 of all")
	assert.Equal(t, map[string][]string{"A1": {"E0 70.00", "E1 85.00", "E2 20.00"}}, computed.Totals())
	require.NoError(t, Verify(computed))
}

// TestCommittedVector: the same sheets give the same record, byte by byte.
func TestCommittedVector(t *testing.T) {
	r := vector(t)
	canonical, err := journal.Canonical(r)
	require.NoError(t, err)
	file := filepath.Join("testdata", "ranking.json")
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(file, canonical, 0o644))
	}
	kept, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, string(kept), string(canonical))
	parsed, err := ParseRecord(kept)
	require.NoError(t, err)
	require.NoError(t, Verify(parsed))
}

func vector(t testing.TB) Record {
	r := record(t, Method{"trimmed", 0}, map[string][]float64{"A1": {80, 90, 85, 70, 88}, "A2": {90, 80, 85, 88, 70}, "A3": {95, 95, 60, 61, 62}, "A4": {50, 51, -1, 52, 53}})
	r.Ties = []string{"criterion:all", "draw"}
	r.Orders = []Order{{"draw", []string{"A2", "A1"}, strings.Repeat("0a", 32)}}
	computed, err := Compute(r)
	require.NoError(t, err)
	return computed
}

// TestForgeries: whatever is changed in a record, it no longer verifies.
func TestForgeries(t *testing.T) {
	data, err := json.Marshal(vector(t))
	require.NoError(t, err)
	for name, forge := range map[string]func(*Record){
		"a mark raised":             func(r *Record) { *r.Sheets[0].Sheet.Marks[0].Mark += 100 },
		"a mark raised, its hash":   func(r *Record) { *r.Sheets[0].Sheet.Marks[0].Mark += 100; hashed(t, r) },
		"an expert left out":        func(r *Record) { r.Sheets = r.Sheets[1:] },
		"a sheet declared void":     func(r *Record) { r.Sheets[0].Status = "void" },
		"an abstention counted":     func(r *Record) { r.Sheets[17].Status = "counted" },
		"a sheet twice":             func(r *Record) { r.Sheets = append(r.Sheets, r.Sheets[len(r.Sheets)-1]) },
		"another method":            func(r *Record) { r.Method.Name = "mean" },
		"another minimum":           func(r *Record) { r.Minimum = 6 },
		"another pass line":         func(r *Record) { r.PassLine = 8500 },
		"ranks exchanged":           func(r *Record) { r.Results[0].Rank, r.Results[1].Rank = 2, 1 },
		"a place better":            func(r *Record) { r.Results[2].Rank = 1 },
		"another mark shown":        func(r *Record) { r.Results[0].Shown = "99.99" },
		"a passed one failed":       func(r *Record) { r.Results[0].Passed = false },
		"an application left out":   func(r *Record) { r.Results = r.Results[:3] },
		"another order of the tied": func(r *Record) { slices.Reverse(r.Orders[0].Applications) },
		"no written tie step":       func(r *Record) { r.Ties = []string{} },
		"another contract":          func(r *Record) { r.Spec = "keping-ranking/2" },
	} {
		t.Run(name, func(t *testing.T) {
			forged, err := ParseRecord(data)
			require.NoError(t, err)
			require.NoError(t, Verify(forged))
			forge(&forged)
			assert.Error(t, Verify(forged))
		})
	}
	for _, text := range []string{"", "{}", "[]", strings.Replace(string(data), `"spec"`, `"spec":"a","spec"`, 1), strings.Replace(string(data), "{", `{"more":1,`, 1)} {
		_, err := ParseRecord([]byte(text))
		assert.Error(t, err, text[:min(len(text), 30)])
	}
}

// TestProperties: the order of sheets changes nothing, and a better mark never
// worsens a rank under mean, median and trimmed.
func TestProperties(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		method := Method{[]string{"mean", "median", "trimmed"}[random.IntN(3)], 0}
		points := map[string][]float64{}
		for a := range 2 + random.IntN(4) {
			for range 5 {
				points[fmt.Sprintf("A%d", a)] = append(points[fmt.Sprintf("A%d", a)], float64(60+random.IntN(20)))
			}
		}
		before, err := Compute(record(t, method, points))
		require.NoError(t, err)
		points["A0"][random.IntN(5)] += float64(1 + random.IntN(15))
		after, err := Compute(record(t, method, points))
		require.NoError(t, err)
		rank := func(r Record) int {
			return r.Results[slices.IndexFunc(r.Results, func(x Result) bool { return x.Application == "A0" })].Rank
		}
		assert.LessOrEqual(t, rank(after), rank(before))
	}
}
