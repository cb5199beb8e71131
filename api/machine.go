package api

import (
	"keping/rbac/store"
	"keping/reviewing"
	reviewstore "keping/reviewing/store"
)

// machineView is a life cycle as a table and as a Mermaid diagram.
type machineView struct {
	reviewing.Machine
	Mermaid string `json:"mermaid" doc:"状态图，Mermaid 文本"`
}

func (s *Server) listMachines(*Reading, *struct{}) (Page[machineView], error) {
	var out Page[machineView]
	for _, m := range reviewing.Machines() {
		out.Items = append(out.Items, machineView{m, m.Mermaid()})
	}
	return out, nil
}

func (s *Server) dissolveGroup(step *store.Step, in *struct {
	ByID
	Body struct {
		Kind   string `json:"kind" enum:"advisory,technical"`
		Reason string `json:"reason" minLength:"2" maxLength:"200"`
	}
}) (reviewstore.Members, error) {
	return s.Reviews.DissolveGroup(step, in.ID, in.Body.Kind, in.Body.Reason)
}
