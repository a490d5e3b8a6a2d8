package visitor

import (
	"maps"
	"slices"
	"strings"

	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/notice"
)

// An alike is what sites say in the same words: of what is equal each of them keeps the
// same copy. Nobody changes it.
type alike struct {
	words     map[string]string
	languages map[string][]string
	wordings  map[string]map[string]canonical.Digest
}

func newAlike() *alike {
	return &alike{words: map[string]string{}, languages: map[string][]string{}, wordings: map[string]map[string]canonical.Digest{}}
}

// share has a site keep what others have already.
func (a *alike) share(p *notice.Publication, n *notice.Notice) {
	n.Languages = same(a.languages, strings.Join(n.Languages, " "), func() []string {
		own := make([]string, len(n.Languages))
		for i, language := range n.Languages {
			own[i] = a.word(language)
		}
		return own
	})
	var key strings.Builder
	for _, language := range slices.Sorted(maps.Keys(p.Wordings)) {
		key.WriteString(language + " " + string(p.Wordings[language]) + " ")
	}
	p.Wordings = same(a.wordings, key.String(), func() map[string]canonical.Digest {
		own := make(map[string]canonical.Digest, len(p.Wordings))
		for language, digest := range p.Wordings {
			own[a.word(language)] = canonical.Digest(a.word(string(digest)))
		}
		return own
	})
}

func (a *alike) word(s string) string { return same(a.words, s, func() string { return s }) }

// same is what is kept under a key, or what make makes, from now on.
func same[T any](kept map[string]T, key string, make func() T) T {
	v, ok := kept[key]
	if !ok {
		v = make()
		kept[key] = v
	}
	return v
}
