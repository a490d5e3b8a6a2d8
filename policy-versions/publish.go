package policyversions

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"golang.org/x/text/language"

	"github.com/volenti-consent/volenti/server/canonical"
)

// Errors of Publish.
var (
	ErrBadKey      = errors.New("not a policy key: use 1 to 40 of a-z, 0-9 and inner hyphens, such as \"privacy\"")
	ErrBadLanguage = errors.New("not a language tag: use BCP 47, such as \"en\" or \"pt-BR\"")
	ErrBadDraft    = errors.New("this draft can't be published")
)

var policyKey = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$`)

// ValidKey reports whether s can be a policy key.
func ValidKey(s string) bool { return policyKey.MatchString(s) }

// A Publisher turns drafts into versions.
type Publisher struct {
	Store Store
	Now   func() time.Time // nil is time.Now
}

// Publish keeps d as the next version of a policy of a site, in force from
// effective on; the zero time is now. A time in the past is for texts that were
// in force before they came here: PublishedAt tells when that was. Errors are
// ErrBadKey, ErrBadLanguage, ErrBadDraft, ErrBadAnnouncement and those of Store.AddVersion.
func (p Publisher) Publish(ctx context.Context, site, policy string, d Draft, effective time.Time) (Version, error) {
	now := time.Now
	if p.Now != nil {
		now = p.Now
	}
	if !ValidKey(policy) {
		return Version{}, fmt.Errorf("policy %q: %w", policy, ErrBadKey)
	}
	tag, err := language.Parse(d.Language)
	if err != nil || tag == language.Und {
		return Version{}, fmt.Errorf("language %q: %w", d.Language, ErrBadLanguage)
	}
	text := Text{Title: shorten(d.Title), Language: tag.String(), Markdown: d.Markdown}
	if !hasWords(text.Title) || !hasWords(text.Markdown) {
		return Version{}, fmt.Errorf("%w: %w", ErrBadDraft, ErrEmpty)
	}
	// What is published is what Import leaves, whoever filled in the draft: two
	// spellings of one text would have two digests.
	if settled, _, err := settle(text.Markdown, new(tally)); err != nil || settled != text.Markdown {
		return Version{}, fmt.Errorf("%w: its text is not in the form Import gives; import it first", ErrBadDraft)
	}
	if len(d.Original) == 0 {
		return Version{}, fmt.Errorf("%w: the bytes it was imported from are missing", ErrBadDraft)
	}
	about, err := d.checked(text.Language)
	if err != nil {
		return Version{}, err
	}
	bytes, err := text.Canonical()
	if err != nil {
		return Version{}, err
	}
	published := now().UTC().Truncate(time.Millisecond)
	if effective.IsZero() {
		effective = published
	}
	v, err := p.Store.AddVersion(ctx, Version{
		Digest: canonical.Sum(bytes), Site: site, Policy: policy, Title: text.Title, Language: text.Language,
		PublishedAt: published, Effective: effective.UTC().Truncate(time.Millisecond),
		Canonical: bytes, Original: d.Original, Format: d.Format, Announcement: about,
	})
	if err != nil {
		return Version{}, fmt.Errorf("publish %s/%s: %w", site, policy, err)
	}
	return v, nil
}
