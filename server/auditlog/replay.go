package auditlog

import (
	"crypto/sha256"

	"golang.org/x/mod/sumdb/tlog"
)

// A Replay grows a tree anew from its leaves, and compares its nodes with those that
// are kept. It holds one hash for each level, whatever the size.
type Replay struct {
	size int64
	next int64 // number of the next node
	edge []subtree

	// Node is asked for the kept nodes, in order; false where one is missing.
	Node func(index int64) (tlog.Hash, bool)
	// Wrong is told of nodes that are missing or not those of the leaves. What
	// follows from one is not told again.
	Wrong func(index int64, missing bool)
}

// A subtree is a complete one at the edge.
type subtree struct {
	hash  tlog.Hash
	known bool // false: what is below is known to be wrong, and so is this
}

// Size is the number of leaves so far.
func (r *Replay) Size() int64 { return r.size }

// Kept is the kept hash of the next leaf; false where it is missing.
func (r *Replay) Kept() (tlog.Hash, bool) { return r.Node(r.next) }

// Add adds a leaf by its hash, and compares the nodes above it. known is false where
// it is not certain that this is the leaf; the leaf's own node is the caller's.
func (r *Replay) Add(leaf tlog.Hash, known bool) {
	index := r.next + 1
	top := subtree{leaf, known}
	for level := 0; r.size>>level&1 == 1; level++ {
		left := r.edge[len(r.edge)-1]
		r.edge = r.edge[:len(r.edge)-1]
		top = subtree{nodeHash(left.hash, top.hash), left.known && top.known}
		kept, ok := r.Node(index)
		if top.known && (!ok || kept != top.hash) {
			r.Wrong(index, !ok)
		}
		index++
	}
	r.edge = append(r.edge, top)
	r.next = index
	r.size++
}

// Root is that of the leaves so far, and whether it is known to be.
func (r *Replay) Root() (root tlog.Hash, known bool) {
	if len(r.edge) == 0 {
		return Empty().Root, true
	}
	last := r.edge[len(r.edge)-1]
	for i := len(r.edge) - 2; i >= 0; i-- {
		last = subtree{nodeHash(r.edge[i].hash, last.hash), r.edge[i].known && last.known}
	}
	return last.hash, last.known
}

// nodeHash is that of an inner node (RFC 6962, 2.1).
func nodeHash(left, right tlog.Hash) tlog.Hash {
	var b [1 + 2*tlog.HashSize]byte
	b[0] = 1
	copy(b[1:], left[:])
	copy(b[1+tlog.HashSize:], right[:])
	return sha256.Sum256(b[:])
}
