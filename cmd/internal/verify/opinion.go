package verify

import (
	"bytes"
	"fmt"
	"strings"

	"keping/reviewing/rank"
	"keping/reviewing/rank/opinion"
)

// Marks are the inputs of a second opinion, the same for whoever computes it
// and for whoever checks it.
type Marks struct {
	Scores string `help:"评分表 CSV：列 application,expert,score[,panel]，列序不限（- 为标准输入，.gz 直接读）。每个专家对每个项目一行；全部行都填了 panel 且不止一个时计入分组效应" required:"" placeholder:"S.csv"`
	Scale  string `help:"评分范围 最低分:最高分，如 1:6 或 0:100；先验按其跨度设定，超出范围的评分视为错误" required:"" placeholder:"LO:HI"`
	Places *int   `help:"拟立项数：据此划线，分为 fund、tie、reject 三组" xor:"line" placeholder:"K"`
	Budget *int64 `help:"经费总额（分）：按期望名次依次放入，至第一个放不下的项目为止" xor:"line" and:"money" placeholder:"FEN"`
	Costs  string `help:"各项目经费 CSV：列 application,cost_fen，与 --budget 同用" and:"money" placeholder:"C.csv"`
	Seed   uint64 `help:"联合抽样的种子，相同的种子得到相同的结果" default:"1" placeholder:"N"`
}

// Compute reads the files and ranks; progress may be nil.
func (m *Marks) Compute(progress func(float64)) (*opinion.Opinion, *opinion.Line, []opinion.Mark, opinion.Scale, error) {
	fail := func(err error) (*opinion.Opinion, *opinion.Line, []opinion.Mark, opinion.Scale, error) {
		return nil, nil, nil, opinion.Scale{}, Usage(err)
	}
	scale, err := opinion.ParseScale(m.Scale)
	if err != nil {
		return fail(fmt.Errorf("--scale %s：%w", m.Scale, err))
	}
	if m.Places != nil && *m.Places < 0 || m.Budget != nil && *m.Budget < 0 {
		return fail(fmt.Errorf("--places、--budget 不能为负"))
	}
	data, err := Read(m.Scores)
	if err != nil {
		return fail(err)
	}
	marks, err := opinion.ReadScores(bytes.NewReader(data), scale)
	if err != nil {
		return fail(named(m.Scores, err))
	}
	var costs map[string]int64
	if m.Budget != nil {
		if data, err = Read(m.Costs); err != nil {
			return fail(err)
		}
		if costs, err = opinion.ReadCosts(bytes.NewReader(data), marks...); err != nil {
			return fail(named(m.Costs, err))
		}
	}
	o, err := opinion.Rank(marks, scale, opinion.Options{Seed: m.Seed, Progress: progress})
	if err != nil {
		return fail(named(m.Scores, err))
	}
	var line *opinion.Line
	switch {
	case m.Places != nil:
		line = o.Draw(*m.Places)
	case m.Budget != nil:
		if line, err = o.DrawBudget(*m.Budget, costs); err != nil {
			return fail(named(m.Costs, err))
		}
	}
	return o, line, marks, scale, nil
}

// Opinion checks a second opinion.
type Opinion struct {
	Marks    `embed:""`
	Ranking  string `help:"要验证的排序 R.csv（.gz 直接读）" required:"" placeholder:"R.csv"`
	Official string `help:"正式排名记录，另要求评分表正是其中的有效评分；种子取自其摘要，不必另给" placeholder:"official.json"`
	Report   string `help:"服务导出的报告，另要求与重算结果相同（小数容许相差百万分之一）；与 --official 同用" placeholder:"report.json"`
	Journal  string `help:"日志导出，另要求其中有这份参考意见及各文件摘要的记录；与 --official 同用" placeholder:"FILE.jsonl"`
}

// unasked is the seed where none is given.
const unasked = 1

// most is how many differences are worth telling.
const most = 20

// Run recomputes the second opinion and says where the files differ.
func (c Opinion) Run() error {
	data, err := Read(c.Ranking)
	if err != nil {
		return err
	}
	if c.Official == "" && (c.Report != "" || c.Journal != "") {
		return Usage(fmt.Errorf("--report、--journal 须与 --official 同用"))
	}
	var o *opinion.Opinion
	said := ""
	if c.Official == "" {
		o, _, _, _, err = c.Compute(nil)
	} else if o, err = c.advised(data); err == nil {
		said = "，与正式排名记录一致"
	}
	if err != nil {
		return err
	}
	differences, err := o.Differences(bytes.NewReader(data))
	if err != nil {
		return Usage(named(c.Ranking, err))
	}
	if n := len(differences); n > 0 {
		if n > most {
			differences = append(differences[:most], fmt.Sprintf("……共%d处", n))
		}
		return fmt.Errorf("%s：与重算结果不一致\n%s", c.Ranking, strings.Join(differences, "\n"))
	}
	if c.Report != "" {
		said += "，报告属实"
	}
	if c.Journal != "" {
		said += "，与日志一致"
	}
	fmt.Printf("参考排序属实：%d个项目，种子 %d%s（小数的末位容许相差1，其余逐字相同）\n", len(o.Applications), c.Seed, said)
	return nil
}

// advised computes the opinion from the official record and compares all but the
// ranking, whose bytes are given.
func (c *Opinion) advised(ranking []byte) (*opinion.Opinion, error) {
	given := opinion.Files{Ranking: ranking}
	data, err := Read(c.Official)
	if err != nil {
		return nil, err
	}
	record, err := rank.ParseRecord(data)
	if err != nil {
		return nil, named(c.Official, err)
	}
	if given.Scores, err = Read(c.Scores); err != nil {
		return nil, err
	}
	asked, err := c.asked(&given)
	if err != nil {
		return nil, err
	}
	seed, err := opinion.Seed(record)
	if err != nil {
		return nil, named(c.Official, err)
	}
	if c.Seed == unasked { // the record tells
		c.Seed = seed
	}
	if c.Scale != "0:100" || c.Seed != seed {
		return nil, fmt.Errorf("--scale %s --seed %d：这份正式排名记录的参考意见应为 --scale 0:100 --seed %d", c.Scale, c.Seed, seed)
	}
	o, made, err := opinion.Advise(record, asked)
	if err != nil {
		return nil, named(c.Official, err)
	}
	if !bytes.Equal(given.Scores, made.Scores) {
		return nil, fmt.Errorf("%s：不是%s中的有效评分", c.Scores, c.Official)
	}
	if given.Report != nil {
		if at := opinion.ReportDiffers(given.Report, made.Report); at != "" {
			return nil, fmt.Errorf("%s：%s与重算结果不一致", c.Report, at)
		}
	}
	if c.Journal != "" {
		lines, err := Read(c.Journal)
		if err != nil {
			return nil, err
		}
		facts, err := given.Facts(record, asked)
		if err != nil {
			return nil, named(c.Official, err)
		}
		if given.Report == nil && asked.Undrawn != "" {
			delete(facts, "undrawn") // only the report says why
		}
		if err := opinion.VerifyJournal(facts, bytes.NewReader(lines)); err != nil {
			return nil, named(c.Journal, err)
		}
	}
	return o, nil
}

// asked is what the line is drawn by. Why there is none the report says, in one
// of two sentences, and the journal.
func (c Opinion) asked(given *opinion.Files) (opinion.Asked, error) {
	asked := opinion.Asked{}
	var err error
	if c.Report != "" {
		if given.Report, err = Read(c.Report); err != nil {
			return asked, err
		}
	}
	switch {
	case c.Places != nil:
		asked.Places = *c.Places
	case c.Budget != nil:
		if given.Costs, err = Read(c.Costs); err != nil {
			return asked, err
		}
		asked.BudgetFen = *c.Budget
		if asked.Costs, err = opinion.ReadCosts(bytes.NewReader(given.Costs)); err != nil {
			return asked, Usage(named(c.Costs, err))
		}
	default:
		asked.Undrawn = opinion.NoLine
		if bytes.Contains(given.Report, []byte(opinion.Shared)) {
			asked.Undrawn = opinion.Shared
		}
	}
	return asked, nil
}
