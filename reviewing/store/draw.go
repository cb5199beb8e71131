package store

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"time"

	"keping/configs/database"
	"keping/experts"
	"keping/experts/draw"
	expertstore "keping/experts/store"
	"keping/rbac"
	"keping/rbac/journal"
	"keping/rbac/notice"
	"keping/rbac/rulebook"
	"keping/rbac/secret"
	rbacstore "keping/rbac/store"
	"keping/reviewing"
)

// panel is a draw's record with its vacancies replayed.
type panel struct {
	*draw.Panel
	record draw.Record
}

// sits tells whether a code sits in an application's composition, or the panel's.
func (p *panel) sits(code, application string) bool {
	return slices.ContainsFunc(p.Sitting(application), func(x draw.Seated) bool { return x.Code == code })
}

func openPanel(d *reviewing.Draw) (*panel, error) {
	var record draw.Record
	if err := json.Unmarshal([]byte(d.Record), &record); err != nil {
		return nil, err
	}
	p, err := draw.NewPanel(record)
	return &panel{p, record}, err
}

// Holders of the secrets: the bureau's officer and the supervisor.
const (
	bureauHolder     = "bureau"
	supervisorHolder = "supervisor"
)

func holderOf(role rbac.Role) string {
	if role == rbac.Supervisor {
		return supervisorHolder
	}
	return bureauHolder
}

// FrameView is a frame as officer and supervisor see it before the draw.
type FrameView struct {
	DrawID     string         `json:"draw_id"`
	FrameHash  string         `json:"frame_hash"`
	Frame      draw.Frame     `json:"frame"`
	Excluded   int            `json:"excluded"`
	Candidates map[string]int `json:"candidates" doc:"各类候选人数"`
}

// candidates builds the frame's rows from the pool: who may be drawn for which
// class, and who is excluded by which rule. Open questions about people who
// would be candidates come back as verdicts.
func (st *Store) candidates(s *step, pack *rulebook.Pack, r reviewing.Review) (rows []draw.Candidate, out []draw.Excluded, who map[string]experts.Expert, open []rulebook.Verdict, err error) {
	f, err := st.loadFitness(s, pack, r, nil)
	if err != nil {
		return
	}
	open = append(open, pack.Check("R-021", len(f.inTerm) > 0, rulebook.Inputs{"members": len(f.inTerm)},
		"立项评审应由技术专家组承担（第七条），本专项尚无在任的技术专家组成员。", "请先由科技局会同主管部门推荐、领导审定技术专家组。"))
	who = map[string]experts.Expert{}
	wanted := map[experts.Class]bool{experts.Technical: r.Technical > 0, experts.Management: r.Management > 0, experts.Finance: r.Finance > 0}
	for _, e := range f.facts.experts {
		var classes []string
		byClass := map[string]string{"R-067": "other_class"}
		for _, c := range e.Classes {
			if !wanted[c] {
				continue
			}
			rule, why := f.class(e, c)
			if rule == "" {
				classes = append(classes, string(c))
			} else {
				byClass = map[string]string{rule: why}
			}
		}
		slices.Sort(classes)
		excluded, questions := f.general(e, "")
		if len(classes) == 0 && byClass["R-067"] != "" {
			continue // of no class this review seats: never among those to draw from
		}
		if len(classes) == 0 {
			maps.Copy(excluded, byClass)
		}
		if !e.Available(r.MeetingDay) {
			excluded["P-12"] = "unavailable"
		}
		code := e.ID // a pseudonym replaces it once all rows are known
		who[code] = e.Expert
		if len(excluded) == 0 {
			for _, q := range questions {
				open = append(open, f.question(e, q))
			}
			rows = append(rows, draw.Candidate{Code: code, Unit: e.UnitID, Classes: classes})
			continue
		}
		for rule, why := range excluded {
			out = append(out, draw.Excluded{Code: code, Rule: rule, Why: why})
		}
	}
	return
}

// Feasibility tells before the freeze whether a panel can be drawn, and if not why.
type Feasibility struct {
	Feasible      bool                     `json:"feasible"`
	ByApplication []ApplicationFeasibility `json:"by_application" doc:"对每个项目：排除与其有冲突的候选人之后能否组成"`
	Candidates    map[string]int           `json:"candidates"`
	Excluded      map[string]int           `json:"excluded" doc:"各规则排除的人数"`
	Open          []rulebook.Verdict       `json:"open" doc:"须先处理的情形"`
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
	rows, out, _, open, err := st.candidates(s, pack, r)
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
	frame := draw.Frame{UnitCap: r.UnitCap, Seats: seatsOf(r), Candidates: rows}
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

func seatsOf(r reviewing.Review) []draw.Seats {
	var seats []draw.Seats
	for _, s := range []draw.Seats{{Class: "technical", Count: r.Technical}, {Class: "management", Count: r.Management}, {Class: "finance", Count: r.Finance}} {
		if s.Count > 0 {
			seats = append(seats, s)
		}
	}
	return seats
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

// FreezeFrame freezes candidates and rules; nothing is drawn yet.
func (st *Store) FreezeFrame(s *step, id string) (FrameView, error) {
	r, err := take[reviewing.Review](s, id, "该评审批次")
	if err != nil {
		return FrameView{}, err
	}
	if err := demandState(r, "锁定候选名单", reviewing.Preparing); err != nil {
		return FrameView{}, err
	}
	pack, err := st.Pack(s)
	if err != nil {
		return FrameView{}, err
	}
	rows, out, who, open, err := st.candidates(s, pack, r)
	if err != nil {
		return FrameView{}, err
	}
	if err := st.Obey(s, "review/"+id, append(reviewing.PanelRules(pack, planned(r), nil), open...)...); err != nil {
		return FrameView{}, err
	}
	d := reviewing.Draw{ID: s.NewID(), ReviewID: r.ID, Purpose: "panel", Attempt: r.Attempt + 1, State: "frozen", CreatedAt: s.Now, Commitments: "[]", Reveals: "[]"}
	frame := draw.Frame{Spec: draw.Spec, Review: r.Number, Attempt: d.Attempt, RulePack: pack.ID(), Holders: []string{bureauHolder, supervisorHolder},
		UnitCap: r.UnitCap, Seats: seatsOf(r), Candidates: rows, Excluded: out}
	each, err := st.feasibleFor(s, pack, r, frame)
	if err != nil {
		return FrameView{}, err
	}
	verdicts := []rulebook.Verdict{pack.Check("R-064", draw.Feasible(frame), rulebook.Inputs{"candidates": len(rows)}, "候选人不足，无法组成三类齐全、不少于规定人数的专家组（第二十条）。", "")}
	for _, a := range each {
		verdicts = append(verdicts, pack.Check("R-065", a.Feasible, rulebook.Inputs{"application": a.Application}, "项目"+a.Application+"排除有冲突的候选人后无法组成专家组（第二十条）。", ""))
	}
	if blocking := rulebook.Blocking(verdicts); len(blocking) > 0 {
		help, err := st.explain(s, pack, r, frame)
		if err != nil {
			return FrameView{}, err
		}
		for i := range blocking {
			blocking[i].Remedy = strings.Join(help, "")
		}
		return FrameView{}, &rbac.Refusal{Kind: rbac.RefusedRule, Message: "现有候选人无法组成专家组，不能抽取。" + strings.Join(help, ""), Verdicts: blocking}
	}
	s.Verdicts = append(s.Verdicts, verdicts...)
	if err := st.pseudonyms(s, &frame, d.ID, who); err != nil {
		return FrameView{}, err
	}
	if err := frame.Validate(); err != nil {
		return FrameView{}, err
	}
	canonical, err := journal.Canonical(frame)
	if err != nil {
		return FrameView{}, err
	}
	d.Frame, d.FrameHash = string(canonical), journal.Hash(string(canonical))
	if err := s.Create(&d).Error; err != nil {
		return FrameView{}, err
	}
	s.Fact("frame", d.FrameHash)
	s.Fact("draw", d.ID)
	r.Attempt = d.Attempt
	if err := moveReview(s, &r, "freeze", map[string]any{"attempt": d.Attempt}); err != nil {
		return FrameView{}, err
	}
	s.WantCheckpoint("锁定候选名单")
	return viewFrame(d.ID, d.FrameHash, frame), nil
}

func viewFrame(id, hash string, frame draw.Frame) FrameView {
	v := FrameView{DrawID: id, FrameHash: hash, Frame: frame, Excluded: len(frame.Excluded), Candidates: map[string]int{}}
	for _, c := range frame.Candidates {
		for _, class := range c.Classes {
			v.Candidates[class]++
		}
	}
	return v
}

// pseudonyms replaces expert and unit ids by codes in random order, and puts
// the salted digest of each person's document beside the code.
func (st *Store) pseudonyms(s *step, frame *draw.Frame, drawID string, who map[string]experts.Expert) error {
	ids := make([]string, 0, len(who))
	for id := range who {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	if err := shuffle(ids); err != nil {
		return err
	}
	first, err := firstDocuments(s, who)
	if err != nil {
		return err
	}
	codes, units := map[string]string{}, map[string]string{}
	persons := map[string]string{}
	var rows []reviewing.FrameCode
	for i, id := range ids {
		e := who[id]
		row := reviewing.FrameCode{ID: s.NewID(), DrawID: drawID, Code: fmt.Sprintf("E%04d", i+1), ExpertID: e.ID}
		codes[id] = row.Code
		if persons[id], err = digestOf(s, &row, e, first); err != nil {
			return err
		}
		rows = append(rows, row)
		if _, ok := units[e.UnitID]; !ok && e.UnitID != "" {
			units[e.UnitID] = fmt.Sprintf("U%03d", len(units)+1)
		}
	}
	for i := range frame.Candidates {
		c := &frame.Candidates[i]
		c.Person, c.Unit, c.Code = persons[c.Code], units[c.Unit], codes[c.Code]
	}
	for i := range frame.Excluded {
		x := &frame.Excluded[i]
		x.Person, x.Code = persons[x.Code], codes[x.Code]
	}
	if frame.Excluded == nil {
		frame.Excluded = []draw.Excluded{}
	}
	slices.SortFunc(frame.Candidates, func(a, b draw.Candidate) int { return strings.Compare(a.Code, b.Code) })
	slices.SortFunc(frame.Excluded, func(a, b draw.Excluded) int { return strings.Compare(a.Code+"\x00"+a.Rule, b.Code+"\x00"+b.Rule) })
	return s.CreateInBatches(rows, 200).Error
}

// firstDocuments are the documents confirmed first, by person.
func firstDocuments(s *step, who map[string]experts.Expert) (map[string]rbac.Identity, error) {
	people := make([]string, 0, len(who))
	for _, e := range who {
		people = append(people, e.PersonID)
	}
	first := map[string]rbac.Identity{}
	for chunk := range slices.Chunk(people, 500) {
		var rows []rbac.Identity
		if err := s.Where("person_id IN ? AND confirmed_at IS NOT NULL", chunk).Order("confirmed_at DESC, id DESC").Find(&rows).Error; err != nil {
			return nil, err
		}
		for _, d := range rows {
			first[d.PersonID] = d
		}
	}
	return first, nil
}

// digestOf gives a row its sealed salt and tells the person's digest.
func digestOf(s *step, row *reviewing.FrameCode, e experts.Expert, first map[string]rbac.Identity) (string, error) {
	key := "record:" + e.ID
	if d, ok := first[e.PersonID]; ok {
		opened, err := s.Keys.Open(d.Number, "identity/"+d.ID)
		if err != nil {
			return "", err
		}
		key = opened
	}
	salt := secret.Random(16)
	row.Salt = s.Keys.Seal(salt, "frame_code/"+row.ID)
	return draw.PersonDigest(salt, key), nil
}

// shuffle orders by crypto/rand: which code an expert gets must tell nothing.
func shuffle(ids []string) error {
	for i := len(ids) - 1; i > 0; i-- {
		j, err := rand.Int(rand.Reader, big.NewInt(int64(i+1)))
		if err != nil {
			return err
		}
		ids[i], ids[j.Int64()] = ids[j.Int64()], ids[i]
	}
	return nil
}

// DrawView is where a draw stands.
type DrawView struct {
	ID          string            `json:"id"`
	ReviewID    string            `json:"review_id"`
	State       string            `json:"state"`
	FrameHash   string            `json:"frame_hash"`
	Commitments []draw.Commitment `json:"commitments"`
	Revealed    []string          `json:"revealed"`
	RevealBy    *time.Time        `json:"reveal_by"`
	Approvals   []rbac.Role       `json:"approvals" doc:"已同意作废的角色"`
	Seats       []draw.Seated     `json:"seats"`
}

func decodeLists(d reviewing.Draw) (commitments []draw.Commitment, reveals []draw.Reveal, err error) {
	if err = json.Unmarshal([]byte(d.Commitments), &commitments); err == nil {
		err = json.Unmarshal([]byte(d.Reveals), &reveals)
	}
	return
}

func viewDraw(d reviewing.Draw) (DrawView, error) {
	commitments, reveals, err := decodeLists(d)
	v := DrawView{ID: d.ID, ReviewID: d.ReviewID, State: d.State, FrameHash: d.FrameHash, Commitments: commitments, Revealed: []string{}, Approvals: []rbac.Role{}, RevealBy: d.RevealBy, Seats: []draw.Seated{}}
	for _, r := range reveals {
		v.Revealed = append(v.Revealed, r.Holder)
	}
	for _, a := range d.Approvals {
		v.Approvals = append(v.Approvals, a.Role)
	}
	if err == nil && d.Record != "" {
		var record draw.Record
		err = json.Unmarshal([]byte(d.Record), &record)
		v.Seats = record.Seats
	}
	return v, err
}

// CommitDraw takes a holder's commitment; the secret itself stays with the holder.
func (st *Store) CommitDraw(s *step, id, commitment string) (DrawView, error) {
	d, err := take[reviewing.Draw](s, id, "该抽取")
	if err != nil {
		return DrawView{}, err
	}
	if d.State != "frozen" {
		return DrawView{}, reviewing.MoveRefusal("SM-09", d.State, "承诺")
	}
	commitments, _, err := decodeLists(d)
	if err != nil {
		return DrawView{}, err
	}
	holder := holderOf(s.Call.Actor.Role)
	if slices.ContainsFunc(commitments, func(c draw.Commitment) bool { return c.Holder == holder }) {
		return DrawView{}, rbac.Refuse(rbac.RefusedState, "%s已经承诺过，不能再改（SM-09）。", holder)
	}
	before := d.Commitments
	commitments = append(commitments, draw.Commitment{Holder: holder, Hash: commitment})
	slices.SortFunc(commitments, func(a, b draw.Commitment) int { return strings.Compare(a.Holder, b.Holder) })
	set := map[string]any{}
	if len(commitments) == 2 {
		pack, err := st.Pack(s)
		if err != nil {
			return DrawView{}, err
		}
		by := s.Now.Add(time.Duration(pack.RevealMinutes) * time.Minute)
		d.RevealBy, set["reveal_by"] = &by, by
		s.WantCheckpoint("各方已承诺")
	}
	d.Committers = append(d.Committers, reviewing.Committer{Holder: holder, User: s.Call.Actor.User})
	set["committers"] = d.Committers
	text, err := json.Marshal(commitments)
	if err != nil {
		return DrawView{}, err
	}
	d.Commitments, set["commitments"] = string(text), string(text)
	s.Fact("frame", d.FrameHash)
	s.Fact("holder", holder)
	s.Fact("commitment", commitment)
	if err := database.Swap(s.Tx, &reviewing.Draw{}, map[string]any{"id": id, "state": "frozen", "commitments": before}, set); err != nil {
		return DrawView{}, err
	}
	return viewDraw(d)
}

// RevealDraw takes a holder's secret; with the last one the draw runs.
func (st *Store) RevealDraw(s *step, id, revealed string) (DrawView, error) {
	d, err := take[reviewing.Draw](s, id, "该抽取")
	if err != nil {
		return DrawView{}, err
	}
	commitments, reveals, err := decodeLists(d)
	if err != nil {
		return DrawView{}, err
	}
	holder := holderOf(s.Call.Actor.Role)
	switch {
	case d.State != "frozen":
		return DrawView{}, reviewing.MoveRefusal("SM-09", d.State, "揭示")
	case len(commitments) < 2:
		return DrawView{}, rbac.Refuse(rbac.RefusedState, "还有持有人没有承诺，不能揭示（SM-09）。请待各方都承诺后再揭示。")
	case s.Now.After(*d.RevealBy):
		return DrawView{}, rbac.Refuse(rbac.RefusedState, "揭示时限已过，本次抽取作废（SM-09）。请由领导和监督确认作废后重新锁定（未揭示的一方不参与决定）。")
	case slices.ContainsFunc(reveals, func(r draw.Reveal) bool { return r.Holder == holder }):
		return DrawView{}, rbac.Refuse(rbac.RefusedState, "%s已经揭示过（SM-09）。", holder)
	case !draw.ValidSecret(revealed):
		return DrawView{}, rbac.Invalid("secret", "应为至少32位的小写十六进制数")
	}
	for _, c := range commitments {
		if c.Holder == holder && c.Hash != draw.Commit(d.FrameHash, holder, revealed) {
			return DrawView{}, rbac.Invalid("secret", "与先前的承诺不符，请核对是否用错了秘密")
		}
	}
	before := d.Reveals
	reveals = append(reveals, draw.Reveal{Holder: holder, Secret: revealed})
	slices.SortFunc(reveals, func(a, b draw.Reveal) int { return strings.Compare(a.Holder, b.Holder) })
	text, err := json.Marshal(reveals)
	if err != nil {
		return DrawView{}, err
	}
	s.Fact("frame", d.FrameHash)
	s.Fact("holder", holder)
	d.Reveals = string(text)
	set := map[string]any{"reveals": d.Reveals}
	last := len(reveals) == len(commitments)
	if last {
		if err := run(s, &d, reveals); err != nil {
			return DrawView{}, err
		}
		set["state"], set["record"] = d.State, d.Record
	}
	if err := database.Swap(s.Tx, &reviewing.Draw{}, map[string]any{"id": id, "state": "frozen", "reveals": before}, set); err != nil {
		return DrawView{}, err
	}
	if last && d.Purpose == "panel" {
		if err := st.seatDrawn(s, d); err != nil {
			return DrawView{}, err
		}
	}
	return viewDraw(d)
}

// VoidDraw agrees to void an attempt; with the approvals it needs the attempt
// is void and, for a panel, the review is prepared anew under the next one.
func (st *Store) VoidDraw(s *step, id, reason string) (DrawView, error) {
	d, err := take[reviewing.Draw](s, id, "该抽取")
	if err != nil {
		return DrawView{}, err
	}
	if d.State != "frozen" {
		return DrawView{}, reviewing.MoveRefusal("SM-09", d.State, "作废抽取")
	}
	_, reveals, err := decodeLists(d)
	if err != nil {
		return DrawView{}, err
	}
	var revealed []string
	for _, r := range reveals {
		revealed = append(revealed, r.Holder)
	}
	failed := d.Failed(revealed, s.Now)
	actor := s.Call.Actor
	switch {
	case slices.Contains(failed, actor.User):
		return DrawView{}, rbac.Refuse(rbac.RefusedState, "您未按时揭示，不得参与作废本次抽取的决定（SM-09）。请由另一名监督或领导办理。")
	case slices.ContainsFunc(d.Approvals, func(a reviewing.Approval) bool { return a.User == actor.User }):
		return DrawView{}, rbac.Refuse(rbac.RefusedState, "您已同意作废，还须另一方同意（SM-09）：领导与监督各一；监督未按时揭示的，由领导与另一名领导或监督决定。")
	}
	before, err := d.Approvals.Value()
	if err != nil {
		return DrawView{}, err
	}
	d.Approvals = append(d.Approvals, reviewing.Approval{User: actor.User, Role: actor.Role})
	s.Fact("frame", d.FrameHash)
	salt := secret.Random(16)
	s.Fact("reason", rbacstore.Digest(salt, reason))
	set := map[string]any{"approvals": d.Approvals, "void_reason": reason, "void_salt": salt}
	if reviewing.Voidable(d.Approvals, failed) {
		set["state"], d.State = "void", "void"
		s.Fact("state", "void")
		if d.Purpose == "panel" {
			r, err := take[reviewing.Review](s, d.ReviewID, "该评审批次")
			if err != nil {
				return DrawView{}, err
			}
			if err := moveReview(s, &r, "thaw", map[string]any{}); err != nil {
				return DrawView{}, err
			}
		}
	}
	if err := database.Swap(s.Tx, &reviewing.Draw{}, map[string]any{"id": id, "state": "frozen", "approvals": before}, set); err != nil {
		return DrawView{}, err
	}
	return viewDraw(d)
}

// run draws.
func run(s *step, d *reviewing.Draw, reveals []draw.Reveal) error {
	frame, err := draw.ParseFrame([]byte(d.Frame))
	if err != nil {
		return err
	}
	record, err := draw.Run(frame, reveals, "")
	if err != nil {
		return err
	}
	canonical, err := journal.Canonical(record)
	if err != nil {
		return err
	}
	d.Record, d.State = string(canonical), "run"
	s.Brings("draw.run", "draw/"+d.ID, map[string]any{"frame": d.FrameHash, "record": journal.Hash(d.Record)})
	return nil
}

// seatDrawn seats and invites who was drawn.
func (st *Store) seatDrawn(s *step, d reviewing.Draw) error {
	pack, err := st.Pack(s)
	if err != nil {
		return err
	}
	p, err := openPanel(&d)
	if err != nil {
		return err
	}
	r, err := take[reviewing.Review](s, d.ReviewID, "该评审批次")
	if err != nil {
		return err
	}
	for _, seated := range p.record.Seats {
		if err := st.invite(s, r, d, seated.Class, seated.Code, "", ""); err != nil {
			return err
		}
	}
	if err := moveReview(s, &r, "run", map[string]any{}); err != nil {
		return err
	}
	return st.recuseKnown(s, pack, r.ID)
}

// invite makes a seat for a code and sends the one-time link.
func (st *Store) invite(s *step, r reviewing.Review, d reviewing.Draw, class, code, application, words string) error {
	e, err := expertOf(s, d.ID, code)
	if err != nil {
		return err
	}
	pack, err := st.Pack(s)
	if err != nil {
		return err
	}
	by := s.Now.Add(time.Duration(pack.InvitationReplyHours) * time.Hour)
	seat := reviewing.Seat{ID: s.NewID(), ReviewID: r.ID, ApplicationID: application, Class: experts.Class(class), Code: code, ExpertID: e.ID, PersonID: e.PersonID,
		UnitID: e.UnitID, State: reviewing.SeatInvited, ReplyBy: &by, CreatedAt: s.Now}
	if words != "" { // why this one was appointed directly
		seat.NoteSalt = secret.Random(16)
		seat.Note = s.Keys.Seal(words, "seat/"+seat.ID+"/note")
		s.Fact("reason", rbacstore.Digest(seat.NoteSalt, words))
	}
	if err := s.Create(&seat).Error; err != nil {
		return err
	}
	token, err := rbacstore.NewLink(s, rbac.LinkInvitation, e.UserID, "seat/"+seat.ID, by.Sub(s.Now))
	if err != nil {
		return err
	}
	return notice.Queue(s.Tx, s.Keys, s.NewID(), notice.Message{Kind: "invitation", UserID: e.UserID, Address: e.Mail, Object: "seat/" + seat.ID, Subject: "评审邀请",
		Body: fmt.Sprintf("%s：\n\n邀请您担任“%s”评审专家（%s类），评审日期%s。请在%d小时内打开下面的链接答复：\n%s/invitation#%s\n\n链接只能使用一次，请勿转发；请对受邀评审一事保密。",
			e.Name, r.Title, experts.ClassNames[experts.Class(class)], r.MeetingDay, pack.InvitationReplyHours, st.PublicURL, token)})
}

func expertOf(s *step, drawID, code string) (experts.Expert, error) {
	var row reviewing.FrameCode
	if err := s.Take(&row, "draw_id = ? AND code = ?", drawID, code).Error; err != nil {
		return experts.Expert{}, err
	}
	return expertstore.Take(s, row.ExpertID)
}

// fill fills a vacated seat by the next fitting alternate, journalled as its
// own entry, and invites.
func (st *Store) fill(s *step, b *bench, class experts.Class, code, application string) (draw.Vacancy, error) {
	return st.fillWith(s, b, class, code, application, nil, "")
}

func (st *Store) fillWith(s *step, b *bench, class experts.Class, code, application string, appointed *draw.Appointed, words string) (draw.Vacancy, error) {
	gone := map[string]string{}
	for _, seat := range b.seats {
		if seat.State == reviewing.SeatVacated && (seat.ApplicationID == "" || seat.ApplicationID == application) {
			if _, live := b.seat(seat.Code, ""); !live {
				gone[seat.Code] = seat.Reason
			}
		}
	}
	pack, err := st.Pack(s)
	if err != nil {
		return draw.Vacancy{}, err
	}
	alternates := map[string]string{} // code → expert id
	var codes []reviewing.FrameCode
	if err := s.Where("draw_id = ?", b.draw.ID).Find(&codes).Error; err != nil {
		return draw.Vacancy{}, err
	}
	var ids []string
	for _, row := range codes {
		if slices.ContainsFunc(b.panel.record.Alternates, func(a draw.Alternates) bool { return a.Class == string(class) && slices.Contains(a.Codes, row.Code) }) {
			alternates[row.Code] = row.ExpertID
			ids = append(ids, row.ExpertID)
		}
	}
	fit, err := st.loadFitness(s, pack, b.review, ids)
	if err != nil {
		return draw.Vacancy{}, err
	}
	why := func(code string) string {
		switch reason := gone[code]; reason {
		case "declined", "no_answer", "unavailable", "excluded":
			return reason
		}
		for _, d := range b.declarations {
			if d.ApplicationID == application && d.State == "approved" && b.seats[d.SeatID].Code == code {
				return "recused"
			}
		}
		e, ok := fit.people[alternates[code]]
		rule, _ := fit.class(e, class)
		bars, open := fit.general(e, application)
		switch {
		case !ok || e.State != experts.InPool || rule != "" || len(bars) > 0 || len(open) > 0:
			return "excluded" // the facts of the day; an open question is no invitation
		case !e.Available(b.review.MeetingDay):
			return "unavailable"
		}
		return ""
	}
	row, err := b.panel.Fill(string(class), code, application, why, appointed)
	if err != nil {
		return row, rbac.Refuse(rbac.RefusedState, "%v", err)
	}
	b.panel.record.Vacancies = append(b.panel.record.Vacancies, row)
	canonical, err := journal.Canonical(b.panel.record)
	if err != nil {
		return row, err
	}
	hash, err := journal.HashOf(row)
	if err != nil {
		return row, err
	}
	before := b.draw.Record
	b.draw.Record = string(canonical)
	if err := database.Swap(s.Tx, &reviewing.Draw{}, map[string]any{"id": b.draw.ID, "record": before}, map[string]any{"record": b.draw.Record}); err != nil {
		return row, err
	}
	s.Brings("vacancy.fill", "draw/"+b.draw.ID, map[string]any{"frame": b.draw.FrameHash, "vacancy": hash})
	next := row.Code
	if row.Appointed != nil {
		next = row.Appointed.Code
	}
	if next == "" {
		return row, nil
	}
	return row, st.invite(s, b.review, *b.draw, string(class), next, application, words)
}
