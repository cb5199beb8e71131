package store

import (
	"errors"

	"gorm.io/gorm"

	"keping/rbac"
)

// FileView is an uploaded file without who owns it.
type FileView struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Size int64  `json:"size"`
	SM3  string `json:"sm3"`
	Kind string `json:"kind"`
}

// CreateFile records an uploaded file; the bytes are already kept.
func (s *Store) CreateFile(step *Step, name, kind, digest string, size int64) (FileView, error) {
	f := rbac.File{ID: step.NewID(), Name: name, Size: size, SM3: digest, Kind: kind, Owner: step.Call.Actor.User, CreatedAt: step.Now}
	step.On(f.ID)
	step.Fact("sm3", digest)
	step.Fact("size", size)
	return FileView{f.ID, f.Name, f.Size, f.SM3, f.Kind}, step.Create(&f).Error
}

// OwnFile is a file the actor has uploaded.
func OwnFile(step *Step, id string) (rbac.File, error) {
	var f rbac.File
	err := step.Take(&f, "id = ? AND owner = ?", id, step.Call.Actor.User).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return f, rbac.Invalid("file_id", "没有这个文件，请先上传")
	}
	return f, err
}

// TieFile ties an uploaded file of the actor's own to what it belongs to: from
// then on who may read that may read it. One that belongs there already stays.
func TieFile(step *Step, id, object, field string) error {
	done := step.Model(&rbac.File{}).Where("id = ? AND (owner = ? AND object = '' OR object = ?)", id, step.Call.Actor.User, object).Update("object", object)
	if done.Error == nil && done.RowsAffected != 1 {
		return rbac.Invalid(field, "没有这个文件，请先上传")
	}
	return done.Error
}
