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
	"keping/rbac/calendar"
	"keping/rbac/journal"
	"keping/rbac/notice"
	"keping/rbac/rulebook"
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

// RecommendApplication is R-013: the joint unit recommends.
func (st *Store) RecommendApplication(s *step, id string) (reviewing.Application, error) {
	a, err := take[reviewing.Application](s, id, "该申报书")
	if err != nil {
		return a, err
	}
	units, err := find[reviewing.ApplicationUnit](s, "unit_id", "application_id = ? AND role = 'joint'", id)
	if err != nil {
		return a, err
	}
	mine, all := false, true
	for i := range units {
		if units[i].UnitID == s.Call.Actor.Unit {
			mine = true
			units[i].RecommendedAt = &s.Now
			where := map[string]any{"application_id": id, "unit_id": units[i].UnitID, "role": "joint"}
			if err := database.Swap(s.Tx, &reviewing.ApplicationUnit{}, where, map[string]any{"recommended_at": s.Now}); err != nil {
				return a, err
			}
		}
		all = all && units[i].RecommendedAt != nil
	}
	if err := s.May(mine, "该申报书"); err != nil {
		return a, err
	}
	if a.State != reviewing.AppDraft && a.State != reviewing.AppUnitReview && a.State != reviewing.AppCorrection {
		return a, reviewing.MoveRefusal("SM-06", string(a.State), "推荐")
	}
	if all {
		a.RecommendedAt = &s.Now
	}
	return a, database.Swap(s.Tx, &reviewing.Application{}, map[string]any{"id": id, "version": a.Version}, map[string]any{"recommended_at": a.RecommendedAt})
}

// submission loads what a submission is judged by.
func (st *Store) submission(s *step, a reviewing.Application) (reviewing.Submission, error) {
	sub := reviewing.Submission{Application: a, Now: s.Now}
	var err error
	if sub.Programme, err = take[reviewing.Programme](s, a.ProgrammeID, "该专项"); err != nil {
		return sub, err
	}
	if sub.Guide, err = take[reviewing.Guide](s, a.GuideID, "该指南"); err != nil {
		return sub, err
	}
	var n int64
	if err = s.Model(&reviewing.ApplicationPerson{}).Where("application_id = ? AND role = 'leader'", a.ID).Count(&n).Error; err != nil {
		return sub, err
	}
	sub.Leaders = int(n)
	joint, err := find[reviewing.ApplicationUnit](s, "unit_id", "application_id = ? AND role = 'joint'", a.ID)
	if err != nil {
		return sub, err
	}
	for _, j := range joint {
		u, err := take[rbac.Unit](s, j.UnitID, "联合实施单位")
		if err != nil {
			return sub, err
		}
		sub.JointUnits = append(sub.JointUnits, u)
		if j.RecommendedAt != nil {
			sub.Recommended++
		}
	}
	if sub.Member, err = memberOfYear(s, a.ProgrammeID, a.LeaderID); err != nil {
		return sub, err
	}
	if sub.Uncertain, err = uncertainMembers(s, a.ProgrammeID, a.LeaderID); err != nil {
		return sub, err
	}
	if sub.Examined, err = examined(s, a); err != nil {
		return sub, err
	}
	sub.Files = map[string]rbac.File{}
	for _, m := range a.Materials {
		var f rbac.File
		if err := s.Take(&f, "id = ?", m.FileID).Error; err != nil {
			return sub, err
		}
		sub.Files[f.ID] = f
	}
	others, err := find[reviewing.Application](s, "id", "programme_id = ? AND leader_id = ? AND id <> ?", a.ProgrammeID, a.LeaderID, a.ID)
	for _, o := range others {
		if o.State.Live() {
			sub.SameLeader++
		}
	}
	return sub, err
}

// examined are the leader and the lead unit with their integrity records (P-23).
func examined(s *step, a reviewing.Application) ([]rbac.Examined, error) {
	unit, err := take[rbac.Unit](s, a.LeadUnitID, "牵头单位")
	if err != nil {
		return nil, err
	}
	day := calendar.Day(s.Now)
	people, err := rbacstore.IntegrityInForce(s.DB, rbac.SubjectPerson, day, a.LeaderID)
	if err != nil {
		return nil, err
	}
	units, err := rbacstore.IntegrityInForce(s.DB, rbac.SubjectUnit, day, unit.ID)
	return []rbac.Examined{{Who: a.LeaderName, ID: a.LeaderID, Records: people[a.LeaderID]}, {Who: unit.Name, ID: unit.ID, Records: units[unit.ID]}}, err
}

// SubmitApplication submits inside the window, all rules obeyed: by the unit to
// the bureau, by a leader to the own unit, which endorses (单位审核).
func (st *Store) SubmitApplication(s *step, id string, version int) (reviewing.Application, error) {
	a, err := st.ownApplication(s, id)
	if err != nil {
		return a, err
	}
	move := "submit"
	if s.Call.Actor.Role == rbac.Applicant {
		move = "hand_in"
	}
	return st.handIn(s, a, move, version)
}

// handIn moves an application on once all rules hold. One sent back for
// correction has its own clock instead of the window's.
func (st *Store) handIn(s *step, a reviewing.Application, move string, version int) (reviewing.Application, error) {
	pack, err := st.Pack(s)
	if err != nil {
		return a, err
	}
	sub, err := st.submission(s, a)
	if err != nil {
		return a, err
	}
	if _, ok := reviewing.ApplicationMoves[a.State][move]; !ok {
		return a, reviewing.MoveRefusal("SM-06", string(a.State), move)
	}
	verdicts := reviewing.SubmissionRules(pack, sub)
	if a.Corrections == 0 {
		verdicts = append(verdicts, reviewing.WindowRule(pack, sub.Guide, a.LateUntil, s.Now))
	} else {
		end, err := calendar.End(a.CorrectBy)
		if err != nil {
			return a, err
		}
		verdicts = append(verdicts, pack.Check("P-45", s.Now.Before(end), rulebook.Inputs{"correct_by": a.CorrectBy},
			"补正期限至"+a.CorrectBy+"，已经截止（惯例）。", "请与科技局联系；经办可作出不通过的结论。"))
	}
	if err := st.Obey(s, "application/"+a.ID, verdicts...); err != nil {
		return a, err
	}
	if move == "hand_in" {
		return a, moveApplication(s, &a, move, version, map[string]any{})
	}
	set := map[string]any{"submitted_at": s.Now}
	if a.Number == "" {
		n, err := s.Number(fmt.Sprintf("application:%s", sub.Programme.Code))
		if err != nil {
			return a, err
		}
		a.Number = fmt.Sprintf("%s-%03d", sub.Programme.Code, n)
		set["number"] = a.Number
	}
	a.SubmittedAt = &s.Now
	if err := moveApplication(s, &a, move, version, set); err != nil {
		return a, err
	}
	return a, st.acknowledge(s, a)
}

// acknowledge sends the receipt of a submission to whoever made it, so that
// nobody has to ask whether it has arrived.
func (st *Store) acknowledge(s *step, a reviewing.Application) error {
	u, err := rbacstore.TakeUser(s, s.Call.Actor.User)
	if err != nil || u.Mail == "" {
		return err
	}
	return s.Notify(notice.Message{Kind: "receipt", UserID: u.ID, Address: u.Mail, Object: "application/" + a.ID, Subject: "申报书已收到：" + a.Number,
		Body: fmt.Sprintf("%s：\n\n贵单位的申报书“%s”已于%s提交，编号%s，第%d版。\n办理进展请登录系统查看：%s\n", u.Name, a.Title, calendar.Stamp(s.Now), a.Number, a.Version, st.PublicURL)})
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
// marks are void, its substitutes and the joint units nobody else brings go.
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

// PermitLate is a director's recorded permission to submit after the window
// for one application, until an instant, with its reason.
func (st *Store) PermitLate(s *step, id, until, reason string, version int) (reviewing.Application, error) {
	a, err := take[reviewing.Application](s, id, "该申报书")
	if err != nil {
		return a, err
	}
	if err := st.impartial(s, "id = ?", id); err != nil {
		return a, err
	}
	if a.State != reviewing.AppDraft && a.State != reviewing.AppUnitReview {
		return a, reviewing.MoveRefusal("SM-06", string(a.State), "批准延期提交")
	}
	end, err := calendar.End(until)
	if err != nil {
		return a, rbac.Invalid("until", "%v", err)
	}
	if !s.Now.Before(end) {
		return a, rbac.Invalid("until", "延期的最后一日%s已经过去", until)
	}
	late := end.UTC()
	a.LateUntil, a.LateReason, a.Version = &late, reason, version+1
	s.Fact("until", until)
	return a, database.Swap(s.Tx, &reviewing.Application{}, map[string]any{"id": id, "version": version, "state": a.State},
		map[string]any{"late_until": late, "late_reason": reason, "version": a.Version})
}

// EndorseApplication is the lead unit's approval (单位审核) of what its leader
// has submitted: the rules are asked again, for it is the unit that applies.
func (st *Store) EndorseApplication(s *step, id string, version int) (reviewing.Application, error) {
	a, err := st.ownApplication(s, id)
	if err != nil {
		return a, err
	}
	return st.handIn(s, a, "endorse", version)
}

// SendBackApplication returns it to the leader with a reason.
func (st *Store) SendBackApplication(s *step, id, reason string, version int) (reviewing.Application, error) {
	a, err := st.ownApplication(s, id)
	if err != nil {
		return a, err
	}
	move := "send_back"
	if a.Corrections > 0 {
		move = "send_back_correction"
	}
	a.StateReason = reason
	return a, moveApplication(s, &a, move, version, map[string]any{"state_reason": reason})
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
