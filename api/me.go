package api

import (
	"context"
	"encoding/json"

	"keping/rbac"
	"keping/rbac/store"
	reviewstore "keping/reviewing/store"
)

func (s *Server) readMe(r *Reading, _ *struct{}) (reviewstore.Me, error) {
	return s.Reviews.MeOf(r, r.Actor)
}

func (s *Server) exportMe(r *Reading, _ *struct{}) (exported, error) {
	own, err := s.Reviews.OwnOf(r, r.Actor)
	if err != nil {
		return exported{}, err
	}
	data, err := json.MarshalIndent(own, "", " ")
	return exported{"own-data.json", kindJSON, data, ""}, err
}

// ownCorrection confirms the password: who holds an open browser alone must
// not turn the mails away.
type ownCorrection struct {
	Write
	Body struct {
		reviewstore.OwnCorrection
		Password string `json:"password" minLength:"1" maxLength:"200" doc:"更正须再次输入密码"`
	}
}

func (in *ownCorrection) prepare(ctx context.Context, s *Server, actor rbac.Actor) error {
	return s.Store.ConfirmPassword(ctx, actor.User, in.Body.Password)
}

func (s *Server) correctMe(step *store.Step, in *ownCorrection) (reviewstore.Me, error) {
	return s.Reviews.CorrectOwn(step, in.Body.OwnCorrection)
}

type withdrawal struct {
	Write
	Body struct {
		Password string `json:"password" minLength:"1" maxLength:"200" doc:"撤回同意须再次输入密码"`
	}
}

func (in *withdrawal) prepare(ctx context.Context, s *Server, actor rbac.Actor) error {
	return s.Store.ConfirmPassword(ctx, actor.User, in.Body.Password)
}

func (s *Server) withdrawConsent(step *store.Step, _ *withdrawal) (reviewstore.Withdrawn, error) {
	return s.Reviews.WithdrawConsent(step)
}
