// Package store keeps the expert records: entry, review, suspension and exit,
// one transaction an act.
package store

import (
	"errors"
	"fmt"

	"gorm.io/gorm"

	"keping/configs/database"
	"keping/experts"
	"keping/experts/sheetio"
	"keping/rbac"
	"keping/rbac/calendar"
	"keping/rbac/journal"
	"keping/rbac/rulebook"
	rbacstore "keping/rbac/store"
)

// Store adds the experts to users, units and the journal.
type Store struct{ *rbacstore.Store }

// Imported is what an import did.
type Imported struct {
	Rows int `json:"rows" doc:"导入行数" example:"160"`
}

// ImportUnits records units.xlsx, whole or not at all.
func (s *Store) ImportUnits(step *rbacstore.Step, name string, data []byte) (Imported, error) {
	rows, faults := sheetio.Units(name, data)
	if err := faults.Refusal(); err != nil {
		return Imported{}, err
	}
	units, parents := make([]rbac.Unit, len(rows)), make([]string, len(rows))
	for i, r := range rows {
		units[i], parents[i] = r.Unit, r.ParentCode
	}
	step.Fact("table", journal.Hash(string(data)))
	n, err := s.SaveUnits(step, units, parents)
	return Imported{n}, err
}

// ImportExperts records experts.xlsx, whole or not at all; imported experts
// are proposed, a director admits them. Known ones (by document) are refused
// by row: corrections are acts of their own.
func (s *Store) ImportExperts(step *rbacstore.Step, name string, data []byte) (Imported, error) {
	rows, faults := sheetio.Experts(name, data)
	if err := faults.Refusal(); err != nil {
		return Imported{}, err
	}
	units := map[string]string{}
	unit := func(row int, column, code string) string {
		if id, ok := units[code]; ok {
			return id
		}
		found, err := rbacstore.UnitByCode(step, code)
		if err != nil || found == nil {
			faults.At(row, column, "单位%s尚未登记，请先导入单位", code)
			return ""
		}
		units[code] = found.ID
		return found.ID
	}
	var records []experts.Expert
	for _, r := range rows {
		e := r.Expert
		e.UnitID = unit(r.Row, "单位信用代码", r.UnitCode)
		for _, post := range r.Employments {
			e.Employments = append(e.Employments, experts.Employment{UnitID: unit(r.Row, "工作经历", post.UnitCode), Post: post.Post, From: post.From, To: post.To})
		}
		person, err := rbacstore.EnsurePerson(step, true, e.Name, e.BirthYear, r.Document)
		if refusal, ok := rbac.AsRefusal(err); ok {
			faults.At(r.Row, "证件号码", "%s", refusal.Message)
			continue
		} else if err != nil {
			return Imported{}, err
		}
		e.PersonID = person.ID
		var n int64
		if err := step.Model(&experts.Expert{}).Where("person_id = ?", person.ID).Count(&n).Error; err != nil {
			return Imported{}, err
		}
		if n > 0 {
			faults.At(r.Row, "证件号码", "该证件的专家已在库中，请改用更正")
		}
		s.prepare(step, &e, r.Phone, "")
		records = append(records, e)
	}
	if err := faults.Refusal(); err != nil {
		return Imported{}, err
	}
	step.Fact("rows", len(records))
	step.Fact("table", journal.Hash(string(data)))
	if err := Index(step.Tx, records); err != nil {
		return Imported{}, err
	}
	return Imported{len(records)}, step.CreateInBatches(records, 200).Error
}

func (s *Store) prepare(step *rbacstore.Step, e *experts.Expert, phone, card string) {
	e.ID = step.NewID()
	e.Phone, e.BankCard = step.Keys.Seal(phone, "expert/"+e.ID+"/phone"), step.Keys.Seal(card, "expert/"+e.ID+"/card")
	e.State, e.Version, e.CreatedAt, e.Searchable = experts.Proposed, 1, step.Now, true
}

// NewExpert is what proposes one expert by hand.
type NewExpert struct {
	Name         string               `json:"name" minLength:"1" maxLength:"50" example:"张三"`
	DocumentKind string               `json:"document_kind" maxLength:"20" example:"resident_id"`
	Document     string               `json:"document" maxLength:"40" example:"11010519491231002X"`
	Phone        string               `json:"phone,omitempty" maxLength:"30"`
	Mail         string               `json:"mail" format:"email" maxLength:"200" example:"zhang@example.cn"`
	Title        string               `json:"title,omitempty" maxLength:"50" example:"教授"`
	UnitID       string               `json:"unit_id" maxLength:"36"`
	InDistrict   bool                 `json:"in_district"`
	Pool         experts.Pool         `json:"pool" enum:"advisory,technical"`
	Classes      []experts.Class      `json:"classes" minItems:"1" maxItems:"3" enum:"technical,management,finance"`
	Fields       []experts.Discipline `json:"fields" minItems:"1" maxItems:"10"`
	Employments  []experts.Employment `json:"employments,omitempty" maxItems:"50"`
	Ties         []experts.Tie        `json:"ties,omitempty" maxItems:"50"`
	Evidence     []experts.Standing   `json:"evidence,omitempty" maxItems:"20" doc:"高层次专家的职称、奖励、职务证明（第七条）"`
	BankCard     string               `json:"bank_card,omitempty" maxLength:"40" doc:"银行卡号，加密保存"`
	Consent      string               `json:"consent,omitempty" maxLength:"20" doc:"本人已同意的个人信息处理规则版本；未填的在首次接受邀请时由本人同意" example:"2025-01"`
}

// CreateExpert proposes one expert.
func (s *Store) CreateExpert(step *rbacstore.Step, in NewExpert) (experts.Expert, error) {
	var bad rbac.Fields
	document, err := rbac.ParseDocument(in.DocumentKind, in.Document)
	bad.Check(err == nil, "document", "%v", err)
	phone := ""
	if in.Phone != "" {
		phone, err = rbac.ParsePhone(in.Phone)
		bad.Check(err == nil, "phone", "%v", err)
	}
	card := ""
	if in.BankCard != "" {
		card, err = rbac.ParseBankCard(in.BankCard)
		bad.Check(err == nil, "bank_card", "%v", err)
	}
	checkDays(&bad, in.Employments)
	if err := known(step, &bad, in.Employments, in.Ties); err != nil {
		return experts.Expert{}, err
	}
	var n int64
	if err := step.Model(&rbac.Unit{}).Where("id = ?", in.UnitID).Count(&n).Error; err != nil {
		return experts.Expert{}, err
	}
	bad.Check(n == 1, "unit_id", "没有这个单位，请先登记单位")
	if err := bad.Refusal(); err != nil {
		return experts.Expert{}, err
	}
	person, err := rbacstore.EnsurePerson(step, true, in.Name, document.BirthYear(), document)
	if err != nil {
		return experts.Expert{}, err
	}
	e := experts.Expert{PersonID: person.ID, Name: in.Name, BirthYear: document.BirthYear(), Title: in.Title, UnitID: in.UnitID, InDistrict: in.InDistrict,
		Pool: in.Pool, Classes: in.Classes, Fields: in.Fields, MainField: in.Fields[0].Code, Employments: in.Employments, Ties: in.Ties, Evidence: in.Evidence, Mail: in.Mail, ConsentVersion: in.Consent}
	s.prepare(step, &e, phone, card)
	step.On(e.ID)
	if err := keepFiles(step, e.ID, in.Evidence); err != nil {
		return e, err
	}
	if err := Index(step.Tx, []experts.Expert{e}); err != nil {
		return e, err
	}
	return e, step.Create(&e).Error
}

// keepFiles ties the scans of an expert's evidence to the record, so that who
// judges it may read them.
func keepFiles(step *rbacstore.Step, id string, evidence []experts.Standing) error {
	for i, standing := range evidence {
		if standing.FileID == "" {
			continue
		}
		if err := rbacstore.TieFile(step, standing.FileID, "expert/"+id, fmt.Sprintf("evidence[%d].file_id", i)); err != nil {
			return err
		}
	}
	return nil
}

// known refuses posts and ties that name nobody: they could never match.
func known(step *rbacstore.Step, bad *rbac.Fields, posts []experts.Employment, ties []experts.Tie) error {
	exists := func(model any, id string) (bool, error) {
		var n int64
		err := step.Model(model).Where("id = ?", id).Count(&n).Error
		return n == 1, err
	}
	for i, post := range posts {
		ok, err := exists(&rbac.Unit{}, post.UnitID)
		if err != nil {
			return err
		}
		bad.Check(ok, fmt.Sprintf("employments[%d].unit_id", i), "没有这个单位，请先登记单位")
	}
	for i, tie := range ties {
		bad.Check(tie.PersonID != "" || tie.UnitID != "", fmt.Sprintf("ties[%d]", i), "请写明与哪个人或哪个单位的关系")
		for model, id := range map[any]string{&rbac.Person{}: tie.PersonID, &rbac.Unit{}: tie.UnitID} {
			if id == "" {
				continue
			}
			ok, err := exists(model, id)
			if err != nil {
				return err
			}
			bad.Check(ok, fmt.Sprintf("ties[%d]", i), "没有编号为%s的人或单位", id)
		}
		if tie.Last != "" {
			_, err := calendar.Parse(tie.Last)
			bad.Check(err == nil, fmt.Sprintf("ties[%d].last", i), "%v", err)
		}
	}
	return nil
}

func checkDays(bad *rbac.Fields, posts []experts.Employment) {
	for i, post := range posts {
		for _, day := range []string{post.From, post.To} {
			if day == "" && day == post.To {
				continue
			}
			_, err := calendar.Parse(day)
			bad.Check(err == nil, fmt.Sprintf("employments[%d]", i), "%v", err)
		}
		bad.Check(post.To == "" || post.From <= post.To, fmt.Sprintf("employments[%d]", i), "止日%s早于起日%s", post.To, post.From)
	}
}

// OwnFacts are what an expert declares beyond the record's entry.
type OwnFacts struct {
	Version     int                   `json:"version" minimum:"1"`
	Ties        *[]experts.Tie        `json:"ties,omitempty" maxItems:"50" doc:"师生、亲属、经济利益、合作关系"`
	Unavailable *[]experts.Span       `json:"unavailable,omitempty" maxItems:"50" doc:"不便参加的日期"`
	UnitID      *string               `json:"unit_id,omitempty" maxLength:"36"`
	Employments *[]experts.Employment `json:"employments,omitempty" maxItems:"50" doc:"工作经历全部各段"`
}

// Facts are what a pool keeper enters: those, and what is proven by paper.
type Facts struct {
	OwnFacts
	Title         *string               `json:"title,omitempty" maxLength:"50"`
	Fields        *[]experts.Discipline `json:"fields,omitempty" minItems:"1" maxItems:"10" doc:"学科，第一个为主学科"`
	Evidence      *[]experts.Standing   `json:"evidence,omitempty" maxItems:"20" doc:"职称、奖励、职务证明"`
	TermUntil     *string               `json:"term_until,omitempty" maxLength:"10" doc:"聘期最后一日；空为不限"`
	DocumentUntil *string               `json:"document_until,omitempty" maxLength:"10" doc:"身份证件有效期最后一日；空为长期或未登记"`
}

// UpdateExpert changes declared facts; conflicts are computed afresh wherever
// they are asked for, so nothing has to be re-run here.
func (s *Store) UpdateExpert(step *rbacstore.Step, id string, in Facts) (experts.Expert, error) {
	e, err := Take(step, id)
	if err != nil {
		return e, err
	}
	return e, change(step, &e, in, map[string]any{})
}

// change enters facts into a record and whatever else is to be set with them.
func change(step *rbacstore.Step, e *experts.Expert, in Facts, set map[string]any) error {
	var bad rbac.Fields
	if in.Ties != nil {
		if err := known(step, &bad, nil, *in.Ties); err != nil {
			return err
		}
		e.Ties, set["ties"] = *in.Ties, rbac.List[experts.Tie](*in.Ties)
	}
	if in.Unavailable != nil {
		for i, span := range *in.Unavailable {
			_, err1 := calendar.Parse(span.From)
			_, err2 := calendar.Parse(span.To)
			bad.Check(err1 == nil && err2 == nil && span.From <= span.To, fmt.Sprintf("unavailable[%d]", i), "日期写法不对，或止日早于起日")
		}
		e.Unavailable, set["unavailable"] = *in.Unavailable, rbac.List[experts.Span](*in.Unavailable)
	}
	if in.Employments != nil {
		checkDays(&bad, *in.Employments)
		if err := known(step, &bad, *in.Employments, nil); err != nil {
			return err
		}
		e.Employments, set["employments"] = *in.Employments, rbac.List[experts.Employment](*in.Employments)
	}
	if in.UnitID != nil {
		var n int64
		if err := step.Model(&rbac.Unit{}).Where("id = ?", *in.UnitID).Count(&n).Error; err != nil {
			return err
		}
		bad.Check(n == 1, "unit_id", "没有这个单位，请先登记单位")
		e.UnitID, set["unit_id"] = *in.UnitID, *in.UnitID
	}
	if in.Title != nil {
		e.Title, set["title"] = *in.Title, *in.Title
	}
	if in.Fields != nil {
		e.Fields, e.MainField = *in.Fields, (*in.Fields)[0].Code
		set["fields"], set["main_field"] = rbac.List[experts.Discipline](*in.Fields), e.MainField
	}
	for field, day := range map[string]*string{"term_until": in.TermUntil, "document_until": in.DocumentUntil} {
		if day != nil {
			checkDay(&bad, field, *day)
			set[field] = *day
		}
	}
	if in.TermUntil != nil {
		e.TermUntil = *in.TermUntil
	}
	if in.DocumentUntil != nil {
		e.DocumentUntil = *in.DocumentUntil
	}
	if err := bad.Refusal(); err != nil {
		return err
	}
	if in.Evidence != nil {
		if err := keepFiles(step, e.ID, *in.Evidence); err != nil {
			return err
		}
		e.Evidence, set["evidence"] = *in.Evidence, rbac.List[experts.Standing](*in.Evidence)
	}
	if err := Index(step.Tx, []experts.Expert{*e}); err != nil {
		return err
	}
	e.Version, set["version"] = in.Version+1, in.Version+1
	return database.Swap(step.Tx, &experts.Expert{}, map[string]any{"id": e.ID, "version": in.Version}, set)
}

// Take loads an expert.
func Take(step *rbacstore.Step, id string) (experts.Expert, error) {
	var e experts.Expert
	err := step.Take(&e, "id = ?", id).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return e, rbac.Missing("该专家")
	}
	return e, err
}

// AdmitExperts lets a director admit proposed experts, all or none.
func (s *Store) AdmitExperts(step *rbacstore.Step, ids []string) (Imported, error) {
	pack, err := s.Pack(step)
	if err != nil {
		return Imported{}, err
	}
	var verdicts []rulebook.Verdict
	today := calendar.Day(step.Now)
	for _, id := range ids {
		e, err := Take(step, id)
		if err != nil {
			return Imported{}, err
		}
		if _, ok := experts.Moves[e.State]["admit"]; !ok {
			return Imported{}, rbac.Refuse(rbac.RefusedState, "“%s”不是待审核的专家，不能入库（SM-07）。请只选择待审核的专家。", e.Name)
		}
		records, err := rbacstore.IntegrityInForce(step.DB, rbac.SubjectPerson, calendar.Day(step.Now), e.PersonID)
		if err != nil {
			return Imported{}, err
		}
		entry := append(experts.MayEnter(pack, e, step.Now), rbac.Integrity(pack, rbac.Examined{Who: e.Name, ID: id, Records: records[e.PersonID]}))
		v, err := s.Release(step, "expert/"+id, entry)
		if err != nil {
			return Imported{}, err
		}
		public, err := Publicised(step, pack, experts.ToPool, e)
		if err != nil {
			return Imported{}, err
		}
		verdicts = append(append(verdicts, v...), public)
		if err := database.Swap(step.Tx, &experts.Expert{}, map[string]any{"id": id, "state": e.State}, map[string]any{"state": experts.InPool, "confirmed_day": today, "version": e.Version + 1}); err != nil {
			return Imported{}, err
		}
	}
	step.Fact("experts", ids)
	return Imported{len(ids)}, step.Obey(rulebook.Blocking(verdicts)...)
}
