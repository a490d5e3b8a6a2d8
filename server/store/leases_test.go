package store

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/volenti-consent/volenti/server/lease"
)

// Of several that take a lease from what they have seen one gets it, also from one who
// has died and where nobody had it yet; whoever has lost it can't renew it.
func TestALeaseHasOneHolder(t *testing.T) {
	forEachEngine(t, func(t *testing.T, open func() *DB) {
		nodes := []*DB{open(), open(), open()}
		for round := range 3 {
			seen, err := nodes[0].Lease(t.Context(), "jobs")
			if err != nil {
				t.Fatal(err)
			}
			var got atomic.Int64
			var all sync.WaitGroup
			for i, db := range nodes {
				all.Go(func() {
					taken, err := db.TakeLease(t.Context(), "jobs", seen, lease.State{Holder: fmt.Sprint("n", i), Beat: seen.Beat + 1})
					if err != nil {
						t.Error(err)
					}
					if taken {
						got.Add(1)
					}
				})
			}
			all.Wait()
			if n := got.Load(); n != 1 {
				t.Errorf("round %d: %d hold it", round, n)
			}
			if taken, err := nodes[0].TakeLease(t.Context(), "jobs", seen, lease.State{Holder: "late", Beat: seen.Beat + 1}); err != nil || taken {
				t.Errorf("round %d: whoever lost it has it again: %t %v", round, taken, err)
			}
		}
	})
}
