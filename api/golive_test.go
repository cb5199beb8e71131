package api_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/rbac"
)

// codeOf is the credit code of a unit of populate, by its place there: dept and
// other-dept come first, then lead0 and on.
func codeOf(place int) string { return rbac.MakeCreditCode(100 + 7*place) }

// TestGoLiveProjects: projects that run already bar their leader from the
// year's technical group, and their people from the year's panels.
func TestGoLiveProjects(t *testing.T) {
	w := newWorld(t)
	w.populate()
	officer := w.users["officer"]
	t1, _ := documentOf("t1")
	m0, _ := documentOf("m0")
	t2, _ := documentOf("t2")
	header := "专项类别,年度,专项编号,项目编号,项目名称,牵头单位信用代码,项目负责人,负责人证件类型,负责人证件号码,成员,开始日期,结束日期\n"
	row := func(year int, number, name, document, members, starts, ends string) string {
		return fmt.Sprintf("重大,%d,,%s,在研项目,%s,%s,居民身份证,%s,%s,%s,%s\n", year, number, codeOf(2), name, document, members, starts, ends)
	}
	path := "/api/running_projects/import"
	before := w.rows()
	faulty := officer.importFile("p.csv", path, header+row(2025, "A-1", "专家t1", t1, "", "2025-01-10", "")+row(2025, "A-2", "别名", t2, "专家m0|居民身份证|"+m0, "2025-01-10", ""), nil).is(t, 422)
	assert.Contains(t, faulty.body, "第3行“负责人证件号码”")
	assert.Equal(t, before["running_projects"], w.rows()["running_projects"], "whole or not at all")
	table := header + row(2025, "A-1", "专家t1", t1, "专家m0|居民身份证|"+m0, "2025-01-10", "2027-01-09") + row(2024, "A-2", "专家t2", t2, "", "2024-01-10", "") + row(2025, "A-3", "专家t2", t2, "", "2024-01-10", "2025-03-01")
	w.users["keeper"].importFile("p.csv", path, table, nil).is(t, 403)
	officer.importFile("p.csv", path, table, nil).is(t, 201)
	assert.Contains(t, officer.importFile("p.csv", path, table, nil).is(t, 422).body, "已经导入过")
	assert.Contains(t, officer.do("GET", "/api/running_projects", nil).is(t, 200).body, "A-1")

	major := w.programme("major", "t0", "t3", "t4", "t5")
	recommend := func(expert string) map[string]any {
		return map[string]any{"kind": "technical", "expert_ids": w.ids(expert), "departments": []string{w.units["dept"]}, "document": "推荐函"}
	}
	officer.refused("R-024", "POST", "/api/programmes/"+major+"/recommend", recommend("t1"))
	officer.ok("POST", "/api/programmes/"+major+"/recommend", recommend("t2")) // of another year, and one that has ended

	guide := w.guide(guideBody(major, item("A1", "major", false, 25000000)))
	w.at(2025, 4, 2, 9)
	application := w.accepted("lead1", w.application(guide, "A1", 1))
	for short, want := range map[string]string{"t1": "project A-1", "m0": "project A-1", "t2": ""} {
		got := ""
		for _, r := range w.conflicts(major, w.ids(short), nil) {
			if r.Kind == "own_application" {
				got = r.Evidence
				assert.Equal(t, "hard", r.Level)
			}
		}
		assert.Equal(t, want, got, short)
	}
	review := officer.ok("POST", "/api/reviews", reviewBody(guide, 3, 1, 1, application)).text(t, "result.id")
	frozen := officer.ok("POST", "/api/reviews/"+review+"/freeze", map[string]any{})
	assert.Equal(t, 3, frozen.int(t, "result.candidates.management"), "m0 takes part in a running project")
}

// TestGoLiveIntegrity is P-23: an integrity record in force keeps leader and
// lead unit from applying, an expert from the pool, from a group and from the draw.
func TestGoLiveIntegrity(t *testing.T) {
	w := newWorld(t)
	w.populate()
	officer, director := w.users["officer"], w.users["director"]
	guide := w.guide(guideBody(w.programme("major", "t0", "t1", "t2", "t3"), item("A1", "major", false, 25000000)))
	w.at(2025, 4, 2, 9)
	first, second := w.draft("lead0", w.application(guide, "A1", 0)), w.draft("lead1", w.application(guide, "A1", 1))
	t5, _ := documentOf("t5")
	m0, _ := documentOf("m0")
	m1, _ := documentOf("m1")
	header := "对象,名称,证件类型,证件号码,记录种类,起,止,来源,文号\n"
	row := func(kind, name, document, from, to string) string {
		return fmt.Sprintf("%s,%s,居民身份证,%s,科研失信,%s,%s,市科技局,渝科监〔2024〕3号\n", kind, name, document, from, to)
	}
	path := "/api/integrity_records/import"
	assert.Contains(t, officer.importFile("i.csv", path, header+row("单位", "没有登记的单位", "91350100M000100Y43", "2024-01-01", ""), nil).is(t, 422).body, "尚未登记")
	table := header + row("负责人", "负责人0", resident(400, 1978), "2024-01-01", "") + row("单位", "单位lead1", codeOf(3), "2024-01-01", "2025-04-02") +
		row("专家", "专家t5", t5, "2024-01-01", "2026-01-01") + row("专家", "专家m0", m0, "2024-01-01", "2026-01-01") + row("专家", "专家m1", m1, "2020-01-01", "2025-04-01") + row("专家", "新人", resident(951, 1979), "2024-01-01", "")
	officer.importFile("i.csv", path, table, nil).is(t, 201)
	assert.Contains(t, officer.importFile("i.csv", path, table, nil).is(t, 422).body, "已经导入过")
	shown := officer.do("GET", "/api/integrity_records", nil).is(t, 200)
	assert.Contains(t, shown.body, "负责人0")
	w.users["lead0"].do("GET", "/api/integrity_records", nil).is(t, 403)
	for _, e := range w.journal(0) {
		assert.NotContains(t, string(e.Facts), "负责人0")
	}

	w.users["lead0"].refused("P-23", "POST", "/api/applications/"+first+"/submit", map[string]any{"version": 1})
	said := w.users["lead1"].refused("P-23", "POST", "/api/applications/"+second+"/submit", map[string]any{"version": 1})
	assert.Contains(t, said.body, "单位lead1")
	w.at(2025, 4, 3, 9) // the unit's record ends
	w.users["lead1"].ok("POST", "/api/applications/"+second+"/submit", map[string]any{"version": 1})
	officer.ok("POST", "/api/applications/"+second+"/screen", map[string]any{"version": 2, "verdict": "accept"})
	director.ok("POST", "/api/releases", map[string]any{"rule": "P-23", "object": "application/" + first, "reason": "记录已在申诉，经研究同意先行受理"})
	w.users["lead0"].ok("POST", "/api/applications/"+first+"/submit", map[string]any{"version": 1})

	programme := officer.do("GET", "/api/guides/"+guide, nil).text(t, "programme_id")
	officer.refused("P-23", "POST", "/api/programmes/"+programme+"/recommend", map[string]any{"kind": "technical", "expert_ids": w.ids("t5"), "departments": []string{w.units["dept"]}, "document": "推荐函"})
	proposed := w.users["keeper"].ok("POST", "/api/experts", map[string]any{"name": "新人", "document_kind": "resident_id", "document": resident(951, 1979), "mail": "new@example.cn", "unit_id": w.units["lead0"], "in_district": true,
		"pool": "technical", "classes": []string{"finance"}, "fields": []any{map[string]any{"code": "790.55"}}}).text(t, "result.id")
	director.refused("P-23", "POST", "/api/experts/admit", map[string]any{"expert_ids": []string{proposed}})

	review := officer.ok("POST", "/api/reviews", reviewBody(guide, 3, 1, 1, second)).text(t, "result.id")
	frozen := officer.ok("POST", "/api/reviews/"+review+"/freeze", map[string]any{})
	assert.Equal(t, 3, frozen.int(t, "result.candidates.management"), "m0 is out, m1's record is over")
	assert.Contains(t, frozen.body, `"rule":"P-23","why":"integrity"`)

	// a record that comes after the draw is seen before the panel is confirmed
	w.drawNow(frozen.text(t, "result.draw_id"), frozen.text(t, "result.frame_hash"))
	w.seatAll(review)
	seated := w.seats(review)[0].Name
	late, _ := documentOf(strings.TrimPrefix(seated, "专家"))
	officer.importFile("i.csv", path, header+row("专家", seated, late, "2025-04-01", ""), nil).is(t, 201)
	officer.refused("P-23", "POST", "/api/reviews/"+review+"/confirm", map[string]any{})
}

// TestGoLiveServices: past panels and past memberships are kept by expert.
func TestGoLiveServices(t *testing.T) {
	w := newWorld(t)
	w.populate()
	officer := w.users["officer"]
	t1, _ := documentOf("t1")
	t2, _ := documentOf("t2")
	header := "姓名,证件类型,证件号码,专项类别,年度,评审批次,席位类别,评审日期\n"
	service := func(name, document, title string) string {
		return fmt.Sprintf("%s,居民身份证,%s,重大,2023,%s,同行技术,2023-06-18\n", name, document, title)
	}
	path := "/api/past_services/import"
	faulty := officer.importFile("s.csv", path, header+service("专家t1", t1, "2023-P01")+service("无名", resident(900, 1980), "2023-P01")+service("专家t3", t2, "2023-P01"), nil).is(t, 422)
	assert.Contains(t, faulty.body, "第3行“证件号码”")
	assert.Contains(t, faulty.body, "第4行“姓名”")
	assert.Zero(t, w.rows()["past_services"])
	officer.importFile("s.csv", path, header+service("专家t1", t1, "2023-P01")+service("专家t1", t1, "2023-P02"), nil).is(t, 201)
	assert.Contains(t, officer.importFile("s.csv", path, header+service("专家t1", t1, "2023-P01"), nil).is(t, 422).body, "已经导入过")
	var rows []struct {
		Expert string `json:"expert_id"`
		Person string `json:"person_id"`
		Year   int
		Class  string
	}
	w.all("keeper", "/api/past_services?expert_id="+w.experts["t1"], &rows)
	require.Len(t, rows, 2)
	assert.Equal(t, w.people["t1"], rows[0].Person)
	assert.Equal(t, 2023, rows[0].Year)
	assert.Empty(t, w.users["officer"].do("GET", "/api/past_services?expert_id="+w.experts["t2"], nil).get(t, "items"))

	old := officer.ok("POST", "/api/programmes", map[string]any{"kind": "major", "year": 2024, "name": "往年专项", "basis": "沙委发〔2024〕3号"}).text(t, "result.id")
	header = "专项类别,年度,专项编号,专家组,姓名,证件类型,证件号码,任期起,任期止,推荐文件\n"
	member := func(year int, name, document, from, to string) string {
		return fmt.Sprintf("重大,%d,,技术,%s,居民身份证,%s,%s,%s,沙科函〔2024〕1号\n", year, name, document, from, to)
	}
	path = "/api/memberships/import"
	faulty = officer.importFile("m.csv", path, header+member(2024, "专家t1", t1, "2024-03-01", "2025-12-31")+member(2022, "专家t2", t2, "2022-03-01", "2022-12-31"), nil).is(t, 422)
	assert.Contains(t, faulty.body, "第2行“任期止”")
	assert.Contains(t, faulty.body, "第3行“专项编号”")
	officer.importFile("m.csv", path, header+member(2024, "专家t1", t1, "2024-03-01", "2024-12-31"), nil).is(t, 201)
	assert.Contains(t, officer.importFile("m.csv", path, header+member(2024, "专家t1", t1, "2024-12-01", "2025-02-28"), nil).is(t, 422).body, "重叠")
	members := officer.do("GET", "/api/programmes/"+old+"/members", nil).is(t, 200)
	assert.Equal(t, "ended", members.text(t, "items.0.state"))
	// who was a member in the year does not lead in it
	guide := guideBody(old, item("A1", "major", false, 25000000))
	guide["opens_at"], guide["closes_at"] = "2025-03-01T00:00:00+08:00", "2025-05-01T00:00:00+08:00"
	body := w.application(w.guide(guide), "A1", 0)
	body["leaders"] = []any{person("专家t1", t1, w.units["lead0"])}
	id := w.draft("lead0", body)
	w.users["lead0"].refused("R-023", "POST", "/api/applications/"+id+"/submit", map[string]any{"version": 1})
	assert.NotContains(t, faulty.body, t1, "a fault names the place, not the document")
}
