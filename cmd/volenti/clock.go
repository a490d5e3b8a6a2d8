package main

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/volenti-consent/volenti/server/consent"
)

const (
	// clockEvery is how often a node compares its clock with the database's.
	clockEvery = time.Second
	// clockOff is how far apart they may be. Two nodes can then be twice that apart, which
	// what one of them served and another is shown bears (consent.Tokens).
	clockOff = 2 * time.Minute
)

// A clock is that of this machine, held against the one all nodes share: the database
// server's. With one that is wrong nothing is dated, so that no receipt bears a time
// that nobody stands behind, and nothing is removed or sent because it is due.
type clock struct {
	now    func() time.Time
	shared func(ctx context.Context) (at time.Time, ok bool, err error) // !ok: there is none

	mu  sync.Mutex
	off time.Duration // by which this one is ahead, as it was found last; guarded by mu
}

// compare looks at both. What the question takes on its way is not held against either.
func (c *clock) compare(ctx context.Context) error {
	asked := c.now().Round(0) // as somebody reads it, and not as it runs
	at, ok, err := c.shared(ctx)
	if err != nil || !ok {
		return err
	}
	answered := c.now().Round(0)
	var off time.Duration
	switch {
	case at.Before(asked):
		off = asked.Sub(at)
	case at.After(answered):
		off = answered.Sub(at)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.off = off
	return nil
}

// wrong is nil, or why the clock is not believed: an ErrUnavailable.
func (c *clock) wrong() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.off.Abs() <= clockOff {
		return nil
	}
	way := "ahead of"
	if c.off < 0 {
		way = "behind"
	}
	return fmt.Errorf("this machine's clock is %v %s the database server's: set both, and keep them so with NTP: %w", c.off.Abs().Round(time.Second), way, consent.ErrUnavailable)
}

func (c *clock) right() bool { return c.wrong() == nil }

// keep compares them until ctx ends, and says when one is wrong, and when it is right
// again. While the database can't be asked, what was found last holds.
func (c *clock) keep(ctx context.Context, log *slog.Logger) {
	tick := time.NewTicker(clockEvery)
	defer tick.Stop()
	for said := false; ; {
		err := c.wrong()
		switch {
		case err != nil && !said:
			log.ErrorContext(ctx, "nothing is recorded here and no timed job is done until the clock is right", "error", err)
		case err == nil && said:
			log.InfoContext(ctx, "the clock is right again")
		}
		said = err != nil
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		try, cancel := context.WithTimeout(ctx, 10*clockEvery)
		_ = c.compare(try) // Ready tells of a database that does not answer
		cancel()
	}
}
