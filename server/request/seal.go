package request

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"sync/atomic"
)

// Seals hide what is kept of a person, and make the secrets by which a person comes
// back to a request: neither is in the database. The first key seals and makes, all of
// them open and know.
type Seals struct{ keys atomic.Pointer[sealKeys] }

type sealKeys struct {
	boxes   []cipher.AEAD
	secrets [][]byte
}

// NewSeals derives them from keys of 32 bytes, the current one first.
func NewSeals(keys ...[]byte) (*Seals, error) {
	s := &Seals{}
	return s, s.Replace(keys...)
}

// Replace puts other keys in the place of those there are, as NewSeals takes them.
func (s *Seals) Replace(keys ...[]byte) error {
	next := &sealKeys{}
	for _, key := range keys {
		if len(key) < 32 {
			return errors.New("key of requests: want at least 32 bytes")
		}
		box, err := hkdf.Key(sha256.New, key, nil, "volenti requests: at rest", 32)
		if err != nil {
			return fmt.Errorf("key of requests: %w", err)
		}
		secret, err := hkdf.Key(sha256.New, key, nil, "volenti requests: ways in", 32)
		if err != nil {
			return fmt.Errorf("key of requests: %w", err)
		}
		block, err := aes.NewCipher(box)
		if err != nil {
			return fmt.Errorf("key of requests: %w", err)
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return fmt.Errorf("key of requests: %w", err)
		}
		next.boxes, next.secrets = append(next.boxes, aead), append(next.secrets, secret)
	}
	if len(next.boxes) == 0 {
		return errors.New("requests need a key")
	}
	s.keys.Store(next)
	return nil
}

// errSealed: made with a key that is gone, for another place, or altered.
var errSealed = errors.New("what is sealed can't be opened: restore console.json in the keys folder from a backup")

// Seal hides text in a place, such as "contact " and a request's id: it opens nowhere
// else.
func (s *Seals) Seal(place string, text []byte) []byte {
	return s.keys.Load().boxes[0].Seal(nil, nil, text, []byte(place)) //nolint:gosec // it makes its nonce itself
}

// Open finds what was sealed in a place.
func (s *Seals) Open(place string, sealed []byte) ([]byte, error) {
	for _, box := range s.keys.Load().boxes {
		if text, err := box.Open(nil, nil, sealed, []byte(place)); err == nil {
			return text, nil
		}
	}
	return nil, errSealed
}

// Key is the secret part of an address: whoever has it may do what it is for with that
// request. It can be made again and is kept nowhere.
func (s *Seals) Key(use, id string) string { return key(s.keys.Load().secrets[0], use, id) }

// Knows reports whether key is that of a use of a request.
func (s *Seals) Knows(use, id, came string) bool {
	for _, secret := range s.keys.Load().secrets {
		if hmac.Equal([]byte(key(secret, use, id)), []byte(came)) {
			return true
		}
	}
	return false
}

// The uses of keys.
const (
	ToRead    = "read"    // the request's page: all that whoever asked may see and do
	ToConfirm = "confirm" // settles, once, that the address is his
)

func key(secret []byte, use, id string) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(use + "\n" + id))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:18])
}
