package database

import (
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/pressly/goose/v3"
	goosedb "github.com/pressly/goose/v3/database"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// upTo is an own database as it was at a migration.
func upTo(t *testing.T, version int64) *DB {
	t.Helper()
	db, err := Open("", t.TempDir(), time.Now)
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	scripts, err := fs.Sub(migrations, "migrations")
	require.NoError(t, err)
	pool, err := db.write.DB()
	require.NoError(t, err)
	provider, err := goose.NewProvider(goosedb.DialectSQLite3, pool, without{scripts, ".mysql.sql"})
	require.NoError(t, err)
	_, err = provider.UpTo(t.Context(), version)
	require.NoError(t, err)
	return db
}

// TestPoolMigration: the records of before keep what they hold when their
// table is made anew, and their words of evidence become a piece of it.
func TestPoolMigration(t *testing.T) {
	db := upTo(t, 3)
	for id, evidence := range map[string]string{"a": "", "b": `院士，"杰青"`} {
		require.NoError(t, db.write.Exec(`INSERT INTO experts VALUES (?, ?, '', '张三', '女', 1970, '教授', 'u', 1, 'technical', '["technical","finance"]', '520.20', '[{"code":"520.20"}]', '[]', '[]', '[]', ?, 'a@example.cn', NULL, NULL, '', 'in_pool', '', 3, '2024-01-01 00:00:00')`, id, "p"+id, evidence).Error)
	}
	require.NoError(t, db.Migrate(t.Context()))
	var rows []struct {
		ID, Evidence, Classes, ConfirmedDay string
		Version                             int
		Searchable                          bool
	}
	require.NoError(t, db.Read(t.Context()).Raw("SELECT id, evidence, classes, confirmed_day, version, searchable FROM experts ORDER BY id").Scan(&rows).Error)
	require.Len(t, rows, 2)
	assert.Equal(t, "[]", rows[0].Evidence)
	assert.JSONEq(t, `[{"kind": "title", "text": "院士，\"杰青\""}]`, rows[1].Evidence)
	assert.Equal(t, `["technical","finance"]`, rows[1].Classes)
	assert.Equal(t, time.Now().UTC().Format("2006-01-02"), rows[1].ConfirmedDay, "due a year from now, not at once")
	assert.Equal(t, 3, rows[1].Version)
	assert.False(t, rows[1].Searchable, "the start of the service indexes it")
	assert.Error(t, db.write.Exec("UPDATE experts SET state = 'elsewhere'").Error, "the CHECK holds")
	assert.NoError(t, db.write.Exec("UPDATE experts SET state = 'banned', state_until = '2030-01-01'").Error)
}

// TestSharedMigration: of the reviews closed before, those share their guide
// that another review beside them stands on; second opinions are made again.
func TestSharedMigration(t *testing.T) {
	db := upTo(t, 14)
	var columns []string
	require.NoError(t, db.write.Raw("SELECT name FROM pragma_table_info('reviews')").Scan(&columns).Error)
	for _, r := range [][3]string{{"a", "g1", "closed"}, {"b", "g1", "void"}, {"c", "g2", "closed"}, {"d", "g2", "marking"}} {
		values := make([]any, len(columns))
		for i, name := range columns {
			values[i] = map[string]string{"selection": "draw", "ranking_hash": "h", "closed_at": "2025-01-01 00:00:00", "id": r[0], "number": r[0], "guide_id": r[1], "state": r[2]}[name]
		}
		require.NoError(t, db.write.Exec("INSERT INTO reviews VALUES (?"+strings.Repeat(", ?", len(columns)-1)+")", values...).Error)
		if r[2] != "closed" {
			continue
		}
		require.NoError(t, db.write.Exec("INSERT INTO rankings (review_id, record) VALUES (?, '{}')", r[0]).Error)
		require.NoError(t, db.write.Exec("INSERT INTO second_opinions VALUES (?, '', '', '', '', '', '{}', 0, '2025-01-01 00:00:00')", r[0]).Error)
	}
	require.NoError(t, db.Migrate(t.Context()))
	var shared []string
	require.NoError(t, db.write.Raw("SELECT review_id FROM rankings WHERE shared ORDER BY review_id").Scan(&shared).Error)
	assert.Equal(t, []string{"c"}, shared)
	var opinions int64
	require.NoError(t, db.write.Table("second_opinions").Count(&opinions).Error)
	assert.Zero(t, opinions)
}
