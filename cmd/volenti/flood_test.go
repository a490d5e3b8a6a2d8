package main

import (
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// from makes the visit come from another address of this machine, which counts as
// another client where limits.by is address and limits.local is true.
func (v *visit) from(t testing.TB, address string) *visit {
	other := *v
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	other.client = &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext, MaxIdleConnsPerHost: 64}, Timeout: time.Minute}
	t.Cleanup(other.client.CloseIdleConnections)
	return &other
}

// A flood from one address is refused, costs the database no more than its
// allowance, and a visitor from another address does not notice it.
func TestFlood(t *testing.T) {
	const each, flooders, posts = 5, 8, 400
	p := start(t, publish(t), "--limits-local", "--limits-by", "address", "--limits-decisions", strconv.Itoa(each))
	begun := time.Now()
	v := p.open(nil)
	good, bad := v.from(t, "127.0.0.2"), v.from(t, "127.0.0.3")
	var kept, refused, other atomic.Int64
	var flood sync.WaitGroup
	for w := range flooders {
		flood.Go(func() {
			for i := range posts {
				status, body, err := bad.decide(fmt.Sprintf("flood-%d-%d", w, i))
				switch {
				case err == nil && status == http.StatusCreated:
					kept.Add(1)
				case err == nil && status == http.StatusTooManyRequests:
					refused.Add(1)
				default:
					other.Add(1)
					t.Errorf("a flooder is answered %d %v %s", status, err, body)
				}
			}
		})
	}
	for i := range 40 { // as many as were saved up, and a few in between
		if status, body, err := good.decide(fmt.Sprintf("good-%d", i)); status != http.StatusCreated {
			t.Errorf("decision %d of somebody else: %d %v %s", i, status, err, body)
		}
	}
	flood.Wait()
	allowed := int64(10*each) + int64(time.Since(begun).Seconds()*each) + 1
	if n := kept.Load(); n < 10*each || n > allowed {
		t.Errorf("%d of the flood are kept; %d are allowed", n, allowed)
	}
	if refused.Load() == 0 || refused.Load()+kept.Load() != flooders*posts {
		t.Errorf("%d are refused, %d kept, of %d", refused.Load(), kept.Load(), flooders*posts)
	}
	// Repeats of one decision are no way around it, and keep nothing new.
	status, first, _ := good.decide("good-39")
	for range 3 {
		again, receipt, err := good.decide("good-39")
		if again != status || string(receipt) != string(first) {
			t.Errorf("a repeat: %d %v", again, err)
		}
	}
}

// A site has an allowance, too, and what is no decision takes nothing from it.
func TestSiteAllowance(t *testing.T) {
	p := start(t, publish(t), "--limits-local", "--limits-site", "1")
	v := p.open(nil)
	for range 50 {
		if status, _, err := v.do(http.MethodPost, "/v1/sites/shop/decisions", []byte(`{"id":"no decision"}`)); status != http.StatusBadRequest {
			t.Fatalf("%d %v", status, err)
		}
	}
	kept, refused := 0, 0
	for i := range 100 {
		switch status, body, err := v.decide(fmt.Sprintf("one-%d", i)); status {
		case http.StatusCreated:
			kept++
		case http.StatusTooManyRequests:
			refused++
		default:
			t.Fatalf("%d %v %s", status, err, body)
		}
	}
	if kept < 10 || refused == 0 {
		t.Errorf("%d kept, %d refused", kept, refused)
	}
}
