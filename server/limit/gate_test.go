package limit

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

func TestGate(t *testing.T) {
	g := NewGate(2, 1, time.Hour)
	ctx := t.Context()
	for range 2 {
		if err := g.Enter(ctx); err != nil {
			t.Fatal(err)
		}
	}
	entered := make(chan error)
	go func() { entered <- g.Enter(ctx) }()
	for g.waiting.Load() != 1 {
		time.Sleep(time.Millisecond) // until the other goroutine waits
	}
	if err := g.Enter(ctx); !errors.Is(err, ErrBusy) {
		t.Errorf("with one waiting already: %v", err)
	}
	g.Leave()
	if err := <-entered; err != nil {
		t.Errorf("whoever waited: %v", err)
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if err := g.Enter(gone); !errors.Is(err, context.Canceled) {
		t.Errorf("gone: %v", err)
	}
	g.Leave()
	g.Leave()
	if g.Inside() != 0 || g.waiting.Load() != 0 {
		t.Errorf("%d inside, %d wait", g.Inside(), g.waiting.Load())
	}
	var none *Gate
	if none.Enter(ctx) != nil || none.Inside() != 0 {
		t.Error("no gate is shut")
	}
	none.Leave()
}

func TestNobodyWaitsInVain(t *testing.T) {
	g := NewGate(1, 10, time.Millisecond)
	if err := g.Enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := g.Enter(t.Context()); !errors.Is(err, ErrBusy) {
		t.Errorf("the place is not given back: %v", err)
	}
}

// At most so many are inside at once, whoever gives up meanwhile.
func TestGateIsNeverOverfull(t *testing.T) {
	g := NewGate(3, 20, 50*time.Microsecond)
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			for range 200 {
				if g.Enter(context.Background()) != nil {
					continue
				}
				if n := g.Inside(); n > 3 {
					t.Errorf("%d inside", n)
				}
				g.Leave()
			}
		})
	}
	all.Wait()
	if g.Inside() != 0 || g.waiting.Load() != 0 {
		t.Errorf("%d inside, %d wait", g.Inside(), g.waiting.Load())
	}
}

// serve answers on loopback behind c.
func serve(t *testing.T, c *Connections, h http.Handler) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: h, ConnState: c.State, ReadHeaderTimeout: time.Minute}
	ended := make(chan struct{})
	go func() { _ = s.Serve(l); close(ended) }()
	t.Cleanup(func() { _ = s.Close(); <-ended })
	return l.Addr().String()
}

func ask(conn net.Conn) error {
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		return err
	}
	_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
	_, err := io.ReadAtLeast(conn, make([]byte, 1024), 12)
	return err
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// Idle connections, whether they asked for something once or never, keep nobody out.
func TestIdleConnectionsGiveWay(t *testing.T) {
	refused := 0
	c := NewConnections(8, func() { refused++ })
	address := serve(t, c, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for i := range 100 {
		conn := dial(t, address)
		if i%2 == 0 {
			if err := ask(conn); err != nil {
				t.Fatalf("connection %d: %v", i, err)
			}
		}
		if n := c.Open(); n > 8 {
			t.Fatalf("%d are open", n)
		}
	}
	last := dial(t, address)
	if err := ask(last); err != nil {
		t.Fatal(err)
	}
	if err := ask(last); err != nil { // it is kept
		t.Fatal(err)
	}
	if refused < 90 {
		t.Errorf("%d gave way", refused)
	}
}

// Whoever is being answered is not cut off for somebody new.
func TestNobodyAtWorkGivesWay(t *testing.T) {
	c := NewConnections(3, nil)
	begun, end := make(chan struct{}), make(chan struct{})
	address := serve(t, c, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		begun <- struct{}{}
		<-end
	}))
	answers := make(chan error, 3)
	for range 3 {
		conn := dial(t, address)
		go func() { answers <- ask(conn) }()
		<-begun
	}
	if err := ask(dial(t, address)); err == nil {
		t.Error("a fourth is answered")
	}
	close(end)
	for range 3 {
		if err := <-answers; err != nil {
			t.Errorf("cut off: %v", err)
		}
	}
}

// A named connection is none.
type named struct {
	net.Conn
	closed bool
}

func (n *named) Close() error { n.closed = true; return nil }

// The one that has been idle for longest gives way, not any.
func TestTheLongestIdleGivesWay(t *testing.T) {
	c := NewConnections(8, nil)
	all := make([]*named, 9)
	for i := range all {
		all[i] = &named{}
	}
	for _, n := range all[:8] {
		c.State(n, http.StateNew)
	}
	for _, i := range []int{5, 2, 7, 0, 1, 3, 4, 6} {
		c.State(all[i], http.StateActive)
		for last := c.time(); c.time() == last; { // a clock may be coarse
		}
		c.State(all[i], http.StateIdle)
	}
	c.State(all[8], http.StateNew)
	for i, n := range all {
		if n.closed != (i == 5) {
			t.Errorf("connection %d is closed: %v", i, n.closed)
		}
	}
	var none *Connections
	if c.Open() != 8 || none.Open() != 0 {
		t.Errorf("%d are open, %d of none", c.Open(), none.Open())
	}
}
