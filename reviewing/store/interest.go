package store

import (
	"strings"
	"time"

	"keping/rbac"
	"keping/rbac/rulebook"
	"keping/rbac/secret"
	rbacstore "keping/rbac/store"
	"keping/reviewing"
)

// Interest is what a member of staff or of the conference declares of themself
// (P-19): a tie to a unit or to one application. Its reason is sealed at
// "interest/<id>".
type Interest struct {
	ID            string        `gorm:"primaryKey;size:36" json:"id"`
	UserID        string        `gorm:"size:36" json:"user_id"`
	UnitID        string        `gorm:"size:36" json:"unit_id"`
	ApplicationID string        `gorm:"size:36" json:"application_id"`
	Reason        secret.Sealed `json:"-"`
	CreatedAt     time.Time     `gorm:"autoCreateTime:false" json:"created_at"`
}

// NewInterest declares a tie to a unit or to one application.
type NewInterest struct {
	UnitID        string `json:"unit_id,omitempty" maxLength:"36" doc:"有利益关系的单位"`
	ApplicationID string `json:"application_id,omitempty" maxLength:"36" doc:"有利益关系的申报书；与单位二选一"`
	Reason        string `json:"reason" minLength:"2" maxLength:"500"`
}

// DeclareInterest is a member of staff's own word; it holds from then on.
func (st *Store) DeclareInterest(s *step, in NewInterest) (Interest, error) {
	i := Interest{ID: s.NewID(), UserID: s.Call.Actor.User, UnitID: in.UnitID, ApplicationID: in.ApplicationID, CreatedAt: s.Now}
	s.On(i.ID)
	switch {
	case (in.UnitID == "") == (in.ApplicationID == ""):
		return i, rbac.Invalid("unit_id", "请填写单位或申报书，二者选一")
	case in.UnitID != "":
		if _, err := take[rbac.Unit](s, in.UnitID, "该单位"); err != nil {
			return i, err
		}
	default:
		if _, err := take[reviewing.Application](s, in.ApplicationID, "该申报书"); err != nil {
			return i, err
		}
	}
	i.Reason = s.Keys.Seal(in.Reason, "interest/"+i.ID)
	return i, s.Create(&i).Error
}

// impartial is P-19: who has a declared or a known tie to an application does
// not write about it. Known are applications that one leads or takes part in,
// and those of the unit one belongs to. Units' and experts' own acts are judged
// elsewhere.
func (st *Store) impartial(s *step, where string, args ...any) error {
	actor := s.Call.Actor
	switch actor.Role {
	case rbac.Officer, rbac.Director, rbac.Supervisor, rbac.Conference, rbac.Finance:
	default:
		return nil
	}
	var tied []string
	err := s.Model(&reviewing.Application{}).Where(where, args...).Where(`(id IN (SELECT application_id FROM interests WHERE user_id = ?)
		OR lead_unit_id IN (SELECT unit_id FROM interests WHERE user_id = ? AND unit_id <> '')
		OR id IN (SELECT application_id FROM application_units WHERE unit_id IN (SELECT unit_id FROM interests WHERE user_id = ? AND unit_id <> ''))
		OR (? <> '' AND id IN (SELECT application_id FROM application_people WHERE person_id = ?))
		OR (? <> '' AND lead_unit_id = ?))`, actor.User, actor.User, actor.User, actor.Person, actor.Person, actor.Unit, actor.Unit).
		Order("number").Limit(5).Pluck("number", &tied).Error
	if err != nil || len(tied) == 0 {
		return err
	}
	pack, err := st.Pack(s)
	if err != nil {
		return err
	}
	return s.Obey(pack.Fail("P-19", rulebook.Inputs{"applications": tied}, "您与项目"+tied[0]+"有利益关系，须回避其所在批次的事项（惯例）。", "请由与该批次项目没有利益关系的同事办理。"))
}

// CreateRelease releases a soft rule; not by who has a tie to what it is about (P-19).
func (st *Store) CreateRelease(s *step, in rbacstore.NewRelease) (rbac.Release, error) {
	where := map[string]string{"application": "id = ?", "review": "review_id = ?", "guide": "guide_id = ?", "list": "guide_id IN (SELECT guide_id FROM award_lists WHERE id = ?)"}
	noun, id, _ := strings.Cut(in.Object, "/")
	if about, ok := where[noun]; ok {
		if err := st.impartial(s, about, id); err != nil {
			return rbac.Release{}, err
		}
	}
	return st.Store.CreateRelease(s, in)
}
