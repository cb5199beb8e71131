package store

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/pquerna/otp/totp"
	"gorm.io/gorm"

	"keping/configs"
	"keping/configs/database"
	"keping/rbac"
	"keping/rbac/journal"
	"keping/rbac/notice"
	"keping/rbac/secret"
)

// LinkLife is how long an activation link lives.
const LinkLife = 7 * 24 * time.Hour

// NewUser is what makes a user.
type NewUser struct {
	Login  string      `json:"login" minLength:"2" maxLength:"64" pattern:"^[a-zA-Z0-9][a-zA-Z0-9._@-]*$" doc:"登录名" example:"officer1"`
	Name   string      `json:"name" minLength:"1" maxLength:"50" doc:"姓名" example:"王敏"`
	Mail   string      `json:"mail" format:"email" maxLength:"200" doc:"接收激活链接的邮箱" example:"wang@example.cn"`
	UnitID string      `json:"unit_id,omitempty" maxLength:"36" doc:"所在单位"`
	Roles  []rbac.Role `json:"roles,omitempty" maxItems:"5" doc:"角色；仅安全管理员可授予科技局与监督类角色"`
}

// UserView is a user without anything sealed.
type UserView struct {
	ID      string         `json:"id"`
	Login   string         `json:"login"`
	Name    string         `json:"name"`
	UnitID  string         `json:"unit_id"`
	State   rbac.UserState `json:"state"`
	Roles   []rbac.Role    `json:"roles"`
	Version int            `json:"version"`
}

func viewUser(user rbac.User, roles []rbac.Role) UserView {
	if roles == nil {
		roles = []rbac.Role{}
	}
	return UserView{user.ID, user.Login, user.Name, user.UnitID, user.State, roles, user.Version}
}

// viewAccount is a user as who keeps the accounts sees it: who is an expert and
// nothing else is masked. Such an account is made when an invitation is accepted,
// and whom that concerns is not theirs to know (P-12); they know it by its login.
func viewAccount(user rbac.User, roles []rbac.Role) UserView {
	if len(roles) == 1 && roles[0] == rbac.Expert {
		user.Name, user.UnitID = rbac.MaskName(user.Name), ""
	}
	return viewUser(user, roles)
}

// CreateUser makes an invited user and sends the activation link. Roles are
// granted apart, by the security administrator (GrantRole).
func (s *Store) CreateUser(step *Step, in NewUser, publicURL string) (UserView, error) {
	if len(in.Roles) > 0 {
		return UserView{}, rbac.Invalid("roles", "建立账号与授予角色分属系统管理员和安全管理员，请建号后由安全管理员授权")
	}
	user, err := MakeUser(step, in, "", publicURL)
	return viewUser(user, nil), err
}

// MakeUser makes an invited user within an act and queues the activation link.
func MakeUser(step *Step, in NewUser, person, publicURL string) (rbac.User, error) {
	if in.UnitID != "" {
		if err := step.Take(&rbac.Unit{}, "id = ?", in.UnitID).Error; errors.Is(err, gorm.ErrRecordNotFound) {
			return rbac.User{}, rbac.Invalid("unit_id", "没有这个单位，请先登记单位")
		} else if err != nil {
			return rbac.User{}, err
		}
	}
	user := rbac.User{ID: step.NewID(), Login: strings.ToLower(in.Login), Name: in.Name, PersonID: person, UnitID: in.UnitID,
		Mail: in.Mail, State: rbac.UserInvited, Version: 1, CreatedAt: step.Now}
	var taken int64
	if err := step.Model(&rbac.User{}).Where("login = ?", user.Login).Count(&taken).Error; err != nil {
		return rbac.User{}, err
	}
	if taken > 0 {
		return rbac.User{}, rbac.Invalid("login", "登录名“%s”已被使用，请换一个", user.Login)
	}
	if err := step.Create(&user).Error; err != nil {
		return rbac.User{}, err
	}
	step.On(user.ID)
	if user.Mail == "" { // an administrator made on the machine is handed a password
		return user, nil
	}
	return user, sendActivation(step, user, rbac.LinkActivation, publicURL)
}

func sendActivation(step *Step, user rbac.User, purpose rbac.LinkKind, publicURL string) error {
	token, err := NewLink(step, purpose, user.ID, "user/"+user.ID, LinkLife)
	if err != nil {
		return err
	}
	return step.Notify(notice.Message{
		Kind: "activation", UserID: user.ID, Address: user.Mail, Object: "user/" + user.ID,
		Subject: "科评系统账号激活",
		Body:    user.Name + "：\n\n您的科评系统账号为“" + user.Login + "”。请在7日内打开下面的链接设置密码：\n" + publicURL + "/activate#" + token + "\n\n链接只能使用一次，请勿转发。",
	})
}

// NewLink makes a one-time link and returns its token, which is kept nowhere.
func NewLink(step *Step, purpose rbac.LinkKind, user, object string, life time.Duration) (string, error) {
	token := secret.Random(24)
	return token, step.Create(&rbac.Link{ID: step.NewID(), TokenHash: journal.Hash(token), Purpose: purpose, UserID: user,
		Object: object, CreatedAt: step.Now, ExpiresAt: step.Now.Add(life)}).Error
}

// UseLink spends a one-time link. Unknown, used and expired links read alike.
func UseLink(step *Step, token string, purpose ...rbac.LinkKind) (rbac.Link, error) {
	dead := rbac.Missing("有效的链接（可能已使用、过期或作废），请联系发送人重新发送")
	var link rbac.Link
	err := step.Take(&link, "token_hash = ? AND purpose IN ? AND used_at IS NULL AND expires_at > ?", journal.Hash(token), purpose, step.Now).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return link, dead
	}
	if err != nil {
		return link, err
	}
	done := step.Model(&rbac.Link{}).Where("id = ? AND used_at IS NULL", link.ID).Update("used_at", step.Now)
	if done.Error == nil && done.RowsAffected != 1 {
		return link, dead
	}
	return link, done.Error
}

// LinkAlive tells whether a link could still be used.
func (s *Store) LinkAlive(ctx context.Context, token string) (bool, error) {
	var n int64
	err := s.DB.Read(ctx).Model(&rbac.Link{}).Where("token_hash = ? AND used_at IS NULL AND expires_at > ?", journal.Hash(token), s.DB.Now()).Count(&n).Error
	return n > 0, err
}

// KillLinks ends all open links about an object.
func KillLinks(step *Step, object string) error {
	return step.Model(&rbac.Link{}).Where("object = ? AND used_at IS NULL", object).Update("used_at", step.Now).Error
}

// ExtendLinks gives the open links of an object more time.
func ExtendLinks(step *Step, object string, by time.Duration) error {
	var links []rbac.Link
	if err := step.Where("object = ? AND used_at IS NULL", object).Order("id").Find(&links).Error; err != nil {
		return err
	}
	for _, link := range links {
		if err := step.Model(&rbac.Link{}).Where("id = ?", link.ID).Update("expires_at", link.ExpiresAt.Add(by)).Error; err != nil {
			return err
		}
	}
	return nil
}

// ResetUser ends the password and open links of a user and sends a new link.
func (s *Store) ResetUser(step *Step, id, publicURL string) (UserView, error) {
	user, err := TakeUser(step, id)
	if err != nil {
		return UserView{}, err
	}
	if user.State == rbac.UserDisabled {
		return UserView{}, rbac.Refuse(rbac.RefusedState, "该账号已停用，不能重置密码。")
	}
	if err := KillLinks(step, "user/"+id); err != nil {
		return UserView{}, err
	}
	set := map[string]any{"password": "", "state": rbac.UserInvited, "version": user.Version + 1}
	if err := database.Swap(step.Tx, &rbac.User{}, map[string]any{"id": id, "version": user.Version}, set); err != nil {
		return UserView{}, err
	}
	user.State, user.Version = rbac.UserInvited, user.Version+1
	roles, err := Roles(step.DB, id)
	if err != nil {
		return UserView{}, err
	}
	return viewAccount(user, roles), sendActivation(step, user, rbac.LinkReset, publicURL)
}

// Activation is the answer to an activation link: what the authenticator
// needs. It holds a secret and is shown once.
type Activation struct {
	User    UserView `json:"user"`
	TOTPURL string   `json:"totp_url,omitempty" doc:"动态口令绑定地址（otpauth://），仅显示一次"`
}

// CheckPassword refuses what is easily guessed.
func CheckPassword(login, password string) error {
	switch {
	case utf8.RuneCountInString(password) < 10:
		return rbac.Invalid("password", "至少10个字符")
	case len(password) > 200:
		return rbac.Invalid("password", "至多200个字节")
	case strings.Contains(strings.ToLower(password), login):
		return rbac.Invalid("password", "不得包含登录名")
	case strings.Count(password, password[:1]) == len(password):
		return rbac.Invalid("password", "不得由同一字符组成")
	}
	return nil
}

// ConfirmPassword re-authenticates a signer, before the act, for the same reason.
func (s *Store) ConfirmPassword(ctx context.Context, user, password string) error {
	var row rbac.User
	if err := s.DB.Read(ctx).Take(&row, "id = ?", user).Error; err != nil {
		return err
	}
	match, err := MatchPassword(password, row.Password)
	if err == nil && !match {
		return rbac.Invalid("password", "密码不正确，签署没有完成")
	}
	return err
}

// ActivateUser sets the password by a one-time link and, for who needs one,
// a new second factor.
func (s *Store) ActivateUser(step *Step, token, password, hash string, totpFor func([]rbac.Role) bool) (Activation, error) {
	link, err := UseLink(step, token, rbac.LinkActivation, rbac.LinkReset)
	if err != nil {
		return Activation{}, err
	}
	var user rbac.User
	if err := step.Take(&user, "id = ?", link.UserID).Error; err != nil {
		return Activation{}, err
	}
	if user.State == rbac.UserDisabled {
		return Activation{}, rbac.Missing("有效的链接")
	}
	if err := CheckPassword(user.Login, password); err != nil {
		return Activation{}, err
	}
	roles, err := Roles(step.DB, user.ID)
	if err != nil {
		return Activation{}, err
	}
	url, err := SetPassword(step, &user, hash, totpFor(roles))
	if err != nil {
		return Activation{}, err
	}
	step.On(user.ID)
	return Activation{viewUser(user, roles), url}, nil
}

// SetPassword makes the user active with a password and, when asked, a new
// second factor, whose otpauth URL it returns.
func SetPassword(step *Step, user *rbac.User, hash string, withTOTP bool) (string, error) {
	set := map[string]any{"password": hash, "state": rbac.UserActive, "version": user.Version + 1}
	url := ""
	if withTOTP {
		key, err := totp.Generate(totp.GenerateOpts{Issuer: "科评", AccountName: user.Login})
		if err != nil {
			return "", err
		}
		set["totp"], set["totp_step"] = step.Keys.Seal(key.Secret(), "user/"+user.ID+"/totp"), 0
		url = key.URL()
	}
	err := database.Swap(step.Tx, &rbac.User{}, map[string]any{"id": user.ID, "version": user.Version}, set)
	user.State, user.Version = rbac.UserActive, user.Version+1
	return url, err
}

// TakeUser loads a user or says that there is none.
func TakeUser(step *Step, id string) (rbac.User, error) {
	var user rbac.User
	err := step.Take(&user, "id = ?", id).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return user, rbac.Missing("该用户")
	}
	return user, err
}

// GrantRole gives a user a role, unless it may not meet one already held.
func (s *Store) GrantRole(step *Step, id string, role rbac.Role) (UserView, error) {
	user, err := TakeUser(step, id)
	if err != nil {
		return UserView{}, err
	}
	if err := AddRole(step, user, role); err != nil {
		return UserView{}, err
	}
	step.Fact("role", string(role))
	roles, err := Roles(step.DB, user.ID)
	return viewAccount(user, roles), err
}

var apart = sync.OnceValue(func() rbac.Apart {
	pairs, err := rbac.ParseApart(configs.Apart)
	if err != nil {
		panic(err)
	}
	return pairs
})

// Incompatible returns a role of held that may not meet role in one person, or "".
func Incompatible(role rbac.Role, held []rbac.Role) rbac.Role { return apart().From(role, held) }

// ViewOf is a user as shown.
func ViewOf(step *Step, user rbac.User) (UserView, error) {
	roles, err := Roles(step.DB, user.ID)
	return viewUser(user, roles), err
}

// AddRole grants within an act.
func AddRole(step *Step, user rbac.User, role rbac.Role) error {
	if _, ok := rbac.RoleNames[role]; !ok {
		return rbac.Invalid("role", "没有“%s”这个角色", role)
	}
	held, err := Roles(step.DB, user.ID)
	if err != nil {
		return err
	}
	for _, r := range held {
		if r == role {
			return rbac.Invalid("role", "该用户已有“%s”角色", rbac.RoleNames[role])
		}
	}
	if user.PersonID != "" { // roles meet in a person, however many accounts there are
		var more []rbac.Role
		err := step.Model(&rbac.Grant{}).Where("ended_at IS NULL AND user_id IN (SELECT id FROM users WHERE person_id = ? AND id <> ? AND state <> ?)", user.PersonID, user.ID, rbac.UserDisabled).Pluck("role", &more).Error
		if err != nil {
			return err
		}
		held = append(held, more...)
	}
	if other := Incompatible(role, held); other != "" {
		return rbac.Invalid("role", "“%s”与该用户已有的“%s”不得由同一人担任，请授予他人", rbac.RoleNames[role], rbac.RoleNames[other])
	}
	return step.Create(&rbac.Grant{ID: step.NewID(), UserID: user.ID, Role: role, GrantedBy: step.Call.Actor.String(), GrantedAt: step.Now}).Error
}

// RevokeRole ends a grant. The caller ends the user's sessions after the commit.
func (s *Store) RevokeRole(step *Step, id string, role rbac.Role) (UserView, error) {
	user, err := TakeUser(step, id)
	if err != nil {
		return UserView{}, err
	}
	done := step.Model(&rbac.Grant{}).Where("user_id = ? AND role = ? AND ended_at IS NULL", id, role).Update("ended_at", step.Now)
	if done.Error != nil {
		return UserView{}, done.Error
	}
	if done.RowsAffected == 0 {
		return UserView{}, rbac.Invalid("role", "该用户没有“%s”角色", rbac.RoleNames[role])
	}
	step.Fact("role", string(role))
	roles, err := Roles(step.DB, user.ID)
	return viewAccount(user, roles), err
}

// DisableUser ends a login; what the user did keeps its name.
func (s *Store) DisableUser(step *Step, id string, version int) (UserView, error) {
	user, err := TakeUser(step, id)
	if err != nil {
		return UserView{}, err
	}
	if user.ID == step.Call.Actor.User {
		return UserView{}, rbac.Invalid("id", "不能停用自己的账号，请由另一名系统管理员办理")
	}
	err = database.Swap(step.Tx, &rbac.User{}, map[string]any{"id": id, "version": version}, map[string]any{"state": rbac.UserDisabled, "version": version + 1})
	if err != nil {
		return UserView{}, err
	}
	if err := KillLinks(step, "user/"+id); err != nil {
		return UserView{}, err
	}
	user.State, user.Version = rbac.UserDisabled, version+1
	roles, err := Roles(step.DB, id)
	return viewAccount(user, roles), err
}

// ListUsers pages through the users by id, those that match.
func (s *Store) ListUsers(ctx context.Context, after string, limit int, where string, args ...any) ([]UserView, error) {
	var users []rbac.User
	db := s.DB.Read(ctx)
	if err := db.Where("id > ?", after).Where(where, args...).Order("id").Limit(limit).Find(&users).Error; err != nil {
		return nil, err
	}
	ids := make([]string, len(users))
	for i, u := range users {
		ids[i] = u.ID
	}
	var grants []rbac.Grant
	if err := db.Where("user_id IN ? AND ended_at IS NULL", ids).Order("granted_at, id").Find(&grants).Error; err != nil {
		return nil, err
	}
	roles := map[string][]rbac.Role{}
	for _, g := range grants {
		roles[g.UserID] = append(roles[g.UserID], g.Role)
	}
	views := make([]UserView, len(users))
	for i, u := range users {
		views[i] = viewAccount(u, roles[u.ID])
	}
	return views, nil
}

// UserByLogin finds a user by login name and makes it the act's object.
func UserByLogin(step *Step, login string) (rbac.User, error) {
	var user rbac.User
	err := step.Take(&user, "login = ?", strings.ToLower(login)).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return user, rbac.Missing("该用户")
	}
	step.On(user.ID)
	return user, err
}
