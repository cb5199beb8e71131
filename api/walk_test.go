package api_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"
	"github.com/stretchr/testify/require"

	"keping/experts"
	"keping/rbac"
	"keping/rbac/calendar"
	"keping/reviewing"
)

var (
	walkSteps = flag.Int("walk.steps", 0, "tried acts of each random walk; 0 is a short one")
	walkSeeds = flag.String("walk.seeds", "", "seeds of the random walks, as 7 or 1-20")
)

// TestWalk lets chance choose: acts of every kind by everybody, on whatever is
// there, a quarter of them wrong on purpose, while time goes by. Whatever has
// been accepted, `keping check` finds nothing; whatever has been refused says
// why; no row changes its state but by a move of its life cycle. The long form
// is scripts/walk. What chance chooses comes from the seed; who is drawn for a
// panel does not, for the frame's salts are the server's secret: a walk that
// fails is read from the acts it prints, its seed walks the same way only up to
// its first draw.
func TestWalk(t *testing.T) {
	steps, first, last := *walkSteps, uint64(1), uint64(0)
	if steps == 0 {
		steps = 1000
		if testing.Short() {
			steps = 250
		}
	}
	if *walkSeeds != "" {
		from, to, many := strings.Cut(*walkSeeds, "-")
		var err error
		first, err = strconv.ParseUint(from, 10, 64)
		require.NoError(t, err)
		if many {
			last, err = strconv.ParseUint(to, 10, 64)
			require.NoError(t, err)
		}
	}
	reached, total := map[string]int{}, 0
	for seed := first; seed <= max(first, last); seed++ {
		ok := t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := newWalker(t, seed)
			began := time.Now()
			for w.tried < steps {
				w.step()
				if w.tried > 0 && w.tried%max(steps/10, 100) == 0 {
					w.check()
				}
			}
			w.check()
			took := time.Since(began).Seconds()
			total = len(allMoves())
			for move, n := range w.reached {
				reached[move] += n
			}
			fmt.Printf("walk seed %d: %d steps, %d%% accepted, %.1f s, %d of %d moves, 0 problems\n", seed, w.tried, w.accepted*100/w.tried, took, len(w.reached), total)
			t.Logf("accepted of tried, by act:\n%s", w.tally())
			require.GreaterOrEqual(t, w.accepted*10, w.tried*3, "less than 30%% of the tried acts were accepted")
		})
		if !ok {
			return
		}
	}
	missed := slices.DeleteFunc(allMoves(), func(m string) bool { return reached[m] > 0 })
	fmt.Printf("walk: %d of %d moves of SM-06 to SM-13 reached; not reached: %s\n", len(reached), total, strings.Join(missed, ", "))
	if *walkSteps >= 10000 && last >= first+19 {
		require.Empty(t, missed, "moves that no walk has reached")
	}
}

// allMoves are the moves of all machines, each as "SM-06 draft submit".
func allMoves() []string {
	var out []string
	for _, m := range reviewing.Machines() {
		for from, moves := range m.Moves {
			for move := range moves {
				out = append(out, m.ID+" "+from+" "+move)
			}
		}
	}
	slices.Sort(out)
	return out
}

// walker is a world in which chance acts.
type walker struct {
	*world
	chance          *rand.Rand
	seed            uint64
	tried, accepted int
	wrong           bool // the act in hand may be wrong
	trail           []string
	counts          map[string][2]int // by act: accepted, tried
	moves           map[string]map[string]map[string]string
	reached         map[string]int // by move
	now             scene
	serial          int
	by              map[string]*visitor       // experts by their id
	secrets         map[string]string         // of the draws, by draw and holder
	links           map[string]string         // one-time links, by review and code of the seat or by address
	read            map[string]int            // mails read, by address
	waited          map[string]bool           // seats whose link has been waited for
	entered         map[string]map[string]any // what an officer has entered, by sheet or seat
	hash            string                    // of the password, cheap
	part            string                    // what the pack asks of joint units
}

// scene is what the walker sees: the rows of the newest guides and of the pool.
type scene struct {
	programmes   []reviewing.Programme
	groups       []reviewing.Group
	members      []reviewing.Membership
	guides       []reviewing.Guide
	applications []reviewing.Application
	reviews      []reviewing.Review
	draws        []reviewing.Draw
	seats        []reviewing.Seat
	declarations []reviewing.Declaration
	sheets       []reviewing.Sheet
	joint        []reviewing.JointSeat
	lists        []reviewing.AwardList
	conclusions  []reviewing.Conclusion
	objections   []reviewing.Objection
	experts      []experts.Expert
	appeals      []experts.Appeal
	states       map[string]map[string]string // machine → id → state
}

func newWalker(t *testing.T, seed uint64) *walker {
	w := &walker{world: newWorld(t), chance: rand.New(rand.NewPCG(seed, 7)), seed: seed, counts: map[string][2]int{}, moves: map[string]map[string]map[string]string{},
		reached: map[string]int{}, by: map[string]*visitor{}, secrets: map[string]string{}, links: map[string]string{}, read: map[string]int{}, waited: map[string]bool{}, entered: map[string]map[string]any{}, part: "marks_apart"}
	for _, m := range reviewing.Machines() {
		w.moves[m.ID] = m.Moves
	}
	w.populate()
	w.user("officer2", "", rbac.Officer)
	w.user("director2", "", rbac.Director)
	w.user("supervisor2", "", rbac.Supervisor)
	for i := range 6 {
		w.user(fmt.Sprintf("leader%d", i), fmt.Sprintf("lead%d", i), rbac.Applicant)
	}
	for year := 2027; year <= 2045; year++ { // time may go far
		w.users["officer"].ok("POST", "/api/calendars", map[string]any{"year": year, "holidays": []string{}, "workdays": []string{}, "source": "假定无节假日"})
	}
	// Experts sign often, and a password costs what it should; here it may be cheap.
	var err error
	w.hash, err = argon2id.CreateHash(password, &argon2id.Params{Memory: 8, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32})
	require.NoError(t, err)
	w.set("users", w.users["joint"].id, map[string]any{"password": w.hash})
	w.adopt(quick)
	w.users["keeper"].do("PATCH", "/api/experts/"+w.experts["adv"], map[string]any{"version": 2, "evidence": []any{map[string]any{"kind": "award", "text": "国家科学技术进步奖二等奖"}}}).is(t, http.StatusOK)
	var ids []string
	for i := range 18 {
		class := []string{"technical", "technical", "technical", "management", "finance"}[i%5]
		ids = append(ids, w.users["keeper"].ok("POST", "/api/experts", w.newExpert(class)).text(t, "result.id"))
	}
	w.users["director"].ok("POST", "/api/experts/admit", map[string]any{"expert_ids": ids})
	w.look("")
	return w
}

// fail ends the walk with what was done last.
func (w *walker) fail(format string, args ...any) {
	w.t.Helper()
	w.t.Fatalf("seed %d, step %d: %s\nthe last acts:\n%s", w.seed, w.tried, fmt.Sprintf(format, args...), strings.Join(w.trail, "\n"))
}

func (w *walker) note(format string, args ...any) {
	w.trail = append(w.trail, fmt.Sprintf("  %d ", w.tried)+fmt.Sprintf(format, args...))
	w.trail = w.trail[max(len(w.trail)-30, 0):]
}

// check asks for the invariants.
func (w *walker) check() {
	w.t.Helper()
	problems, err := w.app.Reviews.Invariants(w.t.Context())
	require.NoError(w.t, err)
	for _, p := range problems { // what the seats of a review are, for who reads this
		if id, ok := strings.CutPrefix(p.Where, "review/"); ok {
			for _, s := range load[reviewing.Seat](w, "", "created_at, id", "review_id = ?", id) {
				w.t.Logf("%s seat %s %s for %q: %s %s %s", s.ID, s.Class, s.Code, s.ApplicationID, s.State, s.Reason, s.CreatedAt.Format("01-02 15:04"))
			}
			for _, d := range load[reviewing.Declaration](w, "", "created_at, id", "review_id = ?", id) {
				w.t.Logf("declaration of %s for %s: %s %s %s", d.SeatID, d.ApplicationID, d.State, d.Kind, d.CreatedAt.Format("01-02 15:04"))
			}
		}
	}
	if len(problems) > 0 {
		w.fail("keping check: %v", problems)
	}
}

func (w *walker) tally() string {
	var out strings.Builder
	for _, name := range slices.Sorted(maps.Keys(w.counts)) {
		fmt.Fprintf(&out, "  %-24s %d of %d\n", name, w.counts[name][0], w.counts[name][1])
	}
	return out.String()
}

// deed is one request; self is the move it makes of id without a change of
// state, as "SM-11 save".
type deed struct {
	by           *visitor
	method, path string
	body         any
	self, id     string
	after        func(answer)
}

// step lets time pass now and then and tries one act.
func (w *walker) step() {
	if w.roll(12) == 0 {
		w.wait()
	}
	w.wrong = w.roll(4) == 0
	for {
		a := w.choose()
		d := a.plan(w)
		if d == nil || d.by == nil {
			continue
		}
		if d.method == "" {
			d.method = "POST"
		}
		if d.body == nil {
			d.body = map[string]any{}
		}
		w.try(a.name, d)
		return
	}
}

var named = regexp.MustCompile(`SM-\d\d|R-\d{3}|P-\d\d|第.{1,3}条`)

func (w *walker) try(name string, d *deed) {
	answered := d.by.do(d.method, d.path, d.body)
	w.tried++
	count := w.counts[name]
	count[1]++
	ok := answered.status < 300
	if ok {
		count[0]++
		w.accepted++
	}
	w.counts[name] = count
	body, _ := json.Marshal(d.body)
	w.note("%s %s by %s %s %.300s → %d %.200s", time.Unix(w.clock.Load(), 0).UTC().Format("01-02 15:04"), name, d.by.role, d.path, body, answered.status, answered.body)
	switch {
	case answered.status >= 500:
		w.fail("%s answers %d: %s", name, answered.status, answered.body)
	case !ok:
		w.judge(name, answered)
		if w.roll(10) > 0 {
			return
		}
		w.look("refused " + name) // changes nothing
		return
	}
	if d.self != "" {
		machine, move, _ := strings.Cut(d.self, " ")
		from := w.now.states[machine][d.id]
		if w.moves[machine][from][move] == from {
			w.reached[machine+" "+from+" "+move]++
		}
	}
	if d.after != nil {
		d.after(answered)
	}
	w.look(name)
}

// judge holds a refusal to its form: a rule with message and way out, a field,
// or a state with its machine.
func (w *walker) judge(name string, a answer) {
	var p struct {
		Code, Detail string
		Errors       []struct{ Field, Message string }
		Verdicts     []struct{ Rule, Verdict, Message, Remedy string }
	}
	if err := json.Unmarshal([]byte(a.body), &p); err != nil || p.Detail == "" {
		w.fail("%s is refused without a word: %s", name, a.body)
	}
	switch a.status {
	case http.StatusForbidden, http.StatusNotFound, http.StatusUnauthorized:
		return
	case http.StatusConflict:
		if p.Code == "version" || named.MatchString(p.Detail) {
			return
		}
	case http.StatusUnprocessableEntity:
		broken := 0
		for _, v := range p.Verdicts {
			if v.Verdict == "fail" || v.Verdict == "unknown" {
				broken++
				if v.Rule == "" || v.Message == "" || v.Remedy == "" {
					w.fail("%s is refused by %s without message or way out: %s", name, v.Rule, a.body)
				}
			}
		}
		if p.Code == "rule" && broken > 0 || p.Code != "rule" && len(p.Errors) > 0 {
			return
		}
	}
	w.fail("%s is refused with %d and no reason: %s", name, a.status, a.body)
}

// wait lets time pass and lets the product do what time asks for.
func (w *walker) wait() {
	var more time.Duration
	switch r := w.roll(100); {
	case r < 50:
		more = time.Duration(1+w.roll(30)) * time.Minute
	case r < 85:
		more = time.Duration(1+w.roll(10)) * time.Hour
	case r < 99:
		more = time.Duration(1+w.roll(4)) * 24 * time.Hour
	default:
		more = time.Duration(10+w.roll(60)) * 24 * time.Hour
	}
	w.clock.Add(int64(more.Seconds()))
	w.note("%s pass", more)
	if w.roll(3) == 0 {
		return
	}
	if _, err := w.app.Reviews.ExpireInvitations(w.t.Context()); err != nil {
		w.fail("invitations do not expire: %v", err)
	}
	w.look("invitation.expire")
	if _, err := w.app.Reviews.KeepTerms(w.t.Context()); err != nil {
		w.fail("terms are not kept: %v", err)
	}
	w.look("tick")
}

// rows loads rows of one kind.
func load[T any](w *walker, columns, order, where string, args ...any) []T {
	w.t.Helper()
	var out []T
	q := w.app.Store.DB.Read(w.t.Context())
	if columns != "" {
		q = q.Select(strings.Split(columns, ","))
	}
	require.NoError(w.t, q.Where(where, args...).Order(order).Find(&out).Error)
	return out
}

func ids[T any](rows []T, id func(T) string) []string {
	out := []string{""}
	for _, r := range rows {
		out = append(out, id(r))
	}
	return out
}

// look loads the scene anew and tells by what moves it has changed.
func (w *walker) look(act string) {
	w.t.Helper()
	var s scene
	s.guides = load[reviewing.Guide](w, "", "created_at DESC, id DESC", "1 = 1")
	s.guides = s.guides[:min(len(s.guides), 3)]
	s.programmes = load[reviewing.Programme](w, "", "created_at DESC, id DESC", "1 = 1")
	guides := ids(s.guides, func(g reviewing.Guide) string { return g.ID })
	keep := []reviewing.Programme{}
	for i, p := range s.programmes {
		if i < 2 || slices.ContainsFunc(s.guides, func(g reviewing.Guide) bool { return g.ProgrammeID == p.ID }) {
			keep = append(keep, p)
		}
	}
	s.programmes = keep
	s.groups = load[reviewing.Group](w, "", "id", "programme_id IN ?", ids(s.programmes, func(p reviewing.Programme) string { return p.ID }))
	s.members = load[reviewing.Membership](w, "", "id", "group_id IN ?", ids(s.groups, func(g reviewing.Group) string { return g.ID }))
	s.applications = load[reviewing.Application](w, "", "created_at, id", "guide_id IN ?", guides)
	s.reviews = load[reviewing.Review](w, "", "created_at, id", "guide_id IN ?", guides)
	reviews := ids(s.reviews, func(r reviewing.Review) string { return r.ID })
	s.draws = load[reviewing.Draw](w, "id,review_id,purpose,attempt,state,frame_hash,commitments,reveals,reveal_by,approvals", "id", "review_id IN ?", reviews)
	s.seats = load[reviewing.Seat](w, "", "id", "review_id IN ?", reviews)
	s.declarations = load[reviewing.Declaration](w, "", "id", "review_id IN ?", reviews)
	s.sheets = load[reviewing.Sheet](w, "id,review_id,application_id,seat_id,number,round,state,entered_by,version", "id", "review_id IN ?", reviews)
	s.joint = load[reviewing.JointSeat](w, "", "id", "review_id IN ?", reviews)
	s.lists = load[reviewing.AwardList](w, "", "number, id", "guide_id IN ?", guides)
	lists := ids(s.lists, func(l reviewing.AwardList) string { return l.ID })
	s.conclusions = load[reviewing.Conclusion](w, "", "id", "list_id IN ?", lists)
	s.objections = load[reviewing.Objection](w, "", "id", "list_id IN ?", lists)
	s.experts = load[experts.Expert](w, "id,person_id,user_id,unit_id,name,mail,classes,pool,state,state_until,confirmed_day,version,created_at", "created_at, id", "1 = 1")
	s.appeals = load[experts.Appeal](w, "", "id", "state = 'open'")
	s.states = map[string]map[string]string{"SM-06": {}, "SM-07": {}, "SM-08": {}, "SM-09": {}, "SM-10": {}, "SM-11": {}, "SM-12": {}, "SM-13": {}}
	for _, x := range s.applications {
		s.states["SM-06"][x.ID] = string(x.State)
	}
	for _, x := range s.experts {
		s.states["SM-07"][x.ID] = string(x.State)
	}
	for _, x := range s.groups {
		s.states["SM-08"][x.ID] = string(x.State)
	}
	for _, x := range s.reviews {
		s.states["SM-09"][x.ID] = string(x.State)
	}
	for _, x := range s.seats {
		s.states["SM-10"][x.ID] = string(x.State)
	}
	for _, x := range s.sheets {
		s.states["SM-11"][x.ID] = string(x.State)
	}
	for _, x := range s.lists {
		s.states["SM-12"][x.ID] = string(x.State)
	}
	for _, x := range s.objections {
		s.states["SM-13"][x.ID] = string(x.State)
	}
	for machine, rows := range w.now.states {
		for id, from := range rows {
			if to, there := s.states[machine][id]; there && to != from {
				w.moved(machine, id, from, to, act)
			}
		}
	}
	w.now = s
}

// only are moves that share their states with another one, and the act that
// makes them; every other act makes the other.
var only = map[string]string{"SM-07 expire": "tick", "SM-07 lapse": "tick", "SM-09 redo": "redo.approve", "SM-11 confirm": "sheet.confirm", "SM-11 return": "sheet.return"}

func (w *walker) moved(machine, id, from, to, act string) {
	w.t.Helper()
	if strings.HasPrefix(act, "refused") {
		w.fail("%s, and yet %s %s has gone from %s to %s", act, machine, id, from, to)
	}
	var plain, special string
	for _, move := range slices.Sorted(maps.Keys(w.moves[machine][from])) {
		if w.moves[machine][from][move] != to {
			continue
		}
		if by := only[machine+" "+move]; by == act {
			special = move
		} else if by == "" {
			plain = move
		}
	}
	switch {
	case special != "":
		w.reached[machine+" "+from+" "+special]++
	case plain != "":
		w.reached[machine+" "+from+" "+plain]++
	case act == "tick" && from == string(experts.Banned) && to == string(experts.Suspended): // one act after the other
		w.reached["SM-07 banned expire"]++
		w.reached["SM-07 in_pool lapse"]++
	default:
		w.fail("%s takes %s %s from %s to %s, which is no move", act, machine, id, from, to)
	}
}

// roll is a number below n.
func (w *walker) roll(n int) int { return w.chance.IntN(n) }

// one picks one row that fits; where the act may be wrong, one that may not.
func one[T any](w *walker, rows []T, fits func(T) bool) (T, bool) {
	var out T
	fit := rows
	if !w.wrong || w.roll(2) == 0 {
		fit = nil
		for _, r := range rows {
			if fits(r) {
				fit = append(fit, r)
			}
		}
	}
	if len(fit) == 0 {
		return out, false
	}
	return fit[w.roll(len(fit))], true
}

// some are the rows that fit.
func some[T any](rows []T, fits func(T) bool) []T {
	return slices.DeleteFunc(slices.Clone(rows), func(r T) bool { return !fits(r) })
}

// who is the user of a login; where the act may be wrong, perhaps somebody else.
func (w *walker) who(logins ...string) *visitor {
	if w.wrong && w.roll(4) == 0 {
		all := slices.Sorted(maps.Keys(w.users))
		return w.users[all[w.roll(len(all))]]
	}
	return w.users[logins[w.roll(len(logins))]]
}

// version is one read before; where the act may be wrong, perhaps a stale one.
func (w *walker) version(v int) int {
	if w.wrong && w.roll(4) == 0 {
		return max(v-1+2*w.roll(2), 1)
	}
	return v
}

// file uploads a file for a user; "" where the user may not.
func (w *walker) file(by *visitor, name string) string {
	a := by.upload(name, []byte("%PDF-1.4 "+name+strconv.Itoa(w.serial)))
	if a.status != http.StatusCreated {
		return ""
	}
	return a.text(w.t, "result.id")
}

func (w *walker) next() int { w.serial++; return w.serial }

// day is a civil day so many days from now.
func (w *walker) day(days int) string {
	return time.Unix(w.clock.Load(), 0).In(calendar.Zone).AddDate(0, 0, days).Format("2006-01-02")
}

func (w *walker) why() map[string]any { return because("随机测试所用的理由") }

// mail reads the new mails of an expert for links.
func (w *walker) mail(e experts.Expert) {
	mails := w.box.Mails(e.Mail)
	for _, m := range mails[min(w.read[e.Mail], len(mails)):] {
		w.read[e.Mail]++
		token := linkForm.FindStringSubmatch(m)
		if token == nil {
			continue
		}
		if seat := seatForm.FindStringSubmatch(m); seat != nil {
			w.links[seat[1]+"/"+seat[2]] = token[1]
		} else {
			w.links[e.Mail] = token[1]
		}
	}
}

var (
	linkForm = regexp.MustCompile(`#([0-9a-f]{48})`)
	seatForm = regexp.MustCompile(`(?s)邀请您担任“(.+?)”评审专家.*席位编号(\S+?)，`)
)

// link is the link to a seat; a new invitation's mail is waited for.
func (w *walker) link(seat reviewing.Seat) string {
	e, ok := w.expertOf(seat.ExpertID)
	r, there := w.reviewOf(seat.ReviewID)
	if !ok || !there {
		return ""
	}
	key := r.Title + "/" + seat.Code + "/" + seat.ApplicationID
	for range 200 {
		if w.mail(e); w.links[r.Title+"/"+seat.Code] != "" || w.waited[key] || seat.State != reviewing.SeatInvited {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	w.waited[key] = true
	return w.links[r.Title+"/"+seat.Code]
}

func find[T any](rows []T, fits func(T) bool) (out T, ok bool) {
	if i := slices.IndexFunc(rows, fits); i >= 0 {
		return rows[i], true
	}
	return out, false
}

func (w *walker) expertOf(id string) (experts.Expert, bool) {
	return find(w.now.experts, func(e experts.Expert) bool { return e.ID == id })
}

func (w *walker) reviewOf(id string) (reviewing.Review, bool) {
	return find(w.now.reviews, func(r reviewing.Review) bool { return r.ID == id })
}

func (w *walker) guideOf(id string) (reviewing.Guide, bool) {
	return find(w.now.guides, func(g reviewing.Guide) bool { return g.ID == id })
}

// entry signs an expert in once there is a login.
func (w *walker) entry(expert, login string) {
	if w.by[expert] != nil {
		return
	}
	e := load[experts.Expert](w, "", "id", "id = ?", expert)[0]
	w.set("users", e.UserID, map[string]any{"password": w.hash})
	v := &visitor{w: w.world, role: rbac.Expert, id: e.UserID}
	v.signIn(login)
	w.by[expert], w.users["of "+expert] = v, v
}
