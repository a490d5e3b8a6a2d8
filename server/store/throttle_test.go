package store

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/operator"
)

// Of processes that guess at once, all together get what one would, and nothing of
// what is kept says at whom.
func TestGuessesOfAllProcessesCountTogether(t *testing.T) {
	forEachEngine(t, func(t *testing.T, open func() *DB) {
		ctx := t.Context()
		now := func() time.Time { return noon }
		var let atomic.Int64
		var group sync.WaitGroup
		for range 4 {
			th := operator.NewThrottle(open(), []byte("key"), now)
			group.Go(func() {
				for range 20 {
					_, ok, err := th.Try(ctx, "ada@example.com", "203.0.113.77", "")
					if err != nil {
						t.Error(err)
					}
					if ok {
						let.Add(1)
					}
				}
			})
		}
		group.Wait()
		if let.Load() != 5 {
			t.Errorf("%d let through at once, want 5 of all processes", let.Load())
		}
		db := open()
		rows, err := db.read.QueryContext(ctx, `SELECT name FROM throttle`)
		names, err := collect(rows, err, func(row scanner) (name string, err error) { return name, row.Scan(&name) })
		if err != nil || len(names) != 3 {
			t.Fatalf("rows %v, %v", names, err)
		}
		for _, name := range names {
			if name != "whole" && len(name) != 32 {
				t.Errorf("kept: %q", name)
			}
		}
		if err := operator.NewThrottle(db, []byte("key"), now).Succeed(ctx, "ada@example.com", "203.0.113.77", ""); err != nil {
			t.Fatal(err)
		}
		later := operator.NewThrottle(db, []byte("key"), func() time.Time { return noon.Add(61 * time.Minute) })
		if _, ok, err := later.Try(ctx, "eve@example.com", "", ""); err != nil || !ok {
			t.Fatal(ok, err)
		}
		var left int
		if err := db.read.QueryRowContext(ctx, `SELECT COUNT(*) FROM throttle`).Scan(&left); err != nil || left != 2 {
			t.Errorf("%d rows after an hour, %v", left, err)
		}
	})
}
