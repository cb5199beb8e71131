package api_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/rbac"
	"keping/rbac/rulebook"
	"keping/reviewing/match"
)

var (
	yearApplications = flag.Int("year.applications", 12, "applications of TestYear")
	yearExperts      = flag.Int("year.experts", 20, "experts of TestYear")
	yearSelection    = flag.String("year.selection", "match", "match, or match_draw among the best two per seat")
	yearOut          = flag.String("year.out", "", "folder in which TestYear leaves what is exported")
)

var yearTopics = []string{"域控制器", "毫米波雷达", "功率器件", "免疫细胞制备", "电池热管理", "视觉传感", "精密模具", "手术导航", "数字化产线", "工业软件", "烟气治理", "车规显示"}

// TestYear is a year's correspondence review, at the size of a district's year
// with -year.applications 200 -year.experts 300 (scripts/year): of three fields,
// every ninth with a partner whose people may not read it; matched, some experts
// decline and are replaced, marked by everybody, closed, and computed again from
// what is exported.
func TestYear(t *testing.T) {
	w := newWorld(t)
	w.populate()
	var lines []string
	lines = append(lines, "单位名称,统一社会信用代码,单位类型,区内外,可作联合实施单位,条件证明")
	credit := func(i int) string { return rbac.MakeCreditCode(5000 + 3*i) }
	for i := range (*yearExperts + 3) / 4 {
		lines = append(lines, fmt.Sprintf("年评单位%03d,%s,科研院所,区内,否,", i, credit(i)))
	}
	w.users["officer"].importFile("more.csv", "/api/units/import", strings.Join(lines, "\n"), nil).is(t, http.StatusCreated)
	w.pack(func(p *rulebook.Pack) { p.ConflictScope, p.Disabled = "application", []string{"P-16"} }) // whoever is taken may be chair
	var units []rbac.Unit
	w.all("officer", "/api/units?q=年评单位", &units)
	fields := []string{"520.20", "580.40", "310.14"}
	lines = []string{"姓名,性别,证件类型,证件号码,邮箱,职称,单位信用代码,区内外,专家库,类别,学科代码,关键词,工作经历"}
	var names []string
	for i := range *yearExperts {
		name, topic := fmt.Sprintf("y%03d", i), yearTopics[i%len(yearTopics)]
		names = append(names, name)
		lines = append(lines, fmt.Sprintf("专家%s,女,居民身份证,%s,%s@example.cn,教授,%s,区内,技术,%s,%s,%s,%s|教授|2010-07-01|", name, resident(2000+i, 1980), name, credit(i/4),
			[]string{"同行技术", "同行技术", "同行技术", "管理", "财务"}[i%5], fields[i%3], topic, credit(i/4)))
	}
	w.users["keeper"].importFile("more.csv", "/api/experts/import", strings.Join(lines, "\n"), nil).is(t, http.StatusCreated)
	var rows []struct{ ID, Name, State string }
	for after := ""; ; {
		var page struct {
			Items []struct{ ID, Name, State string }
			Next  string
		}
		require.NoError(t, json.Unmarshal([]byte(w.users["keeper"].do("GET", "/api/experts?limit=200&after="+after, nil).is(t, http.StatusOK).body), &page))
		rows = append(rows, page.Items...)
		if after = page.Next; after == "" {
			break
		}
	}
	var ids, members []string
	for _, e := range rows {
		short := strings.TrimPrefix(e.Name, "专家")
		if w.experts[short] == "" {
			ids = append(ids, e.ID)
			w.experts[short] = e.ID
		}
	}
	w.users["director"].ok("POST", "/api/experts/admit", map[string]any{"expert_ids": ids})
	for i, name := range names {
		if i%5 < 3 {
			members = append(members, name)
		}
	}
	programme := w.programme("major")
	w.join(programme, "technical", members...)
	var items []map[string]any
	for i, field := range fields {
		x := item(fmt.Sprintf("A%d", i+1), "major", false, 25000000)
		x["fields"] = []string{field}
		items = append(items, x)
	}
	guide := w.guide(guideBody(programme, items...))
	w.at(2025, 4, 2, 9)
	var applications []string
	for i := range *yearApplications {
		body := w.application(guide, fmt.Sprintf("A%d", 1+i%3), i)
		if i%9 == 0 {
			body["partners"] = []string{units[i%len(units)].ID}
		}
		body["title"], body["summary"] = fmt.Sprintf("%s关键技术研究（%d）", yearTopics[i%len(yearTopics)], i), "研究"+yearTopics[i%len(yearTopics)]+"及其在本区的应用。"
		body["leaders"] = []any{person(fmt.Sprintf("负责人%d", i), resident(4000+i, 1978), w.units[fmt.Sprintf("lead%d", i%6)])}
		body["members"] = []any{person(fmt.Sprintf("成员%d", i), resident(6000+i, 1988), w.units[fmt.Sprintf("lead%d", i%6)])}
		applications = append(applications, w.accepted(fmt.Sprintf("lead%d", i%6), body))
	}
	body := reviewBody(guide, 3, 1, 1, applications...)
	body["selection"], body["expert_load"] = *yearSelection, 8
	if *yearSelection == "match_draw" {
		body["best_per_seat"] = 2
	}
	officer := w.users["officer"]
	review := officer.ok("POST", "/api/reviews", body).text(t, "result.id")
	w.drawPanel(review)
	for i, s := range w.seats(review) {
		if i%25 == 1 {
			w.reply(s, false)
		}
	}
	w.seatAll(review)
	officer.ok("POST", "/api/reviews/"+review+"/confirm", map[string]any{})
	w.declareAll(review)
	officer.ok("POST", "/api/reviews/"+review+"/start", map[string]any{})
	level := map[string]float64{}
	for i, id := range applications {
		level[id] = 36 + float64(i%28)*0.5
	}
	w.markAll(review, func(id string) float64 { return level[id] })
	chair := w.open(review)
	w.sign(review, chair)
	r := "/api/reviews/" + review
	for range len(applications) { // equal marks that the written steps do not part are drawn
		a := w.users["officer"].do("POST", r+"/order", map[string]any{})
		if a.status == http.StatusConflict {
			break
		}
		w.drawNow(a.text(t, "result.draw_id"), a.text(t, "result.frame_hash"))
	}
	w.users["officer"].ok("POST", r+"/close", map[string]any{})
	opinion := w.secondOpinion(review)
	exported := w.replayed(review, opinion)
	require.Len(t, opinion.Lines, len(applications))
	record, files := w.rematched(review)
	assert.Equal(t, record.Total, record.Bound, "the best match there is")
	assert.NotEmpty(t, record.Changes)
	assert.Greater(t, strings.Count(string(files[match.Conflicts]), "\n"), 1)
	w.sound()
	if *yearOut == "" {
		return
	}
	keep := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(*yearOut, name), []byte(text), 0o644))
	}
	for name, data := range files {
		keep(name, string(data))
	}
	for name, text := range exported {
		keep("opinion-"+name, text)
	}
	for name, path := range map[string]string{"match.json": "/api/draws/" + w.matchOf(review).DrawID + "/record", "official.json": r + "/ranking?format=json", "journal.jsonl": "/api/journal/export"} {
		keep(name, w.users["supervisor"].do("GET", path, nil).is(t, http.StatusOK).body)
	}
	keep("opinion.args", arguments(opinion)+"\n")
}
