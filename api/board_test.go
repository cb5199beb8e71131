package api_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/rbac"
	"keping/rbac/rulebook"
	"keping/reviewing/rank"
	"keping/reviewing/rank/opinion"
)

// jointMarks are a joint unit's marks for its applications.
func jointMarks(innovation float64, applications ...string) []any {
	var out []any
	for _, a := range applications {
		out = append(out, map[string]any{"application_id": a, "marks": []any{map[string]any{"criterion": "innovation", "mark": innovation}, map[string]any{"criterion": "route", "mark": 30}}})
	}
	return out
}

// TestBoard: progress for officer, chair and supervisor, as a page and as a
// stream; marks on neither; nobody else watches.
func TestBoard(t *testing.T) {
	w, review, applications := meetingWorld(t)
	officer, r := w.users["officer"], "/api/reviews/"+review
	w.drawPanel(review)
	w.seatAll(review)
	officer.ok("POST", r+"/confirm", map[string]any{})
	w.declareAll(review)
	officer.ok("POST", r+"/start", map[string]any{})
	board := officer.do("GET", r+"/board", nil).is(t, 200)
	assert.Equal(t, 10, board.int(t, "needed"))
	assert.Equal(t, 0, board.int(t, "submitted"))
	assert.Contains(t, board.body, "提交评分表（还有2份）")
	expert := w.expert(w.seats(review)[0])
	expert.do("GET", r+"/board", nil).is(t, 404)
	expert.do("GET", r+"/events", nil).is(t, 404)
	w.users["lead0"].do("GET", r+"/board", nil).is(t, 403)

	request, err := http.NewRequest("GET", w.base+r+"/events", nil)
	require.NoError(t, err)
	response, err := officer.http.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	assert.Equal(t, "text/event-stream", response.Header.Get("Content-Type"))
	lines := bufio.NewScanner(response.Body)
	next := func() (p struct {
		State             string
		Submitted, Needed int
	}) {
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				require.NoError(t, json.Unmarshal([]byte(data), &p))
				return p
			}
		}
		require.Fail(t, "the stream has ended")
		return p
	}
	assert.Equal(t, 0, next().Submitted)
	first := w.sheets(expert, review)[0]
	expert.ok("POST", "/api/sheets/"+first.ID+"/submit", marks(1, 51.5, 30))
	assert.Equal(t, 1, next().Submitted, "told as soon as it has changed")
	shown := officer.do("GET", r+"/board", nil).is(t, 200).body
	assert.NotContains(t, shown, "51.5")
	assert.NotContains(t, shown, "81.5")

	level := map[string]float64{applications[0]: 50, applications[1]: 45}
	w.markAll(review, func(id string) float64 { return level[id] })
	chair := w.open(review)
	opened := chair.do("GET", r+"/board", nil).is(t, 200)
	assert.Equal(t, 10, opened.int(t, "submitted"))
	assert.Empty(t, opened.get(t, "applications.0.totals"), "marks are the summary's to show, and the closed board's")
	w.sign(review, chair)
	officer.ok("POST", r+"/close", map[string]any{})
	closed := officer.do("GET", r+"/board?limit=1", nil).is(t, 200)
	assert.Equal(t, 1, closed.int(t, "applications.0.rank"))
	assert.Contains(t, closed.body, " 80.00", "each expert's total, by seat")
	assert.Equal(t, 5, closed.int(t, "applications.0.submitted"))
	assert.NotEmpty(t, officer.do("GET", r+"/board?limit=1&after="+closed.text(t, "next"), nil).is(t, 200).text(t, "applications.0.shown"))
}

// TestOffline: marks by a filled table, and marks given on paper, entered by
// one officer and confirmed by another.
func TestOffline(t *testing.T) {
	w, review, applications := meetingWorld(t)
	officer, r := w.users["officer"], "/api/reviews/"+review
	second := w.user("officer2", "", rbac.Officer)
	w.drawPanel(review)
	w.seatAll(review)
	officer.ok("POST", r+"/confirm", map[string]any{})
	w.declareAll(review)
	officer.ok("POST", r+"/start", map[string]any{})
	expert := w.expert(w.seats(review)[0])
	officer.do("GET", r+"/form", nil).is(t, 403)
	assert.True(t, strings.HasPrefix(expert.do("GET", r+"/form", nil).is(t, 200).body, "PK"), "an .xlsx")
	numbers := map[string]string{}
	for _, a := range applications {
		numbers[a] = officer.do("GET", "/api/applications/"+a, nil).text(t, "number")
	}
	header := "申报编号,项目名称,指标innovation（满分60）,指标innovation理由,指标route（满分40）,指标route理由,建议（建议立项、修改后立项、不建议）,评审意见\n"
	table := func(rows string) answer { return expert.importFile("评分.csv", r+"/form", header+rows, nil) }
	bad := table(numbers[applications[0]]+",x,60.01,,三十,,同意,方案可行\nXX-1,y,50,,30,,,\n").is(t, 422)
	for _, has := range []string{"第2行", "指标innovation（满分60）", "应在0与60之间", "“三十”不是", "应为建议立项", "第3行", "没有编号为“XX-1”"} {
		assert.Contains(t, bad.body, has)
	}
	table(numbers[applications[0]]+",x,50.5,,30,,建议立项,方案可行，建议支持。\n"+numbers[applications[1]]+",y,44,,,,,\n").is(t, 200)
	for _, x := range w.sheets(expert, review) {
		if x.ApplicationID == applications[0] {
			assert.Equal(t, 2, x.Version)
			expert.ok("POST", "/api/sheets/"+x.ID+"/submit", marks(2, 50.5, 30))
		}
	}

	// paper: the scan, two officers, the same marks twice
	var paper sheet
	for _, x := range w.sheets(expert, review) {
		if x.State == "draft" {
			paper = x
		}
	}
	p := "/api/sheets/" + paper.ID
	entry := marks(paper.Version, 44, 30)
	second.do("POST", p+"/confirm", entry).is(t, 409)
	entry["file_id"] = officer.upload("评分表扫描.pdf", []byte("%PDF-1.4 扫描")).is(t, 201).text(t, "result.id")
	expert.do("PATCH", p, marks(paper.Version, 51, 30)).is(t, 200)
	entry["version"] = paper.Version + 1
	assert.Contains(t, officer.do("POST", p+"/enter", entry).is(t, 409).body, "已在线填写", "an entry writes over nobody's draft")
	expert.do("PATCH", p, map[string]any{"version": paper.Version + 1, "marks": []any{}}).is(t, 200)
	paper.Version, entry["version"] = paper.Version+2, paper.Version+2
	officer.ok("POST", p+"/enter", entry)
	expert.do("PATCH", p, map[string]any{"version": paper.Version + 1, "marks": []any{}}).is(t, 200) // the expert's own hand ends the entry
	second.do("POST", p+"/confirm?dry_run=true", marks(paper.Version+2, 44, 30)).is(t, 409)
	paper.Version, entry["version"] = paper.Version+2, paper.Version+2
	officer.ok("POST", p+"/enter", entry)
	trace := func(by *visitor) map[string]any {
		for _, x := range by.do("GET", "/api/reviews/"+review+"/sheets?limit=200", nil).is(t, 200).get(t, "items").([]any) {
			if x := x.(map[string]any); x["id"] == paper.ID {
				return x
			}
		}
		t.Fatal("the sheet entered is not traced")
		return nil
	}
	assert.Equal(t, []any{"draft", true, false, entry["file_id"], float64(paper.Version + 1)}, pick(trace(second), "state", "entered", "mine", "scan_id", "version"))
	assert.Equal(t, []any{true, true}, pick(trace(officer), "entered", "mine"))
	supervisor, scan := w.users["supervisor"], "/api/files/"+entry["file_id"].(string)
	assert.Equal(t, []any{true, ""}, pick(trace(supervisor), "entered", "scan_id"), "marks on paper stay sealed")
	supervisor.do("GET", scan, nil).is(t, 404)
	w.users["director"].do("GET", scan, nil).is(t, 404)
	second.do("GET", scan, nil).is(t, 200)
	again := marks(paper.Version+1, 44, 30)
	officer.do("POST", p+"/confirm", again).is(t, 409)
	second.do("POST", p+"/confirm", marks(paper.Version+1, 45, 30)).is(t, 422)
	second.ok("POST", p+"/confirm", again)
	w.sound()
}

// pick are the values of some keys.
func pick(row map[string]any, keys ...string) []any {
	out := []any{}
	for _, k := range keys {
		out = append(out, row[k])
	}
	return out
}

// TestJointMarks: a joint unit's part in its three modes; marks apart never
// enter the mean, both are shown, and whether they would change the cut.
func TestJointMarks(t *testing.T) {
	for _, mode := range []string{"attend", "opinion", "marks_apart"} {
		t.Run(mode, func(t *testing.T) {
			w := newWorld(t)
			w.pack(func(p *rulebook.Pack) { p.JointUnitPart = mode })
			w.populate()
			body := guideBody(w.programme("major", "t0", "t1", "t2", "t3", "t4"), item("A1", "major", false, 25000000), item("A2", "major", true, 25000000))
			body["places"] = 1
			guide := w.guide(body)
			w.at(2025, 4, 2, 9)
			both := w.application(guide, "A2", 1)
			both["joint_units"] = []string{w.units["dept"]}
			first, second := w.accepted("lead0", w.application(guide, "A1", 0)), w.accepted("lead1", both)
			review := w.marking(reviewBody(guide, 3, 1, 1, first, second))
			r := "/api/reviews/" + review
			level := map[string]float64{first: 50, second: 49.5}
			w.markAll(review, func(id string) float64 { return level[id] })
			joint, officer := w.users["joint"], w.users["officer"]
			for _, at := range []string{r, "/api/reviews"} {
				seen := joint.do("GET", at, nil).is(t, 200).body
				assert.Contains(t, seen, `"defence":[{"application":"2025-ZD-01-002","introducer":""}]`, "its own project's turn alone")
				assert.NotContains(t, seen, "2025-ZD-01-001")
			}
			part := func(more map[string]any) map[string]any {
				out := map[string]any{"name": "周敏", "post": "科长", "password": password}
				for k, v := range more {
					out[k] = v
				}
				return out
			}
			switch mode {
			case "attend":
				joint.ok("POST", r+"/participate", part(nil))
			case "opinion":
				joint.do("POST", r+"/participate", part(nil)).is(t, 422)
				joint.do("POST", r+"/participate", part(map[string]any{"opinion": "同意", "marks": jointMarks(57, second)})).is(t, 422)
				joint.ok("POST", r+"/participate", part(map[string]any{"opinion": "同意"}))
			default:
				joint.do("POST", r+"/participate", part(map[string]any{"opinion": "同意"})).is(t, 422)
				joint.do("POST", r+"/participate", part(map[string]any{"opinion": "同意", "marks": jointMarks(57, first)})).is(t, 422)
				assert.Contains(t, joint.do("POST", r+"/participate", part(map[string]any{"opinion": "同意", "marks": jointMarks(60.5, second)})).is(t, 422).body, `"field":"marks[0].marks[0]"`)
				joint.do("POST", r+"/participate", part(map[string]any{"opinion": "同意", "marks": jointMarks(57, second, second)})).is(t, 422)
				joint.ok("POST", r+"/participate", part(map[string]any{"opinion": "暂不同意", "marks": jointMarks(40, second)}))
				again := map[string]any{"opinion": "同意", "marks": jointMarks(57, second)}
				assert.Contains(t, joint.do("POST", r+"/participate", part(again)).is(t, 422).body, "再次填写")
				again["reason"] = "核对了考核指标"
				joint.ok("POST", r+"/participate", part(again))
				assert.NotContains(t, w.expert(w.seats(review)[0]).do("GET", r, nil).is(t, 200).body, "同意", "nothing that could sway the marks")
				seen := officer.do("GET", r, nil).is(t, 200)
				assert.Equal(t, []any{"同意", "暂不同意", "核对了考核指标"}, []any{seen.get(t, "joint.0.opinion"), seen.get(t, "joint.0.earlier.0.opinion"), seen.get(t, "joint.0.earlier.0.reason")})
			}
			chair := w.open(review)
			w.sign(review, chair)
			officer.do("GET", r+"/joint_effects", nil).is(t, 409)
			officer.ok("POST", r+"/close", map[string]any{})
			effects := officer.do("GET", r+"/joint_effects", nil).is(t, 200)
			if mode != "marks_apart" {
				assert.Contains(t, effects.body, `"items":[]`)
				return
			}
			assert.Contains(t, effects.body, `"shown":"79.50","rank":2,"with_shown":"80.75","with_rank":1,"changes_cut":true`)
			record, err := rank.ParseRecord([]byte(officer.do("GET", r+"/ranking?format=json", nil).is(t, 200).body))
			require.NoError(t, err)
			kept := slices.DeleteFunc(slices.Clone(record.Sheets), func(s rank.Sheet) bool { return s.Status != "joint" })
			require.Len(t, kept, 2, "both versions stand in the record, and neither counts")
			assert.Equal(t, []any{"2025-ZD-01-002", "joint", 1, 2}, []any{kept[0].Sheet.Application, kept[0].Class, kept[0].Sheet.Version, kept[1].Sheet.Version})
			opined := w.secondOpinion(review)
			w.replayed(review, opined)
			require.Len(t, opined.Sensitivity, 2)
			for i, side := range []opinion.Side{opinion.Outside, opinion.Inside} {
				assert.Contains(t, opined.Sensitivity[i].Changes, opinion.Shift{Variant: "joint", Side: side})
			}
			require.NoError(t, rank.Verify(record))
			require.NoError(t, rank.VerifyJournal(record, strings.NewReader(w.users["supervisor"].do("GET", "/api/journal/export", nil).is(t, 200).body)))
			joint.do("GET", r+"/joint_effects", nil).is(t, 403)
			w.sound()
		})
	}
}
