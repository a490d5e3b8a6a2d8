package consent

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
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
func OpenLogKey(folder, origin string, random io.Reader) (*auditlog.LogKey, error) {
	return openKept(folder, random, ReadLogKey, func(folder string, _ *auditlog.LogKey, random io.Reader) (*auditlog.LogKey, error) {
		k, err := auditlog.NewLogKey(origin, random)
		if err != nil {
			return nil, err
		}
		return k, writeFile(filepath.Join(folder, logKeyFile), []byte(k.Secret()+"\n"), 0o600)
	})
}

// ReadLogKey reads the key that signs checkpoints; fs.ErrNotExist where none was made.
func ReadLogKey(folder string) (*auditlog.LogKey, error) {
	return readLine(folder, logKeyFile, auditlog.ParseLogKey)
}

// RenewLogKey puts a new key of random, for a log that is called origin, in the place
// of the one there is, if any. With the old one nobody can sign any more; its public
// half stays beside it.
func RenewLogKey(folder, origin string, random io.Reader) (*auditlog.LogKey, error) {
	unlock, err := lockKeys(folder)
	if err != nil {
		return nil, err
	}
	defer unlock()
	old, err := ReadLogKey(folder)
	if err != nil && !NoLogKey(err) {
		return nil, err
	}
	k, err := auditlog.NewLogKey(origin, random)
	if err != nil {
		return nil, err
	}
	if old != nil {
		name := fmt.Sprintf("%s%08x%s", retiredLogKey, old.Verifier().KeyHash(), retiredLogKeyEnd)
		if err := writeFile(filepath.Join(folder, name), []byte(old.VerifierKey()+"\n"), 0o644); err != nil {
			return nil, err
		}
	}
	return k, writeFile(filepath.Join(folder, logKeyFile), []byte(k.Secret()+"\n"), 0o600)
}

// RetiredLogKeys are the public keys (vkey) under which the log was signed before.
func RetiredLogKeys(folder string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(folder, retiredLogKey+"*"+retiredLogKeyEnd))
	if err != nil {
		return nil, err
	}
	var keys []string
	for _, file := range files { // sorted
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		key := strings.TrimSuffix(string(b), "\n")
		if _, err := auditlog.NewVerifier(key); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// ForgetWitnessKey removes the key that cosigns other logs: the next one is another
// witness, which nobody counts on yet. It must be called where what was cosigned may
// be forgotten.
func ForgetWitnessKey(folder string) error {
	unlock, err := lockKeys(folder)
	if err != nil {
		return err
	}
	defer unlock()
	if err := removeFile(filepath.Join(folder, witnessKeyFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// OpenWitnessKey reads the key that cosigns checkpoints of other logs, or makes it of
// random under a name.
func OpenWitnessKey(folder, name string, random io.Reader) (*auditlog.WitnessKey, error) {
	return openKept(folder, random, func(folder string) (*auditlog.WitnessKey, error) {
		return readLine(folder, witnessKeyFile, auditlog.ParseWitnessKey)
	}, func(folder string, _ *auditlog.WitnessKey, random io.Reader) (*auditlog.WitnessKey, error) {
		k, err := auditlog.NewWitnessKey(name, random)
		if err != nil {
			return nil, err
		}
		return k, writeFile(filepath.Join(folder, witnessKeyFile), []byte(k.Secret()+"\n"), 0o600)
	})
}

// readLine reads a key of one line.
func readLine[K any](folder, file string, parse func(string) (K, error)) (k K, err error) {
	path := filepath.Join(folder, file)
	b, err := readSecret(path)
	if err != nil {
		return k, err
	}
	if k, err = parse(strings.TrimSuffix(string(b), "\n")); err != nil {
		return k, fmt.Errorf("%s: %w: restore it from a backup", path, err)
	}
	return k, nil
}

// NoLogKey reports whether err says that no key of the log was made yet.
func NoLogKey(err error) bool { return errors.Is(err, fs.ErrNotExist) }
