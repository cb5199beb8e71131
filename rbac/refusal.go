package rbac

import (
	"errors"
	"fmt"

	"keping/rbac/rulebook"
)

// Kind says why something is refused; api/problem.go maps it to a status.
type Kind string

// The kinds. Those the journal records are marked.
const (
	RefusedRole       Kind = "role"          // 403, journalled
	RefusedHidden     Kind = "hidden"        // 404 for an object the caller may not know of, journalled as role
	RefusedRule       Kind = "rule"          // 422, journalled
	RefusedState      Kind = "state"         // 409, journalled
	RefusedVersion    Kind = "version"       // 409, journalled
	RefusedValidation Kind = "validation"    // 422, journalled
	Unreadable        Kind = "unreadable"    // 400
	NotSignedIn       Kind = "not_signed_in" // 401
	CrossOrigin       Kind = "cross_origin"  // 403, sent by another site's page
	NotFound          Kind = "not_found"     // 404
	TooLarge          Kind = "too_large"     // 413
	MediaType         Kind = "media_type"    // 415
	Throttled         Kind = "throttled"     // 429
	Unavailable       Kind = "unavailable"   // 503
)

// Journalled tells whether refusals of this kind have a journal entry, and
// what facts.refused says there.
func (k Kind) Journalled() (string, bool) {
	switch k {
	case RefusedRole, RefusedHidden:
		return "role", true
	case RefusedRule, RefusedState, RefusedVersion, RefusedValidation:
		return string(k), true
	}
	return "", false
}

// Field is one wrong input: the field's path, and what is wrong with it.
type Field struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

// Refusal is the one error vocabulary: what is refused, why, and the way out,
// in Chinese. Anything else that reaches the surface is a fault of ours (500).
type Refusal struct {
	Kind     Kind
	Message  string
	Fields   []Field
	Verdicts []rulebook.Verdict
}

func (r *Refusal) Error() string { return string(r.Kind) + ": " + r.Message }

// Rule is the first failing rule, for the journal.
func (r *Refusal) Rule() string {
	for _, v := range r.Verdicts {
		if v.Verdict == rulebook.OutcomeFail || v.Verdict == rulebook.OutcomeUnknown {
			return v.Rule
		}
	}
	return ""
}

// Refuse makes a refusal of a kind without fields or verdicts.
func Refuse(kind Kind, format string, args ...any) *Refusal {
	return &Refusal{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// Invalid refuses one field.
func Invalid(field, format string, args ...any) *Refusal {
	message := fmt.Sprintf(format, args...)
	return &Refusal{Kind: RefusedValidation, Message: field + "：" + message, Fields: []Field{{field, message}}}
}

// Missing is the answer for an object that does not exist.
func Missing(what string) *Refusal {
	return Refuse(NotFound, "没有找到%s。请核对编号，或从列表重新进入。", what)
}

// Hidden is the answer for an object the caller may not know of: outside it
// reads the same as Missing.
func Hidden(what string) *Refusal {
	r := Missing(what)
	r.Kind = RefusedHidden
	return r
}

// AsRefusal finds the refusal in err.
func AsRefusal(err error) (*Refusal, bool) {
	var r *Refusal
	return r, errors.As(err, &r)
}

// Fields collects wrong inputs so that all are told at once.
type Fields []Field

// Check adds the field when ok is false.
func (f *Fields) Check(ok bool, field, format string, args ...any) {
	if !ok {
		*f = append(*f, Field{field, fmt.Sprintf(format, args...)})
	}
}

// Refusal is nil when nothing was wrong.
func (f Fields) Refusal() error {
	if len(f) == 0 {
		return nil
	}
	message := "填写有误：" + f[0].Field + "：" + f[0].Message
	if len(f) > 1 {
		message = fmt.Sprintf("%s（共%d处）", message, len(f))
	}
	return &Refusal{Kind: RefusedValidation, Message: message, Fields: f}
}

// Within names the fields of a refusal from the object they stand in; any
// other error is as it was.
func Within(at string, err error) error {
	r, ok := AsRefusal(err)
	if !ok || len(r.Fields) == 0 {
		return err
	}
	var inner Fields
	for _, f := range r.Fields {
		inner.Check(false, at+"."+f.Field, "%s", f.Message)
	}
	return inner.Refusal()
}
