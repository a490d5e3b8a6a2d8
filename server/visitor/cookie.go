// Package visitor answers the visitor's browser: the banner script, decisions,
// receipts, and the policy archive.
package visitor

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/securecookie"

	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
)

// CookieName is the name of the one first-party cookie.
const CookieName = "volenti"

// A Memory is what the cookie remembers of a decision: enough to choose the
// right script and to open the receipt, and nothing about the person.
type Memory struct {
	Site    string
	Receipt string    // receipt id; possession of the cookie is possession of the receipt
	Notice  string    // first 16 digits of the notice's digest
	Decided time.Time // seconds
	Ends    time.Time // seconds; what was granted ends, and what was refused where Rests is not later
	Rests   time.Time // seconds; what was refused is not asked again until then; zero: until Ends
	Told    time.Time // seconds; of the policies then in force the visitor knows; zero: when he decided
	Implied bool      // made where the law asked for no opt-in: never counts as consent elsewhere
	Signal  bool      // made while GPC or DNT was on
	Age     int       // years that the visitor confirmed with it; 0: none
	Choices string    // docs/wire.md, boot `c`; vendors not set apart may be missing at the end
}

// until is when nothing of it counts any more.
func (m Memory) until() time.Time {
	if m.Rests.After(m.Ends) {
		return m.Rests
	}
	return m.Ends
}

var errMemory = errors.New("not a remembered decision")

// Cookies writes and reads the cookie. The signature covers name, site and
// time. Each site has keys of its own, derived of the installation's secrets: the
// current one first and earlier ones after it.
type Cookies struct {
	Elsewhere *Elsewhere // what another browser decided for this one; nil: none can

	keys atomic.Pointer[cookieKeys]
}

// cookieKeys are the keys of all sites, of one set of secrets.
type cookieKeys struct {
	secrets [][]byte
	earlier []securecookie.Codec // of the secrets themselves: cookies of before sites had keys are read by them
	bySite  sync.Map             // string → []securecookie.Codec; of sites that cookies were made for or found genuine
}

// NewCookies makes Cookies of secrets of at least 32 bytes, the current one first.
func NewCookies(secrets ...[]byte) (*Cookies, error) {
	c := &Cookies{}
	return c, c.Replace(secrets...)
}

// Replace puts other secrets in the place of those there are, as NewCookies takes them.
func (c *Cookies) Replace(secrets ...[]byte) error {
	next := &cookieKeys{secrets: secrets}
	for _, k := range secrets {
		if len(k) < 32 {
			return errors.New("cookie key: want at least 32 bytes")
		}
		next.earlier = append(next.earlier, cookieCodec(k))
	}
	if len(secrets) == 0 {
		return errors.New("cookie key: none given")
	}
	c.keys.Store(next)
	return nil
}

func cookieCodec(key []byte) securecookie.Codec {
	codec := securecookie.New(key, nil)
	codec.MaxAge(0) // when a decision ends stands inside; a refusal may rest longer than browsers keep a cookie
	codec.MaxLength(1024)
	codec.SetSerializer(securecookie.NopEncoder{})
	return codec
}

// of are the codecs of a site, those of earlier cookies behind them.
func (c *cookieKeys) of(site string) []securecookie.Codec {
	if kept, ok := c.bySite.Load(site); ok {
		return kept.([]securecookie.Codec)
	}
	codecs := make([]securecookie.Codec, 0, 2*len(c.secrets))
	for _, secret := range c.secrets {
		codecs = append(codecs, cookieCodec(consent.SiteKey(secret, "cookie", site, 64)))
	}
	return append(codecs, c.earlier...)
}

// keep makes of remember a site that is really there: strangers name any.
func (c *cookieKeys) keep(site string, codecs []securecookie.Codec) {
	if _, kept := c.bySite.Load(site); !kept {
		c.bySite.Store(site, codecs)
	}
}

// claimed is the site that a cookie says it is of, before anybody has found it
// genuine. It settles by which keys that is to be found out, and nothing else.
func claimed(value []byte) string {
	_, rest, _ := bytes.Cut(value, []byte{'|'})
	text, _, _ := bytes.Cut(rest, []byte{'|'})
	inner, err := base64.URLEncoding.Strict().DecodeString(string(text))
	if err != nil {
		return ""
	}
	_, rest, _ = bytes.Cut(inner, []byte{'.'})
	key, _, _ := bytes.Cut(rest, []byte{'.'})
	return string(key)
}

// Encode is the cookie's value for m.
func (c *Cookies) Encode(m Memory) (string, error) {
	signal := byte('-')
	if m.Signal {
		signal = 's'
	}
	basis := byte('e')
	if m.Implied {
		basis = 'i'
	}
	parts := []string{"1", m.Site, m.Receipt, m.Notice,
		strconv.FormatInt(m.Decided.Unix(), 36), strconv.FormatInt(m.Ends.Unix(), 36),
		string([]byte{basis, signal}), packChoices(m.Choices), stamp(m.Told), stamp(m.Rests), ""}
	if m.Age != 0 {
		parts[10] = strconv.Itoa(m.Age)
	}
	for len(parts) > 8 && parts[len(parts)-1] == "" {
		parts = parts[:len(parts)-1]
	}
	text := strings.Join(parts, ".")
	keys := c.keys.Load()
	codecs := keys.of(m.Site)
	value, err := securecookie.EncodeMulti(CookieName, []byte(text), codecs[0])
	if err != nil {
		return "", fmt.Errorf("encode cookie: %w", err)
	}
	keys.keep(m.Site, codecs)
	return value, nil
}

// Decode reads a value that came from outside. Base64 that is not in its one
// strict form is refused too: securecookie ignores stray bits at its end, and
// what is signed should have one spelling.
func (c *Cookies) Decode(value string) (Memory, error) {
	if len(value) > 1024 {
		return Memory{}, errMemory
	}
	raw, err := canonical.DecodeBase64(value)
	if err != nil {
		return Memory{}, errMemory
	}
	named := claimed(raw)
	keys := c.keys.Load()
	codecs := keys.of(named)
	var text []byte
	if err := securecookie.DecodeMulti(CookieName, value, &text, codecs...); err != nil {
		return Memory{}, errMemory
	}
	keys.keep(named, codecs)
	part := strings.Split(string(text), ".")
	if len(part) < 8 || len(part) > 11 || part[0] != "1" || len(part[6]) != 2 {
		return Memory{}, errMemory
	}
	part = append(part, "", "", "")
	decided, err1 := strconv.ParseInt(part[4], 36, 64)
	ends, err2 := strconv.ParseInt(part[5], 36, 64)
	choices, err3 := unpackChoices(part[7])
	told, err4 := unstamp(part[8])
	rests, err5 := unstamp(part[9])
	age, err6 := strconv.Atoi("0" + part[10])
	if err := errors.Join(err1, err2, err3, err4, err5, err6); err != nil {
		return Memory{}, errMemory
	}
	return Memory{Site: part[1], Receipt: part[2], Notice: part[3],
		Decided: time.Unix(decided, 0), Ends: time.Unix(ends, 0), Told: told, Rests: rests,
		Implied: part[6][0] == 'i', Signal: part[6][1] == 's', Age: age, Choices: choices}, nil
}

// stamp is a time that may be missing.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return strconv.FormatInt(t.Unix(), 36)
}

func unstamp(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	seconds, err := strconv.ParseInt(s, 36, 64)
	return time.Unix(seconds, 0), err
}

// Read finds the newest decision for site among the request's cookies. There
// can be several of the name: a sub-domain may have tossed one. bad reports
// that some are of no use, and none is.
func (c *Cookies) Read(r *http.Request, site string, now time.Time) (m Memory, ok, bad bool) {
	for _, cookie := range r.CookiesNamed(CookieName) {
		got, err := c.Decode(cookie.Value)
		switch {
		case err != nil:
			bad = true
		case got.Site != site: // a sister site under the same domain
		case !now.Before(got.until()) || got.Decided.After(now.Add(time.Minute)):
			bad = true
		case !ok || got.Decided.After(m.Decided):
			m, ok = got, true
		}
	}
	if ok && c.Elsewhere != nil {
		if instead, behind, fine := c.Elsewhere.newer(r.Context(), m, now); behind {
			return instead, fine, !fine
		}
	}
	return m, ok, bad && !ok
}

// Three vendors are written as one letter. The first 27 letters are those in which
// no vendor is open, as cookies had them before vendors could be.
const tripleLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

var triples = sync.OnceValue(func() (all [len(tripleLetters)]string) {
	const open = "-01_"
	at := 0
	for _, withOpen := range [...]bool{false, true} {
		for i := range len(open) * len(open) * len(open) {
			triple := string([]byte{open[i/16], open[i/4%4], open[i%4]})
			if strings.Contains(triple, "_") == withOpen {
				all[at] = triple
				at++
			}
		}
	}
	return all
})

// packChoices puts three vendors into a letter and leaves out those at the end
// that are not set apart, so that a site of sixty vendors stays in its 200 bytes.
func packChoices(choices string) string {
	categories, vendors, _ := strings.Cut(choices, ".")
	vendors = strings.TrimRight(vendors, "-")
	out := []byte(categories)
	if vendors == "" {
		return string(out)
	}
	out = append(out, '~')
	vendors += strings.Repeat("-", 2)
	all := triples()
	for i := 0; i+3 <= len(vendors); i += 3 {
		out = append(out, tripleLetters[slices.Index(all[:], vendors[i:i+3])])
	}
	return string(out)
}

func unpackChoices(packed string) (string, error) {
	categories, vendors, _ := strings.Cut(packed, "~")
	out := append([]byte(categories), '.')
	all := triples()
	for _, letter := range []byte(vendors) {
		code := strings.IndexByte(tripleLetters, letter)
		if code < 0 {
			return "", errMemory
		}
		out = append(out, all[code]...)
	}
	if strings.Trim(string(out), "-01_.") != "" {
		return "", errMemory
	}
	return strings.TrimRight(string(out), "-"), nil
}
