package canonical

import (
	"encoding/base64"
	"errors"
	"strings"
)

// ErrBase64 is returned by DecodeBase64.
var ErrBase64 = errors.New("not base64 in its one spelling: send it unchanged")

// DecodeBase64 reads padded base64 for addresses (RFC 4648 § 5) in its one spelling: what
// is signed should have no other. Go's strict decoder still passes over line breaks.
func DecodeBase64(s string) ([]byte, error) {
	b, err := base64.URLEncoding.Strict().DecodeString(s)
	if err != nil || strings.ContainsAny(s, "\r\n") {
		return nil, ErrBase64
	}
	return b, nil
}
