package main

import (
	"compress/gzip"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"strings"

	"keping/cmd/internal/verify"
	"keping/rbac/naming"
)

// names judges pairs of names by the names alone.
type names struct {
	Units   string `help:"单位名称对照表：CSV，列 left,right（- 为标准输入，.gz 直接读）。" xor:"kind" required:"" placeholder:"PAIRS.csv"`
	People  string `help:"人员姓名对照表，格式同上。" xor:"kind" required:"" placeholder:"PAIRS.csv"`
	Out     string `help:"结果：left,right,verdict,why；verdict 为 same、related、unknown 或 different。" default:"-" placeholder:"O.csv"`
	Aliases string `help:"补充的单位别名表：CSV，列 alias,name,until（until 为旧名停用日期，可空）。" placeholder:"FILE.csv"`
}

func (c *names) Run() error {
	aliases := naming.Default()
	if c.Aliases != "" {
		in, err := open(c.Aliases)
		if err != nil {
			return verify.Usage(err)
		}
		defer in.Close()
		if err := aliases.Read(in); err != nil {
			return verify.Usage(fmt.Errorf("%s：%w", c.Aliases, err))
		}
	}
	file, judge := c.Units, aliases.Units
	if c.People != "" {
		file, judge = c.People, naming.People
	}
	in, err := open(file)
	if err != nil {
		return verify.Usage(err)
	}
	defer in.Close()
	var out io.Writer = os.Stdout
	if c.Out != "-" {
		f, err := os.Create(c.Out)
		if err != nil {
			return verify.Usage(err)
		}
		defer f.Close()
		out = f
	}
	return judgePairs(file, in, out, judge)
}

// judgePairs reads pairs by header name, in any order of columns, and writes
// each with its verdict.
func judgePairs(file string, in io.Reader, out io.Writer, judge func(left, right string) (naming.Verdict, string)) error {
	rows := csv.NewReader(in)
	header, err := rows.Read()
	if err == io.EOF {
		return verify.Usage(fmt.Errorf("%s：文件是空的，应有列 left,right", file))
	} else if err != nil {
		return verify.Usage(fmt.Errorf("%s：%w", file, err))
	}
	left, right := -1, -1
	for i, name := range header {
		switch strings.TrimSpace(strings.TrimPrefix(name, "\ufeff")) {
		case "left":
			left = i
		case "right":
			right = i
		}
	}
	if left < 0 || right < 0 {
		return verify.Usage(fmt.Errorf("%s：第1行：应有列 left 和 right，现为 %s", file, strings.Join(header, ",")))
	}
	w := csv.NewWriter(out)
	if err := w.Write([]string{"left", "right", "verdict", "why"}); err != nil {
		return err
	}
	for {
		row, err := rows.Read()
		if err == io.EOF {
			w.Flush()
			return w.Error()
		}
		if err != nil {
			return verify.Usage(fmt.Errorf("%s：%w", file, err))
		}
		verdict, why := judge(row[left], row[right])
		if err := w.Write([]string{row[left], row[right], string(verdict), why}); err != nil {
			return err
		}
	}
}

// open opens a file to read; "-" is standard input, .gz is unpacked.
func open(name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(os.Stdin), nil
	}
	f, err := os.Open(name)
	if err != nil || !strings.HasSuffix(name, ".gz") {
		return f, err
	}
	return gzip.NewReader(f)
}
