package main

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/store"
)

// A checking reads, after a stop that was not clean, what Open left of a large database,
// and tells how far it is.
type checking struct{ done, of atomic.Int64 }

// share is how much of the log was read, from 0 to 1; false while nothing is being read.
func (c *checking) share() (float64, bool) {
	of := c.of.Load()
	return float64(c.done.Load()) / float64(max(1, of)), of > 0
}

const tellEvery = 30 * time.Second

func (c *checking) run(ctx context.Context, db *store.DB, log *slog.Logger) {
	var begun, told time.Time
	err := db.CheckRest(ctx, func(done, of int64) {
		c.done.Store(done)
		c.of.Store(of)
		now := time.Now()
		if begun.IsZero() {
			begun = now
			log.InfoContext(ctx, "the last stop was not clean: checking the whole database while serving", "leaves", of)
		} else if now.Sub(told) < tellEvery {
			return
		}
		told = now
		log.InfoContext(ctx, "checking the database", "leaves", done, "of", of)
	})
	c.of.Store(0)
	switch {
	case ctx.Err() != nil:
	case errors.Is(err, consent.ErrDamaged):
		log.ErrorContext(ctx, "the database is damaged: nothing is recorded any more; restore a backup", "error", err)
	case err != nil:
		log.ErrorContext(ctx, "the database could not be checked; the next start tries again", "error", err)
	case !begun.IsZero():
		log.InfoContext(ctx, "the database is whole", "took", time.Since(begun))
	}
}
