package assign

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
)

// Infeasible is why no assignment keeps the rules, in words, and the
// applications that together want more than there is.
type Infeasible struct {
	Reason       string
	Applications []string
	Together     bool // they lack together; otherwise each by itself
}

func (e *Infeasible) Error() string { return e.Reason }

// named is how many names a message gives at most.
const named = 12

// names joins the first names and counts the rest.
func names(list []string) string {
	if len(list) <= named {
		return strings.Join(list, "、")
	}
	return fmt.Sprintf("%s等%d个", strings.Join(list[:named], "、"), len(list))
}

// missing tells what is short without a search.
func (m *model) missing() error {
	if err := m.lacking(); err != nil {
		return err
	}
	if err := m.scarce(); err != nil {
		return err
	}
	for class := range m.Seats {
		if list := m.overdrawn(class); list != nil {
			return m.wanting(list)
		}
	}
	return nil
}

// lacking tells which applications have too few experts whatever the others
// get: all of them are counted, the first is explained.
func (m *model) lacking() error {
	var list []string
	var said []string
	for i := range m.n {
		if m.plenty(i) {
			continue
		}
		short := m.unfillable(i)
		if len(short) > 0 && len(list) == 0 {
			for _, class := range short {
				said = append(said, m.short(i, class))
			}
		}
		if len(short) > 0 {
			list = append(list, m.Applications[i])
		}
	}
	if len(list) == 0 {
		return nil
	}
	text := fmt.Sprintf("项目%s的席位无法填满：%s", list[0], strings.Join(said, "；"))
	if len(list) > 1 {
		text = fmt.Sprintf("共%d个项目的席位无法填满：%s。其中%s", len(list), names(list), text)
	}
	return &Infeasible{Reason: text, Applications: list}
}

// plenty tells that every class of an application has experts of as many units
// as there are seats in all, so that no choice can go wrong.
func (m *model) plenty(i int) bool {
	for class := range m.Seats {
		units := make([]int32, 0, 64)
		alone := 0 // of no unit, or under no cap
		for from, to := m.of(i, class); from < to && alone+len(units) < m.size; from++ {
			if unit := m.unit[m.expert[from]]; unit < 0 {
				alone++
			} else if !slices.Contains(units, unit) {
				units = append(units, unit)
			}
		}
		if alone+len(units) < m.size {
			return false
		}
	}
	return true
}

// unfillable are the classes whose seats of an application its experts cannot
// fill together, none if they can: classes send seats to units of bounded room,
// one augmenting path for each. Which classes these are does not depend on the
// order of the units: the classes that a seat without room reaches are the
// smallest set that wants more than its room.
func (m *model) unfillable(i int) []int {
	left, used := make([]map[int32]int, len(m.Seats)), map[int32]int{} // experts left by class and unit; seats by unit
	placed := make([]map[int32]int, len(m.Seats))
	for class := range m.Seats {
		left[class], placed[class] = map[int32]int{}, map[int32]int{}
		for from, to := m.of(i, class); from < to; from++ {
			left[class][m.unit[m.expert[from]]]++
		}
	}
	type step struct {
		class int   // which enters the unit
		unit  int32 // of which another class gives up a seat
	}
	for class, s := range m.Seats {
		for range s.Count {
			via := map[int]step{class: {class: -1}}
			queue := []int{class}
			for at := 0; ; at++ {
				if at == len(queue) {
					slices.Sort(queue)
					return queue
				}
				c, room := queue[at], int32(-2)
				for unit, n := range left[c] {
					if n == 0 {
						continue
					}
					if unit < 0 || used[unit] < m.UnitCap {
						room = unit
						break
					}
					for other := range m.Seats {
						if _, seen := via[other]; !seen && placed[other][unit] > 0 {
							via[other] = step{c, unit}
							queue = append(queue, other)
						}
					}
				}
				if room == -2 {
					continue
				}
				used[room]++
				for unit := room; ; {
					left[c][unit]--
					placed[c][unit]++
					from := via[c]
					if from.class < 0 {
						break
					}
					left[c][from.unit]++
					placed[c][from.unit]--
					c, unit = from.class, from.unit
				}
				break
			}
		}
	}
	return nil
}

// short says how many of a class an application wants and has, who is left, and
// why the others are not.
func (m *model) short(i, class int) string {
	var left, units []string
	for from, to := m.of(i, class); from < to; from++ {
		e := &m.Experts[m.expert[from]]
		left = append(left, e.Name)
		if m.UnitCap > 0 && e.Unit != "" && !slices.Contains(units, e.Unit) {
			units = append(units, e.Unit)
		}
	}
	text := fmt.Sprintf("%s需%d人，可用%d人", label(m.Seats[class].Class), m.Seats[class].Count, len(left))
	if len(left) > 0 {
		text += "（" + names(left) + "）"
	}
	if len(units) > 0 {
		text += fmt.Sprintf("，同一单位至多%d人，他们属于%d个单位（%s）", m.UnitCap, len(units), names(units))
	}
	if why := m.others([]int{i}, class); why != "" {
		text += "；其余：" + why
	}
	return text
}

// others counts why experts of a class are of no use to applications.
func (m *model) others(applications []int, class int) string {
	var barred, unlisted, idle []string
	for j := range m.Experts {
		e := &m.Experts[j]
		if m.class[j] != int32(class) {
			continue
		}
		usable, bars := false, false
		for _, i := range applications {
			_, bar := slices.BinarySearch(m.Barred[i], int32(j))
			usable, bars = usable || m.allowed(i, int32(j)), bars || bar
		}
		switch {
		case e.Max == 0:
			idle = append(idle, e.Name)
		case usable:
		case bars:
			barred = append(barred, e.Name)
		default:
			unlisted = append(unlisted, e.Name)
		}
	}
	var said []string
	for _, x := range []struct {
		why  string
		list []string
	}{{"回避", barred}, {"未列入亲和度表", unlisted}, {"上限为0的", idle}} {
		if len(x.list) > 0 {
			said = append(said, fmt.Sprintf("%s%d人（%s）", x.why, len(x.list), names(x.list)))
		}
	}
	return strings.Join(said, "，")
}

// scarce tells which class has fewer places than all applications have seats.
func (m *model) scarce() error {
	for class, s := range m.Seats {
		places := 0
		for j, c := range m.class {
			if c == int32(class) {
				places += min(m.load[j], int(m.first[j+1]-m.first[j]))
			}
		}
		if places < m.n*s.Count {
			return m.wanting(m.all())
		}
	}
	return nil
}

// all applications.
func (m *model) all() []int {
	list := make([]int, m.n)
	for i := range list {
		list[i] = i
	}
	return list
}

// feasible asks, with all affinities nothing, whether there is any assignment,
// and keeps the one it finds.
func (s *search) feasible() error {
	z := s.withoutAffinity(s.stop)
	if z.best != nil {
		s.record(z.best)
		return nil
	}
	if s.stop() {
		return ErrStopped
	}
	return s.model.wanting(s.conflict(z))
}

// withoutAffinity searches for any assignment.
func (m *model) withoutAffinity(stop func() bool) *search {
	zero := *m
	zero.exact = make([]int64, len(m.value))
	zero.value, zero.vacancy, zero.most, zero.grid, zero.floor = zero.exact, Unit, 1, Unit, 0
	zero.tellApart()
	z := zero.newSearch(stop)
	z.sure = true
	z.explore(-1, empty, free)
	return z
}

// conflict are the applications whose experts the first unfilled seat could
// have by any chain of exchanges: together they want more than there is. All,
// where no assignment of the search shows one.
func (m *model) conflict(z *search) []int {
	f := z.newFlow(make([]int64, m.m))
	f.chooseAll()
	f.settle(1<<40, z.stop)
	at := slices.Index(f.panels, empty)
	if at < 0 {
		return m.all()
	}
	first := at / m.size
	class := 0
	for m.offset[class+1] <= at%m.size {
		class++
	}
	applications := map[int]bool{first: true}
	seen := make([]bool, m.m)
	var queue []int32
	reach := func(takes int32) {
		if k := m.expert[takes]; !seen[k] {
			seen[k] = true
			queue = append(queue, k)
		}
	}
	for takes, to := m.of(first, class); takes < to; takes++ {
		if u := m.unit[m.expert[takes]]; u < 0 || m.count(f.panel(first), u) < m.UnitCap {
			reach(takes)
		}
	}
	for ; len(queue) > 0; queue = queue[1:] {
		for _, gives := range f.holders[queue[0]] {
			i := int(m.owner[gives])
			applications[i] = true
			for takes, to := m.of(i, class); takes < to; takes++ {
				if !f.held[takes] && f.fits(gives, takes) {
					reach(takes)
				}
			}
		}
	}
	var list []int
	for _, i := range m.all() {
		if applications[i] {
			list = append(list, i)
		}
	}
	if m.crossing() && m.possible(list) {
		return m.all()
	}
	return list
}

// effort is how many pairs the search for a smallest set may go over.
const effort = 200_000_000

// possible tells whether some applications alone could be assigned.
func (m *model) possible(list []int) bool {
	t := &Task{Experts: m.Experts, Seats: m.Seats, UnitCap: m.UnitCap, Sparse: m.Sparse}
	for _, i := range list {
		t.Applications, t.Listed, t.Barred = append(t.Applications, m.Applications[i]), append(t.Listed, m.Listed[i]), append(t.Barred, m.Barred[i])
	}
	return compile(t).withoutAffinity(func() bool { return false }).best != nil
}

// least drops applications, many at a time and then one by one, as long as the
// rest still wants more than there is; false if it gave up before none can be
// dropped.
func (m *model) least(list []int) ([]int, bool) {
	spent := 0
	for size := (len(list) + 1) / 2; ; size = (size + 1) / 2 {
		for from := 0; from < len(list) && len(list) > 1; {
			rest := slices.Concat(list[:from], list[min(from+size, len(list)):])
			for _, i := range rest {
				spent += int(m.start[(i+1)*len(m.Seats)]-m.start[i*len(m.Seats)]) * 10
			}
			if spent > effort {
				return list, false
			}
			if len(rest) > 0 && !m.possible(rest) {
				list = rest
			} else {
				from += size
			}
		}
		if size == 1 {
			return list, true
		}
	}
}

// usable is what experts of a class can do for applications.
type usable struct {
	experts int
	places  int      // seats they could take one by one
	within  int      // seats they could take under the unit cap
	said    []string // the experts, those of one capped unit together
}

// usable counts the experts of a class who may sit on some of the applications.
func (m *model) usable(list []int, class int) (g usable) {
	type group struct {
		unit         string
		experts      []string
		places       int
		applications []bool // on which of the list one of the unit may sit
	}
	units := map[int32]*group{}
	var groups []*group
	for j := range m.Experts {
		if m.class[j] != int32(class) || m.load[j] == 0 {
			continue
		}
		var takes []int
		for k, i := range list {
			if m.allowed(i, int32(j)) {
				takes = append(takes, k)
			}
		}
		n := min(m.load[j], len(takes))
		if n == 0 {
			continue
		}
		g.experts++
		g.places += n
		u := m.unit[j]
		at := units[u]
		if at == nil || u < 0 {
			at = &group{applications: make([]bool, len(list))}
			groups = append(groups, at)
			units[u] = at
			if u >= 0 {
				at.unit = m.Experts[j].Unit
			}
		}
		at.experts = append(at.experts, fmt.Sprintf("%s（至多%d项）", m.Experts[j].Name, n))
		at.places += n
		for _, k := range takes {
			at.applications[k] = true
		}
	}
	for _, at := range groups {
		if at.unit == "" {
			g.within += at.places
			g.said = append(g.said, at.experts[0])
			continue
		}
		reached := 0
		for _, may := range at.applications {
			if may {
				reached++
			}
		}
		most := min(at.places, reached*min(m.UnitCap, m.size))
		g.within += most
		g.said = append(g.said, fmt.Sprintf("单位%s至多%d人次（%s）", at.unit, most, names(at.experts)))
	}
	return g
}

// wanting explains which applications want more than there is.
func (m *model) wanting(list []int) error {
	list, smallest := m.least(list)
	var applications []string
	for _, i := range list {
		applications = append(applications, m.Applications[i])
	}
	var said []string
	for class, s := range m.Seats {
		g := m.usable(list, class)
		need := len(list) * s.Count
		if g.within >= need && (m.UnitCap == 0 || len(m.Seats) > 1 && g.experts > 2*named) {
			continue
		}
		text := fmt.Sprintf("%s合计需%d人次，能用的专家合计至多%d人次", label(s.Class), need, g.places)
		if g.within < g.places {
			text += fmt.Sprintf("，限同一单位后至多%d人次", g.within)
		}
		if len(g.said) > 0 {
			text += "：" + names(g.said)
		}
		if why := m.others(list, class); why != "" {
			text += "；其余：" + why
		}
		said = append(said, text)
	}
	if m.UnitCap > 0 {
		said = append(said, fmt.Sprintf("另限每项同一单位至多%d人", m.UnitCap))
	}
	text := fmt.Sprintf("无法为项目%s同时填满席位：%s。", names(applications), strings.Join(said, "；"))
	if smallest && len(list) > 1 {
		text += "去掉其中任何一项，其余即可填满"
	} else {
		text += "请增加专家、提高上限，或减少每项的席位"
	}
	return &Infeasible{text, applications, true}
}

// unreachable tells how high a floor could be at most.
func (m *model) unreachable(total *search) error {
	floor := m.floor
	m.floor = 0
	without := m.newSearch(total.stop)
	without.explore(-1, empty, free)
	if without.err != nil {
		return without.err
	}
	least := m.fairest(without)
	if total.stop() {
		return ErrStopped
	}
	reached := least.reached.int()
	short := slices.Index(m.affinities(least.best), reached)
	return &Infeasible{Reason: fmt.Sprintf("每个项目至少%s做不到：最差的项目最多能到%s（如项目%s），最低要求须不超过%s，或改用 fair 目标",
		Decimal(big.NewInt(floor)), least.reached, m.Applications[short], least.reached), Applications: []string{m.Applications[short]}}
}
