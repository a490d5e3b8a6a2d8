package notice

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"
)

// published is the list of languages the product promises.
const published = `en de fr es it nl pl pt pt-BR sv da fi nb cs sk hu ro bg el hr sl et lv lt ga mt
	tr uk ar he ja ko zh-Hans zh-Hant hi id vi th`

func TestEveryPromisedLanguageIsThere(t *testing.T) {
	want := strings.Fields(published)
	slices.Sort(want)
	got := Languages()
	for _, l := range want {
		if !slices.Contains(got, l) {
			t.Errorf("wording/%s.json is missing", l)
		}
	}
	for _, l := range got {
		if !slices.Contains(want, l) {
			t.Errorf("wording/%s.json is not on the list of languages; add it there and in docs/notice-file.md", l)
		}
		if tag, err := language.Parse(l); err != nil || tag.String() != l {
			t.Errorf("%s is not a canonical language tag, which is %s (%v)", l, tag, err)
		}
	}
}

func TestWordingsSayTheSameThings(t *testing.T) {
	files, err := fs.Glob(wordingFiles, "wording/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no wording at all", err)
	}
	ours, _ := WordingOf(model)
	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			b, err := wordingFiles.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.HasPrefix(b, []byte("\xef\xbb\xbf")) {
				t.Error("starts with a byte order mark")
			}
			if !norm.NFC.IsNormal(b) {
				t.Error("is not in normalization form C")
			}
			for _, key := range duplicates(t, b) {
				t.Errorf("%s stands there twice", key)
			}
			var w Wording
			if err := json.Unmarshal(b, &w); err != nil {
				t.Fatal(err)
			}
			for key := range ours {
				if w[key] == "" {
					t.Errorf("%s is missing", key)
				}
			}
			for _, key := range slices.Sorted(maps.Keys(w)) {
				if _, known := ours[key]; !known {
					t.Errorf("%s is not a key of en.json", key)
					continue
				}
				if got, want := placeholders(w[key]), placeholders(ours[key]); !slices.Equal(got, want) {
					t.Errorf("%s has the placeholders %v, want %v", key, got, want)
				}
			}
			// What a site may not write, we don't write either.
			name := strings.TrimSuffix(strings.TrimPrefix(file, "wording/"), ".json")
			for _, issue := range lintWording(name, w, w) {
				t.Errorf("%s: %s", issue.Path, issue.What)
			}
		})
	}
}

// duplicates lists the member names that stand in the object more than once;
// encoding/json would take the last and say nothing.
func duplicates(t *testing.T, object []byte) (twice []string) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(object))
	seen := map[string]bool{}
	for i := -1; ; i++ {
		token, err := d.Token()
		if err != nil {
			return twice
		}
		if s, ok := token.(string); ok && i%2 == 0 {
			if seen[s] {
				twice = append(twice, s)
			}
			seen[s] = true
		}
	}
}

func TestWordingFor(t *testing.T) {
	n := &Notice{Languages: []string{"de", "en"}, Wording: map[string]map[string]string{"de": {"title": "Ihre Wahl"}}}
	de, _ := WordingOf("de")
	got := n.WordingFor("de")
	if got["title"] != "Ihre Wahl" {
		t.Errorf("title %q: the notice's own text is not there", got["title"])
	}
	if got["accept"] != de["accept"] {
		t.Errorf("accept %q, want ours, %q", got["accept"], de["accept"])
	}
	if en := n.WordingFor("en"); en["title"] == "Ihre Wahl" {
		t.Error("another language took the German text")
	}
	got["accept"] = "changed"
	if again := n.WordingFor("de"); again["accept"] == "changed" {
		t.Error("a caller changed the embedded wording")
	}
	if w, ok := WordingOf("tlh"); ok || w != nil {
		t.Error("a wording for a language we don't have")
	}
	for _, key := range WordingKeys() {
		if n.WordingFor("tlh")[key] == "" {
			t.Errorf("%s is empty where there is no wording", key)
		}
	}
}

func TestTextOfACategory(t *testing.T) {
	own := Category{Key: "chat", Like: Preferences, Label: map[string]string{"en": "Chat", "de": "Plaudern"}, About: map[string]string{"en": "Talk to us."}}
	n := &Notice{Languages: []string{"en", "de"}}
	if got := n.LabelOf(own, "de"); got != "Plaudern" {
		t.Errorf("label %q", got)
	}
	if got := n.AboutOf(own, "de"); got != "Talk to us." {
		t.Errorf("about %q, want the first language's", got)
	}
	n.Wording = map[string]map[string]string{"en": {"analytics": "Audience"}}
	if got := n.LabelOf(Category{Key: Analytics}, "en"); got != "Audience" {
		t.Errorf("label %q, want the notice's own wording", got)
	}
	if de, _ := WordingOf("de"); n.AboutOf(Category{Key: Analytics}, "de") != de["analytics_about"] {
		t.Error("the description of a standard category is not our wording")
	}
}

func TestRTL(t *testing.T) {
	for l, want := range map[string]bool{"ar": true, "he": true, "fa-IR": true, "ur": true, "en": false, "zh-Hant": false, "": false, "arn": false} {
		if RTL(l) != want {
			t.Errorf("RTL(%q) is %v", l, !want)
		}
	}
}
