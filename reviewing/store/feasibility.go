package store

import (
	"fmt"
	"slices"
	"strings"

	"keping/experts"
	"keping/experts/draw"
	"keping/rbac/rulebook"
	"keping/reviewing"
	"keping/reviewing/conflict"
)

// Feasibility tells before the freeze whether a panel can be drawn, and if not why.
type Feasibility struct {
	Feasible      bool                     `json:"feasible"`
	ByApplication []ApplicationFeasibility `json:"by_application" doc:"对每个项目：排除与其有冲突的候选人之后能否组成"`
	Candidates    map[string]int           `json:"candidates"`
	Excluded      map[string]int           `json:"excluded" doc:"各规则排除的人数"`
	Open          []rulebook.Verdict       `json:"open" doc:"须先处理的情形"`
	Supply        []rulebook.Verdict       `json:"supply" doc:"候选人数是否宽裕、区外专家与专业是否合适"`
	Help          []string                 `json:"help" doc:"不可行时，单独放宽哪一项即可行，由谁批准"`
}

// ApplicationFeasibility is whether a panel could review one application.
type ApplicationFeasibility struct {
	Application string         `json:"application" example:"2025-ZD-01-001"`
	Feasible    bool           `json:"feasible"`
	Candidates  map[string]int `json:"candidates"`
}

// CheckFeasibility answers without side effects.
func (st *Store) CheckFeasibility(s *step, id string) (Feasibility, error) {
	r, err := take[reviewing.Review](s, id, "该评审批次")
	if err != nil {
		return Feasibility{}, err
	}
	pack, err := st.Pack(s)
	if err != nil {
		return Feasibility{}, err
	}
	apps, err := find[reviewing.Application](s, "number", "review_id = ? AND state <> ?", r.ID, reviewing.AppWithdrawn)
	if err != nil {
		return Feasibility{}, err
	}
	fit, err := st.loadFitness(s, pack, r, nil)
	if err != nil {
		return Feasibility{}, err
	}
	return fit.feasibility(apps), nil
}

// feasibility tells of one review whether a panel could be drawn now.
func (f *fitness) feasibility(apps []reviewing.Application) Feasibility {
	rows, out, open := f.candidates()
	v := Feasibility{Candidates: map[string]int{}, Excluded: map[string]int{}, Open: slices.DeleteFunc(open, func(v rulebook.Verdict) bool { return v.Verdict == rulebook.OutcomePass }), Help: []string{}}
	for _, c := range rows {
		for _, class := range c.Classes {
			v.Candidates[class]++
		}
	}
	for _, x := range out {
		v.Excluded[x.Rule]++
	}
	if v.Open == nil {
		v.Open = []rulebook.Verdict{}
	}
	frame := draw.Frame{UnitCap: f.review.UnitCap, Seats: seatsOf(f.review), Candidates: rows, Excluded: out}
	v.Supply = f.supply(frame, len(apps))
	v.ByApplication = f.feasibleFor(apps, frame)
	v.Feasible = drawable(frame, v.ByApplication)
	if !v.Feasible {
		v.Help = f.explain(apps, frame)
	} else if f.review.Matched() {
		if why := f.unmatchable(apps, frame); why != "" {
			v.Feasible, v.Help = false, []string{why, matchHelp}
		}
	}
	return v
}

// feasible asks the draw about no more candidates than matter to the answer. A
// panel of n takes at most n people and so n units: of candidates of the same
// classes, those of n units, of each as many as may sit, can always stand in
// for the rest.
func feasible(frame draw.Frame) bool {
	size := 0
	for _, s := range frame.Seats {
		size += s.Count
	}
	each := frame.UnitCap
	if each == 0 || each > size {
		each = size
	}
	units, people := map[string]map[string]bool{}, map[string]int{}
	few := frame
	few.Candidates = nil
	for _, c := range frame.Candidates {
		classes := strings.Join(c.Classes, ",")
		if units[classes] == nil {
			units[classes] = map[string]bool{}
		}
		unit := c.Unit
		if unit == "" { // of no known unit: nobody's colleague
			unit = c.Code
		}
		if !units[classes][unit] && len(units[classes]) >= size || people[classes+"\n"+unit] >= each {
			continue
		}
		units[classes][unit] = true
		people[classes+"\n"+unit]++
		few.Candidates = append(few.Candidates, c)
	}
	return draw.Feasible(few)
}

func drawable(frame draw.Frame, each []ApplicationFeasibility) bool {
	return feasible(frame) && !slices.ContainsFunc(each, func(a ApplicationFeasibility) bool { return !a.Feasible })
}

// feasibleFor asks for each application of the review whether the candidates
// without a conflict with it could make a panel. The frame's
// rows still carry expert ids. Under conflict_scope "review" a candidate has no
// conflict with any.
func (f *fitness) feasibleFor(apps []reviewing.Application, frame draw.Frame) []ApplicationFeasibility {
	barred := map[string]map[string]bool{} // application → candidates
	if f.pack.ConflictScope != "review" {
		for _, c := range frame.Candidates {
			for _, r := range f.facts.reasons(f.people[c.Code]) {
				if r.Level != conflict.Hard {
					continue
				}
				if barred[r.ApplicationID] == nil {
					barred[r.ApplicationID] = map[string]bool{}
				}
				barred[r.ApplicationID][c.Code] = true
			}
		}
	}
	count := func(candidates []draw.Candidate) map[string]int {
		n := map[string]int{}
		for _, c := range candidates {
			for _, class := range c.Classes {
				n[class]++
			}
		}
		return n
	}
	whole, all := feasible(frame), count(frame.Candidates)
	out := make([]ApplicationFeasibility, len(apps))
	for i, a := range apps {
		out[i] = ApplicationFeasibility{a.Number, whole, all}
		if out := &out[i]; len(barred[a.ID]) > 0 {
			narrow := frame
			narrow.Candidates = slices.DeleteFunc(slices.Clone(frame.Candidates), func(c draw.Candidate) bool { return barred[a.ID][c.Code] })
			out.Feasible, out.Candidates = feasible(narrow), count(narrow.Candidates)
		}
	}
	return out
}

// explain gives the counts, tries each single relaxation the pack allows and
// names those that would do and who grants them.
func (f *fitness) explain(apps []reviewing.Application, frame draw.Frame) []string {
	var help []string
	for _, s := range frame.Seats {
		n, units := 0, map[string]bool{}
		for _, c := range frame.Candidates {
			if slices.Contains(c.Classes, s.Class) {
				n++
				units[c.Unit] = true
			}
		}
		if n < s.Count || (frame.UnitCap > 0 && len(units)*frame.UnitCap < s.Count) {
			help = append(help, fmt.Sprintf("%s类需%d席，可用%d人（分属%d个单位，同单位上限%d人）。", experts.ClassNames[experts.Class(s.Class)], s.Count, n, len(units), frame.UnitCap))
		}
	}
	if frame.UnitCap > 0 {
		wider := frame
		wider.UnitCap++
		if drawable(wider, f.feasibleFor(apps, wider)) {
			help = append(help, fmt.Sprintf("同单位上限由%d放宽为%d即可（惯例P-15，由科技局领导批准）。", frame.UnitCap, wider.UnitCap))
		}
	}
	relaxed := func(change func(*rulebook.Pack) *rulebook.Pack, say func(more int) string) {
		other := *f
		other.pack = change(f.pack)
		wider := frame
		wider.Candidates, _, _ = other.candidates()
		if len(wider.Candidates) > len(frame.Candidates) && feasible(wider) && drawable(wider, other.feasibleFor(apps, wider)) {
			help = append(help, say(len(wider.Candidates)-len(frame.Candidates)))
		}
	}
	if len(f.served) > 0 {
		relaxed(func(p *rulebook.Pack) *rulebook.Pack { return p.Without("P-15") }, func(more int) string {
			return fmt.Sprintf("对因轮换排除的专家放行（规则P-15，对象expert/编号，由科技局领导说明理由后放行）即可：涉及%d人。", more)
		})
	}
	if f.pack.ConflictScope == "review" {
		relaxed(func(p *rulebook.Pack) *rulebook.Pack {
			byApplication := *p
			byApplication.ConflictScope = "application"
			return &byApplication
		}, func(more int) string {
			return fmt.Sprintf("改用“按项目回避”即可：与部分项目有关联的%d人可评其余项目（新的规则包，由科技局领导批准）。", more)
		})
	}
	if n := len(slices.DeleteFunc(slices.Clone(frame.Excluded), func(x draw.Excluded) bool { return x.Why != "other_field" })); n > 0 {
		help = append(help, fmt.Sprintf("另有%d名技术专家组成员专业与项目不符，经办书面说明理由后可列入候选（第七条、第二十条）。", n))
	}
	for i, s := range frame.Seats {
		total := f.review.Technical + f.review.Management + f.review.Finance
		if s.Count < 2 || total-1 < f.pack.PanelMin {
			continue
		}
		fewer := frame
		fewer.Seats = slices.Clone(frame.Seats)
		fewer.Seats[i].Count--
		if drawable(fewer, f.feasibleFor(apps, fewer)) {
			help = append(help, fmt.Sprintf("%s类减少一席即可，仍不少于%d人（由经办重建批次）。", experts.ClassNames[experts.Class(s.Class)], f.pack.PanelMin))
		}
	}
	return append(help, "向专家库补充人员，或为技术专家组增补成员（由科技局会同主管部门推荐、领导审定）。")
}
