package sheetio

import (
	"strings"

	"keping/experts/sheetio"
	"keping/rbac"
	"keping/reviewing"
)

// ProjectRow is one row of running_projects.xlsx.
type ProjectRow struct {
	Row        int
	Project    reviewing.RunningProject
	LeadUnit   string
	LeaderName string
	Leader     rbac.Document
	Members    []MemberRow // without a unit
}

// ProjectColumns are the columns of running_projects.xlsx.
var ProjectColumns = append([]sheetio.Column{
	{Key: "code", Names: []string{"专项编号", "programme"}}, {Key: "number", Names: []string{"项目编号", "number"}, Required: true}, {Key: "title", Names: []string{"项目名称", "title"}, Required: true},
	{Key: "lead", Names: []string{"牵头单位信用代码", "lead_unit"}, Required: true}, {Key: "leader", Names: []string{"项目负责人", "leader"}, Required: true},
	{Key: "kind", Names: []string{"负责人证件类型", "document_kind"}, Required: true}, {Key: "document", Names: []string{"负责人证件号码", "document"}, Required: true},
	{Key: "members", Names: []string{"成员", "members"}}, {Key: "starts", Names: []string{"开始日期", "starts"}, Required: true}, {Key: "ends", Names: []string{"结束日期", "ends"}},
}, sheetio.ProgrammeColumns...)

// Projects reads running_projects.xlsx.
func Projects(name string, data []byte) ([]ProjectRow, *sheetio.Faults) {
	rows, faults := sheetio.Read(name, data, ProjectColumns)
	var out []ProjectRow
	seen := map[string]int{}
	for _, row := range rows {
		c := row.Cells
		at := func(column, format string, args ...any) { faults.At(row.Number, column, format, args...) }
		kind, year := sheetio.Programme(row, faults)
		r := ProjectRow{Row: row.Number, LeaderName: c["leader"], Project: reviewing.RunningProject{ProgrammeKind: reviewing.ProgrammeKind(kind), Year: year, ProgrammeCode: c["code"],
			Number: c["number"], Title: c["title"], Starts: c["starts"], Ends: c["ends"]}}
		var err error
		if r.LeadUnit, err = rbac.ParseUnitRef(c["lead"]); err != nil {
			at("牵头单位信用代码", "%s", err)
		}
		if r.Leader, err = rbac.ParseDocument(c["kind"], c["document"]); err != nil {
			at("负责人证件号码", "%s", err)
		}
		for _, text := range sheetio.Split(c["members"]) {
			parts := strings.Split(text, "|")
			if len(parts) != 3 {
				at("成员", "“%.30s”应为 姓名|证件类型|证件号码", text)
				continue
			}
			document, err := rbac.ParseDocument(parts[1], parts[2])
			if err != nil {
				at("成员", "%s", err)
			}
			r.Members = append(r.Members, MemberRow{Name: strings.TrimSpace(parts[0]), Document: document})
		}
		if first, twice := seen[r.Project.Number]; twice {
			at("项目编号", "与第%d行重复", first)
		}
		seen[r.Project.Number] = row.Number
		sheetio.Limit(row, faults, ProjectColumns, map[string]int{"number": 40, "code": 40, "title": 200, "leader": 50})
		sheetio.Days(row, faults, "starts", "开始日期", "ends", "结束日期")
		out = append(out, r)
	}
	return out, faults
}

// MembershipRow is one row of memberships.xlsx.
type MembershipRow struct {
	Row       int
	Code      string // of the programme, or "" for the only one of kind and year
	Kind      string
	Year      int
	Group     string
	Name      string
	Document  rbac.Document
	From, To  string
	Recommend string // document of the recommendation
}

// MembershipColumns are the columns of memberships.xlsx.
var MembershipColumns = append([]sheetio.Column{
	{Key: "code", Names: []string{"专项编号", "programme"}}, {Key: "group", Names: []string{"专家组", "group"}, Required: true}, {Key: "name", Names: []string{"姓名", "name"}, Required: true},
	{Key: "kind", Names: []string{"证件类型", "document_kind"}, Required: true}, {Key: "document", Names: []string{"证件号码", "document"}, Required: true},
	{Key: "from", Names: []string{"任期起", "from"}, Required: true}, {Key: "to", Names: []string{"任期止", "to"}, Required: true}, {Key: "paper", Names: []string{"推荐文件", "paper"}},
}, sheetio.ProgrammeColumns...)

// Memberships reads memberships.xlsx.
func Memberships(name string, data []byte) ([]MembershipRow, *sheetio.Faults) {
	rows, faults := sheetio.Read(name, data, MembershipColumns)
	var out []MembershipRow
	for _, row := range rows {
		c := row.Cells
		r := MembershipRow{Row: row.Number, Code: c["code"], Name: c["name"], From: c["from"], To: c["to"], Recommend: c["paper"]}
		r.Kind, r.Year = sheetio.Programme(row, faults)
		switch strings.TrimSuffix(c["group"], "专家组") {
		case "技术":
			r.Group = "technical"
		case "咨询":
			r.Group = "advisory"
		default:
			faults.At(row.Number, "专家组", "应为“技术”或“咨询”")
		}
		var err error
		if r.Document, err = rbac.ParseDocument(c["kind"], c["document"]); err != nil {
			faults.At(row.Number, "证件号码", "%s", err)
		}
		sheetio.Limit(row, faults, MembershipColumns, map[string]int{"paper": 100})
		sheetio.Days(row, faults, "from", "任期起", "to", "任期止")
		out = append(out, r)
	}
	return out, faults
}
