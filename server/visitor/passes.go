package visitor

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/volenti-consent/volenti/server/consent"
)

// ErrPass is returned for a pass that is not ours, for something else, out of date,
// or used already.
var ErrPass = errors.New("this has been used, or its time is over")

// Kinds of passes: what is made for one opens nothing of another.
const (
	passLink   = "link"    // shows a choice to another browser; counts once
	passHold   = "hold"    // the browser was shown a receipt
	passOptOut = "opt-out" // carries an opt-out to another address of this server; counts once
	passPage   = "page"    // carries one to a page of a site; the decision it makes is one
)

// A SpentStore remembers which passes were used.
type SpentStore interface {
	// SpendPass keeps a digest until a time that is not over, and reports whether it is
	// there for the first time. Of two that come at once one is the first. What is
	// kept names nobody: it is a digest of random bytes.
	SpendPass(ctx context.Context, digest []byte, until, now time.Time) (first bool, err error)
}

// Passes are sealed notes of this server to itself that somebody carries: a few bytes
// and an end, readable by nobody else (AES-256-GCM under a key of site and kind).
type Passes struct {
	secrets atomic.Pointer[[][]byte]
	spent   SpentStore
	now     func() time.Time
}

// NewPasses makes Passes of the installation's secrets, the current one first.
func NewPasses(spent SpentStore, now func() time.Time, secrets ...[]byte) *Passes {
	p := &Passes{spent: spent, now: now}
	p.Replace(secrets...)
	return p
}

// Replace puts other secrets in the place of those there are.
func (p *Passes) Replace(secrets ...[]byte) { p.secrets.Store(&secrets) }

func passCipher(secret []byte, kind, site string) (cipher.AEAD, error) {
	block, err := aes.NewCipher(consent.SiteKey(secret, "pass "+kind, site, 32))
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// Seal makes a pass that ends at a time.
func (p *Passes) Seal(kind, site string, ends time.Time, note []byte) (string, error) {
	aead, err := passCipher((*p.secrets.Load())[0], kind, site)
	if err != nil {
		return "", fmt.Errorf("seal a pass: %w", err)
	}
	text := append(binary.BigEndian.AppendUint64(nil, uint64(ends.Unix())), note...)
	return base64.RawURLEncoding.EncodeToString(aead.Seal(nil, nil, text, nil)), nil //nolint:gosec // it makes its own random nonce
}

// Open reads a pass that somebody brought. It fails with ErrPass.
func (p *Passes) Open(kind, site, pass string) ([]byte, error) {
	note, _, err := p.open(kind, site, pass)
	return note, err
}

// Use reads a pass that counts once. It fails with ErrPass from the second time on.
func (p *Passes) Use(ctx context.Context, kind, site, pass string) ([]byte, error) {
	note, ends, err := p.open(kind, site, pass)
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256([]byte(kind + "\n" + pass))
	first, err := p.spent.SpendPass(ctx, digest[:], ends, p.now())
	if err != nil {
		return nil, fmt.Errorf("use a pass: %w", err)
	}
	if !first {
		return nil, ErrPass
	}
	return note, nil
}

func (p *Passes) open(kind, site, pass string) (note []byte, ends time.Time, _ error) {
	// Strict, so that what counts once has one spelling.
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(pass)
	if err != nil || len(pass) > 1024 || base64.RawURLEncoding.EncodeToString(sealed) != pass {
		return nil, ends, ErrPass
	}
	for _, secret := range *p.secrets.Load() {
		aead, err := passCipher(secret, kind, site)
		if err != nil {
			return nil, ends, err
		}
		text, err := aead.Open(nil, nil, sealed, nil)
		if err != nil || len(text) < 8 {
			continue
		}
		if ends = time.Unix(int64(binary.BigEndian.Uint64(text)), 0); !p.now().Before(ends) {
			return nil, ends, ErrPass
		}
		return text[8:], ends, nil
	}
	return nil, ends, ErrPass
}
