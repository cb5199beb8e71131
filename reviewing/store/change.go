package store

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"keping/experts"
	"keping/rbac"
	"keping/rbac/calendar"
	"keping/rbac/rulebook"
	"keping/reviewing"
)

// FrameChanges is what has changed since a frame was frozen. People of the
// frame go by code; their names are masked while names are not yet told (P-12).
type FrameChanges struct {
	DrawID    string             `json:"draw_id"`
	FrozenAt  time.Time          `json:"frozen_at"`
	Excluded  []FrameChange      `json:"excluded" doc:"当时的候选人，按今天的事实已不能列入"`
	Admitted  []FrameChange      `json:"admitted" doc:"当时被排除，按今天的事实可以列入"`
	Questions []FrameChange      `json:"questions" doc:"锁定之后出现的待处理情形"`
	Members   []MemberChange     `json:"members" doc:"锁定之后进入或退出技术专家组的人员"`
	Withdrawn []WithdrawnSince   `json:"withdrawn" doc:"锁定之后撤回的申报书"`
	Seats     []SeatChange       `json:"seats" doc:"席位的变动"`
	Verdicts  []rulebook.Verdict `json:"verdicts" doc:"席上专家今天的判定：不通过的和待处理的"`
}

// FrameChange is one person of the frame and the rules concerned.
type FrameChange struct {
	Code  string   `json:"code"`
	Name  string   `json:"name"`
	Rules []string `json:"rules" doc:"规则或回避情形；suspended 为已不在库，unavailable 为当日不便"`
	Seat  bool     `json:"seat" doc:"在席"`
}

// MemberChange is somebody who has joined or left the technical group since.
type MemberChange struct {
	Name string `json:"name"`
	Move string `json:"move" enum:"joined,left"`
	Day  string `json:"day"`
}

// WithdrawnSince is an application that left the review.
type WithdrawnSince struct {
	Number string `json:"number"`
	Title  string `json:"title"`
}

// SeatChange is a seat given up since the draw.
type SeatChange struct {
	Code        string        `json:"code"`
	Class       experts.Class `json:"class"`
	Application string        `json:"application" doc:"申报编号；空为专家组席位"`
	Reason      string        `json:"reason"`
}

// ChangesSince compares the facts of the day with the last frame of a review.
func (st *Store) ChangesSince(ctx context.Context, actor rbac.Actor, id string) (FrameChanges, error) {
	s := st.reading(ctx, actor)
	out := FrameChanges{Excluded: []FrameChange{}, Admitted: []FrameChange{}, Questions: []FrameChange{}, Members: []MemberChange{}, Withdrawn: []WithdrawnSince{}, Seats: []SeatChange{}, Verdicts: []rulebook.Verdict{}}
	b, err := st.loadBench(s, id)
	if err != nil {
		return out, err
	}
	draws, err := find[reviewing.Draw](s, "attempt DESC", "review_id = ? AND purpose = 'panel' AND state <> 'void'", id)
	if err != nil {
		return out, err
	}
	if len(draws) == 0 {
		return out, rbac.Refuse(rbac.RefusedState, "候选名单尚未锁定，没有可比较的（SM-09）。")
	}
	d := draws[0]
	out.DrawID, out.FrozenAt = d.ID, d.CreatedAt
	pack, err := st.Pack(s)
	if err != nil {
		return out, err
	}
	if err := st.compare(s, pack, b, d, &out); err != nil {
		return out, err
	}
	if err := membersSince(s, b.review, calendar.Day(d.CreatedAt), &out); err != nil {
		return out, err
	}
	numbers := map[string]string{}
	all, err := find[reviewing.Application](s, "number", "review_id = ?", id)
	if err != nil {
		return out, err
	}
	for _, a := range all {
		numbers[a.ID] = a.Number
		if a.State == reviewing.AppWithdrawn {
			out.Withdrawn = append(out.Withdrawn, WithdrawnSince{a.Number, a.Title})
		}
	}
	for _, seat := range b.seats {
		if seat.State == reviewing.SeatVacated {
			out.Seats = append(out.Seats, SeatChange{seat.Code, seat.Class, numbers[seat.ApplicationID], seat.Reason})
		}
	}
	slices.SortFunc(out.Seats, func(x, y SeatChange) int { return strings.Compare(x.Code+x.Application, y.Code+y.Application) })
	if b.panel == nil {
		return out, nil
	}
	seated, err := st.judgeSeated(s, pack, b)
	for _, v := range seated {
		if v.Verdict == rulebook.OutcomeFail || v.Verdict == rulebook.OutcomeUnknown {
			out.Verdicts = append(out.Verdicts, v)
		}
	}
	return out, err
}

// compare asks of everybody in the frame what would be said today. What is not
// in the frame (who came into the pool since) is no part of this draw.
func (st *Store) compare(s *step, pack *rulebook.Pack, b *bench, d reviewing.Draw, out *FrameChanges) error {
	frame, err := poolOf(d)
	if err != nil {
		return err
	}
	codes, err := find[reviewing.FrameCode](s, "code", "draw_id = ?", d.ID)
	if err != nil {
		return err
	}
	before := map[string]bool{} // code → was a candidate
	for _, c := range frame.Candidates {
		before[c.Code] = true
	}
	for _, x := range frame.Excluded {
		before[x.Code] = false
	}
	ids := make([]string, len(codes))
	for i, c := range codes {
		ids[i] = c.ExpertID
	}
	f, err := st.loadFitness(s, pack, b.review, ids)
	if err != nil {
		return err
	}
	rows, excluded, _ := f.candidates()
	candidate, rules := map[string]bool{}, map[string]map[string]bool{} // by expert id
	for _, row := range rows {
		candidate[row.Code] = true
	}
	for _, x := range excluded {
		if rules[x.Code] == nil {
			rules[x.Code] = map[string]bool{}
		}
		rules[x.Code][x.Rule] = true
	}
	open := s.Call.Actor.Role == rbac.Supervisor || b.review.NamesOpen(pack, s.Now)
	for _, c := range codes {
		was, inFrame := before[c.Code]
		if !inFrame { // appointed directly
			continue
		}
		e := f.people[c.ExpertID]
		change := FrameChange{Code: c.Code, Name: rbac.MaskName(e.Name), Seat: slices.ContainsFunc(slices.Collect(maps.Values(b.seats)), func(x reviewing.Seat) bool {
			return x.Code == c.Code && x.State != reviewing.SeatVacated
		})}
		if open {
			change.Name = e.Name
		}
		why := slices.Sorted(maps.Keys(rules[c.ExpertID]))
		fit := candidate[c.ExpertID]
		if e.State != experts.InPool {
			fit, why = false, append(why, "suspended")
		}
		if !e.Available(b.review.MeetingDay) {
			why = slices.DeleteFunc(why, func(rule string) bool { return rule == "P-12" })
			why = append(why, "unavailable")
		}
		switch {
		case was && !fit:
			if len(why) == 0 { // of no class this review seats any longer
				why = []string{"R-067"}
			}
			change.Rules = why
			out.Excluded = append(out.Excluded, change)
		case !was && fit:
			change.Rules = []string{}
			out.Admitted = append(out.Admitted, change)
		case was:
			_, questions := f.general(e, "")
			for _, q := range questions {
				change.Rules = append(change.Rules, q.Kind)
			}
			if len(questions) > 0 {
				slices.Sort(change.Rules)
				out.Questions = append(out.Questions, change)
			}
		}
	}
	return nil
}

// membersSince are who has joined or left the technical group since a day.
func membersSince(s *step, r reviewing.Review, day string, out *FrameChanges) error {
	var rows []struct{ Name, FromDay, ToDay string }
	err := s.Model(&reviewing.Membership{}).Select("e.name", "memberships.from_day", "memberships.to_day").
		Joins("JOIN review_groups g ON g.id = memberships.group_id JOIN experts e ON e.id = memberships.expert_id").
		Where("g.programme_id = ? AND g.kind = 'technical' AND memberships.from_day <> '' AND (memberships.from_day >= ? OR memberships.to_day >= ?)", r.ProgrammeID, day, day).
		Order("memberships.id").Scan(&rows).Error
	for _, m := range rows {
		if m.FromDay >= day {
			out.Members = append(out.Members, MemberChange{m.Name, "joined", m.FromDay})
		}
		if m.ToDay >= day {
			out.Members = append(out.Members, MemberChange{m.Name, "left", m.ToDay})
		}
	}
	return err
}
