package store

import (
	"context"

	"keping/rbac"
	"keping/rbac/secret"
	rbacstore "keping/rbac/store"
	"keping/reviewing"
)

// say keeps the words an act was done with and journals their digest.
func say(s *step, review, object, field, text string) error {
	r := reviewing.Reason{ID: s.NewID(), ReviewID: review, Act: s.Call.Permission.Act(), Object: object, Field: field, Salt: secret.Random(16), Text: text, CreatedAt: s.Now}
	s.Fact(field, rbacstore.Digest(r.Salt, text))
	return s.Create(&r).Error
}

// ReasonsOf are the words the acts of a review were done with, in order, a page
// at a time from after on.
func (st *Store) ReasonsOf(ctx context.Context, id, after string, limit int) ([]reviewing.Reason, error) {
	s := st.reading(ctx, rbac.Actor{})
	if _, err := take[reviewing.Review](s, id, "该评审批次"); err != nil {
		return nil, err
	}
	out := []reviewing.Reason{}
	return out, s.Where("review_id = ? AND id > ?", id, after).Order("id").Limit(limit).Find(&out).Error
}
