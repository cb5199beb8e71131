package rbac

import "time"

// UnitKind is the kind of a unit: those of R-010 (who may join as 联合实施单位)
// and R-039 (whose demands are asked for), and the offices themselves.
type UnitKind string

// UnitKinds with their Chinese names.
var UnitKinds = map[UnitKind]string{
	"department": "区级行业主管部门", "enterprise": "企业", "leading_enterprise": "龙头企业", "university": "高校",
	"institute": "科研院所", "alliance": "技术创新联盟", "consortium": "创新联合体", "rd_institution": "高端研发机构",
	"association": "行业协会", "hospital": "医疗机构", "bureau": "科技局", "finance": "财政局", "other": "其他",
}

// UnitState is whether an officer has vetted the unit.
type UnitState string

// The states of a unit.
const (
	UnitPending UnitState = "pending" // registered; an officer vets next
	UnitActive  UnitState = "active"
	UnitClosed  UnitState = "closed"
)

// Unit is a legal unit, decided by its credit code, or by a registration number
// of a kind where none exists.
type Unit struct {
	ID           string       `gorm:"primaryKey;size:36" json:"id"`
	Code         string       `gorm:"size:40" json:"code"` // 统一社会信用代码, or kind:number
	Name         string       `gorm:"size:200" json:"name"`
	Kind         UnitKind     `gorm:"size:30" json:"kind"`
	ParentID     string       `gorm:"size:36" json:"parent_id"`
	Aliases      List[string] `json:"aliases"` // other and old names
	InDistrict   bool         `json:"in_district"`
	Joint        bool         `json:"joint"`                   // may be a 联合实施单位: conditions proven by Evidence where it is not a department
	Evidence     string       `gorm:"size:64" json:"evidence"` // SM3 of the evidence of 具备条件
	Contact      string       `gorm:"size:100" json:"contact"`
	Mail         string       `gorm:"size:200" json:"-"`
	EvidenceFile string       `gorm:"size:36" json:"evidence_file"` // the uploaded proof of a unit that registered itself
	State        UnitState    `gorm:"size:20" json:"state"`
	StateReason  string       `gorm:"size:500" json:"state_reason"`
	Version      int          `json:"version"`
	CreatedAt    time.Time    `gorm:"autoCreateTime:false" json:"created_at"`
}

// UnitClaim is a further registration of a code that waits to be vetted: who
// came first is not thereby who has the unit, the officer sees all and chooses.
type UnitClaim struct {
	ID           string    `gorm:"primaryKey;size:36" json:"id"`
	UnitID       string    `gorm:"size:36" json:"unit_id"`
	Name         string    `gorm:"size:200" json:"name"`
	Contact      string    `gorm:"size:100" json:"contact"`
	Mail         string    `gorm:"size:200" json:"mail"`
	EvidenceFile string    `gorm:"size:36" json:"evidence_file"`
	CreatedAt    time.Time `gorm:"autoCreateTime:false" json:"created_at"`
}
