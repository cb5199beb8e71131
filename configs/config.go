// Package configs holds what an installation decides: where to listen, which
// database, Redis, mail server and witnesses to use, and the keys that seal
// personal data. Every setting has a useful zero value; with none at all the
// service runs on SQLite under ./data. Values come from a YAML file and from
// environment variables KEPING_<SECTION>_<KEY>, the latter winning.
//
// The package also embeds the authority table (model.conf, policy.csv) as
// bytes; it judges nothing itself.
package configs

import (
	"crypto/rand"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/rawbytes"
	"github.com/knadh/koanf/v2"
)

// Model is the Casbin model: role or relation × object × act, default deny.
//
//go:embed model.conf
var Model string

// Policy is the one permission table of the product.
//
//go:embed policy.csv
var Policy string

// Apart is the table of roles that one person may not hold together.
//
//go:embed apart.csv
var Apart string

// Example is the documented configuration file.
//
//go:embed keping.example.yaml
var Example []byte

// Config is the whole configuration after defaults and validation.
type Config struct {
	Listen    string   `koanf:"listen"`     // host:port
	PublicURL string   `koanf:"public_url"` // what links in messages start with
	Data      string   `koanf:"data"`       // folder of the embedded database and the files
	Database  Database `koanf:"database"`
	Redis     Redis    `koanf:"redis"`
	Keys      Keys     `koanf:"keys"`
	Mail      Mail     `koanf:"mail"`
	Session   Session  `koanf:"session"`
	Limits    Limits   `koanf:"limits"`
	Witness   Witness  `koanf:"witness"`
}

// Database names the store; an empty DSN means SQLite in Config.Data.
type Database struct {
	DSN string `koanf:"dsn"` // user:password@tcp(host:port)/name
}

// Redis is optional; an empty URL keeps everything in process (one replica).
type Redis struct {
	URL string `koanf:"url"` // redis://[:password@]host:port/db
}

// Keys seal personal data. With the embedded database they are made at the
// first start and kept in Config.Data/keys.yaml; a MariaDB installation sets them.
type Keys struct {
	Seal  string `koanf:"seal"`  // 32 hex digits: SM4 key
	Index string `koanf:"index"` // 64 hex digits: HMAC-SM3 key of blind indexes
}

// Mail says how notices leave: "log" writes them to the log, "smtp" sends them.
type Mail struct {
	Driver   string `koanf:"driver"`
	Host     string `koanf:"host"`
	Port     int    `koanf:"port"`
	User     string `koanf:"user"`
	Password string `koanf:"password"`
	From     string `koanf:"from"`
	TLS      bool   `koanf:"tls"`
}

// Session bounds a sign-in.
type Session struct {
	Lifetime     time.Duration `koanf:"lifetime"`
	SecureCookie bool          `koanf:"secure_cookie"` // set when served by HTTPS
	TOTP         string        `koanf:"totp"`          // "bureau" (default), "all" or "none": who needs a second factor
}

// Limits bound what one caller may do.
type Limits struct {
	UploadBytes       int64 `koanf:"upload_bytes"`
	BodyBytes         int64 `koanf:"body_bytes"`
	RefusalsPerMinute int   `koanf:"refusals_per_minute"` // per account
	SignInsPerMinute  int   `koanf:"sign_ins_per_minute"` // per address and per account name
	PublicPerMinute   int   `koanf:"public_per_minute"`   // per address, callers not signed in
}

// Witness names where checkpoints of the journal go beside the supervisors' mail.
type Witness struct {
	File    string `koanf:"file"`    // an append-only file, best on another machine
	Webhook string `koanf:"webhook"` // receives each checkpoint as JSON by POST
}

func defaults() Config {
	return Config{
		Listen:  "127.0.0.1:8080",
		Data:    "data",
		Mail:    Mail{Driver: "log", Port: 25, From: "keping@localhost"},
		Session: Session{Lifetime: 12 * time.Hour, TOTP: "bureau"},
		Limits: Limits{
			UploadBytes: 50 << 20, BodyBytes: 2 << 20,
			RefusalsPerMinute: 30, SignInsPerMinute: 10, PublicPerMinute: 120,
		},
	}
}

// Load reads file (none when empty) and the environment, fills defaults and
// validates. The error lists every wrong setting in Chinese.
func Load(file string) (Config, error) {
	k := koanf.New(".")
	if file != "" {
		data, err := os.ReadFile(file)
		if err != nil {
			return Config{}, fmt.Errorf("读取配置文件：%w", err)
		}
		if err := k.Load(rawbytes.Provider(data), yaml.Parser()); err != nil {
			return Config{}, fmt.Errorf("配置文件 %s 不是合法的 YAML：%w", file, err)
		}
	}
	fromEnv := env.Provider(".", env.Opt{Prefix: "KEPING_", TransformFunc: func(key, value string) (string, any) {
		key = strings.ToLower(strings.TrimPrefix(key, "KEPING_"))
		for _, section := range []string{"database", "redis", "keys", "mail", "session", "limits", "witness"} {
			if rest, ok := strings.CutPrefix(key, section+"_"); ok {
				return section + "." + rest, value
			}
		}
		switch key {
		case "listen", "public_url", "data":
			return key, value
		}
		return "", nil // KEPING_TEST, KEPING_SHARED and the like are not settings
	}})
	if err := k.Load(fromEnv, nil); err != nil {
		return Config{}, err
	}
	return parse(k)
}

func parse(k *koanf.Koanf) (Config, error) {
	cfg := defaults()
	known := koanf.New(".")
	if err := known.Load(structDefaults{cfg}, nil); err != nil {
		return Config{}, err
	}
	var unknown []error
	for _, key := range k.Keys() {
		if !known.Exists(key) {
			unknown = append(unknown, fmt.Errorf("%s：没有这一项设置，请对照 configs/keping.example.yaml", key))
		}
	}
	if len(unknown) > 0 {
		return Config{}, errors.Join(unknown...)
	}
	if err := k.Unmarshal("", &cfg); err != nil {
		return Config{}, fmt.Errorf("配置项类型不符：%w", err)
	}
	if cfg.PublicURL == "" {
		cfg.PublicURL = "http://" + cfg.Listen
	}
	return cfg, cfg.Validate()
}

// Validate reports every wrong setting at once.
func (c Config) Validate() error {
	var errs []error
	refuse := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	_, _, err := net.SplitHostPort(c.Listen)
	refuse(err == nil, "listen：%q 不是“主机:端口”", c.Listen)
	u, err := url.Parse(c.PublicURL)
	refuse(err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "", "public_url：%q 不是完整网址", c.PublicURL)
	refuse(c.Data != "", "data：不能为空")
	refuse(c.Keys.Seal == "" || isHex(c.Keys.Seal, 32), "keys.seal：应为 32 位十六进制数")
	refuse(c.Keys.Index == "" || isHex(c.Keys.Index, 64), "keys.index：应为 64 位十六进制数")
	refuse((c.Keys.Seal == "") == (c.Keys.Index == ""), "keys：seal 与 index 须同时设置")
	refuse(c.Database.DSN == "" || c.Keys.Seal != "", "keys：使用 MySQL/MariaDB 时须设置 keys.seal 与 keys.index（多个副本须相同）")
	refuse(c.Mail.Driver == "log" || c.Mail.Driver == "smtp", "mail.driver：%q 应为 log 或 smtp", c.Mail.Driver)
	refuse(c.Mail.Driver != "smtp" || c.Mail.Host != "", "mail.host：使用 smtp 时必填")
	refuse(c.Mail.Port > 0 && c.Mail.Port < 65536, "mail.port：%d 不是端口号", c.Mail.Port)
	refuse(c.Session.Lifetime >= time.Minute, "session.lifetime：不得短于一分钟")
	refuse(c.Session.TOTP == "bureau" || c.Session.TOTP == "all" || c.Session.TOTP == "none", "session.totp：%q 应为 bureau、all 或 none", c.Session.TOTP)
	refuse(c.Limits.UploadBytes > 0 && c.Limits.BodyBytes > 0, "limits：upload_bytes 与 body_bytes 须为正数")
	refuse(c.Limits.RefusalsPerMinute > 0 && c.Limits.SignInsPerMinute > 0 && c.Limits.PublicPerMinute > 0, "limits：各项每分钟次数须为正数")
	return errors.Join(errs...)
}

func isHex(s string, n int) bool {
	_, err := hex.DecodeString(s)
	return err == nil && len(s) == n
}

// EnsureKeys fills empty keys from Data/keys.yaml, making that file (mode 0600)
// at the first start. Losing it makes sealed data unreadable: it belongs in the backup.
func (c *Config) EnsureKeys() error {
	if c.Keys.Seal != "" {
		return nil
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return err
	}
	file := filepath.Join(c.Data, "keys.yaml")
	data, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		seal, index := make([]byte, 16), make([]byte, 32)
		rand.Read(seal)
		rand.Read(index)
		data = fmt.Appendf(nil, "seal: \"%x\"\nindex: \"%x\"\n", seal, index)
		err = os.WriteFile(file, data, 0o600)
	}
	if err != nil {
		return err
	}
	k := koanf.New(".")
	if err := k.Load(rawbytes.Provider(data), yaml.Parser()); err != nil {
		return fmt.Errorf("%s：%w", file, err)
	}
	if err := k.Unmarshal("", &c.Keys); err != nil {
		return err
	}
	return c.Validate()
}

// structDefaults lists the known keys by walking the default Config once.
type structDefaults struct{ cfg Config }

func (structDefaults) ReadBytes() ([]byte, error) { return nil, errors.New("not bytes") }

func (s structDefaults) Read() (map[string]any, error) { return fieldMap(s.cfg), nil }
