package store

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
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
	"keping/reviewing"
	"keping/reviewing/affinity"
	"keping/reviewing/match"
)

// profilesFile is what affinities are computed from, sealed: works tell who
// somebody is.
const profilesFile = "profiles.json"

// inTime ends a search that would hold up the act, and others, for too long.
func inTime(s *step) (stop func() bool, cancel func()) {
	ctx, cancel := context.WithTimeout(s.Statement.Context, 20*time.Second)
	return func() bool { return ctx.Err() != nil }, cancel
}

// inTimeOr makes a refusal of a match that took too long.
func inTimeOr(err error) error {
	if errors.Is(err, match.ErrTooLong) {
		return rbac.Refuse(rbac.RefusedState, "%v（SM-09）。请把项目分成几个批次，或补充专家库、调高每名专家的评审项目数。", err)
	}
	return err
}

// profiles are the inputs of the affinities, by application number and code.
type profiles struct {
	Weights      affinity.Weights       `json:"weights"`
	Numbers      []string               `json:"numbers"`
	Codes        []string               `json:"codes"`
	Applications []affinity.Application `json:"applications"`
	Experts      []affinity.Expert      `json:"experts"`
}

func (p profiles) corpus() (*affinity.Corpus, error) {
	return affinity.New(p.Applications, p.Experts, p.Weights)
}

// oneClass gives every candidate of several classes one of them: that in which
// some application he may read has the fewest candidates for its seats. The rows
// still carry expert ids.
func (f *fitness) oneClass(frame *draw.Frame, apps []reviewing.Application) {
	if !slices.ContainsFunc(frame.Candidates, func(c draw.Candidate) bool { return len(c.Classes) > 1 }) {
		return
	}
	seats, have := map[string]int{}, make([]map[string]int, len(apps)) // candidates by application and class
	for _, x := range frame.Seats {
		seats[x.Class] = x.Count
	}
	for i := range apps {
		have[i] = map[string]int{}
	}
	adds := func(c draw.Candidate, class string) {
		for i, a := range apps {
			if f.reads(c.Code, a.ID) {
				have[i][class]++
			}
		}
	}
	for _, c := range frame.Candidates {
		if len(c.Classes) == 1 {
			adds(c, c.Classes[0])
		}
	}
	for k, c := range frame.Candidates {
		if len(c.Classes) < 2 {
			continue
		}
		best, least, of := c.Classes[0], -1, 1 // least ÷ of candidates for a seat
		for _, class := range c.Classes {
			for i, a := range apps {
				if n := have[i][class]; f.reads(c.Code, a.ID) && (least < 0 || n*of < least*seats[class]) {
					best, least, of = class, n, seats[class]
				}
			}
		}
		frame.Candidates[k].Classes = []string{best}
		adds(c, best)
	}
}

// reads tells whether nothing, nor an open question, keeps an expert from an
// application.
func (f *fitness) reads(expert, application string) bool {
	bars, open := f.general(f.people[expert], application)
	return len(bars) == 0 && len(open) == 0
}

// freezeMatch computes affinities and conflicts of a frame and keeps its files.
func (st *Store) freezeMatch(s *step, f *fitness, d *reviewing.Draw, pool draw.Frame, apps []reviewing.Application, codes map[string]string) (match.Frame, error) {
	p, err := st.profilesOf(s, f, pool, apps, codes)
	if err != nil {
		return match.Frame{}, err
	}
	corpus, err := p.corpus()
	if err != nil {
		return match.Frame{}, err
	}
	ids := map[string]string{}
	for id, code := range codes {
		ids[code] = id
	}
	var affinities bytes.Buffer
	affinities.WriteString("application,expert,affinity\n")
	for i, a := range apps {
		for j, value := range corpus.Row(i) {
			if value > 0 {
				fmt.Fprintf(&affinities, "%s,%s,%s\n", a.Number, p.Codes[j], match.Share(value))
			}
		}
	}
	frame, files := f.matchFrame(pool, apps, ids)
	files[match.Affinity] = affinities.Bytes()
	stop, cancel := inTime(s)
	defer cancel()
	if err := match.Freeze(&frame, files, stop); err != nil {
		var lacking *match.Lacking
		if errors.As(err, &lacking) {
			why, inputs := f.wanting(frame, files, lacking)
			v := f.pack.Fail("R-064", inputs, "候选人不足以为每个项目组成三类齐全、不少于规定人数的专家组（第二十条）："+why, matchHelp)
			return frame, &rbac.Refusal{Kind: rbac.RefusedRule, Message: "现有候选人无法匹配。" + why, Verdicts: []rulebook.Verdict{v}}
		}
		return frame, inTimeOr(err)
	}
	text, err := json.Marshal(p)
	if err != nil {
		return frame, err
	}
	files[profilesFile] = text
	hashes := map[string]string{}
	for _, x := range frame.Files {
		hashes[x.Name] = x.Hash
	}
	s.Fact("files", hashes)
	s.Fact("objective", "total")
	return frame, keepFiles(s, d.ID, files, nil)
}

// matchHelp is the way out of a match that cannot be.
const matchHelp = "请补充专家库，调高每名专家的评审项目数，或由领导放宽同一单位的席位上限；每席抽取的人数也可减少。"

// matchFrame is a frame over a pool and its files but for the affinities; ids
// are the experts behind the codes. Who has a conflict with an application, or
// an open question about it, is left out there.
func (f *fitness) matchFrame(pool draw.Frame, apps []reviewing.Application, ids map[string]string) (match.Frame, match.Files) {
	var numbers, conflicts bytes.Buffer
	numbers.WriteString("application\n")
	conflicts.WriteString("application,expert\n")
	for _, a := range apps {
		fmt.Fprintln(&numbers, a.Number)
		for _, c := range pool.Candidates {
			if !f.reads(ids[c.Code], a.ID) {
				fmt.Fprintf(&conflicts, "%s,%s\n", a.Number, c.Code)
			}
		}
	}
	return match.Frame{Pool: pool, Load: f.review.ExpertLoad, Best: f.review.BestPerSeat}, match.Files{match.Applications: numbers.Bytes(), match.Conflicts: conflicts.Bytes()}
}

// unmatchable tells before a freeze why there is no match, or "". The rows of
// the pool still carry expert ids.
func (f *fitness) unmatchable(apps []reviewing.Application, pool draw.Frame) string {
	pool.Spec, pool.Review, pool.Attempt, pool.RulePack, pool.Holders, pool.Excluded = draw.Spec, f.review.Number, 1, f.pack.ID(), []string{bureauHolder, supervisorHolder}, nil
	pool.Candidates = slices.Clone(pool.Candidates)
	f.oneClass(&pool, apps)
	ids := map[string]string{}
	for i := range pool.Candidates {
		c := &pool.Candidates[i]
		code := fmt.Sprintf("候选%04d", i+1)
		ids[code] = c.Code
		c.Code, c.Person = code, journal.Hash(code)
	}
	frame, files := f.matchFrame(pool, apps, ids)
	files[match.Affinity] = []byte("application,expert,affinity\n")
	err := match.Freeze(&frame, files, nil) // bounded by its effort
	var lacking *match.Lacking
	if errors.As(err, &lacking) {
		why, _ := f.wanting(frame, files, lacking)
		return why
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// wanting says what a match lacks, class by class, without the codes of a
// freeze that is not to be.
func (f *fitness) wanting(frame match.Frame, files match.Files, lacking *match.Lacking) (string, rulebook.Inputs) {
	all := lacking.Applications
	if !lacking.Together { // the first stands for all
		all = all[:1]
	}
	barred := map[string]int{} // applications by code
	for line := range strings.Lines(string(files[match.Conflicts])) {
		if a, code, _ := strings.Cut(strings.TrimSpace(line), ","); slices.Contains(all, a) {
			barred[code]++
		}
	}
	together := len(all)
	inputs := rulebook.Inputs{"applications": lacking.Applications, "expert_load": frame.Load, "unit_cap": frame.Pool.UnitCap}
	each := ""
	if frame.Best > 0 {
		inputs["best_per_seat"] = frame.Best
		each = fmt.Sprintf("（每席在最好的%d名中抽取）", frame.Best)
	}
	var said []string
	for _, s := range frame.Pool.Seats {
		usable, away := 0, 0
		for _, c := range frame.Pool.Candidates {
			switch {
			case c.Classes[0] != s.Class:
			case barred[c.Code] == together:
				away++
			default:
				usable++
			}
		}
		inputs[s.Class] = map[string]int{"seats": s.Count * together, "candidates_wanted": s.Count * together * lacking.Times, "candidates": usable, "barred": away}
		text := fmt.Sprintf("%s%d席", experts.ClassNames[experts.Class(s.Class)], s.Count*together)
		if lacking.Times > 1 {
			text += fmt.Sprintf("，须有%d名候选", s.Count*together*lacking.Times)
		}
		said = append(said, fmt.Sprintf("%s，可用%d名，回避%d名", text, usable, away))
	}
	which := "项目" + strings.Join(all[:min(together, 5)], "、")
	if together > 5 {
		which += fmt.Sprintf("等%d个", together)
	}
	if together > 1 {
		which += "合起来"
	}
	text := fmt.Sprintf("%s的席位无法填满%s：%s；每名专家至多%d个项目", which, each, strings.Join(said, "；"), frame.Load)
	if frame.Pool.UnitCap > 0 {
		text += fmt.Sprintf("，同一单位在一个项目至多%d席", frame.Pool.UnitCap)
	}
	if others := len(lacking.Applications) - together; others > 0 {
		text += fmt.Sprintf("。另有%d个项目单独也无法填满", others)
	}
	return text + "。", inputs
}

// profilesOf are what applications and experts say of themselves. What an
// expert led or took part in before is known from earlier applications.
func (st *Store) profilesOf(s *step, f *fitness, pool draw.Frame, apps []reviewing.Application, codes map[string]string) (profiles, error) {
	p := profiles{Weights: affinity.Weights{Fields: f.pack.AffinityFields, Keywords: f.pack.AffinityKeywords, Text: f.pack.AffinityText}}
	g, err := take[reviewing.Guide](s, f.review.GuideID, "该指南")
	if err != nil {
		return p, err
	}
	for _, a := range apps {
		item, _ := g.Item(a.ItemCode)
		p.Numbers = append(p.Numbers, a.Number)
		p.Applications = append(p.Applications, affinity.Application{Fields: item.Fields, Title: a.Title, Abstract: a.Summary + "\n" + item.Title})
	}
	ids := map[string]string{}
	var persons []string
	for id, code := range codes {
		ids[code] = id
		persons = append(persons, f.people[id].PersonID)
	}
	works, err := worksOf(s, persons, f.review.ID)
	if err != nil {
		return p, err
	}
	for _, c := range pool.Candidates {
		e := f.people[ids[c.Code]]
		x := affinity.Expert{Works: works[e.PersonID]}
		if e.MainField != "" {
			x.Fields = append(x.Fields, e.MainField)
		}
		for _, field := range e.Fields {
			x.Fields = append(x.Fields, field.Code)
			x.Keywords = append(x.Keywords, field.Keywords...)
		}
		p.Codes, p.Experts = append(p.Codes, c.Code), append(p.Experts, x)
	}
	return p, nil
}

// worksOf are titles and summaries of the applications people led or took part
// in, by person, those of a review apart.
func worksOf(s *step, persons []string, review string) (map[string][]string, error) {
	out := map[string][]string{}
	slices.Sort(persons)
	for chunk := range slices.Chunk(persons, 500) {
		var rows []struct{ PersonID, Title, Summary string }
		err := s.Table("applications").Select("p.person_id, applications.title, applications.summary").
			Joins("JOIN application_people p ON p.application_id = applications.id").
			Where("p.person_id IN ? AND applications.review_id <> ? AND applications.state NOT IN ?", chunk, review, []reviewing.ApplicationState{reviewing.AppDraft, reviewing.AppWithdrawn}).
			Order("p.person_id, applications.id").Scan(&rows).Error
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			out[r.PersonID] = append(out[r.PersonID], r.Title+"\n"+r.Summary)
		}
	}
	return out, nil
}

// keepFiles keeps the files that are not kept yet.
func keepFiles(s *step, drawID string, files, kept match.Files) error {
	for name, data := range files {
		if _, have := kept[name]; have {
			continue
		}
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		if _, err := z.Write(data); err != nil {
			return err
		}
		if err := z.Close(); err != nil {
			return err
		}
		row := reviewing.MatchFile{DrawID: drawID, Name: name, Hash: journal.Hash(string(data)), Data: packed.Bytes()}
		if name == profilesFile {
			row.Data = s.Keys.Seal(packed.String(), "match_file/"+drawID+"/"+name)
		}
		if err := s.Create(&row).Error; err != nil {
			return err
		}
	}
	return nil
}

// profilesKept are the inputs of a match's affinities.
func profilesKept(s *step, drawID string) (p profiles, err error) {
	rows, err := find[reviewing.MatchFile](s, "name", "draw_id = ? AND name = ?", drawID, profilesFile)
	if err == nil && len(rows) == 0 {
		err = rbac.Missing("该匹配的匹配依据")
	}
	if err != nil {
		return p, err
	}
	packed, err := s.Keys.Open(rows[0].Data, "match_file/"+drawID+"/"+profilesFile)
	if err != nil {
		return p, err
	}
	text, err := unpack([]byte(packed))
	if err != nil {
		return p, err
	}
	return p, json.Unmarshal(text, &p)
}

// filesOf loads a match's files, without the profiles.
func filesOf(s *step, drawID string) (match.Files, error) {
	rows, err := find[reviewing.MatchFile](s, "name", "draw_id = ? AND name <> ?", drawID, profilesFile)
	if err != nil {
		return nil, err
	}
	files := match.Files{}
	for _, row := range rows {
		if files[row.Name], err = unpack(row.Data); err != nil {
			return nil, err
		}
	}
	return files, nil
}

func unpack(data []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

// poolOf is whom an attempt chooses from.
func poolOf(d reviewing.Draw) (draw.Frame, error) {
	if !d.IsMatch() {
		return draw.ParseFrame([]byte(d.Frame))
	}
	frame, err := match.ParseFrame([]byte(d.Frame))
	return frame.Pool, err
}

// runMatch matches.
func runMatch(s *step, d *reviewing.Draw, reveals []draw.Reveal) error {
	frame, err := match.ParseFrame([]byte(d.Frame))
	if err != nil {
		return err
	}
	files, err := filesOf(s, d.ID)
	if err != nil {
		return err
	}
	kept := maps.Clone(files)
	stop, cancel := inTime(s)
	defer cancel()
	record, err := match.Run(frame, files, reveals, stop)
	if err != nil {
		return inTimeOr(err)
	}
	canonical, err := journal.Canonical(record)
	if err != nil {
		return err
	}
	d.Record, d.State = string(canonical), "run"
	hashes := map[string]string{}
	for _, x := range slices.Concat(frame.Files, record.Files) {
		hashes[x.Name] = x.Hash
	}
	s.Brings("draw.run", "draw/"+d.ID, map[string]any{"frame": d.FrameHash, "record": journal.Hash(d.Record), "files": hashes,
		"objective": "total", "total": record.Total, "bound": record.Bound, "seed": record.Seed})
	return keepFiles(s, d.ID, files, kept)
}

// matchedPanel is a match with its changes, asked by application id.
type matchedPanel struct {
	*match.Panel
	record  *match.Record
	numbers map[string]string // by id
	live    []string          // numbers of the applications that are not withdrawn
}

func openMatch(s *step, d *reviewing.Draw) (*matchedPanel, error) {
	m := &matchedPanel{record: &match.Record{}}
	if err := json.Unmarshal([]byte(d.Record), m.record); err != nil { // as it was written; strict reading is for others' files
		return nil, err
	}
	var err error
	if m.numbers, err = numbersOf(s, d.ReviewID); err != nil {
		return nil, err
	}
	err = s.Model(&reviewing.Application{}).Where("review_id = ? AND state <> ?", d.ReviewID, reviewing.AppWithdrawn).Order("number").Pluck("number", &m.live).Error
	if err != nil {
		return nil, err
	}
	m.Panel, err = match.NewPanel(m.record)
	return m, err
}

// Sitting is the panel of an application, or ("") who has any to read.
func (m *matchedPanel) Sitting(application string) []draw.Seated {
	if application == "" {
		return m.Among(m.live)
	}
	return m.Of(m.numbers[application])
}

// Open is as match.Panel's, by application id.
func (m *matchedPanel) Open(class, application string) string {
	return m.Panel.Open(class, m.numbers[application])
}

// replace fills what a leaver's seats leave open in a match, journalled as its
// own entry, and invites whom it needs.
func (st *Store) replace(s *step, b *bench, class experts.Class, code, application string, appointed *draw.Appointed, words string) error {
	m := b.panel.matched
	again := appointed == nil && m.Open(string(class), application) == code // nobody leaves
	files, err := filesOf(s, b.draw.ID)
	if err != nil {
		return err
	}
	passed, err := st.passedBy(s, b, class, code, application, string(files[match.Conflicts]))
	if err != nil {
		return err
	}
	change, err := m.Replace(files, code, m.numbers[application], passed, appointed)
	if err != nil {
		return rbac.Refuse(rbac.RefusedState, "%v（SM-10）。%s", err, seatHelp)
	}
	if again && !slices.ContainsFunc(change.Filled, func(x match.Filled) bool { return x.Code != "" }) {
		return nil
	}
	canonical, err := journal.Canonical(*m.record)
	if err != nil {
		return err
	}
	hash, err := journal.HashOf(change)
	if err != nil {
		return err
	}
	before := b.draw.Record
	b.draw.Record = string(canonical)
	if err := database.Swap(s.Tx, &reviewing.Draw{}, map[string]any{"id": b.draw.ID, "record": before}, map[string]any{"record": b.draw.Record}); err != nil {
		return err
	}
	s.Brings("vacancy.fill", "draw/"+b.draw.ID, map[string]any{"frame": b.draw.FrameHash, "vacancy": hash})
	news := map[string][]string{} // code → applications
	for _, filled := range change.Filled {
		if filled.Code != "" {
			news[filled.Code] = append(news[filled.Code], filled.Application)
		}
	}
	for _, next := range slices.Sorted(maps.Keys(news)) {
		seat, sits := b.seat(next, "")
		if !sits {
			if err := st.invite(s, b.review, *b.draw, string(class), next, "", words); err != nil {
				return err
			}
			continue
		}
		if words != "" { // why this one was appointed directly
			if err := say(s, b.review.ID, "seat/"+seat.ID, "reason", words); err != nil {
				return err
			}
		}
		if err := st.tellMore(s, b.review, seat, news[next]); err != nil {
			return err
		}
	}
	return nil
}

// release lets go who has no application to read any more: nothing is to be
// pledged, declared or signed. Who is needed later is invited again.
func (st *Store) release(s *step, b *bench, reason string) error {
	if !b.review.Matched() || b.panel == nil {
		return nil
	}
	if err := st.loadPanel(s, b); err != nil {
		return err
	}
	reads := b.panel.Sitting("")
	for _, id := range slices.Sorted(maps.Keys(b.seats)) {
		seat := b.seats[id]
		if seat.State == reviewing.SeatVacated || slices.Contains(reads, draw.Seated{Class: string(seat.Class), Code: seat.Code}) {
			continue
		}
		if err := leave(s, &seat, reason, ""); err != nil {
			return err
		}
		b.seats[id] = seat
		e, err := expertstore.Take(s, seat.ExpertID)
		if err != nil {
			return err
		}
		if err := s.Notify(notice.Message{Kind: "released", UserID: e.UserID, Address: e.Mail, Object: "review/" + b.review.ID, Subject: "评审任务取消",
			Body: fmt.Sprintf("%s：\n\n“%s”评审中分配给您的项目已撤回或改由他人评审，您不必再答复或评审。谢谢！", e.Name, b.review.Title)}); err != nil {
			return err
		}
		if id == b.review.ChairSeatID {
			if err := st.unsettle(s, b, id); err != nil {
				return err
			}
		}
	}
	return nil
}

// tellMore tells somebody who sits already of further applications.
func (st *Store) tellMore(s *step, r reviewing.Review, seat reviewing.Seat, applications []string) error {
	e, err := take[experts.Expert](s, seat.ExpertID, "该专家")
	if err != nil {
		return err
	}
	return s.Notify(notice.Message{Kind: "matched", UserID: e.UserID, Address: e.Mail, Object: "seat/" + seat.ID, Subject: "增加评审项目",
		Body: fmt.Sprintf("%s：\n\n“%s”评审为您增加%d个项目：%s。请登录后逐项作出回避声明并评审。\n%s", e.Name, r.Title, len(applications), strings.Join(applications, "、"), st.PublicURL)})
}

// passedBy are the facts of the day by which candidates of a class cannot take
// the seats to be filled, beside the conflicts known at the freeze, and the
// applications that need nobody any more.
func (st *Store) passedBy(s *step, b *bench, class experts.Class, leaver, application, conflicts string) ([]match.Passed, error) {
	pack, err := st.Pack(s)
	if err != nil {
		return nil, err
	}
	rows, err := find[reviewing.FrameCode](s, "code", "draw_id = ?", b.draw.ID)
	if err != nil {
		return nil, err
	}
	candidates := map[string]bool{}
	for _, c := range b.panel.frame.Candidates {
		candidates[c.Code] = slices.Contains(c.Classes, string(class))
	}
	people := map[string]string{} // code → expert id
	var ids []string
	for _, row := range rows {
		if candidates[row.Code] && row.Code != leaver {
			people[row.Code] = row.ExpertID
			ids = append(ids, row.ExpertID)
		}
	}
	fit, err := st.loadFitness(s, pack, b.review, ids)
	if err != nil {
		return nil, err
	}
	var out []match.Passed
	live := map[string]bool{}
	for _, a := range b.applications {
		live[a.Number] = true
	}
	for _, row := range b.panel.matched.record.Panels {
		if !live[row.Application] {
			out = append(out, match.Passed{Application: row.Application, Why: "withdrawn"})
		}
	}
	sits := map[string]string{} // expert id → code
	for _, seat := range b.seats {
		if seat.State != reviewing.SeatVacated {
			sits[seat.ExpertID] = seat.Code
		}
	}
	known := map[string]bool{}
	for line := range strings.Lines(conflicts) {
		known[strings.TrimSpace(line)] = true
	}
	open := slices.DeleteFunc(slices.Clone(b.applications), func(a reviewing.Application) bool {
		return !slices.ContainsFunc(b.panel.Sitting(a.ID), func(x draw.Seated) bool {
			return x.Class == string(class) && (x.Code == "" || x.Code == leaver && (application == "" || application == a.ID))
		})
	})
	for code, id := range people {
		why := fit.passed(id, class, "")
		if as := sits[id]; why == "" && as != "" && as != code { // appointed under another code
			why = "excluded"
		}
		if why != "" {
			out = append(out, match.Passed{Code: code, Why: why})
			continue
		}
		for _, a := range open {
			if !fit.reads(id, a.ID) && !known[a.Number+","+code] {
				out = append(out, match.Passed{Code: code, Application: a.Number, Why: "excluded"})
			}
		}
	}
	return out, nil
}

// MatchView is how a match stands and what anybody may compute it again from.
type MatchView struct {
	DrawID    string              `json:"draw_id"`
	State     string              `json:"state"`
	Selection reviewing.Selection `json:"selection"`
	Load      int                 `json:"load" doc:"每名专家至多评审的项目数"`
	Best      int                 `json:"best" doc:"每席在最好的几人中抽取；0为直接匹配"`
	Objective string              `json:"objective"`
	Total     string              `json:"total" doc:"匹配度（match_draw为签值）之和"`
	Bound     string              `json:"bound" doc:"任何匹配都不超过的上界；与total相等即证明最优"`
	Seed      string              `json:"seed"`
	Files     []match.File        `json:"files" doc:"各文件及其摘要，摘要已记入日志"`
	Experts   int                 `json:"experts" doc:"现在席的专家人数"`
	Open      int                 `json:"open" doc:"空缺的席位"`
	Changes   []match.Replacement `json:"changes"`
}

// MatchOf is the last match of a review.
func (st *Store) MatchOf(ctx context.Context, id string) (MatchView, error) {
	s := st.reading(ctx, rbac.Actor{})
	d, err := lastMatch(s, id)
	if err != nil {
		return MatchView{}, err
	}
	frame, err := match.ParseFrame([]byte(d.Frame))
	v := MatchView{DrawID: d.ID, State: d.State, Selection: d.Selection, Load: frame.Load, Best: frame.Best, Objective: "total", Files: frame.Files, Changes: []match.Replacement{}}
	if err != nil || d.Record == "" {
		return v, err
	}
	m, err := openMatch(s, &d)
	if err != nil {
		return v, err
	}
	v.Total, v.Bound, v.Seed, v.Changes = m.record.Total, m.record.Bound, m.record.Seed, m.record.Changes
	v.Files = slices.Concat(frame.Files, m.record.Files)
	v.Experts = len(m.Sitting(""))
	for _, a := range m.live {
		for _, x := range m.Of(a) {
			if x.Code == "" {
				v.Open++
			}
		}
	}
	return v, nil
}

func lastMatch(s *step, review string) (reviewing.Draw, error) {
	r, err := take[reviewing.Review](s, review, "该评审批次")
	if err != nil {
		return reviewing.Draw{}, err
	}
	if !r.Matched() {
		return reviewing.Draw{}, rbac.Refuse(rbac.RefusedState, "本批次的专家由抽取产生，没有匹配（SM-09）。请查看抽取。")
	}
	draws, err := find[reviewing.Draw](s, "attempt DESC", "review_id = ? AND purpose = 'panel' AND state <> 'void'", review)
	if err == nil && len(draws) == 0 {
		err = rbac.Refuse(rbac.RefusedState, "候选名单尚未锁定，还没有匹配（SM-09）。")
	}
	if err != nil {
		return reviewing.Draw{}, err
	}
	return draws[0], nil
}

// traced refuses to all but the supervisor, while names are not told, what would
// tell by a search of the pool or the list of conflicts who is behind a code.
func (st *Store) traced(s *step, actor rbac.Actor, review string) error {
	pack, err := st.Pack(s)
	if err != nil {
		return err
	}
	r, err := take[reviewing.Review](s, review, "该评审批次")
	if err != nil || actor.Role == rbac.Supervisor || r.NamesOpen(pack, s.Now) {
		return err
	}
	return rbac.Refuse(rbac.RefusedState, "专家名单尚未公开，匹配依据和回避可据以辨认专家，暂不提供（P-12）。请待开始评分后查阅，或由监督查阅。")
}

// MatchFile is one of a match's files, packed.
func (st *Store) MatchFile(ctx context.Context, actor rbac.Actor, draw, name string) ([]byte, error) {
	s := st.reading(ctx, actor)
	if name == match.Affinity || name == match.Conflicts {
		d, err := take[reviewing.Draw](s, draw, "该次匹配")
		if err != nil {
			return nil, err
		}
		if err := st.traced(s, actor, d.ReviewID); err != nil {
			return nil, err
		}
	}
	rows, err := find[reviewing.MatchFile](s, "name", "draw_id = ? AND name = ? AND name <> ?", draw, name, profilesFile)
	if err == nil && len(rows) == 0 {
		err = rbac.Missing("该匹配的文件" + name)
	}
	if err != nil {
		return nil, err
	}
	return rows[0].Data, nil
}

// Suited is how well a candidate suits an application, and why.
type Suited struct {
	Code string `json:"code"`
	Sits bool   `json:"sits" doc:"评审该项目"`
	affinity.Explanation
}

// AffinityOf explains the affinities of one application as they were frozen:
// who sits first, then the best of the others, 50 in all.
func (st *Store) AffinityOf(ctx context.Context, actor rbac.Actor, id, application string) ([]Suited, error) {
	s := st.reading(ctx, actor)
	d, err := lastMatch(s, id)
	if err == nil {
		err = st.traced(s, actor, id)
	}
	if err != nil {
		return nil, err
	}
	p, err := profilesKept(s, d.ID)
	if err != nil {
		return nil, err
	}
	i := slices.Index(p.Numbers, application)
	if i < 0 {
		return nil, rbac.Missing("该批次的这一项目")
	}
	corpus, err := p.corpus()
	if err != nil {
		return nil, err
	}
	sits := map[string]bool{}
	if d.Record != "" {
		m, err := openMatch(s, &d)
		if err != nil {
			return nil, err
		}
		for _, x := range m.Of(application) {
			sits[x.Code] = true
		}
	}
	row, order := corpus.Row(i), make([]int, len(p.Codes))
	for j := range order {
		order[j] = j
	}
	first := func(j int) int {
		if sits[p.Codes[j]] {
			return 0
		}
		return 1
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(first(a), first(b)), cmp.Compare(row[b], row[a]), cmp.Compare(p.Codes[a], p.Codes[b]))
	})
	order = order[:min(len(order), 50)]
	out := make([]Suited, len(order))
	for at, x := range corpus.Explain(i, order) {
		out[at] = Suited{p.Codes[order[at]], sits[p.Codes[order[at]]], x}
	}
	return out, nil
}
