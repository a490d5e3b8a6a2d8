package edge

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// Where a tokenizer that does not build the tree and a browser read a page
// differently, a tag can hide. In each page of testdata/differ.txt a browser
// fetches from tracker.example, or would if only a simple reading were
// followed; what is written instead is read alike by all. The browser's own
// word on these pages is in banner/test/e2e/edge.test.mjs.
func TestNothingHidesWhereReadingsDiffer(t *testing.T) {
	b, err := os.ReadFile("testdata/differ.txt")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split("\n"+strings.ReplaceAll(string(b), `\0`, "\x00"), "\n== ")
	if len(blocks) < 39 {
		t.Fatalf("%d pages", len(blocks))
	}
	for _, block := range blocks[1:] {
		name, rest, _ := strings.Cut(strings.TrimRight(block, "\n"), "\n")
		in, want, changed := strings.Cut(rest, "\n--\n")
		if !changed {
			want = in
		}
		for _, pieces := range []int{0, 1, 5} {
			if got := rewrite(shopPage(t, Nothing{}), in, pieces); got != want {
				t.Errorf("%s, in pieces of %d:\n got %s\nwant %s", name, pieces, got, want)
				break
			}
		}
		if again := rewrite(shopPage(t, Nothing{}), want, 0); again != want {
			t.Errorf("%s, again:\n got %s\nwant %s", name, again, want)
		}
	}
}

func TestAddressesAreReadAsBrowsersReadThem(t *testing.T) {
	p := shopPage(t, Nothing{})
	for ref, held := range map[string]bool{
		"https://tracker.example/":                         true,
		"HTTPS://TRACKER.EXAMPLE/":                         true,
		" \n\thttps://tracker.example/":                    true,
		"ht\ntps://tra\tcker.example/":                     true,
		"\x00\x1fhttps://tracker.example/":                 true,
		"//tracker.example":                                true,
		`\\tracker.example/x`:                              true,
		`/\tracker.example/x`:                              true,
		"////tracker.example/x":                            true,
		"https:/tracker.example/x":                         true, // relative here, absolute on http
		"https:tracker.example/x":                          true,
		"http:///tracker.example/x":                        true,
		`https:\\tracker.example\x`:                        true,
		"https://www.shop.example@tracker.example/":        true,
		"https://tracker.example:8443/":                    true,
		"https://tracker.example./":                        true,
		"https://a.b.tracker.example/":                     true,
		"https://ｔｒａｃｋｅｒ.example/":                         true,
		"https://track\u00ader.example/":                   true,
		"https://%74racker.example/":                       true,
		"wss://tracker.example/":                           true,
		"https://ads.example/pay/../x":                     true,
		"https://ads.example/pay/%2e%2E/x":                 true,
		`https://ads.example/pay\..\x`:                     true,
		"https://ads.example/./pay/x":                      false,
		"https://www.shop.example/?u=//tracker.example":    false,
		"https://www.shop.example#https://tracker.example": false,
		"https://tracker.example.www.shop.example/":        false,
		"/https://tracker.example/":                        false,
		"tracker.example/x":                                false,
		"about:blank":                                      false,
		"blob:https://tracker.example/1":                   false,
		"data:image/png;base64,AAAA":                       false,
		"mailto:a@tracker.example":                         false,
		"":                                                 false,
		"#a":                                               false,
		"https://":                                         true, // leads nowhere
		"/metrics":                                         true,
		"/x/../metrics/y":                                  true,
		"/metricsy":                                        true, // a pattern is the beginning of a path
	} {
		var f finding
		if got := p.reference(ref, &f); got != held {
			t.Errorf("%q: held is %v (%v), want %v", ref, got, f, held)
		}
	}
}

func TestStyleSheetsAreReadAsBrowsersReadThem(t *testing.T) {
	p := shopPage(t, Nothing{})
	for css, held := range map[string]bool{
		`@import "https://tracker.example/a.css";`:                     true,
		`@import/**/'//tracker.example/a.css' screen;`:                 true,
		`@\69mport "https://nobody.test/a.css";`:                       true,
		`a{background:url(https://nobody.test/a.png)}`:                 true,
		`a{background:URL( "https://tracker.example/a.png" )}`:         true,
		`a{background:u\72l(https://tracker.example/a.png)}`:           true,
		`a{background:url(\68ttps://tracker.example/a.png)}`:           true,
		`a{background:url(https:\2f\2ftracker.example/a.png)}`:         true,
		"a{background:url('https://track\\\ner.example/a.png')}":       true,
		`a{background:image-set("https://nobody.test/a.png" 1x)}`:      true,
		`@font-face{src:local(x),url(//tracker.example/f.woff2)}`:      true,
		`a{--x:url(https://tracker.example/)}`:                         true,
		`/* url(https://tracker.example/) */ a{color:red}`:             false,
		`/* unclosed url(https://tracker.example/)`:                    false,
		`a::after{content:"see https://nobody.test/"}`:                 false,
		`a{content:"x}/*";background:url(https://tracker.example/)}`:   true,
		"a{content:\"x\n;background:url(https://tracker.example/)}":    true,
		`a{background:url(/a.png)} @import "b.css"; @namespace "x:y";`: false,
		`a{width:calc(1px/*)*/);}`:                                     false,
	} {
		var f finding
		if got := p.style(css, &f); got != held {
			t.Errorf("%q: held is %v, want %v", css, got, held)
		}
	}
}

func TestInlineScriptsOfVendors(t *testing.T) {
	p := shopPage(t, Nothing{})
	for js, held := range map[string]bool{
		`s.src="https://tracker.example/t.js"`:                                                               true,
		`s.src='//tracker.example/t.js'`:                                                                     true,
		"s.src=`https://tracker.example/${id}`":                                                              true,
		`s.src="https:\/\/tracker.example\/t.js"`:                                                            true,
		`s.src="https:\x2f\x2ftracker.example\u002ft.js"`:                                                    true,
		`s.src=("https:"==location.protocol?"https://ssl":"http://www")+".google-analytics.com/ga.js"`:       true,
		`s.src=location.protocol+"//tracker.example/t.js"`:                                                   true,
		`s.src=(x?"https":"http")+"://tracker.example/t.js"`:                                                 true,
		`load("tracker.example")`:                                                                            true,
		`document.write("<script src='https://tracker.example/t.js'><\/script>")`:                            true,
		`document.write("<img src=//tracker.example/p.gif>")`:                                                true,
		`e.style.background="url(https://tracker.example/p.gif)"`:                                            true,
		`x("https://ads.example/pay/x")`:                                                                     false,
		`x("https://www.shop.example/metrics/m.js")`:                                                         true,
		`// https://tracker.example/docs`:                                                                    false,
		`/* tracker.example */ x("tracker.example.js.map")`:                                                  false,
		`x("https://nobody.test/")`:                                                                          false,
		`x("tracker")`:                                                                                       false,
		`window.dataLayer=window.dataLayer||[];function gtag(){dataLayer.push(arguments)}gtag("config","G")`: false,
		`window.fbq("track","Lead")`:                                                                         true,
		`fbqueue.push()`:                                                                                     false,
	} {
		var f finding
		if got := p.script(js, &f); got != held {
			t.Errorf("%s: held is %v, want %v", js, got, held)
		}
	}
}

// A text that fills the buffer is dealt with in parts: what is judged is left
// out, all else passes, and what follows is read on as what it is.
func TestTooLongForTheBuffer(t *testing.T) {
	const limit = 4096
	img := `<img src="https://tracker.example/p.gif">`
	held := `<img data-category="analytics" data-service="counter" data-src="https://tracker.example/p.gif">`
	long := strings.Repeat("lamps ", 3*limit/6)
	for _, tt := range []struct{ name, in, want string }{
		{"text", "<p>" + long + img, "<p>" + long + held},
		{"text that ends with a tag at the limit", "<p>" + strings.Repeat("a", limit-1) + img, "<p>" + strings.Repeat("a", limit-1) + held},
		{"a text field", "<textarea>" + long + img + "</textarea>" + img, "<textarea>" + long + img + "</textarea>" + held},
		{"a script", "<script src=a>" + long + img + "</script>" + img, `<script type="text/plain"></script>` + held},
		{"data", `<script type="application/json">` + long + img + "</script>" + img, `<script type="application/json">` + long + img + "</script>" + held},
		{"a script with a hidden end", "<script><!-- <script>" + long + "</script>" + img + "</script>" + img, `<script type="text/plain"></script>` + held},
		{"a script with a hidden end at the limit", "<script>" + strings.Repeat("a", limit-9) + "<!-- <script>" + long + "</script>" + img + "</script>" + img, `<script type="text/plain"></script>` + held},
		{"a style sheet", "<style>" + long + img + "</style>" + img, `<style type="text/plain"></style>` + held},
		{"noscript", "<noscript>" + long + img + "</noscript>" + img, "<noscript></noscript>" + held},
		{"a tag", "<p>" + `<img alt="` + long + `">` + img, "<p>"},
		{"a comment", "<p><!--" + long + "-->" + img, "<p>"},
	} {
		for _, pieces := range []int{0, 1, 1000} {
			var out bytes.Buffer
			w := newWriter(&out, shopPage(t, Nothing{}), nil)
			w.max = limit
			feed(w, tt.in, pieces)
			if got := out.String(); got != tt.want {
				t.Errorf("%s, in pieces of %d:\n got %d bytes: %.200s … %.200s\nwant %d", tt.name, pieces, len(got), got, got[max(0, len(got)-200):], len(tt.want))
			}
		}
	}
}
