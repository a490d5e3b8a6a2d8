package operator

import (
	"bytes"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"encoding/base64"
	"fmt"
	"image/png"
	"net/url"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
)

// Codes are those of RFC 6238: SHA-1, six digits, thirty seconds, which is what
// every app on every phone does.
const (
	codeStep  = 30 * time.Second
	codeSlack = 1 // steps a clock may be off, each way
)

var codeText = base32.StdEncoding.WithPadding(base32.NoPadding)

// NewCodeSecret is 160 random bits in base32, as apps take it.
func NewCodeSecret() string {
	raw := make([]byte, 20)
	_, _ = rand.Read(raw)
	return codeText.EncodeToString(raw)
}

// CodeStep finds the step whose code this is, around now. False: it is none.
// Whoever accepts it spends the step (Store.SpendCode).
func CodeStep(secret, code string, now time.Time) (step int64, ok bool) {
	code = strings.Join(strings.Fields(code), "")
	at := now.Unix() / int64(codeStep/time.Second)
	for d := int64(-codeSlack); d <= codeSlack; d++ {
		want, err := hotp.GenerateCode(secret, uint64(at+d))
		if err == nil && subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			step, ok = at+d, true
		}
	}
	return step, ok
}

// CodePicture is a QR code that apps read a secret from, as a data: URI of a PNG.
func CodePicture(secret, email, issuer string) (string, error) {
	key, err := otp.NewKeyFromURL((&url.URL{Scheme: "otpauth", Host: "totp", Path: "/" + issuer + ":" + email,
		RawQuery: url.Values{"secret": {secret}, "issuer": {issuer}}.Encode()}).String())
	if err != nil {
		return "", fmt.Errorf("picture of a code: %w", err)
	}
	picture, err := key.Image(232, 232)
	if err != nil {
		return "", fmt.Errorf("picture of a code: %w", err)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, picture); err != nil {
		return "", fmt.Errorf("picture of a code: %w", err)
	}
	return "data:image/png;base64," + base64.StdEncoding.EncodeToString(b.Bytes()), nil
}

const recoveryCodes = 10

// NewRecoveryCodes are ten codes of 80 random bits, each good once in place of the
// phone, and their digests.
func NewRecoveryCodes() (codes, digests []string) {
	for range recoveryCodes {
		raw := make([]byte, 10)
		_, _ = rand.Read(raw)
		s := strings.ToLower(codeText.EncodeToString(raw))
		code := s[:4] + "-" + s[4:8] + "-" + s[8:12] + "-" + s[12:]
		codes, digests = append(codes, code), append(digests, RecoveryDigest(code))
	}
	return codes, digests
}

// RecoveryDigest is what is stored of a recovery code, however it was typed.
func RecoveryDigest(code string) string {
	return Digest(strings.Map(func(r rune) rune {
		if r == '-' || r == ' ' {
			return -1
		}
		return r
	}, strings.ToLower(code)))
}
