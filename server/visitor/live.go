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

// A Live is what one site serves now: its current publication, unpacked, and
// the policy versions in force. It never changes; a newer Live replaces it.
type Live struct {
	Site        site.Site
	Notice      *notice.Notice
	Publication *notice.Publication
	Policies    map[string]policyversions.Version // in force, by policy key, without texts

	matcher *notice.Matcher
	scripts map[notice.Variant]*notice.PublishedScript
	byShort map[string]*notice.PublishedScript
	tags    []byte                   // canonical
	changes []policyversions.Version // material ones of all policies, newest first, without texts

	mu          sync.Mutex
	experiences map[experienceKey]experience    // guarded by mu
	earlier     map[string]*notice.Notice       // guarded by mu; notices of older cookies by short digest
	served      map[canonical.Digest]experience // guarded by mu; the same experiences by digest
}

type experienceKey struct {
	variant notice.Variant
	law     canonical.Digest
}

type experience struct {
	variant notice.Variant
	digest  canonical.Digest
	bytes   []byte
	says    notice.Experience // what the bytes say; its map is read only
	law     *regime.Row
	page    []byte // what was shown, where that was a page of the server and no script; nil otherwise
}

// Script is the compiled variant, or nil.
func (l *Live) Script(v notice.Variant) *notice.PublishedScript { return l.scripts[v] }

// experience is what a visitor is served who gets this variant under this law.
func (l *Live) experience(v notice.Variant, law *regime.Row) (experience, error) {
	key := experienceKey{v, law.Digest()}
	l.mu.Lock()
	defer l.mu.Unlock()
	if e, ok := l.experiences[key]; ok {
		return e, nil
	}
	script := l.scripts[v]
	if script == nil {
		return experience{}, notice.ErrUnpublished
	}
	e, err := l.describe(v, script.Digest, law)
	if err != nil {
		return experience{}, err
	}
	l.experiences[key] = e
	l.served[e.digest] = e
	return e, nil
}

// pageExperience is what a visitor is shown who gets a page of the server, and no
// script, under this law.
func (l *Live) pageExperience(language string, page []byte, law *regime.Row) (experience, error) {
	e, err := l.describe(notice.Variant{Language: language}, canonical.Sum(page), law)
	e.page = page
	return e, err
}

// describe names all that is shown, by digest: shown is that of script or page.
func (l *Live) describe(v notice.Variant, shown canonical.Digest, law *regime.Row) (experience, error) {
	x := notice.Experience{
		Site: l.Site.Key, Language: v.Language,
		Notice: l.Publication.Notice, Wording: l.Publication.WordingOf(v),
		Script: shown, Tags: canonical.Sum(l.tags), Law: law.Digest(),
		Policies: map[string]canonical.Digest{},
	}
	for policy, version := range l.Policies {
		x.Policies[policy] = version.Digest
	}
	bytes, err := x.Encode()
	if err != nil {
		return experience{}, fmt.Errorf("encode experience: %w", err)
	}
	return experience{variant: v, digest: canonical.Sum(bytes), bytes: bytes, says: x, law: law}, nil
}

// A Directory holds the Live of every site and keeps up with what is published,
// by this process or another one.
type Directory struct {
	Sites    site.Store
	Notices  notice.Store
	Versions policyversions.Store
	Now      func() time.Time
	Log      *slog.Logger

	live atomic.Pointer[map[string]*Live]
	seq  int64 // of the last load; used by one goroutine at a time
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

// Refresh loads what is new. What was served stays served if it fails.
func (d *Directory) Refresh(ctx context.Context) error {
	seq, err := d.Notices.Seq(ctx)
	if err != nil {
		return fmt.Errorf("read publication counter: %w", err)
	}
	sites, err := d.Sites.Sites(ctx)
	if err != nil {
		return fmt.Errorf("read sites: %w", err)
	}
	old := d.live.Load()
	next := make(map[string]*Live, len(sites))
	for _, s := range sites {
		var before *Live
		if old != nil {
			before = (*old)[s.Key]
		}
		l, err := d.load(ctx, s, before, seq != d.seq)
		if err != nil {
			return fmt.Errorf("load site %s: %w", s.Key, err)
		}
		next[s.Key] = l
	}
	d.seq = seq
	d.live.Store(&next)
	return nil
}

func (d *Directory) load(ctx context.Context, s site.Site, before *Live, published bool) (*Live, error) {
	var pub *notice.Publication
	if before != nil && !published {
		pub = before.Publication
	} else {
		var err error
		pub, err = d.Notices.Current(ctx, s.Key)
		if errors.Is(err, notice.ErrUnpublished) {
			return nil, nil //nolint:nilnil // a site without a notice is known and has nothing to serve
		}
		if err != nil {
			return nil, err
		}
		if before != nil && before.Publication.Seq == pub.Seq {
			pub = before.Publication
		}
	}
	n, err := notice.Decode(pub.NoticeBytes)
	if err != nil {
		return nil, err
	}
	policies := map[string]policyversions.Version{}
	for _, key := range n.Policies {
		v, err := d.Versions.InForce(ctx, s.Key, key, d.Now())
		if errors.Is(err, policyversions.ErrUnknownPolicy) || errors.Is(err, policyversions.ErrUnknownVersion) {
			continue // the notice may be published before its policies; receipts then name none
		}
		if err != nil {
			return nil, err
		}
		v.Canonical, v.Original = nil, nil
		policies[key] = v
	}
	if before != nil && before.Site == s && before.Publication == pub && samePolicies(before.Policies, policies) {
		return before, nil
	}
	var changes []policyversions.Version
	for _, key := range n.Policies {
		some, err := material(ctx, d.Versions, s.Key, key, d.Now())
		if err != nil {
			return nil, err
		}
		changes = append(changes, some...)
	}
	slices.SortStableFunc(changes, func(a, b policyversions.Version) int { return b.From().Compare(a.From()) })
	tags, err := n.EncodeTags()
	if err != nil {
		return nil, err
	}
	l := &Live{Site: s, Notice: n, Publication: pub, Policies: policies, changes: changes[:min(len(changes), mostChanges)],
		matcher: notice.NewMatcher(n), scripts: map[notice.Variant]*notice.PublishedScript{},
		byShort: map[string]*notice.PublishedScript{}, tags: tags,
		experiences: map[experienceKey]experience{}, earlier: map[string]*notice.Notice{}, served: map[canonical.Digest]experience{}}
	for i := range pub.Scripts {
		script := &pub.Scripts[i]
		l.scripts[script.Variant] = script
		l.byShort[script.Digest.Short()] = script
	}
	return l, nil
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
// a receipt names it. Policy texts are kept with their versions already.
func (l *Live) artifacts(x experience) []consent.Artifact {
	wording := l.Publication.WordingOf(x.variant)
	shown := consent.Artifact{Digest: canonical.Sum(x.page), Kind: kindPage, Bytes: x.page}
	if x.page == nil {
		script := l.scripts[x.variant]
		shown = consent.Artifact{Digest: script.Digest, Kind: kindScript, Bytes: script.Source}
	}
	return []consent.Artifact{
		{Digest: x.digest, Kind: "experience", Bytes: x.bytes},
		{Digest: x.law.Digest(), Kind: "law", Bytes: x.law.Canonical()},
		{Digest: l.Publication.Notice, Kind: "notice", Bytes: l.Publication.NoticeBytes},
		{Digest: wording, Kind: "wording", Bytes: l.Publication.WordingBytes[wording]},
		{Digest: canonical.Sum(l.tags), Kind: "tags", Bytes: l.tags},
		shown,
	}
}
