package main

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/volenti-consent/volenti/server/transparency"
)

// databaseOf is the name of the database that a URL names.
func databaseOf(t *testing.T, dsn string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	return path.Base(u.Path)
}

// signedLeaves is how long the log was when a node last saw it signed.
func signedLeaves(data string) int64 {
	c, err := transparency.ReadPinned(home{data: data}.pinnedFile())
	if err != nil {
		return 0
	}
	return c.Head.Size
}

// What docs/operate/backups.md says of PostgreSQL's own means: a base backup and an
// archive of the write-ahead log bring back the moment that is asked for, with what was
// erased later; volenti erasure reapply has it go, and volenti log accept says what happened.
func TestPostgresComesBackFromItsArchive(t *testing.T) {
	server := cluster(t, "archive_mode=on", "archive_command=mkdir -p ../archive && cp %p ../archive/%f")
	dsn := server.Database(t)
	flags := sharedFlags(t, dsn)
	publishAt(t, flags...)
	p := startAt(t, flags)
	v := p.open(nil)
	decided := map[string]string{}
	decide := func(some string) (last []byte) {
		t.Helper()
		for i := range 20 {
			id := fmt.Sprint(some, i)
			status, receipt, err := v.decide(id)
			if err != nil || status != http.StatusCreated {
				t.Fatal(status, err)
			}
			decided[id], last = idOf(receipt), receipt
		}
		return last
	}
	shredded := decide("early")
	base, err := server.Base("restore_command=cp "+filepath.Join(server.Folder(), "archive")+"/%f %p", "recovery_target_name=moment", "recovery_target_action=promote", "archive_mode=off")
	if err != nil {
		t.Fatal(err)
	}
	minimised := decide("archived")
	delete(decided, "early19")
	delete(decided, "archived19")
	if err := server.Do(`SELECT pg_create_restore_point('moment')`); err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(t.TempDir(), "erasures.ndjson")
	must(t, 0, flags, "erasure", "run", "--site", "shop", "--how", "shredded", idOf(shredded))
	must(t, 0, flags, "erasure", "run", "--site", "shop", "--how", "minimised", idOf(minimised))
	must(t, 0, flags, "erasure", "export", "-o", list)
	status, lost, err := v.decide("lost")
	if err != nil || status != http.StatusCreated {
		t.Fatal(status, err)
	}
	_, leaf, err := place(lost)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "a checkpoint covers what is to be lost", func() bool { return signedLeaves(flags[1]) > leaf })
	_ = p.stop(syscall.SIGKILL)
	if err := server.Stop("fast"); err != nil { // archives the last segment, as a lost machine would have before
		t.Fatal(err)
	}
	if err := base.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the moment was reached", func() bool { return base.Do(`CREATE TEMPORARY TABLE promoted ()`) == nil })
	back := at(t, flags, base.DSN(databaseOf(t, dsn)))
	if out, exit := volenti(t, append([]string{"site", "list"}, back...)...); exit == 0 || !strings.Contains(out, "log accept") {
		t.Errorf("it does not continue the log as it was signed, and is used: %d %s", exit, out)
	}
	if out := must(t, 0, back, "erasure", "reapply", list); !strings.Contains(out, "2 records were erased again") {
		t.Errorf("%s", out)
	}
	// Another node has seen the same signed, and needs to be told nothing once one has said so.
	second := append([]string{"--data", private(t)}, back[2:]...)
	seen, err := os.ReadFile(filepath.Join(flags[1], "log.checkpoint"))
	if err == nil {
		err = os.WriteFile(filepath.Join(second[1], "log.checkpoint"), seen, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	if out, exit := volenti(t, append([]string{"site", "list"}, second...)...); exit == 0 || !strings.Contains(out, "log accept") {
		t.Errorf("the second node goes on as if nothing had been lost: %d %s", exit, out)
	}
	must(t, 0, back, "log", "accept", "--why", "the machine was lost")
	must(t, 0, second, "site", "list")
	if out := must(t, 0, back, "log", "audit"); !strings.Contains(out, "all holds") || !strings.Contains(out, "1 without their personal half") {
		t.Error(out)
	}
	p = startAt(t, back)
	w := p.open(nil)
	w.token = v.token
	for id, receipt := range decided {
		status, again, err := w.decide(id)
		for status == http.StatusServiceUnavailable { // as pages do
			status, again, err = w.decide(id)
		}
		if err != nil || status != http.StatusCreated || idOf(again) != receipt {
			_ = p.stop(syscall.SIGTERM)
			t.Fatalf("%s was answered with %s, and now: %d %v %s\n%s", id, receipt, status, err, again, p.log)
		}
	}
	if status, _, err := w.get("/v1/sites/shop/receipts/" + idOf(shredded)); err != nil || status != http.StatusNotFound {
		t.Errorf("what was shredded: %d, %v", status, err)
	}
}
