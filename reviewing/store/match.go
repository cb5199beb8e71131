package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"keping/experts"
	"keping/experts/draw"
	"keping/rbac"
	"keping/rbac/journal"
	"keping/rbac/rulebook"
	"keping/reviewing"
	"keping/reviewing/match"
)

// inTime ends a search that would hold up the act, and others, for too long.
func inTime(s *step) (stop func() bool, cancel func()) {
	ctx, cancel := context.WithTimeout(s.Statement.Context, 20*time.Second)
	return func() bool { return ctx.Err() != nil }, cancel
}

// unmatched makes a refusal of a match that took too long, or was frozen before
// the program was replaced.
func unmatched(err error) error {
	if errors.Is(err, match.ErrEngine) {
		return rbac.Refuse(rbac.RefusedState, "%v（SM-09）。请作废本次匹配，重新锁定候选名单。", err)
	}
	if errors.Is(err, match.ErrTooLong) {
		return rbac.Refuse(rbac.RefusedState, "%v（SM-09）。请把项目分成几个批次，或补充专家库、调高每名专家的评审项目数。", err)
	}
	return err
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
		return frame, unmatched(err)
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
		return unmatched(err)
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
