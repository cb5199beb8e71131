package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"keping/configs"
	"keping/configs/calendars"
	"keping/configs/database"
	"keping/configs/files"
	"keping/configs/redis"
	"keping/configs/rulepacks"
	"keping/rbac/enforcer"
	"keping/rbac/notice"
	"keping/rbac/secret"
	"keping/rbac/session"
	"keping/rbac/store"
)

// App is a whole running service: database, Redis, outbox worker and server.
type App struct {
	*Server
	redis  *goredis.Client
	worker *notice.Worker
	lines  sync.WaitGroup
	stop   context.CancelFunc
}

// Open opens everything the configuration names, migrates the database and
// starts the worker. The clock is for acts; sign-in keeps the real one.
func Open(ctx context.Context, cfg configs.Config, clock database.Clock) (*App, error) {
	if err := cfg.EnsureKeys(); err != nil {
		return nil, err
	}
	keys, err := secret.NewKeys(cfg.Keys.Seal, cfg.Keys.Index)
	if err != nil {
		return nil, err
	}
	db, err := database.Open(cfg.Database.DSN, cfg.Data, clock)
	if err != nil {
		return nil, fmt.Errorf("打开数据库：%w", err)
	}
	app := &App{}
	fail := func(err error) (*App, error) {
		db.Close()
		if app.redis != nil {
			app.redis.Close()
		}
		return nil, err
	}
	if err := db.Migrate(ctx); err != nil {
		return fail(err)
	}
	if app.redis, err = redis.Open(ctx, cfg.Redis.URL); err != nil {
		return fail(err)
	}
	judge, err := enforcer.New(configs.Model, configs.Policy)
	if err != nil {
		return fail(err)
	}
	kept := &store.Store{DB: db, Keys: keys, Witness: cfg.Witness.File != "" || cfg.Witness.Webhook != ""}
	if err := kept.EnsurePack(ctx, rulepacks.Shapingba); err != nil {
		return fail(err)
	}
	if err := kept.EnsureCalendars(ctx, calendars.Files); err != nil {
		return fail(err)
	}
	sessions, err := session.New(cfg, kept, app.redis)
	if err != nil {
		return fail(err)
	}
	driver, err := notice.NewDriver(cfg.Mail)
	if err != nil {
		return fail(err)
	}
	app.Server = New(cfg, kept, judge, sessions, files.Folder(filepath.Join(cfg.Data, "files")))
	if err := app.Reviews.EnsureSearch(ctx); err != nil {
		return fail(err)
	}
	app.worker = &notice.Worker{DB: db, Keys: keys, Driver: driver, Witness: notice.NewWitness(cfg.Witness), Wake: app.Wake}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	app.stop = stop
	app.lines.Go(func() { app.worker.Run(background) })
	app.lines.Go(func() { app.tick(background) })
	app.lines.Go(func() { app.opine(background) })
	if app.redis != nil {
		app.lines.Go(func() { app.relayWakes(background) })
	}
	return app, nil
}

// tick runs the time limits every half minute and sweeps every hour. Of several replicas each tries;
// every limit is a compare-and-set, so one wins.
func (a *App) tick(ctx context.Context) {
	ticker, hourly := time.NewTicker(30*time.Second), time.NewTicker(time.Hour)
	defer ticker.Stop()
	defer hourly.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if _, err := a.Reviews.ExpireInvitations(ctx); err != nil && ctx.Err() == nil {
				slog.Error("time limits", "error", err)
			}
			if _, err := a.Reviews.KeepTerms(ctx); err != nil && ctx.Err() == nil {
				slog.Error("terms of experts", "error", err)
			}
			if err := a.Store.DailyCheckpoint(ctx); err != nil && ctx.Err() == nil {
				slog.Error("daily checkpoint", "error", err)
			}
		case <-hourly.C:
			_, expired := a.Reviews.ExpireContacts(ctx)
			if err := errors.Join(a.Sessions.Sweep(ctx), a.Store.SweepAnswers(ctx), expired); err != nil && ctx.Err() == nil {
				slog.Error("sweep", "error", err)
			}
		}
	}
}

// opine makes the second opinions on closed reviews. It has its own line, for
// a large review takes it seconds; of several replicas the first one's is kept.
func (a *App) opine(ctx context.Context) {
	ticker := time.NewTicker(30 * time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if _, err := a.Reviews.ComputeOpinions(ctx); err != nil && ctx.Err() == nil {
				slog.Error("second opinions", "error", err)
			}
		}
	}
}

const wakeChannel = "keping:wake"

// relayWakes lets an act on one replica wake the workers of all others.
func (a *App) relayWakes(ctx context.Context) {
	a.Server.announce = func() { a.redis.Publish(ctx, wakeChannel, "outbox") }
	heard := a.redis.Subscribe(ctx, wakeChannel)
	defer heard.Close()
	// The channel reconnects by itself; receiving directly would not end with ctx.
	messages := heard.Channel()
	for {
		select {
		case <-ctx.Done():
			return
		case <-messages:
			a.Server.wakeHere()
		}
	}
}

// Close stops the worker and closes all connections.
func (a *App) Close() error {
	a.stop()
	a.lines.Wait()
	err := a.Store.DB.Close()
	if a.redis != nil {
		err = errors.Join(err, a.redis.Close())
	}
	return err
}

// Serve answers on the listener until ctx ends, then finishes the requests in
// flight, at most for half a minute.
func (a *App) Serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{Handler: a.Server, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 5 * time.Minute, IdleTimeout: 2 * time.Minute}
	server.RegisterOnShutdown(func() { close(a.Server.stopping) })
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		deadline, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		stopped <- server.Shutdown(deadline)
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}
