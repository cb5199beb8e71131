package store

import (
	"errors"

	"gorm.io/gorm"

	"keping/rbac"
	"keping/rbac/calendar"
	"keping/rbac/rulebook"
	rbacstore "keping/rbac/store"
	"keping/reviewing"
)

// NewScreening is the formal check of one application.
type NewScreening struct {
	Version int                 `json:"version" minimum:"1"`
	Verdict string              `json:"verdict" enum:"accept,correct,refuse" doc:"通过、补正、不通过"`
	Reason  string              `json:"reason,omitempty" maxLength:"500"`
	Reasons []reviewing.Finding `json:"reasons,omitempty" maxItems:"60" doc:"逐条核对的结果"`
}

// ScreenApplication is the formal check: accept, correct (once) or refuse with reasons.
func (st *Store) ScreenApplication(s *step, id string, in NewScreening) (reviewing.Application, error) {
	verdict, reason, version := in.Verdict, in.Reason, in.Version
	a, err := take[reviewing.Application](s, id, "该申报书")
	if err != nil {
		return a, err
	}
	if err := st.impartial(s, "id = ?", id); err != nil {
		return a, err
	}
	pack, err := st.Pack(s)
	if err != nil {
		return a, err
	}
	set := map[string]any{"state_reason": reason}
	switch verdict {
	case "accept":
		sub, err := st.submission(s, a)
		if err != nil {
			return a, err
		}
		if _, ok := reviewing.ApplicationMoves[a.State]["accept"]; !ok {
			return a, reviewing.MoveRefusal("SM-06", string(a.State), "形式审查通过")
		}
		if err := st.Obey(s, "application/"+id, append(reviewing.SubmissionRules(pack, sub), reviewing.ScreeningRule(pack, sub.Guide, in.Reasons))...); err != nil {
			return a, err
		}
		if err := misnamed(s, id); err != nil {
			return a, err
		}
	case "refuse":
		if err := overdue(s, pack, a); err != nil {
			return a, err
		}
	case "correct":
		if err := s.Obey(pack.Check("P-45", a.Corrections < pack.CorrectionRounds, map[string]any{"corrections": a.Corrections},
			"补正只有一次，已经用过（惯例）。", "请作出通过或不通过的结论。")); err != nil {
			return a, err
		}
		c, err := rbacstore.LoadCalendar(s)
		if err != nil {
			return a, err
		}
		if a.CorrectBy, err = c.WorkingAfter(s.Now, pack.CorrectionWorkingDays); err != nil {
			return a, rbac.Refuse(rbac.RefusedState, "%v", err)
		}
		a.Corrections++
		set["corrections"], set["correct_by"] = a.Corrections, a.CorrectBy
	}
	if verdict != "accept" && len([]rune(reason)) < 5 {
		return a, rbac.Invalid("reason", "补正或不通过须写明理由（至少5个字）")
	}
	a.StateReason = reason
	a.Screenings = append(a.Screenings, reviewing.Screening{Verdict: verdict, Reason: reason, Reasons: append([]reviewing.Finding{}, in.Reasons...), At: s.Now, By: s.Call.Actor.User})
	set["screenings"] = a.Screenings
	s.Fact("verdict", verdict)
	return a, moveApplication(s, &a, verdict, version, set)
}

// overdue holds the refusal of what has been sent back to its time: the round
// granted runs to its last day (P-45), and what a leader's unit has still to
// endorse for the first time is not the bureau's yet.
func overdue(s *step, pack *rulebook.Pack, a reviewing.Application) error {
	if a.State != reviewing.AppCorrection && a.State != reviewing.AppUnitReview {
		return nil
	}
	if a.Corrections == 0 {
		return reviewing.MoveRefusal("SM-06", string(a.State), "作不通过处理")
	}
	end, err := calendar.End(a.CorrectBy)
	if err != nil {
		return err
	}
	return s.Obey(pack.Check("P-45", !s.Now.Before(end), rulebook.Inputs{"correct_by": a.CorrectBy},
		"补正期限至"+a.CorrectBy+"，尚未届满，不能作不通过处理（惯例）。", "请等待申报单位补正；期限届满仍未提交的，再作出结论。"))
}

// misnamed refuses people under another name than their document is registered
// with: the applicant was not told, the bureau settles it.
func misnamed(s *step, application string) error {
	var people []struct{ Name, Registered string }
	err := s.Table("application_people a").Select("a.name AS name, p.name AS registered").Joins("JOIN people p ON p.id = a.person_id").
		Where("a.application_id = ?", application).Order("a.person_id").Find(&people).Error
	var bad rbac.Fields
	for _, p := range people {
		bad.Check(p.Name == p.Registered, "people", "申报书中的“%s”，其证件登记的姓名为“%s”：登记有误的，请先更正登记的姓名；申报有误的，请退回补正", p.Name, p.Registered)
	}
	return errors.Join(err, bad.Refusal())
}

// Duplicate is another application of the year that may be the same work.
type Duplicate struct {
	ID     string `json:"id"`
	Number string `json:"number"`
	Title  string `json:"title"`
	Why    string `json:"why" doc:"同一负责人、题名相同或相近"`
}

// Duplicates flags other live applications of the same year by the same leader
// or under the same or nearly the same title (P-45), for the officer to look at.
func Duplicates(db *gorm.DB, id string) ([]Duplicate, error) {
	var a reviewing.Application
	err := db.Take(&a, "id = ?", id).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, rbac.Missing("该申报书")
	} else if err != nil {
		return nil, err
	}
	var others []reviewing.Application
	err = db.Select("id", "number", "title", "leader_id", "state").Where("id <> ? AND programme_id IN (SELECT id FROM programmes WHERE year = (SELECT year FROM programmes WHERE id = ?))", id, a.ProgrammeID).
		Order("number, id").Find(&others).Error
	if err != nil {
		return nil, err
	}
	out := []Duplicate{}
	for _, o := range others {
		if why := reviewing.Duplicated(a, o); why != "" {
			out = append(out, Duplicate{o.ID, o.Number, o.Title, why})
		}
	}
	return out, nil
}
