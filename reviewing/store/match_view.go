package store

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"slices"

	"keping/rbac"
	"keping/rbac/journal"
	"keping/reviewing"
	"keping/reviewing/match"
)

// keepFiles keeps the files that are not kept yet.
func keepFiles(s *step, drawID string, files, kept match.Files) error {
	for name, data := range files {
		if _, have := kept[name]; have {
			continue
		}
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		if _, err := z.Write(data); err != nil {
			return err
		}
		if err := z.Close(); err != nil {
			return err
		}
		row := reviewing.MatchFile{DrawID: drawID, Name: name, Hash: journal.Hash(string(data)), Data: packed.Bytes()}
		if name == profilesFile {
			row.Data = s.Keys.Seal(packed.String(), "match_file/"+drawID+"/"+name)
		}
		if err := s.Create(&row).Error; err != nil {
			return err
		}
	}
	return nil
}

// filesOf loads a match's files, without the profiles.
func filesOf(s *step, drawID string) (match.Files, error) {
	rows, err := find[reviewing.MatchFile](s, "name", "draw_id = ? AND name <> ?", drawID, profilesFile)
	if err != nil {
		return nil, err
	}
	files := match.Files{}
	for _, row := range rows {
		if files[row.Name], err = unpack(row.Data); err != nil {
			return nil, err
		}
	}
	return files, nil
}

func unpack(data []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

// MatchView is how a match stands and what anybody may compute it again from.
type MatchView struct {
	DrawID    string              `json:"draw_id"`
	State     string              `json:"state"`
	Selection reviewing.Selection `json:"selection"`
	Load      int                 `json:"load" doc:"每名专家至多评审的项目数"`
	Best      int                 `json:"best" doc:"每席在最好的几人中抽取；0为直接匹配"`
	Objective string              `json:"objective"`
	Total     string              `json:"total" doc:"匹配度（match_draw为签值）之和"`
	Bound     string              `json:"bound" doc:"任何匹配都不超过的上界；与total相等即证明最优"`
	Seed      string              `json:"seed"`
	Files     []match.File        `json:"files" doc:"各文件及其摘要，摘要已记入日志"`
	Experts   int                 `json:"experts" doc:"现在席的专家人数"`
	Open      int                 `json:"open" doc:"空缺的席位"`
	Changes   []match.Replacement `json:"changes"`
}

// MatchOf is the last match of a review.
func (st *Store) MatchOf(ctx context.Context, id string) (MatchView, error) {
	s := st.reading(ctx, rbac.Actor{})
	d, err := lastMatch(s, id)
	if err != nil {
		return MatchView{}, err
	}
	frame, err := match.ParseFrame([]byte(d.Frame))
	v := MatchView{DrawID: d.ID, State: d.State, Selection: d.Selection, Load: frame.Load, Best: frame.Best, Objective: "total", Files: frame.Files, Changes: []match.Replacement{}}
	if err != nil || d.Record == "" {
		return v, err
	}
	m, err := openMatch(s, &d)
	if err != nil {
		return v, err
	}
	v.Total, v.Bound, v.Seed, v.Changes = m.record.Total, m.record.Bound, m.record.Seed, m.record.Changes
	v.Files = slices.Concat(frame.Files, m.record.Files)
	v.Experts = len(m.Sitting(""))
	for _, a := range m.live {
		for _, x := range m.Of(a) {
			if x.Code == "" {
				v.Open++
			}
		}
	}
	return v, nil
}

func lastMatch(s *step, review string) (reviewing.Draw, error) {
	r, err := take[reviewing.Review](s, review, "该评审批次")
	if err != nil {
		return reviewing.Draw{}, err
	}
	if !r.Matched() {
		return reviewing.Draw{}, rbac.Refuse(rbac.RefusedState, "本批次的专家由抽取产生，没有匹配（SM-09）。请查看抽取。")
	}
	draws, err := find[reviewing.Draw](s, "attempt DESC", "review_id = ? AND purpose = 'panel' AND state <> 'void'", review)
	if err == nil && len(draws) == 0 {
		err = rbac.Refuse(rbac.RefusedState, "候选名单尚未锁定，还没有匹配（SM-09）。")
	}
	if err != nil {
		return reviewing.Draw{}, err
	}
	return draws[0], nil
}

// traced refuses to all but the supervisor, while names are not told, what would
// tell by a search of the pool or the list of conflicts who is behind a code.
func (st *Store) traced(s *step, actor rbac.Actor, review string) error {
	pack, err := st.Pack(s)
	if err != nil {
		return err
	}
	r, err := take[reviewing.Review](s, review, "该评审批次")
	if err != nil || actor.Role == rbac.Supervisor || r.NamesOpen(pack, s.Now) {
		return err
	}
	return rbac.Refuse(rbac.RefusedState, "专家名单尚未公开，匹配依据和回避可据以辨认专家，暂不提供（P-12）。请待开始评分后查阅，或由监督查阅。")
}

// MatchFile is one of a match's files, packed.
func (st *Store) MatchFile(ctx context.Context, actor rbac.Actor, draw, name string) ([]byte, error) {
	s := st.reading(ctx, actor)
	d, err := take[reviewing.Draw](s, draw, "该次匹配")
	if err == nil {
		err = st.traced(s, actor, d.ReviewID)
	}
	if err != nil {
		return nil, err
	}
	rows, err := find[reviewing.MatchFile](s, "name", "draw_id = ? AND name = ? AND name <> ?", draw, name, profilesFile)
	if err == nil && len(rows) == 0 {
		err = rbac.Missing("该匹配的文件" + name)
	}
	if err != nil {
		return nil, err
	}
	return rows[0].Data, nil
}
