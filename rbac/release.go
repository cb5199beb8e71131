package rbac

import "time"

// Release is a director's release of a soft rule for one object. It is printed
// wherever the result is printed; the journal has its reason as a salted digest.
type Release struct {
	ID         string    `gorm:"primaryKey;size:36" json:"id"`
	Rule       string    `gorm:"size:20" json:"rule"`
	Object     string    `gorm:"size:100" json:"object"`
	Reason     string    `gorm:"size:500" json:"reason"`
	Salt       string    `gorm:"size:64" json:"-"`
	ReleasedBy string    `gorm:"size:36" json:"released_by"`
	CreatedAt  time.Time `gorm:"autoCreateTime:false" json:"created_at"`
}
