package consent

import (
	"crypto/hkdf"
	"crypto/sha256"
	"sync"
)

// SiteKey derives the key of one site for one purpose from a secret of the
// installation (HKDF, RFC 5869). Whoever learns one learns nothing of another's, and
// what is made for one site opens nothing of another whatever it says of itself.
// Size is at most 255 times that of SHA-256.
func SiteKey(secret []byte, purpose, site string, size int) []byte {
	key, err := hkdf.Key(sha256.New, secret, []byte("volenti site keys v1"), purpose+"\x00"+site, size)
	if err != nil {
		panic("consent: derive a key: " + err.Error()) // only for a size that nobody asks for
	}
	return key
}

// siteKeys are the keys of all sites for one purpose. It is safe for concurrent use.
type siteKeys struct {
	secrets [][]byte // of the installation, the current one first
	purpose string
	bySite  sync.Map // string → [][]byte
}

// of are the keys of a site that is there: they are kept. Behind those of the site
// stand the installation's own, with which everything was made before sites had keys:
// they sign nothing any more, and what they signed is read until its time is over.
func (k *siteKeys) of(site string) [][]byte {
	if kept, ok := k.bySite.Load(site); ok {
		return kept.([][]byte)
	}
	keys := make([][]byte, 0, 2*len(k.secrets))
	for _, secret := range k.secrets {
		keys = append(keys, SiteKey(secret, k.purpose, site, tokenKeySize))
	}
	keys = append(keys, k.secrets...)
	k.bySite.Store(site, keys)
	return keys
}
