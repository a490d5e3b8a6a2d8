package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// rows adds to tables whose rows come, change and go, changes what came in the step
// before, and takes away what came before that, with what refers to it.
func (r *removal) rows(step int) {
	r.t.Helper()
	come := []string{
		`INSERT INTO statistic (site, dimension, day, value, outcome, times) VALUES ('shop', 'by''x', '2026-11-21', 'v%d', 'o', 1)`,
		`INSERT INTO showing (site, day, script, times) VALUES ('shop', '2026-11-21', 's%d', 1)`,
		`INSERT INTO artifact (digest, kind, bytes) VALUES ('new%d', 'x', x'00ff')`,
		`INSERT INTO site (key, name, time_zone, created_at) VALUES ('site%d', 'x', 'UTC', 1)`,
		`INSERT INTO operator (id, name, email, role, all_sites, disabled, created_at) VALUES ('op%[1]d', 'x', 'x%[1]d', 'owner', 0, 0, 1)`,
		`INSERT INTO operator_site (operator, site) VALUES ('op%[1]d', 'site%[1]d')`,
		`INSERT INTO operator_token (id, digest, name, site, rights, made_by, created_at, ends_at) VALUES ('t%[1]d', 't%[1]d', 'x', 'site%[1]d', '', '', 1, 1)`,
		`INSERT INTO webhook (id, site, url, events, secret, until, off, created_at) VALUES ('w%d', 'shop', 'x', '', x'00', 0, 0, 1)`,
		`INSERT INTO webhook_delivery (id, webhook, site, event, object, at, attempts, next_at, status, problem, done_at) VALUES ('d', 'w%d', 'shop', 'x', 'x', 1, 0, 1, 0, '', 0)`,
		`INSERT INTO opt_out_run (id, run, until) VALUES ('r%d', 'x', 1)`,
		`INSERT INTO opt_out_result (run, place, state) VALUES ('r%d', 'x', 'y')`,
		`INSERT INTO spent_pass (digest, until) VALUES (x'ff0%d', 1)`,
		`INSERT INTO replaced_elsewhere (site, digest, at) VALUES ('shop', x'000%d', 1)`,
		`INSERT INTO request (id, site, kind, state, identity, language, region, law, promised, received_at, due, law_due, longer, closed_at, ground, contact, file_until, forgotten, reminded, seq)
			VALUES ('q%d', 'shop', 'access', 'received', 'receipt', 'en', 'AT', 'GDPR', 0, 1, 1, 1, 0, 0, '', x'01', 0, 0, 0, 1)`,
		`INSERT INTO request_text (request, seq, sealed) VALUES ('q%d', 1, x'02')`,
	}
	change := []string{
		`UPDATE statistic SET times = times + 5 WHERE value = 'v%d'`,
		`UPDATE showing SET times = times + 1 WHERE script = 's%d'`,
		`UPDATE site SET name = 'y', noindex = 1 WHERE key = 'site%d'`,
		`UPDATE operator SET role = 'legal', disabled = 1 WHERE id = 'op%d'`,
		`UPDATE operator_token SET id = 'u%[1]d' WHERE id = 't%[1]d'`,
		`UPDATE webhook SET secret = x'01', former = x'00' WHERE id = 'w%d'`,
		`UPDATE webhook_delivery SET status = 200, done_at = 2 WHERE webhook = 'w%d'`,
		`UPDATE spent_pass SET until = 7 WHERE digest = x'ff0%d'`,
		`UPDATE replaced_elsewhere SET at = 7 WHERE digest = x'000%d'`,
		`UPDATE request SET state = 'fulfilled', closed_at = 9 WHERE id = 'q%d'`,
	}
	gone := []string{
		`DELETE FROM statistic WHERE value = 'v%d'`,
		`DELETE FROM showing WHERE script = 's%d'`,
		`DELETE FROM operator_token WHERE id = 'u%d'`,
		`DELETE FROM operator_site WHERE operator = 'op%d'`,
		`DELETE FROM webhook_delivery WHERE webhook = 'w%d'`,
		`DELETE FROM webhook WHERE id = 'w%d'`,
		`DELETE FROM opt_out_run WHERE id = 'r%d'`,
		`DELETE FROM spent_pass WHERE digest = x'ff0%d'`,
		`DELETE FROM request_text WHERE request = 'q%d'`,
		`UPDATE request SET contact = NULL, forgotten = 1 WHERE id = 'q%d'`,
	}
	for back, texts := range [][]string{come, change, gone} {
		for _, text := range texts {
			if step < back {
				continue
			}
			result, err := r.db.write.Exec(fmt.Sprintf(text, step-back))
			if err != nil {
				r.t.Fatalf("%s: %v", text, err)
			}
			if n, err := result.RowsAffected(); err != nil || n != 1 {
				r.t.Fatalf("%s: %d rows, %v", text, n, err)
			}
		}
	}
}

// What is written to the tables that do not grow with the log, whenever it is, arrives;
// and while decisions are refused nothing of them is read but what was written last.
func TestRowsThatAreWrittenMeanwhileMove(t *testing.T) {
	for name, drop := range map[string]string{"watched": "", "unwatched": "statistic", "unwatched artifacts": "artifact"} {
		t.Run(name, func(t *testing.T) {
			r := newRemoval(t, 4, 60)
			m := r.move()
			for step := range 3 {
				r.rows(step)
			}
			m.Check = nil // those artifacts are not what their digests say
			step, stopped := 3, false
			var late []string
			m.Progress = func(table string, _, _ int64) {
				switch {
				case stopped:
					late = append(late, table)
				case table == "statistic" && step < 6:
					r.rows(step)
					step++
					for range 8 { // so that there is another round
						r.happens(20)
					}
				}
			}
			rounds := 0
			m.Round = func(round int, _ int64, last bool) {
				if rounds = round; !last {
					r.rows(step)
					step++
					r.happens(20)
					return
				}
				r.rows(step)
				if drop != "" {
					_, err := r.db.write.Exec(`DROP TRIGGER watched_` + drop + `_insert`)
					r.must(err)
				}
				step++
				r.rows(step)
			}
			m.Stopped = func() { stopped = true }
			rows, err := m.Run(t.Context(), "rows")
			if err != nil {
				t.Fatal(err)
			}
			if all := r.different(); len(all) > 0 {
				t.Errorf("not the same: %v", all)
			}
			if rounds < 2 || step < 6 {
				t.Errorf("%d rounds, %d steps", rounds, step)
			}
			if whole := slices.Contains(late, "artifact") || slices.Contains(late, "statistic"); whole != (drop != "") {
				t.Errorf("while decisions are refused it goes through all of %v", late)
			}
			for _, table := range []string{"statistic", "artifact", "operator", "opt_out_result"} {
				var n int64
				r.must(r.from.read.QueryRow(`SELECT COUNT(*) FROM ` + table).Scan(&n))
				if rows[table] != n {
					t.Errorf("%s: it says %d rows, there are %d", table, rows[table], n)
				}
			}
			if !m.removed {
				t.Error("what a visitor had written stays on the target's disk")
			}
		})
	}
}

// A row that is another one in the copy is found, whichever way it came there.
func TestARowThatComesAsAnotherIsFound(t *testing.T) {
	for name, when := range map[string]string{"new": "INSERT", "changed": "UPDATE"} {
		t.Run(name, func(t *testing.T) {
			r := newRemoval(t, 4, 60)
			mustAlter(t, r.to, `CREATE FUNCTION bent() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.times := NEW.times + 1; RETURN NEW; END $$`)
			mustAlter(t, r.to, `CREATE TRIGGER bent BEFORE `+when+` ON statistic FOR EACH ROW WHEN (NEW.value = 'v3') EXECUTE FUNCTION bent()`)
			for step := range 3 {
				r.rows(step)
			}
			m := r.move()
			m.Check = nil
			steps := []int{3, 4}
			m.Progress = func(table string, _, _ int64) {
				if table == "log_leaf" && len(steps) > 1 && when == "UPDATE" {
					r.rows(steps[0])
					steps = steps[1:]
				}
			}
			m.Round = func(_ int, _ int64, last bool) {
				if last {
					r.rows(steps[0])
				}
			}
			if _, err := m.Run(t.Context(), "bent"); !errors.Is(err, ErrMoveDiffers) || !strings.Contains(err.Error(), "statistic") {
				t.Error(err)
			}
			r.must(r.from.settled(t.Context(), r.from.read))
		})
	}
}
