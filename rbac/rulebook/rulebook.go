// Package rulebook is the rule catalogue, the district's rule pack and the one
// type of verdict. A rule is a pure function elsewhere; what it says is a
// Verdict made here, so that every verdict names its rule, its articles, the
// pack it was judged by, the values compared and the way out.
//
// The numbers and switches of a pack are data: Parse refuses a pack with
// unknown or missing keys. Numbers are integers in the unit the key names.
package rulebook

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"keping/rbac/journal"
)

// Strength is where a rule's force comes from.
type Strength string

// The strengths of rules.md; Practice is what the regulation does not say.
const (
	Hard       Strength = "硬"
	Soft       Strength = "软"
	Enumerated Strength = "枚"
	Implied    Strength = "推"
	Practice   Strength = "惯例"
)

// Effect is what a failing rule does.
type Effect string

// The effects.
const (
	Refuse     Effect = "refuse"     // the act is refused
	Releasable Effect = "releasable" // refused unless a director has released it
	Reason     Effect = "reason"     // refused unless a written reason is given
	Warn       Effect = "warn"       // shown and escalated, accepted
	Record     Effect = "record"     // recorded
)

// Outcome is what a rule says of the facts.
type Outcome string

// The outcomes.
const (
	OutcomePass          Outcome = "pass"
	OutcomeFail          Outcome = "fail"
	OutcomeUnknown       Outcome = "unknown" // a fact is missing; never taken for a pass
	OutcomeReleased      Outcome = "released"
	OutcomeNotApplicable Outcome = "not_applicable"
)

// Rule is a row of the catalogue.
type Rule struct {
	ID       string
	Articles []int
	Strength Strength
	Effect   Effect
	Message  string
}

// Verdict is what a rule said: the one type in answers, dry runs, papers and
// (as a digest) the journal.
type Verdict struct {
	Rule     string   `json:"rule" example:"R-005" doc:"规则编号：R-nnn、P-nn（惯例）、SM-nn（状态）或回避情形"`
	Articles []int    `json:"articles" doc:"依据的条款；惯例为空"`
	Pack     string   `json:"pack" doc:"规则包 名称@版本#摘要"`
	Strength Strength `json:"strength" enum:"硬,软,枚,推,惯例"`
	Effect   Effect   `json:"effect" enum:"refuse,releasable,reason,warn,record"`
	Verdict  Outcome  `json:"verdict" enum:"pass,fail,unknown,released,not_applicable"`
	Inputs   Inputs   `json:"inputs" doc:"比较的数值"`
	Message  string   `json:"message" example:"重大项目财政资助为10—30万元，现为31万元（第四条）。"`
	Remedy   string   `json:"remedy" doc:"如何办理" example:"请把财政资助额改为10—30万元。"`
}

// Inputs are the values a rule compared.
type Inputs map[string]any

// MarshalJSON writes nil as {}.
func (i Inputs) MarshalJSON() ([]byte, error) {
	if i == nil {
		return []byte("{}"), nil
	}
	return json.Marshal(map[string]any(i))
}

// All is the whole catalogue: rules, practices, machines and conflict kinds.
func All() []Rule { return slices.Concat(rules, practices, machines, conflicts) }

var byID = func() map[string]Rule {
	m := map[string]Rule{}
	for _, r := range All() {
		m[r.ID] = r
	}
	return m
}()

// Lookup finds a rule by its id.
func Lookup(id string) (Rule, bool) { r, ok := byID[id]; return r, ok }

// Blocking are the verdicts that stop an act.
func Blocking(verdicts []Verdict) []Verdict {
	var out []Verdict
	for _, v := range verdicts {
		stops := v.Effect == Refuse || v.Effect == Releasable || v.Effect == Reason
		if stops && (v.Verdict == OutcomeFail || v.Verdict == OutcomeUnknown) {
			out = append(out, v)
		}
	}
	return out
}

// Released marks a failing releasable verdict as released; others stay.
func Released(v Verdict) Verdict {
	if v.Effect == Releasable && (v.Verdict == OutcomeFail || v.Verdict == OutcomeUnknown) {
		v.Verdict = OutcomeReleased
	}
	return v
}

// Uses tells whether the pack applies a rule.
func (p *Pack) Uses(rule string) bool { return !p.off[rule] && !slices.Contains(p.Disabled, rule) }

func (p *Pack) verdict(rule string, outcome Outcome, inputs Inputs, message, remedy string) Verdict {
	r, ok := byID[rule]
	if !ok {
		panic("rulebook: no rule " + rule)
	}
	if !p.Uses(rule) {
		outcome, message, remedy = OutcomeNotApplicable, "本规则包未启用此项。", ""
	}
	effect := r.Effect
	if rule == "R-063" && p.PanelMinReleasable {
		effect = Releasable
	}
	if inputs == nil {
		inputs = Inputs{}
	}
	articles := r.Articles
	return Verdict{rule, articles, p.ID(), r.Strength, effect, outcome, inputs, message, remedy}
}

// Pass says that the rule holds.
func (p *Pack) Pass(rule string, inputs Inputs) Verdict {
	return p.verdict(rule, OutcomePass, inputs, "符合。", "")
}

// Fail says that the rule is broken: message names rule, article and the
// values, remedy the way out.
func (p *Pack) Fail(rule string, inputs Inputs, message, remedy string) Verdict {
	return p.verdict(rule, OutcomeFail, inputs, message, remedy)
}

// Unknown says that a fact is missing.
func (p *Pack) Unknown(rule string, inputs Inputs, message, remedy string) Verdict {
	return p.verdict(rule, OutcomeUnknown, inputs, message, remedy)
}

// NotApplicable says that the rule does not concern these facts.
func (p *Pack) NotApplicable(rule string, inputs Inputs) Verdict {
	return p.verdict(rule, OutcomeNotApplicable, inputs, "不适用。", "")
}

// Check is Pass or Fail.
func (p *Pack) Check(rule string, ok bool, inputs Inputs, message, remedy string) Verdict {
	if ok {
		return p.Pass(rule, inputs)
	}
	return p.Fail(rule, inputs, message, remedy)
}

// Pack is a district's numbers and switches. Money is in 分, marks in
// hundredths, shares in percent.
type Pack struct {
	Name     string            `json:"name"`
	Version  string            `json:"version"`
	InForce  string            `json:"in_force"` // YYYY-MM-DD
	Labels   map[string]string `json:"labels"`
	Disabled []string          `json:"disabled"` // 软, 推 and 惯例 rules this district does without

	MajorFiscalMinFen int `json:"major_fiscal_min_fen"`
	MajorFiscalMaxFen int `json:"major_fiscal_max_fen"`
	KeyFiscalMinFen   int `json:"key_fiscal_min_fen"`
	KeyFiscalMaxFen   int `json:"key_fiscal_max_fen"`

	PanelMin           int  `json:"panel_min"`
	PanelMinReleasable bool `json:"panel_min_releasable"` // decision 5: false makes R-063 hard
	SeatsTechnical     int  `json:"seats_technical"`
	SeatsManagement    int  `json:"seats_management"`
	SeatsFinance       int  `json:"seats_finance"`
	UnitCap            int  `json:"unit_cap"` // 0: none
	CandidatesPerSeat  int  `json:"candidates_per_seat"`
	OutsidePercentMin  int  `json:"outside_percent_min"` // experts from outside the district among the seats; 0: none asked for
	DrawHoursBefore    int  `json:"draw_hours_before"`   // the draw's earliest time before the meeting; 0: any
	NamesMasked        bool `json:"names_masked"`        // who sits is told when the meeting starts

	TechnicalAgeMax int `json:"technical_age_max"`
	PoolAgeMax      int `json:"pool_age_max"`
	AdvisoryAgeMax  int `json:"advisory_age_max"`

	RecheckMonths       int              `json:"recheck_months"`                // 0: none
	RecheckNoticeDays   int              `json:"recheck_notice_days"`           // how long before it is on the list
	MemberPublicityDays int              `json:"member_publicity_working_days"` // 0: none
	ConductDays         int              `json:"conduct_days"`                  // from closing until the officer has rated
	ConductLow          int              `json:"conduct_low_mark"`              // up to here a mark is low
	BanYears            map[string]Years `json:"ban_years"`                     // by grade

	SameUnitYears           int    `json:"same_unit_years"`
	CooperationYears        int    `json:"cooperation_years"`
	AvoidListMax            int    `json:"avoid_list_max"`
	ConflictScope           string `json:"conflict_scope"` // review or application
	InvitationReplyHours    int    `json:"invitation_reply_hours"`
	RevealMinutes           int    `json:"reveal_minutes"`
	DirectAppointPercent    int    `json:"direct_appoint_percent"`
	PanelsPerYear           int    `json:"panels_per_year"`
	YearsInARow             int    `json:"years_in_a_row"`
	ApplicationsPerExpert   int    `json:"applications_per_expert"`
	AffinityFields          int    `json:"affinity_fields"`   // parts of an affinity in ten thousandths, together 10000
	AffinityKeywords        int    `json:"affinity_keywords"` // the same
	AffinityText            int    `json:"affinity_text"`     // the same
	ApplicationsPerLeader   int    `json:"applications_per_leader"`
	CorrectionRounds        int    `json:"correction_rounds"`
	CorrectionWorkingDays   int    `json:"correction_working_days"`
	ExtremeLowPercent       int    `json:"extreme_low_percent"`
	ExtremeHighPercent      int    `json:"extreme_high_percent"`
	TwoStagePercent         int    `json:"two_stage_percent"`
	TrimmedFrom             int    `json:"trimmed_from"`
	PassLineHundredths      int    `json:"pass_line_hundredths"`
	JointUnitPart           string `json:"joint_unit_part"` // attend, opinion or marks_apart
	ConferenceForKey        bool   `json:"conference_for_key"`
	PeriodMonthsMax         int    `json:"period_months_max"`
	PublicityWorkingDays    int    `json:"publicity_working_days"`
	PublicityContact        string `json:"publicity_contact"` // of the supervisor, as every publicity names it
	ObjectionAcceptDays     int    `json:"objection_accept_working_days"`
	ObjectionAnswerDays     int    `json:"objection_answer_working_days"`
	FirstPaymentRDPercent   int    `json:"first_payment_research_min_percent"`
	FirstPaymentDemoPercent int    `json:"first_payment_application_max_percent"`
	PaymentDays             int    `json:"payment_days"`
	PaymentWarningDays      []int  `json:"payment_warning_days"`
	SpendingPercent         int    `json:"spending_percent"`
	AnnualReportLastDay     string `json:"annual_report_last_day"` // MM-DD
	AnnualReportMonths      int    `json:"annual_report_min_months"`
	RetentionYears          int    `json:"retention_years"`

	off map[string]bool
	id  string
}

// Years bounds a term; Max 0 has no end.
type Years struct {
	Min int `json:"min"`
	Max int `json:"max"`
}

var dateForm = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`)

// Parse reads a pack of exactly these keys; the error names the key.
func Parse(data []byte) (*Pack, error) {
	p := &Pack{}
	if err := journal.Decode(data, p); err != nil {
		return nil, err
	}
	if err := p.validate(); err != nil {
		return nil, err
	}
	canonical, err := journal.Canonical(p)
	if err != nil {
		return nil, err
	}
	p.id = p.Name + "@" + p.Version + "#" + journal.Hash(string(canonical))
	return p, nil
}

// Kept reads a pack that was approved under an earlier program: a key it does
// not have yet takes the shipped pack's value, so that an upgrade leaves nobody
// without rules. digest is that of what was approved; the ID stays its own.
func Kept(data, shipped []byte, digest string) (*Pack, error) {
	keys := map[string]json.RawMessage{}
	for _, text := range [][]byte{shipped, data} { // the later text wins
		if err := json.Unmarshal(text, &keys); err != nil {
			return nil, err
		}
	}
	full, err := json.Marshal(keys)
	if err != nil {
		return nil, err
	}
	p, err := Parse(full)
	if err != nil {
		return nil, err
	}
	p.id = p.Name + "@" + p.Version + "#" + digest
	return p, nil
}

func (p *Pack) validate() error {
	if m := regexp.MustCompile(`^[a-z0-9._-]{1,40}$`); !m.MatchString(p.Name) || !m.MatchString(p.Version) {
		return fmt.Errorf("name、version：应为小写字母、数字、点和横线")
	}
	if _, err := time.Parse("2006-01-02", p.InForce); err != nil || !dateForm.MatchString(p.InForce) {
		return fmt.Errorf("in_force：%q不是日期", p.InForce)
	}
	for _, id := range p.Disabled {
		r, ok := byID[id]
		if !ok {
			return fmt.Errorf("disabled：没有规则%s", id)
		}
		if r.Strength == Hard || r.Strength == Enumerated {
			return fmt.Errorf("disabled：%s出自第%v条的明文规定，不能停用", id, r.Articles)
		}
	}
	for key, ok := range map[string]bool{
		"major_fiscal_min_fen": 0 < p.MajorFiscalMinFen && p.MajorFiscalMinFen <= p.MajorFiscalMaxFen,
		"key_fiscal_min_fen":   0 < p.KeyFiscalMinFen && p.KeyFiscalMinFen <= p.KeyFiscalMaxFen,
		"panel_min":            p.PanelMin >= 1 && p.SeatsTechnical+p.SeatsManagement+p.SeatsFinance >= p.PanelMin,
		"seats_technical":      p.SeatsTechnical >= 1 && p.SeatsManagement >= 1 && p.SeatsFinance >= 1,
		"unit_cap":             p.UnitCap >= 0,
		"outside_percent_min":  0 <= p.OutsidePercentMin && p.OutsidePercentMin <= 100,
		"draw_hours_before":    p.DrawHoursBefore >= 0,
		"conflict_scope":       p.ConflictScope == "review" || p.ConflictScope == "application",
		"joint_unit_part":      p.JointUnitPart == "attend" || p.JointUnitPart == "opinion" || p.JointUnitPart == "marks_apart",
		"extreme_low_percent":  0 <= p.ExtremeLowPercent && p.ExtremeLowPercent < p.ExtremeHighPercent && p.ExtremeHighPercent <= 100,
		"pass_line_hundredths": 0 <= p.PassLineHundredths && p.PassLineHundredths <= 10000,
		"affinity_fields":      p.AffinityFields >= 0 && p.AffinityKeywords >= 0 && p.AffinityText >= 0 && p.AffinityFields+p.AffinityKeywords+p.AffinityText == 10000,
		"reveal_minutes":       p.RevealMinutes >= 1, "invitation_reply_hours": p.InvitationReplyHours >= 1,
		"recheck_months": p.RecheckMonths >= 0 && p.RecheckNoticeDays >= 0, "member_publicity_working_days": p.MemberPublicityDays >= 0,
		"conduct_days": p.ConductDays >= 1, "conduct_low_mark": 0 <= p.ConductLow && p.ConductLow <= 5,
		"ban_years":              validBans(p.BanYears),
		"publicity_working_days": p.PublicityWorkingDays >= 1, "publicity_contact": len([]rune(strings.TrimSpace(p.PublicityContact))) >= 5, "trimmed_from": p.TrimmedFrom >= 3,
	} {
		if !ok {
			return fmt.Errorf("%s：数值不在允许范围内", key)
		}
	}
	return nil
}

func validBans(years map[string]Years) bool {
	for _, grade := range []string{"light", "serious", "grave"} {
		y, ok := years[grade]
		if !ok || y.Min < 0 || y.Max != 0 && y.Max < y.Min {
			return false
		}
	}
	return len(years) == 3
}

// ID is "name@version#H(canonical pack)".
func (p *Pack) ID() string { return p.id }

// Without is the pack with rules switched off whatever their strength: how a
// test shows that a refusal comes from its rule.
func (p *Pack) Without(ids ...string) *Pack {
	copied := *p
	copied.off = maps.Clone(p.off)
	if copied.off == nil {
		copied.off = map[string]bool{}
	}
	for _, id := range ids {
		copied.off[id] = true
	}
	return &copied
}
