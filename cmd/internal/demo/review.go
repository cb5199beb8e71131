package demo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"keping/reviewing"
)

type reviewRow struct {
	ID, Number, State string
	Version           int
	programme         string
	applications      []reviewing.Application
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
		seats, err := read[page[seatRow]](s.users["supervisor"], path+"/seats")
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
	seats, err := read[page[seatRow]](s.users["supervisor"], path+"/seats")
	if err != nil {
		return err
	}
	if slices.ContainsFunc(r.applications, func(a reviewing.Application) bool { return a.Joint }) {
		_, err := officer.call("POST", path+"/close", map[string]any{})
		if err := s.refused(err, "R-066"); err != nil {
			return err
		}
		if _, err := s.users["joint"].call("POST", path+"/participate", map[string]any{"name": "周敏", "post": "科技科科长", "opinion": "同意评审意见，承诺落实联合投入", "password": password, "marks": jointMarks(r)}); err != nil {
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
	if _, err := s.app.Reviews.ComputeOpinions(context.Background()); err != nil { // which the service does every half minute
		return err
	}
	s.say("✓ 评审结束，%d席签字，官方排名已写入记录，参考意见另行算出（不改变排名）", len(seats.Items))
	second, err := read[struct {
		Hashes struct {
			Costs string `json:"costs"`
		} `json:"hashes"`
	}](officer, path+"/second_opinion")
	if err != nil {
		return err
	}
	files := []string{"scores.csv", "ranking.csv", "report.json"}
	if second.Hashes.Costs != "" { // the line is where the money ends
		files = append(files, "costs.csv")
	}
	for _, file := range files {
		if err := s.save("officer", path+"/second_opinion/"+file, "opinion-"+r.Number+"-"+file); err != nil {
			return err
		}
	}
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
		seats, err := read[page[seatRow]](s.users["supervisor"], path+"/seats")
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

// jointMarks are the joint unit's marks for its own applications: four fifths
// of each maximum, kept apart from the experts'.
func jointMarks(r *reviewRow) []map[string]any {
	var out []map[string]any
	for _, a := range r.applications {
		if !a.Joint {
			continue
		}
		marks := []map[string]any{}
		for _, c := range criteria("major") {
			marks = append(marks, map[string]any{"criterion": c["code"], "mark": c["maximum"].(int) / 100 * 4 / 5})
		}
		out = append(out, map[string]any{"application_id": a.ID, "marks": marks})
	}
	return out
}
