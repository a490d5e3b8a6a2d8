package visitor

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/volenti-consent/volenti/server/notice"
)

// CSP answers GET /v1/sites/{site}/csp: the Content-Security-Policy for this
// visitor's pages. With it the browser itself refuses what was not granted,
// whoever asks for it: a script of a script, a style sheet, a worker. It is made
// for servers that ask on behalf of the page: auth_request, forward_auth, a
// function at an edge.
type CSP struct {
	Script    *Script
	Rules     func(*notice.Notice) *notice.Rules
	PublicURL string // the server's own address; or "", then the one it is asked under
	// Trusted reports whether a request comes from a proxy whose word counts; nil
	// trusts nobody.
	Trusted func(*http.Request) bool
}

// Names of the header that carries a policy.
const (
	EnforcedPolicy = "Content-Security-Policy"
	ReportedPolicy = "Content-Security-Policy-Report-Only"
)

// Get answers 204 with the header, or JSON to whoever accepts that before
// everything else. With ?report-only the browser only tells.
func (p *CSP) Get(c echo.Context) error {
	h := c.Response().Header()
	h.Set("Cache-Control", "private, no-store")
	h.Set("Vary", "Accept, Cookie, Sec-GPC, DNT")
	r := c.Request()
	if r.Header.Get("X-Forwarded-For") != "" && (p.Trusted == nil || !p.Trusted(r)) {
		// Somebody asks for somebody else, and is not to be believed. His own region
		// is not the visitor's: an edge's is that of its data center.
		r = r.Clone(r.Context())
		r.RemoteAddr = ""
	}
	grants, err := p.Script.Grants(r, c.Param("site"))
	if err != nil {
		return err
	}
	name := EnforcedPolicy
	if r.URL.Query().Has("report-only") {
		name = ReportedPolicy
	}
	policy := p.Policy(r, grants)
	if strings.HasPrefix(r.Header.Get("Accept"), echo.MIMEApplicationJSON) {
		return c.JSON(http.StatusOK, map[string]string{"header": name, "policy": policy})
	}
	h.Set(name, policy)
	return c.NoContent(http.StatusNoContent)
}

// Policy is the text for these grants. It says from where a page may load, and
// nothing else: inline scripts and the like are the business of the site's own
// policy, which counts beside this one.
func (p *CSP) Policy(r *http.Request, g Grants) string {
	var b strings.Builder
	b.WriteString("default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:")
	var written []string
	add := func(source string) {
		if source != "" && !slices.Contains(written, source) {
			written = append(written, source)
			b.WriteString(" " + source)
		}
	}
	add(p.origin(r))
	for _, origin := range g.Live.Notice.Origins {
		add(origin) // with its port
	}
	for _, pattern := range p.Rules(g.Live.Notice).Sources(g.Allows) {
		for _, host := range hosts(pattern.Host) {
			if pattern.Path == "" {
				add(host)
				continue
			}
			// A path without a final slash is meant exactly (CSP3 § 6.7.2.12), and a
			// pattern is the beginning of one.
			path := strings.NewReplacer(";", "%3B", ",", "%2C").Replace(pattern.Path)
			add(host + path)
			if !strings.HasSuffix(path, "/") {
				add(host + path + "/")
			}
		}
	}
	return b.String()
}

// origin is where banner and decisions are.
func (p *CSP) origin(r *http.Request) string {
	if u, err := url.Parse(p.PublicURL); err == nil && u.Host != "" {
		return u.Scheme + "://" + u.Host
	}
	if strings.Trim(r.Host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]") != "" {
		return "" // what a client wrote there must not write the policy
	}
	return strings.ToLower(r.Host)
}

// hosts are a host and all below it, as sources.
func hosts(host string) []string {
	if addr, err := netip.ParseAddr(host); err == nil {
		if addr.Is6() {
			return nil // there is no source for those
		}
		return []string{host}
	}
	return []string{host, "*." + host}
}
