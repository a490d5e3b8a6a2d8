package consent

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/volenti-consent/volenti/server/auditlog"
)

const (
	logKeyFile     = "log.key"
	witnessKeyFile = "witness.key"
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
// of the one there is. With the old one nobody can sign any more.
func RenewLogKey(folder, origin string, random io.Reader) (*auditlog.LogKey, error) {
	unlock, err := lockKeys(folder)
	if err != nil {
		return nil, err
	}
	defer unlock()
	k, err := auditlog.NewLogKey(origin, random)
	if err != nil {
		return nil, err
	}
	return k, writeFile(filepath.Join(folder, logKeyFile), []byte(k.Secret()+"\n"), 0o600)
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
