package store

import (
	"fmt"
	"slices"

	"keping/experts"
	"keping/experts/draw"
	expertstore "keping/experts/store"
	"keping/rbac"
	"keping/rbac/rulebook"
	"keping/reviewing"
)

// NewAppointment appoints an expert directly to a seat for which no alternate
// is left: the last resort of the draw.
type NewAppointment struct {
	Class         experts.Class `json:"class" enum:"technical,management,finance" doc:"席位类别"`
	ApplicationID string        `json:"application_id,omitempty" maxLength:"36" doc:"仅为某一项目递补时填写"`
	ExpertID      string        `json:"expert_id" maxLength:"36"`
	Reason        string        `json:"reason" minLength:"5" maxLength:"500" doc:"直接指定的理由"`
}

// AppointSeat is P-14: by a director, with reason, within the share the pack
// allows, and by the same rules on who may sit as any candidate's.
func (st *Store) AppointSeat(s *step, reviewID string, in NewAppointment) (Replied, error) {
	b, err := st.holdBench(s, reviewID)
	if err != nil {
		return Replied{}, err
	}
	if err := demandState(b.review, "直接指定专家", seating...); err != nil {
		return Replied{}, err
	}
	if b.review.Matched() && in.ApplicationID == "" {
		return Replied{}, rbac.Invalid("application_id", "函评按项目指定，请写明项目")
	}
	vacated := b.panel.Open(string(in.Class), in.ApplicationID)
	if vacated == "" {
		return Replied{}, rbac.Refuse(rbac.RefusedState, "没有空缺的%s席位（SM-10）。候补尚未用尽时由候补依次递补，不得直接指定。", experts.ClassNames[in.Class])
	}
	pack, err := st.Pack(s)
	if err != nil {
		return Replied{}, err
	}
	e, err := expertstore.Take(s, in.ExpertID)
	if err != nil {
		return Replied{}, err
	}
	if in.ApplicationID != "" {
		if _, ok := b.application(in.ApplicationID); !ok {
			return Replied{}, rbac.Missing("该批次的这一项目")
		}
	}
	var before *draw.Appointed     // as what the same person was appointed in a match
	for _, seat := range b.seats { // as a member of the panel for all its applications, as a substitute for one
		if seat.PersonID == e.PersonID && seat.State != reviewing.SeatVacated && (seat.ApplicationID == "" || in.ApplicationID == "" || seat.ApplicationID == in.ApplicationID) {
			if before = b.panel.appointedAs(seat.Code); before == nil || seat.Class != in.Class {
				return Replied{}, rbac.Refuse(rbac.RefusedState, "“%s”已在本专家组的席位%s上，不能再占一席（SM-10）。请另选人员。", e.Name, seat.Code)
			}
		}
	}
	fit, err := st.loadFitness(s, pack, b.review, []string{e.ID})
	if err != nil {
		return Replied{}, err
	}
	if err := st.Obey(s, "review/"+reviewID, fit.appointable(b, e, in)...); err != nil {
		return Replied{}, err
	}
	if before == nil {
		if before, err = st.newCode(s, b, e); err != nil {
			return Replied{}, err
		}
	}
	s.Fact("appointed", before.Code)
	if err := st.fillWith(s, b, in.Class, vacated, in.ApplicationID, before, in.Reason); err != nil {
		return Replied{}, err
	}
	if err := touchReview(s, &b.review, map[string]any{}); err != nil {
		return Replied{}, err
	}
	b, err = st.holdBench(s, reviewID)
	if err != nil {
		return Replied{}, err
	}
	if b.review.Matched() { // who sits reads what is matched, one application or several
		in.ApplicationID = ""
	}
	seat, _ := b.seat(before.Code, in.ApplicationID)
	return Replied{SeatID: seat.ID, State: seat.State}, nil
}

// newCode gives an appointed expert a code of the draw.
func (st *Store) newCode(s *step, b *bench, e experts.Expert) (*draw.Appointed, error) {
	codes, err := find[reviewing.FrameCode](s, "id", "draw_id = ?", b.draw.ID)
	if err != nil {
		return nil, err
	}
	row := reviewing.FrameCode{ID: s.NewID(), DrawID: b.draw.ID, ExpertID: e.ID, Code: fmt.Sprintf("E%04d", len(codes)+1)}
	first, err := firstDocuments(s, map[string]experts.Expert{e.ID: e})
	if err != nil {
		return nil, err
	}
	digest, err := digestOf(s, &row, e, first)
	if err != nil {
		return nil, err
	}
	unit, err := b.unitCode(s, codes, e.UnitID)
	if err != nil {
		return nil, err
	}
	return &draw.Appointed{Code: row.Code, Unit: unit, Person: digest}, s.Create(&row).Error
}

// appointable are the verdicts on an appointment.
func (f *fitness) appointable(b *bench, e experts.Expert, in NewAppointment) []rulebook.Verdict {
	x := f.people[e.ID]
	// Of another field, the written reason of the appointment is what R-067 asks for.
	inputs := rulebook.Inputs{"expert": e.ID, "class": string(in.Class), "other_field": f.otherField(x, in.Class)}
	remedy := "请另选人员。"
	bars, open := f.general(x, in.ApplicationID)
	if rule, why := f.class(x, in.Class); rule != "" {
		bars[rule] = why
	}
	if !slices.Contains(e.Classes, in.Class) {
		bars["R-064"] = "other_class"
	}
	if !e.Available(f.review.MeetingDay) {
		bars["P-12"] = "unavailable"
	}
	if why := f.worn(e); why != "" {
		bars["P-15"] = why
	}
	if e.State != experts.InPool {
		bars["SM-07"] = string(e.State)
	}
	var out []rulebook.Verdict
	for _, rule := range []string{"P-23", "R-019", "R-067", "R-068", "R-121"} {
		if bars[rule] == "" {
			out = append(out, f.pack.Pass(rule, inputs))
		}
	}
	rules := make([]string, 0, len(bars))
	for rule := range bars {
		rules = append(rules, rule)
	}
	slices.Sort(rules)
	for _, rule := range rules {
		why := sittingMessage(rule)
		switch rule {
		case "R-064":
			why = fmt.Sprintf("该专家不是%s类专家（第二十条）。", experts.ClassNames[in.Class])
		case "P-12":
			why = "该专家在评审日" + f.review.MeetingDay + "不能参加（惯例）。"
		case "SM-07":
			why = "该专家不在库中或已暂停（SM-07）。"
		}
		out = append(out, f.pack.Fail(rule, inputs, "“"+e.Name+"”不能指定："+why, remedy))
	}
	for _, q := range open {
		out = append(out, f.question(x, q))
	}
	appointed, seats := b.panel.appointed()
	share := (appointed + 1) * 100
	out = append(out, f.pack.Check("P-14", share <= f.pack.DirectAppointPercent*seats, rulebook.Inputs{"appointed": appointed + 1, "seats": seats, "percent": f.pack.DirectAppointPercent},
		fmt.Sprintf("直接指定的席位不得超过专家组的%d%%（惯例），加上本次为%d席，席位共%d个。", f.pack.DirectAppointPercent, appointed+1, seats), "请补充专家库后重新抽取，或宣布流会。"))
	return out
}

// appointed counts the seats that people hold by appointment, and all seats.
func (p *panel) appointed() (appointed, seats int) {
	if p.matched == nil {
		for _, v := range p.drawn.record.Vacancies {
			if v.Appointed != nil && p.sits(v.Appointed.Code, v.Application) {
				appointed++
			}
		}
		return appointed, len(p.drawn.record.Seats)
	}
	for _, a := range p.matched.live {
		for _, x := range p.matched.Of(a) {
			if seats++; p.appointedAs(x.Code) != nil {
				appointed++
			}
		}
	}
	return appointed, seats
}

// appointedAs is the appointment that brought a code into a match, nil if none.
func (p *panel) appointedAs(code string) *draw.Appointed {
	if p.matched != nil {
		for _, change := range p.matched.record.Changes {
			if x := change.Appointed; x != nil && x.Code == code {
				return x
			}
		}
	}
	return nil
}

// unitCode is the pseudonym of a unit in this draw, a new one where no candidate is of it.
func (b *bench) unitCode(s *step, codes []reviewing.FrameCode, unit string) (string, error) {
	if unit == "" {
		return "", nil
	}
	used := map[string]bool{}
	for _, c := range codes {
		code := b.panel.UnitOf(c.Code)
		if code == "" {
			continue
		}
		used[code] = true
		e, err := expertstore.Take(s, c.ExpertID)
		if err != nil {
			return "", err
		}
		if e.UnitID == unit {
			return code, nil
		}
	}
	for n := 1; ; n++ {
		if code := fmt.Sprintf("U%03d", n); !used[code] {
			return code, nil
		}
	}
}
