package databasetest

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"gorm.io/gorm"
	"gorm.io/gorm/schema"

	"keping/configs/database"
)

// Open opens a migrated store of the test's own.
func Open(t testing.TB, clock database.Clock) *database.DB {
	t.Helper()
	db, err := database.Open(DSN(t), t.TempDir(), clock)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := db.Migrate(context.Background()); err != nil {
		t.Fatal(err)
	}
	return db
}

// Schema compares the migrated tables with the models: same columns, keys,
// kinds and sizes. It returns the tables it has seen.
func Schema(t testing.TB, db *gorm.DB, models ...any) []string {
	t.Helper()
	var seen []string
	for _, model := range models {
		parsed, err := schema.Parse(model, &sync.Map{}, db.NamingStrategy)
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, parsed.Table)
		columns, err := db.Migrator().ColumnTypes(model)
		if err != nil {
			t.Errorf("%s: %v", parsed.Table, err)
			continue
		}
		if len(columns) == 0 {
			t.Errorf("%s: no such table", parsed.Table)
		}
		for _, c := range columns {
			field := parsed.LookUpField(c.Name())
			if field == nil {
				t.Errorf("%s.%s: no field", parsed.Table, c.Name())
				continue
			}
			kind := strings.ToLower(c.DatabaseTypeName())
			if !fits(field, kind) {
				t.Errorf("%s.%s: %s for a field of type %s", parsed.Table, c.Name(), kind, field.FieldType)
			}
			if length, ok := c.Length(); ok && strings.Contains(kind, "varchar") && field.Size > 0 && int64(field.Size) != length {
				t.Errorf("%s.%s: VARCHAR(%d) for size:%d", parsed.Table, c.Name(), length, field.Size)
			}
			if primary, ok := c.PrimaryKey(); ok && primary != field.PrimaryKey {
				t.Errorf("%s.%s: primary key in one, not in the other", parsed.Table, c.Name())
			}
		}
		for _, name := range parsed.DBNames {
			if !slices.ContainsFunc(columns, func(c gorm.ColumnType) bool { return c.Name() == name }) {
				t.Errorf("%s.%s: no column", parsed.Table, name)
			}
		}
	}
	return seen
}

func fits(field *schema.Field, kind string) bool {
	has := func(kinds ...string) bool {
		return slices.ContainsFunc(kinds, func(k string) bool { return strings.Contains(kind, k) })
	}
	switch field.DataType {
	case schema.Bool:
		return has("bool", "tinyint", "numeric", "int")
	case schema.Int, schema.Uint:
		return has("int")
	case schema.Time:
		return has("datetime", "timestamp")
	case schema.Bytes, "longblob":
		return has("blob")
	}
	return has("char", "text")
}
