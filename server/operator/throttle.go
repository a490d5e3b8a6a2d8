package operator

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"sync/atomic"
	"time"
)

// A Throttle slows guessing down, without locking anybody out: who waits gets in.
// Attempts are counted by account, by address and in all; the first few are free,
// then each failure doubles the wait, up to longestWait. A browser in which the
// operator has signed in before is counted by itself, so that whoever guesses at
// an account does not keep its owner waiting.
//
// In 60 seconds at most 20 attempts of strangers are let through, whatever they
// name (RFC 9700 has no figure; NIST SP 800-63B 3.2.2 asks for at most 100
// failures in a row on one account, which takes 48 minutes here), however many
// processes share the store.
//
// What is kept names nobody: a name is an HMAC under a key of the day, which the
// store does not have. It is safe for concurrent use. Where the store can't say,
// nobody is let through.
type Throttle struct {
	store GuessStore
	key   atomic.Pointer[[]byte]
	now   func() time.Time
}

// A GuessStore keeps what a Throttle counted, for all processes.
type GuessStore interface {
	// Guesses are what was counted under names, in their order; zero of none.
	Guesses(ctx context.Context, names []string) ([]Guesses, error)
	// CountGuesses lets change change them, alone among all processes, and keeps
	// what it made of them if it answers true; a zero one is dropped. All that were
	// last counted before gone are dropped first.
	CountGuesses(ctx context.Context, names []string, gone time.Time, change func([]Guesses) bool) error
}

// Guesses are the attempts of one account, address or browser, or all together.
type Guesses struct {
	Failed int
	Next   time.Time // none before; milliseconds
	Last   time.Time
}

const (
	freeAccount = 4                // attempts before the waits begin
	freeAddress = 8                // several people share one
	longestWait = 30 * time.Second // of an account, an address
	forgetAfter = time.Hour        // without an attempt
	wholeBurst  = 12
	wholeEvery  = 8 * time.Second // 12 at once and 7 more in a minute
	whole       = "whole"         // the name under which all attempts of strangers count
)

// NewThrottle makes a Throttle that goes by a clock. Processes that share a store
// share key too; it is not in the store.
func NewThrottle(store GuessStore, key []byte, now func() time.Time) *Throttle {
	t := &Throttle{store: store, now: now}
	t.Replace(key)
	return t
}

// Replace goes on under another key: what was counted under the one before is forgotten.
func (t *Throttle) Replace(key []byte) { t.key.Store(&key) }

// Try asks whether an attempt may be made, and counts it as failed until Succeed
// says otherwise. Account is an address as typed, or another name of what is
// guessed at; address is the client's, "" if unknown; known names a browser that
// has signed in as that account before, "" if it has not. If it may not, wait is
// how long until it is worth asking again. A refusal writes nothing: a flood of
// them costs the store reads.
func (t *Throttle) Try(ctx context.Context, account, address, known string) (wait time.Duration, ok bool, err error) {
	now := t.now().UTC().Truncate(time.Millisecond)
	names, free := []string{t.masked("browser", known, now)}, []int{freeAccount}
	if known == "" {
		names, free = []string{whole, t.masked("account", account, now)}, []int{0, freeAccount}
		if address != "" {
			names, free = append(names, t.masked("address", address, now)), append(free, freeAddress)
		}
	}
	seen, err := t.store.Guesses(ctx, names)
	if err != nil {
		return 0, false, err
	}
	if wait := waits(names, seen, now); wait > 0 {
		return wait, false, nil
	}
	err = t.store.CountGuesses(ctx, names, now.Add(-forgetAfter), func(all []Guesses) bool {
		if wait = waits(names, all, now); wait > 0 { // somebody else was quicker
			return false
		}
		for i := range all {
			if names[i] == whole {
				all[i].pour(now)
			} else {
				all[i].count(now, free[i])
			}
		}
		return true
	})
	return wait, err == nil && wait <= 0, err
}

// Succeed forgets what an account and this browser have failed. To the address it
// gives back this one attempt: a whole office signs in behind one, but one good
// account does not pay for guesses at all others.
func (t *Throttle) Succeed(ctx context.Context, account, address, known string) error {
	now := t.now().UTC().Truncate(time.Millisecond)
	names := []string{t.masked("account", account, now), t.masked("browser", known, now), t.masked("address", address, now)}
	return t.store.CountGuesses(ctx, names, now.Add(-forgetAfter), func(all []Guesses) bool {
		all[0], all[1] = Guesses{}, Guesses{}
		if of := &all[2]; known == "" && of.Failed > 0 {
			of.Failed--
			if of.Failed <= freeAddress {
				of.Next = time.Time{}
			}
		}
		return true
	})
}

// waits is how long the longest wait of all is.
func waits(names []string, all []Guesses, now time.Time) (wait time.Duration) {
	for i, g := range all {
		from := g.Next
		if names[i] == whole {
			from = from.Add(-(wholeBurst - 1) * wholeEvery)
		}
		wait = max(wait, from.Sub(now))
	}
	return wait
}

// count counts an attempt, and sets when the next may be.
func (g *Guesses) count(now time.Time, free int) {
	g.Failed++
	g.Last = now
	if over := g.Failed - free; over > 0 {
		g.Next = now.Add(min(time.Second<<min(over-1, 10), longestWait))
	}
}

// pour counts an attempt of all: Next is when everything that was let through has
// been worked off, one every wholeEvery (the generic cell rate algorithm).
func (g *Guesses) pour(now time.Time) {
	g.Failed, g.Last = g.Failed+1, now
	if g.Next.Before(now) {
		g.Next = now
	}
	g.Next = g.Next.Add(wholeEvery)
}

// masked names what is counted without saying what it is: nobody can tell from the
// store, or tomorrow, who guessed at whom.
func (t *Throttle) masked(kind, name string, now time.Time) string {
	day := hmac.New(sha256.New, *t.key.Load())
	day.Write([]byte(now.Format(time.DateOnly)))
	mac := hmac.New(sha256.New, day.Sum(nil))
	mac.Write([]byte(kind + "\x00" + name))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}
