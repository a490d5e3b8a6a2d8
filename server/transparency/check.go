package transparency

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/volenti-consent/volenti/server/auditlog"
)

// PinnedFile is the file beside the database that holds the newest checkpoint. It
// belongs to no backup: it is what a backup that was restored is held against.
const PinnedFile = "log.checkpoint"

// ErrAnother: a checkpoint of another log, or one that this log's key did not sign.
var ErrAnother = errors.New("this checkpoint is not of this log")

// Check makes sure that a store continues what was signed of it: the checkpoints in it,
// and the one in the file pinned, which outlives a database that is exchanged. key is
// nil where none was made yet. Its error says what to do.
func Check(ctx context.Context, s Store, key *auditlog.LogKey, pinned string) error {
	// The file first: what another process signs meanwhile is then in the store that is read.
	c, noFile := ReadPinned(pinned)
	last, err := s.LatestCheckpoint(ctx)
	if err != nil && !errors.Is(err, auditlog.ErrNoCheckpoint) {
		return err
	}
	some := err == nil
	head, err := s.Head(ctx)
	if err != nil {
		return err
	}
	if some {
		if err := check(ctx, s, key, last, head); err != nil {
			return refusal("the database holds", last, err)
		}
	}
	if errors.Is(noFile, fs.ErrNotExist) {
		return nil
	}
	if noFile != nil {
		return fmt.Errorf("%w: put the file back from where it was copied; without it nothing shows that the database was not rolled back, and volenti log accept says so in the log", noFile)
	}
	err = check(ctx, s, key, c, head)
	if err == nil && c.Head.Size > last.Head.Size {
		// A checkpoint is in the database before it is in the file.
		err = fmt.Errorf("it has lost a checkpoint that was signed: %w", auditlog.ErrFork)
	}
	if err == nil {
		return nil
	}
	// Another node may have accepted the database since.
	done, failed := settled(ctx, s, last.Head, c, pinned)
	if failed != nil || done {
		return failed
	}
	return refusal(pinned+" holds", c, err)
}

// settled reports whether a checkpoint of which the store knows nothing, in a file, was
// given up for good by whoever accepted the store: the log says so under a head that it
// has signed. A file that was written since was written by somebody who knew better.
func settled(ctx context.Context, s Store, signed auditlog.Head, c auditlog.Checkpoint, file string) (bool, error) {
	info, err := os.Stat(file)
	if err != nil {
		return false, err
	}
	all, err := s.Acceptances(ctx)
	if err != nil {
		return false, err
	}
	for _, a := range all {
		if a.Position >= signed.Size || !a.Settles(c.Origin, c.Head, info.ModTime()) {
			continue
		}
		proof, err := auditlog.ProveInclusion(s.Hashes(ctx), signed, a.Position)
		if err == nil {
			err = auditlog.CheckInclusion(proof, signed, a.Position, a.Leaf)
		}
		return err == nil, err
	}
	return false, nil
}

func check(ctx context.Context, s Store, key *auditlog.LogKey, c auditlog.Checkpoint, head auditlog.Head) error {
	if key == nil {
		return fmt.Errorf("the key that signed it is not there; put keys/log.key back from a backup: %w", ErrAnother)
	}
	if _, _, err := auditlog.OpenCheckpoint(c.Note, key.Verifier()); err != nil {
		return fmt.Errorf("the key in keys/log.key is that of %s: %w: %w", key.Origin(), ErrAnother, err)
	}
	return continues(ctx, s, c.Head, head)
}

func refusal(where string, c auditlog.Checkpoint, err error) error {
	return fmt.Errorf(`this database is not the one whose log was signed: %w
%s a checkpoint of %d leaves of log %s.
Was the database restored from a backup, rolled back or changed? Put the newer one back. To go on with this one,
run: volenti log accept. It says so in the log, and witnesses will not cosign the log any more before it has a new name`, err, where, c.Head.Size, c.Origin)
}

// ReadPinned reads a checkpoint from a file, without asking who signed it.
func ReadPinned(path string) (auditlog.Checkpoint, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return auditlog.Checkpoint{}, err
	}
	c, err := auditlog.ParseCheckpoint(text)
	if err != nil {
		return c, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}
