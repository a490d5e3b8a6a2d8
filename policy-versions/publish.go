package policyversions

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
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
	Zone  *time.Location   // of the site, whose days a grace is counted in; nil is UTC
}

// Publish keeps d as the next version of a policy of a site, in force from
// effective on; the zero time is now. A time in the past is for texts that were
// in force before they came here: PublishedAt tells when that was. The publisher is
// "cli". Errors are ErrBadKey, ErrBadLanguage, ErrBadDraft, ErrBadAnnouncement and
// those of Store.AddVersion.
func (p Publisher) Publish(ctx context.Context, site, policy string, d Draft, effective time.Time) (Version, error) {
	return p.PublishTexts(ctx, site, policy, "cli", effective, d)
}

// PublishTexts is Publish by whoever is named, with translations. Each text keeps
// the bytes it was imported from; what visitors are told is that of d.
func (p Publisher) PublishTexts(ctx context.Context, site, policy, by string, effective time.Time, d Draft, translations ...Draft) (Version, error) {
	v := Version{Site: site, Policy: policy, PublishedBy: by}
	if err := v.write(d, translations); err != nil {
		return Version{}, err
	}
	if err := p.date(&v, effective); err != nil {
		return Version{}, err
	}
	v, err := p.Store.AddVersion(ctx, v)
	if err != nil {
		return Version{}, fmt.Errorf("publish %s/%s: %w", site, policy, err)
	}
	return v, nil
}

// PublishWork keeps what w holds as the next version of its policy, and drops w.
// by publishes it and, where approvedBy is not empty, another operator approved it:
// then w was submitted, and neither its last writer nor who submitted it is the one
// who approves. Where approvedBy is also by, who submitted it counts as the publisher.
// Times are as in Publish. Errors are those of Publish and Store.AddVersionOf.
func (p Publisher) PublishWork(ctx context.Context, w Work, by, approvedBy string) (Version, error) {
	if err := w.approved(by, approvedBy); err != nil {
		return Version{}, err
	}
	v, err := w.version()
	if err != nil {
		return Version{}, err
	}
	if v.PublishedBy, v.ApprovedBy = by, approvedBy; approvedBy != "" && by == approvedBy {
		v.PublishedBy = w.SubmittedBy
	}
	if err := p.date(&v, w.Effective); err != nil {
		return Version{}, err
	}
	v, err = p.Store.AddVersionOf(ctx, v, w)
	if err != nil {
		return Version{}, fmt.Errorf("publish %s/%s: %w", w.Site, w.Policy, err)
	}
	return v, nil
}

// version is what w becomes, without the times and the people.
func (w Work) version() (Version, error) {
	d, err := w.draft(WorkText{w.Language, w.Title, w.Markdown})
	if err != nil {
		return Version{}, err
	}
	d.Announcement = w.announcement()
	var translations []Draft
	for _, t := range w.Translations {
		d, err := w.draft(t)
		if err != nil {
			return Version{}, err
		}
		translations = append(translations, d)
	}
	v := Version{Site: w.Site, Policy: w.Policy}
	return v, v.write(d, translations)
}

// draft reads what an operator wrote as an imported file is read.
func (w Work) draft(t WorkText) (Draft, error) {
	d, err := Import([]byte(t.Markdown), "work.md")
	if err != nil {
		return Draft{}, fmt.Errorf("%w: the text in %q: %w", ErrBadDraft, t.Language, err)
	}
	if d.Language = t.Language; hasWords(t.Title) {
		d.Title = t.Title
	}
	return d, nil
}

// announcement is what w tells visitors. Its grace is one in calendar days, unless
// somebody wrote one that is no number of days.
func (w Work) announcement() Announcement {
	a := Announcement{Material: w.Material, Summary: w.Summary, Grace: w.Grace}
	if w.Grace%(24*time.Hour) == 0 {
		a.Grace, a.GraceDays = 0, int(w.Grace/(24*time.Hour))
	}
	return a
}

// Binds is when w will bind visitors who decided before it comes into force at from,
// on a site whose days are those of loc.
func (w Work) Binds(from time.Time, loc *time.Location) time.Time {
	a := w.announcement()
	if grace, err := GraceOf(from, a.GraceDays, loc); err == nil && a.GraceDays != 0 {
		return from.Add(grace)
	}
	return from.Add(w.Grace)
}

// date is when v is published, when it takes effect, and how long its grace lasts.
func (p Publisher) date(v *Version, effective time.Time) (err error) {
	now := time.Now
	if p.Now != nil {
		now = p.Now
	}
	v.PublishedAt = now().UTC().Truncate(time.Millisecond)
	if v.Effective = effective.UTC().Truncate(time.Millisecond); effective.IsZero() {
		v.Effective = v.PublishedAt
	}
	if v.GraceDays == 0 {
		return nil
	}
	zone := p.Zone
	if zone == nil {
		zone = time.UTC
	}
	v.Grace, err = GraceOf(v.From(), v.GraceDays, zone)
	return err
}

// write puts the texts of drafts and what is said of them into v.
func (v *Version) write(d Draft, translations []Draft) error {
	if !ValidKey(v.Policy) {
		return fmt.Errorf("policy %q: %w", v.Policy, ErrBadKey)
	}
	text, err := d.translation()
	if err != nil {
		return err
	}
	v.Digest, v.Title, v.Language = text.Digest, text.Title, text.Language
	v.Canonical, v.Original, v.Format = text.Canonical, text.Original, text.Format
	for _, d := range translations {
		t, err := d.translation()
		if err != nil {
			return err
		}
		if slices.Contains(v.Languages(), t.Language) {
			return fmt.Errorf("%w: there are two texts in %s; keep one of each language", ErrBadDraft, t.Language)
		}
		v.Translations = append(v.Translations, t)
	}
	slices.SortFunc(v.Translations, func(a, b Translation) int { return strings.Compare(a.Language, b.Language) })
	v.Announcement, err = d.checked(v.Languages())
	return err
}

// translation is d as it is published.
func (d Draft) translation() (Translation, error) {
	tag, err := language.Parse(d.Language)
	if err != nil || tag == language.Und {
		return Translation{}, fmt.Errorf("language %q: %w", d.Language, ErrBadLanguage)
	}
	text := Text{Title: shorten(d.Title), Language: tag.String(), Markdown: d.Markdown}
	if !hasWords(text.Title) || !hasWords(text.Markdown) {
		return Translation{}, fmt.Errorf("%w: %w", ErrBadDraft, ErrEmpty)
	}
	// What is published is what Import leaves, whoever filled in the draft: two
	// spellings of one text would have two digests.
	if settled, _, err := settle(text.Markdown, new(tally)); err != nil || settled != text.Markdown {
		return Translation{}, fmt.Errorf("%w: its text is not in the form Import gives; import it first", ErrBadDraft)
	}
	if len(d.Original) == 0 {
		return Translation{}, fmt.Errorf("%w: the bytes it was imported from are missing", ErrBadDraft)
	}
	bytes, err := text.Canonical()
	if err != nil {
		return Translation{}, err
	}
	return Translation{Language: text.Language, Title: text.Title, Digest: canonical.Sum(bytes), Canonical: bytes, Original: d.Original, Format: d.Format}, nil
}
