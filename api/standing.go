package api

import (
	"keping/experts"
	expertstore "keping/experts/store"
	"keping/rbac/store"
	reviewstore "keping/reviewing/store"
)

func (s *Server) confirmExpert(step *store.Step, in *struct {
	ByID
	Body expertstore.Facts
}) (experts.Expert, error) {
	e, err := expertstore.Take(step, in.ID)
	if err != nil {
		return e, err
	}
	return s.Reviews.ConfirmExpert(step, e, in.Body)
}

func (s *Server) suspendExpert(step *store.Step, in *struct {
	ByID
	Body struct {
		Version   int    `json:"version" minimum:"1"`
		Reason    string `json:"reason" minLength:"2" maxLength:"200"`
		Until     string `json:"until,omitempty" maxLength:"10" doc:"暂停最后一日，次日自动恢复；空为待恢复"`
		ConductID string `json:"conduct_id,omitempty" maxLength:"36" doc:"所依据的履职评价编号"`
	}
}) (experts.Expert, error) {
	return s.Reviews.SuspendExpert(step, in.ID, in.Body.ConductID, in.Body.Until, in.Body.Reason, in.Body.Version)
}

func (s *Server) banExpert(step *store.Step, in *struct {
	ByID
	Body expertstore.Ban
}) (experts.Expert, error) {
	return s.Reviews.BanExpert(step, in.ID, in.Body)
}

func (s *Server) readProfile(r *Reading, _ *struct{}) (reviewstore.Profile, error) {
	return s.Reviews.ProfileOf(r, r.Actor)
}

func (s *Server) confirmProfile(step *store.Step, in *struct {
	Write
	Body expertstore.OwnFacts
}) (experts.Expert, error) {
	e, err := expertstore.Own(step)
	if err != nil {
		return e, err
	}
	return s.Reviews.ConfirmExpert(step, e, expertstore.Facts{OwnFacts: in.Body})
}

func (s *Server) createAppeal(step *store.Step, in *struct {
	Write
	Body expertstore.NewAppeal
}) (experts.Appeal, error) {
	return s.Reviews.CreateAppeal(step, in.Body)
}

func (s *Server) listAppeals(r *Reading, in *struct{ Paging }) (Page[experts.Appeal], error) {
	return list(r, in.Paging, func(a experts.Appeal) string { return a.ID }, "")
}

func (s *Server) readAppeal(step *store.Step, in *byID) (expertstore.AppealView, error) {
	return s.Reviews.ReadAppeal(step, in.ID)
}

type answered struct {
	ByID
	Body struct {
		Answer string `json:"answer" minLength:"5" maxLength:"2000" doc:"查明的情况和结论"`
	}
}

func (s *Server) decideAppeal(move string) func(*store.Step, *answered) (expertstore.AppealView, error) {
	return func(step *store.Step, in *answered) (expertstore.AppealView, error) {
		return s.Reviews.DecideAppeal(step, in.ID, move, in.Body.Answer)
	}
}

func (s *Server) nominateExperts(step *store.Step, in *struct {
	Write
	Body struct {
		ExpertIDs []string `json:"expert_ids" minItems:"1" maxItems:"1000"`
	}
}) (experts.Nomination, error) {
	return s.Reviews.NominateExperts(step, in.Body.ExpertIDs)
}

func (s *Server) nominateMembers(step *store.Step, in *struct {
	ByID
	Body struct {
		Kind string `json:"kind" enum:"advisory,technical"`
	}
}) (experts.Nomination, error) {
	return s.Reviews.NominateMembers(step, in.ID, in.Body.Kind)
}

func (s *Server) listNominations(r *Reading, in *struct{ Paging }) (Page[reviewstore.NominationView], error) {
	rows, err := s.Reviews.Nominations(r, in.After, in.Limit+1)
	return page(rows, in.Limit, func(n reviewstore.NominationView) string { return n.ID }), err
}

// receipt is all that who objects in public gets back.
type receipt struct {
	ID string `json:"id" doc:"回执编号"`
}

func (s *Server) objectNomination(step *store.Step, in *struct {
	ByID
	Body reviewstore.NewNominationObjection
}) (receipt, error) {
	o, err := s.Reviews.ObjectToNominee(step, in.ID, in.Body)
	return receipt{o.ID}, err
}

func (s *Server) listNominationObjections(r *Reading, in *struct{ Paging }) (Page[experts.NominationObjection], error) {
	rows, err := s.Reviews.NominationObjections(r, r.Actor, in.After, in.Limit+1)
	return page(rows, in.Limit, func(o experts.NominationObjection) string { return o.ID }), err
}

func (s *Server) readNominationObjection(step *store.Step, in *byID) (reviewstore.NominationObjectionView, error) {
	return s.Reviews.ReadNominationObjection(step, in.ID)
}

func (s *Server) decideNominationObjection(move string) func(*store.Step, *answered) (reviewstore.NominationObjectionView, error) {
	return func(step *store.Step, in *answered) (reviewstore.NominationObjectionView, error) {
		return s.Reviews.DecideNominationObjection(step, in.ID, move, in.Body.Answer)
	}
}

func (s *Server) createConduct(step *store.Step, in *struct {
	ByID
	Body reviewstore.NewConduct
}) (experts.Conduct, error) {
	return s.Reviews.CreateConduct(step, in.ID, in.Body)
}

func (s *Server) surveyConduct(step *store.Step, in *byID) (reviewstore.ConductSurvey, error) {
	return s.Reviews.SurveyConduct(step, in.ID)
}

func (s *Server) listConducts(r *Reading, in *struct{ Paging }) (Page[reviewstore.ConductView], error) {
	rows, err := s.Reviews.OwnConducts(r, r.Actor, in.After, in.Limit+1)
	return page(rows, in.Limit, func(c reviewstore.ConductView) string { return c.ID }), err
}

func (s *Server) owedConducts(r *Reading, in *struct{ Paging }) (Page[reviewstore.OwedConduct], error) {
	rows, err := s.Reviews.OwedConducts(r, in.After, in.Limit+1)
	return page(rows, in.Limit, func(c reviewstore.OwedConduct) string { return c.ReviewID }), err
}

func (s *Server) replyConduct(step *store.Step, in *struct {
	ByID
	Body struct {
		Text string `json:"text" minLength:"2" maxLength:"2000" doc:"说明；每件评价一次"`
	}
}) (reviewstore.ConductView, error) {
	return s.Reviews.ReplyConduct(step, in.ID, in.Body.Text)
}

func (s *Server) reportApproach(step *store.Step, in *struct {
	Write
	Body reviewstore.NewApproach
}) (reviewstore.OwnApproach, error) {
	return s.Reviews.ReportApproach(step, in.Body)
}

func (s *Server) followApproaches(r *Reading, in *struct{ Paging }) (Page[reviewstore.OwnApproach], error) {
	rows, err := s.Reviews.OwnApproaches(r, r.Actor, in.After, in.Limit+1)
	return page(rows, in.Limit, func(a reviewstore.OwnApproach) string { return a.ID }), err
}

func (s *Server) listApproaches(r *Reading, in *struct{ Paging }) (Page[experts.Approach], error) {
	return list(r, in.Paging, func(a experts.Approach) string { return a.ID }, "")
}

func (s *Server) readApproach(step *store.Step, in *byID) (reviewstore.ApproachView, error) {
	return s.Reviews.ReadApproach(step, in.ID)
}

func (s *Server) handleApproach(step *store.Step, in *struct {
	ByID
	Body struct {
		Outcome string `json:"outcome" enum:"unfounded,warned,ban,referred" doc:"不属实、提醒警示、建议禁用、移送有关部门"`
		Finding string `json:"finding" minLength:"5" maxLength:"2000" doc:"核实情况和处理"`
	}
}) (reviewstore.OwnApproach, error) {
	return s.Reviews.HandleApproach(step, in.ID, in.Body.Outcome, in.Body.Finding)
}

func (s *Server) forecastProgramme(r *Reading, in *byID) (reviewstore.Forecast, error) {
	return s.Reviews.ForecastOf(r, in.ID)
}
