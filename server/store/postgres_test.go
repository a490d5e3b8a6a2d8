package store

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/volenti-consent/volenti/server/consent"
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

// The statements of docs/postgresql.md make a role and a database that are enough: without
// any other right the tables are made, and decisions recorded. Of several hosts the one
// that is there is found.
func TestPostgresIsSetUpAsDocumented(t *testing.T) {
	place := storetest.Postgres(t, nil)
	page, err := os.ReadFile("../../docs/postgresql.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```sql\n")
	block, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("no statements in the documentation")
	}
	name := fmt.Sprintf("clerk_%d", os.Getpid())
	admin, err := pgconn.Connect(t.Context(), strings.Replace(place, "volenti_durable_elsewhere=true", "", 1))
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.WithoutCancel(t.Context())
	do := func(text string) {
		if _, err := admin.Exec(ctx, text).ReadAll(); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	t.Cleanup(func() {
		do(`DROP DATABASE IF EXISTS ` + name + ` WITH (FORCE)`)
		do(`DROP ROLE IF EXISTS ` + name)
		_ = admin.Close(ctx)
	})
	for _, text := range strings.Split(strings.TrimSpace(block), "\n") {
		do(strings.ReplaceAll(text, "volenti", name))
	}
	u, err := url.Parse(place)
	if err != nil {
		t.Fatal(err)
	}
	db, err := OpenPostgres(ctx, fmt.Sprintf("host=/nowhere,%s dbname=%s user=%s password=… sslmode=disable volenti_durable_elsewhere=true", u.Query().Get("host"), name, name), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	withSites(t, db, "shop")
	entries := entriesOf(t, draft(t, "shop", "a", ""))
	if err := db.AppendRecords(ctx, entries); err != nil {
		t.Fatal(err)
	}
	if _, err := db.EraseRecords(ctx, "shop", receiptIDs(entries), consent.Shredded, consent.ReasonRequested, noon); err != nil {
		t.Errorf("its owner may not clean it: %v", err)
	}
	v, err := db.Server(ctx)
	if err != nil || v.Super || !v.Create || len(v.Foreign) > 0 {
		t.Errorf("%+v, %v", v, err)
	}
}
