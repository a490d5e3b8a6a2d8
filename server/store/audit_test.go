package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
)

// logged is a database of n records whose triggers are gone: from here on its
// owner is the enemy.
func logged(t *testing.T, path string, n int) (db *DB, heads []auditlog.Head) {
	t.Helper()
	db = openedSQLite(t, path)
	withSites(t, db, "shop", "blog")
	now := noon
	r := consent.NewRecorder(db, signer{}, consent.RecorderOptions{Now: func() time.Time { return now }})
	previous := ""
	for i := range n {
		now = now.Add(time.Minute)
		got, err := r.Record(t.Context(), draft(t, "shop", fmt.Sprint(i), previous))
		if err != nil {
			t.Fatal(err)
		}
		previous = got.Core.ID
		head, err := db.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		heads = append(heads, head)
	}
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	rows, err := db.write.Query(`SELECT name FROM sqlite_master WHERE type = 'trigger'`)
	names, err := collect(rows, err, func(row scanner) (name string, err error) { err = row.Scan(&name); return name, err })
	if err != nil || len(names) < 10 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		if _, err := db.write.Exec(`DROP TRIGGER ` + name); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := db.write.Exec(`PRAGMA foreign_keys = OFF`); err != nil {
		t.Fatal(err)
	}
	return db, heads
}

func audited(t *testing.T, db *DB, earlier ...auditlog.Head) *Audit {
	t.Helper()
	a, err := db.Audit(t.Context(), signer{}.keys(), earlier...)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// Whatever is changed afterwards is found; what was not changed gives no
// false alarm.
func TestAuditFindsEveryAlteration(t *testing.T) {
	const n = 21
	db, heads := logged(t, filepath.Join(t.TempDir(), "volenti.db"), n)
	clean := audited(t, db, heads...)
	if len(clean.Findings) != 0 || clean.Records != n || clean.Without != 0 || clean.Head != heads[n-1] {
		t.Fatalf("clean: %+v", clean)
	}
	random := rand.New(rand.NewPCG(14, 1))
	blobs := map[string][]string{
		"record":   {"core", "personal", "salt_core", "salt_person", "signature"},
		"log_leaf": {"leaf"}, "log_node": {"hash"}, "log_head": {"root"},
	}
	texts := []string{"site", "id", "previous", "subject", "key_id"}
	tried := 0
	alter := func(what string, change func(exec func(string, ...any))) {
		t.Helper()
		tx, err := db.write.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer tx.Rollback()
		change(func(text string, args ...any) {
			t.Helper()
			if _, err := tx.Exec(text, args...); err != nil {
				t.Fatal(err)
			}
		})
		a, err := auditIn(t.Context(), tx, Auditing{Receipts: signer{}.keys(), Earlier: []auditlog.Head{heads[n-1], heads[3]}})
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if len(a.Findings) == 0 {
			t.Errorf("not found: %s", what)
		}
		tried++
	}
	for table, columns := range blobs {
		for _, column := range columns {
			for range 40 {
				key, rows := "position", n
				if table == "log_node" {
					rows = len(nodesOf(n))
				}
				row := random.IntN(rows)
				if table == "log_head" {
					key, row = "id", 1
				}
				var b []byte
				if err := db.write.QueryRow(fmt.Sprintf(`SELECT %s FROM %s WHERE %s = ?1`, column, table, key), row).Scan(&b); err != nil {
					t.Fatal(err)
				}
				b[random.IntN(len(b))] ^= 1 << random.IntN(8)
				alter(fmt.Sprintf("%s.%s of row %d", table, column, row), func(exec func(string, ...any)) {
					exec(fmt.Sprintf(`UPDATE %s SET %s = ?1 WHERE %s = ?2`, table, column, key), b, row)
				})
			}
		}
	}
	for _, column := range texts {
		alter("record."+column, func(exec func(string, ...any)) {
			exec(fmt.Sprintf(`UPDATE record SET %s = ?1 WHERE position = 7`, column), strings.Repeat("b", 32))
		})
	}
	alter("back-dated column", func(exec func(string, ...any)) {
		exec(`UPDATE record SET received_at = received_at - 1 WHERE position = 7`)
	})
	for position := range n {
		alter("deleted record", func(exec func(string, ...any)) { exec(`DELETE FROM record WHERE position = ?1`, position) })
		alter("deleted leaf", func(exec func(string, ...any)) { exec(`DELETE FROM log_leaf WHERE position = ?1`, position) })
		alter("deleted record and leaf", func(exec func(string, ...any)) {
			exec(`DELETE FROM record WHERE position = ?1`, position)
			exec(`DELETE FROM log_leaf WHERE position = ?1`, position)
		})
	}
	for x := range nodesOf(n) {
		alter("deleted node", func(exec func(string, ...any)) { exec(`DELETE FROM log_node WHERE position = ?1`, x) })
	}
	alter("exchanged records", func(exec func(string, ...any)) {
		exec(`UPDATE record SET position = -1 WHERE position = 4`)
		exec(`UPDATE record SET position = 4 WHERE position = 5`)
		exec(`UPDATE record SET position = 5 WHERE position = -1`)
	})
	alter("truncated log, consistent in itself", func(exec func(string, ...any)) {
		exec(`DELETE FROM record WHERE position >= 10`)
		exec(`DELETE FROM log_leaf WHERE position >= 10`)
		exec(`DELETE FROM log_node WHERE position >= ?1`, len(nodesOf(10)))
		exec(`UPDATE log_head SET size = 10, root = ?1`, heads[9].Root[:])
	})
	if tried < 400 {
		t.Errorf("only %d alterations tried", tried)
	}
	if a := audited(t, db, heads...); len(a.Findings) != 0 {
		t.Errorf("a false alarm: %v", a.Findings)
	}
}

// nodesOf numbers the nodes of a log of n leaves.
func nodesOf(n int) []struct{} {
	var e auditlog.Edge
	_, _, stored, err := e.Append(make([][auditlog.LeafSize]byte, n))
	if err != nil {
		panic(err)
	}
	return make([]struct{}, len(stored))
}

// An older copy of the database is consistent in itself; whoever kept a later
// head finds it out.
func TestAuditFindsAnOlderCopy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "volenti.db")
	db, heads := logged(t, path, 9)
	future := auditlog.Head{Size: 12, Root: heads[2].Root}
	if a := audited(t, db, heads...); len(a.Findings) != 0 {
		t.Errorf("%v", a.Findings)
	}
	if a := audited(t, db, future); len(a.Findings) != 1 {
		t.Errorf("an older copy: %v", a.Findings)
	}
	other := heads[4]
	other.Root = heads[3].Root
	if a := audited(t, db, other); len(a.Findings) != 1 || !errors.Is(a.Findings[0], auditlog.ErrConsistency) {
		t.Errorf("another history: %v", a.Findings)
	}
}

// Pages are kept with the style sheet that they name.
func TestAuditOfPages(t *testing.T) {
	db, heads := logged(t, filepath.Join(t.TempDir(), "volenti.db"), 2)
	css := []byte("p { color: green }")
	page := []byte(`<link rel="stylesheet" href="../../assets/` + canonical.Sum(css).Short() + `/volenti.css">`)
	for _, c := range []struct {
		kept     consent.Artifact
		findings int
	}{{consent.Artifact{Digest: canonical.Sum(page), Kind: "page", Bytes: page}, 1}, {consent.Artifact{Digest: canonical.Sum(css), Kind: "style", Bytes: css}, 0}} {
		if err := db.KeepArtifacts(t.Context(), []consent.Artifact{c.kept}); err != nil {
			t.Fatal(err)
		}
		a := audited(t, db, heads...)
		if len(a.Findings) != c.findings || c.findings == 1 && a.Findings[0].What != auditlog.Lost {
			t.Errorf("with the %s: %v", c.kept.Kind, a.Findings)
		}
	}
	if got, err := db.StyleByShort(t.Context(), canonical.Sum(css).Short()); err != nil || !bytes.Equal(got, css) {
		t.Errorf("%s, %v", got, err)
	}
	for _, short := range []string{"", canonical.Sum(page).Short(), canonical.Sum(css).Short()[:8]} {
		if _, err := db.StyleByShort(t.Context(), short); !errors.Is(err, consent.ErrUnknownArtifact) {
			t.Errorf("%q: %v", short, err)
		}
	}
}

func TestAuditTellsErasedFromLost(t *testing.T) {
	db, heads := logged(t, filepath.Join(t.TempDir(), "volenti.db"), 6)
	ids := make([]string, 6)
	for i := range ids {
		if err := db.read.QueryRow(`SELECT id FROM record WHERE position = ?1`, i).Scan(&ids[i]); err != nil {
			t.Fatal(err)
		}
	}
	for how, id := range map[consent.Erasure]string{consent.Shredded: ids[1], consent.Minimised: ids[2]} {
		if _, err := db.EraseRecords(t.Context(), "shop", []string{id}, how, consent.ReasonRequested, noon); err != nil {
			t.Fatal(err)
		}
	}
	a := audited(t, db, heads...)
	if len(a.Findings) != 0 || a.Records != 5 || a.Minimised != 1 || a.Without != 1 || a.Entries[auditlog.Tombstone] != 2 {
		t.Errorf("%+v", a)
	}
	// Whose records went is evidence, too.
	for _, c := range []struct {
		site     string
		findings int
	}{{"blog", 1}, {"shop", 0}} {
		if _, err := db.write.Exec(`DROP TRIGGER IF EXISTS log_entry_fixed`); err != nil {
			t.Fatal(err)
		}
		if _, err := db.write.Exec(`UPDATE log_entry SET site = ?1 WHERE position = 6`, c.site); err != nil {
			t.Fatal(err)
		}
		if a := audited(t, db, heads...); len(a.Findings) != c.findings || c.findings == 1 && (a.Findings[0].What != auditlog.Altered || a.Findings[0].Leaf != 6) {
			t.Errorf("a tombstone moved to %s: %+v", c.site, a.Findings)
		}
	}
	if _, err := db.write.Exec(`DELETE FROM record WHERE position = 4`); err != nil {
		t.Fatal(err)
	}
	a = audited(t, db, heads...)
	if len(a.Findings) != 1 || a.Findings[0].What != auditlog.Lost || a.Findings[0].Leaf != 4 || a.Without != 2 {
		t.Errorf("%+v", a)
	}
	if a, err := db.Audit(t.Context(), nil); err != nil || len(a.Findings) != 5 || !errors.Is(a.Findings[0], consent.ErrUnknownKey) || a.Findings[0].What != auditlog.Forged {
		t.Errorf("without keys: %+v, %v", a, err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := db.Audit(gone, nil); err == nil {
		t.Error("an audit nobody waits for")
	}
}
