package admin

import (
	"bytes"
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/volenti-consent/volenti/server/operator"
	"github.com/volenti-consent/volenti/server/site"
	"github.com/volenti-consent/volenti/web"
	"github.com/volenti-consent/volenti/web/console"
)

// A Desk is one request of an operator who may make it: the guard has seen to
// that. On open routes Operator and Session may be zero.
type Desk struct {
	echo.Context
	Operator operator.Operator
	Session  operator.Session
	Site     site.Site      // of the path, or zero
	Token    operator.Token // of a program, on Bearer routes, where Operator is zero

	console *Console
}

// May reports whether the operator has a right on the desk's site: what a page
// offers follows from the same table as what is answered.
func (d *Desk) May(right operator.Right) bool { return d.Operator.May(right, d.Site.Key) }

// Show answers with a page.
func (d *Desk) Show(page console.Page) error { return d.ShowAs(http.StatusOK, page) }

// ShowAs answers with a page and a status: 422 where a form comes back with what
// is to be mended in it.
func (d *Desk) ShowAs(status int, page console.Page) error {
	f := console.Of(page)
	f.Root = web.Root(d.Request().URL.EscapedPath())
	f.Now = d.console.Now()
	f.Token = d.token()
	f.Path = d.Request().URL.Path
	if f.Said == "" && d.Request().Method == http.MethodGet { // what is asked while one types is no page that tells
		f.Said = d.said()
	}
	if d.Operator.ID != "" && d.Session.By != operator.ByLink {
		f.Operator, f.Role = d.Operator.Name, string(d.Operator.Role)
		if err := d.menu(f); err != nil {
			return err
		}
	}
	var b bytes.Buffer
	if err := d.console.Pages.Render(&b, page); err != nil {
		return err
	}
	h := d.Response().Header()
	h.Set("Cache-Control", "no-store")
	if h.Get("Content-Security-Policy") == "" {
		h.Set("Content-Security-Policy", console.ContentSecurityPolicy)
	}
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("X-Frame-Options", "DENY")
	// Forms say where they are from, in Origin, only to whom the referrer is told.
	h.Set("Referrer-Policy", "same-origin")
	return d.HTMLBlob(status, b.Bytes())
}

// menu fills in where the operator may go.
func (d *Desk) menu(f *console.Frame) error {
	sites, err := d.console.sites(d.Request().Context(), d.Operator, "")
	if err != nil {
		return err
	}
	for _, s := range sites {
		f.Sites = append(f.Sites, console.MenuSite{Key: s.Key, Name: s.Name, Here: s.Key == d.Site.Key})
	}
	add := func(right operator.Right, site, path, label, icon string) {
		if d.Operator.May(right, site) {
			f.Menu = append(f.Menu, console.MenuItem{Path: path, Label: label, Icon: icon, Server: site == ""})
		}
	}
	if s := d.Site.Key; s != "" {
		base := "admin/sites/" + s
		add(operator.ReadStatistics, s, base, "Overview", "overview")
		add(operator.ReadNotices, s, base+"/notice", "Banner", "notice")
		add(operator.ReadPolicies, s, base+"/policies", "Policies", "policy")
		add(operator.ReadReceipts, s, base+"/receipts", "Receipts", "receipt")
		add(operator.ReadRequests, s, base+"/requests", "Requests", "request")
		if d.console.Retention != nil {
			add(operator.ReadLog, s, base+"/retention", "Retention", "retention")
		}
		add(operator.ReadNotices, s, base+"/embed", "Embed", "embed")
		add(operator.ReadLog, s, base+"/log", "Log", "log")
		f.Site, f.SiteName = s, d.Site.Name
	}
	add("", "", "admin", "Sites", "site")
	add(operator.ReadLog, "", "admin/log", "Log", "log")
	add(operator.WriteOperators, "", "admin/operators", "Operators", "operator")
	add(operator.WriteOperators, "", "admin/tokens", "Tokens", "token")
	add("", "", "admin/account", "Your account", "account")
	return nil
}

// Done answers a form that did what it was to do: on to another page, from the
// server's root, which says so once.
func (d *Desk) Done(to, said string) error {
	if said != "" {
		d.SetCookie(d.cookie(saidCookie, url.QueryEscape(said), saidLasts))
	}
	return d.Redirect(http.StatusSeeOther, web.Root(d.Request().URL.EscapedPath())+to)
}

// Note keeps what the operator did, for the audit log.
func (d *Desk) Note(what, object, detail string) error {
	who := d.Operator.ID
	if d.Token.ID != "" {
		who = "token " + d.Token.ID
	}
	return d.console.Operators.AddAct(d.Request().Context(), operator.Act{
		At: d.console.Now().UTC().Truncate(time.Millisecond), Operator: who, Site: d.Site.Key, What: what, Object: object, Detail: detail,
	})
}

const (
	saidCookie = "volenti-said"
	saidLasts  = time.Minute
)

// said is what the last form did, told once.
func (d *Desk) said() string {
	kept, err := d.Cookie(d.cookie(saidCookie, "", 0).Name)
	if err != nil {
		return ""
	}
	d.SetCookie(d.cookie(saidCookie, "", -1))
	said, err := url.QueryUnescape(kept.Value)
	if err != nil || len(said) > 300 {
		return ""
	}
	return said
}

// cookie is one of the console's: for this server alone, out of scripts' reach.
// A negative age deletes it.
func (d *Desk) cookie(name, value string, age time.Duration) *http.Cookie {
	c := &http.Cookie{Name: name, Value: value, Path: "/", HttpOnly: true, Secure: d.console.HTTPS, SameSite: http.SameSiteStrictMode} //nolint:gosec // Secure wherever there is https
	if c.MaxAge = int(age / time.Second); age < 0 {
		c.MaxAge = -1
	}
	if d.console.HTTPS {
		c.Name = "__Host-" + name
	}
	return c
}
