package admin

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/operator"
	"github.com/volenti-consent/volenti/server/request"
	"github.com/volenti-consent/volenti/server/site"
	"github.com/volenti-consent/volenti/server/store"
	"github.com/volenti-consent/volenti/server/store/dbtest"
	"github.com/volenti-consent/volenti/web/console"
)

// noon is when tests begin.
var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// A world is a console over a real database, with two sites and operators of each
// role on each.
type world struct {
	t       testing.TB
	console *Console
	db      *store.DB
	handler http.Handler

	mu  sync.Mutex
	now time.Time // guarded by mu
}

// admit notes that a route's gate was asked.
func (w *world) admit(next echo.HandlerFunc) echo.HandlerFunc {
	return func(e echo.Context) error {
		e.Set("admitted", true)
		return next(e)
	}
}

// The sites of a world.
const (
	shop = "shop"
	blog = "blog"
)

// newWorld makes one. Adjust, if given, changes the console before it serves.
func newWorld(t testing.TB, adjust ...func(*Console)) *world {
	t.Helper()
	db := dbtest.Open(t, t.TempDir())
	w := &world{t: t, db: db, now: noon}
	pages, err := console.New()
	if err != nil {
		t.Fatal(err)
	}
	cookies, err := operator.NewSealer(make([]byte, 96))
	if err != nil {
		t.Fatal(err)
	}
	vault, err := operator.NewVault(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	w.console = &Console{
		Log: slog.New(slog.DiscardHandler), Now: w.clock, Pages: pages,
		Operators: db, Sites: db, Notices: db, Versions: db, Records: db,
		Passwords: operator.NewPasswords(operator.Cost{Memory: 64, Time: 1, Threads: 1}), // as long as it has to be, in production
		Cookies:   cookies, Vault: vault, Throttle: operator.NewThrottle(db, make([]byte, 32), w.clock),
		Address:   func(r *http.Request) string { return r.RemoteAddr },
		Workshop:  Workshop{Drafts: db},
		PublicURL: "https://consent.example.com", HTTPS: true,
		Insight: Insight{Store: db}, Retention: db,
	}
	for _, key := range []string{shop, blog} {
		if err := db.AddSite(t.Context(), site.Site{Key: key, Name: "The " + key, TimeZone: "Europe/Vienna", CreatedAt: noon}); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range adjust {
		f(w.console)
	}
	e := echo.New()
	e.HTTPErrorHandler = func(err error, c echo.Context) {
		if !c.Response().Committed {
			_ = c.String(statusOf(err), err.Error())
		}
	}
	w.console.Register(func(method, path string, h echo.HandlerFunc) { e.Add(method, path, h) }, w.admit)
	w.handler = e
	return w
}

// statusOf is what server/problem.go makes of errors; its own test holds it.
func statusOf(err error) int {
	var coded *echo.HTTPError
	var unfit *Unfit
	switch {
	case errors.As(err, &unfit):
		return http.StatusUnprocessableEntity
	case errors.Is(err, ErrForbidden), errors.Is(err, ErrForged):
		return http.StatusForbidden
	case errors.Is(err, operator.ErrToken):
		return http.StatusUnauthorized
	case errors.Is(err, operator.ErrUnknown), errors.Is(err, request.ErrUnknown), errors.Is(err, site.ErrUnknown), errors.Is(err, policyversions.ErrUnknownPolicy),
		errors.Is(err, policyversions.ErrUnknownVersion), errors.Is(err, policyversions.ErrUnknownWork), errors.Is(err, notice.ErrUnpublished), errors.Is(err, consent.ErrUnknownReceipt),
		errors.Is(err, consent.ErrUnknownArtifact):
		return http.StatusNotFound
	case errors.As(err, &coded):
		return coded.Code
	}
	return http.StatusInternalServerError
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// wait moves the clock.
func (w *world) wait(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// operator makes one. Without sites the role holds on all.
func (w *world) operator(role operator.Role, sites ...string) operator.Operator {
	w.t.Helper()
	id := operator.NewID()
	o := operator.Operator{ID: id, Name: strings.ToUpper(string(role)[:1]) + string(role)[1:], Email: string(role) + "-" + id[:6] + "@example.com",
		Role: role, AllSites: len(sites) == 0, Sites: sites, CreatedAt: noon}
	if err := w.db.AddOperator(w.t.Context(), o); err != nil {
		w.t.Fatal(err)
	}
	return o
}

// A client is a browser: it keeps cookies, and sends forms as pages do.
type client struct {
	w       *world
	cookies map[string]*http.Cookie
	token   string // of the session's forms
}

// stranger is a browser in which nobody has signed in.
func (w *world) stranger() *client { return &client{w: w, cookies: map[string]*http.Cookie{}} }

// as is a browser in which o has just signed in, by passkey.
func (w *world) as(o operator.Operator) *client {
	w.t.Helper()
	secret := operator.NewSecret()
	s := operator.Session{Digest: operator.Digest(secret), Operator: o.ID, CreatedAt: w.clock(), SeenAt: w.clock(), ProvenAt: w.clock(),
		Token: operator.NewSecret(), By: operator.ByPasskey}
	if err := w.db.AddSession(w.t.Context(), s); err != nil {
		w.t.Fatal(err)
	}
	sealed, err := w.console.Cookies.Encode(sessionCookie, secret)
	if err != nil {
		w.t.Fatal(err)
	}
	c := w.stranger()
	name := "__Host-" + sessionCookie
	c.cookies[name] = &http.Cookie{Name: name, Value: sealed}
	c.token = s.Token
	return c
}

// get asks for a page.
func (c *client) get(path string) *answer {
	return c.do(http.MethodGet, path, nil, nil)
}

// post sends a form of ours, with its token.
func (c *client) post(path string, form url.Values) *answer {
	all := url.Values{"token": {c.token}}
	for name, values := range form {
		all[name] = values
	}
	return c.do(http.MethodPost, path, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Sec-Fetch-Site": {"same-origin"},
		"Origin": {"https://consent.example.com"}}, strings.NewReader(all.Encode()))
}

// do sends a request and keeps the cookies that come back.
func (c *client) do(method, path string, header http.Header, body io.Reader) *answer {
	c.w.t.Helper()
	r := httptest.NewRequest(method, "https://consent.example.com"+path, body)
	for name, values := range header {
		r.Header[name] = values
	}
	for _, cookie := range c.cookies {
		r.AddCookie(cookie)
	}
	recorder := httptest.NewRecorder()
	c.w.handler.ServeHTTP(recorder, r)
	a := &answer{recorder.Code, recorder.Header(), recorder.Body.String()}
	for _, cookie := range recorder.Result().Cookies() {
		if cookie.MaxAge < 0 {
			delete(c.cookies, cookie.Name)
		} else {
			c.cookies[cookie.Name] = cookie
		}
	}
	return a
}

// An answer is what came back.
type answer struct {
	code   int
	header http.Header
	body   string
}

// to is where an answer leads, without the way up.
func (a *answer) to() string {
	return "/" + strings.TrimPrefix(strings.TrimLeft(a.header.Get("Location"), "./"), "/")
}

// acts are what was done, newest first, as "what object".
func (w *world) acts() (all []string) {
	w.t.Helper()
	acts, err := w.db.Acts(w.t.Context(), operator.ActQuery{})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, a := range acts {
		all = append(all, a.What+" "+a.Object)
	}
	return all
}
