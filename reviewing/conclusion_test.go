package reviewing

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"keping/rbac"
	"keping/rbac/rulebook"
)

// TestSoundConclusion: what contradicts itself is refused at its row.
func TestSoundConclusion(t *testing.T) {
	f := ListFacts{Programme: Programme{Year: 2025}, List: AwardList{Lines: []Line{{ApplicationID: "a", Number: "001", Choice: "proposed"}, {ApplicationID: "b", Number: "002", Choice: "proposed"}, {ApplicationID: "c", Number: "003", Choice: "reserve"}}}}
	p := &rulebook.Pack{PeriodMonthsMax: 36}
	yes, no := func(id string) Word { return Word{ApplicationID: id, Agreed: true} }, func(id string) Word { return Word{ApplicationID: id} }
	for what, c := range map[string]struct {
		kind     string
		agreed   bool
		words    []Word
		schedule []Payment
		vote     *Vote
		field    string
	}{
		"each agreed":                   {"conference", true, []Word{yes("a"), yes("b")}, nil, nil, ""},
		"a word on a reserve line too":  {"conference", true, []Word{yes("a"), yes("b"), no("c")}, nil, nil, ""},
		"one not, and so not the whole": {"conference", false, []Word{yes("a"), no("b")}, nil, nil, ""},
		"one line left out":             {"conference", true, []Word{yes("a")}, nil, nil, "words"},
		"no words":                      {"conference", true, nil, nil, nil, "words"},
		"a line twice":                  {"conference", true, []Word{yes("a"), yes("b"), no("a")}, nil, nil, "words[2]"},
		"an unknown line":               {"conference", true, []Word{yes("a"), yes("b"), yes("z")}, nil, nil, "words[2]"},
		"agreed against a word":         {"conference", true, []Word{yes("a"), no("b")}, nil, nil, "words[1]"},
		"not agreed, but to each":       {"conference", false, []Word{yes("a"), yes("b")}, nil, nil, "agreed"},
		"a payment before the year":     {"finance", true, nil, []Payment{{"a", 2024, 1, 1}}, nil, "schedule[0].year"},
		"the last year":                 {"finance", true, nil, []Payment{{"a", 2030, 1, 1}}, nil, ""},
		"beyond the last year":          {"finance", true, nil, []Payment{{"a", 2030, 1, 1}, {"a", 2031, 2, 1}}, nil, "schedule[1].year"},
		"a vote that adds up":           {"deliberation", true, nil, nil, &Vote{7, 6, 0, 1}, ""},
		"more votes than people":        {"deliberation", true, nil, nil, &Vote{7, 6, 1, 1}, "vote"},
		"carried, but not agreed":       {"deliberation", false, nil, nil, &Vote{7, 6, 0, 1}, "vote"},
		"not carried and not agreed":    {"deliberation", false, nil, nil, &Vote{7, 3, 3, 1}, ""},
	} {
		field := ""
		if refusal, refused := rbac.AsRefusal(SoundConclusion(p, f, c.kind, c.agreed, c.words, c.schedule, c.vote)); refused {
			field = refusal.Fields[0].Field
		}
		assert.Equal(t, c.field, field, what)
	}
}
