package traces

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
)

func kinds(all []Match) (found []string) {
	for _, m := range all {
		found = append(found, string(m.Kind)+" "+m.Value)
	}
	slices.Sort(found)
	return found
}

func TestFind(t *testing.T) {
	for text, want := range map[string][]string{
		"from 203.0.113.77 at noon":                          {"network address 203.0.113.77"},
		"203.0.113.77:4711":                                  {"network address 203.0.113.77:4711"},
		`{"a":"2001:db8::77"}`:                               {"network address 2001:db8::77"},
		"listen=127.0.0.1:8080 ::1":                          nil,
		"version 1.2.3.4.5, 10:20:30":                        nil,
		"999.1.1.1 and 1.2.3":                                nil,
		"mail ada@example.com now":                           {"e-mail address ada@example.com"},
		"@media and a@b":                                     nil,
		"see https://x.example/a?q=1&b":                      {"address with a query https://x.example/a?q=1&b"},
		"see https://x.example/a?v":                          nil,
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36": {"user agent Mozilla/5.0 (X11; Linux x86_64)"},
		"Authorization: Bearer abcdefghijklmnop0123":         {"token Bearer abcdefghijklmnop0123"},
		"eyJhbGciOiJFZERTQSJ9.eyJpc3MiOiJ4In0.c2lnbmF0dXJl":  {"token eyJhbGciOiJFZERTQSJ9.eyJpc3MiOiJ4In0.c2lnbmF0dXJl"},
		"2026-11-22 05:12:59.123":                            nil,
		"level=INFO took=1.5ms route=/v1/sites/:site":        nil,
	} {
		if got := kinds(Find(text)); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	m := Match{Value: "ada@example.com"}
	if shown := m.Masked(); strings.Contains(shown, "example") || !strings.Contains(shown, "15") {
		t.Errorf("%s says too much, or too little", shown)
	}
}

// Whatever form it was kept in, a canary is found.
func TestCanaries(t *testing.T) {
	const agent, address = "Canary Browser/7 (Fowl; x)", "203.0.113.77"
	c, err := NewCanaries(agent, address)
	if err != nil {
		t.Fatal(err)
	}
	four := netip.MustParseAddr(address).As4()
	for what, text := range map[string]string{
		"plain": agent, "upper": strings.ToUpper(agent), "query": url.QueryEscape(agent), "path": url.PathEscape(agent),
		"hex": hex.EncodeToString([]byte(agent)), "base64": base64.StdEncoding.EncodeToString([]byte("a " + agent)),
		"base64url": base64.RawURLEncoding.EncodeToString([]byte("abc" + agent + "?")), "base64 one on": base64.StdEncoding.EncodeToString([]byte("x" + agent)),
		"an address as bytes": "\x00\x01" + string(four[:]) + "\x02",
	} {
		if got := c.Find([]byte("before " + text + " after")); len(got) != 1 {
			t.Errorf("%s: %v", what, got)
		}
	}
	if got := c.Find([]byte("203.0.113.7, Canary")); len(got) != 0 {
		t.Errorf("%v", got)
	}
	if _, err := NewCanaries("abc"); err == nil {
		t.Error("a canary that is everywhere")
	}
}

// Among random bytes each trace is found once, at its place, wherever the chunks end;
// and nothing else.
func TestRaw(t *testing.T) {
	random := rand.New(rand.NewPCG(38, 2))
	b := make([]byte, 3<<20+100)
	for i := range b {
		b[i] = byte(random.UintN(256))
	}
	c, err := NewCanaries("canary-0123")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	for i := range 60 {
		at := i*52_000 + random.IntN(20_000)
		if i%10 == 0 {
			at = (i/10+1)<<19 - 20 // across the ends of chunks
		}
		text := fmt.Sprintf("\x00somebody%d@example.com\x00", i)
		copy(b[at:], text)
		want[fmt.Sprintf("%s %d", Email, at+1)] = true
	}
	copy(b[2_000_000:], "canary-0123")
	want[fmt.Sprintf("%s %d", Canary, 2_000_000)] = true
	got := map[string]bool{}
	if err := Raw(bytes.NewReader(b), c, func(m Match, at int64) {
		key := fmt.Sprintf("%s %d", m.Kind, at)
		if got[key] {
			t.Errorf("twice: %s", key)
		}
		got[key] = true
	}); err != nil {
		t.Fatal(err)
	}
	for key := range want {
		if !got[key] {
			t.Errorf("not found: %s", key)
		}
	}
	for key := range got {
		if !want[key] {
			t.Errorf("not there: %s", key)
		}
	}
}
