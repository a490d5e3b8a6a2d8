package notice

import (
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// A Template is a tag that is known by name: what a vendor has its customers
// paste into their pages, written here in the vendor's published call shape.
// The account's id is all that differs, so it is all a notice has to say.
type Template struct {
	Name   string
	Vendor Vendor   // as the notice will want it; Vendor.Category is what it takes at least
	API    string   // the adapter that its tags can be told by; "" is none
	Hosts  []string // what it loads scripts from; "*" is the host in the id
	ID     string   // an id, for documentation and mistakes
	id     *regexp.Regexp
	script string // file in templates/
}

//go:embed templates/*.js
var templateFiles embed.FS

// Templates are all of them by name, in the order of docs/tags.md.
func Templates() []Template {
	list := slices.Collect(maps.Values(templates))
	slices.SortFunc(list, func(a, b Template) int { return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
	return list
}

// templateNamed finds a template by name, in whichever case it was written.
func templateNamed(name string) (Template, bool) {
	for _, t := range templates {
		if strings.EqualFold(t.Name, name) {
			return t, true
		}
	}
	return Template{}, false
}

var templates = byName(
	Template{Name: "GA4", API: "gtag", Hosts: []string{"www.googletagmanager.com"}, ID: "G-XXXXXXXXXX", id: whole(`G-[A-Z0-9]{4,16}`), script: "google",
		Vendor: vendor("ga4", "Google Analytics (Google Ireland Limited)", Analytics, "US", "https://policies.google.com/privacy", cookie("_ga", "2 years", tellsApart), cookie("_ga_*", "2 years", keepsVisit))},
	Template{Name: "Ads", API: "gtag", Hosts: []string{"www.googletagmanager.com"}, ID: "AW-123456789", id: whole(`AW-[0-9]{6,16}`), script: "google",
		Vendor: vendor("google-ads", "Google Ads (Google Ireland Limited)", Marketing, "US", "https://policies.google.com/technologies/ads", cookie("_gcl_*", "90 days", connectsSale))},
	Template{Name: "GTM", API: "gtm", Hosts: []string{"www.googletagmanager.com"}, ID: "GTM-XXXXXXX", id: whole(`GTM-[A-Z0-9]{4,12}`), script: "gtm",
		Vendor: vendor("google-tag-manager", "Google Tag Manager (Google Ireland Limited)", Analytics, "US", "https://policies.google.com/privacy")},
	Template{Name: "Meta", API: "meta", Hosts: []string{"connect.facebook.net"}, ID: "1234567890", id: whole(`[0-9]{5,20}`), script: "meta",
		Vendor: vendor("meta", "Meta Pixel (Meta Platforms Ireland Limited)", Marketing, "US", "https://www.facebook.com/privacy/policy", cookie("_fbp", "90 days", showsAds), cookie("_fbc", "90 days", connectsSale))},
	Template{Name: "UET", API: "uet", Hosts: []string{"bat.bing.com"}, ID: "12345678", id: whole(`[0-9]{5,12}`), script: "uet",
		Vendor: vendor("uet", "Microsoft Advertising (Microsoft Ireland Operations Limited)", Marketing, "US", "https://privacy.microsoft.com/privacystatement", cookie("_uetsid", "1 day", keepsVisit), cookie("_uetvid", "13 months", showsAds))},
	Template{Name: "Clarity", API: "clarity", Hosts: []string{"www.clarity.ms"}, ID: "a1b2c3d4e5", id: whole(`[a-z0-9]{8,12}`), script: "clarity",
		Vendor: vendor("clarity", "Microsoft Clarity (Microsoft Ireland Operations Limited)", Analytics, "US", "https://privacy.microsoft.com/privacystatement", cookie("_clck", "1 year", tellsApart), cookie("_clsk", "1 day", keepsVisit))},
	Template{Name: "LinkedIn", Hosts: []string{"snap.licdn.com"}, ID: "1234567", id: whole(`[0-9]{4,12}`), script: "linkedin",
		Vendor: vendor("linkedin", "LinkedIn Insight Tag (LinkedIn Ireland Unlimited Company)", Marketing, "US", "https://www.linkedin.com/legal/privacy-policy", cookie("li_fat_id", "30 days", connectsSale))},
	Template{Name: "TikTok", API: "tiktok", Hosts: []string{"analytics.tiktok.com"}, ID: "C4ABCDEFGHIJKLMNOPQR", id: whole(`[A-Z0-9]{12,32}`), script: "tiktok",
		Vendor: vendor("tiktok", "TikTok Pixel (TikTok Technology Limited)", Marketing, "US", "https://www.tiktok.com/legal/privacy-policy-eea", cookie("_ttp", "13 months", showsAds), cookie("ttclid", "13 months", connectsSale))},
	Template{Name: "Pinterest", API: "pinterest", Hosts: []string{"s.pinimg.com"}, ID: "2612345678901", id: whole(`[0-9]{8,20}`), script: "pinterest",
		Vendor: vendor("pinterest", "Pinterest Tag (Pinterest Europe Limited)", Marketing, "US", "https://policy.pinterest.com/privacy-policy", cookie("_pin_unauth", "1 year", showsAds), cookie("_epik", "1 year", connectsSale))},
	Template{Name: "Reddit", API: "reddit", Hosts: []string{"www.redditstatic.com"}, ID: "a2_abcdefgh1234", id: whole(`(t2|a2)_[a-z0-9]{4,20}`), script: "reddit",
		Vendor: vendor("reddit", "Reddit Pixel (Reddit, Inc.)", Marketing, "US", "https://www.reddit.com/policies/privacy-policy", cookie("_rdt_uuid", "90 days", showsAds))},
	Template{Name: "Snap", Hosts: []string{"sc-static.net"}, ID: "12345678-90ab-cdef-1234-567890abcdef", id: whole(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`), script: "snap",
		Vendor: vendor("snap", "Snap Pixel (Snap Group Limited)", Marketing, "US", "https://values.snap.com/privacy/privacy-policy", cookie("_scid", "13 months", showsAds))},
	Template{Name: "X", Hosts: []string{"static.ads-twitter.com"}, ID: "o1abc", id: whole(`[a-z0-9]{5,8}`), script: "x",
		Vendor: vendor("x-ads", "X Ads (X Internet Unlimited Company)", Marketing, "US", "https://x.com/privacy", cookie("_twclid", "90 days", connectsSale))},
	Template{Name: "Hotjar", Hosts: []string{"static.hotjar.com"}, ID: "1234567", id: whole(`[0-9]{4,10}`), script: "hotjar",
		Vendor: vendor("hotjar", "Hotjar (Contentsquare)", Analytics, "IE", "https://www.hotjar.com/legal/policies/privacy/", cookie("_hjSessionUser_*", "1 year", tellsApart), cookie("_hjSession_*", "30 minutes", keepsVisit))},
	Template{Name: "HubSpot", API: "hubspot", Hosts: []string{"js.hs-scripts.com"}, ID: "1234567", id: whole(`[0-9]{4,12}`), script: "hubspot",
		Vendor: vendor("hubspot", "HubSpot (HubSpot Ireland Limited)", Marketing, "US", "https://legal.hubspot.com/privacy-policy", cookie("hubspotutk", "6 months", tellsApart), cookie("__hstc", "6 months", tellsApart), cookie("__hssc", "30 minutes", keepsVisit), cookie("__hssrc", "session", keepsVisit))},
	Template{Name: "Matomo", API: "matomo", Hosts: []string{"*"}, ID: "stats.shop.example/3", id: whole(`[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+(:[0-9]{1,5})?(/[A-Za-z0-9_-]{1,40}){0,4}/[0-9]{1,9}`), script: "matomo",
		Vendor: vendor("matomo", "Matomo, run by ourselves", Analytics, "", "", cookie("_pk_id*", "13 months", tellsApart), cookie("_pk_ses*", "30 minutes", keepsVisit), cookie("_pk_ref*", "6 months", "Keeps where the visit came from."))},
	Template{Name: "Plausible", API: "plausible", Hosts: []string{"plausible.io"}, ID: "shop.example", id: whole(`pa-[A-Za-z0-9_-]{8,64}|[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+`), script: "plausible",
		Vendor: vendor("plausible", "Plausible Insights OÜ", Analytics, "EE", "https://plausible.io/data-policy")},
	Template{Name: "PostHog", API: "posthog", Hosts: []string{"us-assets.i.posthog.com", "eu-assets.i.posthog.com"}, ID: "phc_abcdefghijklmnopqrstuvwxyz@eu", id: whole(`phc_[A-Za-z0-9]{20,64}(@(eu|us))?`), script: "posthog",
		Vendor: vendor("posthog", "PostHog, Inc.", Analytics, "US", "https://posthog.com/privacy", cookie("ph_*", "1 year", tellsApart), stored("ph_*", "local", "persistent", tellsApart))},
	Template{Name: "Segment", API: "segment", Hosts: []string{"cdn.segment.com"}, ID: "abcdefghijklmnopqrstuvwxyz012345", id: whole(`[A-Za-z0-9]{16,64}`), script: "segment",
		Vendor: vendor("segment", "Segment (Twilio Inc.)", Analytics, "US", "https://www.twilio.com/en-us/legal/privacy", cookie("ajs_*", "1 year", tellsApart), stored("ajs_*", "local", "persistent", tellsApart))},
	Template{Name: "Mixpanel", API: "mixpanel", Hosts: []string{"cdn.mxpnl.com"}, ID: "0123456789abcdef0123456789abcdef", id: whole(`[0-9a-f]{32}`), script: "mixpanel",
		Vendor: vendor("mixpanel", "Mixpanel, Inc.", Analytics, "US", "https://mixpanel.com/legal/privacy-policy/", cookie("mp_*", "1 year", tellsApart), stored("__mp*", "local", "persistent", keepsVisit))},
)

// What most of it is for.
const (
	tellsApart   = "Tells visitors apart to count them."
	keepsVisit   = "Keeps the state of the visit."
	connectsSale = "Connects a purchase with the advertisement that led to it."
	showsAds     = "Recognizes the browser to show and measure advertisements."
)

func byName(list ...Template) map[string]Template {
	all := make(map[string]Template, len(list))
	for _, t := range list {
		all[t.Name] = t
	}
	return all
}

// whole matches the whole text, or not at all.
func whole(pattern string) *regexp.Regexp { return regexp.MustCompile(`\A(?:` + pattern + `)\z`) }

func vendor(key, name, category, country, policy string, entries ...Stored) Vendor {
	return Vendor{Key: key, Name: name, Category: category, Country: country, PolicyURL: policy, Entries: entries}
}

func stored(name, kind, duration, purpose string) Stored {
	return Stored{Name: name, Kind: kind, Duration: duration, Purpose: map[string]string{"en": purpose}}
}

func cookie(name, duration, purpose string) Stored { return stored(name, "cookie", duration, purpose) }

// block is the vendor as a notice file says it, ready to be pasted.
func (t Template) block() string {
	var b strings.Builder
	set := func(key, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s = %q\n", key, value)
		}
	}
	v := t.Vendor
	b.WriteString("[[vendor]]\n")
	set("key", v.Key)
	set("name", v.Name)
	set("category", v.Category)
	set("country", v.Country)
	set("policy_url", v.PolicyURL)
	for _, s := range v.Entries {
		b.WriteString("[[vendor.stores]]\n")
		set("name", s.Name)
		if s.Kind != "cookie" {
			set("kind", s.Kind)
		}
		set("duration", s.Duration)
		set("purpose", s.Purpose["en"])
	}
	return b.String()
}

// TagScript is the script that loads the registered tags of a category of n for
// a visitor who grants the vendors that allowed says; nil where that is none.
// Ids and addresses are data in it, never code.
func (n *Notice) TagScript(category string, allowed func(vendor string) bool) ([]byte, error) {
	var b strings.Builder
	for _, t := range n.Tags {
		i := slices.IndexFunc(n.Vendors, func(v Vendor) bool { return v.Key == t.Vendor })
		if i < 0 || n.Vendors[i].Category != category || !allowed(t.Vendor) {
			continue
		}
		file, id := t.Kind, t.Src
		if t.Kind == tagTemplate {
			known, ok := templates[t.Template]
			if !ok || !known.id.MatchString(t.ID) {
				return nil, fmt.Errorf("tag of vendor %s: no template %q for the id %q", t.Vendor, clip(t.Template), clip(t.ID))
			}
			file, id = known.script, t.ID
		}
		code, err := templateScript(file)
		if err != nil {
			return nil, fmt.Errorf("tag of vendor %s: %w", t.Vendor, err)
		}
		fmt.Fprintf(&b, "[%s, %s, %s],\n", quote(t.Vendor), code, quote(id))
	}
	if b.Len() == 0 {
		return nil, nil
	}
	run, err := templateScript("run")
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "(%s)(%s, [\n%s]);\n", run, quote(category), b.String()), nil
}

// tagTemplate is the kind of tags that a template makes.
const tagTemplate = "template"

var comments = regexp.MustCompile(`(?m)^\s*//.*\n`)

func templateScript(name string) (string, error) {
	code, err := templateFiles.ReadFile("templates/" + name + ".js")
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(comments.ReplaceAllString(string(code), "")), nil
}

// quote is a text as ECMAScript writes it, and as a page that holds it inline
// could: JSON with <, > and & escaped.
func quote(text string) string {
	b, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string always encodes
	}
	return string(b)
}
