// Package rbac knows who acts, what each act is called and how a refusal is
// said. It is pure: the judge itself is rbac/enforcer, the rows are kept by
// rbac/store.
//
// An actor acts in one role at a time. What the role alone does not allow, a
// relation to the object may: a panel member marks the panel's applications,
// a leader edits the own application. Relations are settled inside the act's
// transaction, never before it.
package rbac

import (
	"fmt"
	"slices"
	"strings"
)

// Role is one of design.md section 4.
type Role string

// The roles.
const (
	PoolKeeper    Role = "pool_keeper"
	Officer       Role = "officer"
	Director      Role = "director"
	Finance       Role = "finance"
	Conference    Role = "conference"
	Government    Role = "government"
	Department    Role = "department"
	UnitAdmin     Role = "unit"
	Applicant     Role = "applicant"
	JointUnit     Role = "joint_unit"
	Expert        Role = "expert"
	Supervisor    Role = "supervisor"
	SystemAdmin   Role = "system_admin"
	SecurityAdmin Role = "security_admin"
	AuditAdmin    Role = "audit_admin"
	Public        Role = "public"    // anyone, not signed in
	SignedIn      Role = "signed_in" // in the policy only: whoever is signed in, in any role
	System        Role = "system"    // time limits and consequences of acts
	CLI           Role = "cli"       // commands on the machine itself
)

// RoleNames are the roles a user may be granted, with their Chinese names.
var RoleNames = map[Role]string{
	PoolKeeper: "专家库管理员", Officer: "科技局经办", Director: "科技局领导", Finance: "区财政局",
	Conference: "联席会议成员", Government: "区政府", Department: "区级行业主管部门",
	UnitAdmin: "单位管理员", Applicant: "申报人", JointUnit: "联合实施单位", Expert: "专家",
	Supervisor: "监督", SystemAdmin: "系统管理员", SecurityAdmin: "安全管理员", AuditAdmin: "审计管理员",
}

// Bureau tells whether the role belongs to the bureau and its supervisors;
// these use a second factor by default.
func (r Role) Bureau() bool {
	switch r {
	case PoolKeeper, Officer, Director, Finance, Supervisor, SystemAdmin, SecurityAdmin, AuditAdmin:
		return true
	}
	return false
}

// Apart are pairs of roles that never meet in one person (管用分离, 三员分立).
type Apart [][2]Role

// ParseApart reads the table of configs: one pair a row.
func ParseApart(text string) (Apart, error) {
	var out Apart
	for number, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		left, right, _ := strings.Cut(line, ",")
		pair := [2]Role{Role(strings.TrimSpace(left)), Role(strings.TrimSpace(right))}
		for _, role := range pair {
			if _, ok := RoleNames[role]; !ok {
				return nil, fmt.Errorf("apart.csv line %d: no role %q", number+1, role)
			}
		}
		out = append(out, pair)
	}
	return out, nil
}

// From returns a role of held that may not meet role in one person, or "".
func (a Apart) From(role Role, held []Role) Role {
	for _, pair := range a {
		if pair[0] == role && slices.Contains(held, pair[1]) {
			return pair[1]
		}
		if pair[1] == role && slices.Contains(held, pair[0]) {
			return pair[0]
		}
	}
	return ""
}

// Relation is computed per object and judged like a role.
type Relation string

// The relations.
const (
	PanelMember Relation = "panel_member"
	PanelChair  Relation = "panel_chair"
	LeaderOf    Relation = "leader_of"
	UnitOf      Relation = "unit_of"
	JointOf     Relation = "joint_of"
)

// Relations are those a person acting in the role can have to an object.
func (r Role) Relations() []Relation {
	switch r {
	case Expert:
		return []Relation{PanelMember, PanelChair}
	case Applicant:
		return []Relation{LeaderOf}
	case UnitAdmin:
		return []Relation{UnitOf}
	case JointUnit:
		return []Relation{JointOf}
	}
	return nil
}

// Actor is who acts, in which role.
type Actor struct {
	User   string // user id; for Public the id of the row concerned or "-"
	Role   Role
	Person string // person id of the user, or ""
	Unit   string // unit id of the user, or ""
	Name   string // display name: for papers, never for the journal
}

// String is the actor as the journal writes it.
func (a Actor) String() string {
	switch a.Role {
	case System, CLI:
		return string(a.Role)
	}
	return string(a.Role) + ":" + a.User
}

// SignedIn tells a user from public, system and cli.
func (a Actor) SignedIn() bool {
	return a.Role != Public && a.Role != System && a.Role != CLI && a.Role != ""
}

// SystemActor acts for time limits and consequences.
var SystemActor = Actor{Role: System}
