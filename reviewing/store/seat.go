package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"keping/configs/database"
	"keping/experts"
	expertstore "keping/experts/store"
	"keping/rbac"
	"keping/rbac/journal"
	"keping/rbac/notice"
	"keping/rbac/rulebook"
	"keping/rbac/secret"
	rbacstore "keping/rbac/store"
	"keping/reviewing"
)

// ConsentVersion is that of the rules on personal data which experts agree to.
const ConsentVersion = "2025-01"

// Reply answers an invitation by its one-time link.
type Reply struct {
	Token    string `json:"token" maxLength:"100" doc:"链接中#之后的部分"`
	Accept   bool   `json:"accept"`
	Reason   string `json:"reason,omitempty" maxLength:"500" doc:"谢绝的理由"`
	Password string `json:"password,omitempty" maxLength:"200" doc:"首次接受时设置登录密码"`
	Consent  bool   `json:"consent,omitempty" doc:"同意个人信息处理规则；尚未同意过的专家接受邀请时必填"`
}

// Replied tells the login to mark with.
type Replied struct {
	SeatID string              `json:"seat_id"`
	State  reviewing.SeatState `json:"state"`
	Login  string              `json:"login,omitempty" doc:"登录名"`
}

// ReplyInvitation accepts or declines. The first acceptance makes the expert's
// login; declining fills the seat by the next alternate at once.
func (st *Store) ReplyInvitation(s *step, in Reply, hash string) (Replied, error) {
	link, err := rbacstore.UseLink(s, in.Token, rbac.LinkInvitation)
	if err != nil {
		return Replied{}, err
	}
	id, _ := strings.CutPrefix(link.Object, "seat/")
	seat, err := take[reviewing.Seat](s, id, "该邀请")
	if err != nil {
		return Replied{}, err
	}
	s.On(seat.ID)
	s.Call.Actor.User = seat.ID
	r, err := take[reviewing.Review](s, seat.ReviewID, "该评审批次")
	if err != nil {
		return Replied{}, err
	}
	if seat.State != reviewing.SeatInvited || s.Now.After(*seat.ReplyBy) || demandState(r, "答复邀请", seating...) != nil {
		return Replied{}, rbac.Refuse(rbac.RefusedState, "邀请已答复、过期或作废（SM-10）。")
	}
	if !in.Accept {
		if len([]rune(in.Reason)) < 2 {
			return Replied{}, rbac.Invalid("reason", "谢绝请写明理由")
		}
		s.Fact("accept", false)
		return Replied{SeatID: seat.ID, State: reviewing.SeatVacated}, st.vacate(s, seat, "declined", in.Reason)
	}
	s.Fact("accept", true)
	e, err := expertstore.Take(s, seat.ExpertID)
	if err != nil {
		return Replied{}, err
	}
	if err := agree(s, &e, in.Consent); err != nil {
		return Replied{}, err
	}
	login, err := st.expertLogin(s, &e, in.Password, hash)
	if err != nil {
		return Replied{}, err
	}
	return Replied{seat.ID, reviewing.SeatAccepted, login}, moveSeat(s, &seat, "accept", map[string]any{"reply_by": nil})
}

// expertLogin is the expert's login, made at the first acceptance.
func (st *Store) expertLogin(s *step, e *experts.Expert, password, hash string) (string, error) {
	if e.UserID != "" {
		u, err := rbacstore.TakeUser(s, e.UserID)
		return u.Login, err
	}
	n, err := s.Number("login:expert")
	if err != nil {
		return "", err
	}
	login := fmt.Sprintf("zj%05d", n)
	if err := rbacstore.CheckPassword(login, password); err != nil {
		return "", err
	}
	u := rbac.User{ID: s.NewID(), Login: login, Name: e.Name, PersonID: e.PersonID, UnitID: e.UnitID, Mail: e.Mail, Password: hash, State: rbac.UserActive, Version: 1, CreatedAt: s.Now}
	if err := s.Create(&u).Error; err != nil {
		return "", err
	}
	if err := s.Create(&rbac.Grant{ID: s.NewID(), UserID: u.ID, Role: rbac.Expert, GrantedBy: "system", GrantedAt: s.Now}).Error; err != nil {
		return "", err
	}
	e.UserID = u.ID
	return login, s.Model(&experts.Expert{}).Where("id = ?", e.ID).Update("user_id", u.ID).Error // no new version, which all readers of the pool would see
}

// moveSeat moves by SM-10.
func moveSeat(s *step, seat *reviewing.Seat, act string, set map[string]any) error {
	to, ok := reviewing.SeatMoves[seat.State][act]
	if !ok {
		return reviewing.MoveRefusal("SM-10", string(seat.State), act)
	}
	set["state"] = to
	err := database.Swap(s.Tx, &reviewing.Seat{}, map[string]any{"id": seat.ID, "state": seat.State}, set)
	seat.State = to
	return err
}

// seating are the states of a review in which seats change hands.
var seating = []reviewing.ReviewState{reviewing.Drawn, reviewing.Composed, reviewing.Marking, reviewing.Discussing}

// leave takes somebody off a seat for a coded reason, with the words beside
// it: no link, message or mark of the seat counts any longer.
func leave(s *step, seat *reviewing.Seat, reason, words string) error {
	set := map[string]any{"reason": reason, "reply_by": nil}
	if words != "" {
		salt := secret.Random(16)
		set["note"], set["note_salt"] = s.Keys.Seal(words, "seat/"+seat.ID+"/note"), salt
		s.Fact("reason", rbacstore.Digest(salt, words))
	}
	if err := moveSeat(s, seat, "vacate", set); err != nil {
		return err
	}
	if err := rbacstore.KillLinks(s, "seat/"+seat.ID); err != nil {
		return err
	}
	if err := notice.Drop(s.Tx, "seat/"+seat.ID); err != nil {
		return err
	}
	return voidSheets(s, seat.ReviewID, seat.ID, "")
}

// vacate gives a seat up and lets the next alternate in.
func (st *Store) vacate(s *step, seat reviewing.Seat, reason, words string) error {
	b, err := st.holdBench(s, seat.ReviewID)
	if err != nil {
		return err
	}
	if err := leave(s, &seat, reason, words); err != nil {
		return err
	}
	b.seats[seat.ID] = seat
	if err := st.fill(s, b, seat.Class, seat.Code, seat.ApplicationID); err != nil {
		return err
	}
	// Who had risen from a substitute's seat to the one now given up sits there no longer either.
	for _, other := range b.seats {
		if other.Code == seat.Code && other.ApplicationID != "" && other.State != reviewing.SeatVacated && !b.panel.sits(other.Code, other.ApplicationID) {
			if err := leave(s, &other, reason, ""); err != nil {
				return err
			}
		}
	}
	return st.unsettle(s, b, seat.ID)
}

// unsettle takes back what a changed panel has to do again: keys turned, the
// chair whose seat it was and, after the opening, the signatures; marking goes
// on until the substitute has marked too.
func (st *Store) unsettle(s *step, b *bench, seat string) error {
	set := map[string]any{"opened_chair": false, "opened_by_supervisor": false}
	if err := st.followDefence(s, b, set); err != nil {
		return err
	}
	if seat == b.review.ChairSeatID {
		set["chair_seat_id"], set["chair_how"] = "", ""
	}
	if b.review.State != reviewing.Discussing {
		return touchReview(s, &b.review, set)
	}
	err := s.Model(&reviewing.Seat{}).Where("review_id = ?", b.review.ID).Updates(map[string]any{"signed_at": nil, "signed_hash": "", "not_signed": ""}).Error
	if err != nil {
		return err
	}
	return moveReview(s, &b.review, "reopen", set)
}

// ReplaceSeat takes an expert off the panel at any stage up to closing; once
// marks are open only the supervisor may.
func (st *Store) ReplaceSeat(s *step, id, reason string) (Replied, error) {
	seat, err := take[reviewing.Seat](s, id, "该席位")
	if err != nil {
		return Replied{}, err
	}
	r, err := take[reviewing.Review](s, seat.ReviewID, "该评审批次")
	if err != nil {
		return Replied{}, err
	}
	if err := st.impartial(s, "review_id = ?", r.ID); err != nil {
		return Replied{}, err
	}
	if err := demandState(r, "替换专家", seating...); err != nil {
		return Replied{}, err
	}
	if seat.State == reviewing.SeatVacated {
		return Replied{}, reviewing.MoveRefusal("SM-10", string(seat.State), "替换")
	}
	if r.State == reviewing.Discussing && s.Call.Actor.Role != rbac.Supervisor { // who has seen the marks does not choose whose count
		return Replied{}, rbac.Refuse(rbac.RefusedState, "评分已经开启，替换专家须由监督办理（SM-09）。请说明情况，报监督核实后替换。")
	}
	return Replied{SeatID: id, State: reviewing.SeatVacated}, st.vacate(s, seat, "unavailable", reason)
}

// ExpireInvitations vacates the seats whose reply time is over, each in an act
// of its own by "system". It returns how many.
func (st *Store) ExpireInvitations(ctx context.Context) (int, error) {
	var due []reviewing.Seat
	if err := st.DB.Read(ctx).Where("state = ? AND reply_by < ? AND review_id IN (SELECT id FROM reviews WHERE state IN ? AND paused_at IS NULL)", reviewing.SeatInvited, st.DB.Now(), seating).Order("id").Find(&due).Error; err != nil {
		return 0, err
	}
	var errs []error
	for _, seat := range due {
		call := rbacstore.Call{Actor: rbac.SystemActor, Permission: "invitation expire", Object: seat.ID}
		_, _, err := rbacstore.Act(ctx, st.Store.Store, call, func(s *step) (struct{}, error) {
			now, err := take[reviewing.Seat](s, seat.ID, "该席位")
			if err != nil || now.State != reviewing.SeatInvited || now.ReplyBy == nil || !s.Now.After(*now.ReplyBy) {
				s.Unjournalled()
				return struct{}{}, err
			}
			return struct{}{}, st.vacate(s, now, "no_answer", "")
		})
		errs = append(errs, err) // one that fails holds up no other
	}
	return len(due), errors.Join(errs...)
}

// Pledge is the text every expert signs before any material is visible.
const Pledge = "本人承诺：如实声明利益关系，主动回避；独立、客观、公正评审，不由他人代评；不接受任何形式的请托；对评审专家、材料、分数和意见严格保密；评审结束后不留存评审材料。"

// PledgeSeat signs the pledge (P-20); the surface has confirmed the password.
func (st *Store) PledgeSeat(s *step, reviewID string) ([]reviewing.Seat, error) {
	b, err := st.holdBench(s, reviewID)
	if err != nil {
		return nil, err
	}
	mine := b.mySeats(s)
	if err := s.May(len(mine) > 0, "该评审批次"); err != nil {
		return nil, err
	}
	if err := demandState(b.review, "签署承诺书", reviewing.Drawn, reviewing.Composed, reviewing.Marking); err != nil {
		return nil, err
	}
	s.Fact("pledge", journal.Hash(Pledge))
	s.Fact("method", "password")
	signed := 0
	for i := range mine {
		if mine[i].State != reviewing.SeatAccepted {
			continue
		}
		signed++
		mine[i].PledgedAt = &s.Now
		if err := moveSeat(s, &mine[i], "pledge", map[string]any{"pledged_at": s.Now}); err != nil {
			return nil, err
		}
	}
	if signed == 0 {
		return nil, rbac.Refuse(rbac.RefusedState, "承诺书已经签署过（SM-10）。")
	}
	return mine, nil
}

// NewDeclaration declares for one application.
type NewDeclaration struct {
	ApplicationID string `json:"application_id" maxLength:"36"`
	Clear         bool   `json:"clear" doc:"true 无利益关系；false 申请回避"`
	Kind          string `json:"kind,omitempty" enum:"same_unit,past_unit,cooperation,adviser,kin,economic,other" doc:"回避情形"`
	Reason        string `json:"reason,omitempty" maxLength:"500"`
}

// CreateDeclaration declares that there is no conflict, or asks for recusal,
// which suspends access at once. A later recusal replaces an earlier clear word.
func (st *Store) CreateDeclaration(s *step, reviewID string, in NewDeclaration) (reviewing.Declaration, error) {
	b, err := st.holdBench(s, reviewID)
	if err != nil {
		return reviewing.Declaration{}, err
	}
	mine := b.mySeats(s)
	if err := s.May(len(mine) > 0, "该评审批次"); err != nil {
		return reviewing.Declaration{}, err
	}
	if err := demandState(b.review, "作出回避声明", seating...); err != nil {
		return reviewing.Declaration{}, err
	}
	var seat *reviewing.Seat
	for _, sitting := range b.sitting(in.ApplicationID) {
		for i := range mine {
			if mine[i].ID == sitting.ID {
				seat = &mine[i]
			}
		}
	}
	if _, ok := b.application(in.ApplicationID); !ok || seat == nil {
		return reviewing.Declaration{}, rbac.Missing("您评审的该项目")
	}
	if seat.State != reviewing.SeatPledged {
		pack, err := st.Pack(s)
		if err != nil {
			return reviewing.Declaration{}, err
		}
		return reviewing.Declaration{}, s.Obey(pack.Check("P-20", false, nil, "请先签署承诺书，再逐项声明（惯例）。", "请先签署承诺书。"))
	}
	state := "clear"
	if !in.Clear {
		state = "pending"
		if in.Kind == "" || len([]rune(in.Reason)) < 2 {
			return reviewing.Declaration{}, rbac.Invalid("reason", "申请回避请选择情形并写明理由")
		}
	}
	for _, d := range b.words.all {
		if d.SeatID != seat.ID || d.ApplicationID != in.ApplicationID || d.State == "rejected" {
			continue
		}
		if d.State != "clear" || in.Clear {
			return d, rbac.Refuse(rbac.RefusedState, "对该项目已经声明过（SM-10）。如有新情况，可申请回避。")
		}
		if err := s.Delete(&reviewing.Declaration{}, "id = ?", d.ID).Error; err != nil {
			return d, err
		}
	}
	d := reviewing.Declaration{ID: s.NewID(), ReviewID: reviewID, SeatID: seat.ID, ApplicationID: in.ApplicationID, State: state, Kind: in.Kind, CreatedAt: s.Now}
	d.Reason = s.Keys.Seal(in.Reason, "declaration/"+d.ID)
	s.Fact("application", in.ApplicationID)
	s.Fact("seat", seat.Code)
	s.Fact("state", state)
	if state == "clear" && b.review.State == reviewing.Marking { // a substitute who joins while others mark
		var n int64
		if err := s.Model(&reviewing.Sheet{}).Where("application_id = ? AND seat_id = ?", in.ApplicationID, seat.ID).Count(&n).Error; err != nil {
			return d, err
		}
		if n == 0 {
			if err := draftSheet(s, reviewID, in.ApplicationID, seat.ID); err != nil {
				return d, err
			}
		}
	}
	return d, s.Create(&d).Error
}

// DecideDeclaration approves a recusal, filling the seat for that application
// only and voiding its marks, or rejects it and restores access.
func (st *Store) DecideDeclaration(s *step, id string, approve bool) (reviewing.Declaration, error) {
	d, err := take[reviewing.Declaration](s, id, "该回避申请")
	if err != nil {
		return d, err
	}
	to := "rejected"
	if approve {
		to = "approved"
	}
	b, err := st.holdBench(s, d.ReviewID)
	if err != nil {
		return d, err
	}
	if d.State != "pending" {
		return d, reviewing.MoveRefusal("SM-10", d.State, "处理回避申请")
	}
	if err := demandState(b.review, "处理回避申请", seating...); err != nil {
		return d, err
	}
	if err := database.Swap(s.Tx, &reviewing.Declaration{}, map[string]any{"id": id, "state": "pending"}, map[string]any{"state": to}); err != nil {
		return d, err
	}
	d.State = to
	s.Fact("application", d.ApplicationID)
	s.Fact("state", to)
	if !approve {
		return d, nil
	}
	i := slices.IndexFunc(b.words.all, func(x reviewing.Declaration) bool { return x.ID == id })
	b.words.all[i].State = to
	return d, st.stepAside(s, b, d)
}

// stepAside takes a seat off one application, for a conflict or an absence:
// its marks there are void and the next alternate substitutes.
func (st *Store) stepAside(s *step, b *bench, d reviewing.Declaration) error {
	seat := b.seats[d.SeatID]
	if err := voidSheets(s, d.ReviewID, seat.ID, d.ApplicationID); err != nil {
		return err
	}
	if seat.ApplicationID == d.ApplicationID { // a substitute's seat is for that application alone
		if err := leave(s, &seat, "recused", ""); err != nil {
			return err
		}
		b.seats[seat.ID] = seat
	}
	if err := st.fill(s, b, seat.Class, seat.Code, d.ApplicationID); err != nil {
		return err
	}
	if err := st.release(s, b, "recused"); err != nil {
		return err
	}
	return st.unsettle(s, b, "")
}

// VoteChair votes for a seat as chair; a majority of the panel elects (P-16).
func (st *Store) VoteChair(s *step, reviewID, seatID string) (reviewing.Review, error) {
	b, err := st.holdBench(s, reviewID)
	if err != nil {
		return reviewing.Review{}, err
	}
	mine := b.mySeats(s)
	if err := s.May(len(mine) > 0, "该评审批次"); err != nil {
		return b.review, err
	}
	if b.review.Matched() {
		return b.review, rbac.Refuse(rbac.RefusedState, "函评专家互不知晓，不推选组长（P-16）。组长由经办指定。")
	}
	if err := demandState(b.review, "推选组长", reviewing.Composed, reviewing.Marking); err != nil {
		return b.review, err
	}
	panel := b.sitting("")
	if !slices.ContainsFunc(panel, func(x reviewing.Seat) bool { return x.ID == seatID }) {
		return b.review, rbac.Invalid("seat_id", "组长须是专家组的在席成员")
	}
	if b.review.ChairSeatID != "" {
		return b.review, rbac.Refuse(rbac.RefusedState, "组长已经产生（SM-09）。")
	}
	if err := st.mayChair(s, b, b.seats[seatID]); err != nil {
		return b.review, err
	}
	votes := 0
	for _, seat := range panel {
		if seat.PersonID == s.Call.Actor.Person {
			if err := s.Model(&reviewing.Seat{}).Where("id = ?", seat.ID).Update("vote", seatID).Error; err != nil {
				return b.review, err
			}
			seat.Vote = seatID
		}
		if seat.Vote == seatID {
			votes++
		}
	}
	set := map[string]any{}
	if votes*2 > len(panel) {
		b.review.ChairSeatID, b.review.ChairHow = seatID, "elected"
		set["chair_seat_id"], set["chair_how"] = seatID, "elected"
		s.Fact("elected", b.seats[seatID].Code)
	}
	return b.review, touchReview(s, &b.review, set)
}

// mayChair is P-16: the chair's unit is not among the applicants, not even of an
// application that the chair is recused from.
func (st *Store) mayChair(s *step, b *bench, seat reviewing.Seat) error {
	pack, err := st.Pack(s)
	if err != nil {
		return err
	}
	f, err := st.loadFitness(s, pack, b.review, []string{seat.ExpertID})
	if err != nil {
		return err
	}
	return st.Obey(s, "review/"+b.review.ID, pack.Check("P-16", !f.facts.applies(f.people[seat.ExpertID]), rulebook.Inputs{"seat": seat.Code},
		"组长所在单位不得是本批次项目的牵头、参与、联合单位或人员所在单位（惯例）："+seat.Code+"。", "请另行推选或指定组长。"))
}

// AppointChair appoints a seated expert as chair (P-16).
func (st *Store) AppointChair(s *step, reviewID, seatID string) (reviewing.Review, error) {
	b, err := st.holdBench(s, reviewID)
	if err != nil {
		return reviewing.Review{}, err
	}
	if err := demandState(b.review, "指定组长", reviewing.Composed, reviewing.Marking); err != nil {
		return b.review, err
	}
	if !slices.ContainsFunc(b.sitting(""), func(x reviewing.Seat) bool { return x.ID == seatID }) {
		return b.review, rbac.Invalid("seat_id", "组长须是专家组的在席成员")
	}
	if b.review.ChairHow == "elected" || b.review.OpenedChair {
		return b.review, rbac.Refuse(rbac.RefusedState, "组长已由专家组推选产生或已确认开启，不能再行指定（SM-09、P-16）。")
	}
	if err := st.mayChair(s, b, b.seats[seatID]); err != nil {
		return b.review, err
	}
	b.review.ChairSeatID, b.review.ChairHow = seatID, "appointed"
	s.Fact("appointed", b.seats[seatID].Code)
	return b.review, touchReview(s, &b.review, map[string]any{"chair_seat_id": seatID, "chair_how": "appointed"})
}

// SeatView is a seat as officer and panel see it; names are masked but for who may know.
type SeatView struct {
	ID            string              `json:"id"`
	Code          string              `json:"code"`
	Class         experts.Class       `json:"class"`
	ApplicationID string              `json:"application_id"`
	State         reviewing.SeatState `json:"state"`
	Reason        string              `json:"reason"`
	Name          string              `json:"name"`
	ReplyBy       *time.Time          `json:"reply_by"`
	ReplyEntered  bool                `json:"reply_entered" doc:"已补录电话答复，待复核"`
	Chair         bool                `json:"chair"`
}
