package opinion

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"

	"keping/rbac/journal"
	"keping/reviewing/rank"
)

// Asked is what a second opinion on an official record is asked beside the
// record: at most one of places and budget.
type Asked struct {
	Places    int    `json:"places" doc:"按名额划线时指南的拟立项数，否则为0"`
	BudgetFen int64  `json:"budget_fen" doc:"按经费划线时指南的经费总额（分），否则为0"`
	Undrawn   string `json:"undrawn" doc:"没有划线的原因；划了线则为空"`

	Costs map[string]int64 `json:"-"` // in fen, under a budget
}

// Why no line is drawn.
const (
	NoLine = "指南没有拟立项数，也没有经费总额，不划线。"
	Shared = "结束评审时本指南另有未流会的评审批次，名额和经费由各批次合用，单独一批不划线。"
)

// valid refuses contradictions.
func (a Asked) valid() error {
	drawn := a.Places > 0 || a.BudgetFen > 0
	switch {
	case a.Places < 0 || a.BudgetFen < 0 || a.Places > 0 && a.BudgetFen > 0:
		return fmt.Errorf("名额%d、经费%d分：应只有其中一个，且不为负", a.Places, a.BudgetFen)
	case drawn && a.Undrawn != "", !drawn && a.Undrawn != NoLine && a.Undrawn != Shared:
		return fmt.Errorf("没有划线的原因“%s”与名额、经费不符", a.Undrawn)
	}
	return nil
}

// draw is the line that is asked, or nil.
func (a Asked) draw(o *Opinion) (*Line, error) {
	switch {
	case a.Places > 0:
		return o.Draw(a.Places), nil
	case a.BudgetFen > 0:
		return o.DrawBudget(a.BudgetFen, a.Costs)
	}
	return nil, nil
}

// Advice is the second opinion on an official record: report.json of the
// service. Its line, groups, reserve and sensitivity are those among the
// applications that pass, for no other can be funded.
type Advice struct {
	Basis
	Asked
	Lines       []Standing  `json:"lines"`
	Report      *Report     `json:"report"`
	Sensitivity []Sensitive `json:"sensitivity"`
}

// Standing is one application by both rankings.
type Standing struct {
	Number       string   `json:"number"`
	OfficialRank int      `json:"official_rank"`
	OfficialMark string   `json:"official_mark"`
	Passed       bool     `json:"passed" doc:"按正式排名是否合格；不合格的不得立项，不在划线之列"`
	N            int      `json:"n"`
	Mean         float64  `json:"mean"`
	Trimmed      float64  `json:"trimmed"`
	Corrected    *float64 `json:"corrected" doc:"校正专家尺度后的平均分，供参考；依据不足时为null，所缺依据见report.gate.why"`
	Effect       float64  `json:"effect" doc:"去除专家尺度后的项目效应（分）"`
	EffectSD     float64  `json:"effect_sd"`
	ExpectedRank float64  `json:"expected_rank" doc:"在全部有分的项目中的期望名次"`
	Rank05       int      `json:"rank_q05" doc:"名次的5%分位；与95%分位构成90%区间"`
	Rank25       int      `json:"rank_q25"`
	Rank75       int      `json:"rank_q75"`
	Rank95       int      `json:"rank_q95"`
	Group        Group    `json:"group" doc:"在合格项目中划线：fund 线内，tie 与线不可区分，reject 线外；不合格或没有划线则为空。ranking.csv的group另按全部有分的项目划线，与keping rank由scores.csv所得相同"`
}

// Files are a second opinion as it is kept and exported.
type Files struct {
	Scores, Costs, Ranking, Report []byte // costs.csv is empty without a budget
}

// Seed is the seed of the second opinion on a record: the first 13 hexadecimal
// digits of its hash.
func Seed(record rank.Record) (uint64, error) {
	hash, err := journal.HashOf(record)
	if err != nil {
		return 0, err
	}
	return strconv.ParseUint(hash[:13], 16, 64)
}

// Advise computes the second opinion on an official record, as costly as Rank
// and Reliabilities. ranking.csv has the groups that the marks alone give, so
// that scores.csv is enough to check it; the report knows who passes.
//
// Errors: a record without marks that compare, a mark that is no number, a cost
// that is missing, a contradiction in what is asked.
func Advise(record rank.Record, asked Asked) (*Opinion, Files, error) {
	var files Files
	if err := asked.valid(); err != nil {
		return nil, files, err
	}
	basis := Of(record)
	files.Scores = inMemory(basis.WriteScores)
	marks, err := ReadScores(bytes.NewReader(files.Scores), Percent) // what a reader of the file sees
	if err != nil {
		return nil, files, err
	}
	seed, err := Seed(record)
	if err != nil {
		return nil, files, err
	}
	o, err := Rank(marks, Percent, Options{Seed: seed})
	if err != nil {
		return nil, files, err
	}
	if _, err := asked.draw(o); err != nil {
		return nil, files, err
	}
	if asked.BudgetFen > 0 {
		files.Costs = inMemory(asked.writeCosts)
	}
	files.Ranking = inMemory(o.WriteCSV)
	advice, err := o.advise(record, basis, asked, marks, seed)
	if err != nil {
		return nil, files, err
	}
	files.Report, err = json.Marshal(advice)
	return o, files, err
}

func (o *Opinion) advise(record rank.Record, basis Basis, asked Asked, marks []Mark, seed uint64) (*Advice, error) {
	official := map[string]rank.Result{}
	for _, r := range record.Results {
		official[r.Application] = r
	}
	passed := o.Among(func(name string) bool { return official[name].Passed })
	line, err := asked.draw(passed)
	if err != nil {
		return nil, err
	}
	a := &Advice{Basis: basis, Asked: asked, Sensitivity: []Sensitive{}}
	if line != nil {
		if a.Sensitivity, err = Sensitivity(record, line.Places); err != nil {
			return nil, err
		}
	}
	fits, err := Reliabilities(marks, Percent)
	if err != nil {
		return nil, err
	}
	a.Report = NewReport(o, fits, line, History{}, seed)
	group := map[string]Group{}
	for _, x := range passed.Applications {
		group[x.Name] = x.Group
	}
	for i, x := range o.Applications {
		r := official[x.Name]
		a.Lines = append(a.Lines, Standing{Number: x.Name, OfficialRank: r.Rank, OfficialMark: r.Shown, Passed: r.Passed, N: x.N, Mean: x.Mean, Trimmed: x.Trimmed,
			Corrected: a.Report.Applications[i].Corrected, Effect: x.Effect, EffectSD: x.EffectSD, ExpectedRank: x.ExpectedRank,
			Rank05: x.Rank05, Rank25: x.Rank25, Rank75: x.Rank75, Rank95: x.Rank95, Group: group[x.Name]})
	}
	return a, nil
}

// writeCosts writes C.csv, by application.
func (a Asked) writeCosts(w io.Writer) error {
	out := csv.NewWriter(w)
	rows := [][]string{{"application", "cost_fen"}}
	for _, name := range slices.Sorted(maps.Keys(a.Costs)) {
		rows = append(rows, []string{name, strconv.FormatInt(a.Costs[name], 10)})
	}
	return out.WriteAll(rows)
}

// inMemory is what a writer writes into memory, where writing cannot fail.
func inMemory(write func(io.Writer) error) []byte {
	var out bytes.Buffer
	_ = write(&out)
	return out.Bytes()
}

// Facts are what the journal says of a second opinion: on which record, asked
// what, and the digests of its files; of files left nil it says nothing.
func (f Files) Facts(record rank.Record, asked Asked) (map[string]any, error) {
	official, err := journal.HashOf(record)
	if err != nil {
		return nil, err
	}
	seed, err := Seed(record)
	out := map[string]any{"review": record.Review, "official": official, "seed": int64(seed), "places": int64(asked.Places), "budget_fen": asked.BudgetFen, "undrawn": asked.Undrawn}
	for name, data := range map[string][]byte{"scores": f.Scores, "costs": f.Costs, "ranking": f.Ranking, "report": f.Report} {
		if data != nil {
			out[name] = journal.Hash(string(data))
		}
	}
	return out, err
}

// VerifyJournal demands a sound journal in which the service has entered a
// second opinion with all these facts.
func VerifyJournal(facts map[string]any, lines io.Reader) error {
	found := false
	_, err := journal.Verify(lines, nil, func(e journal.Entry) {
		if e.Act != "second_opinion.compute" {
			return
		}
		all := true
		for name, value := range facts {
			all = all && e.Facts[name] == value
		}
		found = found || all
	})
	if err == nil && !found {
		err = fmt.Errorf("日志中没有这份参考意见的记录")
	}
	return err
}
