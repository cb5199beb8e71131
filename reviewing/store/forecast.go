package store

import (
	"context"
	"slices"

	"keping/rbac"
	"keping/rbac/calendar"
	"keping/rbac/rulebook"
	"keping/reviewing"
)

// Forecast tells before a round, for every review of a programme that is being
// prepared and for what is not yet in a review, whether a panel can be drawn.
type Forecast struct {
	Reviews []ReviewForecast `json:"reviews"`
}

// ReviewForecast is one review's; without an id it is what accepted
// applications of a guide would be with the pack's seats.
type ReviewForecast struct {
	ReviewID     string         `json:"review_id" doc:"空为尚未编入批次的已受理项目"`
	GuideID      string         `json:"guide_id"`
	Title        string         `json:"title"`
	Applications int            `json:"applications"`
	Short        []ClassSupply  `json:"short" doc:"各类席位与候选人数；缺口大于零的即不足"`
	Waiting      []OpenQuestion `json:"waiting" doc:"哪些专家的情形须先处理；至多列出一百名"`
	WaitingTotal int            `json:"waiting_total"`
	Feasibility
}

// ClassSupply is what one class of seats needs and has.
type ClassSupply struct {
	Class string `json:"class"`
	Seats int    `json:"seats"`
	Have  int    `json:"have"`
	Lacks int    `json:"lacks"`
}

// OpenQuestion is an expert about whom something has to be settled first.
type OpenQuestion struct {
	ExpertID  string   `json:"expert_id"`
	Name      string   `json:"name"`
	Questions int      `json:"questions"`
	Kinds     []string `json:"kinds"`
}

// ForecastOf loads the facts of the programme once for all its reviews.
func (st *Store) ForecastOf(ctx context.Context, programme string) (Forecast, error) {
	s := st.reading(ctx, rbac.Actor{})
	out := Forecast{Reviews: []ReviewForecast{}}
	p, err := take[reviewing.Programme](s, programme, "该专项")
	if err != nil {
		return out, err
	}
	pack, err := st.Pack(s)
	if err != nil {
		return out, err
	}
	var reviews []reviewing.Review
	if err := s.Where("guide_id IN (SELECT id FROM guides WHERE programme_id = ?) AND state = ?", p.ID, reviewing.Preparing).Order("number").Find(&reviews).Error; err != nil {
		return out, err
	}
	guides, err := find[reviewing.Guide](s, "id", "programme_id = ?", p.ID)
	if err != nil {
		return out, err
	}
	apps, err := find[reviewing.Application](s, "number", "programme_id = ? AND state IN ?", p.ID, []reviewing.ApplicationState{reviewing.AppAccepted, reviewing.AppInReview})
	if err != nil {
		return out, err
	}
	day := calendar.Day(s.Now)
	for _, g := range guides { // what waits for a review makes one of the usual size
		if slices.ContainsFunc(apps, func(a reviewing.Application) bool { return a.GuideID == g.ID && a.State == reviewing.AppAccepted }) {
			reviews = append(reviews, reviewing.Review{GuideID: g.ID, ProgrammeID: p.ID, Title: g.Title, Technical: pack.SeatsTechnical, Management: pack.SeatsManagement,
				Finance: pack.SeatsFinance, UnitCap: pack.UnitCap, MeetingDay: calendar.Day(s.Now)})
		}
	}
	if len(reviews) == 0 {
		return out, nil
	}
	var ids []string
	of := make([][]reviewing.Application, len(reviews))
	for i, r := range reviews {
		day = max(day, r.MeetingDay)
		for _, a := range apps {
			if r.ID != "" && a.ReviewID == r.ID || r.ID == "" && a.State == reviewing.AppAccepted && a.GuideID == r.GuideID {
				of[i], ids = append(of[i], a), append(ids, a.ID)
			}
		}
	}
	year, err := st.loadYear(s, pack, p, ids, nil, day)
	if err != nil {
		return out, err
	}
	for i, r := range reviews {
		own := make([]string, len(of[i]))
		for j, a := range of[i] {
			own[j] = a.ID
		}
		f := year.of(r, own)
		if f.fields, err = fieldsOf(s, r, of[i]); err != nil {
			return out, err
		}
		v := ReviewForecast{ReviewID: r.ID, GuideID: r.GuideID, Title: r.Title, Applications: len(own), Waiting: []OpenQuestion{}, Short: []ClassSupply{}, Feasibility: f.feasibility(of[i])}
		for _, seats := range seatsOf(r) {
			have := v.Candidates[seats.Class]
			v.Short = append(v.Short, ClassSupply{seats.Class, seats.Count, have, max(seats.Count-have, 0)})
		}
		v.Waiting = f.waiting(v.Open)
		v.WaitingTotal, v.Open = len(v.Waiting), []rulebook.Verdict{} // each in full is the review's own feasibility
		v.Waiting = v.Waiting[:min(len(v.Waiting), 100)]
		out.Reviews = append(out.Reviews, v)
	}
	return out, nil
}

// waiting gathers open questions by expert.
func (f *fitness) waiting(open []rulebook.Verdict) []OpenQuestion {
	out, at := []OpenQuestion{}, map[string]int{}
	for _, v := range open {
		id, _ := v.Inputs["expert"].(string)
		if id == "" {
			continue
		}
		i, ok := at[id]
		if !ok {
			i, at[id] = len(out), len(out)
			out = append(out, OpenQuestion{ExpertID: id, Name: f.people[id].Name, Kinds: []string{}})
		}
		out[i].Questions++
		if !slices.Contains(out[i].Kinds, v.Rule) {
			out[i].Kinds = append(out[i].Kinds, v.Rule)
		}
	}
	return out
}
