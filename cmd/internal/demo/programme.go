package demo

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
