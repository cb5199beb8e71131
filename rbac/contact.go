package rbac

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

var phoneForm = regexp.MustCompile(`^(1[3-9]\d{9}|0\d{2,3}-?[1-9]\d{6,7}|\+\d{6,15})$`)

var phoneMarks = strings.NewReplacer("(", "", ")", "", "-", "")

// ParsePhone reads a mainland mobile or landline, or a number with +country.
// A mobile written with +86 or with hyphens is the same mobile.
func ParsePhone(text string) (string, error) {
	number := Fold(text)
	if bare := strings.TrimPrefix(phoneMarks.Replace(number), "+86"); len(bare) == 11 && bare[0] == '1' || strings.HasPrefix(number, "(") {
		number = bare
	}
	if !phoneForm.MatchString(number) {
		return "", errors.New("电话号码写法不对，应为11位手机号、区号加座机号，或以+国家码开头")
	}
	return number, nil
}

// MaskPhone shows the first three and the last four digits.
func MaskPhone(number string) string { return Mask(number, 3, 4) }

var cardForm = regexp.MustCompile(`^\d{12,19}$`)

// ParseBankCard reads a bank card number of 12 to 19 digits and checks its
// Luhn digit.
func ParseBankCard(text string) (string, error) {
	number := strings.ReplaceAll(Fold(text), "-", "")
	if !cardForm.MatchString(number) {
		return "", errors.New("银行卡号写法不对，应为12至19位数字")
	}
	head := number[:len(number)-1]
	if want := luhn(head); number[len(head)] != want {
		return "", fmt.Errorf("银行卡号校验位不对（末位应为%c），请核对是否录错", want)
	}
	return number, nil
}

// luhn is the check digit of ISO/IEC 7812 that follows the digits.
func luhn(digits string) byte {
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 0 {
			d = d*2/10 + d*2%10
		}
		sum += d
	}
	return byte('0' + (10-sum%10)%10)
}

// MaskBankCard shows the last four digits.
func MaskBankCard(number string) string { return Mask(number, 0, 4) }
