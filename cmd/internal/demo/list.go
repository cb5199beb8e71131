package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"keping/reviewing"
)

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
		var words []reviewing.Word
		for _, line := range l.Lines {
			if line.Choice == "proposed" {
				words = append(words, reviewing.Word{ApplicationID: line.ApplicationID, Agreed: true})
			}
		}
		if _, err := s.users["conference"].call("POST", path+"/conclude", map[string]any{"version": l.Version, "kind": "conference", "agreed": true, "day": "2025-06-03", "document": "联席会议纪要〔2025〕2号", "words": words}); err != nil {
			return err
		}
		var schedule []reviewing.Payment
		for _, line := range l.Lines {
			if line.Choice == "proposed" {
				first := line.FiscalFen * 7 / 10
				schedule = append(schedule, reviewing.Payment{ApplicationID: line.ApplicationID, Year: 2025, Stage: 1, Fen: first},
					reviewing.Payment{ApplicationID: line.ApplicationID, Year: 2026, Stage: 2, Fen: line.FiscalFen - first})
			}
		}
		if _, err := s.users["finance"].call("POST", path+"/conclude", map[string]any{"version": l.Version, "kind": "finance", "agreed": true, "day": "2025-06-03", "schedule": schedule}); err != nil {
			return err
		}
		scan, err := officer.upload("局长办公会纪要.pdf", []byte("%PDF-1.4\n% 局长办公会纪要〔2025〕11号（扫描件）\n"))
		if err != nil {
			return err
		}
		if _, err := officer.call("POST", path+"/conclude", map[string]any{"version": l.Version, "kind": "deliberation", "agreed": true, "day": "2025-06-03", "document": "局长办公会纪要〔2025〕11号", "file_id": scan, "vote": reviewing.Vote{Present: 7, For: 6, Abstain: 1}}); err != nil {
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
	if _, err := supervisor.call("POST", "/api/objections/"+o.ID+"/investigate", map[string]any{"answer": "已调阅查新报告，与既有成果逐项比对"}); err != nil {
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
