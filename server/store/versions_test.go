package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
)

// worded is a work in German with an English translation.
func worded(text string) policyversions.Work {
	return policyversions.Work{
		Site: "shop", Policy: "privacy", Language: "de", Markdown: "# Datenschutz\n\n" + text,
		Translations: []policyversions.WorkText{{Language: "en", Markdown: "# Privacy\n\n" + text}},
		Material:     true, Summary: map[string]string{"de": "Neu: " + text, "en": "New: " + text}, Grace: 14 * 24 * time.Hour,
		By: "anna", ChangedAt: noon,
	}
}

func publisher(db *DB, now time.Time) policyversions.Publisher {
	return policyversions.Publisher{Store: db, Now: func() time.Time { return now }}
}

func published(t testing.TB, db *DB, text string, now time.Time) policyversions.Version {
	t.Helper()
	v, err := publisher(db, now).PublishWork(t.Context(), worded(text), "anna", "")
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestVersionsComeBackAsTheyWerePublished(t *testing.T) {
	forEachEngine(t, func(t *testing.T, open func() *DB) {
		db, ctx := open(), t.Context()
		withSites(t, db, "shop")
		one, two := published(t, db, "eins", noon), published(t, db, "zwei", noon.Add(time.Hour))
		if one.Previous != "" || two.Previous != one.Entry || one.Entry == "" || two.Entry == one.Entry {
			t.Fatalf("the chain: %q, %q after %q, %q", one.Previous, one.Entry, two.Previous, two.Entry)
		}
		for name, db := range map[string]*DB{"at once": db, "after another start": open()} {
			got, err := db.Version(ctx, "shop", "privacy", 2)
			if err != nil || !reflect.DeepEqual(got, two) {
				t.Errorf("%s:\n%+v, %v, want\n%+v", name, got, err, two)
			}
			if english, err := got.In("en-GB"); err != nil || english.Title != "Privacy" || !strings.Contains(english.Markdown, "zwei") {
				t.Errorf("%s: in English %+v, %v", name, english, err)
			}
			all, err := db.Versions(ctx, "shop", "privacy")
			if err != nil || len(all) != 2 {
				t.Fatalf("%s: %d, %v", name, len(all), err)
			}
			for i, want := range []policyversions.Version{two, one} {
				want.Canonical, want.Original = nil, nil
				want.Translations = []policyversions.Translation{want.Translations[0]}
				want.Translations[0].Canonical, want.Translations[0].Original = nil, nil
				if !reflect.DeepEqual(all[i], want) {
					t.Errorf("%s: listed\n%+v, want\n%+v", name, all[i], want)
				}
			}
			l, err := db.VersionLink(ctx, "shop", "privacy", 2)
			if err != nil || l.Check(got) != nil || canonical.Sum(l.Bytes) != two.Entry || l.Position != 1 {
				t.Errorf("%s: link %+v, %v", name, l, err)
			}
			leaves, err := db.Leaves(ctx, l.Position, 1)
			want := auditlog.VersionLeaf([auditlog.SaltSize]byte(l.SaltCore), [auditlog.SaltSize]byte(l.SaltPersonal), l.Bytes)
			if err != nil || len(leaves) != 1 || leaves[0] != want {
				t.Errorf("%s: leaf %x, want %x: %v", name, leaves, want, err)
			}
		}
		if _, err := db.VersionLink(ctx, "shop", "privacy", 3); !errors.Is(err, policyversions.ErrUnknownVersion) {
			t.Errorf("the entry of a version there is not: %v", err)
		}
	})
}

// The same authoritative words with another translation are another version.
func TestATranslationIsPartOfTheVersion(t *testing.T) {
	forEachEngine(t, func(t *testing.T, open func() *DB) {
		db := open()
		withSites(t, db, "shop")
		published(t, db, "eins", noon)
		if _, err := publisher(db, noon).PublishWork(t.Context(), worded("eins"), "anna", ""); !errors.Is(err, policyversions.ErrSameText) {
			t.Errorf("the same texts again: %v", err)
		}
		w := worded("eins")
		w.Translations[0].Markdown += " more"
		if v, err := publisher(db, noon).PublishWork(t.Context(), w, "anna", ""); err != nil || v.Number != 2 {
			t.Errorf("another translation: number %d, %v", v.Number, err)
		}
		w.Translations = nil
		if v, err := publisher(db, noon).PublishWork(t.Context(), w, "anna", ""); err != nil || v.Number != 3 {
			t.Errorf("no translation: number %d, %v", v.Number, err)
		}
	})
}

func TestPublishedVersionsNeverChange(t *testing.T) {
	forEachEngine(t, func(t *testing.T, open func() *DB) {
		db, ctx := open(), t.Context()
		withSites(t, db, "shop")
		v := published(t, db, "eins", noon)
		if err := db.AppendRecords(ctx, []*consent.Entry{entryOf(t, draft(t, "shop", "a", ""))}); err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{
			`UPDATE policy_version SET title = 'x'`,
			`UPDATE policy_version SET published_by = 'x'`,
			`UPDATE policy_version SET approved_by = 'x'`,
			`UPDATE policy_version SET effective = 0`,
			`DELETE FROM policy_version`,
			`INSERT OR REPLACE INTO policy_version (site, policy, number, digest, title, language, published_at, effective, format, original)
				SELECT site, policy, number, digest, 'x', language, published_at, effective, format, original FROM policy_version`,
			`UPDATE policy_translation SET title = 'x'`,
			`UPDATE policy_translation SET digest = (SELECT digest FROM policy_version)`,
			`DELETE FROM policy_translation`,
			`INSERT OR REPLACE INTO policy_translation SELECT site, policy, number, language, 'x', digest, format, original FROM policy_translation`,
			`INSERT INTO policy_translation SELECT site, policy, number, 'fr', title, digest, format, original FROM policy_translation`,
			`UPDATE policy_entry SET bytes = 'x'`,
			`UPDATE policy_entry SET previous = 'x'`,
			`UPDATE policy_entry SET position = 9`,
			`UPDATE policy_entry SET salt_core = zeroblob(32)`,
			`DELETE FROM policy_entry`,
			`INSERT OR REPLACE INTO policy_entry SELECT site, policy, number, 'x', previous, bytes, position, salt_core, salt_person FROM policy_entry`,
			`UPDATE log_leaf SET leaf = zeroblob(32)`,
			`DELETE FROM log_leaf`,
			`UPDATE artifact SET bytes = 'x'`,
			`DELETE FROM artifact`,
			`INSERT OR REPLACE INTO log_leaf SELECT position, zeroblob(32) FROM log_leaf`,
			`INSERT OR REPLACE INTO log_node SELECT position, zeroblob(32) FROM log_node`,
		} {
			if db.dialect.migrations() == "sqlite" || !strings.Contains(text, "OR REPLACE") {
				refuses(t, db, text)
			}
		}
		for _, text := range []string{
			`INSERT OR REPLACE INTO artifact SELECT digest, 'x', CAST('x' AS BLOB) FROM artifact`,
			`INSERT OR REPLACE INTO record SELECT position, site, id, decision, request, previous, subject, received_at, key_id, signature,
				salt_core, salt_person, commit_pers, personal, CAST('x' AS BLOB) FROM record`,
			`INSERT OR REPLACE INTO record SELECT position + 9, site, id, 'another', request, previous, subject, received_at, key_id, signature,
				salt_core, salt_person, commit_pers, personal, core FROM record`,
		} {
			if db.dialect.migrations() != "sqlite" {
				continue // they have no REPLACE
			}
			if done, err := db.write.ExecContext(ctx, text); err != nil {
				t.Errorf("what is there is left as it is: %v", err)
			} else if n, err := done.RowsAffected(); err != nil || n != 0 {
				t.Errorf("%d rows, %v: %s", n, err, text)
			}
		}
		if got, err := db.Version(ctx, "shop", "privacy", 1); err != nil || !reflect.DeepEqual(got, v) {
			t.Errorf("after all that: %+v, %v", got, err)
		}
		if a := audited(t, db); len(a.Findings) != 0 || a.Versions != 1 || a.Records != 1 || a.Without != 0 {
			t.Errorf("after all that: %+v", a)
		}
	})
}

// Records and versions share one log: each is at the leaf it was given, whoever
// appends between, in this process or another one.
func TestVersionsAndRecordsShareTheLog(t *testing.T) {
	forEachEngine(t, func(t *testing.T, open func() *DB) {
		db, other, ctx := open(), open(), t.Context()
		withSites(t, db, "shop")
		var wg sync.WaitGroup
		errs := make(chan error, 100)
		for i := range 4 {
			for n, db := range []*DB{db, other} {
				wg.Go(func() {
					policy := fmt.Sprintf("p%d-%d", n, i)
					for k := range 5 {
						w := worded(fmt.Sprint(k))
						w.Policy = policy
						if _, err := publisher(db, noon).PublishWork(context.WithoutCancel(ctx), w, "anna", ""); err != nil {
							errs <- err
						}
					}
				})
				wg.Go(func() {
					for k := range 5 {
						e := entryOf(t, draft(t, "shop", fmt.Sprintf("d%d-%d-%d", n, i, k), ""))
						if err := db.AppendRecords(context.WithoutCancel(ctx), []*consent.Entry{e}); err != nil {
							errs <- err
							continue
						}
						if kept, err := db.Entry(ctx, "shop", e.ReceiptID); err != nil || kept.Index != e.Index {
							errs <- fmt.Errorf("at %d, told %d: %w", kept.Index, e.Index, err)
						}
					}
				})
			}
		}
		wg.Wait()
		close(errs)
		for err := range errs {
			t.Error(err)
		}
		if head := checkLog(t, db); head.Size != 80 {
			t.Errorf("%d leaves", head.Size)
		}
		if a := audited(t, other); len(a.Findings) != 0 || a.Records != 40 || a.Versions != 40 || a.Without != 0 {
			t.Errorf("%d records, %d versions, %d without, %v", a.Records, a.Versions, a.Without, a.Findings)
		}
	})
}

// What an owner of the database changes is found by whoever reads it.
func TestAuditFindsAlteredVersions(t *testing.T) {
	for name, text := range map[string]string{
		"title":                `UPDATE policy_version SET title = 'x' WHERE number = 2`,
		"effective":            `UPDATE policy_version SET effective = effective - 1 WHERE number = 2`,
		"published":            `UPDATE policy_version SET published_at = published_at - 86400000 WHERE number = 2`,
		"approver":             `UPDATE policy_version SET approved_by = 'the boss' WHERE number = 2`,
		"material":             `UPDATE policy_version SET material = 0 WHERE number = 2`,
		"summary":              `UPDATE policy_version SET summary = replace(summary, 'New', 'Old') WHERE number = 2`,
		"grace":                `UPDATE policy_version SET grace = grace + 1 WHERE number = 2`,
		"other text":           `UPDATE policy_version SET digest = (SELECT digest FROM policy_version WHERE number = 1) WHERE number = 2`,
		"text":                 `UPDATE artifact SET bytes = CAST(replace(bytes, 'zwei', 'drei') AS BLOB)`,
		"text gone":            `DELETE FROM artifact WHERE digest = (SELECT digest FROM policy_translation WHERE number = 2)`,
		"translation":          `UPDATE policy_translation SET digest = (SELECT digest FROM policy_version WHERE number = 2) WHERE number = 2`,
		"translation title":    `UPDATE policy_translation SET title = 'x' WHERE number = 2`,
		"translation gone":     `DELETE FROM policy_translation WHERE number = 2`,
		"translation added":    `INSERT INTO policy_translation SELECT site, policy, number, 'fr', title, digest, format, original, original_digest FROM policy_translation WHERE number = 2`,
		"original":             `UPDATE policy_version SET original = CAST('zwo' AS BLOB) WHERE number = 2`,
		"original, translated": `UPDATE policy_translation SET original = CAST('two' AS BLOB) WHERE number = 2`,
		"original, by digest":  `UPDATE policy_version SET original = zeroblob(0), original_digest = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' WHERE number = 2`,
		"days of grace":        `UPDATE policy_version SET grace_days = 7 WHERE number = 2`,
		"an older schema":      `UPDATE policy_version SET entry_schema = 'policy-version/v1', original = zeroblob(0) WHERE number = 2`,
		"version gone":         `DELETE FROM policy_version WHERE number = 2`,
		"last version gone":    `DELETE FROM policy_version WHERE number = 3`,
		"first version gone":   `DELETE FROM policy_version WHERE number = 1; DELETE FROM policy_entry WHERE number = 1`,
		"middle gone":          `DELETE FROM policy_version WHERE number = 2; DELETE FROM policy_entry WHERE number = 2`,
		"entry gone":           `DELETE FROM policy_entry WHERE number = 2`,
		"entry":                `UPDATE policy_entry SET bytes = CAST(replace(bytes, '"number":2', '"number":7') AS BLOB) WHERE number = 2`,
		"salt":                 `UPDATE policy_entry SET salt_core = zeroblob(32) WHERE number = 2`,
		"chain":                `UPDATE policy_entry SET previous = (SELECT digest FROM policy_entry WHERE number = 3) WHERE number = 2`,
		"leaf":                 `UPDATE policy_entry SET position = 0 WHERE number = 2; UPDATE policy_entry SET position = 1 WHERE number = 1`,
		"swapped":              `UPDATE policy_entry SET number = 9 WHERE number = 2; UPDATE policy_entry SET number = 2 WHERE number = 3; UPDATE policy_entry SET number = 3 WHERE number = 9`,
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "volenti.db")
			db := openedSQLite(t, path)
			withSites(t, db, "shop")
			for i, text := range []string{"eins", "zwei", "drei mal"} {
				published(t, db, text, noon.Add(time.Duration(i)*time.Hour))
			}
			head, err := db.Head(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if a := audited(t, db, head); len(a.Findings) != 0 || a.Versions != 3 || a.Records != 0 || a.Without != 0 {
				t.Fatalf("clean: %+v", a)
			}
			withoutGuards(t, db)
			if _, err := db.write.Exec(text); err != nil {
				t.Fatal(err)
			}
			if a := audited(t, db, head); len(a.Findings) == 0 {
				t.Errorf("nothing was found: %+v", a)
			}
		})
	}
}

// Whoever deletes the newest version with its entry leaves a leaf of which nobody knows
// what it stood for. What stood published that day, and each record, tell.
func TestALostNewestVersionIsNamed(t *testing.T) {
	for name, tt := range map[string]struct {
		effective time.Time // of the newest
		stood     bool      // on a day since
		decided   bool      // under it
		named     bool
	}{
		"in force, and stood published":  {noon, true, false, true},
		"not in force yet, and stood":    {noon.AddDate(0, 1, 0), true, false, true},
		"in force, and somebody decided": {noon, false, true, true},
		"nothing names it":               {noon, false, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			db := openedSQLite(t, filepath.Join(t.TempDir(), "volenti.db"))
			withSites(t, db, "shop")
			published(t, db, "eins", noon.Add(-time.Hour))
			next := worded("zwei")
			next.Effective = tt.effective
			last, err := publisher(db, noon).PublishWork(t.Context(), next, "anna", "")
			if err != nil {
				t.Fatal(err)
			}
			if tt.stood {
				if n, err := db.EnterStanding(t.Context(), noon); n != 1 || err != nil {
					t.Fatal(n, err)
				}
			}
			if tt.decided {
				d, err := draftOf("shop", "one", "", true, last)
				if err != nil {
					t.Fatal(err)
				}
				if err := db.AppendRecords(t.Context(), entriesOf(t, d)); err != nil {
					t.Fatal(err)
				}
			}
			if a := audited(t, db); len(a.Findings) != 0 {
				t.Fatalf("clean: %v", a.Findings)
			}
			withoutGuards(t, db)
			if _, err := db.write.Exec(`PRAGMA foreign_keys = OFF`); err != nil {
				t.Fatal(err)
			}
			for _, table := range []string{"policy_translation", "policy_entry", "policy_version"} {
				if _, err := db.write.Exec(`DELETE FROM ` + table + ` WHERE number = 2`); err != nil {
					t.Fatal(err)
				}
			}
			a, named := audited(t, db), false
			for _, f := range a.Findings {
				named = named || f.What == auditlog.Lost && f.Of == "shop/privacy version 2"
			}
			if named != tt.named || len(a.Findings) == 0 && a.Without == 0 {
				t.Errorf("named: %v; %d leaves without anything, %v", named, a.Without, a.Findings)
			}
		})
	}
}

// withoutGuards takes away what keeps evidence from being changed: the owner of the
// database is the enemy.
func withoutGuards(t testing.TB, db *DB) {
	t.Helper()
	rows, err := db.write.Query(`SELECT 'DROP TRIGGER ' || name FROM sqlite_master WHERE type = 'trigger'`)
	drops, err := collect(rows, err, func(row scanner) (text string, err error) { err = row.Scan(&text); return text, err })
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range append(drops, `DROP INDEX policy_entry_position`, `PRAGMA foreign_keys = OFF`) {
		if _, err := db.write.Exec(text); err != nil {
			t.Fatal(err)
		}
	}
}

// A version that can't enter the log is not published, and the work stays.
func TestNothingIsPublishedByHalves(t *testing.T) {
	forEachEngine(t, func(t *testing.T, open func() *DB) {
		db, ctx := open(), t.Context()
		withSites(t, db, "shop")
		w, err := db.SaveWork(ctx, worded("eins"))
		if err != nil {
			t.Fatal(err)
		}
		if db.dialect.migrations() == "sqlite" {
			mustAlter(t, db, `CREATE TRIGGER full_disk BEFORE INSERT ON log_node BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`)
		} else {
			mustAlter(t, db, `CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'full' USING ERRCODE = 'disk_full'; END $$`)
			mustAlter(t, db, `CREATE TRIGGER full_disk BEFORE INSERT ON log_node FOR EACH ROW EXECUTE FUNCTION full_disk()`)
		}
		if _, err := publisher(db, noon).PublishWork(ctx, w, "anna", ""); err == nil {
			t.Fatal("published")
		}
		if _, err := db.Versions(ctx, "shop", "privacy"); !errors.Is(err, policyversions.ErrUnknownPolicy) {
			t.Errorf("a version is there: %v", err)
		}
		withoutTriggers(t, db, "full_disk")
		if v, err := publisher(db, noon).PublishWork(ctx, w, "anna", ""); err != nil || v.Number != 1 {
			t.Errorf("again: %d, %v", v.Number, err)
		}
		if _, err := db.Work(ctx, "shop", w.ID); !errors.Is(err, policyversions.ErrUnknownWork) {
			t.Errorf("the work is still there: %v", err)
		}
		checkLog(t, db)
	})
}

// A database with versions of before the chain gets their entries at the next
// start, once, in the order of their numbers.
func TestOlderVersionsEnterTheChain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "volenti.db")
	all, err := (&DB{dialect: sqlite{}}).migrations()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	steps := []string{`CREATE TABLE schema_migration (version BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL)`}
	for _, m := range all[:3] {
		steps = append(steps, m.text, fmt.Sprintf(`INSERT INTO schema_migration (version, name) VALUES (%d, '%s')`, m.version, m.name))
	}
	steps = append(steps,
		`INSERT INTO log_head (id, size, root) VALUES (1, 0, X'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')`,
		`INSERT INTO site (key, name, time_zone, created_at) VALUES ('shop', 'Shop', 'UTC', 0), ('blog', 'Blog', 'UTC', 0)`)
	for i, of := range []string{"shop/privacy", "shop/privacy", "shop/cookies", "blog/privacy", "shop/privacy"} {
		site, policy, _ := strings.Cut(of, "/")
		v := version(site, policy, fmt.Sprint("text ", i), noon)
		steps = append(steps,
			fmt.Sprintf(`INSERT INTO artifact (digest, kind, bytes) VALUES ('%s', 'policy', CAST('%s' AS BLOB))`, v.Digest, v.Canonical),
			fmt.Sprintf(`INSERT INTO policy_version (site, policy, number, digest, title, language, published_at, effective, format, original, material, summary, grace)
				SELECT '%s', '%s', 1 + COUNT(*), '%s', 'One', 'de', %d, 2, 'text', 'one', 1, '{"de":"Neu."}', 5 FROM policy_version WHERE site = '%[1]s' AND policy = '%[2]s'`,
				site, policy, v.Digest, 10+i))
	}
	for _, text := range steps {
		if _, err := raw.Exec(text); err != nil {
			t.Fatalf("%v\n%.80s", err, text)
		}
	}
	if err := raw.Close(); err != nil {
		t.Fatal(err)
	}
	var heads []auditlog.Head
	for range 2 {
		db := openedSQLite(t, path)
		a := audited(t, db)
		if len(a.Findings) != 0 || a.Versions != 5 || a.Without != 0 {
			t.Fatalf("%+v", a)
		}
		heads = append(heads, checkLog(t, db))
	}
	if heads[0] != heads[1] || heads[0].Size != 5 {
		t.Errorf("entered twice: %v", heads)
	}
	db := openedSQLite(t, path)
	v, err := publisher(db, noon).PublishWork(t.Context(), worded("neu"), "anna", "")
	if err != nil {
		t.Fatal(err)
	}
	three, err := db.VersionLink(t.Context(), "shop", "privacy", 3)
	if err != nil || v.Number != 4 || v.Previous != three.Digest {
		t.Errorf("the next one: %d after %s, want %s: %v", v.Number, v.Previous, three.Digest, err)
	}
	if e, err := policyversions.ParseEntry(three.Bytes); err != nil || e.Number != 3 || e.Summary == "" || e.PublishedBy != "" || !e.Material || e.Grace != 5 {
		t.Errorf("%+v, %v", e, err)
	}
}
