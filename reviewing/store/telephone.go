package store

import (
	"encoding/json"
	"fmt"
	"time"

	"keping/configs/database"
	"keping/experts"
	expertstore "keping/experts/store"
	"keping/rbac"
	"keping/rbac/secret"
	rbacstore "keping/rbac/store"
	"keping/reviewing"
)

// TelephoneReply is an expert's reply by telephone as an officer took it down
// (补录): it counts once a second person has confirmed it.
type TelephoneReply struct {
	Accept   bool      `json:"accept"`
	Reason   string    `json:"reason,omitempty" maxLength:"500" doc:"谢绝的理由"`
	Consent  bool      `json:"consent,omitempty" doc:"专家在电话中同意个人信息处理规则；尚未同意过的专家接受邀请时必填"`
	CalledAt time.Time `json:"called_at" doc:"通话时间"`
	Caller   string    `json:"caller" minLength:"2" maxLength:"100" doc:"通话双方及号码" example:"专家本人，手机尾号0000，经办张敏接听"`
}

// takenDown is a reply as it is sealed, with the salt of the caller's digest.
type takenDown struct {
	TelephoneReply
	Salt string `json:"salt"`
}

// EnterReply takes down a reply by telephone. The seat is told by the code in
// the invitation: whose it is the officer need not know (P-12).
func (st *Store) EnterReply(s *step, seatID string, in TelephoneReply) (Replied, error) {
	seat, err := st.invited(s, seatID, "补录电话答复")
	if err != nil {
		return Replied{}, err
	}
	pack, err := st.Pack(s)
	if err != nil {
		return Replied{}, err
	}
	var bad rbac.Fields
	bad.Check(!in.CalledAt.After(s.Now) && !in.CalledAt.Before(seat.CreatedAt.Truncate(time.Minute)), "called_at", "通话时间应在发出邀请之后、现在之前")
	bad.Check(in.Accept || len([]rune(in.Reason)) >= 2, "reason", "谢绝请写明理由")
	if err := bad.Refusal(); err != nil {
		return Replied{}, err
	}
	kept := takenDown{in, secret.Random(16)}
	data, err := json.Marshal(kept)
	if err != nil {
		return Replied{}, err
	}
	s.Verdicts = append(s.Verdicts, pack.Pass("R-090", map[string]any{"seat": seat.Code}))
	s.Fact("accept", in.Accept)
	s.Fact("called_at", in.CalledAt.Unix())
	s.Fact("caller", rbacstore.Digest(kept.Salt, in.Caller))
	return Replied{SeatID: seat.ID, State: seat.State}, database.Swap(s.Tx, &reviewing.Seat{}, map[string]any{"id": seat.ID, "state": seat.State, "reply_entered_by": seat.ReplyEnteredBy},
		map[string]any{"reply_entered_by": s.Call.Actor.User, "reply_entered": s.Keys.Seal(string(data), "seat/"+seat.ID+"/reply")})
}

// ConfirmReply is the second person's word; accept is said again, so that a
// slip of the first shows. The expert's login, if there is none yet, comes by
// an activation link of the expert's own.
func (st *Store) ConfirmReply(s *step, seatID string, accept bool) (Replied, error) {
	seat, err := st.invited(s, seatID, "复核电话答复")
	if err != nil {
		return Replied{}, err
	}
	switch seat.ReplyEnteredBy {
	case "":
		return Replied{}, rbac.Refuse(rbac.RefusedState, "该席位没有待复核的电话答复（SM-10）。请先由一名经办补录。")
	case s.Call.Actor.User:
		return Replied{}, rbac.Refuse(rbac.RefusedState, "电话答复须由另一人复核（第二十六条记实管理）。")
	}
	text, err := s.Keys.Open(seat.ReplyEntered, "seat/"+seat.ID+"/reply")
	if err != nil {
		return Replied{}, err
	}
	var entered takenDown
	if err := json.Unmarshal([]byte(text), &entered); err != nil {
		return Replied{}, err
	}
	if entered.Accept != accept {
		return Replied{}, rbac.Invalid("accept", "与首次补录不一致，请再次致电核实；首次录错的由其重新补录")
	}
	s.Fact("accept", accept)
	if !accept {
		return Replied{SeatID: seat.ID, State: reviewing.SeatVacated}, st.vacate(s, seat, "declined", entered.Reason)
	}
	e, err := expertstore.Take(s, seat.ExpertID)
	if err != nil {
		return Replied{}, err
	}
	if err := agree(s, &e, entered.Consent); err != nil {
		return Replied{}, err
	}
	if e.UserID == "" {
		if err := st.loginByLink(s, &e); err != nil {
			return Replied{}, err
		}
	}
	s.On(seat.ID)
	if err := rbacstore.KillLinks(s, "seat/"+seat.ID); err != nil {
		return Replied{}, err
	}
	return Replied{SeatID: seat.ID, State: reviewing.SeatAccepted}, moveSeat(s, &seat, "accept", map[string]any{"reply_by": nil})
}

// invited loads a seat whose invitation is still open, its review held.
func (st *Store) invited(s *step, id, act string) (reviewing.Seat, error) {
	seat, err := take[reviewing.Seat](s, id, "该席位")
	if err != nil {
		return seat, err
	}
	b, err := st.holdBench(s, seat.ReviewID)
	if err != nil {
		return seat, err
	}
	seat = b.seats[id]
	if err := demandState(b.review, act, seating...); err != nil {
		return seat, err
	}
	if seat.State != reviewing.SeatInvited {
		return seat, reviewing.MoveRefusal("SM-10", string(seat.State), act)
	}
	if s.Now.After(*seat.ReplyBy) {
		return seat, rbac.Refuse(rbac.RefusedState, "答复时限已过，该席位由候补递补（SM-10）。")
	}
	return seat, nil
}

// agree records the expert's consent to the rules on personal data.
func agree(s *step, e *experts.Expert, consent bool) error {
	if e.ConsentVersion != "" {
		return nil
	}
	if !consent {
		return rbac.Invalid("consent", "接受邀请须同意个人信息处理规则（%s版）", ConsentVersion)
	}
	e.ConsentVersion = ConsentVersion
	s.Fact("consent", ConsentVersion)
	return s.Model(&experts.Expert{}).Where("id = ?", e.ID).Update("consent_version", ConsentVersion).Error
}

// loginByLink makes an expert's login whose password the expert sets by a link.
func (st *Store) loginByLink(s *step, e *experts.Expert) error {
	n, err := s.Number("login:expert")
	if err != nil {
		return err
	}
	u, err := rbacstore.MakeUser(s, rbacstore.NewUser{Login: fmt.Sprintf("zj%05d", n), Name: e.Name, UnitID: e.UnitID, Mail: e.Mail}, e.PersonID, st.PublicURL)
	if err != nil {
		return err
	}
	if err := s.Create(&rbac.Grant{ID: s.NewID(), UserID: u.ID, Role: rbac.Expert, GrantedBy: "system", GrantedAt: s.Now}).Error; err != nil {
		return err
	}
	e.UserID = u.ID
	return s.Model(&experts.Expert{}).Where("id = ?", e.ID).Update("user_id", u.ID).Error
}
