package naming

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// unit is a name taken apart.
type unit struct {
	key      string   // normal form
	full     string   // before its place was shortened: where a slip of the pen shows
	moved    string   // normal form with a place in brackets moved to the front, or ""
	former   []string // normal forms of names given in brackets as old ones
	district string   // of a Chongqing unit that names one
	form     string   // legal form
	core     string   // key without legal form
	notes    []string // what was done, for the reason
}

var districts = []string{"万州", "涪陵", "渝中", "大渡口", "江北", "沙坪坝", "九龙坡", "南岸", "北碚", "綦江", "大足", "渝北", "巴南", "黔江", "长寿", "江津", "合川", "永川", "南川", "璧山", "铜梁", "潼南", "荣昌", "开州", "梁平", "武隆", "城口", "丰都", "垫江", "忠县", "云阳", "奉节", "巫山", "巫溪", "石柱", "秀山", "酉阳", "彭水"}

// places stand in brackets in the names of companies that say where they are.
var places = []string{"重庆", "北京", "上海", "天津", "四川", "成都", "贵州", "贵阳", "云南", "昆明", "湖北", "武汉", "湖南", "长沙", "陕西", "西安", "广东", "广州", "深圳", "江苏", "南京", "苏州", "浙江", "杭州", "中国", "香港"}

// forms are legal forms, longest first.
var forms = []string{"股份有限公司", "有限责任公司", "有限公司", "公司"}

// wholes end the name of a unit that stands for itself.
var wholes = []string{"大学", "学院", "公司", "研究院", "研究所", "科学院", "工程院", "医院", "集团", "委员会", "局", "学校", "中心"}

// organs end what a unit has under it.
var organs = []string{"学院", "系", "所", "院", "中心", "实验室", "医院", "分公司", "子公司", "办事处", "分院", "分校", "校区", "部", "处", "室", "科", "站", "基地", "学部", "教研室", "课题组", "图书馆", "中学", "小学", "事业部", "分局", "公司", "车间", "厂"}

// systems have institutes that are legal persons of their own: two of them are
// not related by the system's name.
var systems = []string{"中国科学院", "中国工程院", "中国农业科学院", "中国林业科学研究院", "中国医学科学院", "中国电子科技集团", "中国电子科技集团公司", "中国电子科技集团有限公司", "中国船舶集团有限公司", "中国兵器装备集团有限公司"}

// academies are short forms that end a name.
var academies = strings.NewReplacer("农科院", "农业科学院", "社科院", "社会科学院", "林科院", "林业科学研究院", "畜科院", "畜牧科学院", "医科院", "医学科学院", "质检院", "质量检测研究院", "农科所", "农业科学研究所")

// universities are what stands before 大学 where it is cut to 大.
var universities = []string{"理工", "师范", "交通", "科技", "工业", "医科", "农业", "邮电", "工商", "财经", "石油", "外国语", "政法"}

// written fills in what a short form leaves out: 农科院, 理工大, 某系统的某所.
func written(text string) string {
	text = academies.Replace(text)
	if stem, ok := strings.CutSuffix(text, "大"); ok && ends(stem, universities) {
		text += "学"
	}
	for _, system := range systems {
		if stem, ok := strings.CutSuffix(text, "所"); ok && strings.HasPrefix(text, system) && !strings.HasSuffix(stem, "研究") && !strings.HasSuffix(stem, "事务") {
			return stem + "研究所"
		}
	}
	return text
}

// campus tells whether a name goes on with one letter's campus: A区.
func campus(rest string) bool {
	r := []rune(rest)
	return len(r) == 2 && r[1] == '区' && (r[0] >= 'A' && r[0] <= 'Z' || r[0] >= 'a' && r[0] <= 'z')
}

// generic names say what a unit is, not which.
var generic = []string{"人民医院", "中医院", "中心医院", "妇幼保健院", "科技局", "科学技术局", "财政局", "教育局", "大学", "学院", "研究院", "研究所", "医院", "计算机学院", "有限公司", "第1中学", "第1人民医院", "第2人民医院", "幼儿园", "小学", "中学", "图书馆", "实验室", "机械学院"}

// UnitKey is the normal form of a unit's name under the aliases: equal keys are
// one name.
func (a *Aliases) UnitKey(name string) string { return a.unit(name).key }

func (a *Aliases) unit(name string) unit {
	var u unit
	text := fold(name)
	for {
		open := strings.IndexByte(text, '(')
		shut := strings.IndexByte(text, ')')
		if open < 0 || shut < open {
			break
		}
		inside := text[open+1 : shut]
		before, after := text[:open], text[shut+1:]
		switch {
		case cutAny(inside, "原名", "曾用名", "原", "旧名") != inside:
			u.former = append(u.former, a.unit(cutAny(inside, "原名", "曾用名", "原", "旧名")).key)
			text = before + after
		case inside == "筹" || inside == "盖章" || inside == "公章" || inside == "签章" || after == "" && before != "" && short(inside, before):
			text = before + after
			u.notes = append(u.notes, "略去括注“"+inside+"”")
		default: // a place in a company's name
			if slices.Contains(places, strings.TrimSuffix(inside, "市")) && before != "" && u.moved == "" {
				u.moved = a.unit(inside + before + after).key
			}
			text = before + inside + after
		}
	}
	text = numerals(strings.NewReplacer("(", "", ")", "", "·", "", "*", "").Replace(text))
	text = a.expand(text, &u)
	if bare := strings.TrimPrefix(strings.TrimPrefix(text, "重庆"), "市"); bare != text && slices.ContainsFunc(districts, func(d string) bool { return strings.HasPrefix(bare, d) }) {
		if full := a.expand(bare, &u); full != bare {
			text = full
		}
	}
	u.full = numerals(written(text))
	text, u.district = place(u.full)
	for _, form := range forms {
		if core, ok := strings.CutSuffix(text, form); ok && core != "" && !strings.HasSuffix(core, "分") && !strings.HasSuffix(core, "子") {
			u.form, u.core = form, core
			if form == "有限责任公司" {
				u.form, text = "有限公司", core+"有限公司"
			}
			break
		}
	}
	if u.core == "" {
		u.core = text
	}
	u.key = text
	return u
}

// expand replaces an alias that is the whole name, or that begins it and is
// followed by an organ.
func (a *Aliases) expand(text string, u *unit) string {
	runes := []rune(text)
	for n := min(a.longest, len(runes)); n >= 2; n-- {
		alias, ok := a.of[string(runes[:n])]
		if !ok {
			continue
		}
		rest := string(runes[n:])
		if rest != "" && (!ends(rest, organs) || strings.HasPrefix(alias.Name, string(runes[:n]))) {
			continue
		}
		note := "“" + string(runes[:n]) + "”即“" + alias.Name + "”"
		if alias.Until != "" {
			note += "（" + alias.Until + "前的旧名）"
		}
		u.notes = append(u.notes, note)
		return alias.Name + rest
	}
	return text
}

// place drops 市 of a leading 重庆市, and 重庆 before a district, whose 区 or 县
// goes too.
func place(text string) (rest, district string) {
	bare := strings.TrimPrefix(strings.TrimPrefix(text, "重庆"), "市")
	for _, d := range districts {
		if after, ok := strings.CutPrefix(bare, d); ok && after != "" && !strings.HasPrefix(after, "大学") {
			for _, unit := range []string{"自治县", "区", "县"} {
				if cut := strings.TrimPrefix(after, unit); cut != after && cut != "" {
					after = cut
					break
				}
			}
			return d + after, d
		}
	}
	if after, ok := strings.CutPrefix(text, "重庆市"); ok && after != "" {
		return "重庆" + after, ""
	}
	return text, ""
}

// Units compares two names of units and tells why in Chinese.
func (a *Aliases) Units(left, right string) (Verdict, string) {
	if len(left) > maxBytes || len(right) > maxBytes {
		return Unknown, "名称过长"
	}
	x, y := a.unit(left), a.unit(right)
	notes := slices.Compact(slices.Sorted(slices.Values(append(slices.Clone(x.notes), y.notes...))))
	why := func(text string) string {
		if len(notes) > 0 {
			return text + "；" + strings.Join(notes, "；")
		}
		return text
	}
	switch {
	case x.key == "" || y.key == "":
		return Unknown, "有一方没有名称"
	case slices.Contains(generic, x.key) || slices.Contains(generic, y.key):
		return Unknown, "名称过于通称，不能指明是哪个单位"
	case x.key == y.key:
		return Same, why("规范写法相同：" + x.key)
	case x.moved != "" && (x.moved == y.key || x.moved == y.moved), y.moved != "" && y.moved == x.key:
		return Same, why("括注的地名移到名称之前后写法相同")
	case slices.Contains(x.former, y.key) || slices.Contains(y.former, x.key):
		return Same, why("一方是另一方注明的原名")
	case latin(x.key) != latin(y.key):
		return Unknown, "一方是外文名称，须核对其中文名称"
	}
	for _, pair := range [2][2]unit{{x, y}, {y, x}} {
		if rest, ok := strings.CutPrefix(pair[1].key, pair[0].key); ok {
			switch {
			case strings.HasPrefix(rest, "城") && strings.HasSuffix(pair[0].key, "大学"): // 重庆大学城…, and 重庆大学城市科技学院
				if strings.HasPrefix(rest, "城市") {
					return Unknown, why("独立学院与其原举办高校，须核对法人")
				}
				return Different, why("“大学城”是地名")
			case strings.HasSuffix(pair[0].key, "大学") && campus(rest):
				return Related, why("“" + rest + "”是“" + pair[0].key + "”的校区")
			case ends(pair[0].key, wholes) && ends(rest, organs) && !strings.HasPrefix(rest, "有限") && !strings.HasPrefix(rest, "股份"):
				return Related, why("“" + rest + "”是“" + pair[0].key + "”的下属单位")
			}
		}
		if pair[0].form != "" && len([]rune(pair[0].core)) >= 4 {
			if rest, ok := strings.CutPrefix(pair[1].key, pair[0].core); ok && (strings.HasSuffix(rest, "分公司") || strings.HasSuffix(rest, "子公司")) {
				return Related, why("“" + pair[1].key + "”是“" + pair[0].key + "”的分支机构")
			}
		}
	}
	if x.district != "" && y.district != "" && x.district != y.district {
		return Different, fmt.Sprintf("所在区县不同：%s、%s", x.district, y.district)
	}
	if parent := common(x.key, y.key); parent != "" {
		if one, other := strings.TrimPrefix(x.key, parent), strings.TrimPrefix(y.key, parent); slices.Contains(systems, parent) && (short(one, other) || short(other, one)) {
			return Unknown, why("同属“" + parent + "”，一方可能是另一方的简称，可加入别名表")
		}
		if slices.Contains(systems, parent) {
			return Different, why("同属“" + parent + "”系统的不同法人单位")
		}
		return Related, why("同属“" + parent + "”")
	}
	if x.form != "" && y.form != "" && x.form != y.form && x.core == y.core {
		return Unknown, why("公司类型不同（" + x.form + "、" + y.form + "），可能改制，也可能是两家")
	}
	if strings.TrimPrefix(x.key, "重庆") == strings.TrimPrefix(y.key, "重庆") || strings.Replace(x.core, "集团", "", 1) == strings.Replace(y.core, "集团", "", 1) {
		return Unknown, why("只差地名或“集团”字样，须核对信用代码")
	}
	if x.core == y.core || x.core == y.key || y.core == x.key {
		return Unknown, why("一方没有写明公司类型")
	}
	if digits(x.key) != digits(y.key) {
		return Different, "编号不同"
	}
	if alike, what := typo(x.full, y.full, 5); alike {
		return Unknown, why("只差一字（" + what + "），可能是笔误")
	}
	if abbreviates(x.key, y.key) || abbreviates(y.key, x.key) {
		return Unknown, why("可能是简称，可加入别名表")
	}
	return Different, why("规范写法不同")
}

func ends(text string, with []string) bool {
	return slices.ContainsFunc(with, func(s string) bool { return strings.HasSuffix(text, s) })
}

func cutAny(text string, prefixes ...string) string {
	for _, p := range prefixes {
		if rest, ok := strings.CutPrefix(text, p); ok && rest != "" && len([]rune(rest)) >= 2 {
			return strings.TrimLeft(rest, "为是:")
		}
	}
	return text
}

// short tells whether every letter of a stands in b, in order: how short forms are made.
func short(a, b string) bool {
	if a == "" || len(a) >= len(b) {
		return false
	}
	rest := []rune(b)
	for _, r := range a {
		i := slices.Index(rest, r)
		if i < 0 {
			return false
		}
		rest = rest[i+1:]
	}
	return true
}

// abbreviates tells whether a may be a short form of b: a few of its letters,
// and not itself the full name of a university.
func abbreviates(a, b string) bool {
	return short(a, b) && len([]rune(a)) <= 4 && !strings.HasSuffix(a, "大学")
}

// common is the unit that both names begin with, each followed by an organ.
func common(a, b string) string {
	x, y := []rune(a), []rune(b)
	n := 0
	for n < len(x) && n < len(y) && x[n] == y[n] {
		n++
	}
	for ; n >= 4; n-- {
		parent := string(x[:n])
		if ends(parent, []string{"大学", "公司", "科学院", "工程院", "集团"}) && ends(string(x[n:]), organs) && ends(string(y[n:]), organs) && x[n] != '城' && y[n] != '城' {
			return parent
		}
	}
	return ""
}

func latin(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Han, r) })
}

func digits(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return r
		}
		return -1
	}, text)
}

// alikes are letters often taken for each other by eye.
var alikes = []string{"末未", "己已巳", "人入", "土士", "日曰", "渝愉", "沙纱", "坝坎", "璧壁", "碚培"}

// typo tells whether two names differ by one letter that sounds or looks alike,
// or by one letter more, in names of at least so many letters.
func typo(a, b string, least int) (bool, string) {
	x, y := []rune(a), []rune(b)
	if len(x) > len(y) {
		x, y = y, x
	}
	if len(x) < least {
		return false, ""
	}
	n := 0
	for n < len(x) && x[n] == y[n] {
		n++
	}
	switch {
	case len(x) == len(y) && string(x[n+1:]) == string(y[n+1:]):
		both := string(x[n]) + "、" + string(y[n])
		looks := slices.ContainsFunc(alikes, func(s string) bool { return strings.ContainsRune(s, x[n]) && strings.ContainsRune(s, y[n]) })
		return looks || sounds(x[n], y[n]), both
	case len(y) == len(x)+1 && len(x) >= 7 && string(x[n:]) == string(y[n+1:]):
		return true, "多“" + string(y[n]) + "”"
	}
	return false, ""
}
