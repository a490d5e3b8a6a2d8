// Package policyversions keeps the legal texts of sites and every version they
// ever had.
package policyversions

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/volenti-consent/volenti/server/canonical"
)

// Errors of a Store.
var (
	ErrUnknownPolicy  = errors.New("no such policy")
	ErrUnknownVersion = errors.New("no such version")
	ErrSameText       = errors.New("this text is published already")
	ErrBackdated      = errors.New("a version that takes effect later is published already: choose that moment or a later one")
	ErrNotApproved    = errors.New("this site asks for a second pair of eyes: submit the text, and let another operator approve it")
)

// A Version is one published text of a policy, and its translations. It never
// changes: the wording a visitor was bound by is evidence. To correct one, publish
// another. One language binds; translations are a help to readers.
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
	Format       string    // of Original: "markdown", "html", "text", "docx"
	Announcement           // what known visitors are told of it

	Translations []Translation // by language; never in Language itself
	PublishedBy  string        // operator id, or "cli" for somebody with a shell on the machine; "" where it is not known any more
	ApprovedBy   string        // the other operator who approved it, or ""

	OriginalDigest canonical.Digest // SHA-256 of Original; "" where the entry is of EntryV1; the store sets it
	Schema         string           // of the entry; the store sets it, and keeps EntryV1 where it was that

	Entry    canonical.Digest // SHA-256 of the version's entry; the store sets it
	Previous canonical.Digest // Entry of the version before, or "" for the first; the store sets it
}

// A Translation is a version's text in another language. Its digest is taken as
// that of the authoritative text is.
type Translation struct {
	Language  string // BCP 47
	Title     string
	Digest    canonical.Digest // SHA-256 of Canonical
	Canonical []byte
	Original  []byte // the bytes that were imported, unchanged
	Format    string // of Original

	OriginalDigest canonical.Digest // as Version.OriginalDigest
}

// In is the text in a language, or in a wider or narrower one of the same kind; the
// authoritative text where there is no such translation. Text.Language says which
// it is. It fails as Version.Text does.
func (v Version) In(language string) (Text, error) {
	base, _, _ := strings.Cut(language, "-")
	best := v.authoritative()
	if language == v.Language {
		return best.text(v)
	}
	near := false
	if mine, _, _ := strings.Cut(v.Language, "-"); mine == base {
		near = true // the text that binds is as near as a translation would be
	}
	for _, t := range v.Translations {
		if t.Language == language {
			return t.text(v)
		}
		if mine, _, _ := strings.Cut(t.Language, "-"); mine == base && !near {
			best, near = t, true
		}
	}
	return best.text(v)
}

// Languages are those of the version's texts, the authoritative one first.
func (v Version) Languages() []string {
	all := []string{v.Language}
	for _, t := range v.Translations {
		all = append(all, t.Language)
	}
	return all
}

func (v Version) authoritative() Translation {
	return Translation{Language: v.Language, Title: v.Title, Digest: v.Digest, Canonical: v.Canonical, Original: v.Original, Format: v.Format, OriginalDigest: v.OriginalDigest}
}

// Sealed is v as it is entered into the chain now: its entry is of the newest schema
// and names the originals too.
func (v Version) Sealed() Version {
	v.Schema, v.OriginalDigest = EntrySchema, canonical.Sum(v.Original)
	v.Translations = slices.Clone(v.Translations)
	for i, t := range v.Translations {
		v.Translations[i].OriginalDigest = canonical.Sum(t.Original)
	}
	return v
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

// A Store keeps versions and what is being worked on. Calls are safe for concurrent
// use and return after the change is durable.
type Store interface {
	WorkStore
	// AddVersion gives v the next Number, enters it into the chain of its policy and
	// into the log, and keeps it with its translations: all of it or nothing. It fails
	// with ErrSameText where the newest version says the same in every language, with
	// ErrBackdated where a version with a later Effective is there, and with
	// ErrNotApproved where the site asks for a second pair of eyes and v has none.
	AddVersion(ctx context.Context, v Version) (Version, error)
	// AddVersionOf is AddVersion and DropWork at once. It fails with ErrStale where
	// the work was changed or dropped since w was read. A work without ID is kept nowhere.
	AddVersionOf(ctx context.Context, v Version, w Work) (Version, error)
	// Versions lists a policy's versions and their translations without Canonical and
	// Original, newest first; ErrUnknownPolicy if there is none.
	Versions(ctx context.Context, site, policy string) ([]Version, error)
	// Version fails with ErrUnknownVersion.
	Version(ctx context.Context, site, policy string, number int) (Version, error)
	// InForce is the version with the latest Effective at or before at;
	// ErrUnknownPolicy or, where all versions lie ahead, ErrUnknownVersion.
	InForce(ctx context.Context, site, policy string, at time.Time) (Version, error)
}
