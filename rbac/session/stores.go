package session

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"keping/configs/database"
)

// sessionRow is one session in the database; Token is already a digest.
type sessionRow struct {
	Token     string `gorm:"primaryKey;size:64"`
	UserID    string `gorm:"size:36"`
	Data      []byte `gorm:"type:longblob"`
	ExpiresAt time.Time
}

func (sessionRow) TableName() string { return "sessions" }

type databaseSessions struct{ db *database.DB }

func (s databaseSessions) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	var row sessionRow
	err := s.db.Read(ctx).Take(&row, "token = ? AND expires_at > ?", token, time.Now().UTC()).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, false, nil
	}
	return row.Data, err == nil, err
}

func (s databaseSessions) CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error {
	row := sessionRow{Token: token, UserID: userOf(data), Data: data, ExpiresAt: expiry.UTC().Truncate(time.Second)}
	return s.db.Do(ctx, func(tx *database.Tx) error {
		return tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&row).Error
	}, nil)
}

func (s databaseSessions) DeleteCtx(ctx context.Context, token string) error {
	return s.delete(ctx, "token = ?", token)
}

func (s databaseSessions) EndUser(ctx context.Context, user string) error {
	return s.delete(ctx, "user_id = ?", user)
}

func (s databaseSessions) delete(ctx context.Context, where string, value any) error {
	return s.db.Do(ctx, func(tx *database.Tx) error { return tx.Where(where, value).Delete(&sessionRow{}).Error }, nil)
}

func (s databaseSessions) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

func (s databaseSessions) Commit(token string, data []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), token, data, expiry)
}

func (s databaseSessions) Delete(token string) error { return s.DeleteCtx(context.Background(), token) }

// redisSessions keeps each session under its digest, and per user the set of
// digests, so that all of a user's sessions can be ended.
type redisSessions struct{ client *redis.Client }

func sessionKey(token string) string { return "keping:session:" + token }
func userKey(user string) string     { return "keping:user:" + user }

func (s redisSessions) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	data, err := s.client.Get(ctx, sessionKey(token)).Bytes()
	if errors.Is(err, redis.Nil) {
		return nil, false, nil
	}
	return data, err == nil, err
}

func (s redisSessions) CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error {
	user := userKey(userOf(data))
	pipe := s.client.TxPipeline()
	pipe.Set(ctx, sessionKey(token), data, time.Until(expiry))
	pipe.SAdd(ctx, user, token)
	pipe.Expire(ctx, user, time.Until(expiry)+time.Hour)
	_, err := pipe.Exec(ctx)
	return err
}

func (s redisSessions) DeleteCtx(ctx context.Context, token string) error {
	return s.client.Del(ctx, sessionKey(token)).Err()
}

func (s redisSessions) EndUser(ctx context.Context, user string) error {
	tokens, err := s.client.SMembers(ctx, userKey(user)).Result()
	if err != nil {
		return err
	}
	keys := []string{userKey(user)}
	for _, token := range tokens {
		keys = append(keys, sessionKey(token))
	}
	return s.client.Del(ctx, keys...).Err()
}

func (s redisSessions) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

func (s redisSessions) Commit(token string, data []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), token, data, expiry)
}

func (s redisSessions) Delete(token string) error { return s.DeleteCtx(context.Background(), token) }
