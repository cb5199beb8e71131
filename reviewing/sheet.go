package reviewing

import (
	"fmt"
	"slices"
	"time"

	"keping/experts"
	"keping/rbac"
	"keping/rbac/rulebook"
	"keping/rbac/secret"
	"keping/reviewing/rank"
)

// SheetState is where a sheet stands in SM-11.
type SheetState string

// The states of SM-11.
const (
	SheetDraft     SheetState = "draft"     // the expert submits
	SheetSubmitted SheetState = "submitted" // sealed until opened
	SheetRevised   SheetState = "revised"   // an earlier version, kept
	SheetVoid      SheetState = "void"      // recused or replaced: never counts, stays on record
)

// SheetMoves is SM-11 as a table. A draft of who leaves is dropped; what was
// submitted stays on record as void.
var SheetMoves = map[SheetState]map[string]SheetState{
	SheetDraft:     {"save": SheetDraft, "enter": SheetDraft, "submit": SheetSubmitted, "confirm": SheetSubmitted},
	SheetSubmitted: {"revise": SheetRevised, "return": SheetVoid, "void": SheetVoid},
	SheetRevised:   {"void": SheetVoid},
	SheetVoid:      {},
}

// CriterionMark is a criterion's mark in hundredths with the reason an extreme
// one needs; nil is left out.
type CriterionMark struct {
	Criterion string `json:"criterion"`
	Mark      *int   `json:"mark"`
	Reason    string `json:"reason"`
}

// Sheet is one version of one expert's marks for one application. Marks are
// sealed at "sheet/<id>": who reads the database without the key reads none.
type Sheet struct {
	ID             string        `gorm:"primaryKey;size:36"`
	ReviewID       string        `gorm:"size:36"`
	ApplicationID  string        `gorm:"size:36"`
	SeatID         string        `gorm:"size:36"`
	Number         int           // counts the versions of one seat for one application
	Round          int           // 1 before, 2 after discussion
	State          SheetState    `gorm:"size:20"`
	Content        secret.Sealed // JSON of SheetContent
	Hash           string        `gorm:"size:64"` // as journalled, "" while a draft
	RevisionReason secret.Sealed
	EnteredBy      string `gorm:"size:36"` // the officer who entered it from paper
	ScanID         string `gorm:"size:36"` // the scan it was entered from
	Version        int
	SubmittedAt    *time.Time
	CreatedAt      time.Time `gorm:"autoCreateTime:false"`
}

// SheetContent is what is sealed in a sheet.
type SheetContent struct {
	Marks          []CriterionMark `json:"marks"`
	Abstained      bool            `json:"abstained"`
	Recommendation string          `json:"recommendation"`
	Opinion        string          `json:"opinion"`
	Salt           string          `json:"salt"`
	OpinionSalt    string          `json:"opinion_salt"`
}

// Digest is the sheet as the ranking record and the journal's digest have it.
func (c SheetContent) Digest(application, code string, number int) rank.Content {
	out := rank.Content{Application: application, Expert: code, Version: number, Marks: []rank.Mark{}, Abstained: c.Abstained, Recommendation: c.Recommendation}
	for _, m := range c.Marks {
		out.Marks = append(out.Marks, rank.Mark{Criterion: m.Criterion, Mark: m.Mark})
	}
	slices.SortFunc(out.Marks, func(a, b rank.Mark) int {
		if a.Criterion < b.Criterion {
			return -1
		}
		return 1
	})
	return out
}

// Blank tells whether nothing has been written.
func (c SheetContent) Blank() bool {
	return !c.Abstained && c.Recommendation == "" && c.Opinion == "" && !slices.ContainsFunc(c.Marks, func(m CriterionMark) bool { return m.Mark != nil })
}

// Same tells whether two contents give the same marks, recommendation and opinion.
func (c SheetContent) Same(other SheetContent) bool {
	a, b := c.Digest("", "", 0), other.Digest("", "", 0)
	return c.Opinion == other.Opinion && a.Abstained == b.Abstained && a.Recommendation == b.Recommendation &&
		slices.EqualFunc(a.Marks, b.Marks, func(x, y rank.Mark) bool {
			return x.Criterion == y.Criterion && (x.Mark == nil) == (y.Mark == nil) && (x.Mark == nil || *x.Mark == *y.Mark)
		})
}

// CheckSheet refuses what the form does not allow: every wrong criterion at
// once. A draft may leave criteria out, a submission may not, unless it
// abstains; abstaining gives no marks and is not zero. Only a submission asks
// the pack: a draft's may be nil.
func CheckSheet(p *rulebook.Pack, g Guide, class experts.Class, c SheetContent, submit bool) error {
	var bad rbac.Fields
	given := map[string]CriterionMark{}
	for i, m := range c.Marks {
		at := fmt.Sprintf("marks[%d]", i)
		_, twice := given[m.Criterion]
		bad.Check(!twice, at, "指标%s出现两次", m.Criterion)
		given[m.Criterion] = m
		j := slices.IndexFunc(g.Criteria, func(k Criterion) bool { return k.Code == m.Criterion })
		if j < 0 {
			bad.Check(false, at, "评分表没有指标%s", m.Criterion)
			continue
		}
		k := g.Criteria[j]
		if !k.MarkedBy(class) {
			bad.Check(m.Mark == nil, at, "指标“%s”不由您这一类专家评分，请留空", k.Name)
			continue
		}
		if m.Mark == nil {
			continue
		}
		bad.Check(0 <= *m.Mark && *m.Mark <= k.Maximum, at, "“%s”的分值应在0与%s之间，现为%s", k.Name, Points(k.Maximum), Points(*m.Mark))
		if k.PassFail() {
			bad.Check(*m.Mark%k.Step == 0, at, "“%s”为合格制，合格填满分%s，不合格填0，现为%s", k.Name, Points(k.Maximum), Points(*m.Mark))
		} else {
			bad.Check(*m.Mark%k.Step == 0, at, "“%s”的分值应为%s的整数倍，现为%s", k.Name, Points(k.Step), Points(*m.Mark))
		}
		if !submit {
			continue
		}
		if k.PassFail() {
			bad.Check(*m.Mark > 0 || len([]rune(m.Reason)) >= 5, at, "“%s”评为不合格，请写明理由（至少5个字）", k.Name)
			continue
		}
		extreme := *m.Mark*100 < k.Maximum*p.ExtremeLowPercent || *m.Mark*100 > k.Maximum*p.ExtremeHighPercent
		bad.Check(!extreme || len([]rune(m.Reason)) >= 5, at, "“%s”低于满分的%d%%或高于%d%%，请写明理由（至少5个字）", k.Name, p.ExtremeLowPercent, p.ExtremeHighPercent)
	}
	if submit && c.Abstained {
		for i, m := range c.Marks {
			bad.Check(m.Mark == nil, fmt.Sprintf("marks[%d]", i), "弃权不打分，请清空分值")
		}
		bad.Check(len([]rune(c.Opinion)) >= 5, "opinion", "弃权请写明理由（至少5个字）")
	} else if submit {
		for _, k := range g.Criteria {
			m, ok := given[k.Code]
			bad.Check(!k.MarkedBy(class) || (ok && m.Mark != nil), "marks", "“%s”尚未打分", k.Name)
		}
		bad.Check(g.Method != "votes" && !g.Votes || c.Recommendation != "", "recommendation", "请选择是否建议立项")
	}
	bad.Check(c.Recommendation == "" || c.Recommendation == "recommend" || c.Recommendation == "revise" || c.Recommendation == "decline", "recommendation", "应为建议立项、修改后立项或不建议")
	return bad.Refusal()
}

// FullMarks are 100 points as Total counts them.
const FullMarks = 100 * 100 * 10000

// Total is what a content gives over the criteria marked, in hundredths of a
// point times 10000 (the unit of weights), exactly, and what they give at most:
// 0 if none is, FullMarks if all are.
func (g Guide) Total(c SheetContent) (total, of int) {
	for _, m := range c.Marks {
		if i := slices.IndexFunc(g.Criteria, func(k Criterion) bool { return k.Code == m.Criterion }); i >= 0 && m.Mark != nil {
			total, of = total+*m.Mark*g.Criteria[i].Weight, of+g.Criteria[i].Maximum*g.Criteria[i].Weight
		}
	}
	return
}

// TotalPoints writes a Total as points, rounded half up to two decimals.
func TotalPoints(total int) string {
	hundredths := (total + 5000) / 10000
	return fmt.Sprintf("%d.%02d", hundredths/100, hundredths%100)
}

// Points writes hundredths as points.
func Points(hundredths int) string {
	sign := ""
	if hundredths < 0 {
		sign, hundredths = "-", -hundredths
	}
	if hundredths%100 == 0 {
		return fmt.Sprintf("%s%d", sign, hundredths/100)
	}
	return fmt.Sprintf("%s%d.%02d", sign, hundredths/100, hundredths%100)
}
