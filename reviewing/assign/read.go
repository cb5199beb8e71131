package assign

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"keping/reviewing/table"
)

// MaxCount is the greatest count a file may hold.
const MaxCount = 999_999_999

// ParseSeats reads technical=3,management=1,finance=1.
func ParseSeats(text string) ([]Seats, error) {
	var seats []Seats
	for part := range strings.SplitSeq(text, ",") {
		at := strings.LastIndexByte(part, '=')
		if at < 1 {
			return nil, fmt.Errorf("“%s”不是 类别=人数", part)
		}
		class := part[:at]
		n, err := strconv.Atoi(part[at+1:])
		if err != nil || n < 1 || n > MaxCount || strings.Trim(part[at+1:], "0123456789") != "" {
			return nil, fmt.Errorf("“%s”的人数不是正整数", part)
		}
		if slices.ContainsFunc(seats, func(s Seats) bool { return s.Class == class }) {
			return nil, fmt.Errorf("类别“%s”出现两次", class)
		}
		seats = append(seats, Seats{class, n})
	}
	return seats, nil
}

// Reader reads the files of a task: applications and experts first, then the
// pairs, in which only their names may stand.
type Reader struct {
	Task
	applications, experts map[string]int32
	rows                  []int32 // applications as A.csv has them
}

// each reads row by row; row stops it with an error.
func each(r io.Reader, row func(t *table.Reader) error, wanted []string, optional ...string) error {
	t, err := table.New(r, wanted, optional...)
	if err != nil {
		return err
	}
	for {
		if err := t.Next(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if err := row(t); err != nil {
			return err
		}
	}
}

// once notes a name of column 0 that may stand there only once.
func once(t *table.Reader, seen map[string]int32, what string) (string, error) {
	name, err := t.Text(0, true)
	if err != nil {
		return "", err
	}
	if _, twice := seen[name]; twice {
		return "", t.Fail(0, "%s%s出现两次", what, name)
	}
	seen[name] = int32(len(seen))
	return name, nil
}

// ReadApplications reads A.csv: application.
func (t *Reader) ReadApplications(r io.Reader) error {
	t.applications = map[string]int32{}
	err := each(r, func(row *table.Reader) error {
		name, err := once(row, t.applications, "项目")
		t.rows = append(t.rows, int32(len(t.Applications)))
		t.Applications = append(t.Applications, name)
		return err
	}, []string{"application"})
	t.Listed, t.Barred = make([][]Pair, len(t.Applications)), make([][]int32, len(t.Applications))
	return err
}

// ReadExperts reads E.csv: expert,max[,class][,unit]. Set Seats and UnitCap
// first: classes are needed where seats have them, units where there is a cap.
func (t *Reader) ReadExperts(r io.Reader) error {
	t.experts = map[string]int32{}
	return each(r, func(row *table.Reader) error {
		if !t.anyClass() && !row.Has(2) {
			return fmt.Errorf("第1行：没有列 class，而席位分类别")
		}
		if t.UnitCap > 0 && !row.Has(3) {
			return fmt.Errorf("第1行：没有列 unit，而每单位有上限")
		}
		name, err := once(row, t.experts, "专家")
		if err != nil {
			return err
		}
		text, err := row.Text(1, true)
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n > MaxCount || strings.Trim(text, "0123456789") != "" {
			return row.Fail(1, "“%s”不是项目数", text)
		}
		class, err := row.Text(2, false)
		if err != nil {
			return err
		}
		unit, err := row.Text(3, false)
		t.Experts = append(t.Experts, Expert{name, class, unit, n})
		return err
	}, []string{"expert", "max"}, "class", "unit")
}

// Sort puts applications and experts in the order of their names, so that which
// of several best assignments is found does not hang on the order of rows. Call
// it before the pairs are read; where the order of the experts is to decide, as
// in a match, do not.
func (t *Reader) Sort() {
	rows := slices.Clone(t.Applications)
	slices.Sort(t.Applications)
	slices.SortFunc(t.Experts, func(a, b Expert) int { return cmp.Compare(a.Name, b.Name) })
	for i, name := range t.Applications {
		t.applications[name] = int32(i)
	}
	for j, e := range t.Experts {
		t.experts[e.Name] = int32(j)
	}
	for k, name := range rows {
		t.rows[k] = t.applications[name]
	}
}

// pair reads the names of columns 0 and 1.
func (t *Reader) pair(row *table.Reader) (i, j int32, err error) {
	name, err := row.Text(0, true)
	if err != nil {
		return 0, 0, err
	}
	i, ok := t.applications[name]
	if !ok {
		return 0, 0, row.Fail(0, "项目名单里没有%s", name)
	}
	if name, err = row.Text(1, true); err != nil {
		return 0, 0, err
	}
	if j, ok = t.experts[name]; !ok {
		return 0, 0, row.Fail(1, "专家名单里没有%s", name)
	}
	return i, j, nil
}

// ReadAffinity reads F.csv: application,expert,affinity.
func (t *Reader) ReadAffinity(r io.Reader) error {
	lines := make([][]int32, len(t.Applications)) // where each pair stands
	var last *table.Reader
	err := each(r, func(row *table.Reader) error {
		last = row
		i, j, err := t.pair(row)
		if err != nil {
			return err
		}
		text, err := row.Text(2, true)
		if err != nil {
			return err
		}
		a, ok := ParseDecimal(text)
		if !ok {
			return row.Fail(2, "“%s”不是0到9000000的数", text)
		}
		t.Listed[i] = append(t.Listed[i], Pair{j, a})
		lines[i] = append(lines[i], int32(row.Line()))
		return nil
	}, []string{"application", "expert", "affinity"})
	if err != nil {
		return err
	}
	for i, listed := range t.Listed {
		order := make([]int, len(listed))
		for k := range order {
			order[k] = k
		}
		slices.SortFunc(order, func(a, b int) int {
			return cmp.Or(cmp.Compare(listed[a].Expert, listed[b].Expert), cmp.Compare(lines[i][a], lines[i][b]))
		})
		sorted := make([]Pair, len(listed))
		for k, at := range order {
			if sorted[k] = listed[at]; k > 0 && sorted[k].Expert == sorted[k-1].Expert {
				return fmt.Errorf("第%d行第%d列（expert）：项目%s与专家%s在第%d行已有亲和度", lines[i][at], last.Place(1),
					t.Applications[i], t.Experts[sorted[k].Expert].Name, lines[i][order[k-1]])
			}
		}
		t.Listed[i] = sorted
	}
	return nil
}

// ReadConflicts reads C.csv: application,expert; a pair may stand there twice.
func (t *Reader) ReadConflicts(r io.Reader) error {
	err := each(r, func(row *table.Reader) error {
		i, j, err := t.pair(row)
		if err == nil {
			t.Barred[i] = append(t.Barred[i], j)
		}
		return err
	}, []string{"application", "expert"})
	for i := range t.Barred {
		slices.Sort(t.Barred[i])
		t.Barred[i] = slices.Compact(t.Barred[i])
	}
	return err
}

// Columns of O.csv.
var Columns = []string{"application", "expert", "class", "affinity"}

// WriteOutput writes O.csv, applications as A.csv has them.
func (t *Reader) WriteOutput(w io.Writer, panels [][]int32) error {
	out := csv.NewWriter(w)
	if err := out.Write(Columns); err != nil {
		return err
	}
	for _, i := range t.rows {
		for _, j := range panels[i] {
			a, _ := t.affinity(int(i), j)
			if err := out.Write([]string{t.Applications[i], t.Experts[j].Name, t.Experts[j].Class, Decimal(big.NewInt(a))}); err != nil {
				return err
			}
		}
	}
	out.Flush()
	return out.Error()
}

// ReadOutput reads O.csv; what is not the task's is Refuted.
func (t *Reader) ReadOutput(r io.Reader) ([][]int32, error) {
	panels := make([][]int32, len(t.Applications))
	err := each(r, func(row *table.Reader) error {
		i, j, err := t.pair(row)
		if err != nil {
			return &Refuted{err.Error()}
		}
		class, err := row.Text(2, false)
		if err != nil {
			return err
		}
		if e := &t.Experts[j]; class != e.Class {
			return &Refuted{row.Fail(2, "专家%s的类别是“%s”，不是“%s”", e.Name, e.Class, class).Error()}
		}
		text, err := row.Text(3, true)
		if err != nil {
			return err
		}
		a, ok := ParseDecimal(text)
		if !ok {
			return row.Fail(3, "“%s”不是0到9000000的数", text)
		}
		if want, _ := t.affinity(int(i), j); a != want {
			return &Refuted{row.Fail(3, "“%s”不是亲和度%s", text, Decimal(big.NewInt(want))).Error()}
		}
		panels[i] = append(panels[i], j)
		return nil
	}, Columns)
	for _, panel := range panels {
		slices.Sort(panel)
	}
	return panels, err
}
