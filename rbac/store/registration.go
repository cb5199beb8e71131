package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"gorm.io/gorm"

	"keping/configs/database"
	"keping/rbac"
	"keping/rbac/naming"
	"keping/rbac/notice"
)

// Registration is what a unit says of itself when it registers.
type Registration struct {
	Code       string        `json:"code" minLength:"4" maxLength:"40" doc:"统一社会信用代码；没有的填登记号" example:"91350100M000100Y43"`
	CodeKind   string        `json:"code_kind,omitempty" maxLength:"20" doc:"没有信用代码的，登记号的种类：military 军队单位，foreign 境外单位" example:""`
	Name       string        `json:"name" minLength:"2" maxLength:"100" example:"重庆示例科技有限公司"`
	Kind       rbac.UnitKind `json:"kind" maxLength:"30" doc:"单位类型" example:"enterprise"`
	InDistrict bool          `json:"in_district"`
	Joint      bool          `json:"joint" doc:"申请作为联合实施单位；须科技局确认（R-010）"`
	Contact    string        `json:"contact" minLength:"2" maxLength:"50" doc:"单位管理员姓名" example:"李四"`
	Mail       string        `json:"mail" format:"email" maxLength:"200" doc:"单位管理员邮箱，审核通过后接收激活链接" example:"li@example.cn"`
}

// Proof is the uploaded evidence of a registration; its bytes are already kept.
type Proof struct {
	Name, Kind, Digest string
	Size               int64
}

// Received is all that a registration answers: whether the code was known
// before is not told.
type Received struct {
	State string `json:"state" example:"received" doc:"登记申请已收到，审核结果以邮件告知"`
}

// RegisterUnit takes a unit's own registration; an officer vets it next. Where
// the code waits already the officer sees both, and so where the unit has been
// imported and has no account yet; where it is in use nothing changes, and the
// unit that has it is told.
func (s *Store) RegisterUnit(step *Step, in Registration, proof Proof) (Received, error) {
	var bad rbac.Fields
	code, err := rbac.ParseUnitCode(in.CodeKind, in.Code)
	bad.Check(err == nil, "code", "%v", err)
	_, known := rbac.UnitKinds[in.Kind]
	bad.Check(known && in.Kind != "bureau" && in.Kind != "finance", "kind", "没有“%s”这种可登记的单位类型", in.Kind)
	if err := bad.Refusal(); err != nil {
		return Received{}, err
	}
	old, err := UnitByCode(step, code)
	if err != nil {
		return Received{}, err
	}
	unit := rbac.Unit{ID: step.NewID(), Code: code, Name: in.Name, Kind: in.Kind, InDistrict: in.InDistrict, Joint: in.Joint, Contact: in.Contact, Mail: in.Mail,
		State: rbac.UnitPending, Version: 1, CreatedAt: step.Now}
	if old != nil {
		unit.ID = old.ID
	}
	step.On(unit.ID)
	step.Call.Actor.User = unit.ID
	step.Fact("sm3", proof.Digest)
	open := false // active and nobody's: imported, or its last administrator has left
	if old != nil && old.State == rbac.UnitActive {
		step.Fact("known", true)
		if open, err = unclaimed(step, old.ID); err != nil || !open {
			return Received{"received"}, errors.Join(err, tellHolder(step, *old))
		}
	}
	file := rbac.File{ID: step.NewID(), Name: proof.Name, Size: proof.Size, SM3: proof.Digest, Kind: proof.Kind, Object: "unit/" + unit.ID, CreatedAt: step.Now}
	if err := step.Create(&file).Error; err != nil {
		return Received{}, err
	}
	unit.EvidenceFile = file.ID
	switch {
	case old == nil:
		return Received{"received"}, step.Create(&unit).Error
	case open:
		return Received{"received"}, addClaim(step, unit)
	case old.State == rbac.UnitPending:
		step.Fact("known", true)
		return Received{"received"}, addClaim(step, unit)
	}
	unit.Version, unit.Aliases, unit.ParentID = old.Version+1, old.Aliases, old.ParentID
	done := step.Model(&unit).Where("version = ? AND state = ?", old.Version, rbac.UnitClosed).Select("*").Updates(&unit)
	if done.Error == nil && done.RowsAffected != 1 {
		return Received{}, database.ErrChanged
	}
	return Received{"received"}, done.Error
}

// unclaimed tells whether nobody administers a unit.
func unclaimed(step *Step, unit string) (bool, error) {
	var n int64
	err := step.Model(&rbac.User{}).Where("unit_id = ? AND state <> ? AND id IN (SELECT user_id FROM grants WHERE role = ? AND ended_at IS NULL)", unit, rbac.UserDisabled, rbac.UnitAdmin).Count(&n).Error
	return n == 0, err
}

// maxClaims is how many registrations of one code wait at once.
const maxClaims = 5

func addClaim(step *Step, u rbac.Unit) error {
	var n int64
	if err := step.Model(&rbac.UnitClaim{}).Where("unit_id = ?", u.ID).Count(&n).Error; err != nil {
		return err
	}
	if n >= maxClaims {
		return tellRejected(step, u.ID, u.Name, u.Contact, u.Mail, "该代码已有多份登记申请待审核，请持证明与科技局联系")
	}
	return step.Create(&rbac.UnitClaim{ID: step.NewID(), UnitID: u.ID, Name: u.Name, Contact: u.Contact, Mail: u.Mail, EvidenceFile: u.EvidenceFile, CreatedAt: step.Now}).Error
}

// endClaims tells everybody else who has registered the code that it is decided.
func endClaims(step *Step, unit, taken string) error {
	return rejectClaims(step, unit, taken, "该代码的登记已按另一份申请办结；如属贵单位，请持证明与科技局联系")
}

func rejectClaims(step *Step, unit, taken, reason string) error {
	var rest []rbac.UnitClaim
	if err := step.Where("unit_id = ? AND id <> ?", unit, taken).Order("id").Find(&rest).Error; err != nil {
		return err
	}
	for _, c := range rest {
		if err := tellRejected(step, unit, c.Name, c.Contact, c.Mail, reason); err != nil {
			return err
		}
	}
	return step.Where("unit_id = ?", unit).Delete(&rbac.UnitClaim{}).Error
}

func tellRejected(step *Step, unit, name, contact, mail, reason string) error {
	return step.Notify(notice.Message{Kind: "unit_rejected", Address: mail, Object: "unit/" + unit, Subject: "单位登记未通过审核",
		Body: contact + "：\n\n“" + name + "”的登记申请未通过审核：" + reason + "\n\n补充材料后可以重新登记。"})
}

// tellHolder lets the unit that has the code know, once a day at most.
func tellHolder(step *Step, u rbac.Unit) error {
	if u.Mail == "" {
		return nil
	}
	var n int64
	if err := step.Model(&notice.Notice{}).Where("object = ? AND kind = 'unit_claim' AND created_at > ?", "unit/"+u.ID, step.Now.Add(-24*time.Hour)).Count(&n).Error; err != nil || n > 0 {
		return err
	}
	return step.Notify(notice.Message{Kind: "unit_claim", Address: u.Mail, Object: "unit/" + u.ID, Subject: "有人以贵单位的代码申请登记",
		Body: "有人在科评系统以贵单位的代码再次申请登记，系统没有改动贵单位的登记。如非贵单位人员所为，请与科技局联系。"})
}

// Vetting is an officer's approval. Joint is the officer's word, not the unit's.
type Vetting struct {
	Version  int    `json:"version" minimum:"1"`
	Joint    bool   `json:"joint" doc:"确认可作联合实施单位（R-010）"`
	ClaimID  string `json:"claim_id,omitempty" maxLength:"36" doc:"同一代码有几份申请的，采用其中一份；不填即首份"`
	Evidence string `json:"evidence,omitempty" maxLength:"64" doc:"具备条件的证明材料（文号）；联合实施单位为企业、高校、科研院所的必填"`
}

// Vetted is a unit with the login of its first account.
type Vetted struct {
	UnitID string         `json:"unit_id"`
	State  rbac.UnitState `json:"state"`
	Login  string         `json:"login" doc:"单位管理员的登录名；激活链接已发往登记的邮箱"`
}

// pendingUnit is a unit that waits to be vetted: registered, or in use by nobody
// and claimed.
func pendingUnit(step *Step, id string, act string) (rbac.Unit, error) {
	var u rbac.Unit
	err := step.Take(&u, "id = ?", id).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return u, rbac.Missing("该单位")
	}
	if err == nil && u.State == rbac.UnitActive {
		var claims int64
		if err := step.Model(&rbac.UnitClaim{}).Where("unit_id = ?", id).Count(&claims).Error; err != nil || claims > 0 {
			return u, err
		}
	}
	if err == nil && u.State != rbac.UnitPending {
		return u, rbac.Refuse(rbac.RefusedState, "该单位不在待审核状态，不能%s。请刷新后核对其状态。", act)
	}
	return u, err
}

// ApproveUnit lets a unit in and sends its first account the activation link.
func (s *Store) ApproveUnit(step *Step, id string, in Vetting, publicURL string) (Vetted, error) {
	u, err := pendingUnit(step, id, "审核通过")
	if err != nil {
		return Vetted{}, err
	}
	if in.ClaimID != "" {
		var c rbac.UnitClaim
		err := step.Take(&c, "id = ? AND unit_id = ?", in.ClaimID, id).Error
		if errors.Is(err, gorm.ErrRecordNotFound) {
			return Vetted{}, rbac.Invalid("claim_id", "该单位没有这份申请")
		} else if err != nil {
			return Vetted{}, err
		}
		if u.State == rbac.UnitPending {
			if err := tellRejected(step, id, u.Name, u.Contact, u.Mail, "该代码的登记已按另一份申请办结；如属贵单位，请持证明与科技局联系"); err != nil {
				return Vetted{}, err
			}
			u.Name = c.Name
		}
		u.Contact, u.Mail, u.EvidenceFile = c.Contact, c.Mail, c.EvidenceFile
	} else if u.State == rbac.UnitActive {
		return Vetted{}, rbac.Invalid("claim_id", "该单位已在用，请指明采用哪一份登记申请")
	}
	if in.Evidence != "" || u.State == rbac.UnitPending {
		u.Evidence = in.Evidence
	}
	u.Joint = in.Joint
	if err := s.joint(step, u); err != nil {
		return Vetted{}, err
	}
	set := map[string]any{"state": rbac.UnitActive, "name": u.Name, "contact": u.Contact, "mail": u.Mail, "evidence_file": u.EvidenceFile, "joint": u.Joint, "evidence": u.Evidence, "state_reason": "", "version": in.Version + 1}
	if err := database.Swap(step.Tx, &rbac.Unit{}, map[string]any{"id": id, "version": in.Version, "state": u.State}, set); err != nil {
		return Vetted{}, err
	}
	login, err := freeLogin(step, strings.ToLower(strings.ReplaceAll(u.Code, ":", "-")))
	if err != nil {
		return Vetted{}, err
	}
	user, err := MakeUser(step, NewUser{Login: login, Name: u.Contact, Mail: u.Mail, UnitID: u.ID}, "", publicURL)
	if err != nil {
		return Vetted{}, err
	}
	roles := []rbac.Role{rbac.UnitAdmin}
	if u.Joint {
		roles = append(roles, rbac.JointUnit)
	}
	for _, role := range roles {
		if err := AddRole(step, user, role); err != nil {
			return Vetted{}, err
		}
	}
	if err := endClaims(step, id, in.ClaimID); err != nil {
		return Vetted{}, err
	}
	step.On(u.ID)
	step.Fact("user", user.ID)
	step.Fact("joint", u.Joint)
	return Vetted{u.ID, rbac.UnitActive, login}, nil
}

// freeLogin is the wanted login, with a number where it is taken.
func freeLogin(step *Step, wanted string) (string, error) {
	login := wanted
	for n := 2; ; n++ {
		var taken int64
		if err := step.Model(&rbac.User{}).Where("login = ?", login).Count(&taken).Error; err != nil || taken == 0 {
			return login, err
		}
		login = fmt.Sprintf("%s-%d", wanted, n)
	}
}

// RejectUnit refuses a registration with its reason, which goes to the unit.
func (s *Store) RejectUnit(step *Step, id, reason string, version int) (Vetted, error) {
	u, err := pendingUnit(step, id, "退回")
	if err != nil {
		return Vetted{}, err
	}
	if u.State == rbac.UnitActive { // the claims are refused, the unit stays
		if err := database.Swap(step.Tx, &rbac.Unit{}, map[string]any{"id": id, "version": version, "state": rbac.UnitActive}, map[string]any{"version": version + 1}); err != nil {
			return Vetted{}, err
		}
		return Vetted{UnitID: id, State: rbac.UnitActive}, rejectClaims(step, id, "", reason)
	}
	set := map[string]any{"state": rbac.UnitClosed, "state_reason": reason, "version": version + 1}
	if err := database.Swap(step.Tx, &rbac.Unit{}, map[string]any{"id": id, "version": version, "state": rbac.UnitPending}, set); err != nil {
		return Vetted{}, err
	}
	if err := endClaims(step, id, ""); err != nil {
		return Vetted{}, err
	}
	return Vetted{UnitID: id, State: rbac.UnitClosed}, tellRejected(step, id, u.Name, u.Contact, u.Mail, reason)
}

// UnitView is a unit as an officer vets it.
type UnitView struct {
	rbac.Unit
	Mail    string           `json:"mail"`
	Claims  []rbac.UnitClaim `json:"claims" doc:"同一代码的其他登记申请"`
	Similar []Similar        `json:"similar" doc:"名称相近或有上下级关系的已登记单位；代码不同，仅凭名称不能判断"`
}

// Similar is a registered unit whose name has something to do with the other's.
type Similar struct {
	ID       string         `json:"id"`
	Code     string         `json:"code"`
	Name     string         `json:"name" doc:"已登记的名称"`
	Written  string         `json:"written" doc:"本单位的名称"`
	Verdict  naming.Verdict `json:"verdict" enum:"related,unknown"`
	Why      string         `json:"why"`
	ParentID string         `json:"parent_id"`
}

var aliases = sync.OnceValue(naming.Default)

// UnitOf shows one unit with those that it may be, belong to or own.
func (s *Store) UnitOf(ctx context.Context, id string) (UnitView, error) {
	db := s.DB.Read(ctx)
	v := UnitView{Similar: []Similar{}, Claims: []rbac.UnitClaim{}}
	err := db.Take(&v.Unit, "id = ?", id).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return v, rbac.Missing("该单位")
	} else if err != nil {
		return v, err
	}
	v.Mail = v.Unit.Mail
	if err := db.Where("unit_id = ?", id).Order("id").Find(&v.Claims).Error; err != nil {
		return v, err
	}
	var others []rbac.Unit
	if err := db.Select("id", "code", "name", "parent_id").Where("id <> ? AND state = ?", id, rbac.UnitActive).Order("id").Find(&others).Error; err != nil {
		return v, err
	}
	for _, o := range others {
		if verdict, why := aliases().Units(v.Name, o.Name); verdict != naming.Different && len(v.Similar) < 20 {
			v.Similar = append(v.Similar, Similar{o.ID, o.Code, o.Name, v.Name, verdict.Alone(), why, o.ParentID})
		}
	}
	return v, nil
}

// Colleague is somebody a unit invites to apply.
type Colleague struct {
	Login string `json:"login" minLength:"2" maxLength:"64" pattern:"^[a-zA-Z0-9][a-zA-Z0-9._@-]*$" doc:"登录名" example:"zhao01"`
	Name  string `json:"name" minLength:"1" maxLength:"50" doc:"姓名" example:"赵六"`
	Mail  string `json:"mail" format:"email" maxLength:"200" doc:"接收激活链接的邮箱" example:"zhao@example.cn"`
}

// InviteColleague makes an applicant's account of the actor's own unit.
func (s *Store) InviteColleague(step *Step, in Colleague, publicURL string) (UserView, error) {
	var u rbac.Unit
	err := step.Take(&u, "id = ? AND state = ?", step.Call.Actor.Unit, rbac.UnitActive).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return UserView{}, rbac.Invalid("unit", "您的账号没有所属单位或单位尚未通过审核，不能邀请人员")
	} else if err != nil {
		return UserView{}, err
	}
	user, err := MakeUser(step, NewUser{Login: in.Login, Name: in.Name, Mail: in.Mail, UnitID: u.ID}, "", publicURL)
	if err != nil {
		return UserView{}, err
	}
	return viewUser(user, []rbac.Role{rbac.Applicant}), AddRole(step, user, rbac.Applicant)
}

// colleague is an applicant of the actor's own unit; others' are not known here.
func colleague(step *Step, id string) (rbac.User, error) {
	user, err := TakeUser(step, id)
	if err != nil {
		return user, err
	}
	if step.Call.Actor.Unit == "" || user.UnitID != step.Call.Actor.Unit {
		return user, rbac.Hidden("该用户")
	}
	roles, err := Roles(step.DB, id)
	if err == nil && (len(roles) != 1 || roles[0] != rbac.Applicant) {
		return user, rbac.Refuse(rbac.RefusedState, "单位管理员只能办理本单位申报人的账号，其他账号请联系科技局系统管理员。")
	}
	return user, err
}

// DisableColleague ends the login of one who has left the unit.
func (s *Store) DisableColleague(step *Step, id string, version int) (UserView, error) {
	if _, err := colleague(step, id); err != nil {
		return UserView{}, err
	}
	return s.DisableUser(step, id, version)
}

// ResetColleague sends a new link to one whose link has expired.
func (s *Store) ResetColleague(step *Step, id, publicURL string) (UserView, error) {
	if _, err := colleague(step, id); err != nil {
		return UserView{}, err
	}
	return s.ResetUser(step, id, publicURL)
}
