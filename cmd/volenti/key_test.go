package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/consent"
)

// receiptKey is the id of the key that signed a receipt.
func receiptKey(receipt []byte) string {
	var r struct {
		KeyID string `json:"key_id"`
	}
	_ = json.Unmarshal(receipt, &r)
	return r.KeyID
}

// Keys are rotated under a server that runs: it signs with the new one within seconds,
// every receipt verifies with the keys that were to be had before it was made, and what
// visitors were given before still counts.
func TestKeysAreRotatedWhileItRuns(t *testing.T) {
	data := publish(t)
	p := start(t, data, "--region-override")
	v := p.open(nil)
	status, first, err := v.decide("first-0")
	if err != nil || status != http.StatusCreated {
		t.Fatal(status, err)
	}
	stop, all := make(chan struct{}), sync.WaitGroup{}
	kids := map[string]int{}
	all.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			known := v.keys(t) // what anybody had before
			status, receipt, err := v.decide(fmt.Sprintf("while-%d", n))
			if err != nil || status != http.StatusCreated {
				t.Errorf("decision %d: %d, %v: %s", n, status, err, receipt)
				return
			}
			if _, err := consent.Verify(receipt, known); err != nil {
				t.Errorf("decision %d, signed with %s: %v", n, receiptKey(receipt), err)
			}
			kids[receiptKey(receipt)]++
		}
	})
	out, exit := volenti(t, "key", "rotate", "--data", data)
	if exit != 0 {
		t.Fatal(out)
	}
	kid := strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(out), "new key "), ": in use")
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		_, receipt, err := v.decide(fmt.Sprintf("after-%d", time.Now().UnixNano()))
		if err == nil && receiptKey(receipt) == kid {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("after a minute it signs with %s, not %s", receiptKey(receipt), kid)
		}
	}
	old := v.token
	if out, exit := volenti(t, "key", "rotate", "visitors", "--data", data); exit != 0 {
		t.Fatal(out)
	}
	// It mints under the new key before long, and what was served before still counts, with
	// the server that runs and with the next one.
	secrets, err := consent.OpenSecrets(consent.KeyFolder(keysFolder(data)), noRandom{})
	if err != nil {
		t.Fatal(err)
	}
	newest := consent.NewTokens(secrets.Token[0])
	for deadline, n := time.Now().Add(time.Minute), 0; ; n++ {
		_, script, err := v.get("/b/shop.js?region=US-" + []string{"CA", "CO", "CT", "UT", "VA", "TX", "OR", "MT", "NH", "NJ", "DE", "IA", "NE", "TN", "MN", "MD", "IN", "KY", "RI", "FL"}[n%20])
		if found := servedToken.FindSubmatch(script); err == nil && found != nil {
			if _, err := newest.Verify(string(found[1]), "shop", time.Now()); err == nil {
				break
			}
		}
		if time.Now().After(deadline) {
			t.Fatal("after a minute it mints under the old key")
		}
		time.Sleep(200 * time.Millisecond) // between two looks: each takes a region that was not asked for
	}
	if status, answer, err := v.decide("old-token-1"); err != nil || status != http.StatusCreated {
		t.Errorf("a token of before: %d %v %s", status, err, answer)
	}
	close(stop)
	all.Wait()
	if len(kids) != 2 || kids[kid] == 0 {
		t.Errorf("signed with %v", kids)
	}
	if _, err := consent.Verify(first, v.keys(t)); err != nil {
		t.Errorf("the first receipt: %v", err)
	}
	p.end()
	p = start(t, data)
	again := p.open(nil)
	again.token = old
	if status, answer, err := again.decide("old-token-2"); err != nil || status != http.StatusCreated {
		t.Errorf("a token of before, after a start: %d %v %s", status, err, answer)
	}
}
