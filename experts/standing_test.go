package experts

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/configs/rulepacks"
	"keping/rbac/rulebook"
)

var today = time.Date(2025, 6, 2, 1, 0, 0, 0, time.UTC)

func shipped(t *testing.T) *rulebook.Pack {
	t.Helper()
	p, err := rulebook.Parse(rulepacks.Shapingba)
	require.NoError(t, err)
	return p
}

func TestRotation(t *testing.T) {
	p := shipped(t) // 6 a year, 3 years in a row
	on := func(kind string, years ...int) (out []Served) {
		for i, y := range years {
			out = append(out, Served{fmt.Sprintf("%s%d-%d", kind, y, i), kind, fmt.Sprintf("%d-05-01", y)})
		}
		return out
	}
	for name, x := range map[string]struct {
		served     []Served
		year, rows bool // holds
	}{
		"never":                       {nil, true, true},
		"five this year":              {on("key", 2025, 2025, 2025, 2025, 2025), true, true},
		"six this year":               {on("key", 2025, 2025, 2025, 2025, 2025, 2025), false, true},
		"six seats of one panel":      {append(on("key", 2025), on("key", 2025)...), true, true},
		"two years":                   {on("major", 2023, 2024), true, true},
		"three years":                 {on("major", 2022, 2023, 2024), true, false},
		"three years and this":        {on("major", 2022, 2023, 2024, 2025), true, false},
		"a year's rest":               {on("major", 2020, 2021, 2022, 2023), true, true},
		"three years, one other kind": {append(on("major", 2022, 2024), on("key", 2023)...), true, true},
	} {
		v := Rotation(p, Expert{ID: "e", Name: "张三"}, x.served, "major", 2025)
		assert.Equal(t, []bool{x.year, x.rows}, []bool{v[0].Verdict == rulebook.OutcomePass, v[1].Verdict == rulebook.OutcomePass}, name)
	}
	assert.Equal(t, rulebook.Releasable, Rotation(p, Expert{}, nil, "major", 2025)[0].Effect)
	assert.Equal(t, rulebook.OutcomeFail, Load(p, 41).Verdict)
	assert.Equal(t, rulebook.OutcomePass, Load(p, 40).Verdict)
}

func TestMayServe(t *testing.T) {
	p := shipped(t)
	good := Expert{ID: "e", Name: "张三", BirthYear: 1980, Pool: TechnicalPool, ConfirmedDay: "2024-06-02"}
	for name, x := range map[string]struct {
		change func(*Expert)
		code   string
	}{
		"good":                           {func(*Expert) {}, ""},
		"birth year unknown":             {func(e *Expert) { e.BirthYear = 0 }, ""},
		"65":                             {func(e *Expert) { e.BirthYear = 1959 }, ""},
		"66":                             {func(e *Expert) { e.BirthYear = 1958 }, LapseAge},
		"adviser of 70":                  {func(e *Expert) { e.BirthYear, e.Pool = 1954, AdvisoryPool }, ""},
		"confirmed a year and a day ago": {func(e *Expert) { e.ConfirmedDay = "2024-06-01" }, LapseRecheck},
		"term to today":                  {func(e *Expert) { e.TermUntil = "2025-06-02" }, ""},
		"term over":                      {func(e *Expert) { e.TermUntil = "2025-06-01" }, LapseTerm},
		"document expired":               {func(e *Expert) { e.DocumentUntil = "2025-06-01" }, LapseDocument},
	} {
		e := good
		x.change(&e)
		code := ""
		for _, v := range rulebook.Blocking(MayServe(p, e, today)) {
			code, _ = v.Inputs["code"].(string)
			assert.NotEmpty(t, v.Remedy, name)
		}
		assert.Equal(t, x.code, code, name)
	}
	p.RecheckMonths = 0
	good.ConfirmedDay = "2001-01-01"
	assert.Empty(t, rulebook.Blocking(MayServe(p, good, today)), "a district without re-check")
}

func TestBanTerm(t *testing.T) {
	p := shipped(t)
	for _, x := range []struct {
		grade, until string
		ok           bool
	}{
		{"light", "2026-06-01", false}, {"light", "2026-06-02", true}, {"light", "2028-06-02", true}, {"light", "2028-06-03", false}, {"light", "", false},
		{"serious", "2028-06-02", true}, {"serious", "2030-06-03", false}, {"grave", "2029-06-02", false}, {"grave", "2040-01-01", true}, {"grave", "", true},
	} {
		assert.Equal(t, x.ok, BanTerm(p, x.grade, x.until, today).Verdict == rulebook.OutcomePass, "%s %s", x.grade, x.until)
	}
	assert.Len(t, ApproachKinds, 5)
}

func TestPublicised(t *testing.T) {
	p := shipped(t)
	assert.Equal(t, rulebook.OutcomeNotApplicable, Publicised(p, Expert{}, Publicity{}, "2025-06-02").Verdict, "the shipped pack asks for none")
	p.MemberPublicityDays = 5
	for name, x := range map[string]struct {
		known Publicity
		ok    bool
	}{
		"never public": {Publicity{}, false}, "last day": {Publicity{To: "2025-06-02"}, false}, "over": {Publicity{To: "2025-06-01"}, true},
		"open objection": {Publicity{To: "2025-06-01", Open: 1}, false}, "upheld": {Publicity{To: "2025-06-01", Upheld: 1}, false},
	} {
		assert.Equal(t, x.ok, Publicised(p, Expert{}, x.known, "2025-06-02").Verdict == rulebook.OutcomePass, name)
	}
}

func TestRate(t *testing.T) {
	p := shipped(t)
	var all []ConductMark
	for _, item := range ConductItems {
		all = append(all, ConductMark{item.Code, 3})
	}
	assert.Len(t, ConductItems, 15)
	low, err := Rate(p, all)
	assert.NoError(t, err)
	assert.False(t, low)
	all[4].Mark = 2
	low, err = Rate(p, all)
	assert.NoError(t, err)
	assert.True(t, low)
	_, err = Rate(p, append(all, ConductMark{"punctual", 5}))
	assert.Error(t, err, "twice")
	_, err = Rate(p, append(all, ConductMark{"kind", 5}))
	assert.Error(t, err, "of no form")
	_, err = Rate(p, all[1:])
	assert.Error(t, err, "one missing")
}
