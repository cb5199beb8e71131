package store

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"keping/configs/database"
	"keping/experts"
	"keping/experts/draw"
	expertstore "keping/experts/store"
	"keping/rbac"
	"keping/rbac/journal"
	"keping/rbac/notice"
	"keping/rbac/secret"
	rbacstore "keping/rbac/store"
	"keping/reviewing"
)

// panel is who sits where: a draw's record with its vacancies replayed, or a
// match's with its changes.
type panel struct {
	seated
	frame   draw.Frame // of a match: its pool
	seed    string
	drawn   *drawnPanel   // of a draw
	matched *matchedPanel // of a match
}

// seated is what a draw and a match both tell; an application "" is the panel
// of a draw, and everybody of a match.
type seated interface {
	Sitting(application string) []draw.Seated
	UnitOf(code string) string
	Open(class, application string) string
}

type drawnPanel struct {
	*draw.Panel
	record draw.Record
}

// sits tells whether a code sits in an application's composition, or the panel's.
func (p *panel) sits(code, application string) bool {
	return slices.ContainsFunc(p.Sitting(application), func(x draw.Seated) bool { return x.Code == code })
}

func openPanel(s *step, d *reviewing.Draw) (*panel, error) {
	if d.IsMatch() {
		m, err := openMatch(s, d)
		if err != nil {
			return nil, err
		}
		return &panel{seated: m, frame: m.record.Frame.Pool, seed: m.record.Seed, matched: m}, nil
	}
	var record draw.Record
	if err := json.Unmarshal([]byte(d.Record), &record); err != nil {
		return nil, err
	}
	p, err := draw.NewPanel(record)
	return &panel{seated: p, frame: record.Frame, seed: record.Seed, drawn: &drawnPanel{p, record}}, err
}

// Holders of the secrets: the bureau's officer and the supervisor.
const (
	bureauHolder     = "bureau"
	supervisorHolder = "supervisor"
)

func holderOf(role rbac.Role) string {
	if role == rbac.Supervisor {
		return supervisorHolder
	}
	return bureauHolder
}

// DrawView is where a draw stands.
type DrawView struct {
	ID          string            `json:"id"`
	ReviewID    string            `json:"review_id"`
	State       string            `json:"state"`
	FrameHash   string            `json:"frame_hash"`
	Commitments []draw.Commitment `json:"commitments"`
	Revealed    []string          `json:"revealed"`
	RevealBy    *time.Time        `json:"reveal_by"`
	Approvals   []rbac.Role       `json:"approvals" doc:"已同意作废的角色"`
	Seats       []draw.Seated     `json:"seats"`
}

func decodeLists(d reviewing.Draw) (commitments []draw.Commitment, reveals []draw.Reveal, err error) {
	if err = json.Unmarshal([]byte(d.Commitments), &commitments); err == nil {
		err = json.Unmarshal([]byte(d.Reveals), &reveals)
	}
	return
}

func viewDraw(d reviewing.Draw) (DrawView, error) {
	commitments, reveals, err := decodeLists(d)
	v := DrawView{ID: d.ID, ReviewID: d.ReviewID, State: d.State, FrameHash: d.FrameHash, Commitments: commitments, Revealed: []string{}, Approvals: []rbac.Role{}, RevealBy: d.RevealBy, Seats: []draw.Seated{}}
	for _, r := range reveals {
		v.Revealed = append(v.Revealed, r.Holder)
	}
	for _, a := range d.Approvals {
		v.Approvals = append(v.Approvals, a.Role)
	}
	if err == nil && d.Record != "" && !d.IsMatch() {
		var record draw.Record
		err = json.Unmarshal([]byte(d.Record), &record)
		v.Seats = record.Seats
	}
	return v, err
}

// CommitDraw takes a holder's commitment; the secret itself stays with the holder.
func (st *Store) CommitDraw(s *step, id, commitment string) (DrawView, error) {
	d, err := take[reviewing.Draw](s, id, "该抽取")
	if err != nil {
		return DrawView{}, err
	}
	if err := st.impartial(s, "review_id = ?", d.ReviewID); err != nil {
		return DrawView{}, err
	}
	if d.State != "frozen" {
		return DrawView{}, reviewing.MoveRefusal("SM-09", d.State, "承诺")
	}
	commitments, _, err := decodeLists(d)
	if err != nil {
		return DrawView{}, err
	}
	holder := holderOf(s.Call.Actor.Role)
	if slices.ContainsFunc(commitments, func(c draw.Commitment) bool { return c.Holder == holder }) {
		return DrawView{}, rbac.Refuse(rbac.RefusedState, "%s已经承诺过，不能再改（SM-09）。", holder)
	}
	before := d.Commitments
	commitments = append(commitments, draw.Commitment{Holder: holder, Hash: commitment})
	slices.SortFunc(commitments, func(a, b draw.Commitment) int { return strings.Compare(a.Holder, b.Holder) })
	set := map[string]any{}
	if len(commitments) == 2 {
		pack, err := st.Pack(s)
		if err != nil {
			return DrawView{}, err
		}
		by := s.Now.Add(time.Duration(pack.RevealMinutes) * time.Minute)
		d.RevealBy, set["reveal_by"] = &by, by
		s.WantCheckpoint("各方已承诺")
	}
	d.Committers = append(d.Committers, reviewing.Committer{Holder: holder, User: s.Call.Actor.User})
	set["committers"] = d.Committers
	text, err := json.Marshal(commitments)
	if err != nil {
		return DrawView{}, err
	}
	d.Commitments, set["commitments"] = string(text), string(text)
	s.Fact("frame", d.FrameHash)
	s.Fact("holder", holder)
	s.Fact("commitment", commitment)
	if err := database.Swap(s.Tx, &reviewing.Draw{}, map[string]any{"id": id, "state": "frozen", "commitments": before}, set); err != nil {
		return DrawView{}, err
	}
	return viewDraw(d)
}

// RevealDraw takes a holder's secret; with the last one the draw runs.
func (st *Store) RevealDraw(s *step, id, revealed string) (DrawView, error) {
	d, err := take[reviewing.Draw](s, id, "该抽取")
	if err != nil {
		return DrawView{}, err
	}
	if err := st.impartial(s, "review_id = ?", d.ReviewID); err != nil {
		return DrawView{}, err
	}
	commitments, reveals, err := decodeLists(d)
	if err != nil {
		return DrawView{}, err
	}
	holder := holderOf(s.Call.Actor.Role)
	switch {
	case d.State != "frozen":
		return DrawView{}, reviewing.MoveRefusal("SM-09", d.State, "揭示")
	case len(commitments) < 2:
		return DrawView{}, rbac.Refuse(rbac.RefusedState, "还有持有人没有承诺，不能揭示（SM-09）。请待各方都承诺后再揭示。")
	case s.Now.After(*d.RevealBy):
		return DrawView{}, rbac.Refuse(rbac.RefusedState, "揭示时限已过，本次抽取作废（SM-09）。请由领导和监督确认作废后重新锁定（未揭示的一方不参与决定）。")
	case slices.ContainsFunc(reveals, func(r draw.Reveal) bool { return r.Holder == holder }):
		return DrawView{}, rbac.Refuse(rbac.RefusedState, "%s已经揭示过（SM-09）。", holder)
	case !draw.ValidSecret(revealed):
		return DrawView{}, rbac.Invalid("secret", "应为至少32位的小写十六进制数")
	}
	for _, c := range commitments {
		if c.Holder == holder && c.Hash != draw.Commit(d.FrameHash, holder, revealed) {
			return DrawView{}, rbac.Invalid("secret", "与先前的承诺不符，请核对是否用错了秘密")
		}
	}
	before := d.Reveals
	reveals = append(reveals, draw.Reveal{Holder: holder, Secret: revealed})
	slices.SortFunc(reveals, func(a, b draw.Reveal) int { return strings.Compare(a.Holder, b.Holder) })
	text, err := json.Marshal(reveals)
	if err != nil {
		return DrawView{}, err
	}
	s.Fact("frame", d.FrameHash)
	s.Fact("holder", holder)
	d.Reveals = string(text)
	set := map[string]any{"reveals": d.Reveals}
	last := len(reveals) == len(commitments)
	if last {
		if err := run(s, &d, reveals); err != nil {
			return DrawView{}, err
		}
		set["state"], set["record"] = d.State, d.Record
	}
	if err := database.Swap(s.Tx, &reviewing.Draw{}, map[string]any{"id": id, "state": "frozen", "reveals": before}, set); err != nil {
		return DrawView{}, err
	}
	if last && d.Purpose == "panel" {
		if err := st.seatDrawn(s, d); err != nil {
			return DrawView{}, err
		}
	}
	return viewDraw(d)
}

// VoidDraw agrees to void an attempt; with the approvals it needs the attempt
// is void and, for a panel, the review is prepared anew under the next one.
func (st *Store) VoidDraw(s *step, id, reason string) (DrawView, error) {
	d, err := take[reviewing.Draw](s, id, "该抽取")
	if err != nil {
		return DrawView{}, err
	}
	if err := st.impartial(s, "review_id = ?", d.ReviewID); err != nil {
		return DrawView{}, err
	}
	if d.State != "frozen" {
		return DrawView{}, reviewing.MoveRefusal("SM-09", d.State, "作废抽取")
	}
	_, reveals, err := decodeLists(d)
	if err != nil {
		return DrawView{}, err
	}
	var revealed []string
	for _, r := range reveals {
		revealed = append(revealed, r.Holder)
	}
	failed := d.Failed(revealed, s.Now)
	actor := s.Call.Actor
	switch {
	case slices.Contains(failed, actor.User):
		return DrawView{}, rbac.Refuse(rbac.RefusedState, "您未按时揭示，不得参与作废本次抽取的决定（SM-09）。请由另一名监督或领导办理。")
	case slices.ContainsFunc(d.Approvals, func(a reviewing.Approval) bool { return a.User == actor.User }):
		return DrawView{}, rbac.Refuse(rbac.RefusedState, "您已同意作废，还须另一方同意（SM-09）：领导与监督各一；监督未按时揭示的，由领导与另一名领导或监督决定。")
	}
	before, err := d.Approvals.Value()
	if err != nil {
		return DrawView{}, err
	}
	d.Approvals = append(d.Approvals, reviewing.Approval{User: actor.User, Role: actor.Role})
	s.Fact("frame", d.FrameHash)
	salt := secret.Random(16)
	s.Fact("reason", rbacstore.Digest(salt, reason))
	set := map[string]any{"approvals": d.Approvals, "void_reason": reason, "void_salt": salt}
	if reviewing.Voidable(d.Approvals, failed) {
		set["state"], d.State = "void", "void"
		s.Fact("state", "void")
		if d.Purpose == "panel" {
			r, err := take[reviewing.Review](s, d.ReviewID, "该评审批次")
			if err != nil {
				return DrawView{}, err
			}
			if err := moveReview(s, &r, "thaw", map[string]any{}); err != nil {
				return DrawView{}, err
			}
		}
	}
	if err := database.Swap(s.Tx, &reviewing.Draw{}, map[string]any{"id": id, "state": "frozen", "approvals": before}, set); err != nil {
		return DrawView{}, err
	}
	return viewDraw(d)
}

// run draws.
func run(s *step, d *reviewing.Draw, reveals []draw.Reveal) error {
	if d.IsMatch() {
		return runMatch(s, d, reveals)
	}
	frame, err := draw.ParseFrame([]byte(d.Frame))
	if err != nil {
		return err
	}
	record, err := draw.Run(frame, reveals, "")
	if err != nil {
		return err
	}
	canonical, err := journal.Canonical(record)
	if err != nil {
		return err
	}
	d.Record, d.State = string(canonical), "run"
	s.Brings("draw.run", "draw/"+d.ID, map[string]any{"frame": d.FrameHash, "record": journal.Hash(d.Record)})
	return nil
}

// seatDrawn seats and invites who was drawn.
func (st *Store) seatDrawn(s *step, d reviewing.Draw) error {
	pack, err := st.Pack(s)
	if err != nil {
		return err
	}
	p, err := openPanel(s, &d)
	if err != nil {
		return err
	}
	first := p.Sitting("")
	r, err := take[reviewing.Review](s, d.ReviewID, "该评审批次")
	if err != nil {
		return err
	}
	drawn := map[string]string{} // code → expert id
	var ids []string
	for _, seated := range first {
		e, err := expertOf(s, d.ID, seated.Code)
		if err != nil {
			return err
		}
		drawn[seated.Code] = e.ID
		ids = append(ids, e.ID)
	}
	fit, err := st.loadFitness(s, pack, r, ids)
	if err != nil {
		return err
	}
	var passed []reviewing.Seat
	for _, seated := range first {
		why := fit.passed(drawn[seated.Code], experts.Class(seated.Class), "")
		if why == "" {
			if err := st.invite(s, r, d, seated.Class, seated.Code, "", ""); err != nil {
				return err
			}
			continue
		}
		e := fit.people[drawn[seated.Code]] // never invited: the facts have changed since the freeze
		seat := reviewing.Seat{ID: s.NewID(), ReviewID: r.ID, Class: experts.Class(seated.Class), Code: seated.Code, ExpertID: e.ID, PersonID: e.PersonID, UnitID: e.UnitID,
			State: reviewing.SeatVacated, Reason: why, CreatedAt: s.Now}
		if err := s.Create(&seat).Error; err != nil {
			return err
		}
		passed = append(passed, seat)
	}
	if err := moveReview(s, &r, "run", map[string]any{}); err != nil {
		return err
	}
	for _, seat := range passed {
		b, err := st.holdBench(s, r.ID)
		if err != nil {
			return err
		}
		if err := st.fill(s, b, seat.Class, seat.Code, ""); err != nil {
			return err
		}
	}
	return st.recuseKnown(s, pack, r.ID)
}

// invite makes a seat for a code and sends the one-time link.
func (st *Store) invite(s *step, r reviewing.Review, d reviewing.Draw, class, code, application, words string) error {
	e, err := expertOf(s, d.ID, code)
	if err != nil {
		return err
	}
	pack, err := st.Pack(s)
	if err != nil {
		return err
	}
	by := s.Now.Add(time.Duration(pack.InvitationReplyHours) * time.Hour)
	seat := reviewing.Seat{ID: s.NewID(), ReviewID: r.ID, ApplicationID: application, Class: experts.Class(class), Code: code, ExpertID: e.ID, PersonID: e.PersonID,
		UnitID: e.UnitID, State: reviewing.SeatInvited, ReplyBy: &by, CreatedAt: s.Now}
	if words != "" { // why this one was appointed directly
		seat.NoteSalt = secret.Random(16)
		seat.Note = s.Keys.Seal(words, "seat/"+seat.ID+"/note")
		s.Fact("reason", rbacstore.Digest(seat.NoteSalt, words))
	}
	if err := s.Create(&seat).Error; err != nil {
		return err
	}
	token, err := rbacstore.NewLink(s, rbac.LinkInvitation, e.UserID, "seat/"+seat.ID, by.Sub(s.Now))
	if err != nil {
		return err
	}
	what := "评审日期" + r.MeetingDay
	if r.Matched() {
		what = "以函评方式在线评审分配给您的项目，评分截止" + r.MeetingDay
	}
	return s.Notify(notice.Message{Kind: "invitation", UserID: e.UserID, Address: e.Mail, Object: "seat/" + seat.ID, Subject: "评审邀请",
		Body: fmt.Sprintf("%s：\n\n邀请您担任“%s”评审专家（%s类），%s。请在%d小时内打开下面的链接答复：\n%s/invitation#%s\n\n链接只能使用一次，请勿转发；请对受邀评审一事保密。\n不便上网的，可致电区科技局答复，请报席位编号%s，无须报姓名。",
			e.Name, r.Title, experts.ClassNames[experts.Class(class)], what, pack.InvitationReplyHours, st.PublicURL, token, code)})
}

func expertOf(s *step, drawID, code string) (experts.Expert, error) {
	var row reviewing.FrameCode
	if err := s.Take(&row, "draw_id = ? AND code = ?", drawID, code).Error; err != nil {
		return experts.Expert{}, err
	}
	return expertstore.Take(s, row.ExpertID)
}

// seatHelp is the way out where a seat cannot be filled as asked.
const seatHelp = "请刷新后核对席位：有候补可以递补的，由经办“复核回避”，候补即补上空席；候补已用尽的空席，先由科技局领导直接指定，再为单个项目递补。"

// fill fills a vacated seat by the next fitting alternate, journalled as its
// own entry, and invites.
func (st *Store) fill(s *step, b *bench, class experts.Class, code, application string) error {
	return st.fillWith(s, b, class, code, application, nil, "")
}

func (st *Store) fillWith(s *step, b *bench, class experts.Class, code, application string, appointed *draw.Appointed, words string) error {
	if b.panel.matched != nil {
		return st.replace(s, b, class, code, application, appointed, words)
	}
	again := appointed == nil && b.panel.Open(string(class), application) == code // nobody leaves
	record := &b.panel.drawn.record
	gone := map[string]string{}
	for _, seat := range b.seats {
		if seat.State == reviewing.SeatVacated && (seat.ApplicationID == "" || seat.ApplicationID == application) {
			if _, live := b.seat(seat.Code, ""); !live {
				gone[seat.Code] = seat.Reason
			}
		}
	}
	pack, err := st.Pack(s)
	if err != nil {
		return err
	}
	alternates := map[string]string{} // code → expert id
	var codes []reviewing.FrameCode
	if err := s.Where("draw_id = ?", b.draw.ID).Find(&codes).Error; err != nil {
		return err
	}
	var ids []string
	for _, row := range codes {
		if slices.ContainsFunc(record.Alternates, func(a draw.Alternates) bool { return a.Class == string(class) && slices.Contains(a.Codes, row.Code) }) {
			alternates[row.Code] = row.ExpertID
			ids = append(ids, row.ExpertID)
		}
	}
	fit, err := st.loadFitness(s, pack, b.review, ids)
	if err != nil {
		return err
	}
	why := func(code string) string {
		switch reason := gone[code]; reason {
		case "declined", "no_answer", "unavailable", "excluded":
			return reason
		}
		for _, d := range b.words.all {
			if d.ApplicationID == application && d.State == "approved" && b.seats[d.SeatID].Code == code {
				if d.Kind == reviewing.Absence {
					return "unavailable"
				}
				return "recused"
			}
		}
		return fit.passed(alternates[code], class, application)
	}
	row, err := b.panel.drawn.Fill(string(class), code, application, why, appointed)
	if err != nil {
		return rbac.Refuse(rbac.RefusedState, "%v（SM-10）。%s", err, seatHelp)
	}
	if again && row.Code == "" {
		return nil
	}
	record.Vacancies = append(record.Vacancies, row)
	if err := amend(s, b.draw, *record, row); err != nil {
		return err
	}
	next := row.Code
	if row.Appointed != nil {
		next = row.Appointed.Code
	}
	if next == "" {
		return nil
	}
	return st.invite(s, b.review, *b.draw, string(class), next, application, words)
}

// amend keeps a record that has grown by a vacancy or a replacement, which is
// journalled by its hash.
func amend(s *step, d *reviewing.Draw, record, vacancy any) error {
	canonical, err := journal.Canonical(record)
	if err != nil {
		return err
	}
	hash, err := journal.HashOf(vacancy)
	if err != nil {
		return err
	}
	before := d.Record
	d.Record = string(canonical)
	s.Brings("vacancy.fill", "draw/"+d.ID, map[string]any{"frame": d.FrameHash, "vacancy": hash})
	return database.Swap(s.Tx, &reviewing.Draw{}, map[string]any{"id": d.ID, "record": before}, map[string]any{"record": d.Record})
}
