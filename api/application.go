package api

import (
	expertstore "keping/experts/store"
	"keping/rbac"
	"keping/rbac/store"
	"keping/reviewing"
	reviewstore "keping/reviewing/store"
)

func (s *Server) createGuide(step *store.Step, in *struct {
	Write
	Body reviewstore.NewGuide
}) (reviewing.Guide, error) {
	return s.Reviews.CreateGuide(step, in.Body)
}

func (s *Server) updateGuide(step *store.Step, in *struct {
	ByID
	Version int `query:"version" minimum:"1" required:"true" doc:"读取时的版本号"`
	Body    reviewstore.NewGuide
}) (reviewing.Guide, error) {
	return s.Reviews.UpdateGuide(step, in.ID, in.Version, in.Body)
}

func (s *Server) approveGuide(step *store.Step, in *versioned) (reviewing.Guide, error) {
	return s.Reviews.ApproveGuide(step, in.ID, in.Body.Version)
}

func (s *Server) publishGuide(step *store.Step, in *versioned) (reviewing.Guide, error) {
	return s.Reviews.PublishGuide(step, in.ID, in.Body.Version)
}

// listGuides shows everybody what is published; drafts only to the bureau.
func (s *Server) listGuides(r *Reading, in *struct{ Paging }) (Page[reviewing.Guide], error) {
	key := func(g reviewing.Guide) string { return g.ID }
	if seesDrafts(r.Actor.Role) {
		return list(r, in.Paging, key, "")
	}
	return list(r, in.Paging, key, "state = ?", reviewing.GuidePublished)
}

func seesDrafts(role rbac.Role) bool {
	return role == rbac.Officer || role == rbac.Director || role == rbac.Supervisor
}

func (s *Server) createApplication(step *store.Step, in *struct {
	Write
	Body reviewstore.NewApplication
}) (reviewing.Application, error) {
	return s.Reviews.CreateApplication(step, in.Body)
}

func (s *Server) updateApplication(step *store.Step, in *struct {
	ByID
	Version int `query:"version" minimum:"1" required:"true" doc:"读取时的版本号"`
	Body    reviewstore.NewApplication
}) (reviewing.Application, error) {
	return s.Reviews.UpdateApplication(step, in.ID, in.Version, in.Body)
}

func (s *Server) importApplications(step *store.Step, in *importApplications) (expertstore.Imported, error) {
	name, data, err := s.table(step, in.Body.FileID)
	if err != nil {
		return expertstore.Imported{}, err
	}
	return s.Reviews.ImportApplications(step, in.Body.GuideID, name, data)
}

func (s *Server) submitApplication(step *store.Step, in *versioned) (reviewing.Application, error) {
	return s.Reviews.SubmitApplication(step, in.ID, in.Body.Version)
}

func (s *Server) recommendApplication(step *store.Step, in *ByID) (reviewing.Application, error) {
	return s.Reviews.RecommendApplication(step, in.ID)
}

func (s *Server) completeApplication(step *store.Step, in *struct {
	ByID
	Body reviewstore.Completion
}) (reviewing.Application, error) {
	return s.Reviews.CompleteApplication(step, in.ID, in.Body)
}

func (s *Server) endorseApplication(step *store.Step, in *versioned) (reviewing.Application, error) {
	return s.Reviews.EndorseApplication(step, in.ID, in.Body.Version)
}

func (s *Server) sendBackApplication(step *store.Step, in *moveExpert) (reviewing.Application, error) {
	return s.Reviews.SendBackApplication(step, in.ID, in.Body.Reason, in.Body.Version)
}

func (s *Server) permitLate(step *store.Step, in *struct {
	ByID
	Body struct {
		Version int    `json:"version" minimum:"1"`
		Until   string `json:"until" maxLength:"10" doc:"延期提交的最后一日" example:"2025-05-08"`
		Reason  string `json:"reason" minLength:"5" maxLength:"500" doc:"批准延期的理由"`
	}
}) (reviewing.Application, error) {
	return s.Reviews.PermitLate(step, in.ID, in.Body.Until, in.Body.Reason, in.Body.Version)
}

func (s *Server) listDuplicates(r *Reading, in *byID) (Page[reviewstore.Duplicate], error) {
	found, err := reviewstore.Duplicates(r.DB, in.ID)
	return Page[reviewstore.Duplicate]{Items: found}, err
}

func (s *Server) screenApplication(step *store.Step, in *struct {
	ByID
	Body reviewstore.NewScreening
}) (reviewing.Application, error) {
	return s.Reviews.ScreenApplication(step, in.ID, in.Body)
}

func (s *Server) withdrawApplication(step *store.Step, in *moveExpert) (reviewing.Application, error) {
	return s.Reviews.WithdrawApplication(step, in.ID, in.Body.Reason, in.Body.Version)
}

// listApplications shows the bureau all, a unit its own, a joint unit those it
// joins, an applicant the own.
func (s *Server) listApplications(r *Reading, in *struct {
	Paging
	GuideID  string `query:"guide_id" maxLength:"36"`
	ReviewID string `query:"review_id" maxLength:"36"`
	State    string `query:"state" enum:"draft,unit_review,submitted,correction,accepted,refused,in_review,reviewed,proposed,reserve,declined,awarded,withdrawn"`
	Q        string `query:"q" maxLength:"50" doc:"项目名称、编号、牵头单位名称或负责人中的文字"`
}) (Page[reviewing.Application], error) {
	where, args := "1 = 1", []any{}
	switch r.Actor.Role {
	case rbac.UnitAdmin:
		where, args = "lead_unit_id = ?", []any{r.Actor.Unit}
	case rbac.Applicant:
		where, args = "(created_by = ? OR (leader_id = ? AND leader_id <> ''))", []any{r.Actor.User, r.Actor.Person}
	case rbac.JointUnit:
		where, args = "id IN (SELECT application_id FROM application_units WHERE role = 'joint' AND unit_id = ?)", []any{r.Actor.Unit}
	}
	r.shown = true // the filter is the relation
	for column, value := range map[string]string{"guide_id": in.GuideID, "review_id": in.ReviewID, "state": in.State} {
		if value != "" {
			where += " AND " + column + " = ?"
			args = append(args, value)
		}
	}
	if in.Q != "" { // the ids are found in a narrow index, and only the page's wide rows read
		text := store.Containing(in.Q)
		var ids []string
		err := r.DB.Model(&reviewing.Application{}).Where("id > ?", in.After).Where(where, args...).
			Where("(title"+store.Like+" OR number"+store.Like+" OR leader_name"+store.Like+" OR lead_unit_id IN (SELECT id FROM units WHERE name"+store.Like+"))", text, text, text, text).
			Order("id").Limit(in.Limit+1).Pluck("id", &ids).Error
		if err != nil {
			return Page[reviewing.Application]{}, err
		}
		where, args = "id IN ?", []any{ids}
	}
	found, err := list(r, in.Paging, func(a reviewing.Application) string { return a.ID }, where, args...)
	for i := range found.Items {
		if r.Actor.Role == rbac.JointUnit {
			found.Items[i].Avoid = nil // the applicant's word to the bureau
		}
	}
	return found, err
}
