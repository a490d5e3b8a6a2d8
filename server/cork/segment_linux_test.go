package cork_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/volenti-consent/volenti/server/cork"
	"github.com/volenti-consent/volenti/server/express"
)

// An answer leaves in one segment where it would leave in two. Loopback takes 64 KB a
// segment, so what the kernel counts are the writes.
func TestOneSegmentAnAnswer(t *testing.T) {
	t.Run("alone", func(t *testing.T) { oneSegment(t, cork.Listener) })
	t.Run("beneath", func(t *testing.T) {
		lane := &express.Lane{Takes: func(string, []byte) bool { return false }}
		oneSegment(t, func(l net.Listener) net.Listener { return lane.Listener(cork.Listener(l)) })
	})
}

func oneSegment(t *testing.T, over func(net.Listener) net.Listener) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener := over(l)
	opened := make(chan syscall.Conn, 1)
	s := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(8000))
			_, _ = cork.Write(w, r, make([]byte, 7000), make([]byte, 1000))
		}),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			ctx = cork.Context(ctx, c)
			if over, ok := c.(interface{ NetConn() net.Conn }); ok {
				c = over.NetConn()
			}
			opened <- c.(syscall.Conn)
			return ctx
		},
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(listener) }()
	defer func() { _ = s.Close(); <-done }()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	in := bufio.NewReader(c)
	const asked = 10
	for range asked {
		if _, err := c.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, resp.Body); n != 8000 || err != nil {
			t.Fatal(n, err)
		}
	}
	rc, err := (<-opened).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var info *unix.TCPInfo
	if err := rc.Control(func(fd uintptr) { info, err = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO) }); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if info.Data_segs_out != asked {
		t.Errorf("%d answers in %d segments", asked, info.Data_segs_out)
	}
}
