package visitor

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/notice"
)

// A Tally counts the first layers that were answered while a site's notice has
// trials: by day and script, and by nothing that a visitor brings along. A nil
// Tally counts nothing.
type Tally struct {
	Store notice.ShowingStore
	Now   func() time.Time
	Wrong func() error // nil, or why that is not to be believed just now: nothing is counted then
	Log   *slog.Logger

	mu     sync.Mutex
	counts map[counted]int64 // guarded by mu
}

type counted struct {
	site, day string
	script    canonical.Digest
}

// wrong: a count would be one of another day. Decisions are refused meanwhile, so that none
// is missing beside them.
func (t *Tally) wrong() bool { return t.Wrong != nil && t.Wrong() != nil }

// Add counts one answer.
func (t *Tally) Add(live *Live, v notice.Variant, script canonical.Digest) {
	if t == nil || v.Kind != notice.KindAsk || len(live.Notice.Trials) == 0 || t.wrong() {
		return
	}
	key := counted{live.Site.Key, t.Now().UTC().Format(time.DateOnly), script}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.counts == nil {
		t.counts = map[counted]int64{}
	}
	t.counts[key]++
}

// Keep flushes until ctx ends, and then once more. What is counted between two
// flushes is lost if the process is killed: it is statistics and no evidence.
func (t *Tally) Keep(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			t.flush(last)
			return
		case <-tick.C:
			t.flush(ctx)
		}
	}
}

func (t *Tally) flush(ctx context.Context) {
	if err := t.Flush(ctx); err != nil {
		t.Log.WarnContext(ctx, "counts of trials not kept yet", "error", err)
	}
}

// Flush hands what was counted to the store. What could not be kept is counted on. With a
// clock that is wrong nothing is: the last seconds were counted before anybody knew.
func (t *Tally) Flush(ctx context.Context) error {
	t.mu.Lock()
	taken := t.counts
	t.counts = nil
	t.mu.Unlock()
	if len(taken) == 0 || t.wrong() {
		return nil
	}
	all := make([]notice.Showing, 0, len(taken))
	for key, times := range taken {
		all = append(all, notice.Showing{Site: key.site, Day: key.day, Script: key.script, Times: times})
	}
	// In one order, so that two processes never wait for each other's rows.
	slices.SortFunc(all, func(a, b notice.Showing) int {
		return cmp.Or(cmp.Compare(a.Site, b.Site), cmp.Compare(a.Day, b.Day), cmp.Compare(a.Script, b.Script))
	})
	err := t.Store.AddShowings(ctx, all)
	if err == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.counts == nil {
		t.counts = map[counted]int64{}
	}
	for key, times := range taken {
		t.counts[key] += times
	}
	return err
}
