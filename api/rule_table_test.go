package api_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/rbac/rulebook"
)

var ruleName = regexp.MustCompile(`^(R-\d{3}|P-\d{2})$`)

// TestRuleTable writes rules.md: which test refuses by which rule, read off the
// tests themselves. A refusal made by the harness (world.refused) is allowed
// again once its rule is switched off, so each test named fails without it.
func TestRuleTable(t *testing.T) {
	tests := map[string]map[string]bool{} // rule → tests
	files, err := filepath.Glob("*_test.go")
	require.NoError(t, err)
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		require.NoError(t, err)
		for _, d := range parsed.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || !strings.HasPrefix(f.Name.Name, "Test") {
				continue
			}
			for _, rule := range refusedIn(f.Body) {
				if tests[rule] == nil {
					tests[rule] = map[string]bool{}
				}
				tests[rule][f.Name.Name] = true
			}
		}
	}
	var table strings.Builder
	table.WriteString("# Rules and the tests that refuse by them\n\nRead off the tests (`go test ./api -run TestRuleTable -update` writes this file). Each test also shows that the act is allowed once the rule is switched off.\n\n| rule | articles | strength | refused in | wording |\n|---|---|---|---|---|\n")
	for _, rule := range rulebook.All() {
		if names := slices.Sorted(maps.Keys(tests[rule.ID])); len(names) > 0 {
			articles := strings.Trim(strings.ReplaceAll(fmt.Sprint(rule.Articles), " ", ", "), "[]")
			fmt.Fprintf(&table, "| %s | %s | %s | %s | %s |\n", rule.ID, articles, rule.Strength, strings.Join(names, ", "), rule.Message)
		}
	}
	if *update {
		require.NoError(t, os.WriteFile("rules.md", []byte(table.String()), 0o644))
	}
	committed, err := os.ReadFile("rules.md")
	require.NoError(t, err)
	assert.Equal(t, table.String(), string(committed))
	for _, rule := range []string{"R-004", "R-005", "R-006", "R-007", "R-010", "R-012", "R-013", "R-018", "R-019", "R-020", "R-021", "R-022", "R-023", "R-024", "R-025", "R-026",
		"R-055", "R-057", "R-058", "R-059", "R-060", "R-061", "R-062", "R-063", "R-064", "R-065", "R-066", "R-067", "R-068", "R-069", "R-070", "R-071", "R-072", "R-073", "R-074", "R-075", "R-121", "R-122"} {
		assert.NotEmpty(t, tests[rule], "no test refuses by %s", rule)
	}
}

// refusedIn are the rules a test refuses by: the first argument of refused and
// of the local functions that call it, or the list that a loop around it names.
func refusedIn(body *ast.BlockStmt) []string {
	var out []string
	rule := func(e ast.Expr) {
		if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if text, err := strconv.Unquote(lit.Value); err == nil && ruleName.MatchString(text) {
				out = append(out, text)
			}
		}
	}
	ast.Inspect(body, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.CallExpr:
			name := ""
			switch f := x.Fun.(type) {
			case *ast.Ident:
				name = f.Name
			case *ast.SelectorExpr:
				name = f.Sel.Name
			}
			if slices.Contains([]string{"refused", "broken", "guideRefused"}, name) && len(x.Args) > 0 {
				rule(x.Args[0])
			}
		case *ast.RangeStmt:
			list, ok := x.X.(*ast.CompositeLit)
			if !ok || !calls(x.Body, "refused") {
				return true
			}
			for _, e := range list.Elts {
				if pair, ok := e.(*ast.KeyValueExpr); ok {
					e = pair.Key
				}
				rule(e)
			}
		}
		return true
	})
	return out
}

func calls(body ast.Node, name string) bool {
	found := false
	ast.Inspect(body, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			if f, ok := call.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == name {
				found = true
			}
		}
		return true
	})
	return found
}
