package reviewing

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"keping/experts"
	"keping/rbac"
	"keping/rbac/rulebook"
	"keping/reviewing/rank"
)

// GuideState is where a guide stands (SM-05, as far as this service runs it).
type GuideState string

// The states of a guide.
const (
	GuideDraft     GuideState = "draft"     // the officer drafts; the director approves next
	GuideApproved  GuideState = "approved"  // the officer publishes next; nothing changes any more
	GuidePublished GuideState = "published" // applications while the window is open
)

// SelectionModes of art. 17 in Chinese.
var SelectionModes = map[string]string{"open": "公开竞争", "directed": "定向委托（择优）", "challenge": "揭榜挂帅", "race": "赛马制", "other": "其他"}

// Indicator can be compared later: by its direction and target.
type Indicator struct {
	Name      string `json:"name" minLength:"1" maxLength:"100" example:"定位精度"`
	Unit      string `json:"unit" maxLength:"20" example:"厘米"`
	Direction string `json:"direction" enum:"ge,le,eq,text" doc:"ge 不低于，le 不高于，eq 等于，text 定性"`
	Target    string `json:"target" minLength:"1" maxLength:"100" example:"5"`
}

// Item is one project that the guide asks for.
type Item struct {
	Code       string        `json:"code" pattern:"^[A-Za-z0-9-]{1,20}$" example:"A1"`
	Kind       ProgrammeKind `json:"kind,omitempty" maxLength:"10" doc:"重大项目 major 或重点项目 key；10万元两类均可，须选定（R-007）" example:"major"`
	Title      string        `json:"title" minLength:"2" maxLength:"200" example:"智能驾驶域控制器关键技术"`
	Problem    string        `json:"problem" minLength:"2" maxLength:"2000" doc:"拟解决关键问题"`
	Joint      bool          `json:"joint" doc:"是否联合实施"`
	FiscalFen  int           `json:"fiscal_fen" minimum:"0" maximum:"10000000000000" doc:"财政资助上限（分）" example:"20000000"`
	Months     int           `json:"months" minimum:"1" maximum:"120" doc:"实施周期（月）" example:"24"`
	Mode       string        `json:"mode" enum:"open,directed,challenge,race,other" doc:"遴选方式"`
	Indicators []Indicator   `json:"indicators" minItems:"1" maxItems:"30"`
	Fields     []string      `json:"fields,omitempty" maxItems:"10" doc:"所属学科（GB/T 13745代码），同行技术专家按一级学科匹配；不填则不按专业筛选" example:"520.20"`
}

var fieldForm = regexp.MustCompile(`^[0-9]{3}(\.[0-9]{2,4})?$`)

// FieldsMatch tells whether one of an expert's disciplines is of the same first
// level (一级学科, the first three digits) as one of those asked for.
func FieldsMatch(asked, own []string) bool {
	return slices.ContainsFunc(asked, func(a string) bool {
		return slices.ContainsFunc(own, func(o string) bool { return len(a) >= 3 && len(o) >= 3 && a[:3] == o[:3] })
	})
}

// Band explains a range of a criterion's marks.
type Band struct {
	Low  int    `json:"low" minimum:"0" doc:"下限（百分之一分）"`
	High int    `json:"high" minimum:"0" doc:"上限（百分之一分）"`
	Text string `json:"text" maxLength:"200" example:"国际先进"`
}

// Criterion is a line of the marking form.
type Criterion struct {
	Code    string   `json:"code" pattern:"^[a-z0-9_]{1,30}$" example:"innovation"`
	Name    string   `json:"name" minLength:"1" maxLength:"50" example:"创新性与先进性"`
	Weight  int      `json:"weight" minimum:"1" doc:"权重，10000为1" example:"10000"`
	Maximum int      `json:"maximum" minimum:"1" doc:"满分（百分之一分）" example:"2500"`
	Step    int      `json:"step" minimum:"1" doc:"最小间隔（百分之一分）" example:"50"`
	Classes []string `json:"classes" maxItems:"4" doc:"由哪些类别的席位评：technical、management、finance、joint（联合实施单位，另列）；空为全部"`
	Bands   []Band   `json:"bands" maxItems:"10"`
}

// PassFail tells a criterion of the 合格制: its only marks are nothing and the
// maximum, and who does not pass an application says why.
func (c Criterion) PassFail() bool { return c.Step == c.Maximum }

// Condition is one 申报条件 that every applicant answers and the screening checks.
type Condition struct {
	Code string `json:"code" pattern:"^[a-z0-9_]{1,30}$" example:"located"`
	Text string `json:"text" minLength:"2" maxLength:"500" example:"牵头单位在本区注册满一年"`
}

// MaterialRule is one material that the guide asks for.
type MaterialRule struct {
	Code       string   `json:"code" pattern:"^[a-z0-9_]{1,30}$" example:"proposal"`
	Name       string   `json:"name" minLength:"1" maxLength:"50" example:"申报书"`
	Required   bool     `json:"required"`
	Types      []string `json:"types,omitempty" maxItems:"6" doc:"允许的文件类型：pdf docx xlsx png jpg zip；空为不限"`
	MaxBytes   int      `json:"max_bytes,omitempty" minimum:"0" doc:"大小上限（字节），0为不限"`
	TemplateID string   `json:"template_id,omitempty" maxLength:"36" doc:"模板文件"`
}

// FileKinds are the types a guide can ask for, as found in the bytes.
var FileKinds = map[string]string{"pdf": "application/pdf", "png": "image/png", "jpg": "image/jpeg", "zip": "application/zip",
	"docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}

// JointMaterials are what art. 19 asks of a joint application.
var JointMaterials = map[string]string{"recommendation": "推荐函", "agreement": "合作协议", "commitment": "资金承诺书"}

// Guide is the application guide (申报指南); all of it is frozen at publication.
type Guide struct {
	ID          string                  `gorm:"primaryKey;size:36" json:"id"`
	ProgrammeID string                  `gorm:"size:36" json:"programme_id"`
	Title       string                  `gorm:"size:200" json:"title"`
	Items       rbac.List[Item]         `json:"items"`
	Criteria    rbac.List[Criterion]    `json:"criteria"`
	Conditions  rbac.List[Condition]    `json:"conditions"`
	Materials   rbac.List[MaterialRule] `json:"materials"`
	Method      string                  `gorm:"size:20" json:"method"`
	Percent     int                     `json:"percent"`
	Votes       bool                    `json:"votes"` // beside the marks each expert says 建议立项, 修改后立项 or 不建议 (P-35)
	TieSteps    rbac.List[string]       `gorm:"column:tie_steps" json:"ties"`
	PassLine    int                     `json:"pass_line"`
	Places      int                     `json:"places"`
	BudgetFen   int                     `json:"budget_fen"`
	OpensAt     time.Time               `json:"opens_at"`
	ClosesAt    time.Time               `json:"closes_at"`
	State       GuideState              `gorm:"size:20" json:"state"`
	ApprovedBy  string                  `gorm:"size:36" json:"approved_by"`
	Version     int                     `json:"version"`
	CreatedAt   time.Time               `gorm:"autoCreateTime:false" json:"created_at"`
}

// Item finds an item by its code.
func (g Guide) Item(code string) (Item, bool) {
	for _, item := range g.Items {
		if item.Code == code {
			return item, true
		}
	}
	return Item{}, false
}

// Form is the marking form as the ranking record has it.
func (g Guide) Form() rank.Form {
	form := rank.Form{Criteria: []rank.Criterion{}}
	for _, c := range g.Criteria {
		classes := c.Classes
		if classes == nil {
			classes = []string{}
		}
		form.Criteria = append(form.Criteria, rank.Criterion{Code: c.Code, Weight: c.Weight, Maximum: c.Maximum, Classes: classes})
	}
	return form
}

// ValidateGuide refuses what no rule of the regulation names: a form that does
// not add up, a window that closes before it opens, an item twice.
func ValidateGuide(g Guide) error {
	var bad rbac.Fields
	seen := map[string]bool{}
	for i, item := range g.Items {
		bad.Check(item.Kind == "" || item.Kind == Major || item.Kind == Key, fmt.Sprintf("items[%d].kind", i), "应为major（重大）或key（重点）")
		bad.Check(!seen[item.Code], fmt.Sprintf("items[%d].code", i), "项目代码%s重复", item.Code)
		seen[item.Code] = true
		for _, f := range item.Fields {
			bad.Check(fieldForm.MatchString(f), fmt.Sprintf("items[%d].fields", i), "%s不是GB/T 13745学科代码，应如520或520.20", f)
		}
	}
	for i, c := range g.Conditions {
		again := slices.IndexFunc(g.Conditions, func(o Condition) bool { return o.Code == c.Code })
		bad.Check(again == i, fmt.Sprintf("conditions[%d].code", i), "申报条件代码%s重复", c.Code)
	}
	for i, m := range g.Materials {
		again := slices.IndexFunc(g.Materials, func(o MaterialRule) bool { return o.Code == m.Code })
		bad.Check(again == i, fmt.Sprintf("materials[%d].code", i), "材料代码%s重复", m.Code)
		for _, t := range m.Types {
			bad.Check(FileKinds[t] != "", fmt.Sprintf("materials[%d].types", i), "不认识的文件类型%s，应为pdf、docx、xlsx、png、jpg、zip", t)
		}
	}
	bad.Check(g.OpensAt.Before(g.ClosesAt), "closes_at", "受理截止时间应晚于开始时间")
	for _, step := range g.TieSteps {
		bad.Check(step != "", "ties", "并列处理步骤不能为空")
	}
	if err := rank.ValidateForm(g.Form(), rank.Method{Name: g.Method, Percent: g.Percent}, g.TieSteps); err != nil {
		for _, line := range strings.Split(err.Error(), "\n") {
			bad.Check(false, "criteria", "%s", line)
		}
	}
	for i, c := range g.Criteria {
		bad.Check(c.Maximum%c.Step == 0, fmt.Sprintf("criteria[%d].step", i), "满分应为最小间隔的整数倍")
		for _, class := range c.Classes {
			bad.Check(experts.ClassNames[experts.Class(class)] != "", fmt.Sprintf("criteria[%d].classes", i), "不认识的类别%s，应为technical、management、finance、joint", class)
		}
		bad.Check(len(c.Classes) == 0 || slices.ContainsFunc(c.Classes, func(class string) bool { return class != string(experts.Joint) }),
			fmt.Sprintf("criteria[%d].classes", i), "“%s”只由联合实施单位评分，而其分值不计入正式结果，请加上评该项的专家类别", c.Name)
		bands := slices.SortedFunc(slices.Values(c.Bands), func(a, b Band) int { return a.Low - b.Low })
		for j, band := range bands {
			bad.Check(band.Low <= band.High && band.High <= c.Maximum, fmt.Sprintf("criteria[%d].bands", i), "档次%s—%s不在0与满分%s之间，或下限高于上限", Points(band.Low), Points(band.High), Points(c.Maximum))
			bad.Check(j == 0 || bands[j-1].High <= band.Low, fmt.Sprintf("criteria[%d].bands", i), "档次%s—%s与前一档重叠", Points(band.Low), Points(band.High))
		}
	}
	return bad.Refusal()
}

// MarkedBy tells whether seats of a class mark the criterion.
func (c Criterion) MarkedBy(class experts.Class) bool {
	return len(c.Classes) == 0 || slices.Contains(c.Classes, string(class))
}

// CheckPanel holds the seats planned for a panel to the form: every criterion
// has somebody to mark it, every seat something to mark, and where the method
// compares whole forms, everything.
func (g Guide) CheckPanel(planned map[experts.Class]int) error {
	var bad rbac.Fields
	for _, c := range g.Criteria {
		n := 0
		for class, seats := range planned {
			if c.MarkedBy(class) {
				n += seats
			}
		}
		bad.Check(n > 0, "technical", "指标“%s”所定类别的专家在专家组中没有席位，项目将无法得出总分，请增加相应席位", c.Name)
	}
	for _, class := range slices.Sorted(maps.Keys(planned)) {
		marks := 0
		for _, c := range g.Criteria {
			if c.MarkedBy(class) {
				marks++
			}
		}
		whole := g.Method != "zscore" && g.Method != "two_stage" || marks == len(g.Criteria)
		bad.Check(planned[class] == 0 || len(g.Criteria) == 0 || marks > 0 && whole, string(class), "%s席位没有可评的指标，或指南所定的计分方法（%s）要求每位专家评全部指标，请不设该类席位", experts.ClassNames[class], rank.Methods[g.Method])
	}
	return bad.Refusal()
}

// GuideRules are the regulation's rules on a guide's content.
func GuideRules(p *rulebook.Pack, programme Programme, g Guide) []rulebook.Verdict {
	var out []rulebook.Verdict
	for _, item := range g.Items {
		inputs := rulebook.Inputs{"item": item.Code, "kind": string(item.Kind), "programme": string(programme.Kind)}
		out = append(out, p.Check("R-004", item.Kind == "" || item.Kind == programme.Kind, inputs,
			fmt.Sprintf("“%s”为%s项目，不能列入%s专项（第四条）。", item.Title, item.Kind.Name(), programme.Kind.Name()), "请改列相应专项，或更正项目类别。"))
		out = append(out, FiscalAmount(p, item.Kind, item.FiscalFen)...)
		out = append(out, p.Check("R-052", item.Months <= p.PeriodMonthsMax, rulebook.Inputs{"item": item.Code, "months": item.Months, "limit": p.PeriodMonthsMax},
			fmt.Sprintf("实施周期一般不超过三年（第十六条），现为%d个月。", item.Months), "请缩短周期，或由科技局领导说明理由后放行。"))
		_, mode := SelectionModes[item.Mode]
		out = append(out, p.Check("R-054", mode, rulebook.Inputs{"mode": item.Mode}, "请选择遴选方式（第十七条）。", "请从公开竞争、定向委托（择优）、揭榜挂帅、赛马制中选择。"))
		comparable := true
		for _, i := range item.Indicators {
			comparable = comparable && (i.Direction == "text" || i.Unit != "")
		}
		out = append(out, p.Check("R-053", comparable, rulebook.Inputs{"item": item.Code}, "考核指标不可比较（第十六条）。", "请为定量指标补单位和方向。"))
	}
	out = append(out, p.Check("R-003", len(g.Items) > 0, rulebook.Inputs{"items": len(g.Items)}, "缺少目标任务与绩效指标（第三条目标管理）。", "请至少列出一个带考核指标的指南项目。"))
	return out
}
