package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// What is altered in the source after it was copied and compared is found, whatever was
// done to the triggers that look after it: the copy is of what was audited.
func TestWhatIsAlteredBetweenRoundsIsFound(t *testing.T) {
	changes := map[string]string{
		"record":        `UPDATE record SET decision = decision || 'x' WHERE position = (SELECT MIN(position) FROM record)`,
		"gone":          `DELETE FROM record WHERE position = (SELECT MIN(position) FROM record WHERE personal IS NOT NULL)`,
		"log_leaf":      `UPDATE log_leaf SET leaf = x'00' WHERE position = 0`,
		"log_node":      `UPDATE log_node SET hash = x'00' WHERE position = 1`,
		"log_entry":     `UPDATE log_entry SET salt_person = x'00' WHERE position = (SELECT MIN(position) FROM log_entry)`,
		"checkpoint":    `UPDATE checkpoint SET at = at + 1 WHERE seq = (SELECT MIN(seq) FROM checkpoint)`,
		"operator_act":  `UPDATE operator_act SET detail = 'another' WHERE seq = (SELECT MIN(seq) FROM operator_act)`,
		"tombstone":     `UPDATE tombstone SET how = 'half' WHERE erased = (SELECT MIN(erased) FROM tombstone)`,
		"record_facet":  `UPDATE record_facet SET received_at = 0 WHERE position = (SELECT MIN(position) FROM record_facet)`,
		"of no record":  `INSERT INTO record_facet (facet, received_at, position) SELECT id, 1, 1 FROM facet LIMIT 1`,
		"facet":         `UPDATE facet SET region = 'XX' WHERE id = (SELECT MIN(facet) FROM record_facet)`,
		"another site":  `INSERT INTO record_facet (facet, received_at, position) SELECT c.id, r.received_at, r.position FROM record r JOIN facet c ON c.site <> r.site ORDER BY r.position LIMIT 1`,
		"artifact":      `UPDATE artifact SET bytes = x'00' WHERE digest = (SELECT MIN(digest) FROM artifact)`,
		"publication":   `UPDATE publication SET published_at = 0 WHERE seq = (SELECT MIN(seq) FROM publication)`,
		"a script gone": `DELETE FROM publication_script`,
		"not watched":   `DROP TRIGGER watched_artifact_update; UPDATE artifact SET bytes = x'00' WHERE digest = (SELECT MIN(digest) FROM artifact)`,
		"unwatched":     `DROP TRIGGER watched_record_update; UPDATE record SET decision = decision || 'x' WHERE position = (SELECT MIN(position) FROM record)`,
		"watched again": `DROP TRIGGER watched_record_update; UPDATE record SET decision = decision || 'x' WHERE position = (SELECT MIN(position) FROM record); CREATE TRIGGER watched_record_update AFTER UPDATE ON record BEGIN SELECT 1; END`,
	}
	if testing.Short() {
		changes = map[string]string{"record": changes["record"], "of no record": changes["of no record"], "unwatched": changes["unwatched"]}
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			r := newRemoval(t, 3, 120)
			m := r.move()
			m.Check = nil
			m.Round = func(_ int, _ int64, last bool) {
				if last {
					r.alter(change)
				}
			}
			_, err := m.Run(t.Context(), "altered")
			if !errors.Is(err, ErrMoveDiffers) && (err == nil || name != "tombstone") {
				t.Errorf("%v; %v differ", err, r.different())
			}
			if err := r.from.settled(t.Context(), r.from.read); err != nil {
				t.Errorf("the source: %v", err)
			}
			var left int
			r.must(r.from.read.QueryRow(`SELECT COUNT(*) FROM sqlite_master WHERE name LIKE 'watched%'`).Scan(&left))
			if left > 0 {
				t.Errorf("%d triggers and tables of the move are left", left)
			}
		})
	}
}

// While blocks are compared, which is most of a move, the source's write-ahead log waits
// for no reader of the move: it would grow as long as that takes.
func TestTheLogOfTheSourceIsCopiedWhileBlocksAreCompared(t *testing.T) {
	r := newRemoval(t, 5, 60)
	m := r.move()
	compared := 0
	m.Progress = func(table string, _, _ int64) {
		if table != "compare record" {
			return
		}
		compared++
		var busy, pages, copied int
		r.must(r.db.write.QueryRow(`PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &pages, &copied))
		if busy != 0 {
			t.Errorf("a reader keeps %d pages from being copied", pages)
		}
	}
	m.Stopped = func() { m.Progress = nil } // nobody else writes then
	_, err := m.Run(t.Context(), "checkpointed")
	r.must(err)
	if compared == 0 {
		t.Error("nothing was compared")
	}
}

// alter does what the triggers that look after evidence refuse, and puts them back.
func (r *removal) alter(change string) {
	r.t.Helper()
	rows, err := r.db.write.Query(`SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name NOT LIKE 'watched%'`)
	fixed, err := collect(rows, err, func(row scanner) (pair [2]string, err error) { return pair, row.Scan(&pair[0], &pair[1]) })
	r.must(err)
	tx, err := r.db.write.Begin()
	r.must(err)
	for _, one := range fixed {
		_, err := tx.Exec(`DROP TRIGGER ` + one[0])
		r.must(err)
	}
	for step := range strings.SplitSeq(change, "; ") {
		if strings.HasPrefix(step, "CREATE") {
			step += "; END"
		}
		if step == "END" {
			continue
		}
		_, err := tx.Exec(step)
		r.must(err)
	}
	for _, one := range fixed {
		_, err := tx.Exec(one[1])
		r.must(err)
	}
	r.must(tx.Commit())
}

// What happens after the last comparison goes along.
func TestWhatHappensAfterTheLastRoundMoves(t *testing.T) {
	seeds := uint64(6)
	if testing.Short() {
		seeds = 2
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := newRemoval(t, seed, 120)
			m := r.move()
			m.Round = func(_ int, _ int64, last bool) {
				if !last {
					return
				}
				for what := range 14 { // everything but stops
					r.happens(what)
				}
				for range 10 {
					r.happens(20)
				}
				r.settles()
			}
			if _, err := m.Run(t.Context(), "late"); err != nil {
				t.Fatal(err)
			}
			if all := r.different(); len(all) > 0 {
				t.Errorf("not the same: %v", all)
			}
		})
	}
}

// Where the source is written as fast as it is copied, the move ends all the same, and
// says how much was left; else little is.
func TestRoundsEnd(t *testing.T) {
	for name, each := range map[string]int{"quiet": 0, "slower": 1, "as fast": 6} {
		t.Run(name, func(t *testing.T) {
			r := newRemoval(t, 5, 30)
			m := r.move()
			rounds, left := 0, int64(0)
			m.Round = func(round int, n int64, _ bool) {
				rounds, left = round, n
			}
			m.Progress = func(table string, _, _ int64) {
				for range each {
					if table == "log_leaf" && left >= 0 {
						r.happens(20)
					}
				}
			}
			stopped := m.Stopped
			m.Stopped = func() {
				if each = 0; stopped != nil {
					stopped()
				}
			}
			if _, err := m.Run(t.Context(), "rounds"); err != nil {
				t.Fatal(err)
			}
			if all := r.different(); len(all) > 0 {
				t.Errorf("not the same: %v", all)
			}
			if rounds > mostRounds || (left > m.few) != (name == "as fast") {
				t.Errorf("%d entries left after %d rounds", left, rounds)
			}
		})
	}
}

// Nobody changes the target between the comparison and the end.
func TestATargetIsLockedUntilItServes(t *testing.T) {
	r := newRemoval(t, 2, 40)
	m := r.move()
	m.Stopped = func() {
		conn, err := r.to.read.Conn(t.Context())
		r.must(err)
		defer conn.Close()
		tables, err := r.to.tables()
		r.must(err)
		for _, text := range []string{`SET default_transaction_read_only = off`, `SET lock_timeout = '50ms'`} {
			_, err := conn.ExecContext(t.Context(), text)
			r.must(err)
		}
		for _, table := range slices.DeleteFunc(tables, func(t string) bool { return slices.Contains(moveNever, t) }) {
			if _, err := conn.ExecContext(t.Context(), `DELETE FROM `+table+` WHERE FALSE`); err == nil || !strings.Contains(err.Error(), "lock timeout") {
				t.Errorf("%s: %v", table, err)
			}
		}
	}
	if _, err := m.Run(t.Context(), "locked"); err != nil {
		t.Error(err)
	}
}
