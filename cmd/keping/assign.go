package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"regexp"
	"slices"
	"time"

	"keping/cmd/internal/verify"
	"keping/reviewing/assign"
)

// assignCommand is the exact assignment on plain CSV files.
type assignCommand struct {
	verify.Pairs   `embed:""`
	Per            int     `help:"每个项目的专家人数，不分类别（与 --seats 必给其一）" xor:"seats" placeholder:"N"`
	Seats          string  `help:"每个项目各类别的专家人数，如 technical=3,management=1,finance=1（专家名单须有 class 列；与 --per 必给其一）" xor:"seats" placeholder:"SEATS"`
	UnitCap        int     `help:"每个项目中同一单位的专家最多人数，0 为不限（专家名单须有 unit 列，空白的单位不限）" placeholder:"N"`
	Sparse         bool    `help:"只能使用亲和度表列出的各对；不给时未列出的为 0，也可指派"`
	Objective      string  `help:"total：总和最大；fair：先使最差的项目最好，再使总和最大" enum:"total,fair" default:"total"`
	Minimum        string  `help:"每个项目的亲和度至少为 M，在此之下总和最大（与 fair 二选一）" placeholder:"M"`
	Seconds        float64 `help:"求解时限（秒），到时给出已有的最好结果和界之间的差距；0 为不限" placeholder:"S"`
	Out            string  `help:"指派 O.csv：application,expert,class,affinity" required:"" placeholder:"O.csv"`
	MaxProbability string  `help:"抽签：任何一对被指派的概率不超过 Q（0 至 1 的小数），在此之下期望亲和度最大，再按种子抽一次；每次抽签都守住全部规则" and:"lottery" placeholder:"Q"`
	Seed           string  `help:"抽签的种子，十六进制小写；相同的种子得到相同的结果" and:"lottery" placeholder:"HEX"`
	Marginals      string  `help:"各对的概率 P.csv：application,expert,probability" and:"lottery" placeholder:"P.csv"`
	Repair         string  `help:"已有的指派 O.csv：有人谢绝之后（把谢绝的各对写入回避，退出的专家 max 改为 0）补足席位，其他改动最少，其次总和最大" placeholder:"O.csv"`
	Certificate    string  `help:"证书 K.json：任何人可据以验证最优，不必求解（keping verify assignment）" placeholder:"K.json"`
}

// Help explains what comes out.
func (assignCommand) Help() string {
	return `为每个项目指派专家，使亲和度总和最大；结果附有界，界等于总和即证明最优。

例：keping assign --applications A.csv --experts E.csv --affinity F.csv --per 5 --out O.csv --certificate K.json

最简单的样子：
  A.csv            E.csv            F.csv
  application      expert,max       application,expert,affinity
  P001             张三,4           P001,张三,0.82
  P002             李四,4           P002,张三,0.4

有人谢绝之后：把谢绝的各对写进 C.csv，再以 --conflicts C.csv --repair O.csv --out O2.csv 补足，别的席位尽量不动；证书以 keping verify assignment --before O.csv 验证。

最后一行写到标准错误：total 总和 minimum 最差项目的亲和度 bound 界 seconds 用时。
退出码：0 完成；1 没有可行的指派（说明缺在哪里）；2 用法或输入有误（指明文件、行、列），或输出不能写。`
}

// Run assigns.
func (c *assignCommand) Run() error {
	start := time.Now()
	task := &assign.Reader{Task: assign.Task{UnitCap: c.UnitCap, Sparse: c.Sparse}}
	options, err := c.options(&task.Task)
	if err != nil {
		return verify.Usage(err)
	}
	if err := verify.Try([]string{c.Applications, c.Experts, c.Affinity, c.Conflicts, c.Repair}, c.Out, c.Certificate, c.Marginals); err != nil {
		return err
	}
	inputs, err := c.Load(task)
	if err != nil {
		return err
	}
	if c.Seconds > 0 {
		deadline := start.Add(time.Duration(min(c.Seconds, 1e9) * float64(time.Second))) // 30 years fit a Duration
		options.Stop = func() bool { return time.Now().After(deadline) }
	}
	if c.MaxProbability != "" {
		return c.draw(task, options, start)
	}
	if c.Repair != "" {
		return c.repair(task, inputs, options, start)
	}
	r, err := assign.Solve(&task.Task, options)
	settled()
	if err != nil {
		return err
	}
	if err := verify.Write(verify.Output{Name: c.Out, Write: func(w io.Writer) error { return task.WriteOutput(w, r.Panels) }},
		verify.Output{Name: c.Certificate, Write: func(w io.Writer) error { return r.WriteCertificate(w, inputs) }}); err != nil {
		return err
	}
	if r.MinimumBound != nil && *r.MinimumBound != r.Minimum {
		fmt.Fprintf(os.Stderr, "最差项目的亲和度%s未证明最大：界%s\n", r.Minimum, r.MinimumBound)
	}
	fmt.Fprintf(os.Stderr, "total %s minimum %s bound %s seconds %.3f\n", r.Total, r.Minimum, r.Bound, time.Since(start).Seconds())
	return nil
}

var hexadecimal = regexp.MustCompile(`^[0-9a-f]+$`)

// draw is the capped lottery.
func (c *assignCommand) draw(task *assign.Reader, options assign.Options, start time.Time) error {
	most, ok := assign.ParseDecimal(c.MaxProbability)
	if !ok || most == 0 || most > assign.Unit {
		return verify.Usage(fmt.Errorf("--max-probability %s：应大于0、不超过1，至多九位小数", c.MaxProbability))
	}
	if !hexadecimal.MatchString(c.Seed) {
		return verify.Usage(fmt.Errorf("--seed %s：应为十六进制小写", c.Seed))
	}
	l, err := assign.Draw(&task.Task, most, c.Seed, options.Stop)
	settled()
	if err != nil {
		return err
	}
	total, minimum, err := assign.Check(&task.Task, l.Panels)
	if err != nil {
		return err
	}
	if err := verify.Write(verify.Output{Name: c.Out, Write: func(w io.Writer) error { return task.WriteOutput(w, l.Panels) }},
		verify.Output{Name: c.Marginals, Write: l.WriteMarginals}); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "expected %s，为不抽签时最大总和的%.2f%%\n", l.Expectation(), l.Share())
	fmt.Fprintf(os.Stderr, "total %s minimum %s bound %s seconds %.3f\n", total, minimum, l.Bound, time.Since(start).Seconds())
	return nil
}

// repair changes as little of an assignment as what is barred now leaves.
func (c *assignCommand) repair(task *assign.Reader, inputs assign.Inputs, options assign.Options, start time.Time) error {
	before, hash, err := verify.ReadAssignment(task, c.Repair)
	if err != nil {
		return err
	}
	inputs.Before = hash
	r, err := assign.Resolve(&task.Task, before, options.Stop)
	if errors.Is(err, assign.ErrTooFine) {
		return verify.Usage(err)
	} else if err != nil {
		return err
	}
	if err := verify.Write(verify.Output{Name: c.Out, Write: func(w io.Writer) error { return task.WriteOutput(w, r.Panels) }},
		verify.Output{Name: c.Certificate, Write: func(w io.Writer) error { return r.WriteCertificate(w, inputs) }}); err != nil {
		return err
	}
	for i, panel := range r.Panels {
		for _, j := range panel {
			if !slices.Contains(before[i], j) {
				fmt.Fprintf(os.Stderr, "%s 增加 %s\n", task.Applications[i], task.Experts[j].Name)
			}
		}
	}
	if r.MostKept > r.Kept {
		fmt.Fprintf(os.Stderr, "未证明改动最少：保留%d席，界%d席\n", r.Kept, r.MostKept)
	}
	fmt.Fprintf(os.Stderr, "changes %d total %s minimum %s bound %s seconds %.3f\n", assign.Changes(before, r.Panels), r.Total, r.Minimum, r.Bound, time.Since(start).Seconds())
	return nil
}

// options reads what is wanted into the task's seats and the solver's options.
func (c *assignCommand) options(task *assign.Task) (o assign.Options, err error) {
	if c.UnitCap < 0 || c.UnitCap > assign.MaxCount {
		return o, fmt.Errorf("--unit-cap %d：应为0到%d的整数", c.UnitCap, assign.MaxCount)
	}
	if !(c.Seconds >= 0) || math.IsInf(c.Seconds, 0) {
		return o, fmt.Errorf("--seconds %v：应为不小于0的秒数", c.Seconds)
	}
	switch {
	case c.Seats != "":
		if task.Seats, err = assign.ParseSeats(c.Seats); err != nil {
			return o, fmt.Errorf("--seats %s：%w", c.Seats, err)
		}
	case c.Per < 1 || c.Per > assign.MaxCount:
		return o, fmt.Errorf("须给出 --per 或 --seats：每个项目至少1名专家，至多%d名", assign.MaxCount)
	default:
		task.Seats = []assign.Seats{{Count: c.Per}}
	}
	if c.Objective == "fair" {
		o.Objective = assign.Fair
	}
	if c.Minimum != "" {
		if o.Objective == assign.Fair {
			return o, errors.New("--minimum 与 --objective fair 只能用一个")
		}
		floor, most, ok := task.ParseFloor(c.Minimum)
		if !ok {
			return o, fmt.Errorf("--minimum %s：不是0到%s的数", c.Minimum, most)
		}
		o.Objective, o.Floor = assign.Minimum, floor
	}
	if c.MaxProbability != "" && (c.Certificate != "" || o.Objective != assign.Total) {
		return o, errors.New("--max-probability 不能与 --certificate、--objective fair 或 --minimum 同用")
	}
	if c.Repair != "" && (c.MaxProbability != "" || o.Objective != assign.Total) {
		return o, errors.New("--repair 不能与 --max-probability、--objective fair 或 --minimum 同用")
	}
	o.Progress = telling()
	return o, nil
}

// telling shows a person at a terminal what long work has reached.
func telling() func(assign.Progress) {
	if !terminal() {
		return nil
	}
	next := time.Now().Add(patience)
	return func(p assign.Progress) {
		if now := time.Now(); now.After(next) {
			next = now.Add(patience / 4)
			fmt.Fprintf(os.Stderr, "\r%s\033[K", p)
		}
	}
}

// settled clears what telling has shown.
func settled() {
	if terminal() {
		fmt.Fprint(os.Stderr, "\r\033[K")
	}
}
