package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// outside are the checks that ask somebody: the server as visitors reach it, the mail
// server, the company's sign-in.
func (d *doctor) outside() []examination {
	return []examination{
		{"reach.tls", d.reachTLS},
		{"reach.script", d.reachScript},
		{"reach.cookies", d.reachCookies},
		{"reach.mail", d.reachMail},
		{"reach.sign-in", d.reachCompany},
	}
}

// patience is how long one answer may take.
const patience = 10 * time.Second

func asker() *http.Client {
	return &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// A reply is what the server answered, read.
type reply struct {
	status  int
	header  http.Header
	cookies []*http.Cookie
	body    string
}

func (d *doctor) get(ctx context.Context, path string, header http.Header) (reply, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, d.cfg.PublicURL+path, nil)
	if err != nil {
		return reply{}, err
	}
	for name, values := range header {
		r.Header[name] = values
	}
	resp, err := asker().Do(r)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 4<<20))
	return reply{resp.StatusCode, resp.Header, resp.Cookies(), string(b)}, err
}

// soonOver is how long before its end a certificate should have been renewed.
const soonOver = 14 * 24 * time.Hour

func (d *doctor) reachTLS(ctx context.Context) error {
	u, err := url.Parse(d.cfg.PublicURL)
	if err != nil || u.Host == "" {
		d.hint("set public_url to the address visitors use", "there is no public_url, so nothing can be reached")
		return nil
	}
	if u.Scheme != "https" {
		return nil
	}
	address := u.Host
	if u.Port() == "" {
		address = net.JoinHostPort(u.Hostname(), "443")
	}
	dialer := &tls.Dialer{NetDialer: &net.Dialer{Timeout: patience}, Config: &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12}}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		d.problem("renew the certificate, send its whole chain, and open the port", "%s is not reached over TLS that browsers trust: %v", u.Host, err)
		return nil
	}
	defer conn.Close()
	secure, ok := conn.(*tls.Conn)
	if !ok {
		return errors.New("no TLS")
	}
	if leaf := secure.ConnectionState().PeerCertificates[0]; leaf.NotAfter.Sub(d.now()) < soonOver {
		d.problem("renew it; with tls.domains volenti does so itself", "the certificate of %s ends on %s", u.Host, leaf.NotAfter.Format("2 January 2006"))
	}
	return nil
}

// servedRegion is the region in the token at the end of a script.
var servedRegion = regexp.MustCompile(`"t":"1\.[^."]+\.[^."]*\.[^."]+\.([^."]+)\.([dho-])\.`)

// reachScript looks at a banner script as a visitor's browser gets it.
func (d *doctor) reachScript(ctx context.Context) error {
	if d.cfg.PublicURL == "" {
		return nil
	}
	if ready, err := d.get(ctx, "/readyz", nil); err != nil {
		d.problem("open the port, name the right address in public_url, or start the server", "the server is not reached at public_url: %v", err)
		return nil
	} else if ready.status != http.StatusOK {
		d.problem("see the server's log: most often the disk is full", "the server can't record decisions: /readyz answers %d", ready.status)
	}
	key, err := d.anySite(ctx)
	if err != nil || key == "" {
		return err
	}
	script, err := d.get(ctx, "/b/"+key+".js", nil)
	if err != nil {
		return err
	}
	if script.status != http.StatusOK {
		d.problem("let the proxy pass everything below "+d.cfg.PublicURL+"/b/ to volenti", "the script of site %s answers %d", key, script.status)
		return nil
	}
	h := script.header
	if !strings.HasPrefix(h.Get("Content-Type"), "text/javascript") || h.Get("X-Content-Type-Options") != "nosniff" {
		d.problem("let the proxy pass Content-Type and X-Content-Type-Options as they come", "the script of site %s comes as %q", key, h.Get("Content-Type"))
	}
	vary := strings.ToLower(strings.Join(h.Values("Vary"), ","))
	for _, name := range []string{"accept-language", "sec-gpc", "dnt"} {
		if !strings.Contains(vary, name) {
			d.problem("let the proxy pass Vary as it comes, and cache no banner script", "Vary of the script does not name %s: a cache would give one visitor the banner of another", name)
		}
	}
	if cache := h.Get("Cache-Control"); strings.Contains(cache, "public") || strings.Contains(cache, "immutable") || h.Get("Age") != "" {
		d.problem("exclude /b/*.js from the cache", "the script comes out of a cache (Cache-Control %q, Age %q): visitors would be asked by the law of others", cache, h.Get("Age"))
	}
	if len(h.Values("Set-Cookie")) > 0 {
		d.problem("switch off what sets cookies in the proxy: sessions, load balancing, bot detection", "a cookie comes with the script, before any consent: %s", nameOfCookie(h.Get("Set-Cookie")))
	}
	if strings.HasPrefix(d.cfg.PublicURL, "https://") && h.Get("Strict-Transport-Security") == "" {
		d.hint("let the proxy pass Strict-Transport-Security", "the script comes without Strict-Transport-Security")
	}
	return d.reachRegion(ctx, key, script.body)
}

// forged are the headers by which a visitor could choose the law, if anybody believed
// them: Greenland's, which has none of its own in any continent's network.
var forged = http.Header{
	"Cf-Ipcountry": {"GL"}, "Cloudfront-Viewer-Country": {"GL"}, "X-Vercel-Ip-Country": {"GL"}, "X-Appengine-Country": {"GL"}, "X-Country-Code": {"GL"},
	"X-Akamai-Edgescape": {"country_code=GL"}, "X-Client-Geo-Location": {"GL,"}, "Fastly-Client-Geo-Country": {"GL"},
}

func (d *doctor) reachRegion(ctx context.Context, key, script string) error {
	before := servedRegion.FindStringSubmatch(script)
	header := forged.Clone()
	if d.cfg.CountryHeader != "" {
		header.Set(d.cfg.CountryHeader, "GL")
	}
	again, err := d.get(ctx, "/b/"+key+".js", header)
	if err != nil {
		return err
	}
	after := servedRegion.FindStringSubmatch(again.body)
	if before == nil || after == nil {
		return errors.New("the script names no region")
	}
	if before[1] == "-" {
		d.hint("set geo.trusted_proxies and geo.address_header for the proxy before the server; from within a private network this is as it should be", "the server does not know where this request came from, and asks by the strictest law")
	}
	if after[1] == "GL" && before[1] != "GL" {
		d.problem("let the edge or the proxy overwrite its region header in every request, and list only its networks in geo.trusted_proxies", "whoever sends the header of an edge is believed to be where it says: any visitor could choose the law")
	}
	return nil
}

// anySite is a site with a banner.
func (d *doctor) anySite(ctx context.Context) (key string, err error) {
	db, err := d.cfg.home().openToRead(ctx)
	if err != nil {
		return "", nil //nolint:nilerr // told before
	}
	latest, err := db.Latest(ctx)
	for site := range latest {
		if key == "" || site < key {
			key = site
		}
	}
	return key, errors.Join(err, db.Close())
}

func nameOfCookie(line string) string {
	name, _, _ := strings.Cut(line, "=")
	return name
}

// reachCookies looks at those of the sign-in page; a decision is not made for a check.
func (d *doctor) reachCookies(ctx context.Context) error {
	if !strings.HasPrefix(d.cfg.PublicURL, "https://") {
		return nil
	}
	page, err := d.get(ctx, "/admin/sign-in", nil)
	if err != nil {
		return nil //nolint:nilerr // told before
	}
	for _, c := range page.cookies {
		if !c.Secure || !c.HttpOnly || c.SameSite == http.SameSiteDefaultMode {
			d.problem("let the proxy pass Set-Cookie as it comes", "the cookie %s lacks Secure, HttpOnly or SameSite", c.Name)
		}
	}
	return nil
}

func (d *doctor) reachMail(ctx context.Context) error {
	if d.cfg.SMTPAddress == "" {
		return nil
	}
	server, err := d.cfg.mailServer()
	if err != nil {
		return nil //nolint:nilerr // told with the configuration
	}
	if err := server.Try(ctx); err != nil {
		d.problem("change smtp.address, security, user or password_file, or the mail server", "the mail server does not take what is handed to it: %v", err)
	}
	return nil
}

func (d *doctor) reachCompany(ctx context.Context) error {
	if d.cfg.OIDCIssuer == "" {
		return nil
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(d.cfg.OIDCIssuer, "/")+"/.well-known/openid-configuration", nil)
	if err != nil {
		return err
	}
	resp, err := asker().Do(r)
	if err == nil {
		err = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			err = fmt.Errorf("it answers %d", resp.StatusCode)
		}
	}
	if err != nil {
		d.problem("name the issuer exactly as the company's directory does", "the sign-in at %s can't be found: %v", d.cfg.OIDCIssuer, err)
	}
	return nil
}
