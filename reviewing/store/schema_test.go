package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"keping/configs/database/databasetest"
	"keping/experts"
	expertstore "keping/experts/store"
	"keping/reviewing"
)

func TestSchema(t *testing.T) {
	db := databasetest.Open(t, time.Now)
	seen := databasetest.Schema(t, db.Read(t.Context()), &experts.Expert{}, &reviewing.Reason{}, &reviewing.Programme{}, &reviewing.Group{}, &reviewing.Membership{}, &reviewing.Guide{},
		&reviewing.Application{}, &reviewing.ApplicationPerson{}, &reviewing.ApplicationUnit{}, &reviewing.Review{}, &reviewing.Ranking{}, &reviewing.Result{}, &reviewing.SecondOpinion{}, &reviewing.MatchFile{}, &reviewing.Draw{}, &reviewing.FrameCode{}, &reviewing.Seat{},
		&reviewing.Declaration{}, &reviewing.JointSeat{}, &reviewing.JointSheet{}, &reviewing.Sheet{}, &reviewing.AwardList{}, &reviewing.Conclusion{}, &reviewing.Objection{}, &ConflictDecision{}, &Distinction{}, &Interest{}, &TieVote{},
		&reviewing.RunningProject{}, &reviewing.RunningProjectPerson{}, &experts.PastService{}, &experts.Nomination{}, &experts.Nominee{}, &experts.NominationObjection{}, &experts.Conduct{}, &experts.Approach{}, &experts.Appeal{},
		&expertstore.ExpertField{}, &expertstore.Keyword{}, &expertstore.ExpertUnit{}, &expertstore.ExpertAbsence{})
	assert.Len(t, seen, 41)
}
