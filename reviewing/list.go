package reviewing

import (
	"fmt"
	"slices"
	"strconv"
	"time"
	"unicode"

	"keping/rbac"
	"keping/rbac/journal"
	"keping/rbac/rulebook"
)

// ListState is where an award list stands in SM-12.
type ListState string

// The states of SM-12.
const (
	ListDrafted     ListState = "drafted"     // officer adjusts; conclusions are recorded
	ListDeliberated ListState = "deliberated" // frozen; officer publicises
	ListPublic      ListState = "public"      // publicity runs; objections
	ListInterrupted ListState = "interrupted" // publicity stopped; its days left are kept
	ListConfirmed   ListState = "confirmed"
	ListSuperseded  ListState = "superseded" // a later version replaced it
)

// ListMoves is SM-12 as a table.
var ListMoves = map[ListState]map[string]ListState{
	ListDrafted:     {"adjust": ListDrafted, "return": ListDrafted, "deliberate": ListDeliberated, "supersede": ListSuperseded},
	ListDeliberated: {"publicise": ListPublic, "supersede": ListSuperseded},
	ListPublic:      {"interrupt": ListInterrupted, "correct": ListPublic, "confirm": ListConfirmed, "supersede": ListSuperseded},
	ListInterrupted: {"resume": ListPublic, "supersede": ListSuperseded},
	ListConfirmed:   {}, ListSuperseded: {},
}

// AwardList is one version of a guide's proposed award list (拟立项清单).
type AwardList struct {
	ID         string                  `gorm:"primaryKey;size:36" json:"id"`
	GuideID    string                  `gorm:"size:36" json:"guide_id"`
	Number     int                     `json:"number"` // version of the list
	Reason     string                  `gorm:"size:500" json:"reason"`
	State      ListState               `gorm:"size:20" json:"state"`
	Lines      rbac.List[Line]         `gorm:"column:list_lines" json:"lines"`
	Digest     string                  `gorm:"size:64" json:"digest"` // of the frozen lines
	PublicFrom string                  `gorm:"size:10" json:"public_from"`
	PublicTo   string                  `gorm:"size:10" json:"public_to"`
	DaysLeft   int                     `json:"days_left"` // working days of an interrupted publicity
	Notices    rbac.List[PublicNotice] `json:"notices"`   // 更正公告
	OfficerID  string                  `gorm:"size:36" json:"-"`
	Version    int                     `json:"version"`
	CreatedAt  time.Time               `gorm:"autoCreateTime:false" json:"created_at"`
}

// Line is one application on the list.
type Line struct {
	ApplicationID string `json:"application_id"`
	Number        string `json:"number"`
	Title         string `json:"title"`
	LeadUnit      string `json:"lead_unit"`
	Leader        string `json:"leader"`
	ReviewID      string `json:"review_id"`
	Rank          int    `json:"rank"`
	Shown         string `json:"shown"`
	Passed        bool   `json:"passed"`
	FiscalFen     int    `json:"fiscal_fen"`
	Joint         bool   `json:"joint"`
	Choice        string `json:"choice" enum:"proposed,reserve,declined"`
	Reason        string `json:"reason"`
}

// PublicNotice is a notice that corrects what was publicised; the frozen
// lines stay as they were deliberated.
type PublicNotice struct {
	Day  string `json:"day"`
	Text string `json:"text"`
}

// ListFacts are what an award list is judged by.
type ListFacts struct {
	List        AwardList
	Guide       Guide
	Programme   Programme
	Closed      map[string]bool // application → has a result of a closed review
	JointUnits  map[string][]string
	Barred      map[string]bool        // application → leader is or was of the technical group
	Uncertain   map[string][]Namesakes // application → people of the group who may be the leader
	Withdrawn   map[string]bool
	Conclusions []Conclusion
	Objections  map[string]ObjectionState // application → state of an open or upheld objection, on whatever version of the list
	SpentFen    int                       // proposed by lists of the guide already confirmed
	Taken       int                       // their places
}

// OpenObjections counts proposed lines with an objection not yet answered.
func (f ListFacts) OpenObjections() int {
	n := 0
	for _, line := range f.List.Lines {
		if state := f.Objections[line.ApplicationID]; line.Choice == "proposed" && (state.Open()) {
			n++
		}
	}
	return n
}

// LinesHash names the lines a conclusion is about.
func (l AwardList) LinesHash() (string, error) { return journal.HashOf(l.Lines) }

// Written tells whether a text says something: so many letters or digits,
// blanks and signs not counted.
func Written(text string, letters int) bool {
	n := 0
	for _, r := range text {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			n++
		}
	}
	return n >= letters
}

// LineRules are on the lines, whenever they
// change. What holds for all lines is said once, what fails for each.
func LineRules(p *rulebook.Pack, f ListFacts) []rulebook.Verdict {
	var out []rulebook.Verdict
	sum, places := f.SpentFen, f.Taken
	for _, line := range f.List.Lines {
		inputs := rulebook.Inputs{"application": line.Number}
		out = append(out, p.Check("R-069", f.Closed[line.ApplicationID], inputs, fmt.Sprintf("“%s”没有已结束的评审结果，不能列入（第二十一条）。", line.Number), "请先结束该项目所在的评审批次。"))
		if line.Choice != "proposed" {
			continue
		}
		sum = AddFen(sum, line.FiscalFen)
		places++
		out = append(out, MayLead(p, "R-025", f.Barred[line.ApplicationID], f.Uncertain[line.ApplicationID], f.Programme)...)
		out = append(out, p.Check("SM-06", !f.Withdrawn[line.ApplicationID], inputs, fmt.Sprintf("“%s”已撤回申报，不能列为拟立项。", line.Number), "公示前请改列不立项；已经公示的，请生成新版清单。"))
		out = append(out, p.Check("P-41", f.Objections[line.ApplicationID] != Upheld, inputs, fmt.Sprintf("“%s”的异议成立，不能列为拟立项（惯例）。", line.Number), "公示前请改列不立项或备选；已经公示的，请生成新版清单。"))
		out = append(out, p.Check("P-35", line.Passed, inputs, fmt.Sprintf("“%s”未达合格线，不能列为拟立项（惯例）。", line.Number), "请改列备选或不立项。"))
	}
	out = append(once(out, len(f.List.Lines)), f.departures(p)...)
	limit := "、" + strconv.Itoa(f.Guide.Places) + "项"
	if f.Guide.Places == 0 {
		limit = "（项数不限）"
	}
	out = append(out, p.Check("R-074", sum <= f.Guide.BudgetFen && (f.Guide.Places == 0 || places <= f.Guide.Places),
		rulebook.Inputs{"sum_fen": sum, "budget_fen": f.Guide.BudgetFen, "lines": places, "places": f.Guide.Places},
		fmt.Sprintf("拟立项财政资金合计%s万元、%d项，年度安排%s万元%s，超出安排（第十四条、第二十一条）。", Wan(sum), places, Wan(f.Guide.BudgetFen), limit),
		"请减少拟立项项目，或先调整年度安排。"))
	return out
}

// once leaves of the verdicts that stop nothing one of each rule, and none where
// the rule fails for another line.
func once(verdicts []rulebook.Verdict, lines int) []rulebook.Verdict {
	said := map[string]bool{}
	out := rulebook.Blocking(verdicts)
	for _, v := range out {
		said[v.Rule] = true
	}
	for _, v := range verdicts {
		if said[v.Rule] {
			continue
		}
		said[v.Rule] = true
		if v.Inputs["application"] != nil { // it is said of all of them
			v.Inputs = rulebook.Inputs{"lines": lines}
		}
		out = append(out, v)
	}
	return out
}

// departures is R-075: where a line is proposed and a better-ranked one of its
// review is not, one of the two has a written reason. One reason at the line
// passed over serves for all that are proposed instead of it. A line that may
// not be proposed (withdrawn, objection upheld, its leader barred) is not passed
// over.
func (f ListFacts) departures(p *rulebook.Pack) []rulebook.Verdict {
	var out []rulebook.Verdict
	for _, over := range f.List.Lines {
		id := over.ApplicationID
		if over.Choice == "proposed" || !over.Passed || over.Rank <= 0 || f.Withdrawn[id] ||
			p.Uses("P-41") && f.Objections[id] == Upheld || p.Uses("R-025") && f.Barred[id] || Written(over.Reason, 2) {
			continue
		}
		i := slices.IndexFunc(f.List.Lines, func(line Line) bool {
			return line.ReviewID == over.ReviewID && line.Choice == "proposed" && (line.Rank == 0 || over.Rank <= line.Rank) && !Written(line.Reason, 2)
		})
		if i >= 0 {
			line := f.List.Lines[i]
			out = append(out, p.Fail("R-075", rulebook.Inputs{"chosen": line.Number, "rank": line.Rank, "passed_over": over.Number, "other_rank": over.Rank},
				fmt.Sprintf("“%s”（第%d名）列入而“%s”（第%d名）未列入，请填写理由（第二十一条）。", line.Number, line.Rank, over.Number, over.Rank), "请为列入的一行或未列入的一行填写书面理由，或按排名列入。"))
		}
	}
	if len(out) == 0 {
		return []rulebook.Verdict{p.Pass("R-075", nil)}
	}
	return out
}

// ProposeLines orders lines and makes the default choice: in rank order, as
// many as pass and fit places and budget. Equal ranks of a review go in whole
// or not at all; what does not fit stops its review's proposals, never skipped
// silently. The other passed lines are reserve.
func ProposeLines(lines []Line, places, budgetFen int) {
	slices.SortStableFunc(lines, func(a, b Line) int {
		rank := func(l Line) int {
			if l.Rank == 0 {
				return 1 << 30
			}
			return l.Rank
		}
		if d := rank(a) - rank(b); d != 0 {
			return d
		}
		if a.Number < b.Number {
			return -1
		}
		return 1
	})
	stopped := map[string]bool{}
	sum, n := 0, 0
	for i := range lines {
		l := &lines[i]
		l.Choice = "declined"
		if l.Passed && l.Rank > 0 {
			l.Choice = "reserve"
		}
	}
	for i := range lines {
		if lines[i].Choice != "reserve" || stopped[lines[i].ReviewID] {
			continue
		}
		var tied []int
		cost := 0
		for j := range lines {
			if lines[j].ReviewID == lines[i].ReviewID && lines[j].Rank == lines[i].Rank && lines[j].Choice == "reserve" {
				tied = append(tied, j)
				cost = AddFen(cost, lines[j].FiscalFen)
			}
		}
		if AddFen(sum, cost) > budgetFen || (places > 0 && n+len(tied) > places) {
			stopped[lines[i].ReviewID] = true
			continue
		}
		for _, j := range tied {
			lines[j].Choice = "proposed"
		}
		sum, n = AddFen(sum, cost), n+len(tied)
	}
}

// Used is the budget bar of a list: money and places used line by line.
type Used struct {
	Number    string `json:"number"`
	Choice    string `json:"choice"`
	FiscalFen int    `json:"fiscal_fen"`
	SumFen    int    `json:"sum_fen" doc:"至本行累计"`
	LeftFen   int    `json:"left_fen" doc:"年度安排剩余；负数为超出"`
}

// BudgetBar adds up what the proposed lines use of the guide's budget, from
// what confirmed lists have used already.
func BudgetBar(l AwardList, budget, spent int) []Used {
	sum := spent
	out := []Used{}
	for _, line := range l.Lines {
		if line.Choice == "proposed" {
			sum = AddFen(sum, line.FiscalFen)
		}
		out = append(out, Used{line.Number, line.Choice, line.FiscalFen, sum, budget - sum})
	}
	return out
}

// Change is what a version of a list changes of the one before.
type Change struct {
	Number string `json:"number"`
	Title  string `json:"title"`
	Before string `json:"before" doc:"上一版的去向，空为原无此项"`
	After  string `json:"after"`
	Reason string `json:"reason"`
}

// Changes compares two versions of a list.
func Changes(before, after AwardList) []Change {
	choice := map[string]Line{}
	for _, line := range before.Lines {
		choice[line.ApplicationID] = line
	}
	out := []Change{}
	for _, line := range after.Lines {
		if old := choice[line.ApplicationID]; old.Choice != line.Choice || old.FiscalFen != line.FiscalFen {
			out = append(out, Change{line.Number, line.Title, old.Choice, line.Choice, line.Reason})
		}
		delete(choice, line.ApplicationID)
	}
	for _, line := range before.Lines {
		if _, gone := choice[line.ApplicationID]; gone {
			out = append(out, Change{line.Number, line.Title, line.Choice, "", ""})
		}
	}
	return out
}
