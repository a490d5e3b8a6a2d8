package admin

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/fxamacker/cbor/v2"

	"github.com/volenti-consent/volenti/server/operator"
)

// A key is an authenticator with one passkey (WebAuthn level 3, § 6.1 and 6.5.1),
// whose answers a test may bend.
type key struct {
	t       *testing.T
	private *ecdsa.PrivateKey
	id      []byte
	handle  []byte // of the account, given at registration
	origin  string
	domain  string
	flags   byte // of authenticator data: 1 somebody was there, 4 it is who it should be
	counter uint32
}

func newKey(t *testing.T) *key {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id := make([]byte, 16)
	_, _ = rand.Read(id)
	return &key{t: t, private: private, id: id, origin: "https://consent.example.com", domain: "consent.example.com", flags: 1 | 4}
}

var b64 = base64.RawURLEncoding.EncodeToString

func (k *key) data(more []byte, flags byte) []byte {
	sum := sha256.Sum256([]byte(k.domain))
	k.counter++
	return append(binary.BigEndian.AppendUint32(append(sum[:], k.flags|flags), k.counter), more...)
}

func (k *key) client(kind, challenge string) []byte {
	return must(json.Marshal(map[string]any{"type": kind, "challenge": challenge, "origin": k.origin, "crossOrigin": false}))
}

// made answers a question for a new passkey.
func (k *key) made(options string) string {
	var o struct {
		Challenge string `json:"challenge"`
		User      struct {
			ID string `json:"id"`
		} `json:"user"`
	}
	if err := json.Unmarshal([]byte(options), &o); err != nil {
		k.t.Fatal(err, options)
	}
	k.handle = must(base64.RawURLEncoding.DecodeString(o.User.ID))
	point := must(k.private.PublicKey.Bytes())
	public := must(cbor.Marshal(map[int]any{1: 2, 3: -7, -1: 1, -2: point[1:33], -3: point[33:]}))
	attested := append(binary.BigEndian.AppendUint16(make([]byte, 16), uint16(len(k.id))), append(k.id, public...)...)
	object := must(cbor.Marshal(map[string]any{"fmt": "none", "attStmt": map[string]any{}, "authData": k.data(attested, 0x40)}))
	return string(must(json.Marshal(map[string]any{"id": b64(k.id), "rawId": b64(k.id), "type": "public-key", "clientExtensionResults": map[string]any{},
		"response": map[string]any{"clientDataJSON": b64(k.client("webauthn.create", o.Challenge)), "attestationObject": b64(object)}})))
}

// shown answers a question for the passkey.
func (k *key) shown(options string) string {
	var o struct {
		Challenge string `json:"challenge"`
	}
	if err := json.Unmarshal([]byte(options), &o); err != nil {
		k.t.Fatal(err, options)
	}
	client, data := k.client("webauthn.get", o.Challenge), k.data(nil, 0)
	sum := sha256.Sum256(client)
	signed := sha256.Sum256(append(data, sum[:]...))
	signature := must(ecdsa.SignASN1(rand.Reader, k.private, signed[:]))
	return string(must(json.Marshal(map[string]any{"id": b64(k.id), "rawId": b64(k.id), "type": "public-key", "clientExtensionResults": map[string]any{},
		"response": map[string]any{"clientDataJSON": b64(client), "authenticatorData": b64(data), "signature": b64(signature), "userHandle": b64(k.handle)}})))
}

// script sends what the console's script would.
func (c *client) script(path, body string) *answer {
	return c.do(http.MethodPost, path, http.Header{"Content-Type": {"application/json"}, "Sec-Fetch-Site": {"same-origin"}, "Volenti-Token": {c.token}}, strings.NewReader(body))
}

// What is cut off on its way, or comes in chunks that are none, is the sender's mistake.
func TestAnAnswerThatCannotBeReadIsNoFaultOfOurs(t *testing.T) {
	w := newWorld(t)
	c := w.as(w.operator(operator.Legal))
	c.script("/admin/account/passkeys/ask", "{}")
	broken := iotest.ErrReader(errors.New("http chunk length too large"))
	for _, path := range []string{"/admin/account/passkeys", "/admin/sign-in/passkey"} {
		a := c.do(http.MethodPost, path, http.Header{"Content-Type": {"application/json"}, "Sec-Fetch-Site": {"same-origin"}, "Volenti-Token": {c.token}}, broken)
		if a.code < 400 || a.code >= 500 {
			t.Errorf("%s: %d %s", path, a.code, a.body)
		}
	}
	owner := w.as(w.operator(operator.Owner))
	a := owner.do(http.MethodPost, "/admin/tokens", http.Header{"Content-Type": {"multipart/form-data"}, "Sec-Fetch-Site": {"same-origin"}, "Volenti-Token": {owner.token}}, strings.NewReader("x"))
	if a.code < 400 || a.code >= 500 {
		t.Errorf("a form without a boundary: %d %s", a.code, a.body)
	}
}

// enrolled is a passkey of o.
func (w *world) enrolled(t *testing.T, o operator.Operator) *key {
	t.Helper()
	k, c := newKey(t), w.as(o)
	a := c.script("/admin/account/passkeys", k.made(c.script("/admin/account/passkeys/ask", "{}").body))
	if a.code != http.StatusOK {
		t.Fatalf("%d %s", a.code, a.body)
	}
	return k
}

func TestPasskeySignIn(t *testing.T) {
	w := newWorld(t)
	o := w.operator(operator.Legal)
	k := w.enrolled(t, o)
	c := w.stranger()
	c.open("/admin/sign-in")
	question := c.script("/admin/sign-in/passkey/ask?to=/admin/account", "{}")
	var asked map[string]any
	if err := json.Unmarshal([]byte(question.body), &asked); err != nil || asked["userVerification"] != "required" || asked["rpId"] != "consent.example.com" || asked["allowCredentials"] != nil {
		t.Fatalf("asked %v, %v", asked, err)
	}
	carried := *c.cookies["__Host-volenti-asked"]
	answer := k.shown(question.body)
	a := c.script("/admin/sign-in/passkey", answer)
	if a.code != http.StatusOK || !strings.Contains(a.body, `"admin/account"`) || !c.in() {
		t.Fatalf("%d %s", a.code, a.body)
	}
	// Whoever saw question and answer can't use them again.
	thief := w.stranger()
	thief.open("/admin/sign-in")
	thief.cookies[carried.Name] = &carried
	if a := thief.script("/admin/sign-in/passkey", answer); a.code != http.StatusUnprocessableEntity || thief.in() {
		t.Errorf("a second time: %d", a.code)
	}
	if p := must(w.db.Passkeys(t.Context(), o.ID)); len(p) != 1 || !p[0].UsedAt.Equal(w.clock()) {
		t.Errorf("%+v", p)
	}
}

func TestPasskeysThatOpenNothing(t *testing.T) {
	for name, bend := range map[string]func(w *world, k *key, o operator.Operator){
		"nobody verified":         func(_ *world, k *key, _ operator.Operator) { k.flags = 1 },
		"nobody there":            func(_ *world, k *key, _ operator.Operator) { k.flags = 4 },
		"another origin":          func(_ *world, k *key, _ operator.Operator) { k.origin = "https://consent.example.com.evil.example" },
		"another port":            func(_ *world, k *key, _ operator.Operator) { k.origin += ":8443" },
		"another domain":          func(_ *world, k *key, _ operator.Operator) { k.domain = "evil.example" },
		"another key":             func(_ *world, k *key, _ operator.Operator) { k.private = newKey(k.t).private },
		"an unknown id":           func(_ *world, k *key, _ operator.Operator) { k.id = make([]byte, 16) },
		"somebody else's account": func(w *world, k *key, _ operator.Operator) { k.handle = []byte(w.operator(operator.Owner).ID) },
		"a copy":                  func(_ *world, k *key, _ operator.Operator) { k.counter = 0 },
		"after five minutes":      func(w *world, _ *key, _ operator.Operator) { w.wait(stepLasts) },
		"disabled": func(w *world, k *key, o operator.Operator) {
			w.operator(operator.Owner)
			o.Disabled = true
			if err := w.db.ChangeOperator(k.t.Context(), o); err != nil {
				k.t.Fatal(err)
			}
		},
		"removed": func(w *world, k *key, o operator.Operator) {
			if err := w.db.DropPasskey(k.t.Context(), o.ID, b64(k.id)); err != nil {
				k.t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			o := w.operator(operator.Legal)
			k := w.enrolled(t, o)
			k.counter = 7
			c := w.stranger()
			c.open("/admin/sign-in")
			if a := c.script("/admin/sign-in/passkey", k.shown(c.script("/admin/sign-in/passkey/ask", "{}").body)); a.code != http.StatusOK {
				t.Fatalf("at first: %d %s", a.code, a.body)
			}
			c = w.stranger()
			c.open("/admin/sign-in")
			question := c.script("/admin/sign-in/passkey/ask", "{}").body
			bend(w, k, o)
			a := c.script("/admin/sign-in/passkey", k.shown(question))
			if a.code != http.StatusUnprocessableEntity || c.in() || !strings.Contains(a.body, `"wrong"`) {
				t.Errorf("%d %s", a.code, a.body)
			}
		})
	}
}

// What is no answer at all gets a clear word, and never a failure of ours.
func TestGarbageForPasskeys(t *testing.T) {
	w := newWorld(t)
	o := w.operator(operator.Legal)
	k := w.enrolled(t, o)
	for _, sign := range []bool{true, false} {
		path, ask := "/admin/account/passkeys", "/admin/account/passkeys/ask"
		c := w.as(o)
		if sign {
			path, ask = "/admin/sign-in/passkey", "/admin/sign-in/passkey/ask"
			c = w.stranger()
			c.open("/admin/sign-in")
		}
		if a := c.script(path, "{}"); a.code != http.StatusUnprocessableEntity {
			t.Errorf("%s before it was asked: %d", path, a.code)
		}
		question := c.script(ask, "{}").body
		good := k.made(question)
		if sign {
			good = k.shown(question)
		}
		for i := 0; i < len(good); i += 7 {
			for _, bad := range []string{good[:i], good[:i] + "\x00" + good[i+1:], good[:i] + "{" + good[i:]} {
				if a := c.script(path, bad); a.code != http.StatusUnprocessableEntity && a.code != http.StatusOK {
					t.Fatalf("%s: %d %s\n%q", path, a.code, a.body, bad)
				}
				if sign && c.in() {
					t.Fatalf("let in by %q", bad)
				}
			}
		}
		for _, bad := range []string{"", "null", "[]", "1", `{"id":1}`, strings.Repeat("[", 60_000), strings.Repeat("x", 100_000)} {
			if a := c.script(path, bad); a.code != http.StatusUnprocessableEntity {
				t.Errorf("%s: %d for %.20q", path, a.code, bad)
			}
		}
	}
}

// Where browsers have no passkeys, none is offered.
func TestPasskeysNeedAName(t *testing.T) {
	for url, want := range map[string]bool{"https://consent.example.com": true, "http://localhost:8080": true, "http://consent.example.com": false, "https://203.0.113.7": false} {
		w := newWorld(t, func(c *Console) { c.PublicURL = url })
		c := w.stranger()
		a := c.open("/admin/sign-in")
		if got := strings.Contains(a.body, "data-passkey"); got != want {
			t.Errorf("%s: offered %v", url, got)
		}
		if a := c.script("/admin/sign-in/passkey/ask", "{}"); (a.code == http.StatusOK) != want {
			t.Errorf("%s: %d", url, a.code)
		}
	}
}
