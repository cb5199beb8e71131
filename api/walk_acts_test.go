package api_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"keping/configs/rulepacks"
	"keping/experts"
	"keping/experts/draw"
	"keping/rbac"
	"keping/rbac/secret"
	"keping/reviewing"
)

// quick lets a walk go far in a short pool: nobody is used up.
var quick = map[string]any{"panels_per_year": 1000, "years_in_a_row": 100, "applications_per_leader": 1,
	"ban_years": map[string]any{"light": map[string]any{"min": 0, "max": 3}, "serious": map[string]any{"min": 3, "max": 5}, "grave": map[string]any{"min": 5, "max": 0}}}

// walkAct is one kind of act: how often chance takes it, and what it asks of
// the scene; nil where there is nothing to do it with.
type walkAct struct {
	name   string
	weight int
	plan   func(*walker) *deed
}

var walkWeights int

func init() {
	for _, a := range walkActs {
		walkWeights += a.weight
	}
}

func (w *walker) choose() walkAct {
	n := w.roll(walkWeights)
	for _, a := range walkActs {
		if n -= a.weight; n < 0 {
			return a
		}
	}
	return walkActs[0]
}

func (w *walker) newExpert(class string) map[string]any {
	n := w.next()
	unit := w.units["of-"+specs()[w.roll(len(specs()))].short]
	return map[string]any{"name": fmt.Sprintf("专家n%d", n), "document_kind": "resident_id", "document": resident(n, 1984), "mail": fmt.Sprintf("n%d@example.cn", n), "title": "教授",
		"unit_id": unit, "in_district": true, "pool": "technical", "classes": []string{class}, "fields": []any{map[string]any{"code": "520.20"}},
		"employments": []any{map[string]any{"unit_id": unit, "post": "教授", "from": "2010-07-01"}}}
}

func has(e experts.Expert, class experts.Class) bool { return slices.Contains(e.Classes, class) }

// seats of a review that are live.
func live(s reviewing.Seat) bool { return s.State != reviewing.SeatVacated }

func (w *walker) inTerm(programme string) []reviewing.Membership {
	return some(w.now.members, func(m reviewing.Membership) bool {
		g, _ := find(w.now.groups, func(g reviewing.Group) bool { return g.ID == m.GroupID })
		return g.ProgrammeID == programme && g.Kind == "technical" && g.State == reviewing.GroupInTerm && m.State == reviewing.InTerm
	})
}

// appliesFor is who may act for an application: its leader or its unit.
func (w *walker) appliesFor(a reviewing.Application, role rbac.Role) *visitor {
	for i := range 6 {
		if w.units[fmt.Sprintf("lead%d", i)] != a.LeadUnitID {
			continue
		}
		if role == rbac.Applicant {
			if leader := w.users[fmt.Sprintf("leader%d", i)]; leader.id == a.CreatedBy || w.wrong {
				return leader
			}
			return nil
		}
		return w.who(fmt.Sprintf("lead%d", i))
	}
	return nil
}

func (w *walker) sitter(s reviewing.Seat) *visitor {
	if w.wrong && w.roll(6) == 0 {
		return w.who("officer")
	}
	return w.by[s.ExpertID]
}

// onGuide is an act on one guide.
func onGuide(path string, by []string, states ...reviewing.GuideState) func(*walker) *deed {
	return func(w *walker) *deed {
		g, ok := one(w, w.now.guides, func(g reviewing.Guide) bool { return slices.Contains(states, g.State) })
		if !ok {
			return nil
		}
		return &deed{by: w.who(by...), path: "/api/guides/" + g.ID + path, body: map[string]any{"version": w.version(g.Version)}}
	}
}

// onApplication is an act on one application by its own side.
func onApplication(path string, role rbac.Role, body func(*walker, reviewing.Application) map[string]any, states ...reviewing.ApplicationState) func(*walker) *deed {
	return func(w *walker) *deed {
		a, ok := one(w, w.now.applications, func(a reviewing.Application) bool { return slices.Contains(states, a.State) })
		if !ok {
			return nil
		}
		more := map[string]any{}
		if body != nil {
			more = body(w, a)
		}
		more["version"] = w.version(a.Version)
		return &deed{by: w.appliesFor(a, role), path: "/api/applications/" + a.ID + path, body: more}
	}
}

// screen is the officer's formal check.
func screen(verdict string, states ...reviewing.ApplicationState) func(*walker) *deed {
	return func(w *walker) *deed {
		a, ok := one(w, w.now.applications, func(a reviewing.Application) bool { return slices.Contains(states, a.State) })
		if !ok {
			return nil
		}
		return &deed{by: w.who("officer", "officer2"), path: "/api/applications/" + a.ID + "/screen", body: map[string]any{"version": w.version(a.Version), "verdict": verdict, "reason": "请补充有关材料"}}
	}
}

// onReview is an act on one review.
func onReview(path string, by []string, body func(*walker, reviewing.Review) map[string]any, states ...reviewing.ReviewState) func(*walker) *deed {
	return func(w *walker) *deed {
		r, ok := one(w, w.now.reviews, func(r reviewing.Review) bool { return slices.Contains(states, r.State) && r.PausedAt == nil })
		if !ok {
			return nil
		}
		d := &deed{by: w.who(by...), path: "/api/reviews/" + r.ID + path, id: r.ID}
		if body != nil {
			more := body(w, r)
			if more == nil {
				return nil
			}
			d.body = more
		}
		return d
	}
}

func saying(words map[string]any) func(*walker, reviewing.Review) map[string]any {
	return func(*walker, reviewing.Review) map[string]any { return words }
}

// chaired is an act of a review's chair.
func chaired(path string, body func(*walker, reviewing.Review) map[string]any, states ...reviewing.ReviewState) func(*walker) *deed {
	return func(w *walker) *deed {
		r, ok := one(w, w.now.reviews, func(r reviewing.Review) bool { return slices.Contains(states, r.State) && r.ChairSeatID != "" })
		if !ok {
			return nil
		}
		chair, ok := find(w.now.seats, func(s reviewing.Seat) bool { return s.ID == r.ChairSeatID })
		if !ok {
			return nil
		}
		d := &deed{by: w.sitter(chair), path: "/api/reviews/" + r.ID + path}
		if body != nil {
			d.body = body(w, r)
		}
		return d
	}
}

// onSeat is an act on one seat of a review in one of the states.
func (w *walker) seatIn(fits func(reviewing.Seat) bool, states ...reviewing.ReviewState) (reviewing.Seat, reviewing.Review, bool) {
	s, ok := one(w, w.now.seats, func(s reviewing.Seat) bool {
		r, ok := w.reviewOf(s.ReviewID)
		return ok && slices.Contains(states, r.State) && r.PausedAt == nil && fits(s)
	})
	r, there := w.reviewOf(s.ReviewID)
	return s, r, ok && there
}

func (w *walker) marksOf(seat reviewing.Seat, version int) map[string]any {
	g, _ := w.guideOf(func() string { r, _ := w.reviewOf(seat.ReviewID); return r.GuideID }())
	innovation := []float64{50, 50, 45, 45, 40, 55}[w.roll(6)]
	if w.now.states["SM-09"][seat.ReviewID] == string(reviewing.Marking) && seat.ReviewID[len(seat.ReviewID)-1] < '6' {
		innovation = 50 // a panel of one mind: ties
	}
	body := marks(version, innovation, 30)
	if w.roll(15) == 0 { // below the pass line, with a word why
		body = marks(version, 10, 30)
		body["marks"].([]any)[0].(map[string]any)["reason"] = "创新性明显不足"
	}
	if w.wrong && w.roll(3) == 0 {
		body = marks(version, 10.25, 99)
	}
	if g.Method == "votes" || g.Votes {
		body["recommendation"] = []string{"recommend", "recommend", "revise", "decline"}[w.roll(4)]
	}
	if w.roll(60) == 0 {
		body["marks"], body["abstained"], body["opinion"] = []any{}, true, "与本人专业相距较远"
	}
	return body
}

// sheetIn is a sheet in a state with its seat.
func (w *walker) sheetIn(state reviewing.SheetState, review reviewing.ReviewState, fits func(reviewing.Sheet) bool) (reviewing.Sheet, reviewing.Seat, bool) {
	x, ok := one(w, w.now.sheets, func(x reviewing.Sheet) bool {
		r, ok := w.reviewOf(x.ReviewID)
		return ok && r.State == review && r.PausedAt == nil && x.State == state && fits(x)
	})
	seat, there := find(w.now.seats, func(s reviewing.Seat) bool { return s.ID == x.SeatID })
	return x, seat, ok && there
}

func anySheet(reviewing.Sheet) bool { return true }

// onList is an act on one list.
func onList(path, self string, by []string, body map[string]any, states ...reviewing.ListState) func(*walker) *deed {
	return func(w *walker) *deed {
		l, ok := one(w, w.now.lists, func(l reviewing.AwardList) bool { return slices.Contains(states, l.State) })
		if !ok {
			return nil
		}
		return &deed{by: w.who(by...), path: "/api/lists/" + l.ID + path, body: body, self: self, id: l.ID}
	}
}

// onObjection is a decision on one objection.
func onObjection(move string, states ...reviewing.ObjectionState) func(*walker) *deed {
	return func(w *walker) *deed {
		o, ok := one(w, w.now.objections, func(o reviewing.Objection) bool { return slices.Contains(states, o.State) && o.ArchivedAt == nil })
		if !ok {
			return nil
		}
		d := &deed{by: w.who("supervisor", "supervisor2"), path: "/api/objections/" + o.ID + "/" + move, body: map[string]any{"answer": "已核实有关情况"}, id: o.ID}
		if move == "archive" {
			d.self = "SM-13 archive"
		}
		return d
	}
}

// onExpert is an act on one expert.
func onExpert(path string, by []string, body func(*walker, experts.Expert) map[string]any, fits func(*walker, experts.Expert) bool) func(*walker) *deed {
	return func(w *walker) *deed {
		e, ok := one(w, w.now.experts, func(e experts.Expert) bool { return fits(w, e) })
		if !ok {
			return nil
		}
		v := w.who(by...)
		more := body(w, e)
		more["version"] = w.version(e.Version)
		if more["file_id"] == "?" {
			if more["file_id"] = w.file(v, "处理决定.pdf"); more["file_id"] == "" {
				return nil
			}
		}
		d := &deed{by: v, path: "/api/experts/" + e.ID + path, body: more}
		if path == "" {
			d.method = "PATCH"
		}
		return d
	}
}

func in(states ...experts.State) func(*walker, experts.Expert) bool {
	return func(_ *walker, e experts.Expert) bool { return slices.Contains(states, e.State) }
}

// plenty tells that the pool can spare one of a class.
func plenty(_ *walker, e experts.Expert) bool { return e.State == experts.InPool }

func reasonOf(*walker, experts.Expert) map[string]any { return because("随机测试所用的理由") }

// committed are the holders that have committed to a draw, and those that have revealed.
func committed(d reviewing.Draw) (held, shown []string) {
	var cs []draw.Commitment
	var rs []draw.Reveal
	_ = json.Unmarshal([]byte(d.Commitments), &cs)
	_ = json.Unmarshal([]byte(d.Reveals), &rs)
	for _, c := range cs {
		held = append(held, c.Holder)
	}
	for _, r := range rs {
		shown = append(shown, r.Holder)
	}
	return
}

var everyReview = []reviewing.ReviewState{reviewing.Preparing, reviewing.Frozen, reviewing.Drawn, reviewing.Composed, reviewing.Marking, reviewing.Discussing}

var walkActs = []walkAct{
	// rule packs
	{"rule_pack.load", 1, func(w *walker) *deed {
		if w.roll(3) > 0 {
			return nil
		}
		var body map[string]any
		if err := json.Unmarshal(rulepacks.Shapingba, &body); err != nil {
			w.fail("%v", err)
		}
		for key, value := range quick {
			body[key] = value
		}
		body["conflict_scope"] = []string{"review", "application"}[w.roll(2)]
		body["member_publicity_working_days"] = []int{0, 1}[w.roll(2)]
		body["joint_unit_part"] = []string{"attend", "opinion", "marks_apart"}[w.roll(3)]
		body["unit_cap"] = []int{0, 1, 2}[w.roll(3)]
		body["names_masked"] = w.roll(2) == 0
		body["version"], body["in_force"] = fmt.Sprintf("2025.w%d", w.next()), w.day(0)
		return &deed{by: w.users["officer"], path: "/api/rule_packs", body: body, after: func(a answer) {
			w.users["director"].do("POST", "/api/rule_packs/"+a.text(w.t, "result.id")+"/approve", map[string]any{}).is(w.t, 200)
			w.part = body["joint_unit_part"].(string)
		}}
	}},

	// programmes and groups
	{"programme.create", 4, func(w *walker) *deed {
		if len(w.now.programmes) > 0 && len(w.inTerm(w.now.programmes[0].ID)) < 6 && !w.wrong {
			g, _ := find(w.now.groups, func(g reviewing.Group) bool {
				return g.ProgrammeID == w.now.programmes[0].ID && g.Kind == "technical"
			})
			if g.State != reviewing.GroupDissolved {
				return nil
			}
		} else if len(w.now.programmes) > 0 && w.roll(60) > 0 {
			spent := some(w.now.guides, func(g reviewing.Guide) bool { return g.ProgrammeID == w.now.programmes[0].ID })
			if len(spent) < 2 {
				return nil
			}
		}
		n := w.next()
		return &deed{by: w.who("officer"), path: "/api/programmes", body: map[string]any{"kind": []string{"major", "key"}[w.roll(2)], "year": 2025 + n%70, "name": fmt.Sprintf("专项%d", n), "basis": "沙委发〔2025〕3号"}}
	}},
	{"membership.recommend", 14, func(w *walker) *deed {
		g, ok := one(w, w.now.groups, func(g reviewing.Group) bool {
			n := len(some(w.now.members, func(m reviewing.Membership) bool { return m.GroupID == g.ID && m.State != reviewing.Ended }))
			return g.State != reviewing.GroupDissolved && (g.Kind == "technical" && n < 9 || n < 1 && w.roll(6) == 0)
		})
		if !ok {
			return nil
		}
		pool, class := experts.TechnicalPool, experts.Technical
		if g.Kind == "advisory" {
			pool = experts.AdvisoryPool
		}
		free := some(w.now.experts, func(e experts.Expert) bool {
			_, already := find(w.now.members, func(m reviewing.Membership) bool {
				return m.GroupID == g.ID && m.ExpertID == e.ID && m.State != reviewing.Ended
			})
			return e.Pool == pool && has(e, class) && e.Name != "专家told" && (e.State == experts.InPool || w.wrong) && !already
		})
		w.chance.Shuffle(len(free), func(i, j int) { free[i], free[j] = free[j], free[i] })
		n := len(some(w.now.members, func(m reviewing.Membership) bool { return m.GroupID == g.ID && m.State != reviewing.Ended }))
		free = free[:min(len(free), max(8-n, 1))]
		if len(free) == 0 {
			return nil
		}
		var chosen []string
		for _, e := range free {
			chosen = append(chosen, e.ID)
		}
		return &deed{by: w.who("officer", "officer2"), path: "/api/programmes/" + g.ProgrammeID + "/recommend", self: "SM-08 recommend", id: g.ID,
			body: map[string]any{"kind": g.Kind, "expert_ids": chosen, "departments": []string{w.units["dept"]}, "document": "推荐函"}}
	}},
	{"group.publicise", 2, func(w *walker) *deed {
		g, ok := one(w, w.now.groups, func(g reviewing.Group) bool { return g.State != reviewing.GroupDissolved && w.recommended(g) })
		if !ok {
			return nil
		}
		return &deed{by: w.who("officer"), path: "/api/programmes/" + g.ProgrammeID + "/publicise_group", body: map[string]any{"kind": g.Kind}}
	}},
	{"group.approve", 12, func(w *walker) *deed {
		g, ok := one(w, w.now.groups, func(g reviewing.Group) bool { return g.State != reviewing.GroupDissolved && w.recommended(g) })
		if !ok {
			return nil
		}
		return &deed{by: w.who("director", "director2"), path: "/api/programmes/" + g.ProgrammeID + "/approve_group", body: map[string]any{"kind": g.Kind}, self: "SM-08 approve", id: g.ID}
	}},
	{"group.dissolve", 2, func(w *walker) *deed {
		if w.roll(6) > 0 {
			return nil
		}
		g, ok := one(w, w.now.groups, func(g reviewing.Group) bool { return g.State != reviewing.GroupDissolved })
		if !ok {
			return nil
		}
		return &deed{by: w.who("director"), path: "/api/programmes/" + g.ProgrammeID + "/dissolve_group", body: map[string]any{"kind": g.Kind, "reason": "换届"}}
	}},
	{"membership.end", 1, func(w *walker) *deed {
		m, ok := one(w, w.now.members, func(m reviewing.Membership) bool { return m.State == reviewing.InTerm })
		if !ok || w.roll(2) > 0 {
			return nil
		}
		return &deed{by: w.who("officer"), path: "/api/memberships/" + m.ID + "/end", body: w.why()}
	}},

	// guides
	{"guide.create", 12, func(w *walker) *deed {
		if len(w.now.guides) > 0 {
			g := w.now.guides[0]
			made := some(w.now.applications, func(a reviewing.Application) bool { return a.GuideID == g.ID })
			over := some(w.now.reviews, func(r reviewing.Review) bool {
				return r.GuideID == g.ID && (r.State == reviewing.Closed || r.State == reviewing.Void)
			})
			stuck := len(w.inTerm(g.ProgrammeID)) == 0 // nobody will review it
			if !stuck && (len(made) < 6 || len(over) == 0) && w.roll(200) > 0 {
				return nil
			}
		}
		p, ok := one(w, w.now.programmes, func(p reviewing.Programme) bool { return len(w.inTerm(p.ID)) >= 6 })
		if !ok {
			return nil
		}
		return &deed{by: w.who("officer"), path: "/api/guides", body: w.newGuide(p)}
	}},
	{"guide.update", 1, func(w *walker) *deed {
		g, ok := one(w, w.now.guides, func(g reviewing.Guide) bool { return g.State == reviewing.GuideDraft })
		p, there := find(w.now.programmes, func(p reviewing.Programme) bool { return p.ID == g.ProgrammeID })
		if !ok || !there {
			return nil
		}
		return &deed{by: w.who("officer"), method: "PATCH", path: fmt.Sprintf("/api/guides/%s?version=%d", g.ID, w.version(g.Version)), body: w.newGuide(p)}
	}},
	{"guide.approve", 10, onGuide("/approve", []string{"director", "director2"}, reviewing.GuideDraft)},
	{"guide.publish", 10, onGuide("/publish", []string{"officer"}, reviewing.GuideApproved)},

	// applications
	{"application.create", 24, func(w *walker) *deed {
		g, ok := one(w, w.now.guides, func(g reviewing.Guide) bool {
			return g.State == reviewing.GuidePublished && w.clock.Load() < g.ClosesAt.Unix() && len(some(w.now.applications, func(a reviewing.Application) bool { return a.GuideID == g.ID })) < 9
		})
		if !ok || len(g.Items) == 0 || len(w.now.applications) > 60 {
			return nil
		}
		unit := w.roll(6)
		by := w.who(fmt.Sprintf("lead%d", unit), fmt.Sprintf("leader%d", unit))
		return &deed{by: by, path: "/api/applications", body: w.newApplication(g, unit, by)}
	}},
	{"application.update", 3, func(w *walker) *deed {
		a, ok := one(w, w.now.applications, func(a reviewing.Application) bool {
			return a.State == reviewing.AppDraft || a.State == reviewing.AppCorrection
		})
		g, there := w.guideOf(a.GuideID)
		if !ok || !there {
			return nil
		}
		by := w.appliesFor(a, rbac.UnitAdmin)
		if by == nil {
			return nil
		}
		body := w.newApplication(g, 0, by)
		body["leaders"].([]any)[0].(map[string]any)["unit_id"] = a.LeadUnitID
		return &deed{by: by, method: "PATCH", path: fmt.Sprintf("/api/applications/%s?version=%d", a.ID, w.version(a.Version)), body: body}
	}},
	{"application.recommend", 8, func(w *walker) *deed {
		a, ok := one(w, w.now.applications, func(a reviewing.Application) bool {
			return a.Joint && a.RecommendedAt == nil && (a.State == reviewing.AppDraft || a.State == reviewing.AppUnitReview || a.State == reviewing.AppCorrection)
		})
		if !ok {
			return nil
		}
		return &deed{by: w.who("joint"), path: "/api/applications/" + a.ID + "/recommend"}
	}},
	{"application.submit", 20, onApplication("/submit", rbac.UnitAdmin, nil, reviewing.AppDraft, reviewing.AppCorrection)},
	{"application.hand_in", 18, onApplication("/submit", rbac.Applicant, nil, reviewing.AppDraft, reviewing.AppCorrection)},
	{"application.endorse", 10, onApplication("/endorse", rbac.UnitAdmin, nil, reviewing.AppUnitReview)},
	{"application.send_back", 4, onApplication("/send_back", rbac.UnitAdmin, func(w *walker, _ reviewing.Application) map[string]any { return w.why() }, reviewing.AppUnitReview)},
	{"application.permit_late", 1, func(w *walker) *deed {
		a, ok := one(w, w.now.applications, func(a reviewing.Application) bool { return a.State == reviewing.AppDraft })
		if !ok {
			return nil
		}
		return &deed{by: w.who("director"), path: "/api/applications/" + a.ID + "/permit_late", body: map[string]any{"version": w.version(a.Version), "until": w.day(w.roll(10)), "reason": "因系统故障未能提交"}}
	}},
	{"application.accept", 24, screen("accept", reviewing.AppSubmitted)},
	{"application.correct", 6, screen("correct", reviewing.AppSubmitted)},
	{"application.refuse", 2, screen("refuse", reviewing.AppSubmitted, reviewing.AppCorrection, reviewing.AppUnitReview)},
	{"application.withdraw", 3, func(w *walker) *deed {
		states := map[reviewing.ApplicationState]bool{}
		for _, a := range w.now.applications {
			states[a.State] = true
		}
		var open []reviewing.ApplicationState
		for _, s := range []reviewing.ApplicationState{reviewing.AppDraft, reviewing.AppUnitReview, reviewing.AppSubmitted, reviewing.AppCorrection, reviewing.AppAccepted, reviewing.AppInReview, reviewing.AppReviewed,
			reviewing.AppProposed, reviewing.AppReserve, reviewing.AppDeclined} {
			if states[s] {
				open = append(open, s)
			}
		}
		if len(open) == 0 {
			return nil
		}
		return onApplication("/withdraw", rbac.UnitAdmin, func(w *walker, _ reviewing.Application) map[string]any { return w.why() }, open[w.roll(len(open))])(w)
	}},

	// the pool
	{"expert.create", 4, func(w *walker) *deed {
		count := func(class experts.Class) int {
			return len(some(w.now.experts, func(e experts.Expert) bool { return e.State != experts.Left && has(e, class) }))
		}
		class := "technical"
		switch {
		case count(experts.Technical) < 24:
		case count(experts.Management) < 9:
			class = "management"
		case count(experts.Finance) < 9:
			class = "finance"
		default:
			return nil
		}
		return &deed{by: w.who("keeper"), path: "/api/experts", body: w.newExpert(class)}
	}},
	{"expert.publicise", 3, func(w *walker) *deed {
		e, ok := one(w, w.now.experts, func(e experts.Expert) bool { return e.State == experts.Proposed })
		if !ok {
			return nil
		}
		return &deed{by: w.who("keeper"), path: "/api/experts/publicise", body: map[string]any{"expert_ids": []string{e.ID}}}
	}},
	{"expert.admit", 4, func(w *walker) *deed {
		e, ok := one(w, w.now.experts, func(e experts.Expert) bool { return e.State == experts.Proposed || e.State == experts.Public })
		if !ok {
			return nil
		}
		return &deed{by: w.who("director"), path: "/api/experts/admit", body: map[string]any{"expert_ids": []string{e.ID}}}
	}},
	{"expert.suspend", 2, onExpert("/suspend", []string{"keeper"}, func(w *walker, _ experts.Expert) map[string]any {
		body := because("暂停使用")
		if w.roll(2) == 0 {
			body["until"] = w.day(1 + w.roll(10))
		}
		return body
	}, plenty)},
	{"expert.resume", 4, onExpert("/resume", []string{"keeper"}, reasonOf, in(experts.Suspended))},
	{"expert.ban", 2, onExpert("/ban", []string{"director"}, func(w *walker, _ experts.Expert) map[string]any {
		return map[string]any{"code": "leak", "grade": "light", "until": w.day(1 + w.roll(20)), "reason": "泄露评审专家名单", "file_id": "?"}
	}, func(w *walker, e experts.Expert) bool {
		return (e.State == experts.InPool || e.State == experts.Suspended) && w.roll(2) == 0
	})},
	{"expert.lift", 1, onExpert("/lift", []string{"director"}, reasonOf, in(experts.Banned))},
	{"expert.exit", 1, func(w *walker) *deed {
		state := []experts.State{experts.Proposed, experts.Public, experts.InPool, experts.Suspended, experts.Banned}[w.roll(5)]
		return onExpert("/exit", []string{"keeper"}, reasonOf, in(state))(w)
	}},
	{"expert.confirm", 6, onExpert("/confirm", []string{"keeper"}, func(*walker, experts.Expert) map[string]any { return map[string]any{} }, func(w *walker, e experts.Expert) bool {
		return (e.State == experts.InPool || e.State == experts.Suspended) && e.ConfirmedDay != "" && e.ConfirmedDay < w.day(-300)
	})},
	{"expert.update", 2, onExpert("", []string{"keeper"}, func(w *walker, e experts.Expert) map[string]any {
		post := []any{map[string]any{"unit_id": e.UnitID, "post": "教授", "from": "2010-07-01"}}
		if w.roll(3) == 0 { // who worked with an applicant
			post = append(post, map[string]any{"unit_id": w.units[fmt.Sprintf("lead%d", w.roll(6))], "post": "顾问", "from": "2009-01-01", "to": w.day(-400)})
		}
		return map[string]any{"employments": post, "ties": []any{}}
	}, in(experts.InPool))},
	{"appeal.create", 1, func(w *walker) *deed {
		e, ok := one(w, w.now.experts, func(e experts.Expert) bool {
			return (e.State == experts.Suspended || e.State == experts.Banned) && w.by[e.ID] != nil
		})
		if !ok {
			return nil
		}
		return &deed{by: w.by[e.ID], path: "/api/appeals", body: map[string]any{"text": "认定的事实与实际情况不符，请予核查。"}}
	}},
	{"appeal.decide", 1, func(w *walker) *deed {
		if len(w.now.appeals) == 0 {
			return nil
		}
		a := w.now.appeals[w.roll(len(w.now.appeals))]
		return &deed{by: w.who("director"), path: "/api/appeals/" + a.ID + "/" + []string{"accept", "reject"}[w.roll(2)], body: map[string]any{"answer": "已核实有关情况"}}
	}},
	{"user.activate", 4, func(w *walker) *deed {
		for _, e := range w.now.experts {
			if e.UserID == "" || w.by[e.ID] != nil {
				continue
			}
			w.mail(e)
			if token := w.links[e.Mail]; token != "" {
				delete(w.links, e.Mail)
				return &deed{by: w.stranger(), path: "/api/activations", body: map[string]any{"token": token, "password": password}, after: func(answer) {
					w.entry(e.ID, load[rbac.User](w, "", "id", "id = ?", e.UserID)[0].Login)
				}}
			}
		}
		return nil
	}},

	// reviews: the panel
	{"review.create", 14, func(w *walker) *deed {
		g, ok := one(w, w.now.guides, func(g reviewing.Guide) bool { return g.State == reviewing.GuidePublished })
		if !ok {
			return nil
		}
		free := some(w.now.applications, func(a reviewing.Application) bool { return a.GuideID == g.ID && a.State == reviewing.AppAccepted })
		if len(w.inTerm(g.ProgrammeID)) < 5 && !w.wrong {
			return nil
		}
		open := some(w.now.reviews, func(r reviewing.Review) bool { return r.State != reviewing.Closed && r.State != reviewing.Void })
		if len(free) == 0 || len(free) < 2 && w.roll(6) > 0 || len(open) > 5 {
			return nil
		}
		var chosen []string
		for _, a := range free[:1+w.roll(min(len(free), 3))] {
			chosen = append(chosen, a.ID)
		}
		body := reviewBody(g.ID, 3, 1, 1, chosen...)
		body["title"], body["meeting_day"] = fmt.Sprintf("评审%d", w.next()), w.day(2+w.roll(20))
		if w.wrong && w.roll(3) == 0 {
			body["finance"] = 0
		}
		return &deed{by: w.who("officer"), path: "/api/reviews", body: body}
	}},
	{"conflict.decide", 14, func(w *walker) *deed {
		r, ok := find(w.now.reviews, func(r reviewing.Review) bool {
			return r.State != reviewing.Closed && r.State != reviewing.Void && w.roll(2) == 0
		})
		if !ok {
			return nil
		}
		var page struct {
			Items []struct {
				Key      string
				ExpertID string `json:"expert_id"`
			}
		}
		a := w.users["officer"].do("GET", "/api/reviews/"+r.ID+"/conflicts?status=open&limit=50", nil).is(w.t, 200)
		if err := json.Unmarshal([]byte(a.body), &page); err != nil || len(page.Items) == 0 {
			return nil
		}
		item := page.Items[w.roll(len(page.Items))]
		return &deed{by: w.who("officer"), path: "/api/conflicts/decide", body: map[string]any{"programme_id": r.ProgrammeID, "expert_id": item.ExpertID, "key": item.Key, "decision": []string{"dismissed", "dismissed", "dismissed", "pinned"}[w.roll(4)], "reason": "已向双方核实情况"}}
	}},
	{"review.raise_unit_cap", 1, onReview("/raise_unit_cap", []string{"director"}, saying(map[string]any{"unit_cap": 3, "reason": "候选人不足，予以放宽"}), reviewing.Preparing)},
	{"review.justify_fields", 1, onReview("/justify_fields", []string{"officer"}, saying(because("本专业专家不足")), reviewing.Preparing)},
	{"meeting.arrange", 2, onReview("/arrange", []string{"officer"}, func(w *walker, r reviewing.Review) map[string]any {
		return map[string]any{"meets_at": r.MeetingDay + "T09:00:00+08:00", "place": "区政府3号楼"}
	}, reviewing.Preparing, reviewing.Frozen, reviewing.Drawn, reviewing.Composed)},
	{"frame.freeze", 24, func(w *walker) *deed {
		r, ok := one(w, w.now.reviews, func(r reviewing.Review) bool {
			return r.State == reviewing.Preparing && len(w.inTerm(r.ProgrammeID)) >= 5
		})
		if !ok {
			return nil
		}
		return &deed{by: w.who("officer"), path: "/api/reviews/" + r.ID + "/freeze"}
	}},
	{"draw.commit", 24, func(w *walker) *deed {
		d, ok := one(w, w.now.draws, func(d reviewing.Draw) bool { held, _ := committed(d); return d.State == "frozen" && len(held) < 2 })
		if !ok {
			return nil
		}
		held, _ := committed(d)
		holder, by := "bureau", w.who("officer")
		if slices.Contains(held, "bureau") || w.roll(2) == 0 && !slices.Contains(held, "supervisor") {
			holder, by = "supervisor", w.who("supervisor")
		}
		own := secret.Random(32)
		return &deed{by: by, path: "/api/draws/" + d.ID + "/commit", body: map[string]any{"commitment": draw.Commit(d.FrameHash, holder, own)}, after: func(answer) { w.secrets[d.ID+holder] = own }}
	}},
	{"draw.reveal", 40, func(w *walker) *deed {
		d, ok := one(w, w.now.draws, func(d reviewing.Draw) bool {
			held, shown := committed(d)
			return d.State == "frozen" && len(held) == 2 && len(shown) < 2 && d.RevealBy != nil && w.clock.Load() <= d.RevealBy.Unix()
		})
		if !ok {
			return nil
		}
		_, shown := committed(d)
		holder, by := "bureau", w.who("officer")
		if slices.Contains(shown, "bureau") {
			holder, by = "supervisor", w.who("supervisor")
		}
		own := w.secrets[d.ID+holder]
		if own == "" || w.wrong && w.roll(3) == 0 {
			own = secret.Random(32)
		}
		return &deed{by: by, path: "/api/draws/" + d.ID + "/reveal", body: map[string]any{"secret": own}}
	}},
	{"draw.void", 6, func(w *walker) *deed {
		d, ok := one(w, w.now.draws, func(d reviewing.Draw) bool {
			late := d.RevealBy != nil && w.clock.Load() > d.RevealBy.Unix()
			return d.State == "frozen" && (late || len(d.Approvals) > 0 || w.roll(20) == 0)
		})
		if !ok {
			return nil
		}
		logins := []string{"director", "supervisor2"}
		for _, a := range d.Approvals {
			if a.Role == rbac.Director {
				logins = []string{"supervisor2"}
			} else {
				logins = []string{"director"}
			}
		}
		return &deed{by: w.who(logins...), path: "/api/draws/" + d.ID + "/void", body: because("揭示时限已过")}
	}},
	{"invitation.reply", 60, func(w *walker) *deed {
		s, ok := one(w, w.now.seats, func(s reviewing.Seat) bool { return s.State == reviewing.SeatInvited })
		if !ok {
			return nil
		}
		token := w.link(s)
		if token == "" {
			return nil
		}
		return &deed{by: w.stranger(), path: "/api/invitations/reply", body: map[string]any{"token": token, "accept": w.roll(8) > 0, "reason": "当日出差", "password": password, "consent": true},
			after: func(a answer) {
				if login, ok := a.get(w.t, "result.login").(string); ok && login != "" {
					if u := load[rbac.User](w, "", "id", "login = ?", login)[0]; u.State == rbac.UserActive {
						w.entry(s.ExpertID, login)
					}
				}
			}}
	}},
	{"reply.enter", 3, func(w *walker) *deed {
		s, _, ok := w.seatIn(func(s reviewing.Seat) bool { return s.State == reviewing.SeatInvited && s.ReplyEnteredBy == "" }, reviewing.Drawn, reviewing.Composed, reviewing.Marking)
		if !ok {
			return nil
		}
		accept := w.roll(3) > 0
		return &deed{by: w.who("officer"), path: "/api/seats/" + s.ID + "/enter_reply", body: map[string]any{"accept": accept, "reason": "当日出差", "consent": true, "caller": "专家本人与经办",
			"called_at": time.Unix(w.clock.Load(), 0).UTC().Format(time.RFC3339)}, after: func(answer) { w.entered[s.ID] = map[string]any{"accept": accept} }}
	}},
	{"reply.confirm", 4, func(w *walker) *deed {
		s, _, ok := w.seatIn(func(s reviewing.Seat) bool { return s.State == reviewing.SeatInvited && s.ReplyEnteredBy != "" }, reviewing.Drawn, reviewing.Composed, reviewing.Marking)
		if !ok {
			return nil
		}
		body := w.entered[s.ID]
		if body == nil {
			body = map[string]any{"accept": true}
		}
		return &deed{by: w.who("officer2", "supervisor"), path: "/api/seats/" + s.ID + "/confirm_reply", body: body}
	}},
	{"panel.confirm", 20, func(w *walker) *deed {
		r, ok := one(w, w.now.reviews, func(r reviewing.Review) bool {
			_, waits := find(w.now.seats, func(s reviewing.Seat) bool { return s.ReviewID == r.ID && s.State == reviewing.SeatInvited })
			return r.State == reviewing.Drawn && !waits
		})
		if !ok {
			return nil
		}
		return &deed{by: w.who("officer"), path: "/api/reviews/" + r.ID + "/confirm"}
	}},
	{"seat.pledge", 36, func(w *walker) *deed {
		s, r, ok := w.seatIn(func(s reviewing.Seat) bool { return s.State == reviewing.SeatAccepted && w.by[s.ExpertID] != nil }, reviewing.Drawn, reviewing.Composed, reviewing.Marking)
		if !ok {
			return nil
		}
		return &deed{by: w.sitter(s), path: "/api/reviews/" + r.ID + "/pledge", body: map[string]any{"password": password}}
	}},
	{"declaration.create", 80, func(w *walker) *deed {
		s, r, ok := w.seatIn(func(s reviewing.Seat) bool {
			return s.State == reviewing.SeatPledged && len(w.undeclared(s)) > 0
		}, reviewing.Drawn, reviewing.Composed, reviewing.Marking, reviewing.Discussing)
		if !ok {
			return nil
		}
		owed := w.undeclared(s)
		if len(owed) == 0 {
			owed = []string{"nothing"}
		}
		body := map[string]any{"application_id": owed[w.roll(len(owed))], "clear": true}
		if w.roll(25) == 0 {
			body = map[string]any{"application_id": body["application_id"], "clear": false, "kind": "cooperation", "reason": "近年有合作"}
		}
		return &deed{by: w.sitter(s), path: "/api/reviews/" + r.ID + "/declare", body: body}
	}},
	{"declaration.late", 1, func(w *walker) *deed { // somebody finds out while marking
		d, ok := one(w, w.now.declarations, func(d reviewing.Declaration) bool { return d.State == "clear" })
		s, there := find(w.now.seats, func(s reviewing.Seat) bool { return s.ID == d.SeatID })
		if !ok || !there {
			return nil
		}
		return &deed{by: w.sitter(s), path: "/api/reviews/" + d.ReviewID + "/declare", body: map[string]any{"application_id": d.ApplicationID, "clear": false, "kind": "kin", "reason": "与成员有亲属关系"}}
	}},
	{"declaration.decide", 12, func(w *walker) *deed {
		d, ok := one(w, w.now.declarations, func(d reviewing.Declaration) bool { return d.State == "pending" })
		if !ok {
			return nil
		}
		return &deed{by: w.who("officer"), path: "/api/declarations/" + d.ID + "/" + []string{"approve", "reject"}[w.roll(2)]}
	}},
	{"review.recheck", 2, onReview("/recheck", []string{"officer", "supervisor"}, nil, reviewing.Drawn, reviewing.Composed, reviewing.Marking, reviewing.Discussing)},
	{"seat.replace", 2, func(w *walker) *deed {
		s, _, ok := w.seatIn(live, reviewing.Drawn, reviewing.Composed, reviewing.Marking, reviewing.Discussing)
		if !ok {
			return nil
		}
		return &deed{by: w.who("officer", "supervisor"), path: "/api/seats/" + s.ID + "/replace", body: w.why()}
	}},
	{"seat.appoint", 8, func(w *walker) *deed {
		r, ok := one(w, w.now.reviews, func(r reviewing.Review) bool {
			return (r.State == reviewing.Drawn || r.State == reviewing.Composed || r.State == reviewing.Marking) && w.short(r) != ""
		})
		if !ok {
			return nil
		}
		class := w.short(r)
		if class == "" {
			class = []experts.Class{experts.Technical, experts.Management, experts.Finance}[w.roll(3)]
		}
		e, ok := one(w, w.now.experts, func(e experts.Expert) bool { return e.State == experts.InPool && has(e, class) })
		if !ok {
			return nil
		}
		body := map[string]any{"class": class, "expert_id": e.ID, "reason": "候补已经用尽，须补足"}
		if apps := some(w.now.applications, func(a reviewing.Application) bool { return a.ReviewID == r.ID }); len(apps) > 0 && w.roll(3) == 0 {
			body["application_id"] = apps[w.roll(len(apps))].ID
		}
		return &deed{by: w.who("director"), path: "/api/reviews/" + r.ID + "/appoint", body: body}
	}},
	{"joint_seat.participate", 10, func(w *walker) *deed {
		j, ok := one(w, w.now.joint, func(j reviewing.JointSeat) bool {
			r, ok := w.reviewOf(j.ReviewID)
			return ok && j.ParticipatedAt == nil && r.PausedAt == nil && (r.State == reviewing.Composed || r.State == reviewing.Marking || r.State == reviewing.Discussing)
		})
		if !ok {
			return nil
		}
		var given []any
		for _, a := range w.now.applications {
			if a.ReviewID == j.ReviewID && a.Joint && a.State != reviewing.AppWithdrawn {
				given = append(given, map[string]any{"application_id": a.ID, "marks": marks(1, 45, 30)["marks"]})
			}
		}
		body := map[string]any{"name": "处长甲", "post": "处长", "opinion": "同意推荐", "password": password}
		if w.part == "marks_apart" {
			body["marks"] = given
		}
		return &deed{by: w.who("joint"), path: "/api/reviews/" + j.ReviewID + "/participate", body: body}
	}},

	// reviews: the meeting and the marks
	{"attendance.record", 14, func(w *walker) *deed {
		s, _, ok := w.seatIn(func(s reviewing.Seat) bool {
			r, _ := w.reviewOf(s.ReviewID)
			return r.MeetsAt != nil && s.AttendedAt == nil && (s.State == reviewing.SeatAccepted || s.State == reviewing.SeatPledged)
		}, reviewing.Composed, reviewing.Marking)
		if !ok {
			return nil
		}
		return &deed{by: w.who("officer"), path: "/api/seats/" + s.ID + "/attend"}
	}},
	{"attendance.create", 4, func(w *walker) *deed {
		s, r, ok := w.seatIn(func(s reviewing.Seat) bool {
			r, _ := w.reviewOf(s.ReviewID)
			return r.MeetsAt != nil && s.AttendedAt == nil && s.State == reviewing.SeatPledged && w.by[s.ExpertID] != nil
		}, reviewing.Composed, reviewing.Marking)
		if !ok {
			return nil
		}
		return &deed{by: w.sitter(s), path: "/api/reviews/" + r.ID + "/sign_in", body: map[string]any{"code": w.app.Reviews.SignInCodeOf(r.ID).Code}}
	}},
	{"absence.record", 1, func(w *walker) *deed {
		s, r, ok := w.seatIn(func(s reviewing.Seat) bool { return s.State == reviewing.SeatPledged }, reviewing.Composed, reviewing.Marking)
		apps := some(w.now.applications, func(a reviewing.Application) bool { return a.ReviewID == r.ID && a.State == reviewing.AppInReview })
		if !ok || len(apps) == 0 || w.roll(2) > 0 {
			return nil
		}
		return &deed{by: w.who("officer"), path: "/api/seats/" + s.ID + "/absent", body: map[string]any{"application_id": apps[w.roll(len(apps))].ID, "reason": "临时离会"}}
	}},
	{"review.start", 20, func(w *walker) *deed {
		r, ok := one(w, w.now.reviews, func(r reviewing.Review) bool {
			_, owes := find(w.now.seats, func(s reviewing.Seat) bool {
				return s.ReviewID == r.ID && live(s) && (s.State != reviewing.SeatPledged || len(w.undeclared(s)) > 0)
			})
			return r.State == reviewing.Composed && !owes
		})
		if !ok {
			return nil
		}
		return &deed{by: w.who("officer"), path: "/api/reviews/" + r.ID + "/start"}
	}},
	{"review.remind", 1, onReview("/remind", []string{"officer"}, nil, reviewing.Composed, reviewing.Marking)},
	{"review.pause", 1, onReview("/pause", []string{"supervisor"}, saying(because("核实举报")), everyReview...)},
	{"review.resume", 14, func(w *walker) *deed {
		r, ok := one(w, w.now.reviews, func(r reviewing.Review) bool { return r.PausedAt != nil })
		if !ok {
			return nil
		}
		return &deed{by: w.who("supervisor"), path: "/api/reviews/" + r.ID + "/resume"}
	}},
	{"chair.vote", 4, func(w *walker) *deed {
		s, r, ok := w.seatIn(func(s reviewing.Seat) bool {
			r, _ := w.reviewOf(s.ReviewID)
			return s.State == reviewing.SeatPledged && r.ChairSeatID == "" && w.by[s.ExpertID] != nil
		}, reviewing.Composed, reviewing.Marking)
		if !ok {
			return nil
		}
		return &deed{by: w.sitter(s), path: "/api/reviews/" + r.ID + "/vote_chair", body: map[string]any{"seat_id": w.candidate(r)}}
	}},
	{"chair.appoint", 10, func(w *walker) *deed {
		r, ok := one(w, w.now.reviews, func(r reviewing.Review) bool {
			return r.ChairSeatID == "" && (r.State == reviewing.Composed || r.State == reviewing.Marking)
		})
		if !ok {
			return nil
		}
		return &deed{by: w.who("officer"), path: "/api/reviews/" + r.ID + "/appoint_chair", body: map[string]any{"seat_id": w.candidate(r)}}
	}},
	{"sheet.save", 16, func(w *walker) *deed {
		x, s, ok := w.sheetIn(reviewing.SheetDraft, reviewing.Marking, anySheet)
		if !ok {
			return nil
		}
		return &deed{by: w.sitter(s), method: "PATCH", path: "/api/sheets/" + x.ID, body: w.marksOf(s, w.version(x.Version)), self: "SM-11 save", id: x.ID}
	}},
	{"sheet.submit", 120, func(w *walker) *deed {
		x, s, ok := w.sheetIn(reviewing.SheetDraft, reviewing.Marking, anySheet)
		if !ok {
			return nil
		}
		return &deed{by: w.sitter(s), path: "/api/sheets/" + x.ID + "/submit", body: w.marksOf(s, w.version(x.Version))}
	}},
	{"sheet.enter", 6, func(w *walker) *deed {
		x, s, ok := w.sheetIn(reviewing.SheetDraft, reviewing.Marking, func(x reviewing.Sheet) bool { return x.EnteredBy == "" })
		if !ok {
			return nil
		}
		by := w.who("officer")
		body := w.marksOf(s, w.version(x.Version))
		if body["file_id"] = w.file(by, "评分表.pdf"); body["file_id"] == "" {
			return nil
		}
		return &deed{by: by, path: "/api/sheets/" + x.ID + "/enter", body: body, self: "SM-11 enter", id: x.ID, after: func(answer) {
			delete(body, "file_id")
			w.entered[x.ID] = body
		}}
	}},
	{"sheet.confirm", 8, func(w *walker) *deed {
		x, _, ok := w.sheetIn(reviewing.SheetDraft, reviewing.Marking, func(x reviewing.Sheet) bool { return x.EnteredBy != "" && w.entered[x.ID] != nil })
		if !ok || w.entered[x.ID] == nil {
			return nil
		}
		body := w.entered[x.ID]
		body["version"] = w.version(x.Version)
		return &deed{by: w.who("officer2"), path: "/api/sheets/" + x.ID + "/confirm", body: body}
	}},
	{"sheet.return", 2, func(w *walker) *deed {
		x, _, ok := w.sheetIn(reviewing.SheetSubmitted, reviewing.Marking, anySheet)
		if !ok {
			return nil
		}
		return &deed{by: w.who("officer"), path: "/api/sheets/" + x.ID + "/return", body: w.why()}
	}},
	{"sheet.revise", 10, func(w *walker) *deed {
		x, s, ok := w.sheetIn(reviewing.SheetSubmitted, reviewing.Discussing, func(x reviewing.Sheet) bool {
			s, _ := find(w.now.seats, func(s reviewing.Seat) bool { return s.ID == x.SeatID })
			return x.Round == 1 && s.SignedAt == nil
		})
		if !ok {
			return nil
		}
		body := w.marksOf(s, w.version(x.Version))
		body["reason"] = "听取讨论后调整判断"
		return &deed{by: w.sitter(s), path: "/api/sheets/" + x.ID + "/revise", body: body}
	}},
	{"redo.request", 3, onReview("/redo", []string{"officer"}, saying(because("评分标准理解有误")), reviewing.Marking, reviewing.Discussing)},
	{"redo.approve", 4, func(w *walker) *deed {
		r, ok := one(w, w.now.reviews, func(r reviewing.Review) bool {
			return r.RedoReason != "" && (r.State == reviewing.Marking || r.State == reviewing.Discussing)
		})
		if !ok {
			return nil
		}
		return &deed{by: w.who("supervisor"), path: "/api/reviews/" + r.ID + "/approve_redo", self: "SM-09 redo", id: r.ID}
	}},
	{"redo.reject", 2, func(w *walker) *deed {
		r, ok := one(w, w.now.reviews, func(r reviewing.Review) bool {
			return r.RedoReason != "" && (r.State == reviewing.Marking || r.State == reviewing.Discussing)
		})
		if !ok {
			return nil
		}
		return &deed{by: w.who("supervisor"), path: "/api/reviews/" + r.ID + "/reject_redo"}
	}},
	{"review.open_chair", 16, func(w *walker) *deed {
		if !w.wrong && !w.marked() {
			return nil
		}
		return chaired("/open", nil, reviewing.Marking)(w)
	}},
	{"review.open", 16, func(w *walker) *deed {
		r, ok := one(w, w.now.reviews, func(r reviewing.Review) bool {
			return r.State == reviewing.Marking && r.ChairSeatID != "" && !r.OpenedBySup && w.allMarked(r)
		})
		if !ok {
			return nil
		}
		return &deed{by: w.who("supervisor", "supervisor2"), path: "/api/reviews/" + r.ID + "/open"}
	}},
	{"review.opine", 16, chaired("/opinion", func(w *walker, r reviewing.Review) map[string]any {
		return map[string]any{"text": "专家组认为申报项目总体符合指南要求。"}
	}, reviewing.Discussing)},
	{"review.sign", 50, func(w *walker) *deed {
		s, r, ok := w.seatIn(func(s reviewing.Seat) bool {
			r, _ := w.reviewOf(s.ReviewID)
			return s.State == reviewing.SeatPledged && s.SignedAt == nil && r.OpinionHash != ""
		}, reviewing.Discussing)
		if !ok {
			return nil
		}
		body := map[string]any{"password": password}
		if w.roll(10) == 0 {
			body["dissent"] = "对第一项持保留意见"
		}
		return &deed{by: w.sitter(s), path: "/api/reviews/" + r.ID + "/sign", body: body}
	}},
	{"signature.refuse", 2, func(w *walker) *deed {
		s, _, ok := w.seatIn(func(s reviewing.Seat) bool { return s.State == reviewing.SeatPledged && s.SignedAt == nil }, reviewing.Discussing)
		if !ok {
			return nil
		}
		return &deed{by: w.who("officer"), path: "/api/seats/" + s.ID + "/refuse_signature", body: w.why()}
	}},
	{"order.create", 8, onReview("/order", []string{"officer"}, nil, reviewing.Discussing)},
	{"tie_vote.record", 8, chaired("/vote_tie", func(w *walker, r reviewing.Review) map[string]any {
		var numbers []string
		for _, a := range w.now.applications {
			if a.ReviewID == r.ID && a.State == reviewing.AppInReview {
				numbers = append(numbers, a.Number)
			}
		}
		if len(numbers) > 2 && w.roll(2) == 0 {
			i := w.roll(len(numbers))
			numbers = slices.Delete(numbers, i, i+1)
		}
		if len(numbers) < 2 {
			numbers = append(numbers, "无", "无")
		}
		return map[string]any{"applications": numbers, "minutes": "到会5人，依次得票"}
	}, reviewing.Discussing)},
	{"review.close", 20, func(w *walker) *deed {
		r, ok := one(w, w.now.reviews, func(r reviewing.Review) bool {
			_, owes := find(w.now.seats, func(s reviewing.Seat) bool {
				return s.ReviewID == r.ID && live(s) && s.SignedAt == nil && s.NotSigned == ""
			})
			return r.State == reviewing.Discussing && !owes
		})
		if !ok {
			return nil
		}
		return &deed{by: w.who("officer"), path: "/api/reviews/" + r.ID + "/close"}
	}},
	{"review.void", 2, func(w *walker) *deed {
		r, ok := one(w, w.now.reviews, func(r reviewing.Review) bool {
			stuck := r.CreatedAt.Unix() < w.clock.Load()-20*86400 || r.State == reviewing.Preparing && len(w.inTerm(r.ProgrammeID)) < 5
			return slices.Contains(everyReview, r.State) && r.PausedAt == nil && (stuck || w.roll(12) == 0)
		})
		if !ok {
			return nil
		}
		return &deed{by: w.who("officer", "supervisor", "supervisor"), path: "/api/reviews/" + r.ID + "/void", body: because("到会专家不足")}
	}},
	{"conduct.create", 3, func(w *walker) *deed {
		s, r, ok := w.seatIn(func(s reviewing.Seat) bool { return live(s) }, reviewing.Closed)
		if !ok {
			return nil
		}
		given := []any{}
		for _, item := range experts.ConductItems {
			given = append(given, map[string]any{"item": item.Code, "mark": 3 + w.roll(3)})
		}
		return &deed{by: w.who("officer", "supervisor"), path: "/api/reviews/" + r.ID + "/rate", body: map[string]any{"seat_id": s.ID, "marks": given}}
	}},

	// the award list
	{"list.create", 12, func(w *walker) *deed {
		g, ok := one(w, w.now.guides, func(g reviewing.Guide) bool {
			_, closed := find(w.now.reviews, func(r reviewing.Review) bool { return r.GuideID == g.ID && r.State == reviewing.Closed })
			_, open := find(w.now.lists, func(l reviewing.AwardList) bool { return l.GuideID == g.ID && l.State != reviewing.ListSuperseded })
			return closed && (!open || w.roll(6) == 0)
		})
		if !ok {
			return nil
		}
		return &deed{by: w.who("officer"), path: "/api/lists", body: map[string]any{"guide_id": g.ID, "reason": "异议成立，重新拟订"}}
	}},
	{"list.adjust", 16, func(w *walker) *deed {
		l, ok := one(w, w.now.lists, func(l reviewing.AwardList) bool { return l.State == reviewing.ListDrafted })
		if !ok || len(l.Lines) == 0 {
			return nil
		}
		line := l.Lines[w.roll(len(l.Lines))]
		choice := []string{"proposed", "reserve", "declined"}[w.roll(3)]
		return &deed{by: w.who("officer"), path: "/api/lists/" + l.ID + "/adjust", self: "SM-12 adjust", id: l.ID,
			body: map[string]any{"version": w.version(l.Version), "choices": []any{map[string]any{"application_id": line.ApplicationID, "choice": choice, "reason": "区里重点布局方向"}}}}
	}},
	{"conclusion.create", 40, func(w *walker) *deed {
		l, ok := one(w, w.now.lists, func(l reviewing.AwardList) bool { return l.State == reviewing.ListDrafted })
		if !ok {
			return nil
		}
		now, _ := l.LinesHash()
		owed := []string{}
		for _, kind := range []string{"conference", "finance", "deliberation", "joint_unit"} {
			if _, said := find(w.now.conclusions, func(c reviewing.Conclusion) bool {
				return c.ListID == l.ID && c.Kind == kind && c.Agreed && c.Lines == now && !c.Returned
			}); !said {
				owed = append(owed, kind)
			}
		}
		if len(owed) == 0 || len(owed) == 1 && owed[0] == "joint_unit" && !w.jointLines(l) {
			return nil
		}
		kind := owed[w.roll(len(owed))]
		if kind == "joint_unit" && !w.jointLines(l) {
			return nil
		}
		by := w.who(map[string]string{"conference": "conference", "finance": "finance", "deliberation": "director", "joint_unit": "joint"}[kind])
		agreed := w.roll(10) > 0
		body := map[string]any{"version": w.version(l.Version), "kind": kind, "agreed": agreed, "day": w.day(0), "document": "纪要〔2025〕1号"}
		switch kind {
		case "conference":
			words := []any{}
			for _, line := range l.Lines {
				if line.Choice == "proposed" {
					words = append(words, map[string]any{"application_id": line.ApplicationID, "agreed": agreed})
				}
			}
			body["words"] = words
		case "finance":
			g, _ := w.guideOf(l.GuideID)
			p, _ := find(w.now.programmes, func(p reviewing.Programme) bool { return p.ID == g.ProgrammeID })
			schedule := []any{}
			for _, line := range l.Lines {
				if line.Choice == "proposed" {
					schedule = append(schedule, map[string]any{"application_id": line.ApplicationID, "year": p.Year, "stage": 1, "fen": line.FiscalFen})
				}
			}
			body["schedule"] = schedule
		case "deliberation":
			body["vote"] = map[string]any{"present": 7, "for": 6, "against": 0, "abstain": 1}
			if !agreed {
				body["vote"] = map[string]any{"present": 7, "for": 3, "against": 3, "abstain": 1}
			}
			if body["file_id"] = w.file(by, "纪要.pdf"); body["file_id"] == "" {
				return nil
			}
		}
		return &deed{by: by, path: "/api/lists/" + l.ID + "/conclude", body: body}
	}},
	{"list.return", 1, onList("/return", "SM-12 return", []string{"director"}, because("请再核实经费"), reviewing.ListDrafted)},
	{"list.deliberate", 16, func(w *walker) *deed {
		l, ok := one(w, w.now.lists, func(l reviewing.AwardList) bool {
			now, _ := l.LinesHash()
			_, said := find(w.now.conclusions, func(c reviewing.Conclusion) bool {
				return c.ListID == l.ID && c.Kind == "deliberation" && c.Agreed && c.Lines == now && !c.Returned
			})
			return l.State == reviewing.ListDrafted && said
		})
		if !ok {
			return nil
		}
		return &deed{by: w.who("director", "director2"), path: "/api/lists/" + l.ID + "/deliberate"}
	}},
	{"list.publicise", 14, onList("/publicise", "", []string{"officer"}, nil, reviewing.ListDeliberated)},
	{"publicity.interrupt", 3, onList("/interrupt", "", []string{"officer", "supervisor"}, because("网站故障"), reviewing.ListPublic)},
	{"publicity.resume", 8, onList("/resume", "", []string{"officer"}, nil, reviewing.ListInterrupted)},
	{"publicity.correct", 2, onList("/correct", "SM-12 correct", []string{"officer"}, map[string]any{"text": "更正第一项的名称。"}, reviewing.ListPublic)},
	{"list.confirm", 10, func(w *walker) *deed {
		l, ok := one(w, w.now.lists, func(l reviewing.AwardList) bool { return l.State == reviewing.ListPublic && l.PublicTo < w.day(0) })
		if !ok {
			return nil
		}
		return &deed{by: w.who("officer"), path: "/api/lists/" + l.ID + "/confirm"}
	}},
	{"objection.lodge", 6, func(w *walker) *deed {
		l, ok := one(w, w.now.lists, func(l reviewing.AwardList) bool {
			return l.State == reviewing.ListPublic && l.PublicTo >= w.day(0) && len(some(w.now.objections, func(o reviewing.Objection) bool { return o.ListID == l.ID })) < 3
		})
		if !ok || len(l.Lines) == 0 {
			return nil
		}
		proposed := some([]reviewing.Line(l.Lines), func(x reviewing.Line) bool { return x.Choice == "proposed" || w.wrong })
		if len(proposed) == 0 {
			return nil
		}
		return &deed{by: w.stranger(), path: "/api/publicities/" + l.ID + "/object", body: map[string]any{"application_id": proposed[w.roll(len(proposed))].ApplicationID, "name": []string{"刘建国", "周敏", "陈志远"}[w.roll(3)], "contact": "13900000000", "text": fmt.Sprintf("该项目与既有成果重复，附查新报告第%d页。", w.next())}}
	}},
	{"objection.accept", 6, onObjection("accept", reviewing.Lodged)},
	{"objection.reject", 3, onObjection("reject", reviewing.Lodged)},
	{"objection.investigate", 8, onObjection("investigate", reviewing.Accepted)},
	{"objection.uphold", 3, onObjection("uphold", reviewing.Investigating)},
	{"objection.dismiss", 5, onObjection("dismiss", reviewing.Investigating)},
	{"objection.archive", 3, onObjection("archive", reviewing.Rejected, reviewing.Upheld, reviewing.Dismissed)},
}

func (w *walker) recommended(g reviewing.Group) bool {
	_, ok := find(w.now.members, func(m reviewing.Membership) bool { return m.GroupID == g.ID && m.State == reviewing.Recommended })
	return ok
}

func (w *walker) jointLines(l reviewing.AwardList) bool {
	return slices.ContainsFunc(l.Lines, func(x reviewing.Line) bool { return x.Joint && x.Choice == "proposed" })
}

// undeclared are the applications a seat reviews and has not declared for.
func (w *walker) undeclared(s reviewing.Seat) []string {
	var out []string
	for _, a := range w.now.applications {
		if a.ReviewID != s.ReviewID || a.State != reviewing.AppInReview || s.ApplicationID != "" && s.ApplicationID != a.ID {
			continue
		}
		if _, done := find(w.now.declarations, func(d reviewing.Declaration) bool {
			return d.SeatID == s.ID && d.ApplicationID == a.ID && d.State != "rejected"
		}); !done {
			out = append(out, a.ID)
		}
	}
	return out
}

// short is a class of which a review's panel has fewer seats than planned, or "".
func (w *walker) short(r reviewing.Review) experts.Class {
	n := map[experts.Class]int{experts.Technical: -r.Technical, experts.Management: -r.Management, experts.Finance: -r.Finance}
	for _, s := range w.now.seats {
		if s.ReviewID == r.ID && live(s) && s.ApplicationID == "" {
			n[s.Class]++
		}
	}
	for _, class := range []experts.Class{experts.Technical, experts.Management, experts.Finance} {
		if n[class] < 0 {
			return class
		}
	}
	return ""
}

func (w *walker) candidate(r reviewing.Review) string {
	s, ok := one(w, w.now.seats, func(s reviewing.Seat) bool {
		return s.ReviewID == r.ID && s.State == reviewing.SeatPledged && s.ApplicationID == ""
	})
	if !ok {
		return "none"
	}
	return s.ID
}

func (w *walker) allMarked(r reviewing.Review) bool {
	_, open := find(w.now.sheets, func(x reviewing.Sheet) bool { return x.ReviewID == r.ID && x.State == reviewing.SheetDraft })
	return !open
}

func (w *walker) marked() bool {
	_, ok := find(w.now.reviews, func(r reviewing.Review) bool {
		return r.State == reviewing.Marking && r.ChairSeatID != "" && !r.OpenedChair && w.allMarked(r)
	})
	return ok
}

func (w *walker) newGuide(p reviewing.Programme) map[string]any {
	fen := map[reviewing.ProgrammeKind]int{reviewing.Major: 20000000, reviewing.Key: 8000000}[p.Kind]
	body := guideBody(p.ID, item("A1", string(p.Kind), false, fen), item("A2", string(p.Kind), true, fen))
	at := time.Unix(w.clock.Load(), 0)
	body["opens_at"], body["closes_at"] = at.Format(time.RFC3339), at.AddDate(0, 0, 20+w.roll(40)).Format(time.RFC3339)
	method := []string{"mean", "trimmed", "median", "two_stage", "zscore", "votes"}[w.roll(6)]
	body["method"], body["places"] = method, w.roll(4)
	body["ties"] = [][]string{{"criterion:innovation", "draw"}, {"draw"}, {"vote"}, {"median", "vote"}, {}}[w.roll(5)]
	body["budget_fen"] = fen * (1 + w.roll(4))
	if method == "two_stage" {
		body["percent"] = 15
	}
	if method == "votes" {
		body["ties"], body["pass_line"] = []string{"draw"}, 5000
	} else if w.roll(4) == 0 {
		body["votes"] = true
	}
	return body
}

func (w *walker) newApplication(g reviewing.Guide, unit int, by *visitor) map[string]any {
	n := w.next()
	i := w.roll(len(g.Items))
	if w.roll(3) > 0 {
		i = 0
	}
	it := g.Items[i]
	body := w.application(g.ID, it.Code, n)
	lead := w.units[fmt.Sprintf("lead%d", unit)]
	body["title"] = fmt.Sprintf("第%d项研究", n)
	body["leaders"], body["members"] = []any{person(fmt.Sprintf("负责人%d", n), resident(n, 1978), lead)}, []any{person(fmt.Sprintf("成员%d", n), resident(n, 1988), lead)}
	fen := it.FiscalFen
	body["fiscal_fen"], body["budget"] = fen, []any{map[string]any{"name": "设备费", "fen": fen + 10000000}}
	if w.wrong && w.roll(3) == 0 {
		body["fiscal_fen"] = fen * 2
	}
	if it.Joint {
		body["joint_units"] = []string{w.units["dept"]}
		var given []any
		for _, code := range []string{"recommendation", "agreement", "commitment"} {
			if id := w.file(by, code+".pdf"); id != "" {
				given = append(given, map[string]any{"code": code, "file_id": id})
			}
		}
		body["materials"] = given
	}
	switch w.roll(25) {
	case 0: // an expert leads
		short := specs()[w.roll(len(specs()))].short
		document, _ := documentOf(short)
		body["leaders"] = []any{person("专家"+short, document, lead)}
	case 1: // an expert takes part
		short := specs()[w.roll(len(specs()))].short
		document, _ := documentOf(short)
		body["members"] = []any{person("专家"+short, document, lead)}
	case 2:
		body["avoid"] = []any{map[string]any{"name": "专家" + specs()[w.roll(len(specs()))].short, "reason": "曾有经济纠纷"}}
	}
	return body
}
