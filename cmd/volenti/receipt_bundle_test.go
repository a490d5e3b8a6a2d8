package main

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/volenti-consent/volenti/server/bundle"
)

// A bundle is the same from the server and from the command, holds where there is no
// server, and says by its exit code that it was altered.
func TestBundlesOfTheRealServer(t *testing.T) {
	data := publish(t)
	p := start(t, data)
	v := p.open(nil)
	folder := t.TempDir()
	file := func(name string, content []byte) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	printed := func(name string, args ...string) string {
		t.Helper()
		said, exit := volenti(t, append(args, "--data", data)...)
		if exit != 0 {
			t.Fatalf("%v: exit %d\n%s", args, exit, said)
		}
		return file(name, []byte(said))
	}
	before := printed("before", "log", "checkpoint")
	status, receipt, err := v.decide("a0")
	if err != nil || status != http.StatusCreated {
		t.Fatalf("decision: %d %v", status, err)
	}
	id, _, err := place(receipt)
	if err != nil {
		t.Fatal(err)
	}
	status, served, err := v.get("/v1/sites/shop/receipts/" + id + "/bundle")
	if err != nil || status != http.StatusOK {
		t.Fatalf("bundle: %d %v %s", status, err, served)
	}
	if answer, body := fetch(t, v.base+"/v1/sites/shop/receipts/"+id+"/bundle", nil); answer.ContentLength != int64(len(body)) {
		t.Errorf("a bundle of %d bytes is said to have %d", len(body), answer.ContentLength)
	}
	_, keys, _ := v.get("/.well-known/jwks.json")
	out := filepath.Join(folder, "out.zip")
	if said, exit := volenti(t, "receipt", "bundle", id, "--site", "shop", "--data", data, "--out", out); exit != 0 {
		t.Fatalf("receipt bundle: exit %d\n%s", exit, said)
	}
	if written, err := os.ReadFile(out); err != nil || len(written) == 0 {
		t.Fatal(err)
	}
	// Under a checkpoint that somebody kept, however much came later.
	files, err := bundle.Unpack(served)
	if err != nil {
		t.Fatal(err)
	}
	kept := file("kept", files["log/checkpoint"])
	if status, _, err := p.open(nil).decide("a1"); err != nil || status != http.StatusCreated {
		t.Fatalf("another decision: %d %v", status, err)
	}
	under, earlier := filepath.Join(folder, "under.zip"), filepath.Join(folder, "earlier.zip")
	printed("said", "receipt", "bundle", id, "--site", "shop", "--checkpoint", kept, "--out", under)
	leads := printed("leads", "log", "consistency", before, kept, "--json")
	altered := bytes.Clone(served)
	altered[len(altered)/2] ^= 1
	receiptFile, keyFile := file("receipt.json", receipt), file("jwks.json", keys)
	for _, c := range []struct {
		args []string
		exit int
		says string
	}{
		{[]string{"verify", file("served.zip", served)}, 0, "whoever can make up a server"},
		{[]string{"verify", out, "--keys", keyFile}, 0, "with the keys you gave"},
		{[]string{"verify", file("altered.zip", altered)}, 3, "FAILED"},
		{[]string{"verify", receiptFile, "--keys", keyFile}, 0, "ok"},
		{[]string{"verify", receiptFile}, 2, "--keys"},
		{[]string{"verify", under, "--checkpoint", kept}, 0, "the checkpoint is the one you kept"},
		{[]string{"verify", under, "--checkpoint", before}, 3, "--consistency"},
		{[]string{"verify", under, "--checkpoint", before, "--consistency", leads}, 0, "kept checkpoint"},
		{[]string{"verify", under, "--checkpoint", before, "--consistency", kept}, 3, "FAILED  kept checkpoint"},
		{[]string{"verify", under, "--consistency", leads}, 2, "--checkpoint"},
		{[]string{"bundle", id, "--site", "shop", "--data", data, "--out", earlier, "--checkpoint", before}, 0, "bytes"},
		{[]string{"verify", earlier, "--checkpoint", before}, 0, "earlier checkpoint"},
		{[]string{"verify", earlier}, 0, "earlier checkpoint"},
		{[]string{"bundle", id, "--site", "shop", "--data", data, "--out", out, "--checkpoint", receiptFile}, 3, "not a checkpoint"},
		{[]string{"verify", filepath.Join(folder, "none.zip")}, 2, "no such file"},
		{[]string{"bundle", strings.Repeat("0", 32), "--site", "shop", "--data", data, "--out", out}, 2, "has no receipt"},
		{[]string{"bundle", id, "--site", "shop", "--data", filepath.Join(folder, "none"), "--out", out}, 2, "data folder"},
	} {
		if strings.Contains(c.says, "data folder") && placeOf(data).shared() {
			continue // the folder is not where it lives
		}
		if said, exit := volenti(t, append([]string{"receipt"}, c.args...)...); exit != c.exit || !strings.Contains(said, c.says) {
			t.Errorf("receipt %v: exit %d, want %d, and %q in\n%s", c.args, exit, c.exit, c.says, said)
		}
	}
}
