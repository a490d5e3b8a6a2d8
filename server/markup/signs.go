package markup

import (
	"regexp"
	"slices"
	"strings"

	"github.com/volenti-consent/volenti/server/notice"
)

// banners are the vendors of the catalogue that ask for consent themselves.
var banners = set("cookiebot onetrust usercentrics cookieyes didomi osano iubenda axeptio klaro consentmanager sourcepoint inmobi-cmp trustarc cookie-script civic-cookie-control termly cookiefirst cookiehub cookie-information ketch transcend tarteaucitron probo google-cmp")

func set(words string) map[string]bool {
	all := map[string]bool{}
	for _, word := range strings.Fields(words) {
		all[word] = true
	}
	return all
}

// calls are what vendors' published snippets do by name, where no address of
// theirs need be in the same script.
var calls = []struct {
	vendor  string // key of the catalogue
	pattern *regexp.Regexp
}{
	{"ga4", regexp.MustCompile(`\bgtag\s*\(\s*['"](?:config|event)['"]|\bga\s*\(\s*['"](?:create|send)['"]|\b_gaq\b`)},
	{"meta", regexp.MustCompile(`\bfbq\s*\(`)},
	{"tiktok", regexp.MustCompile(`\bttq\s*\.\s*(?:load|page|track|identify)\b`)},
	{"linkedin", regexp.MustCompile(`\b_linkedin_(?:data_)?partner_ids?\b|\blintrk\s*\(`)},
	{"pinterest", regexp.MustCompile(`\bpintrk\s*\(`)},
	{"reddit", regexp.MustCompile(`\brdt\s*\(\s*['"]`)},
	{"snap", regexp.MustCompile(`\bsnaptr\s*\(`)},
	{"x-ads", regexp.MustCompile(`\btwq\s*\(`)},
	{"uet", regexp.MustCompile(`\buetq\b`)},
	{"clarity", regexp.MustCompile(`\bclarity\s*\(\s*['"]`)},
	{"matomo", regexp.MustCompile(`\b_paq\b`)},
	{"hotjar", regexp.MustCompile(`\bhj\s*\(\s*['"]|\b_hjSettings\b`)},
	{"hubspot", regexp.MustCompile(`\b_hsq\b`)},
	{"mixpanel", regexp.MustCompile(`\bmixpanel\s*\.\s*(?:init|track)\b`)},
	{"posthog", regexp.MustCompile(`\bposthog\s*\.\s*(?:init|capture)\b`)},
	{"plausible", regexp.MustCompile(`\bplausible\s*\(`)},
	{"amplitude", regexp.MustCompile(`\bamplitude\s*\.\s*(?:init|getInstance|track)\b`)},
	{"heap", regexp.MustCompile(`\bheap\s*\.\s*(?:load|track)\b`)},
	{"criteo", regexp.MustCompile(`\bcriteo_q\b`)},
	{"taboola", regexp.MustCompile(`\b_tfa\b|\b_taboola\b`)},
	{"outbrain", regexp.MustCompile(`\bobApi\s*\(`)},
	{"yandex-metrica", regexp.MustCompile(`\bym\s*\(\s*\d`)},
	{"intercom", regexp.MustCompile(`\bintercomSettings\b|\bIntercom\s*\(`)},
	{"crisp", regexp.MustCompile(`\$crisp\b`)},
	{"tawk", regexp.MustCompile(`\bTawk_API\b`)},
	{"adobe-launch", regexp.MustCompile(`\b_satellite\b`)},
	{"klaviyo", regexp.MustCompile(`\b_learnq\b|\bklaviyo\s*\.\s*(?:push|identify|track)\b`)},
}

// quoted is an address, or its beginning, in a string of a script.
var quoted = regexp.MustCompile(`["'` + "`" + `]((?:https?:|wss?:)?(?:\\?/){2}[A-Za-z0-9.-]+\.[A-Za-z]{2,}(?:[:/?#\\][^"'` + "`" + `\s]*)?)`)

// comments of a script, as far as they can be told without reading it: whole
// lines, and what stands between marks.
var comments = regexp.MustCompile(`(?s)/\*.*?\*/|(?m)^\s*//[^\n]*$`)

// A sign gives away that an inline script brings a third party along.
type sign struct {
	what    string // the address, or the call
	host    string
	verdict notice.Verdict
}

// signs are one for each vendor that a script names by address or calls. A
// host that nobody knows may be anything, so it is none.
func (r *reader) signs(text string) []sign {
	text = comments.ReplaceAllString(text, " ")
	var found []sign
	seen := map[string]bool{}
	for _, m := range quoted.FindAllStringSubmatch(text, -1) {
		address := strings.ReplaceAll(m[1], `\/`, "/")
		v := r.rules.JudgeText(address, r.base, r.host)
		host := hostOf(address, r.base)
		key := v.Vendor
		if v.Known != nil {
			key = v.Known.Key
		}
		if v.Free() || v.Reason == notice.Unknown || seen[key] {
			continue
		}
		seen[key] = true
		found = append(found, sign{address, host, v})
	}
	for _, c := range calls {
		known := r.catalogue.Vendor(c.vendor)
		if call := strings.TrimSpace(c.pattern.FindString(text)); call != "" && known != nil && !seen[c.vendor] && !r.covered(found, c.vendor) {
			v := r.rules.JudgeVendor(known)
			if v.Free() {
				continue
			}
			seen[c.vendor] = true
			found = append(found, sign{call, "", v})
		}
	}
	return found
}

// covered reports whether a call goes to a vendor that was found by address
// under another name: gtag to Google Ads, _paq to a Matomo of the site's own.
func (r *reader) covered(found []sign, vendor string) bool {
	api := r.catalogue.Vendor(vendor).API
	return slices.ContainsFunc(found, func(s sign) bool {
		if s.verdict.Known != nil {
			return api != "" && s.verdict.Known.API == api
		}
		i := slices.IndexFunc(r.n.Vendors, func(v notice.Vendor) bool { return v.Key == s.verdict.Vendor })
		return i >= 0 && (r.n.Vendors[i].API == api || r.n.Vendors[i].Key == vendor)
	})
}
