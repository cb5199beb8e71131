package verify

import (
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/experts/draw"
	"keping/rbac/journal"
	"keping/reviewing/match"
)

// own are the vectors the project commits.
var own = map[string]string{
	"draw":    filepath.Join("..", "..", "..", "experts", "draw", "testdata", "draw.json"),
	"journal": filepath.Join("..", "..", "..", "experts", "draw", "testdata", "journal.jsonl"),
	"ranking": filepath.Join("..", "..", "..", "reviewing", "rank", "testdata", "ranking.json"),
}

// quiet keeps what the commands print out of the test's output.
func quiet(t *testing.T) {
	t.Helper()
	out, err := os.Stdout, os.Stderr
	null, openErr := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	require.NoError(t, openErr)
	os.Stdout, os.Stderr = null, null
	t.Cleanup(func() {
		os.Stdout, os.Stderr = out, err
		null.Close()
	})
}

// TestStatus: 0 verified, 1 refuted, 2 unreadable or bad usage.
func TestStatus(t *testing.T) {
	quiet(t)
	folder := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		return file
	}
	text := func(file string) string {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		return string(data)
	}
	packed := filepath.Join(folder, "draw.json.gz")
	file, err := os.Create(packed)
	require.NoError(t, err)
	z := gzip.NewWriter(file)
	_, err = z.Write([]byte(text(own["draw"])))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	require.NoError(t, file.Close())
	forged := strings.Replace(text(own["draw"]), `"unit_cap":1`, `"unit_cap":2`, 1)
	lines := strings.Split(strings.TrimSpace(text(own["journal"])), "\n")
	frame := text(own["draw"])
	i, j := strings.Index(frame, `"frame":{`)+len(`"frame":`), strings.Index(frame, `,"frame_hash"`)
	frameFile := write("frame.json", frame[i:j])
	publicLines := `[{"application_id":"a","fiscal_fen":20000000,"number":"2025-ZD-01-001"}]`
	public := `{"id":"l","lines":` + publicLines + `,"digest":"` + journal.Hash(publicLines) + `"}`
	secrets := []string{"bureau=" + strings.Repeat("0a", 16), "supervisor=" + strings.Repeat("0b", 16)}
	for _, c := range []struct {
		name string
		run  func() error
		want int
	}{
		{"draw", verifyDraw{File: own["draw"]}.Run, 0},
		{"draw with its journal", verifyDraw{File: own["draw"], Journal: own["journal"]}.Run, 0},
		{"packed draw", verifyDraw{File: packed}.Run, 0},
		{"forged draw", verifyDraw{File: write("forged.json", forged)}.Run, 1},
		{"draw, journal cut", verifyDraw{File: own["draw"], Journal: write("cut.jsonl", strings.Join(lines[:4], "\n")+"\n")}.Run, 1},
		{"no such file", verifyDraw{File: filepath.Join(folder, "none")}.Run, 2},
		{"no JSON", verifyDraw{File: write("no.json", `{"spec":`)}.Run, 2},
		{"journal", verifyJournal{File: own["journal"]}.Run, 0},
		{"journal, an entry missing", verifyJournal{File: write("missing.jsonl", strings.Join(slices.Delete(slices.Clone(lines), 2, 3), "\n")+"\n")}.Run, 1},
		{"journal, head not there", verifyJournal{File: own["journal"], Head: []string{"99:" + strings.Repeat("0", 64)}}.Run, 1},
		{"journal, head no head", verifyJournal{File: own["journal"], Head: []string{"1"}}.Run, 2},
		{"ranking", verifyRanking{File: own["ranking"]}.Run, 0},
		{"ranking, forged", verifyRanking{File: write("rank.json", strings.Replace(text(own["ranking"]), `"mark":8000`, `"mark":8100`, 1))}.Run, 1},
		{"publicity", verifyPublicity{File: write("public.json", public)}.Run, 0},
		{"publicity, forged", verifyPublicity{File: write("public2.json", strings.Replace(public, "20000000", "30000000", 1))}.Run, 1},
		{"publicity, not in the journal", verifyPublicity{File: filepath.Join(folder, "public.json"), Journal: own["journal"]}.Run, 1},
		{"publicity, no lines", verifyPublicity{File: write("public3.json", `{"id":"a","digest":"b"}`)}.Run, 2},
		{"recomputed", Draw{Frame: frameFile, Holder: secrets, Out: filepath.Join(folder, "again.json")}.Run, 0},
		{"recomputed, verified", verifyDraw{File: filepath.Join(folder, "again.json")}.Run, 0},
		{"a holder too few", Draw{Frame: frameFile, Holder: secrets[:1], Out: "-"}.Run, 1},
		{"no secret", Draw{Frame: frameFile, Holder: []string{"bureau"}, Out: "-"}.Run, 2},
		{"secret", Secret{Frame: frameFile, Holder: "bureau"}.Run, 0},
		{"secret of nobody", Secret{Frame: frameFile, Holder: "nobody"}.Run, 2},
	} {
		t.Run(c.name, func(t *testing.T) { assert.Equal(t, c.want, Status(c.run())) })
	}
}

// TestSharedVectors: the published vectors, good and bad, with the statuses
// their README gives.
func TestSharedVectors(t *testing.T) {
	shared := os.Getenv("KEPING_SHARED")
	if shared == "" {
		t.Log("KEPING_SHARED names no folder: the published vectors were not run, only the project's own")
		return
	}
	quiet(t)
	folder := filepath.Join(shared, "check", "vectors")
	at := func(name string) string { return filepath.Join(folder, name) }
	check := func(file string) (int, bool) {
		name := filepath.Base(file)
		switch {
		case strings.HasPrefix(name, "draw-") && strings.HasSuffix(name, ".jsonl"):
			return Status(verifyDraw{File: at("draw-2.json"), Journal: file}.Run()), true
		case strings.HasPrefix(name, "draw-"):
			return Status(verifyDraw{File: file}.Run()), true
		case strings.HasPrefix(name, "journal-"):
			return Status(verifyJournal{File: file}.Run()), true
		case strings.HasPrefix(name, "official-"):
			return Status(verifyRanking{File: file}.Run()), true
		case strings.HasPrefix(name, "journalled-"):
			return Status(verifyRanking{File: file, Journal: at("journal-2.jsonl")}.Run()), true
		}
		return 0, false
	}
	unreadable := []string{"-invalid-utf8", "-bom", "-trailing-data", "-truncated", "-two-on-a-line", "-blank-line", "-cut"}
	seen := 0
	for _, pattern := range []string{"*.json*", filepath.Join("bad", "*")} {
		files, err := filepath.Glob(at(pattern))
		require.NoError(t, err)
		for _, file := range files {
			status, known := check(file)
			if !known {
				continue
			}
			seen++
			want := 0
			if strings.HasPrefix(pattern, "bad") {
				want = 1
				name := strings.TrimSuffix(strings.TrimSuffix(filepath.Base(file), ".json"), ".jsonl")
				if slices.ContainsFunc(unreadable, func(s string) bool { return strings.HasSuffix(name, s) }) {
					want = 2
				}
			}
			assert.Equal(t, want, status, file)
		}
	}
	assert.Greater(t, seen, 150)
}

// TestMatchFiles: what a match record lacks is told by its own name.
func TestMatchFiles(t *testing.T) {
	t.Chdir(t.TempDir())
	record := match.Record{
		Frame: match.Frame{Pool: draw.Frame{Holders: []string{}, Seats: []draw.Seats{}, Candidates: []draw.Candidate{}, Excluded: []draw.Excluded{}},
			Files: []match.File{{Name: "affinity.csv"}}},
		Commitments: []draw.Commitment{}, Reveals: []draw.Reveal{}, Files: []match.File{}, Panels: []match.Seats{}, Changes: []match.Replacement{},
	}
	text, err := json.Marshal(record)
	require.NoError(t, err)
	for name, c := range map[string]struct{ record, says string }{
		"an empty object":          {"{}", "RECORD.json：缺少spec"},
		"no object":                {"[]", "RECORD.json：应为对象"},
		"a file that is not there": {string(text), "affinity.csv：没有这个文件或文件夹"},
		"a file of another folder": {strings.Replace(string(text), "affinity.csv", "../affinity.csv", 1), `RECORD.json：文件名"../affinity.csv"不在约定之列`},
	} {
		require.NoError(t, os.WriteFile("RECORD.json", []byte(c.record), 0o600))
		err := Match{File: "RECORD.json"}.Run()
		require.EqualError(t, err, c.says, name)
		assert.Equal(t, 2, Status(err), name)
	}
}
