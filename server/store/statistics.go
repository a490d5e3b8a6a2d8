package store

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/notice"
)

var _ consent.StatisticsStore = (*DB)(nil)

// increments gathers what the records of one transaction add, so that each
// counter is written once for all of them.
type increments struct {
	sums   map[summed]*sum
	counts map[counter]int64 // beside those of sums
	placed []placed
}

// summed is a summary of a record of a site: most records of a transaction have one of a few.
type summed struct {
	site string
	consent.Summary
}

// A sum is how often a summary is to be counted, and where records of it are found.
type sum struct {
	times int64
	facet int64 // its id
}

type counter struct {
	site  string
	count consent.Count // without Times
}

type facet struct{ site, outcome, region, granted string }

type placed struct{ facet, receivedAt, position int64 }

func newIncrements() *increments {
	return &increments{sums: map[summed]*sum{}, counts: map[counter]int64{}}
}

// id is made of what the facet says: processes agree on it without asking each
// other, and it can be made again after its row is gone.
func (f facet) id() int64 {
	sum := sha256.Sum256([]byte(strings.Join([]string{f.site, f.outcome, f.region, f.granted}, "\x00")))
	return int64(binary.BigEndian.Uint64(sum[:8]) >> 1)
}

func facetOf(s summed) facet {
	f := facet{s.site, string(s.Outcome), s.Region, ""}
	if granted := s.Granted(); len(granted) > 0 {
		f.granted = " " + strings.Join(granted, " ") + " "
	}
	return f
}

// add counts a record, and has search find it.
func (in *increments) add(e *consent.Entry, s consent.Summary, position int64) {
	in.place(e, s, position).times++
}

// place has search find a record.
func (in *increments) place(e *consent.Entry, s consent.Summary, position int64) *sum {
	key := summed{e.Site, s}
	of := in.sums[key]
	if of == nil {
		of = &sum{facet: facetOf(key).id()}
		in.sums[key] = of
	}
	in.placed = append(in.placed, placed{of.facet, e.ReceivedAt, position})
	return of
}

const (
	upsertCount = `INSERT INTO statistic (site, dimension, day, value, outcome, times) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
		ON CONFLICT (site, dimension, day, value, outcome) DO UPDATE SET times = statistic.times + excluded.times`
	insertFacet       = `INSERT INTO facet (id, site, outcome, region, granted) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (id) DO NOTHING`
	insertRecordFacet = `INSERT INTO record_facet (facet, received_at, position) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING`
)

// count adds what was gathered.
func (db *DB) count(all writes, in *increments) writes {
	facets := map[int64]facet{}
	for s, of := range in.sums {
		facets[of.facet] = facetOf(s)
		if of.times == 0 {
			continue
		}
		for _, c := range s.Counts() {
			c.Times = 0
			in.counts[counter{s.site, c}] += of.times
		}
	}
	counts := make([]counter, 0, len(in.counts))
	for c := range in.counts {
		counts = append(counts, c)
	}
	// Neighbours in the index one after the other.
	slices.SortFunc(counts, func(a, b counter) int {
		return cmp.Or(cmp.Compare(a.site, b.site), cmp.Compare(a.count.Dimension, b.count.Dimension), cmp.Compare(a.count.Day, b.count.Day),
			cmp.Compare(a.count.Value, b.count.Value), cmp.Compare(a.count.Outcome, b.count.Outcome))
	})
	countRows := seriesOf(&db.append.count, 6, len(counts))
	for _, c := range counts {
		countRows.add(c.site, string(c.count.Dimension), c.count.Day, c.count.Value, c.count.Outcome, in.counts[c])
	}
	facetRows := seriesOf(&db.append.facet, 5, len(facets))
	for id, f := range facets {
		facetRows.add(id, f.site, f.outcome, f.region, f.granted)
	}
	placeRows := seriesOf(&db.append.recordFacet, 3, len(in.placed))
	for _, p := range in.placed {
		placeRows.add(p.facet, p.receivedAt, p.position)
	}
	return append(all, countRows, facetRows, placeRows)
}

// summaryOf is what an entry adds: what its maker says, or, of one that is read
// again, what its bytes say.
func (db *DB) summaryOf(ctx context.Context, tx *sql.Tx, e *consent.Entry, scripts map[canonical.Digest]canonical.Digest) (consent.Summary, error) {
	if e.Summary != nil {
		return *e.Summary, nil
	}
	core, err := consent.ParseCore(e.Core)
	if err != nil {
		return consent.Summary{}, err
	}
	script, known := scripts[core.Experience]
	if !known {
		var b []byte
		err := tx.QueryRowContext(ctx, `SELECT bytes FROM artifact WHERE digest = ?1`, string(core.Experience)).Scan(&b)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return consent.Summary{}, err
		}
		var x notice.Experience
		if err == nil && json.Unmarshal(b, &x) == nil {
			script = x.Script
		}
		scripts[core.Experience] = script
	}
	return consent.Summarise(core, script), nil
}

// uncountedBatch is how many positions of the log one transaction of CountEarlier
// goes through: a decision that arrives meanwhile waits for some 50 ms.
const uncountedBatch = 1000

// CountEarlier counts the records that were there before there were counters, a
// batch at a time, and returns when none is left. What was counted stays counted
// if it is stopped, by ctx or by a crash, and another process may do the rest.
func (db *DB) CountEarlier(ctx context.Context) error {
	for {
		left, _, err := db.Uncounted(ctx)
		if err != nil || left <= 0 {
			return err
		}
		if err := db.inTransaction(ctx, "count earlier records", func(ctx context.Context, tx *sql.Tx) error {
			for _, u := range lateCounters {
				if done, err := db.countBatch(ctx, tx, u); err != nil || !done {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
		select { // writers that wait go first
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
}

// A lateCounter came to databases with records in them; add counts an earlier one.
type lateCounter struct {
	id  int // in table uncounted
	add func(in *increments, e *consent.Entry, s consent.Summary)
}

var lateCounters = []lateCounter{
	{1, func(in *increments, e *consent.Entry, s consent.Summary) { // all but the one beneath
		s.Answer = ""
		in.add(e, s, e.Index)
	}},
	{2, func(in *increments, e *consent.Entry, s consent.Summary) {
		if count, ok := s.AnswerCount(); ok {
			count.Times = 0
			in.counts[counter{e.Site, count}]++
		}
	}},
}

// countBatch counts what is next; done says that nothing was left.
func (db *DB) countBatch(ctx context.Context, tx *sql.Tx, u lateCounter) (done bool, err error) {
	var next, until int64
	if err := tx.QueryRowContext(ctx, `SELECT next, until FROM uncounted WHERE id = ?1`, u.id).Scan(&next, &until); err != nil || next >= until {
		return true, err
	}
	end := min(next+uncountedBatch, until)
	rows, err := tx.QueryContext(ctx, `SELECT position, site, received_at, core FROM record WHERE position >= ?1 AND position < ?2 ORDER BY position`, next, end)
	earlier, err := collect(rows, err, func(row scanner) (*consent.Entry, error) {
		e := &consent.Entry{}
		err := row.Scan(&e.Index, &e.Site, &e.ReceivedAt, &e.Core)
		return e, err
	})
	if err != nil {
		return false, err
	}
	in, scripts := newIncrements(), map[canonical.Digest]canonical.Digest{}
	for _, e := range earlier {
		s, err := db.summaryOf(ctx, tx, e, scripts)
		if err != nil {
			continue // it can't be read, which Audit finds and a counter need not
		}
		u.add(in, e, s)
	}
	if err := db.dialect.run(ctx, tx, db.count(nil, in)); err != nil {
		return false, err
	}
	_, err = tx.ExecContext(ctx, `UPDATE uncounted SET next = ?1 WHERE id = ?2`, end, u.id)
	return false, err
}

// Uncounted is how many positions of the log CountEarlier has still to go through.
func (db *DB) Uncounted(ctx context.Context) (left, of int64, err error) {
	err = db.read.QueryRowContext(ctx, `SELECT COALESCE(SUM(until - next), 0), COALESCE(SUM(until), 0) FROM uncounted`).Scan(&left, &of)
	if err != nil {
		return 0, 0, fmt.Errorf("read what is counted: %w", db.seen(err))
	}
	return left, of, nil
}

// Statistics sums one dimension up over days.
func (db *DB) Statistics(ctx context.Context, site string, by consent.Dimension, from, to string) ([]consent.Count, error) {
	return db.counts(ctx, by, `SELECT '', value, outcome, SUM(times) FROM statistic
		WHERE site = ?1 AND dimension = ?2 AND day >= ?3 AND day <= ?4 GROUP BY value, outcome ORDER BY value, outcome`, site, from, to)
}

// DailyStatistics are the counts of one dimension by day.
func (db *DB) DailyStatistics(ctx context.Context, site string, by consent.Dimension, from, to string) ([]consent.Count, error) {
	return db.counts(ctx, by, `SELECT day, value, outcome, times FROM statistic
		WHERE site = ?1 AND dimension = ?2 AND day >= ?3 AND day <= ?4 ORDER BY day, value, outcome`, site, from, to)
}

func (db *DB) counts(ctx context.Context, by consent.Dimension, query, site, from, to string) ([]consent.Count, error) {
	rows, err := db.read.QueryContext(ctx, query, site, string(by), from, to)
	all, err := collect(rows, err, func(row scanner) (consent.Count, error) {
		c := consent.Count{Dimension: by}
		err := row.Scan(&c.Day, &c.Value, &c.Outcome, &c.Times)
		return c, err
	})
	if err != nil {
		return nil, fmt.Errorf("read statistics: %w", db.seen(err))
	}
	return all, nil
}
