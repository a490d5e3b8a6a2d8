package admin

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/operator"
)

// A provider is a company's sign-in: OpenID Connect 1.0 with PKCE, whose answers a
// test may bend.
type provider struct {
	t       *testing.T
	server  *httptest.Server
	now     func() time.Time
	alg     string
	rsa     *rsa.PrivateKey
	ec      *ecdsa.PrivateKey
	asked   url.Values     // the last question
	claims  map[string]any // of the next token, over the usual ones
	signer  crypto.Signer  // nil: its own
	refuses bool
}

func newProvider(t *testing.T, alg string, now func() time.Time) *provider {
	p := &provider{t: t, now: now, alg: alg, claims: map[string]any{}}
	var err error
	if p.rsa, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		t.Fatal(err)
	}
	if p.ec, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	p.server = httptest.NewServer(mux)
	t.Cleanup(p.server.Close)
	say := func(w http.ResponseWriter, v any) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(v)
	}
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		say(w, map[string]any{"issuer": p.server.URL, "authorization_endpoint": p.server.URL + "/authorize", "token_endpoint": p.server.URL + "/token",
			"jwks_uri": p.server.URL + "/keys", "id_token_signing_alg_values_supported": []string{"RS256", "ES256"}})
	})
	b64 := base64.RawURLEncoding.EncodeToString
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		point, err := p.ec.PublicKey.Bytes()
		if err != nil {
			t.Error(err)
		}
		say(w, map[string]any{"keys": []map[string]string{
			{"kty": "RSA", "kid": "r", "alg": "RS256", "use": "sig", "n": b64(p.rsa.N.Bytes()), "e": b64(big.NewInt(int64(p.rsa.E)).Bytes())},
			{"kty": "EC", "kid": "e", "alg": "ES256", "use": "sig", "crv": "P-256", "x": b64(point[1:33]), "y": b64(point[33:])},
		}})
	})
	mux.HandleFunc("/token", func(w http.ResponseWriter, r *http.Request) {
		id, secret, _ := r.BasicAuth()
		sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
		if p.refuses || id != "volenti" || secret != "hush" || r.FormValue("code") != "the-code" || b64(sum[:]) != p.asked.Get("code_challenge") {
			http.Error(w, `{"error":"invalid_grant"}`, http.StatusBadRequest)
			return
		}
		say(w, map[string]any{"access_token": "x", "token_type": "Bearer", "id_token": p.token()})
	})
	return p
}

func (p *provider) token() string {
	claims := map[string]any{"iss": p.server.URL, "aud": "volenti", "sub": "1", "iat": p.now().Unix(), "exp": p.now().Add(time.Minute).Unix(),
		"nonce": p.asked.Get("nonce"), "email": "Ada@example.com", "email_verified": true, "name": "Ada", "auth_time": p.now().Unix()}
	for name, v := range p.claims {
		claims[name] = v
	}
	part := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			p.t.Error(err)
		}
		return base64.RawURLEncoding.EncodeToString(b)
	}
	kid := map[string]string{"RS256": "r", "ES256": "e", "none": "r", "HS256": "r"}[p.alg]
	text := part(map[string]string{"alg": p.alg, "kid": kid}) + "." + part(claims)
	sum := sha256.Sum256([]byte(text))
	var signature []byte
	var err error
	switch {
	case p.alg == "none":
	case p.alg == "ES256":
		r, s, e := ecdsa.Sign(rand.Reader, p.ec, sum[:])
		signature, err = append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...), e
	case p.signer != nil:
		signature, err = p.signer.Sign(rand.Reader, sum[:], crypto.SHA256)
	default:
		signature, err = p.rsa.Sign(rand.Reader, sum[:], crypto.SHA256)
	}
	if err != nil {
		p.t.Error(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// go begins a sign-in and comes back with what the provider would say; change
// bends the way back.
func (p *provider) signIn(c *client, path string, change func(url.Values)) *answer {
	p.t.Helper()
	a := c.get(path)
	to, err := url.Parse(a.header.Get("Location"))
	if err != nil || a.code != http.StatusSeeOther || !strings.HasPrefix(to.String(), p.server.URL+"/authorize?") {
		p.t.Fatalf("%d to %s\n%s", a.code, to, a.body)
	}
	p.asked = to.Query()
	back := url.Values{"code": {"the-code"}, "state": {p.asked.Get("state")}}
	if change != nil {
		change(back)
	}
	return c.do(http.MethodGet, "/admin/sign-in/company/back?"+back.Encode(), http.Header{"Sec-Fetch-Site": {"cross-site"}}, nil)
}

func companyWorld(t *testing.T, alg string, role operator.Role) (*world, *provider) {
	var p *provider
	w := newWorld(t)
	p = newProvider(t, alg, w.clock)
	w.console.Company = operator.NewCompany(operator.CompanyOptions{Issuer: p.server.URL, ClientID: "volenti", Secret: "hush",
		Redirect: "https://consent.example.com/admin/sign-in/company/back", Role: role, Now: w.clock})
	return w, p
}

func (w *world) ada() operator.Operator {
	o := operator.Operator{ID: operator.NewID(), Name: "Ada", Email: "ada@example.com", Role: operator.Legal, Sites: []string{shop}, CreatedAt: noon}
	if err := w.db.AddOperator(w.t.Context(), o); err != nil {
		w.t.Fatal(err)
	}
	return o
}

func TestCompanySignIn(t *testing.T) {
	for _, alg := range []string{"RS256", "ES256"} {
		t.Run(alg, func(t *testing.T) {
			w, p := companyWorld(t, alg, "")
			w.ada()
			c := w.stranger()
			a := p.signIn(c, "/admin/sign-in/company?to="+url.QueryEscape("/admin/sites/shop/policies"), nil)
			if a.code != http.StatusOK || !strings.Contains(a.body, "content=\"0;url=../../../admin/sites/shop/policies\"") || !c.in() {
				t.Fatalf("%d, signed in %v\n%s", a.code, c.in(), a.body)
			}
			for name, want := range map[string]string{"response_type": "code", "client_id": "volenti", "code_challenge_method": "S256",
				"redirect_uri": "https://consent.example.com/admin/sign-in/company/back", "scope": "openid email profile", "prompt": ""} {
				if got := p.asked.Get(name); got != want {
					t.Errorf("%s = %q, want %q", name, got, want)
				}
			}
			if len(p.asked.Get("state")) < 43 || len(p.asked.Get("nonce")) < 43 || len(p.asked.Get("code_challenge")) != 43 {
				t.Errorf("asked %v", p.asked)
			}
		})
	}
}

func TestCompanyAnswersThatOpenNothing(t *testing.T) {
	for name, test := range map[string]struct {
		bend   func(w *world, p *provider)
		change func(url.Values)
	}{
		"another state":           {nil, func(q url.Values) { q.Set("state", "x") }},
		"no state":                {nil, func(q url.Values) { q.Del("state") }},
		"no code":                 {nil, func(q url.Values) { q.Del("code") }},
		"an error":                {nil, func(q url.Values) { q.Del("code"); q.Set("error", "access_denied") }},
		"another code":            {nil, func(q url.Values) { q.Set("code", "another") }},
		"another nonce":           {func(_ *world, p *provider) { p.claims["nonce"] = "x" }, nil},
		"another issuer":          {func(_ *world, p *provider) { p.claims["iss"] = "https://evil.example" }, nil},
		"another audience":        {func(_ *world, p *provider) { p.claims["aud"] = "another" }, nil},
		"ended":                   {func(w *world, p *provider) { p.claims["exp"] = w.clock().Add(-time.Second).Unix() }, nil},
		"not verified":            {func(_ *world, p *provider) { p.claims["email_verified"] = false }, nil},
		"no address":              {func(_ *world, p *provider) { p.claims["email"] = "" }, nil},
		"nobody's address":        {func(_ *world, p *provider) { p.claims["email"] = "eve@example.com" }, nil},
		"somebody's, disabled":    {func(w *world, p *provider) { p.claims["email"] = w.disabled().Email }, nil},
		"no signature":            {func(_ *world, p *provider) { p.alg = "none" }, nil},
		"signed with the public":  {func(_ *world, p *provider) { p.alg = "HS256" }, nil},
		"signed by somebody else": {func(_ *world, p *provider) { p.signer = must(rsa.GenerateKey(rand.Reader, 2048)) }, nil},
		"a refusal":               {func(_ *world, p *provider) { p.refuses = true }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w, p := companyWorld(t, "RS256", "")
			w.ada()
			if test.bend != nil {
				test.bend(w, p)
			}
			c := w.stranger()
			a := p.signIn(c, "/admin/sign-in/company", test.change)
			if a.code != http.StatusForbidden || c.in() {
				t.Errorf("%d, signed in %v", a.code, c.in())
			}
			if n := len(must(w.db.Operators(t.Context()))); n > 3 {
				t.Errorf("%d operators", n)
			}
		})
	}
}

func (w *world) disabled() operator.Operator {
	w.operator(operator.Owner)
	o := w.operator(operator.Legal)
	o.Disabled = true
	if err := w.db.ChangeOperator(w.t.Context(), o); err != nil {
		w.t.Fatal(err)
	}
	return o
}

// The way back counts once, in the browser that was sent, and not for long.
func TestCompanyAnswerCountsOnce(t *testing.T) {
	w, p := companyWorld(t, "ES256", "")
	w.ada()
	c := w.stranger()
	a := c.get("/admin/sign-in/company")
	p.asked = must(url.Parse(a.header.Get("Location"))).Query()
	back := "/admin/sign-in/company/back?code=the-code&state=" + url.QueryEscape(p.asked.Get("state"))
	if a := w.stranger().get(back); a.to() != "/admin/sign-in" {
		t.Errorf("in another browser: %d to %s", a.code, a.to())
	}
	kept := *c.cookies["__Host-volenti-company"]
	if kept.SameSite != http.SameSiteLaxMode || !kept.HttpOnly || !kept.Secure {
		t.Errorf("%+v", kept)
	}
	if a := c.get(back); a.code != http.StatusOK {
		t.Fatalf("%d", a.code)
	}
	again := w.stranger()
	again.cookies[kept.Name] = &kept
	if a := again.get(back); a.code != http.StatusForbidden || again.in() {
		t.Errorf("a second time: %d", a.code)
	}
	late := w.stranger()
	late.get("/admin/sign-in/company")
	w.wait(stepLasts)
	if a := late.get(back); a.to() != "/admin/sign-in" {
		t.Errorf("after five minutes: %d to %s", a.code, a.to())
	}
}

// Somebody new gets in only where the configuration says as what; on no site.
func TestCompanyNewcomer(t *testing.T) {
	w, p := companyWorld(t, "RS256", operator.Auditor)
	c := w.stranger()
	p.signIn(c, "/admin/sign-in/company", nil)
	o, err := w.db.OperatorOf(t.Context(), "ada@example.com")
	if err != nil || o.Role != operator.Auditor || o.AllSites || len(o.Sites) > 0 || !c.in() {
		t.Errorf("%+v, %v", o, err)
	}
	for _, path := range []string{"/admin/sites/shop/policies", "/admin/log"} {
		if a := c.get(path); a.code != http.StatusNotFound && a.code != http.StatusForbidden {
			t.Errorf("%s: %d", path, a.code)
		}
	}
}

// Proving it again means now: an answer about this morning is none.
func TestCompanyProvesAgain(t *testing.T) {
	w, p := companyWorld(t, "RS256", "")
	o := w.ada()
	p.claims["auth_time"] = w.clock().Add(-time.Hour).Unix()
	c := w.as(o)
	if a := p.signIn(c, "/admin/sign-in/company", nil); a.code != http.StatusForbidden {
		t.Errorf("an hour ago: %d", a.code)
	}
	if p.asked.Get("prompt") != "login" || p.asked.Get("max_age") != "0" {
		t.Errorf("asked %v", p.asked)
	}
	delete(p.claims, "auth_time")
	if a := p.signIn(c, "/admin/sign-in/company", nil); a.code != http.StatusOK {
		t.Errorf("now: %d", a.code)
	}
}

// A company that is away is asked again when it has rested, not at every click.
func TestCompanyComesBack(t *testing.T) {
	w, p := companyWorld(t, "RS256", "")
	w.ada()
	asked := 0
	good := p.server.Config.Handler
	p.server.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		asked++
		http.Error(rw, "away", http.StatusServiceUnavailable)
	})
	for range 5 {
		if a := w.stranger().get("/admin/sign-in/company"); a.code != http.StatusForbidden {
			t.Errorf("%d", a.code)
		}
	}
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
	p.server.Config.Handler = good
	w.wait(10 * time.Second)
	c := w.stranger()
	if p.signIn(c, "/admin/sign-in/company", nil); !c.in() {
		t.Error("still away")
	}
}

// A company that is away takes nobody down with it.
func TestCompanyAway(t *testing.T) {
	w, p := companyWorld(t, "RS256", "")
	w.ada()
	p.server.Close()
	a := w.stranger().get("/admin/sign-in/company")
	if a.code != http.StatusForbidden || !strings.Contains(a.body, "did not work out") || strings.Contains(a.body, fmt.Sprint(p.server.URL, "/authorize")) {
		t.Errorf("%d\n%s", a.code, a.body)
	}
	if a := w.stranger().get("/admin/sign-in"); a.code != http.StatusOK {
		t.Errorf("%d", a.code)
	}
}
