// Package server assembles the HTTP side: routes, problems, middleware. The
// whole URL map stands in routes.go.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/volenti-consent/volenti/server/admin"
	"github.com/volenti-consent/volenti/server/metrics"
	"github.com/volenti-consent/volenti/server/transparency"
	"github.com/volenti-consent/volenti/server/visitor"
	"github.com/volenti-consent/volenti/web"
)

// Deps is what the server stands on; cmd builds it.
type Deps struct {
	Log      *slog.Logger
	Now      func() time.Time
	Pages    *web.Renderer
	Script   *visitor.Script
	Record   *visitor.Decisions
	Receipts *visitor.Receipts
	Tags     *visitor.Tags
	Policies *visitor.Policies
	Changes  *visitor.Changes
	CSP      *visitor.CSP
	Handover *visitor.Handovers
	Console  *admin.Console // nil: none

	Centre       *visitor.Centre
	Choices      *visitor.ChoicesPage
	OptOut       *visitor.OptOut
	Requests     *visitor.Requests
	Declarations *visitor.Declarations
	Pinned       *visitor.Pinned

	Transparency *transparency.Log // nil: the log is neither shown nor witnessed
	PublicLog    bool              // anybody may read it

	Ready func(context.Context) error // nil error: decisions can be recorded

	Metrics      *metrics.Metrics // nil: nothing is counted
	MetricsToken string           // whoever shows it may read /metrics here; "": nobody

	HTTPS bool         // visitors reach this server over TLS
	Demo  http.Handler // nil: no demo

	// Before puts a site's pages beside this server's own addresses; nil serves
	// those alone.
	Before func(own http.Handler) http.Handler
}

// A Server answers HTTP until it is shut down.
type Server struct {
	all  http.Handler // echo, and what stands before it
	echo *echo.Echo
	http *http.Server
}

// New assembles a server. It does not listen yet.
func New(d Deps) *Server {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.HTTPErrorHandler = problemHandler(d.Log, d.Pages)
	// Addresses of visitors are found by package geo only; echo's own way
	// believes headers from anybody.
	e.IPExtractor = echo.ExtractIPDirect()
	e.Use(observe(d.Log, d.Now, d.Metrics), harden(d.HTTPS), outlive)
	routes(e, d)
	for _, r := range e.Routes() {
		d.Metrics.Route(r.Method, r.Path)
	}
	var all http.Handler = e
	if d.Before != nil {
		all = d.Before(e)
	}
	return &Server{all: all, echo: e, http: &http.Server{
		Handler: all,
		// A slow client holds one connection for ten seconds at most; bodies are
		// 16 KiB, so an honest one on a poor line is through in time.
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       75 * time.Second,
		MaxHeaderBytes:    96 << 10, // a page with a full jar of cookies still gets its banner
		ErrorLog:          slog.NewLogLogger(quiet{d.Log.Handler()}, slog.LevelDebug),
	}}
}

// ServeHTTP answers one request, so that a server can be tested without a port.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.all.ServeHTTP(w, r) }

// Serve answers on l until Shutdown.
func (s *Server) Serve(l net.Listener) error {
	if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

// Shutdown stops listening and waits for the requests under way.
func (s *Server) Shutdown(ctx context.Context) error { return s.http.Shutdown(ctx) }

// quiet drops the lines net/http writes about its peers: they name addresses.
type quiet struct{ slog.Handler }

func (quiet) Handle(context.Context, slog.Record) error { return nil }
