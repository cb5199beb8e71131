package rbac

import (
	"fmt"
	"regexp"
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

// UnitCodeKinds are registration numbers of units that have no credit code.
var UnitCodeKinds = map[string]string{"military": "军队单位代号", "foreign": "境外单位登记号"}

var unitNumber = regexp.MustCompile(`^[A-Z0-9-]{4,30}$`)

// ParseUnitCode reads a credit code, or, with a kind, a registration number,
// which an officer confirms: nothing else checks it.
func ParseUnitCode(kind, text string) (string, error) {
	if kind == "" {
		return ParseCreditCode(text)
	}
	number := strings.ToUpper(Fold(text))
	if _, ok := UnitCodeKinds[kind]; !ok {
		return "", fmt.Errorf("登记号的种类“%.20s”不在可用之列，应为 military（军队单位）或 foreign（境外单位）", kind)
	}
	if !unitNumber.MatchString(number) {
		return "", fmt.Errorf("%s应为4至30位字母、数字或横线", UnitCodeKinds[kind])
	}
	return kind + ":" + number, nil
}

// ParseUnitRef reads what a table names a unit by: a credit code, or kind and
// registration number with a colon, such as military:BD-12345.
func ParseUnitRef(text string) (string, error) {
	kind, number, found := strings.Cut(strings.ReplaceAll(Fold(text), "：", ":"), ":")
	if !found {
		return ParseCreditCode(text)
	}
	for code, name := range UnitCodeKinds {
		if name == kind || strings.EqualFold(code, kind) {
			kind = code
		}
	}
	return ParseUnitCode(kind, number)
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
