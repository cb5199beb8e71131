package api

import (
	"context"

	"keping/rbac"
	"keping/rbac/store"
	"keping/reviewing"
	reviewstore "keping/reviewing/store"
)

func (s *Server) arrangeMeeting(step *store.Step, in *struct {
	ByID
	Body reviewstore.Arrangement
}) (reviewing.Review, error) {
	return s.Reviews.ArrangeMeeting(step, in.ID, in.Body)
}

func (s *Server) signInCode(_ *Reading, in *byID) (reviewstore.SignInCode, error) {
	return s.Reviews.SignInCodeOf(in.ID), nil
}

func (s *Server) signIn(step *store.Step, in *struct {
	ByID
	Body struct {
		Code string `json:"code" pattern:"^[0-9]{6}$" doc:"会场公布的六位签到码" example:"482913"`
	}
}) ([]reviewing.Seat, error) {
	return s.Reviews.SignIn(step, in.ID, in.Body.Code)
}

func (s *Server) recordAttendance(step *store.Step, in *ByID) (reviewing.Seat, error) {
	return s.Reviews.RecordAttendance(step, in.ID)
}

func (s *Server) recordAbsence(step *store.Step, in *struct {
	ByID
	Body struct {
		ApplicationID string `json:"application_id" maxLength:"36"`
		Reason        string `json:"reason" minLength:"2" maxLength:"500"`
	}
}) (reviewing.Declaration, error) {
	return s.Reviews.RecordAbsence(step, in.ID, in.Body.ApplicationID, in.Body.Reason)
}

func (s *Server) remind(step *store.Step, in *ByID) (reviewstore.Reminded, error) {
	return s.Reviews.Remind(step, in.ID)
}

func (s *Server) pauseReview(step *store.Step, in *reasoned) (reviewing.Review, error) {
	return s.Reviews.PauseReview(step, in.ID, in.Body.Reason)
}

func (s *Server) resumeReview(step *store.Step, in *ByID) (reviewing.Review, error) {
	return s.Reviews.ResumeReview(step, in.ID)
}

func (s *Server) returnSheet(step *store.Step, in *reasoned) (reviewstore.SheetView, error) {
	return s.Reviews.ReturnSheet(step, in.ID, in.Body.Reason)
}

func (s *Server) askRedo(step *store.Step, in *reasoned) (reviewing.Review, error) {
	return s.Reviews.AskRedo(step, in.ID, in.Body.Reason)
}

func (s *Server) decideRedo(approve bool) func(*store.Step, *ByID) (reviewing.Review, error) {
	return func(step *store.Step, in *ByID) (reviewing.Review, error) {
		return s.Reviews.DecideRedo(step, in.ID, approve)
	}
}

func (s *Server) recordNotSigned(step *store.Step, in *reasoned) (reviewing.Seat, error) {
	return s.Reviews.RecordNotSigned(step, in.ID, in.Body.Reason)
}

type signReview struct {
	ByID
	Body struct {
		Password string `json:"password" minLength:"1" maxLength:"200" doc:"签署须再次输入密码"`
		Dissent  string `json:"dissent,omitempty" maxLength:"2000" doc:"保留意见，随组长意见一并存档"`
	}
}

func (in *signReview) prepare(ctx context.Context, s *Server, actor rbac.Actor) error {
	return s.Store.ConfirmPassword(ctx, actor.User, in.Body.Password)
}

func (s *Server) signReview(step *store.Step, in *signReview) (reviewing.Review, error) {
	return s.Reviews.SignReview(step, in.ID, in.Body.Dissent)
}

func (s *Server) declareInterest(step *store.Step, in *struct {
	Write
	Body reviewstore.NewInterest
}) (reviewstore.Interest, error) {
	return s.Reviews.DeclareInterest(step, in.Body)
}
