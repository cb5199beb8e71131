package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"keping/configs/database"
	"keping/experts"
	"keping/experts/sheetio"
	expertstore "keping/experts/store"
	"keping/rbac"
	rbacstore "keping/rbac/store"
	"keping/reviewing"
)

// NewPaperMarks are marks that an expert gave on paper, with the scan of the
// signed sheet.
type NewPaperMarks struct {
	NewMarks
	FileID string `json:"file_id" maxLength:"36" doc:"签名评分表的扫描件"`
}

// EnterSheet enters marks given on paper (补录, R-090): they count once another
// officer has confirmed them against the scan.
func (st *Store) EnterSheet(s *step, id string, in NewPaperMarks) (SheetView, error) {
	d, _, err := st.openSheet(s, id)
	if err != nil {
		return SheetView{}, err
	}
	sheet := d.Sheet
	file, err := rbacstore.OwnFile(s, in.FileID)
	if err != nil {
		return SheetView{}, err
	}
	if written, err := content(s, sheet); err != nil {
		return SheetView{}, err
	} else if sheet.EnteredBy == "" && !written.Blank() {
		return SheetView{}, rbac.Refuse(rbac.RefusedState, "该专家已在线填写草稿，补录会将其覆盖（SM-11）。请由专家本人在线提交，或由其清空草稿后再补录。")
	}
	c, err := st.read(s, in.NewMarks, d, true)
	if err != nil {
		return SheetView{}, err
	}
	if sheet.Content, err = seal(s, id, c); err != nil {
		return SheetView{}, err
	}
	if err := s.Model(&file).Where("id = ? AND object = ''", file.ID).Update("object", "sheet/"+id).Error; err != nil {
		return SheetView{}, err
	}
	s.Fact("sm3", file.SM3)
	sheet.Version = in.Version + 1
	err = database.Swap(s.Tx, &reviewing.Sheet{}, map[string]any{"id": id, "version": in.Version, "state": reviewing.SheetDraft},
		map[string]any{"content": sheet.Content, "version": sheet.Version, "entered_by": s.Call.Actor.User, "scan_id": file.ID})
	return viewSheet(sheet, reviewing.SheetContent{}), err // sealed from the one who has entered them too
}

// ConfirmSheet is the second officer's word that the entry equals the scan; the
// marks are repeated, so that a slip of the first shows.
func (st *Store) ConfirmSheet(s *step, id string, in NewMarks) (SheetView, error) {
	d, b, err := st.openSheet(s, id)
	if err != nil {
		return SheetView{}, err
	}
	sheet := d.Sheet
	if sheet.EnteredBy == "" {
		return SheetView{}, rbac.Refuse(rbac.RefusedState, "该评分表没有待复核的补录（SM-11）。请先由一名经办补录。")
	}
	if sheet.EnteredBy == s.Call.Actor.User {
		return SheetView{}, rbac.Refuse(rbac.RefusedState, "补录须由另一名经办对照扫描件复核（第二十六条记实管理）。")
	}
	c, err := st.read(s, in, d, true)
	if err != nil {
		return SheetView{}, err
	}
	entered, err := content(s, sheet)
	if err != nil {
		return SheetView{}, err
	}
	if !entered.Same(c) {
		return SheetView{}, rbac.Invalid("marks", "与首次补录不一致，请双方对照扫描件核对；首次录错的由其重新补录")
	}
	if err := enter(s, b.review.Number, d.Application.Number, d.Seat, &sheet, &c); err != nil {
		return SheetView{}, err
	}
	s.Fact("entered", true)
	sheet.Version = in.Version + 1
	err = database.Swap(s.Tx, &reviewing.Sheet{}, map[string]any{"id": id, "version": in.Version, "state": reviewing.SheetDraft},
		map[string]any{"state": sheet.State, "content": sheet.Content, "hash": sheet.Hash, "submitted_at": s.Now, "version": sheet.Version})
	return viewSheet(sheet, reviewing.SheetContent{}), err
}

// SheetTrace is how far one sheet is and where its marks come from, for who
// returns, enters or confirms it: never a mark.
type SheetTrace struct {
	ID          string               `json:"id"`
	Application string               `json:"application" doc:"申报编号"`
	Seat        string               `json:"seat" doc:"席位代号"`
	Number      int                  `json:"number" doc:"第几版"`
	Round       int                  `json:"round" doc:"1 讨论前，2 讨论后"`
	State       reviewing.SheetState `json:"state"`
	Version     int                  `json:"version"`
	SubmittedAt *time.Time           `json:"submitted_at"`
	Entered     bool                 `json:"entered" doc:"由经办补录；草稿状态为待另一名经办复核"`
	Mine        bool                 `json:"mine" doc:"由本人补录，须由他人复核"`
	ScanID      string               `json:"scan_id" doc:"签名评分表的扫描件（文件编号，下载留痕）；评分开启前只有经办可见"`
}

// TraceSheets traces a review's sheets, a page at a time from after on.
func (st *Store) TraceSheets(ctx context.Context, actor rbac.Actor, id, after string, limit int) ([]SheetTrace, error) {
	s := st.reading(ctx, actor)
	r, err := take[reviewing.Review](s, id, "该评审批次")
	if err != nil {
		return nil, err
	}
	out := []SheetTrace{}
	err = s.Table("sheets").Joins("JOIN applications ON applications.id = sheets.application_id").Joins("JOIN seats ON seats.id = sheets.seat_id").
		Where("sheets.review_id = ? AND sheets.id > ?", id, after).Order("sheets.id").Limit(limit).
		Select(`sheets.id, applications.number AS application, seats.code AS seat, sheets.number, sheets.round, sheets.state, sheets.version,
			sheets.submitted_at, sheets.entered_by <> '' AS entered, sheets.entered_by = ? AND sheets.entered_by <> '' AS mine, sheets.scan_id`, actor.User).Scan(&out).Error
	for i := range out {
		if actor.Role != rbac.Officer && !opened(r) {
			out[i].ScanID = ""
		}
	}
	return out, err
}

// openSheet loads a draft of a running marking round with its bench.
func (st *Store) openSheet(s *step, id string) (desk, *bench, error) {
	d, _, err := loadDesk(s, id)
	if err != nil {
		return d, nil, err
	}
	b, err := st.holdBench(s, d.Sheet.ReviewID)
	if err != nil {
		return d, nil, err
	}
	if err := demandState(b.review, "补录评分", reviewing.Marking); err != nil {
		return d, nil, err
	}
	if _, ok := reviewing.SheetMoves[d.Sheet.State]["enter"]; !ok || d.Recused {
		return d, nil, reviewing.MoveRefusal("SM-11", string(d.Sheet.State), "补录")
	}
	return d, b, nil
}

// number is the business number of an application of the review.
func (b *bench) number(id string) string {
	a, _ := b.application(id)
	return a.Number
}

// The columns of the marking form as a table: one row an application, two
// columns a criterion (mark and reason).
func formColumns(g reviewing.Guide, class experts.Class) []sheetio.Column {
	columns := []sheetio.Column{{Key: "number", Names: []string{"申报编号"}, Required: true}, {Key: "title", Names: []string{"项目名称"}}}
	for _, c := range g.Criteria {
		if c.MarkedBy(class) {
			name := fmt.Sprintf("%s（满分%s）", c.Name, reviewing.Points(c.Maximum))
			if c.PassFail() {
				name = c.Name + "（合格、不合格）"
			}
			columns = append(columns, sheetio.Column{Key: "mark:" + c.Code, Names: []string{name}},
				sheetio.Column{Key: "reason:" + c.Code, Names: []string{c.Name + "理由"}})
		}
	}
	return append(columns, sheetio.Column{Key: "recommendation", Names: []string{"建议（建议立项、修改后立项、不建议）"}}, sheetio.Column{Key: "opinion", Names: []string{"评审意见"}})
}

// passFail are the words for the marks of a criterion of the 合格制.
func passFail(k reviewing.Criterion) map[string]int {
	if !k.PassFail() {
		return nil
	}
	return map[string]int{"合格": k.Maximum, "不合格": 0}
}

// word writes a criterion's mark as people read it.
func word(k reviewing.Criterion, mark int) string {
	for word, value := range passFail(k) {
		if value == mark {
			return word
		}
	}
	return reviewing.Points(mark)
}

var recommendations = map[string]string{"recommend": "建议立项", "revise": "修改后立项", "decline": "不建议"}

// SheetForm is the actor's own drafts of a review as a table to fill in offline.
func (st *Store) SheetForm(s *step, id string) (sheetio.Sheet, error) {
	b, sheets, seat, err := st.myDrafts(s, id)
	if err != nil {
		return sheetio.Sheet{}, err
	}
	columns := formColumns(b.guide, seat.Class)
	out := sheetio.Sheet{Name: "评分表", Header: sheetio.Header(columns)}
	for _, sheet := range sheets {
		c, err := content(s, sheet)
		if err != nil {
			return out, err
		}
		a, _ := b.application(sheet.ApplicationID)
		row := []any{}
		for _, column := range columns {
			kind, code, _ := strings.Cut(column.Key, ":")
			i := slices.IndexFunc(c.Marks, func(m reviewing.CriterionMark) bool { return m.Criterion == code })
			value := ""
			switch {
			case kind == "number":
				value = a.Number
			case kind == "title":
				value = a.Title
			case kind == "mark" && i >= 0 && c.Marks[i].Mark != nil:
				k := slices.IndexFunc(b.guide.Criteria, func(k reviewing.Criterion) bool { return k.Code == code })
				value = word(b.guide.Criteria[k], *c.Marks[i].Mark)
			case kind == "reason" && i >= 0:
				value = c.Marks[i].Reason
			case kind == "recommendation":
				value = recommendations[c.Recommendation]
			case kind == "opinion":
				value = c.Opinion
			}
			row = append(row, value)
		}
		out.Rows = append(out.Rows, row)
	}
	return out, nil
}

// ImportSheets reads the filled table back into the actor's drafts: all rows or
// none, every fault with its row, column and reason. It submits nothing.
func (st *Store) ImportSheets(s *step, id string, table func() (name string, data []byte, err error)) (expertstore.Imported, error) {
	s.Unjournalled()
	b, sheets, seat, err := st.myDrafts(s, id)
	if err != nil {
		return expertstore.Imported{}, err
	}
	if err := demandState(b.review, "导入评分", reviewing.Marking); err != nil {
		return expertstore.Imported{}, err
	}
	name, data, err := table()
	if err != nil {
		return expertstore.Imported{}, err
	}
	columns := formColumns(b.guide, seat.Class)
	rows, faults := sheetio.Read(name, data, columns)
	byNumber := map[string]reviewing.Sheet{}
	for _, sheet := range sheets {
		a, _ := b.application(sheet.ApplicationID)
		byNumber[a.Number] = sheet
	}
	pack, err := st.Pack(s)
	if err != nil {
		return expertstore.Imported{}, err
	}
	title := map[string]string{}
	for _, c := range columns {
		title[c.Key] = c.Names[0]
	}
	for _, row := range rows {
		sheet, ok := byNumber[row.Cells["number"]]
		if !ok {
			faults.At(row.Number, "申报编号", "没有编号为“%s”的待填评分表", row.Cells["number"])
			continue
		}
		delete(byNumber, row.Cells["number"])
		c := reviewing.SheetContent{Marks: []reviewing.CriterionMark{}, Opinion: row.Cells["opinion"]}
		for code, text := range recommendations {
			if text == row.Cells["recommendation"] {
				c.Recommendation = code
			}
		}
		if c.Recommendation == "" && row.Cells["recommendation"] != "" {
			faults.At(row.Number, title["recommendation"], "应为建议立项、修改后立项或不建议")
		}
		for _, k := range b.guide.Criteria {
			text, asked := row.Cells["mark:"+k.Code], title["mark:"+k.Code] != ""
			if !asked || text == "" {
				continue
			}
			value, ok := passFail(k)[text]
			if !ok {
				value, ok = points(text)
			}
			if !ok {
				faults.At(row.Number, title["mark:"+k.Code], "“%s”不是至多两位小数的分值", text)
				continue
			}
			c.Marks = append(c.Marks, reviewing.CriterionMark{Criterion: k.Code, Mark: &value, Reason: row.Cells["reason:"+k.Code]})
			one := reviewing.SheetContent{Marks: c.Marks[len(c.Marks)-1:]}
			if refusal, bad := rbac.AsRefusal(reviewing.CheckSheet(pack, b.guide, seat.Class, one, false)); bad {
				for _, f := range refusal.Fields {
					faults.At(row.Number, title["mark:"+k.Code], "%s", f.Message)
				}
			}
		}
		if len(faults.Fields) > 0 {
			continue
		}
		sealed, err := seal(s, sheet.ID, c)
		if err != nil {
			return expertstore.Imported{}, err
		}
		err = database.Swap(s.Tx, &reviewing.Sheet{}, map[string]any{"id": sheet.ID, "version": sheet.Version, "state": reviewing.SheetDraft}, map[string]any{"content": sealed, "version": sheet.Version + 1})
		if err != nil {
			return expertstore.Imported{}, err
		}
	}
	return expertstore.Imported{Rows: len(rows)}, faults.Refusal()
}

// myDrafts are the actor's own open sheets of a review, by application number.
func (st *Store) myDrafts(s *step, id string) (*bench, []reviewing.Sheet, reviewing.Seat, error) {
	b, err := st.loadBench(s, id)
	if err != nil {
		return nil, nil, reviewing.Seat{}, err
	}
	mine := b.mySeats(s)
	if err := s.May(len(mine) > 0, "该评审批次"); err != nil {
		return nil, nil, reviewing.Seat{}, err
	}
	drafts, err := find[reviewing.Sheet](s, "id", "review_id = ? AND state = ?", id, reviewing.SheetDraft)
	drafts = slices.DeleteFunc(drafts, func(sheet reviewing.Sheet) bool {
		seat := b.seats[sheet.SeatID]
		return seat.PersonID != s.Call.Actor.Person || !b.reads(seat, sheet.ApplicationID)
	})
	slices.SortFunc(drafts, func(x, y reviewing.Sheet) int {
		return strings.Compare(b.number(x.ApplicationID), b.number(y.ApplicationID))
	})
	return b, drafts, mine[0], err
}
