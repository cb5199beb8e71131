package opinion

import (
	"fmt"
	"math"
	"slices"
)

// Group is an application's place about the funding line.
type Group string

// The groups: above the line, not to be told from it, below it.
const (
	Fund   Group = "fund"
	Tie    Group = "tie"
	Reject Group = "reject"
)

// Line is a funding line and what follows from it.
type Line struct {
	Places  int
	At      *float64 // the last place's expected rank; nil when all or none are funded
	Counts  Counts
	Stopped string // under a budget: the first line that did not fit

	// Reserve is who comes after the last place, in order; equal expected ranks
	// stand together, for nothing but a name would part them. Equals on both
	// sides of the last place are not in it: all of them are in the tie, and whom
	// the conference or the draw leaves out comes before the reserve.
	Reserve [][]string

	over *Opinion // among whose applications it is drawn
}

// Counts is the size of the groups.
type Counts struct {
	Fund   int `json:"fund"`
	Tie    int `json:"tie"`
	Reject int `json:"reject"`
}

// same is how near two ranks are equal.
const same = 1e-9

// Draw draws the line below the given number of places and puts every
// application into its group; O(A). A rank known from its quartiles to be
// better than the line is funded, one known to be worse rejected, and those
// between tie: the conference decides among them, or a draw.
func (o *Opinion) Draw(places int) *Line {
	n := len(o.Applications)
	l := &Line{Places: max(0, min(places, n)), over: o}
	var at float64
	if l.Places > 0 && l.Places < n {
		at = o.Applications[l.Places-1].ExpectedRank
		l.At = &at
	}
	for i := range o.Applications {
		a := &o.Applications[i]
		switch {
		case l.Places == 0:
			a.Group = Reject
		case l.Places == n:
			a.Group = Fund
		default:
			a.Group = a.group(at)
		}
		l.Counts.add(a.Group)
	}
	if c := &l.Counts; l.At != nil && c.Tie > 0 && c.Fund+c.Tie == l.Places {
		for i := range o.Applications {
			if a := &o.Applications[i]; a.Group == Tie {
				a.Group = Fund
			}
		}
		c.Fund, c.Tie = l.Places, 0
	}
	l.Reserve = o.after(l.Places)
	return l
}

// after is the reserve below so many places.
func (o *Opinion) after(places int) [][]string {
	var out [][]string
	for i := places; i < len(o.Applications); i++ {
		equal := i > 0 && o.Applications[i].ExpectedRank-o.Applications[i-1].ExpectedRank <= same
		switch {
		case !equal:
			out = append(out, []string{o.Applications[i].Name})
		case len(out) > 0:
			out[len(out)-1] = append(out[len(out)-1], o.Applications[i].Name)
		}
	}
	return out
}

// Among is the same opinion on these applications alone: their expected ranks
// and quartiles stay those among all, only a line is drawn among fewer.
func (o *Opinion) Among(in func(application string) bool) *Opinion {
	out := *o
	out.Applications = slices.DeleteFunc(slices.Clone(o.Applications), func(a Application) bool { return !in(a.Name) })
	out.marks = slices.DeleteFunc(slices.Clone(o.marks), func(m Mark) bool { return !in(m.Application) })
	return &out
}

func (a *Application) group(line float64) Group {
	low, high := float64(a.Rank25), float64(a.Rank75)
	switch {
	case math.Abs(a.ExpectedRank-line) <= same, low <= line+same && high >= line-same:
		return Tie
	case high < line:
		if a.ExpectedRank > line {
			return Tie
		}
		return Fund
	case a.ExpectedRank < line:
		return Tie
	}
	return Reject
}

func (c *Counts) add(g Group) {
	switch g {
	case Fund:
		c.Fund++
	case Tie:
		c.Tie++
	case Reject:
		c.Reject++
	}
}

// DrawBudget funds lines in order until the first that no longer fits, which is
// named and never skipped; costs and budget are in fen. Every application needs
// a cost that is not negative.
func (o *Opinion) DrawBudget(budget int64, cost map[string]int64) (*Line, error) {
	places, stopped := 0, ""
	left := budget
	for _, a := range o.Applications {
		c, known := cost[a.Name]
		if !known || c < 0 {
			return nil, fmt.Errorf("项目%s没有经费数额", a.Name)
		}
		if stopped != "" {
			continue
		}
		if c > left {
			stopped = a.Name
			continue
		}
		left -= c
		places++
	}
	l := o.Draw(places)
	l.Stopped = stopped
	return l, nil
}
