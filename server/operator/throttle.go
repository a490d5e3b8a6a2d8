package operator

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"sync"
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
// failures in a row on one account, which takes 48 minutes here).
// It is safe for concurrent use and forgets all when the process ends.
type Throttle struct {
	now func() time.Time

	mu    sync.Mutex
	key   [32]byte  // of addresses; guarded by mu
	until time.Time // when key is replaced; guarded by mu
	rows  map[string]*guesses
	whole bucket // guarded by mu, as rows
}

const (
	freeAccount = 4                // attempts before the waits begin
	freeAddress = 8                // several people share one
	longestWait = 30 * time.Second // of an account, an address
	forgetAfter = time.Hour        // without an attempt
	keyLasts    = 24 * time.Hour   // of addresses: what was counted can't be linked over days
	wholeBurst  = 12
	wholeEvery  = 8 * time.Second // 12 at once and 7 more in a minute
)

// guesses are the attempts of one account, address or browser.
type guesses struct {
	failed int
	next   time.Time // none before
	last   time.Time
}

// A bucket holds attempts and fills up with time.
type bucket struct {
	left   float64
	filled time.Time
}

// NewThrottle makes a Throttle that goes by a clock.
func NewThrottle(now func() time.Time) *Throttle {
	return &Throttle{now: now, rows: map[string]*guesses{}, whole: bucket{left: wholeBurst}}
}

// Try asks whether an attempt may be made, and counts it as failed until Succeed
// says otherwise. Account is an address as typed, or another name of what is
// guessed at; address is the client's, "" if unknown; known names a browser that
// has signed in as that account before, "" if it has not. If it may not, wait is
// how long until it is worth asking again.
func (t *Throttle) Try(account, address, known string) (wait time.Duration, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	t.tidy(now)
	if known != "" {
		row := t.row("browser " + known)
		if row.next.After(now) {
			return row.next.Sub(now), false
		}
		row.count(now, freeAccount)
		return 0, true
	}
	names := []string{"account " + account}
	frees := []int{freeAccount}
	if address != "" {
		names, frees = append(names, t.masked(address)), append(frees, freeAddress)
	}
	for _, name := range names {
		if row, ok := t.rows[name]; ok && row.next.After(now) {
			wait = max(wait, row.next.Sub(now))
		}
	}
	t.whole.fill(now)
	if t.whole.left < 1 {
		wait = max(wait, time.Duration((1-t.whole.left)*float64(wholeEvery)))
	}
	if wait > 0 {
		return wait, false
	}
	t.whole.left--
	for i, name := range names {
		t.row(name).count(now, frees[i])
	}
	return 0, true
}

// Succeed forgets what an account and this browser have failed. To the address it
// gives back this one attempt: a whole office signs in behind one, but one good
// account does not pay for guesses at all others.
func (t *Throttle) Succeed(account, address, known string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.rows, "account "+account)
	delete(t.rows, "browser "+known)
	if row, ok := t.rows[t.masked(address)]; ok && known == "" {
		row.failed = max(0, row.failed-1)
		if row.failed <= freeAddress {
			row.next = time.Time{}
		}
	}
}

func (t *Throttle) row(name string) *guesses {
	row, ok := t.rows[name]
	if !ok {
		row = &guesses{}
		t.rows[name] = row
	}
	return row
}

func (g *guesses) count(now time.Time, free int) {
	g.failed++
	g.last = now
	if over := g.failed - free; over > 0 {
		g.next = now.Add(min(time.Second<<min(over-1, 10), longestWait))
	}
}

func (b *bucket) fill(now time.Time) {
	if gone := now.Sub(b.filled); gone > 0 {
		b.left = min(wholeBurst, b.left+float64(gone)/float64(wholeEvery))
		b.filled = now
	}
}

// masked names an address without keeping it: nobody can tell from the memory of
// this process, or tomorrow, who guessed.
func (t *Throttle) masked(address string) string {
	mac := hmac.New(sha256.New, t.key[:])
	mac.Write([]byte(address))
	return "address " + string(mac.Sum(nil)[:16])
}

// tidy replaces the key when its time is over, and drops what was long ago. Rows
// are made by attempts that were let through only, so there are few.
func (t *Throttle) tidy(now time.Time) {
	if !now.Before(t.until) {
		_, _ = rand.Read(t.key[:])
		t.until = now.Add(keyLasts)
		for name := range t.rows {
			if len(name) > 8 && name[:8] == "address " {
				delete(t.rows, name)
			}
		}
	}
	for name, row := range t.rows {
		if now.Sub(row.last) > forgetAfter && row.failed > 0 {
			delete(t.rows, name)
		}
	}
}
