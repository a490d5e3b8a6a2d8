package visitor_test

import (
	"maps"
	"slices"
	"testing"
	"unsafe"

	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/visitor"
)

// Sites in the same languages and words keep them once, and every site keeps its own.
func TestSitesKeepTheSameWordsOnce(t *testing.T) {
	said := []struct {
		languages []string
		wordings  map[string]canonical.Digest
	}{
		{[]string{"en", "de"}, map[string]canonical.Digest{"en": "a", "de": "b"}},
		{[]string{"en", "de"}, map[string]canonical.Digest{"en": "a", "de": "b"}},
		{[]string{"en", "de"}, map[string]canonical.Digest{"en": "a", "de": "c"}},
		{[]string{"de", "en"}, map[string]canonical.Digest{"en": "b", "de": "a"}},
	}
	sites := map[*notice.Publication]*notice.Notice{}
	var publications []*notice.Publication
	for _, s := range said {
		p, n := &notice.Publication{Wordings: maps.Clone(s.wordings)}, &notice.Notice{}
		n.Languages = slices.Clone(s.languages)
		sites[p], publications = n, append(publications, p)
	}
	visitor.Share(sites)
	languages := func(i int) []string { return sites[publications[i]].Languages }
	for i, s := range said {
		if !slices.Equal(languages(i), s.languages) || !maps.Equal(publications[i].Wordings, s.wordings) {
			t.Errorf("site %d says %v %v, and not %v", i, languages(i), publications[i].Wordings, s)
		}
	}
	same := func(i, j int) (slices, maps bool) {
		publications[i].Wordings["fr"] = "x"
		_, maps = publications[j].Wordings["fr"]
		delete(publications[i].Wordings, "fr")
		return unsafe.SliceData(languages(i)) == unsafe.SliceData(languages(j)), maps
	}
	for _, pair := range []struct {
		i, j             int
		languages, words bool
	}{{0, 1, true, true}, {0, 2, true, false}, {0, 3, false, false}} {
		if l, w := same(pair.i, pair.j); l != pair.languages || w != pair.words {
			t.Errorf("sites %d and %d keep the same languages: %v, words: %v", pair.i, pair.j, l, w)
		}
	}
}
