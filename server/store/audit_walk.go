package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/volenti-consent/volenti/server/auditlog"
)

// A walker reads rows in the order of their places in the log.
type walker struct {
	rows *sql.Rows
	at   int64 // of the row it stands at; math.MaxInt64 behind the last
	into []any
	err  error // why the row can't be read
}

// walkers share a snapshot. ctx is looked at elsewhere: a query that can end early
// costs more for each row.
func (r *replay) walker(ctx context.Context, query string, into ...any) (*walker, error) {
	rows, err := r.tx.QueryContext(context.WithoutCancel(ctx), query) //nolint:rowserrcheck // next looks
	if err != nil {
		return nil, err
	}
	w := &walker{rows: rows, at: -1, into: append([]any{new(int64)}, into...)}
	return w, w.next()
}

// next goes on. A row that can't be read has its place, if that much is readable.
func (w *walker) next() error {
	w.err = nil
	if !w.rows.Next() {
		w.at = math.MaxInt64
		return w.rows.Err()
	}
	w.err = w.rows.Scan(w.into...)
	w.at = *(w.into[0].(*int64))
	return nil
}

var errMisshapen = errors.New("it can't be read: a column holds what no program of ours writes")

// walk reads the log and what stands at its leaves, in one go.
func (r *replay) walk(ctx context.Context) (err error) {
	var leafBytes, hash sql.RawBytes
	row, hidden, v, e, t := newRecordRow(), newRecordRow(), newVersionEntryRow(), newEntryRow(), tombstoneRow{}
	all := make([]*walker, 0, 7)
	defer func() {
		for _, w := range all {
			err = errors.Join(err, w.rows.Close())
		}
	}()
	open := func(query string, into ...any) *walker {
		w := &walker{at: math.MaxInt64}
		if err == nil {
			if w, err = r.walker(ctx, query, into...); w != nil {
				all = append(all, w)
			}
		}
		return w
	}
	leaves := open(`SELECT position, leaf FROM log_leaf ORDER BY position`, &leafBytes)
	nodes := open(`SELECT position, hash FROM log_node ORDER BY position`, &hash)
	records := open(`SELECT `+recordColumns+` FROM record ORDER BY position`, row.targets()...)
	restricted := open(`SELECT `+recordColumns+` FROM restricted_record ORDER BY position`, hidden.targets()...)
	versions := open(versionEntryQuery, v.targets()...)
	entries := open(`SELECT position, kind, site, object, salt_core, salt_person, commit_pers, core, personal FROM log_entry ORDER BY position`, e.targets()...)
	graves := open(`SELECT erased, how, position FROM tombstone ORDER BY erased`, t.targets()...)
	if err != nil {
		return err
	}
	tree := &auditlog.Replay{
		Node: func(index int64) (tlog.Hash, bool) {
			for nodes.at < index && err == nil {
				err = nodes.next()
			}
			if nodes.at != index || nodes.err != nil || len(hash) != tlog.HashSize {
				return tlog.Hash{}, false
			}
			return tlog.Hash(hash), true
		},
		Wrong: func(index int64, missing bool) {
			what := auditlog.Altered
			if missing {
				what = auditlog.Lost
			}
			r.finding(what, fmt.Sprintf("node %d", index), auditlog.NoLeaf, auditlog.ErrDamaged)
		},
	}
	crew := r.hire(ctx)
	defer func() { err = errors.Join(err, crew.end(r)) }()
	r.compare(tree)
	for err == nil {
		at := min(leaves.at, records.at, restricted.at, versions.at, entries.at, graves.at)
		if at == math.MaxInt64 {
			break
		}
		if at < tree.Size() || at-tree.Size() > mostGone {
			return errors.Join(r.outside(at, leaves, records, restricted, versions, entries, graves), err)
		}
		for tree.Size() < at && err == nil { // nothing at all is left of these
			kept, _ := tree.Kept()
			r.gone(tree.Size())
			tree.Add(kept, false)
			r.compare(tree)
		}
		l := leaf{index: at, there: leaves.at == at && leaves.err == nil && len(leafBytes) == auditlog.LeafSize}
		if l.there {
			l.bytes = [auditlog.LeafSize]byte(leafBytes)
		} else if leaves.at == at {
			l.misshapen = true
		}
		l.node, l.hashed = tree.Kept()
		l.grave = graves.at == at
		if l.grave {
			l.how, l.tombstone = t.how, t.position
		}
		stands := 0
		for _, w := range []*walker{records, restricted, versions, entries} {
			if w.at != at {
				continue
			}
			stands++
			if w.err != nil {
				r.finding(auditlog.Altered, "what stands for the leaf", at, errMisshapen)
				l.opened = true
				continue
			}
			switch w {
			case records:
				err = r.record(ctx, crew, &l, row)
			case restricted:
				err = r.record(ctx, crew, &l, hidden)
			case versions:
				r.versionEntry(&l, v)
			default:
				err = r.entry(ctx, &l, e)
			}
			if err != nil {
				return err
			}
		}
		if stands > 1 {
			r.finding(auditlog.Inserted, "what stands for the leaf", at, errors.New("there are two of them"))
		}
		r.settle(&l, stands)
		tree.Add(l.hash, l.known)
		r.compare(tree)
		for _, w := range []*walker{leaves, records, restricted, versions, entries, graves} {
			if w.at == at && err == nil {
				err = w.next()
			}
		}
		if at%progressEvery == 0 {
			if err == nil {
				err = ctx.Err()
			}
			if r.Progress != nil {
				r.Progress(at, r.Head.Size)
			}
		}
	}
	r.goneTold()
	if err != nil {
		return err
	}
	return r.ends(tree, nodes)
}

// mostGone is how many leaves in a row may be gone without a trace for the rest to be
// worth reading.
const mostGone = 1_000_000

// progressEvery is after how many leaves Progress is told.
const progressEvery = 4096

// ends compares what was read with what the head says.
func (r *replay) ends(tree *auditlog.Replay, nodes *walker) error {
	size := tree.Size()
	_, _ = tree.Kept() // passes over nodes that belong to leaves
	if nodes.at != math.MaxInt64 {
		r.finding(auditlog.Inserted, fmt.Sprintf("node %d", nodes.at), auditlog.NoLeaf, fmt.Errorf("the log has no more than %d leaves: %w", size, auditlog.ErrDamaged))
	}
	switch root, known := tree.Root(); {
	case r.Head.Size > size:
		r.finding(auditlog.Lost, fmt.Sprintf("leaves %d to %d", size, r.Head.Size-1), size, fmt.Errorf("the log's head counts them: %w", auditlog.ErrDamaged))
	case r.Head.Size < size:
		r.finding(auditlog.Inserted, fmt.Sprintf("leaves %d to %d", r.Head.Size, size-1), r.Head.Size, fmt.Errorf("the log's head does not count them: %w", auditlog.ErrDamaged))
	case root != r.Head.Root && known:
		r.finding(auditlog.Altered, "the head of the log", auditlog.NoLeaf, fmt.Errorf("its root is %s, that of its leaves is %s: %w", r.Head.Root, root, auditlog.ErrDamaged))
	case root != r.Head.Root && len(r.Findings) == 0:
		r.finding(auditlog.Altered, "the head of the log", auditlog.NoLeaf, auditlog.ErrDamaged)
	}
	r.beyond(size)
	if r.Progress != nil {
		r.Progress(size, size)
	}
	return nil
}

// outside tells of rows that stand where no leaf can be.
func (r *replay) outside(at int64, all ...*walker) error {
	for _, w := range all {
		if w.at == at {
			r.finding(auditlog.Inserted, "a row of the log", at, fmt.Errorf("the log has %d leaves: %w", r.Head.Size, auditlog.ErrDamaged))
		}
	}
	r.goneTold()
	r.beyond(min(at, r.Head.Size))
	return nil
}

// gone collects leaves of which nothing is left, so that a range is told as one.
func (r *replay) gone(index int64) {
	r.Without++
	if r.lost[1] != index {
		r.goneTold()
		r.lost = [2]int64{index, index + 1}
		return
	}
	r.lost[1]++
}

func (r *replay) goneTold() {
	if from, to := r.lost[0], r.lost[1]; to > from {
		r.finding(auditlog.Lost, fmt.Sprintf("leaves %d to %d", from, to-1), from, auditlog.ErrDamaged)
	}
	r.lost = [2]int64{}
}

// A leaf is a place of the log, and what was found there.
type leaf struct {
	index     int64
	bytes     [auditlog.LeafSize]byte
	there     bool // bytes are
	misshapen bool
	node      tlog.Hash
	hashed    bool // node is there

	grave     bool // a tombstone speaks of it
	how       string
	tombstone int64

	opened   bool // something stands for it
	of       string
	computed [auditlog.LeafSize]byte // from what stands for it
	whole    bool                    // computed is
	halved   bool                    // its personal half was removed

	hash  tlog.Hash // what the tree goes on with
	known bool
}

// settle decides, of what stands for a leaf, its row and its node, which one was
// altered: the two others agree.
func (r *replay) settle(l *leaf, stands int) {
	of := l.of
	if of == "" {
		of = "what stands for the leaf"
	}
	row, opens := auditlog.LeafHash(l.bytes), auditlog.LeafHash(l.computed)
	l.hash, l.known = row, l.there
	switch {
	case !l.there && !l.misshapen && l.hashed:
		r.finding(auditlog.Lost, "the leaf", l.index, auditlog.ErrDamaged)
		l.hash, l.known = l.node, true
	case l.there && l.hashed && row == l.node:
	case !l.hashed:
		if l.there {
			r.finding(auditlog.Lost, fmt.Sprintf("node %d", tlog.StoredHashIndex(0, l.index)), l.index, auditlog.ErrDamaged)
		} else {
			r.finding(auditlog.Lost, "the leaf", l.index, auditlog.ErrDamaged)
		}
	case l.whole && opens == l.node, l.misshapen:
		r.finding(auditlog.Altered, "the leaf", l.index, auditlog.ErrDamaged)
		l.hash, l.known = l.node, true
	case l.whole && opens == row:
		r.finding(auditlog.Altered, fmt.Sprintf("node %d", tlog.StoredHashIndex(0, l.index)), l.index, auditlog.ErrDamaged)
	default:
		r.finding(auditlog.Altered, "the leaf or its node", l.index, auditlog.ErrDamaged)
		l.known = false
	}
	if l.whole && opens != l.hash && l.known || l.opened && !l.whole {
		r.finding(auditlog.Altered, of, l.index, auditlog.ErrDamaged)
	}
	switch {
	case stands == 0 && !l.grave:
		r.Without++
		r.finding(auditlog.Lost, "what stands for the leaf", l.index, errors.New("no tombstone speaks of it"))
	case stands == 0:
		r.Without++
		if l.how != shredded {
			r.finding(auditlog.Lost, "the core", l.index, fmt.Errorf("the tombstone at leaf %d says that only the personal half was to go", l.tombstone))
		}
	case l.halved && !l.grave:
		r.finding(auditlog.Lost, "the personal half of "+of, l.index, errors.New("no tombstone speaks of it"))
	case l.grave && l.how == shredded, l.grave && !l.halved:
		r.finding(auditlog.Inserted, of, l.index, fmt.Errorf("the tombstone at leaf %d says that it is gone", l.tombstone))
	}
}
