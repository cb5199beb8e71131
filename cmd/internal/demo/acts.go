package demo

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"keping/rbac"
	"keping/reviewing"
)

type idRow struct {
	ID      string `json:"id"`
	Version int    `json:"version"`
}

type reviewRow struct {
	ID, Number, State string
	Version           int
	programme         string
	applications      []reviewing.Application
}

// yearData is a programme year of the story.
type yearData struct{ id, guide, kind, title string }

func (s *story) programmes() error {
	s.chapter("年度专项与专家组：会同主管部门推荐（R-018），领导审定")
	officer, director := s.users["officer"], s.users["director"]
	department := s.unitIDs[s.units[2].code]
	s.years["major"] = &yearData{kind: "major", title: "智能驾驶与生命健康重大专项"}
	s.years["key"] = &yearData{kind: "key", title: "绿色低碳重点专项"}
	for _, key := range []string{"major", "key"} {
		y := s.years[key]
		p, err := act[struct{ ID, Code string }](officer, "/api/programmes", map[string]any{"kind": y.kind, "year": 2025, "name": y.title, "basis": "沙委发〔2025〕3号"})
		if err != nil {
			return err
		}
		y.id = p.ID
		var members []string
		for i := range 84 {
			// The two groups share nobody; experts 40 to 44 stay in the pool for the planted conflicts.
			if (i%2 == 0) == (key == "major") && (i < 40 || i > 44) {
				members = append(members, s.expert(i).ID)
			}
		}
		path := "/api/programmes/" + p.ID
		if key == "major" {
			_, err := officer.call("POST", path+"/recommend", map[string]any{"kind": "technical", "expert_ids": members, "departments": []string{}, "document": "推荐函"})
			if err := s.refused(err, "R-018"); err != nil {
				return err
			}
			body := map[string]any{"kind": "technical", "expert_ids": members, "departments": []string{department}, "document": "沙经信函〔2025〕8号"}
			_, err = officer.call("POST", path+"/recommend", body)
			if err := s.refused(err, "R-022"); err != nil {
				return err
			}
			if _, err := act[idRow](director, "/api/releases", map[string]any{"rule": "R-022", "object": "expert/" + s.expert(2).ID, "reason": "领域内区内唯一的高水平专家，经研究同意"}); err != nil {
				return err
			}
			s.say("✓ 科技局领导说明理由，放行一名超龄成员（软规则R-022，随清单印出）")
		}
		if _, err := officer.call("POST", path+"/recommend", map[string]any{"kind": "technical", "expert_ids": members, "departments": []string{department}, "document": "沙经信函〔2025〕8号"}); err != nil {
			return err
		}
		if _, err := director.call("POST", path+"/approve_group", map[string]any{"kind": "technical"}); err != nil {
			return err
		}
		s.say("✓ %s %s：技术专家组%d人在任", p.Code, y.title, len(members))
	}
	return nil
}

func criteria(kind string) []map[string]any {
	line := func(code, name string, points int, classes ...string) map[string]any {
		if classes == nil {
			classes = []string{}
		}
		return map[string]any{"code": code, "name": name, "weight": 10000, "maximum": points * 100, "step": 50, "classes": classes,
			"bands": []map[string]any{{"low": points * 80, "high": points * 100, "text": "优"}, {"low": points * 60, "high": points * 80, "text": "良"}, {"low": 0, "high": points * 60, "text": "一般"}}}
	}
	if kind == "major" { // finance experts mark the budget only
		return []map[string]any{line("need", "需求契合", 15, "technical", "management"), line("innovation", "创新性与先进性", 25, "technical", "management"),
			line("route", "技术路线可行性", 20, "technical", "management"), line("team", "团队与基础", 15, "technical", "management"),
			line("industry", "产业带动与成果转化", 15, "technical", "management"), line("budget", "预算合理性", 10)}
	}
	return []map[string]any{line("innovation", "创新性", 40), line("plan", "方案与路线", 40), line("budget", "预算合理性", 20)}
}

func (s *story) guideOf(y *yearData) map[string]any {
	item := func(code, title string, joint bool, fen int) map[string]any {
		return map[string]any{"code": code, "kind": y.kind, "title": title, "problem": "突破关键核心技术", "joint": joint, "fiscal_fen": fen, "months": 24, "mode": "open",
			"indicators": []map[string]any{{"name": "样机定位误差", "unit": "厘米", "direction": "le", "target": "5"}}}
	}
	g := map[string]any{"programme_id": y.id, "title": "2025年度" + y.title + "申报指南", "criteria": criteria(y.kind), "method": "trimmed", "ties": []string{"criterion:innovation", "draw"},
		"pass_line": 6000, "places": 8, "budget_fen": 200000000, "opens_at": "2025-04-01T00:00:00Z", "closes_at": "2025-04-30T16:00:00Z"}
	if y.kind == "major" {
		g["items"] = []map[string]any{item("A1", "智能驾驶关键部件", false, 25000000), item("A2", "部门协同示范", true, 25000000)}
	} else {
		g["items"] = []map[string]any{item("B1", "绿色低碳技术", false, 9000000)}
		g["budget_fen"], g["places"] = 70000000, 7
	}
	return g
}

func (s *story) intake() error {
	s.chapter("申报指南：领导审定后发布（R-055），评分表、计分方法、并列处理一并锁定")
	officer, director := s.users["officer"], s.users["director"]
	s.at(2025, 3, 20, 9)
	for _, key := range []string{"major", "key"} {
		y := s.years[key]
		g, err := act[idRow](officer, "/api/guides", s.guideOf(y))
		if err != nil {
			return err
		}
		y.guide = g.ID
		if key == "major" {
			_, err := officer.call("POST", "/api/guides/"+g.ID+"/publish", map[string]any{"version": 1})
			if err := s.refused(err, "R-055"); err != nil {
				return err
			}
		}
		if _, err := director.call("POST", "/api/guides/"+g.ID+"/approve", map[string]any{"version": 1}); err != nil {
			return err
		}
		if _, err := officer.call("POST", "/api/guides/"+g.ID+"/publish", map[string]any{"version": 2}); err != nil {
			return err
		}
		s.say("✓ 《2025年度%s申报指南》已发布", y.title)
	}
	s.chapter("申报：导入的是草稿，由牵头单位核对后在受理期内提交（R-057）")
	rows := applicationsOf(s.units, s.experts)
	// Article 7 forbids: a member of the major programme's technical group leads.
	forbidden := rows[17]
	forbidden.title, forbidden.leader, forbidden.document = "车载计算平台关键技术研究", s.experts[0].name, s.experts[0].document
	byProgramme := map[string][]applicationData{"major": {forbidden}}
	for _, r := range rows {
		byProgramme[r.programme] = append(byProgramme[r.programme], r)
	}
	for i := range 15 {
		unit := s.units[25+i]
		if err := s.user(fmt.Sprintf("unit%02d", i+1), unit.name+"管理员", s.unitIDs[unit.code], rbac.UnitAdmin); err != nil {
			return err
		}
	}
	if err := s.user("joint", "区经信委科技科", s.unitIDs[s.units[2].code], rbac.JointUnit); err != nil {
		return err
	}
	for key, name := range map[string]string{"major": "applications.xlsx", "key": "applications-key.xlsx"} {
		book, err := applicationBook(byProgramme[key])
		if err != nil {
			return err
		}
		if err := s.importFile("officer", name, "/api/applications/import", book, map[string]any{"guide_id": s.years[key].guide}); err != nil {
			return err
		}
	}
	s.at(2025, 3, 28, 9)
	apps, err := all[reviewing.Application](officer, "/api/applications")
	if err != nil {
		return err
	}
	lead := map[string]string{}
	for i := range 15 {
		lead[s.unitIDs[s.units[25+i].code]] = fmt.Sprintf("unit%02d", i+1)
	}
	early := apps[len(apps)-1]
	_, err = s.users[lead[early.LeadUnitID]].call("POST", "/api/applications/"+early.ID+"/submit", map[string]any{"version": early.Version})
	if err := s.refused(err, "R-057"); err != nil {
		return err
	}
	s.at(2025, 4, 10, 9)
	first := true
	for _, a := range apps {
		unit := s.users[lead[a.LeadUnitID]]
		path := "/api/applications/" + a.ID
		if a.ProgrammeID == s.years["major"].id {
			total := a.FiscalFen + a.JointFen + a.SelfFen
			if first {
				_, err := unit.call("POST", path+"/submit", map[string]any{"version": a.Version})
				if err := s.refused(err, "R-060"); err != nil {
					return err
				}
				first = false
			}
			if _, err := unit.call("POST", path+"/budget", map[string]any{"version": a.Version, "budget": []map[string]any{{"name": "设备费", "fen": total / 2}, {"name": "业务费", "fen": total - total/2}}}); err != nil {
				return err
			}
			a.Version++
		}
		if a.Title == avoiding {
			if err := s.avoid(unit, &a); err != nil {
				return err
			}
		}
		if a.Joint {
			if _, err := s.users["joint"].call("POST", path+"/recommend", map[string]any{}); err != nil {
				return err
			}
		}
		if a.Title == forbidden.title {
			_, err := unit.call("POST", path+"/submit", map[string]any{"version": a.Version})
			if err := s.refused(err, "R-023"); err != nil {
				return err
			}
			if err := s.barredBothWays(a); err != nil {
				return err
			}
			if _, err := unit.call("POST", path+"/withdraw", map[string]any{"version": a.Version, "reason": "负责人为技术专家组成员"}); err != nil {
				return err
			}
			continue
		}
		if _, err := unit.call("POST", path+"/submit", map[string]any{"version": a.Version}); err != nil {
			return err
		}
		if _, err := officer.call("POST", path+"/screen", map[string]any{"version": a.Version + 1, "verdict": "accept"}); err != nil {
			return err
		}
	}
	s.say("✓ 36项提交并通过形式审查；1项因负责人是技术专家组成员被拒绝后撤回")
	s.say("✓ 与技术专家组成员同名、单位和出生年份均不同的负责人未被误拦（R-026近似例）")
	return nil
}

// barredBothWays: article 7 speaks from the panel's side too.
func (s *story) barredBothWays(a reviewing.Application) error {
	found, err := act0[struct{ Items []struct{ Kind string } }](s.users["officer"], "/api/conflicts/check",
		map[string]any{"programme_id": a.ProgrammeID, "expert_ids": []string{s.expert(0).ID}, "application_ids": []string{a.ID}})
	if err != nil {
		return err
	}
	for _, r := range found.Items {
		if r.Kind == "technical_group" {
			s.say("✓ 从专家一侧检查同样命中：technical_group（第七条，双向）")
			return nil
		}
	}
	return errors.New("技术专家组成员牵头未被回避检查发现")
}

func (s *story) unitName(code string) string {
	for _, u := range s.units {
		if u.code == code {
			return u.name
		}
	}
	return ""
}

// avoid has a unit ask, with a reason, to keep one expert away from its
// application. The imported draft is filled in as a unit would.
func (s *story) avoid(unit *client, a *reviewing.Application) error {
	_, err := unit.call("POST", "/api/applications/"+a.ID+"/avoid", map[string]any{"version": a.Version,
		"avoid": []map[string]any{{"name": s.experts[64].name, "unit": s.unitName(s.experts[64].unit), "reason": "该专家与本团队存在公开的学术争议"}}})
	a.Version++
	return err
}

// plant declares the ties that must, and the near misses that must not, make conflicts.
func (s *story) plant() error {
	keeper, officer := s.users["keeper"], s.users["officer"]
	apps, err := all[reviewing.Application](officer, "/api/applications?guide_id="+s.years["major"].guide+"&state=accepted")
	if err != nil {
		return err
	}
	first, second := apps[0], apps[1]
	tie := func(i int, tie map[string]any) error {
		e := s.expert(i)
		_, err := write[idRow](keeper, "PATCH", "/api/experts/"+e.ID, map[string]any{"version": e.Version + 1, "ties": []map[string]any{tie}})
		return err
	}
	nobody := s.expert(160).Person
	// Each stands beside its near miss: the same kind to somebody not in the review, or long ago.
	for i, t := range []map[string]any{
		{"kind": "adviser", "person_id": first.LeaderID}, {"kind": "adviser", "person_id": nobody},
		{"kind": "kin", "person_id": second.LeaderID}, {"kind": "kin", "person_id": nobody},
		{"kind": "economic", "unit_id": first.LeadUnitID}, {"kind": "economic", "unit_id": s.unitIDs[s.units[16].code]},
		{"kind": "cooperation", "person_id": first.LeaderID, "last": "2024-05-01"}, {"kind": "cooperation", "person_id": first.LeaderID, "last": "2021-05-01"},
	} {
		if err := tie(46+i*2, t); err != nil { // even numbers: of the major programme's group
			return err
		}
	}
	s.say("✓ 登记师生、亲属、经济、合作关系各一例，并各配一个不应触发的近似例")
	return nil
}

func (s *story) reviews() error {
	officer := s.users["officer"]
	s.at(2025, 5, 12, 9)
	s.chapter("回避检查：同单位、曾任职、师生、亲属、经济利益、合作、共同成员、事实不全")
	if err := s.plant(); err != nil {
		return err
	}
	kinds := map[string]int{}
	for _, key := range []string{"major", "key"} {
		found, err := act0[struct {
			Items []struct{ Kind, Level string }
		}](officer, "/api/conflicts/check", map[string]any{"programme_id": s.years[key].id})
		if err != nil {
			return err
		}
		for _, r := range found.Items {
			kinds[r.Kind+"/"+r.Level]++
		}
	}
	var names []string
	for k := range kinds {
		names = append(names, k)
	}
	slices.Sort(names)
	for _, k := range names {
		s.say("%-26s %d例", k, kinds[k])
	}
	for _, want := range []string{"own_application/hard", "same_unit/hard", "past_unit/ask", "adviser/hard", "kin/hard", "economic/hard", "cooperation/ask", "co_member/ask", "named/ask", "facts_missing/unknown"} {
		if kinds[want] == 0 {
			return fmt.Errorf("预设的回避情形%s没有触发", want)
		}
	}
	var batches []*reviewRow
	for _, b := range []struct {
		key  string
		size int
	}{{"major", 12}, {"major", 6}, {"key", 10}, {"key", 8}} {
		apps, err := all[reviewing.Application](officer, "/api/applications?guide_id="+s.years[b.key].guide+"&state=accepted")
		if err != nil {
			return err
		}
		apps = apps[:b.size]
		var ids []string
		for _, a := range apps {
			ids = append(ids, a.ID)
		}
		body := map[string]any{"guide_id": s.years[b.key].guide, "title": fmt.Sprintf("2025年%s立项评审（%d项）", s.years[b.key].title, b.size), "application_ids": ids,
			"technical": 2, "management": 1, "finance": 1, "meeting_day": "2025-05-20"}
		if len(batches) == 0 {
			_, err := officer.call("POST", "/api/reviews", body)
			if err := s.refused(err, "R-063"); err != nil {
				return err
			}
		}
		body["technical"] = 3
		r, err := act[reviewRow](officer, "/api/reviews", body)
		if err != nil {
			return err
		}
		r.programme, r.applications = b.key, apps
		batches = append(batches, &r)
	}
	for i, r := range batches {
		s.chapter("评审批次 %s：%d项", r.Number, len(r.applications))
		if err := s.review(i, r); err != nil {
			return fmt.Errorf("%s：%w", r.Number, err)
		}
	}
	return nil
}

// act0 posts something that answers without {result}.
func act0[R any](c *client, path string, body any) (R, error) {
	data, err := c.call("POST", path, body)
	var out R
	if err != nil {
		return out, err
	}
	return out, unmarshal(data, &out)
}

type seatRow struct {
	ID, Code, Class, State, Name string
	ApplicationID                string `json:"application_id"`
}

// review runs one review from the frame to its closing.
func (s *story) review(n int, r *reviewRow) error {
	officer := s.users["officer"]
	path := "/api/reviews/" + r.ID
	s.at(2025, 5, 13+n, 9)
	freeze, err := act[struct {
		DrawID    string `json:"draw_id"`
		FrameHash string `json:"frame_hash"`
	}](officer, path+"/freeze", map[string]any{})
	var p *problem
	if errors.As(err, &p) && len(p.Verdicts) > 0 && p.Verdicts[0].Verdict == "unknown" {
		s.say("✗ 候选名单不能锁定：%d项情形待经办处理", len(p.Verdicts))
		for _, v := range p.Verdicts {
			decision, reason := "dismissed", "核实后确认不影响公正评审"
			if v.Rule == "facts_missing" {
				decision, reason = "pinned", "工作经历无法核实，本次不列入候选"
			}
			if _, err := officer.call("POST", "/api/conflicts/decide", map[string]any{"programme_id": s.years[r.programme].id, "expert_id": v.Inputs["expert"], "key": v.Inputs["key"], "decision": decision, "reason": reason}); err != nil {
				return err
			}
		}
		s.say("✓ 逐项处理并说明理由，证据未变不再询问")
		freeze, err = act[struct {
			DrawID    string `json:"draw_id"`
			FrameHash string `json:"frame_hash"`
		}](officer, path+"/freeze", map[string]any{})
	}
	if err != nil {
		return err
	}
	s.say("✓ 候选名单已锁定，摘要%.16s…；局方与监督各自承诺、揭示", freeze.FrameHash)
	if err := s.drawNow(freeze.DrawID, freeze.FrameHash); err != nil {
		return err
	}
	declined := n != 0
	for range 4 {
		seats, err := read[page[seatRow]](officer, path+"/seats")
		if err != nil {
			return err
		}
		waiting := 0
		for _, seat := range seats.Items {
			if seat.State != "invited" {
				continue
			}
			waiting++
			if err := s.reply(seat, !declined && seat.Class == "technical"); err != nil {
				return err
			}
			if !declined && seat.Class == "technical" {
				declined = true
				s.say("✓ 一名专家谢绝，由候补依次递补")
			}
		}
		if waiting == 0 {
			break
		}
	}
	if _, err := officer.call("POST", path+"/confirm", map[string]any{}); err != nil {
		return err
	}
	if err := s.declareAll(r, n == 1); err != nil {
		return err
	}
	if _, err := officer.call("POST", path+"/start", map[string]any{}); err != nil {
		return err
	}
	s.say("✓ 专家组三类齐全、不少于5人（R-063至R-065），承诺与逐项声明完成，开始评分")
	if err := s.mark(r, n == 2); err != nil {
		return err
	}
	seats, err := read[page[seatRow]](officer, path+"/seats")
	if err != nil {
		return err
	}
	if slices.ContainsFunc(r.applications, func(a reviewing.Application) bool { return a.Joint }) {
		_, err := officer.call("POST", path+"/close", map[string]any{})
		if err := s.refused(err, "R-066"); err != nil {
			return err
		}
		if _, err := s.users["joint"].call("POST", path+"/participate", map[string]any{"name": "周敏", "post": "科技科科长", "opinion": "同意评审意见，承诺落实联合投入", "password": password}); err != nil {
			return err
		}
	}
	ties, err := s.settleTies(r)
	if err != nil {
		return err
	}
	if n == 2 && ties == 0 {
		return errors.New("预设的并列没有出现")
	}
	if _, err := officer.call("POST", path+"/close", map[string]any{}); err != nil {
		return err
	}
	s.say("✓ 评审结束，%d席签字，官方排名已写入记录", len(seats.Items))
	for name, file := range map[string]string{
		"/api/draws/" + freeze.DrawID + "/record": "draw-" + r.Number + ".json", path + "/ranking?format=json": "ranking-" + r.Number + ".json",
		path + "/ranking?format=csv": "ranking-" + r.Number + ".csv", path + "/marks?format=xlsx": "marks-" + r.Number + ".xlsx",
	} {
		if err := s.save("officer", name, file); err != nil {
			return err
		}
	}
	return nil
}

// settleTies draws among applications of equal marks until none is left; the
// panels are drawn by chance, so other ties than the planted one may occur.
func (s *story) settleTies(r *reviewRow) (int, error) {
	for n := 0; ; n++ {
		order, err := act[struct {
			DrawID    string `json:"draw_id"`
			FrameHash string `json:"frame_hash"`
		}](s.users["officer"], "/api/reviews/"+r.ID+"/order", map[string]any{})
		var none *problem
		if errors.As(err, &none) && none.Status == http.StatusConflict {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		if err := s.drawNow(order.DrawID, order.FrameHash); err != nil {
			return n, err
		}
		s.say("✓ 同分项目按指南写明的办法抽签排定")
		name := "order-" + r.Number + ".json"
		if n > 0 {
			name = fmt.Sprintf("order-%s-%d.json", r.Number, n+1)
		}
		if err := s.save("officer", "/api/draws/"+order.DrawID+"/record", name); err != nil {
			return n, err
		}
	}
}

// reply answers an invitation by the mailed link; the first acceptance makes the login.
func (s *story) reply(seat seatRow, decline bool) error {
	mail := ""
	for address, e := range s.byName {
		if e.Name == seat.Name && slices.Contains(e.Classes, seat.Class) {
			if token, err := s.box.Peek(address); err == nil {
				mail = address
				body := map[string]any{"token": token, "accept": !decline, "password": password, "consent": true}
				if decline {
					body["reason"] = "当日有教学任务"
				}
				got, err := act[struct{ Login string }](newClient(s.base, "expert"), "/api/invitations/reply", body)
				if err != nil {
					return err
				}
				if !decline {
					if err := s.signIn(got.Login); err != nil {
						return err
					}
					s.users[seat.Name+seat.Class] = s.users[got.Login]
				}
				break
			}
		}
	}
	if mail == "" {
		return fmt.Errorf("没有%s的邀请邮件", seat.Name)
	}
	return nil
}

type paperRow struct{ ID, Declared string }

// declareAll pledges and declares for every seat; with recuse one expert asks
// to be recused from one application, and a substitute takes the seat there.
func (s *story) declareAll(r *reviewRow, recuse bool) error {
	officer := s.users["officer"]
	path := "/api/reviews/" + r.ID
	for round := range 3 {
		seats, err := read[page[seatRow]](officer, path+"/seats")
		if err != nil {
			return err
		}
		busy := false
		for _, seat := range seats.Items {
			if seat.State == "invited" {
				busy = true
				if err := s.reply(seat, false); err != nil {
					return err
				}
				seat.State = "accepted"
			}
			if seat.State != "accepted" {
				continue
			}
			busy = true
			c := s.users[seat.Name+seat.Class]
			if _, err := c.call("POST", path+"/pledge", map[string]any{"password": password}); err != nil {
				return err
			}
			papers, err := read[page[paperRow]](c, path+"/papers")
			if err != nil {
				return err
			}
			for i, paper := range papers.Items {
				body := map[string]any{"application_id": paper.ID, "clear": true}
				if recuse && round == 0 && i == 0 && (seat.Class == "management" || seat.Class == "finance") {
					body = map[string]any{"application_id": paper.ID, "clear": false, "kind": "cooperation", "reason": "与项目成员合著论文"}
				}
				d, err := act[struct{ ID, State string }](c, path+"/declare", body)
				if err != nil {
					return err
				}
				if d.State == "pending" && seat.Class == "finance" {
					if _, err := officer.call("POST", "/api/declarations/"+d.ID+"/reject", map[string]any{}); err != nil {
						return err
					}
					if _, err := c.call("POST", path+"/declare", map[string]any{"application_id": paper.ID, "clear": true}); err != nil {
						return err
					}
					s.say("✓ 一名财务专家的回避申请理由不成立，驳回后恢复查阅（declared近似例）")
					continue
				}
				if d.State == "pending" {
					if _, err := officer.call("POST", "/api/declarations/"+d.ID+"/approve", map[string]any{}); err != nil {
						return err
					}
					s.say("✓ 一名管理专家申请回避，立即停止其查阅；批准后仅就该项目由候补递补")
				}
			}
		}
		if !busy {
			break
		}
	}
	return nil
}

type sheetRow struct {
	ID            string
	ApplicationID string `json:"application_id"`
	Version       int
	Number        int
	State         string
}

// points is a steady pseudo-random mark between 62 % and 94 % of the maximum.
func points(key string, maximum int) float64 {
	h := fnv.New32a()
	h.Write([]byte(key))
	share := 0.62 + float64(h.Sum32()%1000)/1000*0.32
	return math.Round(float64(maximum)*share*2) / 2
}

// mark has everybody mark, elects the chair, opens with two keys, revises one
// sheet after the discussion and signs.
func (s *story) mark(r *reviewRow, tie bool) error {
	officer, supervisor := s.users["officer"], s.users["supervisor"]
	path := "/api/reviews/" + r.ID
	seats, err := read[page[seatRow]](officer, path+"/seats")
	if err != nil {
		return err
	}
	number := map[string]string{}
	for _, a := range r.applications {
		number[a.ID] = a.Number
	}
	var panel []seatRow
	chair := ""
	for _, seat := range seats.Items {
		if seat.State != "pledged" {
			continue
		}
		panel = append(panel, seat)
		if seat.ApplicationID == "" && chair == "" && seat.Class == "technical" {
			chair = seat.ID
		}
	}
	content := func(seat seatRow, sheet sheetRow, note string) map[string]any {
		var marks []map[string]any
		for _, c := range criteria(s.years[r.programme].kind) {
			classes := c["classes"].([]string)
			if len(classes) > 0 && !slices.Contains(classes, seat.Class) {
				continue
			}
			key := number[sheet.ApplicationID] + note
			if tie && slices.Contains([]string{number[r.applications[0].ID], number[r.applications[1].ID]}, number[sheet.ApplicationID]) {
				key = "tie"
			}
			marks = append(marks, map[string]any{"criterion": c["code"], "mark": points(key+seat.Code+c["code"].(string), c["maximum"].(int)/100)})
		}
		return map[string]any{"version": sheet.Version, "marks": marks, "recommendation": "recommend", "opinion": "方案可行，建议立项支持。"}
	}
	var revise func() error
	for _, seat := range panel {
		c := s.users[seat.Name+seat.Class]
		if seat.ApplicationID == "" {
			_, err := c.call("POST", path+"/vote_chair", map[string]any{"seat_id": chair})
			var p *problem
			if err != nil && !(errors.As(err, &p) && p.Status == 409) { // a majority has elected already
				return err
			}
		}
		sheets, err := read[page[sheetRow]](c, "/api/sheets?review_id="+r.ID)
		if err != nil {
			return err
		}
		for i, sheet := range sheets.Items {
			if sheet.State != "draft" {
				continue
			}
			if i == 0 && seat.ID == chair {
				body := content(seat, sheet, "")
				body["marks"].([]map[string]any)[0]["mark"] = 100.01
				_, err := c.call("POST", "/api/sheets/"+sheet.ID+"/submit", body)
				var p *problem
				if !errors.As(err, &p) || p.Status != 422 {
					return fmt.Errorf("超过满分的评分应被拒绝，实为%v", err)
				}
				s.say("✗ 评分100.01：%s", p.Detail)
				draft, err := write[sheetRow](c, "PATCH", "/api/sheets/"+sheet.ID, content(seat, sheet, ""))
				if err != nil {
					return err
				}
				sheet.Version = draft.Version
			}
			if _, err := c.call("POST", "/api/sheets/"+sheet.ID+"/submit", content(seat, sheet, "")); err != nil {
				return err
			}
			if !tie && i == 1 && seat.ID == chair {
				again := sheet
				again.Version++
				revise = func() error {
					body := content(seat, again, "讨论后")
					body["reason"] = "听取讨论后调整对技术路线的判断"
					_, err := c.call("POST", "/api/sheets/"+again.ID+"/revise", body)
					return err
				}
			}
		}
	}
	_, err = officer.call("GET", path+"/marks", nil)
	var p *problem
	if !errors.As(err, &p) || p.Status != 409 {
		return fmt.Errorf("开启前查看评分应被拒绝，实为%v", err)
	}
	s.say("✗ 开启前经办查看评分：%s", p.Detail)
	chairClient := s.users[nameOfSeat(panel, chair)]
	if _, err := chairClient.call("POST", path+"/open", map[string]any{}); err != nil {
		return err
	}
	if _, err := supervisor.call("POST", path+"/open", map[string]any{}); err != nil {
		return err
	}
	s.say("✓ 组长与监督两把钥匙开启评分，进入讨论")
	if revise != nil {
		if err := revise(); err != nil {
			return err
		}
		s.say("✓ 讨论后一份评分修改一次，理由与前后两个分数都留存")
	}
	if _, err := chairClient.call("POST", path+"/opinion", map[string]any{"text": "专家组认为申报项目总体符合指南要求，评审程序规范，意见一致。"}); err != nil {
		return err
	}
	signed := map[string]bool{}
	for _, seat := range panel {
		if signed[seat.Name] {
			continue
		}
		signed[seat.Name] = true
		if _, err := s.users[seat.Name+seat.Class].call("POST", path+"/sign", map[string]any{"password": password}); err != nil {
			return err
		}
	}
	return nil
}

func nameOfSeat(seats []seatRow, id string) string {
	for _, seat := range seats {
		if seat.ID == id {
			return seat.Name + seat.Class
		}
	}
	return ""
}

func (s *story) lists() error {
	officer, director, supervisor := s.users["officer"], s.users["director"], s.users["supervisor"]
	for _, key := range []string{"major", "key"} {
		s.chapter("拟立项清单：%s", s.years[key].title)
		s.at(2025, 6, 3, 9)
		l, err := act[reviewing.AwardList](officer, "/api/lists", map[string]any{"guide_id": s.years[key].guide})
		if err != nil {
			return err
		}
		path := "/api/lists/" + l.ID
		if key == "major" {
			// A better-ranked line is passed over without a reason.
			var out, in reviewing.Line
			for _, line := range l.Lines {
				if line.Choice == "proposed" && out.ApplicationID == "" {
					out = line
				}
			}
			for _, line := range l.Lines {
				if line.Choice == "reserve" && line.ReviewID == out.ReviewID {
					in = line
				}
			}
			_, err := officer.call("POST", path+"/adjust", map[string]any{"version": l.Version, "choices": []map[string]any{
				{"application_id": out.ApplicationID, "choice": "reserve"}, {"application_id": in.ApplicationID, "choice": "proposed"}}})
			if err := s.refused(err, "R-075"); err != nil {
				return err
			}
			_, err = officer.call("POST", path+"/publicise", map[string]any{})
			if err := s.refused(err, "R-073"); err != nil {
				return err
			}
			_, err = director.call("POST", path+"/deliberate", map[string]any{})
			if err := s.refused(err, "R-071"); err != nil {
				return err
			}
			proposed := slices.ContainsFunc(l.Lines, func(line reviewing.Line) bool { return line.Choice == "proposed" && line.Joint })
			if proposed {
				if _, err := s.users["joint"].call("POST", path+"/conclude", map[string]any{"version": l.Version, "kind": "joint_unit", "agreed": true, "day": "2025-06-03"}); err != nil {
					return err
				}
			}
		}
		if _, err := s.users["conference"].call("POST", path+"/conclude", map[string]any{"version": l.Version, "kind": "conference", "agreed": true, "day": "2025-06-03", "document": "联席会议纪要〔2025〕2号"}); err != nil {
			return err
		}
		if _, err := s.users["finance"].call("POST", path+"/conclude", map[string]any{"version": l.Version, "kind": "finance", "agreed": true, "day": "2025-06-03"}); err != nil {
			return err
		}
		scan, err := officer.upload("局长办公会纪要.pdf", []byte("%PDF-1.4\n% 局长办公会纪要〔2025〕11号（扫描件）\n"))
		if err != nil {
			return err
		}
		if _, err := officer.call("POST", path+"/conclude", map[string]any{"version": l.Version, "kind": "deliberation", "agreed": true, "day": "2025-06-03", "document": "局长办公会纪要〔2025〕11号", "file_id": scan}); err != nil {
			return err
		}
		if _, err := director.call("POST", path+"/deliberate", map[string]any{}); err != nil {
			return err
		}
		s.pass(time.Hour)
		public, err := act[reviewing.AwardList](officer, path+"/publicise", map[string]any{})
		if err != nil {
			return err
		}
		s.say("✓ 意见齐备、审议通过，公示%s至%s（按工作日计）", public.PublicFrom, public.PublicTo)
		if key == "major" {
			if err := s.objection(l, supervisor); err != nil {
				return err
			}
		}
		_, err = officer.call("POST", path+"/confirm", map[string]any{})
		if err := s.refused(err, "P-40"); err != nil {
			return err
		}
		s.at(2025, 6, 16, 9)
		if _, err := officer.call("POST", path+"/confirm", map[string]any{}); err != nil {
			return err
		}
		n := 0
		for _, line := range l.Lines {
			if line.Choice == "proposed" {
				n++
			}
		}
		s.say("✓ 公示期满无未决异议，确认%d项", n)
		if err := s.save("officer", path+"/table?format=xlsx", "list-"+key+".xlsx"); err != nil {
			return err
		}
	}
	return nil
}

func (s *story) objection(l reviewing.AwardList, supervisor *client) error {
	anyone := newClient(s.base, "公众")
	line := l.Lines[0]
	path := "/api/publicities/" + l.ID + "/object"
	_, err := anyone.call("POST", path, map[string]any{"application_id": line.ApplicationID, "name": "", "contact": "", "text": "不公平"})
	if err := s.refused(err, "P-41"); err != nil {
		return err
	}
	o, err := act[idRow](anyone, path, map[string]any{"application_id": line.ApplicationID, "name": "刘建国", "contact": "13900000000", "text": "该项目与既有成果重复，附查新报告编号。"})
	if err != nil {
		return err
	}
	answer := map[string]any{"answer": "材料齐全，予以受理核查"}
	_, err = s.users["officer"].call("POST", "/api/objections/"+o.ID+"/accept", answer)
	var p *problem
	if !errors.As(err, &p) || p.Status != 403 {
		return fmt.Errorf("经办处理异议应为403，实为%v", err)
	}
	if _, err := supervisor.call("POST", "/api/objections/"+o.ID+"/accept", answer); err != nil {
		return err
	}
	_, err = s.users["officer"].call("POST", "/api/lists/"+l.ID+"/confirm", map[string]any{})
	if err := s.refused(err, "P-41"); err != nil {
		return err
	}
	if _, err := supervisor.call("POST", "/api/objections/"+o.ID+"/dismiss", map[string]any{"answer": "经核查不构成重复，异议不成立"}); err != nil {
		return err
	}
	s.say("✓ 实名异议受理后该行暂停，监督核查答复；异议人身份不对申报人和专家显示")
	return nil
}

func (s *story) evidence() error {
	s.chapter("证据：任何人都可重算")
	if err := s.save("supervisor", "/api/journal/export", "journal.jsonl"); err != nil {
		return err
	}
	problems, err := s.app.Reviews.Invariants(context.Background())
	if err != nil {
		return err
	}
	if len(problems) > 0 {
		return fmt.Errorf("不变量检查发现%d处问题：%v", len(problems), problems)
	}
	s.say("✓ keping check：不变量全部成立")
	files, err := filepath.Glob(filepath.Join(s.Out, "*"))
	if err != nil {
		return err
	}
	var names []string
	for _, f := range files {
		if info, err := os.Stat(f); err == nil && !info.IsDir() {
			names = append(names, filepath.Base(f))
		}
	}
	s.say("文件：%s", strings.Join(names, "、"))
	return nil
}
