package visitor

import (
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/labstack/echo/v4"

	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/canonical"
)

type entryJSON struct {
	Entry  json.RawMessage  `json:"entry"`
	Digest canonical.Digest `json:"digest"` // of Entry, canonical
	Salts  struct {
		Core     string `json:"core"`
		Personal string `json:"personal"`
	} `json:"salts"` // base64url
	Leaf struct {
		Index int64  `json:"index"`
		Hash  string `json:"hash"` // base64url
	} `json:"leaf"`
}

// Entry answers GET /policies/:site/:policy/versions/:number/entry: what the chain
// and the log hold of a version, and what it takes to check that. It is canonical
// JSON, so that the entry stands in it byte for byte.
func (p *Policies) Entry(c echo.Context) error {
	a, v, form, err := p.listed(c)
	if err != nil {
		return err
	}
	if form != "" {
		return echo.ErrNotFound
	}
	l, err := p.Versions.VersionLink(c.Request().Context(), a.site.Key, a.policy, v.Number)
	if err != nil {
		return err
	}
	if err := l.Check(v); err != nil {
		return err
	}
	e := entryJSON{Entry: l.Bytes, Digest: l.Digest}
	e.Salts.Core, e.Salts.Personal = base64.RawURLEncoding.EncodeToString(l.SaltCore), base64.RawURLEncoding.EncodeToString(l.SaltPersonal)
	leaf := auditlog.VersionLeaf([auditlog.SaltSize]byte(l.SaltCore), [auditlog.SaltSize]byte(l.SaltPersonal), l.Bytes)
	e.Leaf.Index, e.Leaf.Hash = l.Position, base64.RawURLEncoding.EncodeToString(leaf[:])
	body, err := canonical.Encode(e)
	if err != nil {
		return fmt.Errorf("entry of version %d: %w", v.Number, err)
	}
	p.robots(c)
	return answerFile(c, fmt.Sprintf("%s-%s-%d-entry.json", v.Site, v.Policy, v.Number), asJSON, body)
}
