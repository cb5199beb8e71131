package experts

import (
	"fmt"
	"time"

	"keping/rbac/calendar"
	"keping/rbac/rulebook"
)

// Codes of a state's reason; Lapsed ones are the system's.
const (
	LapseRecheck  = "recheck"  // the yearly re-check is overdue
	LapseAge      = "age"      // beyond the pool's age
	LapseTerm     = "term"     // 聘期 over
	LapseDocument = "document" // the identity document has expired
)

// RecheckDue is the last day by which a record must be confirmed again, or ""
// where none is asked.
func RecheckDue(p *rulebook.Pack, e Expert) string {
	day, err := calendar.Parse(e.ConfirmedDay)
	if p.RecheckMonths == 0 || err != nil {
		return ""
	}
	return calendar.Day(day.AddDate(0, p.RecheckMonths, 0))
}

// MayServe says, of who is in the pool, whether age, term, document and yearly
// re-check still hold (P-02, P-06). Each verdict names its code in "code".
func MayServe(p *rulebook.Pack, e Expert, now time.Time) []rulebook.Verdict {
	today := calendar.Day(now)
	limit := ageLimit(p, e)
	due := RecheckDue(p, e)
	said := func(rule, code string, ok bool, more rulebook.Inputs, message, remedy string) rulebook.Verdict {
		more["expert"], more["code"] = e.ID, code
		return p.Check(rule, ok, more, message, remedy)
	}
	return []rulebook.Verdict{
		said("P-02", LapseAge, e.BirthYear == 0 || e.Age(now) <= limit, rulebook.Inputs{"birth_year": e.BirthYear, "limit": limit},
			fmt.Sprintf("在库年龄一般不超过%d岁，“%s”现为%d岁以上（惯例）。", limit, e.Name, e.Age(now)), "请由科技局领导说明理由后放行，再恢复在库；否则办理退出。"),
		said("P-06", LapseTerm, e.TermUntil == "" || today <= e.TermUntil, rulebook.Inputs{"term_until": e.TermUntil},
			fmt.Sprintf("“%s”的聘期已于%s届满（惯例）。", e.Name, e.TermUntil), "请登记新的聘期后恢复在库，或办理退出。"),
		said("P-06", LapseDocument, e.DocumentUntil == "" || today <= e.DocumentUntil, rulebook.Inputs{"document_until": e.DocumentUntil},
			fmt.Sprintf("“%s”的身份证件已于%s到期（惯例）。", e.Name, e.DocumentUntil), "请核对新证件并登记其有效期后恢复在库。"),
		said("P-06", LapseRecheck, due == "" || today <= due, rulebook.Inputs{"confirmed": e.ConfirmedDay, "due": due, "months": p.RecheckMonths},
			fmt.Sprintf("“%s”的档案上次核对于%s，须每%d个月核对一次（惯例）。", e.Name, e.ConfirmedDay, p.RecheckMonths), "请由专家库管理员或本人核对档案，再恢复在库。"),
	}
}

func ageLimit(p *rulebook.Pack, e Expert) int {
	if e.Pool == AdvisoryPool {
		return p.AdvisoryAgeMax
	}
	return p.PoolAgeMax
}

// Grades of what an expert has done, with the years of a ban the pack allows
// (科技部 2020 rules on approaches: once; several people or times; grave).
var Grades = []string{"light", "serious", "grave"}

// GradeNames in Chinese.
var GradeNames = map[string]string{"light": "一般", "serious": "较重", "grave": "严重"}

// Misconduct is what experts are banned for (P-22).
var Misconduct = map[string]string{"not_recused": "应回避而未回避", "leak": "泄露评审秘密", "approach": "实施或接受请托", "favour": "人情评审", "proxy": "由他人代评", "false_facts": "虚报资格或事实", "other": "其他违规行为"}

// BanTerm is P-22: the term of a ban lies within the years of its grade; the
// last year without an end is for ever.
func BanTerm(p *rulebook.Pack, grade, until string, now time.Time) rulebook.Verdict {
	years := p.BanYears[grade]
	inputs := rulebook.Inputs{"grade": grade, "until": until, "years_min": years.Min, "years_max": years.Max}
	from, to := calendar.Day(now.AddDate(years.Min, 0, 0)), calendar.Day(now.AddDate(years.Max, 0, 0))
	ok := until == "" && years.Max == 0 || until >= from && (years.Max == 0 || until <= to)
	span := fmt.Sprintf("%d—%d年", years.Min, years.Max)
	if years.Max == 0 {
		span = fmt.Sprintf("%d年以上直至永久", years.Min)
	}
	said := until
	if until == "" {
		said = "永久"
	}
	return p.Check("P-22", ok, inputs, fmt.Sprintf("情节%s的禁用期为%s（惯例），现为%s。", GradeNames[grade], span, said), fmt.Sprintf("请把禁用期的最后一日改为%s至%s之间，或改选情节。", from, map[bool]string{true: "永久", false: to}[years.Max == 0]))
}
