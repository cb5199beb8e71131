package store

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"keping/experts/draw"
	"keping/rbac"
	"keping/rbac/journal"
	"keping/rbac/rulebook"
	"keping/reviewing"
	"keping/reviewing/rank"
)

// record is the official ranking record of a review as it stands.
func (st *Store) record(s *step, b *bench, pack *rulebook.Pack) (rank.Record, error) {
	r := rank.Record{Spec: rank.Spec, Review: b.review.Number, RulePack: pack.ID(), Minimum: pack.PanelMin, PassLine: b.guide.PassLine,
		Form: b.guide.Form(), Method: rank.Method{Name: b.guide.Method, Percent: b.guide.Percent}, Ties: append([]string{}, b.guide.TieSteps...), Sheets: []rank.Sheet{}, Orders: []rank.Order{}}
	given, err := givenMarks(s, b)
	if err != nil {
		return r, err
	}
	for _, m := range given {
		digest := m.content.Digest(m.number, m.seat.Code, m.sheet.Number)
		if m.content.Opinion != "" {
			digest.Opinion = journal.Hash(m.content.OpinionSalt + "\n" + m.content.Opinion)
		}
		r.Sheets = append(r.Sheets, rank.Sheet{Status: m.status, Class: string(m.seat.Class), Salt: m.content.Salt, Hash: m.sheet.Hash, Sheet: digest})
	}
	numbers, err := numbersOf(s, b.review.ID)
	if err != nil {
		return r, err
	}
	joint, err := jointSheets(s, b.review.ID, numbers)
	if err != nil {
		return r, err
	}
	r.Sheets = append(r.Sheets, joint...)
	slices.SortFunc(r.Sheets, func(x, y rank.Sheet) int {
		return cmp.Or(cmp.Compare(x.Sheet.Application, y.Sheet.Application), cmp.Compare(x.Sheet.Expert, y.Sheet.Expert), cmp.Compare(x.Sheet.Version, y.Sheet.Version))
	})
	orders, err := find[reviewing.Draw](s, "attempt", "review_id = ? AND purpose = 'order' AND state = 'run'", b.review.ID)
	if err != nil {
		return r, err
	}
	for _, d := range orders {
		var drawn draw.Record
		if err := json.Unmarshal([]byte(d.Record), &drawn); err != nil {
			return r, err
		}
		order := rank.Order{Step: "draw", Applications: []string{}, Evidence: journal.Hash(d.Record)}
		for _, seat := range drawn.Seats {
			order.Applications = append(order.Applications, seat.Code)
		}
		r.Orders = append(r.Orders, order)
	}
	votes, err := find[TieVote](s, "id", "review_id = ?", b.review.ID)
	if err != nil {
		return r, err
	}
	for _, v := range votes {
		evidence, err := v.evidence(s)
		if err != nil {
			return r, err
		}
		r.Orders = append(r.Orders, rank.Order{Step: "vote", Applications: v.Applications, Evidence: evidence})
	}
	return rank.Compute(r)
}

// KeepRanking keeps the record of a review that closes, and what boards show of
// it: its lines, and how many sheets each seat owed and has handed in. Whether
// other reviews share the guide's places is as it is now, whatever comes later.
func KeepRanking(s *step, review string, record rank.Record, owed map[string]int) (hash string, err error) {
	canonical, err := journal.Canonical(record)
	if err != nil {
		return "", err
	}
	var others int64
	if err := s.Model(&reviewing.Review{}).Where("guide_id = (SELECT guide_id FROM reviews WHERE id = ?) AND id <> ? AND state <> ?", review, review, reviewing.Void).Count(&others).Error; err != nil {
		return "", err
	}
	if err := s.Create(&reviewing.Ranking{ReviewID: review, Record: string(canonical), Shared: others > 0}).Error; err != nil {
		return "", err
	}
	for seat, n := range owed {
		if err := s.Exec("UPDATE seats SET owed = ?, sheets = (SELECT COUNT(*) FROM sheets x WHERE x.seat_id = seats.id AND x.state = ?) WHERE id = ?", n, reviewing.SheetSubmitted, seat).Error; err != nil {
			return "", err
		}
	}
	lines, err := resultsOf(s, review, record)
	if err == nil && len(lines) > 0 {
		err = s.CreateInBatches(lines, 500).Error
	}
	return journal.Hash(string(canonical)), err
}

// resultsOf are a record's results as boards read them, in the record's order.
func resultsOf(s *step, review string, record rank.Record) ([]reviewing.Result, error) {
	var applications []reviewing.Application
	if err := s.Select("id", "number", "title").Where("review_id = ?", review).Find(&applications).Error; err != nil {
		return nil, err
	}
	of := make(map[string]reviewing.Application, len(applications))
	for _, a := range applications {
		of[a.Number] = a
	}
	totals, submitted := record.Totals(), map[string]int{}
	for _, sheet := range record.Sheets {
		if sheet.Status == "counted" || sheet.Status == "abstained" {
			submitted[sheet.Sheet.Application]++
		}
	}
	lines := make([]reviewing.Result, len(record.Results))
	for i, r := range record.Results {
		lines[i] = reviewing.Result{ReviewID: review, Position: i + 1, ApplicationID: of[r.Application].ID, Number: r.Application, Title: of[r.Application].Title, Place: r.Rank, Shown: r.Shown, Passed: r.Passed, Submitted: submitted[r.Application], Totals: strings.Join(totals[r.Application], ";")}
	}
	return lines, nil
}

// rankingOf is a closed review's record, and the text it is kept as.
func rankingOf(s *step, review string) (rank.Record, string, error) {
	var kept reviewing.Ranking
	if err := s.Take(&kept, "review_id = ?", review).Error; err != nil {
		return rank.Record{}, "", err
	}
	record, err := rank.ParseRecord([]byte(kept.Record))
	return record, kept.Record, err
}

// tied are the applications that share a rank although the guide's tie steps
// name a vote or a draw that has not yet ordered them: the first such group,
// and that step.
func tied(r rank.Record) (step string, group []string) {
	for i, result := range r.Results {
		if result.Rank == 0 {
			break
		}
		if i > 0 && r.Results[i-1].Rank == result.Rank {
			if group == nil {
				group = []string{r.Results[i-1].Application}
			}
			group = append(group, result.Application)
		} else if group != nil {
			break
		}
	}
	for _, step := range r.Ties {
		ordered := slices.ContainsFunc(r.Orders, func(o rank.Order) bool {
			return o.Step == step && len(group) > 0 && slices.Contains(o.Applications, group[0])
		})
		if group != nil && !ordered && (step == "vote" || step == "draw") {
			return step, group
		}
	}
	return "", nil
}

// tieWords are how a tie is settled.
var tieWords = map[string]string{"vote": "专家组表决", "draw": "抽签"}

// settling loads a review whose marks are locked and whose first tie waits for
// this step.
func (st *Store) settling(s *step, id, step string) (*bench, *rulebook.Pack, []string, error) {
	b, err := st.holdBench(s, id)
	if err != nil {
		return nil, nil, nil, err
	}
	if err := s.May(b.isChair(s), "该评审批次"); err != nil {
		return nil, nil, nil, err
	}
	if err := demandState(b.review, tieWords[step]+"排定并列", reviewing.Discussing); err != nil {
		return nil, nil, nil, err
	}
	if n := b.unsigned(); n > 0 {
		return nil, nil, nil, rbac.Refuse(rbac.RefusedState, "还有%d名专家未签字，分数尚未锁定（SM-09）。请待全员签字后再排定并列。", n)
	}
	pack, err := st.Pack(s)
	if err != nil {
		return nil, nil, nil, err
	}
	record, err := st.record(s, b, pack)
	if err != nil {
		return nil, nil, nil, err
	}
	next, group := tied(record)
	if next != step {
		return nil, nil, nil, rbac.Refuse(rbac.RefusedState, "没有须由%s排定的并列项目（SM-09）。", tieWords[step])
	}
	return b, pack, group, nil
}

// CreateOrder freezes a draw among the first group of tied applications.
func (st *Store) CreateOrder(s *step, id string) (FrameView, error) {
	b, pack, group, err := st.settling(s, id, "draw")
	if err != nil {
		return FrameView{}, err
	}
	var n int64
	if err := s.Model(&reviewing.Draw{}).Where("review_id = ? AND purpose = 'order'", id).Count(&n).Error; err != nil {
		return FrameView{}, err
	}
	var open int64
	if err := s.Model(&reviewing.Draw{}).Where("review_id = ? AND purpose = 'order' AND state = 'frozen'", id).Count(&open).Error; err != nil {
		return FrameView{}, err
	}
	if open > 0 {
		return FrameView{}, rbac.Refuse(rbac.RefusedState, "已有一次抽签等待承诺和揭示（SM-09）。")
	}
	frame := draw.Frame{Spec: draw.Spec, Review: b.review.Number, Attempt: int(n) + 1, RulePack: pack.ID(), Holders: []string{bureauHolder, supervisorHolder},
		Seats: []draw.Seats{{Class: "order", Count: len(group)}}, Excluded: []draw.Excluded{}}
	slices.Sort(group)
	for _, code := range group {
		frame.Candidates = append(frame.Candidates, draw.Candidate{Code: code, Classes: []string{"order"}})
	}
	if err := frame.Validate(); err != nil {
		return FrameView{}, err
	}
	canonical, err := journal.Canonical(frame)
	if err != nil {
		return FrameView{}, err
	}
	d := reviewing.Draw{ID: s.NewID(), ReviewID: id, Purpose: "order", Selection: reviewing.ByDraw, Attempt: frame.Attempt, State: "frozen", Frame: string(canonical), FrameHash: journal.Hash(string(canonical)),
		Commitments: "[]", Reveals: "[]", CreatedAt: s.Now}
	s.Fact("draw", d.ID)
	s.Brings("frame.freeze", "frame/"+d.ID, map[string]any{"frame": d.FrameHash})
	s.WantCheckpoint("锁定抽签名单")
	return viewFrame(d.ID, d.FrameHash, frame), s.Create(&d).Error
}

// unsigned counts panel seats and substitutes that have neither signed nor are
// recorded as refusing to.
func (b *bench) unsigned() int {
	n := 0
	seen := map[string]bool{}
	for _, a := range append(b.applications, reviewing.Application{}) {
		for _, seat := range b.sitting(a.ID) {
			if !seen[seat.ID] && seat.SignedAt == nil && seat.NotSigned == "" {
				n++
			}
			seen[seat.ID] = true
		}
	}
	return n
}

// CloseReview checks everything a closing needs, writes the official record
// and closes.
func (st *Store) CloseReview(s *step, id string) (reviewing.Review, error) {
	b, err := st.holdBench(s, id)
	if err != nil {
		return reviewing.Review{}, err
	}
	if err := demandState(b.review, "结束评审", reviewing.Discussing); err != nil {
		return b.review, err
	}
	pack, err := st.Pack(s)
	if err != nil {
		return b.review, err
	}
	absent := []string{}
	joint, err := find[reviewing.JointSeat](s, "id", "review_id = ? AND participated_at IS NULL", id)
	if err != nil {
		return b.review, err
	}
	for _, j := range joint {
		u, err := take[rbac.Unit](s, j.UnitID, "联合实施单位")
		if err != nil {
			return b.review, err
		}
		absent = append(absent, u.Name)
	}
	missing, err := b.unsubmitted(s)
	if err != nil {
		return b.review, err
	}
	abstained, err := b.abstentions(s)
	if err != nil {
		return b.review, err
	}
	panel, apps := b.compositions(abstained)
	seated, err := st.judgeSeated(s, pack, b) // a conflict that came to light after the opening
	if err != nil {
		return b.review, err
	}
	verdicts := slices.Concat(reviewing.PanelRules(pack, panel, apps), b.ready(pack), seated)
	verdicts = append(verdicts,
		pack.Check("R-066", len(absent) == 0, rulebook.Inputs{"absent": len(absent)}, "联合实施单位"+strings.Join(absent, "、")+"相关负责人未参与评审（第二十条），不能结束评审。", "请其相关负责人登录系统参与评审并填写意见。"),
		pack.Check("R-011", len(absent) == 0, rulebook.Inputs{"absent": len(absent)}, "联合实施单位"+strings.Join(absent, "、")+"未参与立项评审（第五条、第二十条）。", "请其相关负责人登录系统参与评审并填写意见。"),
		pack.Check("P-16", b.review.OpinionHash != "", nil, "组长意见尚未写就（惯例）。", "请组长撰写综合意见。"),
		pack.Check("P-20", b.unsigned() == 0, rulebook.Inputs{"unsigned": b.unsigned()}, fmt.Sprintf("还有%d名专家未签字（惯例）。", b.unsigned()), "请提醒专家签字。"),
		pack.Check("P-34", missing == 0, rulebook.Inputs{"missing": missing}, fmt.Sprintf("还有%d份评分表缺失（惯例）。", missing), "请补交评分表或由候补递补。"))
	if err := st.Obey(s, "review/"+id, verdicts...); err != nil {
		return b.review, err
	}
	record, err := st.record(s, b, pack)
	if err != nil {
		return b.review, err
	}
	if step, group := tied(record); step != "" {
		return b.review, rbac.Refuse(rbac.RefusedState, "%s并列，指南约定由%s排定（SM-09）。请先排定再结束评审。", strings.Join(group, "、"), tieWords[step])
	}
	for _, a := range b.applications {
		if err := moveApplication(s, &a, "close", a.Version, map[string]any{}); err != nil {
			return b.review, err
		}
	}
	owed := map[string]int{}
	for _, a := range b.applications {
		for _, seat := range b.sitting(a.ID) {
			owed[seat.ID]++
		}
	}
	if b.review.RankingHash, err = KeepRanking(s, id, record, owed); err != nil {
		return b.review, err
	}
	s.Fact("review", b.review.Number)
	s.Fact("ranking", b.review.RankingHash)
	s.WantCheckpoint("结束评审")
	return b.review, moveReview(s, &b.review, "close", map[string]any{"ranking_hash": b.review.RankingHash, "closed_at": s.Now})
}
