package policyversions

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/volenti-consent/volenti/server/canonical"
)

// schema is the first word of the canonical form, so that its bytes can still be
// read when there are others.
const schema = "policy/v1"

// ErrAltered is returned for a kept version whose bytes are not those its digest
// names. It never happens while nobody but us writes to the store.
var ErrAltered = errors.New("the kept text does not match its digest: restore it from a backup and look for who changed it")

// A Text is what a version's digest stands for: the words, their title and their
// language, and nothing that depends on the site or the day. The same words have
// the same digest wherever and whenever they are published.
type Text struct {
	Title    string `json:"title"`
	Language string `json:"language"` // BCP 47
	Markdown string `json:"text"`     // CommonMark with GitHub's tables, as Import leaves it
}

// Canonical is the RFC 8785 form of t, {"language":…,"schema":"policy/v1",
// "text":…,"title":…}: the bytes a digest is taken over.
func (t Text) Canonical() ([]byte, error) {
	b, err := canonical.Encode(struct {
		Schema string `json:"schema"`
		Text
	}{schema, t})
	if err != nil {
		return nil, fmt.Errorf("policy text: %w", err)
	}
	return b, nil
}

// Text reads the authoritative words back from the version's canonical bytes, after
// checking that they are the ones the digest names; ErrAltered if not.
func (v Version) Text() (Text, error) { return v.authoritative().text(v) }

func (t Translation) text(of Version) (Text, error) {
	if canonical.Sum(t.Canonical) != t.Digest {
		return Text{}, fmt.Errorf("%s/%s version %d in %s: %w", of.Site, of.Policy, of.Number, t.Language, ErrAltered)
	}
	var kept struct {
		Schema string `json:"schema"`
		Text
	}
	dec := json.NewDecoder(bytes.NewReader(t.Canonical))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&kept); err != nil {
		return Text{}, fmt.Errorf("%s/%s version %d in %s: read the canonical text: %w", of.Site, of.Policy, of.Number, t.Language, err)
	}
	if kept.Schema != schema {
		return Text{}, fmt.Errorf("%s/%s version %d has the schema %q, which this server does not know: run a newer one", of.Site, of.Policy, of.Number, kept.Schema)
	}
	return kept.Text, nil
}
