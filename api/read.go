package api

import (
	"keping/rbac"
	"keping/rbac/store"
	"keping/reviewing"
	reviewstore "keping/reviewing/store"
)

// byID is the input of every read of one object.
type byID struct {
	ID string `path:"id" maxLength:"64" doc:"编号"`
}

func (s *Server) readExpert(r *Reading, in *byID) (reviewstore.ExpertView, error) {
	return s.Reviews.ExpertOf(r, in.ID)
}

func (s *Server) readProgramme(r *Reading, in *byID) (reviewstore.ProgrammeView, error) {
	return s.Reviews.ProgrammeOf(r, in.ID)
}

// readGuide shows everybody what is published; drafts only to the bureau.
func (s *Server) readGuide(r *Reading, in *byID) (reviewing.Guide, error) {
	g, err := s.Reviews.GuideOf(r, in.ID)
	if err == nil && g.State != reviewing.GuidePublished && !seesDrafts(r.Actor.Role) {
		return reviewing.Guide{}, rbac.Missing("该指南")
	}
	return g, err
}

func (s *Server) readApplication(r *Reading, in *byID) (reviewstore.ApplicationView, error) {
	return s.Reviews.ApplicationOf(r, r.Actor, r.May, in.ID)
}

func (s *Server) readReview(r *Reading, in *byID) (reviewstore.ReviewView, error) {
	return s.Reviews.ReviewOf(r, r.Actor, r.May, in.ID)
}

func (s *Server) readSheet(r *Reading, in *byID) (reviewstore.SheetForm, error) {
	return s.Reviews.SheetOf(r, r.Actor, r.May, in.ID)
}

func (s *Server) readDraw(r *Reading, in *byID) (reviewstore.DrawView, error) {
	return s.Reviews.DrawOf(r, in.ID)
}

func (s *Server) readList(r *Reading, in *byID) (reviewstore.ListView, error) {
	return s.Reviews.ListOf(r, r.Actor, r.May, in.ID)
}

func (s *Server) readObjection(step *store.Step, in *byID) (reviewstore.ObjectionView, error) {
	return s.Reviews.ReadObjection(step, in.ID)
}
