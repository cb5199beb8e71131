package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"keping/api"
	"keping/configs"
	"keping/configs/database"
	"keping/configs/database/databasetest"
	"keping/experts/draw"
	"keping/rbac"
	"keping/rbac/calendar"
	"keping/rbac/notice/mailbox"
	"keping/rbac/rulebook"
	"keping/rbac/secret"
	"keping/rbac/store"
)

const password = "keping-test-2025"

// passwordHash is computed once: argon2id is slow by design.
var passwordHash = sync.OnceValue(func() string {
	hash, err := store.HashPassword(password)
	if err != nil {
		panic(err)
	}
	return hash
})

// world is a whole server on a fresh store, with a real SMTP server behind it
// and a clock the test moves.
type world struct {
	t       *testing.T
	app     *api.App
	base    string
	clock   *atomic.Int64
	box     *mailbox.Mailbox
	users   map[string]*visitor // by login
	units   map[string]string   // short name → id
	experts map[string]string   // short name → id
	people  map[string]string   // short name → person id
	passed  map[string]bool     // rules seen to pass in an accepted write
	refuse  map[string]bool     // rules seen to refuse
	crowded bool                // others act on the same server at the same time
	about   []string            // the title by which its invitations are told from others
}

// rulesOff switches rules off in every world from its start, against which each
// test that rules.md names for such a rule must fail: scripts/rules.
var rulesOff = flag.String("rules.off", "", "rules switched off, with commas between")

// visitor is somebody with a browser.
type visitor struct {
	w    *world
	http *http.Client
	role rbac.Role
	id   string
	base string // another replica's address, or ""
}

// answer is what came back.
type answer struct {
	status int
	body   string
	header http.Header
}

func newWorld(t *testing.T, change ...func(*configs.Config)) *world {
	t.Helper()
	w := &world{t: t, clock: new(atomic.Int64), users: map[string]*visitor{}, units: map[string]string{}, experts: map[string]string{}, people: map[string]string{}, passed: map[string]bool{}, refuse: map[string]bool{}}
	w.at(2025, 3, 3, 9)
	var err error
	w.box, err = mailbox.Open()
	require.NoError(t, err)
	t.Cleanup(func() { w.box.Close() })
	cfg, err := configs.Load("")
	require.NoError(t, err)
	cfg.Data = t.TempDir()
	cfg.Database.DSN, cfg.Redis.URL = databasetest.DSN(t), databasetest.Redis(t)
	if cfg.Database.DSN != "" {
		cfg.Keys = configs.Keys{Seal: secret.Random(16), Index: secret.Random(32)}
	}
	cfg.PublicURL = "http://keping.test"
	cfg.Mail = configs.Mail{Driver: "smtp", Host: "127.0.0.1", Port: w.box.Port, From: "keping@example.cn"}
	cfg.Session.TOTP = "none"
	cfg.Limits.SignInsPerMinute, cfg.Limits.RefusalsPerMinute, cfg.Limits.PublicPerMinute = 100000, 100000, 100000
	cfg.Witness.File = filepath.Join(cfg.Data, "witness.jsonl")
	for _, c := range change {
		c(&cfg)
	}
	w.app, err = api.Open(context.Background(), cfg, func() time.Time { return time.Unix(w.clock.Load(), 0) })
	require.NoError(t, err)
	w.adjust(nil)
	t.Cleanup(w.report)
	server := httptest.NewServer(w.app.Server)
	w.base = server.URL
	t.Cleanup(func() {
		server.Close()
		require.NoError(t, w.app.Close())
	})
	return w
}

// adjust changes the pack in force from now on; nil ends that.
func (w *world) adjust(change func(*rulebook.Pack) *rulebook.Pack) {
	off := strings.FieldsFunc(*rulesOff, func(r rune) bool { return r == ',' })
	if len(off) == 0 {
		w.app.Store.Adjust = change
		return
	}
	w.app.Store.Adjust = func(p *rulebook.Pack) *rulebook.Pack {
		if change != nil {
			p = change(p)
		}
		return p.Without(off...)
	}
}

// without switches rules off until the function it answers is called.
func (w *world) without(rules ...string) func() {
	before := w.app.Store.Adjust
	w.app.Store.Adjust = func(p *rulebook.Pack) *rulebook.Pack {
		if before != nil {
			p = before(p)
		}
		return p.Without(rules...)
	}
	return func() { w.app.Store.Adjust = before }
}

func (w *world) at(year, month, day, hour int) {
	w.clock.Store(time.Date(year, time.Month(month), day, hour, 0, 0, 0, calendar.Zone).Unix())
}

// user makes a user with a role and signs in.
func (w *world) user(login, unit string, role rbac.Role) *visitor {
	w.t.Helper()
	v := &visitor{w: w, role: role}
	_, _, err := store.Act(context.Background(), w.app.Store, store.Call{Actor: rbac.Actor{Role: rbac.CLI}, Permission: "user create"}, func(step *store.Step) (struct{}, error) {
		u, err := store.MakeUser(step, store.NewUser{Login: login, Name: login, UnitID: w.units[unit]}, "", "")
		if err != nil {
			return struct{}{}, err
		}
		v.id = u.ID
		if err := store.AddRole(step, u, role); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, database.Swap(step.Tx, &rbac.User{}, map[string]any{"id": u.ID}, map[string]any{"password": passwordHash(), "state": rbac.UserActive, "mail": login + "@example.cn"})
	})
	require.NoError(w.t, err)
	w.users[login] = v
	v.signIn(login)
	return v
}

// makeUser makes an invited user, who gets the activation link by mail.
func (w *world) makeUser(login string, role rbac.Role) {
	w.t.Helper()
	_, _, err := store.Act(context.Background(), w.app.Store, store.Call{Actor: rbac.Actor{Role: rbac.CLI}, Permission: "user create"}, func(step *store.Step) (struct{}, error) {
		u, err := store.MakeUser(step, store.NewUser{Login: login, Name: login, Mail: login + "@example.cn"}, "", "http://keping.test")
		if err != nil {
			return struct{}{}, err
		}
		return struct{}{}, store.AddRole(step, u, role)
	})
	require.NoError(w.t, err)
}

func (w *world) stranger() *visitor {
	v := &visitor{w: w, role: rbac.Public}
	v.http = &http.Client{}
	return v
}

func (v *visitor) signIn(login string) {
	v.w.t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(v.w.t, err)
	v.http = &http.Client{Jar: jar}
	v.do("POST", "/api/sessions", map[string]any{"name": login, "password": password}).is(v.w.t, http.StatusCreated)
}

// send makes one request with a body as it stands.
func (v *visitor) send(method, path, contentType string, body io.Reader, header ...string) answer {
	v.w.t.Helper()
	base := v.w.base
	if v.base != "" {
		base = v.base
	}
	request, err := http.NewRequest(method, base+path, body)
	require.NoError(v.w.t, err)
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := v.http.Do(request)
	require.NoError(v.w.t, err)
	defer response.Body.Close()
	var answered io.Reader = response.Body
	if response.Header.Get("Content-Type") == "text/event-stream" { // its first event will do
		answered = io.LimitReader(response.Body, 20)
	}
	data, err := io.ReadAll(answered)
	require.NoError(v.w.t, err)
	return answer{response.StatusCode, string(data), response.Header}
}

func (v *visitor) do(method, path string, body any, header ...string) answer {
	v.w.t.Helper()
	if body == nil {
		return v.send(method, path, "", nil, header...)
	}
	data, err := json.Marshal(body)
	require.NoError(v.w.t, err)
	return v.send(method, path, "application/json", bytes.NewReader(data), header...)
}

// upload sends a file.
func (v *visitor) upload(name string, data []byte) answer {
	v.w.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", name)
	require.NoError(v.w.t, err)
	_, err = part.Write(data)
	require.NoError(v.w.t, err)
	require.NoError(v.w.t, form.Close())
	return v.send("POST", "/api/files", form.FormDataContentType(), &body)
}

func (a answer) is(t testing.TB, status int) answer {
	t.Helper()
	require.Equal(t, status, a.status, a.body)
	return a
}

// get walks the answer's JSON: "result.id", "items.0.state".
func (a answer) get(t testing.TB, path string) any {
	t.Helper()
	var v any
	require.NoError(t, json.Unmarshal([]byte(a.body), &v), a.body)
	for _, key := range strings.Split(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[key]
		case []any:
			var i int
			_, err := fmt.Sscanf(key, "%d", &i)
			require.NoError(t, err)
			require.Less(t, i, len(x), "%s in %s", path, a.body)
			v = x[i]
		default:
			require.Fail(t, "no "+path, a.body)
		}
	}
	return v
}

func (a answer) text(t testing.TB, path string) string {
	t.Helper()
	text, ok := a.get(t, path).(string)
	require.True(t, ok, "%s in %s", path, a.body)
	return text
}

func (a answer) int(t testing.TB, path string) int {
	t.Helper()
	number, ok := a.get(t, path).(float64)
	require.True(t, ok, "%s in %s", path, a.body)
	return int(number)
}

func (a answer) verdicts(t testing.TB) []rulebook.Verdict {
	t.Helper()
	var out struct {
		Verdicts []rulebook.Verdict `json:"verdicts"`
	}
	require.NoError(t, json.Unmarshal([]byte(a.body), &out), a.body)
	return out.Verdicts
}

// journal is all entries after seq.
func (w *world) journal(after int64) []store.EntryView {
	w.t.Helper()
	entries, err := w.app.Store.Entries(context.Background(), "", after, 100000)
	require.NoError(w.t, err)
	return entries
}

func (w *world) seq() int64 {
	w.t.Helper()
	head, err := w.app.Store.Head(context.Background())
	require.NoError(w.t, err)
	return head.Seq
}

// own are the entries after seq that people made; those of "system" are consequences.
func (w *world) own(after int64) []store.EntryView {
	return slices.DeleteFunc(w.journal(after), func(e store.EntryView) bool { return e.Actor == "system" })
}

// ok does a write that must be accepted and have exactly one entry, and
// remembers the rules it passed.
func (v *visitor) ok(method, path string, body any) answer {
	v.w.t.Helper()
	before := v.w.seq()
	a := v.do(method, path, body)
	require.Less(v.w.t, a.status, 300, "%s %s: %s", method, path, a.body)
	if !v.w.crowded {
		own := v.w.own(before)
		require.Len(v.w.t, own, 1, "%s %s", method, path)
		require.NotContains(v.w.t, string(own[0].Facts), `"refused"`)
	}
	for _, verdict := range a.verdicts(v.w.t) {
		if verdict.Verdict == rulebook.OutcomePass || verdict.Verdict == rulebook.OutcomeReleased {
			v.w.passed[verdict.Rule] = true
		}
	}
	return a
}

// refused does a write that rule refuses: named with its articles, a message
// and a way out, journalled by exactly one entry; and shows that the refusal
// comes from the rule, for without it a dry run no longer says so. clears
// names further rules that the same fact breaks; with all of them off the dry
// run must pass.
func (v *visitor) refused(rule, method, path string, body any, clears ...string) answer {
	v.w.t.Helper()
	t := v.w.t
	before := v.w.seq()
	a := v.do(method, path, body)
	require.Equal(t, http.StatusUnprocessableEntity, a.status, a.body)
	require.Equal(t, "rule", a.text(t, "code"))
	catalogue, _ := rulebook.Lookup(rule)
	failing := func(a answer) *rulebook.Verdict {
		for _, verdict := range a.verdicts(t) {
			if verdict.Rule == rule && (verdict.Verdict == rulebook.OutcomeFail || verdict.Verdict == rulebook.OutcomeUnknown) {
				return &verdict
			}
		}
		return nil
	}
	found := failing(a)
	require.NotNil(t, found, "%s does not speak: %s", rule, a.body)
	require.Equal(t, catalogue.Articles, found.Articles)
	require.NotEmpty(t, found.Message)
	require.NotEmpty(t, found.Remedy)
	if len(catalogue.Articles) > 0 {
		require.Contains(t, found.Message, "条", "the message names the article")
	}
	entries := v.w.journal(before)
	require.Len(t, entries, 1, "exactly one entry, and no consequence")
	require.Contains(t, string(entries[0].Facts), `"refused":"rule"`)
	require.Contains(t, string(entries[0].Facts), `"verdicts":"`)

	defer v.w.without(rule)()
	dry := path + "?dry_run=true"
	if strings.Contains(path, "?") {
		dry = path + "&dry_run=true"
	}
	rehearsed := v.do(method, dry, body)
	require.Less(t, rehearsed.status, 500, rehearsed.body)
	require.Nil(t, failing(rehearsed), "%s still speaks when switched off", rule)
	if !slices.Contains(clears, "-") {
		defer v.w.without(clears...)()
		v.do(method, dry, body).is(t, http.StatusOK)
	}
	require.Equal(t, before+1, v.w.seq(), "a dry run leaves nothing")
	v.w.refuse[rule] = true
	return a
}

// resident is a valid resident identity number of nobody.
func resident(i, year int) string { return rbac.MakeResidentID("500106", year, i%12+1, i%28+1, i%997) }

// drawNow commits and reveals for bureau and supervisor.
func (w *world) drawNow(id, frame string) answer {
	w.t.Helper()
	secrets := map[string]string{"bureau": secret.Random(32), "supervisor": secret.Random(32)}
	who := map[string]*visitor{"bureau": w.users["officer"], "supervisor": w.users["supervisor"]}
	for _, holder := range []string{"bureau", "supervisor"} {
		who[holder].ok("POST", "/api/draws/"+id+"/commit", map[string]any{"commitment": draw.Commit(frame, holder, secrets[holder])})
	}
	who["bureau"].ok("POST", "/api/draws/"+id+"/reveal", map[string]any{"secret": secrets["bureau"]})
	return who["supervisor"].ok("POST", "/api/draws/"+id+"/reveal", map[string]any{"secret": secrets["supervisor"]})
}
