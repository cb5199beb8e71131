package store

import (
	"fmt"

	"keping/configs/database"
	"keping/rbac"
	"keping/rbac/calendar"
	"keping/rbac/notice"
	"keping/rbac/rulebook"
	rbacstore "keping/rbac/store"
	"keping/reviewing"
)

// RecommendApplication is R-013: the joint unit recommends.
func (st *Store) RecommendApplication(s *step, id string) (reviewing.Application, error) {
	a, err := take[reviewing.Application](s, id, "该申报书")
	if err != nil {
		return a, err
	}
	units, err := find[reviewing.ApplicationUnit](s, "unit_id", "application_id = ? AND role = 'joint'", id)
	if err != nil {
		return a, err
	}
	mine, all := false, true
	for i := range units {
		if units[i].UnitID == s.Call.Actor.Unit {
			mine = true
			units[i].RecommendedAt = &s.Now
			where := map[string]any{"application_id": id, "unit_id": units[i].UnitID, "role": "joint"}
			if err := database.Swap(s.Tx, &reviewing.ApplicationUnit{}, where, map[string]any{"recommended_at": s.Now}); err != nil {
				return a, err
			}
		}
		all = all && units[i].RecommendedAt != nil
	}
	if err := s.May(mine, "该申报书"); err != nil {
		return a, err
	}
	if a.State != reviewing.AppDraft && a.State != reviewing.AppUnitReview && a.State != reviewing.AppCorrection {
		return a, reviewing.MoveRefusal("SM-06", string(a.State), "推荐")
	}
	if all {
		a.RecommendedAt = &s.Now
	}
	return a, database.Swap(s.Tx, &reviewing.Application{}, map[string]any{"id": id, "version": a.Version}, map[string]any{"recommended_at": a.RecommendedAt})
}

// submission loads what a submission is judged by.
func (st *Store) submission(s *step, a reviewing.Application) (reviewing.Submission, error) {
	sub := reviewing.Submission{Application: a, Now: s.Now}
	var err error
	if sub.Programme, err = take[reviewing.Programme](s, a.ProgrammeID, "该专项"); err != nil {
		return sub, err
	}
	if sub.Guide, err = take[reviewing.Guide](s, a.GuideID, "该指南"); err != nil {
		return sub, err
	}
	var n int64
	if err = s.Model(&reviewing.ApplicationPerson{}).Where("application_id = ? AND role = 'leader'", a.ID).Count(&n).Error; err != nil {
		return sub, err
	}
	sub.Leaders = int(n)
	joint, err := find[reviewing.ApplicationUnit](s, "unit_id", "application_id = ? AND role = 'joint'", a.ID)
	if err != nil {
		return sub, err
	}
	for _, j := range joint {
		u, err := take[rbac.Unit](s, j.UnitID, "联合实施单位")
		if err != nil {
			return sub, err
		}
		sub.JointUnits = append(sub.JointUnits, u)
		if j.RecommendedAt != nil {
			sub.Recommended++
		}
	}
	if sub.Member, err = memberOfYear(s, a.ProgrammeID, a.LeaderID); err != nil {
		return sub, err
	}
	if sub.Uncertain, err = uncertainMembers(s, a.ProgrammeID, a.LeaderID); err != nil {
		return sub, err
	}
	if sub.Examined, err = examined(s, a); err != nil {
		return sub, err
	}
	sub.Files = map[string]rbac.File{}
	for _, m := range a.Materials {
		var f rbac.File
		if err := s.Take(&f, "id = ?", m.FileID).Error; err != nil {
			return sub, err
		}
		sub.Files[f.ID] = f
	}
	others, err := find[reviewing.Application](s, "id", "leader_id = ? AND id <> ? AND programme_id IN (SELECT id FROM programmes WHERE year = ?)", a.LeaderID, a.ID, sub.Programme.Year)
	for _, o := range others {
		if o.State.Live() {
			sub.SameLeader++
		}
	}
	return sub, err
}

// examined are the leader and the lead unit with their integrity records (P-23).
func examined(s *step, a reviewing.Application) ([]rbac.Examined, error) {
	unit, err := take[rbac.Unit](s, a.LeadUnitID, "牵头单位")
	if err != nil {
		return nil, err
	}
	day := calendar.Day(s.Now)
	people, err := rbacstore.IntegrityInForce(s.DB, rbac.SubjectPerson, day, a.LeaderID)
	if err != nil {
		return nil, err
	}
	units, err := rbacstore.IntegrityInForce(s.DB, rbac.SubjectUnit, day, unit.ID)
	return []rbac.Examined{{Who: a.LeaderName, ID: a.LeaderID, Records: people[a.LeaderID]}, {Who: unit.Name, ID: unit.ID, Records: units[unit.ID]}}, err
}

// SubmitApplication submits inside the window, all rules obeyed: by the unit to
// the bureau, by a leader to the own unit, which endorses (单位审核).
func (st *Store) SubmitApplication(s *step, id string, version int) (reviewing.Application, error) {
	a, err := st.ownApplication(s, id)
	if err != nil {
		return a, err
	}
	move := "submit"
	if s.Call.Actor.Role == rbac.Applicant {
		move = "hand_in"
	}
	return st.handIn(s, a, move, version)
}

// handIn moves an application on once all rules hold. One sent back for
// correction has its own clock instead of the window's.
func (st *Store) handIn(s *step, a reviewing.Application, move string, version int) (reviewing.Application, error) {
	pack, err := st.Pack(s)
	if err != nil {
		return a, err
	}
	sub, err := st.submission(s, a)
	if err != nil {
		return a, err
	}
	if _, ok := reviewing.ApplicationMoves[a.State][move]; !ok {
		return a, reviewing.MoveRefusal("SM-06", string(a.State), move)
	}
	verdicts := reviewing.SubmissionRules(pack, sub)
	if a.Corrections == 0 {
		verdicts = append(verdicts, reviewing.WindowRule(pack, sub.Guide, a.LateUntil, s.Now))
	} else {
		end, err := calendar.End(a.CorrectBy)
		if err != nil {
			return a, err
		}
		verdicts = append(verdicts, pack.Check("P-45", s.Now.Before(end), rulebook.Inputs{"correct_by": a.CorrectBy},
			"补正期限至"+a.CorrectBy+"，已经截止（惯例）。", "局领导可批准延期补正，并记录理由；经办也可作出不通过的结论。"))
	}
	if err := st.Obey(s, "application/"+a.ID, verdicts...); err != nil {
		return a, err
	}
	if move == "hand_in" {
		return a, moveApplication(s, &a, move, version, map[string]any{})
	}
	set := map[string]any{"submitted_at": s.Now}
	if a.Number == "" {
		n, err := s.Number(fmt.Sprintf("application:%s", sub.Programme.Code))
		if err != nil {
			return a, err
		}
		a.Number = fmt.Sprintf("%s-%03d", sub.Programme.Code, n)
		set["number"] = a.Number
	}
	a.SubmittedAt = &s.Now
	if err := moveApplication(s, &a, move, version, set); err != nil {
		return a, err
	}
	return a, st.acknowledge(s, a)
}

// acknowledge sends the receipt of a submission to whoever made it, so that
// nobody has to ask whether it has arrived.
func (st *Store) acknowledge(s *step, a reviewing.Application) error {
	u, err := rbacstore.TakeUser(s, s.Call.Actor.User)
	if err != nil || u.Mail == "" {
		return err
	}
	return s.Notify(notice.Message{Kind: "receipt", UserID: u.ID, Address: u.Mail, Object: "application/" + a.ID, Subject: "申报书已收到：" + a.Number,
		Body: fmt.Sprintf("%s：\n\n贵单位的申报书“%s”已于%s提交，编号%s，第%d版。\n办理进展请登录系统查看：%s\n", u.Name, a.Title, calendar.Stamp(s.Now), a.Number, a.Version, st.PublicURL)})
}

// PermitLate is a director's recorded permission to submit after the window
// for one application, until an instant, with its reason.
func (st *Store) PermitLate(s *step, id, until, reason string, version int) (reviewing.Application, error) {
	a, err := take[reviewing.Application](s, id, "该申报书")
	if err != nil {
		return a, err
	}
	if err := st.impartial(s, "id = ?", id); err != nil {
		return a, err
	}
	if a.State != reviewing.AppDraft && a.State != reviewing.AppUnitReview && a.State != reviewing.AppCorrection {
		return a, reviewing.MoveRefusal("SM-06", string(a.State), "批准延期提交")
	}
	end, err := calendar.End(until)
	if err != nil {
		return a, rbac.Invalid("until", "%v", err)
	}
	if !s.Now.Before(end) {
		return a, rbac.Invalid("until", "延期的最后一日%s已经过去", until)
	}
	late := end.UTC()
	a.LateUntil, a.LateReason, a.Version = &late, reason, version+1
	set := map[string]any{"late_until": late, "late_reason": reason, "version": a.Version}
	if a.Corrections > 0 { // the correction's clock is the one that runs
		a.CorrectBy = until
		set["correct_by"] = until
	}
	s.Fact("until", until)
	return a, database.Swap(s.Tx, &reviewing.Application{}, map[string]any{"id": id, "version": version, "state": a.State}, set)
}

// EndorseApplication is the lead unit's approval (单位审核) of what its leader
// has submitted: the rules are asked again, for it is the unit that applies.
func (st *Store) EndorseApplication(s *step, id string, version int) (reviewing.Application, error) {
	a, err := st.ownApplication(s, id)
	if err != nil {
		return a, err
	}
	return st.handIn(s, a, "endorse", version)
}

// SendBackApplication returns it to the leader with a reason.
func (st *Store) SendBackApplication(s *step, id, reason string, version int) (reviewing.Application, error) {
	a, err := st.ownApplication(s, id)
	if err != nil {
		return a, err
	}
	move := "send_back"
	if a.Corrections > 0 {
		move = "send_back_correction"
	}
	a.StateReason = reason
	return a, moveApplication(s, &a, move, version, map[string]any{"state_reason": reason})
}
