package visitor

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/gorilla/securecookie"

	"github.com/volenti-consent/volenti/server/canonical"
)

// ErrForm is returned for a form that this server did not hand to this browser,
// or handed to it before it decided something else.
var ErrForm = errors.New("not a form of this server for this browser")

// formName keeps what authenticates forms from being taken for a cookie: the name
// is under the signature too.
const formName = "volenti-form"

// formSum binds a form to its site, to what was served, and to the decision that
// the browser held then. A page of somebody else knows the first two at best, so
// it can't replace the decision of a visitor who has one.
func formSum(site, token, receipt string) []byte {
	sum := sha256.Sum256([]byte(site + "\n" + token + "\n" + receipt))
	return sum[:]
}

// FormKey is what a form carries so that CheckForm knows it again. No cookie is
// needed for it: before a decision none is set.
func (c *Cookies) FormKey(site, token, receipt string) (string, error) {
	key, err := securecookie.EncodeMulti(formName, formSum(site, token, receipt), c.keys.Load().of(site)[0])
	if err != nil {
		return "", fmt.Errorf("form key: %w", err)
	}
	return key, nil
}

// CheckForm fails with ErrForm unless key was made by FormKey of the same.
func (c *Cookies) CheckForm(key, site, token, receipt string) error {
	if _, err := canonical.DecodeBase64(key); err != nil { // see Cookies.Decode
		return ErrForm
	}
	var sum []byte
	if err := securecookie.DecodeMulti(formName, key, &sum, c.keys.Load().of(site)...); err != nil {
		return ErrForm
	}
	if subtle.ConstantTimeCompare(sum, formSum(site, token, receipt)) != 1 {
		return ErrForm
	}
	return nil
}

// formOrigin is the origin a form was sent from, which must be this server's own:
// by Sec-Fetch-Site where the browser sends it, by Origin where it does not (as to
// plain http). It fails with ErrForm.
func formOrigin(r *http.Request, publicURL string) (*url.URL, error) {
	origin, err := url.Parse(r.Header.Get("Origin"))
	if err != nil || origin.Host == "" || (origin.Scheme != "http" && origin.Scheme != "https") {
		return nil, ErrForm
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-origin":
		return origin, nil
	case "":
	default:
		return nil, ErrForm
	}
	public, err := url.Parse(publicURL)
	if strings.EqualFold(origin.Host, r.Host) || (err == nil && public.Host != "" && strings.EqualFold(origin.Host, public.Host)) {
		return origin, nil
	}
	return nil, ErrForm
}
