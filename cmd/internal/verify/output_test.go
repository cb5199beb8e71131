package verify

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestOutputs: what can be seen before the work is refused before it, with exit
// status 2; outputs come together or not at all.
func TestOutputs(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, mode := range map[string]os.FileMode{"in.csv": 0o600, "old.csv": 0o640} {
		require.NoError(t, os.WriteFile(name, []byte("before"), mode))
	}
	require.NoError(t, os.Mkdir("folder", 0o700))
	require.NoError(t, os.Symlink("old.csv", "link.csv"))
	require.NoError(t, os.Symlink("nowhere/x.csv", "dangling.csv"))
	require.NoError(t, os.Link("in.csv", "hard.csv"))
	for name, c := range map[string]struct {
		outputs []string
		says    string // "" where all is well
	}{
		"new files":                 {outputs: []string{"a.csv", "folder/b.json", ""}},
		"over an older one":         {outputs: []string{"old.csv"}},
		"the input":                 {outputs: []string{"in.csv"}, says: "输出in.csv与in.csv是同一个文件"},
		"the input by another name": {outputs: []string{"./folder/../in.csv"}, says: "是同一个文件"},
		"the input by a hard link":  {outputs: []string{"hard.csv"}, says: "输出hard.csv与in.csv是同一个文件"},
		"an output twice":           {outputs: []string{"a.csv", "./a.csv"}, says: "输出./a.csv与a.csv是同一个文件"},
		"an output and its link":    {outputs: []string{"old.csv", "link.csv"}, says: "输出link.csv与old.csv是同一个文件"},
		"standard output twice":     {outputs: []string{"-", "-"}, says: "输出标准输出与标准输出是同一个文件"},
		"nowhere twice":             {outputs: []string{os.DevNull, os.DevNull}},
		"no such folder":            {outputs: []string{"none/a.csv"}, says: "none/a.csv：没有这个文件或文件夹"},
		"a folder":                  {outputs: []string{"folder"}, says: "folder：是文件夹，不是文件"},
		"below a file":              {outputs: []string{"in.csv/a.csv"}, says: "in.csv/a.csv：路径中有一段不是文件夹"},
		"a link that leads nowhere": {outputs: []string{"dangling.csv"}, says: "dangling.csv：没有这个文件或文件夹"},
	} {
		t.Run(name, func(t *testing.T) {
			err := Try([]string{"in.csv", "", "none.csv"}, c.outputs...)
			if c.says == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, c.says)
				assert.Equal(t, 2, Status(err))
			}
		})
	}
	left := func() (names []string) {
		for _, folder := range []string{".", "folder"} {
			entries, err := os.ReadDir(folder)
			require.NoError(t, err)
			for _, e := range entries {
				names = append(names, e.Name())
			}
		}
		return names
	}
	before := left()
	text := func(w io.Writer) error { _, err := io.WriteString(w, "after"); return err }
	broken := func(w io.Writer) error { return errors.Join(text(w), errors.New("broken")) }
	holds := func(name, want string) {
		got, err := Read(name)
		require.NoError(t, err)
		assert.Equal(t, want, string(got), name)
	}
	assert.Equal(t, 1, Status(Write(Output{"old.csv", text}, Output{"new.csv", broken})))
	if _, err := os.Stat("/dev/full"); err == nil {
		assert.Equal(t, 2, Status(Write(Output{"old.csv", text}, Output{"/dev/full", text})))
	}
	holds("old.csv", "before")
	assert.Equal(t, before, left(), "nothing new is left behind")
	require.NoError(t, Write(Output{"link.csv", text}, Output{"folder/new.csv.gz", text}, Output{os.DevNull, text}, Output{"", broken}))
	holds("old.csv", "after")
	holds("folder/new.csv.gz", "after")
	info, err := os.Stat("old.csv")
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o640), info.Mode(), "its mode is kept")
	info, err = os.Lstat("link.csv")
	require.NoError(t, err)
	assert.Equal(t, os.ModeSymlink, info.Mode().Type(), "a link stays one")
}

// TestRead: what cannot be read is told in Chinese with exit status 2.
func TestRead(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("plain.csv.gz", []byte("application\n"), 0o600))
	require.NoError(t, Write(Output{"whole.gz", func(w io.Writer) error { _, err := w.Write(make([]byte, 1000)); return err }}))
	whole, err := os.ReadFile("whole.gz")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile("cut.gz", whole[:len(whole)-9], 0o600))
	for name, says := range map[string]string{
		"none":                        "none：没有这个文件或文件夹",
		".":                           ".：是文件夹，不是文件",
		"plain.csv.gz":                "plain.csv.gz：名为 .gz 而不是 gzip 文件",
		"cut.gz":                      "cut.gz：gzip 文件已损坏或不完整",
		filepath.Join("cut.gz", "in"): "cut.gz/in：路径中有一段不是文件夹",
	} {
		_, err := Read(name)
		require.EqualError(t, err, says)
		assert.Equal(t, 2, Status(err))
	}
	in, err := os.Open("whole.gz")
	require.NoError(t, err)
	kept := os.Stdin
	os.Stdin = in
	t.Cleanup(func() { os.Stdin = kept; in.Close() })
	_, err = Read("-")
	require.NoError(t, err)
	_, err = Read("-")
	require.EqualError(t, err, "-：标准输入只能用一次")
}

// TestPlain: nothing a file holds steers the terminal.
func TestPlain(t *testing.T) {
	assert.Equal(t, `甲　乙 \u001b[2J\u0000\u200b`+"\n�", plain("甲　乙 \x1b[2J\x00\u200b\n\xff"))
}
