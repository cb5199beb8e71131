package store

import (
	"keping/rbac"
	"keping/rbac/rulebook"
)

// jointKinds may join as 联合实施单位; the value tells whether evidence is needed.
var jointKinds = map[rbac.UnitKind]bool{
	"department": false, "enterprise": true, "leading_enterprise": true, "university": true, "institute": true, "hospital": true, "rd_institution": true,
}

// JointUnit is R-010 for one unit.
func JointUnit(p *rulebook.Pack, u rbac.Unit) rulebook.Verdict {
	evidence, known := jointKinds[u.Kind]
	return p.Check("R-010", known && (!evidence || u.Evidence != ""), rulebook.Inputs{"kind": string(u.Kind), "evidence": u.Evidence != ""},
		"联合实施单位类型或条件证明缺失（第五条）：“"+u.Name+"”为"+rbac.UnitKinds[u.Kind]+"。", "请补充具备条件的证明；只有区级行业主管部门、企业、高校和科研院所可作联合实施单位。")
}
