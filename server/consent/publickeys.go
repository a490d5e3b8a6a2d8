package consent

import (
	"crypto/ed25519"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// ReadPublicKeys are the keys under which receipts were signed in a folder of keys. It
// makes none and changes nothing there.
func ReadPublicKeys(folder string) (PublicKeys, error) {
	files, err := filepath.Glob(filepath.Join(folder, privatePrefix+"*"+privateSuffix))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s holds no keys of receipts: %w", folder, os.ErrNotExist)
	}
	keys := PublicKeys{}
	for _, file := range files {
		var key ed25519.PublicKey
		if strings.HasSuffix(file, publicSuffix) {
			key, err = readPublic(file)
		} else {
			var private ed25519.PrivateKey
			if private, err = readPrivate(file); err == nil {
				key = private.Public().(ed25519.PublicKey)
			}
		}
		if err != nil {
			return nil, err
		}
		keys[Thumbprint(key)] = key
	}
	return keys, nil
}
