package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"keping/rbac"
	"keping/rbac/journal"
	rbacstore "keping/rbac/store"
	"keping/reviewing"
	"keping/reviewing/rank"
	"keping/reviewing/rank/opinion"
)

// OpinionView is the second opinion on a closed review, beside its official
// ranking. Experts are the codes of their seats.
type OpinionView struct {
	ReviewID    string    `json:"review_id"`
	Number      string    `json:"number"`
	Note        string    `json:"note" doc:"参考意见不改变正式排名"`
	Why         string    `json:"why" doc:"没有参考意见的原因，有则为空"`
	RankingHash string    `json:"ranking_hash" doc:"所依据的正式排名记录的摘要"`
	Seed        int64     `json:"seed" doc:"摘要的前13位"`
	Scale       string    `json:"scale" example:"0:100"`
	Hashes      Hashes    `json:"hashes" doc:"各文件的摘要，已记入日志"`
	MadeAt      time.Time `json:"made_at"`
	OpinionReport
}

// Hashes of the files by which a second opinion is computed again.
type Hashes struct {
	Scores  string `json:"scores"`
	Costs   string `json:"costs" doc:"按经费划线时的经费表，否则为空"`
	Ranking string `json:"ranking"`
	Report  string `json:"report"`
}

// OpinionReport is what is kept of the computation.
type OpinionReport struct {
	opinion.Basis
	Lines       []OpinionLine       `json:"lines" doc:"按期望名次"`
	Report      *opinion.Report     `json:"report" doc:"入选线、分组数、专家尺度、信度、尺度校正的依据、抽样误差"`
	Sensitivity []opinion.Sensitive `json:"sensitivity" doc:"正式排名中换一种算法会越过入选线的项目"`
}

// OpinionLine is one application by both rankings.
type OpinionLine struct {
	Number       string        `json:"number"`
	Title        string        `json:"title"`
	OfficialRank int           `json:"official_rank"`
	OfficialMark string        `json:"official_mark"`
	N            int           `json:"n"`
	Mean         float64       `json:"mean"`
	Trimmed      float64       `json:"trimmed"`
	Effect       float64       `json:"effect" doc:"去除专家尺度后的项目效应（分）"`
	EffectSD     float64       `json:"effect_sd"`
	ExpectedRank float64       `json:"expected_rank"`
	Rank05       int           `json:"rank_q05" doc:"名次的5%分位；与95%分位构成90%区间"`
	Rank25       int           `json:"rank_q25"`
	Rank75       int           `json:"rank_q75"`
	Rank95       int           `json:"rank_q95"`
	Group        opinion.Group `json:"group" doc:"fund 线内，tie 与线不可区分，reject 线外；没有划线则为空"`
}

// ComputeOpinions makes the second opinion on every closed review that has none
// yet. The computation, which may take seconds, runs on the closed record, which
// nothing changes, outside the act that keeps it. It returns how many it made.
func (st *Store) ComputeOpinions(ctx context.Context) (int, error) {
	var due []reviewing.Review
	err := st.DB.Read(ctx).Where("state = ? AND NOT EXISTS (SELECT 1 FROM second_opinions o WHERE o.review_id = reviews.id)", reviewing.Closed).Order("closed_at, id").Find(&due).Error
	if err != nil {
		return 0, err
	}
	made := 0
	var errs []error
	for _, r := range due {
		if ctx.Err() != nil {
			break
		}
		o, err := st.secondOpinion(ctx, r)
		if err != nil {
			errs = append(errs, fmt.Errorf("review %s: %w", r.Number, err))
			continue
		}
		call := rbacstore.Call{Actor: rbac.SystemActor, Permission: "second_opinion compute", Object: r.ID}
		_, _, err = rbacstore.Act(ctx, st.Store.Store, call, func(s *step) (struct{}, error) {
			var n int64
			if err := s.Model(&reviewing.SecondOpinion{}).Where("review_id = ?", r.ID).Count(&n).Error; err != nil || n > 0 { // another replica was faster
				s.Unjournalled()
				return struct{}{}, err
			}
			o.CreatedAt = s.Now
			hashes := o.hashes()
			for name, value := range map[string]any{"review": r.Number, "official": o.RankingHash, "seed": o.Seed, "scores": hashes.Scores, "costs": hashes.Costs, "ranking": hashes.Ranking, "report": hashes.Report} {
				s.Fact(name, value)
			}
			return struct{}{}, s.Create(&o.SecondOpinion).Error
		})
		if errs = append(errs, err); err == nil {
			made++
		}
	}
	return made, errors.Join(errs...)
}

// keptOpinion is a second opinion as it is stored.
type keptOpinion struct{ reviewing.SecondOpinion }

func (o keptOpinion) hashes() Hashes {
	hash := func(text string) string {
		if text == "" {
			return ""
		}
		return journal.Hash(text)
	}
	return Hashes{hash(o.Scores), hash(o.Costs), hash(o.Ranking), hash(o.Report)}
}

// secondOpinion computes what ComputeOpinions keeps.
func (st *Store) secondOpinion(ctx context.Context, r reviewing.Review) (keptOpinion, error) {
	s := st.reading(ctx, rbac.SystemActor)
	o := keptOpinion{reviewing.SecondOpinion{ReviewID: r.ID, RankingHash: r.RankingHash}}
	var err error
	if o.Seed, err = strconv.ParseInt(r.RankingHash[:13], 16, 64); err != nil {
		return o, err
	}
	record, _, err := rankingOf(s, r.ID)
	if err != nil {
		return o, err
	}
	guide, err := take[reviewing.Guide](s, r.GuideID, "该指南")
	if err != nil {
		return o, err
	}
	applications, err := find[reviewing.Application](s, "number", "review_id = ?", r.ID)
	if err != nil {
		return o, err
	}
	var others int64
	if err := s.Model(&reviewing.Review{}).Where("guide_id = ? AND id <> ? AND state <> ?", r.GuideID, r.ID, reviewing.Void).Count(&others).Error; err != nil {
		return o, err
	}
	if others > 0 { // one line below all of a guide's reviews: this one has none of its own
		guide.Places, guide.BudgetFen = 0, 0
	}
	return o, o.compute(record, guide, applications)
}

// compute fills in the files and the report.
func (o *keptOpinion) compute(record rank.Record, guide reviewing.Guide, applications []reviewing.Application) error {
	report := OpinionReport{Basis: opinion.Of(record), Lines: []OpinionLine{}, Sensitivity: []opinion.Sensitive{}}
	if report.Empty() {
		o.Why = "本批次没有可比的分数，不作参考排名。"
		return nil
	}
	var scores, costs, ranking bytes.Buffer
	if err := report.WriteScores(&scores); err != nil {
		return err
	}
	marks, err := opinion.ReadScores(bytes.NewReader(scores.Bytes()), opinion.Percent) // what a reader of the file sees
	if err != nil {
		return err
	}
	made, err := opinion.Rank(marks, opinion.Percent, opinion.Options{Seed: uint64(o.Seed)})
	if err != nil {
		return err
	}
	var line *opinion.Line
	switch {
	case guide.Places > 0:
		line = made.Draw(guide.Places)
	case guide.BudgetFen > 0:
		costs.WriteString("application,cost_fen\n")
		cost := map[string]int64{}
		for _, a := range applications {
			cost[a.Number] = int64(a.FiscalFen)
			fmt.Fprintf(&costs, "%s,%d\n", a.Number, a.FiscalFen)
		}
		if line, err = made.DrawBudget(int64(guide.BudgetFen), cost); err != nil {
			return err
		}
	}
	if line != nil {
		if report.Sensitivity, err = opinion.Sensitivity(record, line.Places); err != nil {
			return err
		}
	}
	fits, err := opinion.Reliabilities(marks, opinion.Percent)
	if err != nil {
		return err
	}
	report.Report = opinion.NewReport(made, fits, line, opinion.History{}, uint64(o.Seed))
	report.Lines = opinionLines(made, record, applications)
	if err := made.WriteCSV(&ranking); err != nil {
		return err
	}
	text, err := json.Marshal(report)
	o.Scores, o.Costs, o.Ranking, o.Report = scores.String(), costs.String(), ranking.String(), string(text)
	return err
}

func opinionLines(o *opinion.Opinion, record rank.Record, applications []reviewing.Application) []OpinionLine {
	title := map[string]string{}
	for _, a := range applications {
		title[a.Number] = a.Title
	}
	lines := make([]OpinionLine, len(o.Applications))
	for i, a := range o.Applications {
		line := OpinionLine{Number: a.Name, Title: title[a.Name], N: a.N, Mean: a.Mean, Trimmed: a.Trimmed, Effect: a.Effect, EffectSD: a.EffectSD, ExpectedRank: a.ExpectedRank,
			Rank05: a.Rank05, Rank25: a.Rank25, Rank75: a.Rank75, Rank95: a.Rank95, Group: a.Group}
		if at := slices.IndexFunc(record.Results, func(r rank.Result) bool { return r.Application == a.Name }); at >= 0 {
			line.OfficialRank, line.OfficialMark = record.Results[at].Rank, record.Results[at].Shown
		}
		lines[i] = line
	}
	return lines
}

// OpinionOf is the second opinion on a closed review.
func (st *Store) OpinionOf(ctx context.Context, id string) (OpinionView, error) {
	r, kept, err := st.opinionOf(ctx, id)
	v := OpinionView{ReviewID: r.ID, Number: r.Number, Note: "参考意见由评分另行估计，供讨论和复核使用，不改变正式排名。", Why: kept.Why, RankingHash: kept.RankingHash, Seed: kept.Seed, Scale: "0:100",
		Hashes: kept.hashes(), MadeAt: kept.CreatedAt, OpinionReport: OpinionReport{Basis: opinion.Basis{Criteria: []string{}}, Lines: []OpinionLine{}, Sensitivity: []opinion.Sensitive{}}}
	if err == nil && kept.Report != "" {
		err = json.Unmarshal([]byte(kept.Report), &v.OpinionReport)
	}
	return v, err
}

// OpinionFile is one of the files a second opinion is computed again from.
func (st *Store) OpinionFile(ctx context.Context, id, name string) ([]byte, error) {
	_, kept, err := st.opinionOf(ctx, id)
	if err != nil {
		return nil, err
	}
	text := map[string]string{"scores.csv": kept.Scores, "costs.csv": kept.Costs, "ranking.csv": kept.Ranking, "report.json": kept.Report}[name]
	if text == "" {
		return nil, rbac.Missing("该批次参考意见的" + name)
	}
	return []byte(text), nil
}

func (st *Store) opinionOf(ctx context.Context, id string) (reviewing.Review, keptOpinion, error) {
	s := st.reading(ctx, rbac.Actor{})
	r, err := take[reviewing.Review](s, id, "该评审批次")
	if err != nil {
		return r, keptOpinion{}, err
	}
	if err := demandState(r, "查看参考意见", reviewing.Closed); err != nil {
		return r, keptOpinion{}, err
	}
	kept, err := find[reviewing.SecondOpinion](s, "review_id", "review_id = ?", id)
	if err == nil && len(kept) == 0 {
		err = rbac.Refuse(rbac.RefusedState, "参考意见正在计算（SM-09）。请过一分钟再来。")
	}
	if err != nil {
		return r, keptOpinion{}, err
	}
	return r, keptOpinion{kept[0]}, nil
}
