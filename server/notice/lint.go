package notice

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/volenti-consent/volenti/server/catalogue"
)

// Limits of a notice. They are far above what a site needs, and low enough
// that whatever passes is compiled, shown and counted without trouble.
const (
	maxFile       = 512 << 10 // bytes of a notice file
	maxOrigins    = 100
	maxPolicies   = 10
	maxOverrides  = 500
	maxCategories = 40
	maxVendors    = 500
	maxEntries    = 200 // of one vendor
	maxTags       = 500
	maxTrials     = 5
	maxPatterns   = 200  // of one list
	maxURL        = 2048 // bytes
	maxWait       = 5000 // milliseconds of wait_for_update
	maxName       = 120  // characters of names of controllers, vendors, categories
	maxAddress    = 400  // characters of the controller's address
	maxText       = 600  // characters of everything that is a sentence
	maxEntryName  = 128  // bytes
)

// What is chosen where nothing is said.
const (
	defaultValidity = 6 // months: good practice of the CNIL, guidelines of 17 September 2020
	defaultAccent   = "#1d4ed8"
	defaultRadius   = 8
	defaultWait     = 500
)

var (
	postures  = []string{"cautious", "floor"}
	dnts      = []string{"ignore", "opt-out", "forward"}
	models    = []string{"opt-in", "opt-out", "notice"}
	modes     = []string{"off", "basic", "advanced"}
	positions = []string{"bottom", "bottom-start", "bottom-end", "top", "center", "inline"}
	themes    = []string{"auto", "light", "dark"}
	reopens   = []string{"start", "end", "none"}
	likes     = []string{Necessary, Preferences, Analytics, Marketing}
	kinds     = []string{"cookie", "local", "session", "indexeddb", "cache", "worker"}
	tagKinds  = []string{"script", "pixel", "frame", "template"}
	blockings = []string{"script", "strict", "off"}
	unknowns  = []string{"hold", "allow"}
)

// Lint lists everything that is wrong with n, in the order of the file, each
// with a remedy. Without an issue of SeverityError, n can be published.
func Lint(n *Notice) []Issue {
	l := &linter{n: n}
	for _, language := range n.Languages {
		if _, known := wordings()[language]; known && !slices.Contains(l.spoken, language) {
			l.spoken = append(l.spoken, language)
		}
	}
	l.site()
	l.controller()
	l.google()
	l.look()
	l.blocking()
	l.age()
	l.share()
	l.trials()
	l.categories()
	l.overrides()
	l.vendors()
	l.swallowed()
	l.tags()
	l.wording()
	return l.issues
}

// Failed reports whether issues keep a notice from being published.
func Failed(issues []Issue) bool {
	return slices.ContainsFunc(issues, func(i Issue) bool { return i.Severity == SeverityError })
}

type linter struct {
	n      *Notice
	spoken []string // the notice's languages, without those that are wrong
	issues []Issue
}

func (l *linter) fail(path, what, remedy string) {
	l.issues = append(l.issues, Issue{Path: path, Severity: SeverityError, What: what, Remedy: remedy})
}

func (l *linter) warn(path, what, remedy string) {
	l.issues = append(l.issues, Issue{Path: path, Severity: SeverityWarning, What: what, Remedy: remedy})
}

// oneOf checks a value of a closed list.
func (l *linter) oneOf(path, value string, list []string) {
	if slices.Contains(list, value) {
		return
	}
	l.fail(path, fmt.Sprintf("%q is not known here", clip(value)), "write "+suggest(value, list))
}

// among checks a number's range.
func (l *linter) among(path string, value, low, high int, unit string) {
	if value < low || value > high {
		l.fail(path, fmt.Sprintf("%d is out of range", value), fmt.Sprintf("write a number from %d to %d%s", low, high, unit))
	}
}

// few checks the length of a list.
func (l *linter) few(path string, n, most int) bool {
	if n > most {
		l.fail(path, fmt.Sprintf("has %d elements", n), fmt.Sprintf("list at most %d", most))
	}
	return n <= most
}

// text checks a text that is shown as it is.
func (l *linter) text(path, text string, most int) {
	if what, remedy := plainText(text, most); what != "" {
		l.fail(path, what, remedy)
	}
}

// key checks the name of a category or vendor.
func (l *linter) key(path, key string) {
	switch {
	case key == "":
		l.fail(path, "is missing", `write a short name such as "chat": it stands in markup and in the cookie`)
	case polluting[key]:
		l.fail(path, fmt.Sprintf("%q has a meaning of its own in JavaScript", key), "use another name")
	case !ownKey.MatchString(key):
		l.fail(path, fmt.Sprintf("%q can't be a key", clip(key)), "use 1 to 40 of a-z, 0-9, - and _, beginning with a letter")
	}
}

func (l *linter) site() {
	n := l.n
	if !siteKey.MatchString(n.Site) {
		l.fail("site", fmt.Sprintf("%q can't be a site key", clip(n.Site)), `use 1 to 40 of a-z, 0-9 and inner hyphens, such as "shop"`)
	}
	l.languages()
	if len(n.Origins) == 0 {
		l.fail("origins", "are missing, so that no page could embed the banner", `list the origins of your pages, such as ["https://shop.example"]`)
	}
	if l.few("origins", len(n.Origins), maxOrigins) {
		for i, o := range n.Origins {
			path := fmt.Sprintf("origins[%d]", i)
			if what, remedy := origin(o); what != "" {
				l.fail(path, fmt.Sprintf("%q %s", clip(o), what), remedy)
			} else if slices.Contains(n.Origins[:i], o) {
				l.fail(path, fmt.Sprintf("%q is listed already", o), "list it once")
			}
		}
	}
	if len(n.Policies) == 0 {
		l.fail("policies", "are missing: a notice stands on at least one", `write ["privacy"]`)
	}
	if l.few("policies", len(n.Policies), maxPolicies) {
		for i, key := range n.Policies {
			path := fmt.Sprintf("policies[%d]", i)
			if !siteKey.MatchString(key) || polluting[key] {
				l.fail(path, fmt.Sprintf("%q can't be a policy's key", clip(key)), `use 1 to 40 of a-z, 0-9 and inner hyphens, such as "privacy"`)
			} else if slices.Contains(n.Policies[:i], key) {
				l.fail(path, fmt.Sprintf("%q is listed already", key), "list it once")
			}
		}
	}
	if n.PolicyURL != "" {
		l.url("policy_url", n.PolicyURL)
	}
	// Guidelines 05/2020, 110: consent does not last for ever. 13 months is the
	// longest any authority or framework has accepted (CNIL, IAB TCF).
	l.among("validity_months", n.Validity, 1, 13, "")
	l.oneOf("posture", n.Posture, postures)
	l.oneOf("dnt", n.DNT, dnts)
}

func (l *linter) url(path, address string) {
	if what, remedy := webURL(address); what != "" {
		l.fail(path, fmt.Sprintf("%q %s", clip(address), what), remedy)
	}
}

func (l *linter) languages() {
	known := Languages()
	if len(l.n.Languages) == 0 {
		l.fail("languages", "are missing", `list the languages of your pages, the most important first, such as ["en", "de"]`)
	}
	if !l.few("languages", len(l.n.Languages), len(known)) {
		return
	}
	for i, language := range l.n.Languages {
		path := fmt.Sprintf("languages[%d]", i)
		if !slices.Contains(known, language) {
			l.fail(path, fmt.Sprintf("there is no wording in %q", clip(language)), "write "+suggest(language, known))
		} else if slices.Contains(l.n.Languages[:i], language) {
			l.fail(path, fmt.Sprintf("%q is listed already", language), "list it once")
		}
	}
}

// controller checks what GDPR Art. 13(1)(a) and Recital 42 want to be said:
// who asks, and how to reach them.
func (l *linter) controller() {
	c := l.n.Controller
	if c.Name == "" {
		l.fail("controller.name", "is missing", `write who is responsible, such as "Shop GmbH"`)
	} else {
		l.text("controller.name", c.Name, maxName)
	}
	if c.Address == "" {
		l.fail("controller.address", "is missing", "write the postal address in one line")
	} else {
		l.text("controller.address", c.Address, maxAddress)
	}
	if c.Contact == "" {
		l.fail("controller.contact", "is missing", `write an e-mail address or an https address, such as "privacy@shop.example"`)
	} else if what, remedy := contact(c.Contact); what != "" {
		l.fail("controller.contact", fmt.Sprintf("%q %s", clip(c.Contact), what), remedy)
	}
	if c.Establishment == "" {
		l.fail("controller.establishment", "is missing: it decides which law is owed to visitors from everywhere (GDPR Art. 3)", `write the two letters of the country, such as "DE"`)
	} else {
		l.country("controller.establishment", c.Establishment)
	}
}

func (l *linter) country(path, s string) {
	if country(s) {
		return
	}
	remedy := `write the two capital letters of ISO 3166-1, such as "DE"`
	switch {
	case strings.EqualFold(s, "UK"):
		remedy = `write "GB"`
	case strings.EqualFold(s, "EL"):
		remedy = `write "GR"`
	case country(strings.ToUpper(s)):
		remedy = fmt.Sprintf("write %q", strings.ToUpper(s))
	}
	l.fail(path, fmt.Sprintf("%q is not a country", clip(s)), remedy)
}

func (l *linter) google() {
	g := l.n.Google
	l.oneOf("google.mode", g.Mode, modes)
	l.among("google.wait_for_update", g.WaitForUpdate, 0, maxWait, " milliseconds")
	if g.Mode == "advanced" {
		l.warn("google.mode", "in advanced mode Google's tags load before a choice and send requests without cookies",
			`write "basic" unless your counsel agrees: the storage-free request still reads from the device (EDPB Guidelines 2/2023)`)
	}
}

func (l *linter) look() { l.lookAt("look", l.n.Look) }

func (l *linter) lookAt(path string, look Look) {
	if !color.MatchString(look.Accent) {
		l.fail(path+".accent", fmt.Sprintf("%q is not a color", clip(look.Accent)), `write # and six of 0-9 and a-f, such as "`+defaultAccent+`"`)
	}
	l.oneOf(path+".position", look.Position, positions)
	l.oneOf(path+".theme", look.Theme, themes)
	l.oneOf(path+".reopen", look.Reopen, reopens)
	l.among(path+".radius", look.Radius, 0, 24, " pixels")
	if look.Logo != "" {
		l.logo(path+".logo", look.Logo)
	}
	if look.Modal && look.Position == "inline" {
		l.fail(path+".modal", "a layer that stands in the page can't keep the page waiting", `write another position, such as "center", or leave modal out`)
	}
}

// logo checks an image that every visitor fetches before a choice: from
// somebody else it would be the very request that consent is asked for.
func (l *linter) logo(path, address string) {
	l.url(path, address)
	u, err := url.Parse(address)
	if err == nil && !slices.ContainsFunc(l.n.FirstParty(), func(site string) bool { return under(strings.ToLower(u.Hostname()), site) }) {
		l.fail(path, fmt.Sprintf("%q is not of the site's own domain, and would be fetched before any choice", clip(address)), "put the image on your own site")
	}
}

func (l *linter) blocking() {
	b := l.n.Blocking
	if b.Mode != "" {
		l.oneOf("blocking.mode", b.Mode, blockings)
	}
	if b.Unknown != "" {
		l.oneOf("blocking.unknown", b.Unknown, unknowns)
	}
	l.patterns("blocking.allow", b.Allow)
}

// patterns checks a list of catalogue.Pattern.
func (l *linter) patterns(path string, list []string) {
	if !l.few(path, len(list), maxPatterns) {
		return
	}
	for i, text := range list {
		if _, err := catalogue.ParsePattern(text); err != nil {
			l.fail(fmt.Sprintf("%s[%d]", path, i), fmt.Sprintf("%q %v", clip(text), err), `write a host, and the beginning of a path if only that is meant: "cdn.example", "www.example.com/maps"`)
		}
	}
}

func (l *linter) share() {
	if l.n.Share.Domains && len(l.n.Hosts()) < 2 {
		l.fail("share.domains", "there is one domain only", "name the other domains of the controller in origins, or leave share out")
	}
}

func (l *linter) age() {
	if m := l.n.Age.Minimum; m != 0 {
		l.among("age.minimum", m, 13, 21, " years, or 0 to ask nobody")
	} else if l.n.Age.ByCountry {
		l.fail("age.by_country", "needs an age to start from", "write minimum = 13, or the age your terms name")
	}
}
