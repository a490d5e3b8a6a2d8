package visitor

import (
	"bytes"
	"encoding/base64"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/securecookie"

	"github.com/volenti-consent/volenti/server/consent"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func testCookies(t testing.TB) *Cookies {
	t.Helper()
	c, err := NewCookies(bytes.Repeat([]byte("k"), 32), bytes.Repeat([]byte("o"), 32))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func sample() Memory {
	return Memory{Site: "demo", Receipt: strings.Repeat("a1", 16), Notice: "0123456789abcdef",
		Decided: noon.Truncate(time.Second), Ends: noon.AddDate(0, 6, 0), Signal: true, Choices: "110-.--1"}
}

func TestCookieReturnsWhatItWasGiven(t *testing.T) {
	c := testCookies(t)
	for _, choices := range []string{"1.", "110-.", "10.1", "10.-1", "10.--1", "1111.01-0-1--1", "0000." + strings.Repeat("-", 59) + "0", "1_1._", "1_1.-_", "11.1_0__0_", "11." + strings.Repeat("_", 61)} {
		m := sample()
		m.Choices = choices
		if strings.Contains(choices, "_") {
			m.Told, m.Rests = m.Decided.Add(time.Hour), m.Ends.AddDate(0, 6, 0)
		}
		value, err := c.Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.Decode(value)
		if err != nil {
			t.Fatalf("%s: %v", choices, err)
		}
		if want := strings.TrimRight(choices, "-"); got.Choices != want {
			t.Errorf("choices %q came back as %q", want, got.Choices)
		}
		got.Choices = choices
		if !got.Decided.Equal(m.Decided) || !got.Ends.Equal(m.Ends) || !got.Told.Equal(m.Told) || !got.Rests.Equal(m.Rests) || got.Receipt != m.Receipt || got.Notice != m.Notice || got.Signal != m.Signal || got.Implied != m.Implied {
			t.Errorf("got %+v, want %+v", got, m)
		}
	}
}

// A cookie that an earlier server packed means the same.
func TestPackingKeepsItsLetters(t *testing.T) {
	for packed, want := range map[string]string{"110~B": "110.--0", "110~JSa": "110.0--1--111", "1~A": "1.", "1_~b": "1_.--_", "1~_": "1.___"} {
		if got, err := unpackChoices(packed); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", packed, got, err, want)
		}
	}
	seen := map[string]bool{}
	for _, triple := range triples() {
		seen[triple] = true
	}
	if len(seen) != 64 {
		t.Errorf("%d triples", len(seen))
	}
}

// The signature is 32 bytes, 43 in base64; everything else has 200.
func TestCookieStaysSmall(t *testing.T) {
	c := testCookies(t)
	m := sample()
	m.Site = "a-shop-with-a-name"
	m.Choices = "1010." + strings.Repeat("-01", 4)
	value, err := c.Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	if beyond := len(value) - 43; beyond > 200 {
		t.Errorf("the cookie has %d bytes beyond its signature, want at most 200", beyond)
	}
}

func TestCookieOfAnEarlierKeyIsRead(t *testing.T) {
	old, err := NewCookies(bytes.Repeat([]byte("o"), 32))
	if err != nil {
		t.Fatal(err)
	}
	value, err := old.Encode(sample())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := testCookies(t).Decode(value); err != nil {
		t.Errorf("a cookie of the key before this one: %v", err)
	}
}

// Cookies of before sites had keys are read, so nobody is asked again for them; the
// key of one site makes none of another.
func TestCookiesAndTheKeysOfSites(t *testing.T) {
	secret := bytes.Repeat([]byte("k"), 32)
	value, err := testCookies(t).Encode(sample())
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := base64.URLEncoding.DecodeString(value)
	inner, _ := base64.URLEncoding.DecodeString(strings.Split(string(raw), "|")[1])
	made := func(key []byte, text string) string {
		v, err := securecookie.EncodeMulti(CookieName, []byte(text), cookieCodec(key))
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	if m, err := testCookies(t).Decode(made(secret, string(inner))); err != nil || m.Receipt != sample().Receipt || m.Choices != sample().Choices {
		t.Errorf("of before: %+v, %v", m, err)
	}
	leaked := consent.SiteKey(secret, "cookie", "other", 64)
	if _, err := testCookies(t).Decode(made(leaked, strings.Replace(string(inner), "."+sample().Site+".", ".other.", 1))); err != nil {
		t.Fatalf("the test does not forge as it should: %v", err)
	}
	if m, err := testCookies(t).Decode(made(leaked, string(inner))); err == nil {
		t.Errorf("made with the key of another site, and read: %+v", m)
	}
}

func TestForgedCookiesAreRefused(t *testing.T) {
	c := testCookies(t)
	value, err := c.Encode(sample())
	if err != nil {
		t.Fatal(err)
	}
	other := sample()
	other.Choices = "0000"
	second, err := c.Encode(other)
	if err != nil {
		t.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_="
	for i := range 100_000 {
		b := []byte(value)
		switch i % 6 {
		case 0: // another letter
			b[rnd.IntN(len(b))] = alphabet[rnd.IntN(len(alphabet))]
		case 1: // a bit
			b[rnd.IntN(len(b))] ^= 1 << rnd.IntN(8)
		case 2: // cut
			b = b[:rnd.IntN(len(b))]
		case 3: // spliced with another true one
			cut := rnd.IntN(len(b))
			b = append(b[:cut:cut], second[min(cut, len(second)):]...)
		case 4: // case of a letter
			j := rnd.IntN(len(b))
			b[j] ^= 0x20
		case 5: // bytes of the decoded form
			raw, _ := base64.URLEncoding.DecodeString(value)
			raw[rnd.IntN(len(raw))] = byte(rnd.Uint32())
			b = []byte(base64.URLEncoding.EncodeToString(raw))
		}
		if string(b) == value || string(b) == second {
			continue
		}
		if m, err := c.Decode(string(b)); err == nil {
			t.Fatalf("mutation %d was accepted as %+v: %q", i, m, b)
		}
	}
	if _, err := c.Decode(value); err != nil {
		t.Errorf("the true one after all that: %v", err)
	}
}

func TestReadChoosesAmongSeveral(t *testing.T) {
	c := testCookies(t)
	encode := func(change func(*Memory)) string {
		m := sample()
		change(&m)
		v, err := c.Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	valid := encode(func(*Memory) {})
	older := encode(func(m *Memory) { m.Decided = m.Decided.Add(-time.Hour); m.Receipt = strings.Repeat("b2", 16) })
	expired := encode(func(m *Memory) { m.Ends = noon.Add(-time.Second) })
	resting := encode(func(m *Memory) { m.Ends, m.Rests = noon.Add(-time.Second), noon.Add(time.Hour) })
	ahead := encode(func(m *Memory) { m.Decided = noon.Add(time.Hour) })
	sister := encode(func(m *Memory) { m.Site = "blog" })
	for _, tt := range []struct {
		name    string
		cookies []string
		ok, bad bool
	}{
		{"none", nil, false, false},
		{"one", []string{valid}, true, false},
		{"forged", []string{"forged"}, false, true},
		{"tossed before the true one", []string{"forged", valid}, true, false},
		{"older after newer", []string{valid, older}, true, false},
		{"expired", []string{expired}, false, true},
		{"expired, but for its refusals", []string{resting}, true, false},
		{"from the future", []string{ahead}, false, true},
		{"of a sister site", []string{sister}, false, false},
		{"of a sister site beside the true one", []string{sister, valid}, true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, _ := http.NewRequest(http.MethodGet, "/b/demo.js", nil)
			for _, v := range tt.cookies {
				r.AddCookie(&http.Cookie{Name: CookieName, Value: v})
			}
			m, ok, bad := c.Read(r, "demo", noon)
			if ok != tt.ok || bad != tt.bad {
				t.Errorf("ok %v bad %v, want %v %v", ok, bad, tt.ok, tt.bad)
			}
			if ok && m.Receipt != sample().Receipt {
				t.Errorf("chose %s, want the newest", m.Receipt)
			}
		})
	}
}

func FuzzCookie(f *testing.F) {
	c := testCookies(f)
	v, _ := c.Encode(sample())
	f.Add(v)
	f.Add("")
	f.Add("MTc=")
	f.Fuzz(func(t *testing.T, value string) {
		// Another process made the seed, at another second: what it says is the same.
		if m, err := c.Decode(value); err == nil && (m.Receipt != sample().Receipt || m.Choices != sample().Choices || m.Site != sample().Site) {
			t.Fatalf("%q was accepted as %+v", value, m)
		} else if err != nil && value == v {
			t.Fatalf("%q was refused: %v", value, err)
		}
	})
}

// A cookie that an earlier server set, whose receipt's id is 32 hexadecimal digits, is read
// for as long as its decision counts.
func TestCookieOfBeforeIsRead(t *testing.T) {
	key, err := base64.StdEncoding.DecodeString("KGgA1685oMwRk/gSDEPAr/O03hexUiXriXtHNZpc2kD/+KUoX/plj3mTxIKJvsMziKMod1YpuH+5ithxMDZyhw==")
	if err != nil {
		t.Fatal(err)
	}
	c, err := NewCookies(key)
	if err != nil {
		t.Fatal(err)
	}
	r := &http.Request{Header: http.Header{"Cookie": {"volenti=MTc5NTM1MjQwN3xNUzV6YUc5d0xqQXhZemc1TkdWak9URTBNakF6Wm1JMU1XUm1NRGN4WmpOaU16TXhaalppTGpWaE1UTTJObVUwWXpjMFpERTFPRFF1ZEc5M2JYTTNMblI1TjNSbk55NWxMUzR4TURFd3z6G4D5jyLnJAgL7lQoic7H8haPy_5lHvUTIu4BKeDt7g=="}}}
	for at, want := range map[time.Time]bool{time.Unix(1795352500, 0): true, time.Unix(1810900000, 0): true, time.Unix(1820000000, 0): false} {
		m, ok, bad := c.Read(r, "shop", at)
		if ok != want || bad == want || want && (m.Receipt != "01c894ec914203fb51df071f3b331f6b" || m.Choices != "1010.") {
			t.Errorf("at %v: %+v, %v, %v", at, m, ok, bad)
		}
	}
}
