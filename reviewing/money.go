package reviewing

import (
	"fmt"
	"strings"
)

// MaxFen is the largest amount anybody may enter, in 分 (1000亿元); what is
// beyond it is a slip of the keyboard. The tags of inputs repeat it.
const MaxFen = 10_000_000_000_000

// maxSum is the largest sum the journal's canonical JSON has room for.
const maxSum = 1<<53 - 1

// AddFen adds amounts up to maxSum and there stays: a sum never wraps, and one
// that large is over any budget all the same.
func AddFen(sum, fen int) int {
	if fen > maxSum-sum {
		return maxSum
	}
	return sum + fen
}

// Wan writes 分 as 万元 without needless zeros.
func Wan(fen int) string {
	sign := ""
	if fen < 0 {
		sign, fen = "-", -fen
	}
	text := fmt.Sprintf("%s%d.%06d", sign, fen/1000000, fen%1000000)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

// WanColumn writes 分 as 万元 for a column of a table: two decimals, and more
// only where the amount has them, for nothing that is told in public is rounded.
func WanColumn(fen int) string {
	text := Wan(fen)
	point := strings.Index(text, ".")
	if point < 0 {
		return text + ".00"
	}
	return text + strings.Repeat("0", max(0, point+3-len(text)))
}
