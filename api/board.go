package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	expertstore "keping/experts/store"
	"keping/rbac"
	"keping/rbac/store"
	reviewstore "keping/reviewing/store"
)

func (s *Server) readBoard(r *Reading, in *struct {
	ID    string `path:"id" maxLength:"64"`
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"50" doc:"每页条数"`
	After string `query:"after" maxLength:"40" doc:"上一页返回的 next"`
}) (reviewstore.Board, error) {
	return s.Reviews.BoardOf(r, r.Actor, r.May, in.ID, in.After, in.Limit)
}

func (s *Server) traceSheets(r *Reading, in *struct {
	Paging
	ID string `path:"id" maxLength:"64"`
}) (Page[reviewstore.SheetTrace], error) {
	items, err := s.Reviews.TraceSheets(r, r.Actor, in.ID, in.After, in.Limit+1)
	return page(items, in.Limit, func(x reviewstore.SheetTrace) string { return x.ID }), err
}

// watch streams a review's progress as server-sent events: one at once, then
// one whenever it has changed. A stream lives for a minute only; the browser
// opens the next by itself, and is judged anew.
func watch(s *Server, r row) {
	op := s.operation(r)
	op.Responses = map[string]*huma.Response{"200": {Description: "进展事件流：event 为 progress，data 为 JSON；只有进展，没有分值", Content: map[string]*huma.MediaType{"text/event-stream": {}}}}
	register(s, op, func(ctx context.Context, in *byID) (*huma.StreamResponse, error) {
		asked := requestOf(ctx)
		read := func() (reviewstore.Progress, error) {
			reading := &Reading{Context: ctx, DB: s.Store.DB.Read(ctx), Actor: asked.call.Actor, Pending: asked.call.Pending}
			return s.Reviews.ProgressOf(reading, reading.Actor, reading.May, in.ID)
		}
		progress, err := read()
		if refusal, ok := rbac.AsRefusal(err); ok {
			if err := s.refuse(ctx, asked, refusal); err != nil {
				return nil, problemOf(ctx, err)
			}
		}
		if err != nil {
			return nil, problemOf(ctx, err)
		}
		return &huma.StreamResponse{Body: func(hctx huma.Context) {
			hctx.SetHeader("Content-Type", "text/event-stream")
			hctx.SetHeader("Cache-Control", "no-store")
			hctx.SetHeader("X-Accel-Buffering", "no")
			w := hctx.BodyWriter()
			send := func(p reviewstore.Progress) bool {
				data, err := json.Marshal(p)
				if err != nil {
					return false
				}
				if _, err := fmt.Fprintf(w, "retry: 2000\nevent: progress\ndata: %s\n\n", data); err != nil {
					return false
				}
				if f, ok := w.(http.Flusher); ok {
					f.Flush()
				}
				return true
			}
			tick, over := time.NewTicker(time.Second), time.NewTimer(time.Minute)
			defer tick.Stop()
			defer over.Stop()
			for alive := send(progress); alive; {
				select {
				case <-hctx.Context().Done():
					return
				case <-s.stopping:
					return
				case <-over.C:
					return
				case <-tick.C:
					now, err := read()
					if err != nil {
						return
					}
					if now != progress {
						progress = now
						alive = send(now)
					}
				}
			}
		}}, nil
	})
}

func (s *Server) enterSheet(step *store.Step, in *struct {
	ByID
	Body reviewstore.NewPaperMarks
}) (reviewstore.SheetView, error) {
	return s.Reviews.EnterSheet(step, in.ID, in.Body)
}

func (s *Server) confirmSheet(step *store.Step, in *marks) (reviewstore.SheetView, error) {
	return s.Reviews.ConfirmSheet(step, in.ID, in.Body)
}

func (s *Server) exportForm(step *store.Step, in *fileInput) (exported, error) {
	sheet, err := s.Reviews.SheetForm(step, in.ID)
	if err != nil {
		return exported{}, err
	}
	return tableFile("评分表", "xlsx", sheet)
}

func (s *Server) importForm(step *store.Step, in *struct {
	ByID
	Body struct {
		FileID string `json:"file_id" maxLength:"36" doc:"填好的 .xlsx 或 .csv"`
	}
}) (expertstore.Imported, error) {
	return s.Reviews.ImportSheets(step, in.ID, func() (string, []byte, error) { return s.table(step, in.Body.FileID) })
}

func (s *Server) jointEffects(r *Reading, in *byID) (Page[reviewstore.JointEffect], error) {
	items, err := s.Reviews.JointEffects(r, r.Actor, in.ID)
	return Page[reviewstore.JointEffect]{Items: items}, err
}
