package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/volenti-consent/volenti/server/site"
)

// A removal is a world that moves to PostgreSQL.
type removal struct {
	*world
	from, to *DB
}

func newRemoval(t *testing.T, seed uint64, events int) *removal {
	t.Helper()
	w := newWorld(t, filepath.Join(t.TempDir(), "volenti.db"), seed)
	for range events {
		w.live()
	}
	w.sign()
	from, err := Open(t.Context(), w.path, Options{Moving: true})
	w.must(err)
	t.Cleanup(func() { w.must(errors.Join(from.Close(), w.recorder.Close(context.Background()), w.db.Close())) })
	r := &removal{world: w, from: from}
	r.to = opened(t, engines[1].new(t), Options{Moving: true})
	return r
}

// move is one with small pieces that audits what it made.
func (r *removal) move() *Move {
	return &Move{From: r.from, To: r.to, atOnce: 5, block: 3, few: 2, Check: func(ctx context.Context) error {
		a, err := r.to.AuditAll(ctx, r.auditing())
		if err == nil && len(a.Findings) > 0 {
			err = fmt.Errorf("%s: %w", a.Findings[0].Error(), ErrMoveDiffers)
		}
		return err
	}}
}

// different are the tables that do not hold the same here and there.
func (r *removal) different() (all []string) {
	r.t.Helper()
	tables, err := r.from.tables()
	r.must(err)
	for _, table := range tables {
		if slices.Contains(moveNever, table) && table != "log_head" {
			continue
		}
		query := `SELECT * FROM ` + table
		here, there := digests{}, digests{}
		r.must(addDigests(r.t.Context(), r.from.read, query, here.add))
		r.must(addDigests(r.t.Context(), r.to.read, query, there.add))
		if here != there {
			all = append(all, table)
		}
	}
	return all
}

// settles changes what is not in the log.
func (r *removal) settles() {
	r.t.Helper()
	key := r.site()
	r.must(r.db.ChangeSite(r.t.Context(), site.Site{Key: key, Name: fmt.Sprint("name ", r.n), TimeZone: "Europe/Vienna", SecondPair: key == "blog" && r.n%2 == 0, NoIndex: r.n%3 == 0}))
	r.n++
}

// Whatever happens while what does not change is copied, and wherever the move is broken
// off: in the end the target holds what the source does, row by row. So nothing that was
// erased or restricted is there again, and nothing that was acknowledged is missing.
func TestAMoveFollowsWhatHappensMeanwhile(t *testing.T) {
	seeds := uint64(8)
	if testing.Short() {
		seeds = 3
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := newRemoval(t, seed, 60)
			stopped, told, breaks := false, 0, r.random.IntN(120)
			var ctx context.Context
			var breakOff context.CancelFunc
			m := r.move()
			m.Stopped = func() { stopped = true }
			m.Progress = func(string, int64, int64) {
				if stopped {
					return
				}
				switch r.random.IntN(5) {
				case 0:
					r.happens(r.random.IntN(40 - stops))
				case 1, 2:
					r.happens(4 + r.random.IntN(5)) // erased or restricted
				case 3:
					r.settles()
				}
				if told++; told == breaks {
					breakOff()
				}
			}
			for try := 0; ; try++ {
				ctx, breakOff = context.WithCancel(t.Context())
				_, err := m.Run(ctx, fmt.Sprint("move", try))
				breakOff()
				if err == nil {
					break
				}
				if !errors.Is(err, context.Canceled) || try > 0 {
					t.Fatal(err)
				}
				if err := r.to.settled(t.Context(), r.to.read); !errors.Is(err, ErrMoving) {
					t.Fatalf("what is half there: %v", err)
				}
				for range 20 {
					r.happens(r.random.IntN(40 - stops))
				}
			}
			if all := r.different(); len(all) > 0 {
				t.Errorf("not the same: %v", all)
			}
			if err := r.to.settled(t.Context(), r.to.read); err != nil {
				t.Error(err)
			}
			if err := r.db.AddSite(t.Context(), site.Site{Key: "later", Name: "Later"}); err == nil {
				t.Error("the source takes something more")
			}
			// The log goes on from there.
			head, err := r.from.Head(t.Context())
			r.must(err)
			withSites(t, r.to, "later")
			r.must(r.to.AddPublication(t.Context(), publication(t, "later", "after", r.now)))
			if after := checkLog(t, r.to); after.Size <= head.Size {
				t.Errorf("%d leaves after the move, %d before", after.Size, head.Size)
			}
		})
	}
}

// A large source is read for longer than a transaction may be silent.
func TestAMoveMayTakeItsTime(t *testing.T) {
	r := newRemoval(t, 1, 10)
	place := engines[1].place(t)
	r.to = opened(t, func(o Options) (*DB, error) { return openAt(t.Context(), place+"&"+idleTimeout+"=500", o) }, Options{Moving: true})
	m := r.move()
	m.Check = nil // an audit has no such leave
	stopped := false
	m.Stopped = func() { stopped = true }
	m.Progress = func(table string, _, _ int64) {
		if !stopped || table != "restricted_record" { // once each time it is tried
			return
		}
		for {
			var silent, long int
			r.must(r.to.read.QueryRow(`SELECT COUNT(*), COUNT(*) FILTER (WHERE clock_timestamp() - state_change > INTERVAL '1500 milliseconds')
				FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'`).Scan(&silent, &long))
			if silent == 0 || long > 0 { // ended by the server, or not for three times as long
				return
			}
		}
	}
	if _, err := m.Run(t.Context(), "slow"); err != nil {
		t.Error(err)
	}
}

// A row that is not what it was in the source is not taken for it: the move fails, and
// the source goes on. Either as what was copied by a move that was broken off and lies
// there, or as what comes in another way than it was sent.
func TestACopyThatDiffersIsRefused(t *testing.T) {
	early := map[string]string{
		"decision":     `UPDATE record SET decision = decision || 'x' WHERE position = (SELECT MIN(position) FROM record)`,
		"request":      `UPDATE record SET request = request || 'x' WHERE position = (SELECT MIN(position) FROM record)`,
		"core":         `UPDATE record SET core = core || '\x20' WHERE position = (SELECT MIN(position) FROM record)`,
		"signature":    `UPDATE record SET signature = '\x00' WHERE position = (SELECT MIN(position) FROM record)`,
		"log_leaf":     `UPDATE log_leaf SET leaf = leaf || '\x00' WHERE position = 0`,
		"log_node":     `UPDATE log_node SET hash = '\x00' WHERE position = 1`,
		"artifact":     `UPDATE artifact SET bytes = bytes || '\x20' WHERE kind = 'experience'`,
		"facet":        `UPDATE facet SET region = 'XX'`,
		"record_facet": `UPDATE record_facet SET received_at = received_at + 1 WHERE position = (SELECT MIN(position) FROM record_facet)`,
	}
	late := map[string]string{
		"operator_act": `NEW.detail := 'another'`, "tombstone": `NEW.position := NEW.position - 1`, "restricted_record": `NEW.request := ''`,
		"publication": `NEW.published_at := 0`, "policy_version": `NEW.grace := 0`, "checkpoint": `NEW.at := 0`, "statistic": `NEW.times := NEW.times + 1`,
		"log_entry": `NEW.salt_person := NULL`,
	}
	if testing.Short() {
		early = map[string]string{"decision": early["decision"], "core": early["core"]}
		late = map[string]string{"operator_act": late["operator_act"]}
	}
	r := newRemoval(t, 3, 120)
	refused := func(t *testing.T, altered func()) {
		t.Helper()
		to := opened(t, engines[1].new(t), Options{Moving: true})
		one := &removal{world: r.world, from: r.from, to: to}
		m := one.move()
		ctx, breakOff := context.WithCancel(t.Context())
		defer breakOff()
		m.Round = func(int, int64, bool) { breakOff() }
		if _, err := m.Run(ctx, "altered"); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		r.to = to
		m.Round, m.Sound = nil, func(context.Context) error { altered(); return nil }
		if _, err := m.Run(t.Context(), "altered"); err == nil {
			t.Errorf("it was taken; %v differ", one.different())
		} else {
			t.Log(err)
		}
		if err := r.from.settled(t.Context(), r.from.read); err != nil {
			t.Errorf("the source: %v", err)
		}
		if err := to.settled(t.Context(), to.read); !errors.Is(err, ErrMoving) {
			t.Errorf("the target: %v", err)
		}
	}
	alter := func(t *testing.T, steps ...string) {
		t.Helper()
		for _, step := range steps {
			result, err := r.to.write.Exec(step)
			if err != nil {
				t.Fatal(err)
			}
			if n, _ := result.RowsAffected(); n == 0 && strings.Contains(step, " WHERE ") {
				t.Fatalf("nothing is altered by %s", step)
			}
		}
	}
	for name, change := range early {
		t.Run(name, func(t *testing.T) {
			table := strings.Fields(change)[1]
			refused(t, func() {
				alter(t, `ALTER TABLE `+table+` DISABLE TRIGGER USER`, change, `ALTER TABLE `+table+` ENABLE TRIGGER USER`)
			})
		})
	}
	for table, change := range late {
		t.Run("late "+table, func(t *testing.T) {
			var n int
			if err := r.from.read.QueryRow(`SELECT COUNT(*) FROM ` + table).Scan(&n); err != nil || n == 0 {
				t.Fatalf("%s has %d rows: %v", table, n, err)
			}
			refused(t, func() {
				alter(t, `CREATE FUNCTION bent() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN `+change+`; RETURN NEW; END $$`,
					`CREATE TRIGGER bent BEFORE INSERT ON `+table+` FOR EACH ROW EXECUTE FUNCTION bent()`)
			})
		})
	}
	// And without any of it the same world moves, also where a move was broken off; a site
	// is set to what it is in the source.
	r.to = opened(t, engines[1].new(t), Options{Moving: true})
	m := r.move()
	ctx, breakOff := context.WithCancel(t.Context())
	defer breakOff()
	m.Round = func(int, int64, bool) { breakOff() }
	if _, err := m.Run(ctx, "asitis"); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	m.Round, m.Sound = nil, func(context.Context) error {
		alter(t, `ALTER TABLE site DISABLE TRIGGER USER`, `UPDATE site SET created_at = created_at + 1 WHERE key = 'shop'`, `ALTER TABLE site ENABLE TRIGGER USER`)
		return nil
	}
	if _, err := m.Run(t.Context(), "asitis"); err != nil {
		t.Error(err)
	}
	if all := r.different(); len(all) > 0 {
		t.Errorf("not the same: %v", all)
	}
}
