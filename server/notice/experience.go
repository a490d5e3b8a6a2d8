package notice

import (
	"fmt"

	"github.com/volenti-consent/volenti/server/canonical"
)

// ExperienceSchema is the value of an experience's "schema" field.
const ExperienceSchema = "experience/v1"

// An Experience is all that one visitor was shown or bound by, by digest: a
// receipt that names it names every text and every byte of script. See
// "Experience" in docs/wire.md.
type Experience struct {
	Schema   string                      `json:"schema"`
	Site     string                      `json:"site"`
	Language string                      `json:"language"` // of the wording, BCP 47
	Notice   canonical.Digest            `json:"notice"`
	Wording  canonical.Digest            `json:"wording"`
	Script   canonical.Digest            `json:"script"` // of the variant's source
	Tags     canonical.Digest            `json:"tags"`   // of EncodeTags
	Law      canonical.Digest            `json:"law"`    // of the row of the law table
	Policies map[string]canonical.Digest `json:"policies"`
}

// Encode is the experience's canonical JSON, under whose digest it is kept. It
// fails where a digest is missing: an experience that names nothing proves nothing.
func (e Experience) Encode() ([]byte, error) {
	e.Schema = ExperienceSchema
	if e.Policies == nil {
		e.Policies = map[string]canonical.Digest{}
	}
	named := map[string]canonical.Digest{"notice": e.Notice, "wording": e.Wording, "script": e.Script, "tags": e.Tags, "law": e.Law}
	for key, digest := range e.Policies {
		named["policies."+key] = digest
	}
	for what, digest := range named {
		if _, err := canonical.ParseDigest(string(digest)); err != nil {
			return nil, fmt.Errorf("experience of site %s: %s %q: %w", e.Site, what, digest, err)
		}
	}
	b, err := canonical.Encode(e)
	if err != nil {
		return nil, fmt.Errorf("experience of site %s: %w", e.Site, err)
	}
	return b, nil
}
