package banner

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/volenti-consent/volenti/server/catalogue"
	"github.com/volenti-consent/volenti/server/notice"
)

// What a script carries of the catalogue: the first hosts of each of the
// notice's own vendors, and then, in bytes before compression, more of theirs, and
// the first of others.
const (
	vendorHosts  = 2
	othersHosts  = 3
	vendorBudget = 60
	othersBudget = 370
	allowBudget  = 2000 // of others, where what is not named is let through
)

// indispensable are vendors of the catalogue that a page can't do without, by
// key: libraries, shops and sites that are built on a platform, payment, checks
// for robots, sign-in. They come before others that are used more.
var indispensable = strings.Fields(`
	google-hosted-libraries cdnjs jsdelivr jquery unpkg bootstrap-cdn fontawesome-cdn cloudflare
	recaptcha stripe paypal turnstile hcaptcha shopify wordpress wix squarespace webflow cloudinary imgix
	google-pay apple-pay klarna adyen mollie braintree square amazon-pay auth0 microsoft-sign-in apple-sign-in firebase algolia
	`)

// A verdict is a category of the notice and a vendor of it, or none; the zero
// verdict is free.
type verdict struct{ category, vendor string }

// A rule is a pattern of the catalogue with what it means to a notice.
type rule struct {
	catalogue.Pattern
	verdict
	known bool // a vendor of the notice is behind it
	nth   int  // of its vendor's hosts, from 0
	order int  // which is carried first
}

// rulesModule is volenti:rules: what server/notice/rules.go judges by, as far as
// a script carries it. The site's own word is there in full. Of the catalogue
// there is what can't be guessed: where unknown hosts are held as marketing,
// known marketing need not be named, but what is essential must be. A host that
// did not fit is judged like one that nobody knows, which where those are held is
// the stricter verdict.
func rulesModule(n *notice.Notice, c *catalogue.Catalogue) string {
	var (
		verdicts  = []verdict{{}}
		own       = [][]string{nil}
		known     = [][]string{nil}
		unguessed = verdict{category: like(n, notice.Marketing)}
	)
	at := func(v verdict) int {
		i := slices.Index(verdicts, v)
		if i < 0 {
			i = len(verdicts)
			verdicts, own, known = append(verdicts, v), append(own, nil), append(known, nil)
		}
		return i
	}
	if n.Blocking.Unknown == "allow" {
		unguessed = verdict{}
	}
	unknown := at(unguessed)

	named := map[catalogue.Pattern]bool{}
	name := func(text string, v verdict) {
		// Of two that are the same, the first counts.
		if p, err := catalogue.ParsePattern(text); err == nil && !named[p] {
			named[p] = true
			i := at(v)
			own[i] = append(own[i], text)
		}
	}
	for _, text := range n.Blocking.Allow {
		name(text, verdict{})
	}
	for _, v := range n.Vendors {
		for _, text := range v.Hosts {
			name(text, ofVendor(n, v))
		}
	}
	for _, r := range share(rulesOf(n, c), unguessed) {
		i := at(r.verdict)
		known[i] = append(known[i], r.String())
	}

	written := make([][]string, len(verdicts))
	for i, v := range verdicts {
		written[i] = slices.DeleteFunc([]string{v.category, v.vendor}, func(s string) bool { return s == "" })
	}
	var home strings.Builder
	for _, site := range sites(n) {
		home.WriteString(site + " ")
	}
	var m module
	m.export("rules", map[string]any{
		"verdicts": written,
		"own":      lists(own),
		"home":     home.String(),
		"known":    lists(known),
		"unknown":  unknown,
	})
	return m.String()
}

// share picks the rules that a script carries: those that say something else
// than the verdict on unknown hosts would, in their order, until the budgets are
// spent; and with each, those inside it that are of another category, which
// those of the notice's own vendors can do without. Rules come with the most
// specific first.
func share(all []rule, unguessed verdict) []rule {
	var order []int
	for i, r := range all {
		if r.verdict != unguessed && (r.known || r.nth < othersHosts) {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(all[a].order, all[b].order) })
	budget := map[bool]int{true: vendorBudget, false: othersBudget}
	if unguessed == (verdict{}) {
		budget[false] = allowBudget
	}
	picked := make([]bool, len(all))
	for _, i := range order {
		r := all[i]
		with, cost := []int{i}, len(r.String())+1
		for j := range i { // more specific ones stand before it
			if !picked[j] && all[j].category != r.category && within(all[j].Pattern, r.Pattern) {
				with, cost = append(with, j), cost+len(all[j].String())+1
			}
		}
		if cost > budget[r.known] && r.known {
			with, cost = with[:1], len(r.String())+1
		}
		if r.known && r.nth < vendorHosts {
			cost = 0
		}
		if cost <= budget[r.known] {
			budget[r.known] -= cost
			for _, j := range with {
				picked[j] = true
			}
		}
	}
	var out []rule
	for i, r := range all {
		if !picked[i] {
			continue
		}
		covered := verdict{"", "none"}
		for j := i + 1; j < len(all) && covered.vendor == "none"; j++ {
			if picked[j] && within(r.Pattern, all[j].Pattern) && strings.HasPrefix(r.Path, all[j].Path) {
				covered = all[j].verdict
			}
		}
		if covered != r.verdict { // else it would say what is said already
			out = append(out, r)
		}
	}
	return out
}

// within reports whether some address that inner matches is matched by outer as
// well, where inner counts.
func within(inner, outer catalogue.Pattern) bool {
	rest, ok := strings.CutSuffix(inner.Host, outer.Host)
	return ok && (rest == "" || strings.HasSuffix(rest, ".")) &&
		(strings.HasPrefix(inner.Path, outer.Path) || strings.HasPrefix(outer.Path, inner.Path))
}

// rulesOf is the catalogue as a notice sees it, the most specific first. Of the
// notice's vendors, the first hosts of each are carried first, which the
// catalogue names in the order of their importance; of others, what is
// indispensable, and then what is used most.
func rulesOf(n *notice.Notice, c *catalogue.Catalogue) []rule {
	var all []rule
	for i, vendor := range c.Vendors() { // the most used first
		r := rule{order: len(indispensable) + i}
		if at := slices.IndexFunc(n.Vendors, func(v notice.Vendor) bool { return v.Key == vendor.Key }); at >= 0 {
			r.verdict, r.known = ofVendor(n, n.Vendors[at]), true
		} else if vendor.Category != notice.Necessary {
			r.category = like(n, vendor.Category)
		}
		if at := slices.Index(indispensable, vendor.Key); at >= 0 {
			r.order = at
		}
		for j, text := range vendor.Hosts {
			p, err := catalogue.ParsePattern(text)
			if err != nil {
				continue // the catalogue's own tests see to that
			}
			r.Pattern, r.nth = p, j
			if r.known {
				r.order = j
			}
			all = append(all, r)
		}
	}
	slices.SortFunc(all, func(a, b rule) int { return catalogue.Compare(a.Pattern, b.Pattern) })
	return all
}

// ofVendor is the verdict on what belongs to a vendor of the notice.
func ofVendor(n *notice.Notice, v notice.Vendor) verdict {
	for _, c := range n.Categories {
		if c.Key == v.Category && c.Like == notice.Necessary {
			return verdict{}
		}
	}
	return verdict{v.Category, v.Key}
}

// like is the key of the first category that follows a switch of the law;
// without one, the switch's own name, which nobody can grant.
func like(n *notice.Notice, like string) string {
	for _, c := range n.Categories {
		if c.Like == like {
			return c.Key
		}
	}
	return like
}

// sites are those of the notice's origins, as addresses spell hosts.
func sites(n *notice.Notice) []string {
	all := slices.Clone(n.FirstParty())
	for i, site := range all {
		if a, err := netip.ParseAddr(site); err == nil && a.Is6() {
			all[i] = "[" + a.String() + "]"
		}
	}
	return all
}

// lists are patterns by verdict, each list in one text, with nothing behind the
// last.
func lists(patterns [][]string) []string {
	all := []string{}
	for i, list := range patterns {
		slices.Sort(list)
		if len(list) > 0 {
			all = append(append(all, make([]string, i-len(all))...), strings.Join(list, " "))
		}
	}
	return all
}
