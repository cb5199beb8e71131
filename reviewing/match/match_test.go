package match

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/experts/draw"
	"keping/rbac/journal"
	"keping/reviewing/chance"
)

var reveals = []draw.Reveal{{Holder: "bureau", Secret: strings.Repeat("0a", 16)}, {Holder: "supervisor", Secret: strings.Repeat("0b", 16)}}

// instance of so many applications, and experts of three classes in turn, four
// of a unit; affinities and conflicts from the seed.
func instance(seed uint64, applications, experts, load, best int) (Frame, Files) {
	random := chance.New(seed)
	f := Frame{Load: load, Best: best, Pool: draw.Frame{Spec: draw.Spec, Review: "P01", Attempt: 1, RulePack: "demo@1#" + strings.Repeat("ab", 32),
		Holders: []string{"bureau", "supervisor"}, UnitCap: 1, Excluded: []draw.Excluded{},
		Seats: []draw.Seats{{Class: "technical", Count: 3}, {Class: "management", Count: 1}, {Class: "finance", Count: 1}}}}
	classes := []string{"technical", "management", "technical", "finance", "technical"}
	for j := range experts {
		f.Pool.Candidates = append(f.Pool.Candidates, draw.Candidate{Code: fmt.Sprintf("E%04d", j+1), Unit: fmt.Sprintf("U%03d", j/4), Classes: []string{classes[j%5]}, Person: journal.Hash(fmt.Sprint(j))})
	}
	var a, affinities, conflicts [][]string
	for i := range applications {
		number := fmt.Sprintf("A%03d", i+1)
		a = append(a, []string{number})
		for j := range experts {
			code := f.Pool.Candidates[j].Code
			affinities = append(affinities, []string{number, code, Share(random.Below(10001))})
			if random.Below(20) == 0 {
				conflicts = append(conflicts, []string{number, code})
			}
		}
	}
	return f, Files{Applications: table("application", a), Affinity: table("application,expert,affinity", affinities), Conflicts: table("application,expert", conflicts)}
}

func table(header string, rows [][]string) []byte {
	out := header + "\n"
	for _, row := range rows {
		out += strings.Join(row, ",") + "\n"
	}
	return []byte(out)
}

func run(t testing.TB, f Frame, files Files) Record {
	t.Helper()
	require.NoError(t, Freeze(&f, files, nil))
	r, err := Run(f, files, reveals, nil)
	require.NoError(t, err)
	return r
}

// TestMatch: every rule holds, the record survives writing and reading, and
// anybody can compute it again; whatever is forged shows.
func TestMatch(t *testing.T) {
	for _, best := range []int{0, 2} {
		t.Run(fmt.Sprint("best ", best), func(t *testing.T) {
			f, files := instance(1, 12, 60, 3, best)
			if best == 0 {
				files[Affinity] = []byte("application,expert,affinity\nA001,E0001,0.5000\n") // nearly all are as good
			}
			r := run(t, f, files)
			assert.Equal(t, r.Total, r.Bound, "proved")
			require.NoError(t, Verify(r, files))
			data, err := journal.Canonical(r)
			require.NoError(t, err)
			read, err := ParseRecord(data)
			require.NoError(t, err)
			assert.Equal(t, r, read)
			p, err := NewPanel(&r)
			require.NoError(t, err)
			for i := range 12 {
				var classes []string
				units := map[string]bool{}
				for _, s := range p.Of(fmt.Sprintf("A%03d", i+1)) {
					classes = append(classes, s.Class)
					units[p.UnitOf(s.Code)] = true
				}
				assert.Equal(t, []string{"technical", "technical", "technical", "management", "finance"}, classes)
				assert.Len(t, units, 5, "one of a unit")
			}
			for name, forge := range map[string]func(r *Record, files Files){
				"seed": func(r *Record, _ Files) { r.Seed = strings.Repeat("0", 64) },
				"secret": func(r *Record, _ Files) {
					r.Reveals = slices.Clone(reveals)
					r.Reveals[0].Secret = strings.Repeat("0c", 16)
				},
				"total": func(r *Record, _ Files) { r.Total += "1" },
				"bound": func(r *Record, _ Files) { r.Bound += "1" },
				"panels": func(r *Record, _ Files) {
					r.Panels = slices.Clone(r.Panels)
					r.Panels[0], r.Panels[1] = r.Panels[1], r.Panels[0]
				},
				"engine":      func(r *Record, _ Files) { r.Frame.Engine += "x" },
				"load":        func(r *Record, _ Files) { r.Frame.Load++ },
				"unit cap":    func(r *Record, _ Files) { r.Frame.Pool.UnitCap++ },
				"a candidate": func(r *Record, _ Files) { r.Frame.Pool.Candidates = r.Frame.Pool.Candidates[1:] },
				"affinity":    func(_ *Record, files Files) { files[Affinity] = append(slices.Clone(files[Affinity]), '\n') },
				"conflicts":   func(_ *Record, files Files) { files[Conflicts] = []byte("application,expert\n") },
				"assignment": func(_ *Record, files Files) {
					files[Assignment] = []byte(strings.Replace(string(files[Assignment]), "A001", "A002", 1))
				},
				"experts": func(_ *Record, files Files) {
					files[Experts] = []byte(strings.Replace(string(files[Experts]), ",3,", ",9,", 1))
				},
				"as good a panel": func(r *Record, files Files) { // of the same values throughout
					*r, files[Assignment] = exchanged(*r, files[Assignment])
				},
				"a file less": func(_ *Record, files Files) { delete(files, Certificate) },
			} {
				forged, changed := r, maps.Clone(files)
				forge(&forged, changed)
				assert.Error(t, Verify(forged, changed), name)
			}
			again := run(t, f, Files{Applications: files[Applications], Affinity: files[Affinity], Conflicts: files[Conflicts]})
			assert.Equal(t, r, again)
		})
	}
}

// exchanged swaps two panels in record and file as far as the hash of the file.
func exchanged(r Record, assignment []byte) (Record, []byte) {
	text := strings.NewReplacer("A011,", "A012,", "A012,", "A011,").Replace(string(assignment))
	rows := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	slices.Sort(rows[1:])
	out := []byte(strings.Join(rows, "\n") + "\n")
	r.Panels, r.Files = slices.Clone(r.Panels), slices.Clone(r.Files)
	r.Panels[10], r.Panels[11] = Seats{"A011", r.Panels[11].Codes}, Seats{"A012", r.Panels[10].Codes}
	for i := range r.Files {
		if r.Files[i].Name == Assignment {
			r.Files[i].Hash = journal.Hash(string(out))
		}
	}
	return r, out
}

// TestReplace: who leaves is replaced and nobody else is moved; when nobody is
// left the seat stays open until somebody is appointed.
func TestReplace(t *testing.T) {
	for _, best := range []int{0, 2} {
		t.Run(fmt.Sprint("best ", best), func(t *testing.T) {
			f, files := instance(2, 12, 60, 3, best)
			r := run(t, f, files)
			p, err := NewPanel(&r)
			require.NoError(t, err)
			before := map[string][]draw.Seated{}
			for _, row := range r.Panels {
				before[row.Application] = p.Of(row.Application)
			}
			leaver := p.Of("A001")[0].Code
			change, err := p.Replace(files, leaver, "", nil, nil)
			require.NoError(t, err)
			changed := 0
			for a, was := range before {
				for i, s := range p.Of(a) {
					switch {
					case was[i].Code != leaver:
						assert.Equal(t, was[i], s)
					default:
						changed++
						assert.NotEqual(t, leaver, s.Code)
						assert.NotEmpty(t, s.Code)
					}
				}
			}
			assert.Len(t, change.Filled, changed)
			recused := p.Of("A002")[1].Code
			other := Passed{Code: change.Filled[0].Code, Why: "excluded"}
			change, err = p.Replace(files, recused, "A002", []Passed{other}, nil)
			require.NoError(t, err)
			require.Len(t, change.Filled, 1)
			assert.NotContains(t, []string{recused, leaver, other.Code}, change.Filled[0].Code)
			require.NoError(t, Verify(r, files))

			for n := 0; p.Open("finance", "A003") == ""; n++ { // until the class is exhausted
				require.Less(t, n, 20)
				_, err = p.Replace(files, p.Of("A003")[4].Code, "", nil, nil)
				require.NoError(t, err)
			}
			last := p.Open("finance", "A003")
			_, err = p.Replace(files, last, "A003", nil, &draw.Appointed{Code: "E9999", Unit: "U999", Person: strings.Repeat("a", 64)})
			require.NoError(t, err)
			assert.Equal(t, "E9999", p.Of("A003")[4].Code)
			require.NoError(t, Verify(r, files))
			again, err := NewPanel(&r)
			require.NoError(t, err)
			for _, row := range r.Panels {
				assert.Equal(t, p.Of(row.Application), again.Of(row.Application))
			}
			for i := range r.Changes {
				if filled := r.Changes[i].Filled; len(filled) > 0 {
					forged := r
					forged.Changes = slices.Clone(r.Changes)
					forged.Changes[i].Filled = slices.Clone(filled)
					forged.Changes[i].Filled[0].Code = ""
					if filled[0].Code != "" {
						assert.Error(t, Verify(forged, files), "seat %d", i)
					}
				}
			}
			_, err = p.Replace(files, "E0000", "", nil, nil)
			assert.Error(t, err)
			_, err = p.Replace(files, leaver, "A001", nil, nil)
			assert.Error(t, err, "sits there no longer")
		})
	}
}

// TestLacking: what cannot be matched is refused at the freeze with the reason.
func TestLacking(t *testing.T) {
	for name, change := range map[string]func(f *Frame){
		"load":  func(f *Frame) { f.Load = 1 },
		"best":  func(f *Frame) { f.Best = 13 },
		"class": func(f *Frame) { f.Pool.Seats[1].Count = 13 },
		"units": func(f *Frame) {
			f.Best, f.Pool.Seats[0].Count, f.Pool.Seats[1].Count, f.Pool.Seats[2].Count = 0, 6, 6, 4
		},
	} {
		f, files := instance(3, 13, 60, 3, 2)
		change(&f)
		var lacking *Lacking
		require.ErrorAs(t, Freeze(&f, files, nil), &lacking, name)
		assert.NotEmpty(t, lacking.Reason)
	}
	f, files := instance(3, 12, 60, 3, 1)
	assert.ErrorContains(t, Freeze(&f, files, nil), "best")
}

// TestSeedDecides: the secrets choose among equal matches and draw by lot; two
// seeds of a hundred draw the same panels once in a while, never always.
func TestSeedDecides(t *testing.T) {
	for _, best := range []int{0, 3} {
		f, files := instance(4, 6, 60, 3, best)
		files[Affinity] = []byte("application,expert,affinity\n") // all equally good
		require.NoError(t, Freeze(&f, files, nil))
		seen := map[string]bool{}
		for i := range 20 {
			secrets := slices.Clone(reveals)
			secrets[0].Secret = fmt.Sprintf("%032x", i)
			r, err := Run(f, maps.Clone(files), secrets, nil)
			require.NoError(t, err)
			seen[fmt.Sprint(r.Panels)] = true
		}
		assert.Greater(t, len(seen), 15, "best %d", best)
	}
}

// TestFilled: of all ways to fill the open seats a change takes one that fills
// as many as trying all of them shows to be possible, with the greatest value.
func TestFilled(t *testing.T) {
	several, stuck, limited := 0, 0, 0
	for seed := range uint64(300) {
		random := chance.New(seed)
		f, files := instance(seed, 2+random.Below(2), 14+random.Below(8), 1+random.Below(3), []int{0, 0, 2}[random.Below(3)])
		f.Pool.Seats[1].Count = 1 + random.Below(2)
		f.Pool.UnitCap = 1 + random.Below(3)
		if Freeze(&f, files, nil) != nil {
			continue
		}
		r, err := Run(f, files, reveals, nil)
		require.NoError(t, err)
		p, err := NewPanel(&r)
		require.NoError(t, err)
		away := map[string]bool{}
		passed := []Passed{}
		for range 8 {
			row := r.Panels[random.Below(len(r.Panels))]
			sits := slices.DeleteFunc(p.Of(row.Application), func(x draw.Seated) bool { return x.Code == "" })
			if len(sits) == 0 {
				break
			}
			leaver, application := sits[random.Below(len(sits))], []string{"", row.Application}[random.Below(2)]
			for _, c := range f.Pool.Candidates { // who is not there today may be tomorrow
				if away[c.Code] = random.Below(3) == 0; away[c.Code] {
					passed = append(passed, Passed{Code: c.Code, Why: "unavailable"})
				}
			}
			if random.Below(8) == 0 {
				passed = append(passed, Passed{Application: r.Panels[0].Application, Why: "withdrawn"})
			}
			change, err := p.Replace(files, leaver.Code, application, slices.Clone(passed), nil)
			require.NoError(t, err)
			number, value, cap := p.brute(t, files, change)
			got, sum := 0, int64(0)
			values, err := p.values(files)
			require.NoError(t, err)
			for _, x := range change.Filled {
				if x.Code != "" {
					v, may := values(x.Application, x.Code)
					assert.True(t, may)
					got, sum = got+1, sum+v
				}
			}
			require.Equal(t, number, got, "seed %d", seed)
			require.Equal(t, value, sum, "seed %d", seed)
			if got > 1 {
				several++
			}
			if got < len(change.Filled) {
				stuck++
			}
			limited += cap
			passed = slices.DeleteFunc(passed, func(x Passed) bool { return x.Code != "" })
		}
		require.NoError(t, Verify(r, files), "seed %d", seed)
	}
	assert.Greater(t, several, 100)
	assert.Greater(t, stuck, 100)
	assert.Greater(t, limited, 100, "the unit cap has kept somebody out")
}

// brute tries all ways to fill what a change, the last, has filled or left open:
// the most seats, the greatest value with as many, and whether a cap kept
// anybody out.
func (p *Panel) brute(t *testing.T, files Files, last Replacement) (number int, value int64, limited int) {
	values, err := p.values(files)
	require.NoError(t, err)
	seats, load, left := map[string][]string{}, map[string]int{}, map[string]bool{}
	taken := slices.Clone(last.Filled)
	class := p.people[last.Vacated].Classes[0]
	for _, a := range p.applications {
		for _, s := range p.Of(a) {
			at := slices.Index(taken, Filled{a, s.Code})
			if s.Class == class && s.Code != "" && at >= 0 {
				taken = slices.Delete(taken, at, at+1)
				continue
			}
			if seats[a] = append(seats[a], s.Code); !p.withdrawn[a] {
				load[s.Code]++
			}
		}
	}
	before := map[string][]string{}
	for _, row := range p.record.Panels {
		before[row.Application] = slices.Clone(row.Codes)
	}
	for _, change := range p.record.Changes {
		for a, codes := range before {
			if (change.Application == "" || change.Application == a) && slices.Contains(codes, change.Vacated) {
				left[a+change.Vacated] = true
			}
		}
		if change.Application == "" {
			left[change.Vacated] = true
		}
		for _, f := range change.Filled {
			before[f.Application] = append(before[f.Application], f.Code)
		}
	}
	away := func(code, a string) bool {
		return left[code] || left[a+code] || slices.ContainsFunc(last.Passed, func(x Passed) bool {
			return x.Code == code && (x.Application == "" || x.Application == a)
		})
	}
	var try func(k, n int, sum int64)
	try = func(k, n int, sum int64) {
		if k == len(last.Filled) {
			if n > number || n == number && sum > value {
				number, value = n, sum
			}
			return
		}
		a := last.Filled[k].Application
		for _, c := range p.record.Frame.Pool.Candidates {
			v, may := values(a, c.Code)
			if !may || c.Classes[0] != class || away(c.Code, a) || load[c.Code] >= p.record.Frame.Load || slices.Contains(seats[a], c.Code) {
				continue
			}
			same := 0
			for _, code := range seats[a] {
				if code != "" && p.people[code].Unit == c.Unit {
					same++
				}
			}
			if same >= p.record.Frame.Pool.UnitCap {
				limited = 1
				continue
			}
			seats[a] = append(seats[a], c.Code)
			load[c.Code]++
			try(k+1, n+1, sum+v)
			seats[a] = seats[a][:len(seats[a])-1]
			load[c.Code]--
		}
		try(k+1, n, sum)
	}
	try(0, 0, 0)
	return number, value, limited
}

// TestReplaceRefused: facts of the day that cannot be, and appointments where
// nothing is open, are refused by whoever reads the record.
func TestReplaceRefused(t *testing.T) {
	f, files := instance(2, 6, 40, 3, 0)
	r := run(t, f, files)
	somebody := r.Panels[0].Codes[0]
	person := &draw.Appointed{Code: "E9999", Unit: "U999", Person: strings.Repeat("a", 64)}
	for name, c := range map[string]struct {
		application string
		passed      []Passed
		appointed   *draw.Appointed
	}{
		"appointed to nothing":     {"", nil, person},
		"appointed to a withdrawn": {"A001", []Passed{{Application: "A001", Why: "withdrawn"}}, person},
		"appointed where one can":  {"A001", nil, person},
		"an application declines":  {"", []Passed{{Application: "A001", Why: "declined"}}, nil},
		"a person is withdrawn":    {"", []Passed{{Code: "E0001", Why: "withdrawn"}}, nil},
		"nobody":                   {"", []Passed{{Code: "E0000", Why: "declined"}}, nil},
		"no such application":      {"", []Passed{{Code: "E0001", Application: "A000", Why: "recused"}}, nil},
		"nothing at all":           {"", []Passed{{Why: "withdrawn"}}, nil},
		"no reason":                {"", []Passed{{Code: "E0001", Why: "tired"}}, nil},
		"not there":                {"A000", nil, nil},
	} {
		again := r
		p, err := NewPanel(&again)
		require.NoError(t, err)
		_, err = p.Replace(files, somebody, c.application, c.passed, c.appointed)
		assert.Error(t, err, name)
		forged := r
		forged.Changes = []Replacement{{Vacated: somebody, Application: c.application, Passed: append([]Passed{}, c.passed...), Filled: []Filled{}, Appointed: c.appointed}}
		assert.Error(t, Verify(forged, maps.Clone(files)), name)
	}
}

// FuzzRecord: no record makes reading or verification panic, and none verifies
// that is another.
func FuzzRecord(f *testing.F) {
	frame, files := instance(1, 4, 20, 2, 0)
	require.NoError(f, Freeze(&frame, files, nil))
	r, err := Run(frame, files, reveals, nil)
	require.NoError(f, err)
	p, err := NewPanel(&r)
	require.NoError(f, err)
	_, err = p.Replace(files, r.Panels[0].Codes[0], "", []Passed{{Application: "A002", Why: "withdrawn"}}, nil)
	require.NoError(f, err)
	kept, err := journal.Canonical(r)
	require.NoError(f, err)
	f.Add(kept)
	f.Fuzz(func(t *testing.T, data []byte) {
		record, err := ParseRecord(data)
		if err != nil || Verify(record, maps.Clone(files)) != nil {
			return
		}
		assert.Equal(t, r.FrameHash, record.FrameHash)
		assert.Equal(t, r.Seed, record.Seed)
		assert.Equal(t, r.Panels, record.Panels)
	})
}
