package visitor

import (
	"bytes"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/volenti-consent/volenti/web"
)

// optOutCookie says that this browser opted out on every site of this server. It is
// the same for everybody who did, so it identifies nobody; it needs no signature,
// since whoever forges one opts out.
const optOutCookie = "volenti-optout"

// optOutLasts is as long as browsers keep any cookie (RFC 6265bis § 5.5); each look
// at the page, and each script, begins it anew.
const optOutLasts = 400 * 24 * time.Hour

// optedOut reports whether the request comes from a browser that opted out here.
func optedOut(r *http.Request) bool {
	cookie, err := r.Cookie(optOutCookie)
	return err == nil && cookie.Value == "1"
}

// An OptOut is the page /opt-out: one opt-out from sale, sharing and targeted
// advertising that counts on every site this server serves, as a signal does.
//
// What a browser sends along to the server from the pages of a site is what was set
// under the site's own domain. So the opt-out is made where the visitor is, and then
// carried to the other addresses of this server, from one to the next, as pages that
// the visitor opens: there each sets its own first-party cookie (optout_run.go). To a site
// whose pages have the script from a foreign host it is carried in the address of a page
// of its own (optout_page.go).
type OptOut struct {
	Web       *web.Renderer
	PublicURL string
	HTTPS     bool
	Directory *Directory // whose sites are listed; nil lists none
	Passes    *Passes
	Addresses []string // further addresses of this server: "https://consent.shop.example", "https://www.blog.example/consent"
	Runs      RunStore // nil only where Directory is
	Now       func() time.Time
}

// Get answers the page.
func (o *OptOut) Get(c echo.Context) error {
	r := c.Request()
	page := &web.OptOut{Head: web.Head{Language: r.Header.Get("Accept-Language")}, On: optedOut(r), Signal: gpcHeader(r)}
	lang := r.URL.Query().Get("lang")
	if lang != "" {
		page.Language = lang
	}
	page.Root = web.Root(r.URL.EscapedPath())
	if err := o.list(r, page, r.URL.Query().Get("run"), lang); err != nil {
		return err
	}
	var b bytes.Buffer
	if err := o.Web.Render(&b, page); err != nil {
		return err
	}
	if page.On {
		o.set(c, o.HTTPS, optOutLasts)
	}
	h := c.Response().Header()
	h.Set("Cache-Control", "private, no-store")
	h.Set("Content-Security-Policy", web.FormSecurityPolicy)
	h.Set("Referrer-Policy", "same-origin")
	return c.HTMLBlob(http.StatusOK, b.Bytes())
}

// Post opts out, or takes that back. It fails with ErrForm for what another site
// sent: nobody opts in again on a visitor's behalf.
func (o *OptOut) Post(c echo.Context) error {
	r := c.Request()
	origin, err := formOrigin(r, o.PublicURL)
	if err != nil {
		return err
	}
	r.Body = http.MaxBytesReader(c.Response(), r.Body, 1<<10)
	if err := r.ParseForm(); err != nil {
		return ErrForm
	}
	on := r.PostForm.Get("action") == "on"
	switch {
	case on:
		o.set(c, o.HTTPS, optOutLasts)
	case r.PostForm.Get("action") == "off":
		o.set(c, o.HTTPS, -1)
	default:
		return ErrForm
	}
	query := url.Values{}
	if lang := r.URL.Query().Get("lang"); lang != "" && strings.Trim(lang, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-") == "" {
		query.Set("lang", lang)
	}
	if o.Directory != nil {
		if run := o.begin(r, origin, on, query.Get("lang")); run != "" {
			query.Set("run", run)
		}
	}
	to := "opt-out"
	if len(query) > 0 {
		to += "?" + query.Encode()
	}
	return c.Redirect(http.StatusSeeOther, to)
}

// set sends the cookie. It goes to pages of all sites, so it is not partitioned by
// them; browsers that keep third-party cookies apart send it to their own site only.
func (o *OptOut) set(c echo.Context, secure bool, lasts time.Duration) {
	cookie := &http.Cookie{Name: optOutCookie, Value: "1", Path: "/", MaxAge: int(lasts / time.Second), HttpOnly: true, SameSite: http.SameSiteLaxMode}
	if lasts < 0 {
		cookie.MaxAge = -1
	}
	if secure {
		cookie.Secure, cookie.SameSite = true, http.SameSiteNoneMode
	}
	c.SetCookie(cookie)
}

// list adds the sites of this server, and what the run came to at each.
func (o *OptOut) list(r *http.Request, page *web.OptOut, id, lang string) error {
	if o.Directory == nil {
		return nil
	}
	made, running, err := o.of(r.Context(), id)
	if err != nil {
		return err
	}
	for _, live := range o.Directory.All() {
		site, more := web.OptOutSite{Name: live.Site.Name}, true
		switch at, _ := o.reach(live, hostOfRequest(r, o.PublicURL)); {
		case at == reachedByItself:
			site, more = o.onItsOwn(r, live, made, page.On, lang), carries(r.Context(), live)
		case running && made.states[live.Site.Key] != "" || running && at == reachedHere:
			site.State = made.states[live.Site.Key]
		case at == reachedHere && page.On:
			site.State = stateOut
		case at == reachedHere:
			site.State = stateIn
		case page.On: // on another day, if at all: nobody knows here
			site.State = stateTodo
		}
		if more && (site.State == stateTodo || site.State == stateRefused) {
			page.Left++
		}
		page.Sites = append(page.Sites, site)
	}
	if page.Left > 0 && running {
		page.Next = "./opt-out/next?" + url.Values{"run": {id}}.Encode()
	}
	return nil
}

// How a site is reached by an opt-out.
type reached int

const (
	reachedByItself reached = iota // only its own pages can be
	reachedHere                    // its pages share a domain with where the visitor is
	reachedThere                   // they share one with another address of this server
)

// reach says how a site's pages hear of an opt-out that is made on a host of this
// server, and by which address, where that is another one.
func (o *OptOut) reach(live *Live, host string) (reached, string) {
	shares := func(with string) bool {
		return slices.ContainsFunc(live.Notice.Origins, func(origin string) bool {
			_, first := cookieDomain(with, hostOf(origin))
			return first
		})
	}
	if shares(host) {
		return reachedHere, ""
	}
	for _, address := range o.Addresses {
		if shares(hostOf(address)) {
			return reachedThere, address
		}
	}
	return reachedByItself, ""
}

func hostOfRequest(r *http.Request, publicURL string) string {
	return (&Decisions{PublicURL: publicURL}).host(r)
}
