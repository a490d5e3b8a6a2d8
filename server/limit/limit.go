// Package limit says how much one client, and one site, may ask for at a time, and
// how much is done at once. It keeps everything in memory, under keys that nobody
// can trace back and that are thrown away every hour: nothing of it is stored or
// logged.
package limit

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// A By says which clients share an allowance.
type By string

// What an allowance may be given to.
const (
	Network By = "network" // those of an IPv4 /24, or of an IPv6 /48
	Address By = "address" // those of one IPv4 address, or of an IPv6 /64
	Nobody  By = "none"    // clients are not told apart, and not limited
)

// Check refuses what is none of them.
func (b By) Check() error {
	if b != Network && b != Address && b != Nobody {
		return fmt.Errorf("%q: write network, address or none", string(b))
	}
	return nil
}

// A Class is a kind of request. Each has an allowance of its own, so that a flood of
// one kind leaves the others.
type Class uint8

// A Rate is a token bucket: how many requests come in each second, and how many may
// have been saved up. A zero one limits nothing.
type Rate struct {
	PerSecond int
	Burst     int
}

// ErrTooMany is the error of every Refused.
var ErrTooMany = errors.New("too many requests")

// A Refused is a request for which there is no allowance just now. It says when there
// will be, and nothing about who asked.
type Refused struct{ After time.Duration }

func (r *Refused) Error() string { return fmt.Sprintf("%v: again in %s", ErrTooMany, r.After) }

// Is reports that a Refused is ErrTooMany.
func (r *Refused) Is(target error) bool { return target == ErrTooMany }

// Options are what a Limiter may be told. Zero values are right.
type Options struct {
	By     By               // Network
	Keys   int              // that are remembered at once; 1<<20. More make it forget those that are nearest to a full allowance
	Rotate time.Duration    // how long a key is used; an hour
	Now    func() time.Time // time.Now
}

// A Limiter counts. It is safe for concurrent use; a nil one limits nothing.
type Limiter struct {
	o       Options
	began   time.Time
	current atomic.Pointer[generation]
	mu      sync.Mutex // of turning
}

// A generation is a secret and what was counted under it.
type generation struct {
	secret [32]byte
	ends   int64
	table  *table
}

// New makes a Limiter.
func New(o Options) *Limiter {
	if o.By == "" {
		o.By = Network
	}
	if o.Keys <= 0 {
		o.Keys = 1 << 20
	}
	if o.Rotate <= 0 {
		o.Rotate = time.Hour
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	l := &Limiter{o: o, began: o.Now()}
	l.current.Store(l.generation(0))
	return l
}

func (l *Limiter) generation(now int64) *generation {
	g := &generation{ends: now + int64(l.o.Rotate), table: newTable(l.o.Keys)}
	_, _ = rand.Read(g.secret[:]) // never fails (crypto/rand)
	return g
}

// at is the time, and the generation that counts at it. With the old one all that was
// counted is forgotten: everybody's allowance is full again, once an hour.
func (l *Limiter) at() (int64, *generation) {
	now := int64(l.o.Now().Sub(l.began))
	g := l.current.Load()
	if now < g.ends {
		return now, g
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if g = l.current.Load(); now >= g.ends {
		g = l.generation(now)
		l.current.Store(g)
	}
	return now, g
}

// Client takes one request of a class from the allowance of whoever is at a. It is nil,
// or a *Refused. Whoever has no address is not limited.
func (l *Limiter) Client(class Class, rate Rate, a netip.Addr) error {
	if l == nil || l.o.By == Nobody || rate.PerSecond <= 0 || !a.IsValid() {
		return nil
	}
	now, g := l.at()
	// One block of SHA-256 of a secret and a text of fixed length: a keyed function of
	// the address that can't be searched without the secret, and costs no allocation.
	var text [32 + 1 + 9]byte
	copy(text[:], g.secret[:])
	text[32] = byte(class)
	a = a.Unmap()
	if a.Is4() {
		four := a.As4()
		if l.o.By == Network {
			four[3] = 0
		}
		text[33] = 4
		copy(text[34:], four[:])
	} else {
		sixteen := a.As16()
		text[33] = 6
		kept := 6
		if l.o.By == Address {
			kept = 8
		}
		copy(text[34:], sixteen[:kept])
	}
	return take(g.table, text[:], rate, now)
}

// maxSite is longer than any site's key. What is longer names none.
const maxSite = 128

// Site takes one request of a class from the allowance of a site.
func (l *Limiter) Site(class Class, rate Rate, site string) error {
	if l == nil || rate.PerSecond <= 0 || site == "" || len(site) > maxSite {
		return nil
	}
	now, g := l.at()
	var text [32 + 2 + maxSite]byte
	copy(text[:], g.secret[:])
	text[32], text[33] = byte(class), 's'
	n := copy(text[34:], site)
	return take(g.table, text[:34+n], rate, now)
}

func take(t *table, text []byte, rate Rate, now int64) error {
	sum := sha256.Sum256(text)
	key := binary.LittleEndian.Uint64(sum[:]) | 1 // 0 is no key
	each := int64(time.Second) / int64(rate.PerSecond)
	if wait := t.take(key, now, each, each*int64(max(rate.Burst, 1))); wait > 0 {
		return &Refused{After: time.Duration(wait)}
	}
	return nil
}

// Known is how many clients and sites are short of a full allowance just now: an upper
// bound of those that asked lately.
func (l *Limiter) Known() int {
	if l == nil {
		return 0
	}
	now, g := l.at()
	return g.table.live(now)
}
