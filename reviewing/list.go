package reviewing

import (
	"fmt"
	"slices"
	"time"

	"keping/rbac"
	"keping/rbac/journal"
	"keping/rbac/rulebook"
	"keping/rbac/secret"
)

// ListState is where an award list stands in SM-12.
type ListState string

// The states of SM-12.
const (
	ListDrafted     ListState = "drafted"     // officer adjusts; conclusions are recorded
	ListDeliberated ListState = "deliberated" // frozen; officer publicises
	ListPublic      ListState = "public"      // publicity runs; objections
	ListConfirmed   ListState = "confirmed"
	ListSuperseded  ListState = "superseded" // a later version replaced it
)

// ListMoves is SM-12 as a table.
var ListMoves = map[ListState]map[string]ListState{
	ListDrafted:     {"adjust": ListDrafted, "deliberate": ListDeliberated, "supersede": ListSuperseded},
	ListDeliberated: {"publicise": ListPublic, "supersede": ListSuperseded},
	ListPublic:      {"confirm": ListConfirmed, "supersede": ListSuperseded},
	ListConfirmed:   {}, ListSuperseded: {},
}

// AwardList is one version of a guide's proposed award list (拟立项清单).
type AwardList struct {
	ID         string          `gorm:"primaryKey;size:36" json:"id"`
	GuideID    string          `gorm:"size:36" json:"guide_id"`
	Number     int             `json:"number"` // version of the list
	Reason     string          `gorm:"size:500" json:"reason"`
	State      ListState       `gorm:"size:20" json:"state"`
	Lines      rbac.List[Line] `gorm:"column:list_lines" json:"lines"`
	Digest     string          `gorm:"size:64" json:"digest"` // of the frozen lines
	PublicFrom string          `gorm:"size:10" json:"public_from"`
	PublicTo   string          `gorm:"size:10" json:"public_to"`
	OfficerID  string          `gorm:"size:36" json:"-"`
	Version    int             `json:"version"`
	CreatedAt  time.Time       `gorm:"autoCreateTime:false" json:"created_at"`
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

// Conclusion is another office's recorded word on a list: by its own account,
// or entered by an officer (补录) with document number, date and scan.
type Conclusion struct {
	ID        string    `gorm:"primaryKey;size:36" json:"id"`
	ListID    string    `gorm:"size:36" json:"list_id"`
	Kind      string    `gorm:"size:20" json:"kind"` // joint_unit, conference, finance, deliberation
	UnitID    string    `gorm:"size:36" json:"unit_id"`
	Agreed    bool      `json:"agreed"`
	Document  string    `gorm:"size:100" json:"document"`
	Day       string    `gorm:"size:10" json:"day"`
	Lines     string    `gorm:"column:lines_hash;size:64" json:"lines"` // digest of the lines it is about: other lines need it anew
	FileID    string    `gorm:"size:36" json:"file_id"`
	EnteredBy string    `gorm:"size:36" json:"-"`
	Entered   bool      `json:"entered"` // 补录
	CreatedAt time.Time `gorm:"autoCreateTime:false" json:"created_at"`
}

// Objection is one objection to a publicised line (SM-13). Who wrote it is
// sealed at "objection/<id>/…": hidden from applicant and panel.
type Objection struct {
	ID            string        `gorm:"primaryKey;size:36" json:"id"`
	ListID        string        `gorm:"size:36" json:"list_id"`
	ApplicationID string        `gorm:"size:36" json:"application_id"`
	Name          secret.Sealed `json:"-"`
	Contact       secret.Sealed `json:"-"`
	Text          secret.Sealed `json:"-"`
	Answer        secret.Sealed `json:"-"`
	Salt          string        `gorm:"size:64" json:"-"`     // of the text's digest in the journal
	State         string        `gorm:"size:20" json:"state"` // lodged, accepted, rejected, upheld, dismissed
	DecidedBy     string        `gorm:"size:36" json:"-"`
	CreatedAt     time.Time     `gorm:"autoCreateTime:false" json:"created_at"`
	DecidedAt     *time.Time    `json:"decided_at"`
}

// ListFacts are what an award list is judged by.
type ListFacts struct {
	List        AwardList
	Guide       Guide
	Programme   Programme
	Closed      map[string]bool // application → has a result of a closed review
	JointUnits  map[string][]string
	Barred      map[string]bool // application → leader is or was of the technical group
	Uncertain   map[string]int  // application → people of the group who may be the leader
	Withdrawn   map[string]bool
	Conclusions []Conclusion
	Objections  map[string]string // application → state of an open or upheld objection, on whatever version of the list
	SpentFen    int               // proposed by lists of the guide already confirmed
	Taken       int               // their places
}

// OpenObjections counts proposed lines with an objection not yet answered.
func (f ListFacts) OpenObjections() int {
	n := 0
	for _, line := range f.List.Lines {
		if state := f.Objections[line.ApplicationID]; line.Choice == "proposed" && (state == "lodged" || state == "accepted") {
			n++
		}
	}
	return n
}

// LinesHash names the lines a conclusion is about.
func (l AwardList) LinesHash() (string, error) { return journal.HashOf(l.Lines) }

// LineRules are on the lines, whenever they change.
func LineRules(p *rulebook.Pack, f ListFacts) []rulebook.Verdict {
	var out []rulebook.Verdict
	sum, places, departures := 0, 0, 0
	for i, line := range f.List.Lines {
		inputs := rulebook.Inputs{"application": line.Number}
		out = append(out, p.Check("R-069", f.Closed[line.ApplicationID], inputs, fmt.Sprintf("“%s”没有已结束的评审结果，不能列入（第二十一条）。", line.Number), "请先结束该项目所在的评审批次。"))
		if line.Choice != "proposed" {
			continue
		}
		sum += line.FiscalFen
		places++
		out = append(out, MayLead(p, "R-025", f.Barred[line.ApplicationID], f.Uncertain[line.ApplicationID], f.Programme)...)
		out = append(out, p.Check("SM-06", !f.Withdrawn[line.ApplicationID], inputs, fmt.Sprintf("“%s”已撤回申报，不能列为拟立项。", line.Number), "请改列不立项。"))
		out = append(out, p.Check("P-41", f.Objections[line.ApplicationID] != "upheld", inputs, fmt.Sprintf("“%s”的异议成立，不能列为拟立项（惯例）。", line.Number), "请改列不立项或备选。"))
		out = append(out, p.Check("P-35", line.Passed, inputs, fmt.Sprintf("“%s”未达合格线，不能列为拟立项（惯例）。", line.Number), "请改列备选或不立项。"))
		for _, other := range f.List.Lines {
			if other.ReviewID == line.ReviewID && other.Choice != "proposed" && other.Passed && other.Rank > 0 && (line.Rank == 0 || other.Rank <= line.Rank) {
				departures++
				out = append(out, p.Check("R-075", f.List.Lines[i].Reason != "", rulebook.Inputs{"chosen": line.Number, "rank": line.Rank, "passed_over": other.Number, "other_rank": other.Rank},
					fmt.Sprintf("“%s”（第%d名）列入而“%s”（第%d名）未列入，请填写理由（第二十一条）。", line.Number, line.Rank, other.Number, other.Rank), "请为列入的一行填写书面理由，或按排名列入。"))
				break
			}
		}
	}
	if departures == 0 {
		out = append(out, p.Pass("R-075", nil))
	}
	sum, places = sum+f.SpentFen, places+f.Taken
	out = append(out, p.Check("R-074", sum <= f.Guide.BudgetFen && (f.Guide.Places == 0 || places <= f.Guide.Places),
		rulebook.Inputs{"sum_fen": sum, "budget_fen": f.Guide.BudgetFen, "lines": places, "places": f.Guide.Places},
		fmt.Sprintf("拟立项财政资金合计%s万元、%d项，年度安排%s万元、%d项，超出安排（第十四条、第二十一条）。", Wan(sum), places, Wan(f.Guide.BudgetFen), f.Guide.Places),
		"请减少拟立项项目，或先调整年度安排。"))
	return out
}

// ConclusionRules are: who must have agreed.
// With deliberation the bureau's own is demanded too.
func ConclusionRules(p *rulebook.Pack, f ListFacts, deliberated bool) []rulebook.Verdict {
	lines, err := f.List.LinesHash()
	if err != nil {
		return []rulebook.Verdict{p.Unknown("R-072", nil, "清单内容无法核对（第二十一条）。", "请联系系统管理员。")}
	}
	agreed := func(kind, unit string) bool {
		last := false
		for _, c := range f.Conclusions {
			if c.Kind == kind && (unit == "" || c.UnitID == unit) && c.Lines == lines { // a word on other lines is none on these
				last = c.Agreed
			}
		}
		return last
	}
	var lacking []string
	anyWithoutJoint := false
	for _, line := range f.List.Lines {
		if line.Choice != "proposed" {
			continue
		}
		units := f.JointUnits[line.ApplicationID]
		anyWithoutJoint = anyWithoutJoint || len(units) == 0
		for _, unit := range units {
			if !agreed("joint_unit", unit) && !slices.Contains(lacking, "联合实施单位") {
				lacking = append(lacking, "联合实施单位")
			}
		}
	}
	var out []rulebook.Verdict
	conference := f.Programme.Kind == Major || (p.ConferenceForKey && anyWithoutJoint)
	if f.Programme.Kind == Major {
		out = append(out, p.Check("R-016", agreed("conference", ""), nil, "重大专项拟立项清单须由部门联席会议提出建议（第六条、第二十一条）。", "请录入部门联席会议的结论。"))
	}
	if conference && !agreed("conference", "") {
		lacking = append(lacking, "部门联席会议")
	}
	text := ""
	for i, l := range lacking {
		if i > 0 {
			text += "、"
		}
		text += l
	}
	out = append(out,
		p.Check("R-070", len(lacking) == 0, rulebook.Inputs{"lacking": len(lacking)}, "缺少"+text+"意见（第二十一条）。", "请由其账号登录填写，或由经办凭文件补录。"),
		p.Check("R-071", agreed("finance", ""), nil, "年度资金拨付方案未商区财政局确定（第二十一条）。", "请由区财政局登录会签，或由经办凭文件补录。"))
	if deliberated {
		out = append(out, p.Check("R-072", agreed("deliberation", ""), nil, "清单未经区科技局审议通过（第二十一条）。", "请录入审议会议的日期、文号和结论。"))
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
				cost += lines[j].FiscalFen
			}
		}
		if sum+cost > budgetFen || (places > 0 && n+len(tied) > places) {
			stopped[lines[i].ReviewID] = true
			continue
		}
		for _, j := range tied {
			lines[j].Choice = "proposed"
		}
		sum, n = sum+cost, n+len(tied)
	}
}
