package markup

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/volenti-consent/volenti/server/notice"
)

// testdata/dialects.json holds a notice and what elements that are marked for
// other banners become under it. The browser's tests of the banner read it too.
// "left" elements are not marked, or for nobody whom the notice knows.
func TestMarksAreReadAsTheTableSays(t *testing.T) {
	file, err := os.ReadFile("testdata/dialects.json")
	if err != nil {
		t.Fatal(err)
	}
	var table struct {
		Notice notice.Notice `json:"notice"`
		Cases  []struct {
			Dialect  string `json:"dialect"`
			Markup   string `json:"markup"`
			Category string `json:"category"`
			Vendor   string `json:"vendor"`
			Src      string `json:"src"`
			Released bool   `json:"released"`
			Left     bool   `json:"left"`
		} `json:"cases"`
	}
	if err := json.Unmarshal(file, &table); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, c := range table.Cases {
		got, ok := readMark(&table.Notice, elementOf(t, c.Markup))
		seen[c.Dialect] = true
		if c.Left {
			if ok && got.Released {
				t.Errorf("%s\n  read as %+v, want it left alone", c.Markup, got)
			}
			continue
		}
		want := Mark{Dialect: c.Dialect, Category: c.Category, Vendor: c.Vendor, Src: c.Src, Held: true, Released: c.Released}
		if !ok || got != want {
			t.Errorf("%s\n  read as %+v\n  want    %+v", c.Markup, got, want)
		}
	}
	for _, d := range dialects {
		if !seen[d.name] {
			t.Errorf("no case of %s", d.name)
		}
	}
}

func elementOf(t *testing.T, markup string) element {
	t.Helper()
	z := html.NewTokenizer(strings.NewReader(markup))
	if z.Next() != html.StartTagToken {
		t.Fatalf("%s does not begin with a tag", markup)
	}
	return readElement(z, 1)
}

// The notice of a site that moves from tarteaucitron names its vendors.
func TestPlayersBecomeFrames(t *testing.T) {
	n := &notice.Notice{Categories: []notice.Category{{Key: "media", Like: "preferences"}}, Vendors: []notice.Vendor{{Key: "youtube", Name: "YouTube", Category: "media"}, {Key: "iframe", Name: "Frames", Category: "media"}}}
	for markup, want := range map[string]Mark{
		`<div class="youtube_player" videoID="abc">`:             {"tarteaucitron", "media", "youtube", "https://www.youtube-nocookie.com/embed/abc", true, true},
		`<div class="x youtube_player" data-videoID="abc">`:      {"tarteaucitron", "media", "youtube", "https://www.youtube-nocookie.com/embed/abc", true, true},
		`<div class="tac_iframe" data-url="https://a.example/">`: {"tarteaucitron", "media", "iframe", "https://a.example/", true, true},
		`<div class="vimeo_player" videoID="7">`:                 {"tarteaucitron", "vimeo", "vimeo", "https://player.vimeo.com/video/7", true, false},
	} {
		if got, ok := readMark(n, elementOf(t, markup)); !ok || got != want {
			t.Errorf("%s: %+v, want %+v", markup, got, want)
		}
	}
	for _, markup := range []string{`<div class="youtube_player">`, `<div class="youtube_players" videoID="abc">`} {
		if got, ok := readMark(n, elementOf(t, markup)); ok {
			t.Errorf("%s: %+v, want none", markup, got)
		}
	}
}

// A mark on what runs or loads anyway holds nothing.
func TestMarksDoNotHoldWhatRuns(t *testing.T) {
	n := &notice.Notice{Categories: []notice.Category{{Key: "analytics", Like: "analytics"}}}
	for _, markup := range []string{
		`<script data-cookieyes="cookieyes-analytics" src="https://a.example/x.js">`,
		`<script type="text/javascript" data-category="analytics">`,
		`<script type="module" data-osano="ANALYTICS" src="https://a.example/x.js">`,
		`<iframe data-cookieconsent="statistics" src="https://a.example/">`,
		`<img data-category="analytics" src="https://a.example/p.gif">`,
	} {
		if got, ok := readMark(n, elementOf(t, markup)); !ok || got.Held || got.Released || got.Category != "analytics" {
			t.Errorf("%s: %+v, %v; want a mark of analytics that holds nothing", markup, got, ok)
		}
	}
}
