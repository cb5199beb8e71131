// Package session signs people in and out: password (argon2id) and, by role,
// a time-based second factor, then a server-side session behind a cookie.
// Sessions lie in the database or in Redis, under the digest of their token,
// and end at once when a user's grants change. Sign-ins, and callers not
// signed in, are throttled per address and per name.
//
// This package keeps the real clock: an offset one would break authenticators
// and expiries.
package session

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"
	"github.com/redis/go-redis/v9"
	"gorm.io/gorm"

	"keping/configs"
	"keping/configs/database"
	"keping/rbac"
	"keping/rbac/store"
)

// Manager keeps the sessions of one server.
type Manager struct {
	scs      *scs.SessionManager
	sessions sessions
	store    *store.Store
	totp     string
	Throttle *Throttle
}

// sessions is what ends a user's sessions, beside what scs needs.
type sessions interface {
	scs.CtxStore
	EndUser(ctx context.Context, user string) error
}

// New keeps sessions in Redis when there is one, else in the database.
func New(cfg configs.Config, s *store.Store, client *redis.Client) (*Manager, error) {
	throttle, err := newThrottle(cfg.Limits, client)
	if err != nil {
		return nil, err
	}
	m := &Manager{scs: scs.New(), store: s, totp: cfg.Session.TOTP, Throttle: throttle}
	if client != nil {
		m.sessions = redisSessions{client}
	} else {
		m.sessions = databaseSessions{s.DB}
	}
	m.scs.Store = m.sessions
	m.scs.Lifetime = cfg.Session.Lifetime
	m.scs.IdleTimeout = 0 // else every request writes its session
	m.scs.HashTokenInStore = true
	m.scs.Codec = jsonCodec{}
	m.scs.Cookie.Name = "keping"
	m.scs.Cookie.HttpOnly = true
	m.scs.Cookie.SameSite = http.SameSiteLaxMode
	m.scs.Cookie.Secure = cfg.Session.SecureCookie
	return m, nil
}

// Handler loads and saves the session around next.
func (m *Manager) Handler(next http.Handler) http.Handler { return m.scs.LoadAndSave(next) }

// Actor is who is signed in on this request, else the public.
func (m *Manager) Actor(ctx context.Context) rbac.Actor {
	var actor rbac.Actor
	if text := m.scs.GetString(ctx, "actor"); text != "" && json.Unmarshal([]byte(text), &actor) == nil {
		return actor
	}
	return rbac.Actor{Role: rbac.Public, User: "-"}
}

// Credentials are what a sign-in brings. Role picks one of several granted roles.
type Credentials struct {
	Login, Password, Code string
	Role                  rbac.Role
}

// decoy is compared when there is no such user, so that the answer takes as long.
var decoy = sync.OnceValues(func() (string, error) { return store.HashPassword("keping") })

var errWrong = rbac.Refuse(rbac.NotSignedIn, "用户名、密码或动态口令不正确。忘记密码请联系系统管理员重置。")

// SignIn checks the credentials and starts a session; all failures read alike.
func (m *Manager) SignIn(ctx context.Context, c Credentials) (rbac.Actor, []rbac.Role, error) {
	var user rbac.User
	err := m.store.DB.Read(ctx).Take(&user, "login = ?", strings.ToLower(strings.TrimSpace(c.Login))).Error
	if err != nil && !errors.Is(err, gorm.ErrRecordNotFound) {
		return rbac.Actor{}, nil, err
	}
	hash := user.Password
	if hash == "" {
		if hash, err = decoy(); err != nil {
			return rbac.Actor{}, nil, err
		}
	}
	match, err := store.MatchPassword(c.Password, hash)
	if err != nil {
		return rbac.Actor{}, nil, err
	}
	if !match || user.State != rbac.UserActive {
		return rbac.Actor{}, nil, errWrong
	}
	roles, err := store.Roles(m.store.DB.Read(ctx), user.ID)
	if err != nil {
		return rbac.Actor{}, nil, err
	}
	if len(roles) == 0 {
		return rbac.Actor{}, nil, rbac.Refuse(rbac.NotSignedIn, "该账号没有任何角色，请联系安全管理员授权。")
	}
	role := c.Role
	if role == "" {
		role = roles[0]
	}
	if !slices.Contains(roles, role) {
		return rbac.Actor{}, nil, rbac.Refuse(rbac.NotSignedIn, "该账号没有“%s”角色，请改选已授予的角色登录。", rbac.RoleNames[role])
	}
	step, err := m.secondFactor(user, role, roles, c.Code)
	if err != nil {
		return rbac.Actor{}, nil, err
	}
	actor := rbac.Actor{User: user.ID, Role: role, Person: user.PersonID, Unit: user.UnitID, Name: user.Name}
	_, _, err = store.Act(ctx, m.store, store.Call{Actor: actor, Permission: "session create"}, func(s *store.Step) (struct{}, error) {
		if step == 0 {
			return struct{}{}, nil
		}
		// A code works once: of two sign-ins with the same one, one is wrong.
		err := database.Swap(s.Tx, &rbac.User{}, map[string]any{"id": user.ID, "totp_step": user.TOTPStep}, map[string]any{"totp_step": step})
		if errors.Is(err, database.ErrChanged) {
			return struct{}{}, errWrong
		}
		return struct{}{}, err
	})
	if err != nil {
		return rbac.Actor{}, nil, err
	}
	if err := m.start(ctx, actor); err != nil {
		return rbac.Actor{}, nil, err
	}
	return actor, roles, nil
}

func (m *Manager) start(ctx context.Context, actor rbac.Actor) error {
	if err := m.scs.RenewToken(ctx); err != nil {
		return err
	}
	data, err := json.Marshal(actor)
	if err != nil {
		return err
	}
	m.scs.Put(ctx, "actor", string(data))
	m.scs.Put(ctx, "user", actor.User)
	return nil
}

// NeedsCode tells whether somebody holding these roles signs in with a second factor.
func (m *Manager) NeedsCode(roles []rbac.Role) bool {
	return m.totp == "all" || m.totp == "bureau" && slices.ContainsFunc(roles, rbac.Role.Bureau)
}

// secondFactor returns the 30-second step of the accepted code, 0 where none is asked.
// Any bureau role held asks for it, whichever is acted in.
func (m *Manager) secondFactor(user rbac.User, role rbac.Role, roles []rbac.Role, code string) (int64, error) {
	if !m.NeedsCode(roles) {
		return 0, nil
	}
	if user.TOTP == nil {
		return 0, rbac.Refuse(rbac.NotSignedIn, "“%s”须使用动态口令登录，该账号尚未绑定，请联系系统管理员重新发送激活链接。", rbac.RoleNames[role])
	}
	secret, err := m.store.Keys.Open(user.TOTP, "user/"+user.ID+"/totp")
	if err != nil {
		return 0, err
	}
	now := time.Now().Unix() / 30
	for _, step := range []int64{now, now - 1, now + 1} {
		want, err := totp.GenerateCodeCustom(secret, time.Unix(step*30, 0), totp.ValidateOpts{Period: 30, Digits: otp.DigitsSix})
		if err != nil {
			return 0, err
		}
		if code == want && step > user.TOTPStep {
			return step, nil
		}
	}
	return 0, errWrong
}

// SignOut ends the session of this request.
func (m *Manager) SignOut(ctx context.Context) error { return m.scs.Destroy(ctx) }

// EndUser ends all sessions of a user: grants changed, account disabled.
func (m *Manager) EndUser(ctx context.Context, user string) error {
	return m.sessions.EndUser(ctx, user)
}

// Sweep removes expired sessions; Redis does so by itself.
func (m *Manager) Sweep(ctx context.Context) error {
	if kept, ok := m.sessions.(databaseSessions); ok {
		return kept.delete(ctx, "expires_at <= ?", time.Now().UTC())
	}
	return nil
}

// jsonCodec keeps sessions readable across versions; gob does not.
type jsonCodec struct{}

type envelope struct {
	Deadline time.Time      `json:"deadline"`
	Values   map[string]any `json:"values"`
}

func (jsonCodec) Encode(deadline time.Time, values map[string]any) ([]byte, error) {
	return json.Marshal(envelope{deadline, values})
}

func (jsonCodec) Decode(data []byte) (time.Time, map[string]any, error) {
	var e envelope
	err := json.Unmarshal(data, &e)
	return e.Deadline, e.Values, err
}

func userOf(data []byte) string {
	var e envelope
	if json.Unmarshal(data, &e) != nil {
		return ""
	}
	user, _ := e.Values["user"].(string)
	return user
}
