package store

import (
	"errors"

	"gorm.io/gorm"

	"keping/rbac"
)

// NewUnit is what registers a unit.
type NewUnit struct {
	Code       string        `json:"code" maxLength:"40" doc:"统一社会信用代码；没有的填登记号" example:"91350100M000100Y43"`
	CodeKind   string        `json:"code_kind,omitempty" maxLength:"20" doc:"没有信用代码的，登记号的种类：military 军队单位，foreign 境外单位" example:""`
	Name       string        `json:"name" minLength:"2" maxLength:"100" example:"重庆示例科技有限公司"`
	Kind       rbac.UnitKind `json:"kind" maxLength:"30" doc:"单位类型" example:"enterprise"`
	ParentCode string        `json:"parent_code,omitempty" maxLength:"40" doc:"上级单位信用代码"`
	Aliases    []string      `json:"aliases,omitempty" maxItems:"20" doc:"别名、曾用名"`
	InDistrict bool          `json:"in_district"`
	Joint      bool          `json:"joint" doc:"可作联合实施单位（R-010）"`
	Evidence   string        `json:"evidence,omitempty" maxLength:"64" doc:"具备条件的证明材料（文件摘要或文号）"`
	Contact    string        `json:"contact,omitempty" maxLength:"50"`
}

// UnitByCode finds a unit by its credit code, or nil.
func UnitByCode(step *Step, code string) (*rbac.Unit, error) {
	var u rbac.Unit
	err := step.Take(&u, "code = ?", code).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, nil
	}
	return &u, err
}

// CreateUnit records a unit that the bureau itself has vetted.
func (s *Store) CreateUnit(step *Step, in NewUnit) (rbac.Unit, error) {
	var bad rbac.Fields
	code, err := rbac.ParseUnitCode(in.CodeKind, in.Code)
	bad.Check(err == nil, "code", "%v", err)
	_, known := rbac.UnitKinds[in.Kind]
	bad.Check(known, "kind", "没有“%s”这种单位类型", in.Kind)
	unit := rbac.Unit{ID: step.NewID(), Code: code, Name: in.Name, Kind: in.Kind, Aliases: in.Aliases, InDistrict: in.InDistrict,
		Joint: in.Joint, Evidence: in.Evidence, Contact: in.Contact, State: rbac.UnitActive, Version: 1, CreatedAt: step.Now}
	if in.ParentCode != "" {
		parent, err := UnitByCode(step, in.ParentCode)
		if err != nil {
			return unit, err
		}
		bad.Check(parent != nil, "parent_code", "上级单位尚未登记")
		if parent != nil {
			unit.ParentID = parent.ID
		}
	}
	if err := bad.Refusal(); err != nil {
		return unit, err
	}
	if old, err := UnitByCode(step, code); err != nil {
		return unit, err
	} else if old != nil {
		return unit, rbac.Invalid("code", "该代码已登记为“%s”", old.Name)
	}
	if err := s.joint(step, unit); err != nil {
		return unit, err
	}
	step.On(unit.ID)
	return unit, step.Create(&unit).Error
}

// joint is R-010: who may be a joint unit. Only departments need no evidence.
func (s *Store) joint(step *Step, u rbac.Unit) error {
	pack, err := s.Pack(step)
	if err != nil {
		return err
	}
	if !u.Joint {
		return step.Obey(pack.NotApplicable("R-010", nil))
	}
	return s.Obey(step, "unit/"+u.ID, JointUnit(pack, u))
}

// SaveUnits records imported units: new ones are made, known ones (by code) get
// the row's values. Parents may stand in the same table.
func (s *Store) SaveUnits(step *Step, units []rbac.Unit, parents []string) (int, error) {
	ids := map[string]string{}
	for i := range units {
		u := &units[i]
		old, err := UnitByCode(step, u.Code)
		if err != nil {
			return 0, err
		}
		u.State, u.CreatedAt, u.Version, u.ID = rbac.UnitActive, step.Now, 1, step.NewID()
		if old != nil {
			u.ID, u.CreatedAt, u.Version = old.ID, old.CreatedAt, old.Version+1
			u.Mail, u.EvidenceFile, u.StateReason = old.Mail, old.EvidenceFile, old.StateReason
			if old.State == rbac.UnitPending { // its own registration is still vetted: with it comes its account
				u.State = rbac.UnitPending
			}
		}
		ids[u.Code] = u.ID
	}
	for i := range units {
		u := &units[i]
		if parents[i] != "" {
			u.ParentID = ids[parents[i]]
			if u.ParentID == "" {
				parent, err := UnitByCode(step, parents[i])
				if err != nil {
					return 0, err
				}
				if parent == nil {
					return 0, rbac.Invalid("上级单位信用代码", "%s的上级单位尚未登记，也不在本表中", u.Name)
				}
				u.ParentID = parent.ID
			}
			if u.ParentID == u.ID {
				return 0, rbac.Invalid("上级单位信用代码", "%s不能是自己的上级单位", u.Name)
			}
		}
		if u.Joint {
			if err := s.joint(step, *u); err != nil {
				return 0, err
			}
		}
		if err := step.Save(u).Error; err != nil {
			return 0, err
		}
	}
	step.Fact("rows", len(units))
	return len(units), nil
}
