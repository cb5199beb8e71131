package store

import (
	"encoding/json"
	"fmt"
	"slices"

	"keping/experts/draw"
	"keping/rbac/journal"
	"keping/reviewing"
	"keping/reviewing/match"
	"keping/reviewing/rank"
)

// sayings are invariants that the tables tell of themselves: each query finds
// the rows that break it. What the queries call open is what its life cycle
// still lets move.
var sayings = []struct{ what, from string }{
	// applications and their reviews
	{"申报书的状态与所在评审批次不符", `SELECT CONCAT('application/', a.id) FROM applications a LEFT JOIN reviews r ON r.id = a.review_id WHERE NOT (
		a.state IN ('withdrawn', 'draft', 'unit_review', 'submitted', 'correction', 'refused', 'accepted') AND (a.state = 'withdrawn' OR a.review_id = '')
		OR a.state = 'in_review' AND COALESCE(r.state, '') IN ('preparing', 'frozen', 'drawn', 'composed', 'marking', 'discussing')
		OR a.state IN ('reviewed', 'proposed', 'reserve', 'declined', 'awarded') AND COALESCE(r.state, '') = 'closed')`},
	{"申报书与所在评审批次不属同一指南", `SELECT CONCAT('application/', a.id) FROM applications a JOIN reviews r ON r.id = a.review_id WHERE a.guide_id <> r.guide_id`},
	{"现任技术专家组成员牵头本专项的项目", `SELECT CONCAT('application/', a.id) FROM applications a JOIN review_groups g ON g.programme_id = a.programme_id AND g.kind = 'technical'
		JOIN memberships m ON m.group_id = g.id AND m.person_id = a.leader_id WHERE a.leader_id <> '' AND m.state = 'in_term' AND a.state = 'awarded'`},
	// groups
	{"已解散的专家组仍有成员", `SELECT CONCAT('group/', g.id) FROM review_groups g WHERE g.state = 'dissolved' AND EXISTS (SELECT 1 FROM memberships m WHERE m.group_id = g.id AND m.state <> 'ended')`},
	{"成员任期与状态不符", `SELECT CONCAT('membership/', id) FROM memberships WHERE state = 'recommended' AND from_day <> '' OR to_day <> '' AND to_day < from_day`},
	// experts
	{"专家的账号是另一人的", `SELECT CONCAT('expert/', e.id) FROM experts e JOIN users u ON u.id = e.user_id WHERE u.person_id <> e.person_id`},
	{"在库专家仍有停用的原因代码或期限", `SELECT CONCAT('expert/', id) FROM experts WHERE state IN ('in_pool', 'proposed', 'public') AND state_until <> ''`},
	// draws and seats
	{"评审批次的状态与抽取不符", `SELECT CONCAT('review/', r.id) FROM reviews r WHERE
		(r.state = 'frozen') <> EXISTS (SELECT 1 FROM draws d WHERE d.review_id = r.id AND d.purpose = 'panel' AND d.state = 'frozen')
		OR r.state IN ('drawn', 'composed', 'marking', 'discussing', 'closed') AND NOT EXISTS (SELECT 1 FROM draws d WHERE d.review_id = r.id AND d.purpose = 'panel' AND d.state = 'run')
		OR r.state IN ('preparing', 'frozen') AND EXISTS (SELECT 1 FROM draws d WHERE d.review_id = r.id AND d.purpose = 'panel' AND d.state = 'run')`},
	{"未抽取或已流会的评审批次仍有在席专家", `SELECT CONCAT('seat/', s.id) FROM seats s JOIN reviews r ON r.id = s.review_id WHERE s.state <> 'vacated' AND r.state IN ('preparing', 'frozen', 'void')`},
	{"专家组已确认而仍有未确认的席位", `SELECT CONCAT('seat/', s.id) FROM seats s JOIN reviews r ON r.id = s.review_id WHERE s.state <> 'pledged' AND s.state <> 'vacated' AND r.state IN ('discussing', 'closed')`},
	{"已空出的席位仍有有效链接", `SELECT CONCAT('seat/', s.id) FROM seats s JOIN links l ON l.object = CONCAT('seat/', s.id) WHERE s.state = 'vacated' AND l.used_at IS NULL`},
	{"已空出的席位仍有评分表", `SELECT CONCAT('sheet/', x.id) FROM sheets x JOIN seats s ON s.id = x.seat_id WHERE s.state <> 'pledged' AND x.state IN ('draft', 'submitted', 'revised')`},
	{"席位已答复而答复期限仍在", `SELECT CONCAT('seat/', id) FROM seats WHERE state <> 'invited' AND reply_by IS NOT NULL`},
	{"席位的状态与承诺时间不符", `SELECT CONCAT('seat/', id) FROM seats WHERE state IN ('invited', 'accepted') AND pledged_at IS NOT NULL`},
	{"同一人在一个专家组有两个席位", `SELECT CONCAT('review/', review_id) FROM seats WHERE state <> 'vacated' GROUP BY review_id, application_id, expert_id HAVING COUNT(*) > 1`},
	{"组长不在席", `SELECT CONCAT('review/', r.id) FROM reviews r LEFT JOIN seats s ON s.id = r.chair_seat_id WHERE r.chair_seat_id <> '' AND r.state <> 'void' AND (s.id IS NULL OR s.state = 'vacated' OR s.review_id <> r.id)`},
	{"在席专家多于计划的席位", `SELECT CONCAT('review/', r.id) FROM reviews r JOIN seats s ON s.review_id = r.id WHERE s.application_id = '' AND s.state <> 'vacated' AND r.selection = 'draw'
		GROUP BY r.id, s.class, r.technical, r.management, r.finance HAVING COUNT(*) > CASE s.class WHEN 'technical' THEN r.technical WHEN 'management' THEN r.management ELSE r.finance END`},
	{"待处理的回避申请属于已空出的席位或已结束的评审", `SELECT CONCAT('declaration/', d.id) FROM declarations d JOIN reviews r ON r.id = d.review_id WHERE d.state = 'pending' AND r.state = 'closed'`},
	{"一席对一个项目有两份有效的声明", `SELECT CONCAT('seat/', seat_id) FROM declarations WHERE state <> 'rejected' GROUP BY seat_id, application_id HAVING COUNT(*) > 1`},
	// sheets
	{"已回避的项目仍有评分表", `SELECT CONCAT('sheet/', x.id) FROM sheets x JOIN declarations d ON d.seat_id = x.seat_id AND d.application_id = x.application_id WHERE d.state = 'approved' AND x.state <> 'void'`},
	{"已撤回的项目仍有评分表", `SELECT CONCAT('sheet/', x.id) FROM sheets x JOIN applications a ON a.id = x.application_id JOIN reviews r ON r.id = x.review_id WHERE a.state = 'withdrawn' AND r.state <> 'closed' AND x.state <> 'void'`},
	{"一席对一个项目有两份评分表", `SELECT CONCAT('seat/', seat_id) FROM sheets WHERE state IN ('draft', 'submitted') GROUP BY seat_id, application_id HAVING COUNT(*) > 1`},
	{"已结束的评审中席位的评分表份数不符", `SELECT CONCAT('seat/', s.id) FROM seats s JOIN reviews r ON r.id = s.review_id WHERE r.state = 'closed' AND s.sheets <> (SELECT COUNT(*) FROM sheets x WHERE x.seat_id = s.id AND x.state = 'submitted')`},
	{"评分开启后仍有草稿", `SELECT CONCAT('sheet/', x.id) FROM sheets x JOIN reviews r ON r.id = x.review_id WHERE x.state = 'draft' AND r.state <> 'marking'`},
	{"评分表的状态与提交时间不符", `SELECT CONCAT('sheet/', id) FROM sheets WHERE (state = 'draft') <> (submitted_at IS NULL)`},
	{"未开启或未结束的评审已有签字或排名", `SELECT CONCAT('review/', r.id) FROM reviews r WHERE r.state <> 'closed' AND r.ranking_hash <> ''
		OR r.state NOT IN ('discussing', 'closed', 'void') AND EXISTS (SELECT 1 FROM seats s WHERE s.review_id = r.id AND s.signed_at IS NOT NULL)`},
	{"参考意见所依据的排名与评审批次不符", `SELECT CONCAT('review/', o.review_id) FROM second_opinions o LEFT JOIN reviews r ON r.id = o.review_id WHERE r.id IS NULL OR r.state <> 'closed' OR r.ranking_hash <> o.ranking_hash`},
	// lists
	{"一份指南有两份未完结的清单", `SELECT CONCAT('guide/', guide_id) FROM award_lists WHERE state IN ('drafted', 'deliberated', 'public', 'interrupted') GROUP BY guide_id HAVING COUNT(*) > 1`},
	{"清单的状态与公示期不符", `SELECT CONCAT('list/', id) FROM award_lists WHERE state IN ('public', 'interrupted', 'confirmed') AND (public_from = '' OR public_to = '' OR public_to < public_from) OR state IN ('drafted', 'deliberated') AND public_from <> ''`},
	{"已立项的项目仍有未办结或成立的异议", `SELECT CONCAT('objection/', o.id) FROM objections o JOIN applications a ON a.id = o.application_id WHERE a.state = 'awarded' AND o.state IN ('lodged', 'accepted', 'investigating', 'upheld')`},
	{"异议的状态与答复不符", `SELECT CONCAT('objection/', id) FROM objections WHERE (state IN ('rejected', 'upheld', 'dismissed') AND decided_at IS NULL) OR (state IN ('lodged') AND decided_at IS NOT NULL)
		OR archived_at IS NOT NULL AND state NOT IN ('rejected', 'upheld', 'dismissed')`},
}

// tabled checks what the tables tell of themselves.
func tabled(s *step, add func(where, format string, args ...any)) error {
	for _, x := range sayings {
		var found []string
		if err := s.Raw(x.from).Scan(&found).Error; err != nil {
			return fmt.Errorf("%s：%w", x.what, err)
		}
		slices.Sort(found)
		for _, where := range slices.Compact(found) {
			add(where, "%s", x.what)
		}
	}
	return nil
}

// panelled checks the units of every composition of a panel against its frame.
func (b *bench) panelled(add func(format string, args ...any)) {
	if b.panel == nil || b.panel.frame.UnitCap == 0 {
		return
	}
	compositions := b.applications
	if !b.review.Matched() {
		compositions = append([]reviewing.Application{{}}, compositions...)
	}
	for _, a := range compositions {
		units := map[string]int{}
		for _, sits := range b.panel.Sitting(a.ID) {
			if unit := b.panel.UnitOf(sits.Code); sits.Code != "" && unit != "" {
				units[unit]++
			}
		}
		for _, n := range units {
			if n > b.panel.frame.UnitCap {
				add("同一单位在专家组中有%d人，上限%d人", n, b.panel.frame.UnitCap)
			}
		}
	}
}

// counted checks that a closed ranking counts the submitted sheets and no
// other, and has all there are.
func counted(record rank.Record, sheets []reviewing.Sheet, joint []reviewing.JointSheet, add func(format string, args ...any)) {
	state := map[string]reviewing.SheetState{}
	for _, sheet := range joint {
		state[sheet.Hash] = "joint"
	}
	for _, sheet := range sheets {
		state[sheet.Hash] = sheet.State
	}
	for _, x := range record.Sheets {
		counts := x.Status == "counted" || x.Status == "abstained"
		if there, ok := state[x.Hash]; !ok || counts != (there == reviewing.SheetSubmitted) || (x.Status == "joint") != (there == "joint") {
			add("排名所计的评分表与现状不符：%s", x.Hash)
		}
		delete(state, x.Hash)
	}
	for hash := range state {
		add("评分表%s不在排名记录中", hash)
	}
}

// listed checks every list's digest, and the states of its applications where
// it is public or confirmed; and that nothing is awarded but by a list.
func listed(s *step, add func(where, format string, args ...any)) error {
	lists, err := find[reviewing.AwardList](s, "id", "1 = 1")
	if err != nil {
		return err
	}
	var rows []reviewing.Application
	if err := s.Select("id", "state").Where("state IN ?", []reviewing.ApplicationState{reviewing.AppProposed, reviewing.AppReserve, reviewing.AppDeclined, reviewing.AppAwarded, reviewing.AppWithdrawn}).Find(&rows).Error; err != nil {
		return err
	}
	state, by := map[string]reviewing.ApplicationState{}, map[string]bool{}
	for _, a := range rows {
		state[a.ID] = a.State
	}
	for _, l := range lists {
		where := "list/" + l.ID
		if frozen := l.State != reviewing.ListDrafted && l.State != reviewing.ListSuperseded; frozen || l.Digest != "" {
			digest, err := journal.HashOf(l.Lines)
			if err != nil {
				return err
			}
			if l.Digest != digest {
				add(where, "清单内容与审议时的摘要不符")
			}
		}
		means := map[string]reviewing.ApplicationState{"proposed": reviewing.AppProposed, "reserve": reviewing.AppReserve, "declined": reviewing.AppDeclined}
		switch l.State {
		case reviewing.ListConfirmed:
			means["proposed"] = reviewing.AppAwarded
		case reviewing.ListPublic, reviewing.ListInterrupted:
		default:
			continue
		}
		for _, line := range l.Lines {
			by[line.ApplicationID] = by[line.ApplicationID] || l.State == reviewing.ListConfirmed && line.Choice == "proposed"
			withdrawn := state[line.ApplicationID] == reviewing.AppWithdrawn && (l.State != reviewing.ListConfirmed || line.Choice != "proposed")
			if state[line.ApplicationID] != means[line.Choice] && !withdrawn {
				add(where, "“%s”在清单中的去向与申报书的状态不符", line.Number)
			}
		}
	}
	for _, a := range rows {
		if a.State == reviewing.AppAwarded && !by[a.ID] {
			add("application/"+a.ID, "已立项而不在确认的清单中")
		}
	}
	return nil
}

// brought checks that the joint units with a seat in a review are those its
// applications bring.
func (b *bench) brought(s *step, add func(format string, args ...any)) error {
	if b.review.State == reviewing.Void || b.review.State == reviewing.Closed {
		return nil
	}
	var have, owe []string
	if err := s.Model(&reviewing.JointSeat{}).Where("review_id = ?", b.review.ID).Order("unit_id").Pluck("unit_id", &have).Error; err != nil {
		return err
	}
	err := s.Model(&reviewing.ApplicationUnit{}).Distinct("unit_id").Where("role = 'joint' AND application_id IN (SELECT id FROM applications WHERE review_id = ? AND state <> ?)", b.review.ID, reviewing.AppWithdrawn).
		Order("unit_id").Pluck("unit_id", &owe).Error
	if err == nil && !slices.Equal(have, owe) {
		add("参与评审的联合实施单位与项目不符")
	}
	return err
}

// drawnAs checks the run draws of a review: their records can be recomputed.
func (b *bench) drawnAs(s *step, add func(format string, args ...any)) {
	if b.draw == nil {
		return
	}
	if b.draw.IsMatch() {
		record, err := match.ParseRecord([]byte(b.draw.Record))
		var files match.Files
		if err == nil {
			files, err = filesOf(s, b.draw.ID)
		}
		if err == nil {
			err = match.Verify(record, files)
		}
		if err != nil {
			add("匹配记录不能复算：%v", err)
		}
		return
	}
	var record draw.Record
	err := json.Unmarshal([]byte(b.draw.Record), &record)
	if err == nil {
		err = draw.Verify(record)
	}
	if err != nil {
		add("抽取记录不能复算：%v", err)
	}
}
