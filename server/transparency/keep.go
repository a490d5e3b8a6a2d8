package transparency

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/volenti-consent/volenti/server/auditlog"
)

// Standings are entered once a day; see store.EnterStanding.
type Standings interface {
	EnterStanding(ctx context.Context, at time.Time) (entered int, err error)
}

// KeepOutside has the log witnessed and pinned, until ctx ends. Of several nodes one
// does it.
func (l *Log) KeepOutside(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	for _, w := range l.Witnesses {
		all.Go(func() { l.keepWitness(ctx, w) })
	}
	for _, p := range l.Places {
		all.Go(func() { l.keepPlace(ctx, p) })
	}
}

// Keep signs the log while it grows, until ctx ends; then it signs a last time, so that
// what was answered until then is covered. Every node does it, and takes over what
// another one has signed within the last moment.
func (l *Log) Keep(ctx context.Context) {
	tick := time.NewTicker(l.Every)
	defer tick.Stop()
	said := complaint{every: time.Minute}
	for {
		if err := l.keepUp(ctx); err != nil && ctx.Err() == nil && said.anew(err, l.Now()) {
			l.Log.ErrorContext(ctx, "log not signed", "error", err)
		} else if err == nil {
			said = complaint{every: time.Minute}
		}
		select {
		case <-tick.C:
			continue
		case <-ctx.Done():
		}
		break
	}
	const last = 5 * time.Second
	final, cancel := context.WithTimeout(context.WithoutCancel(ctx), last)
	defer cancel()
	if _, err := l.Sign(final); err != nil {
		l.Log.ErrorContext(final, "log not signed before the stop", "error", err)
	}
}

// keepUp takes over the newest checkpoint where another node has just signed it, else
// signs one: nodes sign no more of them together than one alone.
func (l *Log) keepUp(ctx context.Context) error {
	last, err := l.Store.LatestCheckpoint(ctx)
	if err == nil && last.Head.Size > l.Newest().Head.Size && l.Now().Sub(last.At) < l.Every {
		_, err = l.signAt(ctx, last.Head)
		return err
	}
	_, err = l.Sign(ctx)
	return err
}

// KeepStandings enters what stands published, soon after each midnight (UTC), until
// ctx ends.
func (l *Log) KeepStandings(ctx context.Context, s Standings) {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	said := complaint{every: time.Hour}
	for {
		if _, err := s.EnterStanding(ctx, l.Now()); err != nil && ctx.Err() == nil && said.anew(err, l.Now()) {
			l.Log.ErrorContext(ctx, "what stands published was not entered into the log", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// A complaint is said once, and again from time to time.
type complaint struct {
	every time.Duration
	text  string
	at    time.Time
}

func (c *complaint) anew(err error, now time.Time) bool {
	if err.Error() == c.text && now.Sub(c.at) < c.every {
		return false
	}
	c.text, c.at = err.Error(), now
	return true
}

// backoff is how long to wait after n failures: from some seconds to a quarter of an
// hour.
func backoff(n int) time.Duration {
	return min(time.Second<<min(n, 10), 15*time.Minute)
}

// wait ends with ctx (false), after d, or when something was signed.
func (l *Log) wait(ctx context.Context, d time.Duration, signed <-chan struct{}) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-signed:
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}

var errForked = errors.New("it has seen another log under this name: the database was rolled back or forked, or somebody else signs with this log's key")

// newer is a channel that is closed when a checkpoint is signed that is not c.
func (l *Log) newer(c auditlog.Checkpoint) <-chan struct{} {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.newest.Head != c.Head {
		done := make(chan struct{})
		close(done)
		return done
	}
	return l.signed
}
