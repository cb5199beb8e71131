package draw

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
		lines, err := os.ReadFile(journalFile)
		require.NoError(t, err)
		return VerifyJournal(record, bytes.NewReader(lines))
	}
	for _, name := range []string{"draw-1.json", "draw-2.json", "draw-3.json"} {
		assert.NoError(t, verify(filepath.Join(folder, name), ""), name)
	}
	assert.NoError(t, verify(filepath.Join(folder, "draw-2.json"), filepath.Join(folder, "journal-1.jsonl")))
	assert.Error(t, verify(filepath.Join(folder, "draw-1.json"), filepath.Join(folder, "journal-1.jsonl")))
	bad, err := filepath.Glob(filepath.Join(folder, "bad", "draw-*"))
	require.NoError(t, err)
	require.NotEmpty(t, bad)
	for _, file := range bad {
		if strings.HasSuffix(file, ".jsonl") {
			assert.Error(t, verify(filepath.Join(folder, "draw-2.json"), file), file)
		} else {
			assert.Error(t, verify(file, ""), file)
		}
	}
}
