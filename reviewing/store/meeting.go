package store

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"keping/configs/database"
	"keping/experts"
	"keping/rbac"
	"keping/rbac/calendar"
	"keping/rbac/journal"
	"keping/rbac/notice"
	"keping/rbac/rulebook"
	rbacstore "keping/rbac/store"
	"keping/reviewing"
)

// Arrangement is when and where the panel meets.
type Arrangement struct {
	MeetsAt time.Time `json:"meets_at" doc:"会议时间，须在评审日当天"`
	Place   string    `json:"place" minLength:"2" maxLength:"200" example:"区政府3号楼201会议室"`
	Link    string    `json:"link,omitempty" maxLength:"400" doc:"远程会议链接"`
	Agenda  []string  `json:"agenda,omitempty" maxItems:"50" doc:"议程"`
}

// ArrangeMeeting sets the meeting of a review, until marking begins.
func (st *Store) ArrangeMeeting(s *step, id string, in Arrangement) (reviewing.Review, error) {
	r, err := take[reviewing.Review](s, id, "该评审批次")
	if err != nil {
		return r, err
	}
	if err := st.impartial(s, "review_id = ?", id); err != nil {
		return r, err
	}
	if err := demandState(r, "安排会议", reviewing.Preparing, reviewing.Frozen, reviewing.Drawn, reviewing.Composed); err != nil {
		return r, err
	}
	if r.Matched() {
		return r, rbac.Refuse(rbac.RefusedState, "本批次为函评，每个项目各有专家组，不开评审会（SM-09）。需要开会的，请另设批次，按抽取组成专家组。")
	}
	if calendar.Day(in.MeetsAt) != r.MeetingDay {
		return r, rbac.Invalid("meets_at", "会议时间应在评审日%s当天：候选名单按这一日核定", r.MeetingDay)
	}
	at := in.MeetsAt.UTC().Truncate(time.Second)
	r.MeetsAt, r.Place, r.Link, r.Agenda = &at, in.Place, in.Link, in.Agenda
	return r, touchReview(s, &r, map[string]any{"meets_at": at, "place": r.Place, "link": r.Link, "agenda": r.Agenda})
}

// SignInCode is what officers show at the venue; experts sign in with it.
type SignInCode struct {
	Code string `json:"code" example:"482913"`
}

// SignInCodeOf derives the code of a review from the server's key: nothing to
// keep, nothing to guess from the outside.
func (st *Store) SignInCodeOf(review string) SignInCode {
	n, _ := strconv.ParseUint(st.Keys.Index("sign_in:" + review)[:12], 16, 64)
	return SignInCode{fmt.Sprintf("%06d", n%1000000)}
}

// SignIn is an expert's own 签到 by the code shown at the venue.
func (st *Store) SignIn(s *step, id, code string) ([]reviewing.Seat, error) {
	b, err := st.holdBench(s, id)
	if err != nil {
		return nil, err
	}
	mine := b.mySeats(s)
	if err := s.May(len(mine) > 0, "该评审批次"); err != nil {
		return nil, err
	}
	if err := b.meets(s.Now); err != nil {
		return nil, err
	}
	if code != st.SignInCodeOf(id).Code {
		return nil, rbac.Invalid("code", "签到码不对，请核对会场公布的六位数字")
	}
	s.Fact("method", "code")
	for i := range mine {
		if err := attend(s, &mine[i]); err != nil {
			return nil, err
		}
	}
	return mine, nil
}

// RecordAttendance is the officer's entry for somebody who is there.
func (st *Store) RecordAttendance(s *step, seatID string) (reviewing.Seat, error) {
	seat, b, err := st.seatOf(s, seatID)
	if err != nil {
		return seat, err
	}
	if err := b.meets(s.Now); err != nil {
		return seat, err
	}
	s.Fact("method", "officer")
	return seat, attend(s, &seat)
}

// meets refuses signing in where or when there is no meeting.
func (b *bench) meets(now time.Time) error {
	if err := demandState(b.review, "签到", reviewing.Composed, reviewing.Marking); err != nil {
		return err
	}
	if b.review.MeetsAt == nil {
		return rbac.Refuse(rbac.RefusedState, "本批次为通讯评审，无须签到（SM-09）。需要开会的，请先安排会议。")
	}
	return b.onTheDay(now, "签到")
}

// onTheDay refuses what is done at the meeting before its day.
func (b *bench) onTheDay(now time.Time, act string) error {
	if b.review.MeetsAt != nil && calendar.Day(now) < calendar.Day(*b.review.MeetsAt) {
		return rbac.Refuse(rbac.RefusedState, "评审会定于%s，当日方可%s（SM-09）。会议提前的，请先重新安排会议。", calendar.Stamp(*b.review.MeetsAt), act)
	}
	return nil
}

func attend(s *step, seat *reviewing.Seat) error {
	if seat.AttendedAt != nil {
		return nil
	}
	seat.AttendedAt = &s.Now
	return database.Swap(s.Tx, &reviewing.Seat{}, map[string]any{"id": seat.ID, "state": seat.State}, map[string]any{"attended_at": s.Now})
}

// seatOf loads a live seat with its bench held.
func (st *Store) seatOf(s *step, id string) (reviewing.Seat, *bench, error) {
	seat, err := take[reviewing.Seat](s, id, "该席位")
	if err != nil {
		return seat, nil, err
	}
	b, err := st.holdBench(s, seat.ReviewID)
	if err != nil {
		return seat, nil, err
	}
	seat = b.seats[id]
	if seat.State == reviewing.SeatVacated || seat.State == reviewing.SeatInvited {
		return seat, nil, reviewing.MoveRefusal("SM-10", string(seat.State), "办理该事项")
	}
	return seat, b, nil
}

// away are who has not signed in, by application ("" for the panel) and seat.
func (b *bench) away() map[string]bool {
	away := map[string]bool{}
	for _, a := range append([]reviewing.Application{{}}, b.applications...) {
		for _, seat := range b.sitting(a.ID) {
			if seat.AttendedAt == nil {
				away[a.ID+seat.ID] = true
			}
		}
	}
	return away
}

// attended is P-53: at a meeting nobody marks who has not signed in.
func (b *bench) attended(pack *rulebook.Pack) rulebook.Verdict {
	if b.review.MeetsAt == nil {
		return pack.NotApplicable("P-53", nil)
	}
	away := map[string]bool{}
	for _, a := range append([]reviewing.Application{{}}, b.applications...) {
		for _, seat := range b.sitting(a.ID) {
			if seat.AttendedAt == nil {
				away[seat.Code] = true
			}
		}
	}
	return pack.Check("P-53", len(away) == 0, rulebook.Inputs{"away": len(away)}, fmt.Sprintf("还有%d名专家未签到（惯例）。", len(away)), "请专家凭签到码签到，或由经办登记到场；不能到场的，登记缺席或替换，由候补递补。")
}

// defence settles order and introducers by the draw's seed.
func (b *bench) defence() []reviewing.Slot {
	if b.review.Matched() { // nobody meets
		return []reviewing.Slot{}
	}
	technical := map[string][]string{}
	for _, a := range b.applications {
		technical[a.Number] = []string{}
		for _, seat := range b.sitting(a.ID) {
			if seat.Class == experts.Technical {
				technical[a.Number] = append(technical[a.Number], seat.Code)
			}
		}
	}
	return reviewing.DefenceOrder(b.panel.seed, technical)
}

// setDefence records order and introducers with a move of the review.
func (b *bench) setDefence(s *step, set map[string]any) error {
	b.review.Defence = b.defence()
	hash, err := journal.HashOf(b.review.Defence)
	s.Fact("defence", hash)
	set["defence"] = b.review.Defence
	return err
}

// followDefence brings order and introducers into line with a panel that has
// changed since they were settled.
func (st *Store) followDefence(s *step, b *bench, set map[string]any) error {
	if len(b.review.Defence) == 0 {
		return nil
	}
	now, err := st.loadBench(s, b.review.ID)
	if err != nil || slices.Equal(now.defence(), b.review.Defence) {
		return err
	}
	err = now.setDefence(s, set)
	b.review.Defence = now.review.Defence
	return err
}

// RecordAbsence enters that a seated expert is away for one application; the
// next alternate substitutes for it.
func (st *Store) RecordAbsence(s *step, seatID, application, reason string) (reviewing.Declaration, error) {
	seat, b, err := st.seatOf(s, seatID)
	if err != nil {
		return reviewing.Declaration{}, err
	}
	if err := demandState(b.review, "登记缺席", reviewing.Composed, reviewing.Marking); err != nil {
		return reviewing.Declaration{}, err
	}
	sits := false
	for _, other := range b.sitting(application) {
		sits = sits || other.ID == seat.ID
	}
	if _, ok := b.application(application); !ok || !sits {
		return reviewing.Declaration{}, rbac.Invalid("application_id", "该专家没有评审这个项目，或已经回避")
	}
	if err := s.Where("seat_id = ? AND application_id = ?", seat.ID, application).Delete(&reviewing.Declaration{}).Error; err != nil {
		return reviewing.Declaration{}, err
	}
	d := reviewing.Declaration{ID: s.NewID(), ReviewID: b.review.ID, SeatID: seat.ID, ApplicationID: application, State: "approved", Kind: reviewing.Absence, CreatedAt: s.Now}
	d.Reason = s.Keys.Seal(reason, "declaration/"+d.ID)
	s.Fact("application", application)
	s.Fact("seat", seat.Code)
	if err := s.Create(&d).Error; err != nil {
		return d, err
	}
	b.words.add(d)
	return d, st.stepAside(s, b, d)
}

// PauseReview stops a running review; the supervisor alone may.
func (st *Store) PauseReview(s *step, id, reason string) (reviewing.Review, error) {
	b, err := st.holdBench(s, id)
	if err != nil {
		return reviewing.Review{}, err
	}
	r := b.review
	if len(reviewing.ReviewMoves[r.State]) == 0 {
		return r, reviewing.MoveRefusal("SM-09", string(r.State), "暂停")
	}
	if err := running(r); err != nil {
		return r, err
	}
	r.PausedAt, r.PauseReason = &s.Now, reason
	return r, touchReview(s, &r, map[string]any{"paused_at": s.Now, "pause_reason": reason})
}

// ResumeReview lets a paused review go on; time to reply or to reveal that
// passed meanwhile is given back.
func (st *Store) ResumeReview(s *step, id string) (reviewing.Review, error) {
	b, err := st.holdBench(s, id)
	if err != nil {
		return reviewing.Review{}, err
	}
	r := b.review
	if r.PausedAt == nil {
		return r, rbac.Refuse(rbac.RefusedState, "评审没有暂停（SM-09）。")
	}
	lost := s.Now.Sub(*r.PausedAt)
	for _, seat := range b.seats {
		if seat.State == reviewing.SeatInvited {
			if err := s.Model(&reviewing.Seat{}).Where("id = ?", seat.ID).Update("reply_by", seat.ReplyBy.Add(lost)).Error; err != nil {
				return r, err
			}
			if err := rbacstore.ExtendLinks(s, "seat/"+seat.ID, lost); err != nil {
				return r, err
			}
		}
	}
	draws, err := find[reviewing.Draw](s, "id", "review_id = ? AND state = 'frozen' AND reveal_by IS NOT NULL", id)
	if err != nil {
		return r, err
	}
	for _, d := range draws {
		if err := s.Model(&reviewing.Draw{}).Where("id = ?", d.ID).Update("reveal_by", d.RevealBy.Add(lost)).Error; err != nil {
			return r, err
		}
	}
	r.PausedAt, r.PauseReason = nil, ""
	return r, touchReview(s, &r, map[string]any{"paused_at": nil, "pause_reason": ""})
}

// AskRedo asks for the marking to be done again, with a reason; the supervisor decides.
func (st *Store) AskRedo(s *step, id, reason string) (reviewing.Review, error) {
	b, err := st.holdBench(s, id)
	if err != nil {
		return reviewing.Review{}, err
	}
	if err := demandState(b.review, "申请环节重评", reviewing.Marking, reviewing.Discussing); err != nil {
		return b.review, err
	}
	b.review.RedoReason, b.review.RedoBy = reason, s.Call.Actor.User
	return b.review, touchReview(s, &b.review, map[string]any{"redo_reason": reason, "redo_by": b.review.RedoBy})
}

// DecideRedo lets the marking begin again: all sheets so far are void and stay
// on record, everybody gets an empty one, keys, opinion and signatures are
// given anew, and joint units take part anew. Rejected, the review goes on as it was.
func (st *Store) DecideRedo(s *step, id string, approve bool) (reviewing.Review, error) {
	b, err := st.holdBench(s, id)
	if err != nil {
		return reviewing.Review{}, err
	}
	if err := demandState(b.review, "决定环节重评", reviewing.Marking, reviewing.Discussing); err != nil {
		return b.review, err
	}
	if b.review.RedoReason == "" {
		return b.review, rbac.Refuse(rbac.RefusedState, "没有待决定的环节重评申请（SM-09）。请由经办先申请并说明理由。")
	}
	set := map[string]any{"redo_reason": "", "redo_by": ""}
	b.review.RedoReason = ""
	if !approve {
		return b.review, touchReview(s, &b.review, set)
	}
	if err := voidSheets(s, id, "", ""); err != nil {
		return b.review, err
	}
	if err := s.Model(&reviewing.Seat{}).Where("review_id = ?", id).Updates(map[string]any{"signed_at": nil, "signed_hash": "", "not_signed": "", "dissent": nil, "dissent_salt": ""}).Error; err != nil {
		return b.review, err
	}
	joint, err := find[reviewing.JointSeat](s, "id", "review_id = ? AND participated_at IS NOT NULL", id)
	if err != nil {
		return b.review, err
	}
	for _, j := range joint {
		j.Again("环节重评")
		if err := database.Swap(s.Tx, &reviewing.JointSeat{}, map[string]any{"id": j.ID}, map[string]any{"earlier": j.Earlier, "participated_at": nil}); err != nil {
			return b.review, err
		}
	}
	for _, a := range b.applications {
		for _, seat := range b.sitting(a.ID) {
			if seat.State == reviewing.SeatPledged && b.declared(seat.ID, a.ID) {
				if err := draftSheet(s, id, a.ID, seat.ID); err != nil {
					return b.review, err
				}
			}
		}
	}
	for key, value := range map[string]any{"opened_chair": false, "opened_by_supervisor": false, "opinion": nil, "opinion_hash": "", "opinion_salt": ""} {
		set[key] = value
	}
	b.review.OpenedChair, b.review.OpenedBySup, b.review.OpinionHash = false, false, ""
	return b.review, moveReview(s, &b.review, "redo", set)
}

// RecordNotSigned records that a seated expert refuses to sign, and why: the
// review can be closed with it.
func (st *Store) RecordNotSigned(s *step, seatID, reason string) (reviewing.Seat, error) {
	seat, b, err := st.seatOf(s, seatID)
	if err != nil {
		return seat, err
	}
	if err := demandState(b.review, "登记拒签", reviewing.Discussing); err != nil {
		return seat, err
	}
	if seat.SignedAt != nil || b.review.OpinionHash == "" {
		return seat, rbac.Refuse(rbac.RefusedState, "该专家已经签字，或组长意见尚未写就（SM-09）。")
	}
	seat.NotSigned = reason
	if err := say(s, seat.ReviewID, "seat/"+seat.ID, "reason", reason); err != nil {
		return seat, err
	}
	return seat, database.Swap(s.Tx, &reviewing.Seat{}, map[string]any{"id": seat.ID, "state": seat.State}, map[string]any{"not_signed": reason})
}

// Remind sends a message to every expert of a review who still owes something:
// a pledge, a declaration, a sheet or a signature. It returns how many.
func (st *Store) Remind(s *step, id string) (Reminded, error) {
	b, err := st.holdBench(s, id)
	if err != nil {
		return Reminded{}, err
	}
	if err := demandState(b.review, "提醒专家", seating...); err != nil {
		return Reminded{}, err
	}
	t, err := st.loadTally(s, id)
	if err != nil {
		return Reminded{}, err
	}
	owing, err := t.owing(s)
	if err != nil {
		return Reminded{}, err
	}
	out := Reminded{}
	for _, seat := range b.seats {
		what := owing[seat.ID]
		if what == "" {
			continue
		}
		var e experts.Expert
		if err := s.Select("id", "mail", "name", "user_id").Take(&e, "id = ?", seat.ExpertID).Error; err != nil {
			return out, err
		}
		out.Sent++
		err := s.Notify(notice.Message{Kind: "reminder", UserID: e.UserID, Address: e.Mail, Object: "seat/" + seat.ID, Subject: "评审提醒：" + b.review.Title, Body: fmt.Sprintf("%s专家：您好！\n\n“%s”还有以下事项待您办理：%s。\n请登录系统办理：%s\n", e.Name, b.review.Title, what, st.PublicURL)})
		if err != nil {
			return out, err
		}
	}
	s.Fact("sent", out.Sent)
	return out, nil
}

// Reminded tells how many were reminded.
type Reminded struct {
	Sent int `json:"sent"`
}
