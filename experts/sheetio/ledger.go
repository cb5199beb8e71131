package sheetio

import (
	"strconv"

	"keping/experts"
	"keping/rbac"
	"keping/rbac/calendar"
)

// What a bureau brings from the years before: past panels and the integrity
// ledger. People are named by document, units by credit code.

// ProgrammeColumns name the programme year a row belongs to.
var ProgrammeColumns = []Column{{"programme", []string{"专项类别", "programme_kind"}, true}, {"year", []string{"年度", "year"}, true}}

// Programme reads kind and year of a row.
func Programme(row Row, faults *Faults) (kind string, year int) {
	switch row.Cells["programme"] {
	case "重大", "重大专项", "major":
		kind = "major"
	case "重点", "重点专项", "key":
		kind = "key"
	default:
		faults.At(row.Number, "专项类别", "应为“重大”或“重点”")
	}
	year, err := strconv.Atoi(row.Cells["year"])
	if err != nil || year < 2000 || year > 2100 {
		faults.At(row.Number, "年度", "“%.20s”应为四位年份", row.Cells["year"])
	}
	return kind, year
}

// Days checks a period: days as they are written, the last not before the first.
func Days(row Row, faults *Faults, from, fromName, to, toName string) {
	first, last := row.Cells[from], row.Cells[to]
	for _, day := range [2][2]string{{first, fromName}, {last, toName}} {
		if day[0] == "" {
			continue
		}
		if _, err := calendar.Parse(day[0]); err != nil {
			faults.At(row.Number, day[1], "%s", err)
		}
	}
	if last != "" && last < first {
		faults.At(row.Number, toName, "止日%s早于起日%s", last, first)
	}
}

// Limit faults cells that are longer than the place they are kept in.
func Limit(row Row, faults *Faults, columns []Column, limits map[string]int) {
	for _, c := range columns {
		if limit, ok := limits[c.Key]; ok && len([]rune(row.Cells[c.Key])) > limit {
			faults.At(row.Number, c.Names[0], "超过%d个字", limit)
		}
	}
}

// ServiceRow is one row of past_services.xlsx.
type ServiceRow struct {
	Row      int
	Name     string
	Document rbac.Document
	Service  experts.PastService
}

// ServiceColumns are the columns of past_services.xlsx.
var ServiceColumns = append([]Column{
	{"name", []string{"姓名", "name"}, true}, {"document_kind", []string{"证件类型", "document_kind"}, true}, {"document", []string{"证件号码", "document"}, true},
	{"title", []string{"评审批次", "review"}, true}, {"class", []string{"席位类别", "class"}, true}, {"day", []string{"评审日期", "day"}, true},
}, ProgrammeColumns...)

// Services reads past_services.xlsx.
func Services(name string, data []byte) ([]ServiceRow, *Faults) {
	rows, faults := Read(name, data, ServiceColumns)
	var out []ServiceRow
	seen := map[string]int{}
	for _, row := range rows {
		c := row.Cells
		r := ServiceRow{Row: row.Number, Name: c["name"]}
		var err error
		if r.Document, err = rbac.ParseDocument(c["document_kind"], c["document"]); err != nil {
			faults.At(row.Number, "证件号码", "%s", err)
		}
		r.Service.ProgrammeKind, r.Service.Year = Programme(row, faults)
		r.Service.Title, r.Service.Day = c["title"], c["day"]
		Limit(row, faults, ServiceColumns, map[string]int{"title": 200})
		if _, err := calendar.Parse(r.Service.Day); err != nil {
			faults.At(row.Number, "评审日期", "%s", err)
		}
		if r.Service.Class = class(c["class"]); r.Service.Class == "" {
			faults.At(row.Number, "席位类别", "“%.20s”应为同行技术、管理或财务", c["class"])
		}
		key := r.Document.Key() + "\n" + r.Service.Title + "\n" + r.Service.Day
		if first, twice := seen[key]; twice {
			faults.At(row.Number, "评审批次", "与第%d行重复", first)
		}
		seen[key] = row.Number
		out = append(out, r)
	}
	return out, faults
}

// class is the class that a text names, or "".
func class(text string) experts.Class {
	for class, label := range experts.ClassNames {
		if (label == text || string(class) == text || label == "同行"+text) && class != experts.Joint {
			return class
		}
	}
	return ""
}

// IntegrityRow is one row of integrity_records.xlsx.
type IntegrityRow struct {
	Row      int
	Name     string
	Document rbac.Document // of a person
	UnitCode string        // of a unit
	Record   rbac.IntegrityRecord
}

// IntegrityColumns are the columns of integrity_records.xlsx.
var IntegrityColumns = []Column{
	{"subject", []string{"对象", "subject"}, true}, {"name", []string{"名称", "name"}, true},
	{"document_kind", []string{"证件类型", "document_kind"}, true}, {"document", []string{"证件号码", "document"}, true},
	{"kind", []string{"记录种类", "kind"}, true}, {"from", []string{"起", "from"}, true}, {"to", []string{"止", "to"}, false},
	{"source", []string{"来源", "source"}, true}, {"paper", []string{"文号", "paper"}, true},
}

// Integrity reads integrity_records.xlsx: a person by document, a unit by its credit code.
func Integrity(name string, data []byte) ([]IntegrityRow, *Faults) {
	rows, faults := Read(name, data, IntegrityColumns)
	var out []IntegrityRow
	for _, row := range rows {
		c := row.Cells
		r := IntegrityRow{Row: row.Number, Name: c["name"]}
		var err error
		switch c["subject"] {
		case "专家", "负责人", "个人", "person":
			r.Record.SubjectKind = rbac.SubjectPerson
			r.Document, err = rbac.ParseDocument(c["document_kind"], c["document"])
		case "单位", "unit":
			r.Record.SubjectKind = rbac.SubjectUnit
			r.UnitCode, err = rbac.ParseUnitRef(c["document"])
		default:
			faults.At(row.Number, "对象", "应为“专家”“负责人”“个人”或“单位”")
		}
		if err != nil {
			faults.At(row.Number, "证件号码", "%s", err)
		}
		Days(row, faults, "from", "起", "to", "止")
		Limit(row, faults, IntegrityColumns, map[string]int{"kind": 100, "source": 200, "paper": 100, "name": 50})
		r.Record.Kind, r.Record.FromDay, r.Record.ToDay, r.Record.Source, r.Record.Document = c["kind"], c["from"], c["to"], c["source"], c["paper"]
		out = append(out, r)
	}
	return out, faults
}
