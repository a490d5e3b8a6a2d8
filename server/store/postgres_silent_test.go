//go:build unix

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/store/storetest"
)

// A staller stands between the program and its server, and goes on taking what it is
// sent when it passes nothing on any more, as a proxy before a machine that hangs.
type staller struct {
	dsn string

	mu      sync.Mutex
	heard   *sync.Cond
	stalled bool // nothing comes through; guarded by mu
	only    int  // what was connected by then stays so; guarded by mu
	made    int  // connections; guarded by mu
	n       int  // messages until the one at which its connection stalls, or 0; guarded by mu
	after   bool // it reaches the server, and only the answer does not come back; guarded by mu
}

func newStaller(t testing.TB, dsn string) *staller {
	t.Helper()
	s := &staller{}
	s.heard = sync.NewCond(&s.mu)
	s.dsn = between(t, dsn, s.carry)
	t.Cleanup(s.heal)
	return s
}

// stall lets nothing through; all: neither on connections that are made from now on.
func (s *staller) stall(all bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.only = s.made; all {
		s.stalled = true
	}
}

// at stalls the connection that sends the n-th message from now.
func (s *staller) at(n int, after bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n, s.after = n, after
}

func (s *staller) heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stalled, s.only = false, 0
	s.heard.Broadcast()
}

func (s *staller) carry(near, far net.Conn) {
	s.mu.Lock()
	s.made++
	number := s.made
	s.mu.Unlock()
	mute := false // guarded by s.mu
	// pass waits until something may come through.
	pass := func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for mute || s.stalled || number <= s.only {
			s.heard.Wait()
			mute = false
		}
	}
	copying := func(to, from net.Conn, sees func()) {
		defer to.Close()
		defer from.Close()
		b := make([]byte, 1<<16)
		for {
			n, err := from.Read(b)
			if n > 0 {
				sees()
				if _, failed := to.Write(b[:n]); failed != nil {
					return
				}
			}
			if err != nil {
				return
			}
		}
	}
	go copying(near, far, pass)
	copying(far, near, func() {
		s.mu.Lock()
		s.n--
		hit, after := s.n == 0, s.after
		mute = mute || hit
		s.mu.Unlock()
		if !hit || !after {
			pass()
		}
	})
	_, _ = io.Copy(io.Discard, near)
}

// A server that takes connections and answers nothing is given up soon by whoever waits
// for it, and at once by whoever comes after: decisions are unavailable, and their pages
// keep them. When it answers again all goes on by itself.
func TestASilentServer(t *testing.T) {
	t.Parallel()
	s := newStaller(t, storetest.Postgres(t, migrated))
	db := openedAt(t, s.dsn)
	withSites(t, db, "shop")
	known := entryOf(t, draft(t, "shop", "known", ""))
	if err := db.AppendRecords(t.Context(), []*consent.Entry{known}); err != nil {
		t.Fatal(err)
	}
	s.stall(true)
	began := time.Now()
	lost := entryOf(t, draft(t, "shop", "a", ""))
	ask := map[string]func() error{
		"write": func() error { return db.AppendRecords(t.Context(), []*consent.Entry{lost}) },
		"read": func() error {
			_, err := db.Entry(t.Context(), "shop", known.ReceiptID)
			return err
		},
		"ready": func() error { return db.Ready(t.Context()) },
	}
	var wg sync.WaitGroup
	for name, do := range ask {
		wg.Go(func() {
			if err := do(); !errors.Is(err, consent.ErrUnavailable) {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	wg.Wait()
	t.Logf("given up after %v", time.Since(began))
	if took := time.Since(began); took > patience/2 {
		t.Errorf("given up after %v", took)
	}
	// Of those who come now one at a time tries to connect, and none of the others waits.
	var waited atomic.Int64
	for range 40 {
		wg.Go(func() {
			began := time.Now()
			if _, err := db.Entry(t.Context(), "shop", known.ReceiptID); !errors.Is(err, consent.ErrUnavailable) {
				t.Errorf("while it is silent: %v", err)
			}
			if time.Since(began) > asking {
				waited.Add(1)
			}
		})
	}
	wg.Wait()
	if n := waited.Load(); n > 2 {
		t.Errorf("%d of 40 waited", n)
	}
	s.heal()
	until(t, func() bool { return db.AppendRecords(t.Context(), []*consent.Entry{lost}) == nil })
	until(t, func() bool { return db.Ready(t.Context()) == nil })
	if head := checkLog(t, db); head.Size != 2 {
		t.Errorf("a log of %d", head.Size)
	}
}

// Connections that lead nowhere any more, to a server that is well: wherever in a
// transaction that happens, another connection is made and it is done, once. A read does
// not go from one of them to the next.
func TestConnectionsThatLeadNowhere(t *testing.T) {
	t.Parallel()
	type node struct {
		*staller
		db    *DB
		known *consent.Entry
	}
	begin := func() node {
		n := node{staller: newStaller(t, storetest.Postgres(t, migrated))}
		n.db = openedAt(t, n.dsn)
		withSites(t, n.db, "shop")
		n.known = entryOf(t, draft(t, "shop", "first", ""))
		if err := n.db.AppendRecords(t.Context(), []*consent.Entry{n.known}); err != nil { // and prepares all statements
			t.Fatal(err)
		}
		return n
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	for n := 1; n <= 3; n++ {
		for _, after := range []bool{false, true} {
			node, e := begin(), entryOf(t, draft(t, "shop", "a", ""))
			wg.Go(func() {
				node.at(n, after)
				if err := node.db.AppendRecords(t.Context(), []*consent.Entry{e}); err != nil || e.Repeat || e.Index != 1 {
					t.Errorf("stalled at %d, after %v: at %d, repeat %v, %v", n, after, e.Index, e.Repeat, err)
				}
				if node.n > 0 {
					t.Errorf("%d messages were missing", node.n)
				}
				if head, err := node.db.Head(t.Context()); err != nil || head.Size != 2 {
					t.Errorf("stalled at %d, after %v: a log of %d, %v", n, after, head.Size, err)
				}
			})
		}
	}
	all := begin()
	var pool []*sql.Conn // full of connections that will lead nowhere
	for range 8 {
		conn, err := all.db.read.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		pool = append(pool, conn)
	}
	for _, conn := range pool {
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
	}
	all.stall(false)
	began := time.Now()
	if _, err := all.db.Entry(t.Context(), "shop", all.known.ReceiptID); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > time.Duration(len(pool)/2)*quiet {
		t.Errorf("it went from one to the next for %v", took)
	}
}

// What the server is at takes as long as it takes.
func TestLongStatementsGoOn(t *testing.T) {
	t.Parallel()
	db := openedPostgres(t)
	long := (quiet + asking + time.Second).Seconds()
	var wg sync.WaitGroup
	for name, do := range map[string]func() error{
		"alone": func() error {
			_, err := db.read.ExecContext(t.Context(), fmt.Sprintf(`SELECT pg_sleep(%f)`, long))
			return err
		},
		"of a transaction": func() error {
			return db.transact(t.Context(), transaction{what: "be long", slow: true, do: func(ctx context.Context, tx *sql.Tx) error {
				_, err := tx.ExecContext(ctx, fmt.Sprintf(`SELECT pg_sleep(%f)`, long))
				return err
			}})
		},
	} {
		wg.Go(func() {
			if err := do(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	wg.Wait()
}
