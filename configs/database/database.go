// Package database opens the store and runs transactions on it.
//
// There are two stores: MySQL/MariaDB in production and SQLite embedded by
// default. Both run the same acts. All writing goes through Do: one
// transaction, one instant (UTC, whole seconds, read after BEGIN), READ
// COMMITTED, retried as a whole when the store asks for it, at COMMIT too.
// The function given to Do must therefore touch nothing but its transaction.
// Reading outside an act goes through Read, which cannot write.
package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/libtnb/sqlite"
	gormmysql "gorm.io/driver/mysql"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
	modernc "modernc.org/sqlite"
)

// Clock tells the present instant; serve has only the real one, tests and the
// demo hand in an offset clock.
type Clock func() time.Time

// DB is an open store.
type DB struct {
	write, read *gorm.DB
	clock       Clock
	sqlite      string // the file; empty on MySQL
}

// Tx is one running transaction and its instant.
type Tx struct {
	*gorm.DB
	Now time.Time // UTC, whole seconds
}

// ErrChanged says that a compare-and-set found another state or version.
var ErrChanged = errors.New("the row has changed meanwhile")

// Open connects to dsn, or to SQLite in folder when dsn is empty.
func Open(dsn, folder string, clock Clock) (*DB, error) {
	if dsn == "" {
		return openSQLite(filepath.Join(folder, "keping.db"), clock)
	}
	return openMySQL(dsn, clock)
}

func openSQLite(file string, clock Clock) (*DB, error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return nil, err
	}
	dsn := func(extra string) string {
		return "file:" + url.PathEscape(file) + "?_time_format=sqlite&_timezone=UTC" +
			"&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)" + extra
	}
	write, err := open(sqlite.Open(dsn("&_txlock=immediate")))
	if err != nil {
		return nil, err
	}
	read, err := open(sqlite.Open(dsn("&_pragma=query_only(1)")), prepared)
	if err != nil {
		return nil, err
	}
	if pool, err := write.DB(); err == nil {
		pool.SetMaxOpenConns(1)
	}
	if pool, err := read.DB(); err == nil {
		pool.SetMaxOpenConns(4)
	}
	return &DB{write: write, read: forbidWriting(read), clock: clock, sqlite: file}, nil
}

func openMySQL(dsn string, clock Clock) (*DB, error) {
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		return nil, fmt.Errorf("database.dsn：%w", err)
	}
	cfg.ParseTime, cfg.Loc = true, time.UTC
	cfg.ClientFoundRows = true // else a compare-and-set that changes nothing looks lost
	cfg.InterpolateParams = true
	if cfg.Params == nil {
		cfg.Params = map[string]string{}
	}
	cfg.Collation = "utf8mb4_bin"
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, err
	}
	pool := sql.OpenDB(readCommitted{connector})
	pool.SetMaxOpenConns(32)
	pool.SetMaxIdleConns(32)
	pool.SetConnMaxIdleTime(time.Minute)
	write, err := open(gormmysql.New(gormmysql.Config{Conn: pool}))
	if err != nil {
		return nil, err
	}
	read, err := open(gormmysql.New(gormmysql.Config{Conn: pool}))
	if err != nil {
		return nil, err
	}
	return &DB{write: write, read: forbidWriting(read), clock: clock}, nil
}

// prepared keeps compiled statements: compiling one costs SQLite more than most
// reads take to run. (Within a transaction they would be compiled anew.)
func prepared(c *gorm.Config) {
	c.PrepareStmt, c.PrepareStmtMaxSize, c.PrepareStmtTTL = true, 500, time.Hour
}

func open(dialector gorm.Dialector, more ...func(*gorm.Config)) (*gorm.DB, error) {
	config := &gorm.Config{
		Logger:                 logger.Discard,
		SkipDefaultTransaction: true,
		TranslateError:         true,
		NowFunc:                func() time.Time { panic("written outside database.Do") },
	}
	for _, change := range more {
		change(config)
	}
	return gorm.Open(dialector, config)
}

func forbidWriting(db *gorm.DB) *gorm.DB {
	refuse := func(tx *gorm.DB) { _ = tx.AddError(errors.New("this handle only reads; write inside database.Do")) }
	_ = db.Callback().Create().Before("*").Register("keping:read_only", refuse)
	_ = db.Callback().Update().Before("*").Register("keping:read_only", refuse)
	_ = db.Callback().Delete().Before("*").Register("keping:read_only", refuse)
	_ = db.Callback().Raw().Before("*").Register("keping:read_only", refuse)
	return db
}

// readCommitted sets the isolation of each new connection. It cannot stand in
// the DSN: the variable's name differs between MySQL 8 and MariaDB.
type readCommitted struct{ driver.Connector }

func (c readCommitted) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	_, err = conn.(driver.ExecerContext).ExecContext(ctx, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED", nil)
	if err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// Read returns a handle that cannot write. Reads finish when the client
// leaves: a cancellable context costs more than it saves.
func (db *DB) Read(ctx context.Context) *gorm.DB {
	return db.read.WithContext(context.WithoutCancel(ctx))
}

// Now is the clock's present instant, UTC in whole seconds.
func (db *DB) Now() time.Time { return db.clock().UTC().Truncate(time.Second) }

// SQLite tells which of the two stores this is.
func (db *DB) SQLite() bool { return db.sqlite != "" }

// Ping asks the store for a sign of life.
func (db *DB) Ping(ctx context.Context) error {
	pool, err := db.write.DB()
	if err != nil {
		return err
	}
	return pool.PingContext(ctx)
}

// Close closes all connections.
func (db *DB) Close() error {
	var errs []error
	for _, handle := range []*gorm.DB{db.read, db.write} {
		if pool, err := handle.DB(); err == nil {
			errs = append(errs, pool.Close())
		}
	}
	return errors.Join(errs...)
}

const maxTries = 60

// Do runs fn in one transaction and commits; an error of fn rolls back and is
// returned. Deadlocks, lock time-outs and busy stores run fn again, up to
// maxTries times. settled, which may be nil, is asked in a transaction of its own when
// the connection was lost at COMMIT: it tells whether the first run has in fact
// been committed.
func (db *DB) Do(ctx context.Context, fn func(*Tx) error, settled func(*Tx) (bool, error)) error {
	ctx = context.WithoutCancel(ctx)
	for try := 1; ; try++ {
		atCommit, err := db.once(ctx, fn)
		if err == nil {
			return nil
		}
		if try == maxTries {
			return err
		}
		switch {
		case transient(err):
		case atCommit && lost(err) && settled != nil:
			var done bool
			err := db.Do(ctx, func(tx *Tx) (err error) { done, err = settled(tx); return err }, nil)
			if err != nil || done {
				return err
			}
		case !atCommit && lost(err): // nothing was committed: the connection died underneath
		default:
			return err
		}
		time.Sleep(time.Duration(rand.Int64N(int64(min(try, 10)) * int64(4*time.Millisecond))))
	}
}

func (db *DB) once(ctx context.Context, fn func(*Tx) error) (atCommit bool, err error) {
	handle := db.write.WithContext(ctx).Begin()
	if handle.Error != nil {
		return false, handle.Error
	}
	finished := false
	defer func() {
		if !finished { // fn panicked
			handle.Rollback()
		}
	}()
	now := db.Now()
	tx := &Tx{DB: handle.Session(&gorm.Session{NowFunc: func() time.Time { return now }}), Now: now}
	err = fn(tx)
	finished = true
	if err != nil {
		handle.Rollback()
		return false, err
	}
	return true, handle.Commit().Error
}

// transient says that the store asks for the whole transaction again:
// 1213 deadlock, 1205 lock wait, 1020 changed since read, 1047 node not ready.
func transient(err error) bool {
	var my *mysql.MySQLError
	if errors.As(err, &my) {
		switch my.Number {
		case 1213, 1205, 1020, 1047:
			return true
		}
	}
	var lite *modernc.Error
	return errors.As(err, &lite) && lite.Code()&0xff == 5
}

func lost(err error) bool {
	var network net.Error
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, mysql.ErrInvalidConn) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, io.EOF) || errors.As(err, &network)
}

// Violation tells whether err is a broken CHECK constraint, which GORM does
// not translate, or a duplicate or foreign key, which it does.
func Violation(err error) bool {
	var my *mysql.MySQLError
	if errors.As(err, &my) && (my.Number == 4025 || my.Number == 3819) {
		return true
	}
	var lite *modernc.Error
	if errors.As(err, &lite) && lite.Code() == 275 {
		return true
	}
	return errors.Is(err, gorm.ErrCheckConstraintViolated) || errors.Is(err, gorm.ErrDuplicatedKey) || errors.Is(err, gorm.ErrForeignKeyViolated)
}

// Swap is the compare-and-set by which every state moves: it updates the one
// row of row's table that matches where, and returns ErrChanged if none does.
func Swap(tx *Tx, row any, where map[string]any, set map[string]any) error {
	done := tx.Model(row).Where(where).Updates(set)
	if done.Error != nil {
		return done.Error
	}
	if done.RowsAffected != 1 {
		return ErrChanged
	}
	return nil
}
