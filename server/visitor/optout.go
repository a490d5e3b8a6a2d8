package visitor

import (
	"bytes"
	"net/http"
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
// advertising that counts on every site this server serves, as a signal does. It
// reaches every page whose browser sends this server's cookies there.
type OptOut struct {
	Web       *web.Renderer
	PublicURL string
	HTTPS     bool
}

// Get answers the page.
func (o *OptOut) Get(c echo.Context) error {
	r := c.Request()
	page := &web.OptOut{Head: web.Head{Language: r.Header.Get("Accept-Language")}, On: optedOut(r), Signal: gpcHeader(r)}
	if lang := r.URL.Query().Get("lang"); lang != "" {
		page.Language = lang
	}
	page.Root = web.Root(r.URL.EscapedPath())
	var b bytes.Buffer
	if err := o.Web.Render(&b, page); err != nil {
		return err
	}
	if page.On {
		o.set(c, optOutLasts)
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
	if _, err := formOrigin(r, o.PublicURL); err != nil {
		return err
	}
	r.Body = http.MaxBytesReader(c.Response(), r.Body, 1<<10)
	switch err := r.ParseForm(); {
	case err != nil:
		return ErrForm
	case r.PostForm.Get("action") == "on":
		o.set(c, optOutLasts)
	case r.PostForm.Get("action") == "off":
		o.set(c, -1)
	default:
		return ErrForm
	}
	to := "opt-out"
	if lang := r.URL.Query().Get("lang"); lang != "" && strings.Trim(lang, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-") == "" {
		to += "?lang=" + lang
	}
	return c.Redirect(http.StatusSeeOther, to)
}

// set sends the cookie. It goes to pages of all sites, so it is not partitioned by
// them; browsers that keep third-party cookies apart send it to their own site only.
func (o *OptOut) set(c echo.Context, lasts time.Duration) {
	cookie := &http.Cookie{Name: optOutCookie, Value: "1", Path: "/", MaxAge: int(lasts / time.Second), HttpOnly: true, SameSite: http.SameSiteLaxMode}
	if lasts < 0 {
		cookie.MaxAge = -1
	}
	if o.HTTPS {
		cookie.Secure, cookie.SameSite = true, http.SameSiteNoneMode
	}
	c.SetCookie(cookie)
}
