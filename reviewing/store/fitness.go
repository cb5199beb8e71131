package store

import (
	"fmt"
	"slices"

	"keping/experts"
	"keping/rbac"
	"keping/rbac/calendar"
	"keping/rbac/rulebook"
	rbacstore "keping/rbac/store"
	"keping/reviewing"
	"keping/reviewing/conflict"
)

// fitness says who may sit on a review's panel by the facts of the day: it is
// asked for the frame, for every alternate before an invitation, and once more
// whenever the panel goes on to its next state, so that a change on either
// side is seen.
type fitness struct {
	pack   *rulebook.Pack
	review reviewing.Review
	facts  *facts
	people map[string]conflict.Expert // by expert id
	// The programme year's memberships by person: of the technical group at
	// any time and on the day of the review, and of the advisory group.
	member, inTerm, advisory map[string]bool
	recorded                 map[string]bool // people with an integrity record in force that no director has released (P-23)
	// What the review's applications are about; nil where the guide names no
	// field for one of them, for then nobody can be of another field.
	fields []string
	rotation
}

// loadFitness loads the facts of the given experts, or of the whole technical
// pool, about the applications of a review.
func (st *Store) loadFitness(s *step, pack *rulebook.Pack, r reviewing.Review, only []string) (*fitness, error) {
	p, err := take[reviewing.Programme](s, r.ProgrammeID, "该专项")
	if err != nil {
		return nil, err
	}
	var ids, fields []string // no ids: the whole programme year
	if r.ID != "" {
		apps, err := find[reviewing.Application](s, "id", "review_id = ? AND state <> ?", r.ID, reviewing.AppWithdrawn)
		if err != nil {
			return nil, err
		}
		ids = make([]string, len(apps))
		for i, a := range apps {
			ids[i] = a.ID
		}
		if fields, err = fieldsOf(s, r, apps); err != nil {
			return nil, err
		}
	}
	year, err := st.loadYear(s, pack, p, ids, only, r.MeetingDay)
	if err != nil {
		return nil, err
	}
	f := year.of(r, ids)
	f.fields = fields
	return f, nil
}

// recorded is P-23 over the loaded experts: a release for the expert lifts it.
func (st *Store) recorded(s *step, f *facts) (map[string]bool, error) {
	records, err := rbacstore.IntegrityInForce(s.DB, rbac.SubjectPerson, calendar.Day(s.Now))
	if err != nil || len(records) == 0 {
		return nil, err
	}
	out := map[string]bool{}
	for _, e := range f.experts {
		if len(records[e.PersonID]) == 0 {
			continue
		}
		var n int64
		if err := s.Model(&rbac.Release{}).Where("rule = 'P-23' AND object = ?", "expert/"+e.ID).Count(&n).Error; err != nil {
			return nil, err
		}
		out[e.PersonID] = n == 0
	}
	return out, nil
}

// class is the rule that keeps an expert from seats of one class: technical
// seats come from the programme year's technical group (decision 4).
func (f *fitness) class(e conflict.Expert, class experts.Class) (rule, why string) {
	switch {
	case class != experts.Technical || f.inTerm[e.PersonID]:
		return "", ""
	case f.member[e.PersonID]:
		rule, why = "R-121", "not_in_term"
	default:
		rule, why = "R-067", "not_in_group"
	}
	if !f.pack.Uses(rule) {
		return "", ""
	}
	return rule, why
}

// fieldsOf are the disciplines of a review's applications by their guide.
func fieldsOf(s *step, r reviewing.Review, apps []reviewing.Application) ([]string, error) {
	g, err := take[reviewing.Guide](s, r.GuideID, "该指南")
	if err != nil {
		return nil, err
	}
	var fields []string
	for _, a := range apps {
		item, _ := g.Item(a.ItemCode)
		if len(item.Fields) == 0 {
			return nil, nil
		}
		fields = append(fields, item.Fields...)
	}
	return fields, nil
}

// otherField tells whether a technical expert is of no field of the
// applications.
func (f *fitness) otherField(e conflict.Expert, class experts.Class) bool {
	own := []string{e.MainField}
	for _, d := range e.Fields {
		own = append(own, d.Code)
	}
	return class == experts.Technical && f.fields != nil && f.pack.Uses("R-067") && !reviewing.FieldsMatch(f.fields, own)
}

// general are the rules that keep an expert from the panel, or from one
// application of it, whatever the class; open are questions an officer has to
// decide first.
func (f *fitness) general(e conflict.Expert, application string) (bars map[string]string, open []conflict.Reason) {
	bars = map[string]string{}
	if f.pack.Uses("R-019") && (f.advisory[e.PersonID] || e.Pool == experts.AdvisoryPool) {
		bars["R-019"] = "advisory"
	}
	if f.pack.Uses("R-068") && len(e.Leads)+len(e.LeadsRunning) > 0 {
		bars["R-068"] = "leads"
	}
	if f.pack.Uses("P-23") && f.recorded[e.PersonID] {
		bars["P-23"] = "integrity"
	}
	whole := f.pack.ConflictScope == "review"
	for _, r := range f.facts.reasons(e) {
		concerns := whole || r.ApplicationID == "" || application == r.ApplicationID
		switch {
		case r.Level == conflict.Hard && concerns:
			bars[r.Kind] = string(conflict.Hard)
		case r.Level != conflict.Hard && (concerns || application == "" && !f.review.Matched()): // a match leaves out the one pair
			open = append(open, r)
		}
	}
	return bars, open
}

// passed is why an expert is passed over before an invitation, by the facts of
// the day, or "": an open question is no invitation either.
func (f *fitness) passed(expert string, class experts.Class, application string) string {
	e, ok := f.people[expert]
	rule, _ := f.class(e, class)
	bars, open := f.general(e, application)
	switch {
	case !ok || e.State != experts.InPool || rule != "" || len(bars) > 0 || len(open) > 0 || f.otherField(e, class) && f.review.FieldReason == "":
		return "excluded"
	case !e.Available(f.review.MeetingDay):
		return "unavailable"
	}
	return ""
}

// question is an open item as a verdict.
func (f *fitness) question(e conflict.Expert, r conflict.Reason) rulebook.Verdict {
	inputs := rulebook.Inputs{"expert": e.ID, "application": r.ApplicationID, "key": r.Key(), "period": r.Period}
	if r.Written != "" {
		inputs["written"], inputs["registered"] = r.Written, r.Registered
	}
	return f.pack.Unknown(r.Kind, inputs, "“"+e.Name+"”："+r.Message, "请由经办处理（排除或确认，并说明理由）后再继续。")
}

// seatedQuestion is an open item of somebody who sits: by the code of the seat,
// for names may not be told yet; the queue of the review has the item.
func (f *fitness) seatedQuestion(seat reviewing.Seat, application string, r conflict.Reason) rulebook.Verdict {
	return f.pack.Unknown(r.Kind, rulebook.Inputs{"seat": seat.Code, "application": application, "period": r.Period},
		seat.Code+"："+r.Message, "请经办在待处理的回避情形中排除或确认，并说明理由；确认的，再复核回避，由候补递补。")
}

// seated are the verdicts on who sits: and
// the conflicts of each with the applications of the own seat.
func (f *fitness) seated(b *bench) []rulebook.Verdict {
	broken := map[string][]rulebook.Verdict{}
	add := func(rule string, seat reviewing.Seat, application string) {
		inputs := rulebook.Inputs{"seat": seat.Code, "class": string(seat.Class), "application": application}
		about := seat.Code
		if application != "" {
			about += "（" + application + "）"
		}
		broken[rule] = append(broken[rule], f.pack.Fail(rule, inputs, fmt.Sprintf("%s：%s", about, sittingMessage(rule)), "请替换该专家，或由其对该项目申请回避，由候补依次递补。"))
	}
	technical, outside, panel := false, 0, 0
	var open []rulebook.Verdict
	seen := map[string]bool{}
	for _, a := range append([]reviewing.Application{{}}, b.applications...) {
		for _, seat := range b.sitting(a.ID) {
			e, ok := f.people[seat.ExpertID]
			if !ok {
				continue
			}
			first := !seen[seat.ID]
			seen[seat.ID] = true
			if rule, _ := f.class(e, seat.Class); rule != "" && first {
				add(rule, seat, "")
			}
			technical = technical || f.inTerm[e.PersonID]
			if a.ID == "" {
				panel++
				if !e.InDistrict {
					outside++
				}
			}
			if e.State == experts.Banned && first {
				add("P-22", seat, "")
			}
			for _, rule := range []string{"P-23", "R-019", "R-068"} {
				if bars, _ := f.general(e, ""); bars[rule] != "" && first {
					add(rule, seat, "")
				}
			}
			for _, r := range f.facts.reasons(e) {
				if r.ApplicationID != a.ID && !(r.ApplicationID == "" && first) {
					continue
				}
				if r.Level == conflict.Hard {
					add(r.Kind, seat, a.Number)
				} else {
					open = append(open, f.seatedQuestion(seat, a.Number, r))
				}
			}
		}
	}
	out := []rulebook.Verdict{f.pack.Check("R-021", technical, nil, "立项评审应由技术专家组承担（第七条），专家组中尚无本专项技术专家。", "请先组建技术专家组并抽取其成员，或为技术席位递补在任成员。")}
	for _, rule := range []string{"P-23", "R-019", "R-067", "R-068", "R-121"} {
		if broken[rule] == nil {
			out = append(out, f.pack.Pass(rule, nil))
		}
	}
	out = append(out, outsideShare(f.pack, outside, panel, "专家组"))
	rules := make([]string, 0, len(broken))
	for rule := range broken {
		rules = append(rules, rule)
	}
	slices.Sort(rules)
	for _, rule := range rules {
		out = append(out, broken[rule]...)
	}
	return append(out, open...)
}

// outsideShare is P-15's share of experts from outside the district.
func outsideShare(pack *rulebook.Pack, outside, of int, whose string) rulebook.Verdict {
	inputs := rulebook.Inputs{"outside": outside, "of": of, "percent": pack.OutsidePercentMin}
	if pack.OutsidePercentMin == 0 {
		return pack.NotApplicable("P-15", inputs)
	}
	return pack.Check("P-15", outside*100 >= pack.OutsidePercentMin*of, inputs,
		fmt.Sprintf("%s%d席中区外专家%d名，不足%d%%（惯例）。", whose, of, outside, pack.OutsidePercentMin), "请补充区外专家后重新抽取，或由科技局领导说明理由后放行。")
}

// why a rule keeps somebody from a seat, in plain words.
func sittingMessage(rule string) string {
	switch rule {
	case "R-019":
		return "该专家是咨询专家组成员，咨询专家组不承担立项评审（第七条）。"
	case "R-067":
		return "该专家不在本专项技术专家组名册中，不得坐技术席位（第七条、第二十条）。"
	case "R-068":
		return "该专家正在牵头申报或承担本专项项目，不得参加本专项评审（第七条）。"
	case "R-121":
		return "该成员在评审日不在技术专家组任期内（第七条）。"
	case "P-15":
		return "该专家本年参加的专家组数或连续参加的年数已到上限（惯例）。"
	case "P-22":
		return "该专家已被禁止参加评审（惯例）。"
	case "P-23":
		return "该专家有在有效期内的科研诚信记录（惯例）。"
	}
	r, _ := rulebook.Lookup(rule)
	return r.Message
}

// judgeSeated is seated for a whole bench.
func (st *Store) judgeSeated(s *step, pack *rulebook.Pack, b *bench) ([]rulebook.Verdict, error) {
	f, err := st.loadFitness(s, pack, b.review, b.experts())
	if err != nil {
		return nil, err
	}
	return f.seated(b), nil
}

// recuseKnown enters, under conflict_scope "application", the recusals that
// follow from what is known at the draw, and fills each for that application.
func (st *Store) recuseKnown(s *step, pack *rulebook.Pack, review string) error {
	if pack.ConflictScope != "application" {
		return nil
	}
	b, err := st.holdBench(s, review)
	if err != nil {
		return err
	}
	f, err := st.loadFitness(s, pack, b.review, b.experts())
	if err != nil {
		return err
	}
	for _, a := range b.applications {
		for _, seat := range b.sitting(a.ID) {
			for _, r := range f.facts.reasons(f.people[seat.ExpertID]) {
				if r.Level != conflict.Hard || r.ApplicationID != a.ID {
					continue
				}
				if _, err := recuse(s, b, seat, a.ID, r.Kind); err != nil {
					return err
				}
				if err := st.fill(s, b, seat.Class, seat.Code, a.ID); err != nil {
					return err
				}
				break
			}
		}
	}
	return nil
}
