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

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

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
	officer := w.users["officer"]
	record, err := match.ParseRecord([]byte(officer.do("GET", "/api/draws/"+v.DrawID+"/record", nil).is(t, http.StatusOK).body))
	require.NoError(t, err)
	files := match.Files{}
	for _, f := range v.Files {
		z, err := gzip.NewReader(strings.NewReader(officer.do("GET", "/api/draws/"+v.DrawID+"/files/"+f.Name, nil).is(t, http.StatusOK).body))
		require.NoError(t, err)
		files[f.Name], err = io.ReadAll(z)
		require.NoError(t, err)
	}
	require.NoError(t, match.Verify(record, files))
	lines := w.users["supervisor"].do("GET", "/api/journal/export", nil).is(t, http.StatusOK).body
	require.NoError(t, match.VerifyJournal(record, bytes.NewReader([]byte(lines))))
	return record, files
}

// readers are who sits on each application, by its number.
func readers(t *testing.T, record match.Record) map[string][]string {
	p, err := match.NewPanel(&record)
	require.NoError(t, err)
	out := map[string][]string{}
	for _, row := range record.Panels {
		for _, s := range p.Sitting(row.Application) {
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
			body["selection"], body["expert_load"] = selection, 3
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
			assert.Len(t, v.Seed, 64)
			assert.NotZero(t, v.Experts)

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
			assert.LessOrEqual(t, len(papers.Items), 3)
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
	w.populate()
	guide := w.guide(guideBody(w.programme("major", "t0", "t1", "t2", "t3", "t4", "t5"), item("A1", "major", false, 25000000)))
	w.at(2025, 4, 2, 9)
	var applications []string
	for i := range 4 {
		applications = append(applications, w.accepted(fmt.Sprintf("lead%d", i), w.application(guide, "A1", i)))
	}
	officer := w.users["officer"]
	body := reviewBody(guide, 3, 1, 1, applications...)
	body["selection"], body["expert_load"] = "match", 1
	review := officer.ok("POST", "/api/reviews", body).text(t, "result.id")
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

	body["expert_load"] = 3
	review = officer.ok("POST", "/api/reviews", body).text(t, "result.id")
	r := "/api/reviews/" + review
	w.about = []string{body["title"].(string)}
	w.drawPanel(review)
	decliner := ""
	for range 2 {
		for _, s := range w.seats(review) {
			if s.Class == "finance" && s.State == string(reviewing.SeatInvited) {
				decliner = strings.TrimPrefix(s.Name, "专家")
				w.reply(s, false)
				break
			}
		}
	}
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
