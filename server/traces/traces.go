// Package traces finds what must not be kept: network addresses, e-mail addresses,
// browsers' full names, addresses of pages with what was asked of them, tokens, and
// whatever else it is told to look for.
package traces

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// A Kind is what was found.
type Kind string

// The kinds.
const (
	Address Kind = "network address"
	Email   Kind = "e-mail address"
	Agent   Kind = "user agent"
	Query   Kind = "address with a query"
	Token   Kind = "token"
	Canary  Kind = "canary"
)

// A Match is one trace in a text.
type Match struct {
	Kind  Kind
	Value string // never to be shown in full: see Masked
	At    int    // where it begins, in bytes
}

// Masked says enough of a value to find it again, and too little to learn it.
func (m Match) Masked() string {
	shown := []rune(m.Value)
	return fmt.Sprintf("%s… (%d characters)", string(shown[:min(3, len(shown)/3)]), len(shown))
}

var patterns = []struct {
	kind Kind
	has  string // that no match is without
	is   *regexp.Regexp
}{
	{Query, "://", regexp.MustCompile(`(?i)\bhttps?://[^\s"'<>\\^` + "`" + `{}|]+\?[^\s"'<>\\^` + "`" + `{}|]*=[^\s"'<>\\]*`)},
	{Email, "@", regexp.MustCompile(`(?i)[a-z0-9][a-z0-9._%+-]*@(?:[a-z0-9][a-z0-9-]*\.)+[a-z]{2,24}\b`)},
	{Agent, "Mozilla/", regexp.MustCompile(`Mozilla/\d\.\d \([^)\n]{3,200}\)`)},
	{Token, "eyJ", regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}`)},
	{Token, "earer ", regexp.MustCompile(`\b[Bb]earer [A-Za-z0-9._~+/-]{16,}`)},
	{Token, "volenti", regexp.MustCompile(`\bvolenti(?:_[a-z]+)?=[A-Za-z0-9_|.=-]{40,}`)},
}

// Find is all that looks like a trace in a text.
func Find(text string) (all []Match) {
	for _, p := range patterns {
		if !strings.Contains(text, p.has) {
			continue
		}
		for _, at := range p.is.FindAllStringIndex(text, -1) {
			all = append(all, Match{p.kind, text[at[0]:at[1]], at[0]})
		}
	}
	return append(all, addresses(text)...)
}

// inAddress are the bytes of addresses of both kinds, with a port.
func inAddress(c byte) bool {
	return c >= '0' && c <= '9' || c == '.' || c == ':' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func inWord(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
}

// addresses are those of networks that can be somebody's: neither this machine itself
// nor none.
func addresses(text string) (all []Match) {
	for from := 0; from < len(text); {
		if !inAddress(text[from]) {
			from++
			continue
		}
		end := from + 1
		for end < len(text) && inAddress(text[end]) {
			end++
		}
		word := from > 0 && inWord(text[from-1]) || end < len(text) && inWord(text[end]) // v1.2.3.4 is the number of a version
		if value := strings.TrimRight(text[from:end], ".:"); !word && len(value) >= 7 && public(value) {
			all = append(all, Match{Address, value, from})
		}
		from = end
	}
	return all
}

func public(text string) bool {
	if strings.Count(text, ".") < 3 && strings.Count(text, ":") < 2 {
		return false
	}
	a, err := netip.ParseAddr(text)
	if err != nil {
		port, err := netip.ParseAddrPort(text)
		if err != nil {
			return false
		}
		a = port.Addr()
	}
	return !a.IsLoopback() && !a.IsUnspecified()
}

// Canaries are strings that were put in on purpose, in each form in which they could
// have been kept.
type Canaries []canary

type canary struct {
	said  string
	forms []string // lower case
}

// NewCanaries looks for strings as they are, percent-encoded, in hexadecimal and in
// base64, whatever their case. Strings shorter than four bytes are found everywhere.
func NewCanaries(said ...string) (all Canaries, _ error) {
	for _, s := range said {
		if len(s) < 4 || !utf8.ValidString(s) {
			return nil, fmt.Errorf("%q is too short to be looked for: take four characters or more", s)
		}
		c := canary{said: s, forms: []string{strings.ToLower(s), strings.ToLower(url.QueryEscape(s)), strings.ToLower(url.PathEscape(s)), hex.EncodeToString([]byte(s))}}
		for shift := range 3 {
			b := base64.StdEncoding.EncodeToString(append(make([]byte, shift), s...))
			// What depends on the neighbours, at both ends, is left out.
			if b = strings.TrimRight(b, "=")[(shift*8+5)/6:]; len(b) > 6 {
				b = strings.ToLower(b[:len(b)-1])
				c.forms = append(c.forms, b, strings.NewReplacer("+", "-", "/", "_").Replace(b))
			}
		}
		if a, err := netip.ParseAddr(s); err == nil {
			c.forms = append(c.forms, string(a.AsSlice())) // as bytes
			if a.Is6() {
				c.forms = append(c.forms, a.StringExpanded())
			}
		}
		slices.Sort(c.forms)
		c.forms = slices.Compact(c.forms)
		all = append(all, c)
	}
	return all, nil
}

// Longest is the length of the longest form, in bytes.
func (c Canaries) Longest() (n int) {
	for _, one := range c {
		for _, f := range one.forms {
			n = max(n, len(f))
		}
	}
	return n
}

// Find is where canaries stand in some bytes; of each the first place.
func (c Canaries) Find(b []byte) (all []Match) {
	if len(c) == 0 {
		return nil
	}
	text := string(b)
	folded := bytes.Clone(b) // byte by byte: what is no text keeps its places
	for i, c := range folded {
		if c >= 'A' && c <= 'Z' {
			folded[i] = c + 'a' - 'A'
		}
	}
	lower := string(folded)
	for _, one := range c {
		for _, f := range one.forms {
			at := strings.Index(lower, f)
			if at < 0 && len(f) <= 16 { // an address as bytes has no case
				at = strings.Index(text, f)
			}
			if at >= 0 {
				all = append(all, Match{Canary, one.said, at})
				break
			}
		}
	}
	return all
}
