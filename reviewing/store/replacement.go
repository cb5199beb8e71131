package store

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"keping/experts"
	"keping/experts/draw"
	expertstore "keping/experts/store"
	"keping/rbac"
	"keping/rbac/notice"
	"keping/reviewing"
	"keping/reviewing/match"
)

// matchedPanel is a match with its changes, asked by application id.
type matchedPanel struct {
	*match.Panel
	record  *match.Record
	numbers map[string]string // by id
	live    []string          // numbers of the applications that are not withdrawn
}

func openMatch(s *step, d *reviewing.Draw) (*matchedPanel, error) {
	m := &matchedPanel{record: &match.Record{}}
	if err := json.Unmarshal([]byte(d.Record), m.record); err != nil { // as it was written; strict reading is for others' files
		return nil, err
	}
	var err error
	if m.numbers, err = numbersOf(s, d.ReviewID); err != nil {
		return nil, err
	}
	err = s.Model(&reviewing.Application{}).Where("review_id = ? AND state <> ?", d.ReviewID, reviewing.AppWithdrawn).Order("number").Pluck("number", &m.live).Error
	if err != nil {
		return nil, err
	}
	m.Panel, err = match.NewPanel(m.record)
	return m, err
}

// Sitting is the panel of an application, or ("") who has any to read.
func (m *matchedPanel) Sitting(application string) []draw.Seated {
	if application == "" {
		return m.Among(m.live)
	}
	return m.Of(m.numbers[application])
}

// Open is as match.Panel's, by application id.
func (m *matchedPanel) Open(class, application string) string {
	return m.Panel.Open(class, m.numbers[application])
}

// replace fills what a leaver's seats leave open in a match, journalled as its
// own entry, and invites whom it needs.
func (st *Store) replace(s *step, b *bench, class experts.Class, code, application string, appointed *draw.Appointed, words string) error {
	m := b.panel.matched
	again := appointed == nil && m.Open(string(class), application) == code // nobody leaves
	files, err := filesOf(s, b.draw.ID)
	if err != nil {
		return err
	}
	passed, err := st.passedBy(s, b, class, code, application, string(files[match.Conflicts]))
	if err != nil {
		return err
	}
	change, err := m.Replace(files, code, m.numbers[application], passed, appointed)
	if err != nil {
		return rbac.Refuse(rbac.RefusedState, "%v（SM-10）。%s", err, seatHelp)
	}
	if again && !slices.ContainsFunc(change.Filled, func(x match.Filled) bool { return x.Code != "" }) {
		return nil
	}
	if err := amend(s, b.draw, *m.record, change); err != nil {
		return err
	}
	news := map[string][]string{} // code → applications
	for _, filled := range change.Filled {
		if filled.Code != "" {
			news[filled.Code] = append(news[filled.Code], filled.Application)
		}
	}
	for _, next := range slices.Sorted(maps.Keys(news)) {
		seat, sits := b.seat(next, "")
		if !sits {
			if err := st.invite(s, b.review, *b.draw, string(class), next, "", words); err != nil {
				return err
			}
			continue
		}
		if words != "" { // why this one was appointed directly
			if err := say(s, b.review.ID, "seat/"+seat.ID, "reason", words); err != nil {
				return err
			}
		}
		if err := st.tellMore(s, b.review, seat, news[next]); err != nil {
			return err
		}
	}
	return nil
}

// release lets go who has no application to read any more: nothing is to be
// pledged, declared or signed. Who is needed later is invited again.
func (st *Store) release(s *step, b *bench, reason string) error {
	if !b.review.Matched() || b.panel == nil {
		return nil
	}
	if err := st.loadPanel(s, b); err != nil {
		return err
	}
	reads := b.panel.Sitting("")
	for _, id := range slices.Sorted(maps.Keys(b.seats)) {
		seat := b.seats[id]
		if seat.State == reviewing.SeatVacated || slices.Contains(reads, draw.Seated{Class: string(seat.Class), Code: seat.Code}) {
			continue
		}
		if err := leave(s, &seat, reason, ""); err != nil {
			return err
		}
		b.seats[id] = seat
		e, err := expertstore.Take(s, seat.ExpertID)
		if err != nil {
			return err
		}
		if err := s.Notify(notice.Message{Kind: "released", UserID: e.UserID, Address: e.Mail, Object: "review/" + b.review.ID, Subject: "评审任务取消",
			Body: fmt.Sprintf("%s：\n\n“%s”评审中分配给您的项目已撤回或改由他人评审，您不必再答复或评审。谢谢！", e.Name, b.review.Title)}); err != nil {
			return err
		}
		if id == b.review.ChairSeatID {
			if err := st.unsettle(s, b, id); err != nil {
				return err
			}
		}
	}
	return nil
}

// tellMore tells somebody who sits already of further applications.
func (st *Store) tellMore(s *step, r reviewing.Review, seat reviewing.Seat, applications []string) error {
	e, err := take[experts.Expert](s, seat.ExpertID, "该专家")
	if err != nil {
		return err
	}
	return s.Notify(notice.Message{Kind: "matched", UserID: e.UserID, Address: e.Mail, Object: "seat/" + seat.ID, Subject: "增加评审项目",
		Body: fmt.Sprintf("%s：\n\n“%s”评审为您增加%d个项目：%s。请登录后逐项作出回避声明并评审。\n%s", e.Name, r.Title, len(applications), strings.Join(applications, "、"), st.PublicURL)})
}

// passedBy are the facts of the day by which candidates of a class cannot take
// the seats to be filled, beside the conflicts known at the freeze, and the
// applications that need nobody any more.
func (st *Store) passedBy(s *step, b *bench, class experts.Class, leaver, application, conflicts string) ([]match.Passed, error) {
	pack, err := st.Pack(s)
	if err != nil {
		return nil, err
	}
	rows, err := find[reviewing.FrameCode](s, "code", "draw_id = ?", b.draw.ID)
	if err != nil {
		return nil, err
	}
	candidates := map[string]bool{}
	for _, c := range b.panel.frame.Candidates {
		candidates[c.Code] = slices.Contains(c.Classes, string(class))
	}
	people := map[string]string{} // code → expert id
	var ids []string
	for _, row := range rows {
		if candidates[row.Code] && row.Code != leaver {
			people[row.Code] = row.ExpertID
			ids = append(ids, row.ExpertID)
		}
	}
	fit, err := st.loadFitness(s, pack, b.review, ids)
	if err != nil {
		return nil, err
	}
	var out []match.Passed
	live := map[string]bool{}
	for _, a := range b.applications {
		live[a.Number] = true
	}
	for _, row := range b.panel.matched.record.Panels {
		if !live[row.Application] {
			out = append(out, match.Passed{Application: row.Application, Why: "withdrawn"})
		}
	}
	sits := map[string]string{} // expert id → code
	for _, seat := range b.seats {
		if seat.State != reviewing.SeatVacated {
			sits[seat.ExpertID] = seat.Code
		}
	}
	known := map[string]bool{}
	for line := range strings.Lines(conflicts) {
		known[strings.TrimSpace(line)] = true
	}
	open := slices.DeleteFunc(slices.Clone(b.applications), func(a reviewing.Application) bool {
		return !slices.ContainsFunc(b.panel.Sitting(a.ID), func(x draw.Seated) bool {
			return x.Class == string(class) && (x.Code == "" || x.Code == leaver && (application == "" || application == a.ID))
		})
	})
	for code, id := range people {
		why := fit.passed(id, class, "")
		if as := sits[id]; why == "" && as != "" && as != code { // appointed under another code
			why = "excluded"
		}
		if why != "" {
			out = append(out, match.Passed{Code: code, Why: why})
			continue
		}
		for _, a := range open {
			if !fit.reads(id, a.ID) && !known[a.Number+","+code] {
				out = append(out, match.Passed{Code: code, Application: a.Number, Why: "excluded"})
			}
		}
	}
	return out, nil
}
