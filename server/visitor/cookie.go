// Package visitor answers the visitor's browser: the banner script, decisions,
// receipts, and the policy archive.
package visitor

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/securecookie"
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
	Ends    time.Time // seconds
	Implied bool      // made where the law asked for no opt-in: never counts as consent elsewhere
	Signal  bool      // made while GPC or DNT was on
	Choices string    // docs/wire.md, boot `c`; vendors not set apart may be missing at the end
}

var errMemory = errors.New("not a remembered decision")

// Cookies writes and reads the cookie. The signature covers name, site and
// time; the keys are the current one first and earlier ones after it.
type Cookies struct {
	codecs []securecookie.Codec
	keys   int
}

// NewCookies makes Cookies of HMAC keys of at least 32 bytes, the current one first.
func NewCookies(keys ...[]byte) (*Cookies, error) {
	c := &Cookies{keys: len(keys)}
	for _, k := range keys {
		if len(k) < 32 {
			return nil, errors.New("cookie key: want at least 32 bytes")
		}
		codec := securecookie.New(k, nil)
		codec.MaxAge(400 * 24 * 60 * 60) // browsers keep no cookie longer; when a decision ends stands inside
		codec.MaxLength(1024)
		codec.SetSerializer(securecookie.NopEncoder{})
		c.codecs = append(c.codecs, codec)
	}
	if len(c.codecs) == 0 {
		return nil, errors.New("cookie key: none given")
	}
	return c, nil
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
	text := strings.Join([]string{"1", m.Site, m.Receipt, m.Notice,
		strconv.FormatInt(m.Decided.Unix(), 36), strconv.FormatInt(m.Ends.Unix(), 36),
		string([]byte{basis, signal}), packChoices(m.Choices)}, ".")
	value, err := securecookie.EncodeMulti(CookieName, []byte(text), c.codecs[0])
	if err != nil {
		return "", fmt.Errorf("encode cookie: %w", err)
	}
	return value, nil
}

// Decode reads a value that came from outside. Base64 that is not in its one
// strict form is refused too: securecookie ignores stray bits at its end, and
// what is signed should have one spelling.
func (c *Cookies) Decode(value string) (Memory, error) {
	if len(value) > 1024 {
		return Memory{}, errMemory
	}
	if _, err := base64.URLEncoding.Strict().DecodeString(value); err != nil {
		return Memory{}, errMemory
	}
	var text []byte
	if err := securecookie.DecodeMulti(CookieName, value, &text, c.codecs...); err != nil {
		return Memory{}, errMemory
	}
	part := strings.Split(string(text), ".")
	if len(part) != 8 || part[0] != "1" || len(part[6]) != 2 {
		return Memory{}, errMemory
	}
	decided, err1 := strconv.ParseInt(part[4], 36, 64)
	ends, err2 := strconv.ParseInt(part[5], 36, 64)
	choices, err3 := unpackChoices(part[7])
	if err1 != nil || err2 != nil || err3 != nil {
		return Memory{}, errMemory
	}
	return Memory{Site: part[1], Receipt: part[2], Notice: part[3],
		Decided: time.Unix(decided, 0), Ends: time.Unix(ends, 0),
		Implied: part[6][0] == 'i', Signal: part[6][1] == 's', Choices: choices}, nil
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
		case !now.Before(got.Ends) || got.Decided.After(now.Add(time.Minute)):
			bad = true
		case !ok || got.Decided.After(m.Decided):
			m, ok = got, true
		}
	}
	return m, ok, bad && !ok
}

const trits = "ABCDEFGHIJKLMNOPQRSTUVWXYZa"

// packChoices puts three vendors into a letter and leaves out those at the end
// that are not set apart, so that a site of sixty vendors stays in its 200 bytes.
func packChoices(choices string) string {
	categories, vendors, _ := strings.Cut(choices, ".")
	vendors = strings.TrimRight(vendors, "-")
	out := []byte(categories)
	if vendors != "" {
		out = append(out, '~')
	}
	for i := 0; i < len(vendors); i += 3 {
		code := 0
		for j := range 3 {
			code *= 3
			if i+j < len(vendors) {
				code += strings.IndexByte("-01", vendors[i+j])
			}
		}
		out = append(out, trits[code])
	}
	return string(out)
}

func unpackChoices(packed string) (string, error) {
	categories, vendors, _ := strings.Cut(packed, "~")
	out := append([]byte(categories), '.')
	for _, letter := range []byte(vendors) {
		code := strings.IndexByte(trits, letter)
		if code < 0 {
			return "", errMemory
		}
		out = append(out, "-01"[code/9], "-01"[code/3%3], "-01"[code%3])
	}
	if strings.Trim(string(out), "-01.") != "" {
		return "", errMemory
	}
	return strings.TrimRight(string(out), "-"), nil
}
