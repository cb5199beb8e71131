package api

import (
	"bytes"
	"context"
	"io"
	"net/url"

	"github.com/danielgtaylor/huma/v2"

	"keping/experts/sheetio"
	"keping/rbac"
	"keping/rbac/store"
	"keping/reviewing"
	"keping/reviewing/paper"
	reviewstore "keping/reviewing/store"
)

type exported struct {
	name, kind string
	data       []byte
	policy     string // of a page: what it may load
}

const (
	kindJSON = "application/json"
	kindXLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	kindCSV  = "text/csv; charset=utf-8"
)

// readFile registers a read whose answer is a file.
func readFile[I any](s *Server, r row, handler func(*Reading, *I) (exported, error)) {
	op := s.operation(r)
	op.Responses = map[string]*huma.Response{"200": {Description: "文件", Content: map[string]*huma.MediaType{"application/octet-stream": {}}}}
	register(s, op, func(ctx context.Context, in *I) (*download, error) {
		asked := requestOf(ctx)
		reading := &Reading{Context: ctx, DB: s.Store.DB.Read(ctx), Actor: asked.call.Actor, Pending: asked.call.Pending}
		out, err := handler(reading, in)
		if err == nil && reading.Pending && !reading.shown {
			err = errOwed(r)
		}
		if refusal, ok := rbac.AsRefusal(err); ok {
			if err := s.refuse(ctx, asked, refusal); err != nil {
				return nil, problemOf(ctx, err)
			}
		}
		if err != nil {
			return nil, problemOf(ctx, err)
		}
		return out.download(), nil
	})
}

// discloseFile is disclose for a read whose answer is a file.
func discloseFile[I any](s *Server, r row, handler func(*store.Step, *I) (exported, error)) {
	op := s.operation(r)
	op.Responses = map[string]*huma.Response{"200": {Description: "文件", Content: map[string]*huma.MediaType{"application/octet-stream": {}}}}
	register(s, op, func(ctx context.Context, in *I) (*download, error) {
		out, err := disclosed(ctx, s, in, handler)
		if err != nil {
			return nil, err
		}
		return out.download(), nil
	})
}

// download answers as an attachment under the file's own name.
func (e exported) download() *download {
	if e.name == "" { // a page to look at
		return &download{Type: e.kind, Policy: e.policy, Body: e.data}
	}
	return &download{Type: e.kind, Disposition: "attachment; filename*=UTF-8''" + url.PathEscape(e.name), Body: e.data}
}

type exportInput struct {
	ID     string `path:"id" maxLength:"64"`
	Format string `query:"format" enum:"xlsx,csv,json" default:"xlsx"`
}

type fileInput struct {
	ID string `path:"id" maxLength:"64"`
}

func tableFile(name, format string, sheets ...sheetio.Sheet) (exported, error) {
	var out bytes.Buffer
	if format == "csv" {
		err := sheetio.WriteCSV(&out, sheets[0])
		return exported{name + ".csv", kindCSV, out.Bytes(), ""}, err
	}
	err := sheetio.WriteXLSX(&out, sheets...)
	return exported{name + ".xlsx", kindXLSX, out.Bytes(), ""}, err
}

func (s *Server) readFile(step *store.Step, in *fileInput) (exported, error) {
	row, err := s.Reviews.ReadFile(step, in.ID)
	if err != nil {
		return exported{}, err
	}
	file, err := s.Files.Open(row.SM3)
	if err != nil {
		return exported{}, err
	}
	defer file.Close()
	data, err := io.ReadAll(file)
	if err != nil || row.Cover == nil {
		return exported{row.Name, row.Kind, data, ""}, err
	}
	name, kind, made, err := paper.Copy(*row.Cover, row.Kind, data)
	return exported{name, kind, made, ""}, err
}

type marksInput struct {
	ID     string `path:"id" maxLength:"64"`
	Format string `query:"format" enum:"xlsx,csv" default:"xlsx"`
	Form   string `query:"form" enum:"long,wide" default:"long" doc:"CSV 只能装一张表：long 一行一个指标，wide 一行一份评分表"`
}

func (s *Server) exportMarks(step *store.Step, in *marksInput) (exported, error) {
	long, wide, err := s.Reviews.ExportMarks(step, in.ID)
	if err != nil {
		return exported{}, err
	}
	if in.Form == "wide" {
		long, wide = wide, long
	}
	return tableFile("marks", in.Format, long, wide)
}

func (s *Server) exportRanking(r *Reading, in *exportInput) (exported, error) {
	review, record, err := s.Reviews.RankingRecord(r, in.ID)
	if err != nil {
		return exported{}, err
	}
	if in.Format == "json" {
		return exported{"ranking-" + review.Number + ".json", kindJSON, record, ""}, nil
	}
	table, err := reviewstore.RankingTable(record)
	if err != nil {
		return exported{}, err
	}
	return tableFile("ranking-"+review.Number, in.Format, table)
}

func (s *Server) exportMatchFile(r *Reading, in *struct {
	ID   string `path:"id" maxLength:"64"`
	File string `path:"file" enum:"applications.csv,affinity.csv,conflicts.csv,shortlist-experts.csv,shortlist.csv,shortlist-certificate.json,experts.csv,lots.csv,assignment.csv,certificate.json"`
}) (exported, error) {
	data, err := s.Reviews.MatchFile(r, r.Actor, in.ID, in.File)
	return exported{in.File + ".gz", "application/gzip", data, ""}, err
}

func (s *Server) readMatch(r *Reading, in *byID) (reviewstore.MatchView, error) {
	return s.Reviews.MatchOf(r, in.ID)
}

func (s *Server) readAffinity(r *Reading, in *struct {
	ID          string `path:"id" maxLength:"64"`
	Application string `query:"application" required:"true" minLength:"1" maxLength:"40" doc:"申报编号"`
}) (Page[reviewstore.Suited], error) {
	items, err := s.Reviews.AffinityOf(r, r.Actor, in.ID, in.Application)
	return Page[reviewstore.Suited]{Items: items}, err
}

func (s *Server) readSecondOpinion(r *Reading, in *byID) (reviewstore.OpinionView, error) {
	return s.Reviews.OpinionOf(r, in.ID)
}

func (s *Server) exportSecondOpinion(r *Reading, in *struct {
	ID   string `path:"id" maxLength:"64"`
	File string `path:"file" enum:"scores.csv,costs.csv,ranking.csv,report.json"`
}) (exported, error) {
	data, err := s.Reviews.OpinionFile(r, in.ID, in.File)
	kind := kindCSV
	if in.File == "report.json" {
		kind = kindJSON
	}
	return exported{in.File, kind, data, ""}, err
}

func (s *Server) exportList(r *Reading, in *exportInput) (exported, error) {
	table, err := s.Reviews.ListTable(r, in.ID)
	if err != nil {
		return exported{}, err
	}
	return tableFile("list", in.Format, table)
}

func (s *Server) drawRecord(r *Reading, in *fileInput) (exported, error) {
	data, err := s.Reviews.DrawRecord(r, in.ID)
	return exported{"draw.json", kindJSON, data, ""}, err
}

func (s *Server) drawFrame(r *Reading, in *fileInput) (exported, error) {
	var d reviewing.Draw
	if err := r.DB.Where("id = ?", in.ID).Limit(1).Find(&d).Error; err != nil {
		return exported{}, err
	}
	if d.ID == "" {
		return exported{}, rbac.Missing("该抽取")
	}
	return exported{"frame.json", kindJSON, []byte(d.Frame), ""}, nil
}

func (s *Server) exportJournal(r *Reading, _ *struct{}) (exported, error) {
	var out bytes.Buffer
	_, err := s.Store.ExportJournal(r, &out)
	return exported{"journal.jsonl", "application/x-ndjson", out.Bytes(), ""}, err
}
