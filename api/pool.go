package api

import (
	"keping/experts"
	expertstore "keping/experts/store"
	"keping/rbac"
	"keping/rbac/calendar"
	"keping/rbac/store"
	"keping/reviewing"
	reviewstore "keping/reviewing/store"
)

func (s *Server) createUnit(step *store.Step, in *struct {
	Write
	Body store.NewUnit
}) (rbac.Unit, error) {
	return s.Store.CreateUnit(step, in.Body)
}

func (s *Server) importUnits(step *store.Step, in *importTable) (expertstore.Imported, error) {
	name, data, err := s.table(step, in.Body.FileID)
	if err != nil {
		return expertstore.Imported{}, err
	}
	return s.Reviews.ImportUnits(step, name, data)
}

func (s *Server) listUnits(r *Reading, in *struct {
	Paging
	Q     string `query:"q" maxLength:"50" doc:"名称中的文字"`
	State string `query:"state" enum:"pending,active,closed,claimed" doc:"pending 待审核；claimed 已在用而无人管理，有人申请登记，待审核"`
}) (Page[rbac.Unit], error) {
	q := r.DB.Where("id > ?", in.After)
	if in.Q != "" {
		q = q.Where("name"+store.Like, store.Containing(in.Q))
	}
	switch in.State {
	case "":
	case "claimed":
		q = q.Where("state = ? AND id IN (SELECT unit_id FROM unit_claims)", rbac.UnitActive)
	default:
		q = q.Where("state = ?", in.State)
	}
	switch r.Actor.Role {
	case rbac.UnitAdmin, rbac.Applicant, rbac.JointUnit: // who has registered and waits is not theirs to know
		q = q.Where("state = ? AND ? <> 'claimed'", rbac.UnitActive, in.State)
	}
	var rows []rbac.Unit
	err := q.Order("id").Limit(in.Limit + 1).Find(&rows).Error
	switch r.Actor.Role {
	case rbac.UnitAdmin, rbac.Applicant, rbac.JointUnit: // they look up partners, not people
		for i := range rows {
			rows[i].Contact, rows[i].Evidence, rows[i].EvidenceFile = "", "", ""
		}
	}
	return page(rows, in.Limit, func(u rbac.Unit) string { return u.ID }), err
}

func (s *Server) createExpert(step *store.Step, in *struct {
	Write
	Body expertstore.NewExpert
}) (experts.Expert, error) {
	return s.Reviews.CreateExpert(step, in.Body)
}

func (s *Server) importExperts(step *store.Step, in *importTable) (expertstore.Imported, error) {
	name, data, err := s.table(step, in.Body.FileID)
	if err != nil {
		return expertstore.Imported{}, err
	}
	return s.Reviews.ImportExperts(step, name, data)
}

// unusedYears is how far back a search by last use may go: what it reads grows
// with the panels since that day.
const unusedYears = 5

func (s *Server) listExperts(r *Reading, in *struct {
	Paging
	Q          string `query:"q" maxLength:"50" doc:"姓名中的文字"`
	Class      string `query:"class" enum:"technical,management,finance"`
	Field      string `query:"field" maxLength:"8" pattern:"^[0-9]{3}(\\.[0-9]{2}([0-9]{2})?)?$" doc:"GB/T 13745 学科代码，专家的任一学科；一、二级代码含其下级" example:"520.20"`
	Keyword    string `query:"keyword" maxLength:"50" doc:"学科关键词中的文字"`
	State      string `query:"state" enum:"proposed,public,in_pool,suspended,banned,left"`
	Pool       string `query:"pool" enum:"advisory,technical"`
	Title      string `query:"title" maxLength:"50" doc:"职称"`
	UnitID     string `query:"unit_id" maxLength:"36" doc:"所在单位"`
	AvoidUnit  string `query:"avoid_unit_id" maxLength:"36" doc:"回避单位：排除现在或曾经在该单位任职的专家"`
	InDistrict string `query:"in_district" enum:"true,false" doc:"区内或区外"`
	Available  string `query:"available" maxLength:"10" doc:"当日可参加" example:"2025-06-18"`
	PanelsMax  int    `query:"panels_max" minimum:"-1" maximum:"1000" default:"-1" doc:"本年参加的评审专家组至多几个，名单公开之前的不计；-1为不限"`
	Unused     string `query:"unused_since" maxLength:"10" doc:"自该日起未参加过评审" example:"2024-06-18"`
	Due        bool   `query:"due" doc:"只看年度核对已到期或将到期的"`
}) (Page[expertstore.Listed], error) {
	f := expertstore.Filter{Q: in.Q, Class: in.Class, Field: in.Field, Keyword: in.Keyword, UnusedSince: in.Unused, Due: in.Due, State: in.State, Pool: in.Pool, Title: in.Title, UnitID: in.UnitID, AvoidUnit: in.AvoidUnit, Available: in.Available,
		Untold: r.Actor.Role == rbac.Supervisor}
	if in.InDistrict != "" {
		inside := in.InDistrict == "true"
		f.InDistrict = &inside
	}
	if in.PanelsMax >= 0 {
		f.PanelsMax = &in.PanelsMax
	}
	for name, day := range map[string]string{"available": in.Available, "unused_since": in.Unused} {
		if _, err := calendar.Parse(day); day != "" && err != nil {
			return Page[expertstore.Listed]{}, rbac.Invalid(name, "%v", err)
		}
	}
	if in.Unused != "" && in.Unused < calendar.Day(s.Store.DB.Now().AddDate(-unusedYears, 0, 0)) {
		return Page[expertstore.Listed]{}, rbac.Invalid("unused_since", "最早为%d年前的今天", unusedYears)
	}
	rows, err := s.Reviews.ListExperts(r, f, in.After, in.Limit+1)
	return page(rows, in.Limit, func(e expertstore.Listed) string { return e.ID }), err
}

func (s *Server) updateExpert(step *store.Step, in *struct {
	ByID
	Body expertstore.Facts
}) (experts.Expert, error) {
	return s.Reviews.UpdateExpert(step, in.ID, in.Body)
}

func (s *Server) admitExperts(step *store.Step, in *struct {
	Write
	Body struct {
		ExpertIDs []string `json:"expert_ids" minItems:"1" maxItems:"1000"`
	}
}) (expertstore.Imported, error) {
	return s.Reviews.AdmitExperts(step, in.Body.ExpertIDs)
}

type moveExpert struct {
	ByID
	Body struct {
		Version int    `json:"version" minimum:"1"`
		Reason  string `json:"reason" minLength:"2" maxLength:"200"`
	}
}

func (s *Server) moveExpert(move string) func(*store.Step, *moveExpert) (experts.Expert, error) {
	return func(step *store.Step, in *moveExpert) (experts.Expert, error) {
		return s.Reviews.MoveExpert(step, in.ID, move, expertstore.Move{Version: in.Body.Version, Reason: in.Body.Reason})
	}
}

func (s *Server) createRelease(step *store.Step, in *struct {
	Write
	Body store.NewRelease
}) (rbac.Release, error) {
	return s.Reviews.CreateRelease(step, in.Body)
}

func (s *Server) createProgramme(step *store.Step, in *struct {
	Write
	Body reviewstore.NewProgramme
}) (reviewing.Programme, error) {
	return s.Reviews.CreateProgramme(step, in.Body)
}

func (s *Server) listProgrammes(r *Reading, in *struct{ Paging }) (Page[reviewing.Programme], error) {
	return list(r, in.Paging, func(p reviewing.Programme) string { return p.ID }, "")
}

func (s *Server) recommendMember(step *store.Step, in *struct {
	ByID
	Body reviewstore.NewMember
}) (reviewstore.Members, error) {
	return s.Reviews.RecommendMember(step, in.ID, in.Body)
}

func (s *Server) approveGroup(step *store.Step, in *struct {
	ByID
	Body struct {
		Kind string `json:"kind" enum:"advisory,technical"`
	}
}) (reviewstore.Members, error) {
	return s.Reviews.ApproveGroup(step, in.ID, in.Body.Kind)
}

func (s *Server) listMembers(r *Reading, in *struct {
	ID string `path:"id" maxLength:"64"`
	Paging
}) (Page[reviewstore.MemberView], error) {
	rows, err := s.Reviews.MembersOf(r, in.ID, in.After, in.Limit+1)
	return page(rows, in.Limit, func(m reviewstore.MemberView) string { return m.ID }), err
}

type reasoned struct {
	ByID
	Body struct {
		Reason string `json:"reason" minLength:"2" maxLength:"500"`
	}
}

func (s *Server) endMember(step *store.Step, in *reasoned) (reviewing.Membership, error) {
	return s.Reviews.EndMember(step, in.ID, in.Body.Reason)
}

func (s *Server) correctPerson(step *store.Step, in *struct {
	Write
	Body store.Correction
}) (store.NameCorrection, error) {
	return s.Store.CorrectPerson(step, in.Body)
}

func (s *Server) distinguish(step *store.Step, in *struct {
	Write
	Body struct {
		LeaderID string `json:"leader_id" maxLength:"36" doc:"申报书的 leader_id"`
		ExpertID string `json:"expert_id" maxLength:"36"`
		Reason   string `json:"reason" minLength:"5" maxLength:"500"`
	}
}) (reviewstore.Distinction, error) {
	return s.Reviews.Distinguish(step, in.Body.LeaderID, in.Body.ExpertID, in.Body.Reason)
}

// list pages through rows by id.
func list[T any](r *Reading, p Paging, key func(T) string, where string, args ...any) (Page[T], error) {
	q := r.DB.Where("id > ?", p.After)
	if where != "" {
		q = q.Where(where, args...)
	}
	var rows []T
	err := q.Order("id").Limit(p.Limit + 1).Find(&rows).Error
	return page(rows, p.Limit, key), err
}
