package store

import (
	"fmt"
	"slices"

	"gorm.io/gorm/clause"

	"keping/experts"
	"keping/rbac"
	"keping/rbac/calendar"
	"keping/rbac/rulebook"
	"keping/reviewing"
)

// NewReview opens an award review.
type NewReview struct {
	GuideID        string   `json:"guide_id" maxLength:"36"`
	Title          string   `json:"title" minLength:"2" maxLength:"100" example:"2025年智能驾驶重大专项立项评审（第一批）"`
	ApplicationIDs []string `json:"application_ids" minItems:"1" maxItems:"1000"`
	Technical      int      `json:"technical" minimum:"0" maximum:"20" doc:"同行技术席位" example:"3"`
	Management     int      `json:"management" minimum:"0" maximum:"20" example:"1"`
	Finance        int      `json:"finance" minimum:"0" maximum:"20" example:"1"`
	MeetingDay     string   `json:"meeting_day" maxLength:"10" doc:"评审日；函评为评分截止日" example:"2025-06-18"`
	UnitCap        int      `json:"unit_cap,omitempty" minimum:"0" maximum:"20" doc:"同一单位的席位上限；不填用规则包的，放宽由领导批准"`

	Selection   reviewing.Selection `json:"selection,omitempty" enum:"draw,match,match_draw" doc:"draw 抽取一个专家组评全部项目（默认）；match 函评，按匹配度为每个项目指派；match_draw 函评，在每席最好的若干人中抽取"`
	ExpertLoad  int                 `json:"expert_load,omitempty" minimum:"0" maximum:"200" doc:"函评：每名专家至多评审的项目数；不填用规则包的"`
	BestPerSeat int                 `json:"best_per_seat,omitempty" minimum:"0" maximum:"10" doc:"match_draw：每席在最好的几人中抽取" example:"3"`
}

// selecting are the terms of the selection; a panel that reads everything has
// as many applications each as there are.
func (in NewReview) selecting(pack *rulebook.Pack) (reviewing.Selecting, int, error) {
	s := reviewing.Selecting{Selection: in.Selection, ExpertLoad: in.ExpertLoad, BestPerSeat: in.BestPerSeat}
	if s.Selection == "" {
		s.Selection = reviewing.ByDraw
	}
	switch {
	case s.Selection != reviewing.ByMatchDraw && s.BestPerSeat != 0:
		return s, 0, rbac.Invalid("best_per_seat", "只用于match_draw")
	case s.Selection == reviewing.ByMatchDraw && s.BestPerSeat < 2:
		return s, 0, rbac.Invalid("best_per_seat", "每席应在至少2人中抽取")
	case !s.Matched() && s.ExpertLoad != 0:
		return s, 0, rbac.Invalid("expert_load", "只用于函评（match、match_draw）；抽取的专家组评审全部项目")
	case !s.Matched():
		return s, len(in.ApplicationIDs), nil
	case s.ExpertLoad == 0:
		s.ExpertLoad = pack.ApplicationsPerExpert
	}
	return s, min(s.ExpertLoad, len(in.ApplicationIDs)), nil
}

// CreateReview puts accepted applications of one guide into a review. Fewer
// seats than demand are refused here already.
func (st *Store) CreateReview(s *step, in NewReview) (reviewing.Review, error) {
	pack, err := st.Pack(s)
	if err != nil {
		return reviewing.Review{}, err
	}
	if err := st.impartial(s, "id IN ?", in.ApplicationIDs); err != nil {
		return reviewing.Review{}, err
	}
	g, err := take[reviewing.Guide](s, in.GuideID, "该指南")
	if err != nil {
		return reviewing.Review{}, err
	}
	p, err := take[reviewing.Programme](s, g.ProgrammeID, "该专项")
	if err != nil {
		return reviewing.Review{}, err
	}
	day, err := calendar.Parse(in.MeetingDay)
	if err != nil {
		return reviewing.Review{}, rbac.Invalid("meeting_day", "%v", err)
	}
	if end := day.AddDate(0, 0, 1); !s.Now.Before(end) {
		return reviewing.Review{}, rbac.Invalid("meeting_day", "评审日%s已经过去", in.MeetingDay)
	}
	selecting, load, err := in.selecting(pack)
	if err != nil {
		return reviewing.Review{}, err
	}
	r := reviewing.Review{ID: s.NewID(), Selecting: selecting, ProgrammeID: p.ID, GuideID: g.ID, Purpose: "award", Title: in.Title, OfficerID: s.Call.Actor.User,
		Technical: in.Technical, Management: in.Management, Finance: in.Finance, UnitCap: pack.UnitCap, MeetingDay: in.MeetingDay,
		State: reviewing.Preparing, Version: 1, CreatedAt: s.Now}
	s.On(r.ID)
	if err := g.CheckPanel(planned(r).Counts); err != nil {
		return r, err
	}
	verdicts := append(reviewing.PanelRules(pack, planned(r), nil), experts.Load(pack, load))
	if in.UnitCap > 0 {
		r.UnitCap = in.UnitCap
		verdicts = append(verdicts, pack.Check("P-15", pack.UnitCap == 0 || in.UnitCap <= pack.UnitCap, rulebook.Inputs{"unit_cap": in.UnitCap, "limit": pack.UnitCap},
			fmt.Sprintf("同一单位在专家组中至多%d人，现拟定%d人（惯例）。", pack.UnitCap, in.UnitCap), "请先按规则包的上限设立批次，确需放宽的由科技局领导批准。"))
	}
	if err := st.Obey(s, "review/"+r.ID, verdicts...); err != nil {
		return r, err
	}
	n, err := s.Number("review:" + p.Code)
	if err != nil {
		return r, err
	}
	r.Number = fmt.Sprintf("%s-P%02d", p.Code, n)
	joint := map[string]bool{}
	for _, id := range in.ApplicationIDs {
		a, err := take[reviewing.Application](s, id, "该申报书")
		if err != nil {
			return r, err
		}
		if a.GuideID != g.ID {
			return r, rbac.Invalid("application_ids", "%s不属于该指南", a.Number)
		}
		if err := moveApplication(s, &a, "review", a.Version, map[string]any{"review_id": r.ID}); err != nil {
			return r, err
		}
		units, err := find[reviewing.ApplicationUnit](s, "unit_id", "application_id = ? AND role = 'joint'", id)
		if err != nil {
			return r, err
		}
		for _, u := range units {
			joint[u.UnitID] = true
		}
	}
	for unit := range joint {
		if err := s.Create(&reviewing.JointSeat{ID: s.NewID(), ReviewID: r.ID, UnitID: unit}).Error; err != nil {
			return r, err
		}
	}
	s.Fact("applications", in.ApplicationIDs)
	s.Fact("selection", string(r.Selection))
	return r, s.Create(&r).Error
}

// planned is the composition the review's seats would give.
func planned(r reviewing.Review) reviewing.Composition {
	return reviewing.Composition{Counts: reviewing.Counts(r.Technical, r.Management, r.Finance)}
}

// VoidReview ends a review without result (流会): its applications go back to
// where another review can take them. At a meeting the verdicts on who has come
// stand beside the reason. Once marks are open only the supervisor may: nobody
// who knows the result may make it go away.
func (st *Store) VoidReview(s *step, id, reason string) (reviewing.Review, error) {
	b, err := st.holdBench(s, id)
	if err != nil {
		return reviewing.Review{}, err
	}
	r := b.review
	if r.State == reviewing.Discussing && s.Call.Actor.Role != rbac.Supervisor {
		return r, rbac.Refuse(rbac.RefusedState, "评分已经开启，宣布流会须由监督办理（SM-09）。请说明情况，报监督核实后办理。")
	}
	if r.MeetsAt != nil && b.panel != nil {
		pack, err := st.Pack(s)
		if err != nil {
			return r, err
		}
		panel, apps := b.compositions(b.away())
		s.Fact("present", panel.Size())
		s.Verdicts = append(s.Verdicts, reviewing.PanelRules(pack, panel, apps)...) // told and kept, not obeyed: they are why
	}
	if err := say(s, id, "review/"+id, "reason", reason); err != nil {
		return r, err
	}
	if err := moveReview(s, &r, "void", map[string]any{}); err != nil {
		return r, err
	}
	seats, err := find[reviewing.Seat](s, "id", "review_id = ? AND state <> ?", id, reviewing.SeatVacated)
	if err != nil {
		return r, err
	}
	for i := range seats { // nobody is invited in their place
		if err := leave(s, &seats[i], "review_void", ""); err != nil {
			return r, err
		}
	}
	if err := s.Model(&reviewing.Draw{}).Where("review_id = ? AND state = 'frozen'", id).Update("state", "void").Error; err != nil {
		return r, err
	}
	for _, a := range b.applications {
		if err := moveApplication(s, &a, "void", a.Version, map[string]any{"review_id": "", "state_reason": reason}); err != nil {
			return r, err
		}
	}
	return r, nil
}

// bench is who sits where in a running review: all of it, loaded once.
type bench struct {
	review       reviewing.Review
	guide        reviewing.Guide
	applications []reviewing.Application
	seats        map[string]reviewing.Seat // by id
	words        words
	draw         *reviewing.Draw
	panel        *panel
}

// words are the declarations of a review, found by seat and application: a
// large review has thousands, and who sits is asked of every application.
type words struct {
	all []reviewing.Declaration
	at  map[[2]string][]int
}

func (w *words) add(declarations ...reviewing.Declaration) {
	if w.at == nil {
		w.at = map[[2]string][]int{}
	}
	for _, d := range declarations {
		key := [2]string{d.SeatID, d.ApplicationID}
		w.at[key] = append(w.at[key], len(w.all))
		w.all = append(w.all, d)
	}
}

// any tells whether a seat's word on an application is in such a state.
func (w words) any(seat, application string, is func(state string) bool) bool {
	return slices.ContainsFunc(w.at[[2]string{seat, application}], func(i int) bool { return is(w.all[i].State) })
}

// holdBench is loadBench for acts that judge or change who sits and what
// counts: the review's row is locked first, so that of two such acts one sees
// what the other has done.
func (st *Store) holdBench(s *step, id string) (*bench, error) {
	var locked reviewing.Review
	if err := s.Clauses(clause.Locking{Strength: "UPDATE"}).Select("id").Where("id = ?", id).Limit(1).Find(&locked).Error; err != nil {
		return nil, err
	}
	if err := st.impartial(s, "review_id = ?", id); err != nil {
		return nil, err
	}
	return st.loadBench(s, id)
}

// loadBench loads a review from its draw on.
func (st *Store) loadBench(s *step, id string) (*bench, error) {
	b := &bench{seats: map[string]reviewing.Seat{}}
	var err error
	if b.review, err = take[reviewing.Review](s, id, "该评审批次"); err != nil {
		return nil, err
	}
	if b.guide, err = take[reviewing.Guide](s, b.review.GuideID, "该指南"); err != nil {
		return nil, err
	}
	if b.applications, err = find[reviewing.Application](s, "number, id", "review_id = ? AND state <> ?", id, reviewing.AppWithdrawn); err != nil {
		return nil, err
	}
	if err := st.loadPanel(s, b); err != nil {
		return nil, err
	}
	declarations, err := find[reviewing.Declaration](s, "id", "review_id = ?", id)
	b.words.add(declarations...)
	return b, err
}

// loadPanel loads a bench's seats, and the panel as its draw and the vacancies since have it.
func (st *Store) loadPanel(s *step, b *bench) error {
	seats, err := find[reviewing.Seat](s, "id", "review_id = ?", b.review.ID)
	if err != nil {
		return err
	}
	for _, seat := range seats {
		b.seats[seat.ID] = seat
	}
	draws, err := find[reviewing.Draw](s, "attempt", "review_id = ? AND purpose = 'panel' AND state = 'run'", b.review.ID)
	if err != nil || len(draws) == 0 {
		return err
	}
	b.draw = &draws[len(draws)-1]
	b.panel, err = openPanel(s, b.draw)
	return err
}

// seat finds the live seat of a code for an application or the panel.
func (b *bench) seat(code, application string) (reviewing.Seat, bool) {
	for _, seat := range b.seats {
		if seat.Code == code && seat.ApplicationID == application && seat.State != reviewing.SeatVacated {
			return seat, true
		}
	}
	return reviewing.Seat{}, false
}

// sitting are the seats that review an application: the panel with its own
// substitutes, recused ones left out.
func (b *bench) sitting(application string) []reviewing.Seat {
	var out []reviewing.Seat
	if b.panel == nil {
		return nil
	}
	for _, s := range b.panel.Sitting(application) {
		seat, ok := b.seat(s.Code, application)
		if !ok {
			seat, ok = b.seat(s.Code, "")
		}
		if ok && (application == "" || !b.recused(seat.ID, application)) {
			out = append(out, seat)
		}
	}
	return out
}

// recused tells whether a seat's access to an application is suspended or ended.
func (b *bench) recused(seat, application string) bool {
	return b.words.any(seat, application, func(state string) bool { return state == "pending" || state == "approved" })
}

// assigned tells whether a seat of the panel reads an application: all of them
// unless they are matched.
func (b *bench) assigned(seat reviewing.Seat, application string) bool {
	return !b.review.Matched() || b.panel != nil && b.panel.sits(seat.Code, application)
}

func (b *bench) declared(seat, application string) bool {
	return b.words.any(seat, application, func(state string) bool { return state != "pending" })
}

// compositions are the panel's and each application's; who abstains from an
// application sits but does not score, and is not counted there.
func (b *bench) compositions(abstained map[string]bool) (reviewing.Composition, []reviewing.Composition) {
	count := func(a reviewing.Application) reviewing.Composition {
		c := reviewing.Composition{Number: a.Number, Counts: reviewing.Counts(0, 0, 0)}
		for _, seat := range b.sitting(a.ID) {
			if !abstained[a.ID+seat.ID] {
				c.Counts[seat.Class]++
			}
		}
		return c
	}
	var apps []reviewing.Composition
	for _, a := range b.applications {
		apps = append(apps, count(a))
	}
	return count(reviewing.Application{}), apps
}

// abstentions are the final sheets that abstain, by application and seat.
func (b *bench) abstentions(s *step) (map[string]bool, error) {
	sheets, err := find[reviewing.Sheet](s, "id", "review_id = ? AND state = ?", b.review.ID, reviewing.SheetSubmitted)
	if err != nil {
		return nil, err
	}
	out := map[string]bool{}
	for _, sheet := range sheets {
		c, err := content(s, sheet)
		if err != nil {
			return nil, err
		}
		if c.Abstained {
			out[sheet.ApplicationID+sheet.SeatID] = true
		}
	}
	return out, nil
}

func (b *bench) application(id string) (reviewing.Application, bool) {
	for _, a := range b.applications {
		if a.ID == id {
			return a, true
		}
	}
	return reviewing.Application{}, false
}

// mySeats are the actor's live seats in a review.
func (b *bench) mySeats(s *step) []reviewing.Seat {
	var out []reviewing.Seat
	for _, seat := range b.seats {
		if seat.State != reviewing.SeatVacated && seat.State != reviewing.SeatInvited && s.Call.Actor.Person != "" && seat.PersonID == s.Call.Actor.Person {
			out = append(out, seat)
		}
	}
	slices.SortFunc(out, func(a, b reviewing.Seat) int {
		if a.ApplicationID < b.ApplicationID {
			return -1
		}
		return 1
	})
	return out
}

// ConfirmPanel checks that every seat is taken and the composition holds.
func (st *Store) ConfirmPanel(s *step, id string) (reviewing.Review, error) {
	b, err := st.holdBench(s, id)
	if err != nil {
		return reviewing.Review{}, err
	}
	if err := demandState(b.review, "确认专家组", reviewing.Drawn); err != nil {
		return b.review, err
	}
	for _, seat := range b.seats {
		if seat.State == reviewing.SeatInvited {
			return b.review, rbac.Refuse(rbac.RefusedState, "%s（%s）尚未答复邀请（SM-10）。请等待答复或答复时限届满，由候补递补。", seat.Code, seat.Class)
		}
	}
	pack, err := st.Pack(s)
	if err != nil {
		return b.review, err
	}
	panel, apps := b.compositions(nil)
	seated, err := st.judgeSeated(s, pack, b)
	if err != nil {
		return b.review, err
	}
	if err := st.Obey(s, "review/"+id, append(reviewing.PanelRules(pack, panel, apps), seated...)...); err != nil {
		return b.review, err
	}
	set := map[string]any{}
	if err := b.setDefence(s, set); err != nil {
		return b.review, err
	}
	return b.review, moveReview(s, &b.review, "confirm", set)
}

// StartMarking opens marking once everybody has pledged and declared.
func (st *Store) StartMarking(s *step, id string) (reviewing.Review, error) {
	b, err := st.holdBench(s, id)
	if err != nil {
		return reviewing.Review{}, err
	}
	if err := demandState(b.review, "开始评分", reviewing.Composed); err != nil {
		return b.review, err
	}
	if err := b.onTheDay(s.Now, "开始评分"); err != nil {
		return b.review, err
	}
	if err := b.something("开始评分"); err != nil {
		return b.review, err
	}
	pack, err := st.Pack(s)
	if err != nil {
		return b.review, err
	}
	panel, apps := b.compositions(nil)
	seated, err := st.judgeSeated(s, pack, b)
	if err != nil {
		return b.review, err
	}
	verdicts := append(slices.Concat(reviewing.PanelRules(pack, panel, apps), b.ready(pack), seated), b.attended(pack))
	if err := st.Obey(s, "review/"+id, verdicts...); err != nil {
		return b.review, err
	}
	for _, a := range b.applications {
		for _, seat := range b.sitting(a.ID) {
			if err := draftSheet(s, b.review.ID, a.ID, seat.ID); err != nil {
				return b.review, err
			}
		}
	}
	set := map[string]any{}
	if err := b.setDefence(s, set); err != nil { // who steps aside since the confirmation introduces nothing
		return b.review, err
	}
	return b.review, moveReview(s, &b.review, "start", set)
}

// something refuses to go on with a review all of whose applications are gone.
func (b *bench) something(act string) error {
	if len(b.applications) == 0 {
		return rbac.Refuse(rbac.RefusedState, "本批次的申报项目都已撤回，不能%s（SM-09）。请宣布流会，结束本批次。", act)
	}
	return nil
}

// ready is P-20 (pledged) and P-17 (declared for each application).
func (b *bench) ready(pack *rulebook.Pack) []rulebook.Verdict {
	unpledged, undeclared, pending := 0, 0, 0
	for _, seat := range b.seats {
		if seat.State == reviewing.SeatAccepted {
			unpledged++
		}
	}
	for _, a := range b.applications {
		for _, seat := range b.sitting(a.ID) {
			if !b.declared(seat.ID, a.ID) {
				undeclared++
			}
		}
	}
	for _, d := range b.words.all {
		if d.State == "pending" {
			pending++
		}
	}
	return []rulebook.Verdict{
		pack.Check("P-20", unpledged == 0, rulebook.Inputs{"unpledged": unpledged}, fmt.Sprintf("还有%d名专家未签署承诺书（惯例）。", unpledged), "请提醒专家签署。"),
		pack.Check("P-17", undeclared == 0, rulebook.Inputs{"undeclared": undeclared}, fmt.Sprintf("还有%d项逐项回避声明未作出（惯例）。", undeclared), "请提醒专家对每个项目作出声明。"),
		pack.Check("declared", pending == 0, rulebook.Inputs{"pending": pending}, fmt.Sprintf("还有%d项回避申请未处理。", pending), "请批准或驳回回避申请。"),
	}
}
