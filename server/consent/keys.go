package consent

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"strings"
	"sync"

	"github.com/volenti-consent/volenti/server/auditlog"
)

// isKeyID: an RFC 7638 thumbprint, 32 bytes in base64url.
func isKeyID(s string) bool {
	return len(s) == 43 && only(s, func(c byte) bool { return alphanumeric(c) || c == '_' || c == '-' })
}

// Public keys stay forever: every receipt ever signed must verify.
const (
	privatePrefix = "receipt-"
	privateSuffix = ".pem"     // PKCS #8
	publicSuffix  = ".pub.pem" // SubjectPublicKeyInfo
)

// A Keyring signs receipts and knows the public keys of all that were ever
// signed here. In its store receipt-{kid}.pem is the key that signs,
// receipt-{kid}.pub.pem one that signed once, or will soon. It is safe for concurrent
// use.
type Keyring struct {
	store KeyStore

	mu      sync.RWMutex
	current ed25519.PrivateKey // guarded by mu
	kid     string             // of current; guarded by mu
	public  PublicKeys         // guarded by mu; replaced, never changed
}

// ring is what a store holds of it.
type ring struct {
	current ed25519.PrivateKey // nil: none
	public  PublicKeys
}

// OpenKeyring reads the keys of a store, or makes the first one of random. Every
// error names where a key stands and the mend.
func OpenKeyring(store KeyStore, random io.Reader) (*Keyring, error) {
	k := &Keyring{store: store}
	var found ring
	err := store.ChangeKeys(func(w KeyWriter) (err error) {
		if found, err = readRing(w); err != nil || found.current != nil {
			return err
		}
		if len(found.public) > 0 {
			return fmt.Errorf("%s: there are public keys, but none that signs: restore %s*%s from a backup, or remove them all to begin anew", w.Where(""), privatePrefix, privateSuffix)
		}
		if found.current, err = newSigningKey(random); err != nil {
			return err
		}
		return writePrivate(w, found.current)
	})
	if err != nil {
		return nil, err
	}
	k.adopt(found)
	return k, nil
}

// Sign signs a leaf with the current key.
func (k *Keyring) Sign(leaf [auditlog.LeafSize]byte) (kid string, signature []byte) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.kid, ed25519.Sign(k.current, signedText(leaf))
}

// Current is the id of the key that signs.
func (k *Keyring) Current() string {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.kid
}

// Public is every key receipts were signed with, by key id.
func (k *Keyring) Public() PublicKeys {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.public
}

// Refresh takes in what another process changed.
func (k *Keyring) Refresh() error {
	var found ring
	err := k.store.ChangeKeys(func(w KeyWriter) (err error) {
		found, err = readRing(w)
		return err
	})
	if err == nil {
		k.adopt(found)
	}
	return err
}

// Rotate makes a new key of random that signs from now on. Of the one before
// only the public half is kept: what it signed verifies, and nobody can sign
// with it any more.
func (k *Keyring) Rotate(random io.Reader) error {
	use, err := k.Announce(random)
	if err != nil {
		return err
	}
	return use()
}

// Announce makes a new key of random and keeps its public half, so that every process
// verifies with it; it signs from when use is called. In between there is time for all
// of them to Refresh: else one could be asked for a receipt of a key it does not know.
func (k *Keyring) Announce(random io.Reader) (use func() error, err error) {
	key, err := newSigningKey(random)
	if err != nil {
		return nil, err
	}
	kid, public := Thumbprint(key.Public().(ed25519.PublicKey)), key.Public().(ed25519.PublicKey)
	err = k.store.ChangeKeys(func(w KeyWriter) error {
		if found, err := readRing(w); err != nil || found.current == nil {
			return errors.Join(err, noSigningKey(w, found))
		}
		return writePublic(w, kid, public)
	})
	if err != nil {
		return nil, err
	}
	k.adopt(ring{public: PublicKeys{kid: public}})
	return func() error {
		var found ring
		err := k.store.ChangeKeys(func(w KeyWriter) (err error) {
			if found, err = readRing(w); err != nil || found.current == nil { // another process may have rotated
				return errors.Join(err, noSigningKey(w, found))
			}
			old := found.current.Public().(ed25519.PublicKey)
			// In this order a stop at any point leaves a folder that readRing understands.
			if err := writePublic(w, Thumbprint(old), old); err != nil {
				return err
			}
			if err := w.RemoveKey(publicKeyName(kid)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			if err := writePrivate(w, key); err != nil {
				return err
			}
			found.current = key
			return w.RemoveKey(privateName(Thumbprint(old)))
		})
		if err == nil {
			k.adopt(found)
		}
		return err
	}, nil
}

func noSigningKey(w KeyWriter, found ring) error {
	if found.current != nil {
		return nil
	}
	return fmt.Errorf("%s: there is no key that signs: restore it from a backup", w.Where(""))
}

func newSigningKey(random io.Reader) (ed25519.PrivateKey, error) {
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(random, seed); err != nil {
		return nil, fmt.Errorf("make a signing key: %w", err)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

func writePrivate(w KeyWriter, key ed25519.PrivateKey) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("make a signing key: %w", err)
	}
	return w.WriteKey(privateName(Thumbprint(key.Public().(ed25519.PublicKey))), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), true)
}

// adopt makes found's key the current one, if it has one, and adds its public keys.
// None is ever taken away from a process that knows it.
func (k *Keyring) adopt(found ring) {
	k.mu.Lock()
	defer k.mu.Unlock()
	public := PublicKeys{}
	maps.Copy(public, k.public)
	maps.Copy(public, found.public)
	if key := found.current; key != nil {
		k.current, k.kid = key, Thumbprint(key.Public().(ed25519.PublicKey))
		public[k.kid] = key.Public().(ed25519.PublicKey)
	}
	k.public = public
}

// readRing reads what there is. A private key whose public half stands beside it
// was being retired when a process ended; if another one is there, that is
// finished now.
func readRing(w KeyWriter) (ring, error) {
	names, err := w.KeyNames()
	if err != nil {
		return ring{}, err
	}
	private, public := map[string]ed25519.PrivateKey{}, PublicKeys{}
	for _, name := range names {
		stem, isPublic := strings.CutSuffix(name, publicSuffix)
		stem, isKey := strings.CutPrefix(strings.TrimSuffix(stem, privateSuffix), privatePrefix)
		var kid string
		switch {
		case !isKey || !strings.HasSuffix(name, privateSuffix):
			continue
		case isPublic:
			if public[stem], err = readPublic(w, name); err == nil {
				kid = Thumbprint(public[stem])
			}
		default:
			if private[stem], err = readPrivate(w, name); err == nil {
				kid = Thumbprint(private[stem].Public().(ed25519.PublicKey))
			}
		}
		if err == nil && kid != stem {
			err = fmt.Errorf("%s is another key than its name says: restore it from a backup", w.Where(name))
		}
		if err != nil {
			return ring{}, err
		}
	}
	for kid := range private {
		if _, retired := public[kid]; retired && len(private) > 1 {
			if err := w.RemoveKey(privateName(kid)); err != nil {
				return ring{}, fmt.Errorf("finish retiring key %s: %w", kid, err)
			}
			delete(private, kid)
		}
	}
	if len(private) > 1 {
		return ring{}, fmt.Errorf("%s: there are several keys that sign (%s): keep one; of the others keep the public half only, as %s{kid}%s (openssl pkey -in KEY -pubout)",
			w.Where(""), strings.Join(sortedKeys(private), ", "), privatePrefix, publicSuffix)
	}
	found := ring{public: public}
	for _, key := range private {
		found.current = key
	}
	return found, nil
}

func privateName(kid string) string { return privatePrefix + kid + privateSuffix }

func publicKeyName(kid string) string { return privatePrefix + kid + publicSuffix }

func writePublic(w KeyWriter, kid string, key ed25519.PublicKey) error {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return fmt.Errorf("public half of key %s: %w", kid, err)
	}
	return w.WriteKey(publicKeyName(kid), pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), false)
}

var errNotEd25519 = errors.New("this is not an Ed25519 key in PEM: restore it from a backup")

func readPrivate(r keyReader, name string) (ed25519.PrivateKey, error) {
	text, err := r.ReadKey(name)
	if err != nil {
		return nil, err
	}
	if block, _ := pem.Decode(text); block != nil {
		if parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
			if key, ok := parsed.(ed25519.PrivateKey); ok {
				return key, nil
			}
		}
	}
	return nil, fmt.Errorf("%s: %w", r.Where(name), errNotEd25519)
}

func readPublic(r keyReader, name string) (ed25519.PublicKey, error) {
	text, err := r.ReadKey(name)
	if err != nil {
		return nil, err
	}
	key, err := parsePublicPEM(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.Where(name), err)
	}
	return key, nil
}

func parsePublicPEM(text []byte) (ed25519.PublicKey, error) {
	if block, _ := pem.Decode(text); block != nil {
		if parsed, err := x509.ParsePKIXPublicKey(block.Bytes); err == nil {
			if key, ok := parsed.(ed25519.PublicKey); ok {
				return key, nil
			}
		}
	}
	return nil, errNotEd25519
}
