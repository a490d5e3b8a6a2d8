package admin

import (
	"net/http"
	"time"

	"github.com/volenti-consent/volenti/server/operator"
	"github.com/volenti-consent/volenti/web"
)

// begin signs an operator in. It is a session of its own, whatever this browser
// had before: a secret that somebody else put there opens nothing (session
// fixation), nor does one from before the rights rose.
func (d *Desk) begin(o operator.Operator, by string) error {
	ctx, store := d.Request().Context(), d.console.Operators
	if d.Session.Digest != "" {
		if err := store.EndSession(ctx, d.Session.Digest); err != nil {
			return err
		}
	}
	secret, now := operator.NewSecret(), d.console.Now().UTC().Truncate(time.Millisecond)
	s := operator.Session{Digest: operator.Digest(secret), Operator: o.ID, CreatedAt: now, SeenAt: now, ProvenAt: now, Token: operator.NewSecret(), By: by}
	if err := store.AddSession(ctx, s); err != nil {
		return err
	}
	sealed, err := d.console.Cookies.Encode(sessionCookie, secret)
	if err != nil {
		return err
	}
	d.SetCookie(d.cookie(sessionCookie, sealed, 0))
	d.SetCookie(d.cookie(formCookie, "", -1))
	d.Operator, d.Session = o, s
	return d.Note("session.begin", o.Email, "by "+by)
}

// signOut answers POST /admin/sign-out.
func (c *Console) signOut(d *Desk) error {
	if err := c.Operators.EndSession(d.Request().Context(), d.Session.Digest); err != nil {
		return err
	}
	if err := d.Note("session.end", d.Operator.Email, ""); err != nil {
		return err
	}
	d.SetCookie(d.cookie(sessionCookie, "", -1))
	// What was seen is not to be found by going back, in a shared browser.
	d.Response().Header().Set("Clear-Site-Data", `"cache"`)
	return d.Redirect(http.StatusSeeOther, web.Root(d.Request().URL.EscapedPath())+"admin/sign-in")
}

// formCookie holds the secret that ties forms sent before sign-in to the browser
// that got the page: signing somebody in as somebody else is forgery too.
const formCookie = "volenti-form"

// token is what a form of this page has to bring back.
func (d *Desk) token() string {
	if d.Session.Token != "" {
		return d.Session.Token
	}
	secret := d.formSecret()
	if secret == "" {
		secret = operator.NewSecret()
		sealed, err := d.console.Cookies.Encode(formCookie, secret)
		if err != nil {
			return "" // then no form of this page is accepted
		}
		d.SetCookie(d.cookie(formCookie, sealed, 0))
	}
	return operator.Digest(secret)
}

// formSecret is the one this browser has, or "".
func (d *Desk) formSecret() (secret string) {
	sealed, err := d.Cookie(d.cookie(formCookie, "", 0).Name)
	if err != nil || d.console.Cookies.Decode(formCookie, sealed.Value, &secret) != nil {
		return ""
	}
	return secret
}
