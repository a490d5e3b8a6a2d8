package notice

import (
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/volenti-consent/volenti/server/catalogue"
)

// A Reason says why an address is judged as it is.
type Reason string

// The reasons, in the order in which they are asked.
const (
	ByNotice    Reason = "notice"      // the notice names it: hosts of a vendor, or blocking.allow
	FirstParty  Reason = "first-party" // the page's own site, or one of the notice's origins'
	ByCatalogue Reason = "catalogue"
	Unknown     Reason = "unknown" // nobody knows it
)

// A Verdict says what an address, as of a tag that nobody marked, needs.
type Verdict struct {
	Reason   Reason
	Category string            // key of a category of the notice; a standard key that the notice lacks can't be granted by anybody; "" is free
	Vendor   string            // key of a vendor of the notice, or ""
	Known    *catalogue.Vendor // with ByCatalogue
}

// Free reports whether the address is never held: essential, the page's own, or
// allowed.
func (v Verdict) Free() bool { return v.Category == "" }

// Rules judge addresses for one notice: the site's own word first, then the
// page's own site, then the catalogue. The script of the banner judges by the
// same rules (banner/src/gate/rules.ts).
type Rules struct {
	n         *Notice
	own       []rule // in the order of catalogue.Compare
	own1st    []string
	catalogue *catalogue.Catalogue
}

type rule struct {
	pattern catalogue.Pattern
	verdict Verdict
}

// NewRules makes the rules of a notice that passed Lint.
func NewRules(n *Notice, c *catalogue.Catalogue) *Rules {
	r := &Rules{n: n, catalogue: c, own1st: n.FirstParty()}
	add := func(text string, v Verdict) {
		if p, err := catalogue.ParsePattern(text); err == nil {
			r.own = append(r.own, rule{p, v})
		}
	}
	for _, text := range n.Blocking.Allow {
		add(text, Verdict{Reason: ByNotice})
	}
	for _, v := range n.Vendors {
		for _, text := range v.Hosts {
			add(text, r.of(v, ByNotice))
		}
	}
	slices.SortStableFunc(r.own, func(a, b rule) int { return catalogue.Compare(a.pattern, b.pattern) })
	return r
}

// of is the verdict on what belongs to a vendor of the notice.
func (r *Rules) of(v Vendor, reason Reason) Verdict {
	if c, ok := r.n.category(v.Category); ok && c.Like == Necessary {
		return Verdict{Reason: reason}
	}
	return Verdict{Reason: reason, Category: v.Category, Vendor: v.Key}
}

// like is the key of the notice's first category that follows a switch of the
// law; without one, the switch's own name, which nobody can grant.
func (r *Rules) like(like string) string {
	for _, c := range r.n.Categories {
		if c.Like == like {
			return c.Key
		}
	}
	return like
}

// Judge says what an address needs in a page on the given host. Only http and
// https, ws and wss addresses leave the page; all others are free.
func (r *Rules) Judge(u *url.URL, page string) Verdict {
	return r.JudgeText(u.String(), nil, page)
}

// JudgeText is Judge for an address as it stands in markup, read as browsers
// read it: relative to base. What can't be read is held as what nobody knows.
func (r *Rules) JudgeText(address string, base *url.URL, page string) Verdict {
	a, err := catalogue.ParseAddress(address, base)
	switch {
	case err != nil:
		return r.unknown()
	case !a.Remote():
		return Verdict{Reason: FirstParty}
	}
	for _, own := range r.own {
		if own.pattern.Match(a.Host, a.Path) {
			return own.verdict
		}
	}
	if host, _, err := net.SplitHostPort(page); err == nil {
		page = host
	}
	page = strings.TrimSuffix(strings.Trim(strings.ToLower(page), "[]"), ".")
	if under(a.Host, page) || slices.ContainsFunc(r.own1st, func(site string) bool { return under(a.Host, site) }) {
		return Verdict{Reason: FirstParty}
	}
	if e, ok := r.catalogue.Match(a.Host, a.Path); ok {
		return r.JudgeVendor(e.Vendor)
	}
	return r.unknown()
}

// JudgeVendor says what somebody needs whom the catalogue knows.
func (r *Rules) JudgeVendor(known *catalogue.Vendor) Verdict {
	verdict := Verdict{Reason: ByCatalogue}
	if i := slices.IndexFunc(r.n.Vendors, func(v Vendor) bool { return v.Key == known.Key }); i >= 0 {
		verdict = r.of(r.n.Vendors[i], ByCatalogue)
	} else if known.Category != Necessary {
		verdict.Category = r.like(known.Category)
	}
	verdict.Known = known
	return verdict
}

// unknown is the verdict on what nobody knows.
func (r *Rules) unknown() Verdict {
	if r.n.Blocking.Unknown == "allow" {
		return Verdict{Reason: Unknown}
	}
	return Verdict{Reason: Unknown, Category: r.like(Marketing)}
}

// under reports whether host is site or below it.
func under(host, site string) bool {
	rest, ok := strings.CutSuffix(host, site)
	return ok && site != "" && (rest == "" || rest[len(rest)-1] == '.')
}

// FirstParty are the sites of the notice's origins: what can be registered of
// each (Public Suffix List), so that "cdn.shop.example" belongs to a page of
// "www.shop.example". An address is its own site.
func (n *Notice) FirstParty() []string {
	var sites []string
	for _, origin := range n.Origins {
		u, err := url.Parse(origin)
		if err != nil {
			continue
		}
		site := u.Hostname()
		if _, err := netip.ParseAddr(site); err != nil {
			if registered, err := publicsuffix.EffectiveTLDPlusOne(site); err == nil {
				site = registered
			}
		}
		if !slices.Contains(sites, site) {
			sites = append(sites, site)
		}
	}
	return sites
}
