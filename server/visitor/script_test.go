package visitor

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/regime"
)

func TestNegotiate(t *testing.T) {
	for accept, want := range map[string]string{
		"":                                    "identity",
		"gzip, deflate, br, zstd":             "br",
		"gzip, deflate, zstd":                 "zstd",
		"gzip;q=1.0, identity; q=0.5":         "gzip",
		"br;q=0, gzip":                        "gzip",
		"br;q=0.000,gzip;q=0":                 "identity",
		"BR":                                  "br",
		"br ; q=0.1":                          "br",
		"brotli, *":                           "identity",
		strings.Repeat("x,", 10_000) + "gzip": "gzip",
	} {
		if got := negotiate(accept); got != want {
			t.Errorf("%.40q: %s, want %s", accept, got, want)
		}
	}
}

func TestOnlyTheExactSignalCounts(t *testing.T) {
	for _, tt := range []struct {
		values []string
		want   bool
	}{{nil, false}, {[]string{"1"}, true}, {[]string{"0"}, false}, {[]string{"true"}, false}, {[]string{"11"}, false}, {[]string{"1, 1"}, false}, {[]string{"0", "1"}, true},
		{[]string{"1, 0"}, false}, {[]string{"0, 1"}, false}, {[]string{" 1"}, true}, {[]string{"\u00a01"}, false}, {[]string{"1;q=1"}, false}, {[]string{"\"1\""}, false}, {[]string{"?1"}, false},
		{[]string{""}, false}, {[]string{"1.0"}, false}, {[]string{"true", "1", "0"}, true}} {
		r := &http.Request{Header: http.Header{"Sec-Gpc": tt.values}}
		if got := gpcHeader(r); got != tt.want {
			t.Errorf("%q: %v", tt.values, got)
		}
	}
}

// A page must be able to evaluate the boot; the server writes it by hand.
func TestBootIsWhatTheWireSays(t *testing.T) {
	b := boot{token: "1.demo.x.eu.DE.d.1.abc", models: "-iio", from: 600, gpc: true, dnt: true, link: true,
		binding: true, reask: 12, change: 300, decided: true, memory: Memory{Receipt: "0f", Decided: time.Unix(100, 0), Told: time.Unix(150, 0), Signal: true},
		carried: carried{choices: "1010.--1", more: true, ends: time.Unix(200, 0), rests: time.Unix(400, 0)}}
	text := string(b.append(nil))
	inner, ok := strings.CutPrefix(strings.TrimSuffix(text, ");\n"), "(")
	if !ok {
		t.Fatalf("%q is no argument list", text)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(inner), &got); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{"t": b.token, "m": "-iio", "n": 600.0, "g": 1.0, "d": 1.0, "l": 1.0, "c": "1010.--1", "a": 100.0, "u": 200.0, "s": 1.0,
		"b": 1.0, "r": 12.0, "h": 300.0, "w": 400.0, "k": 150.0, "f": 1.0, "i": "0f"} {
		if got[key] != want {
			t.Errorf("%s is %v, want %v", key, got[key], want)
		}
	}
	if _, there := got["x"]; there {
		t.Error("x is there though the cookie was good")
	}
	undecided := boot{token: "t", models: "-", void: 1795286400}
	if s := string(undecided.append(nil)); strings.Contains(s, `"c"`) || !strings.Contains(s, `,"x":1795286400}`) || strings.Contains(s, `"h"`) || strings.Contains(s, `"r"`) {
		t.Errorf("undecided: %s", s)
	}
}

func TestSurfaceIsTheStrictestOfItsModels(t *testing.T) {
	for models, want := range map[string]notice.Surface{"-nnn": notice.AskNotice, "-noo": notice.AskOptOut, "-noi": notice.AskOptIn, "-iii": notice.AskOptIn, "": notice.AskNotice} {
		if got := surfaceOf(models); got != want {
			t.Errorf("%s: %s, want %s", models, got, want)
		}
	}
	if letter("") != 'i' || letter("whatever") != 'i' || letter(regime.Notice) != 'n' {
		t.Error("a model that is not understood must be opt-in")
	}
}

// A journey makes no consent of what was on by another law.
func TestWhatWasImpliedIsOpenWhereTheLawAsksFirst(t *testing.T) {
	for _, tt := range []struct{ models, choices, want string }{
		{"-ii", "110.--0-", "1_0.--0-"}, {"-oo", "110.--0-", "110.--0-"}, {"-io", "111.----", "1_1.----"}, {"-ii", "100.--1-", "100.--_-"}, {"-io", "100.--1-", "100.--1-"},
	} {
		c := carried{choices: tt.choices}
		if c.admit(testNotice(), tt.models, true); c.choices != tt.want {
			t.Errorf("%s under %s is %s, want %s", tt.choices, tt.models, c.choices, tt.want)
		}
		c = carried{choices: tt.choices}
		if c.admit(testNotice(), tt.models, false); c.choices != tt.choices {
			t.Errorf("%s, said and meant, became %s", tt.choices, c.choices)
		}
	}
}

func TestUnansweredIsAskedAgain(t *testing.T) {
	for _, tt := range []struct {
		models, choices string
		want            bool
	}{
		{"-ii", "1--.--1-", true}, {"-ii", "1_0.----", true}, {"-ii", "100.----", false}, {"-io", "10-.----", false}, {"-io", "10_.----", false}, {"-oo", "1--.----", false},
		{"-ii", "111.---_", true}, {"-io", "111.---_", false}, {"-oo", "111.---_", false}, {"-oi", "110.-_--", false}, {"-io", "110.-_--", true},
	} {
		c := carried{choices: tt.choices}
		if got := c.unanswered(testNotice(), tt.models); got != tt.want {
			t.Errorf("unanswered(%s, %s) = %v", tt.models, tt.choices, got)
		}
	}
}

func testNotice() *notice.Notice {
	return &notice.Notice{
		Site:       "demo",
		Categories: []notice.Category{{Key: "necessary", Like: "necessary"}, {Key: "analytics", Like: "analytics"}, {Key: "marketing", Like: "marketing"}},
		Vendors:    []notice.Vendor{{Key: "shop", Category: "necessary"}, {Key: "ga4", Category: "analytics"}, {Key: "meta", Category: "marketing"}, {Key: "ads", Category: "marketing"}},
	}
}

func TestChoicesGoShortAndLongAndBack(t *testing.T) {
	n := testNotice()
	core := consent.Core{
		Action:     consent.Save,
		Categories: map[string]consent.Choice{"analytics": consent.Granted, "marketing": consent.Refused},
		Vendors:    map[string]consent.Choice{"ga4": consent.Granted, "meta": consent.Granted, "ads": consent.Refused},
		Models:     map[string]regime.Model{"analytics": regime.OptIn, "marketing": regime.OptIn},
	}
	short := choicesOf(n, core)
	if short != "110.--1-" {
		t.Errorf("short form %q", short)
	}
	long, err := lengthen(n, short)
	if err != nil || long != "110.1110" {
		t.Errorf("long form %q, %v", long, err)
	}
	if got, err := lengthen(n, "110.--1"); err != nil || got != long {
		t.Errorf("cut at the end: %q, %v", got, err)
	}
	core.Vendors["ads"] = consent.NotAsked
	core.Categories["marketing"] = consent.Granted
	if short := choicesOf(n, core); short != "111.---_" {
		t.Errorf("with a vendor that is open: %q", short)
	}
	core.Categories["marketing"], core.Vendors = consent.NotAsked, map[string]consent.Choice{"ga4": consent.Granted, "meta": consent.Granted, "ads": consent.NotAsked}
	if short := choicesOf(n, core); short != "11_.--1-" {
		t.Errorf("with a category that is open: %q", short)
	}
	core.Categories["marketing"], core.Vendors["ads"] = consent.Refused, consent.Refused
	core.Models["analytics"] = regime.OptOut
	if short := choicesOf(n, core); short != "1-0.--1-" {
		t.Errorf("a grant that was not asked for became %q", short)
	}
	core.Signals.GPC = true
	if short := choicesOf(n, core); short != "110.--1-" {
		t.Errorf("a grant made against a signal became %q", short)
	}
	for _, bad := range []string{"", "11.", "1100.", "010.", "110.---------", "11x.", "110.--y"} {
		if got, err := lengthen(n, bad); err == nil {
			t.Errorf("%q became %q", bad, got)
		}
	}
}

func TestHost(t *testing.T) {
	for _, tt := range []struct{ public, host, want string }{
		{"", "Consent.Example.com", "consent.example.com"},
		{"", "consent.example.com:8443", "consent.example.com"},
		{"", "[2001:db8::1]:8443", "2001:db8::1"},
		{"", "[2001:db8::1]", "2001:db8::1"},
		{"https://Consent.example.com:8443", "127.0.0.1:8080", "consent.example.com"},
	} {
		if got := (&Decisions{PublicURL: tt.public}).host(&http.Request{Host: tt.host}); got != tt.want {
			t.Errorf("public URL %q, host %q: %q, want %q", tt.public, tt.host, got, tt.want)
		}
	}
}

func TestCookieDomain(t *testing.T) {
	for _, tt := range []struct {
		server, page, domain string
		first                bool
	}{
		{"example.com", "example.com", "", true},
		{"consent.example.com", "www.example.com", "example.com", true},
		{"consent.example.com", "example.com", "example.com", true},
		{"example.com", "www.example.com", "example.com", true},
		{"consent.shop.example.co.uk", "www.shop.example.co.uk", "shop.example.co.uk", true},
		{"consent.example.co.uk", "other.co.uk", "", false},
		{"a.github.io", "b.github.io", "", false},
		{"notexample.com", "example.com", "", false},
		{"consent.cmp.net", "shop.example", "", false},
		{"127.0.0.1", "localhost", "", false},
		{"127.0.0.1", "127.0.0.1", "", true},
		{"192.0.2.1", "198.51.2.1", "", false},
		{"2001:db8::1", "2001:db8::2", "", false},
		{"consent.0.example", "www.0.example", "0.example", true},
		{"", "example.com", "", false},
	} {
		domain, first := cookieDomain(tt.server, tt.page)
		if domain != tt.domain || first != tt.first {
			t.Errorf("%s for %s: %q %v, want %q %v", tt.server, tt.page, domain, first, tt.domain, tt.first)
		}
	}
}
