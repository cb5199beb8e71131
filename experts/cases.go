package experts

import (
	"time"

	"keping/rbac/rulebook"
	"keping/rbac/secret"
)

// CaseState is where an appeal or an objection to a nomination stands.
type CaseState string

// The states of a case.
const (
	CaseOpen     CaseState = "open"     // who is competent decides next
	CaseAccepted CaseState = "accepted" // 成立
	CaseRejected CaseState = "rejected" // 不成立
)

// CaseMoves is the life of a case: decided once.
var CaseMoves = map[CaseState]map[string]CaseState{
	CaseOpen:     {"accept": CaseAccepted, "reject": CaseRejected},
	CaseAccepted: {}, CaseRejected: {},
}

// Nomination makes proposed experts or a group's recommended members public
// (P-06) for some days before they are admitted or approved.
type Nomination struct {
	ID        string    `gorm:"primaryKey;size:36" json:"id"`
	Object    string    `gorm:"size:60" json:"object"` // ToPool or group/<id>
	FromDay   string    `gorm:"size:10" json:"from"`
	ToDay     string    `gorm:"size:10" json:"to"`
	CreatedBy string    `gorm:"size:36" json:"-"`
	CreatedAt time.Time `gorm:"autoCreateTime:false" json:"created_at"`
}

// ToPool is the object of a nomination to the pool.
const ToPool = "pool"

// Nominee is one expert of a nomination.
type Nominee struct {
	NominationID string `gorm:"primaryKey;size:36" json:"nomination_id"`
	ExpertID     string `gorm:"primaryKey;size:36" json:"expert_id"`
}

// NominationObjection is an objection to a nominee; the words and their author
// are sealed at "nomination_objection/<id>/…".
type NominationObjection struct {
	ID           string        `gorm:"primaryKey;size:36" json:"id"`
	NominationID string        `gorm:"size:36" json:"nomination_id"`
	ExpertID     string        `gorm:"size:36" json:"expert_id"`
	Object       string        `gorm:"size:60" json:"object"`
	Name         secret.Sealed `json:"-"`
	Contact      secret.Sealed `json:"-"`
	Text         secret.Sealed `json:"-"`
	Answer       secret.Sealed `json:"-"`
	Salt         string        `gorm:"size:64" json:"-"`
	State        CaseState     `gorm:"size:20" json:"state"`
	DecidedBy    string        `gorm:"size:36" json:"-"`
	DecidedAt    *time.Time    `json:"decided_at"`
	CreatedAt    time.Time     `gorm:"autoCreateTime:false" json:"created_at"`
}

// Publicity is what is known of one nominee's publicity.
type Publicity struct {
	To           string // last day, "" was never public
	Open, Upheld int    // objections
}

// Publicised is P-06: whose days are over and whom nothing stands against.
func Publicised(p *rulebook.Pack, e Expert, known Publicity, today string) rulebook.Verdict {
	inputs := rulebook.Inputs{"expert": e.ID, "public_to": known.To, "open": known.Open, "upheld": known.Upheld, "days": p.MemberPublicityDays}
	switch {
	case p.MemberPublicityDays == 0:
		return p.NotApplicable("P-06", inputs)
	case known.To == "":
		return p.Fail("P-06", inputs, "“"+e.Name+"”尚未公示，新成员须先公示（惯例）。", "请先公示，期满后再办理。")
	case today <= known.To:
		return p.Fail("P-06", inputs, "“"+e.Name+"”的公示至"+known.To+"24时，尚未期满（惯例）。", "请待公示期满后再办理。")
	case known.Upheld > 0:
		return p.Fail("P-06", inputs, "对“"+e.Name+"”的异议成立（惯例）。", "请不予入库或入组，另选人员。")
	}
	return p.Check("P-06", known.Open == 0, inputs, "对“"+e.Name+"”尚有异议未办结（惯例）。", "请先核实并答复异议。")
}

// Approach is a report of somebody who asked for favour (请托, P-21). What is
// reported is sealed at "approach/<id>/report": it is the supervisor's alone.
type Approach struct {
	ID         string        `gorm:"primaryKey;size:36" json:"id"`
	ReporterID string        `gorm:"size:36" json:"-"`
	Report     secret.Sealed `json:"-"`
	Salt       string        `gorm:"size:64" json:"-"`
	State      ApproachState `gorm:"size:20" json:"state"`
	Outcome    string        `gorm:"size:20" json:"outcome"`
	Finding    secret.Sealed `json:"-"` // sealed at "approach/<id>/finding"
	HandledBy  string        `gorm:"size:36" json:"-"`
	HandledAt  *time.Time    `json:"handled_at"`
	CreatedAt  time.Time     `gorm:"autoCreateTime:false" json:"created_at"`
}

// ApproachState is where a report stands.
type ApproachState string

// The states of a report.
const (
	ApproachReceived ApproachState = "received" // the supervisor handles it next
	ApproachHandled  ApproachState = "handled"
)

// ApproachMoves is the life of a report.
var ApproachMoves = map[ApproachState]map[string]ApproachState{
	ApproachReceived: {"handle": ApproachHandled}, ApproachHandled: {},
}

// ApproachKinds are the five of the 2020 rules of the ministry (国科发监〔2020〕360号).
var ApproachKinds = map[string]string{
	"inquire": "探听未公布的评审专家、评审结果等评审信息",
	"lobby":   "为获得有利的评审结果游说、说情",
	"favour":  "投感情票、单位票、利益票，搞人情评审",
	"assist":  "为他人的请托提供帮助或便利",
	"disturb": "以打招呼、走关系或其他方式干扰评审",
}

// ApproachOutcomes are what may come of a report.
var ApproachOutcomes = map[string]string{"unfounded": "不属实", "warned": "提醒警示", "ban": "建议禁用", "referred": "移送有关部门"}

// Appeal is an expert's word against a suspension or a ban.
type Appeal struct {
	ID        string        `gorm:"primaryKey;size:36" json:"id"`
	ExpertID  string        `gorm:"size:36" json:"expert_id"`
	Against   State         `gorm:"size:20" json:"against"`
	Text      secret.Sealed `json:"-"` // sealed at "appeal/<id>/text"
	Answer    secret.Sealed `json:"-"` // sealed at "appeal/<id>/answer"
	Salt      string        `gorm:"size:64" json:"-"`
	State     CaseState     `gorm:"size:20" json:"state"`
	DecidedBy string        `gorm:"size:36" json:"-"`
	DecidedAt *time.Time    `json:"decided_at"`
	CreatedAt time.Time     `gorm:"autoCreateTime:false" json:"created_at"`
}
