package api

import (
	"keping/experts"
	expertstore "keping/experts/store"
	"keping/rbac/store"
	"keping/reviewing"
)

// imported reads the uploaded table and hands it to an act.
func (s *Server) imported(step *store.Step, in *importTable, act func(*store.Step, string, []byte) (expertstore.Imported, error)) (expertstore.Imported, error) {
	name, data, err := s.table(step, in.Body.FileID)
	if err != nil {
		return expertstore.Imported{}, err
	}
	return act(step, name, data)
}

func (s *Server) importServices(step *store.Step, in *importTable) (expertstore.Imported, error) {
	return s.imported(step, in, s.Reviews.ImportServices)
}

func (s *Server) importIntegrity(step *store.Step, in *importTable) (expertstore.Imported, error) {
	return s.imported(step, in, s.Reviews.ImportIntegrity)
}

func (s *Server) importProjects(step *store.Step, in *importTable) (expertstore.Imported, error) {
	return s.imported(step, in, s.Reviews.ImportProjects)
}

func (s *Server) importMemberships(step *store.Step, in *importTable) (expertstore.Imported, error) {
	return s.imported(step, in, s.Reviews.ImportMemberships)
}

func (s *Server) listServices(r *Reading, in *struct {
	Paging
	ExpertID string `query:"expert_id" maxLength:"36"`
}) (Page[experts.PastService], error) {
	key := func(p experts.PastService) string { return p.ID }
	if in.ExpertID == "" {
		return list(r, in.Paging, key, "")
	}
	return list(r, in.Paging, key, "expert_id = ?", in.ExpertID)
}

func (s *Server) listIntegrity(r *Reading, in *struct{ Paging }) (Page[store.IntegrityView], error) {
	rows, err := s.Store.IntegrityRecords(r, in.After, in.Limit+1)
	return page(rows, in.Limit, func(v store.IntegrityView) string { return v.ID }), err
}

func (s *Server) listProjects(r *Reading, in *struct{ Paging }) (Page[reviewing.RunningProject], error) {
	return list(r, in.Paging, func(p reviewing.RunningProject) string { return p.ID }, "")
}
