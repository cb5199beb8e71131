package api

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gabriel-vasile/mimetype"

	"keping/configs/files"
	"keping/rbac"
	"keping/rbac/store"
)

type uploadFile struct {
	Write
	RawBody huma.MultipartFormFiles[struct {
		File huma.FormFile `form:"file" required:"true" doc:"要上传的文件"`
	}]
	name, kind, digest string
	size               int64
}

// prepare keeps the bytes before the act begins; a row that never comes leaves
// bytes nobody can name.
func (in *uploadFile) prepare(_ context.Context, s *Server, _ rbac.Actor) error {
	file := in.RawBody.Data().File
	defer file.Close()
	kind, err := mimetype.DetectReader(file) // by content, whatever is claimed
	if err != nil {
		return rbac.Refuse(rbac.Unreadable, "上传的文件无法读取，请重试。")
	}
	in.kind = kind.String()
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	in.name, err = rbac.OneLine(filepath.Base(strings.ReplaceAll(file.Filename, `\`, "/")))
	switch {
	case !utf8.ValidString(in.name) || in.name == "" || in.name == "." || in.name == "/" || len([]rune(in.name)) > 100:
		return rbac.Invalid("file", "文件名为空、过长或不是合法的UTF-8文字，请改名后再上传")
	case err != nil:
		return rbac.Invalid("file", "文件名%v", err)
	}
	in.digest, in.size, err = s.Files.Put(file, s.cfg.Limits.UploadBytes)
	switch {
	case errors.Is(err, files.ErrTooLarge):
		return rbac.Refuse(rbac.TooLarge, "文件超过允许的%d兆字节，请压缩或拆分后再上传", s.cfg.Limits.UploadBytes>>20)
	case err == nil && in.size == 0:
		return rbac.Invalid("file", "文件“%s”是空的，请核对后再上传", in.name)
	}
	return err
}

// attachment is a small file sent within a request by who is not signed in.
type attachment struct {
	Name string `json:"name" minLength:"1" maxLength:"100" doc:"文件名" example:"查新报告.pdf"`
	Data string `json:"data" minLength:"1" doc:"文件内容，base64" example:"JVBERi0xLjQK"`
}

// keep stores an attachment whose bytes are of an accepted kind; field names it
// in refusals.
func (s *Server) keep(field string, in attachment, accepted func(kind string) bool, kinds string) (store.Proof, error) {
	data, err := base64.StdEncoding.DecodeString(in.Data)
	if err != nil || len(data) == 0 {
		return store.Proof{}, rbac.Invalid(field, "不是base64编码的文件内容")
	}
	kind := mimetype.Detect(data).String()
	if !accepted(kind) {
		return store.Proof{}, rbac.Invalid(field, "证明文件应为%s", kinds)
	}
	name := strings.TrimSpace(filepath.Base(strings.ReplaceAll(in.Name, `\`, "/")))
	if name == "." || name == "/" || strings.ContainsFunc(name, func(r rune) bool { return r < 0x20 }) {
		return store.Proof{}, rbac.Invalid(field, "文件名为空或有控制字符")
	}
	proof := store.Proof{Name: name, Kind: kind}
	proof.Digest, proof.Size, err = s.Files.Put(bytes.NewReader(data), s.cfg.Limits.BodyBytes)
	return proof, err
}

func (s *Server) createFile(step *store.Step, in *uploadFile) (store.FileView, error) {
	return s.Store.CreateFile(step, in.name, in.kind, in.digest, in.size)
}

const maxTable = 20 << 20

// table reads an uploaded table of the actor's own.
func (s *Server) table(step *store.Step, id string) (name string, data []byte, err error) {
	f, err := store.OwnFile(step, id)
	if err != nil {
		return "", nil, err
	}
	if f.Size > maxTable {
		return "", nil, rbac.Invalid("file_id", "表格超过%d兆字节，请拆分后再导入", maxTable>>20)
	}
	file, err := s.Files.Open(f.SM3)
	if err != nil {
		return "", nil, err
	}
	defer file.Close()
	data, err = io.ReadAll(file)
	return f.Name, data, err
}

type importTable struct {
	Write
	Body struct {
		FileID string `json:"file_id" maxLength:"36" doc:"已上传的 .xlsx 或 .csv"`
	}
}

type importApplications struct {
	Write
	Body struct {
		GuideID string `json:"guide_id" maxLength:"36"`
		FileID  string `json:"file_id" maxLength:"36" doc:"已上传的 .xlsx 或 .csv"`
	}
}

// download is the answer of an export.
type download struct {
	Type        string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Policy      string `header:"Content-Security-Policy"`
	Body        []byte
}
