package conflict

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"keping/experts"
)

// Each kind stands beside the near miss that must not fire.
func TestCheck(t *testing.T) {
	app := Application{ID: "a1", LeaderID: "p-lead", LeadUnit: "u-lead", Units: []string{"u-lead", "u-partner", "u-joint"}, Joint: []string{"u-joint"},
		People: map[string]string{"p-lead": "u-lead", "p-member": "u-member"}, Avoid: []Avoided{{ExpertID: "e-named", Written: "张三（某大学）", Registered: "张三（某学院）"}}}
	options := Options{SameUnitYears: 3, CooperationYears: 3, Today: "2025-06-01",
		Root: map[string]string{"u-college": "u-lead", "u-lead": "", "u-hospital": "u-other"}}
	at := func(unit, from, to string) experts.Employment {
		return experts.Employment{UnitID: unit, From: from, To: to}
	}
	for _, c := range []struct {
		name string
		fact Expert
		seat string
		want string // kind:level, or "" for none
	}{
		{"leads it", Expert{Leads: []string{"a1"}}, "", "own_application:hard"},
		{"leads another", Expert{Leads: []string{"a2"}}, "", ""},
		{"takes part", Expert{Joins: []string{"a1"}}, "", "own_application:hard"},
		{"member who leads", Expert{Member: true, Expert: experts.Expert{PersonID: "p-lead"}}, "", "technical_group:hard"},
		{"member who does not lead", Expert{Member: true}, "", ""},
		{"same unit", Expert{Expert: experts.Expert{UnitID: "u-lead"}}, "", "same_unit:hard"},
		{"college of the unit", Expert{Expert: experts.Expert{UnitID: "u-college"}}, "", "same_unit:hard"},
		{"unit of a member", Expert{Expert: experts.Expert{UnitID: "u-member"}}, "", "same_unit:hard"},
		{"hospital of another", Expert{Expert: experts.Expert{UnitID: "u-hospital"}}, "", ""},
		{"own joint seat", Expert{Expert: experts.Expert{UnitID: "u-joint"}}, "u-joint", ""},
		{"joint unit, other seat", Expert{Expert: experts.Expert{UnitID: "u-joint"}}, "", "same_unit:hard"},
		{"left within three years", Expert{Expert: experts.Expert{Employments: []experts.Employment{at("u-partner", "2019-01-01", "2022-06-01")}}}, "", "past_unit:ask"},
		{"left three years and a day ago", Expert{Expert: experts.Expert{Employments: []experts.Employment{at("u-partner", "2019-01-01", "2022-05-31")}}}, "", ""},
		{"second post there now", Expert{Expert: experts.Expert{Employments: []experts.Employment{at("u-partner", "2019-01-01", "")}}}, "", "same_unit:hard"},
		{"adviser", Expert{Expert: experts.Expert{Ties: []experts.Tie{{Kind: "adviser", PersonID: "p-member"}}}}, "", "adviser:hard"},
		{"adviser of another", Expert{Expert: experts.Expert{Ties: []experts.Tie{{Kind: "adviser", PersonID: "p-x"}}}}, "", ""},
		{"kin", Expert{Expert: experts.Expert{Ties: []experts.Tie{{Kind: "kin", PersonID: "p-lead"}}}}, "", "kin:hard"},
		{"kin of another", Expert{Expert: experts.Expert{Ties: []experts.Tie{{Kind: "kin", PersonID: "p-y"}}}}, "", ""},
		{"shareholder", Expert{Expert: experts.Expert{Ties: []experts.Tie{{Kind: "economic", UnitID: "u-partner"}}}}, "", "economic:hard"},
		{"shareholder elsewhere", Expert{Expert: experts.Expert{Ties: []experts.Tie{{Kind: "economic", UnitID: "u-x"}}}}, "", ""},
		{"co-operation", Expert{Expert: experts.Expert{Ties: []experts.Tie{{Kind: "cooperation", PersonID: "p-lead", Last: "2023-01-01"}}}}, "", "cooperation:ask"},
		{"old co-operation", Expert{Expert: experts.Expert{Ties: []experts.Tie{{Kind: "cooperation", PersonID: "p-lead", Last: "2022-05-31"}}}}, "", ""},
		{"co-member elsewhere", Expert{CoMembers: map[string]string{"p-member": "b1"}}, "", "co_member:ask"},
		{"co-member of others", Expert{CoMembers: map[string]string{"p-z": "b1"}}, "", ""},
		{"named", Expert{Expert: experts.Expert{ID: "e-named"}}, "", "named:ask"},
		{"not named", Expert{Expert: experts.Expert{ID: "e-other"}}, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := options
			o.Seat = c.seat
			got := ""
			for _, r := range Check(c.fact, app, o) {
				got += r.Kind + ":" + string(r.Level)
				assert.NotEmpty(t, r.Message)
				assert.NotEmpty(t, r.Evidence)
			}
			assert.Equal(t, c.want, got)
		})
	}
}

func TestMissing(t *testing.T) {
	assert.Empty(t, Missing(Expert{Identified: true, Expert: experts.Expert{Employments: []experts.Employment{{UnitID: "u"}}}}))
	assert.Len(t, Missing(Expert{}), 1, "one item per expert, whatever is missing")
	of := func(id string) Reason {
		found := Missing(Expert{Identified: true, Unvetted: true, Expert: experts.Expert{ID: id, UnitID: "u", Employments: []experts.Employment{{UnitID: "u"}}}})
		assert.Len(t, found, 1)
		return found[0]
	}
	assert.Equal(t, of("e1").Key(), of("e2").Key(), "one item per unit, whoever works there")
}

func TestKeyFollowsEvidence(t *testing.T) {
	r := Reason{Kind: "past_unit", ExpertID: "e", ApplicationID: "a", Evidence: "unit u", Period: "至2024-01-01"}
	same, other := r, r
	same.Message = "另一种说法"
	other.Period = "至2024-02-01"
	assert.Equal(t, r.Key(), same.Key())
	assert.NotEqual(t, r.Key(), other.Key())
}

// TestYear: a whole year says what the pairs say.
func TestYear(t *testing.T) {
	o := Options{SameUnitYears: 3, CooperationYears: 3, Today: "2025-06-01", Root: map[string]string{"u3": "u1"}}
	var apps []Application
	for i := range 20 {
		unit := fmt.Sprint("u", i%5)
		apps = append(apps, Application{ID: fmt.Sprint("a", i), LeaderID: fmt.Sprint("p", i), Units: []string{unit}, People: map[string]string{fmt.Sprint("p", i): unit}})
	}
	year := Against(apps, o)
	found := 0
	for i := range 30 {
		e := Expert{Identified: i%3 > 0, Expert: experts.Expert{ID: fmt.Sprint("e", i), PersonID: fmt.Sprint("p", i*2), UnitID: fmt.Sprint("u", i%7), Ties: []experts.Tie{{Kind: "kin", PersonID: fmt.Sprint("p", i)}}},
			Leads: []string{fmt.Sprint("a", i*2)}, CoMembers: map[string]string{"p3": "b1"}, Member: i%2 == 0}
		want := append(Missing(e), Whole(e)...)
		for _, a := range apps {
			want = append(want, Check(e, a, o)...)
		}
		assert.Equal(t, want, year.Reasons(e))
		found += len(want)
	}
	assert.Greater(t, found, 100)
}

// BenchmarkYear is a whole programme year: 1,000 applications × 200 experts.
func BenchmarkYear(b *testing.B) {
	var apps []Application
	for i := range 1000 {
		unit := fmt.Sprintf("u%d", i%150)
		apps = append(apps, Application{ID: fmt.Sprint("a", i), LeaderID: fmt.Sprint("p", i), LeadUnit: unit, Units: []string{unit, fmt.Sprintf("u%d", (i+7)%150)},
			People: map[string]string{fmt.Sprint("p", i): unit, fmt.Sprint("q", i): unit}})
	}
	var people []Expert
	for i := range 200 {
		people = append(people, Expert{Identified: true, Expert: experts.Expert{ID: fmt.Sprint("e", i), PersonID: fmt.Sprint("x", i), UnitID: fmt.Sprintf("u%d", i%150),
			Employments: []experts.Employment{{UnitID: fmt.Sprintf("u%d", i%150), From: "2015-01-01"}, {UnitID: fmt.Sprintf("u%d", (i+3)%150), From: "2010-01-01", To: "2024-01-01"}}}})
	}
	options := Options{SameUnitYears: 3, CooperationYears: 3, Today: "2025-06-01"}
	for b.Loop() {
		n := 0
		year := Against(apps, options)
		for _, e := range people {
			n += len(year.Reasons(e))
		}
		if n == 0 {
			b.Fatal("no conflict found")
		}
	}
}
