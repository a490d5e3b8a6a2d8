package notice

import (
	"slices"
	"strings"
	"testing"
)

func TestMatch(t *testing.T) {
	tests := []struct {
		name      string
		languages string
		accept    string
		asked     string
		want      string
	}{
		{"nothing said", "de en", "", "", "de"},
		{"the browser's", "de en", "en-GB,en;q=0.9", "", "en"},
		{"weights decide, not order", "de en fr", "fr;q=0.2, en;q=0.9", "", "en"},
		{"refused language", "de en", "en;q=0, de", "", "de"},
		{"the page's before the browser's", "de en", "en", "de-AT", "de"},
		{"the page's, exactly", "pt pt-BR", "", "pt-BR", "pt-BR"},
		{"the page's, another case", "pt pt-BR", "", "PT-br", "pt-BR"},
		{"a page in a language we lack", "de en", "en", "ja", "en"},
		{"a page's nonsense", "de en", "en", "<script>", "en"},
		{"a page's endless nonsense", "de en", "en", strings.Repeat("en-", 5000), "en"},
		{"regional Portuguese", "pt pt-BR en", "pt-BR", "", "pt-BR"},
		{"European Portuguese", "pt-BR pt en", "pt-PT", "", "pt"},
		{"Taiwan reads traditional", "zh-Hans zh-Hant", "zh-TW", "", "zh-Hant"},
		{"Chinese alone is simplified", "en zh-Hant zh-Hans", "zh", "", "zh-Hans"},
		{"Norwegian by its old tag", "en nb", "no", "", "nb"},
		{"Hebrew by its old tag", "en he", "iw", "", "he"},
		{"any", "de en", "*", "", "de"},
		{"one odd element does not void the rest", "en de", "x_y_z, de;q=0.5", "", "de"},
		{"an unregistered region", "en de", "de-QX;q=0.8", "", "de"},
		{"a weight of nonsense", "en de", "de;q=NaN, de;q=-1, de;q=7, de;v=1", "", "en"},
		{"what lies behind the limit is not read", "en de", strings.Repeat("xx,", 400) + "de", "", "en"},
		{"the element cut by the limit is not read", "en de", strings.Repeat(" ", maxAccept-2) + "deu", "", "en"},
		{"many elements", "en de", strings.Repeat("fr,", maxAcceptTags) + "de", "", "en"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			n := &Notice{Languages: strings.Fields(test.languages)}
			if got := n.Match(test.accept, test.asked); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func FuzzMatch(f *testing.F) {
	f.Add("en-GB,en;q=0.9,de;q=0.8", "de")
	f.Add("*;q=0.1,zh-Hant-TW", "")
	f.Add(strings.Repeat("a-", 600), "und-x-y")
	m := NewMatcher(&Notice{Languages: []string{"en", "de", "zh-Hant", "ar"}})
	f.Fuzz(func(t *testing.T, accept, asked string) {
		if got := m.Match(accept, asked); !slices.Contains(m.languages, got) {
			t.Errorf("picked %q, which the notice does not have", got)
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	m := NewMatcher(&Notice{Languages: Languages()})
	for _, accept := range []string{"de", "en-US,en;q=0.9", "fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7, *;q=0.5"} {
		b.Run(accept, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				m.Match(accept, "")
			}
		})
	}
}
