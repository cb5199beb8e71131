package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"keping/experts"
	"keping/rbac"
	"keping/reviewing"
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
// rank, result and marks only once the review is closed.
type BoardLine struct {
	ID         string   `json:"id"`
	Number     string   `json:"number"`
	Title      string   `json:"title"`
	Technical  int      `json:"technical"`
	Management int      `json:"management"`
	Finance    int      `json:"finance"`
	Recused    int      `json:"recused"`
	Submitted  int      `json:"submitted"`
	Needed     int      `json:"needed"`
	Rank       int      `json:"rank"`
	Shown      string   `json:"shown"`
	Passed     bool     `json:"passed"`
	Totals     []string `json:"totals" doc:"评审结束后各有效专家所评各项的合计：“席位代号 合计”；只推荐不打分的表为推荐意见"`
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

// tally is how far a review is, from counts: all applications have the panel's
// composition but the few for which a seat has stepped aside (special), and
// only those are looked at one by one; in a match, all.
type tally struct {
	*bench                              // with neither its applications nor the clear declarations
	total   int                         // applications, while the review runs
	special map[string][]reviewing.Seat // who sits, where that is not the panel
	base    []reviewing.Seat
}

// count runs a GROUP BY whose rows are a key and a number.
func count(s *step, query string, args ...any) (map[string]int, error) {
	rows, err := s.Raw(query, args...).Rows()
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[string]int{}
	for rows.Next() {
		var key string
		var n int
		if err := rows.Scan(&key, &n); err != nil {
			return nil, err
		}
		out[key] = n
	}
	return out, rows.Err()
}

// loadTally loads a review's seats and who has stepped aside.
func (st *Store) loadTally(s *step, id string) (*tally, error) {
	t := &tally{bench: &bench{seats: map[string]reviewing.Seat{}}, special: map[string][]reviewing.Seat{}}
	var err error
	if t.review, err = take[reviewing.Review](s, id, "该评审批次"); err != nil {
		return nil, err
	}
	seats, err := find[reviewing.Seat](s, "id", "review_id = ?", id)
	if err != nil {
		return nil, err
	}
	away, err := find[reviewing.Declaration](s, "id", "review_id = ? AND state IN ('pending', 'approved')", id)
	if err != nil {
		return nil, err
	}
	t.words.add(away...)
	if t.review.State != reviewing.Closed { // then the seats tell
		var total int64
		if err := s.Model(&reviewing.Application{}).Where("review_id = ? AND state <> ?", id, reviewing.AppWithdrawn).Count(&total).Error; err != nil {
			return nil, err
		}
		t.total = int(total)
	}
	for _, seat := range seats {
		t.seats[seat.ID] = seat
		if seat.ApplicationID != "" {
			t.special[seat.ApplicationID] = nil
		} else if seat.State != reviewing.SeatVacated {
			t.base = append(t.base, seat)
		}
	}
	for _, d := range t.words.all {
		t.special[d.ApplicationID] = nil
	}
	matched := t.review.Matched()
	if len(t.special) == 0 && !matched { // the draw's record, which grows with the pool, has nothing to add
		return t, nil
	}
	if err := st.loadPanel(s, t.bench); err != nil {
		return nil, err
	}
	var live []string
	which := s.Model(&reviewing.Application{}).Where("review_id = ? AND state <> ?", id, reviewing.AppWithdrawn)
	if !matched { // where every application has its own panel all are special
		which = which.Where("id IN ?", slices.Collect(maps.Keys(t.special)))
	}
	err = which.Pluck("id", &live).Error
	if err != nil {
		return nil, err
	}
	clear(t.special)
	for _, a := range live {
		t.special[a] = t.sitting(a)
	}
	return t, nil
}

// reviews are the seats that review an application.
func (t *tally) reviews(application string) []reviewing.Seat {
	if seats, ok := t.special[application]; ok {
		return seats
	}
	return t.base
}

// needed is how many sheets each seat owes in all.
func (t *tally) needed() map[string]int {
	out := map[string]int{}
	for _, seat := range t.base {
		out[seat.ID] = t.total - len(t.special)
	}
	for _, seats := range t.special {
		for _, seat := range seats {
			out[seat.ID]++
		}
	}
	return out
}

// idle are the submitted sheets that count for nobody at present: of who has
// asked to step aside, until that is decided.
func (t *tally) idle(s *step) (bySeat, byApplication map[string]int, err error) {
	bySeat, byApplication = map[string]int{}, map[string]int{}
	var pairs []reviewing.Sheet
	if len(t.special) > 0 {
		err = s.Select("application_id", "seat_id").Where("review_id = ? AND state = ? AND application_id IN ?", t.review.ID, reviewing.SheetSubmitted, slices.Collect(maps.Keys(t.special))).Find(&pairs).Error
	}
	for _, p := range pairs {
		if !slices.ContainsFunc(t.special[p.ApplicationID], func(seat reviewing.Seat) bool { return seat.ID == p.SeatID }) {
			bySeat[p.SeatID]++
			byApplication[p.ApplicationID]++
		}
	}
	return
}

const (
	sheetsBySeat        = "SELECT seat_id, COUNT(*) FROM sheets WHERE review_id = ? AND state = ? GROUP BY seat_id"
	sheetsByApplication = "SELECT application_id, COUNT(*) FROM sheets WHERE review_id = ? AND state = ? GROUP BY application_id"
	wordsBySeat         = `SELECT seat_id, COUNT(DISTINCT application_id) FROM declarations WHERE review_id = ? AND state IN ('clear', 'rejected')
		AND application_id NOT IN (SELECT id FROM applications WHERE review_id = ? AND state = 'withdrawn') GROUP BY seat_id`
)

// progress tells how far the review is, and each seat with what it has handed in.
func (t *tally) progress(s *step) (Progress, []BoardSeat, error) {
	p := Progress{State: t.review.State, Paused: t.review.PausedAt != nil, Version: t.review.Version}
	owed, submitted, idle := t.needed(), map[string]int{}, map[string]int{}
	var err error
	if t.review.State == reviewing.Closed {
		for id := range owed {
			owed[id], submitted[id] = t.seats[id].Owed, t.seats[id].Sheets
		}
	} else if submitted, err = count(s, sheetsBySeat, t.review.ID, reviewing.SheetSubmitted); err != nil {
		return p, nil, err
	} else if idle, _, err = t.idle(s); err != nil {
		return p, nil, err
	}
	seats := []BoardSeat{}
	for id, needed := range owed {
		seat := t.seats[id]
		line := BoardSeat{ID: id, Code: seat.Code, Class: seat.Class, State: seat.State, Attended: seat.AttendedAt != nil, Submitted: submitted[id] - idle[id], Needed: needed, Signed: seat.SignedAt != nil}
		p.Needed += needed
		p.Submitted += line.Submitted
		p.Signers++
		if seat.SignedAt != nil || seat.NotSigned != "" {
			p.Signed++
		}
		seats = append(seats, line)
	}
	slices.SortFunc(seats, func(x, y BoardSeat) int { return strings.Compare(x.Code+x.ID, y.Code+y.ID) })
	return p, seats, nil
}

// owing is what each seat still has to do, in words.
func (t *tally) owing(s *step) (map[string]string, error) {
	out := map[string]string{}
	drafts, err := count(s, sheetsBySeat, t.review.ID, reviewing.SheetDraft)
	if err != nil {
		return nil, err
	}
	words, err := count(s, wordsBySeat, t.review.ID, t.review.ID)
	if err != nil {
		return nil, err
	}
	for id, needed := range t.needed() {
		seat := t.seats[id]
		switch {
		case seat.State == reviewing.SeatInvited:
			out[id] = "答复邀请"
		case seat.State == reviewing.SeatAccepted:
			out[id] = "签署承诺书"
		case words[id] < needed:
			out[id] = "逐项作出回避声明"
		case t.review.State == reviewing.Marking && drafts[id] > 0:
			out[id] = fmt.Sprintf("提交评分表（还有%d份）", drafts[id])
		case t.review.State == reviewing.Discussing && t.review.OpinionHash != "" && seat.SignedAt == nil && seat.NotSigned == "":
			out[id] = "签字"
		}
	}
	return out, nil
}

// watches loads a tally for who may watch it: by role, or as its chair.
func (st *Store) watches(s *step, settle may, id string) (*tally, error) {
	t, err := st.loadTally(s, id)
	if err != nil {
		return nil, err
	}
	return t, settle(t.isChair(s), "该评审批次")
}

// ProgressOf is the review's progress at this moment.
func (st *Store) ProgressOf(ctx context.Context, actor rbac.Actor, settle may, id string) (Progress, error) {
	s := st.reading(ctx, actor)
	t, err := st.watches(s, settle, id)
	if err != nil {
		return Progress{}, err
	}
	p, _, err := t.progress(s)
	return p, err
}

// BoardOf is the whole picture, a page at a time: before closing by number,
// afterwards in the order of the ranking. after is the previous page's next.
func (st *Store) BoardOf(ctx context.Context, actor rbac.Actor, settle may, id, after string, limit int) (Board, error) {
	s := st.reading(ctx, actor)
	t, err := st.watches(s, settle, id)
	if err != nil {
		return Board{}, err
	}
	out := Board{}
	if out.Progress, out.Seats, err = t.progress(s); err != nil {
		return out, err
	}
	if t.review.State == reviewing.Closed {
		out.Applications, out.Next, err = t.ranked(s, after, limit)
		return out, err
	}
	if out.Applications, out.Next, err = t.running(s, after, limit); err != nil {
		return out, err
	}
	owing, err := t.owing(s)
	for i := range out.Seats {
		out.Seats[i].Owes = owing[out.Seats[i].ID]
	}
	return out, err
}

// line is an application's line with who reviews it.
func (t *tally) line(id, number, title string, recused map[string]int) BoardLine {
	line := BoardLine{ID: id, Number: number, Title: title, Recused: recused[id], Totals: []string{}}
	for _, seat := range t.reviews(id) {
		switch seat.Class {
		case experts.Technical:
			line.Technical++
		case experts.Management:
			line.Management++
		case experts.Finance:
			line.Finance++
		}
		line.Needed++
	}
	return line
}

// recusals counts who has stepped aside, by application.
func (t *tally) recusals() map[string]int {
	recused := map[string]int{}
	for _, d := range t.words.all {
		if d.State == "approved" {
			recused[d.ApplicationID]++
		}
	}
	return recused
}

// running are the lines of a review that goes on, by number.
func (t *tally) running(s *step, after string, limit int) ([]BoardLine, string, error) {
	lines, recused := []BoardLine{}, t.recusals()
	rows, err := s.Raw("SELECT id, number, title FROM applications WHERE review_id = ? AND state <> ? AND number > ? ORDER BY number LIMIT ?", t.review.ID, reviewing.AppWithdrawn, after, limit+1).Rows()
	if err != nil {
		return nil, "", err
	}
	defer rows.Close()
	for rows.Next() {
		var id, number, title string
		if err := rows.Scan(&id, &number, &title); err != nil {
			return nil, "", err
		}
		lines = append(lines, t.line(id, number, title, recused))
	}
	if err := rows.Err(); err != nil {
		return nil, "", err
	}
	next := ""
	if len(lines) > limit {
		lines, next = lines[:limit], lines[limit-1].Number
	}
	query, args := sheetsByApplication, []any{t.review.ID, reviewing.SheetSubmitted}
	if len(lines) < t.total { // a page asks for its own only
		ids := make([]string, len(lines))
		for i, line := range lines {
			ids[i] = line.ID
		}
		query, args = strings.Replace(query, " GROUP", " AND application_id IN ? GROUP", 1), append(args, ids)
	}
	submitted, err := count(s, query, args...)
	if err != nil {
		return nil, "", err
	}
	_, idle, err := t.idle(s)
	for i := range lines {
		lines[i].Submitted = submitted[lines[i].ID] - idle[lines[i].ID]
	}
	return lines, next, err
}

// ranked are the lines of a closed review, in the order of its record.
func (t *tally) ranked(s *step, after string, limit int) ([]BoardLine, string, error) {
	from, _ := strconv.Atoi(after)
	lines, recused := []BoardLine{}, t.recusals()
	rows, err := s.Raw(`SELECT position, place, shown, passed, submitted, totals, application_id, number, title FROM results
		WHERE review_id = ? AND position > ? ORDER BY position LIMIT ?`, t.review.ID, from, limit+1).Rows()
	if err != nil {
		return nil, "", err
	}
	defer rows.Close()
	next := ""
	for rows.Next() {
		if len(lines) == limit {
			return lines, next, nil
		}
		var position, place, submitted int
		var shown, totals, id, number, title string
		var passed bool
		if err := rows.Scan(&position, &place, &shown, &passed, &submitted, &totals, &id, &number, &title); err != nil {
			return nil, "", err
		}
		line := t.line(id, number, title, recused)
		line.Rank, line.Shown, line.Passed, line.Submitted = place, shown, passed, submitted
		if totals != "" {
			line.Totals = strings.Split(totals, ";")
		}
		lines, next = append(lines, line), strconv.Itoa(position)
	}
	return lines, "", rows.Err()
}
