package api_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/rbac"
	"keping/rbac/rulebook"
	"keping/reviewing"
	"keping/reviewing/match"
	reviewstore "keping/reviewing/store"
)

func (w *world) matchOf(review string) (v reviewstore.MatchView) {
	w.t.Helper()
	a := w.users["officer"].do("GET", "/api/reviews/"+review+"/match", nil).is(w.t, http.StatusOK)
	require.NoError(w.t, json.Unmarshal([]byte(a.body), &v))
	return v
}

// rematched downloads a match's record and files and computes it again from
// them and the journal alone.
func (w *world) rematched(review string) (match.Record, match.Files) {
	t := w.t
	t.Helper()
	v := w.matchOf(review)
	officer, supervisor := w.users["officer"], w.users["supervisor"]
	record, err := match.ParseRecord([]byte(officer.do("GET", "/api/draws/"+v.DrawID+"/record", nil).is(t, http.StatusOK).body))
	require.NoError(t, err)
	files := match.Files{}
	for _, f := range v.Files {
		z, err := gzip.NewReader(strings.NewReader(supervisor.do("GET", "/api/draws/"+v.DrawID+"/files/"+f.Name, nil).is(t, http.StatusOK).body))
		require.NoError(t, err)
		files[f.Name], err = io.ReadAll(z)
		require.NoError(t, err)
	}
	require.NoError(t, match.Verify(record, files))
	lines := supervisor.do("GET", "/api/journal/export", nil).is(t, http.StatusOK).body
	require.NoError(t, match.VerifyJournal(record, bytes.NewReader([]byte(lines))))
	return record, files
}

// readers are who sits on each application, by its number.
func readers(t *testing.T, record match.Record) map[string][]string {
	p, err := match.NewPanel(&record)
	require.NoError(t, err)
	out := map[string][]string{}
	for _, row := range record.Panels {
		for _, s := range p.Of(row.Application) {
			out[row.Application] = append(out[row.Application], s.Code)
		}
	}
	return out
}

// TestMatch tells a review by correspondence from the freeze to the ranking:
// every application has its own panel, whoever leaves is replaced without
// moving anybody else, experts see their own applications only, and everything
// can be computed again by an outsider.
func TestMatch(t *testing.T) {
	for _, selection := range []reviewing.Selection{reviewing.ByMatch, reviewing.ByMatchDraw} {
		t.Run(string(selection), func(t *testing.T) {
			w := newWorld(t)
			w.populate()
			programme := w.programme("major", "t0", "t1", "t2", "t3", "t4", "t5")
			w.about = nil
			guide := w.guide(guideBody(programme, item("A1", "major", false, 25000000)))
			w.at(2025, 4, 2, 9)
			var applications []string
			for i := range 4 {
				applications = append(applications, w.accepted(fmt.Sprintf("lead%d", i), w.application(guide, "A1", i)))
			}
			officer := w.users["officer"]
			body := reviewBody(guide, 3, 1, 1, applications...)
			body["selection"], body["expert_load"] = selection, 4
			if selection == reviewing.ByMatchDraw {
				officer.do("POST", "/api/reviews", body).is(t, http.StatusUnprocessableEntity)
				body["best_per_seat"] = 2
			} else {
				body["best_per_seat"] = 2
				officer.do("POST", "/api/reviews", body).is(t, http.StatusUnprocessableEntity)
				delete(body, "best_per_seat")
			}
			review := officer.ok("POST", "/api/reviews", body).text(t, "result.id")
			r := "/api/reviews/" + review
			officer.do("GET", r+"/match", nil).is(t, http.StatusConflict)
			officer.do("POST", r+"/arrange", map[string]any{"meets_at": "2025-04-25T09:00:00+08:00", "place": "二楼会议室"}).is(t, http.StatusConflict)
			few := reviewBody(guide, 3, 1, 1, applications...)
			few["selection"], few["expert_load"] = "match", 1
			officer.do("POST", "/api/reviews?dry_run=true", few).is(t, http.StatusConflict) // taken by the first
			assert.Contains(t, officer.do("GET", r+"/feasibility", nil).is(t, http.StatusOK).body, `"feasible":true`)
			w.drawPanel(review)
			before, _ := w.rematched(review)
			v := w.matchOf(review)
			assert.Equal(t, v.Total, v.Bound)
			assert.NotEqual(t, "0", v.Total)
			assert.Len(t, v.Seed, 64)
			assert.NotZero(t, v.Experts)

			// What could tell who is behind a code is for the supervisor until names are told.
			officer.do("GET", r+"/affinity?application="+before.Panels[0].Application, nil).is(t, http.StatusConflict)
			officer.do("GET", "/api/draws/"+v.DrawID+"/files/conflicts.csv", nil).is(t, http.StatusConflict)
			w.users["supervisor"].do("GET", r+"/affinity?application="+before.Panels[0].Application, nil).is(t, http.StatusOK)

			// One declines, another never answers: replaced, nobody else moved.
			seats := w.seats(review)
			leaver := seats[slices.IndexFunc(seats, func(s seat) bool { return s.Class == "technical" })]
			w.reply(leaver, false)
			after, _ := w.rematched(review)
			was, is := readers(t, before), readers(t, after)
			for number, codes := range was {
				for i, code := range codes {
					if code != leaver.Code {
						assert.Equal(t, code, is[number][i])
					} else {
						assert.NotEqual(t, code, is[number][i])
					}
				}
			}
			w.seatAll(review)
			officer.ok("POST", r+"/confirm", map[string]any{})
			recuser := w.seats(review)[slices.IndexFunc(w.seats(review), func(s seat) bool { return s.State == "accepted" && s.Class == "technical" })]
			w.declareAll(review)

			// Who is recused from one application keeps the others.
			var papers struct {
				Items []struct{ ID, Number, Declared string }
			}
			a := w.expert(recuser).do("GET", r+"/papers", nil).is(t, http.StatusOK)
			require.NoError(t, json.Unmarshal([]byte(a.body), &papers))
			require.NotEmpty(t, papers.Items)
			assert.LessOrEqual(t, len(papers.Items), 4)
			for _, p := range papers.Items {
				assert.Contains(t, is[p.Number], recuser.Code, "sees own applications only")
			}
			asked := w.expert(recuser).ok("POST", r+"/declare", map[string]any{"application_id": papers.Items[0].ID, "clear": false, "kind": "cooperation", "reason": "合作申报过课题"}).text(t, "result.id")
			officer.ok("POST", "/api/declarations/"+asked+"/approve", map[string]any{})
			w.seatAll(review)
			w.declareAll(review)
			record, files := w.rematched(review)
			assert.NotContains(t, readers(t, record)[papers.Items[0].Number], recuser.Code)
			assert.Len(t, record.Changes, 2)
			officer.ok("POST", r+"/start", map[string]any{})
			w.markAll(review, func(id string) float64 { return 50 - float64(slices.Index(applications, id)) })
			chair := w.open(review)
			w.sign(review, chair)
			officer.ok("POST", r+"/close", map[string]any{})
			opinion := w.secondOpinion(review)
			w.replayed(review, opinion)
			require.Len(t, opinion.Lines, 4)
			for _, line := range opinion.Lines {
				assert.Equal(t, 5, line.N)
			}

			assert.Contains(t, officer.do("GET", r+"/print?form=sign_in", nil).is(t, http.StatusConflict).body, "不必签到")

			// The reasons of an affinity, for officer and supervisor, by code.
			a = officer.do("GET", r+"/affinity?application="+papers.Items[0].Number, nil).is(t, http.StatusOK)
			assert.Contains(t, a.body, "学科")
			for _, s := range w.seats(review) {
				assert.NotContains(t, a.body, s.Name)
				for name, data := range files {
					assert.NotContains(t, string(data), s.Name, name)
				}
			}
			officer.do("GET", r+"/affinity?application=none", nil).is(t, http.StatusNotFound)
			chair.do("GET", r+"/affinity?application="+papers.Items[0].Number, nil).is(t, http.StatusForbidden)
			chair.do("GET", r+"/match", nil).is(t, http.StatusForbidden)
			chair.do("GET", "/api/draws/"+v.DrawID+"/files/affinity.csv", nil).is(t, http.StatusForbidden)
			officer.do("GET", "/api/draws/"+v.DrawID+"/files/profiles.json", nil).is(t, http.StatusUnprocessableEntity)
			own := chair.seats(review)
			assert.Len(t, own, 1, "by correspondence nobody is told who else reads")

			found := 0
			for _, e := range w.journal(0) {
				if e.Act != "draw.run" {
					continue
				}
				found++
				var facts struct {
					Objective, Total, Bound, Seed string
					Files                         map[string]string
				}
				require.NoError(t, json.Unmarshal(e.Facts, &facts))
				assert.Equal(t, []string{"total", v.Total, v.Bound, v.Seed}, []string{facts.Objective, facts.Total, facts.Bound, facts.Seed})
				names := slices.Sorted(maps.Keys(facts.Files))
				assert.Equal(t, names, slices.Sorted(maps.Keys(files)))
			}
			assert.Equal(t, 1, found)
			w.sound()
		})
	}
}

// TestMatchLacking: what cannot be matched is said before the freeze and refused
// at it; a seat that nobody is left for stays open until somebody is appointed.
func TestMatchLacking(t *testing.T) {
	w := newWorld(t)
	review, applications := w.correspondence(4, 1)
	officer := w.users["officer"]
	a := officer.do("GET", "/api/reviews/"+review+"/feasibility", nil).is(t, http.StatusOK)
	assert.Contains(t, a.body, `"feasible":false`)
	assert.Contains(t, a.body, "technical")
	a = officer.do("POST", "/api/reviews/"+review+"/freeze", map[string]any{}).is(t, http.StatusUnprocessableEntity)
	assert.Contains(t, a.body, "R-064")
	assert.Contains(t, a.body, "调高每名专家的评审项目数")
	var kept int64
	require.NoError(t, w.app.Reviews.DB.Read(t.Context()).Model(&reviewing.MatchFile{}).Count(&kept).Error)
	assert.Zero(t, kept, "nothing is half written")
	officer.ok("POST", "/api/reviews/"+review+"/void", map[string]any{"reason": "每人评审项目数过少"})

	body := reviewBody(officer.do("GET", "/api/reviews/"+review, nil).text(t, "guide_id"), 3, 1, 1, applications...)
	body["selection"], body["expert_load"] = "match", 3
	review = officer.ok("POST", "/api/reviews", body).text(t, "result.id")
	r := "/api/reviews/" + review
	w.drawPanel(review)
	w.decline(review, "finance")
	decliner := w.decline(review, "finance")
	w.seatAll(review)
	assert.Equal(t, 1, w.matchOf(review).Open, "three of four applications have the only one left")
	a = officer.do("POST", r+"/confirm", map[string]any{})
	assert.Contains(t, a.body, "R-065")
	record, _ := w.rematched(review)
	open := ""
	for number, codes := range readers(t, record) {
		if codes[4] == "" {
			open = number
		}
	}
	appoint := map[string]any{"class": "finance", "expert_id": w.experts[decliner], "reason": "财务专家已无候补，本人改期后可以参加"}
	director := w.users["director"]
	director.do("POST", r+"/appoint", appoint).is(t, http.StatusUnprocessableEntity)
	for _, id := range applications {
		if officer.do("GET", "/api/applications/"+id, nil).is(t, http.StatusOK).text(t, "number") == open {
			appoint["application_id"] = id
		}
	}
	director.ok("POST", r+"/appoint", appoint)
	assert.Zero(t, w.matchOf(review).Open)
	w.rematched(review)
	w.seatAll(review)
	officer.ok("POST", r+"/confirm", map[string]any{})
	w.declareAll(review)
	officer.ok("POST", r+"/start", map[string]any{})
	w.sound()
}

// correspondence sets a review up whose applications get panels of their own.
func (w *world) correspondence(applications, load int) (review string, ids []string) {
	w.t.Helper()
	w.populate()
	guide := w.guide(guideBody(w.programme("major", "t0", "t1", "t2", "t3", "t4", "t5"), item("A1", "major", false, 25000000)))
	w.at(2025, 4, 2, 9)
	for i := range applications {
		ids = append(ids, w.accepted(fmt.Sprintf("lead%d", i), w.application(guide, "A1", i)))
	}
	body := reviewBody(guide, 3, 1, 1, ids...)
	body["selection"], body["expert_load"] = "match", load
	w.about = []string{body["title"].(string)}
	return w.users["officer"].ok("POST", "/api/reviews", body).text(w.t, "result.id"), ids
}

// matched is a correspondence review that has been matched.
func (w *world) matched(applications, load int) (review string, ids []string) {
	w.t.Helper()
	review, ids = w.correspondence(applications, load)
	w.drawPanel(review)
	return review, ids
}

// decline has the first invited expert of a class decline.
func (w *world) decline(review, class string) (name string) {
	w.t.Helper()
	for _, s := range w.seats(review) {
		if s.Class == class && s.State == string(reviewing.SeatInvited) {
			w.reply(s, false)
			return strings.TrimPrefix(s.Name, "专家")
		}
	}
	w.t.Fatalf("nobody of %s is invited", class)
	return ""
}

// away enters that an expert cannot come, or ("") that nothing hinders.
func (w *world) away(short, from, to string) {
	w.t.Helper()
	spans := []any{}
	if from != "" {
		spans = append(spans, map[string]any{"from": from, "to": to})
	}
	version := w.users["keeper"].do("GET", "/api/experts/"+w.experts[short], nil).is(w.t, http.StatusOK).int(w.t, "version")
	w.users["keeper"].ok("PATCH", "/api/experts/"+w.experts[short], map[string]any{"version": version, "unavailable": spans})
}

// withdraw takes an application out of its review.
func (w *world) withdraw(i int, id string) {
	w.t.Helper()
	lead := w.users[fmt.Sprintf("lead%d", i)]
	version := lead.do("GET", "/api/applications/"+id, nil).is(w.t, http.StatusOK).int(w.t, "version")
	lead.ok("POST", "/api/applications/"+id+"/withdraw", map[string]any{"version": version, "reason": "不再申报"})
}

// TestMatchReopened: open seats, two of one class on one application among them,
// are filled when somebody can sit again, whoever else leaves meanwhile.
func TestMatchReopened(t *testing.T) {
	w := newWorld(t)
	review, ids := w.matched(1, 3)
	officer, r := w.users["officer"], "/api/reviews/"+review
	var spare []string
	for _, x := range []string{"t0", "t1", "t2", "t3", "t4", "t5"} {
		if !slices.ContainsFunc(w.seats(review), func(s seat) bool { return s.Name == "专家"+x }) {
			spare = append(spare, x)
			w.away(x, "2025-04-01", "2025-06-30")
		}
	}
	require.Len(t, spare, 3)
	w.decline(review, "technical")
	w.decline(review, "technical")
	assert.Equal(t, 2, w.matchOf(review).Open)
	none := officer.ok("POST", r+"/recheck", map[string]any{})
	assert.Equal(t, 0, none.int(t, "result.filled"))
	assert.Equal(t, 2, none.int(t, "result.open"))
	changes := len(w.matchOf(review).Changes)
	assert.Equal(t, 2, changes, "what has filled nothing is no change")
	for _, x := range spare {
		w.away(x, "", "")
	}
	appoint := map[string]any{"class": "technical", "expert_id": w.experts["t6"], "application_id": ids[0], "reason": "技术专家已无候补"}
	w.users["director"].do("POST", r+"/appoint", appoint).is(t, http.StatusUnprocessableEntity)
	filled := officer.ok("POST", r+"/recheck", map[string]any{})
	assert.Equal(t, 2, filled.int(t, "result.filled"))
	assert.Equal(t, 0, filled.int(t, "result.open"))
	w.rematched(review)
	w.seatAll(review)
	officer.ok("POST", r+"/confirm", map[string]any{})
	w.sound()
}

// TestMatchWithdrawn: who has nothing left to read owes nothing, is told so, and
// is invited again where a seat needs somebody.
func TestMatchWithdrawn(t *testing.T) {
	w := newWorld(t)
	review, ids := w.matched(2, 1)
	officer, r := w.users["officer"], "/api/reviews/"+review
	w.seatAll(review)
	record, _ := w.rematched(review)
	before := readers(t, record)
	kept := officer.do("GET", "/api/applications/"+ids[0], nil).is(t, http.StatusOK).text(t, "number")
	w.withdraw(1, ids[1])
	assert.Equal(t, 5, w.matchOf(review).Experts)
	idle := ""
	for number, codes := range before {
		if number != kept {
			idle = codes[4]
		}
	}
	for _, s := range w.seats(review) {
		if slices.Contains(before[kept], s.Code) {
			assert.Equal(t, string(reviewing.SeatAccepted), s.State, s.Code)
		} else {
			assert.Equal(t, string(reviewing.SeatVacated), s.State, s.Code)
			to := strings.TrimPrefix(s.Name, "专家") + "@example.cn"
			require.Eventually(t, func() bool { return strings.Contains(strings.Join(w.box.Mails(to), ""), "不必再答复或评审") }, 10*time.Second, 5*time.Millisecond, to)
		}
	}
	// All of finance but the idle one leave: he is invited again.
	for _, s := range w.seats(review) {
		if s.Code == before[kept][4] {
			officer.ok("POST", "/api/seats/"+s.ID+"/replace", map[string]any{"reason": "临时出差不能评审"})
		}
	}
	live := func(code string) (id string) {
		for _, s := range w.seats(review) {
			if s.Code == code && s.State != string(reviewing.SeatVacated) {
				id = s.ID
			}
		}
		return id
	}
	for live(idle) == "" {
		w.decline(review, "finance")
	}
	w.rematched(review)
	w.seatAll(review)
	officer.ok("POST", r+"/confirm", map[string]any{})
	w.declareAll(review)
	officer.ok("POST", r+"/start", map[string]any{})
	member := slices.IndexFunc(w.seats(review), func(s seat) bool { return s.ID == live(before[kept][0]) })
	w.expert(w.seats(review)[member]).do("POST", r+"/vote_chair", map[string]any{"seat_id": live(before[kept][0])}).is(t, http.StatusConflict)
	w.markAll(review, func(string) float64 { return 50 })
	w.sign(review, w.open(review))
	officer.ok("POST", r+"/close", map[string]any{})
	w.sound()
}

// TestMatchWithdrawnFrozen: an application withdrawn before the match is run
// brings nobody an invitation.
func TestMatchWithdrawnFrozen(t *testing.T) {
	w := newWorld(t)
	review, ids := w.correspondence(2, 1)
	frozen := w.users["officer"].ok("POST", "/api/reviews/"+review+"/freeze", map[string]any{})
	w.withdraw(1, ids[1])
	w.drawNow(frozen.text(t, "result.draw_id"), frozen.text(t, "result.frame_hash")).is(t, http.StatusOK)
	assert.Len(t, w.seats(review), 5)
	w.rematched(review)
	w.seatAll(review)
	w.users["officer"].ok("POST", "/api/reviews/"+review+"/confirm", map[string]any{})
	w.sound()
}

// TestMatchAppointed: one person may be appointed to several applications, each
// by an act of its own and up to the limit.
func TestMatchAppointed(t *testing.T) {
	w := newWorld(t)
	review, ids := w.matched(3, 2)
	r := "/api/reviews/" + review
	first := w.decline(review, "finance")
	for slices.ContainsFunc(w.seats(review), func(s seat) bool { return s.Class == "finance" && s.State == string(reviewing.SeatInvited) }) {
		w.decline(review, "finance")
	}
	require.Equal(t, 3, w.matchOf(review).Open)
	appoint := func(application string) answer {
		return w.users["director"].do("POST", r+"/appoint", map[string]any{"class": "finance", "expert_id": w.experts[first], "application_id": application, "reason": "财务专家已无候补，本人改期后可以参加"})
	}
	appoint(ids[0]).is(t, http.StatusOK)
	appoint(ids[0]).is(t, http.StatusConflict)
	appoint(ids[1]).is(t, http.StatusOK)
	a := appoint(ids[2])
	a.is(t, http.StatusConflict)
	assert.Contains(t, a.body, "超过2个")
	record, _ := w.rematched(review)
	sits := readers(t, record)
	assert.Equal(t, 1, w.matchOf(review).Open)
	codes := map[string]int{}
	for _, panel := range sits {
		codes[panel[4]]++
	}
	assert.Equal(t, 2, len(codes), "one of both, and nobody: %v", codes)
	w.sound()
}

// TestMatchConflicts: a conflict keeps an expert from the one application, and
// who may sit in two classes takes the one that an application cannot fill
// otherwise.
func TestMatchConflicts(t *testing.T) {
	w := newWorld(t)
	w.populate()
	w.pack(func(p *rulebook.Pack) { p.ConflictScope = "application" })
	w.dual()
	guide := w.guide(guideBody(w.programme("major", "t0", "t1", "t2", "t3", "dual"), item("A1", "major", false, 25000000)))
	w.at(2025, 4, 2, 9)
	var ids []string
	for i := range 2 {
		body := w.application(guide, "A1", i)
		if i == 0 {
			body["partners"] = []string{w.units["of-f0"], w.units["of-f1"]}
		}
		ids = append(ids, w.accepted(fmt.Sprintf("lead%d", i), body))
	}
	w.away("f2", "2025-04-01", "2025-06-30")
	body := reviewBody(guide, 3, 1, 1, ids...)
	body["selection"], body["expert_load"] = "match", 2
	w.about = []string{body["title"].(string)}
	review := w.users["officer"].ok("POST", "/api/reviews", body).text(t, "result.id")
	r := "/api/reviews/" + review
	w.drawPanel(review)
	number := w.users["officer"].do("GET", "/api/applications/"+ids[0], nil).is(t, http.StatusOK).text(t, "number")
	record, files := w.rematched(review)
	conflicts := map[string]bool{}
	for line := range strings.Lines(string(files[match.Conflicts])) {
		conflicts[strings.TrimSpace(line)] = true
	}
	assert.Len(t, conflicts, 1+2, "f0 and f1 with the first")
	code := map[string]string{}
	for _, s := range w.seats(review) {
		code[s.Name] = s.Code
	}
	assert.Equal(t, code["专家dual"], readers(t, record)[number][4])
	for _, short := range []string{"f0", "f1"} {
		if c := code["专家"+short]; c != "" {
			assert.True(t, conflicts[number+","+c], short)
		}
	}
	w.seatAll(review)
	w.users["officer"].ok("POST", r+"/confirm", map[string]any{})
	w.declareAll(review)
	w.users["officer"].ok("POST", r+"/start", map[string]any{})
	w.sound()
}

// TestMatchTwoCodes: who is appointed in a second class sits under one code only.
func TestMatchTwoCodes(t *testing.T) {
	w := newWorld(t)
	w.populate()
	w.dual()
	guide := w.guide(guideBody(w.programme("major", "t0", "t3", "t6", "dual"), item("A1", "major", false, 25000000)))
	w.at(2025, 4, 2, 9)
	id := w.accepted("lead0", w.application(guide, "A1", 0))
	body := reviewBody(guide, 3, 1, 1, id)
	body["selection"], body["expert_load"] = "match", 2
	w.about = []string{body["title"].(string)}
	review := w.users["officer"].ok("POST", "/api/reviews", body).text(t, "result.id")
	w.drawPanel(review)
	for w.matchOf(review).Open == 0 {
		w.decline(review, "finance")
	}
	for _, s := range w.seats(review) {
		require.False(t, s.Name == "专家dual" && s.Class == "technical", "the least suited of four")
	}
	w.users["director"].ok("POST", "/api/reviews/"+review+"/appoint", map[string]any{"class": "finance", "expert_id": w.experts["dual"], "application_id": id, "reason": "财务专家已无候补"})
	w.decline(review, "technical")
	assert.Equal(t, 1, w.matchOf(review).Open, "dual sits already")
	w.rematched(review)
	w.sound()
}

// dual adds an expert of two classes to the pool.
func (w *world) dual() {
	w.t.Helper()
	unit := rbac.MakeCreditCode(9000)
	w.users["officer"].importFile("units.csv", "/api/units/import", "单位名称,统一社会信用代码,单位类型,区内外,可作联合实施单位,条件证明\n单位of-dual,"+unit+",科研院所,区内,否,", nil).is(w.t, http.StatusCreated)
	w.users["keeper"].importFile("experts.csv", "/api/experts/import", "姓名,性别,证件类型,证件号码,邮箱,职称,单位信用代码,区内外,专家库,类别,学科代码,关键词,工作经历\n"+
		"专家dual,女,居民身份证,"+resident(900, 1981)+",dual@example.cn,教授,"+unit+",区内,技术,同行技术；财务,520.20,旁支,"+unit+"|教授|2010-07-01|", nil).is(w.t, http.StatusCreated)
	var rows []struct{ ID, Name string }
	w.all("keeper", "/api/experts?q=专家dual", &rows)
	require.Len(w.t, rows, 1)
	w.experts["dual"] = rows[0].ID
	w.users["director"].ok("POST", "/api/experts/admit", map[string]any{"expert_ids": []string{rows[0].ID}})
}

// TestMatchErased: what an erased candidate had registered is in the sealed
// inputs of a match no longer; the match itself verifies as before.
func TestMatchErased(t *testing.T) {
	w := newWorld(t)
	review, ids := w.matched(1, 3)
	spare := ""
	for _, short := range []string{"m0", "m1", "m2", "m3"} {
		if !slices.ContainsFunc(w.seats(review), func(s seat) bool { return s.Name == "专家"+short }) {
			spare = short
		}
	}
	number := w.users["officer"].do("GET", "/api/applications/"+ids[0], nil).is(t, http.StatusOK).text(t, "number")
	registered := func() (n int) {
		a := w.users["supervisor"].do("GET", "/api/reviews/"+review+"/affinity?application="+number, nil).is(t, http.StatusOK)
		return strings.Count(a.body, `"given":true`)
	}
	before := registered()
	require.Positive(t, before)
	keeper := w.users["keeper"]
	version := keeper.do("GET", "/api/experts/"+w.experts[spare], nil).is(t, http.StatusOK).int(t, "version")
	keeper.ok("POST", "/api/experts/"+w.experts[spare]+"/exit", map[string]any{"version": version, "reason": "本人退出"})
	keeper.ok("POST", "/api/people/"+w.people[spare]+"/erase", map[string]any{"basis": "request"})
	assert.Less(t, registered(), before)
	w.rematched(review)
	w.sound()
}

// TestMatchShare: what counts against the share of direct appointments is seats
// held by appointment, of those that somebody has to hold.
func TestMatchShare(t *testing.T) {
	w := newWorld(t)
	review, ids := w.matched(2, 2)
	w.withdraw(1, ids[1])
	var gone []string
	for slices.ContainsFunc(w.seats(review), func(s seat) bool { return s.Class == "finance" && s.State == string(reviewing.SeatInvited) }) {
		gone = append(gone, w.decline(review, "finance"))
	}
	w.decline(review, "management")
	for w.matchOf(review).Open < 2 {
		w.decline(review, "management")
	}
	appoint := func(short, class string) answer {
		return w.users["director"].do("POST", "/api/reviews/"+review+"/appoint", map[string]any{"class": class, "expert_id": w.experts[short], "application_id": ids[0], "reason": "已无候补，本人改期后可以参加"})
	}
	a := appoint("m3", "finance")
	a.is(t, http.StatusUnprocessableEntity)
	assert.Contains(t, a.body, "不是财务类专家")
	appoint(gone[0], "finance").is(t, http.StatusOK)
	a = appoint("m3", "management")
	a.is(t, http.StatusUnprocessableEntity)
	assert.Contains(t, a.body, "加上本次为2席，席位共5个")
	w.decline(review, "finance")
	appoint(gone[1], "finance").is(t, http.StatusOK)
	w.rematched(review)
	w.sound()
}
