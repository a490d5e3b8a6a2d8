package policyversions

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/volenti-consent/volenti/server/canonical"
)

// A Past is a text as it was on a day, out of an archive.
type Past struct {
	Name string // of the file, or the commit
	Day  string // "2019-04-01": from here on
	Raw  []byte // the document, unchanged
	Told *Told  // of an export: what it knows besides; nil of everything else
}

// ErrNoHistory is returned where nothing dated is found.
var ErrNoHistory = errors.New("no document with a day in its name, such as 2019-04-01.md or privacy-20200229.html, is here")

// dated finds a day in a file's name; digits beside it would make it another number.
var dated = regexp.MustCompile(`(?:^|[^0-9])((?:19|20)\d{2})([-_.]?)(0[1-9]|1[0-2])([-_.]?)(0[1-9]|[12]\d|3[01])(?:[^0-9]|$)`)

var documents = []string{".md", ".markdown", ".txt", ".html", ".htm", ".xhtml", ".docx"}

// DayInName finds the day in a file's name: "privacy-2020-02-29.html" is of 2020-02-29.
// It is false where there is none, or none that the calendar has.
func DayInName(name string) (day string, ok bool) {
	m := dated.FindStringSubmatch(strings.TrimSuffix(name, path.Ext(name)))
	if m == nil || m[2] != m[4] {
		return "", false
	}
	day = m[1] + "-" + m[3] + "-" + m[5]
	_, err := time.Parse(time.DateOnly, day)
	return day, err == nil
}

// Dated reads the documents of a folder that have a day in their names, in the
// order of their days; passed are those that have none. Folders within are not
// looked into, and what is hidden is left alone.
func Dated(folder fs.FS) (past []Past, passed []string, err error) {
	entries, err := fs.ReadDir(folder, ".")
	if err != nil {
		return nil, nil, err
	}
	for _, e := range entries {
		name := e.Name()
		if strings.HasPrefix(name, ".") || !slices.Contains(documents, strings.ToLower(path.Ext(name))) {
			continue
		}
		day, ok := DayInName(name)
		info, err := fs.Stat(folder, name)
		if err != nil {
			return nil, nil, err
		}
		if !ok || !info.Mode().IsRegular() {
			passed = append(passed, name)
			continue
		}
		if info.Size() > MaxDocument {
			return nil, nil, fmt.Errorf("%s: %w", name, ErrTooLarge)
		}
		raw, err := fs.ReadFile(folder, name)
		if err != nil {
			return nil, nil, err
		}
		past = append(past, Past{Name: name, Day: day, Raw: raw})
	}
	if len(past) == 0 {
		return nil, passed, ErrNoHistory
	}
	SortPast(past)
	return past, passed, nil
}

// SortPast brings texts into the order of their days; those of one day stay as they are.
func SortPast(past []Past) {
	slices.SortStableFunc(past, func(a, b Past) int { return cmp.Compare(a.Day, b.Day) })
}

// A Fate is what becomes of a text of a history.
type Fate string

// The fates.
const (
	Publishes Fate = "publish"  // it becomes the next version
	SameText  Fate = "same"     // it says what the text before it says
	IsThere   Fate = "there"    // it was imported before: that is how an import goes on
	TooLate   Fate = "too-late" // a version of a later day is there, and none can come before it
)

// A Step is one text of a history, and what is to be done with it.
type Step struct {
	Past
	Draft        Draft
	Translations []Draft // of an export
	Digest       canonical.Digest
	Effective    time.Time // when Day begins
	Fate         Fate
}

// Plan imports the texts of a history, all of them, before any is published: a
// version that is missing in the middle can't be put there later. kept are the
// policy's versions, newest first, none if it has none; days begin in zone. It
// fails with every text that can't be imported.
func Plan(past []Past, kept []Version, language string, zone *time.Location, seen func()) ([]Step, error) {
	var steps []Step
	var errs []error
	var last canonical.Digest
	var newest time.Time
	if len(kept) > 0 {
		newest = kept[0].Effective
	}
	lastTold := ""
	for _, p := range past {
		if t := p.Told; t != nil {
			seen()
			s := Step{Past: p, Draft: t.Draft, Translations: t.Translations, Digest: t.Digest, Effective: t.Effective, Fate: t.fate(kept, lastTold, newest)}
			if lastTold = t.key(); s.Fate == Publishes {
				newest = s.Effective
			}
			steps = append(steps, s)
			continue
		}
		s := Step{Past: p}
		var err error
		if s.Effective, err = StartOfDay(p.Day, zone); err == nil {
			s.Draft, err = Import(p.Raw, p.Name)
		}
		var text Translation
		if err == nil {
			s.Draft.Language = language
			text, err = s.Draft.translation()
		}
		seen()
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", p.Name, err))
			continue
		}
		s.Digest = text.Digest
		s.Fate = fateOf(s, kept, last, newest)
		last = s.Digest
		if s.Fate == Publishes {
			newest = s.Effective
		}
		steps = append(steps, s)
	}
	return steps, errors.Join(errs...)
}

func fateOf(s Step, kept []Version, last canonical.Digest, newest time.Time) Fate {
	for _, v := range kept {
		if v.Digest == s.Digest && v.Effective.Equal(s.Effective) {
			return IsThere
		}
	}
	switch {
	case s.Digest == last:
		return SameText
	case s.Effective.Before(newest):
		return TooLate
	case last == "" && len(kept) > 0 && kept[0].Digest == s.Digest:
		return SameText
	}
	return Publishes
}
