package match

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"keping/experts/draw"
	"keping/rbac/journal"
	"keping/reviewing/assign"
)

// Replacement is one expert's leaving and who takes the seats given up; open seats
// of the class that nobody could take before are tried again.
type Replacement struct {
	Vacated     string          `json:"vacated"`
	Application string          `json:"application"` // "" all of them
	Passed      []Passed        `json:"passed"`
	Filled      []Filled        `json:"filled"`
	Appointed   *draw.Appointed `json:"appointed"`
}

// Passed is a fact of the day: who cannot sit, or not on one application, and
// why (Reasons); with Code "" an application that needs nobody any more.
type Passed struct {
	Code        string `json:"code"`
	Application string `json:"application"`
	Why         string `json:"why"`
}

// Filled is one seat of the change; with Code "" it stays open.
type Filled struct {
	Application string `json:"application"`
	Code        string `json:"code"`
}

// Reasons of Passed.
var Reasons = []string{"declined", "no_answer", "unavailable", "recused", "excluded", "withdrawn"}

// seat of an application: its class and who sits, "" while open.
type seat struct{ class, code string }

// Panel is a match with its changes: who sits on which application.
type Panel struct {
	record       *Record
	applications []string
	seats        map[string][]seat
	people       map[string]draw.Candidate
	gone         map[string]bool            // from the whole match
	left         map[string]map[string]bool // application → who has left it
	load         map[string]int             // of everybody who ever sat
}

// NewPanel seats what was matched and applies the changes.
func NewPanel(r *Record) (*Panel, error) {
	p := &Panel{record: r, seats: map[string][]seat{}, people: map[string]draw.Candidate{}, gone: map[string]bool{}, left: map[string]map[string]bool{}, load: map[string]int{}}
	for _, c := range r.Frame.Pool.Candidates {
		p.people[c.Code] = c
	}
	for _, row := range r.Panels {
		if p.seats[row.Application] != nil {
			return nil, fmt.Errorf("项目%s出现两次", row.Application)
		}
		p.applications = append(p.applications, row.Application)
		at := 0
		for _, s := range r.Frame.Pool.Seats {
			for range s.Count {
				if at == len(row.Codes) {
					return nil, fmt.Errorf("项目%s的席位不足", row.Application)
				}
				code := row.Codes[at]
				if c, known := p.people[code]; !known || !slices.Equal(c.Classes, []string{s.Class}) {
					return nil, fmt.Errorf("项目%s：%s不是%s类候选人", row.Application, code, s.Class)
				}
				p.seats[row.Application] = append(p.seats[row.Application], seat{s.Class, code})
				p.load[code]++
				at++
			}
		}
	}
	for i, change := range r.Changes {
		if err := p.apply(change); err != nil {
			return nil, fmt.Errorf("第%d次变更：%w", i+1, err)
		}
	}
	return p, nil
}

// Sitting is the panel of an application, or ("") everybody of the match who
// has not left it, be it without an application for the time being.
func (p *Panel) Sitting(application string) []draw.Seated {
	var out []draw.Seated
	if application != "" {
		for _, s := range p.seats[application] {
			out = append(out, draw.Seated{Class: s.class, Code: s.code})
		}
		return out
	}
	for _, s := range p.record.Frame.Pool.Seats {
		for _, code := range slices.Sorted(maps.Keys(p.load)) {
			if !p.gone[code] && p.people[code].Classes[0] == s.Class {
				out = append(out, draw.Seated{Class: s.Class, Code: code})
			}
		}
	}
	return out
}

// UnitOf is the unit pseudonym of a code.
func (p *Panel) UnitOf(code string) string { return p.people[code].Unit }

// Open tells who last left an open seat of a class on an application, or "".
func (p *Panel) Open(class, application string) string {
	if !slices.Contains(p.seats[application], seat{class, ""}) {
		return ""
	}
	for _, change := range slices.Backward(p.record.Changes) {
		if p.people[change.Vacated].Classes[0] == class && slices.Contains(change.Filled, Filled{application, ""}) {
			return change.Vacated
		}
	}
	return ""
}

// targets are the applications on which a leaver's seats, and open seats of the
// class, are to be filled.
func (p *Panel) targets(vacated, application string, passed []Passed) ([]string, error) {
	person, known := p.people[vacated]
	if !known {
		return nil, fmt.Errorf("没有%s这名专家", vacated)
	}
	var out []string
	sat := false
	for _, a := range p.applications {
		if slices.ContainsFunc(passed, func(x Passed) bool { return x.Code == "" && x.Application == a }) {
			continue
		}
		for _, s := range p.seats[a] {
			leaves := s.code == vacated && (application == "" || application == a)
			sat = sat || leaves
			if leaves || s == (seat{person.Classes[0], ""}) {
				out = append(out, a)
			}
		}
	}
	if !sat && application != "" && !slices.Contains(out, application) {
		return nil, fmt.Errorf("%s不在项目%s的席位上", vacated, application)
	}
	return slices.Compact(out), nil
}

// Replace makes the next change: who is vacated leaves one application, or ("")
// all of them. An appointed person takes a seat of one application that nobody
// else could. The panel moves on to the new state.
func (p *Panel) Replace(files Files, vacated, application string, passed []Passed, appointed *draw.Appointed) (Replacement, error) {
	slices.SortFunc(passed, func(a, b Passed) int {
		return cmp.Or(cmp.Compare(a.Code, b.Code), cmp.Compare(a.Application, b.Application), cmp.Compare(a.Why, b.Why))
	})
	if passed = slices.Compact(passed); passed == nil {
		passed = []Passed{}
	}
	change := Replacement{Vacated: vacated, Application: application, Passed: passed, Filled: []Filled{}, Appointed: appointed}
	targets, err := p.targets(vacated, application, passed)
	if err != nil {
		return change, err
	}
	chosen, err := p.choose(files, change, targets)
	if err != nil {
		return change, err
	}
	for _, a := range targets {
		code := chosen[a]
		if appointed != nil && a == application {
			if code != "" {
				return change, fmt.Errorf("候选人%s可以递补，不得直接指定", code)
			}
			code = appointed.Code
		}
		change.Filled = append(change.Filled, Filled{a, code})
	}
	if err := p.apply(change); err != nil {
		return change, err
	}
	p.record.Changes = append(p.record.Changes, change)
	return change, nil
}

// choose finds who takes the seats: an assignment in which everybody's further
// applications are bounded and a seat that stays open costs more than all
// affinities are worth.
func (p *Panel) choose(files Files, change Replacement, targets []string) (map[string]string, error) {
	if len(targets) == 0 {
		return nil, nil
	}
	class := p.people[change.Vacated].Classes[0]
	values, err := p.values(files)
	if err != nil {
		return nil, err
	}
	barred := func(code, application string) bool {
		return slices.ContainsFunc(change.Passed, func(x Passed) bool {
			return x.Code == code && (x.Application == "" || x.Application == application)
		})
	}
	t := assign.Task{Applications: targets, Seats: []assign.Seats{{Class: class, Count: 1}}, Sparse: true, Listed: make([][]assign.Pair, len(targets)), Barred: make([][]int32, len(targets))}
	for _, c := range p.record.drawn() {
		if c.Classes[0] == class && !p.gone[c.Code] && c.Code != change.Vacated && !barred(c.Code, "") {
			t.Experts = append(t.Experts, assign.Expert{Name: c.Code, Class: class, Max: max(0, p.record.Frame.Load-p.load[c.Code])})
		}
	}
	filled := (2*int64(len(targets)) + 1) * assign.Unit
	for i, a := range targets {
		for j, e := range t.Experts {
			if value, may := values(a, e.Name); may && e.Max > 0 && !barred(e.Name, a) && p.fits(a, change.Vacated, e.Name) == nil {
				t.Listed[i] = append(t.Listed[i], assign.Pair{Expert: int32(j), Affinity: filled + value})
			}
		}
		t.Listed[i] = append(t.Listed[i], assign.Pair{Expert: int32(len(t.Experts))})
	}
	t.Experts = append(t.Experts, assign.Expert{Class: class, Max: len(targets)})
	result, err := assign.Solve(&t, assign.Options{})
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for i, a := range targets {
		out[a] = t.Experts[result.Panels[i][0]].Name
	}
	return out, nil
}

// values tells what a pair is worth to a replacement and whether it may be.
func (p *Panel) values(files Files) (func(application, code string) (int64, bool), error) {
	t, _, err := p.record.Frame.task(files, files[Experts], Affinity, 1)
	if err != nil {
		return nil, err
	}
	applications, experts := map[string]int{}, map[string]int32{}
	for i, a := range t.Applications {
		applications[a] = i
	}
	for j, e := range t.Experts {
		experts[e.Name] = int32(j)
	}
	var listed [][]assign.Pair
	if p.record.Frame.Best > 0 {
		shortlisted, _, err := p.record.Frame.task(files, files[Experts], Lots, 1)
		if err != nil {
			return nil, err
		}
		listed = shortlisted.Listed
	}
	return func(application, code string) (int64, bool) {
		i, known := applications[application]
		j, candidate := experts[code]
		if !known || !candidate {
			return 0, false
		}
		if _, conflict := slices.BinarySearch(t.Barred[i], j); conflict {
			return 0, false
		}
		if listed == nil {
			return find(t.Listed[i], j), true
		}
		value := lot(p.record.Seed, application, code)
		if slices.ContainsFunc(listed[i], func(x assign.Pair) bool { return x.Expert == j }) {
			value += assign.Unit
		}
		return value, true
	}, nil
}

func find(listed []assign.Pair, j int32) int64 {
	at, ok := slices.BinarySearchFunc(listed, j, func(x assign.Pair, j int32) int { return int(x.Expert - j) })
	if !ok {
		return 0
	}
	return listed[at].Affinity
}

// fits tells what keeps a code from the seat that vacated gives up.
func (p *Panel) fits(application, vacated, code string) error {
	same, unit := 0, p.people[code].Unit
	for _, s := range p.seats[application] {
		if s.code == code {
			return fmt.Errorf("%s已在项目%s的席位上", code, application)
		}
		if s.code != "" && s.code != vacated && unit != "" && p.people[s.code].Unit == unit {
			same++
		}
	}
	if limit := p.record.Frame.Pool.UnitCap; limit > 0 && same >= limit {
		return fmt.Errorf("%s所在单位在项目%s的人数已达上限", code, application)
	}
	if p.left[application][code] {
		return fmt.Errorf("%s已离开项目%s", code, application)
	}
	return nil
}

// apply seats a change's result and checks what a record alone can show.
func (p *Panel) apply(change Replacement) error {
	for _, x := range change.Passed {
		if !slices.Contains(Reasons, x.Why) {
			return fmt.Errorf("%s被略过的理由%q不在规定之列", x.Code, x.Why)
		}
	}
	targets, err := p.targets(change.Vacated, change.Application, change.Passed)
	if err != nil {
		return err
	}
	class := p.people[change.Vacated].Classes[0]
	if change.Appointed != nil {
		code := change.Appointed.Code
		if _, known := p.people[code]; known || code == "" || change.Application == "" {
			return fmt.Errorf("指定人员的编号%q不是新编号，或没有写明项目", code)
		}
		p.people[code] = draw.Candidate{Code: code, Unit: change.Appointed.Unit, Classes: []string{class}, Person: change.Appointed.Person}
	}
	if len(change.Filled) != len(targets) {
		return fmt.Errorf("填补%d席，应为%d席", len(change.Filled), len(targets))
	}
	if change.Application == "" {
		p.gone[change.Vacated] = true
	}
	for _, a := range p.applications { // seats are given up before any is taken
		for i, s := range p.seats[a] {
			if s.code == change.Vacated && (change.Application == "" || change.Application == a) {
				p.seats[a][i].code = ""
				p.load[s.code]--
				if p.left[a] == nil {
					p.left[a] = map[string]bool{}
				}
				p.left[a][s.code] = true
			}
		}
	}
	for i, f := range change.Filled {
		if f.Application != targets[i] {
			return fmt.Errorf("填补的第%d席属项目%s，应为%s", i+1, f.Application, targets[i])
		}
		if f.Code == "" {
			continue
		}
		c, known := p.people[f.Code]
		if !known || c.Classes[0] != class || p.gone[f.Code] {
			return fmt.Errorf("%s不能坐项目%s的%s类席位", f.Code, f.Application, class)
		}
		if err := p.fits(f.Application, change.Vacated, f.Code); err != nil {
			return err
		}
		if p.load[f.Code]++; p.load[f.Code] > p.record.Frame.Load {
			return fmt.Errorf("%s评审的项目超过%d个", f.Code, p.record.Frame.Load)
		}
		at := slices.Index(p.seats[f.Application], seat{class, ""})
		p.seats[f.Application][at].code = f.Code
	}
	return nil
}

// Verify recomputes a record from its frame, its secrets and its files, of
// which none may be missing, and returns what differs.
func Verify(record Record, files Files) error {
	again := record
	if record.Spec != Spec {
		return fmt.Errorf("spec应为%s", Spec)
	}
	if err := record.Frame.Validate(); err != nil {
		return err
	}
	var err error
	if again.FrameHash, err = record.Frame.Hash(); err != nil {
		return err
	}
	if again.Commitments, again.Seed, err = draw.Open(Spec, record.Frame.Pool, again.FrameHash, record.Reveals, ""); err != nil {
		return err
	}
	var bad []error
	differs := func(what string, same bool) {
		if !same {
			bad = append(bad, fmt.Errorf("%s与重算结果不同", what))
		}
	}
	differs("frame_hash", record.FrameHash == again.FrameHash)
	differs("commitments", slices.Equal(record.Commitments, again.Commitments))
	differs("seed", record.Seed == again.Seed)
	for _, f := range slices.Concat(record.Frame.Files, record.Files) {
		if _, given := files[f.Name]; !given {
			bad = append(bad, fmt.Errorf("缺少文件%s", f.Name))
		}
	}
	if len(bad) > 0 {
		return errors.Join(bad...)
	}
	frozen := []string{Applications, Affinity, Conflicts}
	if record.Frame.Best > 0 {
		frozen = append(frozen, ShortlistExperts, Shortlist, ShortlistCertificate)
		differs(ShortlistExperts, string(files[ShortlistExperts]) == string(record.Frame.experts(record.Frame.Pool.Candidates, record.Frame.Best)))
	}
	made := maps.Clone(files)
	names, by := again.made(made)
	for _, name := range []string{Experts, Lots} {
		differs(name, string(files[name]) == string(made[name]))
	}
	differs("frame.files", slices.Equal(record.Frame.Files, hashes(files, frozen)))
	differs("files", slices.Equal(record.Files, hashes(files, names)))
	if len(bad) > 0 {
		return errors.Join(bad...)
	}
	if record.Frame.Best > 0 {
		if _, _, _, err := proved(&record.Frame, files, files[ShortlistExperts], Affinity, record.Frame.Best, Shortlist, ShortlistCertificate); err != nil {
			return err
		}
	}
	task, matched, proof, err := proved(&record.Frame, files, files[Experts], by, 1, Assignment, Certificate)
	if err != nil {
		return err
	}
	differs("panels", slices.EqualFunc(record.Panels, panels(task, matched), func(a, b Seats) bool {
		return a.Application == b.Application && slices.Equal(a.Codes, b.Codes)
	}))
	differs("total", record.Total == assign.Decimal(proof.Total))
	differs("bound", record.Bound == assign.Decimal(proof.TotalBound))
	if len(bad) > 0 {
		return errors.Join(bad...)
	}
	return replay(record, files)
}

// proved verifies an assignment by its certificate.
func proved(f *Frame, files Files, experts []byte, by string, times int, out, certificate string) (*assign.Task, [][]int32, *assign.Proved, error) {
	t, inputs, err := f.task(files, experts, by, times)
	if err != nil {
		return nil, nil, nil, err
	}
	matched, err := t.ReadOutput(bytes.NewReader(files[out]))
	if err != nil {
		return nil, nil, nil, fmt.Errorf("%s：%w", out, err)
	}
	proof, err := assign.Verify(&t.Task, inputs, matched, files[certificate])
	if err != nil {
		return nil, nil, nil, fmt.Errorf("%s：%w", certificate, err)
	}
	return &t.Task, matched, proof, nil
}

// replay makes every change again.
func replay(record Record, files Files) error {
	again := record
	again.Changes = []Replacement{}
	p, err := NewPanel(&again)
	if err != nil {
		return err
	}
	for i, want := range record.Changes {
		got, err := p.Replace(files, want.Vacated, want.Application, slices.Clone(want.Passed), want.Appointed)
		if err != nil {
			return fmt.Errorf("第%d次变更：%w", i+1, err)
		}
		if !slices.Equal(got.Passed, want.Passed) || !slices.Equal(got.Filled, want.Filled) {
			return fmt.Errorf("第%d次变更与重算结果不同", i+1)
		}
	}
	return nil
}

// VerifyJournal demands a sound journal that carries the acts of this match,
// each once and in order, and exactly the record's changes.
func VerifyJournal(record Record, r io.Reader) error {
	bare := record
	bare.Changes = []Replacement{}
	hash, err := journal.HashOf(bare)
	if err != nil {
		return err
	}
	var changes []string
	for _, change := range record.Changes {
		hash, err := journal.HashOf(change)
		if err != nil {
			return err
		}
		changes = append(changes, hash)
	}
	return draw.VerifyActs(record.FrameHash, record.Commitments, record.Reveals, hash, changes, r)
}
