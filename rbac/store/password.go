package store

import (
	"runtime"
	"runtime/debug"
	"time"

	"github.com/alexedwards/argon2id"
)

// hashing holds who is hashing a password right now. Each takes 64 MB for as
// long as it lasts: a panel that signs in at once must not take gigabytes.
var hashing = make(chan struct{}, runtime.GOMAXPROCS(0))

// giveBack returns that memory once nobody has hashed for a second; without it
// the memory stays taken for minutes, and at every hash it would be taken anew.
var giveBack = time.AfterFunc(time.Second, debug.FreeOSMemory)

func hashed[R any](fn func() (R, error)) (R, error) {
	hashing <- struct{}{}
	defer func() {
		<-hashing
		giveBack.Reset(time.Second)
	}()
	return fn()
}

// HashPassword takes tens of milliseconds by design: call it before the act.
func HashPassword(password string) (string, error) {
	return hashed(func() (string, error) { return argon2id.CreateHash(password, argon2id.DefaultParams) })
}

// MatchPassword tells whether a password is the hashed one; as slow by design.
func MatchPassword(password, hash string) (bool, error) {
	return hashed(func() (bool, error) { return argon2id.ComparePasswordAndHash(password, hash) })
}
