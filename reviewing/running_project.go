package reviewing

import "time"

// RunningProject is a project of a programme year that was let before this
// system came into use and is still carried out: its leader does not join the
// year's technical group, its people do not review the year.
type RunningProject struct {
	ID            string        `gorm:"primaryKey;size:36" json:"id"`
	ProgrammeKind ProgrammeKind `gorm:"size:10" json:"programme_kind"`
	Year          int           `json:"year"`
	ProgrammeCode string        `gorm:"size:40" json:"programme_code"` // "" for any of the kind and year
	Number        string        `gorm:"size:40" json:"number"`
	Title         string        `gorm:"size:200" json:"title"`
	LeadUnitID    string        `gorm:"size:36" json:"lead_unit_id"`
	LeaderID      string        `gorm:"size:36" json:"leader_id"`
	Starts        string        `gorm:"size:10" json:"starts"`
	Ends          string        `gorm:"size:10" json:"ends"` // last day, "" while it is open
	CreatedAt     time.Time     `gorm:"autoCreateTime:false" json:"created_at"`
}

// RunningProjectPerson is the leader or a member.
type RunningProjectPerson struct {
	ProjectID string `gorm:"primaryKey;size:36"`
	PersonID  string `gorm:"primaryKey;size:36"`
	Role      string `gorm:"size:10"` // leader or member
}

// TableName is the plural that people have.
func (RunningProjectPerson) TableName() string { return "running_project_people" }
