package store

import (
	"context"
	"fmt"
	"slices"

	"keping/rbac"
	"keping/rbac/calendar"
	"keping/rbac/journal"
	"keping/rbac/rulebook"
	rbacstore "keping/rbac/store"
	"keping/reviewing"
)

// PubliciseList begins the publicity, counted in working days (R-073, P-40);
// R-025 is asked once more.
func (st *Store) PubliciseList(s *step, id string) (reviewing.AwardList, error) {
	l, err := st.holdList(s, id)
	if err != nil {
		return l, err
	}
	pack, err := st.Pack(s)
	if err != nil {
		return l, err
	}
	f, err := st.listFacts(s, l)
	if err != nil {
		return l, err
	}
	if l.State == reviewing.ListDrafted {
		return l, orState(s.Obey(pack.Fail("R-073", rulebook.Inputs{"state": string(l.State)}, "须先完成联合单位或联席会议意见、区财政局会签和区科技局审议，才能公示（第二十一条）。", "请先履行上述程序并审议通过。")), l)
	}
	verdicts := append(reviewing.LineRules(pack, f), reviewing.ConclusionRules(pack, f, true)...)
	verdicts = append(verdicts, pack.Pass("R-073", nil))
	if err := st.Obey(s, "list/"+id, verdicts...); err != nil {
		return l, err
	}
	c, err := rbacstore.LoadCalendar(s)
	if err != nil {
		return l, err
	}
	l.PublicFrom = calendar.Day(s.Now)
	if l.PublicTo, err = c.WorkingAfter(s.Now, pack.PublicityWorkingDays); err != nil {
		return l, rbac.Refuse(rbac.RefusedState, "%v", err)
	}
	for _, line := range l.Lines {
		a, err := take[reviewing.Application](s, line.ApplicationID, "该申报书")
		if err != nil {
			return l, err
		}
		act := map[string]string{"proposed": "propose", "reserve": "reserve", "declined": "decline"}[line.Choice]
		if to := reviewing.ApplicationMoves[a.State][act]; to != "" && to != a.State {
			if err := moveApplication(s, &a, act, a.Version, map[string]any{}); err != nil {
				return l, err
			}
		}
	}
	digest, err := journal.HashOf(publicLines(l))
	if err != nil {
		return l, err
	}
	s.Fact("public_digest", digest)
	s.WantCheckpoint("公示")
	return l, st.moveList(s, &l, "publicise", map[string]any{"public_from": l.PublicFrom, "public_to": l.PublicTo})
}

// orState is the rule's refusal, or where that rule is off the state's.
func orState(err error, l reviewing.AwardList) error {
	if err != nil {
		return err
	}
	return reviewing.MoveRefusal("SM-12", string(l.State), "公示")
}

// ConfirmList ends the publicity: after its last day and with no accepted
// objection unanswered.
func (st *Store) ConfirmList(s *step, id string) (reviewing.AwardList, error) {
	l, err := st.holdList(s, id)
	if err != nil {
		return l, err
	}
	if l.State != reviewing.ListPublic {
		return l, reviewing.MoveRefusal("SM-12", string(l.State), "确认")
	}
	pack, err := st.Pack(s)
	if err != nil {
		return l, err
	}
	end, err := calendar.End(l.PublicTo)
	if err != nil {
		return l, err
	}
	f, err := st.listFacts(s, l)
	if err != nil {
		return l, err
	}
	open := f.OpenObjections()
	verdicts := append(reviewing.LineRules(pack, f),
		pack.Check("P-40", !s.Now.Before(end), rulebook.Inputs{"public_to": l.PublicTo}, "公示尚未期满（公示至"+l.PublicTo+"，惯例）。", "请在公示期满后确认。"),
		pack.Check("P-41", open == 0, rulebook.Inputs{"open": open}, fmt.Sprintf("还有%d项拟立项的异议未办结（惯例）。", open), "请先答复异议；异议成立的，生成新版清单。"))
	if err := st.Obey(s, "list/"+id, verdicts...); err != nil {
		return l, err
	}
	for _, line := range l.Lines {
		if line.Choice != "proposed" {
			continue
		}
		a, err := take[reviewing.Application](s, line.ApplicationID, "该申报书")
		if err != nil {
			return l, err
		}
		if err := moveApplication(s, &a, "award", a.Version, map[string]any{}); err != nil {
			return l, err
		}
	}
	return l, st.moveList(s, &l, "confirm", map[string]any{})
}

// InterruptPublicity stops a running publicity; the working days left are kept.
func (st *Store) InterruptPublicity(s *step, id, reason string) (reviewing.AwardList, error) {
	l, err := st.holdList(s, id)
	if err != nil {
		return l, err
	}
	if l.State != reviewing.ListPublic {
		return l, reviewing.MoveRefusal("SM-12", string(l.State), "中断公示")
	}
	c, err := rbacstore.LoadCalendar(s)
	if err != nil {
		return l, err
	}
	// Today counts as lost: it was not public to its end.
	for last := calendar.Day(s.Now.AddDate(0, 0, -1)); last < l.PublicTo; l.DaysLeft++ {
		if last, err = c.WorkingAfter(s.Now.AddDate(0, 0, -1), l.DaysLeft+1); err != nil {
			return l, rbac.Refuse(rbac.RefusedState, "%v", err)
		}
	}
	l.Reason = reason
	return l, st.moveList(s, &l, "interrupt", map[string]any{"days_left": l.DaysLeft, "reason": reason})
}

// ResumePublicity lets it run on for the working days left, from tomorrow.
func (st *Store) ResumePublicity(s *step, id string) (reviewing.AwardList, error) {
	l, err := st.holdList(s, id)
	if err != nil {
		return l, err
	}
	if l.State != reviewing.ListInterrupted {
		return l, reviewing.MoveRefusal("SM-12", string(l.State), "恢复公示")
	}
	c, err := rbacstore.LoadCalendar(s)
	if err != nil {
		return l, err
	}
	if l.PublicTo, err = c.WorkingAfter(s.Now, max(l.DaysLeft, 1)); err != nil {
		return l, rbac.Refuse(rbac.RefusedState, "%v", err)
	}
	l.DaysLeft = 0
	s.Fact("public_to", l.PublicTo)
	return l, st.moveList(s, &l, "resume", map[string]any{"days_left": 0, "public_to": l.PublicTo})
}

// CorrectPublicity adds a correction notice (更正公告) to a running publicity.
func (st *Store) CorrectPublicity(s *step, id, text string) (reviewing.AwardList, error) {
	l, err := st.holdList(s, id)
	if err != nil {
		return l, err
	}
	l.Notices = append(l.Notices, reviewing.PublicNotice{Day: calendar.Day(s.Now), Text: text})
	// Unsalted: the notice is public, and whoever reads it can compare.
	s.Fact("text", journal.Hash(text))
	return l, st.moveList(s, &l, "correct", map[string]any{"notices": l.Notices})
}

// Publicity is what the public reads: no personal details.
type Publicity struct {
	ID         string                   `json:"id"`
	Guide      string                   `json:"guide"`
	State      reviewing.ListState      `json:"state" doc:"public公示，interrupted中断，confirmed已确认，superseded已被新版清单取代"`
	ReplacedBy string                   `json:"replaced_by" doc:"取代它的公示；尚无则为空"`
	From       string                   `json:"from"`
	To         string                   `json:"to"`
	Contact    string                   `json:"contact" doc:"监督人员的联系方式，异议向其提出"`
	Lines      []PublicLine             `json:"lines"`
	Stopped    []string                 `json:"stopped" doc:"有已受理的异议而暂停的申报编号"`
	Notices    []reviewing.PublicNotice `json:"notices" doc:"更正公告"`
	Digest     string                   `json:"digest" doc:"公示摘要：lines按规范JSON（RFC 8785）写出后的SM3，公示时载入日志"`
	Checkpoint journal.Checkpoint       `json:"checkpoint" doc:"公示时的日志检查点"`
}

// PublicLine is one proposed project (P-42). Of these lines and nothing else the
// public digest is made.
type PublicLine struct {
	ApplicationID string `json:"application_id"`
	Number        string `json:"number"`
	Title         string `json:"title"`
	LeadUnit      string `json:"lead_unit"`
	Leader        string `json:"leader"`
	FiscalFen     int    `json:"fiscal_fen"`
}

func publicLines(l reviewing.AwardList) []PublicLine {
	out := []PublicLine{}
	for _, line := range l.Lines {
		if line.Choice == "proposed" {
			out = append(out, PublicLine{line.ApplicationID, line.Number, line.Title, line.LeadUnit, line.Leader, line.FiscalFen})
		}
	}
	return out
}

// published are the states in which what was made public stays to be read.
var published = []reviewing.ListState{reviewing.ListPublic, reviewing.ListInterrupted, reviewing.ListConfirmed, reviewing.ListSuperseded}

// Publicities pages through what is or was made public, newest first. What a new
// version has replaced stays, and says so.
func (st *Store) Publicities(ctx context.Context, after string, limit int) ([]Publicity, error) {
	s := st.reading(ctx, rbac.Actor{})
	q := s.Where("state IN ? AND public_from <> ''", published)
	if after != "" {
		q = q.Where("id < ?", after)
	}
	var lists []reviewing.AwardList
	if err := q.Order("id DESC").Limit(limit).Find(&lists).Error; err != nil {
		return nil, err
	}
	out := []Publicity{}
	for _, l := range lists {
		p, err := st.publicity(s, l)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// PublicityOf is one of them.
func (st *Store) PublicityOf(ctx context.Context, id string) (Publicity, error) {
	s := st.reading(ctx, rbac.Actor{})
	l, err := take[reviewing.AwardList](s, id, "该公示")
	if err != nil {
		return Publicity{}, err
	}
	if !slices.Contains(published, l.State) || l.PublicFrom == "" {
		return Publicity{}, rbac.Missing("该公示")
	}
	return st.publicity(s, l)
}

func (st *Store) publicity(s *step, l reviewing.AwardList) (Publicity, error) {
	g, err := take[reviewing.Guide](s, l.GuideID, "该指南")
	if err != nil {
		return Publicity{}, err
	}
	pack, err := st.Pack(s)
	if err != nil {
		return Publicity{}, err
	}
	p := Publicity{ID: l.ID, Guide: g.Title, State: l.State, From: l.PublicFrom, To: l.PublicTo, Contact: pack.PublicityContact, Lines: publicLines(l), Stopped: []string{}, Notices: append([]reviewing.PublicNotice{}, l.Notices...)}
	if p.Digest, err = journal.HashOf(p.Lines); err != nil {
		return p, err
	}
	if p.Checkpoint, err = rbacstore.CheckpointOf(s, "list/"+l.ID, "list.publicise"); err != nil {
		return p, err
	}
	if l.State == reviewing.ListSuperseded {
		var present []string
		err := s.Model(&reviewing.AwardList{}).Where("guide_id = ? AND number > ? AND state IN ?", l.GuideID, l.Number, []reviewing.ListState{reviewing.ListPublic, reviewing.ListInterrupted, reviewing.ListConfirmed}).
			Order("number").Limit(1).Pluck("id", &present).Error
		if err != nil {
			return p, err
		}
		if len(present) > 0 {
			p.ReplacedBy = present[0]
		}
		return p, nil
	}
	objections, err := objectionsOf(s, l.GuideID)
	if err != nil {
		return p, err
	}
	for _, line := range p.Lines {
		if state := objections[line.ApplicationID]; state != "" && state != reviewing.Lodged {
			p.Stopped = append(p.Stopped, line.Number)
		}
	}
	return p, nil
}
