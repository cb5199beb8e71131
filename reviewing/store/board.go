package store

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"keping/experts"
	"keping/rbac"
	"keping/reviewing"
	"keping/reviewing/rank"
)

// Progress is what a running review tells of itself: how far it is, never a mark.
type Progress struct {
	State     reviewing.ReviewState `json:"state"`
	Paused    bool                  `json:"paused"`
	Submitted int                   `json:"submitted"`
	Needed    int                   `json:"needed"`
	Signed    int                   `json:"signed"`
	Signers   int                   `json:"signers"`
	Version   int                   `json:"version"`
}

// Board is the progress of a review for its officer, its chair and the supervisor.
type Board struct {
	Progress
	Applications []BoardLine `json:"applications"`
	Seats        []BoardSeat `json:"seats"`
	Next         string      `json:"next" doc:"下一页的 after；为空即最后一页"`
}

// BoardLine is one application: who effectively reviews it and how far they are;
// rank and result only once the review is closed.
type BoardLine struct {
	ID         string `json:"id"`
	Number     string `json:"number"`
	Title      string `json:"title"`
	Technical  int    `json:"technical"`
	Management int    `json:"management"`
	Finance    int    `json:"finance"`
	Recused    int    `json:"recused"`
	Submitted  int    `json:"submitted"`
	Needed     int    `json:"needed"`
	Rank       int    `json:"rank"`
	Shown      string `json:"shown"`
}

// BoardSeat is one seat: what it has done and what it still owes.
type BoardSeat struct {
	ID        string              `json:"id"`
	Code      string              `json:"code"`
	Class     experts.Class       `json:"class"`
	State     reviewing.SeatState `json:"state"`
	Attended  bool                `json:"attended"`
	Submitted int                 `json:"submitted"`
	Needed    int                 `json:"needed"`
	Signed    bool                `json:"signed"`
	Owes      string              `json:"owes" doc:"尚待办理的事项"`
}

// progress counts, by (application, seat), the effective sheets and those handed in.
func (b *bench) progress(s *step) (p Progress, lines map[string]*BoardLine, seats map[string]*BoardSeat, err error) {
	var submitted []reviewing.Sheet
	if err = s.Select("application_id", "seat_id").Where("review_id = ? AND state = ?", b.review.ID, reviewing.SheetSubmitted).Find(&submitted).Error; err != nil {
		return
	}
	done := make(map[[2]string]bool, len(submitted))
	for _, sheet := range submitted {
		done[[2]string{sheet.ApplicationID, sheet.SeatID}] = true
	}
	recused := map[string]int{}
	for _, d := range b.declarations {
		if d.State == "approved" {
			recused[d.ApplicationID]++
		}
	}
	p = Progress{State: b.review.State, Paused: b.review.PausedAt != nil, Version: b.review.Version}
	lines, seats = map[string]*BoardLine{}, map[string]*BoardSeat{}
	for _, a := range b.applications {
		line := &BoardLine{ID: a.ID, Number: a.Number, Title: a.Title, Recused: recused[a.ID]}
		lines[a.ID] = line
		for _, seat := range b.sitting(a.ID) {
			if seats[seat.ID] == nil {
				seats[seat.ID] = &BoardSeat{ID: seat.ID, Code: seat.Code, Class: seat.Class, State: seat.State, Attended: seat.AttendedAt != nil, Signed: seat.SignedAt != nil}
				p.Signers++
				if seat.SignedAt != nil || seat.NotSigned != "" {
					p.Signed++
				}
			}
			switch seat.Class {
			case experts.Technical:
				line.Technical++
			case experts.Management:
				line.Management++
			case experts.Finance:
				line.Finance++
			}
			line.Needed++
			seats[seat.ID].Needed++
			if done[[2]string{a.ID, seat.ID}] {
				line.Submitted++
				seats[seat.ID].Submitted++
			}
		}
		p.Needed += line.Needed
		p.Submitted += line.Submitted
	}
	return
}

// watches loads a bench for who may watch it: by role, or as its chair.
func (st *Store) watches(s *step, settle may, id string) (*bench, error) {
	b, err := st.loadBench(s, id)
	if err != nil {
		return nil, err
	}
	return b, settle(b.isChair(s), "该评审批次")
}

// ProgressOf is the review's progress at this moment.
func (st *Store) ProgressOf(ctx context.Context, actor rbac.Actor, settle may, id string) (Progress, error) {
	s := st.reading(ctx, actor)
	b, err := st.watches(s, settle, id)
	if err != nil {
		return Progress{}, err
	}
	p, _, _, err := b.progress(s)
	return p, err
}

// BoardOf is the whole picture: before closing by number, afterwards by rank.
func (st *Store) BoardOf(ctx context.Context, actor rbac.Actor, settle may, id, after string, limit int) (Board, error) {
	s := st.reading(ctx, actor)
	b, err := st.watches(s, settle, id)
	if err != nil {
		return Board{}, err
	}
	out := Board{Applications: []BoardLine{}, Seats: []BoardSeat{}}
	progress, lines, seats, err := b.progress(s)
	if err != nil {
		return out, err
	}
	out.Progress = progress
	results := map[string]rank.Result{}
	if b.review.State == reviewing.Closed {
		var record rank.Record
		if err := json.Unmarshal([]byte(b.review.Ranking), &record); err != nil {
			return out, err
		}
		for _, r := range record.Results {
			results[r.Application] = r
		}
	}
	for _, a := range b.applications {
		line := lines[a.ID]
		line.Rank, line.Shown = results[a.Number].Rank, results[a.Number].Shown
		out.Applications = append(out.Applications, *line)
	}
	slices.SortStableFunc(out.Applications, func(x, y BoardLine) int {
		if x.Rank != y.Rank && x.Rank*y.Rank != 0 {
			return x.Rank - y.Rank
		}
		return strings.Compare(x.Number, y.Number)
	})
	if i := slices.IndexFunc(out.Applications, func(l BoardLine) bool { return l.Number == after }); i >= 0 {
		out.Applications = out.Applications[i+1:]
	}
	if len(out.Applications) > limit {
		out.Applications, out.Next = out.Applications[:limit], out.Applications[limit-1].Number
	}
	owing, err := b.owing(s)
	if err != nil {
		return out, err
	}
	for id, seat := range seats {
		seat.Owes = owing[id]
		out.Seats = append(out.Seats, *seat)
	}
	slices.SortFunc(out.Seats, func(x, y BoardSeat) int { return strings.Compare(x.Code+x.ID, y.Code+y.ID) })
	return out, nil
}
