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

func (s *Server) handOver(step *store.Step, in *struct {
	ByID
	Body reviewstore.NewHandOver
}) (reviewstore.HandedOver, error) {
	step.After(s.Sessions.EndUser, in.ID)
	return s.Reviews.HandOver(step, in.ID, in.Body)
}

func (s *Server) erasePerson(step *store.Step, in *struct {
	ByID
	Body reviewstore.NewErasure
}) (reviewstore.Erasure, error) {
	out, err := s.Reviews.ErasePerson(step, in.ID, in.Body)
	for _, user := range out.Users {
		step.After(s.Sessions.EndUser, user)
	}
	return out, err
}

func (s *Server) findPerson(step *store.Step, in *struct{ Body reviewstore.PersonQuery }) (reviewstore.PersonFound, error) {
	return s.Reviews.FindPerson(step, in.Body)
}
