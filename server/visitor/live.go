package visitor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/regime"
	"github.com/volenti-consent/volenti/server/site"
)

// A Live is what one site serves now: its current publication, unpacked but for
// scripts and wordings, and the policy versions in force. It never changes; a newer
// Live replaces it. Scripts and wordings are read when somebody wants them.
type Live struct {
	Site        site.Site
	Notice      *notice.Notice
	Publication *notice.Publication               // without Scripts and WordingBytes
	Policies    map[string]policyversions.Version // in force, by policy key, without texts

	shelf   *Shelf
	matcher *notice.Matcher
	tags    consent.Artifact
	named   map[string]consent.Policy // Policies as records name them
	changes []policyversions.Version  // material ones of all policies, newest first, without texts
	until   time.Time                 // when another policy version comes into force; zero: none is to come

	mu          sync.Mutex
	current     bool                                // guarded by mu; what it describes is counted by the shelf
	scripts     map[notice.Variant]canonical.Digest // guarded by mu; of those that were asked for, "" where there is none
	byShort     map[string]canonical.Digest         // guarded by mu; scripts that were asked for by name and are the site's
	experiences map[experienceKey]*experience       // guarded by mu
	earlier     map[string]*notice.Notice           // guarded by mu; notices of older cookies by short digest
	served      map[canonical.Digest]*experience    // guarded by mu; the same experiences by digest
	carries     *bool                               // guarded by mu; nil: nobody has asked
}

func newLive(s site.Site, n *notice.Notice, p *notice.Publication, policies map[string]policyversions.Version, shelf *Shelf) (*Live, error) {
	tags, err := n.EncodeTags()
	if err != nil {
		return nil, err
	}
	named := make(map[string]consent.Policy, len(policies))
	for key, v := range policies {
		named[key] = consent.PolicyOf(v)
	}
	return &Live{Site: s, Notice: n, Publication: p, Policies: policies, shelf: shelf, matcher: shelf.matcher(n),
		tags: consent.Artifact{Digest: canonical.Sum(tags), Kind: "tags", Bytes: tags}, named: named,
		scripts: map[notice.Variant]canonical.Digest{}, byShort: map[string]canonical.Digest{},
		experiences: map[experienceKey]*experience{}, earlier: map[string]*notice.Notice{}, served: map[canonical.Digest]*experience{}}, nil
}

type experienceKey struct {
	variant notice.Variant
	law     canonical.Digest
}

// An experience never changes once it is made.
type experience struct {
	variant notice.Variant
	digest  canonical.Digest
	bytes   []byte
	says    notice.Experience // what the bytes say; its map is read only
	law     *regime.Row
	page    []byte // what was shown, where that was a page of the server and no script; nil otherwise
}

// Script names the compiled variant. It fails with notice.ErrUnpublished where there is
// none, and as the store does where it must be read and can't be.
func (l *Live) Script(ctx context.Context, v notice.Variant) (canonical.Digest, error) {
	l.mu.Lock()
	digest, asked := l.scripts[v]
	l.mu.Unlock()
	if !asked {
		var err error
		digest, err = l.shelf.scriptAt(ctx, l.Publication.Seq, v)
		if err != nil && !errors.Is(err, notice.ErrUnpublished) {
			return "", err
		}
		l.mu.Lock()
		l.scripts[v] = digest
		l.mu.Unlock()
	}
	if digest == "" {
		return "", notice.ErrUnpublished
	}
	return digest, nil
}

// experience is what a visitor is served who gets this variant under this law.
func (l *Live) experience(ctx context.Context, v notice.Variant, law *regime.Row) (*experience, error) {
	key := experienceKey{v, law.Digest()}
	l.mu.Lock()
	e, ok := l.experiences[key]
	l.mu.Unlock()
	if ok {
		return e, nil
	}
	script, err := l.Script(ctx, v)
	if err != nil {
		return nil, err
	}
	if e, err = l.describe(v, script, law); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.current && l.shelf.described.Load() >= mostDescribed {
		l.forget()
	}
	if _, ok := l.experiences[key]; !ok && l.current {
		l.shelf.described.Add(1)
	}
	l.experiences[key] = e
	l.served[e.digest] = e
	return e, nil
}

// forget drops what can be described and looked up again. l.mu is held.
func (l *Live) forget() {
	l.shelf.described.Add(-int64(len(l.experiences)))
	clear(l.experiences)
	clear(l.served)
	clear(l.scripts)
}

// replaced is called when another Live takes this one's place.
func (l *Live) replaced() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forget()
	l.current = false
}

// pageExperience is what a visitor is shown who gets a page of the server, and no
// script, under this law.
func (l *Live) pageExperience(language string, page []byte, law *regime.Row) (*experience, error) {
	e, err := l.describe(notice.Variant{Language: language}, canonical.Sum(page), law)
	if err != nil {
		return nil, err
	}
	e.page = page
	return e, nil
}

// describe names all that is shown, by digest: shown is that of script or page.
func (l *Live) describe(v notice.Variant, shown canonical.Digest, law *regime.Row) (*experience, error) {
	x := notice.Experience{
		Site: l.Site.Key, Language: v.Language,
		Notice: l.Publication.Notice, Wording: l.Publication.WordingOf(v),
		Script: shown, Tags: l.tags.Digest, Law: law.Digest(),
		Policies: map[string]canonical.Digest{},
	}
	for policy, version := range l.Policies {
		x.Policies[policy] = version.Digest
	}
	bytes, err := x.Encode()
	if err != nil {
		return nil, fmt.Errorf("encode experience: %w", err)
	}
	return &experience{variant: v, digest: canonical.Sum(bytes), bytes: bytes, says: x, law: law}, nil
}

// A VersionStore says cheaply where something has changed.
type VersionStore interface {
	policyversions.Store
	// EnteredSince lists the sites whose policies have got a version since a position
	// of the log, that one left out, and the last such position, or since. -1 is
	// before all.
	EnteredSince(ctx context.Context, since int64) (sites []string, last int64, err error)
}

// A Directory holds the Live of every site and keeps up with what is published,
// by this process or another one.
type Directory struct {
	Sites    site.Store
	Notices  notice.Shelf
	Versions VersionStore
	Now      func() time.Time
	Log      *slog.Logger
	Room     int // bytes of scripts and wordings in memory; 0 is 5 MiB

	live atomic.Pointer[map[string]*Live]

	// Of the last load; used by one goroutine at a time.
	shelf   *Shelf
	seq     int64
	entered int64
}

// Live is what the site serves now. It fails with site.ErrUnknown or
// notice.ErrUnpublished.
func (d *Directory) Live(key string) (*Live, error) {
	all := d.live.Load()
	if all == nil {
		return nil, site.ErrUnknown
	}
	l, ok := (*all)[key]
	if !ok {
		return nil, site.ErrUnknown
	}
	if l == nil {
		return nil, notice.ErrUnpublished
	}
	return l, nil
}

// All are the sites that have something to serve, by name.
func (d *Directory) All() []*Live {
	all := d.live.Load()
	if all == nil {
		return nil
	}
	list := make([]*Live, 0, len(*all))
	for _, l := range *all {
		if l != nil {
			list = append(list, l)
		}
	}
	slices.SortFunc(list, func(a, b *Live) int {
		return cmp.Or(cmp.Compare(a.Site.Name, b.Site.Name), cmp.Compare(a.Site.Key, b.Site.Key))
	})
	return list
}

// Keep loads everything now, and again whenever something was published or a
// policy version came into force, until ctx ends.
func (d *Directory) Keep(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := d.Refresh(ctx); err != nil && ctx.Err() == nil {
				d.Log.ErrorContext(ctx, "publications not read; the last ones are still served", "error", err)
			}
		}
	}
}

// Refresh loads what is new, and asks three short questions where nothing is. What was
// served stays served if it fails.
func (d *Directory) Refresh(ctx context.Context) error {
	if d.shelf == nil {
		d.shelf, d.entered = newShelf(d.Notices, d.Room), -1
	}
	published, err := d.Notices.Published(ctx, d.seq)
	if err != nil {
		return err
	}
	revised, entered, err := d.Versions.EnteredSince(ctx, d.entered)
	if err != nil {
		return err
	}
	sites, err := d.Sites.Sites(ctx)
	if err != nil {
		return fmt.Errorf("read sites: %w", err)
	}
	old, now := map[string]*Live{}, d.Now()
	if all := d.live.Load(); all != nil {
		old = *all
	}
	next := make(map[string]*Live, len(sites))
	same := len(old) == len(sites) && d.live.Load() != nil
	shared := newAlike()
	for _, s := range sites {
		before, known := old[s.Key]
		seq := published[s.Key]
		if seq == 0 && before != nil {
			seq = before.Publication.Seq
		}
		l := before
		if seq != 0 && (before == nil || before.Site != s || before.Publication.Seq != seq ||
			slices.Contains(revised, s.Key) || !before.until.IsZero() && !now.Before(before.until)) {
			if l, err = d.load(ctx, s, seq, before, shared); err != nil {
				return fmt.Errorf("load site %s: %w", s.Key, err)
			}
		}
		same = same && known && l == before
		next[s.Key] = l // nil: a site without a notice is known and has nothing to serve
	}
	for _, seq := range published {
		d.seq = max(d.seq, seq)
	}
	d.entered = entered
	if !same {
		d.live.Store(&next)
	}
	for key, before := range old {
		if before != nil && next[key] != before {
			before.replaced()
		}
	}
	return nil
}

// load reads a publication, unless it is that of before, and the policies.
func (d *Directory) load(ctx context.Context, s site.Site, seq int64, before *Live, shared *alike) (*Live, error) {
	var pub *notice.Publication
	var n *notice.Notice
	if before != nil && before.Publication.Seq == seq {
		pub, n = before.Publication, before.Notice
	} else {
		var err error
		if pub, err = d.Notices.Outline(ctx, seq); err != nil {
			return nil, err
		}
		if n, err = notice.Decode(pub.NoticeBytes); err != nil {
			return nil, err
		}
		pub.NoticeBytes = nil // unpacked
		shared.share(pub, n)
	}
	policies := map[string]policyversions.Version{}
	var changes []policyversions.Version
	var until time.Time
	now := d.Now()
	for _, key := range n.Policies {
		all, err := d.Versions.Versions(ctx, s.Key, key)
		if errors.Is(err, policyversions.ErrUnknownPolicy) {
			continue // the notice may be published before its policies; receipts then name none
		}
		if err != nil {
			return nil, fmt.Errorf("versions of policy %s: %w", key, err)
		}
		changes = append(changes, material(all, now)...)
		until = soonest(until, all, now)
		if v, ok := inForce(all, now); ok {
			policies[key] = v
		}
	}
	if before != nil && before.Site == s && before.Publication == pub && samePolicies(before.Policies, policies) && before.until.Equal(until) {
		return before, nil
	}
	slices.SortStableFunc(changes, func(a, b policyversions.Version) int { return b.From().Compare(a.From()) })
	l, err := newLive(s, n, pub, policies, d.shelf)
	if err != nil {
		return nil, err
	}
	l.current = true
	l.changes, l.until = changes[:min(len(changes), mostChanges)], until
	return l, nil
}

// inForce is the version that binds: of two that take effect at once, the later one.
func inForce(all []policyversions.Version, at time.Time) (found policyversions.Version, ok bool) {
	for _, v := range all { // newest first
		if !v.Effective.After(at) && (!ok || v.Effective.After(found.Effective)) {
			found, ok = v, true
		}
	}
	return found, ok
}

// soonest is the earlier of until and the next time at which a version comes into force.
func soonest(until time.Time, all []policyversions.Version, now time.Time) time.Time {
	for _, v := range all {
		if at := v.Effective; at.After(now) && (until.IsZero() || at.Before(until)) {
			until = at
		}
	}
	return until
}

func samePolicies(a, b map[string]policyversions.Version) bool {
	if len(a) != len(b) {
		return false
	}
	for key, v := range a {
		if b[key].Digest != v.Digest || b[key].Number != v.Number {
			return false
		}
	}
	return true
}

// Kinds of artifacts that are no JSON.
const (
	kindScript = "script"
	kindPage   = "page"
	kindStyle  = "style"
)

// artifacts is everything an experience names that the archive must hold once
// a receipt names it. What was published is kept already: policy texts, the notice,
// its wordings and its scripts.
func (l *Live) artifacts(x *experience) []consent.Artifact {
	all := []consent.Artifact{
		{Digest: x.digest, Kind: "experience", Bytes: x.bytes},
		{Digest: x.law.Digest(), Kind: "law", Bytes: x.law.Canonical()},
		l.tags,
	}
	if x.page != nil {
		all = append(all, consent.Artifact{Digest: canonical.Sum(x.page), Kind: kindPage, Bytes: x.page})
	}
	return all
}
