package demo

import (
	"errors"
	"fmt"

	"keping/rbac"
	"keping/reviewing"
)

func criteria(kind string) []map[string]any {
	line := func(code, name string, points int, classes ...string) map[string]any {
		if classes == nil {
			classes = []string{}
		}
		return map[string]any{"code": code, "name": name, "weight": 10000, "maximum": points * 100, "step": 50, "classes": classes,
			"bands": []map[string]any{{"low": points * 80, "high": points * 100, "text": "优"}, {"low": points * 60, "high": points * 80, "text": "良"}, {"low": 0, "high": points * 60, "text": "一般"}}}
	}
	if kind == "major" { // finance experts mark the budget only, the joint unit everything
		return []map[string]any{line("need", "需求契合", 15, "technical", "management", "joint"), line("innovation", "创新性与先进性", 25, "technical", "management", "joint"),
			line("route", "技术路线可行性", 20, "technical", "management", "joint"), line("team", "团队与基础", 15, "technical", "management", "joint"),
			line("industry", "产业带动与成果转化", 15, "technical", "management", "joint"), line("budget", "预算合理性", 10)}
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
	if err := s.user("applicant", "项目申报人", s.unitIDs[s.units[25].code], rbac.Applicant); err != nil {
		return err
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
			if _, err := unit.call("POST", path+"/complete", map[string]any{"version": a.Version, "budget": []map[string]any{{"name": "设备费", "fen": total / 2}, {"name": "业务费", "fen": total - total/2}}}); err != nil {
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
			if err := s.papers(unit, &a); err != nil {
				return err
			}
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
	_, err := unit.call("POST", "/api/applications/"+a.ID+"/complete", map[string]any{"version": a.Version,
		"avoid": []map[string]any{{"name": s.experts[64].name, "unit": s.unitName(s.experts[64].unit), "reason": "该专家与本团队存在公开的学术争议"}}})
	a.Version++
	return err
}

// papers has a unit hand in what article 19 asks of a joint application.
func (s *story) papers(unit *client, a *reviewing.Application) error {
	var materials []map[string]any
	for _, code := range []string{"recommendation", "agreement", "commitment"} {
		id, err := unit.upload(reviewing.JointMaterials[code]+".pdf", []byte("%PDF-1.4\n% "+a.ID+" "+code+"\n%%EOF\n"))
		if err != nil {
			return err
		}
		materials = append(materials, map[string]any{"code": code, "file_id": id})
	}
	_, err := unit.call("POST", "/api/applications/"+a.ID+"/complete", map[string]any{"version": a.Version, "materials": materials, "committed_fen": a.JointFen})
	a.Version++
	return err
}
