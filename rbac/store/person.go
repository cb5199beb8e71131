package store

import (
	"errors"

	"gorm.io/gorm"

	"keping/rbac"
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

// EnsurePerson finds the person behind any of the documents, or records a new
// one, and adds the documents it did not yet have. Documents of two different
// persons are refused: an officer has to merge them first.
func EnsurePerson(step *Step, name string, birthYear int, documents ...rbac.Document) (rbac.Person, error) {
	var person *rbac.Person
	missing := make([]rbac.Document, 0, len(documents))
	for _, document := range documents {
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
	} else if person.Name != name {
		return rbac.Person{}, rbac.Invalid("name", "该证件已登记在另一姓名之下，请核对姓名与证件号，或由科技局更正登记")
	}
	for _, document := range missing {
		id := step.NewID()
		now := step.Now
		row := rbac.Identity{ID: id, PersonID: person.ID, Kind: string(document.Kind), Index: step.Keys.Index(document.Key()),
			Number: step.Keys.Seal(document.Key(), "identity/"+id), ConfirmedAt: &now}
		if err := step.Create(&row).Error; err != nil {
			return rbac.Person{}, err
		}
	}
	return *person, nil
}
