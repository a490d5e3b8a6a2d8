package consent

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/volenti-consent/volenti/server/canonical"
)

// PublicKeys are the keys receipts verify with, by key id.
type PublicKeys map[string]ed25519.PublicKey

// Errors of ParsePublicKeys.
var (
	ErrNoKeys     = errors.New("no Ed25519 public key is in it: save the document at /.well-known/jwks.json, or a PEM file")
	ErrPrivateKey = errors.New("a private key is in it: anybody who has this file can sign receipts; replace the key")
)

// A jwk is an Ed25519 public key as of RFC 8037.
type jwk struct {
	Curve string `json:"crv"`
	ID    string `json:"kid"`
	Type  string `json:"kty"`
	Use   string `json:"use"`
	X     string `json:"x"`
}

// Thumbprint names a key by RFC 7638: SHA-256 of its required members in
// lexicographic order, in base64url.
func Thumbprint(key ed25519.PublicKey) string {
	sum := sha256.Sum256([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + base64.RawURLEncoding.EncodeToString(key) + `"}`))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// JWKS is the document at /.well-known/jwks.json (RFC 7517), by key id.
func (keys PublicKeys) JWKS() ([]byte, error) {
	document := struct {
		Keys []jwk `json:"keys"`
	}{Keys: []jwk{}}
	for _, kid := range sortedKeys(keys) {
		document.Keys = append(document.Keys, jwk{"Ed25519", kid, "OKP", "sig", base64.RawURLEncoding.EncodeToString(keys[kid])})
	}
	b, err := canonical.Encode(document)
	if err != nil {
		return nil, fmt.Errorf("jwks: %w", err)
	}
	return b, nil
}

// ParsePublicKeys reads a JWKS document, or one public key in PEM. Keys of other
// kinds are passed over; a key is known by its thumbprint, whatever id the
// document gives it, so that a wrong id can't make a receipt verify.
func ParsePublicKeys(b []byte) (PublicKeys, error) {
	if bytes.Contains(b, []byte("PRIVATE KEY-----")) {
		return nil, ErrPrivateKey
	}
	if bytes.Contains(b, []byte("-----BEGIN")) {
		key, err := parsePublicPEM(b)
		if err != nil {
			return nil, err
		}
		return PublicKeys{Thumbprint(key): key}, nil
	}
	var document struct {
		Keys []struct {
			jwk
			D *json.RawMessage `json:"d"`
		} `json:"keys"`
	}
	if err := json.Unmarshal(b, &document); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoKeys, err)
	}
	keys := PublicKeys{}
	for _, k := range document.Keys {
		if k.D != nil {
			return nil, ErrPrivateKey
		}
		if k.Type != "OKP" || k.Curve != "Ed25519" {
			continue
		}
		x, err := base64url.DecodeString(k.X)
		if err != nil || len(x) != ed25519.PublicKeySize {
			return nil, fmt.Errorf("key %s: its x is not 32 bytes in base64url: save the document again", quoted(k.ID))
		}
		keys[Thumbprint(x)] = x
	}
	if len(keys) == 0 {
		return nil, ErrNoKeys
	}
	return keys, nil
}
