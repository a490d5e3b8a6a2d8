//go:build unix

package store

import (
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/volenti-consent/volenti/server/store/storetest"
)

// A cutter stands between the program and its server, and cuts the line at the n-th
// message from the program: before it is passed on, or when it was answered.
type cutter struct {
	dsn   string
	n     atomic.Int64
	after atomic.Bool
}

func newCutter(t testing.TB, dsn string) *cutter {
	t.Helper()
	c := &cutter{}
	c.dsn = between(t, dsn, c.carry)
	return c
}

// between puts carry between the program and its server; the connection string of that.
func between(t testing.TB, dsn string, carry func(near, far net.Conn)) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	folder, err := os.MkdirTemp("", "line")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	q := u.Query()
	server := filepath.Join(q.Get("host"), ".s.PGSQL.5432")
	q.Set("host", folder)
	u.RawQuery = q.Encode()
	l, err := net.Listen("unix", filepath.Join(folder, ".s.PGSQL.5432"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("unix", server)
			if err != nil {
				near.Close()
				continue
			}
			go carry(near, far)
		}
	}()
	return u.String()
}

func (c *cutter) carry(near, far net.Conn) {
	var silent atomic.Bool
	go func() {
		b := make([]byte, 1<<16)
		for {
			n, err := far.Read(b)
			if silent.Load() && n > 0 { // the server has done it, and the program does not hear
				break
			}
			if _, failed := near.Write(b[:n]); err != nil || failed != nil {
				break
			}
		}
		near.Close()
		far.Close()
	}()
	b := make([]byte, 1<<16)
	for {
		n, err := near.Read(b)
		if n > 0 && c.n.Add(-1) == 0 {
			if !c.after.Load() {
				break
			}
			silent.Store(true)
		}
		if _, failed := far.Write(b[:n]); err != nil || failed != nil {
			if silent.Load() {
				_, _ = io.Copy(io.Discard, near)
			}
			break
		}
	}
	near.Close()
	far.Close()
}

// Wherever the line is cut, also where the server has committed and the answer is lost:
// the program goes on by itself, what it was told to keep is kept once, and the log holds.
func TestTheLineIsCut(t *testing.T) {
	c := newCutter(t, storetest.Postgres(t, migrated))
	db := openedAt(t, c.dsn)
	withSites(t, db, "shop")
	var kept int64
	for _, after := range []bool{false, true} {
		cuts := int64(0)
		for n := int64(1); ; n++ {
			c.after.Store(after)
			c.n.Store(n)
			name := fmt.Sprintf("%v-%d", after, n)
			entries := entriesOf(t, draft(t, "shop", name+"a", ""), draft(t, "shop", name+"b", ""))
			if err := db.AppendRecords(t.Context(), entries); err != nil {
				t.Fatalf("cut at %d, after %v: %v", n, after, err)
			}
			cut := c.n.Load() <= 0
			c.n.Store(-1)
			for i, e := range entries {
				if e.Repeat || e.Clash || e.Index != kept+int64(i) {
					t.Errorf("cut at %d, after %v: entry %d: at %d, repeat %v", n, after, i, e.Index, e.Repeat)
				}
			}
			kept += 2
			if !cut {
				break
			}
			cuts = n
		}
		if cuts < 3 {
			t.Errorf("after %v: only %d messages were there to cut at", after, cuts)
		}
	}
	if head := checkLog(t, db); head.Size != kept {
		t.Errorf("a log of %d leaves for %d records", head.Size, kept)
	}
}

// A read finds out that its connection has ended: another is asked.
func TestAReadIsAskedAgain(t *testing.T) {
	c := newCutter(t, storetest.Postgres(t, migrated))
	db := openedAt(t, c.dsn)
	withSites(t, db, "shop")
	reads := map[string]func() error{
		"alone": func() error {
			var one int
			return db.read.QueryRowContext(t.Context(), `SELECT 1 WHERE ?1 = 1`, 1).Scan(&one)
		},
		"several": func() error {
			tx, err := db.read.BeginTx(t.Context(), nil)
			if err != nil {
				return err
			}
			return tx.Rollback()
		},
	}
	for name, read := range reads {
		for _, after := range []bool{false, true} {
			if err := read(); err != nil { // a connection that is there
				t.Fatal(err)
			}
			c.after.Store(after)
			c.n.Store(1)
			if err := read(); err != nil {
				t.Errorf("%s, cut after it %v: %v", name, after, err)
			}
			if c.n.Load() > 0 {
				t.Errorf("%s, cut after it %v: nothing was cut", name, after)
			}
		}
	}
}
