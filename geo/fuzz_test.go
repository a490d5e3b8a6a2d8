package geo

import (
	"net/http"
	"net/netip"
	"regexp"
	"testing"
)

var (
	countryForm     = regexp.MustCompile(`^([A-Z]{2})?$`)
	subdivisionForm = regexp.MustCompile(`^([A-Z0-9]{1,3})?$`)
)

// Whatever an edge's headers hold, a region is none or one that is written as regions are.
func FuzzEdgeHeaders(f *testing.F) {
	for _, seed := range []string{"", "DE", "de", "US-CA", "USCA", "XX", "T1", "ZZ", "EU", "D\x00", "ÄÖ", "DE, US", "  DE ", "georegion=263,country_code=US,region_code=CA", "eyJjb3VudHJ5Ijp7ImNvZGUiOiJERSJ9fQ=="} {
		f.Add(seed, "CA")
		f.Add("US", seed)
	}
	f.Fuzz(func(t *testing.T, country, region string) {
		for _, name := range Presets() {
			p := presets[name]
			e := &Edge{Preset: name}
			h := http.Header{}
			for header, value := range map[string]string{p.country: country, p.region: region} {
				if header != "" {
					h.Set(header, value)
				}
			}
			if p.country == "" {
				e.CountryHeader, e.RegionHeader = "X-Country", "X-Region"
				h.Set("X-Country", country)
				h.Set("X-Region", region)
			}
			found, _ := e.Region(h)
			if !countryForm.MatchString(found.Country) || !subdivisionForm.MatchString(found.Subdivision) || found.Country == "" && found.Subdivision != "" {
				t.Fatalf("%s: %q, %q give %+v", name, country, region, found)
			}
			// A second value is the client's: then neither counts.
			if p.country != "" {
				h.Add(p.country, "FR")
				if found, _ := e.Region(h); found.Country == "FR" {
					t.Fatalf("%s: the second of two headers is believed", name)
				}
			}
		}
	})
}

// A file that is damaged is refused, or answers regions that are written as regions are.
func FuzzDatabase(f *testing.F) {
	f.Add(fixture(f, "GeoLite2-City", 1700000000, map[string]m{"203.0.113.0/24": cityOf("US", "CA"), "2001:db8::/32": cityOf("DE")}), uint16(40), byte(0xff))
	f.Add(fixture(f, "GeoLite2-Country", 1700000000, map[string]m{"198.51.100.0/24": countryOf("FR")}), uint16(400), byte(1))
	f.Add([]byte("\xab\xcd\xefMaxMind.com"), uint16(0), byte(0))
	addresses := []netip.Addr{addr(f, "203.0.113.7"), addr(f, "198.51.100.7"), addr(f, "2001:db8::7"), addr(f, "0.0.0.0"), addr(f, "ff02::1")}
	f.Fuzz(func(t *testing.T, file []byte, at uint16, bits byte) {
		if len(file) > 1<<16 {
			return
		}
		if len(file) > 0 {
			file[int(at)%len(file)] ^= bits
		}
		d, err := open(file, check)
		if err != nil {
			return
		}
		if d.reader.Metadata.NodeCount > uint(len(file)) {
			t.Fatalf("%d nodes in %d bytes", d.reader.Metadata.NodeCount, len(file))
		}
		for _, a := range addresses {
			if found := d.Lookup(a); !countryForm.MatchString(found.Country) || !subdivisionForm.MatchString(found.Subdivision) {
				t.Fatalf("%v is in %+v", a, found)
			}
		}
	})
}
