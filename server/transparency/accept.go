package transparency

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/volenti-consent/volenti/server/auditlog"
)

// An Accepter is what Accept needs of a store.
type Accepter interface {
	Store
	// AcceptLog enters the act into the log and keeps the pinned checkpoint, or nil, as
	// evidence. Checkpoints signed so far are not held against the log any more.
	AcceptLog(ctx context.Context, pinned []byte, operator, what, why string, at time.Time) error
}

// ErrNothing: the database continues all that was signed of it.
var ErrNothing = errors.New("nothing is to be accepted: the database continues its log")

// Accepted is what there was and what there is.
type Accepted struct {
	Before auditlog.Checkpoint // the newest known before; its Note is empty where there was none
	Now    auditlog.Checkpoint // signed now
}

// Accept goes on with a database that does not continue what was signed of its log,
// such as a backup that was restored. An entry of the log says so, with why, and what
// was signed before is kept as evidence: nobody who holds an older checkpoint can be
// made to believe that the log continues it. Witnesses refuse the log from here on,
// unless key is that of a new origin. pinned is rewritten.
func Accept(ctx context.Context, s Accepter, key *auditlog.LogKey, pinned, operator, why string, at time.Time) (Accepted, error) {
	var a Accepted
	before, err := s.LatestCheckpoint(ctx)
	if err != nil && !errors.Is(err, auditlog.ErrNoCheckpoint) && !errors.Is(err, auditlog.ErrDamaged) {
		return a, err
	}
	a.Before = before
	kept, err := ReadPinned(pinned)
	switch {
	case err == nil && kept.Head.Size >= before.Head.Size:
		a.Before = kept
	case err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, auditlog.ErrCheckpoint):
		return a, err
	}
	what := "no earlier checkpoint"
	if len(a.Before.Note) > 0 {
		what = fmt.Sprintf("%s %d %s", a.Before.Origin, a.Before.Head.Size, a.Before.Head.Root)
	}
	if err := s.AcceptLog(ctx, kept.Note, operator, what, why, at); err != nil {
		return a, err
	}
	l := New(Options{Store: s, Key: key, Now: func() time.Time { return at }, Pinned: pinned})
	a.Now, err = l.Sign(ctx)
	return a, err
}
