package geo

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sort"
	"strings"
)

// An Edge reads the region that a content delivery network in front of the
// server writes into its requests. Geo headers are ordinary headers, so it is
// for the caller to read them only where the peer is trusted, and only the one
// preset that the operator named is ever read.
type Edge struct {
	// Preset is one of Presets.
	Preset string
	// CountryHeader and RegionHeader are the headers' names where the edge has no
	// fixed ones (generic) or the operator chose others (fastly, google). Empty is
	// the preset's own.
	CountryHeader string
	RegionHeader  string
	// RegionFormat is how the generic preset's region is written: "code" (CA),
	// "cc-code" (US-CA), "CCcode" (USCA) or "lower" (ca). Empty is "code".
	RegionFormat string
	// UnknownValues are what the generic preset's headers say where nothing is
	// known, besides what is no code anyway, and XX and ZZ.
	UnknownValues []string
}

// A preset is what is known of one edge.
type preset struct {
	country, region string // the headers' names
	format          string
	renamed         bool // the operator writes the header, so its name is his
	// read replaces the reading of country and region by name.
	read func(h http.Header, p preset) (country, subdivision string, answered bool)
}

// presets are the edges whose headers are documented. Azure Front Door, Bunny
// and others whose operators write the header are "generic"; Fly.io sends none.
var presets = map[string]preset{
	"cloudflare": {country: "CF-IPCountry", region: "cf-region-code", format: "code"},
	"cloudfront": {country: "CloudFront-Viewer-Country", region: "CloudFront-Viewer-Country-Region", format: "code"},
	"fastly":     {country: "Client-Geo-Country", region: "Client-Geo-Region", format: "code", renamed: true},
	"akamai":     {country: "X-Akamai-Edgescape", read: readEdgescape},
	"google":     {country: "X-Client-Region", region: "X-Client-Region-Subdivision", format: "CCcode", renamed: true},
	"appengine":  {country: "X-Appengine-Country", region: "X-Appengine-Region", format: "lower"},
	"vercel":     {country: "X-Vercel-IP-Country", region: "X-Vercel-IP-Country-Region", format: "code"},
	"netlify":    {country: "X-Country", region: "X-Nf-Geo", read: readNetlify},
	"generic":    {format: "code", renamed: true},
}

var formats = []string{"code", "cc-code", "CCcode", "lower"}

// Presets are the names of the edges that are known, sorted.
func Presets() []string {
	names := make([]string, 0, len(presets))
	for name := range presets {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// Validate says what is wrong with the operator's choice and how to mend it.
func (e *Edge) Validate() error {
	p, ok := presets[e.Preset]
	switch {
	case !ok:
		return fmt.Errorf("edge %q is not known: choose one of %s", e.Preset, strings.Join(Presets(), ", "))
	case !p.renamed && (e.CountryHeader != "" || e.RegionHeader != ""):
		return fmt.Errorf("edge %s has headers of its own: leave country_header and region_header out, or choose generic", e.Preset)
	case e.Preset == "generic" && e.CountryHeader == "":
		return fmt.Errorf("edge generic needs country_header, the name of the header with the visitor's country")
	case e.Preset != "generic" && (e.RegionFormat != "" || len(e.UnknownValues) > 0):
		return fmt.Errorf("edge %s has a format of its own: leave region_format and unknown_values out, or choose generic", e.Preset)
	case e.RegionFormat != "" && !slices.Contains(formats, e.RegionFormat):
		return fmt.Errorf("region_format %q is not known: choose one of %s", e.RegionFormat, strings.Join(formats, ", "))
	}
	return nil
}

// Region is what the edge says of the visitor. answered is false where the edge
// says nothing, so that somebody else may be asked; an unknown or unreadable
// answer is the zero Region. A header that comes twice is unreadable: one of the
// two is the client's.
func (e *Edge) Region(h http.Header) (found Region, answered bool) {
	p, ok := presets[e.Preset]
	if !ok {
		return Region{}, true
	}
	if e.CountryHeader != "" {
		p.country = e.CountryHeader
	}
	if e.RegionHeader != "" {
		p.region = e.RegionHeader
	}
	if e.RegionFormat != "" {
		p.format = e.RegionFormat
	}
	read := p.read
	if read == nil {
		read = readPair
	}
	country, subdivision, answered := read(h, p)
	if slices.Contains(e.UnknownValues, country) {
		return Region{}, answered
	}
	if slices.Contains(e.UnknownValues, subdivision) {
		subdivision = ""
	}
	return region(country, subdivision), answered
}

// only is the value of a header that comes once; more than once is "".
func only(h http.Header, name string) (value string, sent bool) {
	values := h.Values(name)
	if len(values) != 1 {
		return "", len(values) > 0
	}
	return trim(values[0]), true
}

func readPair(h http.Header, p preset) (country, subdivision string, answered bool) {
	country, answered = only(h, p.country)
	if p.region == "" {
		return country, "", answered
	}
	subdivision, _ = only(h, p.region)
	return country, cutCountry(subdivision, country, p.format), answered
}

// cutCountry takes the country off a subdivision that is written with one. If it
// is another country's the two don't fit, and the subdivision is unknown.
func cutCountry(subdivision, country, format string) string {
	prefix := country
	switch format {
	case "cc-code":
		prefix += "-"
	case "CCcode":
	default:
		return subdivision
	}
	if len(subdivision) <= len(prefix) || upper(subdivision[:len(prefix)]) != upper(prefix) {
		return ""
	}
	return subdivision[len(prefix):]
}

// readEdgescape reads Akamai's one list, georegion=246,country_code=US,
// region_code=CA,city=…; a key that comes twice makes it unreadable.
func readEdgescape(h http.Header, p preset) (country, subdivision string, answered bool) {
	list, answered := only(h, p.country)
	var countries, regions int
	for list != "" {
		var pair string
		pair, list, _ = strings.Cut(list, ",")
		key, value, _ := strings.Cut(trim(pair), "=")
		switch key {
		case "country_code":
			country, countries = value, countries+1
		case "region_code":
			subdivision, regions = value, regions+1
		}
	}
	if countries > 1 || regions > 1 {
		return "", "", answered
	}
	return country, subdivision, answered
}

// netlifyLimit bounds X-Nf-Geo before it is decoded; a real one has about 300
// bytes.
const netlifyLimit = 4 << 10

// readNetlify reads X-Nf-Geo, base64 of {"country":{"code"},"subdivision":{"code"}},
// and X-Country where that is missing.
func readNetlify(h http.Header, p preset) (country, subdivision string, answered bool) {
	text, sent := only(h, p.region)
	if !sent {
		country, answered = only(h, p.country)
		return country, "", answered
	}
	if len(text) > netlifyLimit {
		return "", "", true
	}
	encoding := base64.StdEncoding
	if len(text)%4 != 0 {
		encoding = base64.RawStdEncoding
	}
	plain, err := encoding.DecodeString(text)
	if err != nil {
		return "", "", true
	}
	var geo struct {
		Country     struct{ Code string }
		Subdivision struct{ Code string }
	}
	if err := json.Unmarshal(plain, &geo); err != nil {
		return "", "", true
	}
	return geo.Country.Code, geo.Subdivision.Code, true
}
