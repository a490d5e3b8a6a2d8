package main

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/spf13/pflag"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/store/storetest"
)

// A skewed is a node that runs in this process, so that its clock can be set.
type skewed struct {
	*process
	ahead atomic.Int64 // its clock, nanoseconds
	said  *lines
	end   context.CancelFunc
	ended chan error
}

// lines are a log that may be read while it is written.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// startSkewed is what `volenti serve` does, with a clock that is wrong by so much from
// the first moment on. It returns when the node serves.
func startSkewed(t *testing.T, ahead time.Duration, flags ...string) *skewed {
	t.Helper()
	address := free(t)
	set := addConfigFlags(pflag.NewFlagSet("serve", pflag.ContinueOnError))
	if err := set.set.Parse(append([]string{"--listen", address, "--limits-local", "--limits-decisions", "0"}, flags...)); err != nil {
		t.Fatal(err)
	}
	cfg, err := set.load(func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	n := &skewed{process: &process{t: t, base: "http://" + address}, said: &lines{}, ended: make(chan error, 1)}
	n.ahead.Store(int64(ahead))
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	n.end = cancel
	go func() {
		n.ended <- serve(ctx, cfg, nil, func() time.Time { return time.Now().Add(time.Duration(n.ahead.Load())) }, slog.New(slog.NewTextHandler(n.said, nil)))
	}()
	t.Cleanup(func() { _ = n.stop() })
	eventually(t, "it serves", func() bool {
		select {
		case err := <-n.ended:
			n.ended <- err
			t.Fatalf("it ended at once: %v\n%s", err, n.said)
		default:
		}
		resp, err := http.Get(n.base + "/healthz")
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	return n
}

func (n *skewed) stop() error {
	n.end()
	err := <-n.ended
	n.ended <- err
	return err
}

// A node starts while its clock is an hour off the database server's. It serves banners
// and shows what is kept, changes nothing, signs nothing, does no timed job, and says why.
// Whoever it served a banner to loses no decision: the others take it, at once or later.
// When the clock is right, the node does its part.
func TestANodeThatStartsWithAWrongClock(t *testing.T) {
	dsn := storetest.Postgres(t, nil)
	flags := sharedFlags(t, dsn)
	publishAt(t, flags...)
	now := filepath.Join(private(t), "privacy.md") // a text that binds since a moment ago
	if err := os.WriteFile(now, append(mustRead(t, "testdata/privacy.md"), "\nAnd one thing more.\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, 0, flags, "policy", "publish", now, "--site", "shop", "--policy", "privacy")
	db, err := pgconn.Connect(t.Context(), strings.Replace(dsn, "volenti_durable_elsewhere=true", "", 1))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(context.WithoutCancel(t.Context()))
	rows := func() string {
		t.Helper()
		results, err := db.Exec(t.Context(), `SELECT (SELECT count(*) FROM record), (SELECT count(*) FROM log_leaf), (SELECT count(*) FROM checkpoint), (SELECT count(*) FROM request), (SELECT count(*) FROM operator_session)`).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		return string(bytes.Join(results[0].Rows[0], []byte(" ")))
	}
	first := startAt(t, flags)
	status, receipt, err := first.open(nil).decide("before-0")
	if err != nil || status != http.StatusCreated {
		t.Fatal(status, err, string(receipt))
	}
	kept, _, err := place(receipt)
	if err != nil {
		t.Fatal(err)
	}
	first.end()

	for _, c := range []struct {
		ahead time.Duration
		id    string
		says  string
		later bool // a decision on its banner is taken later
	}{
		{time.Hour, "ahead-1", "1h0m0s ahead of the database server's", true},
		{-time.Hour, "behind-1", "1h0m0s behind the database server's", false},
	} {
		t.Run(c.ahead.String(), func(t *testing.T) {
			before, began := rows(), time.Now().Add(-time.Second)
			n := startSkewed(t, c.ahead, append([]string{"--data", filepath.Join(private(t), "n")}, flags[2:]...)...)
			late := n.open(nil) // which fails unless it is served a banner
			for path, want := range map[string]int{
				"/healthz": 200, "/readyz": 503, "/privacy/shop": 200, "/policies/shop/privacy": 200, "/v1/sites/shop/receipts/" + kept: 200, "/admin": 503, "/admin/sign-in": 503,
			} {
				if status, body, err := late.get(path); err != nil || status != want {
					t.Errorf("%s: %d %v, want %d\n%.300s", path, status, err, want, body)
				}
			}
			for _, path := range []string{"/v1/sites/shop/decisions", "/privacy/shop/requests", "/privacy/shop/choices", "/opt-out", "/admin/sign-in", "/admin/sites"} {
				if status, body, err := late.do(http.MethodPost, path, []byte("{}")); err != nil || status != http.StatusServiceUnavailable {
					t.Errorf("POST %s: %d %v %s", path, status, err, body)
				}
			}
			if status, answer, err := late.decide(c.id); err != nil || status != http.StatusServiceUnavailable {
				t.Errorf("a decision: %d %v %s", status, err, answer)
			}
			eventually(t, "it says so", func() bool {
				return strings.Contains(n.said.String(), c.says) && strings.Contains(n.said.String(), "nothing is recorded here and no timed job is done")
			})
			if strings.Contains(n.said.String(), "this node does the timed jobs") {
				t.Errorf("it does timed jobs:\n%s", n.said)
			}
			if after := rows(); after != before {
				t.Errorf("records, leaves, checkpoints, requests, sessions: %s before, %s after", before, after)
			}

			// A balancer gives the next try to a node that is right.
			p := startAt(t, append([]string{"--data", filepath.Join(private(t), "n")}, flags[2:]...))
			right := p.open(nil)
			elsewhere := *late
			elsewhere.base = right.base
			want := http.StatusCreated
			if c.later {
				want = http.StatusServiceUnavailable
			}
			if status, answer, err := elsewhere.decide(c.id); err != nil || status != want {
				t.Errorf("on another node: %d %v %s", status, err, answer)
			}
			if status, answer, err := right.decide("right-" + c.id); err != nil || status != http.StatusCreated {
				t.Errorf("a node that is right: %d %v %s", status, err, answer)
			}
			p.end()

			n.ahead.Store(0)
			eventually(t, "it is ready", func() bool {
				status, _, err := late.get("/readyz")
				return err == nil && status == http.StatusOK
			})
			status, receipt, err := n.open(nil).decide("again-" + c.id)
			if err != nil || status != http.StatusCreated {
				t.Fatal(status, err, string(receipt))
			}
			report, err := consent.Verify(receipt, n.open(nil).keys(t))
			if dated := time.UnixMilli(report.Core.ReceivedAt); err != nil || dated.Before(began) || dated.After(time.Now().Add(time.Second)) {
				t.Errorf("its receipt is dated %v, %v", dated, err)
			}
			eventually(t, "it does the timed jobs", func() bool { return strings.Contains(n.said.String(), "this node does the timed jobs") })
			if err := n.stop(); err != nil {
				t.Error(err)
			}
		})
	}
	must(t, 0, flags, "log", "audit")
}
