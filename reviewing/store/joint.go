package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"keping/experts"
	"keping/rbac"
	"keping/reviewing"
	"keping/reviewing/rank"
)

// jointPart holds a joint unit's part to the pack's mode (decision 7): attend
// asks for presence, opinion for a word, marks_apart for marks of each of its
// applications too.
func (st *Store) jointPart(s *step, j *reviewing.JointSeat, in Participation) error {
	pack, err := st.Pack(s)
	if err != nil {
		return err
	}
	if pack.JointUnitPart != "attend" && len([]rune(in.Opinion)) < 2 {
		return rbac.Invalid("opinion", "请填写意见")
	}
	if pack.JointUnitPart != "marks_apart" {
		if len(in.Marks) > 0 {
			return rbac.Invalid("marks", "本区规则包没有采用“打分另列”，请不要填写分值")
		}
		return nil
	}
	g, own, err := jointApplications(s, *j)
	if err != nil {
		return err
	}
	given := map[string][]reviewing.CriterionMark{}
	for i, m := range in.Marks {
		at := slices.IndexFunc(own, func(a reviewing.Application) bool { return a.ID == m.ApplicationID })
		if at < 0 {
			return rbac.Invalid(fmt.Sprintf("marks[%d]", i), "只能对本单位联合实施的项目评分")
		}
		c, err := NewMarks{Marks: m.Marks, Recommendation: "recommend"}.content()
		if err != nil {
			return err
		}
		if err := reviewing.CheckSheet(pack, g, string(experts.Technical), c, true); err != nil {
			return err
		}
		given[own[at].Number] = c.Marks
	}
	if len(given) < len(own) {
		return rbac.Invalid("marks", "请对本单位联合实施的%d个项目逐一评分，现有%d个", len(own), len(given))
	}
	data, err := json.Marshal(given)
	j.Marks = s.Keys.Seal(string(data), "joint_seat/"+j.ID+"/marks")
	return err
}

// jointApplications are the applications of a review that a joint unit joins.
func jointApplications(s *step, j reviewing.JointSeat) (reviewing.Guide, []reviewing.Application, error) {
	apps, err := find[reviewing.Application](s, "number", "review_id = ? AND state <> ? AND id IN (SELECT application_id FROM application_units WHERE role = 'joint' AND unit_id = ?)", j.ReviewID, reviewing.AppWithdrawn, j.UnitID)
	if err != nil || len(apps) == 0 {
		return reviewing.Guide{}, apps, err
	}
	g, err := take[reviewing.Guide](s, apps[0].GuideID, "该指南")
	return g, apps, err
}

// JointEffect compares the official result of a joint application with what it
// would be if the joint unit's marks entered the mean.
type JointEffect struct {
	Number     string `json:"number"`
	Shown      string `json:"shown" doc:"正式总分"`
	Rank       int    `json:"rank"`
	WithShown  string `json:"with_shown" doc:"计入联合实施单位打分后的总分"`
	WithRank   int    `json:"with_rank"`
	ChangesCut bool   `json:"changes_cut" doc:"计入后是否会改变拟立项的入围结果"`
}

// JointEffects shows both means of a closed review. The official one never changes.
func (st *Store) JointEffects(ctx context.Context, actor rbac.Actor, id string) ([]JointEffect, error) {
	s := st.reading(ctx, actor)
	r, err := take[reviewing.Review](s, id, "该评审批次")
	if err != nil {
		return nil, err
	}
	if r.State != reviewing.Closed {
		return nil, reviewing.MoveRefusal("SM-09", string(r.State), "查看联合实施单位打分的影响")
	}
	record, _, err := rankingOf(s, r.ID)
	if err != nil {
		return nil, err
	}
	seats, err := find[reviewing.JointSeat](s, "id", "review_id = ?", id)
	if err != nil {
		return nil, err
	}
	with := record
	with.Sheets = slices.Clone(record.Sheets)
	marked := map[string]bool{}
	for i, j := range seats {
		text, err := s.Keys.Open(j.Marks, "joint_seat/"+j.ID+"/marks")
		if err != nil {
			return nil, err
		}
		given := map[string][]reviewing.CriterionMark{}
		if text != "" {
			if err := json.Unmarshal([]byte(text), &given); err != nil {
				return nil, err
			}
		}
		for number, marks := range given {
			marked[number] = true
			digest := reviewing.SheetContent{Marks: marks, Recommendation: "recommend"}.Digest(number, fmt.Sprintf("~joint%d", i), 1)
			hash, err := rank.SheetHash("", digest)
			if err != nil {
				return nil, err
			}
			with.Sheets = append(with.Sheets, rank.Sheet{Status: "counted", Class: string(experts.Technical), Hash: hash, Sheet: digest})
		}
	}
	slices.SortStableFunc(with.Sheets, func(x, y rank.Sheet) int { // the experts' stay in their order, the joint units' after them
		return strings.Compare(x.Sheet.Application+"\x00"+x.Sheet.Expert, y.Sheet.Application+"\x00"+y.Sheet.Expert)
	})
	if with, err = rank.Compute(with); err != nil {
		return nil, err
	}
	before, err := st.proposedOf(s, r, record)
	if err != nil {
		return nil, err
	}
	after, err := st.proposedOf(s, r, with)
	if err != nil {
		return nil, err
	}
	out := []JointEffect{}
	for _, b := range record.Results {
		for _, a := range with.Results {
			if a.Application == b.Application && (marked[a.Application] || before[a.Application] != after[a.Application]) {
				out = append(out, JointEffect{b.Application, b.Shown, b.Rank, a.Shown, a.Rank, before[a.Application] != after[a.Application]})
			}
		}
	}
	return out, nil
}

// proposedOf are the applications that a list of this review alone would propose.
func (st *Store) proposedOf(s *step, r reviewing.Review, record rank.Record) (map[string]bool, error) {
	g, err := take[reviewing.Guide](s, r.GuideID, "该指南")
	if err != nil {
		return nil, err
	}
	apps, err := find[reviewing.Application](s, "number", "review_id = ?", r.ID)
	if err != nil {
		return nil, err
	}
	var lines []reviewing.Line
	for _, a := range apps {
		for _, result := range record.Results {
			if result.Application == a.Number {
				lines = append(lines, reviewing.Line{Number: a.Number, ReviewID: r.ID, Rank: result.Rank, Passed: result.Passed, FiscalFen: a.FiscalFen})
			}
		}
	}
	reviewing.ProposeLines(lines, g.Places, g.BudgetFen)
	out := map[string]bool{}
	for _, line := range lines {
		out[line.Number] = line.Choice == "proposed"
	}
	return out, nil
}
