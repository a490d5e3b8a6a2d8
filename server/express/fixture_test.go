package express

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// mirror answers with all that a handler can know of a request, and as its query says.
func mirror(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h["Content-Type"] = []string{"text/plain"}
	q := r.URL.RawQuery
	status := http.StatusOK
	switch {
	case strings.HasPrefix(q, "sniff"):
		delete(h, "Content-Type")
	case strings.HasPrefix(q, "304"):
		w.WriteHeader(http.StatusNotModified)
		_, _ = io.WriteString(w, "not to be seen")
		return
	case strings.HasPrefix(q, "204"):
		w.WriteHeader(http.StatusNoContent)
		return
	case strings.HasPrefix(q, "404"):
		status = http.StatusNotFound
	case strings.HasPrefix(q, "empty"):
		return
	case strings.HasPrefix(q, "lines"):
		h["X-Lines"] = []string{" one\r\ntwo ", "three"}
	case strings.HasPrefix(q, "close"):
		h.Set("Connection", "close")
	}
	w.WriteHeader(status)
	if strings.HasPrefix(q, "404") {
		w.WriteHeader(http.StatusTeapot) // too late
	}
	body, err := io.ReadAll(r.Body)
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	fmt.Fprintf(w, "%s %q %q %q %v %q\n%s\n%s %d %d %v %q %v\n", r.Method, r.URL.Path, r.URL.RawPath, r.URL.RawQuery, r.URL.ForceQuery, r.URL.Fragment, r.RequestURI,
		r.Proto, r.ProtoMajor, r.ProtoMinor, host, r.Host, r.ContentLength)
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		fmt.Fprintf(w, "%q: %q\n", name, r.Header[name])
	}
	fmt.Fprintf(w, "%q %v\n", body, err)
}

func takes(_ string, path []byte) bool { return bytes.HasPrefix(path, []byte("/b/")) }

// A served is a server on a real port, through a lane or without one.
type served struct {
	*http.Server
	taken   atomic.Int64 // requests that the lane answered
	address string
	idle    sync.Map // by the client's address: closed when the connection is idle
}

func serve(t testing.TB, lane *Lane, handler http.HandlerFunc) *served {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &served{address: l.Addr().String()}
	s.Server = &http.Server{Handler: handler, MaxHeaderBytes: 16 << 10, ErrorLog: log.New(io.Discard, "", 0),
		ConnState: func(c net.Conn, state http.ConnState) {
			lane.ConnState(c, state)
			if waits, ok := s.idle.Load(c.RemoteAddr().String()); ok && state == http.StateIdle {
				if idle := waits.(chan bool); len(idle) == 0 {
					idle <- true
				}
			}
		}}
	if lane != nil {
		lane.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s.taken.Add(1)
			handler(w, r)
		})
		lane.Takes, lane.IdleTimeout, lane.WriteTimeout = takes, time.Hour, time.Hour
		l = lane.Listener(l)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close(); <-done })
	return s
}

// first opens a connection and asks once, so that the connection is idle: net/http looks
// for a client that goes away as long as it answers, and finds the beginning of the next
// request where that comes early.
func (s *served) first(t testing.TB) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := net.Dial("tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	idle := make(chan bool, 1)
	s.idle.Store(c.LocalAddr().String(), idle)
	if _, err := io.WriteString(c, "GET /first HTTP/1.1\r\nHost: first\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(c)
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	s.settled(c)
	return c, in
}

// settled returns when the connection is idle, after an answer.
func (s *served) settled(c net.Conn) {
	if idle, ok := s.idle.Load(c.LocalAddr().String()); ok {
		<-idle.(chan bool)
	}
}

// talk sends the parts over a connection; it is all answers, without their dates, and how
// it ended.
func talk(t testing.TB, s *served, parts ...string) (answers []string) {
	t.Helper()
	c, in := s.first(t)
	defer c.Close()
	for _, part := range parts {
		_, _ = io.WriteString(c, part)
	}
	_ = c.(*net.TCPConn).CloseWrite()
	for {
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			return append(answers, end(err))
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			return append(answers, end(err))
		}
		if _, err := http.ParseTime(resp.Header.Get("Date")); err != nil && resp.StatusCode < 400 {
			t.Errorf("date: %v", err)
		}
		delete(resp.Header, "Date")
		var all strings.Builder
		fmt.Fprintf(&all, "%s %s %d %v %v\n", resp.Proto, resp.Status, resp.ContentLength, resp.TransferEncoding, resp.Close)
		for _, name := range slices.Sorted(maps.Keys(resp.Header)) {
			fmt.Fprintf(&all, "%s: %q\n", name, resp.Header[name])
		}
		answers = append(answers, all.String()+string(body))
	}
}

// end is how a conversation ended: a server that closes before it has read all that was
// sent may take its last answers with it.
func end(err error) string {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "end"
	}
	return "reset"
}

func alike(a, b []string) bool {
	whole := a[len(a)-1] != "reset" && b[len(b)-1] != "reset"
	if !whole {
		most := min(len(a), len(b)) - 1
		a, b = a[:most], b[:most]
	}
	return slices.Equal(a, b)
}
