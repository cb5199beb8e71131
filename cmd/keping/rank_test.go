package main

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/cmd/internal/verify"
)

// TestRank: what a clerk's file may hold, through the command: a sensible
// answer without a NaN that the verifier confirms, or a refusal that names
// file, line and column.
func TestRank(t *testing.T) {
	const header = "application,expert,score\n"
	two := 2
	places := func(n int) *int { return &n }
	for name, c := range map[string]struct {
		file   string // S.csv where none is named
		scores string
		places *int
		says   string   // of the refusal, which has exit status 2
		order  []string // of the applications
		groups string
	}{
		"an empty file":              {scores: "", says: "S.csv：文件是空的"},
		"a header alone":             {scores: header, says: "S.csv：第1行：表头之下没有评分"},
		"no header":                  {scores: "甲,张,5\n", says: "S.csv：第1行：没有列 application"},
		"a column missing":           {scores: "application,score\n甲,5\n", says: "S.csv：第1行：没有列 expert"},
		"a column twice":             {scores: "application,expert,score,score\n甲,张,5,5\n", says: "S.csv：第1行第4列"},
		"one application":            {scores: header + "甲,张,5\n甲,李,4\n", places: &two, order: []string{"甲"}, groups: "fund"},
		"one mark":                   {scores: header + "甲,张,5\n", order: []string{"甲"}, groups: ""},
		"all marks equal":            {scores: header + "乙,张,4\n甲,张,4\n甲,李,4\n乙,李,4\n丙,张,4\n丙,李,4\n", places: &two, order: []string{"丙", "乙", "甲"}, groups: "tie tie tie"},
		"all marks the highest":      {scores: header + "甲,张,6\n乙,张,6\n甲,李,6\n乙,李,6\n", order: []string{"乙", "甲"}, groups: " "},
		"an expert with one mark":    {scores: header + "甲,张,5\n乙,张,3\n甲,李,6\n", places: places(1), order: []string{"甲", "乙"}, groups: "fund reject"},
		"a disconnected panel":       {scores: header + "甲,张,5\n乙,张,3\n丙,李,6\n丁,李,2\n", places: &two, order: []string{"丙", "甲", "乙", "丁"}, groups: "fund tie tie reject"},
		"no places":                  {scores: header + "甲,张,5\n乙,张,3\n", places: places(0), order: []string{"甲", "乙"}, groups: "reject reject"},
		"more places than there are": {scores: header + "甲,张,5\n乙,张,3\n", places: places(9), order: []string{"甲", "乙"}, groups: "fund fund"},
		"fewer places than none":     {scores: header + "甲,张,5\n", places: places(-1), says: "不能为负"},
		"a mark above the scale":     {scores: header + "甲,张,5\n乙,张,7\n", says: "S.csv：第3行第3列（score）：7不在评分范围"},
		"a mark below the scale":     {scores: header + "甲,张,0.5\n", says: "S.csv：第2行第3列"},
		"a pair twice":               {scores: header + "甲,张,5\n甲,张,4\n", says: "S.csv：第3行第2列（expert）：专家张对项目甲在第2行已有评分"},
		"no number":                  {scores: header + "甲,张,五\n", says: "S.csv：第2行第3列（score）：“五”不是数"},
		"NaN":                        {scores: header + "甲,张,NaN\n", says: "S.csv：第2行第3列"},
		"Inf":                        {scores: header + "甲,张,+Inf\n", says: "S.csv：第2行第3列"},
		"hexadecimal":                {scores: header + "甲,张,0x1p1\n", says: "S.csv：第2行第3列"},
		"an empty mark":              {scores: header + "甲,张,\n", says: "S.csv：第2行第3列（score）：不能为空"},
		"an empty name":              {scores: header + ",张,5\n", says: "S.csv：第2行第1列"},
		"a field too many":           {scores: header + "甲,张,5,6\n", says: "S.csv：第2行"},
		"a quotation mark left open": {scores: header + "甲,\"张,5\n", says: "S.csv：第2行"},
		"not UTF-8":                  {scores: header + "\xbc\xd7,张,5\n", says: "S.csv：第2行第1列（application）：不是UTF-8"},
		"a BOM, CRLF, other columns": {scores: "\ufeffscore,note,expert,application\r\n5,好,张,甲\r\n3,,张,乙\r\n", order: []string{"甲", "乙"}, groups: " "},
		"packed":                     {file: "S.csv.gz", scores: header + "甲,张,5\n乙,张,3\n", order: []string{"甲", "乙"}, groups: " "},
		"packed badly":               {file: "S.gz", scores: header, says: "S.gz"},
		"standard input":             {file: "-", scores: header + "甲,张,5\n乙,张,3\n", order: []string{"甲", "乙"}, groups: " "},
		"a panel on some rows only":  {scores: "application,expert,score,panel\n甲,张,5,一\n乙,李,3,\n", order: []string{"甲", "乙"}, groups: " "},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			file := filepath.Join(folder, "S.csv")
			data := []byte(c.scores)
			switch c.file {
			case "S.csv.gz":
				var packed bytes.Buffer
				z := gzip.NewWriter(&packed)
				_, err := z.Write(data)
				require.NoError(t, err)
				require.NoError(t, z.Close())
				file, data = file+".gz", packed.Bytes()
			case "S.gz":
				file = filepath.Join(folder, c.file)
			}
			require.NoError(t, os.WriteFile(file, data, 0o600))
			if c.file == "-" {
				in, err := os.Open(file)
				require.NoError(t, err)
				kept := os.Stdin
				os.Stdin = in
				t.Cleanup(func() { os.Stdin = kept; in.Close() })
				file = "-"
			}
			out, report := filepath.Join(folder, "R.csv"), filepath.Join(folder, "R.json")
			marks := verify.Marks{Scores: file, Scale: "1:6", Places: c.places, Seed: 1}
			err := (&rankCommand{Marks: marks, Out: out, Report: report}).Run()
			if c.says != "" {
				require.ErrorContains(t, err, c.says)
				assert.Equal(t, 2, verify.Status(err))
				return
			}
			require.NoError(t, err)
			lines := ranking(t, out)
			var order, groups []string
			for _, line := range lines {
				order, groups = append(order, line["application"]), append(groups, line["group"])
				for column, text := range line {
					if column != "application" && column != "group" {
						x, err := strconv.ParseFloat(text, 64)
						require.NoError(t, err, column)
						assert.False(t, x != x || strings.ContainsAny(text, "nN"), "%s %s", column, text)
					}
				}
			}
			assert.Equal(t, c.order, order)
			assert.Equal(t, c.groups, strings.Join(groups, " "))
			text, err := os.ReadFile(report)
			require.NoError(t, err)
			assert.True(t, json.Valid(text))
			if file != "-" {
				assert.NoError(t, verify.Opinion{Marks: marks, Ranking: out}.Run())
				forged := strings.Replace(string(must(t, out)), ",5.000000,", ",5.500000,", 1)
				if forged != string(must(t, out)) {
					require.NoError(t, os.WriteFile(out, []byte(forged), 0o600))
					assert.Equal(t, 1, verify.Status(verify.Opinion{Marks: marks, Ranking: out}.Run()))
				}
			}
		})
	}
}

func must(t *testing.T, file string) []byte {
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	return data
}

// ranking reads R.csv, whose columns stand in the order of the contract.
func ranking(t *testing.T, file string) (out []map[string]string) {
	rows, err := csv.NewReader(bytes.NewReader(must(t, file))).ReadAll()
	require.NoError(t, err)
	assert.Equal(t, "application,n,mean,trimmed,effect,effect_sd,expected_rank,rank_q25,rank_q75,group", strings.Join(rows[0], ","))
	for _, row := range rows[1:] {
		line := map[string]string{}
		for i, column := range rows[0] {
			line[column] = row[i]
		}
		out = append(out, line)
	}
	return out
}

// TestRankBudget: lines are funded in order until the first that does not fit,
// which is named; what costs are wrong is told by file, line and column.
func TestRankBudget(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		return file
	}
	scores := "application,expert,score\n"
	for _, expert := range []string{"张", "李", "王", "赵", "钱"} {
		scores += "甲," + expert + ",6\n乙," + expert + ",4.5\n丙," + expert + ",3\n丁," + expert + ",1.5\n"
	}
	file := write("S.csv", scores)
	out, report := filepath.Join(folder, "R.csv"), filepath.Join(folder, "R.json")
	run := func(budget int64, costs string) error {
		return (&rankCommand{Marks: verify.Marks{Scores: file, Scale: " 1: 6", Budget: &budget, Costs: write("C.csv", costs), Seed: 1}, Out: out, Report: report}).Run()
	}
	for _, c := range []struct {
		budget  int64
		stopped string
		places  int
		groups  string
	}{
		{400, "", 4, "fund fund fund fund"},
		{250, "丙", 2, "fund fund reject reject"}, // 丁 would fit and is not taken before it
		{99, "甲", 0, "reject reject reject reject"},
	} {
		require.NoError(t, run(c.budget, "cost_fen,application\n100,甲\n100,乙\n150,丙\n50,丁\n"))
		var groups []string
		for _, line := range ranking(t, out) {
			groups = append(groups, line["group"])
		}
		assert.Equal(t, c.groups, strings.Join(groups, " "))
		var r struct {
			Stopped string
			Places  int
			Reserve [][]string
			Seed    int
			Counts  map[string]int
		}
		require.NoError(t, json.Unmarshal(must(t, report), &r))
		assert.Equal(t, c.stopped, r.Stopped)
		assert.Equal(t, c.places, r.Places)
		assert.Len(t, r.Reserve, 4-c.places)
		assert.Equal(t, 4, r.Counts["fund"]+r.Counts["tie"]+r.Counts["reject"])
	}
	for costs, says := range map[string]string{
		"application,cost_fen\n甲,100\n":    "C.csv：没有项目“乙”的经费数额",
		"application,cost_fen\n甲,+5\n":     "C.csv：第2行第2列（cost_fen）：“+5”不是",
		"application,cost_fen\n甲,-0\n":     "C.csv：第2行第2列（cost_fen）：“-0”不是",
		"application,cost_fen\n甲,1\n申,1\n": "C.csv：第3行第1列（application）：项目“申”没有评分",
		"application,cost_fen\n甲,1.5\n":    "C.csv：第2行第2列",
		"application,cost_fen\n甲,-1\n":     "C.csv：第2行第2列",
		"application,cost_fen\n甲,1\n甲,1\n": "C.csv：第3行第1列",
		"":                                 "C.csv：文件是空的",
	} {
		err := run(100, costs)
		require.ErrorContains(t, err, says)
		assert.Equal(t, 2, verify.Status(err))
	}
}

// TestOpinionForged: counts, ranks and groups hold as they are written, decimals
// to one of their last place, and the answer says so.
func TestOpinionForged(t *testing.T) {
	t.Chdir(t.TempDir())
	write := func(name, text string) { require.NoError(t, os.WriteFile(name, []byte(text), 0o600)) }
	write("S.csv", "application,expert,score\n甲,张,5\n甲,李,4\n乙,张,3\n乙,李,2\n丙,张,1\n")
	status, _, said := run(t, strings.Fields("rank --scores S.csv --scale 1:6 --places 1 --out R.csv --report R.json"))
	require.Zero(t, status, said)
	whole := string(must(t, "R.csv"))
	require.Contains(t, whole, "甲,2,4.500000,4.500000,")
	for name, c := range map[string]struct {
		old, new string
		status   int
	}{
		"as it was written":        {"", "", 0},
		"one in the last place":    {",4.500000,4.500000,", ",4.500001,4.499999,", 0},
		"two in the last place":    {",4.500000,4.500000,", ",4.500002,4.500000,", 1},
		"a count with a zero":      {"甲,2,", "甲,02,", 1},
		"a count with decimals":    {"甲,2,", "甲,2.000000,", 1},
		"a count a little greater": {"甲,2,", "甲,2.000001,", 1},
		"fewer decimals":           {",4.500000,4.500000,", ",4.5,4.500000,", 1},
		"another group":            {",reject", ",fund", 1},
	} {
		t.Run(name, func(t *testing.T) {
			write("R.csv", strings.Replace(whole, c.old, c.new, 1))
			status, out, said := run(t, strings.Fields("verify opinion --scores S.csv --scale 1:6 --places 1 --ranking R.csv"))
			assert.Equal(t, c.status, status, said)
			assert.Equal(t, c.status == 0, strings.Contains(out, "小数的末位容许相差1"), out)
		})
	}
}

// TestRankOutputs: marks are never overwritten by their ranking, and an earlier
// ranking stays where the report cannot be written.
func TestRankOutputs(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("S.csv", []byte("application,expert,score\n甲,张,5\n"), 0o600))
	require.NoError(t, os.WriteFile("R.csv", []byte("before"), 0o600))
	for args, says := range map[string]string{
		"--out S.csv":                             "输出S.csv与S.csv是同一个文件",
		"--out R.csv --report none/R.json":        "none/R.json：没有这个文件或文件夹",
		"--out - --report -":                      "输出标准输出与标准输出是同一个文件",
		"--out R.csv --budget 1 --costs S.csv":    "S.csv：第1行：没有列 cost_fen（现有 application,expert,score）",
		"--out S.csv --budget 1 --costs none.csv": "输出S.csv与S.csv是同一个文件",
	} {
		status, out, said := run(t, strings.Fields("rank --scores S.csv --scale 1:6 "+args))
		assert.Equal(t, 2, status)
		assert.Empty(t, out)
		assert.Equal(t, says+"\n", said)
		assert.Equal(t, "before", string(must(t, "R.csv")))
		assert.Contains(t, string(must(t, "S.csv")), "甲,张,5")
	}
}
