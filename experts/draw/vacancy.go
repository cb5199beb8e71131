package draw

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Reasons are why an alternate may be passed over. The last two are computed
// here, the others are facts of the day that the caller knows.
var Reasons = []string{"declined", "no_answer", "unavailable", "recused", "excluded", "seated", "unit"}

// Panel replays a record's vacancies and tells who sits where.
type Panel struct {
	record  Record
	classes []string // seat by seat
	codes   []string // seat by seat; "" is an open seat
	unit    map[string]string
	known   map[string]bool
	own     map[string]map[int]string  // application → seat → its own substitute, "" while open
	left    map[string]map[string]bool // application, or "" for the panel → who vacated it
	last    map[openSeat]string        // open seat → its last holder
}

type openSeat struct {
	application string
	seat        int
}

// NewPanel seats what was drawn and replays the recorded vacancies; the error
// names the first row that breaks the contract.
func NewPanel(record Record) (*Panel, error) {
	p := &Panel{record: record, unit: map[string]string{}, known: map[string]bool{}, own: map[string]map[int]string{},
		left: map[string]map[string]bool{}, last: map[openSeat]string{}}
	for _, c := range record.Frame.Candidates {
		p.unit[c.Code], p.known[c.Code] = c.Unit, true
	}
	for _, x := range record.Frame.Excluded {
		p.known[x.Code] = true
	}
	for _, s := range record.Seats {
		p.classes, p.codes = append(p.classes, s.Class), append(p.codes, s.Code)
	}
	for i, row := range record.Vacancies {
		if err := p.apply(row); err != nil {
			return nil, fmt.Errorf("第%d次递补：%w", i+1, err)
		}
	}
	return p, nil
}

// Sitting is the composition of an application ("" for the panel), seat by
// seat; an empty code is an open seat.
func (p *Panel) Sitting(application string) []Seated {
	sitting := make([]Seated, len(p.codes))
	for i, code := range p.codes {
		if substitute, ok := p.own[application][i]; ok && application != "" {
			code = substitute
		}
		sitting[i] = Seated{p.classes[i], code}
	}
	return sitting
}

// Open is an open seat of a class in a composition: who held it last, or "".
func (p *Panel) Open(class, application string) string {
	for i, s := range p.Sitting(application) {
		if s.Class == class && s.Code == "" {
			return p.last[openSeat{application, i}]
		}
	}
	return ""
}

// UnitOf is the unit pseudonym of a code.
func (p *Panel) UnitOf(code string) string { return p.unit[code] }

// touched are the compositions that a new holder of the seat enters.
func (p *Panel) touched(seat int, application string) []string {
	if application != "" {
		return []string{application}
	}
	those := []string{""}
	for a, seats := range p.own {
		if _, has := seats[seat]; !has {
			those = append(those, a)
		}
	}
	return those
}

var hindranceNames = map[string]string{"seated": "已在座", "unit": "同一单位人数已达上限", "vacated": "已从本席离开"}

// hindrances are what keeps a code from a seat, of "seated", "unit" and "vacated".
func (p *Panel) hindrances(code string, seat int, application string) (found []string) {
	those := p.touched(seat, application)
	seated := slices.Contains(p.codes, code)
	unit, vacated := false, false
	for _, a := range those {
		for i, q := range p.own[a] {
			seated = seated || (q == code && i != seat)
		}
		same := 0
		for i, s := range p.Sitting(a) {
			if i != seat && s.Code != "" && p.unit[s.Code] == p.unit[code] {
				same++
			}
		}
		unit = unit || (p.record.Frame.UnitCap > 0 && p.unit[code] != "" && same >= p.record.Frame.UnitCap)
		vacated = vacated || p.left[a][code]
	}
	for name, holds := range map[string]bool{"seated": seated, "unit": unit, "vacated": vacated} {
		if holds {
			found = append(found, name)
		}
	}
	slices.Sort(found)
	return found
}

// seatOf finds the seat of a class that vacated holds, or held last while it is open.
func (p *Panel) seatOf(class, vacated, application string) (int, error) {
	for i, s := range p.Sitting(application) {
		holder := s.Code
		if holder == "" {
			holder = p.last[openSeat{application, i}]
		}
		if vacated != "" && holder == vacated && s.Class == class {
			return i, nil
		}
	}
	return 0, fmt.Errorf("%s不在%s类席位上", vacated, class)
}

func (p *Panel) walk(class string, seat int, vacated, application string) ([]string, error) {
	i := slices.IndexFunc(p.record.Alternates, func(a Alternates) bool { return a.Class == class })
	if i < 0 {
		return nil, fmt.Errorf("没有%s这一类别", class)
	}
	gone := func(code string) bool { return p.left[""][code] || (application == "" && code == vacated) }
	return slices.DeleteFunc(slices.Clone(p.record.Alternates[i].Codes), gone), nil
}

// Fill makes the next row for a seat that vacated gives up, for one
// application or ("") the panel. why tells, of an alternate met on the walk,
// why not (declined, no_answer, unavailable, recused, excluded), or "" if the
// person could sit. With nobody left Code is "" and the seat stays open, unless
// appointed is given. The panel moves on to the new state.
func (p *Panel) Fill(class, vacated, application string, why func(code string) string, appointed *Appointed) (Vacancy, error) {
	seat, err := p.seatOf(class, vacated, application)
	if err != nil {
		return Vacancy{}, err
	}
	if application != "" && p.codes[seat] == "" {
		return Vacancy{}, errors.New("专家组的这一席还空着，须先补足专家组，再为单个项目递补")
	}
	walk, err := p.walk(class, seat, vacated, application)
	if err != nil {
		return Vacancy{}, err
	}
	row := Vacancy{Class: class, Vacated: vacated, Application: application, Passed: []Passed{}}
	for _, code := range walk {
		reason := why(code)
		for _, h := range p.hindrances(code, seat, application) {
			if reason == "" {
				reason = h
			}
		}
		if reason == "vacated" || (code == vacated && reason == "") {
			reason = "recused" // who vacated an application cannot return to it
		}
		if reason == "" {
			row.Code = code
			break
		}
		row.Passed = append(row.Passed, Passed{code, reason})
	}
	if row.Code == "" {
		row.Appointed = appointed
	} else if appointed != nil {
		return Vacancy{}, fmt.Errorf("候补%s可以递补，不得直接指定", row.Code)
	}
	if err := p.apply(row); err != nil {
		return Vacancy{}, err
	}
	p.record.Vacancies = append(p.record.Vacancies, row)
	return row, nil
}

// apply checks one row against the contract and seats its result.
func (p *Panel) apply(row Vacancy) error {
	seat, err := p.seatOf(row.Class, row.Vacated, row.Application)
	if err != nil {
		return err
	}
	mark(p.left, row.Application, row.Vacated)
	walk, err := p.walk(row.Class, seat, row.Vacated, row.Application)
	if err != nil {
		return err
	}
	code := row.Code
	expected := walk
	if code != "" {
		i := slices.Index(walk, code)
		if i < 0 {
			return fmt.Errorf("%s不是%s类的候补", code, row.Class)
		}
		expected = walk[:i]
	}
	if len(row.Passed) != len(expected) {
		return fmt.Errorf("略过%d人，应为%d人", len(row.Passed), len(expected))
	}
	for i, passed := range row.Passed {
		if passed.Code != expected[i] {
			return fmt.Errorf("略过的第%d人为%s，应为%s", i+1, passed.Code, expected[i])
		}
		if !slices.Contains(Reasons, passed.Why) {
			return fmt.Errorf("%s被略过的理由%q不在规定之列", passed.Code, passed.Why)
		}
		if passed.Why == "seated" || passed.Why == "unit" {
			if !slices.Contains(p.hindrances(passed.Code, seat, row.Application), passed.Why) {
				return fmt.Errorf("%s以%q被略过，与事实不符", passed.Code, passed.Why)
			}
		}
	}
	if row.Appointed != nil {
		if code != "" {
			return fmt.Errorf("%s已递补，却又指定了%s", code, row.Appointed.Code)
		}
		code = row.Appointed.Code
		if code == "" || p.known[code] {
			return fmt.Errorf("指定人员的编号%q不是新编号", code)
		}
		if !hex64.MatchString(row.Appointed.Person) {
			return fmt.Errorf("%s的person不是64位小写十六进制数", code)
		}
		p.known[code], p.unit[code] = true, row.Appointed.Unit
	}
	if code != "" {
		if h := p.hindrances(code, seat, row.Application); len(h) > 0 {
			for i, name := range h {
				h[i] = hindranceNames[name]
			}
			return fmt.Errorf("%s不能坐这一席：%s", code, strings.Join(h, "、"))
		}
	}
	delete(p.last, openSeat{row.Application, seat})
	if code == "" {
		p.last[openSeat{row.Application, seat}] = row.Vacated
	}
	if row.Application != "" {
		if p.own[row.Application] == nil {
			p.own[row.Application] = map[int]string{}
		}
		p.own[row.Application][seat] = code
		return nil
	}
	p.codes[seat] = code
	for _, substitutes := range p.own { // who takes the panel's seat is no longer a substitute in it
		if s, ok := substitutes[seat]; ok && code != "" && s == code {
			delete(substitutes, seat)
		}
	}
	return nil
}

func mark(sets map[string]map[string]bool, key, code string) {
	if sets[key] == nil {
		sets[key] = map[string]bool{}
	}
	sets[key][code] = true
}
