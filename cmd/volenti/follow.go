package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/volenti-consent/volenti/server/lease"
)

// keysEvery is how often a server looks whether keys were changed.
const keysEvery = time.Second

// follow has change called whenever keys were changed.
func (in *installation) follow(change func(*installation) error) {
	in.followers = append(in.followers, change)
}

// followKeys takes in keys that another process has changed, until ctx ends. All that
// follow are there before it is called. What it finds at once is most often what this
// start has made itself, and is no news.
func (in *installation) followKeys(ctx context.Context, log *slog.Logger) {
	seen, complained := in.state, false
	tick := time.NewTicker(keysEvery)
	defer tick.Stop()
	for news := slog.LevelDebug; ; news = slog.LevelInfo {
		state, err := in.keys.KeyState()
		if err == nil && state != seen {
			if err = in.rereadKeys(); err == nil {
				seen = state
				log.Log(ctx, news, "keys read anew", "signs", in.keyring.Current())
			}
		}
		if err != nil && !complained && ctx.Err() == nil {
			log.ErrorContext(ctx, "keys not read; the last ones are still used", "error", err)
		}
		complained = err != nil
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// alone does jobs that one of several nodes is to do: on one database of many nodes while
// this node holds the lease, which another one takes over when it dies or is not fit.
func (in *installation) alone(ctx context.Context, log *slog.Logger, fit func() bool, jobs ...func(context.Context)) {
	all := func(ctx context.Context) {
		var running sync.WaitGroup
		for _, job := range jobs {
			running.Go(func() { job(ctx) })
		}
		running.Wait()
	}
	if !in.shared() {
		all(ctx)
		return
	}
	(&lease.Keeper{Store: in.db, Name: "jobs", Log: log, Fit: fit}).Keep(ctx, all)
}

func (in *installation) rereadKeys() error {
	if err := in.keyring.Refresh(); err != nil {
		return err
	}
	if err := in.readSecrets(); err != nil {
		return err
	}
	for _, change := range in.followers {
		if err := change(in); err != nil {
			return err
		}
	}
	return nil
}
