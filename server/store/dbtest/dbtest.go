// Package dbtest opens the database of a test on the engine that all tests of a run
// are to use: SQLite, or what the environment names (storetest.Engine).
package dbtest

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/volenti-consent/volenti/server/store"
	"github.com/volenti-consent/volenti/server/store/storetest"
)

// New names a fresh database, SQLite's in a folder, and returns what opens it, as often
// as the test likes.
func New(t testing.TB, folder string) (open func() (*store.DB, error)) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	if !storetest.OnPostgres() {
		return func() (*store.DB, error) {
			return store.Open(ctx, filepath.Join(folder, "volenti.db"), store.Options{})
		}
	}
	dsn := storetest.Postgres(t, func(dsn string) error {
		db, err := store.OpenPostgres(ctx, dsn, store.Options{})
		if err != nil {
			return err
		}
		return db.Close()
	})
	return func() (*store.DB, error) { return store.OpenPostgres(ctx, dsn, store.Options{}) }
}

// Open opens a fresh database until the test ends.
func Open(t testing.TB, folder string) *store.DB {
	t.Helper()
	db, err := New(t, folder)()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Log(err)
		}
	})
	return db
}
