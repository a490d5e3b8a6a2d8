package consent

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/volenti-consent/volenti/geo"
	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/site"
)

// Errors of Tokens.Verify.
var (
	ErrToken       = errors.New("the served token is not one of ours for this site")
	ErrStaleToken  = errors.New("the served token is more than seven days old")
	ErrFutureToken = errors.New("the served token is from the future: check the clocks of all nodes")
)

const (
	// Bucket is how long all visitors of one region get the same token.
	Bucket = 10 * time.Minute
	// TokenLife is how long after its bucket a token can be answered. A page left
	// open and a decision that waited for the network are the reasons for days.
	TokenLife = 7 * 24 * time.Hour
	// tokenSkew is how far the clocks of two nodes may be apart.
	tokenSkew = 5 * time.Minute

	tokenVersion = "1"
	macSize      = 16
	tokenKeySize = 32
	maxToken     = 256
)

// Served is what a token says: this server was publishing this experience under
// this law row for this region in these ten minutes. It is the same for
// everybody and identifies nobody.
type Served struct {
	Site       string
	Experience canonical.Digest
	Law        string // id of the row of the law table
	Region     string // as geo.Region.String: "DE", "US-CA", or "" for unknown
	Source     string // a geo.Source
	Bucket     int64  // Unix seconds divided by 600
}

// BucketOf is the bucket that holds t.
func BucketOf(t time.Time) int64 { return t.Unix() / int64(Bucket/time.Second) }

// From is when the bucket began.
func (s Served) From() time.Time { return time.Unix(s.Bucket*int64(Bucket/time.Second), 0).UTC() }

// Tokens mints and verifies served tokens. It is safe for concurrent use.
type Tokens struct{ current atomic.Pointer[tokenKeys] }

// tokenKeys are the keys, and the tokens that one of them has vouched for.
type tokenKeys struct {
	siteKeys

	mu      sync.Mutex
	genuine map[string]Served // guarded by mu
}

// mostGenuine bounds the memory of tokens: all visitors of a region have the same one
// within a bucket, so a few hundred are in use.
const mostGenuine = 4096

// NewTokens makes Tokens of secrets of 32 bytes or more, from which each site's keys
// are derived: the first one mints, all verify, so that a secret can be replaced
// without refusing anybody. It panics without one or with a short one: whoever starts
// so would vouch for anything.
func NewTokens(keys ...[]byte) *Tokens {
	t := &Tokens{}
	t.Replace(keys...)
	return t
}

// Replace puts other secrets in the place of those there are, as NewTokens takes them.
func (t *Tokens) Replace(keys ...[]byte) {
	if len(keys) == 0 {
		panic("consent: served tokens need a key")
	}
	for _, key := range keys {
		if len(key) < tokenKeySize {
			panic("consent: a token key has at least 32 bytes")
		}
	}
	t.current.Store(&tokenKeys{siteKeys: siteKeys{secrets: keys, purpose: "token"}, genuine: map[string]Served{}})
}

var sources = [...]struct {
	source geo.Source
	letter string
}{{geo.FromDatabase, "d"}, {geo.FromHeader, "h"}, {geo.FromOverride, "o"}, {geo.FromNothing, "-"}}

// Mint is the token for s. A source that is not known is minted as none.
func (t *Tokens) Mint(s Served) string {
	text := s.text()
	return text + "." + base64.RawURLEncoding.EncodeToString(tokenMAC(t.current.Load().of(s.Site)[0], text))
}

// text is what a token says.
func (s Served) text() string {
	letter := "-"
	for _, row := range sources {
		if string(row.source) == s.Source {
			letter = row.letter
		}
	}
	region := s.Region
	if region == "" {
		region = "-"
	}
	return strings.Join([]string{tokenVersion, s.Site, digestText(s.Experience), s.Law, region, letter, strconv.FormatInt(s.Bucket, 10)}, ".")
}

// digestText writes a digest in base64url: the token goes over the wire with
// every script, and digits would cost half as much again.
func digestText(d canonical.Digest) string {
	raw, err := hex.DecodeString(string(d))
	if err != nil {
		return "" // no digest at all; Verify refuses it
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

func parseDigestText(text string) (canonical.Digest, bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) != sha256.Size {
		return "", false
	}
	return canonical.Digest(hex.EncodeToString(raw)), true
}

func tokenMAC(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)[:macSize]
}

var (
	lawID       = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)
	tokenRegion = regexp.MustCompile(`^(-|[A-Z]{2}(-[A-Z0-9]{1,3})?)$`)
	tokenBucket = regexp.MustCompile(`^(0|[1-9][0-9]{0,11})$`)
)

// Verify reads a token that came from outside. It fails with ErrToken for one
// that is altered, of another site or of a forgotten key, and with ErrStaleToken
// or ErrFutureToken for one whose time is out.
func (t *Tokens) Verify(token, forSite string, now time.Time) (Served, error) {
	s, err := t.current.Load().vouched(token, forSite)
	if err != nil {
		return Served{}, err
	}
	switch from := s.From(); {
	case now.Sub(from) > TokenLife+Bucket:
		return Served{}, ErrStaleToken
	case from.Sub(now) > tokenSkew:
		return Served{}, ErrFutureToken
	}
	return s, nil
}

// vouched is what a token says that one of the keys has vouched for, whatever its time.
func (k *tokenKeys) vouched(token, forSite string) (Served, error) {
	k.mu.Lock()
	s, known := k.genuine[token]
	k.mu.Unlock()
	if !known {
		var err error
		if s, err = k.verify(token, forSite); err != nil {
			return Served{}, err
		}
		k.mu.Lock()
		if len(k.genuine) >= mostGenuine {
			clear(k.genuine)
		}
		k.genuine[strings.Clone(token)] = s
		k.mu.Unlock()
	}
	if s.Site != forSite {
		return Served{}, ErrToken
	}
	return s, nil
}

// verify finds out whether a key has vouched for a token.
func (k *tokenKeys) verify(token, forSite string) (Served, error) {
	if len(token) > maxToken {
		return Served{}, ErrToken
	}
	cut := strings.LastIndexByte(token, '.')
	if cut < 0 {
		return Served{}, ErrToken
	}
	text := token[:cut]
	// Strict: bits that decoding would drop must be zero, so that what is signed
	// has one spelling. Line breaks, which it ignores even then, are too long.
	mac, err := base64.RawURLEncoding.Strict().DecodeString(token[cut+1:])
	if err != nil || len(mac) != macSize || len(token)-cut-1 != base64.RawURLEncoding.EncodedLen(macSize) {
		return Served{}, ErrToken
	}
	genuine := false
	for _, key := range k.of(forSite) { // all of them: time does not tell which one fits
		genuine = hmac.Equal(mac, tokenMAC(key, text)) || genuine
	}
	if !genuine {
		return Served{}, ErrToken
	}
	s, ok := parseServed(text)
	if !ok || s.Site != forSite {
		return Served{}, ErrToken
	}
	return s, nil
}

// parseServed reads what a key has vouched for; that it has the right form says
// that the key signs nothing else.
func parseServed(text string) (Served, bool) {
	part := strings.Split(text, ".")
	if len(part) != 7 || part[0] != tokenVersion || !site.ValidKey(part[1]) || !lawID.MatchString(part[3]) ||
		!tokenRegion.MatchString(part[4]) || !tokenBucket.MatchString(part[6]) {
		return Served{}, false
	}
	digest, ok := parseDigestText(part[2])
	if !ok {
		return Served{}, false
	}
	bucket, err := strconv.ParseInt(part[6], 10, 64)
	if err != nil {
		return Served{}, false
	}
	s := Served{Site: part[1], Experience: digest, Law: part[3], Region: strings.TrimPrefix(part[4], "-"), Bucket: bucket}
	for _, row := range sources {
		if row.letter == part[5] {
			s.Source = string(row.source)
			return s, true
		}
	}
	return Served{}, false
}

// ServedOf is what the token of a record said.
func ServedOf(c Core) Served {
	return Served{Site: c.Site, Experience: c.Experience, Law: c.Law, Region: strings.TrimPrefix(c.Region, "-"), Source: c.RegionSource,
		Bucket: c.TokenFrom / Bucket.Milliseconds()}
}

// Says reports whether a token says what s does. Whether a key of ours has vouched
// for it, only Verify tells.
func (s Served) Says(token string) bool {
	cut := strings.LastIndexByte(token, '.')
	return cut >= 0 && token[:cut] == s.text()
}

// Again is the token for s whose digest a record holds, made by whichever of the
// keys made it then; false where that key is not kept any more.
func (t *Tokens) Again(s Served, want canonical.Digest) (token string, ok bool) {
	text := s.text()
	for _, key := range t.current.Load().of(s.Site) {
		if token = text + "." + base64.RawURLEncoding.EncodeToString(tokenMAC(key, text)); canonical.Sum([]byte(token)) == want {
			return token, true
		}
	}
	return "", false
}
