package visitor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/notice"
)

// An Archive finds again what was served: by the digest in a token, or by the
// notice a cookie was made under. What is served is kept the first time it is.
type Archive struct {
	Store    consent.Store
	Notices  notice.Store
	Versions policyversions.Store
	Log      *slog.Logger
	// Style is the style sheet that pages name by the first 16 digits of its digest;
	// web.Renderer has it. nil where no page is shown.
	Style func(short string) []byte

	mu   sync.Mutex
	kept map[canonical.Digest]struct{} // guarded by mu; experiences that are in the store
}

// mostArchived bounds the digests in memory of what is in the store.
const mostArchived = 10_000

// keepWithin is how long a page may wait for its experience to be archived.
const keepWithin = 10 * time.Second

// Keep makes sure that an experience is in the archive before a page can answer
// it, and reports whether it is. If that fails just now the page is still served:
// its decision brings the experience along, as long as this process knows it.
func (a *Archive) Keep(ctx context.Context, l *Live, x *experience) bool {
	a.mu.Lock()
	_, kept := a.kept[x.digest]
	a.mu.Unlock()
	if kept {
		return true
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepWithin) // for all who come later, too
	defer cancel()
	_, err := a.Store.Artifact(ctx, x.digest) // reading is cheap, and all of it was kept with it
	if err != nil {
		err = a.Store.KeepArtifacts(ctx, a.artifacts(l, x))
	}
	if err != nil {
		a.Log.WarnContext(ctx, "experience not archived yet", "site", l.Site.Key, "error", err)
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.kept == nil || len(a.kept) >= mostArchived {
		a.kept = map[canonical.Digest]struct{}{}
	}
	a.kept[x.digest] = struct{}{}
	return true
}

// artifacts is all that must be kept of an experience: of a page the style sheet too,
// which the next version of this program does not have any more.
func (a *Archive) artifacts(l *Live, x *experience) []consent.Artifact {
	all := l.artifacts(x)
	if a.Style == nil || x.page == nil {
		return all
	}
	if css := a.Style(notice.Stylesheet(x.page)); css != nil {
		all = append(all, consent.Artifact{Digest: canonical.Sum(css), Kind: kindStyle, Bytes: css})
	}
	return all
}

// question is everything the server knows of what a token says was served.
func (a *Archive) question(ctx context.Context, l *Live, served consent.Served) (consent.Question, error) {
	l.mu.Lock()
	x, ok := l.served[served.Experience]
	l.mu.Unlock()
	if ok { // all of it is what l serves now
		return consent.Question{Served: served, Notice: l.Notice, Experience: x.says, Policies: l.named, Artifacts: a.artifacts(l, x)}, nil
	}
	q := consent.Question{Served: served, Policies: map[string]consent.Policy{}}
	kept, err := a.Store.Artifact(ctx, served.Experience)
	if errors.Is(err, consent.ErrUnknownArtifact) {
		// We signed the token and do not know what it names: whoever asks is
		// told to load the banner again.
		return q, consent.ErrStaleToken
	}
	if err != nil {
		return q, err
	}
	if err := json.Unmarshal(kept.Bytes, &q.Experience); err != nil {
		return q, fmt.Errorf("archived experience %s: %w", served.Experience, err)
	}
	if kept, err = a.Store.Artifact(ctx, q.Experience.Notice); err != nil {
		return q, fmt.Errorf("archived notice %s: %w", q.Experience.Notice, err)
	}
	if q.Notice, err = notice.Decode(kept.Bytes); err != nil {
		return q, fmt.Errorf("archived notice %s: %w", q.Experience.Notice, err)
	}
	for policy, digest := range q.Experience.Policies {
		version, err := a.version(ctx, l, policy, digest, served.From().Add(consent.Bucket))
		if err != nil {
			return q, err
		}
		q.Policies[policy] = consent.PolicyOf(version)
	}
	return q, nil
}

// version finds the policy version of a digest that was served before a time: as a
// rule the one in force. The same text may be published again, and be still to come. That
// it was served is certain; when, a node whose clock was behind has said: then it is the
// first.
func (a *Archive) version(ctx context.Context, l *Live, policy string, digest canonical.Digest, before time.Time) (policyversions.Version, error) {
	if v, ok := l.Policies[policy]; ok && v.Digest == digest {
		return v, nil
	}
	all, err := a.Versions.Versions(ctx, l.Site.Key, policy)
	if err != nil {
		return policyversions.Version{}, fmt.Errorf("policy %s: %w", policy, err)
	}
	var first *policyversions.Version
	for i, v := range all { // newest first: where a text came back, the later one was in force
		if v.Digest != digest {
			continue
		}
		if v.From().Before(before) {
			return v, nil
		}
		first = &all[i]
	}
	if first != nil {
		return *first, nil
	}
	return policyversions.Version{}, fmt.Errorf("policy %s %s: %w", policy, digest, policyversions.ErrUnknownVersion)
}

// Carry is what a remembered decision says about the notice of today, at a time:
// what was decided stays decided, whatever has been added since. It is of no use
// (false) if the notice it was made under is not to be found.
func (a *Archive) Carry(ctx context.Context, l *Live, m Memory, now time.Time) (carried, bool) {
	earlier, ok := a.earlier(ctx, l, m.Notice)
	if !ok {
		return carried{}, false
	}
	long, err := lengthen(earlier, m.Choices)
	if err != nil {
		return carried{}, false
	}
	c := carried{ends: m.Ends, rests: m.Rests}
	if !now.Before(c.ends) {
		long = long.Lapse(earlier)
		c.ends = m.until()
	}
	if !c.rests.After(c.ends) {
		c.rests = time.Time{}
	}
	if earlier != l.Notice {
		c.more = !notice.Covers(earlier, l.Notice)
		long = notice.Carry(long, earlier, l.Notice)
	}
	c.choices = shorten(l.Notice, long)
	return c, true
}

func (a *Archive) earlier(ctx context.Context, l *Live, short string) (*notice.Notice, bool) {
	if short == l.Publication.Notice.Short() {
		return l.Notice, true
	}
	l.mu.Lock()
	n, known := l.earlier[short]
	l.mu.Unlock()
	if known {
		return n, n != nil
	}
	n, _, err := a.Notices.NoticeByShort(ctx, l.Site.Key, short)
	if err != nil && !errors.Is(err, notice.ErrUnpublished) {
		return nil, false // the store may answer next time
	}
	l.mu.Lock()
	l.earlier[short] = n
	l.mu.Unlock()
	return n, n != nil
}

// Script names a compiled script of the site by its digest, or by the first 16
// digits of it, as scripts name one another. Those that are no longer current
// are in browsers' caches for a while, and in receipts for good.
func (a *Archive) Script(ctx context.Context, l *Live, name string) (canonical.Digest, error) {
	if len(name) != 16 {
		if _, err := canonical.ParseDigest(name); err != nil {
			return "", consent.ErrUnknownArtifact
		}
	}
	short := canonical.Digest(name).Short()
	l.mu.Lock()
	digest := l.byShort[short]
	l.mu.Unlock()
	if digest == "" {
		kept, err := once(ctx, l.shelf, l.Site.Key+" "+short, func(ctx context.Context) (notice.Script, error) {
			return a.Notices.ScriptByShort(ctx, l.Site.Key, short)
		})
		if errors.Is(err, notice.ErrUnpublished) {
			return "", consent.ErrUnknownArtifact
		}
		if err != nil {
			return "", err
		}
		digest = kept.Digest
		l.mu.Lock()
		l.byShort[short] = digest
		l.mu.Unlock()
	}
	if !strings.HasPrefix(string(digest), name) {
		return "", consent.ErrUnknownArtifact
	}
	return digest, nil
}
