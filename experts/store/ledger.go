package store

import (
	"keping/experts"
	"keping/experts/sheetio"
	"keping/rbac"
	"keping/rbac/journal"
	rbacstore "keping/rbac/store"
)

// ByDocument finds the expert behind a document; who is no expert, or is
// registered under another name, is a fault of the row.
func ByDocument(step *rbacstore.Step, faults *sheetio.Faults, row int, name string, document rbac.Document) (experts.Expert, error) {
	var e experts.Expert
	person, err := rbacstore.FindPerson(step, document)
	if err != nil {
		return e, err
	}
	if person != nil {
		if err := step.Where("person_id = ?", person.ID).Limit(1).Find(&e).Error; err != nil {
			return e, err
		}
	}
	switch {
	case e.ID == "":
		faults.At(row, "证件号码", "专家库中没有该证件的专家，请先导入专家")
	case e.Name != name:
		faults.At(row, "姓名", "与专家库中该证件登记的姓名不符，请核对")
	}
	return e, nil
}

// ImportServices records the panels of past years, whole or not at all.
func (s *Store) ImportServices(step *rbacstore.Step, name string, data []byte) (Imported, error) {
	rows, faults := sheetio.Services(name, data)
	if err := faults.Refusal(); err != nil {
		return Imported{}, err
	}
	records := make([]experts.PastService, len(rows))
	for i, r := range rows {
		e, err := ByDocument(step, faults, r.Row, r.Name, r.Document)
		if err != nil {
			return Imported{}, err
		}
		records[i] = r.Service
		records[i].ID, records[i].ExpertID, records[i].PersonID = step.NewID(), e.ID, e.PersonID
		var n int64
		if err := step.Model(&experts.PastService{}).Where("expert_id = ? AND title = ? AND day = ?", e.ID, r.Service.Title, r.Service.Day).Count(&n).Error; err != nil {
			return Imported{}, err
		}
		if e.ID != "" && n > 0 {
			faults.At(r.Row, "评审批次", "该专家的这次评审已经导入过")
		}
	}
	if err := faults.Refusal(); err != nil {
		return Imported{}, err
	}
	step.Fact("rows", len(records))
	step.Fact("table", journal.Hash(string(data)))
	return Imported{len(records)}, step.CreateInBatches(records, 200).Error
}

// ImportIntegrity records the integrity ledger, whole or not at all. A person
// not yet known is recorded with the document: the ledger must find him later.
func (s *Store) ImportIntegrity(step *rbacstore.Step, name string, data []byte) (Imported, error) {
	rows, faults := sheetio.Integrity(name, data)
	if err := faults.Refusal(); err != nil {
		return Imported{}, err
	}
	records := make([]rbac.IntegrityRecord, len(rows))
	for i, r := range rows {
		x := r.Record
		x.ID, x.State, x.CreatedAt = step.NewID(), "recorded", step.Now
		if x.SubjectKind == rbac.SubjectUnit {
			unit, err := rbacstore.UnitByCode(step, r.UnitCode)
			if err != nil {
				return Imported{}, err
			}
			if unit == nil {
				faults.At(r.Row, "证件号码", "单位%s尚未登记，请先导入单位", r.UnitCode)
				continue
			}
			x.SubjectID = unit.ID
		} else {
			person, err := rbacstore.EnsurePerson(step, true, r.Name, r.Document.BirthYear(), r.Document)
			if refusal, ok := rbac.AsRefusal(err); ok {
				faults.At(r.Row, "证件号码", "%s", refusal.Message)
				continue
			} else if err != nil {
				return Imported{}, err
			}
			x.SubjectID = person.ID
		}
		var n int64
		if err := step.Model(&rbac.IntegrityRecord{}).Where("subject_id = ? AND kind = ? AND from_day = ? AND document = ?", x.SubjectID, x.Kind, x.FromDay, x.Document).Count(&n).Error; err != nil {
			return Imported{}, err
		}
		if n > 0 {
			faults.At(r.Row, "文号", "这条记录已经导入过")
		}
		records[i] = x
	}
	if err := faults.Refusal(); err != nil {
		return Imported{}, err
	}
	step.Fact("rows", len(records))
	step.Fact("table", journal.Hash(string(data)))
	return Imported{len(records)}, step.CreateInBatches(records, 200).Error
}
