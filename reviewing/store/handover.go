package store

import (
	"slices"

	"keping/configs/database"
	"keping/rbac"
	rbacstore "keping/rbac/store"
	"keping/reviewing"
)

// NewHandOver disables somebody who leaves and hands what is open to a colleague.
type NewHandOver struct {
	Version int    `json:"version" minimum:"1" doc:"离任人账号的版本号"`
	ToID    string `json:"to_id" maxLength:"36" doc:"接手人的账号编号；须持有同一角色，申报人须为同一单位"`
}

// HandedOver is what changed hands. Past acts keep the name of who did them.
type HandedOver struct {
	User         rbacstore.UserView `json:"user"`
	Reviews      []string           `json:"reviews" doc:"未结束的评审批次"`
	Lists        []string           `json:"lists" doc:"未确认的拟立项清单"`
	Applications []string           `json:"applications" doc:"未办结的申报书"`
}

// HandOver lets the system administrator disable a leaver and hand over open
// duties: each goes only to somebody who holds the role it needs.
func (st *Store) HandOver(s *step, id string, in NewHandOver) (HandedOver, error) {
	out := HandedOver{Reviews: []string{}, Lists: []string{}, Applications: []string{}}
	leaver, err := rbacstore.TakeUser(s, id)
	if err != nil {
		return out, err
	}
	to, err := rbacstore.TakeUser(s, in.ToID)
	if err != nil {
		return out, rbac.Invalid("to_id", "没有这个接手人")
	}
	if to.ID == leaver.ID || to.State != rbac.UserActive {
		return out, rbac.Invalid("to_id", "接手人应为另一个在用的账号")
	}
	roles, err := rbacstore.Roles(s.DB, to.ID)
	if err != nil {
		return out, err
	}
	for _, duty := range []struct {
		ids    *[]string
		model  any
		column string
		over   []string
		role   []rbac.Role
	}{
		{&out.Reviews, &reviewing.Review{}, "officer_id", []string{string(reviewing.Closed), string(reviewing.Void)}, []rbac.Role{rbac.Officer}},
		{&out.Lists, &reviewing.AwardList{}, "officer_id", []string{string(reviewing.ListConfirmed), string(reviewing.ListSuperseded)}, []rbac.Role{rbac.Officer}},
		{&out.Applications, &reviewing.Application{}, "created_by", []string{string(reviewing.AppRefused), string(reviewing.AppWithdrawn), string(reviewing.AppAwarded)}, []rbac.Role{rbac.Applicant, rbac.UnitAdmin, rbac.Officer}},
	} {
		if err := s.Model(duty.model).Where(duty.column+" = ? AND state NOT IN ?", leaver.ID, duty.over).Order("id").Pluck("id", duty.ids).Error; err != nil {
			return out, err
		}
		if len(*duty.ids) == 0 {
			continue
		}
		if !slices.ContainsFunc(roles, func(r rbac.Role) bool { return slices.Contains(duty.role, r) }) {
			return out, rbac.Invalid("to_id", "接手人没有“%s”角色，接不了%s名下的事项，请先由安全管理员授权或另选接手人", rbac.RoleNames[duty.role[0]], leaver.Name)
		}
		if _, applications := duty.model.(*reviewing.Application); applications && leaver.UnitID != to.UnitID {
			return out, rbac.Invalid("to_id", "申报书只能由同一单位的人员接手")
		}
		for chunk := range slices.Chunk(*duty.ids, 500) {
			if err := s.Model(duty.model).Where("id IN ?", chunk).Updates(map[string]any{duty.column: to.ID}).Error; err != nil {
				return out, err
			}
		}
	}
	if leaver.State == rbac.UserDisabled { // disabled in haste before: only the duties were left
		s.Fact("disabled_before", true)
		if leaver.Version != in.Version {
			return out, database.ErrChanged
		}
		out.User, err = rbacstore.ViewOf(s, leaver)
	} else {
		out.User, err = st.DisableUser(s, id, in.Version)
	}
	s.Fact("to", to.ID)
	s.Fact("reviews", out.Reviews)
	s.Fact("lists", out.Lists)
	s.Fact("applications", out.Applications)
	return out, err
}
