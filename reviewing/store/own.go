package store

import (
	"context"
	"errors"
	"slices"
	"time"

	"gorm.io/gorm"

	"keping/configs/database"
	"keping/experts"
	expertstore "keping/experts/store"
	"keping/rbac"
	"keping/rbac/rulebook"
	rbacstore "keping/rbac/store"
	"keping/reviewing"
)

// Me is who is signed in, as kept.
type Me struct {
	User      rbacstore.UserView `json:"user"`
	Mail      string             `json:"mail"`
	Phone     string             `json:"phone" doc:"已遮盖"`
	PersonID  string             `json:"person_id"`
	Name      string             `json:"name" doc:"登记姓名"`
	BirthYear int                `json:"birth_year"`
	Documents []string           `json:"documents" doc:"证件（已遮盖）"`
	ExpertID  string             `json:"expert_id"`
	Expert    int                `json:"expert_version" doc:"专家档案的版本号；没有档案为0"`
	Consent   string             `json:"consent" doc:"已同意的个人信息处理规则版本"`
}

// OwnSeat is a seat as its holder sees it.
type OwnSeat struct {
	reviewing.Seat
	Review string `json:"review" doc:"评审批次编号"`
	Note   string `json:"note" doc:"退出的说明"`
}

// OwnDeclaration is a declaration with its words.
type OwnDeclaration struct {
	reviewing.Declaration
	Words string `json:"words"`
}

// OwnSheet tells of a sheet without its marks, which the sheet itself shows.
type OwnSheet struct {
	ID            string               `json:"id"`
	ApplicationID string               `json:"application_id"`
	State         reviewing.SheetState `json:"state"`
	Hash          string               `json:"hash"`
	SubmittedAt   *time.Time           `json:"submitted_at"`
}

// OwnGrant is a role one has or had.
type OwnGrant struct {
	Role      rbac.Role  `json:"role"`
	GrantedAt time.Time  `json:"granted_at"`
	EndedAt   *time.Time `json:"ended_at"`
}

// OwnApplication is an application one leads or takes part in.
type OwnApplication struct {
	ID     string                     `json:"id"`
	Number string                     `json:"number"`
	Title  string                     `json:"title"`
	State  reviewing.ApplicationState `json:"state"`
	Role   string                     `json:"role"`
	Name   string                     `json:"name"`
	UnitID string                     `json:"unit_id"`
}

// Own is everything kept of oneself.
type Own struct {
	Me           Me                         `json:"me"`
	Grants       []OwnGrant                 `json:"grants"`
	Expert       *ExpertView                `json:"expert"`
	Memberships  []reviewing.Membership     `json:"memberships"`
	Seats        []OwnSeat                  `json:"seats"`
	Declarations []OwnDeclaration           `json:"declarations"`
	Sheets       []OwnSheet                 `json:"sheets"`
	Services     []experts.PastService      `json:"past_services"`
	Applications []OwnApplication           `json:"applications"`
	Projects     []reviewing.RunningProject `json:"running_projects"`
	Interests    []Interest                 `json:"interests"`
	Integrity    []rbac.IntegrityRecord     `json:"integrity_records"`
	Corrections  []rbacstore.NameCorrection `json:"name_corrections"`
	Files        []rbacstore.FileView       `json:"files"`
	ExportedAt   time.Time                  `json:"exported_at"`
}

// MeOf shows the actor what is kept at the account and the person.
func (st *Store) MeOf(ctx context.Context, actor rbac.Actor) (Me, error) {
	return me(st.reading(ctx, actor))
}

func me(s *step) (Me, error) {
	user, err := rbacstore.TakeUser(s, s.Call.Actor.User)
	if err != nil {
		return Me{}, err
	}
	m := Me{Mail: user.Mail, PersonID: user.PersonID, Name: user.Name, Documents: []string{}}
	if m.User, err = rbacstore.ViewOf(s, user); err != nil {
		return m, err
	}
	phone, err := s.Keys.Open(user.Phone, "user/"+user.ID+"/phone")
	if err != nil || user.PersonID == "" {
		m.Phone = rbac.MaskPhone(phone)
		return m, err
	}
	person, err := take[rbac.Person](s, user.PersonID, "登记的人员")
	if err != nil {
		return m, err
	}
	m.Name, m.BirthYear = person.Name, person.BirthYear
	documents, err := find[rbac.Identity](s, "id", "person_id = ?", person.ID)
	if err != nil {
		return m, err
	}
	for _, d := range documents {
		key, err := s.Keys.Open(d.Number, "identity/"+d.ID)
		if err != nil {
			return m, err
		}
		m.Documents = append(m.Documents, rbac.DocumentOf(key).Masked())
	}
	e, err := ownExpert(s)
	if err != nil {
		return m, err
	}
	if e != nil {
		m.ExpertID, m.Expert, m.Consent = e.ID, e.Version, e.ConsentVersion
		if phone == "" {
			if phone, err = s.Keys.Open(e.Phone, "expert/"+e.ID+"/phone"); err != nil {
				return m, err
			}
		}
	}
	m.Phone = rbac.MaskPhone(phone)
	return m, nil
}

// ownExpert is the actor's expert record, or nil.
func ownExpert(s *step) (*experts.Expert, error) {
	if s.Call.Actor.Person == "" {
		return nil, nil
	}
	var e experts.Expert
	err := s.Take(&e, "person_id = ?", s.Call.Actor.Person).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, nil
	}
	return &e, err
}

// OwnOf collects everything kept of the actor; reading one's own leaves no entry.
func (st *Store) OwnOf(ctx context.Context, actor rbac.Actor) (Own, error) {
	s := st.reading(ctx, actor)
	out := Own{ExportedAt: s.Now, Seats: []OwnSeat{}, Declarations: []OwnDeclaration{}, Sheets: []OwnSheet{}, Applications: []OwnApplication{}, Files: []rbacstore.FileView{}}
	var err error
	if out.Me, err = me(s); err != nil {
		return out, err
	}
	if out.Me.ExpertID != "" {
		view, err := st.ExpertOf(ctx, out.Me.ExpertID)
		if err != nil {
			return out, err
		}
		out.Expert = &view
	}
	person := "\x00" // nobody's: what hangs on no person is nobody's own
	if actor.Person != "" {
		person = actor.Person
	}
	if err := errors.Join(
		s.Model(&rbac.Grant{}).Where("user_id = ?", actor.User).Order("granted_at, id").Scan(&out.Grants).Error,
		fetch(s, &out.Memberships, "id", "person_id = ?", person),
		fetch(s, &out.Services, "id", "person_id = ?", person),
		fetch(s, &out.Projects, "id", "id IN (SELECT project_id FROM running_project_people WHERE person_id = ?)", person),
		fetch(s, &out.Interests, "id", "user_id = ?", actor.User),
		fetch(s, &out.Integrity, "id", "subject_kind = 'person' AND subject_id = ?", person),
		fetch(s, &out.Corrections, "id", "person_id = ?", person),
		s.Model(&reviewing.Sheet{}).Where("seat_id IN (SELECT id FROM seats WHERE person_id = ?)", person).Order("id").Scan(&out.Sheets).Error,
		s.Model(&rbac.File{}).Where("owner = ?", actor.User).Order("id").Scan(&out.Files).Error,
		s.Model(&reviewing.Application{}).Select("applications.id, number, title, state, p.role, p.name, p.unit_id").Joins("JOIN application_people p ON p.application_id = applications.id").
			Where("p.person_id = ?", person).Order("applications.id").Scan(&out.Applications).Error,
	); err != nil {
		return out, err
	}
	seats, err := find[reviewing.Seat](s, "id", "person_id = ?", person)
	if err != nil {
		return out, err
	}
	for _, seat := range seats {
		own := OwnSeat{Seat: seat}
		if err := s.Model(&reviewing.Review{}).Where("id = ?", seat.ReviewID).Limit(1).Pluck("number", &own.Review).Error; err != nil {
			return out, err
		}
		if own.Note, err = s.Keys.Open(seat.Note, "seat/"+seat.ID+"/note"); err != nil {
			return out, err
		}
		out.Seats = append(out.Seats, own)
	}
	declarations, err := find[reviewing.Declaration](s, "id", "seat_id IN (SELECT id FROM seats WHERE person_id = ?)", person)
	for _, d := range declarations {
		own := OwnDeclaration{Declaration: d}
		if own.Words, err = s.Keys.Open(d.Reason, "declaration/"+d.ID); err != nil {
			return out, err
		}
		out.Declarations = append(out.Declarations, own)
	}
	return out, err
}

func fetch[T any](s *step, into *[]T, order, where string, args ...any) error {
	rows, err := find[T](s, order, where, args...)
	*into = append([]T{}, rows...)
	return err
}

// OwnCorrection is what anybody corrects of the own data; what is left out stays.
type OwnCorrection struct {
	Version int                `json:"version" minimum:"1" doc:"本人账号的版本号"`
	Mail    *string            `json:"mail,omitempty" format:"email" maxLength:"200" example:"wang@example.cn"`
	Phone   *string            `json:"phone,omitempty" maxLength:"30" doc:"空文本即删去" example:"13800138000"`
	Expert  *expertstore.Facts `json:"expert,omitempty" doc:"专家本人的事实：不便参加的日期、关系、工作经历、单位"`
}

// CorrectOwn is one's own word on mail, telephone and, for an expert, the facts
// by which conflicts are found.
func (st *Store) CorrectOwn(s *step, in OwnCorrection) (Me, error) {
	actor := s.Call.Actor
	user, err := rbacstore.TakeUser(s, actor.User)
	if err != nil {
		return Me{}, err
	}
	e, err := ownExpert(s)
	if err != nil {
		return Me{}, err
	}
	s.On(user.ID)
	var changed []string
	set, record := map[string]any{"version": in.Version + 1}, map[string]any{}
	if in.Mail != nil {
		set["mail"], record["mail"] = *in.Mail, *in.Mail
		changed = append(changed, "mail")
	}
	if in.Phone != nil {
		phone := ""
		if *in.Phone != "" {
			if phone, err = rbac.ParsePhone(*in.Phone); err != nil {
				return Me{}, rbac.Invalid("phone", "%v", err)
			}
		}
		set["phone"] = s.Keys.Seal(phone, "user/"+user.ID+"/phone")
		if e != nil {
			record["phone"] = s.Keys.Seal(phone, "expert/"+e.ID+"/phone")
		}
		changed = append(changed, "phone")
	}
	if err := database.Swap(s.Tx, &rbac.User{}, map[string]any{"id": user.ID, "version": in.Version}, set); err != nil {
		return Me{}, err
	}
	if in.Expert != nil {
		if e == nil {
			return Me{}, rbac.Invalid("expert", "您没有专家档案")
		}
		if _, err := st.UpdateExpert(s, e.ID, *in.Expert); err != nil {
			return Me{}, err
		}
		changed = append(changed, "facts")
	}
	if e != nil && len(record) > 0 {
		if err := s.Model(&experts.Expert{}).Where("id = ?", e.ID).Updates(record).Error; err != nil {
			return Me{}, err
		}
	}
	s.Fact("changed", changed)
	return me(s)
}

// Withdrawn is a withdrawal of consent and what still runs under the old one.
type Withdrawn struct {
	State experts.State `json:"state"`
	Seats []string      `json:"seats" doc:"尚未结束的评审批次编号：由经办替换；这些批次结束后手机和银行卡号随即删除"`
}

// WithdrawConsent is P-59: from now on the record is not used. What a running
// review needs to find its panel stays until that review is over.
func (st *Store) WithdrawConsent(s *step) (Withdrawn, error) {
	pack, err := st.Pack(s)
	if err != nil {
		return Withdrawn{}, err
	}
	e, err := ownExpert(s)
	if err != nil {
		return Withdrawn{}, err
	}
	if e == nil {
		return Withdrawn{}, rbac.Missing("您的专家档案")
	}
	if err := s.Obey(pack.Check("P-59", e.ConsentVersion != "", rulebook.Inputs{"consent": e.ConsentVersion},
		"您没有同意过个人信息处理规则，或已经撤回（惯例）。", "如需删除全部个人信息，请向专家库管理员申请。")); err != nil {
		return Withdrawn{}, err
	}
	s.On(s.Call.Actor.User)
	out := Withdrawn{State: e.State, Seats: []string{}}
	if out.Seats, err = liveSeats(s, e.PersonID); err != nil {
		return out, err
	}
	set := map[string]any{"consent_version": "", "version": e.Version + 1}
	if to, ok := experts.Moves[e.State]["suspend"]; ok {
		out.State, set["state"], set["state_reason"] = to, to, consentWithdrawn
	}
	if len(out.Seats) == 0 {
		set["phone"], set["bank_card"] = nil, nil
	}
	s.Fact("expert", e.ID)
	s.Fact("consent", e.ConsentVersion)
	s.Fact("state", string(out.State))
	return out, database.Swap(s.Tx, &experts.Expert{}, map[string]any{"id": e.ID, "version": e.Version}, set)
}

// liveSeats are the numbers of reviews that are not over and where the person sits.
func liveSeats(s *step, person string) ([]string, error) {
	numbers := []string{}
	err := s.Model(&reviewing.Review{}).Where("state NOT IN ? AND id IN (SELECT review_id FROM seats WHERE person_id = ? AND state <> ?)",
		[]reviewing.ReviewState{reviewing.Closed, reviewing.Void}, person, reviewing.SeatVacated).Order("number").Pluck("number", &numbers).Error
	slices.Sort(numbers)
	return numbers, err
}
