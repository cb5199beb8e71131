package store

import (
	"fmt"
	"math/big"
	"slices"
	"strings"

	"keping/experts"
	"keping/experts/sheetio"
	"keping/rbac"
	"keping/reviewing"
)

// givenMark is one version of a sheet that has been handed in.
type givenMark struct {
	sheet   reviewing.Sheet
	content reviewing.SheetContent
	seat    reviewing.Seat
	number  string // of the application
	status  string // as the ranking record has it
}

// givenMarks are all versions handed in, by application, seat and version.
func givenMarks(s *step, b *bench) ([]givenMark, error) {
	sheets, err := find[reviewing.Sheet](s, "id", "review_id = ? AND state <> ?", b.review.ID, reviewing.SheetDraft)
	if err != nil {
		return nil, err
	}
	numbers, err := numbersOf(s, b.review.ID)
	if err != nil {
		return nil, err
	}
	out := make([]givenMark, 0, len(sheets))
	for _, sheet := range sheets {
		c, err := content(s, sheet)
		if err != nil {
			return nil, err
		}
		m := givenMark{sheet, c, b.seats[sheet.SeatID], numbers[sheet.ApplicationID], "counted"}
		switch {
		case sheet.State == reviewing.SheetVoid:
			m.status = "void"
		case sheet.State == reviewing.SheetRevised:
			m.status = "revised"
		case c.Abstained:
			m.status = "abstained"
		}
		out = append(out, m)
	}
	key := func(m givenMark) string {
		return fmt.Sprintf("%s\x00%s\x00%06d", m.number, m.seat.Code, m.sheet.Number)
	}
	slices.SortFunc(out, func(x, y givenMark) int { return strings.Compare(key(x), key(y)) })
	return out, nil
}

// numbersOf are the numbers of a review's applications, withdrawn ones too, by id.
func numbersOf(s *step, review string) (map[string]string, error) {
	var all []reviewing.Application
	err := s.Select("id", "number").Where("review_id = ?", review).Find(&all).Error
	numbers := make(map[string]string, len(all))
	for _, a := range all {
		numbers[a.ID] = a.Number
	}
	return numbers, err
}

// shownMarks are the marks of an opened review that the actor may see: a panel
// member those of the applications of the own seats. Until the closing round 2
// stays sealed, and so does who has revised.
func (st *Store) shownMarks(s *step, id string) (*bench, []givenMark, error) {
	b, err := st.loadBench(s, id)
	if err != nil {
		return nil, nil, err
	}
	mine := b.mySeats(s)
	if err := s.May(len(mine) > 0, "该评审批次"); err != nil {
		return nil, nil, err
	}
	if b.review.State != reviewing.Discussing && b.review.State != reviewing.Closed {
		return nil, nil, rbac.Refuse(rbac.RefusedState, "评分尚未由组长和监督共同开启，任何人不得查看（SM-11）。")
	}
	hidden := map[string]bool{}
	for _, a := range b.applications {
		hidden[a.ID] = s.Call.Actor.Role == rbac.Expert && !slices.ContainsFunc(b.sitting(a.ID), func(x reviewing.Seat) bool {
			return slices.ContainsFunc(mine, func(m reviewing.Seat) bool { return m.ID == x.ID })
		})
	}
	given, err := givenMarks(s, b)
	shown := given[:0]
	for _, m := range given {
		if hidden[m.sheet.ApplicationID] {
			continue
		}
		if b.review.State != reviewing.Closed {
			if m.sheet.Round == 2 {
				continue
			}
			if m.status == "revised" {
				m.status = "counted"
				if m.content.Abstained {
					m.status = "abstained"
				}
			}
		}
		shown = append(shown, m)
	}
	return b, shown, err
}

// Summary is the table of a whole review: application × expert (评分汇总表).
type Summary struct {
	Number       string        `json:"number"`
	Title        string        `json:"title"`
	Applications []SummaryLine `json:"applications"`
}

// SummaryLine is one application with every expert's mark and how far they are apart.
type SummaryLine struct {
	ID        string        `json:"id"`
	Number    string        `json:"number"`
	Title     string        `json:"title"`
	Mean      string        `json:"mean" doc:"各指标平均分加权之和（未必是指南约定的计分方法）；有指标无人评分为空"`
	Lowest    string        `json:"lowest" doc:"评了全部指标的总分中最低的；分类评分、无人评全部指标时为空"`
	Highest   string        `json:"highest"`
	Spread    string        `json:"spread" doc:"最高与最低之差"`
	Recommend int           `json:"recommend" doc:"建议立项票数"`
	Revise    int           `json:"revise" doc:"修改后立项票数"`
	Decline   int           `json:"decline" doc:"不建议票数"`
	Criteria  []SummaryPart `json:"criteria" doc:"逐项指标"`
	Marks     []SummaryMark `json:"marks"`
}

// SummaryPart is one criterion over the experts who marked it, in points.
type SummaryPart struct {
	Criterion string `json:"criterion"`
	Name      string `json:"name"`
	Experts   int    `json:"experts" doc:"评了该项的专家人数"`
	Mean      string `json:"mean" doc:"无人评分为空"`
	Lowest    string `json:"lowest"`
	Highest   string `json:"highest"`
}

// SummaryMark is one expert's final mark; where it was revised after the
// discussion, with the value before and the reason.
type SummaryMark struct {
	Code           string        `json:"code" doc:"席位代号"`
	Class          experts.Class `json:"class"`
	Total          string        `json:"total" doc:"所评各项合计；弃权或只表决为空"`
	Of             string        `json:"of" doc:"所评各项的满分；分类评分时小于100"`
	Before         string        `json:"before" doc:"讨论前的合计；讨论后未修改为空"`
	Reason         string        `json:"reason" doc:"讨论后修改的理由"`
	Abstained      bool          `json:"abstained"`
	Recommendation string        `json:"recommendation"`
	Opinion        string        `json:"opinion"`
}

// SummaryOf is for whoever may see the marks of an opened review, and journalled.
func (st *Store) SummaryOf(s *step, id string) (Summary, error) {
	b, given, err := st.shownMarks(s, id)
	if err != nil {
		return Summary{}, err
	}
	out := Summary{Number: b.review.Number, Title: b.review.Title, Applications: []SummaryLine{}}
	for _, a := range b.applications {
		line := SummaryLine{ID: a.ID, Number: a.Number, Title: a.Title, Marks: []SummaryMark{}}
		before := map[string]string{}
		var totals []int
		parts := map[string][]int{}
		for _, m := range given {
			if m.sheet.ApplicationID != a.ID || m.status == "void" {
				continue
			}
			total, of := b.guide.Total(m.content)
			shown, maximum := "", ""
			if of > 0 {
				shown, maximum = reviewing.TotalPoints(total), reviewing.TotalPoints(of)
			}
			if m.status == "revised" {
				before[m.seat.Code] = shown
				continue
			}
			mark := SummaryMark{Code: m.seat.Code, Class: m.seat.Class, Total: shown, Of: maximum, Before: before[m.seat.Code], Abstained: m.content.Abstained, Recommendation: m.content.Recommendation, Opinion: m.content.Opinion}
			if m.sheet.Round == 2 {
				if mark.Reason, err = s.Keys.Open(m.sheet.RevisionReason, "sheet/"+m.sheet.ID+"/reason"); err != nil {
					return out, err
				}
			}
			if of == reviewing.FullMarks {
				totals = append(totals, total)
			}
			for _, x := range m.content.Marks {
				if x.Mark != nil {
					parts[x.Criterion] = append(parts[x.Criterion], *x.Mark)
				}
			}
			switch m.content.Recommendation {
			case "recommend":
				line.Recommend++
			case "revise":
				line.Revise++
			case "decline":
				line.Decline++
			}
			line.Marks = append(line.Marks, mark)
		}
		line.Mean, line.Criteria = meanOf(b.guide, parts)
		if len(totals) > 0 {
			low, high := slices.Min(totals), slices.Max(totals)
			line.Lowest, line.Highest, line.Spread = reviewing.TotalPoints(low), reviewing.TotalPoints(high), reviewing.TotalPoints(high-low)
		}
		if len(line.Marks) > 0 || s.Call.Actor.Role != rbac.Expert {
			out.Applications = append(out.Applications, line)
		}
	}
	return out, nil
}

// meanOf is Σ weight × mean over the criteria, exactly, rounded half up to two
// decimals, and each criterion; marks are in hundredths of a point.
func meanOf(g reviewing.Guide, marks map[string][]int) (string, []SummaryPart) {
	sum, all, parts := new(big.Rat), len(g.Criteria) > 0, []SummaryPart{}
	for _, k := range g.Criteria {
		part, given := SummaryPart{Criterion: k.Code, Name: k.Name, Experts: len(marks[k.Code])}, marks[k.Code]
		if all = all && len(given) > 0; len(given) > 0 {
			of := 0
			for _, m := range given {
				of += m
			}
			mean := big.NewRat(int64(of), int64(100*len(given)))
			part.Mean, part.Lowest, part.Highest = mean.FloatString(2), reviewing.Points(slices.Min(given)), reviewing.Points(slices.Max(given))
			sum.Add(sum, mean.Mul(mean, big.NewRat(int64(k.Weight), 10000)))
		}
		parts = append(parts, part)
	}
	if !all {
		return "", parts
	}
	return sum.FloatString(2), parts
}

// ExportMarks is the same, every criterion of every version, as two tables: long and wide.
func (st *Store) ExportMarks(s *step, id string) (sheetio.Sheet, sheetio.Sheet, error) {
	b, given, err := st.shownMarks(s, id)
	if err != nil {
		return sheetio.Sheet{}, sheetio.Sheet{}, err
	}
	names := map[string]string{"counted": "有效", "void": "作废", "revised": "已被修改", "abstained": "弃权"}
	long := sheetio.Sheet{Name: "逐项", Header: []string{"项目", "专家", "类别", "版本", "状态", "指标", "分值"}}
	wide := sheetio.Sheet{Name: "逐表", Header: []string{"项目", "专家", "类别", "版本", "状态", "建议"}}
	for _, c := range b.guide.Criteria {
		wide.Header = append(wide.Header, c.Name)
	}
	for _, m := range given {
		row := []any{m.number, m.seat.Code, experts.ClassNames[m.seat.Class], m.sheet.Number, names[m.status]}
		marks := map[string]any{}
		for _, mark := range m.content.Marks {
			var shown any = ""
			if mark.Mark != nil {
				shown = float64(*mark.Mark) / 100
			}
			marks[mark.Criterion] = shown
			long.Rows = append(long.Rows, append(slices.Clone(row), mark.Criterion, shown))
		}
		row = append(row, m.content.Recommendation)
		for _, k := range b.guide.Criteria {
			shown, ok := marks[k.Code]
			if !ok {
				shown = ""
			}
			row = append(row, shown)
		}
		wide.Rows = append(wide.Rows, row)
	}
	return long, wide, nil
}
