// Package transparency lets others hold the log to its word: it signs checkpoints,
// serves the tree as tiles, has witnesses cosign what it signs, cosigns the logs of
// others, and pins checkpoints where whoever can change the database can't.
package transparency

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/volenti-consent/volenti/server/auditlog"
)

// A Store keeps the log and what was signed of it. Calls are safe for concurrent use;
// what was kept is durable when they return.
type Store interface {
	auditlog.Reader
	// LatestCheckpoint is the newest one, with the newest cosignatures;
	// auditlog.ErrNoCheckpoint.
	LatestCheckpoint(ctx context.Context) (auditlog.Checkpoint, error)
	// KeepCheckpoint fails with auditlog.ErrFork where another head of that size or a
	// longer one was signed.
	KeepCheckpoint(ctx context.Context, c auditlog.Checkpoint) error
	// KeepCosignatures keeps signature lines by name and hash of the witness's key.
	KeepCosignatures(ctx context.Context, c auditlog.Checkpoint, lines map[string]string) error
	// Acceptances are those that were entered into the log, newest first.
	Acceptances(ctx context.Context) ([]auditlog.Acceptance, error)
}

// Options are what a Log is made of.
type Options struct {
	Store Store
	Key   *auditlog.LogKey
	Log   *slog.Logger
	Now   func() time.Time
	// Wrong is nil, or says why Now is not to be believed just now: nothing is signed then.
	Wrong func() error
	// Pinned is the file that always holds the newest checkpoint; "" is none.
	Pinned string
	// Every is how often a log that grows is signed; a second if it is zero.
	Every time.Duration
	// Fresh is how old the cosignatures of a log that doesn't grow may get; ten minutes
	// if it is zero.
	Fresh time.Duration
	// Retired are the public keys under which the log was signed before, to be shown.
	Retired []string

	// OnSign is told of every checkpoint that was made, and of failures; nil is nobody.
	OnSign func(took time.Duration, err error)

	Witnesses []Witness // that cosign this log
	Witness   *Cosigner // as which this server cosigns others; nil if it is none
	Places    []Place   // where checkpoints are pinned once a day
	Pins      PinStore  // what was pinned there
}

// A Log signs what the store holds. It is safe for concurrent use; several processes
// may sign one log.
type Log struct {
	Options

	signing sync.Mutex // one at a time makes checkpoints

	mu     sync.RWMutex
	newest auditlog.Checkpoint // what is published, signed by the log alone; guarded by mu
	signed chan struct{}       // closed when newest changes; guarded by mu
	lines  map[string]string   // cosignatures of newest, by key; guarded by mu
	vouch  auditlog.Checkpoint // the newest that somebody has cosigned, with that; guarded by mu
}

// New makes the log that stands on a store. Nothing is signed yet.
func New(o Options) *Log {
	if o.Every <= 0 {
		o.Every = time.Second
	}
	if o.Fresh <= 0 {
		o.Fresh = 10 * time.Minute
	}
	return &Log{Options: o, signed: make(chan struct{})}
}

// Newest is the checkpoint that is published; its Note is empty before the first.
func (l *Log) Newest() auditlog.Checkpoint {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.newest
}

// show pins c, which is kept, and then lets others see it.
func (l *Log) show(c auditlog.Checkpoint) error {
	if was := l.Newest(); len(was.Note) > 0 && was.Head == c.Head {
		return nil
	}
	if l.Pinned != "" {
		if err := writeFile(l.Pinned, c.Note); err != nil {
			return err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.newest = c
	l.newest.Note, l.lines = auditlog.SplitNote(c.Note, l.Key.Verifier())
	if len(l.lines) > 0 { // kept before this start
		l.vouch = c
	}
	close(l.signed)
	l.signed = make(chan struct{})
	return nil
}

// cosigned is the published checkpoint with the cosignatures there are.
func (l *Log) cosigned() auditlog.Checkpoint {
	l.mu.RLock()
	defer l.mu.RUnlock()
	c := l.newest
	c.Note = withLines(c.Note, l.lines)
	return c
}

// withLines is a note with more signatures.
func withLines(text []byte, lines map[string]string) []byte {
	text = slices.Clone(text)
	for _, key := range slices.Sorted(maps.Keys(lines)) {
		text = append(text, lines[key]...)
	}
	return text
}

// add takes in a cosignature of c that was verified.
func (l *Log) add(c auditlog.Checkpoint, key, line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.newest.Head != c.Head {
		return
	}
	lines := map[string]string{key: line}
	maps.Copy(lines, l.lines)
	lines[key] = line
	l.lines, l.vouch = lines, l.newest
	l.vouch.Note = withLines(l.newest.Note, lines)
}

// Sign makes a checkpoint of the log as it is, keeps it, pins it, and publishes it;
// where nothing was added since the last one, that one is the answer. It fails with
// auditlog.ErrFork, and signs nothing, where the log does not continue what was signed
// before.
func (l *Log) Sign(ctx context.Context) (auditlog.Checkpoint, error) {
	return l.signAt(ctx, auditlog.Head{})
}

// signAt is Sign, but where the newest checkpoint is of a head that the log had at
// least, that one is the answer.
func (l *Log) signAt(ctx context.Context, least auditlog.Head) (c auditlog.Checkpoint, err error) {
	l.signing.Lock()
	defer l.signing.Unlock()
	if l.OnSign != nil {
		begun, before := time.Now(), l.Newest().Head
		defer func() {
			if err != nil || c.Head != before {
				l.OnSign(time.Since(begun), err)
			}
		}()
	}
	const tries = 5 // other processes may sign too
	for range tries {
		c, err = l.sign(ctx, least)
		if err == nil {
			return c, l.show(c)
		}
		if !errors.Is(err, auditlog.ErrFork) {
			break
		}
	}
	return auditlog.Checkpoint{}, err
}

func (l *Log) sign(ctx context.Context, least auditlog.Head) (auditlog.Checkpoint, error) {
	// In this order: of what is read later there is more.
	last, err := l.Store.LatestCheckpoint(ctx)
	none := errors.Is(err, auditlog.ErrNoCheckpoint)
	if err != nil && !none {
		return auditlog.Checkpoint{}, err
	}
	head, err := l.Store.Head(ctx)
	if err != nil {
		return auditlog.Checkpoint{}, err
	}
	// A database that lost what this node has seen signed, such as a replica that was
	// behind when it was made the first one, is not signed any further.
	if shown := l.Newest(); len(shown.Note) > 0 && shown.Origin == l.Key.Origin() {
		if !none && shown.Head == head && last.Head == head {
			return last, nil
		}
		if none || shown.Head != last.Head { // else it is asked below
			if err := continues(ctx, l.Store, shown.Head, head); err != nil {
				return auditlog.Checkpoint{}, err
			}
		}
	}
	if !none && last.Origin == l.Key.Origin() && (last.Head == head || least.Size > 0 && last.Head.Size >= least.Size) {
		if err := continues(ctx, l.Store, last.Head, head); err != nil {
			return auditlog.Checkpoint{}, err
		}
		// Read it was; that it is also kept on the replica that may come next is known when
		// something was written after it.
		return last, l.Store.KeepCheckpoint(ctx, last)
	}
	if !none {
		if err := continues(ctx, l.Store, last.Head, head); err != nil {
			return auditlog.Checkpoint{}, err
		}
	}
	if l.Wrong != nil {
		if err := l.Wrong(); err != nil {
			return auditlog.Checkpoint{}, err
		}
	}
	c, err := l.Key.Sign(head, l.Now())
	if err != nil {
		return auditlog.Checkpoint{}, err
	}
	if err := l.Store.KeepCheckpoint(ctx, c); err != nil {
		return auditlog.Checkpoint{}, err
	}
	return c, nil
}

// continues makes sure that the log at head continues it at old.
func continues(ctx context.Context, r auditlog.Reader, old, head auditlog.Head) error {
	if old.Size > head.Size {
		return fmt.Errorf("it has %d leaves, and %d were signed: %w", head.Size, old.Size, auditlog.ErrFork)
	}
	proof, err := auditlog.ProveConsistency(r.Hashes(ctx), old, head)
	if err != nil {
		return err
	}
	if err := auditlog.CheckConsistency(proof, old, head); err != nil {
		return fmt.Errorf("its first %d leaves are not those that were signed: %w", old.Size, auditlog.ErrFork)
	}
	return nil
}

// Proof is a proof file for the leaf at index (c2sp.org/tlog-proof@v1), under the newest
// checkpoint that witnesses have cosigned, if it covers the leaf; else under the
// newest, which is made where none covers it yet. auditlog.ErrNotInLog where there is
// no such leaf.
func (l *Log) Proof(ctx context.Context, index int64) ([]byte, error) {
	l.mu.RLock()
	c := l.vouch
	l.mu.RUnlock()
	if index >= c.Head.Size {
		c = l.cosigned()
	}
	if index >= c.Head.Size {
		var err error
		if c, err = l.Sign(ctx); err != nil {
			return nil, err
		}
	}
	return l.prove(ctx, index, c)
}

// ProofUnder is a proof file for the leaf at index under a checkpoint that somebody
// kept, which the caller has opened. auditlog.ErrNotInLog where the leaf came later,
// auditlog.ErrFork where the log does not continue that checkpoint.
func (l *Log) ProofUnder(ctx context.Context, index int64, c auditlog.Checkpoint) ([]byte, error) {
	head, err := l.Store.Head(ctx)
	if err != nil {
		return nil, err
	}
	if err := continues(ctx, l.Store, c.Head, head); err != nil {
		return nil, err
	}
	return l.prove(ctx, index, c)
}

func (l *Log) prove(ctx context.Context, index int64, c auditlog.Checkpoint) ([]byte, error) {
	hashes, err := auditlog.ProveInclusion(l.Store.Hashes(ctx), c.Head, index)
	if err != nil {
		return nil, err
	}
	return auditlog.Proof{Index: index, Hashes: hashes, Checkpoint: c.Note}.Encode(), nil
}
