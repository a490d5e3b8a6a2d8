package visitor

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/regime"
)

// maxExpired is how many bytes of Set-Cookie an answer spends on deletion:
// proxies in their usual setting refuse an answer whose header is over 4 KiB.
const maxExpired = 3 << 10

// expired are the cookies that an answer to a decision deletes because no
// script can: those declared http_only for vendors that may not load any more.
// A name declared exactly is deleted whether it is there or not, of a prefix
// those that the request carried; never one that a vendor declares which may
// still load, and never ours. Only what the server shares with the page can be
// reached: the page's own host if both are on it, and the domains above both.
func (d *Decisions) expired(r *http.Request, page *url.URL, n *notice.Notice, core consent.Core) []*http.Cookie {
	if core.Surface == consent.OnChange { // a note that was read stops nothing
		return nil
	}
	names := doomed(r, n, core)
	if len(names) == 0 {
		return nil
	}
	domains := sharedDomains(d.host(r), page.Hostname())
	https := page.Scheme == "https"
	var all []*http.Cookie
	left := maxExpired
	for _, path := range pathsOf(r.Referer(), page) {
		for _, name := range names {
			for _, domain := range domains {
				// Partitioned cookies are kept apart from others of their name (CHIPS).
				for _, partitioned := range []bool{false, true} {
					if partitioned && !https {
						continue
					}
					//nolint:gosec // it has no value, and is gone at once
					cookie := &http.Cookie{Name: name, Path: path, Domain: domain, MaxAge: -1, Secure: https, Partitioned: partitioned}
					if left -= len("Set-Cookie: \r\n") + len(cookie.String()); left < 0 {
						return all
					}
					all = append(all, cookie)
				}
			}
		}
	}
	return all
}

// doomed are the names to delete, those that the request carried first.
func doomed(r *http.Request, n *notice.Notice, core consent.Core) []string {
	var kept, lost []string // declared names
	for _, v := range n.Vendors {
		shut := shut(core, v)
		for _, s := range v.Entries {
			switch {
			case s.Kind != "cookie" || s.Foreign:
			case !shut:
				kept = append(kept, s.Name)
			case s.HTTPOnly:
				lost = append(lost, s.Name)
			}
		}
	}
	var names []string
	add := func(name string) {
		if name != CookieName && !declared(kept, name) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, cookie := range r.Cookies() {
		if declared(lost, cookie.Name) {
			add(cookie.Name)
		}
	}
	for _, name := range lost {
		if !strings.HasSuffix(name, "*") {
			add(name)
		}
	}
	return names
}

// shut reports whether a vendor may not load by a decision: it was refused, or
// was not asked about where the law wants to be asked first.
func shut(core consent.Core, v notice.Vendor) bool {
	choice, asked := core.Vendors[v.Key] // a necessary one is not among them
	model := core.Models[v.Category]
	return asked && (choice == consent.Refused || choice == consent.NotAsked && (model == regime.OptIn || model == ""))
}

// declared reports whether a list of declared names takes in a cookie's.
func declared(names []string, name string) bool {
	return slices.ContainsFunc(names, func(d string) bool {
		prefix, wild := strings.CutSuffix(d, "*")
		return d == name || wild && strings.HasPrefix(name, prefix)
	})
}

// sharedDomains are the Domain attributes of cookies that a page sees and the
// server can set: "" on one host, and every domain that both are under, down
// to the one that was registered.
func sharedDomains(server, page string) []string {
	shared, ok := cookieDomain(server, page)
	if !ok {
		return nil
	}
	var all []string
	if shared == "" {
		all, shared = append(all, ""), page
	}
	registered, err := publicsuffix.EffectiveTLDPlusOne(page)
	if err != nil {
		return all // localhost, or an address: no Domain is set there
	}
	for ; len(shared) >= len(registered); _, shared, _ = strings.Cut(shared, ".") {
		all = append(all, shared)
	}
	return all
}

// maxDepth is how many segments of a page's path are tried.
const maxDepth = 8

// pathsOf are the paths under which a page sees cookies: "/", and those above
// its own address where the browser tells that: to the page's own origin, by
// the referrer policy that is usual.
func pathsOf(referer string, page *url.URL) []string {
	all := []string{"/"}
	u, err := url.Parse(referer)
	if err != nil || u.Scheme != page.Scheme || u.Host != page.Host {
		return all
	}
	path := u.EscapedPath()
	for i := 1; i < len(path) && len(all) <= 2*maxDepth; i++ {
		if path[i] == '/' {
			all = append(all, path[:i], path[:i+1])
		}
	}
	if len(path) > 1 && !strings.HasSuffix(path, "/") {
		all = append(all, path)
	}
	return all
}
