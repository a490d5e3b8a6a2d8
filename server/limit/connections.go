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

	mu   sync.RWMutex
	open map[net.Conn]*connection
}

type connection struct {
	idle atomic.Int64 // since when; 0: it is not
}

// NewConnections bounds them to most; 0 bounds nothing.
func NewConnections(most int, refused func()) *Connections {
	return &Connections{most: most, refused: refused, began: time.Now(), open: map[net.Conn]*connection{}}
}

// Open is how many there are.
func (c *Connections) Open() int {
	if c == nil {
		return 0
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	return len(c.open)
}

// State is an http.Server's ConnState. A connection that has not asked for anything
// yet is idle.
func (c *Connections) State(conn net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		c.admit(conn)
	case http.StateClosed, http.StateHijacked:
		c.mu.Lock()
		delete(c.open, conn)
		c.mu.Unlock()
	default:
		c.mu.RLock()
		own := c.open[conn]
		c.mu.RUnlock()
		if own == nil { // it has given way
			return
		}
		since := int64(0)
		if state == http.StateIdle {
			since = c.time()
		}
		own.idle.Store(since)
	}
}

func (c *Connections) time() int64 { return int64(time.Since(c.began)) + 1 }

// looked is among how many the idle one that gives way is chosen: enough that it is
// one of those that have been idle long, and few enough for a flood.
const looked = 64

func (c *Connections) admit(conn net.Conn) {
	gives := conn
	c.mu.Lock()
	full := c.most > 0 && len(c.open) >= c.most
	if full {
		longest, left := int64(0), looked
		for other, own := range c.open { // in an order of its own each time
			if since := own.idle.Load(); since != 0 && (longest == 0 || since < longest) {
				gives, longest = other, since
			}
			if left--; left == 0 {
				break
			}
		}
		delete(c.open, gives)
	}
	if gives != conn || !full {
		own := &connection{}
		own.idle.Store(c.time())
		c.open[conn] = own
	}
	c.mu.Unlock()
	if !full {
		return
	}
	if c.refused != nil {
		c.refused()
	}
	// Not through TLS, whose farewell may wait for a peer that does not read.
	if over, ok := gives.(interface{ NetConn() net.Conn }); ok {
		gives = over.NetConn()
	}
	_ = gives.Close()
}
