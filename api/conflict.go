package api

import (
	"keping/rbac/store"
	reviewstore "keping/reviewing/store"
)

// conflictQueue is the input of both queues.
type conflictQueue struct {
	ID string `path:"id" maxLength:"64"`
	Paging
	Status   string `query:"status" enum:"open,decided" default:"open" doc:"待处理或已处理"`
	Kind     string `query:"kind" maxLength:"20" doc:"回避情形" example:"cooperation"`
	Level    string `query:"level" enum:"hard,ask,unknown"`
	ExpertID string `query:"expert_id" maxLength:"36"`
}

func (in conflictQueue) filter() reviewstore.ConflictFilter {
	return reviewstore.ConflictFilter{Status: in.Status, Kind: in.Kind, Level: in.Level, ExpertID: in.ExpertID}
}

func (in conflictQueue) page(items []reviewstore.ConflictItem) Page[reviewstore.ConflictItem] {
	return page(items, in.Limit, reviewstore.ConflictItem.Place)
}

func (s *Server) listConflicts(r *Reading, in *conflictQueue) (Page[reviewstore.ConflictItem], error) {
	items, err := s.Reviews.ReviewConflicts(r, in.ID, in.filter(), in.After, in.Limit+1)
	return in.page(items), err
}

func (s *Server) surveyConflicts(r *Reading, in *conflictQueue) (Page[reviewstore.ConflictItem], error) {
	items, err := s.Reviews.ProgrammeConflicts(r, in.ID, in.filter(), in.After, in.Limit+1)
	return in.page(items), err
}

func (s *Server) decideConflicts(step *store.Step, in *struct {
	Write
	Body reviewstore.NewDecisions
}) (reviewstore.Decisions, error) {
	return s.Reviews.DecideConflicts(step, in.Body)
}
