package store

import (
	"context"

	"gorm.io/gorm"

	"keping/rbac"
)

// IntegrityInForce are the records in force on a civil day by subject: of the
// given people or units, or of all.
func IntegrityInForce(db *gorm.DB, kind, day string, ids ...string) (map[string][]rbac.IntegrityRecord, error) {
	q := db.Where("subject_kind = ? AND state = 'recorded' AND from_day <= ? AND (to_day = '' OR to_day >= ?)", kind, day, day)
	if len(ids) > 0 {
		q = q.Where("subject_id IN ?", ids)
	}
	var rows []rbac.IntegrityRecord
	if err := q.Order("id").Find(&rows).Error; err != nil {
		return nil, err
	}
	out := map[string][]rbac.IntegrityRecord{}
	for _, r := range rows {
		out[r.SubjectID] = append(out[r.SubjectID], r)
	}
	return out, nil
}

// IntegrityView is a record with the name of its subject.
type IntegrityView struct {
	rbac.IntegrityRecord
	Subject string `json:"subject" doc:"姓名或单位名称"`
}

// IntegrityRecords pages through the ledger by id.
func (s *Store) IntegrityRecords(ctx context.Context, after string, limit int) ([]IntegrityView, error) {
	var rows []IntegrityView
	err := s.DB.Read(ctx).Model(&rbac.IntegrityRecord{}).Select("integrity_records.*, COALESCE(people.name, units.name, '') AS subject").
		Joins("LEFT JOIN people ON subject_kind = 'person' AND people.id = subject_id").Joins("LEFT JOIN units ON subject_kind = 'unit' AND units.id = subject_id").
		Where("integrity_records.id > ?", after).Order("integrity_records.id").Limit(limit).Scan(&rows).Error
	return rows, err
}
