package store

import (
	"slices"
	"strings"

	"gorm.io/gorm/clause"

	"keping/configs/database"
	"keping/rbac"
	"keping/rbac/journal"
	"keping/rbac/rulebook"
	"keping/reviewing"
)

// lockList loads a list and locks its row: of two acts on it at once one sees
// what the other has done.
func lockList(s *step, id, called string) (reviewing.AwardList, error) {
	var locked reviewing.AwardList
	if err := s.Clauses(clause.Locking{Strength: "UPDATE"}).Select("id").Where("id = ?", id).Limit(1).Find(&locked).Error; err != nil {
		return locked, err
	}
	return take[reviewing.AwardList](s, id, called)
}

// holdList is lockList for who works on the list and so may have no tie to it.
func (st *Store) holdList(s *step, id string) (reviewing.AwardList, error) {
	l, err := lockList(s, id, "该清单")
	if err != nil {
		return l, err
	}
	return l, st.impartial(s, "guide_id = ?", l.GuideID)
}

// listFacts loads what a list is judged by.
func (st *Store) listFacts(s *step, l reviewing.AwardList) (reviewing.ListFacts, error) {
	f := reviewing.ListFacts{List: l, Closed: map[string]bool{}, JointUnits: map[string][]string{}, Barred: map[string]bool{}, Uncertain: map[string][]reviewing.Namesakes{}, Withdrawn: map[string]bool{}}
	var err error
	if f.Guide, err = take[reviewing.Guide](s, l.GuideID, "该指南"); err != nil {
		return f, err
	}
	if f.Programme, err = take[reviewing.Programme](s, f.Guide.ProgrammeID, "该专项"); err != nil {
		return f, err
	}
	for _, line := range l.Lines {
		a, err := take[reviewing.Application](s, line.ApplicationID, "该申报书")
		if err != nil {
			return f, err
		}
		r, err := take[reviewing.Review](s, a.ReviewID, "该评审批次")
		if _, missing := rbac.AsRefusal(err); err != nil && !missing {
			return f, err
		}
		f.Closed[a.ID] = err == nil && r.State == reviewing.Closed && a.GuideID == l.GuideID
		if f.Barred[a.ID], err = memberOfYear(s, a.ProgrammeID, a.LeaderID); err != nil {
			return f, err
		}
		if f.Uncertain[a.ID], err = uncertainMembers(s, a.ProgrammeID, a.LeaderID); err != nil {
			return f, err
		}
		f.Withdrawn[a.ID] = a.State == reviewing.AppWithdrawn
		units, err := find[reviewing.ApplicationUnit](s, "unit_id", "application_id = ? AND role = 'joint'", a.ID)
		if err != nil {
			return f, err
		}
		for _, u := range units {
			f.JointUnits[a.ID] = append(f.JointUnits[a.ID], u.UnitID)
		}
	}
	if f.Objections, err = objectionsOf(s, l.GuideID); err != nil {
		return f, err
	}
	if f.SpentFen, f.Taken, err = confirmedOf(s, l.GuideID, l.ID, nil); err != nil {
		return f, err
	}
	f.Conclusions, err = find[reviewing.Conclusion](s, "created_at, id", "list_id = ?", l.ID)
	return f, err
}

// confirmedOf is what other lists of the guide, already confirmed, have
// proposed; listed, if given, collects their applications.
func confirmedOf(s *step, guide, but string, listed map[string]bool) (fen, places int, err error) {
	lists, err := find[reviewing.AwardList](s, "id", "guide_id = ? AND state = ? AND id <> ?", guide, reviewing.ListConfirmed, but)
	for _, l := range lists {
		for _, line := range l.Lines {
			if listed != nil {
				listed[line.ApplicationID] = true
			}
			if line.Choice == "proposed" {
				fen, places = reviewing.AddFen(fen, line.FiscalFen), places+1
			}
		}
	}
	return fen, places, err
}

// CreateList proposes a guide's list from all its closed reviews: in rank
// order, as many as pass, fit the places and the budget; the rest are reserve.
// A later version replaces the one before and needs a reason.
func (st *Store) CreateList(s *step, guide, reason string) (reviewing.AwardList, error) {
	g, err := take[reviewing.Guide](s, guide, "该指南")
	if err != nil {
		return reviewing.AwardList{}, err
	}
	if err := st.impartial(s, "guide_id = ?", g.ID); err != nil {
		return reviewing.AwardList{}, err
	}
	l := reviewing.AwardList{ID: s.NewID(), GuideID: g.ID, Number: 1, Reason: reason, State: reviewing.ListDrafted, OfficerID: s.Call.Actor.User, Version: 1, CreatedAt: s.Now}
	s.On(l.ID)
	before, err := find[reviewing.AwardList](s, "number DESC", "guide_id = ?", g.ID)
	if err != nil {
		return l, err
	}
	for _, old := range before {
		l.Number = max(l.Number, old.Number+1)
		if _, ok := reviewing.ListMoves[old.State]["supersede"]; !ok {
			continue // confirmed lists stay; this one is about later reviews
		}
		pack, err := st.Pack(s)
		if err != nil {
			return l, err
		}
		if old.State != reviewing.ListDrafted {
			if err := s.Obey(pack.Check("R-122", reviewing.Written(reason, 5), rulebook.Inputs{"version": old.Number}, "清单已审议通过，修改须重新审议（第二十一条、第二十六条），请说明理由。", "请填写修改理由，生成新版本后重新履行程序。")); err != nil {
				return l, err
			}
		}
		if err := database.Swap(s.Tx, &reviewing.AwardList{}, map[string]any{"id": old.ID, "version": old.Version}, map[string]any{"state": reviewing.ListSuperseded, "version": old.Version + 1}); err != nil {
			return l, err
		}
	}
	reviews, err := find[reviewing.Review](s, "number", "guide_id = ? AND state = ?", g.ID, reviewing.Closed)
	if err != nil {
		return l, err
	}
	if len(reviews) == 0 {
		pack, err := st.Pack(s)
		if err != nil {
			return l, err
		}
		if err := s.Obey(pack.Check("R-069", false, nil, "该指南还没有已结束的评审，不能提出清单（第二十一条）。", "请先结束评审。")); err != nil {
			return l, err
		}
	}
	listed := map[string]bool{}
	spent, taken, err := confirmedOf(s, g.ID, l.ID, listed)
	if err != nil {
		return l, err
	}
	for _, r := range reviews {
		record, _, err := rankingOf(s, r.ID)
		if err != nil {
			return l, err
		}
		for _, result := range record.Results {
			var a reviewing.Application
			if err := s.Take(&a, "review_id = ? AND number = ?", r.ID, result.Application).Error; err != nil {
				return l, err
			}
			if a.State == reviewing.AppWithdrawn || listed[a.ID] {
				continue
			}
			u, err := take[rbac.Unit](s, a.LeadUnitID, "牵头单位")
			if err != nil {
				return l, err
			}
			l.Lines = append(l.Lines, reviewing.Line{ApplicationID: a.ID, Number: a.Number, Title: a.Title, LeadUnit: u.Name, Leader: a.LeaderName, ReviewID: r.ID,
				Rank: result.Rank, Shown: result.Shown, Passed: result.Passed, FiscalFen: a.FiscalFen, Joint: a.Joint})
		}
	}
	if len(reviews) > 0 && len(l.Lines) == 0 {
		return l, rbac.Refuse(rbac.RefusedState, "该指南已结束评审的项目都已列入确认的清单（SM-12）。")
	}
	places, budget := g.Places-taken, g.BudgetFen-spent
	if g.Places == 0 {
		places = 0 // no limit
	} else if places <= 0 {
		places, budget = 0, -1 // none left: nothing fits
	}
	reviewing.ProposeLines(l.Lines, places, budget)
	objections, err := objectionsOf(s, g.ID)
	if err != nil {
		return l, err
	}
	for i, line := range l.Lines {
		if objections[line.ApplicationID] == "upheld" {
			l.Lines[i].Choice = "declined"
		}
	}
	s.Fact("version", l.Number)
	return l, s.Create(&l).Error
}

// Choice changes one line.
type Choice struct {
	ApplicationID string `json:"application_id" maxLength:"36"`
	Choice        string `json:"choice" enum:"proposed,reserve,declined"`
	Reason        string `json:"reason,omitempty" maxLength:"500" doc:"越过更高名次列入，或更高名次而不列入的书面理由（R-075）"`
}

// AdjustList changes choices of lines; nothing can be added.
func (st *Store) AdjustList(s *step, id string, version int, choices []Choice) (reviewing.AwardList, error) {
	l, err := st.holdList(s, id)
	if err != nil {
		return l, err
	}
	if _, ok := reviewing.ListMoves[l.State]["adjust"]; !ok {
		if l.State == reviewing.ListSuperseded {
			return l, reviewing.MoveRefusal("SM-12", string(l.State), "调整")
		}
		pack, err := st.Pack(s)
		if err != nil {
			return l, err
		}
		if err := s.Obey(pack.Fail("R-122", rulebook.Inputs{"state": string(l.State)}, "清单已审议通过，修改须重新审议（第二十一条、第二十六条）。", "请说明理由，生成新版本后重新履行程序。")); err != nil {
			return l, err
		}
		return l, reviewing.MoveRefusal("SM-12", string(l.State), "调整")
	}
	pack, err := st.Pack(s)
	if err != nil {
		return l, err
	}
	for _, c := range choices {
		i := slices.IndexFunc(l.Lines, func(line reviewing.Line) bool { return line.ApplicationID == c.ApplicationID })
		if i < 0 {
			return l, s.Obey(pack.Fail("R-069", rulebook.Inputs{"application": c.ApplicationID}, "该项目没有已结束的评审结果，不能列入（第二十一条）。", "请先结束该项目所在的评审批次，再重新生成清单。"))
		}
		l.Lines[i].Choice, l.Lines[i].Reason = c.Choice, strings.TrimSpace(c.Reason)
	}
	f, err := st.listFacts(s, l)
	if err != nil {
		return l, err
	}
	if err := st.Obey(s, "list/"+id, reviewing.LineRules(pack, f)...); err != nil {
		return l, err
	}
	l.Version = version + 1
	return l, database.Swap(s.Tx, &reviewing.AwardList{}, map[string]any{"id": id, "version": version, "state": l.State}, map[string]any{"list_lines": l.Lines, "version": l.Version})
}

func (st *Store) moveList(s *step, l *reviewing.AwardList, act string, set map[string]any) error {
	to, ok := reviewing.ListMoves[l.State][act]
	if !ok {
		return reviewing.MoveRefusal("SM-12", string(l.State), act)
	}
	set["state"], set["version"] = to, l.Version+1
	err := database.Swap(s.Tx, &reviewing.AwardList{}, map[string]any{"id": l.ID, "state": l.State, "version": l.Version}, set)
	l.State, l.Version = to, l.Version+1
	s.Fact("state", string(to))
	return err
}

// DeliberateList freezes the list once everybody has agreed.
func (st *Store) DeliberateList(s *step, id string) (reviewing.AwardList, error) {
	l, err := st.holdList(s, id)
	if err != nil {
		return l, err
	}
	if l.State != reviewing.ListDrafted {
		return l, reviewing.MoveRefusal("SM-12", string(l.State), "审议")
	}
	pack, err := st.Pack(s)
	if err != nil {
		return l, err
	}
	f, err := st.listFacts(s, l)
	if err != nil {
		return l, err
	}
	verdicts := append(reviewing.LineRules(pack, f), reviewing.ConclusionRules(pack, f, true)...)
	verdicts = append(verdicts, pack.Check("P-41", f.OpenObjections() == 0, rulebook.Inputs{"open": f.OpenObjections()}, "拟立项中有异议尚未办结，暂停该项（惯例）。", "请先答复异议，或将该项改列备选。"))
	if err := st.Obey(s, "list/"+id, verdicts...); err != nil {
		return l, err
	}
	if l.Digest, err = journal.HashOf(l.Lines); err != nil {
		return l, err
	}
	s.Fact("digest", l.Digest)
	return l, st.moveList(s, &l, "deliberate", map[string]any{"digest": l.Digest})
}

// ReturnList is the deliberation's other outcome (退回): the list stays a
// draft, and the reason is kept with it. A deliberation recorded before counts
// no more; what the other offices have said of the same lines stands.
func (st *Store) ReturnList(s *step, id, reason string) (reviewing.AwardList, error) {
	l, err := st.holdList(s, id)
	if err != nil {
		return l, err
	}
	if err := s.Model(&reviewing.Conclusion{}).Where("list_id = ? AND kind = 'deliberation'", id).Update("returned", true).Error; err != nil {
		return l, err
	}
	l.Reason = reason
	return l, st.moveList(s, &l, "return", map[string]any{"reason": reason})
}
