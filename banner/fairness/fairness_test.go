package fairness

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

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

// inspect judges what a compiler makes of n, all surfaces or some.
func inspect(t testing.TB, n *notice.Notice, compiler banner.Compiler, surfaces ...notice.Surface) []notice.Issue {
	t.Helper()
	all, err := compiler.Compile(n, n.Wordings())
	if err != nil {
		t.Fatal(err)
	}
	all = slices.DeleteFunc(all, func(s notice.Script) bool {
		return s.Kind == notice.KindAsk && len(surfaces) > 0 && !slices.Contains(surfaces, s.Surface)
	})
	issues, err := Inspector{}.Inspect(t.Context(), n, n.Wordings(), all)
	if err != nil {
		t.Fatal(err)
	}
	return issues
}

// Our own banner is fair, in all languages, on all surfaces.
func TestOurOwnBannerIsFair(t *testing.T) {
	languages := notice.Languages()
	if testing.Short() {
		languages = []string{"en", "de", "ar", "ja", "hi"}
	}
	for _, issue := range inspect(t, shop(languages...), banner.Compiler{}) {
		t.Errorf("%s\n\t%s", issue, issue.Rule)
	}
}

// Every look that a notice can have is fair.
func TestEveryLookIsFair(t *testing.T) {
	for i, position := range []string{"bottom", "bottom-start", "bottom-end", "top", "center", "inline"} {
		for _, modal := range []bool{false, true} {
			theme := []string{"auto", "light", "dark"}[i%3]
			t.Run(fmt.Sprint(position, " ", modal, " ", theme), func(t *testing.T) {
				t.Parallel()
				n := shop("de")
				n.Look.Position, n.Look.Modal, n.Look.Theme = position, modal, theme
				if modal {
					n.Look.Logo, n.Look.Radius = "https://shop.example/logo.svg", 24
				}
				for _, issue := range inspect(t, n, banner.Compiler{}) {
					t.Error(issue)
				}
			})
		}
	}
}

// What a site can mend is named by its place in the notice file.
func TestFindingsNameTheirCause(t *testing.T) {
	say := func(key, text string) func(*notice.Notice) {
		return func(n *notice.Notice) { n.Wording = map[string]map[string]string{"en": {key: text}} }
	}
	for name, tt := range map[string]struct {
		change func(*notice.Notice)
		path   string // "" if nothing is wrong
		rule   int
	}{
		"a grey accent":              {func(n *notice.Notice) { n.Look.Accent = "#777777" }, "look.accent", 13},
		"a yellow accent":            {func(n *notice.Notice) { n.Look.Accent = "#ffd400" }, "", 0},
		"a refusal put off":          {say("reject", "Maybe later"), "wording.en.reject", 18},
		"a refusal that shames":      {say("reject", "Refuse and miss out"), "wording.en.reject", 18},
		"a refusal denied":           {say("reject", "Do not reject"), "wording.en.reject", 18},
		"a refusal in other words":   {say("reject", "Decline all"), "", 0},
		"a yes that says nothing":    {say("accept", "Continue"), "wording.en.accept", 18},
		"a yes in other words":       {say("accept", "Allow all"), "", 0},
		"no number of third parties": {say("ask_opt_in", "{controller} would like to use your device for: {purposes}. Withdraw under {reopen}."), "wording.en.ask_opt_in", 20},
		"a long text":                {say("ask_opt_in", strings.Repeat("Some of what we say. ", 22)+"{controller} {n} {purposes} {reopen}."), "", 0},
		"a trial in a grey accent":   {tryAccent("#777777"), "trials[0].look.accent", 13},
		"a trial in another accent":  {tryAccent("#7a1f5c"), "", 0},
		"a trial with a refusal put off": {func(n *notice.Notice) {
			n.Trials = []notice.Trial{{Key: "late", Percent: 10, Look: n.Look, Wording: map[string]map[string]string{"en": {"reject": "Maybe later"}}}}
		}, "trials[0].wording.en.reject", 18},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := shop("en")
			tt.change(n)
			issues := inspect(t, n, banner.Compiler{})
			if tt.path == "" {
				for _, issue := range issues {
					t.Error(issue)
				}
				return
			}
			want := ruleOf(tt.rule).String()
			if !slices.ContainsFunc(issues, func(i notice.Issue) bool { return i.Path == tt.path && i.Rule == want && i.Remedy != "" }) {
				t.Errorf("want %s under %s, got %v", tt.path, want, issues)
			}
		})
	}
}

func tryAccent(accent string) func(*notice.Notice) {
	return func(n *notice.Notice) {
		look := n.Look
		look.Accent = accent
		n.Trials = []notice.Trial{{Key: "other", Percent: 10, Look: look}}
	}
}

// An unfair trial stops the publication of the notice.
func TestAnUnfairTrialIsNotPublished(t *testing.T) {
	n := shop("en")
	tryAccent("#777777")(n)
	_, err := (&notice.Publisher{Store: unused{}, Compiler: banner.Compiler{}, Fairness: Inspector{}, Now: time.Now}).Publish(t.Context(), n)
	invalid, ok := errors.AsType[*notice.InvalidError](err)
	if !ok || len(invalid.Issues) != 1 || invalid.Issues[0].Path != "trials[0].look.accent" {
		t.Errorf("published with %v", err)
	}
}

// unused has nothing, and is asked to keep nothing.
type unused struct{ notice.Store }

func (unused) Current(context.Context, string) (*notice.Publication, error) {
	return nil, notice.ErrUnpublished
}

// A script that breaks, or does what the inspection does not know, is refused.
func TestWhatCantBeJudgedIsRefused(t *testing.T) {
	for name, m := range map[string]mutant{
		"it throws":             {File: "ui/ask.ts", Old: "  const words =", New: "  (window as any).nothing.at.all();\n  const words ="},
		"it never ends":         {File: "ui/ask.ts", Old: "  const words =", New: "  for (;;) if ((window as any).stopped) break;\n  const words ="},
		"a selector":            {File: "ui/ask.css", New: ":state(new) { color: red }"},
		"a rule":                {File: "ui/ask.css", New: "@scope (.panel) { p { color: red } }"},
		"a colour":              {File: "ui/ask.css", New: "::slotted(button) { background: oklch(60% 0.2 40) !important }"},
		"markup that is parsed": {File: "ui/ask.ts", Old: "  const words =", New: "  document.body.innerHTML += '<p>';\n  const words ="},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			issues := inspect(t, shop("en"), banner.Compiler{Sources: mutated(t, m)}, notice.AskOptIn)
			if !slices.ContainsFunc(issues, func(i notice.Issue) bool { return i.Path == scripts && i.Rule == ruleOf(0).String() }) {
				t.Errorf("passed: %v", issues)
			}
		})
	}
}

func TestItEndsWithItsContext(t *testing.T) {
	n := shop("en")
	all, err := banner.Compiler{}.Compile(n, n.Wordings())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (Inspector{}).Inspect(ctx, n, n.Wordings(), all); !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
}
