package consent

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// ReadPublicKeys are the keys under which receipts were signed, or will be. It makes
// none and changes nothing. fs.ErrNotExist where there are none.
func ReadPublicKeys(store KeyStore) (PublicKeys, error) {
	names, err := store.KeyNames()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	keys := PublicKeys{}
	for _, name := range names {
		if !strings.HasPrefix(name, privatePrefix) || !strings.HasSuffix(name, privateSuffix) {
			continue
		}
		var key ed25519.PublicKey
		if strings.HasSuffix(name, publicSuffix) {
			key, err = readPublic(store, name)
		} else {
			var private ed25519.PrivateKey
			if private, err = readPrivate(store, name); err == nil {
				key = private.Public().(ed25519.PublicKey)
			}
		}
		if err != nil {
			return nil, err
		}
		keys[Thumbprint(key)] = key
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%s holds no keys of receipts: %w", store.Where(""), fs.ErrNotExist)
	}
	return keys, nil
}
