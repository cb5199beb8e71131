package enforcer

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/configs"
	"keping/rbac"
)

func TestAsk(t *testing.T) {
	j, err := New(configs.Model, configs.Policy)
	require.NoError(t, err)
	for _, c := range []struct {
		role       rbac.Role
		permission rbac.Permission
		want       Answer
	}{
		{rbac.Officer, "frame freeze", Now},
		{rbac.PoolKeeper, "frame freeze", No}, // 管用分离
		{rbac.PoolKeeper, "draw commit", No},
		{rbac.Expert, "sheet submit", Later},
		{rbac.Officer, "sheet submit", No},
		{rbac.Supervisor, "review open", Now},
		{rbac.Expert, "review open", Later},
		{rbac.Director, "review open", No},
		{rbac.Public, "objection lodge", Now},
		{rbac.Expert, "objection lodge", Now}, // what the public may, everybody may
		{rbac.Public, "objection read", No},
		{rbac.SystemAdmin, "user grant", No}, // 三员分立
		{rbac.SecurityAdmin, "user create", No},
		{rbac.SystemAdmin, "mark export", No},
		{rbac.AuditAdmin, "mark export", No},
		{rbac.System, "frame freeze", No},
		{"king", "frame freeze", No},
		{rbac.AuditAdmin, "me read", Now}, // what who is signed in may, every role may
		{rbac.Public, "me read", No},
		{rbac.System, "me read", No},
		{"king", "me read", No},
		{rbac.Officer, "nothing at_all", No},
	} {
		for range 2 { // decided, then remembered
			assert.Equal(t, c.want, j.Ask(c.role, c.permission), "%s: %s", c.role, c.permission)
		}
	}
}

func TestMalformedPolicy(t *testing.T) {
	for name, policy := range map[string]string{
		"three cells":        "p, officer, frame",
		"another subject":    "p, king, frame, freeze",
		"an empty act":       "p, officer, frame, ",
		"a row twice":        "p, officer, frame, freeze\np, officer, frame, freeze",
		"a deny in disguise": "g, officer, director",
	} {
		_, err := New(configs.Model, policy)
		assert.Error(t, err, name)
	}
	_, err := New("nonsense", configs.Policy)
	assert.Error(t, err)
}

func BenchmarkAsk(b *testing.B) {
	j, err := New(configs.Model, configs.Policy)
	require.NoError(b, err)
	for b.Loop() {
		j.Ask(rbac.Expert, "sheet submit")
	}
}
