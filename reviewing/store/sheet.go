package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"keping/configs/database"
	"keping/rbac"
	"keping/rbac/calendar"
	"keping/rbac/journal"
	"keping/rbac/rulebook"
	"keping/rbac/secret"
	rbacstore "keping/rbac/store"
	"keping/reviewing"
	"keping/reviewing/rank"
)

// draftSheet hands out an empty sheet; earlier ones of the seat stay on record.
func draftSheet(s *step, review, application, seat string) error {
	var last int64
	if err := s.Model(&reviewing.Sheet{}).Where("application_id = ? AND seat_id = ?", application, seat).Count(&last).Error; err != nil {
		return err
	}
	return s.Create(&reviewing.Sheet{ID: s.NewID(), ReviewID: review, ApplicationID: application, SeatID: seat, Number: int(last) + 1, Round: 1,
		State: reviewing.SheetDraft, Version: 1, CreatedAt: s.Now}).Error
}

func content(s *step, sheet reviewing.Sheet) (reviewing.SheetContent, error) {
	var c reviewing.SheetContent
	text, err := s.Keys.Open(sheet.Content, "sheet/"+sheet.ID)
	if err != nil || text == "" {
		return c, err
	}
	return c, json.Unmarshal([]byte(text), &c)
}

func seal(s *step, id string, c reviewing.SheetContent) (secret.Sealed, error) {
	data, err := json.Marshal(c)
	return s.Keys.Seal(string(data), "sheet/"+id), err
}

// voidSheets voids a seat's sheets, of one application if given; seat "" voids
// all of the review. Each submitted one has its own entry.
func voidSheets(s *step, review, seat, application string) error {
	q := s.Where("review_id = ? AND state <> ?", review, reviewing.SheetVoid)
	if seat != "" {
		q = q.Where("seat_id = ?", seat)
	}
	if application != "" {
		q = q.Where("application_id = ?", application)
	}
	var sheets []reviewing.Sheet
	if err := q.Order("id").Find(&sheets).Error; err != nil {
		return err
	}
	for _, sheet := range sheets {
		if sheet.State == reviewing.SheetDraft {
			gone := s.Delete(&reviewing.Sheet{}, "id = ? AND state = ?", sheet.ID, reviewing.SheetDraft)
			if gone.Error != nil {
				return gone.Error
			}
			if gone.RowsAffected != 1 { // submitted meanwhile: it must be voided, not lost
				return database.ErrChanged
			}
			continue
		}
		if err := database.Swap(s.Tx, &reviewing.Sheet{}, map[string]any{"id": sheet.ID, "state": sheet.State}, map[string]any{"state": reviewing.SheetVoid}); err != nil {
			return err
		}
		r, err := take[reviewing.Review](s, review, "该评审批次")
		if err != nil {
			return err
		}
		s.Brings("sheet.void", "sheet/"+sheet.ID, map[string]any{"review": r.Number, "sheet": sheet.Hash})
	}
	return nil
}

// NewMarks is what an expert writes on a sheet.
type NewMarks struct {
	Version        int         `json:"version" minimum:"1" doc:"读取时的版本号"`
	Marks          []MarkInput `json:"marks" maxItems:"50"`
	Abstained      bool        `json:"abstained,omitempty" doc:"弃权：不打分，不等于零分"`
	Recommendation string      `json:"recommendation,omitempty" enum:"recommend,revise,decline" doc:"建议立项、修改后立项、不建议"`
	Opinion        string      `json:"opinion,omitempty" maxLength:"5000"`
	Reason         string      `json:"reason,omitempty" maxLength:"500" doc:"讨论后修改的理由"`
}

// MarkInput is one criterion's mark in points with at most two decimals.
type MarkInput struct {
	Criterion string   `json:"criterion" maxLength:"30" example:"innovation"`
	Mark      *float64 `json:"mark" nullable:"true" doc:"分值，至多两位小数" example:"21.5"`
	Reason    string   `json:"reason,omitempty" maxLength:"500" doc:"过高或过低的理由"`
}

// hundredths reads points with at most two decimals exactly: the shortest
// decimal that means this number is what was written.
func hundredths(value float64) (int, bool) {
	return points(strconv.FormatFloat(value, 'f', -1, 64))
}

// points reads a decimal with at most two places as hundredths.
func points(text string) (int, bool) {
	whole, fraction, _ := strings.Cut(text, ".")
	if len(fraction) > 2 || len(whole) > 7 {
		return 0, false
	}
	value, err := strconv.Atoi(whole + (fraction + "00")[:2])
	return value, err == nil
}

func (in NewMarks) content() (reviewing.SheetContent, error) {
	c := reviewing.SheetContent{Marks: []reviewing.CriterionMark{}, Abstained: in.Abstained, Recommendation: in.Recommendation, Opinion: in.Opinion}
	var bad rbac.Fields
	for i, m := range in.Marks {
		mark := reviewing.CriterionMark{Criterion: m.Criterion, Reason: m.Reason}
		if m.Mark != nil {
			v, ok := hundredths(*m.Mark)
			bad.Check(ok, fmt.Sprintf("marks[%d]", i), "分值应为至多两位小数的数，现为%v", *m.Mark)
			mark.Mark = &v
		}
		c.Marks = append(c.Marks, mark)
	}
	return c, bad.Refusal()
}

// read reads marks and holds them to the guide's form; a submission must be complete.
func (st *Store) read(s *step, in NewMarks, d desk, submit bool) (reviewing.SheetContent, error) {
	c, err := in.content()
	if err != nil {
		return c, err
	}
	var pack *rulebook.Pack
	if submit {
		if pack, err = st.PackOf(s, d.PackID); err != nil {
			return c, err
		}
	}
	return c, reviewing.CheckSheet(pack, d.Guide, d.Seat.Class, c, submit)
}

// desk is one sheet with what an act on it is judged by, and no more: of the
// seat, the review, the guide and the application only the columns selected
// below are loaded. A bench would cost the more the larger the review.
type desk struct {
	Sheet       reviewing.Sheet       `gorm:"embedded"`
	Seat        reviewing.Seat        `gorm:"embedded;embeddedPrefix:s_"`
	Review      reviewing.Review      `gorm:"embedded;embeddedPrefix:r_"`
	Guide       reviewing.Guide       `gorm:"embedded;embeddedPrefix:g_"`
	Application reviewing.Application `gorm:"embedded;embeddedPrefix:a_"`
	Recused     bool
	PackID      string
}

// One statement: round trips are most of what opening a sheet costs.
const selectDesk = `SELECT sheets.*, s.code AS s_code, s.class AS s_class, s.person_id AS s_person_id, s.state AS s_state,
	r.number AS r_number, r.state AS r_state, r.paused_at AS r_paused_at, r.pause_reason AS r_pause_reason, g.criteria AS g_criteria, g.method AS g_method, g.votes AS g_votes, a.number AS a_number, a.title AS a_title,
	EXISTS (SELECT 1 FROM declarations d WHERE d.seat_id = sheets.seat_id AND d.application_id = sheets.application_id AND d.state IN ('pending', 'approved')) AS recused, (` + rbacstore.PackInForce + `) AS pack_id
	FROM sheets JOIN seats s ON s.id = sheets.seat_id JOIN reviews r ON r.id = sheets.review_id
	JOIN guides g ON g.id = r.guide_id JOIN applications a ON a.id = sheets.application_id WHERE sheets.id = ?`

// loadDesk loads a sheet; mine tells whether it is the actor's own and open to
// them: a recusal closes it at once.
func loadDesk(s *step, id string) (d desk, mine bool, err error) {
	found := s.Raw(selectDesk, calendar.Day(s.Now), id).Scan(&d)
	if found.Error == nil && found.RowsAffected == 0 {
		return d, false, rbac.Missing("该评分表")
	}
	mine = s.Call.Actor.Person != "" && d.Seat.PersonID == s.Call.Actor.Person && d.Seat.State == reviewing.SeatPledged && !d.Recused
	return d, mine, found.Error
}

// mySheet loads the actor's own sheet for an act, access checked: nobody
// else's sheet is there, and a suspended one is closed.
func mySheet(s *step, id string) (desk, error) {
	d, mine, err := loadDesk(s, id)
	if err != nil {
		return d, err
	}
	return d, s.May(mine, "该评分表")
}

// SheetView is an expert's own sheet.
type SheetView struct {
	ID             string               `json:"id"`
	ReviewID       string               `json:"review_id"`
	ApplicationID  string               `json:"application_id"`
	Number         int                  `json:"number" doc:"第几版"`
	Round          int                  `json:"round" doc:"1 讨论前，2 讨论后"`
	State          reviewing.SheetState `json:"state"`
	Version        int                  `json:"version"`
	Marks          []MarkInput          `json:"marks"`
	Abstained      bool                 `json:"abstained"`
	Recommendation string               `json:"recommendation"`
	Opinion        string               `json:"opinion"`
	Hash           string               `json:"hash" doc:"提交后的摘要，可与日志核对"`
	Total          string               `json:"total,omitempty" doc:"所评各项合计"`
	OwnRank        int                  `json:"own_rank,omitempty" doc:"在本人已打分的各项目中的名次；只在列表中"`
}

func viewSheet(sheet reviewing.Sheet, c reviewing.SheetContent) SheetView {
	v := SheetView{ID: sheet.ID, ReviewID: sheet.ReviewID, ApplicationID: sheet.ApplicationID, Number: sheet.Number, Round: sheet.Round, State: sheet.State, Version: sheet.Version,
		Marks: []MarkInput{}, Abstained: c.Abstained, Recommendation: c.Recommendation, Opinion: c.Opinion, Hash: sheet.Hash}
	for _, m := range c.Marks {
		shown := MarkInput{Criterion: m.Criterion, Reason: m.Reason}
		if m.Mark != nil {
			points := float64(*m.Mark) / 100
			shown.Mark = &points
		}
		v.Marks = append(v.Marks, shown)
	}
	return v
}

// SheetForm is an expert's own sheet with the form it is filled in by.
type SheetForm struct {
	SheetView
	ApplicationNumber string                `json:"application_number"`
	ApplicationTitle  string                `json:"application_title"`
	ReviewState       reviewing.ReviewState `json:"review_state"`
	Criteria          []reviewing.Criterion `json:"criteria" doc:"评分指标；分值为百分之一分"`
	Method            string                `json:"method" doc:"汇总方法；votes 为表决，不打分"`
	Votes             bool                  `json:"votes" doc:"评分之外须表决"`
}

// SheetOf opens an expert's own sheet.
func (st *Store) SheetOf(ctx context.Context, actor rbac.Actor, settle may, id string) (SheetForm, error) {
	s := st.reading(ctx, actor)
	d, mine, err := loadDesk(s, id)
	if err != nil {
		return SheetForm{}, err
	}
	if err := settle(mine, "该评分表"); err != nil {
		return SheetForm{}, err
	}
	c, err := content(s, d.Sheet)
	return SheetForm{withTotal(viewSheet(d.Sheet, c), d.Guide, c), d.Application.Number, d.Application.Title, d.Review.State, d.Guide.Criteria, d.Guide.Method, d.Guide.Votes}, err
}

// SaveSheet keeps a draft; it is not journalled.
func (st *Store) SaveSheet(s *step, id string, in NewMarks) (SheetView, error) {
	s.Unjournalled()
	d, err := mySheet(s, id)
	if err != nil {
		return SheetView{}, err
	}
	if err := demandState(d.Review, "保存评分", reviewing.Marking); err != nil {
		return SheetView{}, err
	}
	if _, ok := reviewing.SheetMoves[d.Sheet.State]["save"]; !ok {
		return SheetView{}, reviewing.MoveRefusal("SM-11", string(d.Sheet.State), "修改")
	}
	c, err := st.read(s, in, d, false)
	if err != nil {
		return SheetView{}, err
	}
	sealed, err := seal(s, id, c)
	if err != nil {
		return SheetView{}, err
	}
	d.Sheet.Version = in.Version + 1
	err = database.Swap(s.Tx, &reviewing.Sheet{}, map[string]any{"id": id, "version": in.Version, "state": reviewing.SheetDraft},
		map[string]any{"content": sealed, "version": d.Sheet.Version, "entered_by": "", "scan_id": ""}) // the expert's own hand goes before an officer's entry
	return withTotal(viewSheet(d.Sheet, c), d.Guide, c), err
}

// withTotal adds the total of what is marked so far (live, as the expert fills in).
func withTotal(v SheetView, g reviewing.Guide, c reviewing.SheetContent) SheetView {
	if total, of := g.Total(c); of > 0 {
		v.Total = reviewing.TotalPoints(total)
	}
	return v
}

// enter seals, hashes and journals a submitted version of a sheet.
func enter(s *step, review, application string, seat reviewing.Seat, sheet *reviewing.Sheet, c *reviewing.SheetContent) error {
	c.Salt = secret.Random(16)
	digest := c.Digest(application, seat.Code, sheet.Number)
	if c.Opinion != "" {
		c.OpinionSalt = secret.Random(16)
		digest.Opinion = journal.Hash(c.OpinionSalt + "\n" + c.Opinion)
	}
	hash, err := rank.SheetHash(c.Salt, digest)
	if err != nil {
		return err
	}
	sheet.Hash, sheet.State, sheet.SubmittedAt = hash, reviewing.SheetSubmitted, &s.Now
	sheet.Content, err = seal(s, sheet.ID, *c)
	s.Fact("review", review)
	s.Fact("sheet", hash)
	return err
}

// SubmitSheet submits once; what is submitted stays sealed until opened.
func (st *Store) SubmitSheet(s *step, id string, in NewMarks) (SheetView, error) {
	d, err := mySheet(s, id)
	if err != nil {
		return SheetView{}, err
	}
	sheet := d.Sheet
	if err := demandState(d.Review, "提交评分", reviewing.Marking); err != nil {
		return SheetView{}, err
	}
	if _, ok := reviewing.SheetMoves[sheet.State]["submit"]; !ok {
		return SheetView{}, reviewing.MoveRefusal("SM-11", string(sheet.State), "提交")
	}
	c, err := st.read(s, in, d, true)
	if err != nil {
		return SheetView{}, err
	}
	if err := enter(s, d.Review.Number, d.Application.Number, d.Seat, &sheet, &c); err != nil {
		return SheetView{}, err
	}
	sheet.Version = in.Version + 1
	err = database.Swap(s.Tx, &reviewing.Sheet{}, map[string]any{"id": id, "version": in.Version, "state": reviewing.SheetDraft},
		map[string]any{"state": sheet.State, "content": sheet.Content, "hash": sheet.Hash, "submitted_at": s.Now, "version": sheet.Version})
	return viewSheet(sheet, c), err
}

// ReviseSheet writes one new version after the discussion, with a reason; the
// earlier one stays on record.
func (st *Store) ReviseSheet(s *step, id string, in NewMarks) (SheetView, error) {
	d, err := mySheet(s, id)
	if err != nil {
		return SheetView{}, err
	}
	sheet := d.Sheet
	b, err := st.holdBench(s, sheet.ReviewID) // not while others sign or close
	if err != nil {
		return SheetView{}, err
	}
	seat := b.seats[sheet.SeatID]
	if err := demandState(b.review, "修改评分", reviewing.Discussing); err != nil {
		return SheetView{}, err
	}
	if _, ok := reviewing.SheetMoves[sheet.State]["revise"]; !ok || sheet.Round != 1 {
		return SheetView{}, rbac.Refuse(rbac.RefusedState, "讨论后只能修改一次（SM-11）。")
	}
	if seat.SignedAt != nil {
		return SheetView{}, rbac.Refuse(rbac.RefusedState, "您已签字，不能再修改（SM-11）。")
	}
	if len([]rune(in.Reason)) < 5 {
		return SheetView{}, rbac.Invalid("reason", "修改须写明理由（至少5个字）")
	}
	c, err := st.read(s, in, d, true)
	if err != nil {
		return SheetView{}, err
	}
	revised := reviewing.Sheet{ID: s.NewID(), ReviewID: sheet.ReviewID, ApplicationID: sheet.ApplicationID, SeatID: seat.ID, Number: sheet.Number + 1, Round: 2, Version: 1, CreatedAt: s.Now}
	if err := enter(s, b.review.Number, d.Application.Number, seat, &revised, &c); err != nil {
		return SheetView{}, err
	}
	revised.RevisionReason = s.Keys.Seal(in.Reason, "sheet/"+revised.ID+"/reason")
	if err := database.Swap(s.Tx, &reviewing.Sheet{}, map[string]any{"id": id, "version": in.Version, "state": reviewing.SheetSubmitted},
		map[string]any{"state": reviewing.SheetRevised, "version": in.Version + 1}); err != nil {
		return SheetView{}, err
	}
	return viewSheet(revised, c), s.Create(&revised).Error
}

// isChair tells whether the actor holds the chair's seat.
func (b *bench) isChair(s *step) bool {
	seat, ok := b.seats[b.review.ChairSeatID]
	return ok && s.Call.Actor.Person != "" && seat.PersonID == s.Call.Actor.Person && seat.State == reviewing.SeatPledged
}

// OpenMarks needs two keys: the chair's and the supervisor's. With both, round
// 1 is opened to panel and officer and the discussion begins.
func (st *Store) OpenMarks(s *step, id string) (reviewing.Review, error) {
	b, err := st.holdBench(s, id)
	if err != nil {
		return reviewing.Review{}, err
	}
	if err := s.May(b.isChair(s), "该评审批次"); err != nil {
		return b.review, err
	}
	if err := demandState(b.review, "开启评分", reviewing.Marking); err != nil {
		return b.review, err
	}
	if err := b.something("开启评分"); err != nil {
		return b.review, err
	}
	if b.review.ChairSeatID == "" {
		return b.review, rbac.Refuse(rbac.RefusedState, "组长尚未产生，不能开启（SM-09）。请先推选或指定组长。")
	}
	pack, err := st.Pack(s)
	if err != nil {
		return b.review, err
	}
	missing, err := b.unsubmitted(s)
	if err != nil {
		return b.review, err
	}
	abstained, err := b.abstentions(s)
	if err != nil {
		return b.review, err
	}
	panel, apps := b.compositions(abstained)
	seated, err := st.judgeSeated(s, pack, b)
	if err != nil {
		return b.review, err
	}
	verdicts := slices.Concat(reviewing.PanelRules(pack, panel, apps), b.ready(pack), seated)
	verdicts = append(verdicts, pack.Check("P-24", missing == 0, rulebook.Inputs{"missing": missing}, fmt.Sprintf("还有%d份评分表未提交，不能开启（惯例）。", missing), "请提醒专家提交；组长本人的也须提交。"))
	if err := st.Obey(s, "review/"+id, verdicts...); err != nil {
		return b.review, err
	}
	set := map[string]any{}
	if s.Call.Actor.Role == rbac.Supervisor {
		if b.review.OpenedBySup {
			return b.review, rbac.Refuse(rbac.RefusedState, "监督已经确认过（SM-09）。")
		}
		b.review.OpenedBySup, set["opened_by_supervisor"] = true, true
	} else {
		if b.review.OpenedChair {
			return b.review, rbac.Refuse(rbac.RefusedState, "组长已经确认过（SM-09）。")
		}
		b.review.OpenedChair, set["opened_chair"] = true, true
	}
	if !b.review.OpenedChair || !b.review.OpenedBySup {
		return b.review, touchReview(s, &b.review, set)
	}
	s.WantCheckpoint("开启评分")
	return b.review, moveReview(s, &b.review, "open", set)
}

// unsubmitted counts effective (application, seat) pairs without a submitted sheet.
func (b *bench) unsubmitted(s *step) (int, error) {
	sheets, err := find[reviewing.Sheet](s, "id", "review_id = ? AND state = ?", b.review.ID, reviewing.SheetSubmitted)
	if err != nil {
		return 0, err
	}
	have := map[string]bool{}
	for _, sheet := range sheets {
		have[sheet.ApplicationID+sheet.SeatID] = true
	}
	missing := 0
	for _, a := range b.applications {
		for _, seat := range b.sitting(a.ID) {
			if !have[a.ID+seat.ID] {
				missing++
			}
		}
	}
	return missing, nil
}

// WriteOpinion is the chair's consolidated opinion, of applications the chair
// reviews: who has stepped aside for one says nothing of it.
func (st *Store) WriteOpinion(s *step, id string, in reviewing.Opinion) (reviewing.Review, error) {
	b, err := st.holdBench(s, id)
	if err != nil {
		return reviewing.Review{}, err
	}
	if err := s.May(b.isChair(s), "该评审批次"); err != nil {
		return b.review, err
	}
	if err := demandState(b.review, "撰写组长意见", reviewing.Discussing); err != nil {
		return b.review, err
	}
	for _, seat := range b.seats {
		if seat.SignedAt != nil {
			return b.review, rbac.Refuse(rbac.RefusedState, "已有专家签字，意见不能再改（SM-09）。")
		}
	}
	var bad rbac.Fields
	for i, o := range in.Applications {
		at := fmt.Sprintf("applications[%d]", i)
		_, ours := b.application(o.ApplicationID)
		bad.Check(ours && slices.ContainsFunc(b.sitting(o.ApplicationID), func(seat reviewing.Seat) bool { return seat.ID == b.review.ChairSeatID }), at, "不是您评审的本批次项目，不能撰写其综合意见")
		bad.Check(in.Of(o.ApplicationID) == o.Text, at, "同一项目写了两次意见")
	}
	if err := bad.Refusal(); err != nil {
		return b.review, err
	}
	text, err := journal.Canonical(in)
	if err != nil {
		return b.review, err
	}
	salt := secret.Random(16)
	b.review.OpinionHash = journal.Hash(salt + "\n" + string(text))
	s.Fact("opinion", b.review.OpinionHash)
	return b.review, touchReview(s, &b.review, map[string]any{"opinion": s.Keys.Seal(string(text), "review/"+id+"/opinion"), "opinion_hash": b.review.OpinionHash, "opinion_salt": salt})
}

// opinionOf opens a review's opinion.
func opinionOf(s *step, r reviewing.Review) (o reviewing.Opinion, err error) {
	text, err := s.Keys.Open(r.Opinion, "review/"+r.ID+"/opinion")
	if err == nil && text != "" {
		err = json.Unmarshal([]byte(text), &o)
	}
	return
}

// SignReview signs the outcome: the hashes of the own final sheets and the
// opinion; the surface has confirmed the password. Who does not agree says so
// beside the signature: the dissent is kept with the opinion.
func (st *Store) SignReview(s *step, id, dissent string) (reviewing.Review, error) {
	b, err := st.holdBench(s, id)
	if err != nil {
		return reviewing.Review{}, err
	}
	mine := b.mySeats(s)
	if err := s.May(len(mine) > 0, "该评审批次"); err != nil {
		return b.review, err
	}
	if err := demandState(b.review, "签字", reviewing.Discussing); err != nil {
		return b.review, err
	}
	if b.review.OpinionHash == "" {
		return b.review, rbac.Refuse(rbac.RefusedState, "组长意见尚未写就，不能签字（SM-09）。")
	}
	// One signs the own final sheets, which nothing changes afterwards, and the opinion.
	sheets, err := find[reviewing.Sheet](s, "hash", "review_id = ? AND state = ?", id, reviewing.SheetSubmitted)
	if err != nil {
		return b.review, err
	}
	digests := []string{b.review.OpinionHash}
	for _, sheet := range sheets {
		if slices.ContainsFunc(mine, func(x reviewing.Seat) bool { return x.ID == sheet.SeatID }) {
			digests = append(digests, sheet.Hash)
		}
	}
	hash, err := journal.HashOf(digests)
	if err != nil {
		return b.review, err
	}
	signed := 0
	for _, seat := range mine {
		if seat.SignedAt == nil {
			signed++
			if err := database.Swap(s.Tx, &reviewing.Seat{}, map[string]any{"id": seat.ID, "state": seat.State}, map[string]any{"signed_at": s.Now, "signed_hash": hash, "not_signed": ""}); err != nil {
				return b.review, err
			}
			if dissent != "" {
				salt := secret.Random(16)
				s.Fact("dissent", rbacstore.Digest(salt, dissent))
				if err := s.Model(&reviewing.Seat{}).Where("id = ?", seat.ID).Updates(map[string]any{"dissent": s.Keys.Seal(dissent, "seat/"+seat.ID+"/dissent"), "dissent_salt": salt}).Error; err != nil {
					return b.review, err
				}
			}
		}
	}
	if signed == 0 {
		return b.review, rbac.Refuse(rbac.RefusedState, "您已经签过字（SM-09）。")
	}
	s.Fact("signed", hash)
	s.Fact("method", "password")
	return b.review, nil
}

// ReturnSheet gives a submitted sheet back to its expert before the opening,
// for a slip that the expert has noticed: what was submitted stays on record as
// void, and nobody has seen it.
func (st *Store) ReturnSheet(s *step, id, reason string) (SheetView, error) {
	sheet, err := take[reviewing.Sheet](s, id, "该评分表")
	if err != nil {
		return SheetView{}, err
	}
	b, err := st.holdBench(s, sheet.ReviewID)
	if err != nil {
		return SheetView{}, err
	}
	if err := demandState(b.review, "退回评分表", reviewing.Marking); err != nil {
		return SheetView{}, err
	}
	if _, ok := reviewing.SheetMoves[sheet.State]["return"]; !ok {
		return SheetView{}, reviewing.MoveRefusal("SM-11", string(sheet.State), "退回修改")
	}
	if err := say(s, sheet.ReviewID, "sheet/"+id, "reason", reason); err != nil {
		return SheetView{}, err
	}
	if err := database.Swap(s.Tx, &reviewing.Sheet{}, map[string]any{"id": id, "state": sheet.State}, map[string]any{"state": reviewing.SheetVoid}); err != nil {
		return SheetView{}, err
	}
	s.Brings("sheet.void", "sheet/"+id, map[string]any{"review": b.review.Number, "sheet": sheet.Hash})
	if err := draftSheet(s, sheet.ReviewID, sheet.ApplicationID, sheet.SeatID); err != nil {
		return SheetView{}, err
	}
	sheet.State = reviewing.SheetVoid
	return viewSheet(sheet, reviewing.SheetContent{}), st.unsettle(s, b, "")
}
