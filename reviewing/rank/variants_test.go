package rank

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestVariants by hand: what each would have said, and which are not asked.
func TestVariants(t *testing.T) {
	r := record(t, Method{"mean", 0}, map[string][]float64{"A1": {90, 80}, "A2": {70, 86}})
	shown := func(r Record) (out [][]string) {
		for _, v := range r.Variants() {
			row := []string{v.Kind, v.Of}
			for _, x := range v.Results {
				row = append(row, x.Application, x.Shown)
			}
			out = append(out, row)
		}
		return out
	}
	assert.Equal(t, [][]string{
		{"without", "E1", "A2", "86.00", "A1", "80.00"},
		{"without", "E2", "A1", "90.00", "A2", "70.00"},
		{"trimmed", "", "A1", "85.00", "A2", "78.00"},
	}, shown(r), "one criterion has no weight to change, nobody is joint")

	joint := r
	joint.Sheets = append([]Sheet{}, r.Sheets...)
	v := 9800
	joint.Sheets = append(joint.Sheets, Sheet{Status: "joint", Class: "joint", Sheet: Content{Application: "A2", Expert: "U1", Version: 1, Marks: []Mark{{"all", &v}}, Recommendation: "recommend"}})
	assert.Contains(t, shown(joint), []string{"joint", "", "A1", "85.00", "A2", "84.67"})

	votes := record(t, Method{"votes", 0}, map[string][]float64{"A1": {1, 1}, "A2": {1, 0}})
	for _, v := range votes.Variants() {
		assert.Equal(t, Without, v.Kind, "votes have no weights and no highest")
	}

	r.Form = Form{[]Criterion{{Code: "a", Weight: 5000, Maximum: 10000, Classes: []string{}}, {Code: "b", Weight: 5000, Maximum: 10000, Classes: []string{}}}}
	for i := range r.Sheets {
		a, b := 8000, 7900
		if r.Sheets[i].Sheet.Application == "A2" {
			a, b = 7500, 8410
		}
		r.Sheets[i].Sheet.Marks = []Mark{{"a", &a}, {"b", &b}}
	}
	before, err := json.Marshal(r)
	require.NoError(t, err)
	first := map[string]string{}
	for _, v := range r.Variants() {
		first[v.Kind+v.Of] = v.Results[0].Application
	}
	assert.Equal(t, map[string]string{"withoutE1": "A2", "withoutE2": "A2", "trimmed": "A2", "weighta-10%": "A2", "weighta+10%": "A1", "weightb-10%": "A1", "weightb+10%": "A2"}, first)
	after, err := json.Marshal(r)
	require.NoError(t, err)
	assert.Equal(t, string(before), string(after), "the record stays as it is")
}
