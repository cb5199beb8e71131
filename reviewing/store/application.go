package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm"

	"keping/configs/database"
	expertstore "keping/experts/store"
	"keping/rbac"
	"keping/rbac/journal"
	rbacstore "keping/rbac/store"
	"keping/reviewing"
	"keping/reviewing/sheetio"
)

// NewPerson is one person of an application.
type NewPerson struct {
	Name         string `json:"name" minLength:"1" maxLength:"50" example:"王五"`
	DocumentKind string `json:"document_kind" maxLength:"20" example:"resident_id"`
	Document     string `json:"document" maxLength:"40" example:"11010519491231002X"`
	UnitID       string `json:"unit_id" maxLength:"36"`
}

// NewApplication is an application's content.
type NewApplication struct {
	GuideID      string                 `json:"guide_id" maxLength:"36"`
	Item         string                 `json:"item" maxLength:"20" example:"A1"`
	Title        string                 `json:"title" minLength:"2" maxLength:"100" example:"智能驾驶域控制器关键技术研究"`
	Leaders      []NewPerson            `json:"leaders" minItems:"1" maxItems:"5" doc:"项目负责人：提交时须恰好一名"`
	Members      []NewPerson            `json:"members" maxItems:"50"`
	Partners     []string               `json:"partners" maxItems:"20" doc:"参与单位编号"`
	JointUnits   []string               `json:"joint_units" maxItems:"5" doc:"联合实施单位编号"`
	FiscalFen    int                    `json:"fiscal_fen" minimum:"0" maximum:"10000000000000" example:"20000000"`
	JointFen     int                    `json:"joint_fen" minimum:"0" maximum:"10000000000000"`
	SelfFen      int                    `json:"self_fen" minimum:"0" maximum:"10000000000000"`
	Months       int                    `json:"months" minimum:"1" maximum:"120"`
	Summary      string                 `json:"summary" maxLength:"5000"`
	Avoid        []reviewing.Named      `json:"avoid,omitempty" maxItems:"20" doc:"请求回避的专家"`
	Materials    []reviewing.Material   `json:"materials,omitempty" maxItems:"30"`
	Budget       []reviewing.BudgetLine `json:"budget,omitempty" maxItems:"50"`
	Answers      []reviewing.Answer     `json:"answers,omitempty" maxItems:"30" doc:"对申报条件的逐条答复"`
	CommittedFen int                    `json:"committed_fen,omitempty" minimum:"0" maximum:"10000000000000" doc:"资金承诺书载明的联合投入（分）"`
}

// CreateApplication drafts an application of the actor's unit.
func (st *Store) CreateApplication(s *step, in NewApplication) (reviewing.Application, error) {
	if s.Call.Actor.Unit == "" {
		return reviewing.Application{}, rbac.Invalid("unit", "您的账号没有所属单位，不能申报，请联系单位管理员")
	}
	a := reviewing.Application{ID: s.NewID(), LeadUnitID: s.Call.Actor.Unit, State: reviewing.AppDraft, Version: 1, CreatedBy: s.Call.Actor.User, CreatedAt: s.Now}
	if err := st.fillApplication(s, &a, in); err != nil {
		return a, err
	}
	s.On(a.ID)
	return a, s.Create(&a).Error
}

// UpdateApplication changes a draft or an application sent back for correction.
func (st *Store) UpdateApplication(s *step, id string, version int, in NewApplication) (reviewing.Application, error) {
	a, err := st.ownApplication(s, id)
	if err != nil {
		return a, err
	}
	if a.State != reviewing.AppDraft && a.State != reviewing.AppCorrection {
		return a, reviewing.MoveRefusal("SM-06", string(a.State), "修改")
	}
	if a.Version != version {
		return a, database.ErrChanged
	}
	for _, row := range []any{&reviewing.ApplicationPerson{}, &reviewing.ApplicationUnit{}} {
		if err := s.Where("application_id = ?", a.ID).Delete(row).Error; err != nil {
			return a, err
		}
	}
	if err := st.fillApplication(s, &a, in); err != nil {
		return a, err
	}
	a.Version++
	return a, replace(s, &a, a.ID, version, a.State)
}

// ownApplication loads an application the actor's unit leads, or leads in
// person; officers see all.
func (st *Store) ownApplication(s *step, id string) (reviewing.Application, error) {
	a, err := take[reviewing.Application](s, id, "该申报书")
	if err != nil {
		return a, err
	}
	actor := s.Call.Actor
	return a, s.May(actor.Role != rbac.JointUnit && concerns(actor, a, nil), "该申报书")
}

func (st *Store) fillApplication(s *step, a *reviewing.Application, in NewApplication) error {
	var bad rbac.Fields
	var g reviewing.Guide
	err := s.Take(&g, "id = ? AND state = ?", in.GuideID, reviewing.GuidePublished).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return rbac.Invalid("guide_id", "没有这份已发布的指南")
	} else if err != nil {
		return err
	}
	item, ok := g.Item(in.Item)
	bad.Check(ok, "item", "指南中没有项目“%s”", in.Item)
	units := append(append([]string{}, in.Partners...), in.JointUnits...)
	type filled struct {
		document rbac.Document
		NewPerson
	}
	var people []filled
	for i, p := range append(append([]NewPerson{}, in.Leaders...), in.Members...) {
		at := fmt.Sprintf("members[%d]", i-len(in.Leaders))
		if i < len(in.Leaders) {
			at = fmt.Sprintf("leaders[%d]", i)
		}
		document, err := rbac.ParseDocument(p.DocumentKind, p.Document)
		if err == nil {
			err = document.Plausible(s.Now)
		}
		bad.Check(err == nil, at+".document", "%v", err)
		if p.UnitID == "" {
			p.UnitID = a.LeadUnitID
		}
		units = append(units, p.UnitID)
		people = append(people, filled{document, p})
	}
	var known []string
	if err := s.Model(&rbac.Unit{}).Where("id IN ? AND state = ?", units, rbac.UnitActive).Pluck("id", &known).Error; err != nil {
		return err
	}
	for _, unit := range units {
		found := false
		for _, k := range known {
			found = found || k == unit
		}
		bad.Check(found, "units", "单位“%s”尚未登记", unit)
	}
	if err := st.checkAvoid(s, &bad, in.Avoid); err != nil {
		return err
	}
	if err := checkMaterials(s, &bad, *a, in.Materials); err != nil {
		return err
	}
	if err := bad.Refusal(); err != nil {
		return err
	}
	a.ProgrammeID, a.GuideID, a.ItemCode, a.Title = g.ProgrammeID, g.ID, in.Item, in.Title
	a.Joint = item.Joint || len(in.JointUnits) > 0
	a.FiscalFen, a.JointFen, a.SelfFen, a.Months, a.Summary = in.FiscalFen, in.JointFen, in.SelfFen, in.Months, in.Summary
	a.Avoid, a.Materials, a.Budget, a.RecommendedAt = in.Avoid, in.Materials, in.Budget, nil
	a.Answers, a.CommittedFen = in.Answers, in.CommittedFen
	seen := map[string]bool{}
	for i, p := range people {
		person, err := rbacstore.EnsurePerson(s, false, p.Name, p.document.BirthYear(), p.document)
		if err != nil {
			return err
		}
		if seen[person.ID] {
			return rbac.Invalid("members", "“%s”出现了两次", p.Name)
		}
		seen[person.ID] = true
		role := "member"
		if i < len(in.Leaders) {
			role = "leader"
			if i == 0 {
				a.LeaderID, a.LeaderName = person.ID, p.Name
			}
		}
		if err := s.Create(&reviewing.ApplicationPerson{ApplicationID: a.ID, PersonID: person.ID, Name: p.Name, Role: role, UnitID: p.UnitID}).Error; err != nil {
			return err
		}
	}
	if err := attach(s, a.ID, in.Materials); err != nil {
		return err
	}
	for role, ids := range map[string][]string{"partner": in.Partners, "joint": in.JointUnits} {
		for _, unit := range ids {
			if err := s.Create(&reviewing.ApplicationUnit{ApplicationID: a.ID, UnitID: unit, Role: role}).Error; err != nil {
				return err
			}
		}
	}
	return nil
}

// ImportApplications drafts the rows of applications.xlsx for their lead units.
func (st *Store) ImportApplications(s *step, guide, name string, data []byte) (expertstore.Imported, error) {
	rows, faults := sheetio.Applications(name, data)
	if err := faults.Refusal(); err != nil {
		return expertstore.Imported{}, err
	}
	if guide == "" {
		published, err := find[reviewing.Guide](s, "id", "state = ?", reviewing.GuidePublished)
		if err != nil {
			return expertstore.Imported{}, err
		}
		if len(published) != 1 {
			return expertstore.Imported{}, rbac.Invalid("guide_id", "已发布的指南有%d份，请指明申报书属于哪一份", len(published))
		}
		guide = published[0].ID
	}
	units := map[string]string{}
	unit := func(row int, column, code string) string {
		if id, ok := units[code]; ok || code == "" {
			return id
		}
		found, err := rbacstore.UnitByCode(s, code)
		if err != nil || found == nil {
			faults.At(row, column, "单位%s尚未登记，请先导入单位", code)
			return ""
		}
		units[code] = found.ID
		return found.ID
	}
	for _, r := range rows {
		lead := unit(r.Row, "牵头单位信用代码", r.LeadUnit)
		in := NewApplication{GuideID: guide, Item: r.Item, Title: r.Title, FiscalFen: r.FiscalFen, JointFen: r.JointFen, SelfFen: r.SelfFen, Months: r.Months, Summary: r.Summary,
			Leaders: []NewPerson{{r.LeaderName, string(r.Leader.Kind), r.Leader.Number, lead}}}
		for _, m := range r.Members {
			in.Members = append(in.Members, NewPerson{m.Name, string(m.Document.Kind), m.Document.Number, unit(r.Row, "成员", m.UnitCode)})
		}
		for _, code := range r.Partners {
			in.Partners = append(in.Partners, unit(r.Row, "参与单位信用代码", code))
		}
		for _, code := range r.JointUnits {
			in.JointUnits = append(in.JointUnits, unit(r.Row, "联合实施单位信用代码", code))
		}
		if len(faults.Fields) > 0 {
			continue
		}
		a := reviewing.Application{ID: s.NewID(), LeadUnitID: lead, State: reviewing.AppDraft, Version: 1, CreatedBy: s.Call.Actor.User, CreatedAt: s.Now}
		err := st.fillApplication(s, &a, in)
		if refusal, ok := rbac.AsRefusal(err); ok {
			faults.At(r.Row, "本行", "%s", strings.TrimPrefix(refusal.Message, "填写有误："))
			continue
		} else if err != nil {
			return expertstore.Imported{}, err
		}
		if err := s.Create(&a).Error; err != nil {
			return expertstore.Imported{}, err
		}
	}
	s.Fact("rows", len(rows))
	s.Fact("table", journal.Hash(string(data)))
	return expertstore.Imported{Rows: len(rows)}, faults.Refusal()
}

// moveApplication moves by SM-06.
func moveApplication(s *step, a *reviewing.Application, act string, version int, set map[string]any) error {
	to, ok := reviewing.ApplicationMoves[a.State][act]
	if !ok {
		return reviewing.MoveRefusal("SM-06", string(a.State), act)
	}
	set["state"], set["version"] = to, version+1
	if err := database.Swap(s.Tx, &reviewing.Application{}, map[string]any{"id": a.ID, "state": a.State, "version": version}, set); err != nil {
		return err
	}
	a.State, a.Version = to, version+1
	return nil
}

// WithdrawApplication takes an application out at any stage before the list.
func (st *Store) WithdrawApplication(s *step, id, reason string, version int) (reviewing.Application, error) {
	a, err := st.ownApplication(s, id)
	if err != nil {
		return a, err
	}
	review, inReview := a.ReviewID, a.State == reviewing.AppInReview
	if err := moveApplication(s, &a, "withdraw", version, map[string]any{"state_reason": reason}); err != nil || !inReview {
		return a, err
	}
	return a, st.leaveReview(s, review, a.ID)
}

// leaveReview takes a withdrawn application out of its running review: its
// marks are void; its substitutes, who reads nothing else, and the joint units
// nobody else brings go.
func (st *Store) leaveReview(s *step, review, application string) error {
	b, err := st.holdBench(s, review)
	if err != nil {
		return err
	}
	if err := voidSheets(s, review, "", application); err != nil {
		return err
	}
	for _, seat := range b.seats {
		if seat.ApplicationID == application && seat.State != reviewing.SeatVacated {
			if err := leave(s, &seat, "withdrawn", ""); err != nil {
				return err
			}
		}
	}
	if err := st.release(s, b, "withdrawn"); err != nil {
		return err
	}
	set := map[string]any{}
	if err := st.followDefence(s, b, set); err != nil {
		return err
	}
	if len(set) > 0 {
		if err := touchReview(s, &b.review, set); err != nil {
			return err
		}
	}
	return s.Where("review_id = ? AND unit_id NOT IN (SELECT u.unit_id FROM application_units u JOIN applications a ON a.id = u.application_id WHERE a.review_id = ? AND u.role = 'joint' AND a.state <> ?)",
		review, review, reviewing.AppWithdrawn).Delete(&reviewing.JointSeat{}).Error
}

// checkAvoid: at most so many as the pack allows. Whether somebody of that name
// is in the pool is not told.
func (st *Store) checkAvoid(s *step, bad *rbac.Fields, avoid []reviewing.Named) error {
	pack, err := st.Pack(s)
	if err != nil {
		return err
	}
	bad.Check(len(avoid) <= pack.AvoidListMax, "avoid", "请求回避的专家至多%d名", pack.AvoidListMax)
	return nil
}

// Completion is what a draft still needs and an imported table cannot hold;
// what is left out stays as it is.
type Completion struct {
	Version      int                     `json:"version" minimum:"1" doc:"读取时的版本号"`
	Budget       *[]reviewing.BudgetLine `json:"budget,omitempty" maxItems:"50" doc:"预算"`
	Avoid        *[]reviewing.Named      `json:"avoid,omitempty" maxItems:"20" doc:"请求回避的专家"`
	Materials    *[]reviewing.Material   `json:"materials,omitempty" maxItems:"30" doc:"材料"`
	Answers      *[]reviewing.Answer     `json:"answers,omitempty" maxItems:"30" doc:"对申报条件的逐条答复"`
	CommittedFen *int                    `json:"committed_fen,omitempty" minimum:"0" maximum:"10000000000000" doc:"资金承诺书载明的联合投入（分）"`
}

// CompleteApplication fills in budget, avoid list, materials and answers of a
// draft or of what was sent back, one or several at a time.
func (st *Store) CompleteApplication(s *step, id string, in Completion) (reviewing.Application, error) {
	a, err := st.ownApplication(s, id)
	if err != nil {
		return a, err
	}
	if a.State != reviewing.AppDraft && a.State != reviewing.AppCorrection {
		return a, reviewing.MoveRefusal("SM-06", string(a.State), "补充申报内容")
	}
	if a.Version != in.Version {
		return a, database.ErrChanged
	}
	var bad rbac.Fields
	if in.Budget != nil {
		a.Budget = *in.Budget
	}
	if in.Answers != nil {
		a.Answers = *in.Answers
	}
	if in.CommittedFen != nil {
		a.CommittedFen = *in.CommittedFen
	}
	if in.Avoid != nil {
		a.Avoid = *in.Avoid
		if err := st.checkAvoid(s, &bad, a.Avoid); err != nil {
			return a, err
		}
	}
	if in.Materials != nil {
		if err := checkMaterials(s, &bad, a, *in.Materials); err != nil {
			return a, err
		}
		a.Materials = *in.Materials
	}
	if err := bad.Refusal(); err != nil {
		return a, err
	}
	if err := attach(s, a.ID, a.Materials); err != nil {
		return a, err
	}
	if in.Materials != nil || in.CommittedFen != nil { // the joint units have recommended something else
		a.RecommendedAt = nil
		if err := s.Model(&reviewing.ApplicationUnit{}).Where("application_id = ? AND role = 'joint'", a.ID).Update("recommended_at", nil).Error; err != nil {
			return a, err
		}
	}
	a.Version++
	return a, replace(s, &a, a.ID, in.Version, a.State)
}

// checkMaterials: each file is the actor's own upload, or was handed in before
// by a colleague.
func checkMaterials(s *step, bad *rbac.Fields, a reviewing.Application, materials []reviewing.Material) error {
	for i, m := range materials {
		if slices.ContainsFunc(a.Materials, func(had reviewing.Material) bool { return had.FileID == m.FileID }) {
			continue
		}
		_, err := rbacstore.OwnFile(s, m.FileID)
		if refusal, ok := rbac.AsRefusal(err); ok {
			bad.Check(false, fmt.Sprintf("materials[%d]", i), "%s", refusal.Message)
		} else if err != nil {
			return err
		}
	}
	return nil
}

// attach ties files to the application, so that those whom it concerns may read them.
func attach(s *step, application string, materials []reviewing.Material) error {
	for _, m := range materials {
		if err := s.Model(&rbac.File{}).Where("id = ? AND object = ''", m.FileID).Update("object", "application/"+application).Error; err != nil {
			return err
		}
	}
	return nil
}
