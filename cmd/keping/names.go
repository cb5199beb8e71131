package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"

	"keping/cmd/internal/verify"
	"keping/rbac/naming"
	"keping/reviewing/table"
)

// names judges pairs of names by the names alone.
type names struct {
	Units   string `help:"单位名称对照表：CSV，列 left,right（- 为标准输入，.gz 直接读；与 --people 必给其一）。" xor:"kind" placeholder:"PAIRS.csv"`
	People  string `help:"人员姓名对照表，格式同上（与 --units 必给其一）。" xor:"kind" placeholder:"PAIRS.csv"`
	Out     string `help:"结果：left,right,verdict,why；verdict 为 same、related、unknown 或 different。" default:"-" placeholder:"O.csv"`
	Aliases string `help:"补充的单位别名表：CSV，列 alias,name,until（until 为旧名停用日期，可空）。" placeholder:"FILE.csv"`
}

// Run judges.
func (c *names) Run() error {
	aliases := naming.Default()
	file, judge := c.Units, aliases.Units
	if c.People != "" {
		file, judge = c.People, naming.People
	}
	if file == "" {
		return verify.Usage(errors.New("须给出 --units 或 --people"))
	}
	if err := verify.Try([]string{file, c.Aliases}, c.Out); err != nil {
		return err
	}
	if c.Aliases != "" {
		data, err := verify.Read(c.Aliases)
		if err != nil {
			return err
		}
		if err := aliases.Read(bytes.NewReader(data)); err != nil {
			return verify.Usage(fmt.Errorf("%s：%w", c.Aliases, err))
		}
	}
	data, err := verify.Read(file)
	if err != nil {
		return err
	}
	judged, err := judgePairs(bytes.NewReader(data), judge)
	if err != nil {
		return verify.Usage(fmt.Errorf("%s：%w", file, err))
	}
	return create(c.Out, func(w io.Writer) error { return csv.NewWriter(w).WriteAll(judged) })
}

// judgePairs reads pairs and puts the verdict beside each.
func judgePairs(in io.Reader, judge func(left, right string) (naming.Verdict, string)) ([][]string, error) {
	rows, err := table.New(in, []string{"left", "right"})
	if err != nil {
		return nil, err
	}
	judged := [][]string{{"left", "right", "verdict", "why"}}
	for {
		if err := rows.Next(); err == io.EOF {
			return judged, nil
		} else if err != nil {
			return nil, err
		}
		left, err := rows.Text(0, false)
		if err != nil {
			return nil, err
		}
		right, err := rows.Text(1, false)
		if err != nil {
			return nil, err
		}
		verdict, why := judge(left, right)
		judged = append(judged, []string{left, right, string(verdict), why})
	}
}
