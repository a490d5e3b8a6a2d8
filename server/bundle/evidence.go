package bundle

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/notice"
)

// evidence is what the files of a bundle say, read. What it says is not yet believed:
// Verify compares.
type evidence struct {
	about      about
	core       consent.Core
	minimised  bool
	keyID      string
	index      int64
	experience notice.Experience
	notice     *notice.Notice
	wording    notice.Wording // with what its placeholders stand for
	law        lawRow
	policies   map[string]*policyEvidence // by key
	size       int64                      // of the log, by the checkpoint; 0 where there is none
	origin     string                     // of the log, by the checkpoint
}

// A lawRow is what a bundle's own words take from the row of the law table.
type lawRow struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Law      string `json:"law"`
	Citation string `json:"citation"`
	GPC      string `json:"gpc"`  // the day since which a signal binds, or ""
	Link     string `json:"link"` // "required" where a link is due on every page
	Reask    int    `json:"reask_months"`
}

// policyEvidence is a policy as the receipt names it, and its chain up to there.
type policyEvidence struct {
	chain []policyversions.Entry       // from the first version to the one named
	texts map[string]map[string]string // of versions by number, what known visitors were told, by language
}

// read takes a bundle's evidence apart. An error says which file is missing or is
// not what its name says.
func read(f Files) (*evidence, error) {
	e := &evidence{policies: map[string]*policyEvidence{}}
	for _, name := range []string{nameAbout, nameReceipt, nameKeys, nameExperience, nameNotice, nameWording, nameTags, nameLaw} {
		if _, ok := f[name]; !ok {
			return nil, fmt.Errorf("%s is missing", name)
		}
	}
	if (f[nameScript] == nil) == (f[namePage] == nil) {
		return nil, fmt.Errorf("there has to be either %s or %s", nameScript, namePage)
	}
	var receipt struct {
		ID       string          `json:"id"`
		KeyID    string          `json:"key_id"`
		Core     json.RawMessage `json:"core"`
		Personal json.RawMessage `json:"personal"`
		Leaf     struct {
			Index int64 `json:"index"`
		} `json:"leaf"`
	}
	for _, part := range []struct {
		name string
		into any
	}{{nameReceipt, &receipt}, {nameExperience, &e.experience}, {nameLaw, &e.law}, {nameWording, &e.wording}} {
		if err := json.Unmarshal(f[part.name], part.into); err != nil {
			return nil, fmt.Errorf("%s can't be read: %w", part.name, err)
		}
	}
	if err := canonical.Decode(f[nameAbout], &e.about); err != nil || e.about.Schema != Schema || e.about.Edition < 1 {
		return nil, fmt.Errorf("%s is not that of a bundle this program reads: run a newer one", nameAbout)
	}
	var err error
	if e.core, err = consent.ParseCore(receipt.Core); err != nil {
		return nil, fmt.Errorf("%s: %w", nameReceipt, err)
	}
	e.minimised, e.keyID, e.index = receipt.Personal == nil, receipt.KeyID, receipt.Leaf.Index
	if e.about.ID != receipt.ID || e.about.Site != e.core.Site || e.core.ID != receipt.ID {
		return nil, fmt.Errorf("%s is of another receipt than %s", nameAbout, nameReceipt)
	}
	if e.notice, err = notice.Decode(f[nameNotice]); err != nil {
		return nil, fmt.Errorf("%s: %w", nameNotice, err)
	}
	e.wording = e.notice.Said(e.core.Language, e.wording)
	for key, named := range e.core.Policies {
		if e.policies[key], err = readPolicy(f, key, named.Number); err != nil {
			return nil, err
		}
	}
	if p, err := parseProof(f[nameProof]); err == nil {
		e.size, e.origin = p.checkpoint.Head.Size, p.checkpoint.Origin
	} else {
		return nil, fmt.Errorf("%s: %w", nameProof, err)
	}
	return e, nil
}

// page reports whether a page of the server asked, and no script.
func (e *evidence) page(f Files) bool { return f[namePage] != nil }

// told reports whether the record says that a note about a changed policy was shown
// or read.
func (e *evidence) told() bool { return e.core.Surface == consent.OnChange }

// shortDigest is how scripts name one another: the first 16 digits of a digest.
var shortDigest = regexp.MustCompile(`(?:^|[^0-9a-f])([0-9a-f]{16})(?:[^0-9a-f]|$)`)

// named are the digests, by their first 16 digits, that a script holds.
func named(script []byte) map[string]bool {
	all := map[string]bool{}
	for len(script) > 0 {
		at := shortDigest.FindSubmatchIndex(script)
		if at == nil {
			break
		}
		all[string(script[at[2]:at[3]])] = true
		script = script[at[3]:] // what follows one may stand before the next
	}
	return all
}

// modules are the scripts that the first one fetches, by digest.
func (f Files) modules() map[canonical.Digest][]byte {
	all := map[canonical.Digest][]byte{}
	for _, name := range f.under(dirModules) {
		digest := strings.TrimSuffix(strings.TrimPrefix(name, dirModules), ".js")
		all[canonical.Digest(digest)] = f[name]
	}
	return all
}
