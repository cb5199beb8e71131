package assign

import "fmt"

// Refuted is what an assignment or a certificate claims and does not hold.
type Refuted struct{ Reason string }

func (e *Refuted) Error() string { return e.Reason }

func refuted(format string, values ...any) error {
	return &Refuted{fmt.Sprintf(format, values...)}
}

// Check tells whether panels keep every rule, and their total and minimum.
func Check(t *Task, panels [][]int32) (total, minimum Sum, err error) {
	load := make([]int, len(t.Experts))
	for i, panel := range panels {
		name := t.Applications[i]
		seated, units, sum := make([]int, len(t.Seats)), map[string]int{}, Sum{}
		for k, j := range panel {
			e := &t.Experts[j]
			if k > 0 && panel[k-1] == j {
				return Sum{}, Sum{}, refuted("项目%s两次指派专家%s", name, e.Name)
			}
			if !t.allowed(i, j) {
				return Sum{}, Sum{}, refuted("项目%s不得指派专家%s（回避、不在亲和度表中，或类别没有席位）", name, e.Name)
			}
			if load[j]++; load[j] > e.Max {
				return Sum{}, Sum{}, refuted("专家%s超过上限%d项", e.Name, e.Max)
			}
			if units[e.Unit]++; t.UnitCap > 0 && e.Unit != "" && units[e.Unit] > t.UnitCap {
				return Sum{}, Sum{}, refuted("项目%s有单位%s的专家超过%d人", name, e.Unit, t.UnitCap)
			}
			seated[t.seat(e)]++
			a, _ := t.affinity(i, j)
			sum = sum.Add(a)
		}
		for class, s := range t.Seats {
			if seated[class] != s.Count {
				return Sum{}, Sum{}, refuted("项目%s%s有%d人，应有%d人", name, label(s.Class), seated[class], s.Count)
			}
		}
		if total = total.plus(sum); i == 0 || sum.Cmp(minimum) < 0 {
			minimum = sum
		}
	}
	return total, minimum, nil
}

// label of a class in a message.
func label(class string) string {
	if class == "" {
		return "席位"
	}
	return class + "类席位"
}
