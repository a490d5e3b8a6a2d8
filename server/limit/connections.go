package limit

import (
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Connections bounds how many are open, and with them the memory and the descriptors
// they hold. When there are as many as may be, a new one takes the place of one that
// is idle; where none is found it is closed at once. So nobody keeps others out by
// holding connections.
type Connections struct {
	most    int
	refused func() // told of every connection that was closed for want of a place; may be nil
	began   time.Time

	mu   sync.Mutex
	open map[*counted]struct{}
}

// NewConnections bounds them to most; 0 bounds nothing.
func NewConnections(most int, refused func()) *Connections {
	return &Connections{most: most, refused: refused, began: time.Now(), open: map[*counted]struct{}{}}
}

// Open is how many there are.
func (c *Connections) Open() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.open)
}

// State is an http.Server's ConnState: it tells who is idle. A connection that has not
// asked for anything yet is.
func (c *Connections) State(conn net.Conn, state http.ConnState) {
	if over, ok := conn.(interface{ NetConn() net.Conn }); ok { // TLS
		conn = over.NetConn()
	}
	own, ok := conn.(*counted)
	if !ok {
		return
	}
	if state == http.StateNew || state == http.StateIdle {
		own.idle.Store(int64(time.Since(c.began)) + 1)
	} else {
		own.idle.Store(0)
	}
}

// Listener accepts what l does, within the bound.
func (c *Connections) Listener(l net.Listener) net.Listener { return &bounded{l, c} }

type bounded struct {
	net.Listener
	in *Connections
}

func (b *bounded) Accept() (net.Conn, error) {
	for {
		conn, err := b.Listener.Accept()
		if err != nil {
			return nil, err
		}
		own := &counted{Conn: conn, in: b.in}
		if b.in.admit(own) {
			return own, nil
		}
		_ = conn.Close()
	}
}

// looked is among how many the idle one that gives way is chosen: enough that it is
// one of those that have been idle long, and few enough for a flood.
const looked = 64

func (c *Connections) admit(own *counted) bool {
	var gives *counted
	c.mu.Lock()
	full := c.most > 0 && len(c.open) >= c.most
	if full {
		longest, left := int64(0), looked
		for other := range c.open { // in an order of its own each time
			if since := other.idle.Load(); since != 0 && (longest == 0 || since < longest) {
				gives, longest = other, since
			}
			if left--; left == 0 {
				break
			}
		}
	}
	if gives != nil {
		delete(c.open, gives)
	}
	if !full || gives != nil {
		c.open[own] = struct{}{}
	}
	c.mu.Unlock()
	if !full {
		return true
	}
	if c.refused != nil {
		c.refused()
	}
	if gives == nil {
		return false
	}
	_ = gives.Conn.Close()
	return true
}

// A counted connection is one of the open ones until it is closed.
type counted struct {
	net.Conn
	in   *Connections
	idle atomic.Int64 // since when; 0: it is not
}

func (c *counted) Close() error {
	c.in.mu.Lock()
	delete(c.in.open, c)
	c.in.mu.Unlock()
	return c.Conn.Close()
}
