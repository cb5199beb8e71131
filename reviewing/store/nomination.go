package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"keping/configs/database"
	"keping/experts"
	"keping/rbac"
	"keping/rbac/calendar"
	"keping/rbac/rulebook"
	"keping/rbac/secret"
	rbacstore "keping/rbac/store"
	"keping/reviewing"
)

// NominateMembers makes a group's recommended members public before a director
// approves them (P-06).
func (st *Store) NominateMembers(s *step, programme, kind string) (experts.Nomination, error) {
	pack, err := st.Pack(s)
	if err != nil {
		return experts.Nomination{}, err
	}
	p, err := take[reviewing.Programme](s, programme, "该专项")
	if err != nil {
		return experts.Nomination{}, err
	}
	g, err := groupOf(s, p.ID, kind)
	if err != nil {
		return experts.Nomination{}, err
	}
	var ids []string
	// Who is public already, or has been, is not made public again.
	err = s.Model(&reviewing.Membership{}).Where("group_id = ? AND state = ? AND expert_id NOT IN (SELECT x.expert_id FROM nominees x JOIN nominations n ON n.id = x.nomination_id WHERE n.object = ?)",
		g.ID, reviewing.Recommended, "group/"+g.ID).Order("expert_id").Pluck("expert_id", &ids).Error
	if err != nil {
		return experts.Nomination{}, err
	}
	if len(ids) == 0 {
		return experts.Nomination{}, rbac.Refuse(rbac.RefusedState, "没有待公示的推荐成员（SM-08）。请先由经办会同主管部门推荐。")
	}
	return st.Nominate(s, pack, "group/"+g.ID, ids)
}

// NominationView is a nomination as the public reads it: no number of anybody.
type NominationView struct {
	ID      string        `json:"id"`
	Title   string        `json:"title"`
	From    string        `json:"from"`
	To      string        `json:"to" doc:"公示最后一日，至24时"`
	Members []NomineeView `json:"members"`
}

// NomineeView is one of those made public.
type NomineeView struct {
	ExpertID string `json:"expert_id"`
	Name     string `json:"name"`
	Unit     string `json:"unit"`
	Title    string `json:"title"`
}

// Nominations are those whose days are not over.
func (st *Store) Nominations(ctx context.Context, after string, limit int) ([]NominationView, error) {
	s := st.reading(ctx, rbac.Actor{})
	var rows []experts.Nomination
	if err := s.Where("to_day >= ? AND id > ?", calendar.Day(s.Now), after).Order("id").Limit(limit).Find(&rows).Error; err != nil {
		return nil, err
	}
	out := make([]NominationView, len(rows))
	for i, n := range rows {
		out[i] = NominationView{ID: n.ID, Title: "专家库拟入库专家", From: n.FromDay, To: n.ToDay}
		if group, ok := strings.CutPrefix(n.Object, "group/"); ok {
			g, err := take[reviewing.Group](s, group, "该专家组")
			if err != nil {
				return nil, err
			}
			p, err := take[reviewing.Programme](s, g.ProgrammeID, "该专项")
			if err != nil {
				return nil, err
			}
			out[i].Title = fmt.Sprintf("%s%s专家组推荐成员", p.Name, map[string]string{"advisory": "咨询", "technical": "技术"}[g.Kind])
		}
		err := s.Table("nominees x").Select("x.expert_id", "e.name", "u.name AS unit", "e.title").Joins("JOIN experts e ON e.id = x.expert_id").
			Joins("LEFT JOIN units u ON u.id = e.unit_id").Where("x.nomination_id = ?", n.ID).Order("x.expert_id").Scan(&out[i].Members).Error
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// NewNominationObjection is an objection to a nominee by real name.
type NewNominationObjection struct {
	ExpertID string `json:"expert_id" maxLength:"36"`
	Name     string `json:"name" maxLength:"50" doc:"真实姓名或单位名称"`
	Contact  string `json:"contact" maxLength:"100" doc:"联系方式"`
	Text     string `json:"text" maxLength:"5000" doc:"异议内容和依据"`
}

// ObjectToNominee is P-41 for a nominee: real name, contact and grounds,
// within the days.
func (st *Store) ObjectToNominee(s *step, id string, in NewNominationObjection) (experts.NominationObjection, error) {
	n, err := take[experts.Nomination](s, id, "该公示")
	if err != nil {
		return experts.NominationObjection{}, err
	}
	pack, err := st.Pack(s)
	if err != nil {
		return experts.NominationObjection{}, err
	}
	var listed int64
	if err := s.Model(&experts.Nominee{}).Where("nomination_id = ? AND expert_id = ?", id, in.ExpertID).Count(&listed).Error; err != nil {
		return experts.NominationObjection{}, err
	}
	if listed == 0 {
		return experts.NominationObjection{}, rbac.Invalid("expert_id", "该专家不在公示名单中")
	}
	named := len([]rune(in.Name)) >= 2 && len([]rune(in.Contact)) >= 5 && len([]rune(in.Text)) >= 10
	if err := s.Obey(pack.Check("P-41", named && calendar.Day(s.Now) <= n.ToDay, rulebook.Inputs{"public_to": n.ToDay, "complete": named},
		"异议须在公示期内以真实姓名提出，并附联系方式和依据（惯例）。", "请填写真实姓名、联系方式和不少于10个字的依据。")); err != nil {
		return experts.NominationObjection{}, err
	}
	o := experts.NominationObjection{ID: s.NewID(), NominationID: id, ExpertID: in.ExpertID, Object: n.Object, State: experts.CaseOpen, Salt: secret.Random(16), CreatedAt: s.Now}
	at := "nomination_objection/" + o.ID
	o.Name, o.Contact, o.Text = s.Keys.Seal(in.Name, at+"/name"), s.Keys.Seal(in.Contact, at+"/contact"), s.Keys.Seal(in.Text, at+"/text")
	s.On(id)
	s.Call.Actor.User = o.ID
	s.Fact("objection", o.ID)
	s.Fact("expert", in.ExpertID)
	s.Fact("text", rbacstore.Digest(o.Salt, in.Text))
	return o, s.Create(&o).Error
}

// competent is the filter on objections: the pool's are the keeper's, the
// groups' the officer's; the supervisor reads all.
func competent(role rbac.Role) (string, []any) {
	switch role {
	case rbac.PoolKeeper:
		return "object = ?", []any{experts.ToPool}
	case rbac.Officer:
		return "object LIKE 'group/%'", nil
	}
	return "", nil
}

// NominationObjections lists them without author and words.
func (st *Store) NominationObjections(ctx context.Context, actor rbac.Actor, after string, limit int) ([]experts.NominationObjection, error) {
	q := st.DB.Read(ctx).Where("id > ?", after)
	if where, args := competent(actor.Role); where != "" {
		q = q.Where(where, args...)
	}
	var rows []experts.NominationObjection
	err := q.Order("id").Limit(limit).Find(&rows).Error
	return rows, err
}

// NominationObjectionView is one with its author and words.
type NominationObjectionView struct {
	experts.NominationObjection
	Name    string `json:"name"`
	Contact string `json:"contact"`
	Text    string `json:"text"`
	Answer  string `json:"answer"`
}

// ReadNominationObjection opens one for who is competent; that it was read is
// journalled.
func (st *Store) ReadNominationObjection(s *step, id string) (NominationObjectionView, error) {
	o, err := take[experts.NominationObjection](s, id, "该异议")
	if err != nil {
		return NominationObjectionView{}, err
	}
	pool := o.Object == experts.ToPool
	if role := s.Call.Actor.Role; role == rbac.PoolKeeper && !pool || role == rbac.Officer && pool {
		return NominationObjectionView{}, rbac.Hidden("该异议")
	}
	v := NominationObjectionView{NominationObjection: o}
	var errs []error
	for name, field := range map[string]struct {
		sealed secret.Sealed
		into   *string
	}{"name": {o.Name, &v.Name}, "contact": {o.Contact, &v.Contact}, "text": {o.Text, &v.Text}, "answer": {o.Answer, &v.Answer}} {
		text, err := s.Keys.Open(field.sealed, "nomination_objection/"+id+"/"+name)
		*field.into = text
		errs = append(errs, err)
	}
	return v, errors.Join(errs...)
}

// DecideNominationObjection accepts or rejects it, with the finding in words;
// an accepted one keeps the nominee out (P-06).
func (st *Store) DecideNominationObjection(s *step, id, move, answer string) (NominationObjectionView, error) {
	v, err := st.ReadNominationObjection(s, id)
	if err != nil {
		return v, err
	}
	to, ok := experts.CaseMoves[v.State][move]
	if !ok {
		return v, rbac.Refuse(rbac.RefusedState, "该异议已有结论，不再更改（SM-08）。")
	}
	s.Fact("state", string(to))
	s.Fact("answer", rbacstore.Digest(v.Salt, answer))
	from := v.State
	v.State, v.Answer, v.DecidedAt = to, answer, &s.Now
	return v, database.Swap(s.Tx, &experts.NominationObjection{}, map[string]any{"id": id, "state": from}, map[string]any{"state": to,
		"answer": s.Keys.Seal(answer, "nomination_objection/"+id+"/answer"), "decided_by": s.Call.Actor.User, "decided_at": s.Now})
}

// MemberView is a membership with what a member is judged by.
type MemberView struct {
	reviewing.Membership
	Name       string                      `json:"name"`
	Title      string                      `json:"title"`
	UnitID     string                      `json:"unit_id"`
	InDistrict bool                        `json:"in_district"`
	BirthYear  int                         `json:"birth_year"`
	Evidence   rbac.List[experts.Standing] `json:"evidence" doc:"高层次证明（第七条）"`
}

// MembersOf pages through the members of a programme's groups.
func (st *Store) MembersOf(ctx context.Context, programme, after string, limit int) ([]MemberView, error) {
	db := st.DB.Read(ctx)
	var rows []reviewing.Membership
	if err := db.Where("id > ? AND group_id IN (SELECT id FROM review_groups WHERE programme_id = ?)", after, programme).Order("id").Limit(limit).Find(&rows).Error; err != nil {
		return nil, err
	}
	ids := make([]string, len(rows))
	for i, m := range rows {
		ids[i] = m.ExpertID
	}
	var people []experts.Expert
	if err := db.Where("id IN ?", ids).Find(&people).Error; err != nil {
		return nil, err
	}
	by := map[string]experts.Expert{}
	for _, e := range people {
		by[e.ID] = e
	}
	out := make([]MemberView, len(rows))
	for i, m := range rows {
		e := by[m.ExpertID]
		out[i] = MemberView{m, e.Name, e.Title, e.UnitID, e.InDistrict, e.BirthYear, e.Evidence}
	}
	return out, nil
}
