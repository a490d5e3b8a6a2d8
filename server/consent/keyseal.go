package consent

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
)

// A KeySecret is what every node of an installation is given from outside: the keys that
// the nodes share stand in the database, sealed under it (AES-256-GCM), so that whoever
// reads the database alone can sign nothing. The first seals, all of them open.
type KeySecret struct{ all []sealingKey }

type sealingKey struct {
	id   string // 16 hexadecimal digits; says nothing of the key
	aead cipher.AEAD
}

const (
	secretPrefix = "volenti-keys-1-" //nolint:gosec // what all of them begin with
	secretSize   = 32
)

// Errors of keys that are sealed.
var (
	ErrNoKeySecret = errors.New("this is no secret of keys: make one with volenti key secret")
	ErrKeySecret   = errors.New("the keys in the database are sealed under another secret")
	ErrKeySeal     = errors.New("a key in the database was altered, or put under another name")
)

// NewKeySecret makes the text of a secret.
func NewKeySecret(random io.Reader) (string, error) {
	b := make([]byte, secretSize)
	if _, err := io.ReadFull(random, b); err != nil {
		return "", fmt.Errorf("make a secret: %w", err)
	}
	return secretPrefix + base64.RawURLEncoding.EncodeToString(b), nil
}

// ParseKeySecret reads secrets, one in a line: the first is the current one. Lines that
// begin with # are comments.
func ParseKeySecret(text string) (*KeySecret, error) {
	s := &KeySecret{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		rest, ok := strings.CutPrefix(line, secretPrefix)
		b, err := base64.RawURLEncoding.Strict().DecodeString(rest)
		if !ok || err != nil || len(b) != secretSize {
			return nil, ErrNoKeySecret
		}
		k, err := newSealingKey(b)
		if err != nil {
			return nil, err
		}
		s.all = append(s.all, k)
	}
	if len(s.all) == 0 {
		return nil, ErrNoKeySecret
	}
	return s, nil
}

func newSealingKey(secret []byte) (k sealingKey, err error) {
	derive := func(what string, size int) []byte {
		if err != nil {
			return nil
		}
		var b []byte
		b, err = hkdf.Key(sha256.New, secret, []byte("volenti sealed keys v1"), what, size)
		return b
	}
	id, key := derive("id", 8), derive("key", 32)
	if err != nil {
		return k, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return k, err
	}
	k.id = hex.EncodeToString(id)
	k.aead, err = cipher.NewGCMWithRandomNonce(block)
	return k, err
}

// ID names the current secret.
func (s *KeySecret) ID() string { return s.all[0].id }

// bound is what a sealed key is bound to: its name, and the secret it is sealed under.
func bound(name, id string) []byte { return []byte("volenti sealed key v1\x00" + id + "\x00" + name) }

// Seal hides the text of a name.
func (s *KeySecret) Seal(name string, text []byte) SealedKey {
	k := s.all[0]
	return SealedKey{Name: name, Secret: k.id, Sealed: k.aead.Seal(nil, nil, text, bound(name, k.id))} //nolint:gosec // it makes its own random nonce
}

// Open finds the text. ErrKeySecret where it is sealed under a secret that is not ours,
// ErrKeySeal where it is not what was sealed.
func (s *KeySecret) Open(row SealedKey) ([]byte, error) {
	for _, k := range s.all {
		if k.id != row.Secret {
			continue
		}
		text, err := k.aead.Open(nil, nil, row.Sealed, bound(row.Name, k.id))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", row.Name, ErrKeySeal)
		}
		return text, nil
	}
	return nil, fmt.Errorf("%w: theirs is %s, and this node was given %s; give every node the same file with keys.secret_file", ErrKeySecret, row.Secret, s.ID())
}
