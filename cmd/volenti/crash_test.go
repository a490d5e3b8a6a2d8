package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/consent"
)

const clients = 64

// A crowd is clients that decide, each as fast as it is answered, until the
// server is gone.
type crowd struct {
	answered atomic.Int64

	mu         sync.Mutex
	receipts   map[string][]byte // guarded by mu; answered 201, by decision id
	unanswered []string          // guarded by mu; decisions whose fate the client doesn't know
	refused    []string          // guarded by mu; answers that should not have come
}

// rush lets the crowd decide until enough receipts were answered since, then
// calls end, which makes the server go away. It returns when all clients have seen that.
func (c *crowd) rush(v *visit, round int, enough int64, end func()) {
	var all sync.WaitGroup
	var once sync.Once
	goal := c.answered.Load() + enough
	for client := range clients {
		all.Go(func() {
			for n := 0; ; n++ {
				id := fmt.Sprintf("r%d-c%d-n%d", round, client, n)
				status, receipt, err := v.decide(id)
				c.note(id, status, receipt, err)
				if err != nil {
					return
				}
				if c.answered.Load() >= goal {
					once.Do(func() { all.Go(end) })
				}
			}
		})
	}
	all.Wait()
}

func (c *crowd) note(id string, status int, receipt []byte, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err != nil:
		c.unanswered = append(c.unanswered, id)
	case status == http.StatusCreated:
		c.receipts[id] = receipt
		c.answered.Add(1)
	default:
		c.refused = append(c.refused, fmt.Sprintf("%s: %d %.200s", id, status, receipt))
	}
}

// audit asks for everything that was answered, by its id and by a repeat of the
// decision, settles what was not, and looks at the log for gaps and doubles.
func (c *crowd) audit(t *testing.T, v *visit) {
	t.Helper()
	for _, problem := range c.refused {
		t.Errorf("refused: %s", problem)
	}
	for _, id := range c.unanswered {
		status, receipt, err := v.decide(id)
		if err != nil || status != http.StatusCreated {
			t.Fatalf("%s sent again: %d %v %s", id, status, err, receipt)
		}
		c.receipts[id] = receipt
	}
	c.unanswered = nil
	keys := v.keys(t)
	leaves := map[int64]string{}
	ids := map[string]string{}
	for decision, receipt := range c.receipts {
		id, leaf, err := place(receipt)
		if err != nil {
			t.Fatal(err)
		}
		if other, taken := ids[id]; taken {
			t.Errorf("receipt %s is that of %s and of %s", id, decision, other)
		}
		if other, taken := leaves[leaf]; taken {
			t.Errorf("leaf %d is that of %s and of %s", leaf, decision, other)
		}
		ids[id], leaves[leaf] = decision, decision
	}
	work := make(chan string)
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			for decision := range work {
				c.find(t, v, keys, decision)
			}
		})
	}
	for decision := range c.receipts {
		work <- decision
	}
	close(work)
	all.Wait()
	// Every record is known by now, so the log holds these, the policy's one version,
	// the notice, what stood each day the test ran, and nothing else.
	most := int64(-1)
	for leaf := range leaves {
		most = max(most, leaf)
	}
	const others = 4
	if missing := most + 1 - int64(len(leaves)); missing < 2 || missing > others {
		t.Errorf("%d of %d leaves are no record's: a decision was recorded twice, or a record is lost", missing, most+1)
	}
}

// find asks for one receipt in both ways, and verifies it.
func (c *crowd) find(t *testing.T, v *visit, keys consent.PublicKeys, decision string) {
	receipt := c.receipts[decision]
	id, _, err := place(receipt)
	if err != nil {
		t.Error(err)
		return
	}
	if status, kept, err := v.get("/v1/sites/shop/receipts/" + id); err != nil || status != http.StatusOK || !bytes.Equal(kept, receipt) {
		t.Errorf("receipt %s: %d %v, kept\n%s\nanswered\n%s", id, status, err, kept, receipt)
	}
	if _, err := consent.Verify(receipt, keys); err != nil {
		t.Errorf("receipt %s: %v", id, err)
	}
	if status, again, err := v.decide(decision); err != nil || status != http.StatusCreated || !bytes.Equal(again, receipt) {
		t.Errorf("decision %s again: %d %v, other bytes than before", decision, status, err)
	}
}

// What was answered 201 is there after a kill, whole, once; what was not can be
// sent again.
func TestKillLosesNothingThatWasAnswered(t *testing.T) {
	data := publish(t)
	c := &crowd{receipts: map[string][]byte{}}
	p := start(t, data)
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 1))
	t.Logf("seed %d", seed)
	kills := times(6, "VOLENTI_TEST_KILLS")
	var back []time.Duration
	for round := range kills {
		c.rush(p.open(nil), round, 30+random.Int64N(300), func() { _ = p.stop(syscall.SIGKILL) })
		killed := time.Now()
		p = start(t, data)
		back = append(back, time.Since(killed))
		if round == kills-1 || random.IntN(2) == 0 {
			c.audit(t, p.open(nil))
		}
		if t.Failed() {
			return
		}
	}
	slices.Sort(back)
	t.Logf("%d receipts over %d kills; ready again after %v, at most %v", len(c.receipts), kills, back[len(back)/2].Round(time.Millisecond), back[len(back)-1].Round(time.Millisecond))
}

// times is how often something is done: a few times in CI, else as a variable says.
func times(few int, variable string) int {
	if n, err := strconv.Atoi(os.Getenv(variable)); err == nil {
		return n
	}
	return few
}

// A stop finishes what was accepted: as many receipts arrive as were made. And
// the log of all that says nothing about anybody.
func TestStopUnderLoadAnswersAndLogsNothingPersonal(t *testing.T) {
	const agent, address, cookie = "Canary-Browser/7.3", "203.0.113.77", "canary0cookie"
	p := start(t, publish(t), "--geo-trusted-proxies", "127.0.0.1/32", "--geo-address-header", "x-forwarded-for", "--limits-decisions", "0", "--limits-site", "0")
	v := p.open(http.Header{"User-Agent": {agent}, "X-Forwarded-For": {address}, "Cookie": {"volenti=" + cookie}})
	c := &crowd{receipts: map[string][]byte{}}
	c.rush(v, 0, 500, func() {
		if err := p.stop(syscall.SIGTERM); err != nil {
			t.Errorf("a stop by SIGTERM ends with %v", err)
		}
	})
	log := p.log.String()
	for _, problem := range c.refused {
		t.Errorf("refused: %s", problem)
	}
	made := len(regexp.MustCompile(`(?m)^.*msg=answered method=POST route=/v1/sites/:site/decisions status=201 .*$`).FindAllString(log, -1))
	if arrived := len(c.receipts); made != arrived || arrived < 500 {
		t.Errorf("%d receipts were made, %d arrived", made, arrived)
	}
	never := []string{agent, address, cookie, v.token, "volenti=", "preferences", "analytics", "marketing", string(consent.Save), "granted", "refused", "r0-c"}
	for _, receipt := range c.receipts {
		id, _, err := place(receipt)
		if err != nil {
			t.Fatal(err)
		}
		never = append(never, id)
	}
	log = strings.ReplaceAll(log, "listen="+strings.TrimPrefix(p.base, "http://"), "")
	for _, word := range append(slices.Clip(never), "127.0.0.1") {
		if at := strings.Index(log, word); at >= 0 {
			t.Errorf("the log holds %q: %s", word, log[max(0, at-200):min(len(log), at+200)])
		}
	}
}
