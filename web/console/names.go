package console

import (
	"strings"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// RegionName is a region of a record in words: "Germany", "United States, CA".
func RegionName(code string) string {
	if code == "-" || code == "" {
		return "Unknown region"
	}
	country, part, _ := strings.Cut(code, "-")
	name := country
	if r, err := language.ParseRegion(country); err == nil {
		if n := display.English.Regions().Name(r); n != "" && n != "Unknown Region" {
			name = n
		}
	}
	if part != "" {
		name += ", " + part
	}
	return name
}

// LanguageName is a BCP 47 tag in words.
func LanguageName(tag string) string {
	t, err := language.Parse(tag)
	if err != nil {
		return tag
	}
	if name := display.English.Tags().Name(t); name != "" {
		return name
	}
	return tag
}
