package admin

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/volenti-consent/volenti/server/operator"
)

// holders is who has which right, written down a second time on purpose.
var holders = map[operator.Right]string{
	operator.ReadStatistics: "owner legal marketing auditor", operator.ReadNotices: "owner legal marketing auditor",
	operator.WriteNotices: "owner legal marketing", operator.ReadPolicies: "owner legal marketing auditor",
	operator.WritePolicies: "owner legal", operator.PublishPolicies: "owner legal", operator.ReadReceipts: "owner legal auditor",
	operator.ReadRequests: "owner legal auditor", operator.WriteRequests: "owner legal", operator.ReadLog: "owner legal auditor",
	operator.WriteSites: "owner", operator.WriteOperators: "owner", "": "owner legal marketing auditor",
}

// reached is what the handlers of a guarded table answer here: the matrix is about
// who gets so far.
const reached = http.StatusTeapot

// guarded serves every route of the console with a handler that does nothing.
func (w *world) guarded() http.Handler { return w.guarding(w.console.Routes()...) }

// guarding serves routes with handlers that do nothing. Whoever does not reach them has
// taken no place before them either.
func (w *world) guarding(routes ...Route) http.Handler {
	e := echo.New()
	e.HTTPErrorHandler = func(err error, c echo.Context) { _ = c.NoContent(statusOf(err)) }
	e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			err := next(c)
			if got := c.Response().Status == reached; got != (c.Get("admitted") == true) {
				w.t.Errorf("%s %s: reached %v, admitted %v", c.Request().Method, c.Path(), got, c.Get("admitted"))
			}
			return err
		}
	})
	for _, r := range routes {
		r.Handle = func(d *Desk) error { return d.NoContent(reached) }
		e.Add(r.Method, r.Path, w.console.guarded(r, w.admit))
	}
	return e
}

var parameter = regexp.MustCompile(`:[a-z]+`)

func filled(path, site string) string {
	return parameter.ReplaceAllStringFunc(path, func(name string) string {
		if name == ":site" {
			return site
		}
		return "0123456789abcdef"
	})
}

func (c *client) ask(r Route, site string) *answer {
	if changes(r.Method) {
		return c.do(r.Method, filled(r.Path, site), http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Sec-Fetch-Site": {"same-origin"}},
			strings.NewReader(url.Values{"token": {c.token}}.Encode()))
	}
	return c.do(r.Method, filled(r.Path, site), nil, nil)
}

// Every route, for every role and for nobody, on the operator's own site, on
// another, on one that is not there, and on the server.
func TestWhoMayAskForWhat(t *testing.T) {
	w := newWorld(t)
	w.handler = w.guarded()
	type subject struct {
		name   string
		client *client
		role   operator.Role
		all    bool
	}
	var subjects []subject
	for _, role := range operator.Roles() {
		subjects = append(subjects,
			subject{string(role) + " of all sites", w.as(w.operator(role)), role, true},
			subject{string(role) + " of the shop", w.as(w.operator(role, shop)), role, false})
	}
	routes := w.console.Routes()
	if len(routes) < 20 {
		t.Fatalf("only %d routes", len(routes))
	}
	seen := map[string]bool{}
	for _, r := range routes {
		name := r.Method + " " + r.Path
		if seen[name] {
			t.Errorf("%s is routed twice", name)
		}
		seen[name] = true
		if _, known := holders[r.Right]; !known {
			t.Errorf("%s asks for the right %q, of which nobody says who has it", name, r.Right)
		}
		if r.Bearer {
			continue
		}
		sites := []string{""}
		if strings.Contains(r.Path, ":site") {
			sites = []string{shop, blog, "nowhere"}
		}
		for _, site := range sites {
			got := w.stranger().ask(r, site)
			want := http.StatusSeeOther
			switch {
			case r.Open && !changes(r.Method):
				want = reached
			case r.Open:
				want = http.StatusForbidden // a form that no page of ours sent
			}
			if got.code != want {
				t.Errorf("%s for nobody: %d, want %d", name, got.code, want)
			}
			if want == http.StatusSeeOther && !strings.HasPrefix(got.to(), "/admin/sign-in?") {
				t.Errorf("%s for nobody leads to %s", name, got.to())
			}
			for _, s := range subjects {
				want := http.StatusForbidden
				has := slices.Contains(strings.Fields(holders[r.Right]), string(s.role))
				switch {
				case r.Open:
					want = reached
				case site == "nowhere", site == blog && !s.all:
					want = http.StatusNotFound
				case has && (s.all || site == shop || r.Right == ""):
					want = reached
				}
				if got := s.client.ask(r, site); got.code != want {
					t.Errorf("%s on %q for %s: %d, want %d", name, site, s.name, got.code, want)
				}
			}
		}
	}
}

// What a one-time link opens is what sets up sign-in, and nothing else.
func TestALinkOpensSetUpAlone(t *testing.T) {
	w := newWorld(t)
	w.handler = w.guarded()
	o := w.operator(operator.Owner)
	c := w.as(o)
	for _, s := range must(w.db.SessionsOf(t.Context(), o.ID)) {
		s.By = operator.ByLink
		if err := w.db.EndSession(t.Context(), s.Digest); err != nil {
			t.Fatal(err)
		}
		if err := w.db.AddSession(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	opened := []string{}
	for _, r := range w.console.Routes() {
		if r.Open || r.Bearer {
			continue
		}
		got := c.ask(r, shop)
		if got.code == reached {
			opened = append(opened, r.Method+" "+r.Path)
		} else if got.code != http.StatusSeeOther || got.to() != "/admin/set-up" {
			t.Errorf("%s %s: %d to %s", r.Method, r.Path, got.code, got.to())
		}
	}
	want := []string{"GET /admin/account/password", "GET /admin/set-up", "POST /admin/account/passkeys", "POST /admin/account/passkeys/ask",
		"POST /admin/account/password", "POST /admin/sign-out"}
	slices.Sort(opened)
	if !slices.Equal(opened, want) {
		t.Errorf("a link opens %v, want %v", opened, want)
	}
}

// Ten minutes after the last proof, what is dangerous asks for another.
func TestFreshRoutesAskAgain(t *testing.T) {
	w := newWorld(t)
	w.handler = w.guarded()
	c := w.as(w.operator(operator.Owner))
	w.wait(proofIsFresh + time.Second)
	fresh := 0
	for _, r := range w.console.Routes() {
		if r.Open || r.Bearer {
			continue
		}
		got := c.ask(r, shop)
		switch {
		case !r.Fresh && got.code != reached:
			t.Errorf("%s %s: %d", r.Method, r.Path, got.code)
		case r.Fresh && (got.code != http.StatusSeeOther || !strings.Contains(got.to(), "why=again")):
			t.Errorf("%s %s: %d to %s", r.Method, r.Path, got.code, got.to())
		case r.Fresh:
			fresh++
		}
	}
	for _, path := range []string{"/admin/operators/new", "/admin/operators/:operator", "/admin/tokens", "/admin/account/password", "/admin/account/codes", "/admin/account/passkeys"} {
		i := slices.IndexFunc(w.console.Routes(), func(r Route) bool { return r.Method == http.MethodPost && r.Path == path })
		if i < 0 || !w.console.Routes()[i].Fresh {
			t.Errorf("POST %s asks for no fresh proof", path)
		}
	}
}

// Programs: only with a token, only on its site, only with its right.
func TestWhatTokensOpen(t *testing.T) {
	w := newWorld(t)
	w.handler = w.guarded()
	owner := w.as(w.operator(operator.Owner))
	show := func(secret string, r Route, site string) int {
		h := http.Header{}
		if secret != "" {
			h.Set("Authorization", "Bearer "+secret)
		}
		return w.stranger().do(r.Method, filled(r.Path, site), h, nil).code
	}
	token := func(site string, ends time.Time, rights ...operator.Right) string {
		secret := operator.NewTokenSecret()
		if err := w.db.AddToken(t.Context(), operator.Token{ID: operator.NewID(), Digest: operator.Digest(secret), Name: "x", Site: site, Rights: rights, By: "cli", CreatedAt: w.clock(), EndsAt: ends}); err != nil {
			t.Fatal(err)
		}
		return secret
	}
	day := w.clock().Add(24 * time.Hour)
	for _, r := range append(w.bearers(), Route{Method: http.MethodPost, Path: "/v1/sites/:site/try", Right: operator.PublishPolicies, Bearer: true}) {
		w.handler = w.guarding(r)
		others := slices.DeleteFunc(operator.TokenRights(), func(right operator.Right) bool { return right == r.Right })
		good := token(shop, day, r.Right)
		altered := good[:20] + string(good[20]^1) + good[21:]
		for name, test := range map[string]struct{ got, want int }{
			"nothing":                {show("", r, shop), 401},
			"a session":              {owner.ask(r, shop).code, 401},
			"its right":              {show(good, r, shop), reached},
			"another site":           {show(good, r, blog), 404},
			"no site":                {show(good, r, "nowhere"), 404},
			"all other rights":       {show(token(shop, day, others...), r, shop), 403},
			"a token that has ended": {show(token(shop, w.clock(), r.Right), r, shop), 401},
			"an altered token":       {show(altered, r, shop), 401},
			"one of nobody":          {show(operator.NewTokenSecret(), r, shop), 401},
		} {
			if test.got != test.want {
				t.Errorf("%s %s with %s: %d, want %d", r.Method, r.Path, name, test.got, test.want)
			}
		}
	}
}

func (w *world) bearers() []Route {
	return slices.DeleteFunc(w.console.Routes(), func(r Route) bool { return !r.Bearer })
}

// No changing route takes a form that another site's page could have sent.
func TestForgedForms(t *testing.T) {
	w := newWorld(t)
	w.handler = w.guarded()
	o := w.operator(operator.Owner)
	mine, theirs := w.as(o), w.as(o)
	// An open route's token is that of the page's own cookie.
	fresh := w.stranger()
	secret, otherSecret := operator.NewSecret(), operator.NewSecret()
	sealed := must(w.console.Cookies.Encode(formCookie, secret))
	fresh.cookies["__Host-"+formCookie] = &http.Cookie{Name: "__Host-" + formCookie, Value: sealed}
	n := 0
	for _, r := range w.console.Routes() {
		if !changes(r.Method) || r.Bearer {
			continue
		}
		n++
		who, token, foreign := mine, mine.token, theirs.token
		if r.Open {
			who, token, foreign = fresh, operator.Digest(secret), operator.Digest(otherSecret)
		}
		send := func(token string, header http.Header) int {
			header.Set("Content-Type", "application/x-www-form-urlencoded")
			return who.do(r.Method, filled(r.Path, shop), header, strings.NewReader(url.Values{"token": {token}}.Encode())).code
		}
		same := http.Header{"Sec-Fetch-Site": {"same-origin"}}
		if got := send(token, same.Clone()); got != reached {
			t.Errorf("%s %s with all it needs: %d", r.Method, r.Path, got)
		}
		if got := send(token, http.Header{"Origin": {"https://consent.example.com"}}); got != reached {
			t.Errorf("%s %s from an older browser: %d", r.Method, r.Path, got)
		}
		for name, header := range map[string]http.Header{
			"another site":          {"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://consent.example.com"}},
			"another host of ours":  {"Sec-Fetch-Site": {"same-site"}},
			"nowhere":               {"Sec-Fetch-Site": {"none"}},
			"an unknown place":      {"Sec-Fetch-Site": {"surprise"}},
			"no origin":             {},
			"origin null":           {"Origin": {"null"}},
			"a foreign origin":      {"Origin": {"https://evil.example"}},
			"a longer origin":       {"Origin": {"https://consent.example.com.evil.example"}},
			"another port":          {"Origin": {"https://consent.example.com:8443"}},
			"a host with user name": {"Origin": {"https://consent.example.com@evil.example"}},
		} {
			if got := send(token, header); got != http.StatusForbidden {
				t.Errorf("%s %s from %s: %d", r.Method, r.Path, name, got)
			}
		}
		for name, bad := range map[string]string{"no token": "", "a token of another session": foreign, "a longer one": token + "x", "a shorter one": token[1:]} {
			if got := send(bad, same.Clone()); got != http.StatusForbidden {
				t.Errorf("%s %s with %s: %d", r.Method, r.Path, name, got)
			}
		}
	}
	if n < 10 {
		t.Fatalf("only %d changing routes", n)
	}
}

// A method that changes nothing is answered without a token: it must not change
// anything. The store is asked before and after.
func TestAskingChangesNothing(t *testing.T) {
	w := newWorld(t, withRequests)
	o := w.operator(operator.Owner)
	c := w.as(o)
	before := len(w.acts())
	for _, r := range w.console.Routes() {
		if changes(r.Method) || r.Bearer {
			continue
		}
		got := c.ask(r, shop)
		if got.code >= 500 {
			t.Errorf("%s %s: %d %s", r.Method, r.Path, got.code, got.body)
		}
	}
	if acts := w.acts(); len(acts) != before {
		t.Errorf("noted: %v", acts)
	}
}

// Objects that are somebody else's are not there.
func TestObjectsOfOthers(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	ada, eve := w.operator(operator.Owner), w.operator(operator.Owner)
	adas, eves := w.as(ada), w.as(eve)
	if err := w.db.AddPasskey(ctx, operator.Passkey{ID: "adas", Operator: ada.ID, Name: "hers", Credential: []byte("{}"), CreatedAt: noon}); err != nil {
		t.Fatal(err)
	}
	session := must(w.db.SessionsOf(ctx, ada.ID))[0]
	for path, form := range map[string]url.Values{
		"/admin/account/passkeys/adas":          {"name": {"mine now"}},
		"/admin/account/passkeys/adas/remove":   nil,
		"/admin/account/sessions":               {"session": {session.Digest}},
		"/admin/operators/nobody":               {"name": {"x"}, "email": {"x@example.com"}, "role": {"legal"}, "where": {"all"}},
		"/admin/operators/nobody/link":          nil,
		"/admin/tokens/nothing/end":             nil,
		"/admin/account/passkeys/nobody/remove": nil,
	} {
		if got := eves.post(path, form); got.code != http.StatusNotFound {
			t.Errorf("%s: %d %s", path, got.code, got.body)
		}
	}
	if p, err := w.db.Passkey(ctx, "adas"); err != nil || p.Name != "hers" {
		t.Errorf("%+v, %v", p, err)
	}
	if got := adas.get("/admin/account"); got.code != http.StatusOK {
		t.Errorf("Ada is signed out: %d", got.code)
	}
	// A site's log shows that site's acts, whatever is asked for.
	for _, key := range []string{shop, blog, ""} {
		if err := w.db.AddAct(ctx, operator.Act{At: noon, Operator: ada.ID, Site: key, What: "policy.publish", Object: "of<" + key + ">"}); err != nil {
			t.Fatal(err)
		}
	}
	auditor := w.as(w.operator(operator.Auditor, shop))
	for _, path := range []string{"/admin/sites/shop/log?of=blog", "/admin/sites/shop/log/acts.csv?of=-", "/admin/sites/shop/log/acts.json?of="} {
		got := auditor.get(path)
		mine := strings.Contains(got.body, "of<shop>") || strings.Contains(got.body, "of&lt;shop&gt;") || strings.Contains(got.body, `of\u003cshop\u003e`)
		if got.code != http.StatusOK || !mine || strings.Contains(got.body, "blog>") || strings.Contains(got.body, "blog&gt;") || strings.Contains(got.body, `of\u003c\u003e`) || strings.Contains(got.body, "of<>") {
			t.Errorf("%s: %d\n%s", path, got.code, got.body)
		}
	}
	if got := auditor.get("/admin/sites/blog/log"); got.code != http.StatusNotFound {
		t.Errorf("another site's log: %d", got.code)
	}
	if got := auditor.get("/admin/log"); got.code != http.StatusForbidden {
		t.Errorf("the server's log: %d", got.code)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(fmt.Sprint("test: ", err))
	}
	return v
}
