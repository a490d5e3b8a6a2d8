package markup

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/volenti-consent/volenti/server/catalogue"
	"github.com/volenti-consent/volenti/server/notice"
)

// shop is a notice with the four categories and two vendors.
func shop() *notice.Notice {
	n := &notice.Notice{Site: "shop", Origins: []string{"https://www.shop.example"}, Blocking: notice.Blocking{Mode: "script", Unknown: "hold", Allow: []string{"cdn.partner.example"}}}
	for _, key := range []string{"necessary", "preferences", "analytics", "marketing"} {
		n.Categories = append(n.Categories, notice.Category{Key: key, Like: key})
	}
	n.Vendors = []notice.Vendor{{Key: "ga4", Name: "Google Analytics", Category: "analytics"}, {Key: "own-stats", Name: "Our statistics", Category: "analytics", Hosts: []string{"stats.shop.example"}, API: "matomo"}}
	return n
}

func read(t *testing.T, n *notice.Notice, text string) *Page {
	t.Helper()
	c, err := catalogue.Load()
	if err != nil {
		t.Fatal(err)
	}
	address, _ := url.Parse("https://www.shop.example/cart/")
	page, err := Read(strings.NewReader(text), address, n, c)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// line is a finding as the tables below write it.
func line(f Finding) string {
	return fmt.Sprintf("%d %s %s %s %s %s", f.Line, f.Tag, f.Source, f.State, f.Category, f.Vendor)
}

func TestReadJudgesWhatLoads(t *testing.T) {
	for markup, want := range map[string][]string{
		// the site's own, and what is essential
		`<script src="/app.js"></script><img src="logo.png"><script src="https://cdn.shop.example/a.js"></script>`: nil,
		`<script src="https://js.stripe.com/v3/"></script>`:                                                        {"1 script https://js.stripe.com/v3/ free  stripe"},
		`<img src="https://cdn.partner.example/a.png">`:                                                            {"1 img https://cdn.partner.example/a.png free  "},
		// each element that fetches
		`<script async src="https://www.googletagmanager.com/gtag/js?id=G-1"></script>`:    {"1 script https://www.googletagmanager.com/gtag/js?id=G-1 ungated analytics ga4"},
		`<script type=module src=//tracker.test/a.js></script>`:                            {"1 script //tracker.test/a.js ungated marketing "},
		`<iframe src="https://www.youtube.com/embed/a"></iframe>`:                          {"1 iframe https://www.youtube.com/embed/a ungated preferences youtube"},
		`<IMG SRC="HTTPS://WWW.FACEBOOK.COM/tr?id=1">`:                                     {"1 img HTTPS://WWW.FACEBOOK.COM/tr?id=1 ungated marketing meta"},
		`<img srcset="/a.png, https://tracker.test/b.png 2x,https://tracker.test/c.png,">`: {"1 img https://tracker.test/b.png ungated marketing ", "1 img https://tracker.test/c.png ungated marketing "},
		`<picture><source srcset="https://tracker.test/a.png 1x"></picture>`:               {"1 source https://tracker.test/a.png ungated marketing "},
		`<video poster="https://tracker.test/p.png" src="/v.mp4"></video>`:                 {"1 video https://tracker.test/p.png ungated marketing "},
		`<object data="https://tracker.test/o"></object><embed src="https://tracker.test/e">`: {"1 object https://tracker.test/o ungated marketing ",
			"1 embed https://tracker.test/e ungated marketing "},
		`<link rel="Stylesheet" href="https://fonts.googleapis.com/css2?family=A">`:                   {"1 link https://fonts.googleapis.com/css2?family=A ungated preferences google-fonts"},
		`<link rel="preconnect" href="https://connect.facebook.net">`:                                 {"1 link https://connect.facebook.net ungated marketing meta"},
		`<link rel="canonical" href="https://other.example/"><a href="https://other.example/">x</a>`:  nil,
		`<style>/* url(https://c.test/) */ @import "https://tracker.test/a.css";</style>`:             {"1 style https://tracker.test/a.css ungated marketing "},
		`<p style="background: url( 'https://tracker.test/p.gif' )">x</p>`:                            {"1 p https://tracker.test/p.gif ungated marketing "},
		`<svg><image href="https://tracker.test/i.svg"/><use href="#a"/></svg>`:                       {"1 image https://tracker.test/i.svg ungated marketing "},
		`<table background="https://tracker.test/b.gif">`:                                             {"1 table https://tracker.test/b.gif ungated marketing "},
		`<input type=image src="https://tracker.test/i.gif">`:                                         {"1 input https://tracker.test/i.gif ungated marketing "},
		`<noscript><img src="https://www.facebook.com/tr?noscript=1"></noscript>`:                     {"1 noscript img https://www.facebook.com/tr?noscript=1 ungated marketing meta"},
		`<iframe srcdoc="&lt;img src='https://tracker.test/x.gif'&gt;"></iframe>`:                     {"1 srcdoc img https://tracker.test/x.gif ungated marketing "},
		`<base href="https://tracker.test/"><img src="a.gif"><base href="/"><img src="b.gif">`:        {"1 img a.gif ungated marketing ", "1 img b.gif ungated marketing "},
		`<script src="https://tracker.test\a.js"></script><script src="https:tracker.test"></script>`: {`1 script https://tracker.test\a.js ungated marketing `},
		`<script src="https://[broken/"></script>`:                                                    {"1 script https://[broken/ ungated marketing "},
		// what does not load
		`<!-- <img src="https://tracker.test/c.gif"> --><textarea><img src="https://tracker.test/t.gif"></textarea>`:             nil,
		`<script type="application/json" src="https://tracker.test/x.json">{"a": "https://tracker.test/"}</script>`:              nil,
		`<template><img src="https://tracker.test/t.gif"><template></template><img src="https://tracker.test/u.gif"></template>`: nil,
		`<iframe><img src="https://tracker.test/f.gif"></iframe>`:                                                                nil,
		// marked
		`<script type="text/plain" data-category="analytics" data-service="ga4" data-src="https://www.googletagmanager.com/gtag/js"></script>`: {"1 script https://www.googletagmanager.com/gtag/js gated analytics ga4"},
		`<template data-category="marketing"><img src="https://tracker.test/x.gif"></template>`:                                                {"1 template inline gated marketing "},
		`<script type="text/plain" data-cookieconsent="statistics">x</script>`:                                                                 {"1 script inline gated analytics "},
		`<script type="text/plain" data-category="!analytics">x</script>`:                                                                      {"1 script inline dead !analytics "},
		`<script type="text/plain" data-usercentrics="Hotjar" src="https://static.hotjar.com/c/hotjar-1.js"></script>`:                         {"1 script https://static.hotjar.com/c/hotjar-1.js dead Hotjar Hotjar"},
		`<noscript><iframe data-category="marketing" data-src="https://tracker.test/f"></iframe></noscript>`:                                   {"1 noscript iframe https://tracker.test/f dead marketing "},
		`<script data-cookieyes="cookieyes-analytics" src="https://static.hotjar.com/c/hotjar-1.js"></script>`:                                 {"1 script https://static.hotjar.com/c/hotjar-1.js ungated analytics hotjar"},
		// other banners
		`<script id="Cookiebot" src="https://consent.cookiebot.com/uc.js"></script>`:      {"1 script https://consent.cookiebot.com/uc.js banner  cookiebot"},
		`<script>(tarteaucitron.job = tarteaucitron.job || []).push('youtube');</script>`: {"1 script inline: tarteaucitron.job banner  "},
		// where it stands
		"<p>\n<img\n  src=\"/a\">\n<script>\n\n</script>\n<img src=\"https://tracker.test/a.gif\">": {"7 img https://tracker.test/a.gif ungated marketing "},
		"<noscript>\n\n<img src=\"https://tracker.test/a.gif\"></noscript>":                         {"3 noscript img https://tracker.test/a.gif ungated marketing "},
	} {
		var got []string
		for _, f := range read(t, shop(), markup).Findings {
			got = append(got, line(f))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s\n  got  %q\n  want %q", markup, got, want)
		}
	}
}

func TestReadKnowsInlineScripts(t *testing.T) {
	for script, want := range map[string][]string{
		`!function(f,b,e,v){t=b.createElement(e);t.src=v}(window,document,'script','https://connect.facebook.net/en_US/fbevents.js');fbq('init','1');`: {"meta marketing https://connect.facebook.net/en_US/fbevents.js"},
		`fbq('track', 'PageView');`: {"meta marketing fbq("},
		`window.dataLayer = window.dataLayer || []; function gtag(){dataLayer.push(arguments)} gtag('js', new Date()); gtag('config', 'G-1');`: {"ga4 analytics gtag('config'"},
		`gtag('consent', 'default', {ad_storage: 'denied'})`:                                                                                                   nil,
		`(function(w,d,s,l,i){j.src='https://www.googletagmanager.com/gtm.js?id='+i})(window,document,'script','dataLayer','GTM-1');`:                          {"google-tag-manager analytics https://www.googletagmanager.com/gtm.js?id="},
		`(function(c,l,a,r,i){t.src="https:\/\/www.clarity.ms\/tag\/"+i})(window,document,"clarity","script","x");`:                                            {"clarity analytics https://www.clarity.ms/tag/"},
		"var _paq = []; var u=`//shop.matomo.cloud/`; _paq.push(['trackPageView'])":                                                                            {"matomo analytics //shop.matomo.cloud/"},
		`var _paq = []; var u="https://stats.shop.example/"; _paq.push(['trackPageView'])`:                                                                     {"own-stats analytics https://stats.shop.example/"},
		`_linkedin_partner_id = "1"; s.src = "https://snap.licdn.com/li.lms-analytics/insight.min.js"`:                                                         {"linkedin marketing https://snap.licdn.com/li.lms-analytics/insight.min.js"},
		"// see https://connect.facebook.net/\n/* 'https://connect.facebook.net/' */ var a = 'https://api.unknown.example/'; var b = 'https://js.stripe.com/'": nil,
		`var text = "http is not //an address", x = 1;`:                                                                                                        nil,
	} {
		var got []string
		for _, f := range read(t, shop(), "<script>"+script+"</script>").Findings {
			got = append(got, f.Vendor+" "+f.Category+" "+strings.TrimPrefix(f.Source, "inline: "))
			if f.State != Ungated || f.Note == "" {
				t.Errorf("%s: %s, %q", script, f.State, f.Note)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s\n  got  %q\n  want %q", script, got, want)
		}
	}
}

func TestReadSeesWhetherOurScriptIsFirst(t *testing.T) {
	const ours = `<script src="https://consent.example/b/shop.js"></script>`
	for markup, want := range map[string]bool{
		ours: true,
		`<script type="application/ld+json">{}</script><script type="text/plain" data-category="analytics">1</script>` + ours: true,
		`<script>1</script>` + ours:                                    false,
		`<script src="https://tracker.test/a.js"></script>` + ours:     false,
		`<script src="https://consent.example/b/other.js"></script>`:   false,
		`<script src="https://consent.example/x/b/shop.jsx"></script>`: false,
		``: false,
	} {
		page := read(t, shop(), markup)
		if page.Script != want {
			t.Errorf("%s: Script is %v", markup, page.Script)
		}
		if slices.ContainsFunc(page.Findings, func(f Finding) bool {
			return strings.Contains(f.Source, "/b/shop.js") && !strings.HasSuffix(f.Source, "x")
		}) {
			t.Errorf("%s: our own script is a finding", markup)
		}
	}
}

func TestUngatedCounts(t *testing.T) {
	page := read(t, shop(), `<img src="https://tracker.test/1.gif"><img src="https://js.stripe.com/a.gif"><script>fbq('init')</script><script type="text/plain" data-category="nobody">1</script>`)
	if got := page.Ungated(); got != 2 || len(page.Findings) != 4 {
		t.Errorf("%d ungated of %d, want 2 of 4", got, len(page.Findings))
	}
}

func TestAddIsWhatTheNoticeLacks(t *testing.T) {
	c, err := catalogue.Load()
	if err != nil {
		t.Fatal(err)
	}
	n := shop()
	page := read(t, n, `
		<script src="https://www.googletagmanager.com/gtag/js?id=G-1"></script>
		<script src="https://static.hotjar.com/c/hotjar-1.js"></script><script>hj('event', 'x')</script>
		<img src="https://a.tracker.test/1.gif"><img src="https://a.tracker.test/2.gif">
		<script type="text/plain" data-usercentrics="Microsoft Clarity">1</script>
		<script type="text/plain" data-usercentrics="Who Knows" src="https://who.test/a.js"></script>
		<script type="text/plain" data-category="social">1</script>
		<script type="text/plain" data-category="!analytics">1</script>
		<script src="https://js.stripe.com/v3/"></script>`)
	want := `# Nobody is asked about the category "social". Add it to categories, or write one of the notice's into the markup.

[[vendor]]
key = "hotjar"
name = "Hotjar"
category = "analytics"
# The catalogue knows its hosts: hotjar.com hotjar.io

[[vendor]]
key = "a-tracker-test"
name = "a.tracker.test"
category = "marketing"
hosts = ["a.tracker.test"]
# Nobody knows whose they are. If the site itself needs them, write instead, under [blocking]: allow = ["a.tracker.test"]

[[vendor]]
key = "clarity"
name = "Microsoft Clarity"
category = "analytics"
# The catalogue knows its hosts: clarity.ms

[[vendor]]
key = "who-knows"
name = "Who Knows"
category = "marketing"
hosts = ["who.test"]
# Nobody knows whose they are. If the site itself needs them, write instead, under [blocking]: allow = ["who.test"]
`
	if got := page.Add(n, c); got != want {
		t.Errorf("add\n%s\nwant\n%s", got, want)
	}
	if got := read(t, n, `<p>Hello</p>`).Add(n, c); got != "" {
		t.Errorf("for a page without tags: %s", got)
	}
}

// What Add says makes a notice under which nothing of the page is dead.
func TestAddedVendorsAreFound(t *testing.T) {
	c, err := catalogue.Load()
	if err != nil {
		t.Fatal(err)
	}
	n := shop()
	text := `<script type="text/plain" data-usercentrics="Microsoft Clarity">1</script><iframe data-requires-vendor-consent="gmaps" data-src="https://www.google.com/maps/embed"></iframe>` +
		`<div class="youtube_player" videoID="a"></div><script type="didomi/javascript" data-vendor="c:abtasty-YFYF" src="https://try.abtasty.com/a.js"></script>`
	page := read(t, n, text)
	if page.Findings[0].State != Dead {
		t.Fatalf("%+v: want it dead", page.Findings[0])
	}
	file := `site = "shop"
languages = ["en"]
origins = ["https://www.shop.example"]
categories = ["necessary", "preferences", "analytics", "marketing"]
[controller]
name = "Shop"
address = "1 High Street"
contact = "privacy@shop.example"
establishment = "IE"
` + page.Add(n, c)
	made, issues := notice.Parse([]byte(file), "shop.toml")
	if notice.Failed(issues) {
		t.Fatalf("%s\n%v", file, issues)
	}
	for _, f := range read(t, made, text).Findings {
		if f.State != Gated {
			t.Errorf("%s, %s: %s", f.Source, f.State, f.Note)
		}
	}
}

// Where consent is known the parser runs what is not marked, and what is marked
// comes later: docs/proof.md.
func TestReadNamesChainsOfMarkedAndUnmarkedScripts(t *testing.T) {
	const (
		inline   = `<script type="text/plain" data-category="marketing">1</script>`
		unmarked = `<script src="https://tracker.test/a.js"></script>`
		warning  = "where consent is known it can run before the marked script of line 2: mark the whole chain"
	)
	for markup, want := range map[string]int{
		"\n" + inline + "\n" + unmarked:                     1,
		"\n" + inline + unmarked + "\n" + inline + unmarked: 2,
		"\n" + `<script type="text/plain" data-category="marketing" data-src="https://tracker.test/b.js"></script>` + unmarked: 1,
		"\n" + `<script type="text/plain" data-category="analytics marketing">1</script>` + unmarked:                           1,
		"\n" + `<script type="text/plain" data-cookieconsent="marketing">1</script>` + unmarked:                                1,
		"\n" + inline + `<script defer src="https://tracker.test/a.js"></script>`:                                              1,
		"\n" + inline + `<script data-category="marketing" src="https://tracker.test/a.js"></script>`:                          1,
		"\n" + `<script type="text/plain" data-category="marketing" async>1</script>` + unmarked:                               1,
		// in order, or none was asked for
		"\n" + unmarked + inline: 0,
		"\n" + inline + `<script async src="https://tracker.test/a.js"></script>`:                                                    0,
		"\n" + `<script type="text/plain" data-category="marketing" async data-src="https://tracker.test/b.js"></script>` + unmarked: 0,
		"\n" + `<script type="text/plain" data-category="marketing" defer data-src="https://tracker.test/b.js"></script>` + unmarked: 0,
		"\n" + `<script type="text/plain" data-category="marketing" data-type="module">1</script>` + unmarked:                        0,
		// nothing that could be one chain
		"\n" + `<script type="text/plain" data-category="analytics">1</script>` + unmarked:                             0,
		"\n" + `<script type="text/plain" data-category="nobody">1</script>` + unmarked:                                0,
		"\n" + inline + `<script src="https://consent.cookiebot.com/uc.js"></script>`:                                  0,
		"\n" + `<template data-category="marketing"></template>` + unmarked:                                            0,
		"\n" + inline + `<img src="https://tracker.test/a.gif"><script src="https://js.stripe.com/v3/"></script>`:      0,
		"\n" + inline + `<iframe srcdoc="&lt;script src=&quot;https://tracker.test/a.js&quot;>&lt;/script>"></iframe>`: 0,
	} {
		got := 0
		for _, f := range read(t, shop(), markup).Findings {
			if strings.HasSuffix(f.Note, warning) {
				got++
			}
		}
		if got != want {
			t.Errorf("%s\nis named %d times, want %d", markup, got, want)
		}
	}
}

func TestReadFailsWithItsReader(t *testing.T) {
	broken := errors.New("broken")
	c, _ := catalogue.Load()
	address, _ := url.Parse("https://www.shop.example/")
	if _, err := Read(io.MultiReader(strings.NewReader("<p>"), iotest.ErrReader(broken)), address, shop(), c); !errors.Is(err, broken) {
		t.Errorf("%v, want the reader's error", err)
	}
}

func FuzzRead(f *testing.F) {
	for _, text := range []string{`<script type="text/plain" data-category="a">`, `<noscript><noscript><iframe srcdoc="<iframe srcdoc=x>">`, `<img srcset=", ,a(,) 2x,b">`, `<template></template></template>`, "<plaintext>"} {
		f.Add(text)
	}
	c, err := catalogue.Load()
	if err != nil {
		f.Fatal(err)
	}
	n := shop()
	address, _ := url.Parse("https://www.shop.example/")
	f.Fuzz(func(t *testing.T, text string) {
		page, err := Read(strings.NewReader(text), address, n, c)
		if err != nil {
			t.Fatal(err)
		}
		page.Add(n, c)
		for _, found := range page.Findings {
			if found.Line < 1 || found.Line > 1+strings.Count(text, "\n")+4*len(text) {
				t.Errorf("line %d of %q", found.Line, text)
			}
		}
	})
}
