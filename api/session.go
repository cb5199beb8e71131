package api

import (
	"context"
	"net/http"
	"strings"

	"keping/rbac"
	"keping/rbac/session"
)

// SessionView is who is signed in.
type SessionView struct {
	User  string      `json:"user"`
	Name  string      `json:"name" example:"王敏"`
	Role  rbac.Role   `json:"role" example:"officer"`
	Roles []rbac.Role `json:"roles" doc:"可切换的全部角色"`
}

type signIn struct {
	Body struct {
		Name     string    `json:"name" minLength:"1" maxLength:"64" doc:"登录名" example:"officer1"`
		Password string    `json:"password" minLength:"1" maxLength:"200"`
		Code     string    `json:"code,omitempty" maxLength:"10" doc:"动态口令" example:"123456"`
		Role     rbac.Role `json:"role,omitempty" maxLength:"20" doc:"以哪个角色登录；不填即最早授予的一个"`
	}
}

// sessionRoutes stand apart from the other writes: a sign-in happens before
// there is an actor, and its cookie is no result that could be replayed.
func (s *Server) sessionRoutes() {
	create := s.operation(row{method: http.MethodPost, path: "/api/sessions", permission: "session create", summary: "登录", repeats: once})
	register(s, create, func(ctx context.Context, in *signIn) (*Found[SessionView], error) {
		if err := s.Sessions.Throttle.SignIn(ctx, requestOf(ctx).address, strings.ToLower(strings.TrimSpace(in.Body.Name))); err != nil {
			return nil, problemOf(ctx, err)
		}
		actor, roles, err := s.Sessions.SignIn(ctx, session.Credentials{Login: in.Body.Name, Password: in.Body.Password, Code: in.Body.Code, Role: in.Body.Role})
		if err != nil {
			return nil, problemOf(ctx, err)
		}
		return &Found[SessionView]{SessionView{actor.User, actor.Name, actor.Role, roles}}, nil
	})
	read(s, row{method: http.MethodGet, path: "/api/sessions/current", permission: "session read", summary: "当前登录"},
		func(r *Reading, _ *struct{}) (SessionView, error) {
			if !r.Actor.SignedIn() {
				return SessionView{}, rbac.Refuse(rbac.NotSignedIn, "尚未登录。")
			}
			return SessionView{r.Actor.User, r.Actor.Name, r.Actor.Role, []rbac.Role{r.Actor.Role}}, nil
		})
	destroy := s.operation(row{method: http.MethodDelete, path: "/api/sessions/current", permission: "session delete", summary: "退出登录", repeats: once})
	destroy.DefaultStatus = http.StatusNoContent
	register(s, destroy, func(ctx context.Context, _ *struct{}) (*struct{}, error) {
		if err := s.Sessions.SignOut(ctx); err != nil {
			return nil, problemOf(ctx, err)
		}
		return nil, nil
	})
}
