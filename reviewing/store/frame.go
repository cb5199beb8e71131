package store

import (
	"crypto/rand"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"

	"keping/experts"
	"keping/experts/draw"
	"keping/rbac"
	"keping/rbac/journal"
	"keping/rbac/rulebook"
	"keping/rbac/secret"
	"keping/reviewing"
)

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
func (f *fitness) candidates() (rows []draw.Candidate, out []draw.Excluded, open []rulebook.Verdict) {
	pack, r := f.pack, f.review
	open = append(open, pack.Check("R-021", len(f.inTerm) > 0, rulebook.Inputs{"members": len(f.inTerm)},
		"立项评审应由技术专家组承担（第七条），本专项尚无在任的技术专家组成员。", "请先由科技局会同主管部门推荐、领导审定技术专家组。"))
	wanted := map[experts.Class]bool{experts.Technical: r.Technical > 0, experts.Management: r.Management > 0, experts.Finance: r.Finance > 0}
	asked := map[string]bool{} // once for all experts of a unit
	for _, e := range f.facts.experts {
		var classes []string
		byClass := map[string]string{"R-067": "other_class"}
		for _, c := range e.Classes {
			if !wanted[c] {
				continue
			}
			rule, why := f.class(e, c)
			if rule == "" && r.FieldReason == "" && f.otherField(e, c) {
				rule, why = "R-067", "other_field"
			}
			if rule == "" {
				classes = append(classes, string(c))
			} else {
				byClass = map[string]string{rule: why}
			}
		}
		slices.Sort(classes)
		if len(classes) == 0 && byClass["R-067"] != "" && byClass["R-067"] != "other_field" {
			continue // of no class this review seats: never among those to draw from
		}
		excluded, questions := f.general(e, "")
		if len(classes) == 0 {
			maps.Copy(excluded, byClass)
		}
		if !e.Available(r.MeetingDay) {
			excluded["P-12"] = "unavailable"
		}
		if why := f.worn(e.Expert); why != "" {
			excluded["P-15"] = why
		}
		code := e.ID // a pseudonym replaces it once all rows are known
		if len(excluded) == 0 {
			for _, q := range questions {
				if q.OfUnit() && asked[q.Key()] {
					continue
				}
				asked[q.Key()] = true
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

func seatsOf(r reviewing.Review) []draw.Seats {
	var seats []draw.Seats
	for _, s := range []draw.Seats{{Class: "technical", Count: r.Technical}, {Class: "management", Count: r.Management}, {Class: "finance", Count: r.Finance}} {
		if s.Count > 0 {
			seats = append(seats, s)
		}
	}
	return seats
}

// FreezeFrame freezes candidates and rules; nothing is drawn yet.
func (st *Store) FreezeFrame(s *step, id string) (FrameView, error) {
	r, err := take[reviewing.Review](s, id, "该评审批次")
	if err != nil {
		return FrameView{}, err
	}
	if err := st.impartial(s, "review_id = ?", id); err != nil {
		return FrameView{}, err
	}
	if err := demandState(r, "锁定候选名单", reviewing.Preparing); err != nil {
		return FrameView{}, err
	}
	pack, err := st.Pack(s)
	if err != nil {
		return FrameView{}, err
	}
	early, err := reviewing.DrawTime(pack, r, s.Now)
	if err != nil {
		return FrameView{}, err
	}
	if err := s.Obey(early); err != nil {
		return FrameView{}, err
	}
	fit, err := st.loadFitness(s, pack, r, nil)
	if err != nil {
		return FrameView{}, err
	}
	rows, out, open := fit.candidates()
	who := map[string]experts.Expert{}
	for _, c := range rows {
		who[c.Code] = fit.people[c.Code].Expert
	}
	for _, x := range out {
		who[x.Code] = fit.people[x.Code].Expert
	}
	if err := st.Obey(s, "review/"+id, append(reviewing.PanelRules(pack, planned(r), nil), open...)...); err != nil {
		return FrameView{}, err
	}
	d := reviewing.Draw{ID: s.NewID(), ReviewID: r.ID, Purpose: "panel", Selection: r.Selection, Attempt: r.Attempt + 1, State: "frozen", CreatedAt: s.Now, Commitments: "[]", Reveals: "[]"}
	frame := draw.Frame{Spec: draw.Spec, Review: r.Number, Attempt: d.Attempt, RulePack: pack.ID(), Holders: []string{bureauHolder, supervisorHolder},
		UnitCap: r.UnitCap, Seats: seatsOf(r), Candidates: rows, Excluded: out}
	apps, err := find[reviewing.Application](s, "number", "review_id = ? AND state <> ?", r.ID, reviewing.AppWithdrawn)
	if err != nil {
		return FrameView{}, err
	}
	each := fit.feasibleFor(apps, frame)
	verdicts := []rulebook.Verdict{pack.Check("R-064", draw.Feasible(frame), rulebook.Inputs{"candidates": len(rows)}, "候选人不足，无法组成三类齐全、不少于规定人数的专家组（第二十条）。", "")}
	for _, a := range each {
		verdicts = append(verdicts, pack.Check("R-065", a.Feasible, rulebook.Inputs{"application": a.Application}, "项目"+a.Application+"排除有冲突的候选人后无法组成专家组（第二十条）。", ""))
	}
	if blocking := rulebook.Blocking(verdicts); len(blocking) > 0 {
		help := fit.explain(apps, frame)
		for i := range blocking {
			blocking[i].Remedy = strings.Join(help, "")
		}
		return FrameView{}, &rbac.Refusal{Kind: rbac.RefusedRule, Message: "现有候选人无法组成专家组，不能抽取。" + strings.Join(help, ""), Verdicts: blocking}
	}
	s.Verdicts = append(s.Verdicts, verdicts...)
	if err := st.Obey(s, "review/"+id, fit.supply(frame, len(apps))...); err != nil {
		return FrameView{}, err
	}
	if r.Matched() {
		fit.oneClass(&frame, apps)
	}
	codes, err := st.pseudonyms(s, &frame, d.ID, who)
	if err != nil {
		return FrameView{}, err
	}
	if err := frame.Validate(); err != nil {
		return FrameView{}, err
	}
	var frozen any = frame
	if r.Matched() {
		if frozen, err = st.freezeMatch(s, fit, &d, frame, apps, codes); err != nil {
			return FrameView{}, err
		}
	}
	canonical, err := journal.Canonical(frozen)
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

// supply are the verdicts on how many and who there is to draw from: enough
// for each class (P-13), enough from outside the district for their share
// (P-15), and technical experts of the applications' fields. The
// frame's rows still carry expert ids.
func (f *fitness) supply(frame draw.Frame, applications int) []rulebook.Verdict {
	pack := f.pack
	var out []rulebook.Verdict
	seats := 0
	for _, s := range frame.Seats {
		seats += s.Count
		people := s.Count // who sit at least
		if load := f.review.ExpertLoad; f.review.Matched() && load > 0 {
			people = max(people, (s.Count*applications+load-1)/load)
		}
		n, wanted := 0, people*pack.CandidatesPerSeat
		for _, c := range frame.Candidates {
			if slices.Contains(c.Classes, s.Class) {
				n++
			}
		}
		out = append(out, pack.Check("P-13", n >= wanted, rulebook.Inputs{"class": s.Class, "candidates": n, "seats": people, "wanted": wanted},
			fmt.Sprintf("%s类候选%d人，少于席位的%d倍（%d人，惯例），谢绝或回避后可能无人递补。", experts.ClassNames[experts.Class(s.Class)], n, pack.CandidatesPerSeat, wanted), "可以继续；建议补充该类专家后再锁定。"))
	}
	outside := 0
	for _, c := range frame.Candidates {
		if !f.people[c.Code].InDistrict {
			outside++
		}
	}
	out = append(out, outsideShare(pack, min(outside, seats), seats, "候选名单至多为"))
	other := 0
	for _, x := range frame.Excluded {
		if x.Rule == "R-067" && x.Why == "other_field" {
			other++
		}
	}
	return append(out, pack.Pass("R-067", rulebook.Inputs{"left_out": other, "justified": f.review.FieldReason != ""}))
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
// the salted digest of each person's document beside the code. It returns the
// codes by expert id.
func (st *Store) pseudonyms(s *step, frame *draw.Frame, drawID string, who map[string]experts.Expert) (map[string]string, error) {
	ids := make([]string, 0, len(who))
	for id := range who {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	if err := shuffle(ids); err != nil {
		return nil, err
	}
	first, err := firstDocuments(s, who)
	if err != nil {
		return nil, err
	}
	codes, units := map[string]string{}, map[string]string{}
	persons := map[string]string{}
	var rows []reviewing.FrameCode
	for i, id := range ids {
		e := who[id]
		row := reviewing.FrameCode{ID: s.NewID(), DrawID: drawID, Code: fmt.Sprintf("E%04d", i+1), ExpertID: e.ID}
		codes[id] = row.Code
		if persons[id], err = digestOf(s, &row, e, first); err != nil {
			return nil, err
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
	return codes, s.CreateInBatches(rows, 200).Error
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
