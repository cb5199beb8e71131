package opinion

import "slices"

// Side is where a mark stands to a line below so many places.
type Side string

// The sides. On the line stand equal marks of which only some have a place.
const (
	Inside  Side = "inside"
	OnLine  Side = "on_line"
	Outside Side = "outside"
)

// Sides says for each mark where it stands; O(n log n). Whatever may change
// marks (weights, a joint unit's marks, one expert less) is tried by comparing
// the sides before and after. Marks within 1e-9 are equal.
func Sides(marks []float64, places int) []Side {
	sorted := slices.Sorted(slices.Values(marks))
	out := make([]Side, len(marks))
	for i, x := range marks {
		out[i] = side(above(sorted, x+same), above(sorted, x-same), places)
	}
	return out
}

// above counts the marks greater than x.
func above(sorted []float64, x float64) int {
	at, found := slices.BinarySearch(sorted, x)
	for found && at < len(sorted) && sorted[at] == x {
		at++
	}
	return len(sorted) - at
}

// side of a mark with so many better ones, and so many not worse.
func side(better, notWorse, places int) Side {
	switch {
	case notWorse <= places:
		return Inside
	case better >= places:
		return Outside
	}
	return OnLine
}

// Robust tells of one application near the line what moves it across: its side
// by the mean, by the trimmed mean, and the experts without whom it changes.
type Robust struct {
	Application string   `json:"application"`
	Mean        Side     `json:"mean"`
	Trimmed     Side     `json:"trimmed"`
	Without     []string `json:"changes_without"`
}

// Robustness tries every application near the line: in a tie, or with the
// line's place within 90 % of its rank. O(near · marks) at most.
func (o *Opinion) Robustness(places int) []Robust {
	if places <= 0 || places >= len(o.Applications) {
		return nil
	}
	at := map[string]int{}
	var means, trimmed []float64
	for i, a := range o.Applications {
		at[a.Name] = i
		means, trimmed = append(means, a.Mean), append(trimmed, a.Trimmed)
	}
	type change struct {
		application int
		mean        float64 // without the expert
		gone        bool    // no mark left
	}
	changes := map[string][]change{}
	totals := make([]float64, len(means))
	for i, a := range o.Applications {
		totals[i] = a.Mean * float64(a.N)
	}
	for _, m := range o.marks {
		i := at[m.Application]
		n := float64(o.Applications[i].N - 1)
		changes[m.Expert] = append(changes[m.Expert], change{i, (totals[i] - m.Score) / max(n, 1), n == 0})
	}
	byMean, byTrimmed := Sides(means, places), Sides(trimmed, places)
	sorted := slices.Sorted(slices.Values(means))
	last := o.Applications[places-1].place
	var out []Robust
	for i, a := range o.Applications {
		if a.Group != Tie && (a.Rank05 > last || a.Rank95 <= last) {
			continue
		}
		r := Robust{Application: a.Name, Mean: byMean[i], Trimmed: byTrimmed[i], Without: []string{}}
		for _, e := range o.Experts {
			x, gone := a.Mean, false
			for _, c := range changes[e.Name] {
				if c.application == i {
					x, gone = c.mean, c.gone
				}
			}
			if gone {
				continue
			}
			better, notWorse := above(sorted, x+same), above(sorted, x-same)
			for _, c := range changes[e.Name] {
				before := means[c.application]
				better -= less(x+same, before)
				notWorse -= less(x-same, before)
				if !c.gone {
					better += less(x+same, c.mean)
					notWorse += less(x-same, c.mean)
				}
			}
			if side(better, notWorse, places) != r.Mean {
				r.Without = append(r.Without, e.Name)
			}
		}
		out = append(out, r)
	}
	return out
}

func less(a, b float64) int {
	if a < b {
		return 1
	}
	return 0
}
