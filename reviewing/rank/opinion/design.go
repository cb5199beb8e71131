package opinion

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Marks count in whole units of 1e-9, so that sums are exact and ties are ties.
const (
	whole     = 1e9
	markLimit = 1e6
)

// design is who marked what, in the order of the names.
type design struct {
	scale    Scale
	marks    []Mark // by application, then expert
	panelled bool   // the panel effect is in the model

	applications, experts, panels []string

	centre        float64 // of the scores: z = score − centre
	n             []int   // per application
	mean, trimmed []float64
	by            [][]float64 // the marks of each expert

	class   []int   // of each application; exact ties share one
	classes []class // by pattern
	model           // with the patterns of experts and panels
}

// class is the applications with the same pattern and the same sum of marks.
type class struct {
	pattern int
	total   float64 // Σ z of one of them
	members int
}

// pattern is the applications that the same experts marked, in the same panels.
type pattern struct {
	experts []int
	extra   []count // panels, or the intercept
	n       float64 // marks of one application
	members float64
	total   float64 // Σ z over all of them
	squares float64 // Σ over them of (Σ z)²
}

// count is how many of an application's marks fall on a column.
type count struct {
	column int
	n      float64
}

// newDesign checks and arranges the marks.
func newDesign(marks []Mark, scale Scale) (*design, error) {
	if err := check(marks, scale); err != nil {
		return nil, err
	}
	d := arrange(marks, scale)
	for i, m := range d.marks[1:] {
		if m.Application == d.marks[i].Application && m.Expert == d.marks[i].Expert {
			return nil, fmt.Errorf("专家%s对项目%s评了两次", m.Expert, m.Application)
		}
	}
	return d, nil
}

// arrange sorts the marks and finds the patterns and the exact ties.
func arrange(marks []Mark, scale Scale) *design {
	d := &design{scale: scale, marks: slices.SortedFunc(slices.Values(marks), func(a, b Mark) int {
		return cmp.Or(cmp.Compare(a.Application, b.Application), cmp.Compare(a.Expert, b.Expert))
	})}
	d.applications = names(d.marks, func(m Mark) string { return m.Application })
	d.experts = names(d.marks, func(m Mark) string { return m.Expert })
	d.panels = names(d.marks, func(m Mark) string { return m.Panel })
	d.panelled = len(d.panels) > 1 && d.panels[0] != ""
	d.summarise()
	d.group()
	return d
}

// names are the distinct values of one column, in order.
func names(marks []Mark, of func(Mark) string) []string {
	all := make([]string, len(marks))
	for i, m := range marks {
		all[i] = of(m)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// ranges calls f with each application's rows.
func (d *design) ranges(f func(i int, rows []Mark)) {
	start := 0
	for i := range d.applications {
		end := start + 1
		for end < len(d.marks) && d.marks[end].Application == d.applications[i] {
			end++
		}
		f(i, d.marks[start:end])
		start = end
	}
}

func exact(score float64) int64 { return int64(math.Round(score * whole)) }

func sumOf(rows []Mark) (sum int64) {
	for _, m := range rows {
		sum += exact(m.Score)
	}
	return sum
}

// summarise computes means and trimmed means, and each expert's marks.
func (d *design) summarise() {
	d.by = make([][]float64, len(d.experts))
	d.ranges(func(i int, rows []Mark) {
		sum, n := sumOf(rows), len(rows)
		d.n = append(d.n, n)
		d.mean = append(d.mean, float64(sum)/(whole*float64(n)))
		if n < 5 {
			d.trimmed = append(d.trimmed, d.mean[i])
		} else {
			scores := make([]int64, n)
			for k, m := range rows {
				scores[k] = exact(m.Score)
			}
			d.trimmed = append(d.trimmed, float64(sum-slices.Min(scores)-slices.Max(scores))/(whole*float64(n-2)))
		}
		for _, m := range rows {
			j, _ := slices.BinarySearch(d.experts, m.Expert)
			d.by[j] = append(d.by[j], m.Score)
		}
	})
}

// group finds patterns and classes and adds up what the model needs.
func (d *design) group() {
	for _, m := range d.mean {
		d.centre += m
	}
	d.centre /= float64(len(d.mean))
	d.model = model{width: len(d.experts), exact: exactSize, expertN: make([]float64, len(d.experts)), expertZ: make([]float64, len(d.experts))}
	if d.panelled {
		d.widen(len(d.panels))
	}
	type key struct {
		pattern int
		sum     int64
	}
	patternOf, classOf := map[string]int{}, map[key]int{}
	d.class = make([]int, len(d.applications))
	d.ranges(func(i int, rows []Mark) {
		var p pattern
		var text strings.Builder
		seats := make([]int, len(d.panels))
		for _, m := range rows {
			j, _ := slices.BinarySearch(d.experts, m.Expert)
			z := m.Score - d.centre
			p.experts = append(p.experts, j)
			d.expertN[j]++
			d.expertZ[j] += z
			d.squares += z * z
			text.WriteString(strconv.Itoa(j) + " ")
			if d.panelled {
				k, _ := slices.BinarySearch(d.panels, m.Panel)
				seats[k]++
				d.extraN[k][k]++
				d.extraZ[k] += z
				d.cross[j] = add(d.cross[j], k)
			}
		}
		if d.panelled {
			for k, n := range seats {
				if n > 0 {
					p.extra = append(p.extra, count{k, float64(n)})
					text.WriteString("," + strconv.Itoa(k) + " " + strconv.Itoa(n))
				}
			}
		}
		at, known := patternOf[text.String()]
		if !known {
			at = len(d.patterns)
			patternOf[text.String()] = at
			p.n = float64(len(rows))
			d.patterns = append(d.patterns, p)
		}
		sum := sumOf(rows)
		total := float64(sum)/whole - float64(len(rows))*d.centre
		d.patterns[at].members++
		d.patterns[at].total += total
		d.patterns[at].squares += total * total
		c, known := classOf[key{at, sum}]
		if !known {
			c = len(d.classes)
			classOf[key{at, sum}] = c
			d.classes = append(d.classes, class{pattern: at, total: total})
		}
		d.classes[c].members++
		d.class[i] = c
	})
	d.rows = len(d.marks)
	d.connect()
}

// add counts one more mark on a column.
func add(counts []count, column int) []count {
	for i := range counts {
		if counts[i].column == column {
			counts[i].n++
			return counts
		}
	}
	return append(counts, count{column, 1})
}
