package visitor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/notice"
)

// What a stranger puts before or behind our tag hides it from nobody, and what does not
// hold it is not taken for it.
func FuzzIfNoneMatch(f *testing.F) {
	const tag = `"0123456789abcdef-br"`
	for _, seed := range []string{"", "*", tag, "W/" + tag, `"a", ` + tag, `W/W/` + tag, `"` + tag, tag + tag, ",,,", "W/*", "\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		for _, with := range []string{header + ", " + tag, tag + "," + header, "W/" + tag + " ,\t" + header} {
			if !match(with, tag) {
				t.Fatalf("%q does not hold the tag", with)
			}
		}
		if match(header, tag) && !strings.Contains(header, tag) && !strings.Contains(header, "*") {
			t.Fatalf("%q is taken for the tag", header)
		}
	})
}

// spendOnce is a SpentStore in memory.
type spendOnce map[string]bool

func (s spendOnce) SpendPass(_ context.Context, digest []byte, _, _ time.Time) (bool, error) {
	first := !s[string(digest)]
	s[string(digest)] = true
	return first, nil
}

// Nothing opens but what was sealed, under the kind and site it was sealed for, until
// its end, and once where it counts once.
func FuzzPass(f *testing.F) {
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	p := NewPasses(spendOnce{}, func() time.Time { return now }, bytes.Repeat([]byte("n"), 32), bytes.Repeat([]byte("o"), 32))
	sealed, err := p.Seal(passLink, "shop", now.Add(time.Minute), []byte("note"))
	if err != nil {
		f.Fatal(err)
	}
	over, err := p.Seal(passLink, "shop", now, []byte("over"))
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{"", sealed, over, sealed + "=", sealed[:len(sealed)-1], strings.ToUpper(sealed), "AAAA", strings.Repeat("A", 2000)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, pass string) {
		note, err := p.Open(passLink, "shop", pass)
		if err == nil && string(note) != "note" || err != nil && !errors.Is(err, ErrPass) || pass == sealed && err != nil {
			t.Fatalf("%q opens: %q %v", pass, note, err)
		}
		for _, spelling := range []string{pass + "=", pass + "A", " " + pass, strings.ReplaceAll(pass, "-", "+"), strings.ToLower(pass)} {
			if _, other := p.Open(passLink, "shop", spelling); err == nil && other == nil && spelling != pass {
				t.Fatalf("%q has another spelling: %q", pass, spelling)
			}
		}
		for _, other := range [][2]string{{passHold, "shop"}, {passLink, "bakery"}, {passLink, ""}, {"", "shop"}} {
			if note, err := p.Open(other[0], other[1], pass); err == nil {
				t.Fatalf("%q opens %v: %q", pass, other, note)
			}
		}
	})
}

// A page is answered only where its origin is, letter by letter, one of the notice's.
func FuzzOrigin(f *testing.F) {
	n := &notice.Notice{Origins: []string{"https://shop.example", "http://localhost:8080"}}
	for _, seed := range []string{"", "null", "https://shop.example", "https://shop.example.", "https://shop.example:443", "HTTPS://SHOP.EXAMPLE", "https://shop.example@evil.example", "https://evil.example/https://shop.example", "https://shop.example, https://evil.example", "\x00"} {
		f.Add(seed, "cross-site", "consent.example")
	}
	f.Fuzz(func(t *testing.T, origin, site, host string) {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.Header = http.Header{"Origin": {origin}, "Sec-Fetch-Site": {site}}
		r.Host = host
		w := httptest.NewRecorder()
		err := allow(echo.New().NewContext(r, w), n)
		allowed := w.Header().Get("Access-Control-Allow-Origin")
		if known := slices.Contains(n.Origins, origin); (err == nil) != known || (allowed != "") != known || known && allowed != origin {
			t.Fatalf("%q: %v, allowed %q", origin, err, allowed)
		}
		if w.Header().Get("Vary") != "Origin" {
			t.Fatal("the answer does not vary")
		}
		// A form of ours comes from this server: the browser says so, or the origin does.
		from, err := formOrigin(r, "https://consent.example")
		if err != nil {
			return
		}
		if from.Scheme != "http" && from.Scheme != "https" || from.Host == "" {
			t.Fatalf("a form comes from %v", from)
		}
		if site != "same-origin" && (site != "" || !strings.EqualFold(from.Host, host) && !strings.EqualFold(from.Host, "consent.example")) {
			t.Fatalf("a form from %q (%q) at %q is taken for ours", origin, site, host)
		}
	})
}

// Signals count in the one spelling their standards have, and protect in doubt on any line.
func FuzzSignals(f *testing.F) {
	for _, seed := range []string{"1", "0", "", " 1", "1 ", "true", "1, 1", "11", "\t1\t", "１"} {
		f.Add(seed, "1")
	}
	f.Fuzz(func(t *testing.T, one, two string) {
		is := func(v string) bool { return strings.Trim(v, " \t") == "1" }
		r := &http.Request{Header: http.Header{"Sec-Gpc": {one, two}, "Dnt": {one}}}
		if gpcHeader(r) != (is(one) || is(two)) {
			t.Fatalf("GPC %q, %q: %v", one, two, gpcHeader(r))
		}
		if dntHeader(r) != (one == "1") {
			t.Fatalf("DNT %q: %v", one, dntHeader(r))
		}
	})
}

// A moment is accepted in the one form it is written in.
func FuzzMoment(f *testing.F) {
	for _, seed := range []string{"Sun, 31 May 2026 12:00:00 GMT", "Mon, 31 May 2026 12:00:00 GMT", "Sunday, 31-May-26 12:00:00 GMT", "Sun May 31 12:00:00 2026", "", "2026-05-31", "2026-05-31T12:00:00+02:00",
		"2026-05-31t12:00:00z", "9999-12-31T23:59:60Z", "0000-01-01", "2026-02-30", "-001-01-01", "2026-05-31T12:00:00,5Z", "2026-05-31T24:00:00Z"} {
		f.Add(seed)
	}
	zones := []*time.Location{time.UTC, time.FixedZone("", 14*3600), time.FixedZone("", -12*3600)}
	f.Fuzz(func(t *testing.T, text string) {
		if at, err := acceptDatetime([]string{text}); err == nil {
			if at.Format(http.TimeFormat) != text {
				t.Fatalf("%q is read as %v", text, at)
			}
		} else if !errors.Is(err, ErrDatetime) {
			t.Fatal(err)
		}
		for _, zone := range zones {
			w, err := parseWhen(text, zone)
			if err != nil {
				if !errors.Is(err, ErrDate) {
					t.Fatal(err)
				}
				continue
			}
			if !w.from.Before(w.end) || w.text != text || w.from.Year() < 0 || w.from.Year() > 10000 {
				t.Fatalf("%q is from %v to %v", text, w.from, w.end)
			}
			if w.day() && (w.end.Sub(w.from) < 23*time.Hour || w.end.Sub(w.from) > 25*time.Hour) {
				t.Fatalf("the day %q has %v", text, w.end.Sub(w.from))
			}
		}
	})
}

// A receipt that is handed in gives its id and no more, and costs no more than its size.
func FuzzHeldReceipt(f *testing.F) {
	part := func(name, text string) string {
		return "--b\r\nContent-Disposition: form-data; name=\"" + name + "\"; filename=\"r.json\"\r\n\r\n" + text + "\r\n"
	}
	for _, seed := range []string{part("file", `{"id":"0123"}`) + part("form", "x") + "--b--\r\n", part("file", "{"), "--b", "", "--b--", part("file", strings.Repeat("[", 5000)), strings.Repeat(part("a", "b"), 40) + "--b--\r\n"} {
		f.Add("multipart/form-data; boundary=b", seed)
	}
	f.Add("application/x-www-form-urlencoded", "receipt=0123&form=x")
	f.Add("multipart/form-data; boundary=", "--\r\n")
	f.Fuzz(func(t *testing.T, media, body string) {
		r := httptest.NewRequest(http.MethodPost, "/privacy/shop/held", strings.NewReader(body))
		r.Header.Set("Content-Type", media)
		id, err := readHeld(r)
		if err != nil {
			if !errors.Is(err, ErrForm) && !errors.Is(err, consent.ErrTooLarge) {
				t.Fatalf("%v", err)
			}
			return
		}
		if id != "" {
			quoted, _ := json.Marshal(id)
			if !strings.Contains(body, "id") || len(quoted) > 6*len(body)+2 {
				t.Fatalf("the id %q is not in %q", id, body)
			}
		}
		size := 0
		for name, values := range r.PostForm {
			size += len(values) * len(name)
			for _, v := range values {
				size += len(v)
			}
		}
		if size > 2*len(body)+64 {
			t.Fatalf("%d bytes are kept of %d", size, len(body))
		}
	})
}

// Whatever a form says, the decision is about the notice's categories and vendors,
// grants what is ticked and nothing else.
func FuzzChoicesForm(f *testing.F) {
	n := &notice.Notice{
		Categories: []notice.Category{{Key: "necessary", Like: notice.Necessary}, {Key: "analytics", Like: "analytics"}, {Key: "marketing", Like: "marketing"}},
		Vendors:    []notice.Vendor{{Key: "ga4", Category: "analytics"}, {Key: "ads", Category: "marketing"}},
	}
	for _, seed := range []string{"", "action=save&category=analytics", "action=save&category=analytics&without=ga4&of_age=16", "action=accept_all", "action=reject_all&category=analytics", "action=withdraw", "action=save&category=necessary&category=__proto__", "action=save&action=accept_all", "%zz"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		form, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		d, err := decisionOf(n, form)
		if err != nil {
			if !errors.Is(err, ErrForm) {
				t.Fatal(err)
			}
			return
		}
		if len(d.Categories) != 2 || len(d.ID) != 32 || d.Surface != consent.OnPage {
			t.Fatalf("%q decides %+v", query, d)
		}
		for _, key := range []string{"analytics", "marketing"} {
			granted, asked := d.Categories[key]
			want := d.Action == consent.AcceptAll || d.Action == consent.Save && slices.Contains(form["category"], key)
			if !asked || granted != want {
				t.Fatalf("%q: %s is %v", query, key, granted)
			}
		}
		for key, granted := range d.Vendors {
			if granted || d.Action != consent.Save || !slices.Contains(form["without"], key) {
				t.Fatalf("%q: vendor %s is %v", query, key, granted)
			}
		}
	})
}

// A whole Cookie header, tossed cookies before and behind ours included: nothing is
// believed but what was signed.
func FuzzCookieHeader(f *testing.F) {
	c := testCookies(f)
	m := sample()
	value, err := c.Encode(m)
	if err != nil {
		f.Fatal(err)
	}
	now := m.Decided.Add(time.Hour)
	for _, seed := range []string{"", "volenti=" + value, "volenti=; volenti=" + value, `volenti="` + value + `"`, "volenti", "=", ";;", "volenti=" + value + "; volenti=" + strings.ToLower(value), "a=\xff; volenti=\xfe", strings.Repeat("volenti=x; ", 200)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		r := httptest.NewRequest(http.MethodGet, "/b/shop.js", nil)
		r.Header["Cookie"] = []string{header}
		got, ok, _ := c.Read(r, m.Site, now)
		if ok && (got.Receipt != m.Receipt || got.Choices != m.Choices) {
			t.Fatalf("%q is believed: %+v", header, got)
		}
		if _, ok, _ := c.Read(r, "bakery", now); ok {
			t.Fatalf("%q is believed by another site", header)
		}
	})
}

// What a client writes as Host never writes a policy.
func FuzzPolicyHost(f *testing.F) {
	for _, seed := range []string{"", "consent.example", "consent.example:8080", "[::1]:80", "x; script-src *", "x 'unsafe-inline'", "x\r\nX: y", "*", "x,y"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, host string) {
		origin := (&CSP{}).origin(&http.Request{Host: host})
		if strings.ContainsAny(origin, " ;,'\"*\r\n\t/") {
			t.Fatalf("%q makes the source %q", host, origin)
		}
	})
}
