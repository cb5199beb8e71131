package api_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/experts/draw"
	"keping/rbac"
	"keping/rbac/journal"
	"keping/reviewing"
	"keping/reviewing/rank"
)

// storyOut is where the story leaves the records it published: scripts/review.
var storyOut = flag.String("story.out", "", "folder for the records of TestStory")

// story is one review of twelve applications, from the programme year to the
// confirmed list, by the roles whose work it is.
type story struct {
	*world
	programme, guide, review, list string
	applications                   []string // best first
	draws                          []string // of panels
	chair                          *visitor
}

// beside is the same server as seen by a story of its own: other tests of the
// server go on at the same time.
func (w *world) beside(t *testing.T, title string) *world {
	out := *w
	out.t, out.crowded, out.about = t, true, []string{title}
	out.users, out.passed, out.refuse = map[string]*visitor{}, map[string]bool{}, map[string]bool{}
	for login, v := range w.users {
		own := *v
		own.w = &out
		out.users[login] = &own
	}
	return &out
}

// recruit puts experts into the pool, each of an own unit and of the class that
// the first letter of its name tells.
func (w *world) recruit(first int, shorts ...string) {
	w.t.Helper()
	units := []string{"单位名称,统一社会信用代码,单位类型,区内外,可作联合实施单位,条件证明"}
	rows := []string{"姓名,性别,证件类型,证件号码,邮箱,职称,单位信用代码,区内外,专家库,类别,学科代码,工作经历"}
	for i, short := range shorts {
		code := rbac.MakeCreditCode(5000 + 7*(first+i))
		class := map[byte]string{'m': "管理", 'f': "财务"}[short[0]]
		if class == "" {
			class = "同行技术"
		}
		units = append(units, fmt.Sprintf("单位of-%s,%s,科研院所,区内,否,", short, code))
		rows = append(rows, fmt.Sprintf("专家%s,男,居民身份证,%s,%s@example.cn,研究员,%s,区内,技术,%s,520.20,%s|研究员|2010-07-01|", short, resident(first+i, 1981), short, code, class, code))
	}
	w.users["officer"].importFile("units.csv", "/api/units/import", strings.Join(units, "\n"), nil).is(w.t, 201)
	w.users["keeper"].importFile("experts.csv", "/api/experts/import", strings.Join(rows, "\n"), nil).is(w.t, 201)
	var found []struct{ ID, Name string }
	w.all("keeper", "/api/experts?state=proposed", &found)
	var ids []string
	for _, e := range found {
		w.experts[strings.TrimPrefix(e.Name, "专家")] = e.ID
		ids = append(ids, e.ID)
	}
	require.Len(w.t, ids, len(shorts))
	w.users["director"].ok("POST", "/api/experts/admit", map[string]any{"expert_ids": ids})
}

func (s *story) say(format string, args ...any) { s.t.Logf("· "+format, args...) }

// TestStory is the whole review alone on its server, and with another review
// going on at the same time; scripts/review runs it on both databases.
func TestStory(t *testing.T) {
	technical := func(of string) (shorts []string) {
		for i := range 9 {
			shorts = append(shorts, fmt.Sprintf("%s%d", of, i))
		}
		return shorts
	}
	for _, groups := range [][]string{{"a"}, {"a", "b"}} {
		name := map[int]string{1: "alone", 2: "concurrent"}[len(groups)]
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.populate()
			var stories []*story
			for i, group := range groups {
				shorts := technical(group)
				w.recruit(700+20*i, append(slices.Clone(shorts), fmt.Sprintf("m%d", 10+i), fmt.Sprintf("f%d", 10+i), fmt.Sprintf("f%d", 20+i))...)
				s := &story{world: w}
				s.programme = w.programme("major", shorts...)
				stories = append(stories, s)
			}
			w.at(2025, 4, 2, 9)
			t.Run("review", func(t *testing.T) {
				for i, s := range stories {
					title := fmt.Sprintf("专项%s评审", groups[i])
					t.Run(groups[i], func(t *testing.T) {
						t.Parallel()
						s.world = w.beside(t, title)
						s.crowded = len(groups) > 1
						s.run(20*i, title)
						s.report()
					})
				}
			})
			if t.Failed() {
				return
			}
			w.at(2025, 4, 20, 9)
			for _, s := range stories {
				s.world = w
				s.confirm()
			}
			w.sound()
			w.verified(name, stories)
		})
	}
}

// run is the story up to the publicity of the changed list.
func (s *story) run(n int, title string) {
	t, officer, director, supervisor := s.t, s.users["officer"], s.users["director"], s.users["supervisor"]
	s.say("【%s】经办编制、领导审定、经办发布指南", title)
	s.guide = s.world.guide(guideBody(s.programme, item("A1", "major", false, 25000000), item("A2", "major", true, 25000000)))
	level := map[string]float64{}
	for i := range 12 {
		body := s.application(s.guide, "A1", n+i)
		if i == 1 {
			body = s.application(s.guide, "A2", n+i)
			body["joint_units"] = []string{s.units["dept"]}
		}
		id := s.accepted(fmt.Sprintf("lead%d", (n+i)%6), body)
		s.applications, level[id] = append(s.applications, id), 57-1.5*float64(i)
	}
	s.say("【%s】12项申报由牵头单位提交（其中1项由联合实施单位推荐），经办形式审查", title)
	body := reviewBody(s.guide, 3, 1, 1, s.applications...)
	body["title"] = title
	s.review = officer.ok("POST", "/api/reviews", body).text(t, "result.id")
	r := "/api/reviews/" + s.review

	frozen := officer.ok("POST", r+"/freeze", map[string]any{})
	d, frame := "/api/draws/"+frozen.text(t, "result.draw_id"), frozen.text(t, "result.frame_hash")
	officer.ok("POST", d+"/commit", map[string]any{"commitment": draw.Commit(frame, "bureau", strings.Repeat("0a", 32))})
	director.ok("POST", d+"/void", because("监督设备故障，无法承诺"))
	require.Equal(t, "void", supervisor.ok("POST", d+"/void", because("监督设备故障，无法承诺")).text(t, "result.state"))
	s.say("【%s】第一次抽取：领导与监督都同意作废", title)
	frozen = officer.ok("POST", r+"/freeze", map[string]any{})
	s.draws = append(s.draws, frozen.text(t, "result.draw_id"))
	s.drawNow(s.draws[0], frozen.text(t, "result.frame_hash"))
	s.say("【%s】第二次抽取：局方与监督承诺、揭示，抽出专家组", title)

	declined := 0
	for _, class := range []string{"technical", "finance"} {
		for _, x := range s.live(s.review, class)[:1] {
			s.reply(x, false)
			declined++
		}
	}
	s.seatAll(s.review)
	s.say("【%s】%d名专家谢绝，候补依次递补，全部接受", title, declined)
	officer.ok("POST", r+"/confirm", map[string]any{})

	panel := slices.DeleteFunc(s.live(s.review, ""), func(x seat) bool { return x.ApplicationID != "" })
	for _, x := range panel {
		s.expert(x).ok("POST", r+"/pledge", map[string]any{"password": password})
	}
	technical := slices.DeleteFunc(slices.Clone(panel), func(x seat) bool { return x.Class != "technical" })
	management := slices.DeleteFunc(slices.Clone(panel), func(x seat) bool { return x.Class != "management" })
	for application, x := range map[string]seat{s.applications[3]: technical[0], s.applications[4]: management[0]} {
		asked := s.expert(x).ok("POST", r+"/declare", map[string]any{"application_id": application, "clear": false, "kind": "cooperation", "reason": "与项目成员合著论文"}).text(t, "result.id")
		officer.ok("POST", "/api/declarations/"+asked+"/approve", map[string]any{})
	}
	s.seatAll(s.review)
	s.declareAll(s.review)
	s.say("【%s】专家签承诺书、逐项声明；2名专家各就一项申请回避，经办批准，候补仅就该项递补", title)
	officer.ok("POST", r+"/start", map[string]any{})
	officer.ok("POST", "/api/seats/"+technical[1].ID+"/absent", map[string]any{"application_id": s.applications[5], "reason": "上午另有会议"})
	s.seatAll(s.review)
	s.declareAll(s.review)
	s.say("【%s】1名专家缺席一项，候补递补", title)

	s.markAll(s.review, func(id string) float64 { return level[id] - 1 })
	s.chair = s.open(s.review)
	officer.ok("POST", r+"/redo", because("评分开始前材料展示有误"))
	supervisor.ok("POST", r+"/approve_redo", map[string]any{})
	s.say("【%s】评分、开启之后，经办申请、监督同意环节重评：旧表作废留存", title)
	s.markAll(s.review, func(id string) float64 { return level[id] })
	s.chair.ok("POST", r+"/open", map[string]any{})
	supervisor.ok("POST", r+"/open", map[string]any{})
	s.sign(s.review, s.chair)
	s.users["joint"].ok("POST", r+"/participate", map[string]any{"name": "周敏", "post": "科技科科长", "opinion": "同意评审意见", "password": password, "marks": jointMarks(55, s.applications[1])})
	officer.ok("POST", r+"/close", map[string]any{})
	s.say("【%s】重新评分、组长与监督开启、签字、联合实施单位参与，评审结束", title)

	s.list = officer.ok("POST", "/api/lists", map[string]any{"guide_id": s.guide}).text(t, "result.id")
	require.Equal(t, "PPPRRRRRRRRR", s.choices())
	s.agreed(1)
	officer.ok("POST", "/api/lists/"+s.list+"/publicise", map[string]any{})
	s.say("【%s】清单：联合实施单位、联席会议、财政局意见，领导审议，公示", title)
	objection := s.stranger().ok("POST", "/api/publicities/"+s.list+"/object", map[string]any{"application_id": s.applications[0], "name": "刘建国", "contact": "13900000000", "text": "该项目与既有成果重复，附查新报告。"}).text(t, "result.id")
	for _, move := range []string{"accept", "investigate", "uphold"} {
		supervisor.ok("POST", "/api/objections/"+objection+"/"+move, map[string]any{"answer": "经调阅查新报告，情况属实"})
	}
	s.list = officer.ok("POST", "/api/lists", map[string]any{"guide_id": s.guide, "reason": "异议成立后调整"}).text(t, "result.id")
	var choices []any
	for i, id := range s.applications[:4] {
		choices = append(choices, map[string]any{"application_id": id, "choice": []string{"declined", "proposed", "proposed", "proposed"}[i], "reason": "第一名异议成立，依次递补"})
	}
	officer.ok("POST", "/api/lists/"+s.list+"/adjust", map[string]any{"version": 1, "choices": choices})
	require.Equal(t, "DPPPRRRRRRRR", s.choices())
	s.agreed(2)
	officer.ok("POST", "/api/lists/"+s.list+"/publicise", map[string]any{})
	s.say("【%s】监督认定1件异议成立：第一名不立项，第四名递补，重新审议、公示", title)
}

// agreed has all say yes to a version of the list.
func (s *story) agreed(version int) {
	s.users["joint"].ok("POST", "/api/lists/"+s.list+"/conclude", s.conclusion(s.list, version, s.users["joint"], "joint_unit"))
	s.conclude(s.list, version)
	s.users["director"].ok("POST", "/api/lists/"+s.list+"/deliberate", map[string]any{})
}

// choices are the list's, by rank: P proposed, R reserve, D declined.
func (s *story) choices() string {
	lines := s.lines(s.list)
	slices.SortFunc(lines, func(a, b reviewing.Line) int { return a.Rank - b.Rank })
	out := ""
	for i, line := range lines {
		require.Equal(s.t, s.applications[i], line.ApplicationID, "the order of the marks")
		out += strings.ToUpper(string(line.Choice)[:1])
	}
	return out
}

func (s *story) confirm() {
	officer := s.users["officer"]
	officer.ok("POST", "/api/lists/"+s.list+"/confirm", map[string]any{})
	for i, id := range s.applications {
		want := "reserve"
		if i < 4 {
			want = []string{"declined", "awarded", "awarded", "awarded"}[i]
		}
		assert.Equal(s.t, want, officer.do("GET", "/api/applications/"+id, nil).is(s.t, 200).text(s.t, "state"))
	}
	s.say("公示期满，清单确认：3项立项")
}

var mailedHead = regexp.MustCompile(`(?m)^(\d+):([0-9a-f]{64})$`)

// verified exports what an outsider gets, recomputes it, and leaves it for
// others to do so; with KEPING_SHARED the published verifiers do it here too.
func (w *world) verified(name string, stories []*story) {
	t := w.t
	folder := t.TempDir()
	if *storyOut != "" {
		folder = filepath.Join(*storyOut, name)
		require.NoError(t, os.MkdirAll(folder, 0o755))
	}
	save := func(file, by, path string) []byte {
		data := []byte(w.users[by].do("GET", path, nil).is(t, 200).body)
		require.NoError(t, os.WriteFile(filepath.Join(folder, file), data, 0o644))
		return data
	}
	for i, s := range stories {
		opinion := w.secondOpinion(s.review)
		w.replayed(s.review, opinion)
		require.NotZero(t, opinion.Places, "scripts/review gives no costs")
		for _, file := range []string{"scores.csv", "ranking.csv", "report.json"} {
			save(fmt.Sprintf("opinion-%d-%s", i+1, file), "supervisor", "/api/reviews/"+s.review+"/second_opinion/"+file)
		}
		require.NoError(t, os.WriteFile(filepath.Join(folder, fmt.Sprintf("opinion-%d.args", i+1)), []byte(arguments(opinion)+"\n"), 0o644))
	}
	lines := save("journal.jsonl", "supervisor", "/api/journal/export")
	var sent struct{ Items []struct{} }
	require.NoError(t, json.Unmarshal([]byte(w.users["supervisor"].do("GET", "/api/journal/checkpoints?limit=200", nil).is(t, 200).body), &sent))
	require.GreaterOrEqual(t, len(sent.Items), 8*len(stories), "at every freeze, opening, closing and publicity")
	var heads []journal.Checkpoint // as they lie in the supervisor's mail
	var printed strings.Builder
	require.Eventually(t, func() bool {
		heads = nil
		printed.Reset()
		for _, mail := range w.box.Mails("supervisor@example.cn") {
			for _, m := range mailedHead.FindAllStringSubmatch(strings.ReplaceAll(mail, "\r", ""), -1) {
				c := journal.Checkpoint{Hash: m[2]}
				if json.Unmarshal([]byte(m[1]), &c.Seq) == nil {
					heads = append(heads, c)
					fmt.Fprintln(&printed, m[0])
				}
			}
		}
		return len(heads) == len(sent.Items)
	}, 20*time.Second, 20*time.Millisecond, "every checkpoint is mailed")
	require.NoError(t, os.WriteFile(filepath.Join(folder, "heads.txt"), []byte(printed.String()), 0o644))
	_, err := journal.Verify(bytes.NewReader(lines), heads, nil)
	require.NoError(t, err)
	var commands [][]string
	journalFile := filepath.Join(folder, "journal.jsonl")
	command := []string{"journal.py", journalFile}
	for _, h := range heads {
		command = append(command, "--head", h.String())
	}
	commands = append(commands, command)
	for i, s := range stories {
		for n, id := range s.draws {
			file := fmt.Sprintf("draw-%d-%d.json", i+1, n+1)
			record, err := draw.ParseRecord(save(file, "officer", "/api/draws/"+id+"/record"))
			require.NoError(t, err)
			require.NoError(t, draw.Verify(record))
			require.NoError(t, draw.VerifyJournal(record, bytes.NewReader(lines)))
			reasons := map[string]int{}
			for _, v := range record.Vacancies {
				if v.Application == "" {
					reasons["panel"]++
				} else {
					reasons["application"]++
				}
			}
			assert.GreaterOrEqual(t, reasons["panel"], 2, "two declined")
			assert.GreaterOrEqual(t, reasons["application"], 3, "two recused, one absent")
			commands = append(commands, []string{"draw.py", "verify", filepath.Join(folder, file), "--journal", journalFile})
		}
		file := fmt.Sprintf("ranking-%d.json", i+1)
		record, err := rank.ParseRecord(save(file, "officer", "/api/reviews/"+s.review+"/ranking?format=json"))
		require.NoError(t, err)
		require.NoError(t, rank.Verify(record))
		require.NoError(t, rank.VerifyJournal(record, bytes.NewReader(lines)))
		commands = append(commands, []string{"official.py", "verify", filepath.Join(folder, file), "--journal", journalFile})
	}
	acts := map[string]int{}
	for _, line := range strings.Split(strings.TrimSpace(string(lines)), "\n") {
		var e journal.Entry
		require.NoError(t, json.Unmarshal([]byte(line), &e))
		role, _, _ := strings.Cut(e.Actor, ":")
		acts[role]++
	}
	roles := []string{"pool_keeper", "officer", "director", "supervisor", "finance", "conference", "unit", "joint_unit", "expert"}
	assert.Subset(t, slices.Collect(maps.Keys(acts)), roles)
	shared := os.Getenv("KEPING_SHARED")
	if shared == "" {
		t.Log("KEPING_SHARED names no folder: the published verifiers were not run, only the project's own")
		return
	}
	for _, c := range commands {
		said, err := exec.Command("python3", append([]string{filepath.Join(shared, "check", c[0])}, c[1:]...)...).CombinedOutput()
		require.NoError(t, err, "%s: %s", c[0], said)
	}
	t.Logf("· 公开的验证程序也已核对%d份记录", len(commands))
}
