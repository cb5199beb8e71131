package api

import (
	"keping/rbac/store"
	reviewstore "keping/reviewing/store"
)

func (s *Server) recheckReview(step *store.Step, in *ByID) (reviewstore.Rechecked, error) {
	return s.Reviews.RecheckReview(step, in.ID)
}

func (s *Server) enterReply(step *store.Step, in *struct {
	ByID
	Body reviewstore.TelephoneReply
}) (reviewstore.Replied, error) {
	return s.Reviews.EnterReply(step, in.ID, in.Body)
}

func (s *Server) confirmReply(step *store.Step, in *struct {
	ByID
	Body struct {
		Accept bool `json:"accept" doc:"须与补录一致"`
	}
}) (reviewstore.Replied, error) {
	return s.Reviews.ConfirmReply(step, in.ID, in.Body.Accept)
}
