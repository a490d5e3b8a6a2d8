package notice

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/volenti-consent/volenti/server/canonical"
)

// Errors of a WorkStore.
var (
	ErrNoWork = errors.New("this site has no draft of a notice")
	ErrStale  = errors.New("somebody else has changed this draft: read it again, then make the change anew")
)

// A Work is a notice in the making: the text of a notice file, as somebody wrote it
// or as a form left it. A site has one at most. The text is all there is to it: it
// need not be a notice yet, and what it is not is said by Read.
type Work struct {
	Site      string
	Revision  int64            // counts the changes since it was begun; 0 was never saved
	Source    string           // a notice file in TOML
	Base      canonical.Digest // of the notice it began with, or ""
	By        string           // operator id of whoever changed it last
	ChangedAt time.Time
	Did       string // what the change was, in a few words: "vendors"
}

// A WorkStore keeps works and their earlier revisions, so that a change can be taken
// back. Calls are safe for concurrent use and return after the change is durable.
type WorkStore interface {
	// SaveNoticeWork keeps w as the next revision and returns it. It fails with
	// ErrStale where w.Revision is not the newest; of a work that is not there, 0 is.
	SaveNoticeWork(ctx context.Context, w Work) (Work, error)
	// NoticeWork is the newest revision; ErrNoWork.
	NoticeWork(ctx context.Context, site string) (Work, error)
	// NoticeWorks are the newest revisions, newest first, without their sources.
	NoticeWorks(ctx context.Context, site string, most int) ([]Work, error)
	// NoticeWorkAt is one revision; ErrNoWork.
	NoticeWorkAt(ctx context.Context, site string, revision int64) (Work, error)
	// DropNoticeWork deletes a work with all its revisions.
	DropNoticeWork(ctx context.Context, site string) error
}

// Read reads a notice file as Parse does, for somebody who is still writing it: the
// notice is there as long as the file could be read, whatever Lint finds in it. It
// is nil where a part of the file could not be understood, so that nobody who goes
// on from the notice loses that part.
func Read(file []byte, name string) (*Notice, []Issue) {
	n, unread, issues := read(file, name)
	if Failed(unread) {
		return nil, issues
	}
	return n, issues
}

// Options are the values of a closed list, the usual one first; nil for a key that
// takes others.
func Options(key string) []string {
	lists := map[string][]string{
		"posture": postures, "dnt": dnts, "google.mode": modes, "look.position": positions, "look.theme": themes, "look.reopen": reopens,
		"like": likes, "kind": kinds, "tag": tagKinds, "blocking.mode": blockings, "blocking.unknown": unknowns, "model": models,
	}
	return slices.Clone(lists[key])
}
