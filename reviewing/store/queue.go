package store

import (
	"context"
	"slices"
	"strings"
	"time"

	"keping/experts"
	"keping/rbac"
	"keping/rbac/calendar"
	"keping/rbac/rulebook"
	"keping/reviewing"
	"keping/reviewing/conflict"
)

// ConflictItem is one line of the queue: both sides by name, the evidence, who
// decides, and once decided what was said about it and by whom.
type ConflictItem struct {
	KeyedReason
	ExpertName   string     `json:"expert_name"`
	ExpertUnit   string     `json:"expert_unit"`
	Number       string     `json:"number" doc:"申报编号；只涉及专家本人的为空"`
	Title        string     `json:"title"`
	LeadUnit     string     `json:"lead_unit"`
	Leader       string     `json:"leader"`
	EvidenceName string     `json:"evidence_name" doc:"证据所指的单位、人员或申报书"`
	Decides      string     `json:"decides" doc:"由谁处理"`
	Decision     string     `json:"decision" doc:"dismissed 排除，pinned 确认；空为待处理"`
	Reason       string     `json:"reason" doc:"处理理由"`
	DecidedBy    string     `json:"decided_by"`
	DecidedAt    *time.Time `json:"decided_at"`
}

// Place is where the item stands in the queue: expert by expert.
func (i ConflictItem) Place() string { return i.ExpertID + "/" + i.Key[:32] }

// ConflictFilter narrows the queue.
type ConflictFilter struct {
	Status   string // open or decided
	Kind     string
	Level    string
	ExpertID string
}

// whoDecides tells who settles an open item.
var whoDecides = map[conflict.Level]string{
	conflict.Ask:     "经办（与项目没有利益关系）说明理由后排除或确认",
	conflict.Unknown: "库管员补录事实后自动消除；不能补录的，经办确认为不列入候选",
}

// batch is how many experts of the pool are looked at together: a page of the
// queue reads on only until it is full.
const batch = 500

// ReviewConflicts is the queue of one review.
func (st *Store) ReviewConflicts(ctx context.Context, id string, filter ConflictFilter, after string, limit int) ([]ConflictItem, error) {
	s := st.reading(ctx, rbac.Actor{})
	r, err := take[reviewing.Review](s, id, "该评审批次")
	if err != nil {
		return nil, err
	}
	return st.queue(s, r, filter, after, limit)
}

// ProgrammeConflicts is the queue of a whole programme year: who would be a
// candidate for a panel of all three classes today.
func (st *Store) ProgrammeConflicts(ctx context.Context, id string, filter ConflictFilter, after string, limit int) ([]ConflictItem, error) {
	s := st.reading(ctx, rbac.Actor{})
	r := reviewing.Review{ProgrammeID: id, Technical: 1, Management: 1, Finance: 1, MeetingDay: calendar.Day(s.Now)}
	return st.queue(s, r, filter, after, limit)
}

// queue walks the pool by id and keeps what the filter asks for. Open are only
// the items of persons who would be candidates: those are what a freeze waits for.
func (st *Store) queue(s *step, r reviewing.Review, filter ConflictFilter, after string, limit int) ([]ConflictItem, error) {
	pack, err := st.Pack(s)
	if err != nil {
		return nil, err
	}
	speaks, err := st.speakers(s, pack, r, filter)
	if err != nil {
		return nil, err
	}
	from, _, _ := strings.Cut(after, "/")
	out := []ConflictItem{}
	for first := true; ; first = false {
		q := s.Model(&experts.Expert{}).Where("state = ? AND pool = ?", experts.InPool, experts.TechnicalPool)
		if first {
			q = q.Where("id >= ?", from) // the expert the last page stopped at may have more
		} else {
			q = q.Where("id > ?", from)
		}
		if filter.ExpertID != "" {
			q = q.Where("id = ?", filter.ExpertID)
		}
		var ids []string
		if err := q.Order("id").Limit(batch).Pluck("id", &ids).Error; err != nil {
			return nil, err
		}
		if len(ids) == 0 && !first {
			return out, nil
		}
		f, err := st.loadFitness(s, pack, r, append([]string{}, ids...))
		if err != nil {
			return nil, err
		}
		candidate := map[string]bool{}
		rows, _, _ := f.candidates()
		for _, row := range rows {
			candidate[row.Code] = true
		}
		var found []ConflictItem
		for _, e := range f.facts.experts {
			for _, reason := range f.facts.found(e) {
				decision := f.facts.decisions[reason.Key()]
				item := ConflictItem{KeyedReason: KeyedReason{reason.Key(), reason}, ExpertName: e.Name, Decision: decision.Decision, Reason: decision.Reason, DecidedBy: decision.DecidedBy}
				if decision.Decision != "" {
					item.DecidedAt = &decision.CreatedAt
				} else {
					item.Decides = whoDecides[reason.Level]
				}
				if item.OfUnit() && filter.ExpertID == "" { // told once, by the unit alone
					if speaks[item.Key] != e.ID {
						continue
					}
					item.ExpertName = ""
				}
				if filter.keeps(item, candidate[e.ID]) && item.Place() > after {
					found = append(found, item)
				}
			}
		}
		slices.SortFunc(found, func(a, b ConflictItem) int { return strings.Compare(a.Place(), b.Place()) })
		if len(found) > limit-len(out) {
			found = found[:limit-len(out)]
		}
		if err := nameItems(s, f, found); err != nil {
			return nil, err
		}
		if out = append(out, found...); len(out) == limit || len(ids) < batch {
			return out, nil
		}
		from = ids[len(ids)-1]
	}
}

// speakers are, for each unit that nobody has vetted, the first of its experts
// whom its one item concerns: it stands in the queue at that place.
func (st *Store) speakers(s *step, pack *rulebook.Pack, r reviewing.Review, filter ConflictFilter) (map[string]string, error) {
	var ids []string
	err := s.Model(&experts.Expert{}).Where("state = ? AND pool = ? AND unit_id IN (SELECT id FROM units WHERE state = ?)", experts.InPool, experts.TechnicalPool, rbac.UnitPending).Order("id").Pluck("id", &ids).Error
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	f, err := st.loadFitness(s, pack, r, ids)
	if err != nil {
		return nil, err
	}
	rows, _, _ := f.candidates()
	candidate := map[string]bool{}
	for _, row := range rows {
		candidate[row.Code] = true
	}
	first := map[string]string{}
	for _, e := range f.facts.experts {
		for _, reason := range f.facts.found(e) {
			if key := reason.Key(); reason.OfUnit() && first[key] == "" && (filter.Status != "open" || candidate[e.ID]) {
				first[key] = e.ID
			}
		}
	}
	return first, nil
}

func (filter ConflictFilter) keeps(item ConflictItem, candidate bool) bool {
	wanted := item.Decision != ""
	if filter.Status == "open" {
		wanted = item.Decision == "" && item.Level != conflict.Hard && candidate
	}
	return wanted && (filter.Kind == "" || filter.Kind == item.Kind) && (filter.Level == "" || filter.Level == string(item.Level))
}

// nameItems puts names to the ids of the items: units, people and applications.
func nameItems(s *step, f *fitness, items []ConflictItem) error {
	var units, apps, people, users []string
	evidence := func(item ConflictItem) (kind, id string) {
		kind, id, _ = strings.Cut(item.Evidence, " ")
		return
	}
	for _, item := range items {
		units, users = append(units, f.people[item.ExpertID].UnitID), append(users, item.DecidedBy)
		if item.ApplicationID != "" {
			apps = append(apps, item.ApplicationID)
		}
		switch kind, id := evidence(item); kind {
		case "unit":
			units = append(units, id)
		case "application":
			apps = append(apps, id)
		case "person":
			people = append(people, id)
		}
	}
	applications, err := find[reviewing.Application](s, "id", "id IN ?", apps)
	if err != nil {
		return err
	}
	byID := map[string]reviewing.Application{}
	for _, a := range applications {
		byID[a.ID], units = a, append(units, a.LeadUnitID)
	}
	names := map[string]string{}
	var unitRows []rbac.Unit
	if err := s.Select("id", "name").Where("id IN ?", units).Find(&unitRows).Error; err != nil {
		return err
	}
	for _, u := range unitRows {
		names[u.ID] = u.Name
	}
	var userRows []rbac.User
	if err := s.Select("id", "name").Where("id IN ?", users).Find(&userRows).Error; err != nil {
		return err
	}
	for _, u := range userRows {
		names[u.ID] = u.Name
	}
	var personRows []reviewing.ApplicationPerson
	if err := s.Where("person_id IN ?", people).Order("application_id").Find(&personRows).Error; err != nil {
		return err
	}
	for _, p := range personRows {
		names[p.PersonID] = p.Name
	}
	for i := range items {
		item := &items[i]
		a := byID[item.ApplicationID]
		item.ExpertUnit, item.DecidedBy = names[f.people[item.ExpertID].UnitID], names[item.DecidedBy]
		item.Number, item.Title, item.Leader, item.LeadUnit = a.Number, a.Title, a.LeaderName, names[a.LeadUnitID]
		switch kind, id := evidence(*item); kind {
		case "application":
			item.EvidenceName = byID[id].Number + " " + byID[id].Title
		case "unit", "person":
			item.EvidenceName = names[id]
		}
	}
	return nil
}
