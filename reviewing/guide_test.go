package reviewing

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"keping/experts"
	"keping/rbac"
)

// TestCheckPanel: a panel that could never bring a total is refused before
// anybody is invited.
func TestCheckPanel(t *testing.T) {
	part := func(classes ...string) Criterion { return Criterion{Name: "指标", Classes: classes} }
	for _, x := range []struct {
		what     string
		method   string
		criteria []Criterion
		planned  [3]int // technical, management, finance
		fields   []string
	}{
		{"all mark all", "zscore", []Criterion{part(), part()}, [3]int{3, 1, 1}, nil},
		{"a form in parts", "mean", []Criterion{part("technical", "management"), part("finance")}, [3]int{3, 1, 1}, nil},
		{"nobody for the budget", "mean", []Criterion{part("technical", "management"), part("finance")}, [3]int{4, 1, 0}, []string{"technical"}},
		{"finance has nothing to mark", "mean", []Criterion{part("technical", "management")}, [3]int{3, 1, 1}, []string{"finance"}},
		{"only the joint unit marks it", "mean", []Criterion{part(), part("joint")}, [3]int{3, 1, 1}, []string{"technical"}},
		{"a whole form in parts", "two_stage", []Criterion{part("technical", "management"), part()}, [3]int{3, 1, 1}, []string{"finance"}},
		{"no numbers", "votes", nil, [3]int{3, 1, 1}, nil},
	} {
		err := Guide{Method: x.method, Criteria: x.criteria}.CheckPanel(Counts(x.planned[0], x.planned[1], x.planned[2]))
		var fields []string
		if refusal, refused := rbac.AsRefusal(err); refused {
			for _, f := range refusal.Fields {
				fields = append(fields, f.Field)
			}
		}
		assert.Equal(t, x.fields, fields, x.what)
	}
	assert.True(t, part("joint").MarkedBy(experts.Joint))
}
