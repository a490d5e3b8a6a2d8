package admin

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/volenti-consent/volenti/server/operator"
	"github.com/volenti-consent/volenti/web"
	"github.com/volenti-consent/volenti/web/console"
)

func (c *Console) signInRoutes() []Route {
	return []Route{
		{Method: http.MethodGet, Path: "/admin/sign-in", Open: true, Handle: c.showSignIn},
		{Method: http.MethodPost, Path: "/admin/sign-in", Open: true, Handle: c.postPassword},
		{Method: http.MethodGet, Path: "/admin/sign-in/code", Open: true, Handle: c.showCode},
		{Method: http.MethodPost, Path: "/admin/sign-in/code", Open: true, Handle: c.postCode},
		{Method: http.MethodPost, Path: "/admin/sign-in/passkey/ask", Open: true, Handle: c.askPasskey},
		{Method: http.MethodPost, Path: "/admin/sign-in/passkey", Open: true, Handle: c.postPasskey},
		{Method: http.MethodGet, Path: "/admin/sign-in/company", Open: true, Handle: c.goToCompany},
		{Method: http.MethodGet, Path: "/admin/sign-in/company/back", Open: true, Handle: c.backFromCompany},
	}
}

// showSignIn answers GET /admin/sign-in.
func (c *Console) showSignIn(d *Desk) error {
	again := d.QueryParam("why") == "again" && d.Operator.ID != ""
	if d.Operator.ID != "" && !again {
		return d.Done("admin", "")
	}
	page := c.signInPage(d)
	if again {
		page.Email = d.Operator.Email
	}
	return d.Show(page)
}

func (c *Console) signInPage(d *Desk) *console.SignIn {
	page := &console.SignIn{To: d.QueryParam("to"), Passkeys: c.authenticators(d) != nil, Email: d.FormValue("email")}
	page.Title = "Sign in"
	if to := d.FormValue("to"); to != "" {
		page.To = to
	}
	page.To = onward(page.To)
	if d.QueryParam("why") == "again" && d.Operator.ID != "" {
		page.Title, page.Again = "Is it still you?", true
	}
	if c.Company != nil {
		page.Company = c.Company.Name()
	}
	return page
}

// postPassword answers POST /admin/sign-in: the first half of two. Whether the
// address is nobody's, has no password, or another one, it takes as long and says
// the same.
func (c *Console) postPassword(d *Desk) error {
	ctx := d.Request().Context()
	email := strings.ToLower(strings.TrimSpace(d.FormValue("email")))
	page := c.signInPage(d)
	if ok, err := d.mayTry("password "+email, email, &page.Frame); err != nil {
		return err
	} else if !ok {
		return d.ShowAs(http.StatusTooManyRequests, page)
	}
	o, err := c.Operators.OperatorOf(ctx, email)
	if err != nil && !errors.Is(err, operator.ErrUnknown) {
		return err
	}
	keys, err := c.Operators.Keys(ctx, o.ID)
	if err != nil {
		return err
	}
	right, err := c.Passwords.Check(ctx, keys.Password, d.FormValue("password"))
	if err != nil {
		return err
	}
	if !right || !keys.Open() || o.Disabled {
		if o.ID != "" {
			if err := d.noteOf(o, "session.refuse", "password"); err != nil {
				return err
			}
		}
		page.Wrong = []console.Mend{{Field: "password", What: "Address and password don't go together: check both"}}
		return d.ShowAs(http.StatusUnprocessableEntity, page)
	}
	if err := d.setStep(step{Kind: stepCode, Operator: o.ID, To: page.To}); err != nil {
		return err
	}
	return d.Done("admin/sign-in/code", "")
}

// mayTry asks the throttle. If it says no, it has filled in what the page says.
func (d *Desk) mayTry(account, email string, f *console.Frame) (bool, error) {
	wait, ok, err := d.console.Throttle.Try(d.Request().Context(), account, d.console.Address(d.Request()), d.known(email))
	if ok || err != nil {
		return ok, err
	}
	seconds := int(wait/time.Second) + 1
	d.Response().Header().Set("Retry-After", strconv.Itoa(seconds))
	f.Wrong = []console.Mend{{What: fmt.Sprintf("Too many attempts just now. Wait %d seconds and try again; a passkey works at once", seconds)}}
	return false, nil
}

// finish ends a sign-in: the session, where to go on, and the throttle's memory.
func (d *Desk) finish(o operator.Operator, by string) error {
	if by == operator.ByPassword {
		for _, account := range []string{"password " + o.Email, "code " + o.ID} {
			if err := d.console.Throttle.Succeed(d.Request().Context(), account, d.console.Address(d.Request()), d.known(o.Email)); err != nil {
				return err
			}
		}
	}
	if err := d.begin(o, by); err != nil {
		return err
	}
	return d.remember(o)
}

// knownCookie marks a browser in which an operator has signed in. It opens
// nothing: guesses in it are counted apart from those of strangers.
const knownCookie = "volenti-known"

type knownBrowser struct {
	Email string `json:"e"` // digest
	ID    string `json:"i"`
}

func (d *Desk) remember(o operator.Operator) error {
	if d.known(o.Email) != "" {
		return nil
	}
	sealed, err := d.console.Cookies.Encode(knownCookie, knownBrowser{operator.Digest(o.Email), operator.NewID()})
	if err != nil {
		return err
	}
	d.SetCookie(d.cookie(knownCookie, sealed, 365*24*time.Hour))
	return nil
}

// known is the name of this browser, if whoever has that address signed in here.
func (d *Desk) known(email string) string {
	var b knownBrowser
	sealed, err := d.Cookie(d.cookie(knownCookie, "", 0).Name)
	if err != nil || d.console.Cookies.Decode(knownCookie, sealed.Value, &b) != nil || b.Email != operator.Digest(email) {
		return ""
	}
	return b.ID
}

// noteOf keeps an act of somebody who is not signed in.
func (d *Desk) noteOf(o operator.Operator, what, detail string) error {
	as := *d
	as.Operator = o
	return as.Note(what, o.Email, detail)
}

// onward is a place of the console that somebody may be sent on to, from the
// server's root: what stands in an address may come from anywhere.
func onward(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || strings.ContainsAny(to, "\\\r\n") ||
		path.Clean(u.Path) != u.Path || (u.Path != "/admin" && !strings.HasPrefix(u.Path, "/admin/")) ||
		strings.HasPrefix(u.Path, "/admin/sign-") || strings.HasPrefix(u.Path, "/admin/enter/") {
		return "/admin"
	}
	return u.RequestURI()
}

// goOn answers a sign-in that is complete.
func (d *Desk) goOn(to string) error {
	return d.Redirect(http.StatusSeeOther, web.Root(d.Request().URL.EscapedPath())+strings.TrimPrefix(onward(to), "/"))
}
