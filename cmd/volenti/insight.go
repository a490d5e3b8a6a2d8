package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/volenti-consent/volenti/banner"
	"github.com/volenti-consent/volenti/geo"
	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/store"
)

// ageOf is what the console says of the region database's age.
func ageOf(info func() geo.Info) func() string {
	return func() string { return info().Warning(time.Now()) }
}

// countEarlier counts what was recorded before there were counters, and tries again
// where the database is busy; what was counted stays counted.
func countEarlier(ctx context.Context, db *store.DB, log *slog.Logger) {
	for {
		err := db.CountEarlier(ctx)
		if err == nil || ctx.Err() != nil {
			return
		}
		log.WarnContext(ctx, "earlier records not counted yet", "error", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Minute):
		}
	}
}

// A freshness tells whether notices were compiled by an older program, which takes
// a second or two each: it is found out when first asked, one after the other, and
// kept for as long as the publication stands.
type freshness struct {
	ctx        context.Context // ends with the server
	notices    notice.Store
	log        *slog.Logger
	background *sync.WaitGroup

	mu      sync.Mutex
	known   map[int64]bool  // by Seq: outdated; guarded by mu
	waiting map[string]bool // sites; guarded by mu
	working bool            // guarded by mu
}

func newFreshness(ctx context.Context, notices notice.Store, log *slog.Logger, background *sync.WaitGroup) *freshness {
	return &freshness{ctx: ctx, notices: notices, log: log, background: background, known: map[int64]bool{}, waiting: map[string]bool{}}
}

// outdated answers at once: false where it has still to be found out.
func (f *freshness) outdated(site string, latest notice.Latest) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if old, ok := f.known[latest.Seq]; ok {
		return old
	}
	f.waiting[site] = true
	if !f.working && f.ctx.Err() == nil {
		f.working = true
		f.background.Go(f.work)
	}
	return false
}

func (f *freshness) work() {
	for {
		f.mu.Lock()
		site := ""
		for site = range f.waiting {
			break
		}
		delete(f.waiting, site)
		if site == "" || f.ctx.Err() != nil {
			f.working = false
			f.mu.Unlock()
			return
		}
		f.mu.Unlock()
		seq, old, err := f.compile(site)
		if err != nil {
			f.log.WarnContext(f.ctx, "not found out whether the notice was compiled by an older program", "site", site, "error", err)
			continue
		}
		f.mu.Lock()
		f.known[seq] = old
		f.mu.Unlock()
	}
}

// compile makes the scripts of a site's notice anew, and compares.
func (f *freshness) compile(site string) (seq int64, old bool, err error) {
	p, err := f.notices.Current(f.ctx, site)
	if err != nil {
		return 0, false, err
	}
	n, err := notice.Decode(p.NoticeBytes)
	if err != nil {
		return 0, false, err
	}
	scripts, err := banner.Compiler{}.Compile(n, n.Wordings())
	if err != nil {
		return 0, false, errors.Join(errors.New("compile the notice in force"), err)
	}
	var published, anew []string
	for _, s := range p.Scripts {
		published = append(published, string(s.Digest))
	}
	for _, s := range scripts {
		anew = append(anew, string(canonical.Sum(s.Source)))
	}
	slices.Sort(published)
	slices.Sort(anew)
	return p.Seq, !slices.Equal(slices.Compact(published), slices.Compact(anew)), nil
}
