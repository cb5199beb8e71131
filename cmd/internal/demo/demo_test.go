package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/cmd/internal/verify"
	"keping/configs"
	"keping/configs/database/databasetest"
	"keping/experts/draw"
	"keping/rbac/journal"
	"keping/reviewing/rank"
	"keping/reviewing/rank/opinion"
)

// TestDemo tells the whole story and recomputes everything it published, as an
// outsider would.
func TestDemo(t *testing.T) {
	out := t.TempDir()
	cfg, err := configs.Load("")
	require.NoError(t, err)
	cfg.Listen, cfg.Data = "127.0.0.1:0", filepath.Join(out, "data")
	cfg.Database.DSN, cfg.Redis.URL = databasetest.DSN(t), databasetest.Redis(t)
	if cfg.Database.DSN != "" {
		cfg.Keys = configs.Keys{Seal: "00112233445566778899aabbccddeeff", Index: "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"}
	}
	var said bytes.Buffer
	require.NoError(t, Run(context.Background(), Options{Out: out, Headless: true, Config: cfg, Say: &said}), said.String())

	lines, err := os.ReadFile(filepath.Join(out, "journal.jsonl"))
	require.NoError(t, err)
	witness, err := os.ReadFile(filepath.Join(out, "witness.jsonl"))
	require.NoError(t, err)
	var heads []journal.Checkpoint
	for _, line := range bytes.Split(bytes.TrimSpace(witness), []byte("\n")) {
		var c journal.Checkpoint
		require.NoError(t, journal.Decode(line, &c))
		heads = append(heads, c)
	}
	assert.GreaterOrEqual(t, len(heads), 16, "a checkpoint left at every freeze, commitment, opening, closing and publicity")
	_, err = journal.Verify(bytes.NewReader(lines), heads, nil)
	require.NoError(t, err)

	count := func(pattern string, verify func(string)) int {
		files, err := filepath.Glob(filepath.Join(out, pattern))
		require.NoError(t, err)
		for _, f := range files {
			verify(f)
		}
		return len(files)
	}
	vacancies := 0
	drawn := func(file string) {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		record, err := draw.ParseRecord(data)
		require.NoError(t, err)
		assert.NoError(t, draw.Verify(record), file)
		assert.NoError(t, draw.VerifyJournal(record, bytes.NewReader(lines)), file)
		vacancies += len(record.Vacancies)
	}
	assert.Equal(t, 4, count("draw-*.json", drawn))
	assert.GreaterOrEqual(t, count("order-*.json", drawn), 1, "the planted tie; chance may make more")
	assert.Equal(t, 2, vacancies, "one invitation declined, one recusal filled")
	assert.Equal(t, 4, count("ranking-*.json", func(file string) {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		record, err := rank.ParseRecord(data)
		require.NoError(t, err)
		assert.NoError(t, rank.Verify(record), file)
		assert.NoError(t, rank.VerifyJournal(record, bytes.NewReader(lines)), file)
	}))
	assert.Equal(t, 4, count("opinion-*-scores.csv", func(file string) {
		name := strings.TrimSuffix(file, "scores.csv")
		data, err := os.ReadFile(name + "report.json")
		require.NoError(t, err)
		var report opinion.Advice
		require.NoError(t, json.Unmarshal(data, &report))
		replay := verify.Opinion{Marks: verify.Marks{Scores: file, Scale: "0:100", Seed: report.Report.Seed}, Ranking: name + "ranking.csv", Report: name + "report.json",
			Official: filepath.Join(out, "ranking-"+strings.TrimSuffix(strings.TrimPrefix(filepath.Base(name), "opinion-"), "-")+".json"), Journal: filepath.Join(out, "journal.jsonl")}
		switch {
		case report.Places > 0:
			replay.Places = &report.Places
		case report.BudgetFen > 0:
			replay.Budget, replay.Costs = &report.BudgetFen, name+"costs.csv"
		}
		assert.NoError(t, replay.Run(), file)
	}))
	assert.Equal(t, 4, count("marks-*.xlsx", func(string) {}))
	assert.Equal(t, 2, count("list-*.xlsx", func(string) {}))
}
