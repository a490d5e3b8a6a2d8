package retention

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/volenti-consent/volenti/server/consent"
)

// A Removal is what went, when and why: of one kind, one site and one law.
type Removal struct {
	Seq        int64     // its number, given by the store
	At         time.Time // UTC, milliseconds
	Site       string    // key, or "" for what is the server's
	Kind       Kind
	Law        string // of records; else ""
	Months     int    // after the end, by the settings of that moment
	Count      int
	Tombstones []int64 // leaves of the log that say so; of records
}

// Store is where a Job reads and removes. Calls are safe for concurrent use.
type Store interface {
	// SiteKeys are all sites.
	SiteKeys(ctx context.Context) ([]string, error)
	// Retention are a site's settings, the Defaults where it has none.
	Retention(ctx context.Context, site string) (Settings, error)
	// Candidates are records of a site received before a moment, in that order, after
	// the place; restricted ones only where they are restricted for deletion.
	Candidates(ctx context.Context, site string, before int64, after consent.Place, limit int) ([]consent.Candidate, error)
	// EraseLeaves erases records by their leaves; see consent.ErasureStore.
	EraseLeaves(ctx context.Context, site string, leaves []int64, how consent.Erasure, reason consent.Reason, at time.Time) (consent.Erased, error)
	// Expired is how many things of a kind came to their end before a moment, and
	// RemoveExpired removes at most limit of them, for good. Records are not theirs.
	Expired(ctx context.Context, site string, kind Kind, before time.Time) (int, error)
	RemoveExpired(ctx context.Context, site string, kind Kind, before time.Time, limit int) (int, error)
	// NoteRemoval keeps what was removed, Removals lists it, newest first; "" is all sites.
	NoteRemoval(ctx context.Context, r Removal) error
	Removals(ctx context.Context, site string, limit int) ([]Removal, error)
	Scrub(ctx context.Context) error
}

// sessionDays is how long the row of a session that nobody ended is kept; the console
// lets none live that long.
const sessionDays = 7

// A Job removes what is over.
type Job struct {
	Store Store
	Now   func() time.Time
	Log   *slog.Logger
	Batch int // things that share a transaction; 250
	// Step is told after each batch how many went; nil is nobody.
	Step func(n int)
}

// Run removes, or with dry counts, what is over on the named sites (none: on all, and
// on the server). It goes on with the next site where one fails. What was removed
// before a stop is removed and noted.
func (j *Job) Run(ctx context.Context, dry bool, sites ...string) ([]Removal, error) {
	server := len(sites) == 0
	if server {
		var err error
		if sites, err = j.Store.SiteKeys(ctx); err != nil {
			return nil, err
		}
	}
	var all []Removal
	var failed []error
	for _, site := range sites {
		done, err := j.site(ctx, site, dry)
		all = append(all, done...)
		if err != nil {
			failed = append(failed, fmt.Errorf("site %s: %w", site, err))
		}
	}
	if server {
		done, err := j.expired(ctx, Removal{Kind: Sessions}, j.Now().AddDate(0, 0, -sessionDays), dry)
		all, failed = append(all, done...), append(failed, err)
	}
	if !dry && len(all) > 0 {
		if err := j.Store.Scrub(ctx); !errors.Is(err, consent.ErrReaders) {
			failed = append(failed, err)
		}
	}
	return all, errors.Join(failed...)
}

func (j *Job) site(ctx context.Context, site string, dry bool) ([]Removal, error) {
	s, err := j.Store.Retention(ctx, site)
	if err != nil {
		return nil, err
	}
	all, err := j.records(ctx, site, s, dry)
	if s.Statistics > 0 {
		done, failed := j.expired(ctx, Removal{Site: site, Kind: Statistics, Months: s.Statistics}, addMonths(j.Now(), -s.Statistics), dry)
		all, err = append(all, done...), errors.Join(err, failed)
	}
	return all, err
}

func (j *Job) batch() int { return cmp.Or(j.Batch, 250) }

// candidatesAtOnce is how many records are looked at, at a time.
const candidatesAtOnce = 1000

// records goes through the records that are old enough, oldest first, and shreds
// those whose time is over. How much is read is bounded by how long records count:
// with six months and thirty-six, a seventh of all.
func (j *Job) records(ctx context.Context, site string, s Settings, dry bool) ([]Removal, error) {
	now := j.Now()
	over := map[string][]int64{} // by law
	totals := map[string]*Removal{}
	before := addMonths(now, -s.fewest()).UnixMilli()
	var failed error
	flush := func(least int) {
		for law, leaves := range over {
			if len(leaves) < least || failed != nil {
				continue
			}
			r := totals[law]
			if r == nil {
				r = &Removal{At: now.UTC().Truncate(time.Millisecond), Site: site, Kind: Records, Law: law, Months: s.MonthsOf(law)}
				totals[law] = r
			}
			delete(over, law)
			if dry {
				r.Count += len(leaves)
				continue
			}
			for some := range slices.Chunk(leaves, j.batch()) {
				var done consent.Erased
				if done, failed = j.Store.EraseLeaves(ctx, site, some, consent.Shredded, consent.ReasonRetention, now); failed != nil {
					return
				}
				r.Count, r.Tombstones = r.Count+len(done.Leaves), append(r.Tombstones, done.Tombstones...)
				j.pause(ctx, len(done.Leaves))
			}
		}
	}
	for after := (consent.Place{Index: -1}); failed == nil; {
		some, err := j.Store.Candidates(ctx, site, before, after, candidatesAtOnce)
		if err != nil {
			failed = err
			break
		}
		for _, c := range some {
			if !s.Ends(c).After(now) {
				over[c.Law] = append(over[c.Law], c.Index)
			}
		}
		flush(j.batch())
		if len(some) < candidatesAtOnce {
			break
		}
		last := some[len(some)-1]
		after = consent.Place{ReceivedAt: last.ReceivedAt, Index: last.Index}
	}
	flush(1)
	var all []Removal
	for _, r := range totals {
		if r.Count == 0 {
			continue
		}
		all = append(all, *r)
		if !dry {
			failed = errors.Join(failed, j.note(ctx, *r))
		}
	}
	slices.SortFunc(all, func(a, b Removal) int { return cmp.Compare(a.Law, b.Law) })
	return all, failed
}

func (j *Job) expired(ctx context.Context, r Removal, before time.Time, dry bool) ([]Removal, error) {
	r.At = j.Now().UTC().Truncate(time.Millisecond)
	if dry {
		n, err := j.Store.Expired(ctx, r.Site, r.Kind, before)
		if r.Count = n; err != nil || n == 0 {
			return nil, err
		}
		return []Removal{r}, nil
	}
	var failed error
	for {
		n, err := j.Store.RemoveExpired(ctx, r.Site, r.Kind, before, j.batch())
		if r.Count += n; err != nil {
			failed = err
			break
		}
		if n < j.batch() {
			break
		}
		j.pause(ctx, n)
	}
	if r.Count == 0 {
		return nil, failed
	}
	return []Removal{r}, errors.Join(failed, j.note(ctx, r))
}

func (j *Job) note(ctx context.Context, r Removal) error {
	if j.Log != nil {
		j.Log.InfoContext(ctx, "retention: removed what was over", "site", r.Site, "kind", string(r.Kind), "law", r.Law, "months", r.Months, "count", r.Count)
	}
	return j.Store.NoteRemoval(context.WithoutCancel(ctx), r)
}

// pause lets writers that wait go first.
func (j *Job) pause(ctx context.Context, n int) {
	if j.Step != nil {
		j.Step(n)
	}
	select {
	case <-ctx.Done():
	case <-time.After(time.Millisecond):
	}
}

// Keep runs the job once a day until ctx ends, first a moment after the start, and
// empties the write-ahead log every minute that something erased may stand in it.
func (j *Job) Keep(ctx context.Context, first time.Duration) {
	next := time.NewTimer(first)
	defer next.Stop()
	scrub := time.NewTicker(time.Minute)
	defer scrub.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-scrub.C:
			if err := j.Store.Scrub(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, consent.ErrReaders) {
				j.Log.WarnContext(ctx, "retention: the write-ahead log was not emptied", "error", err)
			}
		case <-next.C:
			if _, err := j.Run(ctx, false); err != nil && ctx.Err() == nil {
				j.Log.ErrorContext(ctx, "retention: not all that is over was removed; it is tried again tomorrow", "error", err)
			}
			next.Reset(24 * time.Hour)
		}
	}
}
