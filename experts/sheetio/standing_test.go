package sheetio

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/experts"
)

// TestStanding: evidence of standing is imported piece by piece, each with its
// kind; words without one are refused by row.
func TestStanding(t *testing.T) {
	table := func(evidence string) []byte {
		text := strings.Replace(header, "\n", ",高层次证明\n", 1) + strings.Replace(line("张三", "11010519491231002X"), "\n", ","+evidence+"\n", 1)
		return []byte(text)
	}
	rows, faults := Experts("a.csv", table("奖励|国家科学技术进步奖二等奖；职务|全国重点实验室主任"))
	require.NoError(t, faults.Refusal())
	assert.Equal(t, []experts.Standing{{Kind: "award", Text: "国家科学技术进步奖二等奖"}, {Kind: "post", Text: "全国重点实验室主任"}}, []experts.Standing(rows[0].Expert.Evidence))
	for _, evidence := range []string{"知名专家", "荣誉|某奖", "奖励|"} {
		_, faults := Experts("a.csv", table(evidence))
		assert.ErrorContains(t, faults.Refusal(), "高层次证明", evidence)
	}
}
