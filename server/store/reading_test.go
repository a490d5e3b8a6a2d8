package store

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/volenti-consent/volenti/server/consent"
)

// Whoever opens a database to read it leaves its file as it was, with a server beside
// it or without.
func TestOpenToReadChangesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "volenti.db")
	if _, err := OpenToRead(t.Context(), path, Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	db, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	withSites(t, db, "shop")
	if err := db.AppendRecords(t.Context(), entriesOf(t, draft(t, "shop", "a", ""))); err != nil {
		t.Fatal(err)
	}
	look := func(when string) {
		t.Helper()
		reader, err := OpenToRead(t.Context(), path, Options{})
		if err != nil {
			t.Fatalf("%s: %v", when, err)
		}
		if a, err := reader.Audit(t.Context(), signer{}.keys()); err != nil || a.Records != 1 || len(a.Findings) != 0 {
			t.Errorf("%s: %+v, %v", when, a, err)
		}
		if err := reader.AppendRecords(context.WithoutCancel(t.Context()), []*consent.Entry{}); !errors.Is(err, ErrOnlyRead) {
			t.Errorf("%s: written: %v", when, err)
		}
		if err := reader.Close(); err != nil {
			t.Errorf("%s: %v", when, err)
		}
	}
	look("beside a server")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	look("without one")
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file was changed: %v", err)
	}
	older, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := older.write.Exec(`DELETE FROM schema_migration WHERE version > 3`); err != nil {
		t.Fatal(err)
	}
	if err := older.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenToRead(t.Context(), path, Options{}); !errors.Is(err, ErrOlder) {
		t.Errorf("an older database: %v", err)
	}
}

// A database that can't be opened for a reason of its disk says what to do about the
// disk, not about owners.
func TestOpenSaysWhatTheDiskNeeds(t *testing.T) {
	for errno, says := range map[syscall.Errno]string{
		syscall.EROFS:  "mount its disk",
		syscall.ENOSPC: "make room",
		syscall.EACCES: "own it",
	} {
		if got := openable(&os.PathError{Op: "open", Path: "volenti.db", Err: errno}); !strings.Contains(got, says) {
			t.Errorf("%v: %s", errno, got)
		}
	}
	path := filepath.Join(t.TempDir(), "volenti.db")
	if err := os.Mkdir(path+"-wal", 0o700); err != nil { // SQLite fails to open it, as where nothing can be made
		t.Fatal(err)
	}
	if db, err := Open(t.Context(), path, Options{}); !errors.Is(err, consent.ErrUnavailable) || !strings.Contains(err.Error(), "volenti doctor") || db != nil {
		t.Errorf("%v, %v", db, err)
	}
}
