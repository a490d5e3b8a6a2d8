package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/store/storetest"
)

// A move of which the first part is over, and that was broken off there: what happens
// then, at the server that still serves, is what a move takes along in its last moment.
func TestWhatHappensDuringAMoveMovesToo(t *testing.T) {
	dsn := storetest.Postgres(t, nil)
	folder := t.TempDir()
	dsnFile, secretFile := sharedFiles(t, dsn)
	data := publish(t)
	must := func(args ...string) string {
		t.Helper()
		out, exit := volenti(t, append(args, "--data", data)...)
		if exit != 0 {
			t.Fatalf("volenti %v: %d %s", args, exit, out)
		}
		return out
	}
	p := start(t, data, "--limits-site", "0")
	v := p.open(nil)
	var mu sync.Mutex
	acknowledged := map[string]string{} // receipt by decision
	decide := func(v *visit, id string) (receipt string, leaf int64) {
		status, body, err := v.decide(id)
		if err != nil || status != http.StatusCreated && status != http.StatusOK {
			if err == nil && status != http.StatusServiceUnavailable {
				t.Errorf("%s: %d %s", id, status, body)
			}
			return "", 0
		}
		if receipt, leaf, err = place(body); err != nil {
			t.Error(err)
		}
		mu.Lock()
		acknowledged[id] = receipt
		mu.Unlock()
		return receipt, leaf
	}
	shred, _ := decide(v, "shred-0")
	minimise, _ := decide(v, "minimise-0")
	restrict, _ := decide(v, "restrict-0")
	release, leaf := decide(v, "release-0")
	must("erasure", "restrict", "--site", "shop", "--ground", "contested", release)

	// Something of the last part can't be written there: the first part stays.
	scratch := filepath.Join(folder, "scratch")
	there := []string{"--data", scratch, "--store-dsn-file", dsnFile, "--keys-secret-file", secretFile}
	if out, exit := volenti(t, append([]string{"site", "list"}, there...)...); exit != 0 { // makes the tables
		t.Fatalf("%d %s", exit, out)
	}
	db := connected(t, dsn)
	if err := db.Exec(t.Context(), `BEGIN; LOCK TABLE throttle`).Close(); err != nil {
		t.Fatal(err)
	}
	move := []string{"store", "migrate", "--data", data, "--to-file", dsnFile, "--keys-secret-file", secretFile}
	if out, exit := volenti(t, move...); exit == 0 || !strings.Contains(out, "lock timeout") {
		t.Fatalf("a move that can't end: %d %s", exit, out)
	}
	if err := db.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if out, exit := volenti(t, append([]string{"site", "list"}, there...)...); exit == 0 || !strings.Contains(out, "migrate again") {
		t.Errorf("half of an installation serves: %d %s", exit, out)
	}

	// Pages go on meanwhile, to the end of the move.
	stop := make(chan struct{})
	var pages sync.WaitGroup
	for _, page := range []string{"a", "b"} {
		pages.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				decide(v, "page-"+page+"-"+strconv.Itoa(n))
				time.Sleep(20 * time.Millisecond) // a pace that leaves others some of the processors
			}
		})
	}
	must("erasure", "run", "--site", "shop", shred, "--how", "shredded")
	must("erasure", "run", "--site", "shop", minimise, "--how", "minimised")
	must("erasure", "restrict", "--site", "shop", "--ground", "claims", restrict)
	must("erasure", "unrestrict", "--site", "shop", strconv.FormatInt(leaf, 10), "--why", "examined")
	must("site", "set", "shop", "--noindex", "--second-pair")
	kid := strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(must("key", "rotate")), "new key "), ": in use")
	text := filepath.Join(folder, "shop.toml")
	was, err := os.ReadFile("testdata/shop.toml")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(text, []byte(strings.Replace(string(was), "Example address 1", "Another address 2", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	must("notice", "publish", text)
	if out, exit := volenti(t, move...); exit != 0 {
		t.Fatalf("the move: %d %s", exit, out)
	}
	close(stop)
	pages.Wait()
	_ = p.stop(syscall.SIGTERM)

	holds := func(args ...string) {
		t.Helper()
		p := start(t, args[1], append(args[2:], "--limits-site", "0")...)
		defer func() { _ = p.stop(syscall.SIGTERM) }()
		w := p.open(nil)
		w.token = v.token
		for id, receipt := range acknowledged {
			switch receipt {
			case shred, restrict: // nothing tells that they were there: their decisions are new ones
				if status, body, err := w.get("/v1/sites/shop/receipts/" + receipt); err != nil || status == http.StatusOK {
					t.Errorf("%s can be read: %d %s", id, status, body)
				}
			default:
				status, body, err := w.decide(id)
				again, _, wrong := place(body)
				if err != nil || wrong != nil || again != receipt {
					t.Errorf("%s was acknowledged with %s, and now: %d %q", id, receipt, status, again)
				}
			}
		}
		if keys := w.keys(t); keys[kid] == nil {
			t.Errorf("the new key %s is not there: %v", kid, keys)
		}
		for path, want := range map[string]string{"/privacy/shop": "Another address 2"} {
			if status, body, err := w.get(path); err != nil || status != http.StatusOK || !strings.Contains(string(body), want) {
				t.Errorf("%s: %d %v, without %q", path, status, err, want)
			}
		}
		if out, exit := volenti(t, append([]string{"log", "audit"}, args...)...); exit != 0 || !strings.Contains(out, "all holds") || !strings.Contains(out, "1 without their personal half") {
			t.Errorf("%d %s", exit, out)
		}
		var sites []struct {
			SecondPair bool `json:"second_pair"`
			NoIndex    bool `json:"noindex"`
		}
		out, _ := volenti(t, append([]string{"site", "list", "--json"}, args...)...)
		if err := json.Unmarshal([]byte(out), &sites); err != nil || len(sites) != 1 || !sites[0].SecondPair || !sites[0].NoIndex {
			t.Errorf("sites: %v %s", err, out)
		}
		if out, exit := volenti(t, append([]string{"erasure", "restrictions", "--site", "shop", "--json"}, args...)...); exit != 0 || strings.Count(out, `"leaf"`) != 1 {
			t.Errorf("restrictions: %d %s", exit, out)
		}
	}
	holds(there...)

	// And back, as a backup is restored.
	file, phrase, back := filepath.Join(folder, "backup.db"), filepath.Join(folder, "phrase"), filepath.Join(folder, "back")
	if err := os.WriteFile(phrase, []byte("nine words that nobody else has thought of yet\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		append([]string{"backup", file, "--keys", "--passphrase-file", phrase}, there...),
		{"restore", file, "--data", back, "--nothing-erased", "--passphrase-file", phrase},
		{"log", "accept", "--why", "moved back", "--data", back},
	} {
		if out, exit := volenti(t, args...); exit != 0 {
			t.Fatalf("volenti %v: %d %s", args, exit, out)
		}
	}
	holds("--data", back)
}
