package api

import (
	"keping/rbac/store"
	"keping/reviewing"
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

func (s *Server) raiseUnitCap(step *store.Step, in *struct {
	ByID
	Body struct {
		UnitCap int    `json:"unit_cap" minimum:"0" maximum:"20" doc:"同一单位的席位上限，0为不限"`
		Reason  string `json:"reason" minLength:"5" maxLength:"500"`
	}
}) (reviewing.Review, error) {
	return s.Reviews.RaiseUnitCap(step, in.ID, in.Body.UnitCap, in.Body.Reason)
}

func (s *Server) justifyFields(step *store.Step, in *struct {
	ByID
	Body struct {
		Reason string `json:"reason" minLength:"5" maxLength:"500" doc:"为何由专业不符的技术专家评审"`
	}
}) (reviewing.Review, error) {
	return s.Reviews.JustifyFields(step, in.ID, in.Body.Reason)
}

func (s *Server) compareFrame(r *Reading, in *byID) (reviewstore.FrameChanges, error) {
	return s.Reviews.ChangesSince(r, r.Actor, in.ID)
}
