package api_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestApproaches: anybody signed in reports who asked for favour (P-21); the
// report is sealed, only a supervisor lists and reads it, and reading leaves an
// entry; the reporter follows the own reports alone; what is found true may
// become the ground of a ban.
func TestApproaches(t *testing.T) {
	w := newWorld(t)
	w.populate()
	supervisor, director := w.users["supervisor"], w.users["director"]
	expert := w.asExpert("t0")
	report := func(kind string) map[string]any {
		return map[string]any{"review_id": "0190b2a0-0000-7000-8000-00000000dead", "kind": kind, "day": "2025-03-01", "who": "某公司王总", "text": "来电希望在评审中给予关照，已当场回绝。"}
	}
	w.stranger().do("POST", "/api/approaches", report("lobby")).is(t, 401)
	expert.do("POST", "/api/approaches", report("gossip")).is(t, 422)
	late := report("lobby")
	late["day"] = "2025-02-30"
	expert.do("POST", "/api/approaches", late).is(t, 422)
	before := w.seq()
	id := expert.ok("POST", "/api/approaches", report("lobby")).text(t, "result.id")
	for _, e := range w.journal(before) {
		assert.NotContains(t, string(e.Facts), "王总")
		assert.NotContains(t, string(e.Facts), "lobby")
	}
	for _, reporter := range []string{"officer", "keeper", "lead0", "joint", "director"} {
		w.users[reporter].ok("POST", "/api/approaches", report("inquire"))
	}
	var raw string
	require.NoError(t, w.app.Store.DB.Read(t.Context()).Raw("SELECT report FROM approaches WHERE id = ?", id).Scan(&raw).Error)
	assert.NotContains(t, raw, "王总")

	own := expert.do("GET", "/api/approaches/own", nil).is(t, 200)
	assert.Equal(t, id, own.text(t, "items.0.id"))
	assert.Len(t, own.get(t, "items"), 1)
	for _, v := range []*visitor{expert, w.users["officer"], w.users["keeper"], director, w.users["sysadmin"]} {
		v.do("GET", "/api/approaches", nil).is(t, 403)
		v.do("GET", "/api/approaches/"+id, nil).is(t, 403)
		v.do("POST", "/api/approaches/"+id+"/handle", map[string]any{"outcome": "warned", "finding": "已核实并提醒"}).is(t, 403)
	}
	list := supervisor.do("GET", "/api/approaches", nil).is(t, 200)
	assert.Len(t, list.get(t, "items"), 6)
	assert.NotContains(t, list.body, "王总")
	before = w.seq()
	read := supervisor.do("GET", "/api/approaches/"+id, nil).is(t, 200)
	assert.Equal(t, "某公司王总", read.text(t, "report.who"))
	assert.Equal(t, "x-t0", read.text(t, "reporter"))
	require.Len(t, w.journal(before), 1)
	assert.Equal(t, "approach.read", w.journal(before)[0].Act)

	file := director.upload("处理决定.pdf", []byte("%PDF-1.4 处理决定")).is(t, 201).text(t, "result.id")
	ban := map[string]any{"version": w.expertVersion("t5"), "code": "approach", "grade": "light", "until": "2027-01-01", "reason": "为他人游说", "file_id": file, "approach_id": id}
	path := "/api/experts/" + w.experts["t5"] + "/ban"
	director.do("POST", path, ban).is(t, 422) // nothing is found yet
	supervisor.ok("POST", "/api/approaches/"+id+"/handle", map[string]any{"outcome": "ban", "finding": "请托属实，涉及在库专家一名。"})
	supervisor.do("POST", "/api/approaches/"+id+"/handle", map[string]any{"outcome": "warned", "finding": "改为提醒警示"}).is(t, 409)
	director.ok("POST", path, ban)
	followed := expert.do("GET", "/api/approaches/own", nil).is(t, 200)
	assert.Equal(t, "handled", followed.text(t, "items.0.state"))
	assert.NotContains(t, followed.body, "在库专家", "the finding is the supervisor's")

	mine := supervisor.ok("POST", "/api/approaches", report("disturb")).text(t, "result.id")
	supervisor.do("POST", "/api/approaches/"+mine+"/handle", map[string]any{"outcome": "warned", "finding": "已核实并提醒"}).is(t, 409)
}
