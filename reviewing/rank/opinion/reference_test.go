package opinion

import (
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// mocks are the panels whose licence lets them stand in testdata.
var mocks = []string{"mockp1", "mockp2", "mockp3", "mockall"}

// published are the panels read where KEPING_SHARED names their folder.
var published = []string{"aibs", "snsf_mint_one", "snsf_mint_two", "snsf_mint_three", "snsf_mint_four", "snsf_mint"}

// shared is a file of the published data, where KEPING_SHARED names it.
func shared(t testing.TB, parts ...string) string {
	t.Helper()
	folder := os.Getenv("KEPING_SHARED")
	if folder == "" {
		t.Skip("KEPING_SHARED names no folder: the published data was not run, only the project's own")
	}
	return filepath.Join(append([]string{folder, "data", "ranking"}, parts...)...)
}

// rows reads a CSV into one map per row.
func rows(t testing.TB, file string) (out []map[string]string) {
	t.Helper()
	f, err := os.Open(file)
	require.NoError(t, err)
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	require.NoError(t, err)
	for _, row := range all[1:] {
		m := map[string]string{}
		for i, name := range all[0] {
			m[name] = row[i]
		}
		out = append(out, m)
	}
	return out
}

func number(t testing.TB, text string) float64 {
	t.Helper()
	x, err := strconv.ParseFloat(text, 64)
	require.NoError(t, err, text)
	return x
}

func load(t testing.TB, file string) []Mark {
	t.Helper()
	f, err := os.Open(file)
	require.NoError(t, err)
	defer f.Close()
	marks, err := ReadScores(f, Scale{1, 6})
	require.NoError(t, err)
	return marks
}

// reference compares one panel with its reference: expected ranks, effects,
// quartiles (which may differ by one, being sampled) and exact ties.
func reference(t *testing.T, marks []Mark, file string) *Opinion {
	o, err := Rank(marks, Scale{1, 6}, Options{Seed: 1})
	require.NoError(t, err)
	by := map[string]Application{}
	for _, a := range o.Applications {
		by[a.Name] = a
	}
	want := rows(t, file)
	require.Len(t, o.Applications, len(want))
	for _, r := range want {
		a := by[r["application"]]
		assert.Equal(t, r["n"], strconv.Itoa(a.N))
		assert.InDelta(t, number(t, r["expected_rank"]), a.ExpectedRank, 2e-4, a.Name)
		assert.InDelta(t, number(t, r["effect"]), a.Effect, 1e-4, a.Name)
		assert.InDelta(t, number(t, r["mean"]), a.Mean, 1e-6, a.Name)
		assert.InDelta(t, number(t, r["rank_q25"]), a.Rank25, 1, a.Name)
		assert.InDelta(t, number(t, r["rank_q75"]), a.Rank75, 1, a.Name)
		for _, s := range want {
			if r["n"] == s["n"] && r["effect"] == s["effect"] && r["expected_rank"] == s["expected_rank"] {
				assert.Equal(t, a.ExpectedRank, by[s["application"]].ExpectedRank, "%s and %s tie exactly", a.Name, s["application"])
			}
		}
	}
	assert.Less(t, o.Error.Moved, settled)
	return o
}

// groups compares the groups at several numbers of places.
func groups(t *testing.T, name string, o *Opinion, all []map[string]string) (compared int) {
	for _, r := range all {
		if r["data"] != name {
			continue
		}
		compared++
		places, slack := int(number(t, r["k"])), int(number(t, r["borderline"]))
		l := o.Draw(places)
		assert.InDelta(t, number(t, r["fl"]), *l.At, 2e-4, "%s %d", name, places)
		assert.InDelta(t, number(t, r["n_acc"]), l.Counts.Fund, float64(slack), "%s %d fund", name, places)
		assert.InDelta(t, number(t, r["n_rand"]), l.Counts.Tie, float64(slack), "%s %d tie", name, places)
		assert.InDelta(t, number(t, r["n_rej"]), l.Counts.Reject, float64(slack), "%s %d reject", name, places)
		wrong := 0
		ties := strings.Fields(r["random"])
		for _, a := range o.Applications {
			listed := false
			for _, tie := range ties {
				listed = listed || tie == a.Name
			}
			if listed != (a.Group == Tie) {
				wrong++
			}
		}
		assert.LessOrEqual(t, wrong, slack, "%s %d: the ties themselves", name, places)
	}
	return compared
}

// TestMockPanels: the four panels of the ERforResearch package.
func TestMockPanels(t *testing.T) {
	own := []map[string]string{
		{"data": "mockp1", "k": "3", "fl": "4.094871", "n_acc": "1", "n_rand": "5", "n_rej": "9", "random": "#2 #3 #4 #5 #6", "borderline": "0"},
		{"data": "mockp2", "k": "5", "fl": "5.030489", "n_acc": "5", "n_rand": "0", "n_rej": "10", "borderline": "0"},
		{"data": "mockp3", "k": "5", "fl": "5.977415", "n_acc": "4", "n_rand": "3", "n_rej": "8", "random": "#35 #36 #37", "borderline": "0"},
		{"data": "mockall", "k": "15", "fl": "15.078126", "n_acc": "12", "n_rand": "6", "n_rej": "27", "random": "#5 #6 #21 #22 #34 #35", "borderline": "0"},
	}
	for _, name := range mocks {
		o := reference(t, load(t, filepath.Join("testdata", name+".csv")), filepath.Join("testdata", "exact_"+name+".csv"))
		assert.Equal(t, 1, groups(t, name, o, own))
	}
}

// TestPublishedPanels: the Swiss MINT call and the AIBS panels, every reference.
func TestPublishedPanels(t *testing.T) {
	all := rows(t, shared(t, "ref", "exact_funding_groups.csv"))
	compared := 0
	for _, name := range append(published, mocks...) {
		o := reference(t, load(t, shared(t, name+".csv")), shared(t, "ref", "exact_"+name+".csv"))
		compared += groups(t, name, o, all)
		for i, r := range rows(t, shared(t, "ref", "exact_"+name+"_hyper.csv")) {
			assert.InDelta(t, number(t, r["mean"]), o.Hyper[i].Mean, 1e-3, "%s %s", name, r["param"])
			assert.InDelta(t, number(t, r["sd"]), o.Hyper[i].SD, 1e-3, "%s %s", name, r["param"])
		}
	}
	assert.Equal(t, len(all), compared)
}

// fits compares REML with lme4's.
func fits(t *testing.T, name string, marks []Mark, criterion, application, expert, residual, single, mean float64) {
	t.Helper()
	all, err := Reliabilities(marks, Scale{1, 6})
	require.NoError(t, err)
	f := all[len(all)-1]
	assert.Empty(t, f.Panel)
	assert.InDelta(t, criterion, *f.Criterion, 1e-5, name)
	assert.InDelta(t, application, *f.Application, 1e-4, name)
	assert.InDelta(t, expert, *f.Expert, 1e-4, name)
	assert.InDelta(t, residual, *f.Residual, 1e-5, name)
	assert.InDelta(t, single, *f.Single, 1e-5, name)
	assert.InDelta(t, mean, *f.Mean, 1e-5, name)
}

// TestREML: lme4's fits of the mock panels, one by one and as panels of one review.
func TestREML(t *testing.T) {
	want := [][6]float64{
		{224.543155, 0.421904757, 1.98190488, 0.724761903, 0.134855397, 0.43800671},
		{172.986976, 2.27619047, 0.0142857153, 0.272380952, 0.88814567, 0.975430577},
		{249.639814, 1.07428573, 0.736190475, 0.990476188, 0.383543016, 0.756742254},
	}
	for i, name := range mocks[:3] {
		w := want[i]
		fits(t, name, load(t, filepath.Join("testdata", name+".csv")), w[0], w[1], w[2], w[3], w[4], w[5])
	}
	panels, err := Reliabilities(load(t, filepath.Join("testdata", "mockall.csv")), Scale{1, 6})
	require.NoError(t, err)
	require.Len(t, panels, 4)
	for i, w := range want {
		assert.InDelta(t, w[0], *panels[i].Criterion, 1e-5)
	}
}

// TestPublishedREML: lme4's fits of every published panel.
func TestPublishedREML(t *testing.T) {
	for _, r := range rows(t, shared(t, "ref", "reml.csv")) {
		x := func(name string) float64 { return number(t, r[name]) }
		fits(t, r["dataset"], load(t, shared(t, r["dataset"]+".csv")),
			x("reml_crit"), x("var_proposal"), x("var_assessor"), x("var_resid"), x("icc_single_crossed"), x("icc_mean_crossed"))
	}
}

// finite fails on what is no number.
func finite(t *testing.T, numbers ...float64) {
	t.Helper()
	for _, x := range numbers {
		assert.False(t, math.IsNaN(x) || math.IsInf(x, 0), "%v", numbers)
	}
}
