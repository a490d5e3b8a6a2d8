package policyversions

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/volenti-consent/volenti/server/canonical"
)

// The schemas of an Entry. Versions that were published while the first one was the
// newest keep it: an entry never changes.
const (
	EntryV1     = "policy-version/v1"
	EntrySchema = "policy-version/v2" // of what is published now
)

// An Entry is what the chain of a policy holds of one version: everything there is
// to it, texts by their digests, and the entry before. Times are Unix milliseconds.
// Its canonical bytes are made once, when the version is published; their digest is
// the version's Entry. Operators stand in it by id: names are kept elsewhere, and
// can be forgotten there.
type Entry struct {
	Schema       string                      `json:"schema"`
	Site         string                      `json:"site"`
	Policy       string                      `json:"policy"`
	Number       int                         `json:"number"`
	Digest       canonical.Digest            `json:"digest"`
	Language     string                      `json:"language"`
	Title        string                      `json:"title"`
	Translations map[string]canonical.Digest `json:"translations,omitempty"` // by language
	PublishedAt  int64                       `json:"published_at"`
	Effective    int64                       `json:"effective"`
	Material     bool                        `json:"material"`
	Summary      canonical.Digest            `json:"summary,omitempty"`    // of the canonical JSON of Announcement.Summary
	Grace        int64                       `json:"grace"`                // milliseconds
	GraceDays    int                         `json:"grace_days,omitempty"` // calendar days that Grace was worked out of; from v2 on
	Original     canonical.Digest            `json:"original,omitempty"`   // of the bytes that were imported; from v2 on
	Originals    map[string]canonical.Digest `json:"originals,omitempty"`  // those of translations, by language; from v2 on
	PublishedBy  string                      `json:"published_by,omitempty"`
	ApprovedBy   string                      `json:"approved_by,omitempty"`
	Previous     canonical.Digest            `json:"previous,omitempty"` // of the entry before; none for the first
}

// EntryBytes are the canonical bytes of v's entry, which follows v.Previous.
func (v Version) EntryBytes() ([]byte, error) {
	e := Entry{
		Schema: v.Schema, Site: v.Site, Policy: v.Policy, Number: v.Number, Digest: v.Digest, Language: v.Language, Title: v.Title,
		PublishedAt: v.PublishedAt.UnixMilli(), Effective: v.Effective.UnixMilli(), Material: v.Material, Grace: v.Grace.Milliseconds(),
		PublishedBy: v.PublishedBy, ApprovedBy: v.ApprovedBy, Previous: v.Previous,
	}
	if len(v.Translations) > 0 {
		e.Translations = make(map[string]canonical.Digest, len(v.Translations))
	}
	for _, t := range v.Translations {
		e.Translations[t.Language] = t.Digest
	}
	if v.Schema != EntryV1 {
		e.addOriginals(v)
	}
	if len(v.Summary) > 0 {
		summary, err := canonical.Encode(v.Summary)
		if err != nil {
			return nil, fmt.Errorf("summary of %s/%s: %w", v.Site, v.Policy, err)
		}
		e.Summary = canonical.Sum(summary)
	}
	b, err := canonical.Encode(e)
	if err != nil {
		return nil, fmt.Errorf("entry of %s/%s version %d: %w", v.Site, v.Policy, v.Number, err)
	}
	return b, nil
}

// addOriginals adds what entries say from the second schema on.
func (e *Entry) addOriginals(v Version) {
	e.Schema, e.GraceDays, e.Original = EntrySchema, v.GraceDays, v.OriginalDigest
	if len(v.Translations) > 0 {
		e.Originals = make(map[string]canonical.Digest, len(v.Translations))
	}
	for _, t := range v.Translations {
		e.Originals[t.Language] = t.OriginalDigest
	}
}

// ParseEntry reads bytes that EntryBytes made. It fails for what is not canonical,
// and for members it does not know: an entry read in part says something else.
func ParseEntry(b []byte) (Entry, error) {
	var e Entry
	exact := canonical.Decode(b, &e)
	if exact != nil && !errors.Is(exact, canonical.ErrNotExact) {
		return Entry{}, fmt.Errorf("entry of a version: %w", exact)
	}
	switch {
	case e.Schema != EntrySchema && e.Schema != EntryV1:
		return Entry{}, fmt.Errorf("entry of a version: the schema %q is not known to this server: run a newer one", e.Schema)
	case (e.Schema == EntryV1) != (e.Original == ""), e.Schema == EntryV1 && (e.GraceDays != 0 || e.Originals != nil), len(e.Translations) != len(e.Originals) && e.Schema != EntryV1:
		return Entry{}, fmt.Errorf("entry of %s/%s version %d: its members are not those of %s", e.Site, e.Policy, e.Number, e.Schema)
	}
	if exact != nil {
		return Entry{}, fmt.Errorf("entry of %s/%s version %d: %w", e.Site, e.Policy, e.Number, exact)
	}
	return e, nil
}

// A Link is an entry as it stands in its chain and in the log, where its leaf is
// auditlog.VersionLeaf of the salts and the bytes.
type Link struct {
	Bytes        []byte           // an Entry, canonical
	Digest       canonical.Digest // SHA-256 of Bytes
	Position     int64            // of the leaf, from 0
	SaltCore     []byte           // 32 random bytes; with Bytes
	SaltPersonal []byte           // 32 random bytes; with nothing
}

// Check makes sure that l is the entry of v, to the byte: whatever of v was altered
// since it was published, ErrAltered says so.
func (l Link) Check(v Version) error {
	b, err := v.EntryBytes()
	if err != nil {
		return err
	}
	if !bytes.Equal(b, l.Bytes) || canonical.Sum(l.Bytes) != l.Digest || l.Digest != v.Entry {
		return fmt.Errorf("%s/%s version %d and its entry: %w", v.Site, v.Policy, v.Number, ErrAltered)
	}
	return nil
}

// A Chain holds the links of versions.
type Chain interface {
	// VersionLink fails with ErrUnknownVersion.
	VersionLink(ctx context.Context, site, policy string, number int) (Link, error)
}

// SameTexts reports whether two versions say the same in every language.
func (v Version) SameTexts(other Version) bool {
	return v.textsKey() == other.textsKey()
}

func (v Version) textsKey() string {
	all := []string{string(v.Digest)}
	for _, t := range v.Translations {
		all = append(all, string(t.Digest))
	}
	return strings.Join(all, " ")
}
