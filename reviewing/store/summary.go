package store

import (
	"fmt"
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
	var all []reviewing.Application
	if err := s.Select("id", "number").Where("review_id = ?", b.review.ID).Find(&all).Error; err != nil {
		return nil, err
	}
	numbers := make(map[string]string, len(all))
	for _, a := range all {
		numbers[a.ID] = a.Number
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
	Mean      string        `json:"mean" doc:"有效总分的平均（未必是指南约定的计分方法）"`
	Lowest    string        `json:"lowest"`
	Highest   string        `json:"highest"`
	Spread    string        `json:"spread" doc:"最高与最低之差"`
	Recommend int           `json:"recommend" doc:"建议立项票数"`
	Revise    int           `json:"revise" doc:"修改后立项票数"`
	Decline   int           `json:"decline" doc:"不建议票数"`
	Marks     []SummaryMark `json:"marks"`
}

// SummaryMark is one expert's final mark; where it was revised after the
// discussion, with the value before and the reason.
type SummaryMark struct {
	Code           string        `json:"code" doc:"席位代号"`
	Class          experts.Class `json:"class"`
	Total          string        `json:"total" doc:"所评各项合计；弃权或只表决为空"`
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
		for _, m := range given {
			if m.sheet.ApplicationID != a.ID || m.status == "void" {
				continue
			}
			total, marked := b.guide.Total(m.content)
			shown := ""
			if marked {
				shown = reviewing.TotalPoints(total)
			}
			if m.status == "revised" {
				before[m.seat.Code] = shown
				continue
			}
			mark := SummaryMark{Code: m.seat.Code, Class: m.seat.Class, Total: shown, Before: before[m.seat.Code], Abstained: m.content.Abstained, Recommendation: m.content.Recommendation, Opinion: m.content.Opinion}
			if m.sheet.Round == 2 {
				if mark.Reason, err = s.Keys.Open(m.sheet.RevisionReason, "sheet/"+m.sheet.ID+"/reason"); err != nil {
					return out, err
				}
			}
			if marked {
				totals = append(totals, total)
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
		if n := len(totals); n > 0 {
			sum := 0
			for _, t := range totals {
				sum += t
			}
			low, high := slices.Min(totals), slices.Max(totals)
			line.Mean, line.Lowest, line.Highest, line.Spread = reviewing.TotalPoints((2*sum+n)/(2*n)), reviewing.TotalPoints(low), reviewing.TotalPoints(high), reviewing.TotalPoints(high-low)
		}
		if len(line.Marks) > 0 || s.Call.Actor.Role != rbac.Expert {
			out.Applications = append(out.Applications, line)
		}
	}
	return out, nil
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
