// Package sheetio reads applications.xlsx and writes the review's exports.
package sheetio

import (
	"math/big"
	"strconv"
	"strings"

	"keping/experts/sheetio"
	"keping/rbac"
	"keping/reviewing"
)

// ApplicationRow is one row of applications.xlsx; units are named by credit code.
type ApplicationRow struct {
	Row                                  int
	Title, Item, LeadUnit, LeaderName    string
	Leader                               rbac.Document
	Members                              []MemberRow
	Partners, JointUnits                 []string
	FiscalFen, JointFen, SelfFen, Months int
	Summary                              string
}

// MemberRow is one member.
type MemberRow struct {
	Name     string
	Document rbac.Document
	UnitCode string
}

// ApplicationColumns are the columns of applications.xlsx.
var ApplicationColumns = []sheetio.Column{
	{Key: "title", Names: []string{"项目名称", "title"}, Required: true}, {Key: "item", Names: []string{"指南项目代码", "item"}, Required: true},
	{Key: "lead", Names: []string{"牵头单位信用代码", "lead_unit"}, Required: true}, {Key: "leader", Names: []string{"项目负责人", "leader"}, Required: true},
	{Key: "kind", Names: []string{"负责人证件类型", "document_kind"}, Required: true}, {Key: "number", Names: []string{"负责人证件号码", "document"}, Required: true},
	{Key: "members", Names: []string{"成员", "members"}}, {Key: "partners", Names: []string{"参与单位信用代码", "partners"}},
	{Key: "joint", Names: []string{"联合实施单位信用代码", "joint_units"}}, {Key: "fiscal", Names: []string{"财政资金万元", "fiscal"}, Required: true},
	{Key: "jointfund", Names: []string{"联合资金万元", "joint_fund"}}, {Key: "self", Names: []string{"自筹资金万元", "self_fund"}},
	{Key: "months", Names: []string{"实施月数", "months"}, Required: true}, {Key: "summary", Names: []string{"摘要", "summary"}},
}

// ApplicationExample is an example row for the template.
var ApplicationExample = []any{"智能驾驶域控制器关键技术研究", "A1", "91350100M000100Y43", "王五", "居民身份证", "11010519491231002X",
	"赵六|居民身份证|11010519491231002X|91350100M000100Y43", "", "", "20", "", "10", "24", "研究内容摘要"}

// Fen reads 万元 exactly.
func Fen(text string) (int, bool) {
	if text == "" {
		return 0, true
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok || r.Sign() < 0 || strings.ContainsAny(text, "/eE") {
		return 0, false
	}
	r.Mul(r, big.NewRat(1000000, 1))
	if !r.IsInt() || r.Cmp(big.NewRat(reviewing.MaxFen, 1)) > 0 {
		return 0, false
	}
	return int(r.Num().Int64()), true
}

// Applications reads applications.xlsx.
func Applications(name string, data []byte) ([]ApplicationRow, *sheetio.Faults) {
	rows, faults := sheetio.Read(name, data, ApplicationColumns)
	var out []ApplicationRow
	for _, row := range rows {
		c := row.Cells
		r := ApplicationRow{Row: row.Number, Title: c["title"], Item: c["item"], LeaderName: c["leader"], Summary: c["summary"]}
		at := func(column, format string, args ...any) { faults.At(row.Number, column, format, args...) }
		code := func(column, text string) string {
			parsed, err := rbac.ParseUnitRef(text)
			if err != nil {
				at(column, "%s", err)
			}
			return parsed
		}
		r.LeadUnit = code("牵头单位信用代码", c["lead"])
		var err error
		if r.Leader, err = rbac.ParseDocument(c["kind"], c["number"]); err != nil {
			at("负责人证件号码", "%s", err)
		}
		for _, text := range sheetio.Split(c["members"]) {
			parts := strings.Split(text, "|")
			if len(parts) != 4 {
				at("成员", "“%.30s”应为 姓名|证件类型|证件号码|单位信用代码", text)
				continue
			}
			document, err := rbac.ParseDocument(parts[1], parts[2])
			if err != nil {
				at("成员", "%s", err)
			}
			r.Members = append(r.Members, MemberRow{strings.TrimSpace(parts[0]), document, code("成员", parts[3])})
		}
		for _, text := range sheetio.Split(c["partners"]) {
			r.Partners = append(r.Partners, code("参与单位信用代码", text))
		}
		for _, text := range sheetio.Split(c["joint"]) {
			r.JointUnits = append(r.JointUnits, code("联合实施单位信用代码", text))
		}
		for _, amount := range []struct {
			column, text string
			into         *int
		}{{"财政资金万元", c["fiscal"], &r.FiscalFen}, {"联合资金万元", c["jointfund"], &r.JointFen}, {"自筹资金万元", c["self"], &r.SelfFen}} {
			fen, ok := Fen(amount.text)
			if !ok {
				at(amount.column, "“%.20s”应为不小于0、不超过1000亿元的金额（万元，至多六位小数）", amount.text)
			}
			*amount.into = fen
		}
		if r.Months, err = strconv.Atoi(c["months"]); err != nil || r.Months < 1 || r.Months > 120 {
			at("实施月数", "“%.20s”应为1至120的整数", c["months"])
		}
		out = append(out, r)
	}
	return out, faults
}
