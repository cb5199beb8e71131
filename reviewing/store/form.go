package store

import (
	"slices"
	"time"

	"keping/experts"
	"keping/experts/draw"
	"keping/rbac"
	"keping/rbac/journal"
	"keping/reviewing"
)

// The forms of a review as they are printed and signed on paper (P-53).
const (
	FormPledge  = "pledge"  // 承诺书, of each seat
	FormSignIn  = "sign_in" // 签到表
	FormSheet   = "sheet"   // 个人评分表: the own as they stand, or empty ones for the officer to hand out
	FormSummary = "summary" // 评分汇总表
	FormOpinion = "opinion" // 综合意见表
	FormDraw    = "draw"    // 抽取记录表
)

// PrintedForm is what a form is printed from: only the parts of its kind are filled.
type PrintedForm struct {
	Kind      string
	Review    reviewing.Review
	Programme reviewing.Programme
	Pledge    string
	Seats     []PrintedSeat
	Criteria  []reviewing.Criterion
	Votes     bool
	Sheets    []PrintedSheet
	Summary   Summary
	Opinion   string
	Opinions  []PrintedOpinion
	Joint     []reviewing.JointSeat
	Draw      draw.Record
	DrawHash  string
	Drawn     time.Time
	Head      journal.Checkpoint
	Printed   time.Time
}

// PrintedSeat is a line to sign, with what has been signed already.
type PrintedSeat struct {
	SeatView
	Unit, Title string // "" while the name is masked
	PledgedAt   *time.Time
	AttendedAt  *time.Time
	SignedAt    *time.Time
	SignedHash  string
	NotSigned   string
	Dissent     string
}

// PrintedSheet is one sheet: an empty one has neither marks nor hash.
type PrintedSheet struct {
	Number, Title, Code string
	Class               experts.Class
	Criteria            []reviewing.Criterion // those of the class
	Marks               map[string]string     // criterion → as written
	Reasons             map[string]string
	Total               string
	Recommendation      string
	Opinion             string
	Hash                string
}

// PrintedOpinion is the panel's word on one application.
type PrintedOpinion struct{ Number, Title, Text string }

// PrintForm gathers a form for officer and supervisor, or for a panel member
// the own; what it shows of marks is what the actor may see.
func (st *Store) PrintForm(s *step, id, kind string) (PrintedForm, error) {
	b, err := st.loadBench(s, id)
	if err != nil {
		return PrintedForm{}, err
	}
	mine := b.mySeats(s)
	if err := s.May(len(mine) > 0, "该评审批次"); err != nil {
		return PrintedForm{}, err
	}
	s.Fact("form", kind)
	f := PrintedForm{Kind: kind, Review: b.review, Printed: s.Now, Criteria: b.guide.Criteria, Votes: b.guide.Votes || b.guide.Method == "votes"}
	if f.Programme, err = take[reviewing.Programme](s, b.review.ProgrammeID, "该专项"); err != nil {
		return f, err
	}
	if f.Head, err = st.Head(s.Statement.Context); err != nil {
		return f, err
	}
	expert := s.Call.Actor.Role == rbac.Expert
	if expert && (kind == FormSignIn || kind == FormDraw) {
		return f, rbac.Refuse(rbac.RefusedRole, "%s由经办打印。", FormNames[kind])
	}
	if kind != FormDraw && b.panel == nil {
		return f, reviewing.MoveRefusal("SM-09", string(b.review.State), "打印"+FormNames[kind])
	}
	if kind == FormSignIn && b.review.Matched() {
		return f, rbac.Refuse(rbac.RefusedState, "本批次为函评，没有评审会，不必签到（SM-09）。评分和签字在系统内完成。")
	}
	switch kind {
	case FormPledge, FormSignIn:
		f.Pledge = Pledge
		f.Seats, err = st.printedSeats(s, b, expert)
	case FormSheet:
		f.Sheets, err = st.printedSheets(s, b, expert)
	case FormSummary:
		if f.Summary, err = st.SummaryOf(s, id); err == nil {
			f.Seats, err = st.printedSeats(s, b, expert)
		}
	case FormOpinion:
		if b.review.OpinionHash == "" {
			return f, rbac.Refuse(rbac.RefusedState, "组长意见尚未写就，不能打印综合意见表（SM-09）。请待组长撰写后打印。")
		}
		err = st.printedOpinion(s, b, &f, expert)
	case FormDraw:
		if b.draw == nil {
			return f, rbac.Refuse(rbac.RefusedState, "尚未抽取，没有抽取记录（SM-09）。")
		}
		if b.panel.matched != nil {
			return f, rbac.Refuse(rbac.RefusedState, "本批次为函评，专家由匹配产生，没有抽取记录表（SM-09）。请导出匹配记录和各文件。")
		}
		f.Draw, f.DrawHash, f.Drawn = b.panel.drawn.record, b.draw.FrameHash, b.draw.CreatedAt
		f.Seats, err = st.printedSeats(s, b, expert)
	}
	return f, err
}

// FormNames in Chinese.
var FormNames = map[string]string{FormPledge: "评审专家承诺书", FormSignIn: "评审专家签到表", FormSheet: "个人评分表", FormSummary: "评分汇总表", FormOpinion: "综合意见表", FormDraw: "专家抽取记录表"}

// printedSeats are the lines to sign: names as the actor may see them at this moment.
func (st *Store) printedSeats(s *step, b *bench, own bool) ([]PrintedSeat, error) {
	views, err := st.SeatsOf(s.Statement.Context, s.Call.Actor, func(bool, string) error { return nil }, b.review.ID)
	if err != nil {
		return nil, err
	}
	var out []PrintedSeat
	for _, v := range views {
		seat, ok := b.seats[v.ID]
		if !ok || seat.State == reviewing.SeatVacated || own && seat.PersonID != s.Call.Actor.Person {
			continue
		}
		p := PrintedSeat{SeatView: v, PledgedAt: seat.PledgedAt, AttendedAt: seat.AttendedAt, SignedAt: seat.SignedAt, SignedHash: seat.SignedHash, NotSigned: seat.NotSigned}
		if b.review.State == reviewing.Discussing || b.review.State == reviewing.Closed {
			if p.Dissent, err = s.Keys.Open(seat.Dissent, "seat/"+seat.ID+"/dissent"); err != nil {
				return nil, err
			}
		}
		e, err := take[experts.Expert](s, seat.ExpertID, "该专家")
		if err != nil {
			return nil, err
		}
		if v.Name == e.Name {
			u, err := take[rbac.Unit](s, e.UnitID, "工作单位")
			if err != nil {
				return nil, err
			}
			p.Unit, p.Title = u.Name, e.Title
		}
		out = append(out, p)
	}
	return out, nil
}

// printedSheets are the actor's own sheets as they stand, or an empty one for
// each who still has to mark.
func (st *Store) printedSheets(s *step, b *bench, own bool) ([]PrintedSheet, error) {
	var out []PrintedSheet
	for _, a := range b.applications {
		for _, seat := range b.sitting(a.ID) {
			p := PrintedSheet{Number: a.Number, Title: a.Title, Code: seat.Code, Class: seat.Class, Marks: map[string]string{}, Reasons: map[string]string{}}
			for _, c := range b.guide.Criteria {
				if c.MarkedBy(seat.Class) {
					p.Criteria = append(p.Criteria, c)
				}
			}
			if !own {
				out = append(out, p)
				continue
			}
			if seat.PersonID != s.Call.Actor.Person || !b.declared(seat.ID, a.ID) {
				continue
			}
			if err := ownSheet(s, b, a.ID, seat.ID, &p); err != nil {
				return nil, err
			}
			out = append(out, p)
		}
	}
	return out, nil
}

// ownSheet fills in a seat's latest sheet for an application.
func ownSheet(s *step, b *bench, application, seat string, p *PrintedSheet) error {
	sheets, err := find[reviewing.Sheet](s, "number DESC", "application_id = ? AND seat_id = ? AND state IN ?", application, seat, []reviewing.SheetState{reviewing.SheetDraft, reviewing.SheetSubmitted})
	if err != nil || len(sheets) == 0 {
		return err
	}
	c, err := content(s, sheets[0])
	if err != nil {
		return err
	}
	for _, m := range c.Marks {
		if i := slices.IndexFunc(b.guide.Criteria, func(k reviewing.Criterion) bool { return k.Code == m.Criterion }); i >= 0 && m.Mark != nil {
			p.Marks[m.Criterion] = word(b.guide.Criteria[i], *m.Mark)
		}
		p.Reasons[m.Criterion] = m.Reason
	}
	if total, of := b.guide.Total(c); of > 0 {
		p.Total = reviewing.TotalPoints(total)
	}
	p.Recommendation, p.Opinion, p.Hash = recommendations[c.Recommendation], c.Opinion, sheets[0].Hash
	return nil
}

// printedOpinion fills in the opinion with everybody's signature; a panel
// member reads that of the own applications.
func (st *Store) printedOpinion(s *step, b *bench, f *PrintedForm, own bool) error {
	opinion, err := opinionOf(s, b.review)
	if err != nil {
		return err
	}
	f.Opinion = opinion.Text
	for _, a := range b.applications {
		reads := !own || slices.ContainsFunc(b.sitting(a.ID), func(seat reviewing.Seat) bool { return seat.PersonID == s.Call.Actor.Person })
		if text := opinion.Of(a.ID); text != "" && reads {
			f.Opinions = append(f.Opinions, PrintedOpinion{a.Number, a.Title, text})
		}
	}
	if f.Joint, err = find[reviewing.JointSeat](s, "id", "review_id = ? AND participated_at IS NOT NULL", b.review.ID); err != nil {
		return err
	}
	f.Seats, err = st.printedSeats(s, b, false)
	if own { // others' dissent is for the bureau
		for i := range f.Seats {
			if b.seats[f.Seats[i].ID].PersonID != s.Call.Actor.Person {
				f.Seats[i].Dissent = ""
			}
		}
	}
	return err
}
