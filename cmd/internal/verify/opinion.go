package verify

import (
	"bytes"
	"fmt"
	"strings"

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
	Marks   `embed:""`
	Ranking string `help:"要验证的排序 R.csv（.gz 直接读）" required:"" placeholder:"R.csv"`
}

// most is how many differences are worth telling.
const most = 20

// Run recomputes the second opinion and says where the file differs.
func (c Opinion) Run() error {
	data, err := Read(c.Ranking)
	if err != nil {
		return err
	}
	o, _, _, _, err := c.Compute(nil)
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
	fmt.Printf("参考排序属实：%d个项目，种子 %d（小数的末位容许相差1，其余逐字相同）\n", len(o.Applications), c.Seed)
	return nil
}
