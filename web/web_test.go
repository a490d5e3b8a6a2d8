package web

import (
	"bytes"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
)

var spring = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func version(state string, change func(*PolicyVersion)) *PolicyVersion {
	p := &PolicyVersion{
		PolicyHead: policyHead("../../../../"), Here: "../../../../policies/shop/privacy/versions/2",
		Number: 2, State: state, From: spring, Published: spring.Add(-30 * time.Hour), InForce: 2,
		Binding: "en", Text: `<p>text</p><h2 id="s-a">a</h2>`, Contents: []Contents{{"s-a", "a & b", false}, {"s-b", "b", true}},
		Digest: strings.Repeat("0123456789abcdef", 4), Address: "/policies/shop/privacy/versions/2",
	}
	if change != nil {
		change(p)
	}
	return p
}

func policyHead(root string) PolicyHead {
	return PolicyHead{Head: Head{Title: "Privacy policy", Site: "Example <Shop>", Root: root, Language: "en"}, SiteKey: "shop", Policy: "privacy", TextLanguage: "en", Unlisted: true}
}

func next(p *PolicyVersion) { p.By, p.Until = 3, spring.AddDate(0, 1, 0) }

// pages are one of each kind; what each must say stands beside it.
func pages() []struct {
	page Page
	says []string
} {
	return []struct {
		page Page
		says []string
	}{
		{version("in_force", nil), []string{"Version 2, in force since 1 March 2026", "0123456789abcdef", "Example <Shop>", "a & b"}},
		{version("in_force", next), []string{"Version 2, in force since 1 March 2026", "Version 3 takes its place on 1 April 2026.", "Read version 3", "1 April 2026, 00:00 UTC"}},
		{version("scheduled", func(p *PolicyVersion) { p.InForce = 1 }), []string{"Version 2 takes effect on 1 March 2026", "Until then, version 1 is in force.", "Read the version in force"}},
		{version("scheduled", func(p *PolicyVersion) { p.InForce, p.Contents = 0, nil }), []string{"Version 2 takes effect on 1 March 2026"}},
		{version("superseded", func(p *PolicyVersion) { next(p); p.InForce = 4 }), []string{"Version 2, superseded by version 3 on 1 April 2026", "It was in force from 1 March 2026.", "Version 4 is in force now.", "Read the version in force"}},
		{version("replaced", func(p *PolicyVersion) { next(p); p.From, p.InForce = time.Time{}, 0 }), []string{"Version 2 never took effect", "Version 3 took its place before it was in force.", "Read version 3"}},
		{version("in_force", func(p *PolicyVersion) { p.Language, p.TextLanguage = "de-AT", "ar" }), []string{"Fassung 2, in Kraft seit 1. März 2026", "Arabisch", "Alle Fassungen"}},
		{version("superseded", func(p *PolicyVersion) {
			next(p)
			p.InForce, p.Before, p.Material, p.Summary, p.SummaryLanguage = 4, 1, true, "We keep <less>.", "en"
			p.Asked = &PolicyAsked{Moment: spring, Day: true, Earlier: 1, EarlierUntil: spring.Add(14 * time.Hour)}
		}), []string{"You asked about 1 March 2026 : this version was in force.", "Until 1 March 2026, 14:00 UTC, version 1 was in force.", "What changed: We keep <less>.",
			"What changed since version 1", "Compare with the version in force"}},
		{version("scheduled", func(p *PolicyVersion) {
			p.InForce, p.Before, p.Asked, p.Binds = 1, 1, &PolicyAsked{Moment: spring, Ahead: true}, spring.AddDate(0, 0, 14)
			p.TextLanguage, p.Entry = "de", strings.Repeat("e", 64)
			p.Languages = []PolicyLanguage{{"en", "English", false, true}, {"de", "Deutsch", true, false}}
		}), []string{"You asked about 1 March 2026, 00:00 UTC : by what is published today, this version will be in force.", "English (authoritative) Deutsch",
			"This is a translation. The text in English is authoritative.", "15 March 2026, 00:00 UTC", "Entry in the chain " + strings.Repeat("e", 64)}},
		{&PolicyDifference{PolicyHead: policyHead("../../../../"),
			Before:    DifferenceSide{1, "superseded", "Privacy policy", "en", strings.Repeat("1", 64), "../../../../policies/shop/privacy/versions/1"},
			After:     DifferenceSide{2, "in_force", "Privacy <policy>", "de", strings.Repeat("2", 64), "../../../../policies/shop/privacy/versions/2"},
			Languages: []PolicyLanguage{{"en", "English", true, true}, {"de", "Deutsch", false, false}}, Inserted: 3, Deleted: 4, Moved: 5, Changes: 2,
			Parts: []DifferencePart{
				{Folded: true, Words: 120, Blocks: []DifferenceBlock{{Shape: "heading", Level: 2, Spans: []DifferenceSpan{{"", "Who we are"}}}, {Shape: "rule"}}},
				{Change: 1, Section: "Cookies & more", Blocks: []DifferenceBlock{
					{Shape: "paragraph", Spans: []DifferenceSpan{{"", "We keep it "}, {"gone", "one year"}, {"put", "two <years>"}}},
					{Shape: "entry", Level: 1, Place: 4, Target: 9, Gone: true, Spans: []DifferenceSpan{{"moved", "As before"}}}}},
				{Blocks: []DifferenceBlock{{Shape: "row", Spans: []DifferenceSpan{{"", "a | b"}}}, {Shape: "code", Spans: []DifferenceSpan{{"", "x"}}}}},
				{Change: 2, Blocks: []DifferenceBlock{{Shape: "heading", Level: 3, Place: 9, Target: 4, Spans: []DifferenceSpan{{"moved", "As before"}}}}},
			}}, []string{"From version 1 to version 2", "Words inserted 3", "Words deleted 4", "Passages moved 5", "Change 1 of 2 · Cookies & more", "[deleted] one year", "[inserted] two <years>",
			"Moved. See where it is now", "Moved here. See where it was", "Unchanged text (words: 120)", "Next change", "Previous change", "The two texts are in different languages.", "The other way round"}},
		{&PolicyDifference{PolicyHead: policyHead("../../../../"), Before: DifferenceSide{Number: 1, State: "in_force", Language: "en", Link: "../../../../x"},
			After: DifferenceSide{Number: 1, State: "in_force", Language: "en", Link: "../../../../x"}}, []string{"No word differs between the two texts."}},
		{&PolicyIndex{Head: Head{Site: "Example <Shop>", Root: "../", Language: "en"}, SiteKey: "shop", Unlisted: true, Policies: []IndexedPolicy{
			{Base: "../policies/shop/cookies", Title: "Cookie <policy>", TextLanguage: "en", Languages: []string{"en", "de"}, Number: 2, State: "in_force", From: spring},
			{Base: "../policies/shop/privacy", Title: "الخصوصية", TextLanguage: "ar", Languages: []string{"ar"}, Number: 1, State: "scheduled", From: spring},
		}}, []string{"Policy archive", "Cookie <policy> Version 2, in force since 1 March 2026 English · German All versions Feed of changes", "الخصوصية Version 1 takes effect on 1 March 2026 Arabic"}},
		{&PolicyVersions{PolicyHead: policyHead("../../../"), Today: "2026-03-02", Versions: []VersionEntry{
			{Number: 4, State: "scheduled", From: spring.AddDate(0, 2, 0), Published: spring, Digest: strings.Repeat("4", 64), TextLanguage: "en"},
			{Number: 3, State: "in_force", From: spring, Until: spring.AddDate(0, 2, 0), By: 4, Before: 2, Published: spring, Digest: strings.Repeat("3", 64), TextLanguage: "de",
				Translations: []string{"fr"}, Material: true, Summary: "Kurz <gesagt>", SummaryLanguage: "de"},
			{Number: 2, Title: "Old <title>", State: "replaced", By: 3, Published: spring, Digest: strings.Repeat("2", 64), TextLanguage: "xx"},
			{Number: 1, State: "superseded", From: spring.AddDate(-1, 0, 0), Until: spring, By: 3, Published: spring, Digest: strings.Repeat("1", 64), TextLanguage: "en"},
		}}, []string{"Version 4 Scheduled", "from 1 May 2026", "1 March 2026 to 1 May 2026", "Old <title>", "replaced by version 3", "1 March 2025 to 1 March 2026", "German · French", "xx",
			"Which version was in force on this day?", "Compare two versions", "Material change", "Kurz <gesagt>", "What changed since version 2"}},
		{&OptOut{Head: Head{Language: "en"}}, []string{"Opt out on all sites", "Opt out everywhere", "Global Privacy Control setting"}},
		{&OptOut{Head: Head{Language: "en"}, On: true, Signal: true}, []string{"You have opted out in this browser.", "Take the opt-out back", "Your browser sends Global Privacy Control"}},
		{&OptOut{Head: Head{Language: "en"}, On: true, Next: "./opt-out/next?run=a", Left: 2, Sites: []OptOutSite{{Name: "A <1>", State: "out"}, {Name: "B", State: "already"}, {Name: "C", State: "back"},
			{Name: "D", State: "in"}, {Name: "E", State: "todo", Link: "https://e.example/", Reopen: "Privacy <settings>"}, {Name: "F", State: "refused"}, {Name: "G"}}},
			[]string{"The websites of this server", "Go on with the other websites (2)", "A <1> Opted out", "B Opted out before", "C Opt-out taken back", "D Not opted out", "E Still to do", "choose “Privacy <settings>” there", "Open E", "F Not accepted", "G"}},
		{&OptOut{Head: Head{Language: "en"}, On: true, Left: 1, Sites: []OptOutSite{{Name: "E", State: "todo"}}}, []string{"Go on with the other websites (1)"}},
		{choices(nil), []string{"Privacy settings", "You have not chosen yet.", "Statistics", "Leave out GA <4>", "Data goes to: United States", "_ga · Cookie · 13 months", "Back to the website", "Accept all", "Reject all", "privacy@shop.example"}},
		{choices(func(p *Choices) {
			p.Recorded, p.Decided, p.Receipt, p.Granted, p.Signal = strings.Repeat("a", 32), "Your choice of today", strings.Repeat("a", 32), true, true
			p.Language, p.TextLanguage, p.Back, p.PolicyURL = "ar", "ar", "", "https://shop.example/privacy"
		}), []string{"Your choice is recorded.", "Download receipt", "Withdraw all consent", "Opt-out request honored"}},
		{choices(func(p *Choices) { p.Decided, p.Receipt = "Your choice of today", strings.Repeat("a", 32) }), []string{"Your choice of today Download receipt"}},
		{centre(nil), []string{"Your privacy", "Shop would like to store", "You have not chosen yet.", "Nothing is recorded", "does not send Global Privacy Control", "With a receipt"}},
		{centre(func(p *Centre) {
			p.Said, p.NotFound, p.Elsewhere, p.Keep = "recorded", true, true, true
			p.Decided, p.Receipt, p.Until, p.Rests, p.Granted = "Your choice of today", strings.Repeat("a", 32), spring, spring.AddDate(0, 6, 0), true
			p.Policies = []CentrePolicy{{"privacy", "Privacy <policy>", "en", 1, 3}, {"cookies", "Cookies", "de", 2, 2}, {"gone", "Gone", "en", 1, 0}}
			for i, action := range []string{"accept_all", "reject_all", "save", "acknowledge", "noticed", "withdraw", "signal", "share"} {
				p.History = append(p.History, CentreRecord{ID: strings.Repeat("b", 31) + fmt.Sprint(i), At: spring, Action: action, InForce: i == 0, Place: "DE · GDPR", Signals: "Do Not Track",
					Categories: []CentreChoice{{"Statistics", "granted"}, {"Marketing", "refused"}}, Vendors: []CentreChoice{{"GA <4>", "not_asked"}}, Policies: p.Policies[:1]})
			}
			p.Newer, p.Older, p.Back = "?from=1#history", "?from=2#history", "https://shop.example/"
			p.GPC, p.DNT, p.OptOut, p.Binding, p.Signal, p.Over, p.Deadline = true, true, true, true, true, true, "1 month"
			p.Law, p.LawPlace, p.Links, p.FormNames = "GDPR", "EU", []string{"proof", "bundle", "shown"}, []string{"27560"}
			p.Requests = []RequestLine{{ID: "x", Kind: "access", State: "open", Due: spring, Waits: true}}
			p.Rights = []RequestKind{{Key: "erasure", Name: "erasure"}}
		}), []string{"Your choice is recorded.", "There is no such receipt of this website.", "These choices were made in another browser.", "Choose the same in this browser", "What you allowed ends on 1 March 2026",
			"Privacy <policy> Version 1 What changed since version 1 Version 3 is in force now.", "Cookies Version 2 This version is still in force.", "A note about a changed policy was shown", "GA <4> Not asked",
			"Proof from the log", "Evidence bundle", "What was shown", "27560", "Allow Ads <2> again", "Leave out GA <4>", "Requests are answered within: 1 month", "Being worked on", "Your requests", "Make a request, or see those you made", "obliges websites"}},
		{&CentreLink{Head: Head{Root: "../../", Language: "en"}, SiteKey: "shop", Words: choiceWords, Address: "https://x.example/<a>", Picture: "<svg></svg>"}, []string{"Scan this", "https://x.example/<a>"}},
		{&CentreLink{Head: Head{Root: "../../../", Language: "en"}, SiteKey: "shop", Words: choiceWords, Pass: "p"}, []string{"Show the choices"}},
		{&CentreLink{Head: Head{Root: "../../../", Language: "en"}, SiteKey: "shop", Words: choiceWords, Gone: true}, []string{"This link has been used"}},
		{&Declaration{Head: Head{Title: "Cookie declaration", Site: "Shop", Root: "../../"}, SiteKey: "shop", TextLanguage: "en", Words: choiceWords, PolicyURL: "policies/shop/privacy", Updated: "2026-03-01",
			Categories: []Declared{declared, {Key: "marketing", Label: "Marketing", About: "Ads"}}, Controller: controller}, []string{"Cookie declaration", "GA <4>", "_ga", "13 months", "Opt out at GA", "No partners in this category.", "1 High Street"}},
		{&Problem{Head: Head{Title: "There is no such <policy>"}, Status: 404, Detail: "Check the address.", Request: "0a1b"}, []string{"404", "There is no such <policy>", "Check the address.", "0a1b"}},
		{&Problem{Head: Head{Title: "Not then"}, Case: NoVersion, Status: 404, Detail: "Later.", To: "../versions/1"}, []string{"No version applied then", "Choose a version from the list of all versions. Read the first version", "Not then. Later."}},
		{&Problem{Head: Head{Title: "Oops"}, Case: OurFault, Status: 500, Detail: "Try again."}, []string{"500", "Something went wrong here", "The fault is ours", "Oops. Try again."}},
	}
}

var (
	controller  = Controller{Name: "Shop <Ltd>", Address: "1 High Street", Contact: "mailto:privacy@shop.example"}
	choiceWords = Words{"title": "Your privacy", "back": "Back to the website", "recorded": "Your choice is recorded.", "receipt": "Download receipt", "signal": "Opt-out request honored",
		"not_decided": "You have not chosen yet.", "reject": "Reject all", "accept": "Accept all", "always": "Always active", "partners": "Partners", "stored": "Stored",
		"no_partners": "No partners in this category.", "save": "Save choices", "withdraw": "Withdraw all consent", "responsible": "Responsible: Shop", "policy": "Privacy policy",
		"declaration": "Cookie declaration", "declaration_about": "What is stored", "updated": "Last updated: 2026-03-01", "reopen": "Privacy settings",
		"name": "Name", "kind": "Kind", "duration": "Duration", "purpose": "Purpose"}
	declared = Declared{Key: "analytics", Label: "Statistics", About: "Counts", Vendors: []DeclaredVendor{{Key: "ga4", Name: "GA <4>", Country: "US", DataGoes: "Data goes to: United States",
		PolicyURL: "https://ga.example/privacy", PolicyText: "Policy of GA", OptOutURL: "https://ga.example/out", OptOutText: "Opt out at GA", WithoutText: "Leave out GA <4>",
		Stored: []DeclaredStored{{Name: "_ga", Kind: "cookie", KindText: "Cookie", Duration: "13 months", DurationText: "13 months", Purpose: "Tells visits apart."}}}}}
)

func choices(change func(*Choices)) *Choices {
	p := &Choices{Head: Head{Title: "Privacy settings", Site: "Shop", Root: "../../", Language: "en"}, SiteKey: "shop", TextLanguage: "en", Words: choiceWords,
		Ask: "Shop would like to store", PolicyURL: "policies/shop/privacy", Back: "https://shop.example/lamps?a=1&b=2", Token: "1.shop.token", FormKey: "key",
		Categories: []ChoiceCategory{{Declared: Declared{Key: "necessary", Label: "Necessary", About: "Needed", Necessary: true}}, {Declared: declared}}, Controller: controller}
	if change != nil {
		change(p)
	}
	return p
}

func centre(change func(*Centre)) *Centre {
	words := Words{"details": "Details", "settings": "Settings", "signal_over": "In spite of the signal"}
	for key, text := range choiceWords {
		words[key] = text
	}
	p := &Centre{Head: Head{Title: "Your privacy", Site: "Shop", Root: "../", Language: "en"}, SiteKey: "shop", Words: words, PolicyURL: "policies/shop/privacy",
		Ask: "Shop would like to store", Controller: controller, DNTText: "This website does not respond to it.",
		Now: []CentreCategory{{Key: "necessary", Label: "Necessary", About: "Needed", Necessary: true, On: true}, {Key: "marketing", Label: "Marketing", About: "Ads", On: true,
			Vendors: []CentreVendor{{Key: "ga4", Name: "GA <4>", On: true, Leave: "Leave out GA <4>"}, {Key: "ads", Name: "Ads <2>", Allow: true}}}}}
	if change != nil {
		change(p)
	}
	return p
}

// Whoever reads the picture reads the address, and nothing of it is drawn at its edge.
func TestQRCode(t *testing.T) {
	picture, err := QR("https://consent.example/privacy/shop/take/"+strings.Repeat("a", 80), `"<b>`)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(picture), `aria-label="&#34;&lt;b&gt;"`) || strings.Contains(string(picture), "M3 ") {
		t.Errorf("the picture is %.200s", picture)
	}
	if _, err := QR(strings.Repeat("a", 4000), ""); err == nil {
		t.Error("more than any code holds is drawn")
	}
}

// A page of choices ticks what it is told to tick, and asks alike for yes and no.
func TestChoicesAreEqualAndNothingIsTickedByItself(t *testing.T) {
	r := renderer(t)
	boxes := func(p *Choices) (ticked []string, buttons []string) {
		_, doc := render(t, r, p)
		for n := range doc.Descendants() {
			attribute := map[string]string{}
			for _, a := range n.Attr {
				attribute[a.Key] = a.Val
			}
			if _, on := attribute["checked"]; on {
				ticked = append(ticked, attribute["name"]+" "+attribute["value"])
			}
			if n.Data == "button" {
				delete(attribute, "value")
				delete(attribute, "data-volenti")
				buttons = append(buttons, fmt.Sprint(n.Parent.Data, attribute))
			}
		}
		return ticked, buttons
	}
	ticked, buttons := boxes(choices(nil))
	if len(ticked) != 0 {
		t.Errorf("ticked before anybody chose: %v", ticked)
	}
	if len(buttons) != 3 || buttons[0] != buttons[1] {
		t.Errorf("reject and accept differ: %v", buttons)
	}
	ticked, _ = boxes(choices(func(p *Choices) {
		p.Categories = slices.Clone(p.Categories)
		p.Categories[1].On = true
		p.Categories[1].Vendors = slices.Clone(p.Categories[1].Vendors)
		p.Categories[1].Vendors[0].Without = true
	}))
	if got := strings.Join(ticked, ", "); got != "category analytics, without ga4" {
		t.Errorf("ticked %q", got)
	}
}

func renderer(t *testing.T) *Renderer {
	t.Helper()
	r, err := New()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func render(t *testing.T, r *Renderer, p Page) (string, *html.Node) {
	t.Helper()
	var b bytes.Buffer
	if err := r.Render(&b, p); err != nil {
		t.Fatal(err)
	}
	doc, err := html.Parse(strings.NewReader(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	return b.String(), doc
}

// TestPages renders every template, in every language, and holds each page to what
// all pages owe: our policy of no script and no inline style, relative links,
// one h1, a language and a direction, ids that are there once.
func TestPages(t *testing.T) {
	r := renderer(t)
	rendered := make(map[string]bool)
	for i, tt := range append(pages(), requestPages()...) {
		t.Run(fmt.Sprintf("%d %s", i, tt.page.template()), func(t *testing.T) {
			asked := tt.page.head().Language
			for _, lang := range r.tags {
				tt.page.head().Language = lang.String()
				text, doc := render(t, r, tt.page)
				checkPage(t, text, doc)
			}
			tt.page.head().Language = asked
			_, doc := render(t, r, tt.page)
			rendered[tt.page.template()] = true
			said := strings.Join(strings.Fields(text(doc)), " ")
			for _, want := range tt.says {
				if !strings.Contains(said, want) {
					t.Errorf("the page does not say %q:\n%s", want, said)
				}
			}
		})
	}
	names, err := templateNames()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if !rendered[name] {
			t.Errorf("no test renders the template %s", name)
		}
	}
}

func text(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode && d.Parent.Data != "title" {
			b.WriteString(d.Data + " ")
		}
	}
	return strings.NewReplacer(" ,", ",", " .", ".").Replace(strings.Join(strings.Fields(b.String()), " "))
}

func checkPage(t *testing.T, page string, doc *html.Node) {
	t.Helper()
	if strings.Contains(page, "{") || strings.Contains(page, "ZgotmplZ") || strings.Contains(page, "<no value>") {
		t.Errorf("an open place in %s", page)
	}
	ids := make(map[string]bool)
	count := make(map[string]int)
	var targets []string
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		count[n.Data]++
		if n.Data == "script" || n.Data == "style" || n.Data == "iframe" {
			t.Errorf("<%s> in a page", n.Data)
		}
		external := slices.Contains(n.Attr, html.Attribute{Key: "rel", Val: "external"})
		for _, a := range n.Attr {
			switch {
			case a.Key == "style" || strings.HasPrefix(a.Key, "on"):
				t.Errorf("%s on <%s>", a.Key, n.Data)
			case a.Key == "id" && ids[a.Val]:
				t.Errorf("the id %q is there twice", a.Val)
			case a.Key == "id":
				ids[a.Val] = true
			case a.Key == "href" && strings.HasPrefix(a.Val, "#"):
				targets = append(targets, a.Val[1:])
			case a.Key == "href" && external:
				if u, err := url.Parse(a.Val); err != nil || (u.Scheme != "https" && u.Scheme != "mailto") {
					t.Errorf("the link %q does not lead where one may be led", a.Val)
				}
			case a.Key == "href" || a.Key == "src" || a.Key == "action":
				if u, err := url.Parse(a.Val); err != nil || u.IsAbs() || u.Host != "" || strings.HasPrefix(a.Val, "/") || !strings.HasPrefix(a.Val, ".") {
					t.Errorf("the link %q does not work under a proxy's prefix", a.Val)
				}
			case a.Key == "lang" && a.Val == "", a.Key == "dir" && a.Val != "ltr" && a.Val != "rtl" && a.Val != "auto":
				t.Errorf("%s=%q on <%s>", a.Key, a.Val, n.Data)
			}
		}
		if n.Data == "html" && len(n.Attr) != 2 {
			t.Errorf("<html> has %v, want a language and a direction", n.Attr)
		}
	}
	for _, target := range targets {
		if target != "s-b" && !ids[target] { // s-b is in the sample's contents only
			t.Errorf("a link leads to #%s, which is not there", target)
		}
	}
	for _, one := range []string{"h1", "main", "title", "header", "footer"} {
		if count[one] != 1 {
			t.Errorf("%d <%s>", count[one], one)
		}
	}
}

func TestArticleHasItsLanguage(t *testing.T) {
	_, doc := render(t, renderer(t), version("in_force", func(p *PolicyVersion) { p.TextLanguage = "ar-EG" }))
	for n := range doc.Descendants() {
		if n.Data == "article" {
			if got := fmt.Sprint(n.Attr); got != "[{ lang ar-EG} { dir rtl}]" {
				t.Errorf("article has %s", got)
			}
			return
		}
	}
	t.Error("no article")
}

func TestRenderWritesAllOrNothing(t *testing.T) {
	r := renderer(t)
	var b bytes.Buffer
	if err := r.Render(&b, &PolicyVersions{Versions: []VersionEntry{{State: "unheard"}}}); err == nil || b.Len() != 0 {
		t.Errorf("error %v after %d bytes", err, b.Len())
	}
}

func TestRoot(t *testing.T) {
	for at, want := range map[string]string{
		"/": "./", "/x": "./", "/x/": "../", "/policies/shop/privacy": "../../",
		"/policies/shop/privacy/versions/2": "../../../../", "/a%2Fb": "./", "": "./",
	} {
		if got := Root(at); got != want {
			t.Errorf("Root(%q) = %q, want %q", at, got, want)
		}
		base, _ := url.Parse("https://a.example/prefix" + at)
		if at == "" {
			continue
		}
		if got := base.ResolveReference(&url.URL{Path: Root(at) + "b"}).Path; got != "/prefix/b" {
			t.Errorf("from %q it leads to %q", at, got)
		}
	}
}

func TestEveryStaticFileIsServed(t *testing.T) {
	r := renderer(t)
	files, err := fs.Glob(embedded, "static/*")
	if err != nil || len(files) < 2 {
		t.Fatalf("static files: %v %v", files, err)
	}
	for _, file := range files {
		at, err := r.assets.Path(strings.TrimSuffix(path.Base(file), ".d"))
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		r.Assets().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/"+at, nil))
		want, err := embedded.ReadFile(file)
		if err != nil { // a folder of parts
			parts, _ := fs.Glob(embedded, file+"/*")
			if len(parts) == 0 {
				t.Fatal(err)
			}
			for _, part := range parts {
				b, _ := embedded.ReadFile(part)
				want = append(want, b...)
			}
		}
		if w.Code != 200 || !bytes.Equal(w.Body.Bytes(), want) || w.Header().Get("Content-Security-Policy") != ContentSecurityPolicy || !r.HasAsset("/"+at) {
			t.Errorf("%s: %d %v", at, w.Code, w.Header())
		}
	}
}

// What is parsed when it is rendered first must parse.
func TestEveryTemplateParses(t *testing.T) {
	r, err := New()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range r.names {
		for lang := range r.words {
			if _, err := r.parsed(page{lang, name}); err != nil {
				t.Errorf("%s: %v", lang, err)
			}
		}
		if len(r.pages) > mostPages {
			t.Fatalf("%d templates are held", len(r.pages))
		}
	}
	if _, err := r.parsed(page{"en", "visitor/none"}); err == nil {
		t.Error("a template that is not there was parsed")
	}
}
