package rbac

import (
	"strings"
	"time"

	"keping/rbac/secret"
)

// Person is a human being, decided by identity documents alone; expert
// records, users and people of applications point here.
type Person struct {
	ID        string    `gorm:"primaryKey;size:36"`
	Name      string    `gorm:"size:100"`
	BirthYear int       // 0 unknown
	CreatedAt time.Time `gorm:"autoCreateTime:false"`
}

// Identity is one document of a person. Index is the blind index of
// "kind:number"; the number itself is sealed at "identity/<id>".
type Identity struct {
	ID          string `gorm:"primaryKey;size:36"`
	PersonID    string `gorm:"size:36"`
	Kind        string `gorm:"size:20"`
	Index       string `gorm:"column:blind_index;size:64"`
	Number      secret.Sealed
	ConfirmedAt *time.Time
}

// UserState says whether a user can sign in.
type UserState string

// The states of a user.
const (
	UserInvited  UserState = "invited"  // has a one-time activation link; the person acts next
	UserActive   UserState = "active"   // signs in
	UserDisabled UserState = "disabled" // left; past acts keep their name
)

// User is a login. Phone is sealed at "user/<id>/phone", TOTP at "user/<id>/totp".
type User struct {
	ID        string `gorm:"primaryKey;size:36"`
	Login     string `gorm:"size:64"` // unique, lower case
	Name      string `gorm:"size:100"`
	PersonID  string `gorm:"size:36"` // "" for staff without a person record
	UnitID    string `gorm:"size:36"`
	Mail      string `gorm:"size:200"`
	Phone     secret.Sealed
	Password  string `gorm:"size:200"` // argon2id; "" until activated
	TOTP      secret.Sealed
	TOTPStep  int64     // last used 30-second step: a code works once
	State     UserState `gorm:"size:20"`
	Version   int
	CreatedAt time.Time `gorm:"autoCreateTime:false"`
}

// Grant gives a user a role; a row that ended stays.
type Grant struct {
	ID        string `gorm:"primaryKey;size:36"`
	UserID    string `gorm:"size:36"`
	Role      Role   `gorm:"size:20"`
	GrantedBy string `gorm:"size:64"`
	GrantedAt time.Time
	EndedAt   *time.Time
}

// Link is a one-time link: it dies on use, on expiry and when what it is for
// ends. Only the digest of its token is kept.
type Link struct {
	ID        string    `gorm:"primaryKey;size:36"`
	TokenHash string    `gorm:"size:64"`
	Purpose   LinkKind  `gorm:"size:20"`
	UserID    string    `gorm:"size:36"`
	Object    string    `gorm:"size:100"` // what an invitation is about: "invitation/<id>"
	CreatedAt time.Time `gorm:"autoCreateTime:false"`
	ExpiresAt time.Time
	UsedAt    *time.Time
}

// LinkKind says what a link is good for.
type LinkKind string

// The kinds of links.
const (
	LinkActivation LinkKind = "activation"
	LinkReset      LinkKind = "reset"
	LinkInvitation LinkKind = "invitation"
)

// File is an uploaded file; its bytes lie in configs/files under SM3.
type File struct {
	ID        string `gorm:"primaryKey;size:36"`
	Name      string `gorm:"size:255"`
	Size      int64
	SM3       string    `gorm:"column:sm3;size:64"`
	Kind      string    `gorm:"size:100"` // content type found by sniffing, not the one claimed
	Owner     string    `gorm:"size:36"`  // user id
	Object    string    `gorm:"size:100"` // what it is attached to, "" until then
	CreatedAt time.Time `gorm:"autoCreateTime:false"`
}

// ApplicationID is the application the file is attached to, or "".
func (f File) ApplicationID() string {
	id, ok := strings.CutPrefix(f.Object, "application/")
	if !ok {
		return ""
	}
	return id
}
