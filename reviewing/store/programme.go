package store

import (
	"fmt"
	"slices"
	"time"

	"keping/configs/database"
	"keping/experts"
	expertstore "keping/experts/store"
	"keping/rbac"
	"keping/rbac/calendar"
	"keping/rbac/naming"
	"keping/rbac/rulebook"
	rbacstore "keping/rbac/store"
	"keping/reviewing"
)

// NewProgramme opens a programme year with its two groups.
type NewProgramme struct {
	Kind  reviewing.ProgrammeKind `json:"kind" enum:"major,key" doc:"重大或重点"`
	Year  int                     `json:"year" minimum:"2020" maximum:"2100" example:"2025"`
	Name  string                  `json:"name" minLength:"2" maxLength:"100" example:"智能驾驶重大专项"`
	Basis string                  `json:"basis" maxLength:"200" doc:"区委区政府任务依据文件（R-036）" example:"沙委发〔2025〕3号"`
}

// CreateProgramme is R-036: a programme year has its basis document.
func (st *Store) CreateProgramme(s *step, in NewProgramme) (reviewing.Programme, error) {
	pack, err := st.Pack(s)
	if err != nil {
		return reviewing.Programme{}, err
	}
	if err := s.Obey(pack.Check("R-036", in.Basis != "", nil, "请登记年度任务依据文件（第十二条）。", "请填写区委、区政府部署文件的名称和文号。")); err != nil {
		return reviewing.Programme{}, err
	}
	code := map[reviewing.ProgrammeKind]string{reviewing.Major: "ZD", reviewing.Key: "ZX"}[in.Kind]
	n, err := s.Number(fmt.Sprintf("programme:%d-%s", in.Year, code))
	if err != nil {
		return reviewing.Programme{}, err
	}
	same, err := find[reviewing.Programme](s, "id", "kind = ? AND year = ? AND name = ?", in.Kind, in.Year, in.Name) // the number taken above keeps others out meanwhile
	if err != nil {
		return reviewing.Programme{}, err
	}
	if len(same) > 0 {
		return reviewing.Programme{}, rbac.Refuse(rbac.RefusedState, "%d年度的“%s”已经设立，编号为%s。请使用该专项；确属另一专项的，请用不同的名称。", in.Year, in.Name, same[0].Code)
	}
	p := reviewing.Programme{ID: s.NewID(), Code: fmt.Sprintf("%d-%s-%02d", in.Year, code, n), Kind: in.Kind, Year: in.Year, Name: in.Name, Basis: in.Basis, Version: 1, CreatedAt: s.Now}
	s.On(p.ID)
	if err := s.Create(&p).Error; err != nil {
		return p, err
	}
	for _, kind := range []string{"advisory", "technical"} {
		if err := s.Create(&reviewing.Group{ID: s.NewID(), ProgrammeID: p.ID, Kind: kind, State: reviewing.GroupForming, Version: 1}).Error; err != nil {
			return p, err
		}
	}
	return p, nil
}

// NewMember recommends experts to a group.
type NewMember struct {
	Kind        string   `json:"kind" enum:"advisory,technical" doc:"咨询或技术专家组"`
	ExpertIDs   []string `json:"expert_ids" minItems:"1" maxItems:"200" doc:"专家编号"`
	Departments []string `json:"departments" maxItems:"10" doc:"会同推荐的区级行业主管部门（单位编号）"`
	Document    string   `json:"document" minLength:"2" maxLength:"100" doc:"推荐文件名称和文号"`
}

// Members are the memberships an act made or moved.
type Members struct {
	Group   reviewing.Group        `json:"group"`
	Members []reviewing.Membership `json:"members"`
}

func groupOf(s *step, programme, kind string) (reviewing.Group, error) {
	var g reviewing.Group
	err := s.Take(&g, "programme_id = ? AND kind = ?", programme, kind).Error
	return g, err
}

// RecommendMember is for each expert.
func (st *Store) RecommendMember(s *step, programme string, in NewMember) (Members, error) {
	pack, err := st.Pack(s)
	if err != nil {
		return Members{}, err
	}
	p, err := take[reviewing.Programme](s, programme, "该专项")
	if err != nil {
		return Members{}, err
	}
	g, err := groupOf(s, p.ID, in.Kind)
	if err != nil {
		return Members{}, err
	}
	if _, ok := reviewing.GroupMoves[g.State]["recommend"]; !ok {
		return Members{}, reviewing.MoveRefusal("SM-08", string(g.State), "推荐成员")
	}
	var departments int64
	if err := s.Model(&rbac.Unit{}).Where("id IN ? AND kind = 'department'", in.Departments).Count(&departments).Error; err != nil {
		return Members{}, err
	}
	var verdicts []rulebook.Verdict
	out := Members{Group: g}
	for _, id := range in.ExpertIDs {
		e, err := expertstore.Take(s, id)
		if err != nil {
			return out, err
		}
		if e.State != experts.InPool {
			return out, rbac.Refuse(rbac.RefusedState, "“%s”不在库，不能推荐入组（SM-07）。请先完成入库审核。", e.Name)
		}
		v := experts.MayJoinGroup(pack, e, in.Kind == "advisory", int(departments), s.Now)
		if in.Kind == "technical" {
			more, err := st.mayJoin(s, pack, p, e.PersonID)
			if err != nil {
				return out, err
			}
			v = append(v, more...)
		}
		records, err := rbacstore.IntegrityInForce(s.DB, rbac.SubjectPerson, calendar.Day(s.Now), e.PersonID)
		if err != nil {
			return out, err
		}
		v = append(v, rbac.Integrity(pack, rbac.Examined{Who: e.Name, ID: e.ID, Records: records[e.PersonID]}))
		if v, err = st.Release(s, "expert/"+id, v); err != nil {
			return out, err
		}
		verdicts = append(verdicts, v...)
		var n int64
		if err := s.Model(&reviewing.Membership{}).Where("group_id = ? AND expert_id = ? AND state <> ?", g.ID, id, reviewing.Ended).Count(&n).Error; err != nil {
			return out, err
		}
		if n > 0 {
			return out, rbac.Invalid("expert_ids", "“%s”已在该专家组的推荐或在任名单中", e.Name)
		}
		out.Members = append(out.Members, reviewing.Membership{ID: s.NewID(), GroupID: g.ID, ExpertID: id, PersonID: e.PersonID,
			Departments: in.Departments, Document: in.Document, State: reviewing.Recommended})
	}
	s.Fact("experts", in.ExpertIDs)
	s.Fact("group", in.Kind)
	if err := s.Obey(verdicts...); err != nil {
		return out, err
	}
	return out, s.Create(&out.Members).Error
}

// mayJoin is R-024: who leads a live application or a running project of the
// programme year does not join.
func (st *Store) mayJoin(s *step, pack *rulebook.Pack, p reviewing.Programme, person string) ([]rulebook.Verdict, error) {
	apps, err := find[reviewing.Application](s, "id", "programme_id = ? AND leader_id = ?", p.ID, person)
	if err != nil {
		return nil, err
	}
	leads := false
	for _, a := range apps {
		leads = leads || a.State.Live()
	}
	running, err := runningProjects(s.DB, p, calendar.Day(s.Now))
	if err != nil {
		return nil, err
	}
	leads = leads || slices.ContainsFunc(running, func(r reviewing.RunningProject) bool { return r.LeaderID == person })
	uncertain, err := uncertainLeaders(s, p.ID, person)
	return reviewing.MayLead(pack, "R-024", leads, uncertain, p), err
}

// uncertainLeaders is R-026 from the group's side: leaders of live applications
// whose name may be this person's.
func uncertainLeaders(s *step, programme, person string) ([]reviewing.Namesakes, error) {
	var p rbac.Person
	if err := s.Take(&p, "id = ?", person).Error; err != nil {
		return nil, err
	}
	var apps []reviewing.Application
	err := s.Select("id", "leader_id", "leader_name", "state").Where("programme_id = ? AND leader_id <> ? AND leader_id <> ''", programme, person).Order("id").Find(&apps).Error
	if err != nil {
		return nil, err
	}
	var e experts.Expert
	if err := s.Where("person_id = ?", person).Limit(1).Find(&e).Error; err != nil {
		return nil, err
	}
	var out []reviewing.Namesakes
	for _, a := range apps {
		if !a.State.Live() || slices.ContainsFunc(out, func(n reviewing.Namesakes) bool { return n.LeaderID == a.LeaderID }) {
			continue
		}
		if out, err = addNamesakes(s, out, a.LeaderID, a.LeaderName, p.Name, e); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// addNamesakes adds a leader and an expert whose names may be one person's.
func addNamesakes(s *step, out []reviewing.Namesakes, leader, leaderName, expertName string, e experts.Expert) ([]reviewing.Namesakes, error) {
	verdict, why := naming.People(leaderName, expertName)
	if verdict == naming.Different {
		return out, nil
	}
	maybe, err := mayBeSame(s, leader, e)
	if err != nil || !maybe {
		return out, err
	}
	return append(out, reviewing.Namesakes{LeaderID: leader, ExpertID: e.ID, Leader: leaderName, Member: expertName, Why: why}), nil
}

// mayBeSame tells whether a leader and an expert of one name, without a
// document in common, may be one person: the same birth year or unit, or one
// unknown, and no officer has told them apart.
func mayBeSame(s *step, leader string, e experts.Expert) (bool, error) {
	var p rbac.Person
	if err := s.Take(&p, "id = ?", leader).Error; err != nil {
		return false, err
	}
	near := p.BirthYear == 0 || e.BirthYear == 0 || e.BirthYear == p.BirthYear
	if !near {
		var same int64
		if err := s.Model(&reviewing.ApplicationPerson{}).Where("person_id = ? AND unit_id = ?", leader, e.UnitID).Count(&same).Error; err != nil {
			return false, err
		}
		near = same > 0
	}
	if !near {
		return false, nil
	}
	both := []string{leader, e.PersonID}
	var told int64
	err := s.Model(&Distinction{}).Where("person_a IN ? AND person_b IN ?", both, both).Count(&told).Error
	return told == 0, err
}

// ApproveGroup lets a director approve the recommended members; the group is
// in term from today and every member is checked once more.
func (st *Store) ApproveGroup(s *step, programme, kind string) (Members, error) {
	pack, err := st.Pack(s)
	if err != nil {
		return Members{}, err
	}
	p, err := take[reviewing.Programme](s, programme, "该专项")
	if err != nil {
		return Members{}, err
	}
	g, err := groupOf(s, p.ID, kind)
	if err != nil {
		return Members{}, err
	}
	to, ok := reviewing.GroupMoves[g.State]["approve"]
	if !ok {
		return Members{}, reviewing.MoveRefusal("SM-08", string(g.State), "审定")
	}
	members, err := find[reviewing.Membership](s, "id", "group_id = ? AND state = ?", g.ID, reviewing.Recommended)
	if err != nil {
		return Members{}, err
	}
	if len(members) == 0 {
		return Members{}, rbac.Refuse(rbac.RefusedState, "没有待审定的推荐成员（SM-08）。请先由经办会同主管部门推荐。")
	}
	var verdicts []rulebook.Verdict
	today := calendar.Day(s.Now)
	for i := range members {
		if kind == "technical" {
			v, err := st.mayJoin(s, pack, p, members[i].PersonID)
			if err != nil {
				return Members{}, err
			}
			verdicts = append(verdicts, v...)
		}
		e, err := expertstore.Take(s, members[i].ExpertID)
		if err != nil {
			return Members{}, err
		}
		public, err := expertstore.Publicised(s, pack, "group/"+g.ID, e)
		if err != nil {
			return Members{}, err
		}
		verdicts = append(verdicts, public)
		members[i].State, members[i].FromDay = reviewing.InTerm, today
		if err := database.Swap(s.Tx, &reviewing.Membership{}, map[string]any{"id": members[i].ID, "state": reviewing.Recommended}, map[string]any{"state": reviewing.InTerm, "from_day": today}); err != nil {
			return Members{}, err
		}
	}
	g.State, g.Version = to, g.Version+1
	if err := database.Swap(s.Tx, &reviewing.Group{}, map[string]any{"id": g.ID, "version": g.Version - 1}, map[string]any{"state": g.State, "version": g.Version}); err != nil {
		return Members{}, err
	}
	s.Fact("group", kind)
	s.Fact("members", len(members))
	return Members{g, members}, s.Obey(verdicts...)
}

// DissolveGroup ends a group (换届、解散) and with it the terms of its members;
// who was a member in the year stays barred for the year.
func (st *Store) DissolveGroup(s *step, programme, kind, reason string) (Members, error) {
	if _, err := take[reviewing.Programme](s, programme, "该专项"); err != nil {
		return Members{}, err
	}
	g, err := groupOf(s, programme, kind)
	if err != nil {
		return Members{}, err
	}
	to, ok := reviewing.GroupMoves[g.State]["dissolve"]
	if !ok {
		return Members{}, reviewing.MoveRefusal("SM-08", string(g.State), "解散")
	}
	today := calendar.Day(s.Now)
	for from, set := range map[reviewing.MemberState]map[string]any{
		reviewing.InTerm:      {"state": reviewing.Ended, "to_day": today, "reason": reason},
		reviewing.Recommended: {"state": reviewing.Ended, "reason": reason},
	} {
		if err := s.Model(&reviewing.Membership{}).Where("group_id = ? AND state = ?", g.ID, from).Updates(set).Error; err != nil {
			return Members{}, err
		}
	}
	g.State, g.Version = to, g.Version+1
	s.Fact("group", kind)
	s.Fact("state", string(to))
	err = database.Swap(s.Tx, &reviewing.Group{}, map[string]any{"id": g.ID, "version": g.Version - 1}, map[string]any{"state": g.State, "version": g.Version})
	return Members{Group: g}, err
}

// EndMember ends a membership today; the person stays barred for the year.
func (st *Store) EndMember(s *step, id, reason string) (reviewing.Membership, error) {
	m, err := take[reviewing.Membership](s, id, "该成员")
	if err != nil {
		return m, err
	}
	if m.State != reviewing.InTerm {
		return m, reviewing.MoveRefusal("SM-08", string(m.State), "退出")
	}
	m.State, m.ToDay, m.Reason = reviewing.Ended, calendar.Day(s.Now), reason
	return m, database.Swap(s.Tx, &reviewing.Membership{}, map[string]any{"id": id, "state": reviewing.InTerm}, map[string]any{"state": m.State, "to_day": m.ToDay, "reason": reason})
}

// memberOfYear tells whether a person was at any time a member of the
// programme year's technical group.
func memberOfYear(s *step, programme, person string) (bool, error) {
	var n int64
	err := s.Model(&reviewing.Membership{}).Joins("JOIN review_groups g ON g.id = memberships.group_id").
		Where("g.programme_id = ? AND g.kind = 'technical' AND memberships.person_id = ? AND memberships.from_day <> ''", programme, person).Count(&n).Error
	return n > 0, err
}

// uncertainMembers is R-026: members of the group whose name may be the
// leader's, of the same unit or birth year but with no document in common, not
// yet told apart by an officer.
func uncertainMembers(s *step, programme, person string) ([]reviewing.Namesakes, error) {
	var p rbac.Person
	if err := s.Take(&p, "id = ?", person).Error; err != nil {
		return nil, err
	}
	var rows []experts.Expert
	err := s.Where("id IN (SELECT m.expert_id FROM memberships m JOIN review_groups g ON g.id = m.group_id WHERE g.programme_id = ? AND g.kind = 'technical') AND person_id <> ?", programme, person).
		Order("id").Find(&rows).Error
	var out []reviewing.Namesakes
	for _, e := range rows {
		if out, err = addNamesakes(s, out, person, p.Name, e.Name, e); err != nil {
			return nil, err
		}
	}
	return out, err
}

// Distinction is an officer's word that two people of one name are different.
type Distinction struct {
	ID        string    `gorm:"primaryKey;size:36" json:"id"`
	PersonA   string    `gorm:"size:36" json:"person_a"`
	PersonB   string    `gorm:"size:36" json:"person_b"`
	Reason    string    `gorm:"size:500" json:"reason"`
	CreatedAt time.Time `gorm:"autoCreateTime:false" json:"created_at"`
}

// Distinguish records that a project's leader and a group member are not the same person.
func (st *Store) Distinguish(s *step, leader, expert, reason string) (Distinction, error) {
	e, err := expertstore.Take(s, expert)
	if err != nil {
		return Distinction{}, err
	}
	if err := st.impartial(s, "leader_id = ?", leader); err != nil {
		return Distinction{}, err
	}
	d := Distinction{ID: s.NewID(), PersonA: leader, PersonB: e.PersonID, Reason: reason, CreatedAt: s.Now}
	s.On(d.ID)
	return d, s.Create(&d).Error
}
