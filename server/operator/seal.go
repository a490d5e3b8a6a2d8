package operator

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/gorilla/securecookie"

	"github.com/volenti-consent/volenti/server/canonical"
)

// A Sealer makes the console's cookies and opens them: signed, encrypted, and bound
// to their name. How long one counts is said inside it, by our clock.
type Sealer struct {
	codecs atomic.Pointer[[]securecookie.Codec]
}

// NewSealer takes keys of 96 bytes, 64 to sign and 32 to encrypt. The first seals,
// all of them open.
func NewSealer(keys ...[]byte) (*Sealer, error) {
	s := &Sealer{}
	return s, s.Replace(keys...)
}

// Replace puts other keys in the place of those there are, as NewSealer takes them.
func (s *Sealer) Replace(keys ...[]byte) error {
	if len(keys) == 0 {
		return errors.New("cookies of the console need a key")
	}
	var codecs []securecookie.Codec
	for _, key := range keys {
		if len(key) != 96 {
			return fmt.Errorf("a key of the console's cookies has %d bytes, not 96", len(key))
		}
		c := securecookie.New(key[:64], key[64:]).MaxAge(0).SetSerializer(securecookie.JSONEncoder{})
		codecs = append(codecs, c)
	}
	s.codecs.Store(&codecs)
	return nil
}

// Encode seals value for the cookie of that name.
func (s *Sealer) Encode(name string, value any) (string, error) {
	return securecookie.EncodeMulti(name, value, (*s.codecs.Load())[0])
}

// Decode opens what Encode made for that name, with this key or an earlier one, in its one
// spelling: securecookie ignores line breaks and the stray bits at the end of base64.
func (s *Sealer) Decode(name, value string, into any) error {
	if _, err := canonical.DecodeBase64(value); err != nil {
		return err
	}
	return securecookie.DecodeMulti(name, value, into, *s.codecs.Load()...)
}

// A Vault seals secrets that stand in the database: AES-256-GCM, bound to whose
// they are. The first key seals, all of them open.
type Vault struct {
	keys atomic.Pointer[[]cipher.AEAD]
}

// NewVault takes keys of 32 bytes.
func NewVault(keys ...[]byte) (*Vault, error) {
	v := &Vault{}
	return v, v.Replace(keys...)
}

// Replace puts other keys in the place of those there are, as NewVault takes them.
func (v *Vault) Replace(keys ...[]byte) error {
	var all []cipher.AEAD
	for _, key := range keys {
		block, err := aes.NewCipher(key)
		if err != nil {
			return fmt.Errorf("key of the vault: %w", err)
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return fmt.Errorf("key of the vault: %w", err)
		}
		all = append(all, aead)
	}
	if len(all) == 0 {
		return errors.New("the vault needs a key")
	}
	v.keys.Store(&all)
	return nil
}

// Seal hides a secret of owner.
func (v *Vault) Seal(owner string, secret []byte) []byte {
	return (*v.keys.Load())[0].Seal(nil, nil, secret, []byte(owner)) //nolint:gosec // it makes its nonce itself
}

// errSealed: made with a key that is gone, for somebody else, or altered.
var errSealed = errors.New("the secret of the second factor can't be opened: restore console.json in the keys folder from a backup, or give the operator a new link (volenti operator link ADDRESS)")

// Open finds a secret of owner.
func (v *Vault) Open(owner string, sealed []byte) ([]byte, error) {
	for _, key := range *v.keys.Load() {
		if secret, err := key.Open(nil, nil, sealed, []byte(owner)); err == nil {
			return secret, nil
		}
	}
	return nil, errSealed
}
