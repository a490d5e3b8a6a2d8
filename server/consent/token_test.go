package consent

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/canonical"
)

func servedAt(t time.Time) Served {
	return Served{Site: "shop", Experience: canonical.Sum([]byte("x")), Law: "us-ca-ccpa", Region: "US-CA", Source: "header", Bucket: BucketOf(t)}
}

func keyOf(n byte) []byte {
	key := make([]byte, 32)
	key[0] = n
	return key
}

func TestTokenSaysWhatWasMinted(t *testing.T) {
	tokens := NewTokens(keyOf(1))
	for _, s := range []Served{
		servedAt(noon),
		{Site: "a-b", Experience: digestOf("y"), Law: "default-strict", Source: "none", Bucket: BucketOf(noon)},
		{Site: "a", Experience: digestOf("y"), Law: "x", Region: "GB-ENG", Source: "override", Bucket: BucketOf(noon)},
		{Site: "a", Experience: digestOf("y"), Law: "x", Region: "DE", Source: "database", Bucket: BucketOf(noon)},
	} {
		token := tokens.Mint(s)
		got, err := tokens.Verify(token, s.Site, noon)
		if err != nil || got != s {
			t.Errorf("%s: %+v, %v", token, got, err)
		}
		if len(token) > 200 {
			t.Errorf("token of %d bytes", len(token))
		}
	}
}

// The token of docs/wire.md, put together by hand with openssl: kdf HKDF, then dgst.
func TestTokenFormat(t *testing.T) {
	got := NewTokens(keyOf(1)).Mint(servedAt(time.Unix(1_795_286_400, 0)))
	want := "1.shop.LXEWQrcmsEQBYnyp-6wy9chTD7GQPMTbAiWHF5IaSIE.us-ca-ccpa.US-CA.h.2992144.Gs5U3G1Huh7jXON2u8wC0g"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestTokenTimes(t *testing.T) {
	tokens := NewTokens(keyOf(1))
	from := servedAt(noon).From()
	token := tokens.Mint(servedAt(noon))
	for _, test := range []struct {
		after time.Duration
		want  error
	}{
		{0, nil},
		{9 * time.Minute, nil},
		{TokenLife + Bucket, nil},
		{TokenLife + Bucket + time.Second, ErrStaleToken},
		{10 * 365 * 24 * time.Hour, ErrStaleToken},
		{-5 * time.Minute, nil}, // the clocks of two nodes
		{-5*time.Minute - time.Second, ErrFutureToken},
		{-50 * 365 * 24 * time.Hour, ErrFutureToken},
	} {
		if _, err := tokens.Verify(token, "shop", from.Add(test.after)); !errors.Is(err, test.want) || (err == nil) != (test.want == nil) {
			t.Errorf("%v after its bucket began: %v, want %v", test.after, err, test.want)
		}
	}
}

func TestTokenKeysCanBeReplaced(t *testing.T) {
	old, both, without := NewTokens(keyOf(1)), NewTokens(keyOf(2), keyOf(1)), NewTokens(keyOf(2))
	token := old.Mint(servedAt(noon))
	if _, err := both.Verify(token, "shop", noon); err != nil {
		t.Errorf("under the key before: %v", err)
	}
	if _, err := without.Verify(token, "shop", noon); !errors.Is(err, ErrToken) {
		t.Errorf("under a forgotten key: %v", err)
	}
	if _, err := without.Verify(both.Mint(servedAt(noon)), "shop", noon); err != nil {
		t.Errorf("the first key does not mint: %v", err)
	}
}

func TestTokenOfAnotherSite(t *testing.T) {
	tokens := NewTokens(keyOf(1))
	if _, err := tokens.Verify(tokens.Mint(servedAt(noon)), "other", noon); !errors.Is(err, ErrToken) {
		t.Errorf("another site's token: %v", err)
	}
}

func TestTokensNeedAKey(t *testing.T) {
	for _, keys := range [][][]byte{{}, {nil}, {keyOf(1), make([]byte, 31)}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%d keys were taken", len(keys))
				}
			}()
			NewTokens(keys...)
		}()
	}
}

// Nothing but the token itself is taken: not with bits flipped,
// segments exchanged, other spellings of base64 and of letters.
func TestForgedTokensAreRefused(t *testing.T) {
	t.Parallel()
	tokens := NewTokens(keyOf(1), keyOf(2))
	random := rand.New(rand.NewPCG(16, 100_000))
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	genuine := map[string]bool{}
	var list []string
	for i := range 64 {
		s := servedAt(noon.Add(-time.Duration(i) * time.Hour))
		s.Region = []string{"", "DE", "US-CA", "US"}[i%4]
		s.Source = []string{"none", "database", "header", "override"}[i/4%4]
		token := tokens.Mint(s)
		genuine[token] = true
		list = append(list, token)
	}
	tried := 0
	for tried < 100_000 {
		token := list[random.IntN(len(list))]
		b := []byte(token)
		at := random.IntN(len(b))
		switch random.IntN(9) {
		case 0:
			b[at] ^= 1 << random.IntN(8)
		case 1: // a spelling that differs only in bits base64 drops
			last := strings.IndexByte(alphabet, b[len(b)-1])
			b[len(b)-1] = alphabet[last&^0xf|random.IntN(16)]
		case 2:
			b = append(b, "=\n\r .A"[random.IntN(6)])
		case 3:
			b = append(b[:at], append([]byte("\n\r .=A"[random.IntN(6):][:1]), b[at:]...)...)
		case 4:
			b = append(b[:at], b[at+1:]...)
		case 5: // segments of two tokens
			other := strings.Split(list[random.IntN(len(list))], ".")
			mine := strings.Split(token, ".")
			i := random.IntN(len(mine))
			mine[i] = other[i]
			b = []byte(strings.Join(mine, "."))
		case 6: // the other case of a letter
			if b[at]|0x20 >= 'a' && b[at]|0x20 <= 'z' {
				b[at] ^= 0x20
			}
		case 7: // no MAC, a short one, one of zeros
			cut := strings.LastIndexByte(token, '.') + 1
			zero := base64.RawURLEncoding.EncodeToString(make([]byte, random.IntN(33)))
			b = append(b[:cut:cut], zero...)
		case 8: // standard base64
			b = []byte(strings.NewReplacer("-", "+", "_", "/").Replace(token))
			b = append(b, "=="[:random.IntN(3)]...)
		}
		if genuine[string(b)] {
			continue
		}
		tried++
		if s, err := tokens.Verify(string(b), "shop", noon); err == nil {
			t.Fatalf("forged, yet accepted as %+v:\n%s\n%s", s, token, b)
		}
	}
	for _, token := range list {
		if _, err := tokens.Verify(token, "shop", noon); err != nil {
			t.Fatalf("a genuine one is refused: %v", err)
		}
	}
}

func FuzzVerifyToken(f *testing.F) {
	tokens := NewTokens(keyOf(1))
	f.Add(tokens.Mint(servedAt(noon)))
	f.Add("1........")
	f.Add("")
	f.Fuzz(func(t *testing.T, token string) {
		s, err := tokens.Verify(token, "shop", noon)
		if err == nil && tokens.Mint(s) != token {
			t.Fatalf("%q has two spellings", token)
		}
	})
}

// A token that was found genuine is looked up the next time: for its own site, within its
// time, and as long as its key is there.
func TestAVouchedTokenIsJudgedAnew(t *testing.T) {
	tokens := NewTokens(keyOf(1))
	served := Served{Site: "shop", Experience: canonical.Sum([]byte("x")), Law: "eu-gdpr", Region: "DE", Source: "database", Bucket: BucketOf(noon)}
	token := tokens.Mint(served)
	for range 2 {
		if got, err := tokens.Verify(token, "shop", noon); err != nil || got != served {
			t.Fatalf("%+v, %v", got, err)
		}
	}
	if _, err := tokens.Verify(token, "other", noon); !errors.Is(err, ErrToken) {
		t.Errorf("at another site: %v", err)
	}
	if _, err := tokens.Verify(token+"A", "shop", noon); !errors.Is(err, ErrToken) {
		t.Errorf("altered: %v", err)
	}
	if _, err := tokens.Verify(token, "shop", noon.Add(TokenLife+2*Bucket)); !errors.Is(err, ErrStaleToken) {
		t.Errorf("later: %v", err)
	}
	for i := range 2 * mostGenuine {
		other := served
		other.Region = fmt.Sprintf("%c%c-%03d", 'A'+i%26, 'A'+i/26%26, i%1000)
		other.Bucket = int64(i)
		if _, err := tokens.Verify(tokens.Mint(other), "shop", other.From()); err != nil {
			t.Fatal(i, err)
		}
	}
	if n := len(tokens.current.Load().genuine); n > mostGenuine {
		t.Errorf("%d tokens are kept", n)
	}
	tokens.Replace(keyOf(2))
	if _, err := tokens.Verify(token, "shop", noon); !errors.Is(err, ErrToken) {
		t.Errorf("of a key that is gone: %v", err)
	}
}
