package visitor

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"sync"
	"time"

	"github.com/volenti-consent/volenti/server/consent"
)

// A ReplacedStore keeps which cookies are not what counts any more. Digests are those
// of site and receipt, so that it names no record.
type ReplacedStore interface {
	// ReplaceElsewhere keeps digests, on stable storage.
	ReplaceElsewhere(ctx context.Context, site string, digests [][]byte, at time.Time) error
	// ReplacedElsewhere calls each for what was kept since a time, that included, and
	// returns the latest of their times.
	ReplacedElsewhere(ctx context.Context, since time.Time, each func(site string, digest []byte)) (latest time.Time, err error)
	// ForgetReplaced removes what was kept before a time.
	ForgetReplaced(ctx context.Context, before time.Time) error
}

// cookieLasts is longer than any browser keeps a cookie (RFC 6265bis § 5.5).
const cookieLasts = 420 * 24 * time.Hour

// Elsewhere knows the cookies that are behind: another browser, which was shown their
// receipt, decided for them. It is asked for every cookie, so it answers from memory;
// there are few, and only for those the store is read.
type Elsewhere struct {
	Kept   ReplacedStore
	Script *Script
	Store  consent.Store

	mu    sync.RWMutex
	known map[string]struct{} // site and digest; guarded by mu
	since time.Time           // used by Refresh alone
}

func elsewhereDigest(site, receipt string) []byte {
	sum := sha256.Sum256([]byte("replaced elsewhere v1\n" + site + "\n" + receipt))
	return sum[:]
}

// Refresh reads what was kept meanwhile, by this process or another one.
func (e *Elsewhere) Refresh(ctx context.Context) error {
	latest, err := e.Kept.ReplacedElsewhere(ctx, e.since.Add(-time.Minute), e.add)
	if err == nil {
		e.since = latest
	}
	return err
}

func (e *Elsewhere) add(site string, digest []byte) {
	key := site + "\n" + string(digest)
	e.mu.RLock()
	_, known := e.known[key]
	e.mu.RUnlock()
	if known {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.known == nil {
		e.known = map[string]struct{}{}
	}
	e.known[key] = struct{}{}
}

// Keep refreshes until ctx ends, and once forgets what no cookie asks for any more.
func (e *Elsewhere) Keep(ctx context.Context, every time.Duration, log *slog.Logger) {
	if err := e.Kept.ForgetReplaced(ctx, e.Script.Now().Add(-cookieLasts)); err != nil && ctx.Err() == nil {
		log.WarnContext(ctx, "old marks of cookies that are behind are still kept", "error", err)
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := e.Refresh(ctx); err != nil && ctx.Err() == nil {
				log.ErrorContext(ctx, "decisions made in another browser not read", "error", err)
			}
		}
	}
}

// replace marks the cookies of receipts: from now on the newest record of their browser
// counts instead.
func (e *Elsewhere) replace(ctx context.Context, site string, receipts []string) error {
	digests := make([][]byte, len(receipts))
	for i, receipt := range receipts {
		digests[i] = elsewhereDigest(site, receipt)
	}
	if err := e.Kept.ReplaceElsewhere(ctx, site, digests, e.Script.Now()); err != nil {
		return err
	}
	for _, digest := range digests {
		e.add(site, digest)
	}
	return nil
}

// newer is what counts instead of a cookie, where that is behind. What can't be found
// out is of no use: the page asks again, and nothing may load.
func (e *Elsewhere) newer(ctx context.Context, m Memory, now time.Time) (instead Memory, behind, ok bool) {
	e.mu.RLock()
	some := len(e.known) > 0
	e.mu.RUnlock()
	if !some {
		return m, false, true
	}
	e.mu.RLock()
	_, behind = e.known[m.Site+"\n"+string(elsewhereDigest(m.Site, m.Receipt))]
	e.mu.RUnlock()
	if !behind {
		return m, false, true
	}
	live, err := e.Script.Directory.Live(m.Site)
	if err != nil {
		return m, true, false
	}
	instead, ok, err = (&Tags{Script: e.Script, Store: e.Store}).recorded(ctx, live, m.Receipt, now)
	return instead, true, ok && err == nil
}
