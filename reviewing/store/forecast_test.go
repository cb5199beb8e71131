package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"keping/configs/database"
	"keping/configs/database/databasetest"
	"keping/configs/rulepacks"
	"keping/experts"
	expertstore "keping/experts/store"
	"keping/rbac"
	"keping/rbac/secret"
	rbacstore "keping/rbac/store"
	"keping/reviewing"
)

// BenchmarkForecast is a programme of twenty reviews of twenty applications
// each, over a pool of 100,000: go test ./reviewing/store -bench Forecast.
func BenchmarkForecast(b *testing.B) {
	now := time.Date(2025, 6, 2, 1, 0, 0, 0, time.UTC)
	keys, err := secret.NewKeys(secret.Random(16), secret.Random(32))
	require.NoError(b, err)
	base := &rbacstore.Store{DB: databasetest.Open(b, func() time.Time { return now }), Keys: keys}
	st := &Store{Store: &expertstore.Store{Store: base}}
	require.NoError(b, base.EnsurePack(b.Context(), rulepacks.Shapingba))
	require.NoError(b, base.DB.Do(b.Context(), func(tx *database.Tx) error {
		var people []experts.Expert
		var known []rbac.Identity
		for i := range 100000 {
			id := fmt.Sprintf("e%08d", i)
			people = append(people, experts.Expert{ID: id, PersonID: "p" + id, Name: "专家" + id, BirthYear: 1980, UnitID: fmt.Sprintf("u%d", i%500), Pool: experts.TechnicalPool, Classes: []experts.Class{[]experts.Class{"technical", "management", "finance"}[i%3]},
				Employments: []experts.Employment{{UnitID: fmt.Sprintf("u%d", i%500), From: "2010-01-01"}}, State: experts.InPool, ConfirmedDay: "2025-01-01", Version: 1, CreatedAt: now})
			known = append(known, rbac.Identity{ID: "i" + id, PersonID: "p" + id, Kind: "resident_id", Index: id, Number: []byte{0}, ConfirmedAt: &now})
		}
		rows := []any{&reviewing.Programme{ID: "pr", Code: "2025-ZD-01", Kind: reviewing.Major, Year: 2025, Version: 1, CreatedAt: now},
			&reviewing.Group{ID: "g", ProgrammeID: "pr", Kind: "technical", State: reviewing.GroupInTerm, Version: 1},
			&reviewing.Guide{ID: "gu", ProgrammeID: "pr", OpensAt: now, ClosesAt: now.Add(time.Hour), State: "draft", Version: 1, CreatedAt: now}}
		for i := range 60 {
			id := fmt.Sprintf("e%08d", i*3)
			rows = append(rows, &reviewing.Membership{ID: "m" + id, GroupID: "g", ExpertID: id, PersonID: "p" + id, State: reviewing.InTerm, FromDay: "2025-01-01"})
		}
		for i := range 20 {
			r := fmt.Sprintf("r%02d", i)
			rows = append(rows, &reviewing.Review{ID: r, Selecting: reviewing.Selecting{Selection: reviewing.ByDraw}, Number: r, ProgrammeID: "pr", GuideID: "gu", Technical: 3 + i%2*60, Management: 1, Finance: 1, UnitCap: 1, MeetingDay: "2025-06-20", State: reviewing.Preparing, Version: 1, CreatedAt: now})
			for j := range 20 {
				a := fmt.Sprintf("%s-%02d", r, j)
				rows = append(rows, &reviewing.Application{ID: a, Number: a, ProgrammeID: "pr", GuideID: "gu", ReviewID: r, LeadUnitID: fmt.Sprintf("u%d", (i*20+j)%500), LeaderID: "l" + a, State: reviewing.AppInReview, Version: 1, CreatedAt: now},
					&reviewing.ApplicationPerson{ApplicationID: a, PersonID: "l" + a, Role: "leader", UnitID: fmt.Sprintf("u%d", (i*20+j)%500)})
			}
		}
		if err := tx.CreateInBatches(people, 200).Error; err != nil {
			return err
		}
		if err := tx.CreateInBatches(known, 500).Error; err != nil {
			return err
		}
		for _, row := range rows {
			if err := tx.Create(row).Error; err != nil {
				return err
			}
		}
		return nil
	}, nil))
	for b.Loop() {
		f, err := st.ForecastOf(b.Context(), "pr")
		require.NoError(b, err)
		require.Len(b, f.Reviews, 20)
		require.True(b, f.Reviews[0].Feasible)
		require.False(b, f.Reviews[1].Feasible)
	}
}
