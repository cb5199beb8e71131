package rbac

import (
	"fmt"
	"strings"
)

const creditAlphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"

// ParseCreditCode reads a 统一社会信用代码 (GB 32100) and checks its check digit.
func ParseCreditCode(text string) (string, error) {
	code := strings.ToUpper(Fold(text))
	if len(code) != 18 {
		return "", fmt.Errorf("统一社会信用代码应为18位，现为%d位", len([]rune(code)))
	}
	for _, c := range code {
		if !strings.ContainsRune(creditAlphabet, c) {
			return "", fmt.Errorf("统一社会信用代码中不应有“%c”（不使用I、O、S、V、Z）", c)
		}
	}
	if want := creditCheck(code[:17]); code[17] != want {
		return "", fmt.Errorf("统一社会信用代码校验位不对（末位应为%c），请核对是否录错", want)
	}
	return code, nil
}

func creditCheck(head string) byte {
	sum, weight := 0, 1
	for i := range len(head) {
		sum += strings.IndexByte(creditAlphabet, head[i]) * weight
		weight = weight * 3 % 31
	}
	return creditAlphabet[(31-sum%31)%31]
}

// MakeCreditCode makes a well-formed code of no unit; seq 0–99999999. For
// demonstrations and tests.
func MakeCreditCode(seq int) string {
	head := fmt.Sprintf("91500106%08dX", seq%100000000)
	return head + string(creditCheck(head))
}
