package reviewing

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"keping/rbac"
	"keping/rbac/calendar"
	"keping/rbac/rulebook"
)

// ApplicationState is where an application stands in SM-06.
type ApplicationState string

// The states of SM-06; the comment says who acts next.
const (
	AppDraft      ApplicationState = "draft"       // leader or lead unit submits
	AppUnitReview ApplicationState = "unit_review" // 单位审核: lead unit endorses or sends back what its leader submitted
	AppSubmitted  ApplicationState = "submitted"   // officer screens
	AppCorrection ApplicationState = "correction"  // lead unit corrects once and submits again
	AppAccepted   ApplicationState = "accepted"    // officer puts it into a review
	AppRefused    ApplicationState = "refused"
	AppInReview   ApplicationState = "in_review" // panel
	AppReviewed   ApplicationState = "reviewed"  // award list
	AppProposed   ApplicationState = "proposed"  // 拟立项
	AppReserve    ApplicationState = "reserve"   // 备选
	AppDeclined   ApplicationState = "declined"  // 不立项
	AppAwarded    ApplicationState = "awarded"   // 立项
	AppWithdrawn  ApplicationState = "withdrawn"
)

// ApplicationMoves is SM-06 as a table: from state, by act, to state.
var ApplicationMoves = map[ApplicationState]map[string]ApplicationState{
	AppDraft:      {"submit": AppSubmitted, "hand_in": AppUnitReview, "withdraw": AppWithdrawn},
	AppUnitReview: {"endorse": AppSubmitted, "send_back": AppDraft, "send_back_correction": AppCorrection, "refuse": AppRefused, "withdraw": AppWithdrawn}, // refused only when a correction is overdue
	AppSubmitted:  {"accept": AppAccepted, "correct": AppCorrection, "refuse": AppRefused, "withdraw": AppWithdrawn},
	AppCorrection: {"submit": AppSubmitted, "hand_in": AppUnitReview, "refuse": AppRefused, "withdraw": AppWithdrawn},
	AppAccepted:   {"review": AppInReview, "withdraw": AppWithdrawn},
	AppInReview:   {"close": AppReviewed, "void": AppAccepted, "withdraw": AppWithdrawn},
	AppReviewed:   {"propose": AppProposed, "reserve": AppReserve, "decline": AppDeclined, "withdraw": AppWithdrawn},
	AppProposed:   {"award": AppAwarded, "reserve": AppReserve, "decline": AppDeclined, "withdraw": AppWithdrawn},
	AppReserve:    {"propose": AppProposed, "decline": AppDeclined, "withdraw": AppWithdrawn},
	AppDeclined:   {"propose": AppProposed, "reserve": AppReserve, "withdraw": AppWithdrawn},
	AppRefused:    {}, AppAwarded: {}, AppWithdrawn: {},
}

// Live tells states in which a leader counts as applying.
func (s ApplicationState) Live() bool {
	switch s {
	case AppDraft, AppRefused, AppWithdrawn, AppDeclined:
		return false
	}
	return true
}

// Named is a person the applicant asks to keep away, with a reason: by name,
// for applicants do not see who is in the pool.
type Named struct {
	Name   string `json:"name" minLength:"2" maxLength:"50" example:"张三"`
	Unit   string `json:"unit,omitempty" maxLength:"100" doc:"所在单位名称；不填则同名者均提请核实"`
	Reason string `json:"reason" minLength:"5" maxLength:"500" doc:"请求回避的理由"`
}

// Material is one file handed in for a material the guide or art. 19 names.
type Material struct {
	Code   string `json:"code" pattern:"^[a-z0-9_]{1,30}$" doc:"指南列出的材料代码；联合项目另有 recommendation 推荐函、agreement 合作协议、commitment 资金承诺书" example:"proposal"`
	FileID string `json:"file_id" maxLength:"36"`
}

// Answer is what the applicant says to one condition of the guide.
type Answer struct {
	Code string `json:"code" maxLength:"30" example:"located"`
	Met  bool   `json:"met" doc:"是否满足"`
	Text string `json:"text,omitempty" maxLength:"1000" doc:"说明"`
}

// Screening is one conclusion of the formal check, with its list of reasons.
type Screening struct {
	Verdict string    `json:"verdict" doc:"accept 通过，correct 补正，refuse 不通过"`
	Reason  string    `json:"reason"`
	Reasons []Finding `json:"reasons"`
	At      time.Time `json:"at"`
	By      string    `json:"-"` // user
}

// Finding is what the screening found on one condition, material or field.
type Finding struct {
	Code string `json:"code" maxLength:"30" doc:"申报条件或材料的代码" example:"located"`
	Met  bool   `json:"met" doc:"是否符合"`
	Text string `json:"text,omitempty" maxLength:"500" doc:"不符合的说明"`
}

// BudgetLine is one line of a 预算申报书.
type BudgetLine struct {
	Name string `json:"name" minLength:"1" maxLength:"50" example:"设备费"`
	Fen  int    `json:"fen" minimum:"0" maximum:"10000000000000" example:"5000000"`
}

// Application is one 申报书.
type Application struct {
	ID            string                `gorm:"primaryKey;size:36" json:"id"`
	Number        string                `gorm:"size:40" json:"number"`
	ProgrammeID   string                `gorm:"size:36" json:"programme_id"`
	GuideID       string                `gorm:"size:36" json:"guide_id"`
	ItemCode      string                `gorm:"size:20" json:"item"`
	Title         string                `gorm:"size:200" json:"title"`
	LeadUnitID    string                `gorm:"size:36" json:"lead_unit_id"`
	LeaderID      string                `gorm:"size:36" json:"leader_id"` // person
	LeaderName    string                `gorm:"size:100" json:"leader_name"`
	Joint         bool                  `json:"joint"`
	FiscalFen     int                   `json:"fiscal_fen"`
	JointFen      int                   `json:"joint_fen"`
	SelfFen       int                   `json:"self_fen"`
	Months        int                   `json:"months"`
	Summary       string                `gorm:"type:longtext" json:"summary"`
	Avoid         rbac.List[Named]      `json:"avoid"`
	Materials     rbac.List[Material]   `json:"materials"`
	Budget        rbac.List[BudgetLine] `json:"budget"`
	Answers       rbac.List[Answer]     `json:"answers"`
	CommittedFen  int                   `json:"committed_fen"` // as the 资金承诺书 say
	Screenings    rbac.List[Screening]  `json:"screenings"`
	LateUntil     *time.Time            `json:"late_until"` // a director's permission to submit after the window
	LateReason    string                `gorm:"size:500" json:"late_reason"`
	State         ApplicationState      `gorm:"size:20" json:"state"`
	StateReason   string                `gorm:"size:500" json:"state_reason"`
	Corrections   int                   `json:"corrections"`
	CorrectBy     string                `gorm:"size:10" json:"correct_by"` // last day of the correction
	RecommendedAt *time.Time            `json:"recommended_at"`            // by every joint unit
	SubmittedAt   *time.Time            `json:"submitted_at"`
	ReviewID      string                `gorm:"size:36" json:"review_id"`
	CreatedBy     string                `gorm:"size:36" json:"-"`
	Version       int                   `json:"version"`
	CreatedAt     time.Time             `gorm:"autoCreateTime:false" json:"created_at"`
}

// ApplicationPerson is the leader or a member.
type ApplicationPerson struct {
	ApplicationID string `gorm:"primaryKey;size:36" json:"-"`
	PersonID      string `gorm:"primaryKey;size:36" json:"person_id"`
	Name          string `gorm:"size:100" json:"name"`
	Role          string `gorm:"size:10" json:"role"` // leader or member
	UnitID        string `gorm:"size:36" json:"unit_id"`
}

// ApplicationUnit is a partner or joint unit; a joint unit recommends.
type ApplicationUnit struct {
	ApplicationID string     `gorm:"primaryKey;size:36" json:"-"`
	UnitID        string     `gorm:"primaryKey;size:36" json:"unit_id"`
	Role          string     `gorm:"primaryKey;size:10" json:"role"` // partner or joint
	RecommendedAt *time.Time `json:"recommended_at"`
}

// Submission are the facts a submission is judged by.
type Submission struct {
	Application Application
	Programme   Programme
	Guide       Guide
	Leaders     int // people entered as leader
	JointUnits  []rbac.Unit
	Recommended int // joint units that have recommended
	Member      bool
	Uncertain   []Namesakes
	SameLeader  int                  // other live applications of this leader in the programme year
	Examined    []rbac.Examined      // leader and lead unit, with integrity records in force
	Files       map[string]rbac.File // by id: the files of the materials
	Now         time.Time
}

// SubmissionRules are all rules on submitting; screening runs them again but
// for the window.
func SubmissionRules(p *rulebook.Pack, s Submission) []rulebook.Verdict {
	a := s.Application
	item, known := s.Guide.Item(a.ItemCode)
	in := func(pairs ...any) rulebook.Inputs {
		inputs := rulebook.Inputs{}
		for i := 0; i < len(pairs); i += 2 {
			inputs[pairs[i].(string)] = pairs[i+1]
		}
		return inputs
	}
	out := []rulebook.Verdict{
		p.Check("R-004", known && item.Kind == s.Programme.Kind, in("item", a.ItemCode), "申报的指南项目与专项类别不符（第四条）。", "请改选本专项指南中的项目。"),
		p.Check("R-012", a.LeadUnitID != "" && s.Leaders == 1, in("leaders", s.Leaders), "须明确唯一的牵头单位与项目负责人（第五条责任主体）。", "请填写一个牵头单位和一名项目负责人。"),
	}
	out = append(out, FiscalAmount(p, s.Programme.Kind, a.FiscalFen)...)
	out = append(out, rbac.Integrity(p, s.Examined...))
	out = append(out, MayLead(p, "R-023", s.Member, s.Uncertain, s.Programme)...)
	out = append(out, p.Check("R-062", a.FiscalFen <= item.FiscalFen, in("fiscal_fen", a.FiscalFen, "guide_fen", item.FiscalFen),
		fmt.Sprintf("申请额%s万元超出指南额度%s万元（第十九条）。", Wan(a.FiscalFen), Wan(item.FiscalFen)), "请把申请的财政资助额降到指南额度以内。"))
	if a.JointFen > 0 {
		out = append(out, p.Check("R-062", a.CommittedFen >= a.JointFen, in("committed_fen", a.CommittedFen, "joint_fen", a.JointFen),
			fmt.Sprintf("资金承诺书载明%s万元，少于拟联合投入的%s万元（第十九条）。", Wan(a.CommittedFen), Wan(a.JointFen)), "请补充资金承诺书并如实填写承诺金额，或调低联合投入。"))
	}
	out = append(out, materialRules(p, s)...)
	out = append(out, conditionRule(p, s))
	out = append(out, p.Check("P-45", s.SameLeader < p.ApplicationsPerLeader, in("others", s.SameLeader, "limit", p.ApplicationsPerLeader),
		fmt.Sprintf("同一负责人本年度已有%d项在申，限%d项（惯例）。", s.SameLeader, p.ApplicationsPerLeader), "请撤回其中一项，或更换项目负责人。"))
	if a.Joint || item.Joint {
		proper := len(s.JointUnits) > 0
		for _, u := range s.JointUnits {
			proper = proper && u.Joint
		}
		out = append(out, p.Check("R-010", proper, in("joint_units", len(s.JointUnits)), "联合实施单位类型或条件证明缺失（第五条）。", "请登记联合实施单位，并由科技局确认其类型和条件证明。"),
			p.Check("R-013", s.Recommended == len(s.JointUnits) && len(s.JointUnits) > 0, in("recommended", s.Recommended, "joint_units", len(s.JointUnits)),
				"联合项目须由联合实施单位申报推荐（第五条、第十九条）。", "请联系联合实施单位登录系统推荐。"))
	}
	if s.Programme.Kind == Major {
		sum := 0
		for _, line := range a.Budget {
			sum = AddFen(sum, line.Fen)
		}
		total := a.FiscalFen + a.JointFen + a.SelfFen
		out = append(out, p.Check("R-060", len(a.Budget) > 0 && sum == total, in("budget_fen", sum, "request_fen", total),
			fmt.Sprintf("重大项目须填报预算申报书且与总额一致（第十九条）：预算合计%s万元，申请合计%s万元。", Wan(sum), Wan(total)), "请核对预算各行与财政、联合、自筹三项合计。"))
	} else {
		out = append(out, p.NotApplicable("R-060", nil))
	}
	return out
}

// materialRules are R-058 for what the guide asks for and R-059 for what art.
// 19 asks of a joint application; a file of another type or too large is not
// the material asked for.
func materialRules(p *rulebook.Pack, s Submission) []rulebook.Verdict {
	var missing, wrong []string
	for _, rule := range s.Guide.Materials {
		given := 0
		for _, m := range s.Application.Materials {
			if m.Code != rule.Code {
				continue
			}
			given++
			f := s.Files[m.FileID]
			if len(rule.Types) > 0 && !slices.ContainsFunc(rule.Types, func(t string) bool { return FileKinds[t] == f.Kind }) {
				wrong = append(wrong, fmt.Sprintf("%s“%s”应为%s", rule.Name, f.Name, strings.Join(rule.Types, "、")))
			}
			if rule.MaxBytes > 0 && f.Size > int64(rule.MaxBytes) {
				wrong = append(wrong, fmt.Sprintf("%s“%s”超过%d字节", rule.Name, f.Name, rule.MaxBytes))
			}
		}
		if rule.Required && given == 0 {
			missing = append(missing, rule.Name)
		}
	}
	out := []rulebook.Verdict{p.Check("R-058", len(missing)+len(wrong) == 0, rulebook.Inputs{"missing": missing, "wrong": wrong},
		"缺少指南要求的材料或材料不合要求（第十九条）："+strings.Join(append(missing, wrong...), "；")+"。", "请按指南的材料清单上传。")}
	if !s.Application.Joint {
		return append(out, p.NotApplicable("R-059", nil))
	}
	var lacking []string
	for _, code := range []string{"recommendation", "agreement", "commitment"} {
		if !slices.ContainsFunc(s.Application.Materials, func(m Material) bool { return m.Code == code }) {
			lacking = append(lacking, JointMaterials[code])
		}
	}
	return append(out, p.Check("R-059", len(lacking) == 0, rulebook.Inputs{"missing": lacking},
		"联合实施项目缺少："+strings.Join(lacking, "、")+"（第十九条）。", "请上传推荐函、合作协议和资金承诺书。"))
}

// conditionRule is R-061: every condition of the guide is answered, and met.
func conditionRule(p *rulebook.Pack, s Submission) rulebook.Verdict {
	var unmet []string
	for _, c := range s.Guide.Conditions {
		if !slices.ContainsFunc(s.Application.Answers, func(a Answer) bool { return a.Code == c.Code && a.Met }) {
			unmet = append(unmet, c.Text)
		}
	}
	return p.Check("R-061", len(unmet) == 0, rulebook.Inputs{"unmet": unmet},
		"不满足或尚未答复的申报条件（第十六条、第十九条）："+strings.Join(unmet, "；")+"。", "请逐条答复；不满足条件的不能申报。")
}

// ScreeningRule is R-061 from the officer's side: each condition was checked and holds.
func ScreeningRule(p *rulebook.Pack, g Guide, findings []Finding) rulebook.Verdict {
	var open []string
	for _, c := range g.Conditions {
		if !slices.ContainsFunc(findings, func(f Finding) bool { return f.Code == c.Code && f.Met }) {
			open = append(open, c.Text)
		}
	}
	for _, f := range findings {
		if !f.Met && !slices.ContainsFunc(g.Conditions, func(c Condition) bool { return c.Code == f.Code }) {
			open = append(open, f.Code)
		}
	}
	return p.Check("R-061", len(open) == 0, rulebook.Inputs{"open": open},
		"形式审查尚未逐条核对或有不符合的申报条件（第十六条、第十九条）："+strings.Join(open, "；")+"。", "请逐条核对；不符合的，作补正或不通过处理。")
}

// WindowRule is R-057: published and open by the server's clock, or inside the
// time a director has permitted for this application.
func WindowRule(p *rulebook.Pack, g Guide, late *time.Time, now time.Time) rulebook.Verdict {
	inputs := rulebook.Inputs{"opens_at": g.OpensAt.UTC().Format(time.RFC3339), "closes_at": g.ClosesAt.UTC().Format(time.RFC3339), "now": now.UTC().Format(time.RFC3339)}
	if late != nil {
		inputs["late_until"] = late.UTC().Format(time.RFC3339)
	}
	switch {
	case g.State != GuidePublished:
		return p.Fail("R-057", inputs, "指南尚未发布，不能申报（第十九条）。", "请等待指南发布。")
	case now.Before(g.OpensAt):
		return p.Fail("R-057", inputs, "申报尚未开始（第十九条）。", "请在指南规定的受理时间内提交。")
	case !now.Before(g.ClosesAt) && (late == nil || !now.Before(*late)):
		return p.Fail("R-057", inputs, "申报已于"+calendar.Stamp(g.ClosesAt)+"截止（第十九条）。", "确有正当理由的，请报科技局领导批准延期提交；或留意下一批指南。")
	}
	return p.Pass("R-057", inputs)
}

// Duplicated tells why another application may be the same work, or "".
func Duplicated(a, b Application) string {
	if b.State == AppWithdrawn || b.State == AppRefused {
		return ""
	}
	if a.LeaderID != "" && a.LeaderID == b.LeaderID {
		return "同一项目负责人"
	}
	left, right := bigrams(a.Title), bigrams(b.Title)
	shared := 0
	for pair := range left {
		if right[pair] {
			shared++
		}
	}
	switch all := len(left) + len(right) - shared; {
	case all == 0:
		return ""
	case shared == all:
		return "题名相同"
	case shared*3 >= all*2:
		return "题名相近"
	}
	return ""
}

// bigrams are the pairs of neighbouring letters of a title, width, case and
// punctuation left out.
func bigrams(title string) map[string]bool {
	var letters []rune
	for _, r := range norm.NFKC.String(title) {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			letters = append(letters, unicode.ToLower(r))
		}
	}
	out := map[string]bool{}
	for i := 1; i < len(letters); i++ {
		out[string(letters[i-1:i+1])] = true
	}
	return out
}
