package sheetio

import (
	"regexp"
	"slices"
	"strings"

	"keping/experts"
	"keping/rbac"
	"keping/rbac/calendar"
)

// ExpertRow is one row of experts.xlsx. Units are named by credit code.
type ExpertRow struct {
	Row         int
	Expert      experts.Expert
	Document    rbac.Document
	UnitCode    string
	Phone       string
	Employments []EmploymentRow
}

// EmploymentRow is one post, its unit named by credit code.
type EmploymentRow struct{ UnitCode, Post, From, To string }

// ExpertColumns are the columns of experts.xlsx.
var ExpertColumns = []Column{
	{"name", []string{"姓名", "name"}, true}, {"gender", []string{"性别", "gender"}, false},
	{"document_kind", []string{"证件类型", "document_kind"}, true}, {"document", []string{"证件号码", "document"}, true},
	{"phone", []string{"手机", "phone"}, false}, {"mail", []string{"邮箱", "mail"}, true},
	{"title", []string{"职称", "title"}, false}, {"unit", []string{"单位信用代码", "unit"}, true},
	{"district", []string{"区内外", "district"}, true}, {"pool", []string{"专家库", "pool"}, true},
	{"classes", []string{"类别", "classes"}, true}, {"field", []string{"学科代码", "field"}, true},
	{"keywords", []string{"关键词", "keywords"}, false}, {"second", []string{"其他学科代码", "second"}, false},
	{"history", []string{"工作经历", "history"}, false}, {"evidence", []string{"高层次证明", "evidence"}, false}, {"consent", []string{"同意书版本", "consent"}, false},
}

// ExpertExample is an example row for the template.
var ExpertExample = []any{"张三", "男", "居民身份证", "11010519491231002X", "13800138000", "zhangsan@example.cn", "教授", "91350100M000100Y43",
	"区内", "技术", "同行技术;管理", "520.20", "智能驾驶;传感器", "510.40", "91350100M000100Y43|教授|2015-07-01|", "", "2025-01"}

// Split cuts a cell at half- and full-width semicolons and at line breaks.
func Split(text string) []string {
	var out []string
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == ';' || r == '；' || r == '\n' }) {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// Header are the Chinese headers of columns.
func Header(columns []Column) []string {
	var out []string
	for _, c := range columns {
		out = append(out, c.Names[0])
	}
	return out
}

var disciplineForm = regexp.MustCompile(`^\d{3}(\.\d{2,4})?$`)

// standing reads 类别|内容, such as 奖励|国家科学技术进步奖二等奖.
func standing(text string, at func(column, format string, args ...any)) experts.Standing {
	label, words, _ := strings.Cut(text, "|")
	for kind, name := range experts.StandingNames {
		if strings.TrimSpace(label) == name && len([]rune(strings.TrimSpace(words))) >= 2 {
			return experts.Standing{Kind: kind, Text: strings.TrimSpace(words)}
		}
	}
	at("高层次证明", "“%s”应为 职称|…、奖励|… 或 职务|…", text)
	return experts.Standing{}
}

// Experts reads experts.xlsx.
func Experts(name string, data []byte) ([]ExpertRow, *Faults) {
	rows, faults := Read(name, data, ExpertColumns)
	var out []ExpertRow
	seen := map[string]int{}
	for _, row := range rows {
		c := row.Cells
		r := ExpertRow{Row: row.Number}
		at := func(column, format string, args ...any) { faults.At(row.Number, column, format, args...) }
		var err error
		if r.Document, err = rbac.ParseDocument(c["document_kind"], c["document"]); err != nil {
			at("证件号码", "%s", err)
		} else if first, twice := seen[r.Document.Key()]; twice {
			at("证件号码", "与第%d行重复", first)
		} else {
			seen[r.Document.Key()] = row.Number
		}
		if r.UnitCode, err = rbac.ParseUnitRef(c["unit"]); err != nil {
			at("单位信用代码", "%s", err)
		}
		if c["phone"] != "" {
			if r.Phone, err = rbac.ParsePhone(c["phone"]); err != nil {
				at("手机", "%s", err)
			}
		}
		e := &r.Expert
		e.Name, e.Gender, e.Mail, e.Title, e.ConsentVersion = c["name"], c["gender"], c["mail"], c["title"], c["consent"]
		for _, text := range Split(c["evidence"]) {
			e.Evidence = append(e.Evidence, standing(text, at))
		}
		if len([]rune(e.Name)) > 50 {
			at("姓名", "超过50个字")
		}
		if !strings.Contains(e.Mail, "@") {
			at("邮箱", "不是邮箱地址")
		}
		e.BirthYear = r.Document.BirthYear()
		switch c["district"] {
		case "区内", "区外":
			e.InDistrict = c["district"] == "区内"
		default:
			at("区内外", "应为“区内”或“区外”")
		}
		switch strings.TrimSuffix(c["pool"], "专家库") {
		case "技术":
			e.Pool = experts.TechnicalPool
		case "咨询":
			e.Pool = experts.AdvisoryPool
		default:
			at("专家库", "应为“技术”或“咨询”")
		}
		for _, text := range Split(c["classes"]) {
			found := experts.Class("")
			for class, label := range experts.ClassNames {
				if (label == text || string(class) == text || label == "同行"+text) && class != experts.Joint {
					found = class
				}
			}
			if found == "" {
				at("类别", "“%s”应为同行技术、管理或财务", text)
			} else if !slices.Contains(e.Classes, found) {
				e.Classes = append(e.Classes, found)
			}
		}
		codes := append([]string{c["field"]}, Split(c["second"])...)
		for i, code := range codes {
			if !disciplineForm.MatchString(code) {
				at("学科代码", "“%s”不是GB/T 13745代码，如520.20", code)
			}
			field := experts.Discipline{Code: code}
			if i == 0 {
				field.Keywords = Split(c["keywords"])
			}
			e.Fields = append(e.Fields, field)
		}
		e.MainField = c["field"]
		for _, text := range Split(c["history"]) {
			parts := strings.Split(text, "|")
			if len(parts) != 4 {
				at("工作经历", "“%s”应为 单位信用代码|职务|起|止", text)
				continue
			}
			post := EmploymentRow{strings.TrimSpace(parts[0]), strings.TrimSpace(parts[1]), strings.TrimSpace(parts[2]), strings.TrimSpace(parts[3])}
			if _, err := rbac.ParseUnitRef(post.UnitCode); err != nil {
				at("工作经历", "%s", err)
			}
			for _, day := range []string{post.From, post.To} {
				if day == "" && day == post.To {
					continue
				}
				if _, err := calendar.Parse(day); err != nil {
					at("工作经历", "%s", err)
				}
			}
			if post.To != "" && post.To < post.From {
				at("工作经历", "止日%s早于起日%s", post.To, post.From)
			}
			r.Employments = append(r.Employments, post)
		}
		out = append(out, r)
	}
	return out, faults
}

// UnitRow is one row of units.xlsx.
type UnitRow struct {
	Row        int
	Unit       rbac.Unit
	ParentCode string
}

// UnitColumns are the columns of units.xlsx.
var UnitColumns = []Column{
	{"name", []string{"单位名称", "name"}, true}, {"code", []string{"统一社会信用代码", "code"}, true}, {"kind", []string{"单位类型", "kind"}, true},
	{"aliases", []string{"别名曾用名", "aliases"}, false}, {"parent", []string{"上级单位信用代码", "parent"}, false},
	{"district", []string{"区内外", "district"}, true}, {"joint", []string{"可作联合实施单位", "joint"}, false},
	{"evidence", []string{"条件证明", "evidence"}, false}, {"contact", []string{"联系人", "contact"}, false},
}

// UnitExample is an example row for the template.
var UnitExample = []any{"重庆示例科技有限公司", "91350100M000100Y43", "企业", "示例科技", "", "区内", "否", "", "李四"}

// Units reads units.xlsx.
func Units(name string, data []byte) ([]UnitRow, *Faults) {
	rows, faults := Read(name, data, UnitColumns)
	var out []UnitRow
	seen := map[string]int{}
	for _, row := range rows {
		c := row.Cells
		r := UnitRow{Row: row.Number}
		at := func(column, format string, args ...any) { faults.At(row.Number, column, format, args...) }
		u := &r.Unit
		u.Name, u.Contact, u.Aliases = c["name"], c["contact"], Split(c["aliases"])
		if len([]rune(u.Name)) > 100 {
			at("单位名称", "超过100个字")
		}
		var err error
		if u.Code, err = rbac.ParseUnitRef(c["code"]); err != nil {
			at("统一社会信用代码", "%s", err)
		} else if first, twice := seen[u.Code]; twice {
			at("统一社会信用代码", "与第%d行重复", first)
		} else {
			seen[u.Code] = row.Number
		}
		for kind, label := range rbac.UnitKinds {
			if label == c["kind"] || string(kind) == c["kind"] {
				u.Kind = kind
			}
		}
		if u.Kind == "" {
			at("单位类型", "“%s”不在可用之列", c["kind"])
		}
		if c["parent"] != "" {
			if r.ParentCode, err = rbac.ParseUnitRef(c["parent"]); err != nil {
				at("上级单位信用代码", "%s", err)
			}
		}
		u.InDistrict = c["district"] == "区内"
		if c["district"] != "区内" && c["district"] != "区外" {
			at("区内外", "应为“区内”或“区外”")
		}
		switch c["joint"] {
		case "是", "否", "":
			u.Joint = c["joint"] == "是"
		default:
			at("可作联合实施单位", "应为“是”或“否”")
		}
		u.Evidence = strings.Join(Split(c["evidence"]), "；")
		out = append(out, r)
	}
	return out, faults
}
