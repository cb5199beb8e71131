package notice_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/configs"
	"keping/configs/database"
	"keping/configs/database/databasetest"
	"keping/rbac/notice"
	"keping/rbac/notice/mailbox"
	"keping/rbac/secret"
)

type outbox struct {
	t    *testing.T
	db   *database.DB
	keys *secret.Keys
	box  *mailbox.Mailbox
	now  atomic.Int64
}

func newOutbox(t *testing.T) *outbox {
	t.Helper()
	o := &outbox{t: t}
	o.now.Store(time.Date(2025, 3, 3, 1, 0, 0, 0, time.UTC).Unix())
	o.db = databasetest.Open(t, func() time.Time { return time.Unix(o.now.Load(), 0) })
	var err error
	o.keys, err = secret.NewKeys(secret.Random(16), secret.Random(32))
	require.NoError(t, err)
	o.box, err = mailbox.Open()
	require.NoError(t, err)
	t.Cleanup(func() { o.box.Close() })
	return o
}

func (o *outbox) worker() *notice.Worker {
	o.t.Helper()
	driver, err := notice.NewDriver(configs.Mail{Driver: "smtp", Host: "127.0.0.1", Port: o.box.Port, From: "keping@example.cn"})
	require.NoError(o.t, err)
	return &notice.Worker{DB: o.db, Keys: o.keys, Driver: driver}
}

func (o *outbox) queue(address, object string) string {
	o.t.Helper()
	id := uuid.NewString()
	require.NoError(o.t, o.db.Do(context.Background(), func(tx *database.Tx) error {
		return notice.Queue(tx, o.keys, id, notice.Message{Kind: "test", Address: address, Subject: "评审邀请", Body: "请点击 http://x/#0123456789abcdef0123456789abcdef0123456789abcdef", Object: object})
	}, nil))
	return id
}

func (o *outbox) row(id string) notice.Notice {
	o.t.Helper()
	var row notice.Notice
	require.NoError(o.t, o.db.Read(context.Background()).Take(&row, "id = ?", id).Error)
	return row
}

func TestDelivery(t *testing.T) {
	o := newOutbox(t)
	id := o.queue("wang@example.cn", "seat/1")
	before := o.row(id)
	assert.NotContains(t, string(before.Body), "http", "the link is sealed while it waits")
	assert.NotContains(t, string(before.Address), "wang")
	sent, err := o.worker().SendDue(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 1, sent)
	mails := o.box.Mails("wang@example.cn")
	require.Len(t, mails, 1)
	assert.Contains(t, mails[0], "评审邀请\n请点击")
	row := o.row(id)
	assert.Equal(t, notice.Sent, row.State)
	assert.NotNil(t, row.SentAt)
	assert.Empty(t, row.Body, "emptied once sent")
}

// TestRolledBack: what an act queues leaves only when the act is committed.
func TestRolledBack(t *testing.T) {
	o := newOutbox(t)
	err := o.db.Do(t.Context(), func(tx *database.Tx) error {
		require.NoError(t, notice.Queue(tx, o.keys, uuid.NewString(), notice.Message{Kind: "test", Address: "wang@example.cn"}))
		return errors.New("refused")
	}, nil)
	require.Error(t, err)
	sent, err := o.worker().SendDue(t.Context())
	require.NoError(t, err)
	assert.Zero(t, sent)
}

func TestRetryThenFail(t *testing.T) {
	o := newOutbox(t)
	o.box.Refuse = func(address string) error {
		if address == "gone@example.cn" {
			return errors.New("no such mailbox")
		}
		return nil
	}
	gone, good := o.queue("gone@example.cn", "seat/1"), o.queue("wang@example.cn", "seat/2")
	w := o.worker()
	_, err := w.SendDue(t.Context())
	require.NoError(t, err)
	assert.Equal(t, notice.Sent, o.row(good).State, "one bad address holds up nobody else")
	row := o.row(gone)
	assert.Equal(t, notice.Queued, row.State)
	assert.NotEmpty(t, row.LastError)
	assert.True(t, row.NextAt.After(time.Unix(o.now.Load(), 0)), "later, not at once")
	for range notice.MaxTries {
		o.now.Add(3 * 3600)
		_, err := w.SendDue(t.Context())
		require.NoError(t, err)
	}
	row = o.row(gone)
	assert.Equal(t, notice.Failed, row.State)
	assert.Equal(t, notice.MaxTries, row.Tries)
}

func TestDropped(t *testing.T) {
	o := newOutbox(t)
	id := o.queue("wang@example.cn", "seat/1")
	require.NoError(t, o.db.Do(t.Context(), func(tx *database.Tx) error { return notice.Drop(tx, "seat/1") }, nil))
	sent, err := o.worker().SendDue(t.Context())
	require.NoError(t, err)
	assert.Zero(t, sent)
	row := o.row(id)
	assert.Equal(t, notice.Dropped, row.State)
	assert.Empty(t, row.Body)
}

// TestTwoWorkers: each message goes out once, however many replicas send.
func TestTwoWorkers(t *testing.T) {
	o := newOutbox(t)
	for range 30 {
		o.queue("wang@example.cn", "seat/1")
	}
	for len(o.box.Mails("wang@example.cn")) < 30 {
		var all sync.WaitGroup
		for range 2 {
			all.Go(func() {
				_, err := o.worker().SendDue(context.Background())
				assert.NoError(t, err)
			})
		}
		all.Wait()
	}
	assert.Len(t, o.box.Mails("wang@example.cn"), 30)
}

// hangs is a driver whose process dies while it sends.
type hangs struct{ cancel context.CancelFunc }

func (h hangs) Send(context.Context, string, string, string) error {
	h.cancel()
	panic("killed")
}

// TestDeadWorker: what a worker took and never finished goes out when its lease ends.
func TestDeadWorker(t *testing.T) {
	o := newOutbox(t)
	o.queue("wang@example.cn", "seat/1")
	ctx, cancel := context.WithCancel(t.Context())
	assert.Panics(t, func() {
		_, _ = (&notice.Worker{DB: o.db, Keys: o.keys, Driver: hangs{cancel}}).SendDue(ctx)
	})
	sent, err := o.worker().SendDue(t.Context())
	require.NoError(t, err)
	assert.Zero(t, sent, "still leased")
	o.now.Add(121)
	sent, err = o.worker().SendDue(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 1, sent)
}

func TestWitness(t *testing.T) {
	var got atomic.Value
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got.Store(string(body))
	}))
	defer hook.Close()
	file := filepath.Join(t.TempDir(), "witness.jsonl")
	w := notice.NewWitness(configs.Witness{File: file, Webhook: hook.URL})
	require.NoError(t, w.Send(t.Context(), "", "", `{"seq":1}`))
	require.NoError(t, w.Send(t.Context(), "", "", `{"seq":2}`))
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, "{\"seq\":1}\n{\"seq\":2}\n", string(data))
	assert.Equal(t, `{"seq":2}`, got.Load())
	down := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(500) }))
	defer down.Close()
	assert.Error(t, notice.NewWitness(configs.Witness{Webhook: down.URL}).Send(t.Context(), "", "", "{}"))
}
