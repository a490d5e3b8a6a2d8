package store

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// A reach is what both pools know of whether the server answers. While it doesn't, one
// at a time tries, and all others are told so at once: they have somebody waiting.
type reach struct {
	config *pgconn.Config // of connections that ask about others
	hosts  hosts

	mu     sync.Mutex
	lost   time.Time // when nothing was answered last; zero: it answers. Guarded by mu
	given  time.Time // when a line was given up last; guarded by mu
	trying bool      // somebody connects; guarded by mu
}

// pause is how long nobody tries after it was in vain.
const pause = 500 * time.Millisecond

// enter lets through who may connect. The caller tells afterwards how it went.
func (r *reach) enter() (told func(error), err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lost.IsZero() {
		return r.went, nil
	}
	if r.trying || time.Since(r.lost) < pause {
		return nil, errSilent
	}
	r.trying = true
	return func(err error) {
		r.went(err)
		r.mu.Lock()
		r.trying = false
		r.mu.Unlock()
	}, nil
}

func (r *reach) went(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case errors.Is(err, errSilent):
		r.lost = time.Now()
	case err == nil, answered(err):
		r.lost = time.Time{}
	}
}

// answered: somebody did, and be it with a refusal.
func answered(err error) bool {
	_, ok := codeOf(err)
	return ok || !pgconn.Timeout(err) && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled)
}

// suspect reports whether a line that was made then is one of those of which one was
// given up since: whoever sits on another one need not find that out for himself.
func (r *reach) suspect(made time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !made.After(r.given)
}

// gaveUp is told that nothing came through a line any more, gone that nothing was
// answered over another one either.
func (r *reach) gaveUp() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.given = time.Now()
}

func (r *reach) gone() {
	r.gaveUp()
	r.went(errSilent)
}

// ask asks the server at an address about the process at the other end of a line.
func (r *reach) ask(ctx context.Context, network, address string, process int64) verdict {
	config := r.config.Copy()
	config.DialFunc = func(ctx context.Context, n, a string) (net.Conn, error) {
		if n != network || a != address {
			return nil, fmt.Errorf("%s is another server", a)
		}
		return dialer().DialContext(ctx, n, a)
	}
	pg, err := pgconn.ConnectConfig(ctx, config)
	v := atWork
	if err == nil {
		defer func() { _ = pg.Close(ctx) }()
		v, err = stateOf(ctx, pg, process)
	}
	if _, said := codeOf(err); err != nil && !said {
		return silent
	}
	return v
}

// stateOf is what a server says of one of its processes. It waits for us where it has
// answered, where it wants to be told more, and where nobody takes what it says.
func stateOf(ctx context.Context, pg *pgconn.PgConn, process int64) (verdict, error) {
	if process == noProcess {
		return atWork, pg.Exec(ctx, `SELECT 1`).Close()
	}
	r, err := pg.Exec(ctx, fmt.Sprintf(`SELECT state LIKE 'idle%%' OR wait_event_type = 'Client' FROM pg_stat_activity WHERE pid = %d`, process)).ReadAll()
	if err != nil || len(r) != 1 {
		return atWork, err
	}
	if len(r[0].Rows) == 0 || string(r[0].Rows[0][0]) == "t" {
		return waiting, nil
	}
	return atWork, nil
}
