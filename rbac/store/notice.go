package store

import (
	"context"
	"errors"
	"strings"
	"time"

	"gorm.io/gorm"

	"keping/configs/database"
	"keping/rbac"
	"keping/rbac/notice"
)

// NoticeView is the state of one message to one recipient. The text is never
// shown: it may hold another's one-time link.
type NoticeView struct {
	ID      string       `json:"id"`
	Kind    string       `json:"kind"`
	Object  string       `json:"object"`
	Address string       `json:"address" doc:"收件地址，已遮盖" example:"w***@example.cn"`
	Subject string       `json:"subject"`
	State   notice.State `json:"state"`
	Tries   int          `json:"tries"`
	Error   string       `json:"error" doc:"最近一次未送达的原因"`
	SentAt  *time.Time   `json:"sent_at"`
}

// viewNotice shows a message without its text.
func (s *Store) viewNotice(r notice.Notice) (NoticeView, error) {
	address, err := s.Keys.Open(r.Address, "notice/"+r.ID+"/address")
	return NoticeView{r.ID, r.Kind, r.Object, masked(address), r.Subject, r.State, r.Tries, r.LastError, r.SentAt}, err
}

// ResendNotice queues anew what was given up. What has been sent is no longer
// kept, for it may have held a one-time link, and so cannot be sent again.
func (s *Store) ResendNotice(step *Step, id string) (NoticeView, error) {
	var row notice.Notice
	err := step.Take(&row, "id = ?", id).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return NoticeView{}, rbac.Missing("该通知")
	}
	if err != nil {
		return NoticeView{}, err
	}
	if row.State != notice.Failed {
		return NoticeView{}, rbac.Refuse(rbac.RefusedState, "只有发送失败的通知可以重发。已送出的正文不再保存，对方仍未收到的，请电话告知，或重新发出提醒、重置链接；仍在排队的会自动发送。")
	}
	step.Fact("kind", row.Kind)
	step.queued = true
	row.State, row.Tries = notice.Queued, 0
	if err := database.Swap(step.Tx, &notice.Notice{}, map[string]any{"id": id, "state": notice.Failed}, map[string]any{"state": row.State, "tries": 0, "next_at": step.Now}); err != nil {
		return NoticeView{}, err
	}
	return s.viewNotice(row)
}

// Notices pages through the outbox by id.
func (s *Store) Notices(ctx context.Context, state, object, after string, limit int) ([]NoticeView, error) {
	q := s.DB.Read(ctx).Where("id > ?", after)
	if state != "" {
		q = q.Where("state = ?", state)
	}
	if object != "" {
		q = q.Where("object = ?", object)
	}
	var rows []notice.Notice
	if err := q.Order("id").Limit(limit).Find(&rows).Error; err != nil {
		return nil, err
	}
	views := make([]NoticeView, len(rows))
	for i, r := range rows {
		var err error
		if views[i], err = s.viewNotice(r); err != nil {
			return nil, err
		}
	}
	return views, nil
}

// masked keeps the first letter and the domain of a mail address.
func masked(address string) string {
	name, domain, ok := strings.Cut(address, "@")
	if !ok || name == "" {
		return ""
	}
	return string([]rune(name)[:1]) + "***@" + domain
}
