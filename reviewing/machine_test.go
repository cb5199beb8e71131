package reviewing

import (
	"flag"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write machines.md anew")

// TestMachines: every state and move has its name in Chinese, every target is
// a state, every state but the first can be reached, and machines.md shows the
// tables the code runs on.
func TestMachines(t *testing.T) {
	var drawn strings.Builder
	drawn.WriteString("# Life cycles\n\nDrawn from the tables the code runs on (`go test ./reviewing -run TestMachines -update` writes this file).\n")
	for _, m := range Machines() {
		reached := map[string]bool{}
		for _, from := range slices.Sorted(maps.Keys(m.Moves)) {
			assert.NotEmpty(t, stateNames[from], "%s %s", m.ID, from)
			for move, to := range m.Moves[from] {
				assert.NotEmpty(t, moveNames[move], "%s %s", m.ID, move)
				assert.Contains(t, m.Moves, to, "%s %s", m.ID, move)
				reached[to] = reached[to] || to != from
			}
		}
		assert.GreaterOrEqual(t, len(reached), len(m.Moves)-1, "%s has states nothing leads to", m.ID)
		drawn.WriteString("\n## " + m.ID + " " + m.Name + "\n\n```mermaid\n" + m.Mermaid() + "```\n")
	}
	if *update {
		require.NoError(t, os.WriteFile("machines.md", []byte(drawn.String()), 0o644))
	}
	committed, err := os.ReadFile("machines.md")
	require.NoError(t, err)
	assert.Equal(t, drawn.String(), string(committed))
}
