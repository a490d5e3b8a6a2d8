package express

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// A connection on which something is being answered is idle to net/http, which closes
// those first when it is to end: the answer is sent all the same.
func TestShutdownWaitsForAnswers(t *testing.T) {
	lane := &Lane{}
	entered, leave := make(chan bool), make(chan bool)
	server := serve(t, lane, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/b/slow.js" {
			entered <- true
			<-leave
		}
		_, _ = io.WriteString(w, "whole")
	})
	got := make(chan []string, 1)
	go func() { got <- talk(t, server, "GET /b/slow.js HTTP/1.1\r\nHost: x\r\n\r\n") }()
	<-entered
	if err := server.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := lane.Wait(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("nobody waited for the answer: %v", err)
	}
	close(leave)
	if answer := <-got; !strings.HasSuffix(answer[0], "whole") {
		t.Errorf("%q", answer)
	}
	if err := lane.Wait(t.Context()); err != nil {
		t.Error(err)
	}
}

// A handler that panics ends its connection and nothing else.
func TestAPanicEndsItsConnection(t *testing.T) {
	lane := &Lane{}
	server := serve(t, lane, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/b/panic.js" {
			panic(http.ErrAbortHandler)
		}
		mirror(w, r)
	})
	if got := talk(t, server, "GET /b/panic.js HTTP/1.1\r\nHost: x\r\n\r\n"); got[0] != "end" {
		t.Errorf("%q", got)
	}
	if err := lane.Wait(t.Context()); err != nil {
		t.Error(err)
	}
	if got := talk(t, server, plainest[0]); !strings.HasPrefix(got[0], "HTTP/1.1 200") {
		t.Errorf("%q", got)
	}
}

// pretended is a connection that notes its deadlines.
type pretended struct {
	net.TCPConn
	in          []string
	read, write []time.Time
	out         bytes.Buffer
}

func (p *pretended) Read(b []byte) (int, error) {
	if len(p.in) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.in[0])
	p.in = p.in[1:]
	return n, nil
}
func (p *pretended) Write(b []byte) (int, error)         { return p.out.Write(b) }
func (p *pretended) ReadFrom(r io.Reader) (int64, error) { return p.out.ReadFrom(r) }
func (p *pretended) SetReadDeadline(to time.Time) error  { p.read = append(p.read, to); return nil }
func (p *pretended) SetWriteDeadline(to time.Time) error { p.write = append(p.write, to); return nil }
func (p *pretended) RemoteAddr() net.Addr                { return &net.TCPAddr{} }
func (p *pretended) Close() error                        { return nil }

// A connection may be idle for as long as ever after what was answered here, and its
// client has as long to take the answer.
func TestDeadlinesAreSet(t *testing.T) {
	var states []http.ConnState
	answered := 0
	lane := &Lane{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answered++; mirror(w, r) }), Takes: takes, IdleTimeout: time.Hour, WriteTimeout: 2 * time.Hour,
		State: func(_ net.Conn, s http.ConnState) { states = append(states, s) }}
	under := &pretended{in: []string{plainest[1], plainest[1], plainest[1]}}
	c := &conn{readFromConn: under, lane: lane}
	buffer := make([]byte, 4096)
	_, _ = c.Read(buffer)
	lane.ConnState(c, http.StateIdle)
	before := time.Now()
	if n, err := c.Read(buffer); n != 0 || !errors.Is(err, io.EOF) || answered != 2 {
		t.Fatal(n, err, answered)
	}
	if len(under.read) == 0 || len(under.write) == 0 || under.read[0].Before(before.Add(time.Hour)) || under.write[0].Before(before.Add(2*time.Hour)) {
		t.Errorf("%v %v", under.read, under.write)
	}
	if !slices.Equal(states, []http.ConnState{http.StateActive, http.StateIdle, http.StateActive, http.StateIdle}) {
		t.Error(states)
	}
}
