package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/cmd/internal/verify"
	"keping/rbac/naming"
)

// TestNames: columns in any order and with BOM; what cannot be read is told by
// file, line and column.
func TestNames(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, judgePairs("p.csv", strings.NewReader("\ufeffnote,right,left\nx,重庆大学,重庆大学计算机学院\n"), &out, naming.Default().Units))
	assert.Equal(t, "left,right,verdict,why\n重庆大学计算机学院,重庆大学,related,“计算机学院”是“重庆大学”的下属单位\n", out.String())
	for table, says := range map[string]string{
		"":                    "p.csv：文件是空的",
		"a,b\n":               "第1行：应有列 left 和 right",
		"left,right\n一,二,三\n": "line 2",
		"left,right\n\"没有关上的引号,x\n": "line",
	} {
		err := judgePairs("p.csv", strings.NewReader(table), &out, naming.People)
		require.ErrorContains(t, err, says)
		assert.Equal(t, 2, verify.Status(err))
	}
}
