package consent

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/volenti-consent/volenti/server/site"
)

// ErrHandover is returned for a hand-over that is forged, out of date, of another
// site or for another origin, or whose choice does not stand any more: the visitor
// is asked.
var ErrHandover = errors.New("the choice can't be taken over from there")

// HandoverLife is how long a choice is on its way from one page to the next.
const HandoverLife = 2 * time.Minute

const (
	handoverVersion = "h1" // no served token begins so
	maxHandover     = 1024
)

// A Handover says that the browser which holds a receipt is on its way to a page
// of another origin of the same site, and what it had chosen.
type Handover struct {
	Site    string
	Receipt string
	To      string    // the origin it is for: "https://outlet.example"
	Given   time.Time // seconds: when the choice was made
	Minted  time.Time // seconds
	Choices string    // docs/wire.md, boot `c`
}

var handoverChoices = regexp.MustCompile(`^[01_-]{1,256}~[01_-]{0,512}$`)

// MintHandover is the text that goes along in the address of the next page. The
// first key signs; its form is another than that of a served token, so that
// neither can be taken for the other.
func (t *Tokens) MintHandover(h Handover) string {
	text := strings.Join([]string{handoverVersion, h.Site, h.Receipt, base64.RawURLEncoding.EncodeToString([]byte(h.To)),
		strconv.FormatInt(h.Given.Unix(), 10), strconv.FormatInt(h.Minted.Unix(), 10), strings.Replace(h.Choices, ".", "~", 1)}, ".")
	return text + "." + base64.RawURLEncoding.EncodeToString(tokenMAC(t.current.Load().of(h.Site)[0], text))
}

// VerifyHandover reads one that came from outside, for a page of that origin. It
// fails with ErrHandover.
func (t *Tokens) VerifyHandover(token, forSite, origin string, now time.Time) (Handover, error) {
	cut := strings.LastIndexByte(token, '.')
	if len(token) > maxHandover || cut < 0 {
		return Handover{}, ErrHandover
	}
	text := token[:cut]
	mac, err := base64.RawURLEncoding.Strict().DecodeString(token[cut+1:])
	if err != nil || len(mac) != macSize || len(token)-cut-1 != base64.RawURLEncoding.EncodedLen(macSize) {
		return Handover{}, ErrHandover
	}
	genuine := false
	for _, key := range t.current.Load().of(forSite) {
		genuine = hmac.Equal(mac, tokenMAC(key, text)) || genuine
	}
	h, ok := parseHandover(text)
	if !genuine || !ok || h.Site != forSite || h.To != origin {
		return Handover{}, ErrHandover
	}
	if age := now.Sub(h.Minted); age > HandoverLife || age < -tokenSkew {
		return Handover{}, ErrHandover
	}
	return h, nil
}

func parseHandover(text string) (Handover, bool) {
	part := strings.Split(text, ".")
	if len(part) != 7 || part[0] != handoverVersion || !site.ValidKey(part[1]) || !IsReceiptID(part[2]) || !handoverChoices.MatchString(part[6]) {
		return Handover{}, false
	}
	to, err := base64.RawURLEncoding.Strict().DecodeString(part[3])
	if err != nil {
		return Handover{}, false
	}
	if u, err := url.Parse(string(to)); err != nil || u.Host == "" || u.Scheme+"://"+u.Host != string(to) {
		return Handover{}, false
	}
	var times [2]time.Time
	for i := range times {
		seconds, err := strconv.ParseInt(part[4+i], 10, 64)
		if err != nil || seconds < 0 {
			return Handover{}, false
		}
		times[i] = time.Unix(seconds, 0)
	}
	return Handover{Site: part[1], Receipt: part[2], To: string(to), Given: times[0], Minted: times[1], Choices: strings.Replace(part[6], "~", ".", 1)}, true
}

// handoverID is the name under which the decision of a hand-over is recorded. It
// is the hand-over's own, whatever the page calls it, so that one of them brings
// one record: sent again by the same page it is a repeat, by another a clash.
func handoverID(token string) string { return "share-" + token[strings.LastIndexByte(token, '.')+1:] }

// carriedID is the same for an opt-out that was carried to a page.
func carriedID(pass string) string {
	sum := sha256.Sum256([]byte(pass))
	return "opt-out-" + hex.EncodeToString(sum[:16])
}
