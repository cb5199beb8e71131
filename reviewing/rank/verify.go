package rank

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"keping/rbac/journal"
)

var hex64 = regexp.MustCompile(`^[0-9a-f]{64}$`)

// SheetHash is a sheet's digest as the journal has it.
func SheetHash(salt string, sheet Content) (string, error) {
	canonical, err := journal.Canonical(sheet)
	return journal.Hash(salt + "\n" + string(canonical)), err
}

// ParseRecord reads a record of exactly the contract's shape.
func ParseRecord(data []byte) (Record, error) {
	var r Record
	err := journal.Decode(data, &r)
	return r, err
}

type faults []error

func (f *faults) need(ok bool, format string, args ...any) {
	if !ok {
		*f = append(*f, fmt.Errorf(format, args...))
	}
}

// ValidateForm returns everything wrong with a form, method and tie steps.
func ValidateForm(form Form, method Method, ties []string) error {
	var bad faults
	var codes []string
	sum := 0
	for _, c := range form.Criteria {
		bad.need(c.Code != "", "有指标没有编码")
		bad.need(c.Weight >= 0 && c.Maximum >= 0, "指标%s的权重或满分为负", c.Code)
		bad.need(!slices.Contains(c.Classes, "") && len(compact(c.Classes)) == len(c.Classes), "指标%s的评分类别重复或为空", c.Code)
		codes = append(codes, c.Code)
		sum += c.Weight * c.Maximum
	}
	bad.need(len(compact(codes)) == len(codes), "同一指标出现两次")
	_, known := Methods[method.Name]
	bad.need(known, "没有“%s”这种计分方法", method.Name)
	bad.need(method.Percent >= 0 && (method.Name == "two_stage" || method.Percent == 0), "百分比%d与计分方法不符，只有二次平均法使用", method.Percent)
	if method.Name == "votes" {
		bad.need(len(form.Criteria) == 0, "推荐票方法不设评分指标")
	} else {
		bad.need(sum == 100*10000*100, "各指标权重×满分之和应为100分，现为%d.%02d分", sum/1000000, sum/10000%100)
	}
	for _, step := range ties {
		code, criterion := strings.CutPrefix(step, "criterion:")
		bad.need(step == "median" || step == "vote" || step == "draw" || (criterion && slices.Contains(codes, code)), "并列处理步骤“%s”不可用", step)
	}
	bad.need(len(compact(ties)) == len(ties), "并列处理步骤重复")
	return errors.Join(bad...)
}

func compact(texts []string) []string { return slices.Compact(slices.Sorted(slices.Values(texts))) }

// Validate returns everything wrong with form, sheets and orders.
func (r Record) Validate() error {
	var bad faults
	bad.need(r.Spec == Spec, "spec应为%s", Spec)
	bad.need(r.Review != "", "review为空")
	bad.need(r.Minimum >= 0 && r.PassLine >= 0, "minimum或pass_line为负")
	if err := ValidateForm(r.Form, r.Method, r.Ties); err != nil {
		bad = append(bad, err)
	}
	if r.Method.Name == "zscore" || r.Method.Name == "two_stage" {
		bad.need(r.whole(), "%s只用于各类专家评全部指标的评分表", Methods[r.Method.Name])
	}
	bad = append(bad, r.sheetFaults()...)
	known, placed := map[string]bool{}, map[string]bool{}
	for _, s := range r.Sheets {
		known[s.Sheet.Application] = true
	}
	for _, o := range r.Orders {
		bad.need((o.Step == "vote" || o.Step == "draw") && slices.Contains(r.Ties, o.Step), "次序的步骤“%s”不是约定的并列处理步骤", o.Step)
		for _, a := range o.Applications {
			bad.need(known[a], "%s：%s没有评分表", o.Step, a)
			bad.need(!placed[o.Step+a], "%s：%s排了两次", o.Step, a)
			placed[o.Step+a] = true
		}
	}
	if len(bad) > 0 {
		return errors.Join(bad...)
	}
	// Applications equal up to a step stand in one order of that step only.
	at := map[string]int{}
	for i, o := range r.Orders {
		for _, a := range o.Applications {
			at[o.Step+"\x00"+a] = i
		}
	}
	rows := r.standings()
	for k, step := range r.Ties {
		for _, level := range levels(rows, k) {
			first := -1
			for _, row := range level {
				i, ok := at[step+"\x00"+rows[row].Application]
				bad.need(!ok || first < 0 || i == first, "%s：并列的%s由不同的次序排定", step, rows[row].Application)
				if ok && first < 0 {
					first = i
				}
			}
		}
	}
	return errors.Join(bad...)
}

func (r Record) sheetFaults() faults {
	var bad faults
	criteria := map[string]Criterion{}
	for _, c := range r.Form.Criteria {
		criteria[c.Code] = c
	}
	key := func(s Sheet) string { return s.Sheet.Application + "\x00" + s.Sheet.Expert }
	newest, counted := map[string]int{}, map[string]bool{}
	for _, s := range r.Sheets {
		newest[key(s)] = max(newest[key(s)], s.Sheet.Version)
	}
	for i, s := range r.Sheets {
		c := s.Sheet
		who := fmt.Sprintf("%s/%s/%d", c.Application, c.Expert, c.Version)
		if i > 0 {
			b := r.Sheets[i-1].Sheet
			bad.need(cmp.Or(cmp.Compare(b.Application, c.Application), cmp.Compare(b.Expert, c.Expert), cmp.Compare(b.Version, c.Version)) < 0,
				"%s：评分表没有按项目、专家、版本排序或重复", who)
		}
		bad.need(c.Application != "" && c.Expert != "" && c.Version >= 0, "%s：项目或专家为空，或版本为负", who)
		bad.need(slices.Contains([]string{"counted", "void", "revised", "abstained", "joint"}, s.Status), "%s：状态“%s”不可用", who, s.Status)
		bad.need(s.Class != "", "%s：类别为空", who)
		hash, err := SheetHash(s.Salt, c)
		bad.need(err == nil && hash == s.Hash, "%s：内容与摘要不符，已被改动", who)
		bad.need(c.Opinion == "" || hex64.MatchString(c.Opinion), "%s：opinion应为空或64位摘要", who)
		bad.need((s.Status != "counted" && s.Status != "abstained") || c.Abstained == (s.Status == "abstained"), "%s：状态%s与是否弃权不符", who, s.Status)
		bad.need(s.Status != "revised" || newest[key(s)] > c.Version, "%s：称已修改，却没有更新的版本", who)
		bad.need(s.Status != "counted" || !counted[key(s)], "%s：同一专家对同一项目有两份有效评分", who)
		counted[key(s)] = counted[key(s)] || s.Status == "counted"
		for j, m := range c.Marks {
			bad.need(j == 0 || c.Marks[j-1].Criterion < m.Criterion, "%s：分值没有按指标排序或重复", who)
			k, ok := criteria[m.Criterion]
			bad.need(ok, "%s：评分表没有指标%s", who, m.Criterion)
			if ok && m.Mark != nil {
				bad.need(0 <= *m.Mark && *m.Mark <= k.Maximum, "%s：指标%s的分值%d不在0与%d之间", who, m.Criterion, *m.Mark, k.Maximum)
				bad.need(len(k.Classes) == 0 || slices.Contains(k.Classes, s.Class), "%s：指标%s不由%s类专家评分", who, m.Criterion, s.Class)
			}
		}
	}
	return bad
}

// Verify recomputes a record and returns every difference.
func Verify(r Record) error {
	want, err := Compute(r)
	if err != nil {
		return err
	}
	var bad faults
	bad.need(len(want.Results) == len(r.Results), "结果有%d行，重算为%d行", len(r.Results), len(want.Results))
	for i := range min(len(want.Results), len(r.Results)) {
		bad.need(want.Results[i] == r.Results[i], "结果第%d行为%+v，重算为%+v", i+1, r.Results[i], want.Results[i])
	}
	return errors.Join(bad...)
}

// VerifyJournal demands a sound journal that entered exactly the record's
// sheets for this review and voided exactly its void ones.
func VerifyJournal(r Record, lines io.Reader) error {
	entered, voided := map[string]bool{}, map[string]bool{}
	_, err := journal.Verify(lines, nil, func(e journal.Entry) {
		if _, refused := e.Facts["refused"]; refused || e.Facts["review"] != r.Review {
			return
		}
		sheet, _ := e.Facts["sheet"].(string)
		switch e.Act {
		case "sheet.submit", "sheet.revise", "sheet.enter":
			entered[sheet] = true
		case "sheet.void":
			voided[sheet] = true
		}
	})
	if err != nil {
		return err
	}
	var bad faults
	for _, s := range r.Sheets {
		who := fmt.Sprintf("%s/%s/%d", s.Sheet.Application, s.Sheet.Expert, s.Sheet.Version)
		bad.need(entered[s.Hash], "%s：日志中没有提交这份评分表的记录", who)
		bad.need(voided[s.Hash] == (s.Status == "void"), "%s：状态为%s，与日志中的作废记录不符", who, s.Status)
		delete(entered, s.Hash)
	}
	for hash := range entered {
		bad.need(false, "日志中提交的评分表%.16s…不在记录中", hash)
	}
	return errors.Join(bad...)
}
