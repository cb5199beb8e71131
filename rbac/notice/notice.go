// Package notice is the transactional outbox: an act writes what is to be said
// as rows in its own transaction, a worker sends them afterwards, so nothing
// leaves before the commit and nothing committed is forgotten. Each row is one
// recipient and keeps its delivery state. Several workers share the work by
// leases taken with a guarded UPDATE; a worker that dies loses its lease.
//
// Bodies may hold one-time links: they are sealed at "notice/<id>" and emptied
// once sent.
package notice

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"keping/configs/database"
	"keping/rbac/secret"
)

// State is where a notice is on its way.
type State string

// The states of a notice.
const (
	Queued  State = "queued"  // the worker acts next
	Sent    State = "sent"    // the driver has accepted it
	Failed  State = "failed"  // given up after MaxTries; an officer resends or calls
	Dropped State = "dropped" // what it was about is over
)

// WitnessKind marks checkpoints that leave for the configured file or webhook.
const WitnessKind = "witness"

// MaxTries bounds the attempts; the wait between them doubles from 10 seconds.
const MaxTries = 8

// Notice is one message to one recipient.
type Notice struct {
	ID         string        `gorm:"primaryKey;size:36"`
	Kind       string        `gorm:"size:40"`
	UserID     string        `gorm:"size:36"`
	Address    secret.Sealed // mail address, sealed at "notice/<id>/address"
	Subject    string        `gorm:"size:200"`
	Body       secret.Sealed
	Object     string `gorm:"size:100"`
	State      State  `gorm:"size:20"`
	Tries      int
	LastError  string `gorm:"size:500"`
	NextAt     time.Time
	Lease      string `gorm:"size:36"`
	LeaseUntil *time.Time
	CreatedAt  time.Time `gorm:"autoCreateTime:false"`
	SentAt     *time.Time
}

// Message is what an act wants said.
type Message struct {
	Kind, UserID, Address, Subject, Body, Object string
}

// Queue writes a message as a row of the act's transaction.
func Queue(tx *database.Tx, keys *secret.Keys, id string, m Message) error {
	return tx.Create(&Notice{
		ID: id, Kind: m.Kind, UserID: m.UserID, Address: keys.Seal(m.Address, "notice/"+id+"/address"),
		Subject: m.Subject, Body: keys.Seal(m.Body, "notice/"+id), Object: m.Object,
		State: Queued, NextAt: tx.Now, CreatedAt: tx.Now,
	}).Error
}

// Drop withdraws what is still queued about an object.
func Drop(tx *database.Tx, object string) error {
	return tx.Model(&Notice{}).Where("object = ? AND state = ?", object, Queued).
		Updates(map[string]any{"state": Dropped, "body": nil}).Error
}

// Driver sends one message, or says why not.
type Driver interface {
	Send(ctx context.Context, address, subject, body string) error
}

// Worker sends what is due.
type Worker struct {
	DB     *database.DB
	Keys   *secret.Keys
	Driver Driver
	// Witness takes the notices of WitnessKind: checkpoints for a file or webhook.
	Witness Driver
	Wake    <-chan struct{} // an act has queued something; nil: only the ticker
}

const lease = 2 * time.Minute

// Run sends what is due, at each wake-up and every few seconds, until ctx ends.
func (w *Worker) Run(ctx context.Context) {
	ticker := time.NewTicker(5 * time.Second)
	defer ticker.Stop()
	for {
		if _, err := w.SendDue(ctx); err != nil && ctx.Err() == nil {
			slog.Error("outbox", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-w.Wake:
		}
	}
}

// SendDue sends everything that is due now and returns how many were sent.
func (w *Worker) SendDue(ctx context.Context) (int, error) {
	sent := 0
	for ctx.Err() == nil {
		row, err := w.take(ctx)
		if err != nil || row == nil {
			return sent, err
		}
		if err := w.deliver(ctx, row); err != nil {
			return sent, err
		}
		sent++
	}
	return sent, nil
}

// take leases the oldest due row; of two workers one gets it.
func (w *Worker) take(ctx context.Context) (*Notice, error) {
	due := "state = ? AND next_at <= ? AND (lease_until IS NULL OR lease_until <= ?)"
	var found *Notice
	// A read first: an idle worker must not take SQLite's write lock.
	var waiting int64
	now := w.DB.Now()
	if err := w.DB.Read(ctx).Model(&Notice{}).Where(due, Queued, now, now).Limit(1).Count(&waiting).Error; err != nil || waiting == 0 {
		return nil, err
	}
	err := w.DB.Do(ctx, func(tx *database.Tx) error {
		found = nil
		var row Notice
		err := tx.Where(due, Queued, tx.Now, tx.Now).Order("next_at, id").Take(&row).Error
		if errors.Is(err, gorm.ErrRecordNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		row.Lease = uuid.NewString()
		done := tx.Model(&Notice{}).Where("id = ? AND "+due, row.ID, Queued, tx.Now, tx.Now).
			Updates(map[string]any{"lease": row.Lease, "lease_until": tx.Now.Add(lease), "tries": gorm.Expr("tries + 1")})
		if done.Error == nil && done.RowsAffected == 1 {
			row.Tries++
			found = &row
		}
		return done.Error
	}, nil)
	return found, err
}

func (w *Worker) deliver(ctx context.Context, row *Notice) error {
	address, err := w.Keys.Open(row.Address, "notice/"+row.ID+"/address")
	if err != nil {
		return err
	}
	body, err := w.Keys.Open(row.Body, "notice/"+row.ID)
	if err != nil {
		return err
	}
	driver := w.Driver
	if row.Kind == WitnessKind {
		driver = w.Witness
	}
	failure := driver.Send(ctx, address, row.Subject, body)
	return w.DB.Do(ctx, func(tx *database.Tx) error {
		set := map[string]any{"state": Sent, "sent_at": tx.Now, "body": nil, "last_error": "", "lease_until": nil}
		if failure != nil {
			text := failure.Error()
			if len(text) > 500 {
				text = string([]rune(text)[:min(len([]rune(text)), 160)])
			}
			set = map[string]any{"last_error": text, "lease_until": nil, "next_at": tx.Now.Add(10 * time.Second << row.Tries)}
			if row.Tries >= MaxTries {
				set["state"] = Failed
			}
		}
		return tx.Model(&Notice{}).Where("id = ? AND lease = ? AND state = ?", row.ID, row.Lease, Queued).Updates(set).Error
	}, nil)
}
