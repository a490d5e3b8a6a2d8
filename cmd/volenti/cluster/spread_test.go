package cluster

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What is done through one node, or by a command, counts on every node before long: a
// policy version, a publication, a new key, and what a site keeps how long.
func TestEveryNodeFollows(t *testing.T) {
	c := newCluster(t)
	reachable := time.Time{} // when it could have reached all, where that was later than it was done
	everywhere := func(what, path, want string) {
		t.Helper()
		began := time.Now()
		if !reachable.IsZero() {
			began, reachable = reachable, time.Time{}
		}
		for _, n := range c.nodes {
			until(t, n.name+": "+what, func() bool {
				status, body, err := c.ask(t.Context(), http.MethodGet, n.base+path, nil)
				return err == nil && status == http.StatusOK && bytes.Contains(body, []byte(want))
			})
		}
		c.note("%s: on every node %s after it was done", what, since(time.Since(began)))
	}
	text := filepath.Join(c.folder, "next.md")
	c.put(text, "# Privacy policy\n\nWe keep what you chose, and nothing else, for a year.\n")
	c.must("n1", "policy", "import", text, "--site", "shop", "--policy", "privacy", "--effective", "2026-02-01")
	everywhere("a policy version", "/policies/shop/privacy", "for a year")
	c.must("n2", "site", "add", "blog", "--name", "Blog")
	file := filepath.Join(c.folder, "blog.toml")
	c.put(file, strings.ReplaceAll(read(t, filepath.Join("..", "testdata", "shop.toml")), `"shop"`, `"blog"`))
	c.must("n2", "policy", "import", text, "--site", "blog", "--policy", "privacy", "--effective", "2026-02-01")
	c.must("n2", "notice", "publish", file)
	everywhere("a publication", "/b/blog.js", `"t":"`)
	kid := strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(c.must("n3", "key", "rotate")), "new key "), ": in use")
	everywhere("a key of receipts", "/.well-known/jwks.json", kid)
	c.must("n1", "retention", "set", "shop", "--records", "24")
	for _, n := range c.nodes {
		if out := c.must(n.name, "retention", "show", "shop"); !strings.Contains(out, "24 months") {
			t.Errorf("%s: %s", n.name, out)
		}
	}

	publish := func(by, contact string) {
		t.Helper()
		c.put(file, strings.NewReplacer(`"shop"`, `"blog"`, "privacy@example.com", contact).Replace(read(t, filepath.Join("..", "testdata", "shop.toml"))))
		c.must(by, "notice", "publish", file)
	}
	// One that was cut off when it was done serves the old one meanwhile, and then the new one.
	c.wires.split([]string{"n3"})
	publish("n1", "second@example.com")
	if _, body, err := c.ask(t.Context(), http.MethodGet, c.nodes[2].base+"/privacy/blog", nil); err == nil && bytes.Contains(body, []byte("second@")) {
		t.Error("n3 knows what it can't know")
	}
	c.wires.split()
	reachable = time.Now()
	everywhere("a publication while n3 was cut off", "/privacy/blog", "second@example.com")
	// The database that takes over has it, and what is published there reaches all.
	c.db["db1"].kill()
	c.db["db2"].promote()
	reachable = time.Now()
	everywhere("the same after the database failed over", "/privacy/blog", "second@example.com")
	publish("n2", "third@example.com")
	everywhere("a publication after the database failed over", "/privacy/blog", "third@example.com")
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
