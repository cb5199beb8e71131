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

func (s *Server) setBudget(step *store.Step, in *struct {
	ByID
	Body struct {
		Version int                    `json:"version" minimum:"1"`
		Budget  []reviewing.BudgetLine `json:"budget" minItems:"1" maxItems:"50"`
	}
}) (reviewing.Application, error) {
	return s.Reviews.SetBudget(step, in.ID, in.Body.Version, in.Body.Budget)
}

func (s *Server) setAvoid(step *store.Step, in *struct {
	ByID
	Body struct {
		Version int               `json:"version" minimum:"1"`
		Avoid   []reviewing.Named `json:"avoid" maxItems:"20"`
	}
}) (reviewing.Application, error) {
	return s.Reviews.SetAvoid(step, in.ID, in.Body.Version, in.Body.Avoid)
}

func (s *Server) screenApplication(step *store.Step, in *struct {
	ByID
	Body struct {
		Version int    `json:"version" minimum:"1"`
		Verdict string `json:"verdict" enum:"accept,correct,refuse" doc:"通过、补正、不通过"`
		Reason  string `json:"reason,omitempty" maxLength:"500"`
	}
}) (reviewing.Application, error) {
	return s.Reviews.ScreenApplication(step, in.ID, in.Body.Verdict, in.Body.Reason, in.Body.Version)
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
	State    string `query:"state" maxLength:"20"`
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
	found, err := list(r, in.Paging, func(a reviewing.Application) string { return a.ID }, where, args...)
	for i := range found.Items {
		if r.Actor.Role == rbac.JointUnit {
			found.Items[i].Avoid = nil // the applicant's word to the bureau
		}
	}
	return found, err
}
