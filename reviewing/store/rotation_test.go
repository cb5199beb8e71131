package store

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/configs/rulepacks"
	"keping/experts"
	"keping/rbac/rulebook"
	"keping/reviewing"
	"keping/reviewing/conflict"
)

// TestWorn: rotation is asked of a direct appointment as of a draw; the panel
// one is appointed to does not count against oneself, and a release ends it.
func TestWorn(t *testing.T) {
	pack, err := rulebook.Parse(rulepacks.Shapingba)
	require.NoError(t, err)
	e := experts.Expert{ID: "e", Name: "张三", State: experts.InPool, Classes: []experts.Class{experts.Finance}}
	f := &fitness{pack: pack, review: reviewing.Review{ID: "r", MeetingDay: "2025-06-18"}, people: map[string]conflict.Expert{"e": {Expert: e}},
		facts: &facts{uses: pack.Uses, known: map[string][]conflict.Reason{"e": nil}}, rotation: rotation{kind: "major", released: map[string]bool{}, served: map[string][]experts.Served{}}}
	for _, id := range []string{"a", "b", "c", "d", "x", "r"} {
		f.served["e"] = append(f.served["e"], experts.Served{ID: id, Kind: "key", Day: "2025-05-01"})
	}
	assert.Empty(t, f.worn(e), "five others and this one")
	f.served["e"] = append(f.served["e"], experts.Served{ID: "y", Kind: "key", Day: "2025-05-02"})
	assert.Equal(t, "panels_per_year", f.worn(e))
	said := func() (out rulebook.Outcome) {
		for _, v := range f.appointable(&bench{panel: &panel{drawn: &drawnPanel{}}}, e, NewAppointment{Class: experts.Finance, ExpertID: "e"}) {
			if v.Rule == "P-15" {
				out = v.Verdict
			}
		}
		return out
	}
	assert.Equal(t, rulebook.OutcomeFail, said())
	f.released["e"] = true
	assert.Empty(t, f.worn(e))
	assert.Empty(t, said())
}
