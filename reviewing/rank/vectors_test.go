package rank

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestSharedVectors runs the published vectors, good and bad.
func TestSharedVectors(t *testing.T) {
	shared := os.Getenv("KEPING_SHARED")
	if shared == "" {
		t.Log("KEPING_SHARED names no folder: the published vectors were not run, only the project's own")
		return
	}
	folder := filepath.Join(shared, "check", "vectors")
	verify := func(file, journalFile string) error {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		record, err := ParseRecord(data)
		if err != nil {
			return err
		}
		if err := Verify(record); err != nil || journalFile == "" {
			return err
		}
		lines, err := os.ReadFile(filepath.Join(folder, journalFile))
		require.NoError(t, err)
		return VerifyJournal(record, bytes.NewReader(lines))
	}
	good, err := filepath.Glob(filepath.Join(folder, "official-*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, good)
	for _, file := range good {
		assert.NoError(t, verify(file, ""), file)
	}
	assert.NoError(t, verify(good[0], "journal-2.jsonl"))
	assert.Error(t, verify(good[1], "journal-2.jsonl"))
	bad, err := filepath.Glob(filepath.Join(folder, "bad", "*.json"))
	require.NoError(t, err)
	n := 0
	for _, file := range bad {
		switch name := filepath.Base(file); {
		case strings.HasPrefix(name, "official-"):
			assert.Error(t, verify(file, ""), file)
			n++
		case strings.HasPrefix(name, "journalled-"):
			assert.NoError(t, verify(file, ""), file)
			assert.Error(t, verify(file, "journal-2.jsonl"), file)
			n++
		}
	}
	require.NotZero(t, n)
}
