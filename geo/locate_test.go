package geo

import (
	"net/netip"
	"testing"
)

func TestLocate(t *testing.T) {
	d, err := OpenBytes(fixture(t, "GeoLite2-City", 1, map[string]m{
		"8.8.8.0/24":      cityOf("US", "TX"),
		"5.5.5.0/24":      cityOf("DE", "BE"),
		"192.88.100.0/24": cityOf("??"),
		// A database that knows what it can't know.
		"10.0.0.0/8":      cityOf("US", "TX"),
		"100.64.0.0/10":   cityOf("US", "TX"),
		"127.0.0.0/8":     cityOf("US", "TX"),
		"192.0.2.0/24":    cityOf("US", "TX"),
		"2001:db8::/32":   cityOf("US", "TX"),
		"fd00::/8":        cityOf("US", "TX"),
		"104.16.0.0/13":   cityOf("US", "TX"), // the edge's own addresses
		"2606:4700::/32":  cityOf("US", "TX"),
		"2a00:1450::/29":  cityOf("IE", "L"),
		"169.254.0.0/16":  cityOf("US", "TX"),
		"203.0.113.0/24":  cityOf("US", "TX"),
		"198.51.100.0/24": cityOf("US", "TX"),
	}))
	if err != nil {
		t.Fatal(err)
	}
	const edge = "104.16.0.9"
	trusted := trusting(t, "104.16.0.0/13", "2606:4700::/32")
	both := &Finder{Trusted: trusted, Edge: edgeOf("cloudflare"), Database: d}
	base := &Finder{Trusted: trusted, Database: d}
	tests := []struct {
		name         string
		f            *Finder
		client, peer string
		header       []string
		want         string
		source       Source
	}{
		{"nothing configured", &Finder{}, "8.8.8.8", "8.8.8.8", []string{"CF-IPCountry: US"}, "", FromNothing},
		{"database", base, "8.8.8.8", "8.8.8.8", nil, "US-TX", FromDatabase},
		{"mapped address", base, "::ffff:5.5.5.5", "8.8.8.8", nil, "DE-BE", FromDatabase},
		{"no data", base, "9.9.9.9", "9.9.9.9", nil, "", FromNothing},
		{"pseudo-code", base, "192.88.100.1", "9.9.9.9", nil, "", FromNothing},
		{"private", base, "10.1.1.1", "10.1.1.1", nil, "", FromNothing},
		{"carrier-grade NAT", base, "100.64.1.1", "100.64.1.1", nil, "", FromNothing},
		{"loopback", base, "127.0.0.1", "127.0.0.1", nil, "", FromNothing},
		{"documentation", base, "192.0.2.1", "192.0.2.1", nil, "", FromNothing},
		{"documentation, IPv6", base, "2001:db8::1", "2001:db8::1", nil, "", FromNothing},
		{"unique local", base, "fd00::1", "fd00::1", nil, "", FromNothing},
		{"mapped private", base, "::ffff:10.1.1.1", "10.1.1.1", nil, "", FromNothing},
		{"the edge itself, for want of a client", base, edge, edge, nil, "", FromNothing},
		{"the edge itself, IPv6", base, "2606:4700::1", "2606:4700::1", nil, "", FromNothing},

		{"edge", both, edge, edge, []string{"CF-IPCountry: FR"}, "FR", FromHeader},
		{"edge before database", both, "8.8.8.8", edge, []string{"CF-IPCountry: FR", "cf-region-code: IDF"}, "FR-IDF", FromHeader},
		{"edge over a mapped peer", both, "8.8.8.8", "::ffff:" + edge, []string{"CF-IPCountry: FR"}, "FR", FromHeader},
		{"edge knows nothing: the database is not asked", both, "8.8.8.8", edge, []string{"CF-IPCountry: XX"}, "", FromNothing},
		{"Tor: the exit's country is not asked", both, "8.8.8.8", edge, []string{"CF-IPCountry: T1"}, "", FromNothing},
		{"edge silent: the database is", both, "8.8.8.8", edge, nil, "US-TX", FromDatabase},
		{"spoofed from elsewhere", both, "5.5.5.5", "5.5.5.5", []string{"CF-IPCountry: US", "cf-region-code: TX"}, "DE-BE", FromDatabase},
	}
	for _, test := range tests {
		got, source := test.f.Locate(addr(t, test.client), addr(t, test.peer), headerOf(test.header...))
		if got.String() != test.want || source != test.source {
			t.Errorf("%s: Locate = %q, %s; want %q, %s", test.name, got, source, test.want, test.source)
		}
	}
	if got, source := both.Locate(netip.Addr{}, netip.Addr{}, headerOf("CF-IPCountry: US")); got != (Region{}) || source != FromNothing {
		t.Errorf("a request without addresses: %v, %s", got, source)
	}
}

// Every preset's headers, sent by a peer that is not the edge, change nothing.
func TestSpoofedHeaders(t *testing.T) {
	d, err := OpenBytes(fixture(t, "GeoLite2-Country", 1, map[string]m{"5.5.5.0/24": countryOf("DE")}))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range Presets() {
		for _, trusted := range []Prefixes{nil, trusting(t, "104.16.0.0/13", "loopback", "private")} {
			f := &Finder{Trusted: trusted, Edge: edgeOf(name), Database: d}
			got, source := f.Locate(addr(t, "5.5.5.5"), addr(t, "5.5.5.5"), headerOf(spoofs[name]...))
			if got.String() != "DE" || source != FromDatabase {
				t.Errorf("%s: spoofed headers give %q, %s; want DE of the database", name, got, source)
			}
			f.Database = nil
			if got, source := f.Locate(addr(t, "5.5.5.5"), addr(t, "5.5.5.5"), headerOf(spoofs[name]...)); got != (Region{}) || source != FromNothing {
				t.Errorf("%s: spoofed headers give %q, %s without a database", name, got, source)
			}
		}
	}
}

// One request's way: extractor, then finder.
func TestClientThenLocate(t *testing.T) {
	d, err := OpenBytes(fixture(t, "GeoLite2-Country", 1, map[string]m{
		"6.6.6.0/24": countryOf("US"), "5.5.5.0/24": countryOf("DE"), "35.191.0.0/16": countryOf("US"),
	}))
	if err != nil {
		t.Fatal(err)
	}
	trusted := trusting(t, "35.191.0.0/16")
	e := Extractor{Trusted: trusted, Header: "x-forwarded-for"}
	f := &Finder{Trusted: trusted, Database: d}
	for header, want := range map[string]string{
		"6.6.6.6, 5.5.5.5":            "DE",
		"6.6.6.6, 5.5.5.5, 35.191.9.": "", // the load balancer's country would be laxer
		"6.6.6.6, unknown":            "",
		"6.6.6.6, 192.168.1.1":        "",
	} {
		peer := addr(t, "35.191.0.5")
		h := headerOf("X-Forwarded-For: " + header)
		if got, _ := f.Locate(e.Client(peer, h), peer, h); got.String() != want {
			t.Errorf("%q is located in %q, want %q", header, got, want)
		}
	}
}

func TestRegionString(t *testing.T) {
	for want, r := range map[string]Region{"": {}, "DE": {Country: "DE"}, "US-CA": {"US", "CA"}} {
		if r.String() != want {
			t.Errorf("%#v is %q, want %q", r, r.String(), want)
		}
	}
	if got := (Region{Subdivision: "CA"}).String(); got != "" {
		t.Errorf("a subdivision without a country is %q", got)
	}
}

func TestParseRegion(t *testing.T) {
	for text, want := range map[string]Region{
		"DE": {Country: "DE"}, "US-CA": {"US", "CA"}, "us-ca": {"US", "CA"}, "FR-974": {"FR", "974"}, "EU": {Country: "EU"},
	} {
		if got, ok := ParseRegion(text); !ok || got != want {
			t.Errorf("ParseRegion(%q) = %v, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "-", "US-", "-CA", "USA", "US-CALI", "US-C!", "US CA", "XX", "T1", "ZZ-CA", "US-CA-1", "ſs"} {
		if got, ok := ParseRegion(text); ok {
			t.Errorf("ParseRegion(%q) = %v", text, got)
		}
	}
}
