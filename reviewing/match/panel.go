package match

import (
	"cmp"
	"fmt"
	"slices"

	"keping/experts/draw"
	"keping/reviewing/assign"
)

// Replacement is one expert's leaving and who takes the seats given up; all open
// seats of the class are tried with them. Where a seat is open already its last
// leaver stands for it: so open seats are tried again, or given by appointment.
type Replacement struct {
	Vacated     string          `json:"vacated"`
	Application string          `json:"application"` // "" all of them
	Passed      []Passed        `json:"passed"`
	Filled      []Filled        `json:"filled"`
	Appointed   *draw.Appointed `json:"appointed"` // a new code, or that of an earlier appointment
}

// Passed is a fact of the day: who cannot sit, or not on one application, and
// why (Reasons); with Code "" an application that needs nobody any more.
type Passed struct {
	Code        string `json:"code"`
	Application string `json:"application"`
	Why         string `json:"why"`
}

// Filled is one open seat of the class after the change, two of one application
// each for itself; with Code "" it stays open.
type Filled struct {
	Application string `json:"application"`
	Code        string `json:"code"`
}

// Reasons of Passed; withdrawn is that of an application, the others are of a person.
var Reasons = []string{"declined", "no_answer", "unavailable", "recused", "excluded", withdrawn}

const withdrawn = "withdrawn"

// seat of an application: its class and who sits, "" while open.
type seat struct{ class, code string }

// Panel is a match with its changes: who sits on which application.
type Panel struct {
	record       *Record
	applications []string
	seats        map[string][]seat
	people       map[string]draw.Candidate
	appointed    map[string]bool
	withdrawn    map[string]bool            // applications that need nobody
	gone         map[string]bool            // from the whole match
	left         map[string]map[string]bool // application → who has left it
	load         map[string]int             // seats on applications that need somebody
}

// NewPanel seats what was matched and applies the changes.
func NewPanel(r *Record) (*Panel, error) {
	p := &Panel{record: r, seats: map[string][]seat{}, people: map[string]draw.Candidate{}, appointed: map[string]bool{},
		withdrawn: map[string]bool{}, gone: map[string]bool{}, left: map[string]map[string]bool{}, load: map[string]int{}}
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
		open, err := p.leave(change)
		if err == nil {
			err = p.take(change, open)
		}
		if err != nil {
			return nil, fmt.Errorf("第%d次变更：%w", i+1, err)
		}
	}
	return p, nil
}

// Of is the panel of an application, seat by seat; Code "" is an open one.
func (p *Panel) Of(application string) []draw.Seated {
	var out []draw.Seated
	for _, s := range p.seats[application] {
		out = append(out, draw.Seated{Class: s.class, Code: s.code})
	}
	return out
}

// Among is who sits on any of some applications, each once, class by class.
func (p *Panel) Among(applications []string) []draw.Seated {
	sits := map[draw.Seated]bool{}
	for _, a := range applications {
		for _, s := range p.Of(a) {
			sits[s] = s.Code != ""
		}
	}
	var out []draw.Seated
	for _, s := range p.record.Frame.Pool.Seats {
		at := len(out)
		for x, somebody := range sits {
			if somebody && x.Class == s.Class {
				out = append(out, x)
			}
		}
		slices.SortFunc(out[at:], func(a, b draw.Seated) int { return cmp.Compare(a.Code, b.Code) })
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

// Replace makes the next change: who is vacated leaves one application, or ("")
// all of them. An appointed person takes a seat of one application that nobody
// else could. The panel moves on to the new state; after an error it is of no
// more use.
func (p *Panel) Replace(files Files, vacated, application string, passed []Passed, appointed *draw.Appointed) (Replacement, error) {
	slices.SortFunc(passed, func(a, b Passed) int {
		return cmp.Or(cmp.Compare(a.Code, b.Code), cmp.Compare(a.Application, b.Application), cmp.Compare(a.Why, b.Why))
	})
	if passed = slices.Compact(passed); passed == nil {
		passed = []Passed{}
	}
	change := Replacement{Vacated: vacated, Application: application, Passed: passed, Filled: []Filled{}, Appointed: appointed}
	open, err := p.leave(change)
	if err != nil {
		return change, err
	}
	chosen, err := p.choose(files, change, open)
	if err != nil {
		return change, err
	}
	for i, a := range open {
		change.Filled = append(change.Filled, Filled{a, chosen[i]})
	}
	if appointed != nil {
		seat, at := slices.Index(open, application), slices.Index(change.Filled, Filled{application, ""})
		switch {
		case seat < 0:
			return change, fmt.Errorf("项目“%s”没有空缺的席位可以指定", application)
		case at < 0:
			return change, &Alternates{chosen[seat]}
		}
		change.Filled[at].Code = appointed.Code
	}
	if err := p.take(change, open); err != nil {
		return change, err
	}
	p.record.Changes = append(p.record.Changes, change)
	return change, nil
}

// Alternates refuses an appointment where a candidate is left.
type Alternates struct{ Code string }

func (e *Alternates) Error() string {
	return "候选人" + e.Code + "可以递补，不得直接指定"
}

// leave takes who is vacated, and what is withdrawn, off the panel. It returns
// the application of each open seat of the class.
func (p *Panel) leave(change Replacement) ([]string, error) {
	person, known := p.people[change.Vacated]
	if !known {
		return nil, fmt.Errorf("没有%s这名专家", change.Vacated)
	}
	for _, x := range change.Passed {
		_, somebody := p.people[x.Code]
		_, something := p.seats[x.Application]
		switch {
		case !slices.Contains(Reasons, x.Why) || (x.Code == "") != (x.Why == withdrawn):
			return nil, fmt.Errorf("“%s”被略过的理由%q不在规定之列", x.Code, x.Why)
		case x.Code != "" && !somebody || x.Application != "" && !something || x.Code+x.Application == "":
			return nil, fmt.Errorf("略过的“%s”或项目“%s”不在其中", x.Code, x.Application)
		}
		if x.Code == "" && !p.withdrawn[x.Application] {
			p.withdrawn[x.Application] = true
			for _, s := range p.seats[x.Application] {
				p.load[s.code]--
			}
		}
	}
	if change.Application == "" {
		p.gone[change.Vacated] = true
	}
	var open []string
	sat := change.Application == ""
	for _, a := range p.applications {
		for i := range p.seats[a] {
			s := &p.seats[a][i]
			if s.code == change.Vacated && (change.Application == "" || change.Application == a) {
				s.code, sat = "", true
				if p.left[a] == nil {
					p.left[a] = map[string]bool{}
				}
				if p.left[a][change.Vacated] = true; !p.withdrawn[a] {
					p.load[change.Vacated]--
				}
			}
			if *s == (seat{person.Classes[0], ""}) && !p.withdrawn[a] {
				open, sat = append(open, a), sat || change.Application == a
			}
		}
	}
	if !sat {
		return nil, fmt.Errorf("%s不在项目%s的席位上", change.Vacated, change.Application)
	}
	return open, nil
}

// choose finds who takes the open seats of a class, for each a code or "": an
// assignment of these applications in which those who sit there keep their
// seats and count for the unit cap, an open seat stays open only where it must,
// for it costs more than all affinities are worth, and nobody gets more than the
// own limit.
func (p *Panel) choose(files Files, change Replacement, open []string) ([]string, error) {
	chosen := make([]string, len(open))
	if len(open) == 0 {
		return chosen, nil
	}
	class, pool := p.people[change.Vacated].Classes[0], p.record.Frame.Pool
	values, err := p.values(files)
	if err != nil {
		return nil, err
	}
	passed := map[[2]string]bool{}
	for _, x := range change.Passed {
		passed[[2]string{x.Code, x.Application}] = true
	}
	targets := slices.Compact(slices.Clone(open))
	filled := (2*int64(len(open)) + 1) * assign.Unit // two affinities or lots are less than 2 units
	stays := 3 * (filled + 2*assign.Unit)            // a place and a unit's room freed bring one more each at most
	t := assign.Task{Applications: targets, UnitCap: pool.UnitCap, Sparse: true, Listed: make([][]assign.Pair, len(targets)), Barred: make([][]int32, len(targets))}
	list := func(i int, e assign.Expert, value int64) {
		t.Listed[i] = append(t.Listed[i], assign.Pair{Expert: int32(len(t.Experts)), Affinity: value})
		t.Experts = append(t.Experts, e)
	}
	for _, c := range p.record.drawn() {
		spare := p.record.Frame.Load - p.load[c.Code]
		if c.Classes[0] != class || p.gone[c.Code] || spare <= 0 || passed[[2]string{c.Code, ""}] {
			continue
		}
		j := int32(len(t.Experts))
		t.Experts = append(t.Experts, assign.Expert{Name: c.Code, Class: class, Unit: c.Unit, Max: spare})
		for i, a := range targets {
			if value, may := values(a, c.Code); may && !passed[[2]string{c.Code, a}] && !p.left[a][c.Code] && !slices.Contains(p.seats[a], seat{class, c.Code}) {
				t.Listed[i] = append(t.Listed[i], assign.Pair{Expert: j, Affinity: filled + value})
			}
		}
	}
	for i, a := range targets {
		for _, s := range p.seats[a] {
			if s.code != "" {
				list(i, assign.Expert{Class: s.class, Unit: p.people[s.code].Unit, Max: 1}, stays)
			} else {
				list(i, assign.Expert{Class: s.class, Max: 1}, 0) // nobody
			}
		}
	}
	for _, s := range pool.Seats {
		t.Seats = append(t.Seats, assign.Seats{Class: s.Class, Count: s.Count})
	}
	result, err := assign.Solve(&t, assign.Options{})
	if err != nil {
		return nil, err
	}
	at := 0
	for i, a := range targets {
		for k := 0; at < len(open) && open[at] == a; k++ { // candidates come before who stays, who has no name here
			chosen[at] = t.Experts[result.Panels[i][k]].Name
			at++
		}
	}
	return chosen, nil
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

// take seats who fills the open seats and checks what a record alone can show.
func (p *Panel) take(change Replacement, open []string) error {
	class := p.people[change.Vacated].Classes[0]
	if change.Appointed != nil {
		if err := p.appoint(change, class); err != nil {
			return err
		}
	}
	if len(change.Filled) != len(open) {
		return fmt.Errorf("填补%d席，应为%d席", len(change.Filled), len(open))
	}
	for i, f := range change.Filled {
		if f.Application != open[i] {
			return fmt.Errorf("填补的第%d席属项目%s，应为%s", i+1, f.Application, open[i])
		}
		if f.Code == "" {
			continue
		}
		if err := p.fits(f.Application, class, f.Code); err != nil {
			return err
		}
		p.load[f.Code]++
		p.seats[f.Application][slices.Index(p.seats[f.Application], seat{class, ""})].code = f.Code
	}
	return nil
}

// appoint makes a code known that an appointment brings.
func (p *Panel) appoint(change Replacement, class string) error {
	code := change.Appointed.Code
	person := draw.Candidate{Code: code, Unit: change.Appointed.Unit, Classes: []string{class}, Person: change.Appointed.Person}
	before, known := p.people[code]
	same := before.Unit == person.Unit && before.Person == person.Person && slices.Equal(before.Classes, person.Classes)
	if code == "" || change.Application == "" || known && (!p.appointed[code] || !same) {
		return fmt.Errorf("指定人员的编号%q不是新编号或先前指定的同一人，或没有写明项目", code)
	}
	p.people[code], p.appointed[code] = person, true
	return nil
}

// fits tells what keeps a code from an open seat.
func (p *Panel) fits(application, class, code string) error {
	person, known := p.people[code]
	if !known || person.Classes[0] != class || p.gone[code] {
		return fmt.Errorf("%s不能坐项目%s的%s类席位", code, application, class)
	}
	if p.load[code] >= p.record.Frame.Load {
		return fmt.Errorf("%s评审的项目超过%d个", code, p.record.Frame.Load)
	}
	same := 0
	for _, s := range p.seats[application] {
		if s.code == code {
			return fmt.Errorf("%s已在项目%s的席位上", code, application)
		}
		if s.code != "" && person.Unit != "" && p.people[s.code].Unit == person.Unit {
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
