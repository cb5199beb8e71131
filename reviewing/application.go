package reviewing

import (
	"fmt"
	"time"

	"keping/rbac"
	"keping/rbac/rulebook"
)

// ApplicationState is where an application stands in SM-06.
type ApplicationState string

// The states of SM-06; the comment says who acts next.
const (
	AppDraft      ApplicationState = "draft"      // lead unit or leader submits
	AppSubmitted  ApplicationState = "submitted"  // officer screens
	AppCorrection ApplicationState = "correction" // lead unit corrects once and submits again
	AppAccepted   ApplicationState = "accepted"   // officer puts it into a review
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
	AppDraft:      {"submit": AppSubmitted, "withdraw": AppWithdrawn},
	AppSubmitted:  {"accept": AppAccepted, "correct": AppCorrection, "refuse": AppRefused, "withdraw": AppWithdrawn},
	AppCorrection: {"submit": AppSubmitted, "refuse": AppRefused, "withdraw": AppWithdrawn},
	AppAccepted:   {"review": AppInReview, "withdraw": AppWithdrawn},
	AppInReview:   {"close": AppReviewed, "withdraw": AppWithdrawn},
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
	Code   string `json:"code" enum:"proposal,budget,recommendation,agreement,commitment,other" doc:"申报书、预算申报书、推荐函、合作协议、资金承诺书、其他"`
	FileID string `json:"file_id" maxLength:"36"`
}

// BudgetLine is one line of a 预算申报书.
type BudgetLine struct {
	Name string `json:"name" minLength:"1" maxLength:"50" example:"设备费"`
	Fen  int    `json:"fen" minimum:"0" example:"5000000"`
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
	Uncertain   int
	SameLeader  int // other live applications of this leader in the programme year
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
	out = append(out, MayLead(p, "R-023", s.Member, s.Uncertain, s.Programme)...)
	out = append(out, p.Check("R-062", a.FiscalFen <= item.FiscalFen, in("fiscal_fen", a.FiscalFen, "guide_fen", item.FiscalFen),
		fmt.Sprintf("申请额%s万元超出指南额度%s万元（第十九条）。", Wan(a.FiscalFen), Wan(item.FiscalFen)), "请把申请的财政资助额降到指南额度以内。"))
	out = append(out, p.Check("P-45", s.SameLeader < p.ApplicationsPerLeader, in("others", s.SameLeader, "limit", p.ApplicationsPerLeader),
		fmt.Sprintf("同一负责人本年度在本专项已有%d项在申，限%d项（惯例）。", s.SameLeader, p.ApplicationsPerLeader), "请撤回其中一项，或更换项目负责人。"))
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
			sum += line.Fen
		}
		total := a.FiscalFen + a.JointFen + a.SelfFen
		out = append(out, p.Check("R-060", len(a.Budget) > 0 && sum == total, in("budget_fen", sum, "request_fen", total),
			fmt.Sprintf("重大项目须填报预算申报书且与总额一致（第十九条）：预算合计%s万元，申请合计%s万元。", Wan(sum), Wan(total)), "请核对预算各行与财政、联合、自筹三项合计。"))
	} else {
		out = append(out, p.NotApplicable("R-060", nil))
	}
	return out
}

// WindowRule is R-057: published and open by the server's clock.
func WindowRule(p *rulebook.Pack, g Guide, now time.Time) rulebook.Verdict {
	inputs := rulebook.Inputs{"opens_at": g.OpensAt.UTC().Format(time.RFC3339), "closes_at": g.ClosesAt.UTC().Format(time.RFC3339), "now": now.UTC().Format(time.RFC3339)}
	switch {
	case g.State != GuidePublished:
		return p.Fail("R-057", inputs, "指南尚未发布，不能申报（第十九条）。", "请等待指南发布。")
	case now.Before(g.OpensAt):
		return p.Fail("R-057", inputs, "申报尚未开始（第十九条）。", "请在指南规定的受理时间内提交。")
	case !now.Before(g.ClosesAt):
		return p.Fail("R-057", inputs, "申报已于指南规定的时间截止（第十九条）。", "请留意下一批指南；对截止时间有疑问的，请与科技局联系。")
	}
	return p.Pass("R-057", inputs)
}
