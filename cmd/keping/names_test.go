package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/cmd/internal/verify"
)

// TestNames: columns in any order and with BOM; what cannot be read is told by
// file, line and column.
func TestNames(t *testing.T) {
	folder := t.TempDir()
	file, out := filepath.Join(folder, "p.csv"), filepath.Join(folder, "O.csv")
	run := func(table string) error {
		require.NoError(t, os.WriteFile(file, []byte(table), 0o600))
		return (&names{Units: file, Out: out}).Run()
	}
	require.NoError(t, run("\ufeffnote,right,left\nx,重庆大学,重庆大学计算机学院\n"))
	assert.Equal(t, "left,right,verdict,why\n重庆大学计算机学院,重庆大学,related,“计算机学院”是“重庆大学”的下属单位\n", string(must(t, out)))
	for table, says := range map[string]string{
		"":                    "p.csv：文件是空的，应有列 left,right",
		"a,b\n":               "p.csv：第1行：没有列 left（现有 a,b）",
		"left,right\n一,二,三\n": "p.csv：第2行：列数与表头不同",
		"left,right\n\"没有关上的引号,x\n": "p.csv：第2行",
		"left,right\n一\x00,二\n":     "p.csv：第2行第1列（left）：有看不见的控制字符",
	} {
		err := run(table)
		require.ErrorContains(t, err, says)
		assert.Equal(t, 2, verify.Status(err))
	}
	assert.Equal(t, 2, verify.Status((&names{Out: out}).Run()), "neither units nor people")
	assert.Equal(t, 2, verify.Status((&names{Units: file, Out: file}).Run()), "the output is the input")
}
