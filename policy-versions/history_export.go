package policyversions

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/volenti-consent/volenti/server/canonical"
)

// ExportIndex is the file of an export that says what is known of its versions.
const ExportIndex = "versions.json"

// A Told is what an export knows of a version beside its text.
type Told struct {
	Draft        Draft // as it was published, announcement included
	Digest       canonical.Digest
	Effective    time.Time
	Translations []Draft
	digests      []canonical.Digest // of Translations
}

// exportedVersion is what ExportIndex says of one version, as far as it is read.
type exportedVersion struct {
	Number       int               `json:"number"`
	Title        string            `json:"title"`
	Language     string            `json:"language"`
	Digest       canonical.Digest  `json:"digest"`
	Effective    time.Time         `json:"effective"`
	Material     bool              `json:"material"`
	Summary      map[string]string `json:"summary"`
	GraceDays    float64           `json:"grace_days"`
	GraceMS      int64             `json:"grace_ms"` // where it was none of calendar days
	Format       string            `json:"format"`
	Translations []struct {
		Language string           `json:"language"`
		Title    string           `json:"title"`
		Digest   canonical.Digest `json:"digest"`
		Format   string           `json:"format"`
	} `json:"translations"`
}

// IsExport reports whether a folder was written by an export.
func IsExport(folder fs.FS) bool {
	info, err := fs.Stat(folder, ExportIndex)
	return err == nil && info.Mode().IsRegular()
}

// Exported reads the versions of an export: texts and translations as they were
// published, and what was said of them. The Markdown counts, which the digest is
// of; a newer importer may read the document otherwise. It fails where a file is
// missing or does not have the digest that the index names.
func Exported(folder fs.FS) ([]Past, error) {
	index, err := fs.ReadFile(folder, ExportIndex)
	if err != nil {
		return nil, err
	}
	var all []exportedVersion
	if err := json.Unmarshal(index, &all); err != nil {
		return nil, fmt.Errorf("%s: %w", ExportIndex, err)
	}
	var past []Past
	var errs []error
	for _, v := range all {
		p, err := v.read(folder)
		if err != nil {
			errs = append(errs, fmt.Errorf("version %d: %w", v.Number, err))
			continue
		}
		past = append(past, p)
	}
	if len(past) == 0 && len(errs) == 0 {
		return nil, ErrNoHistory
	}
	return past, errors.Join(errs...)
}

func (v exportedVersion) read(folder fs.FS) (Past, error) {
	told := &Told{Digest: v.Digest, Effective: v.Effective}
	var name string
	var err error
	if told.Draft, name, err = exportedText(folder, ".", v.Number, v.Language, v.Title, v.Format, v.Digest); err != nil {
		return Past{}, err
	}
	told.Draft.Announcement = Announcement{Material: v.Material, Summary: v.Summary, Grace: time.Duration(v.GraceMS) * time.Millisecond}
	if v.GraceMS == 0 {
		told.Draft.GraceDays = int(v.GraceDays)
	}
	for _, t := range v.Translations {
		d, _, err := exportedText(folder, "translations/"+t.Language, v.Number, t.Language, t.Title, t.Format, t.Digest)
		if err != nil {
			return Past{}, err
		}
		told.Translations, told.digests = append(told.Translations, d), append(told.digests, t.Digest)
	}
	day, _ := DayInName(name)
	return Past{Name: name, Day: day, Raw: told.Draft.Original, Told: told}, nil
}

// exportedText reads a text in one language: the document, and the Markdown beside it.
func exportedText(folder fs.FS, of string, number int, language, title, format string, digest canonical.Digest) (d Draft, name string, err error) {
	original, name, err := numbered(folder, of, number)
	if err != nil {
		return d, name, err
	}
	markdown, _, err := numbered(folder, path.Join(of, "markdown"), number)
	if err != nil {
		return d, name, err
	}
	d = Draft{Text: Text{Title: title, Language: language, Markdown: string(markdown)}, Original: original, Format: format}
	text, err := d.translation()
	if err != nil {
		return d, name, err
	}
	if text.Digest != digest {
		return d, name, fmt.Errorf("%s: the text has the digest %s, and %s says %s: %w", name, text.Digest.Short(), ExportIndex, digest.Short(), ErrAltered)
	}
	return d, name, nil
}

// numbered is the one file of a version in a folder: "0002_2026-12-01.md".
func numbered(folder fs.FS, of string, number int) ([]byte, string, error) {
	entries, err := fs.ReadDir(folder, of)
	if err != nil {
		return nil, "", err
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || !strings.HasPrefix(e.Name(), fmt.Sprintf("%04d_", number)) {
			continue
		}
		if info, err := e.Info(); err != nil || info.Size() > MaxDocument {
			return nil, "", errors.Join(fmt.Errorf("%s: %w", e.Name(), ErrTooLarge), err)
		}
		b, err := fs.ReadFile(folder, path.Join(of, e.Name()))
		return b, e.Name(), err
	}
	return nil, "", fmt.Errorf("its file in %s: %w", of, fs.ErrNotExist)
}

// key is of the texts of a told version in all languages, as Version.textsKey.
func (t *Told) key() string {
	v := Version{Digest: t.Digest}
	for _, d := range t.digests {
		v.Translations = append(v.Translations, Translation{Digest: d})
	}
	return v.textsKey()
}

// fate is what becomes of an exported version: it is compared in all its languages.
func (t *Told) fate(kept []Version, last string, newest time.Time) Fate {
	for _, v := range kept {
		if v.textsKey() == t.key() && v.Effective.Equal(t.Effective) {
			return IsThere
		}
	}
	switch {
	case t.key() == last, last == "" && len(kept) > 0 && kept[0].textsKey() == t.key():
		return SameText
	case t.Effective.Before(newest):
		return TooLate
	}
	return Publishes
}
