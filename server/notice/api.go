package notice

import (
	"fmt"
	"slices"

	"github.com/volenti-consent/volenti/server/catalogue"
)

// apis are the vendors' consent interfaces that the banner has an adapter for
// (banner/src/adapters), in the order in which they are told: Consent Mode's
// default stands before everything else.
var apis = []string{"gtag", "gtm", "uet", "clarity", "meta", "tiktok", "pinterest", "reddit", "matomo", "hubspot",
	"segment", "mixpanel", "posthog", "plausible", "adobe", "shopify", "wp"}

// noAPI is what a notice says of a vendor that shall not be told.
const noAPI = "none"

// APIs are the names of all adapters, in the order in which they are told.
func APIs() []string { return slices.Clone(apis) }

// API is the adapter that tells a vendor of n what was decided: the one the
// notice names, else that of the template its tags are of, else the
// catalogue's. "" is none.
func (n *Notice) API(v Vendor) string {
	api := v.API
	for i := 0; api == "" && i < len(n.Tags); i++ {
		if t, ok := templates[n.Tags[i].Template]; ok && n.Tags[i].Vendor == v.Key {
			api = t.API
		}
	}
	if api == "" {
		// The catalogue is embedded; one that can't be read fails its own tests.
		if known, err := catalogue.Load(); err == nil && known.Vendor(v.Key) != nil {
			api = known.Vendor(v.Key).API
		}
	}
	if !slices.Contains(apis, api) {
		return ""
	}
	return api
}

// Told are the indices of the vendors that an adapter speaks for.
func (n *Notice) Told(api string) []int {
	var told []int
	for i, v := range n.Vendors {
		if n.API(v) == api {
			told = append(told, i)
		}
	}
	return told
}

// usualMode is Consent Mode's where the file does not say: basic, which is what
// the law of the EEA and the UK leaves (EDPB Guidelines 2/2023), for whoever
// has a tag of Google's.
func (n *Notice) usualMode() string {
	if n.Told("gtag") != nil || n.Told("gtm") != nil {
		return "basic"
	}
	return modes[0]
}

func (l *linter) api(path, api string) {
	if api != "" && api != noAPI && !slices.Contains(apis, api) {
		l.fail(path, fmt.Sprintf("there is no adapter %q", clip(api)), "write "+suggest(api, append(APIs(), noAPI)))
	}
}
