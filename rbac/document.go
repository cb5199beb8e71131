package rbac

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"golang.org/x/text/width"
)

// DocumentKind is a kind of identity document (art. 7: experts from home and abroad).
type DocumentKind string

// DocumentKinds with their Chinese names.
var DocumentKinds = map[DocumentKind]string{
	"resident_id": "居民身份证", "passport": "护照", "hk_macao": "港澳居民来往内地通行证",
	"taiwan": "台湾居民来往大陆通行证", "foreign_resident": "外国人永久居留身份证", "officer": "军官证",
}

// Document identifies a person. Number has no spaces and is in upper case.
type Document struct {
	Kind   DocumentKind
	Number string
}

var documentForms = map[DocumentKind]struct {
	form *regexp.Regexp
	want string
}{
	"resident_id":      {regexp.MustCompile(`^\d{17}[\dX]$`), "18位，末位为数字或X"},
	"passport":         {regexp.MustCompile(`^[A-Z0-9]{5,17}$`), "5至17位字母和数字"},
	"hk_macao":         {regexp.MustCompile(`^[HM]\d{8}(\d{2})?$`), "H或M加8位或10位数字"},
	"taiwan":           {regexp.MustCompile(`^(\d{8}|\d{10}[A-Z])$`), "8位数字"},
	"foreign_resident": {regexp.MustCompile(`^([A-Z]{3}\d{12}|9\d{16}[\dX])$`), "3位字母加12位数字，或9开头的18位号码"},
	"officer":          {regexp.MustCompile(`^\p{Han}{0,4}字?第?\d{4,9}号?$`), "军官证上的完整编号"},
}

// Fold makes full-width text half-width and drops white space.
func Fold(text string) string {
	return strings.Join(strings.Fields(width.Fold.String(text)), "")
}

// ParseDocument reads a document; kind is a code or its Chinese name. The error
// says in Chinese what is wrong.
func ParseDocument(kind, number string) (Document, error) {
	d := Document{DocumentKind(strings.TrimSpace(kind)), strings.ToUpper(Fold(number))}
	for code, name := range DocumentKinds {
		if Fold(kind) == name || (code == "resident_id" && Fold(kind) == "身份证") {
			d.Kind = code
		}
	}
	form, ok := documentForms[d.Kind]
	if !ok {
		return Document{}, fmt.Errorf("证件类型“%.20s”不在可用之列，请选居民身份证、护照、通行证、永久居留身份证或军官证", kind)
	}
	if !form.form.MatchString(d.Number) {
		return Document{}, fmt.Errorf("%s号码写法不对，应为%s", DocumentKinds[d.Kind], form.want)
	}
	if d.Kind == "resident_id" {
		if want := residentCheck(d.Number[:17]); d.Number[17] != want {
			return Document{}, fmt.Errorf("居民身份证号码校验位不对（末位应为%c），请核对是否录错", want)
		}
		if born, err := time.Parse("20060102", d.Number[6:14]); err != nil || born.Year() < 1900 {
			return Document{}, fmt.Errorf("居民身份证号码中的出生日期%s不存在，请核对", d.Number[6:14])
		}
	}
	return d, nil
}

// residentCheck is the check digit of GB 11643 (ISO 7064 MOD 11-2).
func residentCheck(digits string) byte {
	sum, weight := 0, 1
	for i := len(digits) - 1; i >= 0; i-- {
		weight = weight * 2 % 11
		sum += int(digits[i]-'0') * weight
	}
	return "10X98765432"[sum%11]
}

// Key is "kind:number", what the blind index and a frame's person digest are made of.
func (d Document) Key() string { return string(d.Kind) + ":" + d.Number }

// BirthYear is read from a resident's number, else 0.
func (d Document) BirthYear() int {
	if d.Kind != "resident_id" || len(d.Number) != 18 {
		return 0
	}
	born, err := time.Parse("20060102", d.Number[6:14])
	if err != nil {
		return 0
	}
	return born.Year()
}

// The ages, in years, that somebody who applies or reviews can have: what is
// outside is a wrong number, whatever its check digit says.
const (
	youngest = 18
	oldest   = 100
)

// Plausible refuses a resident's number whose holder is not of that age on the day.
func (d Document) Plausible(now time.Time) error {
	if d.Kind != "resident_id" || len(d.Number) != 18 {
		return nil
	}
	born, err := time.Parse("20060102", d.Number[6:14])
	switch {
	case err != nil:
		return fmt.Errorf("居民身份证号码中的出生日期%s不存在，请核对", d.Number[6:14])
	case born.After(now):
		return fmt.Errorf("居民身份证号码中的出生日期%s尚未到来，请核对", d.Number[6:14])
	case born.AddDate(youngest, 0, 0).After(now) || !born.AddDate(oldest+1, 0, 0).After(now):
		return fmt.Errorf("按居民身份证号码中的出生日期%s，其人不在%d至%d周岁之间，请核对", d.Number[6:14], youngest, oldest)
	}
	return nil
}

// DocumentOf is the document of a key.
func DocumentOf(key string) Document {
	kind, number, _ := strings.Cut(key, ":")
	return Document{DocumentKind(kind), number}
}

// Masked shows the ends only.
func (d Document) Masked() string { return Mask(d.Number, 3, 2) }

// Mask keeps the first head and last tail characters.
func Mask(text string, head, tail int) string {
	runes := []rune(text)
	if len(runes) <= head+tail {
		return strings.Repeat("*", len(runes))
	}
	return string(runes[:head]) + strings.Repeat("*", len(runes)-head-tail) + string(runes[len(runes)-tail:])
}

// MaskName keeps the family name, and not how long the name is.
func MaskName(name string) string {
	runes := []rune(name)
	if len(runes) == 0 {
		return ""
	}
	return string(runes[:1]) + "**"
}

// MakeResidentID makes a well-formed number of nobody: area code (6 digits),
// birth date and a sequence 0–999. For demonstrations and tests.
func MakeResidentID(area string, year, month, day, seq int) string {
	digits := fmt.Sprintf("%s%04d%02d%02d%03d", area, year, month, day, seq%1000)
	return digits + string(residentCheck(digits))
}
