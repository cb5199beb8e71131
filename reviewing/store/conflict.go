package store

import (
	"fmt"
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
	uses         func(rule string) bool       // the pack's
	decisions    map[string]ConflictDecision  // by reason key
	year         *conflict.Year               // prepared for all questions
	known        map[string][]conflict.Reason // expert → reasons, once asked for
	within       map[string]bool              // of the loaded applications those asked about; nil is all
}

// loadFacts loads experts (all in the pool, or the given ones) and
// applications of one programme year. The handle reads; conflicts are computed
// whenever they are asked for, never stored.
func loadFacts(db *gorm.DB, pack *rulebook.Pack, programme reviewing.Programme, applications, only []string, now time.Time) (*facts, error) {
	f := &facts{uses: pack.Uses, decisions: map[string]ConflictDecision{}, known: map[string][]conflict.Reason{}, options: conflict.Options{SameUnitYears: pack.SameUnitYears, CooperationYears: pack.CooperationYears,
		Today: calendar.Day(now), Root: map[string]string{}, InReview: map[string]bool{}}}
	var units []rbac.Unit
	if err := db.Select("id", "parent_id").Where("parent_id <> ''").Find(&units).Error; err != nil {
		return nil, err
	}
	for _, u := range units {
		f.options.Root[u.ID] = u.ParentID
	}
	var pending []string
	if err := db.Model(&rbac.Unit{}).Where("state = ?", rbac.UnitPending).Pluck("id", &pending).Error; err != nil {
		return nil, err
	}
	unvetted := set(pending)
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
	var named []avoided
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
			named = append(named, avoided{len(f.applications), n})
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
		confirmedOf, decidedOf = confirmedOf.Where("person_id IN ?", people), decidedOf.Where("expert_id IN ? OR (expert_id = '' AND kind = 'facts_missing')", only)
	}
	if err := confirmedOf.Distinct().Pluck("person_id", &identified).Error; err != nil {
		return nil, err
	}
	if err := db.Model(&reviewing.Membership{}).Joins("JOIN review_groups g ON g.id = memberships.group_id").
		Where("g.programme_id = ? AND g.kind = 'technical' AND memberships.from_day <> ''", programme.ID).Pluck("memberships.person_id", &members).Error; err != nil {
		return nil, err
	}
	confirmed, member := set(identified), set(members)
	leading, joining, err := runningPeople(db, programme, f.options.Today)
	if err != nil {
		return nil, err
	}
	for _, e := range rows {
		x := conflict.Expert{Expert: e, Identified: confirmed[e.PersonID], Unvetted: unvetted[e.UnitID], Member: member[e.PersonID], CoMembers: map[string]string{}, LeadsRunning: leading[e.PersonID], JoinsRunning: joining[e.PersonID]}
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
		f.decisions[d.ReasonKey] = d
	}
	f.year = conflict.Against(f.applications, f.options)
	return f, nil
}

// avoided is an entry of an application's list.
type avoided struct {
	application int
	reviewing.Named
}

// aliases are the short forms and old names of units that the service knows.
var aliases = sync.OnceValue(naming.Default)

// name finds the experts whom applicants may have named: written alike, sounding
// alike or in pinyin. What is written of a unit takes nobody out, for a name
// without a code settles nothing; it is shown beside what is registered. Each is
// a question to an officer, never a bar of itself.
func (f *facts) name(db *gorm.DB, rows []experts.Expert, named []avoided) error {
	if len(named) == 0 {
		return nil
	}
	sounding := map[string][]int{} // by how the name sounds → experts
	for i, e := range rows {
		key := naming.SoundKey(e.Name)
		sounding[key] = append(sounding[key], i)
	}
	type pair struct {
		avoided
		expert experts.Expert
		why    string
	}
	var pairs []pair
	var ids []string
	for _, n := range named {
		near := append(sounding[naming.SoundKey(n.Name)], sounding[""]...)
		if naming.SoundKey(n.Name) == "" {
			near = near[:0:0]
			for i := range rows {
				near = append(near, i)
			}
		}
		for _, i := range near {
			if verdict, why := naming.People(n.Name, rows[i].Name); verdict != naming.Different {
				pairs = append(pairs, pair{n, rows[i], why})
				ids = append(ids, rows[i].UnitID)
			}
		}
	}
	var units []rbac.Unit
	for chunk := range slices.Chunk(ids, 500) {
		var some []rbac.Unit
		if err := db.Where("id IN ?", chunk).Find(&some).Error; err != nil {
			return err
		}
		units = append(units, some...)
	}
	called := map[string]rbac.Unit{}
	for _, u := range units {
		called[u.ID] = u
	}
	for _, p := range pairs {
		u := called[p.expert.UnitID]
		written, why := p.Name, p.why
		if p.Unit != "" {
			written += "（" + p.Unit + "）"
			why += "；单位：" + unitSays(u, p.Unit)
		}
		a := &f.applications[p.application]
		a.Avoid = append(a.Avoid, conflict.Avoided{ExpertID: p.expert.ID, Written: written, Registered: p.expert.Name + "（" + u.Name + "）", Why: why})
	}
	return nil
}

// unitSays is what a unit's name in free text says of a registered one, other
// and old names considered.
func unitSays(u rbac.Unit, written string) string {
	best, said := naming.Different, ""
	for _, name := range append([]string{u.Name}, u.Aliases...) {
		verdict, why := aliases().Units(name, written)
		if said == "" || verdict == naming.Same || verdict == naming.Related && best != naming.Same {
			best, said = verdict, why
		}
	}
	if best.Alone() == naming.Related {
		return "上下级或同属一家，" + said
	}
	return said
}

func set(ids []string) map[string]bool {
	m := make(map[string]bool, len(ids))
	for _, id := range ids {
		m[id] = true
	}
	return m
}

// found are all reasons of one expert over all loaded applications, decided or
// not; a kind that the pack does not use is none.
func (f *facts) found(e conflict.Expert) []conflict.Reason {
	return slices.DeleteFunc(f.year.Reasons(e), func(r conflict.Reason) bool { return !f.uses(r.Kind) })
}

// applies tells whether an expert's present unit takes part in an application.
func (f *facts) applies(e conflict.Expert) bool { return f.year.Applies(e) }

// reasons of one expert over all loaded applications, dismissed ones left out;
// a pinned one counts as hard.
func (f *facts) reasons(e conflict.Expert) []conflict.Reason {
	all, ok := f.known[e.ID]
	if !ok {
		all = f.compute(e)
		f.known[e.ID] = all
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
	all := f.found(e)
	kept := all[:0]
	for _, r := range all {
		switch f.decisions[r.Key()].Decision {
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
	OpenItem
	Decision string `json:"decision" enum:"dismissed,pinned" doc:"排除或确认"`
	Reason   string `json:"reason" minLength:"5" maxLength:"500"`
}

// OpenItem names one open item.
type OpenItem struct {
	ExpertID string `json:"expert_id" maxLength:"36"`
	Key      string `json:"key" pattern:"^[0-9a-f]{64}$" doc:"回避检查返回的 key"`
}

// NewDecisions decides a list of items alike: all or none.
type NewDecisions struct {
	ProgrammeID string     `json:"programme_id" maxLength:"36"`
	Items       []OpenItem `json:"items" minItems:"1" maxItems:"200"`
	Decision    string     `json:"decision" enum:"dismissed,pinned" doc:"排除或确认"`
	Reason      string     `json:"reason" minLength:"5" maxLength:"500"`
}

// Decisions tells how many items were decided.
type Decisions struct {
	Decided int `json:"decided"`
}

// DecideConflict dismisses or pins an open item, once.
func (st *Store) DecideConflict(s *step, in NewDecision) (ConflictDecision, error) {
	made, err := st.decide(s, in.ProgrammeID, []OpenItem{in.OpenItem}, in.Decision, in.Reason)
	if err != nil {
		return ConflictDecision{}, err
	}
	s.On(made[0].ID)
	s.Fact("kind", made[0].Kind)
	s.Fact("decision", in.Decision)
	s.Fact("key", in.Key)
	return made[0], nil
}

// DecideConflicts decides many items with one reason; each has its own entry.
func (st *Store) DecideConflicts(s *step, in NewDecisions) (Decisions, error) {
	made, err := st.decide(s, in.ProgrammeID, in.Items, in.Decision, in.Reason)
	for _, d := range made {
		s.Brings("conflict.decide", "conflict/"+d.ID, map[string]any{"kind": d.Kind, "decision": d.Decision, "key": d.ReasonKey})
	}
	s.Fact("decided", len(made))
	return Decisions{len(made)}, err
}

// decide keeps the decisions on items that are open as the facts stand.
func (st *Store) decide(s *step, programme string, items []OpenItem, decision, reason string) ([]ConflictDecision, error) {
	pack, err := st.Pack(s)
	if err != nil {
		return nil, err
	}
	p, err := take[reviewing.Programme](s, programme, "该专项")
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, item := range items {
		ids = append(ids, item.ExpertID)
	}
	f, err := loadFacts(s.DB, pack, p, nil, ids, s.Now)
	if err != nil {
		return nil, err
	}
	open := map[OpenItem]conflict.Reason{}
	for _, e := range f.experts {
		for _, r := range f.found(e) {
			open[OpenItem{e.ID, r.Key()}] = r
		}
	}
	var made []ConflictDecision
	for i, item := range items {
		field := "key"
		if len(items) > 1 {
			field = fmt.Sprintf("items[%d].key", i)
		}
		r, found := open[item]
		if err := st.decidable(s, p, f.decisions[item.Key], r, found, decision, field); err != nil {
			return nil, err
		}
		for other := range open { // named twice, by whomever of a unit, it is no longer open
			if other.Key == item.Key {
				delete(open, other)
			}
		}
		if r.OfUnit() {
			item.ExpertID = ""
		}
		made = append(made, ConflictDecision{ID: s.NewID(), ReasonKey: item.Key, ExpertID: item.ExpertID, Kind: r.Kind, Decision: decision, Reason: reason, DecidedBy: s.Call.Actor.User, CreatedAt: s.Now})
	}
	return made, s.Create(&made).Error
}

// decidable refuses what is not open, what no officer may decide, and an
// officer who has a tie to the application or to another of its review (P-19).
func (st *Store) decidable(s *step, p reviewing.Programme, before ConflictDecision, r conflict.Reason, found bool, decision, field string) error {
	where, args := "programme_id = ?", []any{p.ID} // what concerns the expert alone concerns every application
	if r.ApplicationID != "" {
		where, args = "(id = ? OR (review_id <> '' AND review_id = (SELECT x.review_id FROM applications x WHERE x.id = ?)))", []any{r.ApplicationID, r.ApplicationID}
	}
	if err := st.impartial(s, where, args...); err != nil {
		return err
	}
	switch {
	case before.Decision == "pinned":
		return rbac.Refuse(rbac.RefusedState, "该情形已确认须回避（第二十条），任何人不得撤销；证据有变化的，会作为新的情形重新提出。")
	case before.Decision != "":
		return rbac.Refuse(rbac.RefusedState, "该情形已作出处理（第二十条），证据未变时不再更改。")
	case !found:
		return rbac.Invalid(field, "没有这一待处理情形（证据可能已变，或重复填写），请重新检查")
	case r.Level == conflict.Hard:
		return rbac.Invalid(field, "“%s”是必须回避的情形，不能由经办处理", r.Message)
	case r.Level == conflict.Unknown && decision == "dismissed":
		return rbac.Invalid("decision", "事实不全不能当作没有冲突：请补录事实（由本人确认或提供证明），或确认为不列入候选")
	}
	return nil
}
