// Package store holds the acts of a review, one transaction each: load the
// facts, ask the pure rules of package reviewing, move by compare-and-set, and
// say what the journal records. Files carry the names of the nouns.
package store

import (
	"errors"

	"gorm.io/gorm"

	"keping/configs/database"
	"keping/rbac"
	rbacstore "keping/rbac/store"
	"keping/reviewing"

	expertstore "keping/experts/store"
)

// Store adds reviews to experts, users and the journal.
type Store struct {
	*expertstore.Store
	PublicURL string // what links in messages start with
}

// step is an act in progress.
type step = rbacstore.Step

// take loads one row by id; what names it in Chinese.
func take[T any](s *step, id, what string) (T, error) {
	var row T
	err := s.Take(&row, "id = ?", id).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return row, rbac.Missing(what)
	}
	return row, err
}

// find loads the rows that match.
func find[T any](s *step, order string, where string, args ...any) ([]T, error) {
	var rows []T
	err := s.Where(where, args...).Order(order).Find(&rows).Error
	return rows, err
}

// replace writes a whole row under the version and state it was read with.
func replace[T any](s *step, row *T, id string, version int, state any) error {
	done := s.Model(row).Where("id = ? AND version = ? AND state = ?", id, version, state).Select("*").Updates(row)
	if done.Error == nil && done.RowsAffected != 1 {
		return database.ErrChanged
	}
	return done.Error
}

// moveReview moves a review by SM-09 and refuses a move its state forbids.
func moveReview(s *step, r *reviewing.Review, act string, set map[string]any) error {
	to, ok := reviewing.ReviewMoves[r.State][act]
	if !ok {
		return reviewing.MoveRefusal("SM-09", string(r.State), act)
	}
	if err := running(*r); err != nil {
		return err
	}
	set["state"], set["version"] = to, r.Version+1
	if err := database.Swap(s.Tx, &reviewing.Review{}, map[string]any{"id": r.ID, "state": r.State, "version": r.Version}, set); err != nil {
		return err
	}
	r.State, r.Version = to, r.Version+1
	s.Fact("state", string(to))
	return nil
}

// touchReview bumps the version under the present state, so that two acts that
// judge the same facts do not both pass.
func touchReview(s *step, r *reviewing.Review, set map[string]any) error {
	set["version"] = r.Version + 1
	if err := database.Swap(s.Tx, &reviewing.Review{}, map[string]any{"id": r.ID, "state": r.State, "version": r.Version}, set); err != nil {
		return err
	}
	r.Version++
	return nil
}

// demandState refuses an act that another state of the review demands, and
// every act while the supervisor has paused it.
func demandState(r reviewing.Review, act string, states ...reviewing.ReviewState) error {
	if err := running(r); err != nil {
		return err
	}
	for _, state := range states {
		if r.State == state {
			return nil
		}
	}
	return reviewing.MoveRefusal("SM-09", string(r.State), act)
}

// running refuses whatever would move a paused review.
func running(r reviewing.Review) error {
	if r.PausedAt != nil {
		return rbac.Refuse(rbac.RefusedState, "评审已由监督暂停（SM-09）：%s。请待监督恢复后再办理。", r.PauseReason)
	}
	return nil
}
