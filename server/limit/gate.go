package limit

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// ErrBusy is that of a Gate: as much as it lets in is being done, and as many wait as
// may. Nothing was begun.
var ErrBusy = errors.New("too much is being done at once")

// A Gate bounds how much of one kind is done at once, and how many wait for that and
// for how long. Whoever would wait in vain is told so at once, while there is still
// time to do something else. A nil Gate is open.
type Gate struct {
	places  chan struct{}
	waiting atomic.Int64
	most    int64
	patient time.Duration
}

// NewGate makes a Gate of so many places, before which so many may wait for so long.
func NewGate(places, waiting int, patient time.Duration) *Gate {
	return &Gate{places: make(chan struct{}, places), most: int64(waiting), patient: patient}
}

// Enter takes a place, or fails with ErrBusy, or with ctx's error. Whoever entered
// leaves.
func (g *Gate) Enter(ctx context.Context) error {
	if g == nil {
		return nil
	}
	select {
	case g.places <- struct{}{}:
		return nil
	default:
	}
	if g.waiting.Add(1) > g.most {
		g.waiting.Add(-1)
		return ErrBusy
	}
	defer g.waiting.Add(-1)
	enough := time.NewTimer(g.patient)
	defer enough.Stop()
	select {
	case g.places <- struct{}{}:
		return nil
	case <-enough.C:
		return ErrBusy
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Leave gives the place back.
func (g *Gate) Leave() {
	if g != nil {
		<-g.places
	}
}

// Inside is how many have entered and not left.
func (g *Gate) Inside() int {
	if g == nil {
		return 0
	}
	return len(g.places)
}
