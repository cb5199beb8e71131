package store

import (
	"errors"

	"gorm.io/gorm"

	"keping/configs/database"
	"keping/experts"
	"keping/rbac"
	"keping/rbac/calendar"
	"keping/rbac/rulebook"
	"keping/rbac/secret"
	rbacstore "keping/rbac/store"
)

// Nominate makes experts public for the pack's working days (P-06).
func (s *Store) Nominate(step *rbacstore.Step, pack *rulebook.Pack, object string, ids []string) (experts.Nomination, error) {
	n := experts.Nomination{ID: step.NewID(), Object: object, FromDay: calendar.Day(step.Now), CreatedBy: step.Call.Actor.User, CreatedAt: step.Now}
	if pack.MemberPublicityDays == 0 || pack.Fail("P-06", nil, "", "").Verdict != rulebook.OutcomeFail {
		return n, rbac.Refuse(rbac.RefusedState, "现行规则包不要求公示新成员（惯例P-06未启用），可直接办理审核或审定。")
	}
	c, err := rbacstore.LoadCalendar(step)
	if err != nil {
		return n, err
	}
	if n.ToDay, err = c.WorkingAfter(step.Now, pack.MemberPublicityDays); err != nil {
		return n, rbac.Refuse(rbac.RefusedState, "%v", err)
	}
	rows := make([]experts.Nominee, len(ids))
	for i, id := range ids {
		rows[i] = experts.Nominee{NominationID: n.ID, ExpertID: id}
	}
	if step.Call.Object == "" {
		step.On(n.ID)
	}
	step.Fact("nomination", n.ID)
	step.Fact("experts", ids)
	step.Fact("to", n.ToDay)
	if err := step.CreateInBatches(unique(rows), 200).Error; err != nil {
		return n, err
	}
	return n, step.Create(&n).Error
}

// NominateExperts makes proposed experts public before they are admitted.
func (s *Store) NominateExperts(step *rbacstore.Step, ids []string) (experts.Nomination, error) {
	pack, err := s.Pack(step)
	if err != nil {
		return experts.Nomination{}, err
	}
	for _, id := range ids {
		e, err := Take(step, id)
		if err != nil {
			return experts.Nomination{}, err
		}
		to, err := target(e, "publicise")
		if err != nil {
			return experts.Nomination{}, err
		}
		if err := database.Swap(step.Tx, &experts.Expert{}, map[string]any{"id": id, "state": e.State}, map[string]any{"state": to, "version": e.Version + 1}); err != nil {
			return experts.Nomination{}, err
		}
	}
	return s.Nominate(step, pack, experts.ToPool, ids)
}

// Publicised is P-06 for one expert and what the expert is to enter.
func Publicised(step *rbacstore.Step, pack *rulebook.Pack, object string, e experts.Expert) (rulebook.Verdict, error) {
	var last []experts.Nomination
	err := step.Joins("JOIN nominees x ON x.nomination_id = nominations.id").Where("x.expert_id = ? AND nominations.object = ?", e.ID, object).
		Order("nominations.id DESC").Limit(1).Find(&last).Error
	if err != nil {
		return rulebook.Verdict{}, err
	}
	known := experts.Publicity{}
	for _, n := range last {
		known.To = n.ToDay
		var states []experts.CaseState
		if err := step.Model(&experts.NominationObjection{}).Where("nomination_id = ? AND expert_id = ?", n.ID, e.ID).Pluck("state", &states).Error; err != nil {
			return rulebook.Verdict{}, err
		}
		for _, state := range states {
			switch state {
			case experts.CaseOpen:
				known.Open++
			case experts.CaseAccepted:
				known.Upheld++
			}
		}
	}
	return experts.Publicised(pack, e, known, calendar.Day(step.Now)), nil
}

// NewAppeal is an expert's word against the own suspension or ban.
type NewAppeal struct {
	Text string `json:"text" minLength:"10" maxLength:"3000" doc:"申诉的事实和理由"`
}

// CreateAppeal lodges it; one at a time.
func (s *Store) CreateAppeal(step *rbacstore.Step, in NewAppeal) (experts.Appeal, error) {
	e, err := Own(step)
	if err != nil {
		return experts.Appeal{}, err
	}
	if e.State != experts.Suspended && e.State != experts.Banned {
		return experts.Appeal{}, rbac.Refuse(rbac.RefusedState, "您的专家资格未被暂停或禁用，无须申诉（SM-07）。")
	}
	var n int64
	if err := step.Model(&experts.Appeal{}).Where("expert_id = ? AND state = ?", e.ID, experts.CaseOpen).Count(&n).Error; err != nil {
		return experts.Appeal{}, err
	}
	if n > 0 {
		return experts.Appeal{}, rbac.Refuse(rbac.RefusedState, "您已有一件申诉正在处理（SM-07），请等待答复。")
	}
	a := experts.Appeal{ID: step.NewID(), ExpertID: e.ID, Against: e.State, State: experts.CaseOpen, Salt: secret.Random(16), CreatedAt: step.Now}
	a.Text = step.Keys.Seal(in.Text, "appeal/"+a.ID+"/text")
	step.On(a.ID)
	step.Fact("expert", e.ID)
	step.Fact("text", rbacstore.Digest(a.Salt, in.Text))
	return a, step.Create(&a).Error
}

// AppealView is an appeal as who decides it, or who made it, reads it.
type AppealView struct {
	experts.Appeal
	Text   string `json:"text"`
	Answer string `json:"answer"`
}

// ViewAppeal opens an appeal.
func ViewAppeal(step *rbacstore.Step, a experts.Appeal) (AppealView, error) {
	text, err1 := step.Keys.Open(a.Text, "appeal/"+a.ID+"/text")
	answer, err2 := step.Keys.Open(a.Answer, "appeal/"+a.ID+"/answer")
	return AppealView{a, text, answer}, errors.Join(err1, err2)
}

// ReadAppeal opens one for who decides; that it was read is journalled.
func (s *Store) ReadAppeal(step *rbacstore.Step, id string) (AppealView, error) {
	var a experts.Appeal
	err := step.Take(&a, "id = ?", id).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return AppealView{}, rbac.Missing("该申诉")
	}
	if err != nil {
		return AppealView{}, err
	}
	return ViewAppeal(step, a)
}

// DecideAppeal accepts or rejects; an accepted one ends what it is against.
func (s *Store) DecideAppeal(step *rbacstore.Step, id, move, answer string) (AppealView, error) {
	v, err := s.ReadAppeal(step, id)
	if err != nil {
		return v, err
	}
	a := v.Appeal
	to, ok := experts.CaseMoves[a.State][move]
	if !ok {
		return v, rbac.Refuse(rbac.RefusedState, "该申诉已有结论，不再更改（SM-07）。")
	}
	step.Fact("decision", string(to))
	step.Fact("expert", a.ExpertID)
	step.Fact("answer", rbacstore.Digest(a.Salt, answer))
	v.State, v.Answer, v.DecidedAt = to, answer, &step.Now
	set := map[string]any{"state": to, "answer": step.Keys.Seal(answer, "appeal/"+id+"/answer"), "decided_by": step.Call.Actor.User, "decided_at": step.Now}
	if err := database.Swap(step.Tx, &experts.Appeal{}, map[string]any{"id": id, "state": a.State}, set); err != nil || to != experts.CaseAccepted {
		return v, err
	}
	e, err := Take(step, a.ExpertID)
	if err != nil || e.State != a.Against {
		return v, err // it has ended of itself meanwhile
	}
	back := map[experts.State]string{experts.Suspended: "resume", experts.Banned: "lift"}[e.State]
	step.Brings("expert."+back, "expert/"+e.ID, map[string]any{"appeal": id})
	_, err = s.MoveExpert(step, e.ID, back, Move{Version: e.Version, Reason: "申诉成立", Code: "appeal"})
	return v, err
}
