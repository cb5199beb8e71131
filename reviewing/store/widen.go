package store

import (
	"keping/rbac"
	"keping/reviewing"
)

// RaiseUnitCap lets a review seat more experts of one unit than its pack allows
// (P-15): a director's word with a reason, before the frame is frozen; 0 is no cap.
func (st *Store) RaiseUnitCap(s *step, id string, limit int, reason string) (reviewing.Review, error) {
	r, err := st.widening(s, id, "放宽同单位上限")
	if err != nil {
		return r, err
	}
	if r.UnitCap == 0 || limit > 0 && limit <= r.UnitCap {
		return r, rbac.Invalid("unit_cap", "现有上限为%d（0为不限），只能放宽", r.UnitCap)
	}
	r.UnitCap, r.UnitCapReason = limit, reason
	s.Fact("unit_cap", limit)
	if err := say(s, id, "review/"+id, "reason", reason); err != nil {
		return r, err
	}
	return r, touchReview(s, &r, map[string]any{"unit_cap": limit, "unit_cap_reason": reason})
}

// JustifyFields gives the written reason that lets technical experts whose
// fields match none of the applications be drawn all the same.
func (st *Store) JustifyFields(s *step, id, reason string) (reviewing.Review, error) {
	r, err := st.widening(s, id, "说明专业不符的理由")
	if err != nil {
		return r, err
	}
	r.FieldReason = reason
	if err := say(s, id, "review/"+id, "reason", reason); err != nil {
		return r, err
	}
	return r, touchReview(s, &r, map[string]any{"field_reason": reason})
}

func (st *Store) widening(s *step, id, act string) (reviewing.Review, error) {
	r, err := take[reviewing.Review](s, id, "该评审批次")
	if err != nil {
		return r, err
	}
	if err := st.impartial(s, "review_id = ?", id); err != nil {
		return r, err
	}
	return r, demandState(r, act, reviewing.Preparing)
}
