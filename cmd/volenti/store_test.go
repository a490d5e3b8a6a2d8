package main

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/store/storetest"
)

// An installation moves to PostgreSQL while it serves. What it acknowledged is there; what
// it refused in between the page sends again; what was erased stays erased; and the old
// database takes nothing more.
func TestAnInstallationMovesWhileItServes(t *testing.T) {
	dsn := storetest.Postgres(t, nil)
	folder := t.TempDir()
	dsnFile, secretFile := sharedFiles(t, dsn)
	data := publish(t)
	p := start(t, data, "--limits-site", "0")
	v := p.open(nil)
	receipts := map[string]string{}
	decide := func(v *visit, id string) (string, error) {
		status, receipt, err := v.decide(id)
		if err != nil || status != http.StatusCreated && status != http.StatusOK {
			if err == nil && status != http.StatusServiceUnavailable {
				t.Errorf("%s: %d %s", id, status, receipt)
			}
			return "", fmt.Errorf("%d %w", status, err)
		}
		r, _, err := place(receipt)
		return r, err
	}
	for i := range 40 {
		id := fmt.Sprintf("before-%d", i)
		r, err := decide(v, id)
		if err != nil {
			t.Fatal(err)
		}
		receipts[id] = r
	}
	for i, how := range []string{"shredded", "minimised"} {
		if out, exit := volenti(t, "erasure", "run", "--site", "shop", receipts[fmt.Sprintf("before-%d", i)], "--how", how, "--data", data); exit != 0 {
			t.Fatal(out)
		}
		delete(receipts, fmt.Sprintf("before-%d", i))
	}
	// Pages go on deciding; each repeats its decision until somebody acknowledges it.
	stop := make(chan struct{})
	var mu sync.Mutex
	var refused []string
	var all sync.WaitGroup
	for page := range 4 {
		all.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				id := fmt.Sprintf("while-%d-%d", page, n)
				r, err := decide(v, id)
				mu.Lock()
				if err != nil {
					refused = append(refused, id)
				} else {
					receipts[id] = r
				}
				mu.Unlock()
				time.Sleep(5 * time.Millisecond) // a pace that leaves the move some of the processors
			}
		})
	}
	args := []string{"store", "migrate", "--data", data, "--to-file", dsnFile, "--keys-secret-file", secretFile}
	out, exit := volenti(t, args...)
	if exit != 0 {
		t.Fatalf("%d\n%s", exit, out)
	}
	t.Log(out)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		mu.Lock()
		n := len(refused)
		mu.Unlock()
		if n > 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the old database takes decisions after it was left")
		}
	}
	close(stop)
	all.Wait()
	if status, _, err := v.get("/readyz"); err != nil || status != http.StatusServiceUnavailable {
		t.Errorf("the old server is ready: %d, %v", status, err)
	}
	_ = p.stop(syscall.SIGTERM)
	if out, exit := volenti(t, "site", "list", "--data", data); exit == 0 || !strings.Contains(out, "moved") {
		t.Errorf("the old database: %d %s", exit, out)
	}
	if out, exit := volenti(t, args...); exit != exitUsage {
		t.Errorf("moved twice: %d %s", exit, out)
	}
	p = start(t, filepath.Join(folder, "scratch"), "--store-dsn-file", dsnFile, "--keys-secret-file", secretFile, "--limits-site", "0")
	w := p.open(nil)
	w.token = v.token // served by the old one
	for id, r := range receipts {
		if again, err := decide(w, id); err != nil || again != r {
			t.Errorf("%s was acknowledged with %s, and now with %q: %v", id, r, again, err)
		}
	}
	for _, id := range refused {
		if _, err := decide(w, id); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
	out, exit = volenti(t, "log", "audit", "--data", filepath.Join(folder, "scratch"), "--store-dsn-file", dsnFile, "--keys-secret-file", secretFile)
	if exit != 0 || !strings.Contains(out, "all holds") || !strings.Contains(out, "1 without their personal half") {
		t.Errorf("%d\n%s", exit, out)
	}
}

// What was altered is not carried on: it is found before anything is copied, and the
// installation stays where it is.
func TestWhatDoesNotHoldIsNotMoved(t *testing.T) {
	dsnFile, secretFile := sharedFiles(t, storetest.Postgres(t, nil))
	data := publish(t)
	p := start(t, data)
	if status, receipt, err := p.open(nil).decide("a"); err != nil || status != http.StatusCreated {
		t.Fatalf("%d %v %s", status, err, receipt)
	}
	if err := p.stop(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	alter(t, data, `UPDATE record SET received_at = received_at + 1`)
	args := []string{"store", "migrate", "--data", data, "--to-file", dsnFile, "--keys-secret-file", secretFile}
	for range 2 { // the second one finds the new database as it was
		if out, exit := volenti(t, args...); exit != exitInvalid || !strings.Contains(out, "FOUND") || !strings.Contains(out, "nothing was moved") {
			t.Errorf("%d %s", exit, out)
		}
	}
	if out, exit := volenti(t, "site", "list", "--data", data); exit != 0 {
		t.Errorf("the installation: %d %s", exit, out)
	}
}
