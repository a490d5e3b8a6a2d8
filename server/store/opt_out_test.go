package store

import (
	"maps"
	"testing"
	"time"
)

// A run is found by its name as long as it lasts, with what it came to; there are no
// more than room was given for, and what is over leaves nothing behind.
func TestOptOutRuns(t *testing.T) {
	forEachEngine(t, func(t *testing.T, open func() *DB) {
		db, ctx, at := open(), t.Context(), noon
		ends := at.Add(10 * time.Minute)
		keep := func(id string, now time.Time, most int) bool {
			t.Helper()
			kept, err := db.KeepRun(ctx, id, "the run "+id, map[string]string{"shop": "out", "news": "todo"}, now.Add(10*time.Minute), now, most)
			if err != nil {
				t.Fatal(err)
			}
			return kept
		}
		if !keep("a", at, 2) || !keep("b", at, 2) || keep("c", at, 2) {
			t.Error("there is room for two, and not for three")
		}
		if err := db.MarkRun(ctx, "a", map[string]string{"news": "out", "blog": "todo"}, at); err != nil {
			t.Fatal(err)
		}
		if err := db.MarkRun(ctx, "unknown", map[string]string{"news": "out"}, at); err != nil {
			t.Fatal(err)
		}
		run, states, ok, err := db.Run(ctx, "a", ends.Add(-time.Millisecond))
		if err != nil || !ok || run != "the run a" || !maps.Equal(states, map[string]string{"shop": "out", "news": "out", "blog": "todo"}) {
			t.Errorf("%q %v %v %v", run, states, ok, err)
		}
		for _, id := range []string{"unknown", "c"} {
			if _, _, ok, err := db.Run(ctx, id, at); ok || err != nil {
				t.Errorf("%s: %v %v", id, ok, err)
			}
		}
		if _, _, ok, _ := db.Run(ctx, "a", ends); ok {
			t.Error("it outlasts its time")
		}
		if err := db.MarkRun(ctx, "b", map[string]string{"news": "out"}, ends); err != nil {
			t.Fatal(err)
		}
		if _, states, _, _ := db.Run(ctx, "b", at); states["news"] != "todo" {
			t.Error("what is over is changed")
		}
		if !keep("d", ends, 1) {
			t.Error("what is over takes room")
		}
		var left int
		if err := db.read.QueryRowContext(ctx, `SELECT COUNT(*) FROM opt_out_result WHERE run <> 'd'`).Scan(&left); err != nil || left != 0 {
			t.Errorf("%d results of runs that are over: %v", left, err)
		}
	})
}
