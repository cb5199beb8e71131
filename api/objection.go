package api

import (
	"context"
	"fmt"

	"keping/rbac"
	"keping/rbac/store"
	"keping/reviewing"
	reviewstore "keping/reviewing/store"
)

type lodgeObjection struct {
	ByID
	evidence []store.Proof
	Body     struct {
		reviewstore.NewObjection
		Evidence []attachment `json:"evidence,omitempty" maxItems:"5" doc:"所附依据；以后补充的，连同原文再提交一次即可"`
	}
}

// prepare keeps the evidence before the act begins. Nobody is signed in, so an
// address may send evidence only as often as it may try to sign in.
func (in *lodgeObjection) prepare(ctx context.Context, s *Server, _ rbac.Actor) error {
	if len(in.Body.Evidence) == 0 {
		return nil
	}
	if err := s.Sessions.Throttle.SignIn(ctx, "objection:"+requestOf(ctx).address, "objection:"+in.ID); err != nil {
		return err
	}
	for i, file := range in.Body.Evidence {
		proof, err := s.keep(fmt.Sprintf("evidence[%d]", i), file, reviewing.ADocument, "PDF、DOCX、PNG或JPEG")
		if err != nil {
			return err
		}
		in.evidence = append(in.evidence, proof)
	}
	return nil
}

func (s *Server) lodgeObjection(step *store.Step, in *lodgeObjection) (reviewstore.Lodged, error) {
	return s.Reviews.LodgeObjection(step, in.ID, in.Body.NewObjection, in.evidence)
}

func (s *Server) listObjections(r *Reading, in *struct{ Paging }) (Page[reviewing.Objection], error) {
	return list(r, in.Paging, func(o reviewing.Objection) string { return o.ID }, "")
}

type decided struct {
	ByID
	Body struct {
		Answer string `json:"answer" minLength:"2" maxLength:"5000" doc:"理由或答复"`
	}
}

func (s *Server) decideObjection(decision string) func(*store.Step, *decided) (reviewstore.Lodged, error) {
	return func(step *store.Step, in *decided) (reviewstore.Lodged, error) {
		return s.Reviews.DecideObjection(step, in.ID, decision, in.Body.Answer)
	}
}
