package reviewing

import (
	"time"

	"keping/rbac/secret"
)

// Objection is one objection to a publicised line (SM-13). Who wrote it is
// sealed at "objection/<id>/…": hidden from applicant and panel.
type Objection struct {
	ID            string         `gorm:"primaryKey;size:36" json:"id"`
	ListID        string         `gorm:"size:36" json:"list_id"`
	ApplicationID string         `gorm:"size:36" json:"application_id"`
	Name          secret.Sealed  `json:"-"`
	Contact       secret.Sealed  `json:"-"`
	Text          secret.Sealed  `json:"-"`
	Finding       secret.Sealed  `json:"-"` // of the investigation
	Answer        secret.Sealed  `json:"-"`
	Salt          string         `gorm:"size:64" json:"-"` // of the text's digest in the journal
	State         ObjectionState `gorm:"size:20" json:"state"`
	AcceptBy      string         `gorm:"size:10" json:"accept_by"` // last day to accept it or not
	AnswerBy      string         `gorm:"size:10" json:"answer_by"` // last day to answer it
	ArchivedAt    *time.Time     `json:"archived_at"`
	DecidedBy     string         `gorm:"size:36" json:"-"`
	CreatedAt     time.Time      `gorm:"autoCreateTime:false" json:"created_at"`
	DecidedAt     *time.Time     `json:"decided_at"`
}

// ObjectionState is where an objection stands in SM-13.
type ObjectionState string

// The states of SM-13.
const (
	Lodged        ObjectionState = "lodged"        // supervisor accepts or not
	Accepted      ObjectionState = "accepted"      // the line is stopped; supervisor investigates
	Rejected      ObjectionState = "rejected"      // 不受理
	Investigating ObjectionState = "investigating" // supervisor concludes and answers
	Upheld        ObjectionState = "upheld"        // 调整: a new version of the list
	Dismissed     ObjectionState = "dismissed"     // 维持
)

// ObjectionMoves is SM-13 as a table.
var ObjectionMoves = map[ObjectionState]map[string]ObjectionState{
	Lodged:        {"accept": Accepted, "reject": Rejected},
	Accepted:      {"investigate": Investigating},
	Investigating: {"uphold": Upheld, "dismiss": Dismissed},
	Rejected:      {"archive": Rejected}, Upheld: {"archive": Upheld}, Dismissed: {"archive": Dismissed},
}

// Open tells whether an objection still waits for its answer.
func (s ObjectionState) Open() bool { return s == Lodged || s == Accepted || s == Investigating }
