package transparency

import (
	"bytes"
	"context"
	"crypto/rand"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/operator"
	"github.com/volenti-consent/volenti/server/store"
	"github.com/volenti-consent/volenti/server/store/dbtest"
	"github.com/volenti-consent/volenti/server/store/storetest"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// A clock is set by tests.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// A world is one installation: a folder with its database, and its log.
type world struct {
	t      testing.TB
	folder string
	opens  func() (*store.DB, error)
	key    *auditlog.LogKey
	db     *store.DB
	log    *Log
	clock  *clock
	said   *bytes.Buffer // what was logged
}

func newWorld(t testing.TB, origin string) *world {
	t.Helper()
	key, err := auditlog.NewLogKey(origin, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, folder: t.TempDir(), key: key, clock: &clock{t: noon}, said: &bytes.Buffer{}}
	w.opens = dbtest.New(t, w.folder)
	w.open()
	t.Cleanup(func() { w.db.Close() })
	return w
}

// database is SQLite's file, for tests that copy it or write into it.
func (w *world) database() string {
	if storetest.OnPostgres() {
		w.t.Skip("there is no file")
	}
	return filepath.Join(w.folder, "volenti.db")
}

func (w *world) pinned() string { return filepath.Join(w.folder, PinnedFile) }

func (w *world) open() {
	w.t.Helper()
	var err error
	if w.db, err = w.opens(); err != nil {
		w.t.Fatal(err)
	}
	w.log = New(Options{Store: w.db, Key: w.key, Now: w.clock.now, Pinned: w.pinned(), Log: slog.New(slog.NewTextHandler(w.said, nil))})
}

// again closes and opens.
func (w *world) again() {
	w.t.Helper()
	w.close()
	w.open()
}

func (w *world) close() {
	w.t.Helper()
	if err := w.db.Close(); err != nil {
		w.t.Fatal(err)
	}
}

// grow adds n entries.
func (w *world) grow(n int) {
	w.t.Helper()
	for range n {
		if err := w.db.AddAct(w.t.Context(), operator.Act{At: noon, Operator: "cli", What: "site.add", Object: "shop"}); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) sign() auditlog.Checkpoint {
	w.t.Helper()
	c, err := w.log.Sign(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (w *world) check() error {
	return Check(w.t.Context(), w.db, w.key, w.pinned())
}

// verifier is made of the public key alone, as a reader has it.
func (w *world) verifier() note.Verifier {
	w.t.Helper()
	v, err := note.NewVerifier(w.key.VerifierKey())
	if err != nil {
		w.t.Fatal(err)
	}
	return v
}

func copyFile(t testing.TB, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// kept runs the log's loops until stop.
func kept(t *testing.T, w *world) (stop func(), done <-chan struct{}) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		var outside sync.WaitGroup
		outside.Go(func() { w.log.KeepOutside(ctx) })
		w.log.Keep(ctx)
		outside.Wait()
	}()
	t.Cleanup(func() { cancel(); <-ended })
	return cancel, ended
}

// until waits for a condition.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for !is() {
		if time.Now().After(deadline) {
			t.Fatalf("not within a minute: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}
