package store

import (
	"errors"
	"strings"
	"testing"

	"github.com/volenti-consent/volenti/server/store/storetest"
)

func openedPostgres(t testing.TB) *DB {
	t.Helper()
	return opened(t, engines[1].new(t), Options{})
}

// Before PostgreSQL has counted anything it takes all tables for small: what is asked
// with every decision must not be found by reading a site's records even then.
func TestPlansOfAnEmptyDatabase(t *testing.T) {
	db := openedPostgres(t)
	for query, index := range map[string]string{
		`SELECT 1 FROM record WHERE id = 'x' AND site = 'y'`:                                                                                                             "record_id",
		`SELECT position FROM kept_record WHERE site = 'x' AND decision = 'y'`:                                                                                           "record_decision",
		`SELECT 1 FROM record WHERE subject = 'x' AND site = 'y' ORDER BY position DESC LIMIT 5`:                                                                         "record_subject",
		`SELECT 1 FROM record r WHERE r.site = 'x' AND (r.received_at, r.position) > (1, 2) AND r.received_at < 3 ORDER BY r.received_at, r.position LIMIT 5`:            "record_received",
		`SELECT 1 FROM record r WHERE r.site = 'x' AND (r.received_at, r.position) < (1, 2) AND r.received_at >= 3 ORDER BY r.received_at DESC, r.position DESC LIMIT 5`: "record_received",
		`SELECT 1 FROM record_facet WHERE facet = 1 AND (received_at, position) < (2, 3) AND received_at >= 1 ORDER BY received_at DESC, position DESC LIMIT 5`:          "record_facet_pkey",
		`SELECT 1 FROM log_entry WHERE kind = 'x' AND object = 'y'`:                                                                                                      "log_entry_object",
		`SELECT 1 FROM restricted_record WHERE site = 'x' AND decision = 'y' AND released = 0`:                                                                           "restricted_record_decision",
		`SELECT 1 FROM restricted_record WHERE id = 'x' AND released = 0`:                                                                                                "restricted_record_id",
		`SELECT 1 FROM tombstone WHERE erased = 5 AND how = 'shredded'`:                                                                                                  "tombstone_pkey",
		`SELECT 1 FROM artifact WHERE digest = 'x'`:                                                                                                                      "artifact_pkey",
		`SELECT day, value, outcome, times FROM statistic WHERE site = 'x' AND dimension = 'y' AND day >= '1' AND day <= '2' ORDER BY day, value, outcome`:               "statistic_pkey",
	} {
		rows, err := db.read.Query(`EXPLAIN ` + query)
		plan, err := collect(rows, err, func(row scanner) (line string, err error) { return line, row.Scan(&line) })
		if err != nil {
			t.Fatal(err)
		}
		if all := strings.Join(plan, "\n"); !strings.Contains(all, index+" ") || strings.Contains(all, "Seq Scan") {
			t.Errorf("%s\n%s", query, all)
		}
	}
}

// A server that may lose what it has acknowledged is refused, with what to set.
func TestOnlyADurablePostgresIsUsed(t *testing.T) {
	dsn := storetest.Postgres(t, migrated)
	trusted := strings.ReplaceAll(dsn, "volenti_durable_elsewhere=true", "")
	if _, err := OpenPostgres(t.Context(), trusted, Options{}); !errors.Is(err, ErrUndurable) || !strings.Contains(err.Error(), "fsync = on") {
		t.Errorf("without fsync: %v", err)
	}
	if _, err := OpenPostgres(t.Context(), dsn+"&synchronous_commit=off", Options{}); !errors.Is(err, ErrUndurable) || !strings.Contains(err.Error(), "synchronous_commit = on") {
		t.Errorf("without synchronous commits, whoever keeps it: %v", err)
	}
	if _, err := OpenPostgres(t.Context(), strings.ReplaceAll(dsn, "elsewhere=true", "elsewhere=perhaps"), Options{}); err == nil {
		t.Error("a word that is none was taken")
	}
	if _, err := OpenPostgres(t.Context(), "postgres://volenti:geheim@/x?port=nonsense", Options{}); err == nil || strings.Contains(err.Error(), "geheim") {
		t.Errorf("a connection string that is none: %v", err)
	}
}
