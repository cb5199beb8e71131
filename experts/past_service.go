package experts

// PastService is one seat on a panel of the years before this system: the
// limits of rotation count it with the seats recorded here.
type PastService struct {
	ID            string `gorm:"primaryKey;size:36" json:"id"`
	PersonID      string `gorm:"size:36" json:"person_id"`
	ExpertID      string `gorm:"size:36" json:"expert_id"`
	ProgrammeKind string `gorm:"size:10" json:"programme_kind"`
	Year          int    `json:"year"`
	Day           string `gorm:"size:10" json:"day"`
	Title         string `gorm:"size:200" json:"title"` // name or number of the review
	Class         Class  `gorm:"size:20" json:"class"`
}
