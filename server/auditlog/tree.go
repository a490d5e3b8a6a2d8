package auditlog

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// ErrDamaged is returned where stored hashes contradict each other: the log was
// altered or the disk lost something. It never goes away by trying again.
var ErrDamaged = errors.New("the log's hashes contradict each other: restore the database from a backup")

// A Head is the log at one moment.
type Head struct {
	Size int64 // leaves
	Root tlog.Hash
}

// A StoredHash is a node of the tree under its number in tlog's storage order.
// Nodes are written once and never change.
type StoredHash struct {
	Index int64
	Hash  tlog.Hash
}

// A Reader reads a log as it stands in a store. Calls are safe for concurrent
// use, and each sees only what was committed.
type Reader interface {
	Head(ctx context.Context) (Head, error)
	// Hashes reads nodes; ErrDamaged for one that should be there and isn't.
	Hashes(ctx context.Context) tlog.HashReader
	// Leaves are the leaves [from, from+n), LeafSize bytes each; fewer where the
	// log ends before.
	Leaves(ctx context.Context, from int64, n int) ([][LeafSize]byte, error)
}

// An Edge is the right edge of a tree: the roots of its complete subtrees. It
// is all that appending needs, so a store that remembers it reads nothing. An
// Edge never changes; the zero Edge is that of the empty log.
type Edge struct {
	size  int64
	nodes map[int64]tlog.Hash
}

// LoadEdge reads the edge of the log of size leaves. It fails with ErrDamaged
// where its root is not the one that was written down with that size.
func LoadEdge(r tlog.HashReader, head Head) (Edge, error) {
	e := Edge{size: head.Size, nodes: map[int64]tlog.Hash{}}
	root, err := tlog.TreeHash(head.Size, e.recording(r))
	if err != nil {
		return Edge{}, fmt.Errorf("read the log's edge at size %d: %w", head.Size, err)
	}
	if root != head.Root {
		return Edge{}, fmt.Errorf("root of %d leaves: %w", head.Size, ErrDamaged)
	}
	return e, nil
}

// Head is the size and root of the tree whose edge e is.
func (e Edge) Head() (Head, error) {
	root, err := tlog.TreeHash(e.size, e)
	if err != nil {
		return Head{}, err
	}
	return Head{Size: e.size, Root: root}, nil
}

// Append adds leaves. It returns the edge and head after them and the nodes to
// store, in storage order; e stays as it was.
func (e Edge) Append(leaves [][LeafSize]byte) (next Edge, head Head, nodes []StoredHash, err error) {
	grown := &overlay{base: e, first: tlog.StoredHashIndex(0, e.size), fresh: make([]StoredHash, 0, 2*len(leaves)+1)}
	size := e.size
	for _, leaf := range leaves {
		hashes, err := tlog.StoredHashesForRecordHash(size, LeafHash(leaf), grown)
		if err != nil {
			return Edge{}, Head{}, nil, fmt.Errorf("append leaf %d: %w", size, err)
		}
		for _, h := range hashes {
			grown.fresh = append(grown.fresh, StoredHash{Index: grown.first + int64(len(grown.fresh)), Hash: h})
		}
		size++
	}
	next = Edge{size: size, nodes: map[int64]tlog.Hash{}}
	head.Size = size
	if head.Root, err = tlog.TreeHash(size, next.recording(grown)); err != nil {
		return Edge{}, Head{}, nil, fmt.Errorf("root of %d leaves: %w", size, err)
	}
	return next, head, grown.fresh, nil
}

// ReadHashes makes an Edge a tlog.HashReader for what it holds.
func (e Edge) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		h, ok := e.nodes[x]
		if !ok {
			return nil, fmt.Errorf("node %d is not on the edge of %d leaves: %w", x, e.size, ErrDamaged)
		}
		hashes[i] = h
	}
	return hashes, nil
}

// recording reads from r and keeps what was read: a tree's root is computed
// from exactly the nodes of its edge.
func (e Edge) recording(r tlog.HashReader) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		hashes, err := r.ReadHashes(indexes)
		if err != nil {
			return nil, err
		}
		if len(hashes) != len(indexes) {
			return nil, fmt.Errorf("asked for %d nodes, got %d: %w", len(indexes), len(hashes), ErrDamaged)
		}
		for i, x := range indexes {
			e.nodes[x] = hashes[i]
		}
		return hashes, nil
	})
}

// overlay is an edge with the nodes of a batch on top, which follow each other in the
// order of storage, from first on.
type overlay struct {
	base  Edge
	first int64
	fresh []StoredHash
}

func (o *overlay) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		if x >= o.first {
			hashes[i] = o.fresh[x-o.first].Hash
			continue
		}
		old, err := o.base.ReadHashes(indexes[i : i+1])
		if err != nil {
			return nil, err
		}
		hashes[i] = old[0]
	}
	return hashes, nil
}
