// Package demo runs the main job on realistic data: from imports to a
// confirmed award list, through the HTTP API of a server it starts itself,
// with the right role signed in for every step, telling in Chinese what
// happens and which rule speaks. The server's clock for acts starts at a fixed
// instant in 2025 and is moved on as the story needs; mail goes through a real
// SMTP server on this machine, where the one-time links are read.
package demo

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"keping/api"
	"keping/configs"
	"keping/experts/draw"
	"keping/rbac"
	"keping/rbac/calendar"
	"keping/rbac/notice/mailbox"
	"keping/rbac/store"
)

// Options say where the files go and which stores to use.
type Options struct {
	Out      string         // folder of the files
	Headless bool           // end by itself; else the server stays up
	Config   configs.Config // database, Redis and keys; listen and mail are the demo's own
	Say      io.Writer
}

const password = "keping-demo-2025"

// story is the demonstration in progress.
type story struct {
	Options
	app     *api.App
	base    string
	clock   atomic.Int64
	box     *mailbox.Mailbox
	step    int
	users   map[string]*client // by login
	units   []unitData
	experts []expertData
	unitIDs map[string]string // code → id
	byName  map[string]expertRow
	years   map[string]*yearData
	secrets map[string]string // draw + holder → secret
}

type expertRow struct {
	ID      string   `json:"id"`
	Name    string   `json:"name"`
	Mail    string   `json:"mail"`
	Pool    string   `json:"pool"`
	Classes []string `json:"classes"`
	Birth   int      `json:"birth_year"`
	Version int      `json:"version"`
	UnitID  string   `json:"unit_id"`
	Person  string   `json:"person_id"`
}

// Run tells the story; with Headless it ends, else it serves until ctx does.
func Run(ctx context.Context, o Options) error {
	s := &story{Options: o, users: map[string]*client{}, unitIDs: map[string]string{}, byName: map[string]expertRow{}, years: map[string]*yearData{}, secrets: map[string]string{}}
	s.at(2025, 3, 3, 9)
	if err := os.MkdirAll(o.Out, 0o755); err != nil {
		return err
	}
	box, err := mailbox.Open()
	if err != nil {
		return err
	}
	defer box.Close()
	s.box = box
	listener, err := net.Listen("tcp", o.Config.Listen)
	if err != nil {
		return err
	}
	s.base = "http://" + listener.Addr().String()
	cfg := o.Config
	cfg.PublicURL = s.base
	cfg.Mail = configs.Mail{Driver: "smtp", Host: "127.0.0.1", Port: box.Port, From: "keping@example.cn"}
	cfg.Session.TOTP = "none" // so that a visitor can sign in with what is printed
	cfg.Limits.SignInsPerMinute, cfg.Limits.RefusalsPerMinute, cfg.Limits.PublicPerMinute = 10000, 10000, 100000
	cfg.Witness.File = filepath.Join(o.Out, "witness.jsonl")
	app, err := api.Open(ctx, cfg, func() time.Time { return time.Unix(s.clock.Load(), 0) })
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	s.app = app
	serving, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- app.Serve(serving, listener) }()
	err = s.tell()
	if err == nil && !o.Headless {
		s.invite()
		s.follow(ctx)
	}
	stop()
	return errors.Join(err, <-done, app.Close())
}

func (s *story) at(year, month, day, hour int) {
	s.clock.Store(time.Date(year, time.Month(month), day, hour, 0, 0, 0, calendar.Zone).Unix())
}

func (s *story) pass(d time.Duration) { s.clock.Add(int64(d / time.Second)) }

const chapters = 13

// chapter begins a numbered part; say tells what happens in it.
func (s *story) chapter(format string, args ...any) {
	s.step++
	fmt.Fprintf(s.Say, "\n[%d/%d] %s\n", s.step, chapters, fmt.Sprintf(format, args...))
}

func (s *story) say(format string, args ...any) { fmt.Fprintf(s.Say, "    "+format+"\n", args...) }

// refused demands that an act was refused by a rule, and says so.
func (s *story) refused(err error, rule string) error {
	var p *problem
	if !errors.As(err, &p) {
		return fmt.Errorf("应由%s拒绝，实为：%v", rule, err)
	}
	for _, v := range p.Verdicts {
		if v.Rule == rule && v.Verdict == "fail" {
			s.say("✗ 拒绝（%s）：%s %s", rule, v.Message, v.Remedy)
			return nil
		}
	}
	return fmt.Errorf("应由%s拒绝，实为：%v", rule, err)
}

func (s *story) tell() error {
	for _, part := range []func() error{s.accounts, s.pool, s.programmes, s.intake, s.reviews, s.lists, s.evidence} {
		if err := part(); err != nil {
			return err
		}
	}
	return nil
}

// administrators are made on the machine, as `keping user add` does.
func (s *story) administrator(login, name string, role rbac.Role) error {
	hash, err := store.HashPassword(password)
	if err != nil {
		return err
	}
	_, _, err = store.Act(context.Background(), s.app.Store, store.Call{Actor: rbac.Actor{Role: rbac.CLI}, Permission: "user create"}, func(step *store.Step) (struct{}, error) {
		u, err := store.MakeUser(step, store.NewUser{Login: login, Name: name}, "", "")
		if err != nil {
			return struct{}{}, err
		}
		if err := store.AddRole(step, u, role); err != nil {
			return struct{}{}, err
		}
		_, err = store.SetPassword(step, &u, hash, false)
		return struct{}{}, err
	})
	if err != nil {
		return err
	}
	return s.signIn(login)
}

func (s *story) signIn(login string) error {
	c := newClient(s.base, login)
	_, err := c.call("POST", "/api/sessions", map[string]any{"name": login, "password": password})
	s.users[login] = c
	return err
}

// user is made by the system administrator, granted by the security
// administrator, and activates by the mailed link.
func (s *story) user(login, name, unit string, role rbac.Role) error {
	address := login + "@example.cn"
	body := map[string]any{"login": login, "name": name, "mail": address}
	if unit != "" {
		body["unit_id"] = unit
	}
	u, err := act[store.UserView](s.users["sysadmin"], "/api/users", body)
	if err != nil {
		return err
	}
	if _, err := act[store.UserView](s.users["secadmin"], "/api/users/"+u.ID+"/grant", map[string]any{"role": role}); err != nil {
		return err
	}
	token, err := s.box.Token(address)
	if err != nil {
		return err
	}
	if _, err := act[any](newClient(s.base, login), "/api/activations", map[string]any{"token": token, "password": password}); err != nil {
		return err
	}
	return s.signIn(login)
}

func (s *story) accounts() error {
	s.chapter("账号与授权：三员分立，激活链接一次有效")
	for _, a := range []struct {
		login, name string
		role        rbac.Role
	}{{"sysadmin", "系统管理员", rbac.SystemAdmin}, {"secadmin", "安全管理员", rbac.SecurityAdmin}, {"auditor", "审计管理员", rbac.AuditAdmin}} {
		if err := s.administrator(a.login, a.name, a.role); err != nil {
			return err
		}
	}
	for _, a := range []struct {
		login, name string
		role        rbac.Role
	}{{"keeper", "专家库管理员", rbac.PoolKeeper}, {"officer", "科技局经办", rbac.Officer}, {"director", "科技局领导", rbac.Director},
		{"finance", "区财政局", rbac.Finance}, {"conference", "联席会议办公室", rbac.Conference}, {"supervisor", "监督", rbac.Supervisor}} {
		if err := s.user(a.login, a.name, "", a.role); err != nil {
			return err
		}
	}
	s.say("✓ 九个账号已激活；系统管理员建号，安全管理员授权，二者不得由一人担任")
	_, err := s.users["keeper"].call("POST", "/api/reviews/x/freeze", map[string]any{})
	var p *problem
	if !errors.As(err, &p) || p.Status != 403 {
		return fmt.Errorf("专家库管理员锁定名单应为403，实为%v", err)
	}
	s.say("✗ 专家库管理员试图抽取：%s（管用分离）", p.Detail)
	return nil
}

func (s *story) importFile(login, name, path string, data []byte, extra map[string]any) error {
	if err := os.WriteFile(filepath.Join(s.Out, name), data, 0o644); err != nil {
		return err
	}
	id, err := s.users[login].upload(name, data)
	if err != nil {
		return err
	}
	body := map[string]any{"file_id": id}
	for k, v := range extra {
		body[k] = v
	}
	if _, err := s.users[login].call("POST", path+"?dry_run=true", body); err != nil {
		return err
	}
	done, err := act[struct{ Rows int }](s.users[login], path, body)
	if err == nil {
		s.say("✓ %s：试运行通过，导入%d行", name, done.Rows)
	}
	return err
}

func (s *story) pool() error {
	s.chapter("单位与专家入库：先试运行，有一处错误则整表不导入")
	s.units = units()
	s.experts = expertsOf(s.units)
	books, err := workbooks(s.units, s.experts)
	if err != nil {
		return err
	}
	if err := s.importFile("officer", "units.xlsx", "/api/units/import", books["units.xlsx"], nil); err != nil {
		return err
	}
	rows, err := all[struct{ ID, Code string }](s.users["officer"], "/api/units")
	if err != nil {
		return err
	}
	for _, u := range rows {
		s.unitIDs[u.Code] = u.ID
	}
	if err := s.importFile("keeper", "experts.xlsx", "/api/experts/import", books["experts.xlsx"], nil); err != nil {
		return err
	}
	found, err := all[expertRow](s.users["keeper"], "/api/experts")
	if err != nil {
		return err
	}
	var ids []string
	for _, e := range found {
		s.byName[e.Mail] = e
		ids = append(ids, e.ID)
	}
	if _, err := act[any](s.users["director"], "/api/experts/admit", map[string]any{"expert_ids": ids}); err != nil {
		return err
	}
	s.say("✓ 科技局领导审核入库%d人", len(ids))
	return nil
}

// expert finds a planted expert by its number in the data.
func (s *story) expert(i int) expertRow { return s.byName[s.experts[i].mail] }

func newSecret() string {
	b := make([]byte, 32)
	rand.Read(b)
	return hex.EncodeToString(b)
}

// drawNow commits and reveals for bureau and supervisor, each with its own secret.
func (s *story) drawNow(id, hash string) error {
	type view struct{ State string }
	for login, holder := range map[string]string{"officer": "bureau", "supervisor": "supervisor"} {
		secret := newSecret()
		s.secrets[id+holder] = secret
		if _, err := act[view](s.users[login], "/api/draws/"+id+"/commit", map[string]any{"commitment": draw.Commit(hash, holder, secret)}); err != nil {
			return err
		}
	}
	s.pass(time.Minute)
	for login, holder := range map[string]string{"officer": "bureau", "supervisor": "supervisor"} {
		if _, err := act[view](s.users[login], "/api/draws/"+id+"/reveal", map[string]any{"secret": s.secrets[id+holder]}); err != nil {
			return err
		}
	}
	return nil
}

func (s *story) save(login, path, name string) error {
	data, err := s.users[login].call("GET", path, nil)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.Out, name), data, 0o644)
}

// invite says how to go on by hand.
func (s *story) invite() {
	fmt.Fprintf(s.Say, `
服务继续运行：%s （演示数据，时钟停在2025年，可拨快）
每个角色一个账号，密码都是 %s：
  sysadmin 系统管理员 · secadmin 安全管理员 · auditor 审计管理员 · keeper 专家库管理员 · officer 科技局经办
  director 科技局领导 · finance 区财政局 · conference 联席会议 · supervisor 监督 · unit01 单位管理员 · applicant 申报人 · joint 联合实施单位 · zj00001 专家
先试这些：
  curl -s %[1]s/api/publicities                              公示（不用登录）
  curl -s %[1]s/api/openapi.json                             全部接口
  curl -s -c jar -H 'Content-Type: application/json' -d '{"name":"supervisor","password":"%[2]s"}' %[1]s/api/sessions
  curl -s -b jar '%[1]s/api/journal?limit=5'                 日志
  keping verify journal %[3]s/journal.jsonl                  自己重算日志
  echo 5d > %[3]s/forward                                    演示时钟拨快5天（小时写作 12h），公示等期限随之届满
按 Ctrl-C 结束。
`, s.base, password, s.Out)
}
