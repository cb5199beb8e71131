package rbac

import (
	"fmt"
	"strings"
	"time"

	"keping/rbac/rulebook"
)

// The kinds of subjects of integrity records.
const (
	SubjectPerson = "person"
	SubjectUnit   = "unit"
)

// IntegrityRecord is one entry of the 科研诚信 ledger on a person or a unit.
type IntegrityRecord struct {
	ID          string    `gorm:"primaryKey;size:36" json:"id"`
	SubjectKind string    `gorm:"size:10" json:"subject_kind"`
	SubjectID   string    `gorm:"size:36" json:"subject_id"`
	Kind        string    `gorm:"size:100" json:"kind"`
	FromDay     string    `gorm:"size:10" json:"from"`
	ToDay       string    `gorm:"size:10" json:"to"` // "" for ever
	Source      string    `gorm:"size:200" json:"source"`
	Document    string    `gorm:"size:100" json:"document"`
	State       string    `gorm:"size:20" json:"state"` // recorded or lifted
	CreatedAt   time.Time `gorm:"autoCreateTime:false" json:"created_at"`
}

// Examined is whom P-23 asks about, with the records in force on the day.
type Examined struct {
	Who     string // name, for the message
	ID      string
	Records []IntegrityRecord
}

// Integrity is P-23: who is used, as leader, lead unit or expert, has no
// integrity record in force.
func Integrity(p *rulebook.Pack, subjects ...Examined) rulebook.Verdict {
	var said, ids, recorded []string
	for _, x := range subjects {
		for _, r := range x.Records {
			until := "长期"
			if r.ToDay != "" {
				until = "至" + r.ToDay
			}
			said = append(said, fmt.Sprintf("“%s”有%s记录（%s起，%s，%s %s）", x.Who, r.Kind, r.FromDay, until, r.Source, r.Document))
			ids, recorded = append(ids, r.ID), append(recorded, x.ID)
		}
	}
	return p.Check("P-23", len(said) == 0, rulebook.Inputs{"records": ids, "subjects": recorded, "examined": len(subjects)},
		"使用前须查询科研诚信（惯例）："+strings.Join(said, "；")+"。", "请更换人员或单位；记录有误的向来源单位申请更正；确需使用的，由科技局领导说明理由后放行。")
}
