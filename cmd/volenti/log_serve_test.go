package main

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/consent"
)

// publicKeys is what /log/keys answers.
type publicKeys struct {
	Origin, Key, Witness string
	Witnesses, Retired   []string
}

func (p *process) logKeys() (k publicKeys) {
	p.t.Helper()
	if err := json.Unmarshal(p.fetch("/log/keys"), &k); err != nil {
		p.t.Fatal(err)
	}
	return k
}

func (p *process) fetch(path string) []byte {
	p.t.Helper()
	resp, err := http.Get(p.base + path)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		p.t.Fatalf("%s: %d, %v", path, resp.StatusCode, err)
	}
	return b
}

// end stops a process as an operator does.
func (p *process) end() {
	p.t.Helper()
	if err := p.stop(syscall.SIGTERM); err != nil {
		p.t.Fatalf("%v\n%s", err, p.log)
	}
}

// decided is a decision's receipt: its id and its leaf.
func (p *process) decided(id string) (receipt string, leaf [auditlog.LeafSize]byte) {
	p.t.Helper()
	status, body, err := p.open(nil).decide(id)
	if err != nil || status != http.StatusCreated {
		p.t.Fatalf("%d, %v", status, err)
	}
	var r struct {
		ID   string
		Leaf struct{ Hash string }
	}
	if err := json.Unmarshal(body, &r); err != nil {
		p.t.Fatal(err)
	}
	hash, err := base64.RawURLEncoding.DecodeString(r.Leaf.Hash)
	if err != nil || len(hash) != auditlog.LeafSize {
		p.t.Fatalf("leaf %q: %v", r.Leaf.Hash, err)
	}
	return r.ID, [auditlog.LeafSize]byte(hash)
}

func keyOfNote(t *testing.T, key string) note.Verifier {
	t.Helper()
	v, err := auditlog.NewVerifier(key)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within a minute: %s", what)
		}
	}
}

// between stands before a witness and remembers what it answers.
type between struct {
	mu       sync.Mutex
	statuses []int
}

func (b *between) answered() []int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.statuses)
}

func (b *between) before(t *testing.T, base string) string {
	t.Helper()
	to, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.ModifyResponse = func(r *http.Response) error {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.statuses = append(b.statuses, r.StatusCode)
		return nil
	}
	s := httptest.NewServer(proxy)
	t.Cleanup(s.Close)
	return s.URL
}

// Two servers witness one another. A receipt, its proof and the keys of both are
// enough to show to anybody that the decision is in a log that nobody forked.
func TestServersWitnessOneAnother(t *testing.T) {
	shop, blog := publish(t), publish(t)
	// Each needs the other's key before it makes its own as a witness.
	two := start(t, blog, "--log-origin", "blog.example/log")
	blogLog := two.logKeys()
	two.end()
	one := start(t, shop, "--public-url", "http://localhost:8080/consent", "--log-witnessed", blogLog.Key)
	shopLog := one.logKeys()
	two = start(t, blog, "--log-witnessed", shopLog.Key, "--log-witnesses", shopLog.Witness+" "+one.base+"/log/witness")
	blogLog = two.logKeys()
	if shopLog.Origin != "localhost:8080/consent/log" || blogLog.Origin != "blog.example/log" || !slices.Equal(blogLog.Witnesses, []string{shopLog.Witness}) {
		t.Fatalf("%+v and %+v", shopLog, blogLog)
	}
	eventually(t, "the shop cosigns the blog's log", func() bool {
		_, by, err := auditlog.OpenCheckpoint(two.fetch("/log/checkpoint"), keyOfNote(t, blogLog.Key), keyOfNote(t, shopLog.Witness))
		return err == nil && len(by) == 1
	})
	one.end()
	one = start(t, shop, "--log-witnessed", blogLog.Key, "--log-witnesses", blogLog.Witness+" "+two.base+"/log/witness")
	id, leaf := one.decided("d1")
	eventually(t, "the blog cosigns the shop's log", func() bool {
		proof, err := auditlog.ParseProof(one.fetch("/v1/sites/shop/receipts/" + id + "/proof"))
		if err != nil {
			t.Fatal(err)
		}
		_, by, err := proof.Verify(leaf, keyOfNote(t, shopLog.Key), keyOfNote(t, blogLog.Witness))
		if err != nil {
			t.Fatal(err)
		}
		if len(by) == 0 {
			return false
		}
		at, ok := auditlog.CosignedAt(by[0])
		return ok && time.Since(at).Abs() < time.Hour
	})
	one.end()

	// Another history under the same name and key: the witness does not go along.
	other := publish(t)
	key, err := os.ReadFile(filepath.Join(shop, "keys", "log.key"))
	if err == nil {
		err = os.MkdirAll(filepath.Join(other, "keys"), 0o700)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(other, "keys", "log.key"), key, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	var way between
	fork := start(t, other, "--log-witnesses", blogLog.Witness+" "+way.before(t, two.base)+"/log/witness")
	for _, id := range []string{"f1", "f2", "f3", "f4", "f5"} {
		fork.decided(id)
	}
	eventually(t, "the witness has answered", func() bool { return len(way.answered()) > 0 })
	fork.end()
	if got := way.answered(); slices.Contains(got, http.StatusOK) || !slices.Contains(got, http.StatusConflict) {
		t.Errorf("the witness answered %v to a fork", got)
	}
}

// A server whose database was rolled back does not start, and says what to do.
func TestARolledBackServerDoesNotStart(t *testing.T) {
	data := publish(t)
	database, backup := filepath.Join(data, "volenti.db"), filepath.Join(t.TempDir(), "backup")
	p := start(t, data)
	p.decided("d1")
	p.end()
	if err := copyFile(backup, database); err != nil {
		t.Fatal(err)
	}
	p = start(t, data)
	before := p.logKeys()
	id, leaf := p.decided("d2")
	proof, err := auditlog.ParseProof(p.fetch("/v1/sites/shop/receipts/" + id + "/proof"))
	if err != nil {
		t.Fatal(err)
	}
	p.end()
	if err := os.Remove(database); err != nil {
		t.Fatal(err)
	}
	if err := copyFile(database, backup); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"serve", "--listen", "127.0.0.1:0"}, {"site", "list"}} {
		out, exit := volenti(t, append(args, "--data", data)...)
		if exit != 1 || !strings.Contains(out, "volenti log accept") || !strings.Contains(out, "leaves") {
			t.Errorf("%v: exit %d\n%s", args, exit, out)
		}
	}
	if out, exit := volenti(t, "log", "accept", "--data", data); exit != 2 || !strings.Contains(out, "--why") {
		t.Errorf("without a reason: exit %d\n%s", exit, out)
	}
	out, exit := volenti(t, "log", "accept", "--data", data, "--why", "the disk died")
	if exit != 0 || !strings.Contains(out, "before: "+before.Origin) || !strings.Contains(out, "witnesses") {
		t.Fatalf("accept: exit %d\n%s", exit, out)
	}
	if out, exit := volenti(t, "log", "accept", "--data", data, "--why", "again"); exit != 0 || !strings.Contains(out, "nothing to accept") {
		t.Errorf("again: exit %d\n%s", exit, out)
	}
	p = start(t, data)
	p.decided("d3")
	p.end()
	// A new name, for witnesses; what was proven under the old one still is.
	if out, exit := volenti(t, "log", "accept", "--data", data, "--why", "new name", "--origin", before.Origin); exit != 2 {
		t.Errorf("the name it has: exit %d\n%s", exit, out)
	}
	if out, exit := volenti(t, "log", "accept", "--data", data, "--why", "new name", "--origin", "shop.example/log-2"); exit != 0 {
		t.Fatalf("another name: exit %d\n%s", exit, out)
	}
	p = start(t, data, "--log-public=false")
	if resp, err := http.Get(p.base + "/log/checkpoint"); err != nil || resp.StatusCode != http.StatusNotFound {
		t.Errorf("a log that is not public: %v, %v", resp, err)
	}
	p.end()
	p = start(t, data)
	after := p.logKeys()
	if after.Origin != "shop.example/log-2" || !slices.Equal(after.Retired, []string{before.Key}) {
		t.Errorf("%+v", after)
	}
	if _, _, err := proof.Verify(leaf, keyOfNote(t, after.Retired[0])); err != nil {
		t.Errorf("a proof of before: %v", err)
	}
	if _, _, err := auditlog.OpenCheckpoint(p.fetch("/log/checkpoint"), keyOfNote(t, after.Key)); err != nil {
		t.Errorf("a checkpoint of now: %v", err)
	}
	p.end()
	if out, exit := volenti(t, "serve", "--listen", "127.0.0.1:0", "--data", data, "--log-origin", "elsewhere.example/log"); exit != 2 || !strings.Contains(out, "shop.example/log-2") {
		t.Errorf("another origin in the settings: exit %d\n%s", exit, out)
	}
}

// A new name that broke off after its key was made is given by the same call.
func TestANewNameBrokeOff(t *testing.T) {
	data := publish(t)
	signedOnce(t, data)
	if _, err := consent.RenewLogKey(consent.KeyFolder(keysFolder(data)), "consent.example/log-2", rand.Reader); err != nil {
		t.Fatal(err)
	}
	accept := func(args ...string) (string, int) {
		return volenti(t, append([]string{"log", "accept", "--data", data, "--why", "a new name"}, args...)...)
	}
	if out, exit := accept(); exit != 2 || !strings.Contains(out, "--origin") {
		t.Errorf("without a name: exit %d\n%s", exit, out)
	}
	if out, exit := accept("--origin", "consent.example/log-2"); exit != 0 || !strings.Contains(out, "now:    consent.example/log-2") {
		t.Errorf("the name it was to have: exit %d\n%s", exit, out)
	}
	if out, exit := volenti(t, "site", "list", "--data", data); exit != 0 {
		t.Errorf("afterwards: exit %d\n%s", exit, out)
	}
	// A key that is lost can't be made again.
	if err := os.Remove(filepath.Join(data, "keys", "log.key")); err != nil {
		t.Fatal(err)
	}
	if out, exit := accept(); exit != 2 || !strings.Contains(out, "--origin") {
		t.Errorf("without a key: exit %d\n%s", exit, out)
	}
	if out, exit := accept("--origin", "consent.example/log-3"); exit != 0 {
		t.Errorf("with a new one: exit %d\n%s", exit, out)
	}
}

func TestSettingsOfTheLog(t *testing.T) {
	data := t.TempDir()
	for setting, mend := range map[string]string{
		"--log-origin=https://shop.example/log":                "without a scheme",
		"--log-witnesses=blog.example+00000000+AAAA https://x": "log.witnesses",
		"--log-witnessed=key":                                  "log.witnessed",
		"--log-pins=ftp://x":                                   "rfc3161:",
		"--log-pins=checkpoint":                                "path from the root",
	} {
		if out, exit := volenti(t, "serve", "--listen", "127.0.0.1:0", "--data", data, setting); exit != 2 || !strings.Contains(out, mend) {
			t.Errorf("%s: exit %d\n%s", setting, exit, out)
		}
	}
}
