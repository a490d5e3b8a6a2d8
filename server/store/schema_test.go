package store

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/volenti-consent/volenti/server/consent"
)

// Evidence stays as it is, whoever asks.
func TestEvidenceNeverChanges(t *testing.T) {
	forEachEngine(t, func(t *testing.T, open func() *DB) {
		db, ctx := open(), t.Context()
		withSites(t, db, "shop")
		if err := db.AddPublication(ctx, publication(t, "shop", "x", noon)); err != nil {
			t.Fatal(err)
		}
		if _, err := db.AddVersion(ctx, version("shop", "privacy", "one", noon)); err != nil {
			t.Fatal(err)
		}
		e := entryOf(t, draft(t, "shop", "a", ""))
		if err := db.AppendRecords(ctx, []*consent.Entry{e}); err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{
			`UPDATE artifact SET bytes = 'x'`,
			`UPDATE artifact SET kind = kind`,
			`DELETE FROM artifact`,
			`UPDATE publication SET published_at = 0`,
			`DELETE FROM publication`,
			`UPDATE publication_wording SET language = 'fr'`,
			`DELETE FROM publication_wording`,
			`UPDATE publication_trial_wording SET language = 'fr'`,
			`DELETE FROM publication_trial_wording`,
			`UPDATE publication_script SET language = 'fr'`,
			`DELETE FROM publication_script`,
			`UPDATE policy_version SET title = 'x'`,
			`DELETE FROM policy_version`,
			`UPDATE log_leaf SET leaf = 'x'`,
			`DELETE FROM log_leaf`,
			`UPDATE log_node SET hash = 'x'`,
			`DELETE FROM log_node`,
			`UPDATE log_head SET size = 0`,
			`DELETE FROM log_head`,
			`UPDATE record SET core = 'x'`,
			`UPDATE record SET received_at = 0`,
			`UPDATE record SET signature = 'x'`,
			`UPDATE record SET subject = 'somebody else'`,
			`UPDATE record SET personal = NULL`,
			`UPDATE record SET personal = 'x', salt_person = NULL, subject = NULL, commit_pers = 'x'`,
			`DELETE FROM record`,
			`DELETE FROM site`,
		} {
			refuses(t, db, text)
		}
		if got, err := db.Entry(ctx, "shop", e.ReceiptID); err != nil || string(got.Core) != string(e.Core) {
			t.Errorf("after all that: %v", err)
		}
		// What is allowed: to lose the personal half, once, by an entry of the log.
		less, err := consent.Minimise(e)
		if err != nil {
			t.Fatal(err)
		}
		const minimise = `UPDATE record SET personal = NULL, salt_person = NULL, subject = NULL, commit_pers = ?1 WHERE id = ?2`
		if _, err := db.write.ExecContext(ctx, minimise, less.CommitPers, e.ReceiptID); err == nil {
			t.Error("minimised without an entry")
		}
		if _, err := db.EraseRecords(ctx, "shop", []string{e.ReceiptID}, consent.Minimised, consent.ReasonRequested, noon); err != nil {
			t.Fatal(err)
		}
		got, err := db.Entry(ctx, "shop", e.ReceiptID)
		if err != nil || got.Personal != nil || got.Subject != "" {
			t.Fatalf("minimised: %+v, %v", got, err)
		}
		receipt, err := consent.EncodeReceipt(got)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := consent.Verify(receipt, signer{}.keys()); err != nil {
			t.Error(err)
		}
		if _, err := db.write.ExecContext(ctx, minimise, e.Leaf, e.ReceiptID); err == nil {
			t.Error("a commitment was replaced")
		}
	})
}

func TestAlteredRowsAreRefused(t *testing.T) {
	forEachEngine(t, func(t *testing.T, open func() *DB) {
		for name, test := range map[string]struct {
			text string
			want error
		}{
			"core":     {`UPDATE record SET core = CAST(replace(core, 'granted', 'refused') AS BLOB)`, consent.ErrDamaged},
			"salt":     {`UPDATE record SET salt_core = salt_person`, consent.ErrDamaged},
			"leaf":     {`UPDATE log_leaf SET leaf = zeroblob(32)`, consent.ErrDamaged},
			"both":     {`UPDATE record SET personal = NULL, salt_person = NULL, commit_pers = zeroblob(32)`, consent.ErrDamaged},
			"artifact": {`UPDATE artifact SET bytes = CAST('{}' AS BLOB)`, consent.ErrDamaged},
			"deleted":  {`DELETE FROM record`, consent.ErrUnknownReceipt},
		} {
			t.Run(name, func(t *testing.T) {
				db, ctx := open(), t.Context()
				siteKey := strings.ReplaceAll(name, " ", "-")
				withSites(t, db, siteKey)
				e := entryOf(t, draft(t, siteKey, "a", ""))
				if err := db.AppendRecords(ctx, []*consent.Entry{e}); err != nil {
					t.Fatal(err)
				}
				withoutTriggers(t, db, "record_fixed", "record_only_loses", "record_kept", "record_loses_with_entry", "log_leaf_fixed", "artifact_fixed")
				mustAlter(t, db, test.text)
				_, err := db.Entry(ctx, siteKey, e.ReceiptID)
				if name == "artifact" {
					_, err = db.Artifact(ctx, e.Artifacts[0].Digest)
				}
				if !errors.Is(err, test.want) {
					t.Errorf("%v, want %v", err, test.want)
				}
			})
		}
	})
}

// What was erased is not in the file any more, not even in its free pages.
func TestDeletedContentIsOverwritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "volenti.db")
	db, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	withSites(t, db, "shop")
	e := entryOf(t, draft(t, "shop", "canary-decision", ""))
	if err := db.AppendRecords(t.Context(), []*consent.Entry{e}); err != nil {
		t.Fatal(err)
	}
	if _, err := db.EraseRecords(t.Context(), "shop", []string{e.ReceiptID}, consent.Shredded, consent.ReasonRequested, noon); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, secret := range map[string]string{"decision": "canary-decision", "subject": e.Subject, "salt": string(e.SaltPerson), "receipt id": e.ReceiptID} {
		if strings.Contains(string(b), secret) {
			t.Errorf("the %s is still in the file", name)
		}
	}
	if !strings.Contains(string(b), string(e.Leaf)) {
		t.Error("the leaf is gone, too")
	}
}

func TestOpenRefusesANewerSchema(t *testing.T) {
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			open := e.new(t)
			mustAlter(t, opened(t, open, Options{}), `INSERT INTO schema_migration (version, name) VALUES (?1, ?2)`, 1000, "1000_future.sql")
			if _, err := open(Options{}); !errors.Is(err, ErrNewer) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestOpenRefusesWhatIsNoDatabase(t *testing.T) {
	folder := t.TempDir()
	text := filepath.Join(folder, "text")
	if err := os.WriteFile(text, []byte(strings.Repeat("this is not a database. ", 400)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), text, Options{}); !errors.Is(err, consent.ErrDamaged) || !strings.Contains(err.Error(), text) {
		t.Errorf("a text: %v", err)
	}
	if _, err := Open(t.Context(), folder, Options{}); err == nil {
		t.Error("a folder was opened")
	}
	if _, err := Open(t.Context(), filepath.Join(text, "volenti.db"), Options{}); err == nil || !strings.Contains(err.Error(), "folder") {
		t.Errorf("beneath a file: %v", err)
	}
	// An empty file is what a first start leaves that was cut short.
	empty := filepath.Join(folder, "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	db := openedSQLite(t, empty)
	withSites(t, db, "shop")
}

func TestFilesAreTheirOwnersAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a ?#%41 folder", "volenti.db")
	db := openedSQLite(t, path)
	withSites(t, db, "shop")
	for name, want := range map[string]os.FileMode{"": 0o600, "-wal": 0o600, "-shm": 0o600, "/..": 0o700} {
		info, err := os.Stat(filepath.Clean(path + name))
		if name == "/.." {
			info, err = os.Stat(filepath.Dir(path))
		}
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%q: %v, %v", name, info, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + "-wal"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a clean stop leaves a write-ahead log: %v", err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	openedSQLite(t, path)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others may still read it: %v, %v", info.Mode(), err)
	}
}

func TestOnlyASafeEngineIsUsed(t *testing.T) {
	for version, safe := range map[string]bool{
		"3.51.3": true, "3.53.0": true, "3.100.0": true, "4.0.0": true, "3.51.4": true,
		"3.51.2": false, "3.40.1": false, "3.7.0": false, "2.99.99": false, "": false, "3.51": false, "x.y.z": false,
	} {
		if err := checkVersion(version); (err == nil) != safe || (!safe && !errors.Is(err, ErrEngine)) {
			t.Errorf("%q: %v", version, err)
		}
	}
	openedSQLite(t, filepath.Join(t.TempDir(), "volenti.db")) // the one linked in
}

// The settings durability and erasure rest on, as the engine has them.
func TestConnectionsAreSetUp(t *testing.T) {
	db := openedSQLite(t, filepath.Join(t.TempDir(), "volenti.db"))
	for name, test := range map[string]struct{ want, reader string }{
		"journal_mode": {"wal", "wal"}, "synchronous": {"2", "2"}, "foreign_keys": {"1", "1"}, "secure_delete": {"1", "1"},
		"busy_timeout": {"5000", "5000"}, "query_only": {"0", "1"}, "trusted_schema": {"0", "0"}, "fullfsync": {"1", "1"}, "checkpoint_fullfsync": {"1", "1"},
	} {
		var got, reader string
		if err := db.write.QueryRow(`PRAGMA ` + name).Scan(&got); err != nil || got != test.want {
			t.Errorf("%s is %q, %v", name, got, err)
		}
		if err := db.read.QueryRow(`PRAGMA ` + name).Scan(&reader); err != nil || reader != test.reader {
			t.Errorf("%s of a reader is %q, %v", name, reader, err)
		}
	}
	if _, err := db.read.Exec(`DELETE FROM site`); err == nil {
		t.Error("a reader can write")
	}
}

// Reads that grow with the archive find their way by an index.
func TestReadsUseIndexes(t *testing.T) {
	db := openedSQLite(t, filepath.Join(t.TempDir(), "volenti.db"))
	for _, query := range []string{
		`SELECT 1 FROM record WHERE id = 'x' AND site = 'y'`,
		`SELECT 1 FROM record WHERE site = 'x' AND decision = 'y'`,
		`SELECT 1 FROM record WHERE subject = 'x' AND site = 'y' ORDER BY position DESC LIMIT 5`,
		`SELECT 1 FROM record r WHERE r.site = 'x' AND (r.received_at, r.position) > (1, 2) AND r.received_at < 3 ORDER BY r.received_at, r.position LIMIT 5`,
		`SELECT 1 FROM record r WHERE r.site = 'x' AND (r.received_at, r.position) < (1, 2) AND r.received_at >= 3 ORDER BY r.received_at DESC, r.position DESC LIMIT 5`,
		`SELECT 1 FROM record_facet WHERE facet = 1 AND (received_at, position) < (2, 3) AND received_at >= 1 ORDER BY received_at DESC, position DESC LIMIT 5`,
		`SELECT 1 FROM facet WHERE site = 'x'`,
		`SELECT 1 FROM statistic WHERE site = 'x' AND dimension = 'y' AND day >= '1' AND day <= '2' ORDER BY day, value, outcome`,
		`SELECT 1 FROM publication WHERE site = 'x' ORDER BY seq DESC LIMIT 1`,
		`SELECT 1 FROM publication WHERE site = 'x' AND notice >= 'a' AND notice < 'b' LIMIT 1`,
		`SELECT 1 FROM policy_version WHERE site = 'x' AND policy = 'y' AND effective <= 3 ORDER BY effective DESC, number DESC LIMIT 1`,
	} {
		rows, err := db.read.Query(`EXPLAIN QUERY PLAN ` + query)
		plan, err := collect(rows, err, func(row scanner) (string, error) {
			var a, b, c int
			var detail string
			err := row.Scan(&a, &b, &c, &detail)
			return detail, err
		})
		if err != nil {
			t.Fatal(err)
		}
		if all := strings.Join(plan, "; "); !strings.Contains(all, "SEARCH") || strings.Contains(all, "SCAN") || (strings.Contains(all, "B-TREE") && !strings.Contains(query, "effective")) {
			t.Errorf("%s\n%s", query, all)
		}
	}
}
