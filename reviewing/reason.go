package reviewing

import "time"

// Reason is why an act of a review was done, in the words given. The journal's
// entry of that act has H(salt + "\n" + text) under the field's name, so that
// who reads the words can tell that they are those.
type Reason struct {
	ID        string    `gorm:"primaryKey;size:36" json:"id"`
	ReviewID  string    `gorm:"size:36" json:"review_id"`
	Act       string    `gorm:"size:60" json:"act" example:"sheet.return"`
	Object    string    `gorm:"size:80" json:"object" example:"sheet/0190b2a0-0000-7000-8000-000000000000"`
	Field     string    `gorm:"size:30" json:"field" example:"reason"`
	Salt      string    `gorm:"size:32" json:"salt"`
	Text      string    `json:"text"`
	CreatedAt time.Time `gorm:"autoCreateTime:false" json:"created_at"`
}
