package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"keping/cmd/internal/verify"
	"keping/reviewing/rank/opinion"
)

// rankCommand is the second opinion on plain CSV files.
type rankCommand struct {
	verify.Marks `embed:""`
	Out          string `help:"排序结果 R.csv：application,n,mean,trimmed,effect,effect_sd,expected_rank,rank_q25,rank_q75,group" default:"-" placeholder:"R.csv"`
	Report       string `help:"报告 R.json：信度（REML）、尺度参数、划线、分组与候补、专家宽严、校正宽严的依据（含无害检验，依据足时另给各项目校正后的平均分）、90% 名次区间、误差与种子" placeholder:"R.json"`
}

// Help explains what comes out.
func (rankCommand) Help() string {
	return `由各专家的评分推算每个项目的期望名次及其不确定程度（贝叶斯排序，数值积分），供参考，不改变正式排名。

例：keping rank --scores S.csv --scale 0:100 --places 12 --out R.csv --report R.json

S.csv 最简单的样子：
  application,expert,score
  P001,张三,86.5
  P001,李四,79
  P002,张三,91

expected_rank 为期望名次，rank_q25、rank_q75 为名次的四分位数；group 为 fund（线上）、tie（与线难分，由会议或抽取决定）、reject（线下），不给 --places 或 --budget 时为空。
R.json 的各字段见 api/openapi.json 的 Report（服务的参考意见是同一份报告）。
退出码：0 完成；2 用法或输入有误（指明文件、行、列），或输出不能写。`
}

// Run ranks.
func (c *rankCommand) Run() error {
	if err := verify.Try([]string{c.Scores, c.Costs}, c.Out, c.Report); err != nil {
		return err
	}
	o, line, marks, scale, err := c.Compute(progress())
	if err != nil {
		return err
	}
	fits, err := opinion.Reliabilities(marks, scale)
	if err != nil {
		return err
	}
	report := opinion.NewReport(o, fits, line, opinion.History{}, c.Seed)
	return verify.Write(verify.Output{Name: c.Out, Write: o.WriteCSV}, verify.Output{Name: c.Report, Write: report.Write})
}

// patience is how long work may last before it shows how far it is.
const patience = 2 * time.Second

// progress tells a person at a terminal how far long work is; nobody else.
func progress() func(float64) {
	if !terminal() {
		return nil
	}
	next := time.Now().Add(patience)
	return func(share float64) {
		if now := time.Now(); now.After(next) {
			next = now.Add(patience / 4)
			fmt.Fprintf(os.Stderr, "\r%3.0f%%", 100*share)
			if share >= 1 {
				fmt.Fprintln(os.Stderr)
			}
		}
	}
}

// terminal tells whether a person is watching.
func terminal() bool {
	info, err := os.Stderr.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// create writes one file.
func create(name string, write func(io.Writer) error) error {
	return verify.Write(verify.Output{Name: name, Write: write})
}
