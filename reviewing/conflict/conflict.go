// Package conflict is the one pure function that says whether an expert may
// review an application: over the facts of both it returns typed reasons with
// level, evidence, period and source. Missing facts are unknown, never "no
// conflict". The same function serves the check before an invitation, the
// frame of a draw, and every re-run when either side changes.
package conflict

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"keping/experts"
	"keping/rbac/journal"
)

// Level is how a reason is handled.
type Level string

// The levels.
const (
	Hard    Level = "hard"    // bars
	Ask     Level = "ask"     // an officer dismisses or pins it, once
	Unknown Level = "unknown" // a fact is missing
)

// Reason is one conflict between an expert and an application. ApplicationID
// is empty for what concerns the expert alone (facts_missing).
type Reason struct {
	Kind          string `json:"kind"`
	Level         Level  `json:"level"`
	ExpertID      string `json:"expert_id"`
	ApplicationID string `json:"application_id"`
	Evidence      string `json:"evidence"` // ids, codes and dates
	Period        string `json:"period"`
	Source        string `json:"source"`
	Message       string `json:"message"`
	// Both values, where only what somebody has written is compared with a record.
	Written    string `json:"written,omitempty"`
	Registered string `json:"registered,omitempty"`
}

// Key names the reason with its evidence: a decision holds while it is the
// same. What is missing of a unit is one item for all who work there.
func (r Reason) Key() string {
	expert := r.ExpertID
	if r.OfUnit() {
		expert = ""
	}
	return journal.Hash(strings.Join([]string{r.Kind, expert, r.ApplicationID, r.Evidence, r.Period}, "\n"))
}

// OfUnit tells whether the reason is a fact missing of the expert's unit.
func (r Reason) OfUnit() bool {
	return r.Kind == "facts_missing" && strings.HasPrefix(r.Evidence, "unit ")
}

// Expert are the facts of one expert.
type Expert struct {
	experts.Expert
	Identified bool // a confirmed document
	Unvetted   bool // nobody has yet confirmed which legal unit the expert's is
	// Leads and Joins are the programme year's live applications the person
	// leads or takes part in; Others those of other programmes of the year,
	// with the people of each.
	Leads, Joins []string
	// LeadsRunning and JoinsRunning are the numbers of the year's projects that
	// were let before and are still carried out.
	LeadsRunning, JoinsRunning []string
	CoMembers                  map[string]string // person id → application of another programme of the year
	Member                     bool              // of the programme year's technical group, at any time of the year
}

// Application are the facts of one application.
type Application struct {
	ID       string
	LeaderID string
	LeadUnit string
	Units    []string          // lead unit, partners, joint units
	Joint    []string          // joint units
	People   map[string]string // person id → unit id, leader included
	Avoid    []Avoided         // whom the applicant asked to keep away
}

// Avoided is an expert who may be the one an applicant has named: a name alone
// tells neither that it is nor that it is not.
type Avoided struct {
	ExpertID, Written, Registered string
	Why                           string // what the names say of each other
}

// Options are the pack's numbers and the day.
type Options struct {
	SameUnitYears, CooperationYears int
	Today                           string            // civil day
	Root                            map[string]string // unit → legal unit at the top (aliases, colleges, subsidiaries)
	Seat                            string            // unit whose own joint seat is asked about, else ""
	InReview                        map[string]bool   // applications of this review
}

func (o Options) root(unit string) string {
	for range 10 { // a chain of parents; a cycle ends
		parent, ok := o.Root[unit]
		if !ok || parent == "" || parent == unit {
			return unit
		}
		unit = parent
	}
	return unit
}

// years before today, as a civil day.
func (o Options) before(years int) string {
	day, err := time.Parse("2006-01-02", o.Today)
	if err != nil {
		return ""
	}
	return day.AddDate(-years, 0, 0).Format("2006-01-02")
}

// Missing are the expert's missing facts: one item per expert, and one per unit
// that nobody has vetted, settled by a confirmation, by evidence or by leaving
// out all who have the gap.
func Missing(e Expert) []Reason {
	var out []Reason
	if e.Unvetted {
		out = append(out, Reason{Kind: "facts_missing", Level: Unknown, ExpertID: e.ID, Evidence: "unit " + e.UnitID, Source: "单位名录",
			Message: "所在单位尚未核实，无法判断是否同一单位：请先核实该单位，或不将其专家列入候选。"})
	}
	var lacks []string
	if !e.Identified {
		lacks = append(lacks, "identity")
	}
	if len(e.Employments) == 0 {
		lacks = append(lacks, "employment")
	}
	if len(lacks) == 0 {
		return out
	}
	names := map[string]string{"identity": "身份证件", "employment": "工作经历"}
	text := ""
	for i, l := range lacks {
		if i > 0 {
			text += "、"
		}
		text += names[l]
	}
	return append(out, Reason{Kind: "facts_missing", Level: Unknown, ExpertID: e.ID, Evidence: strings.Join(lacks, ","), Source: "专家档案",
		Message: "缺少" + text + "，无法判断是否回避：请补录，或不将其列入候选。"})
}

// Year judges experts against a set of applications: what depends on one side
// alone is worked out once, so that a whole programme year costs little more
// than its pairs.
type Year struct {
	options      Options
	applications []prepared
}

type prepared struct {
	Application
	units  map[string]bool // legal units of all who take part
	people []string        // sorted
}

// Against prepares the applications.
func Against(applications []Application, o Options) *Year {
	y := &Year{options: o, applications: make([]prepared, len(applications))}
	for i, a := range applications {
		p := prepared{a, map[string]bool{}, sortedKeys(a.People)}
		for _, u := range a.Units {
			p.units[o.root(u)] = true
		}
		for _, u := range a.People {
			if u != "" {
				p.units[o.root(u)] = true
			}
		}
		y.applications[i] = p
	}
	return y
}

// Reasons are all of one expert: missing facts, own applications of the
// programme year, and every reason with each application.
func (y *Year) Reasons(e Expert) []Reason {
	out := append(Missing(e), Whole(e)...)
	posts := y.options.posts(e)
	for i := range y.applications {
		out = y.options.check(out, e, posts, &y.applications[i])
	}
	return out
}

// Applies tells whether a unit the expert works for now takes part in any of
// the applications.
func (y *Year) Applies(e Expert) bool {
	for _, unit := range y.options.posts(e).now {
		if slices.ContainsFunc(y.applications, func(a prepared) bool { return a.units[unit] }) {
			return true
		}
	}
	return false
}

// Check returns every reason between one expert and one application.
func Check(e Expert, a Application, o Options) []Reason {
	return o.check(nil, e, o.posts(e), &Against([]Application{a}, o).applications[0])
}

// posts are where an expert works now, and worked within the years that count
// (with the last day), by legal unit, in order.
type posts struct {
	now, past []string
	until     map[string]string
}

func (o Options) posts(e Expert) posts {
	now := map[string]bool{}
	if e.UnitID != "" {
		now[o.root(e.UnitID)] = true
	}
	until := map[string]string{}
	cut := o.before(o.SameUnitYears)
	for _, post := range e.Employments {
		r := o.root(post.UnitID)
		switch {
		case post.To == "" || post.To >= o.Today:
			now[r] = true
		case post.To >= cut:
			until[r] = max(until[r], post.To)
		}
	}
	for u := range now {
		delete(until, u)
	}
	return posts{sortedKeys(now), sortedKeys(until), until}
}

func (o Options) check(out []Reason, e Expert, p posts, a *prepared) []Reason {
	add := func(kind string, level Level, evidence, period, source, message string) {
		out = append(out, Reason{Kind: kind, Level: level, ExpertID: e.ID, ApplicationID: a.ID, Evidence: evidence, Period: period, Source: source, Message: message})
	}
	if slices.Contains(e.Leads, a.ID) || slices.Contains(e.Joins, a.ID) {
		add("own_application", Hard, "application "+a.ID, "", "申报书", "本人牵头或参与该项目申报。")
	}
	if e.Member && a.LeaderID == e.PersonID {
		add("technical_group", Hard, "application "+a.ID, "", "技术专家组名册", "技术专家组成员不得牵头承担相应项目（第七条）。")
	}
	ownSeat := func(unit string) bool {
		return o.Seat != "" && unit == o.root(o.Seat) && slices.Contains(a.Joint, o.Seat)
	}
	for _, u := range p.now {
		if a.units[u] && !ownSeat(u) {
			add("same_unit", Hard, "unit "+u, "", "工作单位", "现与项目的牵头、参与、联合单位或人员同一单位（含上下级单位）。")
		}
	}
	for _, u := range p.past {
		if a.units[u] && !ownSeat(u) {
			add("past_unit", Ask, "unit "+u, "至"+p.until[u], "工作经历", fmt.Sprintf("%d年内曾在相关单位任职。", o.SameUnitYears))
		}
	}
	for _, tie := range e.Ties {
		_, person := a.People[tie.PersonID]
		person = person && tie.PersonID != ""
		unit := tie.UnitID != "" && a.units[o.root(tie.UnitID)]
		if !person && !unit {
			continue
		}
		switch tie.Kind {
		case "adviser":
			add("adviser", Hard, "person "+tie.PersonID, "", "本人申报", "与项目人员为师生关系。")
		case "kin":
			add("kin", Hard, "person "+tie.PersonID, "", "本人申报", "与项目人员为夫妻或近亲属。")
		case "economic":
			add("economic", Hard, "unit "+tie.UnitID, "", "本人申报", "与项目单位有股东、董事、付费顾问等经济利益关系。")
		case "cooperation":
			if tie.Last == "" || tie.Last >= o.before(o.CooperationYears) {
				add("cooperation", Ask, "person "+tie.PersonID, "至"+tie.Last, "本人申报", fmt.Sprintf("%d年内与项目人员有论文、项目或专利合作。", o.CooperationYears))
			}
		}
	}
	if len(e.CoMembers) > 0 {
		for _, person := range a.people {
			if other, ok := e.CoMembers[person]; ok && person != e.PersonID {
				add("co_member", Ask, "application "+other, "", "申报书", "与申报人在同年度其他专项的申报中为共同成员。")
				break
			}
		}
	}
	for _, named := range a.Avoid {
		if named.ExpertID == e.ID {
			add("named", Ask, "application "+a.ID, "", "申报书", fmt.Sprintf("申报人说明理由请求回避“%s”，库中登记为“%s”（%s），仅凭名称不能判断是否同一人。", named.Written, named.Registered, named.Why))
			out[len(out)-1].Written, out[len(out)-1].Registered = named.Written, named.Registered
			break
		}
	}
	return out
}

// Whole is own_application for the whole review: who leads or takes part in
// any live application or running project of the programme year reviews none of it.
func Whole(e Expert) []Reason {
	own, message := slices.Sorted(slices.Values(slices.Concat(e.Leads, e.Joins))), "本年度牵头或参与本专项项目申报，须回避整个评审批次。"
	evidence, source := "application ", "申报书"
	if len(own) == 0 {
		own, message = slices.Sorted(slices.Values(slices.Concat(e.LeadsRunning, e.JoinsRunning))), "承担或参与本专项本年度的在研项目，须回避整个评审批次。"
		evidence, source = "project ", "在研项目"
	}
	if len(own) == 0 {
		return nil
	}
	return []Reason{{Kind: "own_application", Level: Hard, ExpertID: e.ID, Evidence: evidence + own[0], Source: source, Message: message}}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
