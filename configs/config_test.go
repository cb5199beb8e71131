package configs_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"keping/configs"
)

func TestLoad(t *testing.T) {
	write := func(t *testing.T, text string) string {
		t.Helper()
		file := filepath.Join(t.TempDir(), "keping.yaml")
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		return file
	}
	t.Run("nothing set", func(t *testing.T) {
		cfg, err := configs.Load("")
		require.NoError(t, err)
		assert.Empty(t, cfg.Database.DSN, "the embedded database is the default")
		assert.Equal(t, "bureau", cfg.Session.TOTP)
	})
	t.Run("the documented example", func(t *testing.T) {
		example, err := configs.Load(write(t, string(configs.Example)))
		require.NoError(t, err)
		plain, err := configs.Load("")
		require.NoError(t, err)
		assert.Equal(t, plain, example, "the example shows the defaults")
	})
	t.Run("environment over file", func(t *testing.T) {
		t.Setenv("KEPING_LISTEN", "0.0.0.0:9000")
		t.Setenv("KEPING_SESSION_LIFETIME", "30m")
		cfg, err := configs.Load(write(t, "listen: 127.0.0.1:1\nlimits:\n  upload_bytes: 7\n"))
		require.NoError(t, err)
		assert.Equal(t, "0.0.0.0:9000", cfg.Listen)
		assert.Equal(t, 30*time.Minute, cfg.Session.Lifetime)
		assert.EqualValues(t, 7, cfg.Limits.UploadBytes)
	})
	for text, says := range map[string]string{
		"listen: nowhere":                               "listen：",
		"lisen: 127.0.0.1:80":                           "lisen：没有这一项设置",
		"session: {totp: sometimes}":                    "session.totp：",
		"session: {lifetime: 1s}":                       "session.lifetime：",
		"session: {lifetime: long}":                     "配置项类型不符",
		"mail: {driver: pigeon}":                        "mail.driver：",
		"mail: {driver: smtp}":                          "mail.host：",
		"mail: {port: 99999}":                           "mail.port：",
		"database: {dsn: 'a:b@tcp(c)/d'}":               "keys：使用 MySQL/MariaDB 时须设置",
		"keys: {seal: abc}":                             "keys.seal：",
		"keys: {seal: " + strings.Repeat("0", 32) + "}": "keys：",
		"limits: {upload_bytes: 0}":                     "limits：",
		"public_url: keping":                            "public_url：",
		"data: ''":                                      "data：",
		"a: [":                                          "不是合法的 YAML",
	} {
		t.Run(text, func(t *testing.T) {
			_, err := configs.Load(write(t, text))
			require.Error(t, err)
			assert.Contains(t, err.Error(), says)
		})
	}
	t.Run("every fault at once", func(t *testing.T) {
		_, err := configs.Load(write(t, "listen: nowhere\nmail: {driver: pigeon}\n"))
		require.Error(t, err)
		assert.Contains(t, err.Error(), "listen")
		assert.Contains(t, err.Error(), "mail.driver")
	})
	t.Run("no such file", func(t *testing.T) {
		_, err := configs.Load(filepath.Join(t.TempDir(), "none.yaml"))
		assert.ErrorIs(t, err, os.ErrNotExist)
	})
}

func TestEnsureKeys(t *testing.T) {
	cfg, err := configs.Load("")
	require.NoError(t, err)
	cfg.Data = t.TempDir()
	again := cfg
	require.NoError(t, cfg.EnsureKeys())
	require.NoError(t, again.EnsureKeys())
	assert.Len(t, cfg.Keys.Seal, 32)
	assert.Equal(t, cfg.Keys, again.Keys, "made once")
	info, err := os.Stat(filepath.Join(cfg.Data, "keys.yaml"))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}
