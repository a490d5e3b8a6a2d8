package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/consent"
)

// A node is one volenti.
type node struct {
	c    *cluster
	name string
	base string
	log  *bytes.Buffer
	cmd  *exec.Cmd
	done chan struct{}
}

// start starts it; it need not be ready when start returns.
func (n *node) start() {
	n.c.t.Helper()
	n.cmd = n.c.wires.command(n.name, n.c.binary, "serve", "--listen", n.c.wires.listen(n.name), "--data", filepath.Join(n.c.folder, n.name),
		"--store-dsn-file", n.c.dsnFile(n.name), "--keys-secret-file", n.c.secret, "--limits-site", "0", "--log-origin", "cluster.example/log")
	n.log = &bytes.Buffer{}
	n.cmd.Stdout, n.cmd.Stderr = io.Discard, n.log
	if err := n.cmd.Start(); err != nil {
		n.c.t.Fatal(err)
	}
	done, cmd := make(chan struct{}), n.cmd
	n.done = done
	go func() { _ = cmd.Wait(); close(done) }()
}

func (n *node) ready() bool {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	status, _, err := n.c.ask(ctx, http.MethodGet, n.base+"/readyz", nil)
	return err == nil && status == http.StatusOK
}

func (n *node) kill(sig syscall.Signal) {
	if n.cmd != nil {
		_ = n.cmd.Process.Signal(sig)
		<-n.done
		n.cmd = nil
	}
}

// A cluster is all of it.
type cluster struct {
	t      *testing.T
	wires  wires
	folder string
	binary string
	secret string
	db     map[string]*postgres
	nodes  []*node
	client *http.Client
	began  time.Time
}

func (c *cluster) note(format string, args ...any) {
	c.t.Logf("%6.1f s  %s", time.Since(c.began).Seconds(), fmt.Sprintf(format, args...))
}

func (c *cluster) dsnFile(machine string) string { return filepath.Join(c.folder, machine+".dsn") }

// put writes a file that the machines may read, and nobody else.
func (c *cluster) put(path, text string) {
	c.t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
	give(c.t, path)
}

// volenti runs a command on a machine.
func (c *cluster) volenti(machine string, args ...string) (string, error) {
	p := c.wires.command(machine, append([]string{c.binary}, args...)...)
	p.Dir = filepath.Dir(c.folder)
	p.Env = append(os.Environ(), "VOLENTI_STORE_DSN_FILE="+c.dsnFile(machine), "VOLENTI_KEYS_SECRET_FILE="+c.secret, "VOLENTI_DATA="+filepath.Join(c.folder, machine))
	out, err := p.CombinedOutput()
	return string(out), err
}

func (c *cluster) must(machine string, args ...string) string {
	c.t.Helper()
	out, err := c.volenti(machine, args...)
	if err != nil {
		c.t.Fatalf("volenti %v: %v\n%s", args, err, out)
	}
	return out
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	bin(t, "postgres")
	c := &cluster{t: t, db: map[string]*postgres{}, began: time.Now(),
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64, DialContext: (&net.Dialer{Timeout: time.Second}).DialContext}}}
	t.Cleanup(c.client.CloseIdleConnections)
	folder, err := os.MkdirTemp("", "vol-nodes")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	c.folder = folder
	c.binary = filepath.Join(folder, "volenti")
	if out, err := exec.Command("go", "build", "-o", c.binary, "..").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	give(t, folder)
	c.wires = newWires(t)
	for _, name := range databases {
		c.db[name] = newPostgres(t, c.wires, name)
	}
	one, two := c.db["db1"], c.db["db2"]
	one.init()
	one.start("")
	if err := one.do(`CREATE DATABASE volenti`); err != nil {
		t.Fatal(err)
	}
	two.copy(one)
	two.start("")
	one.synchronous("db2")

	secret := c.secretOf()
	c.secret = filepath.Join(folder, "keys.secret")
	c.put(c.secret, secret)
	for _, name := range servers {
		h1, p1, _ := net.SplitHostPort(c.wires.reach(name, "db1"))
		h2, p2, _ := net.SplitHostPort(c.wires.reach(name, "db2"))
		c.put(c.dsnFile(name), fmt.Sprintf("host=%s,%s port=%s,%s user=volenti dbname=volenti sslmode=disable connect_timeout=2 target_session_attrs=read-write", h1, h2, p1, p2))
		c.nodes = append(c.nodes, &node{c: c, name: name, base: "http://" + c.wires.listen(name)})
	}
	for _, file := range []string{"privacy.md", "shop.toml"} {
		text, err := os.ReadFile(filepath.Join("..", "testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		c.put(filepath.Join(folder, file), string(text))
	}
	c.must("n1", "site", "add", "shop", "--name", "Shop")
	c.must("n1", "policy", "import", filepath.Join(folder, "privacy.md"), "--site", "shop", "--policy", "privacy", "--effective", "2026-01-01")
	c.must("n1", "notice", "publish", filepath.Join(folder, "shop.toml"))
	t.Cleanup(func() {
		for _, n := range c.nodes {
			n.kill(syscall.SIGKILL)
			if t.Failed() {
				b := n.log.Bytes()
				t.Logf("%s:\n%s", n.name, b[max(0, len(b)-3000):])
			}
		}
	})
	for _, n := range c.nodes {
		n.start()
	}
	for _, n := range c.nodes {
		until(t, n.name+" is ready", n.ready)
	}
	return c
}

func (c *cluster) secretOf() string {
	out, err := exec.Command(c.binary, "key", "secret").Output()
	if err != nil {
		c.t.Fatal(err)
	}
	return string(out)
}

func (c *cluster) ask(ctx context.Context, method, address string, body []byte) (int, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Origin", "https://shop.example")
	}
	resp, err := c.client.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	return resp.StatusCode, answer, err
}

// An answer is what a client was told of its decision.
type answer struct {
	decision, receipt string
	node              string
	asked, at         time.Time
}

// A crowd are the pages: each repeats its decision under the same id until it is
// acknowledged, at another node after each failure, and only then makes another one.
type crowd struct {
	c     *cluster
	token string
	stop  chan struct{}
	all   sync.WaitGroup

	mu      sync.Mutex
	answers []answer // guarded by mu
	refused atomic.Int64
}

var servedToken = regexp.MustCompile(`"t":"([^"]+)"`)

// patience is how long a page waits for an answer (banner/src/gate/send.ts waits longer).
const patience = 4 * time.Second

func (c *cluster) crowd(pages int) *crowd {
	c.t.Helper()
	_, script, err := c.ask(c.t.Context(), http.MethodGet, c.nodes[0].base+"/b/shop.js", nil)
	found := servedToken.FindSubmatch(script)
	if err != nil || found == nil {
		c.t.Fatalf("the script: %v\n%.300s", err, script)
	}
	w := &crowd{c: c, token: string(found[1]), stop: make(chan struct{})}
	for page := range pages {
		w.all.Go(func() { w.page(page) })
	}
	return w
}

func (w *crowd) page(page int) {
	at := page
	for n := 0; ; n++ {
		select {
		case <-w.stop:
			return
		default:
		}
		id := fmt.Sprintf("page-%d-%d", page, n)
		for {
			one, err := w.decide(w.c.nodes[at%len(w.c.nodes)], id)
			if err == nil {
				w.mu.Lock()
				w.answers = append(w.answers, one)
				w.mu.Unlock()
				break
			}
			w.refused.Add(1)
			at++
			time.Sleep(100 * time.Millisecond) // before a page asks again
		}
		time.Sleep(40 * time.Millisecond) // some hundred a second are enough
	}
}

var errNotNow = errors.New("not acknowledged")

func (w *crowd) decide(n *node, id string) (answer, error) {
	body, err := json.Marshal(consent.Decision{
		ID: id, Token: w.token, Action: consent.Save, Surface: consent.OnBanner, At: 1,
		Categories: map[string]bool{"preferences": true, "analytics": id[len(id)-1]%2 == 0, "marketing": false}, Vendors: map[string]bool{},
	})
	if err != nil {
		return answer{}, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	asked := time.Now()
	status, receipt, err := w.c.ask(ctx, http.MethodPost, n.base+"/v1/sites/shop/decisions", body)
	if err != nil {
		return answer{}, err
	}
	if status != http.StatusCreated && status != http.StatusOK {
		if status != http.StatusServiceUnavailable {
			w.c.t.Errorf("%s answers %d: %s", n.name, status, receipt)
		}
		return answer{}, errNotNow
	}
	var r struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(receipt, &r); err != nil || r.ID == "" {
		w.c.t.Errorf("%s: no receipt: %.200s", n.name, receipt)
	}
	return answer{decision: id, receipt: r.ID, node: n.name, asked: asked, at: time.Now()}, nil
}

func (w *crowd) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.answers)
}

// flows waits until so many more were acknowledged.
func (w *crowd) flows(more int) {
	w.c.t.Helper()
	before := w.count()
	until(w.c.t, fmt.Sprintf("%d more decisions are acknowledged", more), func() bool { return w.count() >= before+more })
}

// gap is the longest time without an acknowledgement to anybody, within a span.
func (w *crowd) gap(from, to time.Time) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	last, longest := from, time.Duration(0)
	for _, a := range w.answers { // in order
		if a.at.Before(from) || a.at.After(to) {
			continue
		}
		longest = max(longest, a.at.Sub(last))
		last = a.at
	}
	return max(longest, to.Sub(last))
}
