package web

import (
	"bytes"
	"fmt"
	"html/template"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestDurationsAreSaidInTheLanguage(t *testing.T) {
	for _, tt := range []struct {
		lang, span, want string
		ok               bool
	}{
		{"en", "13 months", "13 months", true}, {"en", "1 day", "1 day", true}, {"de", "2 years", "2 Jahre", true}, {"de", "1 year", "1 Jahr", true},
		{"pl", "1 month", "1 miesiąc", true}, {"pl", "3 months", "3 miesiące", true}, {"pl", "13 months", "13 miesięcy", true},
		{"ar", "2 months", "شهران", true}, {"ja", "90 days", "90 日", true}, {"pt-BR", "30 minutes", "30 minutos", true},
		{"zh", "1 day", "1天", true}, {"zh-CN", "3 weeks", "3周", true}, {"zh-TW", "3 weeks", "3 週", true}, {"zh-Hant-HK", "3 weeks", "3 週", true}, {"de-AT", "1 day", "1 Tag", true},
		{"mt", "3 years", "3 snin", true}, {"mt", "13 months", "13-il xahar", true}, {"mt", "24 hours", "24 siegħa", true},
		{"xx", "2 weeks", "2 weeks", true},
		{"ga", "2 weeks", "2 sheachtain", true}, {"ga", "3 years", "3 bliana", true}, {"ga", "10 hours", "10 n-uaire an chloig", true}, {"nb", "30 days", "30 dager", true}, {"et", "30 days", "30 päeva", true},
		{"en", "persistent", "persistent", false}, {"en", "-1 days", "-1 days", false}, {"en", "3 moons", "3 moons", false},
	} {
		if got, ok := Duration(tt.lang, tt.span); got != tt.want || ok != tt.ok {
			t.Errorf("Duration(%q, %q) = %q, %v; want %q, %v", tt.lang, tt.span, got, ok, tt.want, tt.ok)
		}
	}
	for lang := range units() {
		for _, unit := range []string{"second", "minute", "hour", "day", "week", "month", "year"} {
			for _, n := range []int{0, 1, 2, 3, 5, 11, 13, 21, 101, 400} {
				if got, ok := Duration(lang, fmt.Sprintf("%d %ss", n, unit)); !ok || got == "" {
					t.Errorf("%s has no words for %d %ss", lang, n, unit)
				}
			}
		}
	}
}

func TestWordsOfAllLanguages(t *testing.T) {
	r := renderer(t)
	places := regexp.MustCompile(`\{\w+\}`)
	en := r.words["en"]
	if len(en) == 0 {
		t.Fatal("words are missing")
	}
	for _, lang := range strings.Fields("en de fr it es pl ro nl el hu pt cs sv ar he ja sk sl da zh-Hans nb zh-Hant pt-BR fi et ko vi hr uk tr bg hi th lt id ga lv mt") {
		if r.words[lang] == nil {
			t.Errorf("there are no words in %s", lang)
		}
	}
	for lang, w := range r.words {
		if name := languageNames("en")(lang); name == lang || languageNames(lang)(lang) == lang {
			t.Errorf("%s: its own name is missing", lang)
		}
		for key, text := range en {
			want, got := places.FindAllString(text, -1), places.FindAllString(w[key], -1)
			slices.Sort(want)
			slices.Sort(got)
			if strings.TrimSpace(w[key]) == "" || !slices.Equal(want, got) {
				t.Errorf("%s: %q says %q, English %q", lang, key, w[key], text)
			}
		}
		if len(w) != len(en) {
			t.Errorf("%s has %d texts, English %d", lang, len(w), len(en))
		}
		for month := time.January; month <= time.December; month++ {
			if _, err := w.date(time.Date(2026, month, 2, 0, 0, 0, 0, time.UTC)); err != nil {
				t.Errorf("%s: %v", lang, err)
			}
		}
	}
}

func TestSayEscapes(t *testing.T) {
	w := words{"k": "<b> {x}"}
	got, err := w.say("k", "x", `<script>"&`)
	if want := template.HTML("&lt;b&gt; &lt;script&gt;&#34;&amp;"); err != nil || got != want {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
	if _, err := w.say("k", "y", 1); err == nil {
		t.Error("a place that is not there was filled")
	}
	if _, err := w.say("unheard"); err == nil {
		t.Error("there are words for a key that is not there")
	}
}

func TestNearestLanguage(t *testing.T) {
	r := renderer(t)
	for asked, want := range map[string]string{"": "en", "de": "de", "de-CH": "de", "gsw, de;q=0.8": "de", "ja, de;q=0.3": "ja", "ja-JP": "ja", "ar-EG": "ar", "iw": "he", "fr-CA": "fr", "th, pl;q=0.5": "th", "xh, pl;q=0.5": "pl", "!!": "en", "en-GB": "en", "zh": "zh-Hans", "zh-TW": "zh-Hant", "zh-HK": "zh-Hant", "zh-MO": "zh-Hant", "zh-CN": "zh-Hans", "zh-SG": "zh-Hans",
		"pt": "pt", "pt-PT": "pt", "pt-AO": "pt", "pt-PT,pt;q=0.9,en;q=0.8": "pt", "pt-BR": "pt-BR", "pt-BR,pt;q=0.9": "pt-BR", "no": "nb", "nn-NO": "nb", "nb-NO": "nb", "sk-SK,cs;q=0.8": "sk", "sl-SI": "sl"} {
		if got := r.nearest(asked); got != want {
			t.Errorf("nearest to %q is %q, want %q", asked, got, want)
		}
	}
}

// A script is named where it tells languages apart, a region never.
func TestLanguageNames(t *testing.T) {
	for _, tt := range []struct{ in, tag, want string }{
		{"en", "de-AT", "German"}, {"en", "zh", "Chinese"}, {"en", "zh-Hans", "Simplified Chinese"}, {"en", "zh-Hant", "Traditional Chinese"}, {"en", "zh-TW", "Traditional Chinese"},
		{"zh-Hans", "zh-Hant", "繁体中文"}, {"zh-Hant", "zh-Hant", "繁體中文"}, {"en", "sr", "Serbian"}, {"en", "xx", "xx"}, {"en", "!!", "!!"},
	} {
		if got := languageNames(tt.in)(tt.tag); got != tt.want {
			t.Errorf("%s in %s is %q, want %q", tt.tag, tt.in, got, tt.want)
		}
	}
}

func TestDirection(t *testing.T) {
	for lang, want := range map[string]string{"en": "ltr", "de-AT": "ltr", "ar": "rtl", "he": "rtl", "fa": "rtl", "ur-PK": "rtl", "az-Arab": "rtl", "az": "ltr", "ja": "ltr"} {
		if got := Direction(lang); got != want {
			t.Errorf("Direction(%q) = %q, want %q", lang, got, want)
		}
	}
}

// A problem is said in each language, and nothing is left of what another needs.
func TestProblemsInEveryLanguage(t *testing.T) {
	r := renderer(t)
	said := map[string]string{}
	base := func(lang string) string { b, _, _ := strings.Cut(lang, "-"); return b }
	for lang := range r.words {
		for _, c := range ProblemCases() {
			page := &Problem{Head: Head{Title: "Exact", Language: lang}, Case: c, Status: 400, Detail: "Exactly this.", Request: "0a1b"}
			var b bytes.Buffer
			if err := r.Render(&b, page); err != nil {
				t.Fatal(lang, c, err)
			}
			title, ok := strings.CutPrefix(b.String()[strings.Index(b.String(), "<title>"):], "<title>")
			if title, _, _ = strings.Cut(title, "</title>"); !ok || title == "" || page.Language != lang {
				t.Errorf("%s, %s: title %q, language %s", lang, c, title, page.Language)
			}
			if other, twice := said[string(c)+title]; twice && base(other) != base(lang) { // pt and pt-BR may agree
				t.Errorf("%s: %q in %s and %s", c, title, lang, other)
			}
			said[string(c)+title] = lang
		}
	}
	for status, want := range map[int]ProblemCase{404: NothingHere, 410: NothingHere, 403: Forbidden, 401: Forbidden, 409: Changed, 400: Unclear, 405: Unclear, 406: Unclear, 413: Unclear,
		415: Unclear, 422: Unclear, 429: Busy, 503: Busy, 502: Away, 504: Away, 500: OurFault} {
		if got := CaseOf(status); got != want {
			t.Errorf("%d is %s, want %s", status, got, want)
		}
	}
}
