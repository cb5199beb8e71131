package verify

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/rbac/journal"
	"keping/reviewing/rank"
	"keping/reviewing/rank/opinion"
)

// TestOpinion: what the service keeps of a second opinion verifies against the
// official record and the journal; whatever of it is changed does not.
func TestOpinion(t *testing.T) {
	quiet(t)
	folder := t.TempDir()
	write := func(name string, data []byte) string {
		file := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(file, data, 0o600))
		return file
	}
	data, err := os.ReadFile(own["ranking"])
	require.NoError(t, err)
	record, err := rank.ParseRecord(data)
	require.NoError(t, err)
	seed, err := opinion.Seed(record)
	require.NoError(t, err)
	costs := map[string]int64{}
	for _, r := range record.Results {
		costs[r.Application] = 100
	}
	one := 1
	budget := int64(150)
	for name, c := range map[string]struct {
		asked opinion.Asked
		marks Marks
	}{
		"places": {opinion.Asked{Places: 1}, Marks{Places: &one}},
		"budget": {opinion.Asked{BudgetFen: 150, Costs: costs}, Marks{Budget: &budget}},
		"shared": {opinion.Asked{Undrawn: opinion.Shared}, Marks{}},
		"none":   {opinion.Asked{Undrawn: opinion.NoLine}, Marks{}},
	} {
		_, files, err := opinion.Advise(record, c.asked)
		require.NoError(t, err)
		facts, err := files.Facts(record, c.asked)
		require.NoError(t, err)
		entry, err := journal.Seal(journal.Genesis, journal.Entry{At: "2025-04-02T01:00:00Z", Actor: "system", Act: "second_opinion.compute", Object: "review/1", Facts: facts})
		require.NoError(t, err)
		line, err := journal.Canonical(entry)
		require.NoError(t, err)
		good := Opinion{Marks: c.marks, Official: own["ranking"], Ranking: write("R.csv", files.Ranking), Report: write("report.json", files.Report), Journal: write("journal.jsonl", append(line, '\n'))}
		good.Scores, good.Scale, good.Seed = write("S.csv", files.Scores), "0:100", seed
		if c.marks.Budget != nil {
			good.Costs = write("C.csv", files.Costs)
		}
		for _, v := range []struct {
			name   string
			change func(o *Opinion)
			want   int
		}{
			{"as it is", func(*Opinion) {}, 0},
			{"without the report", func(o *Opinion) { o.Report = "" }, 0},
			{"by the scores alone", func(o *Opinion) { o.Official, o.Report, o.Journal = "", "", "" }, 0},
			{"report without the record", func(o *Opinion) { o.Official = "" }, 2},
			{"another seed", func(o *Opinion) { o.Seed++ }, 1},
			{"another scale", func(o *Opinion) { o.Scale = "1:100" }, 1},
			{"a mark changed", func(o *Opinion) {
				o.Scores = write("S2.csv", bytes.Replace(files.Scores, []byte(".000000"), []byte(".000001"), 1))
			}, 1},
			{"the ranking changed", func(o *Opinion) {
				o.Ranking = write("R2.csv", bytes.Replace(files.Ranking, []byte("."), []byte("9."), 1))
			}, 1},
			{"the report changed", func(o *Opinion) {
				o.Report = write("r2.json", bytes.Replace(files.Report, []byte(`"n":`), []byte(`"n":1`), 1))
			}, 1},
			{"not in the journal", func(o *Opinion) { o.Journal = own["journal"] }, 1},
			{"entered with another report", func(o *Opinion) {
				o.Journal = write("j2.jsonl", []byte(strings.ReplaceAll(string(line), entry.Facts["report"].(string), strings.Repeat("0", 64))+"\n"))
			}, 1},
			{"no record", func(o *Opinion) { o.Official = write("no.json", []byte("{")) }, 2},
		} {
			o := good
			v.change(&o)
			assert.Equal(t, v.want, Status(o.Run()), "%s: %s", name, v.name)
		}
		places := 7
		if o := good; c.marks.Places != nil {
			o.Places = &places
			assert.Equal(t, 1, Status(o.Run()), "asked for other places")
		}
	}
}
