package notice

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/volenti-consent/volenti/server/canonical"
)

// ErrUnreadable is returned by Decode for bytes that Encode can't have made,
// or that a newer version of the program made.
var ErrUnreadable = errors.New("not a notice this version can read")

// Encode is the notice's canonical JSON (RFC 8785), which is what is digested,
// stored and named by receipts. Absent lists and tables are written as empty
// ones: a notice has one form in bytes, however it was put together.
func (n *Notice) Encode() ([]byte, error) {
	b, err := canonical.Encode(n.complete())
	if err != nil {
		return nil, fmt.Errorf("notice of site %s: %w", n.Site, err)
	}
	return b, nil
}

// EncodeTags is the canonical JSON of the notice's tags alone. Receipts name
// its digest, since the tags a category would have loaded are part of what was
// agreed to.
func (n *Notice) EncodeTags() ([]byte, error) {
	b, err := canonical.Encode(orEmpty(n.Tags))
	if err != nil {
		return nil, fmt.Errorf("tags of site %s: %w", n.Site, err)
	}
	return b, nil
}

// TagsDigest is the digest of what EncodeTags makes.
func (n *Notice) TagsDigest() canonical.Digest {
	b, err := n.EncodeTags()
	if err != nil {
		return "" // names nothing, and Experience.Encode will say so
	}
	return canonical.Sum(b)
}

// Decode reads what Encode made. It takes nothing else: text that is not
// canonical, another schema or an unknown member fail with ErrUnreadable,
// because a notice read in part would ask less than the one that was published.
func Decode(b []byte) (*Notice, error) {
	again, err := canonical.Transform(b)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	if !bytes.Equal(again, b) {
		return nil, fmt.Errorf("%w: its JSON is not canonical", ErrUnreadable)
	}
	var n Notice
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&n); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	if n.Schema != Schema {
		return nil, fmt.Errorf("%w: its schema is %q, want %q", ErrUnreadable, n.Schema, Schema)
	}
	return n.complete(), nil
}

// complete is a copy of n without nil lists and tables. Nothing of n is changed.
func (n *Notice) complete() *Notice {
	c := *n
	c.Languages = orEmpty(n.Languages)
	c.Origins = orEmpty(n.Origins)
	c.Policies = orEmpty(n.Policies)
	c.Overrides = orEmpty(n.Overrides)
	c.Tags = orEmpty(n.Tags)
	c.Categories = make([]Category, len(n.Categories))
	for i, category := range n.Categories {
		category.Label = orEmptyMap(category.Label)
		category.About = orEmptyMap(category.About)
		c.Categories[i] = category
	}
	c.Vendors = make([]Vendor, len(n.Vendors))
	for i, vendor := range n.Vendors {
		entries := make([]Stored, len(vendor.Entries))
		for j, stored := range vendor.Entries {
			stored.Purpose = orEmptyMap(stored.Purpose)
			entries[j] = stored
		}
		vendor.Entries = entries
		c.Vendors[i] = vendor
	}
	c.Wording = make(map[string]map[string]string, len(n.Wording))
	for language, own := range n.Wording {
		c.Wording[language] = orEmptyMap(own)
	}
	return &c
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func orEmptyMap(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}
