package operator

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"

	"github.com/gorilla/securecookie"
)

// A Sealer makes the console's cookies and opens them: signed, encrypted, and bound
// to their name. How long one counts is said inside it, by our clock.
type Sealer struct{ codecs []securecookie.Codec }

// NewSealer takes keys of 96 bytes, 64 to sign and 32 to encrypt. The first seals,
// all of them open.
func NewSealer(keys ...[]byte) (*Sealer, error) {
	if len(keys) == 0 {
		return nil, errors.New("cookies of the console need a key")
	}
	s := &Sealer{}
	for _, key := range keys {
		if len(key) != 96 {
			return nil, fmt.Errorf("a key of the console's cookies has %d bytes, not 96", len(key))
		}
		c := securecookie.New(key[:64], key[64:]).MaxAge(0).SetSerializer(securecookie.JSONEncoder{})
		s.codecs = append(s.codecs, c)
	}
	return s, nil
}

// Encode seals value for the cookie of that name.
func (s *Sealer) Encode(name string, value any) (string, error) {
	return securecookie.EncodeMulti(name, value, s.codecs[0])
}

// Decode opens what Encode made for that name, with this key or an earlier one.
func (s *Sealer) Decode(name, value string, into any) error {
	return securecookie.DecodeMulti(name, value, into, s.codecs...)
}

// A Vault seals secrets that stand in the database: AES-256-GCM, bound to whose
// they are. The first key seals, all of them open.
type Vault struct{ keys []cipher.AEAD }

// NewVault takes keys of 32 bytes.
func NewVault(keys ...[]byte) (*Vault, error) {
	v := &Vault{}
	for _, key := range keys {
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, fmt.Errorf("key of the vault: %w", err)
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, fmt.Errorf("key of the vault: %w", err)
		}
		v.keys = append(v.keys, aead)
	}
	if len(v.keys) == 0 {
		return nil, errors.New("the vault needs a key")
	}
	return v, nil
}

// Seal hides a secret of owner.
func (v *Vault) Seal(owner string, secret []byte) []byte {
	return v.keys[0].Seal(nil, nil, secret, []byte(owner)) //nolint:gosec // it makes its nonce itself
}

// errSealed: made with a key that is gone, for somebody else, or altered.
var errSealed = errors.New("the secret of the second factor can't be opened: restore console.json in the keys folder from a backup, or give the operator a new link (volenti operator link ADDRESS)")

// Open finds a secret of owner.
func (v *Vault) Open(owner string, sealed []byte) ([]byte, error) {
	for _, key := range v.keys {
		if secret, err := key.Open(nil, nil, sealed, []byte(owner)); err == nil {
			return secret, nil
		}
	}
	return nil, errSealed
}
