package store

import (
	"slices"
	"strings"

	"keping/configs/database"
	"keping/rbac"
	"keping/rbac/calendar"
	"keping/rbac/rulebook"
	rbacstore "keping/rbac/store"
	"keping/reviewing"
)

// NewConclusion is another office's word on a list.
type NewConclusion struct {
	Version  int                 `json:"version" minimum:"1" doc:"所看清单的版本号：意见只对所看的内容有效"`
	Kind     string              `json:"kind" enum:"joint_unit,conference,finance,deliberation" doc:"联合实施单位、联席会议、区财政局、区科技局审议"`
	Agreed   bool                `json:"agreed"`
	UnitID   string              `json:"unit_id,omitempty" maxLength:"36" doc:"补录联合实施单位意见时填写，须为清单中项目的联合实施单位"`
	Document string              `json:"document,omitempty" maxLength:"100" doc:"文件名称和文号；补录必填"`
	Day      string              `json:"day" maxLength:"10" doc:"日期" example:"2025-06-25"`
	FileID   string              `json:"file_id,omitempty" maxLength:"36" doc:"扫描件；审议必附"`
	Words    []reviewing.Word    `json:"words,omitempty" maxItems:"2000" doc:"联席会议逐项结论：每个拟立项项目一行，逐项都同意才是总的同意"`
	Schedule []reviewing.Payment `json:"schedule,omitempty" maxItems:"2000" doc:"区财政局商定的拨付方案：逐项、逐年、逐次，合计须与清单一致"`
	Vote     *reviewing.Vote     `json:"vote,omitempty" doc:"区科技局审议的表决情况"`
}

// RecordConclusion records a conclusion by its own account, or entered by an
// officer (补录, R-090) with document number and date.
func (st *Store) RecordConclusion(s *step, id string, in NewConclusion) (reviewing.Conclusion, error) {
	l, err := st.holdList(s, id)
	if err != nil {
		return reviewing.Conclusion{}, err
	}
	if l.State != reviewing.ListDrafted {
		return reviewing.Conclusion{}, reviewing.MoveRefusal("SM-12", string(l.State), "录入意见")
	}
	day, err := calendar.Parse(in.Day)
	if err != nil {
		return reviewing.Conclusion{}, rbac.Invalid("day", "%v", err)
	}
	if day.After(s.Now) {
		return reviewing.Conclusion{}, rbac.Invalid("day", "日期%s在今天之后，请核对", in.Day)
	}
	if since := calendar.Day(l.CreatedAt); in.Day < since {
		return reviewing.Conclusion{}, rbac.Invalid("day", "日期%s在清单拟订（%s）之前，结论应针对本版清单，请核对", in.Day, since)
	}
	if l.Version != in.Version {
		return reviewing.Conclusion{}, database.ErrChanged
	}
	own := map[rbac.Role]string{rbac.JointUnit: "joint_unit", rbac.Conference: "conference", rbac.Finance: "finance", rbac.Director: "deliberation"}[s.Call.Actor.Role]
	entered := s.Call.Actor.Role == rbac.Officer
	if !entered && own != in.Kind {
		return reviewing.Conclusion{}, rbac.Invalid("kind", "您只能填写本单位的意见")
	}
	if entered && (strings.TrimSpace(in.Document) == "" || in.FileID == "") {
		return reviewing.Conclusion{}, rbac.Invalid("document", "补录事项请注明依据文件的名称和文号，并附扫描件（第二十六条记实管理）")
	}
	f, err := st.listFacts(s, l)
	if err != nil {
		return reviewing.Conclusion{}, err
	}
	unit := in.UnitID
	if s.Call.Actor.Role == rbac.JointUnit {
		unit = s.Call.Actor.Unit
	}
	joins := false
	for _, units := range f.JointUnits {
		joins = joins || slices.Contains(units, unit)
	}
	if s.Call.Actor.Role == rbac.JointUnit {
		if err := s.May(joins, "该清单"); err != nil {
			return reviewing.Conclusion{}, err
		}
	}
	switch {
	case in.Kind == "joint_unit" && !joins:
		return reviewing.Conclusion{}, rbac.Invalid("unit_id", "清单中没有由该单位联合实施的项目，请填写联合实施单位的编号")
	case in.Kind != "joint_unit" && unit != "":
		return reviewing.Conclusion{}, rbac.Invalid("unit_id", "只有联合实施单位的意见才填写单位")
	}
	if err := st.soundConclusion(s, f, in); err != nil {
		return reviewing.Conclusion{}, err
	}
	if in.FileID != "" {
		file, err := rbacstore.OwnFile(s, in.FileID)
		if err != nil {
			return reviewing.Conclusion{}, err
		}
		if !reviewing.ADocument(file.Kind) {
			return reviewing.Conclusion{}, rbac.Invalid("file_id", "“%s”的内容不是PDF、DOCX、JPG或PNG，请上传会议文件或扫描件", file.Name)
		}
		if err := rbacstore.TieFile(s, in.FileID, "list/"+id, "file_id"); err != nil {
			return reviewing.Conclusion{}, err
		}
	}
	lines, err := l.LinesHash()
	if err != nil {
		return reviewing.Conclusion{}, err
	}
	if own := f.Said(in.Kind, unit, lines); entered && own.ID != "" && !own.Entered {
		return reviewing.Conclusion{}, rbac.Refuse(rbac.RefusedState, "该单位已于%s用本单位账号对现在的清单作出结论，不能补录（第二十一条）。结论有变的，请由其账号更正。", calendar.Day(own.CreatedAt))
	}
	c := reviewing.Conclusion{ID: s.NewID(), ListID: id, Kind: in.Kind, UnitID: unit, Agreed: in.Agreed, Document: in.Document, Day: in.Day, FileID: in.FileID,
		Lines: lines, Words: in.Words, Schedule: in.Schedule, EnteredBy: s.Call.Actor.User, Entered: entered, CreatedAt: s.Now}
	if in.Vote != nil {
		c.Vote = []reviewing.Vote{*in.Vote}
	}
	s.Fact("kind", in.Kind)
	s.Fact("agreed", in.Agreed)
	s.Fact("entered", entered)
	s.Fact("lines", c.Lines)
	return c, s.Create(&c).Error
}

// soundConclusion holds a finance bureau's agreement to a schedule that adds up
// the deliberation to a vote that carries it and its file, and
// each to what does not contradict itself.
func (st *Store) soundConclusion(s *step, f reviewing.ListFacts, in NewConclusion) error {
	pack, err := st.Pack(s)
	if err != nil {
		return err
	}
	if err := reviewing.SoundConclusion(pack, f, in.Kind, in.Agreed, in.Words, in.Schedule, in.Vote); err != nil || !in.Agreed {
		return err
	}
	switch in.Kind {
	case "finance":
		fault := f.List.ScheduleFault(in.Schedule)
		return s.Obey(pack.Check("R-071", fault == "", rulebook.Inputs{"payments": len(in.Schedule)}, "年度资金拨付方案与清单不一致（第二十一条）："+fault+"。", "请逐项填写各年度、各次拨付金额，合计等于清单的财政资助额。"))
	case "deliberation":
		sound := in.Vote != nil && in.Vote.Carried() && strings.TrimSpace(in.Document) != "" && in.FileID != ""
		return s.Obey(pack.Check("R-072", sound, rulebook.Inputs{"vote": in.Vote}, "审议通过须有会议名称、表决过半数和会议文件（第二十一条）。", "请填写会议名称和文号、到会与表决人数，并附会议纪要。"))
	}
	return nil
}
