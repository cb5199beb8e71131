package store

import (
	"context"
	"time"

	"gorm.io/gorm"

	"keping/rbac"
	"keping/rbac/journal"
	"keping/rbac/notice"
)

// checkpointRow is a checkpoint that has gone, or is going, to the witnesses.
type checkpointRow struct {
	ID     string `gorm:"primaryKey;size:36"`
	Seq    int64
	Hash   string `gorm:"size:64"`
	At     time.Time
	Reason string `gorm:"size:100"`
}

func (checkpointRow) TableName() string { return "checkpoints" }

// tellWitnesses records a checkpoint and queues it for every supervisor's mail
// and, where configured, for the file or webhook outside this machine.
func (s *Step) tellWitnesses(c journal.Checkpoint) error {
	at, err := time.Parse(time.RFC3339, c.At)
	if err != nil {
		return err
	}
	if err := s.Create(&checkpointRow{ID: s.NewID(), Seq: c.Seq, Hash: c.Hash, At: at, Reason: s.checkpoint}).Error; err != nil {
		return err
	}
	var supervisors []rbac.User
	err = s.Where("state = ? AND mail <> '' AND id IN (SELECT user_id FROM grants WHERE role = ? AND ended_at IS NULL)", rbac.UserActive, rbac.Supervisor).Find(&supervisors).Error
	if err != nil {
		return err
	}
	body := "日志检查点（" + s.checkpoint + "）\n" + c.String() + "\n" + c.At + "\n\n请妥善保存。日后可用 keping-verify journal 日志.jsonl --head " + c.String() + " 核对日志未被截断或重建。"
	for _, u := range supervisors {
		if err := s.Notify(notice.Message{Kind: "checkpoint", UserID: u.ID, Address: u.Mail, Subject: "日志检查点", Body: body, Object: "journal/-"}); err != nil {
			return err
		}
	}
	if !s.witness {
		return nil
	}
	line, err := journal.Canonical(c)
	if err != nil {
		return err
	}
	return s.Notify(notice.Message{Kind: notice.WitnessKind, Subject: "checkpoint", Body: string(line), Object: "journal/-"})
}

// DailyCheckpoint sends the head to the witnesses when a day has gone by since
// the last one and something has happened.
func (s *Store) DailyCheckpoint(ctx context.Context) error {
	due := func(db *gorm.DB, now time.Time) (bool, error) {
		var last checkpointRow
		err := db.Order("seq DESC").Limit(1).Find(&last).Error
		if err != nil || now.Sub(last.At) < 24*time.Hour {
			return false, err
		}
		var head headRow
		err = db.Take(&head, "id = 1").Error
		return head.Seq > last.Seq, err
	}
	if now, err := due(s.DB.Read(ctx), s.DB.Now()); err != nil || !now {
		return err
	}
	_, _, err := Act(ctx, s, Call{Actor: rbac.SystemActor, Permission: "journal checkpoint"}, func(step *Step) (struct{}, error) {
		still, err := due(step.DB, step.Now)
		if err != nil || !still {
			step.Unjournalled()
			return struct{}{}, err
		}
		step.WantCheckpoint("每日")
		return struct{}{}, nil
	})
	return err
}

// CheckpointView is a checkpoint and why it was sent.
type CheckpointView struct {
	ID     string `json:"id"`
	Reason string `json:"reason" example:"开启评分"`
	journal.Checkpoint
}

// Checkpoints pages through those sent, by id.
func (s *Store) Checkpoints(ctx context.Context, after string, limit int) ([]CheckpointView, error) {
	var rows []checkpointRow
	err := s.DB.Read(ctx).Where("id > ?", after).Order("id").Limit(limit).Find(&rows).Error
	views := make([]CheckpointView, len(rows))
	for i, r := range rows {
		views[i] = CheckpointView{r.ID, r.Reason, journal.Checkpoint{Seq: r.Seq, Hash: r.Hash, At: r.At.UTC().Format(time.RFC3339)}}
	}
	return views, err
}

// CheckpointOf is the newest entry of an act on an object.
func CheckpointOf(step *Step, object, act string) (journal.Checkpoint, error) {
	var row entryRow
	err := step.Where("object = ? AND act = ? AND facts NOT LIKE '%\"refused\"%'", object, act).Order("seq DESC").Limit(1).Find(&row).Error
	return journal.Checkpoint{Seq: row.Seq, Hash: row.Hash, At: row.At.UTC().Format(time.RFC3339)}, err
}
