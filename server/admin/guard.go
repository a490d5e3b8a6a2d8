package admin

import (
	"crypto/subtle"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/volenti-consent/volenti/server/operator"
	"github.com/volenti-consent/volenti/server/site"
	"github.com/volenti-consent/volenti/web"
	"github.com/volenti-consent/volenti/web/console"
)

// Errors of the guard; server/problem.go gives them their status.
var (
	// ErrForbidden: signed in, without the right. A site that is not the operator's
	// is answered as one that does not exist: site.ErrUnknown.
	ErrForbidden = errors.New("this operator may not do this")
	// ErrForged: a form that no page of this sign-in has sent.
	ErrForged = errors.New("no page of this sign-in has sent this form")
)

// How long a session lasts (OWASP ASVS 5.0, 7.3): unused, at most, and how long a
// proof of identity is fresh.
const (
	sessionIdle  = 30 * time.Minute
	sessionMost  = 12 * time.Hour
	proofIsFresh = 10 * time.Minute
)

const sessionCookie = "volenti-console"

// A body is what was sent. Where it can't be read, cut off or in chunks that are none, that
// is its sender's mistake, whoever reads it.
type body struct{ io.ReadCloser }

func (b body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if _, large := errors.AsType[*http.MaxBytesError](err); err != nil && err != io.EOF && !large {
		err = &Unfit{"", "what was sent can't be read: " + err.Error(), "send it again"}
	}
	return n, err
}

// FormParams are the fields of a form. One that can't be read as what it says it is is its
// sender's mistake.
func (d *Desk) FormParams() (url.Values, error) {
	form, err := d.Context.FormParams()
	_, large := errors.AsType[*http.MaxBytesError](err)
	if _, told := errors.AsType[*Unfit](err); err == nil || large || told {
		return form, err
	}
	return nil, &Unfit{"", "the form can't be read: " + err.Error(), "send it as a browser does"}
}

// mostBody bounds what is sent to the console: a policy with its pictures of words.
const mostBody = 4 << 20

// guarded is an echo handler that calls route.Handle for whoever may ask, within admit.
func (c *Console) guarded(route Route, admit echo.MiddlewareFunc) echo.HandlerFunc {
	if route.Bearer {
		return c.bearer(route, admit)
	}
	return func(e echo.Context) error {
		d := &Desk{Context: e, console: c}
		handle := admit(func(echo.Context) error { return route.Handle(d) })
		e.Request().Body = body{http.MaxBytesReader(e.Response(), e.Request().Body, mostBody)}
		if err := d.identify(); err != nil {
			return err
		}
		if changes(e.Request().Method) {
			if err := d.sameOrigin(); err != nil {
				return err
			}
		}
		if route.Open {
			if changes(e.Request().Method) && !d.tokenCame() {
				return ErrForged
			}
			return handle(e)
		}
		if d.Operator.ID == "" {
			return d.signIn("")
		}
		if d.Session.By == operator.ByLink && !route.SetUp {
			return d.Done("admin/set-up", "")
		}
		if err := d.enter(route); err != nil {
			return err
		}
		if changes(e.Request().Method) && !d.tokenCame() {
			return ErrForged
		}
		if route.Fresh && d.Session.By != operator.ByLink && c.Now().Sub(d.Session.ProvenAt) > proofIsFresh {
			return d.signIn("again")
		}
		return handle(e)
	}
}

// enter lets an operator to the site of the path, with the right of the route.
func (d *Desk) enter(route Route) error {
	key := d.Param("site")
	if key != "" && !d.Operator.May("", key) {
		return site.ErrUnknown
	}
	if key != "" {
		s, err := d.console.Sites.Site(d.Request().Context(), key)
		if err != nil {
			return err
		}
		d.Site = s
	}
	if !d.Operator.May(route.Right, key) {
		return ErrForbidden
	}
	return nil
}

// tokenCame reports whether a form brought its token, or a script in a header.
func (d *Desk) tokenCame() bool {
	want := d.Session.Token
	if want == "" {
		secret := d.formSecret()
		if secret == "" {
			return false
		}
		want = operator.Digest(secret)
	}
	came := d.Request().Header.Get(tokenHeader)
	if came == "" {
		came = d.FormValue("token")
	}
	return subtle.ConstantTimeCompare([]byte(came), []byte(want)) == 1
}

// tokenHeader carries the token of requests that are no forms.
const tokenHeader = "Volenti-Token" //nolint:gosec // a name

// changes reports whether a request of that method may change anything.
func changes(method string) bool {
	return method != http.MethodGet && method != http.MethodHead
}

// identify finds the session of the request's cookie, if it has a valid one.
func (d *Desk) identify() error {
	sealed, err := d.Cookie(d.cookie(sessionCookie, "", 0).Name)
	if err != nil {
		return nil //nolint:nilerr // no cookie: not signed in
	}
	var secret string
	if err := d.console.Cookies.Decode(sessionCookie, sealed.Value, &secret); err != nil {
		return nil //nolint:nilerr // forged, or of a key that was retired: not signed in
	}
	ctx, now := d.Request().Context(), d.console.Now()
	s, err := d.console.Operators.Session(ctx, operator.Digest(secret))
	if errors.Is(err, operator.ErrUnknown) {
		return nil
	} else if err != nil {
		return err
	}
	if now.Sub(s.SeenAt) > sessionIdle || now.Sub(s.CreatedAt) > sessionMost {
		return d.console.Operators.EndSession(ctx, s.Digest)
	}
	o, err := d.console.Operators.Operator(ctx, s.Operator)
	if errors.Is(err, operator.ErrUnknown) || (err == nil && o.Disabled) {
		return nil
	} else if err != nil {
		return err
	}
	if now.Sub(s.SeenAt) > time.Minute {
		err := d.console.Operators.TouchSession(ctx, s.Digest, now, time.Time{})
		if errors.Is(err, operator.ErrUnknown) {
			return nil // ended while we looked
		} else if err != nil {
			return err
		}
	}
	d.Operator, d.Session = o, s
	return nil
}

// sameOrigin refuses what another site's page sent: browsers say where a request
// comes from (Fetch Metadata), older ones in Origin.
func (d *Desk) sameOrigin() error {
	h := d.Request().Header
	if from := h.Get("Sec-Fetch-Site"); from != "" {
		if from == "same-origin" {
			return nil
		}
		return ErrForged
	}
	origin, err := url.Parse(h.Get("Origin"))
	if err != nil || h.Get("Origin") == "" || origin.Host != d.Request().Host {
		return ErrForged
	}
	return nil
}

// elsewhere reports whether a request was begun by a page of another site, with
// which the session's cookie does not go along.
func (d *Desk) elsewhere() bool {
	return !changes(d.Request().Method) && d.Request().Header.Get("Sec-Fetch-Site") == "cross-site"
}

// signIn sends to the sign-in page and back from there. What was posted is not
// kept: a form is sent again by the person, after reading it again.
func (d *Desk) signIn(why string) error {
	if why == "" && d.elsewhere() {
		page := &console.Onward{Text: "You come from another website. This goes on by itself.", At: strings.TrimPrefix(d.Request().URL.RequestURI(), "/"), Label: "Go on"}
		page.Title = "To the console"
		return d.Show(page)
	}
	q := url.Values{}
	if !changes(d.Request().Method) {
		q.Set("to", d.Request().URL.RequestURI())
	} else if from, err := url.Parse(d.Request().Referer()); err == nil && from.Host == d.Request().Host {
		q.Set("to", from.RequestURI())
	}
	if why != "" {
		q.Set("why", why)
	}
	return d.Redirect(http.StatusSeeOther, web.Root(d.Request().URL.EscapedPath())+"admin/sign-in?"+q.Encode())
}

// Register makes echo answer the console's routes, each within admit: that is asked when
// it is known who asks, and that they may.
func (c *Console) Register(add func(method, path string, h echo.HandlerFunc), admit echo.MiddlewareFunc) {
	for _, r := range c.Routes() {
		add(r.Method, r.Path, c.guarded(r, admit))
	}
	add(http.MethodGet, "/admin/assets/*", func(e echo.Context) error {
		c.Pages.Assets().ServeHTTP(e.Response(), e.Request())
		return nil
	})
}
