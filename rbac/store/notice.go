package store

import (
	"context"
	"strings"
	"time"

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
		address, err := s.Keys.Open(r.Address, "notice/"+r.ID+"/address")
		if err != nil {
			return nil, err
		}
		views[i] = NoticeView{r.ID, r.Kind, r.Object, masked(address), r.Subject, r.State, r.Tries, r.LastError, r.SentAt}
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
