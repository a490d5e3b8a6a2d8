package consent

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/volenti-consent/volenti/server/canonical"
)

// maxJWS is far more than any form of a receipt has; what is longer is not read.
const maxJWS = 1 << 20

// Failures of OpenJWS, beside ErrUnknownKey and ErrSignature: the first ends it.
var (
	ErrNotJWS     = errors.New("this is not a compact JWS as this server makes it")
	ErrJWSKind    = errors.New("this JWS is of another kind")
	ErrJWSPayload = errors.New("its payload is not canonical JSON")
)

// jwsKind is a media type without "application/" (RFC 7515 §4.1.9).
var jwsKind = regexp.MustCompile(`^[A-Za-z0-9.+-]{1,64}$`)

// SignJWS makes a compact JWS (RFC 7515) over canonical JSON, with the current key:
// alg EdDSA (RFC 8037), its kid, and kind as typ, by which one kind can't pass for
// another (RFC 8725 §3.11). What it signs has no line feed in it and so is never
// what a receipt's own signature is over.
func (k *Keyring) SignJWS(kind string, payload []byte) (string, error) {
	if err := canonicalPayload(payload); err != nil || !jwsKind.MatchString(kind) {
		return "", fmt.Errorf("sign a JWS of kind %q: %w", kind, errors.Join(ErrJWSPayload, err))
	}
	k.mu.RLock()
	defer k.mu.RUnlock()
	input := jwsHeader(k.kid, kind) + "." + base64url.EncodeToString(payload)
	return input + "." + base64url.EncodeToString(ed25519.Sign(k.current, []byte(input))), nil
}

// jwsHeader is the only header there is for a key and a kind.
func jwsHeader(kid, kind string) string {
	return base64url.EncodeToString([]byte(`{"alg":"EdDSA","kid":"` + kid + `","typ":"` + kind + `"}`))
}

// OpenJWS is the payload of a JWS that SignJWS made with one of the keys, and the id of
// that key. The header has one spelling for each key and kind, and every other is
// refused unread: another alg, "none", a key or an address in the header, a member
// twice. Errors are ErrNotJWS, ErrJWSKind, ErrUnknownKey, ErrSignature and ErrJWSPayload.
func (keys PublicKeys) OpenJWS(kind, token string) (payload []byte, kid string, err error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 || len(token) > maxJWS {
		return nil, "", ErrNotJWS
	}
	header, err := base64url.DecodeString(parts[0])
	if err != nil {
		return nil, "", ErrNotJWS
	}
	var said struct {
		Kid string `json:"kid"`
		Typ string `json:"typ"`
	}
	if json.Unmarshal(header, &said) != nil || !isKeyID(said.Kid) || jwsHeader(said.Kid, said.Typ) != parts[0] {
		return nil, "", ErrNotJWS
	}
	if said.Typ != kind {
		return nil, "", fmt.Errorf("%w: %s, not %s", ErrJWSKind, quoted(said.Typ), kind)
	}
	key, known := keys[said.Kid]
	if !known {
		return nil, said.Kid, fmt.Errorf("%w: %s", ErrUnknownKey, said.Kid)
	}
	signature, err := base64url.DecodeString(parts[2])
	if err != nil || base64url.EncodeToString(signature) != parts[2] { // Go's decoder passes over line feeds
		return nil, said.Kid, ErrNotJWS
	}
	if !ed25519.Verify(key, []byte(parts[0]+"."+parts[1]), signature) {
		return nil, said.Kid, ErrSignature
	}
	payload, err = base64url.DecodeString(parts[1])
	if err != nil {
		return nil, said.Kid, ErrNotJWS
	}
	return payload, said.Kid, canonicalPayload(payload)
}

func canonicalPayload(payload []byte) error {
	again, err := canonical.Transform(payload)
	if err != nil || !bytes.Equal(again, payload) {
		return ErrJWSPayload
	}
	return nil
}
