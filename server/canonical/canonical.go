// Package canonical turns values into the one byte string that is hashed,
// signed, stored and served: JSON in the form of RFC 8785 (JCS).
//
// Evidence is bytes. Whoever encodes a value here keeps the bytes and never
// encodes the value a second time.
package canonical

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/gowebpki/jcs"
)

// ErrDigest is returned by ParseDigest for anything that is not 64 lower-case
// hexadecimal digits.
var ErrDigest = errors.New("not a digest: want 64 lower-case hexadecimal digits (SHA-256)")

// A Digest names bytes by their SHA-256: 64 lower-case hexadecimal digits.
// The empty Digest names nothing.
type Digest string

// Sum is the digest of b.
func Sum(b []byte) Digest {
	s := sha256.Sum256(b)
	var text [2 * sha256.Size]byte
	hex.Encode(text[:], s[:])
	return Digest(text[:])
}

// ParseDigest checks a digest that came from outside.
func ParseDigest(s string) (Digest, error) {
	if len(s) != 2*sha256.Size {
		return "", ErrDigest
	}
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return "", ErrDigest
		}
	}
	return Digest(s), nil
}

// Short is the first 16 digits, for places where the whole digest is looked up
// among a handful and never trusted on its own.
func (d Digest) Short() string { return string(d[:min(16, len(d))]) }

// Encode is the canonical JSON of v.
func Encode(v any) ([]byte, error) { return of(v, bytes.Clone) }

// SumOf is the digest of the canonical JSON of v, for whoever has no other use of it.
func SumOf(v any) (Digest, error) { return of(v, Sum) }

// of is what use makes of the canonical JSON of v, which it may not keep.
func of[T any](v any, use func([]byte) T) (made T, err error) {
	if made, ok := direct(v, use); ok {
		return made, nil
	}
	b, err := viaTransform(v)
	if err != nil {
		return made, err
	}
	return use(b), nil
}

func viaTransform(v any) ([]byte, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return Transform(plain)
}

// ErrNotExact is returned by Decode for JSON that is not canonical, or says less or
// other than the value it is read into.
var ErrNotExact = errors.New("members are missing or misspelt, or it is not canonical")

// Decode reads bytes that Encode made, and makes sure that v says all that they say:
// encoding/json overlooks the case of names and members that are missing, and what is
// read in part says something else. On an error v may be filled in part.
func Decode(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	again, err := Encode(v)
	if err != nil {
		return err
	}
	if !bytes.Equal(again, b) {
		return ErrNotExact
	}
	return nil
}

// Transform brings JSON text into canonical form. It fails for text that is
// not I-JSON: duplicate names, lone surrogates, trailing text.
func Transform(text []byte) ([]byte, error) {
	b, err := jcs.Transform(text)
	if err != nil {
		return nil, fmt.Errorf("canonical JSON: %w", err)
	}
	return b, nil
}
