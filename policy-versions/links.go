package policyversions

import (
	"net/url"
	"strings"
)

// checkHref says whether a link of a policy may lead to href: web and mail
// addresses, relative references and places on the same page. Everything a browser
// might read differently from us (control characters, blanks, backslashes) is
// refused rather than mended. external is true for addresses with a host.
func checkHref(href string) (external, ok bool) {
	if href == "" || strings.ContainsFunc(href, func(r rune) bool { return r <= ' ' || r == 0x7F || r == '\\' }) {
		return false, false
	}
	u, err := url.Parse(href)
	if err != nil {
		return false, false
	}
	switch u.Scheme {
	case "http", "https":
		return true, u.Host != ""
	case "mailto":
		return false, u.Opaque != ""
	case "":
		return u.Host != "", u.Host != "" || !strings.HasPrefix(href, "//")
	}
	return false, false
}
