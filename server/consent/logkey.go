package consent

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/volenti-consent/volenti/server/auditlog"
)

const (
	logKeyFile     = "log.key"
	witnessKeyFile = "witness.key"

	retiredLogKey, retiredLogKeyEnd = "log-", ".vkey" // with the hash of the key between
)

// OpenLogKey reads the key that signs checkpoints, or makes it of random for a log
// that is called origin. Both stay: what was signed names them, so an origin that is
// asked for later is not looked at here.
func OpenLogKey(store KeyStore, origin string, random io.Reader) (*auditlog.LogKey, error) {
	return openLine(store, logKeyFile, auditlog.ParseLogKey, func() (*auditlog.LogKey, string, error) {
		k, err := auditlog.NewLogKey(origin, random)
		if err != nil {
			return nil, "", err
		}
		return k, k.Secret(), nil
	})
}

// ReadLogKey reads the key that signs checkpoints; fs.ErrNotExist where none was made.
func ReadLogKey(store KeyStore) (*auditlog.LogKey, error) {
	return readLine(store, logKeyFile, auditlog.ParseLogKey)
}

// RenewLogKey puts a new key of random, for a log that is called origin, in the place
// of the one there is, if any. With the old one nobody can sign any more; its public
// half stays beside it.
func RenewLogKey(store KeyStore, origin string, random io.Reader) (*auditlog.LogKey, error) {
	k, err := auditlog.NewLogKey(origin, random)
	if err != nil {
		return nil, err
	}
	err = store.ChangeKeys(func(w KeyWriter) error {
		old, err := readLine(w, logKeyFile, auditlog.ParseLogKey)
		if err != nil && !NoLogKey(err) {
			return err
		}
		if old != nil {
			name := fmt.Sprintf("%s%08x%s", retiredLogKey, old.Verifier().KeyHash(), retiredLogKeyEnd)
			if err := w.WriteKey(name, []byte(old.VerifierKey()+"\n"), false); err != nil {
				return err
			}
		}
		return w.WriteKey(logKeyFile, []byte(k.Secret()+"\n"), true)
	})
	if err != nil {
		return nil, err
	}
	return k, nil
}

// RetiredLogKeys are the public keys (vkey) under which the log was signed before.
func RetiredLogKeys(store KeyStore) ([]string, error) {
	names, err := store.KeyNames()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var keys []string
	for _, name := range names { // sorted
		if !strings.HasPrefix(name, retiredLogKey) || !strings.HasSuffix(name, retiredLogKeyEnd) {
			continue
		}
		b, err := store.ReadKey(name)
		if err != nil {
			return nil, err
		}
		key := strings.TrimSuffix(string(b), "\n")
		if _, err := auditlog.NewVerifier(key); err != nil {
			return nil, fmt.Errorf("%s: %w", store.Where(name), err)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// ForgetWitnessKey removes the key that cosigns other logs: the next one is another
// witness, which nobody counts on yet. It must be called where what was cosigned may
// be forgotten.
func ForgetWitnessKey(store KeyStore) error {
	return store.ChangeKeys(func(w KeyWriter) error {
		if err := w.RemoveKey(witnessKeyFile); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	})
}

// OpenWitnessKey reads the key that cosigns checkpoints of other logs, or makes it of
// random under a name.
func OpenWitnessKey(store KeyStore, name string, random io.Reader) (*auditlog.WitnessKey, error) {
	return openLine(store, witnessKeyFile, auditlog.ParseWitnessKey, func() (*auditlog.WitnessKey, string, error) {
		k, err := auditlog.NewWitnessKey(name, random)
		if err != nil {
			return nil, "", err
		}
		return k, k.Secret(), nil
	})
}

// openLine reads a key of one line, or keeps the one that is made.
func openLine[K any](store KeyStore, name string, parse func(string) (K, error), create func() (K, string, error)) (k K, err error) {
	err = store.ChangeKeys(func(w KeyWriter) (err error) {
		if k, err = readLine(w, name, parse); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		var text string
		if k, text, err = create(); err != nil {
			return err
		}
		return w.WriteKey(name, []byte(text+"\n"), true)
	})
	return k, err
}

// readLine reads a key of one line.
func readLine[K any](r keyReader, name string, parse func(string) (K, error)) (k K, err error) {
	b, err := r.ReadKey(name)
	if err != nil {
		return k, err
	}
	if k, err = parse(strings.TrimSuffix(string(b), "\n")); err != nil {
		return k, fmt.Errorf("%s: %w: restore it from a backup", r.Where(name), err)
	}
	return k, nil
}

// NoLogKey reports whether err says that no key of the log was made yet.
func NoLogKey(err error) bool { return errors.Is(err, fs.ErrNotExist) }
