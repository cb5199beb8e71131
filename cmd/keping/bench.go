package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"keping/cmd/internal/bench"
)

type benchCommand struct {
	Requests requestsCommand `cmd:"" help:"每个请求的 CPU 时间（自备数据，另起服务进程）"`
	Engines  enginesCommand  `cmd:"" default:"withargs" help:"指派与排序意见两个引擎：按种子生成的实例，结果与界、CPU 时间、内存峰值"`
}

type requestsCommand struct {
	MariaDB    string `name:"mariadb" help:"MariaDB 的 DSN，以“/”结尾，其中须有空的数据库 keping1 与 keping10；不填则只测 SQLite"`
	MariaDBPID int    `name:"mariadb-pid" help:"MariaDB 的进程号，其 CPU 时间一并计入"`
	Large      int    `help:"第二次测量时专家库与往年数据是几倍（0 为不测）" default:"10"`
}

// Run measures on throw-away data; no configured store is touched.
func (b requestsCommand) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return bench.Run(ctx, bench.Options{MariaDB: b.MariaDB, MariaDBPID: b.MariaDBPID, Large: b.Large, Say: os.Stdout})
}

type enginesCommand struct {
	Huge bool `help:"连同最大的指派：100,000 项 × 60,000 人，每项 100 名候选"`
}

// Run measures in this process.
func (e enginesCommand) Run() error { return bench.Engines(e.Huge, os.Stdout) }
