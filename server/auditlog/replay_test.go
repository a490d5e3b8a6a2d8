package auditlog

import (
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"
)

// A replay has the roots of all sizes, and tells which node is wrong, and only that.
func TestAReplayComparesEveryNode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, 200).Draw(t, "size")
		store := nodes{}
		heads := build(t, store, slices.Repeat([]int{1}, size))
		var wrong []int64
		missing := map[int64]bool{}
		run := func() *Replay {
			wrong, missing = nil, map[int64]bool{}
			r := &Replay{
				Node:  func(x int64) (tlog.Hash, bool) { h, ok := store[x]; return h, ok },
				Wrong: func(x int64, gone bool) { wrong = append(wrong, x); missing[x] = gone },
			}
			for i, leaf := range leavesTo(size) {
				if kept, ok := r.Kept(); ok && kept != LeafHash(leaf) || !ok {
					r.Wrong(tlog.StoredHashIndex(0, int64(i)), !ok)
				}
				r.Add(LeafHash(leaf), true)
				if root, known := r.Root(); !known || root != heads[i+1].Root || r.Size() != heads[i+1].Size {
					t.Fatalf("root after %d leaves", i+1)
				}
			}
			return r
		}
		if run(); len(wrong) != 0 {
			t.Fatalf("a false alarm: %v", wrong)
		}
		x := int64(rapid.IntRange(0, len(store)-1).Draw(t, "node"))
		kept := store[x]
		bad := kept
		bad[7] ^= 2
		store[x] = bad
		if run(); len(wrong) != 1 || wrong[0] != x || missing[x] {
			t.Fatalf("node %d was altered, found %v", x, wrong)
		}
		delete(store, x)
		if run(); len(wrong) != 1 || wrong[0] != x || !missing[x] {
			t.Fatalf("node %d is missing, found %v", x, wrong)
		}
	})
}
