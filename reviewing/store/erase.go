package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm"

	"keping/experts"
	expertstore "keping/experts/store"
	"keping/rbac"
	"keping/rbac/calendar"
	"keping/rbac/naming"
	"keping/rbac/rulebook"
	rbacstore "keping/rbac/store"
	"keping/reviewing"
	"keping/reviewing/affinity"
	"keping/reviewing/match"
)

// erased stands where a name stood.
const erased = "已删除"

// consentWithdrawn is why a record is suspended whose owner has withdrawn consent.
const consentWithdrawn = "本人撤回个人信息处理同意"

// NewErasure erases a person.
type NewErasure struct {
	Basis string `json:"basis" enum:"request,retention" doc:"本人申请，或保存期满"`
}

// Erasure is what an erasure emptied.
type Erasure struct {
	PersonID string         `json:"person_id"`
	Emptied  map[string]int `json:"emptied" doc:"清空或删去的记录数"`
	Users    []string       `json:"-"` // whose sessions end
}

// hangs is what keeps a person from being erased: whatever is under way, what a
// later decision has to be able to see (art. 7, integrity), and archives.
func (st *Store) hangs(s *step, p rbac.Person) ([]string, error) {
	today := calendar.Day(s.Now)
	out, err := liveSeats(s, p.ID)
	for i := range out {
		out[i] = "评审批次" + out[i] + "的席位"
	}
	if err != nil {
		return nil, err
	}
	over := []reviewing.ApplicationState{reviewing.AppRefused, reviewing.AppWithdrawn, reviewing.AppDeclined}
	for _, q := range []struct {
		what  string
		table string
		where string
		args  []any
	}{
		{"在库的专家档案（请先退出专家库）", "experts", "person_id = ? AND state <> ?", []any{p.ID, experts.Left}},
		{"在任或待审定的专家组成员", "memberships", "person_id = ? AND state <> ?", []any{p.ID, reviewing.Ended}},
		{"本年度专家组任期（第七条须可查）", "memberships", "person_id = ? AND from_day <> '' AND group_id IN (SELECT g.id FROM review_groups g JOIN programmes p ON p.id = g.programme_id WHERE p.year >= ?)", []any{p.ID, s.Now.In(calendar.Zone).Year()}},
		{"未办结或已立项的申报书", "applications", "id IN (SELECT application_id FROM application_people WHERE person_id = ?) AND state NOT IN ?", []any{p.ID, over}},
		{"拟立项清单上的项目（档案）", "award_lists", "EXISTS (SELECT 1 FROM applications a WHERE a.leader_id = ? AND a.guide_id = award_lists.guide_id AND award_lists.list_lines LIKE CONCAT('%', a.id, '%'))", []any{p.ID}},
		{"在研项目", "running_projects", "id IN (SELECT project_id FROM running_project_people WHERE person_id = ?) AND (ends = '' OR ends >= ?)", []any{p.ID, today}},
		{"有效期内的科研诚信记录", "integrity_records", "subject_kind = 'person' AND subject_id = ? AND state = 'recorded' AND (to_day = '' OR to_day >= ?)", []any{p.ID, today}},
		{"未办结的申诉", "appeals", "expert_id IN (SELECT id FROM experts WHERE person_id = ?) AND state = 'open'", []any{p.ID}},
		{"在用的工作账号", "users", "person_id = ? AND state <> 'disabled' AND id IN (SELECT user_id FROM grants WHERE ended_at IS NULL AND role NOT IN ('expert', 'applicant'))", []any{p.ID}},
	} {
		var n int64
		if err := s.Table(q.table).Where(q.where, q.args...).Count(&n).Error; err != nil {
			return nil, err
		}
		if n > 0 {
			out = append(out, q.what)
		}
	}
	return out, nil
}

// ErasePerson empties the rows that say who a person was: names, documents
// with their blind index, contacts and sealed words. Ids stay, so that what was
// decided still adds up; the journal never held more than they.
func (st *Store) ErasePerson(s *step, id string, in NewErasure) (Erasure, error) {
	out := Erasure{PersonID: id, Emptied: map[string]int{}}
	p, err := take[rbac.Person](s, id, "该人员")
	if err != nil {
		return out, err
	}
	pack, err := st.Pack(s)
	if err != nil {
		return out, err
	}
	hanging, err := st.hangs(s, p)
	if err != nil {
		return out, err
	}
	if err := s.Obey(pack.Check("P-59", len(hanging) == 0, rulebook.Inputs{"hanging": hanging},
		"该人员尚有不能删除的事项（惯例）："+strings.Join(hanging, "、")+"。", "请先办结上述事项；依法须保存的档案和记录到期后再删除。")); err != nil {
		return out, err
	}
	s.On(id)
	s.Fact("basis", in.Basis)
	if err := s.Model(&rbac.User{}).Where("person_id = ?", id).Pluck("id", &out.Users).Error; err != nil {
		return out, err
	}
	s.Fact("users", out.Users)
	if err := st.eraseVerdicts(s, p); err != nil {
		return out, err
	}
	if err := st.eraseAvoided(s, p); err != nil {
		return out, err
	}
	if err := eraseProfiles(s, p); err != nil {
		return out, err
	}
	users, expert := "(SELECT id FROM users WHERE person_id = ?)", "(SELECT id FROM experts WHERE person_id = ?)"
	seats := "(SELECT id FROM seats WHERE person_id = ?)"
	for _, e := range []struct{ table, statement string }{
		{"notices", "UPDATE notices SET subject = '" + erased + "', body = NULL, address = NULL, state = CASE WHEN state = 'queued' THEN 'dropped' ELSE state END WHERE user_id IN " + users},
		{"answers", "DELETE FROM answers WHERE user_id IN " + users},
		{"links", "DELETE FROM links WHERE user_id IN " + users},
		{"joint_seats", "UPDATE joint_seats SET earlier = '[]', name = '" + erased + "' WHERE user_id IN " + users},
		{"files", "UPDATE files SET name = '" + erased + "' WHERE owner IN " + users},
		{"interests", "DELETE FROM interests WHERE user_id IN " + users},
		{"releases", "UPDATE releases SET reason = '" + erased + "', salt = '' WHERE object IN (SELECT CONCAT('expert/', id) FROM experts WHERE person_id = ?)"},
		{"conflict_decisions", "UPDATE conflict_decisions SET reason = '" + erased + "' WHERE expert_id IN " + expert},
		{"frame_codes", "UPDATE frame_codes SET salt = NULL WHERE expert_id IN " + expert},
		{"declarations", "UPDATE declarations SET reason = NULL WHERE seat_id IN " + seats},
		{"seats", "UPDATE seats SET reply_entered = NULL, note = NULL, note_salt = '', dissent = NULL, dissent_salt = '', not_signed = '' WHERE person_id = ?"},
		{"conducts", "UPDATE conducts SET remarks = NULL, reply = NULL, salt = '' WHERE person_id = ?"},
		{"appeals", "UPDATE appeals SET text = NULL, answer = NULL, salt = '' WHERE expert_id IN " + expert},
		{"nomination_objections", "UPDATE nomination_objections SET name = NULL, contact = NULL, text = NULL, answer = NULL, salt = '' WHERE expert_id IN " + expert},
		{"approaches", "UPDATE approaches SET report = NULL, finding = NULL, salt = '' WHERE state = 'handled' AND reporter_id IN " + users},
		{"memberships", "UPDATE memberships SET reason = '' WHERE person_id = ?"},
		{"application_people", "UPDATE application_people SET name = '" + erased + "' WHERE person_id = ?"},
		{"applications", "UPDATE applications SET leader_name = '" + erased + "' WHERE leader_id = ?"},
		{"integrity_records", "DELETE FROM integrity_records WHERE subject_kind = 'person' AND subject_id = ?"},
		{"name_corrections", "DELETE FROM name_corrections WHERE person_id = ?"},
		{"identities", "DELETE FROM identities WHERE person_id = ?"},
		{"people", "UPDATE people SET name = '" + erased + "', birth_year = 0 WHERE id = ?"},
	} {
		done := s.Exec(e.statement, id)
		if done.Error != nil {
			return out, fmt.Errorf("erase %s: %w", e.table, done.Error)
		}
		if done.RowsAffected > 0 {
			out.Emptied[e.table] = int(done.RowsAffected)
		}
	}
	if err := s.Exec("UPDATE distinctions SET reason = ? WHERE person_a = ? OR person_b = ?", erased, id, id).Error; err != nil {
		return out, err
	}
	if err := s.Model(&rbac.Grant{}).Where("ended_at IS NULL AND user_id IN ?", out.Users).Update("ended_at", s.Now).Error; err != nil {
		return out, err
	}
	for _, user := range out.Users {
		err := s.Model(&rbac.User{}).Where("id = ?", user).Updates(map[string]any{"login": "erased-" + user, "name": erased, "unit_id": "", "mail": "", "phone": nil, "password": "", "totp": nil, "state": rbac.UserDisabled}).Error
		if err != nil {
			return out, err
		}
	}
	var e experts.Expert
	if err := s.Where("person_id = ?", id).Limit(1).Find(&e).Error; err != nil {
		return out, err
	}
	if e.ID != "" {
		empty := experts.Expert{ID: e.ID, PersonID: id, UserID: e.UserID, Name: erased, Pool: e.Pool, State: experts.Left, Version: e.Version + 1, CreatedAt: e.CreatedAt}
		if err := s.Model(&empty).Where("id = ?", e.ID).Select("*").Updates(&empty).Error; err != nil {
			return out, err
		}
		if err := expertstore.Index(s.Tx, []experts.Expert{{ID: e.ID}}); err != nil {
			return out, err
		}
		s.Fact("expert", e.ID)
		out.Emptied["experts"] = 1
	}
	s.Fact("emptied", out.Emptied)
	return out, nil
}

// eraseAvoided takes the name out of the lists that applicants of what is over
// have made; a live one still asks its question.
func (st *Store) eraseAvoided(s *step, p rbac.Person) error {
	apps, err := find[reviewing.Application](s, "id", "avoid"+rbacstore.Like+" AND state IN ?", rbacstore.Containing(p.Name),
		[]reviewing.ApplicationState{reviewing.AppRefused, reviewing.AppWithdrawn, reviewing.AppDeclined, reviewing.AppAwarded})
	if err != nil {
		return err
	}
	for _, a := range apps {
		for i := range a.Avoid {
			if naming.PersonKey(a.Avoid[i].Name) == naming.PersonKey(p.Name) {
				a.Avoid[i] = reviewing.Named{Name: erased, Reason: erased}
			}
		}
		if err := s.Model(&reviewing.Application{}).Where("id = ?", a.ID).Update("avoid", a.Avoid).Error; err != nil {
			return err
		}
	}
	return nil
}

// eraseProfiles takes what a person had registered out of the sealed inputs of
// the affinities; the numbers made of it are by code and stay.
func eraseProfiles(s *step, p rbac.Person) error {
	var codes []reviewing.FrameCode
	err := s.Where("expert_id IN (SELECT id FROM experts WHERE person_id = ?) AND draw_id IN (SELECT draw_id FROM match_files)", p.ID).Order("draw_id").Find(&codes).Error
	if err != nil {
		return err
	}
	for _, code := range codes {
		known, err := profilesKept(s, code.DrawID)
		if err != nil {
			return err
		}
		if at := slices.Index(known.Codes, code.Code); at >= 0 {
			known.Experts[at] = affinity.Expert{}
		}
		text, err := json.Marshal(known)
		if err != nil {
			return err
		}
		if err := s.Where("draw_id = ? AND name = ?", code.DrawID, profilesFile).Delete(&reviewing.MatchFile{}).Error; err != nil {
			return err
		}
		if err := keepFiles(s, code.DrawID, match.Files{profilesFile: text}, nil); err != nil {
			return err
		}
	}
	return nil
}

// eraseVerdicts takes the name out of the sealed verdicts beside the journal
// that speak of the person. The entries themselves stay as they are.
func (st *Store) eraseVerdicts(s *step, p rbac.Person) error {
	marks := []string{p.ID}
	for _, q := range []struct{ table, column string }{{"experts", "id"}, {"seats", "id"}, {"seats", "review_id"}, {"application_people", "application_id"}, {"memberships", "group_id"}} {
		var ids []string
		if err := s.Table(q.table).Where("person_id = ?", p.ID).Pluck(q.column, &ids).Error; err != nil {
			return err
		}
		marks = append(marks, ids...)
	}
	return rbacstore.RedactVerdicts(s, p.CreatedAt, p.Name, erased, marks)
}

// ExpireContacts is P-59 by time: telephone, card and the sealed words of who
// has not been used for the years the pack says, and of who has withdrawn
// consent once no panel needs them, are emptied, each in an act by "system".
func (st *Store) ExpireContacts(ctx context.Context) (int, error) {
	s := st.reading(ctx, rbac.Actor{})
	pack, err := st.Pack(s)
	if err != nil {
		return 0, err
	}
	var due []string
	if err := expired(s, pack).Limit(200).Order("id").Pluck("id", &due).Error; err != nil {
		return 0, err
	}
	var errs []error
	for _, id := range due {
		call := rbacstore.Call{Actor: rbac.SystemActor, Permission: "expert expire", Object: id}
		_, _, err := rbacstore.Act(ctx, st.Store.Store, call, func(s *step) (struct{}, error) {
			var n int64
			if err := expired(s, pack).Where("id = ?", id).Count(&n).Error; err != nil || n == 0 {
				s.Unjournalled()
				return struct{}{}, err
			}
			s.Fact("years", pack.RetentionYears)
			return struct{}{}, emptyContacts(s, id)
		})
		errs = append(errs, err)
	}
	return len(due), errors.Join(errs...)
}

// expired are the expert records whose contacts are kept no longer.
func expired(s *step, pack *rulebook.Pack) *gorm.DB {
	cut := s.Now.AddDate(-pack.RetentionYears, 0, 0)
	live := "id IN (SELECT x.expert_id FROM seats x JOIN reviews r ON r.id = x.review_id WHERE x.state <> 'vacated' AND r.state NOT IN ('closed', 'void'))"
	return s.Model(&experts.Expert{}).Where("(phone IS NOT NULL OR bank_card IS NOT NULL OR id IN (SELECT expert_id FROM seats WHERE note IS NOT NULL OR dissent IS NOT NULL))").Where("NOT "+live).
		Where("((consent_version = '' AND state_reason = ? AND (phone IS NOT NULL OR bank_card IS NOT NULL)) OR (created_at < ? AND id NOT IN (SELECT expert_id FROM seats WHERE created_at >= ?) AND id NOT IN (SELECT expert_id FROM memberships WHERE state <> 'ended' OR to_day >= ?) AND id NOT IN (SELECT expert_id FROM past_services WHERE day >= ?)))",
			consentWithdrawn, cut, cut, calendar.Day(cut), calendar.Day(cut))
}

func emptyContacts(s *step, expert string) error {
	for _, statement := range []string{
		"UPDATE experts SET phone = NULL, bank_card = NULL WHERE id = ?",
		"UPDATE users SET phone = NULL WHERE id IN (SELECT user_id FROM experts WHERE id = ?)",
		"UPDATE seats SET note = NULL, note_salt = '', dissent = NULL, dissent_salt = '' WHERE expert_id = ?",
		"UPDATE declarations SET reason = NULL WHERE seat_id IN (SELECT id FROM seats WHERE expert_id = ?)",
	} {
		if err := s.Exec(statement, expert).Error; err != nil {
			return err
		}
	}
	return nil
}
