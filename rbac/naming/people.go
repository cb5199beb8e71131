package naming

import (
	"slices"
	"strings"
	"unicode"

	"github.com/mozillazg/go-pinyin"
	"golang.org/x/text/unicode/norm"
)

var titles = []string{"副教授", "教授", "副研究员", "研究员", "高级工程师", "工程师", "高级会计师", "会计师", "博士", "硕士", "院士", "先生", "女士", "老师", "主任", "处长", "局长", "同志"}

// surnames are the readings that surnames have and the letter otherwise has not.
var surnames = map[rune]string{'单': "shan", '解': "xie", '仇': "qiu", '区': "ou", '曾': "zeng", '查': "zha", '朴': "piao", '任': "ren", '华': "hua", '乐': "yue", '尉': "yu", '缪': "miao", '盖': "ge", '覃': "qin", '黑': "he", '召': "shao", '折': "she", '员': "yun", '洗': "xian", '翟': "zhai", '尹': "yin", '宓': "mi", '秘': "bi", '种': "chong", '纪': "ji", '燕': "yan", '宁': "ning", '万': "wan", '重': "chong", '祭': "zhai", '繁': "po", '那': "na", '哈': "ha", '冼': "xian"}

// PersonKey is the normal form of a person's name.
func PersonKey(name string) string {
	text := fold(name)
	if i := strings.IndexByte(text, '('); i > 0 {
		text = text[:i]
	}
	for cut := true; cut; {
		cut = false
		for _, title := range titles {
			if rest, ok := strings.CutSuffix(text, title); ok && len([]rune(rest)) >= 2 {
				text, cut = rest, true
			}
		}
	}
	if latin(text) {
		words := words(name)
		slices.Sort(words)
		return strings.Join(words, " ")
	}
	return strings.Trim(text, "·")
}

// SoundKey is the same for names that sound alike or are each other's pinyin,
// whatever the order of its parts: a way to find the few names worth comparing.
// It is "" where nothing can be said of a reading (hidden letters).
func SoundKey(name string) string {
	text := PersonKey(name)
	if strings.Contains(text, "*") {
		return ""
	}
	var letters []rune
	for i, r := range []rune(strings.NewReplacer("·", "", " ", "").Replace(text)) {
		if heard := sound(r, i == 0); len(heard) > 0 {
			letters = append(letters, []rune(heard[0])...)
		} else {
			letters = append(letters, r)
		}
	}
	slices.Sort(letters)
	return string(letters)
}

// compound are the surnames of two characters still met.
var compound = []string{"欧阳", "太史", "端木", "上官", "司马", "东方", "独孤", "南宫", "万俟", "闻人", "夏侯", "诸葛", "尉迟", "公羊", "赫连", "澹台", "皇甫", "宗政", "濮阳", "公冶", "太叔", "申屠", "公孙", "慕容", "仲孙", "钟离", "长孙", "宇文", "司徒", "鲜于", "司空", "闾丘", "令狐", "百里", "呼延", "东郭", "南门", "轩辕", "西门", "第五"}

// Split parts a Chinese name into surname and given name. Where nothing can be
// said (Latin letters, a name in parts), the whole is the given name.
func Split(name string) (surname, given string) {
	runes := []rune(name)
	if len(runes) < 2 || len(runes) > 4 || slices.ContainsFunc(runes, func(r rune) bool { return !unicode.Is(unicode.Han, r) }) {
		return "", name
	}
	n := 1
	if len(runes) > 2 && slices.Contains(compound, string(runes[:2])) {
		n = 2
	}
	return string(runes[:n]), string(runes[n:])
}

// words are the parts of a name in Latin letters.
func words(name string) []string {
	var out []string
	for _, word := range strings.FieldsFunc(strings.ToLower(unaccented(name)), func(r rune) bool { return !unicode.IsLetter(r) && r != '-' && r != '\'' }) {
		word = strings.NewReplacer("-", "", "'", "").Replace(word)
		if word != "" && !slices.Contains([]string{"dr", "prof", "professor", "mr", "ms", "mrs", "phd"}, word) {
			out = append(out, word)
		}
	}
	return out
}

func unaccented(name string) string {
	var out strings.Builder
	for _, r := range norm.NFKC.String(name) {
		out.WriteString(bare(r))
	}
	return out.String()
}

// People compares two names of people and tells why in Chinese. The same name
// is not yet the same person: that only documents tell.
func People(left, right string) (Verdict, string) {
	if len(left) > maxBytes || len(right) > maxBytes {
		return Unknown, "姓名过长"
	}
	x, y := PersonKey(left), PersonKey(right)
	joined := strings.NewReplacer("·", "", " ", "")
	switch {
	case x == "" || y == "":
		return Unknown, "有一方没有姓名"
	case strings.Contains(x, "*") || strings.Contains(y, "*"):
		return masked(x, y)
	case len([]rune(x)) < 2 || len([]rune(y)) < 2:
		return Unknown, "姓名不全"
	case x == y || joined.Replace(x) == joined.Replace(y):
		return Same, "姓名写法相同；是否同一人仍须核对证件"
	case latin(x) && latin(y):
		return romans(left, right)
	case latin(x):
		return mixed(words(left), []rune(joined.Replace(y)))
	case latin(y):
		return mixed(words(right), []rune(joined.Replace(x)))
	}
	if strings.Contains(x, "·") || strings.Contains(y, "·") {
		a, b := strings.Split(x, "·"), strings.Split(y, "·")
		for _, part := range a {
			if len([]rune(part)) >= 2 && slices.Contains(b, part) {
				return Unknown, "姓名有一部分相同，可能只写了本名或父名"
			}
		}
		if alike, what := typo(joined.Replace(x), joined.Replace(y), 4); alike {
			return Unknown, "译名只差一字（" + what + "）"
		}
		return Different, "姓名不同"
	}
	a, b := []rune(x), []rune(y)
	if len(a) > len(b) {
		a, b = b, a
	}
	switch {
	case len(b) == len(a)+1 && len(a) >= 3 && string(b[1:]) == string(a):
		return Unknown, "可能冠有夫姓，须核对证件"
	case len(a) == len(b) && readings(a, b):
		return Unknown, "同音不同字，须核对证件"
	case len(a) == len(b) && len(a) >= 2:
		if alike, what := typo(x, y, 2); alike {
			return Unknown, "只差形近或同音的一字（" + what + "），须核对证件"
		}
	}
	return Different, "姓名不同"
}

// masked compares 张** with a name.
func masked(x, y string) (Verdict, string) {
	a, b := []rune(x), []rune(y)
	for i := 0; i < len(a) && i < len(b) && a[i] != '*' && b[i] != '*'; i++ {
		if a[i] != b[i] {
			return Different, "未隐去的字不同"
		}
	}
	return Unknown, "姓名有隐去的字"
}

// romans compares two names in Latin letters.
func romans(left, right string) (Verdict, string) {
	a, b := words(left), words(right)
	for _, x := range orders(a) {
		for _, y := range orders(b) {
			if x == y {
				return Same, "字母写法相同；是否同一人仍须核对证件"
			}
		}
	}
	if initials(a, b) || initials(b, a) {
		return Unknown, "一方只写了首字母"
	}
	return Different, "姓名不同"
}

// orders are the ways to write the parts one after the other: as they stand,
// and with the last or the first part moved to the other end.
func orders(parts []string) []string {
	out := []string{strings.Join(parts, "")}
	if n := len(parts); n > 1 {
		out = append(out, parts[n-1]+strings.Join(parts[:n-1], ""), strings.Join(parts[1:], "")+parts[0])
	}
	return out
}

// initials tells whether the parts of short, in some order, are parts of full
// or begin them, and at least one is a whole part.
func initials(short, full []string) bool {
	whole, single := 0, 0
	left := slices.Clone(full)
	for _, part := range short {
		i := slices.Index(left, part)
		if i < 0 {
			i = slices.IndexFunc(left, func(f string) bool { return len(part) <= 2 && strings.HasPrefix(f, part[:1]) })
			single++
		} else {
			whole++
		}
		if i < 0 {
			return false
		}
		left = slices.Delete(left, i, i+1)
	}
	return whole > 0 && single > 0
}

// mixed compares Latin letters with Chinese ones by pinyin.
func mixed(parts []string, name []rune) (Verdict, string) {
	if len(name) > 4 || len(parts) == 0 {
		return Unknown, "一方是外文或译名，须核对证件"
	}
	written := orders(parts)
	var spell func(i int, sofar []string) bool
	spell = func(i int, sofar []string) bool {
		if i == len(name) {
			for _, order := range []string{strings.Join(sofar, ""), strings.Join(sofar[1:], "") + sofar[0]} {
				if slices.Contains(written, order) {
					return true
				}
			}
			return false
		}
		for _, sound := range sound(name[i], i == 0) {
			if spell(i+1, append(slices.Clone(sofar), sound)) {
				return true
			}
		}
		return false
	}
	if spell(0, nil) {
		return Unknown, "拼音相同，须核对汉字姓名或证件"
	}
	for _, part := range parts {
		if !syllables(part) {
			return Unknown, "一方是外文名，须核对证件"
		}
	}
	return Different, "拼音不同"
}

// sound are the readings of a letter, ü as v and as u too.
func sound(r rune, surname bool) []string {
	args := pinyin.NewArgs()
	args.Heteronym = true
	var out []string
	if s, ok := surnames[r]; ok && surname {
		out = append(out, s)
	}
	for _, s := range pinyin.SinglePinyin(r, args) {
		out = append(out, s)
		if strings.Contains(s, "v") {
			out = append(out, strings.ReplaceAll(s, "v", "u"), strings.ReplaceAll(s, "v", "yu"))
		}
	}
	return out
}

func sounds(a, b rune) bool {
	return slices.ContainsFunc(sound(a, true), func(s string) bool { return slices.Contains(sound(b, true), s) })
}

// readings tells whether two names of equal length sound the same.
func readings(a, b []rune) bool {
	for i := range a {
		if a[i] != b[i] && !sounds(a[i], b[i]) {
			return false
		}
	}
	return true
}

var initialsOf = []string{"zh", "ch", "sh", "b", "p", "m", "f", "d", "t", "n", "l", "g", "k", "h", "j", "q", "x", "r", "z", "c", "s", "y", "w", ""}

var finalsOf = []string{"iang", "iong", "uang", "ang", "eng", "ing", "ong", "iao", "ian", "uai", "uan", "ai", "ei", "ao", "ou", "an", "en", "in", "un", "ia", "ie", "iu", "ua", "uo", "ui", "ue", "ve", "a", "o", "e", "i", "u", "v", "er"}

// syllables tells whether a word can be cut into syllables of pinyin.
func syllables(word string) bool {
	reached := make([]bool, len(word)+1)
	reached[0] = true
	for at := range len(word) {
		if !reached[at] {
			continue
		}
		for _, head := range initialsOf {
			rest, ok := strings.CutPrefix(word[at:], head)
			if !ok {
				continue
			}
			for _, final := range finalsOf {
				if strings.HasPrefix(rest, final) {
					reached[at+len(head)+len(final)] = true
				}
			}
		}
	}
	return reached[len(word)]
}
