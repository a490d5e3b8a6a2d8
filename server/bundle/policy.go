package bundle

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/canonical"
)

// Names of a version's files: policies/privacy/2/entry.json.
func versionFile(policy string, number int, name string) string {
	return dirPolicies + policy + "/" + strconv.Itoa(number) + "/" + name
}

const (
	fileEntry   = "entry.json"       // as GET /policies/{site}/{policy}/versions/{n}/entry answers it
	fileSummary = "summary.json"     // what known visitors were told of it
	fileText    = "text.json"        // the canonical bytes of the text that binds
	fileProof   = "entry.tlog-proof" // that the entry is in the log
)

// extensions of originals by their format.
var extensions = map[string]string{"markdown": "md", "html": "html", "text": "txt", "docx": "docx"}

func originalFile(language, format string) string {
	extension, ok := extensions[format]
	if !ok {
		extension = "bin"
	}
	if language != "" {
		return language + ".original." + extension
	}
	return "original." + extension
}

// A linkJSON is a version's entry and what it takes to check it against the log:
// docs/wire.md, "An entry of a policy version".
type linkJSON struct {
	Digest canonical.Digest `json:"digest"`
	Entry  json.RawMessage  `json:"entry"`
	Leaf   struct {
		Hash  string `json:"hash"`
		Index int64  `json:"index"`
	} `json:"leaf"`
	Salts struct {
		Core     string `json:"core"`
		Personal string `json:"personal"`
	} `json:"salts"`
}

var base64url = base64.RawURLEncoding.Strict()

func encodeLink(l policyversions.Link) ([]byte, error) {
	e := linkJSON{Digest: l.Digest, Entry: l.Bytes}
	leaf := auditlog.VersionLeaf([auditlog.SaltSize]byte(l.SaltCore), [auditlog.SaltSize]byte(l.SaltPersonal), l.Bytes)
	e.Salts.Core, e.Salts.Personal = base64url.EncodeToString(l.SaltCore), base64url.EncodeToString(l.SaltPersonal)
	e.Leaf.Hash, e.Leaf.Index = base64url.EncodeToString(leaf[:]), l.Position
	return canonical.Encode(e)
}

// A link is a linkJSON, read and held against itself.
type link struct {
	entry  policyversions.Entry
	digest canonical.Digest
	leaf   [auditlog.LeafSize]byte
	index  int64
}

// parseLink makes sure that digest, salts and leaf are those of the entry.
func parseLink(b []byte) (l link, err error) {
	var text linkJSON
	if err := canonical.Decode(b, &text); err != nil {
		return l, err
	}
	if l.entry, err = policyversions.ParseEntry(text.Entry); err != nil {
		return l, err
	}
	if l.digest = canonical.Sum(text.Entry); l.digest != text.Digest {
		return l, fmt.Errorf("the entry was altered: its digest is %s", l.digest)
	}
	var salts [2][auditlog.SaltSize]byte
	for i, s := range []string{text.Salts.Core, text.Salts.Personal} {
		raw, err := base64url.DecodeString(s)
		if err != nil || len(raw) != auditlog.SaltSize {
			return l, fmt.Errorf("a salt is not %d bytes in base64url", auditlog.SaltSize)
		}
		salts[i] = [auditlog.SaltSize]byte(raw)
	}
	l.leaf, l.index = auditlog.VersionLeaf(salts[0], salts[1], text.Entry), text.Leaf.Index
	if base64url.EncodeToString(l.leaf[:]) != text.Leaf.Hash || l.index < 0 {
		return l, fmt.Errorf("entry, salts and leaf do not belong together")
	}
	return l, nil
}

// readPolicy reads the chain of a policy up to a version.
func readPolicy(f Files, key string, number int) (*policyEvidence, error) {
	p := &policyEvidence{texts: map[string]map[string]string{}}
	if number < 1 || number > MaxFiles {
		return nil, fmt.Errorf("policy %s has no version %d", key, number)
	}
	for n := 1; n <= number; n++ {
		name := versionFile(key, n, fileEntry)
		b, ok := f[name]
		if !ok {
			return nil, fmt.Errorf("%s is missing", name)
		}
		l, err := parseLink(b)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		p.chain = append(p.chain, l.entry)
		if summary, ok := f[versionFile(key, n, fileSummary)]; ok {
			var texts map[string]string
			if err := json.Unmarshal(summary, &texts); err != nil {
				return nil, fmt.Errorf("%s: %w", versionFile(key, n, fileSummary), err)
			}
			p.texts[strconv.Itoa(n)] = texts
		}
	}
	return p, nil
}

// checkPolicy compares a policy's files with what the receipt names, and with one
// another. digest is that of the text the receipt names.
func checkPolicy(f Files, site, key string, number int, digest canonical.Digest, effective int64) error {
	var before canonical.Digest
	for n := 1; n <= number; n++ {
		name := versionFile(key, n, fileEntry)
		l, err := parseLink(f[name])
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		e := l.entry
		if e.Site != site || e.Policy != key || e.Number != n {
			return fmt.Errorf("%s is of another version", name)
		}
		if e.Previous != before {
			return fmt.Errorf("%s does not follow the version before it: one was exchanged, put in between or left out", name)
		}
		before = l.digest
		if err := checkDigestOf(f, versionFile(key, n, fileSummary), e.Summary); err != nil {
			return err
		}
		if n < number {
			continue
		}
		if e.Digest != digest || e.Effective != effective {
			return fmt.Errorf("%s is not the version that the receipt names", name)
		}
		if err := checkDigestOf(f, versionFile(key, n, fileText), e.Digest); err != nil {
			return err
		}
		if err := checkOriginal(f, versionFile(key, n, "original."), e.Original); err != nil {
			return err
		}
		for language, d := range e.Translations {
			if err := checkDigestOf(f, versionFile(key, n, language+"."+fileText), d); err != nil {
				return err
			}
			if err := checkOriginal(f, versionFile(key, n, language+".original."), e.Originals[language]); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkOriginal makes sure that the one file whose name begins so is the one that was
// imported. Entries of before they named it say "": then nothing binds it.
func checkOriginal(f Files, begins string, want canonical.Digest) error {
	names := f.under(begins)
	if len(names) != 1 {
		return fmt.Errorf("there are %d files %s*, and not one", len(names), begins)
	}
	if want == "" {
		return nil
	}
	return checkDigestOf(f, names[0], want)
}

// checkDigestOf makes sure that a file is there with that digest, or is not there
// where the digest is "".
func checkDigestOf(f Files, name string, want canonical.Digest) error {
	b, ok := f[name]
	switch {
	case want == "" && !ok:
		return nil
	case want == "":
		return fmt.Errorf("%s is named by nothing", name)
	case !ok:
		return fmt.Errorf("%s is missing", name)
	case canonical.Sum(b) != want:
		return fmt.Errorf("%s was altered: its digest is not the one that names it", name)
	}
	return nil
}
