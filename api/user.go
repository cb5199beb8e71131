package api

import (
	"context"

	"keping/rbac"
	"keping/rbac/store"
)

type ByID struct {
	Write
	ID string `path:"id" maxLength:"64" doc:"编号"`
}

type createUser struct {
	Write
	Body store.NewUser
}

type userRole struct {
	ByID
	Body struct {
		Role rbac.Role `json:"role" maxLength:"20" doc:"角色" example:"officer"`
	}
}

type versioned struct {
	ByID
	Body struct {
		Version int `json:"version" minimum:"1" doc:"读取时的版本号" example:"1"`
	}
}

type activateUser struct {
	Write
	hash string
	Body struct {
		Token    string `json:"token" maxLength:"100" doc:"链接中#之后的部分"`
		Password string `json:"password" maxLength:"200" doc:"新密码，至少10个字符"`
	}
}

func (s *Server) listUsers(r *Reading, in *struct{ Paging }) (Page[store.UserView], error) {
	users, err := s.Store.ListUsers(r, in.After, in.Limit+1, "1 = 1")
	return page(users, in.Limit, func(u store.UserView) string { return u.ID }), err
}

func (s *Server) createUser(step *store.Step, in *createUser) (store.UserView, error) {
	return s.Store.CreateUser(step, in.Body, s.cfg.PublicURL)
}

func (s *Server) disableUser(step *store.Step, in *versioned) (store.UserView, error) {
	step.After(s.Sessions.EndUser, in.ID)
	return s.Store.DisableUser(step, in.ID, in.Body.Version)
}

func (s *Server) resetUser(step *store.Step, in *ByID) (store.UserView, error) {
	step.After(s.Sessions.EndUser, in.ID)
	return s.Store.ResetUser(step, in.ID, s.cfg.PublicURL)
}

func (s *Server) grantRole(step *store.Step, in *userRole) (store.UserView, error) {
	step.After(s.Sessions.EndUser, in.ID)
	return s.Store.GrantRole(step, in.ID, in.Body.Role)
}

func (s *Server) revokeRole(step *store.Step, in *userRole) (store.UserView, error) {
	step.After(s.Sessions.EndUser, in.ID)
	return s.Store.RevokeRole(step, in.ID, in.Body.Role)
}

func (s *Server) activateUser(step *store.Step, in *activateUser) (store.Activation, error) {
	return s.Store.ActivateUser(step, in.Body.Token, in.Body.Password, in.hash, s.Sessions.NeedsCode)
}

func (in *activateUser) prepare(ctx context.Context, s *Server, _ rbac.Actor) (err error) {
	in.hash, err = s.hashFor(ctx, in.Body.Token, in.Body.Password)
	return err
}

// hashFor hashes the password somebody with a live link brings; for a dead one
// nothing is worked, the act will refuse it.
func (s *Server) hashFor(ctx context.Context, token, password string) (string, error) {
	alive, err := s.Store.LinkAlive(ctx, token)
	if err != nil || !alive || password == "" {
		return "", err
	}
	return store.HashPassword(password)
}
