// Package banner compiles a notice into the scripts that its visitors get. The
// TypeScript sources are embedded; esbuild runs inside the process, at
// publication and in tests, never in a request.
package banner

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"sync"

	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/notice"
)

//go:embed src
var embedded embed.FS

// A Compiler makes a notice's scripts. The zero Compiler uses the sources that
// were embedded when the program was built.
type Compiler struct {
	Sources fs.FS // the folder src; read anew by each Compile
}

var _ notice.Compiler = Compiler{}

// Compile makes every variant of n: for each language, in the notice's order,
// what stands first in the page of visitors who decided, and of those who must
// be asked with its three first layers; the gate; and the second layer. wordings holds the
// complete wording of each language. The same input gives the same bytes.
//
// An error is a mistake in the notice or its wordings (a text that is missing)
// or in the sources (with file and line); all that were found are joined.
func (c Compiler) Compile(n *notice.Notice, wordings map[string]notice.Wording) ([]notice.Script, error) {
	sources := c.Sources
	if sources == nil {
		var err error
		if sources, err = fs.Sub(embedded, "src"); err != nil {
			return nil, fmt.Errorf("banner sources: %w", err)
		}
	}
	facts, err := factsOf(n)
	if err != nil {
		return nil, err
	}
	kinds := kindsOf(n)
	scripts := make([]notice.Script, len(n.Languages)*len(kinds))
	failed := make([]error, len(n.Languages))
	parallel(len(n.Languages), func(i int) {
		language := n.Languages[i]
		failed[i] = compileLanguage(sources, facts, kinds, language, wordings[language], scripts[i*len(kinds):][:len(kinds)])
	})
	if err := errors.Join(failed...); err != nil {
		return nil, err
	}
	return scripts, nil
}

// kinds are the variants of one language, those first whose digests others name;
// KindBlock and KindGuarded are added where a notice needs them.
var kinds = [...]notice.Variant{
	{Kind: notice.KindSettings},
	{Kind: notice.KindGate},
	{Kind: notice.KindAsk, Surface: notice.AskOptIn},
	{Kind: notice.KindAsk, Surface: notice.AskOptOut},
	{Kind: notice.KindAsk, Surface: notice.AskNotice},
	{Kind: notice.KindKept},
}

// kindsOf are the variants of one language of n: those, and the first layers of
// its trials.
func kindsOf(n *notice.Notice) []notice.Variant {
	all := slices.Clone(kinds[:])
	if n.Blocks() {
		all = append(append([]notice.Variant{{Kind: notice.KindBlock}}, all...), notice.Variant{Kind: notice.KindGuarded})
	}
	for _, t := range n.Trials {
		for _, v := range kinds {
			if v.Kind == notice.KindAsk {
				v.Trial = t.Key
				all = append(all, v)
			}
		}
	}
	return all
}

func compileLanguage(sources fs.FS, whole *facts, kinds []notice.Variant, language string, wording notice.Wording, into []notice.Script) error {
	var (
		p     parts
		f     *facts
		words *words
		err   error
	)
	for i, variant := range kinds {
		variant.Language = language
		if i == 0 || variant.Trial != kinds[i-1].Trial {
			f = whole.tried(variant.Trial)
			said := wording
			if t, ok := f.notice.Trial(variant.Trial); ok {
				said = t.Say(language, wording)
			}
			if words, err = f.wordsOf(language, said); err != nil {
				return fmt.Errorf("wording of %s: %w", language, err)
			}
		}
		source, err := bundle(sources, variant.Kind, virtual{
			"volenti:notice":   f.module(language, words),
			"volenti:wording":  words.module(variant.Surface),
			"volenti:adapters": adaptersModule(f.notice, variant.Kind),
			"volenti:rules":    whole.rules,
		}, f.constants(language, variant.Surface, p))
		if err != nil {
			return fmt.Errorf("%s %s in %s: %w", variant.Kind, variant.Surface, language, err)
		}
		into[i] = notice.Script{Variant: variant, Digest: canonical.Sum(source), Source: source}
		switch variant.Kind {
		case notice.KindSettings:
			p.settings = into[i].Digest
		case notice.KindBlock:
			p.block = into[i].Digest
		case notice.KindGate:
			p.gate = into[i].Digest
		}
	}
	return nil
}

// parallel runs f for 0 … n-1 on as many processors as there are.
func parallel(n int, f func(i int)) {
	next := make(chan int)
	var all sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		all.Go(func() {
			for i := range next {
				f(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	all.Wait()
}
