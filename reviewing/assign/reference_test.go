package assign

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/rbac/journal"
)

// shared is a folder of the published data, where KEPING_SHARED names it.
func shared(t testing.TB, parts ...string) string {
	t.Helper()
	folder := os.Getenv("KEPING_SHARED")
	if folder == "" {
		t.Skip("KEPING_SHARED names no folder: the published instances were not run, only the project's own")
	}
	return filepath.Join(append([]string{folder}, parts...)...)
}

// unpacked is a file, or what a .gz holds.
func unpacked(t testing.TB, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	if strings.HasSuffix(file, ".gz") {
		z, err := gzip.NewReader(bytes.NewReader(data))
		require.NoError(t, err)
		data, err = io.ReadAll(z)
		require.NoError(t, err)
	}
	return data
}

// published reads a data set of the collection: who may take how many is given,
// any class.
func published(t testing.TB, name string, per, most int) *Task {
	t.Helper()
	rows := func(kind string) [][]string {
		all, err := csv.NewReader(bytes.NewReader(unpacked(t, shared(t, "data", "assignment", name+"."+kind+".csv.gz")))).ReadAll()
		require.NoError(t, err)
		return all[1:]
	}
	applications, experts, affinity, conflicts := "application\n", "expert,max\n", "application,expert,affinity\n", "application,expert\n"
	for _, row := range rows("loads") {
		if row[0] == "paper" {
			applications += row[1] + "\n"
		} else {
			experts += fmt.Sprintf("%s,%d\n", row[1], most)
		}
	}
	var text strings.Builder
	for _, row := range rows("edges") {
		text.WriteString(strings.Join(row, ",") + "\n")
	}
	affinity += text.String()
	for _, row := range rows("conflicts") {
		conflicts += strings.Join(row, ",") + "\n"
	}
	r := &Reader{Task: Task{Seats: []Seats{{"", per}}}}
	require.NoError(t, r.ReadApplications(strings.NewReader(applications)))
	require.NoError(t, r.ReadExperts(strings.NewReader(experts)))
	require.NoError(t, r.ReadAffinity(strings.NewReader(affinity)))
	require.NoError(t, r.ReadConflicts(strings.NewReader(conflicts)))
	return &r.Task
}

// TestPublished reaches every known optimum of proofs.md, section 4, to its last
// printed digit, and proves it.
func TestPublished(t *testing.T) {
	for _, c := range []struct {
		name      string
		per, most int
		floor     string // "" none, fair
		total     string
		minimum   string // "" not said
	}{
		{"midl2018", 3, 4, "", "201.8848795", ""},
		{"midl2018", 5, 4, "", "258.12191751", ""},
		{"midl2018", 3, 4, "fair", "201.7687", "0.944839"},
		{"midl2018", 5, 4, "fair", "252.9694", "1.523085"},
		{"midl2018", 5, 4, "1.0238", "257.0145", ""},
		{"midl2018", 5, 4, "1.511183185", "253.155993", ""},
		{"aamas2015", 3, 12, "", "1406.25", ""},
		{"aamas2015", 5, 20, "", "2063.75", ""},
		{"aamas2015", 3, 12, "fair", "1375.75", "1.5"},
		{"aamas2015", 5, 20, "fair", "2024.5", "2.25"},
		{"aamas2015", 3, 12, "1.25", "1403.75", ""},
		{"aamas2015", 5, 20, "2", "2059.25", ""},
		{"preflib3", 3, 6, "", "454.25", ""},
		{"preflib3", 5, 10, "", "680", ""},
		{"preflib3", 3, 6, "fair", "454.25", "0.75"},
		{"preflib3", 5, 10, "fair", "680", "1.25"},
	} {
		t.Run(fmt.Sprint(c.name, " ", c.per, " ", c.floor), func(t *testing.T) {
			task := published(t, c.name, c.per, c.most)
			var o Options
			if c.floor == "fair" {
				o.Objective = Fair
			} else if c.floor != "" {
				o.Objective = Minimum
				o.Floor, _ = ParseDecimal(c.floor)
			}
			r, err := Solve(task, o)
			require.NoError(t, err)
			assert.True(t, agrees(r.Total, c.total), "total %s, known %s", r.Total, c.total)
			assert.Equal(t, r.Total, r.Bound)
			if c.minimum != "" {
				assert.True(t, agrees(r.Minimum, c.minimum), "minimum %s, known %s", r.Minimum, c.minimum)
			}
			prove(t, task, r, 0)
		})
	}
}

// agrees tells whether a value, cut or rounded to the digits of a printed one,
// is that.
func agrees(s Sum, printed string) bool {
	want, ok := ParseDecimal(printed)
	_, fraction, _ := strings.Cut(printed, ".")
	step := int64(Unit)
	for range fraction {
		step /= 10
	}
	difference := s.int() - want
	return ok && (fraction == "" || len(fraction) < 3) && difference == 0 || len(fraction) >= 3 && difference > -step && difference < step
}

// TestVectors: the contract's examples are accepted, its forgeries refused.
func TestVectors(t *testing.T) {
	for folder, forgeries := range map[string][]string{"assign-1": {"multiplier", "child"}, "assign-2": {"scale"}, "assign-3": {"panels"}} {
		file := func(name string) []byte { return unpacked(t, shared(t, "check", "vectors", folder, name)) }
		affinity := "affinity.csv"
		if folder == "assign-2" {
			affinity += ".gz"
		}
		certificate := file("K.json")
		terms, err := ReadTerms(certificate)
		require.NoError(t, err)
		r := &Reader{Task: Task{Seats: terms.Seats, UnitCap: terms.UnitCap, Sparse: terms.Sparse}}
		require.NoError(t, r.ReadApplications(bytes.NewReader(file("applications.csv"))))
		require.NoError(t, r.ReadExperts(bytes.NewReader(file("experts.csv"))))
		require.NoError(t, r.ReadAffinity(bytes.NewReader(file(affinity))))
		require.NoError(t, r.ReadConflicts(bytes.NewReader(file("conflicts.csv"))))
		panels, err := r.ReadOutput(bytes.NewReader(file("O.csv")))
		require.NoError(t, err)
		hash := func(name string) string { return journal.Hash(string(file(name))) }
		inputs := Inputs{Applications: hash("applications.csv"), Experts: hash("experts.csv"), Affinity: hash(affinity), Conflicts: hash("conflicts.csv")}
		p, err := Verify(&r.Task, inputs, panels, certificate)
		require.NoError(t, err, folder)
		assert.Equal(t, p.Total, p.TotalBound, folder)
		for _, name := range forgeries {
			forged := unpacked(t, shared(t, "check", "vectors", "bad", "assign-"+name+".json"))
			var refuted *Refuted
			_, err := Verify(&r.Task, inputs, panels, forged)
			assert.ErrorAs(t, err, &refuted, name)
		}
		objective := Total
		if p.MinimumBound != nil {
			objective = Fair
		}
		mine, err := Solve(&r.Task, Options{Objective: objective})
		require.NoError(t, err)
		assert.Equal(t, p.Total, mine.Total.Big(), folder)
	}
}
