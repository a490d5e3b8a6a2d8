package store

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Errors of a line, both unavailable.
var (
	// errSilent: whoever asks now gets no answer. Nobody else needs to wait for that.
	errSilent = errors.New("PostgreSQL does not answer")
	// errCut: this connection leads nowhere any more, another one may.
	errCut = errors.New("the connection to PostgreSQL was given up: nothing came through it any more")
)

// How long a line is quiet before the server is asked about it, how long that may take,
// and how long an answer that was sent may be on its way. The first two together are what
// a request waits where nothing is answered (docs/scale.md).
const (
	quiet     = 3500 * time.Millisecond
	asking    = 2 * time.Second
	askingOn  = 20 * time.Second // about one that was found at work before
	onItsWay  = time.Second
	beingMade = -1 // for the number of a process at the other end
	noProcess = 0  // it knows of none, as what only speaks the protocol
)

// A verdict is what the server says of a connection on which nothing is heard.
type verdict int

const (
	atWork  verdict = iota // it is busy for us, or nobody knows
	waiting                // it waits for us, or is gone
	silent                 // the server itself does not answer
)

// A line is a connection that is never waited for in vain. What stands between may keep
// it open though nothing comes through: a proxy, or a machine that hangs; to TCP it is
// alive then. How long a statement takes says nothing: one may rightly work for hours. So
// after a while the server is asked, over a connection of its own, whether it is at it.
type line struct {
	net.Conn
	reach            *reach
	network, address string
	process          atomic.Int64 // at the other end

	in, out direction
	gaveUp  atomic.Pointer[error]
}

func newLine(c net.Conn, r *reach, network, address string) *line {
	l := &line{Conn: c, reach: r, network: network, address: address}
	l.process.Store(beingMade)
	for _, d := range []*direction{&l.in, &l.out} {
		d.timer = time.AfterFunc(time.Hour, func() { l.inquire(d) })
		d.timer.Stop()
	}
	return l
}

// A direction is one of both ways; one call at a time is under way in each.
type direction struct {
	mu    sync.Mutex
	timer *time.Timer
	turn  int       // of calls; guarded by mu
	under bool      // a call is under way; guarded by mu
	heard []verdict // in this turn; guarded by mu
}

func (d *direction) begin() {
	d.mu.Lock()
	d.turn, d.under, d.heard = d.turn+1, true, d.heard[:0]
	d.timer.Reset(quiet)
	d.mu.Unlock()
}

func (d *direction) end() {
	d.mu.Lock()
	d.under = false
	d.timer.Stop()
	d.mu.Unlock()
}

func (l *line) Read(b []byte) (n int, err error) {
	l.in.begin()
	n, err = l.Conn.Read(b)
	l.in.end()
	return n, l.why(err)
}

func (l *line) Write(b []byte) (n int, err error) {
	l.out.begin()
	n, err = l.Conn.Write(b)
	l.out.end()
	return n, l.why(err)
}

// why is the reason for an error where that is ours.
func (l *line) why(err error) error {
	if given := l.gaveUp.Load(); err != nil && given != nil {
		return *given
	}
	return err
}

func (l *line) giveUp(err error) {
	l.gaveUp.CompareAndSwap(nil, &err)
	_ = l.Close()
}

// inquire asks about a call that has waited for long, and ends it if it waits in vain.
func (l *line) inquire(d *direction) {
	process := l.process.Load()
	d.mu.Lock()
	turn, heard := d.turn, len(d.heard)
	ended := !d.under || process == beingMade
	d.mu.Unlock()
	if ended {
		return
	}
	patience := asking
	if heard > 0 {
		patience = askingOn
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	said := l.reach.ask(ctx, l.network, l.address, process)

	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.under || d.turn != turn {
		return
	}
	switch {
	case said == silent:
		l.reach.gone()
		l.giveUp(errSilent)
	case said == waiting && heard > 0 && d.heard[heard-1] == waiting:
		l.reach.gaveUp()
		l.giveUp(errCut)
	case said == waiting: // what it has answered may be on its way
		d.timer.Reset(onItsWay)
	default:
		d.timer.Reset(quiet)
	}
	d.heard = append(d.heard, said)
}
