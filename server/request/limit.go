package request

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"sync"
	"time"
)

// A Limiter bounds how many requests come in by one client and by all, so that nobody
// fills a queue or a stranger's mailbox. Clients are counted under a key that is
// drawn anew every hour and kept nowhere: no address is. It is safe for concurrent use.
type Limiter struct {
	Now    func() time.Time
	Each   int // in an hour, of one client
	Whole  int // in an hour, on one site
	mu     sync.Mutex
	hour   int64 // guarded by mu, as all below
	key    [32]byte
	counts map[[32]byte]int
}

// Allow counts one, and reports whether it may go on.
func (l *Limiter) Allow(site, client string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if hour := l.Now().Unix() / 3600; hour != l.hour || l.counts == nil {
		l.hour, l.counts = hour, map[[32]byte]int{}
		_, _ = rand.Read(l.key[:])
	}
	one, all := l.name("client", site, client), l.name("site", site, "")
	// "" is a client that nothing is known of: then only all together are counted.
	if client != "" && l.counts[one] >= l.Each || l.counts[all] >= l.Whole {
		return false
	}
	l.counts[one]++
	l.counts[all]++
	return true
}

func (l *Limiter) name(parts ...string) (sum [32]byte) {
	mac := hmac.New(sha256.New, l.key[:])
	for _, p := range parts {
		mac.Write([]byte(p))
		mac.Write([]byte{0})
	}
	mac.Sum(sum[:0])
	return sum
}
