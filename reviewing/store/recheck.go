package store

import (
	"slices"
	"strings"

	"keping/experts"
	"keping/reviewing"
	"keping/reviewing/conflict"
)

// Rechecked is what a re-check of the seated has changed.
type Rechecked struct {
	Changed []RecheckedSeat       `json:"changed"`
	Filled  int                   `json:"filled" doc:"由候补补上的空席"`
	Open    int                   `json:"open" doc:"仍然空缺的席位"`
	State   reviewing.ReviewState `json:"state"`
}

// RecheckedSeat is a seat taken off the panel, or off one application, by a
// conflict that came to light.
type RecheckedSeat struct {
	SeatID      string        `json:"seat_id"`
	Code        string        `json:"code"`
	Class       experts.Class `json:"class"`
	Application string        `json:"application" doc:"申报编号；空为离开整个评审批次"`
	Rules       []string      `json:"rules" doc:"依据的规则或回避情形"`
}

// RecheckReview asks once more who may sit where, by the facts of the day. Who
// may not any longer leaves the panel, or under conflict_scope "application"
// the applications concerned: the marks are void, each with its own entry, and
// the next alternates fill the seats, and those that were open before and for
// which somebody can sit today. It chooses nobody, so the officer may ask for it
// after the opening too.
func (st *Store) RecheckReview(s *step, id string) (Rechecked, error) {
	b, err := st.holdBench(s, id)
	if err != nil {
		return Rechecked{}, err
	}
	if err := demandState(b.review, "复核回避情形", seating...); err != nil {
		return Rechecked{}, err
	}
	pack, err := st.Pack(s)
	if err != nil {
		return Rechecked{}, err
	}
	out := Rechecked{Changed: []RecheckedSeat{}}
	facts := []any{} // which seat, by which rules: the journal says why marks are void
	for {            // each change seats somebody, and makes the next bench another
		f, err := st.loadFitness(s, pack, b.review, b.experts())
		if err != nil {
			return out, err
		}
		seat, a, rules := f.barred(b)
		if len(rules) == 0 {
			break
		}
		out.Changed = append(out.Changed, RecheckedSeat{seat.ID, seat.Code, seat.Class, a.Number, rules})
		facts = append(facts, map[string]any{"seat": seat.Code, "application": a.Number, "rules": rules})
		if a.ID == "" {
			if err := st.vacate(s, seat, "excluded", ""); err != nil {
				return out, err
			}
		} else {
			d, err := recuse(s, b, seat, a.ID, rules[0])
			if err != nil {
				return out, err
			}
			if err := st.stepAside(s, b, d); err != nil {
				return out, err
			}
		}
		if b, err = st.holdBench(s, id); err != nil {
			return out, err
		}
	}
	s.Fact("changed", facts)
	if out.Filled, out.Open, err = st.fillOpen(s, b); err != nil {
		return out, err
	}
	if out.Filled > 0 {
		s.Fact("filled", out.Filled)
		if b, err = st.holdBench(s, id); err != nil {
			return out, err
		}
		if err := st.unsettle(s, b, ""); err != nil {
			return out, err
		}
	}
	out.State = b.review.State
	return out, nil
}

// fillOpen tries the open seats of a panel again, and tells how many it has
// filled and how many are still open.
func (st *Store) fillOpen(s *step, b *bench) (filled, open int, err error) {
	before := len(b.open())
	for tried := map[openSeat]bool{}; ; {
		at := slices.IndexFunc(b.open(), func(x openSeat) bool { return !tried[x] })
		if at < 0 {
			open = len(b.open())
			return before - open, open, nil
		}
		x := b.open()[at]
		tried[x] = true
		if b.panel.matched != nil { // one try is for all applications
			for _, other := range b.open() {
				tried[other] = tried[other] || other.class == x.class
			}
		}
		if err = st.fill(s, b, x.class, b.panel.Open(string(x.class), x.application), x.application); err != nil {
			return
		}
		if b, err = st.holdBench(s, b.review.ID); err != nil {
			return
		}
	}
}

// openSeat is a seat of a class that nobody holds, the panel's ("") or of one
// application alone.
type openSeat struct {
	class       experts.Class
	application string
}

// open are the open seats, the panel's first; of a match two of one application
// and class count twice.
func (b *bench) open() []openSeat {
	var out []openSeat
	for _, a := range append([]reviewing.Application{{}}, b.applications...) {
		for _, x := range b.panel.Sitting(a.ID) {
			if x.Code == "" && b.panel.Open(x.Class, a.ID) != "" {
				out = append(out, openSeat{experts.Class(x.Class), a.ID})
			}
		}
	}
	return out
}

// experts are who holds a live seat.
func (b *bench) experts() []string {
	var ids []string
	for _, seat := range b.seats {
		if seat.State != reviewing.SeatVacated {
			ids = append(ids, seat.ExpertID)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// barred finds, in the order of the applications and seats, the first seat that
// its holder may not keep: for the whole review (application ""), or for one
// application. Open questions are no reason to leave; they hold up the opening.
func (f *fitness) barred(b *bench) (reviewing.Seat, reviewing.Application, []string) {
	whole := f.pack.ConflictScope == "review"
	for _, a := range append([]reviewing.Application{{}}, b.applications...) {
		seats := b.sitting(a.ID)
		slices.SortFunc(seats, func(x, y reviewing.Seat) int { return strings.Compare(x.Code, y.Code) })
		for _, seat := range seats {
			e, ok := f.people[seat.ExpertID]
			if !ok {
				continue
			}
			var all, here []string
			if rule, _ := f.class(e, seat.Class); rule != "" {
				all = append(all, rule)
			}
			bars, _ := f.general(e, "")
			for _, rule := range []string{"R-019", "R-068"} {
				if bars[rule] != "" {
					all = append(all, rule)
				}
			}
			for _, r := range f.facts.reasons(e) {
				switch {
				case r.Level != conflict.Hard:
				case r.ApplicationID == "" || whole && r.ApplicationID == a.ID:
					all = append(all, r.Kind)
				case r.ApplicationID == a.ID:
					here = append(here, r.Kind)
				}
			}
			slices.Sort(all)
			slices.Sort(here)
			if len(all) > 0 {
				return seat, reviewing.Application{}, slices.Compact(all)
			}
			if len(here) > 0 {
				return seat, a, slices.Compact(here)
			}
		}
	}
	return reviewing.Seat{}, reviewing.Application{}, nil
}

// recuse enters a recusal that follows from what is known.
func recuse(s *step, b *bench, seat reviewing.Seat, application, kind string) (reviewing.Declaration, error) {
	err := s.Where("seat_id = ? AND application_id = ? AND state IN ('clear', 'rejected')", seat.ID, application).Delete(&reviewing.Declaration{}).Error
	if err != nil {
		return reviewing.Declaration{}, err
	}
	d := reviewing.Declaration{ID: s.NewID(), ReviewID: b.review.ID, SeatID: seat.ID, ApplicationID: application, State: "approved", Kind: kind, CreatedAt: s.Now}
	s.Brings("declaration.approve", "declaration/"+d.ID, map[string]any{"application": application, "kind": kind, "seat": seat.Code})
	b.words.add(d)
	return d, s.Create(&d).Error
}
