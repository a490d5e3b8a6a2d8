// Package cork sends the header and the body of an answer in one piece.
//
// net/http hands an answer of some kilobytes to the kernel in two pieces, header and
// beginning first: two system calls, two segments, and a client that is woken twice.
// For answers from memory that is most of what they cost. A connection of this package
// keeps the first piece back when it is told that the rest follows at once.
package cork

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
)

// Listener makes the TCP connections of l ones that can be written to by Write. Others,
// as those with TLS, stay as they are.
func Listener(l net.Listener) net.Listener { return listener{l} }

type listener struct{ net.Listener }

func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if tcp, ok := c.(*net.TCPConn); ok {
		return &conn{TCPConn: tcp}, err
	}
	return c, err
}

type connKey struct{}

// Context is a http.Server.ConnContext: requests then know their connection.
func Context(ctx context.Context, c net.Conn) context.Context {
	if over, ok := c.(interface{ NetConn() net.Conn }); ok { // such as one of package express
		c = over.NetConn()
	}
	if c, ok := c.(*conn); ok {
		return context.WithValue(ctx, connKey{}, c)
	}
	return ctx
}

// A conn keeps back what is written while it is corked, until something else is written
// or read, or it is closed. Only the goroutine that answers a request uses it so.
type conn struct {
	*net.TCPConn

	corked bool
	kept   []byte    // written and not sent yet
	pieces [3][]byte // what is sent at once
	out    net.Buffers
}

// mostKept bounds what a connection keeps; the header of an answer has some hundred bytes.
const mostKept = 4 << 10

// Write sends p, or keeps it back.
func (c *conn) Write(p []byte) (int, error) {
	if c.corked && len(c.kept)+len(p) <= mostKept {
		c.kept = append(c.kept, p...)
		return len(p), nil
	}
	return c.send(p, nil)
}

// send sends what was kept back, and p and q behind it; it tells how much of these two.
func (c *conn) send(p, q []byte) (int, error) {
	c.corked = false
	if len(c.kept) == 0 && len(q) == 0 {
		return c.TCPConn.Write(p)
	}
	kept := len(c.kept)
	c.pieces = [3][]byte{c.kept, p, q}
	c.out = c.pieces[:]
	n, err := c.out.WriteTo(c.TCPConn)
	c.kept, c.pieces, c.out = c.kept[:0], [3][]byte{}, nil
	return max(0, int(n)-kept), err
}

// ReadFrom is what net/http hands the rest of an answer to, once its header is written.
func (c *conn) ReadFrom(r io.Reader) (int64, error) {
	if b, ok := r.(*body); ok {
		n, err := c.send(b.rest, b.more)
		b.skip(n)
		return int64(n), err
	}
	if len(c.kept) > 0 {
		if _, err := c.send(nil, nil); err != nil {
			return 0, err
		}
	}
	c.corked = false
	return c.TCPConn.ReadFrom(r)
}

// A body is bytes in two pieces that are written whole.
type body struct{ rest, more []byte }

func (b *body) Read(p []byte) (int, error) {
	n := copy(p, b.rest)
	n += copy(p[n:], b.more)
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	b.skip(n)
	return n, nil
}

func (b *body) skip(n int) {
	first := min(n, len(b.rest))
	b.rest, b.more = b.rest[first:], b.more[n-first:]
}

var bodies = sync.Pool{New: func() any { return new(body) }}

// Write writes all of an answer's body, p and then q, whose Content-Length is set; the
// status may be. Where it can it sends the header with it. It changes neither piece, and
// allocates nothing.
func Write(w http.ResponseWriter, r *http.Request, p, q []byte) (int, error) {
	c, _ := r.Context().Value(connKey{}).(*conn)
	from, reads := w.(io.ReaderFrom)
	flusher, flushes := w.(http.Flusher)
	if c == nil || !reads || !flushes || r.Method == http.MethodHead || r.ProtoMajor != 1 {
		n, err := w.Write(p)
		if err != nil {
			return n, err
		}
		m, err := w.Write(q)
		return n + m, err
	}
	b := bodies.Get().(*body)
	b.rest, b.more = p, q
	c.corked = true
	flusher.Flush() // the header alone, which is kept back
	n, err := from.ReadFrom(b)
	b.rest, b.more = nil, nil
	bodies.Put(b)
	if len(c.kept) > 0 || c.corked { // net/http chose another way: nothing may stay behind
		if _, sent := c.send(nil, nil); err == nil {
			err = sent
		}
	}
	return int(n), err
}
