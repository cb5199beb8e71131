// Package bench measures what one request costs: CPU time of server and
// database together, warm, with a real session over HTTP, against a server
// that runs as a process of its own; and what the engines of assignment and
// ranking cost on generated instances. What is measured beside whom is design
// section 10 and proofs sections 4 and 5; every figure of another system is
// quoted.
package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"keping/api"
	"keping/configs"
	"keping/rbac/secret"
	reviewstore "keping/reviewing/store"
)

// Options say what to measure on.
type Options struct {
	MariaDB    string // DSN ending in "/"; databases keping1 and keping10 exist and are empty. "" leaves MariaDB out
	MariaDBPID int    // whose CPU time counts with the server's
	Large      int    // how many times the pool and the years of the second measurement; 0 leaves it out
	Say        io.Writer
}

// column is one store at one size, and what was measured there.
type column struct {
	name  string
	cells map[string]string
}

// Run fills each store, measures and prints the table.
func Run(ctx context.Context, o Options) error {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // the log driver would write 50 invitations
	scales := []int{1}
	if o.Large > 1 {
		scales = append(scales, o.Large)
	}
	var columns []column
	for _, dsn := range []string{"", o.MariaDB} {
		if dsn == "" && len(columns) > 0 {
			fmt.Fprintln(o.Say, "未给出 MariaDB，只测内置数据库")
			continue
		}
		for _, scale := range scales {
			c, err := measure(ctx, o, dsn, scale)
			if err != nil {
				return fmt.Errorf("%s：%w", c.name, err)
			}
			columns = append(columns, c)
		}
	}
	return print(o.Say, columns)
}

// measure fills one store, starts a server on it and puts the requests.
func measure(ctx context.Context, o Options, dsn string, scale int) (column, error) {
	c := column{name: "SQLite", cells: map[string]string{}}
	pid := 0
	if dsn != "" {
		c.name, pid = "MariaDB", o.MariaDBPID
		dsn += fmt.Sprintf("keping%d", scale)
	}
	if scale > 1 {
		c.name += fmt.Sprintf(" ×%d", scale)
	}
	folder, err := os.MkdirTemp("", "keping-bench")
	if err != nil {
		return c, err
	}
	defer os.RemoveAll(folder)
	port, err := freePort()
	if err != nil {
		return c, err
	}
	cfg, err := configs.Load("")
	if err != nil {
		return c, err
	}
	cfg.Data, cfg.Listen, cfg.Redis.URL = filepath.Join(folder, "data"), "127.0.0.1:"+port, ""
	cfg.Database.DSN, cfg.Keys = dsn, configs.Keys{Seal: secret.Random(16), Index: secret.Random(32)}
	begin := time.Now()
	data, trip, err := prepare(ctx, cfg, scale, pid)
	if err != nil {
		return c, err
	}
	c.cells["trip"] = trip
	fmt.Fprintf(o.Say, "%s：数据已备好（%.0f秒）\n", c.name, time.Since(begin).Seconds())

	began := time.Now()
	server, err := serve(ctx, cfg)
	if err != nil {
		return c, err
	}
	defer server.stop()
	c.cells["start"] = fmt.Sprintf("%.2f", time.Since(began).Seconds())
	m := meter{base: "http://" + cfg.Listen, server: server.command.Process.Pid, database: pid, cells: c.cells, data: data}
	if err := m.all(); err != nil {
		return c, err
	}
	fmt.Fprintf(o.Say, "%s：已测完（%.0f秒）\n", c.name, time.Since(begin).Seconds())
	return c, nil
}

// prepare fills the store and measures the empty round trip, which is the
// store's own: client and database.
func prepare(ctx context.Context, cfg configs.Config, scale, database int) (filled, string, error) {
	app, err := api.Open(ctx, cfg, fillClock)
	if err != nil {
		return filled{}, "", err
	}
	data, err := fill(ctx, app, scale)
	if err == nil { // what is measured must be what acts could have left
		var problems []reviewstore.Problem
		problems, err = app.Reviews.Invariants(ctx)
		for _, p := range problems {
			err = errors.Join(err, fmt.Errorf("%s：%s", p.Where, p.What))
		}
	}
	trip := ""
	if err == nil {
		m := meter{server: os.Getpid(), database: database}
		trip, err = m.cost(0, 2000, func(int) error {
			var one int
			return app.Store.DB.Read(ctx).Raw("SELECT 1").Scan(&one).Error
		})
	}
	return data, trip, errors.Join(err, app.Close())
}

func freePort() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	return port, err
}

// process is a server of this very program.
type process struct {
	command *exec.Cmd
	said    *strings.Builder
}

// serve starts `keping serve` and waits until it is ready.
func serve(ctx context.Context, cfg configs.Config) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &process{command: exec.CommandContext(ctx, self, "serve"), said: &strings.Builder{}}
	p.command.Stderr = p.said
	p.command.Env = append(os.Environ(), "KEPING_LISTEN="+cfg.Listen, "KEPING_DATA="+cfg.Data, "KEPING_DATABASE_DSN="+cfg.Database.DSN, "KEPING_REDIS_URL=",
		"KEPING_KEYS_SEAL="+cfg.Keys.Seal, "KEPING_KEYS_INDEX="+cfg.Keys.Index, "KEPING_SESSION_TOTP=none")
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		answer, err := http.Get("http://" + cfg.Listen + "/readyz")
		if err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return p, nil
			}
		}
	}
	p.stop()
	return nil, fmt.Errorf("服务没有启动：%s", p.said)
}

func (p *process) stop() {
	_ = p.command.Process.Signal(syscall.SIGTERM)
	_ = p.command.Wait()
}

// lines are the table's: the figures of HotCRP are quoted, not measured here.
var lines = []struct{ key, name, hotcrp, reach string }{
	{"open", "打开评分表（含表单）", "15.5（页面）、6.4（JSON）", "0.6"},
	{"save", "保存草稿，只有分数", "8.9", "0.9"},
	{"text", "保存草稿，含约1KB文字", "21–70", "1.2"},
	{"submit", "提交评分表，入日志", "—（没有日志）", "1.5；SQLite 0.9"},
	{"board", "经办的评审总表，1,000行 × 5个分数，按名次", "89", "6"},
	{"page", "评审总表，每页50行", "", "1"},
	{"running", "进行中的评审总表，1,000行", "", ""},
	{"list", "申报列表，1,000行（每页200行）", "", ""},
	{"rows", "申报列表，每页50行", "", ""},
	{"conflicts", "回避检查，1,000项申报 × 200名专家", "4,200", "100"},
	{"session", "只有HTTP与会话（当前登录）", "", ""},
	{"trip", "数据库空往返一次", "", ""},
	{"start", "启动到就绪（秒）", "", "0.5"},
	{"fresh", "启动后的内存（MB）", "", ""},
	{"idle", "登录之后闲置的内存（MB）", "", "80"},
}

func print(w io.Writer, columns []column) error {
	fmt.Fprintln(w, "\n每个请求的CPU毫秒（服务进程与数据库进程之和，预热之后，64人同时操作，会话在数据库中；括号内为其中数据库进程所用）；一个评审批次，1,000项申报 × 5份评分：")
	t := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
	fmt.Fprint(t, "| 请求\t| HotCRP（引用）\t| 目标（不超过）")
	for _, c := range columns {
		fmt.Fprint(t, "\t| ", c.name)
	}
	fmt.Fprintln(t, "\t|")
	fmt.Fprintln(t, "|---"+strings.Repeat("\t|---", len(columns)+2)+"\t|")
	for _, line := range lines {
		fmt.Fprintf(t, "| %s\t| %s\t| %s", line.name, line.hotcrp, line.reach)
		for _, c := range columns {
			fmt.Fprint(t, "\t| ", c.cells[line.key])
		}
		fmt.Fprintln(t, "\t|")
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w, `
HotCRP一列是引用，不是本次所测：v3.4-130，PHP-FPM 8.2，MariaDB 10.11，nginx，两个共享的核，64名评审人同时操作时按进程计的每请求CPU毫秒；回避检查为其 batch/autoassign.php 的用户态CPU。
“×10”：专家库、往年的申报、评审、评分表与日志均为十倍；请求的对象不变。`)
	return err
}
