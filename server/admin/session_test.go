package admin

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/operator"
)

const sessionName = "__Host-" + sessionCookie

// in reports whether a browser is signed in.
func (c *client) in() bool { return c.get("/admin/account").code == http.StatusOK }

func TestHowLongASessionLasts(t *testing.T) {
	w := newWorld(t)
	o := w.operator(operator.Legal)
	idle := w.as(o)
	w.wait(sessionIdle)
	if !idle.in() {
		t.Error("ended before half an hour")
	}
	w.wait(sessionIdle + time.Millisecond)
	if idle.in() {
		t.Error("lives on unused")
	}
	busy := w.as(o)
	for range int(sessionMost / (20 * time.Minute)) {
		w.wait(20 * time.Minute)
		if !busy.in() {
			t.Fatal("ended while in use")
		}
	}
	w.wait(time.Minute)
	if busy.in() {
		t.Error("lives on after twelve hours")
	}
}

func TestWhatEndsSessions(t *testing.T) {
	type act func(t *testing.T, w *world, o operator.Operator, here *client)
	for name, test := range map[string]struct {
		do         act
		here, away bool // whether the browsers are signed in after it
	}{
		"sign-out": {func(t *testing.T, _ *world, _ operator.Operator, here *client) {
			a := here.post("/admin/sign-out", nil)
			if a.to() != "/admin/sign-in" || a.header.Get("Clear-Site-Data") != `"cache"` {
				t.Errorf("%d to %s", a.code, a.to())
			}
		}, false, true},
		"sign-out everywhere else": {func(_ *testing.T, _ *world, _ operator.Operator, here *client) {
			here.post("/admin/account/sessions", url.Values{"session": {"others"}})
		}, true, false},
		"a new password": {func(t *testing.T, w *world, o operator.Operator, here *client) {
			w.withPassword(o)
			before := here.cookies[sessionName].Value
			if a := here.post("/admin/account/password", url.Values{"password": {"another lantern, other harbour"}}); a.to() != "/admin/account" {
				t.Errorf("%d %s", a.code, a.body)
			}
			if here.cookies[sessionName].Value == before {
				t.Error("the same session goes on")
			}
		}, true, false},
		"another role": {func(t *testing.T, w *world, o operator.Operator, _ *client) {
			a := w.as(w.operator(operator.Owner)).post("/admin/operators/"+o.ID, url.Values{"name": {o.Name}, "email": {o.Email}, "role": {"auditor"}, "where": {"all"}})
			if a.code != http.StatusSeeOther {
				t.Errorf("%d %s", a.code, a.body)
			}
		}, false, false},
		"disabled": {func(t *testing.T, w *world, o operator.Operator, _ *client) {
			a := w.as(w.operator(operator.Owner)).post("/admin/operators/"+o.ID, url.Values{"name": {o.Name}, "email": {o.Email}, "role": {"legal"}, "where": {"all"}, "disabled": {"yes"}})
			if a.code != http.StatusSeeOther {
				t.Errorf("%d %s", a.code, a.body)
			}
		}, false, false},
		"a passkey removed": {func(t *testing.T, w *world, o operator.Operator, here *client) {
			for _, id := range []string{"one", "two"} {
				if err := w.db.AddPasskey(t.Context(), operator.Passkey{ID: id, Operator: o.ID, Name: id, Credential: []byte("{}"), CreatedAt: noon}); err != nil {
					t.Fatal(err)
				}
			}
			if a := here.post("/admin/account/passkeys/one/remove", nil); a.code != http.StatusSeeOther {
				t.Errorf("%d %s", a.code, a.body)
			}
			if a := here.post("/admin/account/passkeys/two/remove", nil); a.code != http.StatusUnprocessableEntity {
				t.Errorf("the only way in can be removed: %d", a.code)
			}
		}, true, false},
		"a link that is used": {func(t *testing.T, w *world, o operator.Operator, _ *client) {
			l, path := NewLink(w.clock(), operator.LinkReset, o.ID, "cli")
			if err := w.db.AddLink(t.Context(), l); err != nil {
				t.Fatal(err)
			}
			w.withPassword(o)
			c := w.stranger()
			c.open("/" + path)
			if a := c.post("/"+path, nil); a.to() != "/admin/set-up" {
				t.Errorf("%d to %s", a.code, a.to())
			}
			if keys := must(w.db.Keys(t.Context(), o.ID)); keys.Open() {
				t.Error("the old password still opens")
			}
		}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.operator(operator.Owner)
			o := w.operator(operator.Legal)
			here, away := w.as(o), w.as(o)
			test.do(t, w, o, here)
			if here.in() != test.here || away.in() != test.away {
				t.Errorf("signed in here %v, elsewhere %v; want %v, %v", !test.here, !test.away, test.here, test.away)
			}
		})
	}
}

// What is wrong with a cookie makes nobody of somebody, and nothing else.
func TestCookiesThatOpenNothing(t *testing.T) {
	w := newWorld(t)
	o := w.operator(operator.Legal)
	good := w.as(o).cookies[sessionName].Value
	otherKey := must(operator.NewSealer(append(make([]byte, 95), 1)))
	for name, value := range map[string]string{
		"empty": "", "text": "x", "cut": good[:len(good)-4], "changed": good[:30] + "A" + good[31:],
		"of another key":       must(otherKey.Encode(sessionCookie, "x")),
		"of another cookie":    must(w.console.Cookies.Encode(formCookie, "x")),
		"no session's":         must(w.console.Cookies.Encode(sessionCookie, operator.NewSecret())),
		"a digest, not secret": must(w.console.Cookies.Encode(sessionCookie, must(w.db.SessionsOf(t.Context(), o.ID))[0].Digest)),
		"another type":         must(w.console.Cookies.Encode(sessionCookie, map[string]int{"a": 1})),
	} {
		c := w.stranger()
		c.cookies[sessionName] = &http.Cookie{Name: sessionName, Value: value}
		if a := c.get("/admin/account"); a.code != http.StatusSeeOther || !strings.HasPrefix(a.to(), "/admin/sign-in?to=") {
			t.Errorf("%s: %d to %s", name, a.code, a.to())
		}
	}
	// Without its prefix the cookie is one that a sub-domain may have set.
	c := w.stranger()
	c.cookies[sessionCookie] = &http.Cookie{Name: sessionCookie, Value: good}
	if c.in() {
		t.Error("a cookie without __Host- opens the console over https")
	}
}

// The key before the current one still reads; the one before that does not.
func TestKeysOfCookiesRotate(t *testing.T) {
	key := func(b byte) []byte { return append(make([]byte, 95), b) }
	w := newWorld(t, func(c *Console) { c.Cookies = must(operator.NewSealer(key(1))) })
	c := w.as(w.operator(operator.Legal))
	w.console.Cookies = must(operator.NewSealer(key(2), key(1)))
	if !c.in() {
		t.Error("signed out by one rotation")
	}
	w.console.Cookies = must(operator.NewSealer(key(3), key(2)))
	if c.in() {
		t.Error("signed in after two rotations")
	}
}

// A secret that somebody else put into a browser is not the one that is signed in.
func TestFixation(t *testing.T) {
	w := newWorld(t)
	o, eve := w.operator(operator.Legal), w.operator(operator.Legal)
	secret, _ := w.withPassword(o)
	planted := w.as(eve)
	value, digest := planted.cookies[sessionName].Value, must(w.db.SessionsOf(t.Context(), eve.ID))[0].Digest
	planted.token = ""
	planted.open("/admin/sign-in?why=again")
	if a := planted.signIn(o, w.code(secret)); a.code != http.StatusSeeOther {
		t.Fatalf("%d %s", a.code, a.body)
	}
	if planted.cookies[sessionName].Value == value {
		t.Error("the planted session is the one that is signed in")
	}
	thief := w.stranger()
	thief.cookies[sessionName] = &http.Cookie{Name: sessionName, Value: value}
	if thief.in() {
		t.Error("the planted session lives on")
	}
	if _, err := w.db.Session(t.Context(), digest); err == nil {
		t.Error("the planted session is still kept")
	}
}

// Every cookie, to the letter.
func TestCookieFlags(t *testing.T) {
	for _, https := range []bool{true, false} {
		w := newWorld(t, func(c *Console) {
			if c.HTTPS = https; !https {
				c.PublicURL = ""
			}
		})
		o := w.operator(operator.Legal)
		secret, _ := w.withPassword(o)
		c := w.stranger()
		var all []string
		collect := func(a *answer) { all = append(all, a.header.Values("Set-Cookie")...) }
		collect(c.open("/admin/sign-in"))
		collect(c.password(o.Email, goodPassword))
		collect(c.post("/admin/sign-in/code", url.Values{"code": {w.code(secret)}}))
		collect(c.open("/admin/account"))
		collect(c.post("/admin/account", url.Values{"name": {"Another"}}))
		collect(c.post("/admin/sign-out", nil))
		if len(all) < 7 {
			t.Fatalf("only %d cookies: %v", len(all), all)
		}
		for _, line := range all {
			name, rest, _ := strings.Cut(line, "=")
			_, flags, _ := strings.Cut(rest, "; ")
			wantFlags := map[string]string{
				sessionCookie: "Path=/; HttpOnly; SameSite=Strict", formCookie: "Path=/; HttpOnly; SameSite=Strict",
				knownCookie: "Path=/; Max-Age=31536000; HttpOnly; SameSite=Strict", "volenti-code": "Path=/; Max-Age=300; HttpOnly; SameSite=Strict",
				saidCookie: "Path=/; Max-Age=60; HttpOnly; SameSite=Strict",
			}
			bare := strings.TrimPrefix(name, "__Host-")
			want := wantFlags[bare]
			if https {
				want = strings.Replace(want, "HttpOnly", "HttpOnly; Secure", 1)
			}
			gone := strings.Contains(flags, "Max-Age=0")
			if gone {
				want = strings.Replace("Path=/; Max-Age=0; HttpOnly; SameSite=Strict", "HttpOnly", map[bool]string{true: "HttpOnly; Secure", false: "HttpOnly"}[https], 1)
			}
			if flags != want || https != strings.HasPrefix(name, "__Host-") {
				t.Errorf("https %v: %s: %s, want %s", https, name, flags, want)
			}
		}
	}
}

// The last owner of all sites stays one.
func TestLastOwner(t *testing.T) {
	w := newWorld(t)
	ada := w.operator(operator.Owner)
	w.operator(operator.Owner, shop) // one of a site lets nobody in
	c := w.as(ada)
	for name, form := range map[string]url.Values{
		"another role": {"role": {"legal"}, "where": {"all"}}, "one site": {"role": {"owner"}, "where": {"some"}, "site": {shop}},
		"disabled": {"role": {"owner"}, "where": {"all"}, "disabled": {"yes"}},
	} {
		form.Set("name", "Ada")
		form.Set("email", ada.Email)
		if a := c.post("/admin/operators/"+ada.ID, form); a.code != http.StatusUnprocessableEntity || !strings.Contains(a.body, "only owner of all sites") {
			t.Errorf("%s: %d", name, a.code)
		}
		if got := must(w.db.Operator(t.Context(), ada.ID)); got.Role != operator.Owner || !got.AllSites || got.Disabled {
			t.Fatalf("%s: %+v", name, got)
		}
	}
}

// A link on another website comes without the session's cookie; the page it gets
// asks again from here.
func TestFromAnotherWebsite(t *testing.T) {
	w := newWorld(t)
	a := w.stranger().do(http.MethodGet, "/admin/log?what=policy.", http.Header{"Sec-Fetch-Site": {"cross-site"}}, nil)
	if a.code != http.StatusOK || !strings.Contains(a.body, `http-equiv="refresh" content="0;url=../admin/log?what=policy."`) {
		t.Errorf("%d\n%s", a.code, a.body)
	}
	if a := w.stranger().do(http.MethodGet, "/admin/log", http.Header{"Sec-Fetch-Site": {"same-origin"}}, nil); a.code != http.StatusSeeOther {
		t.Errorf("from here: %d", a.code)
	}
}
