package api

import (
	"context"

	"keping/rbac"
	"keping/rbac/store"
	"keping/reviewing"
	reviewstore "keping/reviewing/store"
)

func (s *Server) checkConflicts(r *Reading, in *struct {
	Body struct {
		ProgrammeID    string   `json:"programme_id" maxLength:"36"`
		ExpertIDs      []string `json:"expert_ids,omitempty" maxItems:"1000" doc:"不填即全库"`
		ApplicationIDs []string `json:"application_ids,omitempty" maxItems:"1000" doc:"不填即全年度"`
	}
}) (reviewstore.Conflicts, error) {
	return s.Reviews.ConflictsOf(r, in.Body.ProgrammeID, in.Body.ExpertIDs, in.Body.ApplicationIDs)
}

func (s *Server) decideConflict(step *store.Step, in *struct {
	Write
	Body reviewstore.NewDecision
}) (reviewstore.ConflictDecision, error) {
	return s.Reviews.DecideConflict(step, in.Body)
}

func (s *Server) createReview(step *store.Step, in *struct {
	Write
	Body reviewstore.NewReview
}) (reviewing.Review, error) {
	return s.Reviews.CreateReview(step, in.Body)
}

// listReviews shows the bureau all, an expert and a joint unit the own.
func (s *Server) listReviews(r *Reading, in *struct {
	Paging
	GuideID string `query:"guide_id" maxLength:"36"`
	State   string `query:"state" enum:"preparing,frozen,drawn,composed,marking,discussing,closed,void"`
	Q       string `query:"q" maxLength:"50" doc:"名称或编号中的文字"`
}) (Page[reviewing.Review], error) {
	where, args := "1 = 1", []any{}
	switch r.Actor.Role {
	case rbac.Expert:
		where, args = "id IN (SELECT review_id FROM seats WHERE person_id = ? AND person_id <> '' AND state IN ('accepted', 'pledged'))", []any{r.Actor.Person}
	case rbac.JointUnit:
		where, args = "id IN (SELECT review_id FROM joint_seats WHERE unit_id = ? AND unit_id <> '')", []any{r.Actor.Unit}
	}
	r.shown = true // the filter is the relation
	for column, value := range map[string]string{"guide_id": in.GuideID, "state": in.State} {
		if value != "" {
			where, args = where+" AND "+column+" = ?", append(args, value)
		}
	}
	if in.Q != "" {
		where += " AND (title" + store.Like + " OR number" + store.Like + ")"
		args = append(args, store.Containing(in.Q), store.Containing(in.Q))
	}
	p, err := list(r, in.Paging, func(x reviewing.Review) string { return x.ID }, where, args...)
	if err == nil && r.Actor.Role == rbac.JointUnit {
		p.Items, err = s.Reviews.OwnSlots(r, r.Actor, p.Items)
	}
	return p, err
}

func (s *Server) checkFeasibility(r *Reading, in *struct {
	ID string `path:"id" maxLength:"64"`
}) (reviewstore.Feasibility, error) {
	return s.Reviews.FeasibilityOf(r, in.ID)
}

func (s *Server) freezeFrame(step *store.Step, in *ByID) (reviewstore.FrameView, error) {
	return s.Reviews.FreezeFrame(step, in.ID)
}

func (s *Server) createOrder(step *store.Step, in *ByID) (reviewstore.FrameView, error) {
	return s.Reviews.CreateOrder(step, in.ID)
}

func (s *Server) commitDraw(step *store.Step, in *struct {
	ByID
	Body struct {
		Commitment string `json:"commitment" pattern:"^[0-9a-f]{64}$" doc:"H(commit + frame + holder + 秘密)，由持有人自己的程序算出"`
	}
}) (reviewstore.DrawView, error) {
	return s.Reviews.CommitDraw(step, in.ID, in.Body.Commitment)
}

func (s *Server) revealDraw(step *store.Step, in *struct {
	ByID
	Body struct {
		Secret string `json:"secret" minLength:"32" maxLength:"200" doc:"承诺所用的秘密"`
	}
}) (reviewstore.DrawView, error) {
	return s.Reviews.RevealDraw(step, in.ID, in.Body.Secret)
}

func (s *Server) voidDraw(step *store.Step, in *reasoned) (reviewstore.DrawView, error) {
	return s.Reviews.VoidDraw(step, in.ID, in.Body.Reason)
}

type replyInvitation struct {
	Write
	Body reviewstore.Reply
	hash string
}

func (in *replyInvitation) prepare(ctx context.Context, s *Server, _ rbac.Actor) (err error) {
	in.hash, err = s.hashFor(ctx, in.Body.Token, in.Body.Password)
	return err
}

func (s *Server) replyInvitation(step *store.Step, in *replyInvitation) (reviewstore.Replied, error) {
	return s.Reviews.ReplyInvitation(step, in.Body, in.hash)
}

func (s *Server) replaceSeat(step *store.Step, in *reasoned) (reviewstore.Replied, error) {
	return s.Reviews.ReplaceSeat(step, in.ID, in.Body.Reason)
}

func (s *Server) appointSeat(step *store.Step, in *struct {
	ByID
	Body reviewstore.NewAppointment
}) (reviewstore.Replied, error) {
	return s.Reviews.AppointSeat(step, in.ID, in.Body)
}

func (s *Server) listSeats(r *Reading, in *struct {
	ID string `path:"id" maxLength:"64"`
}) (Page[reviewstore.SeatView], error) {
	items, err := s.Reviews.SeatsOf(r, r.Actor, r.May, in.ID)
	return Page[reviewstore.SeatView]{Items: items}, err
}

func (s *Server) listReasons(r *Reading, in *struct {
	Paging
	ID string `path:"id" maxLength:"64"`
}) (Page[reviewing.Reason], error) {
	items, err := s.Reviews.ReasonsOf(r, in.ID, in.After, in.Limit+1)
	return page(items, in.Limit, func(x reviewing.Reason) string { return x.ID }), err
}

func (s *Server) confirmPanel(step *store.Step, in *ByID) (reviewing.Review, error) {
	return s.Reviews.ConfirmPanel(step, in.ID)
}

type signed struct {
	ByID
	Body struct {
		Password string `json:"password" minLength:"1" maxLength:"200" doc:"签署须再次输入密码"`
	}
}

func (in *signed) prepare(ctx context.Context, s *Server, actor rbac.Actor) error {
	return s.Store.ConfirmPassword(ctx, actor.User, in.Body.Password)
}

func (s *Server) pledgeSeat(step *store.Step, in *signed) ([]reviewing.Seat, error) {
	return s.Reviews.PledgeSeat(step, in.ID)
}

func (s *Server) createDeclaration(step *store.Step, in *struct {
	ByID
	Body reviewstore.NewDeclaration
}) (reviewing.Declaration, error) {
	return s.Reviews.CreateDeclaration(step, in.ID, in.Body)
}

func (s *Server) approveDeclaration(step *store.Step, in *ByID) (reviewing.Declaration, error) {
	return s.Reviews.DecideDeclaration(step, in.ID, true)
}

func (s *Server) rejectDeclaration(step *store.Step, in *ByID) (reviewing.Declaration, error) {
	return s.Reviews.DecideDeclaration(step, in.ID, false)
}

func (s *Server) listDeclarations(r *Reading, in *struct {
	ID string `path:"id" maxLength:"64"`
	Paging
}) (Page[reviewing.Declaration], error) {
	return list(r, in.Paging, func(d reviewing.Declaration) string { return d.ID }, "review_id = ?", in.ID)
}

func (s *Server) readDeclaration(step *store.Step, in *byID) (reviewstore.DeclarationView, error) {
	return s.Reviews.ReadDeclaration(step, in.ID)
}

func (s *Server) startMarking(step *store.Step, in *ByID) (reviewing.Review, error) {
	return s.Reviews.StartMarking(step, in.ID)
}

type chooseSeat struct {
	ByID
	Body struct {
		SeatID string `json:"seat_id" maxLength:"36"`
	}
}

func (s *Server) voteChair(step *store.Step, in *chooseSeat) (reviewing.Review, error) {
	return s.Reviews.VoteChair(step, in.ID, in.Body.SeatID)
}

func (s *Server) appointChair(step *store.Step, in *chooseSeat) (reviewing.Review, error) {
	return s.Reviews.AppointChair(step, in.ID, in.Body.SeatID)
}

type participation struct {
	ByID
	Body struct {
		reviewstore.Participation
		Password string `json:"password" minLength:"1" maxLength:"200" doc:"签署须再次输入密码"`
	}
}

func (in *participation) prepare(ctx context.Context, s *Server, actor rbac.Actor) error {
	return s.Store.ConfirmPassword(ctx, actor.User, in.Body.Password)
}

func (s *Server) takePart(step *store.Step, in *participation) (reviewing.JointSeat, error) {
	return s.Reviews.TakePart(step, in.ID, in.Body.Participation)
}

func (s *Server) listPapers(r *Reading, in *struct {
	ID string `path:"id" maxLength:"64"`
}) (Page[reviewstore.Paper], error) {
	items, err := s.Reviews.PapersOf(r, r.Actor, r.May, in.ID)
	return Page[reviewstore.Paper]{Items: items}, err
}

func (s *Server) listSheets(r *Reading, in *struct {
	ReviewID string `query:"review_id" required:"true" maxLength:"36"`
}) (Page[reviewstore.SheetView], error) {
	items, err := s.Reviews.SheetsOf(r, r.Actor, r.May, in.ReviewID)
	return Page[reviewstore.SheetView]{Items: items}, err
}

func (s *Server) recordTieVote(step *store.Step, in *struct {
	ByID
	Body reviewstore.NewTieVote
}) (reviewstore.TieVote, error) {
	return s.Reviews.RecordTieVote(step, in.ID, in.Body)
}

func (s *Server) readMarks(step *store.Step, in *byID) (reviewstore.Summary, error) {
	return s.Reviews.SummaryOf(step, in.ID)
}

type marks struct {
	ByID
	Body reviewstore.NewMarks
}

func (s *Server) saveSheet(step *store.Step, in *marks) (reviewstore.SheetView, error) {
	return s.Reviews.SaveSheet(step, in.ID, in.Body)
}

func (s *Server) submitSheet(step *store.Step, in *marks) (reviewstore.SheetView, error) {
	return s.Reviews.SubmitSheet(step, in.ID, in.Body)
}

func (s *Server) reviseSheet(step *store.Step, in *marks) (reviewstore.SheetView, error) {
	return s.Reviews.ReviseSheet(step, in.ID, in.Body)
}

func (s *Server) openMarks(step *store.Step, in *ByID) (reviewing.Review, error) {
	return s.Reviews.OpenMarks(step, in.ID)
}

func (s *Server) writeOpinion(step *store.Step, in *struct {
	ByID
	Body reviewing.Opinion
}) (reviewing.Review, error) {
	return s.Reviews.WriteOpinion(step, in.ID, in.Body)
}

func (s *Server) closeReview(step *store.Step, in *ByID) (reviewing.Review, error) {
	return s.Reviews.CloseReview(step, in.ID)
}

func (s *Server) voidReview(step *store.Step, in *reasoned) (reviewing.Review, error) {
	return s.Reviews.VoidReview(step, in.ID, in.Body.Reason)
}

func (s *Server) createList(step *store.Step, in *struct {
	Write
	Body struct {
		GuideID string `json:"guide_id" maxLength:"36"`
		Reason  string `json:"reason,omitempty" maxLength:"500" doc:"另行生成新版本的理由"`
	}
}) (reviewing.AwardList, error) {
	return s.Reviews.CreateList(step, in.Body.GuideID, in.Body.Reason)
}

func (s *Server) adjustList(step *store.Step, in *struct {
	ByID
	Body struct {
		Version int                  `json:"version" minimum:"1"`
		Choices []reviewstore.Choice `json:"choices" minItems:"1" maxItems:"200"`
	}
}) (reviewing.AwardList, error) {
	return s.Reviews.AdjustList(step, in.ID, in.Body.Version, in.Body.Choices)
}

func (s *Server) recordConclusion(step *store.Step, in *struct {
	ByID
	Body reviewstore.NewConclusion
}) (reviewing.Conclusion, error) {
	return s.Reviews.RecordConclusion(step, in.ID, in.Body)
}

func (s *Server) deliberateList(step *store.Step, in *ByID) (reviewing.AwardList, error) {
	return s.Reviews.DeliberateList(step, in.ID)
}

func (s *Server) publiciseList(step *store.Step, in *ByID) (reviewing.AwardList, error) {
	return s.Reviews.PubliciseList(step, in.ID)
}

func (s *Server) confirmList(step *store.Step, in *ByID) (reviewing.AwardList, error) {
	return s.Reviews.ConfirmList(step, in.ID)
}

func (s *Server) listLists(r *Reading, in *struct{ Paging }) (Page[reviewing.AwardList], error) {
	key := func(l reviewing.AwardList) string { return l.ID }
	if r.Actor.Role != rbac.JointUnit {
		return list(r, in.Paging, key, "")
	}
	r.shown = true // the filter is the relation
	guides := "guide_id IN (SELECT a.guide_id FROM applications a JOIN application_units u ON u.application_id = a.id WHERE u.role = 'joint' AND u.unit_id = ? AND u.unit_id <> '')"
	found, err := list(r, in.Paging, key, guides, r.Actor.Unit)
	for i := range found.Items {
		if err == nil {
			found.Items[i].Lines, err = s.Reviews.OwnLines(r, r.Actor, found.Items[i].Lines)
		}
	}
	return found, err
}

func (s *Server) listPublicities(r *Reading, in *struct{ Paging }) (Page[reviewstore.Publicity], error) {
	items, err := s.Reviews.Publicities(r, in.After, in.Limit+1)
	return page(items, in.Limit, func(p reviewstore.Publicity) string { return p.ID }), err
}

func (s *Server) listCheckpoints(r *Reading, in *struct{ Paging }) (Page[store.CheckpointView], error) {
	items, err := s.Store.Checkpoints(r, in.After, in.Limit+1)
	return page(items, in.Limit, func(c store.CheckpointView) string { return c.ID }), err
}

func (s *Server) listJournal(r *Reading, in *struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	After  int64  `query:"after" minimum:"0"`
	Object string `query:"object" maxLength:"130"`
}) (Page[store.EntryView], error) {
	items, err := s.Store.Entries(r, in.Object, in.After, in.Limit)
	return Page[store.EntryView]{Items: items}, err
}
