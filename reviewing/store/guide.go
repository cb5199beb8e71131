package store

import (
	"time"

	"keping/configs/database"
	"keping/reviewing"
)

// NewGuide is a guide's content, all of it frozen at publication.
type NewGuide struct {
	ProgrammeID string                   `json:"programme_id" maxLength:"36"`
	Title       string                   `json:"title" minLength:"2" maxLength:"100" example:"2025年度智能驾驶重大专项申报指南"`
	Items       []reviewing.Item         `json:"items" minItems:"1" maxItems:"50"`
	Criteria    []reviewing.Criterion    `json:"criteria" maxItems:"30"`
	Conditions  []reviewing.Condition    `json:"conditions,omitempty" maxItems:"30" doc:"申报条件"`
	Materials   []reviewing.MaterialRule `json:"materials,omitempty" maxItems:"30" doc:"材料清单"`
	Method      string                   `json:"method" enum:"mean,trimmed,median,two_stage,zscore,votes" example:"trimmed"`
	Percent     int                      `json:"percent,omitempty" minimum:"0" maximum:"100" doc:"二次平均法的X"`
	Votes       bool                     `json:"votes,omitempty" doc:"评分之外每名专家另须表决：建议立项、修改后立项、不建议"`
	Ties        []string                 `json:"ties" maxItems:"10" doc:"并列处理步骤" example:"[\"criterion:innovation\",\"median\",\"draw\"]"`
	PassLine    int                      `json:"pass_line" minimum:"0" maximum:"10000" doc:"合格线（百分之一分）" example:"6000"`
	Places      int                      `json:"places" minimum:"0" maximum:"1000" doc:"拟立项数，0为不限"`
	BudgetFen   int                      `json:"budget_fen" minimum:"0" maximum:"10000000000000" doc:"年度财政安排（分）"`
	OpensAt     time.Time                `json:"opens_at"`
	ClosesAt    time.Time                `json:"closes_at"`
}

func (in NewGuide) into(g *reviewing.Guide) {
	g.ProgrammeID, g.Title, g.Items, g.Criteria = in.ProgrammeID, in.Title, in.Items, in.Criteria
	g.Method, g.Percent, g.TieSteps, g.PassLine = in.Method, in.Percent, in.Ties, in.PassLine
	g.Conditions, g.Materials, g.Votes = in.Conditions, in.Materials, in.Votes
	g.Places, g.BudgetFen, g.OpensAt, g.ClosesAt = in.Places, in.BudgetFen, in.OpensAt.UTC().Truncate(time.Second), in.ClosesAt.UTC().Truncate(time.Second)
}

// judgeGuide runs the rules on a guide's content.
func (st *Store) judgeGuide(s *step, g reviewing.Guide) error {
	if err := reviewing.ValidateGuide(g); err != nil {
		return err
	}
	p, err := take[reviewing.Programme](s, g.ProgrammeID, "该专项")
	if err != nil {
		return err
	}
	pack, err := st.Pack(s)
	if err != nil {
		return err
	}
	return st.Obey(s, "guide/"+g.ID, reviewing.GuideRules(pack, p, g)...)
}

// CreateGuide drafts a guide. Soft rules are judged when it is approved, so
// that a director can release them for this very guide.
func (st *Store) CreateGuide(s *step, in NewGuide) (reviewing.Guide, error) {
	g := reviewing.Guide{ID: s.NewID(), State: reviewing.GuideDraft, Version: 1, CreatedAt: s.Now}
	in.into(&g)
	s.On(g.ID)
	if _, err := take[reviewing.Programme](s, g.ProgrammeID, "该专项"); err != nil {
		return g, err
	}
	if err := reviewing.ValidateGuide(g); err != nil {
		return g, err
	}
	return g, s.Create(&g).Error
}

// UpdateGuide changes a draft.
func (st *Store) UpdateGuide(s *step, id string, version int, in NewGuide) (reviewing.Guide, error) {
	g, err := take[reviewing.Guide](s, id, "该指南")
	if err != nil {
		return g, err
	}
	if g.State != reviewing.GuideDraft {
		return g, reviewing.MoveRefusal("SM-05", string(g.State), "修改")
	}
	if g.Version != version {
		return g, database.ErrChanged
	}
	in.into(&g)
	if err := reviewing.ValidateGuide(g); err != nil {
		return g, err
	}
	g.Version++
	return g, replace(s, &g, g.ID, version, g.State)
}

// ApproveGuide is the director's approval (审定).
func (st *Store) ApproveGuide(s *step, id string, version int) (reviewing.Guide, error) {
	return st.moveGuide(s, id, version, reviewing.GuideDraft, reviewing.GuideApproved, func(g *reviewing.Guide) error {
		g.ApprovedBy = s.Call.Actor.User
		return st.judgeGuide(s, *g)
	})
}

// PublishGuide is R-055: only what the bureau has approved is published.
func (st *Store) PublishGuide(s *step, id string, version int) (reviewing.Guide, error) {
	g, err := take[reviewing.Guide](s, id, "该指南")
	if err != nil {
		return g, err
	}
	pack, err := st.Pack(s)
	if err != nil {
		return g, err
	}
	if g.State == reviewing.GuideDraft {
		if err := s.Obey(pack.Check("R-055", false, nil, "指南未经区科技局审定，不能发布（第十八条）。", "请报科技局领导审定后再发布。")); err != nil {
			return g, err
		}
	}
	return st.moveGuide(s, id, version, reviewing.GuideApproved, reviewing.GuidePublished, func(g *reviewing.Guide) error {
		return s.Obey(pack.Pass("R-055", nil))
	})
}

func (st *Store) moveGuide(s *step, id string, version int, from, to reviewing.GuideState, check func(*reviewing.Guide) error) (reviewing.Guide, error) {
	g, err := take[reviewing.Guide](s, id, "该指南")
	if err != nil {
		return g, err
	}
	if g.State != from {
		return g, reviewing.MoveRefusal("SM-05", string(g.State), map[reviewing.GuideState]string{reviewing.GuideApproved: "approve", reviewing.GuidePublished: "publish"}[to])
	}
	if err := check(&g); err != nil {
		return g, err
	}
	g.State, g.Version = to, version+1
	s.Fact("state", string(to))
	err = database.Swap(s.Tx, &reviewing.Guide{}, map[string]any{"id": id, "version": version, "state": from},
		map[string]any{"state": to, "version": g.Version, "approved_by": g.ApprovedBy})
	return g, err
}
