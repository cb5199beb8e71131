package api

import (
	"keping/rbac/store"
	reviewstore "keping/reviewing/store"
)

func (s *Server) recheckReview(step *store.Step, in *ByID) (reviewstore.Rechecked, error) {
	return s.Reviews.RecheckReview(step, in.ID)
}
