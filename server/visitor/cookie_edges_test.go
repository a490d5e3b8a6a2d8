package visitor

import (
	"bytes"
	"context"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/securecookie"

	"github.com/volenti-consent/volenti/server/consent"
)

// genuine is the value of a cookie that says any text, made with a site's key.
func genuine(t *testing.T, site, text string) string {
	t.Helper()
	value, err := securecookie.EncodeMulti(CookieName, []byte(text), cookieCodec(consent.SiteKey(bytes.Repeat([]byte("k"), 32), "cookie", site, 64)))
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// That a key of ours has signed it is not enough: a cookie has one form.
func TestCookiesInFull(t *testing.T) {
	c := testCookies(t)
	good := []string{"1", "demo", strings.Repeat("a1", 16), "0123456789abcdef", "a", "b", "e-", "110-"}
	m, err := c.Decode(genuine(t, "demo", strings.Join(good, ".")))
	if err != nil || m.Site != "demo" || m.Receipt != good[2] || m.Notice != good[3] || m.Decided.Unix() != 10 || m.Ends.Unix() != 11 || m.Implied || m.Signal ||
		m.Choices != "110-." && m.Choices != "110" && m.Choices != "110-" || !m.Told.IsZero() || !m.Rests.IsZero() || m.Age != 0 {
		t.Fatalf("%+v %v", m, err)
	}
	m, err = c.Decode(genuine(t, "demo", strings.Join(good[:6], ".")+".is.110-~A.c.d.16"))
	if err != nil || !m.Implied || !m.Signal || m.Told.Unix() != 12 || m.Rests.Unix() != 13 || m.Age != 16 || !m.until().Equal(m.Rests) {
		t.Fatalf("%+v %v", m, err)
	}
	if m.Rests = m.Ends; !m.until().Equal(m.Ends) {
		t.Error("until when")
	}
	swap := func(i int, with string) string {
		part := append([]string(nil), good...)
		part[i] = with
		return strings.Join(part, ".")
	}
	for name, text := range map[string]string{
		"too short": strings.Join(good[:7], "."), "too long": strings.Join(good, ".") + ".c.d.1.2", "another version": swap(0, "2"), "no time": swap(4, "!"), "no end": swap(5, ""),
		"a basis of one letter": swap(6, "e"), "of three": swap(6, "e--"), "choices of other letters": swap(7, "2"), "vendors of other letters": swap(7, "1~!"),
		"told at no time": strings.Join(good, ".") + ".!", "rests at no time": strings.Join(good, ".") + "..!", "no age": strings.Join(good, ".") + "...x", "nothing": "",
	} {
		if m, err := c.Decode(genuine(t, "demo", text)); err == nil || m != (Memory{}) {
			t.Errorf("%s: %+v", name, m)
		}
	}
	if _, err := c.Decode(genuine(t, "blog", strings.Join(good, "."))); err == nil {
		t.Error("made with another site's key")
	}
	fits := base64.URLEncoding.EncodeToString(bytes.Repeat([]byte("x"), 768))
	for _, value := range []string{"", "?", strings.Repeat("A", 1028), fits, base64.URLEncoding.EncodeToString([]byte("1|?|x")), base64.URLEncoding.EncodeToString([]byte("no bars"))} {
		if _, err := c.Decode(value); err == nil {
			t.Errorf("%.20q is read", value)
		}
	}
	for value, want := range map[string]string{"1|?|": "", "1|" + base64.URLEncoding.EncodeToString([]byte("1.shop.x")) + "|m": "shop", "": "", "1": ""} {
		if got := claimed([]byte(value)); got != want {
			t.Errorf("%q claims to be of %q", value, got)
		}
	}
	for _, m := range []Memory{
		{Site: "demo", Receipt: good[2], Notice: good[3], Decided: time.Unix(10, 0), Ends: time.Unix(11, 0), Choices: "110-."},
		{Site: "demo", Receipt: good[2], Notice: good[3], Decided: time.Unix(10, 0), Ends: time.Unix(11, 0), Implied: true, Age: 16, Choices: "110-.1_0-"},
		{Site: "demo", Receipt: good[2], Notice: good[3], Decided: time.Unix(10, 0), Ends: time.Unix(11, 0), Signal: true, Rests: time.Unix(12, 0), Choices: "110-.1"},
		{Site: "demo", Receipt: good[2], Notice: good[3], Decided: time.Unix(10, 0), Ends: time.Unix(11, 0), Age: 1, Choices: "1.---0"},
	} {
		value, err := c.Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.Decode(value)
		want := m
		if want.Choices = strings.TrimRight(m.Choices, "-"); err != nil || got != want {
			t.Errorf("%+v came back as %+v (%v)", want, got, err)
		}
		// What there is nothing to say of is left out: it would be bytes of every request.
		raw, _ := base64.URLEncoding.DecodeString(value)
		_, rest, _ := bytes.Cut(raw, []byte("|"))
		inner, _, _ := bytes.Cut(rest, []byte("|"))
		text, err := base64.URLEncoding.DecodeString(string(inner))
		if err != nil || strings.HasSuffix(string(text), ".") {
			t.Errorf("%+v says %q", m, text)
		}
	}
	if got := packChoices("1.1--0-----"); got != "1~"+packChoices("1.1--0--")[2:] || len(got) != 4 {
		t.Errorf("packed as %q", got)
	}
	// A browser may keep a cookie of five years ago: when it ends stands inside.
	old := cookieCodec(consent.SiteKey(bytes.Repeat([]byte("k"), 32), "cookie", "demo", 64)).(*securecookie.SecureCookie)
	if value, err := old.Encode(CookieName, []byte(strings.Join(good, "."))); err != nil {
		t.Fatal(err)
	} else if _, err := c.Decode(value); err != nil {
		t.Error(err)
	}
	// The first of the keys makes them; a site that is there is remembered.
	if value, err := c.Encode(sample()); err != nil {
		t.Fatal(err)
	} else if only, err := NewCookies(bytes.Repeat([]byte("k"), 32)); err != nil {
		t.Fatal(err)
	} else if _, err := only.Decode(value); err != nil {
		t.Error("it was not made with the first key")
	}
	keys := c.keys.Load()
	_, made := keys.bySite.Load("demo")
	_, strange := keys.bySite.Load("blog")
	if !made || strange {
		t.Errorf("remembered: the site %v, a stranger's %v", made, strange)
	}
	if other, err := NewCookies(bytes.Repeat([]byte("k"), 32)); err != nil {
		t.Fatal(err)
	} else if _, err := other.Decode(genuine(t, "demo", strings.Join(good, "."))); err != nil {
		t.Error(err)
	} else if _, read := other.keys.Load().bySite.Load("demo"); !read {
		t.Error("a genuine cookie's site is not remembered")
	}
	long := sample()
	long.Choices = strings.Repeat("1", 900) + "."
	if value, err := c.Encode(long); err == nil {
		t.Errorf("a cookie of %d bytes", len(value))
	}
	for _, keys := range [][][]byte{nil, {make([]byte, 31)}, {make([]byte, 32), make([]byte, 31)}} {
		if err := (&Cookies{}).Replace(keys...); err == nil {
			t.Errorf("keys of no use: %d", len(keys))
		}
	}
}

// A cookie that another browser has decided over does not count; what counts instead is
// asked for, and where nobody can say, nothing does.
func TestACookieThatIsBehind(t *testing.T) {
	c := testCookies(t)
	value, err := c.Encode(sample())
	if err != nil {
		t.Fatal(err)
	}
	read := func() (Memory, bool, bool) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://x.example", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.AddCookie(&http.Cookie{Name: CookieName, Value: value}) //nolint:gosec // a request's
		return c.Read(r, "demo", noon)
	}
	c.Elsewhere = &Elsewhere{Script: &Script{Directory: &Directory{}}}
	if m, ok, bad := read(); !ok || bad || m.Receipt != sample().Receipt {
		t.Errorf("nobody decided elsewhere: %+v %v %v", m, ok, bad)
	}
	c.Elsewhere.add("demo", elsewhereDigest("demo", "another"))
	if _, ok, bad := read(); !ok || bad {
		t.Error("for another")
	}
	c.Elsewhere.add("demo", elsewhereDigest("demo", sample().Receipt))
	if _, ok, bad := read(); ok || !bad {
		t.Error("behind, and nobody knows what counts")
	}
}

// Times are judged at their edges, and what nobody can read is only told of where
// nothing else can be.
func TestWhenACookieCounts(t *testing.T) {
	c := testCookies(t)
	value := func(change func(*Memory)) string {
		m := sample()
		change(&m)
		v, err := c.Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	at := sample()
	for name, test := range map[string]struct {
		values  []string
		now     time.Time
		ok, bad bool
	}{
		"none":                     {nil, noon, false, false},
		"one":                      {[]string{value(func(*Memory) {})}, noon, true, false},
		"in its last second":       {[]string{value(func(*Memory) {})}, at.Ends.Add(-1), true, false},
		"at its end":               {[]string{value(func(*Memory) {})}, at.Ends, false, true},
		"resting":                  {[]string{value(func(m *Memory) { m.Rests = m.Ends.Add(time.Hour) })}, at.Ends, true, false},
		"a minute from now":        {[]string{value(func(m *Memory) { m.Decided = noon.Add(time.Minute) })}, noon, true, false},
		"later":                    {[]string{value(func(m *Memory) { m.Decided = noon.Add(time.Minute + time.Second) })}, noon, false, true},
		"of a sister":              {[]string{value(func(m *Memory) { m.Site = "blog" })}, noon, false, false},
		"one, and one of no use":   {[]string{"x", value(func(*Memory) {})}, noon, true, false},
		"one of no use":            {[]string{"x"}, noon, false, true},
		"the newer of two":         {[]string{value(func(*Memory) {}), value(func(m *Memory) { m.Decided, m.Choices = noon.Add(time.Second), "0." })}, noon, true, false},
		"the newer of two, turned": {[]string{value(func(m *Memory) { m.Decided, m.Choices = noon.Add(time.Second), "0." }), value(func(*Memory) {})}, noon, true, false},
	} {
		r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "https://x.example", nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range test.values {
			r.AddCookie(&http.Cookie{Name: CookieName, Value: v}) //nolint:gosec // a request's
		}
		m, ok, bad := c.Read(r, "demo", test.now)
		if ok != test.ok || bad != test.bad || strings.HasPrefix(name, "the newer") && !strings.HasPrefix(m.Choices, "0") {
			t.Errorf("%s: %v %v %+v", name, ok, bad, m)
		}
	}
}
