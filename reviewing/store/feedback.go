package store

import (
	"keping/rbac"
	"keping/reviewing"
)

// Feedback is what an applicant reads of the review of the own application
// (P-44): result and opinions, without names, codes or order of the experts.
type Feedback struct {
	Number   string                     `json:"number"`
	State    reviewing.ApplicationState `json:"state"`
	Shown    string                     `json:"shown" doc:"总分"`
	Opinion  string                     `json:"opinion" doc:"专家组对该项目的综合意见"`
	Opinions []string                   `json:"opinions"`
}

// FeedbackOf is given once the list with the application is confirmed.
func (st *Store) FeedbackOf(s *step, id string) (Feedback, error) {
	a, err := st.ownApplication(s, id)
	if err != nil {
		return Feedback{}, err
	}
	lists, err := find[reviewing.AwardList](s, "number", "guide_id = ? AND state = ?", a.GuideID, reviewing.ListConfirmed)
	if err != nil {
		return Feedback{}, err
	}
	out := Feedback{Number: a.Number, State: a.State, Opinions: []string{}}
	told := false
	for _, l := range lists {
		for _, line := range l.Lines {
			if line.ApplicationID == a.ID {
				told, out.Shown = true, line.Shown
			}
		}
	}
	if !told {
		return Feedback{}, rbac.Refuse(rbac.RefusedState, "评审结果尚未确认，暂不反馈意见（SM-12）。请待公示期满后查看。")
	}
	r, err := take[reviewing.Review](s, a.ReviewID, "该评审批次")
	if err != nil {
		return Feedback{}, err
	}
	consolidated, err := opinionOf(s, r)
	if err != nil {
		return Feedback{}, err
	}
	out.Opinion = consolidated.Of(a.ID)
	sheets, err := find[reviewing.Sheet](s, "hash", "application_id = ? AND state = ?", a.ID, reviewing.SheetSubmitted)
	if err != nil {
		return Feedback{}, err
	}
	for _, sheet := range sheets { // in the order of their digests, which tells nothing
		c, err := content(s, sheet)
		if err != nil {
			return Feedback{}, err
		}
		if c.Opinion != "" && !c.Abstained {
			out.Opinions = append(out.Opinions, c.Opinion)
		}
	}
	return out, nil
}
