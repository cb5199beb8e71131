package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"keping/api"
	"keping/cmd/internal/verify"
	"keping/configs"
	"keping/rbac"
	"keping/rbac/secret"
	"keping/rbac/store"
)

type user struct {
	Config   string       `help:"配置文件（YAML）" type:"path"`
	Add      userAdd      `cmd:"" help:"建立账号并授予角色，打印一次性密码"`
	Password userPassword `cmd:"" help:"重设密码，打印一次性密码"`
	Disable  userDisable  `cmd:"" help:"停用账号"`
}

type userAdd struct {
	Name string `arg:"" help:"登录名"`
	Role string `help:"角色，如 system_admin、security_admin、audit_admin" default:"system_admin"`
}

type userPassword struct {
	Name string `arg:"" help:"登录名"`
}

type userDisable struct {
	Name string `arg:"" help:"登录名"`
}

// act runs one act of the machine's administrator, journalled as "cli".
func act(config string, permission rbac.Permission, dry bool, fn func(*api.App, *store.Step) (string, error)) error {
	cfg, err := configs.Load(config)
	if err != nil {
		return verify.Usage(err)
	}
	ctx := context.Background()
	app, err := api.Open(ctx, cfg, time.Now)
	if err != nil {
		return err
	}
	defer app.Close()
	said, _, err := store.Act(ctx, app.Store, store.Call{Actor: rbac.Actor{Role: rbac.CLI}, Permission: permission, Dry: dry},
		func(step *store.Step) (string, error) { return fn(app, step) })
	if err == nil {
		fmt.Fprintln(os.Stdout, said)
	}
	return err
}

// newPassword sets a fresh password; the person changes it by a reset link.
func newPassword(app *api.App, step *store.Step, u rbac.User) (string, error) {
	roles, err := store.Roles(step.DB, u.ID)
	if err != nil {
		return "", err
	}
	password := secret.Random(8)
	hash, err := store.HashPassword(password)
	if err != nil {
		return "", err
	}
	url, err := store.SetPassword(step, &u, hash, app.Sessions.NeedsCode(roles))
	if err != nil {
		return "", err
	}
	said := fmt.Sprintf("登录名 %s\n密码 %s", u.Login, password)
	if url != "" {
		said += "\n动态口令 " + url
	}
	return said, nil
}

// Run adds a user.
func (c userAdd) Run(parent *user) error {
	return act(parent.Config, "user create", false, func(app *api.App, step *store.Step) (string, error) {
		u, err := store.MakeUser(step, store.NewUser{Login: c.Name, Name: c.Name}, "", "")
		if err != nil {
			return "", err
		}
		if err := store.AddRole(step, u, rbac.Role(c.Role)); err != nil {
			return "", err
		}
		return newPassword(app, step, u)
	})
}

// Run sets a new password.
func (c userPassword) Run(parent *user) error {
	return act(parent.Config, "user reset", false, func(app *api.App, step *store.Step) (string, error) {
		u, err := store.UserByLogin(step, c.Name)
		if err != nil {
			return "", err
		}
		step.After(app.Sessions.EndUser, u.ID)
		return newPassword(app, step, u)
	})
}

// Run disables a user.
func (c userDisable) Run(parent *user) error {
	return act(parent.Config, "user disable", false, func(app *api.App, step *store.Step) (string, error) {
		u, err := store.UserByLogin(step, c.Name)
		if err != nil {
			return "", err
		}
		step.After(app.Sessions.EndUser, u.ID)
		_, err = app.Store.DisableUser(step, u.ID, u.Version)
		return "已停用 " + u.Login, err
	})
}
