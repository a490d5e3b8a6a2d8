// Package lease lets one of several nodes do what one alone is to do, and another take
// over when it dies.
package lease

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"sync"
	"time"
)

// A State is who holds a lease. Beat grows while he lives. The zero value is that nobody
// ever held it; a Holder of "" with a Beat has given it back.
type State struct {
	Holder string
	Beat   int64
}

// A Store keeps leases for all nodes. Calls are safe for concurrent use.
type Store interface {
	Lease(ctx context.Context, name string) (State, error)
	// TakeLease puts next in the place of seen, and reports whether it was still there:
	// of several that try at once one succeeds.
	TakeLease(ctx context.Context, name string, seen, next State) (taken bool, err error)
}

// A Keeper holds a lease while it can, and has something done while it holds it.
//
// No two clocks are compared: whoever waits takes the lease over when he has seen it
// unchanged for Lasts by his own clock, and whoever holds it stops what he does when he
// has not renewed it for half of that. A node that is frozen for longer and then goes on
// may for a moment do what another one has begun: what is done under a lease must bear
// that, and the store decides what counts.
type Keeper struct {
	Store Store
	Name  string
	Log   *slog.Logger
	Every time.Duration // how often it is renewed; two seconds
	Lasts time.Duration // after how long without a beat another node takes it over; ten seconds
	Fit   func() bool   // whether this node may do it just now; nil: always

	mu   sync.Mutex
	held bool // guarded by mu
}

// Held reports whether this node holds it.
func (k *Keeper) Held() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.held
}

func (k *Keeper) set(held bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.held = held
}

// Keep calls do while this node holds the lease, with a context that ends when it does
// not any more, until ctx ends. It gives the lease back when it returns.
func (k *Keeper) Keep(ctx context.Context, do func(ctx context.Context)) {
	if k.Every <= 0 {
		k.Every = 2 * time.Second
	}
	if k.Lasts <= 0 {
		k.Lasts = 10 * time.Second
	}
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails
	me := hex.EncodeToString(b[:])
	var seen State
	since := time.Now()
	tick := time.NewTicker(k.Every)
	defer tick.Stop()
	for {
		if now, err := k.Store.Lease(ctx, k.Name); err == nil {
			if now != seen {
				seen, since = now, time.Now()
			}
			if k.fit() && (now.Holder == "" || time.Since(since) >= k.Lasts) {
				mine := State{me, now.Beat + 1}
				if taken, err := k.Store.TakeLease(ctx, k.Name, now, mine); err == nil && taken {
					k.hold(ctx, mine, do)
					seen, since = State{}, time.Now()
				}
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (k *Keeper) fit() bool { return k.Fit == nil || k.Fit() }

// hold does it until the lease is lost, this node is not fit any more, or ctx ends.
func (k *Keeper) hold(ctx context.Context, mine State, do func(ctx context.Context)) {
	k.Log.InfoContext(ctx, "this node does the timed jobs from now on", "lease", k.Name)
	doing, stop := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() { do(doing) })
	k.set(true)
	defer func() {
		stop()
		done.Wait()
		k.set(false)
	}()
	renewed := time.Now()
	tick := time.NewTicker(k.Every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
		if ctx.Err() != nil || !k.fit() {
			stop()
			done.Wait() // another node begins when this one has ended
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), k.Every)
			defer cancel()
			_, _ = k.Store.TakeLease(last, k.Name, mine, State{"", mine.Beat + 1}) // else the others wait
			return
		}
		next := State{mine.Holder, mine.Beat + 1}
		try, cancel := context.WithTimeout(ctx, k.Lasts/2)
		taken, err := k.Store.TakeLease(try, k.Name, mine, next)
		if err != nil { // it may have been kept all the same
			if now, again := k.Store.Lease(try, k.Name); again == nil && now == next {
				taken, err = true, nil
			}
		}
		cancel()
		switch {
		case err == nil && taken:
			mine, renewed = next, time.Now()
		case err == nil, time.Since(renewed) >= k.Lasts/2:
			k.Log.WarnContext(ctx, "this node leaves the timed jobs to others", "lease", k.Name, "error", err)
			return
		}
	}
}
