package store

import (
	"fmt"
	"slices"
	"strings"

	"keping/configs/database"
	"keping/experts"
	expertstore "keping/experts/store"
	"keping/rbac"
	"keping/rbac/calendar"
	"keping/rbac/rulebook"
	"keping/rbac/secret"
	rbacstore "keping/rbac/store"
	"keping/reviewing"
)

// column is a column that holds the id of a person or of an expert record.
type column struct{ table, name string }

// personColumns and expertColumns are all of them; a test walks the schema and
// fails on one that stands in neither, so that a merge leaves nothing hanging.
var personColumns = []column{
	{"identities", "person_id"}, {"name_corrections", "person_id"}, {"users", "person_id"}, {"experts", "person_id"}, {"memberships", "person_id"}, {"seats", "person_id"},
	{"applications", "leader_id"}, {"application_people", "person_id"}, {"distinctions", "person_a"}, {"distinctions", "person_b"},
	{"past_services", "person_id"}, {"running_projects", "leader_id"}, {"running_project_people", "person_id"}, {"integrity_records", "subject_id"}, {"conducts", "person_id"},
}

var expertColumns = []column{
	{"memberships", "expert_id"}, {"seats", "expert_id"}, {"frame_codes", "expert_id"}, {"conflict_decisions", "expert_id"}, {"past_services", "expert_id"},
	{"nominees", "expert_id"}, {"nomination_objections", "expert_id"}, {"conducts", "expert_id"}, {"appeals", "expert_id"},
}

// searchColumns are of the tables by which experts are searched: they are
// written anew from the record that stays.
var searchColumns = []column{{"expert_fields", "expert_id"}, {"expert_units", "expert_id"}, {"expert_absences", "expert_id"}}

// NewMerge unites two records of one person.
type NewMerge struct {
	KeepID  string `json:"keep_id" maxLength:"36" doc:"保留的人员编号（person_id、leader_id）"`
	MergeID string `json:"merge_id" maxLength:"36" doc:"并入的人员编号"`
	Reason  string `json:"reason" minLength:"5" maxLength:"500" doc:"认定为同一人的依据"`
}

// Merged is what a merge did. What it means for the rules stands in the verdicts.
type Merged struct {
	PersonID string         `json:"person_id"`
	ExpertID string         `json:"expert_id" doc:"保留的专家档案；没有则为空"`
	Moved    map[string]int `json:"moved" doc:"改挂的记录数"`
	Notes    []string       `json:"notes" doc:"合并时需要知道的情况"`
	Users    []string       `json:"-"` // whose sessions end: they hold the person's id
}

// merge is a merge in progress: from goes into keep.
type merge struct {
	*step
	keep, from             rbac.Person
	keepExpert, fromExpert experts.Expert
	out                    Merged
}

func (m *merge) note(format string, args ...any) {
	m.out.Notes = append(m.out.Notes, fmt.Sprintf(format, args...))
}

// MergePeople unites two records of one person with everything that hangs on
// them. It is refused where it would hide something: an officer's word that they
// are two, both in one frame or on one panel that is not over, two confirmed
// identity numbers, roles that never meet. What the union breaks (art. 7) is
// judged at once and said; it stops the acts it concerns, not the merge, for the
// person was one all along.
func (st *Store) MergePeople(s *step, in NewMerge) (Merged, error) {
	m := &merge{step: s, out: Merged{Moved: map[string]int{}, Notes: []string{}}}
	var err error
	if in.KeepID == in.MergeID {
		return m.out, rbac.Invalid("merge_id", "与保留的是同一条记录")
	}
	if m.keep, err = take[rbac.Person](s, in.KeepID, "保留的人员"); err != nil {
		return m.out, err
	}
	if m.from, err = take[rbac.Person](s, in.MergeID, "并入的人员"); err != nil {
		return m.out, err
	}
	for id, into := range map[string]*experts.Expert{m.keep.ID: &m.keepExpert, m.from.ID: &m.fromExpert} {
		if err := s.Where("person_id = ?", id).Limit(1).Find(into).Error; err != nil {
			return m.out, err
		}
	}
	pack, err := st.Pack(s)
	if err != nil {
		return m.out, err
	}
	// Two records of the pool are the pool keeper's to unite, else somebody who
	// draws could thin the pool; all others are the officer's.
	both := m.keepExpert.ID != "" && m.fromExpert.ID != ""
	if err := s.Obey(pack.Check("P-04", both == (s.Call.Actor.Role == rbac.PoolKeeper), rulebook.Inputs{"both_experts": both},
		"管用分离（惯例）：两份专家档案的合并由专家库管理员办理，其他人员记录的合并由经办办理。", "请由专家库管理员（两份均为专家档案时）或经办办理。")); err != nil {
		return m.out, err
	}
	s.On(m.keep.ID)
	for _, check := range []func() error{m.apart, m.roles, m.documents, m.panels} {
		if err := check(); err != nil {
			return m.out, err
		}
	}
	for _, move := range []func() error{m.experts, m.applications, m.memberships, m.ties, m.everything} {
		if err := move(); err != nil {
			return m.out, err
		}
	}
	c := rbacstore.NameCorrection{ID: s.NewID(), PersonID: m.keep.ID, OldName: m.from.Name, NewName: m.keep.Name, Reason: in.Reason, Salt: secret.Random(16), CreatedAt: s.Now}
	if err := s.Create(&c).Error; err != nil {
		return m.out, err
	}
	if m.keep.BirthYear == 0 {
		m.keep.BirthYear = m.from.BirthYear
	}
	if err := database.Swap(s.Tx, &rbac.Person{}, map[string]any{"id": m.keep.ID, "name": m.keep.Name}, map[string]any{"birth_year": m.keep.BirthYear}); err != nil {
		return m.out, err
	}
	gone := s.Delete(&rbac.Person{}, "id = ?", m.from.ID)
	if gone.Error == nil && gone.RowsAffected != 1 {
		gone.Error = database.ErrChanged
	}
	if gone.Error != nil {
		return m.out, gone.Error
	}
	s.Fact("merged", m.from.ID)
	s.Fact("moved", m.out.Moved)
	s.Fact("reason", rbacstore.Digest(c.Salt, in.Reason))
	return m.out, st.rejudge(m, pack)
}

// apart: an officer has told the two apart.
func (m *merge) apart() error {
	both := []string{m.keep.ID, m.from.ID}
	var n int64
	if err := m.Model(&Distinction{}).Where("person_a IN ? AND person_b IN ?", both, both).Count(&n).Error; err != nil {
		return err
	}
	if n > 0 {
		return rbac.Refuse(rbac.RefusedState, "经办已核实这两条记录不是同一人，不能合并。确属误认的，请先核对当时的依据。")
	}
	return nil
}

// roles: what may not meet in one person does not meet by a merge.
func (m *merge) roles() error {
	held := map[string][]rbac.Role{}
	for _, person := range []string{m.keep.ID, m.from.ID} {
		var users []rbac.User
		if err := m.Where("person_id = ? AND state <> ?", person, rbac.UserDisabled).Find(&users).Error; err != nil {
			return err
		}
		for _, u := range users {
			m.out.Users = append(m.out.Users, u.ID)
			roles, err := rbacstore.Roles(m.DB, u.ID)
			if err != nil {
				return err
			}
			held[person] = append(held[person], roles...)
		}
	}
	for _, role := range held[m.from.ID] {
		if other := rbacstore.Incompatible(role, held[m.keep.ID]); other != "" {
			return rbac.Refuse(rbac.RefusedState, "两条记录的账号分别是“%s”和“%s”，不得由同一人担任。请先由安全管理员收回其中一个角色再合并。", rbac.RoleNames[role], rbac.RoleNames[other])
		}
	}
	return nil
}

// documents: nobody has two identity numbers. One that nobody has confirmed was
// mistyped and is dropped; two confirmed ones are two people or a false entry.
func (m *merge) documents() error {
	var rows []rbac.Identity
	if err := m.Where("person_id IN ? AND kind = 'resident_id'", []string{m.keep.ID, m.from.ID}).Find(&rows).Error; err != nil {
		return err
	}
	confirmed := slices.DeleteFunc(slices.Clone(rows), func(i rbac.Identity) bool { return i.ConfirmedAt == nil })
	if len(rows) < 2 {
		return nil
	}
	if len(confirmed) > 1 {
		return rbac.Refuse(rbac.RefusedState, "两条记录各有一个已核实的居民身份证号码，不会是同一人，不能合并。请先核对证件。")
	}
	for _, i := range rows {
		if i.ConfirmedAt == nil && len(confirmed) == 1 || len(confirmed) == 0 && i.PersonID == m.from.ID {
			m.note("删去未经核实的一个居民身份证号码")
			if err := m.Delete(&rbac.Identity{}, "id = ?", i.ID).Error; err != nil {
				return err
			}
		}
	}
	return nil
}

// panels: in a review that is not over the two may not both be candidates or sit.
func (m *merge) panels() error {
	if m.keepExpert.ID == "" || m.fromExpert.ID == "" {
		return nil
	}
	over := []reviewing.ReviewState{reviewing.Closed, reviewing.Void}
	ids := []any{m.keepExpert.ID, m.fromExpert.ID}
	together := func(live bool, table string, where string) ([]string, error) {
		states := "IN"
		if live {
			states = "NOT IN"
		}
		var numbers []string
		err := m.Table("reviews").Where("state "+states+" ?", over).Where("id IN (SELECT review_id FROM "+table+" WHERE "+where+" AND expert_id = ?) AND id IN (SELECT review_id FROM "+table+" WHERE "+where+" AND expert_id = ?)", ids...).
			Order("number").Pluck("number", &numbers).Error
		return numbers, err
	}
	for what, from := range map[string][2]string{
		"评审席位":   {"seats", "state <> 'vacated'"},
		"抽取候选名单": {"(SELECT f.expert_id, d.review_id FROM frame_codes f JOIN draws d ON d.id = f.draw_id WHERE d.state <> 'void') framed", "1 = 1"},
	} {
		live, err := together(true, from[0], from[1])
		if err != nil {
			return err
		}
		if len(live) > 0 {
			return rbac.Refuse(rbac.RefusedState, "两份专家档案同在评审批次%s的%s中，合并会掩盖一人占两席（SM-09）。请待该批次结束或流会后再合并，并先报监督。", strings.Join(live, "、"), what)
		}
		past, err := together(false, from[0], from[1])
		if err != nil {
			return err
		}
		if len(past) > 0 {
			m.note("两份专家档案曾同在评审批次%s的%s中", strings.Join(past, "、"), what)
			m.Fact("both_in", past)
		}
	}
	return nil
}

// experts unites the records of the pool, the stricter word first.
func (m *merge) experts() error {
	a, b := &m.keepExpert, m.fromExpert
	m.out.ExpertID = a.ID
	if b.ID == "" {
		return nil
	}
	if a.ID == "" { // the record comes along as it is
		m.out.ExpertID = b.ID
		return m.Model(&experts.Expert{}).Where("id = ?", b.ID).Updates(map[string]any{"name": m.keep.Name, "version": b.Version + 1}).Error
	}
	if a.Pool != b.Pool && a.State != experts.Left && b.State != experts.Left {
		return rbac.Refuse(rbac.RefusedState, "两份专家档案分属%s库和%s库（SM-07）。请先由专家库管理员将其中一份退出，再合并。", experts.PoolNames[a.Pool], experts.PoolNames[b.Pool])
	}
	if a.State == experts.Left {
		a.Pool = b.Pool
	}
	strictest := []experts.State{experts.Banned, experts.Suspended, experts.InPool, experts.Proposed, experts.Left}
	if slices.Index(strictest, b.State) < slices.Index(strictest, a.State) {
		a.State, a.StateReason, a.StateCode, a.StateUntil, a.StateFile = b.State, b.StateReason, b.StateCode, b.StateUntil, b.StateFile
	}
	a.Classes = union(a.Classes, b.Classes, func(c experts.Class) string { return string(c) })
	a.Fields = union(a.Fields, b.Fields, func(d experts.Discipline) string { return d.Code })
	a.Employments = union(a.Employments, b.Employments, func(e experts.Employment) string { return e.UnitID + e.Post + e.From + e.To })
	a.Ties = union(a.Ties, b.Ties, func(t experts.Tie) string { return t.Kind + t.PersonID + t.UnitID + t.Last })
	a.Unavailable = union(a.Unavailable, b.Unavailable, func(s experts.Span) string { return s.From + s.To })
	a.Evidence = union(a.Evidence, b.Evidence, func(e experts.Standing) string { return e.Kind + e.Text })
	for into, from := range map[*string]string{&a.TermUntil: b.TermUntil, &a.DocumentUntil: b.DocumentUntil, &a.ConfirmedDay: b.ConfirmedDay} {
		if from != "" && (*into == "" || from < *into) { // the earlier end is the stricter
			*into = from
		}
	}
	for into, from := range map[*string]string{&a.Mail: b.Mail, &a.Title: b.Title, &a.Gender: b.Gender, &a.UnitID: b.UnitID, &a.ConsentVersion: b.ConsentVersion, &a.UserID: b.UserID} {
		if *into == "" {
			*into = from
		}
	}
	if b.UnitID != "" && b.UnitID != a.UnitID { // where either works is a conflict
		a.Employments = append(a.Employments, experts.Employment{UnitID: b.UnitID, From: calendar.Day(b.CreatedAt)})
	}
	if a.BirthYear == 0 {
		a.BirthYear = b.BirthYear
	}
	for _, field := range []struct {
		into *secret.Sealed
		from secret.Sealed
		what string
	}{{&a.Phone, b.Phone, "phone"}, {&a.BankCard, b.BankCard, "card"}} {
		if *field.into == nil && field.from != nil {
			plain, err := m.Keys.Open(field.from, "expert/"+b.ID+"/"+field.what)
			if err != nil {
				return err
			}
			*field.into = m.Keys.Seal(plain, "expert/"+a.ID+"/"+field.what)
		}
	}
	if b.UserID != "" && b.UserID != a.UserID { // one record, one expert's login
		done := m.Model(&rbac.Grant{}).Where("user_id = ? AND role = ? AND ended_at IS NULL", b.UserID, rbac.Expert).Update("ended_at", m.Now)
		if done.Error != nil {
			return done.Error
		}
		m.note("并入的专家账号不再有专家角色，今后用保留的账号登录")
	}
	both := "nomination_id IN (SELECT n.nomination_id FROM (SELECT nomination_id FROM nominees WHERE expert_id = ?) n)"
	if err := m.Where("expert_id = ? AND "+both, b.ID, a.ID).Delete(&experts.Nominee{}).Error; err != nil {
		return err
	}
	for _, c := range expertColumns {
		done := m.Exec("UPDATE "+c.table+" SET "+c.name+" = ? WHERE "+c.name+" = ?", a.ID, b.ID)
		if done.Error != nil {
			return done.Error
		}
		m.moved(c.table, done.RowsAffected)
	}
	done := m.Model(&rbac.Release{}).Where("object = ?", "expert/"+b.ID).Update("object", "expert/"+a.ID)
	if done.Error != nil {
		return done.Error
	}
	m.moved("releases", done.RowsAffected)
	if err := m.Delete(&experts.Expert{}, "id = ?", b.ID).Error; err != nil {
		return err
	}
	if err := expertstore.Index(m.Tx, []experts.Expert{*a, {ID: b.ID}}); err != nil {
		return err
	}
	m.Fact("experts", []string{a.ID, b.ID})
	a.Version++
	done = m.Model(a).Where("id = ? AND version = ?", a.ID, a.Version-1).Select("*").Updates(a)
	if done.Error == nil && done.RowsAffected != 1 {
		return database.ErrChanged
	}
	return done.Error
}

func (m *merge) moved(table string, n int64) {
	if n > 0 {
		m.out.Moved[table] += int(n)
	}
}

// union appends what the first list does not have.
func union[T any](a, b rbac.List[T], key func(T) string) rbac.List[T] {
	for _, x := range b {
		if !slices.ContainsFunc(a, func(had T) bool { return key(had) == key(x) }) {
			a = append(a, x)
		}
	}
	return a
}

// applications: where both stand in one application or project, one row is left, the leader's.
func (m *merge) applications() error {
	for _, t := range []struct{ table, key string }{{"application_people", "application_id"}, {"running_project_people", "project_id"}} {
		var twice []string
		if err := m.Table(t.table).Where("person_id = ? AND "+t.key+" IN (SELECT "+t.key+" FROM "+t.table+" WHERE person_id = ?)", m.from.ID, m.keep.ID).Pluck(t.key, &twice).Error; err != nil {
			return err
		}
		for _, id := range twice {
			m.note("两条记录同列于项目%s，合并为一人", id)
			var leads int64
			if err := m.Table(t.table).Where(t.key+" = ? AND person_id = ? AND role = 'leader'", id, m.from.ID).Count(&leads).Error; err != nil {
				return err
			}
			if leads > 0 {
				if err := m.Exec("UPDATE "+t.table+" SET role = 'leader' WHERE "+t.key+" = ? AND person_id = ?", id, m.keep.ID).Error; err != nil {
					return err
				}
			}
			if err := m.Exec("DELETE FROM "+t.table+" WHERE "+t.key+" = ? AND person_id = ?", id, m.from.ID).Error; err != nil {
				return err
			}
		}
	}
	return nil
}

// memberships: of two live ones in one group the earlier step ends.
func (m *merge) memberships() error {
	rows, err := find[reviewing.Membership](m.step, "group_id, state, from_day, id", "person_id IN ? AND state <> ?", []string{m.keep.ID, m.from.ID}, reviewing.Ended)
	if err != nil {
		return err
	}
	for i := 1; i < len(rows); i++ { // in_term sorts before recommended
		if rows[i].GroupID != rows[i-1].GroupID {
			continue
		}
		set := map[string]any{"state": reviewing.Ended, "reason": "合并重复的人员记录"}
		if rows[i].State == reviewing.InTerm {
			set["to_day"] = calendar.Day(m.Now)
		}
		if err := database.Swap(m.Tx, &reviewing.Membership{}, map[string]any{"id": rows[i].ID, "state": rows[i].State}, set); err != nil {
			return err
		}
		m.note("同一专家组中重复的一条成员记录已结束")
		rows[i].GroupID = rows[i-1].GroupID
	}
	return nil
}

// ties: others have declared a relation to the person.
func (m *merge) ties() error {
	var rows []experts.Expert
	if err := m.Select("id", "ties", "version").Where("ties"+rbacstore.Like, rbacstore.Containing(m.from.ID)).Find(&rows).Error; err != nil {
		return err
	}
	for _, e := range rows {
		for i := range e.Ties {
			if e.Ties[i].PersonID == m.from.ID {
				e.Ties[i].PersonID = m.keep.ID
			}
		}
		if err := database.Swap(m.Tx, &experts.Expert{}, map[string]any{"id": e.ID, "version": e.Version}, map[string]any{"ties": e.Ties, "version": e.Version + 1}); err != nil {
			return err
		}
	}
	m.moved("ties", int64(len(rows)))
	return nil
}

// everything else follows by its column.
func (m *merge) everything() error {
	for _, c := range personColumns {
		done := m.Exec("UPDATE "+c.table+" SET "+c.name+" = ? WHERE "+c.name+" = ?", m.keep.ID, m.from.ID)
		if done.Error != nil {
			return fmt.Errorf("%s.%s: %w", c.table, c.name, done.Error)
		}
		m.moved(c.table, done.RowsAffected)
	}
	return nil
}

// rejudge says what the union breaks: a member who leads, more
// applications than one may lead (P-45), seats with new conflicts.
func (st *Store) rejudge(m *merge, pack *rulebook.Pack) error {
	apps, err := find[reviewing.Application](m.step, "id", "leader_id = ?", m.keep.ID)
	if err != nil {
		return err
	}
	var barred []string
	live := map[string]int{}
	for _, a := range apps {
		if !a.State.Live() {
			continue
		}
		live[a.ProgrammeID]++
		member, err := memberOfYear(m.step, a.ProgrammeID, m.keep.ID)
		if err != nil {
			return err
		}
		p, err := take[reviewing.Programme](m.step, a.ProgrammeID, "该专项")
		if err != nil {
			return err
		}
		if member {
			barred = append(barred, a.ID)
			m.note("项目“%s”的负责人是（或曾是）本专项技术专家组成员（第七条）", a.Number)
		}
		m.Verdicts = append(m.Verdicts, reviewing.MayLead(pack, "R-023", member, nil, p)...)
		if n := live[a.ProgrammeID]; n > pack.ApplicationsPerLeader {
			m.Verdicts = append(m.Verdicts, pack.Fail("P-45", rulebook.Inputs{"applications": n, "limit": pack.ApplicationsPerLeader},
				fmt.Sprintf("合并后该负责人本年度在本专项有%d项在申，限%d项（惯例）。", n, pack.ApplicationsPerLeader), "请通知申报单位撤回其中一项，或更换项目负责人。"))
		}
	}
	if len(barred) > 0 {
		m.Fact("barred", barred)
	}
	var reviews []string
	if err := m.Table("seats").Where("person_id = ? AND state <> 'vacated' AND review_id IN (SELECT id FROM reviews WHERE state NOT IN ?)", m.keep.ID, []reviewing.ReviewState{reviewing.Closed, reviewing.Void}).
		Distinct().Order("review_id").Pluck("review_id", &reviews).Error; err != nil {
		return err
	}
	for _, id := range reviews {
		b, err := st.loadBench(m.step, id)
		if err != nil {
			return err
		}
		verdicts, err := st.judgeSeated(m.step, pack, b)
		if err != nil {
			return err
		}
		m.Verdicts = append(m.Verdicts, rulebook.Blocking(verdicts)...)
	}
	return nil
}

// hanging are ids of people and expert records that nobody has, by column.
func hanging(s *step) ([]string, error) {
	var out []string
	for of, columns := range map[string][]column{"people": personColumns, "experts": expertColumns} {
		for _, c := range columns {
			q := s.Table(c.table).Where(c.name + " <> '' AND " + c.name + " NOT IN (SELECT id FROM " + of + ")")
			if c.table == "integrity_records" {
				q = q.Where("subject_kind = ?", rbac.SubjectPerson)
			}
			var n int64
			if err := q.Count(&n).Error; err != nil {
				return nil, err
			}
			if n > 0 {
				out = append(out, fmt.Sprintf("%s.%s", c.table, c.name))
			}
		}
	}
	slices.Sort(out)
	return out, nil
}

// PersonQuery asks who is registered under a document.
type PersonQuery struct {
	DocumentKind string `json:"document_kind" maxLength:"20" example:"resident_id"`
	Document     string `json:"document" maxLength:"40" example:"11010519491231002X"`
}

// PersonFound is who: the ids by which records are united, told apart or erased.
type PersonFound struct {
	PersonID     string   `json:"person_id"`
	Name         string   `json:"name"`
	ExpertID     string   `json:"expert_id" doc:"没有专家档案则为空"`
	Applications []string `json:"applications" doc:"列名的申报书编号"`
}

// FindPerson tells who stands behind a document; that it was asked is journalled.
func (st *Store) FindPerson(s *step, in PersonQuery) (PersonFound, error) {
	document, err := rbac.ParseDocument(in.DocumentKind, in.Document)
	if err != nil {
		return PersonFound{}, rbac.Invalid("document", "%v", err)
	}
	p, err := rbacstore.FindPerson(s, document)
	if err != nil {
		return PersonFound{}, err
	}
	if p == nil {
		return PersonFound{}, rbac.Missing("登记在该证件之下的人")
	}
	s.On(p.ID)
	out := PersonFound{PersonID: p.ID, Name: p.Name, Applications: []string{}}
	if err := s.Model(&experts.Expert{}).Where("person_id = ?", p.ID).Limit(1).Pluck("id", &out.ExpertID).Error; err != nil {
		return out, err
	}
	return out, s.Model(&reviewing.ApplicationPerson{}).Where("person_id = ?", p.ID).Order("application_id").Pluck("application_id", &out.Applications).Error
}
