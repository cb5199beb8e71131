package experts

import (
	"time"

	"keping/rbac"
	"keping/rbac/rulebook"
	"keping/rbac/secret"
)

// ConductItem is one thing an expert's conduct is rated by.
type ConductItem struct {
	Code string `json:"code"`
	Name string `json:"name"`
}

// ConductItems are those of P-25, in the order of the form.
var ConductItems = []ConductItem{
	{"punctual", "按时到会、按时提交"}, {"attendance", "全程参加、不擅自离场"}, {"serious", "认真审阅材料"}, {"fair", "独立公正、不带倾向"},
	{"recusal", "如实声明、主动回避"}, {"confidential", "遵守保密要求"}, {"phone", "按规定上交通讯工具"}, {"no_contact", "不与申报方私下接触"},
	{"own_hand", "本人评审、不由他人代评"}, {"criteria", "按指标和分档打分"}, {"accurate", "计分无误"}, {"opinion", "意见具体、理由充分"},
	{"skill", "熟悉领域、判断准确"}, {"discipline", "遵守会场纪律、配合组长"}, {"signature", "按时签字、手续齐全"},
}

// Raters are who rates: the officer owes it, chair and supervisor may.
const (
	RatedByOfficer    = "officer"
	RatedByChair      = "chair"
	RatedBySupervisor = "supervisor"
)

// ConductMark is the mark of one item, 5 the best.
type ConductMark struct {
	Item string `json:"item" maxLength:"20" example:"punctual"`
	Mark int    `json:"mark" minimum:"1" maximum:"5"`
}

// Conduct is one rater's word on one expert's part in one review, and what the
// expert replies. It never enters a draw.
type Conduct struct {
	ID        string                 `gorm:"primaryKey;size:36" json:"id"`
	ReviewID  string                 `gorm:"size:36" json:"review_id"`
	SeatID    string                 `gorm:"size:36" json:"seat_id"`
	ExpertID  string                 `gorm:"size:36" json:"-"`
	PersonID  string                 `gorm:"size:36" json:"-"`
	Role      string                 `gorm:"size:20" json:"role"`
	RatedBy   string                 `gorm:"size:36" json:"-"`
	Marks     rbac.List[ConductMark] `json:"marks"`
	Low       bool                   `json:"low" doc:"有低于规定线的项"`
	Remarks   secret.Sealed          `json:"-"` // sealed at "conduct/<id>/remarks"
	Salt      string                 `gorm:"size:64" json:"-"`
	Reply     secret.Sealed          `json:"-"` // sealed at "conduct/<id>/reply"
	RepliedAt *time.Time             `json:"replied_at"`
	CreatedAt time.Time              `gorm:"autoCreateTime:false" json:"created_at"`
}

// Rate checks that every item is marked once, and tells whether one is low.
func Rate(p *rulebook.Pack, marks []ConductMark) (low bool, err error) {
	var bad rbac.Fields
	seen := map[string]int{}
	for _, m := range marks {
		seen[m.Item]++
		low = low || m.Mark <= p.ConductLow
	}
	for _, item := range ConductItems {
		bad.Check(seen[item.Code] == 1, "marks", "“%s”（%s）须评一次，1至5分", item.Name, item.Code)
		delete(seen, item.Code)
	}
	for code := range seen {
		bad.Check(false, "marks", "没有“%s”这一项", code)
	}
	return low, bad.Refusal()
}
