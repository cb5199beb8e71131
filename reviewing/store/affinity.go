package store

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"

	"keping/experts/draw"
	"keping/rbac"
	"keping/reviewing"
	"keping/reviewing/affinity"
)

// profilesFile is what affinities are computed from, sealed: works tell who
// somebody is.
const profilesFile = "profiles.json"

// profiles are the inputs of the affinities, by application number and code.
type profiles struct {
	Weights      affinity.Weights       `json:"weights"`
	Numbers      []string               `json:"numbers"`
	Codes        []string               `json:"codes"`
	Applications []affinity.Application `json:"applications"`
	Experts      []affinity.Expert      `json:"experts"`
}

func (p profiles) corpus() (*affinity.Corpus, error) {
	return affinity.New(p.Applications, p.Experts, p.Weights)
}

// profilesOf are what applications and experts say of themselves. What an
// expert led or took part in before is known from earlier applications.
func (st *Store) profilesOf(s *step, f *fitness, pool draw.Frame, apps []reviewing.Application, codes map[string]string) (profiles, error) {
	p := profiles{Weights: affinity.Weights{Fields: f.pack.AffinityFields, Keywords: f.pack.AffinityKeywords, Text: f.pack.AffinityText}}
	g, err := take[reviewing.Guide](s, f.review.GuideID, "该指南")
	if err != nil {
		return p, err
	}
	for _, a := range apps {
		item, _ := g.Item(a.ItemCode)
		p.Numbers = append(p.Numbers, a.Number)
		p.Applications = append(p.Applications, affinity.Application{Fields: item.Fields, Title: a.Title, Abstract: a.Summary + "\n" + item.Title})
	}
	ids := map[string]string{}
	var persons []string
	for id, code := range codes {
		ids[code] = id
		persons = append(persons, f.people[id].PersonID)
	}
	works, err := worksOf(s, persons, f.review.ID)
	if err != nil {
		return p, err
	}
	for _, c := range pool.Candidates {
		e := f.people[ids[c.Code]]
		x := affinity.Expert{Works: works[e.PersonID]}
		if e.MainField != "" {
			x.Fields = append(x.Fields, e.MainField)
		}
		for _, field := range e.Fields {
			x.Fields = append(x.Fields, field.Code)
			x.Keywords = append(x.Keywords, field.Keywords...)
		}
		p.Codes, p.Experts = append(p.Codes, c.Code), append(p.Experts, x)
	}
	return p, nil
}

// worksOf are titles and summaries of the applications people led or took part
// in, by person, those of a review apart.
func worksOf(s *step, persons []string, review string) (map[string][]string, error) {
	out := map[string][]string{}
	slices.Sort(persons)
	for chunk := range slices.Chunk(persons, 500) {
		var rows []struct{ PersonID, Title, Summary string }
		err := s.Table("applications").Select("p.person_id, applications.title, applications.summary").
			Joins("JOIN application_people p ON p.application_id = applications.id").
			Where("p.person_id IN ? AND applications.review_id <> ? AND applications.state NOT IN ?", chunk, review, []reviewing.ApplicationState{reviewing.AppDraft, reviewing.AppWithdrawn}).
			Order("p.person_id, applications.id").Scan(&rows).Error
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			out[r.PersonID] = append(out[r.PersonID], r.Title+"\n"+r.Summary)
		}
	}
	return out, nil
}

// profilesKept are the inputs of a match's affinities.
func profilesKept(s *step, drawID string) (p profiles, err error) {
	rows, err := find[reviewing.MatchFile](s, "name", "draw_id = ? AND name = ?", drawID, profilesFile)
	if err == nil && len(rows) == 0 {
		err = rbac.Missing("该匹配的匹配依据")
	}
	if err != nil {
		return p, err
	}
	packed, err := s.Keys.Open(rows[0].Data, "match_file/"+drawID+"/"+profilesFile)
	if err != nil {
		return p, err
	}
	text, err := unpack([]byte(packed))
	if err != nil {
		return p, err
	}
	return p, json.Unmarshal(text, &p)
}

// Suited is how well a candidate suits an application, and why.
type Suited struct {
	Code string `json:"code"`
	Sits bool   `json:"sits" doc:"评审该项目"`
	affinity.Explanation
}

// AffinityOf explains the affinities of one application as they were frozen:
// who sits first, then the best of the others, 50 in all.
func (st *Store) AffinityOf(ctx context.Context, actor rbac.Actor, id, application string) ([]Suited, error) {
	s := st.reading(ctx, actor)
	d, err := lastMatch(s, id)
	if err == nil {
		err = st.traced(s, actor, id)
	}
	if err != nil {
		return nil, err
	}
	p, err := profilesKept(s, d.ID)
	if err != nil {
		return nil, err
	}
	i := slices.Index(p.Numbers, application)
	if i < 0 {
		return nil, rbac.Missing("该批次的这一项目")
	}
	corpus, err := p.corpus()
	if err != nil {
		return nil, err
	}
	sits := map[string]bool{}
	if d.Record != "" {
		m, err := openMatch(s, &d)
		if err != nil {
			return nil, err
		}
		for _, x := range m.Of(application) {
			sits[x.Code] = true
		}
	}
	row, order := corpus.Row(i), make([]int, len(p.Codes))
	for j := range order {
		order[j] = j
	}
	first := func(j int) int {
		if sits[p.Codes[j]] {
			return 0
		}
		return 1
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(first(a), first(b)), cmp.Compare(row[b], row[a]), cmp.Compare(p.Codes[a], p.Codes[b]))
	})
	order = order[:min(len(order), 50)]
	out := make([]Suited, len(order))
	for at, x := range corpus.Explain(i, order) {
		out[at] = Suited{p.Codes[order[at]], sits[p.Codes[order[at]]], x}
	}
	return out, nil
}
