package store

import (
	"fmt"
	"slices"
	"strings"

	"keping/experts"
	expertstore "keping/experts/store"
	"keping/rbac"
	"keping/rbac/rulebook"
	"keping/reviewing"
	"keping/reviewing/conflict"
)

// rotation is what P-15 is judged by: the panels each expert sits or sat on in
// the years that count, and whom a director has released.
type rotation struct {
	kind     string
	served   map[string][]experts.Served
	released map[string]bool
	terms    []term
}

// term is one dated membership of the programme year's groups.
type term struct{ Kind, PersonID, FromDay, ToDay string }

// loadYear loads the facts of a programme year about some applications, once
// for all reviews that are asked about; day is the latest of theirs.
func (st *Store) loadYear(s *step, pack *rulebook.Pack, p reviewing.Programme, applications, only []string, day string) (*fitness, error) {
	f := &fitness{pack: pack, people: map[string]conflict.Expert{}, rotation: rotation{kind: string(p.Kind), released: map[string]bool{}}}
	var err error
	if f.facts, err = loadFacts(s.DB, pack, p, applications, only, s.Now); err != nil {
		return nil, err
	}
	for _, e := range f.facts.experts {
		f.people[e.ID] = e
	}
	err = s.Model(&reviewing.Membership{}).Select("g.kind", "memberships.person_id", "memberships.from_day", "memberships.to_day").
		Joins("JOIN review_groups g ON g.id = memberships.group_id").Where("g.programme_id = ? AND memberships.from_day <> ''", p.ID).Scan(&f.terms).Error
	if err != nil {
		return nil, err
	}
	year := experts.Served{Day: day}.Year()
	if f.served, err = expertstore.Served(s.DB, fmt.Sprintf("%04d-01-01", max(year-pack.YearsInARow, 0)), fmt.Sprintf("%04d-12-31", year), only); err != nil {
		return nil, err
	}
	var released []string
	if len(f.served) > 0 {
		err = s.Model(&rbac.Release{}).Where("rule = 'P-15' AND object LIKE 'expert/%'").Pluck("object", &released).Error
	}
	for _, object := range released {
		f.released[strings.TrimPrefix(object, "expert/")] = true
	}
	if err != nil {
		return nil, err
	}
	f.recorded, err = st.recorded(s, f.facts)
	return f, err
}

// of narrows the facts of a year to one review and its applications; nil are all.
func (f *fitness) of(r reviewing.Review, applications []string) *fitness {
	one := *f
	one.review = r
	one.member, one.inTerm, one.advisory = map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, m := range f.terms {
		on := m.FromDay <= r.MeetingDay && (m.ToDay == "" || r.MeetingDay <= m.ToDay)
		switch m.Kind {
		case "technical":
			one.member[m.PersonID] = true
			one.inTerm[m.PersonID] = one.inTerm[m.PersonID] || on
		default:
			one.advisory[m.PersonID] = true
		}
	}
	if applications != nil && len(applications) < len(f.facts.applications) {
		narrow := *f.facts // what is found of one expert is shared by all reviews
		narrow.within = set(applications)
		one.facts = &narrow
	}
	return &one
}

// worn is why rotation keeps an expert from the frame (P-15), unless a
// director has released the expert from it.
func (f *fitness) worn(e experts.Expert) string {
	before := slices.DeleteFunc(slices.Clone(f.served[e.ID]), func(s experts.Served) bool { return s.ID == f.review.ID })
	if len(before) == 0 || f.released[e.ID] {
		return ""
	}
	year := experts.Served{Day: f.review.MeetingDay}.Year()
	for i, v := range experts.Rotation(f.pack, e, before, f.kind, year) {
		if v.Verdict == rulebook.OutcomeFail {
			return []string{"panels_per_year", "years_in_a_row"}[i]
		}
	}
	return ""
}
