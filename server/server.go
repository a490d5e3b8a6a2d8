// Package server assembles the HTTP side: routes, problems, middleware. The
// whole URL map stands in routes.go.
package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/volenti-consent/volenti/server/admin"
	"github.com/volenti-consent/volenti/server/cork"
	"github.com/volenti-consent/volenti/server/express"
	"github.com/volenti-consent/volenti/server/limit"
	"github.com/volenti-consent/volenti/server/metrics"
	"github.com/volenti-consent/volenti/server/telemetry"
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

	Limits *Limits // nil: nothing is limited

	Ready func(context.Context) error // nil error: decisions can be recorded
	// Checked is how much of the database was read since a stop that was not clean, from
	// 0 to 1; false, or nil, where that is not under way.
	Checked func() (share float64, underWay bool)

	// Wrong is nil, or why the clock is not believed just now, an ErrUnavailable: nothing
	// that would be dated by it is done then. nil: it always is.
	Wrong func() error

	Metrics      *metrics.Metrics  // nil: nothing is counted
	Traces       *telemetry.Tracer // nil: nothing is followed
	MetricsToken string            // whoever shows it may read /metrics here; "": nobody

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
	lane *express.Lane // answers what is asked most

	leaving     atomic.Bool // nobody new is accepted; who is connected is told so
	connections *limit.Connections
}

// New assembles a server. It does not listen yet.
func New(d Deps) *Server {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.HTTPErrorHandler = problemHandler(d.Log, d.Pages)
	// Addresses of visitors are found by package geo only; echo's own way
	// believes headers from anybody.
	e.IPExtractor = echo.ExtractIPDirect()
	if d.Limits == nil {
		d.Limits = &Limits{}
	}
	e.Use(observe(d.Log, d.Now, d.Metrics, d.Traces), harden(d.HTTPS), outlive, limits(d.Limits, d.Metrics, &seldom{log: d.Log, now: d.Now}), dated(d.Wrong))
	routes(e, d)
	for _, r := range e.Routes() {
		d.Metrics.Route(r.Method, r.Path)
	}
	var all http.Handler = e
	if d.Before != nil {
		all = d.Before(e)
	}
	s := &Server{all: all, echo: e, connections: d.Limits.Connections}
	if s.connections == nil {
		s.connections = limit.NewConnections(0, nil)
	}
	s.lane = &express.Lane{Handler: http.HandlerFunc(s.answer), State: s.connections.State,
		Takes: func(method string, path []byte) bool { return d.Before == nil && usual(method, path) }}
	s.http = &http.Server{
		Handler: http.HandlerFunc(s.answer),
		ConnState: func(c net.Conn, state http.ConnState) {
			s.connections.State(c, state)
			s.lane.ConnState(c, state)
		},
		ConnContext: cork.Context,
		// A slow client holds one connection for ten seconds at most; bodies are
		// 16 KiB, so an honest one on a poor line is through in time.
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       75 * time.Second,
		MaxHeaderBytes:    96 << 10, // a page with a full jar of cookies still gets its banner
		// Where TLS ends here, browsers speak HTTP/2: a page asks for a few things at once,
		// and nobody may open a thousand requests on one connection and cancel them.
		HTTP2:    &http.HTTP2Config{MaxConcurrentStreams: 64, MaxReceiveBufferPerConnection: 1 << 20, MaxReceiveBufferPerStream: 64 << 10, SendPingTimeout: 60 * time.Second, WriteByteTimeout: 30 * time.Second},
		ErrorLog: slog.NewLogLogger(quiet{d.Log.Handler()}, slog.LevelDebug),
	}
	s.lane.IdleTimeout, s.lane.WriteTimeout = s.http.IdleTimeout, s.http.WriteTimeout
	return s
}

// usual is what nearly all requests are: GET /b/{site}.js, and POST of a site's decisions.
func usual(method string, path []byte) bool {
	before, after := "/b/", ".js"
	if method == http.MethodPost {
		before, after = "/v1/sites/", "/decisions"
	}
	site, ok := bytes.CutPrefix(path, []byte(before))
	site, there := bytes.CutSuffix(site, []byte(after))
	return ok && there && !bytes.Contains(site, []byte("/"))
}

func (s *Server) answer(w http.ResponseWriter, r *http.Request) {
	if s.leaving.Load() {
		w.Header().Set("Connection", "close")
	}
	s.all.ServeHTTP(w, r)
}

// ServeHTTP answers one request, so that a server can be tested without a port.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.all.ServeHTTP(w, r) }

// Serve answers on l until Leave or Shutdown.
func (s *Server) Serve(l net.Listener) error {
	err := s.http.Serve(s.lane.Listener(cork.Listener(l)))
	if errors.Is(err, http.ErrServerClosed) || s.leaving.Load() {
		return nil
	}
	return fmt.Errorf("serve: %w", err)
}

// Leave stops accepting on l, where another process accepts from now on, and
// answers those that are connected with the word that their connection ends. It
// returns when all have gone, or when ctx ends: a connection that is closed while
// its client is about to use it would be a request that nobody answers.
func (s *Server) Leave(ctx context.Context, l net.Listener) error {
	s.leaving.Store(true)
	err := l.Close()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for s.connections.Open() > 0 {
		select {
		case <-ctx.Done():
			return err
		case <-again.C:
		}
	}
	return err
}

// Shutdown stops listening and waits for the requests under way.
func (s *Server) Shutdown(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	return errors.Join(err, s.lane.Wait(ctx))
}

// quiet drops the lines net/http writes about its peers: they name addresses.
type quiet struct{ slog.Handler }

func (quiet) Handle(context.Context, slog.Record) error { return nil }
