package rulebook_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/configs/rulepacks"
	"keping/rbac/rulebook"
)

func TestCatalogue(t *testing.T) {
	count := map[rulebook.Strength]int{}
	seen := map[string]bool{}
	for _, r := range rulebook.All() {
		assert.False(t, seen[r.ID], "%s stands twice", r.ID)
		seen[r.ID] = true
		assert.NotEmpty(t, r.Message, r.ID)
		if strings.HasPrefix(r.ID, "R-") {
			count[r.Strength]++
			assert.NotEmpty(t, r.Articles, r.ID)
		}
	}
	assert.Equal(t, map[rulebook.Strength]int{rulebook.Hard: 81, rulebook.Soft: 8, rulebook.Enumerated: 8, rulebook.Implied: 25}, count)
}

func TestPack(t *testing.T) {
	pack, err := rulebook.Parse(rulepacks.Shapingba)
	require.NoError(t, err)
	assert.Regexp(t, `^shapingba@2024\.1#[0-9a-f]{64}$`, pack.ID())
	text := string(rulepacks.Shapingba)
	for name, c := range map[string]struct{ old, new, want string }{
		"unknown key": {`"unit_cap": 1,`, `"unit_cap": 1, "unit_cup": 2,`, "unit_cup"},
		"missing key": {`"unit_cap": 1,`, ``, "unit_cap"},
		"fraction":    {`"unit_cap": 1,`, `"unit_cap": 1.5,`, "整数"},
		"twice":       {`"unit_cap": 1,`, `"unit_cap": 1, "unit_cap": 1,`, "unit_cap"},
		"hard rule":   {`"disabled": []`, `"disabled": ["R-005"]`, "R-005"},
		"no rule":     {`"disabled": []`, `"disabled": ["R-999"]`, "R-999"},
		"date":        {`2024-01-20`, `2024-13-20`, "in_force"},
		"range":       {`"panel_min": 5`, `"panel_min": 9`, "panel_min"},
	} {
		require.Contains(t, text, c.old)
		_, err := rulebook.Parse([]byte(strings.Replace(text, c.old, c.new, 1)))
		assert.ErrorContains(t, err, c.want, name)
	}
}

// TestKept: a pack of an earlier program stays in force under its own name and
// digest; what it could not know yet is the shipped pack's.
func TestKept(t *testing.T) {
	shipped := strings.Replace(string(rulepacks.Shapingba), `"unit_cap": 1,`, `"unit_cap": 3,`, 1)
	older := strings.Replace(strings.Replace(string(rulepacks.Shapingba), `"unit_cap": 1,`, ``, 1), `"panel_min": 5`, `"panel_min": 4`, 1)
	digest := strings.Repeat("a", 64)
	pack, err := rulebook.Kept([]byte(older), []byte(shipped), digest)
	require.NoError(t, err)
	assert.Equal(t, []any{3, 4, "shapingba@2024.1#" + digest}, []any{pack.UnitCap, pack.PanelMin, pack.ID()})
	_, err = rulebook.Kept([]byte(strings.Replace(older, `"panel_min"`, `"panel_mim"`, 1)), []byte(shipped), digest)
	assert.ErrorContains(t, err, "panel_mim")
}

func TestVerdicts(t *testing.T) {
	pack, err := rulebook.Parse(rulepacks.Shapingba)
	require.NoError(t, err)
	fail := pack.Fail("R-022", nil, "m", "r")
	warn := pack.Fail("R-080", nil, "m", "r")
	assert.Len(t, rulebook.Blocking([]rulebook.Verdict{fail, warn, pack.Pass("R-005", nil)}), 1)
	assert.Empty(t, rulebook.Blocking([]rulebook.Verdict{rulebook.Released(fail)}))
	hard := pack.Fail("R-005", nil, "m", "r")
	assert.NotEmpty(t, rulebook.Blocking([]rulebook.Verdict{rulebook.Released(hard)}), "only soft rules are released")
	assert.Empty(t, rulebook.Blocking([]rulebook.Verdict{pack.Without("R-005").Fail("R-005", nil, "m", "r")}))
	assert.NotEmpty(t, rulebook.Blocking([]rulebook.Verdict{pack.Fail("R-005", nil, "m", "r")}), "Without leaves the pack itself alone")
	data, err := json.Marshal(pack.Fail("P-15", nil, "m", "r"))
	require.NoError(t, err)
	assert.Contains(t, string(data), `"articles":[]`)
	assert.Contains(t, string(data), `"inputs":{}`)
}
