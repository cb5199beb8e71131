package api_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/experts/draw"
	"keping/rbac"
	"keping/rbac/journal"
	"keping/rbac/secret"
)

// atOnce starts n requests together and returns their answers.
func atOnce(n int, send func(i int) answer) []answer {
	out := make([]answer, n)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-start
			out[i] = send(i)
		})
	}
	close(start)
	all.Wait()
	return out
}

func statuses(answers []answer) map[int]int {
	out := map[int]int{}
	for _, a := range answers {
		out[a.status]++
	}
	return out
}

// sound checks the journal's chain and all invariants.
func (w *world) sound() {
	w.t.Helper()
	var lines bytes.Buffer
	_, err := w.app.Store.ExportJournal(context.Background(), &lines)
	require.NoError(w.t, err)
	_, err = journal.Verify(&lines, nil, nil)
	require.NoError(w.t, err)
	problems, err := w.app.Reviews.Invariants(context.Background())
	require.NoError(w.t, err)
	require.Empty(w.t, problems)
}

// TestConcurrentActs: whatever happens at once happens once, in some order, and
// the journal stays one chain.
func TestConcurrentActs(t *testing.T) {
	w := newWorld(t)
	w.populate()
	programme := w.programme("major", "t0", "t1", "t2", "t3", "t4")
	guide := w.guide(guideBody(programme, item("A1", "major", false, 25000000)))
	w.at(2025, 4, 2, 9)

	var forty []*visitor
	for i := range 40 {
		forty = append(forty, w.user(fmt.Sprintf("applicant%02d", i), fmt.Sprintf("lead%d", i%6), rbac.UnitAdmin))
	}
	before := w.seq()
	made := atOnce(40, func(i int) answer { return forty[i].do("POST", "/api/applications", w.application(guide, "A1", i)) })
	assert.Equal(t, map[int]int{http.StatusCreated: 40}, statuses(made))
	assert.Equal(t, before+40, w.seq(), "one entry each")
	w.sound()

	submitted := atOnce(40, func(i int) answer {
		return forty[i].do("POST", "/api/applications/"+made[i].text(t, "result.id")+"/submit", map[string]any{"version": 1})
	})
	assert.Equal(t, map[int]int{http.StatusOK: 40}, statuses(submitted))
	numbers := map[string]bool{}
	for _, a := range submitted {
		numbers[a.text(t, "result.number")] = true
	}
	assert.Len(t, numbers, 40, "every application has a number of its own")

	a := made[0].text(t, "result.id")
	screened := atOnce(2, func(int) answer {
		return w.users["officer"].do("POST", "/api/applications/"+a+"/screen", map[string]any{"version": 2, "verdict": "accept"})
	})
	assert.Equal(t, map[int]int{http.StatusOK: 1, http.StatusConflict: 1}, statuses(screened))

	// One draw, frozen, committed and revealed twice at once each.
	review := w.users["officer"].ok("POST", "/api/reviews", reviewBody(guide, 3, 1, 1, a)).text(t, "result.id")
	frozen := atOnce(2, func(int) answer {
		return w.users["officer"].do("POST", "/api/reviews/"+review+"/freeze", map[string]any{})
	})
	require.Equal(t, map[int]int{http.StatusOK: 1, http.StatusConflict: 1}, statuses(frozen))
	if frozen[0].status != http.StatusOK {
		frozen[0] = frozen[1]
	}
	id, frame := frozen[0].text(t, "result.draw_id"), frozen[0].text(t, "result.frame_hash")
	secrets := map[string]string{"officer": secret.Random(32), "supervisor": secret.Random(32)}
	holders := map[string]string{"officer": "bureau", "supervisor": "supervisor"}
	both := []string{"officer", "officer", "supervisor", "supervisor"}
	committed := atOnce(4, func(i int) answer {
		return w.users[both[i]].do("POST", "/api/draws/"+id+"/commit", map[string]any{"commitment": draw.Commit(frame, holders[both[i]], secrets[both[i]])})
	})
	assert.Equal(t, 4, statuses(committed)[http.StatusOK]+statuses(committed)[http.StatusConflict])
	for _, who := range []string{"officer", "supervisor"} { // two holders may also collide; whoever lost tries again
		w.users[who].do("POST", "/api/draws/"+id+"/commit", map[string]any{"commitment": draw.Commit(frame, holders[who], secrets[who])})
	}
	before = w.seq()
	revealed := atOnce(4, func(i int) answer {
		return w.users[both[i]].do("POST", "/api/draws/"+id+"/reveal", map[string]any{"secret": secrets[both[i]]})
	})
	assert.Equal(t, 4, statuses(revealed)[http.StatusOK]+statuses(revealed)[http.StatusConflict])
	for _, who := range []string{"officer", "supervisor"} {
		w.users[who].do("POST", "/api/draws/"+id+"/reveal", map[string]any{"secret": secrets[who]})
	}
	runs := 0
	for _, e := range w.journal(before) {
		if e.Act == "draw.run" {
			runs++
		}
	}
	assert.Equal(t, 1, runs, "drawn once")
	require.Len(t, w.seats(review), 5)

	// Every expert replies twice at once with the one link.
	w.seatAll(review)
	w.users["officer"].ok("POST", "/api/reviews/"+review+"/confirm", map[string]any{})
	w.declareAll(review)
	w.users["officer"].ok("POST", "/api/reviews/"+review+"/start", map[string]any{})

	seats := w.seats(review)
	submit := func(s seat, key string) []answer {
		x := w.sheets(w.expert(s), review)[0]
		return atOnce(20, func(int) answer {
			return w.expert(s).do("POST", "/api/sheets/"+x.ID+"/submit", marks(x.Version, 50, 30), "Idempotency-Key", key)
		})
	}
	before = w.seq()
	twenty := submit(seats[0], "")
	assert.Equal(t, map[int]int{http.StatusOK: 1, http.StatusConflict: 19}, statuses(twenty), "submitted once")
	accepted := 0
	for _, e := range w.journal(before) {
		if !bytes.Contains(e.Facts, []byte(`"refused"`)) {
			accepted++
		}
	}
	assert.Equal(t, 1, accepted)

	before = w.seq()
	twenty = submit(seats[1], "one-key")
	assert.Equal(t, map[int]int{http.StatusOK: 20}, statuses(twenty), "the same answer under one key")
	for _, a := range twenty {
		assert.JSONEq(t, twenty[0].body, a.body)
	}
	assert.Equal(t, before+1, w.seq(), "one act, one entry")
	w.sound()
}

// TestIdempotency: a key repeats an answer, never an act; another body under it
// is refused; a refused act leaves it free.
func TestIdempotency(t *testing.T) {
	w := newWorld(t)
	w.populate()
	officer := w.users["officer"]
	body := map[string]any{"kind": "major", "year": 2025, "name": "专项", "basis": "沙委发〔2025〕3号"}
	first := officer.do("POST", "/api/programmes", body, "Idempotency-Key", "k1").is(t, http.StatusCreated)
	again := officer.do("POST", "/api/programmes", body, "Idempotency-Key", "k1").is(t, http.StatusCreated)
	assert.JSONEq(t, first.body, again.body)
	body["name"] = "另一专项"
	officer.do("POST", "/api/programmes", body, "Idempotency-Key", "k1").is(t, http.StatusUnprocessableEntity)
	other := officer.do("POST", "/api/programmes", body, "Idempotency-Key", "k2").is(t, http.StatusCreated)
	assert.NotEqual(t, first.text(t, "result.id"), other.text(t, "result.id"))

	body["name"], body["basis"] = "再一专项", ""
	officer.do("POST", "/api/programmes", body, "Idempotency-Key", "k3").is(t, http.StatusUnprocessableEntity)
	body["basis"] = "沙委发〔2025〕4号"
	officer.do("POST", "/api/programmes", body, "Idempotency-Key", "k3").is(t, http.StatusCreated)

	w.users["director"].do("POST", "/api/programmes", body, "Idempotency-Key", "k1").is(t, http.StatusForbidden)
	var kept []struct{ Answer []byte }
	require.NoError(t, w.app.Store.DB.Read(t.Context()).Table("answers").Select("answer").Find(&kept).Error)
	require.Len(t, kept, 3)
	for _, k := range kept {
		assert.NotContains(t, string(k.Answer), "专项", "answers are sealed")
	}

	// A day later the key is free again.
	w.at(2025, 3, 5, 9)
	body["name"] = "第四专项"
	officer.do("POST", "/api/programmes", body, "Idempotency-Key", "k1").is(t, http.StatusCreated)
}

// TestDryRun: a rehearsal says what would happen and leaves nothing, not even a number.
func TestDryRun(t *testing.T) {
	w := newWorld(t)
	w.populate()
	officer := w.users["officer"]
	body := map[string]any{"kind": "major", "year": 2025, "name": "专项", "basis": "沙委发〔2025〕3号"}
	rows, seq := w.rows(), w.seq()
	a := officer.do("POST", "/api/programmes?dry_run=true", body).is(t, http.StatusOK)
	assert.Equal(t, true, a.get(t, "dry_run"))
	assert.NotContains(t, a.body, `"result"`)
	body["basis"] = ""
	officer.do("POST", "/api/programmes?dry_run=true", body).is(t, http.StatusUnprocessableEntity)
	assert.Equal(t, rows, w.rows())
	assert.Equal(t, seq, w.seq(), "a refused rehearsal is not journalled")
	w.users["director"].do("POST", "/api/programmes?dry_run=true", body).is(t, http.StatusForbidden)
	assert.Equal(t, seq+1, w.seq(), "who may not is journalled even so")
	w.users["supervisor"].do("POST", "/api/draws/0190b2a0-0000-7000-8000-00000000dead/reveal?dry_run=true", map[string]any{"secret": secret.Random(32)}).is(t, http.StatusUnprocessableEntity)
}
