package geo

import (
	"strings"

	"github.com/oschwald/geoip2-golang/v2"
	"github.com/oschwald/maxminddb-golang/v2"
)

// A layout reads the region out of one record. A record that it can't read is
// the zero Region.
type layout func(maxminddb.Result) Region

// layouts are the schemas in use, the commonest first. The reader of geoip2-golang
// refuses databases whose type it doesn't know, ours among them, and doesn't tell
// where a record lies, which the cache needs; so its record types are used with
// the reader beneath it.
var layouts = []layout{readGeoIP2, readFlat, readString}

// probe finds the layout of a database: the first that reads a country out of
// some record. Records without a country (the seas, satellites) come first in
// some files, so it goes on until one is found.
func probe(r *maxminddb.Reader) (layout, error) {
	for result := range r.Networks() {
		for _, l := range layouts {
			if l(result) != (Region{}) {
				return l, nil
			}
		}
	}
	return nil, ErrNoCountries
}

// readGeoIP2 reads the records of MaxMind (Country, City, Enterprise), of DB-IP
// and of the embedded database; only the parts needed, so that an oddity in
// another part costs nothing. Where a record has no country, the country of
// registration is not taken for it: that is where the owner is, not the visitor.
func readGeoIP2(result maxminddb.Result) Region {
	var record struct {
		Country      geoip2.CountryRecord     `maxminddb:"country"`
		Subdivisions []geoip2.CitySubdivision `maxminddb:"subdivisions"`
	}
	if err := result.Decode(&record); err != nil {
		return Region{}
	}
	if len(record.Subdivisions) == 0 {
		return region(record.Country.ISOCode, "")
	}
	first := record.Subdivisions[0] // the largest
	if first.ISOCode == "" {        // DB-IP's free file has names only
		first.ISOCode = codeOf(record.Country.ISOCode, first.Names.English)
	}
	return region(record.Country.ISOCode, first.ISOCode)
}

// readFlat reads {country_code, region_code or state1}: IPinfo Lite, IPLocate
// and the ip-location-db conversions, whose state1 is an English name.
func readFlat(result maxminddb.Result) Region {
	var record struct {
		Country string `maxminddb:"country_code"`
		Region  string `maxminddb:"region_code"`
		State   string `maxminddb:"state1"`
	}
	if err := result.Decode(&record); err != nil {
		return Region{}
	}
	if record.Region == "" {
		record.Region = codeOf(record.Country, record.State)
	}
	return region(record.Country, record.Region)
}

// readString reads {country: "DE"}: the older free files of IPinfo.
func readString(result maxminddb.Result) Region {
	var record struct {
		Country string `maxminddb:"country"`
		Region  string `maxminddb:"region_code"`
	}
	if err := result.Decode(&record); err != nil {
		return Region{}
	}
	return region(record.Country, record.Region)
}

// codeOf is the ISO 3166-2 code of a subdivision's English name, for the two
// countries whose law differs by subdivision; "" if it has none here.
func codeOf(country, name string) string {
	switch country {
	case "US":
		return usStates[strings.ToLower(name)]
	case "CA":
		return caProvinces[strings.ToLower(name)]
	}
	return ""
}

var usStates = map[string]string{
	"alabama": "AL", "alaska": "AK", "arizona": "AZ", "arkansas": "AR", "california": "CA", "colorado": "CO",
	"connecticut": "CT", "delaware": "DE", "district of columbia": "DC", "washington, d.c.": "DC", "florida": "FL",
	"georgia": "GA", "hawaii": "HI", "idaho": "ID", "illinois": "IL", "indiana": "IN", "iowa": "IA", "kansas": "KS",
	"kentucky": "KY", "louisiana": "LA", "maine": "ME", "maryland": "MD", "massachusetts": "MA", "michigan": "MI",
	"minnesota": "MN", "mississippi": "MS", "missouri": "MO", "montana": "MT", "nebraska": "NE", "nevada": "NV",
	"new hampshire": "NH", "new jersey": "NJ", "new mexico": "NM", "new york": "NY", "north carolina": "NC",
	"north dakota": "ND", "ohio": "OH", "oklahoma": "OK", "oregon": "OR", "pennsylvania": "PA", "rhode island": "RI",
	"south carolina": "SC", "south dakota": "SD", "tennessee": "TN", "texas": "TX", "utah": "UT", "vermont": "VT",
	"virginia": "VA", "washington": "WA", "west virginia": "WV", "wisconsin": "WI", "wyoming": "WY",
}

var caProvinces = map[string]string{
	"alberta": "AB", "british columbia": "BC", "manitoba": "MB", "new brunswick": "NB", "newfoundland and labrador": "NL",
	"northwest territories": "NT", "nova scotia": "NS", "nunavut": "NU", "ontario": "ON", "prince edward island": "PE",
	"quebec": "QC", "québec": "QC", "saskatchewan": "SK", "yukon": "YT", "yukon territory": "YT",
}
