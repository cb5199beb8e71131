package api

import (
	"context"

	"keping/rbac"
	"keping/rbac/store"
)

type registerUnit struct {
	Write
	proof store.Proof
	Body  struct {
		store.Registration
		EvidenceName string `json:"evidence_name" minLength:"1" maxLength:"100" doc:"证明文件的文件名" example:"营业执照.pdf"`
		Evidence     string `json:"evidence" minLength:"1" doc:"证明文件（营业执照等，PDF、PNG 或 JPEG），base64" example:"JVBERi0xLjQK"`
	}
}

// prepare keeps the evidence before the act begins. Nobody is signed in, so an
// address and a code may try only as often as a sign-in.
func (in *registerUnit) prepare(ctx context.Context, s *Server, _ rbac.Actor) error {
	if err := s.Sessions.Throttle.SignIn(ctx, "unit:"+requestOf(ctx).address, "unit:"+rbac.Fold(in.Body.Code)); err != nil {
		return err
	}
	var err error
	in.proof, err = s.keep("evidence", attachment{in.Body.EvidenceName, in.Body.Evidence}, func(kind string) bool {
		return kind == "application/pdf" || kind == "image/png" || kind == "image/jpeg"
	}, "PDF、PNG或JPEG")
	return err
}

func (s *Server) registerUnit(step *store.Step, in *registerUnit) (store.Received, error) {
	return s.Store.RegisterUnit(step, in.Body.Registration, in.proof)
}

func (s *Server) readUnit(r *Reading, in *byID) (store.UnitView, error) {
	return s.Store.UnitOf(r, in.ID)
}

func (s *Server) approveUnit(step *store.Step, in *struct {
	ByID
	Body store.Vetting
}) (store.Vetted, error) {
	return s.Store.ApproveUnit(step, in.ID, in.Body, s.cfg.PublicURL)
}

func (s *Server) rejectUnit(step *store.Step, in *struct {
	ByID
	Body struct {
		Version int    `json:"version" minimum:"1"`
		Reason  string `json:"reason" minLength:"5" maxLength:"500" doc:"退回的理由，以邮件告知"`
	}
}) (store.Vetted, error) {
	return s.Store.RejectUnit(step, in.ID, in.Body.Reason, in.Body.Version)
}

func (s *Server) listColleagues(r *Reading, in *struct{ Paging }) (Page[store.UserView], error) {
	users, err := s.Store.ListUsers(r, in.After, in.Limit+1, "unit_id = ? AND unit_id <> ''", r.Actor.Unit)
	return page(users, in.Limit, func(u store.UserView) string { return u.ID }), err
}

func (s *Server) inviteColleague(step *store.Step, in *struct {
	Write
	Body store.Colleague
}) (store.UserView, error) {
	return s.Store.InviteColleague(step, in.Body, s.cfg.PublicURL)
}

func (s *Server) disableColleague(step *store.Step, in *versioned) (store.UserView, error) {
	step.After(s.Sessions.EndUser, in.ID)
	return s.Store.DisableColleague(step, in.ID, in.Body.Version)
}

func (s *Server) resetColleague(step *store.Step, in *ByID) (store.UserView, error) {
	step.After(s.Sessions.EndUser, in.ID)
	return s.Store.ResetColleague(step, in.ID, s.cfg.PublicURL)
}
