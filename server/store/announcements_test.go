package store

import (
	"database/sql"
	"errors"
	"maps"
	"path/filepath"
	"testing"
	"time"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
)

func TestAnnouncementsAreKeptWithTheirVersion(t *testing.T) {
	forEachEngine(t, func(t *testing.T, open func() *DB) {
		db, ctx := open(), t.Context()
		withSites(t, db, "shop")
		told := version("shop", "privacy", "two", noon.Add(time.Hour))
		told.Announcement = policyversions.Announcement{Material: true, Grace: 14 * 24 * time.Hour, Summary: map[string]string{"de": "Neu: \"Video\".", "en": "New: video."}}
		for _, v := range []policyversions.Version{version("shop", "privacy", "one", noon), told} {
			if _, err := db.AddVersion(ctx, v); err != nil {
				t.Fatal(err)
			}
		}
		all, err := db.Versions(ctx, "shop", "privacy")
		if err != nil {
			t.Fatal(err)
		}
		one, err := db.Version(ctx, "shop", "privacy", 2)
		if err != nil {
			t.Fatal(err)
		}
		for name, got := range map[string]policyversions.Version{"listed": all[0], "read": one} {
			if !got.Material || got.Grace != told.Grace || !maps.Equal(got.Summary, told.Summary) {
				t.Errorf("%s: %+v", name, got.Announcement)
			}
		}
		if quiet := all[1]; quiet.Material || quiet.Grace != 0 || quiet.Summary != nil {
			t.Errorf("a version nothing was said about: %+v", quiet.Announcement)
		}
		for _, text := range []string{`UPDATE policy_version SET material = 0`, `UPDATE policy_version SET summary = ''`, `UPDATE policy_version SET grace = 0`} {
			refuses(t, db, text)
		}
	})
}

// A database of the first release is taken up with all that is in it.
func TestAnOlderDatabaseIsBroughtUpToDate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "volenti.db")
	first, err := (&DB{dialect: openedSQLite(t, filepath.Join(t.TempDir(), "other.db")).dialect}).migrations()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		`CREATE TABLE schema_migration (version BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL)`,
		first[0].text,
		`INSERT INTO schema_migration (version, name) VALUES (1, '0001_init.sql')`,
		`INSERT INTO log_head (id, size, root) VALUES (1, 0, X'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')`,
		`INSERT INTO site (key, name, time_zone, created_at) VALUES ('shop', 'Shop', 'UTC', 0)`,
		`INSERT INTO artifact (digest, kind, bytes) VALUES ('` + string(version("shop", "privacy", "one", noon).Digest) + `', 'policy', 'one')`,
		`INSERT INTO policy_version (site, policy, number, digest, title, language, published_at, effective, format, original)
			SELECT 'shop', 'privacy', 1, digest, 'One', 'de', 1, 2, 'text', 'one' FROM artifact`,
	} {
		if _, err := raw.Exec(text); err != nil {
			t.Fatalf("%v\n%.80s", err, text)
		}
	}
	if err := raw.Close(); err != nil {
		t.Fatal(err)
	}
	db := openedSQLite(t, path)
	v, err := db.Version(t.Context(), "shop", "privacy", 1)
	if err != nil || string(v.Canonical) != "one" || v.Material || v.Summary != nil {
		t.Errorf("%+v, %v", v, err)
	}
	if _, err := db.AddVersion(t.Context(), version("shop", "privacy", "one", noon)); !errors.Is(err, policyversions.ErrSameText) {
		t.Errorf("the same text again: %v", err)
	}
}
