package draw

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math"
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

// small is a frame of seven candidates with every feature: two classes in one
// person, a unit cap, an empty unit, an excluded expert.
func small() Frame {
	person := func(i int) string { return PersonDigest(fmt.Sprintf("%032x", i), fmt.Sprintf("passport:E%d", i)) }
	return Frame{Spec: Spec, Review: "2025-ZD-01-P01", Attempt: 1, RulePack: "demo@1#" + strings.Repeat("ab", 32), Holders: []string{"bureau", "supervisor"}, UnitCap: 1,
		Seats: []Seats{{"technical", 3}, {"finance", 1}},
		Candidates: []Candidate{{"E01", "U1", []string{"technical"}, person(1)}, {"E02", "U1", []string{"technical"}, person(2)}, {"E03", "U2", []string{"finance", "technical"}, person(3)},
			{"E04", "U3", []string{"technical"}, person(4)}, {"E05", "", []string{"technical"}, person(5)}, {"E06", "U2", []string{"finance"}, person(6)}, {"E07", "U4", []string{"technical"}, person(7)}},
		Excluded: []Excluded{{"E08", "same_unit", "hard", person(8)}}}
}

var reveals = []Reveal{{"bureau", strings.Repeat("0a", 16)}, {"supervisor", strings.Repeat("0b", 16)}}

// committed is what testdata/draw.json holds: the small frame drawn, one seat
// declined and one application recused.
func committed(t *testing.T) Record {
	t.Helper()
	record, err := Run(small(), reveals, "")
	require.NoError(t, err)
	p, err := NewPanel(record)
	require.NoError(t, err)
	fits := func(string) string { return "" }
	first := record.Seats[0]
	row, err := p.Fill(first.Class, first.Code, "", fits, nil)
	require.NoError(t, err)
	record.Vacancies = append(record.Vacancies, row)
	last := p.Sitting("")[3]
	row, err = p.Fill(last.Class, last.Code, "A-001", func(string) string { return "declined" }, &Appointed{"E09", "U9", PersonDigest(strings.Repeat("9", 32), "passport:E9")})
	require.NoError(t, err)
	record.Vacancies = append(record.Vacancies, row)
	return record
}

// lines is the journal such a draw leaves.
func lines(t *testing.T, record Record, change func([]journal.Entry) []journal.Entry) []byte {
	t.Helper()
	var entries []journal.Entry
	add := func(act string, facts map[string]any) {
		facts["frame"] = record.FrameHash
		entries = append(entries, journal.Entry{At: "2025-05-12T01:00:00Z", Actor: "system", Act: act, Object: "draw/d1", Facts: facts})
	}
	add("frame.freeze", map[string]any{})
	for _, c := range record.Commitments {
		add("draw.commit", map[string]any{"holder": c.Holder, "commitment": c.Hash})
	}
	for _, r := range record.Reveals {
		add("draw.reveal", map[string]any{"holder": r.Holder})
	}
	bare := record
	bare.Vacancies = []Vacancy{}
	hash, err := journal.HashOf(bare)
	require.NoError(t, err)
	add("draw.run", map[string]any{"record": hash})
	for _, v := range record.Vacancies {
		hash, err := journal.HashOf(v)
		require.NoError(t, err)
		add("vacancy.fill", map[string]any{"vacancy": hash})
	}
	if change != nil {
		entries = change(entries)
	}
	var out bytes.Buffer
	head := journal.Genesis
	for _, e := range entries {
		sealed, err := journal.Seal(head, e)
		require.NoError(t, err)
		head = journal.Checkpoint{Seq: sealed.Seq, Hash: sealed.Hash}
		line, err := journal.Canonical(sealed)
		require.NoError(t, err)
		out.Write(append(line, '\n'))
	}
	return out.Bytes()
}

// TestCommittedVector: the same frame and secrets give the same record, byte by
// byte, for ever; and the committed record and journal verify.
func TestCommittedVector(t *testing.T) {
	record := committed(t)
	canonical, err := journal.Canonical(record)
	require.NoError(t, err)
	chain := lines(t, record, nil)
	file, chainFile := filepath.Join("testdata", "draw.json"), filepath.Join("testdata", "journal.jsonl")
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(file, canonical, 0o644))
		require.NoError(t, os.WriteFile(chainFile, chain, 0o644))
	}
	kept, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, string(kept), string(canonical))
	parsed, err := ParseRecord(kept)
	require.NoError(t, err)
	require.NoError(t, Verify(parsed))
	data, err := os.ReadFile(chainFile)
	require.NoError(t, err)
	require.NoError(t, VerifyJournal(parsed, bytes.NewReader(data)))
}

func clone(t *testing.T, r Record) Record {
	t.Helper()
	data, err := json.Marshal(r)
	require.NoError(t, err)
	out, err := ParseRecord(data)
	require.NoError(t, err)
	return out
}

// TestForgeries: whatever is changed in a record, it no longer verifies.
func TestForgeries(t *testing.T) {
	good := committed(t)
	require.NoError(t, Verify(good))
	for name, forge := range map[string]func(*Record){
		"another candidate":                func(r *Record) { r.Frame.Candidates[0].Code = "E00" },
		"a candidate fewer":                func(r *Record) { r.Frame.Candidates = r.Frame.Candidates[1:] },
		"another unit":                     func(r *Record) { r.Frame.Candidates[0].Unit = "U5" },
		"another person behind a code":     func(r *Record) { r.Frame.Candidates[0].Person = r.Frame.Candidates[1].Person },
		"a wider cap":                      func(r *Record) { r.Frame.UnitCap = 2 },
		"a seat more":                      func(r *Record) { r.Frame.Seats[0].Count = 4 },
		"another attempt":                  func(r *Record) { r.Frame.Attempt = 2 },
		"another pack":                     func(r *Record) { r.Frame.RulePack = "demo@2#" + strings.Repeat("ab", 32) },
		"an excluded expert let in":        func(r *Record) { r.Frame.Excluded = []Excluded{} },
		"another secret":                   func(r *Record) { r.Reveals[0].Secret = strings.Repeat("0c", 16) },
		"another commitment":               func(r *Record) { r.Commitments[0].Hash = strings.Repeat("0c", 32) },
		"a holder fewer":                   func(r *Record) { r.Reveals = r.Reveals[:1] },
		"another seed":                     func(r *Record) { r.Seed = strings.Repeat("0c", 32) },
		"a beacon nobody named":            func(r *Record) { r.Beacon = "20250512" },
		"another seated":                   func(r *Record) { r.Seats[0].Code = r.Alternates[0].Codes[0] },
		"alternates reordered":             func(r *Record) { slices.Reverse(r.Alternates[0].Codes) },
		"an alternate forgotten":           func(r *Record) { r.Alternates[0].Codes = r.Alternates[0].Codes[1:] },
		"a skipped one forgotten":          func(r *Record) { r.Skipped = append(r.Skipped, Skipped{"technical", "E01", "unit"}) },
		"a vacancy filled by a friend":     func(r *Record) { r.Vacancies[0].Code = "E06" },
		"an alternate jumped":              func(r *Record) { r.Vacancies[0].Passed = append(r.Vacancies[0].Passed, Passed{"E01", "declined"}) },
		"an unknown reason":                func(r *Record) { r.Vacancies[1].Passed[0].Why = "unwilling" },
		"appointed although somebody fits": func(r *Record) { r.Vacancies[0].Appointed = &Appointed{"E10", "", strings.Repeat("0", 64)} },
		"appointed a candidate":            func(r *Record) { r.Vacancies[1].Appointed.Code = "E02" },
		"a vacancy twice":                  func(r *Record) { r.Vacancies = append(r.Vacancies, r.Vacancies[0]) },
	} {
		t.Run(name, func(t *testing.T) {
			forged := clone(t, good)
			forge(&forged)
			assert.Error(t, Verify(forged))
		})
	}
}

// TestJournalOfADraw: the entries must be there, in this order, for this frame.
func TestJournalOfADraw(t *testing.T) {
	record := committed(t)
	for name, change := range map[string]func([]journal.Entry) []journal.Entry{
		"nothing":                   func([]journal.Entry) []journal.Entry { return nil },
		"no freeze":                 func(e []journal.Entry) []journal.Entry { return e[1:] },
		"a commitment missing":      func(e []journal.Entry) []journal.Entry { return slices.Delete(e, 1, 2) },
		"a commitment after reveal": func(e []journal.Entry) []journal.Entry { e[2], e[3] = e[3], e[2]; return e },
		"not run":                   func(e []journal.Entry) []journal.Entry { return slices.Delete(e, 5, 6) },
		"a vacancy hidden":          func(e []journal.Entry) []journal.Entry { return e[:len(e)-1] },
		"a vacancy more":            func(e []journal.Entry) []journal.Entry { return append(e, e[len(e)-1]) },
		"vacancies exchanged": func(e []journal.Entry) []journal.Entry {
			n := len(e)
			e[n-1], e[n-2] = e[n-2], e[n-1]
			return e
		},
		"another commitment journalled": func(e []journal.Entry) []journal.Entry {
			e[1].Facts["commitment"] = strings.Repeat("0c", 32)
			return e
		},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Error(t, VerifyJournal(record, bytes.NewReader(lines(t, record, change))))
		})
	}
}

// TestFeasible agrees with trying every seating, on thousands of small frames.
func TestFeasible(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	feasible, infeasible := 0, 0
	for range 4000 {
		f := Frame{UnitCap: random.IntN(3), Seats: []Seats{{"a", 1 + random.IntN(2)}, {"b", random.IntN(3)}}}
		for i := range 2 + random.IntN(4) {
			c := Candidate{Code: fmt.Sprintf("E%d", i), Unit: []string{"", "U1", "U2"}[random.IntN(3)]}
			for _, class := range []string{"a", "b"} {
				if random.IntN(2) == 0 {
					c.Classes = append(c.Classes, class)
				}
			}
			f.Candidates = append(f.Candidates, c)
		}
		want := bySearch(f, 0, map[string]bool{}, map[string]int{})
		require.Equal(t, want, Feasible(f), "%+v", f)
		if want {
			feasible++
		} else {
			infeasible++
		}
	}
	assert.Greater(t, feasible, 500)
	assert.Greater(t, infeasible, 500)
}

// bySearch seats everybody in every way.
func bySearch(f Frame, seat int, used map[string]bool, units map[string]int) bool {
	class, n := "", seat
	for _, s := range f.Seats {
		if n < s.Count {
			class = s.Class
			break
		}
		n -= s.Count
	}
	if class == "" {
		return true
	}
	for _, c := range f.Candidates {
		if used[c.Code] || !slices.Contains(c.Classes, class) || (f.UnitCap > 0 && c.Unit != "" && units[c.Unit] >= f.UnitCap) {
			continue
		}
		used[c.Code], units[c.Unit] = true, units[c.Unit]+1
		found := bySearch(f, seat+1, used, units)
		used[c.Code], units[c.Unit] = false, units[c.Unit]-1
		if found {
			return true
		}
	}
	return false
}

// TestFair: over many secrets every candidate of a class is drawn as often.
func TestFair(t *testing.T) {
	f := small()
	f.UnitCap, f.Seats = 0, []Seats{{"technical", 3}}
	const runs = 6000
	drawn := map[string]int{}
	for i := range runs {
		record, err := Run(f, []Reveal{{"bureau", fmt.Sprintf("%032x", i)}, reveals[1]}, "")
		require.NoError(t, err)
		for _, s := range record.Seats {
			drawn[s.Code]++
		}
	}
	expected := float64(runs) * 3 / 6
	for code, n := range drawn {
		assert.Less(t, math.Abs(float64(n)-expected), 5*math.Sqrt(expected/2), "%s drawn %d times of %d", code, n, runs)
	}
	assert.Len(t, drawn, 6)
}

func FuzzRecord(f *testing.F) {
	kept, err := os.ReadFile(filepath.Join("testdata", "draw.json"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(kept)
	f.Fuzz(func(t *testing.T, data []byte) {
		record, err := ParseRecord(data)
		if err == nil && Verify(record) == nil && !bytes.Contains(data, []byte(record.Seed)) {
			t.Fatal("verified without its seed")
		}
	})
}
