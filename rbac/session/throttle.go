package session

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/ulule/limiter/v3"
	"github.com/ulule/limiter/v3/drivers/store/memory"
	limiterredis "github.com/ulule/limiter/v3/drivers/store/redis"

	"keping/configs"
	"keping/rbac"
)

// Throttle limits what can be tried in a minute, in process or over all
// replicas through Redis.
type Throttle struct{ signIns, refusals, public *limiter.Limiter }

func newThrottle(limits configs.Limits, client *redis.Client) (*Throttle, error) {
	var kept limiter.Store = memory.NewStore()
	if client != nil {
		var err error
		if kept, err = limiterredis.NewStoreWithOptions(client, limiter.StoreOptions{Prefix: "keping:limit"}); err != nil {
			return nil, err
		}
	}
	per := func(n int) *limiter.Limiter {
		return limiter.New(kept, limiter.Rate{Period: time.Minute, Limit: int64(n)})
	}
	return &Throttle{signIns: per(limits.SignInsPerMinute), refusals: per(limits.RefusalsPerMinute), public: per(limits.PublicPerMinute)}, nil
}

var errThrottled = rbac.Refuse(rbac.Throttled, "操作过于频繁，请一分钟后再试。")

func spend(ctx context.Context, l *limiter.Limiter, keys ...string) error {
	for _, key := range keys {
		state, err := l.Get(ctx, key)
		if err != nil {
			return err
		}
		if state.Reached {
			return errThrottled
		}
	}
	return nil
}

// SignIn counts an attempt of an address and of a name.
func (t *Throttle) SignIn(ctx context.Context, address, login string) error {
	return spend(ctx, t.signIns, "sign-in:address:"+address, "sign-in:name:"+login)
}

// Public counts a request of an address that is not signed in.
func (t *Throttle) Public(ctx context.Context, address string) error {
	return spend(ctx, t.public, "public:"+address)
}

// Refused counts a refusal of an account.
func (t *Throttle) Refused(ctx context.Context, user string) error {
	return spend(ctx, t.refusals, "refused:"+user)
}

// TooManyRefusals tells whether the account has used up its refusals of this minute.
func (t *Throttle) TooManyRefusals(ctx context.Context, user string) error {
	state, err := t.refusals.Peek(ctx, "refused:"+user)
	if err != nil {
		return err
	}
	if state.Remaining <= 0 {
		return errThrottled
	}
	return nil
}
