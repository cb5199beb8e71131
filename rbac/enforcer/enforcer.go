// Package enforcer is the only one that knows Casbin. It judges role or
// relation × object × act over the embedded policy, default deny. Decisions
// are remembered per (subject, permission): one costs microseconds to
// milliseconds, a remembered one nanoseconds, and the policy never changes
// while the program runs.
package enforcer

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/casbin/casbin/v2"
	"github.com/casbin/casbin/v2/model"

	"keping/rbac"
)

// Judge decides permissions.
type Judge struct {
	casbin   *casbin.Enforcer
	known    map[rbac.Permission]bool
	rows     []rbac.Permission
	decision sync.Map // subject + "\x00" + permission → bool
	mutex    sync.Mutex
}

// Answer says whether a role may go on.
type Answer int

// The answers.
const (
	No    Answer = iota // neither the role nor any relation of it is allowed
	Later               // a relation to the object could allow it: the act must show one
	Now                 // the role is allowed
)

// New reads model and policy; a malformed row or an unknown subject fails.
func New(modelText, policyText string) (*Judge, error) {
	m, err := model.NewModelFromString(modelText)
	if err != nil {
		return nil, err
	}
	e, err := casbin.NewEnforcer(m)
	if err != nil {
		return nil, err
	}
	e.EnableLog(false)
	j := &Judge{casbin: e, known: map[rbac.Permission]bool{}}
	for number, line := range strings.Split(policyText, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		cells := strings.Split(line, ",")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if len(cells) != 4 || cells[0] != "p" || !knownSubject(cells[1]) || cells[2] == "" || cells[3] == "" {
			return nil, fmt.Errorf("policy.csv line %d: want \"p, role or relation, object, act\", have %q", number+1, line)
		}
		added, err := e.AddPolicy(cells[1], cells[2], cells[3])
		if err != nil {
			return nil, err
		}
		if !added {
			return nil, fmt.Errorf("policy.csv line %d stands twice: %q", number+1, line)
		}
		p := rbac.Permission(cells[2] + " " + cells[3])
		if !j.known[p] {
			j.rows = append(j.rows, p)
		}
		j.known[p] = true
	}
	return j, nil
}

func knownSubject(name string) bool {
	if _, ok := rbac.RoleNames[rbac.Role(name)]; ok || rbac.Role(name) == rbac.Public || rbac.Role(name) == rbac.SignedIn {
		return true
	}
	for role := range rbac.RoleNames {
		if slices.Contains(role.Relations(), rbac.Relation(name)) {
			return true
		}
	}
	return false
}

// Known tells whether policy.csv names the permission at all.
func (j *Judge) Known(p rbac.Permission) bool { return j.known[p] }

// Permissions are those of policy.csv in its order.
func (j *Judge) Permissions() []rbac.Permission { return slices.Clone(j.rows) }

// May judges one subject, a role or a relation.
func (j *Judge) May(subject string, p rbac.Permission) bool {
	key := subject + "\x00" + string(p)
	if v, ok := j.decision.Load(key); ok {
		return v.(bool)
	}
	j.mutex.Lock()
	ok, err := j.casbin.Enforce(subject, p.Noun(), p.Verb())
	j.mutex.Unlock()
	ok = ok && err == nil
	j.decision.Store(key, ok)
	return ok
}

// Ask judges a role. Whatever the public may, every role may; whatever who is
// signed in may, every role but the public.
func (j *Judge) Ask(role rbac.Role, p rbac.Permission) Answer {
	_, granted := rbac.RoleNames[role]
	if j.May(string(role), p) || j.May(string(rbac.Public), p) || granted && j.May(string(rbac.SignedIn), p) {
		return Now
	}
	for _, relation := range role.Relations() {
		if j.May(string(relation), p) {
			return Later
		}
	}
	return No
}
