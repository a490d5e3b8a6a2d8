package operator

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// memory is a GuessStore that goes with the test.
type memory struct {
	rows   map[string]Guesses
	writes int
	err    error
}

func (m *memory) Guesses(_ context.Context, names []string) ([]Guesses, error) {
	all := make([]Guesses, len(names))
	for i, name := range names {
		all[i] = m.rows[name]
	}
	return all, m.err
}

func (m *memory) CountGuesses(ctx context.Context, names []string, gone time.Time, change func([]Guesses) bool) error {
	m.writes++
	for name, g := range m.rows {
		if g.Last.Before(gone) {
			delete(m.rows, name)
		}
	}
	all, err := m.Guesses(ctx, names)
	if err != nil || !change(all) {
		return err
	}
	for i, name := range names {
		if m.rows[name] = all[i]; all[i] == (Guesses{}) {
			delete(m.rows, name)
		}
	}
	return nil
}

// tried is a Throttle as the tests ask it.
type tried struct {
	*Throttle
	*memory
	t *testing.T
}

func (th tried) Try(account, address, known string) (time.Duration, bool) {
	th.t.Helper()
	wait, ok, err := th.Throttle.Try(th.t.Context(), account, address, known)
	if err != nil {
		th.t.Fatal(err)
	}
	return wait, ok
}

func (th tried) Succeed(account, address, known string) {
	th.t.Helper()
	if err := th.Throttle.Succeed(th.t.Context(), account, address, known); err != nil {
		th.t.Fatal(err)
	}
}

type handClock struct{ now time.Time }

func (c *handClock) time() time.Time { return c.now }

func newThrottle(t *testing.T) (tried, *handClock) {
	c := &handClock{time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)}
	m := &memory{rows: map[string]Guesses{}}
	return tried{NewThrottle(m, []byte("key"), c.time), m, t}, c
}

func TestWaitsGrowAndEnd(t *testing.T) {
	th, clock := newThrottle(t)
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
		clock.now = clock.now.Add(wait - time.Millisecond)
		if _, ok := th.Try("ada", "", ""); ok {
			t.Fatal("let in early")
		}
		clock.now = clock.now.Add(time.Millisecond)
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
	th, clock := newThrottle(t)
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
	th, clock := newThrottle(t)
	for i := range 10_000 {
		th.Try(fmt.Sprint("a", i), fmt.Sprint("203.0.113.", i), "")
	}
	if n := len(th.rows); n > 2*wholeBurst+1 {
		t.Errorf("%d rows", n)
	}
	if th.writes > wholeBurst {
		t.Errorf("%d writes: a refusal costs a write", th.writes)
	}
	before := map[string]bool{}
	for name := range th.rows {
		if before[name] = true; name != whole && (len(name) != 32 || strings.Trim(name, "0123456789abcdef") != "") {
			t.Errorf("kept by name: %q", name)
		}
	}
	other := tried{NewThrottle(th.memory, []byte("another key"), clock.time), th.memory, t}
	if other.masked("account", "a1", clock.now) == th.masked("account", "a1", clock.now) {
		t.Error("whoever has the rows knows the names")
	}
	clock.now = clock.now.Add(24 * time.Hour)
	th.Try("a1", "203.0.113.1", "")
	if len(th.rows) != 3 {
		t.Errorf("after a day: %d rows", len(th.rows))
	}
	for name := range th.rows {
		if name != whole && before[name] {
			t.Errorf("the same name on another day: %q", name)
		}
	}
}

// Several processes count together: what one let through, the others know.
func TestProcessesShareTheThrottle(t *testing.T) {
	one, clock := newThrottle(t)
	two := tried{NewThrottle(one.memory, []byte("key"), clock.time), one.memory, t}
	let := 0
	for i := range 1000 {
		th := one
		if i%2 == 1 {
			th = two
		}
		if _, ok := th.Try("ada", fmt.Sprint("203.0.113.", i), ""); ok {
			let++
		}
		clock.now = clock.now.Add(60 * time.Millisecond)
	}
	if let < freeAccount || let > 20 {
		t.Errorf("%d let through in a minute", let)
	}
}

// A race that another process wins is lost in the store, not after the hash.
func TestTheStoreHasTheLastWord(t *testing.T) {
	th, _ := newThrottle(t)
	slow := tried{NewThrottle(blind{th.memory}, []byte("key"), th.now), th.memory, t}
	let := 0
	for range 100 {
		if _, ok := slow.Try("ada", "", ""); ok {
			let++
		}
	}
	if let != freeAccount+1 {
		t.Errorf("%d let through by who reads late", let)
	}
	th.err = errors.New("no disk")
	if _, ok, err := th.Throttle.Try(t.Context(), "eve", "", ""); ok || err == nil {
		t.Error("let through without a store")
	}
}

// blind reads before anybody has written.
type blind struct{ *memory }

func (blind) Guesses(_ context.Context, names []string) ([]Guesses, error) {
	return make([]Guesses, len(names)), nil
}
