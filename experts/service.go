package experts

import (
	"fmt"
	"strconv"

	"keping/rbac/rulebook"
)

// Served is one panel an expert sits or sat on: the review or past service, the
// kind of its programme and its day.
type Served struct {
	ID, Kind, Day string
}

// Year of the panel.
func (s Served) Year() int {
	year, _ := strconv.Atoi(s.Day[:min(4, len(s.Day))])
	return year
}

// Rotation is P-15 for one expert and a further panel of a kind in a year: not
// more panels in the year, and not more years in a row on that kind, than the
// pack allows. served may hold more than is needed; one panel counts once.
func Rotation(p *rulebook.Pack, e Expert, served []Served, kind string, year int) []rulebook.Verdict {
	panels, years := map[string]bool{}, map[int]bool{}
	for _, s := range served {
		if s.Year() == year {
			panels[s.ID] = true
		}
		if s.Kind == kind {
			years[s.Year()] = true
		}
	}
	row := 0
	for years[year-1-row] {
		row++
	}
	remedy := "请另选人员，或由科技局领导说明理由后放行。"
	return []rulebook.Verdict{
		p.Check("P-15", len(panels) < p.PanelsPerYear, rulebook.Inputs{"expert": e.ID, "panels": len(panels), "limit": p.PanelsPerYear, "year": year},
			fmt.Sprintf("“%s”%d年已参加%d个评审专家组，每年一般不超过%d个（惯例）。", e.Name, year, len(panels), p.PanelsPerYear), remedy),
		p.Check("P-15", row < p.YearsInARow, rulebook.Inputs{"expert": e.ID, "years": row, "limit": p.YearsInARow},
			fmt.Sprintf("“%s”已连续%d年参加同类专项的评审，一般不连续超过%d年（惯例）。", e.Name, row, p.YearsInARow), remedy),
	}
}

// Load is P-15 for a review: how many applications one expert reads.
func Load(p *rulebook.Pack, applications int) rulebook.Verdict {
	return p.Check("P-15", applications <= p.ApplicationsPerExpert, rulebook.Inputs{"applications": applications, "limit": p.ApplicationsPerExpert},
		fmt.Sprintf("每名专家一个批次一般评审不超过%d个项目（惯例），现为%d个。", p.ApplicationsPerExpert, applications), "请分成几个批次，各组专家组。")
}
