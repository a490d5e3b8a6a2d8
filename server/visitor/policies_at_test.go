package visitor

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
)

func TestAt(t *testing.T) {
	ps := newPolicySite(t) // versions from 1 March, 1 May, 1 July 2026, in Vienna
	ps.now = at(t, "2026-06-01").Add(10 * time.Hour)
	for _, tt := range []struct {
		date, version string
		says          string // of the page it leads to
	}{
		{"2026-03-01", "1", "You asked about 1 March 2026: this version was in force."},
		{"2026-04-30", "1", "You asked about 30 April 2026: this version was in force."},
		{"2026-05-01", "2", "Sie haben nach 1. Mai 2026 gefragt: Diese Fassung war in Kraft."},
		{"2026-06-01", "2", "Sie haben nach 1. Juni 2026 gefragt: Diese Fassung war in Kraft."},
		{"2026-06-30", "2", "wird diese Fassung in Kraft sein"},
		{"2026-07-01", "3", "سألت عن 1 يوليو 2026: وفق المنشور اليوم سيكون هذا الإصدار ساريًا."},
		{"9999-12-31", "3", "سيكون هذا الإصدار ساريًا"},
		{"2026-04-30T21:59:59Z", "1", "You asked about 30 April 2026, 23:59 CEST: this version was in force."},
		{"2026-04-30T22:00:00Z", "2", "Sie haben nach 1. Mai 2026, 00:00 CEST gefragt"},
		{"2026-05-01T00:00:00+02:00", "2", "in Kraft"},
		{"2026-05-01T00:00:00%2B02:00", "2", "in Kraft"},
		{"2026-05-01t00%3A00%3A00.000%2b02%3A00", "2", "in Kraft"},
		{"2026-04-30T23:59:59.999+02:00", "1", "was in force"},
	} {
		w := ps.get("/policies/shop/privacy/at/" + tt.date)
		to := w.Header().Get("Location")
		if w.Code != http.StatusFound || !strings.HasPrefix(to, "../../../../policies/shop/privacy/versions/"+tt.version+"?at=") {
			t.Errorf("%s: %d to %q, want version %s (%v)", tt.date, w.Code, to, tt.version, ps.err)
			continue
		}
		if !strings.Contains(w.Body.String(), "version "+tt.version) || w.Header().Get("Cache-Control") != "public, max-age=60" {
			t.Errorf("%s: %q, %v", tt.date, w.Body, w.Header())
		}
		page := ps.get(strings.TrimPrefix(to, "../../../.."))
		if text := shown(t, page.Body.String()); !strings.Contains(text, tt.says) {
			t.Errorf("%s: the page does not say %q: %s", tt.date, tt.says, text)
		}
		if links := strings.Join(page.Header().Values("Link"), " "); strings.Contains(links, "at=") {
			t.Errorf("%s: the question is part of the address: %s", tt.date, links)
		}
	}
	for _, wrong := range []string{"2026-13-01", "2026-02-29", "20260501", "yesterday", "2026-05-01T00:00", "2026-05-01 00:00", "0000-01-01", "%00", "2026-05-01T24:00:00Z", "１2026-05-01"} {
		if ps.get("/policies/shop/privacy/at/" + strings.ReplaceAll(wrong, " ", "%20")); !errors.Is(ps.err, ErrDate) {
			t.Errorf("%s: %v", wrong, ps.err)
		}
	}
	for _, early := range []string{"2026-02-28", "2026-02-28T22:59:59Z", "0001-01-01"} {
		ps.get("/policies/shop/privacy/at/" + early)
		if !errors.Is(ps.err, ErrNotInForce) || !strings.Contains(ps.err.Error(), "1 March 2026") || !strings.Contains(ps.err.Error(), "/policies/shop/privacy/versions/1") {
			t.Errorf("%s, before the first version: %v", early, ps.err)
		}
	}
	// A question that another version answers is not answered by this one.
	if text := shown(t, ps.get("/policies/shop/privacy/versions/1?at=2026-06-01").Body.String()); strings.Contains(text, "You asked") {
		t.Errorf("version 1 answers for 1 June: %s", text)
	}
	if to := ps.get("/policies/shop/privacy/at/2026-05-01.json").Header().Get("Location"); to != "../../../../policies/shop/privacy/versions/2.json?at=2026-05-01" {
		t.Errorf("as JSON: %q", to)
	}
}

// A version that is published at noon was in force that day; the page says what was
// in force in the morning. Today counts as it is now.
func TestAtADayOnWhichItChanged(t *testing.T) {
	ps := newPolicySite(t)
	noon := at(t, "2026-05-20").Add(14 * time.Hour)
	ps.versions[1].Effective = noon
	ps.now = at(t, "2026-06-01")
	if to := ps.get("/policies/shop/privacy/at/2026-05-20").Header().Get("Location"); !strings.HasSuffix(to, "/versions/2?at=2026-05-20") {
		t.Errorf("that day: %q", to)
	}
	text := shown(t, ps.get("/policies/shop/privacy/versions/2?at=2026-05-20").Body.String())
	if !strings.Contains(text, "Bis 20. Mai 2026, 14:00 CEST war Fassung 1 in Kraft.") {
		t.Errorf("it does not say what was in force in the morning: %s", text)
	}
	ps.now = noon.Add(-time.Minute)
	if to := ps.get("/policies/shop/privacy/at/2026-05-20").Header().Get("Location"); !strings.HasSuffix(to, "/versions/1?at=2026-05-20") {
		t.Errorf("in the morning of that day: %q", to)
	}
	// No answer outlives the change.
	for _, path := range []string{"", "/at/2026-05-20", "/versions", "/versions/1", "/timegate", "/timemap", "/feed.atom"} {
		ps.now = noon.Add(-20500 * time.Millisecond)
		if got := ps.get("/policies/shop/privacy" + path).Header().Get("Cache-Control"); got != "public, max-age=20" {
			t.Errorf("%s: %q twenty seconds before the next version", path, got)
		}
	}
}

func TestStartOfADay(t *testing.T) {
	for _, tt := range []struct{ zone, day, want string }{
		{"UTC", "2024-02-29", "2024-02-29T00:00:00Z"},
		{"Europe/Vienna", "2026-03-29", "2026-03-29T00:00:00+01:00"},  // clocks go forward at two
		{"Europe/Vienna", "2026-03-30", "2026-03-30T00:00:00+02:00"},  // and stay there
		{"Asia/Beirut", "2024-03-31", "2024-03-31T01:00:00+03:00"},    // there was no midnight
		{"America/Havana", "2024-11-03", "2024-11-03T00:00:00-04:00"}, // midnight came twice
		{"Pacific/Apia", "2011-12-30", "2011-12-31T00:00:00+14:00"},   // a day that was left out
		{"Pacific/Apia", "2011-12-31", "2011-12-31T00:00:00+14:00"},
		{"UTC", "9999-12-31", "9999-12-31T00:00:00Z"}, // the last that can be written
	} {
		loc, err := time.LoadLocation(tt.zone)
		if err != nil {
			t.Fatal(err)
		}
		w, err := parseWhen(tt.day, loc)
		if got := w.from.In(loc).Format(time.RFC3339); err != nil || got != tt.want || w.end.Before(w.from) {
			t.Errorf("%s in %s begins at %s, want %s: %v", tt.day, tt.zone, got, tt.want, err)
		}
	}
}

func TestFormsLeadToAddresses(t *testing.T) {
	ps := newPolicySite(t)
	for query, want := range map[string]string{
		"/at?date=2026-05-01":       "../../../policies/shop/privacy/at/2026-05-01",
		"/at?date=+2026-05-01+":     "../../../policies/shop/privacy/at/2026-05-01",
		"/diff?from=1&to=3":         "../../../policies/shop/privacy/diff/1..3",
		"/diff?from=3&to=1":         "../../../policies/shop/privacy/diff/3..1",
		"/diff?from=3&to=1&lang=de": "../../../policies/shop/privacy/diff/3..1?lang=de",
	} {
		if w := ps.get("/policies/shop/privacy" + query); w.Code != http.StatusFound || w.Header().Get("Location") != want {
			t.Errorf("%s: %d to %q, want %q", query, w.Code, w.Header().Get("Location"), want)
		}
	}
	for query, want := range map[string]error{
		"/at": ErrDate, "/at?date=": ErrDate, "/at?date=https://evil.example": ErrDate, "/diff": ErrPair, "/diff?from=1": ErrPair,
		"/diff?from=1&to=9": policyversions.ErrUnknownVersion, "/diff?from=//evil.example&to=1": policyversions.ErrUnknownVersion,
	} {
		if ps.get("/policies/shop/privacy" + query); !errors.Is(ps.err, want) {
			t.Errorf("%s: %v, want %v", query, ps.err, want)
		}
	}
}
