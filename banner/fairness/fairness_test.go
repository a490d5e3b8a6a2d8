package fairness

import (
	"testing"

	"github.com/volenti-consent/volenti/banner"
	"github.com/volenti-consent/volenti/server/notice"
)

// shop is an everyday notice, which is fair.
func shop(languages ...string) *notice.Notice {
	text := func(s string) map[string]string { return map[string]string{languages[0]: s} }
	entry := func(name, kind, duration, purpose string) notice.Stored {
		return notice.Stored{Name: name, Kind: kind, Duration: duration, Purpose: text(purpose)}
	}
	return &notice.Notice{
		Schema: notice.Schema, Site: "shop", Languages: languages, Origins: []string{"https://shop.example"}, Policies: []string{"privacy"},
		Controller: notice.Controller{Name: "Example Shop Ltd", Address: "1 High Street, Dublin", Contact: "privacy@shop.example", Establishment: "IE"},
		Validity:   6, Posture: "cautious", DNT: "ignore", Google: notice.Google{Mode: "basic", WaitForUpdate: 500},
		Look:       notice.Look{Accent: "#1d4ed8", Position: "bottom", Theme: "auto", Reopen: "start", Radius: 8},
		Categories: []notice.Category{{Key: "necessary", Like: "necessary"}, {Key: "preferences", Like: "preferences"}, {Key: "analytics", Like: "analytics"}, {Key: "marketing", Like: "marketing"}},
		Vendors: []notice.Vendor{
			{Key: "shop", Name: "Example Shop", Category: "necessary", Country: "IE", PolicyURL: "https://shop.example/privacy", Entries: []notice.Stored{entry("session", "cookie", "session", "Keeps the cart.")}},
			{Key: "video", Name: "Video", Category: "preferences", Country: "US", PolicyURL: "https://video.example/privacy", Entries: []notice.Stored{entry("played", "local", "persistent", "Remembers the volume.")}},
			{Key: "counter", Name: "Counter", Category: "analytics", Country: "US", PolicyURL: "https://counter.example/privacy", Entries: []notice.Stored{entry("_count", "cookie", "13 months", "Tells visits apart.")}},
			{Key: "ads", Name: "Ads", Category: "marketing", Country: "US", PolicyURL: "https://ads.example/privacy", Entries: []notice.Stored{entry("_ads", "cookie", "90 days", "Measures advertising.")}},
		},
	}
}

func wordingsOf(n *notice.Notice) map[string]notice.Wording {
	all := map[string]notice.Wording{}
	for _, l := range n.Languages {
		all[l] = n.WordingFor(l)
	}
	return all
}

func inspect(t testing.TB, n *notice.Notice, compiler banner.Compiler) []notice.Issue {
	t.Helper()
	scripts, err := compiler.Compile(n, wordingsOf(n))
	if err != nil {
		t.Fatal(err)
	}
	issues, err := Inspector{}.Inspect(t.Context(), n, wordingsOf(n), scripts)
	if err != nil {
		t.Fatal(err)
	}
	return issues
}

// Our own banner is fair, in all languages, on all surfaces.
func TestOurOwnBannerIsFair(t *testing.T) {
	for _, issue := range inspect(t, shop(notice.Languages()...), banner.Compiler{}) {
		t.Errorf("%s\n\t%s", issue, issue.Rule)
	}
}
