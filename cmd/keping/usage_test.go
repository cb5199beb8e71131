package main

import (
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/cmd/internal/verify"
)

// TestUsage: wrong usage is told in one line of Chinese on standard error, with
// exit status 2 and nothing on standard output.
func TestUsage(t *testing.T) {
	const files = " --applications A --experts E --affinity F --out -"
	for args, says := range map[string]string{
		"":                                             `应给出其中之一："serve", "demo", "check", "bench", "import", ...（用法见 keping --help）`,
		"assin":                                        `没有“assin”这个命令，或参数多余；是否为 "assign"（用法见 keping --help）`,
		"assign --pe 3":                                `没有选项 --pe；是否为 "--per"（用法见 keping assign --help）`,
		"assign x":                                     `没有“x”这个命令，或参数多余（用法见 keping assign --help）`,
		"assign --per 3":                               `缺少 --affinity=F.csv, --applications=A.csv, --experts=E.csv, --out=O.csv（用法见 keping assign --help）`,
		"assign" + files:                               `须给出 --per 或 --seats：每个项目至少1名专家，至多999999999名`,
		"assign --per 1 --seats t=1" + files:           `--per 与 --seats 只能用一个（用法见 keping assign --help）`,
		"assign --per x" + files:                       `--per：“x”不是整数，或超出范围（用法见 keping assign --help）`,
		"assign --per -1" + files:                      `须给出 --per 或 --seats：每个项目至少1名专家，至多999999999名`,
		"assign --seats= " + files:                     `--seats：不能为空（用法见 keping assign --help）`,
		"assign --per 1 --minimum=" + files:            `--minimum：不能为空（用法见 keping assign --help）`,
		"assign --per 1 --conflicts=" + files:          `--conflicts：不能为空（用法见 keping assign --help）`,
		"assign --per 1 --objective=x" + files:         `--objective：应为 "total","fair" 之一，不是“x”（用法见 keping assign --help）`,
		"assign --per 1 --sparse=x" + files:            `--sparse：应为 true 或 false，不是“x”（用法见 keping assign --help）`,
		"assign --per 1 --seconds x" + files:           `--seconds：“x”不是数（用法见 keping assign --help）`,
		"assign --per 1 --seconds nan" + files:         `--seconds NaN：应为不小于0的秒数`,
		"assign --per 1 --seconds inf" + files:         `--seconds +Inf：应为不小于0的秒数`,
		"assign --per 1 --seconds -1" + files:          `--seconds -1：应为不小于0的秒数`,
		"assign --per 1 --seed 0" + files:              `--max-probability 和 --seed 和 --marginals 须同时给出（用法见 keping assign --help）`,
		"assign --per 1 --unit-cap 1000000000" + files: `--unit-cap 1000000000：应为0到999999999的整数`,
		"assign --per 2 --minimum 18000001" + files:    `--minimum 18000001：不是0到18000000的数`,
		"rank --scores S --scale":                      `--scale：没有给出值（用法见 keping rank --help）`,
		"rank --scores none --scale -5:5":              `none：没有这个文件或文件夹`,
		"rank --scores none --scale 1:6 --seed -1":     `--seed：“-1”不是整数，或超出范围（用法见 keping rank --help）`,
		"rank --scores none --scale 6:1":               `--scale 6:1：评分范围6:1：应为最低分:最高分`,
		"rank --scores none --scale 1-6":               `--scale 1-6：应为 最低分:最高分，如 1:6`,
		"verify draw":                                  `缺少 <record>（用法见 keping verify draw --help）`,
		"names":                                        `须给出 --units 或 --people`,
		"check --config /none":                         `读取配置文件：/none：没有这个文件或文件夹`,
		"names --units none":                           `none：没有这个文件或文件夹`,
	} {
		t.Run(args, func(t *testing.T) {
			status, out, said := run(t, strings.FieldsFunc(args, func(r rune) bool { return r == ' ' }))
			assert.Equal(t, 2, status)
			assert.Empty(t, out)
			assert.Equal(t, 1, strings.Count(said, "\n"), said)
			assert.True(t, strings.HasPrefix(said, says), said)
		})
	}
}

// run runs the command with standard output and error caught.
func run(t *testing.T, args []string) (status int, out, said string) {
	stdout, stderr := os.Stdout, os.Stderr
	defer func() { os.Stdout, os.Stderr = stdout, stderr }()
	var files [2]*os.File
	for i := range files {
		f, err := os.CreateTemp(t.TempDir(), "")
		require.NoError(t, err)
		files[i] = f
	}
	os.Stdout, os.Stderr = files[0], files[1]
	status = verify.Main(new(commands), "keping", "", args)
	var texts [2]string
	for i, f := range files {
		_, err := f.Seek(0, io.SeekStart)
		require.NoError(t, err)
		data, err := io.ReadAll(f)
		require.NoError(t, err)
		texts[i] = string(data)
		f.Close()
	}
	return status, texts[0], texts[1]
}
