package forms

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"os"
	"path/filepath"
	"testing"

	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/notice"
)

const origin = "https://consent.example.com"

// shop is the notice that the receipts of ../testdata/wire answer, with what forms
// say of it.
func shop() *notice.Notice {
	return &notice.Notice{
		Schema: notice.Schema, Site: "shop", Languages: []string{"en", "de"}, Validity: 6, Origins: []string{"https://shop.example"},
		Controller: notice.Controller{Name: "Läden & Söhne <GmbH>", Address: "Gasse 1, 1010 Wien", Contact: "privacy@shop.example", Establishment: "AT"},
		Categories: []notice.Category{
			{Key: "necessary", Like: "necessary"}, {Key: "security", Like: "necessary"}, {Key: "preferences", Like: "preferences"},
			{Key: "analytics", Like: "analytics"}, {Key: "marketing", Like: "marketing"},
		},
		Vendors: []notice.Vendor{
			{Key: "pay", Name: "Pay", Category: "necessary"},
			{Key: "ga4", Name: "Google Analytics 4", Category: "analytics", Country: "US", PolicyURL: "https://policies.example/ga4", Entries: []notice.Stored{
				{Name: "_ga", Kind: "cookie", Duration: "13 months", Purpose: map[string]string{"en": "Tells visitors apart", "de": "Unterscheidet Besucher"}},
				{Name: "_ga_*", Kind: "cookie", Duration: "session", Purpose: map[string]string{"en": "Keeps a visit together"}},
			}},
			{Key: "meta", Name: "Meta Pixel", Category: "marketing", Country: "US"},
			{Key: "ads", Name: "Ads & Co", Category: "marketing"},
		},
	}
}

// wire is a receipt as it was handed out once.
func wire(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "testdata", "wire", name))
	if err != nil {
		t.Fatal(err)
	}
	return b[:len(b)-1]
}

// cases are the receipts of the golden files there: one of each kind of decision, with ids
// of before and with those of today.
var cases = []string{"save", "accept-all", "withdraw", "signal", "acknowledge", "minimised",
	"base32/save", "base32/accept-all", "base32/withdraw", "base32/signal", "base32/acknowledge", "base32/minimised"}

func keysOf(t testing.TB) consent.PublicKeys {
	t.Helper()
	keys, err := consent.ParsePublicKeys(wire(t, "jwks.json"))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// archive is a consent.Store's archive, in memory.
type archive map[canonical.Digest][]byte

func (a archive) Artifact(_ context.Context, d canonical.Digest) (consent.Artifact, error) {
	if b, ok := a[d]; ok {
		return consent.Artifact{Digest: d, Bytes: b}, nil
	}
	return consent.Artifact{}, consent.ErrUnknownArtifact
}

func sourceOf(t testing.TB, name string) Source {
	t.Helper()
	e, err := consent.ParseReceipt(wire(t, name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := Load(t.Context(), archive{}, e, keysOf(t), origin)
	if err != nil {
		t.Fatal(err)
	}
	s.Notice = shop()
	s.Law = LawRow{Name: "European Union", Law: "GDPR/ePD", Citation: "Regulation (EU) 2016/679"}
	return s
}

// signer signs as a consent.Keyring does, with the key of the golden receipts. It is
// made by the specification and not by the package: two ways have to agree.
type signer struct{ key ed25519.PrivateKey }

func goldenSigner() signer {
	return signer{ed25519.NewKeyFromSeed(append(make([]byte, 31), 7))}
}

func (s signer) SignJWS(kind string, payload []byte) (string, error) {
	kid := consent.Thumbprint(s.key.Public().(ed25519.PublicKey))
	encode := base64.RawURLEncoding.EncodeToString
	input := encode([]byte(`{"alg":"EdDSA","kid":"`+kid+`","typ":"`+kind+`"}`)) + "." + encode(payload)
	return input + "." + encode(ed25519.Sign(s.key, []byte(input))), nil
}

func written(t testing.TB, form, name string) []byte {
	t.Helper()
	f, err := Of(form)
	if err != nil {
		t.Fatal(err)
	}
	b, err := f.Write(sourceOf(t, name), goldenSigner())
	if err != nil {
		t.Fatal(err)
	}
	return b
}
