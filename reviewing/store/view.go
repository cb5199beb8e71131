package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"keping/configs/database"
	"keping/experts"
	"keping/experts/draw"
	"keping/experts/sheetio"
	"keping/rbac"
	"keping/rbac/journal"
	"keping/rbac/naming"
	rbacstore "keping/rbac/store"
	"keping/reviewing"
	"keping/reviewing/rank"
)

// may settles a pending relation of a read.
type may func(shown bool, object string) error

// Reading handles run the same loaders as acts, on a handle that cannot write.
func (st *Store) reading(ctx context.Context, actor rbac.Actor) *step {
	return &step{Tx: &database.Tx{DB: st.DB.Read(ctx), Now: st.DB.Now()}, Keys: st.Keys, Call: rbacstore.Call{Actor: actor}}
}

// ConflictsOf checks without side effects.
func (st *Store) ConflictsOf(ctx context.Context, programme string, expertIDs, applicationIDs []string) (Conflicts, error) {
	s := st.reading(ctx, rbac.Actor{})
	pack, err := st.Pack(s)
	if err != nil {
		return Conflicts{}, err
	}
	p, err := take[reviewing.Programme](s, programme, "该专项")
	if err != nil {
		return Conflicts{}, err
	}
	var bad rbac.Fields
	if err := unknownIDs(s, &bad, &experts.Expert{}, "expert_ids", expertIDs); err != nil {
		return Conflicts{}, err
	}
	if err := unknownIDs(s, &bad, &reviewing.Application{}, "application_ids", applicationIDs, "programme_id IN (SELECT id FROM programmes WHERE year = ?)", p.Year); err != nil {
		return Conflicts{}, err
	}
	if err := bad.Refusal(); err != nil {
		return Conflicts{}, err
	}
	return st.CheckConflicts(s.DB, pack, p, expertIDs, applicationIDs, s.Now)
}

// unknownIDs faults the ids of a list that nothing bears.
func unknownIDs(s *step, bad *rbac.Fields, model any, field string, ids []string, where ...any) error {
	known := map[string]bool{}
	for chunk := range slices.Chunk(ids, 500) {
		q := s.Model(model).Where("id IN ?", chunk)
		if len(where) > 0 {
			q = q.Where(where[0], where[1:]...)
		}
		var found []string
		if err := q.Pluck("id", &found).Error; err != nil {
			return err
		}
		for _, id := range found {
			known[id] = true
		}
	}
	for i, id := range ids {
		bad.Check(known[id], fmt.Sprintf("%s[%d]", field, i), "没有这个编号，请从列表中选取")
	}
	return nil
}

// FeasibilityOf tells whether a panel could be drawn now.
func (st *Store) FeasibilityOf(ctx context.Context, id string) (Feasibility, error) {
	return st.CheckFeasibility(st.reading(ctx, rbac.Actor{}), id)
}

// SeatsOf shows who sits on a panel: the supervisor by name, bureau and panel
// by name once names are told (P-12), others not at all. The panel sees who is
// on it once it is composed.
func (st *Store) SeatsOf(ctx context.Context, actor rbac.Actor, settle may, id string) ([]SeatView, error) {
	s := st.reading(ctx, actor)
	b, err := st.loadBench(s, id)
	if err != nil {
		return nil, err
	}
	mine := len(b.mySeats(s)) > 0
	if err := settle(mine, "该评审批次"); err != nil {
		return nil, err
	}
	pack, err := st.Pack(s)
	if err != nil {
		return nil, err
	}
	open := actor.Role == rbac.Supervisor || b.review.NamesOpen(pack, s.Now)
	out := []SeatView{}
	for _, seat := range b.seats {
		if actor.Role == rbac.Expert && (seat.State == reviewing.SeatVacated || b.review.State == reviewing.Drawn || b.review.Matched()) && seat.PersonID != actor.Person { // by correspondence nobody is told who else reads
			continue
		}
		e, err := take[experts.Expert](s, seat.ExpertID, "该专家")
		if err != nil {
			return nil, err
		}
		v := SeatView{ID: seat.ID, Code: seat.Code, Class: seat.Class, ApplicationID: seat.ApplicationID, State: seat.State, Name: e.Name, ReplyBy: seat.ReplyBy, Chair: seat.ID == b.review.ChairSeatID}
		if !open && !(actor.Role == rbac.Expert && seat.PersonID == actor.Person) {
			v.Name = rbac.MaskName(e.Name)
		}
		if actor.Role != rbac.Expert {
			v.Reason, v.ReplyEntered = seat.Reason, seat.ReplyEnteredBy != "" && seat.State == reviewing.SeatInvited
		}
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b SeatView) int {
		if a.Code+a.ApplicationID < b.Code+b.ApplicationID {
			return -1
		}
		return 1
	})
	return out, nil
}

// Paper is an application as a panel member reads it.
type Paper struct {
	ID       string   `json:"id"`
	Number   string   `json:"number"`
	Title    string   `json:"title"`
	LeadUnit string   `json:"lead_unit"`
	Leader   string   `json:"leader"`
	Declared string   `json:"declared" doc:"声明状态：空为未声明，clear、pending、approved、rejected"`
	Summary  string   `json:"summary" doc:"作出无利益关系声明之后可见"`
	Files    []string `json:"files" doc:"材料（文件编号），同上"`
}

// PapersOf shows a panel member the applications of the own seats. Names of
// applicants are told before the declaration (P-17), the material only after
// pledge and a clear word; a recusal closes it at once.
func (st *Store) PapersOf(ctx context.Context, actor rbac.Actor, settle may, id string) ([]Paper, error) {
	s := st.reading(ctx, actor)
	b, err := st.loadBench(s, id)
	if err != nil {
		return nil, err
	}
	mine := b.mySeats(s)
	if err := settle(len(mine) > 0, "该评审批次"); err != nil {
		return nil, err
	}
	out := []Paper{}
	for _, a := range b.applications {
		i := slices.IndexFunc(mine, func(seat reviewing.Seat) bool {
			return seat.ApplicationID == a.ID || seat.ApplicationID == "" && b.assigned(seat, a.ID)
		})
		if i < 0 {
			continue
		}
		// The own seat for this application before the panel's.
		seat := mine[i]
		for _, m := range mine {
			if m.ApplicationID == a.ID {
				seat = m
			}
		}
		u, err := take[rbac.Unit](s, a.LeadUnitID, "牵头单位")
		if err != nil {
			return nil, err
		}
		p := Paper{ID: a.ID, Number: a.Number, Title: a.Title, LeadUnit: u.Name, Leader: a.LeaderName, Files: []string{}}
		for _, d := range b.words.all {
			if d.SeatID == seat.ID && d.ApplicationID == a.ID {
				p.Declared = d.State
			}
		}
		if b.reads(seat, a.ID) {
			p.Summary = a.Summary
			for _, m := range a.Materials {
				p.Files = append(p.Files, m.FileID)
			}
		}
		out = append(out, p)
	}
	return out, nil
}

// SheetsOf shows an expert the own sheets only.
func (st *Store) SheetsOf(ctx context.Context, actor rbac.Actor, settle may, review string) ([]SheetView, error) {
	s := st.reading(ctx, actor)
	b, err := st.loadBench(s, review)
	if err != nil {
		return nil, err
	}
	mine := b.mySeats(s)
	if err := settle(len(mine) > 0, "该评审批次"); err != nil {
		return nil, err
	}
	out := []SheetView{}
	var totals []int // of what counts at present, by which the expert's own ranking goes
	own := map[string]int{}
	for _, seat := range mine {
		sheets, err := find[reviewing.Sheet](s, "application_id, number", "review_id = ? AND seat_id = ?", review, seat.ID)
		if err != nil {
			return nil, err
		}
		for _, sheet := range sheets {
			if b.recused(seat.ID, sheet.ApplicationID) {
				continue
			}
			c, err := content(s, sheet)
			if err != nil {
				return nil, err
			}
			view := viewSheet(sheet, c)
			if total, of := b.guide.Total(c); of > 0 {
				view.Total = reviewing.TotalPoints(total)
				if sheet.State == reviewing.SheetDraft || sheet.State == reviewing.SheetSubmitted {
					own[sheet.ID] = total
					totals = append(totals, total)
				}
			}
			out = append(out, view)
		}
	}
	slices.Sort(totals)
	for i := range out {
		if total, counts := own[out[i].ID]; counts {
			better, _ := slices.BinarySearch(totals, total+1)
			out[i].OwnRank = len(totals) - better + 1
		}
	}
	return out, nil
}

// Opened tells whether the marks of a review may be seen by officer and panel.
func opened(r reviewing.Review) bool {
	return r.State == reviewing.Discussing || r.State == reviewing.Closed
}

// RankingRecord is a closed review's official record, canonical.
func (st *Store) RankingRecord(ctx context.Context, id string) (reviewing.Review, []byte, error) {
	s := st.reading(ctx, rbac.Actor{})
	r, err := take[reviewing.Review](s, id, "该评审批次")
	if err != nil {
		return r, nil, err
	}
	if r.State != reviewing.Closed {
		return r, nil, rbac.Refuse(rbac.RefusedState, "评审尚未结束，还没有排名（SM-09）。")
	}
	_, record, err := rankingOf(s, id)
	return r, []byte(record), err
}

// RankingTable is the record's results as a table.
func RankingTable(record []byte) (sheetio.Sheet, error) {
	var r rank.Record
	if err := json.Unmarshal(record, &r); err != nil {
		return sheetio.Sheet{}, err
	}
	votes := map[string]map[string]int{}
	for _, sheet := range r.Sheets {
		if a := sheet.Sheet.Application; sheet.Status == "counted" {
			if votes[a] == nil {
				votes[a] = map[string]int{}
			}
			votes[a][sheet.Sheet.Recommendation]++
		}
	}
	t := sheetio.Sheet{Name: "排名", Header: []string{"名次", "项目", "有效专家", "得分", "合格", "并列处理", "建议立项", "修改后立项", "不建议"}}
	for _, x := range r.Results {
		passed := "否"
		if x.Passed {
			passed = "是"
		}
		t.Rows = append(t.Rows, []any{x.Rank, x.Application, x.N, x.Shown, passed, x.Tie, votes[x.Application]["recommend"], votes[x.Application]["revise"], votes[x.Application]["decline"]})
	}
	return t, nil
}

// ListTable is an award list as a table.
func (st *Store) ListTable(ctx context.Context, id string) (sheetio.Sheet, error) {
	s := st.reading(ctx, rbac.Actor{})
	l, err := take[reviewing.AwardList](s, id, "该清单")
	if err != nil {
		return sheetio.Sheet{}, err
	}
	choices := map[string]string{"proposed": "拟立项", "reserve": "备选", "declined": "不立项"}
	t := sheetio.Sheet{Name: "拟立项清单", Header: []string{"项目编号", "项目名称", "牵头单位", "项目负责人", "名次", "得分", "财政资金万元", "结论", "理由", "负责人姓", "负责人名"}}
	for _, line := range l.Lines {
		surname, given := naming.Split(line.Leader)
		t.Rows = append(t.Rows, []any{line.Number, line.Title, line.LeadUnit, line.Leader, line.Rank, line.Shown, reviewing.Wan(line.FiscalFen), choices[line.Choice], line.Reason, surname, given})
	}
	releases, err := releasesOf(s, l)
	if err != nil {
		return t, err
	}
	for _, r := range releases { // printed wherever the result is
		t.Rows = append(t.Rows, []any{"软规则放行", r.Rule, r.Object, "", "", "", "", "", r.Reason, "", ""})
	}
	return t, nil
}

// releasesOf are the soft rules released for what this list rests on: the
// list, its guide and applications, their reviews and the experts who sat.
func releasesOf(s *step, l reviewing.AwardList) ([]rbac.Release, error) {
	objects := []string{"list/" + l.ID, "guide/" + l.GuideID}
	reviews := map[string]bool{}
	for _, line := range l.Lines {
		objects = append(objects, "application/"+line.ApplicationID)
		if !reviews[line.ReviewID] {
			reviews[line.ReviewID] = true
			objects = append(objects, "review/"+line.ReviewID)
			seats, err := find[reviewing.Seat](s, "id", "review_id = ?", line.ReviewID)
			if err != nil {
				return nil, err
			}
			for _, seat := range seats {
				objects = append(objects, "expert/"+seat.ExpertID)
			}
		}
	}
	// Members of the programme's groups were let in by releases, drawn or not.
	members, err := find[reviewing.Membership](s, "id", "group_id IN (SELECT g.id FROM review_groups g JOIN guides u ON u.programme_id = g.programme_id WHERE u.id = ?)", l.GuideID)
	if err != nil {
		return nil, err
	}
	for _, m := range members {
		objects = append(objects, "expert/"+m.ExpertID)
	}
	return find[rbac.Release](s, "created_at, id", "object IN ?", objects)
}

// DrawRecord is a draw's record, canonical, once it has run.
func (st *Store) DrawRecord(ctx context.Context, id string) ([]byte, error) {
	d, err := take[reviewing.Draw](st.reading(ctx, rbac.Actor{}), id, "该抽取")
	if err != nil {
		return nil, err
	}
	if d.State != "run" {
		return nil, rbac.Refuse(rbac.RefusedState, "尚未抽取，没有抽取记录（SM-09）。")
	}
	return []byte(d.Record), nil
}

// Problem is a broken invariant.
type Problem struct{ Where, What string }

// Invariants checks what must hold whatever acts have run; an empty list is good.
func (st *Store) Invariants(ctx context.Context) ([]Problem, error) {
	var out []Problem
	add := func(where, format string, args ...any) {
		out = append(out, Problem{where, fmt.Sprintf(format, args...)})
	}
	var lines bytes.Buffer
	if _, err := st.ExportJournal(ctx, &lines); err != nil {
		return nil, err
	}
	if lines.Len() > 0 {
		if _, err := journal.Verify(&lines, nil, nil); err != nil {
			add("journal", "%v", err)
		}
	}
	s := st.reading(ctx, rbac.Actor{})
	columns, err := hanging(s)
	if err != nil {
		return nil, err
	}
	for _, c := range columns {
		add(c, "指向不存在的人员或专家档案")
	}
	if err := errors.Join(tabled(s, add), listed(s, add)); err != nil {
		return nil, err
	}
	reviews, err := find[reviewing.Review](s, "id", "1 = 1")
	if err != nil {
		return nil, err
	}
	for _, r := range reviews {
		where := "review/" + r.ID
		here := func(format string, args ...any) { add(where, format, args...) }
		b, err := st.loadBench(s, r.ID)
		if err != nil {
			add(where, "%v", err)
			continue
		}
		b.panelled(here)
		b.drawnAs(s, here)
		if err := b.brought(s, here); err != nil {
			return nil, err
		}
		for _, seat := range b.seats {
			if seat.State != reviewing.SeatVacated && b.panel != nil {
				if !slices.ContainsFunc(b.panel.Sitting(seat.ApplicationID), func(x draw.Seated) bool { return x.Code == seat.Code }) {
					add(where, "席位%s不在抽取记录中", seat.Code)
				}
			}
		}
		sheets, err := find[reviewing.Sheet](s, "id", "review_id = ?", r.ID)
		if err != nil {
			return nil, err
		}
		if r.State == reviewing.Closed {
			record, kept, err := rankingOf(s, r.ID)
			if err == nil {
				err = rank.Verify(record)
			}
			if err != nil {
				add(where, "%v", err)
			}
			joint, err := find[reviewing.JointSheet](s, "id", "review_id = ?", r.ID)
			if err != nil {
				return nil, err
			}
			counted(record, sheets, joint, here)
			if journal.Hash(kept) != r.RankingHash {
				add(where, "排名记录与摘要不符")
			}
			lines, err := find[reviewing.Result](s, "position", "review_id = ?", r.ID)
			if err != nil {
				return nil, err
			}
			claimed, err := resultsOf(s, r.ID, record)
			if err != nil {
				return nil, err
			}
			if !reflect.DeepEqual(lines, claimed) {
				add(where, "排名各行与排名记录不符")
			}
		}
	}
	return out, nil
}
