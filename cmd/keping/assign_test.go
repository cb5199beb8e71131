package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/cmd/internal/verify"
	"keping/reviewing/assign"
	"keping/reviewing/chance"
)

// TestAssign: what a clerk's files may hold, through the command: an assignment
// that the verifier confirms, or a refusal that names file, line and column, or
// what is lacking.
func TestAssign(t *testing.T) {
	const (
		A = "application\n甲\n乙\n"
		E = "expert,max,class,unit\n张,2,技术,一所\n李,1,技术,一所\n王,2,财务,二所\n赵,0,财务,二所\n"
		F = "application,expert,affinity\n甲,张,0.9\n甲,李,8e-1\n乙,李,.5\n乙,王,0.25\n"
	)
	for name, c := range map[string]struct {
		a, e, f, c string // A, E and F where they are empty; - for an empty file
		with       assignCommand
		says       string
		status     int
		out        string // rows without the header, blank-separated
	}{
		"the greatest total":     {out: "甲,张,技术,0.9 乙,李,技术,0.5"},
		"only listed pairs":      {with: assignCommand{Sparse: true}, out: "甲,张,技术,0.9 乙,李,技术,0.5"},
		"two of any class":       {with: assignCommand{Per: 2}, out: "甲,张,技术,0.9 甲,李,技术,0.8 乙,张,技术,0 乙,王,财务,0.25"},
		"fair":                   {with: assignCommand{Per: 2, Objective: "fair"}, out: "甲,张,技术,0.9 甲,王,财务,0 乙,李,技术,0.5 乙,王,财务,0.25"},
		"a minimum":              {with: assignCommand{Per: 2, Minimum: "0.3"}, out: "甲,张,技术,0.9 甲,王,财务,0 乙,李,技术,0.5 乙,王,财务,0.25"},
		"a minimum out of reach": {with: assignCommand{Per: 2, Minimum: "0.9"}, status: 1, says: "最差的项目最多能到0.75"},
		"barred":                 {c: "application,expert\n甲,张\n甲,张\n", out: "甲,李,技术,0.8 乙,王,财务,0.25"},
		"classes and units":      {with: assignCommand{Seats: "技术=1,财务=1", UnitCap: 1}, out: "甲,张,技术,0.9 甲,王,财务,0 乙,李,技术,0.5 乙,王,财务,0.25"},
		"one unit only":          {with: assignCommand{Seats: "技术=2", UnitCap: 1}, status: 1, says: "同一单位至多1人"},
		"more than there are":    {with: assignCommand{Per: 4}, status: 1, says: "席位需4人，可用3人（张、李、王）；其余：上限为0的1人（赵）"},
		"more than all can take": {a: A + "丙\n丁\n", with: assignCommand{Per: 2}, status: 1, says: "席位合计需6人次，能用的专家合计至多5人次"},
		"many that lack experts": {a: A + "丙\n", with: assignCommand{Seats: "技术=2", UnitCap: 1}, status: 1,
			says: "共3个项目的席位无法填满：丙、乙、甲。其中项目丙的席位无法填满：技术类席位需2人，可用2人（张、李），同一单位至多1人，他们属于1个单位（一所）"},
		"more than units can take": {e: "expert,max,unit\n张,2,一所\n李,2,一所\n王,1,二所\n赵,1,\n", a: A + "丙\n", f: "application,expert,affinity\n", with: assignCommand{Per: 2, UnitCap: 1}, status: 1,
			says: "席位合计需6人次，能用的专家合计至多6人次，限同一单位后至多5人次：单位一所至多3人次（张（至多2项）、李（至多2项））、单位二所至多1人次（王（至多1项））、赵（至多1项）；另限每项同一单位至多1人"},
		"a class nobody has":          {with: assignCommand{Seats: "法律=1"}, status: 1, says: "法律类席位需1人，可用0人"},
		"one application":             {a: "application\n甲\n", f: "application,expert,affinity\n甲,张,0.9\n甲,李,0.8\n", out: "甲,张,技术,0.9"},
		"all alike":                   {f: "application,expert,affinity\n甲,张,1\n甲,李,1\n乙,张,1\n乙,李,1\n", out: ""},
		"no affinity at all":          {f: "application,expert,affinity\n", out: ""},
		"no affinity, only listed":    {f: "application,expert,affinity\n", with: assignCommand{Sparse: true}, status: 1, says: "未列入亲和度表3人（张、李、王），上限为0的1人（赵）"},
		"no applications":             {a: "application\n", status: 2, says: "A.csv：表头之下没有项目"},
		"an empty file":               {a: "-", status: 2, says: "A.csv：文件是空的"},
		"no experts":                  {e: "expert,max,class,unit\n", status: 2, says: "E.csv：表头之下没有专家"},
		"an application twice":        {a: A + "甲\n", status: 2, says: "A.csv：第4行第1列（application）：项目甲出现两次"},
		"an expert twice":             {e: E + "张,1,技术,\n", status: 2, says: "E.csv：第6行第1列（expert）：专家张出现两次"},
		"a pair twice":                {f: F + "甲,张,0.1\n", status: 2, says: "F.csv：第6行第2列（expert）：项目甲与专家张在第2行已有亲和度"},
		"an unknown application":      {f: F + "丙,张,0.1\n", status: 2, says: "F.csv：第6行第1列（application）：项目名单里没有丙"},
		"an unknown expert":           {c: "application,expert\n甲,钱\n", status: 2, says: "C.csv：第2行第2列（expert）：专家名单里没有钱"},
		"no number":                   {f: F + "乙,张,高\n", status: 2, says: "F.csv：第6行第3列（affinity）：“高”不是0到9000000的数"},
		"a negative affinity":         {f: F + "乙,张,-0.1\n", status: 2, says: "F.csv：第6行第3列"},
		"an affinity too great":       {f: F + "乙,张,9000000.0000000005\n", status: 2, says: "F.csv：第6行第3列"},
		"NaN":                         {f: F + "乙,张,NaN\n", status: 2, says: "F.csv：第6行第3列"},
		"a number with a NUL":         {f: F + "乙,张,0.1\x00\n", status: 2, says: "F.csv：第6行第3列（affinity）：有看不见的控制字符"},
		"a name with a NUL":           {a: "application\n甲\x00\n", status: 2, says: "A.csv：第2行第1列（application）：有看不见的控制字符（U+0000）"},
		"a great unit cap, drawn":     {with: assignCommand{Per: 2, UnitCap: assign.MaxCount, MaxProbability: "0.4", Seed: "00"}, status: 1, says: "合计至多1.2人"},
		"a great unit cap":            {with: assignCommand{Per: 2, UnitCap: assign.MaxCount}, out: "甲,张,技术,0.9 甲,李,技术,0.8 乙,张,技术,0 乙,王,财务,0.25"},
		"a limit that is no count":    {e: "expert,max\n张,两\n", status: 2, says: "E.csv：第2行第2列（max）：“两”不是项目数"},
		"a negative limit":            {e: "expert,max\n张,-1\n", status: 2, says: "E.csv：第2行第2列（max）"},
		"no column of classes":        {e: "expert,max\n张,2\n", with: assignCommand{Seats: "技术=1"}, status: 2, says: "E.csv：第1行：没有列 class"},
		"no column of units":          {e: "expert,max\n张,2\n", with: assignCommand{Per: 1, UnitCap: 1}, status: 2, says: "E.csv：第1行：没有列 unit"},
		"seats that are none":         {with: assignCommand{Seats: "技术"}, status: 2, says: "“技术”不是 类别=人数"},
		"a class twice":               {with: assignCommand{Seats: "技术=1,技术=2"}, status: 2, says: "类别“技术”出现两次"},
		"no seats":                    {with: assignCommand{Per: -1}, status: 2, says: "每个项目至少1名专家"},
		"two objectives":              {with: assignCommand{Per: 1, Objective: "fair", Minimum: "0.1"}, status: 2, says: "只能用一个"},
		"a minimum that is no number": {with: assignCommand{Per: 1, Minimum: "高"}, status: 2, says: "--minimum 高"},
		"a lottery":                   {with: assignCommand{Per: 1, MaxProbability: "1", Seed: "00ff"}, out: ""},
		"a lottery with a proof":      {with: assignCommand{Per: 1, MaxProbability: "1", Seed: "00ff", Certificate: "K.json"}, status: 2, says: "不能与 --certificate"},
		"a lottery of nothing":        {with: assignCommand{Per: 1, MaxProbability: "0", Seed: "00ff"}, status: 2, says: "应大于0、不超过1"},
		"a lottery above one":         {with: assignCommand{Per: 1, MaxProbability: "1.1", Seed: "00ff"}, status: 2, says: "应大于0、不超过1"},
		"a seed that is none":         {with: assignCommand{Per: 1, MaxProbability: "1", Seed: "XY"}, status: 2, says: "应为十六进制小写"},
		"a lottery too even":          {with: assignCommand{Per: 1, MaxProbability: "0.2", Seed: "00"}, status: 1, says: "可用3人，每人概率不超过0.2时合计至多0.6人"},
		"a lottery of crossing rules": {e: strings.Replace(E, "王,2,财务,二所", "王,2,财务,一所", 1) + "孙,2,财务,三所\n", with: assignCommand{Seats: "技术=1,财务=1", UnitCap: 1, MaxProbability: "1", Seed: "00"},
			status: 1, says: "单位一所的专家分属技术、财务两类"},
		"BOM, CRLF, other columns": {e: "\ufeffunit,note,max,expert\r\n,x,2,张\r\n", f: "application,expert,affinity\n乙,张,1\n", out: "甲,张,,0 乙,张,,1"},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			write := func(file, text, otherwise string) string {
				if text == "" {
					text = otherwise
				}
				path := filepath.Join(folder, file)
				require.NoError(t, os.WriteFile(path, []byte(strings.TrimPrefix(text, "-")), 0o600))
				return path
			}
			command := c.with
			if command.Seats == "" && command.Per == 0 {
				command.Per = 1
			}
			command.Pairs = verify.Pairs{Applications: write("A.csv", c.a, A), Experts: write("E.csv", c.e, E), Affinity: write("F.csv", c.f, F)}
			if c.c != "" {
				command.Conflicts = write("C.csv", c.c, "")
			}
			command.Out = filepath.Join(folder, "O.csv")
			command.Marginals = filepath.Join(folder, "P.csv")
			if command.MaxProbability == "" {
				command.Certificate = filepath.Join(folder, "K.json")
			}
			err := command.Run()
			assert.Equal(t, c.status, verify.Status(err))
			if c.says != "" {
				require.ErrorContains(t, err, c.says)
				assert.NoFileExists(t, command.Out)
				return
			}
			require.NoError(t, err)
			rows := strings.Fields(string(must(t, command.Out)))
			assert.Equal(t, "application,expert,class,affinity", rows[0])
			if c.out != "" {
				assert.Equal(t, c.out, strings.Join(rows[1:], " "))
			}
			if command.Certificate != "" {
				check := verify.Assignment{Pairs: command.Pairs, Certificate: command.Certificate, Out: command.Out}
				assert.NoError(t, check.Run())
				require.NoError(t, os.WriteFile(command.Out, []byte(strings.Join(rows[:len(rows)-1], "\n")), 0o600))
				assert.Equal(t, 1, verify.Status(check.Run()), "a row less")
				require.NoError(t, os.WriteFile(command.Affinity, append(must(t, command.Affinity), '\n'), 0o600))
				assert.Equal(t, 1, verify.Status(check.Run()), "another file")
			}
		})
	}
}

// TestAssignRows: the order of rows decides nothing, also among many assignments
// that are equally good: total, fair and lottery take the same pairs.
func TestAssignRows(t *testing.T) {
	random := chance.New(3)
	shuffled := func(header string, rows []string) string {
		rows = slices.Clone(rows)
		for k := range rows {
			other := k + random.Below(len(rows)-k)
			rows[k], rows[other] = rows[other], rows[k]
		}
		return header + "\n" + strings.Join(rows, "\n") + "\n"
	}
	var a, e, f, c []string
	for j := range 20 {
		e = append(e, fmt.Sprintf("E%02d,3,%s,U%d", j, []string{"技术", "财务"}[j%2], j/3))
	}
	for i := range 12 {
		a = append(a, fmt.Sprintf("P%02d", i))
		for j := range 20 {
			if f = append(f, fmt.Sprintf("P%02d,E%02d,0.%d", i, j, 5*random.Below(2))); random.Below(9) == 0 {
				c = append(c, fmt.Sprintf("P%02d,E%02d", i, j))
			}
		}
	}
	for _, with := range []assignCommand{{}, {Objective: "fair"}, {MaxProbability: "0.5", Seed: "ab", Marginals: os.DevNull}} {
		var first []string
		for range 4 {
			folder := t.TempDir()
			write := func(file, text string) string {
				path := filepath.Join(folder, file)
				require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
				return path
			}
			command := with
			command.Seats, command.UnitCap, command.Out = "技术=2,财务=1", 2, filepath.Join(folder, "O.csv")
			command.Pairs = verify.Pairs{Applications: write("A.csv", shuffled("application", a)), Experts: write("E.csv", shuffled("expert,max,class,unit", e)),
				Affinity: write("F.csv", shuffled("application,expert,affinity", f)), Conflicts: write("C.csv", shuffled("application,expert", c))}
			if with.MaxProbability != "" {
				command.UnitCap = 0
			}
			require.NoError(t, command.Run())
			rows := strings.Split(string(must(t, command.Out)), "\n")
			slices.Sort(rows)
			if first == nil {
				first = rows
			}
			assert.Equal(t, first, rows)
		}
	}
}

// TestRepair: after a refusal an earlier assignment is kept but for the seats
// that must change; files that are no assignment are told or mended.
func TestRepair(t *testing.T) {
	for name, c := range map[string]struct {
		before string
		with   assignCommand
		says   string
		out    string
	}{
		"one refuses":         {before: "甲,张,,0.9\n乙,李,,0.5\n", out: "甲,王,,0.7 乙,李,,0.5"},
		"a gap and two a row": {before: "甲,李,,0.8\n甲,王,,0.7\n", out: "甲,李,,0.8 乙,王,,0.6"},
		"nothing yet":         {before: "", out: "甲,李,,0.8 乙,王,,0.6"},
		"not of this task":    {before: "丙,张,,0.9\n", says: "O.csv：第2行第1列（application）：项目名单里没有丙"},
		"no such affinity":    {before: "甲,李,,0.9\n", says: "O.csv：第2行第4列（affinity）：“0.9”不是亲和度0.8"},
		"with a lottery":      {before: "", with: assignCommand{MaxProbability: "0.5"}, says: "--max-probability"},
		"too few":             {before: "", with: assignCommand{Per: 4}, says: "项目甲的席位无法填满：席位需4人，可用3人（李、王、赵）"},
		"off by the last":     {before: "甲,李,,0.800000001\n", says: "O.csv：第2行第4列（affinity）：“0.800000001”不是亲和度0.8"},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			write := func(file, text string) string {
				path := filepath.Join(folder, file)
				require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
				return path
			}
			command := c.with
			if command.Per == 0 {
				command.Per = 1
			}
			command.Pairs = verify.Pairs{
				Applications: write("A.csv", "application\n甲\n乙\n"),
				Experts:      write("E.csv", "expert,max\n张,2\n李,1\n王,1\n赵,1\n"),
				Affinity:     write("F.csv", "application,expert,affinity\n甲,张,0.9\n甲,李,0.8\n甲,王,0.7\n甲,赵,0.1\n乙,李,0.5\n乙,王,0.6\n"),
				Conflicts:    write("C.csv", "application,expert\n甲,张\n"),
			}
			command.Repair = write("O.csv", "application,expert,class,affinity\n"+c.before)
			command.Out, command.Certificate = filepath.Join(folder, "O2.csv"), filepath.Join(folder, "K.json")
			if err := command.Run(); c.says != "" {
				require.ErrorContains(t, err, c.says)
				assert.NoFileExists(t, command.Out)
				return
			} else {
				require.NoError(t, err)
			}
			rows := strings.Fields(string(must(t, command.Out)))
			assert.Equal(t, c.out, strings.Join(rows[1:], " "))
			check := verify.Assignment{Pairs: command.Pairs, Certificate: command.Certificate, Out: command.Out, Before: command.Repair}
			assert.NoError(t, check.Run())
			check.Before = command.Out
			assert.Equal(t, 1, verify.Status(check.Run()), "another before")
			check.Before = ""
			assert.Equal(t, 1, verify.Status(check.Run()), "a repair is no total")
		})
	}
}

// TestTerms: verification says under which terms an assignment was made, and
// refuses others where they are demanded.
func TestTerms(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"A.csv": "application\n甲\n乙\n",
		"E.csv": "expert,max,class,unit\n张,2,技术,一所\n李,1,技术,一所\n王,2,财务,二所\n",
		"F.csv": "application,expert,affinity\n甲,张,0.9\n甲,王,0.1\n乙,张,.5\n乙,王,0.25\n",
	} {
		require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	}
	const files = " --applications A.csv --experts E.csv --affinity F.csv --out O.csv --certificate K.json "
	for name, c := range map[string]struct {
		made, terms string
		same, other []string // what may be demanded, and what may not
	}{
		"classes": {"--seats 技术=1,财务=1 --unit-cap 1 --sparse", `每项"技术"类1人、"财务"类1人，同一单位至多1人，只用亲和度表所列各对，目标 total（总和最大）`,
			[]string{"", "--seats 财务=1,技术=1", "--unit-cap 1 --sparse --objective total", "--minimum 0"},
			[]string{"--per 2", "--seats 技术=1", "--unit-cap 0", "--unit-cap 2", "--sparse=false", "--objective fair", "--minimum 0.1"}},
		"any class": {"--per 1 --minimum 0.25", "每项1人（不分类别），同一单位人数不限，未列各对亲和度为0，目标 minimum 0.25（每项不低于此，再使总和最大）",
			[]string{"--per 1", "--minimum 0.250", "--sparse=false"}, []string{"--per 2", "--seats x=1", "--minimum 0.2", "--objective total", "--sparse"}},
		"fair": {"--per 1 --objective fair", "每项1人（不分类别），同一单位人数不限，未列各对亲和度为0，目标 fair（先使最差的项目最好，再使总和最大）",
			[]string{"--objective fair"}, []string{"--objective total", "--minimum 0.5"}},
	} {
		t.Run(name, func(t *testing.T) {
			status, _, said := run(t, strings.Fields("assign "+c.made+files))
			require.Zero(t, status, said)
			for _, demanded := range c.same {
				status, out, said := run(t, strings.Fields("verify assignment "+files+demanded))
				assert.Zero(t, status, said)
				assert.Contains(t, out, "证书的条件："+c.terms+"\n", demanded)
			}
			for _, demanded := range c.other {
				status, out, said := run(t, strings.Fields("verify assignment "+files+demanded))
				assert.Equal(t, 1, status, demanded)
				assert.Empty(t, out)
				assert.Contains(t, said, "K.json：证书的条件是“"+c.terms+"”，要求的是“")
			}
		})
	}
	for _, wrong := range []string{"--seats x", "--minimum 高", "--minimum 0.1 --objective fair", "--per 1 --seats x=1", "--objective minimum"} {
		status, _, said := run(t, strings.Fields("verify assignment "+files+wrong))
		assert.Equal(t, 2, status, said)
	}
}

// TestAssignOutputs: no input is overwritten, no output by another, and earlier
// outputs stay where one of them cannot be written.
func TestAssignOutputs(t *testing.T) {
	t.Chdir(t.TempDir())
	inputs := map[string]string{"A.csv": "application\n甲\n", "E.csv": "expert,max\n张,2\n", "F.csv": "application,expert,affinity\n甲,张,0.9\n",
		"C.csv": "application,expert\n", "O.csv": "application,expert,class,affinity\n甲,张,,0.9\n"}
	for name, text := range inputs {
		require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	}
	for args, says := range map[string]string{
		"--out A.csv":                           "输出A.csv与A.csv是同一个文件",
		"--out E.csv":                           "输出E.csv与E.csv是同一个文件",
		"--out ./F.csv":                         "输出./F.csv与F.csv是同一个文件",
		"--out C.csv":                           "输出C.csv与C.csv是同一个文件",
		"--out O.csv --certificate C.csv":       "输出C.csv与C.csv是同一个文件",
		"--out O.csv --certificate O.csv":       "输出O.csv与O.csv是同一个文件",
		"--out O.csv --repair O.csv":            "输出O.csv与O.csv是同一个文件",
		"--out P.csv --repair none.csv":         "none.csv：没有这个文件或文件夹",
		"--out P.csv --repair O.csv.gz":         "O.csv.gz：没有这个文件或文件夹",
		"--out O.csv --certificate none/K.json": "none/K.json：没有这个文件或文件夹",
		"--out P.csv --marginals P.csv --max-probability 1 --seed 0": "输出P.csv与P.csv是同一个文件",
	} {
		status, out, said := run(t, strings.Fields("assign --applications A.csv --experts E.csv --affinity F.csv --conflicts C.csv --per 1 "+args))
		assert.Equal(t, 2, status)
		assert.Empty(t, out)
		assert.Equal(t, says+"\n", said)
		for name, text := range inputs {
			assert.Equal(t, text, string(must(t, name)))
		}
	}
	packed := func(w io.Writer) error { _, err := io.WriteString(w, inputs["O.csv"]); return err }
	require.NoError(t, create("O.csv.gz", packed))
	status, _, said := run(t, strings.Fields("assign --applications A.csv --experts E.csv --affinity F.csv --per 1 --repair O.csv.gz --out P.csv"))
	require.Zero(t, status, said)
	assert.Equal(t, inputs["O.csv"], string(must(t, "P.csv")), "packed files are read as they are")
	// An application may be asked to reach more than a pair can hold.
	require.NoError(t, os.WriteFile("E.csv", []byte("expert,max\n张,2\n李,2\n"), 0o600))
	require.NoError(t, os.WriteFile("F.csv", []byte("application,expert,affinity\n甲,张,9e6\n甲,李,9e6\n"), 0o600))
	status, _, said = run(t, strings.Fields("assign --applications A.csv --experts E.csv --affinity F.csv --per 2 --minimum 18000000 --seconds 1e300 --out P.csv"))
	assert.Zero(t, status, said)
}
