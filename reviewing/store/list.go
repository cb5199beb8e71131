package store

import (
	"fmt"
	"slices"

	"gorm.io/gorm/clause"

	"keping/configs/database"
	"keping/rbac"
	"keping/rbac/calendar"
	"keping/rbac/journal"
	"keping/rbac/rulebook"
	"keping/rbac/secret"
	rbacstore "keping/rbac/store"
	"keping/reviewing"
	"keping/reviewing/rank"
)

// holdList loads a list and locks its row: of two acts on it at once one sees
// what the other has done.
func (st *Store) holdList(s *step, id string) (reviewing.AwardList, error) {
	var locked reviewing.AwardList
	if err := s.Clauses(clause.Locking{Strength: "UPDATE"}).Select("id").Where("id = ?", id).Limit(1).Find(&locked).Error; err != nil {
		return locked, err
	}
	l, err := take[reviewing.AwardList](s, id, "该清单")
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

// objectionsOf are the objections still open or upheld, by application: a new
// version of the list does not make them go away.
func objectionsOf(s *step, guide string) (map[string]reviewing.ObjectionState, error) {
	open, err := find[reviewing.Objection](s, "created_at, id", "list_id IN (SELECT id FROM award_lists WHERE guide_id = ?) AND state IN ('lodged', 'accepted', 'investigating', 'upheld')", guide)
	out := map[string]reviewing.ObjectionState{}
	for _, o := range open {
		if out[o.ApplicationID] != reviewing.Upheld {
			out[o.ApplicationID] = o.State
		}
	}
	return out, err
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
				fen, places = fen+line.FiscalFen, places+1
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
			if err := s.Obey(pack.Check("R-122", len([]rune(reason)) >= 5, rulebook.Inputs{"version": old.Number}, "清单已审议通过，修改须重新审议（第二十一条、第二十六条），请说明理由。", "请填写修改理由，生成新版本后重新履行程序。")); err != nil {
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
	Reason        string `json:"reason,omitempty" maxLength:"500" doc:"越过更高名次列入的书面理由"`
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
		l.Lines[i].Choice, l.Lines[i].Reason = c.Choice, c.Reason
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

// NewConclusion is another office's word on a list.
type NewConclusion struct {
	Version  int                 `json:"version" minimum:"1" doc:"所看清单的版本号：意见只对所看的内容有效"`
	Kind     string              `json:"kind" enum:"joint_unit,conference,finance,deliberation" doc:"联合实施单位、联席会议、区财政局、区科技局审议"`
	Agreed   bool                `json:"agreed"`
	UnitID   string              `json:"unit_id,omitempty" maxLength:"36" doc:"补录联合实施单位意见时填写"`
	Document string              `json:"document,omitempty" maxLength:"100" doc:"文件名称和文号；补录必填"`
	Day      string              `json:"day" maxLength:"10" doc:"日期" example:"2025-06-25"`
	FileID   string              `json:"file_id,omitempty" maxLength:"36" doc:"扫描件；审议必附"`
	Words    []reviewing.Word    `json:"words,omitempty" maxItems:"200" doc:"联席会议逐项结论"`
	Schedule []reviewing.Payment `json:"schedule,omitempty" maxItems:"2000" doc:"区财政局商定的拨付方案：逐项、逐年、逐次，合计须与清单一致"`
	Vote     *reviewing.Vote     `json:"vote,omitempty" doc:"区科技局审议的表决情况"`
}

// RecordConclusion records a conclusion by its own account, or entered by an
// officer (补录, R-090) with document number and date.
func (st *Store) RecordConclusion(s *step, id string, in NewConclusion) (reviewing.Conclusion, error) {
	l, err := st.holdList(s, id)
	if err != nil {
		return reviewing.Conclusion{}, err
	}
	if l.State != reviewing.ListDrafted {
		return reviewing.Conclusion{}, reviewing.MoveRefusal("SM-12", string(l.State), "录入意见")
	}
	day, err := calendar.Parse(in.Day)
	if err != nil {
		return reviewing.Conclusion{}, rbac.Invalid("day", "%v", err)
	}
	if day.After(s.Now) {
		return reviewing.Conclusion{}, rbac.Invalid("day", "日期%s在今天之后，请核对", in.Day)
	}
	if l.Version != in.Version {
		return reviewing.Conclusion{}, database.ErrChanged
	}
	own := map[rbac.Role]string{rbac.JointUnit: "joint_unit", rbac.Conference: "conference", rbac.Finance: "finance", rbac.Director: "deliberation"}[s.Call.Actor.Role]
	entered := s.Call.Actor.Role == rbac.Officer
	if !entered && own != in.Kind {
		return reviewing.Conclusion{}, rbac.Invalid("kind", "您只能填写本单位的意见")
	}
	if entered && (in.Document == "" || in.FileID == "") {
		return reviewing.Conclusion{}, rbac.Invalid("document", "补录事项请注明依据文件的名称和文号，并附扫描件（第二十六条记实管理）")
	}
	if err := st.soundConclusion(s, l, in); err != nil {
		return reviewing.Conclusion{}, err
	}
	unit := in.UnitID
	if s.Call.Actor.Role == rbac.JointUnit {
		unit = s.Call.Actor.Unit
		f, err := st.listFacts(s, l)
		if err != nil {
			return reviewing.Conclusion{}, err
		}
		mine := false
		for _, units := range f.JointUnits {
			mine = mine || slices.Contains(units, unit)
		}
		if err := s.May(mine, "该清单"); err != nil {
			return reviewing.Conclusion{}, err
		}
	}
	if in.FileID != "" {
		if _, err := rbacstore.OwnFile(s, in.FileID); err != nil {
			return reviewing.Conclusion{}, err
		}
		if err := s.Model(&rbac.File{}).Where("id = ? AND object = ''", in.FileID).Update("object", "list/"+id).Error; err != nil {
			return reviewing.Conclusion{}, err
		}
	}
	c := reviewing.Conclusion{ID: s.NewID(), ListID: id, Kind: in.Kind, UnitID: unit, Agreed: in.Agreed, Document: in.Document, Day: in.Day, FileID: in.FileID,
		Words: in.Words, Schedule: in.Schedule, EnteredBy: s.Call.Actor.User, Entered: entered, CreatedAt: s.Now}
	if in.Vote != nil {
		c.Vote = []reviewing.Vote{*in.Vote}
	}
	if c.Lines, err = l.LinesHash(); err != nil {
		return c, err
	}
	s.Fact("kind", in.Kind)
	s.Fact("agreed", in.Agreed)
	s.Fact("entered", entered)
	s.Fact("lines", c.Lines)
	return c, s.Create(&c).Error
}

// soundConclusion holds a finance bureau's agreement to a schedule that adds up
// the deliberation to a vote that carries it and its file, and
// words to lines that are there.
func (st *Store) soundConclusion(s *step, l reviewing.AwardList, in NewConclusion) error {
	pack, err := st.Pack(s)
	if err != nil {
		return err
	}
	for i, w := range in.Words {
		if !slices.ContainsFunc(l.Lines, func(line reviewing.Line) bool { return line.ApplicationID == w.ApplicationID }) {
			return rbac.Invalid(fmt.Sprintf("words[%d]", i), "清单中没有这个项目")
		}
	}
	if !in.Agreed {
		return nil
	}
	switch in.Kind {
	case "finance":
		fault := l.ScheduleFault(in.Schedule)
		return s.Obey(pack.Check("R-071", fault == "", rulebook.Inputs{"payments": len(in.Schedule)}, "年度资金拨付方案与清单不一致（第二十一条）："+fault+"。", "请逐项填写各年度、各次拨付金额，合计等于清单的财政资助额。"))
	case "deliberation":
		sound := in.Vote != nil && in.Vote.Carried() && in.Document != "" && in.FileID != ""
		return s.Obey(pack.Check("R-072", sound, rulebook.Inputs{"vote": in.Vote}, "审议通过须有会议名称、表决过半数和会议文件（第二十一条）。", "请填写会议名称和文号、到会与表决人数，并附会议纪要。"))
	}
	return nil
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

// PubliciseList begins the publicity, counted in working days (R-073, P-40);
// R-025 is asked once more.
func (st *Store) PubliciseList(s *step, id string) (reviewing.AwardList, error) {
	l, err := st.holdList(s, id)
	if err != nil {
		return l, err
	}
	pack, err := st.Pack(s)
	if err != nil {
		return l, err
	}
	f, err := st.listFacts(s, l)
	if err != nil {
		return l, err
	}
	if l.State == reviewing.ListDrafted {
		return l, orState(s.Obey(pack.Fail("R-073", rulebook.Inputs{"state": string(l.State)}, "须先完成联合单位或联席会议意见、区财政局会签和区科技局审议，才能公示（第二十一条）。", "请先履行上述程序并审议通过。")), l)
	}
	verdicts := append(reviewing.LineRules(pack, f), reviewing.ConclusionRules(pack, f, true)...)
	verdicts = append(verdicts, pack.Pass("R-073", nil))
	if err := st.Obey(s, "list/"+id, verdicts...); err != nil {
		return l, err
	}
	c, err := rbacstore.LoadCalendar(s)
	if err != nil {
		return l, err
	}
	l.PublicFrom = calendar.Day(s.Now)
	if l.PublicTo, err = c.WorkingAfter(s.Now, pack.PublicityWorkingDays); err != nil {
		return l, rbac.Refuse(rbac.RefusedState, "%v", err)
	}
	for _, line := range l.Lines {
		a, err := take[reviewing.Application](s, line.ApplicationID, "该申报书")
		if err != nil {
			return l, err
		}
		act := map[string]string{"proposed": "propose", "reserve": "reserve", "declined": "decline"}[line.Choice]
		if to := reviewing.ApplicationMoves[a.State][act]; to != "" && to != a.State {
			if err := moveApplication(s, &a, act, a.Version, map[string]any{}); err != nil {
				return l, err
			}
		}
	}
	s.WantCheckpoint("公示")
	return l, st.moveList(s, &l, "publicise", map[string]any{"public_from": l.PublicFrom, "public_to": l.PublicTo})
}

// orState is the rule's refusal, or where that rule is off the state's.
func orState(err error, l reviewing.AwardList) error {
	if err != nil {
		return err
	}
	return reviewing.MoveRefusal("SM-12", string(l.State), "公示")
}

// ConfirmList ends the publicity: after its last day and with no accepted
// objection unanswered.
func (st *Store) ConfirmList(s *step, id string) (reviewing.AwardList, error) {
	l, err := st.holdList(s, id)
	if err != nil {
		return l, err
	}
	if l.State != reviewing.ListPublic {
		return l, reviewing.MoveRefusal("SM-12", string(l.State), "确认")
	}
	pack, err := st.Pack(s)
	if err != nil {
		return l, err
	}
	end, err := calendar.End(l.PublicTo)
	if err != nil {
		return l, err
	}
	f, err := st.listFacts(s, l)
	if err != nil {
		return l, err
	}
	open := f.OpenObjections()
	verdicts := append(reviewing.LineRules(pack, f),
		pack.Check("P-40", !s.Now.Before(end), rulebook.Inputs{"public_to": l.PublicTo}, "公示尚未期满（公示至"+l.PublicTo+"，惯例）。", "请在公示期满后确认。"),
		pack.Check("P-41", open == 0, rulebook.Inputs{"open": open}, fmt.Sprintf("还有%d项拟立项的异议未办结（惯例）。", open), "请先答复异议；异议成立的，生成新版清单。"))
	if err := st.Obey(s, "list/"+id, verdicts...); err != nil {
		return l, err
	}
	for _, line := range l.Lines {
		if line.Choice != "proposed" {
			continue
		}
		a, err := take[reviewing.Application](s, line.ApplicationID, "该申报书")
		if err != nil {
			return l, err
		}
		if err := moveApplication(s, &a, "award", a.Version, map[string]any{}); err != nil {
			return l, err
		}
	}
	return l, st.moveList(s, &l, "confirm", map[string]any{})
}

// NewObjection is an objection by real name.
type NewObjection struct {
	ApplicationID string `json:"application_id" maxLength:"36"`
	Name          string `json:"name" maxLength:"50" doc:"真实姓名或单位名称"`
	Contact       string `json:"contact" maxLength:"100" doc:"联系方式"`
	Text          string `json:"text" maxLength:"5000" doc:"异议内容和依据"`
}

// Lodged tells the objector the receipt number.
type Lodged struct {
	ID       string                   `json:"id" doc:"回执编号"`
	State    reviewing.ObjectionState `json:"state"`
	AnswerBy string                   `json:"answer_by" doc:"最迟答复日期"`
}

// LodgeObjection is P-41: real name, contact and grounds, within the publicity.
func (st *Store) LodgeObjection(s *step, list string, in NewObjection) (Lodged, error) {
	l, err := take[reviewing.AwardList](s, list, "该公示")
	if err != nil {
		return Lodged{}, err
	}
	if l.State != reviewing.ListPublic {
		return Lodged{}, rbac.Missing("该公示")
	}
	pack, err := st.Pack(s)
	if err != nil {
		return Lodged{}, err
	}
	end, err := calendar.End(l.PublicTo)
	if err != nil {
		return Lodged{}, err
	}
	onList := slices.ContainsFunc(l.Lines, func(line reviewing.Line) bool {
		return line.ApplicationID == in.ApplicationID && line.Choice == "proposed"
	})
	if !onList {
		return Lodged{}, rbac.Invalid("application_id", "该项目不在公示名单中")
	}
	named := len([]rune(in.Name)) >= 2 && len([]rune(in.Contact)) >= 5 && len([]rune(in.Text)) >= 10
	if err := s.Obey(pack.Check("P-41", named && s.Now.Before(end), rulebook.Inputs{"public_to": l.PublicTo, "complete": named},
		"异议须在公示期内以真实姓名提出，并附联系方式和依据（惯例）。", "请填写真实姓名、联系方式和不少于10个字的依据。")); err != nil {
		return Lodged{}, err
	}
	c, err := rbacstore.LoadCalendar(s)
	if err != nil {
		return Lodged{}, err
	}
	o := reviewing.Objection{ID: s.NewID(), ListID: list, ApplicationID: in.ApplicationID, State: reviewing.Lodged, CreatedAt: s.Now}
	if o.AcceptBy, err = c.WorkingAfter(s.Now, pack.ObjectionAcceptDays); err != nil {
		return Lodged{}, rbac.Refuse(rbac.RefusedState, "%v", err)
	}
	if o.AnswerBy, err = c.WorkingAfter(s.Now, pack.ObjectionAnswerDays); err != nil {
		return Lodged{}, rbac.Refuse(rbac.RefusedState, "%v", err)
	}
	o.Name, o.Contact, o.Text = s.Keys.Seal(in.Name, "objection/"+o.ID+"/name"), s.Keys.Seal(in.Contact, "objection/"+o.ID+"/contact"), s.Keys.Seal(in.Text, "objection/"+o.ID+"/text")
	s.On(o.ID)
	s.Call.Actor.User = o.ID
	s.Fact("list", list)
	o.Salt = secret.Random(16)
	s.Fact("text", rbacstore.Digest(o.Salt, in.Text))
	return Lodged{o.ID, o.State, o.AnswerBy}, s.Create(&o).Error
}

// DecideObjection moves an objection by SM-13, with a reason, finding or
// answer. The officer of the review that marked the line never decides it. What
// is decided after its day counts, and is marked late.
func (st *Store) DecideObjection(s *step, id, move, words string) (Lodged, error) {
	o, err := take[reviewing.Objection](s, id, "该异议")
	if err != nil {
		return Lodged{}, err
	}
	a, err := take[reviewing.Application](s, o.ApplicationID, "该申报书")
	if err != nil {
		return Lodged{}, err
	}
	r, err := take[reviewing.Review](s, a.ReviewID, "该评审批次")
	if err != nil {
		return Lodged{}, err
	}
	if err := st.impartial(s, "guide_id = ?", a.GuideID); err != nil {
		return Lodged{}, err
	}
	pack, err := st.Pack(s)
	if err != nil {
		return Lodged{}, err
	}
	if err := s.Obey(pack.Check("P-19", r.OfficerID != s.Call.Actor.User, nil, "异议不得由该评审批次的经办人员处理（惯例）。", "请由监督或其他经办人员处理。")); err != nil {
		return Lodged{}, err
	}
	to, ok := reviewing.ObjectionMoves[o.State][move]
	if !ok || o.ArchivedAt != nil {
		return Lodged{}, reviewing.MoveRefusal("SM-13", string(o.State), move)
	}
	set := map[string]any{"state": to}
	switch move {
	case "archive":
		set["archived_at"] = s.Now
	case "investigate":
		set["finding"] = s.Keys.Seal(words, "objection/"+id+"/finding")
	default:
		set["answer"], set["decided_by"], set["decided_at"] = s.Keys.Seal(words, "objection/"+id+"/answer"), s.Call.Actor.User, s.Now
	}
	if move != "archive" && len([]rune(words)) < 5 {
		return Lodged{}, rbac.Invalid("answer", "请写明理由、调查情况或答复（至少5个字）")
	}
	s.Fact("state", string(to))
	s.Fact("application", o.ApplicationID)
	due := o.AnswerBy
	if o.State == reviewing.Lodged {
		due = o.AcceptBy
	}
	s.Fact("late", move != "archive" && calendar.Day(s.Now) > due)
	return Lodged{id, to, o.AnswerBy}, database.Swap(s.Tx, &reviewing.Objection{}, map[string]any{"id": id, "state": o.State}, set)
}

// ReturnList is the deliberation's other outcome (退回): the list stays a
// draft, and the reason is kept with it.
func (st *Store) ReturnList(s *step, id, reason string) (reviewing.AwardList, error) {
	l, err := st.holdList(s, id)
	if err != nil {
		return l, err
	}
	l.Reason = reason
	return l, st.moveList(s, &l, "return", map[string]any{"reason": reason})
}

// InterruptPublicity stops a running publicity; the working days left are kept.
func (st *Store) InterruptPublicity(s *step, id, reason string) (reviewing.AwardList, error) {
	l, err := st.holdList(s, id)
	if err != nil {
		return l, err
	}
	if l.State != reviewing.ListPublic {
		return l, reviewing.MoveRefusal("SM-12", string(l.State), "中断公示")
	}
	c, err := rbacstore.LoadCalendar(s)
	if err != nil {
		return l, err
	}
	// Today counts as lost: it was not public to its end.
	for last := calendar.Day(s.Now.AddDate(0, 0, -1)); last < l.PublicTo; l.DaysLeft++ {
		if last, err = c.WorkingAfter(s.Now.AddDate(0, 0, -1), l.DaysLeft+1); err != nil {
			return l, rbac.Refuse(rbac.RefusedState, "%v", err)
		}
	}
	l.Reason = reason
	return l, st.moveList(s, &l, "interrupt", map[string]any{"days_left": l.DaysLeft, "reason": reason})
}

// ResumePublicity lets it run on for the working days left, from tomorrow.
func (st *Store) ResumePublicity(s *step, id string) (reviewing.AwardList, error) {
	l, err := st.holdList(s, id)
	if err != nil {
		return l, err
	}
	if l.State != reviewing.ListInterrupted {
		return l, reviewing.MoveRefusal("SM-12", string(l.State), "恢复公示")
	}
	c, err := rbacstore.LoadCalendar(s)
	if err != nil {
		return l, err
	}
	if l.PublicTo, err = c.WorkingAfter(s.Now, max(l.DaysLeft, 1)); err != nil {
		return l, rbac.Refuse(rbac.RefusedState, "%v", err)
	}
	l.DaysLeft = 0
	s.Fact("public_to", l.PublicTo)
	return l, st.moveList(s, &l, "resume", map[string]any{"days_left": 0, "public_to": l.PublicTo})
}

// CorrectPublicity adds a correction notice (更正公告) to a running publicity.
func (st *Store) CorrectPublicity(s *step, id, text string) (reviewing.AwardList, error) {
	l, err := st.holdList(s, id)
	if err != nil {
		return l, err
	}
	l.Notices = append(l.Notices, reviewing.PublicNotice{Day: calendar.Day(s.Now), Text: text})
	s.Fact("text", journal.Hash(text))
	return l, st.moveList(s, &l, "correct", map[string]any{"notices": l.Notices})
}

// WhatIf is a ranking as it would be without one expert's marks.
type WhatIf struct {
	Lines []WhatIfLine `json:"lines"`
}

// WhatIfLine is one application before and after.
type WhatIfLine struct {
	Number string `json:"number"`
	Rank   int    `json:"rank"`
	Shown  string `json:"shown"`
	After  int    `json:"after_rank" doc:"0为有效评分不足，不能排名"`
	Then   string `json:"after_shown"`
}

// WhatIfVoid recomputes the official ranking of a closed review with the marks
// of one expert (by code) void, for one application or for all: what an
// investigation wants to know before it concludes. Nothing is changed.
func (st *Store) WhatIfVoid(s *step, reviewID, code, number string) (WhatIf, error) {
	r, err := take[reviewing.Review](s, reviewID, "该评审批次")
	if err != nil {
		return WhatIf{}, err
	}
	if err := demandState(r, "试算", reviewing.Closed); err != nil {
		return WhatIf{}, err
	}
	record, _, err := rankingOf(s, r.ID)
	if err != nil {
		return WhatIf{}, err
	}
	then := record
	then.Sheets = slices.Clone(record.Sheets)
	touched := false
	for i, sheet := range then.Sheets {
		if sheet.Sheet.Expert == code && (number == "" || sheet.Sheet.Application == number) && sheet.Status == "counted" {
			then.Sheets[i].Status = "void"
			touched = true
		}
	}
	if !touched {
		return WhatIf{}, rbac.Invalid("code", "该批次没有代号%s的有效评分", code)
	}
	s.Fact("expert", code)
	if then, err = rank.Compute(then); err != nil {
		return WhatIf{}, err
	}
	out := WhatIf{Lines: []WhatIfLine{}}
	for _, before := range record.Results {
		line := WhatIfLine{Number: before.Application, Rank: before.Rank, Shown: before.Shown}
		for _, after := range then.Results {
			if after.Application == before.Application {
				line.After, line.Then = after.Rank, after.Shown
			}
		}
		out.Lines = append(out.Lines, line)
	}
	return out, nil
}

// Feedback is what an applicant reads of the review of the own application
// (P-44): result and opinions, without names, codes or order of the experts.
type Feedback struct {
	Number   string                     `json:"number"`
	State    reviewing.ApplicationState `json:"state"`
	Shown    string                     `json:"shown" doc:"总分"`
	Opinion  string                     `json:"opinion" doc:"专家组对该项目的综合意见"`
	Opinions []string                   `json:"opinions"`
}

// FeedbackOf is given once the list with the application is confirmed.
func (st *Store) FeedbackOf(s *step, id string) (Feedback, error) {
	a, err := st.ownApplication(s, id)
	if err != nil {
		return Feedback{}, err
	}
	lists, err := find[reviewing.AwardList](s, "number", "guide_id = ? AND state = ?", a.GuideID, reviewing.ListConfirmed)
	if err != nil {
		return Feedback{}, err
	}
	out := Feedback{Number: a.Number, State: a.State, Opinions: []string{}}
	told := false
	for _, l := range lists {
		for _, line := range l.Lines {
			if line.ApplicationID == a.ID {
				told, out.Shown = true, line.Shown
			}
		}
	}
	if !told {
		return Feedback{}, rbac.Refuse(rbac.RefusedState, "评审结果尚未确认，暂不反馈意见（SM-12）。请待公示期满后查看。")
	}
	r, err := take[reviewing.Review](s, a.ReviewID, "该评审批次")
	if err != nil {
		return Feedback{}, err
	}
	consolidated, err := opinionOf(s, r)
	if err != nil {
		return Feedback{}, err
	}
	out.Opinion = consolidated.Of(a.ID)
	sheets, err := find[reviewing.Sheet](s, "hash", "application_id = ? AND state = ?", a.ID, reviewing.SheetSubmitted)
	if err != nil {
		return Feedback{}, err
	}
	for _, sheet := range sheets { // in the order of their digests, which tells nothing
		c, err := content(s, sheet)
		if err != nil {
			return Feedback{}, err
		}
		if c.Opinion != "" && !c.Abstained {
			out.Opinions = append(out.Opinions, c.Opinion)
		}
	}
	return out, nil
}
