package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"keping/cmd/internal/bench"
)

type benchCommand struct {
	MariaDB    string `name:"mariadb" help:"MariaDB 的 DSN，以“/”结尾，其中须有空的数据库 keping1 与 keping10；不填则只测 SQLite"`
	MariaDBPID int    `name:"mariadb-pid" help:"MariaDB 的进程号，其 CPU 时间一并计入"`
	Large      int    `help:"第二次测量时专家库与往年数据是几倍（0 为不测）" default:"10"`
}

// Run measures on throw-away data; no configured store is touched.
func (b benchCommand) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return bench.Run(ctx, bench.Options{MariaDB: b.MariaDB, MariaDBPID: b.MariaDBPID, Large: b.Large, Say: os.Stdout})
}
