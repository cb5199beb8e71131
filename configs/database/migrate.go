package database

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/gofrs/flock"
	"github.com/pressly/goose/v3"
	goosedb "github.com/pressly/goose/v3/database"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrate brings the schema up to date. Files are numbered and only go
// forward; one named *.mysql.sql or *.sqlite.sql is for that store alone. Two
// migrators at once are kept apart by goose's lock table on MySQL and by a lock
// file beside the store on SQLite, whose write lock is per migration only.
func (db *DB) Migrate(ctx context.Context) error {
	dialect, foreign := goosedb.DialectMySQL, ".sqlite.sql"
	if db.sqlite != "" {
		dialect, foreign = goosedb.DialectSQLite3, ".mysql.sql"
		file := flock.New(db.sqlite + ".migrating")
		if _, err := file.TryLockContext(ctx, 50*time.Millisecond); err != nil {
			return fmt.Errorf("数据库升级失败：%w", err)
		}
		defer func() { _ = file.Close() }()
	}
	scripts, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	pool, err := db.write.DB()
	if err != nil {
		return err
	}
	var options []goose.ProviderOption
	if db.sqlite == "" {
		locker, err := lock.NewMySQLTableLocker()
		if err != nil {
			return err
		}
		options = append(options, goose.WithLocker(locker))
	}
	provider, err := goose.NewProvider(dialect, pool, without{scripts, foreign}, options...)
	if err != nil {
		return err
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("数据库升级失败：%w", err)
	}
	return nil
}

// without hides the files of the other dialect.
type without struct {
	fs.FS
	suffix string
}

func (w without) ReadDir(name string) ([]fs.DirEntry, error) {
	all, err := fs.ReadDir(w.FS, name)
	kept := all[:0]
	for _, entry := range all {
		if !strings.HasSuffix(entry.Name(), w.suffix) {
			kept = append(kept, entry)
		}
	}
	return kept, err
}
