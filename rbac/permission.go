package rbac

import "strings"

// Permission is "noun verb", such as "sheet submit": the row of policy.csv,
// the act in the journal (sheet.submit) and the operationId (submitSheet).
type Permission string

// Noun is the object's type.
func (p Permission) Noun() string { noun, _, _ := strings.Cut(string(p), " "); return noun }

// Verb is what is done to it.
func (p Permission) Verb() string { _, verb, _ := strings.Cut(string(p), " "); return verb }

// Act is the permission as the journal writes it.
func (p Permission) Act() string { return p.Noun() + "." + p.Verb() }

// Operation is the permission as OpenAPI names it.
func (p Permission) Operation() string {
	parts := append(strings.Split(p.Verb(), "_"), strings.Split(p.Noun(), "_")...)
	for i, part := range parts[1:] {
		parts[i+1] = strings.ToUpper(part[:1]) + part[1:]
	}
	return strings.Join(parts, "")
}

// Object is noun/id as the journal writes it; an id that is not well-formed
// (user text in a path) becomes "-".
func (p Permission) Object(id string) string {
	if !WellFormedID(id) {
		id = "-"
	}
	return p.Noun() + "/" + id
}

// WellFormedID tells an id of ours (UUID, or a short code) from user text.
func WellFormedID(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	for _, c := range id {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}
