// Package express answers the plainest requests without net/http's work.
//
// Nearly all requests are a GET for a banner's script or a decision of some hundred bytes.
// Of what net/http does for each, most is for what such a request does not have, and what
// it leaves behind for the collector is why one in a hundred waited for milliseconds. A
// connection of this package looks at what comes in between two requests: a whole request
// of that kind is answered on the spot, by the same handler; everything else, and whatever
// is the least unusual, is net/http's as ever.
//
// Where one request ends and the next begins is net/http's to know. Two things tell it to
// us: the connection is idle (http.StateIdle), and net/http reads into all of its buffer,
// so nothing waits in there.
package express

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// A Lane answers plain requests by its Handler. Its fields are set before the first
// connection; the values of the time limits are those of the http.Server.
type Lane struct {
	Handler http.Handler
	// Takes says whether a GET or POST may be answered here. Its handler must not use the
	// request after it has returned, gets a context that never ends, and its body is whole.
	Takes func(method string, path []byte) bool
	// State is told of a connection that is busy, and idle again, as an http.Server's
	// ConnState; nil: nobody is.
	State func(net.Conn, http.ConnState)

	IdleTimeout, WriteTimeout time.Duration

	answering atomic.Int64
}

// Listener makes the connections of inner ones of this lane; those with TLS stay as they are.
func (l *Lane) Listener(inner net.Listener) net.Listener { return listener{inner, l} }

type listener struct {
	net.Listener
	lane *Lane
}

func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if plain, ok := c.(readFromConn); ok {
		return &conn{readFromConn: plain, lane: l.lane}, err
	}
	return c, err
}

// A readFromConn is what net/http sends files and bodies through; connections with TLS
// are none.
type readFromConn interface {
	net.Conn
	io.ReaderFrom
}

// ConnState is to be told what the http.Server tells its own.
func (*Lane) ConnState(c net.Conn, state http.ConnState) {
	if c, ok := c.(*conn); ok && state == http.StateIdle {
		c.between, c.extended = true, time.Time{}
	}
}

// Wait returns when nothing is being answered any more, or when ctx ends.
func (l *Lane) Wait(ctx context.Context) error {
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for l.answering.Load() > 0 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-again.C:
		}
	}
	return nil
}

// A conn is net/http's but for what it answers itself, all of it in the goroutine that
// reads the next request.
type conn struct {
	readFromConn
	lane *Lane

	remote   string    // the other end's address
	full     int       // how much net/http reads at once when nothing waits in its buffer; 0: not known yet
	between  bool      // the connection is idle, and nothing has come in since
	extended time.Time // when the deadlines were set last

	mu      sync.Mutex
	busy    bool // guarded by mu
	closing bool // closed while busy; guarded by mu
}

// NetConn is the connection beneath.
func (c *conn) NetConn() net.Conn { return c.readFromConn }

// Read hands on what is net/http's, and answers what comes before it.
func (c *conn) Read(p []byte) (int, error) {
	if c.full == 0 { // the first of all: its buffer is empty
		c.full = len(p)
	}
	if !c.between || len(p) != c.full {
		// That of a goroutine which waits for the client to go away comes here, too, and
		// changes nothing.
		if c.between {
			c.between = false
		}
		return c.readFromConn.Read(p)
	}
	n, err := c.readFromConn.Read(p)
	for n > 0 && err == nil {
		x := exchanges.Get().(*exchange)
		took := x.parse(p[:n], c.lane.Takes)
		if took == 0 {
			exchanges.Put(x)
			break
		}
		last, failed := c.answer(x)
		if failed != nil {
			return 0, failed
		}
		if last {
			return 0, net.ErrClosed
		}
		n = copy(p, p[took:n]) // not before: the body was there
		if n == 0 {
			n, err = c.readFromConn.Read(p)
		}
	}
	if n > 0 || err != nil {
		c.between = false
	}
	return n, err
}

// answer answers one request; last: the connection is to end.
func (c *conn) answer(x *exchange) (last bool, err error) {
	now := time.Now()
	c.mu.Lock()
	c.busy = true
	c.mu.Unlock()
	c.lane.answering.Add(1)
	c.lane.state(c, http.StateActive)
	if now.Sub(c.extended) > time.Second { // not for each: a second less is no matter
		c.extended = now
		_ = c.SetReadDeadline(now.Add(c.lane.IdleTimeout))
		_ = c.SetWriteDeadline(now.Add(c.lane.WriteTimeout))
	}
	defer func() { // also if the handler panics, which net/http deals with
		c.lane.state(c, http.StateIdle)
		c.lane.answering.Add(-1)
		c.mu.Lock()
		c.busy = false
		last = last || c.closing
		closing := c.closing
		c.mu.Unlock()
		if closing {
			_ = c.readFromConn.Close()
		}
	}()
	if c.remote == "" {
		c.remote = c.RemoteAddr().String()
	}
	x.request.RemoteAddr = c.remote
	c.lane.Handler.ServeHTTP(x, &x.request)
	answer, last := x.bytes(now)
	_, err = c.Write(answer)
	x.clear()
	exchanges.Put(x)
	return last, err
}

// Close closes the connection, once what is being answered has been: to net/http it is idle.
func (c *conn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.busy {
		c.closing = true
		return nil
	}
	return c.readFromConn.Close()
}

func (l *Lane) state(c net.Conn, state http.ConnState) {
	if l.State != nil {
		l.State(c, state)
	}
}
