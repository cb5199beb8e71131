package api_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/api"
	"keping/configs"
	"keping/rbac"
)

// cookies lets a browser show its session to another address too.
func cookies(v *visitor, from, to string) {
	here, err := url.Parse(from)
	require.NoError(v.w.t, err)
	there, err := url.Parse(to)
	require.NoError(v.w.t, err)
	v.http.Jar.SetCookies(there, v.http.Jar.Cookies(here))
}

// TestReplicas: two servers on one MariaDB and one Redis are one service.
func TestReplicas(t *testing.T) {
	var cfg configs.Config
	w := newWorld(t, func(c *configs.Config) { c.Limits.SignInsPerMinute = 6; cfg = *c })
	if cfg.Redis.URL == "" {
		t.Skip("replicas need MariaDB and Redis; scripts/test runs this there")
	}
	second, err := api.Open(context.Background(), cfg, func() time.Time { return time.Unix(w.clock.Load(), 0) })
	require.NoError(t, err)
	server := httptest.NewServer(second.Server)
	t.Cleanup(func() {
		server.Close()
		require.NoError(t, second.Close())
	})
	there := func(v *visitor) *visitor { // the same browser, the other replica
		return &visitor{w: w, http: v.http, role: v.role, base: server.URL}
	}
	system := w.user("sysadmin", "", rbac.SystemAdmin)
	officer := w.user("officer", "", rbac.Officer)
	cookies(officer, w.base, server.URL)
	cookies(system, w.base, server.URL)
	there(officer).do("GET", "/api/experts", nil).is(t, http.StatusOK)

	// An act on one that has queued a message wakes the other's worker.
	options, err := goredis.ParseURL(cfg.Redis.URL)
	require.NoError(t, err)
	client := goredis.NewClient(options)
	t.Cleanup(func() { client.Close() })
	heard := client.Subscribe(t.Context(), "keping:wake")
	t.Cleanup(func() { heard.Close() })
	_, err = heard.Receive(t.Context())
	require.NoError(t, err)
	there(system).do("POST", "/api/users", map[string]any{"login": "newcomer", "name": "新人", "mail": "newcomer@example.cn"}).is(t, http.StatusCreated)
	select {
	case <-heard.Channel():
	case <-time.After(10 * time.Second):
		assert.Fail(t, "nobody was woken")
	}

	// Disabled on one, signed out of both.
	there(system).do("POST", "/api/users/"+officer.id+"/disable", map[string]any{"version": 1}).is(t, http.StatusOK)
	officer.do("GET", "/api/experts", nil).is(t, http.StatusUnauthorized)
	there(officer).do("GET", "/api/experts", nil).is(t, http.StatusUnauthorized)

	// Guesses are counted over both.
	seen := map[int]int{}
	for i := range 10 {
		v := w.visitor()
		if i%2 == 0 {
			v = there(v)
		}
		seen[v.do("POST", "/api/sessions", map[string]any{"name": "officer", "password": "wrong-password"}).status]++
	}
	assert.LessOrEqual(t, seen[http.StatusUnauthorized], 6)
	assert.Positive(t, seen[http.StatusTooManyRequests])
}
