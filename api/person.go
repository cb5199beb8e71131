package api

import (
	"keping/rbac/store"
	reviewstore "keping/reviewing/store"
)

func (s *Server) mergePeople(step *store.Step, in *struct {
	Write
	Body reviewstore.NewMerge
}) (reviewstore.Merged, error) {
	out, err := s.Reviews.MergePeople(step, in.Body)
	for _, user := range out.Users {
		step.After(s.Sessions.EndUser, user)
	}
	return out, err
}
