package reviewing

import (
	"fmt"
	"slices"
	"time"

	"keping/rbac"
	"keping/rbac/rulebook"
)

// Payment is one stage of the finance bureau's agreed schedule (年度资金拨付方案).
type Payment struct {
	ApplicationID string `json:"application_id" maxLength:"36"`
	Year          int    `json:"year" minimum:"2020" maximum:"2100" example:"2025"`
	Stage         int    `json:"stage" minimum:"1" maximum:"20" doc:"第几次拨付"`
	Fen           int    `json:"fen" minimum:"1" doc:"金额（分）" example:"14000000"`
}

// Word is a conclusion on one line.
type Word struct {
	ApplicationID string `json:"application_id" maxLength:"36"`
	Agreed        bool   `json:"agreed"`
	Text          string `json:"text,omitempty" maxLength:"500"`
}

// Vote is how the bureau's deliberation voted.
type Vote struct {
	Present int `json:"present" minimum:"0" doc:"到会有表决权人数"`
	For     int `json:"for" minimum:"0"`
	Against int `json:"against" minimum:"0"`
	Abstain int `json:"abstain" minimum:"0"`
}

// Carried tells whether more than half of those present voted for it.
func (v Vote) Carried() bool { return v.For*2 > v.Present && v.sound() }

func (v Vote) sound() bool {
	return v.Present > 0 && v.For >= 0 && v.Against >= 0 && v.Abstain >= 0 && v.For+v.Against+v.Abstain == v.Present
}

// Conclusion is another office's recorded word on a list: by its own account,
// or entered by an officer (补录) with document number, date and scan.
type Conclusion struct {
	ID        string             `gorm:"primaryKey;size:36" json:"id"`
	ListID    string             `gorm:"size:36" json:"list_id"`
	Kind      string             `gorm:"size:20" json:"kind"` // joint_unit, conference, finance, deliberation
	UnitID    string             `gorm:"size:36" json:"unit_id"`
	Agreed    bool               `json:"agreed"`
	Document  string             `gorm:"size:100" json:"document"`
	Day       string             `gorm:"size:10" json:"day"`
	Lines     string             `gorm:"column:lines_hash;size:64" json:"lines"` // digest of the lines it is about: other lines need it anew
	FileID    string             `gorm:"size:36" json:"file_id"`
	Words     rbac.List[Word]    `json:"words"`    // line by line, of the conference
	Schedule  rbac.List[Payment] `json:"schedule"` // of the finance bureau
	Vote      rbac.List[Vote]    `json:"vote"`     // one, of the deliberation
	EnteredBy string             `gorm:"size:36" json:"-"`
	Entered   bool               `json:"entered"` // 补录
	CreatedAt time.Time          `gorm:"autoCreateTime:false" json:"created_at"`
}

// ConclusionRules are: who must have agreed.
// With deliberation the bureau's own is demanded too.
func ConclusionRules(p *rulebook.Pack, f ListFacts, deliberated bool) []rulebook.Verdict {
	lines, err := f.List.LinesHash()
	if err != nil {
		return []rulebook.Verdict{p.Unknown("R-072", nil, "清单内容无法核对（第二十一条）。", "请联系系统管理员。")}
	}
	said := func(kind, unit string) (last Conclusion) {
		for _, c := range f.Conclusions {
			if c.Kind == kind && (unit == "" || c.UnitID == unit) && c.Lines == lines { // a word on other lines is none on these
				last = c
			}
		}
		return last
	}
	agreed := func(kind, unit string) bool { return said(kind, unit).Agreed }
	against := f.List.against(said("conference", ""))
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
		out = append(out, p.Check("R-016", agreed("conference", "") && against == "", rulebook.Inputs{"against": against}, "重大专项拟立项清单须由部门联席会议提出建议（第六条、第二十一条）。"+against, "请录入部门联席会议的结论；会议不同意的项目请改列。"))
	}
	if conference && (!agreed("conference", "") || against != "") {
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
		p.Check("R-071", agreed("finance", "") && f.List.ScheduleFault(said("finance", "").Schedule) == "", nil, "年度资金拨付方案未商区财政局确定（第二十一条）。", "请由区财政局登录会签，或由经办凭文件补录。"))
	if deliberated {
		out = append(out, p.Check("R-072", agreed("deliberation", ""), nil, "清单未经区科技局审议通过（第二十一条）。", "请录入审议会议的日期、文号和结论。"))
	}
	return out
}

// against names the first proposed line that a conclusion does not agree to, or "".
func (l AwardList) against(c Conclusion) string {
	for _, line := range l.Lines {
		for _, w := range c.Words {
			if w.ApplicationID == line.ApplicationID && line.Choice == "proposed" && !w.Agreed {
				return "会议不同意“" + line.Number + "”列为拟立项。"
			}
		}
	}
	return ""
}

// ScheduleFault tells what a schedule of payments lacks: each proposed line's
// stages must add up to its fiscal amount, and nothing else be paid.
func (l AwardList) ScheduleFault(schedule []Payment) string {
	sums := map[string]int{}
	stages := map[string]bool{}
	for _, p := range schedule {
		key := fmt.Sprintf("%s/%d", p.ApplicationID, p.Stage)
		if stages[key] {
			return fmt.Sprintf("第%d次拨付重复", p.Stage)
		}
		stages[key] = true
		sums[p.ApplicationID] += p.Fen
	}
	for _, line := range l.Lines {
		if line.Choice != "proposed" {
			continue
		}
		if sum := sums[line.ApplicationID]; sum != line.FiscalFen {
			return fmt.Sprintf("“%s”各次拨付合计%s万元，清单为%s万元", line.Number, Wan(sum), Wan(line.FiscalFen))
		}
		delete(sums, line.ApplicationID)
	}
	if len(sums) > 0 {
		return "拨付方案中有不在拟立项清单里的项目"
	}
	return ""
}
