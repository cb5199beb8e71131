package journal

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestHashIsSM3(t *testing.T) {
	// The example of GB/T 32905, appendix A.1.
	assert.Equal(t, "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0", Hash("abc"))
}

func TestCanonical(t *testing.T) {
	for _, c := range []struct {
		value any
		want  string
	}{
		{map[string]any{"b": 1, "a": []string{"<&>\u2028", "\n\x01\"\\"}}, "{\"a\":[\"<&>\u2028\",\"\\n\\u0001\\\"\\\\\"],\"b\":1}"},
		{struct {
			Z int    `json:"z"`
			A string `json:"a"`
			N *int   `json:"n"`
			X int    `json:"-"`
		}{Z: -3, A: "中"}, `{"a":"中","n":null,"z":-3}`},
		{[]any{true, nil, int64(1<<53 - 1)}, "[true,null,9007199254740991]"},
	} {
		got, err := Canonical(c.value)
		require.NoError(t, err)
		assert.Equal(t, c.want, string(got))
	}
	for _, bad := range []any{1.5, int64(1 << 53), "\xff", map[string]any{"中": 1}, map[int]int{1: 1}, make(chan int)} {
		_, err := Canonical(bad)
		assert.Error(t, err, "%v", bad)
	}
}

func TestParse(t *testing.T) {
	for text, want := range map[string]any{
		`"\u4e2d\ud83d\ude00\/"`: "中😀/", ` [1 , -2]`: []any{int64(1), int64(-2)}, `{}`: map[string]any{}, `0`: int64(0),
	} {
		got, err := Parse([]byte(text))
		require.NoError(t, err, text)
		assert.Equal(t, want, got, text)
	}
	var unreadable *Unreadable
	for _, text := range []string{"", "{", `{"a":1,}`, "01", "1 2", "\ufeff1", "\"\xff\"", "nul", `"a`, "\"\n\"", `"\u12"`, `"\q"`, "-", "1.", "1e", "[1 2]", strings.Repeat("[", 1000)} {
		_, err := Parse([]byte(text))
		assert.True(t, errors.As(err, &unreadable), "%.20q must be unreadable: %v", text, err)
	}
	for _, text := range []string{`{"a":1,"a":1}`, "1.0", "1e3", "-0", "9007199254740992", `"\ud800"`, `"\ud800\u0041"`, `"\udc00"`, `{"中":1}`} {
		_, err := Parse([]byte(text))
		assert.Error(t, err, text)
		assert.False(t, errors.As(err, &unreadable), "%q is JSON, only refused: %v", text, err)
	}
}

// chain seals n entries.
func chain(t *testing.T, n int) string {
	t.Helper()
	var out bytes.Buffer
	head := Genesis
	for i := range n {
		e, err := Seal(head, Entry{At: "2025-03-01T00:00:00Z", Actor: "officer:u1", Act: "review.create", Object: "review/r1", Facts: map[string]any{"n": i, "list": []string{"a"}}})
		require.NoError(t, err)
		line, err := Canonical(e)
		require.NoError(t, err)
		out.Write(append(line, '\n'))
		head = Checkpoint{e.Seq, e.Hash, e.At}
	}
	return out.String()
}

func TestVerify(t *testing.T) {
	text := chain(t, 4)
	last, err := Verify(strings.NewReader(text), nil, nil)
	require.NoError(t, err)
	assert.EqualValues(t, 4, last.Seq)
	_, err = Verify(strings.NewReader(text), []Checkpoint{last}, nil)
	assert.NoError(t, err)
	lines := strings.SplitAfter(text, "\n")
	for name, broken := range map[string]string{
		"altered": strings.Replace(text, `"n":2`, `"n":7`, 1), "dropped": lines[0] + lines[2] + lines[3],
		"swapped": lines[0] + lines[2] + lines[1] + lines[3], "empty": "", "blank line": lines[0] + "\n" + lines[1],
	} {
		_, err := Verify(strings.NewReader(broken), nil, nil)
		assert.Error(t, err, name)
	}
	_, err = Verify(strings.NewReader(lines[0]+lines[1]), []Checkpoint{last}, nil)
	assert.ErrorContains(t, err, "第4条", "truncation is found by a checkpoint")
}

func TestSealRefuses(t *testing.T) {
	good := Entry{At: "2025-03-01T00:00:00Z", Actor: "system", Act: "a.b", Object: "a/1", Facts: map[string]any{}}
	for name, spoil := range map[string]func(*Entry){
		"actor": func(e *Entry) { e.Actor = "officer" }, "act": func(e *Entry) { e.Act = "A.b" }, "object": func(e *Entry) { e.Object = "a/ x" },
		"day": func(e *Entry) { e.At = "2025-02-30T00:00:00Z" }, "null": func(e *Entry) { e.Facts = map[string]any{"x": nil} },
		"float": func(e *Entry) { e.Facts = map[string]any{"x": 1.5} }, "refused": func(e *Entry) { e.Facts = map[string]any{"refused": "no"} },
	} {
		e := good
		spoil(&e)
		_, err := Seal(Genesis, e)
		assert.Error(t, err, name)
	}
}

// TestSharedVectors runs the published vectors, good and bad.
func TestSharedVectors(t *testing.T) {
	shared := os.Getenv("KEPING_SHARED")
	if shared == "" {
		t.Log("KEPING_SHARED names no folder: the published vectors were not run, only the project's own")
		return
	}
	folder := filepath.Join(shared, "check", "vectors")
	verify := func(file string) error {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		_, err = Verify(bytes.NewReader(data), nil, nil)
		return err
	}
	for _, name := range []string{"journal-1.jsonl", "journal-2.jsonl"} {
		assert.NoError(t, verify(filepath.Join(folder, name)), name)
	}
	bad, err := filepath.Glob(filepath.Join(folder, "bad", "journal-*.jsonl"))
	require.NoError(t, err)
	require.NotEmpty(t, bad)
	var unreadable *Unreadable
	for _, file := range bad {
		err := verify(file)
		assert.Error(t, err, file)
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "journal-"), ".jsonl")
		wantUnreadable := map[string]bool{"invalid-utf8": true, "bom": true, "two-on-a-line": true, "blank-line": true, "cut": true}[name]
		assert.Equal(t, wantUnreadable, errors.As(err, &unreadable), "%s: %v", name, err)
	}
}
