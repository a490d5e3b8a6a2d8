package geo

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
)

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// spoofs are what a client would send to each edge's origin to be an American.
var spoofs = map[string][]string{
	"cloudflare": {"CF-IPCountry: US", "cf-region-code: TX"},
	"cloudfront": {"CloudFront-Viewer-Country: US", "CloudFront-Viewer-Country-Region: TX"},
	"fastly":     {"Client-Geo-Country: US", "Client-Geo-Region: TX"},
	"akamai":     {"X-Akamai-Edgescape: georegion=246,country_code=US,region_code=TX,city=AUSTIN"},
	"google":     {"X-Client-Region: US", "X-Client-Region-Subdivision: USTX"},
	"appengine":  {"X-Appengine-Country: US", "X-Appengine-Region: tx"},
	"vercel":     {"X-Vercel-IP-Country: US", "X-Vercel-IP-Country-Region: TX"},
	"netlify":    {"X-Nf-Geo: " + b64(`{"country":{"code":"US"},"subdivision":{"code":"TX"}}`), "X-Country: US"},
	"generic":    {"X-Geo: US", "X-Geo-Region: US-TX"},
}

func edgeOf(name string) *Edge {
	e := &Edge{Preset: name}
	if name == "generic" {
		e.CountryHeader, e.RegionHeader, e.RegionFormat = "X-Geo", "X-Geo-Region", "cc-code"
	}
	return e
}

func TestEdges(t *testing.T) {
	for _, name := range Presets() {
		if err := edgeOf(name).Validate(); err != nil {
			t.Error(err)
		}
		got, answered := edgeOf(name).Region(headerOf(spoofs[name]...))
		if got != (Region{"US", "TX"}) || !answered {
			t.Errorf("%s: Region = %v, %v; want US-TX", name, got, answered)
		}
		// Only its own headers are read.
		var others []string
		for other, lines := range spoofs {
			if other != name {
				others = append(others, lines...)
			}
		}
		if got, answered := edgeOf(name).Region(headerOf(others...)); got != (Region{}) || answered {
			t.Errorf("%s: the headers of other edges give %v, %v", name, got, answered)
		}
		// A copy that the client sent and the edge let through.
		twice := append([]string{spoofs[name][0]}, spoofs[name]...)
		if got, answered := edgeOf(name).Region(headerOf(twice...)); got != (Region{}) || !answered {
			t.Errorf("%s: a header sent twice gives %v, %v; want the unknown region", name, got, answered)
		}
	}
}

func TestEdgeValues(t *testing.T) {
	generic := func(format string, unknown ...string) *Edge {
		return &Edge{Preset: "generic", CountryHeader: "X-C", RegionHeader: "X-R", RegionFormat: format, UnknownValues: unknown}
	}
	tests := []struct {
		name   string
		edge   *Edge
		header []string
		want   string
		silent bool
	}{
		{"cloudflare, country only", edgeOf("cloudflare"), []string{"CF-IPCountry: DE"}, "DE", false},
		{"cloudflare, unknown", edgeOf("cloudflare"), []string{"CF-IPCountry: XX"}, "", false},
		{"cloudflare, Tor", edgeOf("cloudflare"), []string{"CF-IPCountry: T1", "cf-region-code: CA"}, "", false},
		{"cloudflare, switched off", edgeOf("cloudflare"), []string{"cf-region-code: CA"}, "", true},
		{"cloudflare, empty", edgeOf("cloudflare"), []string{"CF-IPCountry: "}, "", false},
		{"cloudflare, a name", edgeOf("cloudflare"), []string{"CF-IPCountry: Germany"}, "", false},
		{"cloudflare, two in one", edgeOf("cloudflare"), []string{"CF-IPCountry: US, DE"}, "", false},
		{"cloudflare, region twice", edgeOf("cloudflare"), []string{"CF-IPCountry: US", "cf-region-code: TX", "cf-region-code: CA"}, "US", false},
		{"cloudflare, region too long", edgeOf("cloudflare"), []string{"CF-IPCountry: US", "cf-region-code: TEXAS"}, "US", false},
		{"cloudflare, numbered region", edgeOf("cloudflare"), []string{"CF-IPCountry: FR", "cf-region-code: 974"}, "FR-974", false},
		{"cloudflare, not letters", edgeOf("cloudflare"), []string{"CF-IPCountry: ÄÖ"}, "", false},
		{"cloudflare, letters that only look upper-case", edgeOf("cloudflare"), []string{"CF-IPCountry: uſ"}, "", false},
		{"cloudflare, the same in a region", edgeOf("cloudflare"), []string{"CF-IPCountry: US", "cf-region-code: ſC"}, "US", false},
		{"cloudfront, spaces", edgeOf("cloudfront"), []string{"CloudFront-Viewer-Country:  DE "}, "DE", false},
		{"fastly, absent data", edgeOf("fastly"), []string{"Client-Geo-Country: ?", "Client-Geo-Region: ?"}, "", false},
		{"fastly, renamed", &Edge{Preset: "fastly", CountryHeader: "X-Geo-Country"}, []string{"X-Geo-Country: FR", "Client-Geo-Country: US"}, "FR", false},
		{"akamai, reserved", edgeOf("akamai"), []string{"X-Akamai-Edgescape: georegion=1,country_code=reserved,region_code=reserved"}, "", false},
		{"akamai, no region", edgeOf("akamai"), []string{"X-Akamai-Edgescape: georegion=1, country_code=DE, city=BERLIN"}, "DE", false},
		{"akamai, country twice", edgeOf("akamai"), []string{"X-Akamai-Edgescape: country_code=DE,country_code=US"}, "", false},
		{"akamai, a value with =", edgeOf("akamai"), []string{"X-Akamai-Edgescape: city=country_code=US,country_code=DE"}, "DE", false},
		{"akamai, junk", edgeOf("akamai"), []string{"X-Akamai-Edgescape: ,,=,country_code"}, "", false},
		{"google, Ontario", edgeOf("google"), []string{"X-Client-Region: CA", "X-Client-Region-Subdivision: CAON"}, "CA-ON", false},
		{"google, of another country", edgeOf("google"), []string{"X-Client-Region: DE", "X-Client-Region-Subdivision: USTX"}, "DE", false},
		{"google, country alone as subdivision", edgeOf("google"), []string{"X-Client-Region: US", "X-Client-Region-Subdivision: US"}, "US", false},
		{"appengine, unknown", edgeOf("appengine"), []string{"X-Appengine-Country: ZZ"}, "", false},
		{"netlify, country only", edgeOf("netlify"), []string{"X-Nf-Geo: " + b64(`{"city":"x","country":{"code":"DE","name":"Germany"}}`)}, "DE", false},
		{"netlify, x-country only", edgeOf("netlify"), []string{"X-Country: FR"}, "FR", false},
		{"netlify, not padded", edgeOf("netlify"), []string{"X-Nf-Geo: " + strings.TrimRight(b64(`{"country":{"code":"DE"} }`), "=")}, "DE", false},
		{"netlify, not base64", edgeOf("netlify"), []string{"X-Nf-Geo: {}", "X-Country: US"}, "", false},
		{"netlify, not JSON", edgeOf("netlify"), []string{"X-Nf-Geo: " + b64("US"), "X-Country: US"}, "", false},
		{"netlify, too long", edgeOf("netlify"), []string{"X-Nf-Geo: " + b64(`{"country":{"code":"US"},"x":"`+strings.Repeat("x", netlifyLimit)+`"}`)}, "", false},
		{"generic, code", generic("code"), []string{"X-C: us", "X-R: tx"}, "US-TX", false},
		{"generic, cc-code", generic("cc-code"), []string{"X-C: US", "X-R: US-TX"}, "US-TX", false},
		{"generic, cc-code in lower case", generic("cc-code"), []string{"X-C: US", "X-R: us-tx"}, "US-TX", false},
		{"generic, cc-code of another country", generic("cc-code"), []string{"X-C: DE", "X-R: US-TX"}, "DE", false},
		{"generic, CCcode", generic("CCcode"), []string{"X-C: US", "X-R: USTX"}, "US-TX", false},
		{"generic, cc-code where code is configured", generic("code"), []string{"X-C: US", "X-R: US-TX"}, "US", false},
		{"generic, no format", generic(""), []string{"X-C: US", "X-R: TX"}, "US-TX", false},
		{"generic, unknown value", generic("code", "AQ", "none"), []string{"X-C: AQ", "X-R: TX"}, "", false},
		{"generic, unknown subdivision", generic("code", "NA"), []string{"X-C: US", "X-R: NA"}, "US", false},
		{"generic, country only", &Edge{Preset: "generic", CountryHeader: "X-C"}, []string{"X-C: US", "X-R: TX"}, "US", false},
		{"no preset", &Edge{}, []string{"CF-IPCountry: US"}, "", false},
	}
	for _, test := range tests {
		got, answered := test.edge.Region(headerOf(test.header...))
		if got.String() != test.want || answered == test.silent {
			t.Errorf("%s: Region = %q, answered %v; want %q, %v", test.name, got, answered, test.want, !test.silent)
		}
	}
}

func TestEdgeValidate(t *testing.T) {
	for _, test := range []struct {
		edge Edge
		want string
	}{
		{Edge{Preset: "cloudflare"}, ""},
		{Edge{Preset: "google", CountryHeader: "X-A", RegionHeader: "X-B"}, ""},
		{Edge{Preset: "generic", CountryHeader: "X-A", UnknownValues: []string{"--"}}, ""},
		{Edge{}, "choose one of akamai, appengine"},
		{Edge{Preset: "Cloudflare"}, "choose one of"},
		{Edge{Preset: "cloudflare", CountryHeader: "X-A"}, "choose generic"},
		{Edge{Preset: "vercel", RegionFormat: "code"}, "choose generic"},
		{Edge{Preset: "generic"}, "country_header"},
		{Edge{Preset: "generic", CountryHeader: "X-A", RegionFormat: "CC-code"}, "code, cc-code, CCcode, lower"},
	} {
		err := test.edge.Validate()
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("Validate(%+v) = %v, want %q", test.edge, err, test.want)
		}
	}
}

// wellFormed is what every Region must be, whoever wrote it.
func wellFormed(r Region) bool {
	if r.Country == "" {
		return r.Subdivision == ""
	}
	if len(r.Country) != 2 || len(r.Subdivision) > 3 {
		return false
	}
	for _, c := range r.Country + r.Subdivision {
		if (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return false
		}
	}
	return r.Country[0] > '9' && r.Country[1] > '9'
}

func FuzzEdgescape(f *testing.F) {
	for _, seed := range []string{"", "country_code=US,region_code=CA", "georegion=1,country_code=reserved", ",=,==", "country_code=ſſ", "region_code=CA", "country_code=\x00\x01"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if got, _ := edgeOf("akamai").Region(http.Header{"X-Akamai-Edgescape": {value}}); !wellFormed(got) {
			t.Errorf("%q gives %q", value, got)
		}
		// Whatever else is in the list, a second country makes it unreadable.
		if got, _ := edgeOf("akamai").Region(http.Header{"X-Akamai-Edgescape": {"country_code=DE," + value + ",country_code=US"}}); got != (Region{}) {
			t.Errorf("%q between two countries gives %q", value, got)
		}
	})
}

func FuzzNetlify(f *testing.F) {
	for _, seed := range []string{"", "e30=", b64(`{"country":{"code":"US"},"subdivision":{"code":"CA"}}`), b64(`{"country":null}`), b64(`{"country":{"code":5}}`), b64(`[]`), "====", b64(`{"country":{"code":"US"}}{}`)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		for _, v := range []string{value, b64(value)} {
			if got, answered := edgeOf("netlify").Region(http.Header{"X-Nf-Geo": {v}, "X-Country": {"US"}}); !wellFormed(got) || !answered {
				t.Errorf("%q gives %q, %v", v, got, answered)
			}
		}
	})
}
