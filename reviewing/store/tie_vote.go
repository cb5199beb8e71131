package store

import (
	"slices"
	"time"

	"keping/rbac"
	"keping/rbac/secret"
	rbacstore "keping/rbac/store"
)

// TieVote is the order of tied applications as the panel has voted it (P-34). Its
// minutes are sealed at "tie_vote/<id>"; the ranking record has their digest.
type TieVote struct {
	ID           string            `gorm:"primaryKey;size:36" json:"id"`
	ReviewID     string            `gorm:"size:36" json:"review_id"`
	Applications rbac.List[string] `json:"applications"` // numbers, the first first
	Minutes      secret.Sealed     `json:"-"`
	Salt         string            `gorm:"size:64" json:"-"`
	CreatedAt    time.Time         `gorm:"autoCreateTime:false" json:"created_at"`
}

// NewTieVote is what the chair writes down of a vote.
type NewTieVote struct {
	Applications []string `json:"applications" minItems:"2" maxItems:"100" doc:"并列项目的编号，按得票先后" example:"[\"2025-ZD-01-002\",\"2025-ZD-01-001\"]"`
	Minutes      string   `json:"minutes" minLength:"5" maxLength:"2000" doc:"表决记录：到会人数、各项目得票" example:"到会5人，002得3票，001得2票"`
}

// RecordTieVote is the chair's record of how the panel has ordered the first group
// of tied applications, where the guide says that a vote settles ties.
func (st *Store) RecordTieVote(s *step, id string, in NewTieVote) (TieVote, error) {
	_, _, group, err := st.settling(s, id, "vote")
	if err != nil {
		return TieVote{}, err
	}
	slices.Sort(group)
	if !slices.Equal(slices.Sorted(slices.Values(in.Applications)), group) {
		return TieVote{}, rbac.Invalid("applications", "应为全部并列项目，每项一次：%v", group)
	}
	v := TieVote{ID: s.NewID(), ReviewID: id, Applications: in.Applications, Salt: secret.Random(16), CreatedAt: s.Now}
	v.Minutes = s.Keys.Seal(in.Minutes, "tie_vote/"+v.ID)
	s.Fact("order", in.Applications)
	s.Fact("minutes", rbacstore.Digest(v.Salt, in.Minutes))
	return v, s.Create(&v).Error
}

// evidence is the digest of the minutes, as the journal has it.
func (v TieVote) evidence(s *step) (string, error) {
	minutes, err := s.Keys.Open(v.Minutes, "tie_vote/"+v.ID)
	return rbacstore.Digest(v.Salt, minutes), err
}
