package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"keping/configs/database"
	"keping/experts"
	"keping/rbac"
	"keping/rbac/secret"
	"keping/reviewing"
	"keping/reviewing/rank"
)

// Participation is a joint unit's part in a review.
type Participation struct {
	Name    string       `json:"name" minLength:"1" maxLength:"50" doc:"参与评审的相关负责人"`
	Post    string       `json:"post" minLength:"1" maxLength:"50" doc:"职务"`
	Opinion string       `json:"opinion,omitempty" maxLength:"5000" doc:"意见；仅列席的方式可不填"`
	Marks   []JointMarks `json:"marks,omitempty" maxItems:"100" doc:"打分另列：对本单位联合实施的每个项目评分，不计入平均分"`
	Reason  string       `json:"reason,omitempty" maxLength:"500" doc:"再次填写的理由：改写之前所填的，原内容留存"`
}

// JointMarks are a joint unit's marks for one of its own applications: kept
// apart, they never enter the official mean (decision 7).
type JointMarks struct {
	ApplicationID  string      `json:"application_id" maxLength:"36"`
	Marks          []MarkInput `json:"marks" maxItems:"50"`
	Recommendation string      `json:"recommendation,omitempty" enum:"recommend,revise,decline" doc:"建议立项、修改后立项、不建议"`
}

// TakePart records the joint unit's responsible person, opinion and marks; the
// surface has confirmed the password. Taken again, with a reason, what was
// there before is kept.
func (st *Store) TakePart(s *step, reviewID string, in Participation) (reviewing.JointSeat, error) {
	seats, err := find[reviewing.JointSeat](s, "id", "review_id = ?", reviewID)
	if err != nil {
		return reviewing.JointSeat{}, err
	}
	i := slices.IndexFunc(seats, func(j reviewing.JointSeat) bool { return s.Call.Actor.Unit != "" && j.UnitID == s.Call.Actor.Unit })
	if err := s.May(i >= 0, "该评审批次"); err != nil {
		return reviewing.JointSeat{}, err
	}
	r, err := take[reviewing.Review](s, reviewID, "该评审批次")
	if err != nil {
		return reviewing.JointSeat{}, err
	}
	if err := demandState(r, "参与评审", reviewing.Composed, reviewing.Marking, reviewing.Discussing); err != nil {
		return reviewing.JointSeat{}, err
	}
	j := seats[i]
	before := j.ParticipatedAt
	if before != nil && len([]rune(in.Reason)) < 5 {
		return j, rbac.Invalid("reason", "贵单位已参与评审，再次填写会改写原内容（原内容留存），请写明理由（至少5个字）")
	}
	j.Again(in.Reason)
	if err := st.jointPart(s, r, j, in); err != nil {
		return j, err
	}
	j.Name, j.Post, j.Opinion, j.UserID, j.ParticipatedAt = in.Name, in.Post, in.Opinion, s.Call.Actor.User, &s.Now
	s.Fact("unit", j.UnitID)
	s.Fact("method", "password")
	s.Fact("again", len(j.Earlier) > 0)
	return j, database.Swap(s.Tx, &reviewing.JointSeat{}, map[string]any{"id": j.ID, "participated_at": before},
		map[string]any{"name": j.Name, "post": j.Post, "opinion": j.Opinion, "user_id": j.UserID, "participated_at": s.Now, "earlier": j.Earlier})
}

// jointPart holds a joint unit's part to the pack's mode (decision 7): attend
// asks for presence, opinion for a word, marks_apart for marks of each of its
// applications too, which are entered as sheets of their own.
func (st *Store) jointPart(s *step, r reviewing.Review, j reviewing.JointSeat, in Participation) error {
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
	g, own, err := jointApplications(s, j)
	if err != nil {
		return err
	}
	given := map[string]bool{}
	for i, m := range in.Marks {
		place := fmt.Sprintf("marks[%d]", i)
		at := slices.IndexFunc(own, func(a reviewing.Application) bool { return a.ID == m.ApplicationID })
		if at < 0 || given[m.ApplicationID] {
			return rbac.Invalid(place, "只能对本单位联合实施的项目评分，每个项目一次")
		}
		given[m.ApplicationID] = true
		c, err := NewMarks{Marks: m.Marks, Recommendation: m.Recommendation}.content()
		if err != nil {
			return rbac.Within(place, err)
		}
		if err := reviewing.CheckSheet(pack, g, experts.Joint, c, true); err != nil {
			return rbac.Within(place, err)
		}
		if err := enterJoint(s, r, j, own[at], c); err != nil {
			return err
		}
	}
	if len(given) < len(own) {
		return rbac.Invalid("marks", "请对本单位联合实施的%d个项目逐一评分，现有%d个", len(own), len(given))
	}
	return nil
}

// enterJoint enters a new version of a joint unit's marks, unless they are
// those it gave before.
func enterJoint(s *step, r reviewing.Review, j reviewing.JointSeat, a reviewing.Application, c reviewing.SheetContent) error {
	versions, err := find[reviewing.JointSheet](s, "number DESC", "review_id = ? AND application_id = ? AND joint_seat_id = ?", r.ID, a.ID, j.ID)
	if err != nil {
		return err
	}
	act, number := "sheet.submit", 1
	if len(versions) > 0 {
		last, err := jointContent(s, versions[0])
		if err != nil || last.Same(c) {
			return err
		}
		act, number = "sheet.revise", versions[0].Number+1
	}
	x := reviewing.JointSheet{ID: s.NewID(), ReviewID: r.ID, ApplicationID: a.ID, JointSeatID: j.ID, Number: number, SubmittedAt: s.Now}
	c.Salt = secret.Random(16)
	if x.Hash, err = rank.SheetHash(c.Salt, c.Digest(a.Number, j.ID, number)); err != nil {
		return err
	}
	data, err := json.Marshal(c)
	if err != nil {
		return err
	}
	x.Content = s.Keys.Seal(string(data), "joint_sheet/"+x.ID)
	s.Brings(act, "joint_sheet/"+x.ID, map[string]any{"review": r.Number, "sheet": x.Hash})
	return s.Create(&x).Error
}

func jointContent(s *step, x reviewing.JointSheet) (c reviewing.SheetContent, err error) {
	text, err := s.Keys.Open(x.Content, "joint_sheet/"+x.ID)
	if err == nil {
		err = json.Unmarshal([]byte(text), &c)
	}
	return c, err
}

// jointSheets are a review's joint units' sheets as its ranking record has
// them, every version; numbers are the applications'.
func jointSheets(s *step, review string, numbers map[string]string) ([]rank.Sheet, error) {
	given, err := find[reviewing.JointSheet](s, "id", "review_id = ?", review)
	if err != nil {
		return nil, err
	}
	out := make([]rank.Sheet, len(given))
	for i, x := range given {
		c, err := jointContent(s, x)
		if err != nil {
			return nil, err
		}
		out[i] = rank.Sheet{Status: "joint", Class: string(experts.Joint), Salt: c.Salt, Hash: x.Hash, Sheet: c.Digest(numbers[x.ApplicationID], x.JointSeatID, x.Number)}
	}
	return out, nil
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
	with, marked := record.WithJoint()
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
