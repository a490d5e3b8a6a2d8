package visitor

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"golang.org/x/net/html"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/canonical"
)

const (
	earlierText = "# Privacy\n\nWe keep orders for **seven** years, see [the law](https://law.example/a).\n\n## Cookies\n\n- one\n- two\n\n## Rights\n\nAsk us.\n\nWe answer in a month, and we mean it: somebody reads what you wrote.\n\n## Who we are\n\nLampyris Ltd of Dublin, a shop for lamps that glow in the dark.\n\n## Where\n\nIn Dublin, where it rains, and at our other house in Cork.\n\n## When\n\nAlways, but for Sundays.\n"
	laterText   = "# Privacy\n\nWe keep orders for **ten** years, see [the law](https://law.example/b).\n\n## Who we are\n\nLampyris Ltd of Dublin, a shop for lamps that glow in the dark.\n\n## Cookies\n\n- one\n- two\n- three\n\n## Rights\n\nAsk us.\n\nWe answer in a month, and we mean it: somebody reads what you wrote.\n\n## Where\n\nIn Dublin, where it rains, and at our other house in Cork.\n\n## When\n\nAlways, but for Sundays.\n"
)

func twoVersions(t *testing.T, before, after string) *policySite {
	t.Helper()
	ps := newPolicySite(t)
	ps.versions = nil
	for i, text := range []string{before, after} {
		d, err := policyversions.Import([]byte(text), "p.md")
		if err != nil {
			t.Fatal(err)
		}
		d.Language = "en"
		day := at(t, []string{"2026-03-01", "2026-05-01"}[i])
		if _, err := (policyversions.Publisher{Store: ps.shelf}).Publish(t.Context(), "shop", "privacy", d, day); err != nil {
			t.Fatal(err)
		}
	}
	return ps
}

func TestDifferencePage(t *testing.T) {
	ps := twoVersions(t, earlierText, laterText)
	page := ps.get("/policies/shop/privacy/diff/1..2").Body.String()
	text := shown(t, page)
	for _, want := range []string{
		"From version 1 to version 2", "We keep orders for [deleted] seven[inserted] ten years", "[inserted] three",
		"Moved here. See where it was", "Moved. See where it is now", "Change 1 of", "Next change", "Unchanged text (words:",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q: %s", want, text)
		}
	}
	for _, not := range []string{"**", "## ", "](", "- one", "[deleted] Lampyris"} {
		if strings.Contains(text, not) {
			t.Errorf("the page shows %q: %s", not, text)
		}
	}
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	ids, moved, folds := map[string]*html.Node{}, 0, 0
	var targets []string
	for n := range doc.Descendants() {
		for _, a := range n.Attr {
			switch {
			case a.Key == "id":
				ids[a.Val] = n
			case a.Key == "href" && strings.HasPrefix(a.Val, "#"):
				targets = append(targets, a.Val[1:])
			}
		}
		switch n.Data {
		case "details":
			folds++
		case "ins", "del":
			if n.FirstChild == nil || n.FirstChild.Data != "span" {
				t.Errorf("<%s> does not say in words what it is", n.Data)
			}
		}
	}
	for _, target := range targets {
		at := ids[target]
		if at == nil {
			t.Errorf("a link leads to #%s, which is not there", target)
			continue
		}
		if strings.HasPrefix(target, "place-") {
			moved++
			if at.Data != "h3" || !strings.Contains(fmt.Sprint(at.FirstChild.FirstChild.Data), "Who we are") {
				t.Errorf("the link to a moved section leads to <%s>", at.Data)
			}
		}
	}
	if moved != 2 || folds == 0 {
		t.Errorf("%d links between the places of a section that moved, %d folds", moved, folds)
	}
	// The other way round what was inserted is deleted.
	if back := shown(t, ps.get("/policies/shop/privacy/diff/2..1").Body.String()); !strings.Contains(back, "[deleted] ten[inserted] seven") || !strings.Contains(back, "[deleted] three") {
		t.Errorf("the other way round: %s", back)
	}
	if same := shown(t, ps.get("/policies/shop/privacy/diff/2..2").Body.String()); !strings.Contains(same, "No word differs") || strings.Contains(same, "Change 1") {
		t.Errorf("a version and itself: %s", same)
	}
}

// What stands in a policy stays text, wherever it is put.
func TestDifferenceEscapes(t *testing.T) {
	ps := twoVersions(t, "# P\n\nold\n\n`<img src=x>` \\<script>x()\\</script>\n", "# P \\<b>\n\n`<img src=y>` \\<script>y()\\</script>\n\n[x](javascript:z())\n")
	doc, err := html.Parse(strings.NewReader(ps.get("/policies/shop/privacy/diff/1..2").Body.String()))
	if err != nil {
		t.Fatal(err)
	}
	for n := range doc.Descendants() {
		if n.Data == "script" || n.Data == "img" || n.Data == "b" {
			t.Errorf("<%s> in the page", n.Data)
		}
		for _, a := range n.Attr {
			if a.Key == "href" && strings.Contains(a.Val, "javascript") {
				t.Errorf("a link to %s", a.Val)
			}
		}
	}
}

func TestDifferenceJSON(t *testing.T) {
	ps := twoVersions(t, earlierText, laterText)
	for _, ask := range [][2]string{{"1..2", "application/json"}, {"1..2.json", "text/html"}} {
		w := ps.get("/policies/shop/privacy/diff/"+ask[0], "Accept", ask[1])
		var got struct {
			Before, After struct {
				Number int
				Digest canonical.Digest
			}
			Inserted, Deleted, Moved int
			Blocks                   []struct{ Spans []policyversions.Span }
		}
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
			t.Fatalf("%v in %s", err, w.Body)
		}
		var before, after strings.Builder
		for _, b := range got.Blocks {
			for _, s := range b.Spans {
				if s.Op != policyversions.Put {
					before.WriteString(s.Text)
				}
				if s.Op != policyversions.Gone {
					after.WriteString(s.Text)
				}
			}
		}
		if before.String() != earlierText || after.String() != laterText || got.Before.Digest != ps.versions[0].Digest || got.After.Number != 2 || got.Inserted == 0 || got.Moved == 0 {
			t.Errorf("%v: the spans are not the texts: %s", ask, w.Body)
		}
	}
}

func TestDifferenceErrors(t *testing.T) {
	ps := newPolicySite(t)
	for pair, want := range map[string]error{
		"1": ErrPair, "1.2": ErrPair, "1-2": ErrPair, "1..2.md": ErrPair, "..": policyversions.ErrUnknownVersion, "1..": policyversions.ErrUnknownVersion,
		"1..4": policyversions.ErrUnknownVersion, "0..1": policyversions.ErrUnknownVersion, "01..2": policyversions.ErrUnknownVersion, "1..2..3": policyversions.ErrUnknownVersion,
		"1...2": policyversions.ErrUnknownVersion, "a..b": policyversions.ErrUnknownVersion, "1..2?lang=fr": ErrUnknownLanguage, "1..2?lang=%21": ErrUnknownLanguage,
	} {
		if ps.get("/policies/shop/privacy/diff/" + pair); !errors.Is(ps.err, want) {
			t.Errorf("%s: %v, want %v", pair, ps.err, want)
		}
	}
	if ps.get("/policies/shop/privacy/diff/1..2", "Accept", "image/png"); !errors.Is(ps.err, ErrNotAcceptable) {
		t.Errorf("as a picture: %v", ps.err)
	}
	if text := shown(t, ps.get("/policies/shop/privacy/diff/1..2").Body.String()); !strings.Contains(text, "Die beiden Texte sind in verschiedenen Sprachen.") {
		t.Errorf("English and German: %s", text)
	}
}

// What is kept is bounded by what it weighs, and what was used last stays.
func TestDifferencesAreBounded(t *testing.T) {
	var d differences
	pair := func(n int) [2]canonical.Digest { return [2]canonical.Digest{canonical.Digest(fmt.Sprint(n)), "x"} }
	for n := range 100 {
		d.keep(pair(n), &difference{weight: mostKept / 10})
		if n > 0 && d.find(pair(0)) == nil {
			t.Fatalf("what is used all the time was dropped after %d others", n)
		}
	}
	if len(d.kept) != 10 {
		t.Errorf("%d differences are kept, want 10", len(d.kept))
	}
	d.keep(pair(200), &difference{weight: mostKept + 1})
	if len(d.kept) != 0 {
		t.Errorf("one that is too large is kept, among %d", len(d.kept))
	}
}

func TestADifferenceIsMadeOnce(t *testing.T) {
	ps := twoVersions(t, earlierText, laterText)
	var d differences
	found := make([]*difference, 16)
	var all sync.WaitGroup
	for i := range found {
		all.Go(func() {
			f, err := d.between(t.Context(), ps.versions[0], ps.versions[1], "en", "en")
			if err != nil {
				t.Error(err)
			}
			found[i] = f
		})
	}
	all.Wait()
	made := map[*difference]bool{}
	for _, f := range found {
		made[f] = true
	}
	if len(made) > comparing || len(d.kept) == 0 {
		t.Errorf("%d comparisons of one pair, %d at once are allowed", len(made), comparing)
	}
}

func TestReadable(t *testing.T) {
	for _, tt := range []struct {
		block       policyversions.Block
		shape, want string
		level       int
	}{
		{policyversions.Block{Level: 2, Spans: spans("## ", "-Old", "+New", " name\n\n")}, "heading", "{-Old}{+New} name", 2},
		{policyversions.Block{Level: 3, Spans: spans("-##", "+###", " name\n")}, "heading", "name", 3},
		{policyversions.Block{Spans: spans("A **bold** and `code` and 2 * 3, ~~no~~ \\*star\\* snake_case.\n\n")}, "paragraph", "A bold and code and 2 * 3, no *star* snake_case.", 0},
		{policyversions.Block{Spans: spans("1 High Street\\\nDublin\nIreland\n")}, "paragraph", "1 High Street\nDublin Ireland", 0},
		{policyversions.Block{Spans: spans("See [the ", "-law](https://a.example/)", "+act](https://b.example/)", " [1].")}, "paragraph", "See the {-law (https://a.example/)}{+act (https://b.example/)} [1].", 0},
		{policyversions.Block{Spans: spans("  - deeper\n")}, "entry", "deeper", 2},
		{policyversions.Block{Spans: spans("1. first\n")}, "paragraph", "1. first", 0},
		{policyversions.Block{Spans: spans("| a | ", "-b", "+c", " |\n")}, "row", "a | {-b}{+c}", 0},
		{policyversions.Block{Spans: spans("| --- | :-: |\n")}, "", "", 0},
		{policyversions.Block{Spans: spans("> > said\n")}, "paragraph", "said", 0},
		{policyversions.Block{Spans: spans("***\n\n")}, "rule", "", 0},
		{policyversions.Block{Spans: spans("```go\n**x**\n```\n")}, "code", "**x**", 0},
		{policyversions.Block{Spans: spans("**" + strings.Repeat("*", 4000))}, "rule", "", 0},
		{policyversions.Block{Spans: spans("[unclosed **")}, "paragraph", "[unclosed **", 0},
		{policyversions.Block{Spans: spans("end\\")}, "paragraph", `end\`, 0},
	} {
		got := readable(tt.block)
		var text strings.Builder
		for _, s := range got.Spans {
			if mark := map[string]string{"put": "+", "gone": "-"}[s.Op]; mark != "" {
				text.WriteString("{" + mark + s.Text + "}")
			} else {
				text.WriteString(s.Text)
			}
		}
		if got.Shape != tt.shape || text.String() != tt.want || got.Level != tt.level {
			t.Errorf("%v: a %s of level %d that says %q, want a %s of level %d that says %q", tt.block.Spans, got.Shape, got.Level, &text, tt.shape, tt.level, tt.want)
		}
	}
}

// spans reads "+put", "-gone" and "kept".
func spans(texts ...string) (list []policyversions.Span) {
	for _, text := range texts {
		op := policyversions.Kept
		switch {
		case strings.HasPrefix(text, "+"):
			op, text = policyversions.Put, text[1:]
		case strings.HasPrefix(text, "-"):
			op, text = policyversions.Gone, text[1:]
		}
		list = append(list, policyversions.Span{Op: op, Text: text})
	}
	return list
}

// FuzzReadable holds what is shown to what is there: nothing panics, changes are
// numbered without a gap, and no more is shown of the later text than it has.
func FuzzReadable(f *testing.F) {
	for _, seed := range []string{earlierText, "| a |\n| - |\n", "```\n", "\\", "[[]](", "***", "> "} {
		f.Add(seed, laterText)
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		d := policyversions.Compare(policyversions.Text{Markdown: before}, policyversions.Text{Markdown: after})
		parts, changes := differenceParts(d)
		seen, there := 0, 0
		for _, p := range parts {
			if p.Change > 0 {
				if seen++; p.Change != seen || len(p.Blocks) == 0 {
					t.Fatalf("change %d is the %d. and has %d blocks", p.Change, seen, len(p.Blocks))
				}
			}
			for _, b := range p.Blocks {
				for _, s := range b.Spans {
					if s.Op == "" || s.Op == "put" || (s.Op == "moved" && !b.Gone) {
						there += utf8.RuneCountInString(s.Text)
					}
				}
			}
		}
		if seen != changes || (changes == 0) != d.Same() {
			t.Fatalf("%d changes, %d shown; the same: %v", changes, seen, d.Same())
		}
		if most := utf8.RuneCountInString(after); there > most {
			t.Fatalf("%d characters are shown of %d", there, most)
		}
	})
}

func TestDifferenceIsTheSameForEverybody(t *testing.T) {
	ps := twoVersions(t, earlierText, laterText)
	const path = "/policies/shop/privacy/diff/1..2"
	tag := ps.get(path).Header().Get("ETag")
	if got := ps.get(path, "Cookie", "volenti=1.a", "User-Agent", "other", "Accept-Language", "de").Header().Get("ETag"); got != tag || tag == "" {
		t.Errorf("another visitor gets another page: %s, not %s", got, tag)
	}
	if w := ps.get(path, "If-None-Match", tag); w.Code != http.StatusNotModified || w.Body.Len() != 0 {
		t.Errorf("If-None-Match: %d", w.Code)
	}
}
