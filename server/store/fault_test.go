package store

import (
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/mattn/go-sqlite3"

	"github.com/volenti-consent/volenti/server/consent"
)

// failing is storage whose n-th write fails: before it is done, or after.
type failing struct {
	mu    sync.Mutex
	after bool
	err   error
	left  int // writes until the one that fails; it counts on below zero
}

func (f *failing) arm(n int, after bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.left, f.after, f.err = n, after, err
}

func (f *failing) triggered() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.left <= 0
}

func (f *failing) do(write func() error) error {
	f.mu.Lock()
	f.left--
	hit, after, err := f.left == 0, f.after, f.err
	f.mu.Unlock()
	if !hit {
		return write()
	}
	if after {
		if real := write(); real != nil {
			return real
		}
	}
	return err
}

func (f *failing) wrap(c connector) connector { return failingConnector{c, f} }

type failingConnector struct {
	connector
	f *failing
}

func (c failingConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return failingConn{conn.(*sqlite3.SQLiteConn), c.f}, nil
}

type failingConn struct {
	*sqlite3.SQLiteConn
	f *failing
}

func (c failingConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	s, err := c.SQLiteConn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	return failingStmt{s.(*sqlite3.SQLiteStmt), c.f}, nil
}

func (c failingConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (r driver.Result, err error) {
	err = c.f.do(func() error { r, err = c.SQLiteConn.ExecContext(ctx, query, args); return err })
	return r, err
}

func (c failingConn) BeginTx(ctx context.Context, o driver.TxOptions) (tx driver.Tx, err error) {
	// A begin that fails after it was done would leave a transaction that nobody
	// can end; SQLite knows no such failure.
	err = c.f.do(func() error {
		if tx, err = c.SQLiteConn.BeginTx(ctx, o); err == nil {
			tx = failingTx{tx, c.f}
		}
		return err
	})
	if err != nil && tx != nil {
		_ = tx.Rollback()
	}
	return tx, err
}

type failingTx struct {
	driver.Tx
	f *failing
}

func (t failingTx) Commit() error {
	done := false
	err := t.f.do(func() error { done = true; return t.Tx.Commit() })
	if !done {
		_ = t.Rollback() // as the driver does when a commit fails
	}
	return err
}

type failingStmt struct {
	*sqlite3.SQLiteStmt
	f *failing
}

func (s failingStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (r driver.Result, err error) {
	err = s.f.do(func() error { r, err = s.SQLiteStmt.ExecContext(ctx, args); return err })
	return r, err
}

// Above the engine: whichever write fails, before or after it is done, what
// was answered is there, nothing is there twice, and sending again mends it.
func TestTheNthWriteFails(t *testing.T) {
	for name, failure := range map[string]error{
		"full":  sqlite3.Error{Code: sqlite3.ErrFull},
		"io":    sqlite3.Error{Code: sqlite3.ErrIoErr, ExtendedCode: sqlite3.ErrIoErrWrite},
		"other": errors.New("something else"),
	} {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, after %v", name, after), func(t *testing.T) {
				writes := 0
				for n := 1; ; n++ {
					if !nthWriteFails(t, n, after, failure) {
						break
					}
					writes = n
				}
				if writes < 20 {
					t.Errorf("only %d writes were there to fail", writes)
				}
			})
		}
	}
}

func nthWriteFails(t *testing.T, n int, after bool, failure error) (triggered bool) {
	t.Helper()
	f := &failing{}
	db, err := Open(t.Context(), filepath.Join(t.TempDir(), "volenti.db"), Options{wrap: f.wrap})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	withSites(t, db, "shop")
	var drafts []consent.Draft
	for i := range 5 {
		drafts = append(drafts, draft(t, "shop", fmt.Sprint(i), ""))
	}
	fresh := func() []*consent.Entry { return entriesOf(t, drafts...) }
	f.arm(n, after, failure)
	entries := fresh()
	acknowledged := map[string]string{}
	for _, batch := range [][]*consent.Entry{entries[:2], entries[2:]} {
		switch err := db.AppendRecords(t.Context(), batch); {
		case err == nil:
			for _, e := range batch {
				acknowledged[e.DecisionID] = e.ReceiptID
			}
		case !errors.Is(err, failure):
			t.Fatalf("write %d: %v", n, err)
		case errors.Is(err, consent.ErrUnavailable) != (failure.Error() != "something else"):
			t.Fatalf("write %d: %v", n, err)
		}
	}
	triggered = f.triggered()
	f.arm(-1, false, nil)
	again := fresh()
	if err := db.AppendRecords(t.Context(), again); err != nil {
		t.Fatalf("write %d failed, and nothing works any more: %v", n, err)
	}
	for _, e := range again {
		kept := e
		if e.Repeat {
			kept = e.Stored
		}
		if e.Clash {
			t.Errorf("write %d: decision %s clashes with itself", n, e.DecisionID)
		}
		if id, ok := acknowledged[e.DecisionID]; ok && kept.ReceiptID != id {
			t.Errorf("write %d: decision %s was answered with %s and is now %s", n, e.DecisionID, id, kept.ReceiptID)
		}
	}
	if head := checkLog(t, db); head.Size != 5 {
		t.Errorf("write %d: a log of %d for 5 decisions", n, head.Size)
	}
	return triggered
}

// The fsync rule: after one that failed, what is on the disk is unknown, and a
// second one may say yes to what the first one lost.
func TestAfterAFailedSyncNothingIsWritten(t *testing.T) {
	f := &failing{}
	path := filepath.Join(t.TempDir(), "volenti.db")
	db, err := Open(t.Context(), path, Options{wrap: f.wrap})
	if err != nil {
		t.Fatal(err)
	}
	withSites(t, db, "shop")
	kept := entryOf(t, draft(t, "shop", "kept", ""))
	if err := db.AppendRecords(t.Context(), []*consent.Entry{kept}); err != nil {
		t.Fatal(err)
	}
	f.arm(1, false, sqlite3.Error{Code: sqlite3.ErrIoErr, ExtendedCode: sqlite3.ErrIoErrFsync})
	for i := range 3 {
		if err := db.AppendRecords(t.Context(), []*consent.Entry{entryOf(t, draft(t, "shop", "lost", ""))}); !errors.Is(err, consent.ErrUnavailable) {
			t.Errorf("try %d: %v", i, err)
		}
	}
	if err := db.Ready(t.Context()); !errors.Is(err, consent.ErrUnavailable) {
		t.Errorf("ready: %v", err)
	}
	if _, err := db.Entry(t.Context(), "shop", kept.ReceiptID); err != nil {
		t.Errorf("reading goes on: %v", err)
	}
	db.Close()
	db = openedSQLite(t, path)
	if err := db.Ready(t.Context()); err != nil {
		t.Errorf("after another start: %v", err)
	}
}

// A full disk, without one of our own: SQLite is told how large the file may grow.
func TestDiskFull(t *testing.T) {
	db := openedSQLite(t, filepath.Join(t.TempDir(), "volenti.db"))
	withSites(t, db, "shop")
	var pages int
	if err := db.write.QueryRow(`PRAGMA page_count`).Scan(&pages); err != nil {
		t.Fatal(err)
	}
	if _, err := db.write.Exec(fmt.Sprintf(`PRAGMA max_page_count = %d`, pages+40)); err != nil {
		t.Fatal(err)
	}
	r := consent.NewRecorder(db, signer{}, consent.RecorderOptions{})
	defer r.Close(t.Context())
	receipts := map[string][]byte{}
	full := 0
	for i := range 200 {
		id := fmt.Sprint(i)
		got, err := r.Record(t.Context(), draft(t, "shop", id, ""))
		switch {
		case err == nil:
			receipts[id] = got.Receipt
		case errors.Is(err, consent.ErrUnavailable):
			full++
		default:
			t.Fatalf("neither kept nor unavailable: %v", err)
		}
	}
	if full < 10 || len(receipts) < 10 {
		t.Fatalf("%d kept, %d refused", len(receipts), full)
	}
	if _, err := db.write.Exec(`PRAGMA max_page_count = 1000000`); err != nil {
		t.Fatal(err)
	}
	for i := range 200 {
		id := fmt.Sprint(i)
		got, err := r.Record(t.Context(), draft(t, "shop", id, ""))
		if err != nil {
			t.Fatal(err)
		}
		if before, ok := receipts[id]; ok && (!got.Repeat || !bytes.Equal(before, got.Receipt)) {
			t.Errorf("decision %s has another receipt now", id)
		}
	}
	if head := checkLog(t, db); head.Size != 200 {
		t.Errorf("a log of %d", head.Size)
	}
}

// Another process holds the lock.
func TestAnotherProcessWrites(t *testing.T) {
	path := filepath.Join(t.TempDir(), "volenti.db")
	db, err := Open(t.Context(), path, Options{BusyTimeout: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	withSites(t, db, "shop")
	other := openedSQLite(t, path)
	tx, err := other.write.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	e := entryOf(t, draft(t, "shop", "a", ""))
	if err := db.AppendRecords(t.Context(), []*consent.Entry{e}); !errors.Is(err, consent.ErrUnavailable) {
		t.Errorf("the lock is held: %v", err)
	}
	if _, err := db.Entry(t.Context(), "shop", e.ReceiptID); !errors.Is(err, consent.ErrUnknownReceipt) {
		t.Errorf("reading while another writes: %v", err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := db.AppendRecords(t.Context(), []*consent.Entry{e}); err != nil || e.Repeat {
		t.Errorf("the lock is free: %v", err)
	}
}

// 200 corruptions of a file left behind by a crash. Whatever is read
// afterwards is what was written, or an error; never something else.
func TestCorruptFilesAreNotServed(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "volenti.db")
	db, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	withSites(t, db, "shop")
	if err := db.AddPublication(t.Context(), publication(t, "shop", "x", noon)); err != nil {
		t.Fatal(err)
	}
	receipts := map[string][]byte{}
	for i := range 40 {
		e := entryOf(t, draft(t, "shop", fmt.Sprint(i), ""))
		if err := db.AppendRecords(t.Context(), []*consent.Entry{e}); err != nil {
			t.Fatal(err)
		}
		if receipts[e.ReceiptID], err = consent.EncodeReceipt(e); err != nil {
			t.Fatal(err)
		}
		if i == 20 { // half of it in the file, half in the write-ahead log
			if err := db.dialect.leave(db.write); err != nil {
				t.Fatal(err)
			}
		}
	}
	main, err1 := os.ReadFile(path)
	wal, err2 := os.ReadFile(path + "-wal")
	if err1 != nil || err2 != nil || len(wal) == 0 {
		t.Fatal(err1, err2, len(wal))
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(10, 200))
	refused, unreadable, untouched := 0, 0, 0
	for i := range 200 {
		m, w := bytes.Clone(main), bytes.Clone(wal)
		switch target := m; i % 6 {
		case 0:
			m[random.IntN(len(m))] ^= 1 << random.IntN(8)
		case 1:
			target = target[random.IntN(len(m)/4096)*4096:][:4096]
			for j := range target {
				target[j] = byte(random.Int())
			}
		case 2:
			m[random.IntN(100)] ^= 1 << random.IntN(8)
		case 3:
			m = m[:random.IntN(len(m))]
		case 4:
			w[random.IntN(len(w))] ^= 1 << random.IntN(8)
		case 5:
			w = w[:random.IntN(len(w))]
		}
		at := filepath.Join(folder, fmt.Sprintf("corrupt-%d", i))
		if err := errors.Join(os.WriteFile(at, m, 0o600), os.WriteFile(at+"-wal", w, 0o600)); err != nil {
			t.Fatal(err)
		}
		db, err := Open(t.Context(), at, Options{})
		if err != nil {
			refused++
			continue
		}
		damage := false
		for id, want := range receipts {
			e, err := db.Entry(t.Context(), "shop", id)
			if err != nil {
				damage = true
				continue
			}
			got, err := consent.EncodeReceipt(e)
			if err != nil {
				damage = true
				continue
			}
			if _, err := consent.Verify(got, signer{}.keys()); err == nil && !bytes.Equal(got, want) {
				t.Errorf("corruption %d: receipt %s is served, altered, and verifies:\n%s", i, id, got)
			}
		}
		if _, err := db.Current(t.Context(), "shop"); err != nil {
			damage = true
		}
		if damage {
			unreadable++
		} else {
			untouched++
		}
		db.Close()
	}
	t.Logf("%d refused at the start, %d read in part, %d where nothing was hit", refused, unreadable, untouched)
	if refused == 0 || unreadable == 0 {
		t.Error("the corruptions hit nothing")
	}
}
