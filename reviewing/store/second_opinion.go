package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
	Why         string    `json:"why" doc:"没有参考意见的原因，如没有可比的分数、计算没有成功；有则为空"`
	RankingHash string    `json:"ranking_hash" doc:"所依据的正式排名记录的摘要"`
	Seed        int64     `json:"seed" doc:"摘要的前13位"`
	Scale       string    `json:"scale" example:"0:100"`
	Hashes      Hashes    `json:"hashes" doc:"各文件的摘要，已记入日志"`
	MadeAt      time.Time `json:"made_at"`
	opinion.Basis
	opinion.Asked
	Lines       []OpinionLine       `json:"lines" doc:"按期望名次"`
	Report      *opinion.Report     `json:"report" doc:"入选线、分组数（在合格项目中）、专家尺度、信度、尺度校正的依据、抽样误差；没有参考意见则为null"`
	Sensitivity []opinion.Sensitive `json:"sensitivity" doc:"正式排名的合格项目中换一种算法会越过入选线的"`
}

// OpinionLine is one application by both rankings.
type OpinionLine struct {
	opinion.Standing
	Title string `json:"title"`
}

// Hashes of the files by which a second opinion is computed again.
type Hashes struct {
	Scores  string `json:"scores" doc:"正式排名记录中的有效评分"`
	Costs   string `json:"costs" doc:"按经费划线时的经费表，否则为空"`
	Ranking string `json:"ranking" doc:"keping rank 由评分表所得"`
	Report  string `json:"report"`
}

// ComputeOpinions makes the second opinion on every closed review that has none
// yet. The computation, which may take seconds, runs on the closed record, which
// nothing changes, outside the act that keeps it. One that fails is kept with
// its reason: the same record would fail again. It returns how many it made.
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
		o, facts, err := st.secondOpinion(ctx, r)
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
			for name, value := range facts {
				s.Fact(name, value)
			}
			return struct{}{}, s.Create(&o.SecondOpinion).Error
		})
		if why, failed := facts["failed"]; failed && err == nil {
			err = fmt.Errorf("review %s: %v", r.Number, why)
		}
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

// secondOpinion computes what ComputeOpinions keeps and journals. Its errors are
// the database's; what is wrong with the record stands in the opinion.
func (st *Store) secondOpinion(ctx context.Context, r reviewing.Review) (keptOpinion, map[string]any, error) {
	s := st.reading(ctx, rbac.SystemActor)
	o := keptOpinion{reviewing.SecondOpinion{ReviewID: r.ID, RankingHash: r.RankingHash}}
	var kept reviewing.Ranking
	if err := s.Take(&kept, "review_id = ?", r.ID).Error; err != nil {
		return o, nil, err
	}
	guide, err := take[reviewing.Guide](s, r.GuideID, "该指南")
	if err != nil {
		return o, nil, err
	}
	applications, err := find[reviewing.Application](s, "number", "review_id = ?", r.ID)
	if err != nil {
		return o, nil, err
	}
	facts, err := o.compute(kept, guide, applications)
	if err != nil {
		reason := []rune(err.Error())
		o.Why = "计算没有成功，已记录备查；正式排名不受影响。原因：" + string(reason[:min(len(reason), 400)])
		facts = map[string]any{"review": r.Number, "official": r.RankingHash, "failed": o.Why}
	}
	return o, facts, nil
}

// compute fills in the files.
func (o *keptOpinion) compute(kept reviewing.Ranking, guide reviewing.Guide, applications []reviewing.Application) (map[string]any, error) {
	record, err := rank.ParseRecord([]byte(kept.Record))
	if err != nil {
		return nil, err
	}
	if opinion.Of(record).Empty() {
		o.Why = "本批次没有可比的分数，不作参考排名。"
		return map[string]any{"review": record.Review, "official": o.RankingHash, "none": o.Why}, nil
	}
	asked := opinion.Asked{Undrawn: opinion.NoLine}
	switch {
	case kept.Shared:
		asked.Undrawn = opinion.Shared
	case guide.Places > 0:
		asked = opinion.Asked{Places: guide.Places}
	case guide.BudgetFen > 0:
		asked = opinion.Asked{BudgetFen: int64(guide.BudgetFen), Costs: map[string]int64{}}
		for _, a := range applications {
			asked.Costs[a.Number] = int64(a.FiscalFen)
		}
	}
	_, files, err := opinion.Advise(record, asked)
	if err != nil {
		return nil, err
	}
	seed, err := opinion.Seed(record)
	if err != nil {
		return nil, err
	}
	o.Seed = int64(seed)
	o.Scores, o.Costs, o.Ranking, o.Report = string(files.Scores), string(files.Costs), string(files.Ranking), string(files.Report)
	return files.Facts(record, asked)
}

// OpinionOf is the second opinion on a closed review.
func (st *Store) OpinionOf(ctx context.Context, id string) (OpinionView, error) {
	r, kept, err := st.opinionOf(ctx, id)
	v := OpinionView{ReviewID: r.ID, Number: r.Number, Note: "参考意见由评分另行估计，供讨论和复核使用，不改变正式排名。", Why: kept.Why, RankingHash: kept.RankingHash, Seed: kept.Seed, Scale: "0:100",
		Hashes: kept.hashes(), MadeAt: kept.CreatedAt, Basis: opinion.Basis{Criteria: []string{}}, Lines: []OpinionLine{}, Sensitivity: []opinion.Sensitive{}}
	if err != nil || kept.Report == "" {
		return v, err
	}
	var advice opinion.Advice
	if err := json.Unmarshal([]byte(kept.Report), &advice); err != nil {
		return v, err
	}
	v.Basis, v.Asked, v.Report, v.Sensitivity = advice.Basis, advice.Asked, advice.Report, advice.Sensitivity
	applications, err := find[reviewing.Application](st.reading(ctx, rbac.Actor{}), "number", "review_id = ?", id)
	title := map[string]string{}
	for _, a := range applications {
		title[a.Number] = a.Title
	}
	for _, line := range advice.Lines {
		v.Lines = append(v.Lines, OpinionLine{line, title[line.Number]})
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
