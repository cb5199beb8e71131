package store

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"gorm.io/gorm"

	"keping/configs/database"
	"keping/rbac"
	"keping/rbac/rulebook"
	"keping/rbac/secret"
)

// answerRow keeps the first success under an idempotency key, sealed at
// "answer/<user>/<key>", for 24 hours.
type answerRow struct {
	UserID    string `gorm:"primaryKey;size:36"`
	Key       string `gorm:"column:idempotency_key;primaryKey;size:100"`
	Act       string `gorm:"size:100"`
	Digest    string `gorm:"size:64"`
	Answer    secret.Sealed
	ExpiresAt time.Time
}

func (answerRow) TableName() string { return "answers" }

type answer struct {
	Result   json.RawMessage    `json:"result"`
	Verdicts []rulebook.Verdict `json:"verdicts"`
}

// AnswerLife is how long an answer is replayed.
const AnswerLife = 24 * time.Hour

func (r answerRow) place() string { return "answer/" + r.UserID + "/" + r.Key }

// claimKey inserts the key as the act's first statement: a second request
// under it waits there for the first, then reads its answer. A replay runs no
// act and has no entry.
func claimKey(step *Step, result any) (replayed bool, err error) {
	if step.Call.Key == "" || step.Call.Dry {
		return false, nil
	}
	row := answerRow{UserID: step.Call.Actor.User, Key: step.Call.Key, Act: step.Call.Permission.Act(),
		Digest: step.Call.Digest, ExpiresAt: step.Now.Add(AnswerLife)}
	if err := step.Where("user_id = ? AND idempotency_key = ? AND expires_at <= ?", row.UserID, row.Key, step.Now).Delete(&answerRow{}).Error; err != nil {
		return false, err
	}
	// A plain insert: with "do nothing" MariaDB counts a row that was there already.
	if err := step.Create(&row).Error; !errors.Is(err, gorm.ErrDuplicatedKey) {
		return false, err
	}
	var kept answerRow
	err = step.Take(&kept, "user_id = ? AND idempotency_key = ?", row.UserID, row.Key).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return false, rbac.Refuse(rbac.RefusedVersion, "同一幂等键的请求刚刚失败，请重试。")
	}
	if err != nil {
		return false, err
	}
	if kept.Digest != row.Digest || kept.Act != row.Act {
		return false, rbac.Invalid("Idempotency-Key", "该幂等键已用于内容不同的请求，请换一个新键")
	}
	plain, err := step.Keys.Open(kept.Answer, kept.place())
	if err != nil {
		return false, err
	}
	var stored answer
	if err := json.Unmarshal([]byte(plain), &stored); err != nil {
		return false, err
	}
	step.Verdicts = stored.Verdicts
	return true, json.Unmarshal(stored.Result, result)
}

// SweepAnswers removes answers past their life; claiming a key does it for one.
func (s *Store) SweepAnswers(ctx context.Context) error {
	return s.DB.Do(ctx, func(tx *database.Tx) error {
		return tx.Where("expires_at <= ?", tx.Now).Delete(&answerRow{}).Error
	}, nil)
}

func keepAnswer(step *Step, result any) error {
	if step.Call.Key == "" {
		return nil
	}
	data, err := json.Marshal(result)
	if err != nil {
		return err
	}
	data, err = json.Marshal(answer{data, step.Verdicts})
	if err != nil {
		return err
	}
	row := answerRow{UserID: step.Call.Actor.User, Key: step.Call.Key}
	return step.Model(&answerRow{}).Where("user_id = ? AND idempotency_key = ?", row.UserID, row.Key).
		Update("answer", step.Keys.Seal(string(data), row.place())).Error
}
