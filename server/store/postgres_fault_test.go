//go:build unix

package store

import (
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/store/storetest"
)

// twice has every transaction done twice: at first the server says at its end that it
// was rolled back, as it may where two of them clash.
func twice(c connector) connector { return twiceConnector{c} }

type twiceConnector struct{ connector }

func (c twiceConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &twiceConn{postgresConn: conn.(*postgresConn)}, nil
}

type twiceConn struct {
	*postgresConn
	second bool
}

func (c *twiceConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	tx, err := c.postgresConn.BeginTx(ctx, o)
	return twiceTx{tx, c}, err
}

type twiceTx struct {
	driver.Tx
	c *twiceConn
}

func (t twiceTx) Commit() error {
	if t.c.second = !t.c.second; t.c.second {
		return errors.Join(t.Rollback(), &pgconn.PgError{Code: "40001", Message: "not yet"})
	}
	return t.Tx.Commit()
}

// What a transaction did before it was rolled back leaves nothing behind, in the
// database and in memory.
func TestTransactionsAreTriedAgain(t *testing.T) {
	db := opened(t, engines[1].new(t), Options{wrap: twice})
	withSites(t, db, "shop")
	var drafts []consent.Draft
	for i := range 9 {
		drafts = append(drafts, draft(t, "shop", fmt.Sprint(i), ""))
	}
	entries := entriesOf(t, drafts...)
	for _, some := range [][]*consent.Entry{entries[:3], entries[:6], entries[3:]} {
		if err := db.AppendRecords(t.Context(), some); err != nil {
			t.Fatal(err)
		}
	}
	ids := []string{entries[0].ReceiptID, entries[1].ReceiptID, entries[2].ReceiptID}
	done, err := db.EraseRecords(t.Context(), "shop", ids, consent.Shredded, consent.ReasonRequested, noon)
	if err != nil || len(done.Leaves) != 3 || len(done.Tombstones) != 1 {
		t.Fatalf("%+v, %v", done, err)
	}
	if head := checkLog(t, db); head.Size != 10 {
		t.Errorf("a log of %d leaves", head.Size)
	}
	a, err := db.Audit(t.Context(), signer{}.keys())
	if err != nil || len(a.Findings) != 0 || a.Records != 6 {
		t.Errorf("%+v, %v", a, err)
	}
}

// The server is killed, restarted, or told to end what is under way, again and again while
// 16 writers are at it: what was answered is there, once, what was not is unavailable, and
// the program goes on by itself.
func TestThePostgresIsKilled(t *testing.T) {
	server, err := storetest.Start(true)
	if errors.Is(err, storetest.ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	said := func(what string) int {
		log, err := os.ReadFile(filepath.Join(server.Folder(), "log"))
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Count(log, []byte(what))
	}
	// each has the server do it to all who write, until its log says so five times more.
	each := func(do, says string) func(name string) error {
		return func(name string) error {
			for before := said(says); said(says) < before+5; {
				if err := server.Do(`SELECT ` + do + `(pid) FROM pg_stat_activity WHERE datname = '` + name + `' AND state <> 'idle'`); err != nil {
					return err
				}
			}
			return nil
		}
	}
	again := func(stop func() error) func(string) error {
		return func(string) error { return errors.Join(stop(), server.Start()) }
	}
	for name, wreck := range map[string]func(database string) error{
		"killed":                 again(server.Kill),
		"restarted":              again(func() error { return server.Stop("fast") }),
		"restarted at once":      again(func() error { return server.Stop("immediate") }),
		"statements cancelled":   each("pg_cancel_backend", "canceling statement due to user request"),
		"connections terminated": each("pg_terminate_backend", "terminating connection due to administrator command"),
	} {
		t.Run(name, func(t *testing.T) { whileWriting(t, server.Database(t), wreck) })
	}
}

// whileWriting has 16 writers record decisions, as pages send them until they are
// answered, and the server of the database wrecked meanwhile.
func whileWriting(t *testing.T, dsn string, wreck func(database string) error) {
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	db := openedAt(t, dsn)
	withSites(t, db, "shop")
	r := consent.NewRecorder(db, signer{}, consent.RecorderOptions{Batch: 64})
	var (
		mu       sync.Mutex
		receipts = map[string]string{}
		refused  int
		wg       sync.WaitGroup
		stop     atomic.Bool
	)
	answered := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(receipts)
	}
	for writer := range 16 {
		wg.Go(func() {
			for i := 0; !stop.Load(); i++ {
				id := fmt.Sprintf("%d-%d", writer, i)
				d, err := draftOf("shop", id, "", true)
				if err != nil {
					t.Error(err)
					return
				}
				for again := false; ; again = true { // as the page does
					got, err := r.Record(t.Context(), d)
					if err == nil {
						mu.Lock()
						if before, ok := receipts[id]; ok && before != got.Core.ID {
							t.Errorf("decision %s has another receipt now", id)
						}
						receipts[id] = got.Core.ID
						mu.Unlock()
						break
					}
					if !errors.Is(err, consent.ErrUnavailable) {
						t.Errorf("neither kept nor unavailable: %v", err)
						return
					}
					mu.Lock()
					refused++
					mu.Unlock()
					if again && stop.Load() {
						break
					}
				}
			}
		})
	}
	rounds := 4
	if testing.Short() {
		rounds = 1
	}
	for round := range rounds {
		target := answered() + 40 + 30*round
		until(t, func() bool { return answered() >= target })
		if err := wreck(strings.TrimPrefix(u.Path, "/")); err != nil {
			t.Error(err)
			break
		}
	}
	target := answered() + 100
	until(t, func() bool { return answered() >= target })
	stop.Store(true)
	wg.Wait()
	if err := r.Close(t.Context()); err != nil {
		t.Error(err)
	}
	t.Logf("%d refused", refused)
	allThere(t, openedAt(t, dsn), receipts)
}

// until waits for a condition.
func until(t *testing.T, holds func() bool) {
	t.Helper()
	deadline := time.After(5 * time.Minute)
	for !holds() {
		select {
		case <-deadline:
			t.Fatal("waited in vain")
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// What a server says when its disk is full, or is being shut down, is no failure of the
// decision: it is kept for later, and later it is kept.
func TestPostgresHasNoRoom(t *testing.T) {
	db := openedPostgres(t)
	withSites(t, db, "shop")
	mustAlter(t, db, `CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$`)
	for _, table := range []string{"log_leaf", "record", "log_node", "statistic", "record_facet"} {
		mustAlter(t, db, `CREATE TRIGGER full_disk BEFORE INSERT ON `+table+` FOR EACH ROW EXECUTE FUNCTION full_disk()`)
		e := entryOf(t, draft(t, "shop", table, ""))
		if err := db.AppendRecords(t.Context(), []*consent.Entry{e}); !errors.Is(err, consent.ErrUnavailable) {
			t.Errorf("no room in %s: %v", table, err)
		}
		withoutTriggers(t, db, "full_disk")
		if err := db.AppendRecords(t.Context(), []*consent.Entry{e}); err != nil || e.Repeat {
			t.Errorf("room in %s again: %v, repeat %v", table, err, e.Repeat)
		}
	}
	if head := checkLog(t, db); head.Size != 5 {
		t.Errorf("a log of %d", head.Size)
	}
}

// Two nodes append for a while, by turns and at once: one log, without a hole.
func TestTwoNodesAppendToOneLog(t *testing.T) {
	place := storetest.Postgres(t, migrated)
	nodes := []*DB{openedAt(t, place), openedAt(t, place)}
	withSites(t, nodes[0], "shop")
	var wg sync.WaitGroup
	const batches, size = 60, 5
	indexes := make([][]int64, len(nodes))
	for n, db := range nodes {
		wg.Go(func() {
			for i := range batches {
				var drafts []consent.Draft
				for j := range size {
					d, err := draftOf("shop", fmt.Sprintf("%d-%d-%d", n, i, j), "", true)
					if err != nil {
						t.Error(err)
						return
					}
					drafts = append(drafts, d)
				}
				entries := entriesOf(t, drafts...)
				if err := db.AppendRecords(t.Context(), entries); err != nil {
					t.Error(err)
					return
				}
				for _, e := range entries {
					indexes[n] = append(indexes[n], e.Index)
				}
			}
		})
	}
	wg.Wait()
	seen := map[int64]bool{}
	turns := 0
	for _, some := range indexes {
		for i, index := range some {
			if seen[index] {
				t.Errorf("leaf %d was given twice", index)
			}
			seen[index] = true
			if i > 0 && index != some[i-1]+1 {
				turns++
			}
		}
	}
	if head := checkLog(t, nodes[0]); head.Size != 2*batches*size || len(seen) != 2*batches*size {
		t.Errorf("a log of %d leaves, %d given", head.Size, len(seen))
	}
	if turns < 2 {
		t.Errorf("they took turns %d times only", turns)
	}
	for i, db := range nodes {
		a, err := db.Audit(t.Context(), signer{}.keys())
		if err != nil || len(a.Findings) != 0 || a.Records != 2*batches*size {
			t.Errorf("node %d: %+v, %v", i, a, err)
		}
	}
}

// Another writer holds the lock of the log.
func TestAnotherNodeWrites(t *testing.T) {
	place := storetest.Postgres(t, migrated)
	db, err := openAt(t.Context(), place+"&lock_timeout=50", Options{}) // connecting may take longer
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	withSites(t, db, "shop")
	tx, err := openedAt(t, place).write.BeginTx(t.Context(), nil)
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

// Text sorts by bytes on both engines, also where the database was made for a language.
func TestTextSortsByBytes(t *testing.T) {
	_ = storetest.Postgres(t, nil) // or it is not installed
	place := storetest.PostgresWith(t, `LOCALE_PROVIDER icu ICU_LOCALE 'en-US' ENCODING 'UTF8'`)
	db := openedAt(t, place)
	if db.dialect.(postgres).bytewise.Load() {
		t.Fatal("this database sorts by bytes by itself")
	}
	withSites(t, db, "b", "a-z", "ab", "a0")
	all, err := db.Sites(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var keys bytes.Buffer
	for _, s := range all {
		fmt.Fprint(&keys, s.Key, " ")
	}
	if keys.String() != "a-z a0 ab b " {
		t.Errorf("sites in the order %s", keys.String())
	}
	if err := db.AppendRecords(t.Context(), entriesOf(t, draft(t, "ab", "x", ""))); err != nil {
		t.Fatal(err)
	}
	checkLog(t, db)
}
