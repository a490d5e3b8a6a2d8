package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/volenti-consent/volenti/server/consent"
)

// A crashed is what a crash leaves behind: a file, and a write-ahead log that is not in
// it yet.
type crashed struct {
	folder    string
	main, wal []byte
}

// crashedAfter writes records, alters the database as no program of ours does, and has
// one short transaction more in the write-ahead log.
func crashedAfter(t *testing.T, records int, altered string) crashed {
	t.Helper()
	c := crashed{folder: t.TempDir()}
	path := filepath.Join(c.folder, "volenti.db")
	db := openedSQLite(t, path)
	withSites(t, db, "shop")
	if err := db.AddPublication(t.Context(), publication(t, "shop", "x", noon)); err != nil {
		t.Fatal(err)
	}
	for i := range records {
		if err := db.AppendRecords(t.Context(), []*consent.Entry{entryOf(t, draft(t, "shop", fmt.Sprint(i), ""))}); err != nil {
			t.Fatal(err)
		}
	}
	rows, err := db.write.Query(`SELECT 'DROP TRIGGER ' || name || ';' FROM sqlite_master WHERE type = 'trigger'`)
	triggers, err := collect(rows, err, func(row scanner) (name string, err error) { return name, row.Scan(&name) })
	if err != nil {
		t.Fatal(err)
	}
	if altered != "" {
		altered = strings.Join(triggers, "") + altered
	}
	if _, err := db.write.Exec(`PRAGMA foreign_keys = OFF; ` + altered); err != nil {
		t.Fatal(err)
	}
	if err := db.dialect.leave(db.write); err != nil {
		t.Fatal(err)
	}
	if _, err := db.write.Exec(`UPDATE site SET name = 'another'`); err != nil {
		t.Fatal(err)
	}
	var err1, err2 error
	c.main, err1 = os.ReadFile(path)
	c.wal, err2 = os.ReadFile(path + "-wal")
	if err := errors.Join(err1, err2); err != nil || len(c.wal) == 0 || len(c.wal) > 20<<10 {
		t.Fatal(err, len(c.wal))
	}
	return c
}

// open starts on what was left, as on a large file.
func (c crashed) open(t *testing.T, name string) (*DB, string, error) {
	t.Helper()
	path := filepath.Join(c.folder, name)
	if err := errors.Join(os.WriteFile(path, c.main, 0o600), os.WriteFile(path+"-wal", c.wal, 0o600)); err != nil {
		t.Fatal(err)
	}
	db, err := Open(t.Context(), path, Options{large: 1})
	if err == nil {
		t.Cleanup(func() { _ = db.Close() })
	}
	return db, path, err
}

// A large file is served at once after a crash and read whole meanwhile, also if that is
// interrupted.
func TestALargeFileIsCheckedWhileItServes(t *testing.T) {
	c := crashedAfter(t, 60, "")
	db, path, err := c.open(t, "whole")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(suspect(path)); err != nil {
		t.Fatal("nothing says that the file is still to be read:", err)
	}
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	if err := db.CheckRest(stopped, func(int64, int64) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("a check that was stopped: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if db, err = Open(t.Context(), path, Options{large: 1}); err != nil { // a clean stop in between
		t.Fatal(err)
	}
	defer db.Close()
	var last [2]int64
	if err := db.CheckRest(t.Context(), func(done, of int64) { last = [2]int64{done, of} }); err != nil {
		t.Fatal(err)
	}
	if want := db.head.Size; last != [2]int64{want, want} || want < 60 {
		t.Errorf("%d leaves of %d were read, of a log of %d", last[0], last[1], want)
	}
	if _, err := os.Stat(suspect(path)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("all was read, and the mark is still there: %v", err)
	}
	called := false
	if err := db.CheckRest(t.Context(), func(int64, int64) { called = true }); err != nil || called {
		t.Errorf("what was read is read again: %v", err)
	}
	if err := db.AppendRecords(t.Context(), []*consent.Entry{entryOf(t, draft(t, "shop", "later", ""))}); err != nil {
		t.Error(err)
	}
}

// damages are statements about what stands at a place of the log.
var damages = map[string]string{
	"a leaf is gone":         `DELETE FROM log_leaf WHERE position = %[1]d`,
	"a leaf is another":      `UPDATE log_leaf SET leaf = zeroblob(32) WHERE position = %[1]d`,
	"a node is another":      `UPDATE log_node SET hash = zeroblob(32) WHERE position = 2 * %[1]d - 4`,
	"a record is gone":       `DELETE FROM record WHERE position = %[1]d`,
	"a record says another":  `UPDATE record SET core = CAST(REPLACE(CAST(core AS TEXT), 'granted', 'refused') AS BLOB) WHERE position = %[1]d`,
	"a record is of no time": `UPDATE record SET received_at = 'x' WHERE position = %[1]d`,
}

// What can have been under way when the crash came is read before anybody is served.
func TestTheNewestRecordsAreReadBeforeServing(t *testing.T) {
	const rerooted = `CREATE INDEX spare ON record (id) WHERE position < 0; PRAGMA writable_schema = ON;
		UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'spare') WHERE name = 'record_id';
		DELETE FROM sqlite_schema WHERE name = 'spare'; PRAGMA writable_schema = RESET`
	all := map[string]string{"the head counts more": `UPDATE log_head SET size = size + 1`, "an index is empty": rerooted}
	for name, statement := range damages {
		all[name] = fmt.Sprintf(statement, 58)
	}
	for name, statement := range all {
		t.Run(name, func(t *testing.T) {
			if _, _, err := crashedAfter(t, 60, statement).open(t, "again"); !errors.Is(err, consent.ErrDamaged) {
				t.Errorf("it starts: %v", err)
			}
		})
	}
}

// openDisordered opens the file with a key of the index by receipt ids altered, one that
// neither those of the newest records nor that of next lead past.
func (c crashed) openDisordered(t *testing.T, next consent.Entry) (db *DB, path string, err error) {
	t.Helper()
	whole := c.main
	// Three bytes of header, of which the second says a text of 32 bytes, and the text
	// (sqlite.org/fileformat.html, 2.1).
	for i, key := range regexp.MustCompile(`\x03\x4d[\x01-\x09][0-9a-hjkmnp-tv-z]{32}`).FindAllIndex(whole, -1) {
		c.main = bytes.Clone(whole)
		c.main[key[0]+3] = 'z'
		tried, _, err := c.open(t, fmt.Sprint("tried-", i))
		if err != nil {
			continue
		}
		e := next
		if err := tried.AppendRecords(t.Context(), []*consent.Entry{&e}); err != nil {
			continue
		}
		if err := tried.CheckRest(t.Context(), func(int64, int64) {}); err == nil {
			continue // it was left there by a page that was divided, and means nothing
		}
		got, err := tried.Entry(t.Context(), "shop", e.ReceiptID)
		if err == nil && got.DecisionID == e.DecisionID {
			return c.open(t, fmt.Sprint("key-", i))
		}
		if err == nil {
			t.Errorf("somebody else's receipt was read")
		}
	}
	return nil, "", errors.New("there is no such key")
}

// An index whose keys were changed for one another leads to nobody's receipt. Those of
// the newest records are looked at when a file is opened.
func TestNobodyElsesReceiptIsRead(t *testing.T) {
	c := crashedAfter(t, 60, "")
	whole, misled := c.main, 0
	keys := regexp.MustCompile(`\x03\x4d[\x01-\x09][0-9a-hjkmnp-tv-z]{32}`).FindAllIndex(whole, -1)
	for i := 1; i < len(keys) && misled == 0; i++ {
		c.main = bytes.Clone(whole)
		one, other := c.main[keys[i-1][0]+3:keys[i-1][1]], c.main[keys[i][0]+3:keys[i][1]]
		for j := range one {
			one[j], other[j] = other[j], one[j]
		}
		db, _, err := c.open(t, fmt.Sprint("changed-", i))
		if err != nil {
			continue
		}
		for _, id := range []string{string(one), string(other)} {
			switch got, err := db.Entry(t.Context(), "shop", id); {
			case err == nil && !bytes.Contains(got.Core, []byte(id)):
				t.Errorf("%s is that of %s", id, got.Core)
			case errors.Is(err, consent.ErrDamaged):
				misled++
			}
		}
	}
	if misled == 0 {
		t.Error("no key leads elsewhere: nothing was tried")
	}
}

// What is older is found while it serves; from then on nothing is written.
func TestDamageThatIsFoundLaterStopsWriting(t *testing.T) {
	all := map[string]string{"an index is out of order": ""}
	for name, statement := range damages {
		all[name] = fmt.Sprintf(statement, 20)
	}
	for name, statement := range all {
		t.Run(name, func(t *testing.T) {
			c := crashedAfter(t, 60, statement)
			e := entryOf(t, draft(t, "shop", "before", ""))
			db, path, err := c.open(t, "again")
			if statement == "" {
				db, path, err = c.openDisordered(t, *e)
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := db.AppendRecords(t.Context(), []*consent.Entry{e}); err != nil {
				t.Fatal(err)
			}
			if err := db.CheckRest(t.Context(), func(int64, int64) {}); !errors.Is(err, consent.ErrDamaged) {
				t.Errorf("it was not found: %v", err)
			}
			if err := db.AppendRecords(t.Context(), []*consent.Entry{entryOf(t, draft(t, "shop", "after", ""))}); !errors.Is(err, consent.ErrUnavailable) || !errors.Is(err, consent.ErrDamaged) {
				t.Errorf("it goes on writing: %v", err)
			}
			if err := db.Ready(t.Context()); err == nil {
				t.Error("it says to be ready")
			}
			if got, err := db.Entry(t.Context(), "shop", e.ReceiptID); err != nil || got.DecisionID != "before" {
				t.Errorf("what is whole is not served any more: %v; %s, not %s", err, got.ReceiptID, e.ReceiptID)
			}
			if _, err := os.Stat(suspect(path)); err != nil {
				t.Error("nothing says that the file is to be read again:", err)
			}
		})
	}
}
