package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// checkpoints are all that any node has shown.
type checkpoints struct {
	mu   sync.Mutex
	seen map[string]bool // guarded by mu; by text
}

func (p *checkpoints) watch(ctx context.Context, c *cluster) {
	var all sync.WaitGroup
	for _, n := range c.nodes {
		all.Go(func() {
			for ctx.Err() == nil {
				once, cancel := context.WithTimeout(ctx, 2*time.Second)
				status, text, err := c.ask(once, http.MethodGet, n.base+"/log/checkpoint", nil)
				cancel()
				if err == nil && status == http.StatusOK {
					p.mu.Lock()
					p.seen[string(text)] = true
					p.mu.Unlock()
				}
				time.Sleep(50 * time.Millisecond) // as a monitor looks, now and then
			}
		})
	}
	all.Wait()
}

// Three nodes on one PostgreSQL with a synchronous replica. Whatever is killed or cut off:
// what was acknowledged stays, and is there once; the log does not fork; and who is left
// goes on by itself.
//
// VOLENTI_CLUSTER is how often the two databases change places; once without it.
func TestNothingIsLostInACluster(t *testing.T) {
	rounds := 1
	if n, err := strconv.Atoi(os.Getenv("VOLENTI_CLUSTER")); err == nil {
		rounds = n
	}
	c := newCluster(t)
	c.note("three nodes, a PostgreSQL and its synchronous replica, over %s", c.wires.kind())
	watching, enough := context.WithCancel(t.Context())
	shown := &checkpoints{seen: map[string]bool{}}
	var watchers sync.WaitGroup
	watchers.Go(func() { shown.watch(watching, c) })
	w := c.crowd(12)
	w.flows(100)

	first, second := c.db["db1"], c.db["db2"]
	for round := range rounds {
		began := time.Now()
		w.flows(200)
		c.note("round %d: nothing is wrong: longest wait of all %s", round+1, since(w.gap(began, time.Now())))
		c.killANode(w, c.nodes[round%3])
		c.cutANode(w, c.nodes[(round+1)%3])
		c.splitBrain(w, first, second, c.nodes[2])
		first, second = second, first
		c.killTheFirst(w, first, second)
		first, second = second, first
	}

	close(w.stop)
	w.all.Wait()
	for _, n := range c.nodes {
		until(t, n.name+" is ready again", n.ready)
	}
	enough()
	watchers.Wait()
	c.coverAll(w, shown)
	c.prove(w, shown, rounds)
}

var proofIndex = regexp.MustCompile(`(?m)^index (\d+)$`)

// coverAll waits until each node shows a checkpoint that covers what was acknowledged last.
func (c *cluster) coverAll(w *crowd, shown *checkpoints) {
	c.t.Helper()
	last := slices.MaxFunc(w.answers, func(a, b answer) int { return a.at.Compare(b.at) })
	for _, n := range c.nodes {
		until(c.t, n.name+" shows a checkpoint of all", func() bool {
			status, proof, err := c.ask(c.t.Context(), http.MethodGet, n.base+"/v1/sites/shop/receipts/"+last.receipt+"/proof", nil)
			index := proofIndex.FindSubmatch(proof)
			if err != nil || status != http.StatusOK || index == nil {
				return false
			}
			status, text, err := c.ask(c.t.Context(), http.MethodGet, n.base+"/log/checkpoint", nil)
			lines := strings.Split(string(text), "\n")
			if err != nil || status != http.StatusOK || len(lines) < 3 {
				return false
			}
			shown.seen[string(text)] = true
			size, err := strconv.ParseInt(lines[1], 10, 64)
			at, wrong := strconv.ParseInt(string(index[1]), 10, 64)
			return err == nil && wrong == nil && size > at
		})
	}
}

func since(d time.Duration) string { return d.Round(10 * time.Millisecond).String() }

// killANode: those who are left serve on; the killed one comes back.
func (c *cluster) killANode(w *crowd, n *node) {
	c.t.Helper()
	at := time.Now()
	n.kill(syscall.SIGKILL)
	w.flows(100)
	n.start()
	until(c.t, n.name+" is ready again", n.ready)
	w.flows(100)
	c.note("%s killed and started: nobody was acknowledged for %s at most", n.name, since(w.gap(at, time.Now())))
}

// cutANode: a node that does not reach the database refuses, says so, serves what its
// visitors have asked for, and comes back by itself.
func (c *cluster) cutANode(w *crowd, n *node) {
	c.t.Helper()
	script := func() {
		c.t.Helper()
		if status, script, err := c.ask(c.t.Context(), http.MethodGet, n.base+"/b/shop.js", nil); err != nil || status != http.StatusOK || len(script) == 0 {
			c.t.Errorf("%s serves no banner: %d %v", n.name, status, err)
		}
	}
	script()
	at := time.Now()
	c.wires.split([]string{n.name})
	until(c.t, n.name+" says that it is not ready", func() bool { return !n.ready() })
	w.flows(200)
	cut := time.Now()
	script() // while it is cut off
	c.wires.split()
	healed := time.Now()
	until(c.t, n.name+" is ready again", n.ready)
	back := time.Since(healed)
	w.flows(200)
	c.note("%s cut off from the database for %s: nobody was acknowledged for %s at most; it was ready %s after the wires were", n.name, since(cut.Sub(at)), since(w.gap(at, time.Now())), since(back))
}

// splitBrain: the first database and one node are cut off together from all others, who
// make the replica the first. Whoever asks that node is told nothing, since the old first
// one waits for its replica; then it is gone, and the node follows.
func (c *cluster) splitBrain(w *crowd, first, second *postgres, n *node) {
	c.t.Helper()
	at := time.Now()
	c.wires.split([]string{first.name, n.name})
	apart := time.Now()
	until(c.t, n.name+" says that it is not ready", func() bool { return !n.ready() })
	second.promote()
	promoted := time.Now()
	w.flows(300)
	flowing := time.Since(promoted)
	// Both say now that they are the first.
	for _, p := range []*postgres{first, second} {
		if is, err := p.ask(`SELECT NOT pg_is_in_recovery()`); err != nil || is != "t" {
			c.t.Errorf("%s is the first: %s, %v", p.name, is, err)
		}
	}
	// An old first one that starts again promises nothing either: it has no replica.
	first.kill()
	first.start(second.name)
	_, err := w.decide(n, "split-"+strconv.Itoa(w.count()))
	if err == nil {
		c.t.Errorf("%s acknowledged what only the old first database has", n.name)
	}
	for _, a := range w.between(n.name, apart, time.Now()) {
		c.t.Errorf("%s acknowledged %s, which it was asked %s after it was cut off", n.name, a.decision, a.asked.Sub(apart))
	}
	first.kill()
	c.wires.split()
	healed := time.Now()
	until(c.t, n.name+" is ready again", n.ready)
	w.flows(200)
	c.note("%s and %s cut off together, %s promoted: nobody was acknowledged for %s at most (of which %s until it was promoted; %d more came within %s of that); %s followed %s after the wires were healed",
		first.name, n.name, second.name, since(w.gap(at, time.Now())), since(promoted.Sub(at)), 300, since(flowing), n.name, since(time.Since(healed)))
	c.replace(first, second)
}

// replace makes what was the first database the replica of the one that is.
func (c *cluster) replace(gone, first *postgres) {
	c.t.Helper()
	gone.copy(first)
	gone.start("")
	first.synchronous(gone.name)
}

// killTheFirst: the first database dies, its replica takes over.
func (c *cluster) killTheFirst(w *crowd, first, second *postgres) {
	c.t.Helper()
	w.flows(100)
	at := time.Now()
	first.kill()
	second.promote()
	promoted := time.Now()
	w.flows(200)
	c.note("%s killed, %s promoted %s later: nobody was acknowledged for %s at most", first.name, second.name, since(promoted.Sub(at)), since(w.gap(at, time.Now())))
	c.replace(first, second)
}

// between are what a node acknowledged of what it was asked in a span.
func (w *crowd) between(node string, from, to time.Time) (some []answer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range w.answers {
		if a.node == node && a.asked.After(from) && a.asked.Before(to) {
			some = append(some, a)
		}
	}
	return some
}

// prove looks for every decision that was acknowledged, counts them, and holds the log
// against every checkpoint that any node has shown.
func (c *cluster) prove(w *crowd, shown *checkpoints, rounds int) {
	t := c.t
	t.Helper()
	receipts := map[string]string{}
	byReceipt := map[string]string{}
	for _, a := range w.answers {
		if was := byReceipt[a.receipt]; was != "" && was != a.decision {
			t.Errorf("receipt %s is of %s and of %s", a.receipt, was, a.decision)
		}
		receipts[a.decision], byReceipt[a.receipt] = a.receipt, a.decision
	}
	var wrong sync.Map
	var all sync.WaitGroup
	ids := make(chan string)
	for i := range 24 {
		all.Go(func() {
			for id := range ids {
				again, err := w.decide(c.nodes[i%3], id)
				if err != nil || again.receipt != receipts[id] {
					wrong.Store(id, fmt.Sprintf("%s acknowledged with receipt %s, and now with %q: %v", id, receipts[id], again.receipt, err))
				}
			}
		})
	}
	// As many as that are asked for again; that none of the others is missing or there twice
	// is what the audit counts below.
	const again = 600
	asked := 0
	for id := range receipts { // in any order
		if asked++; asked > again {
			break
		}
		ids <- id
	}
	close(ids)
	all.Wait()
	wrong.Range(func(_, text any) bool { t.Error(text); return true })

	args := []string{"log", "audit", "--json"}
	n := 0
	for text := range shown.seen {
		file := filepath.Join(c.folder, fmt.Sprintf("checkpoint-%d", n))
		c.put(file, text)
		args = append(args, "--checkpoint", file)
		n++
	}
	out, err := c.volenti("n1", args...)
	var audit struct {
		OK      bool  `json:"ok"`
		Records int64 `json:"records"`
	}
	if begin := slices.Index([]byte(out), '{'); begin < 0 || json.Unmarshal([]byte(out)[begin:], &audit) != nil || err != nil || !audit.OK {
		t.Fatalf("the audit: %v\n%.3000s", err, out)
	}
	// In each round one decision was given up by its page.
	if more := audit.Records - int64(len(receipts)); more < 0 || more > int64(rounds) {
		t.Errorf("%d records of %d decisions", audit.Records, len(receipts))
	}
	c.note("%d decisions acknowledged and all there, each once; %d times a page had to ask again; the log continues all %d checkpoints that the nodes have shown", len(receipts), w.refused.Load(), n)
}
