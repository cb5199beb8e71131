// Package reviewing holds the nouns of a review from programme to award list,
// their life cycles and their rules. It is pure: rules get facts, the pack and
// the instant, and return verdicts; reviewing/store loads the facts.
package reviewing

import (
	"fmt"
	"strings"
	"time"

	"keping/rbac"
	"keping/rbac/rulebook"
)

// ProgrammeKind is 重大 or 重点.
type ProgrammeKind string

// The kinds.
const (
	Major ProgrammeKind = "major"
	Key   ProgrammeKind = "key"
)

// Name in Chinese.
func (k ProgrammeKind) Name() string {
	if k == Major {
		return "重大"
	}
	return "重点"
}

// Programme is one special programme (专项) of one year.
type Programme struct {
	ID        string        `gorm:"primaryKey;size:36" json:"id"`
	Code      string        `gorm:"size:40" json:"code" example:"2025-ZD-01"`
	Kind      ProgrammeKind `gorm:"size:10" json:"kind"`
	Year      int           `json:"year"`
	Name      string        `gorm:"size:200" json:"name"`
	Basis     string        `gorm:"size:200" json:"basis"` // document of 区委区政府
	Version   int           `json:"version"`
	CreatedAt time.Time     `gorm:"autoCreateTime:false" json:"created_at"`
}

// GroupState is where a group stands in SM-08.
type GroupState string

// The states of SM-08.
const (
	GroupForming   GroupState = "forming" // the officer recommends; the director approves next
	GroupInTerm    GroupState = "in_term" // 在任
	GroupDissolved GroupState = "dissolved"
)

// Group is the advisory or technical group of a programme year.
type Group struct {
	ID          string     `gorm:"primaryKey;size:36" json:"id"`
	ProgrammeID string     `gorm:"size:36" json:"programme_id"`
	Kind        string     `gorm:"size:20" json:"kind"` // advisory or technical
	State       GroupState `gorm:"size:20" json:"state"`
	Version     int        `json:"version"`
}

// GroupMoves is SM-08 as a table. Who is recommended to a group in term joins
// it by a further approval.
var GroupMoves = map[GroupState]map[string]GroupState{
	GroupForming:   {"recommend": GroupForming, "approve": GroupInTerm, "dissolve": GroupDissolved},
	GroupInTerm:    {"recommend": GroupInTerm, "approve": GroupInTerm, "dissolve": GroupDissolved},
	GroupDissolved: {},
}

// MemberState is where a membership stands.
type MemberState string

// The states of a membership. It is dated and never overwritten.
const (
	Recommended MemberState = "recommended"
	InTerm      MemberState = "in_term"
	Ended       MemberState = "ended"
)

// Membership is one person's dated membership of a group.
type Membership struct {
	ID          string            `gorm:"primaryKey;size:36" json:"id"`
	GroupID     string            `gorm:"size:36" json:"group_id"`
	ExpertID    string            `gorm:"size:36" json:"expert_id"`
	PersonID    string            `gorm:"size:36" json:"person_id"`
	Departments rbac.List[string] `json:"departments"` // recommending 区级行业主管部门 (unit ids)
	Document    string            `gorm:"size:100" json:"document"`
	State       MemberState       `gorm:"size:20" json:"state"`
	FromDay     string            `gorm:"size:10" json:"from"`
	ToDay       string            `gorm:"size:10" json:"to"`
	Reason      string            `gorm:"size:200" json:"reason"`
}

// MayLead is R-023 seen from the applicant and from the
// other sides: a member of the programme year's technical group, at any time of
// the year, does not lead. uncertain are people whose names alone may make them
// one person with that member.
func MayLead(p *rulebook.Pack, rule string, member bool, uncertain []Namesakes, programme Programme) []rulebook.Verdict {
	inputs := rulebook.Inputs{"programme": programme.Code, "member": member}
	messages := map[string][2]string{
		"R-023": {"项目负责人于本年度担任（或曾任）本专项技术专家组成员，不得牵头承担相应项目（第七条）。", "请更换项目负责人。"},
		"R-024": {"该专家正在牵头申报或承担本专项项目，不能进入相应技术专家组（第七条）。", "请另荐人员；该项目撤回申报后方可入组。"},
		"R-025": {"项目负责人已是（或曾是）本专项技术专家组成员，项目不得继续立项（第七条）。", "请将该项目移出清单，或由申报单位更换项目负责人后重新申报。"},
		"R-068": {"该专家牵头申报本专项项目，不得参加本专项评审（第七条）。", "请另选专家。"},
	}
	out := []rulebook.Verdict{p.Check(rule, !member, inputs, messages[rule][0], messages[rule][1])}
	if !member {
		out = append(out, Identified(p, uncertain))
	}
	return out
}

// Namesakes are a project's leader and a group member whose names, unit or birth
// year may make them one person while no document tells.
type Namesakes struct {
	LeaderID string `json:"leader_id"`
	ExpertID string `json:"expert_id"`
	Leader   string `json:"leader"` // as the application has it
	Member   string `json:"member"` // as the pool has it
	Why      string `json:"why"`
}

// Identified is R-026: who may be the same person is confirmed or denied first.
func Identified(p *rulebook.Pack, uncertain []Namesakes) rulebook.Verdict {
	inputs := rulebook.Inputs{"uncertain": len(uncertain)}
	if len(uncertain) == 0 {
		return p.Pass("R-026", inputs)
	}
	inputs["namesakes"] = uncertain
	both := ""
	for _, n := range uncertain {
		both += fmt.Sprintf("负责人“%s”与专家“%s”（%s）；", n.Leader, n.Member, n.Why)
	}
	return p.Unknown("R-026", inputs, fmt.Sprintf("有%d人与其姓名相同或相近且单位或出生年份相同、但没有共同证件，无法确认是否同一人（第七条）：%s", len(uncertain), strings.TrimSuffix(both, "；")+"。"),
		"请经办人员核实身份（确认为同一人或不同人，并说明理由）后继续。")
}

// FiscalAmount is: only the fiscal part is compared,
// both ends included; self-funded projects are not concerned.
func FiscalAmount(p *rulebook.Pack, kind ProgrammeKind, fen int) []rulebook.Verdict {
	inputs := rulebook.Inputs{"fiscal_fen": fen, "kind": string(kind)}
	known := p.Check("R-007", kind == Major || kind == Key, inputs, "请先选择项目类别：金额10万元两类均可（第四条）。", "请选择重大或重点。")
	if known.Verdict == rulebook.OutcomeFail {
		return []rulebook.Verdict{known}
	}
	rule, low, high := "R-005", p.MajorFiscalMinFen, p.MajorFiscalMaxFen
	if kind == Key {
		rule, low, high = "R-006", p.KeyFiscalMinFen, p.KeyFiscalMaxFen
	}
	if fen == 0 {
		return []rulebook.Verdict{known, p.NotApplicable(rule, inputs)}
	}
	inputs = rulebook.Inputs{"fiscal_fen": fen, "min_fen": low, "max_fen": high}
	return []rulebook.Verdict{known, p.Check(rule, low <= fen && fen <= high, inputs,
		fmt.Sprintf("%s项目财政资助为%s—%s万元，现为%s万元（第四条）。", kind.Name(), Wan(low), Wan(high), Wan(fen)),
		fmt.Sprintf("请把财政资助额改为%s—%s万元。", Wan(low), Wan(high)))}
}

// TableName keeps clear of the reserved word.
func (Group) TableName() string { return "review_groups" }
