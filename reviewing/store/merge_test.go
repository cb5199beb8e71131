package store

import (
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/configs/database/databasetest"
)

// TestMergeCoversEverything walks the schema: a column that holds the id of a
// person or of an expert record, and that a merge would leave behind, fails.
func TestMergeCoversEverything(t *testing.T) {
	db := databasetest.Open(t, time.Now).Read(t.Context())
	tables, err := db.Migrator().GetTables()
	require.NoError(t, err)
	holds := regexp.MustCompile(`(^|_)(person|leader|expert|subject)_id$|^person_[ab]$`)
	covered := slices.Concat(personColumns, expertColumns, searchColumns)
	seen := 0
	for _, table := range tables {
		columns, err := db.Migrator().ColumnTypes(table)
		require.NoError(t, err)
		for _, c := range columns {
			if holds.MatchString(c.Name()) {
				seen++
				assert.Contains(t, covered, column{table, c.Name()}, "a merge of two people would leave this column hanging")
			}
		}
	}
	assert.Equal(t, len(covered), seen, "a column of the list is not in the schema")
}
