package store

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"keping/configs/database"
	"keping/experts"
	"keping/rbac"
	"keping/rbac/calendar"
	"keping/rbac/notice"
	"keping/rbac/rulebook"
	rbacstore "keping/rbac/store"
)

// Move is what moves an expert by SM-07.
type Move struct {
	Version int
	Reason  string
	Code    string // of the reason, where it is one of a list
	Until   string // last day of a suspension or ban
	FileID  string // the decision
}

// MoveExpert resumes, ends or moves otherwise with a reason (SM-07). Who
// resumes must still be what the pool asks for (P-02, P-06).
func (s *Store) MoveExpert(step *rbacstore.Step, id, move string, in Move) (experts.Expert, error) {
	e, err := Take(step, id)
	if err != nil {
		return e, err
	}
	to, err := target(e, move)
	if err != nil {
		return e, err
	}
	if to == experts.InPool && e.Version == in.Version {
		pack, err := s.Pack(step)
		if err != nil {
			return e, err
		}
		if err := s.Obey(step, "expert/"+id, experts.MayServe(pack, e, step.Now)...); err != nil {
			return e, err
		}
	}
	return e, s.move(step, &e, move, in)
}

// target is where a move leads from the present state.
func target(e experts.Expert, move string) (experts.State, error) {
	to, ok := experts.Moves[e.State][move]
	if !ok {
		return to, rbac.Refuse(rbac.RefusedState, "该专家当前状态不允许此操作（SM-07）。请刷新后核对其状态。")
	}
	return to, nil
}

// move makes the move and tells the expert of one that takes the pool away.
func (s *Store) move(step *rbacstore.Step, e *experts.Expert, move string, in Move) error {
	to, err := target(*e, move)
	if err != nil {
		return err
	}
	if in.Until != "" {
		var bad rbac.Fields
		checkDay(&bad, "until", in.Until)
		bad.Check(after(in.Until, step.Now), "until", "最后一日%s已经过去", in.Until)
		if err := bad.Refusal(); err != nil {
			return err
		}
	}
	if in.FileID != "" {
		if err := rbacstore.TieFile(step, in.FileID, "expert/"+e.ID, "file_id"); err != nil {
			return err
		}
	}
	from := e.State
	e.State, e.StateReason, e.StateCode, e.StateUntil, e.StateFile, e.Version = to, in.Reason, in.Code, in.Until, in.FileID, in.Version+1
	step.Fact("state", string(to))
	step.Fact("code", in.Code)
	step.Fact("until", in.Until)
	set := map[string]any{"state": to, "state_reason": in.Reason, "state_code": in.Code, "state_until": in.Until, "state_file": in.FileID, "version": e.Version}
	if err := database.Swap(step.Tx, &experts.Expert{}, map[string]any{"id": e.ID, "state": from, "version": in.Version}, set); err != nil {
		return err
	}
	word := map[experts.State]string{experts.Suspended: "暂停参加评审", experts.Banned: "禁止参加评审"}[to]
	if word == "" || e.Mail == "" {
		return nil
	}
	term := "。"
	if in.Until != "" {
		term = "，至" + in.Until + "止。"
	}
	return step.Notify(notice.Message{Kind: "expert_" + string(to), UserID: e.UserID, Address: e.Mail, Subject: "关于您的专家资格",
		Body: fmt.Sprintf("%s：您已被%s%s原因：%s 如有异议，可登录后在“本人档案”中申诉，或联系专家库管理员。", e.Name, word, term, in.Reason), Object: "expert/" + e.ID})
}

// Ban is what a director bans an expert for.
type Ban struct {
	Version    int    `json:"version" minimum:"1"`
	Code       string `json:"code" enum:"not_recused,leak,approach,favour,proxy,false_facts,other" doc:"违规情形"`
	Grade      string `json:"grade" enum:"light,serious,grave" doc:"情节：一般、较重、严重"`
	Until      string `json:"until,omitempty" maxLength:"10" doc:"禁用期最后一日；空为永久"`
	Reason     string `json:"reason" minLength:"5" maxLength:"150" doc:"查明的事实"`
	FileID     string `json:"file_id" minLength:"1" maxLength:"36" doc:"处理决定的扫描件"`
	ApproachID string `json:"approach_id,omitempty" maxLength:"36" doc:"所依据的请托报告编号"`
}

// BanExpert is P-22: by a director, for a kind of misconduct, for a term within
// the years of its grade, by a decision on paper. A ban for an approach may
// name the report that the supervisor has found true.
func (s *Store) BanExpert(step *rbacstore.Step, id string, in Ban) (experts.Expert, error) {
	e, err := Take(step, id)
	if err != nil {
		return e, err
	}
	if _, err := target(e, "ban"); err != nil {
		return e, err
	}
	pack, err := s.Pack(step)
	if err != nil {
		return e, err
	}
	if err := s.Obey(step, "expert/"+id, experts.BanTerm(pack, in.Grade, in.Until, step.Now)); err != nil {
		return e, err
	}
	if in.ApproachID != "" {
		var n int64
		err := step.Model(&experts.Approach{}).Where("id = ? AND state = ? AND outcome = 'ban'", in.ApproachID, experts.ApproachHandled).Count(&n).Error
		if err != nil {
			return e, err
		}
		if n == 0 {
			return e, rbac.Invalid("approach_id", "没有监督核实并建议禁用的这份请托报告")
		}
		step.Fact("approach", in.ApproachID)
	}
	step.Fact("grade", in.Grade)
	return e, s.move(step, &e, "ban", Move{in.Version, experts.Misconduct[in.Code] + "：" + in.Reason, in.Code, in.Until, in.FileID})
}

// KeepTerms does what the calendar asks for: ends the suspensions and bans
// whose last day is over, and suspends whom age, term, document or the yearly
// re-check no longer lets serve (P-02, P-06). Each is an act of its own by
// "system". It returns how many.
func (s *Store) KeepTerms(ctx context.Context) (int, error) {
	reading := &rbacstore.Step{Tx: &database.Tx{DB: s.DB.Read(ctx), Now: s.DB.Now()}}
	pack, err := s.Pack(reading)
	if err != nil {
		return 0, err
	}
	today := calendar.Day(reading.Now)
	var ended, lapsed []string
	if err := reading.Model(&experts.Expert{}).Where("state IN ? AND state_until > '' AND state_until < ?", []experts.State{experts.Suspended, experts.Banned}, today).
		Order("id").Limit(500).Pluck("id", &ended).Error; err != nil {
		return 0, err
	}
	var errs []error
	done := 0
	act := func(ids []string, permission rbac.Permission, fn func(*rbacstore.Step, experts.Expert) (bool, error)) {
		for _, id := range ids {
			_, _, err := rbacstore.Act(ctx, s.Store, rbacstore.Call{Actor: rbac.SystemActor, Permission: permission, Object: id}, func(step *rbacstore.Step) (struct{}, error) {
				e, err := Take(step, id)
				if err != nil {
					return struct{}{}, err
				}
				moved, err := fn(step, e)
				if !moved { // somebody else was faster
					step.Unjournalled()
				} else if err == nil {
					done++
				}
				return struct{}{}, err
			})
			errs = append(errs, err) // one that fails holds up no other
		}
	}
	act(ended, "expert expire", func(step *rbacstore.Step, e experts.Expert) (bool, error) {
		if _, ok := experts.Moves[e.State]["expire"]; !ok || e.StateUntil == "" || e.StateUntil >= today {
			return false, nil
		}
		return true, s.move(step, &e, "expire", Move{Version: e.Version, Reason: "期限届满", Code: "term_over"})
	})
	// Each is a range of an index; whom a director has released from the age is left out.
	on := func(rule string) bool { return pack.Fail(rule, nil, "", "").Verdict == rulebook.OutcomeFail }
	const unreleased = "id NOT IN (SELECT SUBSTR(object, 8) FROM releases WHERE rule = 'P-02' AND object LIKE 'expert/%')"
	recheck := calendar.Day(reading.Now.In(calendar.Zone).AddDate(0, -pack.RecheckMonths, 0))
	for _, q := range []struct {
		asked bool
		where string
		args  []any
	}{
		{on("P-06") && pack.RecheckMonths > 0, "confirmed_day < ?", []any{recheck}},
		{on("P-06"), "term_until > '' AND term_until < ?", []any{today}},
		{on("P-06"), "document_until > '' AND document_until < ?", []any{today}},
		{on("P-02"), "pool = ? AND birth_year > 0 AND birth_year < ? AND " + unreleased, []any{experts.TechnicalPool, reading.Now.Year() - 1 - pack.PoolAgeMax}},
		{on("P-02"), "pool = ? AND birth_year > 0 AND birth_year < ? AND " + unreleased, []any{experts.AdvisoryPool, reading.Now.Year() - 1 - pack.AdvisoryAgeMax}},
	} {
		if !q.asked {
			continue
		}
		var ids []string
		errs = append(errs, reading.Model(&experts.Expert{}).Where("state = ?", experts.InPool).Where(q.where, q.args...).Order("id").Limit(500).Pluck("id", &ids).Error)
		lapsed = append(lapsed, ids...)
	}
	act(unique(lapsed), "expert lapse", func(step *rbacstore.Step, e experts.Expert) (bool, error) {
		if _, ok := experts.Moves[e.State]["lapse"]; !ok {
			return false, nil
		}
		verdicts, err := s.Release(step, "expert/"+e.ID, experts.MayServe(pack, e, step.Now))
		if err != nil {
			return false, err
		}
		broken := rulebook.Blocking(verdicts)
		if len(broken) == 0 {
			return false, nil
		}
		step.Verdicts = broken
		code, _ := broken[0].Inputs["code"].(string)
		return true, s.move(step, &e, "lapse", Move{Version: e.Version, Reason: broken[0].Message + broken[0].Remedy, Code: code})
	})
	return done, errors.Join(errs...)
}

// ConfirmExpert is the yearly re-check (P-06): a pool keeper, or the expert,
// has gone through the record and entered what has changed.
func (s *Store) ConfirmExpert(step *rbacstore.Step, e experts.Expert, in Facts) (experts.Expert, error) {
	today := calendar.Day(step.Now)
	e.ConfirmedDay = today
	step.Fact("confirmed", today)
	return e, change(step, &e, in, map[string]any{"confirmed_day": today})
}

// Own is the record of the expert who acts.
func Own(step *rbacstore.Step) (experts.Expert, error) {
	var e experts.Expert
	err := step.Take(&e, "person_id = ? AND person_id <> ''", step.Call.Actor.Person).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return e, rbac.Missing("您的专家档案")
	}
	return e, err
}
