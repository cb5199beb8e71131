// Package experts knows the people who review: their records, classes and
// fields, when they are available, and whether they may enter a pool or a
// group. It is pure: rules get facts and the pack, and return verdicts.
package experts

import (
	"fmt"
	"slices"
	"time"

	"keping/rbac"
	"keping/rbac/rulebook"
	"keping/rbac/secret"
)

// Class is what an expert reviews as.
type Class string

// The classes; Joint is the seat of a joint unit's responsible person.
const (
	Technical  Class = "technical"
	Management Class = "management"
	Finance    Class = "finance"
	Joint      Class = "joint"
)

// ClassNames in Chinese.
var ClassNames = map[Class]string{Technical: "同行技术", Management: "管理", Finance: "财务", Joint: "联合实施单位"}

// Pool is which pool an expert belongs to.
type Pool string

// The pools.
const (
	AdvisoryPool  Pool = "advisory"  // 咨询
	TechnicalPool Pool = "technical" // 技术
)

// PoolNames in Chinese.
var PoolNames = map[Pool]string{AdvisoryPool: "咨询", TechnicalPool: "技术"}

// State is where an expert stands in SM-07.
type State string

// The states of SM-07.
const (
	Proposed  State = "proposed"  // 推荐: the pool keeper makes it public, a director admits or refuses next
	Public    State = "public"    // 公示: a director admits when its days are over
	InPool    State = "in_pool"   // 在库
	Suspended State = "suspended" // 暂停: the pool keeper resumes, or its term ends
	Banned    State = "banned"    // 拉黑: its term ends, or a director lifts it
	Left      State = "left"      // 退出
)

// Moves is SM-07 as a table: from state, by act, to state. lapse and expire
// are the system's alone.
var Moves = map[State]map[string]State{
	Proposed:  {"publicise": Public, "admit": InPool, "exit": Left},
	Public:    {"admit": InPool, "exit": Left},
	InPool:    {"suspend": Suspended, "lapse": Suspended, "ban": Banned, "exit": Left},
	Suspended: {"resume": InPool, "expire": InPool, "ban": Banned, "exit": Left},
	Banned:    {"lift": InPool, "expire": InPool, "exit": Left},
	Left:      {},
}

// Discipline is a field of GB/T 13745 with keywords.
type Discipline struct {
	Code     string   `json:"code" pattern:"^[0-9]{3}(\\.[0-9]{2,4})?$" maxLength:"8" doc:"GB/T 13745 学科代码" example:"520.20"`
	Keywords []string `json:"keywords,omitempty" maxItems:"20" doc:"关键词"`
}

// Employment is one dated post; To "" is the present one.
type Employment struct {
	UnitID string `json:"unit_id" maxLength:"36"`
	Post   string `json:"post,omitempty" maxLength:"50"`
	From   string `json:"from" maxLength:"10" example:"2019-07-01"`
	To     string `json:"to,omitempty" maxLength:"10"`
}

// Tie is a declared relation that may be a conflict: to a person or to a unit.
type Tie struct {
	Kind     string `json:"kind" enum:"adviser,kin,economic,cooperation"`
	PersonID string `json:"person_id,omitempty" maxLength:"36"`
	UnitID   string `json:"unit_id,omitempty" maxLength:"36"`
	Last     string `json:"last,omitempty" maxLength:"10" doc:"合作最近日期"`
}

// Standing is one proof of a high-level expert: what it is, in words,
// and the scan that shows it.
type Standing struct {
	Kind   string `json:"kind" enum:"title,award,post" doc:"职称、奖励或职务"`
	Text   string `json:"text" minLength:"2" maxLength:"200" example:"国家科学技术进步奖二等奖（2021年，第一完成人）"`
	FileID string `json:"file_id,omitempty" maxLength:"36" doc:"证明材料"`
}

// StandingNames in Chinese.
var StandingNames = map[string]string{"title": "职称", "award": "奖励", "post": "职务"}

// Span is a period in civil days, both ends included.
type Span struct {
	From string `json:"from" maxLength:"10" example:"2025-05-01"`
	To   string `json:"to" maxLength:"10"`
}

// Expert is one expert record, separate from any login. Phone and bank card
// are sealed at "expert/<id>/phone" and "expert/<id>/card".
type Expert struct {
	ID             string                `gorm:"primaryKey;size:36" json:"id"`
	PersonID       string                `gorm:"size:36" json:"person_id"`
	UserID         string                `gorm:"size:36" json:"-"` // who has one has accepted an invitation, and so has who consents
	Name           string                `gorm:"size:100" json:"name"`
	Gender         string                `gorm:"size:10" json:"gender"`
	BirthYear      int                   `json:"birth_year"`
	Title          string                `gorm:"size:50" json:"title"`
	UnitID         string                `gorm:"size:36" json:"unit_id"`
	InDistrict     bool                  `json:"in_district"`
	Pool           Pool                  `gorm:"size:20" json:"pool"`
	Classes        rbac.List[Class]      `gorm:"type:varchar(100)" json:"classes"`
	MainField      string                `gorm:"size:10" json:"main_field"`
	Fields         rbac.List[Discipline] `json:"fields"`
	Employments    rbac.List[Employment] `json:"employments"`
	Ties           rbac.List[Tie]        `json:"ties"`
	Unavailable    rbac.List[Span]       `json:"unavailable"`
	Evidence       rbac.List[Standing]   `json:"evidence"`
	Mail           string                `gorm:"size:200" json:"mail"`
	Phone          secret.Sealed         `json:"-"`
	BankCard       secret.Sealed         `json:"-"`
	ConsentVersion string                `gorm:"size:20" json:"-"`
	State          State                 `gorm:"size:20" json:"state"`
	StateReason    string                `gorm:"size:200" json:"state_reason"`
	StateCode      string                `gorm:"size:20" json:"state_code"`     // of the reason, "" where somebody wrote it
	StateUntil     string                `gorm:"size:10" json:"state_until"`    // last day of a suspension or ban, "" has no end
	StateFile      string                `gorm:"size:36" json:"state_file"`     // the decision
	ConfirmedDay   string                `gorm:"size:10" json:"confirmed_day"`  // of the last yearly re-check
	TermUntil      string                `gorm:"size:10" json:"term_until"`     // 聘期, "" has no end
	DocumentUntil  string                `gorm:"size:10" json:"document_until"` // expiry of the identity document, "" unknown or none
	Searchable     bool                  `json:"-"`                             // its rows in the search tables are as the record
	Version        int                   `json:"version"`
	CreatedAt      time.Time             `gorm:"autoCreateTime:false" json:"created_at"`
}

// Available tells whether nothing is entered for the civil day.
func (e Expert) Available(day string) bool {
	return !slices.ContainsFunc(e.Unavailable, func(s Span) bool { return s.From <= day && day <= s.To })
}

// Age in completed years is not known from a birth year alone: the later
// birthday is assumed, so nobody is refused too early.
func (e Expert) Age(now time.Time) int { return now.Year() - e.BirthYear - 1 }

// MayEnter are the verdicts on entering the pool (P-02).
func MayEnter(p *rulebook.Pack, e Expert, now time.Time) []rulebook.Verdict {
	limit := ageLimit(p, e)
	inputs := rulebook.Inputs{"expert": e.ID, "birth_year": e.BirthYear, "limit": limit}
	if e.BirthYear == 0 {
		return []rulebook.Verdict{p.Unknown("P-02", inputs, "出生年份未登记，无法核对入库年龄（惯例）。", "请补登出生年份。")}
	}
	return []rulebook.Verdict{p.Check("P-02", e.Age(now) <= limit, inputs,
		fmt.Sprintf("入库年龄一般不超过%d岁，现为%d岁以上（惯例）。", limit, e.Age(now)), "请另选人员，或由科技局领导说明理由后放行。")}
}

// MayJoinGroup are for a recommended member.
func MayJoinGroup(p *rulebook.Pack, e Expert, advisory bool, departments int, now time.Time) []rulebook.Verdict {
	inputs := rulebook.Inputs{"expert": e.ID, "departments": departments}
	out := []rulebook.Verdict{p.Check("R-018", departments >= 1, inputs,
		"专家组成员由区科技局会同有关区级行业主管部门推荐产生（第七条），现无主管部门推荐意见。", "请补录至少一个区级行业主管部门的推荐意见。")}
	if advisory {
		inputs["evidence"] = len(e.Evidence)
		return append(out, p.Check("R-020", len(e.Evidence) > 0, inputs, "咨询专家由国内外高层次知名专家组成（第七条），尚无职称、奖励或职务证明。",
			"请补充高层次专家证明，或由科技局领导说明理由后放行。"))
	}
	age := e.Age(now)
	inputs = rulebook.Inputs{"expert": e.ID, "in_district": e.InDistrict, "birth_year": e.BirthYear, "limit": p.TechnicalAgeMax}
	switch {
	case e.BirthYear == 0:
		out = append(out, p.Unknown("R-022", inputs, "出生年份未登记，无法核对是否中青年专家（第七条）。", "请补登出生年份。"))
	case !e.InDistrict:
		out = append(out, p.Fail("R-022", inputs, "技术专家组由区内知名中青年专家构成（第七条）：其单位在区外。", "请另选区内专家，或由科技局领导说明理由后放行。"))
	default:
		out = append(out, p.Check("R-022", age <= p.TechnicalAgeMax, inputs,
			fmt.Sprintf("技术专家组由区内知名中青年专家构成（第七条）：已满%d岁，超过本区设定的%d岁。", age, p.TechnicalAgeMax), "请另选中青年专家，或由科技局领导说明理由后放行。"))
	}
	return out
}
