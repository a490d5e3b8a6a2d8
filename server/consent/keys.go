package consent

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"github.com/volenti-consent/volenti/server/auditlog"
)

// keyID is an RFC 7638 thumbprint: 32 bytes in base64url.
var keyID = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

// Public keys stay forever: every receipt ever signed must verify.
const (
	privatePrefix = "receipt-"
	privateSuffix = ".pem"     // PKCS #8
	publicSuffix  = ".pub.pem" // SubjectPublicKeyInfo
)

// A Keyring signs receipts and knows the public keys of all that were ever
// signed here. It lives in a folder: receipt-{kid}.pem is the key that signs,
// receipt-{kid}.pub.pem one that signed once. It is safe for concurrent use.
type Keyring struct {
	folder string

	mu      sync.RWMutex
	current ed25519.PrivateKey // guarded by mu
	kid     string             // of current; guarded by mu
	public  PublicKeys         // guarded by mu; replaced, never changed
}

// OpenKeyring reads the keys in folder, or makes the first one of random. Every
// error names the file and the mend.
func OpenKeyring(folder string, random io.Reader) (*Keyring, error) {
	unlock, err := lockKeys(folder)
	if err != nil {
		return nil, err
	}
	defer unlock()
	k := &Keyring{folder: folder}
	if err := k.read(); err != nil {
		return nil, err
	}
	if k.current != nil {
		return k, nil
	}
	if len(k.public) > 0 {
		return nil, fmt.Errorf("%s holds public keys, but none that signs: restore %s*%s from a backup, or remove the folder to begin anew", folder, privatePrefix, privateSuffix)
	}
	if err := k.make(random); err != nil {
		return nil, err
	}
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

// Rotate makes a new key of random that signs from now on. Of the one before
// only the public half is kept: what it signed verifies, and nobody can sign
// with it any more. Other processes use the new key after they start again.
func (k *Keyring) Rotate(random io.Reader) error {
	unlock, err := lockKeys(k.folder)
	if err != nil {
		return err
	}
	defer unlock()
	if err := k.read(); err != nil { // another process may have rotated
		return err
	}
	k.mu.RLock()
	old, kid := k.current, k.kid
	k.mu.RUnlock()
	if old == nil {
		return fmt.Errorf("%s holds no key that signs: restore it from a backup", k.folder)
	}
	// In this order a crash at any point leaves a folder that read understands.
	if err := writePublic(k.folder, kid, old.Public().(ed25519.PublicKey)); err != nil {
		return err
	}
	if err := k.make(random); err != nil {
		return err
	}
	return removeFile(privatePath(k.folder, kid))
}

// make creates a key, makes it durable, then current.
func (k *Keyring) make(random io.Reader) error {
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(random, seed); err != nil {
		return fmt.Errorf("make a signing key: %w", err)
	}
	key := ed25519.NewKeyFromSeed(seed)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("make a signing key: %w", err)
	}
	kid := Thumbprint(key.Public().(ed25519.PublicKey))
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if err := writeFile(privatePath(k.folder, kid), text, 0o600); err != nil {
		return err
	}
	k.adopt(key, nil)
	return nil
}

// adopt makes key the current one and adds it and others to the public keys.
func (k *Keyring) adopt(key ed25519.PrivateKey, others PublicKeys) {
	k.mu.Lock()
	defer k.mu.Unlock()
	public := PublicKeys{}
	maps.Copy(public, k.public)
	maps.Copy(public, others)
	if key != nil {
		k.current, k.kid = key, Thumbprint(key.Public().(ed25519.PublicKey))
		public[k.kid] = key.Public().(ed25519.PublicKey)
	}
	k.public = public
}

// read takes in the folder. A private key whose public half stands beside it
// was being retired when the process ended; if another one is there, that is
// finished now.
func (k *Keyring) read() error {
	entries, err := os.ReadDir(k.folder)
	if err != nil {
		return fmt.Errorf("read the folder of keys: %w", err)
	}
	private, public := map[string]ed25519.PrivateKey{}, PublicKeys{}
	for _, entry := range entries {
		name, path := entry.Name(), filepath.Join(k.folder, entry.Name())
		stem, isPublic := strings.CutSuffix(name, publicSuffix)
		stem, isKey := strings.CutPrefix(strings.TrimSuffix(stem, privateSuffix), privatePrefix)
		switch {
		case !isKey || !strings.HasSuffix(name, privateSuffix):
			continue
		case isPublic:
			public[stem], err = readPublic(path)
			if err == nil && Thumbprint(public[stem]) != stem {
				err = fmt.Errorf("%s holds another key than its name says: restore it from a backup", path)
			}
		default:
			private[stem], err = readPrivate(path)
			if err == nil && Thumbprint(private[stem].Public().(ed25519.PublicKey)) != stem {
				err = fmt.Errorf("%s holds another key than its name says: restore it from a backup", path)
			}
		}
		if err != nil {
			return err
		}
	}
	for kid := range private {
		if _, retired := public[kid]; retired && len(private) > 1 {
			if err := removeFile(privatePath(k.folder, kid)); err != nil {
				return fmt.Errorf("finish retiring key %s: %w", kid, err)
			}
			delete(private, kid)
		}
	}
	if len(private) > 1 {
		return fmt.Errorf("%s holds several keys that sign (%s): keep one; of the others keep the public half only, as %s{kid}%s (openssl pkey -in KEY -pubout)",
			k.folder, strings.Join(sortedKeys(private), ", "), privatePrefix, publicSuffix)
	}
	var current ed25519.PrivateKey
	for _, key := range private {
		current = key
	}
	k.adopt(current, public)
	return nil
}

func privatePath(folder, kid string) string {
	return filepath.Join(folder, privatePrefix+kid+privateSuffix)
}

func writePublic(folder, kid string, key ed25519.PublicKey) error {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return fmt.Errorf("public half of key %s: %w", kid, err)
	}
	return writeFile(filepath.Join(folder, privatePrefix+kid+publicSuffix), pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o644)
}

var errNotEd25519 = errors.New("this is not an Ed25519 key in PEM: restore it from a backup")

func readPrivate(path string) (ed25519.PrivateKey, error) {
	text, err := readSecret(path)
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
	return nil, fmt.Errorf("%s: %w", path, errNotEd25519)
}

func readPublic(path string) (ed25519.PublicKey, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	key, err := parsePublicPEM(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
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
