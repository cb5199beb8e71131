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
	Year          int    `json:"year" minimum:"2000" maximum:"2200" doc:"拨付年度：专项年度起，至实施周期届满后两年" example:"2025"`
	Stage         int    `json:"stage" minimum:"1" maximum:"20" doc:"第几次拨付：每个项目从1起连续编号，年度依次不减"`
	Fen           int    `json:"fen" minimum:"1" maximum:"10000000000000" doc:"金额（分）" example:"14000000"`
}

// Word is a conclusion on one line.
type Word struct {
	ApplicationID string `json:"application_id" maxLength:"36"`
	Agreed        bool   `json:"agreed"`
	Text          string `json:"text,omitempty" maxLength:"500"`
}

// Vote is how the bureau's deliberation voted.
type Vote struct {
	Present int `json:"present" minimum:"1" maximum:"1000" doc:"到会有表决权人数"`
	For     int `json:"for" minimum:"0" maximum:"1000"`
	Against int `json:"against" minimum:"0" maximum:"1000"`
	Abstain int `json:"abstain" minimum:"0" maximum:"1000"`
}

// Carried tells whether more than half of those present voted for it.
func (v Vote) Carried() bool { return v.For*2 > v.Present && v.Sound() }

// Sound tells whether everybody present is counted once.
func (v Vote) Sound() bool {
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
	Entered   bool               `json:"entered"`  // 补录
	Returned  bool               `json:"returned"` // a deliberation the director has sent the list back after: it counts no more
	CreatedAt time.Time          `gorm:"autoCreateTime:false" json:"created_at"`
}

// Said is an office's last word on lines of a digest; what it has said by its
// own account goes before what an officer has entered for it.
func (f ListFacts) Said(kind, unit, lines string) (last Conclusion) {
	for _, c := range f.Conclusions {
		if c.Kind == kind && (unit == "" || c.UnitID == unit) && c.Lines == lines && !c.Returned && (!c.Entered || last.ID == "" || last.Entered) {
			last = c
		}
	}
	return last
}

// ConclusionRules are: who must have agreed.
// With deliberation the bureau's own is demanded too. After a return
// the bureau deliberates anew: its own word from before counts no more. What
// joint units, conference and finance bureau have said is about the lines and
// stands until the lines change.
func ConclusionRules(p *rulebook.Pack, f ListFacts, deliberated bool) []rulebook.Verdict {
	lines, err := f.List.LinesHash()
	if err != nil {
		return []rulebook.Verdict{p.Unknown("R-072", nil, "清单内容无法核对（第二十一条）。", "请联系系统管理员。")}
	}
	said := func(kind, unit string) Conclusion { return f.Said(kind, unit, lines) }
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
		before := ""
		if slices.ContainsFunc(f.Conclusions, func(c Conclusion) bool { return c.Returned }) {
			before = "审议退回之前的审议结论不再有效。"
		}
		out = append(out, p.Check("R-072", agreed("deliberation", ""), rulebook.Inputs{"returned": before != ""}, "清单未经区科技局审议通过（第二十一条）。"+before, "请录入审议会议的日期、文号和结论。"))
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
// stages must be numbered from 1 without a gap, in the order of their years, and
// add up to its fiscal amount; nothing else may be paid.
func (l AwardList) ScheduleFault(schedule []Payment) string {
	number := map[string]string{}
	for _, line := range l.Lines {
		if line.Choice == "proposed" {
			number[line.ApplicationID] = line.Number
		}
	}
	sums := map[string]int{}
	stages := map[string]map[int]int{} // application → stage → year
	for i, p := range schedule {
		if number[p.ApplicationID] == "" {
			return fmt.Sprintf("拨付方案第%d行的项目不在拟立项清单里", i+1)
		}
		if stages[p.ApplicationID] == nil {
			stages[p.ApplicationID] = map[int]int{}
		}
		if _, twice := stages[p.ApplicationID][p.Stage]; twice {
			return fmt.Sprintf("拨付方案第%d行：“%s”第%d次拨付重复", i+1, number[p.ApplicationID], p.Stage)
		}
		stages[p.ApplicationID][p.Stage] = p.Year
		sums[p.ApplicationID] = AddFen(sums[p.ApplicationID], p.Fen)
	}
	for _, line := range l.Lines {
		if line.Choice != "proposed" {
			continue
		}
		if sum := sums[line.ApplicationID]; sum != line.FiscalFen {
			return fmt.Sprintf("“%s”各次拨付合计%s万元，清单为%s万元", line.Number, Wan(sum), Wan(line.FiscalFen))
		}
		years := stages[line.ApplicationID]
		for stage := 1; stage <= len(years); stage++ {
			if _, there := years[stage]; !there {
				return fmt.Sprintf("“%s”有%d次拨付，却缺第%d次，应从1起连续编号", line.Number, len(years), stage)
			}
			if stage > 1 && years[stage] < years[stage-1] {
				return fmt.Sprintf("“%s”第%d次拨付在%d年，早于第%d次的%d年", line.Number, stage, years[stage], stage-1, years[stage-1])
			}
		}
	}
	return ""
}

// SoundConclusion refuses what contradicts itself whatever was decided; the
// refusal names the row. The conference speaks of each proposed line once and
// agrees as a whole when it agrees to each; a vote counts everybody present once
// and is what the conclusion says; a payment falls between the programme's year
// and two years after the longest period ends.
func SoundConclusion(p *rulebook.Pack, f ListFacts, kind string, agreed bool, words []Word, schedule []Payment, vote *Vote) error {
	lines := map[string]Line{}
	for _, line := range f.List.Lines {
		lines[line.ApplicationID] = line
	}
	said := map[string]int{}
	for i, w := range words {
		row := fmt.Sprintf("words[%d]", i)
		line, there := lines[w.ApplicationID]
		if !there {
			return rbac.Invalid(row, "清单中没有这个项目")
		}
		if before, twice := said[w.ApplicationID]; twice {
			return rbac.Invalid(row, "“%s”与第%d行重复，每个项目只填一行", line.Number, before+1)
		}
		said[w.ApplicationID] = i
	}
	if kind == "conference" {
		against, proposed := "", 0
		for _, line := range f.List.Lines {
			if line.Choice != "proposed" {
				continue
			}
			proposed++
			i, there := said[line.ApplicationID]
			if !there {
				return rbac.Invalid("words", "缺少拟立项“%s”的逐项结论，请逐项填写", line.Number)
			}
			if !words[i].Agreed && against == "" {
				against = line.Number
				if agreed {
					return rbac.Invalid(fmt.Sprintf("words[%d]", i), "逐项结论不同意“%s”列为拟立项，总的结论却为同意，请改为不同意，或先调整清单", line.Number)
				}
			}
		}
		if !agreed && against == "" && proposed > 0 {
			return rbac.Invalid("agreed", "逐项结论都是同意，总的结论却为不同意，请核对")
		}
	}
	last := f.Programme.Year + (p.PeriodMonthsMax+11)/12 + 2
	for i, payment := range schedule {
		if payment.Year < f.Programme.Year || payment.Year > last {
			return rbac.Invalid(fmt.Sprintf("schedule[%d].year", i), "第%d行的拨付年度%d应在%d至%d年之间", i+1, payment.Year, f.Programme.Year, last)
		}
	}
	switch {
	case vote == nil:
	case !vote.Sound():
		return rbac.Invalid("vote", "同意%d、反对%d、弃权%d相加应等于到会的%d人", vote.For, vote.Against, vote.Abstain, vote.Present)
	case kind == "deliberation" && !agreed && vote.Carried():
		return rbac.Invalid("vote", "到会%d人、同意%d人已过半数，结论却为不同意，请核对", vote.Present, vote.For)
	}
	return nil
}

// ADocument tells a file one can read and print as it is: what minutes, scans
// and evidence come as.
func ADocument(kind string) bool {
	return slices.Contains([]string{FileKinds["pdf"], FileKinds["docx"], FileKinds["jpg"], FileKinds["png"]}, kind)
}
