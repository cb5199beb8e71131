// Package api is the HTTP surface, and the only place that knows Gin and huma.
//
// routes.go is the whole table: method, path, permission, handler. A request
// passes size limits, the cross-origin check, the session, the guard (role ×
// permission, before the body is read), strict decoding, and then one act or
// one read. Every error leaves through problem.go, in Chinese.
package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/unrolled/secure"

	"keping/configs"
	"keping/configs/files"
	expertstore "keping/experts/store"
	"keping/rbac"
	"keping/rbac/enforcer"
	"keping/rbac/session"
	"keping/rbac/store"
	reviewstore "keping/reviewing/store"
)

// Server answers HTTP. Wake is told after every act that has put work into the
// outbox.
type Server struct {
	Store    *store.Store
	Reviews  *reviewstore.Store
	Judge    *enforcer.Judge
	Sessions *session.Manager
	Files    files.Folder
	API      huma.API
	Wake     chan struct{}

	cfg      configs.Config
	announce func() // tells other replicas; set where there is Redis
	engine   *gin.Engine
	handler  http.Handler
	metrics  *metrics
	stopping chan struct{} // closed when the server stops: streams end
}

type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.HistogramVec
	refusals *prometheus.CounterVec
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "keping_request_seconds", Help: "Duration of requests.",
			Buckets: []float64{.001, .003, .01, .03, .1, .3, 1, 3}}, []string{"method", "route", "status"}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "keping_refusals_total", Help: "Refusals by kind."}, []string{"kind"}),
	}
	m.registry.MustRegister(m.requests, m.refusals)
	return m
}

// New builds the server and its routes.
func New(cfg configs.Config, s *store.Store, judge *enforcer.Judge, sessions *session.Manager, folder files.Folder) *Server {
	speakChinese()
	huma.DefaultArrayNullable = false // a list is [], never null
	huma.NewErrorWithContext = humaProblem
	huma.NewError = func(status int, message string, errs ...error) huma.StatusError {
		return humaProblem(nil, status, message, errs...)
	}
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.RedirectTrailingSlash = false
	engine.HandleMethodNotAllowed = true
	server := &Server{stopping: make(chan struct{}), Store: s, Reviews: &reviewstore.Store{Store: &expertstore.Store{Store: s}, PublicURL: cfg.PublicURL}, Judge: judge, Sessions: sessions, Files: folder, cfg: cfg, engine: engine, metrics: newMetrics(), Wake: make(chan struct{}, 1)}
	s.Queued = server.wake
	engine.Use(server.observe, server.bound)
	engine.NoRoute(func(c *gin.Context) { writeProblem(c.Writer, c.Request, rbac.Missing("这个地址")) })
	engine.NoMethod(func(c *gin.Context) {
		p := problemOf(c, rbac.Missing("这种操作"))
		p.Status, p.Title = http.StatusMethodNotAllowed, "操作方式不支持"
		writeProblem(c.Writer, c.Request, p)
	})
	server.API = humagin.New(engine, humaConfig())
	server.routes()
	describe(server.API.OpenAPI())
	server.health()

	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		writeProblem(w, r, rbac.Refuse(rbac.CrossOrigin, "跨站请求被拒绝：请从本系统的页面操作。"))
	}))
	headers := secure.New(secure.Options{
		ContentTypeNosniff: true, FrameDeny: true, ReferrerPolicy: "same-origin",
		ContentSecurityPolicy: "default-src 'self'", IsDevelopment: false,
	})
	server.handler = headers.Handler(protection.Handler(sessions.Handler(engine)))
	return server
}

func humaConfig() huma.Config {
	cfg := huma.DefaultConfig("科评 Keping", "1")
	cfg.OpenAPIPath = "/api/openapi"
	cfg.DocsPath, cfg.SchemasPath = "", ""
	cfg.CreateHooks = nil
	cfg.RejectUnknownQueryParameters = true
	format := huma.Format{Unmarshal: strictJSON, Marshal: func(w io.Writer, v any) error {
		encoder := json.NewEncoder(w)
		encoder.SetEscapeHTML(false)
		return encoder.Encode(v)
	}}
	cfg.Formats = map[string]huma.Format{"application/json": format, "json": format}
	return cfg
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// wake tells the workers, here and on other replicas, that there is work.
func (s *Server) wake() {
	s.wakeHere()
	if s.announce != nil {
		s.announce()
	}
}

func (s *Server) wakeHere() {
	select {
	case s.Wake <- struct{}{}:
	default:
	}
}

func writeProblem(w http.ResponseWriter, r *http.Request, err error) {
	p := problemOf(r.Context(), err)
	w.Header().Set("Content-Type", p.ContentType(""))
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p)
}

// bound limits every body; huma's own limit does not hold for multipart.
func (s *Server) bound(c *gin.Context) {
	limit := s.cfg.Limits.BodyBytes
	if strings.HasPrefix(c.Request.Header.Get("Content-Type"), "multipart/form-data") {
		limit = s.cfg.Limits.UploadBytes + 1<<20 // the form around the file
	}
	if c.Request.ContentLength > limit {
		writeProblem(c.Writer, c.Request, rbac.Refuse(rbac.TooLarge, "内容超过允许的%d兆字节，请压缩或拆分后再提交", limit>>20))
		c.Abort()
		return
	}
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, limit)
	c.Next()
}

// observe measures each request and turns a panic into a fault.
func (s *Server) observe(c *gin.Context) {
	begin := time.Now()
	defer func() {
		if fault := recover(); fault != nil {
			slog.ErrorContext(c, "panic", "error", fault, "route", c.FullPath())
			if !c.Writer.Written() {
				writeProblem(c.Writer, c.Request, errors.New("panic"))
			}
		}
		s.metrics.requests.WithLabelValues(c.Request.Method, c.FullPath(), http.StatusText(c.Writer.Status())).Observe(time.Since(begin).Seconds())
	}()
	c.Next()
}

// health answers the machines: alive, ready to serve, and figures.
func (s *Server) health() {
	s.engine.GET("/healthz", func(c *gin.Context) { c.String(http.StatusOK, "ok") })
	s.engine.GET("/readyz", func(c *gin.Context) {
		ctx, cancel := context.WithTimeout(c, 2*time.Second)
		defer cancel()
		if err := s.Store.DB.Ping(ctx); err != nil {
			writeProblem(c.Writer, c.Request, rbac.Refuse(rbac.Unavailable, "数据库暂时连不上，请稍后重试。"))
			return
		}
		c.String(http.StatusOK, "ready")
	})
	handler := promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{})
	s.engine.GET("/metrics", func(c *gin.Context) {
		// Figures tell who is busy with what: only this machine reads them.
		if ip := net.ParseIP(clientIP(c.Request.RemoteAddr)); ip == nil || !ip.IsLoopback() {
			writeProblem(c.Writer, c.Request, rbac.Missing("这个地址"))
			return
		}
		handler.ServeHTTP(c.Writer, c.Request)
	})
}

func clientAddress(ctx huma.Context) string { return clientIP(ctx.RemoteAddr()) }

func clientIP(remote string) string {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		return remote
	}
	return host
}
