package store

import (
	"fmt"
	"slices"

	"keping/experts"
	"keping/experts/draw"
	"keping/rbac/rulebook"
	"keping/reviewing"
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
	rows, out, who, open, err := st.candidates(s, pack, r)
	if err != nil {
		return Feasibility{}, err
	}
	f := Feasibility{Candidates: map[string]int{}, Excluded: map[string]int{}, Open: slices.DeleteFunc(open, func(v rulebook.Verdict) bool { return v.Verdict == rulebook.OutcomePass }), Help: []string{}}
	for _, c := range rows {
		for _, class := range c.Classes {
			f.Candidates[class]++
		}
	}
	for _, x := range out {
		f.Excluded[x.Rule]++
	}
	if f.Open == nil {
		f.Open = []rulebook.Verdict{}
	}
	frame := draw.Frame{UnitCap: r.UnitCap, Seats: seatsOf(r), Candidates: rows, Excluded: out}
	f.Supply = supply(pack, r, frame, who)
	if f.ByApplication, err = st.feasibleFor(s, pack, r, frame); err != nil {
		return f, err
	}
	f.Feasible = draw.Feasible(frame) && !slices.ContainsFunc(f.ByApplication, func(a ApplicationFeasibility) bool { return !a.Feasible })
	if !f.Feasible {
		f.Help, err = st.explain(s, pack, r, frame)
	}
	return f, err
}

// feasibleFor asks for each application of the review whether the candidates
// without a conflict with it could make a panel. The frame's
// rows still carry expert ids.
func (st *Store) feasibleFor(s *step, pack *rulebook.Pack, r reviewing.Review, frame draw.Frame) ([]ApplicationFeasibility, error) {
	apps, err := find[reviewing.Application](s, "number", "review_id = ? AND state <> ?", r.ID, reviewing.AppWithdrawn)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(frame.Candidates))
	for i, c := range frame.Candidates {
		ids[i] = c.Code
	}
	fit, err := st.loadFitness(s, pack, r, ids)
	if err != nil {
		return nil, err
	}
	out := make([]ApplicationFeasibility, len(apps))
	for i, a := range apps {
		narrow := frame
		narrow.Candidates = slices.DeleteFunc(slices.Clone(frame.Candidates), func(c draw.Candidate) bool {
			bars, _ := fit.general(fit.people[c.Code], a.ID)
			return len(bars) > 0
		})
		out[i] = ApplicationFeasibility{a.Number, draw.Feasible(narrow), map[string]int{}}
		for _, c := range narrow.Candidates {
			for _, class := range c.Classes {
				out[i].Candidates[class]++
			}
		}
	}
	return out, nil
}

// explain gives the counts, tries each single relaxation the pack allows and
// names those that would do and who grants them.
func (st *Store) explain(s *step, pack *rulebook.Pack, r reviewing.Review, frame draw.Frame) ([]string, error) {
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
		if draw.Feasible(wider) {
			help = append(help, fmt.Sprintf("同单位上限由%d放宽为%d即可（惯例P-15，由科技局领导批准）。", frame.UnitCap, wider.UnitCap))
		}
	}
	if pack.ConflictScope == "review" {
		byApplication := *pack
		byApplication.ConflictScope = "application"
		rows, _, _, _, err := st.candidates(s, &byApplication, r)
		if err != nil {
			return nil, err
		}
		wider := frame
		wider.Candidates = rows
		each, err := st.feasibleFor(s, &byApplication, r, wider)
		if err != nil {
			return nil, err
		}
		if draw.Feasible(wider) && !slices.ContainsFunc(each, func(a ApplicationFeasibility) bool { return !a.Feasible }) {
			help = append(help, fmt.Sprintf("改用“按项目回避”即可：与部分项目有关联的%d人可评其余项目（新的规则包，由科技局领导批准）。", len(rows)-len(frame.Candidates)))
		}
	}
	if n := len(slices.DeleteFunc(slices.Clone(frame.Excluded), func(x draw.Excluded) bool { return x.Why != "other_field" })); n > 0 {
		help = append(help, fmt.Sprintf("另有%d名技术专家组成员专业与项目不符，经办书面说明理由后可列入候选（第七条、第二十条）。", n))
	}
	for i, s := range frame.Seats {
		total := r.Technical + r.Management + r.Finance
		if s.Count < 2 || total-1 < pack.PanelMin {
			continue
		}
		fewer := frame
		fewer.Seats = slices.Clone(frame.Seats)
		fewer.Seats[i].Count--
		if draw.Feasible(fewer) {
			help = append(help, fmt.Sprintf("%s类减少一席即可，仍不少于%d人（由经办重建批次）。", experts.ClassNames[experts.Class(s.Class)], pack.PanelMin))
		}
	}
	return append(help, "向专家库补充人员，或为技术专家组增补成员（由科技局会同主管部门推荐、领导审定）。"), nil
}
