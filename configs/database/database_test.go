package database_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"keping/configs/database"
	"keping/configs/database/databasetest"
)

var instant = time.Date(2025, 3, 3, 1, 2, 3, 456789, time.UTC)

func clock() time.Time { return instant }

// counter is a table of the real schema that holds nothing else.
type counter struct {
	Series string `gorm:"primaryKey"`
	Value  int
}

func value(t *testing.T, db *database.DB, series string) int {
	t.Helper()
	var row counter
	err := db.Read(t.Context()).Take(&row, "series = ?", series).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return 0
	}
	require.NoError(t, err)
	return row.Value
}

func add(series string) func(*database.Tx) error {
	return func(tx *database.Tx) error {
		var row counter
		err := tx.Take(&row, "series = ?", series).Error
		if errors.Is(err, gorm.ErrRecordNotFound) {
			return tx.Create(&counter{series, 1}).Error
		}
		if err != nil {
			return err
		}
		return database.Swap(tx, &counter{}, map[string]any{"series": series, "value": row.Value}, map[string]any{"value": row.Value + 1})
	}
}

func TestDo(t *testing.T) {
	db := databasetest.Open(t, clock)
	ctx := t.Context()
	t.Run("one instant, UTC, whole seconds", func(t *testing.T) {
		require.NoError(t, db.Do(ctx, func(tx *database.Tx) error {
			assert.Equal(t, time.Date(2025, 3, 3, 1, 2, 3, 0, time.UTC), tx.Now)
			return nil
		}, nil))
	})
	t.Run("an error rolls back", func(t *testing.T) {
		refused := errors.New("refused")
		err := db.Do(ctx, func(tx *database.Tx) error {
			require.NoError(t, add("rolled")(tx))
			return refused
		}, nil)
		assert.ErrorIs(t, err, refused)
		assert.Zero(t, value(t, db, "rolled"))
	})
	t.Run("a panic rolls back and frees the connection", func(t *testing.T) {
		assert.Panics(t, func() {
			_ = db.Do(ctx, func(tx *database.Tx) error {
				require.NoError(t, add("panicked")(tx))
				panic("fault")
			}, nil)
		})
		assert.Zero(t, value(t, db, "panicked"))
		require.NoError(t, db.Do(ctx, add("panicked"), nil))
		assert.Equal(t, 1, value(t, db, "panicked"))
	})
	t.Run("what the store asks to repeat is repeated", func(t *testing.T) {
		tries := 0
		require.NoError(t, db.Do(ctx, func(tx *database.Tx) error {
			if tries++; tries < 4 {
				return &mysql.MySQLError{Number: 1213, Message: "Deadlock found"}
			}
			return add("retried")(tx)
		}, nil))
		assert.Equal(t, 4, tries)
		assert.Equal(t, 1, value(t, db, "retried"))
	})
	t.Run("but not for ever", func(t *testing.T) {
		tries := 0
		err := db.Do(ctx, func(*database.Tx) error {
			tries++
			return &mysql.MySQLError{Number: 1205}
		}, nil)
		assert.Error(t, err)
		assert.Equal(t, 60, tries)
	})
	t.Run("goes on when the caller leaves", func(t *testing.T) {
		gone, leave := context.WithCancel(ctx)
		require.NoError(t, db.Do(gone, func(tx *database.Tx) error {
			leave()
			return add("left")(tx)
		}, nil))
		assert.Equal(t, 1, value(t, db, "left"))
	})
	t.Run("a compare-and-set that finds another value", func(t *testing.T) {
		err := db.Do(ctx, func(tx *database.Tx) error {
			return database.Swap(tx, &counter{}, map[string]any{"series": "left", "value": 7}, map[string]any{"value": 8})
		}, nil)
		assert.ErrorIs(t, err, database.ErrChanged)
	})
	t.Run("a swap to the same value is no change lost", func(t *testing.T) {
		require.NoError(t, db.Do(ctx, func(tx *database.Tx) error {
			return database.Swap(tx, &counter{}, map[string]any{"series": "left", "value": 1}, map[string]any{"value": 1})
		}, nil))
	})
	t.Run("forty at once", func(t *testing.T) {
		var all sync.WaitGroup
		for range 40 {
			all.Go(func() {
				for { // a lost compare-and-set is the caller's to repeat
					err := db.Do(ctx, add("forty"), nil)
					if errors.Is(err, database.ErrChanged) || errors.Is(err, gorm.ErrDuplicatedKey) {
						continue
					}
					assert.NoError(t, err)
					return
				}
			})
		}
		all.Wait()
		assert.Equal(t, 40, value(t, db, "forty"))
	})
}

func TestReadCannotWrite(t *testing.T) {
	db := databasetest.Open(t, clock)
	handle := db.Read(t.Context())
	assert.Error(t, handle.Create(&counter{"x", 1}).Error)
	assert.Error(t, handle.Model(&counter{}).Where("1 = 1").Update("value", 2).Error)
	assert.Error(t, handle.Where("1 = 1").Delete(&counter{}).Error)
	assert.Error(t, handle.Exec("DELETE FROM counters").Error)
}

func TestConstraints(t *testing.T) {
	db := databasetest.Open(t, clock)
	for name, statement := range map[string]string{
		"check":     "INSERT INTO journal_head (id, seq, hash, at) VALUES (2, 0, '', '2025-01-01 00:00:00')",
		"duplicate": "INSERT INTO counters (series, value) VALUES ('twice', 1), ('twice', 2)",
	} {
		err := db.Do(t.Context(), func(tx *database.Tx) error { return tx.Exec(statement).Error }, nil)
		assert.True(t, database.Violation(err), "%s: %v", name, err)
	}
	assert.False(t, database.Violation(errors.New("other")))
}

func TestMigratingTwiceAtOnce(t *testing.T) {
	dsn, folder := databasetest.DSN(t), t.TempDir()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			db, err := database.Open(dsn, folder, clock)
			if assert.NoError(t, err) {
				assert.NoError(t, db.Migrate(context.Background()))
				assert.NoError(t, db.Close())
			}
		})
	}
	all.Wait()
}

// TestLostAtCommit cuts the connection at COMMIT, once before the server gets
// it and once after: the act is done exactly once either way.
func TestLostAtCommit(t *testing.T) {
	dsn := databasetest.DSN(t)
	if dsn == "" {
		t.Skip("SQLite has no connection to lose; scripts/test runs this on MariaDB")
	}
	parsed, err := mysql.ParseDSN(dsn)
	require.NoError(t, err)
	proxy := startProxy(t, parsed.Addr)
	plain, err := database.Open(dsn, "", clock)
	require.NoError(t, err)
	t.Cleanup(func() { plain.Close() })
	require.NoError(t, plain.Migrate(t.Context()))
	parsed.Addr = proxy.listener.Addr().String()
	db, err := database.Open(parsed.FormatDSN(), "", clock)
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })

	for _, forward := range []bool{false, true} {
		series := map[bool]string{false: "cut before", true: "cut after"}[forward]
		proxy.cut(forward)
		runs, asked := 0, 0
		err := db.Do(t.Context(), func(tx *database.Tx) error {
			runs++
			return add(series)(tx)
		}, func(tx *database.Tx) (bool, error) {
			asked++
			var n int64
			err := tx.Model(&counter{}).Where("series = ?", series).Count(&n).Error
			return n > 0, err
		})
		require.NoError(t, err, series)
		assert.Equal(t, 1, value(t, plain, series), series)
		assert.Equal(t, 1, asked, "%s: the outcome was asked for", series)
		assert.Equal(t, map[bool]int{false: 2, true: 1}[forward], runs, series)
	}
}

// proxy stands between a client and MariaDB and cuts one connection at COMMIT.
type proxy struct {
	listener net.Listener
	mutex    sync.Mutex
	armed    bool
	forward  bool
}

func (p *proxy) cut(forward bool) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.armed, p.forward = true, forward
}

// now tells whether this COMMIT is the one to cut, and whether the server still gets it.
func (p *proxy) now(data []byte) (cut, forward bool) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if !p.armed || !strings.Contains(string(data), "COMMIT") {
		return false, true
	}
	p.armed = false
	return true, p.forward
}

func startProxy(t *testing.T, target string) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { listener.Close() })
	p := &proxy{listener: listener}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", target)
			if err != nil {
				client.Close()
				continue
			}
			go func() { _, _ = io.Copy(client, server); client.Close() }()
			go func() {
				defer client.Close()
				defer server.Close()
				buffer := make([]byte, 64<<10)
				for {
					n, err := client.Read(buffer)
					if err != nil {
						return
					}
					cut, forward := p.now(buffer[:n])
					if cut { // the client's end first: no answer may slip through
						client.Close()
					}
					if forward {
						if _, err := server.Write(buffer[:n]); err != nil {
							return
						}
					}
					if cut {
						time.Sleep(300 * time.Millisecond) // the server commits meanwhile
						return
					}
				}
			}()
		}
	}()
	return p
}
