package store

import (
	"fmt"
	"slices"

	"gorm.io/gorm"

	expertstore "keping/experts/store"
	"keping/rbac"
	"keping/rbac/calendar"
	"keping/rbac/journal"
	rbacstore "keping/rbac/store"
	"keping/reviewing"
	"keping/reviewing/sheetio"
)

// ImportProjects records the projects that were running when this system came
// into use, with their people, whole or not at all.
func (st *Store) ImportProjects(s *step, name string, data []byte) (expertstore.Imported, error) {
	rows, faults := sheetio.Projects(name, data)
	if err := faults.Refusal(); err != nil {
		return expertstore.Imported{}, err
	}
	for _, r := range rows {
		p := r.Project
		p.ID, p.CreatedAt = s.NewID(), s.Now
		unit, err := rbacstore.UnitByCode(s, r.LeadUnit)
		if err != nil {
			return expertstore.Imported{}, err
		}
		if unit == nil {
			faults.At(r.Row, "牵头单位信用代码", "单位%s尚未登记，请先导入单位", r.LeadUnit)
			continue
		}
		p.LeadUnitID = unit.ID
		var n int64
		if err := s.Model(&reviewing.RunningProject{}).Where("number = ?", p.Number).Count(&n).Error; err != nil {
			return expertstore.Imported{}, err
		}
		if n > 0 {
			faults.At(r.Row, "项目编号", "这个项目已经导入过")
			continue
		}
		var people []reviewing.RunningProjectPerson
		for i, m := range append([]sheetio.MemberRow{{Name: r.LeaderName, Document: r.Leader}}, r.Members...) {
			column, role := "成员", "member"
			if i == 0 {
				column, role = "负责人证件号码", "leader"
			}
			person, err := rbacstore.EnsurePerson(s, true, m.Name, m.Document.BirthYear(), m.Document)
			if refusal, ok := rbac.AsRefusal(err); ok {
				faults.At(r.Row, column, "%s", refusal.Message)
				continue
			} else if err != nil {
				return expertstore.Imported{}, err
			}
			for _, had := range people {
				if had.PersonID == person.ID {
					faults.At(r.Row, column, "“%s”出现了两次", m.Name)
				}
			}
			people = append(people, reviewing.RunningProjectPerson{ProjectID: p.ID, PersonID: person.ID, Role: role})
		}
		if len(faults.Fields) > 0 {
			continue
		}
		p.LeaderID = people[0].PersonID
		if err := s.Create(&p).Error; err != nil {
			return expertstore.Imported{}, err
		}
		if err := s.Create(&people).Error; err != nil {
			return expertstore.Imported{}, err
		}
	}
	s.Fact("rows", len(rows))
	s.Fact("table", journal.Hash(string(data)))
	return expertstore.Imported{Rows: len(rows)}, faults.Refusal()
}

// runningProjects are those of a programme year that run on the civil day.
func runningProjects(db *gorm.DB, p reviewing.Programme, day string) ([]reviewing.RunningProject, error) {
	var rows []reviewing.RunningProject
	err := db.Where("programme_kind = ? AND year = ? AND programme_code IN ('', ?) AND starts <= ? AND (ends = '' OR ends >= ?)", p.Kind, p.Year, p.Code, day, day).Order("number").Find(&rows).Error
	return rows, err
}

// runningPeople are the numbers of those projects by who leads and who joins them.
func runningPeople(db *gorm.DB, p reviewing.Programme, day string) (leading, joining map[string][]string, err error) {
	projects, err := runningProjects(db, p, day)
	if err != nil {
		return nil, nil, err
	}
	number, ids := map[string]string{}, make([]string, len(projects))
	for i, x := range projects {
		number[x.ID], ids[i] = x.Number, x.ID
	}
	leading, joining = map[string][]string{}, map[string][]string{}
	for chunk := range slices.Chunk(ids, 500) {
		var people []reviewing.RunningProjectPerson
		if err := db.Where("project_id IN ?", chunk).Order("project_id, person_id").Find(&people).Error; err != nil {
			return nil, nil, err
		}
		for _, x := range people {
			into := joining
			if x.Role == "leader" {
				into = leading
			}
			into[x.PersonID] = append(into[x.PersonID], number[x.ProjectID])
		}
	}
	return leading, joining, nil
}

// ImportMemberships records the memberships of past years, all of them ended:
// who is to be in term is recommended and approved here.
func (st *Store) ImportMemberships(s *step, name string, data []byte) (expertstore.Imported, error) {
	rows, faults := sheetio.Memberships(name, data)
	if err := faults.Refusal(); err != nil {
		return expertstore.Imported{}, err
	}
	groups := map[string]string{}
	group := func(r sheetio.MembershipRow) (string, error) {
		key := fmt.Sprintf("%s\n%s\n%d\n%s", r.Code, r.Kind, r.Year, r.Group)
		if id, ok := groups[key]; ok {
			return id, nil
		}
		where, args := "kind = ? AND year = ?", []any{r.Kind, r.Year}
		if r.Code != "" {
			where, args = where+" AND code = ?", append(args, r.Code)
		}
		found, err := find[reviewing.Programme](s, "id", where, args...)
		if err != nil {
			return "", err
		}
		if len(found) != 1 {
			faults.At(r.Row, "专项编号", "该类别和年度的专项有%d个，请先设立专项或填写专项编号", len(found))
			return "", nil
		}
		g, err := groupOf(s, found[0].ID, r.Group)
		groups[key] = g.ID
		return g.ID, err
	}
	var records []reviewing.Membership
	for _, r := range rows {
		id, err := group(r)
		if err != nil {
			return expertstore.Imported{}, err
		}
		e, err := expertstore.ByDocument(s, faults, r.Row, r.Name, r.Document)
		if err != nil {
			return expertstore.Imported{}, err
		}
		if today := calendar.Day(s.Now); r.To >= today {
			faults.At(r.Row, "任期止", "%s尚未过去：在任成员请由经办推荐、领导审定", r.To)
		}
		var n int64
		if err := s.Model(&reviewing.Membership{}).Where("group_id = ? AND expert_id = ? AND from_day <= ? AND (to_day = '' OR to_day >= ?)", id, e.ID, r.To, r.From).Count(&n).Error; err != nil {
			return expertstore.Imported{}, err
		}
		for _, had := range records {
			if had.GroupID == id && had.ExpertID == e.ID && had.FromDay <= r.To && r.From <= had.ToDay {
				n++
			}
		}
		if n > 0 && id != "" && e.ID != "" {
			faults.At(r.Row, "任期起", "与该专家在该专家组已登记的任期重叠")
		}
		records = append(records, reviewing.Membership{ID: s.NewID(), GroupID: id, ExpertID: e.ID, PersonID: e.PersonID, Document: r.Recommend, State: reviewing.Ended, FromDay: r.From, ToDay: r.To, Reason: "往年任期导入"})
	}
	if err := faults.Refusal(); err != nil {
		return expertstore.Imported{}, err
	}
	s.Fact("rows", len(records))
	s.Fact("table", journal.Hash(string(data)))
	return expertstore.Imported{Rows: len(records)}, s.CreateInBatches(records, 200).Error
}
