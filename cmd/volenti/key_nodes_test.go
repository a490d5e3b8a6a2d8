package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/operator"
	"github.com/volenti-consent/volenti/server/store/storetest"
)

// inUse is how soon every node uses new keys after they were rotated, on a machine that is
// five times slower than the slowest one; it looks for them every second.
const inUse = 20 * time.Second

// A roamer is a visitor whose requests a balancer gives to another node each time.
type roamer struct {
	nodes []*visit
	n     int
}

// one is what one visitor was given on the way.
type one struct {
	token, kid string
	receipt    []byte
	known      consent.PublicKeys // of another node, from before the receipt was made
}

var (
	atRegions = []string{"US-CA", "US-CO", "US-CT", "US-UT", "US-VA", "US-TX", "US-OR", "US-MT", "US-NH", "US-NJ", "US-DE", "US-IA", "US-NE", "US-TN", "US-MN", "US-MD", "US-IN", "US-KY", "US-RI", "US-FL"}
	refusedX  = regexp.MustCompile(`"x":\d`)
	keptA     = regexp.MustCompile(`"a":\d`)
)

func (r *roamer) at() *visit { r.n++; return r.nodes[r.n%len(r.nodes)] }

// visit is served a script by one node, decides at the next, and comes back to the third.
func (r *roamer) visit(t *testing.T, id string) (o one, err error) {
	o.known = r.nodes[(r.n+1)%len(r.nodes)].keys(t)
	region := "?region=" + atRegions[r.n/3%len(atRegions)]
	status, script, err := r.at().get("/b/shop.js" + region)
	found := servedToken.FindSubmatch(script)
	if err != nil || status != http.StatusOK || found == nil {
		return o, errors.Join(err, fmt.Errorf("the script: %d", status))
	}
	o.token = string(found[1])
	second := r.at()
	body, err := json.Marshal(consent.Decision{ID: id, Token: o.token, Action: consent.Save, Surface: consent.OnBanner, At: 1,
		Categories: map[string]bool{"preferences": true, "analytics": true, "marketing": false}, Vendors: map[string]bool{}})
	if err != nil {
		return o, err
	}
	req, err := http.NewRequest(http.MethodPost, second.base+"/v1/sites/shop/decisions", bytes.NewReader(body))
	if err != nil {
		return o, err
	}
	req.Header = http.Header{"Content-Type": {"application/json"}, "Origin": {shopOrigin}}
	resp, err := second.client.Do(req)
	if err != nil {
		return o, err
	}
	var answer bytes.Buffer
	_, err = answer.ReadFrom(resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil || resp.StatusCode != http.StatusCreated || len(resp.Cookies()) != 1 {
		return o, errors.Join(err, fmt.Errorf("the decision: %d: %s", resp.StatusCode, &answer))
	}
	o.receipt, o.kid = answer.Bytes(), receiptKey(answer.Bytes())
	if _, err := consent.Verify(o.receipt, o.known); err != nil {
		return o, fmt.Errorf("a receipt under keys that another node showed before: %w", err)
	}
	cookie := resp.Cookies()[0].Name + "=" + resp.Cookies()[0].Value
	return o, r.comesBack(cookie)
}

// comesBack to the next node: it knows the cookie.
func (r *roamer) comesBack(cookie string) error {
	next := r.at()
	v := *next
	v.header = http.Header{"Cookie": {cookie}}
	status, script, err := v.get("/b/shop.js")
	if err != nil || status != http.StatusOK || refusedX.Match(script) || !keptA.Match(script) {
		return errors.Join(err, fmt.Errorf("the cookie of another node: %d: %.300s", status, script[max(0, len(script)-300):]))
	}
	return nil
}

// Three nodes on one database, behind a balancer that gives each request of a visitor to
// another one. All keys are rotated under load: no token, cookie, receipt or session that
// one of them gave is refused by another, and soon all of them use the new ones.
func TestKeysAreRotatedOnAllNodes(t *testing.T) {
	dsn := storetest.Postgres(t, nil)
	flags := sharedFlags(t, dsn)
	publishAt(t, flags...)
	var nodes []*visit
	for i := range 3 {
		p := start(t, filepath.Join(filepath.Dir(flags[3]), fmt.Sprint("n", i)), append([]string{"--limits-site", "0", "--limits-local", "--limits-decisions", "0", "--region-override"}, flags[2:]...)...)
		nodes = append(nodes, p.open(nil))
	}
	in, err := open(t.Context(), home{data: filepath.Join(t.TempDir(), "looks"), dsnFile: flags[3], secret: flags[5]})
	if err != nil {
		t.Fatal(err)
	}
	defer in.close()
	now := time.Now().UTC().Truncate(time.Millisecond)
	secret := operator.NewSecret()
	if err := in.db.AddOperator(t.Context(), operator.Operator{ID: "ada", Name: "Ada", Email: "ada@shop.example", Role: operator.Owner, AllSites: true, CreatedAt: now}); err != nil {
		t.Fatal(err)
	}
	if err := in.db.AddSession(t.Context(), operator.Session{Digest: operator.Digest(secret), Operator: "ada", CreatedAt: now, SeenAt: now, ProvenAt: now, Token: operator.NewSecret(), By: operator.ByPasskey}); err != nil {
		t.Fatal(err)
	}
	session := func() string {
		t.Helper()
		console, err := consent.OpenConsoleSecrets(in.keys, noRandom{})
		if err != nil {
			t.Fatal(err)
		}
		cookies, err := operator.NewSealer(console.Session...)
		if err != nil {
			t.Fatal(err)
		}
		sealed, err := cookies.Encode("volenti-console", secret)
		if err != nil {
			t.Fatal(err)
		}
		return "volenti-console=" + sealed
	}
	signedIn := func(cookie, when string) {
		t.Helper()
		for i, n := range nodes {
			v := *n
			v.header = http.Header{"Cookie": {cookie}}
			if status, page, err := v.get("/admin/sites/shop"); err != nil || bytes.Contains(page, []byte("admin/sign-in")) {
				t.Errorf("%s: node %d knows nobody: %d, %v", when, i, status, err)
			}
		}
	}

	var (
		stop    = make(chan struct{})
		loads   sync.WaitGroup
		mu      sync.Mutex
		all     []one // guarded by mu
		visited atomic.Int64
	)
	for load := range 3 {
		loads.Go(func() {
			r := &roamer{nodes: nodes, n: load}
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				o, err := r.visit(t, fmt.Sprintf("load-%d-%d", load, i))
				if err != nil {
					t.Errorf("visitor %d-%d: %v", load, i, err)
					return
				}
				mu.Lock()
				all = append(all, o)
				mu.Unlock()
				visited.Add(1)
			}
		})
	}
	ended := sync.OnceFunc(func() { close(stop); loads.Wait() })
	defer ended()
	// everywhere asks each node until it uses what is new.
	everywhere := func(what string, since time.Time, uses func(v *visit, id string, try int) bool) {
		t.Helper()
		for i, n := range nodes {
			for try := 0; !uses(n, fmt.Sprintf("node-%d-%d", i, try), try); try++ {
				if time.Since(since) > time.Minute {
					t.Fatalf("%s: node %d does not use it", what, i)
				}
				time.Sleep(20 * time.Millisecond) // between two looks
			}
		}
		if took := time.Since(since); took > inUse {
			t.Errorf("%s: in use by all after %v", what, took)
		} else {
			t.Logf("%s: in use by all after %v", what, took)
		}
	}
	was := session()
	signedIn(was, "before")
	before := visited.Load()
	var rotations sync.WaitGroup
	kid := ""
	for _, kind := range keyKinds {
		rotations.Go(func() {
			out, exit := volenti(t, append([]string{"key", "rotate", kind}, flags...)...)
			if exit != 0 {
				t.Errorf("rotate %s: %d %s", kind, exit, out)
			}
			if kind == "receipts" {
				kid = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(out), "new key "), ": in use")
			}
		})
	}
	rotations.Wait()
	at := time.Now()
	if visited.Load() == before {
		t.Error("nobody came while keys were rotated")
	}
	signedIn(was, "sealed with the keys of before")
	if is := session(); is == was {
		t.Error("the console has the keys it had")
	} else {
		signedIn(is, "sealed with the new keys, by another node")
	}
	everywhere("a key of receipts", at, func(v *visit, id string, _ int) bool {
		_, receipt, err := v.decide(id)
		return err == nil && receiptKey(receipt) == kid
	})
	secrets, err := consent.OpenSecrets(in.keys, noRandom{})
	if err != nil {
		t.Fatal(err)
	}
	newest := consent.NewTokens(secrets.Token[0])
	everywhere("keys of visitors", at, func(v *visit, _ string, try int) bool {
		_, script, err := v.get("/b/shop.js?region=" + atRegions[try%len(atRegions)])
		if found := servedToken.FindSubmatch(script); err == nil && found != nil {
			_, err = newest.Verify(string(found[1]), "shop", time.Now())
			return err == nil
		}
		return false
	})
	ended()

	kids := map[string]int{}
	for i, n := range nodes {
		keys := n.keys(t)
		for _, o := range all {
			kids[o.kid]++
			if _, err := consent.Verify(o.receipt, keys); err != nil {
				t.Errorf("a receipt at the end, by the keys of node %d: %v", i, err)
			}
		}
	}
	if len(kids) != 2 || kids[kid] == 0 {
		t.Errorf("signed with %v", kids)
	}
	t.Logf("%d visits", len(all))
}
