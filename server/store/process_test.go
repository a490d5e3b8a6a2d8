//go:build unix

package store

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/site"
	"github.com/volenti-consent/volenti/server/store/storetest"
)

// child is what this test's own binary does when it is started as one of
// several processes: it opens the database in the environment and records
// decisions, telling each receipt it got on its standard output.
func child(role string) error {
	ctx := context.Background()
	db, err := openAt(ctx, os.Getenv("VOLENTI_STORE_TEST_PATH"), Options{})
	if err != nil {
		return err
	}
	if role == "open" {
		return db.Close()
	}
	if err := db.AddSite(ctx, site.Site{Key: "shop", Name: "shop"}); err != nil && !errors.Is(err, site.ErrExists) {
		return err
	}
	name := os.Getenv("VOLENTI_STORE_TEST_NAME")
	r := consent.NewRecorder(db, signer{}, consent.RecorderOptions{Batch: 64})
	record := func(i int64) error {
		d, err := draftOf("shop", fmt.Sprintf("%s-%d", name, i), "", true)
		if err != nil {
			return err
		}
		got, err := r.Record(ctx, d)
		if err != nil {
			return err
		}
		// One write of less than PIPE_BUF bytes: lines don't mix.
		_, err = fmt.Fprintf(os.Stdout, "%s-%d %s\n", name, i, got.Core.ID)
		return err
	}
	switch role {
	case "forever": // until it is killed
		return writers(16, 1<<60, record)
	case "append":
		if err := writers(4, 300, record); err != nil {
			return err
		}
	case "disk": // which may refuse; whatever else happens is an error
		err := writers(2, diskDecisions, func(i int64) error {
			err := record(i)
			if errors.Is(err, consent.ErrUnavailable) {
				_, err = fmt.Fprintf(os.Stdout, "refused %d\n", i)
			}
			return err
		})
		if err != nil {
			return err
		}
	case "limited": // the file system takes no more after a while
		signal.Ignore(syscall.SIGXFSZ)
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 2 << 20, Max: 2 << 20}); err != nil {
			return err
		}
		refused := 0
		for i := range int64(400) {
			switch err := record(i); {
			case errors.Is(err, consent.ErrUnavailable):
				refused++
			case err != nil:
				return err
			}
		}
		if refused < 20 {
			return fmt.Errorf("only %d of 400 were refused", refused)
		}
	}
	return errors.Join(r.Close(ctx), db.Close())
}

func writers(n int, limit int64, record func(i int64) error) error {
	var next atomic.Int64
	var wg sync.WaitGroup
	errs := make(chan error, n)
	for range n {
		wg.Go(func() {
			for {
				i := next.Add(1) - 1
				if i >= limit {
					return
				}
				if err := record(i); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	wg.Wait()
	close(errs)
	return <-errs
}

type process struct {
	*exec.Cmd
	out    io.Reader
	stderr strings.Builder
}

func start(t *testing.T, path, role, name string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{Cmd: exec.CommandContext(t.Context(), self)}
	p.Env = append(os.Environ(), "VOLENTI_STORE_TEST_CHILD="+role, "VOLENTI_STORE_TEST_PATH="+path, "VOLENTI_STORE_TEST_NAME="+name)
	p.Stderr = &p.stderr
	if p.out, err = p.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	return p
}

// receipts reads what the process was answered, calling each after every line,
// until it ends.
func (p *process) receipts(t *testing.T, into map[string]string, each func()) {
	t.Helper()
	lines := bufio.NewScanner(p.out)
	for lines.Scan() {
		decision, receipt, ok := strings.Cut(lines.Text(), " ")
		if !ok || len(receipt) != 32 {
			continue // the last words of one that was killed
		}
		if _, twice := into[decision]; twice {
			t.Errorf("decision %s was answered twice", decision)
		}
		into[decision] = receipt
		each()
	}
}

// allThere checks that what was answered is kept, once, and that the log holds.
func allThere(t *testing.T, db *DB, receipts map[string]string) {
	t.Helper()
	head := checkLog(t, db)
	kept := map[string]string{}
	var last *consent.Entry
	for {
		page, err := db.EntriesBetween(t.Context(), "shop", 0, 1<<60, last, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, e := range page {
			if _, twice := kept[e.DecisionID]; twice {
				t.Errorf("decision %s is kept twice", e.DecisionID)
			}
			kept[e.DecisionID] = e.ReceiptID
			receipt, err := consent.EncodeReceipt(e)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := consent.Verify(receipt, signer{}.keys()); err != nil {
				t.Errorf("decision %s: %v", e.DecisionID, err)
			}
		}
		last = page[len(page)-1]
	}
	lost := 0
	for decision, receipt := range receipts {
		if kept[decision] != receipt {
			lost++
		}
	}
	if lost > 0 {
		t.Errorf("%d of %d answered decisions are lost", lost, len(receipts))
	}
	if int64(len(kept)) != head.Size {
		t.Errorf("%d records in a log of %d", len(kept), head.Size)
	}
	t.Logf("%d answered, %d kept", len(receipts), len(kept))
}

// Killed at moments nobody chose, while 16 writers are at it.
func TestKilledWhileWriting(t *testing.T) {
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) { testKilledWhileWriting(t, e.place(t)) })
	}
}

func testKilledWhileWriting(t *testing.T, place string) {
	random := rand.New(rand.NewPCG(1, 12))
	receipts := map[string]string{}
	const rounds = 12
	for round := range rounds {
		p := start(t, place, "forever", fmt.Sprint(round))
		left := random.IntN(150)
		if left == 0 {
			_ = p.Process.Kill() // while it starts
		}
		p.receipts(t, receipts, func() {
			if left--; left == 0 {
				if err := p.Process.Kill(); err != nil {
					t.Error(err)
				}
			}
		})
		var exit *exec.ExitError
		if err := p.Wait(); !errors.As(err, &exit) || exit.ExitCode() != -1 {
			t.Fatalf("round %d ended by itself: %v\n%s", round, err, p.stderr.String())
		}
	}
	if len(receipts) < 10*rounds {
		t.Fatalf("only %d decisions were answered", len(receipts))
	}
	allThere(t, openedAt(t, place), receipts)
}

func openedAt(t testing.TB, place string) *DB {
	t.Helper()
	return opened(t, func(o Options) (*DB, error) { return openAt(t.Context(), place, o) }, Options{})
}

// Two processes make one database, append to one log, and neither knows of the
// other.
func TestTwoProcessesAppendToOneLog(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { testTwoProcesses(t, engines[0].place(t)) })
	t.Run("postgres", func(t *testing.T) { testTwoProcesses(t, storetest.Postgres(t, nil)) })
}

func testTwoProcesses(t *testing.T, place string) {
	processes := []*process{start(t, place, "append", "a"), start(t, place, "append", "b")}
	answered := []map[string]string{{}, {}}
	var wg sync.WaitGroup
	for i, p := range processes {
		wg.Go(func() {
			p.receipts(t, answered[i], func() {})
			if err := p.Wait(); err != nil {
				t.Errorf("process %d: %v\n%s", i, err, p.stderr.String())
			}
		})
	}
	wg.Wait()
	receipts := answered[0]
	for decision, receipt := range answered[1] {
		receipts[decision] = receipt
	}
	if len(receipts) != 600 {
		t.Errorf("%d of 600 answered", len(receipts))
	}
	allThere(t, openedAt(t, place), receipts)
}

// The operating system refuses to let files grow: real failed writes, at a
// moment the program does not choose.
func TestTheFileSystemTakesNoMore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "volenti.db")
	p := start(t, path, "limited", "x")
	receipts := map[string]string{}
	p.receipts(t, receipts, func() {})
	if err := p.Wait(); err != nil {
		t.Logf("it ended with %v", err) // closing can fail for the same reason
	}
	if strings.Contains(p.stderr.String(), "were refused") || len(receipts) < 10 {
		t.Fatalf("%d answered: %s", len(receipts), p.stderr.String())
	}
	allThere(t, openedSQLite(t, path), receipts)
}
