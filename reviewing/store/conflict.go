package store

import (
	"slices"
	"sync"
	"time"

	"gorm.io/gorm"

	"keping/experts"
	"keping/rbac"
	"keping/rbac/calendar"
	"keping/rbac/naming"
	"keping/rbac/rulebook"
	"keping/reviewing"
	"keping/reviewing/conflict"
)

// ConflictDecision is an officer's word on one ask or unknown, kept by the
// key of its evidence: new evidence is a new item.
type ConflictDecision struct {
	ID        string    `gorm:"primaryKey;size:36" json:"id"`
	ReasonKey string    `gorm:"size:64" json:"key"`
	ExpertID  string    `gorm:"size:36" json:"expert_id"`
	Kind      string    `gorm:"size:20" json:"kind"`
	Decision  string    `gorm:"size:10" json:"decision"` // dismissed or pinned
	Reason    string    `gorm:"size:500" json:"reason"`
	DecidedBy string    `gorm:"size:36" json:"-"`
	CreatedAt time.Time `gorm:"autoCreateTime:false" json:"created_at"`
}

// facts are everything conflicts are judged by, loaded once for a programme year.
type facts struct {
	experts      []conflict.Expert
	applications []conflict.Application
	options      conflict.Options
	decisions    map[string]string // reason key → decision
	year         *conflict.Year    // prepared for all questions
	found        map[string][]conflict.Reason
	within       map[string]bool // of the loaded applications those asked about; nil is all
}

// loadFacts loads experts (all in the pool, or the given ones) and
// applications of one programme year. The handle reads; conflicts are computed
// whenever they are asked for, never stored.
func loadFacts(db *gorm.DB, pack *rulebook.Pack, programme reviewing.Programme, applications, only []string, now time.Time) (*facts, error) {
	f := &facts{decisions: map[string]string{}, found: map[string][]conflict.Reason{}, options: conflict.Options{SameUnitYears: pack.SameUnitYears, CooperationYears: pack.CooperationYears,
		Today: calendar.Day(now), Root: map[string]string{}, InReview: map[string]bool{}}}
	var units []rbac.Unit
	if err := db.Select("id", "parent_id").Where("parent_id <> ''").Find(&units).Error; err != nil {
		return nil, err
	}
	for _, u := range units {
		f.options.Root[u.ID] = u.ParentID
	}
	var year []reviewing.Application
	if err := db.Joins("JOIN programmes p ON p.id = applications.programme_id").Where("p.year = ?", programme.Year).Order("applications.id").Find(&year).Error; err != nil {
		return nil, err
	}
	ids := make([]string, len(year))
	byID := map[string]reviewing.Application{}
	for i, a := range year {
		ids[i], byID[a.ID] = a.ID, a
	}
	var people []reviewing.ApplicationPerson
	var appUnits []reviewing.ApplicationUnit
	for chunk := range slices.Chunk(ids, 500) {
		var p []reviewing.ApplicationPerson
		var u []reviewing.ApplicationUnit
		if err := db.Where("application_id IN ?", chunk).Find(&p).Error; err != nil {
			return nil, err
		}
		if err := db.Where("application_id IN ?", chunk).Find(&u).Error; err != nil {
			return nil, err
		}
		people, appUnits = append(people, p...), append(appUnits, u...)
	}
	inApp := map[string][]reviewing.ApplicationPerson{}
	apps := map[string][]string{} // person → applications of the year
	for _, p := range people {
		inApp[p.ApplicationID] = append(inApp[p.ApplicationID], p)
		apps[p.PersonID] = append(apps[p.PersonID], p.ApplicationID)
	}
	units2 := map[string][]reviewing.ApplicationUnit{}
	for _, u := range appUnits {
		units2[u.ApplicationID] = append(units2[u.ApplicationID], u)
	}
	named := map[string][]avoided{}
	for _, a := range year {
		over := a.State == reviewing.AppWithdrawn || a.State == reviewing.AppRefused
		wanted := a.ProgrammeID == programme.ID && !over
		if applications != nil {
			wanted = slices.Contains(applications, a.ID)
		}
		if !wanted {
			continue
		}
		c := conflict.Application{ID: a.ID, LeaderID: a.LeaderID, LeadUnit: a.LeadUnitID, Units: []string{a.LeadUnitID}, People: map[string]string{}}
		for _, u := range units2[a.ID] {
			c.Units = append(c.Units, u.UnitID)
			if u.Role == "joint" {
				c.Joint = append(c.Joint, u.UnitID)
			}
		}
		for _, p := range inApp[a.ID] {
			c.People[p.PersonID] = p.UnitID
		}
		for _, n := range a.Avoid {
			key := naming.PersonKey(n.Name)
			named[key] = append(named[key], avoided{len(f.applications), n.Unit})
		}
		f.applications = append(f.applications, c)
		f.options.InReview[a.ID] = true
	}
	var rows []experts.Expert
	q := db.Order("id")
	if only != nil {
		q = q.Where("id IN ?", only)
	} else {
		q = q.Where("state = ? AND pool = ?", experts.InPool, experts.TechnicalPool)
	}
	if err := q.Find(&rows).Error; err != nil {
		return nil, err
	}
	if err := f.name(db, rows, named); err != nil {
		return nil, err
	}
	var identified, members []string
	confirmedOf, decidedOf := db.Model(&rbac.Identity{}).Where("confirmed_at IS NOT NULL"), db.Order("created_at, id")
	if only != nil { // what is asked about few does not grow with the pool
		people := make([]string, len(rows))
		for i, e := range rows {
			people[i] = e.PersonID
		}
		confirmedOf, decidedOf = confirmedOf.Where("person_id IN ?", people), decidedOf.Where("expert_id IN ?", only)
	}
	if err := confirmedOf.Distinct().Pluck("person_id", &identified).Error; err != nil {
		return nil, err
	}
	if err := db.Model(&reviewing.Membership{}).Joins("JOIN review_groups g ON g.id = memberships.group_id").
		Where("g.programme_id = ? AND g.kind = 'technical' AND memberships.from_day <> ''", programme.ID).Pluck("memberships.person_id", &members).Error; err != nil {
		return nil, err
	}
	confirmed, member := set(identified), set(members)
	for _, e := range rows {
		x := conflict.Expert{Expert: e, Identified: confirmed[e.PersonID], Member: member[e.PersonID], CoMembers: map[string]string{}}
		for _, id := range apps[e.PersonID] {
			a := byID[id]
			if !a.State.Live() {
				continue
			}
			switch {
			case a.ProgrammeID != programme.ID:
				for _, p := range inApp[id] {
					x.CoMembers[p.PersonID] = id
				}
			case a.LeaderID == e.PersonID:
				x.Leads = append(x.Leads, id)
			default:
				x.Joins = append(x.Joins, id)
			}
		}
		f.experts = append(f.experts, x)
	}
	var decisions []ConflictDecision
	if err := decidedOf.Find(&decisions).Error; err != nil {
		return nil, err
	}
	for _, d := range decisions {
		f.decisions[d.ReasonKey] = d.Decision
	}
	f.year = conflict.Against(f.applications, f.options)
	return f, nil
}

// avoided is an entry of an application's list: which application, which unit.
type avoided struct {
	application int
	unit        string
}

// aliases are the short forms and old names of units that the service knows.
var aliases = sync.OnceValue(naming.Default)

// mayBeUnit tells whether a unit written in free text may be the one of a name:
// only what is plainly another is not asked about.
func mayBeUnit(name, written string) bool {
	verdict, _ := aliases().Units(name, written)
	return verdict != naming.Different
}

// name finds the experts whom applicants have named: one name after normalising
// and, where one is given, a unit that may be theirs. It is a question to an
// officer, never a bar of itself.
func (f *facts) name(db *gorm.DB, rows []experts.Expert, named map[string][]avoided) error {
	var found []experts.Expert
	var ids []string
	for _, e := range rows {
		if len(named[naming.PersonKey(e.Name)]) > 0 {
			found = append(found, e)
			ids = append(ids, e.UnitID)
		}
	}
	if len(found) == 0 {
		return nil
	}
	var units []rbac.Unit
	if err := db.Where("id IN ?", ids).Find(&units).Error; err != nil {
		return err
	}
	called := map[string][]string{}
	for _, u := range units {
		called[u.ID] = append([]string{u.Name}, u.Aliases...)
	}
	for _, e := range found {
		for _, n := range named[naming.PersonKey(e.Name)] {
			if n.unit == "" || slices.ContainsFunc(called[e.UnitID], func(name string) bool { return mayBeUnit(name, n.unit) }) {
				a := &f.applications[n.application]
				a.Avoid = append(a.Avoid, e.ID)
			}
		}
	}
	return nil
}

func set(ids []string) map[string]bool {
	m := make(map[string]bool, len(ids))
	for _, id := range ids {
		m[id] = true
	}
	return m
}

// reasons of one expert over all loaded applications, dismissed ones left out;
// a pinned one counts as hard.
func (f *facts) reasons(e conflict.Expert) []conflict.Reason {
	all, ok := f.found[e.ID]
	if !ok {
		all = f.compute(e)
		f.found[e.ID] = all
	}
	if f.within == nil || len(all) == 0 {
		return all
	}
	var kept []conflict.Reason
	for _, r := range all {
		if r.ApplicationID == "" || f.within[r.ApplicationID] {
			kept = append(kept, r)
		}
	}
	return kept
}

func (f *facts) compute(e conflict.Expert) []conflict.Reason {
	all := f.year.Reasons(e)
	kept := all[:0]
	for _, r := range all {
		switch f.decisions[r.Key()] {
		case "dismissed":
			continue
		case "pinned":
			r.Level = conflict.Hard
		}
		kept = append(kept, r)
	}
	return kept
}

// Conflicts are the reasons found, with the key by which one is decided.
type Conflicts struct {
	Items []KeyedReason `json:"items"`
}

// KeyedReason is a reason with its key.
type KeyedReason struct {
	Key string `json:"key"`
	conflict.Reason
}

// CheckConflicts computes without side effects: given experts (or the whole
// pool) against given applications (or the whole programme year).
func (st *Store) CheckConflicts(db *gorm.DB, pack *rulebook.Pack, programme reviewing.Programme, expertIDs, applicationIDs []string, now time.Time) (Conflicts, error) {
	f, err := loadFacts(db, pack, programme, applicationIDs, expertIDs, now)
	if err != nil {
		return Conflicts{}, err
	}
	out := Conflicts{Items: []KeyedReason{}}
	for _, e := range f.experts {
		for _, r := range f.reasons(e) {
			out.Items = append(out.Items, KeyedReason{r.Key(), r})
		}
	}
	return out, nil
}

// NewDecision decides one ask or unknown.
type NewDecision struct {
	ProgrammeID string `json:"programme_id" maxLength:"36"`
	ExpertID    string `json:"expert_id" maxLength:"36"`
	Key         string `json:"key" pattern:"^[0-9a-f]{64}$" doc:"回避检查返回的 key"`
	Decision    string `json:"decision" enum:"dismissed,pinned" doc:"排除或确认"`
	Reason      string `json:"reason" minLength:"5" maxLength:"500"`
}

// DecideConflict dismisses or pins an open item, once.
func (st *Store) DecideConflict(s *step, in NewDecision) (ConflictDecision, error) {
	pack, err := st.Pack(s)
	if err != nil {
		return ConflictDecision{}, err
	}
	p, err := take[reviewing.Programme](s, in.ProgrammeID, "该专项")
	if err != nil {
		return ConflictDecision{}, err
	}
	var n int64
	if err := s.Model(&ConflictDecision{}).Where("reason_key = ?", in.Key).Count(&n).Error; err != nil {
		return ConflictDecision{}, err
	}
	if n > 0 {
		return ConflictDecision{}, rbac.Refuse(rbac.RefusedState, "该情形已作出处理，证据未变时不再更改。")
	}
	found, err := st.CheckConflicts(s.DB, pack, p, []string{in.ExpertID}, nil, s.Now)
	if err != nil {
		return ConflictDecision{}, err
	}
	for _, r := range found.Items {
		if r.Key != in.Key {
			continue
		}
		if r.Level == conflict.Hard {
			return ConflictDecision{}, rbac.Invalid("key", "“%s”是必须回避的情形，不能由经办处理", r.Message)
		}
		if r.Level == conflict.Unknown && in.Decision == "dismissed" {
			return ConflictDecision{}, rbac.Invalid("decision", "事实不全不能当作没有冲突：请补录事实（由本人确认或提供证明），或确认为不列入候选")
		}
		d := ConflictDecision{ID: s.NewID(), ReasonKey: in.Key, ExpertID: in.ExpertID, Kind: r.Kind, Decision: in.Decision, Reason: in.Reason, DecidedBy: s.Call.Actor.User, CreatedAt: s.Now}
		s.On(d.ID)
		s.Fact("kind", r.Kind)
		s.Fact("decision", in.Decision)
		s.Fact("key", in.Key)
		return d, s.Create(&d).Error
	}
	return ConflictDecision{}, rbac.Invalid("key", "没有这一待处理情形（证据可能已变），请重新检查")
}
