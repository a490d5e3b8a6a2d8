package notice

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/splice"
)

// Errors of Publish.
var (
	// ErrSameNotice says that what would be published is in force already, to
	// the byte: the notice, its wordings and its scripts.
	ErrSameNotice = errors.New("this notice is in force already, with the same wording and scripts")
	// ErrCompiled says that a Compiler did not keep its contract.
	ErrCompiled = errors.New("the compiled scripts are not those of this notice")
	// ErrUnjudged says that nobody would have looked whether the banner is fair.
	ErrUnjudged = errors.New("the publisher has nobody who judges the banner: give it a Fairness")
)

// An InvalidError lists what keeps a notice from being published.
type InvalidError struct{ Issues []Issue }

func (e *InvalidError) Error() string {
	var b strings.Builder
	b.WriteString("the notice has mistakes:")
	for _, i := range e.Issues {
		if i.Severity == SeverityError {
			b.WriteString("\n  " + i.String())
		}
	}
	return b.String()
}

// String is the issue in one line: where, what, and what to do; and in another
// the rule it breaks, if that is one of design.
func (i Issue) String() string {
	where := i.Path
	if i.Line > 0 {
		where = fmt.Sprintf("line %d: %s", i.Line, i.Path)
	}
	text := strings.TrimSuffix(where, ": ") + " " + i.What + "; " + i.Remedy
	if i.Rule != "" {
		text += "\n\t" + i.Rule
	}
	return text
}

// A Publisher makes notices public.
type Publisher struct {
	Store    Store
	Compiler Compiler
	Fairness Fairness
	// Compress makes the compressed forms of one script; nil is splice.Compress.
	// It is called by several goroutines, once for each source that differs.
	Compress func(source []byte) (splice.Encoded, error)
	Now      func() time.Time
}

// Publish makes n the current notice of its site: it is encoded, compiled into
// every variant, compressed, and kept whole, so that no request ever does any
// of it. It fails with *InvalidError for a notice that does not pass Lint, or
// whose compiled banner is not fair, and with ErrSameNotice where nothing would change; then nothing was kept. The
// same notice is published again where wording or scripts are no longer the
// same, as after an upgrade.
func (p *Publisher) Publish(ctx context.Context, n *Notice) (*Publication, error) {
	if p.Fairness == nil {
		return nil, fmt.Errorf("publish notice of site %s: %w", n.Site, ErrUnjudged)
	}
	if issues := Lint(n); Failed(issues) {
		return nil, &InvalidError{issues}
	}
	publication, err := p.prepare(n)
	if err != nil {
		return nil, fmt.Errorf("publish notice of site %s: %w", n.Site, err)
	}
	current, err := p.Store.Current(ctx, n.Site)
	if err != nil && !errors.Is(err, ErrUnpublished) {
		return nil, fmt.Errorf("publish notice of site %s: %w", n.Site, err)
	}
	if err == nil && same(current, publication) {
		return nil, fmt.Errorf("publish notice of site %s: %w", n.Site, ErrSameNotice)
	}
	if err := p.judge(ctx, n, publication); err != nil {
		return nil, fmt.Errorf("publish notice of site %s: %w", n.Site, err)
	}
	if err := p.compress(ctx, publication.Scripts); err != nil {
		return nil, fmt.Errorf("publish notice of site %s: %w", n.Site, err)
	}
	publication.PublishedAt = p.Now().UTC().Truncate(time.Millisecond)
	if err := p.Store.AddPublication(ctx, publication); err != nil {
		return nil, fmt.Errorf("publish notice of site %s: %w", n.Site, err)
	}
	return publication, nil
}

// prepare makes a publication but for time and compressed forms.
func (p *Publisher) prepare(n *Notice) (*Publication, error) {
	n = n.complete()
	n.Schema = Schema
	encoded, err := n.Encode()
	if err != nil {
		return nil, err
	}
	publication := &Publication{
		Site:         n.Site,
		Notice:       canonical.Sum(encoded),
		NoticeBytes:  encoded,
		Wordings:     make(map[string]canonical.Digest, len(n.Languages)),
		WordingBytes: make(map[canonical.Digest][]byte, len(n.Languages)),
	}
	wordings := make(map[string]Wording, len(n.Languages))
	for _, language := range n.Languages {
		wordings[language] = n.WordingFor(language)
		if publication.Wordings[language], err = publication.keepWording(wordings[language]); err != nil {
			return nil, fmt.Errorf("wording in %s: %w", language, err)
		}
	}
	for _, t := range n.Trials {
		for language := range t.Wording {
			digest, err := publication.keepWording(t.Say(language, wordings[language]))
			if err != nil {
				return nil, fmt.Errorf("wording of trial %s in %s: %w", t.Key, language, err)
			}
			publication.AddTrialWording(t.Key, language, digest)
		}
	}
	scripts, err := p.Compiler.Compile(n, wordings)
	if err != nil {
		return nil, fmt.Errorf("compile: %w", err)
	}
	if err := complete(n, scripts); err != nil {
		return nil, err
	}
	for _, s := range scripts {
		publication.Scripts = append(publication.Scripts, PublishedScript{Script: s})
	}
	return publication, nil
}

// keepWording adds a wording's bytes, and says their digest.
func (p *Publication) keepWording(w Wording) (canonical.Digest, error) {
	b, err := canonical.Encode(w)
	if err != nil {
		return "", err
	}
	digest := canonical.Sum(b)
	p.WordingBytes[digest] = b
	return digest, nil
}

// Variants lists all compiled scripts a notice needs.
func (n *Notice) Variants() []Variant {
	var all []Variant
	for _, language := range n.Languages {
		for _, surface := range []Surface{AskOptIn, AskOptOut, AskNotice} {
			all = append(all, Variant{Kind: KindAsk, Surface: surface, Language: language})
			for _, t := range n.Trials {
				all = append(all, Variant{Kind: KindAsk, Surface: surface, Language: language, Trial: t.Key})
			}
		}
		for _, kind := range []Kind{KindKept, KindGate, KindSettings} {
			all = append(all, Variant{Kind: kind, Language: language})
		}
		if n.Blocks() {
			all = append(all, Variant{Kind: KindGuarded, Language: language}, Variant{Kind: KindBlock, Language: language})
		}
	}
	return all
}

// complete checks what the compiler made: every variant once, each under the
// digest of its bytes. A variant that is missing would be found by a visitor.
func complete(n *Notice, scripts []Script) error {
	made := make(map[Variant]bool, len(scripts))
	for _, s := range scripts {
		switch {
		case made[s.Variant]:
			return fmt.Errorf("%w: %v was made twice", ErrCompiled, s.Variant)
		case len(s.Source) == 0:
			return fmt.Errorf("%w: %v is empty", ErrCompiled, s.Variant)
		case s.Digest != canonical.Sum(s.Source):
			return fmt.Errorf("%w: %v is not what its digest says", ErrCompiled, s.Variant)
		}
		made[s.Variant] = true
	}
	for _, v := range n.Variants() {
		if !made[v] {
			return fmt.Errorf("%w: %v is missing", ErrCompiled, v)
		}
		delete(made, v)
	}
	for v := range made {
		return fmt.Errorf("%w: %v was not asked for", ErrCompiled, v)
	}
	return nil
}

// same reports whether two publications would serve and record the same bytes.
func same(a, b *Publication) bool {
	digests := func(p *Publication) map[Variant]canonical.Digest {
		m := make(map[Variant]canonical.Digest, len(p.Scripts))
		for _, s := range p.Scripts {
			m[s.Variant] = s.Digest
		}
		return m
	}
	return a.Notice == b.Notice && maps.Equal(a.Wordings, b.Wordings) && maps.Equal(digests(a), digests(b))
}

// compress makes the compressed forms, of equal sources once. It takes about
// fifty milliseconds a script, so it uses all processors.
func (p *Publisher) compress(ctx context.Context, scripts []PublishedScript) error {
	one := p.Compress
	if one == nil {
		one = splice.Compress
	}
	sources := map[canonical.Digest][]byte{}
	for _, s := range scripts {
		sources[s.Digest] = s.Source
	}
	var (
		group   sync.WaitGroup
		mu      sync.Mutex // guards encoded and failed
		encoded = make(map[canonical.Digest]splice.Encoded, len(sources))
		failed  error
		work    = make(chan canonical.Digest)
	)
	for range min(runtime.GOMAXPROCS(0), len(sources)) {
		group.Go(func() {
			for digest := range work {
				if ctx.Err() != nil {
					continue
				}
				e, err := one(sources[digest])
				mu.Lock()
				encoded[digest], failed = e, errors.Join(failed, err)
				mu.Unlock()
			}
		})
	}
	for _, digest := range slices.Sorted(maps.Keys(sources)) {
		work <- digest
	}
	close(work)
	group.Wait()
	if err := errors.Join(ctx.Err(), failed); err != nil {
		return err
	}
	for i, s := range scripts {
		scripts[i].Encoded = encoded[s.Digest]
	}
	return nil
}
