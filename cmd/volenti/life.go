package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"time"

	"github.com/volenti-consent/volenti/server"
	"github.com/volenti-consent/volenti/server/socket"
	"github.com/volenti-consent/volenti/server/store"
)

const (
	// heirPatience is how long a successor may take until it serves.
	heirPatience = 2 * time.Minute
	// farewell is how long connections without a request stay open after another
	// process has taken over the socket.
	farewell = 2 * time.Second
)

// A life is that of a process between the one it succeeds and the one that succeeds it.
type life struct {
	sockets *socket.Set
	program string
	again   chan os.Signal
	heir    bool // another process has taken over
	log     *slog.Logger
}

// begin takes over the sockets of the service manager or of a predecessor. Where the
// schema of the database has to change, it waits for the predecessor's end: that one
// writes by the older schema. Connections wait in the socket meanwhile.
func begin(ctx context.Context, cfg *Config, log *slog.Logger) (*life, error) {
	program, err := socket.Program()
	if err != nil {
		return nil, fmt.Errorf("find the program itself: %w", err)
	}
	l := &life{program: program, again: make(chan os.Signal, 1), log: log}
	if signals := socket.Signals(); len(signals) > 0 {
		signal.Notify(l.again, signals...)
	}
	if l.sockets, err = socket.Inherit(); err != nil {
		return nil, usage(err)
	}
	if !l.sockets.Succeeds() {
		return l, nil
	}
	if cfg.home().shared() {
		return l, nil // nodes of two versions share it anyway while they are upgraded
	}
	behind, err := store.Behind(ctx, cfg.home().file())
	if err != nil || !behind {
		return l, err
	}
	log.InfoContext(ctx, "the schema of the database changes: waiting until the process before has finished")
	return l, l.sockets.Alone(ctx)
}

// ready says that the server serves.
func (l *life) ready(ctx context.Context) { l.told(ctx, l.sockets.Ready()) }

// told: that somebody did not hear what was said is no reason to stop.
func (l *life) told(ctx context.Context, err error) {
	if err != nil {
		l.log.WarnContext(ctx, "the service manager was not told", "error", err)
	}
}

// until returns when ctx ends, when serving has failed, or when a successor has taken
// over. A successor that can't start changes nothing.
func (l *life) until(ctx context.Context, served <-chan error) error {
	for {
		select {
		case err := <-served:
			return err
		case <-ctx.Done():
			l.told(ctx, socket.Notify("STOPPING=1"))
			return nil
		case <-l.again:
		}
		l.log.InfoContext(ctx, "starting a successor: it reads the configuration anew", "program", l.program)
		waiting, cancel := context.WithTimeout(ctx, heirPatience)
		pid, err := l.sockets.Succeed(waiting, l.program, os.Args)
		cancel()
		if err != nil {
			l.log.ErrorContext(ctx, "the successor did not start; this process goes on as it was", "error", err)
			continue
		}
		l.log.InfoContext(ctx, "succeeded", "by", pid)
		l.heir = true
		return nil
	}
}

// leave lets clients go over to whoever accepts on the socket now.
func (l *life) leave(ctx context.Context, s *server.Server, listener net.Listener) error {
	if !l.heir && !l.sockets.Shared() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, farewell)
	defer cancel()
	return s.Leave(ctx, listener)
}

// newestRecord is when the newest record was received: none is dated before it, unless
// the operator says that it was the clock then that was wrong.
func newestRecord(ctx context.Context, cfg *Config, in *installation) (time.Time, error) {
	if cfg.ClockSetBack {
		return time.Time{}, nil
	}
	return in.db.Newest(ctx)
}
