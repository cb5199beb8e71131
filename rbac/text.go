package rbac

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// OneLine is the one written form of a name, a number or a title: composed
// (NFC), without blanks around it. What cannot be seen, or shows a text other
// than it is, is refused, as are line breaks.
func OneLine(text string) (string, error) {
	if plain(text) {
		return strings.TrimSpace(text), nil
	}
	if err := visible(text, ""); err != nil {
		return text, err
	}
	return strings.TrimSpace(norm.NFC.String(text)), nil
}

// Lines is a longer text: line breaks and tabs are part of it, and one that is
// nothing but blanks is empty.
func Lines(text string) (string, error) {
	text = strings.ReplaceAll(text, "\r\n", "\n") // as browsers send it
	if strings.TrimSpace(text) == "" {
		text = ""
	}
	return text, visible(text, "\n\t")
}

func plain(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}

// visible refuses what no reader sees: control characters but those allowed,
// marks of direction, of zero width and of no width at all (Unicode Cf), and
// letters that are blank.
func visible(text, allowed string) error {
	for _, r := range text {
		switch {
		case strings.ContainsRune(allowed, r):
		case r == '\n' || r == '\r' || r == '\u2028' || r == '\u2029':
			return errors.New("只能写一行，不得换行")
		case unicode.IsControl(r):
			return fmt.Errorf("有控制字符（U+%04X），请删去后重新输入", r)
		case unicode.Is(unicode.Cf, r) || r == '\u115f' || r == '\u1160' || r == '\u2800' || r == '\u3164' || r == '\uffa0':
			return fmt.Errorf("有看不见的字符（U+%04X：零宽、方向控制等），请删去后重新输入", r)
		}
	}
	return nil
}
