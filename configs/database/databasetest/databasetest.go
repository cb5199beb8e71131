// Package databasetest tells tests which stores to use. Without settings it is
// SQLite in a temporary folder and no Redis. scripts/test runs every test that
// opens a store a second time with KEPING_TEST_DSN (a MariaDB user that may
// create databases) and KEPING_TEST_REDIS (a URL) set.
package databasetest

import (
	"database/sql"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	_ "github.com/go-sql-driver/mysql" // the driver of KEPING_TEST_DSN
	"github.com/google/uuid"
)

var numbers atomic.Int32

// DSN is a fresh MariaDB database, dropped after the test, or "" for SQLite.
func DSN(t testing.TB) string {
	t.Helper()
	base := os.Getenv("KEPING_TEST_DSN")
	if base == "" {
		return ""
	}
	name := "keping_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	server, err := sql.Open("mysql", base)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := server.Exec("CREATE DATABASE " + name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := server.Exec("DROP DATABASE " + name); err != nil {
			t.Error(err)
		}
		server.Close()
	})
	return strings.TrimSuffix(base, "/") + "/" + name
}

// Redis is a database of the test Redis of its own, or "" for none.
func Redis(testing.TB) string {
	base := os.Getenv("KEPING_TEST_REDIS")
	if base == "" {
		return ""
	}
	return fmt.Sprintf("%s/%d", base, (int(numbers.Add(1))+os.Getpid())%1000)
}
