package api

import (
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"keping/rbac"
	"keping/rbac/store"
)

type uploadFile struct {
	Write
	RawBody huma.MultipartFormFiles[struct {
		File huma.FormFile `form:"file" required:"true" doc:"要上传的文件"`
	}]
}

// createFile keeps an upload; its kind is found by its content.
func (s *Server) createFile(step *store.Step, in *uploadFile) (store.FileView, error) {
	form := in.RawBody.Data()
	defer form.File.Close()
	head := make([]byte, 512)
	n, err := io.ReadFull(form.File, head)
	if err != nil && err != io.ErrUnexpectedEOF && err != io.EOF {
		return store.FileView{}, rbac.Refuse(rbac.Unreadable, "上传的文件无法读取，请重试。")
	}
	kind := http.DetectContentType(head[:n])
	if _, err := form.File.Seek(0, io.SeekStart); err != nil {
		return store.FileView{}, err
	}
	name := strings.TrimSpace(filepath.Base(strings.ReplaceAll(form.File.Filename, `\`, "/")))
	if !utf8.ValidString(name) || name == "." || name == "/" || len([]rune(name)) > 100 || strings.ContainsFunc(name, func(r rune) bool { return r < 0x20 }) {
		return store.FileView{}, rbac.Invalid("file", "文件名为空、过长或有控制字符，请改名后再上传")
	}
	digest, size, err := s.Files.Put(form.File, s.cfg.Limits.UploadBytes)
	if err != nil {
		if size > s.cfg.Limits.UploadBytes {
			return store.FileView{}, rbac.Refuse(rbac.TooLarge, "文件超过允许的%d兆字节，请压缩或拆分后再上传", s.cfg.Limits.UploadBytes>>20)
		}
		return store.FileView{}, err
	}
	if size == 0 {
		return store.FileView{}, rbac.Invalid("file", "文件是空的")
	}
	return s.Store.CreateFile(step, name, kind, digest, size)
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
	Body        []byte
}
