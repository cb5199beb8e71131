package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"keping/api"
	"keping/cmd/internal/verify"
	"keping/configs"
	expertstore "keping/experts/store"
	"keping/rbac"
	"keping/rbac/store"
)

type importing struct {
	Config string `help:"配置文件（YAML）" type:"path"`
	What   string `arg:"" enum:"experts,units,applications,past_services,integrity_records,running_projects,memberships" help:"experts、units、applications；启用时另有 past_services、integrity_records、running_projects、memberships"`
	File   string `arg:"" help:".xlsx 或 .csv；- 为标准输入的 .csv"`
	Guide  string `help:"申报书所属指南编号；只有一份已发布的指南时可不填"`
	DryRun bool   `help:"只校验，不写入"`
}

// Run imports one table, whole or not at all, with the very act the HTTP API runs.
func (c importing) Run() error {
	name := strings.TrimSuffix(filepath.Base(c.File), ".gz")
	if c.File == "-" {
		name = "stdin.csv"
	}
	data, err := verify.Read(c.File)
	if err != nil {
		return err
	}
	permission := rbac.Permission(strings.TrimSuffix(c.What, "s") + " import")
	return act(c.Config, permission, c.DryRun, func(app *api.App, step *store.Step) (string, error) {
		var done expertstore.Imported
		var err error
		switch c.What {
		case "experts":
			done, err = app.Reviews.ImportExperts(step, name, data)
		case "units":
			done, err = app.Reviews.ImportUnits(step, name, data)
		case "past_services":
			done, err = app.Reviews.ImportServices(step, name, data)
		case "integrity_records":
			done, err = app.Reviews.ImportIntegrity(step, name, data)
		case "running_projects":
			done, err = app.Reviews.ImportProjects(step, name, data)
		case "memberships":
			done, err = app.Reviews.ImportMemberships(step, name, data)
		default:
			done, err = app.Reviews.ImportApplications(step, c.Guide, name, data)
		}
		if refusal, ok := rbac.AsRefusal(err); ok {
			for _, field := range refusal.Fields {
				fmt.Fprintf(os.Stderr, "%s：%s：%s\n", c.File, field.Field, field.Message)
			}
		}
		if c.DryRun {
			return fmt.Sprintf("校验通过：%d行，没有写入", done.Rows), err
		}
		return fmt.Sprintf("已导入%d行", done.Rows), err
	})
}

type journalling struct {
	Config string        `help:"配置文件（YAML）" type:"path"`
	Export journalExport `cmd:"" help:"导出全部日志，一行一条"`
}

type journalExport struct {
	File string `arg:"" help:"写到哪里；- 为标准输出"`
}

// Run writes the whole journal.
func (c journalExport) Run(parent *journalling) error {
	cfg, err := configs.Load(parent.Config)
	if err != nil {
		return verify.Usage(err)
	}
	app, err := api.Open(context.Background(), cfg, time.Now)
	if err != nil {
		return err
	}
	defer app.Close()
	out := os.Stdout
	if c.File != "-" {
		if out, err = os.OpenFile(c.File, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600); err != nil {
			return verify.Usage(err)
		}
	}
	buffered := bufio.NewWriter(out)
	head, err := app.Store.ExportJournal(context.Background(), buffered)
	if err = errors.Join(err, buffered.Flush(), out.Close()); err == nil {
		fmt.Fprintf(os.Stderr, "末条 %d:%s\n", head.Seq, head.Hash)
	}
	return err
}
