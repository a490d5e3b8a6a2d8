//go:build linux

package store

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/volenti-consent/volenti/server/consent"
)

// atSchema makes a database as a release with that schema left it, with the site and
// the records of one of today.
func atSchema(t *testing.T, schema int, today string) (path string) {
	t.Helper()
	all, err := (&DB{dialect: sqlite{}}).migrations()
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "volenti.db")
	db, err := sql.Open("sqlite3", path+"?_foreign_keys=off&_journal_mode=WAL")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	run := func(text string, args ...any) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), text, args...); err != nil {
			t.Fatalf("%.100s: %v", text, err)
		}
	}
	run(`CREATE TABLE schema_migration (version BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL)`)
	for _, m := range all[:schema] {
		run(m.text)
		run(`INSERT INTO schema_migration (version, name) VALUES (?1, ?2)`, m.version, m.name)
	}
	run(`ATTACH DATABASE ?1 AS today`, today)
	columns := func(database, table string) (names []string) {
		rows, err := db.QueryContext(t.Context(), fmt.Sprintf(`SELECT name FROM pragma_table_info('%s', '%s')`, table, database))
		names, err = collect(rows, err, func(row scanner) (name string, err error) { return name, row.Scan(&name) })
		if err != nil {
			t.Fatal(err)
		}
		return names
	}
	for _, table := range []string{"site", "artifact", "record", "log_leaf", "log_node", "log_head"} {
		old := columns("main", table)
		if len(old) == 0 {
			t.Fatalf("there is no table %s in schema %d", table, schema)
		}
		var both []string
		for _, name := range columns("today", table) {
			if strings.Contains(" "+strings.Join(old, " ")+" ", " "+name+" ") {
				both = append(both, name)
			}
		}
		list := strings.Join(both, ", ")
		run(fmt.Sprintf(`INSERT INTO main.%s (%s) SELECT %s FROM today.%[1]s`, table, list, list))
	}
	return path
}

// A database of any older schema is brought up to date with all that is in it; a process
// that is killed on the way leaves an older schema or a newer one, and nothing is lost.
func TestUpgradeKilledHalfWay(t *testing.T) {
	today := filepath.Join(t.TempDir(), "volenti.db")
	db, err := Open(t.Context(), today, Options{})
	if err != nil {
		t.Fatal(err)
	}
	withSites(t, db, "shop")
	r := consent.NewRecorder(db, signer{}, consent.RecorderOptions{})
	receipts := map[string]string{}
	for i := range 40 {
		id := fmt.Sprint("u", i)
		got, err := r.Record(t.Context(), draft(t, "shop", id, ""))
		if err != nil {
			t.Fatal(err)
		}
		receipts[id] = got.Core.ID
	}
	all, err := db.migrations()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	library := shim(t)
	for schema := 1; schema < len(all); schema++ {
		t.Run(fmt.Sprint(schema), func(t *testing.T) {
			path := atSchema(t, schema, today)
			left, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			writes := 0
			for _, o := range operations(t, runRoleOnDisk(t, "open", library, path, diskFault{}).journal) {
				if o.kind == 'W' {
					writes++
				}
			}
			if writes == 0 {
				t.Fatal("nothing was written")
			}
			allThere(t, openedSQLite(t, path), receipts)
			for i := range many(1, "VOLENTI_TEST_UPGRADES") {
				random := rand.New(rand.NewPCG(uint64(schema), uint64(i)))
				path := put(t, t.TempDir(), map[byte][]byte{'d': left})
				f := diskFault{at: 1 + random.IntN(writes), kinds: "w", how: "kill"}
				if r := runRoleOnDisk(t, "open", library, path, f); r.exit == nil {
					t.Errorf("it was not killed at write %d of %d", f.at, writes)
				}
				allThere(t, openedSQLite(t, path), receipts)
			}
		})
	}
}
