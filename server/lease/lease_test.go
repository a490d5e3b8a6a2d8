package lease

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// rows is a store of one lease that can be cut off from a node.
type rows struct {
	mu sync.Mutex
	at State
}

func (r *rows) Lease(context.Context, string) (State, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.at, nil
}

func (r *rows) TakeLease(_ context.Context, _ string, seen, next State) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.at != seen {
		return false, nil
	}
	r.at = next
	return true, nil
}

// line is a node's way to the store.
type line struct {
	*rows
	cut atomic.Bool
}

var errCut = errors.New("cut off")

func (l *line) Lease(ctx context.Context, name string) (State, error) {
	if l.cut.Load() {
		return State{}, errCut
	}
	return l.rows.Lease(ctx, name)
}

func (l *line) TakeLease(ctx context.Context, name string, seen, next State) (bool, error) {
	if l.cut.Load() {
		return false, errCut
	}
	return l.rows.TakeLease(ctx, name, seen, next)
}

// nodes keep one lease, each over a line of its own.
type nodes struct {
	t       *testing.T
	store   rows
	lines   []*line
	unfit   []*atomic.Bool
	stop    []context.CancelFunc
	ended   []chan struct{}
	working atomic.Int64 // who does it now, plus one; 0: nobody
	clashes atomic.Int64
}

func newNodes(t *testing.T, n int) *nodes {
	ns := &nodes{t: t}
	for i := range n {
		l := &line{rows: &ns.store}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		ns.lines, ns.stop, ns.ended = append(ns.lines, l), append(ns.stop, stop), append(ns.ended, ended)
		unfit := &atomic.Bool{}
		ns.unfit = append(ns.unfit, unfit)
		k := &Keeper{Store: l, Name: "jobs", Log: slog.New(slog.DiscardHandler), Every: 5 * time.Millisecond, Lasts: 2 * time.Second, Fit: func() bool { return !unfit.Load() }}
		go func() {
			defer close(ended)
			k.Keep(ctx, func(ctx context.Context) {
				if !ns.working.CompareAndSwap(0, int64(i+1)) {
					ns.clashes.Add(1)
				}
				<-ctx.Done()
				ns.working.CompareAndSwap(int64(i+1), 0)
			})
		}()
		t.Cleanup(func() { stop(); <-ended })
	}
	return ns
}

// holder waits until somebody other than not does it.
func (ns *nodes) holder(not int) int {
	ns.t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if w := int(ns.working.Load()) - 1; w >= 0 && w != not {
			return w
		}
	}
	ns.t.Fatal("nobody does it")
	return -1
}

func TestOneOfSeveralHoldsIt(t *testing.T) {
	ns := newNodes(t, 3)
	first := ns.holder(-1)
	// One that stops gives it back, and another takes it at once: nobody waits.
	ns.stop[first]()
	<-ns.ended[first]
	second := ns.holder(first)
	// One that is cut off leaves it before another takes it over.
	ns.lines[second].cut.Store(true)
	third := ns.holder(second)
	if third == first || third == second {
		t.Errorf("%d took over from %d, after %d", third, second, first)
	}
	// Whoever comes back does not do it beside.
	ns.lines[second].cut.Store(false)
	ns.stop[third]()
	<-ns.ended[third]
	if last := ns.holder(third); last != second {
		t.Errorf("%d took over, not the one that is left", last)
	}
	if n := ns.clashes.Load(); n > 0 {
		t.Errorf("%d times two did it at once", n)
	}
}

// One that is not fit leaves it to another at once, and does not take it, though it lies
// there, before it is fit again.
func TestWhoIsNotFitLeavesIt(t *testing.T) {
	ns := newNodes(t, 2)
	first := ns.holder(-1)
	ns.unfit[first].Store(true)
	second := ns.holder(first)
	ns.unfit[second].Store(true)
	for deadline := time.Now().Add(time.Minute); ns.working.Load() != 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it is done by somebody who is not fit")
		}
	}
	beat := func() int64 { s, _ := ns.store.Lease(t.Context(), ""); return s.Beat }
	before := beat()
	ns.unfit[first].Store(false)
	if last := ns.holder(-1); last != first || beat() <= before {
		t.Errorf("%d took it, who is not fit", last)
	}
	if n := ns.clashes.Load(); n > 0 {
		t.Errorf("%d times two did it at once", n)
	}
}

// A beat that was kept though its answer was lost does not cost the lease.
func TestALostAnswerDoesNotLoseIt(t *testing.T) {
	store := &lossy{}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	k := &Keeper{Store: store, Name: "jobs", Log: slog.New(slog.DiscardHandler), Every: time.Millisecond, Lasts: time.Minute}
	var begun atomic.Int64
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		k.Keep(ctx, func(ctx context.Context) { begun.Add(1); <-ctx.Done() })
	}()
	for deadline := time.Now().Add(time.Minute); store.lost.Load() < 5; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("no answers were lost")
		}
	}
	if !k.Held() || begun.Load() != 1 {
		t.Errorf("held %t, begun %d times", k.Held(), begun.Load())
	}
	stop()
	<-ended
	if k.Held() || store.at.Holder != "" {
		t.Errorf("after the stop %+v", store.at)
	}
}

// lossy loses every second answer to a renewal.
type lossy struct {
	rows
	calls atomic.Int64
	lost  atomic.Int64
}

func (l *lossy) TakeLease(ctx context.Context, name string, seen, next State) (bool, error) {
	ok, err := l.rows.TakeLease(ctx, name, seen, next)
	if ok && next.Holder != "" && seen.Holder != "" && l.calls.Add(1)%2 == 0 {
		l.lost.Add(1)
		return false, errCut
	}
	return ok, err
}
