// Package policyversions keeps the legal texts of sites and every version they
// ever had.
package policyversions

import (
	"context"
	"errors"
	"time"

	"github.com/volenti-consent/volenti/server/canonical"
)

// Errors of a Store.
var (
	ErrUnknownPolicy  = errors.New("no such policy")
	ErrUnknownVersion = errors.New("no such version")
	ErrSameText       = errors.New("this text is published already")
	ErrBackdated      = errors.New("a later version is in force already")
)

// A Version is one published text of a policy. It never changes: the wording a
// visitor was bound by is evidence. To correct one, publish another.
type Version struct {
	Digest       canonical.Digest // SHA-256 of Canonical; the version's name on the wire
	Site         string           // site key
	Policy       string           // policy key, "privacy" or "cookies"
	Number       int              // 1, 2, 3 … within the policy; stands in the permanent address
	Title        string
	Language     string    // BCP 47 of the authoritative text
	PublishedAt  time.Time // UTC, milliseconds
	Effective    time.Time // binds from here on; UTC, milliseconds
	Canonical    []byte    // exactly what was hashed, stored and served
	Original     []byte    // the bytes that were imported, unchanged
	Format       string    // of Original: "markdown", "html", "text"
	Announcement           // what known visitors are told of it
}

// From is the moment from which the server shows the version as the one in force:
// who decided before it has not been asked under it. A version that is imported
// with a day in the past was not shown here on that day.
func (v Version) From() time.Time {
	if v.PublishedAt.After(v.Effective) {
		return v.PublishedAt
	}
	return v.Effective
}

// Binds is when the version binds visitors who decided before From. Until then
// the version they were told of last governs what was collected from them; a
// grace delays neither a stop nor a question of consent.
func (v Version) Binds() time.Time { return v.From().Add(v.Grace) }

// A Store keeps versions. Calls are safe for concurrent use.
type Store interface {
	// AddVersion gives v the next Number and keeps it, durably. It fails with
	// ErrSameText where the newest version has the same digest, and with
	// ErrBackdated where a version with a later Effective is there.
	AddVersion(ctx context.Context, v Version) (Version, error)
	// Versions lists a policy's versions without Canonical and Original, newest
	// first; ErrUnknownPolicy if there is none.
	Versions(ctx context.Context, site, policy string) ([]Version, error)
	// Version fails with ErrUnknownVersion.
	Version(ctx context.Context, site, policy string, number int) (Version, error)
	// InForce is the version with the latest Effective at or before at;
	// ErrUnknownPolicy or, where all versions lie ahead, ErrUnknownVersion.
	InForce(ctx context.Context, site, policy string, at time.Time) (Version, error)
}
