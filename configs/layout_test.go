package configs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// chain is the order of the top folders: imports only point right.
var chain = []string{"cmd", "api", "reviewing", "experts", "rbac", "configs"}

// pure packages know no clock, database, network or goroutine; beside the
// standard library they import each other and these.
var pure = map[string][]string{
	"keping/reviewing": nil, "keping/reviewing/conflict": nil, "keping/reviewing/rank": nil, "keping/reviewing/rank/opinion": {"gonum.org/v1/gonum"},
	"keping/reviewing/table": nil, "keping/reviewing/assign": nil, "keping/reviewing/match": nil, "keping/reviewing/affinity": {"golang.org/x/text", "keping/rbac/naming"}, "keping/reviewing/chance": nil,
	"keping/experts": nil, "keping/experts/draw": nil,
	"keping/rbac": nil, "keping/rbac/rulebook": nil, "keping/rbac/calendar": nil,
	"keping/rbac/journal": {"github.com/emmansun/gmsm"}, "keping/rbac/secret": {"github.com/emmansun/gmsm"},
}

// onlyIn are libraries that one folder alone may know.
var onlyIn = map[string][]string{
	"github.com/gin-gonic/gin":         {"keping/api"},
	"github.com/danielgtaylor/huma":    {"keping/api"},
	"github.com/casbin/casbin":         {"keping/rbac/enforcer"},
	"github.com/redis/go-redis":        {"keping/configs/redis", "keping/rbac/session", "keping/api"},
	"github.com/go-sql-driver/mysql":   {"keping/configs/database"},
	"github.com/libtnb/sqlite":         {"keping/configs/database"},
	"github.com/pressly/goose":         {"keping/configs/database"},
	"github.com/xuri/excelize":         {"keping/experts/sheetio", "keping/reviewing/sheetio"},
	"github.com/pdfcpu/pdfcpu":         {"keping/reviewing/paper"},
	"github.com/wneessen/go-mail":      {"keping/rbac/notice"},
	"github.com/emersion/go-smtp":      {"keping/rbac/notice/mailbox"},
	"github.com/alexedwards/scs":       {"keping/rbac/session"},
	"github.com/ulule/limiter":         {"keping/rbac/session"},
	"github.com/alecthomas/kong":       {"keping/cmd"},
	"github.com/knadh/koanf":           {"keping/configs"},
	"gorm.io/driver/mysql":             {"keping/configs/database"},
	"github.com/prometheus":            {"keping/api"},
	"github.com/stretchr/testify":      {"test"},
	"github.com/emmansun/gmsm":         {"keping/rbac", "keping/configs/files"},
	"github.com/pquerna/otp":           {"keping/rbac"},
	"github.com/alexedwards/argon2id":  {"keping/rbac"},
	"github.com/unrolled/secure":       {"keping/api"},
	"github.com/testcontainers":        {},
	"golang.org/x/text/encoding":       {"keping/experts/sheetio"},
	"github.com/stretchr/testify/mock": {},
}

// impure standard packages.
var impure = []string{"net", "net/http", "os", "database/sql", "math/rand", "math/rand/v2", "sync", "log", "log/slog", "context", "io/fs", "os/exec"}

func within(path, folder string) bool { return path == folder || strings.HasPrefix(path, folder+"/") }

func rank(path string) int {
	for i, folder := range chain {
		if within(path, "keping/"+folder) {
			return i
		}
	}
	return -1
}

// TestLayout parses every file of the module and holds it to the import table
// and the forbidden identifiers.
func TestLayout(t *testing.T) {
	root, err := filepath.Abs("..")
	require.NoError(t, err)
	files := 0
	packages := map[string]bool{}
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if strings.HasPrefix(entry.Name(), ".") && relative != "." || entry.Name() == "testdata" || entry.Name() == "node_modules" {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		top, _, _ := strings.Cut(relative, string(filepath.Separator)) // what a run leaves in a folder of its own is no code
		assert.Contains(t, append(slices.Clone(chain), "scripts"), top, "a top folder the layout does not know: %s", relative)
		files++
		parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		owner := "keping/" + filepath.ToSlash(filepath.Dir(relative))
		packages[owner] = true
		checkFile(t, filepath.ToSlash(relative), owner, parsed, strings.HasSuffix(path, "_test.go"))
		return nil
	})
	require.NoError(t, err)
	assert.Greater(t, files, 60)
	for name := range pure {
		assert.True(t, packages[name], "%s is in the table but not there", name)
	}
}

func checkFile(t *testing.T, file, owner string, parsed *ast.File, test bool) {
	names := map[string]string{} // local name → import path
	libraries, isPure := pure[owner]
	for _, spec := range parsed.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		require.NoError(t, err)
		name := path[strings.LastIndex(path, "/")+1:]
		if spec.Name != nil {
			name = spec.Name.Name
		}
		names[name] = path
		if strings.HasPrefix(path, "keping/") {
			assert.GreaterOrEqual(t, rank(path), rank(owner), "%s imports %s: imports only point right", file, path)
		}
		for library, homes := range onlyIn {
			if within(path, library) && !(test && slices.Contains(homes, "test")) {
				at := slices.ContainsFunc(homes, func(home string) bool { return within(owner, home) })
				assert.True(t, at || test, "%s imports %s, which belongs to %v alone", file, path, homes)
			}
		}
		if !isPure || test {
			continue
		}
		_, alsoPure := pure[path]
		known := alsoPure || slices.ContainsFunc(libraries, func(l string) bool { return within(path, l) }) || strings.HasPrefix(path, "golang.org/x/text")
		assert.True(t, known || !strings.Contains(path, "."), "%s is pure and imports %s", file, path)
		assert.True(t, known || !strings.HasPrefix(path, "keping/"), "%s is pure and imports %s", file, path)
		assert.NotContains(t, impure, path, "%s is pure", file)
	}
	// The real clock is for sign-in, metrics and the outermost main alone.
	clock := test || within(owner, "keping/rbac/session") || within(owner, "keping/cmd") || within(owner, "keping/rbac/notice/mailbox") || file == "api/server.go"
	ast.Inspect(parsed, func(node ast.Node) bool {
		switch n := node.(type) {
		case *ast.GoStmt:
			assert.False(t, isPure && !test, "%s is pure and starts a goroutine", file)
		case *ast.SelectorExpr:
			owner, ok := n.X.(*ast.Ident)
			if ok && names[owner.Name] == "time" && slices.Contains([]string{"Now", "Since", "Until"}, n.Sel.Name) {
				assert.True(t, clock, "%s uses time.%s: take the act's instant", file, n.Sel.Name)
			}
			if ok && names[owner.Name] == "fmt" && strings.HasPrefix(n.Sel.Name, "Print") {
				assert.True(t, strings.HasPrefix(file, "cmd/") || test, "%s prints: return an error or log", file)
			}
		case *ast.CallExpr:
			if ident, ok := n.Fun.(*ast.Ident); ok && ident.Name == "panic" {
				assert.True(t, !isPure || owner == "keping/rbac/rulebook" || test, "%s panics", file)
			}
		}
		return true
	})
	for _, group := range parsed.Comments {
		for _, word := range []string{"TODO", "FIXME", "XXX", "HACK"} {
			assert.NotContains(t, group.Text(), word, file)
		}
	}
}
