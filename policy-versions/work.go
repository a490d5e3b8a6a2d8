package policyversions

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Errors of works.
var (
	ErrUnknownWork = errors.New("no such draft: it was published or dropped")
	ErrStale       = errors.New("somebody else has changed this draft: read it again, then make the change anew")
	ErrSubmitted   = errors.New("this draft waits for approval: take it back before changing it")
)

// A WorkState is how far a work is.
type WorkState string

// The states of a work.
const (
	Drafted   WorkState = "draft"     // is being written
	Submitted WorkState = "submitted" // waits for another operator's approval
)

// A Work is a version in the making: what an operator writes, before anybody is
// bound by it. Unlike a version it can be changed and dropped.
type Work struct {
	ID           string // made by the store with the first SaveWork
	Site, Policy string // keys
	Revision     int64  // counts the changes; 0 was never saved
	Language     string // BCP 47 of the text that binds
	Title        string // "" takes the text's first heading
	Markdown     string
	Translations []WorkText
	Material     bool              // as in Announcement
	Summary      map[string]string // by language
	Grace        time.Duration
	Effective    time.Time // zero: when it is published
	State        WorkState
	By           string // operator id of whoever changed it last, or "cli"
	SubmittedBy  string // while State is Submitted
	ChangedAt    time.Time
}

// A WorkText is a translation in the making.
type WorkText struct {
	Language string `json:"language"` // BCP 47
	Title    string `json:"title"`    // "" takes the text's first heading
	Markdown string `json:"markdown"`
}

// A WorkStore keeps works. Calls are safe for concurrent use and return after the
// change is durable.
type WorkStore interface {
	// SaveWork keeps w and returns it with its next Revision and, if it is a new one,
	// its ID. It fails with ErrStale where w.Revision is not the one that is kept, with
	// ErrSubmitted where both are submitted, and with ErrUnknownWork where the work is gone.
	SaveWork(ctx context.Context, w Work) (Work, error)
	// Work fails with ErrUnknownWork.
	Work(ctx context.Context, site, id string) (Work, error)
	// Works lists a site's, the one changed last first.
	Works(ctx context.Context, site string) ([]Work, error)
	// DropWork deletes a work; one that is gone is no error.
	DropWork(ctx context.Context, site, id string) error
}

// Submit is w as it waits for another operator's approval. It fails as PublishWork
// would, so that nobody is asked to approve what can't be published. By stays: whoever
// wrote it last does not become another by somebody else's submitting it.
func (w Work) Submit(by string) (Work, error) {
	if _, err := w.version(); err != nil {
		return Work{}, err
	}
	w.State, w.SubmittedBy = Submitted, by
	return w, nil
}

// TakeBack is w as it can be changed again: whoever edits a submitted work takes it
// back first, so that nobody approves other words than those that are submitted.
func (w Work) TakeBack(by string) Work {
	w.State, w.SubmittedBy, w.By = Drafted, "", by
	return w
}

// approved says whether w may be published by that operator, with the approval of another.
func (w Work) approved(by, approvedBy string) error {
	switch {
	case approvedBy == "":
		return nil // the store refuses it where the site asks for approval
	case w.State != Submitted:
		return fmt.Errorf("%w; this draft was not submitted", ErrNotApproved)
	case approvedBy == w.SubmittedBy, approvedBy == w.By:
		return fmt.Errorf("%w; who wrote or submitted it can't approve it, too", ErrNotApproved)
	}
	return nil
}
