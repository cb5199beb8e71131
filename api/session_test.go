package api_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/api"
	"keping/configs"
	"keping/configs/database/databasetest"
	"keping/rbac"
	"keping/rbac/secret"
)

func (w *world) visitor() *visitor {
	jar, err := cookiejar.New(nil)
	require.NoError(w.t, err)
	return &visitor{w: w, http: &http.Client{Jar: jar}}
}

// TestAccount goes the way of every account: made by the system administrator,
// granted by the security administrator, activated by the mailed link, signed
// in with a second factor, revoked.
func TestAccount(t *testing.T) {
	w := newWorld(t, func(c *configs.Config) { c.Session.TOTP = "none" })
	system, security := w.user("sysadmin", "", rbac.SystemAdmin), w.user("secadmin", "", rbac.SecurityAdmin)
	body := map[string]any{"login": "wang", "name": "王敏", "mail": "wang@example.cn"}
	system.do("POST", "/api/users", map[string]any{"login": "x", "name": "", "mail": "no"}).is(t, 422)
	id := system.ok("POST", "/api/users", body).text(t, "result.id")
	system.do("POST", "/api/users", body).is(t, 422)
	system.do("POST", "/api/users/"+id+"/grant", map[string]any{"role": "officer"}).is(t, 403)
	security.do("POST", "/api/users", body).is(t, 403)
	security.do("POST", "/api/users/"+id+"/grant", map[string]any{"role": "king"}).is(t, 422)
	security.ok("POST", "/api/users/"+id+"/grant", map[string]any{"role": "officer"})
	for _, role := range []string{"officer", "pool_keeper", "supervisor", "expert"} { // twice, 管用分离, 监督, 专家
		security.do("POST", "/api/users/"+id+"/grant", map[string]any{"role": role}).is(t, 422)
	}

	first, err := w.box.Token("wang@example.cn")
	require.NoError(t, err)
	activate := func(token, password string) answer {
		return w.visitor().do("POST", "/api/activations", map[string]any{"token": token, "password": password})
	}
	activate(first, "short").is(t, 422)
	activate(first, "wang-wang-wang").is(t, 422)
	activate(strings.Repeat("0", 48), password).is(t, 404)
	activate(first, password).is(t, 201)
	activate(first, password).is(t, 404)

	// A reset kills what was before: the password, and the link not used.
	v := w.visitor()
	in := map[string]any{"name": "wang", "password": password}
	v.do("POST", "/api/sessions", in).is(t, 201)
	v.do("GET", "/api/experts", nil).is(t, 200)
	system.ok("POST", "/api/users/"+id+"/reset", map[string]any{})
	v.do("GET", "/api/experts", nil).is(t, 401)
	w.visitor().do("POST", "/api/sessions", in).is(t, 401)
	second, err := w.box.Token("wang@example.cn")
	require.NoError(t, err)
	system.ok("POST", "/api/users/"+id+"/reset", map[string]any{})
	third, err := w.box.Token("wang@example.cn")
	require.NoError(t, err)
	activate(second, password).is(t, 404)
	activate(third, password).is(t, 201)

	// A grant or its end, and disabling, end the sessions at once.
	v.do("POST", "/api/sessions", in).is(t, 201)
	security.ok("POST", "/api/users/"+id+"/grant", map[string]any{"role": "finance"})
	v.do("GET", "/api/experts", nil).is(t, 401)
	in["role"] = "finance"
	v.do("POST", "/api/sessions", in).is(t, 201)
	v.do("GET", "/api/experts", nil).is(t, 403)
	security.ok("POST", "/api/users/"+id+"/revoke", map[string]any{"role": "finance"})
	v.do("POST", "/api/sessions", in).is(t, 401)
	delete(in, "role")
	v.do("POST", "/api/sessions", in).is(t, 201)
	v.do("DELETE", "/api/sessions/current", nil).is(t, 204)
	v.do("GET", "/api/experts", nil).is(t, 401)
	v.do("POST", "/api/sessions", in).is(t, 201)
	var users []struct {
		ID      string
		Version int
	}
	w.all("sysadmin", "/api/users", &users)
	for _, u := range users {
		if u.ID == id {
			system.do("POST", "/api/users/"+id+"/disable", map[string]any{"version": u.Version - 1}).is(t, 409)
			system.ok("POST", "/api/users/"+id+"/disable", map[string]any{"version": u.Version})
		}
	}
	v.do("GET", "/api/experts", nil).is(t, 401)
	v.do("POST", "/api/sessions", in).is(t, 401)

	// An expired link is as dead as a used one.
	system.ok("POST", "/api/users", map[string]any{"login": "late", "name": "迟到", "mail": "late@example.cn"})
	late, err := w.box.Token("late@example.cn")
	require.NoError(t, err)
	w.clock.Add(8 * 24 * 3600)
	activate(late, password).is(t, 404)
	assert.NotContains(t, system.do("GET", "/api/users", nil).body, "argon2")
	for role, address := range map[*visitor]string{system: "***", w.user("overseer", "", rbac.Supervisor): "w***@example.cn"} { // a letter and a domain may tell who sits (P-12)
		notices := role.do("GET", "/api/notices?state=sent", nil).is(t, 200)
		assert.Contains(t, notices.body, `"address":"`+address+`"`)
		assert.NotContains(t, notices.body, "wang@")
	}
}

// TestSecondFactor: bureau roles sign in with a code, which works once.
func TestSecondFactor(t *testing.T) {
	w := newWorld(t, func(c *configs.Config) { c.Session.TOTP = "bureau" })
	made := w.user2("officer2", rbac.Officer)
	in := map[string]any{"name": "officer2", "password": password}
	w.visitor().do("POST", "/api/sessions", in).is(t, 401)
	in["code"] = "000000"
	w.visitor().do("POST", "/api/sessions", in).is(t, 401)
	code, err := totp.GenerateCode(made, time.Now())
	require.NoError(t, err)
	in["code"] = code
	w.visitor().do("POST", "/api/sessions", in).is(t, 201)
	w.visitor().do("POST", "/api/sessions", in).is(t, 401)
	next, err := totp.GenerateCode(made, time.Now().Add(30*time.Second))
	require.NoError(t, err)
	in["code"] = next
	w.visitor().do("POST", "/api/sessions", in).is(t, 201)
	// Units and experts need none by default.
	w.user("unitadmin", "", rbac.UnitAdmin)
}

// user2 activates a user by mail and returns the second factor's secret.
func (w *world) user2(login string, role rbac.Role) string {
	w.t.Helper()
	address := login + "@example.cn"
	w.makeUser(login, role)
	token, err := w.box.Token(address)
	require.NoError(w.t, err)
	a := w.visitor().do("POST", "/api/activations", map[string]any{"token": token, "password": password}).is(w.t, 201)
	bound, err := url.Parse(a.text(w.t, "result.totp_url"))
	require.NoError(w.t, err)
	return bound.Query().Get("secret")
}

// TestThrottle: guesses are counted by name and by address, refusals by account.
func TestThrottle(t *testing.T) {
	w := newWorld(t, func(c *configs.Config) {
		c.Limits.SignInsPerMinute, c.Limits.RefusalsPerMinute, c.Limits.PublicPerMinute = 5, 3, 20
	})
	officer := w.user("officer", "", rbac.Officer)
	for range 3 {
		officer.do("GET", "/api/users", nil).is(t, 403)
	}
	seq := w.seq()
	officer.do("GET", "/api/users", nil).is(t, 429)
	officer.do("GET", "/api/experts", nil).is(t, 429)
	assert.Equal(t, seq, w.seq(), "a throttled account cannot fill the journal")
	wrong := map[string]any{"name": "officer", "password": "wrong-password"}
	seen := map[int]int{}
	for range 8 {
		seen[w.visitor().do("POST", "/api/sessions", wrong).status]++
	}
	assert.Positive(t, seen[429])
	assert.LessOrEqual(t, seen[401], 4)
	limited := 0
	for range 30 {
		if w.visitor().do("GET", "/api/publicities", nil).status == 429 {
			limited++
		}
	}
	assert.Positive(t, limited)
}

// TestSurface: what the browser and the machines around see.
func TestSurface(t *testing.T) {
	w := newWorld(t)
	officer := w.user("officer", "", rbac.Officer)
	officer.do("GET", "/healthz", nil).is(t, 200)
	officer.do("GET", "/readyz", nil).is(t, 200)
	assert.Contains(t, officer.do("GET", "/metrics", nil).is(t, 200).body, "keping_request_seconds")
	a := officer.do("GET", "/api/experts", nil).is(t, 200)
	assert.Equal(t, "default-src 'self'", a.header.Get("Content-Security-Policy"))
	assert.Equal(t, "nosniff", a.header.Get("X-Content-Type-Options"))
	body := map[string]any{"kind": "major", "year": 2025, "name": "专项", "basis": "沙委发〔2025〕3号"}
	officer.do("POST", "/api/programmes", body, "Sec-Fetch-Site", "cross-site").is(t, 403)
	officer.do("POST", "/api/programmes", body, "Origin", "https://evil.example").is(t, 403)
	officer.do("POST", "/api/programmes", body, "Sec-Fetch-Site", "same-origin").is(t, 201)
	for _, cookie := range officer.http.Jar.Cookies(&url.URL{Scheme: "http", Host: strings.TrimPrefix(w.base, "http://")}) {
		assert.NotContains(t, cookie.Value, "officer")
	}
	jar := w.visitor()
	response := jar.do("POST", "/api/sessions", map[string]any{"name": "officer", "password": password}).is(t, 201)
	cookie := response.header.Get("Set-Cookie")
	for _, flag := range []string{"HttpOnly", "SameSite=Lax", "Path=/"} {
		assert.Contains(t, cookie, flag)
	}
}

// TestGracefulStop: a request in flight is answered, a new one is not taken.
func TestGracefulStop(t *testing.T) {
	cfg, err := configs.Load("")
	require.NoError(t, err)
	cfg.Data = t.TempDir()
	cfg.Database.DSN, cfg.Redis.URL = databasetest.DSN(t), databasetest.Redis(t)
	if cfg.Database.DSN != "" {
		cfg.Keys = configs.Keys{Seal: secret.Random(16), Index: secret.Random(32)}
	}
	app, err := api.Open(context.Background(), cfg, time.Now)
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- app.Serve(ctx, listener) }()

	conn, err := net.Dial("tcp", listener.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	head, tail := `{"name":"nobody",`, `"password":"whatever-it-is"}`
	_, err = fmt.Fprintf(conn, "POST /api/sessions HTTP/1.1\r\nHost: keping\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(head)+len(tail), head)
	require.NoError(t, err)
	time.Sleep(100 * time.Millisecond) // the server has taken it up by then; were it not, the test would fail
	stop()
	for refused := false; !refused; time.Sleep(5 * time.Millisecond) {
		late, err := net.DialTimeout("tcp", listener.Addr().String(), time.Second)
		if refused = err != nil; !refused {
			late.Close()
		}
	}
	_, err = fmt.Fprint(conn, tail)
	require.NoError(t, err)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	assert.Equal(t, http.StatusUnauthorized, response.StatusCode, "finished after the stop")
	require.NoError(t, response.Body.Close())
	require.NoError(t, <-served)
	require.NoError(t, app.Close())
}
