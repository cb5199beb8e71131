package store

import (
	"fmt"
	"slices"

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
	UnitID   string              `json:"unit_id,omitempty" maxLength:"36" doc:"补录联合实施单位意见时填写"`
	Document string              `json:"document,omitempty" maxLength:"100" doc:"文件名称和文号；补录必填"`
	Day      string              `json:"day" maxLength:"10" doc:"日期" example:"2025-06-25"`
	FileID   string              `json:"file_id,omitempty" maxLength:"36" doc:"扫描件；审议必附"`
	Words    []reviewing.Word    `json:"words,omitempty" maxItems:"200" doc:"联席会议逐项结论"`
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
	if l.Version != in.Version {
		return reviewing.Conclusion{}, database.ErrChanged
	}
	own := map[rbac.Role]string{rbac.JointUnit: "joint_unit", rbac.Conference: "conference", rbac.Finance: "finance", rbac.Director: "deliberation"}[s.Call.Actor.Role]
	entered := s.Call.Actor.Role == rbac.Officer
	if !entered && own != in.Kind {
		return reviewing.Conclusion{}, rbac.Invalid("kind", "您只能填写本单位的意见")
	}
	if entered && (in.Document == "" || in.FileID == "") {
		return reviewing.Conclusion{}, rbac.Invalid("document", "补录事项请注明依据文件的名称和文号，并附扫描件（第二十六条记实管理）")
	}
	if err := st.soundConclusion(s, l, in); err != nil {
		return reviewing.Conclusion{}, err
	}
	unit := in.UnitID
	if s.Call.Actor.Role == rbac.JointUnit {
		unit = s.Call.Actor.Unit
		f, err := st.listFacts(s, l)
		if err != nil {
			return reviewing.Conclusion{}, err
		}
		mine := false
		for _, units := range f.JointUnits {
			mine = mine || slices.Contains(units, unit)
		}
		if err := s.May(mine, "该清单"); err != nil {
			return reviewing.Conclusion{}, err
		}
	}
	if in.FileID != "" {
		if _, err := rbacstore.OwnFile(s, in.FileID); err != nil {
			return reviewing.Conclusion{}, err
		}
		if err := s.Model(&rbac.File{}).Where("id = ? AND object = ''", in.FileID).Update("object", "list/"+id).Error; err != nil {
			return reviewing.Conclusion{}, err
		}
	}
	c := reviewing.Conclusion{ID: s.NewID(), ListID: id, Kind: in.Kind, UnitID: unit, Agreed: in.Agreed, Document: in.Document, Day: in.Day, FileID: in.FileID,
		Words: in.Words, Schedule: in.Schedule, EnteredBy: s.Call.Actor.User, Entered: entered, CreatedAt: s.Now}
	if in.Vote != nil {
		c.Vote = []reviewing.Vote{*in.Vote}
	}
	if c.Lines, err = l.LinesHash(); err != nil {
		return c, err
	}
	s.Fact("kind", in.Kind)
	s.Fact("agreed", in.Agreed)
	s.Fact("entered", entered)
	s.Fact("lines", c.Lines)
	return c, s.Create(&c).Error
}

// soundConclusion holds a finance bureau's agreement to a schedule that adds up
// the deliberation to a vote that carries it and its file, and
// words to lines that are there.
func (st *Store) soundConclusion(s *step, l reviewing.AwardList, in NewConclusion) error {
	pack, err := st.Pack(s)
	if err != nil {
		return err
	}
	for i, w := range in.Words {
		if !slices.ContainsFunc(l.Lines, func(line reviewing.Line) bool { return line.ApplicationID == w.ApplicationID }) {
			return rbac.Invalid(fmt.Sprintf("words[%d]", i), "清单中没有这个项目")
		}
	}
	if !in.Agreed {
		return nil
	}
	switch in.Kind {
	case "finance":
		fault := l.ScheduleFault(in.Schedule)
		return s.Obey(pack.Check("R-071", fault == "", rulebook.Inputs{"payments": len(in.Schedule)}, "年度资金拨付方案与清单不一致（第二十一条）："+fault+"。", "请逐项填写各年度、各次拨付金额，合计等于清单的财政资助额。"))
	case "deliberation":
		sound := in.Vote != nil && in.Vote.Carried() && in.Document != "" && in.FileID != ""
		return s.Obey(pack.Check("R-072", sound, rulebook.Inputs{"vote": in.Vote}, "审议通过须有会议名称、表决过半数和会议文件（第二十一条）。", "请填写会议名称和文号、到会与表决人数，并附会议纪要。"))
	}
	return nil
}
