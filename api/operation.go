package api

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"gorm.io/gorm"

	"keping/rbac"
	"keping/rbac/enforcer"
	"keping/rbac/rulebook"
	"keping/rbac/store"
)

// Write is embedded by the input of every write. A dry run checks everything
// and changes nothing; a key makes a repeated request the same act.
type Write struct {
	Dry bool   `query:"dry_run" doc:"只校验，不执行"`
	Key string `header:"Idempotency-Key" maxLength:"100" doc:"幂等键：同一键的重复请求只执行一次，24小时内返回首次结果"`
}

func (w *Write) asked() *Write { return w }

type writing interface{ asked() *Write }

// preparing inputs do slow work that needs no transaction, such as password
// hashing, before the act begins: one writer at a time must not wait for it.
type preparing interface {
	prepare(ctx context.Context, s *Server, actor rbac.Actor) error
}

// Written is the answer of a write.
type Written[O any] struct {
	Status int `json:"-"`
	Body   struct {
		Result   *O                 `json:"result,omitempty" doc:"办理结果；试运行时没有"`
		Verdicts []rulebook.Verdict `json:"verdicts" doc:"逐条规则的判定"`
		DryRun   bool               `json:"dry_run,omitempty"`
	}
}

// Found is the answer of a read.
type Found[O any] struct{ Body O }

// Page is one page of a list; next is empty on the last.
type Page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next" doc:"下一页的 after；为空即最后一页"`
}

// Paging is embedded by the input of every list.
type Paging struct {
	Limit int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"每页条数"`
	After string `query:"after" maxLength:"100" doc:"上一页返回的 next"`
}

// page cuts rows that were asked for with limit+1.
func page[T any](items []T, limit int, key func(T) string) Page[T] {
	p := Page[T]{Items: items}
	if len(items) > limit {
		p.Items = items[:limit]
		p.Next = key(items[limit-1])
	}
	if p.Items == nil {
		p.Items = []T{}
	}
	return p
}

// Reading is a read in progress: a handle that cannot write, who asks, and
// whether a relation to the object has still to be shown.
type Reading struct {
	context.Context
	DB    *gorm.DB
	Actor rbac.Actor
	// Pending: the role alone does not allow this; May settles it.
	Pending bool
	shown   bool
}

// May settles a relation, as Step.May does for acts.
func (r *Reading) May(shown bool, object string) error {
	if !r.Pending || shown {
		r.shown = true
		return nil
	}
	return rbac.Hidden(object)
}

// request is what the permission middleware leaves for the handler and for
// huma's own refusals.
type request struct {
	server  *Server
	call    store.Call
	address string
}

type requestKey struct{}

func requestOf(ctx context.Context) *request {
	r, _ := ctx.Value(requestKey{}).(*request)
	return r
}

// row is one line of the route table.
type row struct {
	method, path string
	permission   rbac.Permission
	summary      string
	repeats      repeats
}

// repeats says whether an act can be rehearsed (dry run) and its answer
// replayed (idempotency key).
type repeats int

const (
	repeatable  repeats = iota
	notReplayed         // the answer holds a one-time secret
	once                // sign-in, reveal, opening: neither rehearsed nor replayed
)

func (s *Server) operation(r row, errs ...int) huma.Operation {
	noun, _, _ := strings.Cut(strings.TrimPrefix(r.path, "/api/"), "/")
	status := http.StatusOK
	if r.method == http.MethodPost && !strings.Contains(r.path, "{") {
		status = http.StatusCreated
	}
	return huma.Operation{
		Method: r.method, Path: r.path, OperationID: r.permission.Operation(), Summary: r.summary,
		Tags: []string{noun}, DefaultStatus: status, Errors: append([]int{400, 401, 403, 404, 422, 429}, errs...),
		Extensions:   map[string]any{"x-permission": string(r.permission)},
		Middlewares:  huma.Middlewares{s.guard(r)},
		MaxBodyBytes: s.cfg.Limits.BodyBytes,
	}
}

// guard judges role × permission before anything of the request is read.
func (s *Server) guard(r row) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		actor := s.Sessions.Actor(ctx.Context())
		dry := ctx.Query("dry_run") == "true"
		asked := &request{server: s, address: clientAddress(ctx), call: store.Call{
			Actor: actor, Permission: r.permission, Object: ctx.Param("id"), Dry: dry && r.repeats != once}}
		ctx = huma.WithValue(ctx, requestKey{}, asked)
		if err := s.admit(ctx, asked, dry && r.repeats == once); err != nil {
			s.answer(ctx, err)
			return
		}
		next(ctx)
	}
}

func (s *Server) admit(ctx huma.Context, asked *request, rehearsal bool) error {
	actor := asked.call.Actor
	if actor.Role == rbac.Public {
		if err := s.Sessions.Throttle.Public(ctx.Context(), asked.address); err != nil {
			return err
		}
	} else if err := s.Sessions.Throttle.TooManyRefusals(ctx.Context(), actor.User); err != nil {
		return err
	}
	switch s.Judge.Ask(actor.Role, asked.call.Permission) {
	case enforcer.Now:
	case enforcer.Later:
		asked.call.Pending = true
	default:
		if actor.Role == rbac.Public {
			return rbac.Refuse(rbac.NotSignedIn, "请先登录后再办理。")
		}
		refusal := rbac.Refuse(rbac.RefusedRole, "您以“%s”身份登录，无权办理此事项。请由有权的人员办理，或切换到相应角色。", rbac.RoleNames[actor.Role])
		if err := s.refuse(ctx.Context(), asked, refusal); err != nil {
			return err
		}
		return refusal
	}
	if rehearsal {
		return rbac.Invalid("dry_run", "此事项不能试运行")
	}
	return nil
}

// refuse journals a refusal that no act has journalled, and counts it.
func (s *Server) refuse(ctx context.Context, asked *request, refusal *rbac.Refusal) error {
	s.metrics.refusals.WithLabelValues(string(refusal.Kind)).Inc()
	if err := s.Store.Refuse(ctx, asked.call, refusal); err != nil {
		return err
	}
	return s.spendRefusal(ctx, asked, refusal)
}

func (s *Server) spendRefusal(ctx context.Context, asked *request, refusal *rbac.Refusal) error {
	if _, journalled := refusal.Kind.Journalled(); !journalled || !asked.call.Actor.SignedIn() {
		return nil
	}
	err := s.Sessions.Throttle.Refused(ctx, asked.call.Actor.User)
	if _, throttled := rbac.AsRefusal(err); throttled {
		return nil // this refusal is still answered as what it is; the next request is throttled
	}
	return err
}

func (s *Server) answer(ctx huma.Context, err error) {
	p := problemOf(ctx.Context(), err)
	data, _ := json.Marshal(p)
	ctx.SetHeader("Content-Type", p.ContentType(""))
	ctx.SetStatus(p.Status)
	_, _ = ctx.BodyWriter().Write(data)
}

// digestOf tells one request from another under the same key.
func digestOf(in any) (string, error) {
	if file, ok := in.(*uploadFile); ok { // its form is a stream, read by now
		return file.name + "\n" + file.digest, nil
	}
	data, err := json.Marshal(in)
	return string(data), err
}

// read registers a read.
func read[I, O any](s *Server, r row, handler func(*Reading, *I) (O, error)) {
	op := s.operation(r)
	op.DefaultStatus = http.StatusOK // a check is posted, yet makes nothing
	register(s, op, func(ctx context.Context, in *I) (*Found[O], error) {
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
		return &Found[O]{out}, nil
	})
}

// disclose registers a read of what is others' (personal data, sealed
// material): it runs as an act, so that who read it when is in the journal.
func disclose[I, O any](s *Server, r row, handler func(*store.Step, *I) (O, error)) {
	op := s.operation(r)
	op.DefaultStatus = http.StatusOK
	register(s, op, func(ctx context.Context, in *I) (*Found[O], error) {
		out, err := disclosed(ctx, s, in, handler)
		return &Found[O]{out}, err
	})
}

func disclosed[I, O any](ctx context.Context, s *Server, in *I, handler func(*store.Step, *I) (O, error)) (O, error) {
	asked := requestOf(ctx)
	out, _, err := store.Act(ctx, s.Store, asked.call, func(step *store.Step) (O, error) { return handler(step, in) })
	if refusal, ok := rbac.AsRefusal(err); ok {
		s.metrics.refusals.WithLabelValues(string(refusal.Kind)).Inc()
		if err := s.spendRefusal(ctx, asked, refusal); err != nil {
			return out, problemOf(ctx, err)
		}
	}
	if err != nil {
		return out, problemOf(ctx, err)
	}
	return out, nil
}

type errOwed row

func (e errOwed) Error() string { return string(e.permission) + " owes a relation and shows none" }

// write registers a write: the handler is the act, run in its one transaction.
func write[I, O any](s *Server, r row, handler func(*store.Step, *I) (O, error)) {
	if _, ok := any(new(I)).(writing); !ok {
		panic(r.path + ": " + reflect.TypeFor[I]().String() + " does not embed Write")
	}
	op := s.operation(r, 409, 413, 415)
	register(s, op, func(ctx context.Context, in *I) (*Written[O], error) {
		asked := requestOf(ctx)
		call := asked.call
		if p, ok := any(in).(preparing); ok {
			err := p.prepare(ctx, s, call.Actor)
			if refusal, ok := rbac.AsRefusal(err); ok {
				if err := s.refuse(ctx, asked, refusal); err != nil {
					return nil, problemOf(ctx, err)
				}
			}
			if err != nil {
				return nil, problemOf(ctx, err)
			}
		}
		if key := any(in).(writing).asked().Key; key != "" && call.Actor.SignedIn() {
			if r.repeats != repeatable {
				return nil, problemOf(ctx, rbac.Invalid("Idempotency-Key", "此事项不接受幂等键"))
			}
			digest, err := digestOf(in)
			if err != nil {
				return nil, problemOf(ctx, err)
			}
			// Keyed: a request may hold a password, which a plain digest would let guess.
			call.Key, call.Digest = key, s.Store.Keys.Index(r.method+" "+r.path+"\n"+call.Object+"\n"+digest)
		}
		result, verdicts, err := store.Act(ctx, s.Store, call, func(step *store.Step) (O, error) { return handler(step, in) })
		if err != nil {
			if refusal, ok := rbac.AsRefusal(err); ok {
				s.metrics.refusals.WithLabelValues(string(refusal.Kind)).Inc()
				if err := s.spendRefusal(ctx, asked, refusal); err != nil {
					return nil, problemOf(ctx, err)
				}
			}
			return nil, problemOf(ctx, err)
		}
		out := &Written[O]{Status: op.DefaultStatus}
		out.Body.Verdicts, out.Body.DryRun = verdicts, call.Dry
		if out.Body.Verdicts == nil {
			out.Body.Verdicts = []rulebook.Verdict{}
		}
		if call.Dry {
			out.Status = http.StatusOK
		} else {
			out.Body.Result = &result
		}
		return out, nil
	})
}
