package store

import (
	"context"
	"errors"
	"slices"
	"strings"

	"gorm.io/gorm"

	"keping/experts"
	expertstore "keping/experts/store"
	"keping/rbac"
	rbacstore "keping/rbac/store"
	"keping/reviewing"
	"keping/reviewing/paper"
)

// ExpertView is an expert's record with what is sealed masked.
type ExpertView struct {
	experts.Expert
	Documents []string `json:"documents" doc:"证件（已遮盖）"`
	Phone     string   `json:"phone" doc:"手机（已遮盖）"`
}

// ExpertOf shows one record.
func (st *Store) ExpertOf(ctx context.Context, id string) (ExpertView, error) {
	s := st.reading(ctx, rbac.Actor{})
	e, err := expertstore.Take(s, id)
	if err != nil {
		return ExpertView{}, err
	}
	v := ExpertView{Expert: e, Documents: []string{}}
	phone, err := s.Keys.Open(e.Phone, "expert/"+e.ID+"/phone")
	if err != nil {
		return v, err
	}
	v.Phone = rbac.Mask(phone, 3, 4)
	documents, err := find[rbac.Identity](s, "id", "person_id = ?", e.PersonID)
	for _, d := range documents {
		key, err := s.Keys.Open(d.Number, "identity/"+d.ID)
		if err != nil {
			return v, err
		}
		v.Documents = append(v.Documents, rbac.DocumentOf(key).Masked())
	}
	return v, err
}

// Profile is the own record of an expert, with the appeals made.
type Profile struct {
	ExpertView
	RecheckDue string                   `json:"recheck_due" doc:"须在此日前核对档案；空为不要求"`
	Appeals    []expertstore.AppealView `json:"appeals"`
}

// ProfileOf shows experts their own record.
func (st *Store) ProfileOf(ctx context.Context, actor rbac.Actor) (Profile, error) {
	s := st.reading(ctx, actor)
	e, err := expertstore.Own(s)
	if err != nil {
		return Profile{}, err
	}
	pack, err := st.Pack(s)
	if err != nil {
		return Profile{}, err
	}
	v := Profile{RecheckDue: experts.RecheckDue(pack, e), Appeals: []expertstore.AppealView{}}
	if v.ExpertView, err = st.ExpertOf(ctx, e.ID); err != nil {
		return v, err
	}
	appeals, err := find[experts.Appeal](s, "id", "expert_id = ?", e.ID)
	for _, a := range appeals {
		view, err := expertstore.ViewAppeal(s, a)
		if err != nil {
			return v, err
		}
		v.Appeals = append(v.Appeals, view)
	}
	return v, err
}

// ProgrammeView is a programme with its two groups.
type ProgrammeView struct {
	reviewing.Programme
	Groups []reviewing.Group `json:"groups"`
}

// ProgrammeOf shows one programme.
func (st *Store) ProgrammeOf(ctx context.Context, id string) (ProgrammeView, error) {
	s := st.reading(ctx, rbac.Actor{})
	p, err := take[reviewing.Programme](s, id, "该专项")
	if err != nil {
		return ProgrammeView{}, err
	}
	groups, err := find[reviewing.Group](s, "kind", "programme_id = ?", id)
	return ProgrammeView{p, groups}, err
}

// GuideOf shows one guide.
func (st *Store) GuideOf(ctx context.Context, id string) (reviewing.Guide, error) {
	return take[reviewing.Guide](st.reading(ctx, rbac.Actor{}), id, "该指南")
}

// ApplicationView is an application with its people and units.
type ApplicationView struct {
	reviewing.Application
	People []reviewing.ApplicationPerson `json:"people"`
	Units  []reviewing.ApplicationUnit   `json:"units"`
}

// ApplicationOf shows one application to the bureau, its lead unit, its
// leader and its joint units.
func (st *Store) ApplicationOf(ctx context.Context, actor rbac.Actor, settle may, id string) (ApplicationView, error) {
	s := st.reading(ctx, actor)
	a, err := take[reviewing.Application](s, id, "该申报书")
	if err != nil {
		return ApplicationView{}, err
	}
	v := ApplicationView{Application: a}
	if v.Units, err = find[reviewing.ApplicationUnit](s, "role, unit_id", "application_id = ?", id); err != nil {
		return v, err
	}
	if err := settle(concerns(actor, a, v.Units), "该申报书"); err != nil {
		return ApplicationView{}, err
	}
	if actor.Role == rbac.JointUnit {
		v.Avoid = nil // the applicant's word to the bureau
	}
	v.People, err = find[reviewing.ApplicationPerson](s, "role, person_id", "application_id = ?", id)
	return v, err
}

// concerns tells whether an application is a unit's, a leader's or a joint unit's own.
func concerns(actor rbac.Actor, a reviewing.Application, units []reviewing.ApplicationUnit) bool {
	switch actor.Role {
	case rbac.UnitAdmin:
		return actor.Unit != "" && actor.Unit == a.LeadUnitID
	case rbac.Applicant:
		return actor.User == a.CreatedBy || actor.Person != "" && actor.Person == a.LeaderID
	case rbac.JointUnit:
		return actor.Unit != "" && slices.ContainsFunc(units, func(u reviewing.ApplicationUnit) bool { return u.Role == "joint" && u.UnitID == actor.Unit })
	}
	return false
}

// ReviewView is a review with the chair's opinion for who may read it.
type ReviewView struct {
	reviewing.Review
	Opinion reviewing.Opinion     `json:"opinion" doc:"组长综合意见；开启评分后专家组、经办、领导和监督可见，专家只见本人评审的项目"`
	Joint   []reviewing.JointSeat `json:"joint" doc:"联合实施单位的参与"`
	Draws   []DrawView            `json:"draws" doc:"历次抽取"`
}

// ReviewOf shows one review to the bureau, its panel and its joint units.
func (st *Store) ReviewOf(ctx context.Context, actor rbac.Actor, settle may, id string) (ReviewView, error) {
	s := st.reading(ctx, actor)
	b, err := st.loadBench(s, id)
	if err != nil {
		return ReviewView{}, err
	}
	v := ReviewView{Review: b.review, Draws: []DrawView{}}
	joint, err := find[reviewing.JointSeat](s, "id", "review_id = ?", id)
	if err != nil {
		return v, err
	}
	own := slices.ContainsFunc(joint, func(j reviewing.JointSeat) bool { return actor.Unit != "" && j.UnitID == actor.Unit })
	if err := settle(len(b.mySeats(s)) > 0 || actor.Role == rbac.JointUnit && own, "该评审批次"); err != nil {
		return ReviewView{}, err
	}
	if actor.Role == rbac.JointUnit {
		views, err := st.OwnSlots(ctx, actor, []reviewing.Review{v.Review})
		if err != nil {
			return ReviewView{}, err
		}
		v.Review = views[0]
	}
	v.Joint = slices.DeleteFunc(joint, func(j reviewing.JointSeat) bool { return actor.Role == rbac.JointUnit && j.UnitID != actor.Unit })
	for i := range v.Joint {
		if actor.Role == rbac.Expert {
			v.Joint[i].UserID = ""
			if !opened(b.review) { // nothing that could sway the marks
				v.Joint[i].Opinion, v.Joint[i].Earlier = "", nil
			}
		}
	}
	if actor.Role != rbac.JointUnit && opened(b.review) {
		if v.Opinion, err = opinionOf(s, b.review); err != nil {
			return v, err
		}
		if actor.Role == rbac.Expert {
			mine := b.mySeats(s)
			v.Opinion.Applications = slices.DeleteFunc(v.Opinion.Applications, func(o reviewing.ApplicationOpinion) bool {
				return !slices.ContainsFunc(b.sitting(o.ApplicationID), func(x reviewing.Seat) bool {
					return slices.ContainsFunc(mine, func(m reviewing.Seat) bool { return m.ID == x.ID })
				})
			})
		}
	}
	if actor.Role == rbac.Expert || actor.Role == rbac.JointUnit {
		return v, nil
	}
	draws, err := find[reviewing.Draw](s, "purpose, attempt", "review_id = ?", id)
	for _, d := range draws {
		view, err := viewDraw(d)
		if err != nil {
			return v, err
		}
		v.Draws = append(v.Draws, view)
	}
	return v, err
}

// DrawOf shows where a draw stands.
func (st *Store) DrawOf(ctx context.Context, id string) (DrawView, error) {
	d, err := take[reviewing.Draw](st.reading(ctx, rbac.Actor{}), id, "该抽取")
	if err != nil {
		return DrawView{}, err
	}
	return viewDraw(d)
}

// ListView is a list with the conclusions recorded on it.
type ListView struct {
	reviewing.AwardList
	Conclusions []reviewing.Conclusion `json:"conclusions"`
	Budget      []reviewing.Used       `json:"budget" doc:"逐行累计的资金使用"`
	Changes     []reviewing.Change     `json:"changes" doc:"与上一版的差异"`
}

// OwnLines are the lines of the applications a joint unit joins.
func (st *Store) OwnLines(ctx context.Context, actor rbac.Actor, lines []reviewing.Line) ([]reviewing.Line, error) {
	joined, err := find[reviewing.ApplicationUnit](st.reading(ctx, actor), "application_id", "role = 'joint' AND unit_id = ? AND unit_id <> ''", actor.Unit)
	return slices.DeleteFunc(slices.Clone(lines), func(l reviewing.Line) bool {
		return !slices.ContainsFunc(joined, func(u reviewing.ApplicationUnit) bool { return u.ApplicationID == l.ApplicationID })
	}), err
}

// OwnSlots leaves a joint unit the turns of the applications it joins, and not
// who introduces them.
func (st *Store) OwnSlots(ctx context.Context, actor rbac.Actor, reviews []reviewing.Review) ([]reviewing.Review, error) {
	var own, ids []string
	for _, r := range reviews {
		ids = append(ids, r.ID)
	}
	err := st.reading(ctx, actor).Table("applications").Where("review_id IN ? AND id IN (SELECT application_id FROM application_units WHERE role = 'joint' AND unit_id = ? AND unit_id <> '')", ids, actor.Unit).
		Pluck("number", &own).Error
	for i := range reviews {
		kept := []reviewing.Slot{}
		for _, slot := range reviews[i].Defence {
			if slices.Contains(own, slot.Application) {
				kept = append(kept, reviewing.Slot{Application: slot.Application})
			}
		}
		reviews[i].Defence = kept
	}
	return reviews, err
}

// ListOf shows one version of a list; to a joint unit its own lines and word.
func (st *Store) ListOf(ctx context.Context, actor rbac.Actor, settle may, id string) (ListView, error) {
	s := st.reading(ctx, actor)
	l, err := take[reviewing.AwardList](s, id, "该清单")
	if err != nil {
		return ListView{}, err
	}
	own, err := st.OwnLines(ctx, actor, l.Lines)
	if err != nil {
		return ListView{}, err
	}
	if err := settle(actor.Role == rbac.JointUnit && len(own) > 0, "该清单"); err != nil {
		return ListView{}, err
	}
	if actor.Role == rbac.JointUnit {
		l.Lines = own
		conclusions, err := find[reviewing.Conclusion](s, "created_at, id", "list_id = ? AND unit_id = ?", id, actor.Unit)
		return ListView{AwardList: l, Conclusions: conclusions, Budget: []reviewing.Used{}, Changes: []reviewing.Change{}}, err
	}
	v := ListView{AwardList: l, Changes: []reviewing.Change{}}
	g, err := take[reviewing.Guide](s, l.GuideID, "该指南")
	if err != nil {
		return v, err
	}
	spent, _, err := confirmedOf(s, l.GuideID, l.ID, nil)
	if err != nil {
		return v, err
	}
	v.Budget = reviewing.BudgetBar(l, g.BudgetFen, spent)
	before, err := find[reviewing.AwardList](s, "number DESC", "guide_id = ? AND number < ?", l.GuideID, l.Number)
	if err != nil {
		return v, err
	}
	if len(before) > 0 {
		v.Changes = reviewing.Changes(before[0], l)
	}
	v.Conclusions, err = find[reviewing.Conclusion](s, "created_at, id", "list_id = ?", id)
	return v, err
}

// ObjectionView is an objection with its author, for who decides it.
type ObjectionView struct {
	reviewing.Objection
	Unit     string               `json:"unit" doc:"提出异议的单位；空为个人"`
	Name     string               `json:"name"`
	Contact  string               `json:"contact"`
	Text     string               `json:"text"`
	Evidence []rbacstore.FileView `json:"evidence" doc:"所附依据（文件编号，下载留痕）"`
	Finding  string               `json:"finding"`
	Answer   string               `json:"answer"`
}

// ReadObjection opens an objection; that it was read is journalled.
func (st *Store) ReadObjection(s *step, id string) (ObjectionView, error) {
	o, err := take[reviewing.Objection](s, id, "该异议")
	if err != nil {
		return ObjectionView{}, err
	}
	v := ObjectionView{Objection: o, Evidence: []rbacstore.FileView{}}
	if err := s.Model(&rbac.File{}).Where("object = ?", "objection/"+id).Order("created_at, id").Scan(&v.Evidence).Error; err != nil {
		return v, err
	}
	var errs []error
	for name, field := range map[string]struct {
		sealed []byte
		into   *string
	}{"unit": {o.Unit, &v.Unit}, "name": {o.Name, &v.Name}, "contact": {o.Contact, &v.Contact}, "text": {o.Text, &v.Text}, "finding": {o.Finding, &v.Finding}, "answer": {o.Answer, &v.Answer}} {
		text, err := s.Keys.Open(field.sealed, "objection/"+id+"/"+name)
		*field.into = text
		errs = append(errs, err)
	}
	return v, errors.Join(errs...)
}

// DeclarationView is a declaration with its reason, for who decides it.
type DeclarationView struct {
	reviewing.Declaration
	Reason string `json:"reason"`
}

// ReadDeclaration opens the reason; that it was read is journalled.
func (st *Store) ReadDeclaration(s *step, id string) (DeclarationView, error) {
	d, err := take[reviewing.Declaration](s, id, "该回避申请")
	if err != nil {
		return DeclarationView{}, err
	}
	reason, err := s.Keys.Open(d.Reason, "declaration/"+id)
	return DeclarationView{d, reason}, err
}

// ReadFile is a file for its owner, for the bureau, and for those whom the
// application it belongs to concerns: a panel member after pledge and clear
// word, not while recused. What an objector has sent tells who it is: it is the
// supervisor's alone. Reading what is not one's own is journalled.
func (st *Store) ReadFile(s *step, id string) (FileCopy, error) {
	var f FileCopy
	err := s.Take(&f.File, "id = ?", id).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return f, rbac.Missing("该文件")
	}
	if err != nil {
		return f, err
	}
	if f.Owner == s.Call.Actor.User {
		s.Unjournalled()
		return f, s.May(true, "该文件")
	}
	if f.Object == "" { // an import table, say: its owner's alone
		return f, rbac.Hidden("该文件")
	}
	if s.Call.Actor.Role == rbac.Finance && !strings.HasPrefix(f.Object, "list/") {
		return f, rbac.Hidden("该文件")
	}
	if s.Call.Actor.Role == rbac.PoolKeeper && !strings.HasPrefix(f.Object, "expert/") {
		return f, rbac.Hidden("该文件")
	}
	if s.Call.Actor.Role != rbac.Supervisor && strings.HasPrefix(f.Object, "objection/") {
		return f, rbac.Hidden("该文件")
	}
	if sheet, ok := strings.CutPrefix(f.Object, "sheet/"); ok && s.Call.Actor.Role != rbac.Officer { // marks on paper stay sealed from whoever does not enter them
		x, err := take[reviewing.Sheet](s, sheet, "该文件")
		if err != nil {
			return f, err
		}
		r, err := take[reviewing.Review](s, x.ReviewID, "该文件")
		if err != nil {
			return f, err
		}
		if !opened(r) {
			return f, rbac.Hidden("该文件")
		}
	}
	may, err := st.mayRead(s, &f)
	if err != nil {
		return f, err
	}
	s.Fact("sm3", f.SM3)
	return f, s.May(may, "该文件")
}

// FileCopy is a file as its reader gets it; Cover is nil but for a panel member.
type FileCopy struct {
	rbac.File
	Cover *paper.Cover
}

func (st *Store) mayRead(s *step, f *FileCopy) (bool, error) {
	if f.ApplicationID() == "" {
		return false, nil
	}
	a, err := take[reviewing.Application](s, f.ApplicationID(), "该文件")
	if err != nil {
		return false, err
	}
	if s.Call.Actor.Role != rbac.Expert {
		units, err := find[reviewing.ApplicationUnit](s, "unit_id", "application_id = ?", a.ID)
		return concerns(s.Call.Actor, a, units), err
	}
	if a.ReviewID == "" {
		return false, nil
	}
	b, err := st.loadBench(s, a.ReviewID)
	if err != nil {
		return false, err
	}
	for _, seat := range b.sitting(a.ID) {
		if seat.PersonID == s.Call.Actor.Person && b.reads(seat, a.ID) {
			f.Cover = &paper.Cover{Code: seat.Code, Review: b.review.Number, Application: a.Number, Title: a.Title, File: f.Name, SM3: f.SM3, At: s.Now}
			return true, nil
		}
	}
	return false, nil
}

// reads tells whether a seat may read an application's material: pledged,
// declared clear, not recused, and the review not yet over.
func (b *bench) reads(seat reviewing.Seat, application string) bool {
	over := b.review.State == reviewing.Closed || b.review.State == reviewing.Void
	return !over && seat.PersonID != "" && seat.State == reviewing.SeatPledged && b.declared(seat.ID, application) && !b.recused(seat.ID, application)
}
