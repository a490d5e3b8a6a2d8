package policyversions

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/language"
)

// ErrBadAnnouncement is returned for what can't be told to visitors.
var ErrBadAnnouncement = errors.New("what is said about the change can't be published")

// MaxSummary bounds the summary of a change, in characters: it stands in a small
// note, and the difference is one link away.
const MaxSummary = 600

// MaxGrace is the longest grace. A text that binds known visitors later than
// that is one to be published later.
const MaxGrace = 365 * 24 * time.Hour

// An Announcement says what a version means for visitors who know an earlier one. It is
// kept beside the text and is not part of what the digest names: the same text
// has the same digest, whatever was said about it. Like the text it never changes.
type Announcement struct {
	Material bool              // known visitors are shown a notice
	Summary  map[string]string // by language: what changed, in a sentence or two; only of a material change
	Grace    time.Duration     // known visitors are bound this much later than new ones
	// GraceDays, where it is not 0, is a grace in calendar days of the site: it ends when
	// the day begins that is so many days after the one on which the version comes into
	// force. Whoever publishes works Grace out of it, for good.
	GraceDays int
}

// checked is a as it is kept: languages in their one spelling, texts on one line. A
// material change has a summary in every language of its texts.
func (a Announcement) checked(texts []string) (Announcement, error) {
	if !a.Material {
		if len(a.Summary) > 0 || a.Grace != 0 || a.GraceDays != 0 {
			return Announcement{}, fmt.Errorf("%w: a summary or a grace belongs to a material change; say that it is one", ErrBadAnnouncement)
		}
		return Announcement{}, nil
	}
	if a.Grace < 0 || a.Grace > MaxGrace || a.GraceDays < 0 || a.GraceDays > int(MaxGrace/(24*time.Hour)) {
		return Announcement{}, fmt.Errorf("%w: a grace is between no time and %d days", ErrBadAnnouncement, MaxGrace/(24*time.Hour))
	}
	kept := make(map[string]string, len(a.Summary))
	for _, key := range slices.Sorted(maps.Keys(a.Summary)) {
		tag, err := language.Parse(key)
		if err != nil || tag == language.Und {
			return Announcement{}, fmt.Errorf("%w: summary in %q: %w", ErrBadAnnouncement, key, ErrBadLanguage)
		}
		words := strings.Join(strings.Fields(normalizeCharacters(a.Summary[key], new(tally))), " ")
		switch {
		case !hasWords(words):
			return Announcement{}, fmt.Errorf("%w: the summary in %s says nothing", ErrBadAnnouncement, tag)
		case utf8.RuneCountInString(words) > MaxSummary:
			return Announcement{}, fmt.Errorf("%w: the summary in %s is longer than %d characters; the difference shows the rest", ErrBadAnnouncement, tag, MaxSummary)
		}
		kept[tag.String()] = words
	}
	for _, text := range texts {
		if kept[text] == "" {
			return Announcement{}, fmt.Errorf("%w: a material change needs a summary in %s, a language of its text", ErrBadAnnouncement, text)
		}
	}
	return Announcement{Material: true, Summary: kept, Grace: a.Grace.Truncate(time.Millisecond), GraceDays: a.GraceDays}, nil
}

// SummaryIn is the summary in a language, or in a wider or narrower one of the
// same kind, or in the text's own. The second value is the language it is in.
func (v Version) SummaryIn(wanted string) (summary, in string) {
	if text, ok := v.Summary[wanted]; ok {
		return text, wanted
	}
	base, _, _ := strings.Cut(wanted, "-")
	for _, key := range slices.Sorted(maps.Keys(v.Summary)) {
		if mine, _, _ := strings.Cut(key, "-"); mine == base {
			return v.Summary[key], key
		}
	}
	return v.Summary[v.Language], v.Language
}
