package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"keping/api"
	"keping/cmd/internal/demo"
	"keping/cmd/internal/verify"
	"keping/configs"
)

type demoCommand struct {
	Headless bool   `help:"走完即退出，只留下文件"`
	Out      string `help:"文件放在哪里" default:"demo-out" type:"path"`
}

// Run tells the story on a fresh database inside the folder.
func (d demoCommand) Run() error {
	cfg, err := configs.Load("")
	if err != nil {
		return verify.Usage(err)
	}
	cfg.Data = filepath.Join(d.Out, "data")
	if _, err := os.Stat(filepath.Join(cfg.Data, "keping.db")); err == nil && cfg.Database.DSN == "" {
		return verify.Usage(fmt.Errorf("%s 中已有一次演示的数据，请换一个 --out 或先删除该文件夹", d.Out))
	}
	if d.Headless {
		cfg.Listen = "127.0.0.1:0"
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return demo.Run(ctx, demo.Options{Out: d.Out, Headless: d.Headless, Config: cfg, Say: os.Stdout})
}

type check struct {
	Config string `help:"配置文件（YAML）" type:"path"`
}

// Run checks the invariants of the configured store.
func (c check) Run() error {
	cfg, err := configs.Load(c.Config)
	if err != nil {
		return verify.Usage(err)
	}
	app, err := api.Open(context.Background(), cfg, time.Now)
	if err != nil {
		return err
	}
	defer app.Close()
	problems, err := app.Reviews.Invariants(context.Background())
	if err != nil {
		return err
	}
	var all []error
	for _, p := range problems {
		all = append(all, fmt.Errorf("%s：%s", p.Where, p.What))
	}
	if len(all) == 0 {
		fmt.Println("不变量全部成立")
	}
	return errors.Join(all...)
}
