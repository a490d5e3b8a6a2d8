package limit

import (
	"errors"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"
)

// A clock stands still until it is moved.
type clock struct{ now time.Time }

func newClock() *clock { return &clock{time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time        { return c.now }
func (c *clock) move(by time.Duration) { c.now = c.now.Add(by) }
func addr(text string) netip.Addr      { return netip.MustParseAddr(text) }
func nth(n int) netip.Addr             { return netip.AddrFrom4([4]byte{byte(n >> 16), byte(n >> 8), byte(n), 7}) }
func passed(l *Limiter, n int, r Rate, a netip.Addr) (ok int) {
	for range n {
		if l.Client(1, r, a) == nil {
			ok++
		}
	}
	return ok
}

func TestAllowance(t *testing.T) {
	c := newClock()
	l := New(Options{Now: c.Now})
	rate := Rate{PerSecond: 10, Burst: 50}
	a := addr("203.0.113.77")
	if ok := passed(l, 200, rate, a); ok != 50 {
		t.Fatalf("%d pass at once, want the 50 that were saved up", ok)
	}
	err := l.Client(1, rate, a)
	refused, is := errors.AsType[*Refused](err)
	if !is || !errors.Is(err, ErrTooMany) || refused.After != 100*time.Millisecond {
		t.Fatalf("refused with %v, want to wait 100ms", err)
	}
	if strings.Contains(err.Error(), "203") {
		t.Errorf("the error says who asked: %v", err)
	}
	c.move(refused.After)
	if ok := passed(l, 200, rate, a); ok != 1 {
		t.Fatalf("after the wait %d pass, want 1", ok)
	}
	for range 20 { // whoever is refused does not pay for it
		c.move(50 * time.Millisecond)
		passed(l, 3, rate, a)
	}
	c.move(time.Second)
	if ok := passed(l, 200, rate, a); ok != 10 {
		t.Fatalf("in a second %d pass, want 10", ok)
	}
	c.move(time.Minute)
	if ok := passed(l, 200, rate, a); ok != 50 {
		t.Fatalf("after a minute %d pass, want no more than 50", ok)
	}
}

func TestWhoSharesAnAllowance(t *testing.T) {
	for _, tt := range []struct {
		by       By
		one, two string
		shared   bool
	}{
		{Network, "203.0.113.1", "203.0.113.254", true},
		{Network, "203.0.113.1", "203.0.114.1", false},
		{Network, "203.0.113.1", "::ffff:203.0.113.9", true},
		{Network, "2001:db8:1:2::1", "2001:db8:1:ffff::1", true},
		{Network, "2001:db8:1::1", "2001:db8:2::1", false},
		{Network, "0.0.0.1", "::1", false},
		{Address, "203.0.113.1", "203.0.113.2", false},
		{Address, "203.0.113.1", "::ffff:203.0.113.1", true},
		{Address, "2001:db8:1:2::1", "2001:db8:1:2::2", true},
		{Address, "2001:db8:1:2::1", "2001:db8:1:3::1", false},
		{Nobody, "203.0.113.1", "203.0.113.1", false},
		{"", "203.0.113.1", "203.0.113.254", true}, // networks, where nothing is said
	} {
		l := New(Options{By: tt.by, Now: newClock().Now})
		rate := Rate{PerSecond: 1, Burst: 5}
		passed(l, 5, rate, addr(tt.one))
		if shared := l.Client(1, rate, addr(tt.two)) != nil; shared != tt.shared {
			t.Errorf("%s: %s and %s share: %v", tt.by, tt.one, tt.two, shared)
		}
		if l.Client(2, rate, addr(tt.one)) != nil {
			t.Errorf("%s: another class is refused too", tt.by)
		}
	}
	if By("country").Check() == nil || Network.Check() != nil {
		t.Error("what an allowance may be given to")
	}
}

func TestSites(t *testing.T) {
	l := New(Options{Now: newClock().Now})
	rate := Rate{PerSecond: 1, Burst: 2}
	for i, want := range []bool{true, true, false} {
		if got := l.Site(1, rate, "shop") == nil; got != want {
			t.Errorf("request %d of the shop passes: %v", i, got)
		}
	}
	if l.Site(1, rate, "bakery") != nil || l.Site(2, rate, "shop") != nil {
		t.Error("another site, or class, is refused")
	}
	if l.Site(1, Rate{}, "shop") != nil || l.Site(1, rate, "") != nil || l.Site(1, rate, strings.Repeat("x", 1<<16)) != nil {
		t.Error("what is not limited is refused")
	}
	var none *Limiter
	if none.Site(1, rate, "shop") != nil || none.Client(1, rate, addr("203.0.113.1")) != nil || none.Known() != 0 {
		t.Error("no limiter refuses")
	}
	if l.Client(1, rate, netip.Addr{}) != nil {
		t.Error("no address is refused")
	}
}

// What is remembered of a client or a site is nothing that another server would remember.
func TestKeysAreSecret(t *testing.T) {
	keys := func() (all [2]uint64) {
		l := New(Options{Now: newClock().Now})
		for i, err := range []error{l.Client(1, Rate{1, 1}, addr("203.0.113.1")), l.Site(1, Rate{1, 1}, "shop")} {
			if err != nil {
				t.Fatal(i, err)
			}
		}
		n := 0
		for i := range l.current.Load().table.shards {
			for _, at := range l.current.Load().table.shards[i].slots {
				if at.key != 0 {
					all[n%2] = at.key
					n++
				}
			}
		}
		if n != 2 {
			t.Fatalf("%d keys", n)
		}
		return all
	}
	one, two := keys(), keys()
	for _, a := range one {
		for _, b := range two {
			if a == b {
				t.Errorf("key %x in both", a)
			}
		}
	}
}

// A secret is used for an hour: then nothing ties what is counted to what was.
func TestRotation(t *testing.T) {
	c := newClock()
	l := New(Options{Now: c.Now, Rotate: time.Hour})
	rate := Rate{PerSecond: 1, Burst: 7200}
	a := addr("203.0.113.77")
	before := l.current.Load()
	if ok := passed(l, 7200, rate, a); ok != 7200 || l.Known() != 1 {
		t.Fatalf("%d pass, %d known", ok, l.Known())
	}
	c.move(time.Hour - 1)
	if ok := passed(l, 7200, rate, a); ok != 3599 {
		t.Fatalf("in the hour %d pass", ok)
	}
	c.move(1)
	if ok := passed(l, 8000, rate, a); ok != 7200 {
		t.Fatalf("in the next hour %d pass", ok)
	}
	if after := l.current.Load(); before == after || before.secret == after.secret {
		t.Error("the secret is still the same")
	}
}

// A million clients are remembered in no more than 64 MiB, each of them.
func TestAMillionClients(t *testing.T) {
	c := newClock()
	l := New(Options{Now: c.Now})
	rate := Rate{PerSecond: 1, Burst: 1}
	clients := 1_000_000
	if testing.Short() {
		clients = 100_000
	}
	before := heap()
	for n := range clients {
		if err := l.Client(1, rate, nth(n)); err != nil {
			t.Fatalf("client %d: %v", n, err)
		}
	}
	if grown := heap() - before; grown > 64<<20 {
		t.Errorf("%d MiB", grown>>20)
	}
	forgotten := 0
	for n := range clients {
		if l.Client(1, rate, nth(n)) == nil {
			forgotten++
		}
	}
	if forgotten > clients/1000 {
		t.Errorf("%d of %d are forgotten", forgotten, clients)
	}
	// Ten times as many: no more memory, and nobody is refused who was not seen.
	for n := clients; n < 10*clients; n += 3 {
		if err := l.Client(1, rate, nth(n)); err != nil {
			t.Fatalf("client %d: %v", n, err)
		}
	}
	if grown := heap() - before; grown > 64<<20 {
		t.Errorf("%d MiB after more", grown>>20)
	}
	c.move(2 * time.Second)
	if n := l.Known(); n != 0 {
		t.Errorf("%d known after all allowances are full again", n)
	}
	runtime.KeepAlive(l)
}

// Whoever came and has a full allowance again leaves his place to others: the table is as
// large as those who ask at one time make it.
func TestPlacesAreUsedAgain(t *testing.T) {
	c := newClock()
	l := New(Options{Now: c.Now})
	for n := range 100_000 {
		if err := l.Client(1, Rate{PerSecond: 100, Burst: 1}, nth(n)); err != nil {
			t.Fatalf("client %d: %v", n, err)
		}
		c.move(10 * time.Millisecond)
	}
	for i := range l.current.Load().table.shards {
		if n := len(l.current.Load().table.shards[i].slots); n > first+reach-1 {
			t.Fatalf("shard %d has %d slots", i, n)
		}
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Whatever is asked for, nobody gets more than the allowance, and nobody within it is
// refused.
func TestAgainstABucket(t *testing.T) {
	c := newClock()
	l := New(Options{Now: c.Now, Keys: 1 << 12})
	type bucket struct {
		tokens float64
		at     time.Time
	}
	random := rand.New(rand.NewPCG(6, 1))
	rate := Rate{PerSecond: 8, Burst: 20} // 125 ms: exact in binary
	buckets := map[int]*bucket{}
	for step := range 200_000 {
		c.move(time.Duration(random.IntN(8)) * 125 * time.Millisecond / 64)
		who := random.IntN(40)
		b := buckets[who]
		if b == nil {
			b = &bucket{20, c.now}
			buckets[who] = b
		}
		b.tokens = min(20, b.tokens+c.now.Sub(b.at).Seconds()*8)
		b.at = c.now
		want := b.tokens >= 1
		if want {
			b.tokens--
		}
		if got := l.Client(1, rate, nth(who)) == nil; got != want {
			t.Fatalf("step %d: client %d passes: %v, its bucket holds %v", step, who, got, b.tokens)
		}
	}
}

func TestLimitingAllocatesNothing(t *testing.T) {
	l := New(Options{})
	rate := Rate{PerSecond: 1 << 20, Burst: 1 << 20}
	four, six := addr("203.0.113.7"), addr("2001:db8::7")
	if n := testing.AllocsPerRun(1000, func() {
		_ = l.Client(1, rate, four)
		_ = l.Client(1, rate, six)
		_ = l.Site(1, rate, "shop")
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkLimit(b *testing.B) {
	l := New(Options{})
	rate := Rate{PerSecond: 1, Burst: 100}
	const clients = 1 << 20
	for n := range clients {
		_ = l.Client(1, rate, nth(n))
	}
	b.ReportMetric(float64(l.Known()), "known")
	b.Run("client", func(b *testing.B) {
		b.ReportAllocs()
		for n := 0; b.Loop(); n++ {
			_ = l.Client(1, rate, nth(n*7919%clients))
		}
	})
	b.Run("side by side", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for n := rand.IntN(clients); pb.Next(); n += 7919 {
				_ = l.Client(1, rate, nth(n%clients))
			}
		})
	})
	b.Run("site", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = l.Site(1, rate, "shop")
		}
	})
}
