// Package match is the verifiable match of a correspondence review
// (keping-match/1): every application gets its own panel so that the total
// affinity is as great as the rules allow, or draws it among its best.
//
// A frame is frozen and hashed as for a draw (package draw): who may sit, in
// one class each, with the files of applications, affinities and conflicts, so
// many applications per expert at most, and the unit cap. With Best = k the
// frame also has the shortlist: the match of k times as many seats, under k
// times the load and k times the unit cap, which gives each seat k candidates.
//
// The holders' secrets make the seed. Each candidate's ticket is
// H("match\n" seed "\n" code); experts stand in the order of their tickets,
// which settles among equally good matches. Without Best the match is of the
// affinities. With Best every pair of the shortlist has the lot
// H("match\n" seed "\n" application "\n" code), its first 16 digits modulo 10⁹
// in billionths, and the panels are those with the greatest total of lots: a
// draw in which every rule holds. Either result has a certificate of package
// assign, so that nobody has to believe it; and because the search is bounded by
// what it does, never by the clock, whoever runs it again gets the same panels,
// also where several are equally good. Engine names the search: one that would
// settle ties otherwise gets another name.
//
// Who leaves an application, or all of them, is replaced there without a change
// to anybody else: of all open seats of the class as many as can be are filled,
// and of all ways to do so the one of the greatest affinity (under Best the
// greatest lots, the shortlist first). Nothing here reads a clock, a database or a random source.
package match

import (
	"bytes"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"keping/experts/draw"
	"keping/rbac/journal"
	"keping/reviewing/assign"
)

// Spec names the contract, Engine the search.
const (
	Spec   = "keping-match/1"
	Engine = "keping-assign/1"
)

// The files of a match, as `keping verify assignment` reads them.
const (
	Applications         = "applications.csv"
	Affinity             = "affinity.csv"
	Conflicts            = "conflicts.csv"
	ShortlistExperts     = "shortlist-experts.csv"
	Shortlist            = "shortlist.csv"
	ShortlistCertificate = "shortlist-certificate.json"
	Experts              = "experts.csv"
	Lots                 = "lots.csv"
	Assignment           = "assignment.csv"
	Certificate          = "certificate.json"
)

// Files are those of one match by name.
type Files map[string][]byte

// File is a file's name and hash.
type File struct {
	Name string `json:"name"`
	Hash string `json:"hash"`
}

// Frame is what is frozen before anybody commits.
type Frame struct {
	Spec   string     `json:"spec"`
	Engine string     `json:"engine"`
	Pool   draw.Frame `json:"pool"` // seats of each application; candidates have one class each
	Load   int        `json:"load"` // applications per expert at most
	Best   int        `json:"best"` // 0: match; k: draw among the best k per seat
	Files  []File     `json:"files"`
}

// Record is everything an outsider needs, with the files, to recompute a match.
type Record struct {
	Spec        string            `json:"spec"`
	Frame       Frame             `json:"frame"`
	FrameHash   string            `json:"frame_hash"`
	Commitments []draw.Commitment `json:"commitments"`
	Reveals     []draw.Reveal     `json:"reveals"`
	Seed        string            `json:"seed"`
	Total       string            `json:"total"` // of affinities, or of lots
	Bound       string            `json:"bound"` // no match has a greater total
	Files       []File            `json:"files"`
	Panels      []Seats           `json:"panels"`
	Changes     []Replacement     `json:"changes"`
}

// Seats are an application's experts, class by class.
type Seats struct {
	Application string   `json:"application"`
	Codes       []string `json:"codes"`
}

// Hash is what the holders commit over.
func (f Frame) Hash() (string, error) { return journal.HashOf(f) }

// Validate returns everything that is wrong with a frame.
func (f Frame) Validate() error {
	bad := []error{f.Pool.Validate()}
	if f.Spec != Spec {
		bad = append(bad, fmt.Errorf("spec应为%s", Spec))
	}
	if f.Load < 1 {
		bad = append(bad, errors.New("load小于1"))
	}
	if f.Best < 0 || f.Best == 1 {
		bad = append(bad, errors.New("best应为0或不小于2"))
	}
	if f.Pool.Beacon != "" {
		bad = append(bad, errors.New("匹配不用公共随机值"))
	}
	for _, c := range f.Pool.Candidates {
		if len(c.Classes) != 1 {
			bad = append(bad, fmt.Errorf("候选人%s应只有一个类别", c.Code))
		}
		if strings.ContainsAny(c.Code+c.Unit, ",\"\r\n") {
			bad = append(bad, fmt.Errorf("候选人%s的编号或单位含有不能写入表格的字符", c.Code))
		}
	}
	return errors.Join(bad...)
}

// ParseFrame reads a frame of exactly the contract's shape.
func ParseFrame(data []byte) (Frame, error) {
	var f Frame
	if err := journal.Decode(data, &f); err != nil {
		return f, err
	}
	return f, f.Validate()
}

// ParseRecord reads a record of exactly the contract's shape.
func ParseRecord(data []byte) (Record, error) {
	var r Record
	err := journal.Decode(data, &r)
	return r, err
}

// Lacking says that the frame's candidates cannot fill the seats of some
// applications, alone or together, in words that name codes.
type Lacking struct {
	Reason       string
	Applications []string
	Together     bool // they lack together; otherwise each by itself
	Times        int  // so many candidates are wanted for each seat
}

func (e *Lacking) Error() string { return e.Reason }

// Freeze completes a frame that has everything but the hashes of its files, of
// which applications, affinities and conflicts are given: it adds the shortlist
// and refuses with Lacking what could not be matched. Where the search takes
// more than its effort the shortlist has a gap, which its certificate tells.
// stop, true when the caller can wait no longer, makes it ErrTooLong.
func Freeze(f *Frame, files Files, stop func() bool) error {
	f.Spec, f.Engine, f.Files = Spec, Engine, []File{}
	if err := f.Validate(); err != nil {
		return err
	}
	times, names := 1, []string{Applications, Affinity, Conflicts}
	if f.Best > 0 {
		times = f.Best
		names = append(names, ShortlistExperts, Shortlist, ShortlistCertificate)
	}
	experts := f.experts(f.Pool.Candidates, times)
	task, inputs, err := f.task(files, experts, Affinity, times)
	if err != nil {
		return err
	}
	result, err := solve(&task.Task, times, stop)
	if err != nil {
		return err
	}
	if f.Best > 0 {
		files[ShortlistExperts] = experts
		if files[Shortlist], files[ShortlistCertificate], err = written(task, result, inputs); err != nil {
			return err
		}
		listed := map[string][]byte{Applications: files[Applications], Conflicts: files[Conflicts], Lots: f.lots(files, "")}
		if task, _, err = f.task(listed, f.experts(f.Pool.Candidates, 1), Lots, 1); err != nil {
			return err
		}
		if _, err := solve(&task.Task, 1, stop); err != nil {
			return err
		}
	}
	f.Files = hashes(files, names)
	return nil
}

func hashes(files Files, names []string) []File {
	out := []File{}
	for _, name := range slices.Sorted(slices.Values(names)) {
		out = append(out, File{name, journal.Hash(string(files[name]))})
	}
	return out
}

// Run matches: reveals in the frame's order of holders. The files it makes are
// added to those of the frame. stop is as in Freeze.
func Run(frame Frame, files Files, reveals []draw.Reveal, stop func() bool) (Record, error) {
	r := Record{Spec: Spec, Frame: frame, Reveals: reveals, Changes: []Replacement{}}
	if err := frame.Validate(); err != nil {
		return r, err
	}
	if frame.Engine != Engine {
		return r, ErrEngine
	}
	var err error
	if r.FrameHash, err = frame.Hash(); err != nil {
		return r, err
	}
	if r.Commitments, r.Seed, err = draw.Open(Spec, frame.Pool, r.FrameHash, reveals, ""); err != nil {
		return r, err
	}
	names, by := r.made(files)
	task, inputs, err := frame.task(files, files[Experts], by, 1)
	if err != nil {
		return r, err
	}
	result, err := solve(&task.Task, 1, stop)
	if err != nil {
		return r, err
	}
	r.Total, r.Bound = result.Total.String(), result.Bound.String()
	if files[Assignment], files[Certificate], err = written(task, result, inputs); err != nil {
		return r, err
	}
	r.Panels, r.Files = panels(&task.Task, result.Panels), hashes(files, names)
	return r, nil
}

// made makes the files that follow from the seed, and names those of the run
// and the one to match by.
func (r *Record) made(files Files) (names []string, by string) {
	files[Experts] = r.Frame.experts(r.drawn(), 1)
	names, by = []string{Experts, Assignment, Certificate}, Affinity
	if r.Frame.Best > 0 {
		files[Lots] = r.Frame.lots(files, r.Seed)
		names, by = append(names, Lots), Lots
	}
	return names, by
}

func panels(t *assign.Task, matched [][]int32) []Seats {
	out := make([]Seats, len(matched))
	for i, panel := range matched {
		out[i] = Seats{t.Applications[i], []string{}}
		for _, s := range t.Seats {
			for _, j := range panel {
				if t.Experts[j].Class == s.Class {
					out[i].Codes = append(out[i].Codes, t.Experts[j].Name)
				}
			}
		}
	}
	return out
}

// drawn are the candidates by their tickets.
func (r *Record) drawn() []draw.Candidate {
	tickets := map[string]string{}
	for _, c := range r.Frame.Pool.Candidates {
		tickets[c.Code] = journal.Hash("match\n" + r.Seed + "\n" + c.Code)
	}
	out := slices.Clone(r.Frame.Pool.Candidates)
	slices.SortFunc(out, func(a, b draw.Candidate) int { return strings.Compare(tickets[a.Code]+a.Code, tickets[b.Code]+b.Code) })
	return out
}

// experts writes E.csv for so many times the load.
func (f *Frame) experts(candidates []draw.Candidate, times int) []byte {
	var out bytes.Buffer
	out.WriteString("expert,max,class,unit\n")
	for _, c := range candidates {
		fmt.Fprintf(&out, "%s,%d,%s,%s\n", c.Code, f.Load*times, c.Classes[0], c.Unit)
	}
	return out.Bytes()
}

// lots writes the lots of the shortlist; without a seed all are 0.
func (f *Frame) lots(files Files, seed string) []byte {
	var out bytes.Buffer
	out.WriteString("application,expert,affinity\n")
	for i, line := range strings.Split(strings.TrimSuffix(string(files[Shortlist]), "\n"), "\n") {
		cells := strings.Split(line, ",")
		if i == 0 || len(cells) < 2 {
			continue
		}
		value := int64(0)
		if seed != "" {
			value = lot(seed, cells[0], cells[1])
		}
		fmt.Fprintf(&out, "%s,%s,%s\n", cells[0], cells[1], assign.Decimal(big.NewInt(value)))
	}
	return out.Bytes()
}

// lot of a pair, 0 to 10⁹ − 1.
func lot(seed, application, code string) int64 {
	digits := journal.Hash("match\n" + seed + "\n" + application + "\n" + code)[:16]
	n, _ := new(big.Int).SetString(digits, 16)
	return n.Mod(n, big.NewInt(assign.Unit)).Int64()
}

// task reads the files with so many times the seats and the unit cap.
func (f *Frame) task(files Files, experts []byte, by string, times int) (*assign.Reader, assign.Inputs, error) {
	t := &assign.Reader{Task: assign.Task{UnitCap: f.Pool.UnitCap * times, Sparse: by == Lots}}
	for _, s := range f.Pool.Seats {
		t.Seats = append(t.Seats, assign.Seats{Class: s.Class, Count: s.Count * times})
	}
	inputs := assign.Inputs{Applications: journal.Hash(string(files[Applications])), Experts: journal.Hash(string(experts)), Affinity: journal.Hash(string(files[by])), Conflicts: journal.Hash(string(files[Conflicts]))}
	for _, part := range []struct {
		name string
		err  error
	}{
		{Applications, t.ReadApplications(bytes.NewReader(files[Applications]))},
		{Experts, t.ReadExperts(bytes.NewReader(experts))},
		{by, t.ReadAffinity(bytes.NewReader(files[by]))},
		{Conflicts, t.ReadConflicts(bytes.NewReader(files[Conflicts]))},
	} {
		if part.err != nil {
			return nil, inputs, fmt.Errorf("%s：%w", part.name, part.err)
		}
	}
	for i, listed := range t.Listed {
		for _, x := range listed {
			if x.Affinity > assign.Unit {
				return nil, inputs, fmt.Errorf("%s：项目%s与专家%s的匹配度大于1", by, t.Applications[i], t.Experts[x.Expert].Name)
			}
		}
	}
	return t, inputs, nil
}

// ErrEngine is that a frame was frozen for another search.
var ErrEngine = errors.New("名单是为另一版匹配程序锁定的，须用该版程序匹配和验证")

// ErrTooLong is that the caller's stop or the effort was over before there was
// any match.
var ErrTooLong = errors.New("匹配在规定的时间或计算量之内没有完成")

// effort is how often a search asks whether to go on: what depends on it is the
// same on every machine. An asking costs a pass over the pairs or less.
func effort(t *assign.Task) int {
	return 2000 + 200_000_000/(len(t.Applications)*len(t.Experts)+1)
}

func solve(t *assign.Task, times int, stop func() bool) (*assign.Result, error) {
	for _, s := range t.Seats {
		if s.Count > len(t.Experts) { // however many: no room is made for them
			return nil, &Lacking{fmt.Sprintf("%s类需%d名候选，全部候选只有%d名", s.Class, s.Count, len(t.Experts)), t.Applications[:min(1, len(t.Applications))], false, times}
		}
	}
	left, late := effort(t), false
	result, err := assign.Solve(t, assign.Options{Stop: func() bool {
		left--
		late = late || stop != nil && stop()
		return late || left < 0
	}})
	var none *assign.Infeasible
	switch {
	case errors.As(err, &none):
		return nil, &Lacking{none.Reason, none.Applications, none.Together, times}
	case late || errors.Is(err, assign.ErrStopped):
		return nil, ErrTooLong
	}
	return result, err
}

func written(t *assign.Reader, result *assign.Result, inputs assign.Inputs) (out, certificate []byte, err error) {
	var o, k bytes.Buffer
	if err := t.WriteOutput(&o, result.Panels); err != nil {
		return nil, nil, err
	}
	err = result.WriteCertificate(&k, inputs)
	return o.Bytes(), k.Bytes(), err
}

// Share writes an affinity of 0 to 10000 as 0 to 1.
func Share(affinity int) string {
	return strconv.Itoa(affinity/10000) + "." + fmt.Sprintf("%04d", affinity%10000)
}
