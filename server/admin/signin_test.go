package admin

import (
	"encoding/base32"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/hotp"

	"github.com/volenti-consent/volenti/server/operator"
	"github.com/volenti-consent/volenti/server/store/storetest"
)

const goodPassword = "amber lantern, quiet harbour"

// withPassword gives o a password and codes; their secret, and a recovery code.
func (w *world) withPassword(o operator.Operator) (secret, recovery string) {
	w.t.Helper()
	secret = operator.NewCodeSecret()
	codes, digests := operator.NewRecoveryCodes()
	err := w.db.KeepKeys(w.t.Context(), operator.Keys{Operator: o.ID, Password: must(w.console.Passwords.Hash(w.t.Context(), goodPassword)),
		TOTP: w.console.Vault.Seal(o.ID, []byte(secret)), Recovery: digests, ChangedAt: w.clock()})
	if err != nil {
		w.t.Fatal(err)
	}
	return secret, codes[0]
}

// code is what an app shows now.
func (w *world) code(secret string) string {
	return must(hotp.GenerateCode(secret, uint64(w.clock().Unix()/30)))
}

var tokenField = regexp.MustCompile(`name="token" value="([^"]*)"`)

// open gets a page and takes its token along.
func (c *client) open(path string) *answer {
	a := c.get(path)
	if m := tokenField.FindStringSubmatch(a.body); m != nil {
		c.token = m[1]
	}
	return a
}

func (c *client) password(email, password string) *answer {
	if c.token == "" {
		c.open("/admin/sign-in")
	}
	return c.post("/admin/sign-in", url.Values{"email": {email}, "password": {password}, "to": {"/admin/account"}})
}

// signIn goes all the way by password and code.
func (c *client) signIn(o operator.Operator, code string) *answer {
	if a := c.password(o.Email, goodPassword); a.code != http.StatusSeeOther {
		return a
	}
	return c.post("/admin/sign-in/code", url.Values{"code": {code}})
}

func TestPasswordAndCode(t *testing.T) {
	w := newWorld(t)
	o := w.operator(operator.Legal, shop)
	secret, recovery := w.withPassword(o)
	c := w.stranger()
	if a := c.password(o.Email, goodPassword); a.code != http.StatusSeeOther || a.to() != "/admin/sign-in/code" {
		t.Fatalf("password: %d to %s", a.code, a.to())
	}
	if a := c.get("/admin/account"); a.code != http.StatusSeeOther {
		t.Errorf("a password alone opens the console: %d", a.code)
	}
	code := w.code(secret)
	a := c.post("/admin/sign-in/code", url.Values{"code": {code[:3] + " " + code[3:]}})
	if a.code != http.StatusSeeOther || a.to() != "/admin/account" {
		t.Fatalf("code: %d to %s", a.code, a.to())
	}
	if a := c.get("/admin/account"); a.code != http.StatusOK || !strings.Contains(a.body, o.Email) {
		t.Errorf("signed in: %d", a.code)
	}
	// A code counts once, also the earlier ones that would still fit.
	if a := w.stranger().signIn(o, code); a.code != http.StatusUnprocessableEntity {
		t.Errorf("the same code again: %d", a.code)
	}
	w.wait(30 * time.Second)
	if a := w.stranger().signIn(o, code); a.code != http.StatusUnprocessableEntity {
		t.Errorf("the same code in the next step: %d", a.code)
	}
	w.wait(2 * time.Minute)
	other := w.stranger()
	if a := other.signIn(o, strings.ToUpper(strings.ReplaceAll(recovery, "-", " "))); a.code != http.StatusSeeOther {
		t.Errorf("a recovery code: %d %s", a.code, a.body)
	}
	if a := w.stranger().signIn(o, recovery); a.code != http.StatusUnprocessableEntity {
		t.Errorf("the same recovery code again: %d", a.code)
	}
	if acts := w.acts(); !slices.Contains(acts, "session.begin "+o.Email) || !slices.Contains(acts, "recovery-code.use "+o.Email) || !slices.Contains(acts, "session.refuse "+o.Email) {
		t.Errorf("noted: %v", acts)
	}
	// The half of a sign-in does not last, and can't be used twice.
	late := w.stranger()
	late.password(o.Email, goodPassword)
	w.wait(stepLasts)
	if a := late.post("/admin/sign-in/code", url.Values{"code": {w.code(secret)}}); a.to() != "/admin/sign-in" {
		t.Errorf("after five minutes: %d to %s", a.code, a.to())
	}
}

// Nobody learns whose addresses are known, or who is disabled, or has no codes.
func TestSameAnswerWhoeverItIs(t *testing.T) {
	w := newWorld(t)
	known, bare, gone, half := w.operator(operator.Legal), w.operator(operator.Legal), w.operator(operator.Legal), w.operator(operator.Legal)
	w.withPassword(known)
	w.withPassword(gone)
	w.withPassword(half)
	gone.Disabled = true
	if err := w.db.ChangeOperator(t.Context(), w.operator(operator.Owner)); err != nil {
		t.Fatal(err)
	}
	if err := w.db.ChangeOperator(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	keys := must(w.db.Keys(t.Context(), half.ID))
	keys.TOTP = nil
	if err := w.db.KeepKeys(t.Context(), keys); err != nil {
		t.Fatal(err)
	}
	var first string
	for _, test := range []struct{ email, password string }{
		{known.Email, "wrong wrong wrong"}, {"nobody@example.com", goodPassword}, {bare.Email, goodPassword}, {gone.Email, goodPassword}, {half.Email, goodPassword},
	} {
		w.wait(time.Hour) // so that the throttle has no part in it
		c := w.stranger()
		a := c.password(test.email, test.password)
		body := strings.ReplaceAll(strings.ReplaceAll(a.body, c.token, "TOKEN"), test.email, "EMAIL")
		body = tokenField.ReplaceAllString(body, "")
		if first == "" {
			first = body
		}
		if a.code != http.StatusUnprocessableEntity || body != first || len(a.header.Values("Set-Cookie")) > 0 {
			t.Errorf("%s: %d, cookies %v, the same page: %v", test.email, a.code, a.header.Values("Set-Cookie"), body == first)
		}
	}
}

// Ten thousand guesses in a minute: at most twenty reach the hash, and whoever the
// account belongs to gets in, at once from a browser they know, else within one
// minute of the end.
func TestGuessing(t *testing.T) {
	for name, guess := range map[string]func(i int, o operator.Operator) (email, address string){
		"one account, one address": func(_ int, o operator.Operator) (string, string) { return o.Email, "203.0.113.9:1" },
		"one account, many addresses": func(i int, o operator.Operator) (string, string) {
			return o.Email, fmt.Sprintf("203.0.%d.%d:1", i/250, i%250)
		},
		"many accounts, one address": func(i int, _ operator.Operator) (string, string) {
			return fmt.Sprintf("a%d@example.com", i), "203.0.113.9:1"
		},
		"many accounts, as many addresses": func(i int, _ operator.Operator) (string, string) {
			return fmt.Sprintf("a%d@example.com", i), fmt.Sprintf("203.%d.%d.9:1", i/250, i%250)
		},
	} {
		t.Run(name, func(t *testing.T) {
			address := ""
			w := newWorld(t, func(c *Console) { c.Address = func(*http.Request) string { return address } })
			o := w.operator(operator.Legal)
			secret, _ := w.withPassword(o)
			home := w.stranger() // a browser the operator has signed in with
			if a := home.signIn(o, w.code(secret)); a.code != http.StatusSeeOther {
				t.Fatalf("at first: %d", a.code)
			}
			home.open("/admin/account")
			home.post("/admin/sign-out", nil)
			w.wait(2 * time.Hour)

			guesser := w.stranger()
			guesser.open("/admin/sign-in")
			// As many as a machine can send in a minute; on PostgreSQL, where each asks a server
			// several times, a tenth: what reaches the hash in that minute is the same.
			guesses, tried := 10_000, 0
			if storetest.OnPostgres() {
				guesses = 1000
			}
			for i := range guesses {
				var email string
				email, address = guess(i, o)
				switch a := guesser.password(email, "guess "+fmt.Sprint(i)+" guess"); a.code {
				case http.StatusUnprocessableEntity:
					tried++
				case http.StatusTooManyRequests:
					if a.header.Get("Retry-After") == "" {
						t.Fatal("no word on how long to wait")
					}
				default:
					t.Fatalf("guess %d: %d", i, a.code)
				}
				w.wait(time.Minute / time.Duration(guesses))
			}
			if tried == 0 || tried > 20 {
				t.Errorf("%d guesses reached the hash", tried)
			}
			address = "198.51.100.1:1"
			home.token = ""
			if a := home.signIn(o, w.code(secret)); a.code != http.StatusSeeOther || a.to() != "/admin/account" {
				t.Errorf("the operator's own browser, at once: %d to %s", a.code, a.to())
			}
			w.wait(time.Minute)
			if a := w.stranger().signIn(o, w.code(secret)); a.code != http.StatusSeeOther || a.to() != "/admin/account" {
				t.Errorf("another browser, a minute later: %d to %s", a.code, a.to())
			}
		})
	}
}

// Codes are guessed at no faster than passwords.
func TestGuessingCodes(t *testing.T) {
	w := newWorld(t)
	o := w.operator(operator.Legal)
	secret, _ := w.withPassword(o)
	c := w.stranger()
	c.password(o.Email, goodPassword)
	tried := 0
	for i := range 1000 {
		guess := fmt.Sprintf("%06d", i)
		if guess == w.code(secret) {
			continue
		}
		if a := c.post("/admin/sign-in/code", url.Values{"code": {guess}}); a.code == http.StatusUnprocessableEntity {
			tried++
		}
		w.wait(60 * time.Millisecond)
	}
	if tried == 0 || tried > 20 {
		t.Errorf("%d codes were tried in a minute", tried)
	}
}

// Where to go on is a place of the console, whatever the address says.
func TestOnward(t *testing.T) {
	for to, want := range map[string]string{
		"": "/admin", "/admin": "/admin", "/admin/sites/shop/receipts?q=a%20b": "/admin/sites/shop/receipts?q=a%20b",
		"https://evil.example/admin": "/admin", "//evil.example/admin": "/admin", "/\\evil.example": "/admin", "/admin/../v1": "/admin",
		"/admin\\..": "/admin", "javascript:alert(1)": "/admin", "/administrator": "/admin", "/admin/sign-out": "/admin", "/admin/%2e%2e/x": "/admin",
		"/admin/enter/x": "/admin", "admin/log": "/admin", "/admin//evil": "/admin", "/admin/\r\nSet-Cookie: a=b": "/admin", "http:/admin": "/admin",
	} {
		if got := onward(to); got != want {
			t.Errorf("%q leads to %q, want %q", to, got, want)
		}
	}
}

// The way of a new owner: link, password and code, recovery codes; the link opens
// once.
func TestFirstOwner(t *testing.T) {
	w := newWorld(t)
	l, path := NewLink(w.clock(), operator.LinkFirst, "", "cli")
	if err := w.db.AddLink(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	path = "/" + path
	for range 3 { // programs look at links first
		if a := w.stranger().get(path); a.code != http.StatusOK {
			t.Fatalf("looking: %d", a.code)
		}
	}
	c := w.stranger()
	c.open(path)
	if a := c.post(path, url.Values{"name": {" "}, "email": {"no address"}}); a.code != http.StatusUnprocessableEntity {
		t.Errorf("without name and address: %d", a.code)
	}
	if a := c.post(path, url.Values{"name": {"Ada"}, "email": {"ADA@example.com"}}); a.to() != "/admin/set-up" {
		t.Fatalf("%d to %s", a.code, a.to())
	}
	if a := w.stranger().get(path); a.code != http.StatusNotFound {
		t.Errorf("the link opens again: %d", a.code)
	}
	if a := c.get("/admin"); a.to() != "/admin/set-up" {
		t.Errorf("the console is open before there is a way in: %d to %s", a.code, a.to())
	}
	before := c.cookies["__Host-"+sessionCookie].Value
	form := c.open("/admin/account/password")
	groups := regexp.MustCompile(`<span>([A-Z2-7]{1,4})</span>`).FindAllStringSubmatch(form.body, -1)
	secret := ""
	for _, g := range groups {
		secret += g[1]
	}
	if _, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret); err != nil || len(secret) != 32 {
		t.Fatalf("secret %q, %v", secret, err)
	}
	if !strings.Contains(form.body, `src="data:image/png;base64,`) {
		t.Error("no picture of the secret")
	}
	if a := c.post("/admin/account/password", url.Values{"password": {goodPassword}, "code": {"000000"}}); a.code != http.StatusUnprocessableEntity || !strings.Contains(a.body, groups[3][1]) {
		t.Errorf("with a wrong code: %d, the same secret again: %v", a.code, strings.Contains(a.body, groups[3][1]))
	}
	a := c.post("/admin/account/password", url.Values{"password": {goodPassword}, "code": {w.code(secret)}})
	if a.code != http.StatusOK || strings.Count(a.body, "<li>") < 10 {
		t.Fatalf("%d %s", a.code, a.body)
	}
	if c.cookies["__Host-"+sessionCookie].Value == before {
		t.Error("the session of the link became that of the owner")
	}
	if a := c.get("/admin/operators"); a.code != http.StatusOK || !strings.Contains(a.body, "ada@example.com") {
		t.Errorf("the owner's console: %d", a.code)
	}
	stolen := w.stranger()
	stolen.cookies["__Host-"+sessionCookie] = &http.Cookie{Name: "__Host-" + sessionCookie, Value: before}
	if a := stolen.get("/admin/set-up"); a.code != http.StatusSeeOther || !strings.HasPrefix(a.to(), "/admin/sign-in") {
		t.Errorf("the link's session lives on: %d to %s", a.code, a.to())
	}
	keys := must(w.db.Keys(t.Context(), must(w.db.OperatorOf(t.Context(), "ada@example.com")).ID))
	if strings.Contains(string(keys.TOTP), secret) || strings.Contains(keys.Password, goodPassword) || !strings.HasPrefix(keys.Password, "$argon2id$v=19$m=") {
		t.Errorf("kept in the clear: %+v", keys)
	}
}

// A link ends after a day.
func TestLinksEnd(t *testing.T) {
	w := newWorld(t)
	l, path := NewLink(w.clock(), operator.LinkFirst, "", "cli")
	if err := w.db.AddLink(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	w.wait(operator.LinkLasts - time.Millisecond)
	if a := w.stranger().get("/" + path); a.code != http.StatusOK {
		t.Errorf("just before: %d", a.code)
	}
	w.wait(time.Millisecond)
	c := w.stranger()
	c.open("/admin/sign-in")
	if a := c.post("/"+path, url.Values{"name": {"Ada"}, "email": {"ada@example.com"}}); a.code != http.StatusNotFound {
		t.Errorf("after a day: %d", a.code)
	}
}
