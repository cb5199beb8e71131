package rbac

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestText: what a text may hold, in one line and in several.
func TestText(t *testing.T) {
	for _, c := range []struct {
		text, one, many string // "!" refused
	}{
		{"张三", "张三", "张三"},
		{"  张三\u3000", "张三", "  张三\u3000"},
		{" A1 ", "A1", " A1 "},
		{"", "", ""},
		{" \u3000\t", "!", ""},
		{"   ", "", ""},
		{"\u3000", "", ""},
		{"一\n二", "!", "一\n二"},
		{"一\r\n二", "!", "一\n二"},
		{"一\r二", "!", "!"},
		{"一\u2028二", "!", "!"},
		{"一\t二", "!", "一\t二"},
		{"张\u0007三", "!", "!"},
		{"张\u0085三", "!", "!"},
		{"abc\u202e", "!", "!"},
		{"\u2066甲\u2069", "!", "!"},
		{"张\u200b三", "!", "!"},
		{"\ufeff张三", "!", "!"},
		{"张\u00ad三", "!", "!"},
		{"\u3164", "!", "!"},
		{"e\u0301", "é", "e\u0301"},
		{"迪丽热巴·迪力木拉提", "迪丽热巴·迪力木拉提", "迪丽热巴·迪力木拉提"},
		{"𠮷野家，€5（②）", "𠮷野家，€5（②）", "𠮷野家，€5（②）"},
	} {
		for want, read := range map[*string]func(string) (string, error){&c.one: OneLine, &c.many: Lines} {
			got, err := read(c.text)
			if *want == "!" {
				assert.Error(t, err, "%+q", c.text)
				continue
			}
			assert.NoError(t, err, "%+q", c.text)
			assert.Equal(t, *want, got, "%+q", c.text)
		}
	}
}
