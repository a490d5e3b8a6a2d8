package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/volenti-consent/volenti/geo"
	"github.com/volenti-consent/volenti/server/metrics"
	"github.com/volenti-consent/volenti/server/socket"
	"github.com/volenti-consent/volenti/server/store"
)

// lookTime is how long a gauge may take to look something up.
const lookTime = 2 * time.Second

// gaugesOf are what is looked up when metrics are asked for.
func gaugesOf(db *store.DB, newest func() (madeBackup, error), waiting func() int, sites func() int, regions func() geo.Info) []metrics.Gauge {
	looked := func(look func(context.Context) (float64, error)) func() (float64, bool) {
		return func() (float64, bool) {
			ctx, cancel := context.WithTimeout(context.Background(), lookTime)
			defer cancel()
			value, err := look(ctx)
			return value, err == nil
		}
	}
	return []metrics.Gauge{
		{Name: "ready", Help: "1 while decisions can be recorded, 0 while they are refused with 503.", Now: func() (float64, bool) {
			ctx, cancel := context.WithTimeout(context.Background(), lookTime)
			defer cancel()
			if db.Ready(ctx) != nil {
				return 0, true
			}
			return 1, true
		}},
		{Name: "records_waiting", Help: "Decisions that were accepted and wait for their transaction.", Now: func() (float64, bool) { return float64(waiting()), true }},
		{Name: "sites_published", Help: "Sites whose banner is served.", Now: func() (float64, bool) { return float64(sites()), true }},
		{Name: "log_leaves", Help: "Entries of the transparency log: it never falls.", Now: looked(func(ctx context.Context) (float64, error) {
			head, err := db.Head(ctx)
			return float64(head.Size), err
		})},
		{Name: "database_bytes", Help: "Size of the database, its write-ahead log included.", Now: looked(func(context.Context) (float64, error) {
			n, err := db.Bytes()
			return float64(n), err
		})},
		{Name: "backup_made_seconds", Help: "When the last backup was made by this server or by volenti backup, Unix time.", Now: func() (float64, bool) {
			last, err := newest()
			return float64(last.At.Unix()), err == nil
		}},
		{Name: "region_database_built_seconds", Help: "When the region database was built, Unix time.", Now: func() (float64, bool) {
			built := regions().Built
			return float64(built.Unix()), !built.IsZero()
		}},
	}
}

// serveMetrics answers /metrics on an address of its own until ctx ends.
func serveMetrics(ctx context.Context, sockets *socket.Set, listen string, m *metrics.Metrics, log *slog.Logger, background *sync.WaitGroup) error {
	if listen == "" {
		return nil
	}
	listener, err := sockets.Listen(ctx, "metrics", listen)
	if err != nil {
		return usage(fmt.Errorf("metrics: %w; choose another address with --metrics-listen", err))
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", m.Handler())
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 15 * time.Second, MaxHeaderBytes: 16 << 10}
	background.Go(func() {
		<-ctx.Done()
		finish, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if err := server.Shutdown(finish); err != nil {
			log.DebugContext(finish, "metrics not shut down in time", "error", err)
		}
	})
	background.Go(func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.ErrorContext(ctx, "metrics are not served any more", "error", err)
		}
	})
	log.InfoContext(ctx, "serving metrics", "listen", listener.Addr().String())
	return nil
}

// metricsToken is what opens /metrics on the server's own address, or "".
func (c *Config) metricsToken() (string, error) {
	token, err := readSecret(c.MetricsToken)
	if err == nil && c.MetricsToken != "" && len(token) < 16 {
		err = errors.New("the token is shorter than 16 characters: write a random one into the file, for example with: openssl rand -hex 16")
	}
	return token, err
}
