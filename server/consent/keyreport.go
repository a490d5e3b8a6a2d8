package consent

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"
)

// A KeyReport is what stands in a folder of keys, for whoever looks and changes nothing.
type KeyReport struct {
	Signs   string               // id of the key that signs; "" if there is none
	Since   time.Time            // when its file was written
	Public  map[string]time.Time // ids of keys that verify, that which signs included, and when their files were written
	Secrets bool                 // there are secrets of tokens and cookies
	Console bool                 // there are secrets of the console
	Wrong   []error              // files that can't be used, each with its mend
}

// ReportKeys looks at the keys of a store without making, mending or locking anything.
// When a key was written is known of a folder only.
func ReportKeys(store KeyStore) (r KeyReport, err error) {
	r.Public = map[string]time.Time{}
	names, err := store.KeyNames()
	if err != nil {
		return r, err
	}
	for _, name := range names {
		stem, isPublic := strings.CutSuffix(name, publicSuffix)
		stem, isKey := strings.CutPrefix(strings.TrimSuffix(stem, privateSuffix), privatePrefix)
		if !isKey || !strings.HasSuffix(name, privateSuffix) {
			continue
		}
		var since time.Time
		if info, err := os.Stat(store.Where(name)); err == nil {
			since = info.ModTime()
		}
		var public ed25519.PublicKey
		if isPublic {
			public, err = readPublic(store, name)
		} else {
			var private ed25519.PrivateKey
			if private, err = readPrivate(store, name); err == nil {
				public = private.Public().(ed25519.PublicKey)
			}
		}
		switch {
		case err != nil:
			r.Wrong = append(r.Wrong, err)
			continue
		case Thumbprint(public) != stem:
			r.Wrong = append(r.Wrong, fmt.Errorf("%s holds another key than its name says: restore it from a backup", store.Where(name)))
			continue
		case !isPublic && r.Signs != "":
			r.Wrong = append(r.Wrong, fmt.Errorf("%s and %s both sign: keep one, and of the other the public half only", store.Where(name), store.Where(privateName(r.Signs))))
		case !isPublic:
			r.Signs, r.Since = stem, since
		}
		r.Public[stem] = since
	}
	for _, part := range []struct {
		is   *bool
		read func() error
	}{
		{&r.Secrets, func() error { _, err := readKept(store, secretsFile, parseSecrets); return err }},
		{&r.Console, func() error { _, err := readKept(store, consoleFile, parseConsoleSecrets); return err }},
	} {
		err := part.read()
		*part.is = err == nil
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			r.Wrong = append(r.Wrong, err)
		}
	}
	return r, nil
}
