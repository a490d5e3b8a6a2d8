package notice

import (
	"errors"
	"math"
	"net/mail"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/text/language"
)

var (
	siteKey   = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$`) // as server/site has it; also of policies
	ownKey    = regexp.MustCompile(`^[a-z]([a-z0-9_-]{0,38}[a-z0-9])?$`)   // of categories and vendors
	color     = regexp.MustCompile(`^#[0-9a-f]{6}$`)
	token     = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$") // RFC 9110 § 5.6.2, a cookie's name by RFC 6265 § 4.1.1
	hostLabel = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	port      = regexp.MustCompile(`^[1-9][0-9]{0,4}$`)
	region    = regexp.MustCompile(`^([A-Z]{2})(-[A-Z0-9]{1,3})?$`) // ISO 3166-1, 3166-2
	duration  = regexp.MustCompile(`^([1-9][0-9]{0,3}) (second|minute|hour|day|week|month|year)(s?)$`)
)

// polluting are names that mean something to every JavaScript object. As keys
// they would reach into prototypes of pages that copy a decision carelessly.
var polluting = map[string]bool{"__proto__": true, "constructor": true, "prototype": true}

// Lifetimes that are not a number of seconds.
const (
	UntilClosed  int64 = 0             // "session"
	UntilDeleted int64 = math.MaxInt64 // "persistent"
)

// ErrDuration is returned by Seconds.
var ErrDuration = errors.New(`not a lifetime: write "session", "persistent", or a number and a unit such as "30 days", "13 months", "2 years"`)

// A month is a twelfth of 365 days, so that "12 months" and "1 year" are the same.
const (
	day   = 24 * 60 * 60
	year  = 365 * day
	month = year / 12
)

var unitSeconds = map[string]int64{
	"second": 1, "minute": 60, "hour": 60 * 60, "day": day, "week": 7 * day, "month": month, "year": year,
}

// Seconds is how long something with the given declared lifetime stays on the
// device: UntilClosed, UntilDeleted, or a number of seconds.
func Seconds(lifetime string) (int64, error) {
	switch lifetime {
	case "session":
		return UntilClosed, nil
	case "persistent":
		return UntilDeleted, nil
	}
	part := duration.FindStringSubmatch(lifetime)
	if part == nil || (part[1] == "1") != (part[3] == "") {
		return 0, ErrDuration
	}
	n, err := strconv.ParseInt(part[1], 10, 64)
	if err != nil {
		return 0, ErrDuration
	}
	return n * unitSeconds[part[2]], nil
}

// local reports whether a host is this machine, or a name that no public
// registry gives away (RFC 6761): the only ones allowed without TLS.
func local(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") || strings.HasSuffix(host, ".test") {
		return true
	}
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && addr.IsLoopback()
}

// origin says what is wrong with an origin, and what to write instead; both
// are empty for one that a browser could send in the Origin header
// (RFC 6454 § 6.2), which is what requests are compared with byte by byte.
func origin(s string) (what, remedy string) {
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok || scheme != "https" && scheme != "http" {
		return "is not an origin", `write scheme and host, such as "https://shop.example"`
	}
	if strings.ContainsAny(rest, "/?#@") {
		host, _, _ := strings.Cut(rest, "/")
		if strings.ContainsAny(host, "?#@") || host == "" {
			return "is more than an origin", `write scheme and host only, such as "https://shop.example"`
		}
		return "has a path", "write " + scheme + "://" + host
	}
	if strings.Contains(rest, "*") {
		return "has a wildcard", "list every origin that embeds the banner by itself"
	}
	host := rest
	if i := strings.LastIndexByte(rest, ':'); i >= 0 && !strings.HasSuffix(rest, "]") {
		number := rest[i+1:]
		host = rest[:i]
		if n, err := strconv.Atoi(number); err != nil || !port.MatchString(number) || n > 65535 {
			return "has a port that is none", "write a number from 1 to 65535, or nothing for the scheme's own"
		}
		if scheme == "https" && number == "443" || scheme == "http" && number == "80" {
			return "names the port that " + scheme + " has anyway, so that no browser sends it", "write " + scheme + "://" + strings.ToLower(host)
		}
	}
	if host != strings.ToLower(host) {
		return "has capital letters, so that no browser sends it", "write " + strings.ToLower(s)
	}
	if !validHost(host) {
		return "has no valid host", "write a host name in ASCII (an international one in its xn-- form) or an address, without a final dot"
	}
	if scheme == "http" && !local(host) {
		return "is not encrypted, so that anybody on the way could change the banner", "write https://" + strings.TrimPrefix(s, "http://") + "; http is for localhost and .test names"
	}
	return "", ""
}

func validHost(host string) bool {
	if inner, ok := strings.CutPrefix(host, "["); ok {
		inner, ok = strings.CutSuffix(inner, "]")
		addr, err := netip.ParseAddr(inner)
		return ok && err == nil && addr.Is6() && addr.Zone() == "" && addr.String() == inner
	}
	if len(host) > 253 {
		return false
	}
	labels := strings.Split(host, ".")
	for _, label := range labels {
		if !hostLabel.MatchString(label) {
			return false
		}
	}
	if last := labels[len(labels)-1]; strings.Trim(last, "0123456789") == "" {
		addr, err := netip.ParseAddr(host) // what ends in a number is an IPv4 address to a browser
		return err == nil && addr.Is4()
	}
	return true
}

// webURL says what is wrong with an address that a browser will load or
// follow, and what to write instead. Schemes are a list of what is allowed:
// javascript:, data: and whatever comes next are not on it.
func webURL(s string) (what, remedy string) {
	const want = `write a whole address, such as "https://shop.example/privacy"`
	if len(s) > maxURL {
		return "is too long", "write one of at most " + strconv.Itoa(maxURL) + " bytes"
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("\\\"'<>^`{|}", r) }) {
		return "has characters that an address can't have", "write others percent-encoded, such as %20 for a space"
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme == "" {
		return "is not an address", want
	}
	if u.Scheme != "https" && u.Scheme != "http" {
		return "has the scheme " + clip(u.Scheme) + ":", want
	}
	if u.Host == "" || u.Opaque != "" {
		return "has no host", want
	}
	if u.User != nil {
		return "has a user name in it", "leave everything up to the @ out"
	}
	if u.Scheme == "http" && !local(strings.ToLower(u.Hostname())) {
		return "is not encrypted", "write https://…; http is for localhost and .test names"
	}
	if h := strings.ToLower(u.Host); !validHost(strings.TrimSuffix(h, ":"+u.Port())) {
		return "has no valid host", want
	}
	return "", ""
}

// contact says what is wrong with a controller's contact.
func contact(s string) (what, remedy string) {
	if strings.Contains(s, "://") {
		return webURL(s)
	}
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s || strings.HasPrefix(s, "mailto:") {
		return "is neither an e-mail address nor an https address", `write "privacy@shop.example" or "https://shop.example/contact"`
	}
	return "", ""
}

// country reports whether s is a country by ISO 3166-1 alpha-2.
func country(s string) bool {
	if len(s) != 2 || s != strings.ToUpper(s) {
		return false
	}
	switch s {
	case "EZ", "UN", "AN", "SU": // the tables of CLDR have them; no data goes there any more, or ever did
		return false
	}
	r, err := language.ParseRegion(s)
	return err == nil && r.IsCountry() && r.Canonicalize().String() == s
}
