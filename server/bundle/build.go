package bundle

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/notice"
)

// Records finds a record, and what it names; see consent.Store.
type Records interface {
	Entry(ctx context.Context, site, receiptID string) (*consent.Entry, error)
	Artifact(ctx context.Context, d canonical.Digest) (consent.Artifact, error)
	// StyleByShort is the style sheet of a page, which names it by the first 16 digits
	// of its digest. It fails with consent.ErrUnknownArtifact.
	StyleByShort(ctx context.Context, short string) ([]byte, error)
}

// Scripts finds what a script fetches; see notice.Store.
type Scripts interface {
	ScriptByShort(ctx context.Context, site, short string) (notice.Script, error)
}

// Versions finds policies and their chains; see policyversions.Store and Chain.
type Versions interface {
	Version(ctx context.Context, site, policy string, number int) (policyversions.Version, error)
	VersionLink(ctx context.Context, site, policy string, number int) (policyversions.Link, error)
}

// A Maker makes bundles.
type Maker struct {
	Records  Records
	Scripts  Scripts
	Versions Versions
	// Prove is a proof file for the leaf at index (c2sp.org/tlog-proof@v1), to a
	// checkpoint that the log has signed.
	Prove  func(ctx context.Context, index int64) ([]byte, error)
	LogKey string // the log's public key as vkey (c2sp.org/signed-note)
	// Earlier is a checkpoint of the log that somebody kept, from before the receipt;
	// nil where there is none. Continue is the proof that the one of the bundle continues it.
	Earlier  []byte
	Continue func(ctx context.Context, earlier, later auditlog.Head) (tlog.TreeProof, error)
	Keys     func() consent.PublicKeys
	Tokens   *consent.Tokens
}

// Bundle is the bundle of a receipt, as a zip. It fails with consent.ErrUnknownReceipt,
// and with ErrIncomplete where the archive lacks what the receipt names. The same
// receipt under the same checkpoint and keys gives the same bytes.
func (m *Maker) Bundle(ctx context.Context, site, receiptID string) ([]byte, error) {
	f, err := m.Files(ctx, site, receiptID)
	if err != nil {
		return nil, err
	}
	return Pack(f)
}

// Shown is the page that shows what the receipt's visitor was shown, and the
// Content-Security-Policy it is to be served with. It fails as Bundle does.
func (m *Maker) Shown(ctx context.Context, site, receiptID string) (page []byte, policy string, err error) {
	f, err := m.Files(ctx, site, receiptID)
	if err != nil {
		return nil, "", err
	}
	return f[nameReplay], ReplayPolicy + "; frame-ancestors 'none'; sandbox allow-scripts", nil
}

// Files are the files of a receipt's bundle.
func (m *Maker) Files(ctx context.Context, site, receiptID string) (Files, error) {
	entry, err := m.Records.Entry(ctx, site, receiptID)
	if err != nil {
		return nil, err
	}
	core, err := consent.ParseCore(entry.Core)
	if err != nil {
		return nil, fmt.Errorf("receipt %s: %w", receiptID, err)
	}
	f := Files{}
	if f[nameReceipt], err = consent.EncodeReceipt(entry); err != nil {
		return nil, err
	}
	if f[nameKeys], err = m.Keys().JWKS(); err != nil {
		return nil, err
	}
	for _, step := range []func(context.Context, Files, consent.Core) error{m.shown, m.policies, m.about} {
		if err := step(ctx, f, core); err != nil {
			return nil, fmt.Errorf("bundle of receipt %s: %w", receiptID, err)
		}
	}
	if err := m.prove(ctx, f, entry.Index); err != nil {
		return nil, fmt.Errorf("bundle of receipt %s: %w", receiptID, err)
	}
	if token, ok := m.Tokens.Again(consent.ServedOf(core), core.Token); ok {
		f[nameToken] = []byte(token)
	}
	e, err := read(f)
	if err != nil {
		return nil, fmt.Errorf("bundle of receipt %s: %w", receiptID, err)
	}
	made, err := e.derive(f)
	if err != nil {
		return nil, fmt.Errorf("bundle of receipt %s: %w", receiptID, err)
	}
	for name, b := range made {
		f[name] = b
	}
	f[nameManifest] = manifest(f)
	return f, nil
}

// shown adds what the experience names.
func (m *Maker) shown(ctx context.Context, f Files, core consent.Core) error {
	kept := func(name string, d canonical.Digest) error {
		a, err := m.Records.Artifact(ctx, d)
		if errors.Is(err, consent.ErrUnknownArtifact) {
			return fmt.Errorf("%s %s: %w", name, d, ErrIncomplete)
		}
		if a.Kind == "page" && name == nameScript {
			name = namePage
		}
		f[name] = a.Bytes
		return err
	}
	if err := kept(nameExperience, core.Experience); err != nil {
		return err
	}
	var x notice.Experience
	if err := canonical.Decode(f[nameExperience], &x); err != nil {
		return fmt.Errorf("experience %s: %w", core.Experience, err)
	}
	for _, one := range []struct {
		name   string
		digest canonical.Digest
	}{{nameNotice, x.Notice}, {nameWording, x.Wording}, {nameTags, x.Tags}, {nameLaw, x.Law}, {nameScript, x.Script}} {
		if err := kept(one.name, one.digest); err != nil {
			return err
		}
	}
	if page := f[namePage]; page != nil {
		css, err := m.Records.StyleByShort(ctx, notice.Stylesheet(page))
		if errors.Is(err, consent.ErrUnknownArtifact) {
			return nil // the replay says so
		}
		if err == nil {
			f[nameStyle] = css
		}
		return err
	}
	return m.modules(ctx, f, core.Site, f[nameScript])
}

// modules adds what a script fetches, and what that fetches.
func (m *Maker) modules(ctx context.Context, f Files, site string, script []byte) error {
	for short := range named(script) {
		s, err := m.Scripts.ScriptByShort(ctx, site, short)
		if errors.Is(err, notice.ErrUnpublished) {
			continue // the digest of something else: of the notice
		}
		if err != nil {
			return err
		}
		name := dirModules + string(s.Digest) + ".js"
		if _, ok := f[name]; ok {
			continue
		}
		f[name] = s.Source
		if err := m.modules(ctx, f, site, s.Source); err != nil {
			return err
		}
	}
	return nil
}

// policies adds the versions that the record names, and their chains.
func (m *Maker) policies(ctx context.Context, f Files, core consent.Core) error {
	for key, named := range core.Policies {
		for n := 1; n <= named.Number; n++ {
			l, err := m.Versions.VersionLink(ctx, core.Site, key, n)
			if err != nil {
				return err
			}
			if f[versionFile(key, n, fileEntry)], err = encodeLink(l); err != nil {
				return err
			}
			v, err := m.Versions.Version(ctx, core.Site, key, n)
			if err != nil {
				return err
			}
			if len(v.Summary) > 0 {
				if f[versionFile(key, n, fileSummary)], err = canonical.Encode(v.Summary); err != nil {
					return err
				}
			}
			if n < named.Number {
				continue
			}
			if err := m.version(ctx, f, v, l.Position); err != nil {
				return err
			}
		}
	}
	return nil
}

// version adds the texts of a version, and the proof that its entry is in the log.
func (m *Maker) version(ctx context.Context, f Files, v policyversions.Version, position int64) (err error) {
	at := func(name string) string { return versionFile(v.Policy, v.Number, name) }
	f[at(fileText)], f[at(originalFile("", v.Format))] = v.Canonical, v.Original
	for _, t := range v.Translations {
		f[at(t.Language+"."+fileText)], f[at(originalFile(t.Language, t.Format))] = t.Canonical, t.Original
	}
	f[at(fileProof)], err = m.Prove(ctx, position)
	return err
}

// about adds what this bundle is.
func (m *Maker) about(ctx context.Context, f Files, core consent.Core) (err error) {
	a := about{Schema: Schema, Edition: Edition, ID: core.ID, Site: core.Site}
	if core.Surface == consent.OnChange && core.Previous != "" {
		before, err := m.Records.Entry(ctx, core.Site, core.Previous)
		if err == nil {
			previous, err := consent.ParseCore(before.Core)
			if err != nil {
				return err
			}
			a.Known = map[string]int{}
			for key, p := range previous.Policies {
				a.Known[key] = p.Number
			}
		} else if !errors.Is(err, consent.ErrUnknownReceipt) {
			return err
		}
	}
	f[nameAbout], err = a.encode()
	return err
}

// prove adds the proof that the record's leaf is in the log.
func (m *Maker) prove(ctx context.Context, f Files, index int64) (err error) {
	if f[nameProof], err = m.Prove(ctx, index); err != nil {
		return err
	}
	p, err := parseProof(f[nameProof])
	if err != nil {
		return err
	}
	f[nameCheckpoint] = p.Checkpoint
	f[nameLogKey] = []byte(strings.TrimSuffix(m.LogKey, "\n") + "\n")
	if m.Earlier == nil {
		return nil
	}
	earlier, err := auditlog.ParseCheckpoint(m.Earlier)
	if err != nil {
		return err
	}
	proof, err := m.Continue(ctx, earlier.Head, p.checkpoint.Head)
	if err != nil {
		return err
	}
	f[nameEarlier] = m.Earlier
	f[nameConsistency], err = encodeConsistency(earlier.Head, p.checkpoint.Head, proof)
	return err
}
