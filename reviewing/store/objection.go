package store

import (
	"fmt"
	"slices"
	"strings"

	"keping/configs/database"
	"keping/rbac"
	"keping/rbac/calendar"
	"keping/rbac/rulebook"
	"keping/rbac/secret"
	rbacstore "keping/rbac/store"
	"keping/reviewing"
	"keping/reviewing/rank"
)

// objectionsOf are the objections still open or upheld, by application: a new
// version of the list does not make them go away.
func objectionsOf(s *step, guide string) (map[string]reviewing.ObjectionState, error) {
	open, err := find[reviewing.Objection](s, "created_at, id", "list_id IN (SELECT id FROM award_lists WHERE guide_id = ?) AND state IN ('lodged', 'accepted', 'investigating', 'upheld')", guide)
	out := map[string]reviewing.ObjectionState{}
	for _, o := range open {
		if out[o.ApplicationID] != reviewing.Upheld {
			out[o.ApplicationID] = o.State
		}
	}
	return out, err
}

// NewObjection is an objection by real name.
type NewObjection struct {
	ApplicationID string `json:"application_id" maxLength:"36"`
	Unit          string `json:"unit,omitempty" maxLength:"100" doc:"单位提出异议的，填写单位名称" example:"重庆示例科技有限公司"`
	Name          string `json:"name" maxLength:"50" doc:"真实姓名；单位提出异议的，填写法定代表人或联系人姓名" example:"刘建国"`
	Contact       string `json:"contact" maxLength:"100" doc:"联系方式：电话、邮箱或通信地址" example:"13900000000"`
	Text          string `json:"text" maxLength:"5000" doc:"异议内容和依据" example:"该项目与既有成果重复，附查新报告。"`
}

// Lodged tells the objector the receipt number.
type Lodged struct {
	ID       string                   `json:"id" doc:"回执编号"`
	State    reviewing.ObjectionState `json:"state"`
	AnswerBy string                   `json:"answer_by" doc:"最迟答复日期"`
}

// LodgeObjection is P-41: real name, contact and grounds, within the publicity,
// and evidence if there is any. The receipt number follows from what was sent:
// who sends the same again gets the same receipt and adds evidence at most. That
// answer is word for word what a first one gets, so that nobody who tries a name
// learns whether its bearer has objected.
func (st *Store) LodgeObjection(s *step, list string, in NewObjection, evidence []rbacstore.Proof) (Lodged, error) {
	l, err := lockList(s, list, "该公示")
	if err != nil {
		return Lodged{}, err
	}
	if l.State == reviewing.ListInterrupted {
		return Lodged{}, rbac.Refuse(rbac.RefusedState, "公示已中断，恢复前不受理异议（SM-12）。公示恢复后余下的期限照计，请届时提出。")
	}
	if l.State != reviewing.ListPublic {
		return Lodged{}, rbac.Missing("该公示")
	}
	pack, err := st.Pack(s)
	if err != nil {
		return Lodged{}, err
	}
	end, err := calendar.End(l.PublicTo)
	if err != nil {
		return Lodged{}, err
	}
	onList := slices.ContainsFunc(l.Lines, func(line reviewing.Line) bool {
		return line.ApplicationID == in.ApplicationID && line.Choice == "proposed"
	})
	if !onList {
		return Lodged{}, rbac.Invalid("application_id", "该项目不在公示名单中")
	}
	for _, field := range []*string{&in.Unit, &in.Name, &in.Contact, &in.Text} {
		*field = strings.TrimSpace(*field)
	}
	fault := reviewing.ObjectionFault(in.Unit, in.Name, in.Contact, in.Text)
	inTime := s.Now.Before(end)
	why := fault
	if !inTime {
		why = "公示已于" + l.PublicTo + "期满"
	}
	if err := s.Obey(pack.Check("P-41", fault == "" && inTime, rulebook.Inputs{"public_to": l.PublicTo, "complete": fault == ""},
		"异议须在公示期内以真实姓名提出，并附联系方式和依据（惯例）："+why+"。", "请填写真实姓名（单位填写名称和法定代表人或联系人）、联系方式和不少于10个字的依据。")); err != nil {
		return Lodged{}, err
	}
	c, err := rbacstore.LoadCalendar(s)
	if err != nil {
		return Lodged{}, err
	}
	acceptBy, err := c.WorkingAfter(s.Now, pack.ObjectionAcceptDays)
	if err != nil {
		return Lodged{}, rbac.Refuse(rbac.RefusedState, "%v", err)
	}
	answerBy, err := c.WorkingAfter(s.Now, pack.ObjectionAnswerDays)
	if err != nil {
		return Lodged{}, rbac.Refuse(rbac.RefusedState, "%v", err)
	}
	id := s.Keys.Index(strings.Join([]string{"objection", list, in.ApplicationID, rbac.Fold(in.Unit), rbac.Fold(in.Name), rbac.Fold(in.Contact), rbac.Fold(in.Text)}, "\n"))[:32]
	s.On(id)
	s.Call.Actor.User = id
	s.Fact("list", list)
	o, err := take[reviewing.Objection](s, id, "该异议")
	if _, missing := rbac.AsRefusal(err); err != nil && !missing {
		return Lodged{}, err
	}
	s.Fact("again", err == nil)
	if err != nil {
		at := "objection/" + id
		o = reviewing.Objection{ID: id, ListID: list, ApplicationID: in.ApplicationID, State: reviewing.Lodged, AcceptBy: acceptBy, AnswerBy: answerBy, Salt: secret.Random(16), CreatedAt: s.Now,
			Unit: s.Keys.Seal(in.Unit, at+"/unit"), Name: s.Keys.Seal(in.Name, at+"/name"), Contact: s.Keys.Seal(in.Contact, at+"/contact"), Text: s.Keys.Seal(in.Text, at+"/text")}
		if err := s.Create(&o).Error; err != nil {
			return Lodged{}, err
		}
	}
	s.Fact("text", rbacstore.Digest(o.Salt, in.Text))
	for i, proof := range evidence {
		f := rbac.File{ID: s.NewID(), Name: proof.Name, Size: proof.Size, SM3: proof.Digest, Kind: proof.Kind, Owner: id, Object: "objection/" + id, CreatedAt: s.Now}
		s.Fact(fmt.Sprintf("evidence_%d", i+1), proof.Digest)
		kept := s.Where("object = ? AND sm3 = ?", f.Object, f.SM3).Limit(1).Find(&rbac.File{})
		if kept.Error != nil {
			return Lodged{}, kept.Error
		}
		if kept.RowsAffected > 0 {
			continue
		}
		if err := s.Create(&f).Error; err != nil {
			return Lodged{}, err
		}
	}
	return Lodged{id, reviewing.Lodged, answerBy}, nil
}

// DecideObjection moves an objection by SM-13, with a reason, finding or
// answer. The officer of the review that marked the line never decides it. What
// is decided after its day counts, and is marked late.
func (st *Store) DecideObjection(s *step, id, move, words string) (Lodged, error) {
	o, err := take[reviewing.Objection](s, id, "该异议")
	if err != nil {
		return Lodged{}, err
	}
	a, err := take[reviewing.Application](s, o.ApplicationID, "该申报书")
	if err != nil {
		return Lodged{}, err
	}
	r, err := take[reviewing.Review](s, a.ReviewID, "该评审批次")
	if err != nil {
		return Lodged{}, err
	}
	if err := st.impartial(s, "guide_id = ?", a.GuideID); err != nil {
		return Lodged{}, err
	}
	pack, err := st.Pack(s)
	if err != nil {
		return Lodged{}, err
	}
	if err := s.Obey(pack.Check("P-19", r.OfficerID != s.Call.Actor.User, nil, "异议不得由该评审批次的经办人员处理（惯例）。", "请由监督或其他经办人员处理。")); err != nil {
		return Lodged{}, err
	}
	to, ok := reviewing.ObjectionMoves[o.State][move]
	if !ok || o.ArchivedAt != nil {
		return Lodged{}, reviewing.MoveRefusal("SM-13", string(o.State), move)
	}
	set := map[string]any{"state": to}
	switch move {
	case "archive":
		set["archived_at"] = s.Now
	case "investigate":
		set["finding"] = s.Keys.Seal(words, "objection/"+id+"/finding")
	default:
		set["answer"], set["decided_by"], set["decided_at"] = s.Keys.Seal(words, "objection/"+id+"/answer"), s.Call.Actor.User, s.Now
	}
	if move != "archive" && !reviewing.Written(words, 5) {
		return Lodged{}, rbac.Invalid("answer", "请写明理由、调查情况或答复（至少5个字）")
	}
	s.Fact("state", string(to))
	s.Fact("application", o.ApplicationID)
	due := o.AnswerBy
	if o.State == reviewing.Lodged {
		due = o.AcceptBy
	}
	s.Fact("late", move != "archive" && calendar.Day(s.Now) > due)
	return Lodged{id, to, o.AnswerBy}, database.Swap(s.Tx, &reviewing.Objection{}, map[string]any{"id": id, "state": o.State}, set)
}

// WhatIf is a ranking as it would be without one expert's marks.
type WhatIf struct {
	Lines []WhatIfLine `json:"lines"`
}

// WhatIfLine is one application before and after.
type WhatIfLine struct {
	Number string `json:"number"`
	Rank   int    `json:"rank"`
	Shown  string `json:"shown"`
	After  int    `json:"after_rank" doc:"0为有效评分不足，不能排名"`
	Then   string `json:"after_shown"`
}

// WhatIfVoid recomputes the official ranking of a closed review with the marks
// of one expert (by code) void, for one application or for all: what an
// investigation wants to know before it concludes. Nothing is changed.
func (st *Store) WhatIfVoid(s *step, reviewID, code, number string) (WhatIf, error) {
	r, err := take[reviewing.Review](s, reviewID, "该评审批次")
	if err != nil {
		return WhatIf{}, err
	}
	if err := demandState(r, "试算", reviewing.Closed); err != nil {
		return WhatIf{}, err
	}
	record, _, err := rankingOf(s, r.ID)
	if err != nil {
		return WhatIf{}, err
	}
	then := record
	then.Sheets = slices.Clone(record.Sheets)
	touched := false
	for i, sheet := range then.Sheets {
		if sheet.Sheet.Expert == code && (number == "" || sheet.Sheet.Application == number) && sheet.Status == "counted" {
			then.Sheets[i].Status = "void"
			touched = true
		}
	}
	if !touched {
		return WhatIf{}, rbac.Invalid("code", "该批次没有代号%s的有效评分", code)
	}
	s.Fact("expert", code)
	if then, err = rank.Compute(then); err != nil {
		return WhatIf{}, err
	}
	out := WhatIf{Lines: []WhatIfLine{}}
	for _, before := range record.Results {
		line := WhatIfLine{Number: before.Application, Rank: before.Rank, Shown: before.Shown}
		for _, after := range then.Results {
			if after.Application == before.Application {
				line.After, line.Then = after.Rank, after.Shown
			}
		}
		out.Lines = append(out.Lines, line)
	}
	return out, nil
}
