// Package draw is the verifiable draw (keping-draw/1). A frame (who may be
// drawn, for which seats, under which unit cap) is frozen and hashed; at least
// two holders commit to secrets over that hash; the revealed secrets make the
// seed; the seed makes each candidate's ticket in each class; tickets fill the
// seats and order the alternates; every later vacancy walks the alternates
// afresh. Whoever holds frame and secrets gets the same result: nothing here
// reads a clock, a database or a random source.
package draw

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"keping/rbac/journal"
)

// Spec names the contract.
const Spec = "keping-draw/1"

// Frame is what is frozen before anybody commits. Codes and units are
// pseudonyms; Person shows a supervisor who stands behind a code.
type Frame struct {
	Spec       string      `json:"spec"`
	Review     string      `json:"review"`
	Attempt    int         `json:"attempt"`
	RulePack   string      `json:"rule_pack"`
	Beacon     string      `json:"beacon"`
	Holders    []string    `json:"holders"`
	UnitCap    int         `json:"unit_cap"`
	Seats      []Seats     `json:"seats"`
	Candidates []Candidate `json:"candidates"`
	Excluded   []Excluded  `json:"excluded"`
}

// Seats is how many of a class are to be filled.
type Seats struct {
	Class string `json:"class"`
	Count int    `json:"count"`
}

// Candidate may be drawn for any of the classes; unit "" is never capped.
type Candidate struct {
	Code    string   `json:"code"`
	Unit    string   `json:"unit"`
	Classes []string `json:"classes"`
	Person  string   `json:"person"`
}

// Excluded may not be drawn, by a rule or conflict kind and a coded reason.
type Excluded struct {
	Code   string `json:"code"`
	Rule   string `json:"rule"`
	Why    string `json:"why"`
	Person string `json:"person"`
}

// Record is everything an outsider needs to recompute a draw.
type Record struct {
	Spec        string       `json:"spec"`
	Frame       Frame        `json:"frame"`
	FrameHash   string       `json:"frame_hash"`
	Commitments []Commitment `json:"commitments"`
	Reveals     []Reveal     `json:"reveals"`
	Beacon      string       `json:"beacon"`
	Seed        string       `json:"seed"`
	Seats       []Seated     `json:"seats"`
	Alternates  []Alternates `json:"alternates"`
	Skipped     []Skipped    `json:"skipped"`
	Vacancies   []Vacancy    `json:"vacancies"`
}

// Commitment binds a holder to a secret before anybody knows the seed.
type Commitment struct {
	Holder string `json:"holder"`
	Hash   string `json:"hash"`
}

// Reveal is a holder's secret, after all have committed.
type Reveal struct {
	Holder string `json:"holder"`
	Secret string `json:"secret"`
}

// Seated is one seat and who was drawn for it.
type Seated struct {
	Class string `json:"class"`
	Code  string `json:"code"`
}

// Alternates are a class's candidates without a seat, in ticket order.
type Alternates struct {
	Class string   `json:"class"`
	Codes []string `json:"codes"`
}

// Skipped was met before the class was full and not seated: seated, unit or unfillable.
type Skipped struct {
	Class string `json:"class"`
	Code  string `json:"code"`
	Why   string `json:"why"`
}

// Vacancy is one seat given up and who took it; Application "" is the panel's seat.
type Vacancy struct {
	Class       string     `json:"class"`
	Vacated     string     `json:"vacated"`
	Application string     `json:"application"`
	Code        string     `json:"code"`
	Passed      []Passed   `json:"passed"`
	Appointed   *Appointed `json:"appointed"`
}

// Passed is an alternate who did not take the vacancy, and why.
type Passed struct {
	Code string `json:"code"`
	Why  string `json:"why"`
}

// Appointed is who was appointed directly where no alternate was left.
type Appointed struct {
	Code   string `json:"code"`
	Unit   string `json:"unit"`
	Person string `json:"person"`
}

// ErrInfeasible says that distinct persons within the unit cap cannot fill the seats.
var ErrInfeasible = errors.New("席位无法由互不相同且不超过同单位上限的人员填满")

var (
	hex64    = regexp.MustCompile(`^[0-9a-f]{64}$`)
	secret   = regexp.MustCompile(`^[0-9a-f]{32,}$`)
	rulePack = regexp.MustCompile(`^[^@#]+@[^@#]+#[0-9a-f]{64}$`)
	control  = regexp.MustCompile(`[\x00-\x1f\x7f]`)
)

// faults collects everything wrong, in Chinese.
type faults []error

func (f *faults) need(ok bool, format string, args ...any) {
	if !ok {
		*f = append(*f, fmt.Errorf(format, args...))
	}
}

// Validate returns every condition of the contract that the frame breaks.
func (f Frame) Validate() error { return errors.Join(f.faults()...) }

func (f Frame) faults() faults {
	var bad faults
	bad.need(f.Spec == Spec, "frame：spec应为%s", Spec)
	bad.need(f.Review != "", "frame：review为空")
	bad.need(f.Attempt >= 1, "frame：attempt小于1")
	bad.need(rulePack.MatchString(f.RulePack), "frame：rule_pack应为“名称@版本#摘要”")
	bad.need(f.UnitCap >= 0, "frame：unit_cap小于0")
	bad.need(slices.IsSorted(f.Holders), "frame：holders没有排序")
	bad.need(len(compact(f.Holders)) == len(f.Holders), "frame：同一持有人出现两次")
	bad.need(len(compact(f.Holders)) >= 2, "frame：至少要有两个不同的持有人")
	for _, h := range f.Holders {
		bad.need(h != "" && !strings.Contains(h, ":"), "frame：持有人%q为空或含冒号", h)
	}
	var classes []string
	for _, s := range f.Seats {
		bad.need(s.Class != "", "frame：席位类别没有名称")
		bad.need(s.Count >= 1, "frame：类别%s的席位数小于1", s.Class)
		classes = append(classes, s.Class)
	}
	bad.need(len(classes) > 0, "frame：没有席位")
	bad.need(len(compact(classes)) == len(classes), "frame：同一类别在seats中出现两次")
	sealed := false // in a draw among applications nobody has a person
	var persons [][2]string
	candidate := map[string]bool{}
	for i, c := range f.Candidates {
		bad.need(i == 0 || f.Candidates[i-1].Code < c.Code, "frame：候选人%s没有按编号排序或重复", c.Code)
		bad.need(len(c.Classes) > 0 && !slices.Contains(c.Classes, ""), "frame：候选人%s没有类别", c.Code)
		bad.need(len(compact(c.Classes)) == len(c.Classes), "frame：候选人%s的类别重复", c.Code)
		candidate[c.Code] = true
		persons = append(persons, [2]string{c.Code, c.Person})
	}
	for i, x := range f.Excluded {
		if i > 0 {
			before := f.Excluded[i-1]
			bad.need(cmp.Or(cmp.Compare(before.Code, x.Code), cmp.Compare(before.Rule, x.Rule)) < 0, "frame：排除项%s %s没有按编号、规则排序或重复", x.Code, x.Rule)
		}
		bad.need(x.Rule != "", "frame：排除项%s没有规则", x.Code)
		bad.need(!candidate[x.Code], "frame：%s既是候选人又被排除", x.Code)
		persons = append(persons, [2]string{x.Code, x.Person})
	}
	for _, p := range persons {
		sealed = sealed || p[1] != ""
	}
	bad.need(sealed || len(f.Seats) == 1, "frame：没有人员指纹，却不止一类席位")
	for _, p := range persons {
		bad.need(p[0] != "", "frame：有编号为空")
		bad.need(!sealed || hex64.MatchString(p[1]), "frame：%s的person不是64位小写十六进制数", p[0])
	}
	return append(bad, controls(f)...)
}

// controls refuses control characters in any text.
func controls(v any) faults {
	var bad faults
	canonical, err := journal.Canonical(v)
	if err != nil {
		return faults{err}
	}
	value, err := journal.Parse(canonical)
	if err != nil {
		return faults{err}
	}
	var walk func(any)
	walk = func(value any) {
		switch v := value.(type) {
		case string:
			bad.need(!control.MatchString(v), "文字%q中有控制字符", v)
		case []any:
			for _, item := range v {
				walk(item)
			}
		case map[string]any:
			for _, member := range v {
				walk(member)
			}
		}
	}
	walk(value)
	return bad
}

func compact(texts []string) []string { return slices.Compact(slices.Sorted(slices.Values(texts))) }

// Hash is the frame's hash, which holders commit over.
func (f Frame) Hash() (string, error) { return journal.HashOf(f) }

// PersonDigest is what stands in a frame for who is behind a code: key is
// "kind:number" of the confirmed document, or "record:" + the expert record's id.
func PersonDigest(salt, key string) string { return journal.Hash("person\n" + salt + "\n" + key) }

// Commit is a holder's commitment to a secret.
func Commit(frameHash, holder, secret string) string {
	return journal.Hash("commit\n" + frameHash + "\n" + holder + "\n" + secret)
}

// ValidSecret tells a secret (at least 32 lower-case hex digits) from other text.
func ValidSecret(text string) bool { return secret.MatchString(text) }

// Run draws: reveals in the frame's order of holders. It returns ErrInfeasible
// where nobody could fill the seats.
func Run(frame Frame, reveals []Reveal, beacon string) (Record, error) {
	if bad := frame.faults(); len(bad) > 0 {
		return Record{}, errors.Join(bad...)
	}
	hash, err := frame.Hash()
	if err != nil {
		return Record{}, err
	}
	record := Record{Spec: Spec, Frame: frame, FrameHash: hash, Reveals: reveals, Beacon: beacon, Vacancies: []Vacancy{}}
	if record.Commitments, record.Seed, err = Open(Spec, frame, hash, reveals, beacon); err != nil {
		return Record{}, err
	}
	f := newFiller(frame, record.Seed)
	if !f.fillable() {
		return Record{}, ErrInfeasible
	}
	record.Seats, record.Skipped = f.fill()
	for _, s := range frame.Seats {
		row := Alternates{s.Class, []string{}}
		for _, c := range f.order[s.Class] {
			if !f.taken[c.Code] {
				row.Codes = append(row.Codes, c.Code)
			}
		}
		record.Alternates = append(record.Alternates, row)
	}
	return record, nil
}

// Open turns the reveals over a frame's hash into the commitments they were
// made by and the seed of what the contract spec runs.
func Open(spec string, frame Frame, hash string, reveals []Reveal, beacon string) ([]Commitment, string, error) {
	if bad := revealFaults(frame, reveals, beacon); len(bad) > 0 {
		return nil, "", errors.Join(bad...)
	}
	var commitments []Commitment
	seed := spec + "\n" + hash + "\n"
	for _, r := range reveals {
		commitments = append(commitments, Commitment{r.Holder, Commit(hash, r.Holder, r.Secret)})
		seed += r.Holder + ":" + r.Secret + "\n"
	}
	return commitments, journal.Hash(seed + beacon), nil
}

func revealFaults(frame Frame, reveals []Reveal, beacon string) faults {
	var bad faults
	var holders []string
	for _, r := range reveals {
		holders = append(holders, r.Holder)
		bad.need(ValidSecret(r.Secret), "%s的秘密不是至少32位的小写十六进制数", r.Holder)
	}
	bad.need(slices.Equal(holders, frame.Holders), "揭示者%v不是候选名单的持有人%v", holders, frame.Holders)
	bad.need(beacon == "" || frame.Beacon != "", "给出了公共随机值，候选名单却没有约定")
	bad.need(beacon != "" || frame.Beacon == "", "候选名单约定了公共随机值%q，却没有给出", frame.Beacon)
	bad.need(!control.MatchString(beacon), "公共随机值中有控制字符")
	return bad
}

// Feasible tells whether distinct persons within the unit cap can fill all seats.
func Feasible(frame Frame) bool { return newFiller(frame, "").fillable() }

// filler is a draw in progress.
type filler struct {
	frame Frame
	order map[string][]Candidate // per class, by ticket
	need  map[string]int
	taken map[string]bool
	used  map[string]int // seats per unit
}

func newFiller(frame Frame, seed string) *filler {
	f := &filler{frame: frame, order: map[string][]Candidate{}, need: map[string]int{}, taken: map[string]bool{}, used: map[string]int{}}
	for _, s := range frame.Seats {
		f.need[s.Class] = s.Count
		type ticket struct {
			hash string
			Candidate
		}
		var tickets []ticket
		for _, c := range frame.Candidates {
			if slices.Contains(c.Classes, s.Class) {
				tickets = append(tickets, ticket{journal.Hash("ticket\n" + seed + "\n" + s.Class + "\n" + c.Code), c})
			}
		}
		slices.SortFunc(tickets, func(a, b ticket) int {
			return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.Code, b.Code))
		})
		for _, t := range tickets {
			f.order[s.Class] = append(f.order[s.Class], t.Candidate)
		}
	}
	return f
}

// fill walks each class's order: first reason in the order seated, unit, unfillable.
func (f *filler) fill() (seats []Seated, skipped []Skipped) {
	skipped = []Skipped{}
	for _, s := range f.frame.Seats {
		// Candidates of one unit and the same classes are alike until the next seat is given.
		hopeless := map[string]bool{}
		for _, c := range f.order[s.Class] {
			if f.need[s.Class] == 0 {
				break
			}
			alike := c.Unit + "\x00" + strings.Join(slices.Sorted(slices.Values(c.Classes)), "\x00")
			why := "unfillable"
			switch {
			case f.taken[c.Code]:
				why = "seated"
			case f.capped(c.Unit):
				why = "unit"
			case !hopeless[alike]:
				f.seat(s.Class, c, 1)
				if f.fillable() {
					seats = append(seats, Seated{s.Class, c.Code})
					clear(hopeless)
					continue
				}
				f.seat(s.Class, c, -1)
				hopeless[alike] = true
			}
			skipped = append(skipped, Skipped{s.Class, c.Code, why})
		}
	}
	return seats, skipped
}

func (f *filler) capped(unit string) bool {
	return f.frame.UnitCap > 0 && unit != "" && f.used[unit] >= f.frame.UnitCap
}

func (f *filler) seat(class string, c Candidate, n int) {
	f.need[class] -= n
	f.taken[c.Code] = n > 0
	f.used[c.Unit] += n
}

// fillable tells exactly whether the seats still needed can be filled, by
// augmenting paths. To fill one more seat of a class somebody free enters it;
// or somebody planned for another class moves over; or somebody takes the
// place of a planned person of the same, full unit. The last two leave a seat
// of the other class to fill.
func (f *filler) fillable() bool {
	type plan struct{ class, unit string }
	type step struct {
		class  string // the class entered
		who    Candidate
		leaver string // who leaves the seat that is to be filled next
	}
	planned, held := map[string]plan{}, map[string]int{}
	for unit, n := range f.used {
		held[unit] = n
	}
	for _, s := range f.frame.Seats {
		for range f.need[s.Class] {
			via := map[string]*step{s.Class: nil}
			queue, units := []string{s.Class}, map[string]bool{}
			var found *step
		search:
			for at := 0; at < len(queue); at++ {
				class := queue[at]
				for _, c := range f.order[class] {
					if f.taken[c.Code] {
						continue
					}
					var leavers []string
					if _, ok := planned[c.Code]; ok {
						leavers = []string{c.Code}
					} else if f.frame.UnitCap == 0 || c.Unit == "" || held[c.Unit] < f.frame.UnitCap {
						found = &step{class: class, who: c}
						break search
					} else if !units[c.Unit] {
						units[c.Unit] = true
						for code, p := range planned {
							if p.unit == c.Unit {
								leavers = append(leavers, code)
							}
						}
					}
					for _, code := range leavers {
						if _, seen := via[planned[code].class]; !seen {
							via[planned[code].class] = &step{class, c, code}
							queue = append(queue, planned[code].class)
						}
					}
				}
			}
			if found == nil {
				return false
			}
			held[found.who.Unit]++
			planned[found.who.Code] = plan{found.class, found.who.Unit}
			for back := via[found.class]; back != nil; back = via[back.class] {
				delete(planned, back.leaver)
				planned[back.who.Code] = plan{back.class, back.who.Unit}
			}
		}
	}
	return true
}
