// Package fairness judges a compiled banner before it is published: whether no
// is as easy as yes, as rendered. A server has no browser, so the scripts run in
// an ECMAScript engine, over a small DOM of our own; the tree they build is
// looked at with the style sheets they bring, on several screens; and every
// control is pressed. What can't be run or read is not published.
package fairness

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/dop251/goja"

	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/notice"
)

// Inspector judges compiled scripts. The zero Inspector is ready.
type Inspector struct{}

var _ notice.Fairness = Inspector{}

// decided are the scripts of visitors who have answered.
var decided = []notice.Kind{notice.KindKept, notice.KindGuarded}

// program is a lowered script.
type program = goja.Program

// A bundle is what the pages of one notice have in common.
type bundle struct {
	modules map[string]*program // by the first digits of their digest

	mu     sync.Mutex
	sheets map[string]readSheet // guarded by mu; by text
}

type readSheet struct {
	rules []rule
	err   error
}

// read parses a style sheet, once.
func (b *bundle) read(text string) ([]rule, error) {
	b.mu.Lock()
	s, ok := b.sheets[text]
	b.mu.Unlock()
	if !ok {
		s.rules, s.err = parseSheet(text)
		b.mu.Lock()
		b.sheets[text] = s
		b.mu.Unlock()
	}
	return s.rules, s.err
}

// Inspect runs and judges every first layer of a notice, and its second layer in
// every language. It lists what is unfair, each with the rule it breaks; an
// error says that it could not be judged at all, or that ctx ended.
func (Inspector) Inspect(ctx context.Context, n *notice.Notice, wordings map[string]notice.Wording, all []notice.Script) ([]notice.Issue, error) {
	// Scripts of those who decided show nothing that asks.
	all = slices.DeleteFunc(slices.Clone(all), func(s notice.Script) bool { return slices.Contains(decided, s.Kind) })
	programs, err := lowered(ctx, all)
	if err != nil {
		return nil, err
	}
	b := &bundle{modules: map[string]*program{}, sheets: map[string]readSheet{}}
	var asks []notice.Script
	for _, s := range all {
		if s.Kind == notice.KindAsk {
			asks = append(asks, s)
		} else {
			b.modules[s.Digest.Short()] = programs[s.Digest]
		}
	}
	found := make([][]finding, len(asks))
	each(ctx, len(asks), func(i int) {
		v := asks[i].Variant
		said := wordings[v.Language]
		if t, ok := n.Trial(v.Trial); ok {
			said = t.Say(v.Language, said)
		}
		q := &inquiry{n: n.Tried(v.Trial), all: n, wording: said, variant: v, program: programs[asks[i].Digest], bundle: b}
		q.judge()
		found[i] = q.findings
	})
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var list []finding
	for _, f := range found {
		list = append(list, f...)
	}
	return issues(list), nil
}

// lowered makes programs of scripts, by digest.
func lowered(ctx context.Context, all []notice.Script) (map[canonical.Digest]*program, error) {
	made := make([]*program, len(all))
	failed := make([]error, len(all))
	each(ctx, len(all), func(i int) { made[i], failed[i] = lower(all[i].Source) })
	programs := make(map[canonical.Digest]*program, len(all))
	for i, s := range all {
		if failed[i] != nil {
			return nil, fmt.Errorf("inspect %v: %w", s.Variant, failed[i])
		}
		programs[s.Digest] = made[i]
	}
	return programs, ctx.Err()
}

// each runs f for 0 … n-1 on as many processors as there are, until ctx ends.
func each(ctx context.Context, n int, f func(i int)) {
	next := make(chan int)
	var group sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		group.Go(func() {
			for i := range next {
				f(i)
			}
		})
	}
	for i := range n {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	group.Wait()
}
