package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/volenti-consent/volenti/geo"
	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/regime"
	"github.com/volenti-consent/volenti/server/retention"
	"github.com/volenti-consent/volenti/server/site"
	"github.com/volenti-consent/volenti/server/store"
)

// sites are what is published, and what waits for somebody.
func (d *doctor) sites(db *store.DB) []examination {
	each := func(do func(ctx context.Context, s site.Site) error) func(context.Context) error {
		return func(ctx context.Context) error {
			all, err := db.Sites(ctx)
			if err != nil {
				return err
			}
			for _, s := range all {
				if err := do(ctx, s); err != nil {
					return fmt.Errorf("site %s: %w", s.Key, err)
				}
			}
			return nil
		}
	}
	return []examination{
		{"sites.notices", each(func(ctx context.Context, s site.Site) error { return d.notice(ctx, db, s.Key) })},
		{"sites.policies", each(func(ctx context.Context, s site.Site) error { return d.policies(ctx, db, s) })},
		{"requests", each(func(ctx context.Context, s site.Site) error {
			load, err := db.Load(ctx, s.Key, d.now())
			if err == nil && load.Overdue > 0 {
				d.problem("answer them in the console, or see volenti request list", "site %s: %d requests of visitors are overdue", s.Key, load.Overdue)
			}
			return err
		})},
		{"deliveries", func(ctx context.Context) error { return d.deliveries(ctx, db) }},
		{"retention", func(ctx context.Context) error { return d.retention(ctx, db) }},
	}
}

// notice is the one in force, linted by the program of today.
func (d *doctor) notice(ctx context.Context, db *store.DB, key string) error {
	p, err := db.Current(ctx, key)
	if errors.Is(err, notice.ErrUnpublished) {
		d.hint("publish one: volenti notice publish FILE", "site %s has no notice: nobody is asked, and all tags stay shut", key)
		return nil
	}
	if err != nil {
		return err
	}
	n, err := notice.Decode(p.NoticeBytes)
	if err != nil {
		return err
	}
	for _, i := range notice.Lint(n) {
		if i.Severity == notice.SeverityError {
			d.problem(i.Remedy, "site %s: the notice in force could not be published today: %s: %s", key, i.Path, i.What)
		} else {
			d.hint(i.Remedy, "site %s: the notice in force: %s: %s", key, i.Path, i.What)
		}
	}
	for _, policy := range n.Policies {
		if _, err := db.InForce(ctx, key, policy, d.now()); errors.Is(err, policyversions.ErrUnknownPolicy) || errors.Is(err, policyversions.ErrUnknownVersion) {
			d.problem("publish it: volenti policy publish", "site %s: the banner leads to the policy %s, of which nothing is in force", key, policy)
		} else if err != nil {
			return err
		}
	}
	return nil
}

// policies are drafts that have lain for long. What is scheduled comes into force by
// itself; it is told as what is ahead.
func (d *doctor) policies(ctx context.Context, db *store.DB, s site.Site) error {
	works, err := db.Works(ctx, s.Key)
	if err != nil {
		return err
	}
	for _, w := range works {
		if age := d.now().Sub(w.ChangedAt); w.State == policyversions.Submitted && age > 14*24*time.Hour {
			d.hint("approve it or send it back, in the console", "site %s: a draft of the policy %s has waited %d days for another's approval", s.Key, w.Policy, int(age.Hours()/24))
		} else if !w.Effective.IsZero() && w.Effective.Before(d.now()) {
			d.hint("publish it, or give it another day", "site %s: a draft of the policy %s was to be in force from %s and is not published", s.Key, w.Policy, w.Effective.In(s.Location()).Format("2 January 2006"))
		}
	}
	keys, err := db.Policies(ctx, s.Key)
	if err != nil {
		return err
	}
	for _, key := range keys {
		versions, err := db.Versions(ctx, s.Key, key)
		if err != nil {
			return err
		}
		for _, v := range versions {
			if from := v.From(); from.After(d.now()) {
				d.hint("nothing is to be done: it comes into force by itself", "site %s: version %d of the policy %s is scheduled for %s", s.Key, v.Number, key, from.In(s.Location()).Format("2 January 2006"))
			}
		}
	}
	return nil
}

// lateDelivery is how long a mail or an event may be on its way.
const lateDelivery = time.Hour

func (d *doctor) deliveries(ctx context.Context, db *store.DB) error {
	hooks, mails, err := db.Backlog(ctx, d.now().Add(-lateDelivery))
	if err != nil {
		return err
	}
	if hooks > 0 {
		d.problem("see the webhook's last answers in the console, mend the other side, or switch it off", "%d events for webhooks have not arrived for more than an hour", hooks)
	}
	if mails > 0 {
		d.problem("see the server's log for what the mail server answers; --reach asks it", "%d mails have not been sent for more than an hour", mails)
	}
	return nil
}

// overdueDays is how long after its end something may still be there: the job runs
// once a day.
const overdueDays = 3

// retention asks by the result: is there anything that should have gone three days ago?
func (d *doctor) retention(ctx context.Context, db *store.DB) error {
	job := &retention.Job{Store: db, Now: func() time.Time { return d.now().AddDate(0, 0, -overdueDays) }}
	over, err := job.Run(ctx, true)
	if err != nil {
		return err
	}
	total := 0
	for _, r := range over {
		total += r.Count
	}
	if total > 0 {
		d.problem("keep the server running: it removes them once a day; or volenti retention run", "%d things whose time was over %d days ago are still there", total, overdueDays)
	}
	return nil
}

// oldLaw is when a law table is to be renewed, as the console says.
const oldLaw = 183 * 24 * time.Hour

// tables are the law table and the region database.
func (d *doctor) tables() []examination {
	return []examination{
		{"laws", func(context.Context) error {
			table, err := regime.Load()
			if err != nil {
				return err
			}
			if made, err := time.Parse(time.DateOnly, table.Version); err == nil && d.now().Sub(made) > oldLaw {
				d.hint("install a newer version of volenti", "the law table is of %s: what changed since is not in it", table.Version)
			}
			return nil
		}},
		{"regions", func(context.Context) error {
			var db *geo.Database
			var err error
			if d.cfg.GeoDatabase == "" {
				db, err = geo.Embedded()
			} else {
				db, err = geo.Open(d.cfg.GeoDatabase)
			}
			if err != nil {
				d.problem("put a Country or City database of MaxMind or DB-IP there, or take geo.database out", "%v", err)
				return nil
			}
			if warning := db.Info().Warning(d.now()); warning != "" {
				d.hint("fetch a newer one", "%s", warning)
			}
			if known := coverage(db); known < fewestKnown {
				d.problem("use a database of the whole world", "the region database knows the country of %d in 100 public addresses: all others are asked by the strictest law", known)
			}
			return nil
		}},
	}
}

// fewestKnown is of how many public addresses in a hundred a database must know the country.
const fewestKnown = 60

// coverage looks up addresses drawn evenly from all public ones, the same each time.
func coverage(db *geo.Database) (known int) {
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a sample, no secret
	const sample = 2000
	for n := 0; n < sample; {
		bits := random.Uint32()
		addr := netip.AddrFrom4([4]byte{byte(bits >> 24), byte(bits >> 16), byte(bits >> 8), byte(bits)})
		if !geo.Public(addr) {
			continue
		}
		n++
		if db.Lookup(addr).Country != "" {
			known++
		}
	}
	return known * 100 / sample
}
