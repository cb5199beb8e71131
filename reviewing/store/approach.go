package store

import (
	"context"
	"encoding/json"
	"errors"

	"keping/configs/database"
	"keping/experts"
	"keping/rbac"
	"keping/rbac/calendar"
	"keping/rbac/secret"
	rbacstore "keping/rbac/store"
	"keping/reviewing"
)

// NewApproach reports somebody who asked for favour (P-21).
type NewApproach struct {
	ReviewID string `json:"review_id,omitempty" maxLength:"36" doc:"涉及的评审批次，知道的填写"`
	Kind     string `json:"kind" enum:"inquire,lobby,favour,assist,disturb" doc:"探听信息、游说说情、人情评审、协助请托、打招呼干扰"`
	Day      string `json:"day" maxLength:"10" example:"2025-06-18" doc:"发生日期"`
	Who      string `json:"who" minLength:"2" maxLength:"200" doc:"请托人"`
	Text     string `json:"text" minLength:"10" maxLength:"3000" doc:"经过：在何处、以何方式、提出什么要求、如何回应"`
}

// OwnApproach is a report as its reporter follows it.
type OwnApproach struct {
	ID        string                `json:"id" doc:"回执编号"`
	State     experts.ApproachState `json:"state"`
	Outcome   string                `json:"outcome"`
	CreatedAt string                `json:"created_at"`
}

func follow(a experts.Approach) OwnApproach {
	return OwnApproach{a.ID, a.State, a.Outcome, calendar.Stamp(a.CreatedAt)}
}

// ReportApproach seals the report: nothing of it stands in the journal but a
// salted digest.
func (st *Store) ReportApproach(s *step, in NewApproach) (OwnApproach, error) {
	if _, err := calendar.Parse(in.Day); err != nil {
		return OwnApproach{}, rbac.Invalid("day", "%v", err)
	}
	if in.ReviewID != "" {
		var n int64
		if err := s.Model(&reviewing.Review{}).Where("id = ?", in.ReviewID).Count(&n).Error; err != nil {
			return OwnApproach{}, err
		}
		if n == 0 { // said the same way whether or not there is such a review
			in.Text += "（所填批次编号：" + in.ReviewID + "，查无此批次）"
			in.ReviewID = ""
		}
	}
	report, err := json.Marshal(in)
	if err != nil {
		return OwnApproach{}, err
	}
	a := experts.Approach{ID: s.NewID(), ReporterID: s.Call.Actor.User, State: experts.ApproachReceived, Salt: secret.Random(16), CreatedAt: s.Now}
	a.Report = s.Keys.Seal(string(report), "approach/"+a.ID+"/report")
	s.On(a.ID)
	s.Fact("report", rbacstore.Digest(a.Salt, string(report)))
	return follow(a), s.Create(&a).Error
}

// OwnApproaches are the reports of who asks.
func (st *Store) OwnApproaches(ctx context.Context, actor rbac.Actor, after string, limit int) ([]OwnApproach, error) {
	var rows []experts.Approach
	err := st.DB.Read(ctx).Where("reporter_id = ? AND id > ?", actor.User, after).Order("id").Limit(limit).Find(&rows).Error
	out := make([]OwnApproach, len(rows))
	for i, a := range rows {
		out[i] = follow(a)
	}
	return out, err
}

// ApproachView is a report as the supervisor reads it.
type ApproachView struct {
	experts.Approach
	Reporter string      `json:"reporter" doc:"报告人"`
	Report   NewApproach `json:"report"`
	Finding  string      `json:"finding"`
	Kind     string      `json:"kind" doc:"请托情形"`
}

// ReadApproach opens a report for the supervisor; that it was read is journalled.
func (st *Store) ReadApproach(s *step, id string) (ApproachView, error) {
	a, err := take[experts.Approach](s, id, "该请托报告")
	if err != nil {
		return ApproachView{}, err
	}
	v := ApproachView{Approach: a}
	report, err1 := s.Keys.Open(a.Report, "approach/"+id+"/report")
	finding, err2 := s.Keys.Open(a.Finding, "approach/"+id+"/finding")
	if err := errors.Join(err1, err2); err != nil {
		return v, err
	}
	if err := json.Unmarshal([]byte(report), &v.Report); err != nil {
		return v, err
	}
	u, err := rbacstore.TakeUser(s, a.ReporterID)
	v.Reporter, v.Finding, v.Kind = u.Name, finding, experts.ApproachKinds[v.Report.Kind]
	return v, err
}

// HandleApproach ends a report with an outcome; one that proposes a ban is what
// a director's ban may name.
func (st *Store) HandleApproach(s *step, id, outcome, finding string) (OwnApproach, error) {
	a, err := take[experts.Approach](s, id, "该请托报告")
	if err != nil {
		return OwnApproach{}, err
	}
	if a.ReporterID == s.Call.Actor.User {
		return OwnApproach{}, rbac.Refuse(rbac.RefusedState, "本人报告的请托不由本人处理（惯例P-19）。请由其他监督人员处理。")
	}
	from := a.State
	to, ok := experts.ApproachMoves[from]["handle"]
	if !ok {
		return OwnApproach{}, rbac.Refuse(rbac.RefusedState, "该请托报告已有处理结论，不再更改（惯例P-21）。")
	}
	a.State, a.Outcome = to, outcome
	s.Fact("state", string(to))
	s.Fact("outcome", outcome)
	s.Fact("finding", rbacstore.Digest(a.Salt, finding))
	return follow(a), database.Swap(s.Tx, &experts.Approach{}, map[string]any{"id": id, "state": from},
		map[string]any{"state": to, "outcome": outcome, "finding": s.Keys.Seal(finding, "approach/"+id+"/finding"), "handled_by": s.Call.Actor.User, "handled_at": s.Now})
}
