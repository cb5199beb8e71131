package api_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/rbac/rulebook"
)

// rules.md says which tests are refused by which rule (or, of a conflict or a
// warning, see it raised), and which of them are allowed by it too. It is
// written from what the tests saw: a whole run with -update writes it, and
// every run demands that each test it names saw what it is named for.
// scripts/rules runs each named test with its rule switched off: it must fail.

// articleRules are the rules of intake, panel, review and list.
var articleRules = []string{"R-004", "R-005", "R-006", "R-007", "R-010", "R-011", "R-012", "R-013", "R-016", "R-018", "R-019", "R-020", "R-021", "R-022", "R-023", "R-024", "R-025", "R-026",
	"R-055", "R-057", "R-058", "R-059", "R-060", "R-061", "R-062", "R-063", "R-064", "R-065", "R-066", "R-067", "R-068", "R-069", "R-070", "R-071", "R-072", "R-073", "R-074", "R-075", "R-121", "R-122"}

// laterStage are the parts of rules that wait for objects this stage has not.
var laterStage = map[string]string{
	"R-019": "Its own task, advice on the implementation plan, is of a later stage; allowed here is who is no adviser.",
	"R-025": "The list and its publicity; the contract is of a later stage.",
}

const ruleTableHead = `# Rules and the tests that hold them

Written from what the tests saw (` + "`go test ./api -update`" + `); every run checks that each test named still sees it. "Refused in" is by the rule's name with articles, message, remedy and one journal entry, and no longer once the rule is off (of a conflict or a warning: raised); "allowed in" is by the same rule in the same test (not raised). With its rule off each test fails: ` + "`scripts/rules`" + `.

| rule | articles | strength | refused in | allowed in | wording |
|---|---|---|---|---|---|
`

// seen is what the tests saw: rule → tests.
var seen = struct {
	sync.Mutex
	refused, allowed map[string]map[string]bool
	ran              map[string]bool
}{refused: map[string]map[string]bool{}, allowed: map[string]map[string]bool{}, ran: map[string]bool{}}

// report adds what a world saw, if its test passed.
func (w *world) report() {
	if w.t.Failed() {
		return
	}
	test, _, _ := strings.Cut(w.t.Name(), "/")
	seen.Lock()
	defer seen.Unlock()
	seen.ran[test] = true
	for from, into := range map[*map[string]bool]map[string]map[string]bool{&w.refuse: seen.refused, &w.passed: seen.allowed} {
		for rule := range *from {
			if into[rule] == nil {
				into[rule] = map[string]bool{}
			}
			into[rule][test] = true
		}
	}
}

// saw says that a test saw a rule raised, and not raised where it does not hold,
// for what warns, asks or excludes without refusing.
func (w *world) saw(rules ...string) {
	for _, rule := range rules {
		w.refuse[rule], w.passed[rule] = true, true
	}
}

func TestMain(m *testing.M) {
	code := m.Run()
	if code == 0 && *rulesOff == "" {
		if err := checkRuleTable(); err != nil {
			fmt.Println(err)
			code = 1
		}
	}
	os.Exit(code)
}

func checkRuleTable() error {
	whole := flag.Lookup("test.run").Value.String() == "" && flag.Lookup("test.skip").Value.String() == "" && !testing.Short()
	if *update && whole {
		return os.WriteFile("rules.md", []byte(ruleTable()), 0o644)
	}
	rows, err := ruleRows()
	if err != nil {
		return err
	}
	for _, row := range rows {
		for _, test := range row.refused {
			if seen.ran[test] && !seen.refused[row.rule][test] {
				return fmt.Errorf("rules.md: %s is not refused in %s any more (go test ./api -update)", row.rule, test)
			}
		}
		for _, test := range row.allowed {
			if seen.ran[test] && !seen.allowed[row.rule][test] {
				return fmt.Errorf("rules.md: %s is not allowed in %s any more (go test ./api -update)", row.rule, test)
			}
		}
	}
	return nil
}

func ruleTable() string {
	var table strings.Builder
	table.WriteString(ruleTableHead)
	for _, rule := range rulebook.All() {
		refused := slices.Sorted(maps.Keys(seen.refused[rule.ID]))
		if len(refused) == 0 {
			continue
		}
		allowed := slices.DeleteFunc(slices.Clone(refused), func(test string) bool { return !seen.allowed[rule.ID][test] })
		articles := strings.Trim(strings.ReplaceAll(fmt.Sprint(rule.Articles), " ", ", "), "[]")
		fmt.Fprintf(&table, "| %s | %s | %s | %s | %s | %s |\n", rule.ID, articles, rule.Strength, strings.Join(refused, ", "), strings.Join(allowed, ", "), rule.Message)
	}
	table.WriteString("\nOf a later stage:\n\n")
	for _, rule := range slices.Sorted(maps.Keys(laterStage)) {
		fmt.Fprintf(&table, "- %s: %s\n", rule, laterStage[rule])
	}
	return table.String()
}

type ruleRow struct {
	rule             string
	refused, allowed []string
}

// ruleRows reads rules.md.
func ruleRows() ([]ruleRow, error) {
	data, err := os.ReadFile("rules.md")
	if err != nil {
		return nil, err
	}
	tests := func(cell string) []string {
		return strings.FieldsFunc(cell, func(r rune) bool { return r == ',' || r == ' ' })
	}
	var rows []ruleRow
	for _, line := range strings.Split(string(data), "\n") {
		if cells := strings.Split(line, " | "); len(cells) == 6 && cells[0] != "| rule" {
			rows = append(rows, ruleRow{strings.TrimPrefix(cells[0], "| "), tests(cells[3]), tests(cells[4])})
		}
	}
	return rows, nil
}

// TestRuleTable: no rule of this stage, no practice the product enforces and no
// kind of conflict lacks a test that refuses by it and one that allows; the
// tests named exist.
func TestRuleTable(t *testing.T) {
	wanted := map[string]bool{}
	for _, rule := range articleRules {
		wanted[rule] = true
	}
	source := ""
	for _, pattern := range []string{"*.go", "../rbac/*.go", "../rbac/*/*.go", "../experts/*.go", "../experts/*/*.go", "../reviewing/*.go", "../reviewing/*/*.go"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, file := range files {
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			switch {
			case strings.HasSuffix(file, "_test.go"):
				if filepath.Dir(file) == "." {
					source += string(data)
				}
			case filepath.Base(file) != "catalogue.go":
				for _, id := range regexp.MustCompile(`"(P-\d\d)"`).FindAllStringSubmatch(string(data), -1) {
					wanted[id[1]] = true
				}
			}
		}
	}
	for _, rule := range rulebook.All() {
		if !strings.Contains(rule.ID, "-") {
			wanted[rule.ID] = true
		}
	}
	if *update { // it is written after the last test
		return
	}
	rows, err := ruleRows()
	require.NoError(t, err)
	found := map[string]ruleRow{}
	for _, row := range rows {
		found[row.rule] = row
		for _, test := range slices.Concat(row.refused, row.allowed) {
			assert.Contains(t, source, "func "+test+"(t *testing.T)", row.rule)
		}
	}
	for rule := range wanted {
		assert.NotEmpty(t, found[rule].refused, "no test refuses by %s", rule)
		assert.NotEmpty(t, found[rule].allowed, "no test that refuses by %s allows by it", rule)
	}
}

// TestRulesOff runs a few of the table's tests with their rule switched off, as
// scripts/rules runs them all.
func TestRulesOff(t *testing.T) {
	for rule, test := range map[string]string{"R-010": "TestUnitRegistration", "P-45": "TestCorrection", "kin": "TestConflictKinds"} {
		said, err := exec.Command(os.Args[0], "-test.run", "^"+test+"$", "-rules.off", rule).CombinedOutput()
		assert.Error(t, err, "%s passes without %s", test, rule)
		assert.Contains(t, string(said), "--- FAIL: "+test)
	}
}
