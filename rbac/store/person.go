package store

import (
	"errors"
	"time"

	"gorm.io/gorm"

	"keping/configs/database"
	"keping/rbac"
	"keping/rbac/secret"
)

// FindPerson is the person behind a document, or nil.
func FindPerson(step *Step, document rbac.Document) (*rbac.Person, error) {
	var person rbac.Person
	err := step.Joins("JOIN identities ON identities.person_id = people.id").
		Where("identities.blind_index = ?", step.Keys.Index(document.Key())).Take(&person).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, nil
	}
	return &person, err
}

// Correction corrects the name under which a document is registered.
type Correction struct {
	DocumentKind string `json:"document_kind" maxLength:"20" example:"resident_id"`
	Document     string `json:"document" maxLength:"40" example:"11010519491231002X"`
	Name         string `json:"name" minLength:"1" maxLength:"50" example:"王五"`
	Reason       string `json:"reason" minLength:"5" maxLength:"500" doc:"更正的依据"`
}

// NameCorrection is a corrected name, the old one kept.
type NameCorrection struct {
	ID        string    `gorm:"primaryKey;size:36" json:"id"`
	PersonID  string    `gorm:"size:36" json:"person_id"`
	OldName   string    `gorm:"size:100" json:"old_name"`
	NewName   string    `gorm:"size:100" json:"new_name"`
	Reason    string    `gorm:"size:500" json:"reason"`
	Salt      string    `gorm:"size:64" json:"-"`
	CreatedAt time.Time `gorm:"autoCreateTime:false" json:"created_at"`
}

// CorrectPerson is an officer's word, with reason, on how a person is called.
func (s *Store) CorrectPerson(step *Step, in Correction) (NameCorrection, error) {
	document, err := rbac.ParseDocument(in.DocumentKind, in.Document)
	if err != nil {
		return NameCorrection{}, rbac.Invalid("document", "%v", err)
	}
	person, err := FindPerson(step, document)
	if err != nil {
		return NameCorrection{}, err
	}
	if person == nil {
		return NameCorrection{}, rbac.Missing("登记在该证件之下的人")
	}
	step.On(person.ID)
	c := NameCorrection{ID: step.NewID(), PersonID: person.ID, OldName: person.Name, NewName: in.Name, Reason: in.Reason, Salt: secret.Random(16), CreatedAt: step.Now}
	step.Fact("reason", Digest(c.Salt, in.Reason))
	if err := step.Create(&c).Error; err != nil {
		return c, err
	}
	return c, database.Swap(step.Tx, &rbac.Person{}, map[string]any{"id": person.ID, "name": person.Name}, map[string]any{"name": in.Name})
}

// EnsurePerson finds the person behind any of the documents, or records a new
// one, and adds the documents it did not yet have. Documents of two different
// persons are refused: an officer has to merge them first. Documents are
// confirmed when the bureau enters them, not when an applicant types them.
//
// Whose document it is the bureau is told when the name is another; an applicant
// is not, or a number found somewhere would let names be tried: the bureau meets
// the difference when it screens the application and may not accept it so.
func EnsurePerson(step *Step, confirmed bool, name string, birthYear int, documents ...rbac.Document) (rbac.Person, error) {
	for _, document := range documents {
		if err := document.Plausible(step.Now); err != nil {
			return rbac.Person{}, rbac.Invalid("document", "%v", err)
		}
	}
	var person *rbac.Person
	missing := make([]rbac.Document, 0, len(documents))
	for _, document := range documents {
		if confirmed {
			err := step.Model(&rbac.Identity{}).Where("blind_index = ? AND confirmed_at IS NULL", step.Keys.Index(document.Key())).Update("confirmed_at", step.Now).Error
			if err != nil {
				return rbac.Person{}, err
			}
		}
		found, err := FindPerson(step, document)
		switch {
		case err != nil:
			return rbac.Person{}, err
		case found == nil:
			missing = append(missing, document)
		case person != nil && person.ID != found.ID:
			return rbac.Person{}, rbac.Invalid("documents", "这些证件在系统中分属不同的人，请先核实并合并后再办理")
		default:
			person = found
		}
	}
	if person == nil {
		person = &rbac.Person{ID: step.NewID(), Name: name, BirthYear: birthYear, CreatedAt: step.Now}
		if err := step.Create(person).Error; err != nil {
			return rbac.Person{}, err
		}
	} else if person.Name != name && (confirmed || step.Call.Actor.Role.Bureau()) {
		return rbac.Person{}, rbac.Invalid("name", "姓名与证件号码不符，请核对；确属无误的，请科技局经办更正登记")
	}
	for _, document := range missing {
		id := step.NewID()
		row := rbac.Identity{ID: id, PersonID: person.ID, Kind: string(document.Kind), Index: step.Keys.Index(document.Key()),
			Number: step.Keys.Seal(document.Key(), "identity/"+id)}
		if confirmed {
			row.ConfirmedAt = &step.Now
		}
		if err := step.Create(&row).Error; err != nil {
			return rbac.Person{}, err
		}
	}
	return *person, nil
}
