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
// the next alternates fill the seats. It chooses nobody, so the officer may ask
// for it after the opening too.
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
	out.State = b.review.State
	s.Fact("changed", facts)
	return out, nil
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
