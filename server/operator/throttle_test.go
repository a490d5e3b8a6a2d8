package operator

import (
	"fmt"
	"testing"
	"time"
)

type handClock struct{ now time.Time }

func (c *handClock) time() time.Time { return c.now }

func newThrottle() (*Throttle, *handClock) {
	c := &handClock{time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)}
	return NewThrottle(c.time), c
}

func TestWaitsGrowAndEnd(t *testing.T) {
	th, clock := newThrottle()
	for i := range freeAccount + 1 {
		if _, ok := th.Try("ada", "", ""); !ok {
			t.Fatalf("attempt %d is refused", i)
		}
	}
	for _, want := range []time.Duration{1, 2, 4, 8, 16, 30, 30} {
		wait, ok := th.Try("ada", "", "")
		if ok || wait != want*time.Second {
			t.Fatalf("wait %s, want %ds", wait, want)
		}
		clock.now = clock.now.Add(wait - 1)
		if _, ok := th.Try("ada", "", ""); ok {
			t.Fatal("let in early")
		}
		clock.now = clock.now.Add(1)
		if _, ok := th.Try("ada", "", ""); !ok {
			t.Fatalf("refused after the wait of %s", wait)
		}
	}
	th.Succeed("ada", "", "")
	if _, ok := th.Try("ada", "", ""); !ok {
		t.Error("refused after it worked")
	}
	if _, ok := th.Try("eve", "", ""); !ok {
		t.Error("another account pays")
	}
}

// An office behind one address signs in as it comes; one good account there pays
// for no guesses.
func TestAddresses(t *testing.T) {
	th, clock := newThrottle()
	for i := range 100 {
		account := fmt.Sprint("colleague ", i)
		if wait, ok := th.Try(account, "203.0.113.9", ""); !ok {
			t.Fatalf("colleague %d waits %s", i, wait)
		}
		th.Succeed(account, "203.0.113.9", "")
		clock.now = clock.now.Add(wholeEvery)
	}
	let := 0
	for i := range 100 {
		if _, ok := th.Try(fmt.Sprint("victim ", i), "203.0.113.9", ""); ok {
			let++
		}
		if _, ok := th.Try("mine", "203.0.113.9", ""); ok {
			th.Succeed("mine", "203.0.113.9", "")
		}
	}
	if let > freeAddress+1 {
		t.Errorf("%d guesses from one address at once", let)
	}
}

// What is kept is small, names nobody, and is forgotten.
func TestWhatAThrottleKeeps(t *testing.T) {
	th, clock := newThrottle()
	for i := range 10_000 {
		th.Try(fmt.Sprint("a", i), fmt.Sprint("203.0.113.", i), "")
	}
	if n := len(th.rows); n > 2*wholeBurst {
		t.Errorf("%d rows", n)
	}
	for name := range th.rows {
		if len(name) > 8 && name[:8] == "address " && len(name) != 8+16 {
			t.Errorf("an address is kept: %q", name)
		}
	}
	key := th.key
	clock.now = clock.now.Add(keyLasts)
	th.Try("x", "", "")
	if th.key == key || len(th.rows) != 1 {
		t.Errorf("after a day: %d rows, the same key: %v", len(th.rows), th.key == key)
	}
}
