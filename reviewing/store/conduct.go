package store

import (
	"context"
	"errors"
	"slices"
	"time"

	"keping/configs/database"
	"keping/experts"
	expertstore "keping/experts/store"
	"keping/rbac"
	"keping/rbac/calendar"
	"keping/rbac/secret"
	rbacstore "keping/rbac/store"
	"keping/reviewing"
)

// NewConduct rates one expert's part in a closed review.
type NewConduct struct {
	SeatID  string                `json:"seat_id" maxLength:"36"`
	Marks   []experts.ConductMark `json:"marks" minItems:"1" maxItems:"30" doc:"各项1至5分，5为最好；须评全部项目"`
	Remarks string                `json:"remarks,omitempty" maxLength:"2000"`
}

// sat are the seats of a closed review that are rated: one for each expert who
// sat to the end.
func (st *Store) sat(s *step, review string) (reviewing.Review, []reviewing.Seat, error) {
	r, err := take[reviewing.Review](s, review, "该评审批次")
	if err != nil {
		return r, nil, err
	}
	seats, err := find[reviewing.Seat](s, "application_id, id", "review_id = ? AND state = ? AND expert_id <> ''", review, reviewing.SeatPledged)
	seen := map[string]bool{}
	return r, slices.DeleteFunc(seats, func(seat reviewing.Seat) bool {
		twice := seen[seat.ExpertID]
		seen[seat.ExpertID] = true
		return twice
	}), err
}

// CreateConduct is P-25: officer, supervisor or chair rates, once each, after
// the review is closed. It stays beside the record: no draw reads it.
func (st *Store) CreateConduct(s *step, review string, in NewConduct) (experts.Conduct, error) {
	r, seats, err := st.sat(s, review)
	if err != nil {
		return experts.Conduct{}, err
	}
	chair := slices.ContainsFunc(seats, func(x reviewing.Seat) bool {
		return x.ID == r.ChairSeatID && x.PersonID != "" && x.PersonID == s.Call.Actor.Person
	})
	if err := s.May(chair, "该评审批次"); err != nil {
		return experts.Conduct{}, err
	}
	if err := st.impartial(s, "review_id = ?", review); err != nil {
		return experts.Conduct{}, err
	}
	if r.State != reviewing.Closed {
		return experts.Conduct{}, reviewing.MoveRefusal("SM-09", string(r.State), "评价专家履职情况")
	}
	i := slices.IndexFunc(seats, func(x reviewing.Seat) bool { return x.ID == in.SeatID })
	if i < 0 {
		return experts.Conduct{}, rbac.Invalid("seat_id", "该席位不在须评价的名单中")
	}
	seat := seats[i]
	role := map[rbac.Role]string{rbac.Officer: experts.RatedByOfficer, rbac.Supervisor: experts.RatedBySupervisor, rbac.Expert: experts.RatedByChair}[s.Call.Actor.Role]
	if role == experts.RatedByChair && seat.PersonID == s.Call.Actor.Person {
		return experts.Conduct{}, rbac.Invalid("seat_id", "不能评价本人")
	}
	pack, err := st.Pack(s)
	if err != nil {
		return experts.Conduct{}, err
	}
	low, err := experts.Rate(pack, in.Marks)
	if err != nil {
		return experts.Conduct{}, err
	}
	var rated int64
	if err := s.Model(&experts.Conduct{}).Where("seat_id = ? AND role = ?", seat.ID, role).Count(&rated).Error; err != nil {
		return experts.Conduct{}, err
	}
	if rated > 0 {
		return experts.Conduct{}, rbac.Refuse(rbac.RefusedState, "该专家的履职情况已经评价，不再更改（惯例P-25）。")
	}
	c := experts.Conduct{ID: s.NewID(), ReviewID: review, SeatID: seat.ID, ExpertID: seat.ExpertID, PersonID: seat.PersonID, Role: role, RatedBy: s.Call.Actor.User,
		Marks: in.Marks, Low: low, Salt: secret.Random(16), CreatedAt: s.Now}
	c.Remarks = s.Keys.Seal(in.Remarks, "conduct/"+c.ID+"/remarks")
	s.On(c.ID)
	s.Fact("review", review)
	s.Fact("seat", seat.Code)
	s.Fact("low", low)
	s.Fact("remarks", rbacstore.Digest(c.Salt, in.Remarks))
	return c, s.Create(&c).Error
}

// ConductView is a rating with its words and the reply.
type ConductView struct {
	experts.Conduct
	Remarks string `json:"remarks"`
	Reply   string `json:"reply"`
}

func viewConduct(s *step, c experts.Conduct) (ConductView, error) {
	remarks, err1 := s.Keys.Open(c.Remarks, "conduct/"+c.ID+"/remarks")
	reply, err2 := s.Keys.Open(c.Reply, "conduct/"+c.ID+"/reply")
	return ConductView{c, remarks, reply}, errors.Join(err1, err2)
}

// OwnConducts are the ratings of the expert who asks.
func (st *Store) OwnConducts(ctx context.Context, actor rbac.Actor, after string, limit int) ([]ConductView, error) {
	s := st.reading(ctx, actor)
	var rows []experts.Conduct
	if err := s.Where("person_id = ? AND person_id <> '' AND id > ?", actor.Person, after).Order("id").Limit(limit).Find(&rows).Error; err != nil {
		return nil, err
	}
	out := make([]ConductView, len(rows))
	for i, c := range rows {
		var err error
		if out[i], err = viewConduct(s, c); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// ReplyConduct is the expert's right to reply, once.
func (st *Store) ReplyConduct(s *step, id, text string) (ConductView, error) {
	c, err := take[experts.Conduct](s, id, "该履职评价")
	if err != nil {
		return ConductView{}, err
	}
	if c.PersonID == "" || c.PersonID != s.Call.Actor.Person {
		return ConductView{}, rbac.Hidden("该履职评价")
	}
	if c.RepliedAt != nil {
		return ConductView{}, rbac.Refuse(rbac.RefusedState, "您已对该评价作过说明，每件评价说明一次（惯例P-25）。")
	}
	c.Reply, c.RepliedAt = s.Keys.Seal(text, "conduct/"+id+"/reply"), &s.Now
	s.Fact("reply", rbacstore.Digest(c.Salt, text))
	if err := database.Swap(s.Tx, &experts.Conduct{}, map[string]any{"id": id, "replied_at": nil}, map[string]any{"reply": c.Reply, "replied_at": s.Now}); err != nil {
		return ConductView{}, err
	}
	return viewConduct(s, c)
}

// RatedSeat is one expert of a review with all ratings.
type RatedSeat struct {
	SeatID   string        `json:"seat_id"`
	ExpertID string        `json:"expert_id"`
	Name     string        `json:"name"`
	Class    experts.Class `json:"class"`
	Ratings  []ConductView `json:"ratings"`
	Missing  bool          `json:"missing" doc:"经办尚未评价"`
}

// ConductSurvey is what is rated and what is missing of one review.
type ConductSurvey struct {
	Items []RatedSeat           `json:"items"`
	Form  []experts.ConductItem `json:"form" doc:"评价项目"`
	Due   string                `json:"due" doc:"经办应在此日前评价"`
	Late  bool                  `json:"late" doc:"已逾期而仍有未评价的"`
}

// SurveyConduct opens the ratings of a review; that it was read is journalled.
func (st *Store) SurveyConduct(s *step, review string) (ConductSurvey, error) {
	r, seats, err := st.sat(s, review)
	if err != nil {
		return ConductSurvey{}, err
	}
	pack, err := st.Pack(s)
	if err != nil {
		return ConductSurvey{}, err
	}
	rows, err := find[experts.Conduct](s, "id", "review_id = ?", review)
	if err != nil {
		return ConductSurvey{}, err
	}
	out := ConductSurvey{Items: []RatedSeat{}, Form: experts.ConductItems}
	if r.State != reviewing.Closed {
		return out, nil
	}
	ids := make([]string, len(seats))
	for i, seat := range seats {
		ids[i] = seat.ExpertID
	}
	people, err := find[experts.Expert](s, "id", "id IN ?", ids)
	if err != nil {
		return out, err
	}
	missing := false
	for _, seat := range seats {
		item := RatedSeat{SeatID: seat.ID, ExpertID: seat.ExpertID, Class: seat.Class, Ratings: []ConductView{}, Missing: true}
		if i := slices.IndexFunc(people, func(e experts.Expert) bool { return e.ID == seat.ExpertID }); i >= 0 {
			item.Name = people[i].Name
		}
		for _, c := range rows {
			if c.SeatID != seat.ID {
				continue
			}
			v, err := viewConduct(s, c)
			if err != nil {
				return out, err
			}
			item.Ratings = append(item.Ratings, v)
			item.Missing = item.Missing && c.Role != experts.RatedByOfficer
		}
		missing = missing || item.Missing
		out.Items = append(out.Items, item)
	}
	if r.ClosedAt != nil {
		out.Due, out.Late = conductDue(*r.ClosedAt, pack.ConductDays, s.Now, missing)
	}
	return out, nil
}

// OwedConduct is a closed review whose officer has not rated everybody.
type OwedConduct struct {
	ReviewID string `json:"review_id"`
	Number   string `json:"number"`
	Title    string `json:"title"`
	Missing  int    `json:"missing" doc:"尚未评价的专家数"`
	Due      string `json:"due"`
	Late     bool   `json:"late"`
}

// OwedConducts are those closed within a year: older ones are no longer owed.
func (st *Store) OwedConducts(ctx context.Context, after string, limit int) ([]OwedConduct, error) {
	s := st.reading(ctx, rbac.Actor{})
	pack, err := st.Pack(s)
	if err != nil {
		return nil, err
	}
	var rows []struct {
		ID, Number, Title string
		ClosedAt          time.Time
		Missing           int
	}
	err = s.Table("reviews r").Select("r.id", "r.number", "r.title", "r.closed_at", "COUNT(DISTINCT s.expert_id) AS missing").
		Joins("JOIN seats s ON s.review_id = r.id AND s.state = ? AND s.expert_id <> ''", reviewing.SeatPledged).
		Where("r.state = ? AND r.closed_at >= ? AND r.id > ?", reviewing.Closed, s.Now.AddDate(-1, 0, 0), after).
		Where("NOT EXISTS (SELECT 1 FROM conducts c WHERE c.review_id = r.id AND c.expert_id = s.expert_id AND c.role = ?)", experts.RatedByOfficer).
		Group("r.id, r.number, r.title, r.closed_at").Order("r.id").Limit(limit).Scan(&rows).Error
	out := make([]OwedConduct, len(rows))
	for i, r := range rows {
		out[i] = OwedConduct{ReviewID: r.ID, Number: r.Number, Title: r.Title, Missing: r.Missing}
		out[i].Due, out[i].Late = conductDue(r.ClosedAt, pack.ConductDays, s.Now, true)
	}
	return out, err
}

// SuspendExpert suspends with a reason, to a last day or for as long as it
// takes; a low rating may be what it stands on, whose words the expert has had
// the right to answer.
func (st *Store) SuspendExpert(s *step, id, conduct, until, reason string, version int) (experts.Expert, error) {
	code := ""
	if conduct != "" {
		c, err := take[experts.Conduct](s, conduct, "该履职评价")
		if err != nil {
			return experts.Expert{}, err
		}
		if c.ExpertID != id || !c.Low {
			return experts.Expert{}, rbac.Invalid("conduct_id", "该履职评价不是这名专家的，或没有低于规定线的项")
		}
		code = "conduct"
		s.Fact("conduct", conduct)
	}
	return st.MoveExpert(s, id, "suspend", expertstore.Move{Version: version, Reason: reason, Code: code, Until: until})
}

func conductDue(closed time.Time, days int, now time.Time, missing bool) (due string, late bool) {
	due = calendar.After(closed, days)
	return due, missing && calendar.Day(now) > due
}
