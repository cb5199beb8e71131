package api

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"slices"
	"time"

	"keping/experts"
	"keping/rbac/calendar"
	"keping/rbac/store"
	"keping/reviewing"
	reviewstore "keping/reviewing/store"
)

//go:embed form.html
var formText string

// formPage prints a form on A4: black on white, a table head on every page,
// lines to sign by hand. No script, nothing loaded from anywhere.
var formPage = template.Must(template.New("form").Funcs(template.FuncMap{
	"class":  func(c any) string { return experts.ClassNames[experts.Class(fmt.Sprint(c))] },
	"inc":    func(i int) int { return i + 1 },
	"points": reviewing.Points,
	"stamp": func(at any) string {
		switch at := at.(type) {
		case time.Time:
			return calendar.Stamp(at)
		case *time.Time:
			if at != nil {
				return calendar.Stamp(*at)
			}
		}
		return ""
	},
	"state": func(s string) string {
		return map[string]string{"recommend": "建议立项", "revise": "修改后立项", "decline": "不建议"}[s]
	},
	"holder": func(s string) string {
		return map[string]string{"bureau": "科技局", "supervisor": "监督"}[s]
	},
	"why": func(s string) string {
		return map[string]string{"declined": "谢绝", "no_answer": "逾期未答复", "unavailable": "不能参加", "recused": "回避", "excluded": "当日事实排除", "seated": "已在席", "unit": "同单位上限", "unfillable": "余席将无法满足"}[s]
	},
	"names": func(seats []reviewstore.PrintedSeat, code string) string {
		if i := slices.IndexFunc(seats, func(s reviewstore.PrintedSeat) bool { return s.Code == code }); i >= 0 {
			return seats[i].Name
		}
		return ""
	},
	"title": func(kind string) string { return reviewstore.FormNames[kind] },
}).Parse(formText))

func (s *Server) printForm(step *store.Step, in *struct {
	ID   string `path:"id" maxLength:"64"`
	Form string `query:"form" default:"pledge" enum:"pledge,sign_in,sheet,summary,opinion,draw" doc:"承诺书、签到表、个人评分表、评分汇总表、综合意见表、抽取记录表"`
}) (exported, error) {
	f, err := s.Reviews.PrintForm(step, in.ID, in.Form)
	if err != nil {
		return exported{}, err
	}
	var page bytes.Buffer
	err = formPage.Execute(&page, f)
	return exported{kind: "text/html; charset=utf-8", data: page.Bytes(), policy: "default-src 'none'; style-src 'unsafe-inline'"}, err
}
